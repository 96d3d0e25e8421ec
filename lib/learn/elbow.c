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
	uint32_t *label, *best_label; /* n */
	struct wh_kmeans best;
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
	free(search->best_label);
	wh_kmeans_release(&search->best);
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
	search->best_label = malloc(n * sizeof *search->best_label);
	if (!search->shuffled || !search->indexed_label || !search->distance || !search->label || !search->best_label)
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
	return point->k <= null.n ? wh_elbow_gap(&null, point->k, search->host, &point->gap, &point->gap_error, err) : WH_OK;
}

/* Whether a is to be chosen rather than b. */
static bool better(const struct wh_elbow_point *a, const struct wh_elbow_point *b)
{
	if (isnan(a->index.silhouette) || isnan(b->index.silhouette))
		return isnan(b->index.silhouette) && !isnan(a->index.silhouette);
	if (fabs(a->index.silhouette - b->index.silhouette) > WH_ELBOW_TIE)
		return a->index.silhouette > b->index.silhouette;
	return a->index.davies_bouldin < b->index.davies_bouldin;
}

/* One point of the curve. *exhausted: the points do not make that many clusters, let alone more. */
static int try_k(struct search *search, struct wh_elbow *elbow, size_t k, const struct wh_elbow_point **best, bool *exhausted,
		 struct wh_err *err)
{
	struct wh_elbow_point *point = &elbow->points[elbow->n];
	struct wh_kmeans kmeans;
	*point = (struct wh_elbow_point){ .k = k, .index = { NAN, NAN, NAN }, .gap = NAN, .gap_error = NAN, .stability = NAN };
	WH_TRY(cluster(search, k, &kmeans, err));
	point->inertia = kmeans.inertia;
	*exhausted = kmeans.used < k;
	if (*exhausted) {
		wh_kmeans_release(&kmeans);
		return WH_OK;
	}
	elbow->n++;
	for (size_t i = 0; i < search->n_indexed; i++)
		search->indexed_label[i] = search->label[search->shuffled[i]];
	int code = wh_internal(search->indexed, search->n_indexed, search->d, search->distance, search->indexed_label,
			       search->indexed_weight, search->host, NULL, &point->index, err);
	if (code == WH_OK && k > 1)
		code = stability_of(search, k, &point->stability, err);
	if (code == WH_OK && search->params->every_gap)
		code = gap_of(search, point, err);
	if (code == WH_OK && (!*best || better(point, *best))) {
		*best = point;
		wh_kmeans_release(&search->best);
		search->best = kmeans;
		memcpy(search->best_label, search->label, search->n * sizeof *search->label);
	} else {
		wh_kmeans_release(&kmeans);
	}
	return code;
}

/* Among the k whose clusters come again: the least that comes near the largest silhouette. best where stability was not asked. */
static const struct wh_elbow_point *stable(const struct wh_elbow *elbow, const struct wh_elbow_point *best)
{
	double most = -INFINITY, silhouette = -INFINITY;
	for (size_t i = 0; i < elbow->n; i++)
		most = fmax(most, elbow->points[i].stability); /* NaN: not asked */
	if (isinf(most))
		return best;
	for (size_t i = 0; i < elbow->n; i++)
		if (elbow->points[i].stability >= most - WH_ELBOW_STABLE)
			silhouette = fmax(silhouette, elbow->points[i].index.silhouette);
	for (size_t i = 0; i < elbow->n; i++)
		if (elbow->points[i].stability >= most - WH_ELBOW_STABLE && elbow->points[i].index.silhouette >= silhouette - WH_ELBOW_NEAR)
			return &elbow->points[i];
	return best;
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

/* Whether the chosen number of clusters is no improvement on one Gaussian. */
static int is_one_cluster(const struct search *search, struct wh_elbow *elbow, struct wh_elbow_point *best, bool *one, struct wh_err *err)
{
	struct wh_elbow_point *single = &elbow->points[0];
	*one = best == single;
	if (*one)
		return WH_OK;
	if (isnan(single->gap))
		WH_TRY(gap_of(search, single, err));
	if (isnan(best->gap))
		WH_TRY(gap_of(search, best, err));
	*one = best->gap <= single->gap + 3 * best->gap_error;
	return WH_OK;
}

static int run(struct search *search, struct wh_elbow *elbow, size_t least, size_t most, uint32_t *label, struct wh_err *err)
{
	const struct wh_elbow_point *best = NULL;
	bool exhausted, one;
	WH_TRY(search_init(search, err));
	WH_TRY(try_k(search, elbow, 1, &best, &exhausted, err));
	for (size_t k = least; k <= most; k++) {
		wh_host_progress(search->host, "choosing k", k - least, most - least + 1);
		WH_TRY(try_k(search, elbow, k, &best, &exhausted, err));
		if (exhausted)
			break;
	}
	const struct wh_elbow_point *kept = best;
	best = stable(elbow, best);
	WH_TRY(is_one_cluster(search, elbow, &elbow->points[best - elbow->points], &one, err));
	other_rules(elbow);
	elbow->k = one ? 1 : best->k;
	if (elbow->k != kept->k) {
		wh_kmeans_release(&search->best);
		WH_TRY(cluster(search, elbow->k, &search->best, err));
		memcpy(search->best_label, search->label, search->n * sizeof *search->label);
	}
	elbow->kmeans = search->best;
	search->best = (struct wh_kmeans){ 0 };
	memcpy(label, search->best_label, search->n * sizeof *label);
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
