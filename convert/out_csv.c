/*
 * Comma-separated values (RFC 4180), the tables of docs/SQLITE.md: a file for each in a folder, or
 * one of them to a stream. What is not known is an empty field.
 */
#include "cleantext.h"
#include "folder.h"
#include "relation.h"

struct csv_state {
	struct relation relation;		       /* first */
	struct conv_sink *sinks[RELATION_TABLE_COUNT]; /* NULL: not wanted */
};

/* In quotes where a comma, a quote or nothing but spaces would be taken for something else. */
static void put_text(struct conv_sink *out, const char *text)
{
	const char *quote;

	if (!strpbrk(text, ",\"") && *text != ' ') {
		conv_put_clean(out, text, strlen(text));
		return;
	}
	conv_put_char(out, '"');
	while ((quote = strchr(text, '"'))) {
		conv_put_clean(out, text, (size_t)(quote + 1 - text));
		conv_put_char(out, '"');
		text = quote + 1;
	}
	conv_put_clean(out, text, strlen(text));
	conv_put_char(out, '"');
}

static void put_number(struct conv_sink *out, int64_t number)
{
	if (number < 0)
		conv_put_char(out, '-');
	conv_put_u64(out, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

static int put_row(
	void *backend, enum relation_table table, const struct relation_value *values, size_t count)
{
	struct csv_state *state = backend;
	struct conv_sink *out = state->sinks[table];
	size_t i;

	for (i = 0; out && i < count; i++) {
		if (i)
			conv_put_char(out, ',');
		if (values[i].is_null)
			continue;
		if (values[i].text)
			put_text(out, values[i].text);
		else
			put_number(out, values[i].number);
	}
	if (!out)
		return 0;
	conv_put_text(out, "\r\n");
	/* The pump looks at the sink that it gave. */
	if (out->saved_errno)
		state->relation.context->out->saved_errno = out->saved_errno;
	return 0;
}

static void put_header(struct conv_sink *out, const struct relation_schema *schema)
{
	size_t i;

	for (i = 0; schema->columns[i]; i++) {
		if (i)
			conv_put_char(out, ',');
		conv_put(out, schema->columns[i], strcspn(schema->columns[i], "$"));
	}
	conv_put_text(out, "\r\n");
}

/* Open what is wanted: one table, or all of them. */
static int open_tables(struct csv_state *state, const struct conv_context *context)
{
	const struct relation_schema *schema;
	char name[64];
	int table, status = 0;

	for (table = 0; !status && table < RELATION_TABLE_COUNT; table++) {
		schema = &relation_schemas[table];
		if (context->table && strcmp(context->table, schema->name))
			continue;
		state->sinks[table] = context->out;
		snprintf(name, sizeof(name), "%s.csv", schema->name);
		if (context->folder)
			status = conv_folder_add(context->folder, name, &state->sinks[table]);
		if (!status)
			put_header(state->sinks[table], schema);
	}
	return status;
}

static int csv_begin(void *opaque, const struct conv_context *context)
{
	struct csv_state *state = opaque;
	int status = open_tables(state, context);

	return status ? status : relation_begin(&state->relation, context, put_row, state);
}

static int csv_end(void *opaque)
{
	struct csv_state *state = opaque;

	return relation_end(&state->relation);
}

static void csv_release(void *opaque)
{
	struct csv_state *state = opaque;

	relation_release(&state->relation);
}

const struct conv_format conv_format_csv = {
	.name = "csv",
	.extension = ".csv",
	.summary = "the tables of --sqlite: all into a folder (-o DIR/), or one (--table)",
	.is_tables = true,
	.holds_everything = true,
	.carries = RELATION_KINDS,
	.weight = TFMT_WEIGHT_CPU,
	.state_size = sizeof(struct csv_state),
	.begin = csv_begin,
	.on = RELATION_CALLBACKS,
	.end = csv_end,
	.release = csv_release,
};
