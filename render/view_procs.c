/*
 * The process tree over time: one row a process, with its life, its CPU use as an area and its
 * memory as a line, below the strips of all together.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "num.h"
#include "plot.h"
#include "proc_rows.h"
#include "proc_text.h"
#include "scopes_part.h"
#include "strips_part.h"
#include "view.h"

#define LEFT_PX	       226
#define RIGHT_PX       158
#define STRIPS_GAP_PX  22
#define HEAD_PX	       20
#define ROW_PX	       34
#define BAR_INSET_PX   4
#define BAR_PX	       26
#define AXIS_PX	       22
#define INDENT_PX      16
#define FAILURE_GAP_PX 8
#define MIN_FAILURE_PX 30
#define MAX_INDENT     8
#define CPU_COLUMN_PX  70
#define MIN_BAR_PX     1.5
#define STRIPE_OUT_PX  8
#define ROW_TITLE_SIZE 1500
#define MAX_COLUMNS    14000 /* of all rows together: about 1 MB of SVG */

struct procs {
	const struct rend_model *model;
	struct rend_frame frame;
	struct rend_proc_rows rows;
	void *strips; /* NULL in a report */
	void *scopes; /* NULL: none */
	double memory_max;
	size_t merge; /* columns drawn as one */
};

static bool has_data(const struct rend_model *model)
{
	return model->totals.process_count > 0;
}

static void release(void *state)
{
	struct procs *procs = state;
	if (procs == NULL)
		return;
	rend_strips_part_free(procs->strips);
	rend_scopes_part_free(procs->scopes);
	rend_proc_rows_release(&procs->rows);
	free(procs);
}

static double strips_px(const struct procs *procs)
{
	return rend_strips_part_px(procs->strips, STRIPS_GAP_PX);
}

static size_t max_rows(const struct procs *procs)
{
	double room_px = procs->frame.max_height_px - strips_px(procs) - HEAD_PX - AXIS_PX -
			 rend_scopes_part_px(procs->scopes);
	if (procs->frame.max_height_px <= 0 || room_px > REND_MAX_PROCESS_ROWS * ROW_PX)
		return REND_MAX_PROCESS_ROWS;
	return room_px > 3 * ROW_PX ? (size_t)(room_px / ROW_PX) : 3;
}

static int load_series(struct rend_model *model, struct procs *procs)
{
	uint32_t ids[REND_MAX_PROCESS_ROWS];
	size_t count = 0;
	uint64_t peak_bytes = 0;
	for (size_t i = 0; i < procs->rows.count; i++) {
		uint32_t id = procs->rows.rows[i].process;
		if (id == 0)
			continue;
		ids[count++] = id;
		if (model->processes[id].peak_bytes > peak_bytes)
			peak_bytes = model->processes[id].peak_bytes;
	}
	procs->memory_max = (double)rend_byte_ceiling(peak_bytes);
	return rend_model_process_series(model, ids, count, NULL);
}

/* Long rows are drawn coarser where there are many, so that the picture stays small. */
static size_t choose_merge(const struct procs *procs)
{
	size_t columns = 0;
	for (size_t i = 0; i < procs->rows.count; i++) {
		const struct rend_proc_row *row = &procs->rows.rows[i];
		columns += row->process != 0 ? procs->model->processes[row->process].cpu.count
					     : row->cpu.count;
	}
	return columns / MAX_COLUMNS + 1;
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct procs *procs = calloc(1, sizeof(*procs));
	if (procs == NULL)
		return TFMT_E_NOMEM;
	procs->model = model;
	procs->frame = *frame;
	int status = rend_strips_part_new(model, frame, &procs->strips);
	if (status == 0)
		status = rend_scopes_part_new(model, frame, &procs->scopes);
	if (status == 0)
		status = rend_proc_rows_init(&procs->rows, model, max_rows(procs));
	if (status == 0)
		status = load_series(model, procs);
	procs->merge = choose_merge(procs);
	if (status < 0)
		release(procs);
	else
		*ret_state = procs;
	return status;
}

