#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "num.h"

#define PATIENCE_NS 500000000ull /* what takes less needs no progress */
#define PERIOD_NS   100000000ull

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void progress_begin(struct progress *progress, const struct msg *msg)
{
	const char *terminal = getenv("TERM");
	if (progress == NULL || msg->level < 0 || !isatty(STDERR_FILENO) || terminal == NULL ||
		strcmp(terminal, "dumb") == 0)
		return;
	*progress = (struct progress){.tool = msg->tool, .began_ns = now_ns(), .is_on = true};
}

void progress_at(struct progress *progress, uint64_t offset_bytes, uint64_t size_bytes)
{
	char read[NUM_TEXT_BYTES], size[NUM_TEXT_BYTES], share[NUM_TEXT_BYTES];
	if (progress == NULL || !progress->is_on)
		return;
	uint64_t time_ns = now_ns();
	if (time_ns < progress->began_ns + PATIENCE_NS || time_ns < progress->shown_ns + PERIOD_NS)
		return;
	progress->shown_ns = time_ns;
	num_bytes(read, offset_bytes);
	/* A file that grows is longer by now. The line ends where it began: messages overwrite it.
	 */
	if (size_bytes >= offset_bytes && size_bytes > 0)
		fprintf(stderr, "%s: %s of %s read, %s\033[K\r", progress->tool, read,
			num_bytes(size, size_bytes),
			num_percent(share, (double)offset_bytes, (double)size_bytes));
	else
		fprintf(stderr, "%s: %s read\033[K\r", progress->tool, read);
	fflush(stderr);
}

static void watch(void *context, uint64_t offset_bytes, uint64_t size_bytes)
{
	progress_at(context, offset_bytes, size_bytes);
}

void progress_watch(struct progress *progress, struct tfmt_reader *reader)
{
	if (progress != NULL && progress->is_on)
		tfmt_reader_watch(reader, watch, progress);
}

void progress_end(struct progress *progress)
{
	if (progress == NULL)
		return;
	if (progress->shown_ns > 0)
		fputs("\033[K", stderr);
	*progress = (struct progress){0};
}
