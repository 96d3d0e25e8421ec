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

/* JSON lines: every line that is not blank is a record, which decode gives or says what is wrong with; skipped, then. As wh_format.read. */
typedef int wh_decode_fn(struct wh_bytes text, struct wh_arena *, struct wh_observation *, struct wh_err *);
int wh_reader_records(struct wh_reader *, wh_decode_fn *decode, struct wh_err *) WH_NODISCARD;

/* Number of the line that `at` is on. */
size_t wh_reader_line(struct wh_reader *, const char *at);

#endif
