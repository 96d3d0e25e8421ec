/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

enum { GRAIN = 8, FEW = 24 };
static const size_t READINGS_AT_ONCE = (size_t)1 << 25;

/* ---- quantiles ---- */

static int ascending(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

static void swap(double *v, size_t i, size_t j)
{
	double kept = v[i];
	v[i] = v[j];
	v[j] = kept;
}

static double middle_of(double a, double b, double c)
{
	return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

/* v[k] becomes what it would be if v were sorted; nothing before it is larger, nothing behind it smaller (Hoare's quickselect; sorted where the
 * pivots are bad for too long). */
static void put_in_place(double *v, size_t n, size_t k)
{
	size_t first = 0, last = n, rounds = 0; /* where it is: first … last - 1 */
	for (size_t size = n; size; size /= 2)
		rounds += 4;
	while (last - first > FEW && rounds--) {
		double pivot = middle_of(v[first], v[first + (last - first) / 2], v[last - 1]);
		size_t i = first, j = last - 1;
		for (;;) { /* stops at what equals the pivot, so that equal numbers part in halves */
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i >= j)
				break;
			swap(v, i++, j--);
		}
		/* before i nothing is larger than the pivot, from i on nothing is smaller; where they met it is the pivot itself */
		if (k < i)
			last = i;
		else if (i > j)
			first = i;
		else if (k == i)
			return;
		else
			first = i + 1;
	}
	qsort(v + first, last - first, sizeof *v, ascending);
}

double wh_quantile(double *v, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t low = (size_t)at;
	put_in_place(v, n, low);
	if (low + 1 == n)
		return v[low];
	double next = v[low + 1];
	for (size_t i = low + 2; i < n; i++)
		next = v[i] < next ? v[i] : next;
	const double part = at - (double)low, apart = next - v[low];
	return isfinite(apart) ? v[low] + part * apart : (1 - part) * v[low] + part * next; /* from one end of the range to the other */
}

static double deviation(const double *v, size_t n)
{
	double mean = 0, square = 0;
	for (size_t i = 0; i < n; i++)
		mean += v[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		square += (v[i] - mean) * (v[i] - mean) / (double)n;
	return sqrt(square);
}

/* ---- readings ---- */

struct scaling {
	const struct wh_vocabulary *v;
	const struct wh_bytes *sessions;
	struct wh_arena *scratch;
	double *middle, *spread;
	size_t n, most;        /* sessions; steps of all of them */
	size_t *start;         /* n + 1: where a session's steps begin among all */
	uint32_t first, last;  /* columns that are held */
	double *reading;       /* (last - first) x most */
};

static int measure_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct scaling *s = user;
	for (size_t i = first; i < last; i++) {
		struct wh_session *session;
		wh_arena_reset(&s->scratch[worker]);
		WH_TRY(wh_session_unpack(s->sessions[i], &s->scratch[worker], &session, err));
		s->start[i + 1] = session->n_steps;
	}
	return WH_OK;
}

static int gather_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct scaling *s = user;
	for (size_t i = first; i < last; i++) {
		struct wh_session *session;
		wh_arena_reset(&s->scratch[worker]);
		WH_TRY(wh_session_unpack(s->sessions[i], &s->scratch[worker], &session, err));
		for (uint32_t column = s->first, at = 0; column < s->last; column++) { /* both in the order of names */
			const char *name = wh_vocabulary_name(s->v, column);
			const struct wh_metric nothing = { 0 };
			int order = 1;
			while (at < session->n_metrics && (order = strcmp(session->metrics[at].name, name)) < 0)
				at++;
			wh_metric_expand(order ? &nothing : &session->metrics[at], 0, session->n_steps,
					 s->reading + (column - s->first) * s->most + s->start[i]);
		}
	}
	return WH_OK;
}

static bool is_usable(double spread)
{
	return spread > 0 && isfinite(spread);
}

static int scale_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct scaling *s = user;
	(void)worker;
	(void)err;
	for (size_t i = first; i < last; i++) {
		double *reading = s->reading + i * s->most, *middle = &s->middle[s->first + i], *spread = &s->spread[s->first + i];
		size_t n = 0;
		for (size_t t = 0; t < s->most; t++)
			if (!isnan(reading[t]))
				reading[n++] = reading[t];
		*middle = n ? wh_quantile(reading, n, 0.5) : 0;
		*spread = n ? (wh_quantile(reading, n, 0.75) - wh_quantile(reading, n, 0.25)) / 1.349 : 0;
		if (n && !is_usable(*spread))
			*spread = deviation(reading, n);
		*spread = is_usable(*spread) ? *spread : 1;
	}
	return WH_OK;
}

static int scale_all(struct scaling *s, const struct wh_host *host, struct wh_err *err)
{
	size_t n_columns = wh_vocabulary_size(s->v);
	WH_TRY(wh_parallel(host, NULL, s->n, GRAIN, measure_some, s, err));
	for (size_t i = 0; i < s->n; i++)
		s->start[i + 1] += s->start[i];
	s->most = s->start[s->n];
	size_t at_once = READINGS_AT_ONCE / (s->most ? s->most : 1);
	at_once = at_once < 1 ? 1 : at_once < n_columns ? at_once : n_columns;
	s->reading = malloc((at_once * s->most + 1) * sizeof *s->reading);
	if (!s->reading)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t first = 0, last; first < n_columns; first = last) {
		last = n_columns - first < at_once ? n_columns : first + at_once;
		s->first = (uint32_t)first;
		s->last = (uint32_t)last;
		WH_TRY(wh_parallel(host, NULL, s->n, GRAIN, gather_some, s, err));
		WH_TRY(wh_parallel(host, NULL, last - first, 1, scale_some, s, err));
	}
	return WH_OK;
}

int wh_scales_fit(const struct wh_vocabulary *v, const struct wh_bytes *sessions, size_t n, double *middle, double *spread, struct wh_arena *scratch,
		  const struct wh_host *host, struct wh_err *err)
{
	struct scaling s = { .v = v, .sessions = sessions, .scratch = scratch, .middle = middle, .spread = spread, .n = n };
	s.start = calloc(n + 1, sizeof *s.start);
	int code = s.start ? scale_all(&s, host, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	free(s.start);
	free(s.reading);
	return code;
}
