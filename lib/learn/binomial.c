/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/binomial.h"

#include <math.h>
#include <stdbool.h>

#include "learn/hypergeometric.h"

/* P(X >= k), k above the mean: terms fall. */
static double upper_tail(double k, double n, double p, double q)
{
	double term = exp(wh_log_binomial(k, n, p, q)), sum = 0;
	for (; k <= n && term > sum * 1e-17; k++) {
		sum += term;
		term *= (n - k) / (k + 1) * (p / q);
	}
	return sum;
}

double wh_binomial_at_least(size_t k, size_t n, double p)
{
	if (!k)
		return 1;
	if (k > n || p <= 0)
		return 0;
	if (p >= 1)
		return 1;
	double at = (double)k, of = (double)n, q = 1 - p;
	if (at >= of * p)
		return fmin(upper_tail(at, of, p, q), 1);
	return 1 - fmin(upper_tail(of - at + 1, of, q, p), 1); /* fewer than k came true: more than n - k did not */
}

double wh_binomial_at_most(size_t k, size_t n, double p)
{
	return k >= n ? 1 : wh_binomial_at_least(n - k, n, 1 - p);
}

/* The rate p at which tail(k, n, p), rising where `rises`, is `level`: halves [0, 1] until nothing is left to halve. */
static double rate_at(double (*tail)(size_t, size_t, double), size_t k, size_t n, double level, bool rises)
{
	double low = 0, high = 1;
	for (;;) {
		double middle = low + (high - low) / 2;
		if (middle <= low || middle >= high || high - low < 1e-15 * high)
			return middle;
		if ((tail(k, n, middle) > level) == rises)
			high = middle;
		else
			low = middle;
	}
}

void wh_binomial_interval(size_t k, size_t n, double confidence, double *low, double *high)
{
	double level = (1 - confidence) / 2;
	*low = k ? rate_at(wh_binomial_at_least, k, n, level, true) : 0;
	*high = k < n ? rate_at(wh_binomial_at_most, k, n, level, false) : 1;
}
