/* Which spans an end ends, and lines of calls that are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "call_text.h"
#include "spans.h"
#include "text.h"

struct state {
	struct rend_model model;
	struct rend_span_stacks stacks;
};

static int set_up(void **ret_state)
{
	struct state *state = calloc(1, sizeof(*state));
	state->model.thread_count = 2;
	*ret_state = state;
	return rend_span_stacks_init(&state->stacks, &state->model);
}

static int tear_down(void **context)
{
	struct state *state = *context;
	rend_span_stacks_release(&state->stacks);
	free(state);
	return 0;
}

static void begin(struct state *state, uint32_t thread, uint32_t name)
{
	struct rend_open_span *open;
	struct tfmt_span span = {.thread = thread, .name = name, .time_ns = name};
	assert_int_equal(rend_span_begin(&state->stacks, &span, &open), 0);
}

static uint32_t end(struct state *state, uint32_t thread, uint32_t name)
{
	struct tfmt_span span = {.thread = thread, .name = name, .phase = TFMT_SPAN_END};
	uint32_t count = rend_span_ended_count(&state->stacks, &span);
	assert_true(count <= state->stacks.threads[thread].count);
	state->stacks.threads[thread].count -= count;
	return count;
}

static void test_nesting(void **context)
{
	struct state *state = *context;
	begin(state, 1, 10);
	begin(state, 2, 11);
	begin(state, 1, 12);
	assert_int_equal(end(state, 1, 12), 1);
	assert_int_equal(end(state, 1, 10), 1);
	assert_int_equal(end(state, 1, 10), 0);
	assert_int_equal(end(state, 2, 11), 1);
}

static void test_lost_ends(void **context)
{
	struct state *state = *context;
	begin(state, 1, 10);
	begin(state, 1, 11);
	begin(state, 1, 12);
	assert_int_equal(end(state, 1, 99), 0); /* its beginning was lost */
	assert_int_equal(end(state, 1, 10), 3); /* those of 11 and 12 were */
	assert_int_equal(state->stacks.threads[1].count, 0);
}

static void test_end_without_name(void **context)
{
	struct state *state = *context;
	assert_int_equal(end(state, 1, 0), 0);
	begin(state, 1, 10);
	assert_int_equal(end(state, 1, 0), 1);
}

static void test_deeper_than_kept(void **context)
{
	struct state *state = *context;
	const uint32_t depth = 70000;
	for (uint32_t i = 0; i < depth; i++)
		begin(state, 1, 10);
	const struct rend_span_stack *stack = &state->stacks.threads[1];
	assert_int_equal(stack->count + stack->deeper, depth);
	for (uint32_t i = 0; i < depth; i++)
		end(state, 1, 10);
	assert_int_equal(stack->count + stack->deeper, 0);
}

static void check_line(int columns, const char *text, const char *wanted)
{
	struct rend_call_text line;
	rend_call_text_init(&line, columns);
	rend_call_text_add(&line, text);
	rend_call_text_end(&line);
	assert_string_equal(line.text, wanted);
	assert_int_equal(line.columns, rend_text_columns(line.text));
	assert_true(line.columns <= columns);
}

static void test_line(void **context)
{
	check_line(40, "f(a = 1)", "f(a = 1)");
	check_line(40, "a\nb\tc\x1b[31m\xff", "a\\nb\\tc\\x1b[31m\xef\xbf\xbd");
	check_line(40, "\xc2\x9bx \xe2\x80\xaey", "\\x9bx \xef\xbf\xbdy");
	check_line(30, "0123456789012345678901234567890123456789", "012345678901… +28 bytes");
	check_line(30, "012345678901234567890123456789", "012345678901234567890123456789");
	check_line(24, "日本語日本語日本語日本語日本語", "日本語… +36 bytes");
}

static void test_long_line(void **context)
{
	char *text = malloc(1000001);
	struct rend_call_text line;
	memset(text, 'x', 1000000);
	text[1000000] = '\0';
	rend_call_text_init(&line, 100000);
	rend_call_text_add(&line, text);
	rend_call_text_add(&line, "more");
	rend_call_text_end(&line);
	assert_true(line.length < sizeof(line.text));
	assert_non_null(strstr(line.text, " bytes"));
	rend_call_text_init(&line, 60);
	rend_call_text_add(&line, text);
	rend_call_text_add(&line, "more");
	rend_call_text_end(&line);
	assert_non_null(strstr(line.text, "999\xe2\x80\x89"
					  "962 bytes"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nesting, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lost_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end_without_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deeper_than_kept, set_up, tear_down),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_long_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
