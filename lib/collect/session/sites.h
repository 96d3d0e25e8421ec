/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live allocations per call site, read from the tables that libwhorl-alloc.so leaves (preload/table.h), in metrics whose names are the same
 * in every run: `heap_bytes SITE`, `heap_objects SITE`, `mmap_bytes SITE`, `mmap_objects SITE`, and `failed_allocations`. SITE is the innermost functions
 * that are not the allocator's own, `module!function < module!function < …`, named and shortened as frames of a stack are; of what has no
 * symbol `module!fn_` and where the function begins in the module.
 */
#ifndef WHORL_COLLECT_SESSION_SITES_H
#define WHORL_COLLECT_SESSION_SITES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <whorl/error.h>

#include "base/vec.h"
#include "collect/preload/table.h"
#include "collect/session/journal.h"

struct wh_sites;

/* folder: where the tables are; kept. depth: functions of a name, at least 1. NULL where it fails. */
int wh_sites_new(struct wh_sites **, const char *folder, unsigned depth, struct wh_err *) WH_NODISCARD;
void wh_sites_free(struct wh_sites *);
/* Opens the symbols of libc and the loader, if they are those of this process, ahead: it may take long, and no sample is to wait for it. */
int wh_sites_warm(struct wh_sites *, struct wh_err *) WH_NODISCARD;

/* Adds what the process holds now to the journal's step; nothing where it has no table. Also once it is dead (last: then every site is
 * named; before, a site may come some samples late, as names take time). */
int wh_sites_sample(struct wh_sites *, pid_t, bool last, struct wh_journal *, struct wh_err *) WH_NODISCARD;
/* Of the tables read last: allocations refused, samples taken and lost, nanoseconds that sampling took. */
struct wh_sites_counts {
	uint64_t failed, samples, lost, nanoseconds;
};
/* Processor time that finding names has taken so far: once for each site, not for each sample. */
double wh_sites_naming_s(const struct wh_sites *);
struct wh_sites_counts wh_sites_counts(const struct wh_sites *);

#endif
