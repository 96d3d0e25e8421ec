/* SPDX-License-Identifier: Apache-2.0 */
#include "method/rebucket/layout.h"

#include <stdlib.h>

static int by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct wh_stack_place *)a)->number, y = ((const struct wh_stack_place *)b)->number;
	return x < y ? -1 : x > y;
}

void wh_stack_name_repeat(const struct wh_stack_space *space, uint32_t token, uint32_t k, struct wh_str *name)
{
	struct wh_bytes text = wh_strtab_get(&space->tokens, token);
	wh_str_clear(name);
	wh_str_add(name, text.data, text.size);
	wh_str_printf(name, "\n\n%u", k); /* a frame has no line's end, and a pair has one */
}

uint32_t wh_stack_count_place(const struct wh_stack_item *item, uint32_t i, uint32_t before)
{
	return i && item->token[item->by_token[i]] == item->token[item->by_token[i - 1]] ? before + 1 : 1;
}

void wh_stack_number_places(const struct wh_stack_space *space, const struct wh_stack_item *item, struct wh_stack_place *places)
{
	struct wh_str name = { 0 };
	bool repeats = false;
	for (uint32_t i = 0, k = 1; i < item->n; i++) {
		uint32_t token = item->token[item->by_token[i]], number = token;
		k = wh_stack_count_place(item, i, k);
		if (k > 1 && token != WH_STACK_MASKED) {
			wh_stack_name_repeat(space, token, k, &name);
			number = name.failed ? WH_STACK_MASKED : wh_strtab_find(&space->tokens, name.data, name.n);
			repeats = true;
		}
		places[i] = (struct wh_stack_place){ number, item->by_token[i] };
	}
	if (repeats)
		qsort(places, item->n, sizeof *places, by_number);
	wh_str_release(&name);
}

void wh_stack_lay_out(struct wh_stack_item *item, const struct wh_stack_place *places, struct wh_stack_layout to)
{
	for (uint32_t i = 0; i < item->n; i++) {
		to.number[i] = places[i].number;
		to.weight[i] = item->weight[places[i].index];
		to.position[i] = (uint16_t)wh_stack_position(item, places[i].index);
	}
	item->match = to.number;
	item->match_weight = to.weight;
	item->match_position = to.position;
}
