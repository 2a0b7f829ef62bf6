#include "unwind.h"

#include <stdlib.h>
#include <unistd.h>

#include "climb.h"
#include "tracefmt/error.h"

/* How often a stack may lead downwards other than through a signal: coroutines. */
#define MAX_DESCENTS 8
/* Code at a program's entry that belongs to no function with rules, in bytes. */
#define ENTRY_BYTES 128
/* Of a blocked thread's stack, read in one go: most are whole in that. */
#define TOP_BYTES  (12u << 10)
#define PAGE_BYTES 4096u
/* Stack slots that are searched for return addresses in one sample, all searches together. */
#define MAX_SLOTS 16384

/* Places whose system calls are remembered. */
#define KNOWN_SYSCALLS 256u

struct known_syscall {
	const struct module *module; /* NULL: empty */
	uint64_t vaddr;		     /* after it */
	uint8_t code[ARCH_SYSCALL_BYTES];
};

struct rec_unwinder {
	struct rec_modules *modules;
	struct pc_cache cache;
	struct cfi_rules rules;
	struct cfi_scratch *scratch;
	struct stack_memory memory;
	struct climb climb;
	struct rec_stack_frame *frames; /* REC_STACK_MAX_FRAMES */
	struct known_syscall syscalls[KNOWN_SYSCALLS];
	uint8_t top[TOP_BYTES]; /* of a blocked thread's stack */
};

enum step {
	STEP_ON =
		REC_END_COUNT, /* the registers are now the caller's; else an enum rec_stack_end */
};

struct rec_unwinder *rec_unwinder_new(struct rec_modules *modules)
{
	struct rec_unwinder *unwinder = calloc(1, sizeof(*unwinder));

	if (!unwinder)
		return NULL;
	unwinder->modules = modules;
	stack_memory_init(&unwinder->memory);
	unwinder->scratch = malloc(sizeof(*unwinder->scratch));
	unwinder->frames = calloc(REC_STACK_MAX_FRAMES, sizeof(*unwinder->frames));
	if (!unwinder->scratch || !unwinder->frames || pc_cache_init(&unwinder->cache) < 0 ||
		cfi_rules_init(&unwinder->rules) < 0) {
		rec_unwinder_free(unwinder);
		return NULL;
	}
	return unwinder;
}

void rec_unwinder_free(struct rec_unwinder *unwinder)
{
	if (!unwinder)
		return;
	pc_cache_release(&unwinder->cache);
	cfi_rules_release(&unwinder->rules);
	stack_memory_release(&unwinder->memory);
	free(unwinder->scratch);
	free(unwinder->frames);
	free(unwinder);
}

uint32_t *rec_unwind_user(struct rec_unwinder *unwinder, struct rec_module *module, uint64_t vaddr)
{
	pc_cache_reserve(&unwinder->cache, 1);
	return &pc_cache_find(&unwinder->cache, module->index, vaddr)->user;
}

/* ---- the rule of an address ---- */

/* Places without rules that are known by their code: where programs and threads begin. */
static uint32_t rule_of_code(const struct module *module, int fd, uint64_t pc_vaddr, bool is_exact)
{
	uint8_t code[ARCH_MARK_BYTES];
	uint64_t offset;

	if (module->image->entry != 0 && pc_vaddr - module->image->entry < ENTRY_BYTES)
		return CFI_RULE_END;
	if (!elf_image_offset(module->image, pc_vaddr, &offset) ||
		pread(fd, code, sizeof(code), (off_t)offset) != (ssize_t)sizeof(code))
		return CFI_RULE_NONE;
	if (arch_is_sigreturn(code))
		return CFI_RULE_SIGRETURN;
	return !is_exact && arch_is_thread_end(code) ? CFI_RULE_END : CFI_RULE_NONE;
}

/* Ask the file. `vaddr` lies in the call, or is the pc itself when exact. */
static uint32_t look_up_rule(
	struct rec_unwinder *unwinder, struct module *module, uint64_t vaddr, bool is_exact)
{
	struct cfi_row row;
	int fd = module->image ? modules_use_fd(unwinder->modules, module) : -1;

	if (fd < 0)
		return CFI_RULE_NONE;
	if (go_rules_find(&module->image->go, fd, vaddr, is_exact, &row))
		return cfi_rules_add(&unwinder->rules, &row);
	if (cfi_table_find(&module->image->cfi, fd, vaddr, unwinder->scratch, &row))
		return cfi_rules_add(&unwinder->rules, &row);
	return rule_of_code(module, fd, is_exact ? vaddr : vaddr + 1, is_exact);
}

