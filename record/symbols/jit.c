#include "symbols/jit.h"
#include "procfs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols/demangle.h"
#include "symbols/intervals.h"
#include "symbols/jitdump.h"
#include "symbols/perfmap.h"

/* Addresses of a mapping that wait for a name. */
#define WAITING_MAX (256 * 1024)

struct process {
	struct process *next;
	pid_t pid;
	int root;
	struct rec_perfmap *map;
	struct rec_jitdump *dump; /* NULL: none */
};

/* A range that has been told, and whose code it is. */
struct told {
	struct rec_interval range;
	uint64_t name; /* a hash */
};

struct mapping {
	struct mapping *next;
	uint32_t id;
	struct process *process;
	bool is_outdated;
	struct rec_intervals ranges; /* those of `told` */
	struct told *told;
	size_t told_count, told_capacity;
	uint64_t *waiting;
	size_t waiting_count, waiting_capacity;
};

struct rec_jit {
	struct rec_jit_sink sink;
	struct process *processes;
	struct mapping *mappings;
};

void rec_jit_look(pid_t pid, struct rec_jit_process *ret_process)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	*ret_process = (struct rec_jit_process){
		.pid = pid,
		.inner_pid = rec_proc_inner_number(pid, pid),
		/* Of a process that has ended, its map must be our own user's. */
		.owner = stat(path, &status) == 0 ? status.st_uid : getuid(),
		.jitdump = -1,
	};
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	ret_process->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

struct rec_jit *rec_jit_new(const struct rec_jit_sink *sink)
{
	struct rec_jit *jit = calloc(1, sizeof(*jit));

	if (jit)
		jit->sink = *sink;
	return jit;
}

static void free_process(struct process *process)
{
	rec_perfmap_free(process->map);
	rec_jitdump_free(process->dump);
	if (process->root >= 0)
		close(process->root);
	free(process);
}

void rec_jit_free(struct rec_jit *jit)
{
	if (!jit)
		return;
	while (jit->processes) {
		struct process *next = jit->processes->next;

		free_process(jit->processes);
		jit->processes = next;
	}
	while (jit->mappings) {
		struct mapping *next = jit->mappings->next;

		rec_intervals_release(&jit->mappings->ranges);
		free(jit->mappings->told);
		free(jit->mappings->waiting);
		free(jit->mappings);
		jit->mappings = next;
	}
	free(jit);
}

/* Returns NULL when there is no memory. */
static struct process *process_of(struct rec_jit *jit, const struct rec_jit_process *wanted)
{
	struct process *process = jit->processes;

	while (process && process->pid != wanted->pid)
		process = process->next;
	if (!process) {
		process = calloc(1, sizeof(*process));
		if (!process)
			return NULL;
		process->pid = wanted->pid;
		process->root = wanted->root >= 0 ? fcntl(wanted->root, F_DUPFD_CLOEXEC, 3)
						  : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		process->map = rec_perfmap_new(process->root, wanted->inner_pid, wanted->owner);
		if (!process->map) {
			free_process(process);
			return NULL;
		}
		process->next = jit->processes;
		jit->processes = process;
	}
	if (!process->dump && wanted->jitdump >= 0) {
		int fd = fcntl(wanted->jitdump, F_DUPFD_CLOEXEC, 3);

		process->dump = fd >= 0 ? rec_jitdump_new(fd) : NULL;
		if (fd >= 0 && !process->dump)
			close(fd);
	}
	return process;
}

/* Returns NULL when there is no memory. */
static struct mapping *mapping_of(struct rec_jit *jit, uint32_t id)
{
	struct mapping *mapping = jit->mappings;

	while (mapping && mapping->id != id)
		mapping = mapping->next;
	if (mapping)
		return mapping;
	mapping = calloc(1, sizeof(*mapping));
	if (!mapping)
		return NULL;
	*mapping = (struct mapping){.next = jit->mappings, .id = id};
	jit->mappings = mapping;
	return mapping;
}

/* ---- naming ---- */

/* What is at an address by now. */
struct answer {
	const struct rec_code_piece *piece; /* NULL: nothing is known to be there */
	const char *name;
	bool is_from_dump;
};

static struct answer look_up(const struct process *process, uint64_t address)
{
	const struct rec_code_map *maps[] = {
		process->dump ? rec_jitdump_codes(process->dump) : NULL,
		rec_perfmap_codes(process->map)};

	for (size_t i = 0; i < 2; i++) {
		const struct rec_code_piece *piece =
			maps[i] ? rec_code_map_find(maps[i], address) : NULL;

		if (piece)
			return (struct answer){piece, rec_code_map_name(maps[i], piece), i == 0};
	}
	return (struct answer){0};
}

static uint64_t hash_of(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
	return hash;
}

