#include <stdlib.h>

#include "cfi.h"
#include "tracefmt/error.h"

/* Real programs make a few hundred distinct rules; beyond this, new ones count as none. */
#define MAX_RULES      (64u << 10)
#define MAX_EXPR_BYTES (64u << 10)

static void set_sigreturn(struct cfi_rule *rule)
{
	*rule = (struct cfi_rule){
		.flags = CFI_RULE_SIGNAL,
		.cfa_register = ARCH_REG_SP,
		.saved_count = ARCH_REG_COUNT,
	};
	for (unsigned reg = 0; reg < ARCH_REG_COUNT; reg++)
		rule->saved[reg] =
			(struct cfi_saved){(uint8_t)reg, CFI_AT_CFA, arch_sigreturn_offset(reg)};
}

int cfi_rules_init(struct cfi_rules *rules)
{
	*rules = (struct cfi_rules){.count = CFI_RULE_FIRST, .capacity = 64};
	rules->rules = calloc(rules->capacity, sizeof(*rules->rules));
	rules->slots = calloc(2 * rules->capacity, sizeof(*rules->slots));
	if (!rules->rules || !rules->slots) {
		cfi_rules_release(rules);
		return TFMT_E_NOMEM;
	}
	rules->rules[CFI_RULE_END].flags = CFI_RULE_ROOT;
	set_sigreturn(&rules->rules[CFI_RULE_SIGRETURN]);
	return 0;
}

void cfi_rules_release(struct cfi_rules *rules)
{
	free(rules->rules);
	free(rules->slots);
	free(rules->expr);
	*rules = (struct cfi_rules){0};
}

const uint8_t *cfi_rules_expr(const struct cfi_rules *rules, int32_t value, size_t *ret_size)
{
	const uint8_t *item = rules->expr + value;

	*ret_size = item[0] | (size_t)item[1] << 8;
	return item + 2;
}

/* Returns: where the expression is kept, or -1 when there is no room. */
static int32_t keep_expr(struct cfi_rules *rules, const uint8_t *expr, size_t size)
{
	for (size_t at = 0; at < rules->expr_size;) {
		size_t known_size;
		const uint8_t *known = cfi_rules_expr(rules, (int32_t)at, &known_size);

		if (known_size == size && memcmp(known, expr, size) == 0)
			return (int32_t)at;
		at += known_size + 2;
	}
	if (size + 2 > MAX_EXPR_BYTES - rules->expr_size)
		return -1;
	if (!rules->expr)
		rules->expr = malloc(MAX_EXPR_BYTES);
	if (!rules->expr)
		return -1;
	size_t at = rules->expr_size;

	rules->expr[at] = (uint8_t)size;
	rules->expr[at + 1] = (uint8_t)(size >> 8);
	memcpy(rules->expr + at + 2, expr, size);
	rules->expr_size += size + 2;
	return (int32_t)at;
}

/* Returns: whether the register's cell can be part of a rule. */
static bool add_cell(
	struct cfi_rules *rules, struct cfi_rule *rule, uint8_t reg, const struct cfi_cell *cell)
{
	struct cfi_saved *saved = &rule->saved[rule->saved_count];

	switch (cell->how) {
	case CFI_UNDEFINED:
		rule->lost |= 1u << reg;
		return true;
	case CFI_SAME:
		return reg != ARCH_REG_PC;
	case CFI_IS_CFA:
		if (reg == ARCH_REG_SP && cell->value == 0)
			return true; /* so it is always */
		break;
	case CFI_REGISTER:
		if ((uint64_t)cell->value >= ARCH_REG_COUNT)
			return false;
		break;
	case CFI_AT_EXPR:
	case CFI_IS_EXPR:
		saved->value = keep_expr(rules, cell->expr, cell->expr_size);
		if (saved->value < 0)
			return false;
		break;
	case CFI_AT_CFA:
		break;
	}
	if (cell->how < CFI_AT_EXPR) {
		if (cell->value != (int32_t)cell->value)
			return false;
		saved->value = (int32_t)cell->value;
	}
	if (cell->how != CFI_AT_CFA)
		rule->flags &= (uint8_t)~CFI_RULE_PLAIN;
	saved->reg = reg;
	saved->how = (uint8_t)cell->how;
	rule->saved_count++;
	return true;
}

static bool make_rule(struct cfi_rules *rules, const struct cfi_row *row, struct cfi_rule *rule)
{
	memset(rule, 0, sizeof(*rule)); /* padding too: rules are compared as bytes */
	if (row->cells[ARCH_REG_PC].how == CFI_UNDEFINED) {
		rule->flags = CFI_RULE_ROOT;
		return true;
	}
	rule->flags = CFI_RULE_PLAIN;
	if (row->is_signal)
		rule->flags = CFI_RULE_SIGNAL;
	rule->switch_depth = row->switch_depth;
	if (row->cfa.how == CFI_IS_EXPR) {
		rule->flags &= (uint8_t)~CFI_RULE_PLAIN;
		rule->flags |= CFI_RULE_CFA_EXPR;
		rule->cfa_offset = keep_expr(rules, row->cfa.expr, row->cfa.expr_size);
		if (rule->cfa_offset < 0)
			return false;
	} else {
		if (row->cfa_offset != (int32_t)row->cfa_offset)
			return false;
		rule->cfa_register = (uint8_t)row->cfa.value;
		rule->cfa_offset = (int32_t)row->cfa_offset;
	}
	for (unsigned reg = 0; reg < ARCH_REG_COUNT; reg++) {
		if (!add_cell(rules, rule, (uint8_t)reg, &row->cells[reg]))
			return false;
	}
	return true;
}

/* The slot that holds the rule, or the empty one where it belongs. */
static uint32_t *find_slot(const struct cfi_rules *rules, const struct cfi_rule *rule)
{
	const uint8_t *bytes = (const uint8_t *)rule;
	uint64_t hash = 0xcbf29ce484222325;
	size_t mask = 2 * rules->capacity - 1;

	for (size_t i = 0; i < sizeof(*rule); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	for (size_t i = (size_t)(hash >> 20) & mask;; i = (i + 1) & mask) {
		uint32_t id = rules->slots[i];

		if (id == 0 || memcmp(&rules->rules[id], rule, sizeof(*rule)) == 0)
			return &rules->slots[i];
	}
}

static bool grow(struct cfi_rules *rules)
{
	size_t capacity = 2 * rules->capacity;
	struct cfi_rule *grown = reallocarray(rules->rules, capacity, sizeof(*grown));
	uint32_t *slots = calloc(2 * capacity, sizeof(*slots));

	if (grown)
		rules->rules = grown;
	if (!grown || !slots) {
		free(slots);
		return false;
	}
	free(rules->slots);
	rules->slots = slots;
	rules->capacity = capacity;
	for (size_t id = CFI_RULE_FIRST; id < rules->count; id++)
		*find_slot(rules, &rules->rules[id]) = (uint32_t)id;
	return true;
}

uint32_t cfi_rules_add(struct cfi_rules *rules, const struct cfi_row *row)
{
	struct cfi_rule rule;

	if (!make_rule(rules, row, &rule))
		return CFI_RULE_NONE;
	uint32_t *slot = find_slot(rules, &rule);

	if (*slot)
		return *slot;
	if (rules->count == MAX_RULES)
		return CFI_RULE_NONE;
	if (rules->count == rules->capacity) {
		if (!grow(rules))
			return CFI_RULE_NONE;
		slot = find_slot(rules, &rule);
	}
	rules->rules[rules->count] = rule;
	*slot = (uint32_t)rules->count++;
	return *slot;
}
