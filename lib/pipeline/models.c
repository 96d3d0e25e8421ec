/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/models.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static const char state_key[] = "models";

/* ---- life ---- */

static void release_held(struct wh_held_model *held)
{
	wh_space_close(&held->space);
	if (held->model == &held->own)
		wh_model_release(&held->own);
	wh_vec_release(&held->homes);
	free(held);
}

static int hold(struct wh_models *models, const char *const *values, struct wh_held_model **result, struct wh_err *err)
{
	struct wh_held_model *held = calloc(1, sizeof *held);
	if (!held || wh_vec_push(&models->held, held)) {
		free(held);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	held->values = values;
	*result = held;
	return WH_OK;
}

int wh_models_only(struct wh_models *models, const struct wh_model *model, const struct wh_call *call, struct wh_err *err)
{
	struct wh_held_model *held;
	*models = (struct wh_models){ .call = call };
	wh_arena_init(&models->arena, SIZE_MAX);
	int code = hold(models, NULL, &held, err);
	if (code == WH_OK)
		held->model = model;
	return code;
}

void wh_models_close(struct wh_models *models)
{
	for (size_t i = 0; i < models->held.n; i++)
		release_held(models->held.data[i]);
	wh_vec_release(&models->held);
	free(models->per);
	wh_arena_release(&models->arena);
	*models = (struct wh_models){ 0 };
}

/* ---- attributes ---- */

static const char *per_name(const struct wh_models *models, size_t i)
{
	return models->call->signal->attributes[models->per[i]];
}

static int add_per(struct wh_models *models, const char *name, struct wh_err *err)
{
	const char *const *all = models->call->signal->attributes;
	size_t at = 0;
	while (all[at] && strcmp(all[at], name) != 0)
		at++;
	if (!all[at]) {
		struct wh_str known = { 0 };
		for (size_t i = 0; all[i]; i++)
			wh_str_printf(&known, "%s%s", i ? ", " : "", all[i]);
		wh_err_set(err, WH_E_USAGE, "--per %s: no attribute of %s; there are %s", name, models->call->signal->noun, known.data ? known.data : "none");
		wh_str_release(&known);
		return WH_E_USAGE;
	}
	for (size_t i = 0; i < models->n_per; i++)
		if (models->per[i] == at)
			return wh_err_set(err, WH_E_USAGE, "--per: %s is named twice", name);
	size_t *per = realloc(models->per, (models->n_per + 1) * sizeof *per);
	if (!per)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	models->per = per;
	per[models->n_per++] = at;
	return WH_OK;
}

void wh_models_text(const struct wh_models *models, const char *const *values, struct wh_str *out)
{
	if (!values)
		wh_str_puts(out, "all");
	for (size_t i = 0; values && i < models->n_per; i++)
		wh_str_printf(out, "%s%s=%s", i ? "," : "", per_name(models, i), values[i]);
}

void wh_models_emit_values(const struct wh_models *models, const char *const *values, struct wh_emit *out)
{
	wh_emit_object(out, "of");
	for (size_t i = 0; values && i < models->n_per; i++)
		wh_emit_string(out, per_name(models, i), values[i]);
	wh_emit_end(out);
}

const char *wh_choice_name(enum wh_choice_of of)
{
	static const char *const names[] = { [WH_CHOICE_NONE] = "none",	  [WH_CHOICE_ALL] = "all",     [WH_CHOICE_NEWER] = "newer",
					     [WH_CHOICE_OLDER] = "older", [WH_CHOICE_OWN] = "own" };
	return names[of];
}

int wh_choice_emit(const struct wh_models *models, const struct wh_choice *choice, struct wh_emit *out, struct wh_err *err)
{
	struct wh_str text = { 0 };
	if (!models->n_per)
		return WH_OK;
	if (choice->held) {
		wh_emit_integer(out, "model", choice->held->number);
		wh_models_text(models, choice->held->values, &text);
		int code = wh_str_check(&text, err);
		if (code == WH_OK)
			wh_emit_bytes(out, "model_of", text.data, text.n);
		wh_str_release(&text);
		WH_TRY(code);
	}
	wh_emit_string(out, "model_choice", wh_choice_name(choice->of));
	return WH_OK;
}

/* ---- in the store ---- */

static int write_text(void *user, const char *text, size_t n, struct wh_err *err)
{
	wh_str_add(user, text, n);
	return wh_str_check(user, err);
}

int wh_models_keep(const struct wh_models *models, struct wh_err *err)
{
	struct wh_str text = { 0 };
	struct wh_json_writer writer;
	struct wh_emit *e = &writer.emit;
	wh_json_writer_init(&writer, (struct wh_sink){ write_text, &text }, true);
	wh_emit_object(e, NULL);
	wh_emit_array(e, "per");
	for (size_t i = 0; i < models->n_per; i++)
		wh_emit_string(e, NULL, per_name(models, i));
	wh_emit_end(e);
	wh_emit_array(e, "models");
	for (size_t i = 0; i < models->held.n; i++) {
		wh_emit_object(e, NULL);
		wh_emit_integer(e, "number", models->held.data[i]->number);
		if (models->held.data[i]->values) {
			wh_emit_array(e, "values");
			for (size_t k = 0; k < models->n_per; k++)
				wh_emit_string(e, NULL, models->held.data[i]->values[k]);
			wh_emit_end(e);
		}
		wh_emit_end(e);
	}
	wh_emit_end(e);
	wh_emit_end(e);
	int code = wh_emit_close(e, err);
	wh_json_writer_release(&writer);
	if (code == WH_OK)
		code = wh_store_set_state(models->store, models->call->signal->noun, state_key, (struct wh_bytes){ text.data, text.n }, err);
	wh_str_release(&text);
	return code;
}

int wh_models_forget(struct wh_store *store, const struct wh_call *call, struct wh_err *err)
{
	static const char none[] = "{\"per\":[],\"models\":[]}";
	return wh_store_set_state(store, call->signal->noun, state_key, (struct wh_bytes){ none, sizeof none - 1 }, err);
}

static int read_model(struct wh_models *models, const struct json_object *row, struct wh_err *err)
{
	struct wh_held_model *held;
	struct json_object *values = wh_json_array(row, "values");
	const char **copy = NULL;
	uint64_t number;
	if (!wh_json_u64(row, "number", &number) || !number || number > INT64_MAX || (values && json_object_array_length(values) != models->n_per))
		return wh_err_set(err, WH_E_FORMAT, "an entry that is none");
	if (values && !(copy = wh_arena_zalloc(&models->arena, models->n_per + 1, sizeof *copy)))
		return wh_arena_error(&models->arena, err);
	for (size_t i = 0; values && i < models->n_per; i++) {
		const char *value = json_object_get_string(json_object_array_get_idx(values, i));
		if (!(copy[i] = wh_arena_strdup(&models->arena, value ? value : "")))
			return wh_arena_error(&models->arena, err);
	}
	WH_TRY(hold(models, copy, &held, err));
	held->number = (int64_t)number;
	return WH_OK;
}

static int read_state(void *user, struct wh_bytes text, struct wh_err *err)
{
	struct wh_models *models = user;
	struct json_object *state;
	WH_TRY(wh_json_parse(text, &state, err));
	struct json_object *per = wh_json_array(state, "per"), *rows = wh_json_array(state, "models");
	int code = per && rows ? WH_OK : wh_err_set(err, WH_E_FORMAT, "neither attributes nor models");
	for (size_t i = 0; code == WH_OK && i < json_object_array_length(per); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(per, i));
		code = add_per(models, name ? name : "", err);
	}
	for (size_t i = 0; code == WH_OK && i < json_object_array_length(rows); i++)
		code = read_model(models, json_object_array_get_idx(rows, i), err);
	json_object_put(state);
	return code == WH_E_USAGE ? wh_err_set(err, WH_E_FORMAT, "of another version: per an attribute that this one does not know") : code;
}

