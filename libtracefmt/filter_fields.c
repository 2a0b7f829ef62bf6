#include "filter_fields.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SHOWN_NAME_BYTES 40
#define COMPARED_BYTES	 32
/* Distances: begins with the word; contains it; differs in so many letters. */
#define CONTAINS 1000u
#define DIFFERS	 2000u
#define FAR	 3000u

const struct tfmt_filter_field_row tfmt_filter__fields[FIELD_COUNT] = {
	[FIELD_FUNC] = {"func", TAKES_TEXT, SCOPE_FRAME},
	[FIELD_FILE] = {"file", TAKES_TEXT, SCOPE_FRAME},
	[FIELD_MODULE] = {"module", TAKES_TEXT, SCOPE_FRAME},
	[FIELD_LINE] = {"line", TAKES_NUMBER, SCOPE_FRAME},
	[FIELD_LEAF_FUNC] = {"leaf.func", TAKES_TEXT, SCOPE_LEAF},
	[FIELD_LEAF_FILE] = {"leaf.file", TAKES_TEXT, SCOPE_LEAF},
	[FIELD_LEAF_MODULE] = {"leaf.module", TAKES_TEXT, SCOPE_LEAF},
	[FIELD_NAME] = {"name", TAKES_TEXT, SCOPE_RECORD},
	[FIELD_KIND] = {"kind", TAKES_TEXT, SCOPE_RECORD},
	[FIELD_VALUE] = {"value", TAKES_EITHER, SCOPE_ARGUMENT},
	[FIELD_TYPE] = {"type", TAKES_TEXT, SCOPE_ARGUMENT},
	[FIELD_ARG] = {"arg", TAKES_TEXT, SCOPE_ARGUMENT},
	[FIELD_ARG_NAMED] = {"arg.NAME", TAKES_EITHER, SCOPE_RECORD},
	[FIELD_PID] = {"pid", TAKES_NUMBER, SCOPE_RECORD},
	[FIELD_TID] = {"tid", TAKES_NUMBER, SCOPE_RECORD},
	[FIELD_PROCESS] = {"process", TAKES_TEXT, SCOPE_RECORD},
	[FIELD_THREAD] = {"thread", TAKES_TEXT, SCOPE_RECORD},
	[FIELD_TIME] = {"time", TAKES_TIME, SCOPE_RECORD},
	[FIELD_DUR] = {"dur", TAKES_DURATION, SCOPE_RECORD},
	[FIELD_STATE] = {"state", TAKES_TEXT, SCOPE_RECORD},
	[FIELD_SYSCALL] = {"syscall", TAKES_TEXT, SCOPE_RECORD},
};

enum tfmt_filter_field tfmt_filter__find_field(const char *name, size_t length)
{
	enum tfmt_filter_field field;

	for (field = 0; field < FIELD_COUNT; field++)
		if (field != FIELD_ARG_NAMED && strlen(tfmt_filter__fields[field].name) == length &&
			!memcmp(tfmt_filter__fields[field].name, name, length))
			break;
	return field;
}

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Letters left out, put in, changed or swapped with their neighbour. */
static unsigned edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][COMPARED_BYTES + 1];

	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		const unsigned *above = rows[(i - 1) % 3], *twice = rows[(i + 1) % 3];
		unsigned *row = rows[i % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = smallest(above[j] + 1, row[j - 1] + 1,
				above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				twice[j - 2] + 1 < row[j])
				row[j] = twice[j - 2] + 1;
		}
	}
	return rows[a_length % 3][b_length];
}

static unsigned distance(const struct tfmt_filter_near *near, const char *name)
{
	size_t length = strnlen(name, COMPARED_BYTES);
	size_t word_length = near->length < COMPARED_BYTES ? near->length : COMPARED_BYTES;
	unsigned letters;

	if (!strncasecmp(name, near->word, near->length))
		return (unsigned)length;
	if (near->length && memmem(name, strlen(name), near->word, near->length))
		return CONTAINS + (unsigned)length;
	letters = edit_distance(near->word, word_length, name, length);
	return (letters <= (word_length + 2) / 3 ? DIFFERS : FAR) + letters;
}

void tfmt_filter__near_add(struct tfmt_filter_near *near, const char *name)
{
	unsigned away = distance(near, name);
	size_t at = near->count;

	for (size_t i = 0; i < near->count; i++)
		if (!strcmp(near->names[i], name))
			return;
	while (at > 0 &&
		(near->distances[at - 1] > away ||
			(near->distances[at - 1] == away && strcmp(near->names[at - 1], name) > 0)))
		at--;
	if (at == TFMT_FILTER_NEAR)
		return;
	if (near->count < TFMT_FILTER_NEAR)
		near->count++;
	for (size_t i = near->count - 1; i > at; i--) {
		near->names[i] = near->names[i - 1];
		near->distances[i] = near->distances[i - 1];
	}
	near->names[at] = name;
	near->distances[at] = away;
}

/* The first bytes of a name, with dots when there is more; never half a character. */
static size_t append_name(char *text, size_t size_bytes, size_t used, const char *name)
{
	size_t length = strlen(name);
	bool is_cut = length > SHOWN_NAME_BYTES;

	if (is_cut)
		for (length = SHOWN_NAME_BYTES; length && (name[length] & 0xc0) == 0x80;)
			length--;
	return used + (size_t)snprintf(text + used, size_bytes - used, "%.*s%s", (int)length, name,
			      is_cut ? "..." : "");
}

char *tfmt_filter__near_text(const struct tfmt_filter_near *near, char *text, size_t size_bytes)
{
	unsigned worst = near->count && near->distances[0] < DIFFERS ? DIFFERS : FAR;
	bool is_near = near->count && near->distances[0] < FAR;
	size_t used = (size_t)snprintf(text, size_bytes, "%s",
		is_near	      ? "did you mean "
		: near->count ? "there is "
			      : "there is none");

	for (size_t i = 0; i < near->count && used < size_bytes; i++) {
		if (is_near && near->distances[i] >= worst)
			break;
		if (i)
			used += (size_t)snprintf(text + used, size_bytes - used, ", ");
		if (used < size_bytes)
			used = append_name(text, size_bytes, used, near->names[i]);
	}
	if (is_near && used < size_bytes)
		snprintf(text + used, size_bytes - used, "?");
	return text;
}

char *tfmt_filter__sorted(const char *word, size_t length, const char *const *names, size_t count,
	char *text, size_t size_bytes)
{
	struct tfmt_filter_near near = {.word = word, .length = length};
	const char *sorted[FIELD_COUNT + 1];
	unsigned distances[FIELD_COUNT + 1];
	size_t used = 0;

	for (size_t i = 0; i < count && i <= FIELD_COUNT; i++) {
		unsigned away = distance(&near, names[i]);
		size_t at = i;

		for (; at > 0 && distances[at - 1] > away; at--) {
			sorted[at] = sorted[at - 1];
			distances[at] = distances[at - 1];
		}
		sorted[at] = names[i];
		distances[at] = away;
	}
	text[0] = '\0';
	for (size_t i = 0; i < count && i <= FIELD_COUNT && used < size_bytes; i++)
		used += (size_t)snprintf(
			text + used, size_bytes - used, "%s%s", i ? ", " : "", sorted[i]);
	return text;
}
