/* SPDX-License-Identifier: Apache-2.0 */
/* Fourier transforms and convolutions beside their definitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "failing.h"
#include "math/convolution.h"
#include "math/fft.h"

enum { LANES = WH_FFT_LANES };

static const struct wh_host two = { .threads = 2 };

static float *random_floats(size_t n, uint64_t seed)
{
	float *x = aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);
	struct wh_rng rng;
	assert_non_null(x);
	wh_rng_init(&rng, seed);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)wh_rng_real(&rng) - 0.5f;
	return x;
}

static void transforms_are_sums(void **state)
{
	static const size_t lengths[] = { 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192 };
	struct wh_err err;
	for (size_t t = 0; t < sizeof lengths / sizeof *lengths; t++) {
		const size_t n = lengths[t];
		struct wh_fft fft;
		float *x = random_floats(2 * n * LANES, n), *y = random_floats(2 * n * LANES, n), *work = random_floats(2 * n * LANES, 0);
		assert_true(wh_fft_can(n));
		assert_int_equal(wh_fft_init(&fft, n, &err), WH_OK);
		wh_fft_lanes(&fft, y, y + n * LANES, work);
		for (size_t l = 0; l < LANES; l += 5) {
			for (size_t k = 0; k < n; k++) {
				double re = 0, im = 0;
				for (size_t j = 0; j < n; j++) {
					double angle = -2 * M_PI * (double)(j * k % n) / (double)n, a = x[j * LANES + l], b = x[(n + j) * LANES + l];
					re += a * cos(angle) - b * sin(angle);
					im += a * sin(angle) + b * cos(angle);
				}
				assert_true(fabs(re - y[k * LANES + l]) < 1e-5);
				assert_true(fabs(im - y[(n + k) * LANES + l]) < 1e-5);
			}
		}
		/* and back */
		wh_fft_lanes(&fft, y + n * LANES, y, work);
		for (size_t i = 0; i < 2 * n * LANES; i++)
			assert_true(fabsf(y[i] / (float)n - x[i]) < 1e-5f);
		wh_fft_release(&fft);
		free(x);
		free(y);
		free(work);
	}
}

static void other_lengths_are_refused(void **state)
{
	static const size_t lengths[] = { 0, 1, 3, 5, 7, 9, 10, 18, 100, 2 * WH_FFT_LONGEST };
	struct wh_fft fft;
	struct wh_convolution c;
	struct wh_err err;
	for (size_t t = 0; t < sizeof lengths / sizeof *lengths; t++) {
		assert_false(wh_fft_can(lengths[t]));
		assert_int_equal(wh_fft_init(&fft, lengths[t], &err), WH_E_USAGE);
		assert_int_equal(wh_convolution_init(&c, lengths[t], NULL, &err), WH_E_USAGE);
	}
	assert_int_equal(wh_convolution_init(&c, 48, NULL, &err), WH_E_USAGE); /* no multiple of 32 */
	assert_int_equal(wh_convolution_size(0), 32);
	assert_int_equal(wh_convolution_size(65), 96);
	assert_int_equal(wh_convolution_size(97), 128);
	assert_int_equal(wh_convolution_size(WH_FFT_LONGEST), 0);
}

static double student(double squared, const void *user)
{
	const double *step = user;
	return 1 / (1 + squared * *step * *step);
}

static void convolutions_are_sums(void **state)
{
	static const size_t sizes[] = { 32, 64, 96, 128 };
	const double step = 0.5;
	struct wh_err err;
	for (size_t t = 0; t < sizeof sizes / sizeof *sizes; t++) {
		const size_t n = sizes[t];
		struct wh_convolution c;
		float *in = random_floats(n * n, 3), *out = calloc(n * n, sizeof *out), *alone = calloc(n * n, sizeof *alone);
		assert_int_equal(wh_convolution_init(&c, n, &two, &err), WH_OK);
		assert_int_equal(wh_convolution_kernel(&c, student, &step, NULL, &two, &err), WH_OK);
		assert_int_equal(wh_convolve(&c, in, out, &two, &err), WH_OK);
		for (size_t at = 0; at < n * n; at += n * n / 7 - 1) {
			double sum = 0;
			for (size_t i = 0; i < n * n; i++) {
				double dx = (double)(i % n) - (double)(at % n), dy = (double)(i / n) - (double)(at / n);
				sum += in[i] * student(dx * dx + dy * dy, &step);
			}
			assert_true(fabs(sum - out[at]) < 1e-4);
		}
		/* one thread gives the same; in place, too */
		memcpy(alone, in, n * n * sizeof *in);
		assert_int_equal(wh_convolution_kernel(&c, student, &step, NULL, NULL, &err), WH_OK);
		assert_int_equal(wh_convolve(&c, alone, alone, NULL, &err), WH_OK);
		assert_memory_equal(alone, out, n * n * sizeof *out);
		wh_convolution_release(&c);
		free(in);
		free(out);
		free(alone);
	}
}

/* A response that is 4 everywhere divides the result by 16, once for each axis. */
static void responses_divide(void **state)
{
	enum { N = 32 };
	const double step = 1;
	double response[N + 1];
	struct wh_convolution c;
	struct wh_err err;
	float *in = random_floats(N * N, 5), plain[N * N], divided[N * N];
	for (size_t k = 0; k <= N; k++)
		response[k] = 4;
	assert_int_equal(wh_convolution_init(&c, N, NULL, &err), WH_OK);
	assert_int_equal(wh_convolution_kernel(&c, student, &step, NULL, NULL, &err), WH_OK);
	assert_int_equal(wh_convolve(&c, in, plain, NULL, &err), WH_OK);
	assert_int_equal(wh_convolution_kernel(&c, student, &step, response, NULL, &err), WH_OK);
	assert_int_equal(wh_convolve(&c, in, divided, NULL, &err), WH_OK);
	for (size_t i = 0; i < N * N; i++)
		assert_true(fabsf(divided[i] * 16 - plain[i]) < 1e-4f);
	wh_convolution_release(&c);
	free(in);
}

static int start(const void *user, struct wh_err *err)
{
	struct wh_convolution c;
	int code = wh_convolution_init(&c, 32, &two, err);
	wh_convolution_release(&c);
	return code;
}

static void memory_may_lack(void **state)
{
	assert_int_equal(failing_each(start, NULL, NULL), 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(transforms_are_sums),
		cmocka_unit_test(other_lengths_are_refused),
		cmocka_unit_test(convolutions_are_sums),
		cmocka_unit_test(responses_divide),
		cmocka_unit_test(memory_may_lack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
