/*
 * pprof (https://github.com/google/pprof, proto/profile.proto), gzipped. The format has no times:
 * samples of one thread, state and stack are one, with a value of each type. A location is a place
 * in code, with a line for each function inlined there; what stands on top of a stack that waited
 * is a location without an address.
 *
 * Or a profile for each window of time (--split), named by its number: 000000.pb.gz.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "command.h"
#include "folder.h"
#include "format.h"
#include "gzip.h"
#include "protobuf.h"
#include "sums.h"
#include "tracefmt/limits.h"
#include "tracefmt/tracefmt.h"

/* Field numbers of profile.proto. */
enum profile_field {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE,
	PROFILE_MAPPING,
	PROFILE_LOCATION,
	PROFILE_FUNCTION,
	PROFILE_STRING_TABLE,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS,
	PROFILE_PERIOD_TYPE,
	PROFILE_PERIOD,
	PROFILE_COMMENT,
	PROFILE_DEFAULT_SAMPLE_TYPE,
};
enum value_type_field { VALUE_TYPE = 1, VALUE_UNIT };
enum sample_field { SAMPLE_LOCATION_ID = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum label_field { LABEL_KEY = 1, LABEL_STR, LABEL_NUM };
enum mapping_field {
	MAPPING_ID = 1,
	MAPPING_MEMORY_START,
	MAPPING_MEMORY_LIMIT,
	MAPPING_FILENAME = 5,
	MAPPING_BUILD_ID,
	MAPPING_HAS_FUNCTIONS,
	MAPPING_HAS_FILENAMES,
	MAPPING_HAS_LINE_NUMBERS,
	MAPPING_HAS_INLINE_FRAMES,
};
enum location_field { LOCATION_ID = 1, LOCATION_MAPPING_ID, LOCATION_ADDRESS, LOCATION_LINE };
enum line_field { LINE_FUNCTION_ID = 1, LINE_LINE };
enum function_field {
	FUNCTION_ID = 1,
	FUNCTION_NAME,
	FUNCTION_FILENAME = 4,
	FUNCTION_START_LINE,
};

#define MAX_INLINED	   256
#define MAX_BUILD_ID_BYTES 32
#define PAGE_BYTES	   UINT64_C(4096)

struct function_key {
	uint32_t name, file; /* numbers of texts */
	uint64_t first_line;
};

/* What the locations of a mapping tell about it. */
struct mapping_facts {
	uint64_t end; /* the highest address, 0: no location */
	bool lacks_function, lacks_file, lacks_line;
	bool has_inlined;
	char build_id[2 * MAX_BUILD_ID_BYTES + 1];
};

struct pprof_state {
	const struct conv_context *context;
	char command[512];
	uint64_t window;		    /* number of the one that is filled */
	uint64_t seen_count, weighed_count; /* samples; those of the weight asked for */
	/* Of one profile, zeroed between two. */
	FILE *stream; /* gzip, into the output */
	struct conv_sink sink;
	struct protobuf pb;
	struct conv_sums sums;
	struct conv_intern texts;	/* the string table: number 1 is "" and has index 0 */
	struct conv_intern functions;	/* of struct function_key */
	struct conv_intern made_up;	/* names of locations that are no frame */
	bool *is_used;			/* by frame */
	uint32_t frame_count;		/* ids and 0 */
	struct mapping_facts *mappings; /* by mapping */
	uint32_t mapping_count;		/* ids and 0 */
};

/* Where the profile of the window goes. */
static int open_output(struct pprof_state *state)
{
	struct conv_sink *out = state->context->out;
	char name[32];
	int status = 0;

	snprintf(name, sizeof(name), "%06" PRIu64 ".pb.gz", state->window);
	if (state->context->split_ns)
		status = conv_folder_add(state->context->folder, name, &out);
	if (status)
		return status;
	state->stream = conv_gzip_open(out);
	return state->stream ? conv_sink_init(&state->sink, state->stream) : TFMT_E_NOMEM;
}

static int begin_profile(struct pprof_state *state)
{
	const struct tfmt_trace *trace = state->context->trace;
	uint32_t number;

	state->frame_count = tfmt_trace_count(trace, TFMT_FRAME) + 1;
	state->is_used = calloc(state->frame_count, sizeof(*state->is_used));
	state->mapping_count = tfmt_trace_count(trace, TFMT_MAPPING) + 1;
	state->mappings = calloc(state->mapping_count, sizeof(*state->mappings));
	if (!state->is_used || !state->mappings || conv_sums_init(&state->sums) ||
		conv_intern_init(&state->functions, sizeof(struct function_key)) ||
		conv_intern_init_texts(&state->texts) || conv_intern_init_texts(&state->made_up))
		return TFMT_E_NOMEM;
	return conv_intern_text(&state->texts, "", &number);
}

static void drop_profile(struct pprof_state *state)
{
	if (state->stream)
		fclose(state->stream);
	conv_sink_release(&state->sink);
	conv_sums_release(&state->sums);
	conv_intern_release(&state->functions);
	conv_intern_release(&state->texts);
	conv_intern_release(&state->made_up);
	free(state->is_used);
	free(state->mappings);
	state->stream = NULL;
	state->sums = (struct conv_sums){0};
	state->functions = state->texts = state->made_up = (struct conv_intern){0};
	state->is_used = NULL;
	state->mappings = NULL;
}

static int pprof_begin(void *opaque, const struct conv_context *context)
{
	struct pprof_state *state = opaque;

	state->context = context;
	conv_command_text(context->header, state->command, sizeof(state->command));
	return begin_profile(state);
}

static void pprof_release(void *opaque)
{
	struct pprof_state *state = opaque;

	drop_profile(state);
	protobuf_release(&state->pb);
}

/* --- texts --- */

/* The index of a text. A failure is kept in the buffer, to be met when it is flushed. */
static uint64_t index_of(struct pprof_state *state, const char *text)
{
	uint32_t number = 1;

	if (conv_intern_text(&state->texts, text, &number))
		state->pb.failed = true;
	return number - 1;
}

static void put_index(struct pprof_state *state, unsigned int field, const char *text)
{
	if (*text)
		protobuf_u64(&state->pb, field, index_of(state, text));
}

static void put_value_type(
	struct pprof_state *state, unsigned int field, const char *type, const char *unit)
{
	size_t mark = protobuf_begin(&state->pb, field);