static double height_px(const void *state)
{
	const struct procs *procs = state;
	return strips_px(procs) + HEAD_PX + (double)procs->rows.count * ROW_PX +
	       rend_scopes_part_px(procs->scopes) + (procs->frame.is_part ? 0 : AXIS_PX);
}

static double indent_px(const struct rend_proc_row *row)
{
	return INDENT_PX * (row->depth < MAX_INDENT ? row->depth : MAX_INDENT);
}

/* Without room for two columns of figures: CPU time and, below it, peak memory. */
static bool is_narrow(const struct procs *procs)
{
	const struct rend_frame *frame = &procs->frame;
	return frame->x + frame->width_px - frame->axis.x1 < RIGHT_PX;
}

static void draw_column_heads(
	const struct procs *procs, struct rend_scene *scene, struct rend_text text)
{
	const struct rend_frame *frame = &procs->frame;
	text.anchor = REND_ANCHOR_END;
	text.x = is_narrow(procs) ? frame->x + frame->width_px : frame->axis.x1 + CPU_COLUMN_PX;
	text.text = is_narrow(procs) && procs->model->totals.has_memory ? "CPU, peak" : "CPU";
	if (procs->model->totals.has_cpu)
		rend_scene_text(scene, &text);
	text.x = frame->x + frame->width_px;
	text.text = "peak memory";
	if (procs->model->totals.has_memory && !is_narrow(procs))
		rend_scene_text(scene, &text);
}

/* What the colours mean, and what the columns hold. */
static void draw_head(const struct procs *procs, struct rend_scene *scene, double y)
{
	const struct rend_frame *frame = &procs->frame;
	char memory[NUM_TEXT_BYTES];
	char memory_text[64];
	struct rend_text text = {
		.x = frame->x + 13,
		.y = y + 10,
		.text = "CPU, 0\u20131 core",
		.font = REND_FONT_SMALL,
		.role = REND_MUTED,
	};
	if (procs->model->totals.has_cpu) {
		rend_scene_rect(scene, REND_CPU, (struct rend_rect){frame->x, y + 2, 9, 9});
		text.x += rend_scene_text(scene, &text) + 14;
	} else {
		text.x = frame->x;
	}
	if (procs->model->totals.has_memory) {
		struct rend_point line[] = {{text.x, y + 6.5}, {text.x + 14, y + 6.5}};
		rend_scene_line(scene, REND_MEMORY, 2, false, line, 2);
		snprintf(memory_text, sizeof(memory_text), "memory, 0\u2013%s",
			num_bytes(memory, (uint64_t)procs->memory_max));
		text.x += 18;
		text.text = memory_text;
		if (is_narrow(procs) &&
			text.x + rend_text_width_px(text.font, memory_text) > frame->axis.x1)
			text.text = "memory";
		rend_scene_text(scene, &text);
	}
	draw_column_heads(procs, scene, text);
}

static double row_scale(const struct rend_series *cpu)
{
	double max = rend_series_max_mean(cpu);
	return max > 1.1 ? ceil(max - 0.1) : 1;
}

/* What the height of a row stands for, where it is not one core. */
static void scale_text(double scale, char *text, size_t size)
{
	snprintf(text, size, "0\u2013%.0f cores", scale);
}

static struct rend_plot row_plot(const struct procs *procs, const struct rend_series *cpu, double y)
{
	return (struct rend_plot){
		.x0 = procs->frame.axis.x0,
		.x1 = procs->frame.axis.x1,
		.y = y + BAR_INSET_PX,
		.height = BAR_PX,
		.columns = procs->model->bin_count,
		.merge = procs->merge,
		.max = row_scale(cpu),
	};
}

/* The columns a life touches, so that the bar and the area in it have the same ends. */
static struct rend_rect life_rect(
	const struct procs *procs, uint64_t begin_ns, uint64_t end_ns, double y)
{
	const struct rend_model *model = procs->model;
	const struct rend_time_axis *axis = &procs->frame.axis;
	double column_px = (axis->x1 - axis->x0) / (double)model->bin_count;
	double first = (double)((begin_ns - model->begin_ns) / model->column_ns);
	double last = (double)((end_ns - model->begin_ns) / model->column_ns);
	double x = axis->x0 + first * column_px;
	double x1 = fmin(axis->x0 + (last + 1) * column_px, axis->x1);
	if (x1 - x < MIN_BAR_PX)
		x = fmin(x, axis->x1 - MIN_BAR_PX);
	return (struct rend_rect){x, y + BAR_INSET_PX, fmax(x1 - x, MIN_BAR_PX), BAR_PX};
}

