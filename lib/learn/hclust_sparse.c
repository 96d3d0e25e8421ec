/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/disjoint.h"
#include "base/thread.h"
#include "learn/hclust_links.h"

/*
 * Each connected component runs its own nearest-neighbour chain over links between clusters: sorted arrays, both ends of a link
 * holding it. Whatever the linkage, no merge brings a cluster nearer to others than the nearer of its two parts was, so a cluster
 * without a link that may merge is final.
 *
 * A value is a surplus: similarity less `least`, the similarity at the cut.
 *
 *   complete  value: the least surplus. A link survives a merge only if both parts had it: two parts not linked have a pair
 *             beyond the cut. So links only die, and all merges together cost no more than there are edges.
 *   single    value: the greatest surplus; links are joined.
 *   average   value: the weighted sum of the surpluses of all pairs of points: the clusters may merge while it is not negative. An
 *             unlisted pair has a negative share, so leaving it out gives an upper bound; where a bound is not negative, the rest
 *             is computed, pair by pair, until it is. Hence the invariant that a link is EXACT or negative. Links are never
 *             dropped: what is negative may count in a later merge.
 */
enum { AT_ONCE = 32 };

/* A component at work. */
struct work {
	const struct sparse *sparse;
	unsigned worker;
	struct cluster *clusters;
	struct link *merged; /* scratch */
	size_t cap;
};

static bool may_merge(const struct link *link)
{
	return link->state == EXACT && link->value >= 0;
}

/* First link to a slot >= to. */
static struct link *find(const struct cluster *cluster, uint32_t to)
{
	size_t lo = 0, hi = cluster->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (cluster->links[mid].to < to)
			lo = mid + 1;
		else
			hi = mid;
	}
	return cluster->links + lo;
}

static struct link *find_exactly(const struct cluster *cluster, uint32_t to)
{
	struct link *link = find(cluster, to);
	return link < cluster->links + cluster->n && link->to == to ? link : NULL;
}

static void drop_dead(const struct work *work, struct cluster *cluster)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < cluster->n; i++)
		if (cluster->links[i].state != DEAD && !work->clusters[cluster->links[i].to].gone)
			cluster->links[n++] = cluster->links[i];
	cluster->n = n;
}

/* Adds the shares of point i and n others. */
static int add_shares(const struct work *work, uint32_t i, const uint32_t *others, size_t n, double *surplus, struct wh_err *err)
{
	const struct sparse *sparse = work->sparse;
	double similarity[AT_ONCE], sum = 0;
	WH_TRY(sparse->input->similarities(sparse->input->user, work->worker, i, others, n, similarity, err));
	for (size_t k = 0; k < n; k++)
		sum += wh_weight_of(sparse, others[k]) * (similarity[k] - sparse->least);
	*surplus += wh_weight_of(sparse, i) * sum;
	return WH_OK;
}

/* Adds the shares of the pairs of two clusters to *surplus; with stop, only until it is negative. *all: whether all were added. */
static int add_pairs(const struct work *work, uint32_t a, uint32_t b, bool stop, double *surplus, bool *all, struct wh_err *err)
{
	const struct sparse *sparse = work->sparse;
	bool a_is_small = work->clusters[a].size <= work->clusters[b].size;
	uint32_t few = a_is_small ? a : b, many = a_is_small ? b : a;
	for (uint32_t i = few;; i = sparse->next[i]) {
		uint32_t others[AT_ONCE], j = many;
		for (bool last = false; !last;) {
			size_t n = 0;
			while (n < AT_ONCE && !last) {
				others[n++] = j;
				last = j == work->clusters[many].last;
				j = last ? j : sparse->next[j];
			}
			*all = !stop || *surplus >= 0;
			if (!*all)
				return WH_OK;
			WH_TRY(add_shares(work, i, others, n, surplus, err));
		}
		if (i == work->clusters[few].last)
			return WH_OK;
	}
}

/* The average link of c to the union of a and b, from what each had (NULL: no listed pair). */
static int average_link(const struct work *work, uint32_t a, const struct link *ac, uint32_t b, const struct link *bc, uint32_t c,
			struct link *link, struct wh_err *err)
{
	const struct {
		uint32_t slot;
		const struct link *link;
	} parts[] = { { a, ac }, { b, bc } };
	double surplus = (ac ? ac->value : 0) + (bc ? bc->value : 0);
	bool exact = true, all;
	for (int i = 0; i < 2; i++) {
		if (parts[i].link && parts[i].link->state == EXACT)
			continue;
		if (surplus < 0) {
			exact = false;
		} else if (!parts[i].link) {
			WH_TRY(add_pairs(work, parts[i].slot, c, true, &surplus, &all, err));
			exact &= all;
		} else {
			/* a bound that was left when it fell below zero; listed pairs among these may be above `least` */
			double whole = 0;
			WH_TRY(add_pairs(work, parts[i].slot, c, false, &whole, &all, err));
			surplus += whole - parts[i].link->value;
		}
	}
	*link = (struct link){ c, exact ? EXACT : BOUND, (float)surplus };
	return WH_OK;
}

