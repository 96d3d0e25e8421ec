/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool: where whorl-core, which the kernel starts for every crash, leaves cores, and the recorder takes them from. A folder of
 * mode 0700 whose owner is who both become; nothing in it is ever reached through a link.
 *
 *   new/ID.core.zst      a core that is whole: a skippable zstd frame with the facts (facts.h), then the compressed core.
 *                        `zstd -d` makes a plain core of it. It appears by one rename after one fsync: there, or not there
 *   tmp/                 what is being written; flock'ed by its writer, so that what a dead one left can be told
 *   records/ID.jsonl     the neutral record, scrubbed, until the store has it
 *   cores/               cores that are kept (kept.h)
 *   ledger               counters (ledger.h)
 *   limits               what the recorder asks of whorl-core: lines `name number`
 *   recorder             flock'ed by the recorder: one a spool
 *   core_pattern         what stood in /proc/sys/kernel/core_pattern before; there while it has to be put back
 *
 * This header and facts.c, ledger.c are shared by the program and the library and need nothing but libc.
 */
#ifndef WHORL_COLLECT_CORE_SPOOL_H
#define WHORL_COLLECT_CORE_SPOOL_H

#include <stdint.h>

#define WH_SPOOL_NEW "new"
#define WH_SPOOL_TMP "tmp"
#define WH_SPOOL_RECORDS "records"
#define WH_SPOOL_CORES "cores"
#define WH_SPOOL_LEDGER "ledger"
#define WH_SPOOL_LIMITS "limits"
#define WH_SPOOL_LOCK "recorder"
#define WH_SPOOL_PATTERN "core_pattern"

#define WH_SPOOL_SUFFIX ".core.zst"
#define WH_SPOOL_ID 64 /* bytes of an id with its NUL: core-20261120T100000.123456789Z-4194304 */

/* What the kernel hands to the handler after the spool's path; core(5). %e last: it may hold blanks, which old kernels split at. */
#define WH_SPOOL_ARGUMENTS "%P %I %u %g %s %d %e"
#define WH_SPOOL_KERNEL_PATTERN "/proc/sys/kernel/core_pattern"
#define WH_SPOOL_KERNEL_PATTERN_SIZE 128 /* CORENAME_MAX_SIZE of the kernel, with its NUL */

struct wh_spool_limits {
	uint64_t per_minute;  /* cores of one program; as many at once */
	uint64_t core_bytes;  /* of one core, before compression; the rest is cut off */
	uint64_t spool_bytes; /* of all that waits, compressed */
	uint64_t spool_cores; /* that wait */
	uint64_t seconds;     /* that a dying process is kept waiting */
};
#define WH_SPOOL_LIMITS_DEFAULT ((struct wh_spool_limits){ 10, UINT64_C(4) << 30, UINT64_C(4) << 30, 1000, 60 })

#endif
