#include "schema.h"

#include <stdlib.h>
#include <string.h>

#define COLUMN(type, column, field, ...)                                  \
	{                                                                 \
		.name = column, .offset = offsetof(struct type, field),   \
		.size = sizeof(((struct type *)NULL)->field), __VA_ARGS__ \
	}
#define PLAIN(type, field, ...) COLUMN(type, #field, field, .transform = TFMT_PLAIN, __VA_ARGS__)
#define DELTA(type, field, ...) COLUMN(type, #field, field, .transform = TFMT_DELTA, __VA_ARGS__)
#define ID(type, field, table)	PLAIN(type, field, .refers_to = TFMT_##table)
#define TIME(type) \
	COLUMN(type, "time", time_ns, .unit = "ns", .is_time = 1, .transform = TFMT_DELTA)
#define ENUM(type, field, last) PLAIN(type, field, .limit = last + 1)

static const struct tfmt_column mapping_columns[] = {
	ID(tfmt_mapping, path, STRING),
	ENUM(tfmt_mapping, type, TFMT_MAPPING_ANON),
	ID(tfmt_mapping, build_id, STRING),
};

static const struct tfmt_column frame_columns[] = {
	ID(tfmt_frame, file, STRING),
	PLAIN(tfmt_frame, line, .unit = "line"),
	PLAIN(tfmt_frame, flags, .unit = "flags"),
	PLAIN(tfmt_frame, address, .unit = "address"),
	ID(tfmt_frame, mapping, MAPPING),
	DELTA(tfmt_frame, function, .refers_to = TFMT_STRING),
	ENUM(tfmt_frame, language, TFMT_LANG_JIT),
	PLAIN(tfmt_frame, first_line, .unit = "line"),
};

static const struct tfmt_column stack_columns[] = {
	DELTA(tfmt_stack, frame, .refers_to = TFMT_FRAME),
	COLUMN(tfmt_stack, "parent", parent, .transform = TFMT_BACK, .refers_to = TFMT_STACK),
};

static const struct tfmt_column process_columns[] = {
	DELTA(tfmt_process, pid, .unit = "pid"),
	PLAIN(tfmt_process, ppid, .unit = "pid"),
	COLUMN(tfmt_process, "start", start_ns, .unit = "ns", .transform = TFMT_DELTA),
	ID(tfmt_process, parent, PROCESS),
};

static const struct tfmt_column thread_columns[] = {
	DELTA(tfmt_thread, tid, .unit = "tid"),
	COLUMN(tfmt_thread, "start", start_ns, .unit = "ns", .transform = TFMT_DELTA),
	ID(tfmt_thread, process, PROCESS),
};

static const struct tfmt_column metric_columns[] = {
	ID(tfmt_metric, help, STRING),
	ID(tfmt_metric, name, STRING),
	ENUM(tfmt_metric, type, TFMT_METRIC_CUMULATIVE),
	ID(tfmt_metric, unit, STRING),
	ID(tfmt_metric, thread, THREAD),
	ID(tfmt_metric, process, PROCESS),
};

static const struct tfmt_column life_columns[] = {
	ID(tfmt_life, cwd, STRING),
	ID(tfmt_life, exe, STRING),
	ID(tfmt_life, argv, STRING),
	ID(tfmt_life, name, STRING),
	TIME(tfmt_life),
	ENUM(tfmt_life, event, TFMT_LIFE_EXIT),
	PLAIN(tfmt_life, status, .is_signed = 1),
	ID(tfmt_life, thread, THREAD),
	ID(tfmt_life, process, PROCESS),
	ENUM(tfmt_life, status_type, TFMT_STATUS_ALIVE),
};

static const struct tfmt_column sample_columns[] = {
	TIME(tfmt_sample),
	PLAIN(tfmt_sample, flags, .unit = "flags"),
	ID(tfmt_sample, stack, STACK),
	ENUM(tfmt_sample, state, TFMT_STATE_GIL),
	ID(tfmt_sample, thread, THREAD),
	COLUMN(tfmt_sample, "weight", weight_ns, .unit = "ns", .transform = TFMT_PLAIN),
	PLAIN(tfmt_sample, syscall, .unit = "syscall+1"),
};

static const struct tfmt_column counter_columns[] = {
	TIME(tfmt_counter),
	COLUMN(tfmt_counter, "value", value, .is_signed = 1, .transform = TFMT_DELTA_BY,
		.by = "metric", .key_offset = offsetof(struct tfmt_counter, metric)),
	DELTA(tfmt_counter, metric, .refers_to = TFMT_METRIC),
};

static const struct tfmt_column span_columns[] = {
	ID(tfmt_span, name, STRING),
	TIME(tfmt_span),
	PLAIN(tfmt_span, flags, .unit = "flags"),
	ID(tfmt_span, frame, FRAME),
	ENUM(tfmt_span, phase, TFMT_SPAN_END),
	ID(tfmt_span, thread, THREAD),
};

static const struct tfmt_column arg_columns[] = {
	ID(tfmt_arg, name, STRING),
	DELTA(tfmt_arg, span, .refers_to = TFMT_SPAN),
	ID(tfmt_arg, type, STRING),
	PLAIN(tfmt_arg, flags, .unit = "flags"),
	DELTA(tfmt_arg, value, .refers_to = TFMT_STRING),
};

