/* SPDX-License-Identifier: Apache-2.0 */
/* What vectors.py asks: a line of numbers after a word, a line of numbers back. Not a test of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/binomial.h"
#include "learn/conformal.h"
#include "learn/gmm.h"
#include "learn/hclust.h"
#include "learn/hdbscan.h"
#include "learn/internal.h"
#include "learn/kmeans.h"
#include "learn/pca.h"
#include "math/distance.h"

static unsigned long number(void)
{
	unsigned long value;
	if (scanf("%lu", &value) != 1)
		exit(1);
	return value;
}

static void *memory(size_t n, size_t size)
{
	void *data = calloc(n + 1, size);
	if (!data)
		exit(1);
	return data;
}

static float *floats(size_t n)
{
	float *x = memory(n, sizeof *x);
	for (size_t i = 0; i < n; i++)
		if (scanf("%f", &x[i]) != 1)
			exit(1);
	return x;
}

/* N numbers, after a 1; NULL after a 0 */
static uint32_t *numbers(size_t n, bool always)
{
	if (!always && !number())
		return NULL;
	uint32_t *x = memory(n, sizeof *x);
	for (size_t i = 0; i < n; i++)
		x[i] = (uint32_t)number();
	return x;
}

/* N D the points, the weights, K, the first centroids: inertia, iterations, labels */
static int kmeans(void)
{
	size_t n = number(), d = number();
	float *x = floats(n * d);
	uint32_t *weight = numbers(n, false), *label = memory(n, sizeof *label);
	struct wh_kmeans_params params = { .k = number() };
	float *from = floats(params.k * d);
	params.from = from;
	struct wh_kmeans result;
	struct wh_err err;
	if (wh_kmeans(x, n, d, weight, &params, NULL, label, &result, &err) != WH_OK)
		return 1;
	printf("%.17g %u ", result.inertia, result.iterations);
	for (size_t i = 0; i < n; i++)
		printf("%u ", label[i]);
	wh_kmeans_release(&result);
	free(x);
	free(weight);
	free(label);
	free(from);
	return 0;
}

/* N D the points, the weights, the groups: the three indices, the silhouettes */
static int internal(void)
{
	size_t n = number(), d = number();
	float *x = floats(n * d);
	uint32_t *weight = numbers(n, false), *group = numbers(n, true);
	double *silhouette = memory(n, sizeof *silhouette);
	struct wh_internal result;
	struct wh_err err;
	if (wh_internal(x, n, d, NULL, group, weight, NULL, silhouette, &result, &err) != WH_OK)
		return 1;
	printf("%.17g %.17g %.17g ", result.silhouette, result.davies_bouldin, result.calinski_harabasz);
	for (size_t i = 0; i < n; i++)
		printf("%.17g ", silhouette[i]);
	free(x);
	free(weight);
	free(group);
	free(silhouette);
	return 0;
}

static double real(void)
{
	double value;
	if (scanf("%lf", &value) != 1)
		exit(1);
	return value;
}

/* K N P CONFIDENCE: at least K, at most K, the interval */
static int binomial(void)
{
	size_t k = number(), n = number();
	double p = real(), confidence = real(), low, high;
	wh_binomial_interval(k, n, confidence, &low, &high);
	printf("%.17g %.17g %.17g %.17g", wh_binomial_at_least(k, n, p), wh_binomial_at_most(k, n, p), low, high);
	return 0;
}

/* POOLS, how many each holds, how many of each are in the window, E, FLAGGED: the p-value */
static int window(void)
{
	size_t n_pools = number(), n = 0;
	uint32_t *held = numbers(n_pools, true), *group;
	size_t *count = memory(n_pools, sizeof *count);
	double *share = memory(n_pools, sizeof *share), *score, p;
	for (size_t i = 0; i < n_pools; i++) {
		n += held[i];
		share[i] = held[i];
		count[i] = number();
	}
	double e = real();
	size_t flagged = number();
	score = memory(n, sizeof *score);
	group = memory(n, sizeof *group);
	for (size_t i = 0, pool = 0, left = held[0]; i < n; i++, left--) {
		if (!left)
			left = held[++pool];
		score[i] = (double)i;
		group[i] = (uint32_t)pool;
	}
	struct wh_conformal conformal;
	struct wh_err err;
	if (wh_conformal_fit(score, group, n, share, n_pools, 1, &conformal, &err) != WH_OK ||
	    wh_conformal_window(&conformal, count, e, flagged, &p, &err) != WH_OK)
		return 1;
	printf("%.17g", p);
	wh_conformal_release(&conformal);
	free(held);
	free(group);
	free(count);
	free(share);
	free(score);
	return 0;
}

/* N D the points, the weights, SHARE, MOST, M, that many further points: r, total, variances, components, what the further points are and
 * what they have outside */
