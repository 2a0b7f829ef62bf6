/* One condition against one text, number, location or argument. */
#include "filter_state.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 64

/* None of the three is true of what is no number. */
static bool holds_of_order(enum tfmt_filter_op op, bool is_less, bool is_equal, bool is_greater)
{
	switch (op) {
	case OP_LESS:
		return is_less;
	case OP_GREATER:
		return is_greater;
	case OP_AT_MOST:
		return is_less || is_equal;
	case OP_AT_LEAST:
		return is_greater || is_equal;
	default:
		return is_equal;
	}
}

bool tfmt_filter__compare(enum tfmt_filter_op op, int64_t left, int64_t right)
{
	return holds_of_order(op, left<right, left == right, left> right);
}

static bool compare_decimals(enum tfmt_filter_op op, double left, double right)
{
	return holds_of_order(op, left<right, left == right, left> right);
}

/* A text that is a number as a whole, as `repr` and printf() write them. */
static bool is_number(const char *text, size_t length, double *ret_number)
{
	char *end;

	if (length == 0 || length >= NUMBER_BYTES || !strchr("+-.0123456789", text[0]))
		return false;
	*ret_number = strtod(text, &end);
	return end == text + length;
}

/* By which rule a text is compared. */
enum rule {
	RULE_TEXT,
	RULE_PATH,
	RULE_FUNCTION,
};

static bool follows(
	struct tfmt_filter_text *wanted, enum rule rule, const char *text, size_t length)
{
	switch (rule) {
	case RULE_PATH:
		return tfmt_filter_text__matches_path(wanted, text, length);
	case RULE_FUNCTION:
		return tfmt_filter_text__matches_function(wanted, text, length);
	default:
		return tfmt_filter_text__matches(wanted, text, length);
	}
}

/* The answer about a string is kept: many records have the same one, by the same rule. */
static bool remember(struct tfmt_filter *filter, struct tfmt_filter_condition *condition,
	uint32_t string, enum rule rule, const char *text, size_t length)
{
	bool is_kept = condition->memo && string && string <= filter->counts[TFMT_STRING];
	bool answer;

	if (is_kept && condition->memo[string])
		return condition->memo[string] == 2;
	answer = follows(&condition->text, rule, text, length);
	if (is_kept)
		condition->memo[string] = 1 + answer;
	return answer;
}

bool tfmt_filter__holds_of_string(struct tfmt_filter *filter,
	struct tfmt_filter_condition *condition, uint32_t string, const char *text)
{
	return remember(filter, condition, string, RULE_TEXT, text, strlen(text));
}

static bool holds_of_path(struct tfmt_filter *filter, struct tfmt_filter_condition *condition,
	uint32_t string, const char *path)
{
	return remember(filter, condition, string, RULE_PATH, path, strlen(path));
}

bool tfmt_filter__holds_of_value(
	struct tfmt_filter *filter, struct tfmt_filter_condition *condition, uint32_t value)
{
	const struct tfmt_string *string = tfmt_trace_string(filter->trace, value);
	double number;

	if (condition->is_text)
		return remember(filter, condition, value, RULE_TEXT, string->data, string->length);
	return is_number(string->data, string->length, &number) &&
	       compare_decimals(condition->op, number, condition->decimal);
}

/* "[kernel]" is called kernel, too. */
static bool holds_of_bracketed(struct tfmt_filter_condition *condition, const char *path)
{
	size_t length = strlen(path);

	return !condition->text.is_regex && length > 2 && path[0] == '[' &&
	       path[length - 1] == ']' &&
	       tfmt_filter_text__matches(&condition->text, path + 1, length - 2);
}

/* Of Python code the module is its file, and the package that has it. */
static bool holds_of_module(struct tfmt_filter *filter, struct tfmt_filter_condition *condition,
	const struct tfmt_location *location)
{
	struct tfmt_python_package package;

	if (location->language != TFMT_LANG_PYTHON)
		return holds_of_path(filter, condition,
			       tfmt_trace_mapping(filter->trace, location->mapping)->path,
			       location->module) ||
		       holds_of_bracketed(condition, location->module);
	if (holds_of_path(filter, condition, location->file_id, location->file))
		return true;
	if (!tfmt_python_package_of(location->file, &package) || condition->text.is_regex)
		return false;
	return tfmt_filter_text__matches(&condition->text, package.name, package.length);
}

