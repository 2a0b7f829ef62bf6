#include "options.h"

#include <string.h>

#include "format.h"
#include "import.h"
#include "merge.h"
#include "weight_option.h"

#define TARGET(field) .offset = offsetof(struct conv_options, field)

static const struct opt_row fixed_rows[] = {
	{.help = "output"},
	{.name = "output",
		.letter = 'o',
		.type = OPT_TEXT,
		.argument = "FILE",
		.help = "write to FILE, whole or not at all; its extension can name the format",
		TARGET(output)},
	{.name = "table",
		.type = OPT_TEXT,
		.argument = "NAME",
		.help = "only this table of --csv (without it, -o DIR/ gets a file for each)",
		TARGET(table)},
	{.name = "diff",
		.type = OPT_TEXT,
		.argument = "B",
		.help = "with --folded: two columns, before in TRACE and after in B",
		TARGET(diff)},
	{.name = "split",
		.type = OPT_DURATION,
		.argument = "TIME",
		.help = "a profile of --pprof for each TIME, in the folder -o DIR/",
		TARGET(split_ns)},
	{.name = "level",
		.type = OPT_NUMBER,
		.argument = "N",
		.help = "of the compression of --trace: 1 fast, 19 small (default 3)",
		.min = 1,
		.max = 19,
		TARGET(level)},
	{.name = "list-formats",
		.type = OPT_FLAG,
		.help = "list the formats, their extensions and what each can hold",
		TARGET(list_formats)},
	{.name = WEIGHT_OPTION,
		.type = OPT_TEXT,
		.argument = "WHAT",
		.help = WEIGHT_HELP,
		.values = "samples cpu offcpu wall",
		TARGET(weight)},
	{.name = "native-frames",
		.type = OPT_FLAG,
		.help = "the interpreter's own frames too, in stacks of Python code",
		TARGET(shows_native)},
	{.name = IMP_FORMAT_OPTION,
		.type = OPT_TEXT,
		.argument = "FORMAT",
		.help = IMP_FORMAT_HELP,
		.values = IMP_FORMAT_VALUES,
		TARGET(from_format)},
	{.name = IMP_SUM_OPTION, .type = OPT_FLAG, .help = IMP_SUM_HELP, TARGET(sums)},
	{.name = "follow",
		.type = OPT_FLAG,
		.help = "the trace is still being written: its records as they come, until its end",
		TARGET(follows)},
	{.help = "instead of a format"},
	{.name = "check",
		.type = OPT_FLAG,
		.help = "say what is wrong with the traces and where, byte by byte",
		TARGET(checks)},
	{.name = "diag",
		.type = OPT_FLAG,
		.help = "show the chunks of the file as they are, in CBOR's notation (-v: in full)",
		TARGET(shows_structure)},
	{.help = "selection"},
	{.name = "from",
		.type = OPT_DURATION,
		.argument = "TIME",
		.help = "leave out what was before TIME, counted from the start of the trace: 1.5s",
		TARGET(select.from_ns)},
	{.name = "to",
		.type = OPT_DURATION,
		.argument = "TIME",
		.help = "leave out what came after TIME",
		TARGET(select.to_ns)},
	{.name = "pid",
		.letter = 'p',
		.type = OPT_LIST,
		.argument = "PID,...",
		.help = "only these processes (may be repeated)",
		TARGET(select.pids)},
	{.name = "thread",
		.type = OPT_LIST,
		.argument = "TID",
		.help = "only threads of this number or name (may be repeated)",
		TARGET(select.threads)},
	{.name = FILTER_OPTION,
		.type = OPT_TEXT,
		.argument = FILTER_ARGUMENT,
		.help = FILTER_HELP,
		TARGET(select.filter)},
	{.help = "messages"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		.help = "say nothing but errors",
		TARGET(is_quiet)},
	{.name = "verbose",
		.letter = 'v',
		.type = OPT_COUNT,
		.help = "say more",
		TARGET(verbosity)},
};

#define FIXED_ROWS (sizeof(fixed_rows) / sizeof(fixed_rows[0]))

_Static_assert(1 + CONV_MAX_FORMATS + FIXED_ROWS <= CONV_MAX_ROWS, "room for all rows");

size_t conv_options_rows(struct opt_row rows[CONV_MAX_ROWS])
{
	size_t count = 0, i;

	rows[count++] = (struct opt_row){.help = "formats"};
	for (i = 0; i < conv_format_count; i++)
		rows[count++] = (struct opt_row){
			.name = conv_formats[i]->name,
			.type = OPT_FLAG,
			.help = conv_formats[i]->summary,
			.offset = offsetof(struct conv_options, wants_format) + i * sizeof(bool),
		};
	memcpy(rows + count, fixed_rows, sizeof(fixed_rows));
	return count + FIXED_ROWS;
}
