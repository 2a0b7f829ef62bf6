#include "dump/dump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "attach/family.h"
#include "dump/names.h"
#include "dump/print.h"
#include "dump/take.h"
#include "native/image.h"
#include "procfs.h"
#include "symbols/cut_files.h"
#include "wakeups.h"

#define MAX_FILES 512

struct dump {
	const struct rec_options *options;
	const struct msg *msg;
	struct rec_family family;
	struct rec_image **images; /* one per member */
	struct rec_dump_thread *threads;
	size_t thread_count;
	struct rec_modules *modules;
	struct rec_taker *taker;
	struct rec_names *names;
};

static int add_threads(struct dump *dump, pid_t pid, struct rec_image *image)
{
	pid_t *tids;
	size_t count = rec_family_threads(pid, &tids);
	if (count == 0)
		return 0;
	struct rec_dump_thread *threads =
		reallocarray(dump->threads, dump->thread_count + count, sizeof(*threads));
	if (threads) {
		dump->threads = threads;
		for (size_t i = 0; i < count; i++)
			threads[dump->thread_count++] = (struct rec_dump_thread){
				.pid = pid, .tid = tids[i], .image = image};
	}
	free(tids);
	return threads ? 0 : -1;
}

/* Its interpreter, when it has one; says why its stacks cannot be read. */
static void find_python(struct dump *dump, struct rec_image *image)
{
	if (!image->python)
		return;
	enum py_state state =
		py_process_find(image->python, dump->modules, image->space, rec_now_ns());
	int refusal = py_process_refusal(image->python);
	if (refusal != 0)
		rec_attach_say_refusal(dump->msg, image->pid, "process_vm_readv", refusal,
			"no Python stacks of it");
	else if (state == PY_REFUSED)
		msg_warn(dump->msg, "process %d: %s: only native stacks", (int)image->pid,
			py_process_reason(image->python));
	else if (state == PY_FOUND && py_process_runtime(image->python)->is_newer)
		msg_warn(dump->msg,
			"process %d: Python 3.%u is newer than this recorder knows: read as if it "
			"were 3.%d",
			(int)image->pid, py_process_runtime(image->python)->layout.minor,
			PY_NEWEST_MINOR);
}

/* Who there is, and what they have mapped. Returns 0, or -1 without memory. */
static int find_threads(struct dump *dump, const struct rec_attach *attach)
{
	if (rec_attach_family(attach, &dump->family) != 0)
		return -1;
	dump->modules = rec_modules_new(MAX_FILES);
	dump->images = calloc(dump->family.count + 1, sizeof(struct rec_image *));
	if (!dump->modules || !dump->images)
		return -1;
	for (size_t i = 0; i < dump->family.count; i++) {
		pid_t pid = dump->family.members[i].pid;
		struct rec_image *image =
			rec_image_new(dump->modules, pid, !dump->options->without_python);
		if (!image)
			return -1;
		dump->images[i] = image;
		/* Without maps there are still the states of its threads. */
		rec_image_take_maps(image, NULL);
		find_python(dump, image);
		if (add_threads(dump, pid, image) != 0)
			return -1;
	}
	return 0;
}

static int take(struct dump *dump)
{
	dump->taker = rec_taker_new(dump->modules, !dump->options->without_native);
	dump->names = rec_names_new(dump->modules);
	if (!dump->taker || !dump->names)
		return -1;
	rec_taker_take(dump->taker, dump->threads, dump->thread_count);
	for (size_t i = 0; i < dump->thread_count; i++) {
		const struct rec_dump_thread *thread = &dump->threads[i];
		for (size_t j = 0; j < thread->frame_count; j++)
			if (!thread->frames[j].python)
				rec_names_want(dump->names, thread->frames[j].module,
					thread->frames[j].address);
	}
	rec_names_find(dump->names);
	return 0;
}

static size_t count_living(const struct dump *dump, pid_t pid)
{
	size_t count = 0;
	for (size_t i = 0; i < dump->thread_count; i++)
		count += dump->threads[i].pid == pid && !dump->threads[i].has_ended;
	return count;
}

/* Returns how many threads had a stack. */
static size_t print_member(const struct dump *dump, pid_t pid)
{
	size_t stacks = 0;
	int refusal = 0;
	rec_print_process(stdout, pid, count_living(dump, pid));
	for (size_t i = 0; i < dump->thread_count; i++) {
		const struct rec_dump_thread *thread = &dump->threads[i];
		if (thread->pid != pid || thread->has_ended)
			continue;
		rec_print_thread(stdout, thread, dump->names, dump->options->shows_native_frames);
		stacks += thread->frame_count > 0;
		if (thread->refusal != 0)
			refusal = thread->refusal;
	}
	if (refusal != 0)
		rec_attach_say_refusal(dump->msg, pid, "/proc/PID/task/TID/syscall", refusal,
			"not all of its stacks can be read");
	return stacks;
}

static int print(const struct dump *dump)
{
	size_t stacks = 0, processes = 0;
	for (size_t i = 0; i < dump->family.count; i++) {
		pid_t pid = dump->family.members[i].pid;
		if (count_living(dump, pid) == 0)
			continue;
		if (processes++ > 0)
			putchar('\n');
		stacks += print_member(dump, pid);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		msg_error(dump->msg, "cannot write to stdout: %s", strerror(errno));
		return EXIT_FAILED;
	}
	if (processes == 0)
		msg_error(dump->msg, "the processes have ended meanwhile");
	else if (stacks == 0 && dump->options->without_native)
		msg_error(dump->msg, "no Python code that can be read: without --no-native there "
				     "may be native stacks");
	return stacks > 0 ? EXIT_OK : EXIT_FAILED;
}

static void release(struct dump *dump)
{
	for (size_t i = 0; i < dump->thread_count; i++)
		rec_dump_thread_release(&dump->threads[i]);
	free(dump->threads);
	for (size_t i = 0; dump->images && i < dump->family.count; i++)
		rec_image_free(dump->images[i]);
	free(dump->images);
	rec_names_free(dump->names);
	rec_taker_free(dump->taker);
	rec_modules_free(dump->modules);
	rec_family_release(&dump->family);
}

int rec_dump_run(const struct rec_options *options, const struct msg *msg)
{
	struct dump dump = {.options = options, .msg = msg};
	struct rec_attach *attach;
	int status = rec_attach_new(&options->pids, msg, &attach);
	if (status != 0)
		return status;
	rec_survive_cut_files();
	rec_wakeups_prepare();
	if (find_threads(&dump, attach) != 0 || take(&dump) != 0) {
		msg_error(msg, "cannot read the processes: %s", strerror(errno));
		status = EXIT_FAILED;
	} else {
		status = print(&dump);
	}
	release(&dump);
	rec_attach_free(attach);
	return status;
}
