#include <unistd.h>

#include "climb.h"

/* How far up the stack a return address is looked for. */
#define SEARCH_BYTES 8192
/* The same for a function whose locals may be large, where what is looked for is rare. */
#define FRAME_SEARCH_BYTES (32u << 10)
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
	/* For a frame pointer: the next two words that can be what it points to. */
	STAGE_FRAME_CALLER, /* a frame's address and a return address whose call leads here */
	STAGE_FRAME,	    /* a frame's address and a return address */
	STAGE_FRAME_LAST,   /* anything and a return address: only the first one saves a frame */
	STAGE_END,
};

enum return_kind {
	RETURN_NONE,	/* the word is no return address */
	RETURN_MAYBE,	/* it lies in code, after a call that may have led here */
	RETURN_CERTAIN, /* its call leads to this function */
};

static bool read_code(const struct climb *climb, const struct mapping *mapping, uint64_t address,
	uint8_t *code, size_t size)
{
	struct module *module = mapping->module;
	uint64_t offset;
	int fd = module->image ? modules_use_fd(climb->modules, module) : -1;

	if (fd >= 0 && elf_image_offset(module->image, address + mapping->bias, &offset))
		return pread(fd, code, size, (off_t)offset) == (ssize_t)size;
	return process_read(climb->pid, address, code, size);
}

/* The call before `address`, as its code says; code that cannot be read may be any call. */
static const struct known_call *call_before(
	struct climb *climb, const struct mapping *mapping, uint64_t address)
{
	uint64_t vaddr = address + mapping->bias, target = address;
	struct known_call *known = &climb->calls[(vaddr ^ vaddr >> 10) % KNOWN_CALLS];
	uint8_t code[ARCH_CALL_BYTES], mark[ARCH_MARK_BYTES];

	if (known->module == mapping->module && known->vaddr == vaddr)
		return known;
	*known = (struct known_call){mapping->module, vaddr, ARCH_CALL_INDIRECT, false, 0};
	if (read_code(climb, mapping, address - ARCH_CALL_BYTES, code, sizeof(code)))
		known->call = arch_find_call(code, address, &target);
	known->distance = target - address;
	known->is_trampoline = known->call == ARCH_CALL_NONE &&
			       read_code(climb, mapping, address, mark, sizeof(mark)) &&
			       arch_is_sigreturn(mark);
	return known;
}

/*
 * Whether `address` can be where the function at `pc` returns to. `start` is where that begins, or
 * 0: then a call to somewhere shortly before `pc` is certain enough.
 */
static enum return_kind judge(struct climb *climb, uint64_t address, uint64_t pc, uint64_t start)
{
	const struct mapping *mapping = space_find(climb->space, address - 1);

	if (!mapping || address - mapping->start < ARCH_CALL_BYTES)
		return RETURN_NONE;
	const struct known_call *known = call_before(climb, mapping, address);

	if (known->is_trampoline)
		return RETURN_MAYBE;
	if (known->call != ARCH_CALL_DIRECT)
		return known->call == ARCH_CALL_NONE ? RETURN_NONE : RETURN_MAYBE;
	uint64_t target = address + known->distance;

	if (target == start || (start == 0 && pc - target < FUNCTION_BYTES))
		return RETURN_CERTAIN;
	/* What was called may have jumped here. */
	if (pc - target < FUNCTION_BYTES)
		return RETURN_MAYBE;
	/* Between modules a call goes by way of a stub; within one it would have led here. */
	const struct mapping *here = space_find(climb->space, pc);

	return here && here->module == mapping->module ? RETURN_NONE : RETURN_MAYBE;
}

static void set_frame_pointer(struct arch_regs *regs, uint64_t value)
{
	regs->value[ARCH_REG_FP] = value;
	regs->known |= 1u << ARCH_REG_FP;
}

/* A word at `slot` that can be the frame pointer of a caller. */
static bool is_frame_above(uint64_t word, uint64_t slot)
{
	return word > slot && word - slot < FRAME_BYTES && word % 8 == 0;
}