	put_index(state, VALUE_TYPE, type);
	put_index(state, VALUE_UNIT, unit);
	protobuf_end(&state->pb, mark);
}

/* --- samples --- */

static void put_text_label(struct pprof_state *state, const char *key, const char *value)
{
	size_t mark = protobuf_begin(&state->pb, SAMPLE_LABEL);

	put_index(state, LABEL_KEY, key);
	put_index(state, LABEL_STR, *value ? value : "[unknown]");
	protobuf_end(&state->pb, mark);
}

static void put_number_label(struct pprof_state *state, const char *key, uint64_t value)
{
	size_t mark = protobuf_begin(&state->pb, SAMPLE_LABEL);

	put_index(state, LABEL_KEY, key);
	protobuf_u64(&state->pb, LABEL_NUM, value);
	protobuf_end(&state->pb, mark);
}

static void put_labels(struct pprof_state *state, const struct conv_sum_key *key)
{
	static const char *const states[] = {
		[TFMT_STATE_RUNNING] = "running",
		[TFMT_STATE_PREEMPTED] = "preempted",
		[TFMT_STATE_BLOCKED] = "blocked",
		[TFMT_STATE_GIL] = "waiting for the GIL",
	};
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, key->thread);

	put_text_label(state, "process", tfmt_trace_text(trace, key->process_name));
	put_number_label(state, "pid", tfmt_trace_process(trace, thread->process)->pid);
	put_text_label(state, "thread", tfmt_trace_text(trace, thread->name));
	put_number_label(state, "tid", thread->tid);
	if (key->state < sizeof(states) / sizeof(states[0]))
		put_text_label(state, "state", states[key->state]);
}

/* Locations that are frames have the frame's id, others follow them. */
static void put_made_up(struct pprof_state *state, const char *name)
{
	uint32_t number = 1;

	if (conv_intern_text(&state->made_up, name, &number))
		state->pb.failed = true;
	protobuf_item(&state->pb, (uint64_t)state->frame_count - 1 + number);
}

static void put_frame(struct pprof_state *state, uint32_t frame)
{
	struct tfmt_location location;

	if (frame && frame < state->frame_count) {
		state->is_used[frame] = true;
		protobuf_item(&state->pb, frame);
		return;
	}
	tfmt_trace_locations(state->context->trace, frame, &location, 1);
	put_made_up(state, location.function);
}

