/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/standing.h"

#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"
#include "pipeline/labels.h"
#include "pipeline/load.h"

enum { TRANSACTION = 20000 }; /* observations acknowledged together */

/* ---- life ---- */

struct opening {
	struct wh_model *model;
	const struct wh_call *call;
	struct wh_err *err;
	int code;
};

static int open_stored(void *user, const struct wh_store_model *stored, struct wh_err *err)
{
	struct opening *o = user;
	o->code = wh_model_open_bytes(o->model, o->call, stored->file, err);
	if (o->code == WH_OK)
		o->model->number = stored->number;
	return o->code;
}

static bool model_asked_for(const struct wh_call *call)
{
	return wh_values_find(&call->options, "model") >= 0 && wh_values_string(&call->options, "model");
}

static bool anything_given(const struct wh_values *values)
{
	for (size_t i = 0; i < values->n; i++)
		if (values->given[i])
			return true;
	return false;
}

static int open_model(struct wh_standing *standing, struct wh_err *err)
{
	const struct wh_call *call = standing->call;
	struct opening opening = { .model = &standing->model, .call = call };
	if (model_asked_for(call))
		return wh_model_open(&standing->model, call, err);
	WH_TRY(wh_models_open(&standing->models, standing->store, call, err));
	if (standing->models.n_per) {
		int several = wh_models_read_any(&standing->models, &standing->model, err);
		standing->stored_model = several == WH_OK;
		return several == WH_OK ? WH_OK : wh_err_wrap(err, several, "%s: models", call->store);
	}
	wh_models_close(&standing->models);
	int code = wh_store_get_model(standing->store, call->signal->noun, 0, open_stored, &opening, err);
	if (code == WH_E_NOTFOUND && opening.code == WH_OK)
		return wh_model_open(&standing->model, call, err);
	standing->stored_model = code == WH_OK && !anything_given(&call->params) && !anything_given(&call->settings);
	return code == WH_OK ? WH_OK : wh_err_wrap(err, code, "%s: model", call->store);
}

int wh_standing_open(struct wh_standing *standing, const struct wh_call *call, enum wh_store_mode mode, struct wh_err *err)
{
	*standing = (struct wh_standing){ .call = call };
	WH_TRY(wh_store_open(&standing->store, call->store, mode, err));
	int code = open_model(standing, err);
	if (code == WH_OK && !standing->models.n_per)
		code = wh_models_only(&standing->models, &standing->model, call, err);
	if (code != WH_OK)
		wh_standing_close(standing);
	return code;
}

void wh_standing_close(struct wh_standing *standing)
{
	wh_models_close(&standing->models);
	wh_model_release(&standing->model);
	wh_store_close(standing->store);
	standing->store = NULL;
}

int wh_standing_model(struct wh_model *model, const struct wh_call *call, struct wh_err *err)
{
	struct wh_standing standing;
	if (model_asked_for(call) || (call->n_operands && !call->store_given))
		return wh_model_open(model, call, err);
	struct wh_err why = { 0 };
	int code = wh_standing_open(&standing, call, WH_STORE_READ, &why);
	if (code == WH_E_NOTFOUND && call->n_operands)
		return wh_model_open(model, call, err);
	if (code != WH_OK)
		return wh_err_set(err, code, "%s", why.message);
	*model = standing.model;
	standing.model = (struct wh_model){ 0 };
	wh_standing_close(&standing);
	return WH_OK;
}

/* ---- import ---- */

struct importing {
	struct wh_standing *standing;
	struct wh_imported *done;
	struct wh_labels *labels; /* NULL: those that the observations brought */
	struct wh_interner *strings;
	struct wh_ids ids;
	size_t open; /* observations in the transaction */
};

static int add_record(struct importing *importing, const struct wh_record *record, struct wh_err *err)
{
	struct wh_standing *standing = importing->standing;
	struct wh_store_observation o = {
		.id = record->id,
		.time_ns = record->time_ns == INT64_MAX ? WH_STORE_NO_TIME : record->time_ns,
		.label = record->label,
		.body = record->body,
		.body_hash = record->body_hash,
		.fingerprint = record->fingerprint,
	};
	bool added;
	WH_TRY(wh_store_add(standing->store, standing->call->signal->noun, &o, &added, err));
	importing->done->added += added;
	importing->done->known += !added;
	return WH_OK;
}

static int import_batch(void *user, struct wh_batch *batch, struct wh_err *err)
{
	struct importing *importing = user;
	if (importing->labels)
		WH_TRY(wh_labels_apply(importing->labels, batch->records.data, batch->records.n, importing->strings, err));
	for (size_t i = 0; i < batch->records.n; i++) {
		WH_TRY(wh_ids_add(&importing->ids, &batch->records.data[i], err));
		WH_TRY(add_record(importing, &batch->records.data[i], err));
		if (++importing->open == TRANSACTION) {
			WH_TRY(wh_store_commit(importing->standing->store, err));
			WH_TRY(wh_store_begin(importing->standing->store, err));
			importing->open = 0;
		}
	}
	return WH_OK;
}

