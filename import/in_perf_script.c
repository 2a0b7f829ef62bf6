/*
 * The text of `perf script`: a line for each event, its stack below, leaf first, then an empty one.
 *
 *	comm  PID/TID [CPU]  SECONDS:  PERIOD EVENT:
 *		  ADDRESS SYMBOL+OFFSET (MODULE)
 *
 * CPU, PERIOD, PID and EVENT are not always there. The events of the first name are the samples;
 * periods of clocks are nanoseconds, those of other events are taken for them. What
 *--show-mmap-events and its like print between them is passed over.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "import.h"
#include "source.h"

#define MAX_EVENT_NAME 64
#define MAX_NAME_BYTES 64

struct event_line {
	const char *comm;
	size_t comm_length;
	uint32_t pid, tid;
	uint64_t time_ns;
	uint64_t period; /* 0: not said */
	const char *name;
	size_t name_length;
	size_t rest; /* of the line: the only frame where no stacks were recorded */
};

struct state {
	struct imp_source *source;
	struct imp_build *build;
	struct imp_frames frames; /* of the stack being read: perf has the leaf first */
	struct tfmt_sample sample;
	bool has_sample;		 /* the lines that follow are its stack */
	char event_name[MAX_EVENT_NAME]; /* of the samples */
	uint64_t other_events, last_time_ns;
};

