#include "diff_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "num.h"
#include "text_head.h"

#define NAME_COLUMNS	14
#define VALUE_COLUMNS	12
#define PERCENT_COLUMNS 10
#define SIDE_COLUMNS	8

#define MINUS	   "\u2212"
#define ARROW	   " \u2192 "
#define MAX_TOTALS 4

/* One of the numbers that are known of a whole recording. */
struct total {
	const char *name;
	double values[TFMT_SIDE_COUNT];
	enum {
		TOTAL_NS,
		TOTAL_BYTES,
		TOTAL_COUNT,
	} unit;
};

static const char *sign_of(double change)
{
	return change > 0 ? "+" : change < 0 ? MINUS : "";
}

/* Amounts beyond 64 bits, as no recording has them, stay the most. */
static uint64_t size_of(double amount)
{
	double size = fabs(amount);
	return size < (double)UINT64_MAX ? (uint64_t)size : UINT64_MAX;
}

char *rend_diff_amount(const struct rend_diff *diff, char *text, double amount)
{
	char number[NUM_TEXT_BYTES];
	rend_model_amount(diff->models[TFMT_AFTER], number, size_of(amount));
	snprintf(text, NUM_TEXT_BYTES, "%s%.27s", sign_of(amount), number);
	return text;
}

char *rend_diff_cell(const struct rend_diff *diff, char *text, double amount)
{
	char number[NUM_TEXT_BYTES];
	if (diff->models[TFMT_AFTER]->weight == TFMT_WEIGHT_SAMPLES)
		num_count(number, size_of(amount));
	else
		num_duration(number, size_of(amount));
	snprintf(text, NUM_TEXT_BYTES, "%s%.27s", sign_of(amount), number);
	return text;
}

char *rend_diff_points(char *text, double share)
{
	double points = round(share * 1000) / 10;
	snprintf(text, NUM_TEXT_BYTES, "%s%.1f", sign_of(points), fabs(points));
	return text;
}

char *rend_diff_percent(char *text, double before, double after)
{
	double percent = before > 0 ? 100 * (after - before) / before : 0;
	text[0] = '\0';
	if (before > 0 && percent < 1000)
		snprintf(text, NUM_TEXT_BYTES, "%s%.1f %%", sign_of(after - before), fabs(percent));
	else if (before > 0)
		snprintf(text, NUM_TEXT_BYTES, "\u00d7 %.0f", after / before);
	return text;
}

/* Those that both sides have. Returns how many. */
static size_t find_totals(const struct rend_diff *diff, struct total totals[MAX_TOTALS])
{
	const struct rend_totals *before = &diff->models[TFMT_BEFORE]->totals;
	const struct rend_totals *after = &diff->models[TFMT_AFTER]->totals;
	size_t count = 0;
	totals[count++] =
		(struct total){"wall", {(double)before->wall_ns, (double)after->wall_ns}, TOTAL_NS};
	if (before->has_cpu && after->has_cpu)
		totals[count++] = (struct total){
			"CPU", {(double)before->cpu_ns, (double)after->cpu_ns}, TOTAL_NS};
	if (before->peak_bytes > 0 && after->peak_bytes > 0)
		totals[count++] = (struct total){"peak memory",
			{(double)before->peak_bytes, (double)after->peak_bytes}, TOTAL_BYTES};
	if (before->sample_count > 0 && after->sample_count > 0)
		totals[count++] = (struct total){"samples",
			{(double)before->sample_count, (double)after->sample_count}, TOTAL_COUNT};
	return count;
}

static char *total_text(const struct total *total, char *text, double value)
{
	if (total->unit == TOTAL_NS)
		return num_duration(text, size_of(value));
	return total->unit == TOTAL_BYTES ? num_bytes(text, size_of(value))
					  : num_count(text, size_of(value));
}

static char *total_value(const struct total *total, char *text, enum tfmt_side side)
{
	return total_text(total, text, total->values[side]);
}

static char *total_change(const struct total *total, char *text)
{
	char number[NUM_TEXT_BYTES];
	double change = total->values[TFMT_AFTER] - total->values[TFMT_BEFORE];
	snprintf(text, NUM_TEXT_BYTES, "%s%.27s", sign_of(change),
		total_text(total, number, fabs(change)));
	return text;
}

void rend_diff_command(const struct rend_diff *diff, char *text, size_t size)
{
	char before[2048], after[2048];
	rend_model_command(diff->models[TFMT_BEFORE], before, sizeof(before));
	rend_model_command(diff->models[TFMT_AFTER], after, sizeof(after));
	if (strcmp(before, after) == 0)
		snprintf(text, size, "%s", after);
	else
		snprintf(text, size, "%s" ARROW "%s", before, after);
}

