/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of JavaScript's reports is made of: frames (javascript_frame.c), fatal errors of Node.js (javascript_fatal.c),
 * errors (javascript.c). */
#ifndef WHORL_FORMAT_STACK_JAVASCRIPT_H
#define WHORL_FORMAT_STACK_JAVASCRIPT_H

#include <whorl/format.h>

#include "format/stack/frame_line.h"

enum wh_js_sureness {
	WH_JS_NONE,  /* no frame */
	WH_JS_LOOSE, /* begins like one, but says no place, or none that JavaScript's engines print */
	WH_JS_PLAIN, /* a frame where others are; alone it might be another language's */
	WH_JS_SURE,
};

/* `at f (x.js:1:2)`: V8, Hermes, Bun. Blanks around the line, and what util.inspect() puts behind the last frame (` {`, `,`), do not
 * matter. */
enum wh_js_sureness wh_js_v8_line(struct wh_span line, struct wh_frame_text *frame);
/* `f@http://x/a.js:1:2`, `async*f@…`, `map@[native code]`, `global code@…`: SpiderMonkey, JavaScriptCore. */
enum wh_js_sureness wh_js_at_line(struct wh_span line, struct wh_frame_text *frame);
/* ` 1: 0xb78db3 node::Abort() [node]`: the native stack that Node.js prints. */
bool wh_js_native_line(struct wh_span line, struct wh_frame_text *frame);
/* `1: f (node:fs:1:2)`, or V8's own `    2: f [0x1] [/x.js:12] [bytecode=…]`. */
bool wh_js_numbered_line(struct wh_span line, struct wh_frame_text *frame);

/* Whether only JavaScript has files of that name: by scheme (`node:fs`, `https://…`) or by extension. */
bool wh_js_file(struct wh_span file);

/* Whether line opens a fatal error of Node.js or V8, which is printed without an exception: `FATAL ERROR: …`, `==== JS stack
 * trace`. */
bool wh_js_fatal_line(struct wh_span line);
/* Reads the report that begins at line; *text, which begins behind line, moves to its end. */
int wh_js_read_fatal(struct wh_reader *, struct wh_span line, struct wh_span *text, struct wh_err *) WH_NODISCARD;

#endif