/* Leaf first. */
static void put_stack(struct pprof_state *state, const struct conv_sum_key *key)
{
	const char *wait = conv_sum_wait_name(key);
	size_t mark = protobuf_begin(&state->pb, SAMPLE_LOCATION_ID);
	const struct tfmt_stack *stack;
	uint32_t id = key->stack, depth;

	if (wait)
		put_made_up(state, wait);
	if (!id)
		put_made_up(state, TFMT_NO_STACK_NAME);
	for (depth = 0; id && depth < TFMT_MAX_DEPTH; depth++) {
		stack = tfmt_trace_stack(state->context->trace, id);
		put_frame(state, stack->frame);
		id = stack->parent;
	}
	protobuf_end(&state->pb, mark);
}

/* Returns: 0; TFMT_E_NOMEM. */
static int put_samples(struct pprof_state *state)
{
	const struct conv_sum_key *key;
	uint32_t number;
	size_t sample, values;
	int status = 0, weight;

	for (number = 1; !status && number <= state->sums.keys.count; number++) {
		key = conv_intern_at(&state->sums.keys, number);
		sample = protobuf_begin(&state->pb, PROFILE_SAMPLE);
		put_stack(state, key);
		values = protobuf_begin(&state->pb, SAMPLE_VALUE);
		for (weight = 0; weight < TFMT_WEIGHT_COUNT; weight++)
			protobuf_item(&state->pb, state->sums.sums[number - 1].weights[weight]);
		protobuf_end(&state->pb, values);
		put_labels(state, key);
		protobuf_end(&state->pb, sample);
		status = protobuf_flush(&state->pb, &state->sink);
	}
	return status;
}

/* --- code --- */

static void put_line(struct pprof_state *state, const struct tfmt_location *location)
{
	const struct function_key key = {
		.name = (uint32_t)index_of(state, location->function),
		.file = (uint32_t)index_of(state, location->file),
		.first_line = location->first_line,
	};
	size_t mark = protobuf_begin(&state->pb, LOCATION_LINE);
	uint32_t number = 1;

	if (conv_intern_key(&state->functions, &key, &number))
		state->pb.failed = true;
	protobuf_u64(&state->pb, LINE_FUNCTION_ID, number);
	if (location->line)
		protobuf_u64(&state->pb, LINE_LINE, location->line);
	protobuf_end(&state->pb, mark);
}

static void note_facts(struct pprof_state *state, const struct tfmt_frame *frame,
	const struct tfmt_location *locations, size_t count)
{
	struct mapping_facts *facts;
	size_t i;

	facts = &state->mappings[frame->mapping];
	if (frame->address >= facts->end)
		facts->end = frame->address + 1;
	facts->has_inlined |= count > 1;
	for (i = 0; i < count; i++) {
		facts->lacks_function |= !locations[i].function_id;
		facts->lacks_file |= !*locations[i].file;
		facts->lacks_line |= !locations[i].line;
	}
}

static void put_location(struct pprof_state *state, uint32_t id)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_frame *frame = tfmt_trace_frame(trace, id);
	struct tfmt_location locations[MAX_INLINED];
	size_t count = tfmt_trace_locations(trace, id, locations, MAX_INLINED), mark, i;

	if (count > MAX_INLINED)
		count = MAX_INLINED;
	mark = protobuf_begin(&state->pb, PROFILE_LOCATION);
	protobuf_u64(&state->pb, LOCATION_ID, id);
	if (frame->mapping && frame->mapping < state->mapping_count) {
		protobuf_u64(&state->pb, LOCATION_MAPPING_ID, frame->mapping);
		note_facts(state, frame, locations, count);
	}
	if (frame->address)
		protobuf_u64(&state->pb, LOCATION_ADDRESS, frame->address);
	for (i = 0; i < count; i++)
		put_line(state, &locations[i]);
	protobuf_end(&state->pb, mark);
}

static void put_made_up_location(struct pprof_state *state, uint32_t number)
{
	const struct tfmt_location location = {
		.function = conv_intern_text_at(&state->made_up, number), .file = ""};
	size_t mark = protobuf_begin(&state->pb, PROFILE_LOCATION);

	protobuf_u64(&state->pb, LOCATION_ID, (uint64_t)state->frame_count - 1 + number);
	put_line(state, &location);
	protobuf_end(&state->pb, mark);
}

