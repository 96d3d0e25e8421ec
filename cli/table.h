/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results for people. Records become a table: columns aligned, numbers to the right, wide texts cut to the terminal. The first
 * WH_TABLE_ROWS records settle the widths; what follows is printed as it comes. A document becomes `key  value` lines, and a table
 * for every list of objects in it.
 */
#ifndef WHORL_CLI_TABLE_H
#define WHORL_CLI_TABLE_H

#include <whorl/emit.h>

#define WH_TABLE_ROWS 2000

/* width: columns of the terminal, 0: as wide as it takes. NULL: out of memory. */
struct wh_emit *cli_table_new(size_t width, bool colour);
void cli_table_free(struct wh_emit *);

#endif
