#include "native/ptrace_queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Stops are so few that 100 ms of samples with 64 KiB of stack fit. */
#define MAX_BYTES (8u << 20)

struct buffer {
	uint8_t *bytes;
	size_t used, capacity;
};

/* One buffer is filled while the other is read. */
struct rec_ptrace_queue {
	pthread_mutex_t mutex;
	struct buffer filled, drained;
};

struct rec_ptrace_queue *rec_ptrace_queue_new(void)
{
	struct rec_ptrace_queue *queue = calloc(1, sizeof(*queue));
	if (queue)
		pthread_mutex_init(&queue->mutex, NULL);
	return queue;
}

void rec_ptrace_queue_free(struct rec_ptrace_queue *queue)
{
	if (!queue)
		return;
	pthread_mutex_destroy(&queue->mutex);
	free(queue->filled.bytes);
	free(queue->drained.bytes);
	free(queue);
}

/* Events begin where one can be read in place. */
static size_t space_of(size_t size_bytes)
{
	return (sizeof(struct rec_ptrace_event) + size_bytes + 7) & ~(size_t)7;
}

static bool make_room(struct buffer *buffer, size_t size_bytes)
{
	size_t wanted = buffer->used + size_bytes;
	if (wanted <= buffer->capacity)
		return true;
	if (wanted > MAX_BYTES)
		return false;
	size_t capacity = 2 * wanted < MAX_BYTES ? 2 * wanted : MAX_BYTES;
	uint8_t *bytes = realloc(buffer->bytes, capacity);
	if (!bytes)
		return false;
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return true;
}

bool rec_ptrace_queue_put(
	struct rec_ptrace_queue *queue, const struct rec_ptrace_event *event, const void *bytes)
{
	pthread_mutex_lock(&queue->mutex);
	struct buffer *buffer = &queue->filled;
	bool has_room = make_room(buffer, space_of(event->size_bytes));
	if (has_room) {
		memcpy(buffer->bytes + buffer->used, event, sizeof(*event));
		if (event->size_bytes > 0)
			memcpy(buffer->bytes + buffer->used + sizeof(*event), bytes,
				event->size_bytes);
		buffer->used += space_of(event->size_bytes);
	}
	pthread_mutex_unlock(&queue->mutex);
	return has_room;
}

void rec_ptrace_queue_drain(
	struct rec_ptrace_queue *queue, rec_take_ptrace_event *take, void *context)
{
	pthread_mutex_lock(&queue->mutex);
	struct buffer ready = queue->filled;
	queue->filled = queue->drained;
	queue->filled.used = 0;
	pthread_mutex_unlock(&queue->mutex);
	for (size_t at = 0; at < ready.used;) {
		const struct rec_ptrace_event *event = (const void *)(ready.bytes + at);
		take(context, event);
		at += space_of(event->size_bytes);
	}
	queue->drained = ready;
}
