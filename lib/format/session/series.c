/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/series.h"

#include <string.h>

enum { TEXT_MIB = 16 };

static bool equal(struct wh_bytes a, struct wh_bytes b)
{
	return a.size == b.size && !memcmp(a.data, b.data, a.size);
}

bool wh_label_is(const struct wh_label *label, const char *name)
{
	return equal(label->name, (struct wh_bytes){ name, strlen(name) });
}

static int compare(struct wh_bytes a, struct wh_bytes b)
{
	int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
	return order ? order : a.size < b.size ? -1 : a.size > b.size;
}

static int by_label(const struct wh_label *a, const struct wh_label *b)
{
	int order = compare(a->name, b->name);
	return order ? order : compare(a->value, b->value);
}

/* They are few, and nearly always in order. */
void wh_series_sort(struct wh_label *labels, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct wh_label label = labels[i];
		size_t k = i;
		for (; k > 0 && by_label(&labels[k - 1], &label) > 0; k--)
			labels[k] = labels[k - 1];
		labels[k] = label;
	}
}

static bool is_name(const struct wh_label *label)
{
	return wh_label_is(label, "__name__");
}

static const struct wh_label *find(const struct wh_label *labels, size_t n, const struct wh_label *label)
{
	for (size_t i = 0; i < n; i++)
		if (equal(labels[i].name, label->name) && equal(labels[i].value, label->value))
			return &labels[i];
	return NULL;
}

void wh_series_common_init(struct wh_series_common *common)
{
	common->n = common->series = 0;
	common->failed = false;
	wh_arena_init(&common->arena, (size_t)TEXT_MIB << 20);
}

void wh_series_common_release(struct wh_series_common *common)
{
	wh_arena_release(&common->arena);
}

void wh_series_keep(struct wh_series_common *common, const struct wh_label *labels, size_t n)
{
	if (common->series++ == 0) {
		for (size_t i = 0; i < n && i < WH_SERIES_LABELS; i++) {
			struct wh_label label = { { wh_arena_strndup(&common->arena, labels[i].name.data, labels[i].name.size), labels[i].name.size },
						  { wh_arena_strndup(&common->arena, labels[i].value.data, labels[i].value.size), labels[i].value.size } };
			bool kept = label.name.data && label.value.data;
			common->failed |= !kept && wh_arena_error(&common->arena, NULL) == WH_E_NOMEM;
			if (kept && !is_name(&label)) /* one too long for the arena stays part of the names */
				common->labels[common->n++] = label;
		}
		return;
	}
	for (size_t i = common->n; i-- > 0;)
		if (!find(labels, n, &common->labels[i]))
			common->labels[i] = common->labels[--common->n];
}

size_t wh_series_attributes(const struct wh_series_common *common, struct wh_attribute *attributes)
{
	size_t n = 0;
	for (size_t i = 0; i < common->n; i++)
		if (common->labels[i].value.size && *common->labels[i].value.data && *common->labels[i].name.data)
			attributes[n++] = (struct wh_attribute){ common->labels[i].name.data, common->labels[i].value.data };
	return n;
}

void wh_series_name(const struct wh_series_common *common, const struct wh_label *labels, size_t n, struct wh_str *name)
{
	const char *before = "{";
	wh_str_clear(name);
	for (size_t i = 0; i < n; i++)
		if (is_name(&labels[i]))
			wh_str_add(name, labels[i].value.data, labels[i].value.size);
	for (size_t i = 0; i < n; i++) {
		if (is_name(&labels[i]) || (common && find(common->labels, common->n, &labels[i])))
			continue;
		wh_str_puts(name, before);
		wh_str_add(name, labels[i].name.data, labels[i].name.size);
		wh_str_puts(name, "=\"");
		wh_str_add(name, labels[i].value.data, labels[i].value.size);
		wh_str_putc(name, '"');
		before = ",";
	}
	if (*before == ',')
		wh_str_putc(name, '}');
	if (!name->n)
		wh_str_puts(name, "value"); /* of an expression */
}
