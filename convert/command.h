/* The recorded command, as viewers show it. */
#ifndef CONV_COMMAND_H
#define CONV_COMMAND_H

#include <stddef.h>

#include "tracefmt/header.h"

/* Arguments joined by spaces, or "trace" when there are none; cut to `size_bytes`, at least 8. */
void conv_command_text(const struct tfmt_header *header, char *text, size_t size_bytes);

#endif
