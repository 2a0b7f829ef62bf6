/* Where each part lies on the clock of the merged trace. */
#include <stdlib.h>

#include "merge_state.h"

/* Values this far apart, or three intervals, are two stretches. */
#define MIN_GAP_NS UINT64_C(10000000000)

static int add_stretch(
	struct imp_merge *merge, struct imp_part *part, const struct tfmt_counter *counter)
{
	struct imp_stretch *grown = imp_merge_grow(merge->stretches, &merge->stretch_capacity,
		merge->stretch_count + 1, sizeof(*grown));

	if (!grown)
		return TFMT_E_NOMEM;
	merge->stretches = grown;
	grown[merge->stretch_count++] = (struct imp_stretch){
		.first_ns = counter->time_ns,
		.last_ns = counter->time_ns,
		.metric = counter->metric,
		.part = (uint32_t)(part - merge->parts),
	};
	part->last_stretch[counter->metric] = (uint32_t)merge->stretch_count;
	return 0;
}

static int survey_counter(
	struct imp_merge *merge, struct imp_part *part, const struct tfmt_counter *counter)
{
	uint64_t interval_ns = part->header->interval_ns;
	uint64_t gap_ns = interval_ns > MIN_GAP_NS / 3 && interval_ns < UINT64_MAX / 3
				  ? 3 * interval_ns
				  : MIN_GAP_NS;
	uint32_t index = part->last_stretch[counter->metric];
	struct imp_stretch *last = index ? &merge->stretches[index - 1] : NULL;

	if (!last ||
		(counter->time_ns > last->last_ns && counter->time_ns - last->last_ns > gap_ns))
		return add_stretch(merge, part, counter);
	if (counter->time_ns > last->last_ns)
		last->last_ns = counter->time_ns;
	if (counter->time_ns < last->first_ns)
		last->first_ns = counter->time_ns;
	return 0;
}

static int survey_batch(
	struct imp_merge *merge, struct imp_part *part, const struct tfmt_batch *batch)
{
	struct imp_clock *clock = &merge->clocks[part->boot];
	size_t i;
	int status = 0;

	part->present |= TFMT_KIND_BIT(batch->kind);
	for (i = 0; i < batch->count && !status; i++)
		if (batch->kind == TFMT_COUNTER)
			status = survey_counter(merge, part, &batch->counters[i]);
		else if (batch->kind == TFMT_CLOCK)
			status = imp_clock_add(
				clock, batch->clocks[i].time_ns, batch->clocks[i].utc_ns);
	return status;
}

static int survey_part(struct imp_merge *merge, struct imp_part *part)
{
	const uint32_t kinds = (TFMT_ALL_KINDS & ~TFMT_TABLE_KINDS) | TFMT_KIND_BIT(TFMT_LIFE) |
			       TFMT_KIND_BIT(TFMT_SYMBOL);
	const struct tfmt_trace *trace = tfmt_reader_trace(part->reader);
	const struct tfmt_batch *batch;
	int status = 0;

	part->last_stretch = calloc(
		(size_t)tfmt_trace_count(trace, TFMT_METRIC) + 1, sizeof(*part->last_stretch));
	if (!part->last_stretch)
		return TFMT_E_NOMEM;
	if (part->header->utc_ns)
		status = imp_clock_add(
			&merge->clocks[part->boot], part->header->time_ns, part->header->utc_ns);
	while (!status &&
		(status = tfmt_reader_next(part->reader, kinds, &batch, &merge->error)) > 0)
		status = batch->is_repeat ? 0 : survey_batch(merge, part, batch);
	return status;
}

int imp_merge_survey(struct imp_merge *merge)
{
	size_t i;
	int status = 0;

	for (i = 0; i < merge->count && !status; i++)
		status = survey_part(merge, &merge->parts[i]);
	for (i = 0; i < merge->clock_count; i++)
		imp_clock_finish(&merge->clocks[i]);
	return status;
}

static int64_t limited(uint64_t time_ns)
{
	return time_ns < INT64_MAX ? (int64_t)time_ns : INT64_MAX;
}

/* A time in the main clock, which may be before its start: another host may have run longer. */
static int64_t main_time(
	const struct imp_merge *merge, const struct imp_part *part, uint64_t time_ns)
{
	if (!part->by_utc)
		return limited(time_ns);
	return imp_clock_time(&merge->clocks[merge->main_clock],
		imp_clock_utc(&merge->clocks[part->boot], limited(time_ns)));
}

uint64_t imp_merge_time(
	const struct imp_merge *merge, const struct imp_part *part, uint64_t time_ns)
{
	__int128 shifted;

	if (!part->by_utc && !part->shift_ns)
		return time_ns;
	shifted = (__int128)main_time(merge, part, time_ns) + part->shift_ns;
	if (shifted < 0)
		return 0;
	return shifted > INT64_MAX ? INT64_MAX : (uint64_t)shifted;
}

/* Has no clock in common with the others. */
static bool is_timeless(const struct imp_merge *merge, const struct imp_part *part)
{
	return part->boot != merge->main_clock && !merge->clocks[part->boot].count;
}

static void say_timeless(const struct imp_merge *merge)
{
	const struct imp_part *first = NULL;
	size_t count = 0, i;

	for (i = 0; i < merge->count; i++)
		if (is_timeless(merge, &merge->parts[i])) {
			first = first ? first : &merge->parts[i];
			count++;
		}
	if (count == 1)
		msg_warn(merge->msg, "%s has no wall time: laid at second 0", first->name);
	else if (count)
		msg_warn(merge->msg, "%s and %zu more have no wall time: laid at second 0",
			first->name, count - 1);
}

static int64_t difference(uint64_t a, uint64_t b)
{
	return limited(a) - limited(b);
}

/* What moves `start_ns`, before the main clock's own start, to where the part's own clock was. */
static int64_t shift_to_own(int64_t start_ns, uint64_t own_ns)
{
	__int128 shift_ns = (__int128)limited(own_ns) - start_ns;

	return shift_ns < INT64_MAX ? (int64_t)shift_ns : INT64_MAX;
}

static void place_sums(struct imp_merge *merge)
{
	size_t i;

	merge->begin_ns = merge->parts[0].header->time_ns;
	for (i = 0; i < merge->count; i++)
		merge->parts[i].shift_ns =
			difference(merge->begin_ns, merge->parts[i].header->time_ns);
}

void imp_merge_place(struct imp_merge *merge)
{
	int64_t begin_ns = INT64_MAX, start_ns;
	struct imp_part *part;
	size_t i;

	merge->main_clock = merge->parts[0].boot;
	for (i = merge->count; i-- > 0;)
		if (merge->clocks[merge->parts[i].boot].count)
			merge->main_clock = merge->parts[i].boot;
	if (merge->sums) {
		place_sums(merge);
		return;
	}
	for (part = merge->parts; part < merge->parts + merge->count; part++) {
		part->by_utc = part->boot != merge->main_clock && !is_timeless(merge, part);
		if (is_timeless(merge, part))
			continue;
		start_ns = main_time(merge, part, part->header->time_ns);
		if (start_ns >= begin_ns)
			continue;
		begin_ns = start_ns;
		merge->shift_ns = start_ns < 0 ? shift_to_own(start_ns, part->header->time_ns) : 0;
	}
	merge->begin_ns = (uint64_t)(begin_ns + merge->shift_ns);
	for (part = merge->parts; part < merge->parts + merge->count; part++)
		part->shift_ns = is_timeless(merge, part)
					 ? difference(merge->begin_ns, part->header->time_ns)
					 : merge->shift_ns;
	say_timeless(merge);
}