static int put_locations(struct pprof_state *state)
{
	uint32_t id;
	int status = 0;

	for (id = 1; !status && id < state->frame_count; id++) {
		if (!state->is_used[id])
			continue;
		put_location(state, id);
		status = protobuf_flush(&state->pb, &state->sink);
	}
	for (id = 1; id <= state->made_up.count; id++)
		put_made_up_location(state, id);
	return status;
}

/* Without a system name, by which pprof knows that names are demangled and leaves them alone. */
static void put_functions(struct pprof_state *state)
{
	const struct function_key *key;
	uint32_t number;
	size_t mark;

	for (number = 1; number <= state->functions.count; number++) {
		key = conv_intern_at(&state->functions, number);
		mark = protobuf_begin(&state->pb, PROFILE_FUNCTION);
		protobuf_u64(&state->pb, FUNCTION_ID, number);
		protobuf_u64(&state->pb, FUNCTION_NAME, key->name);
		protobuf_u64(&state->pb, FUNCTION_FILENAME, key->file);
		if (key->first_line)
			protobuf_u64(&state->pb, FUNCTION_START_LINE, key->first_line);
		protobuf_end(&state->pb, mark);
	}
}

static void format_build_id(const struct tfmt_string *bytes, char *text)
{
	size_t i;

	for (i = 0; i < bytes->length && i < MAX_BUILD_ID_BYTES; i++)
		sprintf(text + 2 * i, "%02x", (unsigned char)bytes->data[i]);
}

/* Addresses are those of the file: the mapping begins at 0 and ends behind the last one met. */
static void put_mapping(struct pprof_state *state, uint32_t id)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_mapping *mapping = tfmt_trace_mapping(trace, id);
	struct mapping_facts *facts = &state->mappings[id];
	uint64_t limit = (facts->end + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	size_t mark = protobuf_begin(&state->pb, PROFILE_MAPPING);

	if (mapping->build_id)
		format_build_id(tfmt_trace_string(trace, mapping->build_id), facts->build_id);
	protobuf_u64(&state->pb, MAPPING_ID, id);
	protobuf_u64(&state->pb, MAPPING_MEMORY_LIMIT, limit ? limit : facts->end);
	put_index(state, MAPPING_FILENAME, tfmt_trace_text(trace, mapping->path));
	put_index(state, MAPPING_BUILD_ID, facts->build_id);
	protobuf_u64(&state->pb, MAPPING_HAS_FUNCTIONS, !facts->lacks_function);
	protobuf_u64(&state->pb, MAPPING_HAS_FILENAMES, !facts->lacks_file);
	protobuf_u64(&state->pb, MAPPING_HAS_LINE_NUMBERS, !facts->lacks_line);
	protobuf_u64(&state->pb, MAPPING_HAS_INLINE_FRAMES, facts->has_inlined);
	protobuf_end(&state->pb, mark);
}

/* The mapping of the executable that the command ran last; 0 when no stack is in it. */
static uint32_t find_main_mapping(const struct pprof_state *state)
{
	const struct tfmt_trace *trace = state->context->trace;
	uint32_t exe, id;

	if (tfmt_trace_count(trace, TFMT_PROCESS) == 0)
		return 0;
	exe = tfmt_trace_process(trace, 1)->exe;
	for (id = 1; exe && id < state->mapping_count; id++)
		if (state->mappings[id].end && tfmt_trace_mapping(trace, id)->path == exe)
			return id;
	return 0;
}

/* Readers take the first mapping for the program. */
static void put_code(struct pprof_state *state)
{
	uint32_t main_id = find_main_mapping(state);
	uint32_t id;

	put_functions(state);
	if (main_id)
		put_mapping(state, main_id);
	for (id = 1; id < state->mapping_count; id++)
		if (id != main_id && state->mappings[id].end)
			put_mapping(state, id);
}

/* --- the file --- */

/* The time that a profile is of: its window, or all that is shown. */
static void put_times(struct pprof_state *state)
{
	const struct conv_context *context = state->context;
	const struct tfmt_header *header = context->header;
	uint64_t begin_ns = context->begin_ns + state->window * context->split_ns;
	uint64_t length_ns = context->end_ns > begin_ns ? context->end_ns - begin_ns : 0;

	/* The end of the trace is not known while windows are written, but their own is. */
	if (context->split_ns && (length_ns > context->split_ns || !length_ns))
		length_ns = context->split_ns;
	protobuf_i64(&state->pb, PROFILE_TIME_NANOS,
		header->utc_ns + (int64_t)(begin_ns - header->time_ns));
	protobuf_u64(&state->pb, PROFILE_DURATION_NANOS, length_ns);
}

