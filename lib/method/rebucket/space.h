/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks as numbers, and the part that all stack similarities share: interned frames, document frequencies, the index that finds
 * candidates. A similarity is a struct wh_stack_measure in a file of its own; wh_method rows point to it by `detail`.
 *
 * The index. A measure names for every stack some keys such that two stacks with similarity >= floor share one. Most measures get
 * them from wh_stack_head, by the prefix filter of similarity joins (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007):
 * order all frames by rarity, the same for every stack. Let the head of A be the shortest run of its rarest frames such that what is
 * left (the tail) cannot make a similarity of floor by itself, whatever the other stack is. If sim(A, B) >= floor, the rarest frame
 * they share is in the head of A: else all shared frames are in its tail, and the similarity is below floor. By the same
 * argument it is in the head of B. So the heads share a frame, and only heads are indexed and looked up. Each measure's file proves
 * its bound on the tail; tests/method compares the index with all pairs.
 *
 * What the heads of A and B share is known once the index was asked, before B is looked at. Of the other frames they share, each is
 * missing in one of the heads. Let A's head end no later in the order than B's: a shared frame that is in A's head is then in B's, too, so
 * the rest is in A's tail. Therefore what they share beyond their heads is at most the heavier of their tails (`tail`), and a measure's
 * `reach` turns that into an upper bound of the similarity.
 */
#ifndef WHORL_METHOD_REBUCKET_SPACE_H
#define WHORL_METHOD_REBUCKET_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/signal.h>

#include "base/arena.h"
#include "base/strtab.h"
#include "base/vec.h"
#include "learn/candidates.h"

enum {
	WH_STACK_LONGEST = 1024,               /* frames compared; what lies below is of no weight in any measure */
	WH_STACK_MOST = 2 * WH_STACK_LONGEST, /* tokens: frames, and pairs of neighbours */
};

/*
 * A stack. Tokens 0 … n_frames-1 are its frames, crash point first; for a measure with `pairs`, token n_frames + i is the pair of
 * frames i and i+1. A token's position is that of its (upper) frame.
 */
struct wh_stack_item {
	uint32_t n, n_frames;
	const uint32_t *token;    /* n */
	const uint16_t *by_token; /* n indices of tokens, by token, then index */
	const float *weight;      /* n; NULL where the measure weighs nothing */
	/* The same side by side, for comparisons that look nowhere else; only where there are weights. Ascending numbers; the k-th place of a
	 * token has a number of its own, so that places match where numbers are equal. */
	const uint32_t *match;
	const float *match_weight;
	const uint16_t *match_position;
	double norm;              /* the measure's: total weight, length of the vector, … */
	float tail;               /* weight beyond the head; 0 where the measure does not ask for it */
};

static inline uint32_t wh_stack_position(const struct wh_stack_item *item, uint32_t index)
{
	return index < item->n_frames ? index : index - item->n_frames;
}

/* A stack laid out to be compared with many: a place of another is looked up instead of searched for. */
struct wh_stack_probe {
	size_t generation, number; /* which stack is laid out: of the space as it was then */
	double norm;
	uint16_t *at; /* per number of `match`: 1 + the index in the stack's, 0: not there */
	size_t n_at;
	uint32_t n, match[WH_STACK_MOST]; /* what `at` has */
	float weight[WH_STACK_MOST + 1]; /* by that index; of 0 it is 0 */
	uint16_t position[WH_STACK_MOST + 1];
};

struct wh_stack_space;

struct wh_stack_measure {
	/* Reads parameters into space->parameter (in space->arena). NULL: none. */
	int (*open)(struct wh_stack_space *, const struct wh_values *, struct wh_err *);
	bool pairs; /* pairs of neighbouring frames are tokens, too */
	/* Weight of a token (NULL: 1); then norm over the weights. Both under frozen document frequencies. */
	double (*weight)(const struct wh_stack_space *, uint32_t token, size_t position, bool pair);
	double (*norm)(const struct wh_stack_space *, const struct wh_stack_item *);
	/* In [0, 1], symmetric; both items have at least one frame. */
	double (*similarity)(const struct wh_stack_space *, const struct wh_stack_item *, const struct wh_stack_item *);
	/* The same, to the last bit, for one that is compared with many. NULL: similarity does. */
	double (*probe)(const struct wh_stack_space *, const struct wh_stack_probe *, const struct wh_stack_item *);
	/* An upper bound of it in constant time, to pass over candidates: `shared` is what is shared in the heads (struct wh_candidate).
	 * NULL: none. */
	double (*reach)(const struct wh_stack_item *, const struct wh_stack_item *, double shared);
	/* The similarity that counts between different kinds of reports; wh_method.kinship. NULL: none. */
	double (*kinship)(const struct wh_stack_space *, const struct wh_stack_item *, const struct wh_stack_item *);
	/* At most item->n keys, distinct, into keys, with the summed weight of all places of the token; returns their number. */
	size_t (*keys)(const struct wh_stack_space *, const struct wh_stack_item *, double floor, struct wh_key *keys);
};

