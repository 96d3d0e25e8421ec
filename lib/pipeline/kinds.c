/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/kinds.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_KINDS = 8, MOST_ORPHANS = 2000, POINTS_COMPARED = 64 };

static const double LEAST_KINSHIP = 0.25;

struct kinds {
	const struct wh_dataset *data;
	const struct wh_space *space;
	const uint32_t *of_point;
	size_t n_groups;
	const char *name[MOST_KINDS];
	size_t n_kinds;
	uint32_t (*count)[MOST_KINDS]; /* per group: reports of each kind */
	uint32_t *total;               /* per group: reports */
	uint32_t *orphans;             /* groups */
	size_t n_orphans;
	struct WH_VEC(uint32_t) *points; /* per orphan, at most POINTS_COMPARED, the heaviest come as they stand */
};

static int compare_text(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	return strcmp(x ? x : "", y ? y : "");
}

/* Formats with a tenth of the reports each, by name. */
static int find_kinds(struct kinds *k, struct wh_err *err)
{
	size_t n = k->data->records.n;
	const char **format = malloc((n + 1) * sizeof *format);
	if (!format)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		format[i] = k->data->records.data[i].format;
	qsort(format, n, sizeof *format, compare_text);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && !compare_text(&format[i], &format[j]); j++)
			;
		if (format[i] && (j - i) * 10 >= n && k->n_kinds < MOST_KINDS)
			k->name[k->n_kinds++] = format[i];
	}
	free(format);
	return WH_OK;
}

static bool has(const struct kinds *k, uint32_t group, size_t kind)
{
	return (uint64_t)k->count[group][kind] * 20 > k->total[group];
}

/* Counts kinds per group, finds the orphans; false where the kinds do not watch the same faults. */
static bool find_orphans(struct kinds *k)
{
	size_t whole = 0;
	for (size_t i = 0; i < k->data->records.n; i++) {
		const struct wh_record *record = &k->data->records.data[i];
		uint32_t group = k->of_point[record->point];
		k->total[group]++;
		for (size_t kind = 0; kind < k->n_kinds; kind++)
			k->count[group][kind] += record->format && !strcmp(record->format, k->name[kind]);
	}
	for (uint32_t g = 0; g < k->n_groups; g++) {
		size_t kinds = 0;
		for (size_t kind = 0; kind < k->n_kinds; kind++)
			kinds += has(k, g, kind);
		if (kinds == k->n_kinds)
			whole += k->total[g];
		else if (kinds)
			k->orphans[k->n_orphans++] = g;
	}
	return whole * 2 >= k->data->records.n && k->n_orphans > 1 && k->n_orphans <= MOST_ORPHANS;
}

