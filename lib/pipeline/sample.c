/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/sample.h"

#include <stdlib.h>

/* Records of one point have one fingerprint: whichever comes first is as good. */
static int by_point(const void *a, const void *b, void *user)
{
	const struct wh_record *records = user;
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	if (records[x].point != records[y].point)
		return records[x].point < records[y].point ? -1 : 1;
	return wh_id_compare(records[x].id, records[y].id);
}

int wh_sample_records(const struct wh_dataset *data, const uint32_t *records, size_t n, size_t most, uint32_t **sample, size_t *n_sample,
		      struct wh_err *err)
{
	uint32_t *all = malloc((n + 1) * sizeof *all);
	if (!all)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		all[i] = records[i];
	if (n)
		qsort_r(all, n, sizeof *all, by_point, data->records.data);
	*n_sample = n < most ? n : most;
	for (size_t i = 0; i < *n_sample; i++) /* each is taken from at or behind where it goes */
		all[i] = all[i * n / *n_sample];
	*sample = all;
	return WH_OK;
}
