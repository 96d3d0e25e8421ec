/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/thread.h"
#include "base/vec.h"
#include "learn/quality.h"

enum { MOST_PAIRS = 12500000, GRAIN = 16 };

struct values WH_VEC(float);

/* What a thread keeps: best[class] is the most similar earlier member, NAN where none was met yet. */
struct searcher {
	double *best;            /* n */
	uint32_t *met;           /* n: classes met */
	struct values same, other;
};

struct ranking {
	const uint32_t *truth, *order;
	double (*similarity)(void *user, size_t i, size_t j);
	void *user;
	struct searcher *searchers;
	uint32_t *rank;          /* n: by place in the order, 0: no query */
	uint64_t keep_same, keep_other; /* pairs whose hash is no more than that are kept for the area */
};

static int search_one(struct ranking *ranking, struct searcher *searcher, size_t place)
{
	uint32_t point = ranking->order[place], class = ranking->truth[point];
	size_t n_met = 0;
	for (size_t i = 0; i < place; i++) {
		uint32_t earlier = ranking->order[i], its = ranking->truth[earlier];
		double s = ranking->similarity(ranking->user, point, earlier);
		bool same = its == class;
		if (isnan(s))
			s = -INFINITY;
		if (wh_hash_u64(((uint64_t)place << 32 | i) + 1) <= (same ? ranking->keep_same : ranking->keep_other))
			if (same ? wh_vec_push(&searcher->same, (float)s) : wh_vec_push(&searcher->other, (float)s))
				return WH_E_NOMEM;
		if (isnan(searcher->best[its]))
			searcher->met[n_met++] = its;
		if (!(searcher->best[its] >= s))
			searcher->best[its] = s;
	}
	if (!isnan(searcher->best[class])) {
		uint32_t rank = 0; /* the own class is as similar as itself */
		for (size_t i = 0; i < n_met; i++)
			rank += searcher->best[searcher->met[i]] >= searcher->best[class];
		ranking->rank[place] = rank;
	}
	for (size_t i = 0; i < n_met; i++)
		searcher->best[searcher->met[i]] = NAN;
	return WH_OK;
}

static int search_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct ranking *ranking = user;
	for (size_t place = first; place < last; place++)
		if (search_one(ranking, &ranking->searchers[worker], place) != WH_OK)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

/* Integers in the order of the floats they are made of. */
static uint32_t key_of(float value)
{
	uint32_t bits;
	value += 0.0f; /* -0 is 0 */
	memcpy(&bits, &value, sizeof bits);
	return bits & UINT32_C(1) << 31 ? ~bits : bits | UINT32_C(1) << 31;
}

/* Radix sort, three times 11 bits: a comparison sort of 25 million takes longer than the search. */
static uint32_t *sort_keys(const struct values *values)
{
	uint32_t *keys = malloc((values->n + 1) * sizeof *keys), *other = malloc((values->n + 1) * sizeof *other);
	if (!keys || !other) {
		free(keys);
		free(other);
		return NULL;
	}
	for (size_t i = 0; i < values->n; i++)
		keys[i] = key_of(values->data[i]);
	for (unsigned shift = 0; shift < 32; shift += 11) {
		size_t start[2049] = { 0 };
		for (size_t i = 0; i < values->n; i++)
			start[(keys[i] >> shift & 2047) + 1]++;
		for (size_t b = 0; b < 2048; b++)
			start[b + 1] += start[b];
		for (size_t i = 0; i < values->n; i++)
			other[start[keys[i] >> shift & 2047]++] = keys[i];
		uint32_t *t = keys;
		keys = other;
		other = t;
	}
	free(other);
	return keys;
}

/* How often a pair of one class is more similar than one of two, equal counting half: Mann and Whitney's U. */
static int area(const struct values *same, const struct values *other, double *auc)
{
	*auc = NAN;
	if (!same->n || !other->n)
		return WH_OK;
	uint32_t *a = sort_keys(same), *b = a ? sort_keys(other) : NULL;
	if (b) {
		double wins = 0;
		for (size_t i = 0, less = 0, not_more = 0; i < same->n; i++) {
			while (less < other->n && b[less] < a[i])
				less++;
			while (not_more < other->n && b[not_more] <= a[i])
				not_more++;
			wins += ((double)less + (double)not_more) / 2;
		}
		*auc = wins / ((double)same->n * (double)other->n);
	}
	int code = b ? WH_OK : WH_E_NOMEM;
	free(a);
	free(b);
	return code;
}

