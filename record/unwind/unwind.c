#include "unwind.h"

#include <stdlib.h>
#include <unistd.h>

#include "tracefmt/error.h"
#include "walk.h"

/* How often a stack may lead downwards other than through a signal: coroutines. */
#define MAX_DESCENTS 8
/* Code at a program's entry that belongs to no function with rules, in bytes. */
#define ENTRY_BYTES 128

struct rec_unwinder {
	struct rec_modules *modules;
	struct pc_cache cache;
	struct cfi_rules rules;
	struct cfi_scratch *scratch;
	struct stack_memory memory;
	struct rec_stack_frame *frames; /* REC_STACK_MAX_FRAMES */
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
	if (cfi_table_find(&module->image->cfi, fd, vaddr, unwinder->scratch, &row))
		return cfi_rules_add(&unwinder->rules, &row);
	return rule_of_code(module, fd, is_exact ? vaddr : vaddr + 1, is_exact);
}

/* ---- from a frame to its caller ---- */

static bool read_saved(const struct walk *walk, const struct cfi_rules *rules,
	const struct cfi_saved *saved, const struct arch_regs *regs, uint64_t cfa,
	uint64_t *ret_value)
{
	uint64_t value = cfa + (uint64_t)(int64_t)saved->value;
	size_t size;

	switch (saved->how) {
	case CFI_AT_CFA:
		return stack_memory_read(walk->memory, value, ret_value, 8);
	case CFI_IS_CFA:
		*ret_value = value;
		return true;
	case CFI_REGISTER:
		*ret_value = regs->value[saved->value];
		return regs->known >> saved->value & 1;
	}
	const uint8_t *expr = cfi_rules_expr(rules, saved->value, &size);

	if (!cfi_evaluate(expr, size, regs, walk->memory, &cfa, &value))
		return false;
	*ret_value = value;
	return saved->how == CFI_IS_EXPR || stack_memory_read(walk->memory, value, ret_value, 8);
}

static bool find_cfa(const struct walk *walk, const struct cfi_rules *rules,
	const struct cfi_rule *rule, uint64_t *ret_cfa)
{
	size_t size;

	if (rule->flags & CFI_RULE_CFA_EXPR) {
		const uint8_t *expr = cfi_rules_expr(rules, rule->cfa_offset, &size);

		return cfi_evaluate(expr, size, &walk->regs, walk->memory, NULL, ret_cfa);
	}
	*ret_cfa = walk->regs.value[rule->cfa_register] + (uint64_t)(int64_t)rule->cfa_offset;
	return walk->regs.known >> rule->cfa_register & 1;
}

/* Rules with anything but registers saved below the CFA. Returns: STEP_ON or how it ends. */
static int apply_any(struct walk *walk, const struct cfi_rules *rules, const struct cfi_rule *rule)
{
	const struct arch_regs regs = walk->regs;
	uint64_t cfa;

	if (!find_cfa(walk, rules, rule, &cfa))
		return REC_END_REGISTER;
	walk->regs.value[ARCH_REG_SP] = cfa;
	walk->regs.known &= ~(1u << ARCH_REG_PC);
	for (size_t i = 0; i < rule->saved_count; i++) {
		const struct cfi_saved *saved = &rule->saved[i];

		if (read_saved(walk, rules, saved, &regs, cfa, &walk->regs.value[saved->reg]))
			walk->regs.known |= 1u << saved->reg;
		else
			walk->regs.known &= ~(1u << saved->reg);
	}
	return walk->regs.known >> ARCH_REG_PC & 1 ? STEP_ON : REC_END_MEMORY;
}

/* The same for plain rules, which nearly all are. */
static int apply_plain(struct walk *walk, const struct cfi_rule *rule)
{
	struct arch_regs *regs = &walk->regs;
	uint64_t cfa = regs->value[rule->cfa_register] + (uint64_t)(int64_t)rule->cfa_offset;

	if (!(regs->known >> rule->cfa_register & 1))
		return REC_END_REGISTER;
	for (size_t i = 0; i < rule->saved_count; i++) {
		const struct cfi_saved *saved = &rule->saved[i];

		if (stack_memory_read(walk->memory, cfa + (uint64_t)(int64_t)saved->value,
			    &regs->value[saved->reg], 8))
			regs->known |= 1u << saved->reg;
		else if (saved->reg == ARCH_REG_PC)
			return REC_END_MEMORY;
		else
			regs->known &= ~(1u << saved->reg);
	}
	regs->value[ARCH_REG_SP] = cfa;
	return STEP_ON;
}

