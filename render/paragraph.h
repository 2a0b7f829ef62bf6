/* Text in as many lines as it needs: of facts, of a command, of a sentence. */
#ifndef REND_PARAGRAPH_H
#define REND_PARAGRAPH_H

#include "scene.h"

#define REND_PARAGRAPH_BYTES 4096

/*
 * Draw `style->text` with the first baseline at `*y`, `line_px` from line to line, none wider than
 * `style->max_px`: broken between facts, or else between words. The last of `max_lines` (0: as
 * many as it takes) is shortened as the style has it. `*y` becomes the last baseline.
 * Returns: the width of the last line.
 */
double rend_paragraph(struct rend_scene *scene, const struct rend_text *style, double line_px,
	int max_lines, double *y);

#endif
