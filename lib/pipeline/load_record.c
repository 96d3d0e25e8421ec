/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of an observation that was read. */
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "pipeline/loading.h"

static int sink_to_str(void *user, const char *data, size_t n, struct wh_err *err)
{
	wh_str_add(user, data, n);
	return wh_str_check(user, err);
}

int wh_encode_body(const struct wh_signal *signal, const struct wh_observation *o, struct wh_str *body, struct wh_err *err)
{
	struct wh_json_writer writer;
	wh_str_clear(body);
	wh_json_writer_init(&writer, (struct wh_sink){ sink_to_str, body }, true);
	wh_emit_object(&writer.emit, NULL);
	int code = signal->encode(o, &writer.emit, err);
	wh_emit_end(&writer.emit);
	int closed = wh_emit_close(&writer.emit, code == WH_OK ? err : NULL);
	wh_json_writer_release(&writer);
	while (body->n && body->data[body->n - 1] == '\n')
		body->n--;
	return code == WH_OK ? closed : code;
}

int wh_keep_body(struct reading *r, const struct wh_observation *o, struct wh_record *record, struct wh_err *err)
{
	struct wh_str *body = &r->worker->body;
	WH_TRY(wh_encode_body(r->l->load->call->signal, o, body, err));
	const size_t n = body->n;
	const char *copy = wh_arena_strndup(&r->task->batch.arena, body->data, n);
	if (!copy)
		return wh_arena_error(&r->task->batch.arena, err);
	record->body = (struct wh_bytes){ copy, n };
	record->body_hash = wh_hash(copy, n, (uint64_t)record->time_ns);
	return WH_OK;
}

const char *wh_keep_shared(struct loading *l, struct wh_arena *arena, const char *data, size_t n)
{
	return l->load->strings ? wh_intern(l->load->strings, data, n) : wh_arena_strndup(arena, data, n);
}

int wh_keep_attributes(struct reading *r, const struct wh_observation *o, struct wh_record *record, struct wh_err *err)
{
	const struct wh_signal *signal = r->l->load->call->signal;
	size_t n = 0;
	while (signal->attributes[n])
		n++;
	const char **values = wh_arena_zalloc(&r->task->batch.arena, n + 1, sizeof *values);
	if (!values)
		return wh_arena_error(&r->task->batch.arena, err);
	for (size_t i = 0; i < n; i++) {
		const char *value = signal->attribute ? signal->attribute(o, signal->attributes[i])
						      : wh_observation_attribute(o, signal->attributes[i]);
		if (value && !(values[i] = wh_keep_shared(r->l, &r->task->batch.arena, value, strlen(value))))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	record->attributes = values;
	if (o->format && !(record->format = wh_keep_shared(r->l, &r->task->batch.arena, o->format, strlen(o->format))))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

int wh_keep_string(struct wh_arena *arena, const char *text, const char **copy, struct wh_err *err)
{
	*copy = text ? wh_arena_strdup(arena, text) : NULL;
	return text && !*copy ? wh_arena_error(arena, err) : WH_OK;
}

int wh_keep_fingerprint(struct reading *r, const struct wh_observation *o, struct wh_record *record, struct wh_err *err)
{
	struct wh_bytes fingerprint;
	const struct wh_load *load = r->l->load;
	WH_TRY(load->call->signal->fingerprint(load->config, &r->worker->scratch, o, &r->worker->arena, &fingerprint, err));
	record->empty = !fingerprint.size;
	record->fingerprint = (struct wh_bytes){ wh_keep_shared(r->l, &r->task->batch.arena, fingerprint.data ? fingerprint.data : "", fingerprint.size),
						 fingerprint.size };
	return record->fingerprint.data ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}
