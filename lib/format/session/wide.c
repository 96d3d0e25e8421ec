/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions as wide CSV (or TSV, or with semicolons): a header, a row a step, a column a metric. The first column is the time step or the
 * time; one called `session`, anywhere, has the session's id, else the file is one session. An empty cell is not known, and so are all
 * metrics at a step that has no row; where values are change-encoded both change nothing.
 */
#include <math.h>
#include <strings.h>

#include "base/delimited.h"
#include "base/real.h"
#include "format/scan.h"
#include "format/session/clock.h"
#include "format/session/list.h"
#include "format/session/report.h"

enum { MOST_COLUMNS = 1 << 20, NAMES_MIB = 256 };

static const double MOST_STEP = 4611686018427387904.0; /* 2^62: differences of two are no overflow */

struct axis {
	const char *name; /* of the column */
	bool time;        /* else steps */
	double unit_s;    /* 0: as its text looks */
};

static const struct axis axes[] = {
	{ "timestep", false, 0 }, { "step", false, 0 },	    { "sample", false, 0 },    { "iteration", false, 0 }, { "index", false, 0 },
	{ "", false, 0 },	  { "time", true, 0 },	    { "time_s", true, 1 },     { "@time_s", true, 1 },	  { "time_ms", true, 1e-3 },
	{ "time_us", true, 1e-6 }, { "time_ns", true, 1e-9 }, { "ts", true, 0 },	     { "timestamp", true, 0 },	  { "t", true, 0 },
	{ "date", true, 0 },	  { "datetime", true, 0 },  { "seconds", true, 1 },    { "elapsed", true, 1 },	  { "elapsed_s", true, 1 },
};

struct wide {
	struct wh_reader *reader;
	struct wh_delimited rows;
	struct wh_arena names_arena;
	struct wh_bytes *names; /* n_columns */
	size_t n_columns, at_axis, at_session; /* at_session: n_columns where there is none */
	const struct axis *axis;
	struct wh_session_builder builder;
	struct wh_session_clock clock;
	struct wh_str id;
	const char *begin;   /* of the session at hand; NULL: there is none */
	size_t odd, odd_column; /* cells that are no numbers; the first one's column */
};

static bool is(struct wh_bytes text, const char *word)
{
	return text.size == strlen(word) && !strncasecmp(text.data, word, text.size);
}

/* Which column is the axis, NULL: none; it is the first, or the first beside the session's id. */
static const struct axis *find_axis(const struct wh_delimited *rows, size_t *at_axis, size_t *at_session)
{
	size_t kept = rows->n < rows->most ? rows->n : rows->most;
	*at_session = rows->n;
	for (size_t i = 0; i < kept && *at_session == rows->n; i++)
		if (is(rows->field[i], "session"))
			*at_session = i;
	*at_axis = *at_session == 0;
	for (size_t i = 0; *at_axis < kept && rows->n >= 2 && i < sizeof axes / sizeof *axes; i++)
		if (is(rows->field[*at_axis], axes[i].name))
			return &axes[i];
	return NULL;
}

static bool read_step(struct wh_bytes text, int64_t *step)
{
	double v;
	if (!wh_real_parse(text.data, text.size, &v) || !(fabs(v) <= MOST_STEP) || v != floor(v))
		return false;
	*step = (int64_t)v;
	return true;
}

static bool read_time(const struct axis *axis, struct wh_bytes text, double *time_s)
{
	if (!axis->unit_s || !wh_real_parse(text.data, text.size, time_s))
		return wh_session_when(text.data, text.size, time_s);
	*time_s *= axis->unit_s;
	return isfinite(*time_s);
}

static int keep_header(struct wide *w, struct wh_err *err)
{
	w->n_columns = w->rows.n;
	w->names = wh_arena_alloc(&w->names_arena, (w->n_columns + 1) * sizeof *w->names);
	for (size_t i = 0; w->names && i < w->n_columns; i++) {
		struct wh_bytes name = w->rows.field[i];
		w->names[i] = (struct wh_bytes){ wh_arena_strndup(&w->names_arena, name.data, name.size), name.size };
		if (!w->names[i].data)
			return wh_arena_error(&w->names_arena, err);
	}
	return w->names ? WH_OK : wh_arena_error(&w->names_arena, err);
}

static void say_odd(struct wide *w)
{
	if (w->odd)
		wh_reader_say(w->reader, "session %s: %zu cells that are no numbers are taken as not known (the first in column %.100s)",
			      w->at_session < w->n_columns && w->id.data ? w->id.data : w->reader->name, w->odd, w->names[w->odd_column].data);
	w->odd = 0;
}

static int emit_session(struct wide *w, struct wh_err *err)
{
	const struct wh_session_head head = { .id = w->at_session < w->n_columns ? w->id.data : NULL };
	const char *begin = w->begin;
	w->begin = NULL;
	if (!begin)
		return WH_OK;
	say_odd(w);
	WH_TRY(wh_session_clock_settle(&w->clock, &w->builder, err));
	return wh_session_emit(w->reader, &w->builder, wh_session_change_encoded(w->reader) ? WH_SESSION_CHANGES : WH_SESSION_SPARSE, &head, begin, err);
}

