/* SPDX-License-Identifier: Apache-2.0 */
#include "method/rebucket/space.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "method/rebucket/layout.h"
#include "method/rebucket/methods.h"

enum { SPACE_LIMIT_GIB = 32 };

/* ---- life ---- */

int wh_stack_open(const struct wh_method *method, const struct wh_values *values, void **result, struct wh_err *err)
{
	struct wh_stack_space *space = calloc(1, sizeof *space);
	if (!space)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	space->measure = method->detail;
	space->floor = 1 - wh_values_real(values, "d");
	wh_arena_init(&space->arena, (size_t)SPACE_LIMIT_GIB << 30);
	wh_strtab_init(&space->tokens, (size_t)SPACE_LIMIT_GIB << 30);
	int code = WH_OK;
	if (space->measure->keys && !(space->index = wh_candidates_new()))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && space->measure->open)
		code = space->measure->open(space, values, err);
	if (code != WH_OK)
		wh_stack_close(space);
	else
		*result = space;
	return code;
}

void wh_stack_close(void *state)
{
	struct wh_stack_space *space = state;
	if (!space)
		return;
	wh_candidates_free(space->index);
	wh_arena_release(&space->arena);
	wh_strtab_release(&space->tokens);
	wh_vec_release(&space->items);
	wh_vec_release(&space->df);
	free(space);
}

/* ---- frozen weights: the number of documents, then `df size text` for every token, each ended by a newline ---- */

int wh_stack_save(const void *state, struct wh_str *out, struct wh_err *err)
{
	const struct wh_stack_space *space = state;
	wh_str_printf(out, "%u\n", space->n_documents);
	for (uint32_t t = 0; t < space->df.n; t++) {
		struct wh_bytes name = wh_strtab_get(&space->tokens, t);
		if (!space->df.data[t])
			continue;
		wh_str_printf(out, "%u %zu ", space->df.data[t], name.size);
		wh_str_add(out, name.data, name.size);
		wh_str_putc(out, '\n');
	}
	return wh_str_check(out, err);
}