/* Return to the address in `slot`. Returns: false when it is not the wanted kind of address. */
static bool try_slot(struct climb *climb, uint64_t slot, enum return_kind wanted)
{
	uint64_t address, below, pc = climb->regs.value[ARCH_REG_PC];

	if (!stack_memory_read(climb->memory, slot, &address, 8) ||
		judge(climb, address, pc, 0) < wanted)
		return false;
	/* A pointer up the stack just below is the frame pointer that the function saved. */
	if (slot > climb->regs.value[ARCH_REG_SP] &&
		stack_memory_read(climb->memory, slot - 8, &below, 8) &&
		is_frame_above(below, slot))
		set_frame_pointer(&climb->regs, below);
	climb->regs.value[ARCH_REG_PC] = address;
	climb->regs.value[ARCH_REG_SP] = slot + 8;
	climb->is_exact = false;
	climb->is_outermost = false;
	climb->flags |= REC_STACK_RECOVERED;
	return true;
}

/*
 * Whether the code at `pc` is a JIT compiler's. That is known to keep a frame pointer, and to jump
 * where others call, with a return address of its choice.
 */
static bool is_jit_code(const struct climb *climb, uint64_t pc)
{
	const struct mapping *mapping = space_find(climb->space, pc);

	return mapping && mapping->module->base.type == REC_MODULE_JIT;
}

/* The frame that the frame pointer stands for. Returns: whether it looks like one. */
static bool read_frame(struct climb *climb, const struct arch_regs *regs, uint64_t *ret_saved,
	uint64_t *ret_address)
{
	uint64_t frame = regs->value[ARCH_REG_FP];

	/* The outermost frame may return to what was never called, such as Go's goexit. */
	return regs->known >> ARCH_REG_FP & 1 && frame % 8 == 0 &&
	       frame - regs->value[ARCH_REG_SP] < FRAME_BYTES &&
	       stack_memory_read(climb->memory, frame, ret_saved, 8) &&
	       stack_memory_read(climb->memory, frame + 8, ret_address, 8) &&
	       (judge(climb, *ret_address, regs->value[ARCH_REG_PC], 0) != RETURN_NONE ||
		       is_jit_code(climb, *ret_address) ||
		       (*ret_saved == 0 && space_find(climb->space, *ret_address)));
}

static bool try_frame_pointer(struct climb *climb)
{
	uint64_t frame = climb->regs.value[ARCH_REG_FP], saved, address;

	if (!read_frame(climb, &climb->regs, &saved, &address))
		return false;
	climb->regs.value[ARCH_REG_FP] = saved;
	climb->regs.value[ARCH_REG_PC] = address;
	climb->regs.value[ARCH_REG_SP] = frame + 16;
	climb->is_exact = false;
	climb->is_outermost = saved == 0;
	return true;
}

/* Where a search ends: a frame that the frame pointer stands for is this one or a caller's. */
static uint64_t find_limit(struct climb *climb)
{
	uint64_t saved, address, limit = climb->regs.value[ARCH_REG_SP] + SEARCH_BYTES;

	if (!read_frame(climb, &climb->regs, &saved, &address))
		return limit;
	return climb->regs.value[ARCH_REG_FP] < limit ? climb->regs.value[ARCH_REG_FP] : limit;
}

/* Let the frame pointer point to `slot`. Returns: false when that is no frame. */
static bool try_frame(struct climb *climb, const struct search *search, uint64_t slot)
{
	enum return_kind wanted =
		search->stage == STAGE_FRAME_CALLER ? RETURN_CERTAIN : RETURN_MAYBE;
	uint64_t saved, address, pc = climb->regs.value[ARCH_REG_PC];

	if (!stack_memory_read(climb->memory, slot, &saved, 8) ||
		(search->stage != STAGE_FRAME_LAST && !is_frame_above(saved, slot)) ||
		!stack_memory_read(climb->memory, slot + 8, &address, 8) ||
		judge(climb, address, pc, search->function_start) < wanted)
		return false;
	set_frame_pointer(&climb->regs, slot);
	climb->flags |= REC_STACK_RECOVERED;
	return true;
}