static int pca(void)
{
	size_t n = number(), d = number();
	float *x = floats(n * d);
	uint32_t *weight = numbers(n, false);
	double share = real();
	size_t most = number(), m = number();
	float *further = floats(m * d), *y;
	double *outside = memory(m, sizeof *outside);
	struct wh_pca result;
	struct wh_err err;
	if (wh_pca_fit(x, n, d, weight, share, most, NULL, &result, &err) != WH_OK)
		return 1;
	y = memory(m * result.r, sizeof *y);
	if (wh_pca_project(&result, further, m, y, outside, NULL, &err) != WH_OK)
		return 1;
	printf("%zu %.17g ", result.r, result.total);
	for (size_t i = 0; i < result.r; i++)
		printf("%.17g ", result.variance[i]);
	for (size_t i = 0; i < result.r * d; i++)
		printf("%.9g ", result.component[i]);
	for (size_t i = 0; i < m * result.r; i++)
		printf("%.9g ", y[i]);
	for (size_t i = 0; i < m; i++)
		printf("%.17g ", outside[i]);
	wh_pca_release(&result);
	free(x);
	free(weight);
	free(further);
	free(y);
	free(outside);
	return 0;
}

/* LINKAGE (0 … 3), N D the points, the weights: the merges, then the groups for every k from 1 to n */
static int tree(void)
{
	enum wh_linkage linkage = (enum wh_linkage)number();
	size_t n = number(), d = number();
	float *x = floats(n * d), *distance = memory(n * (n - 1) / 2, sizeof *distance);
	uint32_t *weight = numbers(n, false), *group = memory(n, sizeof *group);
	struct wh_merge *merges = memory(n, sizeof *merges);
	struct wh_err err;
	if (wh_distances_condensed(x, n, d, distance, NULL, &err) != WH_OK ||
	    wh_hclust_dense(linkage, n, distance, weight, merges, &err) != WH_OK)
		return 1;
	for (size_t i = 0; i + 1 < n; i++)
		printf("%u %u %.9g %u ", merges[i].a, merges[i].b, merges[i].height, merges[i].size);
	for (size_t k = 1; k <= n; k++) {
		wh_hclust_cut_k(n, merges, k, group);
		for (size_t i = 0; i < n; i++)
			printf("%u ", group[i]);
	}
	free(x);
	free(weight);
	free(group);
	free(distance);
	free(merges);
	return 0;
}

/* N D the points, the weights, K, the first clusters, DIAGONAL: iterations, log likelihood, BIC, shares, means, covariances, labels, and the
 * log densities at the points */
static int gmm(void)
{
	size_t n = number(), d = number();
	float *x = floats(n * d);
	uint32_t *weight = numbers(n, false), *label = memory(n, sizeof *label);
	double *density = memory(n, sizeof *density);
	struct wh_gmm_params params = { .k = number() };
	uint32_t *from = numbers(n, true);
	params.label = from;
	params.diagonal = number();
	struct wh_gmm result;
	struct wh_err err;
	if (wh_gmm_fit(x, n, d, weight, &params, NULL, label, &result, &err) != WH_OK ||
	    wh_gmm_assign(&result, x, n, NULL, label, density, &err) != WH_OK)
		return 1;
	printf("%u %.17g %.17g ", result.iterations, result.log_likelihood, result.bic);
	for (size_t i = 0; i < params.k; i++)
		printf("%.17g ", result.share[i]);
	for (size_t i = 0; i < params.k * d; i++)
		printf("%.17g ", result.mean[i]);
	for (size_t i = 0; i < params.k * (params.diagonal ? d : d * d); i++)
		printf("%.17g ", result.covariance[i]);
	for (size_t i = 0; i < n; i++)
		printf("%u ", label[i]);
	for (size_t i = 0; i < n; i++)
		printf("%.17g ", density[i]);
	wh_gmm_release(&result);
	free(x);
	free(weight);
	free(label);
	free(density);
	free(from);
	return 0;
}

/* N D the points, the two parameters: the number of clusters, labels (-1: noise), strengths */
static int hdbscan(void)
{
	size_t n = number(), d = number(), n_clusters;
	float *x = floats(n * d);
	struct wh_hdbscan_params params = { .least_size = number() };
	params.least_near = number();
	uint32_t *label = memory(n, sizeof *label);
	double *strength = memory(n, sizeof *strength);
	struct wh_err err;
	if (wh_hdbscan(x, n, d, &params, NULL, label, strength, &n_clusters, &err) != WH_OK)
		return 1;
	printf("%zu ", n_clusters);
	for (size_t i = 0; i < n; i++)
		printf("%d ", (int)label[i]);
	for (size_t i = 0; i < n; i++)
		printf("%.17g ", strength[i]);
	free(x);
	free(label);
	free(strength);
	return 0;
}

int main(void)
{
	static const struct {
		const char *word;
		int (*run)(void);
	} questions[] = {
		{ "kmeans", kmeans }, { "internal", internal }, { "binomial", binomial }, { "window", window }, { "pca", pca }, { "tree", tree }, { "gmm", gmm }, { "hdbscan", hdbscan },
	};
	char word[16];
	while (scanf("%15s", word) == 1) {
		int failed = 1;
		for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
			if (!strcmp(word, questions[i].word))
				failed = questions[i].run();
		if (failed)
			return 1;
		putchar('\n');
	}
	return 0;
}
