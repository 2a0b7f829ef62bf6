#include "go_rules.h"

#include <sys/mman.h>
#include <sys/stat.h>

/* Return addresses that tell for what a stack was switched: into it, a closure or stub, its work.
 */
#define SWITCH_DEPTH 3
/* The same where C calls Go, by way of three functions of the runtime and a stub. */
#define CALLBACK_DEPTH 6

void go_rules_release(struct go_rules *rules)
{
	if (rules->file)
		munmap((void *)rules->file, rules->size);
	*rules = (struct go_rules){0};
}

static void load(struct go_rules *rules, int fd)
{
	struct stat status;
	void *file;

	rules->is_known = true;
	if (fstat(fd, &status) < 0 || status.st_size <= 0)
		return;
	file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		return;
	rules->file = file;
	rules->size = (size_t)status.st_size;
	if (go_table_find(rules->file, rules->size, &rules->table))
		return;
	go_rules_release(rules);
	rules->is_known = true;
}

static bool is_named(
	const struct go_rules *rules, const struct go_function *function, const char *name)
{
	const char *own = go_name(&rules->table, function->name);

	return own && strcmp(own, name) == 0;
}

/* A frame of `base` + `size` bytes below the return address, the caller's registers lost. */
static void set_row(struct cfi_row *row, unsigned base, int64_t size)
{
	*row = (struct cfi_row){
		.cfa = {.how = CFI_REGISTER, .value = base},
		.cfa_offset = size + 8,
	};
	row->cells[ARCH_REG_SP] = (struct cfi_cell){.how = CFI_IS_CFA};
	row->cells[ARCH_REG_PC] = (struct cfi_cell){.how = CFI_AT_CFA, .value = -8};
	row->cells[ARCH_REG_FP] = (struct cfi_cell){.how = CFI_AT_CFA, .value = -16};
}

/* What the kernel has left above the trampoline that a signal handler returns to. */
static void set_signal_row(struct cfi_row *row)
{
	*row = (struct cfi_row){
		.cfa = {.how = CFI_REGISTER, .value = ARCH_REG_SP},
		.is_signal = true,
	};
	for (unsigned reg = 0; reg < ARCH_REG_COUNT; reg++)
		row->cells[reg] =
			(struct cfi_cell){.how = CFI_AT_CFA, .value = arch_sigreturn_offset(reg)};
}

bool go_rules_find(
	struct go_rules *rules, int fd, uint64_t vaddr, bool is_exact, struct cfi_row *ret_row)
{
	struct go_function function;
	struct go_value size;

	if (!rules->is_known)
		load(rules, fd);
	if (!rules->file || !go_find_function(&rules->table, vaddr, &function) ||
		!go_value_at(&rules->table, &function, function.stack_sizes, vaddr, &size))
		return false;
	if (is_named(rules, &function, "runtime.sigreturn__sigaction") ||
		is_named(rules, &function, "runtime.sigreturn")) {
		set_signal_row(ret_row);
		return true;
	}
	*ret_row = (struct cfi_row){0};
	/* Signals are handled at the top of a stack of their own, but interrupt something. */
	if (function.is_top && !is_named(rules, &function, "runtime.sigtramp"))
		return true;
	if (function.switches_stack && !is_exact) {
		/*
		 * What it has called runs on another stack, but its frame pointer is the same. Old
		 * versions have none; and what mcall() leaves behind goes on when it likes.
		 */
		if (size.value > 0 && !is_named(rules, &function, "runtime.mcall"))
			set_row(ret_row, ARCH_REG_FP, 8);
		ret_row->switch_depth = is_named(rules, &function, "runtime.cgocallback")
						? CALLBACK_DEPTH
						: SWITCH_DEPTH;
		return true;
	}
	set_row(ret_row, ARCH_REG_SP, size.value);
	/* With a frame, the frame pointer is next to the return address, but where C calls Go. */
	if (size.value < 8 || is_named(rules, &function, "crosscall2"))
		ret_row->cells[ARCH_REG_FP] = (struct cfi_cell){.how = CFI_SAME};
	return true;
}
