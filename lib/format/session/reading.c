/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/reading.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/delimited.h"
#include "base/input.h"
#include "base/time.h"

enum { MOST_COLUMNS = 256, TABLE_MIB = 1024 };

const struct wh_param wh_session_reading[] = {
	{ .name = "change-encoded", .type = WH_PARAM_FLAG,
	  .help = "in CSV, a value holds until the next one of its session and metric (else: no row means 0)" },
	{ .name = "stitch", .type = WH_PARAM_FLAG,
	  .help = "the files of a folder are one session, dumps in the order of their names, called as the folder is" },
	{ .name = "sessions", .type = WH_PARAM_PATH, .metavar = "FILE",
	  .help = "CSV or TSV with a header: session, and of each its time, label, app, version and what else is known" },
	{ 0 },
};

/* ---- the table ---- */

struct column {
	enum { ATTRIBUTE, SESSION, TIME, LABEL, PASSED_OVER } kind;
	const char *name; /* of the attribute */
};

struct columns {
	struct column column[MOST_COLUMNS];
	size_t n;
};

static bool is(struct wh_bytes text, const char *word)
{
	return text.size == strlen(word) && !strncasecmp(text.data, word, text.size);
}

bool wh_session_is_member(struct wh_bytes name)
{
	static const char *const members[] = { "id", "time", "label", "format", "steps", "first_step", "metrics", "time_s" };
	for (size_t m = 0; m < sizeof members / sizeof *members; m++)
		if (is(name, members[m]))
			return true;
	return false;
}

static struct column understand(struct wh_session_reading *r, struct wh_bytes name, size_t i)
{
	if (is(name, "session") || (i == 0 && is(name, "id")))
		return (struct column){ .kind = SESSION };
	if (is(name, "time") || is(name, "label"))
		return (struct column){ .kind = is(name, "time") ? TIME : LABEL };
	if (wh_session_is_member(name))
		return (struct column){ .kind = PASSED_OVER };
	return (struct column){ name.size ? ATTRIBUTE : PASSED_OVER, wh_arena_strndup(&r->arena, name.data, strnlen(name.data, name.size)) };
}

static int read_header(struct wh_session_reading *r, struct wh_delimited *d, struct columns *columns, struct wh_err *err)
{
	bool session = false;
	if (!wh_delimited_row(d) || d->why)
		return d->failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : wh_err_set(err, WH_E_FORMAT, "no header");
	if (d->n > MOST_COLUMNS)
		return wh_err_set(err, WH_E_LIMIT, "%zu columns: more than %d", d->n, MOST_COLUMNS);
	columns->n = d->n;
	for (size_t i = 0; i < d->n; i++) {
		columns->column[i] = understand(r, d->field[i], i);
		if (columns->column[i].kind == ATTRIBUTE && !columns->column[i].name)
			return wh_arena_error(&r->arena, err);
		session |= columns->column[i].kind == SESSION;
	}
	return session ? WH_OK : wh_err_set(err, WH_E_FORMAT, "line 1: no column is called session");
}

static size_t line_of(const struct wh_delimited *d, const char *text)
{
	size_t n = 1;
	for (const char *p = text; (p = memchr(p, '\n', (size_t)(d->row - p))); p++)
		n++;
	return n;
}

