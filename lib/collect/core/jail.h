/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What whorl-core gives up before it reads the first byte of a core: the user and groups it was started with, every capability, the
 * way back to any of them, all but a few dozen system calls, and most of the machine's resources.
 */
#ifndef WHORL_COLLECT_CORE_JAIL_H
#define WHORL_COLLECT_CORE_JAIL_H

#include <stdint.h>
#include <sys/types.h>

/* Becomes uid and gid, without capabilities; file_bytes: the largest file that may be written. 0, or -1 with errno: then nothing may be
 * read. Where we are not root, users and capabilities stay what they are. */
int wh_jail_enter(uid_t uid, gid_t gid, uint64_t file_bytes);

#endif
