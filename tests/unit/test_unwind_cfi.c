/* Call frame information: against libdw on real files, and against damaged ones. */
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <dwarf.h>

#include "record/unwind/elf_image.h"

/* ---- expressions ---- */

static bool evaluate(const uint8_t *expr, size_t size, const struct arch_regs *regs,
	struct stack_memory *memory, uint64_t *ret_value)
{
	return cfi_evaluate(expr, size, regs, memory, NULL, ret_value);
}

static void test_expressions(void **state)
{
	/* What linkers write for PLT entries: rsp + 8 + ((rip & 15) >= 11) * 8. */
	static const uint8_t plt[] = {DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and,
		DW_OP_lit11, DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus};
	/* A realigned frame: the word at rbp - 8. */
	static const uint8_t saved[] = {DW_OP_breg6, 0x78, DW_OP_deref};
	static const uint8_t swapped[] = {DW_OP_lit5, DW_OP_lit3, DW_OP_swap, DW_OP_minus};
	static const uint8_t rotated[] = {
		DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot, DW_OP_drop, DW_OP_drop};
	static const uint8_t branch[] = {
		DW_OP_lit7, DW_OP_lit1, DW_OP_bra, 1, 0, DW_OP_lit9, DW_OP_nop};
	struct arch_regs regs = {.known = (1u << ARCH_REG_COUNT) - 1};
	uint64_t words[4] = {11, 22, 33, 44}, value = 0;
	struct stack_memory memory;

	stack_memory_init(&memory);
	stack_memory_set(&memory, 0, 0x1000, (const uint8_t *)words, sizeof(words));
	regs.value[ARCH_REG_SP] = 0x2000;
	regs.value[ARCH_REG_PC] = 0x4000b;
	regs.value[ARCH_REG_FP] = 0x1010;
	assert_true(evaluate(plt, sizeof(plt), &regs, &memory, &value));
	assert_int_equal(value, 0x2010);
	regs.value[ARCH_REG_PC] = 0x40006;
	assert_true(evaluate(plt, sizeof(plt), &regs, &memory, &value));
	assert_int_equal(value, 0x2008);
	assert_true(evaluate(saved, sizeof(saved), &regs, &memory, &value));
	assert_int_equal(value, 22);
	assert_true(evaluate(swapped, sizeof(swapped), &regs, &memory, &value));
	assert_int_equal((int64_t)value, -2);
	assert_true(evaluate(rotated, sizeof(rotated), &regs, &memory, &value));
	assert_int_equal(value, 3);
	assert_true(evaluate(branch, sizeof(branch), &regs, &memory, &value));
	assert_int_equal(value, 7);

	regs.known &= ~(1u << ARCH_REG_FP);
	assert_false(evaluate(saved, sizeof(saved), &regs, &memory, &value));
	stack_memory_release(&memory);
}

