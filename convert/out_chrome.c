/*
 * Chrome Trace Event JSON, for ui.perfetto.dev and chrome://tracing: processes and threads with
 * their lifetimes, counters, spans with arguments, instants, and behind them the samples
 * (chrome_samples.h), which not all viewers show. Times are microseconds since the start of the
 * trace, with three decimals.
 *
 * Begin and end events must pair per thread, or viewers refuse or misdraw: an end whose begin is
 * not there is left out and counted, what was never ended ends with its thread.
 */
#include <stdlib.h>

#include "chrome_samples.h"
#include "format.h"
#include "jsonw.h"
#include "lives.h"
#include "num.h"
#include "select.h"
#include "span_args.h"
#include "tracefmt/tracefmt.h"

/* The newest value of a cumulative metric, whose slope is drawn. */
struct meter {
	uint64_t time_ns; /* 0: no value yet */
	int64_t value;
};

struct chrome_state {
	const struct conv_context *context;
	struct jsonw w;
	struct meter *meters; /* by metric id */
	uint32_t *depths;     /* spans open, by thread id */
	struct conv_span_args args;
	struct chrome_samples samples;
	uint64_t orphan_count; /* ends without a begin */
	bool has_machine;      /* the machine's track has its name */
};

static int chrome_begin(void *opaque, const struct conv_context *context)
{
	struct chrome_state *state = opaque;
	const struct tfmt_trace *trace = context->trace;
	struct jsonw *w = &state->w;

	state->context = context;
	jsonw_init(w, context->out);
	state->meters =
		calloc((size_t)tfmt_trace_count(trace, TFMT_METRIC) + 1, sizeof(*state->meters));
	state->depths =
		calloc((size_t)tfmt_trace_count(trace, TFMT_THREAD) + 1, sizeof(*state->depths));
	if (!state->meters || !state->depths || chrome_samples_init(&state->samples, context))
		return TFMT_E_NOMEM;
	jsonw_begin_object(w);
	jsonw_key(w, "displayTimeUnit");
	jsonw_string(w, "ns");
	jsonw_key(w, "otherData");
	jsonw_begin_object(w);
	jsonw_key(w, "exporter");
	jsonw_string(w, "tracefmt " TFMT_VERSION);
	jsonw_key(w, "recorder");
	jsonw_string(w, context->header->recorder);
	jsonw_key(w, "host");
	jsonw_string(w, context->header->host);
	jsonw_key(w, "utc_ns");
	jsonw_i64(w, context->header->utc_ns);
	jsonw_end_object(w);
	jsonw_key(w, "traceEvents");
	jsonw_begin_array(w);
	return 0;
}

static void chrome_release(void *opaque)
{
	struct chrome_state *state = opaque;

	free(state->meters);
	free(state->depths);
	conv_span_args_release(&state->args);
	chrome_samples_release(&state->samples);
}

/* --- parts of events --- */

/* Begin an event; the caller may add fields, then calls end_event(). */
static struct jsonw *begin_event(
	struct chrome_state *state, const char *phase, uint32_t pid, uint32_t tid, uint64_t time_ns)
{
	struct jsonw *w = &state->w;

	jsonw_newline(w);
	jsonw_begin_object(w);
	jsonw_key(w, "ph");
	jsonw_string(w, phase);
	jsonw_key(w, "pid");
	jsonw_u64(w, pid);
	jsonw_key(w, "tid");
	jsonw_u64(w, tid);
	jsonw_key(w, "ts");
	jsonw_fixed(w, conv_relative_ns(state->context, time_ns), 3);
	return w;
}

static void put_metadata(
	struct chrome_state *state, const char *name, uint32_t pid, uint32_t tid, const char *value)
{
	struct jsonw *w = begin_event(state, "M", pid, tid, 0);

	jsonw_pair_string(w, "name", name);
	jsonw_key(w, "args");
	jsonw_begin_object(w);
	jsonw_pair_string(w, "name", value);
	jsonw_end_object(w);
	jsonw_end_object(w);
}

