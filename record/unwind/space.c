#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "space.h"
#include "tracefmt/error.h"

/* As many as the kernel grants a process by default; unmapping is not seen. */
#define MAX_MAPPINGS 65536u

/* Shared between the spaces of parent and child until one of them changes it. */
struct map_table {
	size_t references;
	size_t count, capacity;
	struct mapping items[]; /* in ascending order, not overlapping */
};

struct rec_space {
	struct rec_modules *modules;
	struct map_table *table; /* NULL: nothing is mapped */
	struct module *jit;	 /* for memory without file, NULL: none yet */
	size_t last_hit;
};

struct rec_space *rec_space_new(struct rec_modules *modules)
{
	struct rec_space *space = calloc(1, sizeof(*space));

	if (space)
		space->modules = modules;
	return space;
}

struct rec_space *rec_space_clone(struct rec_space *parent)
{
	struct rec_space *space = rec_space_new(parent->modules);

	if (space) {
		space->table = parent->table;
		space->jit = parent->jit;
		if (space->table)
			space->table->references++;
	}
	return space;
}

void rec_space_clear(struct rec_space *space)
{
	if (space->table && --space->table->references == 0)
		free(space->table);
	space->table = NULL;
	space->jit = NULL;
	space->last_hit = 0;
}

void rec_space_free(struct rec_space *space)
{
	if (!space)
		return;
	rec_space_clear(space);
	free(space);
}

/* Make the table the space's own, with room for `extra` more mappings. */
static int make_writable(struct rec_space *space, size_t extra)
{
	struct map_table *table = space->table;
	size_t count = table ? table->count : 0;

	if (table && table->references == 1 && table->capacity - count >= extra)
		return 0;
	size_t capacity = count + count / 2 + extra;
	struct map_table *own = malloc(sizeof(*own) + capacity * sizeof(own->items[0]));

	if (!own)
		return TFMT_E_NOMEM;
	own->references = 1;
	own->count = count;
	own->capacity = capacity;
	if (count > 0)
		memcpy(own->items, table->items, count * sizeof(own->items[0]));
	if (table && --table->references == 0)
		free(table);
	space->table = own;
	return 0;
}

/* Index of the first mapping that ends after `address`. */
static size_t find_index(const struct map_table *table, uint64_t address)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void remove_items(struct map_table *table, size_t index, size_t count)
{
	memmove(&table->items[index], &table->items[index + count],
		(table->count - index - count) * sizeof(table->items[0]));
	table->count -= count;
}

static void insert_item(struct map_table *table, size_t index, struct mapping item)
{
	memmove(&table->items[index + 1], &table->items[index],
		(table->count - index) * sizeof(table->items[0]));
	table->items[index] = item;
	table->count++;
}

static bool is_continued(const struct mapping *lower, const struct mapping *upper)
{
	return lower->end == upper->start && lower->module == upper->module &&
	       lower->bias == upper->bias;
}

static int add_mapping(struct rec_space *space, struct mapping item)
{
	int status = make_writable(space, 2);

	if (status < 0)
		return status;
	struct map_table *table = space->table;
	size_t index = find_index(table, item.start);

	/* Cut what lies across the start, so that everything from `index` on starts inside. */
	if (index < table->count && table->items[index].start < item.start) {
		struct mapping upper = table->items[index];

		table->items[index].end = item.start;
		upper.start = item.start;
		insert_item(table, ++index, upper);
	}
	size_t covered = index;

	while (covered < table->count && table->items[covered].end <= item.end)
		covered++;
	remove_items(table, index, covered - index);
	if (index < table->count && table->items[index].start < item.end)
		table->items[index].start = item.end;
	if (index < table->count && is_continued(&item, &table->items[index])) {
		item.end = table->items[index].end;
		remove_items(table, index, 1);
	}
	if (index > 0 && is_continued(&table->items[index - 1], &item))
		table->items[index - 1].end = item.end;
	else if (table->count < MAX_MAPPINGS)
		insert_item(table, index, item);
	return 0;
}

/* Whether the path names a file; memory without one may have a name too. */
static bool names_file(const char *path)
{
	return path[0] == '/' && path[1] != '/';
}

/* The module of the process's memory without file. */
static struct module *jit_of(struct rec_space *space, pid_t pid)
{
	if (!space->jit)
		space->jit = modules_add_jit(space->modules, pid);
	while (space->jit->successor)
		space->jit = space->jit->successor;
	return space->jit;
}

