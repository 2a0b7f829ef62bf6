/* Go's function table, in a file made by hand: what it says, and that no damage does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include "record/elf/gopclntab.h"

enum {
	FILE_BYTES = 4096,
	BASE = 0x400000, /* where offset 0 is loaded */
	TABLE = 0x200,	 /* offsets in the file */
	DATA = 0x700,
	MODULE = 0x800,
	RELOCATIONS = 0xa00,
	DYNAMIC = 0xf00,
	TEXT = 0x401000, /* addresses */
	NAMES = 0x80,	 /* offsets in the table */
	UNITS = 0xb0,
	FILES = 0xc0,
	VALUES = 0x100,
	FUNCTIONS = 0x180,
};

struct image {
	uint8_t bytes[FILE_BYTES];
};

static void put(struct image *image, size_t offset, uint64_t value, size_t size)
{
	memcpy(image->bytes + offset, &value, size);
}

static void put_header(struct image *image, bool with_relocations)
{
	Elf64_Ehdr header = {.e_type = ET_DYN, .e_machine = EM_X86_64, .e_phoff = 64};
	Elf64_Phdr segments[] = {
		{.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W,
			.p_vaddr = BASE,
			.p_filesz = FILE_BYTES},
		{.p_type = PT_NOTE, .p_offset = 0x180, .p_vaddr = BASE + 0x180, .p_filesz = 20},
		{.p_type = PT_DYNAMIC, .p_offset = DYNAMIC, .p_filesz = 48},
	};

	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_phnum = with_relocations ? 3 : 2;
	memcpy(image->bytes, &header, sizeof(header));
	memcpy(image->bytes + 64, segments, sizeof(segments));
	memcpy(image->bytes + 0x180, "\4\0\0\0\4\0\0\0\4\0\0\0Go\0\0abcd", 20);
}

/* The entry of a function. Returns the offset after it. */
static size_t put_function(struct image *image, size_t at, bool is_old, uint32_t start,
	uint32_t name, uint8_t flags, uint32_t inline_list)
{
	const uint32_t fixed[] = {start, name, 0, 0, 1, 8, 12, 3, 0};

	for (size_t i = 0; i < 9; i++, at += 4)
		put(image, at, fixed[i], 4);
	if (!is_old) {
		put(image, at, 11, 4); /* first line */
		at += 4;
	}
	put(image, at + 1, flags, 1);
	put(image, at + 3, 4, 1); /* data lists */
	at += 4;
	put(image, at + 8, inline_list, 4);
	at += 12;
	put(image, at, UINT64_MAX, 8);
	put(image, at + 8, 0xffffffff, 4);
	put(image, at + 12, inline_list ? 0x10 : 0xffffffff, 4);
	return at + 16;
}

/*
 * Two functions of 32 bytes: "main.outer", with "main.inner" inlined into its bytes 8 to 15, and
 * "runtime.goexit", which nobody calls.
 */
static void put_table(struct image *image, bool is_old)
{
	static const uint8_t values[] = {0, 2, 4, 16, 24, 17, 4,
		0,			 /* 1: stack sizes: 0 of 4 bytes, 8 of 24, -1 */
		2, 32, 0, 0,		 /* 8: file 0 */
		42, 8, 20, 8, 19, 16, 0, /* 12: lines 20, 30, 20 */
		0, 8, 2, 8, 1, 16, 0};	 /* 19: inlined: none, 0, none */
	const uint64_t head[] = {2, 1, 0, NAMES, UNITS, FILES, VALUES, FUNCTIONS};
	size_t entry = TABLE + FUNCTIONS + 24, next;

	put(image, TABLE, is_old ? 0xfffffff0u : 0xfffffff1u, 4);
	put(image, TABLE + 6, 0x0801, 2);
	for (size_t i = 0; i < 8; i++)
		put(image, TABLE + 8 + 8 * i, head[i], 8);
	memcpy(image->bytes + TABLE + NAMES, "\0main.outer\0main.inner\0runtime.goexit", 38);
	memcpy(image->bytes + TABLE + FILES, "/src/main.go", 13);
	memcpy(image->bytes + TABLE + VALUES, values, sizeof(values));
	next = put_function(image, entry, is_old, 0, 1, 0, 19);
	put_function(image, next, is_old, 32, 23, 1, 0);
	const size_t elements[] = {0, entry, 32, next, 64};
	for (size_t i = 0; i < 5; i++)
		put(image, TABLE + FUNCTIONS + 4 * i,
			i % 2 ? elements[i] - TABLE - FUNCTIONS : elements[i], 4);
	/* The inlined call: its name, and where in the function it was. */
	put(image, DATA + 0x10 + (is_old ? 12 : 4), 12, 4);
	put(image, DATA + 0x10 + (is_old ? 16 : 8), 16, 4);
	if (!is_old)
		put(image, DATA + 0x10 + 12, 29, 4);
}

/* The moduledata, as bytes of the file or as relocations. */
static void put_module(struct image *image, bool is_old, bool with_relocations)
{
	const uint64_t words[][2] = {{22, TEXT}, {0, BASE + TABLE}, {1, BASE + TABLE + NAMES},
		{is_old ? 38 : 40, BASE + DATA}};

	for (size_t i = 0; i < 4; i++) {
		Elf64_Rela item = {
			BASE + MODULE + 8 * words[i][0], R_X86_64_RELATIVE, (int64_t)words[i][1]};

		if (with_relocations)
			memcpy(image->bytes + RELOCATIONS + i * sizeof(item), &item, sizeof(item));
		else
			put(image, MODULE + 8 * words[i][0], words[i][1], 8);
	}
	const uint64_t dynamic[] = {DT_RELA, BASE + RELOCATIONS, DT_RELASZ, 4 * sizeof(Elf64_Rela)};
	memcpy(image->bytes + DYNAMIC, dynamic, sizeof(dynamic));
}

