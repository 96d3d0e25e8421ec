/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interned byte strings: equal bytes get equal numbers, counted from 0 in the order of first sight.
 * Invariant: a number, once given, names the same bytes until release.
 */
#ifndef WHORL_BASE_STRTAB_H
#define WHORL_BASE_STRTAB_H

#include <stdint.h>

#include <whorl/observation.h>

#include "base/arena.h"

#define WH_STRTAB_NONE UINT32_MAX

struct wh_strtab_entry {
	uint64_t hash;
	const char *data; /* NUL-terminated */
	size_t size;
};

struct wh_strtab {
	struct wh_arena arena;
	struct wh_strtab_entry *entries; /* n */
	uint32_t *slots;                 /* n_slots, a power of two; entry + 1, 0 empty */
	size_t n, cap, n_slots;
};

/* limit: bytes of all strings together. */
void wh_strtab_init(struct wh_strtab *, size_t limit);
void wh_strtab_release(struct wh_strtab *);

/* The number of these bytes, new if need be; WH_STRTAB_NONE: out of memory or over the limit. */
uint32_t wh_strtab_add(struct wh_strtab *, const char *data, size_t size);
/* The number of these bytes, or WH_STRTAB_NONE. */
uint32_t wh_strtab_find(const struct wh_strtab *, const char *data, size_t size);
/* Forgets the newest strings, down to n of them; mark: of the table's arena when it had n. */
void wh_strtab_truncate(struct wh_strtab *, size_t n, struct wh_arena_mark mark);
static inline struct wh_bytes wh_strtab_get(const struct wh_strtab *table, uint32_t id)
{
	return (struct wh_bytes){ table->entries[id].data, table->entries[id].size };
}

#endif
