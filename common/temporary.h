/* Unlinked files in $TMPDIR, or /tmp. */
#ifndef COMMON_TEMPORARY_H
#define COMMON_TEMPORARY_H

#include <stdio.h>

#include "msg.h"

/* The folder they are in, for messages. */
const char *temporary_folder(void);
/* Returns a descriptor for reading and writing, or -1 and errno. */
int temporary_open(void);
/* The same after saying why not. */
int temporary_open_or_say(const struct msg *msg);
/* The same as a stream, or NULL. */
FILE *temporary_stream(const struct msg *msg);

#endif