static int read_row(struct wh_session_reading *r, struct wh_delimited *d, const struct columns *columns, const char *text, struct wh_err *err)
{
	struct wh_session_told told = { 0 };
	struct wh_attribute *attributes = wh_arena_zalloc(&r->arena, columns->n, sizeof *attributes);
	struct wh_bytes id = { "", 0 };
	if (!attributes)
		return wh_arena_error(&r->arena, err);
	for (size_t i = 0; i < d->n && i < columns->n; i++) {
		struct wh_bytes field = d->field[i];
		const struct column *column = &columns->column[i];
		const char *copy = NULL;
		if (column->kind == SESSION)
			id = field;
		if (!field.size || column->kind == SESSION || column->kind == PASSED_OVER)
			continue;
		if (column->kind == TIME) {
			if (wh_time_parse(field.data, field.size, &told.time_ns))
				return wh_err_set(err, WH_E_FORMAT, "line %zu: neither ISO 8601 nor a number: %.*s", line_of(d, text),
						  (int)(field.size < 60 ? field.size : 60), field.data);
			told.has_time = true;
			continue;
		}
		copy = wh_arena_strndup(&r->arena, field.data, strnlen(field.data, field.size));
		if (!copy)
			return wh_arena_error(&r->arena, err);
		if (column->kind == LABEL)
			told.label = *copy ? copy : NULL;
		else if (*copy)
			attributes[told.n_attributes++] = (struct wh_attribute){ column->name, copy };
	}
	told.attributes = attributes;
	if (!id.size)
		return WH_OK; /* of nobody */
	if (wh_strtab_find(&r->ids, id.data, id.size) != WH_STRTAB_NONE)
		return wh_err_set(err, WH_E_CONFLICT, "line %zu: session %.*s a second time", line_of(d, text), (int)(id.size < 200 ? id.size : 200),
				  id.data);
	if (wh_strtab_add(&r->ids, id.data, id.size) == WH_STRTAB_NONE || wh_vec_push(&r->told, told))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

static int read_table(struct wh_session_reading *r, struct wh_bytes text, struct wh_err *err)
{
	struct wh_delimited d;
	struct columns *columns = malloc(sizeof *columns);
	int code = columns ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_delimited_init(&d, text, wh_delimited_separator(text), MOST_COLUMNS);
	if (code == WH_OK)
		code = read_header(r, &d, columns, err);
	while (code == WH_OK && wh_delimited_row(&d))
		code = d.why ? wh_err_set(err, WH_E_FORMAT, "line %zu: %s", line_of(&d, text.data), d.why) : read_row(r, &d, columns, text.data, err);
	if (code == WH_OK && d.failed)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_delimited_release(&d);
	free(columns);
	return code;
}

static int open_table(struct wh_session_reading *r, const char *path, struct wh_err *err)
{
	struct wh_input input;
	r->table = strdup(path);
	if (!r->table)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = wh_input_open(&input, path, err);
	if (code == WH_OK) {
		code = read_table(r, (struct wh_bytes){ input.text, input.size }, err);
		wh_input_release(&input);
	}
	return code == WH_OK ? WH_OK : wh_err_wrap(err, code, "--sessions %s", path);
}

int wh_session_open_reading(const struct wh_values *reading, void **context, struct wh_err *err)
{
	struct wh_session_reading *r = calloc(1, sizeof *r);
	*context = NULL;
	if (!r)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_strtab_init(&r->ids, (size_t)TABLE_MIB << 20);
	wh_arena_init(&r->arena, (size_t)TABLE_MIB << 20);
	r->change_encoded = wh_values_flag(reading, "change-encoded");
	const char *path = wh_values_string(reading, "sessions");
	int code = path ? open_table(r, path, err) : WH_OK;
	if (code == WH_OK)
		*context = r;
	else
		wh_session_close_reading(r);
	return code;
}

void wh_session_close_reading(void *context)
{
	struct wh_session_reading *r = context;
	if (!r)
		return;
	free(r->table);
	wh_strtab_release(&r->ids);
	wh_vec_release(&r->told);
	wh_arena_release(&r->arena);
	free(r);
}

const struct wh_session_told *wh_session_find_told(const struct wh_session_reading *r, const char *id, const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL, *base = slash ? slash + 1 : name;
	if (!r || !r->table || (!id && !name))
		return NULL;
	uint32_t at = id ? wh_strtab_find(&r->ids, id, strlen(id)) : wh_strtab_find(&r->ids, name, strlen(name));
	if (at == WH_STRTAB_NONE && !id)
		at = wh_strtab_find(&r->ids, base, strlen(base));
	for (size_t n = id ? 0 : strlen(base); at == WH_STRTAB_NONE && n; n--) /* a.csv.gz, a.csv, a */
		if (base[n - 1] == '.')
			at = wh_strtab_find(&r->ids, base, n - 1);
	return at == WH_STRTAB_NONE ? NULL : &r->told.data[at];
}
