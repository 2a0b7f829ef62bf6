#include "options.h"

#include "diff.h"
#include "filter_option.h"
#include "import.h"
#include "weight_option.h"

/* For completion: "flame procs ...". */
static const char view_names[] =
#define X(name) #name " "
#include "views.def"
#undef X
	;

/* A year: 200 rows of it fit in 64 bits. */
#define MAX_COLUMN_NS (365 * 24 * UINT64_C(3600000000000))
#define TARGET(field) offsetof(struct rend_options, field)

static const struct opt_row rows[] = {
	{.help = "what to draw"},
	{"view", 0, OPT_TEXT, "NAME", "the view; without it the report, or a summary as text",
		TARGET(view), 0, 0, 0, view_names},
	{"metric", 0, OPT_TEXT, "NAME,...",
		"the charts of the view usage, such as pss,io_read,faults_minor, or all",
		TARGET(metrics), 0, 0, 0},
	{"list-views", 0, OPT_FLAG, NULL, "list the views", TARGET(lists_views), 0, 0, 0},
	{WEIGHT_OPTION, 0, OPT_TEXT, "WHAT", WEIGHT_HELP "; default cpu", TARGET(weight), 0, 0, 0,
		"samples cpu offcpu wall"},
	{"by", 0, OPT_TEXT, "WHAT",
		"what stacks are merged by, and a row of top is: function, line, file, module; of "
		"top also thread, process",
		TARGET(by), 0, 0, 0, "function line file module thread process"},
	{"sort", 0, OPT_TEXT, "WHAT",
		"order of top: self (what ran itself) or total (with what it called); of --diff "
		"also share, the change of shares",
		TARGET(sort), 0, 0, 0, "self total share"},
	{"top", 0, OPT_NUMBER, "N",
		"rows of top (as the terminal has room for, else 30), files of source (10), lines of heat --threads",
		TARGET(top), 0, 1, 1000000},
	{"min", 0, OPT_TEXT, "PERCENT",
		"branches of tree that weigh less are summed, lines of source not listed (1%)",
		TARGET(min), 0, 0, 0},
	{"rows", 0, OPT_NUMBER, "N", "rows of a column of heat (50; 20 as text)", TARGET(rows), 0,
		1, 200},
	{"column", 0, OPT_DURATION, "TIME",
		"what a column of heat stands for, such as 1s (by the length of the recording)",
		TARGET(column_ns), 0, 1000, MAX_COLUMN_NS},
	{"threads", 0, OPT_FLAG, NULL, "heat with a line for each of the busiest threads",
		TARGET(by_thread), 0, 0, 0},
	{"latency", 0, OPT_TEXT, "NAME",
		"heat of how long calls of a function, scopes or waits of that name took",
		TARGET(latency), 0, 0, 0},
	{"native-frames", 0, OPT_FLAG, NULL,
		"the interpreter's own frames too, in stacks of Python code", TARGET(shows_native),
		0, 0, 0},
	{"from", 0, OPT_DURATION, "TIME", "from this time of the recording on, such as 1.5s",
		TARGET(from_ns), 0, 0, 0},
	{"to", 0, OPT_DURATION, "TIME", "up to this time of the recording", TARGET(to_ns), 0, 0, 0},
	{"pid", 0, OPT_NUMBER, "PID", "only this process and those it started", TARGET(pid), 0, 1,
		UINT32_MAX},
	{FILTER_OPTION, 0, OPT_TEXT, FILTER_ARGUMENT, FILTER_HELP, TARGET(filter), 0, 0, 0},
	{IMP_FORMAT_OPTION, 0, OPT_TEXT, "FORMAT", IMP_FORMAT_HELP, TARGET(from_format), 0, 0, 0,
		IMP_FORMAT_VALUES},
	{IMP_SUM_OPTION, 0, OPT_FLAG, NULL, IMP_SUM_HELP, TARGET(sums), 0, 0, 0},
	{"own", 0, OPT_LIST, "PATH",
		"what is own code: programs, libraries and files under PATH (repeatable)",
		TARGET(own), 0, 0, 0},
	{"source-path", 0, OPT_LIST, "DIR|OLD=NEW",
		"where source files are that are not where they were: below DIR, or with NEW "
		"instead of OLD at the start of their paths (repeatable)",
		TARGET(source_paths), 0, 0, 0},
	{"diff", 0, OPT_TEXT, "B",
		"compare: TRACE is before, B is after, + is more in B (views " REND_DIFF_VIEWS ")",
		TARGET(diff), 0, 0, 0},
	{.help = "the output"},
	{"output", 'o', OPT_TEXT, "FILE",
		"a picture or text by its extension: .svg, .pdf, .png, .txt", TARGET(output), 0, 0,
		0},
	{"width", 0, OPT_NUMBER, "PX", "width of pictures (1200)", TARGET(width_px), 0, 320, 8000},
	{"max-height", 0, OPT_NUMBER, "PX",
		"height of pictures at most (none); what is left out is said in them",
		TARGET(max_height_px), 0, 200, 16000},
	{"height", 0, OPT_NUMBER, "PX", "the same as --max-height", TARGET(max_height_px), 0, 200,
		16000},
	{"scale", 0, OPT_DECIMAL, "N", "pixels of a PNG to a pixel of the page (2)", TARGET(scale),
		0, 0, 8},
	{"page", 0, OPT_TEXT, "PAPER",
		"pages of a PDF: fit (as large as the picture), a4 or letter (fit)", TARGET(paper),
		0, 0, 0, "fit a4 letter"},
	{"theme", 0, OPT_TEXT, "NAME",
		"light, dark, print, or auto: an SVG that is dark where its reader prefers that "
		"(light)",
		TARGET(theme), 0, 0, 0, "light dark print auto"},
	{"follow", 0, OPT_FLAG, NULL,
		"the trace is still being written: draw it again every second, until its end",
		TARGET(follows), 0, 0, 0},
	{"no-pager", 0, OPT_FLAG, NULL, "text straight to the terminal", TARGET(has_no_pager), 0, 0,
		0},
	{"dump-scene", 0, OPT_FLAG, NULL,
		"the primitives of the picture as text, for tests of views", TARGET(dumps_scene), 0,
		0, 0},
	{.help = "messages"},
	{"quiet", 'q', OPT_COUNT, NULL, "errors only", TARGET(quiet), 0, 0, 0},
	{"verbose", 'v', OPT_COUNT, NULL, "say more", TARGET(verbosity), 0, 0, 0},
};

const struct opts_spec rend_options_spec = {
	.tool = "trender",
	.synopsis = "trender [options] [TRACE...]",
	.summary =
		"Draw a recording of trec, or several as one: as a picture with -o, as text without.",
	.examples = "  trender -o report.svg t.cbor.zst\n"
		    "  trender --view flame -o flame.png --theme dark t.cbor.zst\n"
		    "  trender before.cbor.zst --diff after.cbor.zst\n"
		    "  trec make -j4 | trender --view procs -o procs.svg\n",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(*rows),
};
