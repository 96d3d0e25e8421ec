/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/elbow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/thread.h"
#include "learn/elbow_null.h"
#include "learn/quality.h"
#include "math/distance.h"

enum { MOST_CLUSTERS = 30, MOST_INDEXED = 4096, MOST_REFERENCED = 1024, REFERENCES = 10, HALF_STARTS = 4 };

struct search {
	const float *x;
	size_t n, d;
	const uint32_t *weight;
	const struct wh_elbow_params *params;
	const struct wh_host *host;
	uint32_t *shuffled;     /* n: all points, the first of them are the samples */
	/* a sample for the indices */
	size_t n_indexed;
	float *indexed;         /* n_indexed x d; x itself where that is all */
	uint32_t *indexed_weight, *indexed_label;
	float *distance;        /* condensed */
	/* and one for the gap */
	size_t n_referenced;
	float *referenced;
	uint32_t *referenced_weight;
	uint32_t *label; /* n */
};

static void search_release(struct search *search)
{
	free(search->shuffled);
	if (search->indexed != search->x)
		free(search->indexed);
	free(search->indexed_weight);
	free(search->indexed_label);
	free(search->distance);
	if (search->referenced != search->x)
		free(search->referenced);
	free(search->referenced_weight);
	free(search->label);
}

/* Rows of the first n shuffled points. */
static int sample(const struct search *search, size_t n, float **rows, uint32_t **weight, struct wh_err *err)
{
	*rows = n == search->n ? (float *)search->x : malloc((n * search->d + 1) * sizeof **rows);
	*weight = malloc(n * sizeof **weight);
	if (!*rows || !*weight)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		uint32_t point = search->shuffled[i];
		if (*rows != search->x)
			memcpy(*rows + i * search->d, search->x + point * search->d, search->d * sizeof **rows);
		(*weight)[i] = search->weight ? search->weight[point] : 1;
	}
	return WH_OK;
}

static int search_init(struct search *search, struct wh_err *err)
{
	size_t n = search->n;
	search->n_indexed = n < MOST_INDEXED ? n : MOST_INDEXED;
	search->n_referenced = n < MOST_REFERENCED ? n : MOST_REFERENCED;
	search->shuffled = malloc(n * sizeof *search->shuffled);
	search->indexed_label = malloc(search->n_indexed * sizeof *search->indexed_label);
	search->distance = malloc((search->n_indexed * (search->n_indexed - 1) / 2 + 1) * sizeof *search->distance);
	search->label = malloc(n * sizeof *search->label);
	if (!search->shuffled || !search->indexed_label || !search->distance || !search->label)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		search->shuffled[i] = (uint32_t)i;
	if (search->n_referenced < n) {
		struct wh_rng rng;
		wh_rng_init(&rng, search->params->seed);
		wh_rng_shuffle(&rng, search->shuffled, n);
	}
	WH_TRY(sample(search, search->n_referenced, &search->referenced, &search->referenced_weight, err));
	if (search->n_indexed == n) /* not shuffled, then */
		for (size_t i = 0; i < n; i++)
			search->shuffled[i] = (uint32_t)i;
	WH_TRY(sample(search, search->n_indexed, &search->indexed, &search->indexed_weight, err));
	return wh_distances_condensed(search->indexed, search->n_indexed, search->d, search->distance, search->host, err);
}

static int cluster(const struct search *search, size_t k, struct wh_kmeans *kmeans, struct wh_err *err)
{
	const struct wh_kmeans_params params = { .k = k, .starts = search->params->starts, .seed = search->params->seed };
	return wh_kmeans(search->x, search->n, search->d, search->weight, &params, search->host, search->label, kmeans, err);
}

