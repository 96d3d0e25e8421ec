/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of sessions, called as the pipeline calls them: planted kinds are found again, whatever the order, the threads, the detour over
 * bytes; empty, equal and single points; what is new; what fails. */
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
#include "learn/quality.h"
#include "method/kaboom/methods.h"

enum { KINDS = 4, EACH = 20, POINTS = KINDS * EACH, MOST = 400 };

/* The methods, quick to train. */
struct setup {
	const struct wh_method *method;
	const char *const *values; /* name, value, …, NULL */
	double rounding; /* of distances, between ways to come to them: what is outside is a difference of large numbers */
};

static const char *const default_values[] = { NULL };
static const char *const vae_values[] = { "network", "vae", "scale", "growth-share", "timesteps", "30", "hidden", "32", "latent", "8",
					  "epochs", "60", "batch", "16", "learning-rate", "0.002", "dec", "4", NULL };
static const char *const ae_values[] = { "network", "ae", "scale", "growth-share", "timesteps", "30", "hidden", "32", "latent", "8",
					 "epochs", "60", "batch", "16", "learning-rate", "0.002", "dec", "0", NULL };
static const char *const axes_values[] = { "network", "none", "scale", "growth-share", "timesteps", "30", "latent", "8", NULL };
static const struct setup setups[] = {
	{ &wh_method_session, default_values, 1e-6 },
	{ &wh_method_kaboom, vae_values, 0.02 },
	{ &wh_method_kaboom, ae_values, 0.02 },
	{ &wh_method_kaboom, axes_values, 0.02 },
};
enum { SETUPS = sizeof setups / sizeof *setups };

static const struct wh_bytes EMPTY = { "", 0 };

/* ---- a space ---- */

static void *open_space(const struct setup *setup, const char *k, const char *holdback)
{
	struct wh_values values;
	struct wh_err err = { 0 };
	void *space;
	assert_int_equal(wh_values_init(&values, setup->method->params, &err), WH_OK);
	for (const char *const *v = setup->values; *v; v += 2)
		assert_int_equal(wh_values_set(&values, v[0], v[1], &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "k", k, &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "holdback", holdback, &err), WH_OK);
	assert_int_equal(setup->method->open(setup->method, &values, &space, &err), WH_OK);
	wh_values_release(&values);
	return space;
}

static void add(const struct setup *setup, void *space, struct wh_bytes session)
{
	struct wh_err err = { 0 };
	int code = setup->method->add(space, session, &err);
	if (code != WH_OK)
		fail_msg("add: %s", err.message);
}

static void freeze(const struct setup *setup, void *space, unsigned threads)
{
	const struct wh_host host = { .threads = threads, .seed = 1 };
	struct wh_err err = { 0 };
	int code = setup->method->freeze(space, &host, &err);
	if (code != WH_OK)
		fail_msg("freeze: %s", err.message);
}

static size_t group(const struct setup *setup, void *space, const uint32_t *weight, unsigned threads, uint32_t *of)
{
	static uint32_t one[MOST];
	const struct wh_host host = { .threads = threads, .seed = 1 };
	struct wh_err err = { 0 };
	size_t n;
	for (size_t i = 0; i < MOST; i++)
		one[i] = 1;
	int code = setup->method->group(space, weight ? weight : one, &host, of, &n, &err);
	if (code != WH_OK)
		fail_msg("group: %s", err.message);
	return n;
}

static struct wh_location locate(const struct setup *setup, void *space, size_t i)
{
	struct wh_location at;
	struct wh_err err = { 0 };
	assert_int_equal(setup->method->locate(space, i, &at, &err), WH_OK);
	assert_true(at.distance >= 0 && isfinite(at.distance));
	assert_true(isnan(at.p_value) || (at.p_value > 0 && at.p_value <= 1));
	return at;
}

/* POINTS sessions, kind i % KINDS, then as many of a kind of their own. */
static void make(struct made *m, uint32_t *kind)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 5);
	made_init(m);
	for (unsigned i = 0; i < 2 * POINTS; i++) {
		kind[i] = i < POINTS ? i % KINDS : KINDS;
		made_leak(m, &rng, kind[i], 40, 30 + (unsigned)wh_rng_below(&rng, 30));
		made_finish(m, NULL);
	}
}

