/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/trend.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* ---- Student's t ---- */

/* The continued fraction of the regularised incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method. */
static double beta_fraction(double a, double b, double x)
{
	enum { MOST = 500 };
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1);
	d = 1 / (fabs(d) < tiny ? tiny : d);
	double f = d;
	for (int m = 1; m <= MOST; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step = 1;
		for (int k = 0; k < 2; k++) {
			double term = k ? odd : even;
			d = 1 + term * d;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = 1 + term / c;
			c = fabs(c) < tiny ? tiny : c;
			step = c * d;
			f *= step;
		}
		if (fabs(step - 1) < 4 * DBL_EPSILON)
			break;
	}
	return f;
}

/* I_x(a, b) */
static double incomplete_beta(double a, double b, double x)
{
	if (!(x > 0))
		return 0;
	if (x >= 1)
		return 1;
	double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double wh_student_upper(double t, double freedom)
{
	if (isnan(t))
		return 1;
	double tail = isinf(t) ? 0 : incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2;
	return t > 0 ? tail : 1 - tail;
}

/* ---- the trend ---- */

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* Ends of equal blocks among the known values, at most: most + 1 of them. */
static size_t find_ends(const double *value, size_t n, size_t most, double *at, double *end)
{
	size_t known = 0, n_ends, seen = 0, made = 0;
	for (size_t i = 0; i < n; i++)
		known += !isnan(value[i]);
	n_ends = known < most + 1 ? known : most + 1;
	for (size_t i = 0; i < n && made < n_ends; i++) {
		if (isnan(value[i]))
			continue;
		if (n_ends == 1 || seen == made * (known - 1) / (n_ends - 1)) {
			at[made] = (double)i;
			end[made++] = value[i];
		}
		seen++;
	}
	return made;
}

static double median_slope(const double *at, const double *end, size_t n)
{
	double slope[(WH_TREND_BLOCKS + 1) * WH_TREND_BLOCKS / 2];
	size_t m = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			slope[m++] = (end[j] - end[i]) / (at[j] - at[i]);
	if (!m)
		return 0;
	qsort(slope, m, sizeof *slope, ascending);
	return m % 2 ? slope[m / 2] : (slope[m / 2 - 1] + slope[m / 2]) / 2;
}

static double test_mean(const double *end, size_t blocks)
{
	if (blocks < 2)
		return 1;
	double mean = (end[blocks] - end[0]) / (double)blocks, squares = 0;
	for (size_t i = 0; i < blocks; i++)
		squares += (end[i + 1] - end[i] - mean) * (end[i + 1] - end[i] - mean);
	double error = sqrt(squares / (double)(blocks - 1) / (double)blocks);
	double p = mean <= 0 ? 1 : error > 0 ? wh_student_upper(mean / error, (double)(blocks - 1)) : 0;
	return fmax(p, ldexp(1, -(int)blocks));
}

void wh_trend(const double *value, size_t n, struct wh_trend *trend)
{
	double at[WH_TREND_BLOCKS + 1], end[WH_TREND_BLOCKS + 1];
	size_t n_ends = find_ends(value, n, WH_TREND_BLOCKS, at, end), blocks = n_ends ? n_ends - 1 : 0;
	*trend = (struct wh_trend){ .p_value = 1, .blocks = blocks };
	if (!blocks)
		return;
	trend->slope = median_slope(at, end, n_ends);
	trend->growth = end[blocks] - end[0];
	trend->p_value = test_mean(end, blocks);
	if (blocks > WH_TREND_FEW) {
		find_ends(value, n, WH_TREND_FEW, at, end);
		trend->p_value = fmin(1, 2 * fmin(trend->p_value, test_mean(end, WH_TREND_FEW)));
	}
}
