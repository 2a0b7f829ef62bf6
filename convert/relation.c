#include "relation.h"

#include <stdlib.h>

#include "num.h"
#include "select.h"
#include "tracefmt/tracefmt.h"

const struct relation_schema relation_schemas[RELATION_TABLE_COUNT] = {
	[RELATION_TRACE] = {"trace", {"key$", "value$"}},
	[RELATION_PROCESS] = {"process",
		{"id", "pid", "ppid", "parent_id", "name$", "exe$", "command$", "cwd$", "start_ns",
			"end_ns", "status$", "exit_code", "signal"}},
	[RELATION_THREAD] = {"thread", {"id", "process_id", "tid", "name$", "start_ns", "end_ns"}},
	[RELATION_MAPPING] = {"mapping", {"id", "path$", "build_id$"}},
	[RELATION_FUNCTION] = {"function",
		{"id", "name$", "module$", "file$", "line", "language$"}},
	[RELATION_STACK] = {"stack", {"id", "parent_id", "function_id", "depth"}},
	[RELATION_SAMPLE] = {"sample", {"time_ns", "thread_id", "stack_id", "state$", "samples",
					       "weight_ns", "syscall$", "is_sum"}},
	[RELATION_METRIC] = {"metric",
		{"id", "name$", "unit$", "help$", "type$", "process_id", "thread_id"}},
	[RELATION_COUNTER] = {"counter", {"metric_id", "time_ns", "value"}},
	[RELATION_SPAN] = {"span", {"id", "thread_id", "parent_id", "name$", "begin_ns", "end_ns",
					   "end_id", "left_by_exception"}},
	[RELATION_ARG] = {"arg", {"record_id", "name$", "type$", "value$", "is_cut"}},
	[RELATION_INSTANT] = {"instant", {"time_ns", "thread_id", "name$", "text$"}},
	[RELATION_LIFE] = {"life", {"time_ns", "process_id", "thread_id", "event$", "name$", "exe$",
					   "exit_code", "signal"}},
	[RELATION_ALLOC] = {"alloc",
		{"time_ns", "thread_id", "stack_id", "address", "size_bytes", "allocator$"}},
	[RELATION_FREE] = {"free", {"time_ns", "thread_id", "stack_id", "address", "allocator$"}},
	[RELATION_CLOCK] = {"clock", {"time_ns", "utc_ns", "boottime_ns"}},
	[RELATION_LOST] = {"lost", {"time_ns", "process_id", "what$", "count", "reason$"}},
	[RELATION_COST] = {"cost", {"time_ns", "name$", "value", "unit$"}},
};

bool relation_has_table(const char *name)
{
	int table;

	for (table = 0; table < RELATION_TABLE_COUNT; table++)
		if (!strcmp(relation_schemas[table].name, name))
			return true;
	return false;
}

/* A span whose end has not come. */
struct relation_open_span {
	uint32_t outer; /* the one around it, 0: none; or the next free row */
	uint64_t id;	/* number of the record that began it */
	uint64_t begin_ns;
	uint32_t thread, name, frame;
};

/* --- values --- */

static struct relation_value number(int64_t value)
{
	return (struct relation_value){.number = value};
}

static struct relation_value nothing(void)
{
	return (struct relation_value){.is_null = true};
}

/* An id, a pid, a line: 0 is none. */
static struct relation_value reference(uint64_t value)
{
	return value ? number((int64_t)value) : nothing();
}

/* Empty is nothing. */
static struct relation_value text(const char *value)
{
	return *value ? (struct relation_value){.text = value} : nothing();
}

static struct relation_value string(const struct relation *relation, uint32_t id)
{
	return text(tfmt_trace_text(relation->context->trace, id));
}

/* Since the start of the trace; what was before it is negative. */
static struct relation_value time_of(const struct relation *relation, uint64_t time_ns)
{
	return number((int64_t)(time_ns - relation->context->header->time_ns));
}

static struct relation_value known_time(const struct relation *relation, uint64_t time_ns)
{
	return time_ns ? time_of(relation, time_ns) : nothing();
}