/* ---- from a frame to its caller ---- */

static bool read_saved(const struct climb *climb, const struct cfi_rules *rules,
	const struct cfi_saved *saved, const struct arch_regs *regs, uint64_t cfa,
	uint64_t *ret_value)
{
	uint64_t value = cfa + (uint64_t)(int64_t)saved->value;
	size_t size;

	switch (saved->how) {
	case CFI_AT_CFA:
		return stack_memory_read_word(climb->memory, value, ret_value);
	case CFI_IS_CFA:
		*ret_value = value;
		return true;
	case CFI_REGISTER:
		*ret_value = regs->value[saved->value];
		return regs->known >> saved->value & 1;
	}
	const uint8_t *expr = cfi_rules_expr(rules, saved->value, &size);

	if (!cfi_evaluate(expr, size, regs, climb->memory, &cfa, &value))
		return false;
	*ret_value = value;
	return saved->how == CFI_IS_EXPR || stack_memory_read_word(climb->memory, value, ret_value);
}

static bool find_cfa(const struct climb *climb, const struct cfi_rules *rules,
	const struct cfi_rule *rule, uint64_t *ret_cfa)
{
	size_t size;

	if (rule->flags & CFI_RULE_CFA_EXPR) {
		const uint8_t *expr = cfi_rules_expr(rules, rule->cfa_offset, &size);

		return cfi_evaluate(expr, size, &climb->regs, climb->memory, NULL, ret_cfa);
	}
	*ret_cfa = climb->regs.value[rule->cfa_register] + (uint64_t)(int64_t)rule->cfa_offset;
	return climb->regs.known >> rule->cfa_register & 1;
}

/* Rules with anything but registers saved below the CFA. Returns: STEP_ON or how it ends. */
static int apply_any(
	struct climb *climb, const struct cfi_rules *rules, const struct cfi_rule *rule)
{
	const struct arch_regs regs = climb->regs;
	uint64_t cfa;

	if (!find_cfa(climb, rules, rule, &cfa))
		return REC_END_REGISTER;
	climb->regs.value[ARCH_REG_SP] = cfa;
	climb->regs.known &= ~(1u << ARCH_REG_PC);
	for (size_t i = 0; i < rule->saved_count; i++) {
		const struct cfi_saved *saved = &rule->saved[i];

		if (read_saved(climb, rules, saved, &regs, cfa, &climb->regs.value[saved->reg]))
			climb->regs.known |= 1u << saved->reg;
		else
			climb->regs.known &= ~(1u << saved->reg);
	}
	return climb->regs.known >> ARCH_REG_PC & 1 ? STEP_ON : REC_END_MEMORY;
}

/* The same for plain rules, which nearly all are. */
static int apply_plain(struct climb *climb, const struct cfi_rule *rule)
{
	struct arch_regs *regs = &climb->regs;
	uint64_t cfa = regs->value[rule->cfa_register] + (uint64_t)(int64_t)rule->cfa_offset;

	if (!(regs->known >> rule->cfa_register & 1))
		return REC_END_REGISTER;
	for (size_t i = 0; i < rule->saved_count; i++) {
		const struct cfi_saved *saved = &rule->saved[i];

		if (stack_memory_read_word(climb->memory, cfa + (uint64_t)(int64_t)saved->value,
			    &regs->value[saved->reg]))
			regs->known |= 1u << saved->reg;
		else if (saved->reg == ARCH_REG_PC)
			return REC_END_MEMORY;
		else
			regs->known &= ~(1u << saved->reg);
	}
	regs->value[ARCH_REG_SP] = cfa;
	return STEP_ON;
}

static int apply_rule(struct climb *climb, const struct cfi_rules *rules, uint32_t id)
{
	const struct cfi_rule *rule = &rules->rules[id];
	uint64_t old_sp = climb->regs.value[ARCH_REG_SP], pc = climb->regs.value[ARCH_REG_PC];
	int step;

	if (rule->flags & CFI_RULE_ROOT)
		return REC_END_ROOT;
	step = rule->flags & CFI_RULE_PLAIN ? apply_plain(climb, rule)
					    : apply_any(climb, rules, rule);
	/* The other stack has often gone on by now: then this one, which is whole, is all. */
	if (rule->switch_depth > 0 &&
		(step != STEP_ON || !climb_is_same_stack(climb, pc, rule->switch_depth)))
		return REC_END_ROOT;
	if (step != STEP_ON)
		return step;
	climb->regs.known &= ~rule->lost;
	climb->is_exact = rule->flags & CFI_RULE_SIGNAL;
	if (climb->regs.value[ARCH_REG_SP] <= old_sp && !climb->is_exact &&
		++climb->descents > MAX_DESCENTS)
		return REC_END_CFA;
	return climb->regs.value[ARCH_REG_PC] == 0 ? REC_END_ROOT : STEP_ON;
}

