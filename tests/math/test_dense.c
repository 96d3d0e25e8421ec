/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "failing.h"
#include "math/dense.h"

enum { MOST = 40 };

static void fill(struct wh_rng *rng, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(2 * wh_rng_real(rng) - 1);
}

/* Every combination of transposes, odd sizes and leading dimensions beyond the row, against the definition. */
static void test_gemm(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	static float a[MOST * MOST], b[MOST * MOST], c[MOST * MOST], before[MOST * MOST];
	for (int round = 0; round < 200; round++) {
		size_t m = 1 + wh_rng_below(&rng, 30), n = 1 + wh_rng_below(&rng, 30), k = 1 + wh_rng_below(&rng, 30);
		bool ta = round & 1, tb = round & 2;
		size_t lda = (ta ? m : k) + wh_rng_below(&rng, 4), ldb = (tb ? k : n) + wh_rng_below(&rng, 4), ldc = n + wh_rng_below(&rng, 4);
		float alpha = round % 3 ? 0.5f : 1, beta = (float)(round % 5 % 3);
		fill(&rng, a, MOST * MOST);
		fill(&rng, b, MOST * MOST);
		fill(&rng, c, MOST * MOST);
		if (beta == 0)
			c[0] = NAN; /* is not read */
		memcpy(before, c, sizeof c);
		wh_gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < ldc; j++) {
				double sum = 0;
				for (size_t l = 0; l < k; l++)
					sum += (double)a[ta ? l * lda + i : i * lda + l] * b[tb ? j * ldb + l : l * ldb + j];
				double expected = alpha * sum + (beta != 0 ? beta * before[i * ldc + j] : 0);
				if (j >= n)
					assert_memory_equal(&c[i * ldc + j], &before[i * ldc + j], sizeof *c);
				else
					assert_true(fabs(c[i * ldc + j] - expected) < 1e-5);
			}
	}
}

static void test_products_of_a_matrix_with_itself(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 2);
	enum { N = 600, D = 7 };
	static float x[N * D], g[N * N], h[N * N], s[D * D];
	fill(&rng, x, N * D);
	struct wh_host two = { .threads = 2 };
	struct wh_err err;
	assert_int_equal(wh_gram(x, N, D, D, g, NULL, &err), WH_OK);
	assert_int_equal(wh_gram(x, N, D, D, h, &two, &err), WH_OK);
	assert_memory_equal(g, h, sizeof g);
	wh_syrk(false, N, D, 1, x, D, 0, h, N);
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++) {
			double sum = 0;
			for (size_t l = 0; l < D; l++)
				sum += (double)x[i * D + l] * x[j * D + l];
			assert_true(fabs(g[i * N + j] - sum) < 1e-5);
			assert_true(fabs(h[i * N + j] - sum) < 1e-5);
		}
	wh_syrk(true, D, N, 2, x, D, 0, s, D);
	wh_syrk(true, D, N, 1, x, D, 1, s, D);
	for (size_t i = 0; i < D; i++)
		for (size_t j = 0; j < D; j++) {
			double sum = 0;
			for (size_t l = 0; l < N; l++)
				sum += (double)x[l * D + i] * x[l * D + j];
			assert_true(fabs(s[i * D + j] - 3 * sum) < 1e-3);
		}
	atomic_bool stop = true;
	struct wh_host cancelled = { .cancelled = &stop };
	assert_int_equal(wh_gram(x, N, D, D, g, &cancelled, &err), WH_E_CANCELLED);
}

static void test_vectors(void **state)
{
	const float a[6] = { 1, 2, 3, 4, 5, 6 }, x[3] = { 1, -1, 2 };
	float y[3] = { 1, 1, 1 };
	wh_gemv(false, 2, 3, 1, a, 3, x, 0, y);
	assert_true(y[0] == 5 && y[1] == 11 && y[2] == 1);
	wh_gemv(true, 3, 2, 2, a, 3, x, 1, y); /* 2 (a' [1, -1]) + y */
	assert_true(y[0] == -1 && y[1] == 5 && y[2] == -5);
	assert_true(wh_dot(3, x, y) == -16);
	wh_axpy(3, 2, x, y);
	assert_true(y[0] == 1 && y[1] == 3 && y[2] == -1);
}

