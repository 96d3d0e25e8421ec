/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/contrast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "learn/hypergeometric.h"

static const double significant = 0.05;

/* A 2x2 table by its margins: k of the `marked` are among the `drawn`. */
struct margins {
	size_t marked, drawn, total;
};

static double probability(const struct margins *m, size_t k)
{
	return wh_hypergeometric(k, m->marked, m->drawn, m->total);
}

static size_t smallest(const struct margins *m)
{
	return m->marked + m->drawn > m->total ? m->marked + m->drawn - m->total : 0;
}

static size_t largest(const struct margins *m)
{
	return m->marked < m->drawn ? m->marked : m->drawn;
}

/* Sum of the probabilities of k and all beyond it, away from the mode: each is the one before times a ratio that falls. */
static double tail(const struct margins *m, size_t k, bool upwards)
{
	double p = probability(m, k), sum = p;
	double marked = (double)m->marked, drawn = (double)m->drawn, rest = (double)m->total - marked - drawn;
	if (upwards)
		for (double x = (double)k, last = (double)largest(m); x < last && p > sum * 1e-17; x++)
			sum += p *= (marked - x) * (drawn - x) / ((x + 1) * (rest + x + 1));
	else
		for (double x = (double)k, first = (double)smallest(m); x > first && p > sum * 1e-17; x--)
			sum += p *= x * (rest + x) / ((marked - x + 1) * (drawn - x + 1));
	return sum;
}

double wh_fisher_exact(size_t a, size_t b, size_t c, size_t d)
{
	const struct margins m = { a + b, a + c, a + b + c + d };
	if (!m.marked || !m.drawn || m.marked == m.total || m.drawn == m.total)
		return 1;
	/* probabilities rise to the mode and fall after it */
	size_t mode = (size_t)(((double)m.marked + 1) * ((double)m.drawn + 1) / ((double)m.total + 2));
	double limit = probability(&m, a) * (1 + 1e-7);
	if (a == mode || probability(&m, mode) <= limit)
		return 1;
	double p;
	size_t lo, hi;
	if (a < mode) {
		p = tail(&m, a, false);
		lo = mode; /* too probable; hi is not, or beyond the end */
		hi = largest(&m) + 1;
		while (hi - lo > 1) {
			size_t mid = lo + (hi - lo) / 2;
			if (probability(&m, mid) > limit)
				lo = mid;
			else
				hi = mid;
		}
		if (hi <= largest(&m))
			p += tail(&m, hi, true);
	} else {
		p = tail(&m, a, true);
		lo = smallest(&m);
		hi = mode; /* too probable; what is below lo is not */
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			if (probability(&m, mid) > limit)
				hi = mid;
			else
				lo = mid + 1;
		}
		if (lo > smallest(&m))
			p += tail(&m, lo - 1, false);
	}
	return p < 1 ? p : 1;
}

struct ranked {
	double p;
	size_t at;
};

static int by_p(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	if (a->p != b->p)
		return a->p < b->p ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

int wh_adjust_bh(double *p, size_t n, struct wh_err *err)
{
	if (!n)
		return WH_OK;
	struct ranked *ranked = malloc(n * sizeof *ranked);
	if (!ranked)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		ranked[i] = (struct ranked){ p[i], i };
	qsort(ranked, n, sizeof *ranked, by_p);
	double least = 1;
	for (size_t i = n; i--;) {
		least = fmin(least, ranked[i].p * (double)n / (double)(i + 1));
		p[ranked[i].at] = least;
	}
	free(ranked);
	return WH_OK;
}

static double shrunk_phi(double a, double b, double c, double d)
{
	a += 0.5;
	b += 0.5;
	c += 0.5;
	d += 0.5;
	return (a * d - b * c) / (sqrt((a + b) * (c + d)) * sqrt((a + c) * (b + d)));
}

struct order {
	const char *(*name)(void *user, uint32_t feature);
	void *user;
};

static int best_first(const void *left, const void *right, void *user)
{
	const struct wh_contrast_feature *a = left, *b = right;
	const struct order *order = user;
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	int names = strcmp(order->name(order->user, a->feature), order->name(order->user, b->feature));
	return names ? names : a->feature < b->feature ? -1 : a->feature > b->feature;
}

int wh_contrast(struct wh_contrast_feature *features, size_t n, size_t n_inside, size_t n_outside,
		const char *(*name)(void *user, uint32_t feature), void *user, struct wh_err *err)
{
	if (n_inside > (size_t)1 << 31 || n_outside > ((size_t)1 << 31) - n_inside)
		return wh_err_set(err, WH_E_LIMIT, "more than 2^31 observations to compare");
	for (size_t i = 0; i < n; i++)
		if (features[i].inside > n_inside || features[i].outside > n_outside)
			return wh_err_set(err, WH_E_USAGE, "%s is counted more often than there are observations",
					  name(user, features[i].feature));
	if (!n)
		return WH_OK;
	double *p = calloc(n, sizeof *p);
	if (!p)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		size_t a = features[i].inside, c = features[i].outside;
		p[i] = wh_fisher_exact(a, n_inside - a, c, n_outside - c);
		features[i].effect = shrunk_phi((double)a, (double)(n_inside - a), (double)c, (double)(n_outside - c));
	}
	int code = wh_adjust_bh(p, n, err);
	if (code == WH_OK) {
		for (size_t i = 0; i < n; i++) {
			features[i].p_value = p[i];
			features[i].score = p[i] <= significant ? features[i].effect : 0;
		}
		struct order order = { name, user };
		qsort_r(features, n, sizeof *features, best_first, &order);
	}
	free(p);
	return code;
}

static void add_share(struct wh_str *text, size_t n, size_t of)
{
	double percent = 100.0 * (double)n / (double)of;
	if (n && percent < 0.5)
		wh_str_puts(text, "less than 1 %");
	else if (n < of && percent >= 99.5)
		wh_str_puts(text, "more than 99 %");
	else
		wh_str_printf(text, "%.0f %%", percent);
}

void wh_contrast_sentence(struct wh_str *text, const struct wh_contrast_feature *feature, const char *what, const char *name,
			  const char *unit, size_t n_inside, size_t n_outside)
{
	wh_str_printf(text, "%s %s: ", what, name);
	if (n_inside == 1) {
		wh_str_puts(text, feature->inside ? "in the only one of this group" : "not in the only one of this group");
	} else if (n_inside) {
		wh_str_puts(text, "in ");
		add_share(text, feature->inside, n_inside);
		wh_str_printf(text, " of the %zu %s of this group", n_inside, unit);
	} else {
		wh_str_puts(text, "this group is empty");
	}
	if (!n_outside) {
		wh_str_puts(text, "; there are no others");
		return;
	}
	wh_str_puts(text, ", in ");
	add_share(text, feature->outside, n_outside);
	wh_str_puts(text, n_inside == 1 ? " of the other " : " of the others");
	if (n_inside == 1)
		wh_str_puts(text, unit);
}