static int join(struct searcher *into, struct searcher *from)
{
	struct values *pairs[2][2] = { { &into->same, &from->same }, { &into->other, &from->other } };
	for (int i = 0; i < 2; i++) {
		struct values *to = pairs[i][0], *more = pairs[i][1];
		if (!more->n)
			continue;
		if (wh_vec_reserve(to, to->n + more->n))
			return WH_E_NOMEM;
		memcpy(to->data + to->n, more->data, more->n * sizeof *more->data);
		to->n += more->n;
		wh_vec_release(more);
	}
	return WH_OK;
}

static void summarise(const struct ranking *ranking, size_t n, struct wh_ranking *result)
{
	double first = 0, fifth = 0, inverse = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t rank = ranking->rank[i];
		if (!rank)
			continue;
		result->queries++;
		first += rank <= 1;
		fifth += rank <= 5;
		inverse += 1.0 / rank;
	}
	double queries = (double)result->queries;
	result->rr1 = queries > 0 ? first / queries : NAN;
	result->rr5 = queries > 0 ? fifth / queries : NAN;
	result->map = queries > 0 ? inverse / queries : NAN;
}

static uint64_t keep(double pairs)
{
	return pairs <= MOST_PAIRS ? UINT64_MAX : (uint64_t)(MOST_PAIRS / pairs * 0x1p64);
}

/* Also checks that every number is in range. count[n]: zeroed. */
static int plan(struct ranking *ranking, size_t n, uint32_t *count, struct wh_err *err)
{
	double same = 0;
	for (size_t i = 0; i < n; i++) {
		if (ranking->truth[i] >= n || ranking->order[i] >= n)
			return wh_err_set(err, WH_E_USAGE, "point %zu: class and place must be below %zu", i, n);
		same += count[ranking->truth[i]]++;
	}
	ranking->keep_same = keep(same);
	ranking->keep_other = keep((double)n * ((double)n - 1) / 2 - same);
	return WH_OK;
}

static int run(struct ranking *ranking, size_t n, unsigned threads, const struct wh_host *host, struct wh_ranking *result,
	       struct wh_err *err)
{
	ranking->rank = calloc(n + 1, sizeof *ranking->rank);
	ranking->searchers = calloc(threads, sizeof *ranking->searchers);
	if (!ranking->rank || !ranking->searchers)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(plan(ranking, n, ranking->rank, err));
	memset(ranking->rank, 0, n * sizeof *ranking->rank);
	for (unsigned t = 0; t < threads; t++) {
		struct searcher *searcher = &ranking->searchers[t];
		searcher->best = malloc((n + 1) * sizeof *searcher->best);
		searcher->met = malloc((n + 1) * sizeof *searcher->met);
		if (!searcher->best || !searcher->met)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		for (size_t i = 0; i < n; i++)
			searcher->best[i] = NAN;
	}
	WH_TRY(wh_parallel(host, "ranking", n, GRAIN, search_some, ranking, err));
	summarise(ranking, n, result);
	int code = WH_OK;
	for (unsigned t = 1; code == WH_OK && t < threads; t++)
		code = join(&ranking->searchers[0], &ranking->searchers[t]);
	if (code == WH_OK)
		code = area(&ranking->searchers[0].same, &ranking->searchers[0].other, &result->pair_auc);
	return code == WH_OK ? WH_OK : wh_err_set(err, code, "out of memory");
}

int wh_ranking(size_t n, const uint32_t *truth, const uint32_t *order, double (*similarity)(void *user, size_t i, size_t j),
	       void *user, const struct wh_host *host, struct wh_ranking *result, struct wh_err *err)
{
	*result = (struct wh_ranking){ NAN, NAN, NAN, NAN, 0 };
	if (n >= UINT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "%zu points are too many to rank", n);
	unsigned threads = wh_host_threads(host);
	if (threads > n / GRAIN + 1)
		threads = (unsigned)(n / GRAIN + 1); /* there is no work for more */
	struct ranking ranking = { .truth = truth, .order = order, .similarity = similarity, .user = user };
	int code = run(&ranking, n, threads, host, result, err);
	for (unsigned t = 0; ranking.searchers && t < threads; t++) {
		free(ranking.searchers[t].best);
		free(ranking.searchers[t].met);
		wh_vec_release(&ranking.searchers[t].same);
		wh_vec_release(&ranking.searchers[t].other);
	}
	free(ranking.searchers);
	free(ranking.rank);
	return code;
}
