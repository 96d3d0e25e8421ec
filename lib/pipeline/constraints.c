/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/constraints.h"

#include <stdlib.h>

#include "base/disjoint.h"
#include "pipeline/standing.h"

static void label_together(const struct wh_constraints *c, uint32_t *parent, uint32_t *truth, size_t *n_classes, size_t n)
{
	for (size_t k = 0; k < c->together.n; k++) {
		uint32_t a = wh_disjoint_root(parent, c->together.data[k].a), b = wh_disjoint_root(parent, c->together.data[k].b);
		if (a == b)
			continue;
		parent[b] = a;
		if (truth[a] == WH_NO_LABEL)
			truth[a] = truth[b];
	}
	for (size_t k = 0; k < c->together.n; k++) {
		uint32_t root = wh_disjoint_root(parent, c->together.data[k].a);
		if (truth[root] == WH_NO_LABEL)
			truth[root] = (uint32_t)(*n_classes)++;
	}
	for (uint32_t i = 0; i < n; i++)
		if (truth[i] == WH_NO_LABEL)
			truth[i] = truth[wh_disjoint_root(parent, i)];
}

static void label_apart(const struct wh_constraints *c, uint32_t *truth, size_t *n_classes)
{
	for (size_t k = 0; k < c->apart.n; k++) {
		uint32_t pair[2] = { c->apart.data[k].a, c->apart.data[k].b };
		for (int side = 0; side < 2; side++)
			if (truth[pair[side]] == WH_NO_LABEL)
				truth[pair[side]] = (uint32_t)(*n_classes)++;
	}
}

int wh_constraints_as_labels(const struct wh_call *call, const struct wh_dataset *data, uint32_t *truth, size_t *n_classes, struct wh_err *err)
{
	struct wh_standing standing;
	struct wh_constraints constraints = { 0 };
	WH_TRY(wh_standing_open(&standing, call, WH_STORE_READ, err));
	int code = wh_standing_constraints(&standing, data, &constraints, err);
	wh_standing_close(&standing);
	uint32_t *parent = malloc((data->records.n + 1) * sizeof *parent);
	if (code == WH_OK && !parent)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK) {
		for (uint32_t i = 0; i < data->records.n; i++)
			parent[i] = i;
		label_together(&constraints, parent, truth, n_classes, data->records.n);
		label_apart(&constraints, truth, n_classes);
	}
	free(parent);
	wh_constraints_release(&constraints);
	return code;
}
