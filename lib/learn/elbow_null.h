/* SPDX-License-Identifier: Apache-2.0 */
/* What k-means would make of data that are one cluster: of elbow.c. */
#ifndef WHORL_LEARN_ELBOW_NULL_H
#define WHORL_LEARN_ELBOW_NULL_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

struct wh_elbow_null {
	const float *x;         /* n x d */
	size_t n, d;
	const uint32_t *weight; /* n */
	unsigned references, starts;
	uint64_t seed;
};

/*
 * gap = mean over references of log W(reference) - log W(x), W the inertia of k clusters; error: the standard deviation of the former,
 * times sqrt(1 + 1 / references). A reference has n rows, with the same weights, from the normal distribution with the covariance of x:
 * random combinations of its rows, so that no covariance is ever written down. Where W(x) is 0, gap is infinite and error 0. Errors:
 * WH_E_NOMEM, WH_E_CANCELLED.
 */
int wh_elbow_gap(const struct wh_elbow_null *, size_t k, const struct wh_host *, double *gap, double *error, struct wh_err *) WH_NODISCARD;

#endif
