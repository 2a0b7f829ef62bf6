/* trec: the command line of the recorder. */
#include <stdio.h>
#include <string.h>

#include "dump/dump.h"
#include "native/offcpu.h"
#include "opts.h"
#include "report.h"
#include "samplers.h"
#include "session.h"
#include "source.h"
#include "tracefmt/tracefmt.h"

#define ROW(member) offsetof(struct rec_options, member)

static const struct opt_row rows[] = {
	{.help = "output"},
	{"output", 'o', OPT_TEXT, "FILE", "write the trace to FILE (- is stdout)", ROW(output)},
	{"report", 0, OPT_OPTIONAL, "VIEW",
		"print a view of the trace at the end (summary); it is kept with -o only",
		ROW(report)},
	{.help = "what is recorded"},
	{"pid", 'p', OPT_LIST, "PID,...", "record processes that run already, and their children",
		ROW(pids)},
	{"dump", 0, OPT_FLAG, NULL, "print the stacks of the processes of -p and end",
		ROW(dumps_stacks)},
	{"native-frames", 0, OPT_FLAG, NULL,
		"in --dump: the interpreter's own frames too, in stacks of Python code",
		ROW(shows_native_frames)},
	{"rate", 'F', OPT_NUMBER, "HZ", "stack samples per second of CPU time (999; with -p 199)",
		ROW(rate_hz), 0, 1, 100000},
	{"interval", 'i', OPT_DURATION, "TIME", "between readings of CPU and memory (100ms)",
		ROW(interval_ns), 0, 1000000, 3600000000000},
	{"stack-size", 0, OPT_SIZE, "SIZE", "of the stack copied with each sample (32K)",
		ROW(stack_bytes), 0, 512, 65528},
	{"sampler", 0, OPT_TEXT, "NAME",
		"how stacks are taken: perf, ptrace, timer (Python alone) or none (the best "
		"that is allowed)",
		ROW(sampler_name), 0, 0, 0, "perf ptrace timer none"},
	{"event", 0, OPT_TEXT, "NAME",
		"sample a hardware counter instead of CPU time: cycles, "
		"instructions, cache-misses, branch-misses",
		ROW(event), 0, 0, 0, "cycles instructions cache-misses branch-misses"},
	{"offcpu", 0, OPT_TEXT, "WHICH", "waits that get a stack: long (1 ms and more) or all",
		ROW(offcpu_name), 0, 0, 0, "long all"},
	{"no-offcpu", 0, OPT_FLAG, NULL, "no stacks of waiting threads", ROW(without_offcpu)},
	{"debuginfod", 0, OPT_FLAG, NULL, "ask the servers of DEBUGINFOD_URLS for symbols",
		ROW(wants_debuginfod)},
	{"duration", 'd', OPT_DURATION, "TIME", "stop recording after TIME; the program goes on",
		ROW(duration_ns), 0, 1000000, 0},
	{"no-native", 0, OPT_FLAG, NULL, "Python stacks alone, no native ones",
		ROW(without_native)},
	{"no-python", 0, OPT_FLAG, NULL, "no Python stacks, only native ones", ROW(without_python)},
	{"exact", 0, OPT_FLAG, NULL,
		"stop a thread for each sample, so that Python and native stack are of one instant",
		ROW(is_exact)},
	{"ready-fd", 0, OPT_NUMBER, "FD", "write a line to this descriptor when recording begins",
		ROW(ready_fd), 0, 3, 1048576},
	{"wait-all", 0, OPT_FLAG, NULL, "record until every process of the tree has ended",
		ROW(waits_for_all)},
	{.help = "messages"},
	{"quiet", 'q', OPT_FLAG, NULL, "say errors only", ROW(is_quiet)},
	{"verbose", 'v', OPT_COUNT, NULL, "say more", ROW(verbosity)},
};

