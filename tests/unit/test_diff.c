/* Two call trees as one: what matches, what does not, and both amounts of each node. */
#include "tests/lib/memory_trace.h"

#define MAX_FRAMES 8

/* A frame as these tests write it. */
struct frame {
	const char *name; /* NULL: an address without a symbol */
	const char *path; /* of the mapping, or of the Python file */
	uint8_t language;
	uint32_t line;
	const char *build_id;
};

struct side {
	struct memory memory;
	struct tfmt_reader *reader;
	struct tfmt_calltree *tree;
};

struct weighed {
	struct frame frames[MAX_FRAMES]; /* the root first */
	uint64_t weight;
};

static void write_stack(struct tfmt_writer *writer, const struct frame *frames, uint64_t weight)
{
	struct tfmt_stack stack = {0};
	uint32_t id = 0;

	for (size_t i = 0; i < MAX_FRAMES && frames[i].path; i++) {
		const struct frame *from = &frames[i];
		struct tfmt_frame frame = {.language = from->language};

		stack.parent = id;
		if (from->language == TFMT_LANG_PYTHON) {
			frame.function = test_text(writer, from->name);
			frame.file = test_text(writer, from->path);
			frame.line = frame.first_line = from->line;
		} else {
			struct tfmt_mapping mapping = {.path = test_text(writer, from->path)};
			struct tfmt_symbol symbol = {.length = 16};

			if (from->build_id)
				mapping.build_id = test_text(writer, from->build_id);
			assert_int_equal(
				tfmt_writer_add_mapping(writer, &mapping, &frame.mapping), 0);
			frame.address = 16 * (from->line + 1);
			symbol.mapping = frame.mapping;
			symbol.address = frame.address;
			if (from->name) {
				symbol.function = test_text(writer, from->name);
				assert_int_equal(tfmt_writer_symbol(writer, &symbol), 0);
			}
		}
		assert_int_equal(tfmt_writer_add_frame(writer, &frame, &stack.frame), 0);
		assert_int_equal(tfmt_writer_add_stack(writer, &stack, &id), 0);
	}
	assert_int_equal(
		tfmt_writer_sample(writer, &(struct tfmt_sample){.stack = id, .weight_ns = weight}),
		0);
}

static int add_sample(struct side *side, const struct tfmt_sample *sample)
{
	return tfmt_calltree_add_sample(side->tree, NULL, 0, sample, sample->weight_ns);
}

static void open_side(struct side *side, const char *program, const struct weighed *stacks,
	size_t count, enum tfmt_calltree_key key)
{
	const char *const argv[] = {program, "x"};
	struct tfmt_header header = test_header();
	const struct tfmt_batch *batch;
	struct tfmt_writer *writer;

	memset(side, 0, sizeof(*side));
	header.argv = argv;
	header.argc = 2;
	assert_int_equal(
		tfmt_writer_new(&header, NULL, memory_sink(&side->memory), &writer, NULL), 0);
	for (size_t i = 0; i < count; i++)
		write_stack(writer, stacks[i].frames, stacks[i].weight);
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	tfmt_writer_free(writer);
	assert_int_equal(
		tfmt_reader_open_memory(side->memory.data, side->memory.size, &side->reader, NULL),
		0);
	assert_int_equal(tfmt_reader_scan(side->reader, NULL), 0);
	assert_int_equal(tfmt_calltree_new(tfmt_reader_trace(side->reader), &side->tree), 0);
	tfmt_calltree_merge_by(side->tree, key);
	while (tfmt_reader_next(side->reader, TFMT_KIND_BIT(TFMT_SAMPLE), &batch, NULL) > 0)
		for (size_t i = 0; i < batch->count; i++)
			assert_int_equal(add_sample(side, &batch->samples[i]), 0);
	assert_int_equal(tfmt_calltree_build(side->tree), 0);
}

static void close_side(struct side *side)
{
	tfmt_calltree_free(side->tree);
	tfmt_reader_free(side->reader);
	memory_release(&side->memory);
}

/* Both sides of one stack each, compared: whether their only functions are one. */
static bool match_by(
	struct frame before, struct frame after, const char *program, enum tfmt_calltree_key key)
{
	struct weighed stacks[TFMT_SIDE_COUNT] = {{{before}, 10}, {{after}, 30}};
	struct side sides[TFMT_SIDE_COUNT];
	struct tfmt_alias aliases[4];
	struct tfmt_diff *diff;
	size_t count, alias_count;

