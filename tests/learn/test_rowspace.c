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
#include "learn/rowspace.h"

enum { MOST_N = 300 };

/* Sparse rows, of which `rank` are independent; the same dense and compressed. */
struct rows {
	struct wh_matrix dense, sparse;
	float *values;
	size_t *start;
	uint32_t *column;
	float *value;
};

static void make(struct rows *rows, size_t n, size_t d, size_t rank, uint64_t seed)
{
	struct wh_rng rng;
	wh_rng_init(&rng, seed);
	rows->values = calloc(n * d, sizeof *rows->values);
	rows->start = calloc(n + 1, sizeof *rows->start);
	rows->column = calloc(n * d, sizeof *rows->column);
	rows->value = calloc(n * d, sizeof *rows->value);
	assert_true(rows->values && rows->start && rows->column && rows->value);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < d; j++)
			if (i < rank)
				rows->values[i * d + j] = wh_rng_below(&rng, 5) ? 0 : (float)wh_rng_real(&rng);
			else /* of two that were before: sums that a float holds exactly are not needed */
				rows->values[i * d + j] = 0.5f * rows->values[i % rank * d + j] + 0.25f * rows->values[(i * 7 + 1) % rank * d + j];
	for (size_t i = 0; i < n; i++) {
		rows->start[i + 1] = rows->start[i];
		for (size_t j = 0; j < d; j++)
			if (rows->values[i * d + j] != 0) {
				rows->column[rows->start[i + 1]] = (uint32_t)j;
				rows->value[rows->start[i + 1]++] = rows->values[i * d + j];
			}
	}
	rows->dense = (struct wh_matrix){ .n = n, .d = d, .dense = rows->values };
	rows->sparse = (struct wh_matrix){ .n = n, .d = d, .start = rows->start, .column = rows->column, .value = rows->value };
}

static void release(struct rows *rows)
{
	free(rows->values);
	free(rows->start);
	free(rows->column);
	free(rows->value);
}

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

/* Coordinates have the rows' dot products; new rows theirs with the training rows; what lies outside is told. */
static void check_space(size_t n, size_t d, size_t rank)
{
	struct rows rows, others;
	make(&rows, n, d, rank, 1);
	make(&others, 70, d, 70, 2);
	struct wh_err err;
	struct wh_host three = { .threads = 3 };
	struct wh_rowspace space, again;
	float *c, *c_again;
	assert_int_equal(wh_rowspace_fit(&rows.sparse, 1, NULL, &space, &c, &err), WH_OK);
	assert_int_equal(wh_rowspace_fit(&rows.dense, 1, &three, &again, &c_again, &err), WH_OK);
	size_t r = space.r;
	assert_int_equal(r, d > n ? rank : d);
	assert_int_equal(again.r, r);
	assert_memory_equal(c, c_again, n * r * sizeof *c);
	for (size_t i = 0; i < n; i += 3)
		for (size_t j = 0; j < n; j += 5) {
			double expected = dot(rows.values + i * d, rows.values + j * d, d);
			assert_true(fabs(dot(c + i * r, c + j * r, r) - expected) < 1e-4 * (1 + expected));
		}
	float *of_rows = calloc(n * r, sizeof(float)), *of_others = calloc(70 * r, sizeof(float)), *sparse = calloc(70 * r, sizeof(float));
	double outside[MOST_N], outside_others[70];
	assert_true(of_rows && of_others && sparse);
	assert_int_equal(wh_rowspace_project(&space, &rows.dense, of_rows, outside, &three, &err), WH_OK);
	assert_int_equal(wh_rowspace_project(&space, &others.dense, of_others, outside_others, NULL, &err), WH_OK);
	assert_int_equal(wh_rowspace_project(&space, &others.sparse, sparse, NULL, &three, &err), WH_OK);
	assert_memory_equal(of_others, sparse, 70 * r * sizeof *sparse);
	for (size_t i = 0; i < n; i++) {
		double length = dot(rows.values + i * d, rows.values + i * d, d);
		assert_true(outside[i] >= 0 && outside[i] < 1e-3 * (1 + length));
		for (size_t j = 0; j < r; j++)
			assert_true(fabsf(of_rows[i * r + j] - c[i * r + j]) < 2e-3f * (float)sqrt(1 + length));
	}
	for (size_t i = 0; i < 70; i++) {
		double length = dot(others.values + i * d, others.values + i * d, d), inside = dot(of_others + i * r, of_others + i * r, r);
		assert_true(fabs(inside + outside_others[i] - length) < 1e-4 * (1 + length));
		if (d <= n)
			assert_true(outside_others[i] == 0);
		else /* V is orthonormal, and random rows lie mostly outside */
			assert_true(outside_others[i] > 0.1 * length);
		for (size_t j = 0; j < n; j += 17) {
			double expected = dot(others.values + i * d, rows.values + j * d, d);
			assert_true(fabs(dot(of_others + i * r, c + j * r, r) - expected) < 1e-3 * (1 + expected));
		}
	}
	free(c);
	free(c_again);
	free(of_rows);
	free(of_others);
	free(sparse);
	wh_rowspace_release(&space);
	wh_rowspace_release(&again);
	release(&rows);
	release(&others);
}

