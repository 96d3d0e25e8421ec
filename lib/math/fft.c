/* SPDX-License-Identifier: Apache-2.0 */
#include "math/fft.h"

#include <math.h>
#include <stdlib.h>

#include "math/clones.h"

typedef float lanes __attribute__((vector_size(4 * WH_FFT_LANES)));

/* What a pass works on: n = radix * m * stride transforms of length radix * m, `stride` of them interleaved. */
struct pass {
	const float *cosines, *sines; /* of the whole length */
	size_t m, stride;
	const lanes *re, *im;
	lanes *to_re, *to_im;
};

bool wh_fft_can(size_t n)
{
	if (n < 2 || n > WH_FFT_LONGEST)
		return false;
	size_t odd = n >> __builtin_ctzl(n);
	return odd == 1 || (odd == 3 && n % 2 == 0);
}

int wh_fft_init(struct wh_fft *fft, size_t n, struct wh_err *err)
{
	*fft = (struct wh_fft){ .n = n };
	if (!wh_fft_can(n))
		return wh_err_set(err, WH_E_USAGE, "no Fourier transform of length %zu: neither 2^a nor 3 * 2^a", n);
	fft->roots = malloc(2 * n * sizeof *fft->roots);
	if (!fft->roots)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t k = 0; k < n; k++) {
		double angle = 2 * M_PI * (double)k / (double)n;
		fft->roots[k] = (float)cos(angle);
		fft->roots[n + k] = (float)-sin(angle);
	}
	return WH_OK;
}

void wh_fft_release(struct wh_fft *fft)
{
	free(fft->roots);
	*fft = (struct wh_fft){ 0 };
}

/* A pass may write where it reads if m is 1: then what it writes is what it has read. */

WH_CLONES
static void pass_2(const struct pass *p)
{
	const size_t s = p->stride, m = p->m;
	for (size_t i = 0; i < m; i++) {
		const float c = p->cosines[i * s], d = p->sines[i * s];
		for (size_t q = 0; q < s; q++) {
			const size_t a = q + s * i, b = a + s * m, to = q + s * 2 * i;
			lanes ar = p->re[a], ai = p->im[a], br = p->re[b], bi = p->im[b], dr = ar - br, di = ai - bi;
			p->to_re[to] = ar + br;
			p->to_im[to] = ai + bi;
			p->to_re[to + s] = dr * c - di * d;
			p->to_im[to + s] = dr * d + di * c;
		}
	}
}

WH_CLONES
static void pass_3(const struct pass *p)
{
	const size_t s = p->stride, m = p->m;
	const float half_root_3 = 0.8660254037844386f;
	for (size_t i = 0; i < m; i++) {
		const float c1 = p->cosines[i * s], d1 = p->sines[i * s], c2 = p->cosines[2 * i * s], d2 = p->sines[2 * i * s];
		for (size_t q = 0; q < s; q++) {
			const size_t a = q + s * i, b = a + s * m, c = b + s * m, to = q + s * 3 * i;
			lanes ar = p->re[a], ai = p->im[a], sr = p->re[b] + p->re[c], si = p->im[b] + p->im[c];
			lanes tr = (p->re[b] - p->re[c]) * half_root_3, ti = (p->im[b] - p->im[c]) * half_root_3;
			lanes mr = ar - sr * 0.5f, mi = ai - si * 0.5f;
			lanes ur = mr + ti, ui = mi - tr, vr = mr - ti, vi = mi + tr;
			p->to_re[to] = ar + sr;
			p->to_im[to] = ai + si;
			p->to_re[to + s] = ur * c1 - ui * d1;
			p->to_im[to + s] = ur * d1 + ui * c1;
			p->to_re[to + 2 * s] = vr * c2 - vi * d2;
			p->to_im[to + 2 * s] = vr * d2 + vi * c2;
		}
	}
}

WH_CLONES
static void pass_4(const struct pass *p)
{
	const size_t s = p->stride, m = p->m;
	for (size_t i = 0; i < m; i++) {
		const float c1 = p->cosines[i * s], d1 = p->sines[i * s], c2 = p->cosines[2 * i * s], d2 = p->sines[2 * i * s];
		const float c3 = p->cosines[3 * i * s], d3 = p->sines[3 * i * s];
		for (size_t q = 0; q < s; q++) {
			const size_t a = q + s * i, b = a + s * m, c = b + s * m, d = c + s * m, to = q + s * 4 * i;
			lanes sr = p->re[a] + p->re[c], si = p->im[a] + p->im[c], tr = p->re[a] - p->re[c], ti = p->im[a] - p->im[c];
			lanes ur = p->re[b] + p->re[d], ui = p->im[b] + p->im[d], vr = p->re[b] - p->re[d], vi = p->im[b] - p->im[d];
			lanes xr = tr + vi, xi = ti - vr, yr = sr - ur, yi = si - ui, zr = tr - vi, zi = ti + vr;
			p->to_re[to] = sr + ur;
			p->to_im[to] = si + ui;
			p->to_re[to + s] = xr * c1 - xi * d1;
			p->to_im[to + s] = xr * d1 + xi * c1;
			p->to_re[to + 2 * s] = yr * c2 - yi * d2;
			p->to_im[to + 2 * s] = yr * d2 + yi * c2;
			p->to_re[to + 3 * s] = zr * c3 - zi * d3;
			p->to_im[to + 3 * s] = zr * d3 + zi * c3;
		}
	}
}

void wh_fft_lanes(const struct wh_fft *fft, float *re, float *im, float *work)
{
	lanes *here[2] = { (lanes *)(void *)re, (lanes *)(void *)im };
	lanes *there[2] = { (lanes *)(void *)work, (lanes *)(void *)(work + fft->n * WH_FFT_LANES) };
	lanes *from[2] = { here[0], here[1] }, *to[2] = { there[0], there[1] };
	struct pass pass = { .cosines = fft->roots, .sines = fft->roots + fft->n, .stride = 1 };
	for (size_t left = fft->n; left > 1;) {
		size_t radix = left % 3 == 0 ? 3 : left % 4 == 0 ? 4 : 2;
		pass.m = left / radix;
		if (pass.m == 1) {
			to[0] = here[0];
			to[1] = here[1];
		}
		pass.re = from[0];
		pass.im = from[1];
		pass.to_re = to[0];
		pass.to_im = to[1];
		(radix == 4 ? pass_4 : radix == 3 ? pass_3 : pass_2)(&pass);
		pass.stride *= radix;
		left = pass.m;
		bool back = to[0] == there[0];
		from[0] = to[0];
		from[1] = to[1];
		to[0] = back ? here[0] : there[0];
		to[1] = back ? here[1] : there[1];
	}
}
