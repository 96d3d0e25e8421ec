/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/hypergeometric.h"

#include <math.h>

static const double log_sqrt_2pi = 0.918938533204672741780329736406;

/* log(n!) less Stirling's formula. */
static double stirling_error(double n)
{
	if (n < 16) {
		double factorial = 1;
		for (double i = 2; i <= n; i++)
			factorial *= i;
		return n > 0 ? log(factorial) - (n + 0.5) * log(n) + n - log_sqrt_2pi : 0;
	}
	double n2 = n * n;
	return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / n2) / n2) / n2) / n2) / n;
}

/* x log(x / m) + m - x without cancellation where x is near m. */
static double deviance(double x, double m)
{
	if (fabs(x - m) >= 0.1 * (x + m))
		return x * log(x / m) + m - x;
	double v = (x - m) / (x + m), sum = (x - m) * v, term = 2 * x * v;
	for (int i = 1; i < 1000; i++) {
		term *= v * v;
		double next = sum + term / (2 * i + 1);
		if (next == sum)
			break;
		sum = next;
	}
	return sum;
}

double wh_log_binomial(double k, double n, double p, double q)
{
	if (k == 0)
		return p < 0.1 ? -deviance(n, n * q) - n * p : n * log(q);
	if (k == n)
		return q < 0.1 ? -deviance(n, n * p) - n * q : n * log(p);
	double core = stirling_error(n) - stirling_error(k) - stirling_error(n - k) - deviance(k, n * p) - deviance(n - k, n * q);
	return core - log_sqrt_2pi - 0.5 * (log(k) + log1p(-k / n));
}

double wh_hypergeometric(size_t k, size_t marked, size_t drawn, size_t total)
{
	size_t plain = total - marked;
	if (k > marked || k > drawn || drawn - k > plain)
		return 0;
	if (!drawn || drawn == total || !marked || !plain)
		return 1; /* only one k is possible */
	double p = (double)drawn / (double)total, q = (double)(total - drawn) / (double)total;
	return exp(wh_log_binomial((double)k, (double)marked, p, q) + wh_log_binomial((double)(drawn - k), (double)plain, p, q) -
		   wh_log_binomial((double)drawn, (double)total, p, q));
}
