#include "opts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "opts_print.h"

/* Edit distance of two short words; `limit` and more are all the same. */
static size_t edit_distance(const char *a, const char *b, size_t limit)
{
	size_t length = strlen(b);
	if (length > 63)
		return limit;
	size_t row[64];
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
			size_t insert = row[j - 1] + 1, delete = row[j] + 1;
			diagonal = row[j];
			row[j] = substitute < insert ? substitute : insert;
			if (delete < row[j])
				row[j] = delete;
		}
	}
	return row[length] < limit ? row[length] : limit;
}

const char *opts_nearest(const char *word, const char *const *names, size_t count)
{
	size_t length = strlen(word);
	size_t best = length / 2 + 1;
	const char *nearest = NULL;
	if (length > 63)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(word, names[i], best);
		/* A word that was only begun is nearer than any other. */
		if (length >= 3 && strncmp(word, names[i], length) == 0)
			distance = 0;
		if (distance < best) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}

static const char *nearest_option(const struct opts_spec *spec, const char *word)
{
	const char **names = calloc(spec->row_count + 2, sizeof(*names));
	if (!names)
		return NULL;
	size_t count = 0;
	names[count++] = "help";
	names[count++] = "version";
	for (size_t i = 0; i < spec->row_count; i++)
		if (spec->rows[i].name)
			names[count++] = spec->rows[i].name;
	const char *nearest = opts_nearest(word, names, count);
	free(names);
	return nearest;
}

static const struct opt_row *find_long(const struct opts_spec *spec, const char *name, size_t n)
{
	for (size_t i = 0; i < spec->row_count; i++) {
		const struct opt_row *row = &spec->rows[i];
		if (row->name && strlen(row->name) == n && memcmp(row->name, name, n) == 0)
			return row;
	}
	return NULL;
}

static const struct opt_row *find_short(const struct opts_spec *spec, char letter)
{
	for (size_t i = 0; i < spec->row_count; i++)
		if (spec->rows[i].name && spec->rows[i].letter == letter)
			return &spec->rows[i];
	return NULL;
}

static bool takes_value(const struct opt_row *row)
{
	return row->type != OPT_FLAG && row->type != OPT_COUNT && row->type != OPT_CHOICE;
}

static bool needs_value(const struct opt_row *row)
{
	return takes_value(row) && row->type != OPT_OPTIONAL;
}

static bool out_of_range(const struct opt_row *row, uint64_t value)
{
	return value < row->min || (row->max != 0 && value > row->max);
}

static enum opts_result bad_value(
	const struct opt_row *row, const struct msg *msg, const char *value, const char *wanted)
{
	msg_error(msg, "--%s %s: %s expected", row->name, value, wanted);
	return OPTS_USAGE;
}

static enum opts_result bad_range(
	const struct opt_row *row, const struct msg *msg, const char *value)
{
	char low[NUM_TEXT_BYTES], high[NUM_TEXT_BYTES];
	char *(*show)(char *, uint64_t) = row->type == OPT_DURATION ? num_duration
					  : row->type == OPT_SIZE   ? num_bytes
								    : num_count;
	if (row->max)
		msg_error(msg, "--%s %s: out of range: %s to %s is possible", row->name, value,
			show(low, row->min), show(high, row->max));
	else
		msg_error(msg, "--%s %s: too small: %s at least", row->name, value,
			show(low, row->min));
	return OPTS_USAGE;
}

static enum opts_result store_list(void *slot, const char *value, const struct msg *msg)
{
	struct opt_list *list = slot;
	const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items) {
		msg_error(msg, "no memory for the options");
		return OPTS_USAGE;
	}
	list->items = items;
	list->items[list->count++] = value;
	return OPTS_OK;
}

static enum opts_result store_integer(
	const struct opt_row *row, const struct msg *msg, const char *value, uint64_t *slot)
{
	uint64_t number = 0;
	if (row->type == OPT_DURATION) {
		if (num_parse_duration(value, &number) != 0)
			return bad_value(row, msg, value, "a time such as 1.5s, 250ms or 2m is");
	} else if (row->type == OPT_SIZE) {
		if (num_parse_size(value, &number) != 0)
			return bad_value(row, msg, value, "a size such as 64K or 1MiB is");
	} else {
		char *end;
		errno = 0;
		number = strtoull(value, &end, 10);
		if (*value < '0' || *value > '9' || *end || errno)
			return bad_value(row, msg, value, "a whole number is");
	}
	if (out_of_range(row, number))
		return bad_range(row, msg, value);
	*slot = number;
	return OPTS_OK;
}

