/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of one step, as counts: v_j = log(1 + x_j) / log(1 + largest of the training sessions), on principal components;
 * docs/decision/0010-session-fingerprint.md. Of a longer session it is the last step.
 */
#ifndef WHORL_METHOD_KABOOM_PROFILE_H
#define WHORL_METHOD_KABOOM_PROFILE_H

#include "method/kaboom/plane.h"
#include "method/kaboom/vocabulary.h"

struct wh_profile {
	double *most; /* a column each: log(1 + largest) */
	struct wh_plane plane;
};

/* Columns are those of the vocabulary. WH_E_NOMEM, WH_E_LIMIT, WH_E_FORMAT, WH_E_CANCELLED. */
int wh_profile_fit(struct wh_profile *, const struct wh_vocabulary *, const struct wh_bytes *sessions, size_t n, const struct wh_host *,
		   struct wh_err *) WH_NODISCARD;
void wh_profile_release(struct wh_profile *);
static inline size_t wh_profile_width(const struct wh_profile *p) { return p->plane.pca.r; }
int wh_profile_embed(const struct wh_profile *, const struct wh_vocabulary *, const struct wh_session *, struct wh_arena *scratch, float *z,
		     double *outside, struct wh_err *) WH_NODISCARD;

void wh_profile_save(const struct wh_profile *, const struct wh_vocabulary *, struct wh_str *);
/* in->failed where the bytes are none of save's. To be released even so. */
void wh_profile_load(struct wh_profile *, const struct wh_vocabulary *, struct wh_unpack *);

#endif