/* Keep what is told. Returns false without memory. */
static bool keep_told(struct mapping *mapping, struct told told)
{
	if (mapping->told_count == mapping->told_capacity) {
		size_t capacity = mapping->told_capacity ? 2 * mapping->told_capacity : 64;
		struct told *items = reallocarray(mapping->told, capacity, sizeof(*items));

		if (!items)
			return false;
		mapping->told = items;
		mapping->told_capacity = capacity;
	}
	if (rec_intervals_add(&mapping->ranges, told.range) < 0)
		return false;
	mapping->told[mapping->told_count++] = told;
	return true;
}

/* Tell what is at an address. Returns false when it has no name, and should be asked for again. */
static bool name_address(struct rec_jit *jit, struct mapping *mapping, uint64_t address)
{
	char name[REC_NAME_BYTES_MAX], path[PATH_MAX];
	struct rec_symbol_row row = {0};
	struct rec_interval range;
	struct answer answer;

	if (rec_intervals_contain(&mapping->ranges, address))
		return true;
	answer = look_up(mapping->process, address);
	if (!answer.piece)
		return false;
	/* A compiler library's names are mangled; others' may have an "@" of their own. */
	row.function = strncmp(answer.name, "_Z", 2) == 0 || strncmp(answer.name, "_R", 2) == 0
			       ? rec_demangle(answer.name, name)
			       : rec_cut_name(answer.name, name);
	range = (struct rec_interval){answer.piece->low, answer.piece->high};
	if (answer.is_from_dump)
		row.line = rec_jitdump_line(
			mapping->process->dump, answer.piece, address, path, sizeof(path), &range);
	if (row.line > 0)
		row.file = path;
	rec_intervals_clip(&mapping->ranges, address, &range);
	if (keep_told(mapping, (struct told){range, hash_of(answer.name)}))
		jit->sink.rows(
			jit->sink.arg, mapping->id, range.low, range.high - range.low, &row, 1);
	return true;
}

static void keep_waiting(struct mapping *mapping, uint64_t address)
{
	if (mapping->waiting_count == WAITING_MAX)
		return;
	if (mapping->waiting_count == mapping->waiting_capacity) {
		size_t capacity = mapping->waiting_capacity ? 2 * mapping->waiting_capacity : 64;
		uint64_t *waiting = reallocarray(mapping->waiting, capacity, sizeof(*waiting));

		if (!waiting)
			return;
		mapping->waiting = waiting;
		mapping->waiting_capacity = capacity;
	}
	mapping->waiting[mapping->waiting_count++] = address;
}

static void name_waiting(struct rec_jit *jit, struct mapping *mapping)
{
	size_t kept = 0;

	for (size_t i = 0; i < mapping->waiting_count; i++) {
		if (!name_address(jit, mapping, mapping->waiting[i]))
			mapping->waiting[kept++] = mapping->waiting[i];
	}
	mapping->waiting_count = kept;
}

/* Whether some of what has been told is other code by now. */
static bool has_changed(const struct mapping *mapping)
{
	for (size_t i = 0; i < mapping->told_count; i++) {
		const struct told *told = &mapping->told[i];
		struct answer answer = look_up(mapping->process, told->range.low);

		if (answer.piece && hash_of(answer.name) != told->name)
			return true;
	}
	return false;
}

/* Read the files of a process. Returns whether there is anything new. */
static bool refresh(struct process *process)
{
	size_t before = rec_perfmap_codes(process->map)->count;
	bool is_new;

	rec_perfmap_refresh(process->map);
	is_new = rec_perfmap_codes(process->map)->count != before;
	if (process->dump) {
		before = rec_jitdump_codes(process->dump)->count;
		rec_jitdump_refresh(process->dump);
		is_new |= rec_jitdump_codes(process->dump)->count != before;
	}
	return is_new;
}

void rec_jit_resolve(struct rec_jit *jit, const struct rec_jit_process *wanted, uint32_t id,
	const uint64_t *addresses, size_t count)
{
	struct process *process = process_of(jit, wanted);
	struct mapping *mapping = mapping_of(jit, id);

	if (!process || !mapping)
		return;
	mapping->process = process;
	if (refresh(process)) {
		name_waiting(jit, mapping);
		if (!mapping->is_outdated && has_changed(mapping)) {
			mapping->is_outdated = true;
			mapping->waiting_count = 0;
			jit->sink.outdated(jit->sink.arg, id);
		}
	}
	for (size_t i = 0; i < count; i++) {
		/* In memory that is used again, only code of the same time is believed. */
		if (!mapping->is_outdated && !name_address(jit, mapping, addresses[i]))
			keep_waiting(mapping, addresses[i]);
	}
}

void rec_jit_finish(struct rec_jit *jit)
{
	for (struct process *process = jit->processes; process; process = process->next)
		refresh(process);
	for (struct mapping *mapping = jit->mappings; mapping; mapping = mapping->next)
		name_waiting(jit, mapping);
}
