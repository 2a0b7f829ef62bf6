/*
 * Which rows of two parts mean the same.
 *
 * A process is the same one when boot, pid and start are; where a start is not known, when both
 * can have lived at once. Threads likewise within their process; metrics by who and what. Names
 * are the writer's to compare.
 */
#include <stdlib.h>
#include <string.h>

#include "merge_state.h"

/* More than there can be processes. */
#define PID_STEP 10000000u

/* What /proc and perf say of one start differs by a tick of the kernel. */
#define START_TOLERANCE_NS UINT64_C(50000000)

enum exit_rank {
	EXIT_NOT_TOLD = 1,
	EXIT_ALIVE, /* when the recording ended */
	EXIT_SEEN,
	EXIT_WITH_STATUS,
};

static bool is_same_task(const struct imp_task *a, const struct imp_task *b)
{
	uint64_t apart_ns =
		a->start_ns > b->start_ns ? a->start_ns - b->start_ns : b->start_ns - a->start_ns;

	if (a->part == b->part)
		return false;
	if (a->start_ns && b->start_ns)
		return apart_ns <= START_TOLERANCE_NS;
	if ((a->end_ns && a->end_ns < b->alive_ns) || (b->end_ns && b->end_ns < a->alive_ns))
		return false;
	return a->start_ns <= b->alive_ns && b->start_ns <= a->alive_ns;
}

/* The id of the task that another part knows already, 0: none does. */
static uint32_t find_task(
	const struct imp_tasks *tasks, uint64_t scope, uint64_t number, const struct imp_task *task)
{
	uint32_t at = imp_ids_get(&tasks->heads, scope, number);

	while (at && !is_same_task(&tasks->items[at - 1], task))
		at = tasks->items[at - 1].next;
	return at ? tasks->items[at - 1].id : 0;
}

static int add_task(
	struct imp_tasks *tasks, uint64_t scope, uint64_t number, const struct imp_task *task)
{
	struct imp_task *grown =
		imp_merge_grow(tasks->items, &tasks->capacity, tasks->count + 1, sizeof(*grown));

	if (!grown)
		return TFMT_E_NOMEM;
	tasks->items = grown;
	tasks->items[tasks->count] = *task;
	tasks->items[tasks->count++].next = imp_ids_get(&tasks->heads, scope, number);
	return imp_ids_put(&tasks->heads, scope, number, (uint32_t)tasks->count);
}

/* Note how a task ended for this part: the record of who knows most counts, then of the last. */
static int note_life(struct imp_lives *lives, const struct imp_task *task, uint8_t rank)
{
	struct imp_life *grown = imp_merge_grow(
		lives->items, &lives->capacity, (size_t)task->id + 1, sizeof(*grown));
	struct imp_life *life;
	uint64_t seen_ns = task->end_ns ? task->end_ns : task->recorded_ns;

	if (!grown)
		return TFMT_E_NOMEM;
	lives->items = grown;
	life = &lives->items[task->id];
	if (rank > life->exit_rank || (rank == life->exit_rank && seen_ns > life->exit_ns)) {
		life->exit_rank = rank;
		life->exit_ns = seen_ns;
		life->exit_part = task->part;
	}
	return 0;
}

static uint64_t time_or_0(const struct imp_merge *merge, const struct imp_part *part, uint64_t ns)
{
	uint64_t time_ns = ns ? imp_merge_time(merge, part, ns) : 0;

	return ns && !time_ns ? 1 : time_ns;
}

static struct imp_task task_of(const struct imp_merge *merge, const struct imp_part *part,
	uint64_t start_ns, uint64_t end_ns)
{
	struct imp_task task = {
		.start_ns = time_or_0(merge, part, start_ns),
		.end_ns = time_or_0(merge, part, end_ns),
		.recorded_ns = time_or_0(merge, part, part->header->time_ns),
		.part = (uint32_t)(part - merge->parts),
	};

	task.alive_ns = task.start_ns ? task.start_ns : task.recorded_ns;
	return task;
}

/* Runs that are summed have nothing in common; else a boot has. */
static uint64_t scope_of(const struct imp_merge *merge, const struct imp_part *part)
{
	return merge->sums ? (uint64_t)(part - merge->parts) : part->boot;
}

static uint32_t moved(const struct imp_part *part, uint32_t pid)
{
	return pid ? pid + part->pid_base : 0;
}

/* The table tells no more of a process whose row is lost than that. */
static bool is_lost(const struct imp_part *part, const struct tfmt_process_info *info)
{
	return !info->image_count && !info->pid &&
	       !strcmp(tfmt_trace_text(part->rewrite.trace, info->name), "[lost]");
}

