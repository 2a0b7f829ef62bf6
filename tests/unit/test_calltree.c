/* Merging of stacks: sums, order, recursion, prefixes, inlined functions. */
#include <stdio.h>

#include "tests/lib/memory_trace.h"

struct fixture {
	struct memory memory;
	struct tfmt_reader *reader;
	const struct tfmt_trace *trace;
	uint32_t a, ab, aba, ac, process, thread;
};

static uint32_t add_stack(struct tfmt_writer *writer, uint32_t parent, const char *function,
	const char *file, uint32_t line)
{
	struct tfmt_frame frame = {.language = TFMT_LANG_PYTHON,
		.function = test_text(writer, function),
		.file = test_text(writer, file),
		.line = line};
	struct tfmt_stack stack = {.parent = parent};
	uint32_t id = 0;

	assert_int_equal(tfmt_writer_add_frame(writer, &frame, &stack.frame), 0);
	assert_int_equal(tfmt_writer_add_stack(writer, &stack, &id), 0);
	return id;
}

static int set_up(void **state)
{
	static struct fixture f;
	struct tfmt_header header = test_header();
	struct tfmt_writer *writer;

	memset(&f, 0, sizeof(f));
	assert_int_equal(tfmt_writer_new(&header, NULL, memory_sink(&f.memory), &writer, NULL), 0);
	f.a = add_stack(writer, 0, "a", "m.py", 1);
	f.ab = add_stack(writer, f.a, "b", "m.py", 5);
	f.aba = add_stack(writer, f.ab, "a", "m.py", 2);
	/* The same name in another file is another function. */
	f.ac = add_stack(writer, f.a, "b", "other.py", 9);
	f.process = test_text(writer, "proc");
	f.thread = test_text(writer, "thread");
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	tfmt_writer_free(writer);
	assert_int_equal(tfmt_reader_open_memory(f.memory.data, f.memory.size, &f.reader, NULL), 0);
	assert_int_equal(tfmt_reader_scan(f.reader, NULL), 0);
	f.trace = tfmt_reader_trace(f.reader);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	tfmt_reader_free(f->reader);
	memory_release(&f->memory);
	return 0;
}

static const char *name_of(const struct tfmt_calltree *tree, uint32_t node)
{
	size_t count;
	const struct tfmt_node *nodes = tfmt_calltree_nodes(tree, &count);

	return tfmt_calltree_function(tree, nodes[node].function)->location.function;
}

static void stacks_are_merged(void **state)
{
	struct fixture *f = *state;
	const struct tfmt_function *const *functions;
	const struct tfmt_node *nodes, *a, *b;
	struct tfmt_calltree *tree;
	size_t count;

	assert_int_equal(tfmt_calltree_new(f->trace, &tree), 0);
	assert_int_equal(tfmt_calltree_add(tree, f->a, 10, 1), 0);
	assert_int_equal(tfmt_calltree_add(tree, f->aba, 30, 2), 0);
	assert_int_equal(tfmt_calltree_add(tree, f->aba, 5, 1), 0);
	assert_int_equal(tfmt_calltree_add(tree, f->ac, 50, 1), 0);
	assert_int_equal(tfmt_calltree_add(tree, 0, 7, 1), 0);
	assert_int_equal(tfmt_calltree_build(tree), 0);
	assert_int_equal(tfmt_calltree_add(tree, f->a, 1, 1), TFMT_E_ARG);
	nodes = tfmt_calltree_nodes(tree, &count);
	assert_int_equal(count, 5);
	assert_string_equal(name_of(tree, 0), "all");
	assert_int_equal(nodes[0].total, 102);
	assert_int_equal(nodes[0].total_count, 6);
	assert_int_equal(nodes[0].self, 7);
	a = &nodes[nodes[0].first_child];
	assert_int_equal(a->total, 95);
	assert_int_equal(a->self, 10);
	assert_int_equal(a->depth, 1);
	assert_int_equal(a->next_sibling, 0);
	/* Heaviest first. */
	b = &nodes[a->first_child];
	assert_int_equal(b->total, 50);
	b = &nodes[b->next_sibling];
	assert_int_equal(b->total, 35);
	assert_int_equal(b->self, 0);
	assert_int_equal(b->next_sibling, 0);
	assert_int_equal(nodes[b->first_child].self_count, 3);
	/* Functions by self weight; recursion counts once, the line is the heaviest. */
	functions = tfmt_calltree_functions(tree, &count);
	assert_int_equal(count, 3);
	assert_string_equal(functions[0]->location.file, "other.py");
	assert_string_equal(functions[1]->location.function, "a");
	assert_int_equal(functions[1]->self, 45);
	assert_int_equal(functions[1]->total, 95);
	assert_int_equal(functions[1]->total_count, 5);
	assert_int_equal(functions[1]->location.line, 1);
	tfmt_calltree_free(tree);
}

