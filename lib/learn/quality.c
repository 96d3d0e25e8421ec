/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/quality.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/vec.h"
#include "learn/hypergeometric.h"

/* A non-empty cell of the contingency table. */
struct cell {
	uint32_t class, group, n;
};

struct table {
	size_t n;
	uint32_t *class_size, *group_size; /* n each, 0: unused number */
	uint32_t *class_most, *group_most; /* largest cell */
	double *class_f1;                  /* best F1 of a class */
	struct WH_VEC(struct cell) cells;  /* by class */
};

/* How many classes (or groups) have this size. */
struct size_count {
	uint32_t size, count;
};
struct size_counts WH_VEC(struct size_count);

static void table_release(struct table *table)
{
	free(table->class_size);
	free(table->group_size);
	free(table->class_most);
	free(table->group_most);
	free(table->class_f1);
	wh_vec_release(&table->cells);
}

/* Tallies the groups of one class after the other: members holds the points ordered by class, end[c] where class c ends. */
static int fill_cells(struct table *table, const uint32_t *group, const uint32_t *members, const uint32_t *end, uint32_t *tally)
{
	for (size_t class = 0, at = 0; class < table->n; class++) {
		size_t first = at;
		for (; at < end[class]; at++)
			tally[group[members[at]]]++;
		for (size_t i = first; i < end[class]; i++) {
			uint32_t g = group[members[i]];
			if (!tally[g])
				continue;
			if (wh_vec_push(&table->cells, (struct cell){ (uint32_t)class, g, tally[g] }))
				return WH_E_NOMEM;
			tally[g] = 0;
		}
	}
	return WH_OK;
}

static int table_fill(struct table *table, const uint32_t *truth, const uint32_t *group)
{
	size_t n = table->n;
	table->class_size = calloc(n, sizeof *table->class_size);
	table->group_size = calloc(n, sizeof *table->group_size);
	table->class_most = calloc(n, sizeof *table->class_most);
	table->group_most = calloc(n, sizeof *table->group_most);
	table->class_f1 = calloc(n, sizeof *table->class_f1);
	uint32_t *members = malloc(n * sizeof *members), *end = calloc(n + 1, sizeof *end), *tally = calloc(n, sizeof *tally);
	int code = WH_E_NOMEM;
	if (table->class_size && table->group_size && table->class_most && table->group_most && table->class_f1 && members &&
	    end && tally) {
		for (size_t i = 0; i < n; i++) {
			table->class_size[truth[i]]++;
			table->group_size[group[i]]++;
		}
		for (size_t c = 0; c + 1 < n; c++)
			end[c + 1] = end[c] + table->class_size[c];
		for (size_t i = 0; i < n; i++)
			members[end[truth[i]]++] = (uint32_t)i;
		code = fill_cells(table, group, members, end, tally);
	}
	free(members);
	free(end);
	free(tally);
	for (size_t i = 0; code == WH_OK && i < table->cells.n; i++) {
		const struct cell *cell = &table->cells.data[i];
		double f1 = 2.0 * cell->n / ((double)table->class_size[cell->class] + table->group_size[cell->group]);
		if (cell->n > table->class_most[cell->class])
			table->class_most[cell->class] = cell->n;
		if (cell->n > table->group_most[cell->group])
			table->group_most[cell->group] = cell->n;
		if (f1 > table->class_f1[cell->class])
			table->class_f1[cell->class] = f1;
	}
	return code;
}

static void matching(const struct table *table, struct wh_quality *quality)
{
	double n = (double)table->n, f = 0, pure = 0, inverse = 0, precision = 0, recall = 0;
	for (size_t i = 0; i < table->n; i++) {
		quality->classes += table->class_size[i] > 0;
		quality->groups += table->group_size[i] > 0;
		quality->one_hit += table->group_size[i] == 1;
		quality->second_bucket += table->class_size[i] - table->class_most[i];
		f += table->class_size[i] * table->class_f1[i];
		pure += table->group_most[i];
		inverse += table->class_most[i];
	}
	for (size_t i = 0; i < table->cells.n; i++) {
		const struct cell *cell = &table->cells.data[i];
		precision += (double)cell->n * cell->n / table->group_size[cell->group];
		recall += (double)cell->n * cell->n / table->class_size[cell->class];
	}
	quality->f = f / n;
	quality->purity = pure / n;
	quality->inverse_purity = inverse / n;
	quality->bcubed_precision = precision / n;
	quality->bcubed_recall = recall / n;
	quality->bcubed_f = 2 * precision * recall / (precision + recall) / n;
}

static double pairs_of(double n)
{
	return n * (n - 1) / 2;
}

static double adjusted_rand(const struct table *table)
{
	double both = 0, in_class = 0, in_group = 0, all = pairs_of((double)table->n);
	for (size_t i = 0; i < table->cells.n; i++)
		both += pairs_of(table->cells.data[i].n);
	for (size_t i = 0; i < table->n; i++) {
		in_class += pairs_of(table->class_size[i]);
		in_group += pairs_of(table->group_size[i]);
	}
	double expected = in_class * (in_group / all), most = (in_class + in_group) / 2;
	return (both - expected) / (most - expected);
}

