#include "symbols/elf_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "tracefmt/error.h"

#define BUILD_ID_BYTES_MAX 64
/* What is looked at in search of a build id: a note section, and notes of all of them. */
#define NOTE_BYTES_MAX (64 * 1024)
#define NOTES_MAX      1024
/* As of elf.h, but for older versions of it. */
#define COMPRESS_ZSTD 2

/* Look for the build id among at most `*left` notes. */
static bool find_build_id(struct rec_elf_file *file, Elf_Data *data, size_t *left)
{
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
	GElf_Phdr segment;

	while ((section = elf_nextscn(file->elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE &&
			header.sh_size <= NOTE_BYTES_MAX &&
			find_build_id(file, elf_getdata(section, NULL), &left))
			return;
	}
	/* Without sections there are still segments. */
	for (size_t i = 0; gelf_getphdr(file->elf, (int)i, &segment); i++) {
		if (segment.p_type == PT_NOTE && segment.p_filesz <= NOTE_BYTES_MAX &&
			find_build_id(file,
				elf_getdata_rawchunk(file->elf, (int64_t)segment.p_offset,
					segment.p_filesz,
					segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
				&left))
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
	for (size_t i = 0; i < file->unpacked_count; i++)
		free(file->unpacked[i]);
	free(file->path);
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

struct rec_span rec_elf_memory(const struct rec_elf_file *file, uint64_t vaddr)
{
	struct rec_span bytes = rec_elf_bytes(file);
	GElf_Phdr segment;

	for (size_t i = 0; gelf_getphdr(file->elf, (int)i, &segment); i++) {
		uint64_t into = vaddr - segment.p_vaddr;

		if (segment.p_type != PT_LOAD || into >= segment.p_filesz ||
			segment.p_offset > bytes.size ||
			segment.p_filesz > bytes.size - segment.p_offset)
			continue;
		return (struct rec_span){
			bytes.data + segment.p_offset + into, segment.p_filesz - into};
	}
	return (struct rec_span){NULL, 0};
}

bool rec_elf_segment(const struct rec_elf_file *file, uint32_t type, GElf_Phdr *ret_segment)
{
	for (size_t i = 0; gelf_getphdr(file->elf, (int)i, ret_segment); i++) {
		if (ret_segment->p_type == type)
			return true;
	}
	return false;
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

/* Unpack what follows the compression header. libelf knows zstd from version 0.189 on. */
static struct rec_span load_zstd(struct rec_elf_file *file, struct rec_span packed, size_t size)
{
	const struct rec_span none = {NULL, 0};
	void *bytes = file->unpacked_count < REC_UNPACKED_MAX ? malloc(size) : NULL;

	if (!bytes)
		return none;
	if (ZSTD_decompress(bytes, size, packed.data + sizeof(Elf64_Chdr),
		    packed.size - sizeof(Elf64_Chdr)) != size) {
		free(bytes);
		return none;
	}
	file->unpacked[file->unpacked_count++] = bytes;
	file->owned_bytes += size;
	return (struct rec_span){bytes, size};
}

struct rec_span rec_elf_load(
	struct rec_elf_file *file, const char *name, size_t limit_bytes, bool *ret_too_large)
{
	struct rec_span none = {NULL, 0};
	struct rec_span packed;
	GElf_Shdr header;
	Elf64_Chdr compression;
	Elf_Scn *section = rec_elf_section(file, name, &header);
	Elf_Data *data;

	if (!section || header.sh_type == SHT_NOBITS)
		return none;
	packed = rec_elf_section_bytes(section);
	if (!(header.sh_flags & SHF_COMPRESSED))
		return packed;
	if (packed.size < sizeof(compression))
		return none;
	memcpy(&compression, packed.data, sizeof(compression));
	if (compression.ch_size > limit_bytes ||
		file->owned_bytes > limit_bytes - compression.ch_size) {
		*ret_too_large = true;
		return none;
	}
	if (compression.ch_type == COMPRESS_ZSTD)
		return load_zstd(file, packed, compression.ch_size);
	if (elf_compress(section, 0, 0) < 0)
		return none;
	file->owned_bytes += compression.ch_size;
	data = elf_getdata(section, NULL);
	if (!data || !data->d_buf)
		return none;
	return (struct rec_span){data->d_buf, data->d_size};
}

static void add_text(struct rec_text *text, uint64_t low, uint64_t size)
{
	if (low + size <= low || text->count == REC_TEXT_RANGES_MAX)
		return;
	text->ranges[text->count].low = low;
	text->ranges[text->count].high = low + size;
	text->count++;
}

void rec_elf_text(const struct rec_elf_file *file, struct rec_text *ret_text)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Phdr segment;

	ret_text->count = 0;
	while ((section = elf_nextscn(file->elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_flags & SHF_EXECINSTR)
			add_text(ret_text, header.sh_addr, header.sh_size);
	}
	if (ret_text->count > 0)
		return;
	for (size_t i = 0; gelf_getphdr(file->elf, (int)i, &segment); i++) {
		if (segment.p_type == PT_LOAD && segment.p_flags & PF_X)
			add_text(ret_text, segment.p_vaddr, segment.p_filesz);
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
