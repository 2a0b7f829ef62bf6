/*
 * What unwinding needs to know about the processor: registers, the call instruction, and the code
 * that the kernel and libc leave at the ends of a stack. One arch_*.c per processor.
 */
#ifndef RECORD_UNWIND_ARCH_H
#define RECORD_UNWIND_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers by DWARF number; the last is the return address column, the program counter. */
#define ARCH_REG_COUNT 17
#define ARCH_REG_FP    6
#define ARCH_REG_SP    7
#define ARCH_REG_PC    16

/* A bit per register that a function must give back as it found it, the stack pointer apart. */
#define ARCH_CALLEE_SAVED 0xf048u

/* Bytes before a return address that hold its call, whatever its form. */
#define ARCH_CALL_BYTES 7
/* Bytes at a return address that tell a signal trampoline or a thread's end. */
#define ARCH_MARK_BYTES 16

struct arch_regs {
	uint64_t value[ARCH_REG_COUNT];
	uint32_t known; /* a bit per register */
};

/* `perf`: REC_PERF_REGS_COUNT values in perf's order. All registers become known. */
void arch_regs_from_perf(struct arch_regs *regs, const uint64_t *perf);

/* The stack pointer among them, and the program counter. */
uint64_t arch_perf_sp(const uint64_t *perf);
uint64_t arch_perf_pc(const uint64_t *perf);

struct user_regs_struct;

/* The same REC_PERF_REGS_COUNT values from what ptrace gives. */
void arch_perf_from_registers(uint64_t *ret_perf, const struct user_regs_struct *registers);

/* Whether they are those of 64-bit code. */
bool arch_is_64bit(const struct user_regs_struct *registers);

/* Whether the thread stands at the end of a system call. */
bool arch_in_syscall(const struct user_regs_struct *registers);

/*
 * Some system calls give EINTR when they were disturbed, also when no handler has run. If the
 * thread stands at the end of one that has done nothing yet, change the registers so that it is
 * begun anew, or gives EINTR if a handler does run. Returns: whether they were changed.
 */
bool arch_restart_syscall(struct user_regs_struct *registers);

/* Bytes before the address after a system call that may tell its number. */
#define ARCH_SYSCALL_BYTES 11

/*
 * The number of the system call that the ARCH_SYSCALL_BYTES at `code` end with, when it is set
 * shortly before as in most wrappers. `perf`: registers during the call. Returns: -1 when it is
 * not, and maybe nonsense.
 */
int arch_syscall_number(const uint8_t *code, const uint64_t *perf);

enum arch_call {
	ARCH_CALL_NONE,	    /* no call instruction ends here */
	ARCH_CALL_DIRECT,   /* its target is in the instruction */
	ARCH_CALL_INDIRECT, /* its target was in a register or in memory */
};

/* Whether the ARCH_CALL_BYTES at `code`, which end at `return_address`, end with a call. */
enum arch_call arch_find_call(const uint8_t *code, uint64_t return_address, uint64_t *ret_target);

/* Whether the ARCH_MARK_BYTES at `code` are the trampoline that a signal handler returns to. */
bool arch_is_sigreturn(const uint8_t *code);

/* Whether they end the thread that the call before them was the whole work of. */
bool arch_is_thread_end(const uint8_t *code);

/*
 * Offset from the stack pointer at the signal trampoline to where the kernel saved register `reg`
 * (DWARF number).
 */
int arch_sigreturn_offset(unsigned reg);

#endif
