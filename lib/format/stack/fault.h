/* SPDX-License-Identifier: Apache-2.0 */
/* Faults and systems under the names that attributes have for them, whatever a report calls them. */
#ifndef WHORL_FORMAT_STACK_FAULT_H
#define WHORL_FORMAT_STACK_FAULT_H

#include "format/scan.h"
#include "observation/stack.h"

/* Sets the stack's crash_type, if it has none, after the fault's name: a signal, a Mach or a Windows exception (`SIGSEGV /
 * SEGV_MAPERR`, `EXC_BAD_ACCESS`, `EXCEPTION_ACCESS_VIOLATION_READ`). An address in the first page makes a bad access a
 * null-dereference, as ClusterFuzz has it (crash_type.h). A name that is of no such fault, SIGABRT, sets nothing. */
void wh_fault_type(struct wh_stack_builder *, struct wh_span name, bool has_address, uint64_t address);

/* Sets `os` to the system as it is said (`Mac OS X 10.7.2 (11C74)`, `Windows NT 10.0.19043`), and `platform` to its family and the
 * processor (`macos-x86_64`, `windows-x86`), what is not known left out. */
void wh_fault_platform(struct wh_stack_builder *, struct wh_span os, struct wh_span processor);

/* Linux's name of a signal's number, or NULL. */
const char *wh_fault_signal(uint64_t number);

#endif
