#include "scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

#define LABEL_MIN_WIDTH_PX 24
/* Of what hovering shows: a template's full name can have 100 KB. */
#define MAX_TITLE_BYTES 1000

/* Memory for the texts and points of a scene: freed all at once. */
struct rend_arena {
	struct rend_arena *next;
	size_t used, size;
	max_align_t data[];
};

static void *scene_alloc(struct rend_scene *scene, size_t size)
{
	struct rend_arena *arena = scene->arena;
	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (arena == NULL || arena->size - arena->used < size) {
		size_t room = size > 65536 ? size : 65536;
		arena = malloc(sizeof(*arena) + room);
		if (arena == NULL) {
			scene->has_failed = true;
			return NULL;
		}
		*arena = (struct rend_arena){.next = scene->arena, .size = room};
		scene->arena = arena;
	}
	void *memory = (char *)arena->data + arena->used;
	arena->used += size;
	return memory;
}

static const char *scene_copy(struct rend_scene *scene, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = scene_alloc(scene, size);
	if (copy == NULL)
		return "";
	return memcpy(copy, text, size);
}

int rend_scene_new(double width_px, struct rend_scene **ret_scene)
{
	struct rend_scene *scene = calloc(1, sizeof(*scene));
	if (scene == NULL)
		return TFMT_E_NOMEM;
	scene->width_px = width_px;
	scene->title = "";
	scene->description = "";
	*ret_scene = scene;
	return 0;
}

void rend_scene_free(struct rend_scene *scene)
{
	if (scene == NULL)
		return;
	while (scene->arena != NULL) {
		struct rend_arena *next = scene->arena->next;
		free(scene->arena);
		scene->arena = next;
	}
	free(scene->shapes);
	free(scene->marks);
	free(scene);
}

bool rend_scene_failed(const struct rend_scene *scene)
{
	return scene->has_failed;
}

/* Each line cleaned and cut; the lines stay. */
static const char *copy_lines(struct rend_scene *scene, const char *text)
{
	char lines[MAX_TITLE_BYTES + 8];
	char line[400];
	char raw[400];
	size_t length = 0;
	while (*text != '\0') {
		size_t line_length = strcspn(text, "\n");
		snprintf(raw, sizeof(raw), "%.*s",
			(int)(line_length < sizeof(raw) ? line_length : sizeof(raw) - 1), text);
		rend_text_shorten(REND_FONT_SMALL, raw, 0, REND_ELLIPSIS_END, line, sizeof(line));
		if (length + strlen(line) + 1 > MAX_TITLE_BYTES)
			break;
		length += (size_t)snprintf(lines + length, sizeof(lines) - length, "%s%s",
			length > 0 ? "\n" : "", line);
		text += line_length;
		text += *text == '\n';
	}
	lines[length] = '\0';
	return scene_copy(scene, lines);
}

void rend_scene_describe(struct rend_scene *scene, const char *title, const char *description)
{
	scene->title = copy_lines(scene, title);
	scene->description = copy_lines(scene, description);
}

static struct rend_shape *add_shape(struct rend_scene *scene)
{
	if (scene->shape_count == scene->shape_room) {
		size_t room = scene->shape_room > 0 ? scene->shape_room * 2 : 256;
		struct rend_shape *shapes = realloc(scene->shapes, room * sizeof(*shapes));
		if (shapes == NULL) {
			scene->has_failed = true;
			return NULL;
		}
		scene->shapes = shapes;
		scene->shape_room = room;
	}
	return &scene->shapes[scene->shape_count++];
}

static struct rend_mark *add_mark(struct rend_scene *scene)
{
	if (scene->mark_count == scene->mark_room) {
		size_t room = scene->mark_room > 0 ? scene->mark_room * 2 : 256;
		struct rend_mark *marks = realloc(scene->marks, room * sizeof(*marks));
		if (marks == NULL) {
			scene->has_failed = true;
			return NULL;
		}
		scene->marks = marks;
		scene->mark_room = room;
	}
	return &scene->marks[scene->mark_count++];
}

