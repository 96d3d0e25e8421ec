/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FaST (Rodrigues et al., MSR 2022): the k-th occurrence of a frame in A is aligned with its k-th occurrence in B, without
 * regard to order, in O(m + n) once positions are sorted by frame.
 *
 *   w(f, p)   = p^-alpha exp(-beta df(f))      p from 1; df in [0, 1]: the share of stacks with f
 *   score     = [sum over aligned (w_A + w_B) exp(-gamma |p_A - p_B|) - sum over the others w] / sum over all w   in [-1, 1]
 *   sim(A, B) = (1 + score) / 2
 *
 * Bound for the index. Let only a tail of A be shared, of weight t of A's total W, and u be the weight of what it meets in B (of
 * total V): 2 sim <= 1 + (t + u - (W - t) - (V - u)) / (W + V), so sim <= (t + u) / (W + V). An aligned occurrence p_B may weigh more
 * than p_A, at most exp(-beta df). With s the sum of exp(-beta df) over the tail, u <= min(s, V), and (t + u) / (W + V) is largest at
 * V = u, as u / V <= 1 and t <= W: sim <= (t + s) / (W + s).
 */
#include <math.h>

#include "method/rebucket/methods.h"

struct fast {
	double alpha, beta;
	float offset[WH_STACK_LONGEST]; /* exp(-gamma k) */
	double position[WH_STACK_LONGEST]; /* (k + 1)^-alpha */
};

static int fast_open(struct wh_stack_space *space, const struct wh_values *values, struct wh_err *err)
{
	struct fast *p = space->parameter = wh_arena_alloc(&space->arena, sizeof *p);
	if (!p)
		return wh_arena_error(&space->arena, err);
	double gamma = wh_values_real(values, "gamma");
	p->alpha = wh_values_real(values, "alpha");
	p->beta = wh_values_real(values, "beta");
	for (int k = 0; k < WH_STACK_LONGEST; k++) {
		p->offset[k] = (float)exp(-gamma * k);
		p->position[k] = pow(k + 1, -p->alpha);
	}
	return WH_OK;
}

static double rarity(const struct wh_stack_space *space, uint32_t token)
{
	return exp(-((const struct fast *)space->parameter)->beta * wh_stack_frequency(space, token));
}

static double fast_weight(const struct wh_stack_space *space, uint32_t token, size_t position, bool pair)
{
	(void)pair;
	return ((const struct fast *)space->parameter)->position[position] * rarity(space, token);
}

static double fast_similarity(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	const struct fast *p = space->parameter;
	double aligned = 0, matched = 0; /* with the offset's penalty, and without */
	for (uint32_t i = 0, j = 0; i < a->n && j < b->n;) {
		uint16_t x = a->by_token[i], y = b->by_token[j];
		if (a->token[x] != b->token[y]) {
			bool less = a->token[x] < b->token[y];
			i += less;
			j += !less;
			continue;
		}
		double w = a->weight[x] + b->weight[y];
		matched += w;
		aligned += w * p->offset[x < y ? y - x : x - y];
		i++;
		j++;
	}
	double all = a->norm + b->norm;
	return (1 + (aligned - (all - matched)) / all) / 2;
}

static bool fast_tail(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, const bool *in_tail)
{
	double t = 0, s = 0;
	for (uint32_t i = 0; i < item->n; i++)
		if (in_tail[i]) {
			t += item->weight[i];
			s += rarity(space, item->token[i]);
		}
	return (t + s) / (item->norm + s) < floor - 1e-6;
}

static size_t fast_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, struct wh_key *keys)
{
	return wh_stack_head(space, item, floor, fast_tail, keys);
}

static const struct wh_stack_measure measure = {
	.open = fast_open,
	.weight = fast_weight,
	.norm = wh_stack_total_weight,
	.similarity = fast_similarity,
	.keys = fast_keys,
};

static const struct wh_param params[] = {
	{ .name = "alpha", .type = WH_PARAM_REAL, .initial = "1", .lo = 0, .hi = 4, .grid = "0.5 1 2",
	  .help = "how fast frames lose weight with their position", .source = "FaST 3.1" },
	{ .name = "beta", .type = WH_PARAM_REAL, .initial = "1", .lo = 0, .hi = 100, .grid = "0.5 1 4 10",
	  .help = "how much frames of many stacks lose weight", .source = "FaST 3.1" },
	{ .name = "gamma", .type = WH_PARAM_REAL, .initial = "0.2", .lo = 0, .hi = 4, .grid = "0 0.1 0.2 0.5",
	  .help = "how fast matches lose weight with the difference of their positions", .source = "FaST 3.1" },
	WH_STACK_PARAM_D("0.4"),
	WH_STACK_PARAM_LINKAGE("complete"),
	{ 0 },
};

const struct wh_method wh_method_fast = {
	.name = "fast",
	.summary = "occurrence alignment with position and frequency weights, linear time",
	.source = "Rodrigues et al., FaST, MSR 2022",
	.params = params,
	.detail = &measure,
	WH_STACK_METHOD_OPS,
};
