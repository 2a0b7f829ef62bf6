#include <dwarf.h>
#include <unistd.h>

#include "cfi.h"
#include "elf/cursor.h"

/* States that remember_state may nest; compilers nest one. */
#define MAX_REMEMBERED 8
/* Read at once; most entries are shorter. */
#define ENTRY_BYTES 512

/* Read bytes of the section, which holds them. Returns: whether the file does too. */
static bool read_section(
	const struct cfi_index *index, int fd, uint64_t offset, uint8_t *bytes, size_t size)
{
	if (!index->bytes)
		return pread(fd, bytes, size, (off_t)(index->section.offset + offset)) ==
		       (ssize_t)size;
	memcpy(bytes, index->bytes + offset, size);
	return true;
}

/*
 * Read the entry at `offset` of the section into `bytes`. `ret_entry` begins after the length.
 * Returns: its size in the section, 0 when there is none or it is too long to be read.
 */
static uint64_t read_entry(const struct cfi_index *index, int fd, uint64_t offset, uint8_t *bytes,
	size_t max_bytes, struct cursor *ret_entry)
{
	if (offset >= index->section.size)
		return 0;
	uint64_t left = index->section.size - offset;
	size_t first = left < ENTRY_BYTES ? (size_t)left : ENTRY_BYTES;

	if (!read_section(index, fd, offset, bytes, first))
		return 0;
	*ret_entry = (struct cursor){bytes, bytes + first, false};
	uint64_t size = cursor_unsigned(ret_entry, 4);

	/* 0 ends the section; 0xffffffff announces 64-bit DWARF, which no x86-64 linker writes. */
	if (size == 0 || size + 4 > left || size + 4 > max_bytes)
		return 0;
	if (size + 4 > first &&
		!read_section(index, fd, offset + first, bytes + first, (size_t)size + 4 - first))
		return 0;
	ret_entry->end = bytes + 4 + size;
	return size + 4;
}

static bool read_cie(const struct cfi_index *index, int fd, uint64_t offset, uint8_t *bytes,
	struct cfi_function *function)
{
	struct cursor entry;

	return read_entry(index, fd, offset, bytes, CFI_CIE_BYTES, &entry) > 0 &&
	       cfi_read_cie(&entry, index->is_eh, function);
}

int cfi_function_read(const struct cfi_index *index, int fd, uint64_t offset,
	struct cfi_scratch *scratch, struct cfi_function *ret_function, uint64_t *ret_size)
{
	struct cursor entry;
	uint64_t size = read_entry(index, fd, offset, scratch->fde, sizeof(scratch->fde), &entry);

	if (ret_size)
		*ret_size = size;
	if (size == 0)
		return 0;
	uint64_t id = cursor_unsigned(&entry, 4);

	if (id == (index->is_eh ? 0 : 0xffffffff))
		return 0;
	/* In .eh_frame a distance back from the field, in .debug_frame an offset. */
	uint64_t cie_offset = index->is_eh ? offset + 4 - id : id;

	if (!read_cie(index, fd, cie_offset, scratch->cie, ret_function))
		return 0;
	uint64_t field_vaddr = index->section.vaddr + offset + 8;

	return cfi_read_fde(&entry, field_vaddr, ret_function) &&
	       ret_function->return_register == ARCH_REG_PC;
}

struct program {
	const struct cfi_function *function;
	uint64_t vaddr; /* the row's */
	uint64_t location;
	struct cfi_row row;
	struct cfi_row initial; /* after the CIE's instructions */
	struct cfi_row remembered[MAX_REMEMBERED];
	size_t remembered_count;
	bool failed;
};

/* Factored operands; hostile ones may wrap. */
static int64_t scaled(const struct program *program, int64_t value)
{
	return (int64_t)((uint64_t)value * (uint64_t)program->function->data_align);
}

/* Set a register's cell. One that is not tracked (vector registers) is ignored. */
static void set_cell(struct program *program, uint64_t reg, enum cfi_how how, int64_t value)
{
	if (reg < ARCH_REG_COUNT)
		program->row.cells[reg] = (struct cfi_cell){.how = how, .value = value};
}

static void set_expr(
	struct program *program, struct cfi_cell *cell, struct cursor *code, enum cfi_how how)
{
	uint64_t size = cursor_uleb128(code);
	const uint8_t *expr = cursor_bytes(code, size);

	if (!expr)
		program->failed = true;
	else if (cell)
		*cell = (struct cfi_cell){.how = how, .expr = expr, .expr_size = size};
}

static struct cfi_cell *cell_of(struct program *program, uint64_t reg)
{
	return reg < ARCH_REG_COUNT ? &program->row.cells[reg] : NULL;
}

static void set_cfa(struct program *program, uint64_t reg, int64_t offset)
{
	if (reg >= ARCH_REG_COUNT)
		program->failed = true;
	program->row.cfa = (struct cfi_cell){.how = CFI_REGISTER, .value = (int64_t)reg};
	program->row.cfa_offset = offset;
}

static void restore(struct program *program, uint64_t reg)
{
	if (reg < ARCH_REG_COUNT)
		program->row.cells[reg] = program->initial.cells[reg];
}

static void remember(struct program *program)
{
	if (program->remembered_count == MAX_REMEMBERED)
		program->failed = true;
	else
		program->remembered[program->remembered_count++] = program->row;
}

static void recall(struct program *program)
{
	if (program->remembered_count == 0)
		program->failed = true;
	else
		program->row = program->remembered[--program->remembered_count];
}

