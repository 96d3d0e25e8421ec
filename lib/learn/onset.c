/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/onset.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* ---- two lines that meet ---- */

/* Time and value as they are fitted: about 0, and of size 1 at most. */
struct scaled {
	const double *value;
	size_t n, known;
	double middle, range;   /* of the steps */
	double mean, largest;   /* of the values, the mean in units of the largest */
};

static double time_of(const struct scaled *s, size_t i)
{
	return ((double)i - s->middle) / s->range;
}

static double value_of(const struct scaled *s, size_t i)
{
	return s->value[i] / s->largest - s->mean;
}

static void scale(struct scaled *s)
{
	double steps = 0, sum = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (isnan(s->value[i]))
			continue;
		s->known++;
		steps += (double)i;
		s->largest = fmax(s->largest, fabs(s->value[i]));
	}
	for (size_t i = 0; s->largest > 0 && i < s->n; i++)
		sum += isnan(s->value[i]) ? 0 : s->value[i] / s->largest;
	s->middle = s->known ? steps / (double)s->known : 0;
	s->mean = s->known ? sum / (double)s->known : 0;
	s->range = s->n > 1 ? (double)s->n : 1;
}

/* Sums over the known steps behind a place, as it moves towards the beginning. */
struct sums {
	double n, t, tt, y, ty;
};

static void add(struct sums *s, double t, double y)
{
	s->n++;
	s->t += t;
	s->tt += t * t;
	s->y += y;
	s->ty += t * y;
}

/* a + b t + c max(0, t - turn) in scaled units, and what is left of the squares. */
struct fit {
	double a, b, c, turn, rest;
	size_t step;
};

/* The sums are those behind the turn. What max(0, t - turn) adds to the line, by the part of it that no line can hold. */
static struct fit turn_at(const struct sums *all, const struct fit *line, const struct sums *behind, double turn)
{
	double h = behind->t - turn * behind->n, th = behind->tt - turn * behind->t;
	double hh = th - turn * h, yh = behind->ty - turn * behind->y;
	double slope = th / all->tt, mean = h / all->n; /* times and values are about 0: the line through the bend */
	double square = hh - slope * th - mean * h, along = yh - slope * all->ty;
	struct fit fit = { .turn = turn, .rest = line->rest };
	if (!(square > 1e-12 * hh))
		return fit;
	fit.c = along / square;
	fit.b = line->b - fit.c * slope;
	fit.a = line->a - fit.c * mean;
	fit.rest = line->rest - along * along / square;
	return fit;
}

/* How much one residual tells of the next. */
static double remembered(const struct scaled *s, const struct fit *fit)
{
	double before = NAN, squares = 0, products = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (isnan(s->value[i]))
			continue;
		double t = time_of(s, i), e = value_of(s, i) - fit->a - fit->b * t - fit->c * fmax(0, t - fit->turn);
		squares += e * e;
		products += isnan(before) ? 0 : e * before;
		before = e;
	}
	return squares > 0 ? fmin(1, fmax(0, products / squares)) : 0;
}

double wh_onset(const double *value, size_t n)
{
	struct scaled s = { .value = value, .n = n };
	struct sums all = { 0 }, behind = { 0 };
	scale(&s);
	if (s.known < WH_ONSET_LEAST || s.largest == 0)
		return NAN;
	double level = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(value[i]))
			continue;
		add(&all, time_of(&s, i), value_of(&s, i));
		level += value_of(&s, i) * value_of(&s, i);
	}
	const double nothing = 1e-12 * (level + 1e-12 * (double)s.known); /* what rounding leaves of a perfect fit */
	struct fit line = { .b = all.ty / all.tt, .rest = level - all.ty * all.ty / all.tt }, best = line;
	for (size_t i = n; i-- > 1;) { /* a turn at the first step would be none */
		if (behind.n >= 2 && all.n - behind.n >= 2) {
			struct fit fit = turn_at(&all, &line, &behind, time_of(&s, i));
			if (fit.c > 0 && fit.b + fit.c > 0 && fit.rest <= best.rest) {
				best = fit;
				best.step = i;
			}
		}
		if (!isnan(value[i]))
			add(&behind, time_of(&s, i), value_of(&s, i));
	}
	double r = remembered(&s, &best), worth = fmax(4, (double)s.known * (1 - r) / (1 + r)), each = log(worth);
	double of_level = worth * log(fmax(level, nothing));
	double of_line = line.b > 0 ? worth * log(fmax(line.rest, nothing)) + each : INFINITY;
	double of_turn = best.step ? worth * log(fmax(best.rest, nothing)) + 3 * each : INFINITY;
	if (!(of_line < of_level) && !(of_turn < of_level))
		return NAN;
	return of_turn < of_line ? (double)best.step : 0;
}