static double from_origin(const struct rend_model *model, uint64_t time_ns)
{
	return ((double)time_ns - (double)model->origin_ns) / 1e9;
}

/* What hovering over a process tells. */
static void put_process_title(
	const struct rend_model *model, const struct rend_process *process, FILE *stream)
{
	char command[400], failure[REND_FACTS_BYTES];
	char life[NUM_TEXT_BYTES], cpu[NUM_TEXT_BYTES], part[NUM_TEXT_BYTES];
	const struct tfmt_process_info *info = process->info;
	tfmt_trace_command(model->trace, process->id, command, sizeof(command));
	fprintf(stream, "%s\nPID %u, started by %u\n%.3f s to %.3f s: %s\n", command,
		(unsigned)info->pid, (unsigned)info->ppid, from_origin(model, process->begin_ns),
		from_origin(model, process->end_ns),
		num_duration(life, process->end_ns - process->begin_ns));
	if (process->has_cpu)
		fprintf(stream, "CPU %s", num_duration(cpu, process->cpu_ns));
	else
		fputs("CPU not measured", stream);
	if (process->system_ns > 0)
		fprintf(stream, ", %s of it system", num_duration(part, process->system_ns));
	if (process->peak_bytes > 0)
		fprintf(stream, "\npeak %s at %.3f s", num_bytes(part, process->peak_bytes),
			from_origin(model, process->peak_ns));
	if (process->peak_threads > 1)
		fprintf(stream, "\nup to %u threads", (unsigned)process->peak_threads);
	rend_facts_failure(info, failure);
	if (info->status_type == TFMT_STATUS_ALIVE)
		fputs("\nstill running at the end", stream);
	else if (info->status_type == TFMT_STATUS_EXITED && info->status == 0)
		fputs("\nexit status 0", stream);
	else
		fprintf(stream, "\n%s", failure[0] != '\0' ? failure : "exit status unknown");
}

/* Empty without memory: then there is nothing to hover. */
static void process_title(
	const struct rend_model *model, const struct rend_process *process, char *text, size_t size)
{
	FILE *stream = fmemopen(text, size, "w");
	text[0] = '\0';
	if (stream == NULL)
		return;
	put_process_title(model, process, stream);
	fclose(stream);
}

static void draw_process(const struct procs *procs, struct rend_scene *scene,
	const struct rend_process *process, double y)
{
	char title[ROW_TITLE_SIZE];
	struct rend_rect rect = life_rect(procs, process->begin_ns, process->end_ns, y);
	struct rend_plot plot = row_plot(procs, &process->cpu, y);
	rend_scene_rect(scene, REND_LIFE, rect);
	rend_plot_area(scene, &plot, REND_CPU, &process->cpu, NULL);
	plot.max = procs->memory_max;
	if (process->peak_bytes > 0)
		rend_plot_line(scene, &plot, REND_MEMORY, &process->memory);
	process_title(procs->model, process, title, sizeof(title));
	rend_scene_item(scene, &(struct rend_item){.rect = rect, .title = title});
}

static void draw_fold(const struct procs *procs, struct rend_scene *scene,
	const struct rend_proc_row *row, double y)
{
	char name[256], cpu[NUM_TEXT_BYTES], title[512];
	struct rend_rect rect = life_rect(procs, row->begin_ns, row->end_ns, y);
	struct rend_plot plot = row_plot(procs, &row->cpu, y);
	rend_proc_row_name(procs->model, row, REND_FONT_BODY, INFINITY, name, sizeof(name));
	snprintf(title, sizeof(title), "%s\nCPU of all of them %s\nbetween %.3f s and %.3f s", name,
		num_duration(cpu, row->cpu_ns), from_origin(procs->model, row->begin_ns),
		from_origin(procs->model, row->end_ns));
	rend_scene_item(scene,
		&(struct rend_item){
			.rect = rect, .fill = REND_MERGED, .is_hatched = true, .title = title});
	rend_plot_area(scene, &plot, REND_CPU_SYSTEM, &row->cpu, NULL);
}