/* a = V' diag(values) V, V V' = 1, values ascend; and Cholesky's l l' = a. */
static void test_decompositions(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 3);
	static float x[MOST * (MOST + 4)], af[MOST * MOST], vf[MOST * MOST], wf[MOST];
	static double a[MOST * MOST], keep[MOST * MOST], v[MOST * MOST], w[MOST];
	struct wh_err err;
	for (size_t n = 1; n <= MOST; n += 3) {
		fill(&rng, x, n * (n + 4));
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++) {
				double sum = 0;
				for (size_t l = 0; l < n + 4 && n < 30; l++)
					sum += (double)x[i * (n + 4) + l] * x[j * (n + 4) + l];
				keep[i * n + j] = n < 30 ? sum : i == j; /* all eigenvalues equal, too */
				af[i * n + j] = (float)keep[i * n + j];
			}
		memcpy(a, keep, sizeof a);
		assert_int_equal(wh_eigen(n, a, w, v, &err), WH_OK);
		assert_int_equal(wh_eigen_float(n, af, wf, vf, &err), WH_OK);
		for (size_t i = 0; i < n; i++) {
			assert_true(!i || w[i] >= w[i - 1]);
			assert_true(fabs(wf[i] - w[i]) < 1e-4 * (1 + fabs(w[n - 1])));
			double most = 0;
			for (size_t j = 0; j < n; j++) {
				double back = 0, unit = 0, back_float = 0;
				for (size_t l = 0; l < n; l++) {
					back += v[l * n + i] * w[l] * v[l * n + j];
					back_float += (double)vf[l * n + i] * wf[l] * vf[l * n + j];
					unit += v[i * n + l] * v[j * n + l];
				}
				assert_true(fabs(back - keep[i * n + j]) < 1e-11);
				assert_true(fabs(back_float - keep[i * n + j]) < 1e-4);
				assert_true(fabs(unit - (i == j)) < 1e-11);
				if (fabs(v[i * n + j]) > fabs(most))
					most = v[i * n + j];
			}
			assert_true(most > 0);
		}
		for (size_t i = 0; i < n * n; i++)
			af[i] = (float)keep[i];
		memcpy(a, keep, sizeof a);
		assert_int_equal(wh_cholesky(n, a, &err), WH_OK);
		assert_int_equal(wh_cholesky_float(n, af, &err), WH_OK);
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++) {
				double sum = 0, sum_float = 0;
				for (size_t l = 0; l < n; l++) {
					sum += a[i * n + l] * a[j * n + l];
					sum_float += (double)af[i * n + l] * af[j * n + l];
				}
				assert_true(j <= i || (a[i * n + j] == 0 && af[i * n + j] == 0));
				assert_true(fabs(sum - keep[i * n + j]) < 1e-11 && fabs(sum_float - keep[i * n + j]) < 1e-4);
			}
	}
}

static void test_refusals(void **state)
{
	struct wh_err err;
	double a[4] = { 1, 2, 2, 1 }, w[2], v[4];
	float f[4] = { 1, NAN, NAN, 1 }, wf[2], vf[4];
	assert_int_equal(wh_cholesky(2, a, &err), WH_E_USAGE);
	assert_int_equal(wh_cholesky_float(2, f, &err), WH_E_USAGE);
	assert_int_equal(wh_eigen_float(2, f, wf, vf, &err), WH_E_USAGE);
	a[0] = INFINITY;
	assert_int_equal(wh_eigen(2, a, w, v, &err), WH_E_USAGE);
	assert_int_equal(wh_eigen(1u << 17, a, w, v, &err), WH_E_LIMIT);
	assert_int_equal(wh_cholesky(1u << 17, a, &err), WH_E_LIMIT);
	assert_int_equal(wh_eigen(0, NULL, NULL, NULL, &err), WH_OK);
	assert_int_equal(wh_cholesky(0, NULL, &err), WH_OK);
}

static int eigen_of_two(const void *user, struct wh_err *err)
{
	double a[4] = { 2, 1, 1, 2 }, w[2], v[4];
	return wh_eigen(2, a, w, v, err);
}

static int eigen_of_two_floats(const void *user, struct wh_err *err)
{
	float a[4] = { 2, 1, 1, 2 }, w[2], v[4];
	return wh_eigen_float(2, a, w, v, err);
}

static void test_memory(void **state)
{
	assert_int_equal(failing_each(eigen_of_two, NULL, NULL), 3);
	assert_int_equal(failing_each(eigen_of_two_floats, NULL, NULL), 3);
}

static void test_kernels(void **state)
{
	struct wh_kernels kernels = wh_math_kernels();
	assert_true(kernels.name && *kernels.name && *kernels.widest);
	assert_int_equal(kernels.fit, wh_kernels_fit(kernels.name, kernels.widest));
	assert_true(wh_kernels_fit("SkylakeX", "AVX-512") && wh_kernels_fit("cooperlake", "AVX-512"));
	assert_false(wh_kernels_fit("Haswell", "AVX-512") || wh_kernels_fit("Zen", "AVX-512") || wh_kernels_fit("Prescott", "AVX2"));
	assert_true(wh_kernels_fit("Haswell", "AVX2") && wh_kernels_fit("Sandybridge", "AVX") && wh_kernels_fit("Core2", "SSE"));
	assert_true(wh_kernels_fit("NEOVERSEN1", "NEON"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gemm),
		cmocka_unit_test(test_products_of_a_matrix_with_itself),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_decompositions),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_kernels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
