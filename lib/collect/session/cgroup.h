/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A memory control group, of version 1 or 2: what it holds, how often the kernel killed in it, and a wake-up before it does.
 *
 *   cgroup_bytes KIND      usage, and of it anon, file, shmem, slab, kernel_stack, sock, swap as far as the kernel tells
 *   pressure_ms KIND       time that some or all tasks waited for memory since the recording began (PSI): of the group (version 2), else
 *                          of the machine
 */
#ifndef WHORL_COLLECT_SESSION_CGROUP_H
#define WHORL_COLLECT_SESSION_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <whorl/error.h>
#include <whorl/host.h>

#include "base/str.h"
#include "base/vec.h"
#include "collect/session/journal.h"

struct wh_cgroup {
	char path[PATH_MAX]; /* its folder; empty: there is none */
	bool v2;             /* version 2 with a memory controller */
	bool shared;         /* the whole machine, or where the recorder is as well: what it holds says little of the process */
	struct wh_str text;  /* of the file read last */
	double pressure_some, pressure_full; /* when recording began, in microseconds; below 0: not known yet */
};

/* The group that limits the process's memory. */
void wh_cgroup_of_process(struct wh_cgroup *, pid_t);
/* The group of that folder; a path that is not absolute or not there is looked for below where groups are mounted. WH_E_NOTFOUND. */
int wh_cgroup_open(struct wh_cgroup *, const char *path, struct wh_err *) WH_NODISCARD;
void wh_cgroup_release(struct wh_cgroup *);

void wh_cgroup_sample(struct wh_cgroup *, struct wh_journal *);
/* Bytes in use and at most allowed (the nearest limit of the group and those above it); 0: not known, or none. */
double wh_cgroup_usage(struct wh_cgroup *);
double wh_cgroup_limit(struct wh_cgroup *);
/* How often the kernel killed in it for memory; below 0: not known. */
int64_t wh_cgroup_oom_kills(struct wh_cgroup *);

/* The processes in it (and in groups below it). */
struct wh_cgroup_processes WH_VEC(pid_t);
int wh_cgroup_processes(struct wh_cgroup *, struct wh_cgroup_processes *, struct wh_err *) WH_NODISCARD;

/*
 * A descriptor that becomes ready as memory gets scarce, so that what there is to see is seen before the kernel kills: thresholds of usage
 * at 80, 90, 95 and 98 % of the limit (version 1: eventfd), a PSI trigger (version 2), -1 where there is neither (then sampling is all there is).
 * *events: for poll.
 */
int wh_cgroup_alarm(struct wh_cgroup *, short *events, const char **how);
/* Takes the news from the descriptor. */
void wh_cgroup_heard(int alarm, short events);

#endif
