/* The charts of the view usage: what is in each, before anything is drawn. */
#ifndef REND_USAGE_PANELS_H
#define REND_USAGE_PANELS_H

#include "model.h"

#define REND_MAX_PANELS 64

enum rend_panel_unit {
	REND_PANEL_CORES,
	REND_PANEL_BYTES,
	REND_PANEL_BYTE_RATE, /* per second */
	REND_PANEL_COUNT,
	REND_PANEL_RATE,     /* things per second */
	REND_PANEL_SHARE,    /* 0 to 1 */
	REND_PANEL_DURATION, /* ns */
};

struct rend_panel {
	const char *name;
	const char *title;  /* what is counted, in a sentence */
	const char *metric; /* its name in the trace */
	enum rend_role role;
	enum rend_panel_unit unit;
	const struct rend_series *series; /* without bins: it could not be read */
	const struct rend_series *system; /* of CPU: the part drawn lighter, on top; or NULL */
	uint32_t missing_count;		  /* processes that could not be asked */
	double top;			  /* the last tick */
	double peak;
	double peak_column;
	double last;
};

/* The charts asked for in the model, or the usual ones. Returns how many. */
size_t rend_usage_panels(const struct rend_model *model, struct rend_panel panels[REND_MAX_PANELS]);

/*
 * The first of the metrics asked for that the recording does not have, copied to `name`. Returns
 * false when it has all.
 */
bool rend_usage_unknown(const struct rend_model *model, char *name, size_t size);

/* "694 MiB", "1.5 cores", "12 MiB/s": NUM_TEXT_BYTES. */
char *rend_panel_text(char *text, enum rend_panel_unit unit, double value);

/* Whether the means of the columns are shown, not their peaks. */
bool rend_panel_is_rate(const struct rend_panel *panel);

/* Whether any column has a value. */
bool rend_series_has_values(const struct rend_series *series);

#endif
