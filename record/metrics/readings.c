#include "metrics/readings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So far may a process's clock be behind, for each running thread. */
#define MAX_CLOCK_LAG_NS 12000000ull
/* A process that does not run is read so often all the same: others can take its memory. */
#define BEAT_NS 1000000000ull

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const enum rec_metric stat_metrics[] = {REC_METRIC_RSS, REC_METRIC_THREADS};
static const enum rec_metric io_metrics[] = {
	REC_METRIC_IO_READ, REC_METRIC_IO_READ_DISK, REC_METRIC_IO_WRITE, REC_METRIC_IO_WRITE_DISK};
static const enum rec_metric fd_metrics[] = {REC_METRIC_FDS};
static const enum rec_metric share_metrics[] = {REC_METRIC_PSS, REC_METRIC_USS, REC_METRIC_SWAP};
static const enum rec_metric socket_metrics[] = {REC_METRIC_SOCKETS};

static const struct {
	const char *name; /* in losses */
	const enum rec_metric *metrics;
	size_t count;
} refusables[REC_REFUSABLE_COUNT] = {
	[REC_REFUSED_STAT] = {"rss, threads", stat_metrics, COUNT(stat_metrics)},
	[REC_REFUSED_IO] = {"io", io_metrics, COUNT(io_metrics)},
	[REC_REFUSED_FDS] = {"fds", fd_metrics, COUNT(fd_metrics)},
	[REC_REFUSED_SHARES] = {"pss, uss, swap", share_metrics, COUNT(share_metrics)},
	[REC_REFUSED_SOCKETS] = {"sockets", socket_metrics, COUNT(socket_metrics)},
};

struct rec_readings *rec_readings_new(uint32_t process)
{
	struct rec_readings *readings = calloc(1, sizeof(*readings));
	if (readings) {
		readings->set.process = process;
		readings->stat_fd = readings->io_fd = -1;
	}
	return readings;
}

/* A file that was not read: gone with its process, or refused, which is written once. */
static void refuse(struct rec_readings *readings, struct rec_readings_context *context,
	enum rec_refusable what, uint64_t time_ns, int error)
{
	char reason[128];
	if (error != -EACCES && error != -EPERM && error != -EOVERFLOW)
		return;
	rec_series_miss(&readings->set, context->sink, refusables[what].metrics,
		refusables[what].count, time_ns);
	if (readings->is_refused[what])
		return;
	readings->is_refused[what] = true;
	snprintf(reason, sizeof(reason), "%s: %s", refusables[what].name,
		error == -EOVERFLOW ? "too many to count" : "permission denied");
	rec_sink_lost(context->sink, time_ns, readings->set.process, "counter", reason, 1);
}

/* The descriptor of a file: the one that is kept, or a new one, kept while there are not many. */
static int open_file(
	struct rec_readings_context *context, int *kept_fd, pid_t pid, const char *name)
{
	if (*kept_fd >= 0)
		return *kept_fd;
	int fd = rec_proc_open(pid, name);
	if (fd < 0)
		return -errno;
	if (context->kept_fds < context->max_kept_fds) {
		context->kept_fds++;
		*kept_fd = fd;
	}
	return fd;
}

static void close_kept(struct rec_readings_context *context, int *kept_fd)
{
	if (*kept_fd < 0)
		return;
	close(*kept_fd);
	*kept_fd = -1;
	context->kept_fds--;
}

static int read_stat(struct rec_readings *readings, struct rec_readings_context *context, pid_t pid,
	struct rec_proc_stat *stat)
{
	int fd = open_file(context, &readings->stat_fd, pid, "stat");
	if (fd < 0)
		return fd;
	int error = rec_proc_read_stat(fd, stat) == 0 ? 0 : -ESRCH;
	if (fd != readings->stat_fd)
		close(fd);
	return error;
}

/*
 * The kernel adds what ended threads and waited-for children read and wrote to /proc/PID/io, and
 * tells neither from the other. A process that never had threads has its own in the file of its
 * only one; of others what their children had is subtracted, as far as it was seen.
 */
static int read_io(struct rec_readings *readings, struct rec_readings_context *context, pid_t pid)
{
	char name[32] = "io";
	struct rec_proc_io io;
	if (!readings->has_threads)
		snprintf(name, sizeof(name), "task/%d/io", (int)pid);
	int fd = open_file(context, &readings->io_fd, pid, name);
	if (fd < 0)
		return fd;
	int error = rec_proc_read_io(fd, &io);
	if (fd != readings->io_fd)
		close(fd);
	if (error == 0 && readings->has_threads)
		rec_proc_io_subtract(&io, &readings->children_io);
	if (error == 0)
		readings->own_io = io;
	return error;
}

void rec_readings_threads(struct rec_readings *readings, struct rec_readings_context *context)
{
	if (readings->has_threads)
		return;
	readings->has_threads = true;
	close_kept(context, &readings->io_fd);
}

void rec_readings_child_ended(struct rec_readings *readings, const struct rec_readings *child)
{
	rec_proc_io_add(&readings->children_io, &child->own_io);
	rec_proc_io_add(&readings->children_io, &child->children_io);
}

