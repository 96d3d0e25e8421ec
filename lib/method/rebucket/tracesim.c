/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TraceSim (Vasiliev et al., 2020): a Levenshtein distance whose insertions and deletions cost the frame's weight, substitutions the
 * sum of both.
 *
 *   w(f, i)   = (1 + i)^-alpha / (1 + exp(-beta (idf(f) - gamma)))     idf(f) = log(N / df)
 *   sim(A, B) = 1 - distance / (sum of all weights)
 *
 * Since a substitution costs as much as a deletion and an insertion, sim is the weight of the best common subsequence, both sides
 * counted, over the weight of all frames. Bound for the index: as in fast.c, with s the sum of the tail's weights at position 0.
 */
#include <math.h>
#include <string.h>

#include "method/rebucket/methods.h"

struct tracesim {
	double beta, gamma;
	double position[WH_STACK_LONGEST];
};

static int tracesim_open(struct wh_stack_space *space, const struct wh_values *values, struct wh_err *err)
{
	struct tracesim *p = space->parameter = wh_arena_alloc(&space->arena, sizeof *p);
	if (!p)
		return wh_arena_error(&space->arena, err);
	double alpha = wh_values_real(values, "alpha");
	p->beta = wh_values_real(values, "beta");
	p->gamma = wh_values_real(values, "gamma");
	for (int k = 0; k < WH_STACK_LONGEST; k++)
		p->position[k] = pow(1 + k, -alpha);
	return WH_OK;
}

static double global_weight(const struct wh_stack_space *space, uint32_t token)
{
	const struct tracesim *p = space->parameter;
	return 1 / (1 + exp(-p->beta * (-log(wh_stack_frequency(space, token)) - p->gamma)));
}

static double tracesim_weight(const struct wh_stack_space *space, uint32_t token, size_t position, bool pair)
{
	(void)pair;
	return ((const struct tracesim *)space->parameter)->position[position] * global_weight(space, token);
}

static double tracesim_similarity(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	(void)space;
	float row[WH_STACK_LONGEST + 1]; /* weight of the best common subsequence so far, both sides counted */
	memset(row, 0, (b->n + 1) * sizeof *row);
	for (uint32_t i = 0; i < a->n; i++) {
		float diagonal = 0, left = 0;
		for (uint32_t j = 0; j < b->n; j++) {
			float up = row[j + 1], best = up > left ? up : left;
			if (a->token[i] == b->token[j]) {
				float match = diagonal + a->weight[i] + b->weight[j];
				best = match > best ? match : best;
			}
			diagonal = up;
			row[j + 1] = left = best;
		}
	}
	double all = a->norm + b->norm;
	return all > 0 ? row[b->n] / all : 0;
}

static bool tracesim_tail(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, const bool *in_tail)
{
	double t = 0, s = 0;
	for (uint32_t i = 0; i < item->n; i++)
		if (in_tail[i]) {
			t += item->weight[i];
			s += global_weight(space, item->token[i]);
		}
	return t + s < (floor - 1e-6) * (item->norm + s);
}

static size_t tracesim_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, struct wh_key *keys)
{
	return wh_stack_head(space, item, floor, tracesim_tail, keys);
}

static const struct wh_stack_measure measure = {
	.open = tracesim_open,
	.weight = tracesim_weight,
	.norm = wh_stack_total_weight,
	.similarity = tracesim_similarity,
	.keys = tracesim_keys,
};

static const struct wh_param params[] = {
	{ .name = "alpha", .type = WH_PARAM_REAL, .initial = "0.3", .lo = 0, .hi = 4, .grid = "0.1 0.3 0.5 1",
	  .help = "how fast frames lose weight with their position", .source = "TraceSim 3.2" },
	{ .name = "beta", .type = WH_PARAM_REAL, .initial = "2", .lo = 0, .hi = 20, .grid = "0.5 2 4",
	  .help = "steepness of the weight over the inverse document frequency", .source = "TraceSim 3.2" },
	{ .name = "gamma", .type = WH_PARAM_REAL, .initial = "2", .lo = 0, .hi = 20, .grid = "0 2 4",
	  .help = "inverse document frequency of half weight", .source = "TraceSim 3.2" },
	WH_STACK_PARAM_D("0.4"),
	WH_STACK_PARAM_LINKAGE("complete"),
	{ 0 },
};

const struct wh_method wh_method_tracesim = {
	.name = "tracesim",
	.summary = "weighted Levenshtein distance with position and frequency weights",
	.source = "Vasiliev et al., TraceSim, 2020",
	.params = params,
	.detail = &measure,
	WH_STACK_METHOD_OPS,
};
