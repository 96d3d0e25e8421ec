/* SPDX-License-Identifier: Apache-2.0 */
/* What the session methods read from sessions, against the plain way: measures, columns, rows of every scale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kaboom.h"
#include "method/kaboom/homogenise.h"
#include "method/kaboom/measures.h"

enum { ROUNDS = 400 };

/* ---- measures ---- */

static void near(double a, double b)
{
	if (!(fabs(a - b) <= 1e-9 * fmax(1, fmax(fabs(a), fabs(b)))))
		fail_msg("%.17g is not %.17g", a, b);
}

static struct wh_measure plainly(const struct wh_metric *metric, uint32_t first, uint32_t n)
{
	struct wh_measure measure = { .metric = metric->name };
	double from = NAN, to = NAN, sum = 0;
	size_t present = 0;
	for (uint32_t t = first; t < first + n; t++) {
		double v = wh_metric_at(metric, t);
		if (isnan(v))
			continue;
		from = isnan(from) ? v : from;
		to = v;
		sum += v;
		present += v != 0;
	}
	measure.growth = isnan(from) ? 0 : to - from;
	measure.mean = present ? sum / (double)present : 0;
	measure.present = present > 0;
	return measure;
}

static void test_measures(void **state)
{
	struct wh_rng rng;
	struct made m;
	struct wh_err err = { 0 };
	(void)state;
	wh_rng_init(&rng, 1);
	made_init(&m);
	for (int round = 0; round < ROUNDS; round++) {
		struct wh_session *session;
		const struct wh_measure *measures;
		size_t n;
		made_any(&m, &rng, &session);
		uint32_t steps = (uint32_t)wh_rng_below(&rng, session->n_steps + 3);
		uint32_t first = steps && steps < session->n_steps ? session->n_steps - steps : 0;
		double all = 0, shares = 0;
		assert_int_equal(wh_measures(m.sessions.data[m.sessions.n - 1], steps, &m.arena, &measures, &n, &err), WH_OK);
		assert_int_equal(n, session->n_metrics);
		for (size_t i = 0; i < n; i++)
			all += fmax(0, plainly(&session->metrics[i], first, session->n_steps - first).growth);
		for (size_t i = 0; i < n; i++) {
			struct wh_measure plain = plainly(&session->metrics[i], first, session->n_steps - first);
			assert_string_equal(measures[i].metric, plain.metric);
			assert_int_equal(measures[i].present, plain.present);
			near(measures[i].growth, plain.growth);
			near(measures[i].mean, plain.mean);
			near(measures[i].share, all > 0 ? fmax(0, plain.growth) / all : 0);
			shares += measures[i].share;
		}
		near(shares, all > 0);
	}
	made_release(&m);
}

static void test_measures_of_nothing(void **state)
{
	struct wh_arena arena;
	const struct wh_measure *measures;
	struct wh_err err = { 0 };
	size_t n = 7;
	(void)state;
	wh_arena_init(&arena, SIZE_MAX);
	assert_int_equal(wh_measures((struct wh_bytes){ "", 0 }, 0, &arena, &measures, &n, &err), WH_OK);
	assert_int_equal(n, 0);
	assert_int_equal(wh_measures((struct wh_bytes){ "nonsense", 8 }, 0, &arena, &measures, &n, &err), WH_E_FORMAT);
	wh_arena_release(&arena);
}

/* ---- columns ---- */

static void test_columns(void **state)
{
	static const char *const have[4][4] = { { "b", "a", "zero" }, { "a", "c" }, { "a", "b" }, { "a", "d" } };
	struct wh_err err = { 0 };
	(void)state;
	for (int backwards = 0; backwards < 2; backwards++) { /* the order of sessions is all the same */
		struct wh_vocabulary v, again;
		struct wh_str saved = { 0 };
		struct made m;
		made_init(&m);
		wh_vocabulary_init(&v);
		for (int i = 0; i < 4; i++) {
			const char *const *names = have[backwards ? 3 - i : i];
			struct wh_session *session;
			for (int k = 0; names[k]; k++)
				for (int t = 0; t < 4; t++)
					wh_session_builder_row(&m.builder, names[k], strlen(names[k]), t, *names[k] == 'z' ? 0 : t < 2 ? 0 : 2 * t);
			made_finish(&m, &session);
			assert_int_equal(wh_vocabulary_count(&v, session, &err), WH_OK);
		}
		assert_int_equal(wh_vocabulary_fix(&v, 0.25, 1, &err), WH_OK);
		assert_int_equal(wh_vocabulary_size(&v), 2); /* c and d are in a quarter, not in more; what is always 0 is not there */
		assert_string_equal(wh_vocabulary_name(&v, 0), "a");
		assert_string_equal(wh_vocabulary_name(&v, 1), "b");
		assert_int_equal(wh_vocabulary_column(&v, "b"), 1);
		assert_int_equal(wh_vocabulary_column(&v, "c"), WH_VOCABULARY_NONE);
		near(wh_vocabulary_mean(&v, 0), 5); /* of 4 and 6: where it is present */
		wh_vocabulary_save(&v, &saved);
		wh_vocabulary_init(&again);
		struct wh_unpack r = { .rest = { saved.data, saved.n } };
		assert_int_equal(wh_vocabulary_load(&again, &r, &err), WH_OK);
		assert_int_equal(wh_unpack_check(&r, true, "model", &err), WH_OK);
		assert_int_equal(wh_vocabulary_column(&again, "b"), 1);
		near(wh_vocabulary_mean(&again, 1), 5);
		wh_vocabulary_release(&again);
		for (size_t cut = 0; cut < saved.n; cut++) { /* every shorter one is refused */
			wh_vocabulary_init(&again);
			r = (struct wh_unpack){ .rest = { saved.data, cut } };
			assert_int_equal(wh_vocabulary_load(&again, &r, &err), WH_E_FORMAT);
			wh_vocabulary_release(&again);
		}
		wh_str_release(&saved);
		wh_vocabulary_release(&v);
		made_release(&m);
	}
}

