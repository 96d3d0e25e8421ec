/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/internal.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "math/distance.h"

enum { ROWS = 64, COLUMNS = 512 };

/* The points ordered by group, about their common mean. */
struct grouped {
	size_t n, d, k;         /* k: groups that have points */
	double *x, *norm;       /* n x d, n: squared norms of its rows */
	double *weight, total;  /* n, and their sum */
	uint32_t *point, *end;  /* n: which point comes i-th; k: where a group ends */
	uint32_t *own;          /* n: the group of the i-th */
	double *group_weight;   /* k */
	double *block, *sums;   /* of each worker: ROWS x COLUMNS distances; ROWS x k sums over a group */
	double *silhouette;     /* n, by point */
	const float *distance;  /* condensed, by point; NULL: asked of x */
	uint32_t *place;        /* n: where a point comes */
};

static void grouped_release(struct grouped *grouped)
{
	free(grouped->x);
	free(grouped->norm);
	free(grouped->weight);
	free(grouped->point);
	free(grouped->end);
	free(grouped->own);
	free(grouped->group_weight);
	free(grouped->block);
	free(grouped->sums);
	free(grouped->silhouette);
	free(grouped->place);
}

/* Orders the points: counts them by group number first, then gives numbers to groups that have points. */
static int order_points(struct grouped *grouped, const uint32_t *group, const uint32_t *weight, struct wh_err *err)
{
	size_t n = grouped->n;
	uint32_t *start = calloc(n + 1, sizeof *start);
	grouped->point = malloc((n + 1) * sizeof *grouped->point);
	grouped->own = malloc((n + 1) * sizeof *grouped->own);
	grouped->end = malloc((n + 1) * sizeof *grouped->end);
	grouped->weight = malloc((n + 1) * sizeof *grouped->weight);
	grouped->group_weight = calloc(n + 1, sizeof *grouped->group_weight);
	if (!start || !grouped->point || !grouped->own || !grouped->end || !grouped->weight || !grouped->group_weight) {
		free(start);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < n; i++)
		start[group[i] + 1]++;
	for (size_t g = 0; g < n; g++)
		start[g + 1] += start[g];
	for (size_t i = 0; i < n; i++)
		grouped->point[start[group[i]]++] = (uint32_t)i;
	free(start);
	for (size_t i = 0; i < n; i++) {
		uint32_t point = grouped->point[i];
		if (!i || group[point] != group[grouped->point[i - 1]])
			grouped->k++;
		grouped->end[grouped->k - 1] = (uint32_t)i + 1;
		grouped->own[i] = (uint32_t)grouped->k - 1;
		grouped->weight[i] = weight ? weight[point] : 1;
		grouped->group_weight[grouped->k - 1] += grouped->weight[i];
		grouped->total += grouped->weight[i];
	}
	return WH_OK;
}

static int grouped_init(struct grouped *grouped, const float *x, const uint32_t *weight, const struct wh_host *host, struct wh_err *err)
{
	size_t n = grouped->n, d = grouped->d, workers = wh_host_threads(host);
	double *mean = malloc((d + 1) * sizeof *mean);
	grouped->x = malloc((n * d + 1) * sizeof *grouped->x);
	grouped->norm = malloc(n * sizeof *grouped->norm);
	grouped->block = malloc(workers * ROWS * COLUMNS * sizeof *grouped->block);
	grouped->sums = malloc(workers * ROWS * grouped->k * sizeof *grouped->sums);
	grouped->silhouette = malloc(n * sizeof *grouped->silhouette);
	grouped->place = malloc(n * sizeof *grouped->place);
	if (!mean || !grouped->x || !grouped->norm || !grouped->block || !grouped->sums || !grouped->silhouette || !grouped->place) {
		free(mean);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < n; i++)
		grouped->place[grouped->point[i]] = (uint32_t)i;
	wh_mean_row(x, n, d, weight, mean);
	wh_centre_rows(x, n, d, grouped->point, mean, grouped->x, grouped->norm);
	free(mean);
	return WH_OK;
}

/* From the sums of distances of the i-th point to the groups. */
static double silhouette_of(const struct grouped *grouped, size_t i, const double *sum)
{
	uint32_t own = grouped->own[i];
	double others = grouped->group_weight[own] - 1, nearest = INFINITY;
	if (others <= 0)
		return 0;
	for (size_t g = 0; g < grouped->k; g++)
		if (g != own && sum[g] / grouped->group_weight[g] < nearest)
			nearest = sum[g] / grouped->group_weight[g];
	double within = sum[own] / others, larger = fmax(within, nearest);
	return larger > 0 ? (nearest - within) / larger : 0;
}

static int silhouette_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct grouped *grouped = user;
	size_t n = grouped->n, d = grouped->d, k = grouped->k;
	double *block = grouped->block + worker * ROWS * COLUMNS, *sums = grouped->sums + worker * ROWS * k;
	memset(sums, 0, (last - first) * k * sizeof *sums);
	for (size_t from = 0; from < n; from += COLUMNS) {
		size_t width = n - from < COLUMNS ? n - from : COLUMNS;
		wh_distances2(grouped->x + first * d, grouped->norm + first, last - first, grouped->x + from * d, grouped->norm + from,
			      width, d, block);
		for (size_t i = 0; i < last - first; i++) {
			const double *row = block + i * width;
			for (size_t j = 0; j < width;) { /* one group after the other */
				uint32_t g = grouped->own[from + j];
				size_t end = grouped->end[g] - from < width ? grouped->end[g] - from : width;
				double sum = 0;
				for (; j < end; j++)
					sum += grouped->weight[from + j] * sqrt(row[j]);
				sums[i * k + g] += sum;
			}
		}
	}
	for (size_t i = first; i < last; i++)
		grouped->silhouette[grouped->point[i]] = silhouette_of(grouped, i, sums + (i - first) * k);
	return WH_OK;
}

