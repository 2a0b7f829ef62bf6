/* Code that a runtime made: what is where, by maps of overlapping code, jitdumps and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/symbols/code_map.h"
#include "record/symbols/jit.h"
#include "record/symbols/jitdump.h"

/* ---- maps ---- */

static void add(struct rec_code_map *map, uint64_t start, uint64_t length, const char *name)
{
	struct rec_code code = {.start = start, .length = length};

	assert_int_equal(rec_code_map_add(map, code, name, strlen(name)), 0);
}

static const char *name_at(const struct rec_code_map *map, uint64_t address)
{
	const struct rec_code_piece *piece = rec_code_map_find(map, address);

	return piece ? rec_code_map_name(map, piece) : "";
}

static void test_later_code_wins(void **unused)
{
	struct rec_code_map map = {0};

	add(&map, 100, 100, "first");
	add(&map, 150, 100, "second");
	add(&map, 120, 10, "third");
	add(&map, 300, 0, "empty");
	add(&map, UINT64_MAX - 5, 10, "around");
	assert_int_equal(rec_code_map_settle(&map), 0);
	assert_string_equal(name_at(&map, 99), "");
	assert_string_equal(name_at(&map, 119), "first");
	assert_string_equal(name_at(&map, 120), "third");
	assert_string_equal(name_at(&map, 130), "first");
	assert_string_equal(name_at(&map, 150), "second");
	assert_string_equal(name_at(&map, 249), "second");
	assert_string_equal(name_at(&map, 250), "");
	assert_string_equal(name_at(&map, UINT64_MAX - 1), "");
	add(&map, 0, 1000, "last");
	assert_int_equal(rec_code_map_settle(&map), 0);
	assert_string_equal(name_at(&map, 125), "last");
	assert_int_equal(map.piece_count, 1);
	rec_code_map_release(&map);
}

/* Against the obvious way: ask all, the last one that covers the address wins. */
static void test_random_code(void **unused)
{
	struct rec_code_map map = {0};

	srandom(1);
	for (size_t round = 0; round < 20; round++) {
		for (int i = 0; i < 10; i++) {
			char name[16];

			snprintf(name, sizeof(name), "%zu", map.count);
			add(&map, (uint64_t)random() % 200, 1 + (uint64_t)random() % 40, name);
		}
		assert_int_equal(rec_code_map_settle(&map), 0);
		for (uint64_t address = 0; address < 250; address++) {
			const char *wanted = "";

			for (size_t i = 0; i < map.count; i++) {
				if (address - map.codes[i].start < map.codes[i].length)
					wanted = map.names + map.codes[i].name;
			}
			assert_string_equal(name_at(&map, address), wanted);
		}
	}
	rec_code_map_release(&map);
}

/* ---- jitdumps ---- */

static int dump_fd;

static void put(uint64_t value, size_t size)
{
	assert_int_equal(write(dump_fd, &value, size), size);
}

static void put_text(const char *text)
{
	assert_int_equal(write(dump_fd, text, strlen(text) + 1), strlen(text) + 1);
}

static void put_head(uint32_t kind, size_t size)
{
	put(kind, 4);
	put(16 + size, 4);
	put(0, 8);
}

static void put_load(uint64_t start, uint64_t size, const char *name)
{
	put_head(0, 40 + strlen(name) + 1 + size);
	put(0, 8);
	put(start, 8);
	put(start, 8);
	put(size, 8);
	put(0, 8);
	put_text(name);
	for (uint64_t i = 0; i < size; i++)
		put(0x90, 1);
}

static void put_lines(uint64_t start, uint64_t shift)
{
	put_head(2, 16 + 16 + 5 + 16 + 2 + 16 + 5);
	put(start, 8);
	put(3, 8);
	for (uint32_t i = 0; i < 3; i++) {
		put(start + shift + 8 * i, 8);
		put(10 + i, 4);
		put(0, 4);
		put_text(i == 1 ? "\xff" : i ? "b.js" : "a.js");
	}
}

