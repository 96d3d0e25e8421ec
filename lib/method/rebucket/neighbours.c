/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing stacks: two, one with many, one with all that the index knows. */
#include <stdlib.h>

#include "method/rebucket/space.h"

enum { EARLY = 8, LATE = 4, LINE = 64 };

static double within(double similarity)
{
	return similarity < 0 ? 0 : similarity > 1 ? 1 : similarity;
}

double wh_stack_compare(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	return a->n && b->n ? within(space->measure->similarity(space, a, b)) : 0;
}

double wh_stack_similarity(const void *state, size_t i, size_t j)
{
	const struct wh_stack_space *space = state;
	return wh_stack_compare(space, &space->items.data[i], &space->items.data[j]);
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

static void lay_out_probe(const struct wh_stack_space *space, size_t number, struct wh_stack_probe *probe)
{
	const struct wh_stack_item *item = &space->items.data[number];
	if (probe->generation == space->generation && probe->number == number && probe->n == item->n)
		return;
	for (uint32_t i = 0; i < probe->n; i++)
		probe->at[probe->match[i]] = 0;
	probe->generation = space->generation;
	probe->number = number;
	probe->norm = item->norm;
	probe->n = item->n;
	for (uint32_t i = 0; i < item->n; i++) {
		probe->at[probe->match[i] = item->match[i]] = (uint16_t)(i + 1);
		probe->weight[i + 1] = item->match_weight[i];
		probe->position[i + 1] = item->match_position[i];
	}
}

static int prepare(struct scratch **scratch, size_t n_numbers)
{
	struct scratch *s = *scratch;
	if (!s && !(s = *scratch = calloc(1, sizeof *s)))
		return 1;
	if (s->probe.n_at >= n_numbers && s->probe.at)
		return 0;
	free(s->probe.at);
	s->probe.n = 0;
	s->probe.n_at = n_numbers + n_numbers / 2 + 1;
	s->probe.at = calloc(s->probe.n_at, sizeof *s->probe.at);
	return !s->probe.at;
}

/* Stacks lie anywhere in memory: it is told early who comes next, and a little later where its places are. */
static void announce(const struct wh_stack_space *space, size_t number)
{
	__builtin_prefetch(&space->items.data[number]);
}

static void announce_places(const struct wh_stack_space *space, size_t number)
{
	const struct wh_stack_item *item = &space->items.data[number];
	__builtin_prefetch(item->match);
	__builtin_prefetch((const char *)item->match + LINE);
	__builtin_prefetch(item->match_weight);
	__builtin_prefetch(item->match_position);
}

int wh_stack_similarities(const void *state, size_t i, const uint32_t *others, size_t n, void **scratch, double *similarity,
			  struct wh_err *err)
{
	const struct wh_stack_space *space = state;
	const struct wh_stack_item *item = &space->items.data[i];
	bool probed = space->measure->probe && item->n;
	if (prepare((struct scratch **)scratch, space->tokens.n))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct wh_stack_probe *probe = &((struct scratch *)*scratch)->probe;
	if (probed)
		lay_out_probe(space, i, probe);
	for (size_t k = 0; k < n; k++) {
		const struct wh_stack_item *other = &space->items.data[others[k]];
		if (k + EARLY < n)
			announce(space, others[k + EARLY]);
		if (k + LATE < n)
			announce_places(space, others[k + LATE]);
		similarity[k] = probed && other->n ? within(space->measure->probe(space, probe, other)) : wh_stack_compare(space, item, other);
	}
	return WH_OK;
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
		size_t n_keys = wh_stack_keys(space, item, keys);
		WH_TRY(wh_candidates_query(space->index, keys, n_keys, n, &s->candidates, &candidates, &n, err));
	}
	if (probed)
		lay_out_probe(space, i, &s->probe);
	int code = WH_OK;
	for (size_t k = 0; code == WH_OK && k < n; k++) {
		size_t j = indexed ? candidates[k].item : k;
		const struct wh_stack_item *other = &space->items.data[j];
		if (indexed && k + EARLY < n)
			announce(space, candidates[k + EARLY].item);
		if (indexed && k + LATE < n)
			announce_places(space, candidates[k + LATE].item);
		if (j == i || (indexed && measure->reach && measure->reach(item, other, candidates[k].shared) < floor))
			continue;
		double similarity = probed && other->n ? within(measure->probe(space, &s->probe, other)) : wh_stack_compare(space, item, other);
		if (similarity >= floor && (code = found(user, j, similarity)) == WH_E_NOMEM)
			wh_err_set(err, code, "out of memory");
	}
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
