/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/known.h"

#include <math.h>

#include "math/clones.h"

size_t wh_known_changes(const struct wh_metric *metric, uint32_t n_steps, struct wh_change *to)
{
	size_t n = 0;
	if (n_steps && (!metric->n_changes || metric->changes[0].step > 0))
		to[n++] = (struct wh_change){ 0, 0 };
	for (size_t i = 0; i < metric->n_changes; i++)
		if (!isnan(metric->changes[i].value))
			to[n++] = metric->changes[i];
	if (n)
		to[0].step = 0;
	return n;
}

/* Of a metric that changes at every step; false: some are not known. */
WH_CLONES
static bool read_each(const struct wh_change *changes, size_t n, double *value)
{
	uint64_t unknown = 0;
	for (size_t i = 0; i < n; i++) {
		value[i] = changes[i].value;
		unknown |= isnan(value[i]);
	}
	return !unknown;
}

static size_t fill(double *value, size_t from, size_t to, double with)
{
	for (; from < to; from++)
		value[from] = with;
	return from;
}

size_t wh_known_read(const struct wh_metric *metric, uint32_t n_steps, double *value)
{
	const struct wh_change *changes = metric->changes;
	bool starts = n_steps && metric->n_changes && changes[0].step == 0;
	if (n_steps && metric->n_changes == n_steps && read_each(changes, n_steps, value))
		return n_steps;
	size_t i = 0, at = 0;
	while (starts && i < metric->n_changes && isnan(changes[i].value))
		i++;
	if (starts && i == metric->n_changes)
		return 0;
	double holds = starts ? changes[i++].value : 0;
	bool moves = false;
	for (; i < metric->n_changes; i++)
		if (!isnan(changes[i].value)) {
			at = fill(value, at, changes[i].step, holds);
			moves |= changes[i].value != holds;
			holds = changes[i].value;
		}
	at = fill(value, at, n_steps, holds);
	return moves || !at ? at : 1;
}

/* The last change at or before step; there is one. */
static size_t change_at(const struct wh_change *changes, size_t n, uint32_t step)
{
	size_t lo = 0, hi = n - 1;
	while (lo < hi) {
		size_t middle = hi - (hi - lo) / 2;
		if (changes[middle].step <= step)
			lo = middle;
		else
			hi = middle - 1;
	}
	return lo;
}

double wh_known_at(const struct wh_change *changes, size_t n_changes, uint32_t step)
{
	return n_changes ? changes[change_at(changes, n_changes, step)].value : 0;
}

void wh_known_expand(const struct wh_change *changes, size_t n_changes, uint32_t first, uint32_t n, double *value)
{
	size_t at = n_changes ? change_at(changes, n_changes, first) : 0;
	for (uint32_t i = 0; i < n; i++) {
		while (at + 1 < n_changes && changes[at + 1].step <= first + i)
			at++;
		value[i] = n_changes ? changes[at].value : 0;
	}
}