static struct relation_value status_if(uint8_t wanted, uint8_t type, int32_t status)
{
	return type == wanted ? number(status) : nothing();
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int put_row(struct relation *relation, enum relation_table table,
	const struct relation_value *values, size_t count)
{
	return relation->put(relation->backend, table, values, count);
}

/* --- what is known from the start --- */

static int put_fact(struct relation *relation, const char *key, const char *value)
{
	const struct relation_value values[] = {text(key), text(value)};

	return *value ? put_row(relation, RELATION_TRACE, values, COUNT_OF(values)) : 0;
}

static int put_number_fact(struct relation *relation, const char *key, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	return put_fact(relation, key, digits);
}

static int put_notes(struct relation *relation)
{
	const struct tfmt_header *header = relation->context->header;
	char key[128];
	size_t i;
	int status = 0;

	for (i = 0; !status && i < header->note_count; i++) {
		snprintf(key, sizeof(key), "note: %.100s", header->notes[i].name);
		status = put_fact(relation, key, header->notes[i].text);
	}
	return status;
}

static int put_trace(struct relation *relation)
{
	const struct tfmt_header *header = relation->context->header;
	const struct {
		const char *key, *value;
	} facts[] = {
		{"recorder", header->recorder},
		{"host", header->host},
		{"os", header->os},
		{"machine", header->machine},
		{"cwd", header->cwd},
		{"boot_id", header->boot_id},
	};
	size_t i;
	int status = 0;

	for (i = 0; !status && i < COUNT_OF(facts); i++)
		status = put_fact(relation, facts[i].key, facts[i].value);
	if (!status)
		status = put_number_fact(relation, "utc_ns", header->utc_ns);
	if (!status)
		status = put_number_fact(relation, "monotonic_ns", (int64_t)header->time_ns);
	if (!status)
		status = put_number_fact(relation, "cpu_count", header->cpu_count);
	if (!status)
		status = put_number_fact(relation, "memory_bytes", (int64_t)header->memory_bytes);
	if (!status)
		status = put_number_fact(relation, "rate_hz", header->rate_hz);
	if (!status)
		status = put_number_fact(relation, "interval_ns", (int64_t)header->interval_ns);
	return status ? status : put_notes(relation);
}

static int put_process(struct relation *relation, uint32_t id)
{
	static const char *const statuses[] = {
		[TFMT_STATUS_UNKNOWN] = "unknown",
		[TFMT_STATUS_EXITED] = "exited",
		[TFMT_STATUS_SIGNALED] = "signaled",
		[TFMT_STATUS_ALIVE] = "alive",
	};
	const struct tfmt_process_info *process = tfmt_trace_process(relation->context->trace, id);
	uint8_t type = process->status_type;
	char command[4096];

	tfmt_trace_command(relation->context->trace, id, command, sizeof(command));
	const struct relation_value values[] = {
		number(id),
		number(process->pid),
		reference(process->ppid),
		reference(process->parent),
		string(relation, process->name),
		string(relation, process->exe),
		text(command),
		string(relation, process->cwd),
		known_time(relation, process->start_ns),
		known_time(relation, process->end_ns),
		text(type < COUNT_OF(statuses) ? statuses[type] : "unknown"),
		status_if(TFMT_STATUS_EXITED, type, process->status),
		status_if(TFMT_STATUS_SIGNALED, type, process->status),
	};
	return put_row(relation, RELATION_PROCESS, values, COUNT_OF(values));
}

static int put_thread(struct relation *relation, uint32_t id)
{
	const struct tfmt_thread_info *thread = tfmt_trace_thread(relation->context->trace, id);
	const struct relation_value values[] = {
		number(id),
		reference(thread->process),
		number(thread->tid),
		string(relation, thread->name),
		known_time(relation, thread->start_ns),
		known_time(relation, thread->end_ns),
	};

	return put_row(relation, RELATION_THREAD, values, COUNT_OF(values));
}

static int put_mapping(struct relation *relation, uint32_t id)
{
	const struct tfmt_trace *trace = relation->context->trace;
	const struct tfmt_mapping *mapping = tfmt_trace_mapping(trace, id);
	const struct tfmt_string *bytes = tfmt_trace_string(trace, mapping->build_id);
	char build_id[2 * 64 + 1] = "";
	size_t i;

	for (i = 0; mapping->build_id && i < bytes->length && i < 64; i++)
		sprintf(build_id + 2 * i, "%02x", (unsigned char)bytes->data[i]);
	const struct relation_value values[] = {
		number(id), string(relation, mapping->path), text(build_id)};
	return put_row(relation, RELATION_MAPPING, values, COUNT_OF(values));
}

static int put_metric(struct relation *relation, uint32_t id)
{
	const struct tfmt_metric *metric = tfmt_trace_metric(relation->context->trace, id);
	const struct relation_value values[] = {
		number(id),
		string(relation, metric->name),
		string(relation, metric->unit),
		string(relation, metric->help),
		text(metric->type == TFMT_METRIC_GAUGE ? "gauge" : "cumulative"),
		reference(metric->process),
		reference(metric->thread),
	};

	return put_row(relation, RELATION_METRIC, values, COUNT_OF(values));
}

int relation_begin(struct relation *relation, const struct conv_context *context,
	relation_put_fn *put, void *backend)
{
	const struct tfmt_trace *trace = context->trace;
	uint32_t id;
	int status;

	relation->context = context;
	relation->put = put;
	relation->backend = backend;
	relation->thread_count = tfmt_trace_count(trace, TFMT_THREAD) + 1;
	relation->innermost = calloc(relation->thread_count, sizeof(*relation->innermost));
	status = conv_stacks_init(&relation->stacks, trace);
	if (status || !relation->innermost)
		return TFMT_E_NOMEM;
	status = put_trace(relation);
	for (id = 1; !status && id <= tfmt_trace_count(trace, TFMT_PROCESS); id++)
		if (conv_select_process(context->select, id))
			status = put_process(relation, id);
	for (id = 1; !status && id <= tfmt_trace_count(trace, TFMT_THREAD); id++)
		if (conv_select_thread(context->select, id))
			status = put_thread(relation, id);
	for (id = 1; !status && id <= tfmt_trace_count(trace, TFMT_MAPPING); id++)
		status = put_mapping(relation, id);
	for (id = 1; !status && id <= tfmt_trace_count(trace, TFMT_METRIC); id++)
		status = put_metric(relation, id);
	return status;
}

void relation_release(struct relation *relation)
{
	conv_stacks_release(&relation->stacks);
	free(relation->open);
	free(relation->innermost);
}

/* --- records --- */

/* As --json: with a weight that is asked for, samples that have no part in it are left out. */
int relation_on_sample(void *state, const struct conv_record *record)
{
	static const char *const states[] = {
		[TFMT_STATE_RUNNING] = "running",
		[TFMT_STATE_PREEMPTED] = "preempted",
		[TFMT_STATE_BLOCKED] = "blocked",
		[TFMT_STATE_GIL] = "gil",
	};
	struct relation *relation = state;
	const struct conv_context *context = relation->context;
	const struct tfmt_sample *sample = record->sample;
	const char *syscall = sample->syscall ? tfmt_syscall_name(sample->syscall) : NULL;
	uint32_t node;
	int status;

	relation->sample_count++;
	if (context->has_weight && !tfmt_weight_of(context->weight, sample))
		return 0;
	relation->taken_count++;
	status = conv_stacks_add_sample(&relation->stacks, sample, &node);
	if (status)
		return status;
	const struct relation_value values[] = {
		time_of(relation, sample->time_ns),
		reference(sample->thread),
		number(node),
		text(sample->state < COUNT_OF(states) ? states[sample->state] : "unknown"),
		number((int64_t)tfmt_weight_of(TFMT_WEIGHT_SAMPLES, sample)),
		number((int64_t)sample->weight_ns),
		text(syscall ? syscall : ""),
		number((sample->flags & (TFMT_SAMPLE_SUMMED | TFMT_SAMPLE_UNSAMPLED)) != 0),
	};
	return put_row(relation, RELATION_SAMPLE, values, COUNT_OF(values));
}

int relation_on_counter(void *state, const struct conv_record *record)
{
	struct relation *relation = state;
	const struct tfmt_counter *counter = record->counter;
	const struct relation_value values[] = {
		number(counter->metric),
		time_of(relation, counter->time_ns),
		counter->value == TFMT_VALUE_MISSING ? nothing() : number(counter->value),
	};

	return put_row(relation, RELATION_COUNTER, values, COUNT_OF(values));
}

/* A row for an open span, 0: no memory. */
static uint32_t take_row(struct relation *relation)
{
	uint32_t row = relation->first_free, capacity = 2 * relation->open_capacity + 64;
	struct relation_open_span *grown;

	if (row) {
		relation->first_free = relation->open[row].outer;
		return row;
	}
	if (relation->open_count + 1 >= relation->open_capacity) {
		grown = reallocarray(relation->open, capacity, sizeof(*grown));
		if (!grown)
			return 0;
		relation->open = grown;
		relation->open_capacity = capacity;
	}
	return ++relation->open_count;
}

static int open_span(
	struct relation *relation, uint32_t *innermost, const struct tfmt_span *span, uint64_t id)
{
	uint32_t row = take_row(relation);