static void make(struct image *image, bool is_old, bool with_relocations)
{
	*image = (struct image){0};
	put_header(image, with_relocations);
	put_table(image, is_old);
	put_module(image, is_old, with_relocations);
}

static void check(const struct image *image, bool is_old)
{
	struct go_function function;
	struct go_inline inlined;
	struct go_table table;
	struct go_value value;

	assert_true(go_table_find(image->bytes, sizeof(image->bytes), &table));
	assert_int_equal(table.text, TEXT);
	assert_false(go_find_function(&table, TEXT - 1, &function));
	assert_false(go_find_function(&table, TEXT + 64, &function));
	assert_true(go_find_function(&table, TEXT + 63, &function));
	assert_string_equal(go_name(&table, function.name), "runtime.goexit");
	assert_true(function.is_top);

	assert_true(go_find_function(&table, TEXT + 9, &function));
	assert_string_equal(go_name(&table, function.name), "main.outer");
	assert_false(function.is_top || function.switches_stack);
	assert_int_equal(function.first_line, is_old ? 0 : 11);
	assert_true(go_value_at(&table, &function, function.stack_sizes, TEXT + 9, &value));
	assert_int_equal(value.value, 8);
	assert_int_equal(value.low, TEXT + 4);
	assert_int_equal(value.high, TEXT + 28);
	assert_true(go_value_at(&table, &function, function.lines, TEXT + 9, &value));
	assert_int_equal(value.value, 30);
	assert_true(go_value_at(&table, &function, function.file_numbers, TEXT + 9, &value));
	assert_string_equal(go_file(&table, &function, value.value), "/src/main.go");
	assert_null(go_file(&table, &function, -1));

	assert_true(go_value_at(&table, &function, function.inline_numbers, TEXT + 9, &value));
	assert_true(go_inline_at(&table, &function, value.value, &inlined));
	assert_string_equal(go_name(&table, inlined.name), "main.inner");
	assert_int_equal(inlined.parent, TEXT + 16);
	assert_int_equal(inlined.first_line, is_old ? 0 : 29);
	assert_true(go_value_at(&table, &function, function.inline_numbers, TEXT + 16, &value));
	assert_false(go_inline_at(&table, &function, value.value, &inlined));
}

static void test_layouts(void **unused)
{
	struct image image;

	for (int kind = 0; kind < 4; kind++) {
		make(&image, kind & 1, kind & 2);
		check(&image, kind & 1);
	}
}

/* Without the moduledata the table of Go 1.18 to 1.25 knows itself where the code is. */
static void test_without_module(void **unused)
{
	struct go_function function;
	struct go_table table;
	struct image image;

	make(&image, false, false);
	put(&image, MODULE, 0, 8);
	assert_false(go_table_find(image.bytes, sizeof(image.bytes), &table));
	put(&image, TABLE + 24, TEXT, 8);
	assert_true(go_table_find(image.bytes, sizeof(image.bytes), &table));
	assert_true(go_find_function(&table, TEXT + 9, &function));
	assert_string_equal(go_name(&table, function.name), "main.outer");
	assert_int_equal(function.inline_numbers, 0);
}

/* Ask everything there is to ask. What is answered does not matter. */
static void ask(const uint8_t *bytes, size_t size)
{
	struct go_function function;
	struct go_inline inlined;
	struct go_table table;
	struct go_value value;

	if (!go_table_find(bytes, size, &table))
		return;
	for (uint64_t at = TEXT - 8; at < TEXT + 72; at += 4) {
		if (!go_find_function(&table, at, &function))
			continue;
		go_name(&table, function.name);
		if (go_value_at(&table, &function, function.file_numbers, at, &value))
			go_file(&table, &function, value.value);
		if (go_value_at(&table, &function, function.inline_numbers, at, &value) &&
			go_inline_at(&table, &function, value.value, &inlined))
			go_name(&table, inlined.name);
		go_value_at(&table, &function, function.lines, at, &value);
	}
}

static void test_damage(void **unused)
{
	static const uint8_t bad[] = {0x00, 0x7f, 0x80, 0xff};
	struct image image;

	for (int kind = 0; kind < 4; kind++) {
		for (size_t at = 0; at < FILE_BYTES; at++) {
			make(&image, kind & 1, kind & 2);
			for (size_t i = 0; i < sizeof(bad); i++) {
				image.bytes[at] = bad[i];
				ask(image.bytes, sizeof(image.bytes));
			}
			memset(image.bytes + at, 0xff, FILE_BYTES - at < 8 ? FILE_BYTES - at : 8);
			ask(image.bytes, sizeof(image.bytes));
		}
		/* Cut anywhere: in memory of exactly that size, so that a sanitizer would tell. */
		make(&image, kind & 1, kind & 2);
		for (size_t size = 0; size < FILE_BYTES; size += 3) {
			uint8_t *cut = malloc(size + 1);

			assert_non_null(cut);
			put(&image, 64 + offsetof(Elf64_Phdr, p_filesz), size, 8);
			memcpy(cut + 1, image.bytes, size);
			ask(cut + 1, size);
			free(cut);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_without_module),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
