/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/images.h"

#include <stdlib.h>

void wh_images_add(struct wh_images *images, struct wh_image image)
{
	if (images->list.n >= WH_IMAGES_MOST)
		return;
	images->failed |= wh_vec_push(&images->list, image);
	free(images->by_base);
	free(images->by_name);
	images->by_base = images->by_name = NULL;
}

void wh_images_clear(struct wh_images *images)
{
	free(images->by_base);
	free(images->by_name);
	images->by_base = images->by_name = NULL;
	images->list.n = 0;
	images->failed = false;
}

void wh_images_release(struct wh_images *images)
{
	wh_images_clear(images);
	wh_vec_release(&images->list);
}

static int order_of(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_names(struct wh_span a, struct wh_span b)
{
	size_t n = wh_span_size(a) < wh_span_size(b) ? wh_span_size(a) : wh_span_size(b);
	int order = n ? memcmp(a.p, b.p, n) : 0;
	return order ? order : order_of(wh_span_size(a), wh_span_size(b));
}

static int by_base(const void *a, const void *b, void *list)
{
	const struct wh_image *images = list;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int order = order_of(images[i].base, images[j].base);
	return order ? order : order_of(i, j);
}

static int by_name(const void *a, const void *b, void *list)
{
	const struct wh_image *images = list;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int order = compare_names(images[i].name, images[j].name);
	return order ? order : order_of(i, j);
}

/* Fills *order with the numbers of all images, sorted, if that was not done; false: nothing to look up, or out of memory. */
static bool sort(struct wh_images *images, uint32_t **order, int compare(const void *, const void *, void *))
{
	if (*order || !images->list.n)
		return *order;
	*order = malloc(images->list.n * sizeof **order);
	if (!*order) {
		images->failed = true;
		return false;
	}
	for (size_t i = 0; i < images->list.n; i++)
		(*order)[i] = (uint32_t)i;
	qsort_r(*order, images->list.n, sizeof **order, compare, images->list.data);
	return true;
}

const struct wh_image *wh_images_at(struct wh_images *images, uint64_t address)
{
	if (!sort(images, &images->by_base, by_base))
		return NULL;
	size_t low = 0, high = images->list.n; /* the first that begins behind address */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (images->list.data[images->by_base[middle]].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	const struct wh_image *image = low ? &images->list.data[images->by_base[low - 1]] : NULL;
	return image && (image->last < image->base || address <= image->last) ? image : NULL;
}

const struct wh_image *wh_images_named(struct wh_images *images, struct wh_span name)
{
	if (!sort(images, &images->by_name, by_name))
		return NULL;
	size_t low = 0, high = images->list.n; /* the first not before name */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_names(images->list.data[images->by_name[middle]].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	const struct wh_image *image = low < images->list.n ? &images->list.data[images->by_name[low]] : NULL;
	return image && !compare_names(image->name, name) ? image : NULL;
}
