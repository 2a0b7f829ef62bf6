#include <inttypes.h>
#include <stdio.h>

#include "tracefmt/reader.h"

bool tfmt_damage_any(const struct tfmt_damage *damage)
{
	return damage->lost_chunks != 0 || damage->skipped_bytes != 0 || damage->bad_chunks != 0 ||
	       damage->lost_ids != 0 || !damage->has_begin || !damage->has_end;
}

/* Append "; COUNT WHAT" to the line. */
static void add_part(
	char *text, size_t size, size_t *length, uint64_t count, const char *one, const char *many)
{
	int added;

	if (count == 0 || *length >= size)
		return;
	added = snprintf(text + *length, size - *length, "%s%" PRIu64 " %s", *length ? ", " : "",
		count, count == 1 ? one : many);
	if (added > 0)
		*length += (size_t)added;
}

static void add_words(char *text, size_t size, size_t *length, const char *words)
{
	int added;

	if (*length >= size)
		return;
	added = snprintf(text + *length, size - *length, "%s%s", *length ? ", " : "", words);
	if (added > 0)
		*length += (size_t)added;
}

void tfmt_damage_describe(const struct tfmt_damage *damage, char *text, size_t size_bytes)
{
	size_t length = 0;
	bool has_place = damage->lost_chunks != 0 || damage->skipped_bytes != 0 ||
			 damage->bad_chunks != 0 || damage->lost_ids != 0;

	if (size_bytes == 0)
		return;
	text[0] = '\0';
	if (!damage->has_begin)
		add_words(text, size_bytes, &length, "the beginning is missing");
	if (!damage->has_end)
		add_words(text, size_bytes, &length, "cut before its end");
	add_part(text, size_bytes, &length, damage->lost_chunks, "chunk lost", "chunks lost");
	add_part(
		text, size_bytes, &length, damage->bad_chunks, "chunk unusable", "chunks unusable");
	add_part(text, size_bytes, &length, damage->skipped_bytes, "byte skipped", "bytes skipped");
	add_part(text, size_bytes, &length, damage->lost_ids, "reference into lost rows",
		"references into lost rows");
	if (has_place && length < size_bytes)
		snprintf(text + length, size_bytes - length, ", first at byte %" PRIu64,
			damage->first_offset);
	if (length == 0)
		snprintf(text, size_bytes, "nothing is missing");
}
