#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "trace_tables.h"

#include "tracefmt/error.h"
#include "tracefmt/limits.h"

static const struct tfmt_lost_rows lost_rows = {
	.string = {.data = "[lost]", .length = 6},
	.mapping = {.path = TFMT_LOST_ID},
	.frame = {.function = TFMT_LOST_ID},
	.stack = {.frame = TFMT_LOST_ID},
	.process = {.info = {.name = TFMT_LOST_ID}},
	.thread = {.info = {.name = TFMT_LOST_ID}},
	.metric = {.name = TFMT_LOST_ID, .unit = TFMT_LOST_ID, .help = TFMT_LOST_ID},
};

static const void *lost_row(const struct tfmt_trace *trace, enum tfmt_kind kind)
{
	switch (kind) {
	case TFMT_STRING:
		return &trace->lost.string;
	case TFMT_MAPPING:
		return &trace->lost.mapping;
	case TFMT_FRAME:
		return &trace->lost.frame;
	case TFMT_STACK:
		return &trace->lost.stack;
	case TFMT_PROCESS:
		return &trace->lost.process;
	case TFMT_THREAD:
		return &trace->lost.thread;
	case TFMT_METRIC:
		return &trace->lost.metric;
	case TFMT_LIFE:
		return &trace->lost.life;
	default:
		return &trace->lost.symbol;
	}
}

static size_t row_bytes(enum tfmt_kind kind)
{
	if (kind == TFMT_PROCESS)
		return sizeof(struct tfmt_process_entry);
	if (kind == TFMT_THREAD)
		return sizeof(struct tfmt_thread_entry);
	return tfmt_schema__of(kind)->row_bytes;
}

static int begin_tables(struct tfmt_trace *trace)
{
	static const uint32_t no_depth;
	struct tfmt_string *empty;
	bool ignored;

	*trace = (struct tfmt_trace){.lost = lost_rows};
	tfmt_table__init(&trace->depths, sizeof(uint32_t), &no_depth);
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++) {
		if (!tfmt_schema__of(kind)->is_table)
			continue;
		tfmt_table__init(&trace->tables[kind], row_bytes(kind), lost_row(trace, kind));
		/* Row 0 means "none" and is empty. */
		if (!tfmt_table__put(&trace->tables[kind], 0, &ignored))
			return TFMT_E_NOMEM;
	}
	empty = tfmt_table__put(&trace->tables[TFMT_STRING], 0, &ignored);
	empty->data = "";
	return 0;
}

struct tfmt_trace *tfmt_trace__new(void)
{
	struct tfmt_trace *trace = malloc(sizeof(*trace));

	if (trace && begin_tables(trace) < 0) {
		tfmt_trace__free(trace);
		return NULL;
	}
	return trace;
}

static void release_tables(struct tfmt_trace *trace)
{
	struct tfmt_table *processes = &trace->tables[TFMT_PROCESS];

	for (uint32_t id = 1; id <= processes->count; id++)
		if (tfmt_table__has(processes, id)) {
			const struct tfmt_process_entry *entry = tfmt_table__row(processes, id);

			free(entry->images);
		}
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++)
		tfmt_table__release(&trace->tables[kind]);
	tfmt_table__release(&trace->depths);
	tfmt_arena__release(&trace->texts);
	tfmt_names__free(trace->names);
}

void tfmt_trace__free(struct tfmt_trace *trace)
{
	if (trace)
		release_tables(trace);
	free(trace);
}

int tfmt_trace__clear(struct tfmt_trace *trace)
{
	release_tables(trace);
	return begin_tables(trace);
}

static int put_string(
	struct tfmt_trace *trace, struct tfmt_string *row, const struct tfmt_string *given)
{
	*row = *given;
	row->data = tfmt_arena__text(&trace->texts, given->data, given->length);
	if (row->data)
		return 0;
	row->data = "";
	row->length = 0;
	return TFMT_E_NOMEM;
}

/*
 * Note how deep the new stacks of a chunk are. Done before any is added: a chunk is taken whole or
 * not at all.
 */
