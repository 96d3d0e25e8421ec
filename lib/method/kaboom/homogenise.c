/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/homogenise.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "method/kaboom/measures.h"

enum { SCRATCH_LIMIT_GIB = 32 };
static const double FARTHEST = 10; /* standard deviations; what lies beyond would outweigh all else */

void wh_homogeniser_init(struct wh_homogeniser *h, const struct wh_values *values)
{
	static const struct {
		const char *name;
		enum wh_session_scale scale;
	} scales[] = { { "minmax", WH_SCALE_MINMAX }, { "max", WH_SCALE_MAX }, { "log", WH_SCALE_LOG },
		       { "growth-share", WH_SCALE_GROWTH_SHARE }, { "level-share", WH_SCALE_LEVEL_SHARE }, { "z", WH_SCALE_Z } };
	*h = (struct wh_homogeniser){ .divisor = 1 };
	for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
		if (!strcmp(wh_values_string(values, "scale"), scales[i].name))
			h->scale = scales[i].scale;
	h->steps = (uint32_t)wh_values_int(values, "timesteps");
	h->threshold = wh_values_real(values, "threshold");
	wh_vocabulary_init(&h->vocabulary);
}

void wh_homogeniser_release(struct wh_homogeniser *h)
{
	wh_vocabulary_release(&h->vocabulary);
	free(h->mean);
	free(h->inverse);
	h->mean = h->inverse = NULL;
}

/* ---- readings ---- */

/* Which steps of a session count. */
struct window {
	uint32_t first, n; /* of the session */
	uint32_t padding;  /* zeros before them */
};

static struct window window_of(const struct wh_homogeniser *h, const struct wh_session *session)
{
	uint32_t n = session->n_steps < h->steps ? session->n_steps : h->steps;
	return (struct window){ session->n_steps - n, n, h->steps - n };
}

/* The readings of a window, known ones throughout. */
static void read(const struct wh_metric *metric, const struct window *w, double *value)
{
	double before = 0;
	wh_metric_expand(metric, w->first, w->n, value);
	for (uint32_t i = 0; i < w->n; i++) {
		if (isnan(value[i]))
			value[i] = before;
		before = value[i];
	}
}

/* ---- learning scales ---- */

struct learning {
	struct wh_homogeniser *h;
	struct wh_arena scratch;
	double *sum, *square; /* a column each */
	uint64_t n;           /* readings a column */
};

static int learn_session(struct learning *l, const struct wh_session *session, struct wh_err *err)
{
	struct window w = window_of(l->h, session);
	double *value = wh_arena_alloc(&l->scratch, ((size_t)w.n + 1) * sizeof *value);
	if (!value)
		return wh_arena_error(&l->scratch, err);
	l->n += w.n;
	for (size_t i = 0; i < session->n_metrics; i++) {
		uint32_t column = wh_vocabulary_column(&l->h->vocabulary, session->metrics[i].name);
		if (column == WH_VOCABULARY_NONE)
			continue;
		read(&session->metrics[i], &w, value);
		for (uint32_t t = 0; t < w.n; t++) {
			l->sum[column] += value[t];
			l->square[column] += value[t] * value[t];
			l->h->divisor = fmax(l->h->divisor, log1p(fabs(value[t])));
		}
	}
	return WH_OK;
}

