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

/* A key and what it is worth: how much of a similarity it can make, at most, to share this key. */
struct wh_key {
	uint64_t key;
	float weight;
};

/* The next item, under n keys. Never concurrently with anything else. */
int wh_candidates_add(struct wh_candidates *, const struct wh_key *keys, size_t n, struct wh_err *) WH_NODISCARD;

/* Takes back the newest item, which was added under these keys. */
void wh_candidates_drop(struct wh_candidates *, const struct wh_key *keys, size_t n);

struct wh_candidate {
	uint32_t item;
	float shared; /* sum over the keys that it shares of the lesser of both weights */
};

/* Every item below `below` that shares a key, each once: *found and *n_found, valid until the scratch is used again. *scratch is NULL
 * at first. */
int wh_candidates_query(const struct wh_candidates *, const struct wh_key *keys, size_t n, size_t below,
			struct wh_candidates_scratch **scratch, const struct wh_candidate **found, size_t *n_found,
			struct wh_err *) WH_NODISCARD;
void wh_candidates_scratch_free(struct wh_candidates_scratch *);

#endif
