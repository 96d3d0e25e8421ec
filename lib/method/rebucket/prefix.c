/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim = (frames equal from the top on) / max(m, n) (Modani et al., ICDE Workshops 2007).
 * Bound for the index: above 0 the top frames are equal, so the top frame is the one key.
 */
#include "method/rebucket/methods.h"

static double prefix_similarity(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	(void)space;
	uint32_t least = a->n < b->n ? a->n : b->n, most = a->n < b->n ? b->n : a->n, k = 0;
	while (k < least && a->token[k] == b->token[k])
		k++;
	return (double)k / most;
}

static size_t prefix_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, struct wh_key *keys)
{
	(void)space, (void)floor;
	keys[0].key = item->token[0];
	return 1;
}

static const struct wh_stack_measure measure = {
	.similarity = prefix_similarity,
	.keys = prefix_keys,
};

static const struct wh_param params[] = {
	WH_STACK_PARAM_D("0.6"),
	WH_STACK_PARAM_LINKAGE("complete"),
	{ 0 },
};

const struct wh_method wh_method_prefix = {
	.name = "prefix",
	.summary = "share of equal frames from the top on",
	.source = "Modani et al. 2007",
	.params = params,
	.detail = &measure,
	WH_STACK_METHOD_OPS,
};
