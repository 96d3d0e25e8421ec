/* SPDX-License-Identifier: Apache-2.0 */
/* train --per: a model for each combination of values of some attributes, kept in the store. */
#include <math.h>
#include <stdlib.h>

#include "pipeline/renew.h"
#include "pipeline/verbs.h"

struct training {
	struct wh_call *call;
	struct wh_standing standing;
	struct wh_dataset data;
	struct wh_renewal renewal;
};

static int check(const struct training *t, struct wh_err *err)
{
	const struct wh_call *call = t->call;
	const struct wh_method *method = t->standing.model.method;
	if (!method->group)
		return wh_err_set(err, WH_E_USAGE, "--per: %s compares, and a %s of it is not of one version", method->name, call->signal->group_noun);
	if (wh_values_string(&call->options, "output"))
		return wh_err_set(err, WH_E_USAGE, "--per keeps its models in the store, and --output is of one: leave it out, or use --where");
	if (!wh_values_string(&call->options, "per") && !t->standing.models.n_per)
		return wh_err_set(err, WH_E_USAGE, "--missing: %s has no models per anything yet: say --per", call->store);
	return WH_OK;
}

/* From here on the store's models are per what was asked for. */
static int divide(struct training *t, struct wh_err *err)
{
	struct wh_standing *standing = &t->standing;
	const char *per = wh_values_string(&t->call->options, "per");
	int64_t all = standing->model.groups.n ? standing->model.number : 0;
	WH_TRY(wh_models_open_all(&t->renewal.old, standing->store, t->call, all, err));
	wh_models_close(&standing->models); /* what was opened of them would be that of before */
	WH_TRY(wh_models_open_all(&standing->models, standing->store, t->call, all, err));
	return per ? wh_models_divide(&standing->models, per, err) : WH_OK;
}

static int emit(struct training *t, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	uint32_t *truth = NULL;
	size_t n_classes = 0;
	WH_TRY(wh_label_numbers(&t->data, &truth, &n_classes, err));
	free(truth);
	wh_emit_document(out, wh_verb_schema(t->call, "training", schema));
	wh_emit_integer(out, "observations", (int64_t)t->data.records.n);
	wh_emit_integer(out, "distinct", (int64_t)t->data.n_points);
	wh_emit_integer(out, "classes", (int64_t)n_classes);
	wh_model_emit(&t->standing.model, out);
	wh_emit_real(out, "f", NAN);
	wh_emit_real(out, "cross_validated_f", NAN);
	wh_emit_array(out, "folds");
	wh_emit_end(out);
	WH_TRY(wh_renewal_emit(&t->renewal, out, err));
	return wh_emit_close(out, err);
}

static int train(struct training *t, struct wh_emit *out, struct wh_err *err)
{
	t->renewal = (struct wh_renewal){ .standing = &t->standing, .learns = true, .missing = wh_values_flag(&t->call->options, "missing"),
					  .moves = !t->call->n_operands };
	WH_TRY(check(t, err));
	if (t->call->n_operands) /* files are read before others have to wait */
		WH_TRY(wh_dataset_load(&t->data, t->call, &t->standing.model, 0, err));
	WH_TRY(wh_store_begin(t->standing.store, err));
	int code = divide(t, err); /* what others may have changed until now counts */
	if (code == WH_OK && !t->call->n_operands)
		code = wh_standing_load(&t->standing, WH_LOAD_ATTRIBUTES, &t->data, err);
	if (code == WH_OK && !t->renewal.missing) /* else nothing is missing */
		code = wh_dataset_need(&t->data, err);
	if (code == WH_OK)
		code = wh_renew_all(&t->renewal, &t->data, err);
	if (code == WH_OK)
		code = wh_store_commit(t->standing.store, err);
	if (code != WH_OK)
		wh_store_rollback(t->standing.store);
	return code == WH_OK ? emit(t, out, err) : code;
}

int wh_train_per(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct training t = { .call = call };
	WH_TRY(wh_standing_open(&t.standing, call, call->n_operands ? WH_STORE_CREATE : WH_STORE_WRITE, err));
	int code = train(&t, out, err);
	wh_renewal_release(&t.renewal);
	wh_dataset_release(&t.data);
	wh_standing_close(&t.standing);
	return code;
}
