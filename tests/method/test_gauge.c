/* SPDX-License-Identifier: Apache-2.0 */
/* Gauges, their convolutions and their readings beside the slow way: sums one after the other, in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "method/kaboom/gauge.h"
#include "method/kaboom/known.h"
#include "method/kaboom/minirocket.h"
#include "method/kaboom/scale.h"

/* u[n], and numbers behind. */
static float *readings(struct wh_rng *rng, size_t n, double level)
{
	float *u = malloc((n + WH_GAUGE_SLACK) * sizeof *u);
	assert_non_null(u);
	for (size_t t = 0; t < n + WH_GAUGE_SLACK; t++)
		u[t] = (float)(level + wh_rng_real(rng) * 4 - 2);
	return u;
}

static void scaled(void **state)
{
	static const double reading[] = { 5, 7, -1e308, 1e308, 5 + 1e-9, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 9 };
	enum { N = sizeof reading / sizeof *reading };
	float x[N + 1];
	(void)state;
	x[N] = 3;
	wh_gauge_scale(reading, N, 5, 0.5, x);
	for (size_t t = 0; t < N; t++) {
		double expected = (reading[t] - 5) * 0.5;
		assert_true(fabs(expected) > FLT_MAX ? isinf(x[t]) : fabs(x[t] - expected) <= 1e-7 * fabs(expected));
	}
	assert_true(x[N] == 3);
}

static void check_summary(const float *u, size_t n)
{
	float found[WH_GAUGE_SUMMARIES * 3];
	double mean = 0, square = 0, change = 0, step = 0, rough = 0;
	size_t half = n / 2 ? n / 2 : 1;
	for (size_t t = 0; t < n; t++)
		mean += u[t] / (double)n;
	for (size_t t = 0; t < n; t++)
		square += (u[t] - mean) * (u[t] - mean) / (double)n;
	for (size_t t = 0; t < half; t++)
		change += ((double)u[n - half + t] - u[t]) / (double)half;
	for (size_t t = 0; t + 1 < n; t++)
		step += ((double)u[t + 1] - u[t]) / (double)(n - 1);
	for (size_t t = 0; t + 1 < n; t++)
		rough += (u[t + 1] - u[t] - step) * (u[t + 1] - u[t] - step) / (double)(n - 1);
	wh_gauge_summarise(u, n, found, 3);
	assert_true(fabs(found[0] - mean) < 1e-5);
	assert_true(fabs(found[3] - sqrt(square)) < 1e-5);
	assert_true(fabs(found[6] - change) < 1e-5);
	assert_true(fabs(found[9] - sqrt(rough)) < 1e-5);
}

static void summaries(void **state)
{
	struct wh_rng rng;
	(void)state;
	wh_rng_init(&rng, 1);
	for (size_t n = 1; n < 5000; n += n < 70 ? 1 : n / 3) {
		float *u = readings(&rng, n, (double)(n % 7));
		check_summary(u, n);
		free(u);
	}
	static const size_t blocks[] = { 1023, 1024, 1025, 2047, 2048, 2049 };
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
		float *u = readings(&rng, blocks[i], 0);
		check_summary(u, blocks[i]);
		free(u);
	}
}

static void resampled(void **state)
{
	static const size_t steps[] = { 1, 2, 9, 16, 60, 100, 256 };
	struct wh_rng rng;
	struct wh_arena arena;
	struct wh_err err = { 0 };
	int32_t even[256];
	(void)state;
	wh_rng_init(&rng, 2);
	wh_arena_init(&arena, SIZE_MAX);
	for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
		for (size_t n = 1; n < 300; n += 13) {
			struct wh_gauge_grid grid;
			float *u = readings(&rng, n, 0);
			assert_int_equal(wh_gauge_grid_init(&grid, n, steps[s], &arena, &err), WH_OK);
			memset(even, 1, sizeof even);
			wh_gauge_resample(&grid, u, n, even);
			for (size_t i = 0; i < wh_gauge_stride(steps[s]); i++) {
				double at = steps[s] > 1 ? (double)(i * (n - 1)) / (double)(steps[s] - 1) : 0;
				size_t left = (size_t)at;
				double value = i < steps[s] ? u[left] + (at - (double)left) * ((left + 1 < n ? u[left + 1] : 0) - (double)u[left]) : 0;
				assert_true(fabs(even[i] * WH_GAUGE_UNIT - value) <= (i < steps[s] ? 3 * WH_GAUGE_UNIT : 0));
			}
			wh_gauge_resample(&grid, u, 1, even); /* does not move */
			for (size_t i = 0; i < steps[s]; i++)
				assert_int_equal(even[i], (int32_t)rintf(u[0] * (float)(1 / WH_GAUGE_UNIT)));
			free(u);
			wh_arena_reset(&arena);
		}
	wh_arena_release(&arena);
}

