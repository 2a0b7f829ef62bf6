/* Boxes of a flame graph: where they lie, what is merged, what the limits do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "flame_layout.h"

#define LIMITS(px, rows)                                                                \
	&(const struct rend_flame_limits)                                               \
	{                                                                               \
		.width_px = (px), .min_px = 0.5, .max_rows = (rows), .max_boxes = 5000, \
		.max_labels = 1500                                                      \
	}

/* Give `node` a child after those it has. */
static uint32_t add_child(struct tfmt_node *nodes, uint32_t *count, uint32_t parent, uint64_t total)
{
	uint32_t child = (*count)++;
	nodes[child] = (struct tfmt_node){.total = total,
		.total_count = total,
		.parent = parent,
		.depth = nodes[parent].depth + 1};
	uint32_t *link = &nodes[parent].first_child;
	while (*link != 0)
		link = &nodes[*link].next_sibling;
	*link = child;
	return child;
}

static void test_boxes_lie_below_their_parents(void **state)
{
	(void)state;
	struct tfmt_node nodes[8] = {{.total = 100, .total_count = 100}};
	uint32_t count = 1;
	uint32_t a = add_child(nodes, &count, 0, 60);
	uint32_t b = add_child(nodes, &count, 0, 30);
	add_child(nodes, &count, a, 50);
	uint32_t b1 = add_child(nodes, &count, b, 20);
	struct rend_flame_layout layout;
	assert_int_equal(rend_flame_layout_init(&layout, nodes, count, LIMITS(1000, 10)), 0);
	assert_int_equal(layout.count, 5);
	assert_int_equal(layout.row_count, 3);
	assert_int_equal(layout.hidden_rows, 0);
	assert_int_equal(layout.boxes[0].node, 0);
	assert_float_equal(layout.boxes[0].width_px, 1000, 1e-9);
	assert_int_equal(layout.boxes[1].node, a);
	assert_float_equal(layout.boxes[1].x, 0, 1e-9);
	assert_int_equal(layout.boxes[3].node, b);
	assert_float_equal(layout.boxes[3].x, 600, 1e-9);
	assert_int_equal(layout.boxes[4].node, b1);
	assert_float_equal(layout.boxes[4].x, 600, 1e-9);
	assert_float_equal(layout.boxes[4].width_px, 200, 1e-9);
	assert_int_equal(layout.boxes[4].row, 2);
	rend_flame_layout_release(&layout);
}

/* Thin siblings are one box with their number and weight: the parent gets no self time by them. */
static void test_thin_siblings_merge(void **state)
{
	(void)state;
	struct tfmt_node nodes[64] = {{.total = 10000, .total_count = 10000}};
	uint32_t count = 1;
	uint32_t a = add_child(nodes, &count, 0, 9000);
	uint32_t first = 0;
	for (int i = 0; i < 40; i++) {
		uint32_t thin = add_child(nodes, &count, a, 3);
		first = first == 0 ? thin : first;
	}
	struct rend_flame_layout layout;
	assert_int_equal(rend_flame_layout_init(&layout, nodes, count, LIMITS(1000, 10)), 0);
	assert_int_equal(layout.count, 3);
	assert_int_equal(layout.boxes[2].merged, 40);
	assert_int_equal(layout.boxes[2].node, first);
	assert_int_equal(layout.boxes[2].total, 120);
	assert_int_equal(layout.boxes[2].count, 120);
	assert_float_equal(layout.boxes[2].width_px, 12, 1e-9);
	rend_flame_layout_release(&layout);
}

static void test_depth_is_bounded_and_said(void **state)
{
	(void)state;
	struct tfmt_node nodes[64] = {{.total = 10, .total_count = 10}};
	uint32_t count = 1;
	uint32_t node = 0;
	for (int i = 0; i < 50; i++)
		node = add_child(nodes, &count, node, 10);
	struct rend_flame_layout layout;
	assert_int_equal(rend_flame_layout_init(&layout, nodes, count, LIMITS(1000, 20)), 0);
	assert_int_equal(layout.count, 20);
	assert_int_equal(layout.row_count, 20);
	assert_int_equal(layout.hidden_rows, 31);
	rend_flame_layout_release(&layout);
}

static void test_nearly_empty_rows_are_trimmed(void **state)
{
	(void)state;
	struct tfmt_node nodes[64] = {{.total = 1000, .total_count = 1000}};
	uint32_t count = 1;
	uint32_t node = add_child(nodes, &count, 0, 900);
	for (int i = 0; i < 20; i++)
		node = add_child(nodes, &count, node, 5);
	struct rend_flame_limits limits = *LIMITS(1000, 40);
	struct rend_flame_layout layout;
	limits.min_row_px = 10;
	assert_int_equal(rend_flame_layout_init(&layout, nodes, count, &limits), 0);
	assert_int_equal(layout.row_count, 2);
	assert_int_equal(layout.hidden_rows, 20);
	assert_int_equal(layout.count, 2);
	rend_flame_layout_release(&layout);
}

static void test_caps_raise_the_thresholds(void **state)
{
	(void)state;
	enum { CHILDREN = 3000 };
	struct tfmt_node *nodes = calloc(CHILDREN + 1, sizeof(*nodes));
	assert_non_null(nodes);
	nodes[0] = (struct tfmt_node){.total = CHILDREN, .total_count = CHILDREN, .first_child = 1};
	for (uint32_t i = 1; i <= CHILDREN; i++)
		nodes[i] = (struct tfmt_node){.total = 1,
			.total_count = 1,
			.depth = 1,
			.next_sibling = i < CHILDREN ? i + 1 : 0};
	struct rend_flame_limits limits = {.width_px = 300000,
		.min_px = 0.5,
		.max_rows = 5,
		.max_boxes = 5000,
		.max_labels = 100};
	struct rend_flame_layout layout;
	assert_int_equal(rend_flame_layout_init(&layout, nodes, CHILDREN + 1, &limits), 0);
	assert_int_equal(layout.count, CHILDREN + 1);
	assert_true(layout.label_min_px > 100);
	rend_flame_layout_release(&layout);

	limits.max_boxes = 100;
	assert_int_equal(rend_flame_layout_init(&layout, nodes, CHILDREN + 1, &limits), 0);
	assert_int_equal(layout.count, 2);
	assert_int_equal(layout.boxes[1].merged, CHILDREN);
	assert_int_equal(layout.boxes[1].total, CHILDREN);
	assert_true(layout.min_px > 100);
	rend_flame_layout_release(&layout);
	free(nodes);
}

static void test_nothing_is_empty(void **state)
{
	(void)state;
	struct tfmt_node root = {0};
	struct rend_flame_layout layout;
	assert_int_equal(rend_flame_layout_init(&layout, &root, 1, LIMITS(1000, 20)), 0);
	assert_int_equal(layout.count, 0);
	rend_flame_layout_release(&layout);
	assert_int_equal(rend_flame_layout_init(&layout, NULL, 0, LIMITS(1000, 20)), 0);
	assert_int_equal(layout.count, 0);
	rend_flame_layout_release(&layout);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boxes_lie_below_their_parents),
		cmocka_unit_test(test_thin_siblings_merge),
		cmocka_unit_test(test_depth_is_bounded_and_said),
		cmocka_unit_test(test_nearly_empty_rows_are_trimmed),
		cmocka_unit_test(test_caps_raise_the_thresholds),
		cmocka_unit_test(test_nothing_is_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
