/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repulsion between the points of a map under Student's distribution of one degree of freedom, w = 1 / (1 + d^2):
 *
 *   force[i] = sum over j of w(i, j)^2 (y_i - y_j),   sum of weights = sum over i != j of w(i, j)
 *
 * On a grid: every point is spread over the 6 x 6 nodes about it by quintic B-splines, the grid is convolved with w, and the potential and its
 * slope are read off where the points are; w^2 (y_i - y_j) is minus half the slope of w. That is the particle-mesh method of molecular
 * dynamics (Essmann et al. 1995) in place of the polynomials of Linderman et al. (2019): one convolution gives forces and weights alike.
 */
#ifndef WHORL_LEARN_TSNE_REPULSION_H
#define WHORL_LEARN_TSNE_REPULSION_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>
#include <whorl/host.h>

#include "math/convolution.h"

struct wh_repulsion {
	size_t n;
	bool exact;
	float *across, *down; /* exact: the coordinates apart, filled with what is too far away to count */
	double *weights;      /* of every piece */
	/* grid */
	struct wh_convolution convolution;
	double step;          /* between nodes, at present */
	float *grids;         /* n_shards grids of convolution.n squared */
	size_t n_shards;
};

int wh_repulsion_init(struct wh_repulsion *, size_t n, bool exact, struct wh_err *) WH_NODISCARD;
void wh_repulsion_release(struct wh_repulsion *);

/* y, force: n x 2; low, high: the corners of the map. Errors: WH_E_NOMEM, WH_E_CANCELLED. */
int wh_repulsion(struct wh_repulsion *, const float *y, const float low[2], const float high[2], const struct wh_host *, float *force,
		 double *weights, struct wh_err *) WH_NODISCARD;

#endif
