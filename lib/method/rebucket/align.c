/* SPDX-License-Identifier: Apache-2.0 */
/* Explaining a similarity: the two stacks side by side. */
#include <stdlib.h>
#include <string.h>

#include "method/rebucket/layout.h"

/* The similarity if frame y of b matched nothing: it and its pairs are replaced by tokens that nobody has, their weight is kept. */
static double without(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b, uint32_t y)
{
	uint32_t token[WH_STACK_MOST];
	uint16_t order[WH_STACK_MOST];
	struct wh_stack_place places[WH_STACK_MOST];
	uint32_t number[WH_STACK_MOST];
	float weight[WH_STACK_MOST];
	uint16_t position[WH_STACK_MOST];
	struct wh_stack_item masked = *b;
	size_t kept = 0;
	memcpy(token, b->token, b->n * sizeof *token);
	token[y] = WH_STACK_MASKED;
	if (b->n > b->n_frames && y > 0)
		token[b->n_frames + y - 1] = WH_STACK_MASKED;
	if (b->n > b->n_frames && y + 1 < b->n_frames)
		token[b->n_frames + y] = WH_STACK_MASKED;
	for (uint32_t i = 0; i < b->n; i++)
		if (token[b->by_token[i]] != WH_STACK_MASKED)
			order[kept++] = b->by_token[i];
	for (uint32_t i = 0; i < b->n; i++) /* WH_STACK_MASKED sorts last */
		if (token[i] == WH_STACK_MASKED)
			order[kept++] = (uint16_t)i;
	masked.token = token;
	masked.by_token = order;
	if (b->weight) {
		wh_stack_number_places(space, &masked, places);
		wh_stack_lay_out(&masked, places, (struct wh_stack_layout){ number, weight, position });
	}
	return wh_stack_compare(space, a, &masked);
}

/* The longest common subsequence of two stacks, from the top: length[i][j] for what lies below (i, j). */
static uint16_t *common(const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	size_t w = (size_t)b->n_frames + 1;
	uint16_t *length = calloc((a->n_frames + (size_t)1) * w, sizeof *length);
	for (size_t i = a->n_frames; length && i-- > 0;)
		for (size_t j = b->n_frames; j-- > 0;) {
			uint16_t down = length[(i + 1) * w + j], right = length[i * w + j + 1];
			length[i * w + j] = a->token[i] == b->token[j] ? (uint16_t)(length[(i + 1) * w + j + 1] + 1)
					    : down > right             ? down
								       : right;
		}
	return length;
}

static void emit_frame(const struct wh_stack_space *space, struct wh_emit *e, const char *key, const struct wh_stack_item *item, size_t i)
{
	struct wh_bytes name = wh_strtab_get(&space->tokens, item->token[i]);
	wh_emit_bytes(e, key, name.data, name.size);
}

int wh_stack_align(const void *state, size_t i, size_t j, struct wh_emit *e, struct wh_err *err)
{
	const struct wh_stack_space *space = state;
	const struct wh_stack_item *a = &space->items.data[i], *b = &space->items.data[j];
	uint16_t *length = common(a, b);
	if (!length)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	double whole = wh_stack_compare(space, a, b);
	size_t w = (size_t)b->n_frames + 1;
	wh_emit_array(e, "alignment");
	for (size_t x = 0, y = 0; x < a->n_frames || y < b->n_frames;) {
		bool match = x < a->n_frames && y < b->n_frames && a->token[x] == b->token[y];
		bool left = !match && x < a->n_frames && (y == b->n_frames || length[(x + 1) * w + y] >= length[x * w + y + 1]);
		wh_emit_object(e, NULL);
		if (match || left)
			emit_frame(space, e, "a", a, x);
		if (match || !left)
			emit_frame(space, e, "b", b, y);
		wh_emit_real(e, "contribution", match ? whole - without(space, a, b, (uint32_t)y) : 0);
		wh_emit_end(e);
		x += match || left;
		y += match || !left;
	}
	wh_emit_end(e);
	free(length);
	return WH_OK;
}
