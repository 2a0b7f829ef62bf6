/* Prints the CPU time of each leaf function of a trace: read_trace < t.cbor.zst */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include <tracefmt/tracefmt.h>

int main(void)
{
	struct tfmt_reader *reader;
	struct tfmt_calltree *tree;
	const struct tfmt_batch *batch;
	struct tfmt_error err = {0};
	if (tfmt_reader_open_fd(STDIN_FILENO, &reader, &err) != 0 || tfmt_reader_scan(reader, &err) != 0 ||
		tfmt_calltree_new(tfmt_reader_trace(reader), &tree) != 0) {
		fprintf(stderr, "read_trace: %s\n", err.message);
		return 1;
	}
	while (tfmt_reader_next(reader, TFMT_KIND_BIT(TFMT_SAMPLE), &batch, &err) > 0)
		for (size_t i = 0; i < batch->count; i++)
			if (batch->samples[i].state == TFMT_STATE_RUNNING)
				tfmt_calltree_add(tree, batch->samples[i].stack, batch->samples[i].weight_ns, 1);
	tfmt_calltree_build(tree);
	size_t count;
	const struct tfmt_function *const *functions = tfmt_calltree_functions(tree, &count);
	for (size_t i = 0; i < count; i++)
		if (functions[i]->self > 0)
			printf("%12" PRIu64 " ns  %s\n", functions[i]->self, functions[i]->location.function);
	tfmt_calltree_free(tree);
	tfmt_reader_free(reader);
	return 0;
}
