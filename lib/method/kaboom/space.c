/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/space.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/thread.h"
#include "math/distance.h"
#include "method/kaboom/measures.h"

enum { SPACE_LIMIT_GIB = 32 };

static const char MAGIC[] = "session space 1";

/* ---- life ---- */

int wh_session_open(const struct wh_method *method, const struct wh_values *values, void **result, struct wh_err *err)
{
	struct wh_session_space *space = calloc(1, sizeof *space);
	if (!space)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	space->embedding = method->detail;
	space->params.k = (size_t)wh_values_int(values, "k");
	space->params.clustering = wh_clustering_parse(wh_values_string(values, "clustering"));
	space->params.alarm = wh_values_real(values, "alarm");
	space->params.trained = !space->embedding->unbiased;
	space->holdback = wh_values_real(values, "holdback");
	space->scale = 1;
	wh_arena_init(&space->arena, (size_t)SPACE_LIMIT_GIB << 30);
	wh_arena_init(&space->scratch, (size_t)SPACE_LIMIT_GIB << 30);
	int code = WH_OK;
	if (space->params.k && space->params.clustering == WH_CLUSTERING_HDBSCAN)
		code = wh_err_set(err, WH_E_USAGE, "hdbscan finds how many groups there are: k cannot be given");
	if (code == WH_OK)
		code = space->embedding->open(values, &space->fitted, err);
	if (code != WH_OK)
		wh_session_close(space);
	else
		*result = space;
	return code;
}

void wh_session_close(void *state)
{
	struct wh_session_space *space = state;
	if (!space)
		return;
	space->embedding->close(space->fitted);
	wh_categories_release(&space->categories);
	wh_arena_release(&space->arena);
	wh_arena_release(&space->scratch);
	wh_vec_release(&space->sessions);
	wh_vec_release(&space->points);
	wh_vec_release(&space->z);
	free(space);
}

/* ---- frozen bytes ---- */

int wh_session_save(const void *state, struct wh_str *out, struct wh_err *err)
{
	const struct wh_session_space *space = state;
	wh_pack_bytes(out, (struct wh_bytes){ MAGIC, sizeof MAGIC - 1 });
	wh_pack_u64(out, space->width);
	wh_pack_real(out, space->scale);
	WH_TRY(space->embedding->save(space->fitted, out, err));
	wh_categories_save(&space->categories, out);
	return wh_str_check(out, err);
}

int wh_session_load(void *state, struct wh_bytes bytes, struct wh_err *err)
{
	struct wh_session_space *space = state;
	struct wh_unpack r = { .rest = bytes };
	struct wh_bytes magic = wh_unpack_bytes(&r);
	if (magic.size != sizeof MAGIC - 1 || memcmp(magic.data, MAGIC, magic.size))
		return wh_err_set(err, WH_E_FORMAT, "model: no state of a session method, or of another version");
	space->width = (size_t)wh_unpack_u64(&r);
	space->scale = wh_unpack_real(&r);
	r.failed |= !(space->scale > 0);
	WH_TRY(wh_unpack_check(&r, false, "model", err));
	WH_TRY(space->embedding->load(space->fitted, &r, err));
	r.failed |= space->embedding->width(space->fitted) != space->width;
	WH_TRY(wh_unpack_check(&r, false, "model", err));
	WH_TRY(wh_categories_load(&space->categories, space->width, &r, err));
	WH_TRY(wh_unpack_check(&r, true, "model", err));
	space->loaded = true;
	return WH_OK;
}

/* ---- points ---- */

static bool is_empty(const struct wh_session *session)
{
	for (size_t i = 0; i < session->n_metrics; i++)
		if (wh_measure_metric(&session->metrics[i], 0, session->n_steps).present)
			return false;
	return true;
}

/* A point's session; of no bytes: one without metrics. */
static int unpack(struct wh_bytes fingerprint, struct wh_arena *scratch, struct wh_session **session, struct wh_err *err)
{
	if (fingerprint.size)
		return wh_session_unpack(fingerprint, scratch, session, err);
	*session = wh_arena_zalloc(scratch, 1, sizeof **session);
	return *session ? WH_OK : wh_arena_error(scratch, err);
}

static int embed(const struct wh_session_space *space, const struct wh_session *session, struct wh_arena *scratch, float *z, double *outside,
		 struct wh_err *err)
{
	memset(z, 0, space->width * sizeof *z);
	*outside = 0;
	WH_TRY(space->embedding->embed(space->fitted, session, scratch, z, outside, err));
	bool finite = isfinite(*outside);
	for (size_t k = 0; k < space->width; k++)
		finite &= isfinite(z[k]) != 0;
	return finite ? WH_OK : wh_err_set(err, WH_E_FORMAT, "model: it embeds a session where no numbers are");
}

