/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of a square grid with a kernel that depends on the distance alone, open at its borders:
 *
 *   out[i][j] = sum over k, l of in[k][l] kernel((i - k)^2 + (j - l)^2)
 *
 * by Fourier transforms of twice the grid's width. The transform of such a kernel is real and even: a quarter of it is kept.
 */
#ifndef WHORL_MATH_CONVOLUTION_H
#define WHORL_MATH_CONVOLUTION_H

#include <stddef.h>

#include <whorl/error.h>
#include <whorl/host.h>

#include "math/fft.h"

struct wh_convolution {
	size_t n; /* of the grid: n x n */
	struct wh_fft fft; /* of length 2n */
	void *memory;      /* what the following point into */
	float *spectrum;   /* of the kernel */
	float *half_re, *half_im; /* the grid, transformed along one axis */
	float *scratch;    /* of every worker */
	unsigned workers;
};

/* The least n >= least that there are grids of: 2^a or 3 * 2^a, a multiple of 32. 0: there is none. */
size_t wh_convolution_size(size_t least);

/* n: one of those sizes; host: whose threads the other calls may use. Errors: WH_E_USAGE, WH_E_NOMEM. */
int wh_convolution_init(struct wh_convolution *, size_t n, const struct wh_host *, struct wh_err *) WH_NODISCARD;
void wh_convolution_release(struct wh_convolution *);

/*
 * Sets the kernel: a function of the squared distance in steps of the grid. response: NULL, or n + 1 factors that divide the kernel's
 * transform along both axes, at frequency k / 2n a step for each k (what a grid that is not the points themselves must be freed of).
 * The kernel is to be small, or smooth, n steps out, where it wraps around. Errors: WH_E_CANCELLED.
 */
int wh_convolution_kernel(struct wh_convolution *, double (*kernel)(double squared, const void *user), const void *user,
			  const double *response, const struct wh_host *, struct wh_err *) WH_NODISCARD;

/* in, out: n x n; may be the same. The same result for any number of threads. Errors: WH_E_CANCELLED. */
int wh_convolve(struct wh_convolution *, const float *in, float *out, const struct wh_host *, struct wh_err *) WH_NODISCARD;

#endif
