/*
 * The records of all parts in the order of their times, one kind after another.
 *
 * What two parts tell of the same thing is taken once: pieces of one recording share equal
 * records; recorders that ran at once share lives, values and symbols.
 */
#include <stdlib.h>
#include <string.h>

#include "merge_state.h"

/* Records of one instant that are looked at for equal ones. */
#define MAX_SEEN 256

/* A record of the instant at hand. */
struct seen {
	union imp_row row;
	enum tfmt_kind kind;
	size_t part;
	bool is_put;
};

struct seen_list {
	struct seen items[MAX_SEEN];
	size_t count;
	uint64_t key_ns;
};

/* A part in a pass. */
struct cursor {
	struct imp_part *part;
	const struct tfmt_batch *batch; /* NULL at the end */
	size_t row;
	uint64_t key_ns; /* of this row: never less than of those before */
};

/* Bytes of a row up to its padding. */
#define USED_BYTES(row, last) \
	(offsetof(struct tfmt_##row, last) + sizeof(((struct tfmt_##row *)NULL)->last))

static const size_t used_bytes[TFMT_KIND_COUNT] = {
	[TFMT_LIFE] = USED_BYTES(life, event),
	[TFMT_SAMPLE] = USED_BYTES(sample, flags),
	[TFMT_COUNTER] = USED_BYTES(counter, metric),
	[TFMT_SPAN] = USED_BYTES(span, flags),
	[TFMT_ALLOC] = USED_BYTES(alloc, allocator),
	[TFMT_FREE] = USED_BYTES(free, allocator),
	[TFMT_INSTANT] = USED_BYTES(instant, text),
	[TFMT_CLOCK] = USED_BYTES(clock, boottime_ns),
	[TFMT_LOST] = USED_BYTES(lost, reason),
	[TFMT_COST] = USED_BYTES(cost, unit),
};

static uint32_t index_of(const struct imp_merge *merge, const struct imp_part *part)
{
	return (uint32_t)(part - merge->parts);
}

static bool is_same_recording(const struct imp_part *a, const struct imp_part *b)
{
	return a->is_piece && b->is_piece &&
	       !memcmp(a->header->trace_id, b->header->trace_id, sizeof(a->header->trace_id));
}

/*
 * Whether another piece of the same recording has put this very record: as many equal ones are
 * written as the piece has that has most.
 */
static bool is_seen(struct imp_merge *merge, struct seen_list *seen, const struct imp_part *part,
	enum tfmt_kind kind, const union imp_row *row, uint64_t key_ns)
{
	size_t put = 0, own = 1, i;
	struct seen *item;

	if (!part->is_piece)
		return false;
	if (key_ns != seen->key_ns)
		seen->count = 0;
	seen->key_ns = key_ns;
	for (item = seen->items; item < seen->items + seen->count; item++) {
		if (item->kind != kind || memcmp(&item->row, row, used_bytes[kind]) ||
			!is_same_recording(&merge->parts[item->part], part))
			continue;
		put += item->is_put;
		own += &merge->parts[item->part] == part;
	}
	i = seen->count < MAX_SEEN ? seen->count++ : MAX_SEEN - 1;
	seen->items[i] = (struct seen){*row, kind, index_of(merge, part), own > put};
	return own <= put;
}

/* Two recorders that ran at once tell of one life: each thing is taken from one of them. */
static bool takes_life(
	struct imp_merge *merge, const struct imp_part *part, const struct tfmt_life *life)
{
	const struct imp_lives *lives = life->thread ? &merge->thread_lives : &merge->process_lives;
	uint32_t id = life->thread ? life->thread : life->process, index = index_of(merge, part);
	struct imp_life *known = id < lives->capacity ? &lives->items[id] : NULL;
	bool is_known;

	if (!known || !id)
		return true;
	if (life->event == TFMT_LIFE_EXIT)
		return known->exit_part == index;
	if (life->event == TFMT_LIFE_START) {
		if (!known->start_part)
			known->start_part = index + 1;
		return known->start_part == index + 1;
	}
	is_known = known->name == life->name;
	if (life->event == TFMT_LIFE_EXEC)
		is_known &= known->exe == life->exe && known->argv == life->argv &&
			    known->cwd == life->cwd;
	if (is_known && known->image_part && known->image_part != index + 1)
		return false;
	known->image_part = index + 1;
	known->name = life->name;
	if (life->event == TFMT_LIFE_EXEC) {
		known->exe = life->exe;
		known->argv = life->argv;
		known->cwd = life->cwd;
	}
	return true;
}

/* Processes of other hosts have their name behind theirs. */
static int name_host(struct imp_merge *merge, const struct imp_part *part,
	const struct tfmt_life *old, struct tfmt_life *life)
{
	if (!part->host || life->thread || !life->name)
		return 0;
	return imp_merge_host_name(merge, part, old->name, &life->name);
}

/* Of recorders that read one metric at the same time the first one counts. */
static bool takes_counter(const struct imp_merge *merge, const struct imp_part *part,
	const struct tfmt_counter *counter)
{
	const struct imp_series *series = &merge->series[counter->metric];
	const struct imp_stretch *stretch;
	uint32_t at;

	if (!counter->metric || !series->is_shared)
		return true;
	for (at = series->stretches; at; at = stretch->next) {
		stretch = &merge->stretches[at - 1];
		if (stretch->part < index_of(merge, part) &&
			counter->time_ns >= stretch->first_ns &&
			counter->time_ns <= stretch->last_ns &&
			!is_same_recording(&merge->parts[stretch->part], part))
			return false;
	}
	return true;
}

/* Say once that two recorders have sampled one thread at the same time. */
static int check_sample(struct imp_merge *merge, struct imp_part *part, uint32_t old_thread,
	const struct tfmt_sample *sample)
{
	uint32_t index = index_of(merge, part) + 1, last;
	uint32_t *grown;

	if (sample->state != TFMT_STATE_RUNNING || !sample->thread || merge->has_warned)
		return 0;
	grown = imp_merge_grow(merge->last_runners, &merge->runner_capacity,
		(size_t)sample->thread + 1, sizeof(*grown));
	if (!grown)
		return TFMT_E_NOMEM;
	merge->last_runners = grown;
	last = grown[sample->thread];
	grown[sample->thread] = index;
	if (last && last != index && part->has_run[old_thread] &&
		!is_same_recording(&merge->parts[last - 1], part)) {
		msg_warn(merge->msg,
			"%s and %s both sampled thread %u at the same time: its time counts twice",
			merge->parts[last - 1].name, part->name,
			tfmt_trace_thread(part->rewrite.trace, old_thread)->tid);
		merge->has_warned = true;
	}
	part->has_run[old_thread] = true;
	return 0;
}

/* Of recorders that named one range the first one counts. */
static int takes_symbol(struct imp_merge *merge, const struct imp_part *part,
	const struct tfmt_symbol *symbol, bool *ret_takes)
{
	uint64_t where = (uint64_t)symbol->mapping << 32 ^ symbol->length;
	uint32_t known = imp_ids_get(&merge->symbols, symbol->address, where);

	*ret_takes = !known || known == index_of(merge, part) + 1;
	return known ? 0
		     : imp_ids_put(
			       &merge->symbols, symbol->address, where, index_of(merge, part) + 1);
}

/* Summed runs have been at different times: the clocks of one can be kept. */
static bool takes_clock(const struct imp_merge *merge, const struct imp_part *part)
{
	return !merge->sums || part == merge->parts;
}

/* Whether the record, with new ids and times, is to be written. */
static int choose(struct imp_merge *merge, struct imp_part *part, enum tfmt_kind kind,
	const void *old, union imp_row *row, bool *ret_takes)
{
	*ret_takes = true;
	switch (kind) {
	case TFMT_LIFE:
		*ret_takes = takes_life(merge, part, &row->life);
		return name_host(merge, part, old, &row->life);
	case TFMT_SAMPLE:
		return check_sample(
			merge, part, ((const struct tfmt_sample *)old)->thread, &row->sample);
	case TFMT_COUNTER:
		*ret_takes = takes_counter(merge, part, &row->counter);
		return 0;
	case TFMT_SYMBOL:
		return takes_symbol(merge, part, &row->symbol, ret_takes);
	case TFMT_ARG:
		/* Of a span that another piece has written. */
		*ret_takes = row->arg.span || !part->is_piece;
		return 0;
	case TFMT_CLOCK:
		*ret_takes = takes_clock(merge, part);
		return 0;
	default:
		return 0;
	}
}

/* The time of a row that has one: its first field. */
static uint64_t time_of(const struct imp_merge *merge, const struct imp_part *part, const void *row)
{
	uint64_t time_ns;

	memcpy(&time_ns, row, sizeof(time_ns));
	return imp_merge_time(merge, part, time_ns);
}

static int put_record(struct imp_merge *merge, struct imp_part *part, enum tfmt_kind kind,
	uint64_t id, const void *old, struct seen_list *seen, uint64_t key_ns)
{
	bool has_time = used_bytes[kind] != 0, takes;
	uint64_t time_ns = has_time ? time_of(merge, part, old) : 0;
	union imp_row row;
	int status;

	memcpy(&row, old, imp_row_bytes(kind));
	if (has_time)
		memcpy(&row, &time_ns, sizeof(time_ns));
	if (kind == TFMT_CLOCK)
		row.clock.boottime_ns += time_ns - ((const struct tfmt_clock *)old)->time_ns;
	status = imp_rewrite_ids(&part->rewrite, kind, &row);
	if (!status)
		status = choose(merge, part, kind, old, &row, &takes);
	if (!status && takes && has_time)
		takes = !is_seen(merge, seen, part, kind, &row, key_ns);
	if (!status && takes)
		return imp_rewrite_put(&part->rewrite, kind, id, &row);
	if (!status && kind == TFMT_SPAN)
		return imp_rewrite_note_span(&part->rewrite, id, 0);
	return status;
}

/* Load the batch behind. Returns 0, or a negative enum tfmt_err. */
static int next_batch(struct imp_merge *merge, struct cursor *cursor, uint32_t kinds)
{
	int status;

	do
		status = tfmt_reader_next(
			cursor->part->reader, kinds, &cursor->batch, &merge->error);
	while (status > 0 && cursor->batch->is_repeat);
	cursor->row = 0;
	if (status <= 0)
		cursor->batch = NULL;
	return status < 0 ? status : 0;
}

static const char *row_at(const struct cursor *cursor)
{
	return (const char *)cursor->batch->rows + cursor->row * imp_row_bytes(cursor->batch->kind);
}

static void update_key(const struct imp_merge *merge, struct cursor *cursor)
{
	uint64_t time_ns;

	if (!cursor->batch || !used_bytes[cursor->batch->kind])
		return;
	time_ns = time_of(merge, cursor->part, row_at(cursor));
	if (time_ns > cursor->key_ns)
		cursor->key_ns = time_ns;
}

/* Write the row at the cursor and go on to the next. */
static int step(
	struct imp_merge *merge, struct cursor *cursor, uint32_t kinds, struct seen_list *seen)
{
	const struct tfmt_batch *batch = cursor->batch;
	int status = put_record(merge, cursor->part, batch->kind,
		batch->first_id ? batch->first_id + cursor->row : 0, row_at(cursor), seen,
		cursor->key_ns);

	if (!status && ++cursor->row == batch->count)
		status = next_batch(merge, cursor, kinds);
	update_key(merge, cursor);
	return status;
}

/* Whether `a` comes before `b`, which may be at its end, or NULL. */
static bool is_before(const struct cursor *a, const struct cursor *b)
{
	if (!b || !b->batch)
		return true;
	return a->key_ns < b->key_ns || (a->key_ns == b->key_ns && a < b);
}

/* The cursor whose row is next, and the one after that; NULL: there is none. */
static struct cursor *find_first(
	struct cursor *cursors, size_t count, const struct cursor **ret_second)
{
	struct cursor *first = NULL, *cursor;
	const struct cursor *second = NULL;

	for (cursor = cursors; cursor < cursors + count; cursor++) {
		if (!cursor->batch)
			continue;
		if (is_before(cursor, first)) {
			second = first;
			first = cursor;
		} else if (is_before(cursor, second)) {
			second = cursor;
		}
	}
	*ret_second = second;
	return first;
}

/* Merge the records of `kinds` by their times. */
static int pass(
	struct imp_merge *merge, uint32_t kinds, struct cursor *cursors, struct seen_list *seen)
{
	struct cursor *first;
	const struct cursor *second;
	size_t i;
	int status = 0;

	seen->count = 0;
	for (i = 0; i < merge->count && !status; i++) {
		cursors[i] = (struct cursor){.part = &merge->parts[i]};
		if (!(merge->parts[i].present & kinds))
			continue;
		status = tfmt_reader_scan(merge->parts[i].reader, &merge->error);
		if (!status)
			status = next_batch(merge, &cursors[i], kinds);
		update_key(merge, &cursors[i]);
	}
	while (!status && (first = find_first(cursors, merge->count, &second)))
		do
			status = step(merge, first, kinds, seen);
		while (!status && first->batch && is_before(first, second));
	return status;
}

int imp_merge_records(struct imp_merge *merge)
{
	/* Arguments refer to spans, and what is freed was allocated before. */
	static const uint32_t passes[] = {
		TFMT_KIND_BIT(TFMT_LIFE),
		TFMT_KIND_BIT(TFMT_SPAN),
		TFMT_KIND_BIT(TFMT_ARG),
		TFMT_KIND_BIT(TFMT_SAMPLE),
		TFMT_KIND_BIT(TFMT_COUNTER),
		TFMT_KIND_BIT(TFMT_ALLOC) | TFMT_KIND_BIT(TFMT_FREE),
		TFMT_KIND_BIT(TFMT_INSTANT),
		TFMT_KIND_BIT(TFMT_CLOCK),
		TFMT_KIND_BIT(TFMT_LOST),
		TFMT_KIND_BIT(TFMT_COST),
		TFMT_KIND_BIT(TFMT_SYMBOL),
	};
	struct cursor *cursors = calloc(merge->count, sizeof(*cursors));
	struct seen_list *seen = calloc(1, sizeof(*seen));
	size_t i;
	int status = cursors && seen ? 0 : TFMT_E_NOMEM;

	for (i = 0; i < sizeof(passes) / sizeof(passes[0]) && !status; i++)
		status = pass(merge, passes[i], cursors, seen);
	free(cursors);
	free(seen);
	return status;
}
