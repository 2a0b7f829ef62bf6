/* The command line of trender. */
#ifndef REND_OPTIONS_H
#define REND_OPTIONS_H

#include "opts.h"

struct rend_options {
	const char *view;		  /* NULL: the report, or the summary as text */
	const char *output;		  /* NULL: text on stdout; "-": an SVG there */
	uint64_t width_px, max_height_px; /* 0: as high as needed */
	double scale;
	const char *theme;
	const char *paper;   /* of a PDF; NULL: as large as the picture */
	const char *metrics; /* of the view usage; NULL: the usual ones */
	const char *weight;  /* NULL: the CPU time */
	struct opt_list own;
	struct opt_list source_paths;
	uint64_t from_ns, to_ns; /* to_ns 0: to the end */
	uint64_t pid;		 /* 0: all */
	const char *filter;	 /* an expression; NULL: none */
	bool shows_native;	 /* the interpreter's own frames */
	const char *by;		 /* NULL: functions */
	const char *sort;	 /* NULL: self */
	uint64_t top;		 /* 0: as many as fit */
	uint64_t rows;		 /* of heat; 0: as usual */
	uint64_t column_ns;	 /* of heat; 0: by the length of the recording */
	bool by_thread;		 /* heat */
	const char *latency;	 /* heat; NULL: of nothing */
	const char *min;	 /* NULL: 1 % */
	const char *diff;	 /* the trace after; NULL: nothing is compared */
	const char *from_format; /* of a foreign input; NULL: by its content */
	bool sums;
	bool lists_views;
	bool dumps_scene;
	bool has_no_pager;
	bool follows;
	int verbosity;
	int quiet;
};

extern const struct opts_spec rend_options_spec;

#endif