struct wh_stack_space {
	const struct wh_stack_measure *measure;
	void *parameter;
	double floor; /* 1 - d: what the index is made for */
	struct wh_arena arena;
	struct wh_strtab tokens;
	struct WH_VEC(struct wh_stack_item) items;
	struct WH_VEC(uint32_t) df; /* per token: frozen number of stacks that hold it; tokens met later have none: 0 */
	size_t generation;          /* counts changes: what was laid out before one is not to be trusted */
	uint32_t n_documents;       /* non-empty stacks counted in df */
	bool loaded, frozen;
	struct { /* as it was before the newest point, for drop */
		struct wh_arena_mark arena, strings;
		size_t n_tokens;
	} before;
	struct wh_candidates *index;
};

/* Share of the corpus that holds the frame, (0, 1]; a frame never seen counts as seen once. */
double wh_stack_frequency(const struct wh_stack_space *, uint32_t token);

/* Tokens of item, rarest first (ties by token, then index). */
void wh_stack_by_rarity(const struct wh_stack_space *, const struct wh_stack_item *, uint16_t *order);

/* Keys of the head of an item: `tail_is_low(space, item, floor, in_tail)` says whether the tokens marked in in_tail (n flags), if
 * they alone were shared, keep every similarity below floor. */
typedef bool wh_stack_tail_fn(const struct wh_stack_space *, const struct wh_stack_item *, double floor, const bool *in_tail);
size_t wh_stack_head(const struct wh_stack_space *, const struct wh_stack_item *, double floor, wh_stack_tail_fn *,
		     struct wh_key *keys);

/* What an item is found by in the index; 0 for an empty one. keys: room for WH_STACK_MOST. */
size_t wh_stack_keys(const struct wh_stack_space *, const struct wh_stack_item *, struct wh_key *keys);
/* The measure's similarity, kept in [0, 1]; 0 with an empty stack. */
double wh_stack_compare(const struct wh_stack_space *, const struct wh_stack_item *, const struct wh_stack_item *);

/* The functions of every stack method's wh_method row. */
int wh_stack_open(const struct wh_method *, const struct wh_values *, void **, struct wh_err *);
int wh_stack_load(void *, struct wh_bytes, struct wh_err *);
int wh_stack_add(void *, struct wh_bytes, struct wh_err *);
void wh_stack_drop(void *);
int wh_stack_freeze(void *, const struct wh_host *, struct wh_err *);
double wh_stack_similarity(const void *, size_t, size_t);
int wh_stack_similarities(const void *, size_t, const uint32_t *, size_t, void **, double *, struct wh_err *);
double wh_stack_kinship(const void *, size_t, size_t);
int wh_stack_neighbours(const void *, size_t, double floor, size_t below, void **, wh_neighbour_fn *, void *, struct wh_err *);
void wh_stack_scratch_free(void *);
int wh_stack_save(const void *, struct wh_str *, struct wh_err *);
int wh_stack_align(const void *, size_t, size_t, struct wh_emit *, struct wh_err *);
void wh_stack_close(void *);

#define WH_STACK_METHOD_OPS                                                                                        \
	.open = wh_stack_open, .load = wh_stack_load, .add = wh_stack_add, .drop = wh_stack_drop, .freeze = wh_stack_freeze,               \
	.similarity = wh_stack_similarity, .similarities = wh_stack_similarities, .neighbours = wh_stack_neighbours, \
	.scratch_free = wh_stack_scratch_free, \
	.save = wh_stack_save, .align = wh_stack_align, .close = wh_stack_close

/* Rows that every stack method's table ends with. */
#define WH_STACK_PARAM_D(initial_)                                                                                      \
	{ .name = "d", .type = WH_PARAM_REAL, .initial = initial_, .lo = 0, .hi = 1,                                      \
	  .help = "cut: buckets merge while their distance, 1 - similarity, is at most this", .source = "ReBucket IV" }
#define WH_STACK_PARAM_LINKAGE(initial_)                                                                                \
	{ .name = "linkage", .type = WH_PARAM_CHOICE, .initial = initial_, .choices = "complete|average|single",            \
	  .help = "distance of two buckets: their farthest, mean or nearest pair", .source = "ReBucket IV: complete" }

#endif
