/*
 * Native stacks: a sample of every running thread per period, unwound at once, and from the
 * switch records how long each thread ran, waited for a CPU or was blocked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native/image.h"
#include "native/namer.h"
#include "native/offcpu.h"
#include "native/python.h"
#include "native/sampler.h"
#include "native/schedstat.h"
#include "native/schedule.h"
#include "native/stack_ids.h"
#include "procfs.h"
#include "source.h"
#include "unwind/unwind.h"
#include "wakeups.h"

/* A rest of CPU time at a thread's end that is worth a record. */
#define LEAST_UNSAMPLED_NS 20000ull
/* Names are looked up, and added-up waits written, so often. */
#define NAMES_PERIOD_NS 250000000ull
#define SUMS_PERIOD_NS	1000000000ull
/* Less is left for the next time. */
#define LEAST_SUM_NS 1000000ull
/* Of a wait that goes on, a part is written so often: who follows the recording sees it. */
#define WAIT_PART_NS 10000000000ull
/* Fewer get their names at the end only, and the cheap ones. */
#define FEW_SAMPLES 10
/* Numbers of system calls end below. */
#define MAX_SYSCALL 1024
/* After which a thread that was seen running may be anywhere. */
#define MOMENT_NS 10000000ull
/* A thread's first sample of Python code stands for no more. */
#define MOST_FIRST_NS 50000000ull
/* Descriptors of binaries kept open. */
#define MAX_FILES 512

