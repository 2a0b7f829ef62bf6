/*
 * speedscope's JSON: each profile is a thread, sampled or evented. Times become nanoseconds; what
 * is only counted is taken for samples of a millisecond, bytes for nanoseconds.
 *
 * Frames may stand behind the profiles that use them, so the file is read twice.
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "events.h"
#include "import.h"
#include "json.h"
#include "tracefmt/limits.h"

#define MAX_START_NS (INT64_C(100) * 366 * 86400 * 1000000000)
/* So many counts become samples of their own; then each stack is one that sums them up. */
#define MAX_COUNTS INT64_C(1000000)

enum { FRAME, TYPE, NAME, UNIT, START, SAMPLES, WEIGHTS, EVENTS };

static const char *const paths[] = {"shared.frames[]", "profiles[].type", "profiles[].name",
	"profiles[].unit", "profiles[].startValue", "profiles[].samples[]", "profiles[].weights[]",
	"profiles[].events[]", NULL};

/* What the first pass finds out about a profile. */
struct profile {
	uint32_t thread;
	int digits; /* of the unit: 9 for seconds; -1: counts */
	int64_t start_ns;
};

/* A sample, of which stack and weight come apart. */
struct pair {
	uint32_t stack;
	int64_t weight;
};

struct state {
	struct imp_build *build;
	struct imp_events events;
	uint32_t *frames;
	size_t frame_count, frame_capacity;
	struct profile *profiles;
	size_t profile_count, profile_capacity;
	uint64_t current; /* profile that `pairs` are of */
	struct pair *pairs;
	size_t stack_count, weight_count, pair_capacity;
	int64_t begin_ns;    /* the earliest start */
	int64_t counts_left; /* of MAX_COUNTS */
};

static int fail(struct state *state, const char *problem)
{
	return tfmt_error_set(&state->build->error, TFMT_E_FORMAT, 0, "%s", problem);
}

/* Room for one more item. */
static int grow(void *array, size_t *capacity, size_t count, size_t item_bytes)
{
	size_t wanted = *capacity ? 2 * *capacity : 64;
	void **items = array, *grown;

	if (count < *capacity)
		return 0;
	grown = realloc(*items, wanted * item_bytes);
	if (!grown)
		return TFMT_E_NOMEM;
	memset((char *)grown + *capacity * item_bytes, 0, (wanted - *capacity) * item_bytes);
	*items = grown;
	*capacity = wanted;
	return 0;
}

/* --- the first pass --- */

static int add_frame(struct state *state, const struct imp_item *item)
{
	const struct imp_value *name = imp_member(item, item->values, "name");
	const struct imp_value *file = imp_member(item, item->values, "file");
	int64_t line = 0;
	struct imp_frame frame = {
		.function = name ? item->text + name->text : "",
		.function_length = name ? name->text_length : 0,
		.file = file && file->type == IMP_STRING ? item->text + file->text : NULL,
		.file_length = file ? file->text_length : 0,
	};
	int status = grow(
		&state->frames, &state->frame_capacity, state->frame_count, sizeof(*state->frames));

	if (status)
		return status;
	imp_number(item, imp_member(item, item->values, "line"), 0, &line);
	frame.line = line > 0 && line < INT32_MAX ? (uint32_t)line : 0;
	status = imp_frame(state->build, &frame, &state->frames[state->frame_count]);
	state->frame_count += !status;
	return status;
}

static int find_profile(struct state *state, uint64_t index, struct profile **ret_profile)
{
	int status;

	while (state->profile_count <= index) {
		struct profile profile = {.digits = -1};

		status = grow(&state->profiles, &state->profile_capacity, state->profile_count,
			sizeof(*state->profiles));
		if (!status)
			status = imp_thread(state->build, 1, (uint32_t)state->profile_count + 1,
				&profile.thread);
		if (status)
			return status;
		state->profiles[state->profile_count++] = profile;
	}
	*ret_profile = &state->profiles[index];
	return 0;
}

static int digits_of(const struct imp_item *item)
{
	static const char *const units[] = {
		"nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"};
	static const int digits[] = {0, 3, 6, 9, 0};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (imp_is(item, item->values, units[i]))
			return digits[i];
	return -1;
}

