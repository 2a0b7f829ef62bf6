/*
 * Foreign recordings, made traces: what tconv and trender read besides their own format.
 *
 * A format is one file that ends in one filled `struct imp_format`, and one row in inputs.def. The
 * content tells which it is, a name forces it. The trace goes to an unlinked temporary file, so
 * that memory depends on the tables alone, and everything behind reads it as any other.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "msg.h"
#include "progress.h"

struct imp_source;
struct imp_build;

struct imp_format {
	const char *name;    /* of --from-format */
	const char *summary; /* for --help */
	/* Whether a file that begins so is of this format. `head` ends in a NUL. */
	bool (*matches)(const char *head, size_t size_bytes);
	/* Reads all. Returns: 0; a negative enum tfmt_err, with words in the build's error. */
	int (*read)(struct imp_source *source, struct imp_build *build);
};

/* What input_open() takes: see common/files.h. `format` NULL: by content. */
int imp_open(int fd, const char *name, const char *format, struct progress *progress,
	const struct msg *msg, int *ret_fd);

/* Values for completion and --help, "chrome cpuprofile ...": the names of inputs.def. */
#define IMP_FORMAT_OPTION "from-format"
#define IMP_FORMAT_HELP                                                                            \
	"what is no trace is FORMAT, whatever it looks like: austin, chrome, cpuprofile, folded, " \
	"json, live-trace, perf-script, py-spy, speedscope"
#define IMP_SUM_OPTION "sum"
#define IMP_SUM_HELP \
	"several traces summed as one run: all begin at second 0, which top and tree then add up"
#define IMP_FORMAT_VALUES \
	"austin chrome cpuprofile folded json live-trace perf-script py-spy speedscope"

#endif