static void test_hostile_expressions(void **state)
{
	static const uint8_t loop[] = {DW_OP_lit1, DW_OP_skip, 0xfc, 0xff};
	static const uint8_t outside[] = {DW_OP_lit1, DW_OP_skip, 0x00, 0x80};
	static const uint8_t empty[] = {DW_OP_plus};
	static const uint8_t cut[] = {DW_OP_const8u, 1, 2};
	static const uint8_t endless[] = {
		DW_OP_constu, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t unknown[] = {DW_OP_lit1, DW_OP_lit0, DW_OP_div};
	static const struct {
		const uint8_t *expr;
		size_t size;
	} cases[] = {{loop, sizeof(loop)}, {outside, sizeof(outside)}, {empty, sizeof(empty)},
		{cut, sizeof(cut)}, {endless, sizeof(endless)}, {unknown, sizeof(unknown)},
		{cut, 0}};
	struct arch_regs regs = {.known = 0};
	struct stack_memory memory;
	uint64_t value;

	stack_memory_init(&memory);
	stack_memory_set(&memory, 0, 0, NULL, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(evaluate(cases[i].expr, cases[i].size, &regs, &memory, &value));
	stack_memory_release(&memory);
}

/* ---- rows, as libdw has them ---- */

/* What libdw says of a register, in our terms. Expressions are not compared. */
static struct cfi_cell cell_of_libdw(Dwarf_Frame *frame, unsigned reg)
{
	struct cfi_cell cell = {.how = CFI_IS_EXPR};
	Dwarf_Op memory[3], *ops;
	size_t count;

	if (dwarf_frame_register(frame, (int)reg, memory, &ops, &count) != 0)
		return cell;
	if (count == 0) {
		cell.how = ops ? CFI_UNDEFINED : CFI_SAME;
	} else if (ops[0].atom == DW_OP_call_frame_cfa && count <= 2 &&
		   (count == 1 || ops[1].atom == DW_OP_plus_uconst)) {
		cell.how = CFI_AT_CFA;
		cell.value = count == 2 ? (int64_t)ops[1].number : 0;
	} else if (count == 1 && ops[0].atom == DW_OP_regx) {
		cell.how = CFI_REGISTER;
		cell.value = (int64_t)ops[0].number;
	}
	return cell;
}

static void compare_rows(const struct cfi_row *row, Dwarf_Frame *frame, uint64_t vaddr)
{
	Dwarf_Op *ops;
	size_t count;
	bool is_signal;
	Dwarf_Addr start, end;

	assert_int_equal(dwarf_frame_info(frame, &start, &end, &is_signal), ARCH_REG_PC);
	assert_int_equal(row->is_signal, is_signal);
	assert_int_equal(dwarf_frame_cfa(frame, &ops, &count), 0);
	if (row->cfa.how == CFI_REGISTER) {
		assert_int_equal(count, 1);
		assert_int_equal(ops[0].atom, DW_OP_bregx);
		assert_int_equal(ops[0].number, row->cfa.value);
		assert_int_equal((int64_t)ops[0].number2, row->cfa_offset);
	}
	for (unsigned reg = 0; reg < ARCH_REG_COUNT; reg++) {
		struct cfi_cell theirs = cell_of_libdw(frame, reg);
		const struct cfi_cell *ours = &row->cells[reg];

		if (reg == ARCH_REG_SP || ours->how >= CFI_AT_EXPR)
			continue;
		/* Where CFI is silent: libdw takes rax for the rbx that functions give back. */
		if (ours->how <= CFI_SAME && theirs.how <= CFI_SAME && (reg == 0 || reg == 3))
			continue;
		if (theirs.how != ours->how || theirs.value != ours->value)
			fail_msg("register %u at 0x%lx: %d %ld, libdw says %d %ld", reg,
				(unsigned long)vaddr, ours->how, (long)ours->value, theirs.how,
				(long)theirs.value);
	}
}

/* Compare at places all over the executable segment. Returns: how many rows there were. */
static size_t compare_file(const char *path)
{
	struct cfi_scratch *scratch = malloc(sizeof(*scratch));
	struct elf_image *image;
	size_t compared = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	elf_version(EV_CURRENT);
	assert_true(fd >= 0);
	assert_non_null(scratch);
	assert_int_equal(elf_image_new(fd, &image), 0);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);

	assert_non_null(cfi);
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];
		uint64_t step = segment->size / 20000 + 1;

		for (uint64_t at = 0; segment->is_executable && at < segment->size; at += step) {
			uint64_t vaddr = segment->vaddr + at;
			Dwarf_Frame *frame = NULL;
			struct cfi_row row;
			bool is_found = cfi_table_find(&image->cfi, fd, vaddr, scratch, &row);

			if (is_found != (dwarf_cfi_addrframe(cfi, vaddr, &frame) == 0))
				fail_msg("%s 0x%lx: found only by %s", path, (unsigned long)vaddr,
					is_found ? "us" : "libdw");
			if (is_found) {
				compare_rows(&row, frame, vaddr);
				compared++;
			}
			free(frame);
		}
	}
	dwarf_cfi_end(cfi);
	elf_end(elf);
	elf_image_free(image);
	free(scratch);
	close(fd);
	return compared;
}

static void test_agrees_with_libdw(void **state)
{
	static const char *const paths[] = {"/proc/self/exe", "/lib/x86_64-linux-gnu/libc.so.6",
		"/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/lib/x86_64-linux-gnu/libstdc++.so.6"};
	size_t compared = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], R_OK) == 0)
			compared += compare_file(paths[i]);
	}
	assert_true(compared > 1000);
}