static void add_frame(struct rec_unwinder *unwinder, struct climb *climb, struct rec_module *module,
	uint64_t vaddr, struct pc_entry *entry)
{
	unwinder->frames[climb->count++] = (struct rec_stack_frame){
		module, vaddr, &entry->user, climb->regs.value[ARCH_REG_SP]};
	if (!climb->memory->is_live)
		climb->sure_count = climb->count;
}

/* What is known of an address, looked up when it is new. */
static struct pc_entry *entry_of(
	struct rec_unwinder *unwinder, struct module *module, uint64_t vaddr, bool is_exact)
{
	struct pc_entry *entry = pc_cache_find(&unwinder->cache, module->base.index, vaddr);

	if (entry->rule == CFI_RULE_UNSET)
		entry->rule = look_up_rule(unwinder, module, vaddr, is_exact);
	return entry;
}

/*
 * Some code is returned to without having called: signal trampolines, and what makecontext() puts
 * below a coroutine. It begins at the return address, not before it.
 */
static bool is_never_called(const struct rec_unwinder *unwinder, const struct pc_entry *before)
{
	return before->rule == CFI_RULE_NONE ||
	       unwinder->rules.rules[before->rule].flags & CFI_RULE_SIGNAL;
}

/* Remember where the return address was that led to this frame. */
static void note_return(struct climb *climb)
{
	if (climb->is_exact) {
		climb->return_count = 0;
		return;
	}
	climb->returns[climb->return_count++ % USED_RETURNS] = (struct used_return){
		climb->regs.value[ARCH_REG_SP] - 8, climb->regs.value[ARCH_REG_PC]};
}

/* The address where the function begins that a rule was found for; 0: not known. */
static uint64_t function_start(
	struct rec_unwinder *unwinder, const struct mapping *mapping, uint64_t vaddr)
{
	struct module *module = mapping->module;
	struct cfi_row row;
	int fd = module->image ? modules_use_fd(unwinder->modules, module) : -1;

	if (fd < 0 || !cfi_table_find(&module->image->cfi, fd, vaddr, unwinder->scratch, &row))
		return 0;
	return row.function_start - mapping->bias;
}

/* Add the frame that the registers stand for, and turn them into its caller's. */
static int step(struct rec_unwinder *unwinder, struct climb *climb)
{
	uint64_t address = climb->regs.value[ARCH_REG_PC] - !climb->is_exact;
	const struct mapping *mapping = space_find(climb->space, address);
	struct module *module = mapping ? mapping->module : modules_unknown(climb->modules);
	uint64_t vaddr = mapping ? address + mapping->bias : address;

	if (!mapping && !climb->is_exact)
		return climb->is_outermost ? REC_END_ROOT : REC_END_PC;
	if (climb->count == REC_STACK_MAX_FRAMES)
		return REC_END_DEPTH;
	struct pc_entry *entry = entry_of(unwinder, module, vaddr, climb->is_exact);
	bool is_bottom = false;

	note_return(climb);

	if (!climb->is_exact && module->image && is_never_called(unwinder, entry)) {
		struct pc_entry *next = entry_of(unwinder, module, vaddr + 1, true);

		if (next->rule != CFI_RULE_NONE) {
			is_bottom = entry->rule == CFI_RULE_NONE;
			entry = next;
			vaddr++;
		}
	}
	add_frame(unwinder, climb, &module->base, vaddr, entry);
	if (entry->rule != CFI_RULE_NONE) {
		int end = apply_rule(climb, &unwinder->rules, entry->rule);

		if (end == REC_END_REGISTER &&
			climb_search_frame(climb, function_start(unwinder, mapping, vaddr)))
			return STEP_ON;
		climb->is_outermost = is_bottom;
		return end;
	}
	if (climb->is_outermost)
		return REC_END_ROOT;
	return climb_search(climb) ? STEP_ON : REC_END_RULE;
}

/* Climb from the registers `start` as far as it goes. */
static int climb_all(struct rec_unwinder *unwinder, const struct arch_regs *start)
{
	struct climb *climb = &unwinder->climb;
	int end;

	climb->regs = *start;
	climb->is_exact = true;
	climb->is_outermost = false;
	climb->flags = 0;
	climb->count = 0;
	climb->sure_count = 0;
	climb->descents = 0;
	climb->search_count = 0;
	climb->slots_left = MAX_SLOTS;
	climb->memory->is_live = false;
	do {
		end = step(unwinder, climb);
		if (end != STEP_ON && end != REC_END_ROOT && end != REC_END_DEPTH &&
			climb_retry(climb))
			end = STEP_ON;
	} while (end == STEP_ON);
	return end;
}

