/* SPDX-License-Identifier: Apache-2.0 */
/* Talk: one line of progress at the bottom of a terminal, and messages above it, all on standard error. */
#ifndef WHORL_CLI_PROGRESS_H
#define WHORL_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <whorl/host.h>

/* quiet: errors only. progress: a bar if standard error is a terminal. */
void cli_progress_init(bool quiet, bool progress);
/* struct wh_host's callbacks; from any thread. */
void cli_progress(void *user, const char *phase, uint64_t done, uint64_t total);
void cli_log(void *user, enum wh_level, const char *text);
/* Takes the bar away until the next progress; before anything else is written to the terminal. */
void cli_progress_clear(void);
/* `whorl: text` and a new line. */
void cli_say(const char *format, ...) WH_PRINTF(1, 2);

#endif
