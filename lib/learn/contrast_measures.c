/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "learn/contrast.h"

static const double significant = 0.05;

static int by_value(const void *a, const void *b)
{
	const struct wh_amount *x = a, *y = b;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->observation < y->observation ? -1 : x->observation > y->observation;
}

void wh_amounts_sort(struct wh_amount *amounts, size_t n)
{
	if (n)
		qsort(amounts, n, sizeof *amounts, by_value);
}

struct sums {
	double sum[2]; /* inside, outside */
	double u;    /* pairs in which inside has more, and half of those that are even */
	double ties; /* sum of t^3 - t over runs of equal values */
	double below; /* observations outside that have less than what is at hand */
};

/* A run of equal values, so many of them on each side. */
static void add_run(struct sums *s, double inside, double outside)
{
	double t = inside + outside;
	s->u += inside * (s->below + outside / 2);
	s->ties += t * t * t - t;
	s->below += outside;
}

static void add_amounts(struct sums *s, const struct wh_contrast_measure *m, const uint8_t *side)
{
	for (size_t i = 0, j; i < m->n; i = j) {
		double run[2] = { 0, 0 };
		for (j = i; j < m->n && m->amounts[j].value == m->amounts[i].value; j++)
			if (side[m->amounts[j].observation] != WH_SIDE_NONE)
				run[side[m->amounts[j].observation] == WH_SIDE_OUTSIDE]++;
		double value = m->amounts[i].value;
		for (int k = 0; k < 2; k++)
			s->sum[k] += run[k] * value;
		add_run(s, run[0], run[1]);
	}
}

static void count_sides(struct wh_contrast_measure *m, const uint8_t *side)
{
	m->inside = m->outside = 0;
	for (size_t i = 0; i < m->n; i++) {
		m->inside += side[m->amounts[i].observation] == WH_SIDE_INSIDE;
		m->outside += side[m->amounts[i].observation] == WH_SIDE_OUTSIDE;
	}
}

static void compare(struct wh_contrast_measure *m, const uint8_t *side, double n_in, double n_out)
{
	struct sums s = { .sum = { 0 } };
	add_run(&s, n_in - (double)m->inside, n_out - (double)m->outside); /* those that have nothing */
	add_amounts(&s, m, side);
	m->mean_inside = n_in > 0 ? s.sum[0] / n_in : 0;
	m->mean_outside = n_out > 0 ? s.sum[1] / n_out : 0;
	double n = n_in + n_out, pairs = n_in * n_out;
	m->effect = pairs > 0 ? 2 * s.u / pairs - 1 : 0;
	double deviation = n > 1 ? sqrt(pairs / 12 * (n + 1 - s.ties / (n * (n - 1)))) : 0;
	double z = deviation > 0 ? (fabs(s.u - pairs / 2) - 0.5) / deviation : 0;
	m->p_value = z > 0 ? erfc(z / sqrt(2)) : 1;
}

static double score_measure(const struct wh_contrast_measure *m, double n_in, double n_out)
{
	double with_in = n_in > 0 ? (double)m->inside / n_in : 0, with_out = n_out > 0 ? (double)m->outside / n_out : 0;
	return m->p_value > significant ? 0 : (m->mean_inside - m->mean_outside) * fabs(m->effect) * (1 + with_in - with_out) / 2;
}

static double score_level(const struct wh_contrast_measure *m, double n_in, double least)
{
	double size = fabs(m->mean_inside) + fabs(m->mean_outside);
	return m->inside && m->outside && (double)m->inside >= least * n_in && size > 0 ? (m->mean_inside - m->mean_outside) / size : 0;
}

struct order {
	const char *(*name)(void *user, uint32_t measure);
	void *user;
	bool commonest; /* of ties the one that more of the group has */
};

static int best_first(const void *a, const void *b, void *user)
{
	const struct wh_contrast_measure *x = a, *y = b;
	const struct order *order = user;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (order->commonest && x->inside != y->inside)
		return x->inside > y->inside ? -1 : 1;
	int c = strcmp(order->name(order->user, x->measure), order->name(order->user, y->measure));
	return c ? c : x->measure < y->measure ? -1 : x->measure > y->measure;
}

static int adjust(struct wh_contrast_measure *measures, size_t n, struct wh_err *err)
{
	double *p = malloc((n + 1) * sizeof *p);
	if (!p)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		p[i] = measures[i].p_value;
	int code = n ? wh_adjust_bh(p, n, err) : WH_OK;
	for (size_t i = 0; code == WH_OK && i < n; i++)
		measures[i].p_value = p[i];
	free(p);
	return code;
}

static void sort(struct wh_contrast_measure *measures, size_t n, const struct order *order)
{
	if (n)
		qsort_r(measures, n, sizeof *measures, best_first, (void *)order);
}

int wh_contrast_measures(struct wh_contrast_measure *measures, size_t n, const uint8_t *side, size_t n_inside, size_t n_outside,
			 const char *(*name)(void *user, uint32_t measure), void *user, struct wh_err *err)
{
	const struct order order = { .name = name, .user = user };
	for (size_t i = 0; i < n; i++) {
		count_sides(&measures[i], side);
		compare(&measures[i], side, (double)n_inside, (double)n_outside);
	}
	WH_TRY(adjust(measures, n, err));
	for (size_t i = 0; i < n; i++)
		measures[i].score = score_measure(&measures[i], (double)n_inside, (double)n_outside);
	sort(measures, n, &order);
	return WH_OK;
}

int wh_contrast_levels(struct wh_contrast_measure *measures, size_t n, const uint8_t *side, size_t n_inside, double least,
		       const char *(*name)(void *user, uint32_t measure), void *user, struct wh_err *err)
{
	const struct order order = { .name = name, .user = user, .commonest = true };
	for (size_t i = 0; i < n; i++) {
		count_sides(&measures[i], side);
		compare(&measures[i], side, (double)measures[i].inside, (double)measures[i].outside);
	}
	WH_TRY(adjust(measures, n, err));
	for (size_t i = 0; i < n; i++)
		measures[i].score = score_level(&measures[i], (double)n_inside, least);
	sort(measures, n, &order);
	return WH_OK;
}

static void add_percent(struct wh_str *text, double share)
{
	if (share > 0 && share < 0.005)
		wh_str_puts(text, "less than 1 %");
	else
		wh_str_printf(text, "%.0f %%", 100 * share);
}

void wh_contrast_measure_sentence(struct wh_str *text, const struct wh_contrast_measure *m, const char *what, const char *name, size_t n_inside,
				  size_t n_outside)
{
	wh_str_printf(text, "%s: %s ", name, what);
	add_percent(text, m->mean_inside);
	wh_str_printf(text, " (in %zu of %zu)", m->inside, n_inside);
	if (!n_outside) {
		wh_str_puts(text, "; there are no others");
		return;
	}
	wh_str_puts(text, ", in the others ");
	add_percent(text, m->mean_outside);
	wh_str_printf(text, " (in %zu of %zu)", m->outside, n_outside);
}

void wh_contrast_level_sentence(struct wh_str *text, const struct wh_contrast_measure *m, const char *name, size_t n_inside, size_t n_outside)
{
	wh_str_printf(text, "%s: on average %.4g (in %zu of %zu)", name, m->mean_inside, m->inside, n_inside);
	if (!n_outside)
		wh_str_puts(text, "; there are no others");
	else
		wh_str_printf(text, ", in the others %.4g (in %zu of %zu)", m->mean_outside, m->outside, n_outside);
}