static bool is_shown(const struct chrome_state *state, uint64_t time_ns)
{
	return time_ns >= state->context->begin_ns && time_ns <= state->context->select->to_ns;
}

/* --- lives --- */

static void put_command(struct chrome_state *state, uint32_t process)
{
	char text[1024];

	tfmt_trace_command(state->context->trace, process, text, sizeof(text));
	jsonw_pair_string(&state->w, "command", text);
}

static int on_life(void *opaque, const struct conv_record *record)
{
	struct chrome_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_life *life = record->life;
	uint32_t pid = tfmt_trace_process(trace, life->process)->pid;
	bool is_exec = life->event == TFMT_LIFE_EXEC;
	char text[64];
	struct jsonw *w;

	if (life->thread || !is_shown(state, life->time_ns) ||
		(!is_exec && life->event != TFMT_LIFE_EXIT))
		return 0;
	w = begin_event(state, "i", pid, pid, life->time_ns);
	jsonw_pair_string(w, "s", "p");
	jsonw_pair_string(w, "cat", "process");
	jsonw_pair_string(w, "name",
		is_exec ? "exec"
			: conv_describe_exit(life->status_type, life->status, text, sizeof(text)));
	jsonw_key(w, "args");
	jsonw_begin_object(w);
	jsonw_pair_string(w, "process", tfmt_trace_text(trace, life->name));
	jsonw_pair_string(w, "exe", tfmt_trace_text(trace, life->exe));
	jsonw_end_object(w);
	jsonw_end_object(w);
	return 0;
}

static void put_lifetime(struct chrome_state *state, uint32_t pid, uint32_t tid, uint32_t name,
	uint64_t begin_ns, uint64_t end_ns)
{
	struct jsonw *w = begin_event(state, "X", pid, tid, begin_ns);

	jsonw_key(w, "dur");
	jsonw_fixed(w, end_ns - begin_ns, 3);
	jsonw_pair_string(w, "cat", pid == tid ? "process" : "thread");
	jsonw_pair_string(w, "name", tfmt_trace_text(state->context->trace, name));
}

static void put_process(struct chrome_state *state, uint32_t id)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_process_info *process = tfmt_trace_process(trace, id);
	uint64_t begin_ns = process->start_ns, end_ns = process->end_ns;
	struct jsonw *w = &state->w;
	char text[64];

	if (!conv_select_process(state->context->select, id) ||
		!conv_clip(state->context, &begin_ns, &end_ns))
		return;
	put_metadata(state, "process_name", process->pid, process->pid,
		tfmt_trace_text(trace, process->name));
	put_lifetime(state, process->pid, process->pid, process->name, begin_ns, end_ns);
	jsonw_key(w, "args");
	jsonw_begin_object(w);
	jsonw_key(w, "ppid");
	jsonw_u64(w, process->ppid);
	jsonw_pair_string(w, "exe", tfmt_trace_text(trace, process->exe));
	put_command(state, id);
	jsonw_pair_string(w, "cwd", tfmt_trace_text(trace, process->cwd));
	jsonw_pair_string(w, "end",
		conv_describe_exit(process->status_type, process->status, text, sizeof(text)));
	jsonw_end_object(w);
	jsonw_end_object(w);
}

static void put_thread(struct chrome_state *state, uint32_t id)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, id);
	uint32_t pid = tfmt_trace_process(trace, thread->process)->pid;
	uint64_t begin_ns = thread->start_ns, end_ns = conv_thread_end_ns(trace, id);

	if (!conv_select_thread(state->context->select, id) ||
		!conv_clip(state->context, &begin_ns, &end_ns))
		return;
	put_metadata(state, "thread_name", pid, thread->tid, tfmt_trace_text(trace, thread->name));
	if (thread->tid == pid)
		return; /* the process's lifetime is drawn there */
	put_lifetime(state, pid, thread->tid, thread->name, begin_ns, end_ns);
	jsonw_end_object(&state->w);
}

