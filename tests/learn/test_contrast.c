/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "learn/contrast.h"

static const char *name_of(void *user, uint32_t feature)
{
	const char *const *names = user;
	return names[feature];
}

static void features_come_best_first(void **state)
{
	const char *names[] = { "rare", "marker", "anti", "zeta", "alpha" };
	struct wh_contrast_feature features[] = {
		{ .feature = 0, .inside = 1, .outside = 3 },   { .feature = 1, .inside = 40, .outside = 2 },
		{ .feature = 2, .inside = 0, .outside = 100 }, { .feature = 3, .inside = 20, .outside = 50 },
		{ .feature = 4, .inside = 20, .outside = 50 },
	};
	struct wh_err err;
	assert_int_equal(wh_contrast(features, 5, 41, 103, name_of, names, &err), WH_OK);
	assert_int_equal(features[0].feature, 1);
	assert_int_equal(features[1].feature, 4); /* no difference: by name */
	assert_int_equal(features[2].feature, 0);
	assert_int_equal(features[3].feature, 3);
	assert_int_equal(features[4].feature, 2);
	assert_true(features[0].effect > 0.9 && features[0].score == features[0].effect && features[0].p_value < 1e-20);
	assert_true(features[1].score == 0 && features[1].p_value > 0.05);
	assert_true(features[4].effect < -0.9 && features[4].score == features[4].effect);
	/* phi of {{40.5, 1.5}, {2.5, 101.5}} */
	assert_true(fabs(features[0].effect - (40.5 * 101.5 - 1.5 * 2.5) / sqrt(42.0 * 104 * 43 * 103)) < 1e-12);
}

static void no_features_or_no_others(void **state)
{
	const char *names[] = { "a" };
	struct wh_contrast_feature feature = { .inside = 3 };
	struct wh_err err;
	assert_int_equal(wh_contrast(NULL, 0, 3, 4, name_of, names, &err), WH_OK);
	assert_int_equal(wh_contrast(&feature, 1, 5, 0, name_of, names, &err), WH_OK);
	assert_true(feature.p_value == 1 && feature.score == 0);
	assert_int_equal(wh_contrast(&feature, 1, 2, 0, name_of, names, &err), WH_E_USAGE);
	assert_int_equal(wh_contrast(&feature, 1, (size_t)1 << 31, 1, name_of, names, &err), WH_E_LIMIT);
}

/* No fallback to an approximation: huge tables are exact, and cheap. */
static void huge_tables(void **state)
{
	size_t half = (size_t)1 << 30;
	assert_true(wh_fisher_exact(half / 2, half / 2, half / 2, half / 2) == 1);
	/* five standard deviations out, where the normal distribution is right to a few parts in 10^4 */
	size_t x = (size_t)(5 * sqrt((double)half / 8));
	double p = wh_fisher_exact(half / 2 + x, half / 2 - x, half / 2 - x, half / 2 + x);
	assert_true(fabs(p / erfc(5 / sqrt(2)) - 1) < 1e-3);
	assert_true(fabs(p / wh_fisher_exact(half / 2 - x, half / 2 + x, half / 2 + x, half / 2 - x) - 1) < 1e-9);
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (int i = 0; i < 20000; i++) {
		size_t a = wh_rng_below(&rng, 1000000), c = wh_rng_below(&rng, 1000000);
		double some = wh_fisher_exact(a, 1000000 - a, c, 1000000 - c);
		assert_true(some >= 0 && some <= 1);
	}
}

static const char *sentence(struct wh_str *text, size_t inside, size_t outside, size_t n_inside, size_t n_outside)
{
	const struct wh_contrast_feature feature = { .inside = inside, .outside = outside };
	wh_str_clear(text);
	wh_contrast_sentence(text, &feature, "frame", "f", "reports", n_inside, n_outside);
	return text->data;
}

static void sentences(void **state)
{
	struct wh_str text = { 0 };
	assert_string_equal(sentence(&text, 38, 2, 41, 100), "frame f: in 93 % of the 41 reports of this group, in 2 % of the others");
	assert_string_equal(sentence(&text, 999, 1, 1000, 1000),
			    "frame f: in more than 99 % of the 1000 reports of this group, in less than 1 % of the others");
	assert_string_equal(sentence(&text, 0, 7, 2, 7), "frame f: in 0 % of the 2 reports of this group, in 100 % of the others");
	assert_string_equal(sentence(&text, 1, 1, 1, 4), "frame f: in the only one of this group, in 25 % of the other reports");
	assert_string_equal(sentence(&text, 0, 1, 1, 4), "frame f: not in the only one of this group, in 25 % of the other reports");
	assert_string_equal(sentence(&text, 2, 0, 2, 0), "frame f: in 100 % of the 2 reports of this group; there are no others");
	wh_str_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features_come_best_first),
		cmocka_unit_test(no_features_or_no_others),
		cmocka_unit_test(huge_tables),
		cmocka_unit_test(sentences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
