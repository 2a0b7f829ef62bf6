/* What a process has mapped, and whether it runs Python code. */
#ifndef RECORD_NATIVE_IMAGE_H
#define RECORD_NATIVE_IMAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "cpython/process.h"
#include "unwind/unwind.h"

struct rec_image {
	pid_t pid;
	bool wants_python;
	struct rec_space *space;
	struct py_process *python; /* NULL: no sign of an interpreter */
	bool is_searched;	   /* its program too, for one that no name tells of */
};

/* Returns: NULL without memory. Nothing is mapped yet. */
struct rec_image *rec_image_new(struct rec_modules *modules, pid_t pid, bool wants_python);
/* Of a child that has just been forked. */
struct rec_image *rec_image_fork(const struct rec_image *parent, pid_t pid);
void rec_image_free(struct rec_image *image);

/* It runs Python, whatever its files are called. */
void rec_image_set_python(struct rec_image *image);

/* Nothing is mapped any more. */
void rec_image_exec(struct rec_image *image);
void rec_image_map(struct rec_image *image, const struct rec_map_event *event);
/* All mappings at once: `lines` of its maps file; NULL: read them now. */
void rec_image_take_maps(struct rec_image *image, const char *lines);

#endif
