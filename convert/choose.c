#include "choose.h"

#include "relation.h"
#include "weight_option.h"

/* "--folded (.folded), --json (.jsonl)" */
static void name_formats(char *text, size_t size_bytes)
{
	size_t used = 0, i;

	for (i = 0; i < conv_format_count && used < size_bytes; i++)
		used += (size_t)snprintf(text + used, size_bytes - used, "%s--%s (%s)",
			used ? ", " : "", conv_formats[i]->name, conv_formats[i]->extension);
}

const struct conv_format *conv_choose_format(
	const struct conv_options *options, const struct msg *msg)
{
	const struct conv_format *chosen = NULL;
	char names[512];
	size_t i;

	for (i = 0; i < conv_format_count; i++) {
		if (!options->wants_format[i])
			continue;
		if (chosen) {
			msg_error(msg, "--%s and --%s: one format at a time", chosen->name,
				conv_formats[i]->name);
			return NULL;
		}
		chosen = conv_formats[i];
	}
	if (!chosen && options->output)
		chosen = conv_format_from_path(options->output);
	if (chosen)
		return chosen;
	name_formats(names, sizeof(names));
	if (options->output && strcmp(options->output, "-"))
		msg_error(msg, "the name '%s' does not tell the format: say one of %s",
			options->output, names);
	else
		msg_error(msg, "which format? say one of %s", names);
	return NULL;
}

/*
 * The weight asked for, or else the format's own. Returns 0, or EXIT_USAGE after saying what is
 * possible.
 */
static int choose_weight(const struct conv_options *options, const struct conv_format *format,
	struct conv_context *context)
{
	context->weight = format->weight;
	context->has_weight = options->weight != NULL;
	return options->weight ? weight_parse(options->weight, context->msg, &context->weight) : 0;
}

bool conv_is_folder(const char *path)
{
	size_t length = path ? strlen(path) : 0;

	return length && path[length - 1] == '/';
}

/* Into several files, in a folder, or into one? Returns 0, or EXIT_USAGE after saying. */
static int choose_files(const struct conv_options *options, const struct conv_format *format,
	struct conv_context *context)
{
	bool has_folder = conv_is_folder(options->output);

	context->split_ns = options->split_ns;
	if (options->split_ns && !format->can_split)
		msg_error(context->msg, "--split: only pprof can be split, not %s", format->name);
	else if (options->split_ns && !has_folder)
		msg_error(context->msg, "--split makes several files: say into which -o DIR/");
	else if (has_folder && !format->is_tables && !options->split_ns)
		msg_error(context->msg, "'%s' is a folder: %s is one file%s", options->output,
			format->name, format->can_split ? " without --split" : "");
	else
		return 0;
	return EXIT_USAGE;
}

/* Returns 0, or EXIT_USAGE after saying what compares two traces. */
static int check_diff(const struct conv_options *options, const struct conv_format *format,
	const struct conv_context *context)
{
	if (!options->diff || format->can_diff)
		return 0;
	msg_error(context->msg, "--diff: only folded has two columns, not %s; %s", format->name,
		strcmp(format->name, "pprof")
			? "trender BEFORE --diff AFTER draws the difference"
			: "convert both, and compare with go tool pprof -diff_base=BEFORE AFTER");
	return EXIT_USAGE;
}

/* All tables, or which one. Returns 0, or EXIT_USAGE after saying. */
static int choose_table(const struct conv_options *options, const struct conv_format *format,
	struct conv_context *context)
{
	const char *table = options->table;
	char names[512];
	size_t used = 0;
	int i;

	context->table = table;
	for (i = 0; i < RELATION_TABLE_COUNT; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
			relation_schemas[i].name);
	if (!format->is_tables && table)
		msg_error(context->msg, "--table: %s is one file", format->name);
	else if (table && !relation_has_table(table))
		msg_error(context->msg, "--table %s: no such table: %s", table, names);
	else if (format->is_tables && !table && !conv_is_folder(options->output))
		msg_error(context->msg,
			"%s is several tables: -o DIR/ writes them all, --table NAME one of %s",
			format->name, names);
	else
		return 0;
	return EXIT_USAGE;
}

int conv_choose(const struct conv_options *options, const struct conv_format *format,
	struct conv_context *context)
{
	int status = choose_weight(options, format, context);

	if (!status)
		status = choose_files(options, format, context);
	if (!status)
		status = choose_table(options, format, context);
	return status ? status : check_diff(options, format, context);
}
