/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cosine of tf-idf vectors, the classic of information retrieval, with an optional decay by position:
 *   x_f = sum over positions i of f  exp(-decay i)  * log(N / df(f)),   sim = x . y / (|x| |y|)
 *
 * Bound for the index (Cauchy and Schwarz): if only a tail T of A is shared, sim <= |x_T| / |x|.
 */
#include <math.h>

#include "method/rebucket/methods.h"

struct tfidf {
	double decay[WH_STACK_LONGEST];
};

static int tfidf_open(struct wh_stack_space *space, const struct wh_values *values, struct wh_err *err)
{
	struct tfidf *p = space->parameter = wh_arena_alloc(&space->arena, sizeof *p);
	if (!p)
		return wh_arena_error(&space->arena, err);
	for (int k = 0; k < WH_STACK_LONGEST; k++)
		p->decay[k] = exp(-wh_values_real(values, "decay") * k);
	return WH_OK;
}

static double tfidf_weight(const struct wh_stack_space *space, uint32_t token, size_t position, bool pair)
{
	(void)pair;
	/* log(1 + 1/df): a frame of every stack still says a little, so that no vector is empty */
	return ((const struct tfidf *)space->parameter)->decay[position] * log(1 + 1 / wh_stack_frequency(space, token));
}

/* Adds up the run of one frame that begins at *k in the order by token. */
static double component(const struct wh_stack_item *item, uint32_t *k)
{
	uint32_t token = item->token[item->by_token[*k]];
	double sum = 0;
	for (; *k < item->n && item->token[item->by_token[*k]] == token; ++*k)
		sum += item->weight[item->by_token[*k]];
	return sum;
}

static double tfidf_norm(const struct wh_stack_space *space, const struct wh_stack_item *item)
{
	(void)space;
	double sum = 0;
	for (uint32_t k = 0; k < item->n;) {
		double x = component(item, &k);
		sum += x * x;
	}
	return sqrt(sum);
}

static double tfidf_similarity(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	(void)space;
	double dot = 0;
	for (uint32_t i = 0, j = 0; i < a->n && j < b->n;) {
		uint32_t f = a->token[a->by_token[i]], g = b->token[b->by_token[j]];
		if (f == g)
			dot += component(a, &i) * component(b, &j);
		else if (f < g)
			i++;
		else
			j++;
	}
	return dot / (a->norm * b->norm);
}

static bool tfidf_tail(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, const bool *in_tail)
{
	(void)space;
	double sum = 0;
	for (uint32_t k = 0; k < item->n;) {
		uint32_t first = k;
		double x = component(item, &k);
		if (in_tail[item->by_token[k - 1]] || in_tail[item->by_token[first]])
			sum += x * x;
	}
	return sqrt(sum) < (floor - 1e-6) * item->norm;
}

static size_t tfidf_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, struct wh_key *keys)
{
	return wh_stack_head(space, item, floor, tfidf_tail, keys);
}

static const struct wh_stack_measure measure = {
	.open = tfidf_open,
	.weight = tfidf_weight,
	.norm = tfidf_norm,
	.similarity = tfidf_similarity,
	.keys = tfidf_keys,
};

static const struct wh_param params[] = {
	{ .name = "decay", .type = WH_PARAM_REAL, .initial = "0", .lo = 0, .hi = 2, .grid = "0 0.05 0.1 0.2",
	  .help = "how fast frames lose weight with their position; 0: a bag of frames" },
	WH_STACK_PARAM_D("0.5"),
	WH_STACK_PARAM_LINKAGE("complete"),
	{ 0 },
};

const struct wh_method wh_method_tfidf = {
	.name = "tfidf",
	.summary = "cosine of tf-idf vectors of frames",
	.source = "Salton and Buckley 1988",
	.params = params,
	.detail = &measure,
	WH_STACK_METHOD_OPS,
};
