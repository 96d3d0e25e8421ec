/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions as long CSV (or TSV, or with semicolons): `session,timestep,metric,value`, a row a value. The columns may stand in any order and
 * among others. The rows of a session stand together, in any order among them: what is held is one session. Where a session's rows come
 * apart there are two of one id, which whoever gathers sessions calls an error.
 */
#include <math.h>
#include <strings.h>

#include "base/delimited.h"
#include "base/real.h"
#include "format/scan.h"
#include "format/session/list.h"
#include "format/session/report.h"

enum { SESSION, TIMESTEP, METRIC, VALUE, COLUMNS, MOST_FIELDS = WH_DELIMITED_FEW };

static const double MOST_STEP = 4611686018427387904.0; /* 2^62: differences of two are no overflow */

struct csv {
	struct wh_reader *reader;
	struct wh_delimited rows;
	size_t at[COLUMNS]; /* which field it is */
	struct wh_session_builder builder;
	struct wh_str id;      /* of the session at hand */
	const char *begin;     /* of its first row; NULL: there is none at hand */
};

static bool is(struct wh_bytes text, const char *word)
{
	return text.size == strlen(word) && !strncasecmp(text.data, word, text.size);
}

/* Whether the row names the columns. */
static bool find_columns(const struct wh_delimited *rows, size_t at[COLUMNS])
{
	static const char *const names[COLUMNS] = { "session", "timestep", "metric", "value" };
	unsigned found = 0;
	for (size_t i = 0; i < rows->n && i < MOST_FIELDS; i++)
		for (size_t c = 0; c < COLUMNS; c++)
			if (is(rows->field[i], names[c]) && !(found & 1u << c)) {
				found |= 1u << c;
				at[c] = i;
			}
	return found == (1u << COLUMNS) - 1;
}

/* An empty value, and `NA` and `null`, is not known. */
static bool read_value(struct wh_bytes text, double *value)
{
	*value = NAN;
	return !text.size || wh_real_parse(text.data, text.size, value) || is(text, "na") || is(text, "null");
}

static bool read_step(struct wh_bytes text, int64_t *step)
{
	double v;
	if (!wh_real_parse(text.data, text.size, &v) || !(fabs(v) <= MOST_STEP) || v != floor(v))
		return false;
	*step = (int64_t)v;
	return true;
}

static int emit_session(struct csv *csv, struct wh_err *err)
{
	const struct wh_session_head head = { .id = csv->id.data };
	const char *begin = csv->begin;
	csv->begin = NULL;
	return begin ? wh_session_emit(csv->reader, &csv->builder,
				       wh_session_change_encoded(csv->reader) ? WH_SESSION_CHANGES : WH_SESSION_DENSE, &head, begin, err)
		     : WH_OK;
}

static int begin_session(struct csv *csv, struct wh_bytes id, struct wh_err *err)
{
	WH_TRY(emit_session(csv, err));
	wh_str_clear(&csv->id);
	wh_str_add(&csv->id, id.data, id.size);
	csv->begin = csv->rows.row;
	return wh_str_check(&csv->id, err);
}

static int shown(struct wh_bytes text)
{
	return (int)(text.size < 60 ? text.size : 60);
}

static int read_row(struct csv *csv, struct wh_err *err)
{
	const struct wh_delimited *rows = &csv->rows;
	size_t header[COLUMNS];
	int64_t step;
	double value;
	if (rows->why)
		return wh_reader_skip(csv->reader, rows->row, err, "%s", rows->why);
	for (size_t c = 0; c < COLUMNS; c++)
		if (csv->at[c] >= rows->n)
			return wh_reader_skip(csv->reader, rows->row, err, "%zu fields, too few", rows->n);
	struct wh_bytes id = rows->field[csv->at[SESSION]], name = rows->field[csv->at[METRIC]];
	struct wh_bytes step_text = rows->field[csv->at[TIMESTEP]], value_text = rows->field[csv->at[VALUE]];
	if (!read_step(step_text, &step))
		return find_columns(rows, header) ? WH_OK /* of a further file that was put behind the first */
						  : wh_reader_skip(csv->reader, rows->row, err, "the time step is no whole number: %.*s", shown(step_text), step_text.data);
	if (!id.size || memchr(id.data, '\0', id.size))
		return wh_reader_skip(csv->reader, rows->row, err, id.size ? "a NUL in the session's id" : "no session's id");
	if (!read_value(value_text, &value))
		return wh_reader_skip(csv->reader, rows->row, err, "the value is no number: %.*s", shown(value_text), value_text.data);
	if (!csv->begin || csv->id.n != id.size || memcmp(csv->id.data, id.data, id.size) != 0)
		WH_TRY(begin_session(csv, id, err));
	wh_session_builder_row(&csv->builder, name.data, name.size, step, value);
	return WH_OK;
}

/* The columns of a file that text is a later piece of. */
static void find_columns_of(const char *start, const char *end, char *separator, size_t at[COLUMNS])
{
	const struct wh_bytes text = { start, (size_t)(end - start) };
	struct wh_delimited rows;
	*separator = wh_delimited_separator(text);
	wh_delimited_init(&rows, text, *separator, MOST_FIELDS);
	if (!wh_delimited_row(&rows) || rows.why || !find_columns(&rows, at)) /* no header: in the usual order */
		for (size_t c = 0; c < COLUMNS; c++)
			at[c] = c;
	wh_delimited_release(&rows);
}

