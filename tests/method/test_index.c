/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index against all pairs: for every similarity of stacks, several cuts and parameters, neighbours() gives exactly what comparing
 * with every point gives, and similarities() what similarity() gives: after freeze, after points came and went, under loaded weights.
 * Beside it the promises of struct wh_method: symmetric, in [0, 1], 1 with itself, saved weights give the same similarities.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <whorl/verb.h>

#include "base/rng.h"
#include "base/str.h"

enum { POINTS = 160, MORE = 24 };

struct points {
	struct wh_str text[POINTS + MORE];
	size_t n;
};

/* ---- random stacks: families of crashes with shared bottoms, rare tops, repeats, very short and very long ones ---- */

static void put_frame(struct wh_str *out, struct wh_rng *rng, unsigned kind)
{
	if (out->n)
		wh_str_putc(out, '\n');
	if (kind == 0) /* a few that everyone has */
		wh_str_printf(out, "common%u", (unsigned)wh_rng_below(rng, 4));
	else if (kind == 1)
		wh_str_printf(out, "module%u", (unsigned)wh_rng_below(rng, 30));
	else
		wh_str_printf(out, "rare%u", (unsigned)wh_rng_below(rng, 4000));
}

static void put_lines(struct wh_str *out, const char *text)
{
	if (out->n && *text)
		wh_str_putc(out, '\n');
	wh_str_puts(out, text);
}

static void fresh_stack(struct wh_str *out, struct wh_rng *rng, size_t most)
{
	static const char *const bottoms[] = { "loop\ndispatch\nmain\nstart", "worker\nthread\nclone", "main", "" };
	size_t n = wh_rng_below(rng, most) + (wh_rng_below(rng, 20) != 0);
	for (size_t i = 0; i < n; i++)
		put_frame(out, rng, (unsigned)wh_rng_below(rng, 3));
	if (wh_rng_below(rng, 3))
		put_lines(out, bottoms[wh_rng_below(rng, 4)]);
}

/* A stack like another: some frames dropped, changed, doubled, a head or a tail cut off. */
static void mutate(struct wh_str *out, const struct wh_str *from, struct wh_rng *rng)
{
	unsigned changes = 1 + (unsigned)wh_rng_below(rng, 6);
	const char *p = from->data, *end = p ? p + from->n : p;
	size_t skipped = wh_rng_below(rng, 4) ? 0 : wh_rng_below(rng, 4);
	while (p && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		unsigned what = (unsigned)wh_rng_below(rng, 40);
		if (skipped) {
			skipped--;
		} else if (what < changes) {
			put_frame(out, rng, what % 3);
		} else if (what != 39) {
			for (int times = what == 38 ? 2 : 1; times; times--) {
				if (out->n)
					wh_str_putc(out, '\n');
				wh_str_add(out, p, (size_t)(stop - p));
			}
		}
		p = stop + 1;
	}
}

static void make_points(struct points *points, struct wh_rng *rng)
{
	memset(points, 0, sizeof *points);
	for (; points->n < POINTS + MORE; points->n++) {
		struct wh_str *out = &points->text[points->n];
		if (points->n > 4 && wh_rng_below(rng, 3))
			mutate(out, &points->text[wh_rng_below(rng, points->n)], rng);
		else
			fresh_stack(out, rng, wh_rng_below(rng, 30) ? 14 : wh_rng_below(rng, 4) ? 300 : 1500);
		if (wh_rng_below(rng, 40) == 0)
			wh_str_clear(out);
		assert_false(out->failed);
	}
}

static struct wh_bytes bytes_of(const struct wh_str *text)
{
	return (struct wh_bytes){ text->data ? text->data : "", text->n };
}

static void free_points(struct points *points)
{
	for (size_t i = 0; i < points->n; i++)
		wh_str_release(&points->text[i]);
}

/* ---- a space under parameters ---- */

static void *open_space(const struct wh_method *method, const struct wh_values *values)
{
	struct wh_err err = { 0 };
	void *space = NULL;
	assert_int_equal(method->open(method, values, &space, &err), WH_OK);
	return space;
}

static void add(const struct wh_method *method, void *space, const struct wh_str *text)
{
	struct wh_err err = { 0 };
	assert_int_equal(method->add(space, bytes_of(text), &err), WH_OK);
}

