/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions against tables that hold every value: what rows mean, what steps and bytes say again, what broken bytes and no memory do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "failing.h"
#include "observation/session.h"

enum { NAMES = 5, STEPS = 24 };

static const char *const names[NAMES] = { "b", "a", "caf\xc3\xa9", "@time_s", "@other" };

struct table {
	double value[NAMES][STEPS];
	bool row[NAMES][STEPS];
	int first, last; /* of the steps that a row names; last < first: none */
};

static const double values[] = { 0, -0.0, 1, 2, -7, 0.1, 4503599627370495.0, 4503599627370497.0, 1e300, NAN, INFINITY };

static double pick(struct wh_rng *rng)
{
	return values[wh_rng_below(rng, sizeof values / sizeof *values)];
}

/* Random rows, to the builder in random order and to the table. Twice: some of them come a second time, later. */
static size_t add_rows(struct wh_rng *rng, struct wh_session_builder *b, struct table *table, int64_t base)
{
	size_t n = wh_rng_below(rng, 80), twice = 0;
	bool ascend = wh_rng_below(rng, 2);
	*table = (struct table){ .first = STEPS, .last = -1 };
	for (size_t i = 0; i < n; i++) {
		size_t name = wh_rng_below(rng, NAMES);
		int step = ascend ? (int)(i * STEPS / n) : (int)wh_rng_below(rng, STEPS);
		double value = pick(rng);
		twice += name < 3 && table->row[name][step];
		table->row[name][step] = true;
		table->value[name][step] = isinf(value) ? NAN : value;
		table->first = step < table->first ? step : table->first;
		table->last = step > table->last ? step : table->last;
		wh_session_builder_row(b, names[name], strlen(names[name]), base + step, value);
	}
	return twice;
}

static bool same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static void check_invariants(const struct wh_session *session)
{
	for (size_t i = 0; i < session->n_metrics; i++) {
		const struct wh_metric *metric = &session->metrics[i];
		assert_true(!i || strcmp(session->metrics[i - 1].name, metric->name) < 0);
		for (size_t k = 0; k < metric->n_changes; k++) {
			assert_true(metric->changes[k].step < session->n_steps);
			assert_true(!k || metric->changes[k - 1].step < metric->changes[k].step);
			assert_false(same(k ? metric->changes[k - 1].value : 0, metric->changes[k].value));
			assert_false(metric->changes[k].value == 0 && signbit(metric->changes[k].value));
			assert_false(isinf(metric->changes[k].value));
		}
	}
}

/* Every value of one metric, by wh_metric_at and by every window of wh_metric_expand. */
static void check_metric(const struct wh_metric *metric, const double *want, uint32_t n)
{
	double got[STEPS];
	for (uint32_t i = 0; i < n; i++)
		assert_true(same(wh_metric_at(metric, i), want[i]));
	for (uint32_t first = 0; first < n; first++) {
		uint32_t width = n - first;
		wh_metric_expand(metric, first, width, got);
		for (uint32_t i = 0; i < width; i++)
			assert_true(same(got[i], want[first + i]));
	}
}

static void check(const struct wh_session *session, const struct table *table, enum wh_session_encoding encoding, int64_t base)
{
	check_invariants(session);
	assert_int_equal(session->n_steps, table->last < table->first ? 0 : table->last - table->first + 1);
	if (table->last < table->first)
		return;
	assert_int_equal(session->first_step, base + table->first);
	size_t n = 0;
	for (size_t m = 0; m < 3; m++) {
		double want[STEPS], holds = 0;
		bool any = false;
		for (int step = table->first; step <= table->last; step++) {
			any |= table->row[m][step];
			holds = table->row[m][step] ? table->value[m][step] : encoding == WH_SESSION_CHANGES ? holds : encoding == WH_SESSION_DENSE ? 0 : NAN;
			want[step - table->first] = holds;
		}
		const struct wh_metric *metric = wh_session_metric(session, names[m]);
		assert_int_equal(metric != NULL, any);
		if (any)
			check_metric(metric, want, session->n_steps);
		n += any;
	}
	assert_int_equal(session->n_metrics, n);
	bool timed = false;
	for (int step = 0; step < STEPS; step++)
		timed |= table->row[3][step];
	assert_int_equal(session->time_s != NULL, timed);
	for (uint32_t i = 0; timed && i < session->n_steps; i++)
		assert_true(same(session->time_s[i], table->row[3][table->first + i] ? table->value[3][table->first + i] : NAN));
}