static double entropy(const uint32_t *size, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		if (size[i])
			sum -= size[i] / (double)n * (log(size[i]) - log((double)n));
	return sum;
}

static double mutual_information(const struct table *table)
{
	double sum = 0, n = (double)table->n;
	for (size_t i = 0; i < table->cells.n; i++) {
		const struct cell *cell = &table->cells.data[i];
		double independent = (double)table->class_size[cell->class] * table->group_size[cell->group];
		sum += cell->n / n * log(n * cell->n / independent);
	}
	return sum > DBL_EPSILON ? sum : 0;
}

/*
 * Expected information of a class of a points and a group of b: the sum over k of k/n log(n k / (a b)) P(k), from the largest
 * term outwards by the ratio of successive probabilities, until terms no longer count.
 */
static double expected_of_sizes(double a, double b, double n)
{
	double least = a + b > n ? a + b - n : 0, most = a < b ? a : b;
	double mode = floor((a + 1) * (b + 1) / (n + 2));
	if (mode < 1)
		mode = 1;
	if (mode < least)
		mode = least;
	if (mode > most)
		mode = most;
	double p_mode = wh_hypergeometric((size_t)mode, (size_t)a, (size_t)b, (size_t)n), sum = 0, size = 0;
	double log_scale = log(n) - log(a) - log(b), p = p_mode;
	for (double k = mode; k <= most; k++) {
		double term = k / n * (log(k) + log_scale) * p;
		sum += term;
		size += fabs(term);
		if (k > mode && p * k * log(n) / n < size * 1e-17)
			break;
		p *= (a - k) * (b - k) / ((k + 1) * (n - a - b + k + 1));
	}
	p = p_mode;
	for (double k = mode; k > 1 && k > least; k--) {
		p *= k * (n - a - b + k) / ((a - k + 1) * (b - k + 1));
		double term = (k - 1) / n * (log(k - 1) + log_scale) * p;
		sum += term;
		size += fabs(term);
		if (p * k * log(n) / n < size * 1e-17)
			break;
	}
	return sum;
}

static int count_sizes(const uint32_t *size, size_t n, uint32_t *tally, struct size_counts *counts)
{
	for (size_t i = 0; i < n; i++)
		tally[size[i]]++;
	int code = WH_OK;
	for (size_t s = 1; code == WH_OK && s <= n; s++)
		if (tally[s] && wh_vec_push(counts, (struct size_count){ (uint32_t)s, tally[s] }))
			code = WH_E_NOMEM;
	for (size_t s = 0; s <= n; s++)
		tally[s] = 0;
	return code;
}

/* There are at most sqrt(2n) different sizes on either side, however many classes and groups. */
static int expected_information(const struct table *table, double *result)
{
	struct size_counts classes = { 0 }, groups = { 0 };
	uint32_t *tally = calloc(table->n + 1, sizeof *tally);
	int code = tally ? count_sizes(table->class_size, table->n, tally, &classes) : WH_E_NOMEM;
	if (code == WH_OK)
		code = count_sizes(table->group_size, table->n, tally, &groups);
	double sum = 0;
	for (size_t i = 0; code == WH_OK && i < classes.n; i++)
		for (size_t j = 0; j < groups.n; j++)
			sum += (double)classes.data[i].count * groups.data[j].count *
			       expected_of_sizes(classes.data[i].size, groups.data[j].size, (double)table->n);
	*result = sum;
	free(tally);
	wh_vec_release(&classes);
	wh_vec_release(&groups);
	return code;
}

static int information(const struct table *table, struct wh_quality *quality)
{
	if (table->cells.n == quality->classes && table->cells.n == quality->groups) {
		quality->ari = quality->ami = quality->nmi = 1; /* equal partitions, where the formulas may be 0 / 0 */
		return WH_OK;
	}
	double expected, mutual = mutual_information(table);
	WH_TRY(expected_information(table, &expected));
	double mean = (entropy(table->class_size, table->n) + entropy(table->group_size, table->n)) / 2;
	double range = mean - expected;
	if (fabs(range) < DBL_EPSILON)
		range = copysign(DBL_EPSILON, range);
	quality->ari = adjusted_rand(table);
	quality->ami = (mutual - expected) / range;
	quality->nmi = mutual > 0 ? mutual / mean : 0;
	return WH_OK;
}

int wh_quality(size_t n, const uint32_t *truth, const uint32_t *group, struct wh_quality *quality, struct wh_err *err)
{
	*quality = (struct wh_quality){ .n = n };
	if (!n)
		return wh_err_set(err, WH_E_USAGE, "no points, nothing to score");
	if (n >= UINT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "%zu points are too many to score", n);
	for (size_t i = 0; i < n; i++)
		if (truth[i] >= n || group[i] >= n)
			return wh_err_set(err, WH_E_USAGE, "point %zu: class and group must be below %zu", i, n);
	struct table table = { .n = n };
	int code = table_fill(&table, truth, group);
	if (code == WH_OK) {
		matching(&table, quality);
		code = information(&table, quality);
	}
	table_release(&table);
	return code == WH_OK ? WH_OK : wh_err_set(err, code, "out of memory");
}
