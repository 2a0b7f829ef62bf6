#include "legend.h"

#include <stdio.h>
#include <string.h>

#include "language_mark.h"

#define SQUARE_PX     10
#define SQUARE_GAP_PX 5
#define ENTRY_GAP_PX  16
#define MAX_LIBRARIES 5
#define MAX_ENTRIES   (REND_ROLE_COUNT + 1) /* Python is no role */
#define NAME_MAX_PX   150
#define NAME_BYTES    160

/* An entry as it is drawn: a colour and what has it. */
struct entry {
	enum rend_role role;
	enum tfmt_language language; /* whose mark the square has */
	double weight;
	double width_px; /* square and text */
	char text[NAME_BYTES];
};

static bool is_library(enum rend_role role)
{
	return role >= REND_LIBRARY && role < REND_LIBRARY + REND_LIBRARY_TINTS;
}

void rend_legend_add(struct rend_legend *legend, enum rend_role role,
	const struct tfmt_location *location, double weight)
{
	char name[REND_LIBRARY_BYTES] = "";
	if (is_library(role) || role == REND_RUNTIME)
		rend_model_library(location, name, sizeof(name));
	if (location->language == TFMT_LANG_PYTHON)
		legend->python += weight;
	for (size_t i = 0; i < legend->count; i++) {
		struct rend_legend_row *row = &legend->rows[i];
		if (row->role == role && strcmp(row->name, name) == 0) {
			row->weight += weight;
			return;
		}
	}
	if (legend->count == REND_MAX_LEGEND)
		return;
	struct rend_legend_row *row = &legend->rows[legend->count++];
	*row = (struct rend_legend_row){.role = role, .weight = weight};
	strcpy(row->name, name);
}

/* The heaviest row of a role, and how many others have it too. NULL: none has. */
static const struct rend_legend_row *heaviest(const struct rend_legend *legend, enum rend_role role,
	double *ret_weight, size_t *ret_count)
{
	const struct rend_legend_row *best = NULL;
	*ret_weight = 0;
	*ret_count = 0;
	for (size_t i = 0; i < legend->count; i++) {
		const struct rend_legend_row *row = &legend->rows[i];
		if (row->role != role)
			continue;
		*ret_weight += row->weight;
		(*ret_count)++;
		if (best == NULL || row->weight > best->weight)
			best = row;
	}
	return best;
}

static bool make_entry(
	const struct rend_legend *legend, enum rend_role role, struct entry *ret_entry)
{
	char name[100];
	struct entry entry = {.role = role};
	size_t count;
	if (role == REND_KERNEL)
		entry.language = TFMT_LANG_KERNEL;
	const struct rend_legend_row *row = heaviest(legend, role, &entry.weight, &count);
	if (row == NULL)
		return false;
	if (role == REND_OWN)
		snprintf(name, sizeof(name), "own code");
	else if (role == REND_SCOPE)
		snprintf(name, sizeof(name), "scopes");
	else if (role == REND_KERNEL)
		snprintf(name, sizeof(name), "kernel");
	else if (role == REND_UNKNOWN)
		snprintf(name, sizeof(name), "unknown");
	else if (role == REND_WAITING)
		snprintf(name, sizeof(name), "waiting");
	else
		rend_text_shorten(REND_FONT_SMALL, row->name, NAME_MAX_PX, REND_ELLIPSIS_MIDDLE,
			name, sizeof(name));
	if (count > 1)
		snprintf(entry.text, sizeof(entry.text), "%s and %zu more", name, count - 1);
	else
		snprintf(entry.text, sizeof(entry.text), "%s", name);
	entry.width_px =
		SQUARE_PX + SQUARE_GAP_PX + rend_text_width_px(REND_FONT_SMALL, entry.text);
	*ret_entry = entry;
	return true;
}

/* What the mark of Python code looks like. */
static bool make_python_entry(const struct rend_legend *legend, struct entry *ret_entry)
{
	*ret_entry = (struct entry){
		.role = REND_ALL,
		.language = TFMT_LANG_PYTHON,
		.weight = legend->python,
		.text = "Python",
		.width_px =
			SQUARE_PX + SQUARE_GAP_PX + rend_text_width_px(REND_FONT_SMALL, "Python"),
	};
	return legend->python > 0;
}

/* Own code, libraries by weight, then what lies below them; as many as fit into max_px: the
 * lightest go first, own code last. */
static size_t make_entries(const struct rend_legend *legend, double max_px,
	struct entry entries[MAX_ENTRIES], double *ret_width_px)
{
	static const enum rend_role order[] = {REND_OWN, REND_SCOPE, REND_LIBRARY, REND_RUNTIME,
		REND_KERNEL, REND_UNKNOWN, REND_WAITING};
	struct entry libraries[REND_LIBRARY_TINTS];
	size_t library_count = 0, count = 0;
	for (enum rend_role i = 0; i < REND_LIBRARY_TINTS; i++) {
		struct entry entry;
		if (!make_entry(legend, REND_LIBRARY + i, &entry))
			continue;
		size_t at = library_count++;
		for (; at > 0 && libraries[at - 1].weight < entry.weight; at--)
			libraries[at] = libraries[at - 1];
		libraries[at] = entry;
	}
	if (library_count > MAX_LIBRARIES)
		library_count = MAX_LIBRARIES;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		if (order[i] == REND_LIBRARY) {
			memcpy(entries + count, libraries, library_count * sizeof(*libraries));
			count += library_count;
		} else if (make_entry(legend, order[i], &entries[count])) {
			count++;
		}
	}
	count += make_python_entry(legend, &entries[count]);
	for (;;) {
		size_t lightest = 0;
		*ret_width_px = 0;
		for (size_t i = 0; i < count; i++) {
			*ret_width_px += entries[i].width_px + (i > 0 ? ENTRY_GAP_PX : 0);
			if (entries[i].role != REND_OWN &&
				(entries[lightest].role == REND_OWN ||
					entries[i].weight < entries[lightest].weight))
				lightest = i;
		}
		if (*ret_width_px <= max_px || count == 0)
			return count;
		count--;
		memmove(entries + lightest, entries + lightest + 1,
			(count - lightest) * sizeof(*entries));
	}
}

double rend_legend_width_px(const struct rend_legend *legend, double max_px)
{
	struct entry entries[MAX_ENTRIES];
	double width_px;
	make_entries(legend, max_px, entries, &width_px);
	return width_px;
}

void rend_legend_draw(const struct rend_legend *legend, struct rend_scene *scene, double x,
	double y, double max_px)
{
	struct entry entries[MAX_ENTRIES];
	double width_px;
	size_t count = make_entries(legend, max_px, entries, &width_px);
	for (size_t i = 0; i < count; i++) {
		struct rend_rect square = {x, y - SQUARE_PX + 1, SQUARE_PX, SQUARE_PX};
		rend_language_mark(scene, entries[i].language, &square);
		if (entries[i].role == REND_WAITING)
			rend_scene_hatch(scene, entries[i].role, square);
		else
			rend_scene_rect(scene, entries[i].role, square);
		rend_scene_text(scene, &(struct rend_text){.x = x + SQUARE_PX + SQUARE_GAP_PX,
					       .y = y,
					       .text = entries[i].text,
					       .font = REND_FONT_SMALL,
					       .role = REND_MUTED});
		x += entries[i].width_px + ENTRY_GAP_PX;
	}
}