/* Totals are exact; the split follows the kernel's tick counts. */
static void put_cpu(struct rec_readings *readings, struct rec_sink *sink, uint64_t time_ns,
	uint64_t cpu_ns, uint64_t user_ticks_ns, uint64_t system_ticks_ns)
{
	struct rec_series_set *set = &readings->set;
	if (cpu_ns < rec_series_value(set, REC_METRIC_CPU))
		return;
	rec_series_put(set, sink, REC_METRIC_CPU, time_ns, (int64_t)cpu_ns);
	uint64_t ticks_ns = user_ticks_ns + system_ticks_ns;
	if (ticks_ns == 0)
		return;
	uint64_t user_ns = (uint64_t)((double)cpu_ns * (double)user_ticks_ns / (double)ticks_ns);
	/* Neither part may shrink while the other is found to be larger than thought. */
	uint64_t last_user_ns = rec_series_value(set, REC_METRIC_CPU_USER);
	uint64_t last_system_ns = rec_series_value(set, REC_METRIC_CPU_SYSTEM);
	if (user_ns < last_user_ns)
		user_ns = last_user_ns;
	else if (cpu_ns - user_ns < last_system_ns)
		user_ns = cpu_ns - last_system_ns;
	rec_series_put(set, sink, REC_METRIC_CPU_USER, time_ns, (int64_t)user_ns);
	rec_series_put(set, sink, REC_METRIC_CPU_SYSTEM, time_ns, (int64_t)(cpu_ns - user_ns));
}

/*
 * By its switches, exact to the microsecond: a process's clock is behind by up to a tick of each of
 * its threads that runs. The clock decides where switches are not told, or some were lost.
 */
static int read_cpu(const struct rec_process *process, uint64_t time_ns, uint64_t *ret_cpu_ns)
{
	uint64_t clock_ns;
	if (rec_proc_cpu_ns(process->pid, &clock_ns) != 0)
		return -ESRCH;
	clock_ns -= process->base_cpu_ns;
	uint64_t switch_ns = rec_tree_cpu_ns(process, time_ns);
	uint64_t slack_ns = MAX_CLOCK_LAG_NS * (process->live_threads + 1);
	bool agrees = switch_ns + slack_ns > clock_ns && clock_ns + slack_ns > switch_ns;
	*ret_cpu_ns = switch_ns > 0 && agrees && !process->is_hidden ? switch_ns : clock_ns;
	return 0;
}

static void put_faults(struct rec_readings *readings, struct rec_sink *sink, uint64_t time_ns,
	const struct rec_proc_stat *stat)
{
	rec_series_put(&readings->set, sink, REC_METRIC_FAULTS_MINOR, time_ns,
		(int64_t)stat->minor_faults);
	rec_series_put(&readings->set, sink, REC_METRIC_FAULTS_MAJOR, time_ns,
		(int64_t)stat->major_faults);
}

static void put_io(struct rec_readings *readings, struct rec_sink *sink, uint64_t time_ns)
{
	const struct rec_proc_io *io = &readings->own_io;
	const uint64_t values[COUNT(io_metrics)] = {
		io->read_bytes, io->disk_read_bytes, io->write_bytes, io->disk_write_bytes};
	for (size_t i = 0; i < COUNT(io_metrics); i++)
		rec_series_put(&readings->set, sink, io_metrics[i], time_ns, (int64_t)values[i]);
}

static void put_switches(struct rec_readings *readings, struct rec_sink *sink, uint64_t time_ns)
{
	rec_series_put(&readings->set, sink, REC_METRIC_SWITCHES_VOLUNTARY, time_ns,
		(int64_t)readings->voluntary_switches);
	rec_series_put(&readings->set, sink, REC_METRIC_SWITCHES_INVOLUNTARY, time_ns,
		(int64_t)readings->involuntary_switches);
}

/* The rest, once it is known to be alive. */
static void read_files(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_process *process, uint64_t time_ns)
{
	pid_t pid = process->pid;
	uint64_t fds;
	int error = context->has_io ? read_io(readings, context, pid) : -ENOENT;
	if (error == 0)
		put_io(readings, context->sink, time_ns);
	else
		refuse(readings, context, REC_REFUSED_IO, time_ns, error);
	error = rec_proc_count_fds(pid, &fds);
	if (error == 0)
		rec_series_put(
			&readings->set, context->sink, REC_METRIC_FDS, time_ns, (int64_t)fds);
	else
		refuse(readings, context, REC_REFUSED_FDS, time_ns, error);
	if (context->sees_switches && !process->is_hidden)
		put_switches(readings, context->sink, time_ns);
}

