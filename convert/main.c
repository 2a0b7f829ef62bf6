/* tconv: turns a trace into the formats people already have viewers for. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "after.h"
#include "files.h"
#include "folder.h"
#include "follow.h"
#include "format.h"
#include "import.h"
#include "merge.h"
#include "opts.h"
#include "pump.h"
#include "relation.h"
#include "select.h"
#include "structure.h"
#include "tracefmt/tracefmt.h"
#include "weight_option.h"

#define MAX_FORMATS 32

struct options {
	bool wants_format[MAX_FORMATS]; /* by index into conv_formats */
	const char *output;
	const char *from_format;
	bool sums;
	const char *table;
	const char *diff;
	uint64_t split_ns;
	uint64_t level;
	bool list_formats;
	bool follows;
	bool checks;
	bool shows_structure;
	struct conv_select_options select;
	const char *weight;
	bool shows_native;
	bool is_quiet;
	int verbosity;
};

#define TARGET(field) .offset = offsetof(struct options, field)

static const struct opt_row fixed_rows[] = {
	{.help = "output"},
	{.name = "output",
		.letter = 'o',
		.type = OPT_TEXT,
		.argument = "FILE",
		.help = "write to FILE, whole or not at all; its extension can name the format",
		TARGET(output)},
	{.name = "table",
		.type = OPT_TEXT,
		.argument = "NAME",
		.help = "only this table of --csv (without it, -o DIR/ gets a file for each)",
		TARGET(table)},
	{.name = "diff",
		.type = OPT_TEXT,
		.argument = "B",
		.help = "with --folded: two columns, before in TRACE and after in B",
		TARGET(diff)},
	{.name = "split",
		.type = OPT_DURATION,
		.argument = "TIME",
		.help = "a profile of --pprof for each TIME, in the folder -o DIR/",
		TARGET(split_ns)},
	{.name = "level",
		.type = OPT_NUMBER,
		.argument = "N",
		.help = "of the compression of --trace: 1 fast, 19 small (default 3)",
		.min = 1,
		.max = 19,
		TARGET(level)},
	{.name = "list-formats",
		.type = OPT_FLAG,
		.help = "list the formats, their extensions and what each can hold",
		TARGET(list_formats)},
	{.name = WEIGHT_OPTION,
		.type = OPT_TEXT,
		.argument = "WHAT",
		.help = WEIGHT_HELP,
		.values = "samples cpu offcpu wall",
		TARGET(weight)},
	{.name = "native-frames",
		.type = OPT_FLAG,
		.help = "the interpreter's own frames too, in stacks of Python code",
		TARGET(shows_native)},
	{.name = IMP_FORMAT_OPTION,
		.type = OPT_TEXT,
		.argument = "FORMAT",
		.help = IMP_FORMAT_HELP,
		.values = IMP_FORMAT_VALUES,
		TARGET(from_format)},
	{.name = IMP_SUM_OPTION, .type = OPT_FLAG, .help = IMP_SUM_HELP, TARGET(sums)},
	{.name = "follow",
		.type = OPT_FLAG,
		.help = "the trace is still being written: its records as they come, until its end",
		TARGET(follows)},
	{.help = "instead of a format"},
	{.name = "check",
		.type = OPT_FLAG,
		.help = "say what is wrong with the traces and where, byte by byte",
		TARGET(checks)},
	{.name = "diag",
		.type = OPT_FLAG,
		.help = "show the chunks of the file as they are, in CBOR's notation (-v: in full)",
		TARGET(shows_structure)},
	{.help = "selection"},
	{.name = "from",
		.type = OPT_DURATION,
		.argument = "TIME",
		.help = "leave out what was before TIME, counted from the start of the trace: 1.5s",
		TARGET(select.from_ns)},
	{.name = "to",
		.type = OPT_DURATION,
		.argument = "TIME",
		.help = "leave out what came after TIME",
		TARGET(select.to_ns)},
	{.name = "pid",
		.letter = 'p',
		.type = OPT_LIST,
		.argument = "PID,...",
		.help = "only these processes (may be repeated)",
		TARGET(select.pids)},
	{.name = "thread",
		.type = OPT_LIST,
		.argument = "TID",
		.help = "only threads of this number or name (may be repeated)",
		TARGET(select.threads)},
	{.name = FILTER_OPTION,
		.type = OPT_TEXT,
		.argument = FILTER_ARGUMENT,
		.help = FILTER_HELP,
		TARGET(select.filter)},
	{.help = "messages"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		.help = "say nothing but errors",
		TARGET(is_quiet)},
	{.name = "verbose",
		.letter = 'v',
		.type = OPT_COUNT,
		.help = "say more",
		TARGET(verbosity)},
};

#define FIXED_ROWS (sizeof(fixed_rows) / sizeof(fixed_rows[0]))

