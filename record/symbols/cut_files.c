#include "symbols/cut_files.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Put an empty page where the file ends, so that the read that failed can be done again. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
	uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *page = (void *)((uintptr_t)info->si_addr & ~(page_bytes - 1));

	if (info->si_code == BUS_ADRERR &&
		mmap(page, page_bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
		return;
	/* The access is tried again, and ends the process. */
	signal(number, SIG_DFL);
}

void rec_survive_cut_files(void)
{
	struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

	sigaction(SIGBUS, &action, NULL);
}