static int apply_rule(struct walk *walk, const struct cfi_rules *rules, uint32_t id)
{
	const struct cfi_rule *rule = &rules->rules[id];
	uint64_t old_sp = walk->regs.value[ARCH_REG_SP];
	int step;

	if (rule->flags & CFI_RULE_ROOT)
		return REC_END_ROOT;
	step = rule->flags & CFI_RULE_PLAIN ? apply_plain(walk, rule)
					    : apply_any(walk, rules, rule);
	if (step != STEP_ON)
		return step;
	walk->regs.known &= ~rule->lost;
	walk->is_exact = rule->flags & CFI_RULE_SIGNAL;
	if (walk->regs.value[ARCH_REG_SP] <= old_sp && !walk->is_exact &&
		++walk->descents > MAX_DESCENTS)
		return REC_END_CFA;
	return walk->regs.value[ARCH_REG_PC] == 0 ? REC_END_ROOT : STEP_ON;
}

static void add_frame(struct rec_unwinder *unwinder, struct walk *walk, struct rec_module *module,
	uint64_t vaddr, struct pc_entry *entry)
{
	unwinder->frames[walk->count++] = (struct rec_stack_frame){module, vaddr, &entry->user};
}

/* Add the frame that the registers stand for, and turn them into its caller's. */
static int step(struct rec_unwinder *unwinder, struct walk *walk)
{
	uint64_t address = walk->regs.value[ARCH_REG_PC] - !walk->is_exact;
	const struct mapping *mapping = space_find(walk->space, address);
	struct module *module = mapping ? mapping->module : modules_unknown(walk->modules);
	uint64_t vaddr = mapping ? address + mapping->bias : address;

	if (!mapping && !walk->is_exact)
		return REC_END_PC;
	if (walk->count == REC_STACK_MAX_FRAMES)
		return REC_END_DEPTH;
	struct pc_entry *entry = pc_cache_find(&unwinder->cache, module->base.index, vaddr);

	if (entry->rule == CFI_RULE_UNSET)
		entry->rule = look_up_rule(unwinder, module, vaddr, walk->is_exact);
	uint32_t id = entry->rule;

	/* A signal trampoline is not called: its first instruction is where the handler returns. */
	if (unwinder->rules.rules[id].flags & CFI_RULE_SIGNAL && !walk->is_exact) {
		entry = pc_cache_find(&unwinder->cache, module->base.index, ++vaddr);
		entry->rule = id;
	}
	add_frame(unwinder, walk, &module->base, vaddr, entry);
	if (id == CFI_RULE_NONE)
		return walk_search(walk) ? STEP_ON : REC_END_RULE;
	return apply_rule(walk, &unwinder->rules, id);
}

void rec_unwind(struct rec_unwinder *unwinder, struct rec_space *space,
	const struct rec_user_state *state, struct rec_stack *ret_stack)
{
	struct walk walk = {
		.modules = unwinder->modules,
		.space = space,
		.memory = &unwinder->memory,
		.pid = state->pid,
		.is_exact = true,
	};
	int end;

	/* Two entries for a signal trampoline, one for any other frame. */
	pc_cache_reserve(&unwinder->cache, 2 * REC_STACK_MAX_FRAMES);
	arch_regs_from_perf(&walk.regs, state->regs);
	stack_memory_set(&unwinder->memory, state->pid, walk.regs.value[ARCH_REG_SP], state->stack,
		state->stack_size);
	do {
		end = step(unwinder, &walk);
		if (end != STEP_ON && end != REC_END_ROOT && end != REC_END_DEPTH &&
			walk_retry(&walk))
			end = STEP_ON;
	} while (end == STEP_ON);

	ret_stack->frames = unwinder->frames;
	ret_stack->count = walk.count;
	ret_stack->end = (enum rec_stack_end)end;
	ret_stack->flags = walk.flags;
	if (end == REC_END_ROOT)
		ret_stack->flags |= REC_STACK_WHOLE;
	if (end == REC_END_DEPTH)
		ret_stack->flags |= REC_STACK_TOO_DEEP;
	if (unwinder->memory.is_live)
		ret_stack->flags |= REC_STACK_LIVE;
}
