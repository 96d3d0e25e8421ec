/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "learn/quality.h"

enum { MOST = 80 };

struct data {
	size_t n;
	uint32_t truth[MOST], order[MOST];
	float similarity[MOST][MOST];
};

static double similarity_of(void *user, size_t i, size_t j)
{
	const struct data *data = user;
	return data->similarity[i][j];
}

/* Straight from the definitions. */
static struct wh_ranking by_definition(const struct data *data)
{
	struct wh_ranking r = { 0 };
	double wins = 0, pairs = 0;
	for (size_t q = 0; q < data->n; q++) {
		uint32_t point = data->order[q], class = data->truth[point], rank = 1;
		double best[MOST];
		for (size_t c = 0; c < data->n; c++)
			best[c] = -INFINITY;
		for (size_t i = 0; i < q; i++)
			best[data->truth[data->order[i]]] =
				fmax(best[data->truth[data->order[i]]], data->similarity[point][data->order[i]]);
		if (best[class] == -INFINITY)
			continue;
		for (size_t c = 0; c < data->n; c++)
			rank += c != class && best[c] >= best[class];
		r.queries++;
		r.rr1 += rank == 1;
		r.rr5 += rank <= 5;
		r.map += 1.0 / rank;
	}
	for (size_t i = 0; i < data->n; i++)
		for (size_t j = 0; j < i; j++)
			for (size_t k = 0; data->truth[i] == data->truth[j] && k < data->n; k++)
				for (size_t l = 0; l < k; l++) {
					if (data->truth[k] == data->truth[l])
						continue;
					pairs++;
					float same = data->similarity[i][j], other = data->similarity[k][l];
					wins += same > other ? 1 : same == other ? 0.5 : 0;
				}
	double n = (double)r.queries;
	return (struct wh_ranking){ wins / pairs, (double)r.rr1 / n, (double)r.rr5 / n, r.map / n, r.queries };
}

static bool same_number(double a, double b)
{
	return (isnan(a) && isnan(b)) || fabs(a - b) < 1e-12;
}

static void agrees_with_definitions(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (int round = 0; round < 300; round++) {
		struct data data = { .n = 1 + wh_rng_below(&rng, round % 20 ? 20 : MOST) };
		size_t classes = 1 + wh_rng_below(&rng, data.n);
		for (uint32_t i = 0; i < data.n; i++) {
			data.order[i] = i;
			data.truth[i] = (uint32_t)wh_rng_below(&rng, classes);
			for (size_t j = 0; j < i; j++) {
				double s = wh_rng_real(&rng) - 0.5;
				data.similarity[i][j] = data.similarity[j][i] = (float)(round % 2 ? s : floor(s * 4) / 4);
			}
		}
		wh_rng_shuffle(&rng, data.order, data.n);
		struct wh_ranking expected = by_definition(&data), r;
		const struct wh_host host = { .threads = 1 + (unsigned)round % 4 };
		struct wh_err err;
		assert_int_equal(wh_ranking(data.n, data.truth, data.order, similarity_of, &data, &host, &r, &err), WH_OK);
		assert_int_equal(r.queries, expected.queries);
		assert_true(same_number(r.rr1, expected.rr1));
		assert_true(same_number(r.rr5, expected.rr5));
		assert_true(same_number(r.map, expected.map));
		assert_true(same_number(r.pair_auc, expected.pair_auc));
	}
}

static double noise(void *user, size_t i, size_t j)
{
	uint64_t h = wh_hash_u64((i < j ? i << 32 | j : j << 32 | i) + 1);
	const uint32_t *truth = user;
	return (double)(h >> 40) * 0x1p-24 + (truth[i] == truth[j] ? 0.5 : 0);
}

/* Two uniform distributions, one moved by 1/2: the area is 1 - 1/8. More pairs than are kept, and any number of threads. */
static void area_of_a_sample(void **state)
{
	enum { n = 6000 };
	uint32_t *truth = malloc(n * sizeof *truth), *order = malloc(n * sizeof *order);
	for (uint32_t i = 0; i < n; i++) {
		truth[i] = i / 6;
		order[i] = n - 1 - i;
	}
	struct wh_ranking one, two;
	const struct wh_host host = { .threads = 2 };
	struct wh_err err;
	assert_int_equal(wh_ranking(n, truth, order, noise, truth, NULL, &one, &err), WH_OK);
	assert_true(fabs(one.pair_auc - 0.875) < 0.005);
	assert_int_equal(one.queries, n - n / 6);
	assert_int_equal(wh_ranking(n, truth, order, noise, truth, &host, &two, &err), WH_OK);
	assert_memory_equal(&one, &two, sizeof one);
	free(truth);
	free(order);
}

static double not_a_number(void *user, size_t i, size_t j)
{
	return NAN;
}

static void edges(void **state)
{
	const uint32_t truth[] = { 0, 0, 1 }, order[] = { 0, 1, 2 }, far[] = { 0, 1, 3 };
	struct wh_ranking r;
	struct wh_err err;
	assert_int_equal(wh_ranking(0, NULL, NULL, not_a_number, NULL, NULL, &r, &err), WH_OK);
	assert_true(r.queries == 0 && isnan(r.map) && isnan(r.pair_auc));
	assert_int_equal(wh_ranking(3, truth, order, not_a_number, NULL, NULL, &r, &err), WH_OK);
	assert_true(r.queries == 1 && r.rr1 == 1 && r.pair_auc == 0.5);
	assert_int_equal(wh_ranking(3, far, order, not_a_number, NULL, NULL, &r, &err), WH_E_USAGE);
	assert_int_equal(wh_ranking(3, truth, far, not_a_number, NULL, NULL, &r, &err), WH_E_USAGE);
	atomic_bool cancelled = true;
	const struct wh_host host = { .cancelled = &cancelled };
	assert_int_equal(wh_ranking(3, truth, order, not_a_number, NULL, &host, &r, &err), WH_E_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_definitions),
		cmocka_unit_test(area_of_a_sample),
		cmocka_unit_test(edges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
