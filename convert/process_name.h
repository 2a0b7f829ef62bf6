/* What a process was called when something happened in it. */
#ifndef CONV_PROCESS_NAME_H
#define CONV_PROCESS_NAME_H

#include "tracefmt/trace.h"

/*
 * The name of the image that `process` ran at `time_ns`, a string id: before its first exec that is
 * its parent's. 0: not known.
 */
uint32_t conv_process_name_at(const struct tfmt_trace *trace, uint32_t process, uint64_t time_ns);

#endif