static double ari(const uint32_t *truth, const uint32_t *of, size_t n)
{
	struct wh_quality quality;
	struct wh_err err = { 0 };
	assert_int_equal(wh_quality(n, truth, of, &quality, &err), WH_OK);
	return quality.ari;
}

/* ---- */

static void test_kinds_are_found(void **state)
{
	struct made m;
	uint32_t kind[2 * POINTS], of[POINTS], again[POINTS];
	(void)state;
	make(&m, kind);
	for (size_t s = 0; s < SETUPS; s++)
		for (int found = 0; found < 2; found++) {
			void *space = open_space(&setups[s], found ? "0" : "4", "0.25");
			for (size_t i = 0; i < POINTS; i++)
				add(&setups[s], space, m.sessions.data[i]);
			freeze(&setups[s], space, 2);
			assert_int_equal(group(&setups[s], space, NULL, 2, of), KINDS);
			if (ari(kind, of, POINTS) < 1)
				fail_msg("method %zu: kinds were not found: %.3f", s, ari(kind, of, POINTS));
			assert_int_equal(of[0], 0); /* numbered by their first points */
			assert_int_equal(of[1], 1);
			for (size_t i = 0; i < POINTS; i++)
				assert_int_equal(locate(&setups[s], space, i).group, of[i]);
			setups[s].method->close(space);

			space = open_space(&setups[s], found ? "0" : "4", "0.25");
			for (size_t i = 0; i < POINTS; i++)
				add(&setups[s], space, m.sessions.data[i]);
			freeze(&setups[s], space, 1); /* any number of threads gives the same */
			group(&setups[s], space, NULL, 1, again);
			assert_memory_equal(of, again, sizeof of);
			setups[s].method->close(space);
		}
	made_release(&m);
}

/* Sessions that come in pairs, alike to the last: kinds are found, not pairs, since these do not come again. */
static void test_pairs_are_no_kinds(void **state)
{
	enum { PAIRS = 3, SIX = 6, ALL = SIX * PAIRS * 2 };
	struct made m;
	uint32_t kind[ALL], of[ALL];
	char own[16], shared[16];
	(void)state;
	made_init(&m);
	for (unsigned i = 0; i < ALL; i++) {
		unsigned pair = i / 2;
		kind[i] = pair % SIX;
		snprintf(own, sizeof own, "kind%u", kind[i]);
		snprintf(shared, sizeof shared, "pair%u", pair);
		for (unsigned t = 0; t < 30; t++) {
			wh_session_builder_row(&m.builder, own, strlen(own), t, 10 + 100 * t);
			wh_session_builder_row(&m.builder, shared, strlen(shared), t, 10 + 15 * t + i % 2);
		}
		made_finish(&m, NULL);
	}
	void *space = open_space(&setups[0], "0", "0.25");
	for (size_t i = 0; i < ALL; i++)
		add(&setups[0], space, m.sessions.data[i]);
	freeze(&setups[0], space, 1);
	assert_int_equal(group(&setups[0], space, NULL, 1, of), SIX);
	assert_true(ari(kind, of, ALL) == 1);
	setups[0].method->close(space);
	made_release(&m);
}