static void put_move(uint64_t from, uint64_t to, uint64_t size)
{
	put_head(1, 48);
	put(0, 8);
	put(0, 8);
	put(from, 8);
	put(to, 8);
	put(size, 8);
	put(0, 8);
}

static int new_dump(void)
{
	dump_fd = memfd_create("dump", 0);
	put(0x4a695444, 4);
	put(1, 4);
	put(40, 4);
	for (int i = 0; i < 7; i++)
		put(0, 4);
	return dump_fd;
}

static void check_line(struct rec_jitdump *dump, uint64_t address, uint32_t line, const char *path)
{
	const struct rec_code_piece *piece = rec_code_map_find(rec_jitdump_codes(dump), address);
	struct rec_interval range = {0, UINT64_MAX};
	char text[64] = "";

	assert_non_null(piece);
	assert_int_equal(rec_jitdump_line(dump, piece, address, text, sizeof(text), &range), line);
	assert_string_equal(text, path);
	assert_true(address >= range.low && address < range.high);
	if (line == 11)
		assert_int_equal(range.high - range.low, 8);
}

static void test_jitdump(void **unused)
{
	struct rec_jitdump *dump = rec_jitdump_new(new_dump());

	assert_non_null(dump);
	rec_jitdump_refresh(dump);
	assert_int_equal(rec_jitdump_codes(dump)->count, 0);
	put_lines(0x1000, 0);
	put_load(0x1000, 32, "one");
	put_lines(0x2000, 64); /* as V8 has it */
	put_load(0x2000, 32, "two");
	put_load(0x3000, 32, "three");
	put_head(4, 10); /* an unknown record */
	put(0, 8);
	put(0, 2);
	put_head(0, 1000); /* is being written */
	rec_jitdump_refresh(dump);
	assert_int_equal(rec_jitdump_codes(dump)->count, 3);
	check_line(dump, 0x1000, 10, "a.js");
	check_line(dump, 0x100f, 11, "a.js");
	check_line(dump, 0x101f, 12, "b.js");
	check_line(dump, 0x2008, 11, "a.js");
	check_line(dump, 0x3000, 0, "");
	rec_jitdump_free(dump);
}

static void test_moved_code(void **unused)
{
	struct rec_jitdump *dump = rec_jitdump_new(new_dump());

	put_load(0x1000, 32, "one");
	put_load(0x2000, 32, "two");
	put_move(0x1000, 0x3000, 32);
	put_move(0x2000, 0x1000, 32);
	put_move(0x9000, 0x2000, 32);
	rec_jitdump_refresh(dump);
	assert_string_equal(name_at(rec_jitdump_codes(dump), 0x3000), "one");
	assert_string_equal(name_at(rec_jitdump_codes(dump), 0x1000), "two");
	rec_jitdump_free(dump);
}

static void test_damaged_jitdumps(void **unused)
{
	static uint8_t bytes[4096];
	struct rec_jitdump *dump;
	ssize_t size;
	int fd;

	new_dump();
	put_lines(0x1000, 0);
	put_load(0x1000, 32, "one");
	put_move(0x1000, 0x3000, 32);
	size = pread(dump_fd, bytes, sizeof(bytes), 0);
	close(dump_fd);
	for (ssize_t at = 0; at < size; at++) {
		uint8_t kept = bytes[at];

		for (int value = 0; value < 256; value += 85) {
			struct rec_interval range = {0, UINT64_MAX};
			char text[64];

			bytes[at] = (uint8_t)value;
			fd = memfd_create("damaged", 0);
			assert_int_equal(write(fd, bytes, (size_t)size), size);
			dump = rec_jitdump_new(fd);
			if (!dump) {
				close(fd);
				continue;
			}
			rec_jitdump_refresh(dump);
			for (size_t i = 0; i < rec_jitdump_codes(dump)->piece_count; i++)
				rec_jitdump_line(dump, &rec_jitdump_codes(dump)->pieces[i], 0x1008,
					text, sizeof(text), &range);
			rec_jitdump_free(dump);
		}
		bytes[at] = kept;
	}
	fd = open("/dev/null", O_RDONLY);
	assert_null(rec_jitdump_new(fd));
	close(fd);
}

