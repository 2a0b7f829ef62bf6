/*
 * An SQLite database with tables for everything, indexes, and views for the usual questions
 * (docs/SQLITE.md). It is built in a temporary file in $TMPDIR (or /tmp) and then copied to where
 * the output goes, which may be a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "cleantext.h"
#include "relation.h"
#include "tracefmt/tracefmt.h"

#define COPY_BYTES 65536

static const char indexes_and_views[] =
	"CREATE INDEX sample_thread ON sample(thread_id, time_ns);"
	"CREATE INDEX sample_stack ON sample(stack_id);"
	"CREATE INDEX counter_metric ON counter(metric_id, time_ns);"
	"CREATE INDEX span_thread ON span(thread_id, begin_ns);"
	"CREATE INDEX arg_record ON arg(record_id);"
	/* Samples with what their ids mean. */
	"CREATE VIEW sample_view AS SELECT s.time_ns, p.pid, p.name AS process, t.tid,"
	" t.name AS thread, s.state, s.syscall, f.name AS function, f.module, s.samples,"
	" CASE s.state WHEN 'running' THEN s.weight_ns ELSE 0 END AS cpu_ns,"
	" CASE s.state WHEN 'running' THEN 0 ELSE s.weight_ns END AS offcpu_ns, s.stack_id"
	" FROM sample s LEFT JOIN thread t ON t.id = s.thread_id"
	" LEFT JOIN process p ON p.id = t.process_id JOIN stack k ON k.id = s.stack_id"
	" JOIN function f ON f.id = k.function_id;"
	/* Stacks with what all their samples weigh. */
	"CREATE VIEW stack_weight AS SELECT stack_id, sum(samples) AS samples,"
	" sum(CASE state WHEN 'running' THEN weight_ns ELSE 0 END) AS cpu_ns,"
	" sum(CASE state WHEN 'running' THEN 0 ELSE weight_ns END) AS offcpu_ns"
	" FROM sample GROUP BY stack_id;"
	/* Functions: time of their own, and with what they called; recursion counts once. */
	"CREATE VIEW function_weight AS WITH RECURSIVE"
	" up(leaf, id) AS (SELECT stack_id, stack_id FROM stack_weight UNION ALL"
	" SELECT up.leaf, k.parent_id FROM up JOIN stack k ON k.id = up.id"
	" WHERE k.parent_id IS NOT NULL),"
	" within(leaf, function_id) AS (SELECT DISTINCT up.leaf, k.function_id"
	" FROM up JOIN stack k ON k.id = up.id),"
	" total AS (SELECT function_id, sum(samples) AS samples, sum(cpu_ns) AS cpu_ns,"
	" sum(offcpu_ns) AS offcpu_ns FROM within JOIN stack_weight ON stack_id = leaf"
	" GROUP BY function_id),"
	" own AS (SELECT k.function_id, sum(samples) AS samples, sum(cpu_ns) AS cpu_ns,"
	" sum(offcpu_ns) AS offcpu_ns FROM stack_weight JOIN stack k ON k.id = stack_id"
	" GROUP BY k.function_id)"
	" SELECT f.name, f.module, f.file, f.line, coalesce(own.samples, 0) AS self_samples,"
	" total.samples AS total_samples, coalesce(own.cpu_ns, 0) AS self_cpu_ns,"
	" total.cpu_ns AS total_cpu_ns, coalesce(own.offcpu_ns, 0) AS self_offcpu_ns,"
	" total.offcpu_ns AS total_offcpu_ns FROM total JOIN function f ON f.id = function_id"
	" LEFT JOIN own USING (function_id) ORDER BY self_cpu_ns DESC, total_cpu_ns DESC;"
	/* Threads: what they ran and waited. */
	"CREATE VIEW thread_weight AS SELECT p.pid, p.name AS process, t.tid, t.name AS thread,"
	" sum(samples) AS samples,"
	" sum(CASE state WHEN 'running' THEN weight_ns ELSE 0 END) AS cpu_ns,"
	" sum(CASE state WHEN 'preempted' THEN weight_ns ELSE 0 END) AS preempted_ns,"
	" sum(CASE WHEN state IN ('running', 'preempted') THEN 0 ELSE weight_ns END) AS blocked_ns"
	" FROM sample s LEFT JOIN thread t ON t.id = s.thread_id"
	" LEFT JOIN process p ON p.id = t.process_id GROUP BY s.thread_id ORDER BY cpu_ns DESC;"
	/* Stacks as lines, root first. */
	"CREATE VIEW stack_text AS WITH RECURSIVE path(id, text) AS ("
	" SELECT k.id, f.name FROM stack k JOIN function f ON f.id = k.function_id"
	" WHERE k.parent_id IS NULL UNION ALL SELECT k.id, path.text || ';' || f.name"
	" FROM path JOIN stack k ON k.parent_id = path.id JOIN function f ON f.id = k.function_id)"
	" SELECT id, text FROM path;"
	/* Values of counters with what they are of. */
	"CREATE VIEW counter_view AS SELECT c.time_ns, p.pid, p.name AS process, t.tid, m.name,"
	" c.value, m.unit, m.type FROM counter c JOIN metric m ON m.id = c.metric_id"
	" LEFT JOIN thread t ON t.id = m.thread_id"
	" LEFT JOIN process p ON p.id = coalesce(m.process_id, t.process_id);"
	/* Spans with their length and their arguments in one text. */
	"CREATE VIEW span_view AS SELECT s.id, p.pid, t.tid, s.name, s.begin_ns, s.end_ns,"
	" s.end_ns - s.begin_ns AS duration_ns, (SELECT group_concat(a.name || '=' || a.value, ', ')"
	" FROM arg a WHERE a.record_id IN (s.id, s.end_id)) AS args, s.left_by_exception"
	" FROM span s LEFT JOIN thread t ON t.id = s.thread_id"
	" LEFT JOIN process p ON p.id = t.process_id;"
	"CREATE INDEX stack_parent ON stack(parent_id);";

