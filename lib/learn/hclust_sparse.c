/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/thread.h"
#include "learn/hclust.h"

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
enum { HUGE_PAGE = 2 << 20, MOST_POINTS = 1 << 30, MOST_SHARES = 8 };

enum state { DEAD, BOUND, EXACT, FORBIDDEN };

/* Hundreds of links a point: eight bytes each. A float keeps a sum of surpluses as well as the similarities it is made of. */
struct link {
	uint32_t to : 30, state : 2;
	float value;
};

/* Slots are points; which slot of the two survives a merge is a matter of speed, so ties go by `first`, the smallest point. */
struct cluster {
	struct link *links; /* by `to`; those to slots that died are dropped when met */
	uint32_t n, cap;
	double weight;
	uint32_t first;
	uint32_t last; /* of the list of its points that begins with the slot itself */
	bool owned;    /* links were allocated for this cluster; else they lie in the component's block */
	bool gone;
};

struct component {
	uint32_t begin, n; /* in points */
};

struct sparse {
	const struct wh_hclust_sparse *input;
	const struct wh_host *host;
	double least;      /* similarity at the cut */
	uint32_t *parent;  /* n: forest of components; roots are their smallest points */
	uint32_t *points;  /* n: by component, ascending inside */
	uint32_t *forced;  /* n: the smallest point of each point's `together` set; for that one the slot that holds the set */
	uint32_t *chain;   /* n: a component uses the part that its points have in `points` */
	uint32_t *next;    /* n: lists of points of clusters */
	struct cluster *clusters; /* n */
	struct component *components;
	size_t n_components;
	struct link *links; /* of single points */
};

/* A component at work. */
struct work {
	const struct sparse *sparse;
	struct cluster *clusters;
	struct link *merged; /* scratch */
	size_t cap;
};

static uint32_t root_of(uint32_t *parent, uint32_t point)
{
	while (parent[point] != point)
		point = parent[point] = parent[parent[point]];
	return point;
}

static void join(uint32_t *parent, uint32_t a, uint32_t b)
{
	a = root_of(parent, a);
	b = root_of(parent, b);
	parent[a > b ? a : b] = a > b ? b : a;
}

static double weight_of(const struct sparse *sparse, uint32_t point)
{
	return sparse->input->weight ? sparse->input->weight[point] : 1;
}

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

/* Adds the shares of the pairs of two clusters to *surplus; with stop, only until it is negative. Whether all were added. */
static bool add_pairs(const struct work *work, uint32_t a, uint32_t b, bool stop, double *surplus)
{
	const struct sparse *sparse = work->sparse;
	for (uint32_t i = a;; i = sparse->next[i]) {
		for (uint32_t j = b;; j = sparse->next[j]) {
			if (stop && *surplus < 0)
				return false;
			double similarity = sparse->input->similarity(sparse->input->user, i < j ? i : j, i < j ? j : i);
			*surplus += weight_of(sparse, i) * weight_of(sparse, j) * (similarity - sparse->least);
			if (j == work->clusters[b].last)
				break;
		}
		if (i == work->clusters[a].last)
			return true;
	}
}

/* The average link of c to the union of a and b, from what each had (NULL: no listed pair). */
static struct link average_link(const struct work *work, uint32_t a, const struct link *ac, uint32_t b, const struct link *bc,
				uint32_t c)
{
	const struct {
		uint32_t slot;
		const struct link *link;
	} parts[] = { { a, ac }, { b, bc } };
	double surplus = (ac ? ac->value : 0) + (bc ? bc->value : 0);
	bool exact = true;
	for (int i = 0; i < 2; i++) {
		if (parts[i].link && parts[i].link->state == EXACT)
			continue;
		if (surplus < 0) {
			exact = false;
		} else if (!parts[i].link) {
			exact &= add_pairs(work, parts[i].slot, c, true, &surplus);
		} else {
			/* a bound that was left when it fell below zero; listed pairs among these may be above `least` */
			double whole = 0;
			(void)add_pairs(work, parts[i].slot, c, false, &whole);
			surplus += whole - parts[i].link->value;
		}
	}
	return (struct link){ c, exact ? EXACT : BOUND, (float)surplus };
}

