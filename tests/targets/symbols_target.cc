/*
 * A program that says of some of its instructions which functions and lines they are from: one
 * line each, "ADDRESS<tab>FUNCTION=LINE<tab>..." with the innermost inlined function first. A
 * function here is a part of the name that a resolver should give.
 */
#include <stdio.h>

extern "C" char __executable_start;

struct Place {
	const char *pc;
	int line;
};

/* The last byte of the call of this function. */
__attribute__((noinline)) static const char *here()
{
	asm volatile("");
	return static_cast<const char *>(__builtin_return_address(0)) - 1;
}

static unsigned long address(const char *pc)
{
	return static_cast<unsigned long>(pc - &__executable_start);
}

/* clang-format off: calls have to be on the line whose number they tell. */
__attribute__((always_inline)) inline Place leaf()
{
	return {here(), __LINE__};
}

namespace shop {
template <class T> __attribute__((always_inline)) inline Place middle(T value, int *line)
{
	*line = __LINE__; return leaf();
}
}

__attribute__((noinline)) void outer()
{
	int middle_line, line = __LINE__; Place place = shop::middle(1, &middle_line);
	printf("%lx\tleaf=%d\tshop::middle<int>=%d\touter=%d\n", address(place.pc), place.line,
		middle_line, line);
}

namespace {
struct Hidden {
	__attribute__((noinline)) void run()
	{
		const char *pc = here(); int line = __LINE__;
		printf("%lx\t(anonymous namespace)::Hidden::run=%d\n", address(pc), line);
	}
};
}

template <class F> __attribute__((noinline)) void twice(F function)
{
	function(1);
	function(2);
}

__attribute__((noinline)) static void with_lambda(int count)
{
	auto lambda = [&](int number) __attribute__((noinline)) {
		const char *pc = here(); int line = __LINE__;
		if (number == count)
			printf("%lx\toperator()=%d\n", address(pc), line);
	};
	twice(lambda);
}
/* clang-format on */

asm(".pushsection .text.bare,\"ax\",@progbits\n"
    "bare_label:\n"
    "	ret\n"
    "	nop\n"
    "sized_label:\n"
    "	ret\n"
    "	.size sized_label, . - sized_label\n"
    "	nop\n"
    "	nop\n"
    ".popsection\n");
extern "C" void bare_label();

int main()
{
	outer();
	Hidden().run();
	with_lambda(1);
	bare_label();
	return 0;
}
