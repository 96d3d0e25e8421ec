/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internal indices: how compact and how separate groups of vectors are, without knowing the true classes. They compare groupings of the
 * same vectors, never embeddings with each other: a transformation can manufacture any value. All are equal to scikit-learn's.
 */
#ifndef WHORL_LEARN_INTERNAL_H
#define WHORL_LEARN_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

struct wh_internal {
	double silhouette;        /* Rousseeuw 1987, mean over points: -1 … 1 */
	double davies_bouldin;    /* 1979: at least 0, less is better */
	double calinski_harabasz; /* 1974: more is better */
};

/*
 * Of the grouping group[n] (any numbers below n) of x[n x d], finite, in which point i counts weight[i] times (NULL: once) as if it came
 * so often. silhouette[n], where not NULL: of each point, 0 for one that is alone in its group. With fewer than two groups, or as many
 * as there are points, all indices are NaN (there scikit-learn refuses). O(n^2 d) time, by matrix products in double, on the host's
 * threads; n x d doubles and a little. distance: what wh_distances_condensed makes of x, for whom asks about many groupings; O(n^2) then.
 * NULL: taken from x. Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE (a group beyond n).
 */
int wh_internal(const float *x, size_t n, size_t d, const float *distance, const uint32_t *group, const uint32_t *weight,
		const struct wh_host *, double *silhouette, struct wh_internal *, struct wh_err *) WH_NODISCARD;

#endif
