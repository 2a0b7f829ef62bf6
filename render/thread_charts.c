#include "thread_charts.h"

#include <stdlib.h>
#include <string.h>

#include "spans.h"
#include "tracefmt/error.h"

#define UNKNOWN_NODE   UINT32_MAX
#define DEFAULT_GAP_NS 20000000
#define FAILURE_SLICES 16 /* of the shortest: two marks are not nearer, 8 pixels */
#define MAX_LOCATIONS  64 /* of one frame: functions inlined into one another */

/* What turns samples into slices, and is needed only while they are read. */
struct collector {
	struct rend_thread_charts *charts;
	const struct rend_model *model;
	uint32_t *stack_nodes; /* the path of each stack, or UNKNOWN_NODE */
	uint32_t stack_count;
	uint32_t *chain; /* stacks from a leaf to the root, on the way to their paths */
	size_t chain_room;
	uint8_t *track_of; /* by thread: track + 1, or 0 */
	/* Where there are spans and no samples. */
	struct rend_span_stacks spans; /* `what` is a path */
	uint64_t *seen_ns;	       /* by thread: up to there it is drawn */
};

/* Where threads start, before any code that tells them apart; _start may have lost its name. */
static bool is_entry(const struct tfmt_location *location)
{
	static const char *const names[] = {"_start", "start_thread", "clone", "__clone", "clone3",
		"__clone3", "__GI___clone3", "__libc_start_main", "__libc_start_main_impl",
		"__libc_start_call_main", "__libc_start_main@@GLIBC_2.34"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (location->language == TFMT_LANG_NATIVE &&
			strcmp(names[i], location->function) == 0)
			return true;
	}
	return false;
}

/* Extend the path `*node` by the functions of a frame, outermost first. */
static int append_frame(struct collector *collector, uint32_t frame, uint32_t *node)
{
	const struct tfmt_trace *trace = collector->model->trace;
	struct rend_path_tree *paths = &collector->charts->paths;
	struct tfmt_location locations[MAX_LOCATIONS];
	if (paths->nodes[*node].depth == REND_MAX_PATH) {
		collector->charts->is_cut = true;
		return 0;
	}
	size_t count = tfmt_trace_locations(trace, frame, locations, MAX_LOCATIONS);
	for (size_t i = count < MAX_LOCATIONS ? count : MAX_LOCATIONS; i-- > 0;) {
		uint32_t number;
		if (paths->nodes[*node].depth <= 1 && is_entry(&locations[i])) {
			*node = 0;
			continue;
		}
		int status = rend_function_set_add(
			&collector->charts->functions, &locations[i], &number);
		if (status == 0)
			status = rend_path_tree_child(paths, *node, number, node);
		if (status < 0)
			return status;
		if (paths->nodes[*node].function == number)
			paths->nodes[*node].is_kernel = rend_model_is_kernel(&locations[i]);
	}
	return 0;
}

static int push(struct collector *collector, size_t *count, uint32_t stack)
{
	if (*count == collector->chain_room) {
		size_t room = collector->chain_room > 0 ? collector->chain_room * 2 : 256;
		uint32_t *chain = realloc(collector->chain, room * sizeof(*chain));
		if (chain == NULL)
			return TFMT_E_NOMEM;
		collector->chain = chain;
		collector->chain_room = room;
	}
	collector->chain[(*count)++] = stack;
	return 0;
}

/* The path of a stack: made from its nearest caller whose path is known. */
static int stack_path(struct collector *collector, uint32_t stack, uint32_t *ret_node)
{
	const struct tfmt_trace *trace = collector->model->trace;
	uint32_t *nodes = collector->stack_nodes;
	size_t count = 0;
	int status = 0;
	uint32_t node = 0;
	if (stack > collector->stack_count)
		stack = 0;
	while (status == 0 && stack != 0 && nodes[stack] == UNKNOWN_NODE) {
		uint32_t parent = tfmt_trace_stack(trace, stack)->parent;
		status = push(collector, &count, stack);
		/* Callers come first in the table. */
		stack = parent < stack ? parent : 0;
	}
	if (stack != 0)
		node = nodes[stack];
	while (status == 0 && count-- > 0) {
		uint32_t id = collector->chain[count];
		status = append_frame(collector, tfmt_trace_stack(trace, id)->frame, &node);
		nodes[id] = node;
	}
	*ret_node = node;
	return status;
}

