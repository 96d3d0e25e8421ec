/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/dataset.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "pipeline/labels.h"
#include "pipeline/load.h"
#include "pipeline/model.h"

/* ---- gathering ---- */

static int take_batch(void *user, struct wh_batch *batch, struct wh_err *err)
{
	struct wh_dataset *data = user;
	if (wh_vec_reserve(&data->records, data->records.n + batch->records.n) || wh_vec_push(&data->arenas, batch->arena))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_arena_init(&batch->arena, SIZE_MAX);
	if (batch->records.n)
		memcpy(data->records.data + data->records.n, batch->records.data, batch->records.n * sizeof *batch->records.data);
	data->records.n += batch->records.n;
	return WH_OK;
}

void wh_ids_init(struct wh_ids *ids)
{
	*ids = (struct wh_ids){ 0 };
	wh_strtab_init(&ids->table, SIZE_MAX);
}

void wh_ids_release(struct wh_ids *ids)
{
	wh_strtab_release(&ids->table);
	wh_vec_release(&ids->sources);
}

static const char *place(const char *source)
{
	return source ? source : "the store";
}

int wh_ids_add(struct wh_ids *ids, const struct wh_record *record, struct wh_err *err)
{
	size_t at = ids->sources.n;
	uint32_t first = wh_strtab_add(&ids->table, record->id, strlen(record->id));
	if (first == WH_STRTAB_NONE || (first == at && wh_vec_push(&ids->sources, record->source)))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (first == at)
		return WH_OK;
	return wh_err_set(err, WH_E_CONFLICT, "two observations have the id %s: number %zu, in %s, and number %zu, in %s", record->id,
			  (size_t)first + 1, place(ids->sources.data[first]), at + 1, place(record->source));
}

static int check_ids(const struct wh_dataset *data, struct wh_err *err)
{
	struct wh_ids ids;
	int code = WH_OK;
	wh_ids_init(&ids);
	for (size_t i = 0; code == WH_OK && i < data->records.n; i++)
		code = wh_ids_add(&ids, &data->records.data[i], err);
	wh_ids_release(&ids);
	return code;
}

/* ---- points ---- */

static int compare_bytes(struct wh_bytes a, struct wh_bytes b)
{
	if (a.data == b.data) /* interned */
		return 0;
	int c = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
	return c ? c : a.size < b.size ? -1 : a.size > b.size;
}

struct sortable {
	const struct wh_record *record;
	uint32_t index;
};

/* By content; reports without frames by id, so that each keeps a place that does not depend on the input's order. */
static int by_content(const void *a, const void *b)
{
	const struct wh_record *x = ((const struct sortable *)a)->record, *y = ((const struct sortable *)b)->record;
	int c = compare_bytes(x->fingerprint, y->fingerprint);
	return c || !x->empty ? c : strcmp(x->id, y->id);
}

/* Gives every record the number of its content in the order of sight (equal fingerprints have one address), and lists one record of each. */
static int find_distinct(struct wh_dataset *data, struct sortable *distinct, size_t *n_distinct)
{
	struct wh_map known = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < data->records.n; i++) {
		struct wh_record *record = &data->records.data[i];
		uint64_t *number = record->empty ? NULL : wh_map_put(&known, (uint64_t)(uintptr_t)record->fingerprint.data, n);
		if (!record->empty && !number) {
			wh_map_release(&known);
			return 1;
		}
		record->point = (uint32_t)(number ? *number : n);
		if (record->point == n) {
			distinct[n] = (struct sortable){ record, (uint32_t)n };
			n++;
		}
	}
	wh_map_release(&known);
	*n_distinct = n;
	return 0;
}

