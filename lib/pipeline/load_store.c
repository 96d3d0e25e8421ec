/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a store has. */
#include <string.h>

#include "base/hash.h"
#include "base/input.h"
#include "base/str.h"
#include "pipeline/loading.h"
#include "store/store.h"

enum { ROWS = 2048 }; /* in a batch */

struct rows {
	struct loading *l;
	struct wh_batch batch;
	struct wh_store *store;
	bool decode, fresh; /* bodies are wanted; fingerprints must be made anew */
	uint64_t done, total;
};

static int flush_rows(struct rows *rows, struct wh_err *err)
{
	struct loading *l = rows->l;
	int code = rows->batch.records.n ? l->load->take(l->load->user, &rows->batch, err) : WH_OK;
	rows->batch.records.n = 0;
	wh_arena_release(&rows->batch.arena);
	wh_host_progress(l->host, "reading the store", rows->done, rows->total);
	return code;
}

static int decode_row(struct rows *rows, const struct wh_store_observation *stored, struct wh_record *record, struct wh_err *err)
{
	struct loading *l = rows->l;
	struct wh_observation o = { 0 };
	struct task task = { .batch = rows->batch };
	struct reading reading = { l, &task, &l->workers[0], stored->id };
	wh_arena_reset(&l->workers[0].arena);
	WH_TRY(l->load->call->signal->decode(stored->body, &l->workers[0].arena, &o, err));
	o.label = stored->label;
	o.has_time = stored->time_ns != WH_STORE_NO_TIME;
	o.time_ns = stored->time_ns;
	record->left_out = !wh_where_match(l->where, l->load->call->signal, &o);
	if (record->left_out)
		return WH_OK;
	int code = wh_keep_attributes(&reading, &o, record, err);
	if (code == WH_OK && rows->fresh)
		code = wh_keep_fingerprint(&reading, &o, record, err);
	rows->batch = task.batch;
	return code;
}

/* Of one that has no group, where nobody wants the bodies of the others. */
struct waiting {
	struct rows *rows;
	struct wh_record *record;
};

static int take_body(void *user, const struct wh_store_observation *stored, struct wh_err *err)
{
	struct waiting *waiting = user;
	int code = decode_row(waiting->rows, stored, waiting->record, err);
	return code == WH_OK ? WH_OK : wh_err_wrap(err, code, "%s", stored->id);
}

static int take_row(void *user, const struct wh_store_observation *stored, struct wh_err *err)
{
	struct rows *rows = user;
	struct loading *l = rows->l;
	struct wh_arena *arena = &rows->batch.arena;
	struct wh_record record = { .row = stored->row, .similarity = stored->similarity, .body_hash = stored->body_hash,
				    .time_ns = stored->time_ns == WH_STORE_NO_TIME ? INT64_MAX : stored->time_ns };
	WH_TRY(wh_keep_string(arena, stored->id, &record.id, err));
	WH_TRY(wh_keep_string(arena, stored->label, &record.label, err));
	if (stored->group && !(record.group = wh_keep_shared(l, arena, stored->group, strlen(stored->group))))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (l->load->flags & WH_LOAD_BODY) {
		record.body = (struct wh_bytes){ wh_arena_strndup(arena, stored->body.data, stored->body.size), stored->body.size };
		if (!record.body.data)
			return wh_arena_error(arena, err);
	}
	if (rows->decode) {
		int code = decode_row(rows, stored, &record, err);
		if (code != WH_OK)
			return wh_err_wrap(err, code, "%s", stored->id);
		if (record.left_out) {
			rows->done++;
			return WH_OK;
		}
	}
	if (l->load->flags & WH_LOAD_WAITING && !rows->decode && !stored->group)
		WH_TRY(wh_store_get(rows->store, l->load->call->signal->noun, stored->id, WH_STORE_BODY, take_body, &(struct waiting){ rows, &record }, err));
	if (!rows->fresh) {
		const char *copy = wh_keep_shared(l, arena, stored->fingerprint.size ? stored->fingerprint.data : "", stored->fingerprint.size);
		if (!copy)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		record.fingerprint = (struct wh_bytes){ copy, stored->fingerprint.size };
		record.empty = !stored->fingerprint.size;
	}
	if (wh_vec_push(&rows->batch.records, record))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	rows->done++;
	return rows->batch.records.n >= ROWS ? flush_rows(rows, err) : WH_OK;
}

struct settings_held {
	struct wh_str ours;
	bool same; /* as those the store was made with: nothing to make anew */
};

static int same_settings(void *user, struct wh_bytes stored, struct wh_err *err)
{
	(void)err;
	struct settings_held *held = user;
	held->same = stored.size == held->ours.n && (!stored.size || !memcmp(stored.data, held->ours.data, stored.size));
	return WH_OK;
}

int wh_load_store(struct loading *l, struct wh_err *err)
{
	const struct wh_call *call = l->load->call;
	struct wh_store *store;
	struct settings_held held = { 0 };
	WH_TRY(wh_store_open(&store, call->store, WH_STORE_READ, err));
	struct rows rows = { .l = l, .store = store };
	wh_arena_init(&rows.batch.arena, SIZE_MAX);
	uint64_t groups;
	int code = wh_settings_text(l->load->settings, &held.ours, err);
	if (code == WH_OK)
		code = wh_store_count(store, call->signal->noun, &rows.total, &groups, err);
	if (code == WH_OK) {
		int found = wh_store_get_state(store, call->signal->noun, "settings", same_settings, &held, NULL);
		rows.fresh = found != WH_OK || !held.same;
		rows.decode = rows.fresh || l->where || (l->load->flags & WH_LOAD_ATTRIBUTES);
		unsigned parts = rows.decode || (l->load->flags & WH_LOAD_BODY) ? WH_STORE_BODY | WH_STORE_FINGERPRINT : WH_STORE_FINGERPRINT;
		code = wh_store_each(store, call->signal->noun, NULL, parts, take_row, &rows, err);
	}
	if (code == WH_OK)
		code = flush_rows(&rows, err);
	wh_arena_release(&rows.batch.arena);
	wh_vec_release(&rows.batch.records);
	wh_str_release(&held.ours);
	wh_store_close(store);
	return code;
}

int wh_settings_text(const struct wh_values *settings, struct wh_str *out, struct wh_err *err)
{
	char number[32];
	for (size_t i = 0; i < settings->n; i++) {
		const char *text = wh_values_text(settings, i, number, sizeof number);
		wh_str_printf(out, "%s=", settings->params[i].name);
		if (text && settings->params[i].type == WH_PARAM_PATH) {
			struct wh_input input;
			int code = wh_input_open(&input, text, err);
			if (code != WH_OK)
				return wh_err_wrap(err, code, "%s", text);
			wh_str_printf(out, "%016llx", (unsigned long long)wh_hash(input.text, input.size, 0));
			wh_input_release(&input);
		} else if (text) {
			wh_str_puts(out, text);
		}
		wh_str_putc(out, '\n');
	}
	return wh_str_check(out, err);
}
