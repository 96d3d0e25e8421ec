/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/recalibrate.h"

#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"
#include "base/time.h"
#include "pipeline/fit.h"
#include "pipeline/renew.h"
#include "pipeline/verbs.h"

struct recalibrating {
	struct wh_call *call;
	struct wh_dataset data;
	struct wh_grouping now;
	struct wh_move *moves;
	size_t n_moves;
	struct wh_constraints constraints;
	struct wh_strtab used, names;
	struct wh_renewal renewal; /* where the store has several models */
};

static int make_new(struct recalibrating *r, struct wh_model *model, struct wh_err *err)
{
	struct wh_models old;
	struct wh_renaming renaming = { .old = &old, .used = &r->used };
	if (!wh_values_string(&r->call->input, "where")) /* else it may be that none of those is there */
		WH_TRY(wh_dataset_need(&r->data, err));
	WH_TRY(wh_fit_check(r->call, &r->data, err));
	WH_TRY(wh_models_only(&old, model, r->call, err));
	old.held.data[0]->unusable = !model->groups.n; /* it has nothing to continue */
	wh_strtab_init(&renaming.names, SIZE_MAX);
	int code = wh_renew(&renaming, &r->data, model, &r->constraints, &r->now, err);
	if (code == WH_OK)
		code = wh_list_moves(&r->now, &r->data, &r->moves, &r->n_moves, err);
	r->names = renaming.names; /* of the moves */
	wh_models_close(&old);
	return code;
}

static int emit(struct recalibrating *r, const struct wh_model *model, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	wh_emit_document(out, wh_verb_schema(r->call, "calibration", schema));
	wh_emit_integer(out, "observations", (int64_t)r->data.records.n);
	wh_emit_integer(out, "distinct", (int64_t)r->data.n_points);
	wh_emit_integer(out, "groups", (int64_t)r->now.n);
	wh_model_emit(model, out);
	wh_emit_array(out, "moves");
	for (size_t i = 0; i < r->n_moves; i++)
		wh_emit_move(&r->moves[i], out);
	wh_emit_end(out);
	return wh_emit_close(out, err);
}

/* Of several models: the moves of all, and each with its own. */
static int emit_all(struct recalibrating *r, const struct wh_model *model, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	size_t groups = 0;
	for (size_t i = 0; i < r->renewal.done.n; i++)
		groups += r->renewal.done.data[i].now.n;
	wh_emit_document(out, wh_verb_schema(r->call, "calibration", schema));
	wh_emit_integer(out, "observations", (int64_t)r->data.records.n);
	wh_emit_integer(out, "distinct", (int64_t)r->data.n_points);
	wh_emit_integer(out, "groups", (int64_t)groups);
	wh_model_emit(model, out);
	wh_emit_array(out, "moves");
	for (size_t i = 0; i < r->renewal.done.n; i++)
		for (size_t k = 0; k < r->renewal.done.data[i].n_moves; k++)
			wh_emit_move(&r->renewal.done.data[i].moves[k], out);
	wh_emit_end(out);
	WH_TRY(wh_renewal_emit(&r->renewal, out, err));
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
	bool several = standing->models.n_per;
	WH_TRY(wh_store_begin(standing->store, err));
	WH_TRY(wh_standing_load(standing, several ? WH_LOAD_ATTRIBUTES : 0, &r->data, err));
	if (several) {
		r->renewal = (struct wh_renewal){ .standing = standing };
		wh_models_close(&standing->models); /* what others may have changed until now counts */
		WH_TRY(wh_models_open(&standing->models, standing->store, r->call, err));
		WH_TRY(wh_models_open(&r->renewal.old, standing->store, r->call, err));
		WH_TRY(wh_renew_all(&r->renewal, &r->data, err));
		return wh_store_commit(standing->store, err);
	}
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
	bool several = standing.models.n_per;
	int code = WH_OK;
	if (several && wh_values_string(&r->call->options, "output"))
		code = wh_err_set(err, WH_E_USAGE, "--output is of one model, and %s has several", r->call->store);
	if (code == WH_OK)
		code = recalibrate_store(r, &standing, err);
	if (code != WH_OK)
		wh_store_rollback(standing.store);
	if (code == WH_OK && !several)
		code = write_model(r, &standing.model, err);
	if (code == WH_OK)
		code = several ? emit_all(r, &standing.model, out, err) : emit(r, &standing.model, out, err);
	wh_renewal_release(&r->renewal); /* before the models, which its names are of */
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
	wh_strtab_init(&r.names, SIZE_MAX);
	int code = call->n_operands ? from_files(&r, model, out, err) : from_store(&r, out, err);
	wh_grouping_release(&r.now);
	free(r.moves);
	wh_dataset_release(&r.data);
	wh_constraints_release(&r.constraints);
	wh_strtab_release(&r.used);
	wh_strtab_release(&r.names);
	return code;
}
