/* The program's own source files, as text: what each line weighs, with the lines around. */
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "code_line.h"
#include "facts.h"
#include "num.h"
#include "source_find.h"
#include "source_lines.h"
#include "text.h"
#include "text_head.h"
#include "view.h"

#define CONTEXT_LINES	3
#define DEFAULT_FILES	10
#define BAR_COLUMNS	8
#define LINE_COLUMNS	7
#define BAR_MIN_COLUMNS 72 /* narrower, the text needs the room of the bars */
#define GAP_COLUMNS	2

#define BOLD  "\033[1m"
#define FAINT "\033[2m"
#define PLAIN "\033[0m"

struct listing {
	const struct rend_model *model;
	const struct rend_text_frame *frame;
	struct rend_source_lines lines;
	struct rend_sources *sources;
	FILE *stream;
};

/* Where a hunk of a file is written. */
struct cursor {
	const struct rend_source *source;
	uint32_t next;	   /* the first line that is not written yet */
	uint32_t function; /* whose lines these are; UINT32_MAX: none yet */
};

static bool has_data(const struct rend_model *model)
{
	size_t count;
	return model->tree != NULL && tfmt_calltree_nodes(model->tree, &count)[0].total > 0;
}

static bool is_costly(const struct listing *listing, const struct rend_weighed *weight)
{
	return weight->total > 0 && (double)weight->total >= listing->frame->table.min_share *
								     (double)listing->lines.whole;
}

static const char *style(const struct listing *listing, const char *code)
{
	return listing->frame->has_colour ? code : "";
}

/* Solid what ran in the line itself, light what it called. */
static void put_bar(const struct listing *listing, const struct rend_weighed *weight)
{
	double whole = (double)listing->lines.whole;
	int total = (int)((double)weight->total / whole * BAR_COLUMNS + 0.5);
	int self = (int)((double)weight->self / whole * BAR_COLUMNS + 0.5);
	for (int i = 0; i < BAR_COLUMNS; i++)
		fputs(i < self ? "█" : i < total ? "░" : " ", listing->stream);
}

/* What stands left of a line or a name. NULL: nothing was seen of it. */
static void put_numbers(const struct listing *listing, const struct rend_weighed *weight)
{
	static const struct rend_weighed none;
	char numbers[REND_NUMBERS_BYTES], self[NUM_TEXT_BYTES], time[NUM_TEXT_BYTES];
	char total[NUM_TEXT_BYTES];
	bool is_empty = weight == NULL;
	weight = is_empty ? &none : weight;
	uint64_t amount = listing->frame->table.sorts_by_total ? weight->total : weight->self;
	rend_format_numbers(rend_format_share(self, weight->self, listing->lines.whole),
		amount > 0 ? rend_format_amount(listing->model, time, amount) : "",
		rend_format_share(total, weight->total, listing->lines.whole), numbers);
	fputs(numbers, listing->stream);
	if (listing->frame->columns < BAR_MIN_COLUMNS)
		return;
	put_bar(listing, weight);
}

static int text_columns(const struct listing *listing)
{
	int bar = listing->frame->columns < BAR_MIN_COLUMNS ? 0 : BAR_COLUMNS;
	return listing->frame->columns - REND_NUMBERS_COLUMNS - bar - LINE_COLUMNS - GAP_COLUMNS;
}

/* Lines end in blanks where they have no text: a trimmed copy is written. */
static void put_line(const struct listing *listing, const struct rend_weighed *weight,
	uint32_t line, const char *text)
{
	char *buffer = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&buffer, &size);
	if (memory == NULL)
		return;
	struct listing part = *listing;
	part.stream = memory;
	put_numbers(&part, weight);
	fprintf(memory, "%*u%*s", LINE_COLUMNS, (unsigned)line, GAP_COLUMNS, "");
	rend_put_source(memory, text, text_columns(listing));
	if (fclose(memory) == 0) {
		while (size > 0 && buffer[size - 1] == ' ')
			size--;
		fprintf(listing->stream, "%s%.*s%s\n", style(listing, weight ? BOLD : FAINT),
			(int)size, buffer, style(listing, PLAIN));
	}
	free(buffer);
}

static void put_function(const struct listing *listing, const struct rend_source_line *line)
{
	const struct rend_source_function *function = &listing->lines.functions[line->function];
	static const char others[] = " and others";
	int others_columns = line->is_shared ? (int)sizeof(others) - 1 : 0;
	put_numbers(listing, &function->weight);
	fprintf(listing->stream, "%*s", GAP_COLUMNS, "");
	rend_put_last(listing->stream, function->location->function,
		text_columns(listing) + LINE_COLUMNS - others_columns);
	fprintf(listing->stream, "%s\n", line->is_shared ? others : "");
}

static void put_gap(const struct listing *listing)
{
	int columns = listing->frame->columns - text_columns(listing) - GAP_COLUMNS;
	fprintf(listing->stream, "%s%*s%s\n", style(listing, FAINT), columns, "...",
		style(listing, PLAIN));
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r")] == '\0';
}

