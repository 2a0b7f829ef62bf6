/* Calls and scopes one after the other, as text: a line for each beginning and each end. */
#include <stdlib.h>
#include <string.h>

#include "call_text.h"
#include "cells.h"
#include "num.h"
#include "span_stream.h"
#include "spans.h"
#include "text.h"
#include "view.h"

#define INDENT_COLUMNS	   2
#define DELTA_COLUMNS	   9
#define MAX_THREAD_COLUMNS 24
#define WIDE_COLUMNS	   100 /* from here on there is room for where functions are */
#define MAX_PLACE_COLUMNS  32
#define MIN_CALL_COLUMNS   30
#define GAP_COLUMNS	   2
#define WARNING_ON	   "\033[31m"
#define WARNING_OFF	   "\033[0m"

/* Where a function is, found once. */
struct place {
	bool is_known;
	char *text; /* clean, and cut to the room there is */
	int columns;
	const char *function;
};

struct log {
	const struct rend_model *model;
	const struct rend_text_frame *frame;
	FILE *stream;
	struct rend_span_stacks stacks;
	struct place *places; /* by frame */
	uint32_t frame_count;
	int second_digits;
	int thread_columns; /* 0: there is only one */
	bool has_processes; /* several */
	int call_columns;   /* of what is called, its indent and its place included */
	int place_columns;  /* of them, at most; 0: no room */
	bool has_last;
	uint64_t last_ns; /* of the line before */
	struct rend_call_text line;
};

static bool has_data(const struct rend_model *model)
{
	return model->totals.span_count > 0;
}

/* "4140 worker", with several processes "4140/4141 worker". */
static void thread_name(const struct log *log, uint32_t id, char *text, size_t size)
{
	const struct tfmt_trace *trace = log->model->trace;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, id);
	char process[16] = "";
	if (log->has_processes)
		snprintf(process, sizeof(process), "%u/",
			(unsigned)tfmt_trace_process(trace, thread->process)->pid);
	snprintf(text, size, "%s%u %.200s", process, (unsigned)thread->tid,
		tfmt_trace_text(trace, thread->name));
}

/* The columns left of the calls. */
static void lay_out(struct log *log)
{
	const struct rend_model *model = log->model;
	uint32_t process = 0;
	size_t thread_count = 0;
	char text[256];
	for (uint32_t id = 1; id <= model->thread_count; id++) {
		if (model->threads[id].span_count == 0)
			continue;
		uint32_t other = model->threads[id].info->process;
		log->has_processes = log->has_processes || (thread_count > 0 && other != process);
		process = other;
		thread_count++;
	}
	for (uint32_t id = 1; thread_count > 1 && id <= model->thread_count; id++) {
		if (model->threads[id].span_count == 0)
			continue;
		thread_name(log, id, text, sizeof(text));
		int columns = rend_text_columns(text);
		log->thread_columns = columns > log->thread_columns ? columns : log->thread_columns;
	}
	if (log->thread_columns > MAX_THREAD_COLUMNS)
		log->thread_columns = MAX_THREAD_COLUMNS;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)(model->recorded_ns / 1000000000));
	log->second_digits = (int)strlen(text);
	int left = log->second_digits + 7 + DELTA_COLUMNS + GAP_COLUMNS +
		   (log->thread_columns > 0 ? log->thread_columns + GAP_COLUMNS : 0);
	int rest = log->frame->columns - left;
	log->call_columns = rest > MIN_CALL_COLUMNS ? rest : MIN_CALL_COLUMNS;
	if (log->frame->columns >= WIDE_COLUMNS)
		log->place_columns = rest / 3 < MAX_PLACE_COLUMNS ? rest / 3 : MAX_PLACE_COLUMNS;
}

/* Names come from tables that do not change any more. NULL: out of memory. */
static const struct place *find_place(struct log *log, uint32_t frame)
{
	char text[512];
	struct tfmt_location location;
	struct place *place = &log->places[frame <= log->frame_count ? frame : 0];
	if (place->is_known)
		return place;
	tfmt_trace_locations(log->model->trace, frame, &location, 1);
	place->function = location.function;
	if (location.file[0] != '\0')
		location.module = "";
	rend_model_place(&location, text, sizeof(text));
	size_t size;
	FILE *memory = open_memstream(&place->text, &size);
	if (memory == NULL)
		return NULL;
	if (log->place_columns > 0)
		rend_put_last_tail(memory, text, log->place_columns);
	fclose(memory);
	place->columns = place->text != NULL ? rend_text_columns(place->text) : 0;
	place->is_known = place->text != NULL;
	return place->is_known ? place : NULL;
}

static void put_blanks(const struct log *log, int columns)
{
	fprintf(log->stream, "%*s", columns > 0 ? columns : 0, "");
}

