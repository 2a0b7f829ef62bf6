#include <unistd.h>

#include "walk.h"

/* How far up the stack a return address is looked for. */
#define SEARCH_BYTES 8192
/* A function is seldom longer than this: how far a pc may be from where its caller called. */
#define FUNCTION_BYTES (16u << 10)
/* A frame larger than this is no frame. */
#define FRAME_BYTES (8ull << 20)

/* What to try, in order of how much it proves. */
enum search_stage {
	STAGE_TOP,     /* nothing pushed yet: the return address is on top of the stack */
	STAGE_CALLER,  /* the next return address whose call leads to where we are */
	STAGE_POINTER, /* the frame pointer */
	STAGE_ANY,     /* the next return address of all */
	STAGE_END,
};

enum return_kind {
	RETURN_NONE,	/* the word is no return address */
	RETURN_MAYBE,	/* it lies in code, after a call that may have led here */
	RETURN_CERTAIN, /* its call leads to this function */
};

static bool read_code(
	const struct walk *walk, const struct mapping *mapping, uint64_t address, uint8_t *code)
{
	struct module *module = mapping->module;
	uint64_t offset;
	int fd = module->image ? modules_use_fd(walk->modules, module) : -1;

	if (fd >= 0 && elf_image_offset(module->image, address + mapping->bias, &offset))
		return pread(fd, code, ARCH_CALL_BYTES, (off_t)offset) == ARCH_CALL_BYTES;
	return process_read(walk->pid, address, code, ARCH_CALL_BYTES);
}

/* Whether `address` can be where the function at `pc` returns to. */
static enum return_kind judge(const struct walk *walk, uint64_t address, uint64_t pc)
{
	const struct mapping *mapping = space_find(walk->space, address - 1);
	uint8_t code[ARCH_CALL_BYTES];
	uint64_t target;

	if (!mapping || address - mapping->start < ARCH_CALL_BYTES)
		return RETURN_NONE;
	if (!read_code(walk, mapping, address - ARCH_CALL_BYTES, code))
		return RETURN_MAYBE;
	switch (arch_find_call(code, address, &target)) {
	case ARCH_CALL_NONE:
		return RETURN_NONE;
	case ARCH_CALL_INDIRECT:
		return RETURN_MAYBE;
	case ARCH_CALL_DIRECT:
		break;
	}
	if (pc - target < FUNCTION_BYTES)
		return RETURN_CERTAIN;
	/* Between modules a call goes by way of a stub; within one it would have led here. */
	const struct mapping *here = space_find(walk->space, pc);

	return here && here->module == mapping->module ? RETURN_NONE : RETURN_MAYBE;
}

/* Return to the address in `slot`. Returns: false when it is not the wanted kind of address. */
static bool try_slot(struct walk *walk, uint64_t slot, enum return_kind wanted)
{
	uint64_t address, below, pc = walk->regs.value[ARCH_REG_PC];

	if (!stack_memory_read(walk->memory, slot, &address, 8) ||
		judge(walk, address, pc) < wanted)
		return false;
	/* A pointer up the stack just below is the frame pointer that the function saved. */
	if (slot > walk->regs.value[ARCH_REG_SP] &&
		stack_memory_read(walk->memory, slot - 8, &below, 8) && below > slot &&
		below - slot < FRAME_BYTES && below % 8 == 0)
		walk->regs.value[ARCH_REG_FP] = below;
	walk->regs.value[ARCH_REG_PC] = address;
	walk->regs.value[ARCH_REG_SP] = slot + 8;
	walk->is_exact = false;
	walk->flags |= REC_STACK_RECOVERED;
	return true;
}

static bool try_frame_pointer(struct walk *walk)
{
	uint64_t frame = walk->regs.value[ARCH_REG_FP], sp = walk->regs.value[ARCH_REG_SP];
	uint64_t saved, address;

	if (!(walk->regs.known >> ARCH_REG_FP & 1) || frame - sp >= FRAME_BYTES || frame % 8 != 0)
		return false;
	if (!stack_memory_read(walk->memory, frame, &saved, 8) ||
		!stack_memory_read(walk->memory, frame + 8, &address, 8) ||
		judge(walk, address, walk->regs.value[ARCH_REG_PC]) == RETURN_NONE)
		return false;
	walk->regs.value[ARCH_REG_FP] = saved;
	walk->regs.value[ARCH_REG_PC] = address;
	walk->regs.value[ARCH_REG_SP] = frame + 16;
	walk->is_exact = false;
	return true;
}

/* Try the slots from search->next on. */
static bool try_slots(struct walk *walk, struct search *search, enum return_kind wanted)
{
	uint64_t end = search->regs.value[ARCH_REG_SP] + SEARCH_BYTES;

	while (search->next < end) {
		uint64_t slot = search->next;

		search->next += 8;
		if (try_slot(walk, slot, wanted))
			return true;
	}
	return false;
}

/* Whether code of the function at `pc` is known to keep a frame pointer, as JIT compilers' is. */
static bool has_frame_pointer(const struct walk *walk, uint64_t pc)
{
	const struct mapping *mapping = space_find(walk->space, pc);

	return mapping && mapping->module->base.type == REC_MODULE_JIT;
}

/* Continue the search with what it has not tried. The walk stands where the search began. */
static bool continue_search(struct walk *walk, struct search *search)
{
	uint64_t sp = search->regs.value[ARCH_REG_SP], pc = search->regs.value[ARCH_REG_PC];
	bool is_found = false;

	while (!is_found && search->stage != STAGE_END) {
		switch (search->stage) {
		case STAGE_TOP:
			is_found = search->is_exact && try_slot(walk, sp, RETURN_CERTAIN);
			search->stage = has_frame_pointer(walk, pc) ? STAGE_POINTER : STAGE_CALLER;
			search->next = sp;
			break;
		case STAGE_CALLER:
			is_found = try_slots(walk, search, RETURN_CERTAIN);
			if (!is_found)
				search->stage = STAGE_POINTER;
			break;
		case STAGE_POINTER:
			is_found = try_frame_pointer(walk);
			search->stage = STAGE_ANY;
			search->next = sp;
			break;
		case STAGE_ANY:
			is_found = try_slots(walk, search, RETURN_MAYBE);
			if (!is_found)
				search->stage = STAGE_END;
			break;
		}
	}
	return is_found;
}

bool walk_search(struct walk *walk)
{
	struct search search = {
		.regs = walk->regs,
		.is_exact = walk->is_exact,
		.flags = walk->flags,
		.count = walk->count,
		.stage = STAGE_TOP,
	};

	/* Slots hold words: a stack pointer between them has been tampered with. */
	if (walk->regs.value[ARCH_REG_SP] % 8 != 0 || !continue_search(walk, &search))
		return false;
	if (walk->search_count < MAX_SEARCHES)
		walk->searches[walk->search_count++] = search;
	return true;
}

bool walk_retry(struct walk *walk)
{
	while (walk->search_count > 0) {
		struct search *search = &walk->searches[walk->search_count - 1];

		walk->regs = search->regs;
		walk->is_exact = search->is_exact;
		walk->flags = search->flags;
		walk->count = search->count;
		if (walk->attempts < MAX_ATTEMPTS && continue_search(walk, search)) {
			walk->attempts++;
			return true;
		}
		walk->search_count--;
	}
	return false;
}