/* The link of c to the union of a and b; DEAD: none. */
static struct link union_link(const struct work *work, uint32_t a, const struct link *ac, uint32_t b, const struct link *bc,
			      uint32_t c)
{
	if ((ac && ac->state == FORBIDDEN) || (bc && bc->state == FORBIDDEN))
		return (struct link){ c, FORBIDDEN, -INFINITY };
	switch (work->sparse->input->linkage) {
	case WH_LINKAGE_AVERAGE:
		return average_link(work, a, ac, b, bc, c);
	case WH_LINKAGE_SINGLE:
		if (!ac || !bc)
			return ac ? *ac : *bc;
		return (struct link){ c, EXACT, ac->value > bc->value ? ac->value : bc->value };
	case WH_LINKAGE_COMPLETE:
	default:
		if (!ac || !bc)
			return (struct link){ c, DEAD, 0 };
		return (struct link){ c, EXACT, ac->value < bc->value ? ac->value : bc->value };
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
		struct link link = union_link(work, stays, kept, goes, lost, c);
		relink(&clusters[c], stays, goes, &link);
		if (link.state != DEAD)
			work->merged[n++] = link;
	}
	gone->gone = true;
	keep->weight += gone->weight;
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
	struct work work = { .sparse = sparse, .clusters = sparse->clusters };
	int code = WH_OK;
	for (size_t i = first; code == WH_OK && i < last; i++)
		code = run_component(&work, &sparse->components[i], err);
	free(work.merged);
	return code;
}

static bool listed(const struct sparse *sparse, const struct wh_near *near)
{
	return near->similarity - sparse->least >= 0;
}