/* ---- convolutions ---- */

enum { CHANNELS = 5, MOST_STEPS = 256 };

/* The share of steps at which kernel k of a series is above bias j. */
static double share(const struct wh_minirocket *m, const int32_t *series, size_t k, size_t j)
{
	const struct wh_minirocket_kernel *kernel = &m->kernel[k];
	size_t above = 0;
	for (size_t t = 0; t < m->steps; t++) {
		int64_t sum = 0;
		for (int place = 0; place < 9; place++) {
			int64_t at = (int64_t)t + (place - 4) * (int64_t)kernel->dilation;
			bool heavy = kernel->place[0] == (uint32_t)place || kernel->place[1] == (uint32_t)place || kernel->place[2] == (uint32_t)place;
			for (uint32_t c = 0; at >= 0 && at < (int64_t)m->steps && c < kernel->n; c++)
				sum += (heavy ? 2 : -1) * (int64_t)series[m->channel[kernel->first + c] * wh_gauge_stride(m->steps) + (size_t)at];
		}
		above += sum > m->bias[k * m->per + j];
	}
	return (double)above / (double)m->steps;
}

static int32_t *make_series(struct wh_rng *rng, size_t steps, int32_t most)
{
	int32_t *series = calloc(CHANNELS * wh_gauge_stride(steps), sizeof *series);
	assert_non_null(series);
	for (size_t c = 0; c < CHANNELS; c++)
		for (size_t t = 0; t < steps; t++)
			series[c * wh_gauge_stride(steps) + t] = (int32_t)(most * (2 * wh_rng_real(rng) - 1));
	return series;
}

static void convolutions(void **state)
{
	static const size_t steps[] = { 9, 16, 17, 33, 100, MOST_STEPS };
	struct wh_rng rng;
	struct wh_err err = { 0 };
	(void)state;
	wh_rng_init(&rng, 3);
	for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
		struct wh_minirocket m;
		int32_t *series[3], most = s == 4 ? 19884106 : 1 << 18; /* 2^31 / 108: the farthest that there may be */
		assert_int_equal(wh_minirocket_init(&m, CHANNELS, steps[s], &err), WH_OK);
		for (size_t i = 0; i < 3; i++)
			series[i] = make_series(&rng, steps[s], most);
		memcpy(series[1], series[0], CHANNELS * wh_gauge_stride(steps[s]) * sizeof **series); /* ties: biases are results */
		assert_int_equal(wh_minirocket_fit(&m, (const int32_t *const *)series, 3, &err), WH_OK);
		int32_t *scratch = malloc(wh_minirocket_scratch(&m) * sizeof *scratch);
		float *feature = malloc(wh_minirocket_features(&m) * sizeof *feature);
		assert_non_null(scratch);
		assert_non_null(feature);
		wh_minirocket_apply(&m, series[2], scratch, feature);
		double mean = 0;
		for (size_t k = 0; k < m.n; k++)
			for (size_t j = 0; j < m.per; j++) {
				assert_true(fabs(feature[k * m.per + j] - share(&m, series[2], k, j)) < 1e-6);
				mean += feature[k * m.per + j] / (double)wh_minirocket_features(&m);
			}
		assert_true(mean > 0.3 && mean < 0.7); /* biases are quantiles */
		for (size_t i = 0; i < 3; i++)
			free(series[i]);
		free(scratch);
		free(feature);
		wh_minirocket_release(&m);
	}
}

