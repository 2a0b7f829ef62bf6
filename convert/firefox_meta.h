/* What a profile of the Firefox Profiler says of itself: facts, categories, libraries. */
#ifndef CONV_FIREFOX_META_H
#define CONV_FIREFOX_META_H

#include "format.h"
#include "jsonw.h"

/* Both write a key and its value into the object that is open. */
void firefox_put_meta(const struct conv_context *context, struct jsonw *w);
void firefox_put_libraries(const struct conv_context *context, struct jsonw *w);

#endif