/* A heading, one row per format, then the fixed ones. Returns their number. */
static size_t build_rows(struct opt_row rows[1 + MAX_FORMATS + FIXED_ROWS])
{
	size_t count = 0, i;

	rows[count++] = (struct opt_row){.help = "formats"};
	for (i = 0; i < conv_format_count; i++)
		rows[count++] = (struct opt_row){
			.name = conv_formats[i]->name,
			.type = OPT_FLAG,
			.help = conv_formats[i]->summary,
			.offset = offsetof(struct options, wants_format) + i * sizeof(bool),
		};
	memcpy(rows + count, fixed_rows, sizeof(fixed_rows));
	return count + FIXED_ROWS;
}

/* The kinds of data records, such as "life, counter, span". */
static void print_carried(const struct conv_format *format)
{
	const char *separator = "";
	int kind;

	for (kind = TFMT_LIFE; kind <= TFMT_COST; kind++)
		if (format->carries & TFMT_KIND_BIT(kind)) {
			printf("%s%s", separator, tfmt_kind_name(kind));
			separator = ", ";
		}
}

static void list_formats(void)
{
	size_t i;

	for (i = 0; i < conv_format_count; i++) {
		printf("%-14s %-17s %s\n%-32s holds: ", conv_formats[i]->name,
			conv_formats[i]->extension, conv_formats[i]->summary, "");
		print_carried(conv_formats[i]);
		putchar('\n');
	}
}

/* "--folded (.folded), --json (.jsonl)" */
static void name_formats(char *text, size_t size_bytes)
{
	size_t used = 0, i;

	for (i = 0; i < conv_format_count && used < size_bytes; i++)
		used += (size_t)snprintf(text + used, size_bytes - used, "%s--%s (%s)",
			used ? ", " : "", conv_formats[i]->name, conv_formats[i]->extension);
}

/* The format asked for, by option or by the output's extension. NULL: it has been said why. */
static const struct conv_format *choose_format(const struct options *options, const struct msg *msg)
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
static int choose_weight(const struct options *options, const struct conv_format *format,
	struct conv_context *context)
{
	context->weight = format->weight;
	context->has_weight = options->weight != NULL;
	if (options->weight && !(format->carries & TFMT_KIND_BIT(TFMT_SAMPLE)))
		msg_warn(
			context->msg, "--weight changes nothing: %s holds no stacks", format->name);
	return options->weight ? weight_parse(options->weight, context->msg, &context->weight) : 0;
}

static bool is_folder(const char *path)
{
	size_t length = path ? strlen(path) : 0;

	return length && path[length - 1] == '/';
}

