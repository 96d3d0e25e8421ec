/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "learn/select.h"

static const uint32_t none = UINT32_MAX;

/*
 * F as the merges of a dendrogram happen one by one. A cell is what one cluster holds of one class; it is on the list of its
 * cluster and on that of its class. Merging moves cells from the smaller cluster, or adds them up where both have the class.
 */
struct cell {
	uint32_t class, slot;       /* slot: of the cluster */
	double n;                   /* weight */
	uint32_t next;              /* of the cluster */
	uint32_t before, after;     /* of the class */
};

struct sweep {
	size_t n;
	const struct wh_merge *merges;
	struct cell *cells;         /* n: at first one per point */
	uint32_t *slot;             /* 2n: where a cluster lives */
	uint32_t *head, *n_cells;   /* n: by slot */
	double *slot_weight;        /* n */
	uint32_t *class_head, *found; /* n: by class; found: its cell in the cluster at hand */
	double *class_weight, *class_f1;
	uint32_t *class_best;       /* n: slot of the cluster with that F1 */
	double sum, weight;         /* F is their quotient */
};

static void sweep_release(struct sweep *sweep)
{
	free(sweep->cells);
	free(sweep->slot);
	free(sweep->head);
	free(sweep->n_cells);
	free(sweep->slot_weight);
	free(sweep->class_head);
	free(sweep->found);
	free(sweep->class_weight);
	free(sweep->class_f1);
	free(sweep->class_best);
}

static double f1(const struct sweep *sweep, const struct cell *cell)
{
	return 2 * cell->n / (sweep->class_weight[cell->class] + sweep->slot_weight[cell->slot]);
}

static void set_best(struct sweep *sweep, uint32_t class, const struct cell *cell)
{
	double best = f1(sweep, cell);
	sweep->sum += sweep->class_weight[class] * (best - sweep->class_f1[class]);
	sweep->class_f1[class] = best;
	sweep->class_best[class] = cell->slot;
}

/* Finds the best cluster of a class anew. */
static void rescan(struct sweep *sweep, uint32_t class)
{
	const struct cell *best = &sweep->cells[sweep->class_head[class]];
	for (uint32_t c = best->after; c != none; c = sweep->cells[c].after)
		if (f1(sweep, &sweep->cells[c]) > f1(sweep, best))
			best = &sweep->cells[c];
	set_best(sweep, class, best);
}

static int sweep_init(struct sweep *sweep, size_t n, const struct wh_merge *merges, const uint32_t *truth, const uint32_t *weight,
		      struct wh_err *err)
{
	*sweep = (struct sweep){ .n = n, .merges = merges };
	if (!n)
		return wh_err_set(err, WH_E_USAGE, "no points, nothing to score");
	for (size_t i = 0; i < n; i++)
		if (truth[i] >= n)
			return wh_err_set(err, WH_E_USAGE, "point %zu: class must be below %zu", i, n);
	sweep->cells = calloc(n, sizeof *sweep->cells);
	sweep->slot = calloc(2 * n, sizeof *sweep->slot);
	sweep->head = calloc(n, sizeof *sweep->head);
	sweep->n_cells = calloc(n, sizeof *sweep->n_cells);
	sweep->slot_weight = calloc(n, sizeof *sweep->slot_weight);
	sweep->class_head = calloc(n, sizeof *sweep->class_head);
	sweep->found = calloc(n, sizeof *sweep->found);
	sweep->class_weight = calloc(n, sizeof *sweep->class_weight);
	sweep->class_f1 = calloc(n, sizeof *sweep->class_f1);
	sweep->class_best = calloc(n, sizeof *sweep->class_best);
	if (!sweep->cells || !sweep->slot || !sweep->head || !sweep->n_cells || !sweep->slot_weight || !sweep->class_head ||
	    !sweep->found || !sweep->class_weight || !sweep->class_f1 || !sweep->class_best)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		sweep->class_head[i] = sweep->found[i] = none;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t class = truth[i], first = sweep->class_head[class];
		double w = weight ? weight[i] : 1;
		sweep->cells[i] = (struct cell){ class, i, w, none, none, first };
		if (first != none)
			sweep->cells[first].before = i;
		sweep->class_head[class] = sweep->slot[i] = sweep->head[i] = i;
		sweep->n_cells[i] = 1;
		sweep->slot_weight[i] = w;
		sweep->class_weight[class] += w;
		sweep->weight += w;
	}
	for (uint32_t class = 0; class < n; class++)
		if (sweep->class_head[class] != none)
			rescan(sweep, class);
	return WH_OK;
}

