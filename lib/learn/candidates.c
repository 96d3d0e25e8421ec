/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"

struct posting {
	uint32_t item;
	float weight;
};

struct postings WH_VEC(struct posting);

struct wh_candidates {
	struct wh_map lists; /* key -> index into postings */
	struct WH_VEC(struct postings) postings;
	size_t n;
};

struct wh_candidates_scratch {
	struct mark {
		uint32_t query; /* the last query that met the item */
		uint32_t at;    /* where in found */
	} *seen; /* per item */
	size_t n_seen;
	uint32_t query;
	struct WH_VEC(struct wh_candidate) found;
};

struct wh_candidates *wh_candidates_new(void)
{
	return calloc(1, sizeof(struct wh_candidates));
}

void wh_candidates_free(struct wh_candidates *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->postings.n; i++)
		free(index->postings.data[i].data);
	free(index->postings.data);
	wh_map_release(&index->lists);
	free(index);
}

int wh_candidates_add(struct wh_candidates *index, const struct wh_key *keys, size_t n, struct wh_err *err)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t *list = wh_map_put(&index->lists, keys[i].key, index->postings.n);
		if (!list || (*list == index->postings.n && wh_vec_push(&index->postings, (struct postings){ 0 })))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (wh_vec_push(&index->postings.data[*list], (struct posting){ (uint32_t)index->n, keys[i].weight }))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	index->n++;
	return WH_OK;
}

void wh_candidates_drop(struct wh_candidates *index, const struct wh_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t list = *wh_map_get(&index->lists, keys[i].key);
		struct postings *posted = &index->postings.data[list];
		posted->n--;
		if (!posted->n && list == index->postings.n - 1) {
			free(posted->data);
			index->postings.n--;
			wh_map_remove(&index->lists, keys[i].key);
		}
	}
	index->n--;
}

static int prepare(struct wh_candidates_scratch **scratch, size_t n)
{
	struct wh_candidates_scratch *s = *scratch;
	if (!s && !(s = *scratch = calloc(1, sizeof *s)))
		return 1;
	if (s->n_seen < n) {
		size_t more = n + n / 2 + 64;
		struct mark *seen = realloc(s->seen, more * sizeof *seen);
		if (!seen)
			return 1;
		memset(seen + s->n_seen, 0, (more - s->n_seen) * sizeof *seen);
		s->seen = seen;
		s->n_seen = more;
	}
	if (!++s->query) { /* wrapped: forget the old marks */
		memset(s->seen, 0, s->n_seen * sizeof *s->seen);
		s->query = 1;
	}
	s->found.n = 0;
	return 0;
}

int wh_candidates_query(const struct wh_candidates *index, const struct wh_key *keys, size_t n, size_t below,
			struct wh_candidates_scratch **scratch, const struct wh_candidate **found, size_t *n_found, struct wh_err *err)
{
	if (prepare(scratch, index->n))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct wh_candidates_scratch *s = *scratch;
	for (size_t i = 0; i < n; i++) {
		const uint64_t *list = wh_map_get(&index->lists, keys[i].key);
		if (!list)
			continue;
		const struct postings *posted = &index->postings.data[*list];
		if (wh_vec_reserve(&s->found, s->found.n + posted->n))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		for (size_t k = 0; k < posted->n && posted->data[k].item < below; k++) {
			const struct posting *p = &posted->data[k];
			struct mark *mark = &s->seen[p->item];
			float weight = p->weight < keys[i].weight ? p->weight : keys[i].weight;
			if (mark->query == s->query) {
				s->found.data[mark->at].shared += weight;
				continue;
			}
			*mark = (struct mark){ s->query, (uint32_t)s->found.n };
			s->found.data[s->found.n++] = (struct wh_candidate){ p->item, weight };
		}
	}
	*found = s->found.data;
	*n_found = s->found.n;
	return WH_OK;
}

void wh_candidates_scratch_free(struct wh_candidates_scratch *scratch)
{
	if (!scratch)
		return;
	free(scratch->seen);
	free(scratch->found.data);
	free(scratch);
}
