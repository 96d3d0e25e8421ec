/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Fourier transforms of float data, sixteen at a time: the transforms of a call lie interleaved, so that every step of the one
 * algorithm is a vector operation over them, whatever the length. Stockham's self-sorting radix 4 (Van Loan 1992, section 1.7), with one
 * pass of radix 3 or 2 where the length asks for it.
 */
#ifndef WHORL_MATH_FFT_H
#define WHORL_MATH_FFT_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>

enum {
	WH_FFT_LANES = 16,
	WH_FFT_LONGEST = 1 << 20,
};

struct wh_fft {
	size_t n;
	float *roots; /* cos, then -sin, of 2 pi k / n for k < n */
};

/* Whether there are transforms of length n: 2^a or 3 * 2^a, a >= 1, up to WH_FFT_LONGEST. */
bool wh_fft_can(size_t n);
/* Errors: WH_E_USAGE (not such a length), WH_E_NOMEM. */
int wh_fft_init(struct wh_fft *, size_t n, struct wh_err *) WH_NODISCARD;
void wh_fft_release(struct wh_fft *);

/*
 * X[k] = sum_j x[j] exp(-2 pi i j k / n) of WH_FFT_LANES sequences at once, in place. re, im: n x WH_FFT_LANES, element j of sequence l at
 * j * WH_FFT_LANES + l; work: as large as both together; all aligned to 64 bytes. With re and im exchanged: the inverse, times n.
 */
void wh_fft_lanes(const struct wh_fft *, float *re, float *im, float *work);

#endif