/* The same for points first … last-1 from given distances. The matrix is condensed: of the points before, a row has one column. */
static int silhouette_given(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct grouped *grouped = user;
	size_t n = grouped->n, k = grouped->k;
	double *sums = grouped->sums + worker * ROWS * k;
	memset(sums, 0, (last - first) * k * sizeof *sums);
	for (size_t j = 0; j < last; j++) {
		uint32_t at = grouped->place[j], g = grouped->own[at];
		const float *column = grouped->distance + (n * j - j * (j + 1) / 2);
		for (size_t i = j + 1 > first ? j + 1 : first; i < last; i++)
			sums[(i - first) * k + g] += grouped->weight[at] * column[i - j - 1];
	}
	for (size_t i = first; i < last; i++) {
		const float *row = grouped->distance + (n * i - i * (i + 1) / 2);
		for (size_t j = i + 1; j < n; j++) {
			uint32_t at = grouped->place[j];
			sums[(i - first) * k + grouped->own[at]] += grouped->weight[at] * row[j - i - 1];
		}
		grouped->silhouette[i] = silhouette_of(grouped, grouped->place[i], sums + (i - first) * k);
	}
	return WH_OK;
}

static double mean_silhouette(const struct grouped *grouped)
{
	double sum = 0;
	for (size_t i = 0; i < grouped->n; i++)
		sum += grouped->weight[i] * grouped->silhouette[grouped->point[i]];
	return sum / grouped->total;
}

static double davies_bouldin(size_t k, size_t d, const double *centroid, const double *spread)
{
	const double nothing = 1e-8; /* scikit-learn's: the tolerance of numpy.allclose */
	bool all_tight = true, all_together = true;
	double sum = 0;
	for (size_t g = 0; g < k; g++) {
		double worst = 0;
		all_tight = all_tight && spread[g] <= nothing;
		for (size_t h = 0; h < k; h++) {
			double apart = g == h ? 0 : sqrt(wh_distance2_means(centroid + g * d, centroid + h * d, d));
			all_together = all_together && apart <= nothing;
			if (apart > 0)
				worst = fmax(worst, (spread[g] + spread[h]) / apart);
		}
		sum += worst;
	}
	return all_tight || all_together ? 0 : sum / (double)k;
}

/* Both indices that ask for centroids alone. */
static int by_centroids(const struct grouped *grouped, struct wh_internal *result, struct wh_err *err)
{
	size_t d = grouped->d, k = grouped->k;
	double *centroid = calloc(k * d + 1, sizeof *centroid), *spread = calloc(k, sizeof *spread);
	if (!centroid || !spread) {
		free(centroid);
		free(spread);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	double within = 0, between = 0;
	for (size_t i = 0; i < grouped->n; i++)
		for (size_t c = 0; c < d; c++)
			centroid[grouped->own[i] * d + c] += grouped->weight[i] * grouped->x[i * d + c];
	for (size_t g = 0; g < k; g++) {
		double norm2 = 0;
		for (size_t c = 0; c < d; c++) {
			centroid[g * d + c] /= grouped->group_weight[g];
			norm2 += centroid[g * d + c] * centroid[g * d + c];
		}
		between += grouped->group_weight[g] * norm2; /* the common mean is 0 */
	}
	for (size_t i = 0; i < grouped->n; i++) {
		uint32_t g = grouped->own[i];
		double distance2 = wh_distance2_means(grouped->x + i * d, centroid + g * d, d);
		within += grouped->weight[i] * distance2;
		spread[g] += grouped->weight[i] * sqrt(distance2);
	}
	for (size_t g = 0; g < k; g++)
		spread[g] /= grouped->group_weight[g];
	result->davies_bouldin = davies_bouldin(k, d, centroid, spread);
	result->calinski_harabasz = within > 0 ? between * (grouped->total - (double)k) / (within * ((double)k - 1)) : 1;
	free(centroid);
	free(spread);
	return WH_OK;
}

int wh_internal(const float *x, size_t n, size_t d, const float *distance, const uint32_t *group, const uint32_t *weight,
		const struct wh_host *host, double *silhouette, struct wh_internal *result, struct wh_err *err)
{
	*result = (struct wh_internal){ NAN, NAN, NAN };
	for (size_t i = 0; i < n; i++)
		if (group[i] >= n)
			return wh_err_set(err, WH_E_USAGE, "point %zu: group must be below %zu", i, n);
	struct grouped grouped = { .n = n, .d = d, .distance = distance };
	int code = order_points(&grouped, group, weight, err);
	bool defined = grouped.k >= 2 && (double)grouped.k < grouped.total;
	for (size_t i = 0; code == WH_OK && !defined && silhouette && i < n; i++)
		silhouette[i] = NAN;
	if (code == WH_OK && defined) {
		code = grouped_init(&grouped, x, weight, host, err);
		if (code == WH_OK)
			code = wh_parallel(host, NULL, n, ROWS, distance ? silhouette_given : silhouette_rows, &grouped, err);
		if (code == WH_OK)
			code = by_centroids(&grouped, result, err);
		if (code == WH_OK) {
			result->silhouette = mean_silhouette(&grouped);
			if (silhouette)
				memcpy(silhouette, grouped.silhouette, n * sizeof *silhouette);
		}
	}
	grouped_release(&grouped);
	return code;
}