/* Mean ARI over halvings. Points only, not their weights: copies in both halves would agree whatever k is. */
static int stability_of(const struct search *search, size_t k, double *stability, struct wh_err *err)
{
	size_t n = search->n, d = search->d, half = n / 2, other = n - half;
	if (half < 2 * k || !search->params->halvings)
		return WH_OK;
	float *rows = malloc((n * d + 1) * sizeof *rows);
	uint32_t *order = malloc(n * sizeof *order), *weight = malloc(n * sizeof *weight);
	uint32_t *first = malloc(n * sizeof *first), *second = malloc(n * sizeof *second);
	int code = rows && order && weight && first && second ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	double sum = 0;
	for (unsigned round = 0; code == WH_OK && round < search->params->halvings; round++) {
		struct wh_rng rng;
		struct wh_kmeans one = { 0 }, two = { 0 };
		struct wh_quality quality;
		const struct wh_kmeans_params params = { .k = k, .starts = HALF_STARTS, .seed = search->params->seed + round };
		wh_rng_init(&rng, search->params->seed + round);
		for (size_t i = 0; i < n; i++)
			order[i] = (uint32_t)i;
		wh_rng_shuffle(&rng, order, n);
		for (size_t i = 0; i < n; i++) {
			memcpy(rows + i * d, search->x + order[i] * d, d * sizeof *rows);
			weight[i] = search->weight ? search->weight[order[i]] : 1;
		}
		code = wh_kmeans(rows, half, d, weight, &params, search->host, first, &one, err);
		if (code == WH_OK)
			code = wh_kmeans(rows + half * d, other, d, weight + half, &params, search->host, second, &two, err);
		if (code == WH_OK)
			code = wh_kmeans_assign(rows + half * d, other, d, one.centroid, k, search->host, first, NULL, err);
		if (code == WH_OK)
			code = wh_quality(other, first, second, &quality, err);
		if (code == WH_OK)
			sum += quality.ari;
		wh_kmeans_release(&one);
		wh_kmeans_release(&two);
	}
	*stability = sum / search->params->halvings;
	free(rows);
	free(order);
	free(weight);
	free(first);
	free(second);
	return code;
}

static int gap_of(const struct search *search, struct wh_elbow_point *point, struct wh_err *err)
{
	const struct wh_elbow_null null = {
		.x = search->referenced, .n = search->n_referenced, .d = search->d, .weight = search->referenced_weight,
		.references = search->params->references ? search->params->references : REFERENCES,
		.starts = search->params->starts, .seed = search->params->seed,
	};
	if (!isnan(point->gap) || point->k > null.n)
		return WH_OK;
	return wh_elbow_gap(&null, point->k, search->host, &point->gap, &point->gap_error, err);
}

/* One point of the curve. *exhausted: the points do not make that many clusters, let alone more. */
static int try_k(struct search *search, struct wh_elbow *elbow, size_t k, bool *exhausted, struct wh_err *err)
{
	struct wh_elbow_point *point = &elbow->points[elbow->n];
	struct wh_kmeans kmeans;
	*point = (struct wh_elbow_point){ .k = k, .index = { NAN, NAN, NAN }, .gap = NAN, .gap_error = NAN, .stability = NAN };
	WH_TRY(cluster(search, k, &kmeans, err));
	point->inertia = kmeans.inertia;
	*exhausted = kmeans.used < k;
	wh_kmeans_release(&kmeans);
	if (*exhausted)
		return WH_OK;
	elbow->n++;
	for (size_t i = 0; i < search->n_indexed; i++)
		search->indexed_label[i] = search->label[search->shuffled[i]];
	int code = wh_internal(search->indexed, search->n_indexed, search->d, search->distance, search->indexed_label,
			       search->indexed_weight, search->host, NULL, &point->index, err);
	if (code == WH_OK && k > 1)
		code = stability_of(search, k, &point->stability, err);
	if (code == WH_OK && search->params->every_gap)
		code = gap_of(search, point, err);
	return code;
}

/* What each index by itself would choose. */
static void other_rules(struct wh_elbow *elbow)
{
	const struct wh_elbow_point *silhouette = NULL, *db = NULL, *ch = NULL, *stability = NULL;
	for (size_t i = 0; i < elbow->n; i++) {
		const struct wh_elbow_point *point = &elbow->points[i], *next = point + 1;
		if (point->index.silhouette > (silhouette ? silhouette->index.silhouette : -INFINITY))
			silhouette = point;
		if (point->index.davies_bouldin < (db ? db->index.davies_bouldin : INFINITY))
			db = point;
		if (point->index.calinski_harabasz > (ch ? ch->index.calinski_harabasz : -INFINITY))
			ch = point;
		if (point->stability > (stability ? stability->stability : -INFINITY))
			stability = point;
		if (!elbow->by_gap && i + 1 < elbow->n && next->k == point->k + 1 && point->gap >= next->gap - next->gap_error)
			elbow->by_gap = point->k;
	}
	elbow->by_silhouette = silhouette ? silhouette->k : 0;
	elbow->by_davies_bouldin = db ? db->k : 0;
	elbow->by_calinski_harabasz = ch ? ch->k : 0;
	elbow->by_stability = stability ? stability->k : 0;
}

