/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/minirocket.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { PLACES = 9, KERNELS = 84, FEATURES = 2000, MOST_CHANNELS = 9 };

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

size_t wh_minirocket_scratch(const struct wh_minirocket *m)
{
	return m->steps + 8 * (size_t)(m->n ? m->kernel[m->n - 1].dilation : 0) + m->steps;
}

/* One kernel over a series: m->steps results, in `scratch`. */
static const double *convolve(const struct wh_minirocket *m, const struct wh_minirocket_kernel *kernel, const double *series, double *scratch)
{
	size_t d = kernel->dilation, margin = 4 * d;
	double *sum = scratch + m->steps, *out = scratch;
	memset(sum, 0, (m->steps + 2 * margin) * sizeof *sum);
	for (uint32_t i = 0; i < kernel->n; i++) {
		const double *x = series + (size_t)m->channel[kernel->first + i] * m->steps;
		for (size_t t = 0; t < m->steps; t++)
			sum[margin + t] += x[t];
	}
	const double *a = sum + kernel->place[0] * d, *b = sum + kernel->place[1] * d, *c = sum + kernel->place[2] * d;
	for (size_t t = 0; t < m->steps; t++) {
		double all = 0;
		for (size_t i = 0; i < PLACES; i++)
			all += sum[t + i * d];
		out[t] = 3 * (a[t] + b[t] + c[t]) - all;
	}
	return out;
}

static int ascending(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

int wh_minirocket_fit(struct wh_minirocket *m, const double *const *examples, size_t n, struct wh_err *err)
{
	size_t all = n * m->steps;
	double *scratch = malloc((wh_minirocket_scratch(m) + all) * sizeof *scratch), *sorted = scratch + wh_minirocket_scratch(m);
	if (!scratch)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t k = 0; k < m->n; k++) {
		for (size_t i = 0; i < n; i++)
			memcpy(sorted + i * m->steps, convolve(m, &m->kernel[k], examples[i], scratch), m->steps * sizeof *sorted);
		qsort(sorted, all, sizeof *sorted, ascending);
		for (size_t j = 0; j < m->per; j++) { /* quantiles that fill the interval evenly, by the golden ratio */
			double q = fmod((double)(k * m->per + j + 1) * 0.6180339887498949, 1);
			m->bias[k * m->per + j] = sorted[(size_t)(q * (double)all)];
		}
	}
	free(scratch);
	return WH_OK;
}

void wh_minirocket_apply(const struct wh_minirocket *m, const double *series, double *scratch, float *feature)
{
	for (size_t k = 0; k < m->n; k++) {
		const double *out = convolve(m, &m->kernel[k], series, scratch);
		for (size_t j = 0; j < m->per; j++) {
			double bias = m->bias[k * m->per + j];
			unsigned above = 0;
			for (size_t t = 0; t < m->steps; t++)
				above += out[t] > bias;
			*feature++ = (float)((double)above / (double)m->steps);
		}
	}
}