static int add_sample(void *context, const struct tfmt_sample *sample)
{
	struct collector *collector = context;
	if (sample->thread > collector->model->thread_count ||
		collector->track_of[sample->thread] == 0)
		return 0;
	struct rend_track *track =
		&collector->charts->tracks[collector->track_of[sample->thread] - 1];
	uint32_t node;
	int status = stack_path(collector, sample->stack, &node);
	return status < 0 ? status : rend_slices_add(&track->slices, sample, node);
}

/* The path of a span: of a call its function, of a scope its name, below that of its caller. */
static int span_path(struct collector *collector, const struct tfmt_span *span, uint32_t *node)
{
	struct rend_path_tree *paths = &collector->charts->paths;
	struct tfmt_location scope = {
		.function = tfmt_trace_text(collector->model->trace, span->name),
		.module = "",
		.file = "",
		.function_id = span->name,
	};
	uint32_t number;
	if (span->frame != 0)
		return append_frame(collector, span->frame, node);
	if (paths->nodes[*node].depth == REND_MAX_PATH) {
		collector->charts->is_cut = true;
		return 0;
	}
	int status = rend_function_set_add(&collector->charts->functions, &scope, &number);
	if (status == 0)
		status = rend_path_tree_child(paths, *node, number, node);
	if (status == 0)
		paths->nodes[*node].is_scope = true;
	return status;
}

/* What was open until `time_ns` was, as if a sample had seen it. */
static int add_time(struct collector *collector, uint32_t thread, uint64_t time_ns)
{
	const struct rend_model *model = collector->model;
	const struct rend_span_stack *stack = &collector->spans.threads[thread];
	struct rend_track *track = &collector->charts->tracks[collector->track_of[thread] - 1];
	uint64_t begin_ns = collector->seen_ns[thread];
	if (time_ns > collector->seen_ns[thread])
		collector->seen_ns[thread] = time_ns;
	if (begin_ns < model->begin_ns)
		begin_ns = model->begin_ns;
	if (time_ns > model->end_ns)
		time_ns = model->end_ns;
	if (stack->count == 0 || time_ns <= begin_ns)
		return 0;
	struct tfmt_sample sample = {
		.time_ns = time_ns,
		.weight_ns = time_ns - begin_ns,
		.thread = thread,
		.state = TFMT_STATE_RUNNING,
	};
	return rend_slices_add(&track->slices, &sample, stack->open[stack->count - 1].what);
}

static void add_failure(struct collector *collector, const struct tfmt_span *span, uint32_t node)
{
	struct rend_track *track =
		&collector->charts->tracks[collector->track_of[span->thread] - 1];
	uint32_t depth = collector->charts->paths.nodes[node].depth;
	if (depth == 0 || track->failure_count == REND_MAX_FAILURES)
		return;
	/* Far enough from the others of its row. */
	for (size_t i = 0; i < track->failure_count; i++) {
		const struct rend_failure *other = &track->failures[i];
		if (other->row == depth - 1 &&
			span->time_ns <= other->time_ns + track->slices.min_ns * FAILURE_SLICES)
			return;
	}
	track->failures[track->failure_count++] =
		(struct rend_failure){.time_ns = span->time_ns, .row = depth - 1};
}

