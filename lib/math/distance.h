/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Squared Euclidean distances. The first three are sums of squared differences in double, one pair at a time: what decides where it is
 * close. wh_distances2 is for many pairs at once: |a|^2 + |b|^2 - 2ab by one matrix product, done over by differences where subtracting
 * would cancel, so that a relative 1e-9 holds for near pairs, too.
 */
#ifndef WHORL_MATH_DISTANCE_H
#define WHORL_MATH_DISTANCE_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

double wh_norm2(const float *a, size_t d);
double wh_distance2(const float *a, const float *b, size_t d);
/* Between a point and a mean. */
double wh_distance2_mean(const float *a, const double *mean, size_t d);
double wh_distance2_means(const double *a, const double *b, size_t d);

/* The mean of n > 0 rows of x[n x d], of which row i counts weight[i] times (NULL: once). */
void wh_mean_row(const float *x, size_t n, size_t d, const uint32_t *weight, double *mean);

/* out[n_a x n_b] from a[n_a x d] and b[n_b x d], row-major, with the squared norms of their rows. Values are at least 0. For accuracy the
 * rows should be centred about their common mean. */
void wh_distances2(const double *a, const double *norm_a, size_t n_a, const double *b, const double *norm_b, size_t n_b, size_t d,
		   double *out);

/* Distances (not squared) of all pairs of x[n x d], condensed: n(n-1)/2 floats as wh_hclust_dense takes them. Errors: WH_E_NOMEM,
 * WH_E_CANCELLED. */
int wh_distances_condensed(const float *x, size_t n, size_t d, float *distance, const struct wh_host *, struct wh_err *) WH_NODISCARD;

/* x[n x d] less its mean, in double, and the squared norms of the result's rows. order[n]: which row of x comes i-th; NULL: as they are. */
void wh_centre_rows(const float *x, size_t n, size_t d, const uint32_t *order, const double *mean, double *centred, double *norm);

#endif
