/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/calibrate.h"

#include <stdio.h>

enum { FEWEST = 20 };

static const double SATURATED_BELOW = 0.1, SPARSE_ABOVE = 0.6, SPARSE_RANGE = 0.15, TIGHTEST = 0.4;

static double strictness(double unseen)
{
	if (unseen < SATURATED_BELOW)
		return 1 - unseen / SATURATED_BELOW;
	double sparse = (unseen - SPARSE_ABOVE) / SPARSE_RANGE;
	return sparse < 0 ? 0 : sparse > 1 ? 1 : sparse;
}

void wh_saturation(const struct wh_dataset *data, double default_d, struct wh_saturation *s)
{
	*s = (struct wh_saturation){ .d = default_d };
	for (size_t i = 0; i < data->records.n; i++) {
		const struct wh_record *record = &data->records.data[i];
		s->n += !record->empty;
		s->once += !record->empty && data->weight[record->point] == 1;
	}
	s->unseen = s->n ? (double)s->once / (double)s->n : 1;
	if (s->n >= FEWEST)
		s->d = default_d * (1 - TIGHTEST * strictness(s->unseen));
}

int wh_calibrate_default(struct wh_model *model, const struct wh_call *call, const struct wh_dataset *data, struct wh_err *err)
{
	struct wh_saturation s;
	char text[32];
	if (model->method->group || wh_values_given(&model->params, "d"))
		return WH_OK;
	double before = wh_values_real(&model->params, "d");
	wh_saturation(data, before, &s);
	if (s.d >= before)
		return WH_OK;
	wh_host_log(call->host, WH_INFO, "calibrated: %.1f %% of the fingerprints are seen once, so d is %.3f instead of %.3f", 100 * s.unseen,
		    s.d, before);
	snprintf(text, sizeof text, "%.4f", s.d);
	return wh_values_set(&model->params, "d", text, err);
}