/* ---- rows ---- */

static const struct wh_param params[] = { WH_HOMOGENISER_PARAMS("minmax"), { 0 } };

static void homogeniser(struct wh_homogeniser *h, const char *scale, const char *steps, const struct made *m)
{
	struct wh_values values;
	struct wh_err err = { 0 };
	assert_int_equal(wh_values_init(&values, params, &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "scale", scale, &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "timesteps", steps, &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "threshold", "0.1", &err), WH_OK);
	wh_homogeniser_init(h, &values);
	assert_int_equal(wh_homogeniser_fit(h, m->sessions.data, m->sessions.n, NULL, &err), WH_OK);
	wh_values_release(&values);
}

/* The last readings of a metric, known throughout, behind zeros. */
static void readings(const struct wh_session *session, const char *name, uint32_t steps, double *value)
{
	const struct wh_metric *metric = wh_session_metric(session, name);
	for (uint32_t i = 0; i < steps; i++) {
		int64_t at = (int64_t)session->n_steps - steps + i;
		double v = at < 0 || !metric ? 0 : wh_metric_at(metric, (uint32_t)at);
		value[i] = !isnan(v) ? v : at > 0 && i ? value[i - 1] : 0;
	}
}

enum { STEPS = 12 };

/* What shares are shares of: the largest sum over metrics at any step that the session has. */
static double whole(const struct wh_session *session, bool growth, uint32_t from)
{
	double largest = 0;
	for (uint32_t t = from; t < STEPS; t++) {
		double sum = 0;
		for (size_t i = 0; i < session->n_metrics; i++) {
			double value[STEPS];
			readings(session, session->metrics[i].name, STEPS, value);
			sum += fmax(0, value[t] - (growth ? value[from] : 0));
		}
		largest = fmax(largest, sum);
	}
	return largest;
}

static double plain_cell(const struct wh_homogeniser *h, const struct wh_session *session, const double *value, uint32_t from, uint32_t t,
			 double mean, double deviation, double most_log)
{
	double lo = INFINITY, hi = -INFINITY, total;
	for (uint32_t i = 0; i < STEPS; i++) {
		lo = fmin(lo, value[i]);
		hi = fmax(hi, value[i]);
	}
	switch (h->scale) {
	case WH_SCALE_MINMAX:
		return hi > lo ? (value[t] - lo) / (hi - lo) : 0;
	case WH_SCALE_MAX:
		return hi > 0 || lo < 0 ? value[t] / fmax(hi, -lo) : 0;
	case WH_SCALE_LOG:
		return copysign(log1p(fabs(value[t])), value[t]) / fmax(1, most_log);
	case WH_SCALE_GROWTH_SHARE:
		total = whole(session, true, from);
		return t >= from && total > 0 ? sqrt(fmax(0, value[t] - value[from]) / total) : 0;
	case WH_SCALE_LEVEL_SHARE:
		total = whole(session, false, from);
		return total > 0 ? sqrt(fmax(0, value[t]) / total) : 0;
	case WH_SCALE_Z:
		return t >= from && deviation > 0 ? fmax(-10, fmin(10, (value[t] - mean) / deviation)) : 0;
	}
	return NAN;
}

