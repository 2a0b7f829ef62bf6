/*
 * The Firefox Profiler (https://profiler.firefox.com), its "processed profile" of version 49, which
 * every later one upgrades: all threads of all processes on one time axis, with samples, markers
 * and counters. Gzipped JSON; times are ms with six decimals, so that they are exact.
 */
#include <stdlib.h>

#include "firefox_meta.h"
#include "firefox_thread.h"
#include "gzip.h"
#include "num.h"
#include "select.h"
#include "tracefmt/tracefmt.h"

struct counter_value {
	uint64_t time_ns;
	int64_t value;
};

struct firefox_state {
	const struct conv_context *context;
	FILE *stream; /* into `sink`, compressed */
	struct conv_sink sink;
	struct jsonw w;
	struct firefox_tables tables;
	struct conv_spool counters; /* of struct counter_value, by metric */
	struct conv_intern pids;    /* of the processes so far */
	char (*pid_texts)[32];	    /* by process: what it is called among processes */
	uint32_t *thread_indexes;   /* by thread: its place in the file + 1, 0: not in it */
	uint32_t home;		    /* the thread that shows what belongs to none */
	uint64_t missing_count;	    /* of counter values */
	uint64_t homeless_count;    /* of counters of processes without a thread */
	uint64_t sample_count, taken_count;
};

/* A PID that was used again is told apart by a suffix, as Firefox does itself. */
static int name_pids(struct firefox_state *state)
{
	const struct tfmt_trace *trace = state->context->trace;
	uint32_t count = tfmt_trace_count(trace, TFMT_PROCESS), *uses, id, pid, number;
	int status = 0;

	state->pid_texts = calloc((size_t)count + 1, sizeof(*state->pid_texts));
	uses = calloc((size_t)count + 2, sizeof(*uses));
	if (!state->pid_texts || !uses)
		status = TFMT_E_NOMEM;
	for (id = 0; !status && id <= count; id++) {
		pid = tfmt_trace_process(trace, id)->pid;
		status = conv_intern_key(&state->pids, &pid, &number);
		if (status)
			break;
		if (uses[number])
			snprintf(state->pid_texts[id], sizeof(state->pid_texts[id]), "%u.%u", pid,
				uses[number]);
		else
			snprintf(state->pid_texts[id], sizeof(state->pid_texts[id]), "%u", pid);
		uses[number]++;
	}
	free(uses);
	return status;
}

/* What belongs to no thread is shown on the first process's. */
static uint32_t find_home(const struct conv_context *context)
{
	uint32_t id;

	for (id = 1; id <= tfmt_trace_count(context->trace, TFMT_THREAD); id++)
		if (conv_select_thread(context->select, id))
			return id;
	return 0;
}

static int firefox_begin(void *opaque, const struct conv_context *context)
{
	struct firefox_state *state = opaque;
	size_t threads = (size_t)tfmt_trace_count(context->trace, TFMT_THREAD) + 1;
	size_t metrics = (size_t)tfmt_trace_count(context->trace, TFMT_METRIC) + 1;

	state->context = context;
	state->home = find_home(context);
	state->thread_indexes = calloc(threads, sizeof(*state->thread_indexes));
	state->stream = conv_gzip_open(context->out);
	if (!state->thread_indexes || !state->stream ||
		conv_sink_init(&state->sink, state->stream) ||
		firefox_tables_init(&state->tables, context, &state->w) ||
		conv_spool_init(&state->counters, metrics, sizeof(struct counter_value)) ||
		conv_intern_init(&state->pids, sizeof(uint32_t)) || name_pids(state))
		return TFMT_E_NOMEM;
	jsonw_init(&state->w, &state->sink);
	return 0;
}

static void firefox_release(void *opaque)
{
	struct firefox_state *state = opaque;

	if (state->stream)
		fclose(state->stream);
	conv_sink_release(&state->sink);
	firefox_tables_release(&state->tables);
	conv_spool_release(&state->counters);
	conv_intern_release(&state->pids);
	free(state->pid_texts);
	free(state->thread_indexes);
}

/* --- records --- */

