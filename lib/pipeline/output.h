/* SPDX-License-Identifier: Apache-2.0 */
/* Where forms of a result go that are no events: files, or standard output. */
#ifndef WHORL_PIPELINE_OUTPUT_H
#define WHORL_PIPELINE_OUTPUT_H

#include "base/str.h"

/* To the file, which holds either its old content or all of text; path `-`: standard output. */
int wh_output_write(const char *path, const struct wh_str *text, struct wh_err *) WH_NODISCARD;

#endif
