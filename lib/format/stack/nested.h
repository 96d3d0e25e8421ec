/* SPDX-License-Identifier: Apache-2.0 */
/* A report of one format within a text of another: a Java trace in a tombstone, a tombstone in a log. */
#ifndef WHORL_FORMAT_STACK_NESTED_H
#define WHORL_FORMAT_STACK_NESTED_H

#include <whorl/format.h>

#include "format/scan.h"
#include "observation/stack.h"

/* Adds what the text around says to a record that the inner format has read. Memory that runs short shows in the builder. */
typedef void wh_stack_amend_fn(void *user, struct wh_stack_builder *);

/* Reads text, which need not be part of outer's, as the inner format; its records are handed over as outer's own. `at` is where
 * it stands in outer's text: line numbers of skipped records count from there. about: the text that crash type and state are
 * derived from, empty where the inner reader's own is. n, which may be NULL, counts records that were handed over. */
int wh_stack_read_nested(struct wh_reader *outer, const struct wh_format *inner, struct wh_span text, const char *at,
			 struct wh_span about, wh_stack_amend_fn *amend, void *user, size_t *n, struct wh_err *) WH_NODISCARD;

#endif
