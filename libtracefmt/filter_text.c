#include "filter_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracefmt/filter.h"

/*
 * What keeps regular expressions cheap: repetitions are copies inside regcomp(), and each byte
 * searched may add a state of the size of the expression, kept until it is compiled anew.
 */
#define MAX_REGEX_BYTES	  512
#define MAX_REGEX_SIZE	  512 /* characters, each repeated as often as it says */
#define MAX_REGEX_NESTING 16
#define FRESH_AFTER_BYTES (16u << 10)

static const char WILDCARD = '\0';

/* A text with `%`: `\%` is a percent sign, `\\` a backslash, `\'` and `\"` quotes. */
static void read_wildcards(struct tfmt_filter_text *text)
{
	size_t out = 0;

	for (size_t i = 0; i < text->length; i++) {
		char c = text->pattern[i];

		if (c == '\\' && i + 1 < text->length && strchr("%\\'\"", text->pattern[i + 1]))
			c = text->pattern[++i];
		else if (c == '%')
			c = WILDCARD;
		text->pattern[out++] = c;
	}
	text->pattern[out] = '\0';
	text->length = out;
}

/* A regular expression has backslashes of its own: only those before quotes are ours. */
static void read_regex(struct tfmt_filter_text *text)
{
	size_t out = 0;

	for (size_t i = 0; i < text->length; i++) {
		bool is_escape = text->pattern[i] == '\\' && i + 1 < text->length;

		if (is_escape && strchr("'\"", text->pattern[i + 1]))
			is_escape = false, i++;
		text->pattern[out++] = text->pattern[i];
		if (is_escape)
			text->pattern[out++] = text->pattern[++i];
	}
	text->pattern[out] = '\0';
	text->length = out;
}

/* Behind a bracket expression that starts at `at`. */
static const char *skip_bracket(const char *at)
{
	at += 1 + (at[1] == '^');
	if (*at == ']')
		at++;
	while (*at && *at != ']') {
		if (*at == '[' && at[1] && strchr(":.=", at[1])) {
			const char *end = strchr(at + 2, ']');

			if (!end)
				return at + strlen(at);
			at = end;
		}
		at++;
	}
	return at + (*at == ']');
}

/* The most that "{2,5}" repeats, and where it ends. */
static const char *read_bound(const char *at, size_t *ret_most)
{
	size_t most = 1, number = 0;

	for (at++; *at && *at != '}' && ((*at >= '0' && *at <= '9') || *at == ','); at++) {
		if (*at == ',')
			number = 0;
		else if (number <= MAX_REGEX_SIZE)
			number = 10 * number + (size_t)(*at - '0');
		if (number > most)
			most = number;
	}
	*ret_most = most;
	return at + (*at == '}');
}

/* What is wrong with an expression by its cost alone; NULL: nothing. */
static const char *find_excess(const char *at)
{
	static const char too_large[] = "repeats too much: 512 characters in all are possible";
	size_t sizes[MAX_REGEX_NESTING + 1] = {0};
	size_t depth = 0, atom = 0, times;

	while (*at) {
		times = 0;
		switch (*at) {
		case '(':
			if (depth == MAX_REGEX_NESTING)
				return "nests too deep: 16 parentheses are possible";
			sizes[++depth] = 0;
			atom = 0;
			at++;
			continue;
		case ')':
			atom = depth ? sizes[depth--] + 1 : 1;
			at++;
			break;
		case '*':
		case '?':
		case '+':
			times = 1;
			at++;
			break;
		case '{':
			at = read_bound(at, &times);
			break;
		case '[':
			at = skip_bracket(at);
			atom = 1;
			break;
		case '\\':
			if (at[1] >= '1' && at[1] <= '9')
				return "has a back-reference, which is not possible";
			at += 1 + (at[1] != '\0');
			atom = 1;
			break;
		default:
			at++;
			atom = 1;
		}
		/* A repetition is so many copies of what it follows, which are then one. */
		sizes[depth] += times ? atom * times : atom;
		atom += atom * times;
		if (sizes[depth] > MAX_REGEX_SIZE || atom > 2 * MAX_REGEX_SIZE)
			return too_large;
	}
	return NULL;
}

/* Returns 0, or what regerror() knows. */
static int compile(struct tfmt_filter_text *text)
{
	int status = regcomp(&text->regex, text->pattern, REG_EXTENDED | REG_NOSUB);

	text->searched_bytes = 0;
	text->is_compiled = status == 0;
	return status;
}

