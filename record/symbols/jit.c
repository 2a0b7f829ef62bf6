#include "symbols/jit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols/intervals.h"
#include "symbols/perfmap.h"

/* The perf map of a process. */
struct process {
	struct process *next;
	pid_t pid;
	struct rec_perfmap *map;
};

/* What has been told of a mapping. */
struct mapping {
	struct mapping *next;
	uint32_t id;
	struct rec_intervals told;
};

struct rec_jit {
	struct process *processes;
	struct mapping *mappings;
};

struct rec_jit *rec_jit_new(void)
{
	return calloc(1, sizeof(struct rec_jit));
}

void rec_jit_free(struct rec_jit *jit)
{
	if (!jit)
		return;
	while (jit->processes) {
		struct process *next = jit->processes->next;

		rec_perfmap_free(jit->processes->map);
		free(jit->processes);
		jit->processes = next;
	}
	while (jit->mappings) {
		struct mapping *next = jit->mappings->next;

		rec_intervals_release(&jit->mappings->told);
		free(jit->mappings);
		jit->mappings = next;
	}
	free(jit);
}

/* Returns NULL when there is no memory. */
static struct rec_perfmap *perfmap_of(struct rec_jit *jit, pid_t pid)
{
	struct process *process = jit->processes;
	struct stat status;
	char path[64];
	uid_t owner;

	while (process && process->pid != pid)
		process = process->next;
	if (process)
		return process->map;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	/* Of a process that has ended, its map must be our own user's. */
	owner = stat(path, &status) == 0 ? status.st_uid : getuid();
	*process = (struct process){jit->processes, pid, rec_perfmap_new("/tmp", pid, owner)};
	jit->processes = process;
	return process->map;
}

/* Returns NULL when there is no memory. */
static struct rec_intervals *told_of(struct rec_jit *jit, uint32_t id)
{
	struct mapping *mapping = jit->mappings;

	while (mapping && mapping->id != id)
		mapping = mapping->next;
	if (mapping)
		return &mapping->told;
	mapping = calloc(1, sizeof(*mapping));
	if (!mapping)
		return NULL;
	*mapping = (struct mapping){.next = jit->mappings, .id = id};
	jit->mappings = mapping;
	return &mapping->told;
}

void rec_jit_resolve(struct rec_jit *jit, pid_t pid, uint32_t mapping, const uint64_t *addresses,
	size_t count, void (*found)(void *arg, uint64_t address, uint64_t length, const char *name),
	void *arg)
{
	struct rec_perfmap *map = perfmap_of(jit, pid);
	struct rec_intervals *told = told_of(jit, mapping);
	uint64_t start, length;
	const char *name;

	for (size_t i = 0; map && told && i < count; i++) {
		struct rec_interval range;

		if (rec_intervals_contain(told, addresses[i]) ||
			!rec_perfmap_find(map, addresses[i], &name, &start, &length))
			continue;
		range = (struct rec_interval){start, start + length};
		rec_intervals_clip(told, addresses[i], &range);
		if (rec_intervals_add(told, range) < 0)
			return;
		found(arg, range.low, range.high - range.low, name);
	}
}