/* Into several files, in a folder, or into one? Returns 0, or EXIT_USAGE after saying. */
static int choose_files(const struct options *options, const struct conv_format *format,
	struct conv_context *context)
{
	bool has_folder = is_folder(options->output);

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
static int check_diff(const struct options *options, const struct conv_format *format,
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
static int choose_table(const struct options *options, const struct conv_format *format,
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
	else if (format->is_tables && !table && !is_folder(options->output))
		msg_error(context->msg,
			"%s is several tables: -o DIR/ writes them all, --table NAME one of %s",
			format->name, names);
	else
		return 0;
	return EXIT_USAGE;
}

/* Say how a conversion failed. Returns the exit status. */
static int report_failure(int code, const struct input *input, const struct conv_sink *sink,
	const char *path, const struct tfmt_error *err, const struct msg *msg)
{
	bool to_stdout = !path || !strcmp(path, "-");

	if (sink && sink->saved_errno == EPIPE)
		return EXIT_OK; /* a reader that has seen enough, such as head */
	if (sink && sink->saved_errno)
		msg_error(msg, "cannot write %s: %s", to_stdout ? "standard output" : path,
			strerror(sink->saved_errno));
	else
		msg_error(msg, "%s: %s", input->name,
			*err->message ? err->message : tfmt_strerror(code));
	return EXIT_FAILED;
}

static int convert_to(const struct conv_format *format, struct input *input,
	struct conv_select *select, struct conv_context *context, const struct options *options,
	struct output *output)
{
	struct conv_totals totals = {0};
	struct tfmt_error err = {0};
	struct conv_sink sink;
	int code, status;

	if (conv_sink_init(&sink, output->stream)) {
		msg_error(context->msg, "no memory");
		return EXIT_FAILED;
	}
	context->out = &sink;
	code = conv_pump(format, input->reader, select, context, &totals, &err);
	progress_end(input->progress);
	if (code && context->folder && context->folder->failed)
		status = EXIT_FAILED;
	else if (code)
		status = report_failure(code, input, &sink, options->output, &err, context->msg);
	else
		status = context->folder ? conv_folder_commit(context->folder)
					 : output_commit(output, context->msg);
	if (!code && !status)
		conv_report_totals(format, context, &totals);
	conv_sink_release(&sink);
	return status;
}

static int convert(const struct conv_format *format, char *const *paths, size_t path_count,
	struct conv_select *select, struct conv_context *context, const struct options *options)
{
	const struct msg *msg = context->msg;
	const bool is_shown = !options->output && isatty(STDOUT_FILENO);
	struct progress progress = {0};
	const struct input_how how = {imp_open, imp_merge, options->from_format, options->sums,
		is_shown ? NULL : &progress};
	struct input input;
	struct output output = {0};
	struct conv_folder folder = {0};
	struct tfmt_error err = {0};
	int code, status;

	status = input_open(&input, paths, path_count, &how, msg);
	if (status)
		return status;
	code = tfmt_reader_scan(input.reader, &err);
	if (!code && !options->shows_native && !format->holds_everything)
		code = tfmt_reader_hide_interpreter(input.reader);
	if (!code)
		code = conv_select_resolve(select, tfmt_reader_header(input.reader),
			tfmt_reader_trace(input.reader), msg);
	if (code) {
		status = report_failure(code, &input, NULL, NULL, &err, msg);
		goto out_input;
	}
	status = filter_bind(select->filter, input.reader, false, msg);
	if (status)
		goto out_input;
	if (is_folder(options->output)) {
		context->folder = &folder;
		status = conv_folder_open(&folder, options->output, msg);
	} else {
		status = output_open(&output, options->output, format->is_binary, msg);
	}
	if (status)
		goto out_input;
	status = convert_to(format, &input, select, context, options, &output);
	output_abort(&output);
	conv_folder_release(&folder);
	if (!status)
		status = input_report_damage(&input, msg);
out_input:
	input_close(&input);
	return status;
}

/* --check and --diag look at the file, not at what is recorded. */
static int look_at_files(
	const struct options *options, char *const *paths, size_t path_count, const struct msg *msg)
{
	bool has_format = false;

	for (size_t i = 0; i < conv_format_count; i++)
		has_format |= options->wants_format[i];
	if (has_format || (options->checks && options->shows_structure))
		msg_error(msg, "--check, --diag and formats: one at a time");
	else if (options->checks)
		return conv_check(paths, path_count, options->output, msg);
	else if (path_count > 1)
		msg_error(msg, "--diag shows one file: %s is too many", paths[1]);
	else
		return conv_diag(
			path_count ? paths[0] : NULL, options->output, options->verbosity > 0, msg);
	return EXIT_USAGE;
}

static int run(
	const struct options *options, char *const *paths, size_t path_count, const struct msg *msg)
{
	struct conv_context context = {.msg = msg, .level = options->level};
	const struct input_how how = {imp_open, imp_merge, options->from_format, options->sums};
	const struct conv_format *format;
	struct conv_select select;
	struct conv_after after = {0};
	int status, after_status;

	if (options->list_formats) {
		list_formats();
		return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
	}
	if (options->checks || options->shows_structure)
		return look_at_files(options, paths, path_count, msg);
	format = choose_format(options, msg);
	if (!format)
		return EXIT_USAGE;
	if (options->follows && conv_follow_refuses(format, path_count + (options->diff != NULL),
					options->output, &options->select, msg))
		return EXIT_USAGE;
	status = choose_weight(options, format, &context);
	if (!status)
		status = choose_files(options, format, &context);
	if (!status)
		status = choose_table(options, format, &context);
	if (!status)
		status = check_diff(options, format, &context);
	if (!status && options->diff) {
		status = conv_after_open(&after, options->diff, &how, options->shows_native, format,
			&options->select, &context);
		context.after = &after;
	}
	if (status)
		return status;
	status = conv_select_init(&select, &options->select, msg);
	if (!status && options->follows)
		status = conv_follow(format, path_count ? paths[0] : NULL, &select, &context);
	else if (!status)
		status = convert(format, paths, path_count, &select, &context, options);
	conv_select_release(&select);
	after_status = conv_after_close(&after, msg);
	return status ? status : after_status;
}

int main(int argc, char **argv)
{
	struct options options = {.select.to_ns = UINT64_MAX};
	struct msg msg = {.tool = "tconv"};
	struct opt_row rows[1 + MAX_FORMATS + FIXED_ROWS];
	struct opts_spec spec = {
		.tool = "tconv",
		.synopsis = "tconv --FORMAT [options] [TRACE...]\n"
			    "tconv -o FILE.EXTENSION [options] [TRACE...]\n"
			    "tconv --check | --diag [TRACE]",
		.summary =
			"Convert a trace of trec, or several as one. Without TRACE: standard input "
			"when it is\na pipe or a file, else the newest *.cbor.zst of this folder.",
		.examples = "  tconv --speedscope t.cbor.zst > t.speedscope.json\n"
			    "  tconv --folded --weight cpu t.cbor.zst | flamegraph.pl > t.svg\n"
			    "  tconv --json t.cbor.zst | jq -c 'select(.kind == \"exit\")'\n",
		.rows = rows,
		.row_count = build_rows(rows),
	};
	int operands, status = EXIT_USAGE;

	switch (opts_parse(&spec, &msg, argc, argv, &options, &operands)) {
	case OPTS_OK:
		msg.level = options.is_quiet ? -1 : options.verbosity;
		status = run(&options, argv + 1, (size_t)operands, &msg);
		break;
	case OPTS_HELP:
		status = EXIT_OK;
		break;
	case OPTS_VERSION:
		puts("tconv " TFMT_VERSION);
		status = EXIT_OK;
		break;
	case OPTS_USAGE:
		break;
	}
	opts_release(&spec, &options);
	return status;
}
