#include "cost.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "perf/calibrate.h"
#include "procfs.h"

#define THREAD_PREFIX "trec-"
/* Fewer records cost the programs less than measuring what one costs. */
#define LEAST_SAMPLES  100
#define LEAST_SWITCHES 2000

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void add_to_part(struct rec_cost *cost, const char *name, uint64_t cpu_ns)
{
	size_t i = 0;
	while (i < cost->part_count && strcmp(cost->parts[i].name, name) != 0)
		i++;
	if (i == REC_COST_MAX_PARTS)
		return;
	if (i == cost->part_count)
		cost->parts[cost->part_count++] = (struct rec_cost_part){.name = name};
	cost->parts[i].cpu_ns += cpu_ns;
}

void rec_cost_start(struct rec_cost *cost)
{
	cost->mark_ns = thread_cpu_ns();
}

void rec_cost_add(struct rec_cost *cost, const char *part)
{
	uint64_t now_ns = thread_cpu_ns();
	add_to_part(cost, part, now_ns - cost->mark_ns);
	cost->mark_ns = now_ns;
}

void rec_cost_count(struct rec_cost *cost, const struct rec_perf_record *record)
{
	cost->sample_count += record->type == PERF_RECORD_SAMPLE;
	cost->switch_count +=
		record->type == PERF_RECORD_SWITCH && (record->misc & PERF_RECORD_MISC_SWITCH_OUT);
}

/* ---- the end ---- */

/* Our other threads, which do one thing each. */
static void add_thread(struct rec_cost *cost, const char *tid)
{
	static const char *const parts[] = {"metrics", "output", "symbols"};
	char file[300], name[32] = "", text[128] = "";
	snprintf(file, sizeof(file), "task/%s/comm", tid);
	rec_proc_read(getpid(), file, name, sizeof(name));
	if (strncmp(name, THREAD_PREFIX, strlen(THREAD_PREFIX)) != 0)
		return;
	name[strcspn(name, "\n")] = '\0';
	snprintf(file, sizeof(file), "task/%s/schedstat", tid);
	rec_proc_read(getpid(), file, text, sizeof(text));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (strcmp(name + strlen(THREAD_PREFIX), parts[i]) == 0)
			add_to_part(cost, parts[i], strtoull(text, NULL, 10));
}

static void add_threads(struct rec_cost *cost)
{
	DIR *folder = opendir("/proc/self/task");
	if (!folder)
		return;
	for (const struct dirent *entry; (entry = readdir(folder));)
		if (entry->d_name[0] != '.')
			add_thread(cost, entry->d_name);
	closedir(folder);
}

static void write_target(const struct rec_cost *cost, const struct rec_perf *perf,
	struct rec_sink *sink, uint64_t time_ns)
{
	const struct perf_event_attr *attr = rec_perf_sample_attr(perf);
	struct rec_calibration calibration;
	bool is_worth_it =
		cost->sample_count >= LEAST_SAMPLES || cost->switch_count >= LEAST_SWITCHES;
	if (!attr || !is_worth_it)
		return;
	rec_calibrate(attr, rec_perf_is_machine_wide(perf), &calibration);
	uint64_t samples_ns = cost->sample_count * calibration.sample_ns;
	uint64_t switches_ns = cost->switch_count * calibration.switch_ns;
	if (calibration.sample_ns > 0 && cost->sample_count > 0) {
		rec_sink_cost(sink, time_ns, "one sample", "ns", calibration.sample_ns);
		rec_sink_cost(sink, time_ns, "target samples", "ns", samples_ns);
	}
	if (calibration.switch_ns > 0) {
		rec_sink_cost(sink, time_ns, "one switch", "ns", calibration.switch_ns);
		rec_sink_cost(sink, time_ns, "target switches", "ns", switches_ns);
	}
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

void rec_cost_write(
	struct rec_cost *cost, const struct rec_perf *perf, struct rec_sink *sink, uint64_t time_ns)
{
	struct rusage usage;
	write_target(cost, perf, sink, time_ns);
	rec_sink_flush(sink);
	getrusage(RUSAGE_SELF, &usage);
	rec_sink_cost(sink, time_ns, "recorder cpu", "ns",
		timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime));
	add_threads(cost);
	for (size_t i = 0; i < cost->part_count; i++) {
		char name[64];
		snprintf(name, sizeof(name), "recorder cpu: %s", cost->parts[i].name);
		rec_sink_cost(sink, time_ns, name, "ns", cost->parts[i].cpu_ns);
	}
	rec_sink_cost(sink, time_ns, "recorder memory", "bytes", (uint64_t)usage.ru_maxrss * 1024);
	rec_sink_cost(sink, time_ns, "bytes written", "bytes", rec_sink_bytes(sink));
}
