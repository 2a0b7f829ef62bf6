#include "waits_table.h"

#include <math.h>
#include <stdio.h>

#include "facts.h"
#include "frame_label.h"
#include "num.h"
#include "view.h"

#define MAX_ROWS     5
#define HEADING_PX   26
#define ROW_PX	     24
#define TIME_PX	     60 /* the column of times, right-aligned */
#define BAR_PX	     12
#define COUNT_PX     260
#define COLUMN_PX    16 /* between columns */
#define MIN_PLACE_PX 160
#define MIN_WHAT_PX  220 /* the counts give way */

static size_t row_count(const struct rend_model *model)
{
	return model->waits.count < MAX_ROWS ? model->waits.count : MAX_ROWS;
}

double rend_waits_table_height_px(const struct rend_model *model)
{
	size_t rows = row_count(model);
	return rows > 0 ? HEADING_PX + (double)rows * ROW_PX : 0;
}

static void wait_title(const struct rend_model *model, const struct rend_wait_place *place,
	char *text, size_t size)
{
	char what[500], where[300], time[NUM_TEXT_BYTES], share[NUM_TEXT_BYTES];
	char counts[REND_FACTS_BYTES];
	char function[400];
	snprintf(function, sizeof(function), "%.390s", place->location.function);
	rend_wait_describe(place, function, what, sizeof(what));
	rend_model_place(&place->location, where, sizeof(where));
	rend_facts_wait_counts(place, counts);
	size_t length = (size_t)snprintf(text, size, "%.80s waited %s %s%s%s\n%s",
		tfmt_trace_text(model->trace, place->process_name),
		num_duration(time, place->wait_ns), what, where[0] != '\0' ? "\n" : "", where,
		counts);
	if (place->assumed_ns > 0 && length < size)
		snprintf(text + length, size - length, "\n%s of it at an assumed place",
			num_percent(share, (double)place->assumed_ns, (double)place->wait_ns));
}

/* "in futex under handle_request", the function's name shortened to fit. */
static void wait_label(
	const struct rend_wait_place *place, double room_px, char *label, size_t size)
{
	char before[100], function[400] = "";
	rend_wait_describe(
		place, place->location.function[0] != '\0' ? "…" : "", before, sizeof(before));
	if (place->location.function[0] != '\0')
		rend_location_label(REND_FONT_BODY, &place->location, "",
			room_px - rend_text_width_px(REND_FONT_BODY, before), function,
			sizeof(function));
	rend_wait_describe(place, function, label, size);
}

static void draw_row(const struct rend_model *model, struct rend_scene *scene,
	const struct rend_wait_place *place, uint64_t most, struct rend_rect row)
{
	char time[NUM_TEXT_BYTES], label[512], counts[REND_FACTS_BYTES], where[512], title[1400];
	double bar_max_px = fmin(168, row.width * 0.145);
	double bar_x = row.x + TIME_PX + 10;
	double what_x = bar_x + bar_max_px + COLUMN_PX;
	double rest_px = row.x + row.width - what_x;
	double count_px = rest_px - COUNT_PX > MIN_WHAT_PX ? COUNT_PX : 0;
	double place_px =
		(rest_px - count_px) * 0.4 > MIN_PLACE_PX ? (rest_px - count_px) * 0.4 : 0;
	double what_px = rest_px - count_px - place_px - COLUMN_PX;
	double baseline = row.y + 16;
	struct rend_text text = {
		.x = row.x + TIME_PX,
		.y = baseline,
		.text = num_duration(time, place->wait_ns),
		.font = REND_FONT_BODY,
		.anchor = REND_ANCHOR_END,
		.max_px = TIME_PX,
	};
	rend_scene_text(scene, &text);
	rend_scene_hatch(scene, REND_WAITING,
		(struct rend_rect){bar_x, baseline - BAR_PX + 2,
			fmax(bar_max_px * (double)place->wait_ns / (double)most, 1), BAR_PX});
	wait_label(place, what_px, label, sizeof(label));
	text.x = what_x;
	text.text = label;
	text.anchor = REND_ANCHOR_START;
	text.max_px = what_px;
	rend_scene_text(scene, &text);
	rend_facts_wait_counts(place, counts);
	text.x = what_x + what_px + COLUMN_PX;
	text.text = counts;
	text.role = REND_MUTED;
	text.max_px = count_px - COLUMN_PX;
	if (count_px > 0)
		rend_scene_text(scene, &text);
	rend_model_place(&place->location, where, sizeof(where));
	/* Rows without a place look alike but for whose they are. */
	if (where[0] == '\0' && model->totals.process_count > 1)
		snprintf(where, sizeof(where), "%.80s",
			tfmt_trace_text(model->trace, place->process_name));
	text.x += count_px;
	text.text = where;
	text.max_px = place_px;
	text.ellipsis = REND_ELLIPSIS_MIDDLE;
	if (place_px > 0)
		rend_scene_text(scene, &text);
	wait_title(model, place, title, sizeof(title));
	rend_scene_item(scene, &(struct rend_item){.rect = row, .title = title});
}

void rend_waits_table_draw(const struct rend_model *model, struct rend_scene *scene, double x,
	double y, double width_px)
{
	size_t rows = row_count(model);
	char states[REND_FACTS_BYTES], places[REND_FACTS_BYTES], text[2 * REND_FACTS_BYTES + 8];
	if (rows == 0)
		return;
	rend_section(scene, x, y + 13, "Worst waits");
	rend_facts_states(model, states);
	rend_facts_wait_places(model, places);
	snprintf(text, sizeof(text), "%s%s%s", states, places[0] != '\0' ? REND_FACTS_GAP : "",
		places);
	double heading_px = rend_text_width_px(REND_FONT_HEADING, "Worst waits") + 14;
	/* On a narrow page less is said, but all of it. */
	if (rend_text_width_px(REND_FONT_SMALL, text) > width_px - heading_px)
		snprintf(text, sizeof(text), "%s", states);
	if (rend_text_width_px(REND_FONT_SMALL, text) > width_px - heading_px)
		text[0] = '\0';
	rend_scene_text(scene, &(struct rend_text){.x = x + heading_px,
				       .y = y + 13,
				       .text = text,
				       .font = REND_FONT_SMALL,
				       .role = REND_MUTED,
				       .max_px = width_px - heading_px});
	rend_scene_group(scene, "Worst waits");
	for (size_t i = 0; i < rows; i++)
		draw_row(model, scene, &model->waits.places[i], model->waits.places[0].wait_ns,
			(struct rend_rect){
				x, y + HEADING_PX + (double)i * ROW_PX, width_px, ROW_PX});
	rend_scene_group_end(scene);
}
