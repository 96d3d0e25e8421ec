/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real columns go through the transform in pairs, one as the real part and one as the imaginary part, sixteen pairs at a time; then half of
 * the frequencies are enough. Rows of those follow, sixteen at a time: forward, times the kernel, and back, without leaving the cache.
 */
#include "math/convolution.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "math/clones.h"

enum { LANES = WH_FFT_LANES, PAIRS = 2 * LANES };

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4)));

/* Blocks of LANES frequencies, 0 to n. */
static size_t n_blocks(const struct wh_convolution *c)
{
	return c->n / LANES + 1;
}

size_t wh_convolution_size(size_t least)
{
	for (size_t n = PAIRS; n <= WH_FFT_LONGEST / 2; n *= 2) {
		if (n >= least)
			return n;
		if (n > PAIRS && n / 2 * 3 >= least && n / 2 * 3 <= WH_FFT_LONGEST / 2)
			return n / 2 * 3;
	}
	return 0;
}

int wh_convolution_init(struct wh_convolution *c, size_t n, const struct wh_host *host, struct wh_err *err)
{
	*c = (struct wh_convolution){ .n = n, .workers = wh_host_threads(host) };
	if (!n || n % PAIRS || !wh_fft_can(2 * n))
		return wh_err_set(err, WH_E_USAGE, "no convolution of a grid of %zu x %zu", n, n);
	/* floats: the kernel's spectrum; two parts of half of the frequencies; of every worker two parts and as much to work in */
	size_t spectrum = n_blocks(c) * (n + 1) * LANES, half = n_blocks(c) * LANES * n, scratch = (size_t)c->workers * 8 * n * LANES;
	int code = wh_fft_init(&c->fft, 2 * n, err);
	if (code == WH_OK && !(c->memory = calloc(spectrum + 2 * half + scratch + LANES, sizeof(float))))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code != WH_OK) {
		wh_convolution_release(c);
		return code;
	}
	c->spectrum = (float *)(((uintptr_t)c->memory + 63) & ~(uintptr_t)63);
	c->half_re = c->spectrum + spectrum;
	c->half_im = c->half_re + half;
	c->scratch = c->half_im + half;
	return WH_OK;
}

void wh_convolution_release(struct wh_convolution *c)
{
	wh_fft_release(&c->fft);
	free(c->memory);
	*c = (struct wh_convolution){ 0 };
}

/* What a piece works with: 2n x LANES each. */
struct bench {
	float *re, *im, *work;
};

static struct bench bench_of(const struct wh_convolution *c, unsigned worker)
{
	float *at = c->scratch + (size_t)worker * 8 * c->n * LANES;
	return (struct bench){ at, at + 2 * c->n * LANES, at + 4 * c->n * LANES };
}

/* The kernel's element at row and column (n rows of frequencies, n + 1 columns). */
static float *of_spectrum(const struct wh_convolution *c, size_t row, size_t column)
{
	return c->spectrum + (row / LANES * (c->n + 1) + column) * LANES + row % LANES;
}

struct kernel {
	struct wh_convolution *c;
	double (*of)(double squared, const void *user);
	const void *user;
	const double *response;
};

/* Piece p: columns p * PAIRS … of the kernel, along its rows. Real and even, so their transforms are: two columns keep apart by themselves. */
static int kernel_columns(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct kernel *kernel = user;
	struct wh_convolution *c = kernel->c;
	const size_t n = c->n;
	const struct bench at = bench_of(c, worker);
	for (size_t p = first; p < last; p++) {
		for (size_t l = 0; l < PAIRS; l++) {
			double x = (double)(p * PAIRS + l);
			float *part = (l < LANES ? at.re : at.im) + l % LANES;
			for (size_t i = 0; i <= n; i++)
				part[i * LANES] = p * PAIRS + l > n ? 0 : (float)kernel->of(x * x + (double)(i * i), kernel->user);
			for (size_t i = 1; i < n; i++)
				part[(2 * n - i) * LANES] = part[i * LANES];
		}
		wh_fft_lanes(&c->fft, at.re, at.im, at.work);
		for (size_t l = 0; l < PAIRS && p * PAIRS + l <= n; l++)
			for (size_t k = 0; k <= n; k++)
				*of_spectrum(c, k, p * PAIRS + l) = (l < LANES ? at.re : at.im)[k * LANES + l % LANES];
	}
	return WH_OK;
}

