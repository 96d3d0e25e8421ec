/* SPDX-License-Identifier: Apache-2.0 */
/*
 * K-means (Lloyd 1982) on vectors: greedy k-means++ starts (Arthur and Vassilvitskii 2007), the best of several, and Hamerly's bounds
 * (2010), which leave alone the points that cannot have changed their cluster.
 *
 * Distances come from float matrix products; where the two nearest centroids are nearer to each other than rounding can tell, they are
 * taken again as sums of differences in double. So labels do not depend on the kernels of the BLAS, and not on the number of threads.
 */
#ifndef WHORL_LEARN_KMEANS_H
#define WHORL_LEARN_KMEANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

struct wh_kmeans_params {
	size_t k;
	unsigned starts;     /* 0: 10 */
	unsigned iterations; /* at most, of each start; 0: 300 */
	double tolerance;    /* a start ends when its centroids move by less, squared and summed, in units of the data's mean variance; 0:
			      * 1e-4. It ends in any case when no point changes its cluster. Below 0: only then. */
	const float *from;   /* k x d: the one start there is; NULL: k-means++ */
	uint64_t seed;
};

struct wh_kmeans {
	size_t k, d;
	float *centroid; /* k x d */
	double inertia;  /* squared distances to the nearest centroid, each times its point's weight, summed */
	unsigned iterations; /* of the start that won */
	size_t used;     /* clusters that have points: fewer than k where there are fewer different points */
};

/*
 * Clusters x[n x d], row-major, finite, with 1 <= k <= n. weight[n]: how many times each point counts, at least 1; NULL: once. label[n] is
 * filled. With `from` clusters keep its order; otherwise they are numbered by their smallest point, those without any last. A cluster that
 * lost all its points gets the point farthest from its own centroid, as in scikit-learn (of equally far ones the first). The result's
 * centroids are the caller's, by wh_kmeans_release, which also takes a result that failed. Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE
 * (k, a value that is not finite).
 */
int wh_kmeans(const float *x, size_t n, size_t d, const uint32_t *weight, const struct wh_kmeans_params *, const struct wh_host *,
	      uint32_t *label, struct wh_kmeans *, struct wh_err *) WH_NODISCARD;
void wh_kmeans_release(struct wh_kmeans *);

/* The nearest of k > 0 centroids for each row of x, the first of equals, and its distance (not squared); distance NULL: not asked.
 * Errors: WH_E_NOMEM, WH_E_CANCELLED. */
int wh_kmeans_assign(const float *x, size_t n, size_t d, const float *centroid, size_t k, const struct wh_host *, uint32_t *label,
		     double *distance, struct wh_err *) WH_NODISCARD;

/* k different rows of x by greedy k-means++: in each step the best of 2 + ln k candidates, drawn by squared distance and weight.
 * Where fewer rows differ, some come twice. row[k]: their numbers. Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE (k is 0 or above n). */
int wh_kmeans_plus_plus(const float *x, size_t n, size_t d, const uint32_t *weight, size_t k, uint64_t seed, const struct wh_host *,
			uint32_t *row, struct wh_err *) WH_NODISCARD;

#endif