static void add_rect(struct rend_scene *scene, enum rend_shape_type type, enum rend_role role,
	struct rend_rect rect)
{
	if (rect.width <= 0 || rect.height <= 0)
		return;
	struct rend_shape *shape = add_shape(scene);
	if (shape != NULL)
		*shape = (struct rend_shape){.type = type, .role = role, .rect = rect};
}

void rend_scene_rect(struct rend_scene *scene, enum rend_role role, struct rend_rect rect)
{
	add_rect(scene, REND_SHAPE_RECT, role, rect);
}

void rend_scene_hatch(struct rend_scene *scene, enum rend_role role, struct rend_rect rect)
{
	add_rect(scene, REND_SHAPE_HATCH, role, rect);
}

static void add_points(struct rend_scene *scene, struct rend_shape shape,
	const struct rend_point *points, size_t count)
{
	if (count < 2)
		return;
	shape.points = scene_alloc(scene, count * sizeof(*points));
	shape.point_count = count;
	if (shape.points == NULL)
		return;
	memcpy(shape.points, points, count * sizeof(*points));
	struct rend_shape *added = add_shape(scene);
	if (added != NULL)
		*added = shape;
}

void rend_scene_area(struct rend_scene *scene, enum rend_role role, const struct rend_point *points,
	size_t count)
{
	add_points(
		scene, (struct rend_shape){.type = REND_SHAPE_AREA, .role = role}, points, count);
}

void rend_scene_line(struct rend_scene *scene, enum rend_role role, double width_px, bool has_halo,
	const struct rend_point *points, size_t count)
{
	add_points(scene,
		(struct rend_shape){
			.type = REND_SHAPE_LINE,
			.role = role,
			.width_px = width_px,
			.has_halo = has_halo,
		},
		points, count);
}

double rend_scene_text(struct rend_scene *scene, const struct rend_text *text)
{
	char clean[1024];
	if (text->max_px < 0)
		return 0;
	double width_px = rend_text_shorten(
		text->font, text->text, text->max_px, text->ellipsis, clean, sizeof(clean));
	if (clean[0] == '\0')
		return 0;
	struct rend_mark *mark = add_mark(scene);
	if (mark == NULL)
		return 0;
	*mark = (struct rend_mark){.type = REND_MARK_TEXT, .text = *text};
	mark->text.text = scene_copy(scene, clean);
	if (text->role == REND_NONE)
		mark->text.role = REND_TEXT;
	return width_px;
}

double rend_label_baseline(struct rend_rect rect)
{
	/* Half the height of a capital under the middle. */
	return rect.y + rect.height / 2 + 0.36 * rend_font_size_px(REND_FONT_LABEL);
}

/* The label as it fits into the box, NULL when it does not. */
static const char *fit_label(struct rend_scene *scene, const struct rend_item *item)
{
	char label[512];
	if (item->label == NULL || item->rect.width < LABEL_MIN_WIDTH_PX ||
		scene->label_count >= REND_MAX_LABELS)
		return NULL;
	rend_text_shorten(REND_FONT_LABEL, item->label, item->rect.width - 2 * REND_LABEL_INSET_PX,
		item->ellipsis, label, sizeof(label));
	if (label[0] == '\0')
		return NULL;
	scene->label_count++;
	return scene_copy(scene, label);
}

void rend_scene_item(struct rend_scene *scene, const struct rend_item *item)
{
	if (item->rect.width <= 0 || item->rect.height <= 0 || scene->item_count >= REND_MAX_ITEMS)
		return;
	struct rend_mark *mark = add_mark(scene);
	if (mark == NULL)
		return;
	scene->item_count++;
	*mark = (struct rend_mark){.type = REND_MARK_ITEM, .item = *item};
	mark->item.label = fit_label(scene, item);
	mark->item.title = item->title != NULL ? copy_lines(scene, item->title) : NULL;
	if (item->is_hatched) {
		rend_scene_hatch(scene, item->fill, item->rect);
		mark->item.is_hatched = true;
	}
}

