/* SPDX-License-Identifier: Apache-2.0 */
/* The writer that --format asks for, on standard output. */
#ifndef WHORL_CLI_WRITER_H
#define WHORL_CLI_WRITER_H

#include <whorl/emit.h>

struct cli_writer;

/* format NULL: a table on a terminal, else JSON lines. */
int cli_writer_new(struct cli_writer **, const char *format, struct wh_err *) WH_NODISCARD;
struct wh_emit *cli_writer_emit(struct cli_writer *);
/* In place of wh_emit_close where the result has failed: complete records are written, a part of a document is not. */
void cli_writer_abandon(struct cli_writer *);
void cli_writer_free(struct cli_writer *);

#endif
