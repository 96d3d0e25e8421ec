/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of Apple's reports are made of. Grammar: "Examining the fields in a crash report" and "Interpreting the JSON
 * format of a crash report" (developer.apple.com); PLCrashReporter's PLCrashReportTextFormatter.m; KSCrash's
 * KSCrashReportFilterAppleFmt.m.
 */
#ifndef WHORL_FORMAT_STACK_APPLE_H
#define WHORL_FORMAT_STACK_APPLE_H

#include <whorl/format.h>

#include "format/stack/frame_line.h"
#include "format/stack/images.h"

/* ---- lines (apple_line.c); each takes a line with or without blanks around it ---- */

/* A frame of a thread: `0   libobjc.A.dylib  0x00007fff90a5b387 objc_msgSend + 23 (f.m:4)`; module is the image's name, offset that
 * within the function, or in the image where no function is said. Old: `#1   0x90a5b387 in objc_msgSend`. */
bool wh_apple_frame(struct wh_span line, struct wh_frame_text *, bool *inlined);
/* What stands behind the address: `symbol + 12 (f.c:3)`, `0x1000 + 44`, `0x1000 + 44 (symbol + 12)`. */
void wh_apple_symbol(struct wh_span text, struct wh_frame_text *, bool *inlined);
/* An image: `0x1000 - 0x1fff +Foo arm64 (1.2 - 3) <UUID> /path/Foo`; build_id is as printed. */
bool wh_apple_image(struct wh_span line, struct wh_image *);

struct wh_apple_thread {
	uint64_t number;
	bool heading; /* its frames follow */
	bool crashed;
	struct wh_span name; /* or its queue's, without `Dispatch queue: `; empty: not said here */
};
/* `Thread 0:`, `Thread 0 Crashed:: name  Dispatch queue: q`, `Thread 0 name:  n`. */
bool wh_apple_thread(struct wh_span line, struct wh_apple_thread *);

/* ---- samples, spindumps, hangs (apple_sample.c) ---- */

/* Whether line opens a call tree or its heaviest stack; flat: the latter, whose frames are not indented deeper and deeper. */
bool wh_apple_tree_line(struct wh_span line, bool *flat);
/* Adds the heaviest path of the tree that *text begins with, innermost frame first; *text moves behind what was read of it. */
void wh_apple_tree(struct wh_span *text, bool flat, struct wh_stack_builder *);

/* ---- attributes (apple_header.c) ---- */

/* The lines `Key: value` of a report's head, each as it was said first; spans of the text, empty where not said. */
struct wh_apple_head {
	struct wh_span process, command, identifier, version, code_type, os, date, hardware, incident;
	struct wh_span type, codes, subtype, note, message, termination, event, crashed;
	uint64_t seen; /* which keys were there, as bits */
	unsigned n;    /* how many */
};

/* Whether line is of a head; its value is kept if it is the first of its key. */
bool wh_apple_head_line(struct wh_apple_head *, struct wh_span line);
/* The number of the thread that crashed, where the head says it. */
bool wh_apple_head_crashed(const struct wh_apple_head *, uint64_t *number);
/* Attributes, time and crash type of the report. information: what the program said last (`Application Specific Information`). */
void wh_apple_head_set(const struct wh_apple_head *, struct wh_span information, struct wh_stack_builder *);

/* `EXC_BAD_ACCESS (SIGSEGV)` as `reason` and `signal`. */
void wh_apple_exception(struct wh_stack_builder *, struct wh_span type);
/* `KERN_INVALID_ADDRESS at 0x10`: `address`; false where none is said. */
bool wh_apple_address(struct wh_stack_builder *, struct wh_span codes, uint64_t *address);
/* `*** Terminating app due to uncaught exception 'NAME', reason: 'TEXT'` anywhere in text as `reason` and `message`. */
bool wh_apple_uncaught(struct wh_stack_builder *, struct wh_span text);
/* Copies a UUID in small letters without dashes, so that a report's text and its JSON say the same; NULL: none, or zeros. */
const char *wh_apple_uuid(struct wh_stack_builder *, struct wh_span uuid);
/* `/path/to/x [12]` without the process's number. */
struct wh_span wh_apple_process(struct wh_span);

/* ---- the reader of text (apple_crash.c), also of that within .ips files ---- */

int wh_apple_read(struct wh_reader *, struct wh_err *) WH_NODISCARD;

#endif
