#include "theme.h"

#include <stdio.h>
#include <string.h>

#include "tracefmt/trace.h"

struct rend_theme {
	const char *name;
	struct rend_colour colours[REND_ROLE_COUNT];
	struct rend_colour dark_label, light_label; /* on boxes of code */
};

#define RGB(hex)                                                  \
	{                                                         \
		(hex) >> 16 & 0xff, (hex) >> 8 & 0xff, (hex)&0xff \
	}

/*
 * Boxes: own code in the orange of Paul Tol's light scheme, libraries in a family of quiet blues
 * and greens, what nobody can change in greys. Lines: blue and vermilion of Okabe and Ito, told
 * apart by every kind of colour vision.
 */
static const struct rend_theme themes[] =
	{
		{
			.name = "light",
			.colours =
				{
					[REND_BACKGROUND] = RGB(0xffffff),
					[REND_PANEL] = RGB(0xf6f8fa),
					[REND_GRID] = RGB(0xe3e7eb),
					[REND_TREE] = RGB(0xb4bcc5),
					[REND_TEXT] = RGB(0x1b1f24),
					[REND_MUTED] = RGB(0x5b6570),
					[REND_WARNING] = RGB(0xc03a10),
					[REND_LIFE] = RGB(0xe3eaf3),
					[REND_CPU] = RGB(0x5b88b7),
					[REND_CPU_SYSTEM] = RGB(0xa3c1e0),
					[REND_MEMORY] = RGB(0xd55e00),
					[REND_MEMORY_AREA] = RGB(0xf0997a),
					[REND_COUNT] = RGB(0x5c9c77),
					[REND_SPAN] = RGB(0xaa3377),
					[REND_HEAT] = RGB(0xdaebf7),
					RGB(0xb4d7f3),
					RGB(0x8fc3ef),
					RGB(0x6eaae2),
					RGB(0x4e90d3),
					RGB(0x3876bd),
					RGB(0x2c5da2),
					RGB(0x224686),
					RGB(0x1d3369),
					RGB(0x16234d),
					[REND_ALL] = RGB(0xeef1f4),
					[REND_OWN] = RGB(0xf28e6b),
					[REND_SCOPE] = RGB(0xdba6c4),
					[REND_RUNTIME] = RGB(0xc9ced4),
					[REND_KERNEL] = RGB(0x9aa5b1),
					[REND_UNKNOWN] = RGB(0xdedede),
					[REND_WAITING] = RGB(0xf0f2f4),
					[REND_MERGED] = RGB(0xe3e7eb),
					[REND_HATCH] = RGB(0xb0b9c3),
					[REND_MARK] = RGB(0x5b6570),
					[REND_LIBRARY] = RGB(0xb9cde6),
					RGB(0xbfe0d8),
					RGB(0xcbd6ea),
					RGB(0xc3e0e9),
					RGB(0xd0dcc4),
					RGB(0xa9cfdd),
					RGB(0xc9d3dd),
					RGB(0xafd6c0),
					[REND_BEFORE] = RGB(0xd3d9e0),
					[REND_SAME] = RGB(0xeceff2),
					[REND_LESS] = RGB(0xc4dcf0),
					RGB(0xa0c8e8),
					RGB(0x7ab3de),
					RGB(0x5596cc),
					[REND_MORE] = RGB(0xfad9ca),
					RGB(0xf7bda4),
					RGB(0xef9577),
					RGB(0xe26f55),
				},
			.dark_label = RGB(0x1b1f24),
			.light_label = RGB(0x1b1f24),
		},
		{
			.name = "dark",
			.colours =
				{
					[REND_BACKGROUND] = RGB(0x14181d),
					[REND_PANEL] = RGB(0x1b2128),
					[REND_GRID] = RGB(0x2a313a),
					[REND_TREE] = RGB(0x56606c),
					[REND_TEXT] = RGB(0xe6e9ed),
					[REND_MUTED] = RGB(0x9aa4af),
					[REND_WARNING] = RGB(0xff8a5c),
					[REND_LIFE] = RGB(0x2b3541),
					[REND_CPU] = RGB(0x6c9bd2),
					[REND_CPU_SYSTEM] = RGB(0x42638c),
					[REND_MEMORY] = RGB(0xf9a06a),
					[REND_MEMORY_AREA] = RGB(0xcf7a5a),
					[REND_COUNT] = RGB(0x67b58a),
					[REND_SPAN] = RGB(0xe58ab8),
					[REND_HEAT] = RGB(0x232d47),
					RGB(0x2a3b62),
					RGB(0x2f4a7f),
					RGB(0x345d9a),
					RGB(0x3773b4),
					RGB(0x3a8dcb),
					RGB(0x44aadc),
					RGB(0x5dc7ea),
					RGB(0x8ee2f2),
					RGB(0xc0fbfe),
					[REND_ALL] = RGB(0x232a32),
					[REND_OWN] = RGB(0xe98561),
					[REND_SCOPE] = RGB(0x7c4866),
					[REND_RUNTIME] = RGB(0x565f6a),
					[REND_KERNEL] = RGB(0x3c444e),
					[REND_UNKNOWN] = RGB(0x47474a),
					[REND_WAITING] = RGB(0x20272f),
					[REND_MERGED] = RGB(0x2a313a),
					[REND_HATCH] = RGB(0x4c5763),
					[REND_MARK] = RGB(0xffffff),
					[REND_LIBRARY] = RGB(0x3d5a83),
					RGB(0x2f6560),
					RGB(0x4d5a85),
					RGB(0x2f6279),
					RGB(0x52634a),
					RGB(0x275a6e),
					RGB(0x4c5c6e),
					RGB(0x35684e),
					[REND_BEFORE] = RGB(0x3a4450),
					[REND_SAME] = RGB(0x39424c),
					[REND_LESS] = RGB(0x26394d),
					RGB(0x2a5079),
					RGB(0x2c6095),
					RGB(0x2468b4),
					[REND_MORE] = RGB(0x5f3f38),
					RGB(0x85463a),
					RGB(0x994637),
					RGB(0xb1442d),
				},
			.dark_label = RGB(0x14181d),
			.light_label = RGB(0xe6e9ed),
		},
		{
			/* Paper: no panels, darker lines, enough difference left in greys. */
			.name = "print",
			.colours =
				{
					[REND_BACKGROUND] = RGB(0xffffff),
					[REND_PANEL] = RGB(0xffffff),
					[REND_GRID] = RGB(0xcfcfcf),
					[REND_TREE] = RGB(0x8a8a8a),
					[REND_TEXT] = RGB(0x000000),
					[REND_MUTED] = RGB(0x404040),
					[REND_WARNING] = RGB(0xa83200),
					[REND_LIFE] = RGB(0xe6e6e6),
					[REND_CPU] = RGB(0x4477aa),
					[REND_CPU_SYSTEM] = RGB(0x9fbfdd),
					[REND_MEMORY] = RGB(0xb34700),
					[REND_MEMORY_AREA] = RGB(0xf0b7a0),
					[REND_COUNT] = RGB(0x4d8f68),
					[REND_SPAN] = RGB(0x882255),
					[REND_HEAT] = RGB(0xececec),
					RGB(0xd4d4d4),
					RGB(0xbbbbbb),
					RGB(0xa3a3a3),
					RGB(0x8a8a8a),
					RGB(0x727272),
					RGB(0x595959),
					RGB(0x414141),
					RGB(0x282828),
					RGB(0x101010),
					[REND_ALL] = RGB(0xf2f2f2),
					[REND_OWN] = RGB(0xf4a582),
					[REND_SCOPE] = RGB(0xe6bfd3),
					[REND_RUNTIME] = RGB(0xd9d9d9),
					[REND_KERNEL] = RGB(0xb0b0b0),
					[REND_UNKNOWN] = RGB(0xe8e8e8),
					[REND_WAITING] = RGB(0xffffff),
					[REND_MERGED] = RGB(0xffffff),
					[REND_HATCH] = RGB(0x9a9a9a),
					[REND_MARK] = RGB(0x404040),
					[REND_LIBRARY] = RGB(0xc6d7ec),
					RGB(0xcde8e1),
					RGB(0xd6dff0),
					RGB(0xcfe7ee),
					RGB(0xdbe6d1),
					RGB(0xb9dae6),
					RGB(0xd5dde6),
					RGB(0xbfe0cd),
					[REND_BEFORE] = RGB(0xd6d6d6),
					[REND_SAME] = RGB(0xf0f0f0),
					[REND_LESS] = RGB(0xc6dff2),
					RGB(0xaacfec),
					RGB(0x8abce2),
					RGB(0x66a3d4),
					[REND_MORE] = RGB(0xfce4da),
					RGB(0xf9c6b0),
					RGB(0xf2a085),
					RGB(0xe87f66),
				},
			.dark_label = RGB(0x000000),
			.light_label = RGB(0x000000),
		},
};

