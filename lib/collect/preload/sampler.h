/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler behind the hooks: which allocation is taken, where it came from, and what becomes of it. No call allocates or locks. */
#ifndef WHORL_COLLECT_PRELOAD_SAMPLER_H
#define WHORL_COLLECT_PRELOAD_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/preload/table.h"

#define WH_SAMPLER_FILTER 32768 /* counters */

struct wh_sampler_thread {
	int64_t left;    /* bytes until the next sample; below 0: due */
	uint64_t mean;   /* with which left was drawn; 0: it never was */
	uint64_t random; /* state of the generator */
	bool inside;     /* what the sampler itself allocates is nobody's */
};

/* initial-exec: reading it never allocates */
extern __thread struct wh_sampler_thread wh_sampler_thread __attribute__((tls_model("initial-exec")));
/* How many addresses of samples fall on each: a free of what was not sampled reads one counter and goes. */
extern uint16_t wh_sampler_filter[WH_SAMPLER_FILTER];

struct wh_sampled {
	uint32_t site;
	uint32_t kind;
	uint64_t objects, bytes; /* that it stands for */
};

/* Reads the environment, makes the table; without WH_ALLOC_FOLDER nothing is ever due. */
void wh_sampler_start(void);
/* Takes an allocation that was due, at p, of n bytes; draws what is left until the next. */
void wh_sampler_take(const void *p, size_t n, enum wh_alloc_kind);
void wh_sampler_failed(void);
/* If p was sampled: it no longer is. */
bool wh_sampler_remove(const void *p, struct wh_sampled *);
/* What was removed lives on (a realloc failed), or is freed. */
void wh_sampler_keep(const void *p, const struct wh_sampled *);
void wh_sampler_freed(const struct wh_sampled *);

static inline uint64_t wh_sampler_hash(const void *p)
{
	return ((uint64_t)(uintptr_t)p >> 4) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline bool wh_sampler_is_due(size_t n)
{
	return (wh_sampler_thread.left -= (int64_t)n + !n) < 0;
}

static inline bool wh_sampler_may_have(const void *p)
{
	return __builtin_expect(__atomic_load_n(&wh_sampler_filter[wh_sampler_hash(p) >> 49], __ATOMIC_RELAXED) != 0, 0);
}

#endif