/* Frames once met keep their number; df grows with the table. */
static int token_of(struct wh_stack_space *space, const char *data, size_t n, uint32_t *token, struct wh_err *err)
{
	*token = wh_strtab_add(&space->tokens, data, n);
	if (*token == WH_STRTAB_NONE || (*token >= space->df.n && wh_vec_push(&space->df, 0)))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

/* A decimal number and the character after it; false where there is none. */
static bool take_number(const char **p, const char *end, char after, size_t *value)
{
	const char *first = *p;
	for (*value = 0; *p < end && **p >= '0' && **p <= '9' && *value < UINT32_MAX; ++*p)
		*value = *value * 10 + (size_t)(**p - '0');
	if (*p == first || *p >= end || **p != after || *value > UINT32_MAX)
		return false;
	++*p;
	return true;
}

int wh_stack_load(void *state, struct wh_bytes bytes, struct wh_err *err)
{
	struct wh_stack_space *space = state;
	const char *p = bytes.data, *end = p + bytes.size;
	size_t count, size;
	bool good = take_number(&p, end, '\n', &count);
	space->n_documents = (uint32_t)count;
	while (good && p < end) {
		uint32_t token;
		good = take_number(&p, end, ' ', &count) && take_number(&p, end, ' ', &size) && size < (size_t)(end - p) && p[size] == '\n';
		if (good) {
			WH_TRY(token_of(space, p, size, &token, err));
			space->df.data[token] = (uint32_t)count;
			p += size + 1;
		}
	}
	space->loaded = true;
	return good ? WH_OK : wh_err_set(err, WH_E_FORMAT, "model: broken document frequencies");
}

/* ---- points ---- */

static uint32_t count_lines(struct wh_bytes text)
{
	uint32_t n = 0;
	for (const char *p = text.data, *end = p + text.size; p < end; n++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		p = nl ? nl + 1 : end;
	}
	return n < WH_STACK_LONGEST ? n : WH_STACK_LONGEST;
}

struct keyed {
	uint32_t token;
	uint16_t position;
};

static int by_token(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	return x->token != y->token ? (x->token < y->token ? -1 : 1) : x->position - y->position;
}

static int sort_positions(struct wh_stack_space *space, struct wh_stack_item *item, struct wh_err *err)
{
	struct keyed keyed[WH_STACK_MOST];
	uint16_t *order = wh_arena_alloc(&space->arena, item->n * sizeof *order);
	if (!order)
		return wh_arena_error(&space->arena, err);
	for (uint32_t i = 0; i < item->n; i++)
		keyed[i] = (struct keyed){ item->token[i], (uint16_t)i };
	qsort(keyed, item->n, sizeof *keyed, by_token);
	for (uint32_t i = 0; i < item->n; i++)
		order[i] = keyed[i].position;
	item->by_token = order;
	return WH_OK;
}

static void weigh(const struct wh_stack_space *space, struct wh_stack_item *item, float *weight)
{
	if (weight)
		for (uint32_t i = 0; i < item->n; i++)
			weight[i] = (float)space->measure->weight(space, item->token[i], wh_stack_position(item, i), i >= item->n_frames);
	item->weight = weight;
	item->norm = space->measure->norm ? space->measure->norm(space, item) : 0;
}

static int add_repeats(struct wh_stack_space *space, const struct wh_stack_item *item, struct wh_err *err)
{
	struct wh_str name = { 0 };
	int code = WH_OK;
	for (uint32_t i = 0, k = 1, number; code == WH_OK && i < item->n; i++) {
		k = wh_stack_count_place(item, i, k);
		if (k == 1)
			continue;
		wh_stack_name_repeat(space, item->token[item->by_token[i]], k, &name);
		code = wh_str_check(&name, err);
		if (code == WH_OK)
			code = token_of(space, name.data, name.n, &number, err);
	}
	wh_str_release(&name);
	return code;
}

static int weigh_new(struct wh_stack_space *space, struct wh_stack_item *item, struct wh_err *err)
{
	struct wh_stack_place places[WH_STACK_MOST];
	if (!space->measure->weight || !item->n) {
		weigh(space, item, NULL);
		return WH_OK;
	}
	/* one piece of memory: a comparison touches a few neighbouring lines of the cache instead of as many as tokens */
	struct wh_stack_layout to = { .number = wh_arena_alloc(&space->arena, item->n * (2 * sizeof(float) + sizeof(uint32_t) + sizeof(uint16_t))) };
	if (!to.number)
		return wh_arena_error(&space->arena, err);
	to.weight = (float *)(to.number + item->n);
	to.position = (uint16_t *)(to.weight + 2 * item->n);
	weigh(space, item, to.weight + item->n);
	WH_TRY(add_repeats(space, item, err));
	wh_stack_number_places(space, item, places);
	wh_stack_lay_out(item, places, to);
	return WH_OK;
}

size_t wh_stack_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, struct wh_key *keys)
{
	return item->n ? space->measure->keys(space, item, space->floor, keys) : 0;
}

static int index_item(struct wh_stack_space *space, struct wh_stack_item *item, struct wh_err *err)
{
	struct wh_key keys[WH_STACK_MOST];
	if (!space->index)
		return WH_OK;
	size_t n = wh_stack_keys(space, item, keys);
	double head = 0;
	for (size_t i = 0; i < n; i++)
		head += keys[i].weight;
	if (space->measure->reach)
		item->tail = (float)(item->norm > head ? item->norm - head : 0);
	return wh_candidates_add(space->index, keys, n, err);
}

/* Frames, then pairs: a pair's text is that of both frames as they stand in the fingerprint, one line after the other. */
static int read_tokens(struct wh_stack_space *space, struct wh_bytes fingerprint, struct wh_stack_item *item, struct wh_err *err)
{
	uint32_t *token = wh_arena_alloc(&space->arena, item->n * sizeof *token);
	const char *p = fingerprint.data, *end = p + fingerprint.size, *before = NULL;
	if (!token)
		return wh_arena_error(&space->arena, err);
	for (uint32_t i = 0; i < item->n_frames; i++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		WH_TRY(token_of(space, p, (size_t)(stop - p), &token[i], err));
		if (before && space->measure->pairs)
			WH_TRY(token_of(space, before, (size_t)(stop - before), &token[item->n_frames + i - 1], err));
		before = p;
		p = stop + 1;
	}
	item->token = token;
	return WH_OK;
}