/* --- counters --- */

/* The process or thread a metric is of; counters are per process. Returns the pid to draw it at. */
static uint32_t metric_pid(struct chrome_state *state, const struct tfmt_metric *metric)
{
	const struct tfmt_trace *trace = state->context->trace;

	if (metric->process)
		return tfmt_trace_process(trace, metric->process)->pid;
	if (metric->thread)
		return tfmt_trace_process(trace, tfmt_trace_thread(trace, metric->thread)->process)
			->pid;
	if (!state->has_machine) {
		state->has_machine = true;
		put_metadata(state, "process_name", 0, 0, state->context->header->host);
	}
	return 0;
}

/* Begin a counter event up to its value, which the caller writes before end_counter(). */
static struct jsonw *begin_counter(struct chrome_state *state, const struct tfmt_metric *metric,
	uint64_t time_ns, const char *series)
{
	const struct tfmt_trace *trace = state->context->trace;
	uint32_t pid = metric_pid(state, metric);
	const char *name = tfmt_trace_text(trace, metric->name);
	struct jsonw *w = begin_event(state, "C", pid, pid, time_ns);
	char text[256];

	if (metric->thread) {
		snprintf(text, sizeof(text), "%.200s (thread %u)", name,
			tfmt_trace_thread(trace, metric->thread)->tid);
		name = text;
	}
	jsonw_pair_string(w, "name", name);
	jsonw_key(w, "args");
	jsonw_begin_object(w);
	jsonw_text_key(w, series, strlen(series));
	return w;
}

static void end_counter(struct jsonw *w)
{
	jsonw_end_object(w);
	jsonw_end_object(w);
}

static void put_gauge(struct chrome_state *state, const struct tfmt_metric *metric,
	uint64_t time_ns, int64_t value)
{
	const char *unit = tfmt_trace_text(state->context->trace, metric->unit);
	struct jsonw *w = begin_counter(state, metric, time_ns, *unit ? unit : "value");

	jsonw_i64(w, value);
	end_counter(w);
}

/* A slope is in cores for CPU time, else in its unit per second. */
static void put_rate(struct chrome_state *state, const struct tfmt_metric *metric, uint64_t time_ns,
	double per_ns)
{
	const char *unit = tfmt_trace_text(state->context->trace, metric->unit);
	bool is_time = !strcmp(unit, "ns");
	char series[64];
	struct jsonw *w;

	snprintf(series, sizeof(series), "%.50s/s", unit);
	w = begin_counter(state, metric, time_ns, is_time ? "cores" : series);
	jsonw_double(w, is_time ? per_ns : per_ns * 1e9, 3);
	end_counter(w);
}

/* A total grows from 0 at its process's start, when that was recorded. */
static void begin_meter(
	const struct chrome_state *state, const struct tfmt_metric *metric, struct meter *meter)
{
	const struct tfmt_process_info *process =
		tfmt_trace_process(state->context->trace, metric->process);

	if (metric->process && !metric->thread && process->start_ns >= state->context->begin_ns)
		meter->time_ns = process->start_ns;
}

static int on_counter(void *opaque, const struct conv_record *record)
{
	struct chrome_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_counter *counter = record->counter;
	const struct tfmt_metric *metric = tfmt_trace_metric(trace, counter->metric);
	struct meter *meter;

	if (counter->value == TFMT_VALUE_MISSING ||
		counter->metric > tfmt_trace_count(trace, TFMT_METRIC))
		return 0;
	meter = &state->meters[counter->metric];
	if (metric->type == TFMT_METRIC_GAUGE) {
		put_gauge(state, metric, counter->time_ns, counter->value);
		meter->time_ns = counter->time_ns;
		return 0;
	}
	if (!meter->time_ns)
		begin_meter(state, metric, meter);
	if (meter->time_ns && counter->time_ns > meter->time_ns)
		put_rate(state, metric, meter->time_ns,
			((double)counter->value - (double)meter->value) /
				(double)(counter->time_ns - meter->time_ns));
	*meter = (struct meter){counter->time_ns, counter->value};
	return 0;
}

