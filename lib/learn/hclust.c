/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/hclust.h"

#include <string.h>

#include "base/disjoint.h"

bool wh_linkage_parse(const char *name, enum wh_linkage *linkage)
{
	static const char *const names[] = {
		[WH_LINKAGE_COMPLETE] = "complete",
		[WH_LINKAGE_AVERAGE] = "average",
		[WH_LINKAGE_SINGLE] = "single",
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i])) {
			*linkage = (enum wh_linkage)i;
			return true;
		}
	return false;
}

/* Some point below a cluster. Always down the smaller branch: at most log2(n) steps, whatever the shape of the dendrogram. */
static uint32_t point_below(size_t n, const struct wh_merge *merges, uint32_t cluster)
{
	while (cluster >= n) {
		const struct wh_merge *merge = &merges[cluster - n];
		uint32_t size_a = merge->a < n ? 1 : merges[merge->a - n].size;
		uint32_t size_b = merge->b < n ? 1 : merges[merge->b - n].size;
		cluster = size_a <= size_b ? merge->a : merge->b;
	}
	return cluster;
}

size_t wh_groups_number(size_t n, uint32_t *group)
{
	size_t n_groups = 0;
	for (size_t i = 0; i < n; i++) /* a smallest point that was passed holds its number already */
		group[i] = group[i] == i ? (uint32_t)n_groups++ : group[group[i]];
	return n_groups;
}

/* The first m merges happen. */
static size_t cut_after(size_t n, const struct wh_merge *merges, size_t m, uint32_t *group)
{
	/* group is the forest first: parents are smaller than their children, so a root is its group's smallest point */
	for (size_t i = 0; i < n; i++)
		group[i] = (uint32_t)i;
	for (size_t i = 0; i < m; i++)
		wh_disjoint_unite(group, point_below(n, merges, merges[i].a), point_below(n, merges, merges[i].b));
	for (size_t i = 0; i < n; i++)
		group[i] = group[group[i]]; /* the parent is done: it is smaller */
	return wh_groups_number(n, group);
}

size_t wh_hclust_cut(size_t n, const struct wh_merge *merges, double d, uint32_t *group)
{
	size_t m = 0;
	while (m + 1 < n && wh_within_cut(merges[m].height, d))
		m++;
	return cut_after(n, merges, m, group);
}

void wh_hclust_cut_k(size_t n, const struct wh_merge *merges, size_t k, uint32_t *group)
{
	cut_after(n, merges, n - k, group);
}
