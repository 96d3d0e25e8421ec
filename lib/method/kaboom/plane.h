/* SPDX-License-Identifier: Apache-2.0 */
/* The principal components that hold 90 % of the variance of training rows, at most 50 of them; docs/decision/0010-session-fingerprint.md. */
#ifndef WHORL_METHOD_KABOOM_PLANE_H
#define WHORL_METHOD_KABOOM_PLANE_H

#include "learn/pack.h"
#include "learn/pca.h"

struct wh_plane {
	struct wh_pca pca;
	double energy; /* mean squared length of the training rows' coordinates */
};

/* Of n > 0 rows of d finite floats. WH_E_NOMEM, WH_E_CANCELLED. */
int wh_plane_fit(struct wh_plane *, const float *rows, size_t n, size_t d, const struct wh_host *, struct wh_err *) WH_NODISCARD;
void wh_plane_release(struct wh_plane *);
/* One row: pca.r coordinates, and the squared length of what it has beside. WH_E_NOMEM. */
int wh_plane_project(const struct wh_plane *, const float *row, float *z, double *outside, struct wh_err *) WH_NODISCARD;

void wh_plane_save(const struct wh_plane *, struct wh_str *);
/* Of rows of d floats; in->failed where the bytes are none of save's. To be released even so. */
void wh_plane_load(struct wh_plane *, size_t d, struct wh_unpack *);

#endif