/* Let what was drawn fall to 0 where it ends: viewers carry a last value on for ever. */
static void end_meter(struct chrome_state *state, uint32_t id)
{
	const struct tfmt_metric *metric = tfmt_trace_metric(state->context->trace, id);
	uint64_t end_ns = tfmt_trace_process(state->context->trace, metric->process)->end_ns;

	if (!state->meters[id].time_ns)
		return;
	if (metric->type == TFMT_METRIC_CUMULATIVE)
		put_rate(state, metric, state->meters[id].time_ns, 0);
	else if (metric->process && end_ns && is_shown(state, end_ns))
		put_gauge(state, metric, end_ns, 0);
}

/* --- spans and instants --- */

static int on_arg(void *opaque, const struct conv_record *record)
{
	struct chrome_state *state = opaque;

	return conv_span_args_add(&state->args, record->arg);
}

static void put_args(struct chrome_state *state, uint64_t span)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_string *name, *value;
	struct jsonw *w = &state->w;
	const struct tfmt_arg *args;
	size_t count = conv_span_args_find(&state->args, span, &args), i;

	if (!count)
		return;
	jsonw_key(w, "args");
	jsonw_begin_object(w);
	for (i = 0; i < count; i++) {
		name = tfmt_trace_string(trace, args[i].name);
		value = tfmt_trace_string(trace, args[i].value);
		jsonw_text_key(w, name->data, name->length);
		jsonw_text(w, value->data, value->length);
	}
	jsonw_end_object(w);
}

static void put_span_name(struct chrome_state *state, const struct tfmt_span *span)
{
	const struct tfmt_trace *trace = state->context->trace;
	struct tfmt_location location = {.function = tfmt_trace_text(trace, span->name)};

	if (!span->name)
		tfmt_trace_locations(trace, span->frame, &location, 1);
	jsonw_pair_string(&state->w, "cat", span->flags & TFMT_SPAN_SCOPE ? "scope" : "call");
	jsonw_pair_string(&state->w, "name", location.function);
}

static int on_span(void *opaque, const struct conv_record *record)
{
	struct chrome_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_span *span = record->span;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, span->thread);
	uint32_t pid = tfmt_trace_process(trace, thread->process)->pid;
	bool is_lost = span->thread > tfmt_trace_count(trace, TFMT_THREAD);

	if (is_lost || (span->phase == TFMT_SPAN_END && !state->depths[span->thread])) {
		state->orphan_count++;
		return 0;
	}
	if (span->phase == TFMT_SPAN_BEGIN) {
		state->depths[span->thread]++;
		begin_event(state, "B", pid, thread->tid, span->time_ns);
		put_span_name(state, span);
	} else {
		state->depths[span->thread]--;
		begin_event(state, "E", pid, thread->tid, span->time_ns);
	}
	put_args(state, record->id);
	jsonw_end_object(&state->w);
	return 0;
}

/* End the spans that are still open. */
static void close_spans(struct chrome_state *state, uint32_t id)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, id);
	uint64_t begin_ns = 0, end_ns = conv_thread_end_ns(trace, id);

	conv_clip(state->context, &begin_ns, &end_ns);
	for (; state->depths[id]; state->depths[id]--) {
		begin_event(state, "E", tfmt_trace_process(trace, thread->process)->pid,
			thread->tid, end_ns);
		jsonw_end_object(&state->w);
	}
}

static int on_instant(void *opaque, const struct conv_record *record)
{
	struct chrome_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_instant *instant = record->instant;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, instant->thread);
	uint32_t pid = instant->thread ? tfmt_trace_process(trace, thread->process)->pid : 0;
	struct jsonw *w =
		begin_event(state, "i", pid, instant->thread ? thread->tid : 0, instant->time_ns);

	jsonw_pair_string(w, "s", instant->thread ? "t" : "g");
	jsonw_pair_string(w, "name", tfmt_trace_text(trace, instant->name));
	jsonw_key(w, "args");
	jsonw_begin_object(w);
	jsonw_pair_string(w, "text", tfmt_trace_text(trace, instant->text));
	jsonw_end_object(w);
	jsonw_end_object(w);
	return 0;
}

