/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/input.h"
#include "base/json.h"
#include "learn/modelfile.h"

/* ---- writing ---- */

/* Files go in by content, so that a model does not change when they do. */
static int emit_value(const struct wh_values *values, size_t i, struct wh_emit *e, struct wh_err *err)
{
	char number[32];
	const char *text = wh_values_text(values, i, number, sizeof number);
	if (!text || values->params[i].type != WH_PARAM_PATH) {
		wh_emit_string(e, values->params[i].name, text);
		return WH_OK;
	}
	struct wh_input input;
	struct wh_str inlined = { 0 };
	int code = wh_input_open(&input, text, err);
	if (code != WH_OK)
		return wh_err_wrap(err, code, "%s", text);
	wh_str_puts(&inlined, WH_INPUT_INLINE);
	wh_str_add(&inlined, input.text, input.size);
	wh_input_release(&input);
	code = wh_str_check(&inlined, err);
	if (code == WH_OK)
		wh_emit_bytes(e, values->params[i].name, inlined.data, inlined.n);
	wh_str_release(&inlined);
	return code;
}

static int emit_values(const struct wh_values *values, const char *key, struct wh_emit *e, struct wh_err *err)
{
	wh_emit_object(e, key);
	for (size_t i = 0; i < values->n; i++)
		WH_TRY(emit_value(values, i, e, err));
	wh_emit_end(e);
	return WH_OK;
}

void wh_model_emit(const struct wh_model *model, struct wh_emit *e)
{
	char number[32];
	wh_emit_string(e, "method", model->method->name);
	wh_emit_object(e, "params");
	for (size_t i = 0; i < model->params.n; i++) {
		enum wh_param_type type = model->params.params[i].type;
		const char *name = model->params.params[i].name;
		if (type == WH_PARAM_REAL)
			wh_emit_real(e, name, model->params.value[i].real);
		else if (type == WH_PARAM_INT)
			wh_emit_integer(e, name, model->params.value[i].integer);
		else
			wh_emit_string(e, name, wh_values_text(&model->params, i, number, sizeof number));
	}
	wh_emit_end(e);
}

static uint64_t hash_of(const struct wh_dataset *data)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < data->n_points; i++)
		hash = wh_hash(data->points[i].data, data->points[i].size, hash + data->weight[i]);
	return hash;
}

static int write_to_str(void *user, const char *data, size_t n, struct wh_err *err)
{
	wh_str_add(user, data, n);
	return wh_str_check(user, err);
}

static int pack_header(const struct wh_model *model, const struct wh_dataset *data, struct wh_str *header, struct wh_err *err)
{
	struct wh_json_writer writer;
	struct wh_emit *e = &writer.emit;
	wh_json_writer_init(&writer, (struct wh_sink){ write_to_str, header }, true);
	wh_emit_object(e, NULL);
	wh_emit_string(e, "noun", model->signal->noun);
	wh_emit_string(e, "method", model->method->name);
	int code = emit_values(&model->settings, "settings", e, err);
	if (code == WH_OK)
		code = emit_values(&model->params, "params", e, err);
	if (model->groups.n) {
		wh_emit_array(e, "groups");
		for (size_t i = 0; i < model->groups.n; i++)
			wh_emit_string(e, NULL, model->groups.data[i].id);
		wh_emit_end(e);
	}
	if (data) {
		wh_emit_object(e, "made_from");
		wh_emit_integer(e, "observations", (int64_t)data->records.n);
		wh_emit_integer(e, "points", (int64_t)data->n_points);
		wh_emit_format(e, "hash", "%016llx", (unsigned long long)hash_of(data));
		wh_emit_end(e);
	}
	wh_emit_end(e);
	int closed = wh_emit_close(e, code == WH_OK ? err : NULL);
	wh_json_writer_release(&writer);
	return code == WH_OK ? closed : code;
}

int wh_model_pack(const struct wh_model *model, const struct wh_dataset *data, struct wh_str *out, struct wh_err *err)
{
	struct wh_str header = { 0 };
	int code = pack_header(model, data, &header, err);
	if (code == WH_OK)
		code = wh_modelfile_write(out, (struct wh_bytes){ header.data, header.n },
					  (struct wh_bytes){ model->state.data, model->state.n }, err);
	wh_str_release(&header);
	return code;
}

