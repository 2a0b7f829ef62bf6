#include "elf_image.h"

#include <elf.h>
#include <stdlib.h>
#include <unistd.h>

#include "elf/cursor.h"
#include "tracefmt/error.h"

/* More than linkers write; a file that claims more is not read. */
#define MAX_HEADERS	4096
#define MAX_NOTE_BYTES	(64u << 10)
#define MAX_NAMES_BYTES (1u << 20)

static bool read_at(int fd, uint64_t offset, void *bytes, size_t size)
{
	return offset <= INT64_MAX && pread(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* Read a table of headers into new memory. Returns: NULL when it is not there. */
static void *read_table(int fd, uint64_t offset, size_t count, size_t item_size)
{
	if (count == 0 || count > MAX_HEADERS)
		return NULL;
	void *table = malloc(count * item_size);

	if (table && !read_at(fd, offset, table, count * item_size)) {
		free(table);
		table = NULL;
	}
	return table;
}

static bool is_ours(const Elf64_Ehdr *header)
{
	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_machine == EM_X86_64 &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
	       header->e_phentsize == sizeof(Elf64_Phdr);
}

/* Look for the build id among the notes of a segment. */
static void read_notes(struct elf_image *image, int fd, const Elf64_Phdr *segment)
{
	size_t size = segment->p_filesz < MAX_NOTE_BYTES ? segment->p_filesz : MAX_NOTE_BYTES;
	uint64_t align = segment->p_align == 8 ? 8 : 4;
	uint8_t *bytes = malloc(size + 1);

	if (!bytes || !read_at(fd, segment->p_offset, bytes, size)) {
		free(bytes);
		return;
	}
	struct cursor notes = {bytes, bytes + size, false};

	while (cursor_left(&notes) >= 12 && !notes.bad) {
		uint64_t name_size = cursor_unsigned(&notes, 4);
		uint64_t value_size = cursor_unsigned(&notes, 4);
		uint64_t type = cursor_unsigned(&notes, 4);
		const uint8_t *name = cursor_bytes(&notes, (name_size + align - 1) & ~(align - 1));
		const uint8_t *value = cursor_bytes(&notes, value_size);

		if (name && value && type == NT_GNU_BUILD_ID && name_size == 4 &&
			memcmp(name, "GNU", 4) == 0 && value_size > 0) {
			image->build_id_size = value_size < sizeof(image->build_id)
						       ? (size_t)value_size
						       : sizeof(image->build_id);
			memcpy(image->build_id, value, image->build_id_size);
			break;
		}
		cursor_bytes(&notes, -value_size & (align - 1));
	}
	free(bytes);
}

static int read_segments(struct elf_image *image, int fd, const Elf64_Ehdr *header)
{
	Elf64_Phdr *table = read_table(fd, header->e_phoff, header->e_phnum, sizeof(*table));

	if (!table)
		return TFMT_E_FORMAT;
	image->segments = calloc(header->e_phnum, sizeof(*image->segments));
	for (size_t i = 0; image->segments && i < header->e_phnum; i++) {
		const Elf64_Phdr *item = &table[i];

		if (item->p_type == PT_LOAD && item->p_filesz > 0 &&
			item->p_offset + item->p_filesz > item->p_offset)
			image->segments[image->segment_count++] = (struct elf_segment){
				.offset = item->p_offset,
				.vaddr = item->p_vaddr,
				.size = item->p_filesz,
				.is_executable = item->p_flags & PF_X,
			};
		else if (item->p_type == PT_NOTE && image->build_id_size == 0)
			read_notes(image, fd, item);
		else if (item->p_type == PT_GNU_EH_FRAME)
			image->cfi.header = (struct cfi_section){
				item->p_vaddr, item->p_offset, item->p_filesz, false};
	}
	free(table);
	return image->segments ? 0 : TFMT_E_NOMEM;
}

/* Find .eh_frame and .debug_frame by their names. Files without section headers are fine too. */
static void read_sections(struct elf_image *image, int fd, const Elf64_Ehdr *header)
{
	Elf64_Shdr *table = NULL;
	char *names = NULL;

	if (header->e_shentsize != sizeof(*table) || header->e_shstrndx >= header->e_shnum)
		return;
	table = read_table(fd, header->e_shoff, header->e_shnum, sizeof(*table));
	if (!table)
		return;
	uint64_t names_size = table[header->e_shstrndx].sh_size;

	if (names_size > 0 && names_size <= MAX_NAMES_BYTES)
		names = malloc((size_t)names_size);
	if (!names || !read_at(fd, table[header->e_shstrndx].sh_offset, names, (size_t)names_size))
		goto out;
	names[names_size - 1] = '\0';
	for (size_t i = 0; i < header->e_shnum; i++) {
		const Elf64_Shdr *item = &table[i];
		const struct cfi_section section = {item->sh_addr, item->sh_offset, item->sh_size,
			item->sh_flags & SHF_COMPRESSED};

		if (item->sh_name >= names_size || item->sh_type == SHT_NOBITS)
			continue;
		if (strcmp(names + item->sh_name, ".eh_frame") == 0)
			image->cfi.eh.section = section;
		else if (strcmp(names + item->sh_name, ".debug_frame") == 0)
			image->cfi.debug.section = section;
	}
out:
	free(names);
	free(table);
}

/* Without section headers, .eh_frame_hdr says where .eh_frame begins. */
static void find_eh_frame(struct elf_image *image, int fd)
{
	const struct cfi_section *header = &image->cfi.header;
	uint8_t bytes[12];

	if (header->size < sizeof(bytes) || !read_at(fd, header->offset, bytes, sizeof(bytes)))
		return;
	struct cursor cursor = {bytes + 4, bytes + sizeof(bytes), false};
	uint64_t vaddr = cfi_read_pointer(&cursor, bytes[1], header->vaddr + 4, header->vaddr);

	for (size_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];
		uint64_t into = vaddr - segment->vaddr;

		if (!cursor.bad && into < segment->size)
			image->cfi.eh.section = (struct cfi_section){
				vaddr, segment->offset + into, segment->size - into, false};
	}
}

int elf_image_new(int fd, struct elf_image **ret_image)
{
	Elf64_Ehdr header;

	if (!read_at(fd, 0, &header, sizeof(header)) || !is_ours(&header))
		return TFMT_E_FORMAT;
	struct elf_image *image = calloc(1, sizeof(*image));

	if (!image)
		return TFMT_E_NOMEM;
	int status = read_segments(image, fd, &header);

	if (status < 0) {
		elf_image_free(image);
		return status;
	}
	image->entry = header.e_entry;
	image->cfi.eh.is_eh = true;
	read_sections(image, fd, &header);
	if (image->cfi.eh.section.size == 0)
		find_eh_frame(image, fd);
	*ret_image = image;
	return 0;
}

void elf_image_free(struct elf_image *image)
{
	if (!image)
		return;
	cfi_table_release(&image->cfi);
	go_rules_release(&image->go);
	free(image->segments);
	free(image);
}

const struct elf_segment *elf_image_segment(
	const struct elf_image *image, uint64_t file_offset, uint64_t length)
{
	const struct elf_segment *best = NULL;
	uint64_t best_shared = 0;

	for (size_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];
		uint64_t start = segment->offset > file_offset ? segment->offset : file_offset;
		uint64_t end = segment->offset + segment->size;

		if (end > file_offset + length)
			end = file_offset + length;
		if (start >= end)
			continue;
		bool is_better = best && segment->is_executable != best->is_executable
					 ? segment->is_executable
					 : end - start > best_shared;

		if (is_better) {
			best = segment;
			best_shared = end - start;
		}
	}
	return best;
}

bool elf_image_offset(const struct elf_image *image, uint64_t vaddr, uint64_t *ret_offset)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (vaddr - segment->vaddr < segment->size) {
			*ret_offset = segment->offset + (vaddr - segment->vaddr);
			return true;
		}
	}
	return false;
}
