#include "function_set.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

void rend_function_set_release(struct rend_function_set *set)
{
	free(set->functions);
	free(set->slots);
	*set = (struct rend_function_set){0};
}

static bool is_same_function(const struct tfmt_location *a, const struct tfmt_location *b)
{
	if (a->language == TFMT_LANG_PYTHON &&
		(a->file_id != b->file_id || a->first_line != b->first_line))
		return false;
	return a->function_id == b->function_id && a->mapping == b->mapping &&
	       a->language == b->language &&
	       (a->function_id != 0 || strcmp(a->function, b->function) == 0);
}

static uint64_t hash_function(const struct tfmt_location *location)
{
	uint64_t hash = ((uint64_t)location->mapping << 32 | location->function_id) + 1;
	if (location->language == TFMT_LANG_PYTHON)
		hash = hash * 31 + ((uint64_t)location->file_id << 32 | location->first_line);
	for (const char *c = location->function; location->function_id == 0 && *c != '\0'; c++)
		hash = hash * 31 + (unsigned char)*c;
	return hash * 0x9e3779b97f4a7c15u;
}

static uint32_t *find_slot(
	const struct rend_function_set *set, const struct tfmt_location *location)
{
	for (size_t i = hash_function(location) >> 32;; i++) {
		uint32_t *slot = &set->slots[i & (set->slot_count - 1)];
		if (*slot == 0 || is_same_function(&set->functions[*slot], location))
			return slot;
	}
}

static int grow(struct rend_function_set *set)
{
	size_t room = set->room > 0 ? set->room * 2 : 1024;
	struct tfmt_location *functions = realloc(set->functions, room * sizeof(*functions));
	if (functions == NULL)
		return TFMT_E_NOMEM;
	set->functions = functions;
	set->room = room;
	uint32_t *slots = calloc(room * 2, sizeof(*slots));
	if (slots == NULL)
		return TFMT_E_NOMEM;
	free(set->slots);
	set->slots = slots;
	set->slot_count = room * 2;
	for (uint32_t i = 1; i <= set->count; i++)
		*find_slot(set, &functions[i]) = i;
	return 0;
}

int rend_function_set_init(struct rend_function_set *set)
{
	*set = (struct rend_function_set){0};
	int status = grow(set);
	if (status == 0)
		set->functions[0] =
			(struct tfmt_location){.function = "", .module = "", .file = ""};
	return status;
}

int rend_function_set_add(
	struct rend_function_set *set, const struct tfmt_location *location, uint32_t *ret_number)
{
	/* Numbers begin at 1. */
	if (set->count + 1 >= set->room) {
		int status = grow(set);
		if (status < 0)
			return status;
	}
	uint32_t *slot = find_slot(set, location);
	if (*slot == 0) {
		*slot = (uint32_t)++set->count;
		set->functions[*slot] = *location;
	}
	*ret_number = *slot;
	return 0;
}
