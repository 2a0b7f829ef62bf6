#include "latency.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heat.h"
#include "num.h"
#include "span_walk.h"

uint32_t rend_latency_class(uint64_t duration_ns)
{
	double octaves = log2(duration_ns > 0 ? (double)duration_ns : 1);
	uint32_t class = (uint32_t)(octaves * REND_LATENCY_SUBCLASSES + 1e-6);
	return class < REND_LATENCY_CLASSES ? class : REND_LATENCY_CLASSES - 1;
}

uint64_t rend_latency_class_ns(uint32_t class)
{
	if (class >= REND_LATENCY_CLASSES)
		return UINT64_MAX;
	return (uint64_t)round(exp2((double)class / REND_LATENCY_SUBCLASSES));
}

/* "parse" is how `json::parse` and `Parser.parse` are called within. */
static bool is_called(const char *full, const char *name)
{
	size_t full_length = strlen(full), length = strlen(name);
	if (length == 0 || full_length < length)
		return false;
	const char *end = full + full_length - length;
	return strcmp(end, name) == 0 && (end == full || end[-1] == '.' || end[-1] == ':');
}

static void add(struct rend_latency *latency, uint64_t end_ns, uint64_t duration_ns)
{
	uint64_t column = end_ns > latency->begin_ns
				  ? (end_ns - 1 - latency->begin_ns) / latency->column_ns
				  : 0;
	if (column >= latency->columns)
		column = latency->columns - 1;
	latency->counts[column * REND_LATENCY_CLASSES + rend_latency_class(duration_ns)]++;
	if (latency->total++ == 0 || duration_ns < latency->min_ns)
		latency->min_ns = duration_ns;
	if (duration_ns > latency->max_ns)
		latency->max_ns = duration_ns;
}

enum match {
	MATCH_NOT_LOOKED_AT,
	MATCH_NO,
	MATCH_END, /* of the name */
	MATCH_YES,
};

/* What a pass needs. */
struct search {
	struct rend_latency *latency;
	const char *name;
	struct rend_span_names names;
	enum match wanted; /* MATCH_YES once there was one */
	uint8_t *matches;  /* enum match, by what of spans or by stack */
	size_t room;
};

static enum match match_of_what(struct search *search, uint32_t what)
{
	if (what >= search->room) {
		size_t room = 2 * (size_t)what + 64;
		uint8_t *matches = realloc(search->matches, room);
		if (matches == NULL)
			return MATCH_NOT_LOOKED_AT;
		memset(matches + search->room, MATCH_NOT_LOOKED_AT, room - search->room);
		search->matches = matches;
		search->room = room;
	}
	if (search->matches[what] == MATCH_NOT_LOOKED_AT) {
		struct tfmt_location location = rend_span_location(&search->names, what);
		search->matches[what] = strcmp(location.function, search->name) == 0 ? MATCH_YES
					: is_called(location.function, search->name) ? MATCH_END
										     : MATCH_NO;
	}
	return search->matches[what];
}

/* What was found so far is not what was meant. */
static void forget(struct rend_latency *latency)
{
	memset(latency->counts, 0,
		(size_t)latency->columns * REND_LATENCY_CLASSES * sizeof(*latency->counts));
	latency->type = REND_LATENCY_NONE;
	latency->total = latency->open_count = latency->max_ns = 0;
}

static int add_span(void *context, const struct rend_whole_span *span)
{
	struct search *search = context;
	struct rend_latency *latency = search->latency;
	enum match match = match_of_what(search, span->what);
	if (match == MATCH_NOT_LOOKED_AT)
		return TFMT_E_NOMEM;
	if (match < search->wanted)
		return 0;
	if (match > search->wanted) {
		search->wanted = match;
		forget(latency);
	}
	if (latency->type == REND_LATENCY_NONE)
		latency->type = rend_span_is_scope(&search->names, span->what) ? REND_LATENCY_SCOPES
									       : REND_LATENCY_CALLS;
	if (span->is_open)
		latency->open_count++;
	else
		add(latency, span->end_ns, span->end_ns - span->begin_ns);
	return 0;
}

static bool frame_is_called(const struct tfmt_trace *trace, uint32_t frame, const char *name)
{
	struct tfmt_location locations[16];
	size_t count = tfmt_trace_locations(trace, frame, locations, 16);
	for (size_t i = 0; i < count && i < 16; i++) {
		if (is_called(locations[i].function, name))
			return true;
	}
	return false;
}

/* Whether the function is anywhere in the stack. Parents have lower ids. */
static bool is_in_stack(struct search *search, uint32_t stack)
{
	const struct tfmt_trace *trace = search->latency->model->trace;
	if (stack == 0 || stack >= search->room)
		return false;
	uint32_t at = stack;
	while (at != 0 && search->matches[at] == MATCH_NOT_LOOKED_AT) {
		const struct tfmt_stack *row = tfmt_trace_stack(trace, at);
		if (frame_is_called(trace, row->frame, search->name))
			search->matches[at] = MATCH_YES;
		else
			at = row->parent < at ? row->parent : 0;
	}
	uint8_t match = at != 0 ? search->matches[at] : MATCH_NO;
	for (uint32_t id = stack; id != at && id != 0;) {
		uint32_t parent = tfmt_trace_stack(trace, id)->parent;
		search->matches[id] = match;
		id = parent < id ? parent : 0;
	}
	return match == MATCH_YES;
}

