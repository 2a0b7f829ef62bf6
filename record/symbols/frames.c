#include "symbols/frames.h"

#include <stdlib.h>
#include <string.h>

#include "elf/cfi_entry.h"

/* What one pass over .eh_frame looks at, functions and CIEs: more than linkers leave unsorted. */
#define SCANNED_MAX (512 * 1024)
/* The fields of .eh_frame_hdr before its table, and of an FDE before its instructions. */
#define HEADER_BYTES_MAX 32
#define FDE_BYTES_MAX	 64

struct rec_frames {
	struct rec_text text;
	struct rec_span section; /* .eh_frame */
	uint64_t section_address;
	const uint8_t *table; /* of .eh_frame_hdr; unaligned */
	size_t table_count;   /* 0: there is none */
	uint64_t table_base;
	struct rec_interval *scanned; /* without a table: functions by address */
	size_t scanned_count;
	size_t scanned_capacity;
	bool is_scanned;
};

static void find_table(struct rec_frames *frames, const struct rec_elf_file *file)
{
	GElf_Phdr segment;
	struct rec_span span;
	size_t head_bytes;
	uint64_t count, offset = 0;

	if (!rec_elf_segment(file, PT_GNU_EH_FRAME, &segment))
		return;
	span = rec_elf_memory(file, segment.p_vaddr);
	head_bytes = span.size < HEADER_BYTES_MAX ? span.size : HEADER_BYTES_MAX;
	if (!span.data)
		return;
	count = cfi_read_header(span.data, head_bytes, segment.p_vaddr, &offset);
	if (count > (span.size - offset) / sizeof(struct cfi_index_entry))
		return;
	frames->table = span.data + offset;
	frames->table_count = count;
	frames->table_base = segment.p_vaddr;
}

/* Without section headers, the head of the table says where .eh_frame begins. */
static void find_entries(struct rec_frames *frames, const struct rec_elf_file *file)
{
	GElf_Phdr segment;
	struct rec_span head;

	if (!rec_elf_segment(file, PT_GNU_EH_FRAME, &segment))
		return;
	head = rec_elf_memory(file, segment.p_vaddr);
	if (head.size < 12)
		return;
	struct cursor cursor = {head.data + 4, head.data + 12, false};
	uint64_t vaddr =
		cfi_read_pointer(&cursor, head.data[1], segment.p_vaddr + 4, segment.p_vaddr);

	if (cursor.bad)
		return;
	frames->section = rec_elf_memory(file, vaddr);
	frames->section_address = vaddr;
}

struct rec_frames *rec_frames_new(const struct rec_elf_file *file)
{
	struct rec_frames *frames = calloc(1, sizeof(*frames));
	Elf_Scn *section;
	GElf_Shdr header;

	if (!frames)
		return NULL;
	section = rec_elf_section(file, ".eh_frame", &header);
	if (section) {
		frames->section = rec_elf_section_bytes(section);
		frames->section_address = header.sh_addr;
	} else {
		find_entries(frames, file);
	}
	rec_elf_text(file, &frames->text);
	find_table(frames, file);
	return frames;
}

void rec_frames_free(struct rec_frames *frames)
{
	if (!frames)
		return;
	free(frames->scanned);
	free(frames);
}

size_t rec_frames_bytes(const struct rec_frames *frames)
{
	return sizeof(*frames) + frames->scanned_capacity * sizeof(*frames->scanned);
}

/* The entry at `offset` of .eh_frame, after its length field. Returns false when there is none. */
static bool entry_at(const struct rec_frames *frames, uint64_t offset, struct cursor *ret_entry)
{
	struct cursor entry;
	uint64_t size_bytes;

	if (offset >= frames->section.size)
		return false;
	entry = (struct cursor){
		frames->section.data + offset, frames->section.data + frames->section.size, false};
	/* 0 ends the section; 0xffffffff announces 64-bit DWARF, which no x86-64 linker writes. */
	size_bytes = cursor_unsigned(&entry, 4);
	if (size_bytes == 0 || size_bytes > cursor_left(&entry))
		return false;
	entry.end = entry.at + size_bytes;
	*ret_entry = entry;
	return true;
}

