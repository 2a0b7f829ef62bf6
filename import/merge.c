#include "merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "merge_state.h"
#include "temporary.h"

#define MAX_NOTES 256

static bool has_id(const struct tfmt_header *header)
{
	static const uint8_t none[sizeof(header->trace_id)];

	return memcmp(header->trace_id, none, sizeof(none)) != 0;
}

static bool is_same_id(const struct tfmt_header *a, const struct tfmt_header *b)
{
	return has_id(a) && !memcmp(a->trace_id, b->trace_id, sizeof(a->trace_id));
}

/* Clocks are one within a boot, and within a recording that does not say which boot it was of. */
static bool is_same_boot(const struct tfmt_header *a, const struct tfmt_header *b)
{
	if (*a->boot_id || *b->boot_id)
		return !strcmp(a->boot_id, b->boot_id);
	return is_same_id(a, b);
}

static void describe_part(struct imp_merge *merge, size_t index)
{
	struct imp_part *part = &merge->parts[index], *other;
	const char *main_host = "";

	part->boot = merge->clock_count;
	for (other = merge->parts; other < part; other++) {
		if (is_same_boot(other->header, part->header))
			part->boot = other->boot;
		if (is_same_id(other->header, part->header))
			other->is_piece = part->is_piece = true;
		if (!*main_host)
			main_host = other->header->host;
	}
	merge->clock_count += part->boot == merge->clock_count;
	if (!merge->sums && *main_host && *part->header->host &&
		strcmp(main_host, part->header->host) != 0)
		part->host = part->header->host;
}

static int init(struct imp_merge *merge, const struct input_part *inputs, size_t count)
{
	size_t i;

	merge->parts = calloc(count, sizeof(*merge->parts));
	merge->clocks = calloc(count, sizeof(*merge->clocks));
	if (!merge->parts || !merge->clocks)
		return TFMT_E_NOMEM;
	merge->count = count;
	for (i = 0; i < count; i++) {
		merge->parts[i].name = inputs[i].name;
		merge->parts[i].reader = inputs[i].reader;
		merge->parts[i].header = tfmt_reader_header(inputs[i].reader);
		describe_part(merge, i);
	}
	return 0;
}

static void release(struct imp_merge *merge)
{
	size_t i;

	for (i = 0; i < merge->count; i++) {
		imp_rewrite_release(&merge->parts[i].rewrite);
		free(merge->parts[i].last_stretch);
		free(merge->parts[i].has_run);
		imp_clock_release(&merge->clocks[i]);
	}
	free(merge->parts);
	free(merge->clocks);
	tfmt_writer_free(merge->writer);
	free(merge->processes.items);
	imp_ids_release(&merge->processes.heads);
	free(merge->threads.items);
	imp_ids_release(&merge->threads.heads);
	free(merge->process_lives.items);
	free(merge->thread_lives.items);
	free(merge->stretches);
	free(merge->series);
	imp_ids_release(&merge->metrics);
	imp_ids_release(&merge->symbols);
	free(merge->last_runners);
}

/* "from 3 traces: a.cbor.zst, b.cbor.zst (host db), c.cbor.zst". The caller frees it. */
static char *describe(const struct imp_merge *merge)
{
	char *text = NULL;
	size_t size, i;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	fprintf(stream, "%s %zu traces:", merge->sums ? "the sum of" : "from", merge->count);
	for (i = 0; i < merge->count; i++) {
		fprintf(stream, "%s %s", i ? "," : "", merge->parts[i].name);
		if (merge->parts[i].host)
			fprintf(stream, " (host %s)", merge->parts[i].host);
		if (merge->parts[i].pid_base)
			fprintf(stream, " (process numbers + %u)", merge->parts[i].pid_base);
	}
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

static size_t add_note(struct tfmt_note *notes, size_t count, const struct tfmt_note *note)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(notes[i].name, note->name) && !strcmp(notes[i].text, note->text))
			return count;
	if (count < MAX_NOTES)
		notes[count++] = *note;
	return count;
}

static bool is_same_command(const struct tfmt_header *a, const struct tfmt_header *b)
{
	size_t i;

	for (i = 0; i < a->argc && i < b->argc; i++)
		if (strcmp(a->argv[i], b->argv[i]) != 0)
			return false;
	return a->argc == b->argc;
}