static const char *const role_names[] = {
	[REND_NONE] = "none",
	[REND_BACKGROUND] = "background",
	[REND_PANEL] = "panel",
	[REND_GRID] = "grid",
	[REND_TREE] = "tree",
	[REND_TEXT] = "text",
	[REND_MUTED] = "muted",
	[REND_WARNING] = "warning",
	[REND_LIFE] = "life",
	[REND_CPU] = "cpu",
	[REND_CPU_SYSTEM] = "cpu-system",
	[REND_MEMORY] = "memory",
	[REND_MEMORY_AREA] = "memory-area",
	[REND_COUNT] = "count",
	[REND_SPAN] = "span",
	[REND_HEAT] = "heat-1",
	"heat-2",
	"heat-3",
	"heat-4",
	"heat-5",
	"heat-6",
	"heat-7",
	"heat-8",
	"heat-9",
	"heat-10",
	[REND_ALL] = "all",
	[REND_OWN] = "own",
	[REND_SCOPE] = "scope",
	[REND_RUNTIME] = "runtime",
	[REND_KERNEL] = "kernel",
	[REND_UNKNOWN] = "unknown",
	[REND_WAITING] = "waiting",
	[REND_MERGED] = "merged",
	[REND_HATCH] = "hatch",
	[REND_MARK] = "mark",
	[REND_LIBRARY] = "library-0",
	"library-1",
	"library-2",
	"library-3",
	"library-4",
	"library-5",
	"library-6",
	"library-7",
	[REND_BEFORE] = "before",
	[REND_SAME] = "same",
	[REND_LESS] = "less-1",
	"less-2",
	"less-3",
	"less-4",
	[REND_MORE] = "more-1",
	"more-2",
	"more-3",
	"more-4",
};