/* What we keep with a thread. */
struct native_thread {
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

struct loss {
	const char *what, *reason;
	uint64_t count; /* not yet in the trace */
	uint64_t said;	/* in the trace */
};

enum { LOST_RING, LOST_OUTPUT, LOST_CONTEXT, LOST_THREAD, LOST_KINDS };

struct state {
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
	int usual_nice;
	uint64_t next_names_ns, next_sums_ns;
	uint64_t sample_count, whole_count;
	struct loss losses[LOST_KINDS];
};

static bool probe(const struct rec_context *context, char *reason, size_t reason_bytes)
{
	reason[0] = '\0'; /* a refusal was said when the rings were opened */
	return context->samplers->in_force != REC_SAMPLER_NONE;
}

/* ---- images ---- */

static struct rec_image *image_of(struct state *state, struct rec_process *process)
{
	void **slot = &process->slots[state->context.slot];
	struct rec_image *image = *slot;
	if (image)
		return image;
	*slot = image = rec_image_new(state->modules, process->pid, state->python != NULL);
	/* Not seen from its fork on: what it has mapped stands in /proc. */
	if (image && process->end_ns == 0)
		rec_image_take_maps(image, NULL);
	return image;
}

static void process_started(void *opaque, struct rec_process *process)
{
	struct state *state = opaque;
	struct rec_image *parent =
		process->parent ? process->parent->slots[state->context.slot] : NULL;
	if (process->was_running)
		image_of(state, process);
	else if (parent)
		process->slots[state->context.slot] = rec_image_fork(parent, process->pid);
}

static void set_eager(struct state *state, bool is_eager)
{
	rec_perf_set_eager(state->context.samplers->perf, is_eager);
	if (state->is_eager == is_eager)
		return;
	state->is_eager = is_eager;
	if (is_eager)
		state->usual_nice = rec_wakeups_hurry();
	else
		rec_wakeups_relax(state->usual_nice);
}

/* The image changes or goes: samples need not wake us for a program that was the last in Python. */
static void leave_python(struct state *state, struct rec_image *image)
{
	if (!image || !image->python)
		return;
	rec_python_leave(state->python, image->python);
	if (!rec_python_is_running(state->python))
		set_eager(state, false);
}

static void process_executed(void *opaque, struct rec_process *process)
{
	struct state *state = opaque;
	struct rec_image *image = process->slots[state->context.slot];
	struct rec_thread *thread = rec_tree_thread(state->context.tree, process->pid);
	struct native_thread *native = thread ? thread->slots[state->context.slot] : NULL;
	leave_python(state, image);
	if (image)
		rec_image_exec(image);
	if (native)
		native->has_python_sample = false;
}

static void process_settled(void *opaque, struct rec_process *process)
{
	struct state *state = opaque;
	leave_python(state, process->slots[state->context.slot]);
	rec_image_free(process->slots[state->context.slot]);
	process->slots[state->context.slot] = NULL;
}

static void take_mmap(struct state *state, const struct rec_perf_record *record)
{
	struct rec_process *process = rec_tree_process(state->context.tree, (pid_t)record->pid);
	struct rec_image *image = process ? image_of(state, process) : NULL;
	if (!image)
		return;
	struct rec_map_event event = {
		.pid = (pid_t)record->pid,
		.start = record->mmap.address,
		.length = record->mmap.length,
		.file_offset = record->mmap.page_offset,
		.path = record->mmap.path,
		.build_id = record->mmap.build_id,
		.build_id_size = record->mmap.build_id_size,
		.device_major = (uint32_t)(record->mmap.device >> 32),
		.device_minor = (uint32_t)record->mmap.device,
		.inode = record->mmap.inode,
	};
	rec_image_map(image, &event);
}

/* All there is at once, from who cannot see mappings come. */
static void take_maps(struct state *state, const struct rec_perf_record *record)
{
	struct rec_process *process = rec_tree_process(state->context.tree, (pid_t)record->pid);
	struct rec_image *image = process ? image_of(state, process) : NULL;
	if (image)
		rec_image_take_maps(image, record->maps.lines);
}

/* ---- samples ---- */

static struct native_thread *native_thread(struct state *state, struct rec_thread *thread)
{
	void **slot = &thread->slots[state->context.slot];
	if (*slot)
		return *slot;
	struct native_thread *native = calloc(1, sizeof(*native));
	if (native)
		native->schedule.gives_all =
			rec_perf_has_switch_stacks(state->context.samplers->perf);
	*slot = native;
	return native;
}

static uint8_t flags_of(const struct rec_stack *stack)
{
	uint8_t flags = stack->flags & REC_STACK_WHOLE ? 0 : TFMT_SAMPLE_TRUNCATED;
	return stack->flags & REC_STACK_RECOVERED ? flags | TFMT_SAMPLE_RECOVERED : flags;
}

/* The id of a user stack, joined with the thread's Python stack of that time. */
static uint32_t add_stack(struct state *state, struct native_thread *native,
	const struct rec_stack *stack, const struct rec_running_sample *sample, uint8_t *flags)
{
	struct rec_joined_stack joined;
	if (stack->count > 0 && state->python &&
		rec_python_join(state->python, native->python, sample->time_ns, stack,
			sample->user.regs && !sample->is_stopped ? &sample->user : NULL, &joined,
			flags))
		return rec_stack_ids_add_joined(state->stack_ids, &native->path, &joined, stack,
			sample->kernel_frames, sample->kernel_frame_count);
	return rec_stack_ids_add(state->stack_ids, &native->path, stack, sample->kernel_frames,
		sample->kernel_frame_count);
}

/* Without native stacks what is not in Python code, of a process that has some, stands for itself.
 */
static uint32_t add_python_stack(
	struct state *state, struct native_thread *native, const struct rec_joined_stack *joined)
{
	static const struct rec_stack no_stack;
	if (joined->count == 0)
		return rec_stack_ids_marker(state->stack_ids, "[no Python code]");
	return rec_stack_ids_add_joined(
		state->stack_ids, &native->path, joined, &no_stack, NULL, 0);
}

/* An interpreter may be a part of a program of any name. */
static void search_program(struct state *state, struct rec_image *image)
{
	if (!state->python || !image || image->is_searched)
		return;
	int is_there = image->python ? 1 : rec_python_is_in_program(state->python, image->space);
	image->is_searched = is_there >= 0;
	if (is_there > 0)
		rec_image_set_python(image);
}

/* Whether samples and waits of a process are wanted. */
static bool is_wanted(const struct state *state, const struct rec_process *process)
{
	const struct rec_image *image = process->slots[state->context.slot];
	return !state->is_python_alone || (image && image->python);
}

static void take_python_name(struct state *state, struct native_thread *native,
	const struct rec_thread *thread, struct rec_image *image, uint64_t time_ns)
{
	const char *name = rec_python_new_name(
		state->python, image->python, thread->tid, native->python, rec_now_ns());
	if (name)
		rec_tree_name(state->context.tree, time_ns, thread->tid, name);
}

/* Read the Python stack that goes with a sample of `time_ns`, now, unless that has been done. */
static void look_at_python(struct state *state, struct native_thread *native,
	const struct rec_thread *thread, struct rec_image *image, uint64_t time_ns)
{
	uint64_t now_ns = rec_now_ns();
	if (!image->python || rec_python_has(native->python, time_ns) ||
		!rec_python_is_ready(state->python, image->python, image->space, now_ns))
		return;
	set_eager(state, true);
	rec_python_look(
		state->python, image->python, thread->tid, &native->python, time_ns, now_ns);
	take_python_name(state, native, thread, image, time_ns);
}

/* The same where that was done while the thread was stopped. */
static void take_stopped_python(struct state *state, struct native_thread *native,
	struct rec_image *image, const struct rec_running_sample *sample)
{
	if (!image->python ||
		!rec_python_is_ready(state->python, image->python, image->space, rec_now_ns()))
		return;
	rec_python_take_stopped(state->python, image->python, &native->python, sample->time_ns,
		sample->more, sample->more_bytes);
	take_python_name(state, native, sample->thread, image, sample->time_ns);
}

/* A sample that has just come: what Python code it hit will not stay for long. */
static void sample_ahead(void *opaque, const struct rec_perf_record *record)
{
	struct state *state = opaque;
	struct rec_thread *thread = rec_tree_thread(state->context.tree, (pid_t)record->tid);
	struct rec_image *image = thread ? thread->process->slots[state->context.slot] : NULL;
	if (!image || !image->python)
		return;
	struct native_thread *native = native_thread(state, thread);
	if (native)
		look_at_python(state, native, thread, image, record->time_ns);
}

static uint32_t stack_of(struct state *state, struct native_thread *native,
	const struct rec_running_sample *sample, uint8_t *flags)
{
	struct rec_image *image = image_of(state, sample->thread->process);
	struct rec_stack stack = {0};
	if (image && sample->user.regs) {
		if (sample->is_stopped)
			take_stopped_python(state, native, image, sample);
		else
			look_at_python(state, native, sample->thread, image, sample->time_ns);
		rec_unwind(state->unwinder, image->space, &sample->user, &stack);
		*flags = flags_of(&stack);
		/* An exec has taken the old image away: what is left is the kernel's part. */
		if (sample->kernel_frame_count > 0 && stack.count == 1 &&
			stack.frames[0].module->type == REC_MODULE_UNKNOWN) {
			stack.count = 0;
			*flags = 0;
		}
	}
	return add_stack(state, native, &stack, sample, flags);
}

static void write_running(struct state *state, struct native_thread *native,
	const struct rec_running_sample *running, uint32_t stack, uint8_t flags)
{
	struct tfmt_sample sample = {
		.time_ns = running->time_ns,
		.weight_ns = running->weight_ns,
		.thread = running->thread->id,
		.stack = stack,
		.state = TFMT_STATE_RUNNING,
		.flags = flags,
	};
	tfmt_writer_sample(state->writer, &sample);
	native->running_view =
		(struct rec_wait_view){.stack = stack, .flags = flags | TFMT_SAMPLE_ASSUMED};
	native->seen_running_ns = running->time_ns;
	state->sample_count++;
	state->whole_count += !(flags & TFMT_SAMPLE_TRUNCATED);
}

/* One whose Python stack could not be read leaves its time to the next. */
static void take_running_python(
	struct state *state, struct native_thread *native, const struct rec_running_sample *running)
{
	struct rec_image *image = image_of(state, running->thread->process);
	struct rec_joined_stack joined;
	if (!rec_sink_has_room(state->context.sink)) {
		state->losses[LOST_OUTPUT].count++;
		return;
	}
	/* It has run that before its process had an interpreter. */
	if (!native->has_python_sample && running->weight_ns > MOST_FIRST_NS) {
		joined = (struct rec_joined_stack){0};
		rec_schedule_sampled(&native->schedule, running->weight_ns);
		write_running(state, native, running, add_python_stack(state, native, &joined), 0);
		native->has_python_sample = true;
		return;
	}
	look_at_python(state, native, running->thread, image, running->time_ns);
	if (!rec_python_take(state->python, native->python, running->time_ns, &joined)) {
		/* Until it has started there is none. */
		if (py_process_state(image->python) == PY_FOUND)
			return;
		joined = (struct rec_joined_stack){0};
	}
	native->has_python_sample = true;
	rec_schedule_sampled(&native->schedule, running->weight_ns);
	write_running(state, native, running, add_python_stack(state, native, &joined), 0);
}

/* One sample of a running thread, whoever took it: a rec_take_running. */
static void take_running(void *opaque, const struct rec_running_sample *running)
{
	struct state *state = opaque;
	struct native_thread *native = native_thread(state, running->thread);
	search_program(state, image_of(state, running->thread->process));
	if (!native)
		return;
	if (!is_wanted(state, running->thread->process)) {
		rec_schedule_sampled(&native->schedule, running->weight_ns);
		return;
	}
	if (state->is_python_alone) {
		take_running_python(state, native, running);
		return;
	}
	rec_schedule_sampled(&native->schedule, running->weight_ns);
	if (!rec_sink_has_room(state->context.sink)) {
		state->losses[LOST_OUTPUT].count++;
		return;
	}
	uint8_t flags = 0;
	uint32_t stack = stack_of(state, native, running, &flags);
	if (stack == 0)
		state->losses[LOST_CONTEXT].count++;
	write_running(state, native, running, stack, flags);
}

/*
 * The running time that a sample stands for. Of a counter's, or a CPU's clock: what the thread has
 * run since its last one. Else the timer's period; but switching is the thread's by that timer and
 * a wait by its switches, so that samples may not get ahead of what it has run by those.
 */
static uint64_t weight_of(
	struct state *state, struct rec_schedule *schedule, const struct rec_perf_record *record)
{
	uint64_t ahead_ns = state->is_python_alone ? 0 : record->sample.period;
	rec_schedule_pass(schedule, record->time_ns);
	if (rec_perf_counts_events(state->context.samplers->perf) ||
		rec_perf_is_machine_wide(state->context.samplers->perf))
		ahead_ns = 0;
	uint64_t limit_ns = schedule->running_ns + ahead_ns;
	uint64_t left_ns = limit_ns > schedule->sampled_ns ? limit_ns - schedule->sampled_ns : 0;
	return ahead_ns > 0 && ahead_ns < left_ns ? ahead_ns : left_ns;
}

/* The same without native stacks. */
static void take_python_switch(struct state *state, struct native_thread *native,
	struct rec_image *image, const struct rec_running_sample *sample)
{
	struct rec_joined_stack joined;
	if (!image || !image->python)
		return;
	look_at_python(state, native, sample->thread, image, sample->time_ns);
	if (!rec_python_take(state->python, native->python, sample->time_ns, &joined))
		return;
	native->switch_view =
		(struct rec_wait_view){.stack = add_python_stack(state, native, &joined)};
	native->has_switch_view = true;
}

/* The call's argument is in one of the registers. */
static bool holds_gil_address(
	struct state *state, const struct rec_image *image, const uint64_t *regs)
{
	for (size_t i = 0; i < REC_PERF_REGS_COUNT; i++)
		if (rec_python_is_gil(state->python, image->python, regs[i]))
			return true;
	return false;
}

/* A stack at the moment when its thread loses the CPU: what the wait looks like that follows. */
static void take_switch_stack(
	struct state *state, struct native_thread *native, const struct rec_running_sample *sample)
{
	struct rec_image *image = image_of(state, sample->thread->process);
	struct rec_wait_view *view = &native->switch_view;
	struct rec_stack stack;
	if (state->is_python_alone) {
		take_python_switch(state, native, image, sample);
		return;
	}
	if (!image || !sample->user.regs)
		return;
	look_at_python(state, native, sample->thread, image, sample->time_ns);
	rec_unwind(state->unwinder, image->space, &sample->user, &stack);
	int syscall = rec_unwind_syscall(state->unwinder, image->space, &sample->user);
	*view = (struct rec_wait_view){
		.syscall = syscall >= 0 && syscall < MAX_SYSCALL ? (uint16_t)(syscall + 1) : 0,
		.flags = flags_of(&stack),
	};
	view->is_gil = image->python && syscall == SYS_futex &&
		       holds_gil_address(state, image, sample->user.regs);
	view->stack = add_stack(state, native, &stack, sample, &view->flags);
	native->has_switch_view = true;
}

static void take_perf_sample(struct state *state, const struct rec_perf_record *record)
{
	struct rec_running_sample running = {
		.thread = rec_tree_thread(state->context.tree, (pid_t)record->tid),
		.time_ns = record->time_ns,
		.user =
			{
				.pid = (pid_t)record->pid,
				.tid = (pid_t)record->tid,
				.regs = record->sample.registers,
				.stack = record->sample.stack,
				.stack_size = record->sample.stack_bytes,
			},
		.is_stopped = record->sample.is_stopped,
		.more = record->sample.more,
		.more_bytes = record->sample.more_bytes,
		.kernel_frames = record->sample.kernel_frames,
		.kernel_frame_count = record->sample.kernel_frame_count,
	};
	struct native_thread *native = running.thread ? native_thread(state, running.thread) : NULL;
	if (!native) {
		state->losses[LOST_THREAD].count++;
		return;
	}
	if (record->sample.is_switch) {
		take_switch_stack(state, native, &running);
		return;
	}
	rec_schedule_runs(&native->schedule, running.thread->start_ns);
	running.weight_ns = weight_of(state, &native->schedule, record);
	take_running(state, &running);
}

/* ---- running and waiting ---- */

/* Of a blocked thread: a rec_offcpu_unwind. It stands still, so both stacks are of one instant. */
static void unwind_blocked(void *opaque, struct rec_thread *thread,
	const struct rec_blocked_state *blocked, struct rec_wait_view *view)
{
	struct state *state = opaque;
	struct native_thread *native = native_thread(state, thread);
	struct rec_image *image = image_of(state, thread->process);
	struct rec_running_sample sample = {.thread = thread, .time_ns = rec_now_ns()};
	struct rec_stack stack;
	if (!native || !image || !is_wanted(state, thread->process))
		return;
	if (image->python)
		rec_python_find_waiting(
			state->python, image->python, thread->tid, &native->python, sample.time_ns);
	look_at_python(state, native, thread, image, sample.time_ns);
	view->is_gil = image->python && view->syscall == SYS_futex + 1 &&
		       rec_python_is_gil(state->python, image->python, blocked->argument);
	if (state->is_python_alone) {
		struct rec_joined_stack joined = {0};
		rec_python_take(state->python, native->python, sample.time_ns, &joined);
		view->stack = add_python_stack(state, native, &joined);
		return;
	}
	rec_unwind_blocked(state->unwinder, image->space, blocked, &stack);
	view->flags = flags_of(&stack);
	view->stack = add_stack(state, native, &stack, &sample, &view->flags);
}

static void write_wait(struct state *state, const struct rec_thread *thread, uint64_t time_ns,
	enum rec_wait_kind kind, uint64_t weight_ns, const struct rec_wait_view *view)
{
	if (!is_wanted(state, thread->process))
		return;
	if (!rec_sink_has_room(state->context.sink)) {
		state->losses[LOST_OUTPUT].count++;
		return;
	}
	struct tfmt_sample sample = {
		.time_ns = time_ns,
		.weight_ns = weight_ns,
		.thread = thread->id,
		.stack = view->stack,
		.syscall = view->syscall,
		.state = kind == REC_WAIT_PREEMPTED ? TFMT_STATE_PREEMPTED
			 : view->is_gil		    ? TFMT_STATE_GIL
						    : TFMT_STATE_BLOCKED,
		.flags = view->flags,
	};
	tfmt_writer_sample(state->writer, &sample);
}

/* A long wait is over, or goes on after this part. */
static void take_wait(struct state *state, struct rec_thread *thread, struct native_thread *native,
	const struct rec_wait *wait, bool goes_on)
{
	struct rec_wait_view view = {0};
	if (native->has_switch_view)
		view = native->switch_view;
	else if (state->offcpu && wait->kind == REC_WAIT_BLOCKED)
		view = rec_offcpu_end(state->offcpu, &native->wait, wait, goes_on);
	else if (wait->kind == REC_WAIT_PREEMPTED && native->running_view.stack != 0 &&
		 wait->start_ns < native->seen_running_ns + MOMENT_NS)
		view = native->running_view;
	write_wait(state, thread, wait->end_ns, wait->kind, wait->length_ns, &view);
}

/* After news of its schedule: whether it is to be looked at while it waits. */
static void watch_wait(struct state *state, struct rec_thread *thread, struct native_thread *native)
{
	const struct rec_schedule *schedule = &native->schedule;
	bool is_blocked = !schedule->is_running && schedule->wait == REC_WAIT_BLOCKED;
	native->has_switch_view = native->has_switch_view && !schedule->is_running;
	if (state->offcpu && is_blocked && !native->has_switch_view)
		rec_offcpu_begin(state->offcpu, &native->wait, thread, schedule->since_ns);
	else
		rec_offcpu_cancel(&native->wait);
}

static void take_switch(struct state *state, const struct rec_perf_record *record)
{
	struct rec_thread *thread = rec_tree_thread(state->context.tree, (pid_t)record->tid);
	struct native_thread *native = thread ? native_thread(state, thread) : NULL;
	struct rec_switch change = {
		.time_ns = record->time_ns,
		.runs = !(record->misc & PERF_RECORD_MISC_SWITCH_OUT),
		.is_preempted = record->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT,
	};
	struct rec_wait wait;
	if (!native)
		return;
	if (rec_schedule_switch(&native->schedule, thread->start_ns, &change, &wait))
		take_wait(state, thread, native, &wait, false);
	watch_wait(state, thread, native);
}

/* How long a thread has run and waited for a CPU in all, from who cannot see its switches. */
static void take_totals(struct state *state, const struct rec_perf_record *record)
{
	struct rec_thread *thread = rec_tree_thread(state->context.tree, (pid_t)record->tid);
	struct native_thread *native = thread ? native_thread(state, thread) : NULL;
	struct rec_schedule_totals totals = {
		.time_ns = record->time_ns,
		.run_ns = record->totals.run_ns,
		.ready_ns = record->totals.ready_ns,
		.turns = record->totals.turns,
		.is_open = record->totals.is_open,
		.waits = record->totals.waits,
	};
	struct rec_wait wait;
	if (!native)
		return;
	if (rec_schedule_totals(&native->schedule, thread->start_ns, &totals, &wait))
		take_wait(state, thread, native, &wait, false);
	watch_wait(state, thread, native);
}

/* The last totals, which stay readable until the thread is reaped. */
static void read_last_totals(struct state *state, struct rec_thread *thread, uint64_t time_ns)
{
	struct rec_schedule_totals totals;
	struct rec_perf_record record = {.tid = (uint32_t)thread->tid, .time_ns = time_ns};
	int fd = rec_schedstat_open(thread->process->pid, thread->tid);
	if (fd < 0)
		return;
	if (rec_schedstat_read(fd, &totals) == 0) {
		record.totals.run_ns = totals.run_ns;
		record.totals.ready_ns = totals.ready_ns;
		record.totals.turns = totals.turns;
		take_totals(state, &record);
	}
	close(fd);
}

/*
 * CPU time that no sample stands for: kernel code where only user code is sampled; what a thread
 * ran before its first sample is due, and after its last; what samples that were lost stood for.
 */
static void write_unsampled(struct state *state, const struct rec_thread *thread,
	struct rec_schedule *schedule, uint64_t time_ns, uint64_t least_ns)
{
	bool is_kernel = rec_perf_mode(state->context.samplers->perf) == REC_PERF_USER &&
			 !thread->process->is_hidden;
	if (schedule->running_ns < schedule->sampled_ns + least_ns ||
		!is_wanted(state, thread->process))
		return;
	struct tfmt_sample sample = {
		.time_ns = time_ns,
		.weight_ns = schedule->running_ns - schedule->sampled_ns,
		.thread = thread->id,
		.stack = rec_stack_ids_marker(
			state->stack_ids, is_kernel ? "[kernel, not sampled]" : "[not sampled]"),
		.state = TFMT_STATE_RUNNING,
		.flags = TFMT_SAMPLE_UNSAMPLED,
	};
	tfmt_writer_sample(state->writer, &sample);
	schedule->running_ns = schedule->sampled_ns = 0;
}

/*
 * What adds up without records of its own: short waits, and kernel time that the sampler may not
 * see. Written each second, so that it lands near its place.
 */
static void write_sums(struct state *state, struct rec_thread *thread, struct native_thread *native,
	uint64_t time_ns, uint64_t least_ns)
{
	struct rec_schedule *schedule = &native->schedule;
	rec_schedule_pass(schedule, time_ns);
	for (int kind = 0; kind < REC_WAIT_KINDS; kind++) {
		static const struct rec_wait_view summed = {.flags = TFMT_SAMPLE_SUMMED};
		if (schedule->short_ns[kind] <= least_ns)
			continue;
		write_wait(state, thread, time_ns, kind, schedule->short_ns[kind], &summed);
		schedule->short_ns[kind] = 0;
	}
	if (rec_perf_mode(state->context.samplers->perf) == REC_PERF_USER)
		write_unsampled(state, thread, schedule, time_ns,
			1000000000 / state->context.samplers->rate_hz);
}

/* What a thread did lately, for who follows the recording. */
static void write_so_far(void *opaque, struct rec_thread *thread, uint64_t time_ns)
{
	struct state *state = opaque;
	struct native_thread *native = thread->slots[state->context.slot];
	struct rec_wait wait;
	if (!native)
		return;
	const struct rec_schedule *schedule = &native->schedule;
	if (!schedule->is_running && schedule->since_ns + WAIT_PART_NS <= time_ns &&
		rec_schedule_end(&native->schedule, time_ns, &wait))
		take_wait(state, thread, native, &wait, true);
	write_sums(state, thread, native, time_ns, LEAST_SUM_NS);
}

static void thread_ended(void *opaque, struct rec_thread *thread, uint64_t time_ns)
{
	struct state *state = opaque;
	if (state->context.samplers->in_force != REC_SAMPLER_PERF && !thread->process->was_running)
		read_last_totals(state, thread, time_ns);
	struct native_thread *native = thread->slots[state->context.slot];
	struct rec_wait wait;
	if (!native)
		return;
	if (rec_schedule_end(&native->schedule, time_ns, &wait))
		take_wait(state, thread, native, &wait, false);
	write_sums(state, thread, native, time_ns, 0);
	write_unsampled(state, thread, &native->schedule, time_ns, LEAST_UNSAMPLED_NS);
	if (state->offcpu)
		rec_offcpu_release(state->offcpu, &native->wait);
	rec_python_thread_free(native->python);
	rec_stack_path_release(&native->path);
	free(native);
	thread->slots[state->context.slot] = NULL;
}

/* ---- the source ---- */

static int prepare(void *opaque, const struct rec_context *context)
{
	struct state *state = opaque;
	state->context = *context;
	state->writer = rec_sink_writer(context->sink);
	state->is_python_alone = context->samplers->is_python_alone;
	bool has_others = rec_perf_is_machine_wide(context->samplers->perf);
	state->losses[LOST_RING] = (struct loss){.what = "sample",
		.reason = has_others ? "ring overflow, samples of other programs among them"
				     : "ring overflow"};
	state->losses[LOST_OUTPUT] = (struct loss){.what = "sample", .reason = "output too slow"};
	state->losses[LOST_CONTEXT] =
		(struct loss){.what = "sample", .reason = "no 64-bit user registers"};
	state->losses[LOST_THREAD] = (struct loss){.what = "sample", .reason = "thread not known"};
	state->modules = rec_modules_new(MAX_FILES);
	if (state->modules)
		state->unwinder = rec_unwinder_new(state->modules);
	if (state->unwinder)
		state->namer = rec_namer_new(context->sink, state->modules);
	if (state->namer)
		state->stack_ids = rec_stack_ids_new(context->sink, state->namer);
	const char *reason;
	if (state->namer && context->options->wants_debuginfod &&
		!rec_namer_ask_debuginfod(state->namer, &reason))
		msg_warn(context->msg, "--debuginfod: %s", reason);
	if (state->stack_ids && !context->options->without_offcpu)
		state->offcpu = rec_offcpu_new(unwind_blocked, state);
	if (state->stack_ids && !context->options->without_python)
		state->python = rec_python_new(context->sink, state->modules, context->msg);
	if (state->python && context->samplers->ptrace)
		rec_ptrace_set_look(
			context->samplers->ptrace, rec_python_read_stopped, state->python);
	return state->stack_ids ? 0 : TFMT_E_NOMEM;
}

static void perf_record(void *opaque, const struct rec_perf_record *record)
{
	struct state *state = opaque;
	switch (record->type) {
	case PERF_RECORD_SAMPLE:
		take_perf_sample(state, record);
		break;
	case PERF_RECORD_SWITCH:
		take_switch(state, record);
		break;
	case PERF_RECORD_MMAP2:
		take_mmap(state, record);
		break;
	case REC_RECORD_TOTALS:
		take_totals(state, record);
		break;
	case REC_RECORD_MAPS:
		take_maps(state, record);
		break;
	case PERF_RECORD_LOST:
		state->losses[LOST_RING].count += record->lost.count;
		break;
	}
}

static void write_losses(struct state *state, uint64_t now_ns)
{
	for (int i = 0; i < LOST_KINDS; i++) {
		struct loss *loss = &state->losses[i];
		rec_sink_lost(
			state->context.sink, now_ns, 0, loss->what, loss->reason, loss->count);
		loss->said += loss->count;
		loss->count = 0;
	}
	if (state->offcpu)
		rec_offcpu_write_losses(state->offcpu, state->context.sink, now_ns);
	if (state->python)
		rec_python_write_losses(state->python, now_ns);
}

static void drain(void *opaque, uint64_t now_ns)
{
	struct state *state = opaque;
	if (state->offcpu)
		rec_offcpu_look(state->offcpu, now_ns);
	if (now_ns >= state->next_names_ns) {
		if (state->sample_count >= FEW_SAMPLES)
			rec_namer_work(state->namer);
		state->next_names_ns = now_ns + NAMES_PERIOD_NS;
	}
	if (now_ns < state->next_sums_ns)
		return;
	state->next_sums_ns = now_ns + SUMS_PERIOD_NS;
	/* What happened after that is still to be told. */
	rec_tree_each_thread(
		state->context.tree, write_so_far, state, rec_tree_seen_ns(state->context.tree));
	write_losses(state, now_ns);
}

static uint64_t period_ns(void *opaque)
{
	const struct state *state = opaque;
	return state->offcpu ? REC_OFFCPU_PERIOD_NS : NAMES_PERIOD_NS;
}

static void say_waits(const struct state *state)
{
	struct rec_offcpu_counts counts = rec_offcpu_counts(state->offcpu);
	msg_info(state->context.msg,
		"%llu waits of 1 ms and more: %llu with their own stack, %llu with an assumed one; "
		"%llu of 20 ms and more with none",
		(unsigned long long)counts.waits, (unsigned long long)counts.read,
		(unsigned long long)counts.assumed, (unsigned long long)counts.lost);
}

static void finish(void *opaque, uint64_t now_ns)
{
	struct state *state = opaque;
	write_losses(state, now_ns);
	rec_namer_finish(state->namer, state->sample_count < FEW_SAMPLES);
	const struct msg *msg = state->context.msg;
	for (int i = 0; i < LOST_KINDS; i++)
		if (state->losses[i].said > 0)
			msg_warn(msg, "%llu sample%s lost: %s",
				(unsigned long long)state->losses[i].said,
				state->losses[i].said == 1 ? "" : "s", state->losses[i].reason);
	msg_info(msg, "%llu samples, %llu of them whole to the root",
		(unsigned long long)state->sample_count, (unsigned long long)state->whole_count);
	if (state->offcpu)
		say_waits(state);
	if (state->python)
		rec_python_say(state->python);
}

static void release(void *opaque)
{
	struct state *state = opaque;
	/* Nobody reads Python stacks any more. */
	if (state->context.samplers && state->context.samplers->ptrace)
		rec_ptrace_stop(state->context.samplers->ptrace);
	rec_namer_free(state->namer);
	rec_unwinder_free(state->unwinder);
	rec_modules_free(state->modules);
	rec_stack_ids_free(state->stack_ids);
	rec_offcpu_free(state->offcpu);
	rec_python_free(state->python);
}

const struct rec_source rec_source_native = {
	.name = "native",
	.summary = "native stacks of running threads, and what threads wait for",
	.state_size = sizeof(struct state),
	.probe = probe,
	.prepare = prepare,
	.process_started = process_started,
	.process_executed = process_executed,
	.process_settled = process_settled,
	.thread_ended = thread_ended,
	.perf_record = perf_record,
	.sample_ahead = sample_ahead,
	.drain = drain,
	.period_ns = period_ns,
	.finish = finish,
	.release = release,
};
