#include "code_line.h"

#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "num.h"
#include "text.h"

#define GAP_COLUMNS	   2
#define MARK_COLUMNS	   5
#define MIN_NAME_COLUMNS   20
#define MIN_PLACE_COLUMNS  14
#define MIN_SOURCE_COLUMNS 24
#define WIDE_COLUMNS	   110 /* from here on there is room for source text */

int rend_guide_columns(const char *guide)
{
	int columns = 0;
	for (; *guide != '\0'; guide++)
		columns += ((unsigned char)*guide & 0xc0) != 0x80;
	return columns;
}

/* A cell of numbers, right-aligned: they have spaces of more than a byte. */
static size_t put_number(char *text, size_t size, const char *number, int columns)
{
	int padding = columns - rend_text_columns(number);
	return (size_t)snprintf(text, size, "%*s%s", padding > 0 ? padding : 0, "", number);
}

void rend_format_numbers(const char *share, const char *amount, const char *other, char *text)
{
	size_t length = put_number(text, REND_NUMBERS_BYTES, share, 7);
	length += put_number(text + length, REND_NUMBERS_BYTES - length, amount, 11);
	length += put_number(text + length, REND_NUMBERS_BYTES - length, other, 9);
	snprintf(text + length, REND_NUMBERS_BYTES - length, "  ");
}

char *rend_format_share(char *text, uint64_t part, uint64_t whole)
{
	text[0] = '\0';
	return part > 0 ? num_percent(text, (double)part, (double)whole) : text;
}

char *rend_format_amount(const struct rend_model *model, char *text, uint64_t amount)
{
	return model->weight == TFMT_WEIGHT_SAMPLES ? num_count(text, amount)
						    : num_duration(text, amount);
}

void rend_code_line_set(struct rend_code_line *line, const struct rend_model *model,
	struct rend_sources *sources, const struct tfmt_location *location, char *place,
	size_t size)
{
	struct tfmt_location file = *location;
	/* The file says more than the module, and there is hardly room for both. */
	if (file.file[0] != '\0')
		file.module = "";
	rend_model_place(&file, place, size);
	/* "libz.so.1+0x5d80" says all of it. */
	if (place[0] != '\0' && strncmp(location->function, place, strlen(place)) == 0 &&
		location->function[strlen(place)] == '+')
		place[0] = '\0';
	line->name = location->function;
	line->place = place;
	line->source = rend_sources_line(sources, location);
	line->is_own = !location->is_wait && rend_model_is_own(model, location);
}

bool rend_code_line_has_source(const struct rend_text_frame *frame)
{
	return frame->columns >= WIDE_COLUMNS;
}

/* All but the numbers, in columns. */
static void put_columns(
	const struct rend_code_line *line, int columns, bool has_source, FILE *stream)
{
	int rest = columns - MARK_COLUMNS - GAP_COLUMNS;
	int source_columns = has_source ? rest * 2 / 5 : 0;
	rest -= source_columns;
	int guide_columns = rend_guide_columns(line->guide);
	int place_columns = rest * 2 / 5;
	int name_columns = rest - place_columns - guide_columns;
	/* Deep in a tree the place gives way. */
	if (name_columns < MIN_NAME_COLUMNS) {
		name_columns = MIN_NAME_COLUMNS;
		place_columns = rest - name_columns - guide_columns;
	}
	if (line->place[0] == '\0' || place_columns < MIN_PLACE_COLUMNS) {
		name_columns += place_columns;
		place_columns = 0;
	}
	fputs(line->guide, stream);
	rend_put_cell(stream, line->name, name_columns);
	if (place_columns > GAP_COLUMNS) {
		fprintf(stream, "%*s", GAP_COLUMNS, "");
		rend_put_cell_tail(stream, line->place, place_columns - GAP_COLUMNS);
	}
	if (source_columns >= MIN_SOURCE_COLUMNS) {
		fprintf(stream, "%*s", GAP_COLUMNS, "");
		rend_put_cell(stream, line->source, source_columns - GAP_COLUMNS);
	}
	if (line->is_own)
		fprintf(stream, "%*s" REND_OWN_MARK, GAP_COLUMNS, "");
}

void rend_put_code_line(
	const struct rend_text_frame *frame, const struct rend_code_line *line, FILE *stream)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	if (memory == NULL)
		return;
	fputs(line->numbers, memory);
	put_columns(line, frame->columns - REND_NUMBERS_COLUMNS, rend_code_line_has_source(frame),
		memory);
	if (fclose(memory) == 0) {
		bool is_bold = line->is_own && frame->has_colour;
		while (size > 0 && text[size - 1] == ' ')
			size--;
		fprintf(stream, "%s%.*s%s\n", is_bold ? "\033[1m" : "", (int)size, text,
			is_bold ? "\033[0m" : "");
	}
	free(text);
}
