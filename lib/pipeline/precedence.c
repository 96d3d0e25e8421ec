/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/precedence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/thread.h"
#include "pipeline/sample.h"

enum { LAGS = 2 * WH_PRECEDENCE_LAG + 1, LEAST_LEFT = 2 /* of a series, beside a lag */ };

struct preceding {
	const struct wh_dataset *data;
	const uint32_t *sample;
	struct wh_mover *movers;
	size_t n, m;
	double *before;      /* n x m: steps before the end */
	float *correlation;  /* n x m x LAGS; with the first of movers; NaN: not both are there */
	struct wh_arena *arena; /* one a thread */
};

static size_t find(const struct preceding *p, const char *name)
{
	size_t k = 0;
	while (k < p->m && strcmp(p->movers[k].name, name) != 0)
		k++;
	return k;
}

/* ---- when each began ---- */

struct dating {
	const struct preceding *p;
	double *before; /* m */
};

static int date(void *user, const char *name, const double *x, const double *y, size_t n)
{
	struct dating *d = user;
	const size_t k = find(d->p, name);
	if (k == d->p->m)
		return WH_OK;
	const double onset = wh_onset(y, n);
	if (!isnan(onset))
		d->before[k] = x[n - 1] - x[(size_t)onset];
	return WH_OK;
}

static int date_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct preceding *p = user;
	for (size_t i = first; i < last; i++) {
		struct dating d = { p, p->before + i * p->m };
		wh_arena_reset(&p->arena[worker]);
		WH_TRY(p->data->signal->series(p->data->records.data[p->sample[i]].fingerprint, &p->arena[worker], date, &d, err));
	}
	return WH_OK;
}

/* ---- who follows whom ---- */

struct following {
	const struct preceding *p;
	struct wh_arena *arena;
	double **change; /* m; NULL: it is not there */
	size_t n;
};

static int keep_changes(void *user, const char *name, const double *x, const double *y, size_t n)
{
	struct following *f = user;
	const size_t k = find(f->p, name);
	(void)x;
	if (k == f->p->m)
		return WH_OK;
	f->n = n;
	f->change[k] = wh_arena_zalloc(f->arena, n + 1, sizeof *f->change[k]);
	if (!f->change[k])
		return WH_E_NOMEM;
	wh_increments(y, n, f->change[k]);
	return WH_OK;
}

static void correlate(const struct following *f, size_t k, float *correlation)
{
	double at[LAGS] = { 0 };
	const size_t most = f->n > LEAST_LEFT + WH_PRECEDENCE_LAG ? WH_PRECEDENCE_LAG : f->n > LEAST_LEFT ? f->n - LEAST_LEFT : 0;
	wh_lagged_correlation(f->change[0], f->change[k], f->n, most, at + WH_PRECEDENCE_LAG - most);
	for (size_t l = 0; l < LAGS; l++)
		correlation[l] = (float)at[l];
}

static int follow_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct preceding *p = user;
	for (size_t i = first; i < last; i++) {
		struct following f = { .p = p, .arena = &p->arena[worker] };
		wh_arena_reset(f.arena);
		f.change = wh_arena_zalloc(f.arena, p->m, sizeof *f.change);
		if (!f.change)
			return wh_arena_error(f.arena, err);
		int code = p->data->signal->series(p->data->records.data[p->sample[i]].fingerprint, f.arena, keep_changes, &f, err);
		if (code != WH_OK)
			return code == WH_E_NOMEM ? wh_arena_error(f.arena, err) : code;
		for (size_t k = 1; k < p->m; k++) {
			if (f.change[0] && f.change[k])
				correlate(&f, k, p->correlation + (i * p->m + k) * LAGS);
			else
				p->correlation[(i * p->m + k) * LAGS] = NAN;
		}
	}
	return WH_OK;
}

