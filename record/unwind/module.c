#include "module.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "rooted.h"
#include "tracefmt/error.h"

/* Cached addresses keep 16 bits for the module. */
#define MAX_MODULES 65535u
#define BUCKETS	    1024u
/* How often a file that could not be opened is tried again when it is mapped again. */
#define MAX_ATTEMPTS 4u

struct rec_modules {
	struct module **items;
	size_t count, capacity;
	struct module *buckets[BUCKETS]; /* of files, by path */
	struct module *vdso;
	size_t open_files, max_files;
	uint64_t uses;
	struct timespec start; /* files changed since are not trusted on their name alone */
};

static uint32_t hash_path(const char *path)
{
	uint32_t hash = 2166136261u;

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * 16777619u;
	return hash % BUCKETS;
}

/* Returns: a new module in the table, or NULL when there is no room. */
static struct module *add_module(
	struct rec_modules *modules, enum rec_module_type type, const char *path, pid_t pid)
{
	if (modules->count == MAX_MODULES)
		return NULL;
	if (modules->count == modules->capacity) {
		size_t capacity = modules->capacity ? 2 * modules->capacity : 64;
		struct module **items = reallocarray(modules->items, capacity, sizeof(*items));

		if (!items)
			return NULL;
		modules->items = items;
		modules->capacity = capacity;
	}
	struct module *module = calloc(1, sizeof(*module));
	char *own_path = strdup(path);

	if (!module || !own_path) {
		free(module);
		free(own_path);
		return NULL;
	}
	module->base.path = own_path;
	module->base.index = (uint32_t)modules->count;
	module->base.type = type;
	module->base.pid = pid;
	module->base.fd = -1;
	modules->items[modules->count++] = module;
	return module;
}

static void set_build_id(struct module *module, const uint8_t *id, size_t size)
{
	module->base.build_id_size = size < REC_BUILD_ID_BYTES ? size : REC_BUILD_ID_BYTES;
	memcpy(module->base.build_id, id, module->base.build_id_size);
}

struct rec_modules *rec_modules_new(size_t max_files)
{
	struct rec_modules *modules = calloc(1, sizeof(*modules));

	if (!modules)
		return NULL;
	modules->max_files = max_files > 0 ? max_files : 1;
	clock_gettime(CLOCK_REALTIME, &modules->start);
	if (!add_module(modules, REC_MODULE_UNKNOWN, "[unknown]", 0)) {
		rec_modules_free(modules);
		return NULL;
	}
	return modules;
}

void rec_modules_free(struct rec_modules *modules)
{
	if (!modules)
		return;
	for (size_t i = 0; i < modules->count; i++) {
		struct module *module = modules->items[i];

		if (module->base.fd >= 0)
			close(module->base.fd);
		elf_image_free(module->image);
		free((char *)module->base.path);
		free(module);
	}
	free(modules->items);
	free(modules);
}

uint32_t rec_modules_count(const struct rec_modules *modules)
{
	return (uint32_t)modules->count;
}

struct rec_module *rec_modules_get(const struct rec_modules *modules, uint32_t index)
{
	return &modules->items[index]->base;
}

struct module *modules_unknown(const struct rec_modules *modules)
{
	return modules->items[0];
}

struct module *modules_add_jit(struct rec_modules *modules, pid_t pid)
{
	char name[32];

	snprintf(name, sizeof(name), "[jit %d]", (int)pid);
	struct module *module = add_module(modules, REC_MODULE_JIT, name, pid);

	return module ? module : modules_unknown(modules);
}

/* ---- files ---- */

/* The file `path` in the root that process `pid` has. Returns: an fd or -1. */
static int open_in_root(pid_t pid, const char *path)
{
	char place[64];

	snprintf(place, sizeof(place), "/proc/%d/root", (int)pid);
	int root = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root >= 0 ? rec_open_rooted(root, path) : -1;

	if (root >= 0)
		close(root);
	return fd;
}

/* Close the file that was used least recently, so that another can be open. */
static void put_one_aside(struct rec_modules *modules)
{
	struct module *oldest = NULL;

	for (size_t i = 0; i < modules->count; i++) {
		struct module *module = modules->items[i];

		if (module->base.fd >= 0 && module->base.type == REC_MODULE_FILE &&
			(!oldest || module->last_use < oldest->last_use))
			oldest = module;
	}
	if (!oldest)
		return;
	close(oldest->base.fd);
	oldest->base.fd = -1;
	modules->open_files--;
}

