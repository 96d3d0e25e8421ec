/* SPDX-License-Identifier: Apache-2.0 */
/* What grew and stopped: as of each end a metric is what it is in a session that was cut there; kinds that stopped long before the end are
 * found, and found again through bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kaboom.h"
#include "learn/quality.h"
#include "method/kaboom/growth.h"
#include "method/kaboom/methods.h"

enum { KINDS = 4, POINTS = 60, LATER = 8, SESSIONS = 300 };

static struct wh_growth growth_of_first(const struct wh_metric *metric, uint32_t steps, struct wh_arena *arena)
{
	struct wh_metric cut = *metric;
	struct wh_change *scratch = wh_arena_alloc(arena, (metric->n_changes + 1) * sizeof *scratch);
	assert_non_null(scratch);
	while (cut.n_changes && cut.changes[cut.n_changes - 1].step >= steps)
		cut.n_changes--;
	return wh_growth_of(&cut, steps, false, scratch);
}

static void test_ends_are_cuts(void **state)
{
	struct made m;
	struct wh_rng rng;
	struct wh_arena arena;
	size_t grew = 0;
	(void)state;
	wh_rng_init(&rng, 3);
	wh_arena_init(&arena, SIZE_MAX);
	made_init(&m);
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct wh_session *session;
		struct wh_growth *growths;
		struct wh_err err = { 0 };
		if (i % 2) {
			made_leak(&m, &rng, i % 3, 5, 2 + (unsigned)wh_rng_below(&rng, 40));
			made_finish(&m, &session);
		} else
			made_any(&m, &rng, &session);
		assert_int_equal(wh_growths(session, true, &arena, &growths, &err), WH_OK);
		for (size_t k = 0; k < session->n_metrics; k++) {
			double sum = 0;
			for (uint32_t end = 0; end < WH_GROWTH_ENDS; end++) {
				uint32_t steps = (session->n_steps * (8 - end) + 7) / 8;
				assert_true(growths[k].earlier[end] == growth_of_first(&session->metrics[k], steps, &arena).f);
				sum += sqrt(growths[k].earlier[end]);
			}
			assert_true(growths[k].f == growths[k].earlier[0] && isfinite(sum));
			assert_true(fabs(wh_growth_earlier(&growths[k]) - sum) <= 1e-12 * sum);
			grew += growths[k].earlier[3] > 0;
		}
		double still = wh_growth_still(growths, session->n_metrics);
		assert_true(still >= 0 && still <= 1);
		wh_arena_reset(&arena);
	}
	assert_true(grew > SESSIONS);
	assert_true(wh_growth_still(NULL, 0) == 1);
	wh_arena_release(&arena);
	made_release(&m);
}

/* A leak of its kind that goes on for some part of the session, and what creeps to the end in all of them. */
static void add_session(struct made *m, struct wh_rng *rng, unsigned kind, double part)
{
	char name[32];
	unsigned steps = 80 + (unsigned)wh_rng_below(rng, 80), until = (unsigned)(part * steps);
	double rate = 20 + 400 * wh_rng_real(rng);
	for (unsigned t = 0; t < steps; t++) {
		for (unsigned k = 0; k < 3; k++) {
			snprintf(name, sizeof name, "leak%u.%u", kind, k);
			wh_session_builder_row(&m->builder, name, strlen(name), t, floor(rate * (k + 1) * (t < until ? t : until)));
		}
		wh_session_builder_row(&m->builder, "history", strlen("history"), t, floor(t / 3.0));
	}
	made_finish(m, NULL);
}

static void *open_space(const struct wh_method *method)
{
	struct wh_values values;
	struct wh_err err = { 0 };
	void *space;
	assert_int_equal(wh_values_init(&values, method->params, &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "k", "4", &err), WH_OK);
	assert_int_equal(method->open(method, &values, &space, &err), WH_OK);
	wh_values_release(&values);
	return space;
}

static void add(const struct wh_method *method, void *space, const struct made *m, size_t from, size_t to)
{
	struct wh_err err = { 0 };
	for (size_t i = from; i < to; i++)
		assert_int_equal(method->add(space, m->sessions.data[i], &err), WH_OK);
}

static void test_stopped_kinds_are_found(void **state)
{
	const struct wh_method *method = &wh_method_session;
	const struct wh_host host = { .threads = 2, .seed = 1 };
	struct wh_str saved = { 0 };
	struct wh_err err = { 0 };
	struct wh_quality quality;
	struct wh_rng rng;
	struct made m;
	uint32_t kind[POINTS + LATER], weight[POINTS], of[POINTS];
	size_t n;
	(void)state;
	wh_rng_init(&rng, 9);
	made_init(&m);
	for (unsigned i = 0; i < POINTS + LATER; i++) {
		kind[i] = i % KINDS;
		add_session(&m, &rng, kind[i], i % 10 ? 0.4 + 0.3 * wh_rng_real(&rng) : 1); /* of a few it goes on */
	}
	for (size_t i = 0; i < POINTS; i++)
		weight[i] = 1;
	void *space = open_space(method), *other = open_space(method);
	add(method, space, &m, 0, POINTS);
	assert_int_equal(method->freeze(space, &host, &err), WH_OK);
	assert_int_equal(method->group(space, weight, &host, of, &n, &err), WH_OK);
	assert_int_equal(n, KINDS);
	assert_int_equal(wh_quality(POINTS, kind, of, &quality, &err), WH_OK);
	assert_true(quality.ari == 1);

	assert_int_equal(method->save(space, &saved, &err), WH_OK);
	assert_int_equal(method->load(other, (struct wh_bytes){ saved.data, saved.n }, &err), WH_OK);
	add(method, other, &m, 0, POINTS);
	assert_int_equal(method->freeze(other, &host, &err), WH_OK);
	add(method, space, &m, POINTS, POINTS + LATER);
	add(method, other, &m, POINTS, POINTS + LATER);
	for (size_t i = POINTS; i < POINTS + LATER; i++) {
		struct wh_location a, b;
		assert_int_equal(method->locate(space, i, &a, &err), WH_OK);
		assert_int_equal(method->locate(other, i, &b, &err), WH_OK);
		assert_int_equal(a.group, of[kind[i]]);
		assert_int_equal(b.group, a.group);
		assert_true(fabs(a.distance - b.distance) <= 1e-6);
	}
	wh_str_release(&saved);
	method->close(space);
	method->close(other);
	made_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_are_cuts),
		cmocka_unit_test(test_stopped_kinds_are_found),
	};
	return cmocka_run_group_tests_name("what grew earlier", tests, NULL, NULL);
}
