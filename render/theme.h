/*
 * What things are, and the colours that follow. Views name roles, never colours; a theme gives
 * each role its colour on a light page, a dark page or paper.
 */
#ifndef REND_THEME_H
#define REND_THEME_H

#include <stddef.h>
#include <stdint.h>

#define REND_LIBRARY_TINTS 8
#define REND_CHANGE_STEPS  4
#define REND_HEAT_LEVELS   10

enum rend_role {
	REND_NONE, /* not drawn: an item that is only hovered */
	/* The page. */
	REND_BACKGROUND,
	REND_PANEL, /* behind strips, and every second row */
	REND_GRID,
	REND_TREE, /* who started whom */
	REND_TEXT,
	REND_MUTED,
	REND_WARNING, /* text on failures and losses */
	/* Quantities. */
	REND_LIFE, /* a process or thread exists */
	REND_CPU,
	REND_CPU_SYSTEM, /* lighter */
	REND_MEMORY,	 /* lines */
	REND_MEMORY_AREA,
	REND_COUNT, /* threads and other numbers of things */
	REND_SPAN,  /* scopes of the programmer */
	REND_HEAT,  /* the first of REND_HEAT_LEVELS, from little to much, in even steps to the eye
		     */
	/* Boxes of code, each with a label colour that can be read on it. */
	REND_ALL = REND_HEAT + REND_HEAT_LEVELS, /* the root box: everything */
	REND_OWN,
	REND_SCOPE,   /* what the programmer has given a name */
	REND_RUNTIME, /* libc, the loader, language runtimes */
	REND_KERNEL,
	REND_UNKNOWN,
	REND_WAITING, /* hatched: not on a CPU */
	REND_MERGED,  /* hatched the other way: what was too small to be drawn on its own */
	REND_HATCH,   /* the lines of the two above */
	REND_MARK,    /* lines that tell languages apart, on any box */
	REND_LIBRARY, /* the first of REND_LIBRARY_TINTS quiet tints */
	/* Compared with another recording: its area under a line, boxes of code. */
	REND_BEFORE = REND_LIBRARY + REND_LIBRARY_TINTS,
	REND_SAME,
	REND_LESS, /* hatched: the first of REND_CHANGE_STEPS, from little to most */
	REND_MORE = REND_LESS + REND_CHANGE_STEPS,
	REND_ROLE_COUNT = REND_MORE + REND_CHANGE_STEPS,
};

struct rend_colour {
	uint8_t red, green, blue;
};

struct rend_theme;

/* "light", "dark", "print"; NULL for any other name. */
const struct rend_theme *rend_theme_find(const char *name);

/* No theme of people: the colour of a role is its number, in `red`. */
const struct rend_theme *rend_theme_of_roles(void);

/* Black for REND_NONE, which nobody draws. */
struct rend_colour rend_theme_colour(const struct rend_theme *theme, enum rend_role role);

/* The colour of text on a box of `fill`. */
struct rend_colour rend_theme_label(const struct rend_theme *theme, enum rend_role fill);

/* What the lines of a hatched `fill` are drawn in. */
enum rend_role rend_hatch_of(enum rend_role fill);

/* The tint of a library, by its file name alone: the same in every picture. */
enum rend_role rend_role_of_library(const char *module);

/* A role's name in scene dumps, such as "cpu-system" or "library-3". */
const char *rend_role_name(enum rend_role role);

#endif
