/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/amounts.h"

#include <string.h>

struct reading {
	struct wh_amounts *a;
	uint32_t record;
};

static int take(void *user, const char *name, double value)
{
	struct reading *r = user;
	struct wh_amounts *a = r->a;
	uint32_t measure = wh_strtab_add(&a->names, name, strlen(name));
	if (measure == WH_STRTAB_NONE || (measure == a->of.n && wh_vec_push(&a->of, (struct wh_amount_list){ 0 })))
		return WH_E_NOMEM;
	if (!(value > 0))
		return WH_OK;
	return wh_vec_push(&a->of.data[measure], (struct wh_amount){ r->record, (float)value }) ? WH_E_NOMEM : WH_OK;
}

int wh_amounts_read(struct wh_amounts *a, const struct wh_dataset *data, struct wh_err *err)
{
	struct wh_arena arena;
	*a = (struct wh_amounts){ .data = data };
	wh_strtab_init(&a->names, SIZE_MAX);
	if (!data->signal->measures)
		return WH_OK;
	wh_arena_init(&arena, SIZE_MAX);
	a->side = calloc(data->records.n + 1, sizeof *a->side);
	int code = a->side ? WH_OK : WH_E_NOMEM;
	for (uint32_t r = 0; code == WH_OK && r < data->records.n; r++) {
		struct reading reading = { a, r };
		code = data->signal->measures(data->records.data[r].fingerprint, &arena, take, &reading, err);
		wh_arena_reset(&arena);
	}
	wh_arena_release(&arena);
	if (code == WH_E_NOMEM)
		return wh_err_set(err, code, "out of memory");
	for (size_t m = 0; code == WH_OK && m < a->of.n; m++)
		wh_amounts_sort(a->of.data[m].data, a->of.data[m].n);
	return code;
}

void wh_amounts_release(struct wh_amounts *a)
{
	for (size_t m = 0; m < a->of.n; m++)
		wh_vec_release(&a->of.data[m]);
	wh_vec_release(&a->of);
	wh_vec_release(&a->contrast);
	wh_strtab_release(&a->names);
	free(a->side);
	*a = (struct wh_amounts){ 0 };
}

static const char *name_of(void *user, uint32_t measure)
{
	return wh_amount_name(user, measure);
}

static bool is_inside(const struct wh_amounts *a, const struct wh_amount_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (a->side[list->data[i].observation] == WH_SIDE_INSIDE)
			return true;
	return false;
}

int wh_amounts_contrast(struct wh_amounts *a, const uint32_t *records, size_t n, const uint32_t *against, size_t n_against, struct wh_err *err)
{
	a->contrast.n = 0;
	if (!a->side)
		return WH_OK;
	memset(a->side, against ? WH_SIDE_NONE : WH_SIDE_OUTSIDE, a->data->records.n);
	for (size_t i = 0; i < n_against; i++)
		a->side[against[i]] = WH_SIDE_OUTSIDE;
	for (size_t i = 0; i < n; i++)
		a->side[records[i]] = WH_SIDE_INSIDE;
	for (uint32_t m = 0; m < a->of.n; m++) {
		const struct wh_amount_list *list = &a->of.data[m];
		struct wh_contrast_measure measure = { .measure = m, .amounts = list->data, .n = list->n };
		if (is_inside(a, list) && wh_vec_push(&a->contrast, measure))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return wh_contrast_measures(a->contrast.data, a->contrast.n, a->side, n, against ? n_against : a->data->records.n - n, name_of, a, err);
}

const char *wh_amount_name(const struct wh_amounts *a, uint32_t measure)
{
	return wh_strtab_get(&a->names, measure).data;
}
