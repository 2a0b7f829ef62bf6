#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES (1u << 20)

void tfmt_input__init_memory(struct tfmt_input *input, const void *data, size_t size_bytes)
{
	*input = (struct tfmt_input){
		.memory = data, .memory_bytes = size_bytes, .fd = -1, .spool_fd = -1};
}

void tfmt_input__init_fd(struct tfmt_input *input, int fd)
{
	struct stat status;
	off_t position = lseek(fd, 0, SEEK_CUR);

	*input = (struct tfmt_input){.fd = fd, .spool_fd = -1};
	input->is_pipe = position < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode);
	if (!input->is_pipe)
		input->base = (uint64_t)position;
}

void tfmt_input__release(struct tfmt_input *input)
{
	free(input->window);
	if (input->spool_fd >= 0)
		close(input->spool_fd);
}

static bool wait_for_data(int fd)
{
	struct pollfd data = {.fd = fd, .events = POLLIN};

	return poll(&data, 1, -1) >= 0 || errno == EINTR;
}

/* read(2) or pread(2) of what follows the window. Returns bytes, 0 at the end, -1. */
static ssize_t read_more(struct tfmt_input *input, uint8_t *room, size_t size)
{
	uint64_t offset = input->start + input->length;
	ssize_t got;

	do {
		if (input->spool_fd >= 0)
			got = pread(input->spool_fd, room, size, (off_t)offset);
		else if (input->is_pipe)
			got = read(input->fd, room, size);
		else
			got = pread(input->fd, room, size, (off_t)(input->base + offset));
	} while (got < 0 && (errno == EINTR || (errno == EAGAIN && wait_for_data(input->fd))));
	return got;
}

/*
 * The same for an input that grows: never waits, and the end of a file is not the end. Returns as
 * read_more(), 0 also when there is nothing yet.
 */
static ssize_t read_grown(struct tfmt_input *input, uint8_t *room, size_t size)
{
	struct pollfd data = {.fd = input->fd, .events = POLLIN};
	ssize_t got;

	if (input->wait && input->is_pipe && poll(&data, 1, 0) <= 0)
		return 0;
	got = read_more(input, room, size);
	input->is_at_end = got == 0 && (!input->wait || input->is_pipe);
	return got;
}

bool tfmt_input__wait(struct tfmt_input *input)
{
	if (!input->wait || input->is_at_end)
		return false;
	input->is_at_end = !input->wait(input->wait_context);
	return !input->is_at_end;
}

static int make_room(struct tfmt_input *input, size_t capacity)
{
	uint8_t *grown;

	if (capacity <= input->capacity)
		return 0;
	grown = realloc(input->window, capacity);
	if (!grown)
		return TFMT_E_NOMEM;
	input->window = grown;
	input->capacity = capacity;
	return 0;
}

/* Let the window begin at `offset`. */
static int move_window(struct tfmt_input *input, uint64_t offset)
{
	bool is_inside = offset >= input->start && offset <= input->start + input->length;

	if (is_inside) {
		size_t passed = (size_t)(offset - input->start);

		input->length -= passed;
		if (input->length > 0)
			memmove(input->window, input->window + passed, input->length);
	} else if (input->is_pipe && input->spool_fd < 0) {
		return TFMT_E_UNSUPPORTED;
	} else {
		input->length = 0;
		input->is_at_end = false;
	}
	input->start = offset;
	return 0;
}

/* Read on through a pipe until `offset` is in the window. */
static int pass_over(struct tfmt_input *input, uint64_t offset)
{
	while (!input->is_at_end && offset > input->start + input->length) {
		ssize_t got;

		input->start += input->length;
		input->length = 0;
		if (make_room(input, READ_BYTES) < 0)
			return TFMT_E_NOMEM;
		got = read_grown(input, input->window, input->capacity);
		if (got < 0)
			return TFMT_E_IO;
		input->length = (size_t)got;
		if (got == 0)
			break;
	}
	return 0;
}

