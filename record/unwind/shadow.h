/*
 * What a thread's frames held when its stack was last whole. When a sample's older frames can no
 * longer be read, because the process is gone or its stack has changed, those words stand in.
 */
#ifndef RECORD_UNWIND_SHADOW_H
#define RECORD_UNWIND_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Words of one thread: 128 KiB. Stacks that need more are not remembered. */
#define SHADOW_MAX_WORDS 8192u

struct shadow_word {
	uint64_t address;
	uint64_t value;
};

struct shadow {
	pid_t tid;
	bool is_sorted;
	size_t count, capacity;
	struct shadow_word *words;
};

/* The shadows of the threads met last. */
struct shadows {
	struct shadow threads[64]; /* by tid; a newer thread replaces an older one */
	struct shadow current;	   /* of the sample in work */
};

void shadows_release(struct shadows *shadows);

/* Start recording the words of another sample. */
void shadows_begin(struct shadows *shadows);
bool shadows_grow(struct shadows *shadows);
static inline void shadows_add(struct shadows *shadows, uint64_t address, uint64_t value)
{
	struct shadow *current = &shadows->current;

	if (current->count < current->capacity || shadows_grow(shadows))
		current->words[current->count++] = (struct shadow_word){address, value};
}
/* The words recorded are good: keep them for the thread. */
void shadows_keep(struct shadows *shadows, pid_t tid);

/* What is remembered of the thread, NULL: nothing. Lives until: shadows_keep(). */
struct shadow *shadows_of(struct shadows *shadows, pid_t tid);
/* Returns: whether the word at `address` is known. */
bool shadow_read(struct shadow *shadow, uint64_t address, uint64_t *ret_value);

#endif
