/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of every crash, counted in a file that all handlers map: nothing is lost silently, whoever is killed when. A crash is
 * `seen` before anything else happens and ends up in exactly one of spooled, over_rate, over_spool, failed; what is missing from their
 * sum was lost with its handler (or is being written).
 *
 * Counters are only ever added to, with atomic instructions. The sums in the head are exact; programs share a table of fixed size
 * (eight places a hash), from which the one that was quiet longest goes. The file has its blocks from the start, so that counting
 * works on a full disk.
 */
#ifndef WHORL_COLLECT_CORE_LEDGER_H
#define WHORL_COLLECT_CORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wh_ledger_counts {
	uint64_t seen;
	uint64_t spooled;
	uint64_t over_rate;  /* more of one program than were asked for */
	uint64_t over_spool; /* too much waits */
	uint64_t failed;     /* disk full, for one */
	uint64_t truncated;  /* of those spooled */
	uint64_t bytes_read, bytes_written;
	uint64_t nanoseconds; /* that dying processes waited */
};

#define WH_LEDGER_NAME 208

struct wh_ledger_program {
	uint64_t hash;       /* 0: a free place */
	uint64_t due_ns;     /* of the rate limit (GCRA): when the next core would be due, CLOCK_BOOTTIME */
	uint64_t last_ns;    /* seen last, CLOCK_BOOTTIME */
	uint64_t seen, dropped;
	uint64_t told;       /* of dropped: what the recorder has said; only it writes here */
	char name[WH_LEDGER_NAME]; /* NUL-terminated; the end of a longer path */
};

#define WH_LEDGER_PROGRAMS 1024
#define WH_LEDGER_WAYS 8

struct wh_ledger_file {
	char magic[8];
	uint64_t version;
	struct wh_ledger_counts counts, told; /* told: up to where the recorder has said them */
	uint64_t spare[28];
	struct wh_ledger_program programs[WH_LEDGER_PROGRAMS];
};

/* Maps the ledger of the spool whose folder is open as fd, made if need be. NULL with errno: EINVAL where something else bears its name. */
struct wh_ledger_file *wh_ledger_map(int spool);
void wh_ledger_unmap(struct wh_ledger_file *);

/* The program's place. */
struct wh_ledger_program *wh_ledger_program(struct wh_ledger_file *, const char *name);
/* Whether one more core of the program is within so many a minute, and if so, counts it against them. */
bool wh_ledger_allow(struct wh_ledger_program *, uint64_t per_minute);
/* Of CLOCK_BOOTTIME. */
uint64_t wh_ledger_now(void);

static inline void wh_ledger_add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_SEQ_CST);
}
static inline uint64_t wh_ledger_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}
/* Seen, and not accounted for in any other counter. */
static inline uint64_t wh_ledger_missing(const struct wh_ledger_counts *c)
{
	uint64_t settled = c->spooled + c->over_rate + c->over_spool + c->failed;
	return c->seen > settled ? c->seen - settled : 0;
}

#endif
