/* Where a picture may be cut across: between rows, never through a word or a box. */
#ifndef REND_PAGE_BREAKS_H
#define REND_PAGE_BREAKS_H

#include "scene.h"

/*
 * The lowest place above `limit` that no word, box or low shape lies across; the beginning of a
 * section when one begins not far above. `limit` itself when everything below `top` lies across
 * something. Pixels of the scene; the result is more than `top`.
 */
double rend_page_break(const struct rend_scene *scene, double top, double limit);

/* Take away all that is below `y`. What lies across it ends there, words excepted: they go. */
void rend_page_cut(struct rend_scene *scene, double y);

#endif