static int make_points(struct wh_dataset *data, struct wh_err *err)
{
	size_t n = data->records.n;
	struct sortable *distinct = malloc((n + 1) * sizeof *distinct);
	uint32_t *place = malloc((n + 1) * sizeof *place);
	data->points = malloc((n + 1) * sizeof *data->points);
	data->weight = calloc(n + 1, sizeof *data->weight);
	bool failed = !distinct || !place || !data->points || !data->weight || find_distinct(data, distinct, &data->n_points);
	if (!failed) {
		qsort(distinct, data->n_points, sizeof *distinct, by_content);
		for (size_t p = 0; p < data->n_points; p++) {
			data->points[p] = distinct[p].record->fingerprint;
			place[distinct[p].index] = (uint32_t)p;
		}
		for (size_t i = 0; i < n; i++) {
			uint32_t *point = &data->records.data[i].point;
			*point = place[*point];
			data->weight[*point]++;
		}
	}
	free(distinct);
	free(place);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

int wh_dataset_split_point(struct wh_dataset *data, size_t r, struct wh_err *err)
{
	struct wh_record *record = &data->records.data[r];
	struct wh_bytes *points = realloc(data->points, (data->n_points + 1) * sizeof *points);
	if (points)
		data->points = points;
	uint32_t *weight = realloc(data->weight, (data->n_points + 1) * sizeof *weight);
	if (weight)
		data->weight = weight;
	if (!points || !weight)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	points[data->n_points] = record->fingerprint;
	weight[record->point]--;
	weight[data->n_points] = 1;
	record->point = (uint32_t)data->n_points++;
	return WH_OK;
}

/* ---- life ---- */

int wh_dataset_load_paths(struct wh_dataset *data, const struct wh_call *call, const struct wh_model *model, const char *const *paths,
			  size_t n, unsigned flags, struct wh_err *err)
{
	*data = (struct wh_dataset){ .signal = call->signal, .strings = wh_interner_new() };
	if (!data->strings)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct wh_load load = { .call = call, .config = model->config, .settings = &model->settings, .flags = flags, .paths = paths, .n_paths = n,
				.strings = data->strings, .take = take_batch, .user = data };
	int code = wh_load(&load, err);
	data->files = load.files;
	data->unknown_files = load.unknown_files;
	data->skipped = load.skipped;
	if (load.skipped || load.unknown_files)
		wh_host_log(call->host, WH_INFO, "read %zu observations from %zu files; skipped %zu bad records and %zu files that no reader knows",
			    data->records.n, load.files, load.skipped, load.unknown_files);
	if (code == WH_OK)
		code = check_ids(data, err);
	if (code == WH_OK)
		code = make_points(data, err);
	const char *labels = call->input.n ? wh_values_string(&call->input, "labels") : NULL;
	if (code == WH_OK && labels)
		code = wh_labels_join(data, labels, call->host, err);
	if (code != WH_OK)
		wh_dataset_release(data);
	return code;
}

int wh_dataset_load(struct wh_dataset *data, const struct wh_call *call, const struct wh_model *model, unsigned flags, struct wh_err *err)
{
	if (!call->n_operands && !(flags & WH_LOAD_STORE))
		return wh_err_set(err, WH_E_USAGE, "no input");
	return wh_dataset_load_paths(data, call, model, call->operands, call->n_operands, flags, err);
}

int wh_dataset_part(struct wh_dataset *part, const struct wh_dataset *data, const uint32_t *records, size_t n, struct wh_err *err)
{
	*part = (struct wh_dataset){ .signal = data->signal, .files = data->files };
	if (wh_vec_reserve(&part->records, n + 1))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		part->records.data[part->records.n++] = data->records.data[records[i]];
	int code = make_points(part, err);
	if (code != WH_OK)
		wh_dataset_release(part);
	return code;
}

void wh_dataset_release(struct wh_dataset *data)
{
	wh_vec_release(&data->records);
	free(data->points);
	free(data->weight);
	for (size_t i = 0; i < data->arenas.n; i++)
		wh_arena_release(&data->arenas.data[i]);
	wh_vec_release(&data->arenas);
	wh_interner_free(data->strings);
	*data = (struct wh_dataset){ 0 };
}

int wh_dataset_need(const struct wh_dataset *data, struct wh_err *err)
{
	if (data->records.n)
		return WH_OK;
	if (data->unknown_files)
		return wh_err_set(err, WH_E_NOTFOUND, "no observation found: no reader knows the format of any of %zu files", data->files);
	if (!data->files)
		return wh_err_set(err, WH_E_NOTFOUND, "the store has no observation yet");
	return wh_err_set(err, WH_E_NOTFOUND, "no observation found in %zu files", data->files);
}

size_t wh_dataset_find(const struct wh_dataset *data, const char *id)
{
	for (size_t i = 0; i < data->records.n; i++)
		if (!strcmp(data->records.data[i].id, id))
			return i;
	return SIZE_MAX;
}

/* ---- order ---- */

int wh_id_compare(const char *a, const char *b)
{
	const char *x = a, *y = b;
	while (*x && *y) {
		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
			while (*x == '0')
				x++;
			while (*y == '0')
				y++;
			size_t n = strspn(x, "0123456789"), m = strspn(y, "0123456789");
			int c = n != m ? (n < m ? -1 : 1) : memcmp(x, y, n);
			if (c)
				return c;
			x += n;
			y += m;
		} else if (*x != *y) {
			return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
		} else {
			x++;
			y++;
		}
	}
	return *x ? 1 : *y ? -1 : strcmp(a, b); /* 07 and 7 are different ids */
}

int wh_time_compare(int64_t time_a, const char *id_a, int64_t time_b, const char *id_b)
{
	return time_a != time_b ? (time_a < time_b ? -1 : 1) : wh_id_compare(id_a, id_b);
}

static int by_time(const void *a, const void *b)
{
	const struct wh_record *x = ((const struct sortable *)a)->record, *y = ((const struct sortable *)b)->record;
	return wh_time_compare(x->time_ns, x->id, y->time_ns, y->id);
}

int wh_dataset_by_time(const struct wh_dataset *data, uint32_t *order)
{
	size_t n = data->records.n;
	struct sortable *sortable = malloc((n + 1) * sizeof *sortable);
	if (!sortable)
		return WH_E_NOMEM;
	for (size_t i = 0; i < n; i++)
		sortable[i] = (struct sortable){ &data->records.data[i], (uint32_t)i };
	qsort(sortable, n, sizeof *sortable, by_time);
	for (size_t i = 0; i < n; i++)
		order[i] = sortable[i].index;
	free(sortable);
	return WH_OK;
}