void rend_diff_facts(const struct rend_diff *diff, char text[REND_FACTS_BYTES])
{
	struct total totals[MAX_TOTALS];
	size_t count = find_totals(diff, totals);
	rend_facts_filter(diff->models[TFMT_BEFORE], text);
	size_t length = strlen(text);
	for (size_t i = 0; i < count && length < REND_FACTS_BYTES; i++) {
		const double *values = totals[i].values;
		char before[NUM_TEXT_BYTES], after[NUM_TEXT_BYTES], percent[NUM_TEXT_BYTES];
		rend_diff_percent(percent, values[TFMT_BEFORE], values[TFMT_AFTER]);
		bool is_same = values[TFMT_BEFORE] == values[TFMT_AFTER];
		length += (size_t)snprintf(text + length, REND_FACTS_BYTES - length,
			"%s%s %s" ARROW "%s (%s)", length > 0 ? REND_FACTS_GAP : "", totals[i].name,
			total_value(&totals[i], before, TFMT_BEFORE),
			total_value(&totals[i], after, TFMT_AFTER), is_same ? "same" : percent);
	}
}

void rend_diff_doubts(const struct rend_diff *diff, char text[REND_FACTS_BYTES])
{
	const struct rend_model *before = diff->models[TFMT_BEFORE];
	const struct rend_model *after = diff->models[TFMT_AFTER];
	uint32_t rates[] = {before->header->rate_hz, after->header->rate_hz};
	char count[REND_FACTS_BYTES], shares[TFMT_SIDE_COUNT][NUM_TEXT_BYTES];
	size_t length = 0;
	text[0] = '\0';
	if (after->weight == TFMT_WEIGHT_SAMPLES && rates[0] != rates[1])
		length = (size_t)snprintf(text, REND_FACTS_BYTES,
			"sampled at %u Hz and at %u Hz: compare --weight cpu, not samples",
			(unsigned)rates[0], (unsigned)rates[1]);
	if (diff->nameless_count == 0)
		return;
	rend_facts_plural(count, diff->nameless_count, "function", "functions");
	for (int side = 0; side < TFMT_SIDE_COUNT; side++)
		num_percent(shares[side], (double)diff->nameless[side],
			(double)rend_diff_whole(diff, (enum tfmt_side)side));
	snprintf(text + length, REND_FACTS_BYTES - length,
		"%s%.60s without a name %s in one recording only: %s before, %s after",
		length > 0 ? REND_FACTS_GAP : "", count, diff->nameless_count == 1 ? "is" : "are",
		shares[0], shares[1]);
}

static void put_totals(const struct rend_diff *diff, FILE *stream)
{
	struct total totals[MAX_TOTALS];
	size_t count = find_totals(diff, totals);
	char text[NUM_TEXT_BYTES];
	fprintf(stream, "%*s", NAME_COLUMNS, "");
	rend_put_cell_right(stream, "before", VALUE_COLUMNS);
	rend_put_cell_right(stream, "after", VALUE_COLUMNS);
	rend_put_cell_right(stream, "change", VALUE_COLUMNS);
	fputc('\n', stream);
	for (size_t i = 0; i < count; i++) {
		const double *values = totals[i].values;
		rend_put_cell(stream, totals[i].name, NAME_COLUMNS);
		for (int side = 0; side < TFMT_SIDE_COUNT; side++)
			rend_put_cell_right(stream,
				total_value(&totals[i], text, (enum tfmt_side)side), VALUE_COLUMNS);
		rend_put_cell_right(stream, total_change(&totals[i], text), VALUE_COLUMNS);
		if (values[TFMT_BEFORE] != values[TFMT_AFTER])
			rend_put_cell_right(stream,
				rend_diff_percent(text, values[TFMT_BEFORE], values[TFMT_AFTER]),
				PERCENT_COLUMNS);
		fputc('\n', stream);
	}
}

void rend_diff_put_head(const struct rend_diff *diff, int columns, FILE *stream)
{
	char commands[4096];
	static const char *const sides[] = {"before  ", "after   "};
	rend_diff_command(diff, commands, sizeof(commands));
	rend_put_last(stream, commands, columns);
	fputc('\n', stream);
	rend_put_filter(diff->models[TFMT_BEFORE], columns, stream);
	for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
		fputs(sides[side], stream);
		rend_put_last(stream, diff->names[side], columns - SIDE_COLUMNS);
		fputc('\n', stream);
	}
	fputc('\n', stream);
	put_totals(diff, stream);
	fputc('\n', stream);
}
