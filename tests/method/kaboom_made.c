/* SPDX-License-Identifier: Apache-2.0 */
#include "kaboom.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int code, const struct wh_err *err)
{
	if (code != WH_OK) {
		fprintf(stderr, "%s\n", err->message);
		abort();
	}
}

void made_init(struct made *m)
{
	*m = (struct made){ 0 };
	wh_arena_init(&m->arena, SIZE_MAX);
	wh_session_builder_init(&m->builder, &m->arena);
}

void made_release(struct made *m)
{
	wh_session_builder_release(&m->builder);
	wh_vec_release(&m->sessions);
	wh_arena_release(&m->arena);
}

void made_finish(struct made *m, struct wh_session **session)
{
	struct wh_err err = { 0 };
	struct wh_str packed = { 0 };
	struct wh_session *made;
	must(wh_session_builder_finish(&m->builder, WH_SESSION_CHANGES, &made, NULL, &err), &err);
	wh_session_pack(made, &packed);
	must(wh_str_check(&packed, &err), &err);
	char *copy = wh_arena_strndup(&m->arena, packed.data, packed.n);
	if (!copy || wh_vec_push(&m->sessions, (struct wh_bytes){ copy, packed.n }))
		abort();
	wh_str_release(&packed);
	if (session)
		*session = made;
}

static void put(struct made *m, const char *name, unsigned step, double value)
{
	wh_session_builder_row(&m->builder, name, strlen(name), step, value);
}

void made_leak(struct made *m, struct wh_rng *rng, unsigned type, unsigned metrics, unsigned steps)
{
	char name[32];
	double rate[3] = { 40 + 60 * wh_rng_real(rng), 20 + 20 * wh_rng_real(rng), 5 + 5 * wh_rng_real(rng) };
	unsigned full = 5 + (unsigned)wh_rng_below(rng, steps / 2);
	for (unsigned k = 0; k < metrics; k++) {
		if (wh_rng_below(rng, 3)) /* a screen that was not visited */
			continue;
		snprintf(name, sizeof name, "screen%03u", k);
		double level = floor(100 * wh_rng_real(rng));
		unsigned until = (unsigned)wh_rng_below(rng, steps);
		for (unsigned t = 0; t < steps; t += 1 + (unsigned)wh_rng_below(rng, 9))
			put(m, name, t, t < until ? level + (double)wh_rng_below(rng, 5) : 0);
	}
	for (unsigned t = 0; t < steps; t++) {
		for (unsigned k = 0; k < 3; k++) {
			snprintf(name, sizeof name, "leak%u.%u", type, k);
			put(m, name, t, floor(10 + rate[k] * t));
		}
		put(m, "cache", t, 200 * (t < full ? t : full) / full);
		put(m, "steady", t, 5000);
	}
}

void made_gauges(struct made *m, struct wh_rng *rng, unsigned kind, unsigned steps)
{
	char name[32];
	for (unsigned k = 0; k < 5; k++) {
		double mean = 10 * wh_rng_real(rng), phase = 6 * wh_rng_real(rng);
		snprintf(name, sizeof name, "gauge%u", k);
		for (unsigned t = 0; t < steps; t++) {
			double noise = 0.1 * wh_rng_real(rng), level = mean + 8 * sin(phase + t * (0.2 + 0.5 * ((k + kind) % 4)));
			put(m, name, t, steps == 1 ? floor((k % 4 == kind ? 900 : 20) * (1 + noise)) : level + noise);
		}
	}
}

void made_any(struct made *m, struct wh_rng *rng, struct wh_session **session)
{
	static const double odd[] = { 0, 0, 1, -3.5, 1e300, -1e300, 7, 1e-300 };
	char name[32];
	size_t n = wh_rng_below(rng, 12);
	unsigned steps = 1 + (unsigned)wh_rng_below(rng, 30);
	for (size_t k = 0; k < n; k++) {
		snprintf(name, sizeof name, "m%02u", (unsigned)wh_rng_below(rng, 20));
		for (unsigned t = 0; t < steps; t++)
			if (wh_rng_below(rng, 3) == 0)
				put(m, name, t, wh_rng_below(rng, 6) == 0 ? NAN : wh_rng_below(rng, 4) ? floor(50 * wh_rng_real(rng)) : odd[wh_rng_below(rng, 8)]);
	}
	made_finish(m, session);
}