static void take_fd(struct rec_modules *modules, struct module *module, int fd)
{
	if (modules->open_files >= modules->max_files)
		put_one_aside(modules);
	module->base.fd = fd;
	module->last_use = ++modules->uses;
	modules->open_files++;
}

static bool is_same_file(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
	       one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
	       one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

int modules_use_fd(struct rec_modules *modules, struct module *module)
{
	struct stat now;

	module->last_use = ++modules->uses;
	if (module->base.fd >= 0 || !module->image || module->open_attempts > MAX_ATTEMPTS)
		return module->base.fd;
	int fd = rec_open_regular(module->base.path);

	if (fd >= 0 && fstat(fd, &now) == 0 && is_same_file(&now, &module->stat)) {
		take_fd(modules, module, fd);
		return fd;
	}
	if (fd >= 0)
		close(fd);
	module->open_attempts++;
	return -1;
}

int rec_module_dup(struct rec_modules *modules, struct rec_module *base)
{
	int fd = modules_use_fd(modules, (struct module *)base);

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void rec_module_stat(const struct rec_module *base, struct stat *ret_stat)
{
	*ret_stat = ((const struct module *)base)->stat;
}

int rec_module_dup_jitdump(struct rec_modules *modules, struct rec_module *base)
{
	struct module *jitdump = ((struct module *)base)->jitdump;

	/* It grows. */
	int fd = jitdump ? modules_use_fd(modules, jitdump) : -1;

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void rec_module_renew_jit(struct rec_modules *modules, struct rec_module *base)
{
	struct module *module = (struct module *)base;
	char name[32];

	/* The rest of the numbers is for files. */
	if (module->successor || modules->count >= MAX_MODULES / 2)
		return;
	snprintf(name, sizeof(name), "[jit %d.%u]", (int)base->pid, module->generation + 1);
	module->successor = add_module(modules, REC_MODULE_JIT, name, base->pid);
	if (!module->successor)
		return;
	module->successor->generation = module->generation + 1;
	module->successor->jitdump = module->jitdump;
}

/* How the file that an event names can be reached, best first. */
enum way {
	WAY_MAPPING, /* the mapping itself: the file for sure, also when it is deleted */
	WAY_EXE,     /* the executable, deleted or not, where the mapping needs privileges */
	WAY_ROOT,    /* the path as the process sees it: another root, a container */
	WAY_PATH,    /* the process is gone: hope that it saw what we see */
	WAY_COUNT,
};

/* Returns: an fd or -1. */
static int open_mapped(const struct rec_map_event *event, enum way way, const char *path)
{
	char place[64];

	switch (way) {
	case WAY_MAPPING:
		snprintf(place, sizeof(place), "/proc/%d/map_files/%llx-%llx", (int)event->pid,
			(unsigned long long)event->start,
			(unsigned long long)(event->start + event->length));
		break;
	case WAY_EXE:
		snprintf(place, sizeof(place), "/proc/%d/exe", (int)event->pid);
		break;
	case WAY_ROOT:
		return open_in_root(event->pid, path);
	default:
		return rec_open_regular(path);
	}
	return rec_open_regular(place);
}

/* Whether the file that was opened is the one that was mapped. `image` may be NULL. */
static bool is_mapped_file(const struct rec_modules *modules, const struct rec_map_event *event,
	enum way way, const struct stat *stat, const struct elf_image *image)
{
	if (event->build_id_size > 0)
		return image && image->build_id_size == event->build_id_size &&
		       memcmp(image->build_id, event->build_id, event->build_id_size) == 0;
	if (way == WAY_MAPPING)
		return true;
	if (event->inode == stat->st_ino && event->device_major == major(stat->st_dev) &&
		event->device_minor == minor(stat->st_dev))
		return true;
	/* Layered file systems show other numbers: there an old file of that name must do. */
	return way == WAY_ROOT && stat->st_ctim.tv_sec < modules->start.tv_sec - 1;
}

struct contents {
	int fd; /* -1: none */
	bool is_foreign;
	struct elf_image *image;
	struct stat stat;
};

static struct contents open_contents(
	const struct rec_modules *modules, const struct rec_map_event *event, const char *path)
{
	for (enum way way = 0; way < WAY_COUNT; way++) {
		struct contents contents = {.fd = -1};

		contents.fd = open_mapped(event, way, path);
		if (contents.fd < 0 || fstat(contents.fd, &contents.stat) < 0)
			continue;
		contents.is_foreign = elf_image_new(contents.fd, &contents.image) == TFMT_E_FORMAT;
		if (is_mapped_file(modules, event, way, &contents.stat, contents.image))
			return contents;
		elf_image_free(contents.image);
		close(contents.fd);
	}
	return (struct contents){.fd = -1};
}

/*
 * Whether the module is what the event maps. A build id says so; without one the file's numbers
 * do, as far as they are known, and that it has not been rewritten in between.
 */
static bool is_module_of(const struct module *module, const struct rec_map_event *event)
{
	const struct rec_module *base = &module->base;
	struct stat now;

	if (event->build_id_size > 0)
		return base->build_id_size == event->build_id_size &&
		       memcmp(base->build_id, event->build_id, event->build_id_size) == 0;
	if (module->inode != 0 ? module->inode != event->inode
			       : module->stat.st_ino != event->inode)
		return false;
	if (module->stat.st_ino == 0)
		return true; /* never seen, so nothing of it can have changed */
	return (base->fd >= 0 ? fstat(base->fd, &now) : stat(base->path, &now)) == 0 &&
	       is_same_file(&now, &module->stat);
}

/* The module of an event, with contents or without. Returns: NULL when it is new. */
static struct module *find_file(const struct rec_modules *modules,
	const struct rec_map_event *event, const char *path, bool with_contents)
{
	struct module *module = modules->buckets[hash_path(path)];

	while (module &&
		!(with_contents == (module->image || module->is_foreign) &&
			strcmp(module->base.path, path) == 0 && is_module_of(module, event)))
		module = module->next;
	return module;
}

static struct module *file_of_event(
	struct rec_modules *modules, const struct rec_map_event *event, const char *path)
{
	struct module *module = find_file(modules, event, path, true);

	if (module)
		return module;
	/* What could not be opened keeps its addresses; the same file opened later is another. */
	module = find_file(modules, event, path, false);
	if (module && ++module->open_attempts > MAX_ATTEMPTS)
		return module;
	struct contents contents = open_contents(modules, event, path);

	if (contents.fd < 0 && module)
		return module;
	module = add_module(modules, REC_MODULE_FILE, path, event->pid);
	if (!module) {
		elf_image_free(contents.image);
		if (contents.fd >= 0)
			close(contents.fd);
		return modules_unknown(modules);
	}
	module->next = modules->buckets[hash_path(path)];
	modules->buckets[hash_path(path)] = module;
	module->image = contents.image;
	module->is_foreign = contents.is_foreign;
	module->stat = contents.stat;
	module->inode = event->inode;
	if (contents.fd >= 0)
		take_fd(modules, module, contents.fd);
	if (event->build_id_size > 0)
		set_build_id(module, event->build_id, event->build_id_size);
	else if (module->image)
		set_build_id(module, module->image->build_id, module->image->build_id_size);
	return module;
}

/* ---- the vDSO ---- */

/* Our own image, which is every 64-bit process's, as a file in memory. Returns: an fd or -1. */
static int copy_vdso(void)
{
	const uint8_t *bytes = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	int fd = bytes ? memfd_create("vdso", MFD_CLOEXEC) : -1;

	for (size_t page = 0; fd >= 0 && page < 4; page++) {
		if (write(fd, bytes + page * 4096, 4096) != 4096)
			break; /* EFAULT: the end */
	}
	return fd;
}

static struct module *vdso(struct rec_modules *modules, pid_t pid)
{
	if (modules->vdso)
		return modules->vdso;
	struct module *module = add_module(modules, REC_MODULE_VDSO, "[vdso]", pid);

	if (!module)
		return modules_unknown(modules);
	module->base.fd = copy_vdso();
	if (module->base.fd >= 0 && elf_image_new(module->base.fd, &module->image) == 0)
		set_build_id(module, module->image->build_id, module->image->build_id_size);
	modules->vdso = module;
	return module;
}

struct module *modules_of_event(struct rec_modules *modules, const struct rec_map_event *event)
{
	static const char deleted[] = " (deleted)";
	char path[4096];
	size_t length = strnlen(event->path, sizeof(path) - 1);

	memcpy(path, event->path, length);
	path[length] = '\0';
	if (strcmp(path, "[vdso]") == 0)
		return vdso(modules, event->pid);
	if (length >= sizeof(deleted) && strcmp(path + length - sizeof(deleted) + 1, deleted) == 0)
		path[length - sizeof(deleted) + 1] = '\0';
	return file_of_event(modules, event, path);
}