/* The link of c to the union of a and b; DEAD: none. */
static int union_link(const struct work *work, uint32_t a, const struct link *ac, uint32_t b, const struct link *bc, uint32_t c,
		      struct link *link, struct wh_err *err)
{
	if ((ac && ac->state == FORBIDDEN) || (bc && bc->state == FORBIDDEN)) {
		*link = (struct link){ c, FORBIDDEN, -INFINITY };
		return WH_OK;
	}
	switch (work->sparse->input->linkage) {
	case WH_LINKAGE_AVERAGE:
		return average_link(work, a, ac, b, bc, c, link, err);
	case WH_LINKAGE_SINGLE:
		*link = !ac || !bc ? (ac ? *ac : *bc) : (struct link){ c, EXACT, ac->value > bc->value ? ac->value : bc->value };
		return WH_OK;
	case WH_LINKAGE_COMPLETE:
	default:
		*link = !ac || !bc ? (struct link){ c, DEAD, 0 } : (struct link){ c, EXACT, ac->value < bc->value ? ac->value : bc->value };
		return WH_OK;
	}
}

/* Tells c what its link to the survivor is now. Its link to `gone`, if any, is dropped when next met, or becomes that link. */
static void relink(struct cluster *c, uint32_t keep, uint32_t gone, const struct link *link)
{
	struct link *known = find_exactly(c, keep);
	if (known) {
		known->state = link->state;
		known->value = link->value;
		return;
	}
	if (link->state == DEAD)
		return;
	struct link *from = find(c, gone), *to = find(c, keep);
	if (to > from) {
		to--;
		memmove(from, from + 1, (size_t)(to - from) * sizeof *from);
	} else {
		memmove(to + 1, to, (size_t)(from - to) * sizeof *to);
	}
	*to = (struct link){ keep, link->state, link->value };
}