static int init_regex(struct tfmt_filter_text *text, size_t offset, struct tfmt_error *err)
{
	const char *excess;
	char words[128];
	int status;

	if (text->length > MAX_REGEX_BYTES)
		return tfmt_error_set(err, TFMT_E_ARG, offset,
			"bad regular expression: longer than %d bytes", MAX_REGEX_BYTES);
	excess = find_excess(text->pattern);
	if (excess)
		return tfmt_error_set(
			err, TFMT_E_ARG, offset, "bad regular expression: it %s", excess);
	status = compile(text);
	if (status) {
		regerror(status, &text->regex, words, sizeof(words));
		return tfmt_error_set(err, TFMT_E_ARG, offset, "bad regular expression: %s", words);
	}
	return 0;
}

int tfmt_filter_text__init(struct tfmt_filter_text *text, const char *quoted, size_t length,
	bool is_regex, size_t offset, struct tfmt_error *err)
{
	*text = (struct tfmt_filter_text){.length = length, .is_regex = is_regex};
	text->pattern = malloc(length + 1);
	if (!text->pattern)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory");
	memcpy(text->pattern, quoted, length);
	text->pattern[length] = '\0';
	if (!is_regex) {
		read_wildcards(text);
		return 0;
	}
	read_regex(text);
	return init_regex(text, offset, err);
}

void tfmt_filter_text__release(struct tfmt_filter_text *text)
{
	if (text->is_compiled)
		regfree(&text->regex);
	free(text->pattern);
	*text = (struct tfmt_filter_text){0};
}

/* Each part between wildcards must come after the one before; the first and last at the ends. */
static bool matches_wildcards(const struct tfmt_filter_text *text, const char *data, size_t length)
{
	const char *part = text->pattern, *end = part + text->length;
	bool is_first = true;

	for (;;) {
		const char *wildcard = memchr(part, WILDCARD, (size_t)(end - part));
		size_t part_length = (size_t)((wildcard ? wildcard : end) - part);
		const char *found = data;

		if (part_length > length)
			return false;
		if (!wildcard) {
			found = data + length - part_length;
			return (!is_first || part_length == length) &&
			       !memcmp(found, part, part_length);
		}
		if (is_first && memcmp(data, part, part_length))
			return false;
		if (!is_first)
			found = part_length ? memmem(data, length, part, part_length) : data;
		if (!found)
			return false;
		length -= (size_t)(found - data) + part_length;
		data = found + part_length;
		part = wildcard + 1;
		is_first = false;
	}
}

static bool search(struct tfmt_filter_text *text, const char *data, size_t length)
{
	char cut[TFMT_FILTER_MAX_TEXT_BYTES + 1];

	if (length > TFMT_FILTER_MAX_TEXT_BYTES) {
		length = TFMT_FILTER_MAX_TEXT_BYTES;
		memcpy(cut, data, length);
		cut[length] = '\0';
		data = cut;
	}
	if (text->searched_bytes > FRESH_AFTER_BYTES) {
		regfree(&text->regex);
		(void)compile(text);
	}
	if (!text->is_compiled)
		return false; /* no memory for it any more */
	text->searched_bytes += length + 1;
	return !regexec(&text->regex, data, 0, NULL, 0);
}

bool tfmt_filter_text__matches(struct tfmt_filter_text *text, const char *data, size_t length)
{
	return text->is_regex ? search(text, data, length) : matches_wildcards(text, data, length);
}

bool tfmt_filter_text__matches_path(struct tfmt_filter_text *text, const char *path, size_t length)
{
	const char *end = path + length, *slash = path;

	if (tfmt_filter_text__matches(text, path, length))
		return true;
	if (text->is_regex || length > TFMT_FILTER_MAX_TEXT_BYTES)
		return false;
	while ((slash = memchr(slash, '/', (size_t)(end - slash))) != NULL) {
		slash++;
		if (matches_wildcards(text, slash, (size_t)(end - slash)))
			return true;
	}
	return false;
}

/* The length of "ns::f<int>" in "ns::f<int>(char const*) const"; 0: there are no parameters. */
static size_t name_length(const char *function, size_t length)
{
	const char *close = memrchr(function, ')', length);
	size_t at, depth = 0;

	if (!close || (close[1] && close[1] != ' '))
		return 0;
	for (at = (size_t)(close - function); at > 0; at--) {
		depth += function[at] == ')';
		if (function[at] == '(' && --depth == 0)
			break;
	}
	return at;
}

bool tfmt_filter_text__matches_function(
	struct tfmt_filter_text *text, const char *function, size_t length)
{
	size_t name_bytes;

	if (tfmt_filter_text__matches(text, function, length))
		return true;
	name_bytes = text->is_regex ? 0 : name_length(function, length);
	return name_bytes && matches_wildcards(text, function, name_bytes);
}

char *tfmt_filter_text__plain(const struct tfmt_filter_text *text, char *buffer, size_t size_bytes)
{
	size_t out = 0;

	for (size_t i = 0; i < text->length && out + 1 < size_bytes; i++)
		if (text->pattern[i] != WILDCARD)
			buffer[out++] = text->pattern[i];
	buffer[out] = '\0';
	return buffer;
}