static void find_lag(const struct preceding *p, size_t k)
{
	struct wh_mover *mover = &p->movers[k];
	double sum[LAGS] = { 0 };
	size_t both = 0;
	for (size_t i = 0; i < p->n; i++) {
		const float *correlation = p->correlation + (i * p->m + k) * LAGS;
		if (isnan(*correlation))
			continue;
		both++;
		for (size_t l = 0; l < LAGS; l++)
			sum[l] += correlation[l];
	}
	if (!both)
		return;
	for (int l = 0; l < LAGS; l++) { /* of equal ones the shortest */
		const int lag = l - WH_PRECEDENCE_LAG;
		const double r = sum[l] / (double)both;
		if (isnan(mover->correlation) || r > mover->correlation || (r == mover->correlation && abs(lag) < abs(mover->lag))) {
			mover->correlation = r;
			mover->lag = lag;
		}
	}
}

/* ---- both ---- */

static int first_first(const void *a, const void *b)
{
	const struct wh_mover *x = a, *y = b;
	if (x->of.rank != y->of.rank)
		return x->of.rank < y->of.rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int precede(struct preceding *p, const struct wh_host *host, struct wh_err *err)
{
	struct wh_precedence *of = calloc(p->m + 1, sizeof *of);
	if (!of)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = wh_parallel(host, "dating", p->n, 1, date_some, p, err);
	if (code == WH_OK)
		code = wh_precedence(p->before, p->n, p->m, of, err);
	for (size_t k = 0; code == WH_OK && k < p->m; k++)
		p->movers[k].of = of[k];
	free(of);
	if (code != WH_OK)
		return code;
	qsort(p->movers, p->m, sizeof *p->movers, first_first);
	WH_TRY(wh_parallel(host, "correlating", p->n, 1, follow_some, p, err));
	for (size_t k = 1; k < p->m; k++)
		find_lag(p, k);
	p->movers[0].correlation = 1;
	return WH_OK;
}

int wh_precede(const struct wh_dataset *data, const uint32_t *records, size_t n, const struct wh_host *host, struct wh_mover *movers, size_t m, size_t *asked,
	       struct wh_err *err)
{
	struct preceding p = { .data = data, .movers = movers, .m = m };
	const unsigned threads = wh_host_threads(host);
	uint32_t *sample;
	*asked = 0;
	for (size_t k = 0; k < m; k++)
		movers[k] = (struct wh_mover){ .name = movers[k].name, .of = { .lower = NAN, .median = NAN, .upper = NAN }, .correlation = NAN };
	if (!data->signal->series || !m)
		return WH_OK;
	WH_TRY(wh_sample_records(data, records, n, WH_PRECEDENCE_MOST, &sample, &p.n, err));
	p.sample = sample;
	p.before = malloc((p.n * m + 1) * sizeof *p.before);
	p.correlation = calloc(p.n * m * LAGS + 1, sizeof *p.correlation);
	p.arena = calloc(threads, sizeof *p.arena);
	int code = p.before && p.correlation && p.arena ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (unsigned i = 0; p.arena && i < threads; i++)
		wh_arena_init(&p.arena[i], SIZE_MAX);
	for (size_t i = 0; code == WH_OK && i < p.n * m; i++)
		p.before[i] = NAN;
	if (code == WH_OK)
		code = precede(&p, host, err);
	for (unsigned i = 0; p.arena && i < threads; i++)
		wh_arena_release(&p.arena[i]);
	free(p.arena);
	free(p.before);
	free(p.correlation);
	free(sample);
	*asked = p.n;
	return code;
}

void wh_mover_sentence(struct wh_str *text, const struct wh_mover *mover, const struct wh_mover *first, size_t asked)
{
	const struct wh_precedence *of = &mover->of;
	if (!of->rose) {
		wh_str_printf(text, "%s: never begins to rise", mover->name);
		return;
	}
	wh_str_printf(text, "%s: begins to rise %.0f steps before the end", mover->name, of->median);
	if (asked > 1)
		wh_str_printf(text, " (half: %.0f to %.0f; in %zu of %zu), as the first in %zu", of->lower, of->upper, of->rose, asked, of->first);
	if (mover == first || isnan(mover->correlation))
		return;
	if (mover->lag)
		wh_str_printf(text, "; moves %d step%s %s %s (correlation %.2f)", abs(mover->lag), abs(mover->lag) == 1 ? "" : "s",
			      mover->lag > 0 ? "after" : "before", first->name, mover->correlation);
	else
		wh_str_printf(text, "; moves together with %s (correlation %.2f)", first->name, mover->correlation);
}