/* Through bytes, and into another space: all is the same there. */
static void test_saved(void **state)
{
	struct made m;
	uint32_t kind[2 * POINTS], of[POINTS], again[POINTS];
	struct wh_err err = { 0 };
	(void)state;
	make(&m, kind);
	for (size_t s = 0; s < SETUPS; s++) {
		const struct wh_method *method = setups[s].method;
		struct wh_str saved = { 0 }, twice = { 0 };
		void *space = open_space(&setups[s], "4", "0.25"), *other = open_space(&setups[s], "4", "0.25");
		for (size_t i = 0; i < POINTS; i++)
			add(&setups[s], space, m.sessions.data[i]);
		freeze(&setups[s], space, 1);
		group(&setups[s], space, NULL, 1, of);
		assert_int_equal(method->save(space, &saved, &err), WH_OK);
		assert_int_equal(method->load(other, (struct wh_bytes){ saved.data, saved.n }, &err), WH_OK);
		freeze(&setups[s], other, 1);
		for (size_t i = 0; i < 2 * POINTS; i++) {
			add(&setups[s], other, m.sessions.data[i]);
			if (i >= POINTS)
				add(&setups[s], space, m.sessions.data[i]);
			struct wh_location a = locate(&setups[s], space, i), b = locate(&setups[s], other, i);
			assert_int_equal(a.group, b.group);
			assert_true(fabs(a.distance - b.distance) <= setups[s].rounding * (1 + a.distance));
			assert_true(a.p_value == b.p_value || setups[s].rounding > 1e-6);
			assert_true(fabs(method->similarity(space, i, 0) - method->similarity(other, i, 0)) < 1e-4);
		}
		assert_int_equal(method->save(other, &twice, &err), WH_OK);
		assert_int_equal(saved.n, twice.n);
		assert_memory_equal(saved.data, twice.data, saved.n);
		method->close(other);

		other = open_space(&setups[s], "4", "0.25"); /* groups made anew from the same points, under what was learned */
		assert_int_equal(method->load(other, (struct wh_bytes){ saved.data, saved.n }, &err), WH_OK);
		for (size_t i = 0; i < POINTS; i++)
			add(&setups[s], other, m.sessions.data[i]);
		freeze(&setups[s], other, 1);
		assert_int_equal(group(&setups[s], other, NULL, 1, again), KINDS);
		assert_memory_equal(of, again, sizeof of);
		method->close(other);
		method->close(space);

		for (size_t cut = 0; cut < saved.n; cut += 1 + saved.n / 97) {
			other = open_space(&setups[s], "4", "0.25");
			assert_int_equal(method->load(other, (struct wh_bytes){ saved.data, cut }, &err), WH_E_FORMAT);
			method->close(other);
		}
		wh_str_release(&saved);
		wh_str_release(&twice);
	}
	made_release(&m);
}

/* A few dozen cannot tell what happens once in a hundred times, whatever comes. */
static void test_few_tell_little(void **state)
{
	static const char *const strict[] = { "alarm", "0.01", NULL };
	const struct setup setup = { &wh_method_session, strict, 0 };
	struct made m;
	struct wh_err err = { 0 };
	struct wh_str saved = { 0 };
	uint32_t kind[2 * POINTS], of[POINTS];
	(void)state;
	make(&m, kind);
	void *space = open_space(&setups[0], "4", "0.25"), *other = open_space(&setup, "4", "0.25");
	for (size_t i = 0; i < POINTS; i++)
		add(&setups[0], space, m.sessions.data[i]);
	freeze(&setups[0], space, 1);
	group(&setups[0], space, NULL, 1, of);
	assert_int_equal(setup.method->save(space, &saved, &err), WH_OK);
	assert_int_equal(setup.method->load(other, (struct wh_bytes){ saved.data, saved.n }, &err), WH_OK);
	freeze(&setup, other, 1);
	for (size_t i = 0; i < POINTS; i++) {
		add(&setups[0], space, m.sessions.data[POINTS + i]);
		add(&setup, other, m.sessions.data[POINTS + i]);
		assert_true(locate(&setups[0], space, POINTS + i).is_new);
		assert_false(locate(&setup, other, i).is_new);
	}
	setup.method->close(space);
	setup.method->close(other);
	wh_str_release(&saved);
	made_release(&m);
}

