#include "symbols/jitdump.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/bytes.h"

#define MAGIC	     0x4a695444u
#define HEADER_BYTES 40
#define NAME_BYTES   4096
/* Of one record about lines: more than any function has. */
#define LINES_BYTES_MAX (1u << 20)
/* Functions added last among which one that moves is looked for. */
#define MOVED_MAX 4096

enum record_kind { CODE_LOAD, CODE_MOVE, CODE_DEBUG_INFO };

struct rec_jitdump {
	int fd;
	uint64_t offset; /* up to where the file has been read: the end of a record */
	uint64_t lines;	 /* offset of the lines of the next function, 0: none */
	uint64_t lines_address;
	struct rec_code_map codes;
};

/* Read up to `size` bytes at `offset`. */
static struct rec_span read_bytes(
	const struct rec_jitdump *dump, uint64_t offset, uint8_t *bytes, size_t size)
{
	ssize_t got = offset <= INT64_MAX ? pread(dump->fd, bytes, size, (off_t)offset) : -1;

	return (struct rec_span){bytes, got > 0 ? (size_t)got : 0};
}

struct rec_jitdump *rec_jitdump_new(int fd)
{
	struct rec_jitdump *dump = calloc(1, sizeof(*dump));
	uint8_t bytes[HEADER_BYTES];
	struct rec_cursor cursor;

	if (!dump)
		return NULL;
	dump->fd = fd;
	cursor = rec_cursor_at(read_bytes(dump, 0, bytes, sizeof(bytes)), 0);
	if (rec_read_u32(&cursor) == MAGIC && rec_read_u32(&cursor) == 1)
		dump->offset = rec_read_u32(&cursor);
	if (cursor.is_bad || dump->offset < HEADER_BYTES) {
		free(dump);
		return NULL;
	}
	return dump;
}

void rec_jitdump_free(struct rec_jitdump *dump)
{
	if (!dump)
		return;
	rec_code_map_release(&dump->codes);
	close(dump->fd);
	free(dump);
}

/* A new function. The lines that were told before are its own if they are about its address. */
static int take_load(struct rec_jitdump *dump, struct rec_cursor *record)
{
	struct rec_code code = {0};
	const char *name;

	rec_skip(record, 4 + 4 + 8); /* process, thread, address without relocation */
	code.start = rec_read_uint(record, 8);
	code.length = rec_read_uint(record, 8);
	rec_skip(record, 8); /* number */
	name = rec_read_text(record);
	if (dump->lines_address == code.start)
		code.note = dump->lines;
	dump->lines = 0;
	return name && *name ? rec_code_map_add(&dump->codes, code, name, strlen(name)) : 0;
}

/* The garbage collector has moved a function. Its lines are told by its old address. */
static int take_move(struct rec_jitdump *dump, struct rec_cursor *record)
{
	struct rec_code code = {0};
	uint64_t old;

	rec_skip(record, 4 + 4 + 8);
	old = rec_read_uint(record, 8);
	code.start = rec_read_uint(record, 8);
	code.length = rec_read_uint(record, 8);
	for (size_t i = 1; !record->is_bad && i <= dump->codes.count && i <= MOVED_MAX; i++) {
		const struct rec_code *moved = &dump->codes.codes[dump->codes.count - i];
		char name[NAME_BYTES];

		if (moved->start != old)
			continue;
		size_t length = strnlen(dump->codes.names + moved->name, sizeof(name));

		memcpy(name, dump->codes.names + moved->name, length);
		return rec_code_map_add(&dump->codes, code, name, length);
	}
	return 0;
}

/* Returns 0, or an error after which nothing more is taken. */
static int take_record(
	struct rec_jitdump *dump, uint32_t kind, uint64_t offset, struct rec_cursor *record)
{
	switch (kind) {
	case CODE_LOAD:
		return take_load(dump, record);
	case CODE_MOVE:
		return take_move(dump, record);
	case CODE_DEBUG_INFO:
		dump->lines = offset;
		dump->lines_address = rec_read_uint(record, 8);
		return 0;
	default:
		return 0;
	}
}

void rec_jitdump_refresh(struct rec_jitdump *dump)
{
	uint8_t bytes[16 + 56 + NAME_BYTES];

	for (;;) {
		struct rec_span head = read_bytes(dump, dump->offset, bytes, sizeof(bytes));
		struct rec_cursor record = rec_cursor_at(head, 0);
		uint32_t kind = rec_read_u32(&record), size = rec_read_u32(&record);
		off_t end = lseek(dump->fd, 0, SEEK_END);

		rec_skip(&record, 8); /* time */
		/* The last record is being written, or no record at all. */
		if (record.is_bad || size < 16 || end < 0 || dump->offset + size > (uint64_t)end)
			break;
		if (size < head.size)
			record.end = bytes + size;
		if (take_record(dump, kind, dump->offset, &record) < 0)
			break;
		dump->offset += size;
	}
	rec_code_map_settle(&dump->codes);
}

const struct rec_code_map *rec_jitdump_codes(const struct rec_jitdump *dump)
{
	return &dump->codes;
}

/* ---- lines ---- */

struct line {
	uint64_t address;
	uint32_t number;
	const char *path;
};

/* The next entry. A path of one byte, 255, is that of the entry before. */
static bool read_line(struct rec_cursor *cursor, struct line *line)
{
	const char *path;

	line->address = rec_read_uint(cursor, 8);
	line->number = rec_read_u32(cursor);
	rec_skip(cursor, 4); /* discriminator */
	path = rec_read_text(cursor);
	if (cursor->is_bad)
		return false;
	if (strcmp(path, "\xff") != 0)
		line->path = path;
	return true;
}

uint32_t rec_jitdump_line(const struct rec_jitdump *dump, const struct rec_code_piece *piece,
	uint64_t address, char *path, size_t path_bytes, struct rec_interval *range)
{
	const struct rec_code *code = rec_code_map_code(&dump->codes, piece);
	struct line line = {0}, found = {0};
	struct rec_cursor cursor;
	uint64_t shift = 0, count;
	uint8_t head[8], *bytes;
	size_t size;

	cursor = rec_cursor_at(read_bytes(dump, code->note, head, sizeof(head)), 4);
	size = rec_read_u32(&cursor);
	if (code->note == 0 || cursor.is_bad || size > LINES_BYTES_MAX)
		return 0;
	bytes = malloc(size);
	if (!bytes)
		return 0;
	cursor = rec_cursor_at(read_bytes(dump, code->note, bytes, size), 16 + 8);
	count = rec_read_uint(&cursor, 8);

	for (uint64_t i = 0; i < count && read_line(&cursor, &line); i++) {
		/* V8 tells where perf will put the code into an ELF file, after its header. */
		if (i == 0 && line.address - code->start >= 64)
			shift = 64;
		if (line.address - shift > address) {
			if (line.address - shift < range->high)
				range->high = line.address - shift;
			break;
		}
		found = line;
	}
	if (found.path && found.address - shift > range->low)
		range->low = found.address - shift;
	if (found.path && strlen(found.path) < path_bytes)
		strcpy(path, found.path);
	else
		found.number = 0;
	free(bytes);
	return found.number;
}
