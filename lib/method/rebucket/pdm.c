/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Position Dependent Model of ReBucket (Dang et al., ICSE 2012, section IV), exactly as published. Frame 0 is the crash point:
 *
 *   cost(i, j) = exp(-c min(i, j)) exp(-o |i - j|)  where frame i of A equals frame j of B, else 0
 *   M[i][j]    = max(M[i-1][j-1] + cost(i-1, j-1), M[i-1][j], M[i][j-1])
 *   sim(A, B)  = M[m][n] / sum_{k < min(m, n)} exp(-c k)
 *
 * Bound for the index. Let only the positions i_0 < i_1 < … of A (the tail) be matched, and D(l) = sum_{k < l} exp(-c k). Both
 * positions grow from match to match, so the k-th match (from 0) has min(i, j) >= k and costs at most exp(-c k). For a fixed i the cost is
 * at most exp(-min(c, o) i): with j >= i it is <= exp(-c i), with j < i it is exp(-c j - o (i - j)), between its ends exp(-o i) and exp(-c i).
 * At most l = min(m, n) matches fit. So the similarity is at most max over l in 1 … m of sum_{k < l} min(exp(-c k), exp(-min(c, o) i_k)) / D(l).
 */
#include <math.h>
#include <string.h>

#include "method/rebucket/methods.h"

struct pdm {
	double c, o;
	float position[WH_STACK_LONGEST]; /* exp(-c k) */
	float offset[WH_STACK_LONGEST];   /* exp(-o k) */
	double total[WH_STACK_LONGEST + 1]; /* D(l) */
};

static int pdm_open(struct wh_stack_space *space, const struct wh_values *values, struct wh_err *err)
{
	struct pdm *p = space->parameter = wh_arena_alloc(&space->arena, sizeof *p);
	if (!p)
		return wh_arena_error(&space->arena, err);
	p->c = wh_values_real(values, "c");
	p->o = wh_values_real(values, "o");
	p->total[0] = 0;
	for (int k = 0; k < WH_STACK_LONGEST; k++) {
		p->position[k] = (float)exp(-p->c * k);
		p->offset[k] = (float)exp(-p->o * k);
		p->total[k + 1] = p->total[k] + p->position[k];
	}
	return WH_OK;
}

static double pdm_similarity(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	const struct pdm *p = space->parameter;
	float row[WH_STACK_LONGEST + 1];
	if (a->n > b->n) {
		const struct wh_stack_item *t = a;
		a = b;
		b = t;
	}
	memset(row, 0, (b->n + 1) * sizeof *row);
	for (uint32_t i = 0; i < a->n; i++) {
		float diagonal = 0, left = 0; /* M[i-1][j-1], M[i][j-1] */
		for (uint32_t j = 0; j < b->n; j++) {
			float up = row[j + 1], best = up > left ? up : left;
			if (a->token[i] == b->token[j]) {
				float match = diagonal + p->position[i < j ? i : j] * p->offset[i < j ? j - i : i - j];
				best = match > best ? match : best;
			}
			diagonal = up;
			row[j + 1] = left = best;
		}
	}
	return row[b->n] / p->total[a->n];
}

static bool pdm_tail(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, const bool *in_tail)
{
	const struct pdm *p = space->parameter;
	double slow = p->c < p->o ? p->c : p->o, sum = 0;
	uint32_t k = 0;
	for (uint32_t i = 0; i < item->n; i++) {
		if (!in_tail[i])
			continue;
		double by_place = exp(-slow * i);
		sum += p->position[k] < by_place ? p->position[k] : by_place;
		k++;
		if (sum / p->total[k] >= floor - 1e-6)
			return false;
	}
	return true; /* beyond the tail's length only the divisor grows */
}

static size_t pdm_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, struct wh_key *keys)
{
	return wh_stack_head(space, item, floor, pdm_tail, keys);
}

static const struct wh_stack_measure measure = {
	.open = pdm_open,
	.similarity = pdm_similarity,
	.keys = pdm_keys,
};

static const struct wh_param params[] = {
	{ .name = "c", .type = WH_PARAM_REAL, .initial = "0.2", .lo = 0, .hi = 2, .grid = "0 0.04 0.1 0.2 0.5 1",
	  .help = "how fast frames lose weight with their distance to the top frame", .source = "ReBucket IV.B" },
	{ .name = "o", .type = WH_PARAM_REAL, .initial = "0.1", .lo = 0, .hi = 2, .grid = "0 0.05 0.13 0.3 0.6",
	  .help = "how fast matches lose weight with their alignment offset", .source = "ReBucket IV.B" },
	WH_STACK_PARAM_D("0.3"),
	WH_STACK_PARAM_LINKAGE("complete"),
	{ 0 },
};

const struct wh_method wh_method_pdm = {
	.name = "pdm",
	.summary = "Position Dependent Model: a weighted longest common subsequence",
	.source = "Dang et al., ReBucket, ICSE 2012, section IV",
	.params = params,
	.detail = &measure,
	WH_STACK_METHOD_OPS,
};