int wh_model_write(const struct wh_model *model, const struct wh_dataset *data, const char *path, struct wh_err *err)
{
	struct wh_str file = { 0 };
	int code = wh_model_pack(model, data, &file, err);
	if (code == WH_OK)
		code = wh_file_replace(path, file.data, file.n, err);
	wh_str_release(&file);
	return code;
}

/* ---- reading ---- */

/* Every member of object that the table knows; others come from another version and are an error. */
static int set_values(struct wh_values *values, const struct json_object *object, struct wh_err *err)
{
	if (!object)
		return wh_err_set(err, WH_E_FORMAT, "the model's header misses values");
	json_object_object_foreach((struct json_object *)object, key, value)
		WH_TRY(wh_values_set(values, key, json_object_get_string(value), err));
	return WH_OK;
}

/* What the user said wins over the model. */
static int override(struct wh_values *values, const struct wh_values *said, struct wh_err *err)
{
	char number[32];
	for (size_t i = 0; i < said->n; i++)
		if (said->given[i] && wh_values_find(values, said->params[i].name) >= 0)
			WH_TRY(wh_values_set(values, said->params[i].name, wh_values_text(said, i, number, sizeof number), err));
	return WH_OK;
}

static int read_groups(struct wh_model *model, struct json_object *header, struct wh_err *err)
{
	struct json_object *ids;
	size_t n = json_object_object_get_ex(header, "groups", &ids) && json_object_is_type(ids, json_type_array) ? json_object_array_length(ids) : 0;
	for (size_t i = 0; i < n; i++) {
		const char *id = json_object_get_string(json_object_array_get_idx(ids, i));
		struct wh_group_name name = { 0 };
		if (!id || strlen(id) >= sizeof name.id)
			return wh_err_set(err, WH_E_FORMAT, "the model's header names a group that is none");
		memcpy(name.id, id, strlen(id));
		if (wh_vec_push(&model->groups, name))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return WH_OK;
}

static int read_header(struct wh_model *model, const struct wh_call *call, struct json_object *header, struct wh_err *err)
{
	const char *noun = wh_json_string(header, "noun"), *name = wh_json_string(header, "method");
	if (!noun || strcmp(noun, call->signal->noun) != 0)
		return wh_err_set(err, WH_E_CONFLICT, "a model for %s, not for %s", noun ? noun : "nothing", call->signal->noun);
	const struct wh_method *method = name ? wh_method_find(call->signal, name) : NULL;
	if (!method)
		return wh_err_set(err, WH_E_FORMAT, "a model of the unknown %s %s", call->signal->method_noun, name ? name : "(none)");
	if (call->method_given && method != call->method)
		return wh_err_set(err, WH_E_CONFLICT, "a model of %s %s, but --%s %s was asked for", call->signal->method_noun, name,
				  call->signal->method_noun, call->method->name);
	model->method = method;
	WH_TRY(wh_values_init(&model->params, method->params, err));
	WH_TRY(wh_values_init(&model->settings, call->signal->settings, err));
	WH_TRY(set_values(&model->params, wh_json_object(header, "params"), err));
	WH_TRY(set_values(&model->settings, wh_json_object(header, "settings"), err));
	WH_TRY(read_groups(model, header, err));
	WH_TRY(override(&model->params, &call->params, err));
	return override(&model->settings, &call->settings, err);
}

static int configure(struct wh_model *model, struct wh_err *err)
{
	return model->signal->configure ? model->signal->configure(&model->settings, &model->config, err) : WH_OK;
}

int wh_model_open_bytes(struct wh_model *model, const struct wh_call *call, struct wh_bytes file, struct wh_err *err)
{
	*model = (struct wh_model){ .signal = call->signal, .host = call->host };
	struct wh_bytes text;
	struct json_object *header = NULL;
	int code = wh_modelfile_read(file, &text, &model->state, err);
	if (code == WH_OK)
		code = wh_json_parse(text, &header, err);
	if (code == WH_OK)
		code = read_header(model, call, header, err);
	json_object_put(header);
	if (code == WH_OK)
		code = configure(model, err);
	if (code != WH_OK)
		wh_model_release(model);
	return code;
}

static int open_default(struct wh_model *model, const struct wh_call *call, struct wh_err *err)
{
	const struct wh_method *method = call->method ? call->method : call->signal->methods[0];
	*model = (struct wh_model){ .signal = call->signal, .method = method, .host = call->host };
	int code;
	if (call->params.n)
		code = wh_values_copy(&model->params, &call->params, err);
	else
		code = wh_values_init(&model->params, method->params, err);
	if (code == WH_OK)
		code = call->settings.n ? wh_values_copy(&model->settings, &call->settings, err)
					: wh_values_init(&model->settings, call->signal->settings, err);
	if (code == WH_OK)
		code = configure(model, err);
	if (code != WH_OK)
		wh_model_release(model);
	return code;
}

int wh_model_open(struct wh_model *model, const struct wh_call *call, struct wh_err *err)
{
	const char *path = wh_values_find(&call->options, "model") >= 0 ? wh_values_string(&call->options, "model") : NULL;
	if (!path)
		return open_default(model, call, err);
	struct wh_input input;
	int code = wh_input_open(&input, path, err);
	if (code == WH_OK) {
		code = wh_model_open_bytes(model, call, (struct wh_bytes){ input.text, input.size }, err);
		wh_input_release(&input);
	}
	return code == WH_OK ? WH_OK : wh_err_wrap(err, code, "%s", path);
}

void wh_model_release(struct wh_model *model)
{
	if (model->config)
		model->signal->release(model->config);
	wh_values_release(&model->params);
	wh_values_release(&model->settings);
	wh_str_release(&model->state);
	wh_vec_release(&model->groups);
	*model = (struct wh_model){ 0 };
}

/* ---- spaces ---- */

int wh_space_open(struct wh_space *space, const struct wh_model *model, const struct wh_bytes *points, size_t n, struct wh_err *err)
{
	*space = (struct wh_space){ .method = model->method, .n = n };
	WH_TRY(model->method->open(model->method, &model->params, &space->state, err));
	int code = WH_OK;
	if (model->state.n && model->method->load)
		code = model->method->load(space->state, (struct wh_bytes){ model->state.data, model->state.n }, err);
	for (size_t i = 0; code == WH_OK && i < n; i++)
		code = model->method->add(space->state, points[i], err);
	if (code == WH_OK)
		code = model->method->freeze(space->state, model->host, err);
	if (code != WH_OK)
		wh_space_close(space);
	return code;
}

void wh_space_close(struct wh_space *space)
{
	if (space->state)
		space->method->close(space->state);
	space->state = NULL;
}

double wh_space_similarity(void *user, size_t i, size_t j)
{
	const struct wh_space *space = user;
	return space->method->similarity(space->state, i, j);
}

int wh_space_locate(const struct wh_space *space, const struct wh_model *model, size_t i, struct wh_location *location, struct wh_err *err)
{
	WH_TRY(space->method->locate(space->state, i, location, err));
	if (location->group < model->groups.n)
		return WH_OK;
	return wh_err_set(err, WH_E_FORMAT, "the model has no name for its group %u", location->group);
}

int wh_space_locate_one(struct wh_space *space, const struct wh_model *model, struct wh_bytes fingerprint, struct wh_location *location,
			struct wh_err *err)
{
	WH_TRY(space->method->add(space->state, fingerprint, err));
	int code = wh_space_locate(space, model, 0, location, err);
	space->method->drop(space->state);
	return code;
}

int wh_model_freeze(struct wh_model *model, const struct wh_dataset *data, struct wh_err *err)
{
	struct wh_space space;
	wh_str_clear(&model->state);
	model->groups.n = 0;
	if (model->method->group)
		return WH_OK;
	WH_TRY(wh_space_open(&space, model, data->points, data->n_points, err));
	int code = space.method->save ? space.method->save(space.state, &model->state, err) : WH_OK;
	wh_space_close(&space);
	return code;
}