struct found {
	size_t count[POINTS + MORE];
	double similarity[POINTS + MORE];
};

static int note(void *user, size_t j, double similarity)
{
	struct found *found = user;
	found->count[j]++;
	found->similarity[j] = similarity;
	return WH_OK;
}

static void check_one(const struct wh_method *method, const void *space, size_t i, size_t below, double floor, void **scratch)
{
	static struct found found;
	struct wh_err err = { 0 };
	memset(&found, 0, sizeof found);
	assert_int_equal(method->neighbours(space, i, floor, below, scratch, note, &found, &err), WH_OK);
	for (size_t j = 0; j < POINTS + MORE; j++) {
		bool expected = j < below && j != i && method->similarity(space, i, j) >= floor;
		if (found.count[j] != expected)
			fail_msg("%s: floor %.17g: %zu and %zu (similarity %.17g) found %zu times", method->name, floor, i, j,
				 j < below ? method->similarity(space, i, j) : -1, found.count[j]);
		if (expected && found.similarity[j] != method->similarity(space, i, j))
			fail_msg("%s: another similarity for %zu and %zu", method->name, i, j);
	}
}

static void check_many(const struct wh_method *method, const void *space, size_t i, size_t n, void **scratch)
{
	uint32_t others[POINTS + MORE];
	double similarity[POINTS + MORE];
	struct wh_err err = { 0 };
	for (size_t j = 0; j < n; j++)
		others[j] = (uint32_t)(n - 1 - j);
	assert_int_equal(method->similarities(space, i, others, n, scratch, similarity, &err), WH_OK);
	for (size_t k = 0; k < n; k++)
		if (similarity[k] != method->similarity(space, i, others[k]))
			fail_msg("%s: another similarity for %zu among %zu", method->name, i, n);
}

static void check_space(const struct wh_method *method, const void *space, size_t n, double floor)
{
	void *scratch = NULL;
	for (size_t i = 0; i < n; i++) {
		check_one(method, space, i, n, floor, &scratch);
		if (method->similarities)
			check_many(method, space, i, n, &scratch);
		if (i % 16 == 0) {
			check_one(method, space, i, i, floor, &scratch);
			check_one(method, space, i, n, floor + (1 - floor) / 2, &scratch);
			check_one(method, space, i, n, floor / 2, &scratch); /* under what the index is made for */
		}
	}
	if (method->scratch_free)
		method->scratch_free(scratch);
}

static void check_promises(const struct wh_method *method, const void *space, const struct points *points, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			double s = method->similarity(space, i, j), t = method->similarity(space, j, i);
			if (!(s >= 0 && s <= 1))
				fail_msg("%s: similarity %g", method->name, s);
			if (fabs(s - t) > 1e-6)
				fail_msg("%s: not symmetric: %.9g and %.9g", method->name, s, t);
			if (i == j && points->text[i].n && s < 1 - 1e-5) /* sums of a thousand floats */
				fail_msg("%s: %.9g with itself: %.60s", method->name, s, points->text[i].data);
			if (!points->text[i].n && s > 0)
				fail_msg("%s: an empty stack is like something", method->name);
			if (method->kinship) {
				s = method->kinship(space, i, j);
				t = method->kinship(space, j, i);
				if (!(s >= 0 && s <= 1 + 1e-9) || fabs(s - t) > 1e-9)
					fail_msg("%s: kinship %g and %g", method->name, s, t);
			}
		}
}

static void check_saved(const struct wh_method *method, const struct wh_values *values, const void *space, const struct points *points)
{
	struct wh_str state = { 0 }, again = { 0 };
	struct wh_err err = { 0 };
	if (!method->save)
		return;
	assert_int_equal(method->save(space, &state, &err), WH_OK);
	void *other = open_space(method, values);
	assert_int_equal(method->load(other, bytes_of(&state), &err), WH_OK);
	for (size_t i = POINTS; i-- > 0;) /* in another order: point i is number POINTS-1-i */
		add(method, other, &points->text[i]);
	assert_int_equal(method->freeze(other, NULL, &err), WH_OK);
	for (size_t i = 0; i < POINTS; i += 3)
		for (size_t j = 0; j < POINTS; j++) {
			double s = method->similarity(space, i, j), t = method->similarity(other, POINTS - 1 - i, POINTS - 1 - j);
			if (fabs(s - t) > 1e-9)
				fail_msg("%s: loaded weights: %.17g became %.17g", method->name, s, t);
		}
	check_space(method, other, POINTS, 1 - wh_values_real(values, "d"));
	assert_int_equal(method->save(other, &again, &err), WH_OK);
	assert_int_equal(state.n, again.n);
	method->close(other);
	wh_str_release(&state);
	wh_str_release(&again);
}

