/* Writes a trace of one process whose function "work" ran for 3 ms: write_trace > t.cbor.zst */
#include <string.h>
#include <unistd.h>
#include <tracefmt/tracefmt.h>

static uint32_t text(struct tfmt_writer *writer, const char *bytes)
{
	uint32_t id = 0;
	tfmt_writer_intern(writer, bytes, strlen(bytes), &id);
	return id;
}

int main(void)
{
	static const int out = STDOUT_FILENO;
	struct tfmt_header header = {.recorder = "example", .host = "", .boot_id = "", .os = "", .machine = "",
		.cwd = "", .rate_hz = 1000};
	struct tfmt_writer *writer;
	struct tfmt_error err;
	if (tfmt_writer_new(&header, NULL, tfmt_sink_fd(&out), &writer, &err) != 0)
		return 1;
	uint32_t frame, stack, process, thread;
	tfmt_writer_add_frame(writer, &(struct tfmt_frame){.function = text(writer, "work"),
		.file = text(writer, "work.py"), .line = 3, .language = TFMT_LANG_PYTHON}, &frame);
	tfmt_writer_add_stack(writer, &(struct tfmt_stack){.parent = 0, .frame = frame}, &stack);
	tfmt_writer_add_process(writer, &(struct tfmt_process){.pid = 7}, &process);
	tfmt_writer_add_thread(writer, &(struct tfmt_thread){.process = process, .tid = 7}, &thread);
	for (uint64_t ms = 1; ms <= 3; ms++)
		tfmt_writer_sample(writer, &(struct tfmt_sample){.time_ns = ms * 1000000, .weight_ns = 1000000,
			.thread = thread, .stack = stack, .state = TFMT_STATE_RUNNING});
	int status = tfmt_writer_finish(writer, &err);
	tfmt_writer_free(writer);
	return status != 0;
}
