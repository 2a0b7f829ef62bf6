/*
 * Logs of live-trace: a block for each thread and tick, root first.
 *
 *	#START date: 2014-05-20 15:22:33.123456
 *	# ProcessId: 7
 *	# ThreadID: 140234567890
 *	File: "/srv/app.py", line 12, in work
 *	  source text
 *	#END
 *
 * The dates are local ones, so that they give times, but not which. Blocks do not say how long a
 * tick is: it is the mean of what lies between them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "import.h"
#include "python_text.h"
#include "source.h"

#define DEFAULT_TICK_NS UINT64_C(100000000)
/* A longer time between ticks is one in which nothing was recorded. */
#define MAX_TICK_NS UINT64_C(10000000000)

struct state {
	struct imp_source *source;
	struct imp_build *build;
	struct tfmt_sample sample;
	uint64_t first_ns, tick_ns;
	uint64_t pid, thread;
	bool is_inside; /* of a block */
	bool is_cut;
};

/* The date of a line that begins a block, NULL for other lines. */
static const char *date_of(const char *line)
{
	const char *date = imp_text_after(line, "#START date: ");

	return date ? date : imp_text_after(line, "# START date: ");
}

static bool is_end(const char *line)
{
	return imp_text_after(line, "#END") || imp_text_after(line, "# END");
}

/* "2014-05-20 15:22:33.123456", the fraction as long as it is. */
static bool read_date(const char *text, uint64_t *ret_ns)
{
	struct tm date = {0};
	const char *rest = strptime(text, "%Y-%m-%d %H:%M:%S", &date);
	uint64_t scale = UINT64_C(1000000000);
	time_t seconds;

	if (!rest || (*rest != '.' && *rest != '\0'))
		return false;
	seconds = timegm(&date);
	if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / scale - 1)
		return false;
	*ret_ns = (uint64_t)seconds * scale;
	for (rest += *rest == '.'; *rest >= '0' && *rest <= '9'; rest++) {
		scale /= 10;
		*ret_ns += scale * (uint64_t)(*rest - '0');
	}
	return true;
}

static bool matches(const char *head, size_t size_bytes)
{
	head += strspn(head, "\r\n");
	return date_of(head) && strstr(head, "# ProcessId: ");
}

static int fail(struct state *state, const char *what)
{
	return imp_source_fail(
		state->source, state->source->line, 1, &state->build->error, "%s", what);
}

/* The first date, and the mean time between ticks. */
static int find_tick(struct state *state)
{
	uint64_t last_ns = 0, sum_ns = 0, count = 0, time_ns;
	const char *date;
	size_t length;
	char *line;
	int status;

	while ((status = imp_source_line(state->source, &line, &length, &state->build->error)) >
		0) {
		date = date_of(line);
		if (!date || !read_date(date, &time_ns))
			continue;
		if (!last_ns)
			state->first_ns = time_ns;
		if (last_ns && time_ns > last_ns && time_ns - last_ns <= MAX_TICK_NS) {
			sum_ns += time_ns - last_ns;
			count++;
		}
		last_ns = time_ns;
	}
	state->tick_ns = count ? sum_ns / count : DEFAULT_TICK_NS;
	return status ? status : imp_source_rewind(state->source);
}

static int take_start(struct state *state, const char *date)
{
	if (state->is_inside)
		return fail(state, "a block without its #END before it");
	if (!read_date(date, &state->sample.time_ns))
		return fail(state, "no date such as 2014-05-20 15:22:33.123456");
	state->is_inside = true;
	state->is_cut = false;
	state->pid = state->thread = 0;
	state->sample.stack = 0;
	return 0;
}

