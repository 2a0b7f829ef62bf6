#include "paragraph.h"

#include <stdio.h>
#include <string.h>

#include "facts.h"

/* The last `separator` that what is before it fits into `max_px`; NULL: not even the first. */
static char *last_fit(enum rend_font font, char *text, const char *separator, double max_px)
{
	char *best = NULL;
	for (char *gap = strstr(text, separator); gap; gap = strstr(gap + 1, separator)) {
		const char first = *gap;
		*gap = '\0';
		bool fits = rend_text_width_px(font, text) <= max_px;
		*gap = first;
		if (!fits)
			break;
		best = gap;
	}
	return best;
}

/* Cut `text` to a line. Returns what is left for the next one, NULL when nothing is. */
static char *break_line(enum rend_font font, char *text, double max_px)
{
	static const char *const separators[] = {REND_FACTS_GAP, ", ", " "};
	if (rend_text_width_px(font, text) <= max_px)
		return NULL;
	for (size_t i = 0; i < sizeof(separators) / sizeof(*separators); i++) {
		char *gap = last_fit(font, text, separators[i], max_px);
		if (!gap)
			continue;
		/* A comma stays, a gap goes. */
		gap[separators[i][0] == ','] = '\0';
		return gap + strlen(separators[i]);
	}
	return NULL;
}

double rend_paragraph(struct rend_scene *scene, const struct rend_text *style, double line_px,
	int max_lines, double *y)
{
	char copy[REND_PARAGRAPH_BYTES];
	struct rend_text line = *style;
	snprintf(copy, sizeof(copy), "%s", style->text);
	char *text = copy;
	for (int i = 1;; i++) {
		char *rest = i == max_lines ? NULL : break_line(style->font, text, style->max_px);
		line.y = *y;
		line.text = text;
		double width_px = rend_scene_text(scene, &line);
		if (!rest)
			return width_px;
		text = rest;
		*y += line_px;
	}
}
