/* tconv: turns a trace into the formats people already have viewers for. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "after.h"
#include "choose.h"
#include "files.h"
#include "folder.h"
#include "follow.h"
#include "import.h"
#include "merge.h"
#include "pump.h"
#include "select.h"
#include "structure.h"
#include "temporary.h"
#include "tracefmt/tracefmt.h"

/* Say how a conversion failed. Returns the exit status. */
static int report_failure(int code, const struct input *input, const struct conv_sink *sink,
	const char *path, const struct tfmt_error *err, const struct msg *msg)
{
	bool to_stdout = !path || !strcmp(path, "-");

	if (sink->saved_errno == EPIPE)
		return EXIT_OK; /* a reader that has seen enough, such as head */
	if (sink->saved_errno)
		msg_error(msg, "cannot write %s: %s", to_stdout ? "standard output" : path,
			strerror(sink->saved_errno));
	else if (code == TFMT_E_IO && !*err->message)
		msg_error(msg,
			"cannot write temporary files in %s: no such folder, or it is full (TMPDIR names another)",
			temporary_folder());
	else
		msg_error(msg, "%s: %s", input->name,
			*err->message ? err->message : tfmt_strerror(code));
	return EXIT_FAILED;
}

static int convert_to(const struct conv_format *format, struct input *input,
	struct conv_select *select, struct conv_context *context,
	const struct conv_options *options, struct output *output)
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
	const struct input_how *how, struct conv_select *select, struct conv_context *context,
	const struct conv_options *options)
{
	const struct msg *msg = context->msg;
	struct input input;
	struct output output = {0};
	struct conv_folder folder = {0};
	int status = input_open(&input, paths, path_count, how, msg);

	if (status)
		return status;
	status = conv_select_bind(
		select, &input, !options->shows_native && !format->holds_everything, msg);
	if (status)
		goto out_input;
	if (conv_is_folder(options->output)) {
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
static int look_at_files(const struct conv_options *options, char *const *paths, size_t path_count,
	const struct msg *msg)
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

static int run(const struct conv_options *options, char *const *paths, size_t path_count,
	const struct msg *msg)
{
	struct conv_context context = {.msg = msg, .level = options->level};
	const bool is_shown = !options->output && isatty(STDOUT_FILENO);
	struct progress progress = {0};
	const struct input_how how = {imp_open, imp_merge, options->from_format, options->sums,
		is_shown ? NULL : &progress};
	const struct conv_format *format;
	struct conv_select select;
	struct conv_after after = {0};
	int status, after_status;

	if (options->list_formats) {
		conv_formats_list();
		return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
	}
	if (options->checks || options->shows_structure)
		return look_at_files(options, paths, path_count, msg);
	format = conv_choose_format(options, msg);
	if (!format)
		return EXIT_USAGE;
	if (options->follows && conv_follow_refuses(format, path_count + (options->diff != NULL),
					options->output, &options->select, msg))
		return EXIT_USAGE;
	status = conv_choose(options, format, &context);
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
		status = convert(format, paths, path_count, &how, &select, &context, options);
	conv_select_release(&select);
	after_status = conv_after_close(&after, msg);
	progress_end(&progress);
	return status ? status : after_status;
}

int main(int argc, char **argv)
{
	struct conv_options options = {.select.to_ns = UINT64_MAX};
	struct msg msg = {.tool = "tconv"};
	struct opt_row rows[CONV_MAX_ROWS];
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
		.row_count = conv_options_rows(rows),
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
