#include "after.h"

#include "pump.h"
#include "tracefmt/calltree.h"

#define MAX_ALIASES 64

static int read_stacks(struct conv_after *after, const struct conv_format *format,
	const struct conv_context *first, struct tfmt_error *err)
{
	struct conv_context context = *first;
	struct conv_totals totals = {0};
	struct conv_sink sink;
	int code;

	/* Nothing is written: the tree is kept. */
	if (conv_sink_init(&sink, stdout))
		return TFMT_E_NOMEM;
	context.out = &sink;
	context.ret_tree = &after->tree;
	code = conv_pump(format, after->input.reader, &after->select, &context, &totals, err);
	conv_sink_release(&sink);
	return code;
}

int conv_after_open(struct conv_after *after, const char *path, const struct input_how *how,
	bool shows_native, const struct conv_format *format,
	const struct conv_select_options *select, const struct conv_context *context)
{
	struct tfmt_error err = {0};
	char *paths[] = {(char *)path};
	int code, status;

	*after = (struct conv_after){0};
	status = input_open(&after->input, paths, 1, how, context->msg);
	if (status)
		return status;
	after->header = tfmt_reader_header(after->input.reader);
	status = conv_select_init(&after->select, select, context->msg);
	if (!status)
		status = conv_select_bind(
			&after->select, &after->input, !shows_native, context->msg);
	if (status)
		goto fail;
	code = read_stacks(after, format, context, &err);
	if (!code)
		return EXIT_OK;
	msg_error(context->msg, "%s: %s", after->input.name,
		*err.message ? err.message : tfmt_strerror(code));
	status = EXIT_FAILED;
fail:
	tfmt_calltree_free(after->tree);
	after->tree = NULL;
	conv_select_release(&after->select);
	input_close(&after->input);
	return status;
}

int conv_after_close(struct conv_after *after, const struct msg *msg)
{
	int status;

	if (!after->tree)
		return EXIT_OK;
	status = input_report_damage(&after->input, msg);
	tfmt_calltree_free(after->tree);
	conv_select_release(&after->select);
	input_close(&after->input);
	return status;
}

int conv_after_compare(const struct conv_context *context, const struct tfmt_calltree *before,
	struct tfmt_diff **ret_diff)
{
	const struct conv_after *after = context->after;
	struct tfmt_alias aliases[MAX_ALIASES];
	size_t count = tfmt_diff_aliases(context->header, after->header, aliases, MAX_ALIASES);
	unsigned rates[] = {context->header->rate_hz, after->header->rate_hz};

	if (context->weight == TFMT_WEIGHT_SAMPLES && rates[0] != rates[1])
		msg_warn(context->msg,
			"sampled at %u Hz and at %u Hz: the columns do not compare; --weight cpu's "
			"do",
			rates[0], rates[1]);
	return tfmt_diff_new(before, after->tree, aliases, count, ret_diff);
}