	open_side(&sides[0], "/a/prog", &stacks[0], 1, key);
	open_side(&sides[1], program, &stacks[1], 1, key);
	alias_count = tfmt_diff_aliases(tfmt_reader_header(sides[0].reader),
		tfmt_reader_header(sides[1].reader), aliases, 4);
	assert_int_equal(
		tfmt_diff_new(sides[0].tree, sides[1].tree, aliases, alias_count, &diff), 0);
	tfmt_diff_functions(diff, &count);
	assert_in_range(count, 2, 3);
	tfmt_diff_free(diff);
	close_side(&sides[0]);
	close_side(&sides[1]);
	return count == 2;
}

static bool match(struct frame before, struct frame after)
{
	return match_by(before, after, "/a/prog", TFMT_BY_FUNCTION);
}

#define NATIVE(name, path)	 ((struct frame){name, path, TFMT_LANG_NATIVE, 0, NULL})
#define PYTHON(name, path, line) ((struct frame){name, path, TFMT_LANG_PYTHON, line, NULL})

static void another_build_matches(void **state)
{
	assert_true(match(NATIVE("f", "/a/prog"), NATIVE("f", "/b/c/prog")));
	assert_false(match(NATIVE("f", "/a/prog"), NATIVE("g", "/a/prog")));
	assert_false(match(NATIVE("f", "/a/prog"), NATIVE("f", "/a/lib.so")));
	assert_true(match(NATIVE("f", "/lib/libz.so.1.2"), NATIVE("f", "/opt/libz.so.1.3")));
	assert_true(match(NATIVE("f.constprop.0", "/a/prog"), NATIVE("f", "/a/prog")));
	assert_true(match(NATIVE("a::b::h0123456789abcdef", "/a/prog"),
		NATIVE("a::b::hfedcba9876543210", "/a/prog")));
	assert_false(match(NATIVE("a::b::h01", "/a/prog"), NATIVE("a::b::h02", "/a/prog")));
	assert_false(match((struct frame){"f", "[kernel]", TFMT_LANG_KERNEL, 0, NULL},
		NATIVE("f", "[kernel]")));
}

static void another_name_of_the_program_matches(void **state)
{
	struct frame before = NATIVE("f", "/a/prog"), after = NATIVE("f", "/b/prog-2");

	assert_true(match_by(before, after, "/b/prog-2", TFMT_BY_FUNCTION));
	assert_false(match_by(before, after, "/b/other", TFMT_BY_FUNCTION));
	assert_true(match_by(before, after, "/b/prog-2", TFMT_BY_MODULE));
}

static void edited_python_matches(void **state)
{
	assert_true(match(PYTHON("f", "/a/x.py", 10), PYTHON("f", "/b/x.py", 12)));
	assert_false(match(PYTHON("f", "/a/x.py", 10), PYTHON("f", "/a/y.py", 10)));
	assert_true(match(PYTHON("f", "/usr/lib/python3.11/json/decoder.py", 1),
		PYTHON("f", "/opt/lib/python3.12/json/decoder.py", 2)));
	assert_false(match(PYTHON("f", "/usr/lib/python3/dist-packages/a/x.py", 1),
		PYTHON("f", "/usr/lib/python3/dist-packages/b/x.py", 1)));
	assert_false(match_by(
		PYTHON("f", "/a/x.py", 10), PYTHON("f", "/b/x.py", 12), "/a/prog", TFMT_BY_LINE));
	assert_true(match_by(
		PYTHON("f", "/a/x.py", 10), PYTHON("g", "/b/x.py", 12), "/a/prog", TFMT_BY_FILE));
}

static void addresses_match_within_a_build(void **state)
{
	struct frame before = {NULL, "/a/lib.so", TFMT_LANG_NATIVE, 5, "one"};
	struct frame after = before;

	assert_true(match(before, after));
	after.build_id = "two";
	assert_false(match(before, after));
}

static uint32_t child_named(
	const struct tfmt_diff *diff, enum tfmt_side side, uint32_t parent, const char *name)
{
	size_t count;
	const struct tfmt_node *nodes = tfmt_diff_nodes(diff, side, &count);
	const struct tfmt_diff_function *functions = tfmt_diff_functions(diff, &count);

	for (uint32_t i = nodes[parent].first_child; i != 0; i = nodes[i].next_sibling)
		if (strcmp(functions[nodes[i].function].location->function, name) == 0)
			return i;
	return 0;
}

