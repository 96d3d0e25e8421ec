/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/report.h"

#include <math.h>
#include <string.h>

static const double CALENDAR_S = 1e8, LAST_S = 9e9; /* beyond it nanoseconds overflow */

bool wh_session_change_encoded(const struct wh_reader *reader)
{
	const struct wh_session_reading *r = reader->context;
	return r && r->change_encoded;
}

static void say_faults(struct wh_reader *reader, const char *id, const struct wh_session_faults *faults)
{
	const char *name = id ? id : reader->name;
	if (faults->twice)
		wh_reader_say(reader, "session %s: %zu values of a metric and step that had one: the last one counts", name, faults->twice);
	if (faults->infinite)
		wh_reader_say(reader, "session %s: %zu infinite values are taken as not known", name, faults->infinite);
	if (faults->unnamed)
		wh_reader_say(reader, "session %s: %zu values of a metric without a name are left out", name, faults->unnamed);
}

static void find_time(struct wh_observation *o, const struct wh_session *session)
{
	for (uint32_t i = session->time_s ? session->n_steps : 0; i-- > 0 && !o->has_time;)
		if (session->time_s[i] >= CALENDAR_S && session->time_s[i] < LAST_S) {
			double whole = floor(session->time_s[i]);
			o->time_ns = (int64_t)whole * 1000000000 + (int64_t)nearbyint((session->time_s[i] - whole) * 1e6) * 1000; /* a double has no more */
			o->has_time = true;
		}
}

static void add_attributes(struct wh_observation *o, struct wh_attribute *all, const struct wh_attribute *attributes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		if (wh_session_is_member((struct wh_bytes){ attributes[i].name, strlen(attributes[i].name) }))
			continue;
		while (k < o->n_attributes && strcmp(all[k].name, attributes[i].name) != 0)
			k++;
		all[k] = attributes[i]; /* who comes later knows better */
		o->n_attributes += k == o->n_attributes;
	}
}

static int put_together(struct wh_reader *reader, struct wh_observation *o, const struct wh_session_head *head, struct wh_err *err)
{
	struct wh_session_reading *r = reader->context;
	const struct wh_session_told *told = wh_session_find_told(r, head->id, reader->name);
	size_t n = head->n_attributes + (told ? told->n_attributes : 0);
	struct wh_attribute *attributes = wh_arena_zalloc(reader->arena, n + 1, sizeof *attributes);
	if (!attributes)
		return wh_arena_error(reader->arena, err);
	add_attributes(o, attributes, head->attributes, head->n_attributes);
	if (told) {
		add_attributes(o, attributes, told->attributes, told->n_attributes);
		o->label = told->label;
		o->has_time = told->has_time;
		o->time_ns = told->time_ns;
	} else if (r && r->table && !atomic_exchange(&r->missed, true)) {
		wh_reader_say(reader, "%s has nothing on session %s (further ones are not named)", r->table, head->id ? head->id : reader->name);
	}
	o->attributes = attributes;
	find_time(o, o->body);
	return WH_OK;
}

int wh_session_emit(struct wh_reader *reader, struct wh_session_builder *b, enum wh_session_encoding encoding, const struct wh_session_head *head,
		    const char *at, struct wh_err *err)
{
	struct wh_observation o = { .id = head->id };
	struct wh_session *session;
	struct wh_session_faults faults;
	struct wh_err why = { 0 };
	if (!b->rows.n && !b->failed)
		return WH_OK;
	int code = wh_session_builder_finish(b, encoding, &session, &faults, &why);
	if (code == WH_OK) {
		o.body = session;
		code = put_together(reader, &o, head, &why);
	}
	if (code == WH_E_LIMIT || code == WH_E_FORMAT)
		return wh_reader_skip(reader, at, err, "session %.100s: %s", head->id ? head->id : reader->name, why.message);
	if (code != WH_OK)
		return wh_err_set(err, code, "%s", why.message);
	say_faults(reader, head->id, &faults);
	return wh_reader_emit(reader, &o, err);
}
