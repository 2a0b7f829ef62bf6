/* Answers about the tables of a trace, found once: what is left for each record are lookups. */
#include "filter_state.h"

#include <stdlib.h>
#include <string.h>

#define MAX_INLINED	256
#define SYSCALL_NUMBERS ((size_t)UINT16_MAX + 1)

static uint64_t *new_bits(size_t count)
{
	return calloc(count / 64 + 1, sizeof(uint64_t));
}

void tfmt_filter__unbind(struct tfmt_filter *filter)
{
	for (size_t i = 0; i < filter->condition_count; i++) {
		struct tfmt_filter_condition *condition = &filter->conditions[i];

		free(condition->meant);
		free(condition->memo);
		free(condition->frames);
		condition->meant = condition->frames = NULL;
		condition->memo = NULL;
	}
	for (size_t i = 1; i < filter->node_count; i++) {
		free(filter->nodes[i].frames);
		free(filter->nodes[i].stacks);
		filter->nodes[i].frames = filter->nodes[i].stacks = NULL;
	}
	for (size_t i = 0; i < filter->page_count; i++)
		free(filter->pages[i].words);
	free(filter->pages);
	filter->pages = NULL;
	filter->page_count = filter->page_capacity = filter->last_page = 0;
	free(filter->names);
	free(filter->arguments);
	free(filter->types);
	filter->names = filter->arguments = filter->types = NULL;
	free(filter->warnings);
	filter->warnings = NULL;
	filter->warning_count = filter->warning_capacity = 0;
	tfmt_arena__release(&filter->texts);
	filter->trace = NULL;
}

static int bind_processes(struct tfmt_filter *filter, struct tfmt_filter_condition *condition)
{
	uint32_t count = filter->counts[TFMT_PROCESS];

	condition->meant = new_bits(count);
	if (!condition->meant)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= count; id++) {
		bool holds = condition->field == FIELD_PROCESS
				     ? tfmt_filter__holds_of_process(filter, condition, id)
				     : tfmt_filter__compare(condition->op,
					       tfmt_trace_process(filter->trace, id)->pid,
					       condition->number);

		if (holds)
			tfmt_filter__set_bit(condition->meant, id);
	}
	return 0;
}

static int bind_threads(struct tfmt_filter *filter, struct tfmt_filter_condition *condition)
{
	uint32_t count = filter->counts[TFMT_THREAD];

	condition->meant = new_bits(count);
	if (!condition->meant)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= count; id++) {
		const struct tfmt_thread_info *thread = tfmt_trace_thread(filter->trace, id);
		bool holds = condition->field == FIELD_THREAD
				     ? tfmt_filter__holds_of_string(filter, condition, thread->name,
					       tfmt_trace_text(filter->trace, thread->name))
				     : tfmt_filter__compare(
					       condition->op, thread->tid, condition->number);

		if (holds)
			tfmt_filter__set_bit(condition->meant, id);
	}
	return 0;
}

static int bind_syscalls(struct tfmt_filter_condition *condition)
{
	condition->meant = new_bits(SYSCALL_NUMBERS);
	if (!condition->meant)
		return TFMT_E_NOMEM;
	for (size_t number = 0; number < SYSCALL_NUMBERS; number++) {
		const char *name = tfmt_syscall_name((uint16_t)number);

		if (name && tfmt_filter_text__matches(&condition->text, name, strlen(name)))
			tfmt_filter__set_bit(condition->meant, number);
	}
	return 0;
}

static int bind_date(const struct tfmt_filter *filter,
	const struct tfmt_filter_condition *condition, struct tfmt_error *err)
{
	if (!condition->is_date || filter->start_utc_ns > 0)
		return 0;
	return tfmt_error_set(err, TFMT_E_ARG, condition->value_offset,
		"the trace does not say on which date it was recorded: a time since its start, "
		"such as 1.5s, is possible");
}

static int bind_condition(
	struct tfmt_filter *filter, struct tfmt_filter_condition *condition, struct tfmt_error *err)
{
	if (condition->is_text) {
		condition->memo = calloc((size_t)filter->counts[TFMT_STRING] + 1, 1);
		if (!condition->memo)
			return TFMT_E_NOMEM;
	}
	switch (condition->field) {
	case FIELD_PID:
	case FIELD_PROCESS:
		return bind_processes(filter, condition);
	case FIELD_TID:
	case FIELD_THREAD:
		return bind_threads(filter, condition);
	case FIELD_SYSCALL:
		return bind_syscalls(condition);
	case FIELD_NAME:
		condition->frames = new_bits(filter->counts[TFMT_FRAME]);
		return condition->frames ? 0 : TFMT_E_NOMEM;
	default:
		return bind_date(filter, condition, err);
	}
}

