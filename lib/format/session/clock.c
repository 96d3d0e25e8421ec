/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/clock.h"

#include <math.h>
#include <stdlib.h>

#include "base/real.h"
#include "base/time.h"
#include "format/scan.h"

bool wh_session_when(const char *text, size_t n, double *time_s)
{
	int64_t ns;
	size_t digits = 0;
	while (digits < n && wh_is_digit(text[digits]))
		digits++;
	if (digits && digits == n && digits >= 12 && digits <= 20) {
		double unit = digits >= 18 ? 1e9 : digits >= 15 ? 1e6 : 1e3;
		if (!wh_real_parse(text, n, time_s))
			return false;
		*time_s /= unit;
		return true;
	}
	if (wh_real_parse(text, n, time_s))
		return isfinite(*time_s);
	if (wh_time_parse(text, n, &ns))
		return false;
	*time_s = (double)ns / 1e9;
	return true;
}

void wh_session_clock_init(struct wh_session_clock *clock)
{
	*clock = (struct wh_session_clock){ .ascending = true };
}

void wh_session_clock_release(struct wh_session_clock *clock)
{
	wh_vec_release(&clock->time_s);
}

int64_t wh_session_clock_step(struct wh_session_clock *clock, double time_s)
{
	size_t n = clock->time_s.n;
	if (n && clock->time_s.data[n - 1] == time_s)
		return (int64_t)n - 1;
	clock->ascending &= !n || clock->time_s.data[n - 1] < time_s;
	clock->failed |= wh_vec_push(&clock->time_s, time_s);
	return (int64_t)n;
}

struct moment {
	double time_s;
	size_t number;
};

static int by_time(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;
	return x->time_s < y->time_s ? -1 : x->time_s > y->time_s ? 1 : x->number < y->number ? -1 : x->number > y->number;
}

/* The times ascending, each once; step[number] is where a time went. */
static int sort_times(struct wh_session_clock *clock, int64_t *step)
{
	size_t n = clock->time_s.n, distinct = 0;
	struct moment *moments = malloc((n + 1) * sizeof *moments);
	if (!moments)
		return WH_E_NOMEM;
	for (size_t i = 0; i < n; i++)
		moments[i] = (struct moment){ clock->time_s.data[i], i };
	qsort(moments, n, sizeof *moments, by_time);
	for (size_t i = 0; i < n; i++) {
		if (!i || moments[i].time_s != clock->time_s.data[distinct - 1])
			clock->time_s.data[distinct++] = moments[i].time_s;
		step[moments[i].number] = (int64_t)distinct - 1;
	}
	clock->time_s.n = distinct;
	free(moments);
	return WH_OK;
}

int wh_session_clock_settle(struct wh_session_clock *clock, struct wh_session_builder *b, struct wh_err *err)
{
	size_t n = clock->time_s.n;
	int code = clock->failed ? WH_E_NOMEM : WH_OK;
	if (code == WH_OK && !clock->ascending) {
		int64_t *step = malloc((n + 1) * sizeof *step);
		code = step ? sort_times(clock, step) : WH_E_NOMEM;
		for (size_t i = 0; code == WH_OK && i < b->rows.n; i++)
			b->rows.data[i].step = step[b->rows.data[i].step];
		free(step);
	}
	for (size_t i = 0; code == WH_OK && i < clock->time_s.n; i++)
		wh_session_builder_row(b, "@time_s", 7, (int64_t)i, clock->time_s.data[i]);
	clock->time_s.n = 0;
	clock->failed = false;
	clock->ascending = true;
	return code == WH_OK ? WH_OK : wh_err_set(err, code, "out of memory");
}