static void put_types(struct pprof_state *state)
{
	const struct conv_context *context = state->context;
	const struct tfmt_header *header = context->header;
	int weight;

	for (weight = 0; weight < TFMT_WEIGHT_COUNT; weight++)
		put_value_type(state, PROFILE_SAMPLE_TYPE, tfmt_weight_name(weight),
			weight == TFMT_WEIGHT_SAMPLES ? "count" : "nanoseconds");
	put_index(state, PROFILE_DEFAULT_SAMPLE_TYPE, tfmt_weight_name(context->weight));
	put_times(state);
	if (header->rate_hz) {
		put_value_type(state, PROFILE_PERIOD_TYPE, "cpu", "nanoseconds");
		protobuf_u64(&state->pb, PROFILE_PERIOD, UINT64_C(1000000000) / header->rate_hz);
	}
	put_index(state, PROFILE_COMMENT, state->command);
}

static int put_texts(struct pprof_state *state)
{
	uint32_t number;
	int status = 0;

	for (number = 1; !status && number <= state->texts.count; number++) {
		protobuf_text(&state->pb, PROFILE_STRING_TABLE,
			conv_intern_text_at(&state->texts, number));
		status = protobuf_flush(&state->pb, &state->sink);
	}
	return status;
}

static int put_profile(struct pprof_state *state)
{
	int status;

	put_types(state);
	status = put_samples(state);
	if (!status)
		status = put_locations(state);
	if (!status) {
		put_code(state);
		status = put_texts(state);
	}
	return status ? status : conv_sink_flush(&state->sink);
}

/* Write what was added up; of several files this one is complete then. */
static int end_profile(struct pprof_state *state)
{
	struct conv_folder *folder = state->context->folder;
	FILE *stream;
	int status = open_output(state);

	if (!status)
		status = put_profile(state);
	stream = state->stream;
	state->stream = NULL;
	if (stream && fclose(stream) && !status)
		status = TFMT_E_NOMEM;
	if (status || !state->context->split_ns)
		return status;
	folder->failed = conv_folder_commit(folder) != EXIT_OK;
	conv_folder_release(folder);
	return folder->failed ? TFMT_E_IO : 0;
}

/* Samples come in the order of time: the first of a later window ends the one before. */
static int enter_window(struct pprof_state *state, uint64_t time_ns)
{
	const struct conv_context *context = state->context;
	uint64_t window = 0;
	int status = 0;

	if (context->split_ns && time_ns > context->begin_ns)
		window = (time_ns - context->begin_ns - 1) / context->split_ns;
	if (window <= state->window)
		return 0;
	if (state->sums.keys.count) {
		status = end_profile(state);
		drop_profile(state);
		if (!status)
			status = begin_profile(state);
	}
	state->window = window;
	return status;
}

static int on_sample(void *opaque, const struct conv_record *record)
{
	struct pprof_state *state = opaque;
	const struct conv_context *context = state->context;
	struct conv_sum_key key = conv_sum_key(context->trace, record->sample);
	int status = enter_window(state, record->sample->time_ns);

	if (status)
		return status;
	state->seen_count++;
	state->weighed_count += tfmt_weight_of(context->weight, record->sample) > 0;
	key.thread = record->sample->thread;
	return conv_sums_add(&state->sums, &key, record->sample);
}

static int pprof_end(void *opaque)
{
	struct pprof_state *state = opaque;
	int status = end_profile(state);

	if (!status && state->seen_count && !state->weighed_count)
		conv_warn_weightless(state->context);
	return status;
}

const struct conv_format conv_format_pprof = {
	.name = "pprof",
	.extension = ".pb.gz",
	.summary = "stacks added up, with inlined lines and labels, for go tool pprof",
	.is_binary = true,
	.can_split = true,
	.carries = TFMT_KIND_BIT(TFMT_SAMPLE),
	.weight = TFMT_WEIGHT_CPU,
	.state_size = sizeof(struct pprof_state),
	.begin = pprof_begin,
	.on = {[TFMT_SAMPLE] = on_sample},
	.end = pprof_end,
	.release = pprof_release,
};
