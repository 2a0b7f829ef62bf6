#include "diff_match.h"

#include <ctype.h>
#include <string.h>

#include "intern.h"

#include "tracefmt/header.h"

#define COMM_LENGTH 15 /* of the name of a process */

static struct tfmt_name_piece piece_of(const char *text)
{
	return (struct tfmt_name_piece){text, strlen(text)};
}

static bool is_same(const struct tfmt_name_piece *a, const struct tfmt_name_piece *b)
{
	return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* Its name after, when it is that of an alias before. The kernel cuts names of processes. */
static bool find_alias(const struct tfmt_match_rules *rules, struct tfmt_name_piece *base)
{
	for (size_t i = 0; i < rules->alias_count; i++) {
		struct tfmt_name_piece before =
			piece_of(tfmt_base_name(rules->aliases[i].names[0]));
		struct tfmt_name_piece after = piece_of(tfmt_base_name(rules->aliases[i].names[1]));
		bool is_cut = before.length > COMM_LENGTH && base->length == COMM_LENGTH;

		if (is_cut)
			before.length = COMM_LENGTH;
		if (!is_same(base, &before))
			continue;
		if (is_cut && after.length > COMM_LENGTH)
			after.length = COMM_LENGTH;
		*base = after;
		return true;
	}
	return false;
}

/* The last component of a path, or its other name. A library's without its version. */
static struct tfmt_name_piece base_of(
	const struct tfmt_match_rules *rules, enum tfmt_side side, const char *path)
{
	struct tfmt_name_piece base;
	const char *version;

	base.text = tfmt_python_file_name(path, &base.length);
	if (side == TFMT_BEFORE && find_alias(rules, &base))
		return base;
	version = strstr(base.text, ".so.");
	if (version && version < base.text + base.length)
		base.length = (size_t)(version - base.text);
	return base;
}

/* Rust's "::h0123456789abcdef", which is another in each build. */
static size_t hash_length(const struct tfmt_name_piece *name)
{
	static const size_t length = sizeof("::h0123456789abcdef") - 1;
	const char *end = name->text + name->length;

	if (name->length <= length || memcmp(end - length, "::h", 3) != 0)
		return 0;
	for (const char *digit = end - length + 3; digit < end; digit++)
		if (!isxdigit((unsigned char)*digit))
			return 0;
	return length;
}

/* What compilers put behind names of functions that they split or specialise. */
static struct tfmt_name_piece plain_name(const char *function)
{
	static const char *const marks[] = {
		".constprop.", ".isra.", ".part.", ".cold", ".lto_priv.", ".llvm."};
	struct tfmt_name_piece name = piece_of(function);

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const char *mark = strstr(function, marks[i]);

		if (mark && mark > function && mark < function + name.length)
			name.length = (size_t)(mark - function);
	}
	name.length -= hash_length(&name);
	return name;
}

static uint32_t hash_of(const struct tfmt_match *match)
{
	uint64_t hash = tfmt_intern__hash(match->name.text, match->name.length);

	hash = tfmt_intern__mix(hash, tfmt_intern__hash(match->place.text, match->place.length));
	return (uint32_t)tfmt_intern__mix(hash, match->line);
}

struct tfmt_match tfmt_match__of(const struct tfmt_match_rules *rules, enum tfmt_side side,
	const struct tfmt_trace *trace, const struct tfmt_location *location)
{
	const char *place = location->module[0] != '\0' ? location->module : location->file;
	bool is_code = rules->key == TFMT_BY_FUNCTION || rules->key == TFMT_BY_LINE;
	struct tfmt_match match = {
		.place = base_of(rules, side, place),
		.build_id = piece_of(""),
		.line = rules->key == TFMT_BY_LINE ? location->line : 0,
		.language = location->language,
		.is_wait = location->is_wait,
		.is_address =
			is_code && location->function_id == 0 &&
			(location->module[0] != '\0' || strncmp(location->function, "0x", 2) == 0),
	};

	/* Files, modules and texts such as the names of processes may have aliases too. */
	if (!is_code || match.place.length == 0)
		match.name = base_of(rules, side, location->function);
	else if (location->language == TFMT_LANG_NATIVE)
		match.name = plain_name(location->function);
	else
		match.name = piece_of(location->function);
	if (!is_code && location->language == TFMT_LANG_PYTHON)
		match.place = match.name;
	if (match.is_address) {
		const struct tfmt_mapping *mapping = tfmt_trace_mapping(trace, location->mapping);
		const struct tfmt_string *id = tfmt_trace_string(trace, mapping->build_id);

		match.build_id = (struct tfmt_name_piece){id->data, id->length};
	}
	match.hash = hash_of(&match);
	return match;
}

bool tfmt_match__is_equal(const struct tfmt_match *a, const struct tfmt_match *b)
{
	return a->hash == b->hash && a->line == b->line && a->language == b->language &&
	       a->is_wait == b->is_wait && a->is_address == b->is_address &&
	       is_same(&a->name, &b->name) && is_same(&a->place, &b->place) &&
	       is_same(&a->build_id, &b->build_id);
}

size_t tfmt_diff_aliases(const struct tfmt_header *before, const struct tfmt_header *after,
	struct tfmt_alias *aliases, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < before->argc && i < after->argc && count < max; i++) {
		const char *names[] = {
			tfmt_base_name(before->argv[i]), tfmt_base_name(after->argv[i])};

		if (names[0][0] != '\0' && names[1][0] != '\0' && strcmp(names[0], names[1]) != 0)
			aliases[count++] = (struct tfmt_alias){{names[0], names[1]}};
	}
	return count;
}