static int reserve_scratch(struct work *work, size_t least, struct wh_err *err)
{
	if (least <= work->cap)
		return WH_OK;
	free(work->merged);
	work->cap = 2 * least;
	work->merged = malloc(work->cap * sizeof *work->merged);
	if (!work->merged)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

/* Gives the survivor its n new links from the scratch: in its own memory, else in that of the one that is gone, else in new. */
static int store_links(const struct work *work, struct cluster *keep, struct cluster *gone, size_t n, struct wh_err *err)
{
	if (n > keep->cap && n > gone->cap) {
		struct link *links = malloc(n * sizeof *links);
		if (!links)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (keep->owned)
			free(keep->links);
		keep->links = links;
		keep->cap = n;
		keep->owned = true;
	} else if (n > keep->cap) {
		struct cluster swapped = *keep;
		keep->links = gone->links;
		keep->cap = gone->cap;
		keep->owned = gone->owned;
		gone->links = swapped.links;
		gone->owned = swapped.owned;
	}
	if (n)
		memcpy(keep->links, work->merged, n * sizeof *keep->links);
	keep->n = n;
	if (gone->owned)
		free(gone->links);
	gone->links = NULL;
	gone->owned = false;
	gone->n = gone->cap = 0;
	return WH_OK;
}

static int merge(struct work *work, uint32_t a, uint32_t b, struct wh_err *err)
{
	struct cluster *clusters = work->clusters;
	bool a_stays = clusters[a].n != clusters[b].n ? clusters[a].n > clusters[b].n : clusters[a].first < clusters[b].first;
	uint32_t stays = a_stays ? a : b, goes = a_stays ? b : a;
	struct cluster *keep = &clusters[stays], *gone = &clusters[goes];
	drop_dead(work, keep);
	drop_dead(work, gone);
	WH_TRY(reserve_scratch(work, keep->n + gone->n, err));
	size_t n = 0;
	for (size_t i = 0, j = 0; i < keep->n || j < gone->n;) {
		const struct link *kept = i < keep->n ? &keep->links[i] : NULL, *lost = j < gone->n ? &gone->links[j] : NULL;
		if (kept && lost && kept->to != lost->to) {
			if (kept->to < lost->to)
				lost = NULL;
			else
				kept = NULL;
		}
		i += kept != NULL;
		j += lost != NULL;
		uint32_t c = kept ? kept->to : lost->to;
		if (c == stays || c == goes)
			continue;
		struct link link;
		WH_TRY(union_link(work, stays, kept, goes, lost, c, &link, err));
		relink(&clusters[c], stays, goes, &link);
		if (link.state != DEAD)
			work->merged[n++] = link;
	}
	gone->gone = true;
	keep->weight += gone->weight;
	keep->size += gone->size;
	if (gone->first < keep->first)
		keep->first = gone->first;
	work->sparse->next[keep->last] = goes;
	keep->last = gone->last;
	return store_links(work, keep, gone, n, err);
}

/* The most similar cluster that x may merge with, or UINT32_MAX. Ties: `before`, else the one with the smallest point. */
static uint32_t nearest(const struct work *work, uint32_t x, uint32_t before)
{
	struct cluster *clusters = work->clusters;
	bool average = work->sparse->input->linkage == WH_LINKAGE_AVERAGE;
	uint32_t best = UINT32_MAX;
	double most = -INFINITY;
	drop_dead(work, &clusters[x]);
	for (size_t i = 0; i < clusters[x].n; i++) {
		const struct link *link = &clusters[x].links[i];
		if (!may_merge(link))
			continue;
		double value = average ? link->value / (clusters[x].weight * clusters[link->to].weight) : link->value;
		bool tied = value == most && best != before &&
			    (link->to == before || clusters[link->to].first < clusters[best].first);
		if (value > most || tied) {
			most = value;
			best = link->to;
		}
	}
	return best;
}

/*
 * Merges from `start` until no cluster of its chain has anything left to merge with. Rounding of averages can raise a value by the
 * last bit after a merge, so the chain may hold what is gone, or hold something twice: the tail is dropped then. A chain is only a
 * way to find pairs that are nearest to each other; to begin it anew costs time, not correctness.
 */
static int run_chain(struct work *work, uint32_t start, uint32_t *chain, size_t cap, struct wh_err *err)
{
	chain[0] = start;
	for (size_t n = 1; n;) {
		uint32_t x = chain[n - 1];
		if (work->clusters[x].gone) {
			n--;
			continue;
		}
		uint32_t before = n > 1 ? chain[n - 2] : UINT32_MAX, y = nearest(work, x, before);
		if (y == UINT32_MAX) {
			n--;
		} else if (y == before) {
			if (wh_host_cancelled(work->sparse->host))
				return wh_err_set(err, WH_E_CANCELLED, "interrupted");
			n -= 2;
			WH_TRY(merge(work, x, y, err));
		} else {
			if (n == cap)
				n = 0;
			chain[n++] = y;
		}
	}
	return WH_OK;
}

static int run_component(struct work *work, const struct component *component, struct wh_err *err)
{
	const struct sparse *sparse = work->sparse;
	const uint32_t *points = sparse->points + component->begin;
	uint32_t *chain = sparse->chain + component->begin;
	for (uint32_t i = 0; i < component->n; i++) {
		uint32_t smallest = sparse->forced[points[i]], *holder = &sparse->forced[smallest];
		if (smallest == points[i])
			continue;
		WH_TRY(merge(work, *holder, points[i], err));
		if (work->clusters[*holder].gone)
			*holder = points[i];
	}
	for (uint32_t i = 0; i < component->n; i++)
		while (!work->clusters[points[i]].gone && nearest(work, points[i], UINT32_MAX) != UINT32_MAX)
			WH_TRY(run_chain(work, points[i], chain, component->n, err));
	return WH_OK;
}

static int run_components(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct sparse *sparse = user;
	struct work work = { .sparse = sparse, .worker = worker, .clusters = sparse->clusters };
	int code = WH_OK;
	for (size_t i = first; code == WH_OK && i < last; i++)
		code = run_component(&work, &sparse->components[i], err);
	free(work.merged);
	return code;
}

static int check(const struct wh_hclust_sparse *input, struct wh_err *err)
{
	if (input->n > WH_LINKED_MOST)
		return wh_err_set(err, WH_E_LIMIT, "%zu points are too many to cluster", input->n);
	if (input->linkage == WH_LINKAGE_WARD)
		return wh_err_set(err, WH_E_USAGE, "Ward's linkage needs all pairs");
	if (input->linkage == WH_LINKAGE_AVERAGE && !input->similarities)
		return wh_err_set(err, WH_E_USAGE, "average linkage needs the similarity of any two points");
	for (size_t b = 0; b < input->n; b++)
		for (size_t k = 0; k < input->rows[b].n; k++)
			if (input->rows[b].near[k].point >= b)
				return wh_err_set(err, WH_E_USAGE, "row %zu names point %u", b, input->rows[b].near[k].point);
	for (size_t i = 0; i < input->n_together + input->n_apart; i++) {
		const uint32_t *pair = i < input->n_together ? input->together[i] : input->apart[i - input->n_together];
		if (pair[0] >= input->n || pair[1] >= input->n)
			return wh_err_set(err, WH_E_USAGE, "constraint %zu is between points beyond %zu", i, input->n);
	}
	return WH_OK;
}

static void connect(struct sparse *sparse)
{
	const struct wh_hclust_sparse *input = sparse->input;
	for (size_t i = 0; i < input->n; i++)
		sparse->parent[i] = sparse->forced[i] = (uint32_t)i;
	for (uint32_t b = 0; b < input->n; b++)
		for (size_t k = 0; k < input->rows[b].n; k++)
			if (wh_is_listed(sparse, &input->rows[b].near[k]))
				wh_disjoint_unite(sparse->parent, b, input->rows[b].near[k].point);
	for (size_t i = 0; i < input->n_together; i++) {
		wh_disjoint_unite(sparse->parent, input->together[i][0], input->together[i][1]);
		wh_disjoint_unite(sparse->forced, input->together[i][0], input->together[i][1]);
	}
	for (size_t i = 0; i < input->n; i++) {
		sparse->parent[i] = sparse->parent[sparse->parent[i]]; /* the parent is done: it is smaller */
		sparse->forced[i] = sparse->forced[sparse->forced[i]];
	}
}

static int by_size(const void *left, const void *right)
{
	const struct component *a = left, *b = right;
	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return a->begin < b->begin ? -1 : a->begin > b->begin;
}

/* Lists the components of two points and more, the largest first, so that no thread is left with it at the end. */
static int list_components(struct sparse *sparse, struct wh_err *err)
{
	size_t n = sparse->input->n, n_components = 0;
	uint32_t *size = sparse->chain, *place = sparse->next; /* neither is in use yet */
	memset(size, 0, n * sizeof *size);
	for (size_t i = 0; i < n; i++)
		n_components += ++size[sparse->parent[i]] == 2;
	sparse->components = calloc(n_components + 1, sizeof *sparse->components);
	if (!sparse->components)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	uint32_t at = 0;
	for (size_t i = 0; i < n; i++) {
		if (sparse->parent[i] == i && size[i] > 1) {
			sparse->components[sparse->n_components++] = (struct component){ at, size[i] };
			place[i] = at;
			at += size[i];
		}
		if (size[sparse->parent[i]] > 1)
			sparse->points[place[sparse->parent[i]]++] = (uint32_t)i;
	}
	qsort(sparse->components, sparse->n_components, sizeof *sparse->components, by_size);
	return WH_OK;
}

static int run(struct sparse *sparse, uint32_t *group, struct wh_err *err)
{
	const struct wh_hclust_sparse *input = sparse->input;
	connect(sparse);
	memcpy(group, sparse->parent, input->n * sizeof *group);
	if (input->linkage == WH_LINKAGE_SINGLE && !input->n_apart)
		return WH_OK; /* the components are the clusters */
	WH_TRY(list_components(sparse, err));
	WH_TRY(wh_link_points(sparse, err));
	WH_TRY(wh_parallel(sparse->host, "clustering", sparse->n_components, 1, run_components, sparse, err));
	for (uint32_t i = 0; i < input->n; i++) {
		const struct cluster *cluster = &sparse->clusters[i];
		if (cluster->gone)
			continue;
		for (uint32_t point = i;; point = sparse->next[point]) {
			group[point] = cluster->first;
			if (point == cluster->last)
				break;
		}
	}
	return WH_OK;
}

int wh_hclust_sparse(const struct wh_hclust_sparse *input, const struct wh_host *host, uint32_t *group, size_t *n_groups,
		     struct wh_err *err)
{
	*n_groups = 0;
	WH_TRY(check(input, err));
	size_t n = input->n;
	struct sparse sparse = { .input = input, .host = host, .least = 1 - (input->d + WH_CUT_SLACK) };
	sparse.parent = calloc(n + 1, sizeof *sparse.parent);
	sparse.points = calloc(n + 1, sizeof *sparse.points);
	sparse.forced = calloc(n + 1, sizeof *sparse.forced);
	sparse.chain = calloc(n + 1, sizeof *sparse.chain);
	sparse.next = calloc(n + 1, sizeof *sparse.next);
	sparse.clusters = calloc(n + 1, sizeof *sparse.clusters);
	int code;
	if (!sparse.parent || !sparse.points || !sparse.forced || !sparse.chain || !sparse.next || !sparse.clusters)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	else
		code = run(&sparse, group, err);
	if (code == WH_OK)
		*n_groups = wh_groups_number(n, group);
	for (size_t i = 0; sparse.clusters && i < n; i++)
		if (sparse.clusters[i].owned)
			free(sparse.clusters[i].links);
	free(sparse.clusters);
	free(sparse.links);
	free(sparse.components);
	free(sparse.parent);
	free(sparse.points);
	free(sparse.forced);
	free(sparse.chain);
	free(sparse.next);
	return code;
}
