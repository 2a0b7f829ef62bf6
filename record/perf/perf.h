/*
 * perf_event_open(2): rings of kernel records, one pair per CPU, read in the order of time.
 *
 * The life ring carries FORK, COMM, EXIT and MMAP2 and wakes the reader at each record; the sample
 * ring carries SAMPLE (when stacks are wanted and allowed), SWITCH and LOST and wakes it when half
 * of it is full, or a quarter at a high rate.
 */
#ifndef RECORD_PERF_H
#define RECORD_PERF_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REC_PERF_MAX_KERNEL_FRAMES 128

struct rec_perf;

enum rec_perf_mode {
	REC_PERF_NONE,	 /* refused */
	REC_PERF_LIFE,	 /* processes only, no stacks */
	REC_PERF_USER,	 /* stacks of user code */
	REC_PERF_KERNEL, /* stacks of user code and kernel */
};

struct rec_perf_options {
	bool is_unwanted; /* open nothing, as if all were refused */
	bool with_samples;
	bool needs_samples;	 /* nothing else is wanted without them */
	bool with_switch_stacks; /* a stack at every switch, if there are samples and it may be */
	const char *event;	 /* a hardware counter that makes samples; NULL: CPU time */
	uint64_t rate_hz;
	uint32_t stack_bytes;
	uint64_t user_registers; /* mask of perf's register numbers; 0: no stacks, only the times */
	bool has_one_ring;	 /* life and samples in one, for half the descriptors */
	bool wakes_at_samples;	 /* rec_perf_set_eager() may be called; not with one ring */
	/*
	 * With pid 0: look at the CPUs where that is allowed, not at each thread. An event of a
	 * thread costs it microseconds at each switch, most of them for the timer that samples it.
	 */
	bool prefers_machine;
};

/* One record. Pointers into the ring live until the callback returns. */
struct rec_perf_record {
	uint32_t type; /* PERF_RECORD_* */
	uint16_t misc; /* PERF_RECORD_MISC_* */
	uint32_t cpu;
	uint64_t time_ns;
	uint32_t pid, tid;
	union {
		struct {
			uint32_t ppid, ptid;
		} fork; /* also exit */
		struct {
			const char *name;
		} comm;
		struct {
			uint64_t address, length, page_offset;
			const uint8_t *build_id; /* NULL: `device`, `inode` tell the file */
			size_t build_id_size;
			uint64_t device, inode;
			const char *path;
		} mmap;
		struct {
			uint64_t period; /* ns of CPU time, or events */
			bool is_switch;	 /* the thread is losing the CPU: stands for no time */
			const uint64_t *kernel_frames; /* leaf first, return addresses */
			size_t kernel_frame_count;
			const uint64_t *registers; /* NULL: no user context */
			const uint8_t *stack;	   /* from the user stack pointer on */
			size_t stack_bytes;
			bool is_stopped;  /* the thread stood still for it */
			const void *more; /* what was seen of it then; see native/ptrace.h */
			size_t more_bytes;
		} sample;
		struct {
			uint64_t count;
		} lost;
		struct {
			uint64_t run_ns, ready_ns, turns;
			bool is_open, waits; /* as of native/schedule.h */
		} totals;		     /* REC_RECORD_TOTALS */
		struct {
			const char *lines;
		} maps; /* REC_RECORD_MAPS */
	};
};

/* What is seen without perf, in the same form. */
enum rec_other_record {
	/* How long a thread has run, and waited for a CPU, since it began. */
	REC_RECORD_TOTALS = 1000,
	/* All executable mappings of a process, as lines of /proc/PID/maps. */
	REC_RECORD_MAPS,
};

/*
 * Open the rings on the stopped process `pid` and what it will start, armed by its exec; or with
 * `pid` 0 empty ones, for rec_perf_watch(). The mode
 * reached and, for every one that was refused, a line of words in `ret_reason` (may be empty).
 * Returns: 0 and an object, also when everything was refused; TFMT_E_NOMEM.
 */
int rec_perf_open(const struct rec_perf_options *options, pid_t pid, struct rec_perf **ret_perf,
	char *ret_reason, size_t reason_bytes);
void rec_perf_free(struct rec_perf *perf);

/*
 * Let the records of a thread that runs already, and of all that it will start, go into the rings
 * opened with pid 0; nothing comes before rec_perf_start(). Takes rec_perf_watch_cost()
 * descriptors.
 * Returns: 0 or an errno: ESRCH when the thread has ended, EACCES when it is not ours to look at,
 * EMFILE.
 */
int rec_perf_watch(struct rec_perf *perf, pid_t tid);
void rec_perf_start(struct rec_perf *perf);
size_t rec_perf_watch_cost(const struct rec_perf *perf);
/* The records of all processes come, asked for or not; samples have no meaning as periods. */
bool rec_perf_is_machine_wide(const struct rec_perf *perf);

enum rec_perf_mode rec_perf_mode(const struct rec_perf *perf);
/* Whether there is a stack at every switch. */
bool rec_perf_has_switch_stacks(const struct rec_perf *perf);
/* Ask the kernel whether there can be. Returns 0 or an errno. */
int rec_perf_try_switch_stacks(void);
/* What makes samples: "task-clock", "cpu-clock" or a hardware counter; NULL: there are none. */
const char *rec_perf_event_name(const struct rec_perf *perf);
/* Whether `period` of samples is a number of events. */
bool rec_perf_counts_events(const struct rec_perf *perf);
/* The rate in force: lower than asked for when the kernel limits it. */
uint64_t rec_perf_rate_hz(const struct rec_perf *perf);
/* How samples and switches are recorded; NULL when neither is. Lives as long as `perf`. */
const struct perf_event_attr *rec_perf_sample_attr(const struct rec_perf *perf);
/* An epoll descriptor that is readable when there is something to read; -1 without rings. */
int rec_perf_fd(const struct rec_perf *perf);

/*
 * Where samples wake, and not full rings: a descriptor that is readable after each sample while the
 * reader is eager, -1 where that was not asked for; and how often the rings must be drained.
 */
int rec_perf_sample_fd(const struct rec_perf *perf);
void rec_perf_set_eager(struct rec_perf *perf, bool is_eager);
uint64_t rec_perf_round_ns(const struct rec_perf *perf);

/*
 * Give all records up to `until_ns` to `handle`, ordered by time. Records younger than that stay:
 * another CPU may still be writing an older one. Returns true when life records did:
 * they should not have to wait for the next regular round.
 */
bool rec_perf_drain(struct rec_perf *perf, uint64_t until_ns,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context);

/*
 * Show the life records that have come since the last look; the next drain gives them again.
 * Returns: whether there are rings for them alone, so that all could be shown.
 */
bool rec_perf_peek(struct rec_perf *perf,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context);

/* The same for samples, while the reader is eager. */
void rec_perf_peek_samples(struct rec_perf *perf,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context);

/* Stop counting. What is in the rings can still be drained. */
void rec_perf_stop(struct rec_perf *perf);

#endif
