/* From words to nodes: or < and < not < comparison or parentheses. */
#include "filter_lex.h"
#include "filter_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES 24 /* of what was typed, in messages */

struct parser {
	struct tfmt_filter *filter;
	struct tfmt_filter_token token; /* the next one */
	struct tfmt_error *err;
	int status; /* of the first failure */
	unsigned nesting;
};

static const char *const operator_names[OP_COUNT] = {
	[OP_EQUAL] = "==",
	[OP_LESS] = "<",
	[OP_GREATER] = ">",
	[OP_AT_MOST] = "<=",
	[OP_AT_LEAST] = ">=",
	[OP_MATCH] = "~",
};

static uint32_t parse_or(struct parser *parser);

static uint32_t fail(struct parser *parser, size_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Remember the first failure. Returns 0, no node. */
static uint32_t fail(struct parser *parser, size_t offset, const char *format, ...)
{
	char message[sizeof(((struct tfmt_error *)NULL)->message)];
	va_list args;

	if (parser->status)
		return 0;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	parser->status = tfmt_error_set(parser->err, TFMT_E_ARG, offset, "%s", message);
	return 0;
}

static void advance(struct parser *parser)
{
	size_t offset = parser->token.offset + parser->token.length;

	if (!parser->status)
		parser->status = tfmt_filter__next_word(
			parser->filter->expression, offset, &parser->token, parser->err);
}

static uint32_t add_node(struct parser *parser, enum tfmt_filter_node_type type)
{
	uint32_t node = tfmt_filter__add_node(parser->filter, type);

	if (!node && !parser->status)
		parser->status = tfmt_error_set(parser->err, TFMT_E_NOMEM, 0, "no memory");
	return node;
}

/* What was typed, short enough for a message. */
static const char *typed(const struct tfmt_filter_token *token, char text[WORD_BYTES + 8])
{
	bool is_cut = token->length > WORD_BYTES;
	size_t length = is_cut ? WORD_BYTES : token->length;

	while (is_cut && length && (token->text[length] & 0xc0) == 0x80)
		length--;
	if (token->word == WORD_END)
		snprintf(text, WORD_BYTES + 8, "the end");
	else if (token->word == WORD_TEXT)
		snprintf(text, WORD_BYTES + 8, "a text");
	else
		snprintf(text, WORD_BYTES + 8, "'%.*s%s'", (int)length, token->text,
			is_cut ? "..." : "");
	return text;
}

static uint32_t fail_at_field(struct parser *parser)
{
	const struct tfmt_filter_token *token = &parser->token;
	const char *names[FIELD_COUNT];
	char word[WORD_BYTES + 8], sorted[192];

	if (token->word != WORD_NAME)
		return fail(parser, token->offset,
			"a condition such as func == 'main' was expected, not %s",
			typed(token, word));
	for (size_t i = 0; i < FIELD_COUNT; i++)
		names[i] = tfmt_filter__fields[i].name;
	return fail(parser, token->offset, "unknown field %s: %s", typed(token, word),
		tfmt_filter__sorted(token->text, token->text_length, names, FIELD_COUNT, sorted,
			sizeof(sorted)));
}

static uint32_t fail_at_operator(struct parser *parser, enum tfmt_filter_field field)
{
	static const char *const possible[] = {
		[TAKES_TEXT] = "==, !=, ~ and !~",
		[TAKES_NUMBER] = "==, !=, <, >, <= and >=",
		[TAKES_DURATION] = "==, !=, <, >, <= and >=",
		[TAKES_TIME] = "==, !=, <, >, <= and >=",
		[TAKES_EITHER] = "==, !=, <, >, <=, >=, ~ and !~",
	};
	const struct tfmt_filter_token *token = &parser->token;
	const struct tfmt_filter_field_row *row = &tfmt_filter__fields[field];
	char word[WORD_BYTES + 8];

	if (token->word == WORD_OPERATOR)
		return fail(parser, token->offset, "%s cannot be compared with %s: %s are possible",
			row->name, typed(token, word), possible[row->takes]);
	return fail(parser, token->offset,
		"an operator of %s was expected, not %s: %s are possible", row->name,
		typed(token, word), possible[row->takes]);
}

static uint32_t fail_at_value(struct parser *parser, enum tfmt_filter_field field)
{
	static const char *const possible[] = {
		[TAKES_TEXT] = "a text in quotes",
		[TAKES_NUMBER] = "a whole number",
		[TAKES_DURATION] = "a duration such as 5ms or 1.5s (a bare number is seconds)",
		[TAKES_TIME] = "a time since the start such as 1.5s, or 'YYYY/MM/DD hh:mm:ss'",
		[TAKES_EITHER] = "a text in quotes or a number",
	};
	const struct tfmt_filter_token *token = &parser->token;
	const struct tfmt_filter_field_row *row = &tfmt_filter__fields[field];
	char word[WORD_BYTES + 8];

	return fail(parser, token->offset, "%s is compared with %s, not %s", row->name,
		possible[row->takes], typed(token, word));
}

/* Takes the operator. Returns false after failing. */
static bool parse_operator(
	struct parser *parser, struct tfmt_filter_condition *condition, bool *ret_is_negated)
{
	enum tfmt_filter_takes takes = tfmt_filter__fields[condition->field].takes;
	const struct tfmt_filter_token *token = &parser->token;
	bool is_ordered, is_negated;
	enum tfmt_filter_op op = OP_EQUAL;

	if (token->word != WORD_OPERATOR)
		return fail_at_operator(parser, condition->field);
	is_negated = token->text[0] == '!';
	if (is_negated)
		op = token->text[1] == '~' ? OP_MATCH : OP_EQUAL;
	else
		while (strlen(operator_names[op]) != token->length ||
			memcmp(operator_names[op], token->text, token->length) != 0)
			op++;
	is_ordered = op != OP_EQUAL && op != OP_MATCH;
	if ((takes == TAKES_TEXT && is_ordered) ||
		(takes != TAKES_TEXT && takes != TAKES_EITHER && op == OP_MATCH))
		return fail_at_operator(parser, condition->field);
	condition->op = op;
	*ret_is_negated = is_negated;
	advance(parser);
	return !parser->status;
}

/* `kind` and `state` have few values: which are meant? */
static bool find_values(struct parser *parser, struct tfmt_filter_condition *condition)
{
	static const char *const states[] = {
		[TFMT_STATE_RUNNING] = "running",
		[TFMT_STATE_PREEMPTED] = "preempted",
		[TFMT_STATE_BLOCKED] = "blocked",
		[TFMT_STATE_GIL] = "gil",
	};
	const char *names[TFMT_KIND_COUNT];
	char sorted[128], word[WORD_BYTES + 8], plain[WORD_BYTES];
	size_t count = 0;

	for (int i = 0; i < TFMT_KIND_COUNT; i++) {
		const char *name = NULL;

		if (condition->field == FIELD_STATE)
			name = i <= TFMT_STATE_GIL ? states[i] : NULL;
		else if (i >= TFMT_LIFE && i <= TFMT_COST && i != TFMT_ARG)
			name = tfmt_kind_name((enum tfmt_kind)i);
		if (!name)
			continue;
		names[count++] = name;
		if (tfmt_filter_text__matches(&condition->text, name, strlen(name)))
			condition->mask |= 1u << i;
	}
	if (condition->mask)
		return true;
	tfmt_filter_text__plain(&condition->text, plain, sizeof(plain));
	snprintf(word, sizeof(word), "%s", plain);
	fail(parser, condition->value_offset, "no %s is '%s': %s",
		tfmt_filter__fields[condition->field].name, word,
		tfmt_filter__sorted(plain, strlen(plain), names, count, sorted, sizeof(sorted)));
	return false;
}

static bool take_text(struct parser *parser, struct tfmt_filter_condition *condition)
{
	const struct tfmt_filter_token *token = &parser->token;
	bool is_ordered = condition->op != OP_EQUAL && condition->op != OP_MATCH;

	switch (tfmt_filter__fields[condition->field].takes) {
	case TAKES_TIME:
		condition->is_date = true;
		if (tfmt_filter__read_date(token->text, token->text_length, &condition->number))
			return fail(parser, token->offset,
				"bad time: 'YYYY/MM/DD hh:mm:ss' (local time) or "
				"'YYYY-MM-DDThh:mm:ssZ' (UTC) are possible, or a time since the "
				"start such as 1.5s without quotes");
		return true;
	case TAKES_EITHER:
		if (is_ordered)
			return fail(parser, token->offset,
				"%s is compared with a number by %s, not with a text",
				tfmt_filter__fields[condition->field].name,
				operator_names[condition->op]);
		break;
	case TAKES_TEXT:
		break;
	default:
		return fail_at_value(parser, condition->field);
	}
	condition->is_text = true;
	parser->status = tfmt_filter_text__init(&condition->text, token->text, token->text_length,
		condition->op == OP_MATCH, token->offset, parser->err);
	if (parser->status)
		return false;
	if (condition->field == FIELD_KIND || condition->field == FIELD_STATE)
		return find_values(parser, condition);
	return true;
}

static bool take_number(struct parser *parser, struct tfmt_filter_condition *condition)
{
	const struct tfmt_filter_number *number = &parser->token.number;
	enum tfmt_filter_takes takes = tfmt_filter__fields[condition->field].takes;
	bool is_plain = !number->has_unit && !number->has_fraction && number->whole >= 0;

	if (takes == TAKES_TEXT || (takes == TAKES_NUMBER && !is_plain) ||
		(takes == TAKES_EITHER && (number->has_unit || condition->op == OP_MATCH)) ||
		(takes == TAKES_DURATION && number->ns < 0))
		return fail_at_value(parser, condition->field);
	condition->decimal = number->decimal;
	condition->number = takes == TAKES_NUMBER ? number->whole : number->ns;
	return true;
}

static bool parse_value(struct parser *parser, struct tfmt_filter_condition *condition)
{
	bool is_good;

	if (parser->status)
		return false;
	condition->value_offset = parser->token.offset;
	condition->value_length = parser->token.length;
	if (parser->token.word == WORD_TEXT)
		is_good = take_text(parser, condition);
	else if (parser->token.word == WORD_NUMBER)
		is_good = take_number(parser, condition);
	else
		is_good = fail_at_value(parser, condition->field);
	if (is_good)
		advance(parser);
	return is_good && !parser->status;
}

/* The field that a word names. Returns false after failing. */
static bool parse_field(struct parser *parser, struct tfmt_filter_condition *condition)
{
	const struct tfmt_filter_token *token = &parser->token;

	if (token->word != WORD_NAME)
		return fail_at_field(parser);
	if (token->argument && !token->argument_length)
		return fail(parser, token->offset,
			"the name of an argument was expected behind 'arg.', as in arg.n or "
			"arg.'return value'");
	if (token->argument) {
		condition->field = FIELD_ARG_NAMED;
		condition->argument = strndup(token->argument, token->argument_length);
		if (!condition->argument)
			parser->status = tfmt_error_set(parser->err, TFMT_E_NOMEM, 0, "no memory");
	} else {
		condition->field = tfmt_filter__find_field(token->text, token->text_length);
		if (condition->field == FIELD_COUNT)
			return fail_at_field(parser);
	}
	advance(parser);
	return !parser->status;
}

/* What a pass over span records must find out. */
static void reserve_slots(struct tfmt_filter *filter, struct tfmt_filter_condition *condition)
{
	if (condition->field == FIELD_DUR && !filter->has_lengths) {
		filter->has_lengths = true;
		filter->length_slot = filter->slot_count++;
	}
	condition->slot = filter->slot_count;
	if (condition->field == FIELD_DUR)
		filter->slot_count++;
	if (condition->field == FIELD_ARG_NAMED) {
		filter->slot_count += 2;
		filter->has_arguments = true;
	}
}

static uint32_t parse_comparison(struct parser *parser)
{
	struct tfmt_filter *filter = parser->filter;
	struct tfmt_filter_condition *condition = &filter->conditions[filter->condition_count];
	bool is_negated = false;
	uint32_t node, negation;

	if (parser->token.word != WORD_NAME)
		return fail_at_field(parser);
	if (filter->condition_count == TFMT_FILTER_MAX_CONDITIONS)
		return fail(parser, parser->token.offset, "too many conditions: %d are possible",
			TFMT_FILTER_MAX_CONDITIONS);
	filter->condition_count++;
	condition->field_offset = parser->token.offset;
	if (!parse_field(parser, condition) || !parse_operator(parser, condition, &is_negated) ||
		!parse_value(parser, condition))
		return 0;
	reserve_slots(filter, condition);
	node = add_node(parser, NODE_CONDITION);
	if (node)
		filter->nodes[node].condition = (uint32_t)(filter->condition_count - 1);
	if (!is_negated || !node)
		return node;
	negation = add_node(parser, NODE_NOT);
	if (negation)
		tfmt_filter__add_child(filter, negation, node);
	return negation;
}

static uint32_t parse_parentheses(struct parser *parser)
{
	char word[WORD_BYTES + 8];
	uint32_t node;

	advance(parser);
	node = parse_or(parser);
	if (!node)
		return 0;
	if (parser->token.word != WORD_CLOSE)
		return fail(parser, parser->token.offset, "and, or or ) was expected, not %s",
			typed(&parser->token, word));
	advance(parser);
	parser->filter->nodes[node].has_parentheses = true;
	return node;
}

static uint32_t parse_not(struct parser *parser)
{
	uint32_t node, child;

	if (parser->status)
		return 0;
	if (parser->nesting == TFMT_FILTER_MAX_NESTING)
		return fail(parser, parser->token.offset,
			"nested too deep: %d parentheses and nots are possible",
			TFMT_FILTER_MAX_NESTING);
	parser->nesting++;
	if (parser->token.word == WORD_NOT) {
		advance(parser);
		child = parse_not(parser);
		node = child ? add_node(parser, NODE_NOT) : 0;
		if (node)
			tfmt_filter__add_child(parser->filter, node, child);
	} else if (parser->token.word == WORD_OPEN) {
		node = parse_parentheses(parser);
	} else {
		node = parse_comparison(parser);
	}
	parser->nesting--;
	return node;
}

/* Operands of `and` or `or`: a single one stands for itself. */
static uint32_t parse_list(struct parser *parser, enum tfmt_filter_word separator,
	enum tfmt_filter_node_type type, uint32_t (*parse_operand)(struct parser *))
{
	uint32_t first = parse_operand(parser), list, operand;

	if (!first || parser->token.word != separator)
		return first;
	list = add_node(parser, type);
	if (list)
		tfmt_filter__add_child(parser->filter, list, first);
	while (list && !parser->status && parser->token.word == separator) {
		advance(parser);
		operand = parse_operand(parser);
		if (operand)
			tfmt_filter__add_child(parser->filter, list, operand);
	}
	return parser->status ? 0 : list;
}

static uint32_t parse_and(struct parser *parser)
{
	return parse_list(parser, WORD_AND, NODE_AND, parse_not);
}

static uint32_t parse_or(struct parser *parser)
{
	return parse_list(parser, WORD_OR, NODE_OR, parse_and);
}

int tfmt_filter__parse(struct tfmt_filter *filter, struct tfmt_error *err)
{
	struct parser parser = {.filter = filter, .err = err};
	char word[WORD_BYTES + 8];

	advance(&parser);
	if (!parser.status && parser.token.word == WORD_END)
		fail(&parser, parser.token.offset,
			"the filter is empty: a condition such as func == 'main' was expected");
	filter->root = parse_or(&parser);
	if (!parser.status && parser.token.word != WORD_END)
		fail(&parser, parser.token.offset, "and, or or the end was expected, not %s",
			typed(&parser.token, word));
	return parser.status;
}
