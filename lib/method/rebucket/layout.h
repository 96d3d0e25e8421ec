/* SPDX-License-Identifier: Apache-2.0 */
/* How the places of a stack are laid out to be compared: struct wh_stack_item's `match`. Private to this folder. */
#ifndef WHORL_METHOD_REBUCKET_LAYOUT_H
#define WHORL_METHOD_REBUCKET_LAYOUT_H

#include "base/str.h"
#include "method/rebucket/space.h"

#define WH_STACK_MASKED UINT32_MAX /* a token that nobody has */

struct wh_stack_place {
	uint32_t number;
	uint16_t index; /* of the token */
};

/* Room for what is laid out of n places. */
struct wh_stack_layout {
	uint32_t *number;
	float *weight;
	uint16_t *position;
};

/* The k-th place of a token in a stack, k > 1, has the number of a token of its own, which no document holds: that of this name. */
void wh_stack_name_repeat(const struct wh_stack_space *, uint32_t token, uint32_t k, struct wh_str *name);
/* Which of the places of its token that of by_token[i] is, from 1; before: what the one before it was. */
uint32_t wh_stack_count_place(const struct wh_stack_item *, uint32_t i, uint32_t before);
/* The places of an item whose repeats are tokens of the space, by number. */
void wh_stack_number_places(const struct wh_stack_space *, const struct wh_stack_item *, struct wh_stack_place *places);
/* Points the item to what is written to the layout. */
void wh_stack_lay_out(struct wh_stack_item *, const struct wh_stack_place *places, struct wh_stack_layout to);

#endif
