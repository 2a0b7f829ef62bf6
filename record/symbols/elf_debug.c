/*
 * The files that keep debug information apart from the program: by build id, by .gnu_debuglink, by
 * .gnu_debugaltlink, and the small one inside, .gnu_debugdata.
 */
#include <limits.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rooted.h"
#include "symbols/elf_file.h"
#include "tracefmt/error.h"

#define DEBUG_FOLDER	   "/usr/lib/debug"
#define BUILD_ID_BYTES_MAX 64
/* The largest file of which a checksum is made: about a second for each. */
#define CHECKSUM_BYTES_MAX (INT64_C(1) << 29)
/* What the decoder may use itself. */
#define DECODER_BYTES_MAX (UINT64_C(16) << 20)

static bool same_build_id(const struct rec_elf_file *a, const struct rec_elf_file *b)
{
	return a->build_id && b->build_id && a->build_id_bytes == b->build_id_bytes &&
	       memcmp(a->build_id, b->build_id, a->build_id_bytes) == 0;
}

/* The CRC-32 of .gnu_debuglink: that of zlib, over the whole file. */
static uint32_t file_checksum(int fd)
{
	uint8_t block[64 * 1024];
	uint32_t table[256], crc = ~0u;
	off_t offset = 0;
	ssize_t got;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xedb88320u : table[i] >> 1;
	}
	while ((got = pread(fd, block, sizeof(block), offset)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			crc = table[(crc ^ block[i]) & 0xff] ^ crc >> 8;
		offset += got;
	}
	return ~crc;
}

/* Open `path` when it proves to be the debug file of `file`; `crc` may be NULL. */
static int open_proven(struct rec_elf_file *debug, const struct rec_elf_file *file,
	const char *path, const uint32_t *crc)
{
	struct stat status;
	bool is_proven = false;
	int fd = rec_open_regular(path), result;

	if (fd < 0)
		return TFMT_E_IO;
	result = rec_elf_open(debug, fd);
	if (result == 0) {
		if (file->build_id && debug->build_id)
			is_proven = same_build_id(file, debug);
		else if (crc && fstat(fd, &status) == 0 && status.st_size <= CHECKSUM_BYTES_MAX)
			is_proven = file_checksum(fd) == *crc;
		if (is_proven)
			debug->path = strdup(path);
		else
			rec_elf_close(debug);
		result = is_proven ? 0 : TFMT_E_IO;
	}
	close(fd);
	return result;
}

int rec_elf_open_proven(struct rec_elf_file *debug, const struct rec_elf_file *file, int fd)
{
	int result = rec_elf_open(debug, fd);

	if (result == 0 && !same_build_id(file, debug)) {
		rec_elf_close(debug);
		result = TFMT_E_IO;
	}
	return result;
}

static int open_by_build_id(struct rec_elf_file *debug, const struct rec_elf_file *file)
{
	char path[sizeof(DEBUG_FOLDER) + 32 + 2 * BUILD_ID_BYTES_MAX];
	int length;

	if (file->build_id_bytes < 2 || file->build_id_bytes > BUILD_ID_BYTES_MAX)
		return TFMT_E_IO;
	length = sprintf(path, DEBUG_FOLDER "/.build-id/%02x/", file->build_id[0]);
	for (size_t i = 1; i < file->build_id_bytes; i++)
		length += sprintf(path + length, "%02x", file->build_id[i]);
	strcpy(path + length, ".debug");
	return open_proven(debug, file, path, NULL);
}

static int open_by_link(
	struct rec_elf_file *debug, const struct rec_elf_file *file, const char *file_path)
{
	static const char *const patterns[] = {"%.*s/%s", "%.*s/.debug/%s", DEBUG_FOLDER "%.*s/%s"};
	const char *slash = file_path ? strrchr(file_path, '/') : NULL;
	struct rec_cursor cursor;
	char path[PATH_MAX];
	GElf_Shdr header;
	const char *name;
	uint32_t crc;

