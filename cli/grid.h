/* SPDX-License-Identifier: Apache-2.0 */
/* Cells in rows and columns, and how they are lined up. Adding never fails at once: cli_grid_print says if memory was short. */
#ifndef WHORL_CLI_GRID_H
#define WHORL_CLI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <whorl/error.h>

#define CLI_GRID_COLUMNS 32

struct cli_cell {
	char *text; /* clean UTF-8; NULL: nothing here, or a real number */
	double real;
	bool is_real, is_number;
};

struct cli_grid {
	const char *columns[CLI_GRID_COLUMNS]; /* the caller's, for as long as the grid */
	size_t n_columns;
	struct cli_cell *cells; /* row by row */
	size_t n, cap;
	bool failed, begun;
	size_t widths[CLI_GRID_COLUMNS];
	bool right[CLI_GRID_COLUMNS];
	bool empty[CLI_GRID_COLUMNS]; /* nothing in any row so far: left out */
};

/* text: malloc'ed, the grid's from now on. */
void cli_grid_text(struct cli_grid *, char *text, bool is_number);
void cli_grid_real(struct cli_grid *, double);
/* Prints what is there and forgets it, widths and header aside, which the first call settles; columns without a value are left out.
 * Where a later call has values for them, widths are settled anew under another header. width 0: no limit. */
int cli_grid_print(struct cli_grid *, FILE *, size_t indent, size_t width, const char *bold, const char *plain, struct wh_err *);
void cli_grid_release(struct cli_grid *);

/* A number for people: 4 significant digits. */
void cli_grid_round(char text[static 32], double);

#endif
