/*
 * What the native source (src_native.c) keeps, and what its parts do for one another: running
 * threads (running.c), and what they waited for (waiting.c).
 */
#ifndef REC_NATIVE_NATIVE_H
#define REC_NATIVE_NATIVE_H

#include "native/image.h"
#include "native/namer.h"
#include "native/offcpu.h"
#include "native/python.h"
#include "native/sampler.h"
#include "native/schedule.h"
#include "native/stack_ids.h"
#include "source.h"
#include "unwind/unwind.h"
#include "wakeups.h"

/* What we keep with a thread. */
struct rec_native_thread {
	struct rec_schedule schedule;
	struct rec_stack_path path; /* of its last sample */
	struct rec_offcpu_thread wait;
	/* As it was when the thread last lost the CPU, until it has one again. */
	struct rec_wait_view switch_view;
	bool has_switch_view;
	/* As it was when it was last seen running: where it was preempted a moment later. */
	struct rec_wait_view running_view;
	uint64_t seen_running_ns;
	struct rec_python_thread *python; /* NULL: it has run no Python code */
	bool has_python_sample;		  /* without native stacks */
};

struct rec_native_loss {
	const char *what, *reason;
	uint64_t count; /* not yet in the trace */
	uint64_t said;	/* in the trace */
};

enum rec_native_lost { LOST_RING, LOST_OUTPUT, LOST_CONTEXT, LOST_THREAD, LOST_KINDS };

struct rec_native {
	struct rec_context context;
	struct tfmt_writer *writer;
	struct rec_modules *modules;
	struct rec_unwinder *unwinder;
	struct rec_namer *namer;
	struct rec_stack_ids *stack_ids;
	struct rec_offcpu *offcpu; /* NULL: waits have no stacks */
	struct rec_python *python; /* NULL: not wanted */
	bool is_python_alone;	   /* no native stacks, and nothing of other programs */
	bool is_eager;		   /* samples wake us: there is Python code to be read */
	struct rec_hurry hurry;	   /* while is_eager */
	uint64_t next_names_ns, next_sums_ns;
	uint64_t sample_count, whole_count;
	struct rec_native_loss losses[LOST_KINDS];
};

/* What the process has mapped; NULL without memory. */
struct rec_image *rec_native_image(struct rec_native *state, struct rec_process *process);

/* What is kept with the thread; NULL without memory. */
struct rec_native_thread *rec_native_thread_of(struct rec_native *state, struct rec_thread *thread);

/* Whether samples and waits of a process are wanted. */
bool rec_native_is_wanted(const struct rec_native *state, const struct rec_process *process);

/* Whether samples wake us: there is Python code to be read. */
void rec_native_set_eager(struct rec_native *state, bool is_eager);

/* ---- running.c ---- */

/* A sample of perf, or of who stands in for it: of a running thread, or of one that just stops. */
void rec_native_take_sample(struct rec_native *state, const struct rec_perf_record *record);

/* A sample that has just come: what Python code it hit will not stay for long. */
void rec_native_sample_ahead(void *opaque, const struct rec_perf_record *record);

/* Read the Python stack that goes with a sample of `time_ns`, now, unless that has been done. */
void rec_native_look_at_python(struct rec_native *state, struct rec_native_thread *native,
	const struct rec_thread *thread, struct rec_image *image, uint64_t time_ns);

/* Of a sample, enum tfmt_sample_flag. */
uint8_t rec_native_flags(const struct rec_stack *stack);

/* The id of a user stack, joined with the thread's Python stack of that time. */
uint32_t rec_native_add_stack(struct rec_native *state, struct rec_native_thread *native,
	const struct rec_stack *stack, const struct rec_running_sample *sample, uint8_t *flags);

/* The id of a Python stack alone. */
uint32_t rec_native_add_python_stack(struct rec_native *state, struct rec_native_thread *native,
	const struct rec_joined_stack *joined);

/* ---- waiting.c ---- */

/* News of a thread's schedule: a switch; how long it has run and waited for a CPU in all. */
void rec_native_take_switch(struct rec_native *state, const struct rec_perf_record *record);
void rec_native_take_totals(struct rec_native *state, const struct rec_perf_record *record);

/* Of a blocked thread: a rec_offcpu_unwind. It stands still, so both stacks are of one instant. */
void rec_native_unwind_blocked(void *opaque, struct rec_thread *thread,
	const struct rec_blocked_state *blocked, struct rec_wait_view *view);

/* What a thread did lately, for who follows the recording. For rec_tree_each_thread(). */
void rec_native_write_so_far(void *opaque, struct rec_thread *thread, uint64_t time_ns);

/* Its last words, and the end of what is kept with it. */
void rec_native_thread_ended(void *opaque, struct rec_thread *thread, uint64_t time_ns);

#endif