static int note_depths(
	struct tfmt_trace *trace, uint32_t first_id, const struct tfmt_stack *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t id = first_id + (uint32_t)i, parent_depth, *depth;
		bool ignored;

		if (tfmt_table__has(&trace->tables[TFMT_STACK], id))
			continue;
		parent_depth = *(const uint32_t *)tfmt_table__row(&trace->depths, rows[i].parent);
		if (parent_depth >= TFMT_MAX_DEPTH)
			return TFMT_E_LIMIT;
		depth = tfmt_table__put(&trace->depths, id, &ignored);
		if (!depth)
			return TFMT_E_NOMEM;
		*depth = parent_depth + 1;
	}
	return 0;
}

static void put_process(struct tfmt_trace *trace, struct tfmt_process_entry *entry,
	const struct tfmt_process *given)
{
	*entry = (struct tfmt_process_entry){0};
	entry->info.start_ns = given->start_ns;
	entry->info.pid = given->pid;
	entry->info.ppid = given->ppid;
	entry->info.parent = given->parent;
	trace->is_unsettled = true;
}

static void put_thread(struct tfmt_trace *trace, uint32_t id, struct tfmt_thread_entry *row,
	const struct tfmt_thread *given)
{
	struct tfmt_table *processes = &trace->tables[TFMT_PROCESS];
	bool ignored;

	*row = (struct tfmt_thread_entry){0};
	row->info.start_ns = given->start_ns;
	row->info.process = given->process;
	row->info.tid = given->tid;
	trace->is_unsettled = true;
	if (given->process != 0 && tfmt_table__has(processes, given->process)) {
		struct tfmt_process_entry *entry =
			tfmt_table__put(processes, given->process, &ignored);

		entry->info.thread_count++;
		if (given->tid == entry->info.pid)
			entry->info.main_thread = id;
	}
}

static int put_row(struct tfmt_trace *trace, enum tfmt_kind kind, uint32_t id, const void *given)
{
	bool is_new;
	void *row = tfmt_table__put(&trace->tables[kind], id, &is_new);

	if (!row)
		return TFMT_E_NOMEM;
	if (!is_new)
		return 0;
	switch (kind) {
	case TFMT_STRING:
		return put_string(trace, row, given);
	case TFMT_PROCESS:
		put_process(trace, row, given);
		return 0;
	case TFMT_THREAD:
		put_thread(trace, id, row, given);
		return 0;
	case TFMT_LIFE:
		memcpy(row, given, sizeof(struct tfmt_life));
		return tfmt_trace__apply_life(trace, row);
	default:
		memcpy(row, given, trace->tables[kind].row_bytes);
		return 0;
	}
}

int tfmt_trace__apply(struct tfmt_trace *trace, enum tfmt_kind kind, uint32_t first_id,
	const void *rows, size_t count)
{
	size_t given_bytes = tfmt_schema__of(kind)->row_bytes;
	const uint8_t *given = rows;
	int status = kind == TFMT_STACK ? note_depths(trace, first_id, rows, count) : 0;

	for (size_t i = 0; i < count && status == 0; i++, given += given_bytes)
		status = put_row(trace, kind, first_id + (uint32_t)i, given);
	return status;
}

uint32_t tfmt_trace_count(const struct tfmt_trace *trace, enum tfmt_kind kind)
{
	if (!tfmt_kind_name(kind) || kind > TFMT_METRIC)
		return 0;
	return trace->tables[kind].count;
}

const struct tfmt_string *tfmt_trace_string(const struct tfmt_trace *trace, uint32_t id)
{
	return tfmt_table__row(&trace->tables[TFMT_STRING], id);
}

const struct tfmt_mapping *tfmt_trace_mapping(const struct tfmt_trace *trace, uint32_t id)
{
	return tfmt_table__row(&trace->tables[TFMT_MAPPING], id);
}

const struct tfmt_frame *tfmt_trace_frame(const struct tfmt_trace *trace, uint32_t id)
{
	return tfmt_table__row(&trace->tables[TFMT_FRAME], id);
}

const struct tfmt_stack *tfmt_trace_stack(const struct tfmt_trace *trace, uint32_t id)
{
	return tfmt_table__row(&trace->tables[TFMT_STACK], id);
}

const struct tfmt_metric *tfmt_trace_metric(const struct tfmt_trace *trace, uint32_t id)
{
	return tfmt_table__row(&trace->tables[TFMT_METRIC], id);
}

const char *tfmt_trace_text(const struct tfmt_trace *trace, uint32_t id)
{
	return tfmt_trace_string(trace, id)->data;
}

const char *tfmt_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] != '\0' ? slash + 1 : path;
}