static int gather_points(struct kinds *k, struct wh_err *err)
{
	uint32_t *orphan_of = malloc((k->n_groups + 1) * sizeof *orphan_of);
	k->points = calloc(k->n_orphans, sizeof *k->points);
	bool failed = !orphan_of || !k->points;
	if (!failed)
		memset(orphan_of, 0xff, (k->n_groups + 1) * sizeof *orphan_of);
	for (size_t o = 0; !failed && o < k->n_orphans; o++)
		orphan_of[k->orphans[o]] = (uint32_t)o;
	for (uint32_t p = 0; !failed && p < k->data->n_points; p++) {
		uint32_t o = orphan_of[k->of_point[p]];
		if (o != UINT32_MAX && k->points[o].n < POINTS_COMPARED)
			failed = wh_vec_push(&k->points[o], p);
	}
	free(orphan_of);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

static bool disjoint(const struct kinds *k, uint32_t a, uint32_t b)
{
	for (size_t kind = 0; kind < k->n_kinds; kind++)
		if (has(k, a, kind) && has(k, b, kind))
			return false;
	return true;
}

static double kinship(const struct kinds *k, size_t a, size_t b)
{
	double sum = 0, weight = 0;
	for (size_t i = 0; i < k->points[a].n; i++)
		for (size_t j = 0; j < k->points[b].n; j++) {
			uint32_t x = k->points[a].data[i], y = k->points[b].data[j];
			double w = (double)k->data->weight[x] * k->data->weight[y];
			sum += w * k->space->method->kinship(k->space->state, x, y);
			weight += w;
		}
	return weight > 0 ? sum / weight : 0;
}

/* The nearest orphan without a kind in common; SIZE_MAX: none near enough. */
static size_t best_for(const struct kinds *k, size_t a, double *value)
{
	size_t best = SIZE_MAX;
	*value = LEAST_KINSHIP;
	for (size_t b = 0; b < k->n_orphans; b++) {
		double v = b != a && disjoint(k, k->orphans[a], k->orphans[b]) ? kinship(k, a, b) : -1;
		if (v > *value || (v == *value && best == SIZE_MAX)) {
			*value = v;
			best = b;
		}
	}
	return best;
}

static bool held_apart(const struct kinds *k, const struct wh_constraints *constraints, uint32_t a, uint32_t b)
{
	for (size_t i = 0; constraints && i < constraints->apart.n; i++) {
		uint32_t x = k->of_point[k->data->records.data[constraints->apart.data[i].a].point];
		uint32_t y = k->of_point[k->data->records.data[constraints->apart.data[i].b].point];
		if ((x == a && y == b) || (x == b && y == a))
			return true;
	}
	return false;
}

/* into[g]: the group that takes g in, itself if none. */
static int pair_up(const struct kinds *k, const struct wh_constraints *constraints, uint32_t *into, struct wh_err *err)
{
	size_t *best = malloc((k->n_orphans + 1) * sizeof *best);
	double value;
	if (!best)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t a = 0; a < k->n_orphans; a++)
		best[a] = best_for(k, a, &value);
	for (size_t a = 0; a < k->n_orphans; a++) {
		uint32_t x = k->orphans[a], y = best[a] == SIZE_MAX ? x : k->orphans[best[a]];
		if (y > x && best[best[a]] == a && !held_apart(k, constraints, x, y))
			into[y] = x;
	}
	free(best);
	return WH_OK;
}

static size_t renumber(const struct kinds *k, const uint32_t *into, uint32_t *of_point, uint32_t *number)
{
	uint32_t next = 0;
	memset(number, 0xff, k->n_groups * sizeof *number);
	for (size_t p = 0; p < k->data->n_points; p++) {
		uint32_t *target = &number[into[of_point[p]]];
		if (*target == UINT32_MAX)
			*target = next++;
		of_point[p] = *target;
	}
	return next;
}

static int merge(struct kinds *k, const struct wh_constraints *constraints, uint32_t *of_point, size_t *n_groups, struct wh_err *err)
{
	k->count = calloc(k->n_groups + 1, sizeof *k->count);
	k->total = calloc(k->n_groups + 1, sizeof *k->total);
	k->orphans = malloc((k->n_groups + 1) * sizeof *k->orphans);
	uint32_t *into = malloc((k->n_groups + 1) * sizeof *into);
	int code = k->count && k->total && k->orphans && into ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && find_orphans(k)) {
		for (uint32_t g = 0; g < k->n_groups; g++)
			into[g] = g;
		code = gather_points(k, err);
		if (code == WH_OK)
			code = pair_up(k, constraints, into, err);
		if (code == WH_OK)
			*n_groups = renumber(k, into, of_point, k->total);
	}
	for (size_t o = 0; k->points && o < k->n_orphans; o++)
		wh_vec_release(&k->points[o]);
	free(k->points);
	free(k->count);
	free(k->total);
	free(k->orphans);
	free(into);
	return code;
}

int wh_merge_kinds(const struct wh_dataset *data, const struct wh_space *space, const struct wh_constraints *constraints,
		   uint32_t *of_point, size_t *n_groups, struct wh_err *err)
{
	struct kinds k = { .data = data, .space = space, .of_point = of_point, .n_groups = *n_groups };
	if (!space->method->kinship)
		return WH_OK;
	WH_TRY(find_kinds(&k, err));
	return k.n_kinds < 2 ? WH_OK : merge(&k, constraints, of_point, n_groups, err);
}
