/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An inverted index: items under keys, and all items that share a key with a query. Whoever chooses the keys owes the proof that
 * similar items share one. Items are numbered 0, 1, 2 … in the order of add.
 */
#ifndef WHORL_LEARN_CANDIDATES_H
#define WHORL_LEARN_CANDIDATES_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>

struct wh_candidates;
struct wh_candidates_scratch; /* one per thread */

struct wh_candidates *wh_candidates_new(void); /* NULL: out of memory */
void wh_candidates_free(struct wh_candidates *);

/* The next item, under n keys. Never concurrently with anything else. */
int wh_candidates_add(struct wh_candidates *, const uint64_t *keys, size_t n, struct wh_err *) WH_NODISCARD;

/* Takes back the newest item, which was added under these keys. */
void wh_candidates_drop(struct wh_candidates *, const uint64_t *keys, size_t n);

/* Every item below `below` that shares a key, each once, ascending within a key: *items and *n, valid until the scratch is used
 * again. *scratch is NULL at first. */
int wh_candidates_query(const struct wh_candidates *, const uint64_t *keys, size_t n, size_t below,
			struct wh_candidates_scratch **scratch, const uint32_t **items, size_t *n_items, struct wh_err *) WH_NODISCARD;
void wh_candidates_scratch_free(struct wh_candidates_scratch *);

#endif
