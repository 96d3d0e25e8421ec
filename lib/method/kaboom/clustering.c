/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/clustering.h"

#include <stdlib.h>
#include <string.h>

#include "learn/elbow.h"
#include "learn/gmm.h"
#include "learn/hclust.h"
#include "learn/hdbscan.h"
#include "learn/kmeans.h"
#include "math/distance.h"

enum { HALVINGS = 8, MOST_ROWS = 40000 }; /* of the stability; of an algorithm that compares all of them */

enum wh_clustering wh_clustering_parse(const char *name)
{
	return !strcmp(name, "gmm") ? WH_CLUSTERING_GMM : !strcmp(name, "ward") ? WH_CLUSTERING_WARD : !strcmp(name, "hdbscan") ? WH_CLUSTERING_HDBSCAN
																: WH_CLUSTERING_KMEANS;
}

void wh_clusters_release(struct wh_clusters *clusters)
{
	free(clusters->centroid);
	*clusters = (struct wh_clusters){ 0 };
}

/* ---- how many ---- */

/* The elbow of the rows, or of those that are held. */
static int find_k(const struct wh_clustering_rows *rows, const struct wh_host *host, uint32_t *label, size_t *k, struct wh_err *err)
{
	const struct wh_elbow_params params = { .seed = host ? host->seed : 0, .halvings = HALVINGS };
	size_t width = rows->width, n = 0;
	struct wh_elbow elbow = { 0 };
	float *z = malloc(rows->n * width * sizeof *z);
	uint32_t *weight = malloc(rows->n * sizeof *weight);
	for (size_t i = 0; z && weight && i < rows->n; i++) {
		if (rows->held && !rows->held[i])
			continue;
		memcpy(z + n * width, rows->z + i * width, width * sizeof *z);
		weight[n++] = rows->weight[i];
	}
	int code = z && weight ? wh_elbow(z, n, width, weight, &params, host, label, &elbow, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	*k = code == WH_OK ? elbow.k : 1;
	wh_elbow_release(&elbow);
	free(z);
	free(weight);
	return code;
}

/* ---- the algorithms: label[n] is filled, k is how many labels there may be ---- */

static int by_kmeans(const struct wh_clustering_rows *rows, size_t k, const struct wh_host *host, uint32_t *label, struct wh_err *err)
{
	const struct wh_kmeans_params params = { .k = k, .seed = host ? host->seed : 0 };
	struct wh_kmeans kmeans;
	int code = wh_kmeans(rows->z, rows->n, rows->width, rows->weight, &params, host, label, &kmeans, err);
	wh_kmeans_release(&kmeans);
	return code;
}

static int by_gmm(const struct wh_clustering_rows *rows, size_t k, const struct wh_host *host, uint32_t *label, struct wh_err *err)
{
	const struct wh_gmm_params params = { .k = k, .diagonal = true, .seed = host ? host->seed : 0 };
	struct wh_gmm gmm;
	int code = wh_gmm_fit(rows->z, rows->n, rows->width, rows->weight, &params, host, label, &gmm, err);
	wh_gmm_release(&gmm);
	return code;
}

static int too_many(size_t n, struct wh_err *err)
{
	return n > MOST_ROWS ? wh_err_set(err, WH_E_LIMIT, "%zu sessions are too many to compare all of them (at most %d): cluster by k-means", n, MOST_ROWS)
			     : WH_OK;
}

static int by_ward(const struct wh_clustering_rows *rows, size_t k, const struct wh_host *host, uint32_t *label, struct wh_err *err)
{
	WH_TRY(too_many(rows->n, err));
	float *distance = malloc((rows->n * (rows->n - 1) / 2 + 1) * sizeof *distance);
	struct wh_merge *merges = malloc(rows->n * sizeof *merges);
	int code = distance && merges ? wh_distances_condensed(rows->z, rows->n, rows->width, distance, host, err)
				      : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_hclust_dense(WH_LINKAGE_WARD, rows->n, distance, rows->weight, merges, err);
	if (code == WH_OK)
		wh_hclust_cut_k(rows->n, merges, k, label);
	free(distance);
	free(merges);
	return code;
}

/* Each observation is a row of its own here: density counts them. */
static int by_hdbscan(const struct wh_clustering_rows *rows, const struct wh_host *host, uint32_t *label, size_t *k, struct wh_err *err)
{
	const struct wh_hdbscan_params params = { 0 };
	size_t width = rows->width, n = 0, all = 0;
	for (size_t i = 0; i < rows->n && all <= MOST_ROWS; i++)
		all += rows->weight[i];
	WH_TRY(too_many(all, err));
	float *z = malloc(all * width * sizeof *z);
	uint32_t *of = malloc(all * sizeof *of);
	for (size_t i = 0; z && of && i < rows->n; i++)
		for (uint32_t copy = 0; copy < rows->weight[i]; copy++)
			memcpy(z + n++ * width, rows->z + i * width, width * sizeof *z);
	int code = z && of ? wh_hdbscan(z, all, width, &params, host, of, NULL, k, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	n = 0;
	for (size_t i = 0; code == WH_OK && i < rows->n; n += rows->weight[i++])
		label[i] = *k ? of[n] : 0; /* nothing splits: all are one */
	free(z);
	free(of);
	return code;
}

/* ---- from labels to clusters ---- */

/* Numbers those that have rows; WH_HDBSCAN_NOISE stays. */
static int number(size_t n, uint32_t *label, size_t most, size_t *k, struct wh_err *err)
{
	uint32_t *to = malloc((most + 1) * sizeof *to);
	if (!to)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	memset(to, 0xff, (most + 1) * sizeof *to);
	*k = 0;
	for (size_t i = 0; i < n; i++) {
		if (label[i] == WH_HDBSCAN_NOISE)
			continue;
		if (to[label[i]] == UINT32_MAX)
			to[label[i]] = (uint32_t)(*k)++;
		label[i] = to[label[i]];
	}
	free(to);
	return WH_OK;
}

static int take_means(const struct wh_clustering_rows *rows, const uint32_t *label, struct wh_clusters *clusters, struct wh_err *err)
{
	size_t k = clusters->k, width = rows->width;
	double *sum = calloc(k * width, sizeof *sum), *total = calloc(k, sizeof *total);
	free(clusters->centroid);
	clusters->centroid = malloc(k * width * sizeof *clusters->centroid);
	int code = sum && total && clusters->centroid ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; code == WH_OK && i < rows->n; i++) {
		if (label[i] == WH_HDBSCAN_NOISE)
			continue;
		total[label[i]] += rows->weight[i];
		for (size_t c = 0; c < width; c++)
			sum[label[i] * width + c] += (double)rows->weight[i] * rows->z[i * width + c];
	}
	for (size_t c = 0; code == WH_OK && c < k * width; c++)
		clusters->centroid[c] = (float)(sum[c] / total[c / width]);
	free(sum);
	free(total);
	return code;
}

/* Noise goes to the nearest cluster. */
static int place_noise(const struct wh_clustering_rows *rows, const struct wh_host *host, uint32_t *label, const struct wh_clusters *clusters,
		       struct wh_err *err)
{
	uint32_t *nearest = malloc(rows->n * sizeof *nearest);
	int code = nearest ? wh_kmeans_assign(rows->z, rows->n, rows->width, clusters->centroid, clusters->k, host, nearest, NULL, err)
			   : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; code == WH_OK && i < rows->n; i++)
		if (label[i] == WH_HDBSCAN_NOISE)
			label[i] = nearest[i];
	free(nearest);
	return code;
}