static void test_spaces(void **state)
{
	check_space(60, 5000, 60); /* several strips of columns */
	check_space(60, 300, 40);  /* fewer independent rows */
	check_space(300, 200, 200);
	check_space(1, 64, 1);
	check_space(64, 1, 1);
}

/* The share that is kept is the one asked for, with the fewest directions, and told; both ways of taking the basis agree. */
static void test_truncation(void **state)
{
	struct wh_err err;
	for (int wide = 0; wide < 2; wide++) {
		size_t n = wide ? 50 : 120, d = wide ? 120 : 50;
		struct rows rows;
		make(&rows, n, d, wide ? 50 : 120, 3);
		double total = 0, before = 0;
		for (size_t i = 0; i < n; i++)
			total += dot(rows.values + i * d, rows.values + i * d, d);
		for (int share = 5; share <= 10; share++) {
			struct wh_rowspace space;
			float *c;
			assert_int_equal(wh_rowspace_fit(&rows.sparse, share / 10.0 - 1e-9, NULL, &space, &c, &err), WH_OK);
			double kept = dot(c, c, n * space.r) / total, last = 0;
			for (size_t i = 0; i < n; i++)
				last += (double)c[i * space.r + space.r - 1] * c[i * space.r + space.r - 1];
			assert_true(fabs(kept - space.kept) < 1e-5);
			assert_true(kept > share / 10.0 - 1e-5 && kept - last / total < share / 10.0);
			assert_true(kept > before && space.r <= 50);
			before = kept;
			double outside[120];
			float *again = calloc(n * space.r, sizeof *again);
			assert_non_null(again);
			assert_int_equal(wh_rowspace_project(&space, &rows.dense, again, outside, NULL, &err), WH_OK);
			double sum = 0;
			for (size_t i = 0; i < n; i++)
				sum += outside[i];
			assert_true(fabs(sum / total - (1 - kept)) < 1e-5);
			for (size_t i = 0; i < n * space.r; i++)
				assert_true(fabsf(again[i] - c[i]) < 1e-3f);
			free(again);
			free(c);
			wh_rowspace_release(&space);
		}
		release(&rows);
	}
}

