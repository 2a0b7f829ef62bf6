/*
 * Everything, one JSON object per line. docs/JSON.md describes each kind of line: field names are
 * the contract of scripts, so both change together.
 *
 * Raw ids end in _id and make the lines lossless; the fields beside them are what the ids mean, so
 * that a line can be read alone. A field that is absent is 0 or none.
 */
#include "format.h"
#include "jsonw.h"
#include "tracefmt/tracefmt.h"
#include "utf8.h"

struct json_state {
	const struct conv_context *context;
	struct jsonw w;
	uint64_t counts[TFMT_KIND_COUNT];
};

/* --- parts of lines --- */

static void put_u64(struct jsonw *w, const char *key, uint64_t value)
{
	jsonw_key(w, key);
	jsonw_u64(w, value);
}

/* Left out when 0. */
static void put_some(struct jsonw *w, const char *key, uint64_t value)
{
	if (value)
		put_u64(w, key, value);
}

static void put_exact(struct jsonw *w, const char *key, const char *text)
{
	jsonw_key(w, key);
	jsonw_exact(w, text, strlen(text));
}

/* A string of the table: its text under `key` and its id under `id_key`. */
static void put_string(struct json_state *state, const char *key, const char *id_key, uint32_t id)
{
	const struct tfmt_string *string;

	if (!id)
		return;
	string = tfmt_trace_string(state->context->trace, id);
	jsonw_key(&state->w, key);
	jsonw_exact(&state->w, string->data, string->length);
	put_u64(&state->w, id_key, id);
}

/* One of `names`, or its number when a newer writer knows more. */
static void put_name(struct jsonw *w, const char *key, const char *const *names, size_t count,
	unsigned int value)
{
	jsonw_key(w, key);
	if (value < count)
		jsonw_string(w, names[value]);
	else
		jsonw_u64(w, value);
}

/* The names of the set bits; bits without a name as a number. Left out when 0. */
static void put_flags(struct jsonw *w, const char *const *names, size_t count, unsigned int flags)
{
	unsigned int rest = flags;
	size_t i;

	if (!flags)
		return;
	jsonw_key(w, "flags");
	jsonw_begin_array(w);
	for (i = 0; i < count; i++) {
		if (flags & (1u << i))
			jsonw_string(w, names[i]);
		rest &= ~(1u << i);
	}
	if (rest)
		jsonw_u64(w, rest);
	jsonw_end_array(w);
}

static void put_process(struct json_state *state, uint32_t id)
{
	const struct tfmt_process_info *process;

	if (!id)
		return;
	process = tfmt_trace_process(state->context->trace, id);
	put_u64(&state->w, "pid", process->pid);
	put_u64(&state->w, "process_id", id);
}

static void put_thread(struct json_state *state, uint32_t id)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_thread_info *thread;

	if (!id)
		return;
	thread = tfmt_trace_thread(trace, id);
	put_u64(&state->w, "pid", tfmt_trace_process(trace, thread->process)->pid);
	put_u64(&state->w, "tid", thread->tid);
	put_u64(&state->w, "thread_id", id);
}

/* The functions of a frame, innermost first: more than one when some are inlined. */
static void put_functions(struct json_state *state, uint32_t frame)
{
	struct tfmt_location locations[64];
	size_t count, i;

	count = tfmt_trace_locations(state->context->trace, frame, locations, 64);
	jsonw_key(&state->w, "functions");
	jsonw_begin_array(&state->w);
	for (i = 0; i < count && i < 64; i++)
		jsonw_exact(&state->w, locations[i].function, strlen(locations[i].function));
	jsonw_end_array(&state->w);
}

/* The stack's id and its innermost function. */
static void put_stack(struct json_state *state, uint32_t id)
{
	struct tfmt_location location;
	const struct tfmt_trace *trace = state->context->trace;

	if (!id)
		return;
	put_u64(&state->w, "stack_id", id);
	tfmt_trace_locations(trace, tfmt_trace_stack(trace, id)->frame, &location, 1);
	put_exact(&state->w, "leaf", location.function);
}