static void test_new_kinds_are_told(void **state)
{
	struct made m;
	uint32_t kind[2 * POINTS], of[POINTS];
	(void)state;
	make(&m, kind);
	for (size_t s = 0; s < SETUPS; s++) {
		size_t flagged[2] = { 0 };
		void *space = open_space(&setups[s], "4", "0.5");
		for (size_t i = 0; i < POINTS; i++)
			add(&setups[s], space, m.sessions.data[i]);
		freeze(&setups[s], space, 1);
		group(&setups[s], space, NULL, 1, of);
		for (size_t i = 0; i < 2 * POINTS; i++) {
			if (i >= POINTS)
				add(&setups[s], space, m.sessions.data[i]);
			flagged[i >= POINTS] += locate(&setups[s], space, i).is_new;
		}
		assert_true(flagged[0] <= POINTS / 10);
		assert_int_equal(flagged[1], POINTS);
		setups[s].method->close(space);
	}
	made_release(&m);
}

/* What came after freeze goes again. */
static void test_drop(void **state)
{
	struct made m;
	uint32_t kind[2 * POINTS], of[POINTS];
	(void)state;
	make(&m, kind);
	for (size_t s = 0; s < SETUPS; s++) {
		void *space = open_space(&setups[s], "4", "0.25");
		for (size_t i = 0; i < POINTS; i++)
			add(&setups[s], space, m.sessions.data[i]);
		freeze(&setups[s], space, 1);
		group(&setups[s], space, NULL, 1, of);
		add(&setups[s], space, m.sessions.data[POINTS]);
		double first = locate(&setups[s], space, POINTS).distance;
		setups[s].method->drop(space);
		add(&setups[s], space, m.sessions.data[0]);
		assert_true(setups[s].method->similarity(space, 0, POINTS) == 1);
		setups[s].method->drop(space);
		add(&setups[s], space, m.sessions.data[POINTS]);
		assert_true(locate(&setups[s], space, POINTS).distance == first);
		setups[s].method->close(space);
	}
	made_release(&m);
}

static void test_similarity(void **state)
{
	struct made m;
	uint32_t kind[2 * POINTS];
	(void)state;
	make(&m, kind);
	for (size_t s = 0; s < SETUPS; s++) {
		double same = 0, other = 0;
		void *space = open_space(&setups[s], "4", "0.25");
		for (size_t i = 0; i < POINTS; i++)
			add(&setups[s], space, m.sessions.data[i]);
		add(&setups[s], space, EMPTY);
		freeze(&setups[s], space, 1);
		for (size_t i = 0; i < POINTS; i++)
			for (size_t j = 0; j < POINTS; j++) {
				double a = setups[s].method->similarity(space, i, j);
				assert_true(a >= 0 && a <= 1 && a == setups[s].method->similarity(space, j, i));
				assert_true(i != j || a == 1);
				*(kind[i] == kind[j] ? &same : &other) += i == j ? 0 : a;
			}
		assert_true(same / (EACH - 1) > 1.5 * other / (POINTS - EACH));
		assert_true(setups[s].method->similarity(space, 0, POINTS) == 0);
		setups[s].method->close(space);
	}
	made_release(&m);
}

