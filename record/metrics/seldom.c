#include "metrics/seldom.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is counted one by one is counted up to here. */
#define MAX_FDS	    4096
#define MAX_THREADS 256
/* So long the end of the recording waits for a reading: it may hang on a lock of the process. */
#define MAX_WAIT_S 1

struct rec_seldom {
	pthread_t thread;
	bool with_switches;
	bool has_thread; /* begun with the first question */
	uint64_t taken_cpu_ns;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t changed;
	bool is_over;
	bool is_reading;
	struct rec_seldom_reading readings[REC_SELDOM_MAX];
	size_t count;
	uint64_t cpu_ns;
};

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void read_one(struct rec_seldom_reading *reading, bool with_switches)
{
	pid_t pid = reading->pid;
	reading->time_ns = rec_now_ns();
	if (reading->has_memory) {
		reading->shares_error = rec_proc_read_shares(pid, &reading->shares);
		reading->peak_error = rec_proc_read_peak(pid, &reading->peak_bytes);
	}
	reading->sockets_error = rec_proc_count_sockets(pid, MAX_FDS, &reading->sockets);
	if (with_switches)
		reading->switches_error = rec_proc_count_switches(pid, MAX_THREADS,
			&reading->voluntary_switches, &reading->involuntary_switches);
}

static void *read_seldom(void *opaque)
{
	struct rec_seldom *seldom = opaque;
	struct rec_seldom_reading readings[REC_SELDOM_MAX];
	pthread_setname_np(pthread_self(), "trec-metrics"); /* as of cost.h */
	pthread_mutex_lock(&seldom->lock);
	for (;;) {
		while (!seldom->is_reading && !seldom->is_over)
			pthread_cond_wait(&seldom->changed, &seldom->lock);
		if (seldom->is_over)
			break;
		size_t count = seldom->count;
		memcpy(readings, seldom->readings, count * sizeof(*readings));
		pthread_mutex_unlock(&seldom->lock);
		for (size_t i = 0; i < count; i++)
			read_one(&readings[i], seldom->with_switches);
		pthread_mutex_lock(&seldom->lock);
		memcpy(seldom->readings, readings, count * sizeof(*readings));
		seldom->cpu_ns = thread_cpu_ns();
		seldom->is_reading = false;
	}
	pthread_mutex_unlock(&seldom->lock);
	return NULL;
}

struct rec_seldom *rec_seldom_new(bool with_switches)
{
	struct rec_seldom *seldom = calloc(1, sizeof(*seldom));
	if (!seldom)
		return NULL;
	seldom->with_switches = with_switches;
	pthread_mutex_init(&seldom->lock, NULL);
	pthread_cond_init(&seldom->changed, NULL);
	return seldom;
}

void rec_seldom_free(struct rec_seldom *seldom)
{
	struct timespec until;
	if (!seldom)
		return;
	pthread_mutex_lock(&seldom->lock);
	seldom->is_over = true;
	pthread_cond_signal(&seldom->changed);
	pthread_mutex_unlock(&seldom->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += MAX_WAIT_S;
	/* A thread that hangs keeps what it uses; it ends with the recorder. */
	if (seldom->has_thread && pthread_timedjoin_np(seldom->thread, NULL, &until) != 0)
		return;
	pthread_mutex_destroy(&seldom->lock);
	pthread_cond_destroy(&seldom->changed);
	free(seldom);
}

void rec_seldom_ask(
	struct rec_seldom *seldom, const struct rec_seldom_reading *readings, size_t count)
{
	if (!seldom->has_thread)
		seldom->has_thread =
			pthread_create(&seldom->thread, NULL, read_seldom, seldom) == 0;
	if (!seldom->has_thread)
		return;
	pthread_mutex_lock(&seldom->lock);
	memcpy(seldom->readings, readings, count * sizeof(*readings));
	seldom->count = count;
	seldom->is_reading = true;
	pthread_cond_signal(&seldom->changed);
	pthread_mutex_unlock(&seldom->lock);
}

bool rec_seldom_take(
	struct rec_seldom *seldom, struct rec_seldom_reading *readings, size_t *ret_count)
{
	pthread_mutex_lock(&seldom->lock);
	bool is_done = !seldom->is_reading;
	if (is_done) {
		memcpy(readings, seldom->readings, seldom->count * sizeof(*readings));
		*ret_count = seldom->count;
		seldom->count = 0;
		seldom->taken_cpu_ns = seldom->cpu_ns;
	}
	pthread_mutex_unlock(&seldom->lock);
	return is_done;
}

uint64_t rec_seldom_cpu_ns(const struct rec_seldom *seldom)
{
	return seldom->taken_cpu_ns;
}
