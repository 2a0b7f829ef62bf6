#include "symbols/perfmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rooted.h"

struct rec_perfmap {
	char path[64];
	int root;
	uid_t owner;
	ino_t inode;
	off_t offset; /* up to where the file has been read: the end of a line */
	struct rec_code_map codes;
};

struct rec_perfmap *rec_perfmap_new(int root, pid_t pid, uid_t owner)
{
	struct rec_perfmap *map = calloc(1, sizeof(*map));

	if (!map)
		return NULL;
	map->root = root;
	map->owner = owner;
	snprintf(map->path, sizeof(map->path), "tmp/perf-%d.map", (int)pid);
	return map;
}

void rec_perfmap_free(struct rec_perfmap *map)
{
	if (!map)
		return;
	rec_code_map_release(&map->codes);
	free(map);
}

/* A line is "START LENGTH name", hexadecimal; others are passed over. */
static int take_line(struct rec_perfmap *map, char *line, size_t length)
{
	struct rec_code code = {0};
	char *at;

	line[length] = '\0';
	code.start = strtoull(line, &at, 16);
	if (*at != ' ')
		return 0;
	code.length = strtoull(at, &at, 16);
	if (*at != ' ')
		return 0;
	at += strspn(at, " ");
	return *at ? rec_code_map_add(&map->codes, code, at, strlen(at)) : 0;
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

void rec_perfmap_refresh(struct rec_perfmap *map)
{
	struct stat status;
	/* Anybody can put a name into /tmp: what it is shows only when it is open. */
	int fd = rec_open_rooted(map->root, map->path);

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		(status.st_uid == map->owner || status.st_uid == 0)) {
		if (status.st_ino != map->inode || status.st_size < map->offset) {
			map->inode = status.st_ino;
			map->offset = 0;
			rec_code_map_clear(&map->codes);
		}
		read_more(map, fd);
	}
	close(fd);
	rec_code_map_settle(&map->codes);
}

const struct rec_code_map *rec_perfmap_codes(const struct rec_perfmap *map)
{
	return &map->codes;
}
