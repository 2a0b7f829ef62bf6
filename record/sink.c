#include "sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* So many times the queue for what nobody asked room for; then whole chunks are left out. */
#define HARD_LIMIT 3

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
	bool is_finishing; /* what comes now are the last chunks */

	int done_fd; /* an eventfd */

	pthread_mutex_t lock; /* guards the queue */
	pthread_cond_t changed;
	struct chunk *first;
	struct chunk **last;
	bool is_started, is_ended, is_dropped;

	_Atomic size_t waiting_bytes;
	_Atomic uint64_t written_bytes;
	_Atomic int error;
};

/* A full disk took a part of a chunk: without it the file is whole up to here. */
static void cut_off(int fd, size_t torn_bytes)
{
	struct stat st;
	off_t end = lseek(fd, 0, SEEK_CUR);
	if (torn_bytes > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == end &&
		ftruncate(fd, end - (off_t)torn_bytes) == 0)
		lseek(fd, -(off_t)torn_bytes, SEEK_CUR);
}

/* The only place where the writer may be cancelled: a pipe may never be read. */
static ssize_t write_some(int fd, const unsigned char *data, size_t size_bytes)
{
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	ssize_t n = write(fd, data, size_bytes);
	int saved_errno = errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	errno = saved_errno;
	return n;
}

static int write_whole(int fd, const unsigned char *data, size_t size_bytes)
{
	size_t done_bytes = 0;
	while (done_bytes < size_bytes) {
		ssize_t n = write_some(fd, data + done_bytes, size_bytes - done_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0) {
			done_bytes += (size_t)n;
			continue;
		}
		int error = n < 0 ? errno : EIO;
		cut_off(fd, done_bytes);
		return error;
	}
	return 0;
}

/* Wait for a chunk; it stays in the queue until it is written. NULL: no more will come. */
static struct chunk *next_chunk(struct rec_sink *sink)
{
	pthread_mutex_lock(&sink->lock);
	while (!sink->is_dropped && (!sink->is_started || (!sink->first && !sink->is_ended)))
		pthread_cond_wait(&sink->changed, &sink->lock);
	struct chunk *chunk = sink->is_dropped ? NULL : sink->first;
	pthread_mutex_unlock(&sink->lock);
	return chunk;
}

static void free_first(struct rec_sink *sink)
{
	pthread_mutex_lock(&sink->lock);
	struct chunk *chunk = sink->first;
	sink->first = chunk->next;
	if (!sink->first)
		sink->last = &sink->first;
	pthread_mutex_unlock(&sink->lock);
	atomic_fetch_sub(&sink->waiting_bytes, chunk->size_bytes);
	free(chunk);
}

static void *write_chunks(void *context)
{
	struct rec_sink *sink = context;
	struct chunk *chunk;
	pthread_setname_np(pthread_self(), "trec-output"); /* as of cost.h */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	while ((chunk = next_chunk(sink))) {
		int error = atomic_load(&sink->error);
		if (error == 0)
			error = write_whole(sink->fd, chunk->data, chunk->size_bytes);
		if (error == 0)
			atomic_fetch_add(&sink->written_bytes, chunk->size_bytes);
		else
			atomic_store(&sink->error, error);
		free_first(sink);
	}
	eventfd_write(sink->done_fd, 1);
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
	/* Its number is missing in the trace then, which readers report as damage. */
	if (atomic_load(&sink->waiting_bytes) > HARD_LIMIT * sink->queue_bytes &&
		!sink->is_finishing)
		return 0;
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
	sink->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&sink->lock, NULL);
	pthread_cond_init(&sink->changed, NULL);
	/* Microseconds are finer than any sampling; the digits below them do not compress. */
	struct stat st;
	struct tfmt_writer_options options = {
		.sample_tick_ns = 1000, .has_index = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)};
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

static void set_flag(struct rec_sink *sink, bool *flag)
{
	pthread_mutex_lock(&sink->lock);
	*flag = true;
	pthread_cond_signal(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
}

void rec_sink_start(struct rec_sink *sink)
{
	set_flag(sink, &sink->is_started);
}

void rec_sink_end(struct rec_sink *sink)
{
	struct tfmt_error err;
	if (sink->is_ended)
		return;
	sink->is_finishing = true;
	if (atomic_load(&sink->error) == 0)
		tfmt_writer_finish(sink->writer, &err);
	set_flag(sink, &sink->is_ended);
}

int rec_sink_fd(const struct rec_sink *sink)
{
	return sink->done_fd;
}

static void join_thread(struct rec_sink *sink)
{
	if (sink->has_thread)
		pthread_join(sink->thread, NULL);
	sink->has_thread = false;
}

int rec_sink_finish(struct rec_sink *sink)
{
	rec_sink_start(sink);
	rec_sink_end(sink);
	join_thread(sink);
	return atomic_load(&sink->error);
}

void rec_sink_free(struct rec_sink *sink)
{
	if (!sink)
		return;
	if (sink->has_thread) {
		set_flag(sink, &sink->is_dropped);
		pthread_cancel(sink->thread);
	}
	join_thread(sink);
	while (sink->first)
		free_first(sink);
	tfmt_writer_free(sink->writer);
	if (sink->done_fd >= 0)
		close(sink->done_fd);
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

void rec_sink_cost(
	struct rec_sink *sink, uint64_t time_ns, const char *name, const char *unit, uint64_t value)
{
	struct tfmt_cost cost = {
		.time_ns = time_ns,
		.value = (int64_t)value,
		.name = rec_sink_text(sink, name),
		.unit = rec_sink_text(sink, unit),
	};
	tfmt_writer_cost(sink->writer, &cost);
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