static int on_sample(void *opaque, const struct conv_record *record)
{
	struct firefox_state *state = opaque;
	const struct conv_context *context = state->context;
	const struct tfmt_sample *sample = record->sample;
	struct conv_stacks *stacks = &state->tables.stacks;
	struct firefox_sample item = {
		.begin_ns = conv_relative_ns(context, sample->time_ns),
		.weight_ns = sample->weight_ns,
		.cpu_ns = tfmt_weight_of(TFMT_WEIGHT_CPU, sample),
	};
	uint32_t thread = sample->thread;
	int status;

	state->sample_count++;
	if (!tfmt_weight_of(context->weight, sample))
		return 0;
	item.begin_ns -= item.begin_ns < item.weight_ns ? item.begin_ns : item.weight_ns;
	state->taken_count++;
	status = conv_stacks_add_sample(stacks, sample, &item.node);
	if (status)
		return status;
	if (thread > tfmt_trace_count(context->trace, TFMT_THREAD))
		thread = 0;
	return firefox_add_sample(&state->tables, thread, item);
}

static int add_marker(struct firefox_state *state, uint32_t thread, uint64_t time_ns,
	struct firefox_marker marker)
{
	if (!thread || thread > tfmt_trace_count(state->context->trace, TFMT_THREAD))
		thread = state->home;
	marker.time_ns = conv_relative_ns(state->context, time_ns);
	return conv_spool_append(&state->tables.markers, thread, &marker);
}

static int on_span(void *opaque, const struct conv_record *record)
{
	const struct tfmt_span *span = record->span;

	return add_marker(opaque, span->thread, span->time_ns,
		(struct firefox_marker){
			.number = record->id,
			.name = span->name,
			.id = span->frame,
			.phase = span->phase == TFMT_SPAN_END ? FIREFOX_END : FIREFOX_BEGIN,
			.kind = FIREFOX_SPAN,
		});
}

static int on_arg(void *opaque, const struct conv_record *record)
{
	struct firefox_state *state = opaque;

	return conv_span_args_add(&state->tables.args, record->arg);
}

static int on_instant(void *opaque, const struct conv_record *record)
{
	const struct tfmt_instant *instant = record->instant;

	return add_marker(opaque, instant->thread, instant->time_ns,
		(struct firefox_marker){
			.name = instant->name,
			.text = instant->text,
			.kind = FIREFOX_REMARK,
		});
}

static uint32_t main_thread_of(const struct firefox_state *state, uint32_t process)
{
	return tfmt_trace_process(state->context->trace, process)->main_thread;
}

static int on_lost(void *opaque, const struct conv_record *record)
{
	const struct tfmt_lost *lost = record->lost;

	return add_marker(opaque, main_thread_of(opaque, lost->process), lost->time_ns,
		(struct firefox_marker){
			.number = lost->count,
			.name = lost->what,
			.text = lost->reason,
			.kind = FIREFOX_LOSS,
		});
}

static int on_life(void *opaque, const struct conv_record *record)
{
	struct firefox_state *state = opaque;
	const struct tfmt_life *life = record->life;
	bool is_exec = life->event == TFMT_LIFE_EXEC;

	if (life->thread || life->time_ns < state->context->begin_ns ||
		life->time_ns > state->context->select->to_ns ||
		(!is_exec && life->event != TFMT_LIFE_EXIT))
		return 0;
	return add_marker(state, main_thread_of(state, life->process), life->time_ns,
		(struct firefox_marker){
			.number = (uint64_t)(int64_t)life->status,
			.text = is_exec ? life->name : 0,
			.id = life->status_type,
			.kind = FIREFOX_PROCESS,
		});
}

static int on_counter(void *opaque, const struct conv_record *record)
{
	struct firefox_state *state = opaque;
	const struct counter_value value = {
		.time_ns = conv_relative_ns(state->context, record->counter->time_ns),
		.value = record->counter->value,
	};
	uint32_t metric = record->counter->metric;

	if (value.value == TFMT_VALUE_MISSING) {
		state->missing_count++;
		return 0;
	}
	if (metric > tfmt_trace_count(state->context->trace, TFMT_METRIC))
		return 0; /* lost */
	return conv_spool_append(&state->counters, metric, &value);
}

/* --- the file --- */

/* ms; without a time: null */
static void put_time(struct jsonw *w, const char *key, uint64_t time_ns, bool is_known)
{
	jsonw_key(w, key);
	if (is_known)
		jsonw_fixed(w, time_ns, 6);
	else
		jsonw_null(w);
}

