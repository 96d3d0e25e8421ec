/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/hclust.h"

/*
 * A cluster lives in the slot of its smallest point. Rounding to float is monotone, so the stored distances keep
 * D(A u B, C) >= min(D(A, C), D(B, C)) exactly, and the chain, which needs it, cannot run in circles.
 */
struct dense {
	enum wh_linkage linkage;
	size_t n;
	float *distance;
	double *weight;           /* n, by slot; NULL: neither average nor Ward's */
	uint32_t *active;         /* slots in use, ascending */
	size_t n_active;
	uint32_t *chain;          /* n: each the nearest neighbour of the one before */
	size_t n_chain;
};

/* A merge of two slots, before clusters are numbered. */
struct step {
	uint32_t a, b, order;
	float height;
};

static float *pair(const struct dense *dense, size_t i, size_t j)
{
	return &dense->distance[i < j ? wh_condensed(dense->n, i, j) : wh_condensed(dense->n, j, i)];
}

/* The active slot nearest to x. Ties: the one before x in the chain, else the lowest; the first is what ends a chain. */
static uint32_t nearest(const struct dense *dense, uint32_t x, uint32_t before)
{
	uint32_t best = before;
	float least = before == UINT32_MAX ? INFINITY : *pair(dense, x, before);
	size_t i = 0;
	for (; dense->active[i] < x; i++) {
		float d = dense->distance[wh_condensed(dense->n, dense->active[i], x)];
		if (d < least || best == UINT32_MAX) {
			least = d;
			best = dense->active[i];
		}
	}
	const float *row = dense->distance + (dense->n * x - (size_t)x * (x + 1) / 2);
	for (i++; i < dense->n_active; i++) {
		float d = row[dense->active[i] - x - 1];
		if (d < least || best == UINT32_MAX) {
			least = d;
			best = dense->active[i];
		}
	}
	return best;
}

/* From the distance of c to a and to b, which are ab apart. */
static float lance_williams(const struct dense *dense, uint32_t a, uint32_t b, uint32_t c, float ac, float bc, float ab)
{
	switch (dense->linkage) {
	case WH_LINKAGE_SINGLE:
		return bc < ac ? bc : ac;
	case WH_LINKAGE_AVERAGE:
		if (ac == bc)
			return ac;
		return (float)((dense->weight[a] * ac + dense->weight[b] * bc) / (dense->weight[a] + dense->weight[b]));
	case WH_LINKAGE_WARD: {
		double n_a = dense->weight[a], n_b = dense->weight[b], n_c = dense->weight[c], least = ac < bc ? ac : bc;
		double squares = (n_a + n_c) * ac * ac + (n_b + n_c) * bc * bc - n_c * ab * ab;
		double distance = sqrt(squares > 0 ? squares / (n_a + n_b + n_c) : 0);
		return (float)(distance > least ? distance : least); /* what rounding may take away; never more is lost */
	}
	case WH_LINKAGE_COMPLETE:
	default:
		return bc > ac ? bc : ac;
	}
}

static void merge(struct dense *dense, uint32_t a, uint32_t b)
{
	size_t at_b = 0;
	float ab = *pair(dense, a, b);
	for (size_t i = 0; i < dense->n_active; i++) {
		uint32_t c = dense->active[i];
		if (c == b)
			at_b = i;
		if (c == a || c == b)
			continue;
		float *ac = pair(dense, a, c);
		*ac = lance_williams(dense, a, b, c, *ac, *pair(dense, b, c), ab);
	}
	dense->n_active--;
	memmove(dense->active + at_b, dense->active + at_b + 1, (dense->n_active - at_b) * sizeof *dense->active);
	if (dense->weight)
		dense->weight[a] += dense->weight[b];
}

static void run_chain(struct dense *dense, struct step *steps)
{
	for (uint32_t n_steps = 0; dense->n_active > 1;) {
		if (!dense->n_chain)
			dense->chain[dense->n_chain++] = dense->active[0];
		uint32_t x = dense->chain[dense->n_chain - 1];
		uint32_t before = dense->n_chain > 1 ? dense->chain[dense->n_chain - 2] : UINT32_MAX;
		uint32_t y = nearest(dense, x, before);
		if (y != before) {
			dense->chain[dense->n_chain++] = y;
			continue;
		}
		dense->n_chain -= 2;
		uint32_t a = x < y ? x : y, b = x < y ? y : x;
		steps[n_steps] = (struct step){ a, b, n_steps, *pair(dense, a, b) };
		n_steps++;
		merge(dense, a, b);
	}
}

static int by_height(const void *left, const void *right)
{
	const struct step *a = left, *b = right;
	if (a->height != b->height)
		return a->height < b->height ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Numbers clusters in the order of their heights. current: n, scratch: the cluster that holds a slot now. */
static void label(size_t n, const struct step *steps, uint32_t *current, struct wh_merge *merges)
{
	for (size_t i = 0; i < n; i++)
		current[i] = (uint32_t)i;
	for (size_t i = 0; i + 1 < n; i++) {
		uint32_t a = current[steps[i].a], b = current[steps[i].b];
		uint32_t size = (a < n ? 1 : merges[a - n].size) + (b < n ? 1 : merges[b - n].size);
		merges[i] = (struct wh_merge){ a < b ? a : b, a < b ? b : a, steps[i].height, size };
		current[steps[i].a] = (uint32_t)(n + i); /* steps[i].b is never named again: heights rise along a branch */
	}
}

/* Points that stand for several: Ward's distance of clusters that lie each in one place. */
static void weigh_distances(size_t n, float *distance, const uint32_t *weight)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			distance[wh_condensed(n, i, j)] *= (float)sqrt(2.0 * weight[i] * weight[j] / ((double)weight[i] + weight[j]));
}

int wh_hclust_dense(enum wh_linkage linkage, size_t n, float *distance, const uint32_t *weight, struct wh_merge *merges,
		    struct wh_err *err)
{
	if (n < 2)
		return WH_OK;
	if (n > INT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "%zu points are too many to cluster", n);
	bool weighs = linkage == WH_LINKAGE_AVERAGE || linkage == WH_LINKAGE_WARD;
	struct dense dense = { .linkage = linkage, .n = n, .distance = distance, .n_active = n };
	struct step *steps = malloc((n - 1) * sizeof *steps);
	dense.weight = weighs ? malloc(n * sizeof *dense.weight) : NULL;
	dense.active = malloc(n * sizeof *dense.active);
	dense.chain = malloc(n * sizeof *dense.chain);
	int code = WH_OK;
	if (!steps || (weighs && !dense.weight) || !dense.active || !dense.chain) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		for (size_t i = 0; i < n; i++) {
			dense.active[i] = (uint32_t)i;
			if (weighs)
				dense.weight[i] = weight ? weight[i] : 1;
		}
		if (linkage == WH_LINKAGE_WARD && weight)
			weigh_distances(n, distance, weight);
		run_chain(&dense, steps);
		qsort(steps, n - 1, sizeof *steps, by_height);
		label(n, steps, dense.chain, merges);
	}
	free(steps);
	free(dense.weight);
	free(dense.active);
	free(dense.chain);
	return code;
}