bool tfmt_filter__holds_of_location(struct tfmt_filter *filter,
	struct tfmt_filter_condition *condition, const struct tfmt_location *location)
{
	switch (condition->field) {
	case FIELD_FUNC:
	case FIELD_LEAF_FUNC:
		return remember(filter, condition, location->function_id, RULE_FUNCTION,
			location->function, strlen(location->function));
	case FIELD_NAME:
		return tfmt_filter__holds_of_string(
			filter, condition, location->function_id, location->function);
	case FIELD_FILE:
	case FIELD_LEAF_FILE:
		return holds_of_path(filter, condition, location->file_id, location->file);
	case FIELD_MODULE:
	case FIELD_LEAF_MODULE:
		return holds_of_module(filter, condition, location);
	default:
		return tfmt_filter__compare(condition->op, location->line, condition->number);
	}
}

static bool argument_holds(
	struct tfmt_filter *filter, struct tfmt_filter_condition *condition, const void *subject)
{
	const struct tfmt_arg *arg = subject;
	uint32_t string = condition->field == FIELD_ARG ? arg->name : arg->type;

	if (condition->field == FIELD_VALUE)
		return tfmt_filter__holds_of_value(filter, condition, arg->value);
	return tfmt_filter__holds_of_string(
		filter, condition, string, tfmt_trace_text(filter->trace, string));
}

/* By the names of all its images, and their executables. */
static bool holds_of_image(struct tfmt_filter *filter, struct tfmt_filter_condition *condition,
	uint32_t name, uint32_t exe)
{
	const char *texts[] = {
		tfmt_trace_text(filter->trace, name), tfmt_trace_text(filter->trace, exe)};

	return (name && tfmt_filter_text__matches(&condition->text, texts[0], strlen(texts[0]))) ||
	       (exe && tfmt_filter_text__matches_path(
			       &condition->text, texts[1], strlen(texts[1])));
}

bool tfmt_filter__holds_of_process(
	struct tfmt_filter *filter, struct tfmt_filter_condition *condition, uint32_t process)
{
	const struct tfmt_process_info *info = tfmt_trace_process(filter->trace, process);

	for (size_t i = 0; i < info->image_count; i++)
		if (holds_of_image(filter, condition, info->images[i].name, info->images[i].exe))
			return true;
	return holds_of_image(filter, condition, info->name, info->exe);
}

typedef bool holds_fn(
	struct tfmt_filter *filter, struct tfmt_filter_condition *condition, const void *subject);

/* A node of conditions that `holds` answers about the subject. */
static bool node_holds(
	struct tfmt_filter *filter, uint32_t id, holds_fn *holds, const void *subject)
{
	const struct tfmt_filter_node *node = &filter->nodes[id];
	bool is_or = node->type == NODE_OR;
	uint32_t child = node->first_child;

	if (node->type == NODE_CONDITION)
		return holds(filter, &filter->conditions[node->condition], subject);
	if (node->type == NODE_NOT)
		return !node_holds(filter, child, holds, subject);
	for (; child; child = filter->nodes[child].next)
		if (node_holds(filter, child, holds, subject) == is_or)
			return is_or;
	return !is_or;
}

static bool location_holds(
	struct tfmt_filter *filter, struct tfmt_filter_condition *condition, const void *location)
{
	return tfmt_filter__holds_of_location(filter, condition, location);
}

bool tfmt_filter__node_holds_of_location(
	struct tfmt_filter *filter, uint32_t id, const struct tfmt_location *location)
{
	return node_holds(filter, id, location_holds, location);
}

bool tfmt_filter__node_holds_of_argument(
	struct tfmt_filter *filter, uint32_t id, const struct tfmt_arg *arg)
{
	return node_holds(filter, id, argument_holds, arg);
}
