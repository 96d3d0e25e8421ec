/* SPDX-License-Identifier: Apache-2.0 */
/* Every back end of the list against the definition of what it computes, in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/thread.h"
#include "math/compute.h"

enum { MOST = 5000 };

struct product {
	const struct wh_compute *compute;
	bool ta, tb, add;
	size_t m, n, k, lda, ldb, ldc;
	float a[MOST], b[MOST], c[MOST], before[MOST];
	uint64_t a_rounded[MOST / 2], b_rounded[MOST / 2];
};

static const void *operand(const struct wh_compute *compute, const float *x, uint64_t *rounded)
{
	if (!compute->round)
		return x;
	compute->round(MOST, x, rounded);
	return rounded;
}

static void draw(struct product *product, struct wh_rng *rng, bool ones)
{
	size_t most = ones ? 2 : 48;
	product->m = 1 + wh_rng_below(rng, most);
	product->n = 1 + wh_rng_below(rng, 48);
	product->k = 1 + wh_rng_below(rng, most);
	product->lda = (product->ta ? product->m : product->k) + wh_rng_below(rng, 5);
	product->ldb = (product->tb ? product->k : product->n) + wh_rng_below(rng, 5);
	product->ldc = product->n + wh_rng_below(rng, 5);
	for (size_t i = 0; i < MOST; i++) {
		product->a[i] = (float)(2 * wh_rng_real(rng) - 1);
		product->b[i] = (float)(2 * wh_rng_real(rng) - 1);
		product->before[i] = product->c[i] = (float)(2 * wh_rng_real(rng) - 1);
	}
	if (!product->add)
		product->before[0] = product->c[0] = NAN; /* is not read */
}

static void check(const struct product *product)
{
	for (size_t i = 0; i < product->m; i++)
		for (size_t j = 0; j < product->ldc; j++) {
			float got = product->c[i * product->ldc + j], old = product->before[i * product->ldc + j];
			double sum = product->add ? old : 0, size = fabs(sum);
			for (size_t l = 0; l < product->k; l++) {
				double term = (double)product->a[product->ta ? l * product->lda + i : i * product->lda + l] *
					      product->b[product->tb ? j * product->ldb + l : l * product->ldb + j];
				sum += term;
				size += fabs(term);
			}
			if (j >= product->n)
				assert_memory_equal(&got, &old, sizeof got);
			else
				assert_true(fabs(got - sum) <= size * (2 * product->compute->precision + 1e-5));
		}
}

static int gemm(const struct product *product, const void *a, const void *b, float *c, struct wh_err *err)
{
	return product->compute->gemm(product->ta, product->tb, product->m, product->n, product->k, a, product->lda, b, product->ldb,
				      product->add, c, product->ldc, err);
}

static void test_list(void **state)
{
	assert_true(wh_computes[0] && !wh_computes[0]->available);
	assert_ptr_equal(wh_compute_find(NULL), wh_computes[0]);
	assert_null(wh_compute_find("abacus"));
	for (size_t i = 0; wh_computes[i]; i++) {
		const struct wh_compute *compute = wh_computes[i];
		bool available = !compute->available || compute->available();
		assert_ptr_equal(wh_compute_find(compute->name), available ? compute : NULL);
		assert_true(compute->summary && compute->operand && compute->gemm);
		assert_true(!compute->round == (compute->operand == sizeof(float)));
	}
}

static void test_products(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 7);
	struct product *product = malloc(sizeof *product);
	assert_non_null(product);
	struct wh_err err;
	for (size_t i = 0; wh_computes[i]; i++) {
		if (!wh_compute_find(wh_computes[i]->name)) {
			print_message("%s is not available on this processor\n", wh_computes[i]->name);
			continue;
		}
		for (int round = 0; round < 64; round++) {
			product->compute = wh_computes[i];
			product->ta = round & 1;
			product->tb = round & 2;
			product->add = round & 4;
			draw(product, &rng, round & 8);
			const void *a = operand(product->compute, product->a, product->a_rounded);
			const void *b = operand(product->compute, product->b, product->b_rounded);
			assert_int_equal(gemm(product, a, b, product->c, &err), WH_OK);
			check(product);
		}
	}
	free(product);
}

static int twice(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct product *product = (struct product *)user + first;
	return gemm(product, operand(product->compute, product->a, product->a_rounded), operand(product->compute, product->b, product->b_rounded),
		    product->c, err);
}

/* On threads of ours, the same bits as alone. */
static void test_threads(void **state)
{
	enum { N = 8 };
	struct product *products = calloc(N, sizeof *products);
	assert_non_null(products);
	struct wh_host host = { .threads = 4 };
	struct wh_err err;
	for (size_t i = 0; wh_computes[i]; i++) {
		if (!wh_compute_find(wh_computes[i]->name))
			continue;
		for (size_t j = 0; j < N; j++) {
			struct wh_rng rng;
			wh_rng_init(&rng, j / 2);
			products[j].compute = wh_computes[i];
			products[j].tb = j & 2;
			draw(&products[j], &rng, false);
		}
		assert_int_equal(wh_parallel(&host, NULL, N, 1, twice, products, &err), WH_OK);
		for (size_t j = 0; j < N; j += 2) {
			assert_memory_equal(products[j].c, products[j + 1].c, sizeof products[j].c);
			check(&products[j]);
		}
	}
	free(products);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
