/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/rng.h"
#include "learn/select.h"

struct class_size {
	uint32_t class, n, order;
};

static int by_size(const void *left, const void *right)
{
	const struct class_size *a = left, *b = right;
	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* fold_of[n]: by class. */
static void deal(struct class_size *sizes, size_t n_classes, size_t *load, unsigned k, uint32_t *fold_of)
{
	qsort(sizes, n_classes, sizeof *sizes, by_size);
	for (size_t i = 0; i < n_classes; i++) {
		unsigned least = 0;
		for (unsigned f = 1; f < k; f++)
			if (load[f] < load[least])
				least = f;
		load[least] += sizes[i].n;
		fold_of[sizes[i].class] = least;
	}
}

int wh_folds_by_class(size_t n, const uint32_t *truth, unsigned k, uint64_t seed, uint32_t *fold, struct wh_err *err)
{
	if (!k)
		return wh_err_set(err, WH_E_USAGE, "no folds to deal classes to");
	for (size_t i = 0; i < n; i++)
		if (truth[i] >= n)
			return wh_err_set(err, WH_E_USAGE, "point %zu: class must be below %zu", i, n);
	struct class_size *sizes = calloc(n + 1, sizeof *sizes);
	uint32_t *order = calloc(n + 1, sizeof *order), *fold_of = calloc(n + 1, sizeof *fold_of);
	size_t *load = calloc(k, sizeof *load), n_classes = 0;
	int code = WH_OK;
	if (!sizes || !order || !fold_of || !load) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		struct wh_rng rng;
		wh_rng_init(&rng, seed);
		for (size_t i = 0; i < n; i++) {
			sizes[truth[i]].n++;
			order[i] = (uint32_t)i;
		}
		wh_rng_shuffle(&rng, order, n);
		for (size_t i = 0; i < n; i++)
			if (sizes[i].n)
				sizes[n_classes++] = (struct class_size){ (uint32_t)i, sizes[i].n, order[i] };
		deal(sizes, n_classes, load, k, fold_of);
		for (size_t i = 0; i < n; i++)
			fold[i] = fold_of[truth[i]];
	}
	free(sizes);
	free(order);
	free(fold_of);
	free(load);
	return code;
}
