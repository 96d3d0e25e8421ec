/* SPDX-License-Identifier: Apache-2.0 */
/* What the text ends up on: width, colour, how many columns a piece of UTF-8 takes, and what must not reach a terminal. */
#ifndef WHORL_CLI_TERMINAL_H
#define WHORL_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Chooses a character set for wcwidth; call once, first. */
void cli_terminal_init(void);
/* Whether the user's locale can show more than ASCII. */
bool cli_terminal_utf8(void);
/* Columns of the terminal on fd ($COLUMNS where it does not say); 0: no terminal. */
size_t cli_terminal_width(int fd);
/* Bold and the like on fd: a terminal, TERM not `dumb`, NO_COLOR not set. */
bool cli_terminal_colour(int fd);

/* Length in bytes of the character at text (n > 0 bytes); invalid bytes are one character each, U+FFFD. */
size_t cli_character(const char *text, size_t n, unsigned *code);
/* Columns that clean text takes. */
size_t cli_text_width(const char *text, size_t n);
/* Bytes of the longest beginning of clean text that fits into `width` columns. */
size_t cli_text_fit(const char *text, size_t n, size_t width);
/* Writes text with newline and tab as \n and \t (if `escape`; blanks otherwise), and whatever could steer a terminal or reverse
 * its text as U+FFFD: crash reports come from strangers. */
void cli_text_clean(FILE *, const char *text, size_t n, bool escape);

/* Writes words wrapped to `width` columns (0: not wrapped), the first line at column `at`, the following indented to `indent`. */
void cli_text_wrap(FILE *, const char *text, size_t at, size_t indent, size_t width);

#endif
