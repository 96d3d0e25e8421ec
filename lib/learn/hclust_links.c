/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/hclust_links.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/thread.h"

enum { HUGE_PAGE = 2 << 20, MOST_SHARES = 8 };

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
			if (!wh_is_listed(linking->sparse, &input->rows[b].near[k]))
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
			if (near->point < begin || near->point >= end || !wh_is_listed(sparse, near))
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
		cluster->weight = wh_weight_of(sparse, i);
		cluster->first = cluster->last = i;
		cluster->size = 1;
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

int wh_link_points(struct sparse *sparse, struct wh_err *err)
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