/* A runtime maps its jit-PID.dump executable so that it is found. */
static void note_jitdump(
	struct rec_space *space, const struct rec_map_event *event, struct module *file)
{
	const char *slash = strrchr(file->base.path, '/'), *name = slash ? slash + 1 : "";
	size_t length = strlen(name);

	if (strncmp(name, "jit-", 4) == 0 && length > 9 && strcmp(name + length - 5, ".dump") == 0)
		jit_of(space, event->pid)->jitdump = file;
}

int rec_space_map(struct rec_space *space, const struct rec_map_event *event)
{
	struct mapping item = {.start = event->start, .end = event->start + event->length};

	if (item.end <= item.start)
		return TFMT_E_ARG;
	if (strcmp(event->path, "[vsyscall]") == 0)
		return 0;
	if (names_file(event->path) || strcmp(event->path, "[vdso]") == 0) {
		item.module = modules_of_event(space->modules, event);
		/* Shared memory and the like, where a runtime puts its code. */
		if (item.module->is_foreign) {
			note_jitdump(space, event, item.module);
			item.module = NULL;
		}
	}
	if (item.module && item.module->image) {
		const struct elf_segment *segment =
			elf_image_segment(item.module->image, event->file_offset, event->length);

		item.bias = event->file_offset - event->start;
		if (segment)
			item.bias += segment->vaddr - segment->offset;
	} else if (item.module) {
		item.bias = event->file_offset - event->start;
	} else {
		item.module = jit_of(space, event->pid);
	}
	return add_mapping(space, item);
}

/* One line of /proc/PID/maps. Returns: whether it is an executable mapping. */
static bool parse_line(char *line, struct rec_map_event *event)
{
	uint64_t end;
	char permissions[5];
	int path_at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line,
		    "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx32 ":%" SCNx32 " %" SCNu64
		    " %n",
		    &event->start, &end, permissions, &event->file_offset, &event->device_major,
		    &event->device_minor, &event->inode, &path_at) < 7 ||
		permissions[2] != 'x' || end <= event->start)
		return false;
	event->length = end - event->start;
	event->path = line + path_at;
	return true;
}

int rec_space_take_maps(struct rec_space *space, pid_t pid, const char *text)
{
	int status = 0;

	for (size_t length; status == 0 && *text; text += length + (text[length] == '\n')) {
		struct rec_map_event event = {.pid = pid};

		length = strcspn(text, "\n");
		char *line = strndup(text, length);

		if (!line)
			return TFMT_E_NOMEM;
		if (parse_line(line, &event))
			status = rec_space_map(space, &event);
		free(line);
	}
	return status;
}

int rec_space_read_maps(struct rec_space *space, pid_t pid)
{
	char path[32];
	char *line = NULL;
	size_t capacity = 0;
	int status = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");

	if (!maps)
		return TFMT_E_IO;
	while (status == 0 && getline(&line, &capacity, maps) >= 0) {
		struct rec_map_event event = {.pid = pid};

		if (parse_line(line, &event))
			status = rec_space_map(space, &event);
	}
	free(line);
	fclose(maps);
	return status;
}

/* JIT code that is gone has made room for other code. */
static const struct mapping *bring_up_to_date(struct mapping *mapping)
{
	while (mapping->module->successor)
		mapping->module = mapping->module->successor;
	return mapping;
}

const struct mapping *space_find(struct rec_space *space, uint64_t address)
{
	struct map_table *table = space->table;

	if (!table)
		return NULL;
	if (space->last_hit < table->count) {
		struct mapping *last = &table->items[space->last_hit];

		if (address >= last->start && address < last->end)
			return bring_up_to_date(last);
	}
	size_t index = find_index(table, address);

	if (index == table->count || address < table->items[index].start)
		return NULL;
	space->last_hit = index;
	return bring_up_to_date(&table->items[index]);
}

struct rec_module *rec_space_find(struct rec_space *space, uint64_t address, uint64_t *ret_vaddr)
{
	const struct mapping *mapping = space_find(space, address);

	*ret_vaddr = mapping ? address + mapping->bias : address;
	return mapping ? &mapping->module->base : &modules_unknown(space->modules)->base;
}

void rec_space_each(struct rec_space *space,
	bool (*visit)(void *context, struct rec_module *module, uint64_t bias), void *context)
{
	for (size_t i = 0; space->table && i < space->table->count; i++) {
		const struct mapping *mapping = &space->table->items[i];

		if (!visit(context, &mapping->module->base, mapping->bias))
			return;
	}
}