/* Gauges, gauges over few steps, and counts of one step: kinds are found, and found again by who loads what was saved. */
static void test_other_ways(void **state)
{
	static const unsigned steps[] = { 40, 6, 1 };
	const struct setup *setup = &setups[0];
	(void)state;
	for (size_t s = 0; s < 3; s++) {
		struct made m;
		struct wh_rng rng;
		struct wh_err err = { 0 };
		struct wh_str saved = { 0 }, twice = { 0 };
		uint32_t kind[POINTS], of[POINTS], again[POINTS];
		wh_rng_init(&rng, 9);
		made_init(&m);
		for (unsigned i = 0; i < POINTS; i++) {
			kind[i] = i % KINDS;
			made_gauges(&m, &rng, kind[i], steps[s]);
			made_finish(&m, NULL);
		}
		void *space = open_space(setup, "4", "0.25"), *other = open_space(setup, "4", "0.25");
		for (size_t i = 0; i < POINTS; i++)
			add(setup, space, m.sessions.data[i]);
		freeze(setup, space, 2);
		assert_int_equal(group(setup, space, NULL, 2, of), KINDS);
		if (steps[s] != 6 && ari(kind, of, POINTS) < 0.95) /* six steps do not tell */
			fail_msg("%u steps: %.3f", steps[s], ari(kind, of, POINTS));
		assert_int_equal(setup->method->save(space, &saved, &err), WH_OK);
		assert_int_equal(setup->method->load(other, (struct wh_bytes){ saved.data, saved.n }, &err), WH_OK);
		freeze(setup, other, 1);
		for (size_t i = 0; i < POINTS; i++) {
			add(setup, other, m.sessions.data[i]);
			struct wh_location a = locate(setup, space, i), b = locate(setup, other, i);
			assert_int_equal(a.group, b.group);
			assert_true(fabs(a.distance - b.distance) < 1e-4 && fabs(a.p_value - b.p_value) < 0.1);
		}
		assert_int_equal(setup->method->save(other, &twice, &err), WH_OK);
		assert_int_equal(saved.n, twice.n);
		assert_memory_equal(saved.data, twice.data, saved.n);
		setup->method->close(space);
		setup->method->close(other);

		space = open_space(setup, "4", "0.25");
		for (size_t i = 0; i < POINTS; i++)
			add(setup, space, m.sessions.data[i]);
		freeze(setup, space, 1);
		group(setup, space, NULL, 1, again);
		assert_memory_equal(of, again, sizeof of);
		setup->method->close(space);
		for (size_t cut = 0; cut < saved.n; cut += 1 + saved.n / 97) {
			other = open_space(setup, "4", "0.25");
			assert_int_equal(setup->method->load(other, (struct wh_bytes){ saved.data, cut }, &err), WH_E_FORMAT);
			setup->method->close(other);
		}
		wh_str_release(&saved);
		wh_str_release(&twice);
		made_release(&m);
	}
}

/* ---- few points, and such as have nothing in them ---- */

static void test_empty_ones_are_a_group(void **state)
{
	struct made m;
	uint32_t kind[2 * POINTS], of[MOST];
	(void)state;
	make(&m, kind);
	wh_session_builder_row(&m.builder, "@time_s", 7, 3, 1);
	made_finish(&m, NULL);
	wh_session_builder_row(&m.builder, "never", 5, 3, 0);
	made_finish(&m, NULL);
	for (size_t s = 0; s < SETUPS; s++) {
		void *space = open_space(&setups[s], "4", "0.25");
		add(&setups[s], space, EMPTY);
		for (size_t i = 0; i < POINTS; i++)
			add(&setups[s], space, m.sessions.data[i]);
		add(&setups[s], space, m.sessions.data[2 * POINTS]);
		add(&setups[s], space, m.sessions.data[2 * POINTS + 1]);
		freeze(&setups[s], space, 1);
		assert_int_equal(group(&setups[s], space, NULL, 1, of), KINDS + 1);
		assert_int_equal(of[0], 0);
		assert_int_equal(of[POINTS + 1], 0);
		assert_int_equal(of[POINTS + 2], 0);
		assert_true(ari(kind, of + 1, POINTS) == 1);
		for (size_t i = 0; i < POINTS + 3; i++)
			assert_int_equal(locate(&setups[s], space, i).group, of[i]);
		add(&setups[s], space, EMPTY);
		struct wh_location at = locate(&setups[s], space, POINTS + 3);
		assert_int_equal(at.group, 0);
		assert_true(at.distance == 0 && !at.is_new);
		setups[s].method->close(space);
	}
	made_release(&m);
}