static void check_online(const struct wh_method *method, void *space, const struct points *points, double floor)
{
	double before[POINTS];
	for (size_t j = 0; j < POINTS; j++)
		before[j] = method->similarity(space, 7, j);
	for (size_t i = 0; i < MORE; i++) { /* ask and forget, then keep every second */
		void *scratch = NULL;
		size_t n = POINTS + i / 2;
		add(method, space, &points->text[POINTS + i]);
		check_one(method, space, n, n + 1, floor, &scratch);
		method->drop(space);
		check_one(method, space, 7, n, floor, &scratch);
		if (i % 2) {
			add(method, space, &points->text[POINTS + i]);
			check_one(method, space, n, n + 1, floor, &scratch);
		}
		if (method->scratch_free)
			method->scratch_free(scratch);
	}
	for (size_t j = 0; j < POINTS; j++)
		assert_true(before[j] == method->similarity(space, 7, j));
	check_space(method, space, POINTS + MORE / 2, floor);
}

static void check_method(const struct wh_method *method, const struct wh_values *values, const struct points *points, bool online)
{
	struct wh_err err = { 0 };
	double floor = 1 - wh_values_real(values, "d");
	void *space = open_space(method, values);
	for (size_t i = 0; i < POINTS; i++)
		add(method, space, &points->text[i]);
	assert_int_equal(method->freeze(space, NULL, &err), WH_OK);
	check_promises(method, space, points, POINTS);
	if (method->neighbours)
		check_space(method, space, POINTS, floor);
	check_saved(method, values, space, points);
	if (online)
		check_online(method, space, points, floor);
	method->close(space);
}

/* ---- every method, under a few parameters ---- */

static void set_random(struct wh_values *values, struct wh_rng *rng, unsigned turn)
{
	static const char *const cuts[] = { NULL, "0.05", "0.25", "0.5", "0.8", "0.95", "0.999", "1" };
	struct wh_err err = { 0 };
	char text[32];
	if (cuts[turn % 8])
		assert_int_equal(wh_values_set(values, "d", cuts[turn % 8], &err), WH_OK);
	for (size_t i = 0; turn > 1 && i < values->n; i++) {
		const struct wh_param *param = &values->params[i];
		if (!strcmp(param->name, "d") || (param->type != WH_PARAM_REAL && param->type != WH_PARAM_INT) || wh_rng_below(rng, 2))
			continue;
		double most = param->hi > 3 ? 3 : param->hi, value = param->lo + (most - param->lo) * wh_rng_real(rng);
		if (wh_rng_below(rng, 4) == 0)
			value = param->lo; /* weights that vanish */
		snprintf(text, sizeof text, param->type == WH_PARAM_INT ? "%.0f" : "%.3f", value);
		assert_int_equal(wh_values_set(values, param->name, text, &err), WH_OK);
	}
}

static void neighbours_are_all_pairs(void **state)
{
	(void)state;
	static struct points points;
	struct wh_err err = { 0 };
	const struct wh_signal *stack = wh_signals[0];
	assert_string_equal(stack->noun, "stack");
	for (unsigned turn = 0; turn < 10; turn++) {
		struct wh_rng rng;
		wh_rng_init(&rng, 1000 + turn);
		make_points(&points, &rng);
		for (const struct wh_method *const *method = stack->methods; *method; method++) {
			struct wh_values values;
			assert_int_equal(wh_values_init(&values, (*method)->params, &err), WH_OK);
			set_random(&values, &rng, turn);
			check_method(*method, &values, &points, turn % 2 == 0);
			wh_values_release(&values);
		}
		free_points(&points);
	}
}

