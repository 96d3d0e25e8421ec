/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "arrays are written as they lie in memory"
#endif

/* ---- writing ---- */

void wh_state_put_count(struct wh_str *out, uint64_t v)
{
	wh_str_add(out, (const char *)&v, sizeof v);
}

void wh_state_put_real(struct wh_str *out, double v)
{
	wh_str_add(out, (const char *)&v, sizeof v);
}

void wh_state_put_bytes(struct wh_str *out, struct wh_bytes bytes)
{
	wh_state_put_count(out, bytes.size);
	wh_str_add(out, bytes.data, bytes.size);
}

void wh_state_put_floats(struct wh_str *out, const float *v, size_t n)
{
	wh_state_put_count(out, n);
	wh_str_add(out, (const char *)v, n * sizeof *v);
}

/* ---- reading ---- */

struct wh_state_reader wh_state_open(struct wh_bytes bytes)
{
	return (struct wh_state_reader){ (const unsigned char *)bytes.data, (const unsigned char *)bytes.data + bytes.size, false };
}

static bool take(struct wh_state_reader *r, void *to, size_t size)
{
	if (r->bad || (size_t)(r->end - r->at) < size) {
		r->bad = true;
		return false;
	}
	memcpy(to, r->at, size);
	r->at += size;
	return true;
}

uint64_t wh_state_count(struct wh_state_reader *r)
{
	uint64_t v = 0;
	return take(r, &v, sizeof v) ? v : 0;
}

size_t wh_state_count_of(struct wh_state_reader *r, size_t bytes_each)
{
	uint64_t n = wh_state_count(r);
	r->bad |= n > (size_t)(r->end - r->at) / bytes_each;
	return r->bad ? 0 : (size_t)n;
}

double wh_state_real(struct wh_state_reader *r)
{
	double v = 0;
	if (!take(r, &v, sizeof v))
		return 0;
	r->bad |= !isfinite(v);
	return r->bad ? 0 : v;
}

struct wh_bytes wh_state_bytes(struct wh_state_reader *r)
{
	size_t n = wh_state_count_of(r, 1);
	struct wh_bytes bytes = { (const char *)r->at, n };
	r->at += n;
	return bytes;
}

float *wh_state_floats(struct wh_state_reader *r, size_t n)
{
	r->bad |= wh_state_count_of(r, sizeof(float)) != n;
	float *v = r->bad ? NULL : malloc((n + 1) * sizeof *v);
	if (!v)
		return NULL;
	if (n)
		take(r, v, n * sizeof *v);
	for (size_t i = 0; i < n; i++)
		r->bad |= !isfinite(v[i]);
	if (!r->bad)
		return v;
	free(v);
	return NULL;
}

int wh_state_check(const struct wh_state_reader *r, bool whole, struct wh_err *err)
{
	return r->bad || (whole && r->at != r->end) ? wh_err_set(err, WH_E_FORMAT, "model: broken state") : WH_OK;
}