static const struct opts_spec spec = {
	.tool = "trec",
	.synopsis = "trec [options] [--] COMMAND [ARGUMENT...]\ntrec [options] -p PID[,PID...]",
	.summary =
		"Record CPU, memory and stacks of COMMAND and of every process it starts.\n"
		"The trace goes to FILE, or to stdout when that is no terminal (COMMAND's stdout\n"
		"then goes to stderr), or else to COMMAND-PID.cbor.zst in the current folder.\n"
		"The exit status is COMMAND's own. With -p: until Ctrl-C, --duration or the end of\n"
		"all; these processes, their descendants and what they start meanwhile; status 0.",
	.examples = "  trec ./prog > t.cbor.zst\n"
		    "  trec -o t.cbor.zst -- make -j4\n"
		    "  trec --report=top python3 app.py\n"
		    "  trec -o t.cbor.zst -d 10s -p $(pgrep -o nginx)\n",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(*rows),
	.stop_at_operand = true,
};

static const char short_help[] =
	"usage: trec [options] [--] COMMAND [ARGUMENT...]\n"
	"\n"
	"  trec ./prog > t.cbor.zst           record a program\n"
	"  trec -o t.cbor.zst -- make -j4     a whole tree, to a named file\n"
	"  trender -o report.svg t.cbor.zst   draw it\n"
	"\n"
	"trec --help lists the options.\n";

/* Complete the options and do what they ask. Returns the status to exit with. */
static int run(struct rec_options *options, struct msg *msg, char **operands, int operand_count)
{
	bool attaches = options->pids.count > 0;
	if (attaches && operand_count > 0) {
		msg_error(msg, "-p records processes that run already: no COMMAND with it (%s)",
			operands[0]);
		return EXIT_USAGE;
	}
	if (options->dumps_stacks && !attaches) {
		msg_error(msg, "--dump: name the processes with -p PID");
		return EXIT_USAGE;
	}
	if (options->report && options->output && strcmp(options->output, "-") == 0) {
		msg_error(msg, "--report reads the trace: it needs -o with a FILE, or no -o");
		return attaches ? EXIT_USAGE : REC_EXIT_FAILED;
	}
	if (options->dumps_stacks && options->report) {
		msg_error(msg, "--dump records nothing that --report could show");
		return EXIT_USAGE;
	}
	if (operand_count == 0 && !attaches) {
		fputs(short_help, stderr);
		return REC_EXIT_FAILED;
	}
	operands[operand_count] = NULL;
	options->command = operands;
	options->command_count = operand_count;
	/* Servers have much to lose, and time to gather samples. */
	if (options->rate_hz == 0)
		options->rate_hz = attaches ? 199 : 999;
	options->stack_bytes &= ~7ull;
	msg->level = options->is_quiet ? -1 : options->verbosity;
	if (rec_samplers_parse(options, msg) != 0 || rec_offcpu_parse(options, msg) != 0)
		return attaches ? EXIT_USAGE : REC_EXIT_FAILED;
	if (options->dumps_stacks)
		return rec_dump_run(options, msg);
	if (options->report)
		return rec_report_run(options, msg);
	return rec_session_run(options, msg);
}

int main(int argc, char **argv)
{
	struct rec_options options = {
		.interval_ns = 100000000,
		.stack_bytes = 32768,
	};
	struct msg msg = {"trec", 0};
	int operands = 0, status = 0;
	switch (opts_parse(&spec, &msg, argc, argv, &options, &operands)) {
	case OPTS_OK:
		status = run(&options, &msg, argv + 1, operands);
		break;
	case OPTS_HELP:
		break;
	case OPTS_VERSION:
		printf("trec %s (trace format %d)\n", TFMT_VERSION, TFMT_FORMAT_VERSION);
		break;
	case OPTS_USAGE:
		status = options.pids.count > 0 ? EXIT_USAGE : REC_EXIT_FAILED;
		break;
	}
	opts_release(&spec, &options);
	return status;
}
