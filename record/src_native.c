/*
 * Native stacks: a sample of every running thread per period, unwound at once, and from the
 * switch records how long each thread ran, waited for a CPU or was blocked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native/native.h"
#include "procfs.h"

/* Names are looked up, and added-up waits written, so often. */
#define NAMES_PERIOD_NS 250000000ull
#define SUMS_PERIOD_NS	1000000000ull
/* Fewer get their names at the end only, and the cheap ones. */
#define FEW_SAMPLES 10
/* Descriptors of binaries kept open. */
#define MAX_FILES 512

static bool probe(const struct rec_context *context, char *reason, size_t reason_bytes)
{
	reason[0] = '\0'; /* a refusal was said when the rings were opened */
	return context->samplers->in_force != REC_SAMPLER_NONE;
}

struct rec_image *rec_native_image(struct rec_native *state, struct rec_process *process)
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

struct rec_native_thread *rec_native_thread_of(struct rec_native *state, struct rec_thread *thread)
{
	void **slot = &thread->slots[state->context.slot];
	if (*slot)
		return *slot;
	struct rec_native_thread *native = calloc(1, sizeof(*native));
	if (native)
		native->schedule.gives_all =
			rec_perf_has_switch_stacks(state->context.samplers->perf);
	*slot = native;
	return native;
}

bool rec_native_is_wanted(const struct rec_native *state, const struct rec_process *process)
{
	const struct rec_image *image = process->slots[state->context.slot];
	return !state->is_python_alone || (image && image->python);
}

static void process_started(void *opaque, struct rec_process *process)
{
	struct rec_native *state = opaque;
	struct rec_image *parent =
		process->parent ? process->parent->slots[state->context.slot] : NULL;
	if (process->was_running)
		rec_native_image(state, process);
	else if (parent)
		process->slots[state->context.slot] = rec_image_fork(parent, process->pid);
}

void rec_native_set_eager(struct rec_native *state, bool is_eager)
{
	rec_perf_set_eager(state->context.samplers->perf, is_eager);
	if (state->is_eager == is_eager)
		return;
	state->is_eager = is_eager;
	if (is_eager)
		rec_wakeups_hurry(&state->hurry);
	else
		rec_wakeups_relax(&state->hurry);
}

/* The image changes or goes: samples need not wake us for a program that was the last in Python. */
static void leave_python(struct rec_native *state, struct rec_image *image)
{
	if (!image || !image->python)
		return;
	rec_python_leave(state->python, image->python);
	if (!rec_python_is_running(state->python))
		rec_native_set_eager(state, false);
}

static void process_executed(void *opaque, struct rec_process *process)
{
	struct rec_native *state = opaque;
	struct rec_image *image = process->slots[state->context.slot];
	struct rec_thread *thread = rec_tree_thread(state->context.tree, process->pid);
	struct rec_native_thread *native = thread ? thread->slots[state->context.slot] : NULL;
	leave_python(state, image);
	if (image)
		rec_image_exec(image);
	if (native)
		native->has_python_sample = false;
}

static void process_settled(void *opaque, struct rec_process *process)
{
	struct rec_native *state = opaque;
	leave_python(state, process->slots[state->context.slot]);
	rec_image_free(process->slots[state->context.slot]);
	process->slots[state->context.slot] = NULL;
}

static void take_mmap(struct rec_native *state, const struct rec_perf_record *record)
{
	struct rec_process *process = rec_tree_process(state->context.tree, (pid_t)record->pid);
	struct rec_image *image = process ? rec_native_image(state, process) : NULL;
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
static void take_maps(struct rec_native *state, const struct rec_perf_record *record)
{
	struct rec_process *process = rec_tree_process(state->context.tree, (pid_t)record->pid);
	struct rec_image *image = process ? rec_native_image(state, process) : NULL;
	if (image)
		rec_image_take_maps(image, record->maps.lines);
}

static int prepare(void *opaque, const struct rec_context *context)
{
	struct rec_native *state = opaque;
	state->context = *context;
	state->writer = rec_sink_writer(context->sink);
	state->is_python_alone = context->samplers->is_python_alone;
	bool has_others = rec_perf_is_machine_wide(context->samplers->perf);
	state->losses[LOST_RING] = (struct rec_native_loss){.what = "sample",
		.reason = has_others ? "ring overflow, samples of other programs among them"
				     : "ring overflow"};
	state->losses[LOST_OUTPUT] =
		(struct rec_native_loss){.what = "sample", .reason = "output too slow"};
	state->losses[LOST_CONTEXT] =
		(struct rec_native_loss){.what = "sample", .reason = "no 64-bit user registers"};
	state->losses[LOST_THREAD] =
		(struct rec_native_loss){.what = "sample", .reason = "thread not known"};
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
		state->offcpu = rec_offcpu_new(rec_native_unwind_blocked, state);
	if (state->stack_ids && !context->options->without_python)
		state->python = rec_python_new(context->sink, state->modules, context->msg);
	if (state->python && context->samplers->ptrace)
		rec_ptrace_set_look(
			context->samplers->ptrace, rec_python_read_stopped, state->python);
	return state->stack_ids ? 0 : TFMT_E_NOMEM;
}

static void perf_record(void *opaque, const struct rec_perf_record *record)
{
	struct rec_native *state = opaque;
	switch (record->type) {
	case PERF_RECORD_SAMPLE:
		rec_native_take_sample(state, record);
		break;
	case PERF_RECORD_SWITCH:
		rec_native_take_switch(state, record);
		break;
	case PERF_RECORD_MMAP2:
		take_mmap(state, record);
		break;
	case REC_RECORD_TOTALS:
		rec_native_take_totals(state, record);
		break;
	case REC_RECORD_MAPS:
		take_maps(state, record);
		break;
	case PERF_RECORD_LOST:
		state->losses[LOST_RING].count += record->lost.count;
		break;
	}
}

static void write_losses(struct rec_native *state, uint64_t now_ns)
{
	for (int i = 0; i < LOST_KINDS; i++) {
		struct rec_native_loss *loss = &state->losses[i];
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
	struct rec_native *state = opaque;
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
	rec_tree_each_thread(state->context.tree, rec_native_write_so_far, state,
		rec_tree_seen_ns(state->context.tree));
	write_losses(state, now_ns);
}

static uint64_t period_ns(void *opaque)
{
	const struct rec_native *state = opaque;
	return state->offcpu ? REC_OFFCPU_PERIOD_NS : NAMES_PERIOD_NS;
}

static void say_waits(const struct rec_native *state)
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
	struct rec_native *state = opaque;
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
	struct rec_native *state = opaque;
	if (state->is_eager)
		rec_wakeups_relax(&state->hurry);
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
	.state_size = sizeof(struct rec_native),
	.probe = probe,
	.prepare = prepare,
	.process_started = process_started,
	.process_executed = process_executed,
	.process_settled = process_settled,
	.thread_ended = rec_native_thread_ended,
	.perf_record = perf_record,
	.sample_ahead = rec_native_sample_ahead,
	.drain = drain,
	.period_ns = period_ns,
	.finish = finish,
	.release = release,
};
