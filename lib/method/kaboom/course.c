/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/course.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "math/logarithm.h"
#include "method/kaboom/gauge.h"
#include "method/kaboom/known.h"
#include "method/kaboom/scale.h"

enum { SCRATCH_LIMIT_GIB = 32, LONGEST = 256, SHORTEST = 9, EXAMPLES = 20, GRAIN = 4, COLUMNS_AT_ONCE = 32, READINGS_IN_CACHE = 4096 };
static const double SUMMARY_WEIGHT = 0.5; /* beside convolutions; alone it is 1 */

void wh_course_release(struct wh_course *c)
{
	free(c->middle);
	free(c->spread);
	free(c->unit);
	wh_minirocket_release(&c->minirocket);
	wh_plane_release(&c->convolutions);
	wh_plane_release(&c->summaries);
	*c = (struct wh_course){ 0 };
}

size_t wh_course_width(const struct wh_course *c)
{
	return c->convolutions.pca.r + c->summaries.pca.r;
}

/* ---- features of a session ---- */

/* Some columns at a time, as many as the nearest cache holds. */
struct describing {
	const struct wh_course *c;
	const struct wh_vocabulary *v;
	const struct wh_session *session;
	size_t metric; /* of the session: the next */
	double *reading;
	float *u;
	struct wh_gauge_grid grid;
	size_t known[COLUMNS_AT_ONCE]; /* steps; 1: it does not move */
};

/* Reads and scales columns first … last - 1. */
static void read_columns(struct describing *d, size_t first, size_t last)
{
	const struct wh_session *session = d->session;
	float *u = d->u;
	for (size_t column = first; column < last; column++) { /* both in the order of names */
		const char *name = wh_vocabulary_name(d->v, (uint32_t)column);
		const struct wh_metric nothing = { .name = name };
		int order = 1;
		while (d->metric < session->n_metrics && (order = strcmp(session->metrics[d->metric].name, name)) < 0)
			d->metric++;
		size_t known = wh_known_read(order ? &nothing : &session->metrics[d->metric], session->n_steps, d->reading);
		if (!known) /* it stands at the middle */
			d->reading[0] = d->c->middle[column];
		d->known[column - first] = known ? known : 1;
		wh_gauge_scale(d->reading, d->known[column - first], d->c->middle[column], fmin(1 / d->c->spread[column], DBL_MAX), u);
		u += d->known[column - first];
	}
	memset(u, 0, WH_GAUGE_SLACK * sizeof *u);
	wh_signed_log1p((size_t)(u - d->u), d->u, d->u);
}

/* A session's summaries (4 x columns) and, where `even` is not NULL, its courses on an even number of steps (columns x stride). */
static int describe(const struct wh_course *c, const struct wh_vocabulary *v, const struct wh_session *session, struct wh_arena *scratch,
		    float *summary, int32_t *even, struct wh_err *err)
{
	size_t n = session->n_steps, n_columns = wh_vocabulary_size(v), stride = wh_gauge_stride(c->steps);
	size_t at_once = READINGS_IN_CACHE / (n + 1);
	at_once = at_once < 1 ? 1 : at_once < COLUMNS_AT_ONCE ? at_once : COLUMNS_AT_ONCE;
	struct describing d = { c, v, session, .reading = wh_arena_alloc(scratch, (n + 1) * sizeof *d.reading),
				.u = wh_arena_alloc(scratch, (at_once * n + WH_GAUGE_SLACK) * sizeof *d.u) };
	if (!d.reading || !d.u)
		return wh_arena_error(scratch, err);
	if (!n) {
		memset(summary, 0, WH_GAUGE_SUMMARIES * n_columns * sizeof *summary);
		if (even)
			memset(even, 0, n_columns * stride * sizeof *even);
		return WH_OK;
	}
	if (even)
		WH_TRY(wh_gauge_grid_init(&d.grid, n, c->steps, scratch, err));
	for (size_t first = 0, last; first < n_columns; first = last) {
		const float *u = d.u;
		last = n_columns - first < at_once ? n_columns : first + at_once;
		read_columns(&d, first, last);
		for (size_t column = first; column < last; column++) {
			size_t known = d.known[column - first];
			wh_gauge_summarise(u, known, summary + column, n_columns);
			if (even)
				wh_gauge_resample(&d.grid, u, known, even + column * stride);
			u += known;
		}
	}
	return WH_OK;
}

