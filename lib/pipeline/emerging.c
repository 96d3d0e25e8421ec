/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/emerging.h"

#include <math.h>
#include <stdlib.h>

static int locate(struct wh_emerging *e, struct wh_err *err)
{
	size_t n = e->data->n_points;
	e->at = calloc(n + 1, sizeof *e->at);
	e->order = malloc((e->data->records.n + 1) * sizeof *e->order);
	if (!e->at || !e->order || wh_dataset_by_time(e->data, e->order) != WH_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		WH_TRY(wh_space_locate(&e->space, e->model, i, &e->at[i], err));
	return WH_OK;
}

int wh_emerging_open(struct wh_emerging *e, const struct wh_model *model, const struct wh_dataset *data, struct wh_err *err)
{
	*e = (struct wh_emerging){ .model = model, .data = data };
	if (!model->method->group)
		return wh_err_set(err, WH_E_USAGE, "%s compares: it has no notion of what is new to a model", model->method->name);
	if (!model->groups.n)
		return wh_err_set(err, WH_E_USAGE, "no model that has groups: make one with train, or assign into a store first");
	WH_TRY(wh_space_open(&e->space, model, data->points, data->n_points, err));
	int code = locate(e, err);
	if (code != WH_OK)
		wh_emerging_close(e);
	return code;
}

void wh_emerging_close(struct wh_emerging *e)
{
	wh_space_close(&e->space);
	free(e->at);
	free(e->order);
	*e = (struct wh_emerging){ 0 };
}

int wh_emerging_judge(const struct wh_emerging *e, size_t first, size_t end, struct wh_emerging_window *window, struct wh_err *err)
{
	size_t *count = calloc(e->model->groups.n + 1, sizeof *count);
	*window = (struct wh_emerging_window){ .n = end - first };
	if (!count)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = first; i < end; i++) {
		const struct wh_location *at = &e->at[e->data->records.data[e->order[i]].point];
		count[at->group]++;
		window->n_new += at->is_new;
	}
	int code = e->model->method->window_p_value(e->space.state, count, window->n_new, &window->p_value, err);
	free(count);
	return code;
}