static int put_process(struct imp_merge *merge, struct imp_part *part, uint32_t id)
{
	struct imp_rewrite *rewrite = &part->rewrite;
	const struct tfmt_process_info *info = tfmt_trace_process(rewrite->trace, id);
	struct imp_task task = task_of(merge, part, info->start_ns, info->end_ns);
	union imp_row row = {
		.process = {task.start_ns, moved(part, info->pid),
			info->parent ? moved(part, info->ppid) : info->ppid, info->parent},
	};
	uint8_t rank = info->status_type == TFMT_STATUS_ALIVE	  ? EXIT_ALIVE
		       : info->status_type != TFMT_STATUS_UNKNOWN ? EXIT_WITH_STATUS
		       : info->end_ns				  ? EXIT_SEEN
								  : EXIT_NOT_TOLD;
	int status = 0;

	if (is_lost(part, info))
		return imp_rewrite_need(rewrite, TFMT_PROCESS, id);
	task.id = find_task(&merge->processes, scope_of(merge, part), info->pid, &task);
	if (!task.id) {
		status = imp_rewrite_ids(rewrite, TFMT_PROCESS, &row);
		if (!status)
			status = imp_rewrite_put(rewrite, TFMT_PROCESS, id, &row);
		task.id = rewrite->ids[TFMT_PROCESS][id];
	}
	rewrite->ids[TFMT_PROCESS][id] = task.id;
	if (!status)
		status = add_task(&merge->processes, scope_of(merge, part), info->pid, &task);
	return status ? status : note_life(&merge->process_lives, &task, rank);
}

static int put_thread(struct imp_merge *merge, struct imp_part *part, uint32_t id)
{
	struct imp_rewrite *rewrite = &part->rewrite;
	const struct tfmt_thread_info *info = tfmt_trace_thread(rewrite->trace, id);
	struct imp_task task = task_of(merge, part, info->start_ns, info->end_ns);
	union imp_row row = {.thread = {task.start_ns, info->process, moved(part, info->tid)}};
	int status = imp_rewrite_ids(rewrite, TFMT_THREAD, &row);
	uint32_t process = row.thread.process;

	if (status)
		return status;
	if (process)
		task.id = find_task(&merge->threads, process, info->tid, &task);
	if (!task.id) {
		status = imp_rewrite_put(rewrite, TFMT_THREAD, id, &row);
		task.id = rewrite->ids[TFMT_THREAD][id];
	}
	rewrite->ids[TFMT_THREAD][id] = task.id;
	if (!status)
		status = add_task(&merge->threads, process, info->tid, &task);
	return status ? status
		      : note_life(
				&merge->thread_lives, &task, info->end_ns ? EXIT_SEEN : EXIT_ALIVE);
}

int imp_merge_host_name(
	struct imp_merge *merge, const struct imp_part *part, uint32_t old, uint32_t *ret_name)
{
	char *text = NULL;
	int length =
		asprintf(&text, "%s@%s", tfmt_trace_text(part->rewrite.trace, old), part->host);
	int status;

	if (length < 0)
		return TFMT_E_NOMEM;
	status = tfmt_writer_intern(merge->writer, text, (size_t)length, ret_name);
	free(text);
	return status;
}

/* Metrics are one by whose they are, their name and type; figures of machines by the host too. */
static int put_metric(struct imp_merge *merge, struct imp_part *part, uint32_t id)
{
	struct imp_rewrite *rewrite = &part->rewrite;
	union imp_row row = {.metric = *tfmt_trace_metric(rewrite->trace, id)};
	uint32_t known, name = row.metric.name, index = (uint32_t)(part - merge->parts) + 1;
	struct imp_series *grown;
	uint64_t who, what;
	int status = imp_rewrite_ids(rewrite, TFMT_METRIC, &row);

	if (!status && part->host && !row.metric.process && !row.metric.thread)
		status = imp_merge_host_name(merge, part, name, &row.metric.name);
	if (status)
		return status;
	who = (uint64_t)row.metric.process << 32 | row.metric.thread;
	what = (uint64_t)row.metric.name << 32 | row.metric.type;
	known = imp_ids_get(&merge->metrics, who, what);
	/* Equal rows of one part are its own affair. */
	if (known && merge->series[known].part != index) {
		rewrite->ids[TFMT_METRIC][id] = known;
		merge->series[known].part = index;
		merge->series[known].is_shared = true;
		return 0;
	}
	status = imp_rewrite_put(rewrite, TFMT_METRIC, id, &row);
	if (status)
		return status;
	known = rewrite->ids[TFMT_METRIC][id];
	grown = imp_merge_grow(
		merge->series, &merge->series_capacity, (size_t)known + 1, sizeof(*grown));
	if (!grown)
		return TFMT_E_NOMEM;
	merge->series = grown;
	merge->series[known].part = index;
	return imp_ids_put(&merge->metrics, who, what, known);
}