static int add_span(void *context, const struct tfmt_span *span, uint64_t number)
{
	struct collector *collector = context;
	struct rend_span_stack *stack = &collector->spans.threads[span->thread];
	struct rend_open_span *open;
	if (collector->track_of[span->thread] == 0)
		return 0;
	int status = add_time(collector, span->thread, span->time_ns);
	if (status < 0)
		return status;
	if (span->phase == TFMT_SPAN_END) {
		uint32_t count = rend_span_ended_count(&collector->spans, span);
		stack->count -= count;
		if (count > 0 && (span->flags & TFMT_SPAN_EXCEPTION) != 0 &&
			rend_model_takes_span(collector->model, span, number))
			add_failure(collector, span, stack->open[stack->count].what);
		return 0;
	}
	uint32_t node = stack->count > 0 ? stack->open[stack->count - 1].what : 0;
	status = rend_span_begin(&collector->spans, span, &open);
	if (status < 0 || open == NULL)
		return status;
	if (rend_model_takes(collector->model, TFMT_SPAN, span, number))
		status = span_path(collector, span, &node);
	open->what = node;
	return status;
}

/* Calls and scopes where there are no samples. What has no end goes on to that of its thread. */
static int add_spans(struct collector *collector, struct rend_model *model)
{
	int status = rend_span_stacks_init(&collector->spans, model);
	collector->seen_ns = calloc((size_t)model->thread_count + 1, sizeof(uint64_t));
	if (status == 0 && collector->seen_ns == NULL)
		status = TFMT_E_NOMEM;
	if (status == 0)
		status = rend_model_each_span(model, add_span, collector, NULL);
	for (size_t i = 0; status == 0 && i < collector->charts->track_count; i++) {
		uint32_t thread = collector->charts->tracks[i].thread;
		status = add_time(collector, thread, model->threads[thread].end_ns);
	}
	return status;
}

/* What threads are chosen by: the time they ran, unless another weight is asked for. */
static uint64_t busy_ns(const struct rend_model *model, const struct rend_thread *thread)
{
	uint64_t off_ns = thread->preempted_ns + thread->blocked_ns;
	if (model->weight == TFMT_WEIGHT_OFFCPU)
		return off_ns;
	return thread->running_ns + (model->weight == TFMT_WEIGHT_WALL ? off_ns : 0);
}

static bool is_busier(
	const struct rend_model *model, const struct rend_thread *a, const struct rend_thread *b)
{
	uint64_t busy_a = busy_ns(model, a), busy_b = busy_ns(model, b);
	if (busy_a != busy_b)
		return busy_a > busy_b;
	if (a->span_count != b->span_count)
		return a->span_count > b->span_count;
	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns > b->blocked_ns;
	return a->id < b->id;
}

/* By process, in the order in which they and their threads began. */
static bool is_before(
	const struct rend_model *model, const struct rend_thread *a, const struct rend_thread *b)
{
	uint32_t process_a = a->info->process;
	uint32_t process_b = b->info->process;
	if (process_a != process_b) {
		uint64_t begin_a = model->processes[process_a].begin_ns;
		uint64_t begin_b = model->processes[process_b].begin_ns;
		return begin_a != begin_b ? begin_a < begin_b : process_a < process_b;
	}
	return a->begin_ns != b->begin_ns ? a->begin_ns < b->begin_ns : a->id < b->id;
}

static void choose_threads(
	struct rend_thread_charts *charts, const struct rend_model *model, size_t max_tracks)
{
	const struct rend_thread *chosen[REND_MAX_TRACKS];
	size_t count = 0;
	for (uint32_t id = 1; id <= model->thread_count; id++) {
		const struct rend_thread *thread = &model->threads[id];
		if (!thread->is_shown ||
			(charts->has_spans ? thread->span_count == 0
					   : thread->running_ns + thread->blocked_ns == 0))
			continue;
		charts->thread_count++;
		if (count == max_tracks && !is_busier(model, thread, chosen[count - 1]))
			continue;
		size_t at = count < max_tracks ? count++ : count - 1;
		for (; at > 0 && is_busier(model, thread, chosen[at - 1]); at--)
			chosen[at] = chosen[at - 1];
		chosen[at] = thread;
	}
	for (size_t i = 1; i < count; i++) {
		const struct rend_thread *thread = chosen[i];
		size_t at = i;
		for (; at > 0 && is_before(model, thread, chosen[at - 1]); at--)
			chosen[at] = chosen[at - 1];
		chosen[at] = thread;
	}
	for (size_t i = 0; i < count; i++)
		charts->tracks[i].thread = chosen[i]->id;
	charts->track_count = count;
}

