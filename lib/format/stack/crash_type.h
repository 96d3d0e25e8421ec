/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bug trackers call a crash: its type ("Heap-buffer-overflow" and, on a line of its own, "READ 4") and its state (up to
 * three lines: the message of a failed check, then the first frames that say something). The grammar is that of ClusterFuzz
 * (google/clusterfuzz, src/clusterfuzz/stacktraces, Apache-2.0), so that a report gets the name that its tracker gave it.
 */
#ifndef WHORL_FORMAT_STACK_CRASH_TYPE_H
#define WHORL_FORMAT_STACK_CRASH_TYPE_H

#include "base/arena.h"
#include "format/scan.h"
#include "observation/stack.h"

struct wh_crash {
	const char *type;  /* lines separated by '\n'; NULL: the text tells of no crash */
	const char *state; /* lines separated by '\n', without one at the end; NULL with type */
};

/* Derives both from the text of one report: its messages and its frames, in any of the formats that ClusterFuzz reads
 * (sanitizers, libFuzzer and Centipede, Chrome, V8, Android, the Linux kernel, Java, Python, Go, Rust, gdb, cdb). The strings
 * are in the arena. Linear in the text; lines over 1 MiB are passed over. WH_E_NOMEM and WH_E_LIMIT. */
int wh_crash_derive(struct wh_span text, struct wh_arena *, struct wh_crash *, struct wh_err *) WH_NODISCARD;

/* The same into the stack of a reader's builder, before wh_stack_builder_finish. Leaves what is set already. */
int wh_crash_describe(struct wh_span text, struct wh_stack_builder *, struct wh_err *) WH_NODISCARD;

/* The state that frames alone give: for reports without such a text. NULL where no frame says anything. */
int wh_crash_state_of_frames(const struct wh_stack *, struct wh_arena *, const char **state, struct wh_err *) WH_NODISCARD;

#endif
