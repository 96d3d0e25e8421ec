/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame lines of sanitizer_common's stack printer (compiler-rt, sanitizer_stacktrace_printer.cpp, formats DEFAULT and
 * TSan's), of symbolizers that imitate it, and of Chrome's base::debug::StackTrace:
 *   #0 0x4f in ns::f<int>(int) const /src/a.cc:3:4      #1 0x4f in f+0x12 (/lib/x.so+0x4f) (BuildId: 12ab)
 *   #2 0x4f  (/lib/x.so+0x4f)                           #3 f /src/a.cc:3 (x.so+0x4f)               #4 0x4f base::f()
 */
#ifndef WHORL_FORMAT_STACK_SANITIZER_FRAME_H
#define WHORL_FORMAT_STACK_SANITIZER_FRAME_H

#include "format/scan.h"

struct wh_frame_line {
	uint64_t number;
	struct wh_span function, module, build_id, file; /* p is NULL where not said */
	uint64_t address, offset;
	uint32_t line;
	bool has_address, has_offset, inlined;
};

/* Whether line is a frame, perhaps behind a log's prefix (time, logcat tag, `==1==`). Spans point into line. */
bool wh_frame_line_read(struct wh_span line, struct wh_frame_line *);

#endif
