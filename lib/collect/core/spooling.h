/* SPDX-License-Identifier: Apache-2.0 */
/* The spool (spool.h) from the recorder's side: made, locked, told its limits, swept. */
#ifndef WHORL_COLLECT_CORE_SPOOLING_H
#define WHORL_COLLECT_CORE_SPOOLING_H

#include <stddef.h>
#include <sys/stat.h>

#include <whorl/error.h>

#include "collect/core/spool.h"

/* Opens the spool, made if need be for that user (NULL: oneself); *status is its folder's. */
int wh_spool_open(const char *path, const char *user, int *fd, struct stat *status, struct wh_err *) WH_NODISCARD;
/* WH_E_CONFLICT where a recorder has it. */
int wh_spool_lock(int spool, const struct stat *owner, int *lock, struct wh_err *) WH_NODISCARD;
int wh_spool_set_limits(int spool, const struct stat *owner, const struct wh_spool_limits *, struct wh_err *) WH_NODISCARD;
/* Deletes what dead writers left; returns how many are at work. */
size_t wh_spool_sweep(int spool);
/* Deletes what a recorder that was killed left of records; only for who has the lock. */
void wh_spool_sweep_records(int spool);
/* Becomes the owner of the spool for good, where we are root and it is not. */
int wh_spool_become(const struct stat *owner, struct wh_err *) WH_NODISCARD;

#endif