static void begin(struct rec_unwinder *unwinder, struct rec_space *space, pid_t pid)
{
	struct climb *climb = &unwinder->climb;

	/* Two entries for a signal trampoline, one for any other frame. */
	pc_cache_reserve(&unwinder->cache, 2 * REC_STACK_MAX_FRAMES);
	climb->modules = unwinder->modules;
	climb->space = space;
	climb->memory = &unwinder->memory;
	climb->pid = pid;
}

static struct rec_stack stack_found(struct rec_unwinder *unwinder, int end)
{
	struct rec_stack stack = {
		.frames = unwinder->frames,
		.count = unwinder->climb.count,
		.flags = unwinder->climb.flags,
		.end = (enum rec_stack_end)end,
	};

	if (end == REC_END_ROOT)
		stack.flags |= REC_STACK_WHOLE;
	if (end == REC_END_DEPTH)
		stack.flags |= REC_STACK_TOO_DEEP;
	return stack;
}

void rec_unwind(struct rec_unwinder *unwinder, struct rec_space *space,
	const struct rec_user_state *state, struct rec_stack *ret_stack)
{
	struct climb *climb = &unwinder->climb;
	struct stack_memory *memory = &unwinder->memory;
	pid_t tid = state->tid ? state->tid : state->pid;
	struct arch_regs regs;

	begin(unwinder, space, state->pid);
	arch_regs_from_perf(&regs, state->regs);
	stack_memory_set(
		memory, state->pid, arch_perf_sp(state->regs), state->stack, state->stack_size);
	int end = climb_all(unwinder, &regs);

	if (end == REC_END_ROOT) {
		shadows_keep(&memory->shadows, tid);
	} else if (memory->is_live && end != REC_END_DEPTH) {
		memory->replay = shadows_of(&memory->shadows, tid);
		if (memory->replay)
			end = climb_all(unwinder, &regs);
		/* Without a root nothing vouches for what was read too late. */
		if (end != REC_END_ROOT)
			climb->count = climb->sure_count;
	}
	*ret_stack = stack_found(unwinder, end);
	if (climb->count > climb->sure_count)
		ret_stack->flags |= REC_STACK_LIVE;
}

void rec_unwind_blocked(struct rec_unwinder *unwinder, struct rec_space *space,
	const struct rec_blocked_state *state, struct rec_stack *ret_stack)
{
	struct arch_regs regs = {.known = 1u << ARCH_REG_SP | 1u << ARCH_REG_PC};

	regs.value[ARCH_REG_SP] = state->sp;
	regs.value[ARCH_REG_PC] = state->pc;
	begin(unwinder, space, state->tid);
	/* Up to the end of a page: each one costs. */
	size_t wanted = TOP_BYTES - (state->sp & (PAGE_BYTES - 1));
	size_t size = process_read_some(state->tid, state->sp, unwinder->top, wanted);

	stack_memory_set(&unwinder->memory, state->tid, state->sp, unwinder->top, size);
	*ret_stack = stack_found(unwinder, climb_all(unwinder, &regs));
}

int rec_unwind_syscall(
	struct rec_unwinder *unwinder, struct rec_space *space, const struct rec_user_state *state)
{
	uint64_t pc = arch_perf_pc(state->regs), offset;
	const struct mapping *mapping = space_find(space, pc - 1);

	if (!mapping || !mapping->module->image || pc - mapping->start < ARCH_SYSCALL_BYTES)
		return -1;
	uint64_t vaddr = pc + mapping->bias;
	struct known_syscall *known = &unwinder->syscalls[vaddr % KNOWN_SYSCALLS];

	if (known->module == mapping->module && known->vaddr == vaddr)
		return arch_syscall_number(known->code, state->regs);
	*known = (struct known_syscall){mapping->module, vaddr, {0}};
	int fd = modules_use_fd(unwinder->modules, mapping->module);

	if (fd < 0 ||
		!elf_image_offset(mapping->module->image, vaddr - ARCH_SYSCALL_BYTES, &offset) ||
		pread(fd, known->code, ARCH_SYSCALL_BYTES, (off_t)offset) != ARCH_SYSCALL_BYTES)
		return -1;
	return arch_syscall_number(known->code, state->regs);
}
