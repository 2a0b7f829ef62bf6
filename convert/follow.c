#include "follow.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "pump.h"
#include "waiting.h"

bool conv_follow_refuses(const struct conv_format *format, size_t input_count, const char *output,
	const struct conv_select_options *select, const struct msg *msg)
{
	if (!format->can_follow)
		msg_error(msg, "--follow: %s needs the whole trace; json can be followed",
			format->name);
	else if (input_count > 1)
		msg_error(msg, "--follow: one trace at a time");
	else if (output)
		msg_error(msg, "--follow writes to standard output, not to -o %s", output);
	else if (select->from_ns || select->to_ns != UINT64_MAX || select->pids.count ||
		 select->threads.count || select->filter)
		msg_error(msg, "--follow gives every record: select them afterwards");
	else
		return false;
	return true;
}

struct following {
	const struct conv_format *format;
	const char *name;
	struct waiting waiting;
	struct conv_sink sink;
	struct tfmt_reader *reader;
};

/* Whoever reads our output gets all there is before anything is waited for. */
static bool wait(void *context)
{
	struct following *following = context;

	if (conv_sink_flush(&following->sink) || fflush(following->sink.stream))
		return false;
	return waiting_wait(&following->waiting);
}

static int report_damage(const struct following *following, const struct msg *msg)
{
	const struct tfmt_damage *damage = tfmt_reader_damage(following->reader);
	struct tfmt_damage seen = *damage;
	char text[256];

	if (!damage->has_end)
		waiting_report(&following->waiting, following->name, msg);
	/* Who interrupts knows that the end is missing. */
	if (following->waiting.end == WAITING_INTERRUPTED) {
		seen.has_end = true;
		seen.skipped_bytes = 0;
	}
	if (!tfmt_damage_any(&seen))
		return EXIT_OK;
	tfmt_damage_describe(&seen, text, sizeof(text));
	msg_warn(msg, "%s: %s; what is whole has been used", following->name, text);
	return EXIT_DAMAGED;
}

static int convert(struct following *following, struct conv_select *select,
	struct conv_context *context, struct tfmt_error *err)
{
	struct conv_totals totals = {0};
	struct conv_sink *sink = &following->sink;
	int code;

	conv_select_resolve(select, tfmt_reader_header(following->reader),
		tfmt_reader_trace(following->reader), context->msg);
	code = conv_pump(following->format, following->reader, select, context, &totals, err);
	if (!code && fflush(sink->stream))
		sink->saved_errno = errno;
	if (sink->saved_errno == EPIPE)
		return EXIT_OK; /* a reader that has seen enough, such as head */
	if (sink->saved_errno) {
		msg_error(context->msg, "cannot write standard output: %s",
			strerror(sink->saved_errno));
		return EXIT_FAILED;
	}
	if (code) {
		msg_error(context->msg, "%s: %s", following->name,
			*err->message ? err->message : tfmt_strerror(code));
		return EXIT_FAILED;
	}
	if (totals.carried || following->waiting.end != WAITING_INTERRUPTED)
		conv_report_totals(following->format, context, &totals);
	return report_damage(following, context->msg);
}

static int follow(struct following *following, int fd, struct conv_select *select,
	struct conv_context *context)
{
	struct tfmt_error err = {0};
	int status = EXIT_OK;
	int code = tfmt_reader_follow_fd(fd, wait, following, &following->reader, &err);

	if (!code)
		status = convert(following, select, context, &err);
	else if (following->waiting.end != WAITING_INTERRUPTED) {
		msg_error(context->msg, "%s: %s", following->name, err.message);
		status = EXIT_FAILED;
	}
	tfmt_reader_free(following->reader);
	return status;
}

int conv_follow(const struct conv_format *format, const char *path, struct conv_select *select,
	struct conv_context *context)
{
	struct following following = {.format = format};
	char *name = NULL;
	int fd, status = input_open_raw(path, context->msg, &name, &fd);

	if (status)
		return status;
	following.name = name;
	status = waiting_begin(&following.waiting, fd, following.name, context->msg);
	if (!status && conv_sink_init(&following.sink, stdout)) {
		msg_error(context->msg, "no memory");
		status = EXIT_FAILED;
	} else if (!status) {
		context->out = &following.sink;
		status = follow(&following, fd, select, context);
		conv_sink_release(&following.sink);
	}
	waiting_release(&following.waiting);
	close(fd);
	free(name);
	return status;
}
