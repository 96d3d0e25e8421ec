/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages from the tables, as scdoc(5) source. A page's name is `whorl`, `whorl-NOUN` or `whorl-NOUN-VERB`. */
#ifndef WHORL_CLI_MAN_H
#define WHORL_CLI_MAN_H

#include <stdbool.h>
#include <stdio.h>

#include <whorl/verb.h>

void cli_man_name(char *name, size_t size, const struct wh_signal *, const struct wh_verb *);
/* Every page's name, one a line. */
void cli_man_pages(FILE *);
/* WH_E_USAGE where there is no such page. */
int cli_man_source(FILE *, const char *page, struct wh_err *) WH_NODISCARD;
/* The same page for people, wrapped to width, headings between bold and plain. */
int cli_man_plain(FILE *, const char *page, size_t width, const char *bold, const char *plain, struct wh_err *) WH_NODISCARD;
/* Through man(1); false where it or the page is not installed. */
bool cli_man_show(const char *page);

#endif