/* ---- learning ---- */

struct learning {
	struct wh_course *c;
	const struct wh_vocabulary *v;
	const struct wh_bytes *sessions;
	size_t n, n_features;
	struct wh_arena *scratch; /* one a thread */
	float *summary, *feature; /* n x 4 columns, n x n_features */
};

/* The courses of some sessions spread evenly over all; what biases are quantiles of. */
static int fit_minirocket(struct learning *l, struct wh_err *err)
{
	size_t n_columns = wh_vocabulary_size(l->v), n = l->n < EXAMPLES ? l->n : EXAMPLES;
	int32_t *examples[EXAMPLES] = { NULL };
	int code = wh_minirocket_init(&l->c->minirocket, n_columns, l->c->steps, err);
	for (size_t i = 0; code == WH_OK && i < n; i++) {
		struct wh_session *session;
		wh_arena_reset(l->scratch);
		float *summary = wh_arena_alloc(l->scratch, WH_GAUGE_SUMMARIES * n_columns * sizeof *summary);
		examples[i] = malloc(n_columns * wh_gauge_stride(l->c->steps) * sizeof **examples);
		if (!examples[i] || !summary)
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (code == WH_OK)
			code = wh_session_unpack(l->sessions[(2 * i + 1) * l->n / (2 * n)], l->scratch, &session, err);
		if (code == WH_OK)
			code = describe(l->c, l->v, session, l->scratch, summary, examples[i], err);
	}
	if (code == WH_OK)
		code = wh_minirocket_fit(&l->c->minirocket, (const int32_t *const *)examples, n, err);
	for (size_t i = 0; i < n; i++)
		free(examples[i]);
	return code;
}

static int convolve(const struct wh_course *c, const int32_t *even, struct wh_arena *scratch, float *feature, struct wh_err *err)
{
	int32_t *room = wh_arena_alloc(scratch, wh_minirocket_scratch(&c->minirocket) * sizeof *room);
	if (!room)
		return wh_arena_error(scratch, err);
	wh_minirocket_apply(&c->minirocket, even, room, feature);
	return WH_OK;
}

static int describe_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct learning *l = user;
	struct wh_arena *scratch = &l->scratch[worker];
	size_t n_columns = wh_vocabulary_size(l->v);
	for (size_t i = first; i < last; i++) {
		struct wh_session *session;
		int32_t *even = NULL;
		wh_arena_reset(scratch);
		WH_TRY(wh_session_unpack(l->sessions[i], scratch, &session, err));
		if (l->n_features && !(even = wh_arena_alloc(scratch, n_columns * wh_gauge_stride(l->c->steps) * sizeof *even)))
			return wh_arena_error(scratch, err);
		WH_TRY(describe(l->c, l->v, session, scratch, l->summary + i * WH_GAUGE_SUMMARIES * n_columns, even, err));
		if (even)
			WH_TRY(convolve(l->c, even, scratch, l->feature + i * l->n_features, err));
	}
	return WH_OK;
}

/* Features of convolutions in units of their deviation. */
static int fit_units(struct learning *l, struct wh_err *err)
{
	l->c->unit = malloc((l->n_features + 1) * sizeof *l->c->unit);
	if (!l->c->unit)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t f = 0; f < l->n_features; f++) {
		double mean = 0, square = 0;
		for (size_t i = 0; i < l->n; i++)
			mean += l->feature[i * l->n_features + f] / (double)l->n;
		for (size_t i = 0; i < l->n; i++)
			square += (l->feature[i * l->n_features + f] - mean) * (l->feature[i * l->n_features + f] - mean) / (double)l->n;
		l->c->unit[f] = sqrt(square) > 1e-9 ? (float)sqrt(square) : 1;
		for (size_t i = 0; i < l->n; i++)
			l->feature[i * l->n_features + f] /= l->c->unit[f];
	}
	return WH_OK;
}

