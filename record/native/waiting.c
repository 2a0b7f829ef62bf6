/*
 * What threads waited for, from switch records or from their totals, and the time that no sample
 * stands for.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native/native.h"
#include "native/schedstat.h"
#include "procfs.h"

/* A rest of CPU time at a thread's end that is worth a record. */
#define LEAST_UNSAMPLED_NS 20000ull
/* Less is left for the next time. */
#define LEAST_SUM_NS 1000000ull
/* Of a wait that goes on, a part is written so often: who follows the recording sees it. */
#define WAIT_PART_NS 10000000000ull
/* After which a thread that was seen running may be anywhere. */
#define MOMENT_NS 10000000ull

void rec_native_unwind_blocked(void *opaque, struct rec_thread *thread,
	const struct rec_blocked_state *blocked, struct rec_wait_view *view)
{
	struct rec_native *state = opaque;
	struct rec_native_thread *native = rec_native_thread_of(state, thread);
	struct rec_image *image = rec_native_image(state, thread->process);
	struct rec_running_sample sample = {.thread = thread, .time_ns = rec_now_ns()};
	struct rec_stack stack;
	if (!native || !image || !rec_native_is_wanted(state, thread->process))
		return;
	if (image->python)
		rec_python_find_waiting(
			state->python, image->python, thread->tid, &native->python, sample.time_ns);
	rec_native_look_at_python(state, native, thread, image, sample.time_ns);
	view->is_gil = image->python && view->syscall == SYS_futex + 1 &&
		       rec_python_is_gil(state->python, image->python, blocked->argument);
	if (state->is_python_alone) {
		struct rec_joined_stack joined = {0};
		rec_python_take(state->python, native->python, sample.time_ns, &joined);
		view->stack = rec_native_add_python_stack(state, native, &joined);
		return;
	}
	rec_unwind_blocked(state->unwinder, image->space, blocked, &stack);
	view->flags = rec_native_flags(&stack);
	view->stack = rec_native_add_stack(state, native, &stack, &sample, &view->flags);
}

static void write_wait(struct rec_native *state, const struct rec_thread *thread, uint64_t time_ns,
	enum rec_wait_kind kind, uint64_t weight_ns, const struct rec_wait_view *view)
{
	if (!rec_native_is_wanted(state, thread->process))
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
static void take_wait(struct rec_native *state, struct rec_thread *thread,
	struct rec_native_thread *native, const struct rec_wait *wait, bool goes_on)
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
static void watch_wait(
	struct rec_native *state, struct rec_thread *thread, struct rec_native_thread *native)
{
	const struct rec_schedule *schedule = &native->schedule;
	bool is_blocked = !schedule->is_running && schedule->wait == REC_WAIT_BLOCKED;
	native->has_switch_view = native->has_switch_view && !schedule->is_running;
	if (state->offcpu && is_blocked && !native->has_switch_view)
		rec_offcpu_begin(state->offcpu, &native->wait, thread, schedule->since_ns);
	else
		rec_offcpu_cancel(&native->wait);
}

void rec_native_take_switch(struct rec_native *state, const struct rec_perf_record *record)
{
	struct rec_thread *thread = rec_tree_thread(state->context.tree, (pid_t)record->tid);
	struct rec_native_thread *native = thread ? rec_native_thread_of(state, thread) : NULL;
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

void rec_native_take_totals(struct rec_native *state, const struct rec_perf_record *record)
{
	struct rec_thread *thread = rec_tree_thread(state->context.tree, (pid_t)record->tid);
	struct rec_native_thread *native = thread ? rec_native_thread_of(state, thread) : NULL;
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
static void read_last_totals(struct rec_native *state, struct rec_thread *thread, uint64_t time_ns)
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
		rec_native_take_totals(state, &record);
	}
	close(fd);
}

/*
 * CPU time that no sample stands for: kernel code where only user code is sampled; what a thread
 * ran before its first sample is due, and after its last; what samples that were lost stood for.
 */
static void write_unsampled(struct rec_native *state, const struct rec_thread *thread,
	struct rec_schedule *schedule, uint64_t time_ns, uint64_t least_ns)
{
	bool is_kernel = rec_perf_mode(state->context.samplers->perf) == REC_PERF_USER &&
			 !thread->process->is_hidden;
	if (schedule->running_ns < schedule->sampled_ns + least_ns ||
		!rec_native_is_wanted(state, thread->process))
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
static void write_sums(struct rec_native *state, struct rec_thread *thread,
	struct rec_native_thread *native, uint64_t time_ns, uint64_t least_ns)
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

void rec_native_write_so_far(void *opaque, struct rec_thread *thread, uint64_t time_ns)
{
	struct rec_native *state = opaque;
	struct rec_native_thread *native = thread->slots[state->context.slot];
	struct rec_wait wait;
	if (!native)
		return;
	const struct rec_schedule *schedule = &native->schedule;
	if (!schedule->is_running && schedule->since_ns + WAIT_PART_NS <= time_ns &&
		rec_schedule_end(&native->schedule, time_ns, &wait))
		take_wait(state, thread, native, &wait, true);
	write_sums(state, thread, native, time_ns, LEAST_SUM_NS);
}

void rec_native_thread_ended(void *opaque, struct rec_thread *thread, uint64_t time_ns)
{
	struct rec_native *state = opaque;
	if (state->context.samplers->in_force != REC_SAMPLER_PERF && !thread->process->was_running)
		read_last_totals(state, thread, time_ns);
	struct rec_native_thread *native = thread->slots[state->context.slot];
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
