/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/delimited.h"
#include "base/input.h"
#include "base/map.h"
#include "base/str.h"
#include "base/strtab.h"
#include "pipeline/intern.h"

/* ---- delimited text ---- */

enum { MOST_COLUMNS = 65536 };

struct table {
	struct wh_input input;
	char *path;
	const char *column; /* name or number as given, or NULL */
	size_t index;       /* of the label's column, from 0 */
	char separator;
	bool header;
};

/* `FILE:COLUMN`, unless a file of that whole name exists. */
static int open_table(struct table *table, const char *argument, struct wh_err *err)
{
	table->path = strdup(argument);
	if (!table->path)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	char *colon = strrchr(table->path, ':');
	int code = wh_input_open(&table->input, table->path, err);
	if (code == WH_E_NOTFOUND && colon) {
		*colon = '\0';
		table->column = colon + 1;
		code = wh_input_open(&table->input, table->path, err);
	}
	return code == WH_OK ? WH_OK : wh_err_wrap(err, code, "%s", table->path);
}

static bool is_one_of(struct wh_bytes text, const char *const *names)
{
	for (; *names; names++)
		if (text.size == strlen(*names) && !strncasecmp(text.data, *names, text.size))
			return true;
	return false;
}

/* Learns the separator, whether the first line is a header, and which column has the labels. */
static int understand(struct table *table, struct wh_err *err)
{
	static const char *const ids[] = { "id", "report", "name", "file", "session", "observation", NULL };
	static const char *const labels[] = { "label", "bucket", "class", "group", "cluster", "category", "truth", NULL };
	const struct wh_bytes text = { table->input.text, table->input.size };
	struct wh_delimited rows;
	bool found = false, id = false, label = false;
	table->separator = wh_delimited_separator(text);
	table->index = 1;
	char *rest = NULL;
	unsigned long number = table->column ? strtoul(table->column, &rest, 10) : 0;
	if (number && !*rest) {
		table->index = number - 1;
		found = true;
	}
	wh_delimited_init(&rows, text, table->separator, MOST_COLUMNS);
	bool first = wh_delimited_row(&rows) && !rows.why;
	for (size_t i = 0; first && i < rows.n && i < MOST_COLUMNS; i++) {
		struct wh_bytes name = rows.field[i];
		id |= i == 0 && is_one_of(name, ids);
		label |= i > 0 && is_one_of(name, labels);
		if (table->column && !found && name.size == strlen(table->column) && !memcmp(name.data, table->column, name.size)) {
			table->index = i;
			found = true;
			id = true; /* a named column needs a header */
		}
	}
	wh_delimited_release(&rows);
	if (rows.failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	table->header = id || label;
	if (table->column && (!found || table->index >= MOST_COLUMNS))
		return wh_err_set(err, WH_E_USAGE, "%s: no column is called %s", table->path, table->column);
	return WH_OK;
}

static size_t line_of(const struct table *table, const struct wh_delimited *rows)
{
	size_t n = 1;
	for (const char *p = table->input.text; (p = memchr(p, '\n', (size_t)(rows->row - p))); p++)
		n++;
	return n;
}

static int each_row(struct table *table, wh_labels_row_fn *row, void *user, struct wh_err *err)
{
	struct wh_delimited rows;
	int code = WH_OK;
	wh_delimited_init(&rows, (struct wh_bytes){ table->input.text, table->input.size }, table->separator, table->index + 1);
	for (bool first = true; code == WH_OK && wh_delimited_row(&rows); first = false) {
		if (first && table->header)
			continue;
		if (rows.why)
			code = wh_err_set(err, WH_E_FORMAT, "%s: line %zu: %s", table->path, line_of(table, &rows), rows.why);
		else
			code = row(user, rows.field[0], table->index < rows.n ? rows.field[table->index] : (struct wh_bytes){ "", 0 }, err);
	}
	if (code == WH_OK && rows.failed)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_delimited_release(&rows);
	return code;
}

int wh_labels_read(const char *file_and_column, wh_labels_row_fn *row, void *user, struct wh_err *err)
{
	struct table table = { 0 };
	int code = open_table(&table, file_and_column, err);
	if (code == WH_OK)
		code = understand(&table, err);
	if (code == WH_OK)
		code = each_row(&table, row, user, err);
	wh_input_release(&table.input);
	free(table.path);
	return code;
}

/* ---- joining ---- */

enum { BY_ID, BY_BASE, BY_STEM, KINDS };

struct wh_labels {
	struct wh_strtab keys[KINDS]; /* key -> value[kind].data[key] */
	struct WH_VEC(uint32_t) value[KINDS]; /* label's number; AMBIGUOUS */
	struct wh_strtab names; /* of classes */
	const char *file; /* as given */
	size_t rows, records, matched;
	const char *example; /* id of the first record */
};

enum { AMBIGUOUS = UINT32_MAX - 1 };

static struct wh_bytes key_of(struct wh_bytes id, int kind)
{
	if (kind == BY_ID)
		return id;
	const char *slash = memrchr(id.data, '/', id.size);
	if (slash)
		id = (struct wh_bytes){ slash + 1, id.size - (size_t)(slash + 1 - id.data) };
	if (kind == BY_STEM) {
		const char *dot = memrchr(id.data, '.', id.size);
		if (dot && dot > id.data)
			id.size = (size_t)(dot - id.data);
	}
	return id;
}

/* `a.txt#2`: a later record of its file, which its base name does not tell from the first. */
static bool is_numbered(struct wh_bytes id)
{
	size_t n = id.size;
	while (n && id.data[n - 1] >= '0' && id.data[n - 1] <= '9')
		n--;
	return n && n < id.size && id.data[n - 1] == '#';
}

static int add_row(void *user, struct wh_bytes id, struct wh_bytes label, struct wh_err *err)
{
	struct wh_labels *labels = user;
	uint32_t value = wh_strtab_add(&labels->names, label.data, label.size);
	for (int kind = 0; kind < (is_numbered(id) ? 1 : KINDS); kind++) {
		struct wh_bytes key = key_of(id, kind);
		uint32_t at = value == WH_STRTAB_NONE ? WH_STRTAB_NONE : wh_strtab_add(&labels->keys[kind], key.data, key.size);
		if (at == WH_STRTAB_NONE || (at == labels->value[kind].n && wh_vec_push(&labels->value[kind], value)))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (labels->value[kind].data[at] != value && kind == BY_ID)
			return wh_err_set(err, WH_E_CONFLICT, "%.*s has two labels", (int)id.size, id.data);
		if (labels->value[kind].data[at] != value)
			labels->value[kind].data[at] = AMBIGUOUS;
	}
	labels->rows++;
	return WH_OK;
}

int wh_labels_open(struct wh_labels **result, const char *file_and_column, struct wh_err *err)
{
	struct wh_labels *labels = *result = calloc(1, sizeof *labels);
	if (!labels)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	labels->file = file_and_column;
	for (int kind = 0; kind < KINDS; kind++)
		wh_strtab_init(&labels->keys[kind], SIZE_MAX);
	wh_strtab_init(&labels->names, SIZE_MAX);
	int code = wh_labels_read(file_and_column, add_row, labels, err);
	if (code == WH_OK)
		return WH_OK;
	wh_labels_close(labels);
	*result = NULL;
	return code;
}

void wh_labels_close(struct wh_labels *labels)
{
	for (int kind = 0; labels && kind < KINDS; kind++) {
		wh_strtab_release(&labels->keys[kind]);
		wh_vec_release(&labels->value[kind]);
	}
	if (labels)
		wh_strtab_release(&labels->names);
	free(labels);
}

static uint32_t find(const struct wh_labels *labels, const char *text)
{
	struct wh_bytes id = { text, strlen(text) };
	for (int kind = 0; kind < (is_numbered(id) ? 1 : KINDS); kind++) {
		struct wh_bytes key = key_of(id, kind);
		uint32_t at = wh_strtab_find(&labels->keys[kind], key.data, key.size);
		if (at != WH_STRTAB_NONE)
			return labels->value[kind].data[at];
	}
	return WH_STRTAB_NONE;
}

int wh_labels_apply(struct wh_labels *labels, struct wh_record *records, size_t n, struct wh_interner *strings, struct wh_err *err)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t value = find(labels, records[i].id);
		records[i].label = NULL;
		if (!labels->records++ && !(labels->example = wh_intern(strings, records[i].id, strlen(records[i].id))))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (value == WH_STRTAB_NONE || value == AMBIGUOUS)
			continue;
		labels->matched++;
		struct wh_bytes name = wh_strtab_get(&labels->names, value);
		if (name.size && !(records[i].label = wh_intern(strings, name.data, name.size)))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return WH_OK;
}

int wh_labels_check(const struct wh_labels *labels, const struct wh_host *host, struct wh_err *err)
{
	if (labels->records && !labels->matched)
		return wh_err_set(err, WH_E_NOTFOUND, "%s: none of its %zu labels joins any of the %zu observations (the first is %s)",
				  labels->file, labels->rows, labels->records, labels->example);
	wh_host_log(host, WH_INFO, "labels: %zu of %zu observations matched, %zu without; %zu rows in the file", labels->matched,
		    labels->records, labels->records - labels->matched, labels->rows);
	return WH_OK;
}

int wh_labels_join(struct wh_dataset *data, const char *file_and_column, const struct wh_host *host, struct wh_err *err)
{
	struct wh_labels *labels;
	WH_TRY(wh_labels_open(&labels, file_and_column, err));
	int code = wh_labels_apply(labels, data->records.data, data->records.n, data->strings, err);
	if (code == WH_OK)
		code = wh_labels_check(labels, host, err);
	wh_labels_close(labels);
	return code;
}
