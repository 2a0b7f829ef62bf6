#include "firefox_thread.h"

#include <stdlib.h>

#include "tracefmt/tracefmt.h"

/* The type of a resource that is a library. */
#define RESOURCE_LIBRARY 1

/* What goes into one cell of a column. */
typedef void cell_fn(struct firefox_tables *tables, uint32_t row);

void firefox_put_categories(struct jsonw *w)
{
	static const char *const rows[][2] = {
		[FIREFOX_CATEGORY_USER] = {"User", "yellow"},
		[FIREFOX_CATEGORY_KERNEL] = {"Kernel", "orange"},
		[FIREFOX_CATEGORY_PYTHON] = {"Python", "blue"},
		[FIREFOX_CATEGORY_JIT] = {"JIT", "green"},
		[FIREFOX_CATEGORY_WAIT] = {"Waiting", "transparent"},
	};
	size_t i;

	jsonw_begin_array(w);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		jsonw_begin_object(w);
		jsonw_key(w, "name");
		jsonw_string(w, rows[i][0]);
		jsonw_key(w, "color");
		jsonw_string(w, rows[i][1]);
		jsonw_key(w, "subcategories");
		jsonw_begin_array(w);
		jsonw_string(w, "Other");
		jsonw_end_array(w);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

int firefox_tables_init(
	struct firefox_tables *tables, const struct conv_context *context, struct jsonw *w)
{
	size_t threads = (size_t)tfmt_trace_count(context->trace, TFMT_THREAD) + 1;
	int status;

	tables->context = context;
	tables->w = w;
	if (context->header->rate_hz)
		tables->tolerance_ns = UINT64_C(1000000000) / context->header->rate_hz / 4;
	status = conv_spool_init(&tables->samples, threads, sizeof(struct firefox_sample));
	if (!status)
		status = conv_spool_init(&tables->markers, threads, sizeof(struct firefox_marker));
	if (!status)
		status = conv_stacks_init(&tables->stacks, context->trace);
	return status;
}

void firefox_tables_release(struct firefox_tables *tables)
{
	conv_spool_release(&tables->samples);
	conv_spool_release(&tables->markers);
	conv_stacks_release(&tables->stacks);
	conv_span_args_release(&tables->args);
	conv_intern_release(&tables->strings);
	free(tables->local_node);
	free(tables->local_function);
	free(tables->local_resource);
	free(tables->nodes);
	free(tables->functions);
	free(tables->resources);
}

/* The thread is idle from the end of its last sample on. */
static int add_idle(struct firefox_tables *tables, uint32_t thread)
{
	const struct firefox_sample *last = conv_spool_last(&tables->samples, thread);
	const struct firefox_sample idle = {.begin_ns = last->begin_ns + last->weight_ns};

	return conv_spool_append(&tables->samples, thread, &idle);
}

int firefox_add_sample(struct firefox_tables *tables, uint32_t thread, struct firefox_sample sample)
{
	const struct firefox_sample *last = conv_spool_last(&tables->samples, thread);
	int status = 0;

	/* Times never step back. */
	if (last && sample.begin_ns < last->begin_ns)
		sample.begin_ns = last->begin_ns;
	if (last && sample.begin_ns > last->begin_ns + last->weight_ns + tables->tolerance_ns)
		status = add_idle(tables, thread);
	return status ? status : conv_spool_append(&tables->samples, thread, &sample);
}

static int allocate_numbers(struct firefox_tables *tables)
{
	size_t nodes = tables->stacks.node_count, functions = tables->stacks.function_count;
	size_t mappings = (size_t)tfmt_trace_count(tables->context->trace, TFMT_MAPPING) + 1;

	tables->local_node = calloc(nodes, sizeof(uint32_t));
	tables->nodes = calloc(nodes, sizeof(uint32_t));
	tables->local_function = calloc(functions, sizeof(uint32_t));
	tables->functions = calloc(functions, sizeof(uint32_t));
	tables->local_resource = calloc(mappings, sizeof(uint32_t));
	tables->resources = calloc(mappings, sizeof(uint32_t));
	if (!tables->local_node || !tables->nodes || !tables->local_function ||
		!tables->functions || !tables->local_resource || !tables->resources)
		return TFMT_E_NOMEM;
	return 0;
}

int firefox_tables_complete(struct firefox_tables *tables)
{
	int status = allocate_numbers(tables);
	uint32_t thread;

	for (thread = 0; !status && thread < tables->samples.list_count; thread++)
		if (tables->samples.lists[thread].item_count)
			status = add_idle(tables, thread);
	return status;
}

/* --- which rows a thread needs --- */

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void need_resource(struct firefox_tables *tables, uint32_t mapping)
{
	if (!mapping || mapping > tfmt_trace_count(tables->context->trace, TFMT_MAPPING) ||
		tables->local_resource[mapping])
		return;
	tables->resources[tables->resource_count++] = mapping;
	tables->local_resource[mapping] = tables->resource_count;
}

static void need_function(struct firefox_tables *tables, uint32_t function)
{
	if (tables->local_function[function])
		return;
	tables->functions[tables->function_count++] = function;
	tables->local_function[function] = tables->function_count;
	need_resource(tables, tables->stacks.functions[function].location.mapping);
}

/* A node and its callers. */
static void need_node(struct firefox_tables *tables, uint32_t node)
{
	for (; node && !tables->local_node[node]; node = tables->stacks.nodes[node].parent) {
		tables->nodes[tables->node_count++] = node;
		tables->local_node[node] = 1;
		need_function(tables, tables->stacks.nodes[node].function);
	}
}

static int find_needed(struct firefox_tables *tables, uint32_t thread)
{
	struct conv_spool_cursor cursor;
	const void *item;
	uint32_t i;
	int status;

	conv_spool_rewind(&cursor, &tables->samples, thread);
	while ((status = conv_spool_next(&cursor, &tables->samples, &item)) > 0)
		need_node(tables, ((const struct firefox_sample *)item)->node);
	/* Callers were numbered before what they call, and so they stand in the table. */
	qsort(tables->nodes, tables->node_count, sizeof(*tables->nodes), compare_numbers);
	for (i = 0; i < tables->node_count; i++)
		tables->local_node[tables->nodes[i]] = i + 1;
	return status;
}

static void forget_needed(struct firefox_tables *tables)
{
	uint32_t i;

	for (i = 0; i < tables->node_count; i++)
		tables->local_node[tables->nodes[i]] = 0;
	for (i = 0; i < tables->function_count; i++)
		tables->local_function[tables->functions[i]] = 0;
	for (i = 0; i < tables->resource_count; i++)
		tables->local_resource[tables->resources[i]] = 0;
	tables->node_count = tables->function_count = tables->resource_count = 0;
}

/* --- cells --- */

void firefox_put_text(struct firefox_tables *tables, const char *text)
{
	uint32_t number = 1;

	if (conv_intern_text(&tables->strings, text, &number))
		tables->failed = true;
	jsonw_u64(tables->w, number - 1);
}

static const struct tfmt_location *location_at(const struct firefox_tables *tables, uint32_t row)
{
	return &tables->stacks.functions[tables->functions[row]].location;
}

static enum firefox_category category_of(const struct tfmt_location *location)
{
	if (!location->mapping && !location->function_id && *location->function == '[')
		return FIREFOX_CATEGORY_WAIT;
	switch (location->language) {
	case TFMT_LANG_KERNEL:
		return FIREFOX_CATEGORY_KERNEL;
	case TFMT_LANG_PYTHON:
		return FIREFOX_CATEGORY_PYTHON;
	case TFMT_LANG_JIT:
		return FIREFOX_CATEGORY_JIT;
	default:
		return FIREFOX_CATEGORY_USER;
	}
}

static void cell_zero(struct firefox_tables *tables, uint32_t row)
{
	jsonw_u64(tables->w, 0);
}

static void cell_null(struct firefox_tables *tables, uint32_t row)
{
	jsonw_null(tables->w);
}

static void cell_false(struct firefox_tables *tables, uint32_t row)
{
	jsonw_bool(tables->w, false);
}

static void cell_no_address(struct firefox_tables *tables, uint32_t row)
{
	jsonw_i64(tables->w, -1);
}

static void cell_row(struct firefox_tables *tables, uint32_t row)
{
	jsonw_u64(tables->w, row);
}

static void cell_stack_frame(struct firefox_tables *tables, uint32_t row)
{
	uint32_t function = tables->stacks.nodes[tables->nodes[row]].function;

	jsonw_u64(tables->w, tables->local_function[function] - 1);
}

static void cell_stack_prefix(struct firefox_tables *tables, uint32_t row)
{
	uint32_t parent = tables->stacks.nodes[tables->nodes[row]].parent;

	if (parent)
		jsonw_u64(tables->w, tables->local_node[parent] - 1);
	else
		jsonw_null(tables->w);
}

static void cell_stack_category(struct firefox_tables *tables, uint32_t row)
{
	uint32_t function = tables->stacks.nodes[tables->nodes[row]].function;

	jsonw_u64(tables->w, category_of(&tables->stacks.functions[function].location));
}

static void cell_category(struct firefox_tables *tables, uint32_t row)
{
	jsonw_u64(tables->w, category_of(location_at(tables, row)));
}

static void cell_line(struct firefox_tables *tables, uint32_t row)
{
	const struct tfmt_location *location = location_at(tables, row);

	if (location->line)
		jsonw_u64(tables->w, location->line);
	else
		jsonw_null(tables->w);
}

static void cell_name(struct firefox_tables *tables, uint32_t row)
{
	firefox_put_text(tables, location_at(tables, row)->function);
}

static void cell_file(struct firefox_tables *tables, uint32_t row)
{
	const struct tfmt_location *location = location_at(tables, row);

	if (*location->file)
		firefox_put_text(tables, location->file);
	else
		jsonw_null(tables->w);
}

static void cell_resource(struct firefox_tables *tables, uint32_t row)
{
	uint32_t mapping = location_at(tables, row)->mapping;

	if (mapping <= tfmt_trace_count(tables->context->trace, TFMT_MAPPING))
		jsonw_i64(tables->w, (int64_t)tables->local_resource[mapping] - 1);
	else
		jsonw_i64(tables->w, -1);
}

static void cell_library(struct firefox_tables *tables, uint32_t row)
{
	jsonw_u64(tables->w, tables->resources[row] - 1);
}

static void cell_library_name(struct firefox_tables *tables, uint32_t row)
{
	const struct tfmt_trace *trace = tables->context->trace;
	const struct tfmt_mapping *mapping = tfmt_trace_mapping(trace, tables->resources[row]);

	firefox_put_text(tables, tfmt_base_name(tfmt_trace_text(trace, mapping->path)));
}

static void cell_library_type(struct firefox_tables *tables, uint32_t row)
{
	jsonw_u64(tables->w, RESOURCE_LIBRARY);
}

/* --- tables --- */

struct column {
	const char *name;
	cell_fn *put;
};

static void put_table(struct firefox_tables *tables, const char *name, uint32_t length,
	const struct column *columns, size_t column_count)
{
	struct jsonw *w = tables->w;
	uint32_t row;
	size_t i;

	jsonw_newline(w);
	jsonw_key(w, name);
	jsonw_begin_object(w);
	jsonw_key(w, "length");
	jsonw_u64(w, length);
	for (i = 0; i < column_count; i++) {
		jsonw_key(w, columns[i].name);
		jsonw_begin_array(w);
		for (row = 0; row < length; row++)
			columns[i].put(tables, row);
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void put_code(struct firefox_tables *tables)
{
	static const struct column stack_columns[] = {
		{"frame", cell_stack_frame},
		{"prefix", cell_stack_prefix},
		{"category", cell_stack_category},
		{"subcategory", cell_zero},
	};
	static const struct column frame_columns[] = {
		{"address", cell_no_address},
		{"inlineDepth", cell_zero},
		{"category", cell_category},
		{"subcategory", cell_zero},
		{"func", cell_row},
		{"nativeSymbol", cell_null},
		{"innerWindowID", cell_zero},
		{"implementation", cell_null},
		{"line", cell_line},
		{"column", cell_null},
	};
	static const struct column function_columns[] = {
		{"name", cell_name},
		{"isJS", cell_false},
		{"relevantForJS", cell_false},
		{"resource", cell_resource},
		{"fileName", cell_file},
		{"lineNumber", cell_line},
		{"columnNumber", cell_null},
	};
	static const struct column resource_columns[] = {
		{"lib", cell_library},
		{"name", cell_library_name},
		{"host", cell_null},
		{"type", cell_library_type},
	};
	static const struct column symbol_columns[] = {
		{"libIndex", cell_zero},
		{"address", cell_zero},
		{"name", cell_zero},
		{"functionSize", cell_null},
	};

	put_table(tables, "stackTable", tables->node_count, stack_columns, COUNT_OF(stack_columns));
	/* One frame for each function: places within it are not told apart. */
	put_table(tables, "frameTable", tables->function_count, frame_columns,
		COUNT_OF(frame_columns));
	put_table(tables, "funcTable", tables->function_count, function_columns,
		COUNT_OF(function_columns));
	put_table(tables, "resourceTable", tables->resource_count, resource_columns,
		COUNT_OF(resource_columns));
	put_table(tables, "nativeSymbols", 0, symbol_columns, COUNT_OF(symbol_columns));
}

/* --- samples --- */

enum sample_column { SAMPLE_STACK, SAMPLE_TIME, SAMPLE_WEIGHT, SAMPLE_CPU };

static void put_sample_cell(struct firefox_tables *tables, const struct firefox_sample *sample,
	uint64_t cpu_ns, enum sample_column column)
{
	bool is_count = tables->context->weight == TFMT_WEIGHT_SAMPLES;
	struct jsonw *w = tables->w;

	switch (column) {
	case SAMPLE_STACK:
		if (sample->node)
			jsonw_u64(w, tables->local_node[sample->node] - 1);
		else
			jsonw_null(w);
		break;
	case SAMPLE_TIME:
		jsonw_fixed(w, sample->begin_ns, 6);
		break;
	case SAMPLE_WEIGHT:
		if (is_count)
			jsonw_u64(w, sample->node != 0);
		else
			jsonw_fixed(w, sample->weight_ns, 6);
		break;
	case SAMPLE_CPU:
		jsonw_u64(w, cpu_ns);
		break;
	}
}

static int put_sample_column(
	struct firefox_tables *tables, uint32_t thread, const char *name, enum sample_column column)
{
	const struct firefox_sample *sample;
	struct conv_spool_cursor cursor;
	const void *item;
	uint64_t cpu_ns = 0; /* since the sample before */
	int status;

	jsonw_key(tables->w, name);
	jsonw_begin_array(tables->w);
	conv_spool_rewind(&cursor, &tables->samples, thread);
	while ((status = conv_spool_next(&cursor, &tables->samples, &item)) > 0) {
		sample = item;
		put_sample_cell(tables, sample, cpu_ns, column);
		cpu_ns = sample->cpu_ns;
	}
	jsonw_end_array(tables->w);
	return status;
}

static int put_samples(struct firefox_tables *tables, uint32_t thread)
{
	bool is_count = tables->context->weight == TFMT_WEIGHT_SAMPLES;
	struct jsonw *w = tables->w;
	int status;

	jsonw_newline(w);
	jsonw_key(w, "samples");
	jsonw_begin_object(w);
	jsonw_key(w, "length");
	jsonw_u64(w, tables->samples.lists[thread].item_count);
	jsonw_key(w, "weightType");
	jsonw_string(w, is_count ? "samples" : "tracing-ms");
	status = put_sample_column(tables, thread, "stack", SAMPLE_STACK);
	if (!status)
		status = put_sample_column(tables, thread, "time", SAMPLE_TIME);
	if (!status)
		status = put_sample_column(tables, thread, "weight", SAMPLE_WEIGHT);
	if (!status)
		status = put_sample_column(tables, thread, "threadCPUDelta", SAMPLE_CPU);
	jsonw_end_object(w);
	return status;
}

static void put_strings(struct firefox_tables *tables)
{
	struct jsonw *w = tables->w;
	uint32_t number;

	jsonw_newline(w);
	jsonw_key(w, "stringArray");
	jsonw_begin_array(w);
	for (number = 1; number <= tables->strings.count; number++)
		jsonw_string(w, conv_intern_text_at(&tables->strings, number));
	jsonw_end_array(w);
}

int firefox_put_tables(struct firefox_tables *tables, uint32_t thread)
{
	int status;

	conv_intern_release(&tables->strings);
	status = conv_intern_init_texts(&tables->strings);
	if (!status)
		status = find_needed(tables, thread);
	if (!status)
		status = put_samples(tables, thread);
	if (!status)
		status = firefox_put_markers(tables, thread);
	if (status)
		return status;
	put_code(tables);
	put_strings(tables);
	forget_needed(tables);
	if (tables->failed)
		return TFMT_E_NOMEM;
	return tables->context->out->saved_errno ? TFMT_E_IO : 0;
}
