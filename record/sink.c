#include "sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct chunk {
	struct chunk *next;
	size_t size_bytes;
	unsigned char data[];
};

struct rec_sink {
	struct tfmt_writer *writer;
	int fd;
	size_t queue_bytes;
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t lock; /* guards the queue */
	pthread_cond_t changed;
	struct chunk *first;
	struct chunk **last;
	bool is_closing;

	_Atomic size_t waiting_bytes;
	_Atomic uint64_t written_bytes;
	_Atomic int error;
};

static int write_whole(int fd, const unsigned char *data, size_t size_bytes)
{
	while (size_bytes > 0) {
		ssize_t n = write(fd, data, size_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		data += n;
		size_bytes -= (size_t)n;
	}
	return 0;
}

static struct chunk *take_chunk(struct rec_sink *sink)
{
	pthread_mutex_lock(&sink->lock);
	while (!sink->first && !sink->is_closing)
		pthread_cond_wait(&sink->changed, &sink->lock);
	struct chunk *chunk = sink->first;
	if (chunk) {
		sink->first = chunk->next;
		if (!sink->first)
			sink->last = &sink->first;
	}
	pthread_mutex_unlock(&sink->lock);
	return chunk;
}

static void *write_chunks(void *context)
{
	struct rec_sink *sink = context;
	struct chunk *chunk;
	while ((chunk = take_chunk(sink))) {
		if (atomic_load(&sink->error) == 0) {
			int error = write_whole(sink->fd, chunk->data, chunk->size_bytes);
			if (error == 0)
				atomic_fetch_add(&sink->written_bytes, chunk->size_bytes);
			else
				atomic_store(&sink->error, error);
		}
		atomic_fetch_sub(&sink->waiting_bytes, chunk->size_bytes);
		free(chunk);
	}
	return NULL;
}

/* The library's callback: queue a copy. Room was asked for by those who add bulk records. */
static int queue_chunk(void *context, const void *data, size_t size_bytes)
{
	struct rec_sink *sink = context;
	int error = atomic_load(&sink->error);
	if (error != 0) {
		errno = error;
		return TFMT_E_IO;
	}
	struct chunk *chunk = malloc(sizeof(*chunk) + size_bytes);
	if (!chunk)
		return TFMT_E_NOMEM;
	chunk->next = NULL;
	chunk->size_bytes = size_bytes;
	memcpy(chunk->data, data, size_bytes);
	atomic_fetch_add(&sink->waiting_bytes, size_bytes);
	pthread_mutex_lock(&sink->lock);
	*sink->last = chunk;
	sink->last = &chunk->next;
	pthread_cond_signal(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
	return 0;
}

int rec_sink_new(int fd, const struct tfmt_header *header, size_t queue_bytes,
	struct rec_sink **ret_sink, struct tfmt_error *err)
{
	struct rec_sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory for the output queue");
	sink->fd = fd;
	sink->queue_bytes = queue_bytes;
	sink->last = &sink->first;
	pthread_mutex_init(&sink->lock, NULL);
	pthread_cond_init(&sink->changed, NULL);
	/* Microseconds are finer than any sampling; the digits below them do not compress. */
	struct tfmt_writer_options options = {.sample_tick_ns = 1000};
	int status = tfmt_writer_new(
		header, &options, (struct tfmt_sink){queue_chunk, sink}, &sink->writer, err);
	if (status == 0 && pthread_create(&sink->thread, NULL, write_chunks, sink) != 0)
		status = tfmt_error_set(err, TFMT_E_IO, 0, "cannot start the writer thread");
	if (status != 0) {
		rec_sink_free(sink);
		return status;
	}
	sink->has_thread = true;
	*ret_sink = sink;
	return 0;
}

static void join_thread(struct rec_sink *sink)
{
	if (!sink->has_thread)
		return;
	pthread_mutex_lock(&sink->lock);
	sink->is_closing = true;
	pthread_cond_signal(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
	pthread_join(sink->thread, NULL);
	sink->has_thread = false;
}

int rec_sink_finish(struct rec_sink *sink)
{
	struct tfmt_error err;
	if (atomic_load(&sink->error) == 0)
		tfmt_writer_finish(sink->writer, &err);
	join_thread(sink);
	return atomic_load(&sink->error);
}

void rec_sink_free(struct rec_sink *sink)
{
	if (!sink)
		return;
	join_thread(sink);
	while (sink->first) {
		struct chunk *next = sink->first->next;
		free(sink->first);
		sink->first = next;
	}
	tfmt_writer_free(sink->writer);
	pthread_mutex_destroy(&sink->lock);
	pthread_cond_destroy(&sink->changed);
	free(sink);
}

struct tfmt_writer *rec_sink_writer(struct rec_sink *sink)
{
	return sink->writer;
}

uint32_t rec_sink_text(struct rec_sink *sink, const char *text)
{
	uint32_t id = 0;
	if (text)
		tfmt_writer_intern(sink->writer, text, strlen(text), &id);
	return id;
}

bool rec_sink_has_room(const struct rec_sink *sink)
{
	return atomic_load(&sink->waiting_bytes) < sink->queue_bytes;
}

void rec_sink_flush(struct rec_sink *sink)
{
	tfmt_writer_flush(sink->writer, UINT64_MAX);
}

int rec_sink_error(const struct rec_sink *sink)
{
	return atomic_load(&sink->error);
}

uint64_t rec_sink_bytes(const struct rec_sink *sink)
{
	return atomic_load(&sink->written_bytes);
}

void rec_sink_lost(struct rec_sink *sink, uint64_t time_ns, uint32_t process, const char *what,
	const char *reason, uint64_t count)
{
	if (count == 0)
		return;
	struct tfmt_lost lost = {
		.time_ns = time_ns,
		.count = count,
		.process = process,
		.what = rec_sink_text(sink, what),
		.reason = rec_sink_text(sink, reason),
	};
	tfmt_writer_lost(sink->writer, &lost);
}

void rec_sink_note(struct rec_sink *sink, uint64_t time_ns, const char *name, const char *text)
{
	struct tfmt_instant note = {
		.time_ns = time_ns,
		.name = rec_sink_text(sink, name),
		.text = rec_sink_text(sink, text),
	};
	tfmt_writer_instant(sink->writer, &note);
}