void *imp_merge_grow(void *items, size_t *capacity, size_t count, size_t item_bytes)
{
	size_t room = *capacity ? *capacity : 64;
	char *grown;

	if (count <= *capacity)
		return items;
	while (room < count)
		room *= 2;
	grown = reallocarray(items, room, item_bytes);
	if (!grown)
		return NULL;
	memset(grown + *capacity * item_bytes, 0, (room - *capacity) * item_bytes);
	*capacity = room;
	return grown;
}

/* Where metrics have values, in the ids and the clock of the merged trace. */
static void place_stretches(struct imp_merge *merge)
{
	struct imp_stretch *stretch = merge->stretches;
	struct imp_series *series;
	const struct imp_part *part;

	for (; stretch < merge->stretches + merge->stretch_count; stretch++) {
		part = &merge->parts[stretch->part];
		stretch->metric = part->rewrite.ids[TFMT_METRIC][stretch->metric];
		stretch->first_ns = imp_merge_time(merge, part, stretch->first_ns);
		stretch->last_ns = imp_merge_time(merge, part, stretch->last_ns);
		if (!stretch->metric)
			continue;
		series = &merge->series[stretch->metric];
		stretch->next = series->stretches;
		series->stretches = (uint32_t)(stretch - merge->stretches) + 1;
	}
}

/* Note whose each number is. Returns: 0; TFMT_E_NOMEM. */
static int note_pids(struct imp_ids *owners, const struct imp_part *part, bool *ret_collides)
{
	const struct tfmt_trace *trace = tfmt_reader_trace(part->reader);
	uint32_t id, pid, owner;
	int status = 0;

	for (id = 1; id <= tfmt_trace_count(trace, TFMT_PROCESS) && !status; id++) {
		pid = tfmt_trace_process(trace, id)->pid;
		owner = imp_ids_get(owners, pid, 0);
		if (!owner)
			status = imp_ids_put(owners, pid, 0, (uint32_t)part->boot + 1);
		else if (owner != part->boot + 1)
			*ret_collides = true;
	}
	return status;
}

int imp_merge_number(struct imp_merge *merge)
{
	bool *collides = calloc(merge->clock_count, sizeof(*collides));
	struct imp_ids owners = {0};
	struct imp_part *part;
	int status = collides ? 0 : TFMT_E_NOMEM;

	for (part = merge->parts; part < merge->parts + merge->count && !status; part++)
		status = note_pids(&owners, part, &collides[part->boot]);
	for (part = merge->parts; part < merge->parts + merge->count && !status; part++)
		if (collides[part->boot] && !merge->sums)
			part->pid_base = PID_STEP * (uint32_t)part->boot;
	imp_ids_release(&owners);
	free(collides);
	return status;
}

static int put_tables(struct imp_merge *merge, struct imp_part *part)
{
	static int (*const put[])(struct imp_merge *, struct imp_part *, uint32_t) = {
		[TFMT_PROCESS] = put_process,
		[TFMT_THREAD] = put_thread,
		[TFMT_METRIC] = put_metric,
	};
	const struct tfmt_trace *trace = tfmt_reader_trace(part->reader);
	int kind, status = imp_rewrite_init(&part->rewrite, trace, merge->writer, merge->begin_ns);
	uint32_t id;

	part->has_run = calloc((size_t)tfmt_trace_count(trace, TFMT_THREAD) + 1, sizeof(bool));
	if (!part->has_run)
		status = TFMT_E_NOMEM;
	if (!status)
		status = imp_rewrite_names(&part->rewrite);
	for (kind = TFMT_PROCESS; kind <= TFMT_METRIC; kind++)
		for (id = 1; id <= tfmt_trace_count(trace, kind) && !status; id++)
			status = put[kind](merge, part, id);
	return status;
}

int imp_merge_tables(struct imp_merge *merge)
{
	size_t i;
	int status = 0;

	for (i = 0; i < merge->count && !status; i++)
		status = put_tables(merge, &merge->parts[i]);
	if (!status)
		place_stretches(merge);
	return status;
}
