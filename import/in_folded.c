/*
 * Folded stacks: "root;...;leaf COUNT" per line. They have neither times nor threads: the lines
 * follow each other in time, in one thread. Nothing says what is counted: up to MAX_SAMPLES
 * counts are samples of a millisecond, more are nanoseconds.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "folded.h"
#include "import.h"
#include "source.h"

#define MAX_SAMPLES UINT64_C(4000000)

bool imp_folded_split(const char *line, size_t length, size_t *ret_stack, uint64_t *ret_count)
{
	size_t digits = length, i;
	uint64_t count = 0;

	while (digits && isdigit((unsigned char)line[digits - 1]))
		digits--;
	if (digits == length || length - digits > 19 || !digits || line[digits - 1] != ' ')
		return false;
	for (i = digits; i < length; i++)
		count = 10 * count + (uint64_t)(line[i] - '0');
	while (digits && line[digits - 1] == ' ')
		digits--;
	*ret_stack = digits;
	*ret_count = count;
	return digits > 0;
}

static bool is_comment(const char *line, size_t length)
{
	return length == 0 || line[0] == '#';
}

static bool matches(const char *head, size_t size_bytes)
{
	const char *end = head + size_bytes, *newline;
	size_t length, stack, lines = 0, deep = 0;
	uint64_t count;

	for (; head < end; head = newline + 1) {
		newline = memchr(head, '\n', (size_t)(end - head));
		if (!newline && lines)
			break;
		if (!newline)
			newline = end;
		length = (size_t)(newline - head);
		length -= length && head[length - 1] == '\r';
		if (is_comment(head, length))
			continue;
		if (!imp_folded_split(head, length, &stack, &count))
			return false;
		lines++;
		deep += memchr(head, ';', stack) != NULL;
	}
	return deep > 0;
}

static int fail(struct imp_source *source, struct imp_build *build, size_t length)
{
	return imp_source_fail(source, source->line, length, &build->error,
		"no count: a line is 'root;...;leaf COUNT'");
}

/* Add all counts up, to know what they are. */
static int add_up(struct imp_source *source, struct imp_build *build, uint64_t *ret_total)
{
	size_t length, stack;
	uint64_t count;
	char *line;
	int status;

	*ret_total = 0;
	while ((status = imp_source_line(source, &line, &length, &build->error)) > 0) {
		if (is_comment(line, length))
			continue;
		if (!imp_folded_split(line, length, &stack, &count))
			return fail(source, build, length);
		if (__builtin_add_overflow(*ret_total, count, ret_total))
			return imp_source_fail(source, source->line, stack + 2, &build->error,
				"the counts add up to more than 2^64");
	}
	return status ? status : imp_source_rewind(source);
}

/* "function", with "_[k]" behind those of the kernel and "_[j]" behind those of a JIT compiler. */
static int push(
	struct imp_build *build, const char *name, size_t length, uint32_t *stack, bool *is_cut)
{
	struct imp_frame frame = {.function = name, .function_length = length};
	uint32_t id;
	int status;

	if (length > 4 && !memcmp(name + length - 4, "_[k]", 4))
		frame.language = TFMT_LANG_KERNEL;
	else if (length > 4 && !memcmp(name + length - 4, "_[j]", 4))
		frame.language = TFMT_LANG_JIT;
	if (frame.language)
		frame.function_length -= 4;
	status = imp_frame(build, &frame, &id);
	return status ? status : imp_push(build, id, stack, is_cut);
}

static int push_all(struct imp_build *build, imp_folded_push_fn *push_frame, const char *line,
	size_t length, struct tfmt_sample *sample)
{
	const char *end = line + length, *semicolon;
	bool is_cut = false;
	int status = 0;

	sample->stack = 0;
	for (; line < end && !status; line = semicolon + 1) {
		semicolon = memchr(line, ';', (size_t)(end - line));
		if (!semicolon)
			semicolon = end;
		if (semicolon > line)
			status = push_frame(
				build, line, (size_t)(semicolon - line), &sample->stack, &is_cut);
	}
	sample->flags = is_cut ? TFMT_SAMPLE_TRUNCATED : 0;
	return status;
}

/* `count` samples, or one of `count` ns. */
static int add_samples(
	struct imp_build *build, struct tfmt_sample *sample, uint64_t count, bool are_samples)
{
	uint64_t times = are_samples ? count : count > 0;
	int status = 0;

	sample->weight_ns = are_samples ? IMP_SAMPLE_NS : count;
	if (!are_samples)
		sample->flags |= TFMT_SAMPLE_SUMMED;
	for (; times && !status; times--) {
		sample->time_ns += sample->weight_ns;
		status = tfmt_writer_sample(build->writer, sample);
	}
	return status;
}

int imp_folded_read(struct imp_source *source, struct imp_build *build, const char *recorder,
	imp_folded_push_fn *push_frame)
{
	struct imp_begin begin = {.recorder = recorder};
	struct tfmt_sample sample = {0};
	size_t length, stack;
	uint64_t count, total;
	uint32_t process;
	char *line;
	int status = add_up(source, build, &total);

	if (status)
		return status;
	begin.rate_hz = total <= MAX_SAMPLES ? (uint32_t)(UINT64_C(1000000000) / IMP_SAMPLE_NS) : 0;
	begin.remark =
		total <= MAX_SAMPLES
			? "counts are taken for samples of 1 ms each, in the order of the lines"
			: "counts are taken for nanoseconds, in the order of the lines";
	status = imp_build_begin(build, &begin);
	if (!status)
		status = imp_thread(build, 1, 1, &sample.thread);
	if (!status)
		status = imp_process(build, 1, &process);
	if (!status)
		status = imp_name(build, 0, process, 0, tfmt_base_name(source->name),
			strlen(tfmt_base_name(source->name)));
	if (status)
		return status;
	while ((status = imp_source_line(source, &line, &length, &build->error)) > 0) {
		if (is_comment(line, length) || !imp_folded_split(line, length, &stack, &count))
			continue;
		status = push_all(build, push_frame, line, stack, &sample);
		if (!status)
			status = add_samples(build, &sample, count, total <= MAX_SAMPLES);
		if (status)
			return status;
	}
	return status ? status : imp_build_end(build);
}

static int read_folded(struct imp_source *source, struct imp_build *build)
{
	return imp_folded_read(source, build, "folded stacks", push);
}

const struct imp_format imp_format_folded = {
	.name = "folded",
	.summary = "stacks of flamegraph.pl: root;...;leaf COUNT",
	.matches = matches,
	.read = read_folded,
};
