/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim = 1 - (insertions, deletions and substitutions of frames) / max(m, n), as abrt's satyr has it.
 * Bound for the index: sim <= (matched frames) / max(m, n), so a tail of t frames allows at most t / m.
 */
#include "method/rebucket/methods.h"

static double levenshtein_similarity(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	(void)space;
	uint32_t row[WH_STACK_LONGEST + 1], longest = a->n > b->n ? a->n : b->n;
	for (uint32_t j = 0; j <= b->n; j++)
		row[j] = j;
	for (uint32_t i = 0; i < a->n; i++) {
		uint32_t diagonal = row[0];
		row[0] = i + 1;
		for (uint32_t j = 0; j < b->n; j++) {
			uint32_t change = diagonal + (a->token[i] != b->token[j]), up = row[j + 1] + 1, left = row[j] + 1;
			diagonal = row[j + 1];
			row[j + 1] = change < up ? change : up;
			if (left < row[j + 1])
				row[j + 1] = left;
		}
	}
	return 1 - (double)row[b->n] / longest;
}

static bool levenshtein_tail(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, const bool *in_tail)
{
	(void)space;
	uint32_t n = 0;
	for (uint32_t i = 0; i < item->n; i++)
		n += in_tail[i];
	return n < (floor - 1e-6) * item->n;
}

static size_t levenshtein_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, struct wh_key *keys)
{
	return wh_stack_head(space, item, floor, levenshtein_tail, keys);
}

static const struct wh_stack_measure measure = {
	.similarity = levenshtein_similarity,
	.keys = levenshtein_keys,
};

static const struct wh_param params[] = {
	WH_STACK_PARAM_D("0.3"),
	WH_STACK_PARAM_LINKAGE("average"),
	{ 0 },
};

const struct wh_method wh_method_levenshtein = {
	.name = "levenshtein",
	.summary = "edit distance over the longer stack",
	.source = "Levenshtein 1966; abrt/satyr lib/distance.c",
	.params = params,
	.detail = &measure,
	WH_STACK_METHOD_OPS,
};
