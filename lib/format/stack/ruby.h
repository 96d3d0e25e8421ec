/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of Ruby's reports is made of: lines (ruby_line.c), crashes of the interpreter (ruby_bug.c), exceptions (ruby.c). */
#ifndef WHORL_FORMAT_STACK_RUBY_H
#define WHORL_FORMAT_STACK_RUBY_H

#include <whorl/format.h>

#include "format/stack/frame_line.h"

enum wh_ruby_kind {
	WH_RUBY_BARE,     /* `x.rb:3:in 'f'` alone, or behind `# ` */
	WH_RUBY_FROM,     /* `from x.rb:3:in 'f'` */
	WH_RUBY_NUMBERED, /* `2: from x.rb:3:in 'f'`: outermost first */
	WH_RUBY_ERROR,    /* `x.rb:3:in 'f': message (A::B)` */
	WH_RUBY_JRUBY,    /* `f at x.rb:3` */
};

/* What a line names: a frame, an exception, or both. */
struct wh_ruby_line {
	enum wh_ruby_kind kind;
	struct wh_frame_text frame;
	struct wh_span class, message; /* of WH_RUBY_ERROR */
	bool comment;                  /* behind `#`: RSpec's, or an example in a source */
};

/* What line says, without the tags of Rails (`[1a2b-…] `) and RSpec's `# ` in front. */
struct wh_span wh_ruby_text(struct wh_span line);
/* Whether line is a frame; what log and colours put around it is off. Labels stand in `…', or in '…' since Ruby 3.4. */
bool wh_ruby_frame_line(struct wh_span line, struct wh_ruby_line *said);
/* JRuby's own style, `  block in f at x.rb:3`: any sentence may look like that, so only where frames are expected. */
bool wh_ruby_jruby_line(struct wh_span line, struct wh_ruby_line *said);
/* Whether line names an exception as loggers do: `message (A::B)`, `A::B (message):`, `A::B: message`, `A::B:`. */
bool wh_ruby_head_line(struct wh_span line, struct wh_span *class, struct wh_span *message);

/* Whether line opens a report of a crashed interpreter: `x.rb:3: [BUG] Segmentation fault at 0x8`. */
bool wh_ruby_bug_line(struct wh_span line);
/* Reads the report that begins at line; *text, which begins behind line, moves to its end. */
int wh_ruby_read_bug(struct wh_reader *, struct wh_span line, struct wh_span *text, struct wh_err *) WH_NODISCARD;

#endif
