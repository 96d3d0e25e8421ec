/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random convolutions of series of many channels: MiniRocket (Dempster, Schmidt, Webb: MiniRocket: A Very Fast (Almost) Deterministic
 * Transform for Time Series Classification, KDD 2021). Kernels have nine places, three of them of weight 2 and six of -1 (84 of them), spread by
 * dilations 1, 2, 4, …; each is put over the sum of a few channels drawn at random. A feature is the share of steps at which the result is above a bias,
 * biases are quantiles of results on examples. Series are whole numbers (gauge.h): sums are exact, and whether one is above a bias that was itself a
 * result does not depend on the processor.
 */
#ifndef WHORL_METHOD_KABOOM_MINIROCKET_H
#define WHORL_METHOD_KABOOM_MINIROCKET_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>

struct wh_minirocket_kernel {
	uint32_t dilation;
	uint32_t place[3];  /* of weight 2 */
	uint32_t first, n;  /* its channels in `channel` */
};

struct wh_minirocket {
	size_t channels, steps;
	struct wh_minirocket_kernel *kernel;
	size_t n, per;      /* kernels, biases of each; features: n x per */
	uint32_t *channel;
	int32_t *bias;      /* n x per, ascending by no rule */
};

/* Draws channels; biases are 0. channels > 0, steps >= 9; the same for the same numbers, always. WH_E_NOMEM. */
int wh_minirocket_init(struct wh_minirocket *, size_t channels, size_t steps, struct wh_err *) WH_NODISCARD;
void wh_minirocket_release(struct wh_minirocket *);

/* A series: rows of wh_gauge_stride(steps) numbers, a channel each, of magnitude below 2^31 / 108, zeroes behind steps. */

/* Sets biases from n > 0 series. WH_E_NOMEM. */
int wh_minirocket_fit(struct wh_minirocket *, const int32_t *const *examples, size_t n, struct wh_err *) WH_NODISCARD;
static inline size_t wh_minirocket_features(const struct wh_minirocket *m) { return m->n * m->per; }
/* Numbers that wh_minirocket_apply needs. */
size_t wh_minirocket_scratch(const struct wh_minirocket *);
/* The features of one series. */
void wh_minirocket_apply(const struct wh_minirocket *, const int32_t *series, int32_t *scratch, float *feature);

#endif