/*
 * "4102 · 3 threads · exit status 1", the last in the colour of warnings; where there is no room
 * for both, that alone, unless the scale of the row is there.
 */
static void draw_second_line(const struct procs *procs, struct rend_scene *scene,
	const struct rend_process *process, double x, double y, double max_px)
{
	char detail[96], failure[REND_FACTS_BYTES], number[NUM_TEXT_BYTES];
	int length = snprintf(detail, sizeof(detail), "%u", (unsigned)process->info->pid);
	uint32_t threads =
		process->peak_threads > 0 ? process->peak_threads : process->info->thread_count;
	double scale = row_scale(&process->cpu);
	if (scale > 1 && is_narrow(procs)) {
		scale_text(scale, number, sizeof(number));
		snprintf(detail + length, sizeof(detail) - (size_t)length, " \u00b7 %s", number);
	} else if (threads > 1) {
		snprintf(detail + length, sizeof(detail) - (size_t)length, " \u00b7 %u threads",
			(unsigned)threads);
	}
	struct rend_text text = {
		.x = x,
		.y = y,
		.text = detail,
		.font = REND_FONT_SMALL,
		.role = REND_MUTED,
		.max_px = max_px,
	};
	rend_facts_failure(process->info, failure);
	double failure_px = rend_text_width_px(text.font, failure);
	double detail_px = rend_text_width_px(text.font, detail) + FAILURE_GAP_PX;
	if (failure[0] == '\0' || scale > 1 || detail_px + failure_px <= max_px) {
		rend_scene_text(scene, &text);
		text.x += detail_px;
		text.max_px -= detail_px;
	}
	if (failure[0] == '\0' || text.max_px < MIN_FAILURE_PX)
		return;
	text.text = failure;
	text.role = REND_WARNING;
	rend_scene_text(scene, &text);
}

static void draw_name(const struct procs *procs, struct rend_scene *scene,
	const struct rend_proc_row *row, double y)
{
	char name[1024], cpu[NUM_TEXT_BYTES], detail[64];
	double x = procs->frame.x + indent_px(row);
	double max_px = procs->frame.axis.x0 - 12 - x;
	const enum rend_font font = row->depth == 0 ? REND_FONT_STRONG : REND_FONT_BODY;
	rend_proc_row_name(procs->model, row, font, max_px, name, sizeof(name));
	rend_scene_text(scene, &(struct rend_text){
				       .x = x,
				       .y = y + 15,
				       .text = name,
				       .font = font,
				       .role = row->process == 0 ? REND_MUTED : REND_TEXT,
				       .max_px = max_px,
				       .ellipsis = REND_ELLIPSIS_MIDDLE,
			       });
	if (row->process != 0) {
		draw_second_line(
			procs, scene, &procs->model->processes[row->process], x, y + 28, max_px);
		return;
	}
	snprintf(detail, sizeof(detail), "%s CPU%s", num_duration(cpu, row->cpu_ns),
		is_narrow(procs) ? "" : " together");
	rend_scene_text(scene, &(struct rend_text){.x = x,
				       .y = y + 28,
				       .text = detail,
				       .font = REND_FONT_SMALL,
				       .role = REND_MUTED,
				       .max_px = max_px});
}

/* From under the parent's name down and to this one's, in the gutter left of it. */
static void draw_tree_line(
	const struct procs *procs, struct rend_scene *scene, size_t index, double rows_y)
{
	const struct rend_proc_row *row = &procs->rows.rows[index];
	if (row->parent == SIZE_MAX)
		return;
	const struct rend_proc_row *parent = &procs->rows.rows[row->parent];
	double x = floor(procs->frame.x + indent_px(parent)) + 4;
	double end_x = procs->frame.x + indent_px(row) - 4;
	double top = rows_y + (double)(row->parent + 1) * ROW_PX - 1;
	double middle = rows_y + (double)index * ROW_PX + 11;
	if (end_x <= x)
		return;
	rend_scene_rect(scene, REND_TREE, (struct rend_rect){x, top, 1, middle - top});
	rend_scene_rect(scene, REND_TREE, (struct rend_rect){x, middle, end_x - x, 1});
}