static const char *skip_spaces(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* "12" or "12/34". */
static const char *read_ids(const char *at, struct event_line *event)
{
	char *end;

	if (!isdigit((unsigned char)*at))
		return NULL;
	event->pid = event->tid = (uint32_t)strtoul(at, &end, 10);
	if (*end == '/' && isdigit((unsigned char)end[1]))
		event->tid = (uint32_t)strtoul(end + 1, &end, 10);
	return *end == ' ' || *end == '\t' ? skip_spaces(end) : NULL;
}

/* "17027.045481:", any number of digits. */
static const char *read_time(const char *at, uint64_t *ret_ns)
{
	uint64_t seconds, scale = UINT64_C(1000000000);
	char *end;

	if (!isdigit((unsigned char)*at))
		return NULL;
	seconds = strtoull(at, &end, 10);
	if (*end != '.' || seconds > UINT64_MAX / scale - 1)
		return NULL;
	*ret_ns = seconds * scale;
	for (at = end + 1; isdigit((unsigned char)*at); at++) {
		scale /= 10;
		*ret_ns += scale * (uint64_t)(*at - '0');
	}
	return *at == ':' ? skip_spaces(at + 1) : NULL;
}

/* What follows the name of the thread. */
static bool read_rest(const char *at, struct event_line *event)
{
	char *end;

	at = read_ids(at, event);
	if (at && *at == '[') {
		at = strchr(at, ']');
		at = at ? skip_spaces(at + 1) : NULL;
	}
	if (at)
		at = read_time(at, &event->time_ns);
	if (!at)
		return false;
	event->period = 0;
	if (isdigit((unsigned char)*at)) {
		event->period = strtoull(at, &end, 10);
		if (*end != ' ' && *end != '\t')
			event->period = 0;
		else
			at = skip_spaces(end);
	}
	event->name = at;
	event->name_length = strcspn(at, " \t");
	if (event->name_length && at[event->name_length - 1] == ':')
		event->name_length--;
	return true;
}

/* The name of a thread may hold anything, so all of its possible ends are tried. */
static bool read_event(const char *line, struct event_line *event)
{
	const char *at = skip_spaces(line), *end;

	event->comm = at;
	for (end = at; *end && end - at < MAX_NAME_BYTES; end++) {
		if ((*end != ' ' && *end != '\t') || end == at)
			continue;
		event->comm_length = (size_t)(end - at);
		if (!read_rest(skip_spaces(end), event))
			continue;
		event->rest = (size_t)(event->name - line) + strcspn(event->name, " \t");
		return true;
	}
	return false;
}

static bool is_stack_line(const char *line)
{
	const char *at = skip_spaces(line);

	return at > line && isxdigit((unsigned char)*at) &&
	       at[strspn(at, "0123456789abcdefABCDEF")] == ' ';
}

static bool matches(const char *head, size_t size_bytes)
{
	const char *at = head;
	struct event_line event;
	char line[512];
	size_t length;

	for (; *at; at += length + (at[length] == '\n')) {
		length = strcspn(at, "\n");
		if (!length || *at == '#')
			continue;
		if (length >= sizeof(line))
			return false;
		memcpy(line, at, length);
		line[length] = '\0';
		return read_event(line, &event);
	}
	return false;
}

/* --- stacks --- */

static bool is_kernel_module(const char *module, size_t length)
{
	return (length >= 7 && !memcmp(module, "[kernel", 7)) ||
	       (length >= 8 && !memcmp(module, "[guest.k", 8)) ||
	       (length > 3 && !memcmp(module + length - 3, ".ko", 3)) ||
	       (length > 2 && module[0] == '[' && module[length - 1] == ']' &&
		       memcmp(module, "[v", 2) && memcmp(module, "[unknown", 8) &&
		       memcmp(module, "[stack", 6) && memcmp(module, "[heap", 5));
}

/* "+0x1f" at the end of a symbol's name is a place in it. */
static size_t without_offset(const char *name, size_t length)
{
	size_t at = length;

	while (at && isxdigit((unsigned char)name[at - 1]))
		at--;
	if (at < length && at > 3 && name[at - 1] == 'x' && name[at - 2] == '0' &&
		name[at - 3] == '+')
		return at - 3;
	return length;
}

static bool has_module(const struct imp_frame *frame, const char *module)
{
	return frame->module_length == strlen(module) &&
	       !memcmp(frame->module, module, frame->module_length);
}

/* "ADDRESS SYMBOL (MODULE)" or "ADDRESS SYMBOL"; perf writes (inlined) for inlined functions. */
static int read_frame(struct state *state, char *line, size_t length)
{
	struct imp_frame frame = {.function = strchr(skip_spaces(line), ' ')};
	char *end = line + length, *open = NULL, *at;
	int depth = 0;
	uint32_t id;
	int status;

	frame.function = skip_spaces(frame.function);
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	if (end > line && end[-1] == ')')
		for (at = end - 1; at > frame.function && !open; at--) {
			depth += *at == ')' ? 1 : *at == '(' ? -1 : 0;
			if (*at == '(' && depth == 0)
				open = at;
		}
	if (open && open[-1] == ' ') {
		frame.module = open + 1;
		frame.module_length = (size_t)(end - 1 - frame.module);
		end = open - 1;
	}
	frame.function_length = end > frame.function ? (size_t)(end - frame.function) : 0;
	frame.function_length = without_offset(frame.function, frame.function_length);
	if (frame.module && is_kernel_module(frame.module, frame.module_length))
		frame.language = TFMT_LANG_KERNEL;
	if (has_module(&frame, "inlined") || has_module(&frame, "[unknown]"))
		frame.module_length = 0;
	status = imp_frame(state->build, &frame, &id);
	if (status)
		return status;
	return imp_frames_add(&state->frames, id);
}

/* The stack has ended: write its sample. */
static int finish_sample(struct state *state)
{
	bool is_cut = state->frames.is_cut;
	int status;

	if (!state->has_sample)
		return 0;
	state->has_sample = false;
	status = imp_frames_push(&state->frames, state->build, &state->sample.stack);
	if (is_cut)
		state->sample.flags |= TFMT_SAMPLE_TRUNCATED;
	return status ? status : tfmt_writer_sample(state->build->writer, &state->sample);
}

/* --- events --- */

static bool is_clock(const struct event_line *event)
{
	return (event->name_length >= 9 && !memcmp(event->name, "cpu-clock", 9)) ||
	       (event->name_length >= 10 && !memcmp(event->name, "task-clock", 10));
}

/* The first event says what the samples are. */
static int begin(struct state *state, const struct event_line *event)
{
	struct imp_begin begin = {
		.recorder = "perf script",
		.time_ns = event->time_ns,
		.remark = !event->period    ? "without periods: each sample is taken for 1 ms"
			  : is_clock(event) ? NULL
					    : "periods are no times, but taken for nanoseconds",
	};

	if (event->period && is_clock(event)) {
		begin.rate_hz = (uint32_t)(UINT64_C(1000000000) / event->period);
		begin.time_ns -= event->period < event->time_ns ? event->period : event->time_ns;
	}
	if (begin.remark)
		msg_warn(state->build->msg, "%s: event %.*s: %s", state->source->name,
			(int)event->name_length, event->name, begin.remark);
	snprintf(state->event_name, sizeof(state->event_name), "%.*s", (int)event->name_length,
		event->name);
	return imp_build_begin(state->build, &begin);
}

static bool is_record(const struct event_line *event)
{
	static const char prefix[] = "PERF_RECORD_";

	return !strncmp(event->name, prefix, sizeof(prefix) - 1);
}

static bool is_sample(const struct state *state, const struct event_line *event)
{
	size_t length = strlen(state->event_name);

	return event->name_length < sizeof(state->event_name)
		       ? event->name_length == length &&
				 !memcmp(event->name, state->event_name, length)
		       : !memcmp(event->name, state->event_name, length);
}

/* The first name of a thread is its name; that of a main thread is that of its process. */
static int find_thread(struct state *state, const struct event_line *event)
{
	struct imp_build *build = state->build;
	bool is_new = !imp_ids_get(&build->threads, event->pid, event->tid);
	uint32_t process;
	int status = imp_thread(build, event->pid, event->tid, &state->sample.thread);

	if (status || !is_new)
		return status;
	status = imp_process(build, event->pid, &process);
	if (!status && event->pid == event->tid)
		status = imp_name(
			build, event->time_ns, process, 0, event->comm, event->comm_length);
	if (!status)
		status = imp_name(build, event->time_ns, process, state->sample.thread, event->comm,
			event->comm_length);
	return status;
}

static int take_event(
	struct state *state, const struct event_line *event, char *line, size_t length)
{
	int status = 0;

	if (!state->build->writer)
		status = begin(state, event);
	if (status)
		return status;
	state->last_time_ns = event->time_ns;
	if (!is_sample(state, event)) {
		state->other_events++;
		return 0;
	}
	state->has_sample = true;
	state->sample = (struct tfmt_sample){
		.time_ns = event->time_ns,
		.weight_ns = event->period ? event->period : IMP_SAMPLE_NS,
	};
	status = find_thread(state, event);
	if (!status && is_stack_line(line + event->rest))
		status = read_frame(state, line + event->rest, length - event->rest);
	return status;
}

static int take_line(struct state *state, char *line, size_t length)
{
	struct event_line event;
	int status;

	if (length == 0)
		return finish_sample(state);
	if (line[0] == '#')
		return 0;
	if (is_stack_line(line) && state->build->writer)
		return state->has_sample ? read_frame(state, line, length) : 0;
	if (!read_event(line, &event)) {
		/* Places in source files, which -F srcline puts below their frames. */
		if (state->build->writer && isspace((unsigned char)line[0]))
			return 0;
		return imp_source_fail(state->source, state->source->line, 1, &state->build->error,
			"no event: 'name PID [CPU] SECONDS: PERIOD EVENT:'");
	}
	status = finish_sample(state);
	return status || is_record(&event) ? status : take_event(state, &event, line, length);
}

/* Events that are no samples are counted as lost. */
static int note_others(struct state *state)
{
	struct tfmt_lost lost = {.time_ns = state->last_time_ns, .count = state->other_events};
	int status;

	if (!state->other_events)
		return 0;
	status = imp_text(state->build, "sample", 6, &lost.what);
	if (!status)
		status =
			imp_text(state->build, "of another event than the first", 31, &lost.reason);
	return status ? status : tfmt_writer_lost(state->build->writer, &lost);
}

static int read_perf_script(struct imp_source *source, struct imp_build *build)
{
	struct state state = {.source = source, .build = build};
	size_t length;
	char *line;
	int status;

	while ((status = imp_source_line(source, &line, &length, &build->error)) > 0) {
		status = take_line(&state, line, length);
		if (status)
			break;
	}
	if (!status && !build->writer)
		status = imp_source_fail(source, 1, 1, &build->error, "no event at all");
	if (!status)
		status = finish_sample(&state);
	if (!status)
		status = note_others(&state);
	imp_frames_release(&state.frames);
	return status ? status : imp_build_end(build);
}

const struct imp_format imp_format_perf_script = {
	.name = "perf-script",
	.summary = "the text of perf script",
	.matches = matches,
	.read = read_perf_script,
};
