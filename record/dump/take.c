#include "dump/take.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "native/ptrace_stop.h"
#include "perf/perf.h"
#include "procfs.h"
#include "tracefmt/trace.h"

/* So often a thread that moves while it is read is read again. */
#define MAX_TRIES 4
/* Running threads are sampled at this rate, for at most so long. */
#define RATE_HZ	    997
#define STACK_BYTES 65528
#define PATIENCE_NS 200000000ull
#define NAP_NS	    2000000
/* A Python stack has to be read as soon as its sample is there. */
#define SHORT_NAP_NS 50000

struct rec_taker {
	struct rec_unwinder *unwinder;
	bool wants_native;
	struct rec_dump_python python; /* the stack that was read last */
	/* While running threads are sampled. */
	struct rec_dump_thread *threads;
	size_t count;
};

struct rec_taker *rec_taker_new(struct rec_modules *modules, bool wants_native)
{
	struct rec_taker *taker = calloc(1, sizeof(*taker));
	if (!taker)
		return NULL;
	taker->wants_native = wants_native;
	taker->unwinder = rec_unwinder_new(modules);
	if (taker->unwinder)
		return taker;
	free(taker);
	return NULL;
}

void rec_taker_free(struct rec_taker *taker)
{
	if (!taker)
		return;
	rec_unwinder_free(taker->unwinder);
	rec_dump_python_release(&taker->python);
	free(taker);
}

void rec_dump_thread_release(struct rec_dump_thread *thread)
{
	rec_dump_python_release(&thread->python);
	free(thread->frames);
}

/* ---- what /proc says ---- */

static bool read_task(
	const struct rec_dump_thread *thread, const char *file, char *text, size_t size)
{
	char name[64];
	snprintf(name, sizeof(name), "task/%d/%s", (int)thread->tid, file);
	return rec_proc_read(thread->pid, name, text, size) > 0;
}

static bool read_state(struct rec_dump_thread *thread, char *ret_state)
{
	char name[64];
	struct rec_proc_stat stat;
	snprintf(name, sizeof(name), "task/%d/stat", (int)thread->tid);
	int fd = rec_proc_open(thread->pid, name);
	bool is_read = fd >= 0 && rec_proc_read_stat(fd, &stat) == 0;
	if (fd >= 0)
		close(fd);
	if (!is_read || stat.state == 'Z' || stat.state == 'X') {
		thread->has_ended = true;
		return false;
	}
	memcpy(thread->name, stat.name, sizeof(stat.name));
	*ret_state = stat.state;
	return true;
}

/* Of a thread that does not run. */
static const char *how_it_waits(char state)
{
	switch (state) {
	case 'T':
		return "stopped";
	case 't':
		return "held by a tracer";
	case 'D':
		return "waiting";
	default:
		return "sleeping";
	}
}

static void describe(struct rec_dump_thread *thread, char state, long number)
{
	const char *how = how_it_waits(state);
	const char *name = number >= 0 && number + 1 < TFMT_SYSCALL_FAULT
				   ? tfmt_syscall_name((uint16_t)(number + 1))
				   : NULL;
	if (name)
		snprintf(thread->doing, sizeof(thread->doing), "%s in %s", how, name);
	else if (number >= 0)
		snprintf(
			thread->doing, sizeof(thread->doing), "%s in system call %ld", how, number);
	else if (state == 'S' || state == 'D')
		snprintf(thread->doing, sizeof(thread->doing), "waiting for memory");
	else
		snprintf(thread->doing, sizeof(thread->doing), "%s", how);
}

/* The same where the system call is not told. */
static void describe_state(struct rec_dump_thread *thread, char state)
{
	snprintf(thread->doing, sizeof(thread->doing), "%s",
		state == 'R' ? "running" : how_it_waits(state));
}

/* ---- frames ---- */

static bool is_interpreter(const struct rec_module *module)
{
	return py_is_interpreter_name(module->path);
}

/* Read its Python stack now, if it has one. */
static void look_at_python(struct rec_taker *taker, struct rec_dump_thread *thread)
{
	struct py_process *process = thread->image->python;
	rec_dump_python_release(&taker->python);
	if (process && py_process_state(process) == PY_FOUND)
		rec_dump_python_read(&taker->python, process, thread->tid, &thread->known);
}

/*
 * The frames of both stacks, leaf first. `user`: as of py_merge().
 * Returns: false when one cannot be joined with the other.
 */