/* ---- damaged files ---- */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Look at many places of a file in whatever state it is. */
static void probe(int fd)
{
	struct cfi_scratch *scratch = malloc(sizeof(*scratch));
	struct cfi_rules rules;
	struct elf_image *image = NULL;

	assert_non_null(scratch);
	assert_int_equal(cfi_rules_init(&rules), 0);
	if (elf_image_new(fd, &image) == 0) {
		for (uint64_t vaddr = 0; vaddr < 0x6000; vaddr += 7) {
			struct cfi_row row;

			if (cfi_table_find(&image->cfi, fd, vaddr, scratch, &row))
				cfi_rules_add(&rules, &row);
		}
		elf_image_segment(image, 0x1000, 0x1000);
	}
	elf_image_free(image);
	cfi_rules_release(&rules);
	free(scratch);
}

static void test_damaged_files(void **state)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	uint32_t seed = 1;
	struct stat stat;

	assert_true(from >= 0 && fd >= 0);
	assert_int_equal(fstat(from, &stat), 0);
	size_t size = (size_t)stat.st_size;
	uint8_t *whole = malloc(size), *damaged = malloc(size);
	struct elf_image *image;

	assert_true(whole && damaged);
	assert_int_equal(pread(from, whole, size, 0), (ssize_t)size);
	assert_int_equal(elf_image_new(from, &image), 0);
	uint64_t frames = image->cfi.eh.section.offset;

	assert_true(frames > 0 && frames < size);
	elf_image_free(image);
	for (int round = 0; round < 300; round++) {
		/* Headers, or the tables themselves, or the file's end. */
		size_t start = round % 3 == 0 ? 0 : (size_t)frames - 4096;
		size_t span = round % 3 == 0 ? 1024 : 16384;
		size_t length = round % 10 == 9 ? next_random(&seed) % size : size;

		memcpy(damaged, whole, size);
		for (int i = 0; i < 1 + round % 40; i++) {
			size_t at = start + next_random(&seed) % span;

			if (at < size)
				damaged[at] = (uint8_t)next_random(&seed);
		}
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, damaged, length, 0), (ssize_t)length);
		probe(fd);
	}
	free(whole);
	free(damaged);
	close(from);
	close(fd);
}

static void test_is_no_elf(void **state)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct elf_image *image;

	assert_true(fd >= 0);
	assert_true(elf_image_new(fd, &image) < 0);
	assert_int_equal(write(fd, "#!/bin/sh\n", 10), 10);
	assert_true(elf_image_new(fd, &image) < 0);
	close(fd);
}

/* ---- rules ---- */

static void test_rules_are_shared(void **state)
{
	struct cfi_row row = {.cfa = {.how = CFI_REGISTER, .value = ARCH_REG_SP}};
	struct cfi_rules rules;

	assert_int_equal(cfi_rules_init(&rules), 0);
	row.cells[ARCH_REG_SP].how = CFI_IS_CFA;
	row.cells[ARCH_REG_PC] = (struct cfi_cell){.how = CFI_AT_CFA, .value = -8};
	row.cfa_offset = 8;
	uint32_t first = cfi_rules_add(&rules, &row);

	assert_true(first >= CFI_RULE_FIRST);
	for (int i = 2; i < 500; i++) {
		row.cfa_offset = 8 * i;
		assert_int_equal(cfi_rules_add(&rules, &row), first + (uint32_t)i - 1);
	}
	row.cfa_offset = 8;
	assert_int_equal(cfi_rules_add(&rules, &row), first);
	assert_int_equal(rules.rules[first].flags, CFI_RULE_PLAIN);
	row.cfa_offset = INT64_MAX;
	assert_int_equal(cfi_rules_add(&rules, &row), CFI_RULE_NONE);
	row.cells[ARCH_REG_PC].how = CFI_UNDEFINED;
	assert_int_equal(rules.rules[cfi_rules_add(&rules, &row)].flags, CFI_RULE_ROOT);
	cfi_rules_release(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_hostile_expressions),
		cmocka_unit_test(test_agrees_with_libdw),
		cmocka_unit_test(test_damaged_files),
		cmocka_unit_test(test_is_no_elf),
		cmocka_unit_test(test_rules_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