static void remove_from_class(struct sweep *sweep, const struct cell *cell)
{
	if (cell->before != none)
		sweep->cells[cell->before].after = cell->after;
	else
		sweep->class_head[cell->class] = cell->after;
	if (cell->after != none)
		sweep->cells[cell->after].before = cell->before;
}

/* Merge number i happens. */
static void step(struct sweep *sweep, size_t i)
{
	uint32_t a = sweep->slot[sweep->merges[i].a], b = sweep->slot[sweep->merges[i].b];
	uint32_t into = sweep->n_cells[a] >= sweep->n_cells[b] ? a : b, from = into == a ? b : a;
	for (uint32_t c = sweep->head[into]; c != none; c = sweep->cells[c].next)
		sweep->found[sweep->cells[c].class] = c;
	for (uint32_t c = sweep->head[from], next; c != none; c = next) {
		struct cell *cell = &sweep->cells[c];
		uint32_t same = sweep->found[cell->class];
		next = cell->next;
		if (same != none) {
			sweep->cells[same].n += cell->n;
			remove_from_class(sweep, cell);
			continue;
		}
		cell->slot = into;
		cell->next = sweep->head[into];
		sweep->head[into] = c;
		sweep->n_cells[into]++;
	}
	sweep->slot_weight[into] += sweep->slot_weight[from];
	sweep->slot[sweep->n + i] = into;
	for (uint32_t c = sweep->head[into]; c != none; c = sweep->cells[c].next) {
		const struct cell *cell = &sweep->cells[c];
		sweep->found[cell->class] = none;
		if (sweep->class_best[cell->class] == a || sweep->class_best[cell->class] == b)
			rescan(sweep, cell->class);
		else if (f1(sweep, cell) > sweep->class_f1[cell->class])
			set_best(sweep, cell->class, cell);
	}
}

static double f_now(const struct sweep *sweep)
{
	double f = sweep->sum / sweep->weight;
	return f < 1 ? f : 1; /* the sum is kept up step by step, and rounded at each */
}

int wh_best_cut(size_t n, const struct wh_merge *merges, const uint32_t *truth, const uint32_t *weight, double *d, double *f,
		struct wh_err *err)
{
	struct sweep sweep;
	*d = *f = 0;
	int code = sweep_init(&sweep, n, merges, truth, weight, err);
	double best = -1, best_gap = 0;
	for (size_t i = 0; code == WH_OK && i <= n - 1; i++) {
		if (i)
			step(&sweep, i - 1);
		double height = i ? merges[i - 1].height : 0, next = i < n - 1 ? merges[i].height : 1;
		if (height > 1)
			break;
		if (next > 1)
			next = 1;
		/* a cut between must leave out what comes next, and anything is left out only beyond the slack */
		bool last = i == n - 1 || merges[i].height > 1 + WH_CUT_SLACK;
		if (!last && (height + next) / 2 + WH_CUT_SLACK >= merges[i].height)
			continue;
		double now = f_now(&sweep), gap = next - height;
		if (now > best + 1e-12 || (now > best - 1e-12 && gap > best_gap)) {
			best = now;
			best_gap = gap;
			*d = (height + next) / 2;
			*f = now;
		}
	}
	sweep_release(&sweep);
	return code;
}

int wh_cut_curve(size_t n, const struct wh_merge *merges, const uint32_t *truth, const uint32_t *weight, const double *d, size_t m,
		 double *f, struct wh_err *err)
{
	struct sweep sweep;
	int code = sweep_init(&sweep, n, merges, truth, weight, err);
	for (size_t i = 0, done = 0; code == WH_OK && i < m; i++) {
		while (done + 1 < n && wh_within_cut(merges[done].height, d[i]))
			step(&sweep, done++);
		f[i] = f_now(&sweep);
	}
	sweep_release(&sweep);
	return code;
}