/* ---- naming ---- */

struct told {
	char names[256];
	unsigned outdated;
};

static void take_rows(void *arg, uint32_t mapping, uint64_t address, uint64_t length,
	const struct rec_symbol_row *rows, size_t count)
{
	struct told *told = arg;
	size_t used = strlen(told->names);

	assert_int_equal(count, 1);
	snprintf(told->names + used, sizeof(told->names) - used, "%u:%s@%lx+%lx ", mapping,
		rows[0].function, (unsigned long)address, (unsigned long)length);
}

static void take_outdated(void *arg, uint32_t mapping)
{
	struct told *told = arg;

	assert_int_equal(mapping, 1);
	told->outdated++;
}

static void append(const char *text)
{
	FILE *file = fopen("tmp/perf-42.map", "a");

	fputs(text, file);
	fclose(file);
}

static void test_naming_over_time(void **unused)
{
	struct told told = {0};
	struct rec_jit_sink sink = {&told, take_rows, take_outdated};
	struct rec_jit *jit = rec_jit_new(&sink);
	struct rec_jit_process process = {.pid = 99,
		.inner_pid = 42,
		.owner = getuid(),
		.root = open(".", O_PATH),
		.jitdump = -1};
	const uint64_t addresses[] = {0x1004, 0x2004, 0x1008};

	assert_int_equal(mkdir("tmp", 0700), 0);
	rec_jit_resolve(jit, &process, 1, addresses, 3);
	assert_string_equal(told.names, "");
	/* What had no name gets it later, once. */
	append("1000 10 one\n");
	rec_jit_resolve(jit, &process, 1, NULL, 0);
	assert_string_equal(told.names, "1:one@1000+10 ");
	/* The same function made again is no other code. */
	append("1000 10 one\n");
	rec_jit_resolve(jit, &process, 1, NULL, 0);
	assert_int_equal(told.outdated, 0);
	append("1008 20 three\n");
	rec_jit_resolve(jit, &process, 1, NULL, 0);
	assert_int_equal(told.outdated, 0); /* its start is still what it was */
	append("1000 10 four\n");
	rec_jit_resolve(jit, &process, 1, addresses, 3);
	rec_jit_resolve(jit, &process, 1, addresses, 3);
	assert_int_equal(told.outdated, 1);
	assert_string_equal(told.names, "1:one@1000+10 ");
	/* From then on it is another mapping. What is told at the very end counts too. */
	rec_jit_resolve(jit, &process, 2, addresses, 3);
	append("2000 10 two\n");
	rec_jit_finish(jit);
	assert_string_equal(told.names, "1:one@1000+10 2:four@1000+10 2:two@2000+10 ");
	/* Mangled names are made readable. */
	append("3000 10 _ZN3app3runEi\n4000 10 JS:a node_modules/@b/c.js\n");
	told.names[0] = '\0';
	rec_jit_resolve(jit, &process, 2, (const uint64_t[]){0x3000, 0x4000}, 2);
	assert_string_equal(
		told.names, "2:app::run(int)@3000+10 2:JS:a node_modules/@b/c.js@4000+10 ");
	close(process.root);
	rec_jit_free(jit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_later_code_wins),
		cmocka_unit_test(test_random_code),
		cmocka_unit_test(test_jitdump),
		cmocka_unit_test(test_moved_code),
		cmocka_unit_test(test_damaged_jitdumps),
		cmocka_unit_test(test_naming_over_time),
	};
	char folder[] = "/tmp/test_jit.XXXXXX";
	char command[64];
	int failed;

	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || failed != 0;
}
