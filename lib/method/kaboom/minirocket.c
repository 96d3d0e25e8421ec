/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/minirocket.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "math/clones.h"
#include "method/kaboom/gauge.h"

enum { PLACES = 9, KERNELS = 84, FEATURES = 2000, MOST_CHANNELS = 9, LANES = WH_GAUGE_LANES };

typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4)));

void wh_minirocket_release(struct wh_minirocket *m)
{
	free(m->kernel);
	free(m->channel);
	free(m->bias);
	*m = (struct wh_minirocket){ 0 };
}

static void draw_channels(struct wh_minirocket *m, struct wh_minirocket_kernel *kernel, struct wh_rng *rng)
{
	double most = (double)(m->channels < MOST_CHANNELS ? m->channels : MOST_CHANNELS);
	double n = floor(pow(2, wh_rng_real(rng) * log2(most + 1)));
	uint32_t *channel = m->channel + kernel->first;
	while (kernel->n < n && kernel->n < m->channels) {
		uint32_t drawn = (uint32_t)(wh_rng_real(rng) * (double)m->channels);
		bool taken = false;
		for (uint32_t i = 0; i < kernel->n; i++)
			taken |= channel[i] == drawn;
		if (!taken)
			channel[kernel->n++] = drawn;
	}
}

int wh_minirocket_init(struct wh_minirocket *m, size_t channels, size_t steps, struct wh_err *err)
{
	size_t dilations = 1;
	struct wh_rng rng;
	while ((size_t)8 << dilations <= steps - 1)
		dilations++;
	*m = (struct wh_minirocket){ .channels = channels, .steps = steps };
	m->per = FEATURES / (KERNELS * dilations) ? FEATURES / (KERNELS * dilations) : 1;
	m->kernel = calloc(KERNELS * dilations, sizeof *m->kernel);
	m->channel = calloc(KERNELS * dilations * (MOST_CHANNELS + 1), sizeof *m->channel);
	m->bias = calloc(KERNELS * dilations * m->per, sizeof *m->bias);
	if (!m->kernel || !m->channel || !m->bias) {
		wh_minirocket_release(m);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	wh_rng_init(&rng, 1);
	uint32_t at = 0;
	for (uint32_t e = 0; e < dilations; e++)
		for (uint32_t a = 0; a < PLACES; a++)
			for (uint32_t b = a + 1; b < PLACES; b++)
				for (uint32_t c = b + 1; c < PLACES; c++) {
					struct wh_minirocket_kernel *kernel = &m->kernel[m->n++];
					*kernel = (struct wh_minirocket_kernel){ 1u << e, { a, b, c }, at, 0 };
					draw_channels(m, kernel, &rng);
					at += kernel->n;
				}
	return WH_OK;
}

static size_t margin(const struct wh_minirocket *m)
{
	return m->n ? 4 * (size_t)m->kernel[m->n - 1].dilation : 0;
}

/* Results, behind them a series with margins. */
size_t wh_minirocket_scratch(const struct wh_minirocket *m)
{
	return 2 * (wh_gauge_stride(m->steps) + margin(m)) + LANES;
}

static int32_t *prepare(const struct wh_minirocket *m, int32_t *scratch)
{
	memset(scratch, 0, wh_minirocket_scratch(m) * sizeof *scratch);
	return scratch + wh_gauge_stride(m->steps) + margin(m);
}

/* One kernel over a series: m->steps results, then such as are above no bias, to `out`. sum: between margins of zeroes. */
WH_CLONES
static void convolve(const struct wh_minirocket *m, const struct wh_minirocket_kernel *kernel, const int32_t *series, int32_t *sum, int32_t *out)
{
	const size_t stride = wh_gauge_stride(m->steps), d = kernel->dilation;
	const uint32_t *channel = m->channel + kernel->first;
	const int32_t *from = sum - 4 * d, *a = from + kernel->place[0] * d, *b = from + kernel->place[1] * d, *c = from + kernel->place[2] * d;
	for (size_t t = 0; t < stride; t += LANES) {
		ints all = { 0 };
		for (uint32_t i = 0; i < kernel->n; i++)
			all += *(const ints *)(const void *)(series + channel[i] * stride + t);
		*(ints *)(void *)(sum + t) = all;
	}
	for (size_t t = 0; t < stride; t += LANES) {
		const int32_t *at = from + t;
		ints all = *(const ints *)(const void *)at;
		for (size_t i = 1; i < PLACES; i++)
			all += *(const ints *)(const void *)(at + i * d);
		const ints heavy = *(const ints *)(const void *)(a + t) + *(const ints *)(const void *)(b + t) + *(const ints *)(const void *)(c + t);
		*(ints *)(void *)(out + t) = 3 * heavy - all;
	}
	for (size_t t = m->steps; t < stride; t++)
		out[t] = INT32_MIN;
}

static int ascending(const void *left, const void *right)
{
	int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;
	return a < b ? -1 : a > b;
}

int wh_minirocket_fit(struct wh_minirocket *m, const int32_t *const *examples, size_t n, struct wh_err *err)
{
	size_t all = n * m->steps;
	int32_t *scratch = malloc((wh_minirocket_scratch(m) + all) * sizeof *scratch);
	if (!scratch)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int32_t *sorted = scratch + wh_minirocket_scratch(m), *sum = prepare(m, scratch);
	for (size_t k = 0; k < m->n; k++) {
		for (size_t i = 0; i < n; i++) {
			convolve(m, &m->kernel[k], examples[i], sum, scratch);
			memcpy(sorted + i * m->steps, scratch, m->steps * sizeof *sorted);
		}
		qsort(sorted, all, sizeof *sorted, ascending);
		for (size_t j = 0; j < m->per; j++) { /* quantiles that fill the interval evenly, by the golden ratio */
			double q = fmod((double)(k * m->per + j + 1) * 0.6180339887498949, 1);
			m->bias[k * m->per + j] = sorted[(size_t)(q * (double)all)];
		}
	}
	free(scratch);
	return WH_OK;
}

/* For each of n biases, how many results are above it. */
WH_CLONES
static void count(const int32_t *out, size_t stride, const int32_t *bias, size_t n, int32_t *above)
{
	for (size_t j = 0; j < n; j++) {
		ints fewer = { 0 };
		int32_t sum = 0;
		for (size_t t = 0; t < stride; t += LANES)
			fewer += *(const ints *)(const void *)(out + t) > bias[j]; /* -1 where it is */
		for (size_t i = 0; i < LANES; i++)
			sum -= fewer[i];
		above[j] = sum;
	}
}

void wh_minirocket_apply(const struct wh_minirocket *m, const int32_t *series, int32_t *scratch, float *feature)
{
	int32_t *sum = prepare(m, scratch), above[FEATURES / KERNELS];
	for (size_t k = 0; k < m->n; k++) {
		convolve(m, &m->kernel[k], series, sum, scratch);
		count(scratch, wh_gauge_stride(m->steps), m->bias + k * m->per, m->per, above);
		for (size_t j = 0; j < m->per; j++)
			*feature++ = (float)above[j] / (float)m->steps;
	}
}