static enum opts_result store(
	const struct opt_row *row, const struct msg *msg, const char *value, void *target)
{
	void *slot = (char *)target + row->offset;
	char *end;
	switch (row->type) {
	case OPT_FLAG:
		*(bool *)slot = true;
		return OPTS_OK;
	case OPT_COUNT:
		++*(int *)slot;
		return OPTS_OK;
	case OPT_CHOICE:
		*(int *)slot = row->value;
		return OPTS_OK;
	case OPT_TEXT:
		*(const char **)slot = value;
		return OPTS_OK;
	case OPT_OPTIONAL:
		*(const char **)slot = value ? value : "";
		return OPTS_OK;
	case OPT_LIST:
		return store_list(slot, value, msg);
	case OPT_DECIMAL:
		*(double *)slot = strtod(value, &end);
		if (!*value || *end || !(*(double *)slot >= (double)row->min) ||
			(row->max && *(double *)slot > (double)row->max))
			return bad_value(row, msg, value, "a number within range is");
		return OPTS_OK;
	case OPT_NUMBER:
	case OPT_DURATION:
	case OPT_SIZE:
		return store_integer(row, msg, value, slot);
	}
	return OPTS_USAGE;
}

struct parser {
	const struct opts_spec *spec;
	const struct msg *msg;
	int argc;
	char **argv;
	void *target;
	int next; /* index of the argument after the current one */
};

static enum opts_result unknown(const struct parser *p, const char *dashes, const char *word)
{
	const char *nearest = nearest_option(p->spec, word);
	if (nearest)
		msg_error(p->msg, "unknown option %s%s: did you mean --%s? (--help lists all)",
			dashes, word, nearest);
	else
		msg_error(p->msg, "unknown option %s%s (--help lists all)", dashes, word);
	return OPTS_USAGE;
}

/* `value` NULL: the next argument is it. */
static enum opts_result apply(struct parser *p, const struct opt_row *row, const char *value)
{
	if (needs_value(row) && !value) {
		if (p->next >= p->argc) {
			msg_error(p->msg, "--%s needs a value: %s", row->name, row->argument);
			return OPTS_USAGE;
		}
		value = p->argv[p->next++];
	}
	return store(row, p->msg, value, p->target);
}

static enum opts_result describe(const struct parser *p, const char *what)
{
	if (opts_describe(p->spec, what))
		return OPTS_HELP;
	msg_error(p->msg, "--describe=%s: bash, zsh, fish or mdoc is possible", what);
	return OPTS_USAGE;
}

static enum opts_result parse_long(struct parser *p, const char *word)
{
	size_t length = strcspn(word, "=");
	const char *value = word[length] == '=' ? word + length + 1 : NULL;
	if (strcmp(word, "help") == 0) {
		opts_print_help(p->spec);
		return OPTS_HELP;
	}
	if (strcmp(word, "version") == 0)
		return OPTS_VERSION;
	if (length == strlen("describe") && strncmp(word, "describe", length) == 0 && value)
		return describe(p, value);
	const struct opt_row *row = find_long(p->spec, word, length);
	if (!row)
		return unknown(p, "--", word);
	if (value && !takes_value(row)) {
		msg_error(p->msg, "--%s takes no value", row->name);
		return OPTS_USAGE;
	}
	return apply(p, row, value);
}

static enum opts_result parse_short(struct parser *p, const char *letters)
{
	for (; *letters; letters++) {
		if (*letters == 'h' && !find_short(p->spec, 'h')) {
			opts_print_help(p->spec);
			return OPTS_HELP;
		}
		const struct opt_row *row = find_short(p->spec, *letters);
		if (!row) {
			char word[2] = {*letters, '\0'};
			return unknown(p, "-", word);
		}
		if (needs_value(row))
			return apply(p, row, letters[1] ? letters + 1 : NULL);
		enum opts_result result = apply(p, row, NULL);
		if (result != OPTS_OK)
			return result;
	}
	return OPTS_OK;
}

enum opts_result opts_parse(const struct opts_spec *spec, const struct msg *msg, int argc,
	char **argv, void *target, int *ret_operands)
{
	struct parser p = {spec, msg, argc, argv, target, 1};
	int operands = 0;
	bool only_operands = false;
	while (p.next < argc) {
		char *word = argv[p.next++];
		enum opts_result result = OPTS_OK;
		if (only_operands || word[0] != '-' || word[1] == '\0') {
			argv[1 + operands++] = word;
			only_operands |= spec->stop_at_operand;
		} else if (strcmp(word, "--") == 0) {
			only_operands = true;
		} else if (word[1] == '-') {
			result = parse_long(&p, word + 2);
		} else {
			result = parse_short(&p, word + 1);
		}
		if (result != OPTS_OK)
			return result;
	}
	*ret_operands = operands;
	return OPTS_OK;
}

void opts_release(const struct opts_spec *spec, void *target)
{
	for (size_t i = 0; i < spec->row_count; i++) {
		if (spec->rows[i].type != OPT_LIST)
			continue;
		struct opt_list *list = (void *)((char *)target + spec->rows[i].offset);
		free(list->items);
		*list = (struct opt_list){0};
	}
}
