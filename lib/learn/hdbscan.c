/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/hdbscan.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "base/vec.h"
#include "learn/hclust.h"
#include "math/distance.h"

enum { ROWS = 64, LEAST = 5 };

static const uint32_t none = UINT32_MAX;

struct edge {
	uint32_t a, b;
	double height;
};

/* Of the condensed tree: a set of at least least_size points, from where it splits off to where it splits or is too small. */
struct cluster {
	uint32_t parent; /* less than its own number; none: the root */
	double birth;    /* 1 / height */
	double stability;
	double longest;  /* the largest 1 / height at which one of its points leaves it */
	bool chosen;
	uint32_t label;  /* the chosen cluster that it is or is part of; none: there is none */
	uint32_t number; /* of a chosen one: 1 and more, once it has one */
};

/* Of the dendrogram, and the cluster that it is part of. */
struct node {
	uint32_t node, cluster;
};

struct scan {
	const float *x;
	size_t n, d, least_size, least_near;
	double *core;             /* n: core distances */
	struct edge *edges;       /* n - 1: of the spanning tree */
	struct wh_merge *merges;  /* n - 1: what they join, by height */
	uint32_t *cluster_of;     /* n: where a point was last */
	double *leaves;           /* n: 1 / height at which it left */
	struct WH_VEC(struct cluster) clusters;
	struct WH_VEC(struct node) open, parts;
};

static void scan_release(struct scan *scan)
{
	free(scan->core);
	free(scan->edges);
	free(scan->merges);
	free(scan->cluster_of);
	free(scan->leaves);
	wh_vec_release(&scan->clusters);
	wh_vec_release(&scan->open);
	wh_vec_release(&scan->parts);
}

/* Core distances of points first … last-1: the largest of the least_near smallest, kept sorted. */
static int core_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct scan *scan = user;
	size_t most = scan->least_near < scan->n ? scan->least_near : scan->n;
	double *nearest = malloc(most * sizeof *nearest);
	if (!nearest)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = first; i < last; i++) {
		size_t have = 0;
		for (size_t j = 0; j < scan->n; j++) {
			double distance2 = wh_distance2(scan->x + i * scan->d, scan->x + j * scan->d, scan->d);
			if (have == most && distance2 >= nearest[most - 1])
				continue;
			size_t at = have < most ? have++ : most - 1;
			for (; at > 0 && nearest[at - 1] > distance2; at--)
				nearest[at] = nearest[at - 1];
			nearest[at] = distance2;
		}
		scan->core[i] = sqrt(nearest[most - 1]);
	}
	free(nearest);
	return WH_OK;
}

/* What a step of Prim's algorithm does to the points that are not yet in the tree. */
struct growth {
	const struct scan *scan;
	uint32_t newest;
	double *reach;      /* n: mutual reachability to the tree; below 0: in it */
	uint32_t *through;  /* n: by which of its points */
};

static int grow_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct growth *growth = user;
	const struct scan *scan = growth->scan;
	const float *from = scan->x + growth->newest * scan->d;
	double core = scan->core[growth->newest];
	for (size_t i = first; i < last; i++) {
		if (growth->reach[i] < 0)
			continue;
		double distance = sqrt(wh_distance2(from, scan->x + i * scan->d, scan->d));
		distance = fmax(distance, fmax(core, scan->core[i]));
		if (distance < growth->reach[i]) {
			growth->reach[i] = distance;
			growth->through[i] = growth->newest;
		}
	}
	return WH_OK;
}

static int span(struct scan *scan, const struct wh_host *host, struct wh_err *err)
{
	/* a thread for every step costs more than small steps do */
	const struct wh_host alone = { .threads = 1, .cancelled = host ? host->cancelled : NULL };
	size_t n = scan->n, grain = (n + 1) / 2;
	const struct wh_host *with = n * scan->d < 1 << 20 ? &alone : host;
	double *reach = malloc(n * sizeof *reach);
	uint32_t *through = malloc(n * sizeof *through);
	int code = reach && through ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; code == WH_OK && i < n; i++)
		reach[i] = INFINITY;
	uint32_t newest = 0;
	for (size_t step = 0; code == WH_OK && step + 1 < n; step++) {
		struct growth growth = { scan, newest, reach, through };
		reach[newest] = -1;
		code = wh_parallel(with, NULL, n, grain, grow_rows, &growth, err);
		newest = none;
		for (uint32_t i = 0; code == WH_OK && i < n; i++)
			if (reach[i] >= 0 && (newest == none || reach[i] < reach[newest]))
				newest = i;
		if (code == WH_OK)
			scan->edges[step] = (struct edge){ through[newest], newest, reach[newest] };
		if (step % 256 == 0)
			wh_host_progress(host, "spanning", step, n);
	}
	free(reach);
	free(through);
	return code;
}