/* Threads have the numbers of pthreads, which are longer than those of the kernel: as names. */
static int take_end(struct state *state)
{
	struct imp_build *build = state->build;
	uint32_t pid = (uint32_t)state->pid, tid = (uint32_t)state->thread, process;
	bool is_new = !imp_ids_get(&build->threads, pid, tid);
	char name[32];
	int length = snprintf(name, sizeof(name), "%llu", (unsigned long long)state->thread);
	int status = imp_python_process(build, pid);

	if (!status)
		status = imp_thread(build, pid, tid, &state->sample.thread);
	if (!status && is_new && state->thread > UINT32_MAX) {
		status = imp_process(build, pid, &process);
		if (!status)
			status = imp_name(build, state->sample.time_ns, process,
				state->sample.thread, name, (size_t)length);
	}
	state->is_inside = false;
	state->sample.weight_ns = state->tick_ns;
	state->sample.flags = state->is_cut ? TFMT_SAMPLE_TRUNCATED : 0;
	return status ? status : tfmt_writer_sample(build->writer, &state->sample);
}

/* `File: "/srv/app.py", line 12, in work`; a file's name may hold a quote. */
static int take_frame(struct state *state, const char *file, const char *end)
{
	const char *quote = NULL, *at = file, *function;
	uint64_t line;
	size_t digits;
	uint32_t id;
	int status;

	while ((at = strstr(at, "\", line ")))
		quote = at++;
	if (!quote)
		return fail(state, "no frame: it is 'File: \"PATH\", line NUMBER, in FUNCTION'");
	at = quote + strlen("\", line ");
	digits = strcspn(at, ",");
	function = imp_text_after(at + digits, ", in ");
	if (!imp_text_number(at, digits, &line) || line > UINT32_MAX || !function)
		return fail(state, "no frame: it is 'File: \"PATH\", line NUMBER, in FUNCTION'");
	status = imp_python_frame(state->build, function, (size_t)(end - function), file,
		(size_t)(quote - file), (uint32_t)line, &id);
	return status ? status : imp_push(state->build, id, &state->sample.stack, &state->is_cut);
}

static int take_line(struct state *state, const char *line, size_t length)
{
	const char *date = date_of(line), *pid, *thread, *file;

	if (date)
		return take_start(state, date);
	if (is_end(line))
		return state->is_inside ? take_end(state) : fail(state, "an #END of no block");
	if (!state->is_inside)
		return 0;
	pid = imp_text_after(line, "# ProcessId: ");
	thread = imp_text_after(line, "# ThreadID: ");
	file = imp_text_after(line, "File: \"");
	if (pid && !imp_text_number(pid, strlen(pid), &state->pid))
		return fail(state, "no number of a process");
	if (thread && !imp_text_number(thread, strlen(thread), &state->thread))
		return fail(state, "no number of a thread");
	if (file)
		return take_frame(state, file, line + length);
	return 0; /* source text, blank lines */
}

static int read_live_trace(struct imp_source *source, struct imp_build *build)
{
	struct state state = {.source = source, .build = build};
	struct imp_begin begin = {
		.recorder = "live-trace",
		.remark = "a block stands for the mean time between two; waiting counts as running",
	};
	size_t length;
	char *line;
	int status = find_tick(&state);

	if (status)
		return status;
	begin.time_ns = state.first_ns - (state.first_ns > state.tick_ns ? state.tick_ns : 0);
	if (state.tick_ns < UINT64_C(1000000000))
		begin.rate_hz =
			(uint32_t)(UINT64_C(1000000000) / (state.tick_ns ? state.tick_ns : 1));
	status = imp_build_begin(build, &begin);
	while (!status && (status = imp_source_line(source, &line, &length, &build->error)) > 0)
		status = take_line(&state, line, length);
	if (!status && state.is_inside)
		msg_warn(build->msg, "%s: the last block has no #END: left out", source->name);
	return status ? status : imp_build_end(build);
}

const struct imp_format imp_format_live_trace = {
	.name = "live-trace",
	.summary = "log of live-trace: #START, File: lines, #END",
	.matches = matches,
	.read = read_live_trace,
};