static int put_thread(struct firefox_state *state, uint32_t id)
{
	const struct conv_context *context = state->context;
	const struct tfmt_trace *trace = context->trace;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, id);
	const struct tfmt_process_info *process = tfmt_trace_process(trace, thread->process);
	uint32_t process_id =
		thread->process <= tfmt_trace_count(trace, TFMT_PROCESS) ? thread->process : 0;
	struct jsonw *w = &state->w;
	int status;

	jsonw_newline(w);
	jsonw_begin_object(w);
	jsonw_pair_string(w, "processType", "default");
	jsonw_pair_string(w, "processName", tfmt_trace_text(trace, process->name));
	jsonw_pair_string(w, "name", tfmt_trace_text(trace, thread->name));
	jsonw_pair_bool(w, "isMainThread", process->main_thread == id);
	jsonw_pair_string(w, "pid", state->pid_texts[process_id]);
	jsonw_pair_u64(w, "tid", thread->tid);
	put_time(w, "processStartupTime", conv_relative_ns(context, process->start_ns), true);
	put_time(w, "processShutdownTime", conv_relative_ns(context, process->end_ns),
		process->end_ns != 0);
	put_time(w, "registerTime", conv_relative_ns(context, thread->start_ns), true);
	put_time(w, "unregisterTime", conv_relative_ns(context, thread->end_ns),
		thread->end_ns != 0);
	jsonw_key(w, "pausedRanges");
	jsonw_begin_array(w);
	jsonw_end_array(w);
	status = firefox_put_tables(&state->tables, id);
	jsonw_end_object(w);
	return status;
}

/* Main threads stand for their processes, others are in when they have something to show. */
static bool is_in(const struct firefox_state *state, uint32_t id)
{
	const struct tfmt_trace *trace = state->context->trace;
	uint32_t process = tfmt_trace_thread(trace, id)->process;

	if (state->tables.samples.lists[id].item_count ||
		state->tables.markers.lists[id].item_count)
		return true;
	return id && conv_select_thread(state->context->select, id) &&
	       tfmt_trace_process(trace, process)->main_thread == id;
}

static int put_threads(struct firefox_state *state)
{
	const struct conv_context *context = state->context;
	uint32_t count = tfmt_trace_count(context->trace, TFMT_THREAD), index = 0, silent = 0, id;
	char number[NUM_TEXT_BYTES];
	int status = 0;

	jsonw_newline(&state->w);
	jsonw_key(&state->w, "threads");
	jsonw_begin_array(&state->w);
	for (id = 0; !status && id <= count; id++) {
		if (is_in(state, id)) {
			state->thread_indexes[id] = ++index;
			status = put_thread(state, id);
		} else {
			silent += id && conv_select_thread(context->select, id);
		}
	}
	jsonw_end_array(&state->w);
	if (silent)
		msg_warn(context->msg, "left out: %s thread%s with nothing to show",
			num_count(number, silent), silent == 1 ? "" : "s");
	return status;
}

/* --- counters --- */

/* The thread whose process a counter is drawn with; 0: none. */
static uint32_t counter_thread(const struct firefox_state *state, const struct tfmt_metric *metric)
{
	uint32_t thread = metric->thread;

	if (!thread)
		thread = metric->process ? main_thread_of(state, metric->process) : state->home;
	if (thread > tfmt_trace_count(state->context->trace, TFMT_THREAD) ||
		!state->thread_indexes[thread])
		return 0;
	return thread;
}

/* Times, or how much each value differs from the one before. */
static int put_counter_column(struct firefox_state *state, uint32_t metric, bool is_time)
{
	struct conv_spool_cursor cursor;
	const struct counter_value *value;
	const void *item;
	int64_t last = 0;
	int status;

	jsonw_key(&state->w, is_time ? "time" : "count");
	jsonw_begin_array(&state->w);
	conv_spool_rewind(&cursor, &state->counters, metric);
	while ((status = conv_spool_next(&cursor, &state->counters, &item)) > 0) {
		value = item;
		if (is_time)
			jsonw_fixed(&state->w, value->time_ns, 6);
		else
			jsonw_i64(&state->w, (int64_t)((uint64_t)value->value - (uint64_t)last));
		last = value->value;
	}
	jsonw_end_array(&state->w);
	return status;
}

static void put_counter_name(struct firefox_state *state, const struct tfmt_metric *metric)
{
	const struct tfmt_trace *trace = state->context->trace;
	const char *name = tfmt_trace_text(trace, metric->name);
	char text[256];

	if (metric->thread)
		snprintf(text, sizeof(text), "%.200s (thread %u)", name,
			tfmt_trace_thread(trace, metric->thread)->tid);
	else
		snprintf(text, sizeof(text), "%s%.200s", metric->process ? "" : "machine: ", name);
	jsonw_pair_string(&state->w, "name", text);
}

