/* trender: draws a trace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "diff.h"
#include "files.h"
#include "filter_option.h"
#include "follow.h"
#include "import.h"
#include "merge.h"
#include "metrics.h"
#include "options.h"
#include "page.h"
#include "pager.h"
#include "surface.h"
#include "tracefmt/tracefmt.h"
#include "usage_panels.h"
#include "weight_option.h"

#define TEXT_WIDTH	  80
#define LISTING_WIDTH	  120
#define MIN_LISTING_WIDTH 60
#define MAX_LISTING_WIDTH 240
#define TEXT_BIN_COUNT	  1440 /* a multiple of what text views are wide */
#define DEFAULT_PATH	  "-.svg"

/* What was asked for, once it is clear. */
struct job {
	struct rend_options options;
	struct msg msg;
	const struct rend_view *view;
	const struct rend_surface *surface; /* NULL: text */
	struct rend_surface_options drawing;
	struct rend_page_options page;
	enum tfmt_weight weight;
	struct rend_table_options table;
};

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

static int unknown_view(const struct job *job)
{
	const char *names[32];
	size_t count;
	const struct rend_view *const *views = rend_views(&count);
	for (size_t i = 0; i < count && i < 32; i++)
		names[i] = views[i]->name;
	const char *nearest = opts_nearest(job->options.view, names, count < 32 ? count : 32);
	msg_error(&job->msg, "unknown view %s%s%s (--list-views lists all)", job->options.view,
		nearest != NULL ? ": did you mean " : "", nearest != NULL ? nearest : "");
	return EXIT_USAGE;
}

static bool ends_in(const char *path, const char *extension)
{
	size_t length = strlen(path);
	size_t extension_length = strlen(extension);
	return length > extension_length &&
	       strcasecmp(path + length - extension_length, extension) == 0;
}

/* The surface by the output's name; none for text. */
static int choose_surface(struct job *job)
{
	const char *path = job->options.output;
	if (path == NULL || ends_in(path, ".txt"))
		return EXIT_OK;
	job->surface = rend_surface_find(strcmp(path, "-") == 0 ? DEFAULT_PATH : path);
	if (job->surface != NULL)
		return EXIT_OK;
	msg_error(&job->msg, "%s: unknown kind of output: .svg, .pdf, .png and .txt are possible",
		path);
	return EXIT_USAGE;
}