static int read_rows(struct csv *csv, struct wh_err *err)
{
	if (csv->reader->start && csv->reader->start < csv->reader->text) {
		find_columns_of(csv->reader->start, csv->reader->text, &csv->rows.separator, csv->at);
		while (wh_delimited_row(&csv->rows))
			WH_TRY(read_row(csv, err));
		return csv->rows.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : emit_session(csv, err);
	}
	if (!wh_delimited_row(&csv->rows))
		return csv->rows.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	if (csv->rows.why || !find_columns(&csv->rows, csv->at)) { /* no header: in the usual order */
		for (size_t c = 0; c < COLUMNS; c++)
			csv->at[c] = c;
		WH_TRY(read_row(csv, err));
	}
	while (wh_delimited_row(&csv->rows))
		WH_TRY(read_row(csv, err));
	return csv->rows.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : emit_session(csv, err);
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	const struct wh_bytes text = { reader->text, reader->size };
	struct csv csv = { .reader = reader };
	wh_delimited_init(&csv.rows, text, wh_delimited_separator(text), MOST_FIELDS);
	wh_session_builder_init(&csv.builder, reader->arena);
	int code = read_rows(&csv, err);
	wh_delimited_release(&csv.rows);
	wh_session_builder_release(&csv.builder);
	wh_str_release(&csv.id);
	return code;
}

/* Whether read_row takes the row. */
static bool is_row(const struct wh_delimited *rows, const size_t at[COLUMNS])
{
	int64_t step;
	double value;
	for (size_t c = 0; c < COLUMNS; c++)
		if (at[c] >= rows->n)
			return false;
	struct wh_bytes id = rows->field[at[SESSION]];
	return !rows->why && id.size && !memchr(id.data, '\0', id.size) && read_step(rows->field[at[TIMESTEP]], &step) &&
	       read_value(rows->field[at[VALUE]], &value);
}

/* Where the session of a row differs from that of the row before, and no quote is near enough to have begun a field that goes on: what is read does
 * not depend on where it is cut. */
static const char *cut(const char *text, const char *at, const char *end)
{
	size_t column[COLUMNS];
	struct wh_delimited rows;
	struct wh_span line;
	struct wh_bytes before = { NULL, 0 };
	const char *from = at - text > (ptrdiff_t)WH_DELIMITED_LONGEST ? at - WH_DELIMITED_LONGEST : text, *found = end;
	const char *nl = memchr(at, '\n', (size_t)(end - at)), *next = nl ? nl + 1 : end, *quote = memrchr(from, '"', (size_t)(next - from));
	struct wh_span all = { next, end };
	wh_delimited_init(&rows, (struct wh_bytes){ text, 0 }, ',', MOST_FIELDS);
	find_columns_of(text, end, &rows.separator, column);
	while (found == end && wh_scan_line(&all, &line)) {
		const char *last = memrchr(line.p, '"', wh_span_size(line));
		quote = last ? last : quote;
		rows.p = line.p;
		rows.end = all.p; /* its end and all, as read_rows sees it */
		if ((quote && line.p - quote <= (ptrdiff_t)WH_DELIMITED_LONGEST) || !wh_delimited_row(&rows) || !is_row(&rows, column))
			continue;
		struct wh_bytes id = rows.field[column[SESSION]]; /* in the text: there is no quote */
		if (before.data && (before.size != id.size || memcmp(before.data, id.data, id.size) != 0))
			found = line.p;
		before = id;
	}
	wh_delimited_release(&rows);
	return found;
}

/* Without a header: whether a few rows are of four fields that look like it. */
static int detect_bare(struct wh_delimited *rows)
{
	enum { LOOKED_AT = 8 };
	double value;
	int64_t step;
	int n = 0;
	do {
		if (rows->p == rows->end && n)
			break; /* cut, perhaps */
		if (rows->why || rows->n != COLUMNS || !rows->field[SESSION].size || !read_step(rows->field[TIMESTEP], &step) ||
		    !rows->field[METRIC].size || wh_real_parse(rows->field[METRIC].data, rows->field[METRIC].size, &value) ||
		    !read_value(rows->field[VALUE], &value))
			return 0;
	} while (++n < LOOKED_AT && wh_delimited_row(rows));
	return 30;
}

static int detect(const char *text, size_t size)
{
	const struct wh_bytes bytes = { text, size };
	struct wh_delimited rows;
	size_t at[COLUMNS];
	wh_delimited_init(&rows, bytes, wh_delimited_separator(bytes), MOST_FIELDS);
	int sure = 0;
	if (wh_delimited_row(&rows) && !rows.why)
		sure = find_columns(&rows, at) ? 95 : detect_bare(&rows);
	wh_delimited_release(&rows);
	return sure;
}

const struct wh_format wh_format_session_csv = {
	.name = "csv",
	.summary = "session,timestep,metric,value: a row a value, many sessions a file",
	.reference = "docs/format/sessions.md",
	.detect = detect,
	.read = read,
	.cut = cut,
};