/* Time, time since the line before, thread. */
static void put_left(struct log *log, uint64_t time_ns, uint32_t thread)
{
	char text[256], delta[NUM_TEXT_BYTES + 1] = "";
	uint64_t origin_ns = log->model->origin_ns;
	uint64_t time_us = time_ns > origin_ns ? (time_ns - origin_ns) / 1000 : 0;
	uint64_t delta_ns = time_ns > log->last_ns ? time_ns - log->last_ns : 0;
	/* Minutes would be too wide. */
	if (log->has_last && delta_ns >= UINT64_C(60000000000))
		snprintf(delta, sizeof(delta), "+%llu s",
			(unsigned long long)(delta_ns / 1000000000));
	else if (log->has_last)
		snprintf(delta, sizeof(delta), "+%s", num_duration(text, delta_ns));
	log->has_last = true;
	log->last_ns = time_ns;
	fprintf(log->stream, "%*llu.%06llu", log->second_digits,
		(unsigned long long)(time_us / 1000000), (unsigned long long)(time_us % 1000000));
	put_blanks(log, DELTA_COLUMNS - rend_text_columns(delta));
	fprintf(log->stream, "%s%*s", delta, GAP_COLUMNS, "");
	if (log->thread_columns == 0)
		return;
	text[0] = '\0';
	if (thread > 0)
		thread_name(log, thread, text, sizeof(text));
	rend_put_cell(log->stream, text, log->thread_columns);
	fprintf(log->stream, "%*s", GAP_COLUMNS, "");
}

/* A level deeper is further right, as far as half of the room; from there on its number says it. */
static void begin_call(struct log *log, uint32_t depth, const struct place *place)
{
	char more[16];
	int width = place != NULL ? place->columns : 0;
	uint32_t max_depth = (uint32_t)(log->call_columns / 2 / INDENT_COLUMNS);
	rend_call_text_init(&log->line, log->call_columns - width - (width > 0 ? GAP_COLUMNS : 0));
	for (uint32_t i = 0; i < depth && i < max_depth; i++)
		rend_call_text_add(&log->line, "  ");
	if (depth > max_depth) {
		snprintf(more, sizeof(more), "%u ", (unsigned)depth);
		rend_call_text_add(&log->line, more);
	}
}

static void put_call(struct log *log, const struct place *place, bool is_warning)
{
	bool has_colour = is_warning && log->frame->has_colour;
	struct rend_call_text *line = &log->line;
	rend_call_text_end(line);
	fprintf(log->stream, "%s%s%s", has_colour ? WARNING_ON : "", line->text,
		has_colour ? WARNING_OFF : "");
	if (place != NULL && place->columns > 0) {
		put_blanks(log, log->call_columns - place->columns - line->columns);
		fputs(place->text, log->stream);
	}
	fputc('\n', log->stream);
}

static void add_args(struct log *log, const struct rend_span_event *event)
{
	const struct tfmt_trace *trace = log->model->trace;
	char more[48];
	for (size_t i = 0; i < event->arg_count; i++) {
		if (i > 0)
			rend_call_text_add(&log->line, ", ");
		rend_call_text_add_arg(&log->line, trace, &event->args[i]);
	}
	if (event->hidden_args > 0) {
		snprintf(more, sizeof(more), ", … %zu more", event->hidden_args);
		rend_call_text_add(&log->line, more);
	}
}

/* "--> fib(n: int = 3)", of a scope "--> load". */
static void put_begin(
	struct log *log, const struct rend_span_event *event, const struct place *place)
{
	bool is_call = event->span.frame != 0;
	rend_call_text_add(&log->line, "--> ");
	if (is_call)
		rend_call_text_add(&log->line, place->function);
	else
		rend_call_text_add_string(
			&log->line, tfmt_trace_string(log->model->trace, event->span.name));
	if (is_call || event->arg_count > 0) {
		rend_call_text_add(&log->line, is_call ? "(" : " (");
		add_args(log, event);
		rend_call_text_add(&log->line, ")");
	}
	put_call(log, is_call ? place : NULL, false);
}

static bool is_named(const struct log *log, const struct tfmt_arg *arg, const char *name)
{
	return strcmp(tfmt_trace_text(log->model->trace, arg->name), name) == 0;
}

/* "<-- 3 (1.2 ms in fib)", "<-- ValueError: no number (1.2 ms in parse)". */
static void put_end(struct log *log, const struct rend_span_event *event,
	const struct rend_open_span *open, const struct place *place)
{
	const struct tfmt_trace *trace = log->model->trace;
	bool is_call = event->span.frame != 0;
	bool is_exception = (event->span.flags & TFMT_SPAN_EXCEPTION) != 0;
	char duration[NUM_TEXT_BYTES];
	rend_call_text_add(&log->line, "<-- ");
	if (event->arg_count == 1 && (is_named(log, &event->args[0], "return value") ||
					     is_named(log, &event->args[0], "exception")))
		rend_call_text_add_value(&log->line, trace, &event->args[0]);
	else
		add_args(log, event);
	if (event->arg_count == 0 && is_exception)
		rend_call_text_add(&log->line, "exception");
	rend_call_text_add(&log->line, event->arg_count > 0 || is_exception ? " (" : "(");
	if (open != NULL) {
		rend_call_text_add(&log->line,
			num_duration(duration, event->span.time_ns > open->begin_ns
						       ? event->span.time_ns - open->begin_ns
						       : 0));
		rend_call_text_add(&log->line, " ");
	}
	rend_call_text_add(&log->line, "in ");
	if (is_call)
		rend_call_text_add(&log->line, place->function);
	else
		rend_call_text_add_string(&log->line, tfmt_trace_string(trace, event->span.name));
	rend_call_text_add(&log->line, ")");
	put_call(log, NULL, is_exception);
}