static void begin_line(struct json_state *state, const char *kind)
{
	jsonw_begin_object(&state->w);
	jsonw_key(&state->w, "kind");
	jsonw_string(&state->w, kind);
}

static int end_line(struct json_state *state)
{
	jsonw_end_object(&state->w);
	jsonw_newline(&state->w);
	return 0;
}

/* Begin the line of a record, count it. */
static struct jsonw *begin_record(struct json_state *state, const struct conv_record *record)
{
	state->counts[record->kind]++;
	begin_line(state, tfmt_kind_name(record->kind));
	if (record->kind <= TFMT_METRIC)
		put_u64(&state->w, "id", record->id);
	return &state->w;
}

/* --- the header and the end --- */

static void put_header(struct json_state *state, const struct tfmt_header *header)
{
	struct jsonw *w = &state->w;
	size_t i;

	begin_line(state, "header");
	put_u64(w, "json_version", 1);
	put_u64(w, "format_version", TFMT_FORMAT_VERSION);
	put_u64(w, "time_ns", header->time_ns);
	jsonw_key(w, "utc_ns");
	jsonw_i64(w, header->utc_ns);
	jsonw_key(w, "trace_id");
	jsonw_hex_bytes(w, header->trace_id, sizeof(header->trace_id));
	put_exact(w, "recorder", header->recorder);
	put_exact(w, "host", header->host);
	put_exact(w, "boot_id", header->boot_id);
	put_exact(w, "os", header->os);
	put_exact(w, "machine", header->machine);
	put_exact(w, "cwd", header->cwd);
	jsonw_key(w, "argv");
	jsonw_begin_array(w);
	for (i = 0; i < header->argc; i++)
		jsonw_exact(w, header->argv[i], strlen(header->argv[i]));
	jsonw_end_array(w);
	put_u64(w, "cpu_count", header->cpu_count);
	put_u64(w, "memory_bytes", header->memory_bytes);
	put_u64(w, "rate_hz", header->rate_hz);
	put_u64(w, "interval_ns", header->interval_ns);
	jsonw_key(w, "notes");
	jsonw_begin_array(w);
	for (i = 0; i < header->note_count; i++) {
		jsonw_begin_object(w);
		put_exact(w, "name", header->notes[i].name);
		put_exact(w, "text", header->notes[i].text);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	end_line(state);
}

static int json_begin(void *opaque, const struct conv_context *context)
{
	struct json_state *state = opaque;

	state->context = context;
	jsonw_init(&state->w, context->out);
	put_header(state, context->header);
	return 0;
}

static int json_end(void *opaque)
{
	struct json_state *state = opaque;
	const struct tfmt_damage *damage = state->context->damage;
	struct jsonw *w = &state->w;
	int kind;

	begin_line(state, "end");
	jsonw_key(w, "complete");
	jsonw_bool(w, !tfmt_damage_any(damage));
	jsonw_key(w, "counts");
	jsonw_begin_object(w);
	for (kind = TFMT_NONE + 1; kind < TFMT_KIND_COUNT; kind++)
		put_u64(w, tfmt_kind_name(kind), state->counts[kind]);
	jsonw_end_object(w);
	jsonw_key(w, "damage");
	jsonw_begin_object(w);
	put_u64(w, "lost_chunks", damage->lost_chunks);
	put_u64(w, "skipped_bytes", damage->skipped_bytes);
	put_u64(w, "bad_chunks", damage->bad_chunks);
	put_u64(w, "lost_ids", damage->lost_ids);
	put_u64(w, "unknown_chunks", damage->unknown_chunks);
	put_u64(w, "first_offset", damage->first_offset);
	jsonw_key(w, "has_begin");
	jsonw_bool(w, damage->has_begin);
	jsonw_key(w, "has_end");
	jsonw_bool(w, damage->has_end);
	jsonw_end_object(w);
	return end_line(state);
}

/* --- tables --- */

static int on_string(void *opaque, const struct conv_record *record)
{
	const struct tfmt_string *string = record->string;
	struct jsonw *w = begin_record(opaque, record);
	bool is_text = !string->is_bytes && utf8_is_valid(string->data, string->length);

	jsonw_key(w, is_text ? "text" : "bytes");
	if (is_text)
		jsonw_text(w, string->data, string->length);
	else
		jsonw_hex_bytes(w, string->data, string->length);
	return end_line(opaque);
}

static int on_mapping(void *opaque, const struct conv_record *record)
{
	static const char *const types[] = {
		[TFMT_MAPPING_FILE] = "file",
		[TFMT_MAPPING_KERNEL] = "kernel",
		[TFMT_MAPPING_VDSO] = "vdso",
		[TFMT_MAPPING_ANON] = "anon",
	};
	struct json_state *state = opaque;
	const struct tfmt_mapping *mapping = record->mapping;
	const struct tfmt_string *build_id;
	struct jsonw *w = begin_record(state, record);

	put_name(w, "type", types, sizeof(types) / sizeof(types[0]), mapping->type);
	put_string(state, "path", "path_id", mapping->path);
	if (mapping->build_id) {
		build_id = tfmt_trace_string(state->context->trace, mapping->build_id);
		jsonw_key(w, "build_id");
		jsonw_hex_bytes(w, build_id->data, build_id->length);
		put_u64(w, "build_id_id", mapping->build_id);
	}
	return end_line(state);
}

static void put_mapping(struct json_state *state, uint32_t id)
{
	uint32_t path;

	if (!id)
		return;
	path = tfmt_trace_mapping(state->context->trace, id)->path;
	put_exact(&state->w, "module", tfmt_trace_text(state->context->trace, path));
	put_u64(&state->w, "mapping_id", id);
}

static int on_frame(void *opaque, const struct conv_record *record)
{
	static const char *const languages[] = {
		[TFMT_LANG_NATIVE] = "native",
		[TFMT_LANG_KERNEL] = "kernel",
		[TFMT_LANG_PYTHON] = "python",
		[TFMT_LANG_JIT] = "jit",
	};
	static const char *const flags[] = {"interpreter"};
	struct json_state *state = opaque;
	const struct tfmt_frame *frame = record->frame;
	struct jsonw *w = begin_record(state, record);

	put_name(w, "language", languages, sizeof(languages) / sizeof(languages[0]),
		frame->language);
	put_functions(state, (uint32_t)record->id);
	put_mapping(state, frame->mapping);
	if (frame->address) {
		jsonw_key(w, "address");
		jsonw_address(w, frame->address);
	}
	put_string(state, "function", "function_id", frame->function);
	put_string(state, "file", "file_id", frame->file);
	put_some(w, "first_line", frame->first_line);
	put_some(w, "line", frame->line);
	put_flags(w, flags, sizeof(flags) / sizeof(flags[0]), frame->flags);
	return end_line(state);
}

static int on_stack(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	struct jsonw *w = begin_record(state, record);

	put_some(w, "parent_id", record->stack->parent);
	put_some(w, "frame_id", record->stack->frame);
	put_functions(state, record->stack->frame);
	return end_line(state);
}

static int on_process(void *opaque, const struct conv_record *record)
{
	const struct tfmt_process *process = record->process;
	struct jsonw *w = begin_record(opaque, record);

	put_u64(w, "pid", process->pid);
	put_u64(w, "ppid", process->ppid);
	put_some(w, "parent_id", process->parent);
	put_some(w, "start_ns", process->start_ns);
	return end_line(opaque);
}

static int on_thread(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	const struct tfmt_thread *thread = record->thread;
	struct jsonw *w = begin_record(state, record);

	put_process(state, thread->process);
	put_u64(w, "tid", thread->tid);
	put_some(w, "start_ns", thread->start_ns);
	return end_line(state);
}

static int on_metric(void *opaque, const struct conv_record *record)
{
	static const char *const types[] = {
		[TFMT_METRIC_GAUGE] = "gauge",
		[TFMT_METRIC_CUMULATIVE] = "cumulative",
	};
	struct json_state *state = opaque;
	const struct tfmt_metric *metric = record->metric;
	struct jsonw *w = begin_record(state, record);

	put_string(state, "name", "name_id", metric->name);
	put_string(state, "unit", "unit_id", metric->unit);
	put_string(state, "help", "help_id", metric->help);
	put_name(w, "type", types, sizeof(types) / sizeof(types[0]), metric->type);
	put_process(state, metric->process);
	if (metric->thread) {
		put_u64(w, "tid", tfmt_trace_thread(state->context->trace, metric->thread)->tid);
		put_u64(w, "thread_id", metric->thread);
	}
	return end_line(state);
}

static int on_symbol(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	const struct tfmt_symbol *symbol = record->symbol;
	struct jsonw *w = begin_record(state, record);

	put_mapping(state, symbol->mapping);
	jsonw_key(w, "address");
	jsonw_address(w, symbol->address);
	put_u64(w, "length", symbol->length);
	put_string(state, "function", "function_id", symbol->function);
	put_string(state, "file", "file_id", symbol->file);
	put_some(w, "line", symbol->line);
	put_some(w, "first_line", symbol->first_line);
	if (symbol->inlined) {
		jsonw_key(w, "inlined");
		jsonw_bool(w, true);
	}
	return end_line(state);
}

/* --- data --- */

/* A life is a line of the kind of its event; those of threads are apart from those of processes. */
static const char *life_kind(const struct tfmt_life *life)
{
	bool of_thread = life->thread;

	switch (life->event) {
	case TFMT_LIFE_START:
		return of_thread ? "thread_start" : "start";
	case TFMT_LIFE_EXEC:
		return of_thread ? "thread_exec" : "exec";
	case TFMT_LIFE_NAME:
		return of_thread ? "thread_name" : "name";
	case TFMT_LIFE_EXIT:
		if (life->status_type == TFMT_STATUS_ALIVE)
			return of_thread ? "thread_alive" : "alive";
		return of_thread ? "thread_exit" : "exit";
	default:
		return "life";
	}
}

static void put_status(struct jsonw *w, const struct tfmt_life *life)
{
	switch (life->status_type) {
	case TFMT_STATUS_EXITED:
		jsonw_key(w, "status");
		jsonw_i64(w, life->status);
		return;
	case TFMT_STATUS_SIGNALED:
		jsonw_key(w, "signal");
		jsonw_i64(w, life->status);
		return;
	case TFMT_STATUS_ALIVE:
		return;
	default:
		jsonw_key(w, "status");
		jsonw_null(w);
	}
}

/* The arguments, each ended by a NUL, as an array. */
static void put_argv(struct json_state *state, uint32_t id)
{
	const struct tfmt_string *string = tfmt_trace_string(state->context->trace, id);
	const char *at = string->data, *end = at + string->length, *nul;

	if (!id)
		return;
	jsonw_key(&state->w, "argv");
	jsonw_begin_array(&state->w);
	while (at < end) {
		nul = memchr(at, 0, (size_t)(end - at));
		if (!nul)
			nul = end;
		jsonw_exact(&state->w, at, (size_t)(nul - at));
		at = nul + 1;
	}
	jsonw_end_array(&state->w);
	put_u64(&state->w, "argv_id", id);
}

static int on_life(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_life *life = record->life;
	const struct tfmt_process_info *process = tfmt_trace_process(trace, life->process);
	struct jsonw *w = &state->w;

	state->counts[TFMT_LIFE]++;
	begin_line(state, life_kind(life));
	put_u64(w, "time_ns", life->time_ns);
	put_u64(w, "pid", process->pid);
	put_u64(w, "ppid", process->ppid);
	put_u64(w, "process_id", life->process);
	if (life->thread) {
		put_u64(w, "tid", tfmt_trace_thread(trace, life->thread)->tid);
		put_u64(w, "thread_id", life->thread);
	}
	if (life->event > TFMT_LIFE_EXIT)
		put_u64(w, "event", life->event);
	if (life->event == TFMT_LIFE_EXIT)
		put_status(w, life);
	put_string(state, "name", "name_id", life->name);
	put_string(state, "exe", "exe_id", life->exe);
	put_argv(state, life->argv);
	put_string(state, "cwd", "cwd_id", life->cwd);
	return end_line(state);
}

static int on_sample(void *opaque, const struct conv_record *record)
{
	static const char *const states[] = {
		[TFMT_STATE_RUNNING] = "running",
		[TFMT_STATE_PREEMPTED] = "preempted",
		[TFMT_STATE_BLOCKED] = "blocked",
		[TFMT_STATE_GIL] = "gil",
	};
	static const char *const flags[] = {
		"truncated", "recovered", "assumed", "unmerged", "summed", "unsampled"};
	struct json_state *state = opaque;
	const struct tfmt_sample *sample = record->sample;
	const struct conv_context *context = state->context;
	const char *syscall = NULL;
	struct jsonw *w;

	if (context->has_weight && !tfmt_weight_of(context->weight, sample))
		return 0;
	w = begin_record(state, record);
	put_u64(w, "time_ns", sample->time_ns);
	put_u64(w, "weight_ns", sample->weight_ns);
	put_thread(state, sample->thread);
	put_name(w, "state", states, sizeof(states) / sizeof(states[0]), sample->state);
	if (sample->syscall)
		syscall = tfmt_syscall_name(sample->syscall);
	if (syscall)
		put_exact(w, "syscall", syscall);
	put_some(w, "syscall_id", sample->syscall);
	put_stack(state, sample->stack);
	put_flags(w, flags, sizeof(flags) / sizeof(flags[0]), sample->flags);
	return end_line(state);
}

static int on_counter(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_counter *counter = record->counter;
	const struct tfmt_metric *metric = tfmt_trace_metric(trace, counter->metric);
	struct jsonw *w = begin_record(state, record);

	put_u64(w, "time_ns", counter->time_ns);
	if (metric->thread)
		put_thread(state, metric->thread);
	else
		put_process(state, metric->process);
	put_exact(w, "name", tfmt_trace_text(trace, metric->name));
	jsonw_key(w, "value");
	if (counter->value == TFMT_VALUE_MISSING)
		jsonw_null(w);
	else
		jsonw_i64(w, counter->value);
	put_u64(w, "metric_id", counter->metric);
	return end_line(state);
}

static int on_span(void *opaque, const struct conv_record *record)
{
	static const char *const phases[] = {
		[TFMT_SPAN_BEGIN] = "begin",
		[TFMT_SPAN_END] = "end",
	};
	static const char *const flags[] = {"scope", "call", "ccall", "exception"};
	struct json_state *state = opaque;
	const struct tfmt_span *span = record->span;
	struct tfmt_location location;
	struct jsonw *w = begin_record(state, record);

	put_u64(w, "number", record->id);
	put_name(w, "phase", phases, sizeof(phases) / sizeof(phases[0]), span->phase);
	put_u64(w, "time_ns", span->time_ns);
	put_thread(state, span->thread);
	put_string(state, "name", "name_id", span->name);
	if (span->frame) {
		tfmt_trace_locations(state->context->trace, span->frame, &location, 1);
		put_exact(w, "function", location.function);
		put_u64(w, "frame_id", span->frame);
	}
	put_flags(w, flags, sizeof(flags) / sizeof(flags[0]), span->flags);
	return end_line(state);
}

static int on_arg(void *opaque, const struct conv_record *record)
{
	static const char *const flags[] = {"cut"};
	struct json_state *state = opaque;
	const struct tfmt_arg *arg = record->arg;
	struct jsonw *w = begin_record(state, record);

	put_u64(w, "span", arg->span);
	put_string(state, "name", "name_id", arg->name);
	put_string(state, "type", "type_id", arg->type);
	put_string(state, "value", "value_id", arg->value);
	put_flags(w, flags, sizeof(flags) / sizeof(flags[0]), arg->flags);
	return end_line(state);
}

static int on_alloc(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	const struct tfmt_alloc *alloc = record->alloc;
	struct jsonw *w = begin_record(state, record);

	put_u64(w, "time_ns", alloc->time_ns);
	put_thread(state, alloc->thread);
	jsonw_key(w, "address");
	jsonw_address(w, alloc->address);
	put_u64(w, "size_bytes", alloc->size_bytes);
	put_string(state, "allocator", "allocator_id", alloc->allocator);
	put_stack(state, alloc->stack);
	return end_line(state);
}

static int on_free(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	const struct tfmt_free *release = record->free;
	struct jsonw *w = begin_record(state, record);

	put_u64(w, "time_ns", release->time_ns);
	put_thread(state, release->thread);
	jsonw_key(w, "address");
	jsonw_address(w, release->address);
	put_string(state, "allocator", "allocator_id", release->allocator);
	put_stack(state, release->stack);
	return end_line(state);
}

static int on_instant(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	const struct tfmt_instant *instant = record->instant;
	struct jsonw *w = begin_record(state, record);

	put_u64(w, "time_ns", instant->time_ns);
	put_thread(state, instant->thread);
	put_string(state, "name", "name_id", instant->name);
	put_string(state, "text", "text_id", instant->text);
	return end_line(state);
}

static int on_clock(void *opaque, const struct conv_record *record)
{
	const struct tfmt_clock *clock = record->clock;
	struct jsonw *w = begin_record(opaque, record);

	put_u64(w, "time_ns", clock->time_ns);
	jsonw_key(w, "utc_ns");
	jsonw_i64(w, clock->utc_ns);
	put_u64(w, "boottime_ns", clock->boottime_ns);
	return end_line(opaque);
}

static int on_lost(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	const struct tfmt_lost *lost = record->lost;
	struct jsonw *w = begin_record(state, record);

	put_u64(w, "time_ns", lost->time_ns);
	put_u64(w, "count", lost->count);
	put_string(state, "what", "what_id", lost->what);
	put_string(state, "reason", "reason_id", lost->reason);
	put_process(state, lost->process);
	return end_line(state);
}

static int on_cost(void *opaque, const struct conv_record *record)
{
	struct json_state *state = opaque;
	const struct tfmt_cost *cost = record->cost;
	struct jsonw *w = begin_record(state, record);

	put_u64(w, "time_ns", cost->time_ns);
	put_string(state, "name", "name_id", cost->name);
	jsonw_key(w, "value");
	jsonw_i64(w, cost->value);
	put_string(state, "unit", "unit_id", cost->unit);
	return end_line(state);
}

const struct conv_format conv_format_json = {
	.name = "json",
	.extension = ".jsonl",
	.summary = "everything, one JSON object per line, for jq and scripts (docs/JSON.md)",
	.carries = TFMT_ALL_KINDS,
	.holds_everything = true,
	.can_follow = true,
	.state_size = sizeof(struct json_state),
	.begin = json_begin,
	.on =
		{
			[TFMT_STRING] = on_string,
			[TFMT_MAPPING] = on_mapping,
			[TFMT_FRAME] = on_frame,
			[TFMT_STACK] = on_stack,
			[TFMT_PROCESS] = on_process,
			[TFMT_THREAD] = on_thread,
			[TFMT_METRIC] = on_metric,
			[TFMT_LIFE] = on_life,
			[TFMT_SAMPLE] = on_sample,
			[TFMT_COUNTER] = on_counter,
			[TFMT_SPAN] = on_span,
			[TFMT_ARG] = on_arg,
			[TFMT_ALLOC] = on_alloc,
			[TFMT_FREE] = on_free,
			[TFMT_INSTANT] = on_instant,
			[TFMT_CLOCK] = on_clock,
			[TFMT_LOST] = on_lost,
			[TFMT_COST] = on_cost,
			[TFMT_SYMBOL] = on_symbol,
		},
	.end = json_end,
};
