/* Changes in words, and a recording compared with another in sentences. */
#ifndef REND_DIFF_TEXT_H
#define REND_DIFF_TEXT_H

#include <stdio.h>

#include "diff.h"
#include "facts.h"

/* "+1.20 s", "−12 samples", "0": an amount of the models' weight. NUM_TEXT_BYTES. */
char *rend_diff_amount(const struct rend_diff *diff, char *text, double amount);
/* The same in a column whose unit is known. */
char *rend_diff_cell(const struct rend_diff *diff, char *text, double amount);
/* "+13.2", "−0.3", "0": points of share, of a difference from -1 to 1. */
char *rend_diff_points(char *text, double share);
/* "+23.0 %", "−50.0 %"; "" when there was nothing before. */
char *rend_diff_percent(char *text, double before, double after);

/* "./sort 1000"; "./sort-1 → ./sort-2" where they differ. */
void rend_diff_command(const struct rend_diff *diff, char *text, size_t size);

/* "wall 5.3 s → 6.5 s (+22.6 %) · CPU ...", in one line. */
void rend_diff_facts(const struct rend_diff *diff, char text[REND_FACTS_BYTES]);

/*
 * What limits the comparison: different rates, code without names. "" when nothing does.
 */
void rend_diff_doubts(const struct rend_diff *diff, char text[REND_FACTS_BYTES]);

/* The head of a text: commands, files, and all totals in a small table. */
void rend_diff_put_head(const struct rend_diff *diff, int columns, FILE *stream);

#endif