static int kernel_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct kernel *kernel = user;
	struct wh_convolution *c = kernel->c;
	const size_t n = c->n;
	const struct bench at = bench_of(c, worker);
	/* what the transforms there and back leave to divide by */
	const double scale = 0.5 / ((double)(2 * n) * (double)(2 * n));
	for (size_t b = first; b < last; b++) {
		float *rows = of_spectrum(c, b * LANES, 0);
		memcpy(at.re, rows, (n + 1) * LANES * sizeof *rows);
		memset(at.im, 0, 2 * n * LANES * sizeof *at.im);
		for (size_t j = 1; j < n; j++)
			memcpy(at.re + (2 * n - j) * LANES, rows + j * LANES, LANES * sizeof *rows);
		wh_fft_lanes(&c->fft, at.re, at.im, at.work);
		for (size_t j = 0; j <= n; j++) {
			for (size_t l = 0; l < LANES; l++) {
				size_t row = b * LANES + l;
				double by = kernel->response && row <= n ? kernel->response[row] * kernel->response[j] : 1;
				rows[j * LANES + l] = (float)(at.re[j * LANES + l] * scale / by);
			}
		}
	}
	return WH_OK;
}

int wh_convolution_kernel(struct wh_convolution *c, double (*of)(double squared, const void *user), const void *user,
			  const double *response, const struct wh_host *host, struct wh_err *err)
{
	struct kernel kernel = { c, of, user, response };
	WH_TRY(wh_parallel(host, NULL, c->n / PAIRS + 1, 1, kernel_columns, &kernel, err));
	return wh_parallel(host, NULL, n_blocks(c), 1, kernel_rows, &kernel, err);
}

struct grids {
	struct wh_convolution *c;
	const float *in;
	float *out;
};

/* Twice the transforms of the columns from the transform of the pairs: what is even in its real part and odd in its imaginary part is of the first. */
WH_CLONES
static void part_pairs(const struct wh_convolution *c, const struct bench *at, size_t column)
{
	const size_t n = c->n;
	const lanes *re = (const lanes *)(void *)at->re, *im = (const lanes *)(void *)at->im;
	for (size_t k = 0; k <= n; k++) {
		const size_t other = (2 * n - k) % (2 * n);
		lanes *to_re = (lanes *)(void *)(c->half_re + k * n + column), *to_im = (lanes *)(void *)(c->half_im + k * n + column);
		to_re[0] = re[k] + re[other];
		to_im[0] = im[k] - im[other];
		to_re[1] = im[k] + im[other];
		to_im[1] = re[other] - re[k];
	}
}

WH_CLONES
static void join_pairs(const struct wh_convolution *c, const struct bench *at, size_t column)
{
	const size_t n = c->n;
	lanes *re = (lanes *)(void *)at->re, *im = (lanes *)(void *)at->im;
	for (size_t k = 0; k <= n; k++) {
		const size_t other = (2 * n - k) % (2 * n);
		const lanes *a = (const lanes *)(void *)(c->half_re + k * n + column), *b = (const lanes *)(void *)(c->half_im + k * n + column);
		/* the later of the two is right where they are one: the imaginary parts are zero there */
		re[other] = a[0] + b[1];
		im[other] = a[1] - b[0];
		re[k] = a[0] - b[1];
		im[k] = a[1] + b[0];
	}
}

