#include "cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "utf8.h"

#define TAB_COLUMNS 8

static const char *const rises[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const runs[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

/* The first characters of a clean text that take at most `columns`. Returns the columns. */
static int put_head(FILE *stream, const char *text, int columns)
{
	int used = 0;
	while (*text != '\0') {
		size_t length;
		char character[5] = "";
		rend_text_decode(text, &length);
		memcpy(character, text, length);
		int width = rend_text_columns(character);
		if (used + width > columns)
			break;
		fputs(character, stream);
		used += width;
		text += length;
	}
	return used;
}

/* Where the last `columns` columns of a clean text begin. */
static const char *find_tail(const char *text, int columns)
{
	int left = rend_text_columns(text);
	while (left > columns) {
		size_t length;
		char character[5] = "";
		rend_text_decode(text, &length);
		memcpy(character, text, length);
		left -= rend_text_columns(character);
		text += length;
	}
	return text;
}

enum padding {
	PAD_NONE,
	PAD_LEFT,
	PAD_RIGHT,
};

static void put_cell(FILE *stream, const char *text, int columns, enum padding padding)
{
	char clean[1024];
	rend_text_shorten(REND_FONT_BODY, text, 0, REND_ELLIPSIS_END, clean, sizeof(clean));
	int width = rend_text_columns(clean);
	if (width <= columns) {
		if (padding == PAD_LEFT)
			fprintf(stream, "%*s", columns - width, "");
		fputs(clean, stream);
		if (padding == PAD_RIGHT)
			fprintf(stream, "%*s", columns - width, "");
		return;
	}
	int used = put_head(stream, clean, columns / 2);
	fputs("…", stream);
	const char *tail = find_tail(clean, columns - used - 1);
	used += 1 + put_head(stream, tail, columns);
	if (padding != PAD_NONE)
		fprintf(stream, "%*s", columns - used, "");
}

void rend_put_cell(FILE *stream, const char *text, int columns)
{
	put_cell(stream, text, columns, PAD_RIGHT);
}

static void put_tail(FILE *stream, const char *text, int columns, enum padding padding)
{
	char clean[1024], cut[1024 + sizeof("…")];
	rend_text_shorten(REND_FONT_BODY, text, 0, REND_ELLIPSIS_END, clean, sizeof(clean));
	bool is_cut = rend_text_columns(clean) > columns;
	snprintf(cut, sizeof(cut), "%s%s", is_cut ? "…" : "",
		is_cut ? find_tail(clean, columns - 1) : clean);
	put_cell(stream, cut, columns, padding);
}

void rend_put_cell_tail(FILE *stream, const char *text, int columns)
{
	put_tail(stream, text, columns, PAD_RIGHT);
}

void rend_put_last_tail(FILE *stream, const char *text, int columns)
{
	put_tail(stream, text, columns, PAD_NONE);
}

void rend_put_cell_right(FILE *stream, const char *text, int columns)
{
	put_cell(stream, text, columns, PAD_LEFT);
}

void rend_put_last(FILE *stream, const char *text, int columns)
{
	put_cell(stream, text, columns, PAD_NONE);
}

/* Write the characters that end within `columns`, or none when `stream` is NULL; so all take. */
static int put_source(FILE *stream, const char *text, size_t length, int columns)
{
	int used = 0;
	while (length > 0) {
		char character[5] = "";
		int step = utf8_step(text, length);
		size_t bytes = (size_t)abs(step);
		memcpy(character, step < 0 ? UTF8_REPLACEMENT : text, step < 0 ? 3 : bytes);
		bool is_tab = *text == '\t';
		if (step > 0 && !is_tab && utf8_is_control(text))
			memcpy(character, UTF8_REPLACEMENT, sizeof(UTF8_REPLACEMENT));
		int width =
			is_tab ? TAB_COLUMNS - used % TAB_COLUMNS : rend_text_columns(character);
		if (used + width > columns)
			return used + width;
		if (stream != NULL)
			fprintf(stream, "%*s", is_tab ? width : 0, is_tab ? "" : character);
		used += width;
		text += bytes;
		length -= bytes;
	}
	return used;
}

void rend_put_source(FILE *stream, const char *text, int columns)
{
	size_t length = strlen(text);
	while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
		length--;
	bool is_cut = put_source(NULL, text, length, columns) > columns;
	put_source(stream, text, length, is_cut ? columns - 1 : columns);
	if (is_cut)
		fputs("…", stream);
}

void rend_put_bar(FILE *stream, double share, int columns)
{
	int eighths = (int)lround(fmin(fmax(share, 0), 1) * columns * 8);
	int used = eighths / 8;
	for (int i = 0; i < used; i++)
		fputs("█", stream);
	if (eighths % 8 > 0) {
		fputs(runs[eighths % 8], stream);
		used++;
	}
	fprintf(stream, "%*s", columns - used, "");
}

/* The mean of the columns [first, end); NAN when nothing was measured. */
static double mean_of(const struct rend_series *series, size_t first, size_t end)
{
	double sum = 0;
	size_t count = 0;
	for (size_t i = first; i < end; i++) {
		if (i < series->first || i - series->first >= series->count ||
			isnan(series->bins[i - series->first].mean))
			continue;
		sum += series->bins[i - series->first].mean;
		count++;
	}
	return count > 0 ? sum / (double)count : NAN;
}

/* The value of a column of a sparkline. */
static double spark_value(
	const struct rend_series *series, size_t bin_count, int column, int columns)
{
	size_t first = bin_count * (size_t)column / (size_t)columns;
	size_t end = bin_count * (size_t)(column + 1) / (size_t)columns;
	return series->bins != NULL ? mean_of(series, first, end) : NAN;
}

double rend_sparkline_max(const struct rend_series *series, size_t bin_count, int columns)
{
	double max = 0;
	for (int i = 0; i < columns; i++)
		max = fmax(max, spark_value(series, bin_count, i, columns));
	return max;
}

void rend_put_sparkline(
	FILE *stream, const struct rend_series *series, size_t bin_count, double max, int columns)
{
	for (int i = 0; i < columns; i++) {
		double value = spark_value(series, bin_count, i, columns);
		double share = max > 0 && !isnan(value) ? fmin(value / max, 1) : 0;
		int eighths = (int)lround(share * 8);
		fputs(rises[eighths == 0 && share > 0.005 ? 1 : eighths], stream);
	}
}
