/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/fit.h"

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
