/* trender: draws a trace. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "diff.h"
#include "files.h"
#include "filter_option.h"
#include "follow.h"
#include "import.h"
#include "job.h"
#include "merge.h"
#include "metrics.h"
#include "options.h"
#include "page.h"
#include "pager.h"
#include "tracefmt/tracefmt.h"
#include "usage_panels.h"

#define TEXT_WIDTH	  80
#define LISTING_WIDTH	  120
#define MIN_LISTING_WIDTH 60
#define MAX_LISTING_WIDTH 240
#define TEXT_BIN_COUNT	  1440 /* a multiple of what text views are wide */

static int list_views(void)
{
	size_t count;
	const struct rend_view *const *views = rend_views(&count);
	for (size_t i = 0; i < count; i++)
		printf("%-10s %s%s\n", views[i]->name, views[i]->summary,
			views[i]->prepare == NULL ? " (text only)"
			: views[i]->text == NULL  ? " (picture only)"
						  : "");
	return EXIT_OK;
}

/* Colour is for people at a terminal that can show it, and who have not declined. */
static bool wants_colour(const struct rend_job *job)
{
	const char *declined = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	return job->options.output == NULL && isatty(STDOUT_FILENO) &&
	       (declined == NULL || declined[0] == '\0') &&
	       (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

/* Listings are as wide as the terminal, or as what reads them is likely to have room for. */
static void fit_listing(const struct rend_job *job, struct rend_text_frame *frame)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	frame->columns = LISTING_WIDTH;
	if (job->options.output == NULL && isatty(STDOUT_FILENO) &&
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		frame->columns = size.ws_col;
		frame->lines = size.ws_row;
	} else if (columns != NULL && atoi(columns) > 0) {
		frame->columns = atoi(columns);
	}
	if (frame->columns < MIN_LISTING_WIDTH)
		frame->columns = MIN_LISTING_WIDTH;
	if (frame->columns > MAX_LISTING_WIDTH)
		frame->columns = MAX_LISTING_WIDTH;
}

static int write_text(
	const struct rend_job *job, struct rend_model *model, const char *trace_name, FILE *stream)
{
	struct rend_text_frame frame = {
		.columns = TEXT_WIDTH,
		.has_colour = wants_colour(job),
		.trace_name = trace_name,
		.table = job->table,
	};
	if (job->view->is_listing)
		fit_listing(job, &frame);
	if (!job->view->has_data(model)) {
		fprintf(stream, "%s\n", rend_view_missing(job->view, model));
		return 0;
	}
	return job->view->text(model, &frame, stream);
}

static int write_picture(
	const struct rend_job *job, struct rend_model *model, FILE *stream, struct tfmt_error *err)
{
	struct rend_scene *scene;
	int status = rend_page_draw(model, job->view, &job->page, &scene);
	if (status < 0)
		return tfmt_error_set(err, status, 0, "%s", tfmt_strerror(status));
	if (job->surface != NULL)
		status = job->surface->write(scene, &job->drawing, stream, err);
	else
		rend_scene_dump(scene, stream);
	rend_scene_free(scene);
	return status;
}

static int load(const struct rend_job *job, const struct input *input, struct tfmt_filter *filter,
	struct rend_model **ret_model)
{
	const struct rend_options *options = &job->options;
	bool is_picture =
		job->view->prepare != NULL && (job->surface != NULL || options->dumps_scene);
	struct rend_model_options model_options = {
		.own_paths = options->own.items,
		.own_count = options->own.count,
		.source_paths = options->source_paths.items,
		.source_path_count = options->source_paths.count,
		.from_ns = options->from_ns,
		.to_ns = options->to_ns,
		.pid = (uint32_t)options->pid,
		.metric_names = options->metrics,
		.weight = job->weight,
		.heat = {.rows = (uint32_t)options->rows,
			.column_ns = options->column_ns,
			.by_thread = options->by_thread,
			.latency = options->latency,
			.max_threads = (uint32_t)options->top},
		.key = job->view->merges_lines		? TFMT_BY_LINE
		       : job->table.by < REND_BY_THREAD ? (enum tfmt_calltree_key)job->table.by
							: TFMT_BY_FUNCTION,
		.shows_native = options->shows_native,
		.filter = filter,
		.bin_count = is_picture ? rend_page_columns(job->view, &job->page) : TEXT_BIN_COUNT,
	};
	struct tfmt_error err = {0};
	int status = rend_model_new(input->reader, &model_options, ret_model, &err);
	if (status == 0)
		return EXIT_OK;
	progress_end(input->progress);
	msg_error(&job->msg, "%s: %s", input->name,
		err.message[0] != '\0' ? err.message : tfmt_strerror(status));
	return status == TFMT_E_ARG ? EXIT_USAGE : EXIT_FAILED;
}

static int write_output(
	const struct rend_job *job, struct rend_model *model, const char *trace_name)
{
	struct output output;
	struct tfmt_error err = {0};
	const bool is_text = job->surface == NULL && !job->options.dumps_scene;
	int status = output_open(&output, job->options.output,
		job->surface != NULL && job->surface->is_binary, &job->msg);
	if (status != EXIT_OK)
		return status;
	struct rend_pager pager = {0};
	if (is_text && job->options.output == NULL && !job->options.has_no_pager)
		rend_pager_open(&pager);
	FILE *stream = pager.stream != NULL ? pager.stream : output.stream;
	int error = is_text ? write_text(job, model, trace_name, stream)
			    : write_picture(job, model, stream, &err);
	rend_pager_close(&pager);
	if (error < 0 && error != TFMT_E_IO) {
		msg_error(&job->msg, "%s",
			err.message[0] != '\0' ? err.message : tfmt_strerror(error));
		output_abort(&output);
		return EXIT_FAILED;
	}
	return output_commit(&output, &job->msg);
}

static int check_metrics(
	const struct rend_job *job, const struct rend_model *model, const char *trace_name)
{
	const char *names[REND_MAX_PANELS];
	size_t count = rend_metrics_count(model->metrics);
	char unknown[128];
	if (!rend_usage_unknown(model, unknown, sizeof(unknown)))
		return EXIT_OK;
	for (size_t i = 0; i < count; i++)
		names[i] = rend_metrics_at(model->metrics, i)->name;
	const char *nearest = opts_nearest(unknown, names, count);
	msg_error(&job->msg, "%s: no metric %s in this recording%s%s (--metric all shows all)",
		trace_name, unknown, nearest != NULL ? ": did you mean " : "",
		nearest != NULL ? nearest : "");
	return EXIT_USAGE;
}

/* What is drawn, or compared with that. */
struct source {
	struct progress progress;
	struct input input;
	struct tfmt_filter *filter; /* NULL: none */
	struct rend_model *model;   /* NULL: not read */
};

static int source_open(
	const struct rend_job *job, struct source *source, char *const *paths, size_t path_count)
{
	const struct input_how how = {imp_open, imp_merge, job->options.from_format,
		job->options.sums, &source->progress};
	struct input *input = &source->input;
	int status = filter_parse(job->options.filter, &job->msg, &source->filter);
	if (status == EXIT_OK)
		status = input_open(input, paths, path_count, &how, &job->msg);
	if (status != EXIT_OK)
		return status;
	status = filter_bind(source->filter, input->reader, !job->options.shows_native, &job->msg);
	if (status == EXIT_OK)
		status = load(job, input, source->filter, &source->model);
	if (status == EXIT_OK)
		status = check_metrics(job, source->model, input->name);
	if (status != EXIT_OK) {
		rend_model_free(source->model);
		source->model = NULL;
		input_close(input);
	}
	return status;
}

static void source_close(struct source *source)
{
	tfmt_filter_free(source->filter);
	if (source->model == NULL)
		return;
	rend_model_free(source->model);
	input_close(&source->input);
}

static int draw_source(const struct rend_job *job, const struct source *source)
{
	const struct input *input = &source->input;
	struct rend_model *model = source->model;
	/* Text comes to the terminal while the trace is read. */
	if (job->surface == NULL && job->options.output == NULL)
		progress_end(input->progress);
	int status = write_output(job, model,
		input->is_merged  ? "TRACE..."
		: input->is_stdin ? "TRACE"
				  : input->name);
	progress_end(input->progress);
	if (status == EXIT_OK)
		status = input_report_damage(input, &job->msg);
	if (status == EXIT_OK && job->options.view != NULL && !job->view->has_data(model)) {
		msg_warn(&job->msg, "%s: %s", input->name, rend_view_missing(job->view, model));
		status = EXIT_NOTHING;
	}
	return status;
}

static int draw_difference(
	const struct rend_job *job, const struct source *before, const struct source *after)
{
	struct rend_diff *diff;
	if (rend_diff_new(before->model, after->model, &diff) < 0) {
		msg_error(&job->msg, "no memory");
		return EXIT_FAILED;
	}
	progress_end(before->input.progress);
	diff->names[TFMT_BEFORE] = before->input.name;
	diff->names[TFMT_AFTER] = after->input.name;
	rend_diff_sort(diff, job->options.sort);
	diff->max_rows = job->options.top;
	after->model->diff = diff;
	int status = draw_source(job, after);
	if (status == EXIT_OK)
		status = input_report_damage(&before->input, &job->msg);
	rend_diff_free(diff);
	return status;
}

static int draw(const struct rend_job *job, char *const *paths, size_t path_count)
{
	struct source source = {0}, after = {0};
	char *after_path = (char *)job->options.diff;
	int status = source_open(job, &source, paths, path_count);
	if (status == EXIT_OK && after_path != NULL)
		status = source_open(job, &after, &after_path, 1);
	if (status == EXIT_OK)
		status = after_path != NULL ? draw_difference(job, &source, &after)
					    : draw_source(job, &source);
	source_close(&after);
	source_close(&source);
	return status;
}

/* For rend_follow(). What is missing so far is no news while the trace grows. */
static int draw_again(void *context, const char *path, const char *name, FILE *text, bool is_last)
{
	struct rend_job job = *(const struct rend_job *)context;
	struct source source = {0};
	char *paths[] = {(char *)path};
	const bool is_text = job.surface == NULL && !job.options.dumps_scene;
	job.msg.level = is_last ? job.msg.level : -1;
	int status = source_open(&job, &source, paths, 1);
	if (status == EXIT_OK && is_text && job.options.output == NULL)
		status = write_text(&job, source.model, name, text) < 0 ? EXIT_FAILED : EXIT_OK;
	else if (status == EXIT_OK)
		status = write_output(&job, source.model, name);
	progress_end(source.input.progress);
	if (status == EXIT_OK && is_last)
		status = input_report_damage(&source.input, &job.msg);
	source_close(&source);
	return status;
}

static int follow(struct rend_job *job, char *const *paths, size_t path_count)
{
	if (path_count > 1 || job->options.diff != NULL) {
		msg_error(&job->msg, "--follow: one trace at a time");
		return EXIT_USAGE;
	}
	return rend_follow(path_count > 0 ? paths[0] : NULL, draw_again, job, &job->msg);
}

int main(int argc, char **argv)
{
	struct rend_job job = {
		.options = {.width_px = 1200, .scale = 2, .theme = "light"},
		.weight = TFMT_WEIGHT_CPU,
		.msg = {.tool = "trender"},
	};
	int operand_count = 0;
	int status = EXIT_USAGE;
	switch (opts_parse(
		&rend_options_spec, &job.msg, argc, argv, &job.options, &operand_count)) {
	case OPTS_HELP:
		status = EXIT_OK;
		goto out;
	case OPTS_VERSION:
		printf("trender %s (trace format %d)\n", TFMT_VERSION, TFMT_FORMAT_VERSION);
		status = EXIT_OK;
		goto out;
	case OPTS_USAGE:
		goto out;
	case OPTS_OK:
		break;
	}
	job.msg.level = job.options.quiet > 0 ? -1 : job.options.verbosity;
	if (job.options.lists_views) {
		status = list_views();
	} else {
		status = rend_job_choose(&job);
		if (status == EXIT_OK && job.options.follows)
			status = follow(&job, argv + 1, (size_t)operand_count);
		else if (status == EXIT_OK)
			status = draw(&job, argv + 1, (size_t)operand_count);
	}
out:
	opts_release(&rend_options_spec, &job.options);
	return status;
}