static int on_lost(void *opaque, const struct conv_record *record)
{
	struct chrome_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_lost *lost = record->lost;
	uint32_t pid = lost->process ? tfmt_trace_process(trace, lost->process)->pid : 0;
	struct jsonw *w = begin_event(state, "i", pid, pid, lost->time_ns);

	jsonw_pair_string(w, "s", lost->process ? "p" : "g");
	jsonw_pair_string(w, "name", "lost");
	jsonw_key(w, "args");
	jsonw_begin_object(w);
	jsonw_key(w, "count");
	jsonw_u64(w, lost->count);
	jsonw_pair_string(w, "what", tfmt_trace_text(trace, lost->what));
	jsonw_pair_string(w, "reason", tfmt_trace_text(trace, lost->reason));
	jsonw_end_object(w);
	jsonw_end_object(w);
	return 0;
}

static int on_sample(void *opaque, const struct conv_record *record)
{
	struct chrome_state *state = opaque;

	return chrome_samples_add(&state->samples, record->sample);
}

static int chrome_end(void *opaque)
{
	struct chrome_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	char number[NUM_TEXT_BYTES];
	uint32_t id;
	int status;

	for (id = 1; id <= tfmt_trace_count(trace, TFMT_METRIC); id++)
		end_meter(state, id);
	for (id = 1; id <= tfmt_trace_count(trace, TFMT_PROCESS); id++)
		put_process(state, id);
	for (id = 1; id <= tfmt_trace_count(trace, TFMT_THREAD); id++) {
		put_thread(state, id);
		close_spans(state, id);
	}
	if (state->samples.has_lost)
		put_metadata(state, "thread_name", 0, 0,
			tfmt_trace_text(trace, tfmt_trace_thread(trace, 0)->name));
	jsonw_newline(&state->w);
	jsonw_end_array(&state->w);
	status = chrome_samples_put(&state->samples, &state->w);
	jsonw_newline(&state->w);
	jsonw_end_object(&state->w);
	jsonw_newline(&state->w);
	if (state->orphan_count)
		msg_warn(state->context->msg,
			"left out: the end of %s span%s whose beginning is not in the selected part",
			num_count(number, state->orphan_count),
			state->orphan_count == 1 ? "" : "s");
	return status;
}

const struct conv_format conv_format_chrome_trace = {
	.name = "chrome-trace",
	.extension = ".trace.json",
	.summary =
		"lifetimes, counters, spans and samples, for ui.perfetto.dev and chrome://tracing",
	.carries = TFMT_KIND_BIT(TFMT_LIFE) | TFMT_KIND_BIT(TFMT_SAMPLE) |
		   TFMT_KIND_BIT(TFMT_COUNTER) | TFMT_KIND_BIT(TFMT_SPAN) |
		   TFMT_KIND_BIT(TFMT_ARG) | TFMT_KIND_BIT(TFMT_INSTANT) | TFMT_KIND_BIT(TFMT_LOST),
	.weight = TFMT_WEIGHT_CPU,
	.first_pass = TFMT_KIND_BIT(TFMT_ARG),
	.state_size = sizeof(struct chrome_state),
	.begin = chrome_begin,
	.on =
		{
			[TFMT_LIFE] = on_life,
			[TFMT_SAMPLE] = on_sample,
			[TFMT_COUNTER] = on_counter,
			[TFMT_SPAN] = on_span,
			[TFMT_ARG] = on_arg,
			[TFMT_INSTANT] = on_instant,
			[TFMT_LOST] = on_lost,
		},
	.end = chrome_end,
	.release = chrome_release,
};
