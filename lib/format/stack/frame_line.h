/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One frame written as one line, in the style of each tool: what the readers of whole reports and of containers of such lines
 * (CASR) have in common. Parsing allocates nothing and is linear in the line; a frame is then added to a builder.
 */
#ifndef WHORL_FORMAT_STACK_FRAME_LINE_H
#define WHORL_FORMAT_STACK_FRAME_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/scan.h"
#include "observation/stack.h"

/* Longer lines are no frames: it bounds what one costs. */
#define WH_FRAME_LINE_LONGEST ((size_t)64 * 1024)

/* A frame as its line says it: pieces of that line, empty where not said. */
struct wh_frame_text {
	struct wh_span function, module, version, build_id, file;
	uint32_t line;
	uint64_t offset, address;
	bool has_offset, has_address, handler;
	bool dotted; /* module is a path whose slashes stand for the dots of a name */
};

/* Each: whether line is a frame in that style; *frame is then what it says. Blanks around the line do not matter. */
typedef bool wh_frame_line_fn(struct wh_span line, struct wh_frame_text *frame);

wh_frame_line_fn wh_frame_line_gdb;       /* `#1  0x0040 in f (a=1) at f.c:2`, `… from /lib/x.so` */
wh_frame_line_fn wh_frame_line_sanitizer; /* `#1 0x40 in f(int) /x/f.c:2:3 (x+0x40) (BuildId: …)`, `… f.c:2 <x>+0x40` */
wh_frame_line_fn wh_frame_line_java;      /* `at java.base@17/pkg.C.m(C.java:1) ~[x.jar:1.2]` */
wh_frame_line_fn wh_frame_line_python;    /* `File "x.py", line 1, in f`, `File "x.py", line 1 in f`, `File "x.py", line 1` */
wh_frame_line_fn wh_frame_line_go;        /* `main.f(0x1) in /x.go:2 +0x3 pc=0x4`: its two lines joined by ` in ` */
wh_frame_line_fn wh_frame_line_rust;      /* `1: 0x40 - a::b::h0123 at /x.rs:1:2`, `1: a::b` */
wh_frame_line_fn wh_frame_line_dotnet;    /* `at N.C.M(String s) in /x.cs:line 1`, Mono's `at C.M (int i) [0x1] in x.cs:1` */
wh_frame_line_fn wh_frame_line_js;        /* `at f (/x.js:1:2)`, `at /x.js:1:2` */
wh_frame_line_fn wh_frame_line_lua;       /* `x.lua:1: in function 'f'`, `[C]: in ?` */

/* Adds the frame; NULL where it was dropped or memory is short (the builder knows which). */
struct wh_frame *wh_frame_text_add(const struct wh_frame_text *, struct wh_stack_builder *);

/* Splits `path[:line[:column]]` at its end; the path is everything where no number follows. */
void wh_location_split(struct wh_span text, struct wh_span *path, uint32_t *line);

/* Where the parenthesis that s ends with begins, or NULL. */
const char *wh_last_parenthesis(struct wh_span s);

#endif
