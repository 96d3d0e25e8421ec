/* SPDX-License-Identifier: Apache-2.0 */
#include "method/rebucket/space.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "method/rebucket/methods.h"

enum { SPACE_LIMIT_GIB = 32, MASKED = UINT32_MAX };

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

struct place {
	uint32_t number;
	uint16_t index; /* of the token */
};

static int by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct place *)a)->number, y = ((const struct place *)b)->number;
	return x < y ? -1 : x > y;
}

/* The k-th place of a token in a stack, k > 1, has the number of a token of its own, which no document holds. */
static void name_repeat(const struct wh_stack_space *space, uint32_t token, uint32_t k, struct wh_str *name)
{
	struct wh_bytes text = wh_strtab_get(&space->tokens, token);
	wh_str_clear(name);
	wh_str_add(name, text.data, text.size);
	wh_str_printf(name, "\n\n%u", k); /* a frame has no line's end, and a pair has one */
}

/* Which of the places of its token that of by_token[i] is, from 1; before: what the one before it was. */
static uint32_t count_place(const struct wh_stack_item *item, uint32_t i, uint32_t before)
{
	return i && item->token[item->by_token[i]] == item->token[item->by_token[i - 1]] ? before + 1 : 1;
}

static int add_repeats(struct wh_stack_space *space, const struct wh_stack_item *item, struct wh_err *err)
{
	struct wh_str name = { 0 };
	int code = WH_OK;
	for (uint32_t i = 0, k = 1, number; code == WH_OK && i < item->n; i++) {
		k = count_place(item, i, k);
		if (k == 1)
			continue;
		name_repeat(space, item->token[item->by_token[i]], k, &name);
		code = wh_str_check(&name, err);
		if (code == WH_OK)
			code = token_of(space, name.data, name.n, &number, err);
	}
	wh_str_release(&name);
	return code;
}

/* The places of an item whose repeats were added, by number. */
static void number_places(const struct wh_stack_space *space, const struct wh_stack_item *item, struct place *places)
{
	struct wh_str name = { 0 };
	bool repeats = false;
	for (uint32_t i = 0, k = 1; i < item->n; i++) {
		uint32_t token = item->token[item->by_token[i]], number = token;
		k = count_place(item, i, k);
		if (k > 1 && token != MASKED) {
			name_repeat(space, token, k, &name);
			number = name.failed ? MASKED : wh_strtab_find(&space->tokens, name.data, name.n);
			repeats = true;
		}
		places[i] = (struct place){ number, item->by_token[i] };
	}
	if (repeats)
		qsort(places, item->n, sizeof *places, by_number);
	wh_str_release(&name);
}

/* Room for what is laid out of n places. */
struct layout {
	uint32_t *number;
	float *weight;
	uint16_t *position;
};

static void lay_out(struct wh_stack_item *item, const struct place *places, struct layout to)
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

static int weigh_new(struct wh_stack_space *space, struct wh_stack_item *item, struct wh_err *err)
{
	struct place places[WH_STACK_MOST];
	if (!space->measure->weight || !item->n) {
		weigh(space, item, NULL);
		return WH_OK;
	}
	/* one piece of memory: a comparison touches a few neighbouring lines of the cache instead of as many as tokens */
	struct layout to = { .number = wh_arena_alloc(&space->arena, item->n * (2 * sizeof(float) + sizeof(uint32_t) + sizeof(uint16_t))) };
	if (!to.number)
		return wh_arena_error(&space->arena, err);
	to.weight = (float *)(to.number + item->n);
	to.position = (uint16_t *)(to.weight + 2 * item->n);
	weigh(space, item, to.weight + item->n);
	WH_TRY(add_repeats(space, item, err));
	number_places(space, item, places);
	lay_out(item, places, to);
	return WH_OK;
}

static size_t keys_of(const struct wh_stack_space *space, const struct wh_stack_item *item, struct wh_key *keys)
{
	return item->n ? space->measure->keys(space, item, space->floor, keys) : 0;
}