static void test_bytes(void **state)
{
	struct wh_err err;
	for (int form = 0; form < 3; form++) {
		size_t n = form == 0 ? 9 : 30, d = form == 0 ? 30 : 9;
		struct rows rows;
		make(&rows, n, d, n, 4);
		struct wh_rowspace space, back;
		float *c;
		assert_int_equal(wh_rowspace_fit(&rows.sparse, form == 2 ? 0.9 : 1, NULL, &space, &c, &err), WH_OK);
		struct wh_str bytes = { 0 }, second = { 0 };
		wh_rowspace_pack(&space, &bytes);
		assert_int_equal(wh_str_check(&bytes, &err), WH_OK);
		struct wh_unpack in = { .rest = { bytes.data, bytes.n } };
		wh_rowspace_unpack(&in, &back);
		assert_int_equal(wh_unpack_check(&in, true, "space", &err), WH_OK);
		wh_rowspace_pack(&back, &second);
		assert_int_equal(second.n, bytes.n);
		assert_memory_equal(second.data, bytes.data, bytes.n);
		float *a = calloc(n * space.r, sizeof *a), *b = calloc(n * space.r, sizeof *b);
		assert_true(a && b);
		assert_int_equal(wh_rowspace_project(&space, &rows.sparse, a, NULL, NULL, &err), WH_OK);
		assert_int_equal(wh_rowspace_project(&back, &rows.sparse, b, NULL, NULL, &err), WH_OK);
		assert_memory_equal(a, b, n * space.r * sizeof *a);
		wh_rowspace_release(&back);
		for (size_t length = 0; length < bytes.n; length++) { /* cut short anywhere: damaged, and no byte beyond is read */
			char *cut = malloc(length + 1);
			assert_non_null(cut);
			memcpy(cut, bytes.data, length);
			in = (struct wh_unpack){ .rest = { cut, length } };
			wh_rowspace_unpack(&in, &back);
			assert_int_equal(wh_unpack_check(&in, true, "space", &err), WH_E_FORMAT);
			wh_rowspace_release(&back);
			free(cut);
		}
		for (size_t at = 0; at < bytes.n; at++) /* altered anywhere: what is accepted can be used */
			for (int bit = 0; bit < 8; bit += 3) {
				bytes.data[at] ^= (char)(1 << bit);
				in = (struct wh_unpack){ .rest = { bytes.data, bytes.n } };
				wh_rowspace_unpack(&in, &back);
				if (wh_unpack_check(&in, true, "space", &err) == WH_OK && back.d == d && back.r == space.r && back.n == n)
					assert_int_equal(wh_rowspace_project(&back, &rows.sparse, b, NULL, NULL, &err), WH_OK);
				wh_rowspace_release(&back);
				bytes.data[at] ^= (char)(1 << bit);
			}
		free(a);
		free(b);
		free(c);
		wh_str_release(&bytes);
		wh_str_release(&second);
		wh_rowspace_release(&space);
		release(&rows);
	}
}

static void test_refusals(void **state)
{
	struct wh_err err;
	struct wh_rowspace space;
	float *c, values[6] = { 0 }, code[6];
	struct wh_matrix none = { 0 }, zeroes = { .n = 2, .d = 3, .dense = values }, narrow = { .n = 3, .d = 2, .dense = values };
	assert_int_equal(wh_rowspace_fit(&none, 1, NULL, &space, &c, &err), WH_E_USAGE);
	assert_int_equal(wh_rowspace_fit(&zeroes, 1, NULL, &space, &c, &err), WH_OK); /* a space of one direction, in which nothing lies */
	assert_int_equal(space.r, 1);
	assert_true(c[0] == 0 && c[1] == 0 && space.kept == 1);
	free(c);
	assert_int_equal(wh_rowspace_project(&space, &narrow, code, NULL, NULL, &err), WH_E_USAGE);
	values[4] = 2;
	double outside[2];
	assert_int_equal(wh_rowspace_project(&space, &zeroes, code, outside, NULL, &err), WH_OK);
	assert_true(outside[0] == 0 && outside[1] == 4);
	wh_rowspace_release(&space);
	values[5] = NAN;
	assert_int_equal(wh_rowspace_fit(&zeroes, 1, NULL, &space, &c, &err), WH_E_USAGE);
	assert_null(c);
	values[5] = 0;
	atomic_bool stop = true;
	struct wh_host cancelled = { .cancelled = &stop };
	assert_int_equal(wh_rowspace_fit(&zeroes, 1, &cancelled, &space, &c, &err), WH_E_CANCELLED);
}

static int fit_and_project(const void *user, struct wh_err *err)
{
	const struct wh_matrix *x = user;
	struct wh_rowspace space;
	float *c, code[200];
	WH_TRY(wh_rowspace_fit(x, 0.99, NULL, &space, &c, err));
	int status = wh_rowspace_project(&space, x, code, NULL, NULL, err);
	free(c);
	wh_rowspace_release(&space);
	return status;
}

static void test_memory(void **state)
{
	struct rows wide, tall;
	make(&wide, 6, 20, 6, 5);
	make(&tall, 20, 6, 20, 5);
	assert_true(failing_each(fit_and_project, &wide.sparse, NULL) > 10);
	assert_true(failing_each(fit_and_project, &tall.sparse, NULL) > 8);
	release(&wide);
	release(&tall);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spaces),	  cmocka_unit_test(test_truncation), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
