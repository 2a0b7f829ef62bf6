/*
 * The text of `perf script`, which FlameGraph's stackcollapse-perf.pl, inferno, speedscope,
 * Perfetto and the Firefox Profiler read. The layout is what all of them understand: six digits
 * after the second, the event at the end of its line, one sort of event, times that rise in each
 * thread.
 *
 * The period of an event is its weight.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cleantext.h"
#include "format.h"
#include "process_name.h"
#include "tracefmt/limits.h"
#include "tracefmt/tracefmt.h"

#define MAX_INLINED    256
#define MAX_NAME_BYTES 4096
#define UNKNOWN	       "[unknown]"

/* The lines of a frame, innermost function first. */
struct frame_text {
	char *data; /* NULL: not made yet */
	size_t length;
};

struct perf_script_state {
	const struct conv_context *context;
	struct frame_text *frames; /* by frame; [0]: those that were lost */
	uint32_t frame_count;	   /* ids and 0 */
	uint64_t *last_us;	   /* by thread: the time of its last event */
	uint32_t thread_count;	   /* ids and 0 */
	uint64_t seen_count;	   /* samples */
	uint64_t taken_count;	   /* that have a part in the weight */
};

static int perf_script_begin(void *opaque, const struct conv_context *context)
{
	struct perf_script_state *state = opaque;

	state->context = context;
	state->frame_count = tfmt_trace_count(context->trace, TFMT_FRAME) + 1;
	state->frames = calloc(state->frame_count, sizeof(*state->frames));
	state->thread_count = tfmt_trace_count(context->trace, TFMT_THREAD) + 1;
	state->last_us = calloc(state->thread_count, sizeof(*state->last_us));
	return state->frames && state->last_us ? 0 : TFMT_E_NOMEM;
}

static void perf_script_release(void *opaque)
{
	struct perf_script_state *state = opaque;
	uint32_t i;

	for (i = 0; state->frames && i < state->frame_count; i++)
		free(state->frames[i].data);
	free(state->frames);
	free(state->last_us);
}

/* --- frames --- */

/* Some readers end a word at a space, and a frame at a semicolon: others stand for them. */
static size_t append_word(char *out, const char *text)
{
	size_t length = conv_clean_text(out, text, strnlen(text, MAX_NAME_BYTES)), i;

	for (i = 0; i < length; i++)
		out[i] = out[i] == ' ' ? '_' : out[i] == ';' ? ':' : out[i];
	return length;
}

static const char *file_of(const struct tfmt_trace *trace, const struct tfmt_location *location)
{
	if (location->inlined)
		return "inlined";
	if (tfmt_trace_mapping(trace, location->mapping)->type == TFMT_MAPPING_KERNEL)
		return "[kernel.kallsyms]";
	if (*location->module)
		return location->module;
	return *location->file ? location->file : UNKNOWN;
}

static const char *name_of(const struct tfmt_location *location)
{
	return *location->function ? location->function : UNKNOWN;
}

/* Does a name end as "prog+0x1f" does? Readers take that for an offset, and away. */
static bool has_offset(const char *name)
{
	const char *plus = strrchr(name, '+');

	return plus && !strncmp(plus, "+0x", 3) && plus[3] &&
	       !plus[3 + strspn(plus + 3, "0123456789abcdef")];
}

/* Bytes that a line may need: the names, and an address with what stands between. */
static size_t line_room(const char *name, const char *file)
{
	return CONV_CLEAN_GROWTH * (strnlen(name, MAX_NAME_BYTES) + strnlen(file, MAX_NAME_BYTES)) +
	       32;
}

/* "\t            1004 main (/usr/bin/prog)\n" */
static size_t append_line(char *out, uint64_t address, const char *name, const char *file)
{
	size_t at = (size_t)sprintf(out, "\t%16" PRIx64 " ", address);

	at += conv_clean_text(out + at, name, strnlen(name, MAX_NAME_BYTES));
	if (has_offset(name))
		at += (size_t)sprintf(out + at, "+0x0");
	out[at++] = ' ';
	out[at++] = '(';
	at += append_word(out + at, file);
	out[at++] = ')';
	out[at++] = '\n';
	return at;
}

static int make_text(struct perf_script_state *state, uint32_t frame, struct frame_text *text)
{
	const struct tfmt_trace *trace = state->context->trace;
	struct tfmt_location locations[MAX_INLINED];
	size_t count = tfmt_trace_locations(trace, frame, locations, MAX_INLINED), room = 0, i;
	uint64_t address = tfmt_trace_frame(trace, frame)->address;

	if (count > MAX_INLINED)
		count = MAX_INLINED;
	for (i = 0; i < count; i++)
		room += line_room(name_of(&locations[i]), file_of(trace, &locations[i]));
	text->data = malloc(room);
	if (!text->data)
		return TFMT_E_NOMEM;
	text->length = 0;
	for (i = 0; i < count; i++)
		text->length += append_line(text->data + text->length, address,
			name_of(&locations[i]), file_of(trace, &locations[i]));
	return 0;
}