/* "other.py 50 of 50, ...": self and total by whatever the key makes of the stacks. */
static void check_key(struct fixture *f, enum tfmt_calltree_key key, const char *wanted)
{
	const struct tfmt_function *const *functions;
	struct tfmt_calltree *tree;
	char text[256];
	size_t count, length = 0;

	assert_int_equal(tfmt_calltree_new(f->trace, &tree), 0);
	tfmt_calltree_merge_by(tree, key);
	assert_int_equal(tfmt_calltree_add(tree, f->a, 10, 1), 0);
	assert_int_equal(tfmt_calltree_add(tree, f->aba, 35, 1), 0);
	assert_int_equal(tfmt_calltree_add(tree, f->ac, 50, 1), 0);
	assert_int_equal(tfmt_calltree_build(tree), 0);
	functions = tfmt_calltree_functions(tree, &count);
	for (size_t i = 0; i < count && length < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s:%u %u of %u",
			i > 0 ? ", " : "", functions[i]->location.function,
			(unsigned)functions[i]->location.line, (unsigned)functions[i]->self,
			(unsigned)functions[i]->total);
	assert_string_equal(text, wanted);
	tfmt_calltree_free(tree);
}

static void keys_merge_otherwise(void **state)
{
	check_key(*state, TFMT_BY_FUNCTION, "b:9 50 of 50, a:1 45 of 95, b:5 0 of 35");
	check_key(*state, TFMT_BY_LINE, "b:9 50 of 50, a:2 35 of 35, a:1 10 of 95, b:5 0 of 35");
	check_key(*state, TFMT_BY_FILE, "other.py:0 50 of 50, m.py:0 45 of 95");
	check_key(*state, TFMT_BY_MODULE, "other.py:0 50 of 50, m.py:0 45 of 95");
}

static void prefixes_come_between(void **state)
{
	struct fixture *f = *state;
	uint32_t prefix[2] = {f->process, f->thread};
	struct tfmt_calltree *tree;
	const struct tfmt_node *nodes;
	uint32_t node;
	size_t count;

	assert_int_equal(tfmt_calltree_new(f->trace, &tree), 0);
	assert_int_equal(tfmt_calltree_add_under(tree, prefix, 2, f->a, 3, 1), 0);
	assert_int_equal(tfmt_calltree_add_under(tree, prefix, 1, f->a, 4, 1), 0);
	assert_int_equal(tfmt_calltree_add(tree, f->a, 5, 1), 0);
	assert_int_equal(tfmt_calltree_build(tree), 0);
	nodes = tfmt_calltree_nodes(tree, &count);
	assert_int_equal(count, 6);
	assert_int_equal(nodes[0].total, 12);
	node = nodes[0].first_child;
	assert_string_equal(name_of(tree, node), "proc");
	assert_int_equal(nodes[node].total, 7);
	assert_string_equal(name_of(tree, nodes[node].first_child), "a");
	node = nodes[nodes[node].first_child].next_sibling;
	assert_string_equal(name_of(tree, node), "thread");
	assert_int_equal(nodes[node].total, 3);
	tfmt_calltree_free(tree);
}

static void an_empty_tree_has_a_root(void **state)
{
	struct fixture *f = *state;
	struct tfmt_calltree *tree;
	size_t count;

	assert_int_equal(tfmt_calltree_new(f->trace, &tree), 0);
	assert_int_equal(tfmt_calltree_build(tree), 0);
	assert_int_equal(tfmt_calltree_nodes(tree, &count)->total, 0);
	assert_int_equal(count, 1);
	tfmt_calltree_functions(tree, &count);
	assert_int_equal(count, 0);
	tfmt_calltree_free(tree);
}

/* The order in which samples come must not show. */
static void the_order_of_samples_does_not_matter(void **state)
{
	struct fixture *f = *state;
	uint32_t stacks[] = {f->a, f->ab, f->aba, f->ac};
	struct tfmt_calltree *trees[2];
	const struct tfmt_node *nodes[2];
	size_t counts[2];

	for (int i = 0; i < 2; i++) {
		assert_int_equal(tfmt_calltree_new(f->trace, &trees[i]), 0);
		for (int j = 0; j < 4; j++)
			assert_int_equal(
				tfmt_calltree_add(trees[i], stacks[i ? 3 - j : j], 1, 1), 0);
		assert_int_equal(tfmt_calltree_build(trees[i]), 0);
		nodes[i] = tfmt_calltree_nodes(trees[i], &counts[i]);
	}
	assert_int_equal(counts[0], counts[1]);
	assert_memory_equal(nodes[0], nodes[1], counts[0] * sizeof(*nodes[0]));
	tfmt_calltree_free(trees[0]);
	tfmt_calltree_free(trees[1]);
}

