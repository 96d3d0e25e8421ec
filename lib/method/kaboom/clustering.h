/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters of embedded sessions by one of several algorithms. Whatever makes them, a cluster is kept as the mean of its rows, and what comes
 * later belongs to the nearest mean (KabOOM sec. 2.4): only k-means (the default) draws its borders there.
 */
#ifndef WHORL_METHOD_KABOOM_CLUSTERING_H
#define WHORL_METHOD_KABOOM_CLUSTERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

/*
 * gmm: a Gaussian mixture with diagonal covariances, started from k-means. ward: agglomerative clustering with Ward's linkage, O(n^2)
 * memory. hdbscan: HDBSCAN*, O(n^2) time; it finds how many there are, and its noise goes to the nearest cluster.
 */
enum wh_clustering { WH_CLUSTERING_KMEANS, WH_CLUSTERING_GMM, WH_CLUSTERING_WARD, WH_CLUSTERING_HDBSCAN };
#define WH_CLUSTERINGS "kmeans|gmm|ward|hdbscan"

/* One of WH_CLUSTERINGS; another name: k-means. */
enum wh_clustering wh_clustering_parse(const char *name);

/* Rows to be clustered. */
struct wh_clustering_rows {
	const float *z; /* n x width, finite; both more than 0 */
	size_t n, width;
	const uint32_t *weight; /* n: observations of each, at least 1 */
	const bool *held;       /* n: the rows on which k is found where it is not given; NULL: all */
};

struct wh_clusters {
	size_t k;
	float *centroid; /* k x width */
};

/* label[n]: clusters from 0, none of them empty. k: 0: found, by silhouette and stability (wh_elbow); a larger one than there are rows is that
 * many. Released also after an error. Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_LIMIT (too many rows for a matrix of distances). */
int wh_cluster(enum wh_clustering, size_t k, const struct wh_clustering_rows *, const struct wh_host *, uint32_t *label, struct wh_clusters *,
	       struct wh_err *) WH_NODISCARD;
void wh_clusters_release(struct wh_clusters *);

#endif