static int learn_scales(struct learning *l, const struct wh_bytes *sessions, size_t n, struct wh_err *err)
{
	struct wh_homogeniser *h = l->h;
	size_t n_columns = wh_vocabulary_size(&h->vocabulary);
	l->sum = calloc(n_columns + 1, sizeof *l->sum);
	l->square = calloc(n_columns + 1, sizeof *l->square);
	h->mean = calloc(n_columns + 1, sizeof *h->mean);
	h->inverse = calloc(n_columns + 1, sizeof *h->inverse);
	if (!l->sum || !l->square || !h->mean || !h->inverse)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct wh_session *session;
		wh_arena_reset(&l->scratch);
		WH_TRY(wh_session_unpack(sessions[i], &l->scratch, &session, err));
		WH_TRY(learn_session(l, session, err));
	}
	for (size_t c = 0; l->n && c < n_columns; c++) {
		double mean = l->sum[c] / (double)l->n, variance = l->square[c] / (double)l->n - mean * mean;
		bool varies = isfinite(variance) && variance > 1e-12 * mean * mean && variance > FLT_MIN && fabs(mean) < FLT_MAX;
		h->mean[c] = varies ? (float)mean : 0;
		h->inverse[c] = varies ? (float)(1 / sqrt(variance)) : 0; /* what never varied says nothing */
	}
	return WH_OK;
}