const struct rend_theme *rend_theme_find(const char *name)
{
	for (size_t i = 0; i < sizeof(themes) / sizeof(*themes); i++) {
		if (strcmp(themes[i].name, name) == 0)
			return &themes[i];
	}
	return NULL;
}

static const struct rend_theme theme_of_roles = {.name = ""};

const struct rend_theme *rend_theme_of_roles(void)
{
	return &theme_of_roles;
}

struct rend_colour rend_theme_colour(const struct rend_theme *theme, enum rend_role role)
{
	if (theme == &theme_of_roles)
		return (struct rend_colour){.red = (uint8_t)role};
	return theme->colours[role];
}

struct rend_colour rend_theme_label(const struct rend_theme *theme, enum rend_role fill)
{
	switch (fill) {
	case REND_OWN:
		return theme->dark_label;
	case REND_WAITING:
	case REND_MERGED:
		return theme->colours[REND_MUTED];
	case REND_NONE:
		return theme->colours[REND_TEXT];
	default:
		return theme->light_label;
	}
}

enum rend_role rend_hatch_of(enum rend_role fill)
{
	if (fill < REND_LESS || fill >= REND_LESS + REND_CHANGE_STEPS)
		return REND_HATCH;
	/* Seen on a strong colour, and letters still read over them. */
	return fill >= REND_LESS + 2 ? REND_LESS : REND_BACKGROUND;
}

enum rend_role rend_role_of_library(const char *module)
{
	/* FNV-1a over the name up to its version: an update keeps the tint. */
	uint32_t hash = 2166136261u;
	for (const char *c = tfmt_base_name(module); *c != '\0' && strncmp(c, ".so", 3) != 0; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return REND_LIBRARY + (enum rend_role)((hash ^ hash >> 15) % REND_LIBRARY_TINTS);
}

const char *rend_role_name(enum rend_role role)
{
	return role_names[role];
}