static void draw_numbers(const struct procs *procs, struct rend_scene *scene,
	const struct rend_proc_row *row, double y)
{
	const struct rend_process *process = &procs->model->processes[row->process];
	const bool is_fold = row->process == 0;
	double scale = row_scale(is_fold ? &row->cpu : &process->cpu);
	uint64_t peak_bytes = is_fold ? row->peak_bytes : process->peak_bytes;
	const double right_x = procs->frame.x + procs->frame.width_px;
	const double cpu_x = is_narrow(procs) ? right_x : procs->frame.axis.x1 + CPU_COLUMN_PX;
	const bool has_second = is_narrow(procs) ? peak_bytes > 0 : scale > 1;
	char number[NUM_TEXT_BYTES];
	struct rend_text text = {
		.x = cpu_x,
		.y = y + (has_second ? 15 : 21),
		.text = number,
		.font = REND_FONT_LABEL,
		.anchor = REND_ANCHOR_END,
	};
	if (is_fold || process->has_cpu || process->cpu_ns > 0) {
		num_duration(number, is_fold ? row->cpu_ns : process->cpu_ns);
		rend_scene_text(scene, &text);
	}
	if (peak_bytes > 0) {
		num_bytes(number, peak_bytes);
		text.x = right_x;
		text.y = y + (is_narrow(procs) ? 28 : 21);
		rend_scene_text(scene, &text);
	}
	if (scale > 1 && !is_narrow(procs)) {
		scale_text(scale, number, sizeof(number));
		text.x = cpu_x;
		text.y = y + 28;
		text.font = REND_FONT_SMALL;
		text.role = REND_MUTED;
		rend_scene_text(scene, &text);
	}
}

static void draw_rows(const struct procs *procs, struct rend_scene *scene, double y)
{
	const struct rend_frame *frame = &procs->frame;
	const size_t count = procs->rows.count;
	for (size_t i = 1; i < count; i += 2)
		rend_scene_rect(scene, REND_PANEL,
			(struct rend_rect){frame->x - STRIPE_OUT_PX, y + (double)i * ROW_PX,
				frame->width_px + 2 * STRIPE_OUT_PX, ROW_PX});
	rend_time_grid(scene, &frame->axis, y, y + (double)count * ROW_PX);
	for (size_t i = 0; i < count; i++) {
		const struct rend_proc_row *row = &procs->rows.rows[i];
		double row_y = y + (double)i * ROW_PX;
		char name[256];
		rend_proc_row_name(procs->model, row, REND_FONT_BODY, LEFT_PX, name, sizeof(name));
		rend_scene_group(scene, name);
		draw_tree_line(procs, scene, i, y);
		draw_name(procs, scene, row, row_y);
		if (row->process == 0)
			draw_fold(procs, scene, row, row_y);
		else
			draw_process(procs, scene, &procs->model->processes[row->process], row_y);
		draw_numbers(procs, scene, row, row_y);
		rend_scene_group_end(scene);
	}
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct procs *procs = state;
	rend_strips_part_draw(procs->strips, scene, y);
	y += strips_px(procs);
	rend_scene_section(scene, y, "Processes");
	draw_head(procs, scene, y);
	y += HEAD_PX;
	draw_rows(procs, scene, y);
	y += (double)procs->rows.count * ROW_PX;
	rend_scopes_part_draw(procs->scopes, &procs->frame.axis, scene, y);
	y += rend_scopes_part_px(procs->scopes);
	if (!procs->frame.is_part)
		rend_time_labels(scene, &procs->frame.axis, y + 17);
}

const struct rend_view rend_view_procs = {
	.name = "procs",
	.summary = "the process tree over time: lives, CPU and memory",
	.has_data = has_data,
	.missing = "No process is in this part of the recording.",
	.left_px = LEFT_PX,
	.right_px = RIGHT_PX,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.text = rend_procs_text,
};
