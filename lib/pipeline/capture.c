/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/capture.h"

#include <string.h>
#include <unistd.h>

#include "base/input.h"
#include "base/json.h"
#include "collect/scrub.h"
#include "format/format.h"

enum { REPORT_MIB = 64 };

struct reading {
	const struct wh_call *call;
	const struct wh_capture *capture;
	const struct wh_scrub *scrub;
	struct wh_arena arena;
	struct wh_str out;  /* records, a line each */
	struct wh_str why;  /* nothing could be read */
	size_t records;
};

/* ---- writing ---- */

static int write_to_str(void *user, const char *data, size_t n, struct wh_err *err)
{
	wh_str_add(user, data, n);
	return wh_str_check(user, err);
}

static void begin_record(const struct reading *r, struct wh_emit *e)
{
	wh_emit_object(e, NULL);
	if (r->records > 1)
		wh_emit_format(e, "id", "%s#%zu", r->capture->id, r->records);
	else
		wh_emit_string(e, "id", r->capture->id);
	wh_emit_time(e, "time", r->capture->time_ns);
}

typedef int body_fn(const struct reading *, const struct wh_observation *, struct wh_emit *, struct wh_err *);

/* One line; its id and time are whorl's own, all else is scrubbed. */
static int write_record(struct reading *r, body_fn *body, const struct wh_observation *o, struct wh_err *err)
{
	struct wh_json_writer writer;
	struct wh_scrub_emit scrubbed;
	wh_json_writer_init(&writer, (struct wh_sink){ write_to_str, &r->out }, true);
	wh_scrub_emit_init(&scrubbed, r->scrub, &writer.emit);
	r->records++;
	begin_record(r, &writer.emit);
	int code = body(r, o, &scrubbed.emit, err);
	wh_emit_end(&writer.emit);
	int closed = wh_emit_close(&writer.emit, code == WH_OK ? err : NULL);
	wh_scrub_emit_release(&scrubbed);
	wh_json_writer_release(&writer);
	return code == WH_OK ? closed : code;
}

static int write_body(const struct reading *r, const struct wh_observation *o, struct wh_emit *e, struct wh_err *err)
{
	return r->call->signal->encode(o, e, err);
}

static int write_blank(const struct reading *r, const struct wh_observation *o, struct wh_emit *e, struct wh_err *err)
{
	(void)err;
	for (size_t i = 0; i < o->n_attributes; i++)
		wh_emit_string(e, o->attributes[i].name, o->attributes[i].value);
	wh_emit_string(e, "unread", r->why.data ? r->why.data : "nothing was found in it");
	r->call->signal->recorder->blank(e);
	return WH_OK;
}

/* ---- what is known ---- */

static bool has(const struct wh_attribute *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return true;
	return false;
}

/* What the recorder knows better wins over what was read, what it knows at all fills the gaps. */
static int complete(const struct reading *r, struct wh_observation *o, struct wh_arena *arena, struct wh_err *err)
{
	const struct wh_capture *c = r->capture;
	struct wh_attribute *all = wh_arena_zalloc(arena, o->n_attributes + c->n_attributes + c->n_fallback + 1, sizeof *all);
	size_t n = 0;
	if (!all)
		return wh_arena_error(arena, err);
	for (size_t i = 0; i < c->n_attributes; i++)
		all[n++] = c->attributes[i];
	for (size_t i = 0; i < o->n_attributes; i++)
		if (!has(c->attributes, c->n_attributes, o->attributes[i].name))
			all[n++] = o->attributes[i];
	for (size_t i = 0; i < c->n_fallback; i++)
		if (!has(all, n, c->fallback[i].name))
			all[n++] = c->fallback[i];
	o->attributes = all;
	o->n_attributes = n;
	return WH_OK;
}

/* ---- reading ---- */

static int take(void *user, struct wh_observation *read, struct wh_err *err)
{
	struct reading *r = user;
	struct wh_observation o = *read;
	struct wh_arena arena;
	wh_arena_init(&arena, (size_t)REPORT_MIB << 20);
	int code = complete(r, &o, &arena, err);
	if (code == WH_OK)
		code = write_record(r, write_body, &o, err);
	wh_arena_release(&arena);
	return code;
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	struct reading *r = user;
	(void)line;
	if (!r->why.n)
		wh_str_puts(&r->why, why);
	return wh_str_check(&r->why, err);
}

static void say(void *user, const char *text)
{
	const struct reading *r = user;
	wh_host_log(r->call->host, WH_DEBUG, "%s: %s", r->capture->id, text);
}

/* The input's fault, which trying again does not mend. */
static bool is_hopeless(int code)
{
	return code == WH_E_FORMAT || code == WH_E_LIMIT || code == WH_E_NOTFOUND;
}

static int read_input(struct reading *r, void *context, struct wh_err *err)
{
	struct wh_input input;
	struct wh_err why = { 0 };
	int code = wh_input_open(&input, r->capture->input, &why);
	if (code == WH_OK) {
		const struct wh_format *format = wh_format_detect(r->call->signal->formats, input.text, input.size);
		struct wh_reader reader = { .name = r->capture->id, .text = input.text, .size = input.size, .first_line = 1, .arena = &r->arena,
					    .take = take, .skip = skip, .say = say, .user = r, .format = format, .describe = true,
					    .options = r->call->reading.n ? &r->call->reading : NULL, .context = context };
		if (format)
			code = format->read(&reader, &why);
		else
			wh_str_puts(&r->why, input.size ? "no reader knows what it is" : "it is empty");
		wh_input_release(&input);
	}
	if (code != WH_OK && !is_hopeless(code))
		return wh_err_set(err, code, "%s: %s", r->capture->input, why.message);
	if (code != WH_OK) {
		wh_str_clear(&r->why);
		wh_str_puts(&r->why, why.message);
	}
	return WH_OK;
}

static int read_capture(struct reading *r, void *context, struct wh_err *err)
{
	WH_TRY(read_input(r, context, err));
	if (!r->records) {
		struct wh_observation nothing = { 0 };
		WH_TRY(complete(r, &nothing, &r->arena, err));
		WH_TRY(write_record(r, write_blank, &nothing, err));
	}
	return wh_file_replace(r->capture->record, r->out.data, r->out.n, err);
}

int wh_capture_write(const struct wh_call *call, void *context, const struct wh_scrub *scrub, const struct wh_capture *capture,
		     struct wh_err *err)
{
	struct reading r = { .call = call, .capture = capture, .scrub = scrub };
	if (!access(capture->record, F_OK))
		return WH_OK;
	wh_arena_init(&r.arena, (size_t)REPORT_MIB << 20);
	int code = read_capture(&r, context, err);
	wh_arena_release(&r.arena);
	wh_str_release(&r.out);
	wh_str_release(&r.why);
	return code;
}
