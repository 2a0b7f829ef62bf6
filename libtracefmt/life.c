#include <stdlib.h>

#include "trace_tables.h"

#include "tracefmt/error.h"

/* A row that is there, to be changed; NULL for id 0 and lost ones. */
static void *find(struct tfmt_table *table, uint32_t id)
{
	bool ignored;

	return id != 0 && tfmt_table__has(table, id) ? tfmt_table__put(table, id, &ignored) : NULL;
}

/* Images grow one by one: room doubles whenever their number is a power of two. */
static int add_image(struct tfmt_process_entry *entry, const struct tfmt_life *life)
{
	size_t count = entry->info.image_count;

	if ((count & (count - 1)) == 0) {
		struct tfmt_image *grown =
			reallocarray(entry->images, count ? count * 2 : 1, sizeof(*grown));

		if (!grown)
			return TFMT_E_NOMEM;
		entry->images = grown;
	}
	entry->images[count] = (struct tfmt_image){.time_ns = life->time_ns,
		.name = life->name,
		.exe = life->exe,
		.argv = life->argv,
		.cwd = life->cwd};
	entry->info.images = entry->images;
	entry->info.image_count = count + 1;
	return 0;
}

static int apply_to_process(struct tfmt_process_entry *entry, const struct tfmt_life *life)
{
	switch ((enum tfmt_life_event)life->event) {
	case TFMT_LIFE_START:
		if (entry->info.start_ns == 0)
			entry->info.start_ns = life->time_ns;
		break;
	case TFMT_LIFE_EXEC:
		return add_image(entry, life);
	case TFMT_LIFE_NAME:
		if (entry->info.image_count > 0)
			entry->images[entry->info.image_count - 1].name = life->name;
		else
			entry->own_name = life->name;
		break;
	case TFMT_LIFE_EXIT:
		entry->info.end_ns = life->status_type == TFMT_STATUS_ALIVE ? 0 : life->time_ns;
		entry->info.status_type = life->status_type;
		entry->info.status = life->status;
		break;
	}
	return 0;
}

static void apply_to_thread(struct tfmt_thread_entry *entry, const struct tfmt_life *life)
{
	struct tfmt_thread_info *thread = &entry->info;

	switch ((enum tfmt_life_event)life->event) {
	case TFMT_LIFE_START:
		if (thread->start_ns == 0)
			thread->start_ns = life->time_ns;
		break;
	case TFMT_LIFE_EXEC:
	case TFMT_LIFE_NAME:
		entry->own_name = life->name;
		break;
	case TFMT_LIFE_EXIT:
		thread->end_ns = life->status_type == TFMT_STATUS_ALIVE ? 0 : life->time_ns;
		break;
	}
}

int tfmt_trace__apply_life(struct tfmt_trace *trace, const struct tfmt_life *life)
{
	struct tfmt_process_entry *process;
	struct tfmt_thread_entry *thread;

	trace->is_unsettled = true;
	if (life->thread != 0) {
		thread = find(&trace->tables[TFMT_THREAD], life->thread);
		if (thread)
			apply_to_thread(thread, life);
		return 0;
	}
	process = find(&trace->tables[TFMT_PROCESS], life->process);
	return process ? apply_to_process(process, life) : 0;
}

/* The image that `parent` had at `time_ns`; NULL when it has none. */
static const struct tfmt_image *image_at(const struct tfmt_process_entry *parent, uint64_t time_ns)
{
	const struct tfmt_image *found = NULL;

	for (size_t i = 0; i < parent->info.image_count; i++)
		if (i == 0 || parent->images[i].time_ns <= time_ns)
			found = &parent->images[i];
	return found;
}

static void inherit(struct tfmt_process_entry *entry, const struct tfmt_process_entry *parent)
{
	const struct tfmt_image *image = image_at(parent, entry->info.start_ns);
	struct tfmt_process_info *info = &entry->info;

	info->name = image ? image->name : parent->info.name;
	info->exe = image ? image->exe : parent->info.exe;
	info->argv = image ? image->argv : parent->info.argv;
	info->cwd = image ? image->cwd : parent->info.cwd;
	if (entry->own_name != 0)
		info->name = entry->own_name;
}

static void settle_process(struct tfmt_trace *trace, struct tfmt_process_entry *entry)
{
	struct tfmt_table *processes = &trace->tables[TFMT_PROCESS];

	if (entry->info.image_count > 0) {
		const struct tfmt_image *last = &entry->images[entry->info.image_count - 1];

		entry->info.name = last->name;
		entry->info.exe = last->exe;
		entry->info.argv = last->argv;
		entry->info.cwd = last->cwd;
		return;
	}
	inherit(entry, tfmt_table__row(processes, entry->info.parent));
}

static void settle_thread(struct tfmt_trace *trace, struct tfmt_thread_entry *entry)
{
	const struct tfmt_process_entry *process =
		tfmt_table__row(&trace->tables[TFMT_PROCESS], entry->info.process);

	entry->info.name = entry->own_name ? entry->own_name : process->info.name;
}

void tfmt_trace__settle(struct tfmt_trace *trace)
{
	struct tfmt_table *processes = &trace->tables[TFMT_PROCESS];
	struct tfmt_table *threads = &trace->tables[TFMT_THREAD];

	if (!trace->is_unsettled)
		return;
	/* Parents have smaller ids, so that one pass is enough. */
	for (uint32_t id = 1; id <= processes->count; id++) {
		struct tfmt_process_entry *entry = find(processes, id);

		if (entry)
			settle_process(trace, entry);
	}
	for (uint32_t id = 1; id <= threads->count; id++) {
		struct tfmt_thread_entry *entry = find(threads, id);

		if (entry)
			settle_thread(trace, entry);
	}
	trace->is_unsettled = false;
}

const struct tfmt_process_info *tfmt_trace_process(const struct tfmt_trace *trace, uint32_t id)
{
	const struct tfmt_process_entry *entry;

	/* Derived fields are a cache: filling it does not change what the trace says. */
	tfmt_trace__settle((struct tfmt_trace *)trace);
	entry = tfmt_table__row(&trace->tables[TFMT_PROCESS], id);
	return &entry->info;
}

const struct tfmt_thread_info *tfmt_trace_thread(const struct tfmt_trace *trace, uint32_t id)
{
	const struct tfmt_thread_entry *entry;

	tfmt_trace__settle((struct tfmt_trace *)trace);
	entry = tfmt_table__row(&trace->tables[TFMT_THREAD], id);
	return &entry->info;
}