int wh_cluster(enum wh_clustering clustering, size_t k, const struct wh_clustering_rows *rows, const struct wh_host *host, uint32_t *label,
	       struct wh_clusters *clusters, struct wh_err *err)
{
	size_t most;
	*clusters = (struct wh_clusters){ 0 };
	if (!k && clustering != WH_CLUSTERING_HDBSCAN)
		WH_TRY(find_k(rows, host, label, &k, err));
	most = k = k < rows->n ? k : rows->n;
	if (clustering == WH_CLUSTERING_GMM)
		WH_TRY(by_gmm(rows, k, host, label, err));
	else if (clustering == WH_CLUSTERING_WARD)
		WH_TRY(by_ward(rows, k, host, label, err));
	else if (clustering == WH_CLUSTERING_HDBSCAN)
		WH_TRY(by_hdbscan(rows, host, label, &most, err));
	else
		WH_TRY(by_kmeans(rows, k, host, label, err));
	WH_TRY(number(rows->n, label, most, &clusters->k, err));
	WH_TRY(take_means(rows, label, clusters, err));
	if (clustering != WH_CLUSTERING_HDBSCAN)
		return WH_OK;
	WH_TRY(place_noise(rows, host, label, clusters, err));
	return take_means(rows, label, clusters, err);
}
