/*
 * Text of austin: remarks "# name: value", then a line for each sample, root first:
 *
 *	P7;T9;app.py:<module>:20;app.py:work:12 1021
 *
 * with microseconds since the thread's sample before, or "microseconds,idle,bytes" in full mode.
 * "T0:9" has the number of a sub-interpreter as well. Version 1 writes
 *
 *	Process 7;Thread 7f0a12;<module> (app.py);L20;work (app.py);L12 1021
 *
 * or "(app.py:12)", the process only with children, and "microseconds bytes bytes" in full mode.
 * Lines have no times: those of a thread follow one another, and a thread begins when it is first
 * seen.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "python_text.h"
#include "source.h"

struct state {
	struct imp_source *source;
	struct imp_build *build;
	struct imp_begin begin;
	uint64_t *times_ns; /* of the last sample, by thread */
	size_t capacity;
	uint64_t last_ns; /* of all */
	bool is_memory;
};

/* A line, taken apart. */
struct austin_line {
	uint32_t pid, tid;
	const char *stack; /* up to `end` */
	const char *end;
	uint64_t duration_us;
	bool is_idle;
	bool is_version_1;
};

/* The number behind `prefix`, up to a semicolon or `end`: decimal, or hexadecimal of a pthread. */
static const char *read_id(
	const char *at, const char *end, const char *prefix, bool is_hex, uint32_t *ret_id)
{
	size_t length = strlen(prefix);
	const char *last, *colon;
	uint64_t id = 0;
	char *stop;

	if ((size_t)(end - at) <= length || memcmp(at, prefix, length) != 0)
		return NULL;
	last = memchr(at, ';', (size_t)(end - at));
	last = last ? last : end;
	colon = memchr(at, ':', (size_t)(last - at));
	at = colon ? colon + 1 : at + length;
	if (!isxdigit((unsigned char)*at))
		return NULL;
	id = strtoull(at, &stop, is_hex ? 16 : 10);
	*ret_id = (uint32_t)id;
	return stop == last ? last : NULL;
}

/* Where the stack ends: at the last space, in version 1 at the first one behind all frames. */
static const char *find_metrics(const char *text, size_t length, bool is_version_1)
{
	const char *paren = memrchr(text, ')', length), *part = memrchr(text, ';', length);

	if (!is_version_1)
		return memrchr(text, ' ', length);
	part = part ? part + 1 : text;
	if (imp_text_after(part, "Thread "))
		part = imp_text_after(part, "Thread "); /* no frames */
	if (paren && paren > part)
		part = paren;
	return memchr(part, ' ', (size_t)(text + length - part));
}

static bool read_metrics(const char *text, size_t length, struct austin_line *line)
{
	size_t first = strcspn(text, line->is_version_1 ? " " : ",");

	first = first < length ? first : length;
	line->is_idle = !line->is_version_1 && length > first + 1 && text[first + 1] == '1';
	return imp_text_number(text, first, &line->duration_us) &&
	       line->duration_us < UINT64_MAX / 1000000;
}

/* "P7;T9;" or "T9;", "Process 7;Thread 9;" or "Thread 9;" */
static const char *read_ids(const char *text, const char *end, struct austin_line *line)
{
	const char *at =
		read_id(text, end, line->is_version_1 ? "Process " : "P", false, &line->pid);

	if (at && at == end)
		return NULL;
	return read_id(at ? at + 1 : text, end, line->is_version_1 ? "Thread " : "T",
		line->is_version_1, &line->tid);
}

static bool split_line(const char *text, size_t length, struct austin_line *line)
{
	const char *space, *at;

	*line = (struct austin_line){
		.pid = 1,
		.is_version_1 = imp_text_after(text, "Process ") || imp_text_after(text, "Thread "),
	};
	space = find_metrics(text, length, line->is_version_1);
	if (!space || !read_metrics(space + 1, length - (size_t)(space + 1 - text), line))
		return false;
	at = read_ids(text, space, line);
	line->end = space;
	line->stack = at && at < space ? at + 1 : at;
	return at != NULL;
}

static bool matches(const char *head, size_t size_bytes)
{
	const char *end = head + size_bytes, *newline;
	struct austin_line line;

	for (; head < end; head = newline + 1) {
		newline = memchr(head, '\n', (size_t)(end - head));
		if (!newline)
			newline = end;
		if (newline > head && *head != '#')
			return split_line(head, (size_t)(newline - head), &line);
	}
	return false;
}

/* "# interval: 1000", "# mode: wall" */
static void take_remark(struct state *state, const char *line)
{
	const char *interval = imp_text_after(line, "# interval: ");
	const char *mode = imp_text_after(line, "# mode: ");
	uint64_t interval_us;

	if (interval && imp_text_number(interval, strlen(interval), &interval_us) && interval_us)
		state->begin.rate_hz = (uint32_t)(1000000 / interval_us);
	else if (mode && !strcmp(mode, "wall"))
		state->begin.remark = "wall time: waiting counts as running";
	else if (mode && !strcmp(mode, "memory"))
		state->is_memory = true;
}

/* "file:function:line"; austin's own marks, such as ":INVALID:", have a function only. */
static bool split_frame(const char *text, size_t length, struct imp_python_text *frame)
{
	const char *last = memrchr(text, ':', length), *first = NULL;
	uint64_t line;

	if (last)
		first = memrchr(text, ':', (size_t)(last - text));
	if (!first)
		return false;
	if (!imp_text_number(last + 1, length - (size_t)(last + 1 - text), &line) ||
		line > UINT32_MAX)
		line = 0;
	*frame = (struct imp_python_text){
		.function = first + 1,
		.function_length = (size_t)(last - first - 1),
		.file = text,
		.file_length = (size_t)(first - text),
		.line = (uint32_t)line,
	};
	return true;
}