/*
 * Where the function of a line begins; where that is not known, at a line without indent below a
 * blank one. 1: nothing says so.
 */
static uint32_t function_begin(const struct listing *listing, const struct cursor *cursor,
	const struct rend_source_line *line)
{
	uint32_t first = listing->lines.functions[line->function].location->first_line;
	if (first > 0 || line->function == cursor->function)
		return first <= line->line ? first : 1;
	for (uint32_t i = line->line; i > cursor->next; i--) {
		const char *text = rend_source_line(cursor->source, i);
		if (is_blank(rend_source_line(cursor->source, i - 1)) && !is_blank(text) &&
			*text != ' ' && *text != '\t')
			return i;
	}
	return 1;
}

/* Where the context above a line begins: with its function, when that is near. */
static uint32_t context_begin(const struct listing *listing, const struct cursor *cursor,
	const struct rend_source_line *line)
{
	if (cursor->source->line_count == 0)
		return line->line;
	uint32_t begin = line->line > CONTEXT_LINES ? line->line - CONTEXT_LINES : 1;
	if (begin < cursor->next)
		begin = cursor->next;
	uint32_t function = function_begin(listing, cursor, line);
	bool is_near = function >= cursor->next && line->line - function <= 2 * CONTEXT_LINES;
	return is_near || function > begin ? function : begin;
}

/* Lines of which nothing was seen, up to `end`. */
static void put_context(const struct listing *listing, struct cursor *cursor, uint32_t end)
{
	for (; cursor->next < end && cursor->next <= cursor->source->line_count; cursor->next++)
		put_line(listing, NULL, cursor->next,
			rend_source_line(cursor->source, cursor->next));
}

/* A line with what is above it, under the name of its function. */
static void put_hunk(
	const struct listing *listing, struct cursor *cursor, const struct rend_source_line *line)
{
	uint32_t begin = context_begin(listing, cursor, line);
	if (line->function != cursor->function)
		put_function(listing, line);
	else if (cursor->source->line_count > 0 && begin > cursor->next)
		put_gap(listing);
	cursor->function = line->function;
	cursor->next = begin;
	put_context(listing, cursor, line->line);
	put_line(listing, &line->weight, line->line, rend_source_line(cursor->source, line->line));
	cursor->next = line->line + 1;
}

/* The next costly line from index `i` on, or the end of the file's lines. */
static size_t find_costly(
	const struct listing *listing, const struct rend_source_file *file, size_t i)
{
	while (i < file->first + file->count &&
		!is_costly(listing, &listing->lines.lines[i].weight))
		i++;
	return i;
}

static void put_hunks(const struct listing *listing, const struct rend_source_file *file,
	const struct rend_source *source)
{
	const struct rend_source_line *lines = listing->lines.lines;
	struct cursor cursor = {.source = source, .next = 1, .function = UINT32_MAX};
	const size_t end = file->first + file->count;
	size_t i = find_costly(listing, file, file->first);
	while (i < end) {
		size_t next = find_costly(listing, file, i + 1);
		put_hunk(listing, &cursor, &lines[i]);
		uint32_t context_end = cursor.next + CONTEXT_LINES;
		uint32_t begin =
			next < end ? context_begin(listing, &cursor, &lines[next]) : UINT32_MAX;
		context_end = begin < context_end ? begin : context_end;
		put_context(listing, &cursor, context_end);
		i = next;
	}
}

/* A path as people write it: below the folder the command ran in, without that. */
static const char *short_path(const struct rend_model *model, const char *path)
{
	const char *cwd = model->header->cwd;
	size_t length = strlen(cwd);
	bool is_below = length > 1 && strncmp(path, cwd, length) == 0 && path[length] == '/';
	return is_below ? path + length + 1 : path;
}

/* Why there is no text, or not the text there was. */
static void put_note(const struct listing *listing, const struct rend_source *source)
{
	static const char *const notes[] = {
		[REND_SOURCE_FOUND] = "read from ",
		[REND_SOURCE_CHANGED] = "changed since it was recorded, lines may be others: ",
		[REND_SOURCE_MISSING] = "not found: --source-path DIR says where it is",
		[REND_SOURCE_TOO_LARGE] = "too large to be shown",
		[REND_SOURCE_NO_TEXT] = "no text file",
	};
	char text[REND_MAX_PATH_BYTES + 128];
	const char *place = source->place != NULL ? source->place : "";
	if (source->state == REND_SOURCE_FOUND && strstr(place, source->path) != NULL)
		return;
	snprintf(text, sizeof(text), "… %s%s", notes[source->state], place);
	fprintf(listing->stream, "%*s", REND_NUMBERS_COLUMNS, "");
	rend_put_last(listing->stream, text, listing->frame->columns - REND_NUMBERS_COLUMNS);
	fputc('\n', listing->stream);
}