static int on_first(void *context, size_t path, const struct imp_item *item)
{
	struct state *state = context;
	struct profile *profile;
	int status;

	if (path == FRAME)
		return add_frame(state, item);
	status = find_profile(state, item->outer, &profile);
	if (status)
		return status;
	if (path == UNIT)
		profile->digits = digits_of(item);
	if (path == NAME && item->values[0].type == IMP_STRING)
		return imp_name(state->build, 0, imp_ids_get(&state->build->processes, 1, 0),
			profile->thread, item->text + item->values[0].text,
			item->values[0].text_length);
	return 0;
}

/* --- the second pass --- */

/* A value of a profile in ns. Counts are of IMP_SAMPLE_NS. */
static bool value_ns(const struct profile *profile, const struct imp_item *item,
	const struct imp_value *value, int64_t *ret_ns)
{
	return imp_number(item, value, profile->digits < 0 ? 6 : profile->digits, ret_ns);
}

static int add_stack(struct state *state, const struct imp_item *item)
{
	const struct imp_value *value = imp_child(item, item->values);
	uint32_t stack = 0;
	bool is_cut = false;
	uint64_t frame;
	int status = grow(
		&state->pairs, &state->pair_capacity, state->stack_count, sizeof(*state->pairs));

	for (; value && !status; value = imp_next(item, value)) {
		if (!imp_unsigned(item, value, &frame) || frame >= state->frame_count)
			return fail(state, "a sample with a frame that is not there");
		status = imp_push(state->build, state->frames[frame], &stack, &is_cut);
	}
	if (!status)
		state->pairs[state->stack_count++].stack = stack;
	return status;
}

static int add_weight(
	struct state *state, const struct profile *profile, const struct imp_item *item)
{
	int64_t weight;
	int status = grow(
		&state->pairs, &state->pair_capacity, state->weight_count, sizeof(*state->pairs));

	if (status)
		return status;
	if (!value_ns(profile, item, item->values, &weight) || weight < 0)
		return fail(state, "a weight that is no number, or less than 0");
	state->pairs[state->weight_count++].weight = weight;
	return 0;
}

/* A sample without frames is time in which nothing ran. */
static int put_pair(struct state *state, const struct profile *profile, const struct pair *pair,
	int64_t *time_ns)
{
	int64_t count = pair->weight / (int64_t)IMP_SAMPLE_NS;
	bool is_count = profile->digits < 0 && count <= state->counts_left;
	int64_t piece = is_count ? (int64_t)IMP_SAMPLE_NS : pair->weight, left = pair->weight;
	int status = 0;

	state->counts_left -= is_count ? count : 0;
	for (; left > 0 && piece > 0 && !status; left -= piece) {
		if (__builtin_add_overflow(*time_ns, left < piece ? left : piece, time_ns))
			return fail(state, "weights that add up to more than 2^63");
		if (!pair->stack)
			continue;
		status = imp_events_add(&state->events,
			&(struct imp_event){
				.time_ns = (uint64_t)*time_ns,
				.duration_ns = (uint64_t)(left < piece ? left : piece),
				.thread = profile->thread,
				.frame = pair->stack,
				.type = IMP_SAMPLE,
				.flags = profile->digits < 0 && !is_count ? TFMT_SAMPLE_SUMMED : 0,
			});
	}
	return status;
}

/* The profile has ended: bring its stacks and weights together. */
static int finish_profile(struct state *state)
{
	const struct profile *profile;
	int64_t time_ns;
	size_t i;
	int status = 0;

	if (!state->stack_count && !state->weight_count)
		return 0;
	if (state->stack_count != state->weight_count)
		return fail(state, "a profile with another number of weights than of samples");
	profile = &state->profiles[state->current];
	time_ns = profile->start_ns - state->begin_ns;
	for (i = 0; i < state->stack_count && !status; i++)
		status = put_pair(state, profile, &state->pairs[i], &time_ns);
	state->stack_count = state->weight_count = 0;
	return status;
}

static int add_event(
	struct state *state, const struct profile *profile, const struct imp_item *item)
{
	struct imp_event event = {.thread = profile->thread};
	const struct imp_value *type = imp_member(item, item->values, "type");
	int64_t at_ns;
	uint64_t frame;

