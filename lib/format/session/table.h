/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that tools print: two lines of headings, a rule of dashes or the like below them, cells that end where their part of the rule does. */
#ifndef WHORL_FORMAT_SESSION_TABLE_H
#define WHORL_FORMAT_SESSION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "format/scan.h"

#define WH_TABLE_COLUMNS 16
#define WH_TABLE_NAME 32

struct wh_table {
	struct {
		ptrdiff_t end;            /* of its part of the rule, from the line's beginning */
		char name[WH_TABLE_NAME]; /* its headings from above, in small letters with underscores: `private_dirty`; empty where it has none */
	} columns[WH_TABLE_COLUMNS]; /* n */
	size_t n;
};

/* Whether the line is a rule: nothing but blanks and this character. */
bool wh_table_is_rule(struct wh_span line, char rule);
/* The columns of a rule with the lines above it, the nearer one last. Units in parentheses are no part of their names. */
void wh_table_read(struct wh_table *, struct wh_span rule, struct wh_span upper, struct wh_span lower);
/* The word that ends where the column does, or an empty one. */
struct wh_span wh_table_cell(const struct wh_table *, size_t column, struct wh_span line);

#endif
