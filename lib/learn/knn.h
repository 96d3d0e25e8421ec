/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The k nearest neighbours by Euclidean distance, all of them compared: blocks of products (BLAS), of which only what is near enough is
 * looked at again. For hundreds of thousands of points of some dozens of dimensions.
 */
#ifndef WHORL_LEARN_KNN_H
#define WHORL_LEARN_KNN_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

/*
 * x: n points, y: m queries, d floats each, row-major; y NULL: the points themselves (m is n), none its own neighbour. neighbour, distance:
 * m x k, the nearest first, ties by number; distances are squared, computed from the differences. Which of two points is the nearer is decided
 * by products of floats about the points' mean: those whose distances agree to within some 1e-6 of the points' square norms about it may change
 * places at the end of a row. The same for any number of threads.
 * Errors: WH_E_USAGE (k above what there is, a value that is not finite), WH_E_LIMIT (n, m), WH_E_NOMEM, WH_E_CANCELLED.
 */
int wh_knn(const float *x, size_t n, const float *y, size_t m, size_t d, size_t k, const struct wh_host *, uint32_t *neighbour, float *distance,
	   struct wh_err *) WH_NODISCARD;

#endif
