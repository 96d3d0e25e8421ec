/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, understood. Everything about options comes from tables of struct wh_param: the global one here, those of the
 * verb, of the input, of the signal's settings and of the method. Help, man pages and completion walk the same struct cli_set.
 */
#ifndef WHORL_CLI_OPTIONS_H
#define WHORL_CLI_OPTIONS_H

#include <whorl/whorl.h>

/* --store, --format, --seed, …: understood before the noun and after the verb alike. */
extern const struct wh_param cli_globals[];

/* Options that belong together, and where their values go (NULL: somebody only wants to read about them). */
struct cli_section {
	const char *title;
	const struct wh_param *params;
	struct wh_values *values;
};

#define CLI_SECTIONS 8

/* The options of one command. A row's name occurs in one section only (a test walks them). */
struct cli_set {
	struct cli_section section[CLI_SECTIONS];
	size_t n;
	struct wh_param choice[2]; /* the option that chooses the method, made from the signal's list */
	char choices[512];
	char initial[64];
	char title[64]; /* of the method's section */
};

/* The set of signal and verb (both NULL: only the global section) under a method (NULL: its parameters are left out).
 * The set must stay where it is: its sections point into it. */
void cli_set_init(struct cli_set *, const struct wh_signal *, const struct wh_verb *, const struct wh_method *);

/* The one-letter form of an option, 0: none. `-o` is --output and `-k` is --groups wherever that is a number. */
char cli_letter(const struct wh_param *);

enum cli_ask { CLI_RUN, CLI_SHORT_HELP, CLI_MAN_PAGE };

struct cli_line {
	enum cli_ask ask;
	const struct wh_signal *signal; /* NULL: a command without a noun, `command` */
	const struct wh_verb *verb;     /* NULL: only a noun was given */
	const char *command;            /* as typed; NULL: nothing was asked for */
	struct wh_values global;
	struct wh_call call; /* its strings belong to the line */
	const char **operands;
};

/* Understands argv[1] …; `commands` (NULL-terminated) are the words that take the place of a noun. WH_E_USAGE says what is wrong
 * with it; release in any case. */
int cli_line_parse(struct cli_line *, char **argv, const char *const *commands, struct wh_err *) WH_NODISCARD;
void cli_line_release(struct cli_line *);

/* The name nearest to `typed` among those offered one by one, if it is near enough to be meant. */
struct cli_nearest {
	const char *typed;
	size_t n;
	const char *name; /* NULL: none */
	size_t distance;
};
void cli_nearest_offer(struct cli_nearest *, const char *name);

#endif
