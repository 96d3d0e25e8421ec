/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/listing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"

enum { REPORT_MIB = 64 };

struct listing {
	const struct wh_call *call;
	wh_listing_fn *take;
	void *user;
	struct wh_arena arena;
};

bool wh_operand_is_path(const char *operand)
{
	return !strcmp(operand, "-") || !access(operand, F_OK);
}

static int list_record(struct listing *l, const struct wh_record *record, struct wh_err *err)
{
	struct wh_observation o = { 0 };
	wh_arena_reset(&l->arena);
	int code = l->call->signal->decode(record->body, &l->arena, &o, err);
	if (code != WH_OK)
		return wh_err_wrap(err, code, "%s", record->id);
	o.id = record->id;
	o.label = record->label;
	o.has_time = record->time_ns != INT64_MAX;
	o.time_ns = o.has_time ? record->time_ns : 0;
	return l->take(l->user, record, &o, &l->arena, err);
}

static int list_dataset(struct listing *l, const struct wh_model *model, const char *const *paths, size_t n, struct wh_err *err)
{
	struct wh_dataset data;
	WH_TRY(wh_dataset_load_paths(&data, l->call, model, paths, n, WH_LOAD_BODY, err));
	int code = wh_dataset_need(&data, err);
	for (size_t i = 0; code == WH_OK && i < data.records.n; i++)
		code = list_record(l, &data.records.data[i], err);
	wh_dataset_release(&data);
	return code;
}

static int list_stored(void *user, const struct wh_store_observation *stored, struct wh_err *err)
{
	struct wh_record record = {
		.id = stored->id, .label = stored->label, .time_ns = stored->time_ns == WH_STORE_NO_TIME ? INT64_MAX : stored->time_ns,
		.row = stored->row, .group = stored->group, .similarity = stored->similarity, .body = stored->body,
		.fingerprint = stored->fingerprint,
	};
	return list_record(user, &record, err);
}

static int list_id(struct listing *l, struct wh_store *store, const char *id, struct wh_err *err)
{
	const char *noun = l->call->signal->noun;
	char *group = NULL;
	if (wh_store_resolve_group(store, noun, id, &group, NULL) == WH_OK) {
		int code = wh_store_each(store, noun, group, WH_STORE_BODY | WH_STORE_FINGERPRINT, list_stored, l, err);
		free(group);
		return code;
	}
	int code = wh_store_get(store, noun, id, WH_STORE_BODY | WH_STORE_FINGERPRINT, list_stored, l, err);
	if (code == WH_E_NOTFOUND)
		return wh_err_set(err, code, "%s: neither a file nor an id or %s in the store", id, l->call->signal->group_noun);
	return code;
}

int wh_listing(const struct wh_call *call, const struct wh_model *model, wh_listing_fn *take, void *user, struct wh_err *err)
{
	struct listing l = { .call = call, .take = take, .user = user };
	struct wh_store *store = NULL;
	size_t paths = 0;
	int code = WH_OK;
	for (size_t i = 0; i < call->n_operands; i++)
		paths += wh_operand_is_path(call->operands[i]);
	wh_arena_init(&l.arena, (size_t)REPORT_MIB << 20);
	if (paths == call->n_operands) {
		code = list_dataset(&l, model, call->operands, call->n_operands, err);
	} else if (paths) {
		code = wh_err_set(err, WH_E_USAGE, "files and ids of the store cannot be mixed");
	} else {
		code = wh_store_open(&store, call->store, WH_STORE_READ, err);
		if (code == WH_E_NOTFOUND)
			code = wh_err_set(err, code, "%s: no such file, and there is no store %s", call->operands[0], call->store);
		for (size_t i = 0; code == WH_OK && i < call->n_operands; i++)
			code = list_id(&l, store, call->operands[i], err);
		wh_store_close(store);
	}
	wh_arena_release(&l.arena);
	return code;
}