static int choose_view(struct job *job)
{
	const char *name = job->options.view;
	if (name == NULL && job->options.diff != NULL)
		name = "diff";
	if (name == NULL && job->options.latency != NULL)
		name = "heat";
	if (name == NULL)
		name = job->options.metrics != NULL			  ? "usage"
		       : job->surface != NULL || job->options.dumps_scene ? "report"
									  : "summary";
	job->view = rend_view_find(name);
	if (job->view == NULL)
		return unknown_view(job);
	if (job->view == &rend_view_heat && job->options.latency != NULL)
		job->view = &rend_view_latency;
	if (job->options.diff != NULL)
		job->view = rend_diff_view(name);
	if (job->view == NULL || (job->view == &rend_view_diff && job->options.diff == NULL)) {
		msg_error(&job->msg,
			job->view == NULL
				? "the view %s compares nothing: --diff has " REND_DIFF_VIEWS
				: "the view %s compares two traces: trender BEFORE --diff AFTER",
			name);
		return EXIT_USAGE;
	}
	bool is_picture = job->surface != NULL || job->options.dumps_scene;
	if (is_picture && job->view->prepare == NULL) {
		msg_error(
			&job->msg, "the view %s is text: leave out -o, or name a .txt file", name);
		return EXIT_USAGE;
	}
	if (!is_picture && job->view->text == NULL) {
		msg_error(&job->msg, "the view %s is a picture: use -o FILE.svg, .pdf or .png%s%s",
			name, job->view->no_text != NULL ? "; " : "",
			job->view->no_text != NULL ? job->view->no_text : "");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int choose_by(struct job *job)
{
	const char *names[REND_BY_COUNT];
	const char *name = job->options.by;
	enum rend_by by = 0;
	for (enum rend_by i = 0; i < REND_BY_COUNT; i++)
		names[i] = rend_by_name(i);
	while (name != NULL && by < REND_BY_COUNT && strcmp(name, names[by]) != 0)
		by++;
	if (by == REND_BY_COUNT) {
		const char *nearest = opts_nearest(name, names, REND_BY_COUNT);
		msg_error(&job->msg,
			"unknown --by %s%s%s (function, line, file, module, thread, process)", name,
			nearest != NULL ? ": did you mean " : "", nearest != NULL ? nearest : "");
		return EXIT_USAGE;
	}
	if (by >= REND_BY_THREAD && job->view != &rend_view_top) {
		msg_error(&job->msg, "--by %s is for the view top only", name);
		return EXIT_USAGE;
	}
	job->table.by = by;
	return EXIT_OK;
}

/* "1%", "0.5 %", "1" */
static int choose_min(struct job *job)
{
	const char *text = job->options.min != NULL ? job->options.min : "1%";
	char *end;
	double percent = strtod(text, &end);
	bool is_number = end != text;
	end += strspn(end, " ");
	if (*end == '%')
		end++;
	if (!is_number || *end != '\0' || !(percent >= 0 && percent <= 100)) {
		msg_error(&job->msg, "--min %s is no share: 0%% to 100%%, such as 0.5%%", text);
		return EXIT_USAGE;
	}
	job->table.min_share = percent / 100;
	return EXIT_OK;
}

static int choose_table(struct job *job)
{
	const char *sort = job->options.sort;
	int status = choose_by(job);
	if (status == EXIT_OK)
		status = choose_min(job);
	if (status == EXIT_OK && sort != NULL && strcmp(sort, "self") != 0 &&
		strcmp(sort, "total") != 0 &&
		(strcmp(sort, "share") != 0 || job->options.diff == NULL)) {
		msg_error(&job->msg, "unknown --sort %s: self and total%s are possible", sort,
			job->options.diff != NULL ? ", and share of --diff," : "");
		status = EXIT_USAGE;
	}
	job->table.sorts_by_total = sort != NULL && strcmp(sort, "total") == 0;
	job->table.max_rows = job->options.top;
	return status;
}

static int choose_drawing(struct job *job)
{
	const struct rend_options *options = &job->options;
	struct rend_surface_options *drawing = &job->drawing;
	const char *paper = options->paper != NULL ? options->paper : "fit";
	const bool is_auto = strcmp(options->theme, "auto") == 0;
	drawing->theme = rend_theme_find(is_auto ? "light" : options->theme);
	drawing->dark_theme = is_auto ? rend_theme_find("dark") : NULL;
	if (drawing->theme == NULL) {
		msg_error(&job->msg, "unknown theme %s: light, dark, print and auto are possible",
			options->theme);
		return EXIT_USAGE;
	}
	while (drawing->paper < REND_PAPER_COUNT &&
		strcmp(paper, rend_paper_name(drawing->paper)) != 0)
		drawing->paper++;
	if (drawing->paper == REND_PAPER_COUNT) {
		msg_error(&job->msg, "unknown --page %s: fit, a4 and letter are possible", paper);
		return EXIT_USAGE;
	}
	if (options->paper != NULL && job->surface != &rend_surface_pdf)
		msg_warn(&job->msg, "--page changes nothing: the output is no PDF");
	if (!(options->scale > 0)) {
		msg_error(&job->msg, "--scale must be more than 0");
		return EXIT_USAGE;
	}
	drawing->scale = options->scale;
	return EXIT_OK;
}

/* What was asked for and has no meaning in this view. */
static void warn_of_unused(const struct job *job)
{
	const struct rend_options *options = &job->options;
	bool is_heat = job->view == &rend_view_heat || job->view == &rend_view_latency;
	if (options->weight != NULL && !job->view->draws_stacks)
		msg_warn(&job->msg, "--weight changes nothing: the view %s draws no stacks",
			job->view->name);
	if (options->by != NULL && job->view->merges_lines)
		msg_warn(&job->msg, "--by changes nothing: the view %s is by line",
			job->view->name);
	if (!is_heat && (options->rows > 0 || options->column_ns > 0 || options->by_thread ||
				options->latency != NULL))
		msg_warn(&job->msg,
			"--rows, --column, --threads and --latency are of the view heat: they "
			"change nothing in %s",
			job->view->name);
}

static int choose(struct job *job)
{
	int status = choose_surface(job);
	if (status == EXIT_OK)
		status = choose_view(job);
	if (status != EXIT_OK)
		return status;
	status = choose_drawing(job);
	if (status != EXIT_OK)
		return status;
	if (job->options.weight != NULL &&
		weight_parse(job->options.weight, &job->msg, &job->weight) != 0)
		return EXIT_USAGE;
	warn_of_unused(job);
	status = choose_table(job);
	if (status != EXIT_OK)
		return status;
	job->page.width_px = (double)job->options.width_px;
	job->page.max_height_px = (double)job->options.max_height_px;
	return EXIT_OK;
}

/* Colour is for people at a terminal that can show it, and who have not declined. */
static bool wants_colour(const struct job *job)
{
	const char *declined = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	return job->options.output == NULL && isatty(STDOUT_FILENO) &&
	       (declined == NULL || declined[0] == '\0') &&
	       (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

/* Listings are as wide as the terminal, or as what reads them is likely to have room for. */
static void fit_listing(const struct job *job, struct rend_text_frame *frame)
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
	const struct job *job, struct rend_model *model, const char *trace_name, FILE *stream)
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
	const struct job *job, struct rend_model *model, FILE *stream, struct tfmt_error *err)
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

static int load(const struct job *job, const struct input *input, struct tfmt_filter *filter,
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

static int write_output(const struct job *job, struct rend_model *model, const char *trace_name)
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
	const struct job *job, const struct rend_model *model, const char *trace_name)
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
	const struct job *job, struct source *source, char *const *paths, size_t path_count)
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

static int draw_source(const struct job *job, const struct source *source)
{
	const struct input *input = &source->input;
	struct rend_model *model = source->model;
	/* Text comes to the terminal while the trace is read. */
	if (job->surface == NULL && job->options.output == NULL)
		progress_end(input->progress);
	int status = write_output(job, model, input->is_stdin ? "TRACE" : input->name);
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
	const struct job *job, const struct source *before, const struct source *after)
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

static int draw(const struct job *job, char *const *paths, size_t path_count)
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
	struct job job = *(const struct job *)context;
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

static int follow(struct job *job, char *const *paths, size_t path_count)
{
	if (path_count > 1 || job->options.diff != NULL) {
		msg_error(&job->msg, "--follow: one trace at a time");
		return EXIT_USAGE;
	}
	return rend_follow(path_count > 0 ? paths[0] : NULL, draw_again, job, &job->msg);
}

int main(int argc, char **argv)
{
	struct job job = {
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
		status = choose(&job);
		if (status == EXIT_OK && job.options.follows)
			status = follow(&job, argv + 1, (size_t)operand_count);
		else if (status == EXIT_OK)
			status = draw(&job, argv + 1, (size_t)operand_count);
	}
out:
	opts_release(&rend_options_spec, &job.options);
	return status;
}
