/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whorl's own similarity, the default: a weighted Dice coefficient over frames and pairs of neighbouring frames. Chosen by measured
 * quality on held-out folds (docs/results/stack.md). Tokens of a stack: its frames, factor 1, and its pairs, factor beta:
 *
 *   idf(x)    = 1 / (1 + b df(x))                  df in (0, 1]: the share of distinct stacks that hold x
 *   w(x, i)   = factor * idf(x) * exp(-a i)        i: position, 0 at the crash point
 *   sim(A, B) = 2 sum over matched of min(w_A, w_B) exp(-g |i_A - i_B|) / (W_A + W_B)      W: the sum of all weights
 *
 * where the k-th occurrence of a token in A is matched with its k-th in B. Rare frames near the crash decide, pairs bring in the order,
 * and a frame that everyone has costs nothing. O(m + n) once tokens are sorted,
 * O(n) for one stack against many.
 *
 * Bound for the index. With O = sum over shared tokens of min(w_A, w_B): sim <= 2 O / (W_A + W_B), and O <= W_B. So sim >= t implies
 * 2 O >= t (W_A + W_B) >= t (W_A + O), that is O >= t W_A / (2 - t). If only a tail of A is shared, O is at most the tail's weight.
 * And O is at most what the heads share plus the heavier tail (space.h): the bound in constant time.
 */
#include <math.h>

#include "method/rebucket/methods.h"

struct dice {
	double beta, b;
	double position[WH_STACK_LONGEST]; /* exp(-a i) */
	float offset[WH_STACK_LONGEST];    /* exp(-g i) */
};

static int dice_open(struct wh_stack_space *space, const struct wh_values *values, struct wh_err *err)
{
	struct dice *p = space->parameter = wh_arena_alloc(&space->arena, sizeof *p);
	if (!p)
		return wh_arena_error(&space->arena, err);
	double a = wh_values_real(values, "a"), g = wh_values_real(values, "g");
	p->beta = wh_values_real(values, "beta");
	p->b = wh_values_real(values, "b");
	for (int i = 0; i < WH_STACK_LONGEST; i++) {
		p->position[i] = exp(-a * i);
		p->offset[i] = (float)exp(-g * i);
	}
	return WH_OK;
}

static double rarity(const struct wh_stack_space *space, uint32_t token, bool pair)
{
	const struct dice *p = space->parameter;
	return (pair ? p->beta : 1) / (1 + p->b * wh_stack_frequency(space, token));
}

static double dice_weight(const struct wh_stack_space *space, uint32_t token, size_t position, bool pair)
{
	return ((const struct dice *)space->parameter)->position[position] * rarity(space, token, pair);
}

static double dice_similarity(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	const struct dice *p = space->parameter;
	const uint32_t *restrict left = a->match, *restrict right = b->match;
	uint32_t m = a->n, n = b->n;
	double shared = 0;
	for (uint32_t i = 0, j = 0; i < m && j < n;) {
		uint32_t f = left[i], g = right[j];
		if (f == g) {
			uint32_t u = a->match_position[i], v = b->match_position[j];
			float w = a->match_weight[i] < b->match_weight[j] ? a->match_weight[i] : b->match_weight[j];
			shared += w * p->offset[u < v ? v - u : u - v];
		}
		i += f <= g;
		j += g <= f;
	}
	return 2 * shared / (a->norm + b->norm);
}

/* Without a branch that depends on what matches: half of the places do, and no processor guesses which. */
static double dice_probe(const struct wh_stack_space *space, const struct wh_stack_probe *probe, const struct wh_stack_item *b)
{
	const struct dice *p = space->parameter;
	const uint16_t *restrict at = probe->at;
	const uint32_t *restrict match = b->match;
	const float *restrict weight = b->match_weight;
	const uint16_t *restrict position = b->match_position;
	double shared = 0;
	for (uint32_t j = 0, n = b->n; j < n; j++) {
		uint32_t i = at[match[j]];
		int away = probe->position[i] - position[j];
		float w = probe->weight[i] < weight[j] ? probe->weight[i] : weight[j];
		shared += w * p->offset[away < 0 ? -away : away];
	}
	return 2 * shared / (probe->norm + b->norm);
}

static double dice_reach(const struct wh_stack_item *a, const struct wh_stack_item *b, double shared)
{
	return 2 * (shared + (a->tail > b->tail ? a->tail : b->tail)) / (a->norm + b->norm) + 1e-5;
}

/* The same without positions: a = g = 0. */
static double dice_kinship(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	double shared = 0, total = 0;
	for (uint32_t i = 0; i < a->n; i++)
		total += rarity(space, a->token[i], i >= a->n_frames);
	for (uint32_t j = 0; j < b->n; j++)
		total += rarity(space, b->token[j], j >= b->n_frames);
	for (uint32_t i = 0, j = 0; i < a->n && j < b->n;) {
		uint32_t x = a->by_token[i], y = b->by_token[j], f = a->token[x], g = b->token[y];
		if (f == g)
			shared += rarity(space, f, x >= a->n_frames);
		i += f <= g;
		j += g <= f;
	}
	return total > 0 ? 2 * shared / total : 0;
}

static bool dice_tail(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, const bool *in_tail)
{
	(void)space;
	double tail = 0;
	for (uint32_t i = 0; i < item->n; i++)
		tail += in_tail[i] ? item->weight[i] : 0;
	return tail < (floor - 1e-6) * item->norm / (2 - floor);
}

static size_t dice_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, struct wh_key *keys)
{
	return wh_stack_head(space, item, floor, dice_tail, keys);
}

static const struct wh_stack_measure measure = {
	.open = dice_open,
	.pairs = true,
	.weight = dice_weight,
	.norm = wh_stack_total_weight,
	.similarity = dice_similarity,
	.probe = dice_probe,
	.reach = dice_reach,
	.kinship = dice_kinship,
	.keys = dice_keys,
};

static const struct wh_param params[] = {
	{ .name = "a", .type = WH_PARAM_REAL, .initial = "0.3", .lo = 0, .hi = 2,
	  .help = "how fast frames lose weight with their distance to the crash point" },
	{ .name = "b", .type = WH_PARAM_REAL, .initial = "20", .lo = 0, .hi = 1000,
	  .help = "how much frames of many stacks lose weight" },
	{ .name = "beta", .type = WH_PARAM_REAL, .initial = "0.5", .lo = 0, .hi = 2,
	  .help = "weight of a pair of neighbouring frames; a frame has 1" },
	{ .name = "g", .type = WH_PARAM_REAL, .initial = "0.05", .lo = 0, .hi = 2,
	  .help = "how fast matches lose weight with the difference of their positions" },
	WH_STACK_PARAM_D("0.67"),
	WH_STACK_PARAM_LINKAGE("average"),
	{ 0 },
};

const struct wh_method wh_method_whorl = {
	.name = "whorl",
	.summary = "weighted Dice over frames and pairs of frames, rare ones near the crash first (the default)",
	.source = "whorl",
	.params = params,
	.detail = &measure,
	.kinship = wh_stack_kinship,
	WH_STACK_METHOD_OPS,
};
