/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors WHAT N D K THREADS FILE: one computation of lib/learn on N x D floats, as they lie in FILE. WHAT: kmeans (from the first K points,
 * until no label changes), starts (k-means with 10 starts), internal (silhouette and its like of the labels i % K), pca (K components), ward,
 * hdbscan (clusters of at least K points). Prints CPU and wall seconds without reading, and a result to compare.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "learn/hclust.h"
#include "learn/hdbscan.h"
#include "learn/internal.h"
#include "learn/kmeans.h"
#include "learn/pca.h"
#include "math/distance.h"

struct job {
	const float *x;
	size_t n, d, k;
	const struct wh_host *host;
	uint32_t *label;
	double result;
};

static double seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int kmeans_of(struct job *job, const float *from, struct wh_err *err)
{
	const struct wh_kmeans_params params = { .k = job->k, .from = from, .tolerance = from ? -1 : 0 };
	struct wh_kmeans kmeans;
	WH_TRY(wh_kmeans(job->x, job->n, job->d, NULL, &params, job->host, job->label, &kmeans, err));
	job->result = kmeans.inertia;
	wh_kmeans_release(&kmeans);
	return WH_OK;
}

static int kmeans(struct job *job, struct wh_err *err) { return kmeans_of(job, job->x, err); }
static int starts(struct job *job, struct wh_err *err) { return kmeans_of(job, NULL, err); }

static int internal(struct job *job, struct wh_err *err)
{
	struct wh_internal result;
	for (size_t i = 0; i < job->n; i++)
		job->label[i] = (uint32_t)(i % job->k);
	WH_TRY(wh_internal(job->x, job->n, job->d, NULL, job->label, NULL, job->host, NULL, &result, err));
	job->result = result.silhouette;
	return WH_OK;
}

static int pca(struct job *job, struct wh_err *err)
{
	struct wh_pca result;
	int code = wh_pca_fit(job->x, job->n, job->d, NULL, 1, job->k, job->host, &result, err);
	for (size_t i = 0; code == WH_OK && i < result.r; i++)
		job->result += result.variance[i];
	wh_pca_release(&result);
	return code;
}

static int ward(struct job *job, struct wh_err *err)
{
	float *distance = malloc(job->n * (job->n - 1) / 2 * sizeof *distance);
	struct wh_merge *merges = malloc(job->n * sizeof *merges);
	int code = distance && merges ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_distances_condensed(job->x, job->n, job->d, distance, job->host, err);
	if (code == WH_OK)
		code = wh_hclust_dense(WH_LINKAGE_WARD, job->n, distance, NULL, merges, err);
	if (code == WH_OK)
		job->result = merges[job->n - 2].height;
	free(distance);
	free(merges);
	return code;
}

static int hdbscan(struct job *job, struct wh_err *err)
{
	const struct wh_hdbscan_params params = { .least_size = job->k };
	size_t n_clusters;
	WH_TRY(wh_hdbscan(job->x, job->n, job->d, &params, job->host, job->label, NULL, &n_clusters, err));
	job->result = (double)n_clusters;
	return WH_OK;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct job *, struct wh_err *);
	} jobs[] = {
		{ "kmeans", kmeans }, { "starts", starts }, { "internal", internal }, { "pca", pca }, { "ward", ward }, { "hdbscan", hdbscan },
	};
	if (argc != 7) {
		fprintf(stderr, "usage: vectors kmeans|starts|internal|pca|ward|hdbscan N D K THREADS FILE\n");
		return 2;
	}
	struct job job = { .n = strtoul(argv[2], NULL, 10), .d = strtoul(argv[3], NULL, 10), .k = strtoul(argv[4], NULL, 10) };
	const struct wh_host host = { .threads = (unsigned)strtoul(argv[5], NULL, 10) };
	float *x = malloc(job.n * job.d * sizeof *x + 1);
	FILE *file = fopen(argv[6], "rb");
	job.label = malloc((job.n + 1) * sizeof *job.label);
	if (!x || !job.label || !file || fread(x, sizeof *x, job.n * job.d, file) != job.n * job.d) {
		fprintf(stderr, "vectors: %s: cannot be read\n", argv[6]);
		return 1;
	}
	fclose(file);
	job.x = x;
	job.host = &host;
	int found = 0;
	for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
		if (strcmp(argv[1], jobs[i].name))
			continue;
		struct wh_err err;
		double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
		if (jobs[i].run(&job, &err) != WH_OK) {
			fprintf(stderr, "vectors: %s\n", err.message);
			return 1;
		}
		printf("%.6f %.6f %.9g\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, seconds(CLOCK_MONOTONIC) - wall, job.result);
		found = 1;
	}
	free(x);
	free(job.label);
	return !found;
}