/* Instructions that give a register's place: what follows is the register, then its operand. */
static void run_register(struct program *program, struct cursor *code, uint8_t op)
{
	uint64_t reg = cursor_uleb128(code);

	switch (op) {
	case DW_CFA_offset_extended:
		set_cell(program, reg, CFI_AT_CFA, scaled(program, (int64_t)cursor_uleb128(code)));
		break;
	case DW_CFA_offset_extended_sf:
		set_cell(program, reg, CFI_AT_CFA, scaled(program, cursor_sleb128(code)));
		break;
	case DW_CFA_GNU_negative_offset_extended:
		set_cell(program, reg, CFI_AT_CFA, scaled(program, (int64_t)-cursor_uleb128(code)));
		break;
	case DW_CFA_val_offset:
		set_cell(program, reg, CFI_IS_CFA, scaled(program, (int64_t)cursor_uleb128(code)));
		break;
	case DW_CFA_val_offset_sf:
		set_cell(program, reg, CFI_IS_CFA, scaled(program, cursor_sleb128(code)));
		break;
	case DW_CFA_undefined:
		set_cell(program, reg, CFI_UNDEFINED, 0);
		break;
	case DW_CFA_same_value:
		set_cell(program, reg, CFI_SAME, 0);
		break;
	case DW_CFA_register:
		set_cell(program, reg, CFI_REGISTER, (int64_t)cursor_uleb128(code));
		break;
	case DW_CFA_restore_extended:
		restore(program, reg);
		break;
	case DW_CFA_expression:
		set_expr(program, cell_of(program, reg), code, CFI_AT_EXPR);
		break;
	case DW_CFA_val_expression:
		set_expr(program, cell_of(program, reg), code, CFI_IS_EXPR);
		break;
	default:
		program->failed = true;
	}
}

/* Instructions on the CFA and on whole states; the others are about registers. */
static void run_state(struct program *program, struct cursor *code, uint8_t op)
{
	struct cfi_row *row = &program->row;
	uint64_t reg;

	switch (op) {
	case DW_CFA_nop:
		break;
	case DW_CFA_def_cfa:
		reg = cursor_uleb128(code);
		set_cfa(program, reg, (int64_t)cursor_uleb128(code));
		break;
	case DW_CFA_def_cfa_sf:
		reg = cursor_uleb128(code);
		set_cfa(program, reg, scaled(program, cursor_sleb128(code)));
		break;
	case DW_CFA_def_cfa_register:
		set_cfa(program, cursor_uleb128(code), row->cfa_offset);
		break;
	case DW_CFA_def_cfa_offset:
		row->cfa_offset = (int64_t)cursor_uleb128(code);
		break;
	case DW_CFA_def_cfa_offset_sf:
		row->cfa_offset = scaled(program, cursor_sleb128(code));
		break;
	case DW_CFA_def_cfa_expression:
		set_expr(program, &row->cfa, code, CFI_IS_EXPR);
		break;
	case DW_CFA_remember_state:
		remember(program);
		break;
	case DW_CFA_restore_state:
		recall(program);
		break;
	case DW_CFA_GNU_args_size:
		cursor_uleb128(code);
		break;
	default:
		run_register(program, code, op);
	}
}

/* Run instructions until one leads past the row's address. */
static void run(struct program *program, struct cursor code)
{
	const struct cfi_function *function = program->function;

	while (cursor_left(&code) > 0 && !program->failed && !code.bad) {
		uint8_t op = (uint8_t)cursor_unsigned(&code, 1), low = op & 0x3f;
		uint64_t location = program->location;

		switch (op & 0xc0) {
		case DW_CFA_advance_loc:
			location += low * function->code_align;
			break;
		case DW_CFA_offset:
			set_cell(program, low, CFI_AT_CFA,
				scaled(program, (int64_t)cursor_uleb128(&code)));
			continue;
		case DW_CFA_restore:
			restore(program, low);
			continue;
		default:
			if (op == DW_CFA_advance_loc1) {
				location += cursor_unsigned(&code, 1) * function->code_align;
			} else if (op == DW_CFA_advance_loc2) {
				location += cursor_unsigned(&code, 2) * function->code_align;
			} else if (op == DW_CFA_advance_loc4) {
				location += cursor_unsigned(&code, 4) * function->code_align;
			} else if (op == DW_CFA_set_loc) {
				location = cursor_unsigned(&code, 8);
			} else {
				run_state(program, &code, op);
				continue;
			}
		}
		if (location > program->vaddr)
			return;
		program->location = location;
	}
	if (code.bad)
		program->failed = true;
}

bool cfi_function_run(const struct cfi_function *function, uint64_t vaddr, struct cfi_row *ret_row)
{
	struct program program = {
		.function = function, .vaddr = vaddr, .location = function->start};

	/* What the processor's calling convention says where the instructions are silent. */
	for (unsigned reg = 0; reg < ARCH_REG_COUNT; reg++) {
		if (ARCH_CALLEE_SAVED >> reg & 1)
			program.row.cells[reg].how = CFI_SAME;
	}
	program.row.cells[ARCH_REG_SP].how = CFI_IS_CFA;
	program.row.is_signal = function->is_signal;
	run(&program, (struct cursor){function->cie_code, function->cie_code_end, false});
	program.initial = program.row;
	program.location = function->start;
	run(&program, (struct cursor){function->fde_code, function->fde_code_end, false});
	if (program.failed || program.row.cfa.how == CFI_UNDEFINED)
		return false;
	*ret_row = program.row;
	ret_row->function_start = function->start;
	return true;
}
