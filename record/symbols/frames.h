/*
 * Where functions are that have no names: .eh_frame, which every program keeps so that it can be
 * unwound, has the range of each of its functions.
 */
#ifndef RECORD_FRAMES_H
#define RECORD_FRAMES_H

#include "symbols/elf_file.h"
#include "symbols/intervals.h"

struct rec_frames;

/* `file` has to outlive the result. Returns NULL when there is no memory. */
struct rec_frames *rec_frames_new(const struct rec_elf_file *file);
void rec_frames_free(struct rec_frames *frames);
/* Memory taken: little, but for a file without the table of .eh_frame_hdr, after the first look. */
size_t rec_frames_bytes(const struct rec_frames *frames);

/*
 * The range of the function that covers `address`, within its section. Returns false when no
 * function does.
 * Cost: a binary search; without the table, the first time, one pass over .eh_frame.
 */
bool rec_frames_find(
	struct rec_frames *frames, uint64_t address, struct rec_interval *ret_function);

#endif
