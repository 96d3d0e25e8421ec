/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The space that the rows of a matrix span, and coordinates in it. n rows X of length d, with X X' = U S^2 U': c_i = S u_i in r <= n
 * dimensions has all their dot products, and V = X' U S^-1 is an orthonormal basis: x_i = V c_i. Rows are not centred, so that no mean
 * is needed afterwards.
 *
 * Of new rows: c = V' x = S^-1 U' (X x): n dot products with the training rows, which are kept column by column; there is no d x r matrix.
 * What of x lies outside the space has the square length ||x||^2 - ||c||^2.
 *
 * Three forms: with d > n this one; with d <= n and all of the variance asked for the rows themselves (r = d, c = x); with d <= n and less, V
 * from X' X. Directions below 1e-6 of the largest eigenvalue are dropped as rounding.
 */
#ifndef WHORL_LEARN_ROWSPACE_H
#define WHORL_LEARN_ROWSPACE_H

#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

#include "learn/pack.h"
#include "math/matrix.h"

struct wh_rowspace {
	size_t n, d, r;
	double kept;        /* share of the rows' square length in r dimensions */
	float *basis;       /* r x n: S^-1 U'; r x d: V'; NULL: the rows themselves */
	double *eigenvalue; /* r, descending: S^2; NULL: the rows themselves */
	/* training rows by column, where basis is r x n: column j has value[i] in row[i] for start[j] <= i < start[j + 1] */
	size_t *start;
	uint32_t *row;
	float *value;
};

/* variance: in (0, 1], the least share of the rows' square length that is kept. coordinates: n x r, malloc'ed, the caller's.
 * Errors: WH_E_NOMEM, WH_E_LIMIT, WH_E_CANCELLED, WH_E_USAGE: no rows, no columns, a value that is not finite. */
int wh_rowspace_fit(const struct wh_matrix *, double variance, const struct wh_host *, struct wh_rowspace *, float **coordinates,
		    struct wh_err *) WH_NODISCARD;
void wh_rowspace_release(struct wh_rowspace *);

/* Of any rows of d columns: c[n x r], outside[n] (NULL: not wanted), at least 0. On the host's threads. Errors: WH_E_NOMEM, WH_E_CANCELLED,
 * WH_E_USAGE: another d. */
int wh_rowspace_project(const struct wh_rowspace *, const struct wh_matrix *, float *c, double *outside, const struct wh_host *,
			struct wh_err *) WH_NODISCARD;

/* Coordinates of the training rows again, the same bits as fit gave, where the rows were kept or eigenvectors give them:
 * form r x n only. */
void wh_rowspace_training(const struct wh_rowspace *, float *c);

void wh_rowspace_pack(const struct wh_rowspace *, struct wh_str *);
/* in->failed where the bytes are none of pack's; the rowspace is to be released even so. */
void wh_rowspace_unpack(struct wh_unpack *in, struct wh_rowspace *);

#endif
