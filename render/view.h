/*
 * A view: one way to look at a trace. The page (page.c) draws the command, the facts line and the
 * footer around it; a view draws what is between.
 *
 * A view is a file view_<name>.c that ends in a constant
 * `struct rend_view rend_view_<name>`, and a row in views.def.
 */
#ifndef REND_VIEW_H
#define REND_VIEW_H

#include <stdbool.h>
#include <stdio.h>

#include "axis.h"
#include "model.h"
#include "scene.h"

#define REND_MARGIN_PX 24

/* What views of stacks say when there are none. */
#define REND_NO_STACKS                                                                \
	"No stacks in this recording: it ended before the first sample, or was made " \
	"without stacks (--no-native, --sampler none)."

/* What views of spans say when there are none. */
#define REND_NO_SPANS                                                                  \
	"No calls or scopes in this recording: programs write them with libtracefmt, " \
	"and Chrome trace events have them."

/* The room a view may draw in, from `y` downwards, and what it shares with its neighbours. */
struct rend_frame {
	double x, width_px;	    /* the content: the page without its margins */
	double max_height_px;	    /* 0: as high as needed */
	struct rend_time_axis axis; /* for views over time; other views ignore it */
	size_t max_items;	    /* boxes; 0: as many as a picture may have */
	bool is_part;		    /* of a report: no strips, no time labels of its own */
};

struct rend_text_frame;

struct rend_view {
	const char *name;
	const char *summary; /* one line for --list-views */
	bool draws_stacks;   /* so that --weight has a meaning */
	bool merges_lines;   /* stacks are merged by line, whatever --by says */
	bool is_listing;     /* its text is as wide as the terminal */
	bool (*has_data)(const struct rend_model *model);
	const char *missing; /* what to say when it has none, and the trec option that helps */
	/* The widest gutters left and right of the time axis, as drawn alone; 0, 0: no time axis.
	 */
	double left_px, right_px;
	/*
	 * All computing. `model` outlives the state. Returns 0 or a negative enum tfmt_err.
	 * NULL for views that are text only.
	 */
	int (*prepare)(struct rend_model *model, const struct rend_frame *frame, void **ret_state);
	/* After prepare: how high it will be. */
	double (*height_px)(const void *state);
	/* Only draws, with the frame of prepare. */
	void (*draw)(const void *state, struct rend_scene *scene, double y);
	void (*release)(void *state); /* NULL is fine */
	/*
	 * The view as text of `columns` columns. NULL: it has none. Returns 0 or an error.
	 */
	int (*text)(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream);
	const char *no_text; /* what to use instead when `text` is NULL */
};

/* What a row of a table stands for. The first ones are keys of the call tree, in its order. */
enum rend_by {
	REND_BY_FUNCTION,
	REND_BY_LINE,
	REND_BY_FILE,
	REND_BY_MODULE,
	REND_BY_THREAD,
	REND_BY_PROCESS,
	REND_BY_COUNT,
};

/* "function", "line", ...: as --by has it. */
const char *rend_by_name(enum rend_by by);

/* What was asked for of the views `top` and `tree`. */
struct rend_table_options {
	enum rend_by by;
	bool sorts_by_total;
	size_t max_rows;  /* 0: as the terminal has room for, or a usual number */
	double min_share; /* 0 to 1: less is not worth a line of its own */
};

struct rend_text_frame {
	int columns;
	int lines; /* of the terminal; 0: it is none */
	struct rend_table_options table;
	bool has_colour;
	const char *trace_name; /* as given on the command line, for the commands to type next */
};

/*
 * Rows of `count` that a table shows: as many as were asked for, else as the terminal has room for
 * beside `other_lines`, the next prompt included, else a usual number.
 */
size_t rend_text_rows(const struct rend_text_frame *frame, int other_lines, size_t count);

/* rend_view_flame and so on. */
#define X(name) extern const struct rend_view rend_view_##name;
#include "views.def"
#undef X

/* What to say of a view without data, which may have some by another weight. */
const char *rend_view_missing(const struct rend_view *view, const struct rend_model *model);

/* All views by name. */
const struct rend_view *const *rend_views(size_t *ret_count);
const struct rend_view *rend_view_find(const char *name);

/* The strips above processes and timelines: CPU and memory of all. Not a row of the registry. */
extern const struct rend_view rend_view_strips;

/* What the view heat is with --latency. Not a row of the registry either. */
extern const struct rend_view rend_view_latency;

/* The gutters of the time axis where the content is that wide: on narrow pages they give way. */
double rend_left_px(const struct rend_view *view, double width_px);
double rend_right_px(const struct rend_view *view, double width_px);

/* A heading on the baseline `y`, as every section of a picture has it. */
void rend_section(struct rend_scene *scene, double x, double y, const char *text);
/* The same with a note behind it, up to `right`. Returns: where the note begins. */
double rend_section_with_note(struct rend_scene *scene, double x, double y, double right,
	const char *text, const char *note);

#endif
