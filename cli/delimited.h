/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TSV and CSV, for programs. Records: a header line with the columns, then a line each; nested values are compact JSON, what is
 * missing or null is empty. A document: `key` and `value`, one line a scalar, keys of what is nested joined by dots (`groups.0.size`).
 * TSV escapes tab, newline, carriage return and backslash as \t \n \r \\; CSV is RFC 4180 with plain newlines between the lines.
 */
#ifndef WHORL_CLI_DELIMITED_H
#define WHORL_CLI_DELIMITED_H

#include <whorl/emit.h>

/* NULL: out of memory. */
struct wh_emit *cli_delimited_new(bool csv);
void cli_delimited_free(struct wh_emit *);

#endif
