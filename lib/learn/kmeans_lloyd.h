/* SPDX-License-Identifier: Apache-2.0 */
/* One start of k-means, from its first centroids to its last labels: of kmeans.c. */
#ifndef WHORL_LEARN_KMEANS_LLOYD_H
#define WHORL_LEARN_KMEANS_LLOYD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

struct wh_lloyd {
	const float *x;       /* n x d */
	const double *norm;   /* n: squared norms of rows */
	const uint32_t *weight;
	size_t n, d, k;
	const struct wh_host *host;
	double *mean, *next;  /* k x d: the centroids, and what they become */
	float *centroid;      /* k x d: mean, rounded for the product */
	double *mean_norm;    /* k: squared norms of centroid */
	double *move;         /* k: how far each centroid went */
	double *sum, *total;  /* k x d, k: of the points by `summed`, and their weight */
	uint32_t *summed;     /* n: label when that was so */
	bool has_sums;
	double longest, second; /* of move */
	uint32_t farthest_mover;
	double slack;         /* of a point of norm 1: by how much two of its float scores may be wrong */
	double *upper, *lower; /* n: bounds of the distance to the own centroid and to any other */
	uint32_t *label;      /* n */
	uint32_t *order, *end; /* n, k + 1: the points by cluster */
	float *rows, *product; /* of each worker: ROWS x d, ROWS x k */
	bool bounded;         /* label and the bounds mean something */
	atomic_size_t changed;
};

/* The members up to host are given. Errors: WH_E_NOMEM; released also then. */
int wh_lloyd_init(struct wh_lloyd *, struct wh_err *) WH_NODISCARD;
void wh_lloyd_release(struct wh_lloyd *);

/* From centroids in `mean` to labels that belong to those it ends with. tolerance: in the data's unit, squared; below 0: until nothing
 * changes. Errors: WH_E_CANCELLED. */
int wh_lloyd_run(struct wh_lloyd *, unsigned most, double tolerance, unsigned *iterations, struct wh_err *) WH_NODISCARD;

/* Labels for centroids in `mean`, no more. Errors: WH_E_CANCELLED. */
int wh_lloyd_assign(struct wh_lloyd *, struct wh_err *) WH_NODISCARD;

/* Squared distances of the points to the centroids of their labels, times their weights, summed. */
double wh_lloyd_inertia(const struct wh_lloyd *);

#endif