/* Each command once, joined by "+". NULL: no memory; the caller frees it. */
static const char **join_commands(const struct imp_merge *merge, size_t *ret_count)
{
	const struct tfmt_header *header;
	const char **argv;
	size_t count = 0, i, k;

	for (i = 0; i < merge->count; i++)
		count += merge->parts[i].header->argc + 1;
	argv = calloc(count, sizeof(*argv));
	count = 0;
	for (i = 0; argv && i < merge->count; i++) {
		header = merge->parts[i].header;
		for (k = 0; k < i && !is_same_command(merge->parts[k].header, header); k++)
			;
		if (k < i || !header->argc)
			continue;
		if (count)
			argv[count++] = "+";
		memcpy(argv + count, header->argv, header->argc * sizeof(*argv));
		count += header->argc;
	}
	*ret_count = count;
	return argv;
}

/* The first part's, with the remarks of all; of pieces of one recording even the id stays. */
static int begin(struct imp_merge *merge, struct tfmt_sink sink)
{
	struct tfmt_header header = *merge->parts[0].header;
	const struct imp_clock *clock = &merge->clocks[merge->main_clock];
	struct tfmt_note notes[MAX_NOTES];
	char *text = describe(merge);
	const char **argv = join_commands(merge, &header.argc);
	const struct tfmt_header *other;
	size_t i, k;
	int status;

	if (!text || !argv) {
		free(text);
		free(argv);
		return TFMT_E_NOMEM;
	}
	header.argv = argv;
	header.notes = notes;
	header.note_count = add_note(notes, 0, &(struct tfmt_note){"merged", text});
	for (i = 0; i < merge->count; i++) {
		other = merge->parts[i].header;
		for (k = 0; k < other->note_count; k++)
			header.note_count = add_note(notes, header.note_count, &other->notes[k]);
		for (k = 0; !is_same_id(&header, other) && k < sizeof(header.trace_id); k++)
			header.trace_id[k] =
				(uint8_t)(31 * header.trace_id[k] + other->trace_id[k]);
		header.rate_hz = header.rate_hz ? header.rate_hz : other->rate_hz;
		header.interval_ns = header.interval_ns ? header.interval_ns : other->interval_ns;
	}
	header.time_ns = merge->begin_ns;
	if (clock->count && !merge->sums)
		header.utc_ns = imp_clock_utc(clock, (int64_t)header.time_ns - merge->shift_ns);
	status = tfmt_writer_new(&header,
		&(struct tfmt_writer_options){.checkpoint_bytes = SIZE_MAX}, sink, &merge->writer,
		&merge->error);
	free(text);
	free(argv);
	return status;
}

static int write_all(struct imp_merge *merge, const struct input_part *inputs, size_t count,
	struct tfmt_sink sink)
{
	int status = init(merge, inputs, count);

	if (!status)
		status = imp_merge_survey(merge);
	if (status)
		return status;
	imp_merge_place(merge);
	status = imp_merge_number(merge);
	if (!status)
		status = begin(merge, sink);
	if (!status)
		status = imp_merge_tables(merge);
	if (!status)
		status = imp_merge_records(merge);
	return status ? status : tfmt_writer_finish(merge->writer, &merge->error);
}

/* Say which parts lack something. Returns 0 or EXIT_DAMAGED. */
static int report_damage(const struct input_part *inputs, size_t count, const struct msg *msg)
{
	const struct tfmt_damage *damage;
	int status = EXIT_OK;
	char text[256];
	size_t i;

	for (i = 0; i < count; i++) {
		damage = tfmt_reader_damage(inputs[i].reader);
		if (!tfmt_damage_any(damage))
			continue;
		tfmt_damage_describe(damage, text, sizeof(text));
		msg_warn(msg, "%s: %s; what is whole has been used", inputs[i].name, text);
		status = EXIT_DAMAGED;
	}
	return status;
}

int imp_merge(struct input_part *parts, size_t count, bool sums, const struct msg *msg, int *ret_fd)
{
	struct imp_merge merge = {.sums = sums, .msg = msg};
	int fd = temporary_open_or_say(msg), status;

	if (fd < 0)
		return EXIT_FAILED;
	status = write_all(&merge, parts, count, tfmt_sink_fd(&fd));
	release(&merge);
	if (status == TFMT_E_IO && !*merge.error.message)
		msg_error(msg, "cannot keep the merged trace in a temporary file: %s",
			strerror(errno));
	else if (status)
		msg_error(msg, "cannot merge: %s",
			*merge.error.message ? merge.error.message : tfmt_strerror(status));
	if (!status && lseek(fd, 0, SEEK_SET) == 0) {
		*ret_fd = fd;
		return report_damage(parts, count, msg);
	}
	close(fd);
	return EXIT_FAILED;
}