/* ---- readings ---- */

static void check_known(const struct wh_metric *metric, uint32_t n)
{
	double value[40], expected[40];
	struct wh_change known[41];
	size_t n_known = wh_known_changes(metric, n, known), read = wh_known_read(metric, n, value);
	wh_known_expand(known, n_known, 0, n, expected);
	if (!n_known) {
		assert_int_equal(read, 0);
		return;
	}
	bool moves = false;
	for (uint32_t t = 0; t < n; t++)
		moves |= expected[t] != expected[0];
	assert_true(read == n || (read == 1 && !moves));
	assert_true(moves || read == 1 || metric->n_changes == n);
	for (size_t t = 0; t < read; t++)
		assert_true(value[t] == expected[t]);
}

static void known_readings(void **state)
{
	struct wh_rng rng;
	(void)state;
	wh_rng_init(&rng, 4);
	check_known(&(struct wh_metric){ 0 }, 0);
	for (size_t i = 0; i < 20000; i++) {
		struct wh_change changes[40];
		uint32_t n = 1 + (uint32_t)wh_rng_below(&rng, 40);
		struct wh_metric metric = { "m", changes, 0 };
		double density = wh_rng_real(&rng) * 1.5, before = 0;
		for (uint32_t t = 0; t < n; t++) {
			double value = wh_rng_real(&rng) < 0.3 ? NAN : (double)wh_rng_below(&rng, 3);
			if (wh_rng_real(&rng) < density && !(value == before || (isnan(value) && isnan(before)))) {
				changes[metric.n_changes++] = (struct wh_change){ t, value };
				before = value;
			}
		}
		check_known(&metric, n);
	}
	for (uint32_t n = 1; n < 40; n++) { /* another reading at every step */
		struct wh_change changes[40];
		for (uint32_t t = 0; t < n; t++)
			changes[t] = (struct wh_change){ t, t + 1 };
		check_known(&(struct wh_metric){ "m", changes, n }, n);
	}
}

/* ---- quantiles ---- */

static int ascending(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

/* Number i of n, in orders that are hard on pivots. */
static double number(struct wh_rng *rng, int order, size_t i, size_t n)
{
	switch (order) {
	case 0: return (double)i;
	case 1: return -(double)i;
	case 2: return (double)(i % 2 ? i : n - i);
	case 3: return (double)(i < n / 2 ? i : n - i); /* up and down */
	case 4: return 3;
	case 5: return (double)wh_rng_below(rng, 4);
	default: return wh_rng_real(rng) - 0.5;
	}
}

static void quantiles(void **state)
{
	static const double shares[] = { 0, 0.1, 0.25, 0.5, 0.75, 0.999, 1 };
	enum { MOST = 5000, SHARES = sizeof shares / sizeof *shares };
	static double v[MOST], sorted[MOST];
	struct wh_rng rng;
	(void)state;
	wh_rng_init(&rng, 5);
	for (int order = 0; order < 8; order++)
		for (size_t n = 1; n <= MOST; n += n < 60 ? 1 : n / 2) {
			for (size_t i = 0; i < n; i++)
				v[i] = sorted[i] = number(&rng, order, i, n);
			qsort(sorted, n, sizeof *sorted, ascending);
			for (size_t k = 0; k < SHARES; k++) { /* one after the other in what the last has left */
				double at = shares[k] * (double)(n - 1);
				size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;
				double expected = sorted[low] + (at - (double)low) * (sorted[high] - sorted[low]);
				assert_true(wh_quantile(v, n, shares[k]) == expected);
			}
			qsort(v, n, sizeof *v, ascending); /* none was lost */
			assert_memory_equal(v, sorted, n * sizeof *v);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scaled),
		cmocka_unit_test(summaries),
		cmocka_unit_test(resampled),
		cmocka_unit_test(convolutions),
		cmocka_unit_test(known_readings),
		cmocka_unit_test(quantiles),
	};
	return cmocka_run_group_tests_name("gauges", tests, NULL, NULL);
}