int wh_standing_import(struct wh_standing *standing, struct wh_imported *done, struct wh_err *err)
{
	const struct wh_call *call = standing->call;
	const char *labels = call->input.n ? wh_values_string(&call->input, "labels") : NULL;
	struct importing importing = { .standing = standing, .done = done, .strings = wh_interner_new() };
	struct wh_load load = { .call = call, .config = standing->model.config, .settings = &standing->model.settings, .flags = WH_LOAD_BODY,
				.paths = call->operands, .n_paths = call->n_operands, .take = import_batch, .user = &importing };
	*done = (struct wh_imported){ 0 };
	wh_ids_init(&importing.ids);
	int code = importing.strings ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && labels)
		code = wh_labels_open(&importing.labels, labels, err);
	if (code == WH_OK)
		code = wh_store_begin(standing->store, err);
	if (code == WH_OK && !standing->model.number) /* what the fingerprints are made with, for the first to come */
		code = wh_standing_keep_settings(standing, err);
	if (code == WH_OK)
		code = wh_load(&load, err);
	if (code == WH_OK && importing.labels)
		code = wh_labels_check(importing.labels, call->host, err);
	if (code == WH_OK)
		code = wh_store_commit(standing->store, err);
	if (code != WH_OK)
		wh_store_rollback(standing->store);
	wh_labels_close(importing.labels);
	wh_ids_release(&importing.ids);
	wh_interner_free(importing.strings);
	done->skipped = load.skipped;
	done->unknown_files = load.unknown_files;
	done->files = load.files;
	return code;
}

/* ---- what is there ---- */

int wh_standing_load(struct wh_standing *standing, unsigned flags, struct wh_dataset *data, struct wh_err *err)
{
	return wh_dataset_load_paths(data, standing->call, &standing->model, NULL, 0, flags, err);
}

static int take_group_id(void *user, const struct wh_store_group *group, struct wh_err *err)
{
	if (wh_strtab_add(user, group->id, strlen(group->id)) == WH_STRTAB_NONE)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

int wh_standing_group_ids(struct wh_standing *standing, struct wh_strtab *ids, struct wh_err *err)
{
	return wh_store_each_group(standing->store, standing->call->signal->noun, true, take_group_id, ids, err);
}

struct saying {
	struct wh_strtab ids; /* number == index of the record */
	struct wh_constraints *constraints;
};

static int take_saying(void *user, const struct wh_store_saying *s, struct wh_err *err)
{
	struct saying *saying = user;
	if (s->word != WH_STORE_TOGETHER && s->word != WH_STORE_APART)
		return WH_OK;
	uint32_t a = wh_strtab_find(&saying->ids, s->a, strlen(s->a)), b = wh_strtab_find(&saying->ids, s->b, strlen(s->b));
	if (a == WH_STRTAB_NONE || b == WH_STRTAB_NONE || a == b)
		return WH_OK;
	struct wh_record_pair pair = { a, b };
	bool failed = s->word == WH_STORE_TOGETHER ? wh_vec_push(&saying->constraints->together, pair)
						   : wh_vec_push(&saying->constraints->apart, pair);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

int wh_standing_constraints(struct wh_standing *standing, const struct wh_dataset *data, struct wh_constraints *constraints,
			    struct wh_err *err)
{
	struct saying saying = { .constraints = constraints };
	int code = WH_OK;
	wh_strtab_init(&saying.ids, SIZE_MAX);
	for (size_t i = 0; code == WH_OK && i < data->records.n; i++)
		if (wh_strtab_add(&saying.ids, data->records.data[i].id, strlen(data->records.data[i].id)) != i)
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_store_each_saying(standing->store, standing->call->signal->noun, false, take_saying, &saying, err);
	wh_strtab_release(&saying.ids);
	return code;
}

/* ---- the model ---- */

int wh_standing_keep_settings(struct wh_standing *standing, struct wh_err *err)
{
	struct wh_str settings = { 0 };
	int code = wh_settings_text(&standing->model.settings, &settings, err);
	if (code == WH_OK)
		code = wh_store_set_state(standing->store, standing->call->signal->noun, "settings",
					  (struct wh_bytes){ settings.data, settings.n }, err);
	wh_str_release(&settings);
	return code;
}

struct newest {
	const struct wh_str *file;
	bool same;
	int64_t number;
};

static int compare_model(void *user, const struct wh_store_model *stored, struct wh_err *err)
{
	struct newest *newest = user;
	(void)err;
	newest->same = stored->file.size == newest->file->n && !memcmp(stored->file.data, newest->file->data, newest->file->n);
	newest->number = stored->number;
	return WH_OK;
}

int wh_standing_keep_model(struct wh_standing *standing, const struct wh_dataset *data, struct wh_err *err)
{
	struct wh_str file = { 0 };
	if (standing->stored_model)
		return WH_OK;
	const char *noun = standing->call->signal->noun;
	struct newest newest = { .file = &file };
	int code = wh_model_pack(&standing->model, data, &file, err);
	if (code == WH_OK && wh_store_get_model(standing->store, noun, 0, compare_model, &newest, NULL) == WH_OK && newest.same)
		standing->model.number = newest.number;
	else if (code == WH_OK)
		code = wh_store_add_model(standing->store, noun, (struct wh_bytes){ file.data, file.n }, &standing->model.number, err);
	wh_str_release(&file);
	standing->stored_model = code == WH_OK;
	return code == WH_OK ? wh_standing_keep_settings(standing, err) : code;
}