static int put_counter(struct firefox_state *state, uint32_t id, uint32_t thread)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_metric *metric = tfmt_trace_metric(trace, id);
	const char *unit = tfmt_trace_text(trace, metric->unit);
	uint32_t process = tfmt_trace_thread(trace, thread)->process;
	struct jsonw *w = &state->w;
	int status;

	if (process > tfmt_trace_count(trace, TFMT_PROCESS))
		process = 0;
	jsonw_newline(w);
	jsonw_begin_object(w);
	put_counter_name(state, metric);
	/* Bytes that come and go are drawn as memory. */
	jsonw_pair_string(w, "category",
		metric->type == TFMT_METRIC_GAUGE && !strcmp(unit, "bytes") ? "Memory" : unit);
	jsonw_pair_string(w, "description", tfmt_trace_text(trace, metric->help));
	jsonw_pair_string(w, "pid", state->pid_texts[process]);
	jsonw_pair_u64(w, "mainThreadIndex", state->thread_indexes[thread] - 1);
	jsonw_key(w, "samples");
	jsonw_begin_object(w);
	jsonw_pair_u64(w, "length", state->counters.lists[id].item_count);
	status = put_counter_column(state, id, true);
	if (!status)
		status = put_counter_column(state, id, false);
	jsonw_end_object(w);
	jsonw_end_object(w);
	return status;
}

static int put_counters(struct firefox_state *state)
{
	const struct tfmt_trace *trace = state->context->trace;
	uint32_t id, thread;
	int status = 0;

	jsonw_newline(&state->w);
	jsonw_key(&state->w, "counters");
	jsonw_begin_array(&state->w);
	for (id = 1; !status && id <= tfmt_trace_count(trace, TFMT_METRIC); id++) {
		if (!state->counters.lists[id].item_count)
			continue;
		thread = counter_thread(state, tfmt_trace_metric(trace, id));
		if (thread)
			status = put_counter(state, id, thread);
		else
			state->homeless_count++;
	}
	jsonw_end_array(&state->w);
	return status;
}

static void report(const struct firefox_state *state)
{
	const struct msg *msg = state->context->msg;
	char number[NUM_TEXT_BYTES];

	if (state->missing_count)
		msg_warn(msg, "left out: %s counter values that could not be read",
			num_count(number, state->missing_count));
	if (state->homeless_count)
		msg_warn(msg, "left out: %s counters of processes of which no thread is there",
			num_count(number, state->homeless_count));
	if (state->sample_count && !state->taken_count)
		conv_warn_weightless(state->context);
}

static int put_profile(struct firefox_state *state)
{
	int status = firefox_tables_complete(&state->tables);

	if (status)
		return status;
	jsonw_begin_object(&state->w);
	firefox_put_meta(state->context, &state->w);
	firefox_put_libraries(state->context, &state->w);
	jsonw_key(&state->w, "pages");
	jsonw_begin_array(&state->w);
	jsonw_end_array(&state->w);
	status = put_threads(state);
	if (!status)
		status = put_counters(state);
	jsonw_end_object(&state->w);
	jsonw_newline(&state->w);
	return status ? status : conv_sink_flush(&state->sink);
}

static int firefox_end(void *opaque)
{
	struct firefox_state *state = opaque;
	FILE *stream = state->stream;
	int status = put_profile(state);

	state->stream = NULL;
	if (fclose(stream) && !status)
		status = TFMT_E_NOMEM;
	if (!status)
		report(state);
	return status;
}

const struct conv_format conv_format_firefox = {
	.name = "firefox",
	.extension = ".firefox.json.gz",
	.summary = "threads, markers and counters on one time axis, for profiler.firefox.com",
	.is_binary = true,
	.carries = TFMT_KIND_BIT(TFMT_LIFE) | TFMT_KIND_BIT(TFMT_SAMPLE) |
		   TFMT_KIND_BIT(TFMT_COUNTER) | TFMT_KIND_BIT(TFMT_SPAN) |
		   TFMT_KIND_BIT(TFMT_ARG) | TFMT_KIND_BIT(TFMT_INSTANT) | TFMT_KIND_BIT(TFMT_LOST),
	.weight = TFMT_WEIGHT_CPU,
	.first_pass = TFMT_KIND_BIT(TFMT_ARG),
	.state_size = sizeof(struct firefox_state),
	.begin = firefox_begin,
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
	.end = firefox_end,
	.release = firefox_release,
};
