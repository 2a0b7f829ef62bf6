/*
 * Which conditions are about one and the same thing. A record has many frames and many arguments;
 * `func == 'a' and func == 'b'` means two frames, but `arg == 'n' and value == '3'` one argument.
 */
#include "filter_state.h"

static bool has_children(const struct tfmt_filter_node *node)
{
	return node->type == NODE_AND || node->type == NODE_OR || node->type == NODE_NOT;
}

/* What all conditions below are about; SCOPE_RECORD when that differs. */
static enum tfmt_filter_scope find_scope(const struct tfmt_filter *filter, uint32_t id)
{
	const struct tfmt_filter_node *node = &filter->nodes[id];
	enum tfmt_filter_scope scope;
	uint32_t child;

	if (node->type == NODE_CONDITION)
		return tfmt_filter__fields[filter->conditions[node->condition].field].scope;
	/* Parentheses around an `and` say that it is about something of its own. */
	if (!has_children(node) || (node->type == NODE_AND && node->has_parentheses))
		return SCOPE_RECORD;
	scope = find_scope(filter, node->first_child);
	for (child = node->first_child; child; child = filter->nodes[child].next)
		if (find_scope(filter, child) != scope)
			return SCOPE_RECORD;
	return scope;
}

static bool has_line(const struct tfmt_filter *filter, uint32_t id)
{
	const struct tfmt_filter_node *node = &filter->nodes[id];
	uint32_t child;

	if (node->type == NODE_CONDITION)
		return filter->conditions[node->condition].field == FIELD_LINE;
	for (child = node->first_child; child; child = filter->nodes[child].next)
		if (has_line(filter, child))
			return true;
	return false;
}

/* Are these conditions of an `and` about one thing? One must say that there is such a thing. */
static bool belongs_together(const struct tfmt_filter *filter, const struct tfmt_filter_node *node,
	enum tfmt_filter_scope scope)
{
	size_t count = 0, positive = 0, lines = 0;
	uint32_t child;

	for (child = node->first_child; child; child = filter->nodes[child].next) {
		if (find_scope(filter, child) != scope)
			continue;
		count++;
		positive += filter->nodes[child].type != NODE_NOT;
		lines += has_line(filter, child);
	}
	return count > 1 && positive && (scope == SCOPE_ARGUMENT || lines);
}

/* Put `inner` into a node that says what it is about. Returns 0 without memory. */
static uint32_t wrap(struct tfmt_filter *filter, uint32_t inner, enum tfmt_filter_scope scope)
{
	static const enum tfmt_filter_node_type types[] = {
		[SCOPE_FRAME] = NODE_ANY_FRAME,
		[SCOPE_LEAF] = NODE_LEAF_FRAME,
		[SCOPE_ARGUMENT] = NODE_ANY_ARGUMENT,
	};
	uint32_t id = tfmt_filter__add_node(filter, types[scope]);

	if (!id)
		return 0;
	tfmt_filter__add_child(filter, id, inner);
	if (scope == SCOPE_ARGUMENT) {
		filter->nodes[id].slot = filter->slot_count++;
		filter->has_arguments = true;
	}
	return id;
}

/* Move the children of an `and` that are about one thing into a node of their own. */
static int gather(struct tfmt_filter *filter, uint32_t id, enum tfmt_filter_scope scope)
{
	uint32_t inner, outer, child, next;

	if (!belongs_together(filter, &filter->nodes[id], scope))
		return 0;
	inner = tfmt_filter__add_node(filter, NODE_AND);
	outer = inner ? wrap(filter, inner, scope) : 0;
	if (!outer)
		return TFMT_E_NOMEM;
	child = filter->nodes[id].first_child;
	filter->nodes[id].first_child = filter->nodes[id].last_child = 0;
	for (; child; child = next) {
		next = filter->nodes[child].next;
		tfmt_filter__add_child(
			filter, find_scope(filter, child) == scope ? inner : id, child);
	}
	tfmt_filter__add_child(filter, id, outer);
	return 0;
}

/* Returns what stands in the place of the node, 0 without memory. */
static uint32_t group(struct tfmt_filter *filter, uint32_t id)
{
	struct tfmt_filter_node *node = &filter->nodes[id];
	enum tfmt_filter_scope scope;
	uint32_t child, next;

	if (node->type == NODE_CONDITION) {
		scope = find_scope(filter, id);
		return scope == SCOPE_RECORD ? id : wrap(filter, id, scope);
	}
	if (!has_children(node))
		return id;
	if (node->type == NODE_AND &&
		(gather(filter, id, SCOPE_ARGUMENT) || gather(filter, id, SCOPE_FRAME)))
		return 0;
	child = filter->nodes[id].first_child;
	filter->nodes[id].first_child = filter->nodes[id].last_child = 0;
	for (; child; child = next) {
		next = filter->nodes[child].next;
		child = group(filter, child);
		if (!child)
			return 0;
		tfmt_filter__add_child(filter, id, child);
	}
	return id;
}

int tfmt_filter__group(struct tfmt_filter *filter)
{
	filter->root = group(filter, filter->root);
	return filter->root ? 0 : TFMT_E_NOMEM;
}