static int keep_bytes(struct wh_session_space *space, struct wh_bytes fingerprint, struct wh_err *err)
{
	char *copy = wh_arena_alloc(&space->arena, fingerprint.size + 1);
	if (!copy)
		return wh_arena_error(&space->arena, err);
	if (fingerprint.size)
		memcpy(copy, fingerprint.data, fingerprint.size);
	return wh_vec_push(&space->sessions, (struct wh_bytes){ copy, fingerprint.size }) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

int wh_session_add(void *state, struct wh_bytes fingerprint, struct wh_err *err)
{
	struct wh_session_space *space = state;
	struct wh_session *session;
	wh_arena_reset(&space->scratch);
	WH_TRY(unpack(fingerprint, &space->scratch, &session, err));
	struct wh_session_point point = { .hash = wh_hash(fingerprint.data, fingerprint.size, 0), .empty = is_empty(session) };
	if (wh_vec_reserve(&space->points, space->points.n + 1))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (space->frozen) {
		if (wh_vec_reserve(&space->z, space->z.n + space->width + 1))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		WH_TRY(embed(space, session, &space->scratch, space->z.data + space->z.n, &point.outside, err));
		space->z.n += space->width;
	} else {
		WH_TRY(keep_bytes(space, fingerprint, err));
	}
	return wh_vec_push(&space->points, point) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

void wh_session_drop(void *state)
{
	struct wh_session_space *space = state;
	space->points.n--;
	space->z.n -= space->width;
}

/* ---- freezing ---- */

struct ranked {
	uint64_t hash;
	size_t point;
};

static int by_hash(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : x->point < y->point ? -1 : x->point > y->point;
}

/* Whom nothing is learned from: as many as `holdback` says, those of the smallest hashes. */
static int hold_back(struct wh_session_space *space, struct wh_err *err)
{
	struct ranked *ranked = malloc((space->points.n + 1) * sizeof *ranked);
	size_t n = 0;
	if (!ranked)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < space->points.n; i++)
		if (!space->points.data[i].empty)
			ranked[n++] = (struct ranked){ wh_hash_u64(space->points.data[i].hash), i };
	if (n)
		qsort(ranked, n, sizeof *ranked, by_hash);
	size_t n_held = (size_t)(space->holdback * (double)n);
	for (size_t i = 0; i < n_held; i++)
		space->points.data[ranked[i].point].held = true;
	free(ranked);
	return WH_OK;
}

static int fit(struct wh_session_space *space, const struct wh_host *host, struct wh_err *err)
{
	struct wh_bytes *sessions = malloc((space->points.n + 1) * sizeof *sessions);
	size_t n = 0;
	if (!sessions)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < space->points.n; i++)
		if (!space->points.data[i].empty && !space->points.data[i].held)
			sessions[n++] = space->sessions.data[i];
	int code = space->embedding->fit(space->fitted, sessions, n, host, err);
	free(sessions);
	return code;
}

struct embedding {
	struct wh_session_space *space;
	struct wh_arena *scratch; /* one a thread */
	double *outside;
};

static int embed_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct embedding *e = user;
	for (size_t i = first; i < last; i++) {
		struct wh_session *session;
		wh_arena_reset(&e->scratch[worker]);
		WH_TRY(unpack(e->space->sessions.data[i], &e->scratch[worker], &session, err));
		WH_TRY(embed(e->space, session, &e->scratch[worker], e->space->z.data + i * e->space->width, &e->outside[i], err));
	}
	return WH_OK;
}

static int embed_each(struct embedding *e, const struct wh_host *host, struct wh_err *err)
{
	unsigned threads = wh_host_threads(host);
	e->scratch = calloc(threads, sizeof *e->scratch);
	if (!e->scratch)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (unsigned i = 0; i < threads; i++)
		wh_arena_init(&e->scratch[i], (size_t)SPACE_LIMIT_GIB << 30);
	int code = wh_parallel(host, "embedding", e->space->points.n, 8, embed_some, e, err);
	for (unsigned i = 0; i < threads; i++)
		wh_arena_release(&e->scratch[i]);
	free(e->scratch);
	return code;
}

static int embed_points(struct wh_session_space *space, const struct wh_host *host, struct wh_err *err)
{
	size_t n = space->points.n;
	struct embedding e = { .space = space, .outside = calloc(n + 1, sizeof *e.outside) };
	int code = !e.outside || wh_vec_reserve(&space->z, n * space->width + 1) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	if (code == WH_OK && space->embedding->embed_all)
		code = space->embedding->embed_all(space->fitted, space->sessions.data, n, host, space->z.data, e.outside, err);
	else if (code == WH_OK)
		code = embed_each(&e, host, err);
	for (size_t i = 0; code == WH_OK && i < n; i++)
		space->points.data[i].outside = e.outside[i];
	if (code == WH_OK)
		space->z.n = n * space->width;
	free(e.outside);
	return code;
}

