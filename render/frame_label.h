/* Names of functions made to fit into boxes. */
#ifndef REND_FRAME_LABEL_H
#define REND_FRAME_LABEL_H

#include <stddef.h>

#include "text.h"
#include "tracefmt/trace.h"

/*
 * The most telling form of a function's name, with `share` ("8.5 %", may be "") behind it, that is
 * at most `room_px` wide in `font`: whole; template arguments as <…>; parameters as (…); without
 * the share; without the outer namespaces, "…::Parser::next". A name that is too wide even so is
 * given as its last identifier, to be cut at its end; an address is then not given at all.
 */
void rend_frame_label(enum rend_font font, const char *name, const char *share, double room_px,
	char *out, size_t size);

/*
 * The same for a location. Python's names keep what is in <>, and lose what is before a dot; one
 * that is no name, "<module>", has its file beside it where there is room.
 */
void rend_location_label(enum rend_font font, const struct tfmt_location *location,
	const char *share, double room_px, char *out, size_t size);

/*
 * The same for what stands on top of a stack that waited: "[waiting: futex] 8.5 %", without
 * `suffix`, "futex". "" when nothing fits.
 */
void rend_wait_label(enum rend_font font, const char *name, const char *suffix, double room_px,
	char *out, size_t size);

#endif