static void check_pack(const struct wh_session *session)
{
	struct wh_arena arena;
	struct wh_str first = { 0 }, second = { 0 };
	struct wh_session *again;
	struct wh_err err;
	wh_arena_init(&arena, 1 << 24);
	wh_session_pack(session, &first);
	assert_int_equal(wh_session_unpack((struct wh_bytes){ first.data, first.n }, &arena, &again, &err), WH_OK);
	assert_int_equal(again->n_steps, session->n_steps);
	assert_true(again->first_step == session->first_step);
	assert_int_equal(again->n_metrics, session->n_metrics);
	for (size_t i = 0; i < session->n_metrics; i++) {
		const struct wh_metric *a = &session->metrics[i], *b = &again->metrics[i];
		assert_string_equal(a->name, b->name);
		assert_int_equal(a->n_changes, b->n_changes);
		for (size_t k = 0; k < a->n_changes; k++)
			assert_true(a->changes[k].step == b->changes[k].step && same(a->changes[k].value, b->changes[k].value));
	}
	wh_session_pack(again, &second);
	assert_int_equal(first.n, second.n);
	assert_memory_equal(first.data, second.data, first.n);
	for (size_t n = 0; n < first.n; n++) { /* of their very size, so that a sanitizer sees a byte read too far */
		char *cut = malloc(n + 1);
		assert_non_null(cut);
		memcpy(cut, first.data, n);
		cut = realloc(cut, n ? n : 1);
		assert_int_equal(wh_session_unpack((struct wh_bytes){ cut, n }, &arena, &again, &err), WH_E_FORMAT);
		free(cut);
	}
	wh_str_putc(&first, 0);
	assert_int_equal(wh_session_unpack((struct wh_bytes){ first.data, first.n }, &arena, &again, &err), WH_E_FORMAT);
	wh_str_release(&first);
	wh_str_release(&second);
	wh_arena_release(&arena);
}

static void test_rows(void **state)
{
	struct wh_arena arena;
	struct wh_session_builder b;
	struct wh_rng rng;
	(void)state;
	wh_rng_init(&rng, 5);
	wh_arena_init(&arena, 1 << 24);
	wh_session_builder_init(&b, &arena);
	for (int round = 0; round < 600; round++) {
		static const int64_t bases[] = { 0, -3, 1000000000000, INT64_MIN, INT64_MAX - STEPS };
		int64_t base = bases[wh_rng_below(&rng, 5)];
		enum wh_session_encoding encoding = (enum wh_session_encoding)wh_rng_below(&rng, 3);
		struct table table;
		struct wh_session *session;
		struct wh_session_faults faults;
		struct wh_err err;
		size_t twice = add_rows(&rng, &b, &table, base);
		assert_int_equal(wh_session_builder_finish(&b, encoding, &session, &faults, &err), WH_OK);
		assert_int_equal(faults.twice, twice);
		check(session, &table, encoding, base);
		if (round % 10 == 0)
			check_pack(session);
		wh_arena_reset(&arena);
	}
	wh_session_builder_release(&b);
	wh_arena_release(&arena);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		const char *kept;
	} cases[] = { { "a\xff", 2, "a\xef\xbf\xbd" }, { "a\0b", 3, "a\xef\xbf\xbd" "b" }, { "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80" }, { "\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd" } };
	struct wh_arena arena;
	struct wh_session_builder b;
	struct wh_session *session;
	struct wh_session_faults faults;
	struct wh_err err;
	(void)state;
	wh_arena_init(&arena, 1 << 20);
	wh_session_builder_init(&b, &arena);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		wh_session_builder_row(&b, cases[i].name, cases[i].n, 0, 1);
	wh_session_builder_row(&b, "a\xfe", 2, 1, 2); /* the same name as the first, as far as it can be written */
	wh_session_builder_row(&b, "", 0, 1, 2);
	wh_session_builder_row(&b, "x", 1, 1, INFINITY);
	assert_int_equal(wh_session_builder_finish(&b, WH_SESSION_CHANGES, &session, &faults, &err), WH_OK);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_non_null(wh_session_metric(session, cases[i].kept));
	assert_int_equal(session->n_metrics, 5);
	assert_int_equal(wh_session_metric(session, cases[0].kept)->n_changes, 2);
	assert_null(wh_session_metric(session, "nobody"));
	assert_int_equal(faults.unnamed, 1);
	assert_int_equal(faults.infinite, 1);
	assert_int_equal(faults.twice, 0);
	wh_session_builder_release(&b);
	wh_arena_release(&arena);
}

