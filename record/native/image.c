#include "native/image.h"

#include <stdlib.h>

struct rec_image *rec_image_new(struct rec_modules *modules, pid_t pid, bool wants_python)
{
	struct rec_image *image = calloc(1, sizeof(*image));
	if (!image)
		return NULL;
	image->pid = pid;
	image->wants_python = wants_python;
	image->space = rec_space_new(modules);
	if (image->space)
		return image;
	free(image);
	return NULL;
}

struct rec_image *rec_image_fork(const struct rec_image *parent, pid_t pid)
{
	struct rec_image *image = calloc(1, sizeof(*image));
	if (!image)
		return NULL;
	image->pid = pid;
	image->wants_python = parent->wants_python;
	image->space = rec_space_clone(parent->space);
	image->is_searched = parent->is_searched;
	if (parent->python)
		image->python = py_process_new(pid);
	if (image->space)
		return image;
	rec_image_free(image);
	return NULL;
}

void rec_image_free(struct rec_image *image)
{
	if (!image)
		return;
	rec_space_free(image->space);
	py_process_free(image->python);
	free(image);
}

void rec_image_exec(struct rec_image *image)
{
	rec_space_clear(image->space);
	py_process_free(image->python);
	image->python = NULL;
	image->is_searched = false;
}

void rec_image_set_python(struct rec_image *image)
{
	if (!image->python)
		image->python = py_process_new(image->pid);
}

static void note_interpreter(struct rec_image *image, const char *path)
{
	if (image->wants_python && !image->python && py_is_interpreter_name(path))
		image->python = py_process_new(image->pid);
}

void rec_image_map(struct rec_image *image, const struct rec_map_event *event)
{
	rec_space_map(image->space, event);
	note_interpreter(image, event->path);
}

/* A visitor of rec_space_each(). */
static bool note_module(void *opaque, struct rec_module *module, uint64_t bias)
{
	note_interpreter(opaque, module->path);
	return true;
}

void rec_image_take_maps(struct rec_image *image, const char *lines)
{
	if (lines) {
		rec_space_clear(image->space);
		rec_space_take_maps(image->space, image->pid, lines);
	} else {
		rec_space_read_maps(image->space, image->pid);
	}
	rec_space_each(image->space, note_module, image);
}