/*
 * The function whose FDE begins at `offset`. Returns false when it is a CIE, or makes no sense.
 * `*ret_next` is the offset after it, or the section's end.
 */
static bool read_function(const struct rec_frames *frames, uint64_t offset,
	struct rec_interval *ret_function, uint64_t *ret_next)
{
	struct cfi_function function;
	struct cursor entry, cie;
	uint64_t back, field = offset + 4;

	*ret_next = frames->section.size;
	if (!entry_at(frames, offset, &entry))
		return false;
	*ret_next = field + cursor_left(&entry);
	back = cursor_unsigned(&entry, 4);
	if (back == 0 || !entry_at(frames, field - back, &cie) || cursor_left(&cie) > CFI_CIE_BYTES)
		return false;
	if (cursor_left(&entry) > FDE_BYTES_MAX)
		entry.end = entry.at + FDE_BYTES_MAX;
	if (!cfi_read_cie(&cie, true, &function) ||
		!cfi_read_fde(&entry, frames->section_address + field + 4, &function))
		return false;
	*ret_function = (struct rec_interval){function.start, function.end};
	return function.start < function.end;
}

static int compare_functions(const void *left, const void *right)
{
	const struct rec_interval *a = left, *b = right;

	return a->low < b->low ? -1 : a->low > b->low;
}

/* Keep every function of the section. Without memory those read so far have to do. */
static void scan(struct rec_frames *frames)
{
	uint64_t offset = 0;

	frames->is_scanned = true;
	for (size_t i = 0; i < SCANNED_MAX && offset < frames->section.size; i++) {
		struct rec_interval function;

		if (!read_function(frames, offset, &function, &offset))
			continue;
		if (frames->scanned_count == frames->scanned_capacity) {
			size_t capacity =
				frames->scanned_capacity ? frames->scanned_capacity * 2 : 256;
			struct rec_interval *scanned =
				reallocarray(frames->scanned, capacity, sizeof(*scanned));

			if (!scanned)
				break;
			frames->scanned = scanned;
			frames->scanned_capacity = capacity;
		}
		frames->scanned[frames->scanned_count++] = function;
	}
	if (frames->scanned_count > 0)
		qsort(frames->scanned, frames->scanned_count, sizeof(*frames->scanned),
			compare_functions);
}

static struct cfi_index_entry table_entry(const struct rec_frames *frames, size_t number)
{
	struct cfi_index_entry entry;

	memcpy(&entry, frames->table + number * sizeof(entry), sizeof(entry));
	return entry;
}

/* The last function of the table, or of those scanned, that begins at or below `address`. */
static bool find_in_table(
	const struct rec_frames *frames, uint64_t address, struct rec_interval *ret_function)
{
	int64_t wanted = (int64_t)(address - frames->table_base);
	size_t low = 0, high = frames->table_count;
	uint64_t fde, next;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table_entry(frames, middle).start <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	fde = frames->table_base + (uint64_t)(int64_t)table_entry(frames, low - 1).fde;
	return read_function(frames, fde - frames->section_address, ret_function, &next);
}

static bool find_scanned(
	const struct rec_frames *frames, uint64_t address, struct rec_interval *ret_function)
{
	size_t low = 0, high = frames->scanned_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (frames->scanned[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*ret_function = frames->scanned[low - 1];
	return true;
}

bool rec_frames_find(struct rec_frames *frames, uint64_t address, struct rec_interval *ret_function)
{
	struct rec_interval function;
	bool is_found;

	if (frames->table_count > 0) {
		is_found = find_in_table(frames, address, &function);
	} else {
		if (!frames->is_scanned)
			scan(frames);
		is_found = find_scanned(frames, address, &function);
	}
	if (!is_found || address < function.low || address >= function.high)
		return false;
	/* A function lies in one section: what begins elsewhere is not believed. */
	for (size_t i = 0; i < frames->text.count; i++) {
		uint64_t low = frames->text.ranges[i].low, high = frames->text.ranges[i].high;

		if (function.low < low || address >= high)
			continue;
		if (function.high > high)
			function.high = high;
		*ret_function = function;
		return true;
	}
	return false;
}
