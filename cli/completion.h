/* SPDX-License-Identifier: Apache-2.0 */
/* Shell completion from the tables. */
#ifndef WHORL_CLI_COMPLETION_H
#define WHORL_CLI_COMPLETION_H

#include <stdio.h>

void cli_completion_bash(FILE *);

#endif
