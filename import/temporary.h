/* Unlinked files in $TMPDIR, or /tmp. */
#ifndef IMPORT_TEMPORARY_H
#define IMPORT_TEMPORARY_H

#include <stdio.h>

#include "msg.h"

/* Returns a descriptor for reading and writing, or -1 after saying why not. */
int imp_temporary(const struct msg *msg);
/* The same as a stream, or NULL. */
FILE *imp_temporary_stream(const struct msg *msg);

#endif