static void test_few_points(void **state)
{
	struct made m;
	uint32_t kind[2 * POINTS], of[MOST];
	struct wh_err err = { 0 };
	struct wh_location at;
	(void)state;
	make(&m, kind);
	for (size_t s = 0; s < SETUPS; s++)
		for (int k = 0; k < 2; k++) {
			struct wh_str saved = { 0 };
			void *space = open_space(&setups[s], k ? "4" : "0", "0.25");
			freeze(&setups[s], space, 1); /* none at all */
			assert_int_equal(group(&setups[s], space, NULL, 1, of), 0);
			add(&setups[s], space, m.sessions.data[0]);
			assert_int_equal(setups[s].method->locate(space, 0, &at, &err), WH_E_USAGE);
			setups[s].method->close(space);

			space = open_space(&setups[s], k ? "4" : "0", "0.25"); /* one */
			add(&setups[s], space, m.sessions.data[0]);
			freeze(&setups[s], space, 1);
			assert_int_equal(group(&setups[s], space, NULL, 1, of), 1);
			assert_int_equal(of[0], 0);
			add(&setups[s], space, m.sessions.data[1]);
			assert_true(isnan(locate(&setups[s], space, 1).p_value) && !locate(&setups[s], space, 1).is_new);
			setups[s].method->close(space);

			space = open_space(&setups[s], k ? "4" : "0", "0.25"); /* only empty ones */
			add(&setups[s], space, EMPTY);
			freeze(&setups[s], space, 1);
			assert_int_equal(group(&setups[s], space, NULL, 1, of), 1);
			assert_int_equal(setups[s].method->save(space, &saved, &err), WH_OK);
			setups[s].method->close(space);
			space = open_space(&setups[s], k ? "4" : "0", "0.25");
			assert_int_equal(setups[s].method->load(space, (struct wh_bytes){ saved.data, saved.n }, &err), WH_OK);
			freeze(&setups[s], space, 1);
			add(&setups[s], space, m.sessions.data[0]);
			assert_int_equal(locate(&setups[s], space, 0).group, 0);
			setups[s].method->close(space);
			wh_str_release(&saved);

			space = open_space(&setups[s], k ? "4" : "0", "0.25"); /* more of them than points */
			for (size_t i = 0; i < 3; i++)
				add(&setups[s], space, m.sessions.data[i]);
			freeze(&setups[s], space, 1);
			assert_true(group(&setups[s], space, NULL, 1, of) <= 3);
			setups[s].method->close(space);

			space = open_space(&setups[s], k ? "4" : "0", "0.25"); /* all the same */
			for (size_t i = 0; i < 40; i++)
				add(&setups[s], space, m.sessions.data[7]);
			freeze(&setups[s], space, 1);
			assert_int_equal(group(&setups[s], space, NULL, 1, of), 1);
			assert_true(locate(&setups[s], space, 39).distance <= setups[s].rounding);
			setups[s].method->close(space);
		}
	made_release(&m);
}

/* A point that stands for three observations is as three points. */
static void test_weights(void **state)
{
	struct made m;
	uint32_t kind[2 * POINTS], weight[MOST], of[MOST];
	(void)state;
	make(&m, kind);
	for (size_t s = 0; s < SETUPS; s++) {
		struct wh_location at[2];
		for (int heavy = 0; heavy < 2; heavy++) {
			void *space = open_space(&setups[s], "4", "0");
			for (size_t i = 0; i < POINTS; i++)
				for (int times = 0; times < (heavy ? 1 : 3); times++)
					add(&setups[s], space, m.sessions.data[i]);
			for (size_t i = 0; i < MOST; i++)
				weight[i] = heavy ? 3 : 1;
			freeze(&setups[s], space, 1);
			group(&setups[s], space, weight, 1, of);
			add(&setups[s], space, m.sessions.data[POINTS]);
			at[heavy] = locate(&setups[s], space, heavy ? POINTS : 3 * POINTS);
			setups[s].method->close(space);
		}
		if (setups[s].method == &wh_method_session) /* networks see points, not weights */
			assert_true(fabs(at[0].distance - at[1].distance) < 1e-5 && at[0].group == at[1].group);
	}
	made_release(&m);
}

static void test_broken_points(void **state)
{
	struct wh_err err = { 0 };
	(void)state;
	for (size_t s = 0; s < SETUPS; s++) {
		void *space = open_space(&setups[s], "0", "0.25");
		assert_int_equal(setups[s].method->add(space, (struct wh_bytes){ "nonsense", 8 }, &err), WH_E_FORMAT);
		assert_int_equal(setups[s].method->load(space, (struct wh_bytes){ "nonsense", 8 }, &err), WH_E_FORMAT);
		setups[s].method->close(space);
	}
}

/* ---- mutations ---- */