	cursor = rec_cursor_at(
		rec_elf_section_bytes(rec_elf_section(file, ".gnu_debuglink", &header)), 0);
	name = cursor.is_bad ? NULL : rec_read_text(&cursor);
	/* The name is the file's own claim: it may not lead to another folder. */
	if (!slash || !name || !*name || strchr(name, '/'))
		return TFMT_E_IO;
	rec_skip(&cursor, (4 - (strlen(name) + 1) % 4) % 4);
	crc = rec_read_u32(&cursor);
	if (cursor.is_bad)
		return TFMT_E_IO;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		int length = snprintf(
			path, sizeof(path), patterns[i], (int)(slash - file_path), file_path, name);

		if (length < (int)sizeof(path) && strcmp(path, file_path) != 0 &&
			open_proven(debug, file, path, &crc) == 0)
			return 0;
	}
	return TFMT_E_IO;
}

int rec_elf_open_debug(
	struct rec_elf_file *debug, const struct rec_elf_file *file, const char *path)
{
	if (open_by_build_id(debug, file) == 0)
		return 0;
	return open_by_link(debug, file, path);
}

/* Where a file says that the shared part is: absolute, or as seen from its own folder. */
static int open_by_shared_name(struct rec_elf_file *shared, const struct rec_elf_file *wanted,
	const char *name, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	char beside[PATH_MAX];

	if (name[0] == '/')
		return open_proven(shared, wanted, name, NULL);
	if (!slash || snprintf(beside, sizeof(beside), "%.*s/%s", (int)(slash - path), path,
			      name) >= (int)sizeof(beside))
		return TFMT_E_IO;
	return open_proven(shared, wanted, beside, NULL);
}

int rec_elf_open_shared(
	struct rec_elf_file *shared, const struct rec_elf_file *file, const char *path)
{
	struct rec_elf_file wanted = {.fd = -1};
	struct rec_span section;
	struct rec_cursor cursor;
	GElf_Shdr header;
	const char *name;

	section = rec_elf_section_bytes(rec_elf_section(file, ".gnu_debugaltlink", &header));
	cursor = rec_cursor_at(section, 0);
	name = cursor.is_bad ? NULL : rec_read_text(&cursor);
	if (!name || !*name || rec_cursor_left(&cursor) == 0)
		return TFMT_E_IO;
	/* After the name comes its build id. */
	wanted.build_id = cursor.at;
	wanted.build_id_bytes = rec_cursor_left(&cursor);
	if (open_by_build_id(shared, &wanted) == 0)
		return 0;
	return open_by_shared_name(shared, &wanted, name, path);
}

/* Unpack xz into a file in memory. Returns 0, or as rec_elf_open_mini(). */
static int unpack(struct rec_span packed, int fd, size_t limit_bytes)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret status = lzma_stream_decoder(&stream, DECODER_BYTES_MAX, 0);
	uint8_t block[64 * 1024];

	stream.next_in = packed.data;
	stream.avail_in = packed.size;
	while (status == LZMA_OK) {
		stream.next_out = block;
		stream.avail_out = sizeof(block);
		status = lzma_code(&stream, LZMA_FINISH);
		size_t size = sizeof(block) - stream.avail_out;

		if (stream.total_out > limit_bytes)
			status = LZMA_MEMLIMIT_ERROR;
		else if (size > 0 && write(fd, block, size) != (ssize_t)size)
			status = LZMA_MEM_ERROR;
	}
	lzma_end(&stream);
	if (status == LZMA_MEMLIMIT_ERROR)
		return TFMT_E_LIMIT;
	return status == LZMA_STREAM_END ? 0 : TFMT_E_FORMAT;
}

int rec_elf_open_mini(
	struct rec_elf_file *mini, const struct rec_elf_file *file, size_t limit_bytes)
{
	GElf_Shdr header;
	struct rec_span packed =
		rec_elf_section_bytes(rec_elf_section(file, ".gnu_debugdata", &header));
	int fd, result;

	if (packed.size == 0)
		return TFMT_E_IO;
	fd = memfd_create("debugdata", MFD_CLOEXEC);
	if (fd < 0)
		return TFMT_E_IO;
	result = unpack(packed, fd, limit_bytes);
	if (result == 0)
		result = rec_elf_open(mini, fd);
	close(fd);
	return result;
}
