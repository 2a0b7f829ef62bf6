/*
 * Chrome's trace events: B, E and X become spans with their arguments, and samples of the time that
 * each stack of spans stood; C counters, I and i instants, M names. Others are counted as lost, and
 * so are the samples behind the events: beside those of spans their time would be there twice.
 *
 * Events may come in any order, so the file is read once for its first time, and sorted.
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "events.h"
#include "import.h"
#include "json.h"

/* So that times and durations of events can be added up. */
#define MAX_TIME_NS (INT64_MAX / 4)
#define MAX_ARGS    64

enum { EVENTS, BARE_EVENTS, SAMPLES };

static const char *const paths[] = {"traceEvents[]", "[]", "samples[]", NULL};

struct state {
	struct imp_build *build;
	struct imp_events events;
	int64_t first_ns; /* the earliest time of all */
	int64_t base_ns;  /* what is time 0 of the trace: the earliest if that is negative */
	bool has_first;
	uint64_t others; /* events of kinds that have no place */
};

/* An event being read. */
struct event {
	struct state *state;
	const struct imp_item *item;
	const struct imp_value *args;
	char phase;
	uint64_t time_ns;
	uint32_t pid, tid;
};

static int fail(struct state *state, const char *problem)
{
	return tfmt_error_set(&state->build->error, TFMT_E_FORMAT, 0, "%s", problem);
}

static const struct imp_value *member(const struct imp_item *item, const char *key)
{
	return imp_member(item, item->values, key);
}

static char phase_of(const struct imp_item *item)
{
	const struct imp_value *phase = member(item, "ph");

	return phase && phase->type == IMP_STRING ? item->text[phase->text] : 0;
}

/* The time of an event; microseconds with a fraction. Returns 0; TFMT_E_FORMAT. */
static int time_of(struct state *state, const struct imp_item *item, int64_t *ret_ns)
{
	if (imp_number(item, member(item, "ts"), 3, ret_ns) && *ret_ns <= MAX_TIME_NS &&
		*ret_ns >= -MAX_TIME_NS)
		return 0;
	return fail(state, "an event without a time (ts)");
}

static int on_first(void *context, size_t path, const struct imp_item *item)
{
	struct state *state = context;
	char phase = phase_of(item);
	int64_t time_ns;
	int status;

	if (path == SAMPLES)
		return 0;
	if (!phase)
		return fail(state, "no event: it has no phase (ph)");
	if (!strchr("BEXCIi", phase))
		return 0;
	status = time_of(state, item, &time_ns);
	if (!status && (!state->has_first || time_ns < state->first_ns))
		state->first_ns = time_ns;
	state->has_first = true;
	return status;
}

/* A pid or tid: a number, or a text, which gets the number of its string. */
static int number_of(const struct event *event, const char *key, uint32_t *ret_number)
{
	const struct imp_value *value = member(event->item, key);
	int64_t number = 0;

	if (value && value->type == IMP_STRING && !imp_number(event->item, value, 0, &number))
		return imp_text(event->state->build, event->item->text + value->text,
			value->text_length, ret_number);
	imp_number(event->item, value, 0, &number);
	*ret_number = (uint32_t)number;
	return 0;
}

/* A string of the trace: a text, or a number or word as it stands. 0: none. */
static int text_of(const struct event *event, const struct imp_value *value, uint32_t *ret_id)
{
	*ret_id = 0;
	if (!value || value->type == IMP_OBJECT || value->type == IMP_ARRAY)
		return 0;
	return imp_text(
		event->state->build, event->item->text + value->text, value->text_length, ret_id);
}

static const char *type_name(enum imp_type type)
{
	return type == IMP_NUMBER ? "number" : type == IMP_STRING ? "string" : "bool";
}

/* Arguments that are texts, numbers or words; what is nested has no place. */
static int add_args(const struct event *event, struct imp_event *added)
{
	struct imp_events *events = &event->state->events;
	const struct imp_value *value = imp_child(event->item, event->args);
	int status = 0;

	added->first_arg = events->arg_count;
	for (; value && added->arg_count < MAX_ARGS && !status;
		value = imp_next(event->item, value)) {
		const char *type = type_name(value->type);
		struct tfmt_arg arg = {0};

		if (value->type > IMP_STRING || value->type == IMP_NULL)
			continue;
		status = imp_text(event->state->build, event->item->text + value->key,
			value->key_length, &arg.name);
		if (!status)
			status = imp_text(event->state->build, type, strlen(type), &arg.type);
		if (!status)
			status = text_of(event, value, &arg.value);
		if (!status)
			status = imp_events_add_arg(events, &arg);
		added->arg_count++;
	}
	return status;
}