static int check(const struct wh_hclust_sparse *input, struct wh_err *err)
{
	if (input->n > MOST_POINTS)
		return wh_err_set(err, WH_E_LIMIT, "%zu points are too many to cluster", input->n);
	if (input->linkage == WH_LINKAGE_AVERAGE && !input->similarity)
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
			if (listed(sparse, &input->rows[b].near[k]))
				join(sparse->parent, b, input->rows[b].near[k].point);
	for (size_t i = 0; i < input->n_together; i++) {
		join(sparse->parent, input->together[i][0], input->together[i][1]);
		join(sparse->forced, input->together[i][0], input->together[i][1]);
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

static bool in_one_component(const struct sparse *sparse, const uint32_t pair[2])
{
	return pair[0] != pair[1] && sparse->parent[pair[0]] == sparse->parent[pair[1]];
}

/* Gigabytes, written here and there: in large pages where the system has them, else a sixth of the time goes into clearing small ones. */
static struct link *allocate_links(size_t n)
{
	size_t size = (n + 1) * sizeof(struct link);
	struct link *links = malloc(size);
	uintptr_t first = ((uintptr_t)links + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE, end = (uintptr_t)links + size;
	if (links && first + HUGE_PAGE <= end)
		(void)madvise((void *)first, (end - first) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
	return links;
}

/*
 * A point's links: to the points below it (its row), then to those above, then to what it is held apart from. Two passes of a counting
 * sort: rows taken in order give every point those above it in order; these, taken in order, give every point those below it in
 * order. Each worker reads everything and writes to its own share of the points, so that nothing is locked and nothing depends on
 * who was first.
 */
struct linking {
	struct sparse *sparse;
	uint32_t *below, *above; /* n: how many; then where the next goes */
	uint32_t shares;
};

static uint32_t share_begin(const struct linking *linking, size_t share)
{
	return (uint32_t)(linking->sparse->input->n * share / linking->shares);
}

static int count_links(void *user, unsigned worker, size_t share, size_t last, struct wh_err *err)
{
	const struct linking *linking = user;
	const struct wh_hclust_sparse *input = linking->sparse->input;
	uint32_t begin = share_begin(linking, share), end = share_begin(linking, last);
	(void)worker, (void)err;
	for (uint32_t b = begin; b < input->n; b++) /* rows name what is below them */
		for (size_t k = 0; k < input->rows[b].n; k++) {
			uint32_t a = input->rows[b].near[k].point;
			if (!listed(linking->sparse, &input->rows[b].near[k]))
				continue;
			if (a >= begin && a < end)
				linking->above[a]++;
			if (b < end)
				linking->below[b]++;
		}
	return WH_OK;
}

static int link_above(void *user, unsigned worker, size_t share, size_t last, struct wh_err *err)
{
	const struct linking *linking = user;
	struct sparse *sparse = linking->sparse;
	const struct wh_hclust_sparse *input = sparse->input;
	uint32_t begin = share_begin(linking, share), end = share_begin(linking, last);
	(void)worker, (void)err;
	for (uint32_t b = begin; b < input->n; b++)
		for (size_t k = 0; k < input->rows[b].n; k++) {
			const struct wh_near *near = &input->rows[b].near[k];
			if (near->point < begin || near->point >= end || !listed(sparse, near))
				continue;
			struct cluster *a = &sparse->clusters[near->point];
			double value = near->similarity - sparse->least;
			if (input->linkage == WH_LINKAGE_AVERAGE)
				value *= a->weight * sparse->clusters[b].weight;
			a->links[linking->above[near->point]++] = (struct link){ b, EXACT, (float)value };
		}
	return WH_OK;
}

static int link_below(void *user, unsigned worker, size_t share, size_t last, struct wh_err *err)
{
	const struct linking *linking = user;
	struct sparse *sparse = linking->sparse;
	uint32_t begin = share_begin(linking, share), end = share_begin(linking, last);
	(void)worker, (void)err;
	for (uint32_t a = 0; a < end; a++) {
		const struct cluster *from = &sparse->clusters[a];
		for (uint32_t i = from->n; i < linking->above[a]; i++) {
			uint32_t b = from->links[i].to;
			if (b >= begin && b < end)
				sparse->clusters[b].links[linking->below[b]++] = (struct link){ a, EXACT, from->links[i].value };
		}
	}
	return WH_OK;
}

/* Room for every point's links; n: those below. */
static int make_room(struct linking *linking, struct wh_err *err)
{
	struct sparse *sparse = linking->sparse;
	const struct wh_hclust_sparse *input = sparse->input;
	size_t n_links = 0;
	for (size_t i = 0; i < input->n_apart; i++)
		for (int side = 0; side < 2; side++)
			sparse->clusters[input->apart[i][side]].cap += in_one_component(sparse, input->apart[i]);
	for (size_t i = 0; i < input->n; i++)
		n_links += sparse->clusters[i].cap += linking->below[i] + linking->above[i];
	struct link *links = sparse->links = allocate_links(n_links);
	if (!links)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (uint32_t i = 0; i < input->n; i++) {
		struct cluster *cluster = &sparse->clusters[i];
		cluster->links = links;
		cluster->n = linking->above[i] = linking->below[i];
		linking->below[i] = 0;
		cluster->weight = weight_of(sparse, i);
		cluster->first = cluster->last = i;
		links += cluster->cap;
	}
	return WH_OK;
}

static int by_target(const void *left, const void *right)
{
	const struct link *a = left, *b = right;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	return (a->state < b->state) - (a->state > b->state);
}

/* Puts what was appended in its place, and keeps one link per target: forbidden before listed. */
static void tidy(const struct sparse *sparse, struct cluster *cluster)
{
	uint32_t n = 0;
	qsort(cluster->links, cluster->n, sizeof *cluster->links, by_target);
	for (uint32_t i = 0; i < cluster->n; i++)
		if (!n || cluster->links[i].to != cluster->links[n - 1].to)
			cluster->links[n++] = cluster->links[i];
	cluster->n = n;
	if (sparse->input->linkage != WH_LINKAGE_COMPLETE)
		return;
	for (uint32_t i = 0; i < n; i++) /* no link at all says the same, and costs nothing */
		if (cluster->links[i].state == FORBIDDEN)
			cluster->links[i].state = DEAD;
}

static void forbid(struct sparse *sparse)
{
	const struct wh_hclust_sparse *input = sparse->input;
	for (size_t i = 0; i < input->n_apart; i++) {
		const uint32_t *pair = input->apart[i];
		for (int side = 0; side < 2 && in_one_component(sparse, pair); side++) {
			struct cluster *cluster = &sparse->clusters[pair[side]];
			cluster->links[cluster->n++] = (struct link){ pair[!side], FORBIDDEN, -INFINITY };
		}
	}
	for (size_t i = 0; i < input->n_apart; i++)
		for (int side = 0; side < 2; side++)
			tidy(sparse, &sparse->clusters[input->apart[i][side]]);
}

static int link_points(struct sparse *sparse, struct wh_err *err)
{
	size_t n = sparse->input->n;
	unsigned threads = wh_host_threads(sparse->host);
	struct linking linking = { .sparse = sparse, .shares = threads < MOST_SHARES ? threads : MOST_SHARES };
	linking.below = calloc(n + 1, sizeof *linking.below);
	linking.above = calloc(n + 1, sizeof *linking.above);
	int code = linking.below && linking.above ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_parallel(sparse->host, NULL, linking.shares, 1, count_links, &linking, err);
	if (code == WH_OK)
		code = make_room(&linking, err);
	if (code == WH_OK)
		code = wh_parallel(sparse->host, NULL, linking.shares, 1, link_above, &linking, err);
	if (code == WH_OK)
		code = wh_parallel(sparse->host, NULL, linking.shares, 1, link_below, &linking, err);
	for (size_t i = 0; code == WH_OK && i < n; i++)
		sparse->clusters[i].n = linking.above[i]; /* where the next would have gone */
	if (code == WH_OK)
		forbid(sparse);
	free(linking.below);
	free(linking.above);
	return code;
}

static int run(struct sparse *sparse, uint32_t *group, struct wh_err *err)
{
	const struct wh_hclust_sparse *input = sparse->input;
	connect(sparse);
	memcpy(group, sparse->parent, input->n * sizeof *group);
	if (input->linkage == WH_LINKAGE_SINGLE && !input->n_apart)
		return WH_OK; /* the components are the clusters */
	WH_TRY(list_components(sparse, err));
	WH_TRY(link_points(sparse, err));
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