static int fill_window(struct tfmt_input *input, size_t want)
{
	int status = make_room(input, want > READ_BYTES ? want : READ_BYTES);

	while (status == 0 && !input->is_at_end && input->length < want) {
		ssize_t got = read_grown(
			input, input->window + input->length, input->capacity - input->length);

		if (got < 0)
			return TFMT_E_IO;
		input->length += (size_t)got;
		if (got == 0)
			break;
	}
	return status;
}

int tfmt_input__at(struct tfmt_input *input, uint64_t offset, size_t want, const uint8_t **ret_data,
	size_t *ret_available)
{
	uint64_t passed;
	int status = 0;

	if (input->memory) {
		size_t at = offset < input->memory_bytes ? (size_t)offset : input->memory_bytes;

		*ret_data = input->memory + at;
		*ret_available = input->memory_bytes - at;
		return 0;
	}
	if (input->is_pipe && input->spool_fd < 0)
		status = pass_over(input, offset);
	if (status == 0 && input->is_at_end && offset > input->start + input->length)
		offset = input->start + input->length;
	if (status == 0 && input->is_pipe && input->spool_fd < 0 &&
		offset > input->start + input->length) {
		*ret_data = input->window; /* a pipe that has not come so far */
		*ret_available = 0;
		return 0;
	}
	if (status == 0 &&
		(offset < input->start || offset > input->start + input->length ||
			(!input->is_at_end && offset + want > input->start + input->length)))
		status = move_window(input, offset);
	passed = offset - input->start;
	if (status == 0 && !input->is_at_end)
		status = fill_window(input, (size_t)passed + want);
	if (status < 0)
		return status;
	*ret_data = input->window + passed;
	*ret_available = input->length - (size_t)passed;
	return 0;
}

int tfmt_input__size(const struct tfmt_input *input, uint64_t *ret_bytes)
{
	int fd = input->spool_fd >= 0 ? input->spool_fd : input->fd;
	uint64_t base = input->spool_fd >= 0 ? 0 : input->base;
	struct stat status;

	if (input->memory) {
		*ret_bytes = input->memory_bytes;
		return 0;
	}
	if ((input->is_pipe && input->spool_fd < 0) || fstat(fd, &status) < 0 ||
		(uint64_t)status.st_size < base)
		return TFMT_E_UNSUPPORTED;
	*ret_bytes = (uint64_t)status.st_size - base;
	return 0;
}

static int open_spool(void)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	if (!folder || folder[0] == '\0')
		folder = "/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) { /* a file system without O_TMPFILE */
		char name[4096];
		int length = snprintf(name, sizeof(name), "%s/tracefmt-XXXXXX", folder);

		if (length < 0 || (size_t)length >= sizeof(name))
			return -1;
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	return fd;
}

static int write_at(int fd, const uint8_t *data, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t written = pwrite(fd, data, size, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return TFMT_E_IO;
		data += written;
		size -= (size_t)written;
		offset += (uint64_t)written;
	}
	return 0;
}

int tfmt_input__make_seekable(struct tfmt_input *input, uint64_t offset)
{
	int fd, status = 0;

	if (!input->is_pipe || input->spool_fd >= 0)
		return 0;
	if (offset < input->start)
		return TFMT_E_UNSUPPORTED;
	fd = open_spool();
	if (fd < 0)
		return TFMT_E_IO;
	while (status == 0) {
		ssize_t got;

		status = write_at(fd, input->window, input->length, input->start);
		input->start += input->length;
		input->length = 0;
		if (status == 0)
			status = make_room(input, READ_BYTES);
		if (status < 0 || input->is_at_end)
			break;
		got = read_more(input, input->window, input->capacity);
		if (got < 0)
			status = TFMT_E_IO;
		else
			input->length = (size_t)got;
		input->is_at_end = got == 0;
	}
	if (status < 0) {
		close(fd);
		return status;
	}
	input->spool_fd = fd;
	return 0;
}
