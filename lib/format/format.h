/* SPDX-License-Identifier: Apache-2.0 */
/* What all formats share: choosing one, and the reader's two ways out. */
#ifndef WHORL_FORMAT_FORMAT_INTERNAL_H
#define WHORL_FORMAT_FORMAT_INTERNAL_H

#include <whorl/format.h>

#include "base/arena.h"

/* The format that is surest of the text's first bytes, or NULL where none is sure enough. */
const struct wh_format *wh_format_detect(const struct wh_format *const *formats, const char *text, size_t size);
/* By its name, or NULL. */
const struct wh_format *wh_format_find(const struct wh_format *const *formats, const char *name);

/* Number of the line that `at` is on. */
size_t wh_reader_line(struct wh_reader *, const char *at);

#endif
