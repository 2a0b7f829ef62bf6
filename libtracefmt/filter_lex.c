#include "filter_lex.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static bool equals(const struct tfmt_filter_token *token, const char *word)
{
	return token->length == strlen(word) && !memcmp(token->text, word, token->length);
}

/* From a quote to its partner. A backslash takes the next byte along. */
static int read_text(
	const char *expression, size_t at, struct tfmt_filter_token *token, struct tfmt_error *err)
{
	char quote = expression[at];
	size_t end = at + 1;

	while (expression[end] && expression[end] != quote)
		end += 1 + (expression[end] == '\\' && expression[end + 1]);
	if (!expression[end])
		return tfmt_error_set(err, TFMT_E_ARG, at, "this text has no closing %c", quote);
	token->word = WORD_TEXT;
	token->text = expression + at + 1;
	token->text_length = end - at - 1;
	token->length = end + 1 - at;
	return 0;
}

/* A field, `and`, `or`, `not`; arg.'any name' has its argument in quotes. */
static int read_name(
	const char *expression, size_t at, struct tfmt_filter_token *token, struct tfmt_error *err)
{
	static const char prefix[] = "arg.";
	const size_t skipped = sizeof(prefix) - 1;
	const char *text = expression + at;
	struct tfmt_filter_token quoted = {0};
	size_t length = 0;
	int status;

	while (is_name_byte(text[length]))
		length++;
	token->word = WORD_NAME;
	token->length = token->text_length = length;
	if (equals(token, "and"))
		token->word = WORD_AND;
	else if (equals(token, "or"))
		token->word = WORD_OR;
	else if (equals(token, "not"))
		token->word = WORD_NOT;
	if (length < skipped || memcmp(text, prefix, skipped) != 0)
		return 0;
	token->argument = text + skipped;
	token->argument_length = length - skipped;
	if (length > skipped || (text[length] != '\'' && text[length] != '"'))
		return 0;
	status = read_text(expression, at + length, &quoted, err);
	token->argument = quoted.text;
	token->argument_length = quoted.text_length;
	token->length += quoted.length;
	return status;
}

static int read_number(size_t at, struct tfmt_filter_token *token, struct tfmt_error *err)
{
	switch (tfmt_filter__read_number(token->text, &token->number)) {
	case 0:
		break;
	case -1:
		return tfmt_error_set(err, TFMT_E_ARG, at,
			"unknown unit of a number: ns, us, ms, s, m and h are possible");
	default:
		return tfmt_error_set(err, TFMT_E_ARG, at, "this number is too large");
	}
	token->word = WORD_NUMBER;
	token->length = token->text_length = token->number.length;
	return 0;
}

static void read_operator(struct tfmt_filter_token *token)
{
	static const char *const operators[] = {"==", "!=", "<=", ">=", "!~", "<", ">", "~"};

	token->word = WORD_OTHER;
	token->length = 1;
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (!strncmp(token->text, operators[i], strlen(operators[i]))) {
			token->word = WORD_OPERATOR;
			token->length = strlen(operators[i]);
			break;
		}
	token->text_length = token->length;
}

int tfmt_filter__next_word(const char *expression, size_t offset,
	struct tfmt_filter_token *ret_token, struct tfmt_error *err)
{
	struct tfmt_filter_token token = {.length = 1, .text_length = 1};
	char first;
	int status = 0;

	offset += strspn(expression + offset, " \t\r\n");
	first = expression[offset];
	token.offset = offset;
	token.text = expression + offset;
	if (!first)
		token.length = token.text_length = 0;
	else if (first == '(' || first == ')')
		token.word = first == '(' ? WORD_OPEN : WORD_CLOSE;
	else if (first == '\'' || first == '"')
		status = read_text(expression, offset, &token, err);
	else if (isdigit((unsigned char)first) ||
		 (first == '-' && isdigit((unsigned char)token.text[1])))
		status = read_number(offset, &token, err);
	else if (is_name_byte(first))
		status = read_name(expression, offset, &token, err);
	else
		read_operator(&token);
	if (!status)
		*ret_token = token;
	return status;
}
