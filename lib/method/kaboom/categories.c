/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/categories.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "learn/kmeans.h"
#include "math/distance.h"
#include "method/kaboom/space.h"

enum { FEWEST_HELD = 20 }; /* that k is found on */

void wh_categories_release(struct wh_categories *categories)
{
	free(categories->centroid);
	wh_conformal_release(&categories->far);
	*categories = (struct wh_categories){ 0 };
}

/* ---- where a point belongs ---- */

/* Uniform in (0, 1], by what the point is. */
static double draw(const struct wh_session_point *point)
{
	return (double)((wh_hash_u64(point->hash ^ 0x636f6e666f726d61) >> 11) + 1) / 9007199254740992.0;
}

/* Whether so many tell of a group that one that is stranger than all of them is less likely than `alarm`. */
static bool can_tell(const struct wh_conformal *far, uint32_t group, double alarm)
{
	size_t pool = far->pool[group], size = far->end[pool] - (pool ? far->end[pool - 1] : 0);
	return alarm * ((double)size + 1) >= 1 - 1e-9;
}

struct wh_location wh_categories_locate(const struct wh_categories *categories, const struct wh_categories_params *params, const float *z,
					const struct wh_session_point *point)
{
	struct wh_location at = { .group = 0, .distance = 0, .p_value = categories->far.n_pools ? 1 : NAN };
	if (point->empty && categories->empty != UINT32_MAX) {
		at.group = categories->empty;
		return at;
	}
	double nearest = INFINITY;
	for (size_t g = 0; g < categories->n_groups; g++) {
		double square = g == categories->empty && categories->n_groups > 1 ? INFINITY : wh_distance2(z, categories->centroid + g * categories->width, categories->width);
		if (square < nearest) {
			nearest = square;
			at.group = (uint32_t)g;
		}
	}
	at.distance = sqrt(nearest + point->outside);
	if (categories->far.n_pools) {
		at.p_value = wh_conformal_smoothed(&categories->far, at.group, at.distance, draw(point));
		at.is_new = at.p_value < params->alarm && can_tell(&categories->far, at.group, params->alarm);
	}
	return at;
}

/* ---- learning ---- */

/* The points that teach: their rows side by side. */
struct lesson {
	const struct wh_categories_points *points;
	size_t n;
	uint32_t *point; /* n: which they are */
	float *z;        /* n x width */
	uint32_t *weight, *label;
	bool *held;
	struct wh_clusters clusters;
};

static void release_lesson(struct lesson *l)
{
	free(l->point);
	free(l->z);
	free(l->weight);
	free(l->label);
	free(l->held);
	wh_clusters_release(&l->clusters);
}

static int gather(struct lesson *l, struct wh_err *err)
{
	const struct wh_categories_points *points = l->points;
	l->point = malloc((points->n + 1) * sizeof *l->point);
	l->z = malloc((points->n * points->width + 1) * sizeof *l->z);
	l->weight = malloc((points->n + 1) * sizeof *l->weight);
	l->label = malloc((points->n + 1) * sizeof *l->label);
	l->held = malloc((points->n + 1) * sizeof *l->held);
	if (!l->point || !l->z || !l->weight || !l->label || !l->held)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < points->n; i++) {
		if (points->point[i].empty)
			continue;
		memcpy(l->z + l->n * points->width, points->z + i * points->width, points->width * sizeof *l->z);
		l->weight[l->n] = points->weight[i];
		l->held[l->n] = points->point[i].held;
		l->point[l->n++] = (uint32_t)i;
	}
	return WH_OK;
}

static int cluster(struct lesson *l, const struct wh_categories_params *params, const struct wh_host *host, struct wh_err *err)
{
	size_t n_held = 0;
	for (size_t i = 0; i < l->n; i++)
		n_held += l->held[i];
	if (!l->n || !l->points->width) { /* nothing tells them apart */
		memset(l->label, 0, l->n * sizeof *l->label);
		return WH_OK;
	}
	const struct wh_clustering_rows rows = { .z = l->z, .n = l->n, .width = l->points->width, .weight = l->weight,
						 .held = params->trained && n_held >= FEWEST_HELD ? l->held : NULL };
	return wh_cluster(params->clustering, params->k, &rows, host, l->label, &l->clusters, err);
}

