/*
 * The body of a fuzzer of one foreign format: define FUZZED as its struct imp_format_* and include
 * this.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "import/build.h"
#include "import/import.h"
#include "import/source.h"
#include "tests/lib/fuzz_main.h"

extern const struct imp_format FUZZED;

/* What it has made must be a trace that can be read without damage. */
static void read_back(int fd)
{
	const struct tfmt_batch *batch;
	struct tfmt_reader *reader = NULL;
	struct tfmt_error err;

	if (lseek(fd, 0, SEEK_SET) < 0 || tfmt_reader_open_fd(fd, &reader, &err) < 0 ||
		tfmt_reader_scan(reader, &err) < 0)
		abort();
	while (tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, &err) > 0)
		;
	if (tfmt_damage_any(tfmt_reader_damage(reader)))
		abort();
	tfmt_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct msg silent = {.tool = "fuzz", .level = -1};
	char head[4097];
	size_t head_bytes = size < sizeof(head) - 1 ? size : sizeof(head) - 1;
	int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	struct imp_build build = {.msg = &silent, .name = "in", .sink = tfmt_sink_fd(&out)};
	struct imp_source source;

	memcpy(head, data, head_bytes);
	head[head_bytes] = '\0';
	FUZZED.matches(head, head_bytes);
	if (write(in, data, size) != (ssize_t)size || lseek(in, 0, SEEK_SET) < 0 ||
		imp_source_open(&source, in, "in", NULL))
		abort();
	if (!FUZZED.read(&source, &build))
		read_back(out);
	imp_source_close(&source);
	imp_build_release(&build);
	close(in);
	close(out);
	return 0;
}
