/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principal components: directions of largest variance, from whichever is smaller, the d x d covariance or the n x n dot products of the
 * rows about their mean. (rowspace.h has the same without a mean, for networks.)
 */
#ifndef WHORL_LEARN_PCA_H
#define WHORL_LEARN_PCA_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

struct wh_pca {
	size_t d, r;
	float *mean;      /* d */
	float *component; /* r x d, orthonormal rows by falling variance; of each the element of largest magnitude is positive */
	double *variance; /* r: along each, with n - 1 in the denominator as in scikit-learn */
	double total;     /* of all directions */
};

/*
 * Of x[n x d], finite, n > 0, in which row i counts weight[i] times (NULL: once). r is the least number of components with `share` (0 … 1) of
 * the variance, but at most `most` (0: no limit). Directions below 1e-6 of the largest variance are rounding and never among them; r is 0
 * where all rows are equal. Released also after an error. Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE (no rows, not finite).
 */
int wh_pca_fit(const float *x, size_t n, size_t d, const uint32_t *weight, double share, size_t most, const struct wh_host *,
	       struct wh_pca *, struct wh_err *) WH_NODISCARD;
void wh_pca_release(struct wh_pca *);

/* y[n x r]: coordinates of any rows. outside[n], where not NULL: squared length of what they have beside, at least 0. Errors: WH_E_NOMEM,
 * WH_E_CANCELLED. */
int wh_pca_project(const struct wh_pca *, const float *x, size_t n, float *y, double *outside, const struct wh_host *,
		   struct wh_err *) WH_NODISCARD;

#endif