static int count_metrics(struct learning *l, const struct wh_bytes *sessions, size_t n, const struct wh_host *host, struct wh_err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct wh_session *session;
		wh_arena_reset(&l->scratch);
		WH_TRY(wh_session_unpack(sessions[i], &l->scratch, &session, err));
		WH_TRY(wh_vocabulary_count(&l->h->vocabulary, session, err));
		if (wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	return wh_vocabulary_fix(&l->h->vocabulary, l->h->threshold, 1, err);
}

int wh_homogeniser_fit(struct wh_homogeniser *h, const struct wh_bytes *sessions, size_t n, const struct wh_host *host, struct wh_err *err)
{
	struct learning l = { .h = h };
	wh_arena_init(&l.scratch, (size_t)SCRATCH_LIMIT_GIB << 30);
	int code = count_metrics(&l, sessions, n, host, err);
	if (code == WH_OK && (h->scale == WH_SCALE_Z || h->scale == WH_SCALE_LOG))
		code = learn_scales(&l, sessions, n, err);
	free(l.sum);
	free(l.square);
	wh_arena_release(&l.scratch);
	return code;
}

/* ---- a row ---- */

/* Sums over the metrics of a session at every step: what shares are shares of. */
static double largest_sum(const struct wh_homogeniser *h, const struct wh_session *session, const struct window *w, double *value, double *sum)
{
	double largest = 0;
	memset(sum, 0, w->n * sizeof *sum);
	for (size_t i = 0; i < session->n_metrics; i++) {
		read(&session->metrics[i], w, value);
		double first = h->scale == WH_SCALE_GROWTH_SHARE && w->n ? value[0] : 0;
		for (uint32_t t = 0; t < w->n; t++)
			sum[t] += fmax(0, value[t] - first);
	}
	for (uint32_t t = 0; t < w->n; t++)
		largest = fmax(largest, sum[t]);
	return largest;
}

/* The readings of one series, scaled, behind its padding. */
static void scale_series(const struct wh_homogeniser *h, const struct window *w, uint32_t column, double total, const double *value, float *to)
{
	double lo = w->padding ? 0 : INFINITY, hi = w->padding ? 0 : -INFINITY, first = h->scale == WH_SCALE_GROWTH_SHARE && w->n ? value[0] : 0;
	for (uint32_t t = 0; t < w->n; t++) { /* all known */
		lo = value[t] < lo ? value[t] : lo;
		hi = value[t] > hi ? value[t] : hi;
	}
	double most = fmax(fabs(lo), fabs(hi));
	if (h->scale == WH_SCALE_MINMAX) { /* by way of shares of the largest, so that no difference overflows; rows are 0 as they come */
		if (!(hi > lo))
			return;
		double low = lo / most, part = 1 / (hi / most - low);
		for (uint32_t t = 0; t < w->padding; t++)
			to[t] = (float)((0 - low) * part);
		for (uint32_t t = 0; t < w->n; t++)
			to[w->padding + t] = (float)((value[t] / most - low) * part);
		return;
	}
	to += w->padding;
	for (uint32_t t = 0; t < w->n; t++)
		switch (h->scale) {
		case WH_SCALE_MINMAX: /* done */
			break;
		case WH_SCALE_MAX:
			to[t] = most > 0 ? (float)(value[t] / most) : 0;
			break;
		case WH_SCALE_LOG:
			to[t] = (float)copysign(log1p(fabs(value[t])) / h->divisor, value[t]);
			break;
		case WH_SCALE_GROWTH_SHARE:
		case WH_SCALE_LEVEL_SHARE:
			to[t] = total > 0 && isfinite(total) ? (float)sqrt(fmax(0, value[t] - first) / total) : 0;
			break;
		case WH_SCALE_Z:
			to[t] = (float)fmax(-FARTHEST, fmin(FARTHEST, (value[t] - h->mean[column]) * h->inverse[column]));
			break;
		}
}

int wh_homogenise(const struct wh_homogeniser *h, const struct wh_session *session, struct wh_arena *scratch, float *row, double *missing,
		  struct wh_err *err)
{
	struct window w = window_of(h, session);
	double *value = wh_arena_alloc(scratch, 2 * ((size_t)w.n + 1) * sizeof *value), total = 0, known = 0, all = 0;
	if (!value)
		return wh_arena_error(scratch, err);
	bool shares = h->scale == WH_SCALE_GROWTH_SHARE || h->scale == WH_SCALE_LEVEL_SHARE;
	if (shares)
		total = largest_sum(h, session, &w, value, value + w.n + 1);
	memset(row, 0, wh_homogeniser_width(h) * sizeof *row);
	if (h->scale == WH_SCALE_Z) /* a metric that is not there reads 0, which is some way from its mean */
		for (size_t c = 0; c < wh_vocabulary_size(&h->vocabulary); c++)
			for (uint32_t t = w.padding; t < h->steps; t++)
				row[c * h->steps + t] = (float)fmax(-FARTHEST, fmin(FARTHEST, -h->mean[c] * h->inverse[c]));
	for (size_t i = 0; i < session->n_metrics; i++) {
		const struct wh_metric *metric = &session->metrics[i];
		struct wh_measure measure = wh_measure_metric(metric, w.first, w.n);
		uint32_t column = wh_vocabulary_column(&h->vocabulary, metric->name);
		double part = h->scale == WH_SCALE_GROWTH_SHARE ? fmax(0, measure.growth) : measure.present;
		all += part;
		if (column == WH_VOCABULARY_NONE)
			continue;
		known += part;
		read(metric, &w, value);
		scale_series(h, &w, column, total, value, row + (size_t)column * h->steps);
	}
	*missing = all > 0 && isfinite(all) ? fmax(0, 1 - known / all) : 0;
	return WH_OK;
}

/* ---- as bytes ---- */

void wh_homogeniser_save(const struct wh_homogeniser *h, struct wh_str *out)
{
	wh_pack_u64(out, h->scale);
	wh_pack_u64(out, h->steps);
	wh_vocabulary_save(&h->vocabulary, out);
	wh_pack_real(out, h->divisor);
	if (h->scale == WH_SCALE_Z) {
		wh_pack_floats(out, h->mean, wh_vocabulary_size(&h->vocabulary));
		wh_pack_floats(out, h->inverse, wh_vocabulary_size(&h->vocabulary));
	}
}

int wh_homogeniser_load(struct wh_homogeniser *h, struct wh_unpack *r, struct wh_err *err)
{
	r->failed |= wh_unpack_u64(r) != h->scale || wh_unpack_u64(r) != h->steps;
	WH_TRY(wh_unpack_check(r, false, "model", err));
	WH_TRY(wh_vocabulary_load(&h->vocabulary, r, err));
	h->divisor = wh_unpack_real(r);
	r->failed |= !(h->divisor > 0);
	if (h->scale == WH_SCALE_Z) {
		h->mean = wh_unpack_floats(r, wh_vocabulary_size(&h->vocabulary));
		h->inverse = wh_unpack_floats(r, wh_vocabulary_size(&h->vocabulary));
		if (!r->failed && (!h->mean || !h->inverse))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return wh_unpack_check(r, false, "model", err);
}
