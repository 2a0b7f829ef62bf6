/*
 * Every file of tests/corpus does what its name says: good ones are whole, bad ones are damaged
 * yet give the sample that follows the damage, foreign and unsupported ones are refused.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tracefmt/tracefmt.h"

#define MARKER_NS 424242

static bool begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static size_t count_markers(struct tfmt_reader *reader)
{
	const struct tfmt_batch *batch;
	size_t found = 0;
	int status;

	while ((status = tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL)) > 0)
		for (size_t i = 0; batch->kind == TFMT_SAMPLE && i < batch->count; i++)
			found += batch->samples[i].time_ns == MARKER_NS;
	assert_int_equal(status, 0);
	return found;
}

static void check_file(const char *name, struct tfmt_reader *reader)
{
	const struct tfmt_damage *damage = tfmt_reader_damage(reader);
	bool has_marker = strcmp(name, "good-empty.cbor.zst") != 0;
	/* A bad index is no damage, unless it lies in a way that shows only later. */
	bool is_good = begins(name, "good-") || begins(name, "bad-index-");
	bool is_scan_good = is_good && !begins(name, "bad-index-lie-");

	/* Streaming first, then with all tables known: the same. */
	if (count_markers(reader) != has_marker)
		fail_msg("%s: the marker is not there", name);
	if (tfmt_damage_any(damage) == is_good)
		fail_msg("%s: damage is %d", name, tfmt_damage_any(damage));
	if (begins(name, "bad-limit-") && damage->bad_chunks + damage->skipped_bytes == 0)
		fail_msg("%s: the limit is not kept", name);
	assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	if (count_markers(reader) != has_marker)
		fail_msg("%s: the marker is not there after a scan", name);
	if (tfmt_damage_any(damage) == is_scan_good)
		fail_msg("%s: damage after a scan is %d", name, tfmt_damage_any(damage));
	assert_int_equal(tfmt_reader_next_trace(reader, NULL),
		strcmp(name, "good-two-traces.cbor.zst") == 0);
}

static void open_file(const char *folder, const char *name)
{
	struct tfmt_reader *reader = NULL;
	struct tfmt_error err = {0};
	char path[4400];
	int fd, status;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	status = tfmt_reader_open_fd(fd, &reader, &err);
	if (begins(name, "bad-foreign-")) {
		if (status != TFMT_E_FORMAT)
			fail_msg("%s: %d", name, status);
	} else if (begins(name, "unsupported-")) {
		if (status != TFMT_E_VERSION || !strstr(err.message, "newer"))
			fail_msg("%s: %d %s", name, status, err.message);
	} else {
		if (status != 0)
			fail_msg("%s: %s", name, err.message);
		check_file(name, reader);
	}
	tfmt_reader_free(reader);
	close(fd);
}

/* Each file has its line in the README. */
static void check_readme(const char *folder, const char *name)
{
	static char text[65536];
	char path[4400], row[300];
	FILE *readme;

	snprintf(path, sizeof(path), "%s/README.md", folder);
	readme = fopen(path, "r");
	assert_non_null(readme);
	text[fread(text, 1, sizeof(text) - 1, readme)] = '\0';
	fclose(readme);
	snprintf(row, sizeof(row), "| %s |", name);
	if (!strstr(text, row))
		fail_msg("%s is not in the README", name);
}

static void every_file_does_what_its_name_says(void **state)
{
	const char *root = getenv("ROOT");
	char folder[4000];
	struct dirent *entry;
	size_t count = 0;
	DIR *files;

	snprintf(folder, sizeof(folder), "%s/tests/corpus", root ? root : ".");
	files = opendir(folder);
	assert_non_null(files);
	while ((entry = readdir(files)) != NULL) {
		const char *suffix = strstr(entry->d_name, ".cbor.zst");

		if (!suffix)
			continue;
		open_file(folder, entry->d_name);
		check_readme(folder, entry->d_name);
		count++;
	}
	closedir(files);
	assert_true(count >= 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_does_what_its_name_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