int wh_models_open(struct wh_models *models, struct wh_store *store, const struct wh_call *call, struct wh_err *err)
{
	*models = (struct wh_models){ .call = call, .store = store };
	wh_arena_init(&models->arena, SIZE_MAX);
	struct wh_err why = { 0 };
	int code = wh_store_get_state(store, call->signal->noun, state_key, read_state, models, &why);
	if (code == WH_OK || code == WH_E_NOTFOUND)
		return WH_OK;
	wh_models_close(models);
	return wh_err_set(err, code, "%s: which models it has: %s", call->store, why.message);
}

int wh_models_open_all(struct wh_models *models, struct wh_store *store, const struct wh_call *call, int64_t all, struct wh_err *err)
{
	struct wh_held_model *held;
	WH_TRY(wh_models_open(models, store, call, err));
	if (models->n_per || !all)
		return WH_OK;
	int code = hold(models, NULL, &held, err);
	if (code == WH_OK)
		held->number = all;
	else
		wh_models_close(models);
	return code;
}

struct reading {
	const struct wh_models *models;
	struct wh_model *model;
};

static int read_stored(void *user, const struct wh_store_model *stored, struct wh_err *err)
{
	struct reading *reading = user;
	WH_TRY(wh_model_open_bytes(reading->model, reading->models->call, stored->file, err));
	reading->model->number = stored->number;
	return WH_OK;
}

