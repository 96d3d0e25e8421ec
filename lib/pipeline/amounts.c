/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/amounts.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct owned {
	uint32_t measure;
	float value;
};

struct reading {
	struct wh_amounts *a;
	uint32_t record;
	struct WH_VEC(struct owned) owned; /* by the record at hand */
};

static int take(void *user, const char *name, double value)
{
	struct reading *r = user;
	struct wh_amounts *a = r->a;
	uint32_t measure = wh_strtab_add(&a->names, name, strlen(name));
	if (measure == WH_STRTAB_NONE || (measure == a->of.n && wh_vec_push(&a->of, (struct wh_amount_list){ 0 })))
		return WH_E_NOMEM;
	if (isnan(value) || (a->kind == WH_AMOUNTS_MEASURES && value <= 0))
		return WH_OK;
	const float kept = (float)fmax(-FLT_MAX, fmin(FLT_MAX, value));
	if (a->top && wh_vec_push(&r->owned, (struct owned){ measure, kept }))
		return WH_E_NOMEM;
	return wh_vec_push(&a->of.data[measure], (struct wh_amount){ r->record, kept }) ? WH_E_NOMEM : WH_OK;
}

static int most_first(const void *a, const void *b, void *user)
{
	const struct owned *x = a, *y = b;
	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return strcmp(wh_amount_name(user, x->measure), wh_amount_name(user, y->measure));
}

static int read_record(struct reading *r, uint32_t record, struct wh_arena *arena, struct wh_err *err)
{
	struct wh_amounts *a = r->a;
	const struct wh_signal *signal = a->data->signal;
	r->record = record;
	r->owned.n = 0;
	WH_TRY((a->kind == WH_AMOUNTS_LEVELS ? signal->levels : signal->measures)(a->data->records.data[record].fingerprint, arena, take, r, err));
	if (r->owned.n)
		qsort_r(r->owned.data, r->owned.n, sizeof *r->owned.data, most_first, a);
	for (size_t k = 0; a->top && k < WH_AMOUNTS_TOP; k++)
		a->top[record][k] = k < r->owned.n ? r->owned.data[k].measure : UINT32_MAX;
	return WH_OK;
}

int wh_amounts_read(struct wh_amounts *a, enum wh_amounts_of kind, const struct wh_dataset *data, struct wh_err *err)
{
	struct wh_arena arena;
	struct reading reading = { .a = a };
	*a = (struct wh_amounts){ .data = data, .kind = kind };
	wh_strtab_init(&a->names, SIZE_MAX);
	if (kind == WH_AMOUNTS_LEVELS ? !data->signal->levels : !data->signal->measures)
		return WH_OK;
	wh_arena_init(&arena, SIZE_MAX);
	a->side = calloc(data->records.n + 1, sizeof *a->side);
	if (kind == WH_AMOUNTS_MEASURES)
		a->top = calloc(data->records.n + 1, sizeof *a->top);
	int code = a->side && (a->top || kind != WH_AMOUNTS_MEASURES) ? WH_OK : WH_E_NOMEM;
	for (uint32_t r = 0; code == WH_OK && r < data->records.n; r++) {
		code = read_record(&reading, r, &arena, err);
		wh_arena_reset(&arena);
	}
	wh_arena_release(&arena);
	wh_vec_release(&reading.owned);
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
	free(a->top);
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
	if (a->kind == WH_AMOUNTS_LEVELS)
		return wh_contrast_levels(a->contrast.data, a->contrast.n, a->side, n, WH_AMOUNTS_LEAST, name_of, a, err);
	return wh_contrast_measures(a->contrast.data, a->contrast.n, a->side, n, against ? n_against : a->data->records.n - n, name_of, a, err);
}

const char *wh_amount_name(const struct wh_amounts *a, uint32_t measure)
{
	return wh_strtab_get(&a->names, measure).data;
}

size_t wh_amounts_among(const struct wh_amounts *a, uint32_t measure, const uint32_t *records, size_t n, size_t most)
{
	size_t among = 0;
	for (size_t i = 0; a->top && i < n; i++)
		for (size_t k = 0; k < most && k < WH_AMOUNTS_TOP; k++)
			among += a->top[records[i]][k] == measure;
	return among;
}
