#include "machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct tfmt_clock rec_machine_clocks(void)
{
	return (struct tfmt_clock){
		.time_ns = read_clock(CLOCK_MONOTONIC),
		.utc_ns = (int64_t)read_clock(CLOCK_REALTIME),
		.boottime_ns = read_clock(CLOCK_BOOTTIME),
	};
}

static void read_boot_id(char *text, size_t size_bytes)
{
	text[0] = '\0';
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, text, size_bytes - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

void rec_machine_describe(const struct rec_options *options, struct rec_machine *ret_machine,
	struct tfmt_header *ret_header)
{
	struct utsname name;
	*ret_machine = (struct rec_machine){0};
	if (uname(&name) == 0) {
		snprintf(ret_machine->host, sizeof(ret_machine->host), "%s", name.nodename);
		snprintf(ret_machine->os, sizeof(ret_machine->os), "%s %s", name.sysname,
			name.release);
		snprintf(ret_machine->machine, sizeof(ret_machine->machine), "%s", name.machine);
	}
	read_boot_id(ret_machine->boot_id, sizeof(ret_machine->boot_id));
	if (!getcwd(ret_machine->cwd, sizeof(ret_machine->cwd)))
		ret_machine->cwd[0] = '\0';
	struct tfmt_clock now = rec_machine_clocks();
	*ret_header = (struct tfmt_header){
		.time_ns = now.time_ns,
		.utc_ns = now.utc_ns,
		.recorder = "trec " TFMT_VERSION,
		.host = ret_machine->host,
		.boot_id = ret_machine->boot_id,
		.os = ret_machine->os,
		.machine = ret_machine->machine,
		.cwd = ret_machine->cwd,
		.argv = (const char *const *)options->command,
		.argc = (size_t)options->command_count,
		.cpu_count = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		.memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		.interval_ns = options->interval_ns,
	};
	if (getrandom(ret_header->trace_id, sizeof(ret_header->trace_id), GRND_NONBLOCK) < 0)
		memcpy(ret_header->trace_id, &now, sizeof(ret_header->trace_id));
}
