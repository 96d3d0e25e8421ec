/* SPDX-License-Identifier: Apache-2.0 */
/* Strings shared by many threads, each kept once: a string table in shards, each under its own lock. */
#ifndef WHORL_PIPELINE_INTERN_H
#define WHORL_PIPELINE_INTERN_H

#include <stddef.h>

struct wh_interner;

struct wh_interner *wh_interner_new(void); /* NULL: out of memory */
void wh_interner_free(struct wh_interner *);
/* The one copy of these bytes, NUL-terminated, valid until free; NULL: out of memory. Thread-safe. */
const char *wh_intern(struct wh_interner *, const char *data, size_t n);

#endif
