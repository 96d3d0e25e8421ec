/* SPDX-License-Identifier: Apache-2.0 */
/* From standard input to a file of the spool, compressed, within limits; there as a whole or not at all. */
#ifndef WHORL_COLLECT_CORE_INTAKE_H
#define WHORL_COLLECT_CORE_INTAKE_H

#include "collect/core/facts.h"
#include "collect/core/ledger.h"
#include "collect/core/spool.h"

/* Reads `limits` of the spool open as fd; what is missing there or makes no sense stays as it is in *limits. */
void wh_intake_limits(int spool, struct wh_spool_limits *limits);

/* Counts the crash and, if it is within the limits, spools what standard input holds. Returns NULL, or what failed, with errno. */
const char *wh_intake(int spool, struct wh_ledger_file *, const struct wh_spool_limits *, struct wh_facts *);

#endif
