#include <dwarf.h>

#include "cfi.h"
#include "elf/cursor.h"

#define STACK_ITEMS 32
#define MAX_STEPS   512

struct machine {
	struct cursor code;
	const uint8_t *start;
	const struct arch_regs *regs;
	struct stack_memory *memory;
	uint64_t stack[STACK_ITEMS];
	size_t depth;
	bool failed;
};

static void push(struct machine *machine, uint64_t value)
{
	if (machine->depth == STACK_ITEMS)
		machine->failed = true;
	else
		machine->stack[machine->depth++] = value;
}

static uint64_t pop(struct machine *machine)
{
	if (machine->depth == 0) {
		machine->failed = true;
		return 0;
	}
	return machine->stack[--machine->depth];
}

static void push_register(struct machine *machine, uint64_t reg, uint64_t offset)
{
	if (reg >= ARCH_REG_COUNT || !(machine->regs->known >> reg & 1))
		machine->failed = true;
	else
		push(machine, machine->regs->value[reg] + offset);
}

static void push_memory(struct machine *machine, uint64_t address, size_t size)
{
	uint64_t value = 0;

	if (size == 0 || size > 8 || !stack_memory_read(machine->memory, address, &value, size))
		machine->failed = true;
	else
		push(machine, value);
}

/* Copy the item `index` below the top. */
static void pick(struct machine *machine, size_t index)
{
	if (index >= machine->depth)
		machine->failed = true;
	else
		push(machine, machine->stack[machine->depth - 1 - index]);
}

static void jump(struct machine *machine, int64_t distance)
{
	const uint8_t *start = machine->start;
	int64_t target = machine->code.at - start + distance;

	if (target < 0 || target > machine->code.end - start)
		machine->failed = true;
	else
		machine->code.at = start + target;
}

/* Swap (2 items) or rotate (3 items): the top moves below the others. */
static void sink_top(struct machine *machine, size_t items)
{
	if (machine->depth < items) {
		machine->failed = true;
		return;
	}
	uint64_t *top = &machine->stack[machine->depth - 1];
	uint64_t value = *top;

	for (size_t i = 0; i + 1 < items; i++)
		top[-(ptrdiff_t)i] = top[-(ptrdiff_t)i - 1];
	top[-(ptrdiff_t)(items - 1)] = value;
}

static uint64_t shifted(uint8_t op, uint64_t value, uint64_t count)
{
	if (op == DW_OP_shra)
		return (uint64_t)((int64_t)value >> (count < 63 ? count : 63));
	if (count > 63)
		return 0;
	return op == DW_OP_shl ? value << count : value >> count;
}

/* Operators of two operands: `b` was on top. */
static uint64_t binary(struct machine *machine, uint8_t op, uint64_t a, uint64_t b)
{
	int64_t sa = (int64_t)a, sb = (int64_t)b;

	switch (op) {
	case DW_OP_and:
		return a & b;
	case DW_OP_or:
		return a | b;
	case DW_OP_xor:
		return a ^ b;
	case DW_OP_plus:
		return a + b;
	case DW_OP_minus:
		return a - b;
	case DW_OP_mul:
		return a * b;
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
		return shifted(op, a, b);
	case DW_OP_eq:
		return a == b;
	case DW_OP_ne:
		return a != b;
	case DW_OP_lt:
		return sa < sb;
	case DW_OP_le:
		return sa <= sb;
	case DW_OP_gt:
		return sa > sb;
	case DW_OP_ge:
		return sa >= sb;
	default: /* division is in no compiler's frame rules */
		machine->failed = true;
		return 0;
	}
}

/* Constants and branches: operators with operands in the code. Returns: whether `op` is one. */
static bool step_operand(struct machine *machine, uint8_t op)
{
	struct cursor *code = &machine->code;
	int64_t distance;

	switch (op) {
	case DW_OP_const1u:
	case DW_OP_const2u:
	case DW_OP_const4u:
	case DW_OP_const8u:
		/* Codes come in pairs, unsigned and signed, for 1, 2, 4 and 8 bytes. */
		push(machine, cursor_unsigned(code, (size_t)1 << (op - DW_OP_const1u) / 2));
		return true;
	case DW_OP_const1s:
	case DW_OP_const2s:
	case DW_OP_const4s:
	case DW_OP_const8s:
		push(machine, (uint64_t)cursor_signed(code, (size_t)1 << (op - DW_OP_const1s) / 2));
		return true;
	case DW_OP_constu:
		push(machine, cursor_uleb128(code));
		return true;
	case DW_OP_consts:
		push(machine, (uint64_t)cursor_sleb128(code));
		return true;
	case DW_OP_plus_uconst:
		push(machine, pop(machine) + cursor_uleb128(code));
		return true;
	case DW_OP_deref_size:
		push_memory(machine, pop(machine), cursor_unsigned(code, 1));
		return true;
	case DW_OP_pick:
		pick(machine, cursor_unsigned(code, 1));
		return true;
	case DW_OP_skip:
		distance = cursor_signed(code, 2);
		jump(machine, distance);
		return true;
	case DW_OP_bra:
		distance = cursor_signed(code, 2);
		if (pop(machine) != 0)
			jump(machine, distance);
		return true;
	case DW_OP_bregx: {
		uint64_t reg = cursor_uleb128(code);

		push_register(machine, reg, (uint64_t)cursor_sleb128(code));
		return true;
	}
	default:
		return false;
	}
}

static void step(struct machine *machine)
{
	uint8_t op = (uint8_t)cursor_unsigned(&machine->code, 1);

	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		push(machine, (uint64_t)(op - DW_OP_lit0));
	} else if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		push_register(machine, (uint64_t)(op - DW_OP_breg0),
			(uint64_t)cursor_sleb128(&machine->code));
	} else if (op == DW_OP_deref) {
		push_memory(machine, pop(machine), 8);
	} else if (op == DW_OP_dup) {
		pick(machine, 0);
	} else if (op == DW_OP_over) {
		pick(machine, 1);
	} else if (op == DW_OP_drop) {
		pop(machine);
	} else if (op == DW_OP_swap) {
		sink_top(machine, 2);
	} else if (op == DW_OP_rot) {
		sink_top(machine, 3);
	} else if (op == DW_OP_neg) {
		push(machine, -pop(machine));
	} else if (op == DW_OP_not) {
		push(machine, ~pop(machine));
	} else if (op != DW_OP_nop && !step_operand(machine, op)) {
		uint64_t b = pop(machine), a = pop(machine);

		push(machine, binary(machine, op, a, b));
	}
}

bool cfi_evaluate(const uint8_t *expr, size_t size, const struct arch_regs *regs,
	struct stack_memory *memory, const uint64_t *initial, uint64_t *ret_value)
{
	struct machine machine = {
		.code = {expr, expr + size, false},
		.start = expr,
		.regs = regs,
		.memory = memory,
	};

	if (initial)
		push(&machine, *initial);
	for (int steps = 0; cursor_left(&machine.code) > 0 && steps < MAX_STEPS; steps++) {
		step(&machine);
		if (machine.failed || machine.code.bad)
			return false;
	}
	if (cursor_left(&machine.code) > 0 || machine.depth == 0)
		return false;
	*ret_value = machine.stack[machine.depth - 1];
	return true;
}
