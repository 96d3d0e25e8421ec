/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delimited text, row by row: commas and semicolons with quotes as in RFC 4180 (a quoted field may hold separators, doubled quotes and
 * ends of lines), tabs with the escapes \t \n \\ and no quotes. Time is linear in the text, whatever it holds; memory is that of one row.
 *
 *	struct wh_delimited d;
 *	wh_delimited_init(&d, text, ',', 16);
 *	while (wh_delimited_row(&d))
 *		if (d.why) … broken: what is wrong with it, at d.row … else … d.field[0] … d.field[d.n - 1] …
 *	wh_delimited_release(&d);
 */
#ifndef WHORL_BASE_DELIMITED_H
#define WHORL_BASE_DELIMITED_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/observation.h>

#include "base/arena.h"

/* A quoted field that does not end within so many bytes is broken. */
#define WH_DELIMITED_LONGEST ((size_t)64 * 1024)

#define WH_DELIMITED_FEW 64

/* Not to be copied: it points into itself. */
struct wh_delimited {
	const char *p, *end; /* what has not been read yet */
	char separator;
	size_t most;         /* fields that are kept of a row */
	const char *row;     /* where the row begins */
	size_t n;            /* its fields; those beyond most were passed over */
	struct wh_bytes *field; /* min(n, most): in the text or in plain, until the next row */
	const char *why;     /* NULL, or what is wrong with the row */
	bool failed;         /* out of memory; sticks, and ends the rows */
	size_t cap;
	struct wh_bytes few[WH_DELIMITED_FEW]; /* field, until there are more: so that to look at a row takes no memory */
	struct wh_arena plain; /* fields that are written otherwise than they read */
};

void wh_delimited_init(struct wh_delimited *, struct wh_bytes text, char separator, size_t most);
/* The next row that is not empty; false at the end. */
bool wh_delimited_row(struct wh_delimited *);
void wh_delimited_release(struct wh_delimited *);

/* What separates the fields of the first line: tabs if it has one, else commas or semicolons, whichever it has first; quotes are heeded. A comma
 * where it has none. */
char wh_delimited_separator(struct wh_bytes text);

#endif
