/* What formats that draw time say about the lives of processes and threads. */
#ifndef CONV_LIVES_H
#define CONV_LIVES_H

#include "format.h"

/* "exit 3", "killed by signal 9", "alive at the end"; `text` may be used or not. */
const char *conv_describe_exit(uint8_t status_type, int32_t status, char *text, size_t size_bytes);

/* When a thread ended, with its process at the latest; 0: not known, or it was still alive. */
uint64_t conv_thread_end_ns(const struct tfmt_trace *trace, uint32_t thread);

/*
 * Cut [*begin_ns, *end_ns] to what is shown; an unknown end (0) is the last. False: nothing is
 * left.
 */
bool conv_clip(const struct conv_context *context, uint64_t *begin_ns, uint64_t *end_ns);

#endif
