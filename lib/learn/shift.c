/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/shift.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct reading {
	double value;
	size_t at; /* among the known ones: those of before, then those of now */
};

static int by_value(const void *a, const void *b)
{
	const struct reading *x = a, *y = b;
	return x->value < y->value ? -1 : x->value > y->value;
}

static size_t take_known(struct reading *reading, size_t first, const double *value, size_t n)
{
	size_t known = first;
	for (size_t i = 0; i < n; i++)
		if (!isnan(value[i])) {
			reading[known] = (struct reading){ value[i], known };
			known++;
		}
	return known - first;
}

/* Linear interpolation between sorted values, as numpy's default. */
static double quantile(const double *sorted, size_t n, double q)
{
	double place = q * (double)(n - 1);
	size_t low = (size_t)place;
	return low + 1 < n ? sorted[low] + (place - (double)low) * (sorted[low + 1] - sorted[low]) : sorted[low];
}

/* Readings that n of these ranks are worth. */
static double worth(const double *rank, size_t n)
{
	double mean = 0, squares = 0, products = 0;
	for (size_t i = 0; i < n; i++)
		mean += rank[i] / (double)n;
	for (size_t i = 0; i < n; i++) {
		squares += (rank[i] - mean) * (rank[i] - mean);
		if (i)
			products += (rank[i] - mean) * (rank[i - 1] - mean);
	}
	double r = squares > 0 ? products / squares : 0;
	r = r > 0 ? (r < 0.99 ? r : 0.99) : 0;
	return fmax(1, (double)n * (1 - r) / (1 + r));
}

/* Mean ranks of the sorted readings, by `at`; the sum of t^3 - t over ties. */
static double set_ranks(const struct reading *sorted, size_t n, double *rank)
{
	double ties = 0;
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && sorted[j].value == sorted[i].value; j++)
			;
		double t = (double)(j - i);
		ties += t * t * t - t;
		for (size_t k = i; k < j; k++)
			rank[sorted[k].at] = ((double)i + (double)j + 1) / 2;
	}
	return ties;
}

static void compare(struct wh_shift *s, const double *rank, double ties)
{
	double n = (double)s->n_before, m = (double)s->n_now, sum = 0;
	for (size_t i = 0; i < s->n_now; i++)
		sum += rank[s->n_before + i];
	double u = sum - m * (m + 1) / 2;
	s->effect = 2 * u / (n * m) - 1;
	double a = worth(rank, s->n_before), b = worth(rank + s->n_before, s->n_now), all = n + m;
	double spread = 1 - ties / (all * all * all - all); /* 1 without ties */
	double deviation = sqrt((a + b + 1) / (12 * a * b) * spread); /* of u / (n m) */
	double z = deviation > 0 ? (fabs(u / (n * m) - 0.5) - 0.5 / (a * b)) / deviation : 0;
	s->p_value = z > 0 ? erfc(z / sqrt(2)) : 1;
}

static void describe(struct wh_shift *s, double *sorted_before, double *sorted_now)
{
	s->median_before = quantile(sorted_before, s->n_before, 0.5);
	s->median_now = quantile(sorted_now, s->n_now, 0.5);
	double range = quantile(sorted_before, s->n_before, 0.75) - quantile(sorted_before, s->n_before, 0.25);
	s->baro = (sorted_now[s->n_now - 1] - s->median_before) / (range > 0 ? range : 1);
}

int wh_shift(const double *before, size_t n, const double *now, size_t m, struct wh_shift *s, struct wh_err *err)
{
	*s = (struct wh_shift){ .median_before = NAN, .median_now = NAN, .p_value = 1 };
	struct reading *reading = malloc((n + m + 1) * sizeof *reading);
	double *rank = malloc((n + m + 1) * sizeof *rank), *sorted = malloc((n + m + 1) * sizeof *sorted);
	int code = reading && rank && sorted ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK) {
		s->n_before = take_known(reading, 0, before, n);
		s->n_now = take_known(reading, s->n_before, now, m);
		size_t all = s->n_before + s->n_now, b = 0, a = s->n_before;
		if (all)
			qsort(reading, all, sizeof *reading, by_value);
		for (size_t i = 0; i < all; i++)
			sorted[reading[i].at < s->n_before ? b++ : a++] = reading[i].value;
		double ties = set_ranks(reading, all, rank);
		if (s->n_before && s->n_now)
			describe(s, sorted, sorted + s->n_before);
		if (s->n_before > 1 && s->n_now > 1)
			compare(s, rank, ties);
		else
			s->baro = 0;
	}
	free(reading);
	free(rank);
	free(sorted);
	return code;
}
