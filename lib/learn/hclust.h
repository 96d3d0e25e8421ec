/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agglomerative hierarchical clustering with reducible linkages: complete, average and single of any distances, Ward's of Euclidean ones.
 *
 * Two algorithms, one result (up to the order of exact ties):
 *  - dense: the whole dendrogram from a condensed distance matrix, by the nearest-neighbour chain (Murtagh 1983; Muellner 2011),
 *    O(n^2) time, no memory beyond the matrix, which it overwrites;
 *  - sparse: the partition cut at distance d, from the pairs with distance <= d only. Why that is exact: with a reducible linkage
 *    D(A u B, C) >= min(D(A, C), D(B, C)), so no merge can bring clusters nearer than they were; clusters in different connected
 *    components of the graph {pairs with distance <= d} never merge below d. Complete linkage needs all pairs of two clusters
 *    listed; single linkage any; average linkage is exact too, because missing pairs are computed on demand once a listed pair
 *    makes two clusters candidates (a mean <= d has a term <= d). Memory in proportion to points and edges.
 *
 * Ties: the cluster with the smallest point wins, so that the same input always gives the same result. Other orders of the points
 * may resolve ties otherwise; without ties they give the same clusters.
 */
#ifndef WHORL_LEARN_HCLUST_H
#define WHORL_LEARN_HCLUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

/* Ward's (1963): the distance of two clusters is sqrt(2 n_a n_b / (n_a + n_b)) times that of their means, so that the merge which adds least
 * to the squares within clusters comes first. Dense only. */
enum wh_linkage { WH_LINKAGE_COMPLETE, WH_LINKAGE_AVERAGE, WH_LINKAGE_SINGLE, WH_LINKAGE_WARD };

/* "complete|average|single", as in parameter tables of methods that compare. Returns false where name is none of them: Ward's linkage
 * means nothing to similarities that are no distances of vectors. */
bool wh_linkage_parse(const char *name, enum wh_linkage *);

/*
 * Similarities and heights are stored as floats, cuts are doubles, and 1 - 0.8f is not 0.2. A distance is within the cut d where
 * it is no more than WH_CUT_SLACK above it: more than what storing a value of [0, 1] as a float loses, less than means anything.
 * Every cut of this folder asks this function, and whoever lists edges should.
 */
#define WH_CUT_SLACK 1e-7
static inline bool wh_within_cut(double distance, double d) { return distance <= d + WH_CUT_SLACK; }

/* Row of a dendrogram, as scipy.cluster.hierarchy: clusters < n are points, n + i is what merge i made. Sorted by height. */
struct wh_merge {
	uint32_t a, b; /* a < b */
	double height; /* distance */
	uint32_t size; /* points below */
};

/* Index of pair i < j in a condensed matrix of n points. */
static inline size_t wh_condensed(size_t n, size_t i, size_t j)
{
	return n * i - i * (i + 1) / 2 + (j - i - 1);
}

/* The dendrogram of n < 2^31 points: merges[n - 1] is filled. distance: condensed, n(n-1)/2 floats, overwritten; infinite is
 * allowed, NaN is not. weight: how many times each point counts, at least 1 (average and Ward's linkage), NULL: once. Errors: WH_E_NOMEM. */
int wh_hclust_dense(enum wh_linkage, size_t n, float *distance, const uint32_t *weight, struct wh_merge *merges,
		    struct wh_err *) WH_NODISCARD;

/* Cuts a dendrogram: merges of a height within d happen. group[n]: numbered from 0 by their smallest point. Returns the number of
 * groups; merges as wh_hclust_dense left them. */
size_t wh_hclust_cut(size_t n, const struct wh_merge *merges, double d, uint32_t *group);

/* The same for k groups, 1 <= k <= n: all merges but the last k - 1 happen, whatever their heights. */
void wh_hclust_cut_k(size_t n, const struct wh_merge *merges, size_t k, uint32_t *group);

/* From the smallest point of each point's group to numbers from 0 in that order, in place. Returns how many. */
size_t wh_groups_number(size_t n, uint32_t *group);

/* A point that is near another, and the points below one that are near it: in any order, each once. */
struct wh_near {
	uint32_t point;
	float similarity;
};

struct wh_row {
	const struct wh_near *near; /* n, all < the row's own number */
	size_t n;
};

struct wh_hclust_sparse {
	enum wh_linkage linkage;
	size_t n;
	double d;               /* clusters merge while wh_within_cut(1 - similarity, d) */
	const uint32_t *weight; /* n, or NULL: how many times each point counts, at least 1 (average linkage) */
	const struct wh_row *rows; /* n: every pair with wh_within_cut(1 - similarity, d); more are allowed */
	/* Exact similarities of a point with n others; called by many workers at once (0 … threads of the host). Needed for average linkage. */
	int (*similarities)(void *user, unsigned worker, size_t i, const uint32_t *others, size_t n, double *similarity, struct wh_err *);
	void *user;
	/* people's word: pairs that are together whatever their similarity, pairs that never are. together wins a contradiction
	 * only where the caller let one through. */
	const uint32_t (*together)[2];
	size_t n_together;
	const uint32_t (*apart)[2];
	size_t n_apart;
};

/* group[n]: numbered from 0 by their smallest point. The same for any order in the rows and any number of threads. Errors: WH_E_NOMEM,
 * WH_E_CANCELLED, WH_E_USAGE (a point beyond n, average linkage without similarity, Ward's linkage). */
int wh_hclust_sparse(const struct wh_hclust_sparse *, const struct wh_host *, uint32_t *group, size_t *n_groups,
		     struct wh_err *) WH_NODISCARD;

#endif
