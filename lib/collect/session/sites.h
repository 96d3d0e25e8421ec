/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live allocations per call site, read from the tables that libwhorl-alloc.so leaves (preload/table.h), in metrics whose names are the same
 * in every run: `heap_bytes SITE`, `heap_objects SITE`, `mmap_bytes SITE`, `mmap_objects SITE`, and `failed_allocations`. SITE is the innermost functions
 * that are not the allocator's own, `module!function < module!function < …`, named and shortened as frames of a stack are; of what has no
 * name `module`.
 */
#ifndef WHORL_COLLECT_SESSION_SITES_H
#define WHORL_COLLECT_SESSION_SITES_H

#include <stdint.h>
#include <sys/types.h>

#include <whorl/error.h>

#include "base/vec.h"
#include "collect/preload/table.h"
#include "collect/session/journal.h"

struct wh_sites;

/* folder: where the tables are; kept. depth: functions of a name, at least 1. */
int wh_sites_new(struct wh_sites **, const char *folder, unsigned depth, struct wh_err *) WH_NODISCARD;
void wh_sites_free(struct wh_sites *);

/* Adds what the process holds now to the journal's step; nothing where it has no table. Also once it is dead. */
int wh_sites_sample(struct wh_sites *, pid_t, struct wh_journal *, struct wh_err *) WH_NODISCARD;
/* Of the tables read last: allocations refused, samples taken and lost, nanoseconds that sampling took. */
struct wh_sites_counts {
	uint64_t failed, samples, lost, nanoseconds;
};
struct wh_sites_counts wh_sites_counts(const struct wh_sites *);

#endif
