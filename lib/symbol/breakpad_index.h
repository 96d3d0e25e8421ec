/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the reader of Breakpad's symbol files share. */
#ifndef WHORL_SYMBOL_BREAKPAD_INDEX_H
#define WHORL_SYMBOL_BREAKPAD_INDEX_H

#include <string.h>

#include "base/input.h"
#include "base/vec.h"
#include "symbol/breakpad.h"

/* A record that covers addresses: where its line begins in the text. */
struct breakpad_range {
	uint64_t address;
	uint32_t size, at;
};

/* A record with a number. */
struct breakpad_name {
	uint32_t number, at;
};

struct breakpad_ranges WH_VEC(struct breakpad_range);
struct breakpad_names WH_VEC(struct breakpad_name);

struct wh_breakpad {
	struct wh_input input;
	struct wh_bytes text;
	struct breakpad_ranges functions, publics, cfi, frame_data, fpo; /* each by address, then as in the text */
	struct breakpad_names files, origins;                            /* by number */
	size_t records;
};

/* A piece of text that is being read. */
struct breakpad_span {
	const char *p, *end;
};

static inline struct breakpad_span breakpad_line_at(const struct wh_breakpad *b, size_t at)
{
	const char *p = b->text.data + at, *end = b->text.data + b->text.size, *nl = memchr(p, '\n', (size_t)(end - p));
	return (struct breakpad_span){ p, nl ? nl : end };
}

/* The line after this one; false: there is none. */
static inline bool breakpad_next_line(const struct wh_breakpad *b, struct breakpad_span *line)
{
	const char *end = b->text.data + b->text.size;
	if (line->end >= end || line->end + 1 >= end)
		return false;
	*line = breakpad_line_at(b, (size_t)(line->end + 1 - b->text.data));
	return true;
}

/* Takes a word, and the blanks around it, off the line; empty at its end. */
static inline struct breakpad_span breakpad_word(struct breakpad_span *line)
{
	while (line->p < line->end && (*line->p == ' ' || *line->p == '\t' || *line->p == '\r'))
		line->p++;
	struct breakpad_span word = { line->p, line->p };
	while (line->p < line->end && *line->p != ' ' && *line->p != '\t' && *line->p != '\r')
		line->p++;
	word.end = line->p;
	while (line->p < line->end && (*line->p == ' ' || *line->p == '\t'))
		line->p++;
	return word;
}

static inline bool breakpad_is(struct breakpad_span word, const char *text)
{
	size_t n = strlen(text);
	return (size_t)(word.end - word.p) == n && !memcmp(word.p, text, n);
}

/* Passes over prefix if the line begins with it. */
static inline bool breakpad_skip(struct breakpad_span *line, const char *prefix)
{
	size_t n = strlen(prefix);
	if ((size_t)(line->end - line->p) < n || memcmp(line->p, prefix, n) != 0)
		return false;
	line->p += n;
	return true;
}

/* The next word as a number in base 16 or 10; false: it is none, or too large. */
bool breakpad_hex(struct breakpad_span *line, uint64_t *value);
bool breakpad_hex32(struct breakpad_span *line, uint32_t *value);
bool breakpad_decimal(struct breakpad_span *line, uint32_t *value);

/* The record that covers an address, the innermost where ranges are nested as compilers nest them; NULL: none. */
const struct breakpad_range *breakpad_find(const struct breakpad_ranges *, uint64_t address);

/* Takes n bytes off the effort; false: it is spent. */
static inline bool breakpad_afford(size_t *effort, size_t n)
{
	if (*effort < n) {
		*effort = 0;
		return false;
	}
	*effort -= n;
	return true;
}

/* What a FUNC or PUBLIC record at an offset says of the bytes of arguments on the stack; 0: nothing. */
uint32_t breakpad_parameters(const struct wh_breakpad *, uint64_t offset);

#endif