static void test_limits(void **state)
{
	struct wh_arena arena;
	struct wh_session_builder b;
	struct wh_session *session;
	struct wh_err err;
	(void)state;
	wh_arena_init(&arena, 1 << 20);
	wh_session_builder_init(&b, &arena);
	wh_session_builder_row(&b, "a", 1, 0, 1);
	wh_session_builder_row(&b, "a", 1, WH_SESSION_MOST_STEPS, 1);
	assert_int_equal(wh_session_builder_finish(&b, WH_SESSION_DENSE, &session, NULL, &err), WH_E_FORMAT);
	wh_session_builder_row(&b, "a", 1, INT64_MIN, 1);
	wh_session_builder_row(&b, "a", 1, INT64_MAX, 1);
	assert_int_equal(wh_session_builder_finish(&b, WH_SESSION_SPARSE, &session, NULL, &err), WH_E_FORMAT);
	wh_session_builder_row(&b, "a", 1, 0, 1);
	wh_session_builder_row(&b, "a", 1, WH_SESSION_MOST_STEPS - 1, 1);
	assert_int_equal(wh_session_builder_finish(&b, WH_SESSION_DENSE, &session, NULL, &err), WH_OK);
	assert_int_equal(session->n_steps, WH_SESSION_MOST_STEPS);
	assert_int_equal(session->metrics[0].n_changes, 3);
	wh_arena_reset(&arena);
	for (int i = 0; i < 200000; i++)
		wh_session_builder_row(&b, "a", 1, i, i % 3);
	assert_int_equal(wh_session_builder_finish(&b, WH_SESSION_DENSE, &session, NULL, &err), WH_E_LIMIT);
	wh_arena_reset(&arena);
	for (int i = 0; i < 70000; i++) { /* ever other names are forgotten between sessions */
		char name[16];
		int n = snprintf(name, sizeof name, "n%d", i);
		wh_session_builder_row(&b, name, (size_t)n, 0, 0);
	}
	wh_arena_release(&arena);
	wh_arena_init(&arena, 1 << 26);
	assert_int_equal(wh_session_builder_finish(&b, WH_SESSION_DENSE, &session, NULL, &err), WH_OK);
	assert_int_equal(session->n_metrics, 70000);
	assert_int_equal(b.names.n, 0);
	assert_int_equal(wh_session_builder_finish(&b, WH_SESSION_DENSE, &session, NULL, &err), WH_OK);
	assert_int_equal(session->n_steps, 0);
	wh_session_builder_release(&b);
	wh_arena_release(&arena);
}

/* Bytes of another making: what unpack takes it packs to the same session again. */
static void test_broken_bytes(void **state)
{
	struct wh_arena arena;
	struct wh_session_builder b;
	struct wh_rng rng;
	(void)state;
	wh_rng_init(&rng, 11);
	wh_arena_init(&arena, 1 << 24);
	wh_session_builder_init(&b, &arena);
	for (int round = 0; round < 4000; round++) {
		struct table table;
		struct wh_session *session, *again;
		struct wh_str packed = { 0 }, second = { 0 };
		struct wh_err err = { 0 };
		add_rows(&rng, &b, &table, 0);
		assert_int_equal(wh_session_builder_finish(&b, WH_SESSION_CHANGES, &session, NULL, &err), WH_OK);
		wh_session_pack(session, &packed);
		for (int i = 0; i < 3; i++)
			packed.data[wh_rng_below(&rng, packed.n)] = (char)wh_rng_next(&rng);
		int code = wh_session_unpack((struct wh_bytes){ packed.data, packed.n }, &arena, &session, &err);
		assert_true(code == WH_OK || code == WH_E_FORMAT || code == WH_E_LIMIT);
		if (code == WH_OK) {
			wh_session_pack(session, &second);
			assert_int_equal(wh_session_unpack((struct wh_bytes){ second.data, second.n }, &arena, &again, &err), WH_OK);
			assert_int_equal(again->n_metrics, session->n_metrics);
			assert_int_equal(again->n_steps, session->n_steps);
		} else {
			assert_int_equal(err.code, code);
		}
		wh_str_release(&packed);
		wh_str_release(&second);
		wh_arena_reset(&arena);
	}
	wh_session_builder_release(&b);
	wh_arena_release(&arena);
}

static int build(const void *user, struct wh_err *err)
{
	struct wh_arena arena;
	struct wh_session_builder b;
	struct wh_session *session;
	struct wh_str packed = { 0 };
	(void)user;
	wh_arena_init(&arena, 1 << 24);
	wh_session_builder_init(&b, &arena);
	for (int i = 0; i < 300; i++)
		wh_session_builder_row(&b, i % 7 ? "b" : "a\xff", i % 7 ? 1 : 2, (i * 7) % 40, i);
	wh_session_builder_row(&b, "@time_s", 7, 3, 1);
	int code = wh_session_builder_finish(&b, WH_SESSION_DENSE, &session, NULL, err);
	if (code == WH_OK) {
		wh_session_pack(session, &packed);
		code = wh_str_check(&packed, err);
	}
	if (code == WH_OK)
		code = wh_session_unpack((struct wh_bytes){ packed.data, packed.n }, &arena, &session, err);
	wh_str_release(&packed);
	wh_session_builder_release(&b);
	wh_arena_release(&arena);
	return code;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_true(failing_each(build, NULL, NULL) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	     cmocka_unit_test(test_names),     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_broken_bytes), cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