static int log_begin(struct log *log, const struct rend_span_event *event, bool is_taken)
{
	struct rend_span_stack *stack = &log->stacks.threads[event->span.thread];
	struct rend_open_span *open;
	uint32_t depth = stack->count + stack->deeper;
	if (is_taken) {
		const struct place *place = find_place(log, event->span.frame);
		if (place == NULL)
			return TFMT_E_NOMEM;
		put_left(log, event->span.time_ns, event->span.thread);
		begin_call(log, depth, event->span.frame != 0 ? place : NULL);
		put_begin(log, event, place);
	}
	return rend_span_begin(&log->stacks, &event->span, &open);
}

static int log_end(struct log *log, const struct rend_span_event *event, bool is_taken)
{
	struct rend_span_stack *stack = &log->stacks.threads[event->span.thread];
	uint32_t ended = rend_span_ended_count(&log->stacks, &event->span);
	stack->count -= ended;
	if (!is_taken)
		return 0;
	const struct place *place = find_place(log, event->span.frame);
	if (place == NULL)
		return TFMT_E_NOMEM;
	put_left(log, event->span.time_ns, event->span.thread);
	begin_call(log, stack->count + stack->deeper, NULL);
	put_end(log, event, ended > 0 ? &stack->open[stack->count] : NULL, place);
	return 0;
}

/* What is no call: lost records, messages. */
static void put_gap(struct log *log, const struct rend_span_event *event)
{
	const struct tfmt_trace *trace = log->model->trace;
	char count[NUM_TEXT_BYTES], text[128];
	uint32_t thread = event->span.thread;
	num_count(count, event->lost_count);
	put_left(log, event->span.time_ns, thread);
	begin_call(log, thread > 0 ? log->stacks.threads[thread].count : 0, NULL);
	switch (event->type) {
	case REND_SPAN_MESSAGE:
		rend_call_text_add(&log->line, "*** ");
		rend_call_text_add_string(
			&log->line, tfmt_trace_string(trace, event->message_name));
		rend_call_text_add(&log->line, ": ");
		rend_call_text_add_string(&log->line, tfmt_trace_string(trace, event->message));
		break;
	case REND_SPAN_LOST:
		snprintf(text, sizeof(text), "!!! %s spans lost here: ", count);
		rend_call_text_add(&log->line, text);
		rend_call_text_add_string(&log->line, tfmt_trace_string(trace, event->reason));
		if (event->process > 0) {
			snprintf(text, sizeof(text), ", process %u",
				(unsigned)tfmt_trace_process(trace, event->process)->pid);
			rend_call_text_add(&log->line, text);
		}
		break;
	case REND_SPAN_DAMAGE:
		snprintf(text, sizeof(text), "!!! %s spans missing here: the file is damaged",
			count);
		rend_call_text_add(&log->line, text);
		break;
	default:
		snprintf(text, sizeof(text), "!!! %s %s are not shown", count,
			event->type == REND_SPAN_HIDDEN_ARGS ? "arguments" : "messages and losses");
		rend_call_text_add(&log->line, text);
		break;
	}
	put_call(log, NULL, event->type != REND_SPAN_MESSAGE);
}

static int log_event(void *context, const struct rend_span_event *event)
{
	struct log *log = context;
	int status = 0;
	if (event->type == REND_SPAN_RECORD) {
		bool is_taken = rend_model_takes_span(log->model, &event->span, event->number);
		if (event->span.phase == TFMT_SPAN_BEGIN)
			status = log_begin(log, event, is_taken);
		else
			status = log_end(log, event, is_taken);
	} else {
		put_gap(log, event);
	}
	return status == 0 && ferror(log->stream) ? TFMT_E_IO : status;
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct log *log = calloc(1, sizeof(*log));
	struct tfmt_error err = {0};
	if (log == NULL)
		return TFMT_E_NOMEM;
	log->model = model;
	log->frame = frame;
	log->stream = stream;
	log->frame_count = tfmt_trace_count(model->trace, TFMT_FRAME);
	log->places = calloc((size_t)log->frame_count + 1, sizeof(*log->places));
	int status = rend_span_stacks_init(&log->stacks, model);
	if (status == 0 && log->places == NULL)
		status = TFMT_E_NOMEM;
	if (status == 0) {
		lay_out(log);
		status = rend_span_stream(model, log_event, log, &err);
	}
	for (uint32_t i = 0; log->places != NULL && i <= log->frame_count; i++)
		free(log->places[i].text);
	free(log->places);
	rend_span_stacks_release(&log->stacks);
	free(log);
	return status;
}

const struct rend_view rend_view_calls = {
	.name = "calls",
	.summary = "calls and scopes one after the other, with arguments and results",
	.is_listing = true,
	.has_data = has_data,
	.missing = REND_NO_SPANS,
	.text = write_text,
};
