/* Names in boxes: what they lose first when there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "frame_label.h"

/* The label of `name` in just the room that `fitting` needs. */
static void check(const char *name, const char *share, const char *fitting)
{
	char label[512];
	double room_px = rend_text_width_px(REND_FONT_LABEL, fitting) + 0.1;
	rend_frame_label(REND_FONT_LABEL, name, share, room_px, label, sizeof(label));
	assert_string_equal(label, fitting);
}

static void test_share_goes_before_the_name(void **state)
{
	(void)state;
	check("main", "8.5 %", "main 8.5 %");
	check("coder_run", "8.5 %", "coder_run");
	check("main", "", "main");
}

static void test_templates_collapse(void **state)
{
	(void)state;
	const char *name = "std::map<int, std::vector<char> >::find(int const&)";
	check(name, "1.0 %", "std::map<int, std::vector<char> >::find(int const&) 1.0 %");
	check(name, "1.0 %", "std::map<…>::find(int const&) 1.0 %");
	check(name, "1.0 %", "std::map<…>::find(…) 1.0 %");
	check(name, "1.0 %", "std::map<…>::find(…)");
	check(name, "1.0 %", "…::find(…)");
	check(name, "1.0 %", "find");
}

static void test_operators_and_lambdas_stay_whole(void **state)
{
	(void)state;
	check("ns::operator<<(std::ostream&, A<int> const&)", "", "ns::operator<<(…)");
	check("ns::F<int>::operator()(int) const", "", "ns::F<…>::operator()(…) const");
	check("ns::F<int>::operator()(int) const", "", "operator()");
	check("a::b<cccc>::operator-><dddd>()", "", "a::b<…>::operator-><…>()");
	check("run<int>()::{lambda(int)#1}::operator()(int) const", "",
		"run<…>()::{lambda(…)#1}::operator()(…) const");
}

static void test_names_are_never_cut_at_a_bracket(void **state)
{
	(void)state;
	check("(anonymous namespace)::Parser::next(int)", "",
		"(anonymous namespace)::Parser::next(…)");
	check("(anonymous namespace)::Parser::next(int)", "", "…::Parser::next(…)");
	check("(anonymous namespace)::Parser::next(int)", "", "…::next(…)");
	check("<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend", "", "…::extend");
	check("Server.handle.<locals>.reply", "", "….reply");
}

static void test_addresses_keep_their_number(void **state)
{
	(void)state;
	check("liblzma.so.5.4.1+0x15a50", "33.1 %", "liblzma.so.5.4.1+0x15a50 33.1 %");
	check("liblzma.so.5.4.1+0x15a50", "33.1 %", "…+0x15a50");
	check("liblzma.so.5.4.1+0x15a50", "33.1 %", "0x15a50");
	check("liblzma.so.5.4.1+0x15a50", "33.1 %", "");
}

/* What does not fit at all comes in its shortest form, for its end to be cut. */
static void test_shortest_form_is_last(void **state)
{
	(void)state;
	char label[512];
	rend_frame_label(
		REND_FONT_LABEL, "a::b::quite_long_name", "3.0 %", 10, label, sizeof(label));
	assert_string_equal(label, "quite_long_name");
	rend_frame_label(REND_FONT_LABEL, "", "", 10, label, sizeof(label));
	assert_string_equal(label, "");
}

static void test_hostile_names_are_bounded(void **state)
{
	(void)state;
	static char name[100001];
	char label[512];
	for (size_t i = 0; i + 1 < sizeof(name); i++)
		name[i] = "<(:.operator<>)"[i % 15];
	rend_frame_label(REND_FONT_LABEL, name, "1 %", 200, label, sizeof(label));
	assert_true(strlen(label) < sizeof(label));
	memset(name, '(', sizeof(name) - 1);
	rend_frame_label(REND_FONT_LABEL, name, "1 %", 200, label, sizeof(label));
	assert_true(strlen(label) < sizeof(label));
}

/* The label of a Python function of shop/cart.py in just the room that `fitting` needs. */
static void check_python(const char *name, const char *share, const char *fitting)
{
	const struct tfmt_location location = {
		.function = name,
		.module = "",
		.file = "/usr/lib/python3/dist-packages/shop/cart.py",
		.language = TFMT_LANG_PYTHON,
	};
	char label[512];
	double room_px = rend_text_width_px(REND_FONT_LABEL, fitting) + 0.1;
	rend_location_label(REND_FONT_LABEL, &location, share, room_px, label, sizeof(label));
	assert_string_equal(label, fitting);
}

static void test_python_keeps_its_brackets(void **state)
{
	(void)state;
	check_python("Cart.total", "8.5 %", "Cart.total 8.5 %");
	check_python("Cart.total", "8.5 %", "Cart.total");
	check_python("Cart.total", "8.5 %", "total");
	check_python("add.<locals>.<lambda>", "8.5 %", "add.<locals>.<lambda>");
	check_python("add.<locals>.inner.<locals>.f", "8.5 %", "inner.<locals>.f");
	check_python("add.<locals>.inner.<locals>.f", "8.5 %", "f");
	/* What is no name has its file. */
	check_python("<module>", "8.5 %", "<module> shop/cart.py 8.5 %");
	check_python("<module>", "8.5 %", "<module> shop/cart.py");
	check_python("<module>", "8.5 %", "<module> 8.5 %");
	check_python("<module>", "8.5 %", "<module>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share_goes_before_the_name),
		cmocka_unit_test(test_templates_collapse),
		cmocka_unit_test(test_operators_and_lambdas_stay_whole),
		cmocka_unit_test(test_names_are_never_cut_at_a_bracket),
		cmocka_unit_test(test_addresses_keep_their_number),
		cmocka_unit_test(test_shortest_form_is_last),
		cmocka_unit_test(test_python_keeps_its_brackets),
		cmocka_unit_test(test_hostile_names_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
