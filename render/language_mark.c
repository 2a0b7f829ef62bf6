#include "language_mark.h"

#define MARK_PX	     1.6
#define MIN_WIDTH_PX 3

void rend_language_mark(
	struct rend_scene *scene, enum tfmt_language language, struct rend_rect *rect)
{
	bool is_kernel = language == TFMT_LANG_KERNEL;
	if (rect->width < MIN_WIDTH_PX || (!is_kernel && language != TFMT_LANG_PYTHON))
		return;
	struct rend_rect mark = {rect->x, rect->y, rect->width, MARK_PX};
	rect->height -= MARK_PX;
	if (is_kernel)
		rect->y += MARK_PX;
	else
		mark.y += rect->height;
	rend_scene_rect(scene, REND_MARK, mark);
}
