#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfi.h"
#include "elf/cursor.h"

/* More functions, or bytes of a section without a table, than any program has. */
#define MAX_FUNCTIONS	  (2u << 20)
#define MAX_SECTION_BYTES (64ull << 20)

/* Map the section, which spares a system call per address. Without a mapping it is read. */
static void map_section(struct cfi_index *index, int fd)
{
	const struct cfi_section *section = &index->section;
	uint64_t into = section->offset & (uint64_t)(sysconf(_SC_PAGESIZE) - 1);
	struct stat status;
	void *map;

	if (index->map || fstat(fd, &status) < 0 || section->size == 0 ||
		section->offset > (uint64_t)status.st_size ||
		section->size > (uint64_t)status.st_size - section->offset)
		return;
	map = mmap(NULL, section->size + into, PROT_READ, MAP_PRIVATE, fd,
		(off_t)(section->offset - into));
	if (map == MAP_FAILED)
		return;
	index->map = map;
	index->map_size = section->size + into;
	index->bytes = (const uint8_t *)map + into;
}

static void load_header(struct cfi_index *index, const struct cfi_section *header, int fd)
{
	uint8_t bytes[32];
	ssize_t got = pread(fd, bytes, sizeof(bytes), (off_t)header->offset);

	if (got <= 0)
		return;
	uint64_t offset = 0;
	uint64_t count = cfi_read_header(bytes, (size_t)got, header->vaddr, &offset);

	if (count == 0 || count > MAX_FUNCTIONS || header->size < offset ||
		(header->size - offset) / sizeof(*index->entries) < count)
		return;
	size_t size = (size_t)count * sizeof(*index->entries);

	index->entries = malloc(size);
	if (!index->entries)
		return;
	if (pread(fd, index->entries, size, (off_t)(header->offset + offset)) != (ssize_t)size) {
		free(index->entries);
		index->entries = NULL;
		return;
	}
	index->start_base = header->vaddr;
	index->fde_base = header->vaddr - index->section.vaddr;
	index->count = (size_t)count;
	map_section(index, fd);
}

static int compare_entries(const void *a, const void *b)
{
	const struct cfi_index_entry *one = a, *other = b;

	return (one->start > other->start) - (one->start < other->start);
}

/* Add a function that was found by reading the section. Returns: whether there is room. */
static bool add_entry(struct cfi_index *index, size_t *capacity,
	const struct cfi_function *function, uint64_t fde)
{
	if (index->count == 0)
		index->start_base = function->start;
	int64_t start = (int64_t)(function->start - index->start_base);

	if (start != (int32_t)start || fde > INT32_MAX)
		return true;
	if (index->count == MAX_FUNCTIONS)
		return false;
	if (index->count == *capacity) {
		size_t grown = *capacity ? *capacity * 2 : 256;
		struct cfi_index_entry *entries =
			reallocarray(index->entries, grown, sizeof(*entries));

		if (!entries)
			return false;
		index->entries = entries;
		*capacity = grown;
	}
	index->entries[index->count++] = (struct cfi_index_entry){(int32_t)start, (int32_t)fde};
	return true;
}

/* Add every function of the section, which is in memory. */
static void scan_section(struct cfi_index *index, struct cfi_scratch *scratch)
{
	size_t capacity = 0;
	uint64_t offset = 0, size;

	do {
		struct cfi_function function;

		if (cfi_function_read(index, -1, offset, scratch, &function, &size) &&
			!add_entry(index, &capacity, &function, offset))
			break;
		offset += size;
	} while (size > 0);
	if (index->count > 0)
		qsort(index->entries, index->count, sizeof(*index->entries), compare_entries);
}

static void load_section(struct cfi_index *index, int fd)
{
	struct cfi_section *section = &index->section;
	struct cfi_scratch *scratch;

	if (section->size == 0 || section->size > MAX_SECTION_BYTES)
		return;
	if (section->is_compressed) {
		index->owned = cfi_inflate(fd, section, MAX_SECTION_BYTES, &section->size);
		index->bytes = index->owned;
	} else {
		map_section(index, fd);
	}
	scratch = index->bytes ? malloc(sizeof(*scratch)) : NULL;
	if (scratch)
		scan_section(index, scratch);
	free(scratch);
}

static void release(struct cfi_index *index)
{
	if (index->map)
		munmap(index->map, index->map_size);
	free(index->owned);
	free(index->entries);
}

/* The offset in the section of the last function that starts at or before `vaddr`. */
static bool find_fde(const struct cfi_index *index, uint64_t vaddr, uint64_t *ret_offset)
{
	int64_t wanted = (int64_t)(vaddr - index->start_base);
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->entries[middle].start <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*ret_offset = index->fde_base + (uint64_t)(int64_t)index->entries[low - 1].fde;
	return true;
}

static bool find_row(const struct cfi_index *index, int fd, uint64_t vaddr,
	struct cfi_scratch *scratch, struct cfi_row *ret_row)
{
	struct cfi_function function;
	uint64_t offset;

	return find_fde(index, vaddr, &offset) &&
	       cfi_function_read(index, fd, offset, scratch, &function, NULL) &&
	       vaddr >= function.start && vaddr < function.end &&
	       cfi_function_run(&function, vaddr, ret_row);
}

bool cfi_table_find(struct cfi_table *table, int fd, uint64_t vaddr, struct cfi_scratch *scratch,
	struct cfi_row *ret_row)
{
	if (!table->eh.is_loaded) {
		if (table->header.size > 0)
			load_header(&table->eh, &table->header, fd);
		if (table->eh.count == 0)
			load_section(&table->eh, fd);
		table->eh.is_loaded = true;
	}
	if (find_row(&table->eh, fd, vaddr, scratch, ret_row))
		return true;
	if (table->debug.section.size == 0)
		return false;
	if (!table->debug.is_loaded) {
		load_section(&table->debug, fd);
		table->debug.is_loaded = true;
	}
	return find_row(&table->debug, fd, vaddr, scratch, ret_row);
}

void cfi_table_release(struct cfi_table *table)
{
	release(&table->eh);
	release(&table->debug);
}
