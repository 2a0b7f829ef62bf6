#include "source.h"

const struct rec_source *const rec_sources[] = {
#define X(id) &rec_source_##id,
#include "sources.def"
#undef X
};

const size_t rec_source_count = sizeof(rec_sources) / sizeof(*rec_sources);
