/*
 * Languages told apart without colour: a box of Python code is underlined, one of the kernel has a
 * line above it, one of other machine code neither.
 */
#ifndef REND_LANGUAGE_MARK_H
#define REND_LANGUAGE_MARK_H

#include "scene.h"
#include "tracefmt/record.h"

/*
 * Draw the mark of a box, and give `rect` the room that is left for its item. Boxes of
 * native code, and those too narrow for a mark to be seen, stay as they are.
 */
void rend_language_mark(
	struct rend_scene *scene, enum tfmt_language language, struct rend_rect *rect);

#endif
