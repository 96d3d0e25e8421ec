/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/growth.h"

#include <float.h>
#include <math.h>

#include "method/kaboom/known.h"

enum { WINDOWS = 4, FEWER = 3, EDGE = 3, PARTS = 8 };

static double median(const struct wh_change *changes, size_t n, uint32_t first, uint32_t steps)
{
	double v[EDGE];
	wh_known_expand(changes, n, first, steps, v);
	if (steps == 1)
		return v[0];
	if (steps == 2)
		return v[0] / 2 + v[1] / 2;
	return fmax(fmin(v[0], v[1]), fmin(fmax(v[0], v[1]), v[2]));
}

/* f and m3 as of the first n_steps, in which there are n changes. */
static void growth_until(const struct wh_change *known, size_t n, uint32_t n_steps, double *f, double *straight)
{
	double path = 0, rate[WINDOWS], even[WINDOWS], slowest = INFINITY, least = 1;
	size_t at = n;
	*f = *straight = 0;
	if (n < 2 || n_steps < 2)
		return;
	for (int w = WINDOWS - 1; w >= 0; w--) { /* the shortest first: a longer one has all of its way */
		uint32_t part = 1u << w, steps = (n_steps + part - 1) / part;
		steps = steps < 2 ? 2 : steps;
		uint32_t edge = steps / 2 < EDGE ? steps / 2 : EDGE, first = n_steps - steps;
		while (at > 1 && known[at - 1].step > first) {
			path += fabs(known[at - 1].value - known[at - 2].value);
			at--;
		}
		double gain = fmin(DBL_MAX, fmax(0, median(known, n, n_steps - edge, edge) - median(known, n, first, edge)));
		rate[w] = fmin(DBL_MAX, gain * part);
		even[w] = path > 0 ? fmin(1, gain / path) : 0;
	}
	for (int w = 0; w < WINDOWS; w++) {
		slowest = fmin(slowest, rate[w]);
		least = fmin(least, even[w]);
		if (w == FEWER - 1) {
			*straight = least;
			*f = sqrt(sqrt(slowest)) * least / 2;
		}
	}
	*f += sqrt(sqrt(slowest)) * least / 2;
}

struct wh_growth wh_growth_of(const struct wh_metric *metric, uint32_t n_steps, bool earlier, struct wh_change *known)
{
	struct wh_growth growth = { 0 };
	size_t n = n_steps < 2 ? 0 : wh_known_changes(metric, n_steps, known);
	growth_until(known, n, n_steps, &growth.f, &growth.straight);
	growth.earlier[0] = growth.f;
	for (uint32_t end = 1; earlier && end < WH_GROWTH_ENDS; end++) {
		uint32_t steps = (uint32_t)(((uint64_t)n_steps * (PARTS - end) + PARTS - 1) / PARTS);
		double straight;
		while (n && known[n - 1].step >= steps)
			n--;
		growth_until(known, n, steps, &growth.earlier[end], &straight);
	}
	return growth;
}

double wh_growth_earlier(const struct wh_growth *growth)
{
	double sum = 0;
	for (size_t end = 0; end < WH_GROWTH_ENDS; end++)
		sum += sqrt(growth->earlier[end]);
	return sum;
}

double wh_growth_still(const struct wh_growth *growths, size_t n)
{
	double square[WH_GROWTH_ENDS] = { 0 }, most = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t end = 0; end < WH_GROWTH_ENDS; end++)
			square[end] += growths[i].earlier[end] * growths[i].earlier[end];
	for (size_t end = 0; end < WH_GROWTH_ENDS; end++)
		most = fmax(most, square[end]);
	return most > 0 ? sqrt(square[0] / most) : 1;
}

int wh_growths(const struct wh_session *session, bool earlier, struct wh_arena *arena, struct wh_growth **result, struct wh_err *err)
{
	size_t most = 0;
	for (size_t i = 0; i < session->n_metrics; i++)
		most = session->metrics[i].n_changes > most ? session->metrics[i].n_changes : most;
	struct wh_growth *growths = wh_arena_alloc(arena, (session->n_metrics + 1) * sizeof *growths);
	struct wh_change *known = wh_arena_alloc(arena, (most + 1) * sizeof *known);
	if (!growths || !known)
		return wh_arena_error(arena, err);
	for (size_t i = 0; i < session->n_metrics; i++)
		growths[i] = wh_growth_of(&session->metrics[i], session->n_steps, earlier, known);
	*result = growths;
	return WH_OK;
}