static int by_height(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;
	if (a->height != b->height)
		return a->height < b->height ? -1 : 1;
	return a->b < b->b ? -1 : a->b > b->b;
}

/* The dendrogram of the spanning tree: single linkage. */
static int join(struct scan *scan, struct wh_err *err)
{
	size_t n = scan->n;
	uint32_t *parent = malloc(2 * n * sizeof *parent);
	if (!parent)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < 2 * n; i++)
		parent[i] = (uint32_t)i;
	qsort(scan->edges, n - 1, sizeof *scan->edges, by_height);
	for (size_t i = 0; i + 1 < n; i++) {
		uint32_t ends[2] = { scan->edges[i].a, scan->edges[i].b }, size = 0;
		for (int e = 0; e < 2; e++) {
			while (parent[ends[e]] != ends[e])
				ends[e] = parent[ends[e]] = parent[parent[ends[e]]];
			size += ends[e] < n ? 1 : scan->merges[ends[e] - n].size;
			parent[ends[e]] = (uint32_t)(n + i);
		}
		scan->merges[i] = (struct wh_merge){ ends[0], ends[1], scan->edges[i].height, size };
	}
	free(parent);
	return WH_OK;
}

static uint32_t size_of(const struct scan *scan, uint32_t node)
{
	return node < scan->n ? 1 : scan->merges[node - scan->n].size;
}

/* The parts of a node once everything at its height is cut, in scan->parts. */
static int split(struct scan *scan, uint32_t node)
{
	double height = scan->merges[node - scan->n].height;
	scan->parts.n = 0;
	if (wh_vec_push(&scan->parts, (struct node){ node, 0 }))
		return WH_E_NOMEM;
	for (size_t i = 0; i < scan->parts.n;) {
		uint32_t part = scan->parts.data[i].node;
		if (part < scan->n || scan->merges[part - scan->n].height < height) {
			i++;
			continue;
		}
		scan->parts.data[i].node = scan->merges[part - scan->n].a;
		if (wh_vec_push(&scan->parts, (struct node){ scan->merges[part - scan->n].b, 0 }))
			return WH_E_NOMEM;
	}
	return WH_OK;
}

/* All points below a node leave their cluster. */
static int leave(struct scan *scan, uint32_t node, uint32_t cluster, double at)
{
	size_t base = scan->open.n;
	struct cluster *from = &scan->clusters.data[cluster];
	from->stability += (at - from->birth) * size_of(scan, node);
	from->longest = fmax(from->longest, at);
	if (wh_vec_push(&scan->open, (struct node){ node, cluster }))
		return WH_E_NOMEM;
	while (scan->open.n > base) {
		uint32_t top = scan->open.data[--scan->open.n].node;
		if (top < scan->n) {
			scan->cluster_of[top] = cluster;
			scan->leaves[top] = at;
			continue;
		}
		const struct wh_merge *merge = &scan->merges[top - scan->n];
		if (wh_vec_push(&scan->open, (struct node){ merge->a, cluster }) || wh_vec_push(&scan->open, (struct node){ merge->b, cluster }))
			return WH_E_NOMEM;
	}
	return WH_OK;
}

/* One node of a cluster splits: into clusters, into itself and points that leave it, or into points only. */
static int condense_node(struct scan *scan, struct node at, double floor)
{
	double height = scan->merges[at.node - scan->n].height, density = 1 / fmax(height, floor);
	size_t large = 0;
	if (split(scan, at.node))
		return WH_E_NOMEM;
	for (size_t i = 0; i < scan->parts.n; i++)
		large += size_of(scan, scan->parts.data[i].node) >= scan->least_size;
	for (size_t i = 0; i < scan->parts.n; i++) {
		uint32_t part = scan->parts.data[i].node, into = at.cluster;
		if (size_of(scan, part) < scan->least_size) {
			if (leave(scan, part, at.cluster, density))
				return WH_E_NOMEM;
			continue;
		}
		if (large > 1) {
			struct cluster *from = &scan->clusters.data[at.cluster];
			from->stability += (density - from->birth) * size_of(scan, part);
			from->longest = fmax(from->longest, density);
			into = (uint32_t)scan->clusters.n;
			if (wh_vec_push(&scan->clusters, (struct cluster){ .parent = at.cluster, .birth = density }))
				return WH_E_NOMEM;
		}
		if (wh_vec_push(&scan->open, (struct node){ part, into }))
			return WH_E_NOMEM;
	}
	return WH_OK;
}

