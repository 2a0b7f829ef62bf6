#include "symbols/chain.h"

#include <string.h>

#include "symbols/demangle.h"

#define PATH_BYTES_MAX 4096

const char *rec_chain_name(struct rec_chain *chain, const char *symbol, const char *suffix)
{
	char *text = chain->text + chain->text_used;

	if (sizeof(chain->text) - chain->text_used < REC_NAME_BYTES_MAX + strlen(suffix))
		return NULL;
	strcat(rec_demangle(symbol, text), suffix);
	chain->text_used += strlen(text) + 1;
	return text;
}

const char *rec_chain_text(struct rec_chain *chain, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = chain->text + chain->text_used;

	if (sizeof(chain->text) - chain->text_used < size)
		return NULL;
	memcpy(copy, text, size);
	chain->text_used += size;
	return copy;
}

/* Append one component of a path to `text`, which never ends in '/'. Returns the new length. */
static size_t append_component(
	char *text, size_t length, const char *part, size_t part_length, bool is_absolute)
{
	if (part_length == 0 || (part_length == 1 && part[0] == '.'))
		return length;
	if (part_length == 2 && memcmp(part, "..", 2) == 0) {
		char *slash = memrchr(text, '/', length);
		const char *last = slash ? slash + 1 : text;
		size_t last_length = length - (size_t)(last - text);

		if (last_length > 0 && !(last_length == 2 && memcmp(last, "..", 2) == 0))
			return slash ? (size_t)(slash - text) : 0;
		if (is_absolute)
			return length;
	}
	if (length + part_length + 2 > PATH_BYTES_MAX)
		return length;
	if (length > 0 || is_absolute)
		text[length++] = '/';
	memcpy(text + length, part, part_length);
	return length + part_length;
}

const char *rec_chain_path(
	struct rec_chain *chain, const char *root, const char *folder, const char *name)
{
	const char *parts[3] = {root, folder, name};
	char *text = chain->text + chain->text_used;
	size_t length = 0, first = 0;
	bool is_absolute = false;

	if (!name || !*name || sizeof(chain->text) - chain->text_used < PATH_BYTES_MAX)
		return NULL;
	for (size_t i = 0; i < 3; i++) {
		if (parts[i] && parts[i][0] == '/') {
			first = i;
			is_absolute = true;
		}
	}
	for (size_t i = first; i < 3; i++) {
		const char *at = parts[i] ? parts[i] : "";
		const char *end = at + strnlen(at, PATH_BYTES_MAX);

		while (at < end) {
			const char *slash = memchr(at, '/', (size_t)(end - at));
			size_t part_length = (size_t)((slash ? slash : end) - at);

			length = append_component(text, length, at, part_length, is_absolute);
			at += part_length + 1;
		}
	}
	text[length] = '\0';
	chain->text_used += length + 1;
	return text;
}
