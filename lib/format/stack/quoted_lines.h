/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of logs that write a whole stack into one of theirs, as a JSON string: `{"level":50,"stack":"Error: x\n    at f (x.js:1:2)"}`. */
#ifndef WHORL_FORMAT_STACK_QUOTED_LINES_H
#define WHORL_FORMAT_STACK_QUOTED_LINES_H

#include "format/scan.h"

struct wh_quoted_lines {
	struct wh_span text;
	const char *sign;      /* what such a string holds, as it is written there: `\n    at ` (a backslash, an n, …) */
	struct wh_span string; /* what is left of the string that is being read */
	struct wh_span line;   /* and of its line */
};

/* The next line; false at the end. Of a line with such strings it is the next line of one of them, and the rest of it is passed over;
 * escapes other than line ends, and tabs in front, stay as they are. Linear in the text. */
bool wh_quoted_line(struct wh_quoted_lines *, struct wh_span *line);

#endif
