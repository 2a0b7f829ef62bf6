#include "symbols/gosymbols.h"

#include "symbols/demangle.h"

/* The value of a list at `at`, -1 without one. The range of a leaf shrinks to where it holds. */
static int64_t value_at(struct go_table *table, const struct go_function *function, uint32_t list,
	uint64_t at, bool is_leaf, struct rec_chain *chain)
{
	struct go_value value;

	if (!go_value_at(table, function, list, at, &value))
		return -1;
	if (is_leaf)
		rec_chain_narrow(chain, (struct rec_interval){value.low, value.high});
	return value.value;
}

static void add_row(struct go_table *table, const struct go_function *function, uint64_t at,
	uint32_t name, uint32_t first_line, bool is_leaf, struct rec_chain *chain)
{
	int64_t line = value_at(table, function, function->lines, at, is_leaf, chain);
	int64_t file = value_at(table, function, function->file_numbers, at, is_leaf, chain);
	const char *text = go_name(table, name);
	char cut[REC_NAME_BYTES_MAX];

	chain->rows[chain->count++] = (struct rec_symbol_row){
		/* Go's names are readable as they are. */
		.function = rec_chain_text(
			chain, text && *text ? rec_cut_name(text, cut) : "[unknown]"),
		.file = rec_chain_path(chain, NULL, NULL, go_file(table, function, file)),
		.line = line > 0 ? (uint32_t)line : 0,
		.first_line = first_line,
	};
}

bool rec_go_find(struct go_table *table, uint64_t address, struct rec_chain *chain)
{
	struct go_function function;
	struct go_inline inlined;
	uint64_t at = address;
	bool is_leaf = true;

	if (!go_find_function(table, address, &function))
		return false;
	rec_chain_narrow(chain, (struct rec_interval){function.start, function.end});
	/* From the innermost inlined call outwards: each tells where in its caller it was. */
	while (chain->count < REC_CHAIN_MAX - 1 &&
		go_inline_at(table, &function,
			value_at(table, &function, function.inline_numbers, at, is_leaf, chain),
			&inlined)) {
		add_row(table, &function, at, inlined.name, inlined.first_line, is_leaf, chain);
		at = inlined.parent;
		is_leaf = false;
	}
	add_row(table, &function, at, function.name, function.first_line, is_leaf, chain);
	return true;
}
