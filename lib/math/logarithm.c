/* SPDX-License-Identifier: Apache-2.0 */
#include "math/logarithm.h"

#include <stdint.h>
#include <string.h>

#include "math/clones.h"

enum { LANES = 16 };

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4)));
typedef uint32_t bits __attribute__((vector_size(4 * LANES), aligned(4)));

WH_CLONES
static void signed_log1p(size_t n, const float *x, float *y)
{
	const uint32_t one = 0x3f800000, root = 0x3f3504f3, magnitude = 0x7fffffff; /* 1, sqrt(1/2), all but the sign */
	const lanes zero = { 0 }, farthest = zero + WH_LOG_FARTHEST;
	for (size_t i = 0; i < n; i += LANES) {
		size_t some = n - i < LANES ? n - i : LANES;
		lanes at = zero;
		if (some == LANES)
			at = *(const lanes *)(const void *)(x + i);
		else
			memcpy(&at, x + i, some * sizeof *x);
		bits sign = (bits)at & ~magnitude, far = (bits)at & magnitude;
		bits beyond = (bits)((lanes)far > farthest);
		lanes a = (lanes)((far & ~beyond) | ((bits)farthest & beyond));
		ints e = ((ints)(1 + a) - (int32_t)root) >> 23;
		lanes shrink = (lanes)(one - ((bits)e << 23)); /* 2^-e */
		lanes f = a * shrink + (shrink - 1), exponent = __builtin_convertvector(e, lanes);
		lanes p = 0.0674664304f * f - 0.116756566f;
		p = p * f + 0.118881635f;
		p = p * f - 0.124055885f;
		p = p * f + 0.142195523f;
		p = p * f - 0.166679963f;
		p = p * f + 0.200021192f;
		p = p * f - 0.250000089f;
		p = p * f + 0.333333135f;
		lanes square = f * f;
		lanes rest = p * f * square - 0.5f * square - 2.12194440e-4f * exponent; /* log 2 in two parts, products with the first are exact */
		lanes result = (lanes)((bits)(f + rest + 0.693359375f * exponent) | sign);
		if (some == LANES)
			*(lanes *)(void *)(y + i) = result;
		else
			memcpy(y + i, &result, some * sizeof *y);
	}
}

void wh_signed_log1p(size_t n, const float *x, float *y)
{
	signed_log1p(n, x, y);
}