struct sqlite_state {
	struct relation relation; /* first */
	int fd;			  /* of the temporary file, -1: none */
	sqlite3 *db;
	sqlite3_stmt *inserts[RELATION_TABLE_COUNT];
	char *clean; /* a text without what terminals obey */
	size_t clean_bytes;
};

/* What SQLite could not do, in our words. */
static int status_of(int code)
{
	return code == SQLITE_NOMEM ? TFMT_E_NOMEM : TFMT_E_IO;
}

static int run(struct sqlite_state *state, const char *sql)
{
	int code = sqlite3_exec(state->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : status_of(code);
}

/* --- building --- */

/* "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)" */
static int create_table(struct sqlite_state *state, const struct relation_schema *schema)
{
	char sql[1024];
	size_t used, i, length;

	used = (size_t)snprintf(sql, sizeof(sql), "CREATE TABLE \"%s\"(", schema->name);
	for (i = 0; schema->columns[i]; i++) {
		const char *name = schema->columns[i];

		length = strcspn(name, "$");
		used += (size_t)snprintf(sql + used, sizeof(sql) - used, "%s%.*s %s%s",
			i ? ", " : "", (int)length, name, name[length] ? "TEXT" : "INTEGER",
			i || strcmp(name, "id") ? "" : " PRIMARY KEY");
	}
	snprintf(sql + used, sizeof(sql) - used, ")");
	return run(state, sql);
}

static int prepare_insert(struct sqlite_state *state, enum relation_table table)
{
	const struct relation_schema *schema = &relation_schemas[table];
	char sql[256];
	size_t used, i;
	int code;

	used = (size_t)snprintf(sql, sizeof(sql), "INSERT INTO \"%s\" VALUES(", schema->name);
	for (i = 0; schema->columns[i]; i++)
		used += (size_t)snprintf(sql + used, sizeof(sql) - used, i ? ",?" : "?");
	snprintf(sql + used, sizeof(sql) - used, ")");
	code = sqlite3_prepare_v2(state->db, sql, -1, &state->inserts[table], NULL);
	return code == SQLITE_OK ? 0 : status_of(code);
}

/* A database in a file that has no name any more, so that nothing stays behind. */
static int open_database(struct sqlite_state *state)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];
	int code;

	if (!folder || !*folder)
		folder = "/tmp";
	if ((size_t)snprintf(path, sizeof(path), "%s/tconv-XXXXXX", folder) >= sizeof(path))
		return TFMT_E_IO;
	state->fd = mkostemp(path, O_CLOEXEC);
	if (state->fd < 0)
		return TFMT_E_IO;
	code = sqlite3_open(path, &state->db);
	/* SQLite opens the file when it is first asked for something. */
	if (code == SQLITE_OK)
		code = sqlite3_exec(state->db,
			"PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF;"
			"PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; BEGIN EXCLUSIVE",
			NULL, NULL, NULL);
	unlink(path);
	return code == SQLITE_OK ? 0 : status_of(code);
}

