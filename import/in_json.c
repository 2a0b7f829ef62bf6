/*
 * What tconv --json writes (docs/JSON.md), back: equal records with equal ids where no line is
 * missing. Rows that lines refer to but that are not there are none.
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "import.h"
#include "json.h"

#define MAX_LIST 65536

struct state {
	struct imp_build *build;
	struct imp_ids ids;  /* by kind of table (or TFMT_SPAN) and number in the file */
	const char *bad_key; /* of this line: a value that is no number of its size; NULL: none */
};

/* A line and what it is read into. */
struct line {
	struct state *state;
	const struct imp_item *item;
	const struct imp_value *object;
};

static const struct imp_value *member(const struct line *line, const char *key)
{
	return imp_member(line->item, line->object, key);
}

static uint64_t number(const struct line *line, const char *key)
{
	const struct imp_value *given = member(line, key);
	uint64_t value;

	if (imp_unsigned(line->item, given, &value))
		return value;
	if (given && given->type != IMP_NULL)
		line->state->bad_key = key;
	return 0;
}

static int64_t signed_number(const struct line *line, const char *key)
{
	int64_t value;

	return imp_number(line->item, member(line, key), 0, &value) ? value : 0;
}

static uint32_t number_32(const struct line *line, const char *key)
{
	uint64_t value = number(line, key);

	if (value > UINT32_MAX)
		line->state->bad_key = key;
	return (uint32_t)value;
}

/* "0x7f12" */
static uint64_t address(const struct line *line, const char *key)
{
	const struct imp_value *value = member(line, key);

	return value && value->type == IMP_STRING
		       ? strtoull(line->item->text + value->text, NULL, 16)
		       : 0;
}

/* The new id of the row that `key` refers to, 0: none. */
static uint32_t id_of(const struct line *line, enum tfmt_kind kind, const char *key)
{
	return imp_ids_get(&line->state->ids, (uint64_t)kind, number(line, key));
}

static uint32_t string_of(const struct line *line, const char *key)
{
	return id_of(line, TFMT_STRING, key);
}

static int note_id(const struct line *line, enum tfmt_kind kind, const char *key, uint32_t id)
{
	return imp_ids_put(&line->state->ids, (uint64_t)kind, number(line, key), id);
}

/* The index in `names`, or the number that stands where a name is not known; 0: not given. */
static uint8_t name_of(const struct imp_item *item, const struct imp_value *value,
	const char *const *names, size_t count)
{
	uint64_t given;
	size_t i;

	for (i = 0; i < count; i++)
		if (imp_is(item, value, names[i]))
			return (uint8_t)i;
	if (!imp_unsigned(item, value, &given))
		return value && value->type == IMP_STRING ? UINT8_MAX : 0;
	return given < UINT8_MAX ? (uint8_t)given : UINT8_MAX;
}

