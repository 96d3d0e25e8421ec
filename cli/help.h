/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that whorl says about itself, from the tables. All of it goes to standard output. */
#ifndef WHORL_CLI_HELP_H
#define WHORL_CLI_HELP_H

#include <stdio.h>

#include <whorl/verb.h>

/* `whorl help [TOPIC…]`. */
int cli_help(const char *const *topic, size_t n, struct wh_err *) WH_NODISCARD;
int cli_help_version(struct wh_err *) WH_NODISCARD;
/* -h: usage and options of a verb under a method (NULL: it takes none), the verbs of a noun, or all (NULL). */
int cli_help_short(const struct wh_signal *, const struct wh_verb *, const struct wh_method *, struct wh_err *) WH_NODISCARD;
/* --help: the manual page, through man(1) where that makes sense. */
int cli_help_page(const struct wh_signal *, const struct wh_verb *, struct wh_err *) WH_NODISCARD;

/* Writes how an option is typed, without its dashes and letter: `groups N`, `[no-]strip`. */
void cli_help_value(FILE *, const struct wh_param *);
/* Writes what there is to know beyond the help line: `default 0.2, 0 to 1`; nothing where there is nothing. */
void cli_help_bounds(FILE *, const struct wh_param *);
/* Writes the lines of a verb's examples, and of the signal's for it, with NOUN replaced, each after `before`. False: there are none, and
 * nothing was written, if out is NULL. */
bool cli_help_examples(FILE *out, const struct wh_signal *, const struct wh_verb *, const char *before);

#endif
