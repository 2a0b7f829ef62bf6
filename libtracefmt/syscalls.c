#include "tracefmt/trace.h"

static const char *const names[] = {
#define SYSCALL(number, name) [number] = name,
#include "syscalls.def"
#undef SYSCALL
};

const char *tfmt_syscall_name(uint16_t syscall)
{
	size_t number = (size_t)syscall - 1;

	if (syscall == TFMT_SYSCALL_FAULT)
		return "page fault";
	return syscall != 0 && number < sizeof(names) / sizeof(names[0]) ? names[number] : NULL;
}