/* Does the node hold of the frame: of any function inlined there, or of the innermost? */
static bool holds_of_frame(struct tfmt_filter *filter, const struct tfmt_filter_node *node,
	const struct tfmt_location *locations, size_t count)
{
	if (node->type == NODE_LEAF_FRAME)
		count = 1;
	for (size_t i = 0; i < count; i++)
		if (tfmt_filter__node_holds_of_location(filter, node->first_child, &locations[i]))
			return true;
	return false;
}

static void look_at_frame(struct tfmt_filter *filter, uint32_t frame)
{
	struct tfmt_location locations[MAX_INLINED];
	size_t count = tfmt_trace_locations(filter->trace, frame, locations, MAX_INLINED);

	if (count > MAX_INLINED)
		count = MAX_INLINED;
	for (size_t i = 1; i < filter->node_count; i++) {
		struct tfmt_filter_node *node = &filter->nodes[i];

		if (node->frames && holds_of_frame(filter, node, locations, count))
			tfmt_filter__set_bit(node->frames, frame);
	}
	for (size_t i = 0; i < filter->condition_count; i++) {
		struct tfmt_filter_condition *condition = &filter->conditions[i];

		if (condition->frames &&
			tfmt_filter__holds_of_location(filter, condition, &locations[0]))
			tfmt_filter__set_bit(condition->frames, frame);
	}
}

/* Callers come before what they call: a stack has what its caller has. */
static void spread_to_stacks(struct tfmt_filter *filter, struct tfmt_filter_node *node)
{
	for (uint32_t id = 1; id <= filter->counts[TFMT_STACK]; id++) {
		const struct tfmt_stack *stack = tfmt_trace_stack(filter->trace, id);

		if ((stack->parent < id && tfmt_filter__bit(node->stacks, stack->parent)) ||
			(stack->frame <= filter->counts[TFMT_FRAME] &&
				tfmt_filter__bit(node->frames, stack->frame)))
			tfmt_filter__set_bit(node->stacks, id);
	}
}

static int bind_frames(struct tfmt_filter *filter)
{
	bool has_any = false;

	for (size_t i = 0; i < filter->condition_count; i++)
		has_any |= filter->conditions[i].frames != NULL;
	for (size_t i = 1; i < filter->node_count; i++) {
		struct tfmt_filter_node *node = &filter->nodes[i];

		if (node->type != NODE_ANY_FRAME && node->type != NODE_LEAF_FRAME)
			continue;
		has_any = true;
		node->frames = new_bits(filter->counts[TFMT_FRAME]);
		node->stacks =
			node->type == NODE_ANY_FRAME ? new_bits(filter->counts[TFMT_STACK]) : NULL;
		if (!node->frames || (node->type == NODE_ANY_FRAME && !node->stacks))
			return TFMT_E_NOMEM;
	}
	for (uint32_t frame = 1; has_any && frame <= filter->counts[TFMT_FRAME]; frame++)
		look_at_frame(filter, frame);
	for (size_t i = 1; i < filter->node_count; i++)
		if (filter->nodes[i].stacks)
			spread_to_stacks(filter, &filter->nodes[i]);
	return 0;
}

int tfmt_filter_bind(struct tfmt_filter *filter, struct tfmt_reader *reader, struct tfmt_error *err)
{
	const struct tfmt_header *header = tfmt_reader_header(reader);
	int status = 0;

	tfmt_filter__unbind(filter);
	filter->trace = tfmt_reader_trace(reader);
	for (enum tfmt_kind kind = TFMT_STRING; kind <= TFMT_METRIC; kind++)
		filter->counts[kind] = tfmt_trace_count(filter->trace, kind);
	filter->start_ns = tfmt_filter__ns(header->time_ns);
	/* No real date is near the end of what 64 bits can tell. */
	filter->start_utc_ns = header->utc_ns > INT64_MAX / 2 ? INT64_MAX / 2 : header->utc_ns;
	for (size_t i = 0; !status && i < filter->condition_count; i++)
		status = bind_condition(filter, &filter->conditions[i], err);
	if (!status)
		status = bind_frames(filter);
	if (!status)
		status = tfmt_filter__look_at_spans(filter, reader, err);
	if (!status)
		status = tfmt_filter__warn(filter);
	if (status == TFMT_E_NOMEM)
		tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory");
	if (status)
		tfmt_filter__unbind(filter);
	return status;
}
