/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of lines: what a printer's format string looks like from the other side. A pattern matches a whole line (blanks around
 * it taken off); what its fields met is kept as pieces of that line.
 *
 *   %f  function, any text          %g  function without a blank       %m  module, %M without a blank
 *   %F  file, any text              %l  line number                    %v  the module's version
 *   %a  address, 0x and digits      %A  address, digits alone          %o  offset, 0x or decimal
 *   %r  what the line says          %e  the error's type, no blank     %t  a thread
 *   %n  a decimal number            %w  text without a blank           %*  any text or none      (not kept, these)
 *
 * A blank stands for one or more blanks, %% for a per cent sign, any other character for itself. A text goes on to the first
 * place from which the rest of the pattern matches; only %r and %* may be empty. Matching allocates nothing; how often it may try
 * again is bounded, so that a line costs at most a small multiple of its length.
 */
#ifndef WHORL_FORMAT_STACK_LINE_PATTERN_H
#define WHORL_FORMAT_STACK_LINE_PATTERN_H

#include <stdbool.h>

#include "format/stack/frame_line.h"

struct wh_line_match {
	struct wh_frame_text frame;
	struct wh_span said, type, thread; /* %r, %e, %t */
};

/* Whether line, without blanks around it, matches; *match is then what its fields met. */
bool wh_line_match(const char *pattern, struct wh_span line, struct wh_line_match *match);

#endif