static int add(struct tfmt_calltree *tree, enum tfmt_weight weight, struct tfmt_sample sample)
{
	uint64_t amount = tfmt_weight_of(weight, &sample);

	return amount ? tfmt_calltree_add_sample(tree, NULL, 0, &sample, amount) : 0;
}

/* Reasons stand on top of stacks, unknown stacks come last however heavy they are. */
static void waits_have_frames(void **state)
{
	static const uint64_t totals[] = {2, 40, 1060, 1100};
	struct fixture *f = *state;
	const struct tfmt_node *nodes, *node;
	struct tfmt_calltree *tree;
	size_t count;

	for (int weight = 0; weight < TFMT_WEIGHT_COUNT; weight++) {
		assert_int_equal(tfmt_calltree_new(f->trace, &tree), 0);
		const struct tfmt_sample samples[] = {
			{1, 10, 1, f->ab, 0, TFMT_STATE_RUNNING, 0},
			{2, 20, 1, f->ab, 0, TFMT_STATE_RUNNING, TFMT_SAMPLE_UNSAMPLED},
			{2, 10, 1, 0, 0, TFMT_STATE_RUNNING, 0},
			{3, 30, 1, f->ab, 202 + 1, TFMT_STATE_BLOCKED, 0},
			{4, 10, 1, f->ab, 0, TFMT_STATE_PREEMPTED, TFMT_SAMPLE_ASSUMED},
			{4, 20, 1, f->ab, 202 + 1, TFMT_STATE_BLOCKED, TFMT_SAMPLE_ASSUMED},
			{5, 1000, 1, 0, 0, TFMT_STATE_BLOCKED, TFMT_SAMPLE_SUMMED},
		};
		for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
			assert_int_equal(add(tree, (enum tfmt_weight)weight, samples[i]), 0);
		assert_int_equal(tfmt_calltree_build(tree), 0);
		nodes = tfmt_calltree_nodes(tree, &count);
		assert_int_equal(nodes[0].total, totals[weight]);
		if (weight == TFMT_WEIGHT_OFFCPU) {
			node = &nodes[nodes[0].first_child];
			assert_string_equal(name_of(tree, nodes[0].first_child), "a");
			assert_string_equal(name_of(tree, node->next_sibling), "[stack not known]");
			assert_string_equal(
				name_of(tree, nodes[node->next_sibling].first_child), "[waiting]");
			node = &nodes[node->first_child]; /* b */
			assert_int_equal(node->total, 60);
			assert_int_equal(node->self, 0);
			assert_string_equal(name_of(tree, node->first_child), "[waiting: futex]");
			node = &nodes[node->first_child];
			assert_int_equal(node->self, 50);
			assert_int_equal(node->self_count, 2);
			assert_true(tfmt_calltree_function(tree, node->function)->location.is_wait);
			assert_string_equal(name_of(tree, node->next_sibling), "[preempted]");
		}
		tfmt_calltree_free(tree);
	}
}

static void waits_have_names(void **state)
{
	struct tfmt_sample sample = {.state = TFMT_STATE_BLOCKED};

	assert_string_equal(tfmt_wait_name(&sample), "[waiting]");
	sample.syscall = 0 + 1;
	assert_string_equal(tfmt_wait_name(&sample), "[waiting: read]");
	sample.syscall = TFMT_SYSCALL_FAULT;
	assert_string_equal(tfmt_wait_name(&sample), "[waiting: page fault]");
	sample.syscall = 60000;
	assert_string_equal(tfmt_wait_name(&sample), "[waiting: unknown system call]");
	sample.state = TFMT_STATE_GIL;
	assert_string_equal(tfmt_wait_name(&sample), "[waiting: GIL]");
	sample.state = TFMT_STATE_RUNNING;
	assert_null(tfmt_wait_name(&sample));
	sample.state = 77; /* of a newer recorder: not on a CPU */
	assert_non_null(tfmt_wait_name(&sample));
	assert_null(tfmt_weight_name(TFMT_WEIGHT_COUNT));
	assert_string_equal(tfmt_weight_title(TFMT_WEIGHT_WALL), "wall time");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stacks_are_merged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_merge_otherwise, set_up, tear_down),
		cmocka_unit_test_setup_teardown(prefixes_come_between, set_up, tear_down),
		cmocka_unit_test_setup_teardown(waits_have_frames, set_up, tear_down),
		cmocka_unit_test(waits_have_names),
		cmocka_unit_test_setup_teardown(an_empty_tree_has_a_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_order_of_samples_does_not_matter, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
