/*
 * What the records of spans do not say themselves: how long the span was, what its arguments are.
 * A pass before the others finds the answers and keeps a bit for each record and question.
 */
#include "filter_state.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"

#include "tracefmt/limits.h"

#define PAGE_RECORDS (64 * SPAN_PAGE_WORDS)

/* A span that has begun. */
struct open_span {
	uint64_t number;
	uint64_t time_ns;
};

struct open_spans {
	struct open_span *items;
	size_t count, capacity;
	size_t too_deep; /* further ones, of which only the number is known */
};

struct pass {
	struct tfmt_filter *filter;
	struct open_spans *threads; /* by thread */
	uint64_t end_ns;	    /* the latest time there is */
};

/* The page of a record, or where it would be. */
static size_t find_page(struct tfmt_filter *filter, uint64_t number)
{
	size_t low = 0, high = filter->page_count, middle;

	if (filter->last_page < high && filter->pages[filter->last_page].number == number)
		return filter->last_page;
	/* Most come in order. */
	if (high && filter->pages[high - 1].number < number)
		return high;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (filter->pages[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	filter->last_page = low;
	return low;
}

static bool has_page(const struct tfmt_filter *filter, size_t at, uint64_t number)
{
	return at < filter->page_count && filter->pages[at].number == number;
}

/* Room for the answers about a record. Returns: 0; TFMT_E_NOMEM. */
static int add_page(struct tfmt_filter *filter, uint64_t record)
{
	uint64_t number = record / PAGE_RECORDS;
	size_t at = find_page(filter, number);
	uint64_t *words;

	if (has_page(filter, at, number))
		return 0;
	words = calloc(filter->slot_count * SPAN_PAGE_WORDS, sizeof(*words));
	if (!words || tfmt_array__grow(&filter->pages, &filter->page_capacity,
			      filter->page_count + 1, sizeof(*filter->pages)) < 0) {
		free(words);
		return TFMT_E_NOMEM;
	}
	memmove(&filter->pages[at + 1], &filter->pages[at],
		(filter->page_count - at) * sizeof(*filter->pages));
	filter->pages[at] = (struct tfmt_filter_page){number, words};
	filter->page_count++;
	filter->last_page = at;
	return 0;
}

/* The bits of a slot, NULL when there is no such record. */
static uint64_t *find_bits(struct tfmt_filter *filter, uint64_t record, size_t slot)
{
	uint64_t number = record / PAGE_RECORDS;
	size_t at = find_page(filter, number);

	if (!has_page(filter, at, number))
		return NULL;
	return filter->pages[at].words + slot * SPAN_PAGE_WORDS;
}

static void answer_yes(struct tfmt_filter *filter, uint64_t record, size_t slot)
{
	uint64_t *bits = find_bits(filter, record, slot);

	if (bits)
		tfmt_filter__set_bit(bits, record % PAGE_RECORDS);
}

bool tfmt_filter__span_bit(struct tfmt_filter *filter, uint64_t number, size_t slot)
{
	const uint64_t *bits = find_bits(filter, number, slot);

	return bits && tfmt_filter__bit(bits, number % PAGE_RECORDS);
}

/* The length of a span is that of both its records. */
static void set_length(struct tfmt_filter *filter, uint64_t record, uint64_t length_ns)
{
	answer_yes(filter, record, filter->length_slot);
	for (size_t i = 0; i < filter->condition_count; i++) {
		const struct tfmt_filter_condition *condition = &filter->conditions[i];

		if (condition->field == FIELD_DUR &&
			tfmt_filter__compare(
				condition->op, tfmt_filter__ns(length_ns), condition->number))
			answer_yes(filter, record, condition->slot);
	}
}

static uint64_t since(uint64_t begin_ns, uint64_t end_ns)
{
	return end_ns > begin_ns ? end_ns - begin_ns : 0;
}

static int begin_span(struct open_spans *open, uint64_t number, uint64_t time_ns)
{
	if (open->count == TFMT_MAX_DEPTH) {
		open->too_deep++;
		return 0;
	}
	if (tfmt_array__grow(&open->items, &open->capacity, open->count + 1, sizeof(*open->items)) <
		0)
		return TFMT_E_NOMEM;
	open->items[open->count++] = (struct open_span){number, time_ns};
	return 0;
}

/* An end without its begin, or of one that is too deep, has no known length. */
static void end_span(
	struct tfmt_filter *filter, struct open_spans *open, uint64_t number, uint64_t time_ns)
{
	const struct open_span *begin;

	if (open->too_deep) {
		open->too_deep--;
		return;
	}
	if (!open->count)
		return;
	begin = &open->items[--open->count];
	set_length(filter, begin->number, since(begin->time_ns, time_ns));
	set_length(filter, number, since(begin->time_ns, time_ns));
}

static int look_at_span(struct pass *pass, const struct tfmt_span *span, uint64_t number)
{
	struct tfmt_filter *filter = pass->filter;
	struct open_spans *open;

	if (filter->names && span->name <= filter->counts[TFMT_STRING])
		filter->names[span->name] = true;
	if (filter->slot_count && add_page(filter, number))
		return TFMT_E_NOMEM;
	if (!filter->has_lengths || span->thread > filter->counts[TFMT_THREAD])
		return 0;
	open = &pass->threads[span->thread];
	if (span->phase == TFMT_SPAN_BEGIN)
		return begin_span(open, number, span->time_ns);
	end_span(filter, open, number, span->time_ns);
	return 0;
}

static int look_at_batch(struct pass *pass, const struct tfmt_batch *batch)
{
	struct tfmt_filter *filter = pass->filter;
	int status = 0;

	if (batch->end_ns > pass->end_ns)
		pass->end_ns = batch->end_ns;
	for (size_t i = 0; !status && i < batch->count; i++) {
		if (batch->kind == TFMT_SPAN)
			status = look_at_span(pass, &batch->spans[i], batch->first_id + i);
		else if (batch->instants[i].name <= filter->counts[TFMT_STRING])
			filter->names[batch->instants[i].name] = true;
	}
	return status;
}

/* What is still open has lasted until the end of the recording. */
static void finish_lengths(struct pass *pass)
{
	struct tfmt_filter *filter = pass->filter;

	for (uint32_t id = 1; id <= filter->counts[TFMT_PROCESS]; id++) {
		uint64_t end_ns = tfmt_trace_process(filter->trace, id)->end_ns;

		if (end_ns > pass->end_ns)
			pass->end_ns = end_ns;
	}
	for (uint32_t thread = 0; thread <= filter->counts[TFMT_THREAD]; thread++)
		for (size_t i = 0; i < pass->threads[thread].count; i++) {
			const struct open_span *open = &pass->threads[thread].items[i];

			set_length(filter, open->number, since(open->time_ns, pass->end_ns));
		}
}

static int look_at_lengths(struct pass *pass, struct tfmt_reader *reader, struct tfmt_error *err)
{
	const uint32_t kinds =
		TFMT_KIND_BIT(TFMT_SPAN) | (pass->filter->names ? TFMT_KIND_BIT(TFMT_INSTANT) : 0);
	const struct tfmt_batch *batch;
	int status;

	while ((status = tfmt_reader_next(reader, kinds, &batch, err)) > 0) {
		status = look_at_batch(pass, batch);
		if (status)
			return status;
	}
	if (!status && pass->filter->has_lengths)
		finish_lengths(pass);
	return status ? status : tfmt_reader_scan(reader, err);
}

/* arg.NAME, about one argument. */
static void look_at_named(struct tfmt_filter *filter, const struct tfmt_arg *arg)
{
	for (size_t i = 0; i < filter->condition_count; i++) {
		struct tfmt_filter_condition *condition = &filter->conditions[i];

		if (condition->field != FIELD_ARG_NAMED ||
			strcmp(tfmt_trace_text(filter->trace, arg->name), condition->argument) != 0)
			continue;
		answer_yes(filter, arg->span, condition->slot + 1);
		if (tfmt_filter__holds_of_value(filter, condition, arg->value))
			answer_yes(filter, arg->span, condition->slot);
	}
}

static void look_at_argument(struct tfmt_filter *filter, const struct tfmt_arg *arg)
{
	if (arg->name <= filter->counts[TFMT_STRING])
		filter->arguments[arg->name] = true;
	if (arg->type <= filter->counts[TFMT_STRING])
		filter->types[arg->type] = true;
	look_at_named(filter, arg);
	for (size_t i = 1; i < filter->node_count; i++) {
		const struct tfmt_filter_node *node = &filter->nodes[i];

		if (node->type == NODE_ANY_ARGUMENT &&
			tfmt_filter__node_holds_of_argument(filter, node->first_child, arg))
			answer_yes(filter, arg->span, node->slot);
	}
}

/* Arguments may come before their span in the file: a pass of their own. */
static int look_at_arguments(
	struct tfmt_filter *filter, struct tfmt_reader *reader, struct tfmt_error *err)
{
	const struct tfmt_batch *batch;
	int status;

	while ((status = tfmt_reader_next(reader, TFMT_KIND_BIT(TFMT_ARG), &batch, err)) > 0)
		for (size_t i = 0; i < batch->count; i++)
			look_at_argument(filter, &batch->args[i]);
	return status ? status : tfmt_reader_scan(reader, err);
}

static int allocate(struct pass *pass, bool has_names)
{
	struct tfmt_filter *filter = pass->filter;
	size_t strings = (size_t)filter->counts[TFMT_STRING] + 1;

	pass->threads = calloc((size_t)filter->counts[TFMT_THREAD] + 1, sizeof(*pass->threads));
	if (!pass->threads)
		return TFMT_E_NOMEM;
	if (has_names && !(filter->names = calloc(strings, sizeof(bool))))
		return TFMT_E_NOMEM;
	if (!filter->has_arguments)
		return 0;
	filter->arguments = calloc(strings, sizeof(bool));
	filter->types = calloc(strings, sizeof(bool));
	return filter->arguments && filter->types ? 0 : TFMT_E_NOMEM;
}

int tfmt_filter__look_at_spans(
	struct tfmt_filter *filter, struct tfmt_reader *reader, struct tfmt_error *err)
{
	struct pass pass = {.filter = filter};
	bool has_names = false;
	int status;

	for (size_t i = 0; i < filter->condition_count; i++)
		has_names |= filter->conditions[i].field == FIELD_NAME;
	if (!filter->slot_count && !has_names)
		return 0;
	status = allocate(&pass, has_names);
	if (!status)
		status = look_at_lengths(&pass, reader, err);
	if (!status && filter->has_arguments)
		status = look_at_arguments(filter, reader, err);
	for (uint32_t i = 0; pass.threads && i <= filter->counts[TFMT_THREAD]; i++)
		free(pass.threads[i].items);
	free(pass.threads);
	return status;
}
