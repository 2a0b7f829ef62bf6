#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "weight_option.h"

#define DEFAULT_PATH "-.svg"

static int unknown_view(const struct rend_job *job)
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
static int choose_surface(struct rend_job *job)
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

static int choose_view(struct rend_job *job)
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

static int choose_by(struct rend_job *job)
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
		msg_error(&job->msg, "--by %s is for the view top only%s", name,
			job->options.diff != NULL ? ", without --diff" : "");
		return EXIT_USAGE;
	}
	job->table.by = by;
	return EXIT_OK;
}

/* "1%", "0.5 %", "1" */
static int choose_min(struct rend_job *job)
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

static int choose_table(struct rend_job *job)
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

static int choose_drawing(struct rend_job *job)
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
static void warn_of_unused(const struct rend_job *job)
{
	const struct rend_options *options = &job->options;
	bool is_heat = job->view == &rend_view_heat || job->view == &rend_view_latency;
	if (options->weight != NULL && !job->view->draws_stacks)
		msg_warn(&job->msg, "--weight changes nothing: the view %s draws no stacks",
			job->view->name);
	if (options->by != NULL && job->view->merges_lines)
		msg_warn(
			&job->msg, "--by changes nothing: the view %s is by line", job->view->name);
	if (!is_heat && (options->rows > 0 || options->column_ns > 0 || options->by_thread ||
				options->latency != NULL))
		msg_warn(&job->msg,
			"--rows, --column, --threads and --latency are of the view heat: they "
			"change nothing in %s",
			job->view->name);
}

int rend_job_choose(struct rend_job *job)
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
