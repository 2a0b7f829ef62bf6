#include "follow.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "temporary.h"
#include "tracefmt/reader.h"
#include "waiting.h"

#define PERIOD_NS UINT64_C(1000000000)
/* A trace that takes long to draw is drawn less often. */
#define DRAWING_SHARE 4
#define COPY_BYTES    65536
#define DEFAULT_LINES 24

struct following {
	rend_draw_fn *draw;
	void *context;
	const struct msg *msg;
	struct waiting waiting;
	int fd;		   /* what is drawn: the file, or the copy of a pipe */
	int pipe_fd;	   /* -1: none */
	FILE *copy;	   /* of the pipe */
	const char *path;  /* that is drawn */
	const char *name;  /* that the user may give to a command */
	char own_path[64]; /* of what has no other */
	bool is_closed;	   /* the pipe has ended */
	bool can_draw;	   /* the header is there */
	bool has_drawn;
	off_t drawn_bytes;
	uint64_t next_ns; /* when to draw again */
	int status;
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* What fits on the terminal of the text, all of it elsewhere. */
static size_t visible_bytes(const char *text, size_t size)
{
	struct winsize window;
	unsigned int lines = DEFAULT_LINES;
	if (!isatty(STDOUT_FILENO))
		return size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0)
		lines = window.ws_row;
	const char *end = text;
	for (unsigned int i = 1; i < lines; i++) {
		const char *newline = memchr(end, '\n', size - (size_t)(end - text));
		if (newline == NULL)
			return size;
		end = newline + 1;
	}
	return (size_t)(end - text);
}

static void show(struct following *following, const char *text, size_t size)
{
	if (size == 0)
		return;
	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	else if (following->has_drawn)
		putchar('\n');
	fwrite(text, 1, visible_bytes(text, size), stdout);
	fflush(stdout);
}

static void draw(struct following *following, bool is_last)
{
	char *text = NULL;
	size_t size = 0;
	uint64_t began_ns = now_ns();
	FILE *stream = open_memstream(&text, &size);
	if (stream == NULL) {
		following->status = EXIT_FAILED;
		return;
	}
	following->status = following->draw(
		following->context, following->path, following->name, stream, is_last);
	fclose(stream);
	show(following, text, size);
	free(text);
	following->has_drawn = true;
	uint64_t took_ns = (now_ns() - began_ns) * DRAWING_SHARE;
	following->next_ns = began_ns + (took_ns > PERIOD_NS ? took_ns : PERIOD_NS);
}

static void draw_if_due(struct following *following)
{
	struct stat st;
	if (!following->can_draw || now_ns() < following->next_ns ||
		fstat(following->fd, &st) != 0 || st.st_size == following->drawn_bytes)
		return;
	following->drawn_bytes = st.st_size;
	draw(following, false);
}

/* Take what the pipe has. False when it has ended. */
static bool copy_pipe(struct following *following)
{
	char data[COPY_BYTES];
	struct pollfd what = {.fd = following->pipe_fd, .events = POLLIN};
	while (poll(&what, 1, 0) > 0) {
		ssize_t got = read(following->pipe_fd, data, sizeof(data));
		if (got <= 0)
			return got < 0 && errno == EINTR;
		if (fwrite(data, 1, (size_t)got, following->copy) != (size_t)got ||
			fflush(following->copy) != 0)
			return false;
	}
	return true;
}

/* For the reader: it has seen all that there is. */
static bool wait_for_more(void *context)
{
	struct following *following = context;
	if (ferror(stdout) || following->is_closed)
		return false;
	draw_if_due(following);
	if (!waiting_wait(&following->waiting))
		return false;
	if (following->pipe_fd >= 0)
		following->is_closed = !copy_pipe(following);
	return true;
}

/* Read to the end of the trace, which is drawn while that is waited for. Returns the status. */
static int read_along(struct following *following, const char *name)
{
	const struct tfmt_batch *ignored;
	struct tfmt_reader *reader = NULL;
	struct tfmt_error err = {0};
	int code = tfmt_reader_follow_fd(following->fd, wait_for_more, following, &reader, &err);
	bool is_wanted = following->waiting.end == WAITING_INTERRUPTED;
	following->can_draw = code == 0;
	if (code == 0)
		code = tfmt_reader_next(reader, 0, &ignored, &err);
	if (code == 0 && !tfmt_reader_damage(reader)->has_end)
		waiting_report(&following->waiting, name, following->msg);
	tfmt_reader_free(reader);
	if (code < 0 && is_wanted)
		return EXIT_OK;
	if (code < 0) {
		msg_error(following->msg, "%s: %s", name,
			err.message[0] != '\0' ? err.message : tfmt_strerror(code));
		return EXIT_FAILED;
	}
	draw(following, following->waiting.end != WAITING_INTERRUPTED);
	return following->status;
}

static int open_copy(struct following *following)
{
	following->copy = temporary_stream(following->msg);
	if (following->copy == NULL)
		return EXIT_FAILED;
	following->pipe_fd = following->fd;
	following->fd = fileno(following->copy);
	return EXIT_OK;
}

int rend_follow(const char *path, rend_draw_fn *draw_fn, void *context, const struct msg *msg)
{
	struct following following = {
		.draw = draw_fn, .context = context, .msg = msg, .pipe_fd = -1};
	char *name = NULL;
	int fd;
	int status = input_open_raw(path, msg, &name, &fd);
	if (status != EXIT_OK)
		return status;
	following.fd = fd;
	status = waiting_begin(&following.waiting, fd, name, msg);
	if (status == EXIT_OK && !following.waiting.is_file)
		status = open_copy(&following);
	if (status == EXIT_OK) {
		snprintf(following.own_path, sizeof(following.own_path), "/proc/self/fd/%d",
			following.fd);
		following.path = following.own_path;
		following.name = "TRACE";
		if (following.waiting.path != NULL)
			following.path = following.name = following.waiting.path;
		status = read_along(&following, name);
	}
	waiting_release(&following.waiting);
	if (following.copy != NULL)
		fclose(following.copy);
	close(fd);
	free(name);
	return status;
}
