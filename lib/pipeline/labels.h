/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels from a file: TSV or CSV, id first, `FILE[:COLUMN]` names the label's column (name or number; default the second). They
 * join by id, else by the base name of both, else by that without its extension; a base name with two different labels joins none.
 */
#ifndef WHORL_PIPELINE_LABELS_H
#define WHORL_PIPELINE_LABELS_H

#include "pipeline/dataset.h"

/* The labels of a file, for records that come in parts. */
struct wh_labels;
int wh_labels_open(struct wh_labels **, const char *file_and_column, struct wh_err *) WH_NODISCARD;
/* Replaces the labels of records[n]; strings keeps the new ones. */
int wh_labels_apply(struct wh_labels *, struct wh_record *records, size_t n, struct wh_interner *strings, struct wh_err *) WH_NODISCARD;
/* After the last record: says how many matched. WH_E_NOTFOUND where none did. */
int wh_labels_check(const struct wh_labels *, const struct wh_host *, struct wh_err *) WH_NODISCARD;
void wh_labels_close(struct wh_labels *); /* NULL: nothing */

/* All of that for the records of data. */
int wh_labels_join(struct wh_dataset *, const char *file_and_column, const struct wh_host *, struct wh_err *) WH_NODISCARD;

/* Two columns of a delimited file by their positions, for groupings: calls row for every line but a header. */
typedef int wh_labels_row_fn(void *user, struct wh_bytes id, struct wh_bytes value, struct wh_err *);
int wh_labels_read(const char *file_and_column, wh_labels_row_fn *row, void *user, struct wh_err *) WH_NODISCARD;

#endif