static int put_frame(struct perf_script_state *state, uint32_t frame)
{
	struct frame_text *text = &state->frames[frame < state->frame_count ? frame : 0];
	int status = text->data ? 0 : make_text(state, frame, text);

	if (!status)
		conv_put(state->context->out, text->data, text->length);
	return status;
}

/* A frame that is no code. */
static void put_name(struct perf_script_state *state, const char *name)
{
	char line[128];

	conv_put(state->context->out, line, append_line(line, 0, name, UNKNOWN));
}

static int put_stack(struct perf_script_state *state, const struct tfmt_sample *sample)
{
	const char *wait = tfmt_wait_name(sample);
	const struct tfmt_stack *stack;
	uint32_t id = sample->stack, depth;
	int status = 0;

	if (wait)
		put_name(state, wait);
	if (!id)
		put_name(state, TFMT_NO_STACK_NAME);
	for (depth = 0; !status && id && depth < TFMT_MAX_DEPTH; depth++) {
		stack = tfmt_trace_stack(state->context->trace, id);
		status = put_frame(state, stack->frame);
		id = stack->parent;
	}
	return status;
}

/* --- events --- */

static void put_padded(struct conv_sink *out, const char *text, size_t width)
{
	char word[CONV_CLEAN_GROWTH * MAX_NAME_BYTES];
	size_t length = append_word(word, *text ? text : UNKNOWN);

	conv_put(out, word, length);
	for (; length < width; length++)
		conv_put_char(out, ' ');
}

/* "prog               100/101   [000]  1000.001000:    1000000 cpu-clock: " */
static void put_event(
	struct perf_script_state *state, const struct tfmt_sample *sample, uint64_t weight)
{
	static const char *const events[] = {
		[TFMT_WEIGHT_SAMPLES] = "cpu-clock",
		[TFMT_WEIGHT_CPU] = "cpu-clock",
		[TFMT_WEIGHT_OFFCPU] = "off-cpu",
		[TFMT_WEIGHT_WALL] = "wall-clock",
	};
	const struct conv_context *context = state->context;
	const struct tfmt_trace *trace = context->trace;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, sample->thread);
	uint64_t *last_us =
		&state->last_us[sample->thread < state->thread_count ? sample->thread : 0];
	uint64_t time_us = sample->time_ns / 1000;
	uint32_t name = thread->name;
	char text[160];
	int length;

	/* perf's comm is the thread's; a main thread has the name its process had then. */
	if (tfmt_trace_process(trace, thread->process)->main_thread == sample->thread)
		name = conv_process_name_at(trace, thread->process, sample->time_ns);
	if (time_us < *last_us)
		time_us = *last_us;
	*last_us = time_us;
	put_padded(context->out, tfmt_trace_text(trace, name), 16);
	length = snprintf(text, sizeof(text),
		" %6u/%-6u [000] %6" PRIu64 ".%06" PRIu64 ": %10" PRIu64 " %s: \n",
		tfmt_trace_process(trace, thread->process)->pid, thread->tid, time_us / 1000000,
		time_us % 1000000, weight, events[context->weight]);
	conv_put(context->out, text, (size_t)length);
}

static int on_sample(void *opaque, const struct conv_record *record)
{
	struct perf_script_state *state = opaque;
	uint64_t weight = tfmt_weight_of(state->context->weight, record->sample);
	int status;

	state->seen_count++;
	if (!weight)
		return 0;
	state->taken_count++;
	put_event(state, record->sample, weight);
	status = put_stack(state, record->sample);
	conv_put_char(state->context->out, '\n');
	return status;
}

static int perf_script_end(void *opaque)
{
	struct perf_script_state *state = opaque;

	if (state->seen_count && !state->taken_count)
		conv_warn_weightless(state->context);
	return 0;
}

const struct conv_format conv_format_perf_script = {
	.name = "perf-script",
	.extension = ".perf",
	.summary = "the text of perf script, for stackcollapse-perf.pl, inferno and others",
	.carries = TFMT_KIND_BIT(TFMT_SAMPLE),
	.weight = TFMT_WEIGHT_CPU,
	.state_size = sizeof(struct perf_script_state),
	.begin = perf_script_begin,
	.on = {[TFMT_SAMPLE] = on_sample},
	.end = perf_script_end,
	.release = perf_script_release,
};
