/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One frame line as gdb's print_frame (gdb/stack.c) prints it:
 *
 *   #N  [0xADDRESS in ]NAME (ARGUMENTS)[ at FILE:LINE| from MODULE]
 *   #N  <signal handler called>
 *
 * NAME and ARGUMENTS hold parentheses, blanks and strings of their own: the arguments are the group in parentheses after a
 * blank that the location, or the line's end, follows.
 */
#ifndef WHORL_FORMAT_STACK_GDB_FRAME_H
#define WHORL_FORMAT_STACK_GDB_FRAME_H

#include "format/scan.h"
#include "observation/stack.h"

/* Pieces of a frame's text; every span is empty (p NULL) where it was not said. */
struct wh_gdb_frame {
	struct wh_span function, module, file;
	uint64_t address;
	uint32_t line;
	bool has_address;
	bool in;        /* gdb's own ` in ` after the address */
	bool arguments; /* a closed group of arguments was there */
	bool named;     /* the arguments have names or values in them, or are none: what gdb prints */
	bool handler;   /* `<signal handler called>` and its kin: function is that text */
};

enum wh_gdb_shape {
	WH_GDB_NONE,       /* no frame */
	WH_GDB_WHOLE,      /* may still be followed by a line with its location, if it has none */
	WH_GDB_INCOMPLETE, /* ends amid the name, the arguments or the location: the next line may go on */
};

/* `#` and a number at the start of s, passed over with the blanks after it. blanks: how many there were. */
bool wh_gdb_frame_number(struct wh_span *s, uint64_t *number, size_t *blanks);

/* Reads what follows the number. frame is filled as far as it could be read, also where it is incomplete. */
enum wh_gdb_shape wh_gdb_frame_parse(struct wh_span s, struct wh_gdb_frame *frame);

/* ` at FILE:LINE` or ` from MODULE` at the start of s; false where s is anything else. */
bool wh_gdb_frame_location(struct wh_span s, struct wh_gdb_frame *frame);

/* Where open parentheses and strings have got to, so that arguments can be followed over several lines. */
struct wh_gdb_nesting {
	size_t depth;
	bool string, escaped; /* in a string; its quotes are \" themselves */
};
/* Moves to just behind the parenthesis that closes the group, or NULL: not closed in s. Start with s.p on the first `(`. */
const char *wh_gdb_close(struct wh_span s, struct wh_gdb_nesting *);

#endif
