/* SPDX-License-Identifier: Apache-2.0 */
/* The part of scdoc(5) that manual pages here are written in: headings, paragraphs, *bold*, _underlined_, lists, literal blocks. */
#ifndef WHORL_CLI_SCDOC_H
#define WHORL_CLI_SCDOC_H

#include <stddef.h>
#include <stdio.h>

/* Writes text so that scdoc takes none of it for markup. */
void cli_scdoc_text(FILE *, const char *text);
/* The same with a capital at its beginning and a full stop at its end. */
void cli_scdoc_sentence(FILE *, const char *text);
/* Writes scdoc source for people: wrapped to width, headings and *…* between bold and plain. */
void cli_scdoc_plain(FILE *, const char *source, size_t width, const char *bold, const char *plain);

#endif
