#include <string.h>

#include "view.h"

#define DEFAULT_ROWS 30
#define MIN_ROWS     5

static const struct rend_view *const views[] = {
#define X(name) &rend_view_##name,
#include "views.def"
#undef X
};

const struct rend_view *const *rend_views(size_t *ret_count)
{
	*ret_count = sizeof(views) / sizeof(*views);
	return views;
}

const struct rend_view *rend_view_find(const char *name)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		if (strcmp(views[i]->name, name) == 0)
			return views[i];
	}
	return NULL;
}

const char *rend_by_name(enum rend_by by)
{
	static const char *const names[REND_BY_COUNT] = {
		"function", "line", "file", "module", "thread", "process"};
	return names[by];
}

size_t rend_text_rows(const struct rend_text_frame *frame, int other_lines, size_t count)
{
	size_t rows = frame->table.max_rows;
	if (rows == 0 && frame->lines == 0)
		rows = DEFAULT_ROWS;
	else if (rows == 0)
		rows = frame->lines < other_lines + MIN_ROWS ? MIN_ROWS
							     : (size_t)(frame->lines - other_lines);
	return rows < count ? rows : count;
}

const char *rend_view_missing(const struct rend_view *view, const struct rend_model *model)
{
	const struct rend_totals *totals = &model->totals;
	bool has_none = totals->sampled_ns == 0 && totals->wait_ns == 0;
	if (view->draws_stacks && has_none && model->filter != NULL && model->dropped_count > 0)
		return "The filter leaves no samples.";
	if (model->filter != NULL && model->dropped_span_count > 0 &&
		strcmp(view->missing, REND_NO_SPANS) == 0)
		return "The filter leaves no calls or scopes.";
	if (view->draws_stacks && has_none && totals->span_count > 0)
		return "No samples in this recording: --view calls shows its calls, --view spans "
		       "adds them up.";
	if (!view->draws_stacks || has_none || model->diff != NULL)
		return view->missing;
	if (model->weight == TFMT_WEIGHT_OFFCPU)
		return "No thread was seen off the CPU: --weight cpu shows what ran.";
	return "No thread was seen on a CPU: --weight wall shows waits too.";
}