/* ---- at a lag ---- */

void wh_increments(const double *value, size_t n, double *change)
{
	double largest = 0, sum = 0, squares = 0;
	size_t known = 0;
	for (size_t i = 0; i < n; i++)
		largest = isnan(value[i]) ? largest : fmax(largest, fabs(value[i]));
	for (size_t i = 0; i + 1 < n; i++) {
		change[i] = largest > 0 ? value[i + 1] / largest - value[i] / largest : 0;
		if (!isnan(change[i])) {
			sum += change[i];
			known++;
		}
	}
	double mean = known ? sum / (double)known : 0;
	for (size_t i = 0; i + 1 < n; i++) {
		change[i] = isnan(change[i]) ? 0 : change[i] - mean;
		squares += change[i] * change[i];
	}
	const double length = squares > 1e-24 * (double)known ? sqrt(squares) : 0; /* what rounding leaves of a straight line is no change */
	for (size_t i = 0; i + 1 < n; i++)
		change[i] = length > 0 ? change[i] / length : 0;
}

void wh_lagged_correlation(const double *first, const double *second, size_t n, size_t most, double *correlation)
{
	const size_t m = n > 1 ? n - 1 : 0;
	for (size_t i = 0; i <= 2 * most; i++) {
		const size_t lag = i >= most ? i - most : most - i;
		const double *ahead = i >= most ? first : second, *late = i >= most ? second : first;
		double sum = 0;
		for (size_t t = 0; t + lag < m; t++)
			sum += ahead[t] * late[t + lag];
		correlation[i] = sum;
	}
}

/* ---- who came before whom ---- */

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* Of sorted values, with what lies between two of them in proportion. */
static double quantile(const double *sorted, size_t n, double share)
{
	double at = share * (double)(n - 1);
	size_t below = (size_t)at;
	return below + 1 < n ? sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]) : sorted[n - 1];
}

/* The rank of one among those of its session: 1 for who is first; false: none rose. */
static bool rank_in(const double *session, size_t m, size_t which, double *rank)
{
	size_t earlier = 0, level = 0, rose = 0;
	for (size_t k = 0; k < m; k++) {
		rose += !isnan(session[k]);
		if (isnan(session[which]) == isnan(session[k]))
			level += isnan(session[k]) || session[k] == session[which];
		earlier += !isnan(session[k]) && (isnan(session[which]) || session[k] > session[which]);
	}
	*rank = (double)earlier + ((double)level + 1) / 2;
	return rose > 0;
}

int wh_precedence(const double *before, size_t n, size_t m, struct wh_precedence *precedence, struct wh_err *err)
{
	double *sorted = malloc((n + 1) * sizeof *sorted);
	if (!sorted)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t k = 0; k < m; k++) {
		struct wh_precedence *p = &precedence[k];
		size_t asked = 0;
		double ranks = 0, rank;
		*p = (struct wh_precedence){ .lower = NAN, .median = NAN, .upper = NAN };
		for (size_t i = 0; i < n; i++) {
			const double *session = before + i * m;
			bool earliest = !isnan(session[k]);
			if (rank_in(session, m, k, &rank)) {
				ranks += rank;
				asked++;
			}
			for (size_t j = 0; j < m; j++)
				earliest &= !(session[j] > session[k]);
			p->first += earliest;
			if (!isnan(session[k]))
				sorted[p->rose++] = session[k];
		}
		p->rank = asked ? ranks / (double)asked : ((double)m + 1) / 2;
		if (!p->rose)
			continue;
		qsort(sorted, p->rose, sizeof *sorted, ascending);
		p->lower = quantile(sorted, p->rose, 0.25);
		p->median = quantile(sorted, p->rose, 0.5);
		p->upper = quantile(sorted, p->rose, 0.75);
	}
	free(sorted);
	return WH_OK;
}
