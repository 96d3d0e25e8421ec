/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gaussian mixtures by expectation and maximisation (Dempster, Laird, Rubin 1977), started from k-means: as scikit-learn's from the same
 * start, to rounding. What k-means cannot tell: clusters of different spread and shape, and how probable an observation is.
 */
#ifndef WHORL_LEARN_GMM_H
#define WHORL_LEARN_GMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

struct wh_gmm_params {
	size_t k;
	bool diagonal;         /* covariances without correlations: k x d numbers, not k x d x d */
	unsigned starts;       /* of k-means; 0: 10 */
	unsigned iterations;   /* at most; 0: 100 */
	double tolerance;      /* ends when the mean log likelihood rises by less; 0: 1e-3 */
	double regularisation; /* what is added to variances; 0: 1e-6 */
	const uint32_t *label; /* n, below k: start from these clusters; NULL: from those of k-means */
	uint64_t seed;
};

struct wh_gmm {
	size_t k, d;
	bool diagonal, converged;
	unsigned iterations;
	double *share;      /* k */
	double *mean;       /* k x d */
	double *covariance; /* k x d x d, or k x d */
	double *whitening;  /* of each component, what takes x - mean to unit variance: the inverse of the covariance's Cholesky factor, lower;
			     * or one over the deviations */
	double *log_scale;  /* k: log of the density's factor */
	double log_likelihood, bic; /* of the training points; less BIC is better */
};

/* Fits x[n x d], finite, in which point i counts weight[i] times (NULL: once), n >= k > 0, d > 0. label[n]: the likeliest component.
 * O(n k d^2) an iteration, or O(n k d). Released also after an error. Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE (k, not finite, a label
 * beyond k, a covariance that is singular in spite of regularisation). */
int wh_gmm_fit(const float *x, size_t n, size_t d, const uint32_t *weight, const struct wh_gmm_params *, const struct wh_host *,
	       uint32_t *label, struct wh_gmm *, struct wh_err *) WH_NODISCARD;
void wh_gmm_release(struct wh_gmm *);

/* The likeliest component of each of n rows, and the log density of the mixture there (NULL: not asked). Errors: WH_E_NOMEM,
 * WH_E_CANCELLED. */
int wh_gmm_assign(const struct wh_gmm *, const float *x, size_t n, const struct wh_host *, uint32_t *label, double *log_density,
		  struct wh_err *) WH_NODISCARD;

#endif