static int columns_in(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct grids *grids = user;
	const struct wh_convolution *c = grids->c;
	const size_t n = c->n;
	const struct bench at = bench_of(c, worker);
	for (size_t p = first; p < last; p++) {
		for (size_t i = 0; i < n; i++) {
			memcpy(at.re + i * LANES, grids->in + i * n + p * PAIRS, LANES * sizeof(float));
			memcpy(at.im + i * LANES, grids->in + i * n + p * PAIRS + LANES, LANES * sizeof(float));
		}
		memset(at.re + n * LANES, 0, n * LANES * sizeof(float));
		memset(at.im + n * LANES, 0, n * LANES * sizeof(float));
		wh_fft_lanes(&c->fft, at.re, at.im, at.work);
		part_pairs(c, &at, p * PAIRS);
	}
	return WH_OK;
}

static int columns_out(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct grids *grids = user;
	const struct wh_convolution *c = grids->c;
	const size_t n = c->n;
	const struct bench at = bench_of(c, worker);
	for (size_t p = first; p < last; p++) {
		join_pairs(c, &at, p * PAIRS);
		wh_fft_lanes(&c->fft, at.im, at.re, at.work);
		for (size_t i = 0; i < n; i++) {
			memcpy(grids->out + i * n + p * PAIRS, at.re + i * LANES, LANES * sizeof(float));
			memcpy(grids->out + i * n + p * PAIRS + LANES, at.im + i * LANES, LANES * sizeof(float));
		}
	}
	return WH_OK;
}

WH_CLONES
static void times_kernel(const struct bench *at, const float *kernel, size_t n)
{
	lanes *re = (lanes *)(void *)at->re, *im = (lanes *)(void *)at->im;
	const lanes *of = (const lanes *)(const void *)kernel;
	for (size_t j = 0; j < 2 * n; j++) {
		lanes k = of[j <= n ? j : 2 * n - j];
		re[j] *= k;
		im[j] *= k;
	}
}

/* rows[LANES x n] to lanes[n x LANES], or back: in squares, so that what is strided stays in the nearest cache. */
WH_CLONES
static void turn_in(const float *restrict rows, float *restrict to, size_t n)
{
	for (size_t j = 0; j < n; j += LANES)
		for (size_t l = 0; l < LANES; l++)
			for (size_t i = 0; i < LANES; i++)
				to[(j + i) * LANES + l] = rows[l * n + j + i];
}

WH_CLONES
static void turn_out(const float *restrict from, float *restrict rows, size_t n)
{
	for (size_t j = 0; j < n; j += LANES)
		for (size_t l = 0; l < LANES; l++)
			for (size_t i = 0; i < LANES; i++)
				rows[l * n + j + i] = from[(j + i) * LANES + l];
}

static int rows_through(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct grids *grids = user;
	const struct wh_convolution *c = grids->c;
	const size_t n = c->n;
	const struct bench at = bench_of(c, worker);
	for (size_t b = first; b < last; b++) {
		float *re = c->half_re + b * LANES * n, *im = c->half_im + b * LANES * n;
		turn_in(re, at.re, n);
		turn_in(im, at.im, n);
		memset(at.re + n * LANES, 0, n * LANES * sizeof(float));
		memset(at.im + n * LANES, 0, n * LANES * sizeof(float));
		wh_fft_lanes(&c->fft, at.re, at.im, at.work);
		times_kernel(&at, c->spectrum + b * (n + 1) * LANES, n);
		wh_fft_lanes(&c->fft, at.im, at.re, at.work);
		turn_out(at.re, re, n);
		turn_out(at.im, im, n);
	}
	return WH_OK;
}

int wh_convolve(struct wh_convolution *c, const float *in, float *out, const struct wh_host *host, struct wh_err *err)
{
	struct grids grids = { c, in, out };
	WH_TRY(wh_parallel(host, NULL, c->n / PAIRS, 1, columns_in, &grids, err));
	WH_TRY(wh_parallel(host, NULL, n_blocks(c), 1, rows_through, &grids, err));
	return wh_parallel(host, NULL, c->n / PAIRS, 1, columns_out, &grids, err);
}
