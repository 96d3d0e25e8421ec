/* SPDX-License-Identifier: Apache-2.0 */
/* The observations of each combination of values. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/models.h"

struct sortable {
	uint32_t record;
	const struct wh_models *models;
	const char *const *attributes;
};

static int by_values(const struct sortable *a, const struct sortable *b)
{
	for (size_t i = 0; i < a->models->n_per; i++) {
		const char *x = wh_models_value(a->models, a->attributes, i), *y = wh_models_value(b->models, b->attributes, i);
		int c = wh_models_is_version(a->models, i) ? wh_version_compare(x, y) : strcmp(x, y);
		if (c)
			return c;
	}
	return 0;
}

static int by_values_and_record(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	int c = by_values(x, y);
	return c ? c : x->record < y->record ? -1 : x->record > y->record;
}

static int keep_values(struct wh_models *models, const char *const *attributes, const char *const **values, struct wh_err *err)
{
	const char **copy = models->n_per ? wh_arena_zalloc(&models->arena, models->n_per, sizeof *copy) : NULL;
	if (models->n_per && !copy)
		return wh_arena_error(&models->arena, err);
	for (size_t i = 0; i < models->n_per; i++)
		if (!(copy[i] = wh_arena_strdup(&models->arena, wh_models_value(models, attributes, i))))
			return wh_arena_error(&models->arena, err);
	*values = copy;
	return WH_OK;
}

static int cut(struct wh_models *models, const struct wh_dataset *data, const struct sortable *order, uint32_t *records, struct wh_part *parts,
	       size_t *n, struct wh_err *err)
{
	for (size_t first = 0, end; first < data->records.n; first = end) {
		for (end = first; end < data->records.n && !by_values(&order[first], &order[end]); end++)
			records[end - first] = order[end].record;
		struct wh_part *part = &parts[*n];
		WH_TRY(keep_values(models, order[first].attributes, &part->values, err));
		WH_TRY(wh_dataset_part(&part->data, data, records, end - first, err));
		++*n;
	}
	return WH_OK;
}

int wh_models_split(struct wh_models *models, const struct wh_dataset *data, struct wh_part **parts, size_t *n, struct wh_err *err)
{
	size_t n_records = data->records.n, most = 1;
	struct sortable *order = malloc((n_records + 1) * sizeof *order);
	uint32_t *records = malloc((n_records + 1) * sizeof *records);
	*n = 0;
	*parts = NULL;
	for (size_t i = 0; order && i < n_records; i++)
		order[i] = (struct sortable){ (uint32_t)i, models, data->records.data[i].attributes };
	if (order && n_records)
		qsort(order, n_records, sizeof *order, by_values_and_record);
	for (size_t i = 1; order && i < n_records; i++)
		most += by_values(&order[i - 1], &order[i]) != 0;
	*parts = calloc(most, sizeof **parts);
	int code = order && records && *parts ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = cut(models, data, order, records, *parts, n, err);
	free(order);
	free(records);
	if (code != WH_OK) {
		wh_parts_release(*parts, *n);
		*parts = NULL;
		*n = 0;
	}
	return code;
}

void wh_parts_release(struct wh_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wh_dataset_release(&parts[i].data);
	free(parts);
}

int wh_models_choose_part(struct wh_models *models, const struct wh_part *part, struct wh_choice *choice, struct wh_err *err)
{
	return wh_models_choose(models, part->data.records.n ? part->data.records.data[0].attributes : NULL, choice, err);
}