int wh_models_read(const struct wh_models *models, int64_t number, struct wh_model *model, struct wh_err *err)
{
	struct reading reading = { models, model };
	return wh_store_get_model(models->store, models->call->signal->noun, number, read_stored, &reading, err);
}

/* ---- choosing ---- */

static bool is_prerelease(const char *rest)
{
	return *rest == '~' || (*rest == '-' && isalpha((unsigned char)rest[1]));
}

int wh_version_compare(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	if (n && n < m && !memcmp(a, b, n) && is_prerelease(b + n))
		return 1;
	if (m && m < n && !memcmp(a, b, m) && is_prerelease(a + m))
		return -1;
	return wh_id_compare(a, b);
}

bool wh_models_is_version(const struct wh_models *models, size_t i)
{
	return !strcmp(per_name(models, i), "version");
}

const char *wh_models_value(const struct wh_models *models, const char *const *attributes, size_t i)
{
	const char *value = attributes ? attributes[models->per[i]] : NULL;
	return value ? value : "";
}

static enum wh_choice_of fit_of(const struct wh_models *models, const struct wh_held_model *held, const char *const *attributes)
{
	enum wh_choice_of of = WH_CHOICE_OWN;
	if (!held->values)
		return WH_CHOICE_ALL;
	for (size_t i = 0; i < models->n_per; i++) {
		const char *value = wh_models_value(models, attributes, i);
		if (!strcmp(held->values[i], value))
			continue;
		if (!wh_models_is_version(models, i))
			return WH_CHOICE_NONE;
		of = !*value || wh_version_compare(held->values[i], value) < 0 ? WH_CHOICE_OLDER : WH_CHOICE_NEWER;
	}
	return of;
}

/* Of two that fit alike: the nearer version, and the later one of one version. */
static bool is_nearer(const struct wh_models *models, const struct wh_held_model *a, const struct wh_held_model *b, enum wh_choice_of of)
{
	int c = 0;
	for (size_t i = 0; a->values && b->values && i < models->n_per; i++)
		if (wh_models_is_version(models, i))
			c = wh_version_compare(a->values[i], b->values[i]);
	return c ? (of == WH_CHOICE_NEWER ? c < 0 : c > 0) : a->number > b->number;
}

static bool is_better(const struct wh_models *models, const struct wh_held_model *a, enum wh_choice_of a_of, const struct wh_choice *b)
{
	return a_of != b->of ? a_of > b->of : is_nearer(models, a, b->held, a_of);
}

/* Of those that are not as good as `after`, where that is one. */
static struct wh_choice best_of(const struct wh_models *models, const char *const *attributes, const struct wh_choice *after)
{
	struct wh_choice best = { 0 };
	for (size_t i = 0; i < models->held.n; i++) {
		struct wh_held_model *held = models->held.data[i];
		enum wh_choice_of of = held->unusable ? WH_CHOICE_NONE : fit_of(models, held, attributes);
		if (of == WH_CHOICE_NONE || (after->held && (held == after->held || is_better(models, held, of, after))))
			continue;
		if (is_better(models, held, of, &best))
			best = (struct wh_choice){ held, of };
	}
	return best;
}

static int open_held(struct wh_models *models, struct wh_held_model *held, struct wh_err *err)
{
	if (held->model)
		return WH_OK;
	WH_TRY(wh_models_read(models, held->number, &held->own, err));
	held->model = &held->own;
	if (held->own.method->group && held->own.groups.n)
		return WH_OK;
	return wh_err_set(err, WH_E_FORMAT, "it has no groups");
}

/* A model that is damaged, or of another version of the program: others can do its work. */
static bool is_of_the_model(int code)
{
	return code == WH_E_FORMAT || code == WH_E_USAGE || code == WH_E_NOTFOUND || code == WH_E_LIMIT;
}

