/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of levels (gauges): how their metrics run, whatever the units; docs/decision/0010-session-fingerprint.md. Readings of a metric
 * are taken about its median, in units of its quartiles' distance / 1.349, and beyond one unit by their logarithm. Two blocks of features, each on
 * principal components: random convolutions of the resampled course (minirocket.h; sessions of nine steps and more), and of each metric its
 * mean, deviation, change from the first half to the last, and roughness.
 */
#ifndef WHORL_METHOD_KABOOM_COURSE_H
#define WHORL_METHOD_KABOOM_COURSE_H

#include "method/kaboom/minirocket.h"
#include "method/kaboom/plane.h"
#include "method/kaboom/vocabulary.h"

struct wh_course {
	double *middle, *spread; /* a column each */
	size_t steps;            /* resampled to; below 9: no convolutions */
	struct wh_minirocket minirocket;
	float *unit;             /* a convolution's feature each: what it is divided by */
	struct wh_plane convolutions, summaries;
};

/* Columns are those of the vocabulary; median_steps: of the n > 0 sessions. WH_E_NOMEM, WH_E_LIMIT, WH_E_FORMAT, WH_E_CANCELLED. */
int wh_course_fit(struct wh_course *, const struct wh_vocabulary *, const struct wh_bytes *sessions, size_t n, double median_steps,
		  const struct wh_host *, struct wh_err *) WH_NODISCARD;
void wh_course_release(struct wh_course *);
size_t wh_course_width(const struct wh_course *);
int wh_course_embed(const struct wh_course *, const struct wh_vocabulary *, const struct wh_session *, struct wh_arena *scratch, float *z,
		    double *outside, struct wh_err *) WH_NODISCARD;

void wh_course_save(const struct wh_course *, const struct wh_vocabulary *, struct wh_str *);
/* Into an empty one. WH_E_FORMAT: not what save wrote; WH_E_NOMEM. To be released even so. */
int wh_course_load(struct wh_course *, const struct wh_vocabulary *, struct wh_unpack *, struct wh_err *) WH_NODISCARD;

#endif