static const struct tfmt_column alloc_columns[] = {
	COLUMN(tfmt_alloc, "size", size_bytes, .unit = "bytes", .transform = TFMT_PLAIN),
	TIME(tfmt_alloc),
	ID(tfmt_alloc, stack, STACK),
	ID(tfmt_alloc, thread, THREAD),
	DELTA(tfmt_alloc, address, .unit = "address"),
	ID(tfmt_alloc, allocator, STRING),
};

static const struct tfmt_column free_columns[] = {
	TIME(tfmt_free),
	ID(tfmt_free, stack, STACK),
	ID(tfmt_free, thread, THREAD),
	DELTA(tfmt_free, address, .unit = "address"),
	ID(tfmt_free, allocator, STRING),
};

static const struct tfmt_column instant_columns[] = {
	ID(tfmt_instant, name, STRING),
	ID(tfmt_instant, text, STRING),
	TIME(tfmt_instant),
	ID(tfmt_instant, thread, THREAD),
};

static const struct tfmt_column clock_columns[] = {
	COLUMN(tfmt_clock, "utc", utc_ns, .unit = "ns", .is_signed = 1, .transform = TFMT_DELTA),
	TIME(tfmt_clock),
	COLUMN(tfmt_clock, "boottime", boottime_ns, .unit = "ns", .transform = TFMT_DELTA),
};

static const struct tfmt_column lost_columns[] = {
	TIME(tfmt_lost),
	ID(tfmt_lost, what, STRING),
	PLAIN(tfmt_lost, count),
	ID(tfmt_lost, reason, STRING),
	ID(tfmt_lost, process, PROCESS),
};

static const struct tfmt_column cost_columns[] = {
	ID(tfmt_cost, name, STRING),
	TIME(tfmt_cost),
	ID(tfmt_cost, unit, STRING),
	PLAIN(tfmt_cost, value, .is_signed = 1),
};

static const struct tfmt_column symbol_columns[] = {
	ID(tfmt_symbol, file, STRING),
	PLAIN(tfmt_symbol, line, .unit = "line"),
	PLAIN(tfmt_symbol, length, .unit = "bytes"),
	DELTA(tfmt_symbol, address, .unit = "address"),
	ENUM(tfmt_symbol, inlined, true),
	ID(tfmt_symbol, mapping, MAPPING),
	DELTA(tfmt_symbol, function, .refers_to = TFMT_STRING),
	PLAIN(tfmt_symbol, first_line, .unit = "line"),
};

#define KIND(kind, ...)                                                                            \
	{                                                                                          \
		.name = #kind, .row_bytes = sizeof(struct tfmt_##kind), .columns = kind##_columns, \
		.column_count = sizeof(kind##_columns) / sizeof(kind##_columns[0]), __VA_ARGS__    \
	}
#define TABLE(kind) KIND(kind, .is_table = true, .is_numbered = true)

static const struct tfmt_schema schemas[TFMT_KIND_COUNT] = {
	[TFMT_STRING] = {.name = "string",
		.row_bytes = sizeof(struct tfmt_string),
		.is_table = true,
		.is_numbered = true},
	[TFMT_MAPPING] = TABLE(mapping),
	[TFMT_FRAME] = TABLE(frame),
	[TFMT_STACK] = TABLE(stack),
	[TFMT_PROCESS] = TABLE(process),
	[TFMT_THREAD] = TABLE(thread),
	[TFMT_METRIC] = TABLE(metric),
	[TFMT_LIFE] = TABLE(life),
	[TFMT_SAMPLE] = KIND(sample),
	[TFMT_COUNTER] = KIND(counter),
	[TFMT_SPAN] = KIND(span, .is_numbered = true),
	[TFMT_ARG] = KIND(arg),
	[TFMT_ALLOC] = KIND(alloc),
	[TFMT_FREE] = KIND(free),
	[TFMT_INSTANT] = KIND(instant),
	[TFMT_CLOCK] = KIND(clock),
	[TFMT_LOST] = KIND(lost),
	[TFMT_COST] = KIND(cost),
	[TFMT_SYMBOL] = TABLE(symbol),
};

const struct tfmt_schema *tfmt_schema__of(enum tfmt_kind kind)
{
	return &schemas[kind];
}

const char *tfmt_schema__transform_name(enum tfmt_transform transform)
{
	switch (transform) {
	case TFMT_PLAIN:
		return NULL;
	case TFMT_DELTA:
	case TFMT_DELTA_BY:
		return "delta";
	case TFMT_BACK:
		return "back";
	}
	return NULL;
}

/* As RFC 8949 4.2.1 has it: shorter keys first. */
static int compare_names(const void *a, const void *b)
{
	const char *left = schemas[*(const enum tfmt_kind *)a].name;
	const char *right = schemas[*(const enum tfmt_kind *)b].name;
	size_t left_length = strlen(left), right_length = strlen(right);

	if (left_length != right_length)
		return left_length < right_length ? -1 : 1;
	return strcmp(left, right);
}

size_t tfmt_schema__sorted_kinds(enum tfmt_kind kinds[TFMT_KIND_COUNT])
{
	size_t count = 0;

	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++)
		kinds[count++] = kind;
	qsort(kinds, count, sizeof(kinds[0]), compare_names);
	return count;
}

const char *tfmt_kind_name(enum tfmt_kind kind)
{
	return kind > TFMT_NONE && kind < TFMT_KIND_COUNT ? schemas[kind].name : NULL;
}

enum tfmt_kind tfmt_kind_from_name(const char *name, size_t length)
{
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++)
		if (strlen(schemas[kind].name) == length &&
			memcmp(schemas[kind].name, name, length) == 0)
			return kind;
	return TFMT_NONE;
}
