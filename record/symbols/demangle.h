/*
 * Names as the linker has them, made readable: C++ and Rust. Hostile names cost bounded time,
 * stack and memory.
 */
#ifndef RECORD_DEMANGLE_H
#define RECORD_DEMANGLE_H

#include <stddef.h>

/* The longest name anybody gets, its NUL included: what is longer ends in "...". */
#define REC_NAME_BYTES_MAX 4096

/*
 * Write `name`, without its "@VERSION", readable into `text`, which has REC_NAME_BYTES_MAX bytes.
 * Returns `text`.
 */
char *rec_demangle(const char *name, char *text);

/* The same for a name that is readable already: as it is, cut when it is too long. */
char *rec_cut_name(const char *name, char *text);

#endif
