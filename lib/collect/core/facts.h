/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a crash beside its core. Written as text, lines `name value`, into a skippable frame of fixed size at the head of
 * the spooled file, so that one file is one crash. Everything in it may be hostile: a process names itself as it likes.
 */
#ifndef WHORL_COLLECT_CORE_FACTS_H
#define WHORL_COLLECT_CORE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WH_FACTS_MAGIC 0x184d2a5au /* one of zstd's sixteen skippable frames */
#define WH_FACTS_TEXT 8184         /* bytes of text, filled up with newlines */
#define WH_FACTS_SIZE (WH_FACTS_TEXT + 8)

struct wh_facts {
	int64_t time_ns; /* since the epoch */
	uint64_t pid, tid, uid, gid, signal, dumpable; /* %P %I %u %g %s %d of core(5) */
	char comm[64];
	char exe[1024];
	char cgroup[512];
	char arguments[2048]; /* NUL-terminated one after the other */
	size_t arguments_size;
	uint64_t core_bytes; /* that were read */
	uint64_t nanoseconds; /* from the handler's start to the end of the core */
	bool truncated;
	char why[64]; /* it was truncated */
};

/* Writes the frame; what does not fit is left out, arguments first. */
void wh_facts_write(const struct wh_facts *, unsigned char frame[static WH_FACTS_SIZE]);
/* False where these bytes are no such frame. Unknown lines are passed over. */
bool wh_facts_read(struct wh_facts *, const unsigned char *data, size_t n);

/* core-20261120T100000.123456789Z-4711: from time and process, buffer of at least WH_SPOOL_ID bytes. */
void wh_facts_id(const struct wh_facts *, char *id);

/* The program that crashed: its path, else its name, else "?". */
const char *wh_facts_program(const struct wh_facts *);

#endif
