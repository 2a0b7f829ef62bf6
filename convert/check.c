#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "num.h"
#include "structure.h"
#include "tracefmt/check.h"

/* Where findings go. */
struct report {
	FILE *out;
	const char *name;
};

static void on_finding(void *context, const struct tfmt_finding *finding)
{
	const struct report *report = context;

	if (finding->has_chunk)
		fprintf(report->out, "%s: byte %" PRIu64 ": chunk %" PRIu64 " (%s): %s\n",
			report->name, finding->offset, finding->sequence, finding->kind,
			finding->text);
	else
		fprintf(report->out, "%s: byte %" PRIu64 ": %s\n", report->name, finding->offset,
			finding->text);
}

static void sum_up(const struct report *report, const struct tfmt_check_totals *totals)
{
	char chunks[NUM_TEXT_BYTES], records[NUM_TEXT_BYTES], rows[NUM_TEXT_BYTES];
	char findings[NUM_TEXT_BYTES];

	num_count(chunks, totals->chunks);
	num_count(records, totals->records);
	num_count(rows, totals->rows);
	num_count(findings, totals->findings);
	if (totals->findings > 0)
		fprintf(report->out, "%s: bad: %s finding%s; ", report->name, findings,
			totals->findings == 1 ? "" : "s");
	else
		fprintf(report->out, "%s: good: ", report->name);
	fprintf(report->out, "%s chunk%s, %s record%s, %s row%s of tables", chunks,
		totals->chunks == 1 ? "" : "s", records, totals->records == 1 ? "" : "s", rows,
		totals->rows == 1 ? "" : "s");
	if (totals->traces > 1)
		fprintf(report->out, " in %" PRIu64 " traces", totals->traces);
	fprintf(report->out, "%s\n", totals->has_index ? ", with an index" : "");
}

static int check_one(const char *path, FILE *out, const struct msg *msg)
{
	struct report report = {.out = out};
	struct tfmt_check_totals totals = {0};
	struct tfmt_error err = {0};
	char *name = NULL;
	int fd, code, status = input_open_raw(path, msg, &name, &fd);

	if (status)
		return status;
	report.name = name;
	code = tfmt_check_fd(fd, on_finding, &report, &totals, &err);
	if (code) {
		msg_error(msg, "%s: %s", report.name, err.message);
		status = EXIT_FAILED;
	} else {
		sum_up(&report, &totals);
		status = totals.findings > 0 ? EXIT_DAMAGED : EXIT_OK;
	}
	close(fd);
	free(name);
	return status;
}

int conv_check(char *const *paths, size_t path_count, const char *path_out, const struct msg *msg)
{
	struct output output;
	int worst = EXIT_OK, status = output_open(&output, path_out, false, msg);

	if (status)
		return status;
	if (path_count == 0)
		worst = check_one(NULL, output.stream, msg);
	for (size_t i = 0; i < path_count; i++) {
		status = check_one(paths[i], output.stream, msg);
		if (worst == EXIT_OK || (status != EXIT_OK && status < worst))
			worst = status;
	}
	status = output_commit(&output, msg);
	return status ? status : worst;
}
