/* What comes first in a Perfetto trace: facts, clocks, and descriptions of all tracks. */
#ifndef CONV_PERFETTO_TRACKS_H
#define CONV_PERFETTO_TRACKS_H

#include "format.h"
#include "perfetto_stream.h"

/* All return: 0; TFMT_E_NOMEM. */

/* The very first packets. */
int perfetto_put_header(struct perfetto_stream *stream, const struct conv_context *context);

/* Clocks that were read together. */
int perfetto_put_snapshot(struct perfetto_stream *stream, const struct tfmt_clock *clock);

/*
 * Every process, thread and metric that is selected, and tracks for lives and states below them.
 * Viewers know processes by their PID only: those that are drawn as one with another are added to
 * `*ret_shared`.
 */
int perfetto_put_tracks(
	struct perfetto_stream *stream, const struct conv_context *context, uint64_t *ret_shared);

#endif
