/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sample of a process from /proc: memory, mappings, descriptors, threads. Values are added, so that several processes add up.
 *
 *   memory_bytes KIND      resident, anonymous, file, shared, swap, virtual, page_tables
 *   map_bytes MAPPING      resident, by what is mapped: base name of the file, [heap], [stack], [anonymous], [anon:NAME]
 *   maps MAPPING           how many mappings
 *   fds KIND               file, socket, pipe, device, eventfd, eventpoll, inotify, memfd, …
 *   threads
 *
 * What is slow in a big process (mappings, descriptors) is asked for so seldom that it takes a fiftieth of the time at most; in between
 * its metrics stay as they were.
 */
#ifndef WHORL_COLLECT_SESSION_PROCESS_H
#define WHORL_COLLECT_SESSION_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"
#include "collect/session/journal.h"

/* Who tells of a metric. */
enum wh_session_source { WH_SOURCE_MEMORY, WH_SOURCE_MAPS, WH_SOURCE_FDS, WH_SOURCE_SITES, WH_SOURCE_JVM, WH_SOURCE_SYSTEM };

/* A source that is asked no more often than its cost allows. */
struct wh_session_pace {
	double due_s;  /* of CLOCK_MONOTONIC */
	double cost_s; /* of a time, in processor time of this thread: smoothed */
	double began_s;
};

double wh_session_now_s(void);
double wh_session_used_s(void);
/* Whether to ask now; then to be followed by paced. least_s: between two times at least. */
bool wh_session_is_due(struct wh_session_pace *);
void wh_session_paced(struct wh_session_pace *, double least_s);

/* The whole of a small file of /proc or the like into text; false where it cannot be read. */
bool wh_session_slurp(const char *path, struct wh_str *text);
/* The number after `key` at the beginning of a line; false: there is none. */
bool wh_session_number(const char *text, const char *key, double *value);

/* Whether it has memory still: one that is dying has none. */
bool wh_process_lives(pid_t);
/* Each adds to the journal's step; false where the process is gone (or may not be looked at). */
bool wh_process_memory(struct wh_journal *, pid_t);
bool wh_process_maps(struct wh_journal *, pid_t, struct wh_str *text);
bool wh_process_fds(struct wh_journal *, pid_t);

#endif