void rend_scene_group(struct rend_scene *scene, const char *title)
{
	struct rend_mark *mark = add_mark(scene);
	if (mark != NULL)
		*mark = (struct rend_mark){
			.type = REND_MARK_GROUP, .group_title = copy_lines(scene, title)};
}

void rend_scene_group_end(struct rend_scene *scene)
{
	struct rend_mark *mark = add_mark(scene);
	if (mark != NULL)
		*mark = (struct rend_mark){.type = REND_MARK_GROUP_END};
}

void rend_scene_section(struct rend_scene *scene, double y, const char *title)
{
	struct rend_mark *mark = add_mark(scene);
	if (mark != NULL)
		*mark = (struct rend_mark){.type = REND_MARK_SECTION,
			.section_title = copy_lines(scene, title),
			.section_y = y};
}

static void dump_rect(struct rend_rect rect, FILE *stream)
{
	fprintf(stream, " %.1f,%.1f %.1fx%.1f", rect.x, rect.y, rect.width, rect.height);
}

static void dump_shape(const struct rend_shape *shape, FILE *stream)
{
	static const char *const names[] = {
		[REND_SHAPE_RECT] = "rect",
		[REND_SHAPE_HATCH] = "hatch",
		[REND_SHAPE_AREA] = "area",
		[REND_SHAPE_LINE] = "line",
	};
	fprintf(stream, "%s %s", names[shape->type], rend_role_name(shape->role));
	if (shape->points == NULL)
		dump_rect(shape->rect, stream);
	for (size_t i = 0; i < shape->point_count; i++)
		fprintf(stream, " %.1f,%.1f", shape->points[i].x, shape->points[i].y);
	fputc('\n', stream);
}

/* Line ends inside titles become " | ", so that a primitive stays a line. */
static void dump_words(const char *name, const char *text, FILE *stream)
{
	fprintf(stream, " %s\"", name);
	for (; *text != '\0'; text++)
		fputs(*text == '\n' ? " | " : (char[]){*text, '\0'}, stream);
	fputc('"', stream);
}

static void dump_mark(const struct rend_mark *mark, FILE *stream)
{
	static const char *const anchors[] = {"start", "middle", "end"};
	switch (mark->type) {
	case REND_MARK_TEXT:
		fprintf(stream, "text %s %.1f,%.1f %s %gpx", rend_role_name(mark->text.role),
			mark->text.x, mark->text.y, anchors[mark->text.anchor],
			rend_font_size_px(mark->text.font));
		dump_words("", mark->text.text, stream);
		break;
	case REND_MARK_ITEM:
		fprintf(stream, "item %s", rend_role_name(mark->item.fill));
		dump_rect(mark->item.rect, stream);
		if (mark->item.fade > 0)
			fprintf(stream, " fade=%.2f", mark->item.fade);
		if (mark->item.label != NULL)
			dump_words("label=", mark->item.label, stream);
		if (mark->item.title != NULL)
			dump_words("title=", mark->item.title, stream);
		break;
	case REND_MARK_GROUP:
		fputs("group", stream);
		dump_words("", mark->group_title, stream);
		break;
	case REND_MARK_GROUP_END:
		fputs("group end", stream);
		break;
	case REND_MARK_SECTION:
		fprintf(stream, "section %.1f", mark->section_y);
		dump_words("", mark->section_title, stream);
		break;
	}
	fputc('\n', stream);
}

void rend_scene_dump(const struct rend_scene *scene, FILE *stream)
{
	fprintf(stream, "scene %.0fx%.0f", scene->width_px, scene->height_px);
	dump_words("", scene->title, stream);
	fputc('\n', stream);
	for (size_t i = 0; i < scene->shape_count; i++)
		dump_shape(&scene->shapes[i], stream);
	for (size_t i = 0; i < scene->mark_count; i++)
		dump_mark(&scene->marks[i], stream);
}
