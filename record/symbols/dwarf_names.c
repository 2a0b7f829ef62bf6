#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/demangle.h"
#include "symbols/dwarf_private.h"

/* Entries that complete one another, such as inlined copy, definition, declaration. */
#define ORIGINS_MAX 8
/* Namespaces and classes around a function. */
#define SCOPES_MAX 32

/* What an entry and those that it completes say of a function. */
struct description {
	const char *name;
	const char *linkage_name;
	uint32_t first_line;
	/* The last of them, which lies in the function's scope: its file, and its offset there. */
	struct rec_dwarf *home;
	uint64_t declaration;
};

static bool read_entry(struct rec_dwarf *dwarf, uint64_t offset, struct rec_die *ret_die)
{
	const struct rec_unit *unit = rec_dwarf_unit_at(dwarf, offset);

	return unit && rec_die_read(&dwarf->sections, unit, &unit->cache->abbrevs, offset, ret_die);
}

static void describe(struct rec_dwarf *dwarf, uint64_t offset, struct description *ret)
{
	struct rec_die die;

	*ret = (struct description){.home = dwarf};
	for (int i = 0; i < ORIGINS_MAX && offset && read_entry(dwarf, offset, &die); i++) {
		if (!ret->name)
			ret->name = rec_die_text(die.name);
		if (!ret->linkage_name)
			ret->linkage_name = rec_die_text(die.linkage_name);
		if (ret->first_line == 0)
			ret->first_line = die.first_line;
		ret->home = dwarf;
		ret->declaration = offset;
		offset = die.origin;
		if (die.shared_origin && dwarf->shared) {
			offset = die.shared_origin;
			dwarf = dwarf->shared;
		}
	}
}

/* What the scope of an entry is called in names, NULL when it is not. */
static const char *scope_name(struct rec_dwarf *dwarf, const struct rec_die *die)
{
	struct description description;
	const char *name = rec_die_text(die->name);

	switch (die->tag) {
	case DW_TAG_namespace:
		return name ? name : "(anonymous namespace)";
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return name ? name : "(anonymous)";
	case DW_TAG_subprogram:
		describe(dwarf, die->offset, &description);
		return description.name;
	default:
		return NULL;
	}
}

/*
 * Write the names of the scopes of the entry at `target`, each followed by "::". Entries do not
 * know their parents, so this walks down from the root of the unit.
 */
static void write_scopes(struct rec_dwarf *dwarf, uint64_t target, char *text, size_t size_bytes)
{
	const struct rec_unit *unit = rec_dwarf_unit_at(dwarf, target);
	struct rec_die scopes[SCOPES_MAX];
	uint64_t offset = unit->root, depth = 0;
	size_t length = 0;
	struct rec_die die;

	while (offset < target &&
		rec_die_read(&dwarf->sections, unit, &unit->cache->abbrevs, offset, &die)) {
		offset = die.next;
		if (die.tag == 0) {
			if (depth-- == 0)
				return;
		} else if (die.has_children) {
			if (die.sibling >= die.next && die.sibling <= target) {
				offset = die.sibling;
				continue;
			}
			if (depth < SCOPES_MAX)
				scopes[depth] = die;
			depth++;
		}
	}
	for (uint64_t i = 0; offset == target && i < depth && i < SCOPES_MAX; i++) {
		const char *name = scope_name(dwarf, &scopes[i]);
		size_t name_length = name ? strlen(name) : 0;

		if (!name || length + name_length + 3 > size_bytes)
			continue;
		memcpy(text + length, name, name_length);
		memcpy(text + length + name_length, "::", 3);
		length += name_length + 2;
	}
}

/* Others, of C functions, are aliases that nobody wrote into a source. */
static bool is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

static unsigned int language_of(struct rec_dwarf *dwarf, uint64_t offset)
{
	const struct rec_unit *unit = rec_dwarf_unit_at(dwarf, offset);

	return unit ? unit->language : 0;
}

static void fill(struct rec_dwarf *dwarf, uint64_t offset, struct rec_dwarf_name *name)
{
	char text[2 * REC_NAME_BYTES_MAX] = "", shown[REC_NAME_BYTES_MAX];
	struct description description;

	describe(dwarf, offset, &description);
	name->first_line = description.first_line;
	if (description.linkage_name &&
		(is_mangled(description.linkage_name) || !description.name)) {
		name->text = strdup(rec_demangle(description.linkage_name, shown));
		return;
	}
	if (!description.name || !*description.name)
		return;
	switch (language_of(description.home, description.declaration)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
		/* gcc gives no linkage names to what is local to a file. */
		name->is_short = true;
		write_scopes(description.home, description.declaration, text, REC_NAME_BYTES_MAX);
		break;
	case DW_LANG_Mips_Assembler:
		/* Of the labels of one place the symbol table knows the best. */
		name->is_short = true;
		break;
	default:
		/* "__libc_malloc" is what libc calls it, "malloc" what programs do. */
		name->is_short = strncmp(description.name, "__", 2) == 0;
		break;
	}
	strncat(text, description.name, REC_NAME_BYTES_MAX - 1);
	name->text = strdup(rec_demangle(text, shown));
}

const struct rec_dwarf_name *rec_dwarf_name(struct rec_dwarf *dwarf, uint64_t offset)
{
	struct rec_dwarf_name *name;
	struct rec_die die;

	/* Inlined copies of a function have but their origin in common. */
	if (read_entry(dwarf, offset, &die) && !die.name.strings) {
		if (die.shared_origin && dwarf->shared)
			return rec_dwarf_name(dwarf->shared, die.shared_origin);
		if (die.origin)
			offset = die.origin;
	}
	name = &dwarf->names[(offset * UINT64_C(0x9e3779b97f4a7c15) >> 32) % REC_DWARF_NAMES];
	if (name->die == offset)
		return name;
	free(name->text);
	*name = (struct rec_dwarf_name){.die = offset};
	fill(dwarf, offset, name);
	return name;
}

void rec_dwarf_forget_names(struct rec_dwarf *dwarf)
{
	for (size_t i = 0; i < REC_DWARF_NAMES; i++) {
		free(dwarf->names[i].text);
		dwarf->names[i] = (struct rec_dwarf_name){0};
	}
}
