/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parallel loops. Invariant: a loop's result must not depend on which worker runs which item; workers keep state of their own
 * under `worker` (0 … threads-1) and the caller joins it afterwards in an order of its own.
 */
#ifndef WHORL_BASE_THREAD_H
#define WHORL_BASE_THREAD_H

#include <stddef.h>

#include <whorl/error.h>
#include <whorl/host.h>

/* Items first … last-1; another result than WH_OK stops the loop. */
typedef int wh_loop_fn(void *user, unsigned worker, size_t first, size_t last, struct wh_err *);

/*
 * Runs fn over 0 … n-1 in pieces of `grain` on wh_host_threads(host) workers (the caller is worker 0), with progress under the
 * name `phase` (NULL: none). The error returned is the one of the lowest piece that failed; WH_E_CANCELLED where the user said so.
 * Where a thread cannot be started the others do its work.
 */
int wh_parallel(const struct wh_host *host, const char *phase, size_t n, size_t grain, wh_loop_fn *fn, void *user,
		struct wh_err *) WH_NODISCARD;

#endif
