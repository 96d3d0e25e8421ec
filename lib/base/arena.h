/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arenas: memory of one report, query or run, released at once. Every arena has a hard cap, so that hostile input costs
 * a bounded amount. Invariants: what alloc returns is aligned for any type and stays valid until reset or release;
 * after a failed alloc everything handed out before is still valid.
 */
#ifndef WHORL_BASE_ARENA_H
#define WHORL_BASE_ARENA_H

#include <stddef.h>

#include <whorl/error.h>

struct wh_arena_block;

struct wh_arena {
	struct wh_arena_block *block; /* the newest */
	size_t total;                 /* bytes held from the system */
	size_t limit;
};

void wh_arena_init(struct wh_arena *, size_t limit);
/* Forgets everything; keeps the newest block for reuse. */
void wh_arena_reset(struct wh_arena *);
void wh_arena_release(struct wh_arena *);

/* A place to go back to: what was handed out since is given back, what came before stays. A mark is void after a reset, or once the
 * arena went back to an earlier one. */
struct wh_arena_mark {
	struct wh_arena_block *block;
	size_t used;
};
struct wh_arena_mark wh_arena_mark(const struct wh_arena *);
void wh_arena_rewind(struct wh_arena *, struct wh_arena_mark);

/* Uninitialised memory, or NULL: out of memory or over the limit (wh_arena_error says which). */
void *wh_arena_alloc(struct wh_arena *, size_t size);
/* n elements of size bytes, zeroed; NULL also where n * size overflows. */
void *wh_arena_zalloc(struct wh_arena *, size_t n, size_t size);
char *wh_arena_strdup(struct wh_arena *, const char *);
/* NUL-terminated copy of n bytes. */
char *wh_arena_strndup(struct wh_arena *, const char *, size_t n);
char *wh_arena_printf(struct wh_arena *, const char *format, ...) WH_PRINTF(2, 3);

/* Sets WH_E_LIMIT or WH_E_NOMEM after an alloc of size failed. */
int wh_arena_error(const struct wh_arena *, struct wh_err *);

#endif