/* A floor that some pair meets exactly. */
static void at_the_border(void **state)
{
	(void)state;
	static struct points points;
	struct wh_err err = { 0 };
	struct wh_rng rng;
	wh_rng_init(&rng, 77);
	make_points(&points, &rng);
	for (const struct wh_method *const *method = wh_signals[0]->methods; *method; method++) {
		struct wh_values values;
		assert_int_equal(wh_values_init(&values, (*method)->params, &err), WH_OK);
		void *space = open_space(*method, &values);
		for (size_t i = 0; i < POINTS; i++)
			add(*method, space, &points.text[i]);
		assert_int_equal((*method)->freeze(space, NULL, &err), WH_OK);
		double floor = 1 - wh_values_real(&values, "d");
		void *scratch = NULL;
		for (int times = 0; times < 300; times++) {
			size_t i = wh_rng_below(&rng, POINTS), j = wh_rng_below(&rng, POINTS);
			double s = (*method)->similarity(space, i, j);
			if (s >= floor && s > 0)
				check_one(*method, space, i, POINTS, s, &scratch);
		}
		(*method)->scratch_free(scratch);
		(*method)->close(space);
		wh_values_release(&values);
	}
	free_points(&points);
}

/* What every method of every signal owes: d, linkage, words for people. */
static void conformance(void **state)
{
	(void)state;
	struct wh_err err = { 0 };
	for (const struct wh_signal *const *signal = wh_signals; *signal; signal++)
		for (const struct wh_method *const *m = (*signal)->methods; *m; m++) {
			const struct wh_method *method = *m;
			struct wh_values values;
			assert_non_null(method->name);
			assert_non_null(method->summary);
			assert_non_null(method->source);
			assert_ptr_equal(wh_method_find(*signal, method->name), method);
			assert_true(method->open && method->add && method->freeze && method->drop && method->similarity && method->close);
			assert_true(!method->save == !method->load);
			assert_int_equal(wh_values_init(&values, method->params, &err), WH_OK);
			int d = wh_values_find(&values, "d"), linkage = wh_values_find(&values, "linkage");
			assert_true(method->group || (d >= 0 && linkage >= 0));
			assert_true(method->group || (method->params[d].type == WH_PARAM_REAL && method->params[linkage].type == WH_PARAM_CHOICE));
			for (size_t i = 0; i < values.n; i++) {
				const struct wh_param *p = &method->params[i];
				assert_non_null(p->help);
				assert_true(*p->help && p->help[strlen(p->help) - 1] != '.');
				char grid[256], *save = NULL;
				snprintf(grid, sizeof grid, "%s", p->grid ? p->grid : "");
				for (char *word = strtok_r(grid, " ", &save); word; word = strtok_r(NULL, " ", &save))
					assert_int_equal(wh_values_set(&values, p->name, word, &err), WH_OK);
				for (size_t k = 0; k < i; k++)
					assert_string_not_equal(p->name, method->params[k].name);
			}
			wh_values_release(&values);
		}
}

/* Weights that are no weights are refused, and the space may still be closed. */
static void broken_weights(void **state)
{
	(void)state;
	static const char *const broken[] = { "", "x", "3", "3\n1", "3\n1 ", "3\n1 4", "3\n1 4 abc\n", "3\n1 4 abcd", "3\n1 99 abcd\n", "3\n-1 4 abcd\n",
					      "99999999999\n", "3\n1 18446744073709551615 abcd\n" };
	struct wh_err err = { 0 };
	for (const struct wh_method *const *method = wh_signals[0]->methods; *method; method++)
		for (size_t i = 0; (*method)->load && i < sizeof broken / sizeof *broken; i++) {
			struct wh_values values;
			assert_int_equal(wh_values_init(&values, (*method)->params, &err), WH_OK);
			void *space = open_space(*method, &values);
			assert_int_equal((*method)->load(space, (struct wh_bytes){ broken[i], strlen(broken[i]) }, &err), WH_E_FORMAT);
			(*method)->close(space);
			wh_values_release(&values);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conformance),
		cmocka_unit_test(neighbours_are_all_pairs),
		cmocka_unit_test(at_the_border),
		cmocka_unit_test(broken_weights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