/* Mean squared distance of two points: twice the mean squared distance to their mean. */
static int measure_scale(struct wh_session_space *space, struct wh_err *err)
{
	double *mean = calloc(space->width + 1, sizeof *mean), square = 0;
	size_t n = 0;
	if (!mean)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < space->points.n; i++) {
		const float *z = wh_session_row(space, i);
		if (space->points.data[i].empty)
			continue;
		n++;
		square += space->points.data[i].outside;
		for (size_t k = 0; k < space->width; k++) {
			mean[k] += z[k];
			square += (double)z[k] * z[k];
		}
	}
	double scale = n ? 2 * square / (double)n : 0;
	for (size_t k = 0; n && k < space->width; k++)
		scale -= 2 * mean[k] / (double)n * (mean[k] / (double)n);
	space->scale = scale > FLT_MIN ? scale : 1;
	free(mean);
	return WH_OK;
}

int wh_session_freeze(void *state, const struct wh_host *host, struct wh_err *err)
{
	struct wh_session_space *space = state;
	WH_TRY(hold_back(space, err));
	if (!space->loaded) {
		WH_TRY(fit(space, host, err));
		space->width = space->embedding->width(space->fitted);
	}
	if (space->holdback > 0 && space->embedding->unbiased && space->embedding->unbiased(space->fitted))
		for (size_t i = 0; i < space->points.n; i++)
			space->points.data[i].held = !space->points.data[i].empty;
	WH_TRY(embed_points(space, host, err));
	if (!space->loaded)
		WH_TRY(measure_scale(space, err));
	wh_vec_release(&space->sessions);
	wh_arena_release(&space->arena);
	space->n_frozen = space->points.n;
	space->frozen = true;
	return WH_OK;
}

/* ---- what is asked of a space ---- */

double wh_session_similarity(const void *state, size_t i, size_t j)
{
	const struct wh_session_space *space = state;
	const struct wh_session_point *a = &space->points.data[i], *b = &space->points.data[j];
	const float *x = wh_session_row(space, i), *y = wh_session_row(space, j);
	double square = a->outside + b->outside;
	if (i == j || a->hash == b->hash)
		return 1;
	if (a->empty != b->empty)
		return 0;
	for (size_t k = 0; k < space->width; k++)
		square += ((double)x[k] - y[k]) * ((double)x[k] - y[k]);
	return 1 / (1 + square / space->scale);
}

int wh_session_group(void *state, const uint32_t *weight, const struct wh_host *host, uint32_t *of, size_t *n_groups, struct wh_err *err)
{
	struct wh_session_space *space = state;
	const struct wh_categories_points points = { space->n_frozen, space->width, space->z.data, space->points.data, weight };
	WH_TRY(wh_categories_learn(&space->categories, &points, &space->params, host, of, err));
	*n_groups = space->categories.n_groups;
	return WH_OK;
}

int wh_session_locate(const void *state, size_t i, struct wh_location *location, struct wh_err *err)
{
	const struct wh_session_space *space = state;
	const struct wh_session_point *point = &space->points.data[i];
	if (!space->categories.n_groups)
		return wh_err_set(err, WH_E_USAGE, "nothing was grouped yet");
	*location = wh_categories_locate(&space->categories, &space->params, wh_session_row(space, i), point);
	return WH_OK;
}

int wh_session_window_p_value(const void *state, const size_t *count, size_t flagged, double *p_value, struct wh_err *err)
{
	const struct wh_session_space *space = state;
	*p_value = NAN;
	if (!space->categories.far.n_pools)
		return WH_OK;
	return wh_conformal_window(&space->categories.far, count, space->params.alarm, flagged, p_value, err);
}

const float *wh_session_coordinates(const void *state, size_t i, size_t *n)
{
	const struct wh_session_space *space = state;
	*n = space->width;
	return wh_session_row(space, i);
}

int wh_session_place(const struct wh_session_space *space, const struct wh_session *session, uint32_t from, struct wh_arena *scratch,
		     struct wh_location *location, double *distance, struct wh_err *err)
{
	const struct wh_categories *categories = &space->categories;
	struct wh_session_point point = { .empty = is_empty(session) };
	float *z = wh_arena_alloc(scratch, (space->width + 1) * sizeof *z);
	if (!z)
		return wh_arena_error(scratch, err);
	if (!categories->n_groups)
		return wh_err_set(err, WH_E_USAGE, "nothing was grouped yet");
	WH_TRY(embed(space, session, scratch, z, &point.outside, err));
	*location = wh_categories_locate(categories, &space->params, z, &point);
	if (distance)
		*distance = sqrt(wh_distance2(z, categories->centroid + from * space->width, space->width) + point.outside);
	return WH_OK;
}
