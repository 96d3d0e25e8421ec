/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stack in a text of gdb's: which lines are its frames, and the frames. Local variables stand between them, and lines that a
 * terminal or a mail has cut go on in the next.
 */
#ifndef WHORL_FORMAT_STACK_GDB_STACK_H
#define WHORL_FORMAT_STACK_GDB_STACK_H

#include "format/scan.h"
#include "format/stack/gdb_frame.h"
#include "observation/stack.h"

/* Where it lies, and how its numbers are written. */
struct wh_gdb_stack {
	const char *begin, *end; /* from its first frame's line on; begin is NULL where there is none */
	uint64_t last;           /* number of the last frame */
	size_t indent;
	bool padded; /* one-digit numbers have two blanks behind them, as gdb has it */
};

/* Whether s, what follows a frame's number and its blanks, can be the first frame of a stack: one-blank numbers (other tools', or
 * squeezed text) must be beyond doubt. */
bool wh_gdb_stack_begins(struct wh_span s, size_t blanks, uint64_t number, struct wh_gdb_frame *frame);
/* Whether a line that begins with `#` goes on with the stack; s is then what follows the number. */
bool wh_gdb_stack_continues(const struct wh_gdb_stack *, struct wh_span *s, size_t indent, uint64_t *number);

/* Adds the stack's frames; arguments that nobody closes cost no more than some lines. */
void wh_gdb_stack_add(struct wh_gdb_stack, struct wh_stack_builder *);
void wh_gdb_frame_add(const struct wh_gdb_frame *, struct wh_stack_builder *);

/* A line without indentation, or the marks of a mail that quotes it. */
static inline struct wh_span wh_gdb_strip(struct wh_span line)
{
	while (line.p < line.end && (*line.p == ' ' || *line.p == '\t' || *line.p == '>' || *line.p == '|'))
		line.p++;
	return line;
}

#endif
