/* SPDX-License-Identifier: Apache-2.0 */
/* What sparse clustering works on: points, their links, components. Private to hclust_sparse.c and hclust_links.c. */
#ifndef WHORL_LEARN_HCLUST_LINKS_H
#define WHORL_LEARN_HCLUST_LINKS_H

#include "learn/hclust.h"

enum { WH_LINKED_MOST = 1 << 30 }; /* points */

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
	uint32_t size; /* points */
	uint32_t last; /* of the list of them that begins with the slot itself */
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

static inline double wh_weight_of(const struct sparse *sparse, uint32_t point)
{
	return sparse->input->weight ? sparse->input->weight[point] : 1;
}

/* Whether a pair counts: others may stand in the rows. */
static inline bool wh_is_listed(const struct sparse *sparse, const struct wh_near *near)
{
	return near->similarity - sparse->least >= 0;
}

/* Makes every point a cluster with its links; parents are set. clusters are zero before. */
int wh_link_points(struct sparse *, struct wh_err *) WH_NODISCARD;

#endif
