/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of JVM reports is made of: stack traces (java.c), thread dumps and Clojure's data (java_dump.c), Kotlin/Native's
 * frames (kotlin_native.c). */
#ifndef WHORL_FORMAT_STACK_JAVA_H
#define WHORL_FORMAT_STACK_JAVA_H

#include <whorl/format.h>

#include "format/scan.h"
#include "format/stack/frame_line.h"

/* Whether line opens a thread of a dump: HotSpot's `"main" #1 prio=5 … tid=0x… nid=0x… runnable`, or Android's
 * `"main" prio=5 tid=1 Sleeping`; name is what the quotes hold. */
bool wh_java_thread_line(struct wh_span line, struct wh_span *name);

/* Reads the dump that begins at line (a thread's first); *text, which begins behind line, moves to its end. One dump is one
 * report: of the first thread of a deadlock that the JVM has found, else of the first runnable thread that is no daemon, else
 * of `main`, else of the first with frames. */
int wh_java_read_dump(struct wh_reader *, struct wh_span line, struct wh_span *text, struct wh_err *) WH_NODISCARD;

/* Whether line opens Clojure's report (`{:clojure.main/message`). */
bool wh_java_clojure_line(struct wh_span line);
/* Reads the report of clojure.main that begins at line, an EDN map; *text moves to its end. */
int wh_java_read_clojure(struct wh_reader *, struct wh_span line, struct wh_span *text, struct wh_err *) WH_NODISCARD;

/* `at 0   app.kexe   0x41b5b0   kfun:kotlin.Throwable#<init>(){} + 64 (/x.kt:3:4)`: Kotlin/Native, which prints the rest of a trace as the
 * JVM does. */
bool wh_kotlin_native_line(struct wh_span text, struct wh_frame_text *frame);

#endif
