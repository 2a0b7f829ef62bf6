#include "symbols/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracefmt/error.h"

#define DEBUG_FOLDER	   "/usr/lib/debug"
#define BUILD_ID_BYTES_MAX 64
/* What is looked at in search of a build id: a note section, and notes of all of them. */
#define NOTE_BYTES_MAX (64 * 1024)
#define NOTES_MAX      1024
/* The largest file of which a checksum is made: about a second for each. */
#define CHECKSUM_BYTES_MAX (INT64_C(1) << 29)

/* Look for the build id among at most `*left` notes of a section. */
static bool find_build_id(struct rec_elf_file *file, Elf_Scn *section, size_t *left)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t offset = 0, name, text, next;
	GElf_Nhdr note;

	while (data && *left > 0 && (next = gelf_getnote(data, offset, &note, &name, &text))) {
		const uint8_t *bytes = data->d_buf;

		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
			memcmp(bytes + name, "GNU", 4) == 0 && note.n_descsz > 0 &&
			note.n_descsz <= BUILD_ID_BYTES_MAX) {
			file->build_id = bytes + text;
			file->build_id_bytes = note.n_descsz;
			return true;
		}
		offset = next;
		--*left;
	}
	return false;
}

static void read_build_id(struct rec_elf_file *file)
{
	Elf_Scn *section = NULL;
	size_t left = NOTES_MAX;
	GElf_Shdr header;

	while ((section = elf_nextscn(file->elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE &&
			header.sh_size <= NOTE_BYTES_MAX && find_build_id(file, section, &left))
			return;
	}
}

/* Whether this is a file for us. Extended section numbers are for object files, or for attacks. */
static bool has_good_header(int fd)
{
	Elf64_Ehdr header;

	return pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
	       memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	       header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
	       (header.e_shnum > 0 || header.e_shoff == 0);
}

int rec_elf_open(struct rec_elf_file *file, int fd)
{
	size_t names;

	*file = (struct rec_elf_file){.fd = -1};
	if (elf_version(EV_CURRENT) == EV_NONE)
		return TFMT_E_UNSUPPORTED;
	if (!has_good_header(fd))
		return TFMT_E_FORMAT;
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (file->fd < 0)
		return TFMT_E_IO;
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF) {
		rec_elf_close(file);
		return TFMT_E_FORMAT;
	}
	if (elf_getshdrstrndx(file->elf, &names) == 0)
		file->names = rec_elf_strings(file, names);
	read_build_id(file);
	return 0;
}

void rec_elf_close(struct rec_elf_file *file)
{
	if (!file->elf && file->fd <= 0)
		return;
	elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct rec_elf_file){.fd = -1};
}

struct rec_span rec_elf_bytes(const struct rec_elf_file *file)
{
	size_t size = 0;
	const char *bytes = elf_rawfile(file->elf, &size);

	return bytes ? (struct rec_span){(const uint8_t *)bytes, size} : (struct rec_span){NULL, 0};
}

struct rec_span rec_elf_strings(const struct rec_elf_file *file, size_t section_number)
{
	struct rec_span strings = rec_elf_section_bytes(elf_getscn(file->elf, section_number));
	const uint8_t *last = strings.data ? memrchr(strings.data, 0, strings.size) : NULL;

	strings.size = last ? (size_t)(last - strings.data) + 1 : 0;
	return strings;
}

Elf_Scn *rec_elf_section(const struct rec_elf_file *file, const char *name, GElf_Shdr *ret_header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(file->elf, section))) {
		if (gelf_getshdr(section, ret_header) && ret_header->sh_name < file->names.size &&
			strcmp((const char *)file->names.data + ret_header->sh_name, name) == 0)
			return section;
	}
	return NULL;
}

struct rec_span rec_elf_section_bytes(Elf_Scn *section)
{
	GElf_Shdr header;
	Elf_Data *data;

	if (!section || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
		return (struct rec_span){NULL, 0};
	data = elf_rawdata(section, NULL);
	if (!data || !data->d_buf)
		return (struct rec_span){NULL, 0};
	return (struct rec_span){data->d_buf, data->d_size};
}

struct rec_span rec_elf_load(
	struct rec_elf_file *file, const char *name, size_t limit_bytes, bool *ret_too_large)
{
	struct rec_span none = {NULL, 0};
	GElf_Shdr header;
	GElf_Chdr compression;
	Elf_Scn *section = rec_elf_section(file, name, &header);
	Elf_Data *data;

	if (!section || header.sh_type == SHT_NOBITS)
		return none;
	if (!(header.sh_flags & SHF_COMPRESSED))
		return rec_elf_section_bytes(section);
	if (!gelf_getchdr(section, &compression))
		return none;
	if (compression.ch_size > limit_bytes ||
		file->owned_bytes > limit_bytes - compression.ch_size) {
		*ret_too_large = true;
		return none;
	}
	if (elf_compress(section, 0, 0) < 0)
		return none;
	file->owned_bytes += compression.ch_size;
	data = elf_getdata(section, NULL);
	if (!data || !data->d_buf)
		return none;
	return (struct rec_span){data->d_buf, data->d_size};
}

void rec_elf_text(const struct rec_elf_file *file, struct rec_text *ret_text)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	ret_text->count = 0;
	while ((section = elf_nextscn(file->elf, section))) {
		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_EXECINSTR) ||
			header.sh_addr + header.sh_size <= header.sh_addr)
			continue;
		if (ret_text->count == REC_TEXT_RANGES_MAX)
			return;
		ret_text->ranges[ret_text->count].low = header.sh_addr;
		ret_text->ranges[ret_text->count].high = header.sh_addr + header.sh_size;
		ret_text->count++;
	}
}

bool rec_text_contains(const struct rec_text *text, uint64_t address)
{
	for (size_t i = 0; i < text->count; i++) {
		if (address >= text->ranges[i].low && address < text->ranges[i].high)
			return true;
	}
	return false;
}

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
	int fd, result = TFMT_E_IO;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return TFMT_E_IO;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		result = rec_elf_open(debug, fd);
	if (result == 0) {
		if (file->build_id && debug->build_id)
			is_proven = same_build_id(file, debug);
		else if (crc && status.st_size <= CHECKSUM_BYTES_MAX)
			is_proven = file_checksum(fd) == *crc;
		if (!is_proven) {
			rec_elf_close(debug);
			result = TFMT_E_IO;
		}
	}
	close(fd);
	return result;
}

static int open_by_build_id(struct rec_elf_file *debug, const struct rec_elf_file *file)
{
	char path[sizeof(DEBUG_FOLDER) + 32 + 2 * BUILD_ID_BYTES_MAX];
	int length;

	if (file->build_id_bytes < 2)
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
