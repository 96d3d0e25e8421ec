/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program around the library offers it: threads, a seed, someone to talk to, a progress display, a way to stop.
 * The library itself never prints, exits, or reads argv or the environment. Every pointer may be NULL.
 */
#ifndef WHORL_HOST_H
#define WHORL_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <whorl/error.h>

enum wh_level { WH_WARNING, WH_INFO, WH_DEBUG };

struct wh_host {
	unsigned threads; /* 0: one */
	uint64_t seed;
	void (*log)(void *user, enum wh_level, const char *text);
	/* done of total units of the phase ("reading", "comparing", …); total 0: not known. Called from one thread at a time. */
	void (*progress)(void *user, const char *phase, uint64_t done, uint64_t total);
	void *user;
	const atomic_bool *cancelled;
};

void wh_host_log(const struct wh_host *, enum wh_level, const char *format, ...) WH_PRINTF(3, 4);
void wh_host_progress(const struct wh_host *, const char *phase, uint64_t done, uint64_t total);
static inline bool wh_host_cancelled(const struct wh_host *host)
{
	return host && host->cancelled && atomic_load_explicit(host->cancelled, memory_order_relaxed);
}
static inline unsigned wh_host_threads(const struct wh_host *host) { return host && host->threads ? host->threads : 1; }

#endif