/* Every point's cluster: those that did not teach go to the nearest; UINT32_MAX: empty. */
static int label_all(struct lesson *l, const struct wh_host *host, uint32_t *of, struct wh_err *err)
{
	const struct wh_categories_points *points = l->points;
	if (points->width && points->n && l->n)
		WH_TRY(wh_kmeans_assign(points->z, points->n, points->width, l->clusters.centroid, l->clusters.k, host, of, NULL, err));
	else
		memset(of, 0, points->n * sizeof *of);
	for (size_t i = 0; i < points->n; i++)
		if (points->point[i].empty)
			of[i] = UINT32_MAX;
	for (size_t i = 0; i < l->n; i++)
		of[l->point[i]] = l->label[i];
	return WH_OK;
}

/* Clusters as groups, numbered by their first points. */
static int number_groups(struct lesson *l, struct wh_categories *categories, uint32_t *of, struct wh_err *err)
{
	size_t most = (l->clusters.k > 1 ? l->clusters.k : 1) + 1; /* the last: the empty ones */
	uint32_t *number = malloc(most * sizeof *number);
	categories->centroid = calloc(most * categories->width + 1, sizeof *categories->centroid);
	if (!number || !categories->centroid) {
		free(number);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	for (size_t c = 0; c < most; c++)
		number[c] = UINT32_MAX;
	for (size_t i = 0; i < l->points->n; i++) {
		uint32_t c = of[i] == UINT32_MAX ? (uint32_t)most - 1 : of[i];
		if (number[c] == UINT32_MAX) {
			number[c] = (uint32_t)categories->n_groups++;
			if (c < l->clusters.k)
				memcpy(categories->centroid + number[c] * categories->width, l->clusters.centroid + c * categories->width,
				       categories->width * sizeof *categories->centroid);
		}
		of[i] = number[c];
	}
	categories->empty = number[most - 1];
	free(number);
	return WH_OK;
}

/* How far a point lies from where it belongs, as one that is not there yet would: its group's centroid is taken without one of its
 * observations. INFINITY: it is all there is. */
static double distance_without(const struct wh_categories *categories, const float *z, uint32_t group, double size)
{
	double square = INFINITY;
	if (size > 1) {
		double factor = size / (size - 1); /* z - (size c - z) / (size - 1) = factor (z - c) */
		return factor * factor * wh_distance2(z, categories->centroid + group * categories->width, categories->width);
	}
	for (size_t g = 0; g < categories->n_groups; g++)
		if (g != group && g != categories->empty)
			square = fmin(square, wh_distance2(z, categories->centroid + g * categories->width, categories->width));
	return square;
}

/* How far those are that tell, each observation by itself. */
static int measure_far(struct wh_categories *categories, const struct wh_categories_points *points, const struct wh_categories_params *params,
		       const uint32_t *of, struct wh_err *err)
{
	size_t n = 0, most = 0, least = params->alarm > 0 ? (size_t)fmin(1e9, ceil(1 / params->alarm)) : 1;
	for (size_t i = 0; i < points->n; i++)
		most += points->point[i].held ? points->weight[i] : 0;
	if (most < least) /* whatever came, it could not be told from chance that it is new */
		return WH_OK;
	double *far = malloc(most * sizeof *far), *size = calloc(categories->n_groups, sizeof *size);
	uint32_t *group = malloc(most * sizeof *group);
	for (size_t i = 0; size && i < points->n; i++)
		size[of[i]] += points->point[i].empty ? 0 : points->weight[i];
	for (size_t i = 0; far && size && group && i < points->n; i++) {
		if (!points->point[i].held)
			continue;
		double square = distance_without(categories, points->z + i * points->width, of[i], size[of[i]]);
		for (uint32_t k = 0; k < points->weight[i]; k++) {
			group[n] = of[i];
			far[n++] = sqrt(fmin(DBL_MAX, square + points->point[i].outside));
		}
	}
	int code = far && size && group ? wh_conformal_fit(far, group, n, size, categories->n_groups, least, &categories->far, err)
					: wh_err_set(err, WH_E_NOMEM, "out of memory");
	free(far);
	free(size);
	free(group);
	return code;
}

int wh_categories_learn(struct wh_categories *categories, const struct wh_categories_points *points, const struct wh_categories_params *params,
		     const struct wh_host *host, uint32_t *of, struct wh_err *err)
{
	struct lesson l = { .points = points };
	wh_categories_release(categories);
	categories->width = points->width;
	categories->empty = UINT32_MAX;
	int code = gather(&l, err);
	if (code == WH_OK)
		code = cluster(&l, params, host, err);
	if (code == WH_OK)
		code = label_all(&l, host, of, err);
	if (code == WH_OK)
		code = number_groups(&l, categories, of, err);
	if (code == WH_OK)
		code = measure_far(categories, points, params, of, err);
	release_lesson(&l);
	if (code != WH_OK)
		wh_categories_release(categories);
	return code;
}

/* ---- as bytes ---- */

void wh_categories_save(const struct wh_categories *categories, struct wh_str *out)
{
	wh_pack_u64(out, categories->n_groups);
	wh_pack_u64(out, categories->n_groups ? categories->empty : UINT32_MAX);
	wh_pack_floats(out, categories->centroid, categories->n_groups * categories->width);
	wh_pack_u64(out, categories->far.n_pools);
	for (size_t g = 0; categories->far.n_pools && g < categories->n_groups; g++)
		wh_pack_u64(out, categories->far.pool[g]);
	for (size_t p = 0; p < categories->far.n_pools; p++)
		wh_pack_u64(out, categories->far.end[p]);
	for (size_t i = 0; categories->far.n_pools && i < categories->far.end[categories->far.n_pools - 1]; i++)
		wh_pack_real(out, categories->far.score[i]);
}

static int load_far(struct wh_conformal *far, size_t n_groups, struct wh_unpack *r, struct wh_err *err)
{
	size_t n_pools = wh_unpack_size(r, 0, r->rest.size / 8), n = 0;
	r->failed |= n_pools > n_groups || (n_pools && n_groups > r->rest.size / 8);
	if (r->failed || !n_pools)
		return wh_unpack_check(r, false, "model", err);
	far->pool = malloc(n_groups * sizeof *far->pool);
	far->end = malloc(n_pools * sizeof *far->end);
	if (!far->pool || !far->end)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t g = 0; g < n_groups; g++) {
		uint64_t pool = wh_unpack_u64(r);
		r->failed |= pool >= n_pools;
		far->pool[g] = (uint32_t)pool;
	}
	for (size_t p = 0; p < n_pools; p++) {
		uint64_t end = wh_unpack_u64(r);
		r->failed |= end < n || end > r->rest.size / 8;
		far->end[p] = n = (size_t)end;
	}
	WH_TRY(wh_unpack_check(r, false, "model", err));
	far->score = malloc((n + 1) * sizeof *far->score);
	if (!far->score)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) /* that they ascend is for good answers, not for safety */
		far->score[i] = wh_unpack_real(r);
	far->n_groups = n_groups;
	far->n_pools = n_pools;
	return wh_unpack_check(r, false, "model", err);
}

int wh_categories_load(struct wh_categories *categories, size_t width, struct wh_unpack *r, struct wh_err *err)
{
	uint64_t n_groups = wh_unpack_u64(r), empty = wh_unpack_u64(r), n = 0;
	wh_categories_release(categories);
	r->failed |= n_groups > UINT32_MAX - 1 || (empty >= n_groups && empty != UINT32_MAX) || __builtin_mul_overflow(n_groups, width, &n);
	WH_TRY(wh_unpack_check(r, false, "model", err));
	categories->width = width;
	categories->empty = (uint32_t)empty;
	categories->centroid = wh_unpack_floats(r, (size_t)n);
	WH_TRY(wh_unpack_check(r, false, "model", err));
	if (!categories->centroid)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(load_far(&categories->far, (size_t)n_groups, r, err));
	categories->n_groups = (size_t)n_groups;
	return WH_OK;
}
