#include "metrics/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"

/* `full` is REC_METRIC_COUNT where the kernel's figure says nothing about a whole machine. */
static const struct pressure {
	const char *path;
	enum rec_metric some, full;
} pressures[REC_PRESSURE_COUNT] = {
	{"/proc/pressure/cpu", REC_METRIC_PSI_CPU, REC_METRIC_COUNT},
	{"/proc/pressure/io", REC_METRIC_PSI_IO, REC_METRIC_PSI_IO_FULL},
	{"/proc/pressure/memory", REC_METRIC_PSI_MEMORY, REC_METRIC_PSI_MEMORY_FULL},
};

static bool read_text(int fd, char *text, size_t size_bytes)
{
	ssize_t n = fd >= 0 ? pread(fd, text, size_bytes - 1, 0) : -1;
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* A kernel built with pressure off lets the files be opened, but not read. */
static int open_pressure(const char *path, const struct msg *msg)
{
	char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (read_text(fd, text, sizeof(text)))
		return fd;
	msg_info(msg, "%s: %s: not recorded", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void rec_whole_init(struct rec_whole *whole, const struct msg *msg)
{
	*whole = (struct rec_whole){
		.stat_fd = open("/proc/stat", O_RDONLY | O_CLOEXEC),
		.meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC),
		.tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK),
	};
	for (size_t i = 0; i < REC_PRESSURE_COUNT; i++)
		whole->pressure_fds[i] = open_pressure(pressures[i].path, msg);
}

static void read_cpu(struct rec_whole *whole, struct rec_sink *sink, uint64_t time_ns)
{
	char text[512];
	if (!read_text(whole->stat_fd, text, sizeof(text)) || strncmp(text, "cpu ", 4) != 0)
		return;
	uint64_t ticks = 0;
	char *at = text + 4;
	for (int i = 0; i < 8; i++) {
		uint64_t value = strtoull(at, &at, 10);
		bool is_idle = i == 3 || i == 4 || i == 7; /* idle, iowait, stolen by the host */
		ticks += is_idle ? 0 : value;
	}
	rec_series_put(&whole->set, sink, REC_METRIC_MACHINE_CPU, time_ns,
		(int64_t)(ticks * whole->tick_ns));
}

static void read_memory(struct rec_whole *whole, struct rec_sink *sink, uint64_t time_ns)
{
	char text[512];
	uint64_t total_kib, available_kib;
	if (!read_text(whole->meminfo_fd, text, sizeof(text)) ||
		!rec_proc_find(text, "MemTotal:", &total_kib) ||
		!rec_proc_find(text, "MemAvailable:", &available_kib))
		return;
	rec_series_put(&whole->set, sink, REC_METRIC_MACHINE_MEMORY, time_ns,
		((int64_t)total_kib - (int64_t)available_kib) * 1024);
}

/* The total, in us, of the line that begins with `word`. */
static void put_pressure(struct rec_whole *whole, struct rec_sink *sink, uint64_t time_ns,
	const char *text, const char *word, enum rec_metric metric)
{
	const char *line = strstr(text, word);
	const char *total = line ? strstr(line, "total=") : NULL;
	if (total)
		rec_series_put(&whole->set, sink, metric, time_ns,
			(int64_t)(strtoull(total + strlen("total="), NULL, 10) * 1000));
}

static void read_pressure(
	struct rec_whole *whole, struct rec_sink *sink, uint64_t time_ns, size_t i)
{
	char text[256];
	if (!read_text(whole->pressure_fds[i], text, sizeof(text)))
		return;
	put_pressure(whole, sink, time_ns, text, "some ", pressures[i].some);
	if (pressures[i].full != REC_METRIC_COUNT)
		put_pressure(whole, sink, time_ns, text, "full ", pressures[i].full);
}

void rec_whole_read(struct rec_whole *whole, struct rec_sink *sink, uint64_t time_ns)
{
	read_cpu(whole, sink, time_ns);
	read_memory(whole, sink, time_ns);
	for (size_t i = 0; i < REC_PRESSURE_COUNT; i++)
		read_pressure(whole, sink, time_ns, i);
}

void rec_whole_release(struct rec_whole *whole)
{
	int fds[] = {whole->stat_fd, whole->meminfo_fd};
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (size_t i = 0; i < REC_PRESSURE_COUNT; i++)
		if (whole->pressure_fds[i] >= 0)
			close(whole->pressure_fds[i]);
}