void rec_readings_read(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_process *process, uint64_t time_ns)
{
	struct rec_sink *sink = context->sink;
	struct rec_proc_stat stat;
	uint64_t cpu_ns = readings->cpu_ns;
	bool has_cpu = read_cpu(process, time_ns, &cpu_ns) == 0;
	bool is_idle = has_cpu && readings->read_ns != 0 && cpu_ns == readings->cpu_ns;
	if (is_idle && time_ns < readings->beat_ns + BEAT_NS) {
		rec_series_hold(&readings->set, readings->read_ns, time_ns);
		readings->read_ns = time_ns;
		return;
	}
	int error = read_stat(readings, context, process->pid, &stat);
	if (error != 0) {
		refuse(readings, context, REC_REFUSED_STAT, time_ns, error);
		return;
	}
	/* It has ended already: what its clock still counts is the kernel's clean-up. */
	if (stat.state == 'Z' || stat.state == 'X')
		return;
	readings->read_ns = readings->beat_ns = time_ns;
	readings->cpu_ns = cpu_ns;
	if (has_cpu)
		put_cpu(readings, sink, time_ns, cpu_ns, stat.user_ns, stat.system_ns);
	put_faults(readings, sink, time_ns, &stat);
	/* No memory left: it is just ending, or between two images. */
	if (stat.rss_bytes == 0)
		return;
	rec_series_put(&readings->set, sink, REC_METRIC_RSS, time_ns, (int64_t)stat.rss_bytes);
	rec_series_put(&readings->set, sink, REC_METRIC_THREADS, time_ns, stat.threads);
	if (stat.threads > 1)
		rec_readings_threads(readings, context);
	read_files(readings, context, process, time_ns);
}

void rec_readings_switch(struct rec_readings *readings, bool is_voluntary)
{
	if (is_voluntary)
		readings->voluntary_switches++;
	else
		readings->involuntary_switches++;
}

static void put_shares(struct rec_readings *readings, struct rec_sink *sink, uint64_t time_ns,
	const struct rec_proc_shares *shares)
{
	struct rec_series_set *set = &readings->set;
	rec_series_put(set, sink, REC_METRIC_PSS, time_ns, (int64_t)shares->pss_bytes);
	rec_series_put(set, sink, REC_METRIC_USS, time_ns, (int64_t)shares->uss_bytes);
	rec_series_put(set, sink, REC_METRIC_SWAP, time_ns, (int64_t)shares->swap_bytes);
}

static void put_memory(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_seldom_reading *seldom)
{
	if (seldom->shares_error == 0)
		put_shares(readings, context->sink, seldom->time_ns, &seldom->shares);
	else
		refuse(readings, context, REC_REFUSED_SHARES, seldom->time_ns,
			seldom->shares_error);
	if (seldom->peak_error == 0)
		rec_series_put(&readings->set, context->sink, REC_METRIC_RSS_PEAK, seldom->time_ns,
			(int64_t)seldom->peak_bytes);
}

void rec_readings_put_seldom(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_seldom_reading *seldom)
{
	struct rec_sink *sink = context->sink;
	uint64_t time_ns = seldom->time_ns;
	if (seldom->has_memory)
		put_memory(readings, context, seldom);
	if (seldom->sockets_error == 0)
		rec_series_put(&readings->set, sink, REC_METRIC_SOCKETS, time_ns,
			(int64_t)seldom->sockets);
	else
		refuse(readings, context, REC_REFUSED_SOCKETS, time_ns, seldom->sockets_error);
	if (context->sees_switches || seldom->switches_error != 0)
		return;
	readings->voluntary_switches = seldom->voluntary_switches;
	readings->involuntary_switches = seldom->involuntary_switches;
	put_switches(readings, sink, time_ns);
}

void rec_readings_last_words(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_process *process)
{
	struct rec_last_words *last = &readings->last;
	if (last->has_stat || read_stat(readings, context, process->pid, &last->stat) != 0)
		return;
	/* Only of the dead: the number may have a new owner. */
	last->has_stat = last->stat.state == 'Z' || last->stat.state == 'X';
	last->has_io = last->has_stat && read_io(readings, context, process->pid) == 0;
}

static void put_last(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_process *process)
{
	const struct rec_last_words *last = &readings->last;
	struct rec_series_set *set = &readings->set;
	uint64_t end_ns = process->end_ns;
	/* Switches end where the process does; its clock goes on through the kernel's clean-up. */
	uint64_t cpu_ns = process->switch_cpu_ns && !process->is_hidden ? process->switch_cpu_ns
									: process->clock_cpu_ns;
	uint64_t user_ns = rec_series_value(set, REC_METRIC_CPU_USER);
	uint64_t system_ns = rec_series_value(set, REC_METRIC_CPU_SYSTEM);
	if (last->has_stat) {
		user_ns = last->stat.user_ns;
		system_ns = last->stat.system_ns;
	}
	if (cpu_ns > rec_series_value(set, REC_METRIC_CPU))
		put_cpu(readings, context->sink, end_ns, cpu_ns, user_ns, system_ns);
	if (last->has_stat)
		put_faults(readings, context->sink, end_ns, &last->stat);
	if (last->has_io)
		put_io(readings, context->sink, end_ns);
	if (context->sees_switches && !process->is_hidden)
		put_switches(readings, context->sink, end_ns);
}

void rec_readings_end(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_process *process)
{
	put_last(readings, context, process);
	rec_series_close(&readings->set, context->sink, process->end_ns);
	close_kept(context, &readings->stat_fd);
	close_kept(context, &readings->io_fd);
	free(readings);
}