static int collector_init(
	struct collector *collector, struct rend_thread_charts *charts, struct rend_model *model)
{
	uint32_t stack_count = tfmt_trace_count(model->trace, TFMT_STACK);
	*collector =
		(struct collector){.charts = charts, .model = model, .stack_count = stack_count};
	collector->stack_nodes = malloc(((size_t)stack_count + 1) * sizeof(uint32_t));
	collector->track_of = calloc((size_t)model->thread_count + 1, 1);
	if (collector->stack_nodes == NULL || collector->track_of == NULL)
		return TFMT_E_NOMEM;
	memset(collector->stack_nodes, 0xff, ((size_t)stack_count + 1) * sizeof(uint32_t));
	for (size_t i = 0; i < charts->track_count; i++)
		collector->track_of[charts->tracks[i].thread] = (uint8_t)(i + 1);
	return rend_function_set_init(&charts->functions);
}

static void collector_release(struct collector *collector)
{
	free(collector->stack_nodes);
	free(collector->chain);
	free(collector->track_of);
	free(collector->seen_ns);
	rend_span_stacks_release(&collector->spans);
}

static int finish(struct rend_thread_charts *charts, uint64_t min_ns, size_t max_slices)
{
	for (size_t i = 0; i < charts->track_count; i++) {
		int status = rend_slices_finish(&charts->tracks[i].slices);
		if (status < 0)
			return status;
	}
	for (;;) {
		size_t count = 0;
		for (size_t i = 0; i < charts->track_count; i++)
			count += rend_slices_count(&charts->tracks[i].slices);
		if (count <= max_slices)
			return 0;
		min_ns *= 2;
		for (size_t i = 0; i < charts->track_count; i++)
			rend_slices_coarsen(&charts->tracks[i].slices, min_ns);
	}
}

int rend_thread_charts_init(struct rend_thread_charts *charts, struct rend_model *model,
	size_t max_tracks, uint64_t min_ns, size_t max_slices)
{
	struct collector collector;
	*charts = (struct rend_thread_charts){0};
	int status = rend_path_tree_init(&charts->paths);
	if (status < 0)
		return status;
	charts->has_spans = model->totals.sample_count == 0 && model->totals.blocked_ns == 0;
	choose_threads(charts, model, max_tracks);
	/* Two periods without a sample: the thread did not run. */
	uint64_t gap_ns =
		model->header->rate_hz > 0 ? 2000000000 / model->header->rate_hz : DEFAULT_GAP_NS;
	if (charts->has_spans)
		gap_ns = 0;
	for (size_t i = 0; i < charts->track_count; i++)
		rend_slices_init(&charts->tracks[i].slices, &charts->paths, gap_ns, min_ns);
	status = collector_init(&collector, charts, model);
	if (status == 0)
		status = charts->has_spans
				 ? add_spans(&collector, model)
				 : rend_model_each_sample(model, add_sample, &collector, NULL);
	if (status == 0)
		status = finish(charts, min_ns, max_slices);
	collector_release(&collector);
	if (status < 0)
		rend_thread_charts_release(charts);
	return status;
}

void rend_thread_charts_release(struct rend_thread_charts *charts)
{
	for (size_t i = 0; i < charts->track_count; i++)
		rend_slices_release(&charts->tracks[i].slices);
	rend_path_tree_release(&charts->paths);
	rend_function_set_release(&charts->functions);
	*charts = (struct rend_thread_charts){0};
}

const struct tfmt_location *rend_slice_location(
	const struct rend_thread_charts *charts, const struct rend_slice *slice)
{
	return &charts->functions.functions[charts->paths.nodes[slice->node].function];
}

enum rend_role rend_slice_role(const struct rend_model *model,
	const struct rend_thread_charts *charts, const struct rend_slice *slice)
{
	return charts->paths.nodes[slice->node].is_scope
		       ? REND_SCOPE
		       : rend_model_role(model, rend_slice_location(charts, slice));
}
