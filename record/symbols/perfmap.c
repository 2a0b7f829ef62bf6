#include "symbols/perfmap.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracefmt/error.h"

/* What a runtime in a bad mood may write. */
#define ENTRIES_MAX    (512 * 1024)
#define NAME_BYTES_MAX (24u << 20)
/* Entries before an address that are tried, should they overlap. */
#define OVERLAP_MAX 64

struct entry {
	uint64_t start;
	uint64_t length;
	uint32_t name;	 /* offset in `names` */
	uint32_t number; /* in the order of writing */
};

struct rec_perfmap {
	char path[PATH_MAX];
	uid_t owner;
	ino_t inode;
	off_t offset; /* up to where the file has been read: the end of a line */
	struct entry *entries;
	size_t count;
	size_t capacity;
	size_t sorted; /* how many are in order, by start and number */
	char *names;
	size_t name_bytes;
	size_t name_capacity;
};

struct rec_perfmap *rec_perfmap_new(const char *folder, pid_t pid, uid_t owner)
{
	struct rec_perfmap *map = calloc(1, sizeof(*map));

	if (!map)
		return NULL;
	map->owner = owner;
	if (snprintf(map->path, sizeof(map->path), "%s/perf-%d.map", folder, (int)pid) >=
		(int)sizeof(map->path)) {
		free(map);
		return NULL;
	}
	return map;
}

void rec_perfmap_free(struct rec_perfmap *map)
{
	if (!map)
		return;
	free(map->entries);
	free(map->names);
	free(map);
}

static int add_entry(struct rec_perfmap *map, struct entry entry, const char *name, size_t length)
{
	size_t needed = map->name_bytes + length + 1;

	if (map->count == ENTRIES_MAX || needed > NAME_BYTES_MAX)
		return TFMT_E_LIMIT;
	if (map->count == map->capacity) {
		size_t capacity = map->capacity ? map->capacity * 2 : 256;
		struct entry *entries = reallocarray(map->entries, capacity, sizeof(*entries));

		if (!entries)
			return TFMT_E_NOMEM;
		map->entries = entries;
		map->capacity = capacity;
	}
	if (needed > map->name_capacity) {
		char *names = realloc(map->names, needed * 2);

		if (!names)
			return TFMT_E_NOMEM;
		map->names = names;
		map->name_capacity = needed * 2;
	}
	memcpy(map->names + map->name_bytes, name, length);
	map->names[needed - 1] = '\0';
	entry.name = (uint32_t)map->name_bytes;
	entry.number = (uint32_t)map->count;
	map->name_bytes = needed;
	map->entries[map->count++] = entry;
	return 0;
}

/* A line is "START LENGTH name", hexadecimal; others are passed over. */
static int take_line(struct rec_perfmap *map, char *line, size_t length)
{
	struct entry entry = {0};
	char *at;

	line[length] = '\0';
	entry.start = strtoull(line, &at, 16);
	if (*at != ' ')
		return 0;
	entry.length = strtoull(at, &at, 16);
	if (*at != ' ' || entry.length == 0 || entry.start + entry.length < entry.start)
		return 0;
	at += strspn(at, " ");
	return *at ? add_entry(map, entry, at, strlen(at)) : 0;
}

static void read_more(struct rec_perfmap *map, int fd)
{
	char block[64 * 1024];
	ssize_t got;

	while ((got = pread(fd, block, sizeof(block), map->offset)) > 0) {
		char *line = block, *end = block + got, *newline;

		while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
			if (take_line(map, line, (size_t)(newline - line)) < 0)
				return;
			line = newline + 1;
		}
		/* The last line is being written, or longer than any name. */
		if (line == block)
			return;
		map->offset += line - block;
	}
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* Read what the file has got since the last time. */
static void refresh(struct rec_perfmap *map)
{
	struct stat status;
	int fd;

	if (lstat(map->path, &status) < 0 || !S_ISREG(status.st_mode) ||
		(status.st_uid != map->owner && status.st_uid != 0))
		return;
	if (status.st_ino == map->inode && status.st_size == map->offset)
		return;
	/* Anybody can put a name into /tmp: what was opened has to pass the test. */
	fd = open(map->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		(status.st_uid == map->owner || status.st_uid == 0)) {
		if (status.st_ino != map->inode || status.st_size < map->offset) {
			map->inode = status.st_ino;
			map->offset = 0;
			map->count = 0;
			map->sorted = 0;
			map->name_bytes = 0;
		}
		read_more(map, fd);
	}
	close(fd);
	if (map->sorted < map->count)
		qsort(map->entries, map->count, sizeof(*map->entries), compare_entries);
	map->sorted = map->count;
}

bool rec_perfmap_find(struct rec_perfmap *map, uint64_t address, const char **ret_name,
	uint64_t *ret_start, uint64_t *ret_length)
{
	const struct entry *best = NULL;
	size_t low = 0, high;

	refresh(map);
	high = map->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->entries[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t tries = 0; low > 0 && tries < OVERLAP_MAX; tries++) {
		const struct entry *entry = &map->entries[--low];

		if (address - entry->start < entry->length &&
			(!best || entry->number > best->number))
			best = entry;
	}
	if (!best)
		return false;
	*ret_name = map->names + best->name;
	*ret_start = best->start;
	*ret_length = best->length;
	return true;
}
