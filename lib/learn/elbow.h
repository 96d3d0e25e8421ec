/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many clusters? K-means for every k of a range, what each index says of it, and a choice.
 *
 * The choice: the k with the largest mean silhouette, times its stability where that is asked (halvings): tight clusters have ever larger
 * silhouettes the smaller they are cut, but each time they are cut elsewhere. Of those that no one could tell apart by it (WH_ELBOW_TIE) the
 * one with the least Davies-Bouldin index.
 *
 * A k that is no improvement on a single Gaussian is refused, and where all are there is one cluster: the gap statistic (Tibshirani, Walther,
 * Hastie 2001) with normal references of the data's own covariance, gap(k) <= gap(1) + 3 s(k). Silhouette is not defined for one cluster and
 * finds some in any cloud; a cluster whose tails are much heavier than a Gaussian's may still be cut. Other rules are reported beside it, for
 * plots and for who knows better.
 */
#ifndef WHORL_LEARN_ELBOW_H
#define WHORL_LEARN_ELBOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

#include "learn/internal.h"
#include "learn/kmeans.h"

#define WH_ELBOW_TIE 1e-3

struct wh_elbow_params {
	size_t least, most;  /* range of k; 0: 2, and 30 or what the points allow */
	unsigned starts;     /* of each k-means; 0: 10 */
	unsigned references; /* of the gap statistic; 0: 10 */
	unsigned halvings;   /* of the stability; 0: not asked, and no part of the choice */
	bool every_gap;      /* the gap for every k, not only for what the choice needs */
	uint64_t seed;
};

struct wh_elbow_point {
	size_t k;
	double inertia;
	struct wh_internal index; /* of at most 4096 points; NaN for k = 1 */
	double gap, gap_error;    /* log W(reference) - log W, and its standard error s; of at most 1024 points; NaN: not asked */
	double stability;         /* the points are halved: ARI of clustering one half, and giving it to the clusters of the other; the mean
				   * over halvings (Lange et al. 2004); NaN: not asked, or not enough points */
};

struct wh_elbow {
	struct wh_elbow_point *points; /* n: k = 1, then the range */
	size_t n;
	size_t k;                      /* the choice */
	/* What other rules would choose: the extreme index, the least k with gap(k) >= gap(k + 1) - s(k + 1), the greatest stability. 0: not
	 * asked, or none does. */
	size_t by_silhouette, by_davies_bouldin, by_calinski_harabasz, by_gap, by_stability;
	struct wh_kmeans kmeans;       /* of the choice */
};

/*
 * Of x[n x d], finite, n > 0, with weights as wh_kmeans. label[n]: clusters of the choice. Fewer clusters are tried than there are
 * observations, and no more than there are different points. Progress under "choosing k". Released also after an
 * error. Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE (no points, not finite, least above most).
 */
int wh_elbow(const float *x, size_t n, size_t d, const uint32_t *weight, const struct wh_elbow_params *, const struct wh_host *,
	     uint32_t *label, struct wh_elbow *, struct wh_err *) WH_NODISCARD;
void wh_elbow_release(struct wh_elbow *);

#endif