	if (!imp_unsigned(item, imp_member(item, item->values, "frame"), &frame) ||
		frame >= state->frame_count)
		return fail(state, "an event with a frame that is not there");
	if (!value_ns(profile, item, imp_member(item, item->values, "at"), &at_ns) ||
		at_ns < state->begin_ns)
		return fail(state, "an event without a time, or before the profile's start");
	if (!imp_is(item, type, "O") && !imp_is(item, type, "C"))
		return fail(state, "an event that is neither of type O nor C");
	event.type = imp_is(item, type, "O") ? IMP_BEGIN : IMP_END;
	event.time_ns = (uint64_t)at_ns - (uint64_t)state->begin_ns;
	event.frame = state->frames[frame];
	return imp_events_add(&state->events, &event);
}

static int on_second(void *context, size_t path, const struct imp_item *item)
{
	struct state *state = context;
	const struct profile *profile;
	int status = 0;

	if (path == FRAME || item->outer >= state->profile_count)
		return 0;
	if (item->outer != state->current)
		status = finish_profile(state);
	if (status)
		return status;
	state->current = item->outer;
	profile = &state->profiles[item->outer];
	if (path == SAMPLES)
		return add_stack(state, item);
	if (path == WEIGHTS)
		return add_weight(state, profile, item);
	return path == EVENTS ? add_event(state, profile, item) : 0;
}

/* Starts are read when the units are known, as those may stand behind them. */
static int on_start(void *context, size_t path, const struct imp_item *item)
{
	struct state *state = context;
	struct profile *profile = &state->profiles[item->outer];

	if (path != START)
		return 0;
	if (!value_ns(profile, item, item->values, &profile->start_ns) ||
		profile->start_ns > MAX_START_NS || profile->start_ns < -MAX_START_NS)
		return fail(state, "a startValue that is no number, or of more than 100 years");
	return 0;
}

static int pass(struct imp_source *source, struct state *state, imp_item_fn *on_item)
{
	const struct imp_json_options options = {
		.paths = paths, .on_item = on_item, .context = state};
	int status = imp_source_rewind(source);

	return status ? status : imp_json_read(source, &options, &state->build->error);
}

static int read_profiles(struct imp_source *source, struct state *state)
{
	struct imp_build *build = state->build;
	const char *name = tfmt_base_name(source->name);
	uint32_t process;
	size_t i;
	int status = imp_process(build, 1, &process);

	if (!status)
		status = imp_name(build, 0, process, 0, name, strlen(name));
	if (!status)
		status = pass(source, state, on_first);
	if (!status && !state->profile_count)
		status = fail(state, "no profiles");
	if (!status)
		status = pass(source, state, on_start);
	if (status)
		return status;
	state->begin_ns = state->profiles[0].start_ns;
	for (i = 1; i < state->profile_count; i++)
		if (state->profiles[i].start_ns < state->begin_ns)
			state->begin_ns = state->profiles[i].start_ns;
	status = pass(source, state, on_second);
	if (!status)
		status = finish_profile(state);
	return status ? status : imp_events_play(&state->events, build);
}

static int read_speedscope(struct imp_source *source, struct imp_build *build)
{
	const struct imp_begin begin = {
		.recorder = "speedscope",
		.remark =
			"threads are profiles; what was only counted is taken for samples of 1 ms",
	};
	struct state state = {.build = build, .counts_left = MAX_COUNTS};
	int status = imp_build_begin(build, &begin);

	if (!status)
		status = imp_events_open(&state.events, build);
	if (!status)
		status = read_profiles(source, &state);
	if (!status && state.events.unmatched)
		msg_warn(build->msg, "%s: %llu events close what was not open: left out",
			source->name, (unsigned long long)state.events.unmatched);
	imp_events_close(&state.events);
	free(state.frames);
	free(state.profiles);
	free(state.pairs);
	return status ? status : imp_build_end(build);
}

static bool matches(const char *head, size_t size_bytes)
{
	return *head == '{' && strstr(head, "\"profiles\"") &&
	       (strstr(head, "speedscope") || strstr(head, "\"shared\""));
}

const struct imp_format imp_format_speedscope = {
	.name = "speedscope",
	.summary = "speedscope's JSON, sampled and evented",
	.matches = matches,
	.read = read_speedscope,
};