/* The session that the row belongs to is at hand afterwards. */
static int find_session(struct wide *w, struct wh_err *err)
{
	struct wh_bytes id = w->at_session < w->n_columns ? w->rows.field[w->at_session] : (struct wh_bytes){ "", 0 };
	if (w->begin && w->id.n == id.size && (!id.size || !memcmp(w->id.data, id.data, id.size)))
		return WH_OK;
	WH_TRY(emit_session(w, err));
	wh_str_clear(&w->id);
	wh_str_add(&w->id, id.data, id.size);
	w->begin = w->rows.row;
	return wh_str_check(&w->id, err);
}

static void read_cells(struct wide *w, int64_t step)
{
	bool changes = wh_session_change_encoded(w->reader);
	for (size_t i = 0; i < w->n_columns; i++) {
		struct wh_bytes text = w->rows.field[i];
		double value = NAN;
		if (i == w->at_axis || i == w->at_session || (changes && !text.size))
			continue;
		if (text.size && !wh_real_parse(text.data, text.size, &value) && !is(text, "na") && !is(text, "null")) {
			w->odd_column = w->odd ? w->odd_column : i;
			w->odd++;
		}
		wh_session_builder_row(&w->builder, w->names[i].data, w->names[i].size, step, value);
	}
}

static int read_row(struct wide *w, struct wh_err *err)
{
	const struct wh_delimited *rows = &w->rows;
	int64_t step = 0;
	double time_s = 0;
	if (rows->why)
		return wh_reader_skip(w->reader, rows->row, err, "%s", rows->why);
	if (rows->n != w->n_columns)
		return wh_reader_skip(w->reader, rows->row, err, "%zu fields where the header has %zu", rows->n, w->n_columns);
	struct wh_bytes text = rows->field[w->at_axis];
	int shown = (int)(text.size < 60 ? text.size : 60);
	if (w->axis->time ? !read_time(w->axis, text, &time_s) : !read_step(text, &step)) {
		if (is(text, w->axis->name))
			return WH_OK; /* the header of a further file that was put behind the first */
		return wh_reader_skip(w->reader, rows->row, err, w->axis->time ? "no time: %.*s" : "the time step is no whole number: %.*s", shown, text.data);
	}
	if (w->at_session < rows->n && (!rows->field[w->at_session].size || memchr(rows->field[w->at_session].data, '\0', rows->field[w->at_session].size)))
		return wh_reader_skip(w->reader, rows->row, err, "no session's id");
	WH_TRY(find_session(w, err));
	read_cells(w, w->axis->time ? wh_session_clock_step(&w->clock, time_s) : step);
	return WH_OK;
}

static int read_rows(struct wide *w, struct wh_err *err)
{
	if (!wh_delimited_row(&w->rows))
		return w->rows.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	w->axis = w->rows.why ? NULL : find_axis(&w->rows, &w->at_axis, &w->at_session);
	if (!w->axis)
		return wh_reader_skip(w->reader, w->rows.row, err, "no header whose first column is the time step or the time");
	if (w->rows.n > MOST_COLUMNS)
		return wh_reader_skip(w->reader, w->rows.row, err, "%zu columns: more than %d", w->rows.n, MOST_COLUMNS);
	WH_TRY(keep_header(w, err));
	while (wh_delimited_row(&w->rows))
		WH_TRY(read_row(w, err));
	return w->rows.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : emit_session(w, err);
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	const struct wh_bytes text = { reader->text, reader->size };
	struct wide w = { .reader = reader };
	wh_delimited_init(&w.rows, text, wh_delimited_separator(text), MOST_COLUMNS);
	wh_arena_init(&w.names_arena, (size_t)NAMES_MIB << 20);
	wh_session_builder_init(&w.builder, reader->arena);
	wh_session_clock_init(&w.clock);
	int code = read_rows(&w, err);
	wh_delimited_release(&w.rows);
	wh_arena_release(&w.names_arena);
	wh_session_builder_release(&w.builder);
	wh_session_clock_release(&w.clock);
	wh_str_release(&w.id);
	return code;
}

/* A header, and a row below it that has as many fields and begins as the header says. */
static int detect(const char *text, size_t size)
{
	const struct wh_bytes bytes = { text, size };
	struct wh_delimited rows;
	size_t at_axis, at_session, n;
	double time_s, value;
	int64_t step;
	int sure = 0;
	wh_delimited_init(&rows, bytes, wh_delimited_separator(bytes), WH_DELIMITED_FEW);
	const struct axis *axis = wh_delimited_row(&rows) && !rows.why ? find_axis(&rows, &at_axis, &at_session) : NULL;
	n = rows.n;
	if (axis && *axis->name && rows.p == rows.end && size == WH_DETECT_SIZE)
		sure = 50; /* many metrics: the header goes on */
	if (axis && n <= MOST_COLUMNS && wh_delimited_row(&rows) && !rows.why && rows.n == n) {
		struct wh_bytes first = rows.field[at_axis];
		size_t numbers = 0;
		for (size_t i = at_axis + 1; i < n && i < rows.most; i++)
			numbers += i != at_session && (!rows.field[i].size || wh_real_parse(rows.field[i].data, rows.field[i].size, &value));
		if ((axis->time ? read_time(axis, first, &time_s) : read_step(first, &step)) && numbers)
			sure = at_session < n ? 70 : *axis->name ? 60 : 40;
	}
	wh_delimited_release(&rows);
	return sure;
}

const struct wh_format wh_format_session_wide = {
	.name = "wide-csv",
	.summary = "a row a step, a column a metric, the time step or the time first",
	.reference = "docs/format/sessions.md",
	.detect = detect,
	.read = read,
};