static int index_item(struct wh_stack_space *space, struct wh_stack_item *item, struct wh_err *err)
{
	struct wh_key keys[WH_STACK_MOST];
	if (!space->index)
		return WH_OK;
	size_t n = keys_of(space, item, keys);
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
	struct wh_key keys[WH_STACK_MOST];
	if (space->index) {
		size_t n = keys_of(space, item, keys);
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

/* ---- similarity and neighbours ---- */

static double within(double similarity)
{
	return similarity < 0 ? 0 : similarity > 1 ? 1 : similarity;
}

static double compare(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	return a->n && b->n ? within(space->measure->similarity(space, a, b)) : 0;
}

double wh_stack_similarity(const void *state, size_t i, size_t j)
{
	const struct wh_stack_space *space = state;
	return compare(space, &space->items.data[i], &space->items.data[j]);
}

double wh_stack_kinship(const void *state, size_t i, size_t j)
{
	const struct wh_stack_space *space = state;
	const struct wh_stack_item *a = &space->items.data[i], *b = &space->items.data[j];
	return a->n && b->n ? space->measure->kinship(space, a, b) : 0;
}

struct scratch {
	struct wh_candidates_scratch *candidates;
	struct wh_stack_probe probe;
};

static int prepare(struct scratch **scratch, size_t n_numbers)
{
	struct scratch *s = *scratch;
	if (!s && !(s = *scratch = calloc(1, sizeof *s)))
		return 1;
	if (s->probe.n_at < n_numbers) {
		free(s->probe.at); /* all zero between calls */
		s->probe.n_at = n_numbers + n_numbers / 2;
		s->probe.at = calloc(s->probe.n_at, sizeof *s->probe.at);
		if (!s->probe.at)
			s->probe.n_at = 0;
	}
	return !s->probe.at;
}

static void set_probe(struct wh_stack_probe *probe, const struct wh_stack_item *item)
{
	probe->item = item;
	for (uint32_t i = 0; i < item->n; i++) {
		probe->at[item->match[i]] = (uint16_t)(i + 1);
		probe->weight[i + 1] = item->match_weight[i];
		probe->position[i + 1] = item->match_position[i];
	}
}

static void clear_probe(struct wh_stack_probe *probe)
{
	for (uint32_t i = 0; i < probe->item->n; i++)
		probe->at[probe->item->match[i]] = 0;
}

/* Candidates lie anywhere in memory: it is told early who comes next. */
static void announce(const struct wh_stack_space *space, const struct wh_candidate *candidates, size_t k, size_t n)
{
	enum { ITEM = 8, PLACES = 4, LINE = 64 };
	if (k + ITEM < n)
		__builtin_prefetch(&space->items.data[candidates[k + ITEM].item]);
	if (k + PLACES < n) {
		const struct wh_stack_item *item = &space->items.data[candidates[k + PLACES].item];
		const char *places = (const char *)item->match;
		__builtin_prefetch(places);
		__builtin_prefetch(places + LINE);
		__builtin_prefetch(item->match_weight);
		__builtin_prefetch(item->match_position);
	}
}

int wh_stack_neighbours(const void *state, size_t i, double floor, size_t below, void **scratch, wh_neighbour_fn *found,
			void *user, struct wh_err *err)
{
	const struct wh_stack_space *space = state;
	const struct wh_stack_measure *measure = space->measure;
	const struct wh_stack_item *item = &space->items.data[i];
	struct wh_key keys[WH_STACK_MOST];
	size_t n = below < space->items.n ? below : space->items.n;
	const struct wh_candidate *candidates = NULL;
	bool indexed = space->index && floor > 0 && floor >= space->floor - 1e-6, probed = measure->probe && item->n;
	if (prepare((struct scratch **)scratch, space->tokens.n))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct scratch *s = *scratch;
	if (indexed) {
		size_t n_keys = keys_of(space, item, keys);
		WH_TRY(wh_candidates_query(space->index, keys, n_keys, n, &s->candidates, &candidates, &n, err));
	}
	if (probed)
		set_probe(&s->probe, item);
	int code = WH_OK;
	for (size_t k = 0; code == WH_OK && k < n; k++) {
		size_t j = indexed ? candidates[k].item : k;
		const struct wh_stack_item *other = &space->items.data[j];
		if (indexed)
			announce(space, candidates, k, n);
		if (j == i || (indexed && measure->reach && measure->reach(item, other, candidates[k].shared) < floor))
			continue;
		double similarity = probed && other->n ? within(measure->probe(space, &s->probe, other)) : compare(space, item, other);
		if (similarity >= floor)
			code = found(user, j, similarity);
	}
	if (probed)
		clear_probe(&s->probe);
	return code;
}

void wh_stack_scratch_free(void *scratch)
{
	struct scratch *s = scratch;
	if (!s)
		return;
	wh_candidates_scratch_free(s->candidates);
	free(s->probe.at);
	free(s);
}

/* ---- explanation: the two stacks side by side ---- */

/* The similarity if frame y of b matched nothing: it and its pairs are replaced by tokens that nobody has, their weight is kept. */
static double without(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b, uint32_t y)
{
	uint32_t token[WH_STACK_MOST];
	uint16_t order[WH_STACK_MOST];
	struct place places[WH_STACK_MOST];
	uint32_t number[WH_STACK_MOST];
	float weight[WH_STACK_MOST];
	uint16_t position[WH_STACK_MOST];
	struct wh_stack_item masked = *b;
	size_t kept = 0;
	memcpy(token, b->token, b->n * sizeof *token);
	token[y] = MASKED;
	if (b->n > b->n_frames && y > 0)
		token[b->n_frames + y - 1] = MASKED;
	if (b->n > b->n_frames && y + 1 < b->n_frames)
		token[b->n_frames + y] = MASKED;
	for (uint32_t i = 0; i < b->n; i++)
		if (token[b->by_token[i]] != MASKED)
			order[kept++] = b->by_token[i];
	for (uint32_t i = 0; i < b->n; i++) /* MASKED sorts last */
		if (token[i] == MASKED)
			order[kept++] = (uint16_t)i;
	masked.token = token;
	masked.by_token = order;
	if (b->weight) {
		number_places(space, &masked, places);
		lay_out(&masked, places, (struct layout){ number, weight, position });
	}
	return compare(space, a, &masked);
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
	double whole = compare(space, a, b);
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
