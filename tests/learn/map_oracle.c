/* SPDX-License-Identifier: Apache-2.0 */
/* What maps.py asks: one question a line, one line of numbers back. Not a test of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/tsne.h"
#include "math/fft.h"

static float *numbers(size_t n)
{
	float *x = aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);
	for (size_t i = 0; i < n; i++)
		if (!x || scanf("%f", &x[i]) != 1)
			exit(1);
	return x;
}

/* N, and so many complex numbers: their transform */
static int transform(size_t n)
{
	float *x = numbers(2 * n), *lanes = aligned_alloc(64, 4 * n * WH_FFT_LANES * sizeof *lanes);
	struct wh_fft fft;
	struct wh_err err;
	if (!lanes || wh_fft_init(&fft, n, &err) != WH_OK)
		return 1;
	memset(lanes, 0, 4 * n * WH_FFT_LANES * sizeof *lanes);
	for (size_t i = 0; i < n; i++) {
		lanes[i * WH_FFT_LANES + 3] = x[2 * i];
		lanes[(n + i) * WH_FFT_LANES + 3] = x[2 * i + 1];
	}
	wh_fft_lanes(&fft, lanes, lanes + n * WH_FFT_LANES, lanes + 2 * n * WH_FFT_LANES);
	for (size_t i = 0; i < n; i++)
		printf("%.9g %.9g ", (double)lanes[i * WH_FFT_LANES + 3], (double)lanes[(n + i) * WH_FFT_LANES + 3]);
	wh_fft_release(&fft);
	free(lanes);
	free(x);
	return 0;
}

/* N D KIND, the points, and a map of them by another: the divergence of ours, and of that */
static int map(size_t n)
{
	size_t d;
	int kind;
	if (scanf("%zu %d", &d, &kind) != 2)
		return 1;
	float *x = numbers(n * d), *theirs = numbers(2 * n), *ours = calloc(2 * n, sizeof *ours);
	const struct wh_host host = { .threads = 1, .seed = 1 };
	struct wh_tsne_params params = wh_tsne_defaults;
	struct wh_affinity affinity;
	double our_divergence, their_divergence;
	struct wh_err err;
	params.repulsion = (enum wh_repulsion_kind)kind;
	if (!ours || wh_tsne(x, n, d, &params, &host, ours, NULL, &err) != WH_OK || wh_affinity_init(&affinity, x, n, d, params.perplexity, &host, &err) != WH_OK)
		return 1;
	if (wh_tsne_divergence(&affinity, ours, WH_REPULSION_EXACT, &host, &our_divergence, NULL, &err) != WH_OK ||
	    wh_tsne_divergence(&affinity, theirs, WH_REPULSION_EXACT, &host, &their_divergence, NULL, &err) != WH_OK)
		return 1;
	printf("%.9g %.9g", our_divergence, their_divergence);
	wh_affinity_release(&affinity);
	free(x);
	free(theirs);
	free(ours);
	return 0;
}

int main(void)
{
	char what[16];
	size_t n;
	while (scanf("%15s %zu", what, &n) == 2) {
		if (!strcmp(what, "transform") ? transform(n) : !strcmp(what, "map") ? map(n) : 1)
			return 1;
		putchar('\n');
	}
	return 0;
}
