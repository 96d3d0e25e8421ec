/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/conformal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IN_WINDOW = 16384 };

struct sized {
	double expected; /* held-back observations */
	uint32_t group;
};

static int largest_first(const void *left, const void *right)
{
	const struct sized *a = left, *b = right;
	if (a->expected != b->expected)
		return a->expected > b->expected ? -1 : 1;
	return a->group < b->group ? -1 : a->group > b->group;
}

static int ascending(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

static void make_pools(struct wh_conformal *conformal, struct sized *sized, size_t n, const double *share, size_t least)
{
	double total = 0, rest = 0;
	size_t n_own = 0, n_groups = conformal->n_groups;
	for (size_t g = 0; g < n_groups; g++)
		total += share[g];
	for (size_t g = 0; g < n_groups; g++)
		sized[g] = (struct sized){ total > 0 ? (double)n * share[g] / total : 0, (uint32_t)g };
	qsort(sized, n_groups, sizeof *sized, largest_first);
	while (n_own < n_groups && sized[n_own].expected >= (double)least)
		n_own++;
	for (size_t g = n_own; g < n_groups; g++)
		rest += sized[g].expected;
	while (n_own > 0 && n_own < n_groups && rest < (double)least)
		rest += sized[--n_own].expected;
	for (size_t g = 0; g < n_groups; g++)
		conformal->pool[sized[g].group] = (uint32_t)(g < n_own ? g : n_own);
	conformal->n_pools = n_own + (n_own < n_groups);
}

static void fill_pools(struct wh_conformal *conformal, const double *score, const uint32_t *group, size_t n)
{
	size_t *end = conformal->end;
	memset(end, 0, (conformal->n_groups + 1) * sizeof *end);
	for (size_t i = 0; i < n; i++)
		end[conformal->pool[group[i]] + 1]++;
	for (size_t p = 0; p < conformal->n_pools; p++)
		end[p + 1] += end[p];
	for (size_t i = 0; i < n; i++)
		conformal->score[end[conformal->pool[group[i]]]++] = score[i];
	for (size_t p = 0; p < conformal->n_pools; p++) {
		size_t first = p ? end[p - 1] : 0;
		qsort(conformal->score + first, end[p] - first, sizeof *conformal->score, ascending);
	}
}

int wh_conformal_fit(const double *score, const uint32_t *group, size_t n, const double *share, size_t n_groups, size_t least,
		     struct wh_conformal *conformal, struct wh_err *err)
{
	*conformal = (struct wh_conformal){ .n_groups = n_groups, .n_pools = 1 };
	if (!n_groups)
		return wh_err_set(err, WH_E_USAGE, "no groups to set thresholds for");
	for (size_t i = 0; i < n; i++)
		if (group[i] >= n_groups || isnan(score[i]))
			return wh_err_set(err, WH_E_USAGE, "held-back observation %zu: its group must be below %zu, its score a number", i,
					  n_groups);
	struct sized *sized = malloc(n_groups * sizeof *sized);
	conformal->pool = calloc(n_groups, sizeof *conformal->pool);
	conformal->end = malloc((n_groups + 1) * sizeof *conformal->end);
	conformal->score = malloc((n + 1) * sizeof *conformal->score);
	int code = WH_OK;
	if (!sized || !conformal->pool || !conformal->end || !conformal->score) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		if (share)
			make_pools(conformal, sized, n, share, least);
		fill_pools(conformal, score, group, n);
	}
	free(sized);
	return code;
}

void wh_conformal_release(struct wh_conformal *conformal)
{
	free(conformal->pool);
	free(conformal->end);
	free(conformal->score);
	*conformal = (struct wh_conformal){ 0 };
}

static size_t pool_size(const struct wh_conformal *conformal, size_t pool)
{
	return conformal->end[pool] - (pool ? conformal->end[pool - 1] : 0);
}