static int add_wait(void *context, const struct tfmt_sample *sample)
{
	struct search *search = context;
	if (tfmt_wait_name(sample) == NULL || (sample->flags & TFMT_SAMPLE_SUMMED))
		return 0;
	const char *syscall = tfmt_syscall_name(sample->syscall);
	if ((syscall == NULL || strcmp(syscall, search->name) != 0) &&
		!is_in_stack(search, sample->stack))
		return 0;
	search->latency->type = REND_LATENCY_WAITS;
	add(search->latency, sample->time_ns, sample->weight_ns);
	return 0;
}

static int find_waits(struct search *search, struct rend_model *model, struct tfmt_error *err)
{
	free(search->matches);
	search->room = (size_t)tfmt_trace_count(model->trace, TFMT_STACK) + 1;
	search->matches = calloc(search->room, sizeof(*search->matches));
	if (search->matches == NULL)
		return TFMT_E_NOMEM;
	return rend_model_each_sample(model, add_wait, search, err);
}

/* The end of the class that so many of all are within. */
static uint64_t percentile_ns(const struct rend_latency *latency, double share)
{
	uint64_t wanted = (uint64_t)ceil((double)latency->total * share), seen = 0;
	uint32_t class = 0;
	for (; class < REND_LATENCY_CLASSES; class ++) {
		for (uint32_t i = 0; i < latency->columns; i++)
			seen += latency->counts[(size_t)i * REND_LATENCY_CLASSES + class];
		if (seen >= wanted)
			break;
	}
	uint64_t end_ns = rend_latency_class_ns(class + 1);
	return end_ns < latency->max_ns ? end_ns : latency->max_ns;
}

int rend_latency_new(struct rend_model *model, const char *name, const struct rend_heat_size *size,
	struct rend_latency **ret_latency)
{
	struct tfmt_error err = {0};
	struct rend_latency *latency = calloc(1, sizeof(*latency));
	struct search search = {.latency = latency, .name = name, .wanted = MATCH_END};
	if (latency == NULL)
		return TFMT_E_NOMEM;
	latency->model = model;
	rend_heat_columns(model, size, &latency->begin_ns, &latency->column_ns, &latency->columns);
	latency->counts =
		calloc((size_t)latency->columns * REND_LATENCY_CLASSES, sizeof(*latency->counts));
	int status = rend_span_names_init(&search.names, model->trace);
	if (status == 0 && latency->counts == NULL)
		status = TFMT_E_NOMEM;
	if (status == 0)
		status = rend_span_walk(model, &search.names, add_span, &search, &err);
	if (status == 0 && latency->type == REND_LATENCY_NONE)
		status = find_waits(&search, model, &err);
	rend_span_names_release(&search.names);
	free(search.matches);
	if (status < 0) {
		rend_latency_free(latency);
		return status;
	}
	latency->p50_ns = percentile_ns(latency, 0.5);
	latency->p99_ns = percentile_ns(latency, 0.99);
	*ret_latency = latency;
	return 0;
}

void rend_latency_free(struct rend_latency *latency)
{
	if (latency != NULL)
		free(latency->counts);
	free(latency);
}

void rend_latency_heading(const struct rend_latency *latency, char *text, size_t size)
{
	static const char *const types[] = {
		[REND_LATENCY_NONE] = "calls",
		[REND_LATENCY_CALLS] = "calls",
		[REND_LATENCY_SCOPES] = "scopes",
		[REND_LATENCY_WAITS] = "waits",
	};
	const char *preposition = latency->type == REND_LATENCY_SCOPES	? "named"
				  : latency->type == REND_LATENCY_WAITS ? "in"
									: "of";
	char count[NUM_TEXT_BYTES];
	const char *type = types[latency->type];
	snprintf(text, size, "%s %.*s %s %.200s", num_count(count, latency->total),
		(int)strlen(type) - (latency->total == 1), type, preposition,
		latency->model->heat.latency);
}

struct rend_latency_rows rend_latency_rows(const struct rend_latency *latency, uint32_t max_rows)
{
	struct rend_latency_rows rows = {.first = rend_latency_class(latency->min_ns)};
	uint32_t count = rend_latency_class(latency->max_ns) - rows.first + 1;
	rows.group = (count + max_rows - 1) / max_rows;
	rows.rows = (count + rows.group - 1) / rows.group;
	return rows;
}

uint64_t rend_latency_count(const struct rend_latency *latency,
	const struct rend_latency_rows *rows, uint32_t column, uint32_t row)
{
	const uint32_t *counts = &latency->counts[(size_t)column * REND_LATENCY_CLASSES];
	uint32_t first = rows->first + row * rows->group;
	uint64_t sum = 0;
	for (uint32_t i = first; i < first + rows->group && i < REND_LATENCY_CLASSES; i++)
		sum += counts[i];
	return sum;
}

uint64_t rend_latency_max(const struct rend_latency *latency, const struct rend_latency_rows *rows)
{
	uint64_t max = 0;
	for (uint32_t column = 0; column < latency->columns; column++) {
		for (uint32_t row = 0; row < rows->rows; row++) {
			uint64_t count = rend_latency_count(latency, rows, column, row);
			max = count > max ? count : max;
		}
	}
	return max;
}