static bool join(struct rec_dump_thread *thread, const struct rec_stack *stack,
	const struct rec_user_state *user, struct rec_dump_frame *frames)
{
	const struct rec_dump_python *python = &thread->python;
	size_t count = stack->count + python->snapshot.count, merged_count = 0;
	struct py_merged_frame *merged = calloc(count + 1, sizeof(*merged));
	if (!merged)
		return false;
	enum py_merge merge =
		py_merge(stack, &python->snapshot, user, is_interpreter, merged, &merged_count);
	for (size_t i = 0; i < merged_count; i++) {
		uint32_t index = merged[i].index;
		/* What is apart is said of the whole thread. */
		if (merged[i].kind == PY_FRAME_PYTHON)
			*frames++ = (struct rec_dump_frame){.python = &python->rows[index]};
		else if (merged[i].kind == PY_FRAME_NATIVE)
			*frames++ = (struct rec_dump_frame){
				stack->frames[index].module, stack->frames[index].vaddr, NULL};
	}
	free(merged);
	return merge == PY_MERGED || count == stack->count || stack->count == 0;
}

/*
 * This stack and the Python stack that was read last. `user`: what the stack was unwound from; NULL
 * when the thread stood still.
 */
static void keep_frames(struct rec_taker *taker, struct rec_dump_thread *thread,
	const struct rec_stack *stack, const struct rec_user_state *user,
	const uint64_t *kernel_frames, size_t kernel_frame_count)
{
	size_t count = kernel_frame_count + stack->count + taker->python.snapshot.count;
	struct rec_dump_frame *frames = reallocarray(thread->frames, count + 1, sizeof(*frames));
	if (!frames)
		return;
	rec_dump_python_release(&thread->python);
	thread->python = taker->python;
	taker->python = (struct rec_dump_python){0};
	for (size_t i = 0; i < kernel_frame_count; i++)
		frames[i] = (struct rec_dump_frame){.address = kernel_frames[i] - (i > 0)};
	thread->is_apart = !join(thread, stack, user, frames + kernel_frame_count);
	thread->frames = frames;
	thread->frame_count = count;
	thread->is_whole = stack->flags & REC_STACK_WHOLE;
	/* A later sample may be shown to be of the same instant. */
	thread->is_taken = count > 0 && !(thread->is_apart && user && thread->python.has_marks);
}

/* Nothing but Python: there is no other stack that it would have to go with. */
static void keep_python(struct rec_taker *taker, struct rec_dump_thread *thread)
{
	static const struct rec_stack none = {.flags = REC_STACK_WHOLE};
	keep_frames(taker, thread, &none, NULL, NULL, 0);
	thread->is_taken = true;
}

/* ---- threads that wait ---- */

enum outcome { TAKEN, RUNS, MOVED, FAILED };

/* Both stacks of a thread that waits: right when it is found to have waited all the time. */
static void read_blocked(struct rec_taker *taker, struct rec_dump_thread *thread,
	const struct rec_blocked_state *blocked, struct rec_stack *ret_stack)
{
	*ret_stack = (struct rec_stack){.flags = REC_STACK_WHOLE};
	if (taker->wants_native)
		rec_unwind_blocked(taker->unwinder, thread->image->space, blocked, ret_stack);
	look_at_python(taker, thread);
}

static enum outcome try_blocked(struct rec_taker *taker, struct rec_dump_thread *thread)
{
	char before[256], turns_before[128] = "", after[256], turns_after[128] = "", state;
	struct rec_blocked_state blocked = {.tid = thread->tid};
	struct rec_stack stack;
	struct rec_proc_syscall call;
	if (!read_state(thread, &state))
		return FAILED;
	read_task(thread, "schedstat", turns_before, sizeof(turns_before));
	if (!read_task(thread, "syscall", before, sizeof(before))) {
		thread->has_ended = errno == ENOENT || errno == ESRCH;
		thread->refusal = thread->has_ended ? 0 : errno;
		describe_state(thread, state);
		/* A sample of perf may be allowed still. */
		return thread->has_ended || state != 'R' ? FAILED : RUNS;
	}
	if (!rec_proc_parse_syscall(before, &call))
		return RUNS;
	blocked.sp = call.sp;
	blocked.pc = call.pc;
	describe(thread, state, call.number);
	read_blocked(taker, thread, &blocked, &stack);
	if (!read_task(thread, "syscall", after, sizeof(after)) || strcmp(before, after) != 0)
		return MOVED;
	read_task(thread, "schedstat", turns_after, sizeof(turns_after));
	if (strcmp(turns_before, turns_after) != 0)
		return MOVED;
	thread->waits_for_gil = call.number == SYS_futex && thread->image->python &&
				py_process_is_gil(thread->image->python, call.argument);
	keep_frames(taker, thread, &stack, NULL, NULL, 0);
	thread->is_taken |= !taker->wants_native;
	return TAKEN;
}

