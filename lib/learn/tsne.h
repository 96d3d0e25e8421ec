/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps of points in the plane in which neighbours stay neighbours: t-SNE (van der Maaten and Hinton 2008). Attraction comes from the
 * 3 * perplexity nearest neighbours of each point, found exactly (van der Maaten 2014); repulsion from all pairs, or, for many points, by
 * interpolation on a grid and Fourier transforms (after Linderman et al. 2019). The map starts from two principal components, which keeps
 * what is far apart where it belongs (Kobak and Berens 2019).
 *
 * Deterministic: the same points, parameters and seed give the same map for any number of threads (on one kind of processor).
 */
#ifndef WHORL_LEARN_TSNE_H
#define WHORL_LEARN_TSNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

enum wh_repulsion_kind {
	WH_REPULSION_AUTO,  /* exact up to WH_TSNE_EXACT points */
	WH_REPULSION_EXACT, /* n^2 pairs */
	WH_REPULSION_GRID,  /* forces good to a few thousandths */
};

enum { WH_TSNE_EXACT = 2000 };

struct wh_tsne_params {
	double perplexity;         /* lowered to (n - 1) / 3 where there are few points; at least 1 */
	size_t iterations;
	size_t exaggerated;        /* of them, the first ones, attract each other `exaggeration` times as much */
	double exaggeration;
	double learning_rate;      /* 0: max(n / 12, 50) (Belkina et al. 2019) */
	enum wh_repulsion_kind repulsion;
	/* The first `placed` points have their places in `map` already, the others begin beside their nearest placed neighbour, and nothing is
	 * exaggerated. hold: the placed ones stay where they are, else all move together. 0: a map of its own. */
	size_t placed;
	bool hold;
};

/* perplexity 30, 1000 iterations, exaggeration 12 for 250 of them. */
extern const struct wh_tsne_params wh_tsne_defaults;

/*
 * x: n points of d floats, row-major; map: n x 2. *divergence: Kullback and Leibler's, of the affinities from those in the map; NULL: not asked
 * for. Equal points do not begin in one place: the start has a jitter of host->seed. Progress under "neighbours" and "mapping", where the divergence goes
 * to the log from time to time.
 * Errors: WH_E_USAGE (a value that is not finite, a parameter out of its range), WH_E_LIMIT (n), WH_E_NOMEM, WH_E_CANCELLED.
 */
int wh_tsne(const float *x, size_t n, size_t d, const struct wh_tsne_params *, const struct wh_host *, float *map, double *divergence,
	    struct wh_err *) WH_NODISCARD;

/* ---- its parts ---- */

/*
 * Symmetric affinities of n points, their sum 1: row i holds the points that it is a neighbour of, or that are its, from first[i] on. Rows are
 * filled to a multiple of WH_AFFINITY_LANES with affinities 0 to the point itself.
 */
enum { WH_AFFINITY_LANES = 16 };

struct wh_affinity {
	size_t n;
	size_t *first;   /* n + 1 */
	uint32_t *other; /* first[n] */
	float *p;        /* first[n] */
	double entropy;  /* -sum p log p */
};

/* Errors: as wh_tsne. */
int wh_affinity_init(struct wh_affinity *, const float *x, size_t n, size_t d, double perplexity, const struct wh_host *, struct wh_err *) WH_NODISCARD;
void wh_affinity_release(struct wh_affinity *);

/* Moves map[n x 2] from where it is. params->placed and ->perplexity say nothing here but for `hold`. */
int wh_tsne_descend(const struct wh_affinity *, const struct wh_tsne_params *, const struct wh_host *, float *map, double *divergence,
		    struct wh_err *) WH_NODISCARD;

/* The divergence of a map, and its gradient (n x 2, over 4 as van der Maaten's programs have it; NULL: not asked for). */
int wh_tsne_divergence(const struct wh_affinity *, const float *map, enum wh_repulsion_kind, const struct wh_host *, double *divergence,
		       float *gradient, struct wh_err *) WH_NODISCARD;

#endif
