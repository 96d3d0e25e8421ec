/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/recalibrate.h"

#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"
#include "base/time.h"
#include "pipeline/fit.h"
#include "pipeline/regroup.h"
#include "pipeline/verbs.h"

struct recalibrating {
	struct wh_call *call;
	struct wh_dataset data;
	struct wh_grouping before, now; /* before: in the groups that the model had */
	struct wh_constraints constraints;
	struct wh_strtab used;
};

/* Which group of the model each observation is in; none where the model has none yet. */
static int find_old(struct recalibrating *r, struct wh_model *model, struct wh_err *err)
{
	for (size_t i = 0; i < r->data.records.n; i++)
		r->data.records.data[i].group = NULL;
	if (!model->groups.n)
		return WH_OK;
	WH_TRY(wh_group(&r->before, &r->data, model, NULL, err));
	for (size_t i = 0; i < r->data.records.n; i++)
		r->data.records.data[i].group = r->before.groups[r->before.of_point[r->data.records.data[i].point]].id;
	return WH_OK;
}

static int make_new(struct recalibrating *r, struct wh_model *model, struct wh_err *err)
{
	WH_TRY(wh_dataset_need(&r->data, err));
	WH_TRY(wh_fit_check(r->call, &r->data, err));
	WH_TRY(find_old(r, model, err));
	model->groups.n = 0;
	WH_TRY(wh_group(&r->now, &r->data, model, &r->constraints, err));
	WH_TRY(wh_continue_ids(&r->now, &r->data, &r->used, err));
	wh_group_name_model(&r->now, model);
	return WH_OK;
}

static int emit(struct recalibrating *r, const struct wh_model *model, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	struct wh_move *moves;
	size_t n;
	WH_TRY(wh_list_moves(&r->now, &r->data, &moves, &n, err));
	wh_emit_document(out, wh_verb_schema(r->call, "calibration", schema));
	wh_emit_integer(out, "observations", (int64_t)r->data.records.n);
	wh_emit_integer(out, "distinct", (int64_t)r->data.n_points);
	wh_emit_integer(out, "groups", (int64_t)r->now.n);
	wh_model_emit(model, out);
	wh_emit_array(out, "moves");
	for (size_t i = 0; i < n; i++)
		wh_emit_move(&moves[i], out);
	wh_emit_end(out);
	free(moves);
	return wh_emit_close(out, err);
}

/* ---- in a store ---- */

/* Groups that the store does not have yet; old ones stay: what is in them stays there. */
static int keep_groups(struct recalibrating *r, struct wh_standing *standing, struct wh_err *err)
{
	const char *noun = r->call->signal->noun;
	for (size_t g = 0; g < r->now.n; g++) {
		const struct wh_group *group = &r->now.groups[g];
		struct wh_store_group row = { .id = group->id, .created_ns = wh_time_now(), .model = standing->model.number,
					      .fingerprint = r->data.records.data[group->first].fingerprint };
		if (wh_strtab_find(&r->used, group->id, strlen(group->id)) == WH_STRTAB_NONE)
			WH_TRY(wh_store_add_group(standing->store, noun, &row, err));
	}
	return WH_OK;
}

static int recalibrate_store(struct recalibrating *r, struct wh_standing *standing, struct wh_err *err)
{
	WH_TRY(wh_store_begin(standing->store, err));
	WH_TRY(wh_standing_load(standing, 0, &r->data, err));
	WH_TRY(wh_standing_constraints(standing, &r->data, &r->constraints, err));
	WH_TRY(wh_standing_group_ids(standing, &r->used, err));
	WH_TRY(make_new(r, &standing->model, err));
	standing->stored_model = false;
	WH_TRY(wh_standing_keep_model(standing, &r->data, err));
	WH_TRY(keep_groups(r, standing, err));
	return wh_store_commit(standing->store, err);
}

/* ---- the whole ---- */

static int write_model(const struct recalibrating *r, const struct wh_model *model, struct wh_err *err)
{
	const char *path = wh_values_string(&r->call->options, "output");
	return path ? wh_model_write(model, &r->data, path, err) : WH_OK;
}

static int from_store(struct recalibrating *r, struct wh_emit *out, struct wh_err *err)
{
	struct wh_standing standing;
	WH_TRY(wh_standing_open(&standing, r->call, WH_STORE_WRITE, err));
	int code = recalibrate_store(r, &standing, err);
	if (code != WH_OK)
		wh_store_rollback(standing.store);
	if (code == WH_OK)
		code = write_model(r, &standing.model, err);
	if (code == WH_OK)
		code = emit(r, &standing.model, out, err);
	wh_standing_close(&standing);
	return code;
}

static int from_files(struct recalibrating *r, struct wh_model *model, struct wh_emit *out, struct wh_err *err)
{
	WH_TRY(wh_dataset_load(&r->data, r->call, model, 0, err));
	WH_TRY(make_new(r, model, err));
	WH_TRY(write_model(r, model, err));
	return emit(r, model, out, err);
}

int wh_recalibrate(struct wh_call *call, struct wh_model *model, struct wh_emit *out, struct wh_err *err)
{
	struct recalibrating r = { .call = call };
	wh_strtab_init(&r.used, SIZE_MAX);
	int code = call->n_operands ? from_files(&r, model, out, err) : from_store(&r, out, err);
	wh_grouping_release(&r.before);
	wh_grouping_release(&r.now);
	wh_dataset_release(&r.data);
	wh_constraints_release(&r.constraints);
	wh_strtab_release(&r.used);
	return code;
}
