/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/input.h"
#include "base/map.h"
#include "base/str.h"
#include "base/strtab.h"
#include "pipeline/intern.h"

/* ---- delimited text ---- */

/* Takes one field off [*p, end); quotes as in RFC 4180 (for commas), escapes \t \n \\ (for tabs); out gets the plain text. */
static void take_field(const char **p, const char *end, char separator, struct wh_str *out)
{
	wh_str_clear(out);
	bool quoted = separator == ',' && *p < end && **p == '"';
	*p += quoted;
	for (; *p < end; ++*p) {
		char c = **p;
		if (quoted && c == '"') {
			if (*p + 1 < end && (*p)[1] == '"')
				++*p;
			else
				quoted = false, c = 0;
		} else if (!quoted && c == separator) {
			break;
		} else if (separator == '\t' && c == '\\' && *p + 1 < end && strchr("tn\\", (*p)[1])) {
			++*p;
			c = **p == 't' ? '\t' : **p == 'n' ? '\n' : '\\';
		}
		if (c)
			wh_str_putc(out, c);
	}
	if (*p < end)
		++*p; /* the separator */
}

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

static bool is_one_of(const char *text, const char *const *names)
{
	for (; *names; names++)
		if (!strcasecmp(text, *names))
			return true;
	return false;
}

/* Learns the separator, whether the first line is a header, and which column has the labels. */
static int understand(struct table *table, struct wh_err *err)
{
	static const char *const ids[] = { "id", "report", "name", "file", "session", "observation", NULL };
	static const char *const labels[] = { "label", "bucket", "class", "group", "cluster", "category", "truth", NULL };
	const char *p = table->input.text, *end = p + table->input.size, *nl = end > p ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	const char *stop = nl ? nl : end;
	struct wh_str field = { 0 };
	bool found = false, id = false, label = false;
	if (stop > p && stop[-1] == '\r')
		stop--;
	table->separator = end > p && memchr(p, '\t', (size_t)(stop - p)) ? '\t' : ',';
	table->index = 1;
	char *rest = NULL;
	unsigned long number = table->column ? strtoul(table->column, &rest, 10) : 0;
	if (number && !*rest) {
		table->index = number - 1;
		found = true;
	}
	for (size_t i = 0; p < stop; i++) {
		take_field(&p, stop, table->separator, &field);
		const char *text = field.data ? field.data : "";
		id |= i == 0 && is_one_of(text, ids);
		label |= i > 0 && is_one_of(text, labels);
		if (table->column && !found && !strcmp(text, table->column)) {
			table->index = i;
			found = true;
			id = true; /* a named column needs a header */
		}
	}
	wh_str_release(&field);
	table->header = id || label;
	if (table->column && !found)
		return wh_err_set(err, WH_E_USAGE, "%s: no column is called %s", table->path, table->column);
	return WH_OK;
}

static int each_row(struct table *table, wh_labels_row_fn *row, void *user, struct wh_err *err)
{
	const char *p = table->input.text, *end = p + table->input.size;
	struct wh_str id = { 0 }, value = { 0 };
	int code = WH_OK;
	for (size_t line = 1; code == WH_OK && p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end, *next = nl ? nl + 1 : end;
		stop -= stop > p && stop[-1] == '\r';
		if ((line > 1 || !table->header) && stop > p) {
			take_field(&p, stop, table->separator, &id);
			wh_str_clear(&value);
			if (!table->index)
				wh_str_add(&value, id.data ? id.data : "", id.n);
			for (size_t i = 1; i <= table->index && p < stop; i++) {
				take_field(&p, stop, table->separator, &value);
				if (i < table->index)
					wh_str_clear(&value);
			}
			code = row(user, (struct wh_bytes){ id.data ? id.data : "", id.n },
				   (struct wh_bytes){ value.data ? value.data : "", value.n }, err);
		}
		p = next;
	}
	if (code == WH_OK && (id.failed || value.failed))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_str_release(&id);
	wh_str_release(&value);
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
