/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithms beside the C library's: over all magnitudes, at every place of a vector, of what is no usual number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "math/logarithm.h"

enum { SOME = 4096 };

static float of_bits(uint32_t bits)
{
	float x;
	memcpy(&x, &bits, sizeof x);
	return x;
}

static uint32_t bits_of(float x)
{
	uint32_t bits;
	memcpy(&bits, &x, sizeof bits);
	return bits;
}

/* How far y is from sign(x) log(1 + |x|), in units of the last place of that. */
static double ulps(float x, float y)
{
	double expected = log1p(fabs((double)x));
	float near = (float)expected, unit = nextafterf(near, INFINITY) - near;
	assert_int_equal(signbit(x) != 0, signbit(y) != 0);
	return fabs(fabsf(y) - expected) / unit;
}

static void within_two_units(void **state)
{
	static float x[SOME], y[SOME];
	uint32_t most = bits_of(WH_LOG_FARTHEST);
	double worst = 0;
	(void)state;
	for (uint32_t at = 0; at <= most;) { /* every 499th float, denormal ones among them, by turns of either sign */
		size_t n = 0;
		for (; n < SOME && at <= most; at += 499)
			x[n] = of_bits(at | (n % 2 ? 0x80000000 : 0)), n++;
		wh_signed_log1p(n, x, y);
		for (size_t i = 0; i < n; i++)
			worst = fmax(worst, ulps(x[i], y[i]));
	}
	for (uint32_t around = bits_of(0.25f), n = 0; around < bits_of(4); n = 0) { /* closely where the power of two changes */
		for (; n < SOME && around < bits_of(4); around += 17)
			x[n++] = of_bits(around);
		wh_signed_log1p(n, x, y);
		for (size_t i = 0; i < n; i++)
			worst = fmax(worst, ulps(x[i], y[i]));
	}
	print_message("at most %.3f units of the last place\n", worst);
	assert_true(worst <= 2);
}

static void at_every_place(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 70; n++) {
		float *x = malloc((n + 1) * sizeof *x), *y = malloc((n + 1) * sizeof *y); /* of just that size: for the sanitizers */
		assert_non_null(x);
		assert_non_null(y);
		for (size_t i = 0; i < n; i++)
			x[i] = 0.37f * (float)i - 9;
		y[n] = 4;
		wh_signed_log1p(n, x, y);
		for (size_t i = 0; i < n; i++)
			assert_true(ulps(x[i], y[i]) <= 2);
		assert_true(y[n] == 4);
		wh_signed_log1p(n, x, x); /* in place: the same */
		assert_true(!n || !memcmp(x, y, n * sizeof *x));
		free(x);
		free(y);
	}
}

static void unusual_numbers(void **state)
{
	const float farthest = logf(WH_LOG_FARTHEST);
	float x[] = { 0, -0.0f, NAN, -NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0x1p-149f, -0x1p-149f, 0x1p-126f, 1, WH_LOG_FARTHEST };
	const float expected[] = { 0, 0, NAN, NAN, farthest, -farthest, farthest, -farthest, 0x1p-149f, -0x1p-149f, 0x1p-126f, logf(2), farthest };
	(void)state;
	wh_signed_log1p(sizeof x / sizeof *x, x, x);
	for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
		assert_int_equal(isnan(x[i]) != 0, isnan(expected[i]) != 0);
		assert_true(isnan(x[i]) || fabsf(x[i] - expected[i]) <= 1e-7f * fabsf(expected[i]));
	}
	assert_false(signbit(x[0]));
	assert_true(signbit(x[1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(within_two_units),
		cmocka_unit_test(at_every_place),
		cmocka_unit_test(unusual_numbers),
	};
	return cmocka_run_group_tests_name("logarithms", tests, NULL, NULL);
}