/* The first of a pool that is at least as strange, or stranger. */
static size_t first_as_strange(const struct wh_conformal *conformal, size_t pool, double score, bool stranger)
{
	size_t low = pool ? conformal->end[pool - 1] : 0, high = conformal->end[pool];
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (stranger ? conformal->score[middle] > score : conformal->score[middle] >= score)
			high = middle;
		else
			low = isnan(score) ? conformal->end[pool] : middle + 1;
	}
	return low;
}

double wh_conformal_p_value(const struct wh_conformal *conformal, uint32_t group, double score)
{
	size_t pool = conformal->pool[group], first = first_as_strange(conformal, pool, score, false);
	return (double)(1 + conformal->end[pool] - first) / (double)(1 + pool_size(conformal, pool));
}

double wh_conformal_smoothed(const struct wh_conformal *conformal, uint32_t group, double score, double u)
{
	size_t pool = conformal->pool[group], first = first_as_strange(conformal, pool, score, false);
	size_t stranger = first_as_strange(conformal, pool, score, true);
	return ((double)(conformal->end[pool] - stranger) + u * (double)(1 + stranger - first)) / (double)(1 + pool_size(conformal, pool));
}

static double log_gamma(double x)
{
	int sign; /* lgamma has a global one */
	return lgamma_r(x, &sign);
}

/* How many of n are flagged, beside `held` others: p[n + 1]. New observations that fall above the m-th of those, m = e (held + 1), are; those
 * between it and the next as often as m has a fraction. The held ones cut the unit interval into held + 1 parts, uniformly (Dirichlet). */
static void flagged_of_pool(size_t n, size_t held, double e, double *p)
{
	double a = e * ((double)held + 1), b = (double)held + 1 - a, of = (double)n;
	for (size_t x = 0; x <= n; x++)
		p[x] = x == (a > 0 ? n : 0);
	if (a <= 0 || b <= 0)
		return;
	double whole = log_gamma(of + 1) - log_gamma(a) - log_gamma(b) + log_gamma(a + b) - log_gamma(of + a + b);
	for (size_t x = 0; x <= n; x++) {
		double k = (double)x;
		p[x] = exp(whole - log_gamma(k + 1) - log_gamma(of - k + 1) + log_gamma(k + a) + log_gamma(of - k + b));
	}
}

int wh_conformal_window(const struct wh_conformal *conformal, const size_t *count, double e, size_t flagged, double *p_value,
			struct wh_err *err)
{
	size_t total = 0, done = 0;
	for (size_t g = 0; g < conformal->n_groups; g++) {
		if (count[g] > MOST_IN_WINDOW - total)
			return wh_err_set(err, WH_E_LIMIT, "a window of more than %d observations", MOST_IN_WINDOW);
		total += count[g];
	}
	size_t *in_pool = calloc(conformal->n_pools, sizeof *in_pool);
	double *sum = calloc(total + 1, sizeof *sum), *next = calloc(total + 1, sizeof *next), *one = calloc(total + 1, sizeof *one);
	int code = WH_OK;
	if (!in_pool || !sum || !next || !one) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		for (size_t g = 0; g < conformal->n_groups; g++)
			in_pool[conformal->pool[g]] += count[g];
		sum[0] = 1;
		for (size_t p = 0; p < conformal->n_pools; p++) {
			flagged_of_pool(in_pool[p], pool_size(conformal, p), e, one);
			memset(next, 0, (total + 1) * sizeof *next);
			for (size_t i = 0; i <= done; i++)
				for (size_t j = 0; j <= in_pool[p]; j++)
					next[i + j] += sum[i] * one[j];
			done += in_pool[p];
			double *swap = sum;
			sum = next;
			next = swap;
		}
		*p_value = 0;
		for (size_t i = total + 1; i-- > flagged;)
			*p_value += sum[i];
		*p_value = fmin(*p_value, 1);
	}
	free(in_pool);
	free(sum);
	free(next);
	free(one);
	return code;
}