#define NAME_OF(line, key, ...)                                                      \
	name_of((line)->item, member(line, key), (const char *const[]){__VA_ARGS__}, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static uint8_t flags_of(const struct line *line, const char *const *names, size_t count)
{
	const struct imp_value *flag = imp_child(line->item, member(line, "flags"));
	uint8_t flags = 0;
	uint64_t given;
	size_t i;

	for (; flag; flag = imp_next(line->item, flag)) {
		for (i = 0; i < count; i++)
			if (imp_is(line->item, flag, names[i]))
				flags |= (uint8_t)(1u << i);
		if (flag->type == IMP_NUMBER && imp_unsigned(line->item, flag, &given))
			flags |= (uint8_t)given;
	}
	return flags;
}

#define FLAGS_OF(line, ...)                                \
	flags_of(line, (const char *const[]){__VA_ARGS__}, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* --- texts --- */

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of hexadecimal digits. Owns: the caller frees them. NULL: no memory, or no such digits. */
static char *from_hex(
	const struct imp_item *item, const struct imp_value *value, size_t *ret_length)
{
	const char *hex = value ? item->text + value->text : "";
	size_t length = value ? value->text_length / 2 : 0, i;
	char *bytes = malloc(length + 1);

	for (i = 0; bytes && i < length; i++) {
		if (digit(hex[2 * i]) < 0 || digit(hex[2 * i + 1]) < 0) {
			free(bytes);
			return NULL;
		}
		bytes[i] = (char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	}
	if (bytes)
		bytes[length] = '\0';
	*ret_length = length;
	return bytes;
}

/* A text of the header: a string, or {"bytes":"ff00"}. Owns: the caller frees it. */
static char *text_of(const struct imp_item *item, const struct imp_value *value)
{
	size_t length;

	if (value && value->type == IMP_OBJECT)
		return from_hex(item, imp_member(item, value, "bytes"), &length);
	return strdup(value && value->type == IMP_STRING ? item->text + value->text : "");
}

static int on_string(const struct line *line)
{
	const struct imp_value *text = member(line, "text");
	size_t length;
	uint32_t id;
	char *bytes;
	int status;

	if (text && text->type == IMP_STRING) {
		status = imp_text(
			line->state->build, line->item->text + text->text, text->text_length, &id);
	} else {
		bytes = from_hex(line->item, member(line, "bytes"), &length);
		status = bytes ? imp_text(line->state->build, bytes, length, &id) : TFMT_E_FORMAT;
		free(bytes);
		if (status == TFMT_E_FORMAT)
			tfmt_error_set(&line->state->build->error, TFMT_E_FORMAT, 0,
				"bytes are no hexadecimal digits");
	}
	return status ? status : note_id(line, TFMT_STRING, "id", id);
}

/* --- the header --- */

/* What a header borrows. */
struct header_texts {
	char *texts[6];
	char **argv;
	struct tfmt_note *notes;
};

static void free_texts(struct header_texts *texts, const struct tfmt_header *header)
{
	size_t i;

	for (i = 0; i < sizeof(texts->texts) / sizeof(texts->texts[0]); i++)
		free(texts->texts[i]);
	for (i = 0; i < header->argc; i++)
		free(texts->argv[i]);
	for (i = 0; i < header->note_count; i++) {
		free((char *)texts->notes[i].name);
		free((char *)texts->notes[i].text);
	}
	free(texts->argv);
	free(texts->notes);
}

static bool read_lists(
	const struct line *line, struct header_texts *texts, struct tfmt_header *header)
{
	const struct imp_item *item = line->item;
	const struct imp_value *value;
	size_t argc = 0, notes = 0;

	for (value = imp_child(item, member(line, "argv")); value; value = imp_next(item, value))
		argc++;
	for (value = imp_child(item, member(line, "notes")); value; value = imp_next(item, value))
		notes++;
	texts->argv = calloc(argc + 1, sizeof(*texts->argv));
	texts->notes = calloc(notes + 1, sizeof(*texts->notes));
	if (!texts->argv || !texts->notes || argc > MAX_LIST || notes > MAX_LIST)
		return false;
	header->argv = (const char *const *)texts->argv;
	header->notes = texts->notes;
	for (value = imp_child(item, member(line, "argv")); value; value = imp_next(item, value)) {
		texts->argv[header->argc++] = text_of(item, value);
		if (!texts->argv[header->argc - 1])
			return false;
	}
	for (value = imp_child(item, member(line, "notes")); value; value = imp_next(item, value)) {
		struct tfmt_note *note = &texts->notes[header->note_count++];

		note->name = text_of(item, imp_member(item, value, "name"));
		note->text = text_of(item, imp_member(item, value, "text"));
		if (!note->name || !note->text)
			return false;
	}
	return true;
}

static int on_header(const struct line *line)
{
	static const char *const keys[] = {"recorder", "host", "boot_id", "os", "machine", "cwd"};
	struct imp_build *build = line->state->build;
	struct header_texts texts = {0};
	struct tfmt_header header = {
		.time_ns = number(line, "time_ns"),
		.utc_ns = signed_number(line, "utc_ns"),
		.cpu_count = number_32(line, "cpu_count"),
		.memory_bytes = number(line, "memory_bytes"),
		.rate_hz = number_32(line, "rate_hz"),
		.interval_ns = number(line, "interval_ns"),
	};
	int status = TFMT_E_NOMEM;
	size_t length, i;
	char *trace_id;

	if (build->writer)
		return tfmt_error_set(&build->error, TFMT_E_FORMAT, 0, "a second header");
	for (i = 0; i < 6; i++) {
		texts.texts[i] = text_of(line->item, member(line, keys[i]));
		if (!texts.texts[i])
			goto out;
	}
	header.recorder = texts.texts[0];
	header.host = texts.texts[1];
	header.boot_id = texts.texts[2];
	header.os = texts.texts[3];
	header.machine = texts.texts[4];
	header.cwd = texts.texts[5];
	trace_id = from_hex(line->item, member(line, "trace_id"), &length);
	if (trace_id)
		memcpy(header.trace_id, trace_id,
			length < sizeof(header.trace_id) ? length : sizeof(header.trace_id));
	free(trace_id);
	if (read_lists(line, &texts, &header))
		status = tfmt_writer_new(&header, NULL, build->sink, &build->writer, &build->error);
out:
	free_texts(&texts, &header);
	return status;
}

/* --- tables --- */

static int on_mapping(const struct line *line)
{
	uint32_t id = 0;
	int status = tfmt_writer_add_mapping(line->state->build->writer,
		&(struct tfmt_mapping){
			.path = string_of(line, "path_id"),
			.build_id = string_of(line, "build_id_id"),
			.type = NAME_OF(line, "type", "file", "kernel", "vdso", "anon"),
		},
		&id);

	return status ? status : note_id(line, TFMT_MAPPING, "id", id);
}

static int on_frame(const struct line *line)
{
	uint32_t id = 0;
	int status = tfmt_writer_add_frame(line->state->build->writer,
		&(struct tfmt_frame){
			.address = address(line, "address"),
			.mapping = id_of(line, TFMT_MAPPING, "mapping_id"),
			.function = string_of(line, "function_id"),
			.file = string_of(line, "file_id"),
			.first_line = number_32(line, "first_line"),
			.line = number_32(line, "line"),
			.language = NAME_OF(line, "language", "native", "kernel", "python", "jit"),
			.flags = FLAGS_OF(line, "interpreter"),
		},
		&id);

	return status ? status : note_id(line, TFMT_FRAME, "id", id);
}

/* Of a damaged trace a stack may be too deep: it stays as its caller's. */
static int on_stack(const struct line *line)
{
	uint32_t id = id_of(line, TFMT_STACK, "parent_id");
	bool is_cut;
	int status =
		imp_push(line->state->build, id_of(line, TFMT_FRAME, "frame_id"), &id, &is_cut);

	return status ? status : note_id(line, TFMT_STACK, "id", id);
}

static int on_process(const struct line *line)
{
	uint32_t id = 0;
	int status = tfmt_writer_add_process(line->state->build->writer,
		&(struct tfmt_process){
			.start_ns = number(line, "start_ns"),
			.pid = number_32(line, "pid"),
			.ppid = number_32(line, "ppid"),
			.parent = id_of(line, TFMT_PROCESS, "parent_id"),
		},
		&id);

	return status ? status : note_id(line, TFMT_PROCESS, "id", id);
}

static int on_thread(const struct line *line)
{
	uint32_t id = 0;
	int status = tfmt_writer_add_thread(line->state->build->writer,
		&(struct tfmt_thread){
			.start_ns = number(line, "start_ns"),
			.process = id_of(line, TFMT_PROCESS, "process_id"),
			.tid = number_32(line, "tid"),
		},
		&id);

	return status ? status : note_id(line, TFMT_THREAD, "id", id);
}

static int on_metric(const struct line *line)
{
	uint32_t id = 0;
	int status = tfmt_writer_add_metric(line->state->build->writer,
		&(struct tfmt_metric){
			.name = string_of(line, "name_id"),
			.unit = string_of(line, "unit_id"),
			.help = string_of(line, "help_id"),
			.process = id_of(line, TFMT_PROCESS, "process_id"),
			.thread = id_of(line, TFMT_THREAD, "thread_id"),
			.type = NAME_OF(line, "type", "gauge", "cumulative"),
		},
		&id);

	return status ? status : note_id(line, TFMT_METRIC, "id", id);
}

static int on_symbol(const struct line *line)
{
	const struct imp_value *inlined = member(line, "inlined");

	return tfmt_writer_symbol(line->state->build->writer,
		&(struct tfmt_symbol){
			.address = address(line, "address"),
			.length = number(line, "length"),
			.mapping = id_of(line, TFMT_MAPPING, "mapping_id"),
			.function = string_of(line, "function_id"),
			.file = string_of(line, "file_id"),
			.line = number_32(line, "line"),
			.first_line = number_32(line, "first_line"),
			.inlined = inlined && inlined->type == IMP_TRUE,
		});
}

/* --- data --- */

static int on_life(const struct line *line, uint8_t event, bool is_alive)
{
	const struct imp_value *status = member(line, "status");
	struct tfmt_life life = {
		.time_ns = number(line, "time_ns"),
		.process = id_of(line, TFMT_PROCESS, "process_id"),
		.thread = id_of(line, TFMT_THREAD, "thread_id"),
		.name = string_of(line, "name_id"),
		.exe = string_of(line, "exe_id"),
		.argv = string_of(line, "argv_id"),
		.cwd = string_of(line, "cwd_id"),
		.event = event,
	};

	if (is_alive) {
		life.status_type = TFMT_STATUS_ALIVE;
	} else if (status && status->type == IMP_NUMBER) {
		life.status_type = TFMT_STATUS_EXITED;
		life.status = (int32_t)signed_number(line, "status");
	} else if (member(line, "signal")) {
		life.status_type = TFMT_STATUS_SIGNALED;
		life.status = (int32_t)signed_number(line, "signal");
	}
	return tfmt_writer_life(line->state->build->writer, &life);
}

static int on_any_life(const struct line *line)
{
	return on_life(line, (uint8_t)number(line, "event"), false);
}

static int on_start(const struct line *line)
{
	return on_life(line, TFMT_LIFE_START, false);
}

static int on_exec(const struct line *line)
{
	return on_life(line, TFMT_LIFE_EXEC, false);
}

static int on_name(const struct line *line)
{
	return on_life(line, TFMT_LIFE_NAME, false);
}

static int on_end_of_life(const struct line *line)
{
	return on_life(line, TFMT_LIFE_EXIT, false);
}

static int on_alive(const struct line *line)
{
	return on_life(line, TFMT_LIFE_EXIT, true);
}

static int on_sample(const struct line *line)
{
	return tfmt_writer_sample(line->state->build->writer,
		&(struct tfmt_sample){
			.time_ns = number(line, "time_ns"),
			.weight_ns = number(line, "weight_ns"),
			.thread = id_of(line, TFMT_THREAD, "thread_id"),
			.stack = id_of(line, TFMT_STACK, "stack_id"),
			.syscall = (uint16_t)number(line, "syscall_id"),
			.state = NAME_OF(line, "state", "running", "preempted", "blocked", "gil"),
			.flags = FLAGS_OF(line, "truncated", "recovered", "assumed", "unmerged",
				"summed", "unsampled"),
		});
}

static int on_counter(const struct line *line)
{
	const struct imp_value *value = member(line, "value");

	return tfmt_writer_counter(line->state->build->writer,
		&(struct tfmt_counter){
			.time_ns = number(line, "time_ns"),
			.value = value && value->type == IMP_NUMBER ? signed_number(line, "value")
								    : TFMT_VALUE_MISSING,
			.metric = id_of(line, TFMT_METRIC, "metric_id"),
		});
}

static int on_span(const struct line *line)
{
	uint64_t new_number = 0;
	int status = tfmt_writer_span(line->state->build->writer,
		&(struct tfmt_span){
			.time_ns = number(line, "time_ns"),
			.thread = id_of(line, TFMT_THREAD, "thread_id"),
			.frame = id_of(line, TFMT_FRAME, "frame_id"),
			.name = string_of(line, "name_id"),
			.phase = NAME_OF(line, "phase", "begin", "end"),
			.flags = FLAGS_OF(line, "scope", "call", "ccall", "exception"),
		},
		&new_number);

	return status ? status : note_id(line, TFMT_SPAN, "number", (uint32_t)new_number);
}

static int on_arg(const struct line *line)
{
	return tfmt_writer_arg(
		line->state->build->writer, &(struct tfmt_arg){
						    .span = id_of(line, TFMT_SPAN, "span"),
						    .name = string_of(line, "name_id"),
						    .type = string_of(line, "type_id"),
						    .value = string_of(line, "value_id"),
						    .flags = FLAGS_OF(line, "cut"),
					    });
}

static int on_alloc(const struct line *line)
{
	return tfmt_writer_alloc(
		line->state->build->writer, &(struct tfmt_alloc){
						    .time_ns = number(line, "time_ns"),
						    .address = address(line, "address"),
						    .size_bytes = number(line, "size_bytes"),
						    .thread = id_of(line, TFMT_THREAD, "thread_id"),
						    .stack = id_of(line, TFMT_STACK, "stack_id"),
						    .allocator = string_of(line, "allocator_id"),
					    });
}

static int on_free(const struct line *line)
{
	return tfmt_writer_release(
		line->state->build->writer, &(struct tfmt_free){
						    .time_ns = number(line, "time_ns"),
						    .address = address(line, "address"),
						    .thread = id_of(line, TFMT_THREAD, "thread_id"),
						    .stack = id_of(line, TFMT_STACK, "stack_id"),
						    .allocator = string_of(line, "allocator_id"),
					    });
}

static int on_instant(const struct line *line)
{
	return tfmt_writer_instant(
		line->state->build->writer, &(struct tfmt_instant){
						    .time_ns = number(line, "time_ns"),
						    .thread = id_of(line, TFMT_THREAD, "thread_id"),
						    .name = string_of(line, "name_id"),
						    .text = string_of(line, "text_id"),
					    });
}

static int on_clock(const struct line *line)
{
	return tfmt_writer_clock(
		line->state->build->writer, &(struct tfmt_clock){
						    .time_ns = number(line, "time_ns"),
						    .utc_ns = signed_number(line, "utc_ns"),
						    .boottime_ns = number(line, "boottime_ns"),
					    });
}

static int on_lost(const struct line *line)
{
	return tfmt_writer_lost(line->state->build->writer,
		&(struct tfmt_lost){
			.time_ns = number(line, "time_ns"),
			.count = number(line, "count"),
			.process = id_of(line, TFMT_PROCESS, "process_id"),
			.what = string_of(line, "what_id"),
			.reason = string_of(line, "reason_id"),
		});
}

static int on_cost(const struct line *line)
{
	return tfmt_writer_cost(
		line->state->build->writer, &(struct tfmt_cost){
						    .time_ns = number(line, "time_ns"),
						    .value = signed_number(line, "value"),
						    .name = string_of(line, "name_id"),
						    .unit = string_of(line, "unit_id"),
					    });
}

static int on_end(const struct line *line)
{
	return 0;
}

static const struct {
	const char *kind;
	int (*take)(const struct line *line);
} kinds[] = {
	{"header", on_header},
	{"string", on_string},
	{"mapping", on_mapping},
	{"frame", on_frame},
	{"stack", on_stack},
	{"process", on_process},
	{"thread", on_thread},
	{"metric", on_metric},
	{"symbol", on_symbol},
	{"life", on_any_life},
	{"start", on_start},
	{"thread_start", on_start},
	{"exec", on_exec},
	{"thread_exec", on_exec},
	{"name", on_name},
	{"thread_name", on_name},
	{"exit", on_end_of_life},
	{"thread_exit", on_end_of_life},
	{"alive", on_alive},
	{"thread_alive", on_alive},
	{"sample", on_sample},
	{"counter", on_counter},
	{"span", on_span},
	{"arg", on_arg},
	{"alloc", on_alloc},
	{"free", on_free},
	{"instant", on_instant},
	{"clock", on_clock},
	{"lost", on_lost},
	{"cost", on_cost},
	{"end", on_end},
};

static int on_line(void *context, size_t path, const struct imp_item *item)
{
	struct state *state = context;
	const struct line line = {.state = state, .item = item, .object = &item->values[0]};
	const struct imp_value *kind = member(&line, "kind");
	int status;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!imp_is(item, kind, kinds[i].kind))
			continue;
		if (!state->build->writer && kinds[i].take != on_header)
			break;
		state->bad_key = NULL;
		status = kinds[i].take(&line);
		if (!status && state->bad_key)
			return tfmt_error_set(&state->build->error, TFMT_E_FORMAT, 0,
				"%s: not a number that it can have", state->bad_key);
		return status != TFMT_E_ARG
			       ? status
			       : tfmt_error_set(&state->build->error, TFMT_E_FORMAT, 0,
					 "a value that a %s cannot have", kinds[i].kind);
	}
	return tfmt_error_set(&state->build->error, TFMT_E_FORMAT, 0,
		state->build->writer ? "no line of a known kind" : "the header must come first");
}

static bool matches(const char *head, size_t size_bytes)
{
	return !strncmp(head, "{\"kind\":\"header\"", 16) ||
	       !strncmp(head, "{\"kind\": \"header\"", 17);
}

static int read_json(struct imp_source *source, struct imp_build *build)
{
	static const char *const paths[] = {"", NULL};
	struct state state = {.build = build};
	const struct imp_json_options options = {
		.paths = paths,
		.many = true,
		.on_item = on_line,
		.context = &state,
	};
	int status = imp_json_read(source, &options, &build->error);

	imp_ids_release(&state.ids);
	if (!status && !build->writer)
		status = imp_source_fail(source, 1, 1, &build->error, "no header");
	return status ? status : imp_build_end(build);
}

const struct imp_format imp_format_json = {
	.name = "json",
	.summary = "what tconv --json writes",
	.matches = matches,
	.read = read_json,
};