/* What the choice makes the most of; NaN: not known of this k. */
static double merit(const struct wh_elbow_point *point, bool stability)
{
	double silhouette = point->index.silhouette;
	if (!stability || silhouette <= 0)
		return silhouette;
	return isnan(point->stability) ? NAN : silhouette * fmax(point->stability, 0);
}

/* The best of the points that were not refused; the first, of one cluster, where all were. */
static struct wh_elbow_point *best_of(const struct wh_elbow *elbow, const bool *refused)
{
	struct wh_elbow_point *best = &elbow->points[0];
	bool stability = false;
	for (size_t i = 0; i < elbow->n; i++)
		stability |= !isnan(elbow->points[i].stability);
	for (size_t i = 1; i < elbow->n; i++) {
		struct wh_elbow_point *point = &elbow->points[i];
		double m = refused[i] ? NAN : merit(point, stability), most = merit(best, stability);
		bool tie = fabs(m - most) <= WH_ELBOW_TIE;
		if (!isnan(m) && (isnan(most) || (tie ? point->index.davies_bouldin < best->index.davies_bouldin : m > most)))
			best = point;
	}
	return best;
}

/* The best k that is an improvement on one cluster. */
static int choose(const struct search *search, struct wh_elbow *elbow, struct wh_err *err)
{
	struct wh_elbow_point *single = &elbow->points[0], *best;
	bool *refused = calloc(elbow->n, sizeof *refused);
	int code = refused ? gap_of(search, single, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	while (code == WH_OK && (best = best_of(elbow, refused)) != single) {
		code = gap_of(search, best, err);
		if (!(best->gap <= single->gap + 3 * best->gap_error))
			break;
		refused[best - single] = true;
	}
	elbow->k = code == WH_OK ? best->k : 1;
	free(refused);
	return code;
}

static int run(struct search *search, struct wh_elbow *elbow, size_t least, size_t most, uint32_t *label, struct wh_err *err)
{
	bool exhausted;
	WH_TRY(search_init(search, err));
	WH_TRY(try_k(search, elbow, 1, &exhausted, err));
	for (size_t k = least; k <= most; k++) {
		wh_host_progress(search->host, "choosing k", k - least, most - least + 1);
		WH_TRY(try_k(search, elbow, k, &exhausted, err));
		if (exhausted)
			break;
	}
	other_rules(elbow);
	WH_TRY(choose(search, elbow, err));
	WH_TRY(cluster(search, elbow->k, &elbow->kmeans, err));
	memcpy(label, search->label, search->n * sizeof *label);
	return WH_OK;
}

int wh_elbow(const float *x, size_t n, size_t d, const uint32_t *weight, const struct wh_elbow_params *params, const struct wh_host *host,
	     uint32_t *label, struct wh_elbow *elbow, struct wh_err *err)
{
	*elbow = (struct wh_elbow){ 0 };
	size_t least = params->least ? params->least : 2, most = params->most ? params->most : MOST_CLUSTERS;
	if (!n)
		return wh_err_set(err, WH_E_USAGE, "no points to make clusters of");
	if (least > most)
		return wh_err_set(err, WH_E_USAGE, "the least number of clusters, %zu, is above the most, %zu", least, most);
	if (least < 2)
		least = 2; /* one is always tried */
	uint64_t total = n;
	for (size_t i = 0; weight && i < n; i++)
		total += weight[i] - 1;
	if (most > (total > n ? n : n - 1)) /* the indices need fewer clusters than observations */
		most = total > n ? n : n - 1;
	elbow->points = malloc((most + 2) * sizeof *elbow->points);
	if (!elbow->points)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct search search = { .x = x, .n = n, .d = d, .weight = weight, .params = params, .host = host };
	int code = run(&search, elbow, least, most, label, err);
	search_release(&search);
	return code;
}

void wh_elbow_release(struct wh_elbow *elbow)
{
	free(elbow->points);
	wh_kmeans_release(&elbow->kmeans);
	*elbow = (struct wh_elbow){ 0 };
}