/* "L12", the line of the frame before it. */
static bool read_line_mark(const char *text, size_t length, uint32_t *ret_line)
{
	uint64_t line;

	if (length < 2 || *text != 'L' || !imp_text_number(text + 1, length - 1, &line) ||
		line > UINT32_MAX)
		return false;
	*ret_line = (uint32_t)line;
	return true;
}

static size_t part_length(const char *at, const char *end)
{
	const char *semicolon = at < end ? memchr(at, ';', (size_t)(end - at)) : NULL;

	return (size_t)((semicolon ? semicolon : end) - at);
}

/* Push the frame that begins at `at`. `*ret_next` is what follows it. */
static int push(struct imp_build *build, const struct austin_line *line, const char *at,
	struct tfmt_sample *sample, const char **ret_next)
{
	size_t length = part_length(at, line->end), mark_length;
	struct imp_python_text frame = {.function = at, .function_length = length, .file = ""};
	const char *next = at + length + (at + length < line->end);
	bool is_cut = false;
	uint32_t id;
	int status;

	if (!line->is_version_1) {
		split_frame(at, length, &frame);
	} else if (imp_python_split(at, length, &frame)) {
		mark_length = part_length(next, line->end);
		if (read_line_mark(next, mark_length, &frame.line))
			next += mark_length + (next + mark_length < line->end);
	}
	*ret_next = next;
	if (!length)
		return 0;
	status = imp_python_frame(build, frame.function, frame.function_length, frame.file,
		frame.file_length, frame.line, &id);
	if (!status)
		status = imp_push(build, id, &sample->stack, &is_cut);
	if (is_cut)
		sample->flags = TFMT_SAMPLE_TRUNCATED;
	return status;
}

static int push_all(
	struct imp_build *build, const struct austin_line *line, struct tfmt_sample *sample)
{
	const char *at = line->stack;
	int status = 0;

	while (at < line->end && !status)
		status = push(build, line, at, sample, &at);
	return status;
}

/* When the thread's sample before was: a new one begins so that this sample is the last of all. */
static int find_time(struct state *state, uint32_t thread, uint64_t weight_ns, uint64_t **ret_time)
{
	size_t capacity = state->capacity ? state->capacity : 64;
	uint64_t *grown;

	while (capacity <= thread)
		capacity *= 2;
	if (capacity != state->capacity) {
		grown = reallocarray(state->times_ns, capacity, sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		memset(grown + state->capacity, 0, (capacity - state->capacity) * sizeof(*grown));
		state->times_ns = grown;
		state->capacity = capacity;
	}
	*ret_time = &state->times_ns[thread];
	if (!**ret_time && state->last_ns > weight_ns)
		**ret_time = state->last_ns - weight_ns;
	return 0;
}

static int take_sample(struct state *state, const struct austin_line *line)
{
	struct imp_build *build = state->build;
	struct tfmt_sample sample = {
		.weight_ns = 1000 * line->duration_us,
		.state = line->is_idle ? TFMT_STATE_BLOCKED : TFMT_STATE_RUNNING,
	};
	uint64_t *time_ns;
	int status = build->writer ? 0 : imp_build_begin(build, &state->begin);

	if (!status)
		status = imp_python_process(build, line->pid);
	if (!status)
		status = imp_thread(build, line->pid, line->tid, &sample.thread);
	if (!status)
		status = push_all(build, line, &sample);
	if (!status)
		status = find_time(state, sample.thread, sample.weight_ns, &time_ns);
	if (status)
		return status;
	if (__builtin_add_overflow(*time_ns, sample.weight_ns, time_ns))
		*time_ns = UINT64_MAX;
	if (*time_ns > state->last_ns)
		state->last_ns = *time_ns;
	sample.time_ns = *time_ns;
	return tfmt_writer_sample(build->writer, &sample);
}

static int take_line(struct state *state, char *text, size_t length)
{
	struct austin_line line;

	if (!length)
		return 0;
	if (*text == '#') {
		take_remark(state, text);
		return 0;
	}
	if (state->is_memory)
		return imp_source_fail(state->source, state->source->line, 1, &state->build->error,
			"samples of memory have no times: record without -m, or with -f");
	if (!split_line(text, length, &line))
		return imp_source_fail(state->source, state->source->line, 1, &state->build->error,
			"no sample: a line is 'P1;T1;file:function:line;... MICROSECONDS'");
	return take_sample(state, &line);
}

static int read_austin(struct imp_source *source, struct imp_build *build)
{
	struct state state = {.source = source, .build = build, .begin = {.recorder = "austin"}};
	size_t length;
	char *line;
	int status;

	while ((status = imp_source_line(source, &line, &length, &build->error)) > 0) {
		status = take_line(&state, line, length);
		if (status)
			break;
	}
	if (!status && !build->writer)
		status = imp_build_begin(build, &state.begin);
	free(state.times_ns);
	return status ? status : imp_build_end(build);
}

const struct imp_format imp_format_austin = {
	.name = "austin",
	.summary = "text of austin: P1;T1;file:function:line;... MICROSECONDS",
	.matches = matches,
	.read = read_austin,
};