/* Returns true when it must be asked as a running one. */
static bool take_blocked(struct rec_taker *taker, struct rec_dump_thread *thread)
{
	enum outcome outcome = MOVED;
	/* The first time takes long: the thread has to be looked for, and its code objects. */
	if (thread->known.tried_ns == 0)
		look_at_python(taker, thread);
	for (int i = 0; i < MAX_TRIES && outcome == MOVED; i++)
		outcome = try_blocked(taker, thread);
	if (!taker->wants_native && !thread->has_ended && outcome != TAKEN) {
		look_at_python(taker, thread);
		keep_python(taker, thread);
		if (outcome == RUNS)
			snprintf(thread->doing, sizeof(thread->doing), "running");
		return false;
	}
	return outcome == RUNS || outcome == MOVED;
}

/* ---- threads that run ---- */

static bool is_missing(const struct rec_dump_thread *thread)
{
	return !thread->is_taken && !thread->has_ended;
}

/* It is worth stopping then. */
static bool has_nothing(const struct rec_dump_thread *thread)
{
	return is_missing(thread) && thread->frame_count == 0;
}

static struct rec_dump_thread *find_missing(struct rec_taker *taker, pid_t tid)
{
	for (size_t i = 0; i < taker->count; i++)
		if (taker->threads[i].tid == tid)
			return is_missing(&taker->threads[i]) ? &taker->threads[i] : NULL;
	return NULL;
}

static void take_user_state(struct rec_taker *taker, struct rec_dump_thread *thread,
	const struct rec_user_state *user, const uint64_t *kernel_frames, size_t kernel_frame_count)
{
	struct rec_stack stack;
	look_at_python(taker, thread);
	rec_unwind(taker->unwinder, thread->image->space, user, &stack);
	keep_frames(taker, thread, &stack, user, kernel_frames, kernel_frame_count);
	snprintf(thread->doing, sizeof(thread->doing), "running");
	thread->refusal = 0;
}

static void take_sample(void *context, const struct rec_perf_record *record)
{
	struct rec_taker *taker = context;
	if (record->type != PERF_RECORD_SAMPLE || !record->sample.registers)
		return;
	struct rec_dump_thread *thread = find_missing(taker, (pid_t)record->tid);
	if (!thread)
		return;
	struct rec_user_state user = {
		.pid = thread->pid,
		.tid = thread->tid,
		.regs = record->sample.registers,
		.stack = record->sample.stack,
		.stack_size = record->sample.stack_bytes,
	};
	take_user_state(taker, thread, &user, record->sample.kernel_frames,
		record->sample.kernel_frame_count);
}

static void take_stopped(void *context, const struct rec_stopped *stopped)
{
	struct rec_taker *taker = context;
	struct rec_dump_thread *thread = find_missing(taker, stopped->tid);
	if (!thread || !stopped->is_64bit)
		return;
	struct rec_user_state user = {
		.pid = thread->pid,
		.tid = thread->tid,
		.regs = stopped->regs,
		.stack = stopped->stack,
		.stack_size = stopped->stack_bytes,
	};
	take_user_state(taker, thread, &user, NULL, 0);
}

static void nap(long length_ns)
{
	nanosleep(&(struct timespec){.tv_nsec = length_ns}, NULL);
}

/* Those that were left because they ran may wait by now. Returns how many still run. */
static size_t look_again(struct rec_taker *taker)
{
	size_t running = 0;
	for (size_t i = 0; i < taker->count; i++)
		if (is_missing(&taker->threads[i]))
			running += take_blocked(taker, &taker->threads[i]);
	return running;
}

/* Whether one of those that are missing runs Python code. */
static bool wants_python(const struct rec_taker *taker)
{
	for (size_t i = 0; i < taker->count; i++)
		if (is_missing(&taker->threads[i]) && taker->threads[i].image->python)
			return true;
	return false;
}

