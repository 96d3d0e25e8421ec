/* SPDX-License-Identifier: Apache-2.0 */
/* The process that is recorded: started or attached to, waited for, and what it died of. */
#ifndef WHORL_COLLECT_SESSION_TARGET_H
#define WHORL_COLLECT_SESSION_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <whorl/error.h>

#include "collect/session/cgroup.h"

struct wh_target {
	pid_t pid;
	int fd;          /* pidfd: ready once it is dead */
	bool child;      /* ours: we learn its exit status for certain */
	bool over;       /* dead, and `status` taken */
	bool known;      /* status is known */
	int status;      /* as of waitpid */
	char program[PATH_MAX]; /* the executable */
	char name[256]; /* what people call it: of a script its own, not the interpreter's */
	int kernel_log;  /* /dev/kmsg from now on, or -1 */
	struct wh_cgroup cgroup;
	int64_t oom_kills, machine_oom_kills; /* in its group, on the machine, when it began; below 0: not known */
	double address_space; /* RLIMIT_AS, 0: none */
};

/* Starts a command, found by PATH; variables: n of them, put into its environment (`NAME=VALUE`; of LD_PRELOAD what is there already
 * follows). WH_E_NOTFOUND, WH_E_IO where it cannot be run. */
int wh_target_start(struct wh_target *, const char *const *command, const char *const *variables, size_t n, struct wh_err *) WH_NODISCARD;
/* WH_E_NOTFOUND: no such process. */
int wh_target_attach(struct wh_target *, pid_t, struct wh_err *) WH_NODISCARD;
void wh_target_release(struct wh_target *);
/* Whether it runs another program by now (exec); then `program` and `name` are that one's, and its group is looked for anew: whoever started it in
 * another one did that before. */
bool wh_target_changed(struct wh_target *);

/* Looks at its limits, which it may set itself. */
void wh_target_take_limits(struct wh_target *);

/* Whether it is dead; then its status was taken. */
bool wh_target_is_over(struct wh_target *);

/* What it died of: "oom", "signal N", "exit N", "unknown". *signal: the signal's name, or NULL. Once. */
struct wh_death {
	char how[32];
	char signal[32];
};
void wh_target_death(struct wh_target *, struct wh_death *);

#endif
