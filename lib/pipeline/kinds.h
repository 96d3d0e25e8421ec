/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second chance across kinds of reports. One fault is seen at different depths by different observers: AddressSanitizer stops at the
 * first bad access, a debugger where the program dies of it later. Where two kinds (formats) watch the same faults, a group that
 * lacks one of them is odd; two such orphans of different kinds that are each other's nearest are likely one fault.
 *
 *   kinds    formats with at least a tenth of the reports each; fewer than two: nothing is done
 *   has      a group has a kind if more than 1/20 of its reports are of it
 *   alike    only where groups that have every kind hold at least half of all reports
 *   orphan   a group that lacks a kind
 *   merge    two orphans without a kind in common, when each is the other's best by mean kinship (wh_method.kinship), at least 0.25
 */
#ifndef WHORL_PIPELINE_KINDS_H
#define WHORL_PIPELINE_KINDS_H

#include "pipeline/group.h"

/* Changes of_point, numbers below *n_groups, and *n_groups. constraints may be NULL; a merge that puts a held-apart pair together is
 * not made. */
int wh_merge_kinds(const struct wh_dataset *, const struct wh_space *, const struct wh_constraints *, uint32_t *of_point, size_t *n_groups,
		   struct wh_err *) WH_NODISCARD;

#endif