static void sample_with_perf(struct rec_taker *taker)
{
	struct rec_perf_options options = {
		.with_samples = true,
		.needs_samples = true,
		.rate_hz = RATE_HZ,
		.stack_bytes = STACK_BYTES,
		.user_registers = REC_PERF_REGS_MASK,
		.has_one_ring = true,
	};
	struct rec_perf *perf;
	char reason[256];
	if (rec_perf_open(&options, 0, &perf, reason, sizeof(reason)) != 0)
		return;
	size_t watched = 0;
	for (size_t i = 0; i < taker->count; i++)
		if (is_missing(&taker->threads[i]))
			watched += rec_perf_watch(perf, taker->threads[i].tid) == 0;
	rec_perf_start(perf);
	uint64_t now_ns = rec_now_ns(), end_ns = now_ns + PATIENCE_NS, look_ns = now_ns;
	bool has_samples = watched > 0 && rec_perf_mode(perf) >= REC_PERF_USER;
	for (; has_samples && now_ns < end_ns; now_ns = rec_now_ns()) {
		nap(wants_python(taker) ? SHORT_NAP_NS : NAP_NS);
		rec_perf_drain(perf, UINT64_MAX, take_sample, taker);
		if (now_ns < look_ns)
			continue;
		if (look_again(taker) == 0)
			break;
		look_ns = now_ns + NAP_NS;
	}
	rec_perf_free(perf);
}

static size_t count_bare(const struct rec_taker *taker)
{
	size_t count = 0;
	for (size_t i = 0; i < taker->count; i++)
		count += has_nothing(&taker->threads[i]);
	return count;
}

/* Stop those that have no stack where they run, one on each CPU. */
static void visit_cpus(struct rec_taker *taker, struct rec_stopper *stopper)
{
	struct rec_candidate *candidates = calloc(taker->count, sizeof(*candidates)), *met;
	size_t count = 0;
	for (size_t i = 0; candidates && i < taker->count; i++) {
		const struct rec_dump_thread *thread = &taker->threads[i];
		char name[64];
		snprintf(name, sizeof(name), "task/%d/schedstat", (int)thread->tid);
		int fd = has_nothing(thread) ? rec_proc_open(thread->pid, name) : -1;
		if (fd >= 0)
			candidates[count++] = (struct rec_candidate){
				.pid = thread->pid, .tid = thread->tid, .schedstat_fd = fd};
	}
	long cpus = count > 0 ? sysconf(_SC_NPROCESSORS_CONF) : 0;
	for (int cpu = 0; cpu < cpus; cpu++) {
		met = NULL;
		bool is_refused = rec_stopper_visit(stopper, cpu, candidates, count, &met) ==
				  REC_STOP_REFUSED;
		struct rec_dump_thread *thread = met ? find_missing(taker, met->tid) : NULL;
		if (is_refused && thread)
			thread->refusal = EPERM;
	}
	for (size_t i = 0; i < count; i++)
		if (candidates[i].schedstat_fd >= 0)
			close(candidates[i].schedstat_fd);
	free(candidates);
}

/* The last way. It changes nothing but the moment, and never stops a thread that waits. */
static void stop_those_left(struct rec_taker *taker)
{
	struct rec_stopper stopper = {
		.stack_bytes = STACK_BYTES, .take = take_stopped, .context = taker};
	if (rec_stopper_init(&stopper) != 0)
		return;
	uint64_t end_ns = rec_now_ns() + PATIENCE_NS;
	while (rec_now_ns() < end_ns && count_bare(taker) > 0 && look_again(taker) > 0) {
		visit_cpus(taker, &stopper);
		rec_stopper_collect(&stopper, rec_now_ns() + NAP_NS);
	}
	rec_stopper_release(&stopper);
}

void rec_taker_take(struct rec_taker *taker, struct rec_dump_thread *threads, size_t count)
{
	taker->threads = threads;
	taker->count = count;
	if (look_again(taker) > 0)
		sample_with_perf(taker);
	if (look_again(taker) > 0)
		stop_those_left(taker);
	for (size_t i = 0; i < count; i++)
		if (has_nothing(&threads[i]) && threads[i].refusal == 0)
			snprintf(threads[i].doing, sizeof(threads[i].doing),
				"ready to run, without a CPU");
}
