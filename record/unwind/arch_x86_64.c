#include "arch.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/user.h>

void arch_regs_from_perf(struct arch_regs *regs, const uint64_t *perf)
{
	/* perf: ax bx cx dx si di bp sp ip r8-r15; DWARF: ax dx cx bx si di bp sp r8-r15 ip. */
	static const uint8_t from[ARCH_REG_COUNT] = {
		0, 3, 2, 1, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 8};

	for (unsigned reg = 0; reg < ARCH_REG_COUNT; reg++)
		regs->value[reg] = perf[from[reg]];
	regs->known = (1u << ARCH_REG_COUNT) - 1;
}

uint64_t arch_perf_sp(const uint64_t *perf)
{
	return perf[7];
}

uint64_t arch_perf_pc(const uint64_t *perf)
{
	return perf[8];
}

void arch_perf_from_registers(uint64_t *ret_perf, const struct user_regs_struct *registers)
{
	const uint64_t perf[] = {registers->rax, registers->rbx, registers->rcx, registers->rdx,
		registers->rsi, registers->rdi, registers->rbp, registers->rsp, registers->rip,
		registers->r8, registers->r9, registers->r10, registers->r11, registers->r12,
		registers->r13, registers->r14, registers->r15};

	memcpy(ret_perf, perf, sizeof(perf));
}

bool arch_is_64bit(const struct user_regs_struct *registers)
{
	const unsigned long long user_code_32 = 0x23;

	return registers->cs != user_code_32;
}

bool arch_in_syscall(const struct user_regs_struct *registers)
{
	return (long long)registers->orig_rax >= 0;
}

bool arch_restart_syscall(struct user_regs_struct *registers)
{
	/* Those of signal(7) that a stop ends and that have then transferred nothing. */
	static const uint16_t restartable[] = {SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2,
		SYS_semop, SYS_semtimedop, SYS_rt_sigtimedwait, SYS_io_getevents, SYS_io_pgetevents,
		SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_accept,
		SYS_accept4, SYS_write, SYS_writev, SYS_sendto, SYS_sendmsg};
	/* The kernel's own mark: again, unless a handler runs. Never seen by programs. */
	const long long error_restart_no_handler = 514;

	if ((long long)registers->rax != -EINTR)
		return false;
	for (size_t i = 0; i < sizeof(restartable) / sizeof(*restartable); i++) {
		if (registers->orig_rax != restartable[i])
			continue;
		registers->rax = (unsigned long long)-error_restart_no_handler;
		return true;
	}
	return false;
}

/* Length of an indirect call (opcode ff /2) without prefixes, from its bytes after ff. */
static size_t indirect_call_length(const uint8_t *modrm)
{
	unsigned mod = modrm[0] >> 6, rm = modrm[0] & 7;
	size_t length = 2;

	if (((modrm[0] >> 3) & 7) != 2)
		return 0;
	if (mod == 3)
		return length;
	if (rm == 4) {
		length++;
		if (mod == 0 && (modrm[1] & 7) == 5)
			return length + 4;
	}
	if (mod == 1)
		return length + 1;
	return mod == 2 || rm == 5 ? length + 4 : length;
}

enum arch_call arch_find_call(const uint8_t *code, uint64_t return_address, uint64_t *ret_target)
{
	const uint8_t *end = code + ARCH_CALL_BYTES;

	if (end[-5] == 0xe8) {
		int32_t distance;

		memcpy(&distance, end - 4, sizeof(distance));
		*ret_target = return_address + (uint64_t)(int64_t)distance;
		return ARCH_CALL_DIRECT;
	}
	for (size_t length = 2; length <= ARCH_CALL_BYTES; length++) {
		if (*(end - length) == 0xff && indirect_call_length(end - length + 1) == length)
			return ARCH_CALL_INDIRECT;
	}
	return ARCH_CALL_NONE;
}

bool arch_is_sigreturn(const uint8_t *code)
{
	static const uint8_t mov_rax[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	static const uint8_t mov_eax[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};

	return memcmp(code, mov_rax, sizeof(mov_rax)) == 0 ||
	       memcmp(code, mov_eax, sizeof(mov_eax)) == 0;
}

bool arch_is_thread_end(const uint8_t *code)
{
	/* What follows the call of a thread's function in clone(): mov %eax,%edi ... syscall. */
	if (code[0] != 0x89 || code[1] != 0xc7)
		return false;
	for (size_t i = 2; i + 1 < ARCH_MARK_BYTES; i++) {
		if (code[i] == 0x0f && code[i + 1] == 0x05)
			return true;
	}
	return false;
}

int arch_sigreturn_offset(unsigned reg)
{
	/* struct ucontext: flags, link, stack (40 bytes), then struct sigcontext. */
	static const uint8_t slot[ARCH_REG_COUNT] = {
		13, 12, 14, 11, 9, 8, 10, 15, 0, 1, 2, 3, 4, 5, 6, 7, 16};

	return 40 + 8 * slot[reg];
}

int arch_syscall_number(const uint8_t *code, const uint64_t *perf)
{
	static const uint8_t syscall[] = {0x0f, 0x05}, clear_eax[] = {0x31, 0xc0};
	static const uint8_t mov_eax = 0xb8, mov_to_register = 0x89, rex_r = 0x44;
	static const uint8_t perf_of[] = {0, 2, 3, 1, 7, 6, 4, 5, 9, 10, 11, 12, 13, 14, 15, 16};
	const uint8_t *end = code + ARCH_SYSCALL_BYTES - sizeof(syscall);

	if (memcmp(end, syscall, sizeof(syscall)) != 0)
		return -1;
	if (memcmp(end - 2, clear_eax, sizeof(clear_eax)) == 0)
		return 0;
	/* From a register, which system calls preserve. */
	if (end[-2] == mov_to_register && (end[-1] & 0xc7) == 0xc0)
		return (int)(uint32_t)
			perf[perf_of[(end[-1] >> 3 & 7) + (end[-3] == rex_r ? 8 : 0)]];
	/* The number itself, maybe with another argument's instruction after it. */
	for (const uint8_t *at = end - 5; at >= code; at -= 4)
		if (at[0] == mov_eax && at[2] < 4 && at[3] == 0 && at[4] == 0)
			return at[1] | at[2] << 8;
	return -1;
}