int wh_stack_add(void *state, struct wh_bytes fingerprint, struct wh_err *err)
{
	struct wh_stack_space *space = state;
	struct wh_stack_item item = { .n_frames = count_lines(fingerprint) };
	space->generation++;
	space->before.arena = wh_arena_mark(&space->arena);
	space->before.strings = wh_arena_mark(&space->tokens.arena);
	space->before.n_tokens = space->tokens.n;
	item.n = space->measure->pairs && item.n_frames ? 2 * item.n_frames - 1 : item.n_frames;
	WH_TRY(read_tokens(space, fingerprint, &item, err));
	WH_TRY(sort_positions(space, &item, err));
	if (space->frozen) {
		WH_TRY(weigh_new(space, &item, err));
		WH_TRY(index_item(space, &item, err));
	}
	return wh_vec_push(&space->items, item) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

void wh_stack_drop(void *state)
{
	struct wh_stack_space *space = state;
	const struct wh_stack_item *item = &space->items.data[--space->items.n];
	space->generation++;
	struct wh_key keys[WH_STACK_MOST];
	if (space->index) {
		size_t n = wh_stack_keys(space, item, keys);
		wh_candidates_drop(space->index, keys, n);
	}
	wh_arena_rewind(&space->arena, space->before.arena);
	wh_strtab_truncate(&space->tokens, space->before.n_tokens, space->before.strings);
	space->df.n = space->tokens.n;
}

static void count_documents(struct wh_stack_space *space)
{
	for (size_t i = 0; i < space->items.n; i++) {
		const struct wh_stack_item *item = &space->items.data[i];
		space->n_documents += item->n > 0;
		for (uint32_t k = 0; k < item->n; k++) {
			uint32_t token = item->token[item->by_token[k]];
			if (!k || token != item->token[item->by_token[k - 1]])
				space->df.data[token]++;
		}
	}
}

int wh_stack_freeze(void *state, const struct wh_host *host, struct wh_err *err)
{
	struct wh_stack_space *space = state;
	if (!space->loaded)
		count_documents(space);
	for (size_t i = 0; i < space->items.n; i++) {
		WH_TRY(weigh_new(space, &space->items.data[i], err));
		WH_TRY(index_item(space, &space->items.data[i], err));
		if (i % 4096 == 0 && wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	space->frozen = true;
	return WH_OK;
}

/* ---- what measures use ---- */

double wh_stack_frequency(const struct wh_stack_space *space, uint32_t token)
{
	uint32_t df = token < space->df.n ? space->df.data[token] : 0;
	uint32_t n = space->n_documents ? space->n_documents : 1;
	return df > 1 ? (double)df / n : 1.0 / n;
}

double wh_stack_total_weight(const struct wh_stack_space *space, const struct wh_stack_item *item)
{
	(void)space;
	double sum = 0;
	for (uint32_t i = 0; i < item->n; i++)
		sum += item->weight[i];
	return sum;
}

struct rare {
	uint32_t df, token;
	uint16_t position;
};

static int by_rarity(const void *a, const void *b)
{
	const struct rare *x = a, *y = b;
	if (x->df != y->df)
		return x->df < y->df ? -1 : 1;
	if (x->token != y->token)
		return x->token < y->token ? -1 : 1;
	return x->position - y->position;
}

void wh_stack_by_rarity(const struct wh_stack_space *space, const struct wh_stack_item *item, uint16_t *order)
{
	struct rare rare[WH_STACK_MOST];
	for (uint32_t i = 0; i < item->n; i++)
		rare[i] = (struct rare){ space->df.data[item->token[i]], item->token[i], (uint16_t)i };
	qsort(rare, item->n, sizeof *rare, by_rarity);
	for (uint32_t i = 0; i < item->n; i++)
		order[i] = rare[i].position;
}

size_t wh_stack_head(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor,
		     wh_stack_tail_fn *tail_is_low, struct wh_key *keys)
{
	uint16_t order[WH_STACK_MOST];
	bool in_tail[WH_STACK_MOST];
	wh_stack_by_rarity(space, item, order);
	/* the shortest head, by bisection: a smaller tail is low wherever a larger one is */
	size_t lo = 0, hi = item->n;
	while (lo < hi) {
		size_t head = (lo + hi) / 2;
		for (size_t i = 0; i < item->n; i++)
			in_tail[order[i]] = i >= head;
		if (tail_is_low(space, item, floor, in_tail))
			hi = head;
		else
			lo = head + 1;
	}
	size_t n = 0;
	for (size_t i = 0; i < item->n; i++) {
		uint64_t key = item->token[order[i]];
		bool same = n && keys[n - 1].key == key;
		if (i >= lo && !same) /* all places of the last key count, those beyond the border too */
			break;
		if (!same)
			keys[n++] = (struct wh_key){ key, 0 };
		keys[n - 1].weight += item->weight ? item->weight[order[i]] : 1;
	}
	/* A token with places on both sides of the border is a key: where it is shared, it or a rarer one is the rarest shared token. */
	return n;
}