/* Twelve sessions of twenty steps: the even ones have metrics `first`, the odd ones `second`; of each the reading is begin + step times slope. */
struct course {
	const char *metric;
	double begin, slope;
};

static void make_two_kinds(struct made *m, const struct course *first, const struct course *second, size_t n)
{
	made_init(m);
	for (unsigned i = 0; i < 12; i++) {
		const struct course *kind = i % 2 ? second : first;
		for (size_t k = 0; k < n && kind[k].metric; k++)
			for (unsigned t = 0; t < 20; t++)
				wh_session_builder_row(&m->builder, kind[k].metric, strlen(kind[k].metric), t, kind[k].begin + kind[k].slope * t + i % 3);
		made_finish(m, NULL);
	}
}

enum { ASKED = 4 };
static const char *const ASKED_OF[ASKED] = { "0", "x", "y", "none has it" };

/* What becomes of the first of them with each metric changed; of: the groups of all. */
static void mutate(const struct setup *setup, const struct made *m, const char *const *metrics, size_t n, uint32_t *of, struct wh_mutation *found)
{
	struct wh_location unchanged;
	struct wh_arena arena;
	struct wh_err err = { 0 };
	void *space = open_space(setup, "2", "0");
	wh_arena_init(&arena, SIZE_MAX);
	for (size_t i = 0; i < m->sessions.n; i++)
		add(setup, space, m->sessions.data[i]);
	freeze(setup, space, 1);
	assert_int_equal(group(setup, space, NULL, 1, of), 2);
	assert_int_equal(setup->method->mutate(space, m->sessions.data[0], metrics, n, NULL, &arena, &unchanged, found, &err), WH_OK);
	assert_int_equal(unchanged.group, of[0]);
	for (size_t i = 0; i < n; i++)
		assert_true(!found[i].tried || (isfinite(found[i].distance) && found[i].distance >= found[i].at.distance - 1e-6));
	setup->method->close(space);
	wh_arena_release(&arena);
}

static void test_mutations(void **state)
{
	static const struct course a[] = { { "a", 1, 10000 }, { "b", 1, 1 }, { "c", 50, 0 } };
	static const struct course b[] = { { "b", 1, 1 }, { "c", 50, 0 }, { NULL, 0, 0 } };
	static const struct course x[] = { { "x", 100, 0 } }, y[] = { { "y", 1000, 0 } };
	static const char *const levels[] = { "network", "none", "scale", "level-share", "timesteps", "20", NULL }, *const abc[] = { "c", "b", "a" };
	const struct setup whorl = { &wh_method_session, default_values, 0 }, kaboom = { &wh_method_kaboom, levels, 0 };
	struct wh_mutation found[ASKED];
	struct made m;
	uint32_t of[12];
	(void)state;
	make_two_kinds(&m, a, b, 3); /* without what grows most it is one of the others */
	mutate(&whorl, &m, abc, 3, of, found);
	for (size_t i = 0; i < 3; i++)
		assert_true(found[i].tried && found[i].zeroed && found[i].at.group == (i == 2 ? of[1] : of[0]));
	assert_true(found[2].distance > found[0].distance && found[2].distance > found[1].distance);
	made_release(&m);

	make_two_kinds(&m, x, y, 1); /* with as much y as others have on average, too */
	mutate(&kaboom, &m, ASKED_OF, ASKED, of, found);
	assert_true(!found[0].tried && !found[3].tried && found[1].tried && found[1].zeroed);
	assert_true(found[2].tried && !found[2].zeroed && found[2].at.group == of[1]);
	made_release(&m);
}