/* A text without what terminals obey. */
static int bind_text(struct sqlite_state *state, sqlite3_stmt *insert, int at, const char *text)
{
	size_t length = strlen(text), room = CONV_CLEAN_GROWTH * length;
	char *grown;

	if (room > state->clean_bytes) {
		grown = realloc(state->clean, room);
		if (!grown)
			return SQLITE_NOMEM;
		state->clean = grown;
		state->clean_bytes = room;
	}
	length = conv_clean_text(state->clean, text, length);
	return sqlite3_bind_text(insert, at, state->clean, (int)length, SQLITE_TRANSIENT);
}

static int put_row(
	void *backend, enum relation_table table, const struct relation_value *values, size_t count)
{
	struct sqlite_state *state = backend;
	sqlite3_stmt *insert = state->inserts[table];
	int code = SQLITE_OK;
	size_t i;

	for (i = 0; code == SQLITE_OK && i < count; i++) {
		if (values[i].is_null)
			code = sqlite3_bind_null(insert, (int)i + 1);
		else if (values[i].text)
			code = bind_text(state, insert, (int)i + 1, values[i].text);
		else
			code = sqlite3_bind_int64(insert, (int)i + 1, values[i].number);
	}
	if (code == SQLITE_OK)
		code = sqlite3_step(insert);
	sqlite3_reset(insert);
	return code == SQLITE_DONE ? 0 : status_of(code);
}

static int sqlite_begin(void *opaque, const struct conv_context *context)
{
	struct sqlite_state *state = opaque;
	int table, status;

	state->fd = -1;
	status = open_database(state);
	for (table = 0; !status && table < RELATION_TABLE_COUNT; table++) {
		status = create_table(state, &relation_schemas[table]);
		if (!status)
			status = prepare_insert(state, table);
	}
	return status ? status : relation_begin(&state->relation, context, put_row, state);
}

static void close_database(struct sqlite_state *state)
{
	int table;

	for (table = 0; table < RELATION_TABLE_COUNT; table++) {
		sqlite3_finalize(state->inserts[table]);
		state->inserts[table] = NULL;
	}
	sqlite3_close(state->db);
	state->db = NULL;
}

static void sqlite_release(void *opaque)
{
	struct sqlite_state *state = opaque;

	close_database(state);
	if (state->fd >= 0)
		close(state->fd);
	relation_release(&state->relation);
	free(state->clean);
}

/* --- copying --- */

static int copy_out(struct sqlite_state *state)
{
	struct conv_sink *out = state->relation.context->out;
	char buffer[COPY_BYTES];
	ssize_t n;

	if (lseek(state->fd, 0, SEEK_SET) < 0)
		return TFMT_E_IO;
	while ((n = read(state->fd, buffer, sizeof(buffer))) > 0 && !out->saved_errno)
		conv_put(out, buffer, (size_t)n);
	return n < 0 ? TFMT_E_IO : 0;
}

static int sqlite_end(void *opaque)
{
	struct sqlite_state *state = opaque;
	int status = relation_end(&state->relation);

	if (!status)
		status = run(state, indexes_and_views);
	if (!status)
		status = run(state, "COMMIT");
	if (status)
		return status;
	close_database(state);
	return copy_out(state);
}

const struct conv_format conv_format_sqlite = {
	.name = "sqlite",
	.extension = ".sqlite",
	.summary = "tables and views of everything, for SQL (docs/SQLITE.md)",
	.is_binary = true,
	.carries = RELATION_KINDS,
	.holds_everything = true,
	.weight = TFMT_WEIGHT_CPU,
	.state_size = sizeof(struct sqlite_state),
	.begin = sqlite_begin,
	.on = RELATION_CALLBACKS,
	.end = sqlite_end,
	.release = sqlite_release,
};
