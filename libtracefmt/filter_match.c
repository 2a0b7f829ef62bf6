/* Is a record in? Each condition says no, yes or that it does not know. */
#include "filter_state.h"

/* In this order, so that `and` is the least, `or` the greatest, and `not` the mirror. */
enum verdict {
	VERDICT_NO,
	VERDICT_UNKNOWN,
	VERDICT_YES,
};

/* What is known of a record. */
struct subject {
	enum tfmt_kind kind; /* TFMT_NONE: any */
	bool has_time;
	int64_t time_ns;
	uint32_t process, thread; /* 0: not known */
	bool has_stack, has_frame;
	uint32_t stack, frame;
	uint64_t span; /* number of a span record, 0: it is none */
	uint32_t name;
	const struct tfmt_sample *sample;
	const struct tfmt_instant *instant;
};

static enum verdict verdict_of(bool holds)
{
	return holds ? VERDICT_YES : VERDICT_NO;
}

static enum verdict judge_id(const uint64_t *meant, uint32_t id, uint32_t count)
{
	if (!id || id > count)
		return VERDICT_UNKNOWN;
	return verdict_of(tfmt_filter__bit(meant, id));
}

static uint32_t process_of(const struct tfmt_filter *filter, const struct subject *subject)
{
	if (subject->process || !subject->thread)
		return subject->process;
	return tfmt_trace_thread(filter->trace, subject->thread)->process;
}

/* Dates are moved to the clock of the trace. */
static enum verdict judge_time(const struct tfmt_filter *filter,
	const struct tfmt_filter_condition *condition, const struct subject *subject)
{
	int64_t wanted_ns = condition->number - (condition->is_date ? filter->start_utc_ns : 0);

	if (!subject->has_time)
		return VERDICT_UNKNOWN;
	return verdict_of(tfmt_filter__compare(
		condition->op, subject->time_ns - filter->start_ns, wanted_ns));
}

static enum verdict judge_length(struct tfmt_filter *filter,
	const struct tfmt_filter_condition *condition, const struct subject *subject)
{
	if (subject->sample)
		return verdict_of(tfmt_filter__compare(condition->op,
			tfmt_filter__ns(subject->sample->weight_ns), condition->number));
	if (!subject->span || !tfmt_filter__span_bit(filter, subject->span, filter->length_slot))
		return VERDICT_UNKNOWN;
	return verdict_of(tfmt_filter__span_bit(filter, subject->span, condition->slot));
}

static enum verdict judge_name(struct tfmt_filter *filter, struct tfmt_filter_condition *condition,
	const struct subject *subject)
{
	if (subject->span && !subject->name && subject->frame <= filter->counts[TFMT_FRAME])
		return verdict_of(tfmt_filter__bit(condition->frames, subject->frame));
	if (!subject->span && !subject->instant)
		return VERDICT_UNKNOWN;
	return verdict_of(tfmt_filter__holds_of_string(
		filter, condition, subject->name, tfmt_trace_text(filter->trace, subject->name)));
}

static enum verdict judge_condition(struct tfmt_filter *filter,
	struct tfmt_filter_condition *condition, const struct subject *subject)
{
	switch (condition->field) {
	case FIELD_KIND:
		return subject->kind ? verdict_of(condition->mask >> subject->kind & 1)
				     : VERDICT_UNKNOWN;
	case FIELD_TIME:
		return judge_time(filter, condition, subject);
	case FIELD_DUR:
		return judge_length(filter, condition, subject);
	case FIELD_PID:
	case FIELD_PROCESS:
		return judge_id(condition->meant, process_of(filter, subject),
			filter->counts[TFMT_PROCESS]);
	case FIELD_TID:
	case FIELD_THREAD:
		return judge_id(condition->meant, subject->thread, filter->counts[TFMT_THREAD]);
	case FIELD_STATE:
		return subject->sample ? verdict_of(condition->mask >> subject->sample->state & 1)
				       : VERDICT_UNKNOWN;
	case FIELD_SYSCALL:
		return subject->sample ? verdict_of(tfmt_filter__bit(
						 condition->meant, subject->sample->syscall))
				       : VERDICT_UNKNOWN;
	case FIELD_NAME:
		return judge_name(filter, condition, subject);
	default: /* arg.NAME */
		if (!subject->span ||
			!tfmt_filter__span_bit(filter, subject->span, condition->slot + 1))
			return VERDICT_UNKNOWN;
		return verdict_of(tfmt_filter__span_bit(filter, subject->span, condition->slot));
	}
}

static enum verdict judge_frames(const struct tfmt_filter *filter,
	const struct tfmt_filter_node *node, const struct subject *subject)
{
	uint32_t frame = subject->frame;

	if (subject->has_stack && subject->stack > filter->counts[TFMT_STACK])
		return VERDICT_NO;
	if (subject->has_stack && node->type == NODE_ANY_FRAME)
		return verdict_of(tfmt_filter__bit(node->stacks, subject->stack));
	if (subject->has_stack)
		frame = tfmt_trace_stack(filter->trace, subject->stack)->frame;
	else if (!subject->has_frame)
		return VERDICT_UNKNOWN;
	return verdict_of(
		frame <= filter->counts[TFMT_FRAME] && tfmt_filter__bit(node->frames, frame));
}

/* The text of an instant is asked for as `value`; names and types of arguments it has not. */
static bool is_about_value(const struct tfmt_filter *filter, uint32_t id)
{
	const struct tfmt_filter_node *node = &filter->nodes[id];
	uint32_t child;

	if (node->type == NODE_CONDITION)
		return filter->conditions[node->condition].field == FIELD_VALUE;
	for (child = node->first_child; child; child = filter->nodes[child].next)
		if (!is_about_value(filter, child))
			return false;
	return true;
}

