/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output: where every byte of a result goes, so that no failed write goes unnoticed. */
#ifndef WHORL_CLI_OUTPUT_H
#define WHORL_CLI_OUTPUT_H

#include <stdatomic.h>
#include <stddef.h>

#include <whorl/error.h>

/* Opens what of descriptors 0, 1 and 2 was closed before we started, so that no file of ours ever gets their number; reading and
 * writing them still fails. */
void cli_output_guard(void);
/* Set as soon as nobody can read what we write any more: verbs end early. */
void cli_output_on_failure(atomic_bool *stop);

int cli_output_write(const char *data, size_t n, struct wh_err *);
/* From now on every line goes out as soon as it is whole: the result comes bit by bit. */
void cli_output_live(void);
/* Writes out what is still buffered. The first failure of all is the result. */
int cli_output_finish(struct wh_err *);
/* The reader has gone away (`| head`): no error to speak of. */
int cli_output_was_cut(void);

#endif
