#include "shadow.h"

#include <stdlib.h>

void shadows_release(struct shadows *shadows)
{
	for (size_t i = 0; i < sizeof(shadows->threads) / sizeof(shadows->threads[0]); i++)
		free(shadows->threads[i].words);
	free(shadows->current.words);
	*shadows = (struct shadows){0};
}

void shadows_begin(struct shadows *shadows)
{
	shadows->current.count = 0;
	shadows->current.is_sorted = false;
}

/* Make room for a word more. Returns: whether there is. */
bool shadows_grow(struct shadows *shadows)
{
	struct shadow *current = &shadows->current;
	size_t capacity = current->capacity ? 2 * current->capacity : 64;
	struct shadow_word *words = capacity <= SHADOW_MAX_WORDS
					    ? reallocarray(current->words, capacity, sizeof(*words))
					    : NULL;

	if (!words)
		return false;
	current->words = words;
	current->capacity = capacity;
	return true;
}

static struct shadow *slot_of(struct shadows *shadows, pid_t tid)
{
	size_t slots = sizeof(shadows->threads) / sizeof(shadows->threads[0]);

	return &shadows->threads[(size_t)tid % slots];
}

void shadows_keep(struct shadows *shadows, pid_t tid)
{
	struct shadow *slot = slot_of(shadows, tid);
	struct shadow older = *slot;

	/* A list that is full may lack the words of the root. */
	if (shadows->current.count == SHADOW_MAX_WORDS)
		return;
	*slot = shadows->current;
	slot->tid = tid;
	shadows->current = older;
}

struct shadow *shadows_of(struct shadows *shadows, pid_t tid)
{
	struct shadow *slot = slot_of(shadows, tid);

	return slot->tid == tid && slot->count > 0 ? slot : NULL;
}

static int compare_words(const void *a, const void *b)
{
	const struct shadow_word *one = a, *other = b;

	return (one->address > other->address) - (one->address < other->address);
}

bool shadow_read(struct shadow *shadow, uint64_t address, uint64_t *ret_value)
{
	const struct shadow_word wanted = {.address = address};

	if (!shadow->is_sorted)
		qsort(shadow->words, shadow->count, sizeof(*shadow->words), compare_words);
	shadow->is_sorted = true;
	const struct shadow_word *word = bsearch(
		&wanted, shadow->words, shadow->count, sizeof(*shadow->words), compare_words);

	if (word)
		*ret_value = word->value;
	return word;
}