static void put_file(const struct listing *listing, const struct rend_source_file *file)
{
	const struct rend_source *source = rend_sources_file(listing->sources, file->path);
	fprintf(listing->stream, "\n%s", style(listing, BOLD));
	put_numbers(listing, &file->weight);
	fprintf(listing->stream, "%*s", GAP_COLUMNS, "");
	rend_put_last(listing->stream, short_path(listing->model, file->path),
		text_columns(listing) + LINE_COLUMNS);
	fprintf(listing->stream, "%s\n", style(listing, PLAIN));
	put_note(listing, source);
	put_hunks(listing, file, source);
}

static void put_heading(const struct listing *listing, size_t shown)
{
	const struct rend_model *model = listing->model;
	const struct rend_text_frame *frame = listing->frame;
	char text[REND_FACTS_BYTES], amount[NUM_TEXT_BYTES], min[NUM_TEXT_BYTES];
	char count[NUM_TEXT_BYTES], shown_text[NUM_TEXT_BYTES], numbers[REND_NUMBERS_BYTES];
	bool is_samples = model->weight == TFMT_WEIGHT_SAMPLES;
	rend_put_text_head(model, frame->columns, listing->stream);
	rend_model_amount(model, amount, listing->lines.whole);
	snprintf(text, sizeof(text),
		"%s%s%s" REND_FACTS_GAP "%s of %s own files by %s" REND_FACTS_GAP
		"lines from %s on",
		amount, is_samples ? "" : " ", is_samples ? "" : tfmt_weight_title(model->weight),
		num_count(shown_text, shown), num_count(count, listing->lines.file_count),
		frame->table.sorts_by_total ? "total" : "self",
		num_percent(min, frame->table.min_share, 1));
	rend_put_last(listing->stream, text, frame->columns);
	rend_format_numbers("self", is_samples ? "samples" : "time", "total", numbers);
	int bar = frame->columns < BAR_MIN_COLUMNS ? 0 : BAR_COLUMNS;
	fprintf(listing->stream, "\n\n%s%*s%s\n", numbers, bar + LINE_COLUMNS, "line",
		bar > 0 ? "  █ self, ░ what it called" : "");
}

/* What is not shown: the rest of the files, code of others, code without lines. */
static void put_footer(const struct listing *listing, size_t shown)
{
	const struct rend_source_lines *lines = &listing->lines;
	char share[NUM_TEXT_BYTES];
	uint64_t self = 0;
	for (size_t i = shown; i < lines->file_count; i++)
		self += lines->files[i].weight.self;
	if (shown < lines->file_count || lines->other_self > 0 || lines->none_self > 0)
		fputc('\n', listing->stream);
	if (shown < lines->file_count)
		fprintf(listing->stream,
			"… %zu more file%s, self %s (--top %zu --min 0 shows all)\n",
			lines->file_count - shown, lines->file_count - shown == 1 ? "" : "s",
			num_percent(share, (double)self, (double)lines->whole), lines->file_count);
	if (lines->other_self > 0)
		fprintf(listing->stream,
			"… self %s in files of others (--own PATH shows what is under PATH)\n",
			num_percent(share, (double)lines->other_self, (double)lines->whole));
	if (lines->none_self > 0)
		fprintf(listing->stream, "… self %s at no known line, or waiting\n",
			num_percent(share, (double)lines->none_self, (double)lines->whole));
}

static bool has_costly_line(const struct listing *listing, const struct rend_source_file *file)
{
	return find_costly(listing, file, file->first) < file->first + file->count;
}

/* The files are in the order of weight, but those without a costly line go to the end. */
static size_t files_to_show(struct listing *listing)
{
	struct rend_source_file *files = listing->lines.files;
	size_t max =
		listing->frame->table.max_rows > 0 ? listing->frame->table.max_rows : DEFAULT_FILES;
	size_t shown = 0;
	for (size_t i = 0; i < listing->lines.file_count && shown < max; i++) {
		if (!has_costly_line(listing, &files[i]))
			continue;
		struct rend_source_file file = files[i];
		memmove(&files[shown + 1], &files[shown], (i - shown) * sizeof(*files));
		files[shown++] = file;
	}
	return shown;
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct listing listing = {.model = model, .frame = frame, .stream = stream};
	int status = rend_source_lines_init(&listing.lines, model, frame->table.sorts_by_total);
	if (status < 0)
		return status;
	listing.sources = rend_sources_new(model);
	if (listing.sources == NULL) {
		status = TFMT_E_NOMEM;
	} else {
		size_t shown = files_to_show(&listing);
		put_heading(&listing, shown);
		for (size_t i = 0; i < shown; i++)
			put_file(&listing, &listing.lines.files[i]);
		if (listing.lines.file_count == 0)
			fputs("\nNo line of own code is known: programs need debug information (-g); "
			      "--own PATH says what is own.\n",
				stream);
		put_footer(&listing, shown);
	}
	rend_sources_free(listing.sources);
	rend_source_lines_release(&listing.lines);
	return status;
}

const struct rend_view rend_view_source = {
	.name = "source",
	.summary = "the program's own source files, line by line",
	.draws_stacks = true,
	.merges_lines = true,
	.is_listing = true,
	.has_data = has_data,
	.missing = REND_NO_STACKS,
	.text = write_text,
};