int wh_models_read_any(const struct wh_models *models, struct wh_model *model, struct wh_err *err)
{
	struct wh_err why = { .message = "it names none" };
	for (int64_t below = INT64_MAX, number;; below = number) {
		number = 0;
		for (size_t i = 0; i < models->held.n; i++)
			if (models->held.data[i]->number < below && models->held.data[i]->number > number)
				number = models->held.data[i]->number;
		if (!number)
			return wh_err_set(err, WH_E_FORMAT, "none of them can be read: %s", why.message);
		int code = wh_models_read(models, number, model, &why);
		if (code == WH_OK || !is_of_the_model(code))
			return code == WH_OK ? WH_OK : wh_err_set(err, code, "%s", why.message);
	}
}

static int pass_over(struct wh_models *models, struct wh_held_model *held, int code, const struct wh_err *why, struct wh_err *err)
{
	struct wh_str text = { 0 };
	if (!is_of_the_model(code))
		return wh_err_set(err, code, "%s", why->message);
	wh_models_text(models, held->values, &text);
	wh_host_log(models->call->host, WH_WARNING, "%s: model %lld, of %s: %s; the next best is taken", models->call->store, (long long)held->number,
		    text.data ? text.data : "", why->message);
	wh_str_release(&text);
	held->unusable = true;
	return WH_OK;
}

int wh_models_choose(struct wh_models *models, const char *const *attributes, struct wh_choice *choice, struct wh_err *err)
{
	*choice = (struct wh_choice){ 0 };
	return wh_models_choose_next(models, attributes, choice, err);
}

int wh_models_choose_next(struct wh_models *models, const char *const *attributes, struct wh_choice *choice, struct wh_err *err)
{
	const struct wh_choice after = *choice;
	struct wh_err why = { 0 };
	for (;;) {
		*choice = best_of(models, attributes, &after);
		int code = choice->held ? open_held(models, choice->held, &why) : WH_OK;
		if (code == WH_OK)
			return WH_OK;
		WH_TRY(pass_over(models, choice->held, code, &why, err));
	}
}

int wh_held_locate(struct wh_held_model *held, struct wh_bytes fingerprint, struct wh_location *location, struct wh_err *err)
{
	if (!held->space.state)
		WH_TRY(wh_space_open(&held->space, held->model, NULL, 0, err));
	return wh_space_locate_one(&held->space, held->model, fingerprint, location, err);
}

/* ---- changing them ---- */

static bool same_per(const struct wh_models *a, const struct wh_models *b)
{
	return a->n_per == b->n_per && !memcmp(a->per, b->per, a->n_per * sizeof *a->per);
}

int wh_models_divide(struct wh_models *models, const char *per, struct wh_err *err)
{
	struct wh_models fresh = { .call = models->call, .store = models->store };
	struct wh_held_model *held;
	int64_t all = 0;
	wh_arena_init(&fresh.arena, SIZE_MAX);
	char *text = strdup(per), *rest = text;
	int code = text ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (char *name; code == WH_OK && (name = strsep(&rest, ","));)
		code = add_per(&fresh, name, err);
	free(text);
	for (size_t i = 0; i < models->held.n; i++)
		if (!models->held.data[i]->values)
			all = models->held.data[i]->number;
	if (code == WH_OK && all) {
		code = hold(&fresh, NULL, &held, err);
		if (code == WH_OK)
			held->number = all;
	}
	if (code == WH_OK && !(models->n_per && same_per(models, &fresh))) {
		struct wh_models before = *models;
		*models = fresh;
		fresh = before;
	}
	wh_models_close(&fresh);
	return code;
}

int wh_models_put(struct wh_models *models, const char *const *values, int64_t number, struct wh_err *err)
{
	struct wh_held_model *held = NULL;
	size_t at = 0;
	for (; at < models->held.n && !held; at++) {
		bool same = models->held.data[at]->values;
		for (size_t i = 0; same && i < models->n_per; i++)
			same = !strcmp(models->held.data[at]->values[i], values[i]);
		held = same ? models->held.data[at] : NULL;
	}
	if (!held) {
		WH_TRY(hold(models, values, &held, err));
	} else { /* what was opened of the one before goes */
		wh_space_close(&held->space);
		if (held->model == &held->own)
			wh_model_release(&held->own);
		held->model = NULL;
		held->unusable = false;
		held->homes.n = 0;
	}
	held->number = number;
	return WH_OK;
}
