/* What is to be drawn and how: the options of the command line, checked and put together. */
#ifndef REND_JOB_H
#define REND_JOB_H

#include "msg.h"
#include "options.h"
#include "page.h"
#include "surface.h"
#include "tracefmt/weight.h"
#include "view.h"

struct rend_job {
	struct rend_options options;
	struct msg msg;
	/* Chosen by rend_job_choose(). */
	const struct rend_view *view;
	const struct rend_surface *surface; /* NULL: text */
	struct rend_surface_options drawing;
	struct rend_page_options page;
	enum tfmt_weight weight;
	struct rend_table_options table;
};

/*
 * Choose view, surface and the rest by `options`, which are parsed. Returns EXIT_OK, or EXIT_USAGE:
 * it has been said what is wrong.
 */
int rend_job_choose(struct rend_job *job);

#endif
