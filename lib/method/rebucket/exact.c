/* SPDX-License-Identifier: Apache-2.0 */
/* sim = 1 where the first `frames` frames (0: all) are equal, else 0. The key is a hash of just these. */
#include <string.h>

#include "base/hash.h"
#include "method/rebucket/methods.h"

static int exact_open(struct wh_stack_space *space, const struct wh_values *values, struct wh_err *err)
{
	uint32_t *frames = space->parameter = wh_arena_alloc(&space->arena, sizeof *frames);
	if (!frames)
		return wh_arena_error(&space->arena, err);
	*frames = (uint32_t)wh_values_int(values, "frames");
	return WH_OK;
}

static uint32_t compared(const struct wh_stack_space *space, const struct wh_stack_item *item)
{
	uint32_t frames = *(const uint32_t *)space->parameter;
	return frames && frames < item->n ? frames : item->n;
}

static double exact_similarity(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	uint32_t n = compared(space, a);
	return n == compared(space, b) && !memcmp(a->token, b->token, n * sizeof *a->token);
}

static size_t exact_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, struct wh_key *keys)
{
	(void)floor;
	keys[0].key = wh_hash(item->token, compared(space, item) * sizeof *item->token, 0);
	return 1;
}

static const struct wh_stack_measure measure = {
	.open = exact_open,
	.similarity = exact_similarity,
	.keys = exact_keys,
};

static const struct wh_param params[] = {
	{ .name = "frames", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = WH_STACK_LONGEST, .grid = "0 1 3 5",
	  .help = "how many frames from the top on must be equal; 0: all" },
	WH_STACK_PARAM_D("0"),
	WH_STACK_PARAM_LINKAGE("complete"),
	{ 0 },
};

const struct wh_method wh_method_exact = {
	.name = "exact",
	.summary = "equal stacks, or equal first frames",
	.source = "whorl",
	.params = params,
	.detail = &measure,
	WH_STACK_METHOD_OPS,
};