static int on_span(const struct event *event)
{
	struct imp_build *build = event->state->build;
	const struct imp_value *name = member(event->item, "name");
	struct imp_event added = {.time_ns = event->time_ns};
	struct imp_frame frame = {
		.function = name ? event->item->text + name->text : "",
		.function_length = name ? name->text_length : 0,
	};
	int64_t duration_ns = 0;
	int status = imp_thread(build, event->pid, event->tid, &added.thread);

	added.type = event->phase == 'B' ? IMP_BEGIN : event->phase == 'E' ? IMP_END : IMP_COMPLETE;
	if (!status && event->phase != 'E')
		status = imp_frame(build, &frame, &added.frame);
	if (!status && event->phase != 'E')
		status = text_of(event, name, &added.name);
	if (!status)
		status = add_args(event, &added);
	if (status)
		return status;
	if (event->phase == 'X' && member(event->item, "dur") &&
		(!imp_number(event->item, member(event->item, "dur"), 3, &duration_ns) ||
			duration_ns < 0 || duration_ns > MAX_TIME_NS))
		return fail(event->state, "a duration (dur) that is no number, or less than 0");
	added.duration_ns = (uint64_t)duration_ns;
	return imp_events_add(&event->state->events, &added);
}

/* The metric of one series of a counter: "name", or "name series" of several. */
static int find_metric(const struct event *event, const struct imp_value *series, uint32_t *ret_id)
{
	struct imp_build *build = event->state->build;
	const struct imp_value *name = member(event->item, "name");
	const struct imp_value *first = imp_child(event->item, event->args);
	bool is_only = first == series && !series->next;
	struct tfmt_metric metric = {0};
	char text[256];
	int status = imp_process(build, event->pid, &metric.process);

	snprintf(text, sizeof(text), "%s%s%s", name ? event->item->text + name->text : "",
		is_only ? "" : " ", is_only ? "" : event->item->text + series->key);
	if (!status)
		status = imp_text(build, *text ? text : "counter", strlen(*text ? text : "counter"),
			&metric.name);
	if (status)
		return status;
	*ret_id = imp_ids_get(&build->metrics, metric.process, metric.name);
	if (*ret_id)
		return 0;
	status = imp_text(build, "count", 5, &metric.unit);
	if (!status)
		status = tfmt_writer_add_metric(build->writer, &metric, ret_id);
	return status ? status : imp_ids_put(&build->metrics, metric.process, metric.name, *ret_id);
}

static int on_counter(const struct event *event)
{
	const struct imp_value *series = imp_child(event->item, event->args);
	struct tfmt_counter counter = {.time_ns = event->time_ns};
	int status = 0;

	for (; series && !status; series = imp_next(event->item, series)) {
		if (!imp_number(event->item, series, 0, &counter.value))
			continue;
		status = find_metric(event, series, &counter.metric);
		if (!status)
			status = tfmt_writer_counter(event->state->build->writer, &counter);
	}
	return status;
}

static int on_instant(const struct event *event)
{
	struct tfmt_instant instant = {.time_ns = event->time_ns};
	struct imp_build *build = event->state->build;
	int status = imp_thread(build, event->pid, event->tid, &instant.thread);

	if (!status)
		status = imp_text(build, "event", 5, &instant.name);
	if (!status)
		status = text_of(event, member(event->item, "name"), &instant.text);
	return status ? status : tfmt_writer_instant(build->writer, &instant);
}

/* Names of processes and threads; other metadata is for viewers. */
static int on_metadata(const struct event *event)
{
	const struct imp_value *what = member(event->item, "name");
	const struct imp_value *name = imp_member(event->item, event->args, "name");
	struct imp_build *build = event->state->build;
	bool of_thread = imp_is(event->item, what, "thread_name");
	uint64_t time_ns = (uint64_t)(event->state->first_ns - event->state->base_ns);
	uint32_t process, thread = 0;
	int status;

	if (!name || name->type != IMP_STRING ||
		(!of_thread && !imp_is(event->item, what, "process_name")))
		return 0;
	status = imp_process(build, event->pid, &process);
	if (!status && of_thread)
		status = imp_thread(build, event->pid, event->tid, &thread);
	return status ? status
		      : imp_name(build, time_ns, process, thread, event->item->text + name->text,
				name->text_length);
}

