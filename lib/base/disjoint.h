/* SPDX-License-Identifier: Apache-2.0 */
/* Disjoint sets of numbers as a forest: parent[i] == i at the root. The smaller root stays, whatever the order in which sets are united. */
#ifndef WHORL_BASE_DISJOINT_H
#define WHORL_BASE_DISJOINT_H

#include <stdint.h>

/* The root of i; halves the path on the way. */
static inline uint32_t wh_disjoint_root(uint32_t *parent, uint32_t i)
{
	while (parent[i] != i)
		i = parent[i] = parent[parent[i]];
	return i;
}

static inline void wh_disjoint_unite(uint32_t *parent, uint32_t a, uint32_t b)
{
	a = wh_disjoint_root(parent, a);
	b = wh_disjoint_root(parent, b);
	parent[a > b ? a : b] = a > b ? b : a;
}

#endif
