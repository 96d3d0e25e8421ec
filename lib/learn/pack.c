/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void wh_pack_u64(struct wh_str *out, uint64_t v)
{
	wh_str_add(out, (const char *)&v, sizeof v);
}

void wh_pack_real(struct wh_str *out, double v)
{
	wh_str_add(out, (const char *)&v, sizeof v);
}

void wh_pack_floats(struct wh_str *out, const float *x, size_t n)
{
	if (n)
		wh_str_add(out, (const char *)x, n * sizeof *x);
}

void wh_pack_u32s(struct wh_str *out, const uint32_t *x, size_t n)
{
	if (n)
		wh_str_add(out, (const char *)x, n * sizeof *x);
}

void wh_pack_bytes(struct wh_str *out, struct wh_bytes bytes)
{
	wh_pack_u64(out, bytes.size);
	wh_str_add(out, bytes.data, bytes.size);
}

/* n elements of that size, or NULL: failed. */
static const void *take(struct wh_unpack *in, size_t n, size_t size)
{
	size_t bytes;
	if (in->failed || __builtin_mul_overflow(n, size, &bytes) || bytes > in->rest.size) {
		in->failed = true;
		return NULL;
	}
	const void *at = in->rest.data;
	in->rest.data += bytes;
	in->rest.size -= bytes;
	return at;
}

uint64_t wh_unpack_u64(struct wh_unpack *in)
{
	uint64_t v = 0;
	const void *at = take(in, 1, sizeof v);
	if (at)
		memcpy(&v, at, sizeof v);
	return v;
}

size_t wh_unpack_size(struct wh_unpack *in, size_t least, size_t most)
{
	uint64_t v = wh_unpack_u64(in);
	if (v < least || v > most)
		in->failed = true;
	return in->failed ? least : (size_t)v;
}

double wh_unpack_real(struct wh_unpack *in)
{
	double v = 0;
	const void *at = take(in, 1, sizeof v);
	if (at)
		memcpy(&v, at, sizeof v);
	if (!isfinite(v)) {
		in->failed = true;
		return 0;
	}
	return v;
}

void wh_unpack_floats_to(struct wh_unpack *in, float *x, size_t n)
{
	const void *at = take(in, n, sizeof *x);
	if (at && n)
		memcpy(x, at, n * sizeof *x);
	else if (n)
		memset(x, 0, n * sizeof *x);
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			in->failed = true;
}

/* Never more memory than there are bytes to fill it with. */
static void *room(struct wh_unpack *in, size_t n, size_t size)
{
	if (in->failed || n > in->rest.size / size) {
		in->failed = true;
		return NULL;
	}
	void *x = malloc(n ? n * size : 1);
	if (!x)
		in->failed = in->no_memory = true;
	return x;
}

float *wh_unpack_floats(struct wh_unpack *in, size_t n)
{
	float *x = room(in, n, sizeof *x);
	if (x)
		wh_unpack_floats_to(in, x, n);
	return x;
}

uint32_t *wh_unpack_u32s(struct wh_unpack *in, size_t n, uint32_t below)
{
	uint32_t *x = room(in, n, sizeof *x);
	const void *at = x ? take(in, n, sizeof *x) : NULL;
	if (!at)
		return x;
	if (n)
		memcpy(x, at, n * sizeof *x);
	for (size_t i = 0; i < n; i++)
		if (x[i] >= below)
			in->failed = true;
	return x;
}

struct wh_bytes wh_unpack_bytes(struct wh_unpack *in)
{
	size_t n = wh_unpack_size(in, 0, SIZE_MAX);
	const char *at = take(in, n, 1);
	return (struct wh_bytes){ at ? at : "", at ? n : 0 };
}

int wh_unpack_check(const struct wh_unpack *in, bool all, const char *what, struct wh_err *err)
{
	if (in->no_memory)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (in->failed || (all && in->rest.size))
		return wh_err_set(err, WH_E_FORMAT, "%s: damaged", what);
	return WH_OK;
}