static int condense(struct scan *scan, struct wh_err *err)
{
	size_t n = scan->n;
	/* what lies in one place is as dense as can be told apart, not infinitely */
	double floor = scan->merges[n - 2].height * 1e-9;
	bool failed = wh_vec_push(&scan->clusters, (struct cluster){ .parent = none }) ||
		      wh_vec_push(&scan->open, (struct node){ (uint32_t)(2 * n - 2), 0 });
	while (!failed && scan->open.n)
		failed = condense_node(scan, scan->open.data[--scan->open.n], floor) != WH_OK;
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

/* From the leaves up: a cluster, or what is best of those that it splits into. The root is none. */
static int choose(struct scan *scan, struct wh_err *err)
{
	struct cluster *clusters = scan->clusters.data;
	double *below = calloc(scan->clusters.n, sizeof *below);
	if (!below)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t c = scan->clusters.n; c-- > 1;) {
		clusters[c].chosen = clusters[c].stability >= below[c];
		below[clusters[c].parent] += clusters[c].chosen ? clusters[c].stability : below[c];
	}
	clusters[0].label = none;
	for (size_t c = 1; c < scan->clusters.n; c++) { /* parents come first: whose ancestor is chosen is part of that */
		uint32_t of_parent = clusters[clusters[c].parent].label;
		clusters[c].label = of_parent != none ? of_parent : clusters[c].chosen ? (uint32_t)c : none;
	}
	free(below);
	return WH_OK;
}

/* Labels, numbered by the smallest point, and strengths. */
static void report(struct scan *scan, uint32_t *label, double *strength, size_t *n_clusters)
{
	struct cluster *clusters = scan->clusters.data;
	for (size_t c = scan->clusters.n; c-- > 1;) /* children come last: the chosen one has lived as long as the last of them */
		if (clusters[c].label != none && clusters[c].label != c)
			clusters[clusters[c].parent].longest = fmax(clusters[clusters[c].parent].longest, clusters[c].longest);
	for (size_t i = 0; i < scan->n; i++) {
		uint32_t top = clusters[scan->cluster_of[i]].label;
		if (strength)
			strength[i] = top == none ? 0 : fmin(scan->leaves[i] / clusters[top].longest, 1);
		label[i] = top;
		if (top == none)
			continue;
		if (!clusters[top].number)
			clusters[top].number = (uint32_t)++*n_clusters;
		label[i] = clusters[top].number - 1;
	}
}

int wh_hdbscan(const float *x, size_t n, size_t d, const struct wh_hdbscan_params *params, const struct wh_host *host, uint32_t *label,
	       double *strength, size_t *n_clusters, struct wh_err *err)
{
	*n_clusters = 0;
	if (n > INT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "%zu points are too many to cluster", n);
	for (size_t i = 0; i < n * d; i++)
		if (!isfinite(x[i]))
			return wh_err_set(err, WH_E_USAGE, "point %zu has a value that is not finite", i / d);
	size_t least = params->least_size ? params->least_size : LEAST;
	struct scan scan = { .x = x, .n = n, .d = d, .least_size = least < 2 ? 2 : least };
	scan.least_near = params->least_near ? params->least_near : scan.least_size;
	for (size_t i = 0; n < 2 && i < n; i++) {
		label[i] = WH_HDBSCAN_NOISE;
		if (strength)
			strength[i] = 0;
	}
	if (n < 2)
		return WH_OK;
	scan.core = malloc(n * sizeof *scan.core);
	scan.edges = malloc(n * sizeof *scan.edges);
	scan.merges = malloc(n * sizeof *scan.merges);
	scan.cluster_of = malloc(n * sizeof *scan.cluster_of);
	scan.leaves = malloc(n * sizeof *scan.leaves);
	int code = WH_OK;
	if (!scan.core || !scan.edges || !scan.merges || !scan.cluster_of || !scan.leaves)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_parallel(host, "comparing", n, ROWS, core_rows, &scan, err);
	if (code == WH_OK)
		code = span(&scan, host, err);
	if (code == WH_OK)
		code = join(&scan, err);
	if (code == WH_OK)
		code = condense(&scan, err);
	if (code == WH_OK)
		code = choose(&scan, err);
	if (code == WH_OK)
		report(&scan, label, strength, n_clusters);
	scan_release(&scan);
	return code;
}
