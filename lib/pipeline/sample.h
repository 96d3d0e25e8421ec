/* SPDX-License-Identifier: Apache-2.0 */
/* Some observations for many: where each costs much to ask. */
#ifndef WHORL_PIPELINE_SAMPLE_H
#define WHORL_PIPELINE_SAMPLE_H

#include "pipeline/dataset.h"

/*
 * At most `most` of records[n], spread evenly over their order by content, so that neither the order of the input nor threads decide which:
 * *sample, for the caller to free, *n_sample of them. WH_E_NOMEM.
 */
int wh_sample_records(const struct wh_dataset *, const uint32_t *records, size_t n, size_t most, uint32_t **sample, size_t *n_sample,
		      struct wh_err *) WH_NODISCARD;

#endif
