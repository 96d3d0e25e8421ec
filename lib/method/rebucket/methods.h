/* SPDX-License-Identifier: Apache-2.0 */
/* The similarities of stacks. To add one: a file beside this one, a line here, a line in signal.c; docs/guide/add-a-similarity.md. */
#ifndef WHORL_METHOD_REBUCKET_METHODS_H
#define WHORL_METHOD_REBUCKET_METHODS_H

#include "method/rebucket/space.h"

extern const struct wh_method wh_method_whorl;
extern const struct wh_method wh_method_pdm;
extern const struct wh_method wh_method_tracesim;
extern const struct wh_method wh_method_fast;
extern const struct wh_method wh_method_tfidf;
extern const struct wh_method wh_method_prefix;
extern const struct wh_method wh_method_levenshtein;
extern const struct wh_method wh_method_exact;
extern const struct wh_method wh_method_wer;

/* A norm: the sum of an item's weights. */
double wh_stack_total_weight(const struct wh_stack_space *, const struct wh_stack_item *);

#endif
