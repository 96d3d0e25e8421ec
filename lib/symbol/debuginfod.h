/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching files by build-id from a server that speaks debuginfod's protocol, which the user named (never the environment). */
#ifndef WHORL_SYMBOL_DEBUGINFOD_H
#define WHORL_SYMBOL_DEBUGINFOD_H

#include <stdbool.h>

/* GET URL/buildid/BUILD_ID/debuginfo or …/executable (debuginfod(8)) into a file without a name; -1: there is none, the server was
 * not reached within its time, or libcurl is not built in. */
int wh_debuginfod_fetch(const char *url, const char *build_id, bool debug);

#endif