static void nodes_have_both_amounts(void **state)
{
	struct frame root = {"main", "/a/prog", TFMT_LANG_NATIVE, 1, NULL};
	struct frame f = {"f", "/a/prog", TFMT_LANG_NATIVE, 2, NULL};
	struct frame old = {"old", "/a/prog", TFMT_LANG_NATIVE, 3, NULL};
	struct frame new = {"new", "/a/prog", TFMT_LANG_NATIVE, 4, NULL};
	const struct weighed before[] = {
		{{root, f}, 10}, {{root, f, f}, 5}, {{root, old}, 7}, {{root}, 1}};
	const struct weighed after[] = {{{root, f}, 40}, {{root, new}, 90}, {{root}, 1}};
	const struct tfmt_node *nodes[TFMT_SIDE_COUNT];
	const struct tfmt_diff_function *functions, *found;
	struct side sides[TFMT_SIDE_COUNT];
	struct tfmt_diff *diff;
	size_t count;
	uint32_t main_node, node;

	open_side(&sides[0], "/a/prog", before, 4, TFMT_BY_FUNCTION);
	open_side(&sides[1], "/a/prog", after, 3, TFMT_BY_FUNCTION);
	assert_int_equal(tfmt_diff_new(sides[0].tree, sides[1].tree, NULL, 0, &diff), 0);
	for (int side = 0; side < TFMT_SIDE_COUNT; side++)
		nodes[side] = tfmt_diff_nodes(diff, (enum tfmt_side)side, &count);
	assert_int_equal(count, 6);
	assert_int_equal(nodes[TFMT_BEFORE][0].total, 23);
	assert_int_equal(nodes[TFMT_AFTER][0].total, 131);
	main_node = child_named(diff, TFMT_AFTER, 0, "main");
	assert_int_equal(main_node, child_named(diff, TFMT_BEFORE, 0, "main"));
	/* Each side has its own order, and only what it weighs. */
	assert_int_equal(nodes[TFMT_AFTER][main_node].first_child,
		child_named(diff, TFMT_AFTER, main_node, "new"));
	assert_int_equal(nodes[TFMT_BEFORE][main_node].first_child,
		child_named(diff, TFMT_BEFORE, main_node, "f"));
	assert_int_equal(child_named(diff, TFMT_BEFORE, main_node, "new"), 0);
	assert_int_equal(child_named(diff, TFMT_AFTER, main_node, "old"), 0);
	node = child_named(diff, TFMT_AFTER, main_node, "f");
	assert_int_equal(nodes[TFMT_BEFORE][node].total, 15);
	assert_int_equal(nodes[TFMT_BEFORE][node].self, 10);
	assert_int_equal(nodes[TFMT_AFTER][node].total, 40);
	assert_int_equal(nodes[TFMT_AFTER][node].depth, 2);
	/* Recursion counts once. */
	functions = tfmt_diff_functions(diff, &count);
	assert_int_equal(count, 5);
	found = &functions[nodes[TFMT_AFTER][node].function];
	assert_int_equal(found->total[TFMT_BEFORE], 15);
	assert_int_equal(found->self[TFMT_BEFORE], 15);
	assert_int_equal(found->self[TFMT_AFTER], 40);
	assert_int_equal(found->self_count[TFMT_BEFORE], 2);
	tfmt_diff_free(diff);
	close_side(&sides[0]);
	close_side(&sides[1]);
}

static void empty_trees_compare(void **state)
{
	struct side sides[TFMT_SIDE_COUNT];
	struct tfmt_diff *diff;
	size_t count;

	for (int side = 0; side < TFMT_SIDE_COUNT; side++)
		open_side(&sides[side], "/a/prog", NULL, 0, TFMT_BY_FUNCTION);
	assert_int_equal(tfmt_diff_new(sides[0].tree, sides[1].tree, NULL, 0, &diff), 0);
	assert_int_equal(tfmt_diff_nodes(diff, TFMT_BEFORE, &count)[0].total, 0);
	assert_int_equal(count, 1);
	tfmt_diff_free(diff);
	close_side(&sides[0]);
	close_side(&sides[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_build_matches),
		cmocka_unit_test(another_name_of_the_program_matches),
		cmocka_unit_test(edited_python_matches),
		cmocka_unit_test(addresses_match_within_a_build),
		cmocka_unit_test(nodes_have_both_amounts),
		cmocka_unit_test(empty_trees_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
