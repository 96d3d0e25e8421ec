/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/quality.h"

enum { LEAST = 20 };

int wh_fit_check(const struct wh_call *call, const struct wh_dataset *data, struct wh_err *err)
{
	bool said = wh_values_find(&call->options, "least") >= 0;
	int64_t least = said ? wh_values_int(&call->options, "least") : LEAST;
	if ((int64_t)data->records.n >= least)
		return WH_OK;
	return wh_err_set(err, WH_E_USAGE, "%zu observations are too few to make %ss of: at least %lld%s", data->records.n,
			  call->signal->group_noun, (long long)least, said ? " (see --least)" : "");
}

int wh_fit(struct wh_standing *standing, struct wh_dataset *data, struct wh_err *err)
{
	struct wh_grouping grouping = { 0 };
	struct wh_constraints constraints = { 0 };
	int code = wh_fit_check(standing->call, data, err);
	if (code == WH_OK)
		code = wh_standing_constraints(standing, data, &constraints, err);
	if (code == WH_OK)
		code = wh_group(&grouping, data, &standing->model, &constraints, err);
	wh_constraints_release(&constraints);
	wh_grouping_release(&grouping);
	return code;
}

int wh_fit_judge(const struct wh_dataset *data, const struct wh_grouping *grouping, size_t *n_classes, double *f, struct wh_err *err)
{
	uint32_t *truth = NULL;
	struct wh_quality quality;
	size_t n = 0;
	*f = NAN;
	WH_TRY(wh_label_numbers(data, &truth, n_classes, err));
	uint32_t *group = malloc((data->records.n + 1) * sizeof *group), *number = malloc((grouping->n + 1) * sizeof *number), next = 0;
	int code = group && number ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		memset(number, 0xff, (grouping->n + 1) * sizeof *number);
	for (size_t i = 0; code == WH_OK && i < data->records.n; i++)
		if (truth[i] != WH_NO_LABEL) { /* groups without a label have no number */
			uint32_t *of = &number[grouping->of_point[data->records.data[i].point]];
			*of = *of == UINT32_MAX ? next++ : *of;
			truth[n] = truth[i];
			group[n++] = *of;
		}
	if (code == WH_OK && n)
		code = wh_quality(n, truth, group, &quality, err);
	if (code == WH_OK && n)
		*f = quality.f;
	free(truth);
	free(group);
	free(number);
	return code;
}
