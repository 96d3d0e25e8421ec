/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live instances and bytes per class of a Java virtual machine: `jvm_objects CLASS`, `jvm_bytes CLASS`. Speaks HotSpot's attach protocol (JDK's
 * VirtualMachineImpl and attachListener_linux.cpp): a file .attach_pidN and SIGQUIT wake its listener, a UNIX socket takes the command
 * `jcmd GC.class_histogram`. Every histogram is a full collection of garbage, during which the program stands still.
 *
 * Only the machine's user and root may attach. SIGQUIT is only sent where the process catches it: another one would die of it.
 */
#ifndef WHORL_COLLECT_SESSION_JVM_H
#define WHORL_COLLECT_SESSION_JVM_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include <whorl/error.h>

#include "base/str.h"
#include "collect/session/journal.h"

struct wh_jvm {
	pid_t pid;
	pid_t inner;      /* its number as it sees it: in its own namespace */
	char socket[PATH_MAX];
	double again_s, wait_s; /* when SIGQUIT is sent next, and how long after that it is again; 0: it was not yet */
	char file[PATH_MAX]; /* .attach_pidN, while it is there; else empty */
	struct wh_str text;
};

/* Whether the process has a JVM in it (libjvm.so is mapped). */
bool wh_jvm_is_one(pid_t);

void wh_jvm_init(struct wh_jvm *, pid_t);
void wh_jvm_release(struct wh_jvm *);

/* Makes sure that its listener listens, without waiting for it: *ready says whether it does by now. Asks again after .2 s, then ever more
 * seldom: a machine that starts removes the socket of its own listener as a stale one, where it was asked for too early. WH_E_IO where it
 * never will. */
int wh_jvm_attach(struct wh_jvm *, bool *ready, struct wh_err *) WH_NODISCARD;
/* Asks for a histogram, into `text`. WH_E_IO: it is gone, refuses, or did not answer within so many milliseconds. */
int wh_jvm_ask(struct wh_jvm *, int milliseconds, struct wh_err *) WH_NODISCARD;
/* Adds the rows of a histogram's text: `   1:   1234   56789  java.lang.String (java.base@17)`. The number of classes. */
size_t wh_jvm_take_histogram(const char *text, size_t n, struct wh_journal *);

#endif