/* Try the slots from search->next on. */
static bool try_slots(struct climb *climb, struct search *search, enum return_kind wanted)
{
	while (search->next < search->limit && climb->slots_left > 0) {
		uint64_t slot = search->next;

		search->next += 8;
		climb->slots_left--;
		if (search->repeats ? try_frame(climb, search, slot)
				    : try_slot(climb, slot, wanted))
			return true;
	}
	return false;
}

/* Continue the search with what it has not tried. The climb stands where the search began. */
static bool continue_search(struct climb *climb, struct search *search)
{
	uint64_t sp = search->regs.value[ARCH_REG_SP], pc = search->regs.value[ARCH_REG_PC];
	bool is_found = false;

	while (!is_found && search->stage != STAGE_END) {
		switch (search->stage) {
		case STAGE_TOP:
			is_found = search->is_exact && try_slot(climb, sp, RETURN_CERTAIN);
			search->stage = is_jit_code(climb, pc) ? STAGE_POINTER : STAGE_CALLER;
			search->next = sp;
			break;
		case STAGE_CALLER:
			is_found = try_slots(climb, search, RETURN_CERTAIN);
			if (!is_found)
				search->stage = STAGE_POINTER;
			break;
		case STAGE_POINTER:
			is_found = try_frame_pointer(climb);
			search->stage = STAGE_ANY;
			search->next = sp;
			break;
		case STAGE_ANY:
			is_found = try_slots(climb, search, RETURN_MAYBE);
			if (!is_found)
				search->stage = STAGE_END;
			break;
		case STAGE_FRAME_CALLER:
		case STAGE_FRAME:
		case STAGE_FRAME_LAST:
			is_found = try_slots(climb, search, RETURN_MAYBE);
			if (!is_found) {
				search->stage++;
				search->next = sp;
			}
			break;
		}
	}
	return is_found;
}

bool climb_search(struct climb *climb)
{
	struct search search = {
		.regs = climb->regs,
		.is_exact = climb->is_exact,
		.flags = climb->flags,
		.count = climb->count,
		.stage = STAGE_TOP,
	};

	/* Slots hold words: a stack pointer between them has been tampered with. */
	if (climb->regs.value[ARCH_REG_SP] % 8 != 0)
		return false;
	search.limit = find_limit(climb);
	if (!continue_search(climb, &search))
		return false;
	if (climb->search_count < MAX_SEARCHES)
		climb->searches[climb->search_count++] = search;
	return true;
}

bool climb_search_frame(struct climb *climb, uint64_t function_start)
{
	uint64_t sp = climb->regs.value[ARCH_REG_SP];
	struct search search = {
		.regs = climb->regs,
		.is_exact = climb->is_exact,
		.repeats = true,
		.function_start = function_start,
		.flags = climb->flags,
		.count = climb->count - 1,
		.stage = STAGE_FRAME_CALLER,
		.next = sp,
		.limit = sp + FRAME_SEARCH_BYTES,
	};

	if (climb->regs.known >> ARCH_REG_FP & 1 || sp % 8 != 0 ||
		climb->search_count == MAX_SEARCHES || !continue_search(climb, &search))
		return false;
	climb->count--;
	climb->searches[climb->search_count++] = search;
	return true;
}

bool climb_retry(struct climb *climb)
{
	while (climb->search_count > 0) {
		struct search *search = &climb->searches[climb->search_count - 1];

		climb->regs = search->regs;
		climb->is_exact = search->is_exact;
		climb->flags = search->flags;
		climb->count = search->count;
		if (continue_search(climb, search))
			return true;
		climb->count += search->repeats;
		climb->search_count--;
	}
	return false;
}

bool climb_is_same_stack(struct climb *climb, uint64_t pc, unsigned depth)
{
	if (climb->return_count < 2 ||
		judge(climb, climb->regs.value[ARCH_REG_PC], pc, 0) != RETURN_CERTAIN)
		return false;
	for (unsigned i = 1; i <= depth && i <= climb->return_count; i++) {
		const struct used_return *used =
			&climb->returns[(climb->return_count - i) % USED_RETURNS];
		uint64_t now;

		if (!process_read(climb->pid, used->slot, &now, sizeof(now)) ||
			now != used->address)
			return false;
	}
	return true;
}