static enum verdict judge_arguments(struct tfmt_filter *filter, const struct tfmt_filter_node *node,
	const struct subject *subject)
{
	struct tfmt_arg arg = {0};

	if (subject->span)
		return verdict_of(tfmt_filter__span_bit(filter, subject->span, node->slot));
	if (!subject->instant || !is_about_value(filter, node->first_child))
		return VERDICT_UNKNOWN;
	arg.value = subject->instant->text;
	return verdict_of(tfmt_filter__node_holds_of_argument(filter, node->first_child, &arg));
}

static enum verdict judge(struct tfmt_filter *filter, uint32_t id, const struct subject *subject)
{
	const struct tfmt_filter_node *node = &filter->nodes[id];
	enum verdict verdict, last;
	uint32_t child;

	switch (node->type) {
	case NODE_CONDITION:
		return judge_condition(filter, &filter->conditions[node->condition], subject);
	case NODE_ANY_FRAME:
	case NODE_LEAF_FRAME:
		return judge_frames(filter, node, subject);
	case NODE_ANY_ARGUMENT:
		return judge_arguments(filter, node, subject);
	case NODE_NOT:
		return VERDICT_YES - judge(filter, node->first_child, subject);
	default:
		break;
	}
	last = node->type == NODE_AND ? VERDICT_NO : VERDICT_YES;
	verdict = VERDICT_YES - last;
	for (child = node->first_child; child && verdict != last;
		child = filter->nodes[child].next) {
		enum verdict other = judge(filter, child, subject);

		if (node->type == NODE_AND ? other < verdict : other > verdict)
			verdict = other;
	}
	return verdict;
}

static void set_time(struct subject *subject, uint64_t time_ns)
{
	subject->has_time = true;
	subject->time_ns = tfmt_filter__ns(time_ns);
}

static void set_stack(struct subject *subject, uint64_t time_ns, uint32_t thread, uint32_t stack)
{
	set_time(subject, time_ns);
	subject->thread = thread;
	subject->has_stack = true;
	subject->stack = stack;
}

/* What happened in the program. Returns false for what only stands beside it, and for tables. */
static bool describe_event(struct subject *subject, const void *row, uint64_t id)
{
	const struct tfmt_span *span = row;
	const struct tfmt_alloc *alloc = row;
	const struct tfmt_free *release = row;

	switch (subject->kind) {
	case TFMT_SAMPLE:
		subject->sample = row;
		set_stack(subject, subject->sample->time_ns, subject->sample->thread,
			subject->sample->stack);
		return true;
	case TFMT_SPAN:
		set_time(subject, span->time_ns);
		subject->thread = span->thread;
		subject->has_frame = true;
		subject->frame = span->frame;
		subject->name = span->name;
		subject->span = id;
		return true;
	case TFMT_ALLOC:
		set_stack(subject, alloc->time_ns, alloc->thread, alloc->stack);
		return true;
	case TFMT_FREE:
		set_stack(subject, release->time_ns, release->thread, release->stack);
		return true;
	case TFMT_INSTANT:
		subject->instant = row;
		set_time(subject, subject->instant->time_ns);
		subject->thread = subject->instant->thread;
		subject->name = subject->instant->name;
		return true;
	default:
		return false;
	}
}

/* Lives give names to processes, whenever they came: they have no time here. */
static void describe_context(
	const struct tfmt_filter *filter, struct subject *subject, const void *row)
{
	const struct tfmt_life *life = row;
	const struct tfmt_counter *counter = row;
	const struct tfmt_clock *clock = row;
	const struct tfmt_lost *lost = row;
	const struct tfmt_cost *cost = row;
	const struct tfmt_metric *metric;

	switch (subject->kind) {
	case TFMT_LIFE:
		subject->process = life->process;
		subject->thread = life->thread;
		break;
	case TFMT_COUNTER:
		metric = tfmt_trace_metric(filter->trace, counter->metric);
		set_time(subject, counter->time_ns);
		subject->process = metric->process;
		subject->thread = metric->thread;
		break;
	case TFMT_CLOCK:
		set_time(subject, clock->time_ns);
		break;
	case TFMT_LOST:
		set_time(subject, lost->time_ns);
		subject->process = lost->process;
		break;
	case TFMT_COST:
		set_time(subject, cost->time_ns);
		break;
	default:
		break;
	}
}

bool tfmt_filter_takes(
	struct tfmt_filter *filter, enum tfmt_kind kind, const void *row, uint64_t id)
{
	struct subject subject = {.kind = kind};

	if (!filter->trace || kind < TFMT_LIFE || kind > TFMT_COST || kind == TFMT_ARG)
		return true;
	if (describe_event(&subject, row, id))
		return judge(filter, filter->root, &subject) == VERDICT_YES;
	describe_context(filter, &subject, row);
	return judge(filter, filter->root, &subject) != VERDICT_NO;
}

bool tfmt_filter_takes_process(struct tfmt_filter *filter, uint32_t process)
{
	const struct subject subject = {.process = process};

	return !filter->trace || judge(filter, filter->root, &subject) != VERDICT_NO;
}

bool tfmt_filter_takes_thread(struct tfmt_filter *filter, uint32_t thread)
{
	const struct subject subject = {.thread = thread};

	return !filter->trace || judge(filter, filter->root, &subject) != VERDICT_NO;
}
