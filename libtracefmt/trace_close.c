#include <string.h>

#include "schema.h"
#include "trace_tables.h"

static void clamp(const struct tfmt_trace *trace, enum tfmt_kind kind, uint32_t *id)
{
	if (*id > trace->tables[kind].count)
		*id = trace->tables[kind].count;
}

static void clamp_columns(struct tfmt_trace *trace, enum tfmt_kind kind, void *row)
{
	const struct tfmt_schema *schema = tfmt_schema__of(kind);

	for (size_t i = 0; i < schema->column_count; i++) {
		const struct tfmt_column *column = &schema->columns[i];
		uint32_t id;

		if (column->refers_to == TFMT_NONE)
			continue;
		memcpy(&id, (uint8_t *)row + column->offset, sizeof(id));
		clamp(trace, column->refers_to, &id);
		memcpy((uint8_t *)row + column->offset, &id, sizeof(id));
	}
}

/* Rows of processes and threads are not as their columns. */
static void clamp_row(struct tfmt_trace *trace, enum tfmt_kind kind, void *row)
{
	struct tfmt_process_entry *process = row;
	struct tfmt_thread_entry *thread = row;

	switch (kind) {
	case TFMT_STRING:
		break;
	case TFMT_PROCESS:
		clamp(trace, TFMT_PROCESS, &process->info.parent);
		clamp(trace, TFMT_STRING, &process->info.name);
		clamp(trace, TFMT_STRING, &process->own_name);
		for (size_t i = 0; i < process->info.image_count; i++) {
			clamp(trace, TFMT_STRING, &process->images[i].name);
			clamp(trace, TFMT_STRING, &process->images[i].exe);
			clamp(trace, TFMT_STRING, &process->images[i].argv);
			clamp(trace, TFMT_STRING, &process->images[i].cwd);
		}
		break;
	case TFMT_THREAD:
		clamp(trace, TFMT_PROCESS, &thread->info.process);
		clamp(trace, TFMT_STRING, &thread->info.name);
		clamp(trace, TFMT_STRING, &thread->own_name);
		break;
	default:
		clamp_columns(trace, kind, row);
	}
}

void tfmt_trace__close(struct tfmt_trace *trace, bool has_gaps)
{
	if (has_gaps) {
		for (enum tfmt_kind kind = TFMT_STRING; kind <= TFMT_METRIC; kind++)
			trace->tables[kind].count++;
		for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++) {
			struct tfmt_table *table = &trace->tables[kind];
			bool ignored;

			for (uint32_t id = 1; id <= table->count; id++)
				if (tfmt_table__has(table, id))
					clamp_row(
						trace, kind, tfmt_table__put(table, id, &ignored));
		}
		clamp_row(trace, TFMT_MAPPING, &trace->lost.mapping);
		clamp_row(trace, TFMT_FRAME, &trace->lost.frame);
		clamp_row(trace, TFMT_STACK, &trace->lost.stack);
		clamp_row(trace, TFMT_PROCESS, &trace->lost.process);
		clamp_row(trace, TFMT_THREAD, &trace->lost.thread);
		clamp_row(trace, TFMT_METRIC, &trace->lost.metric);
	}
	trace->is_unsettled = true;
	tfmt_trace__settle(trace);
}