/* One without weight only says that from there on the thread idled. */
static bool has_weight(const struct imp_item *item)
{
	int64_t weight = 1;

	imp_number(item, member(item, "weight"), 0, &weight);
	return weight != 0;
}

static int on_second(void *context, size_t path, const struct imp_item *item)
{
	struct state *state = context;
	struct event event = {
		.state = state,
		.item = item,
		.args = member(item, "args"),
		.phase = phase_of(item),
	};
	int64_t time_ns = state->base_ns;
	int status;

	if (path == SAMPLES) {
		state->others += has_weight(item);
		return 0;
	}
	status = number_of(&event, "pid", &event.pid);
	if (!status)
		status = number_of(&event, "tid", &event.tid);
	if (!status && event.phase && strchr("BEXCIi", event.phase))
		status = time_of(state, item, &time_ns);
	if (status)
		return status;
	event.time_ns = (uint64_t)(time_ns - state->base_ns);
	switch (event.phase) {
	case 'B':
	case 'E':
	case 'X':
		return on_span(&event);
	case 'C':
		return on_counter(&event);
	case 'I':
	case 'i':
		return on_instant(&event);
	case 'M':
		return on_metadata(&event);
	default:
		state->others++;
		return 0;
	}
}

static int note_others(struct state *state)
{
	static const char reason[] = "asynchronous events, flows, objects and samples are not read";
	struct tfmt_lost lost = {
		.time_ns = (uint64_t)(state->first_ns - state->base_ns), .count = state->others};
	int status;

	if (!state->others)
		return 0;
	status = imp_text(state->build, "event", 5, &lost.what);
	if (!status)
		status = imp_text(state->build, reason, strlen(reason), &lost.reason);
	return status ? status : tfmt_writer_lost(state->build->writer, &lost);
}

static int pass(struct imp_source *source, struct state *state, imp_item_fn *on_item)
{
	const struct imp_json_options options = {
		.paths = paths, .may_be_cut = true, .on_item = on_item, .context = state};

	return imp_json_read(source, &options, &state->build->error);
}

static int read_events(struct imp_source *source, struct state *state)
{
	int status = imp_source_rewind(source);

	if (!status)
		status = imp_events_open(&state->events, state->build);
	if (!status)
		status = pass(source, state, on_second);
	if (!status)
		status = imp_events_play(&state->events, state->build);
	if (!status && state->events.unmatched)
		msg_warn(state->build->msg, "%s: %llu ends (E) without a beginning: left out",
			source->name, (unsigned long long)state->events.unmatched);
	if (!status && state->events.clipped)
		msg_warn(state->build->msg,
			"%s: %llu events (X) outlast the one they are in: shortened", source->name,
			(unsigned long long)state->events.clipped);
	imp_events_close(&state->events);
	return status ? status : note_others(state);
}

static int read_chrome(struct imp_source *source, struct imp_build *build)
{
	struct imp_begin begin = {
		.recorder = "Chrome trace events",
		.remark =
			"stacks are those of open events, their time is not told apart from waiting",
	};
	struct state state = {.build = build};
	int status = pass(source, &state, on_first);

	if (!status && !state.has_first)
		status = imp_source_fail(source, 1, 1, &build->error,
			"no event with a time (traceEvents[] with ph B, E, X, C or i)");
	if (status)
		return status;
	state.base_ns = state.first_ns < 0 ? state.first_ns : 0;
	begin.time_ns = (uint64_t)(state.first_ns - state.base_ns);
	status = imp_build_begin(build, &begin);
	if (!status)
		status = read_events(source, &state);
	return status ? status : imp_build_end(build);
}

static bool matches(const char *head, size_t size_bytes)
{
	head += strspn(head, " \t\r\n");
	if (*head == '{')
		return strstr(head, "\"traceEvents\"") != NULL;
	return *head == '[' && strstr(head, "\"ph\"") != NULL;
}

const struct imp_format imp_format_chrome = {
	.name = "chrome",
	.summary = "Chrome's trace events: spans, counters, instants, names",
	.matches = matches,
	.read = read_chrome,
};