/* What a session lacks is put where its name belongs: it is placed as if it had come with the average of those that have it. */
static void test_mutation_keeps_order(void **state)
{
	static const struct course first[] = { { "b", -300, 0 }, { "d", 50.5, 2 }, { NULL, 0, 0 } };
	static const struct course second[] = { { "a", -800, 0 }, { "b", -300, 0 }, { "d", 50.5, 2 } };
	static const char *const a[] = { "a" };
	const struct setup whorl = { &wh_method_session, default_values, 0 };
	struct wh_arena arena;
	struct wh_err err = { 0 };
	struct wh_location unchanged, at;
	struct wh_mutation found;
	struct made m;
	uint32_t of[13];
	(void)state;
	make_two_kinds(&m, first, second, 3);
	for (unsigned t = 0; t < 20; t++) { /* the first one with it: -800 and 0, 1 or 2 more */
		wh_session_builder_row(&m.builder, "a", 1, t, -799);
		wh_session_builder_row(&m.builder, "b", 1, t, -300);
		wh_session_builder_row(&m.builder, "d", 1, t, 50.5 + 2 * t);
	}
	made_finish(&m, NULL);
	void *space = open_space(&whorl, "2", "0");
	wh_arena_init(&arena, SIZE_MAX);
	for (size_t i = 0; i < 12; i++)
		add(&whorl, space, m.sessions.data[i]);
	freeze(&whorl, space, 1);
	assert_int_equal(group(&whorl, space, NULL, 1, of), 2);
	assert_int_equal(whorl.method->mutate(space, m.sessions.data[0], a, 1, NULL, &arena, &unchanged, &found, &err), WH_OK);
	assert_true(found.tried && !found.zeroed && found.at.distance != unchanged.distance);
	add(&whorl, space, m.sessions.data[12]);
	assert_int_equal(whorl.method->locate(space, 12, &at, &err), WH_OK);
	assert_int_equal(found.at.group, at.group);
	assert_float_equal(found.at.distance, at.distance, 1e-9);
	whorl.method->close(space);
	wh_arena_release(&arena);
	made_release(&m);
}

/* A session without metrics is asked like any other. */
static void test_mutation_of_nothing(void **state)
{
	static const struct course x[] = { { "x", 100, 0 } }, y[] = { { "y", 1000, 0 } };
	static const char *const levels[] = { "network", "none", "scale", "level-share", "timesteps", "20", NULL };
	const struct setup both[] = { { &wh_method_session, default_values, 0 }, { &wh_method_kaboom, levels, 0 } };
	(void)state;
	for (size_t s = 0; s < 2; s++) {
		struct wh_mutation found[ASKED];
		struct wh_location unchanged;
		struct wh_arena arena;
		struct wh_err err = { 0 };
		struct made m;
		uint32_t of[12];
		make_two_kinds(&m, x, y, 1);
		void *space = open_space(&both[s], "2", "0");
		wh_arena_init(&arena, SIZE_MAX);
		for (size_t i = 0; i < m.sessions.n; i++)
			add(&both[s], space, m.sessions.data[i]);
		freeze(&both[s], space, 1);
		assert_int_equal(both[s].method->mutate(space, (struct wh_bytes){ "", 0 }, ASKED_OF, ASKED, NULL, &arena, &unchanged, found, &err), WH_E_USAGE);
		assert_int_equal(group(&both[s], space, NULL, 1, of), 2);
		assert_int_equal(both[s].method->mutate(space, (struct wh_bytes){ "", 0 }, ASKED_OF, ASKED, NULL, &arena, &unchanged, found, &err), WH_OK);
		assert_true(found[1].tried && !found[1].zeroed && isfinite(found[1].distance));
		assert_int_equal(both[s].method->mutate(space, (struct wh_bytes){ "nonsense", 8 }, ASKED_OF, ASKED, NULL, &arena, &unchanged, found, &err),
				 WH_E_FORMAT);
		both[s].method->close(space);
		wh_arena_release(&arena);
		made_release(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_are_found),
		cmocka_unit_test(test_pairs_are_no_kinds),
		cmocka_unit_test(test_saved),
		cmocka_unit_test(test_new_kinds_are_told),
		cmocka_unit_test(test_few_tell_little),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_similarity),
		cmocka_unit_test(test_other_ways),
		cmocka_unit_test(test_empty_ones_are_a_group),
		cmocka_unit_test(test_few_points),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_broken_points),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_mutation_keeps_order),
		cmocka_unit_test(test_mutation_of_nothing),
	};
	return cmocka_run_group_tests_name("session methods", tests, NULL, NULL);
}