	if (!row)
		return TFMT_E_NOMEM;
	relation->open[row] = (struct relation_open_span){
		.outer = *innermost,
		.id = id,
		.begin_ns = span->time_ns,
		.thread = span->thread,
		.name = span->name,
		.frame = span->frame,
	};
	*innermost = row;
	return 0;
}

/* Write the innermost span of a thread and forget it; `end` NULL: it never ended. */
static int close_span(struct relation *relation, uint32_t *innermost, const struct tfmt_span *end,
	uint64_t end_id)
{
	const struct relation_open_span span = relation->open[*innermost];
	const struct tfmt_trace *trace = relation->context->trace;
	struct tfmt_location location = {.function = tfmt_trace_text(trace, span.name)};

	if (!span.name)
		tfmt_trace_locations(trace, span.frame, &location, 1);
	relation->open[*innermost].outer = relation->first_free;
	relation->first_free = *innermost;
	*innermost = span.outer;
	const struct relation_value values[] = {
		number((int64_t)span.id),
		reference(span.thread),
		span.outer ? number((int64_t)relation->open[span.outer].id) : nothing(),
		text(location.function),
		time_of(relation, span.begin_ns),
		end ? time_of(relation, end->time_ns) : nothing(),
		reference(end_id),
		number(end && (end->flags & TFMT_SPAN_EXCEPTION)),
	};
	return put_row(relation, RELATION_SPAN, values, COUNT_OF(values));
}

int relation_on_span(void *state, const struct conv_record *record)
{
	struct relation *relation = state;
	const struct tfmt_span *span = record->span;
	uint32_t *innermost =
		&relation->innermost[span->thread < relation->thread_count ? span->thread : 0];

	if (span->phase == TFMT_SPAN_BEGIN)
		return open_span(relation, innermost, span, record->id);
	if (*innermost)
		return close_span(relation, innermost, span, record->id);
	relation->orphan_count++;
	return 0;
}

int relation_on_arg(void *state, const struct conv_record *record)
{
	struct relation *relation = state;
	const struct tfmt_arg *arg = record->arg;
	const struct relation_value values[] = {
		number((int64_t)arg->span),
		string(relation, arg->name),
		string(relation, arg->type),
		string(relation, arg->value),
		number((arg->flags & TFMT_ARG_CUT) != 0),
	};

	return put_row(relation, RELATION_ARG, values, COUNT_OF(values));
}

int relation_on_instant(void *state, const struct conv_record *record)
{
	struct relation *relation = state;
	const struct tfmt_instant *instant = record->instant;
	const struct relation_value values[] = {
		time_of(relation, instant->time_ns),
		reference(instant->thread),
		string(relation, instant->name),
		string(relation, instant->text),
	};

	return put_row(relation, RELATION_INSTANT, values, COUNT_OF(values));
}

int relation_on_life(void *state, const struct conv_record *record)
{
	static const char *const events[] = {
		[TFMT_LIFE_START] = "start",
		[TFMT_LIFE_EXEC] = "exec",
		[TFMT_LIFE_NAME] = "name",
		[TFMT_LIFE_EXIT] = "exit",
	};
	struct relation *relation = state;
	const struct tfmt_life *life = record->life;
	uint8_t type = life->event == TFMT_LIFE_EXIT ? life->status_type : TFMT_STATUS_UNKNOWN;
	const struct relation_value values[] = {
		time_of(relation, life->time_ns),
		reference(life->process),
		reference(life->thread),
		text(type == TFMT_STATUS_ALIVE		 ? "alive"
			: life->event < COUNT_OF(events) ? events[life->event]
							 : "unknown"),
		string(relation, life->name),
		string(relation, life->exe),
		status_if(TFMT_STATUS_EXITED, type, life->status),
		status_if(TFMT_STATUS_SIGNALED, type, life->status),
	};

	return put_row(relation, RELATION_LIFE, values, COUNT_OF(values));
}

int relation_on_alloc(void *state, const struct conv_record *record)
{
	struct relation *relation = state;
	const struct tfmt_alloc *alloc = record->alloc;
	uint32_t node;
	int status = conv_stacks_add(&relation->stacks, alloc->stack, &node);

	if (status)
		return status;
	const struct relation_value values[] = {
		time_of(relation, alloc->time_ns),
		reference(alloc->thread),
		reference(node),
		number((int64_t)alloc->address),
		number((int64_t)alloc->size_bytes),
		string(relation, alloc->allocator),
	};
	return put_row(relation, RELATION_ALLOC, values, COUNT_OF(values));
}

int relation_on_free(void *state, const struct conv_record *record)
{
	struct relation *relation = state;
	const struct tfmt_free *free_row = record->free;
	uint32_t node;
	int status = conv_stacks_add(&relation->stacks, free_row->stack, &node);

	if (status)
		return status;
	const struct relation_value values[] = {
		time_of(relation, free_row->time_ns),
		reference(free_row->thread),
		reference(node),
		number((int64_t)free_row->address),
		string(relation, free_row->allocator),
	};
	return put_row(relation, RELATION_FREE, values, COUNT_OF(values));
}

int relation_on_clock(void *state, const struct conv_record *record)
{
	struct relation *relation = state;
	const struct tfmt_clock *clock = record->clock;
	const struct relation_value values[] = {
		time_of(relation, clock->time_ns),
		number(clock->utc_ns),
		number((int64_t)clock->boottime_ns),
	};

	return put_row(relation, RELATION_CLOCK, values, COUNT_OF(values));
}

int relation_on_lost(void *state, const struct conv_record *record)
{
	struct relation *relation = state;
	const struct tfmt_lost *lost = record->lost;
	const struct relation_value values[] = {
		time_of(relation, lost->time_ns),
		reference(lost->process),
		string(relation, lost->what),
		number((int64_t)lost->count),
		string(relation, lost->reason),
	};

	return put_row(relation, RELATION_LOST, values, COUNT_OF(values));
}

int relation_on_cost(void *state, const struct conv_record *record)
{
	struct relation *relation = state;
	const struct tfmt_cost *cost = record->cost;
	const struct relation_value values[] = {
		time_of(relation, cost->time_ns),
		string(relation, cost->name),
		number(cost->value),
		string(relation, cost->unit),
	};

	return put_row(relation, RELATION_COST, values, COUNT_OF(values));
}

/* --- the end --- */

static int put_function(struct relation *relation, uint32_t id)
{
	static const char *const languages[] = {
		[TFMT_LANG_NATIVE] = "native",
		[TFMT_LANG_KERNEL] = "kernel",
		[TFMT_LANG_PYTHON] = "python",
		[TFMT_LANG_JIT] = "jit",
	};
	const struct tfmt_location *location = &relation->stacks.functions[id].location;
	bool is_code = location->mapping || location->function_id;
	const struct relation_value values[] = {
		number(id),
		text(location->function),
		text(location->module),
		text(location->file),
		reference(location->line),
		is_code && location->language < COUNT_OF(languages)
			? text(languages[location->language])
			: nothing(),
	};

	return put_row(relation, RELATION_FUNCTION, values, COUNT_OF(values));
}

static int put_stack(struct relation *relation, uint32_t id)
{
	const struct conv_node *node = &relation->stacks.nodes[id];
	const struct relation_value values[] = {
		number(id), reference(node->parent), number(node->function), number(node->depth)};

	return put_row(relation, RELATION_STACK, values, COUNT_OF(values));
}

int relation_end(struct relation *relation)
{
	const struct msg *msg = relation->context->msg;
	char count[NUM_TEXT_BYTES];
	uint32_t id;
	int status = 0;

	for (id = 1; !status && id < relation->stacks.function_count; id++)
		status = put_function(relation, id);
	for (id = 1; !status && id < relation->stacks.node_count; id++)
		status = put_stack(relation, id);
	for (id = 0; !status && id < relation->thread_count; id++)
		while (!status && relation->innermost[id])
			status = close_span(relation, &relation->innermost[id], NULL, 0);
	if (status)
		return status;
	if (relation->orphan_count)
		msg_warn(msg,
			"left out: the end of %s span%s whose beginning is not in the selected part",
			num_count(count, relation->orphan_count),
			relation->orphan_count == 1 ? "" : "s");
	if (relation->sample_count && !relation->taken_count)
		conv_warn_weightless(relation->context);
	return 0;
}