static void check_rows(const char *scale, const struct made *m, struct wh_session *const *sessions)
{
	struct wh_homogeniser h;
	struct wh_arena scratch;
	struct wh_err err = { 0 };
	homogeniser(&h, scale, "12", m);
	wh_arena_init(&scratch, SIZE_MAX);
	size_t n_columns = wh_vocabulary_size(&h.vocabulary), n = m->sessions.n;
	double most_log = 0, *mean = calloc(n_columns, sizeof *mean), *square = calloc(n_columns, sizeof *square), value[STEPS], readings_n = 0;
	assert_true(n_columns > 3);
	for (size_t i = 0; i < n; i++) {
		uint32_t from = sessions[i]->n_steps < STEPS ? STEPS - sessions[i]->n_steps : 0;
		readings_n += STEPS - from;
		for (uint32_t c = 0; c < n_columns; c++) {
			readings(sessions[i], wh_vocabulary_name(&h.vocabulary, c), STEPS, value);
			for (uint32_t t = from; t < STEPS; t++) {
				mean[c] += value[t];
				square[c] += value[t] * value[t];
				most_log = fmax(most_log, log1p(fabs(value[t])));
			}
		}
	}
	float *row = malloc(wh_homogeniser_width(&h) * sizeof *row);
	for (size_t i = 0; i < n; i++) {
		uint32_t from = sessions[i]->n_steps < STEPS ? STEPS - sessions[i]->n_steps : 0;
		double missing;
		wh_arena_reset(&scratch);
		assert_int_equal(wh_homogenise(&h, sessions[i], &scratch, row, &missing, &err), WH_OK);
		assert_true(missing >= 0 && missing <= 1);
		for (uint32_t c = 0; c < n_columns; c++) {
			double average = mean[c] / readings_n, variance = square[c] / readings_n - average * average;
			readings(sessions[i], wh_vocabulary_name(&h.vocabulary, c), STEPS, value);
			for (uint32_t t = 0; t < STEPS; t++) {
				double plain = plain_cell(&h, sessions[i], value, from, t, average, variance > 0 ? sqrt(variance) : 0, most_log);
				if (fabs(plain - row[c * STEPS + t]) > 1e-5)
					fail_msg("%s: session %zu, %s, step %u: %.9g, not %.9g", scale, i, wh_vocabulary_name(&h.vocabulary, c), t,
						 row[c * STEPS + t], plain);
			}
		}
	}
	free(row);
	free(mean);
	free(square);
	wh_arena_release(&scratch);
	wh_homogeniser_release(&h);
}

static void test_rows(void **state)
{
	static const char *const scales[] = { "minmax", "max", "log", "growth-share", "level-share", "z" };
	struct wh_session *sessions[60];
	struct wh_rng rng;
	struct made m;
	(void)state;
	made_init(&m);
	wh_rng_init(&rng, 2);
	for (size_t i = 0; i < 60; i++) {
		char name[8];
		unsigned steps = 1 + (unsigned)wh_rng_below(&rng, 25);
		for (unsigned k = 0; k < 12; k++) {
			snprintf(name, sizeof name, "m%u", k);
			for (unsigned t = 0; wh_rng_below(&rng, 3) && t < steps; t++)
				wh_session_builder_row(&m.builder, name, strlen(name), t,
						       wh_rng_below(&rng, 9) ? floor(1000 * wh_rng_real(&rng)) - 200 : NAN);
		}
		wh_session_builder_row(&m.builder, "m0", 2, steps - 1, 1);
		wh_session_builder_row(&m.builder, "m0", 2, 0, 2);
		made_finish(&m, &sessions[i]);
	}
	for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
		check_rows(scales[i], &m, sessions);
	made_release(&m);
}

/* Readings that no float holds stay finite. */
static void test_rows_of_extremes(void **state)
{
	static const char *const scales[] = { "minmax", "max", "log", "growth-share", "level-share", "z" };
	struct wh_rng rng;
	struct made m;
	struct wh_session *sessions[80];
	struct wh_err err = { 0 };
	(void)state;
	wh_rng_init(&rng, 3);
	made_init(&m);
	for (size_t i = 0; i < 80; i++)
		made_any(&m, &rng, &sessions[i]);
	for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
		struct wh_homogeniser h;
		homogeniser(&h, scales[k], "12", &m);
		float *row = malloc(wh_homogeniser_width(&h) * sizeof *row);
		for (size_t i = 0; i < 80; i++) {
			double missing;
			assert_int_equal(wh_homogenise(&h, sessions[i], &m.arena, row, &missing, &err), WH_OK);
			assert_true(missing >= 0 && missing <= 1);
			for (size_t c = 0; c < wh_homogeniser_width(&h); c++)
				assert_true(isfinite(row[c]));
		}
		free(row);
		wh_homogeniser_release(&h);
	}
	made_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_measures),
		cmocka_unit_test(test_measures_of_nothing),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rows_of_extremes),
	};
	return cmocka_run_group_tests_name("kaboom rows", tests, NULL, NULL);
}
