/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HDBSCAN* (Campello, Moulavi, Sander 2013): clusters of any shape and density, and noise. Mutual reachability, its minimum spanning tree,
 * the tree of clusters that have at least so many points, and of that the clusters with the most excess of mass. Splits at one height are
 * one split, as the paper defines them, whatever the order in which a spanning tree lists equal edges.
 */
#ifndef WHORL_LEARN_HDBSCAN_H
#define WHORL_LEARN_HDBSCAN_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

#define WH_HDBSCAN_NOISE UINT32_MAX

struct wh_hdbscan_params {
	size_t least_size; /* points of a cluster; 0: 5, below 2: 2 */
	size_t least_near; /* a core distance reaches so many points, its own counted; 0: least_size */
};

/*
 * Clusters x[n x d], finite. label[n]: clusters numbered from 0 by their smallest point, or WH_HDBSCAN_NOISE; all points are noise where
 * nothing splits in two. strength[n], where not NULL: how long a point stays in its cluster beside the one that stays longest (1 / distance;
 * 0 … 1, noise 0). O(n^2 d) time, O(n d) memory. Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_LIMIT (n), WH_E_USAGE (not finite).
 */
int wh_hdbscan(const float *x, size_t n, size_t d, const struct wh_hdbscan_params *, const struct wh_host *, uint32_t *label,
	       double *strength, size_t *n_clusters, struct wh_err *) WH_NODISCARD;

#endif
