/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's core_pattern: held for as long as somebody holds the other end of standard input, then put back. The holder is a process
 * of its own, the only one that stays root, so that the pattern comes back even where the recorder is killed. If the holder is killed,
 * too, the old pattern stands in the spool for wh_pattern_restore.
 */
#ifndef WHORL_COLLECT_CORE_PATTERN_H
#define WHORL_COLLECT_CORE_PATTERN_H

/* Each returns NULL, or what failed, with errno (0: it says all). spool: its path, and open as fd. pattern: the file, WH_SPOOL_KERNEL_PATTERN
 * but for tests. */
const char *wh_pattern_hold(const char *pattern, const char *spool, int fd);
/* Puts back what was there before. *restored false: there was nothing to put back, or something else has been set since. */
const char *wh_pattern_restore(const char *pattern, const char *spool, int fd, int *restored);

#endif
