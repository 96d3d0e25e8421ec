/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of points: centroids of clusters, the nearest one for any point, and how unusual its distance is (KabOOM sec. 2.4, 2.5).
 *
 * The paper flags what lies over "a pre-determined threshold" and gives none. Here points that were held back tell: the p-value is the
 * share of them (the asked point counted in) that lie at least as far from their centroid taken without them, so that of what belongs to no new kind
 * a share of `alarm` is flagged, whatever the distances are like (split conformal prediction: Vovk, Gammerman, Shafer 2005), and that in each
 * group that is large enough to be asked by itself.
 */
#ifndef WHORL_METHOD_KABOOM_CATEGORIES_H
#define WHORL_METHOD_KABOOM_CATEGORIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/signal.h>

#include "learn/conformal.h"
#include "learn/pack.h"
#include "method/kaboom/clustering.h"

struct wh_session_point;

struct wh_categories_params {
	enum wh_clustering clustering;
	size_t k; /* 0: found */
	double alarm;
	bool trained; /* points that are not held were moved towards clusters: k is found on those that are held (KabOOM 2.4) */
};

struct wh_categories {
	size_t width, n_groups;    /* 0 groups: nothing learned yet */
	float *centroid;           /* n_groups x width; of the empty group: 0 */
	uint32_t empty;            /* the group of empty sessions; UINT32_MAX: there were none */
	struct wh_conformal far;   /* distances of held observations to their centroid without them; no pools: none were */
};

/* Points to be grouped. */
struct wh_categories_points {
	size_t n, width;
	const float *z; /* n x width */
	const struct wh_session_point *point;
	const uint32_t *weight; /* n: observations a point stands for */
};

void wh_categories_release(struct wh_categories *);
/* Learns centroids from all points, distances from those that are held; of[n] gets groups, numbered in the order of their
 * first points. What was learned before is replaced. WH_E_NOMEM, WH_E_CANCELLED. */
int wh_categories_learn(struct wh_categories *, const struct wh_categories_points *, const struct wh_categories_params *, const struct wh_host *,
		     uint32_t *of, struct wh_err *) WH_NODISCARD;
/* Where a point belongs; there are groups. Its p-value is smoothed by its hash: exact, where many pools of a few dozen would flag a third less
 * than `alarm`, and the same each time. */
struct wh_location wh_categories_locate(const struct wh_categories *, const struct wh_categories_params *, const float *z,
					const struct wh_session_point *);

void wh_categories_save(const struct wh_categories *, struct wh_str *);
int wh_categories_load(struct wh_categories *, size_t width, struct wh_unpack *, struct wh_err *) WH_NODISCARD;

#endif
