/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What minidump stackwalkers say: rust-minidump (minidump-processor/json-schema.md), Mozilla's and Breakpad's before it. The JSON
 * is a report of its own, and part of Socorro's.
 */
#ifndef WHORL_FORMAT_STACK_STACKWALK_H
#define WHORL_FORMAT_STACK_STACKWALK_H

#include "base/json.h"
#include "format/stack/images.h"
#include "observation/stack.h"

/* Whether the stackwalker had nothing better to go by than what lay on the stack: by its word for it (`scan`, `cfi_scan`) or the
 * text's (`stack scanning`). */
bool wh_stackwalk_guessed(struct wh_span trust);

/* The path of `hg:hg.mozilla.org/mozilla-central:ipc/glue/A.cpp:a523d4c7efe2`, the file in a repository; else file as it is. */
struct wh_span wh_stackwalk_file(struct wh_span file);

/* `SIGSEGV / SEGV_MAPERR`, `EXCEPTION_ACCESS_VIOLATION_READ`: `reason`, `signal`, and the crash type; address may be empty. */
void wh_stackwalk_reason(struct wh_stack_builder *, struct wh_span reason, struct wh_span address);

/* Adds the frames of the thread that crashed (of the thread number `crashing`, if it is no less than 0 and the dump does not say
 * itself), its name, and what the dump says of the program, the system and the fault. images: scratch, cleared first. */
void wh_stackwalk_json(struct wh_stack_builder *, struct json_object *dump, int64_t crashing, struct wh_images *images);

#endif
