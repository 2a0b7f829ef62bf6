/* Samples of running threads: both stacks of each, as one. */
#include <sys/syscall.h>

#include "native/native.h"
#include "procfs.h"

/* Numbers of system calls end below. */
#define MAX_SYSCALL 1024
/* A thread's first sample of Python code stands for no more. */
#define MOST_FIRST_NS 50000000ull

uint8_t rec_native_flags(const struct rec_stack *stack)
{
	uint8_t flags = stack->flags & REC_STACK_WHOLE ? 0 : TFMT_SAMPLE_TRUNCATED;
	return stack->flags & REC_STACK_RECOVERED ? flags | TFMT_SAMPLE_RECOVERED : flags;
}

uint32_t rec_native_add_stack(struct rec_native *state, struct rec_native_thread *native,
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
uint32_t rec_native_add_python_stack(struct rec_native *state, struct rec_native_thread *native,
	const struct rec_joined_stack *joined)
{
	static const struct rec_stack no_stack;
	if (joined->count == 0)
		return rec_stack_ids_marker(state->stack_ids, "[no Python code]");
	return rec_stack_ids_add_joined(
		state->stack_ids, &native->path, joined, &no_stack, NULL, 0);
}

/* An interpreter may be a part of a program of any name. */
static void search_program(struct rec_native *state, struct rec_image *image)
{
	if (!state->python || !image || image->is_searched)
		return;
	int is_there = image->python ? 1 : rec_python_is_in_program(state->python, image->space);
	image->is_searched = is_there >= 0;
	if (is_there > 0)
		rec_image_set_python(image);
}

static void take_python_name(struct rec_native *state, struct rec_native_thread *native,
	const struct rec_thread *thread, struct rec_image *image, uint64_t time_ns)
{
	const char *name = rec_python_new_name(
		state->python, image->python, thread->tid, native->python, rec_now_ns());
	if (name)
		rec_tree_name(state->context.tree, time_ns, thread->tid, name);
}

void rec_native_look_at_python(struct rec_native *state, struct rec_native_thread *native,
	const struct rec_thread *thread, struct rec_image *image, uint64_t time_ns)
{
	uint64_t now_ns = rec_now_ns();
	if (!image->python || rec_python_has(native->python, time_ns) ||
		!rec_python_is_ready(state->python, image->python, image->space, now_ns))
		return;
	rec_native_set_eager(state, true);
	rec_python_look(
		state->python, image->python, thread->tid, &native->python, time_ns, now_ns);
	take_python_name(state, native, thread, image, time_ns);
}

/* The same where that was done while the thread was stopped. */
static void take_stopped_python(struct rec_native *state, struct rec_native_thread *native,
	struct rec_image *image, const struct rec_running_sample *sample)
{
	if (!image->python ||
		!rec_python_is_ready(state->python, image->python, image->space, rec_now_ns()))
		return;
	rec_python_take_stopped(state->python, image->python, &native->python, sample->time_ns,
		sample->more, sample->more_bytes);
	take_python_name(state, native, sample->thread, image, sample->time_ns);
}

void rec_native_sample_ahead(void *opaque, const struct rec_perf_record *record)
{
	struct rec_native *state = opaque;
	struct rec_thread *thread = rec_tree_thread(state->context.tree, (pid_t)record->tid);
	struct rec_image *image = thread ? thread->process->slots[state->context.slot] : NULL;
	if (!image || !image->python)
		return;
	struct rec_native_thread *native = rec_native_thread_of(state, thread);
	if (native)
		rec_native_look_at_python(state, native, thread, image, record->time_ns);
	if (state->is_eager)
		rec_wakeups_follow(&state->hurry, record->cpu);
}

static uint32_t stack_of(struct rec_native *state, struct rec_native_thread *native,
	const struct rec_running_sample *sample, uint8_t *flags)
{
	struct rec_image *image = rec_native_image(state, sample->thread->process);
	struct rec_stack stack = {0};
	if (image && sample->user.regs) {
		if (sample->is_stopped)
			take_stopped_python(state, native, image, sample);
		else
			rec_native_look_at_python(
				state, native, sample->thread, image, sample->time_ns);
		rec_unwind(state->unwinder, image->space, &sample->user, &stack);
		*flags = rec_native_flags(&stack);
		/* An exec has taken the old image away: what is left is the kernel's part. */
		if (sample->kernel_frame_count > 0 && stack.count == 1 &&
			stack.frames[0].module->type == REC_MODULE_UNKNOWN) {
			stack.count = 0;
			*flags = 0;
		}
	}
	return rec_native_add_stack(state, native, &stack, sample, flags);
}

static void write_running(struct rec_native *state, struct rec_native_thread *native,
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
static void take_running_python(struct rec_native *state, struct rec_native_thread *native,
	const struct rec_running_sample *running)
{
	struct rec_image *image = rec_native_image(state, running->thread->process);
	struct rec_joined_stack joined;
	if (!rec_sink_has_room(state->context.sink)) {
		state->losses[LOST_OUTPUT].count++;
		return;
	}
	/* It has run that before its process had an interpreter. */
	if (!native->has_python_sample && running->weight_ns > MOST_FIRST_NS) {
		joined = (struct rec_joined_stack){0};
		rec_schedule_sampled(&native->schedule, running->weight_ns);
		write_running(state, native, running,
			rec_native_add_python_stack(state, native, &joined), 0);
		native->has_python_sample = true;
		return;
	}
	rec_native_look_at_python(state, native, running->thread, image, running->time_ns);
	if (!rec_python_take(state->python, native->python, running->time_ns, &joined)) {
		/* Until it has started there is none. */
		if (py_process_state(image->python) == PY_FOUND)
			return;
		joined = (struct rec_joined_stack){0};
	}
	native->has_python_sample = true;
	rec_schedule_sampled(&native->schedule, running->weight_ns);
	write_running(
		state, native, running, rec_native_add_python_stack(state, native, &joined), 0);
}

/* One sample of a running thread, whoever took it: a rec_take_running. */
static void take_running(void *opaque, const struct rec_running_sample *running)
{
	struct rec_native *state = opaque;
	struct rec_native_thread *native = rec_native_thread_of(state, running->thread);
	search_program(state, rec_native_image(state, running->thread->process));
	if (!native)
		return;
	if (!rec_native_is_wanted(state, running->thread->process)) {
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
static uint64_t weight_of(struct rec_native *state, struct rec_schedule *schedule,
	const struct rec_perf_record *record)
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
static void take_python_switch(struct rec_native *state, struct rec_native_thread *native,
	struct rec_image *image, const struct rec_running_sample *sample)
{
	struct rec_joined_stack joined;
	if (!image || !image->python)
		return;
	rec_native_look_at_python(state, native, sample->thread, image, sample->time_ns);
	if (!rec_python_take(state->python, native->python, sample->time_ns, &joined))
		return;
	native->switch_view = (struct rec_wait_view){
		.stack = rec_native_add_python_stack(state, native, &joined)};
	native->has_switch_view = true;
}

/* The call's argument is in one of the registers. */
static bool holds_gil_address(
	struct rec_native *state, const struct rec_image *image, const uint64_t *regs)
{
	for (size_t i = 0; i < REC_PERF_REGS_COUNT; i++)
		if (rec_python_is_gil(state->python, image->python, regs[i]))
			return true;
	return false;
}

/* A stack at the moment when its thread loses the CPU: what the wait looks like that follows. */
static void take_switch_stack(struct rec_native *state, struct rec_native_thread *native,
	const struct rec_running_sample *sample)
{
	struct rec_image *image = rec_native_image(state, sample->thread->process);
	struct rec_wait_view *view = &native->switch_view;
	struct rec_stack stack;
	if (state->is_python_alone) {
		take_python_switch(state, native, image, sample);
		return;
	}
	if (!image || !sample->user.regs)
		return;
	rec_native_look_at_python(state, native, sample->thread, image, sample->time_ns);
	rec_unwind(state->unwinder, image->space, &sample->user, &stack);
	int syscall = rec_unwind_syscall(state->unwinder, image->space, &sample->user);
	*view = (struct rec_wait_view){
		.syscall = syscall >= 0 && syscall < MAX_SYSCALL ? (uint16_t)(syscall + 1) : 0,
		.flags = rec_native_flags(&stack),
	};
	view->is_gil = image->python && syscall == SYS_futex &&
		       holds_gil_address(state, image, sample->user.regs);
	view->stack = rec_native_add_stack(state, native, &stack, sample, &view->flags);
	native->has_switch_view = true;
}

void rec_native_take_sample(struct rec_native *state, const struct rec_perf_record *record)
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
	struct rec_native_thread *native =
		running.thread ? rec_native_thread_of(state, running.thread) : NULL;
	if (!native) {
		state->losses[LOST_THREAD].count++;
		return;
	}
	if (record->sample.is_switch) {
		take_switch_stack(state, native, &running);
		return;
	}
	if (state->is_eager && state->context.samplers->in_force == REC_SAMPLER_TIMER &&
		record->cpu != UINT32_MAX)
		rec_wakeups_follow(&state->hurry, record->cpu);
	rec_schedule_runs(&native->schedule, running.thread->start_ns);
	running.weight_ns = weight_of(state, &native->schedule, record);
	take_running(state, &running);
}
