#include "functions_table.h"

#include <math.h>
#include <stdio.h>

#include "frame_label.h"
#include "num.h"
#include "view.h"

#define MAX_ROWS     5
#define HEADING_PX   26
#define ROW_PX	     24
#define SHARE_PX     60 /* the column of shares, right-aligned */
#define BAR_PX	     12
#define TOTAL_PX     120
#define COLUMN_PX    16 /* between columns */
#define MIN_PLACE_PX 200
#define MIN_NAME_PX  120 /* the totals give way */

static size_t row_count(const struct rend_model *model)
{
	if (model->tree == NULL)
		return 0;
	size_t count, rows = 0;
	const struct tfmt_function *const *functions = tfmt_calltree_functions(model->tree, &count);
	while (rows < count && rows < MAX_ROWS && functions[rows]->self > 0)
		rows++;
	return rows;
}

double rend_functions_table_height_px(const struct rend_model *model)
{
	size_t rows = row_count(model);
	return rows > 0 ? HEADING_PX + (double)rows * ROW_PX : 0;
}

static void function_title(const struct rend_model *model, const struct tfmt_function *function,
	uint64_t all, char *text, size_t size)
{
	char self[NUM_TEXT_BYTES], total[NUM_TEXT_BYTES], count[NUM_TEXT_BYTES];
	char self_share[NUM_TEXT_BYTES], total_share[NUM_TEXT_BYTES];
	num_percent(self_share, (double)function->self, (double)all);
	num_percent(total_share, (double)function->total, (double)all);
	snprintf(text, size, "%.390s\n%.390s%sself %s, %s\ntotal %s, %s\n%s samples",
		function->location.function, function->location.module,
		function->location.module[0] != '\0' ? "\n" : "",
		rend_model_amount(model, self, function->self), self_share,
		rend_model_amount(model, total, function->total), total_share,
		num_count(count, function->self_count));
}

/* `most`: the self weight that the longest bar stands for. */
static void draw_row(const struct rend_model *model, struct rend_scene *scene,
	const struct tfmt_function *function, uint64_t all, uint64_t most, struct rend_rect row)
{
	char share[NUM_TEXT_BYTES], label[512], total[64], place[512], title[1200];
	double bar_max_px = fmin(168, row.width * 0.145);
	double bar_x = row.x + SHARE_PX + 10;
	double name_x = bar_x + bar_max_px + COLUMN_PX;
	double rest_px = row.x + row.width - name_x - TOTAL_PX - COLUMN_PX;
	double total_px = TOTAL_PX;
	if (rest_px < MIN_NAME_PX) {
		total_px = 0;
		rest_px += TOTAL_PX;
	}
	double place_px = rest_px * 0.55 > MIN_PLACE_PX ? rest_px * 0.55 : 0;
	double name_px = rest_px - place_px - COLUMN_PX;
	double baseline = row.y + 16;
	num_percent(share, (double)function->self, (double)all);
	struct rend_text text = {
		.x = row.x + SHARE_PX,
		.y = baseline,
		.text = share,
		.font = REND_FONT_BODY,
		.anchor = REND_ANCHOR_END,
	};
	rend_scene_text(scene, &text);
	struct rend_rect bar = {bar_x, baseline - BAR_PX + 2,
		fmax(bar_max_px * (double)function->self / (double)most, 1), BAR_PX};
	if (function->location.is_wait)
		rend_scene_hatch(scene, REND_WAITING, bar);
	else
		rend_scene_rect(scene, REND_CPU, bar);
	rend_location_label(REND_FONT_BODY, &function->location, "", name_px, label, sizeof(label));
	text.x = name_x;
	text.text = label;
	text.anchor = REND_ANCHOR_START;
	text.max_px = name_px;
	rend_scene_text(scene, &text);
	num_percent(share, (double)function->total, (double)all);
	snprintf(total, sizeof(total), "total %s", share);
	text.x = name_x + name_px + COLUMN_PX;
	text.text = total;
	text.role = REND_MUTED;
	text.max_px = TOTAL_PX;
	if (total_px > 0)
		rend_scene_text(scene, &text);
	rend_model_place(&function->location, place, sizeof(place));
	text.x += total_px;
	text.text = place;
	text.max_px = place_px;
	text.ellipsis = REND_ELLIPSIS_MIDDLE;
	if (place_px > 0)
		rend_scene_text(scene, &text);
	function_title(model, function, all, title, sizeof(title));
	rend_scene_item(scene, &(struct rend_item){.rect = row, .title = title});
}

void rend_functions_table_draw(const struct rend_model *model, struct rend_scene *scene, double x,
	double y, double width_px)
{
	static const char *const headings[] = {
		[TFMT_WEIGHT_SAMPLES] = "Busiest functions by samples (self)",
		[TFMT_WEIGHT_CPU] = "Busiest functions (self)",
		[TFMT_WEIGHT_OFFCPU] = "Time off CPU by its reason",
		[TFMT_WEIGHT_WALL] = "Functions and waits by wall time (self)",
	};
	size_t count, rows = row_count(model);
	if (rows == 0)
		return;
	uint64_t all = tfmt_calltree_nodes(model->tree, &count)[0].total;
	const struct tfmt_function *const *functions = tfmt_calltree_functions(model->tree, &count);
	rend_section(scene, x, y + 13, headings[model->weight]);
	rend_scene_group(scene, headings[model->weight]);
	for (size_t i = 0; i < rows; i++)
		draw_row(model, scene, functions[i], all, functions[0]->self,
			(struct rend_rect){
				x, y + HEADING_PX + (double)i * ROW_PX, width_px, ROW_PX});
	rend_scene_group_end(scene);
}
