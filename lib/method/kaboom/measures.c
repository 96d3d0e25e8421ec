/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/measures.h"

#include <float.h>
#include <math.h>

/* A run of steps that have one value, as they pass. */
struct passing {
	double first, last; /* known ones; NaN: none yet */
	double sum;
	uint64_t n_present;
};

static void pass(struct passing *p, double value, uint32_t steps)
{
	if (!steps || isnan(value))
		return;
	if (isnan(p->first))
		p->first = value;
	p->last = value;
	if (value != 0) {
		p->sum += value * steps;
		p->n_present += steps;
	}
}

static double bounded(double v)
{
	return fmax(-DBL_MAX, fmin(DBL_MAX, v));
}

struct wh_measure wh_measure_metric(const struct wh_metric *metric, uint32_t first, uint32_t n)
{
	struct passing p = { .first = NAN, .last = NAN };
	uint32_t at = first, end = first + n;
	double holds = 0;
	for (size_t i = 0; i < metric->n_changes && metric->changes[i].step < end; i++) {
		const struct wh_change *change = &metric->changes[i];
		if (change->step > at) {
			pass(&p, holds, change->step - at);
			at = change->step;
		}
		holds = change->value;
	}
	pass(&p, holds, end - at);
	return (struct wh_measure){
		.metric = metric->name,
		.growth = isnan(p.first) ? 0 : bounded(p.last - p.first),
		.mean = p.n_present ? bounded(p.sum / (double)p.n_present) : 0,
		.present = p.n_present > 0,
	};
}

int wh_measures(struct wh_bytes fingerprint, uint32_t steps, struct wh_arena *arena, const struct wh_measure **result, size_t *n, struct wh_err *err)
{
	struct wh_session *session = &(struct wh_session){ 0 };
	if (fingerprint.size)
		WH_TRY(wh_session_unpack(fingerprint, arena, &session, err));
	struct wh_measure *measures = wh_arena_alloc(arena, (session->n_metrics + 1) * sizeof *measures);
	if (!measures)
		return wh_arena_error(arena, err);
	uint32_t first = steps && steps < session->n_steps ? session->n_steps - steps : 0;
	double largest = 0, grown = 0;
	for (size_t i = 0; i < session->n_metrics; i++) {
		measures[i] = wh_measure_metric(&session->metrics[i], first, session->n_steps - first);
		largest = fmax(largest, measures[i].growth);
	}
	for (size_t i = 0; largest > 0 && i < session->n_metrics; i++) { /* shares of the largest add up without overflow */
		measures[i].share = fmax(0, measures[i].growth) / largest;
		grown += measures[i].share;
	}
	for (size_t i = 0; largest > 0 && i < session->n_metrics; i++)
		measures[i].share /= grown;
	*result = measures;
	*n = session->n_metrics;
	return WH_OK;
}