static int fit_blocks(struct learning *l, const struct wh_host *host, struct wh_err *err)
{
	size_t n_columns = wh_vocabulary_size(l->v);
	if (l->c->steps >= SHORTEST) {
		WH_TRY(fit_minirocket(l, err));
		l->n_features = wh_minirocket_features(&l->c->minirocket);
	}
	l->summary = malloc((l->n * WH_GAUGE_SUMMARIES * n_columns + 1) * sizeof *l->summary);
	l->feature = malloc((l->n * l->n_features + 1) * sizeof *l->feature);
	if (!l->summary || !l->feature)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(wh_parallel(host, "reading courses", l->n, GRAIN, describe_some, l, err));
	if (l->n_features) {
		WH_TRY(fit_units(l, err));
		WH_TRY(wh_plane_fit(&l->c->convolutions, l->feature, l->n, l->n_features, host, err));
	}
	return wh_plane_fit(&l->c->summaries, l->summary, l->n, WH_GAUGE_SUMMARIES * n_columns, host, err);
}

int wh_course_fit(struct wh_course *c, const struct wh_vocabulary *v, const struct wh_bytes *sessions, size_t n, double median_steps,
		  const struct wh_host *host, struct wh_err *err)
{
	struct learning l = { .c = c, .v = v, .sessions = sessions, .n = n };
	unsigned threads = wh_host_threads(host);
	if (!wh_vocabulary_size(v))
		return WH_OK;
	c->steps = (size_t)fmin(LONGEST, floor(median_steps));
	c->middle = calloc(wh_vocabulary_size(v), sizeof *c->middle);
	c->spread = calloc(wh_vocabulary_size(v), sizeof *c->spread);
	l.scratch = calloc(threads, sizeof *l.scratch);
	if (!c->middle || !c->spread || !l.scratch) {
		free(l.scratch);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	for (unsigned i = 0; i < threads; i++)
		wh_arena_init(&l.scratch[i], (size_t)SCRATCH_LIMIT_GIB << 30);
	int code = wh_scales_fit(v, sessions, n, c->middle, c->spread, l.scratch, host, err);
	if (code == WH_OK)
		code = fit_blocks(&l, host, err);
	for (unsigned i = 0; i < threads; i++)
		wh_arena_release(&l.scratch[i]);
	free(l.scratch);
	free(l.summary);
	free(l.feature);
	return code;
}

/* ---- embedding ---- */

/* A block's coordinates, weighted so that those of training sessions have that mean length; adds what lies outside. */
static int put_block(const struct wh_plane *plane, double weight, const float *feature, float *z, double *outside, struct wh_err *err)
{
	double rest, factor = plane->energy > 0 ? weight / sqrt(plane->energy) : 0;
	factor = isfinite(factor * factor) ? factor : 0;
	WH_TRY(wh_plane_project(plane, feature, z, &rest, err));
	for (size_t i = 0; i < plane->pca.r; i++)
		z[i] = (float)(factor * z[i]);
	*outside += factor * factor * rest;
	return WH_OK;
}

int wh_course_embed(const struct wh_course *c, const struct wh_vocabulary *v, const struct wh_session *session, struct wh_arena *scratch,
		    float *z, double *outside, struct wh_err *err)
{
	size_t n_columns = wh_vocabulary_size(v), n_features = wh_minirocket_features(&c->minirocket), width = wh_course_width(c);
	float *summary = wh_arena_alloc(scratch, (WH_GAUGE_SUMMARIES * n_columns + 1) * sizeof *summary);
	float *feature = wh_arena_alloc(scratch, (n_features + 1) * sizeof *feature);
	int32_t *even = wh_arena_alloc(scratch, (n_columns * wh_gauge_stride(c->steps) + 1) * sizeof *even);
	double length = 0;
	*outside = 0;
	if (!summary || !feature || !even)
		return wh_arena_error(scratch, err);
	if (!n_columns)
		return WH_OK;
	WH_TRY(describe(c, v, session, scratch, summary, n_features ? even : NULL, err));
	if (n_features) {
		WH_TRY(convolve(c, even, scratch, feature, err));
		for (size_t i = 0; i < n_features; i++)
			feature[i] /= c->unit[i];
		WH_TRY(put_block(&c->convolutions, 1, feature, z, outside, err));
	}
	WH_TRY(put_block(&c->summaries, n_features ? SUMMARY_WEIGHT : 1, summary, z + c->convolutions.pca.r, outside, err));
	for (size_t i = 0; i < width; i++)
		length += (double)z[i] * z[i];
	for (size_t i = 0; length > 0 && i < width; i++)
		z[i] = (float)(z[i] / sqrt(length));
	*outside = *outside > 0 ? *outside / (length + *outside) : 0;
	return WH_OK;
}

/* ---- as bytes ---- */

void wh_course_save(const struct wh_course *c, const struct wh_vocabulary *v, struct wh_str *out)
{
	size_t n_columns = wh_vocabulary_size(v), n_features = wh_minirocket_features(&c->minirocket);
	wh_pack_u64(out, c->steps);
	for (size_t i = 0; i < n_columns; i++) {
		wh_pack_real(out, c->middle[i]);
		wh_pack_real(out, c->spread[i]);
	}
	for (size_t i = 0; i < n_features; i++)
		wh_pack_real(out, WH_GAUGE_UNIT * c->minirocket.bias[i]);
	wh_pack_floats(out, c->unit, n_features);
	if (n_features)
		wh_plane_save(&c->convolutions, out);
	if (n_columns)
		wh_plane_save(&c->summaries, out);
}

static int load_convolutions(struct wh_course *c, size_t n_columns, struct wh_unpack *in, struct wh_err *err)
{
	WH_TRY(wh_minirocket_init(&c->minirocket, n_columns, c->steps, err));
	size_t n_features = wh_minirocket_features(&c->minirocket);
	for (size_t i = 0; i < n_features; i++)
		c->minirocket.bias[i] = (int32_t)rint(fmin(fmax(wh_unpack_real(in) / WH_GAUGE_UNIT, -INT32_MAX), INT32_MAX));
	c->unit = wh_unpack_floats(in, n_features);
	for (size_t i = 0; c->unit && i < n_features; i++)
		in->failed |= !(c->unit[i] > 1e-10F);
	wh_plane_load(&c->convolutions, n_features, in);
	return wh_unpack_check(in, false, "model", err);
}

int wh_course_load(struct wh_course *c, const struct wh_vocabulary *v, struct wh_unpack *in, struct wh_err *err)
{
	size_t n_columns = wh_vocabulary_size(v);
	c->steps = wh_unpack_size(in, 0, LONGEST);
	c->middle = calloc(n_columns + 1, sizeof *c->middle);
	c->spread = calloc(n_columns + 1, sizeof *c->spread);
	if (!c->middle || !c->spread)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n_columns; i++) {
		c->middle[i] = wh_unpack_real(in);
		c->spread[i] = wh_unpack_real(in);
		in->failed |= !(c->spread[i] > 0);
	}
	WH_TRY(wh_unpack_check(in, false, "model", err));
	if (n_columns && c->steps >= SHORTEST)
		WH_TRY(load_convolutions(c, n_columns, in, err));
	if (n_columns)
		wh_plane_load(&c->summaries, WH_GAUGE_SUMMARIES * n_columns, in);
	return wh_unpack_check(in, false, "model", err);
}
