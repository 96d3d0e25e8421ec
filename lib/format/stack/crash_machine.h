/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The derivation of crash type and state reads a report line by line. A message sets the type and may begin the state anew;
 * frames that say something are added to the state until it has WH_CRASH_FRAMES; later messages override earlier ones.
 */
#ifndef WHORL_FORMAT_STACK_CRASH_MACHINE_H
#define WHORL_FORMAT_STACK_CRASH_MACHINE_H

#include "base/str.h"
#include "format/scan.h"
#include "format/stack/grams.h"

#define WH_CRASH_FRAMES 3
#define WH_CRASH_LINE 80     /* bytes of a line of the state */
#define WH_CRASH_CYCLE 10    /* frames of the longest cycle looked for in a stack overflow */
#define WH_CRASH_RAW 1024    /* frames that a cycle is looked for in */

/* The rules that are looked for anywhere in a frame, by their first three characters. */
struct wh_crash_parts {
	uint8_t first[1024], next[128]; /* numbers of rules, plus 1; 0 ends */
};

struct wh_crash_machine {
	struct wh_span text;
	struct wh_grams grams; /* parts of all messages */
	struct wh_crash_parts parts;
	struct wh_str type, state, source_file, process;
	struct wh_str frame; /* scratch */
	struct wh_str raw;   /* frames of a stack overflow, one a line */
	size_t n_raw;
	unsigned n_frames;
	uint64_t address;
	bool has_address;
	/* what the text as a whole is */
	bool kasan, golang, python, javascript, trusty;
	/* where the machine is */
	bool java_exception, cast_told, fatal_error, golang_crash, python_crash, died, rust_message;
};

enum wh_crash_step { WH_CRASH_NEXT_LINE, WH_CRASH_TRY_FRAME };

/* Whether line may have a message: cheap, and never wrong where it says no. */
bool wh_crash_may_be_message(const struct wh_crash_machine *, struct wh_span line);
/* Parts of all messages that are looked for anywhere in a line. */
extern const char *const wh_crash_grams[];
/* The line's message, if it has one. */
enum wh_crash_step wh_crash_message(struct wh_crash_machine *, struct wh_span line);
/* Whether line tells that memory ran out, as a frame may. */
bool wh_crash_no_memory(struct wh_span line, bool frame);
/* Whether line is a sanitizer's frame (`#1 0x12 …`); adds it. */
bool wh_crash_sanitizer_frame(struct wh_crash_machine *, struct wh_span line);
/* A frame in any other form. */
void wh_crash_frame(struct wh_crash_machine *, struct wh_span line);
/* Adds a frame, unless a rule ignores it; `whole`: as it is, else cut to the function's name. */
void wh_crash_add_frame(struct wh_crash_machine *, struct wh_span frame, bool whole);

/* Setting the machine's strings. */
void wh_crash_set_type(struct wh_crash_machine *, struct wh_span); /* unless the present one ranks higher */
void wh_crash_set_type_name(struct wh_crash_machine *, const char *);
void wh_crash_reset(struct wh_crash_machine *);
bool wh_crash_type_is(const struct wh_crash_machine *, const char *);
bool wh_crash_type_begins(const struct wh_crash_machine *, const char *);
/* Whether a rule passes over a frame. */
bool wh_crash_ignores(const struct wh_crash_parts *, struct wh_span frame);
void wh_crash_parts_init(struct wh_crash_parts *);
/* A frame's function: what is before the arguments, without module and anonymous namespaces. */
void wh_crash_function(struct wh_span frame, struct wh_str *function);

/* Of the messages' words: hexadecimal digits at the beginning of s (with an x); s without characters of set at both ends; the
 * base name of a source file as messages name it (`[FATAL:a/b.cc(12)`, `C:\a\b.cc:12`). */
struct wh_span wh_crash_hex(struct wh_span s);
struct wh_span wh_crash_strip(struct wh_span s, const char *set);
struct wh_span wh_crash_file_name(struct wh_span s);
/* `F0707 11:54:34.000000 1234 path/file.cc:12] text` */
bool wh_crash_google_log(struct wh_span line, struct wh_span *file, struct wh_span *text);
bool wh_crash_is_kernel(const struct wh_crash_machine *);
/* Names a type anew, with its state. */
void wh_crash_begin(struct wh_crash_machine *, const char *type);
/* "use-of-uninitialized-value " as types are written: "Use-of-uninitialized-value"; space: what becomes a dash. */
void wh_crash_set_type_capitalised(struct wh_crash_machine *, const char *before, struct wh_span name, const char *space,
				   bool lower);
void wh_crash_set_address(struct wh_crash_machine *, struct wh_span hex);
void wh_crash_set_state(struct wh_crash_machine *, struct wh_span, const char *end);
/* The condition of a failed check, without the values that it was given, and where it is. */
void wh_crash_set_check(struct wh_crash_machine *, struct wh_span text, struct wh_span file);

/* The messages of one kind of program each; a line that has none changes nothing. */
void wh_crash_security_check(struct wh_crash_machine *, struct wh_span line, const char *what, const char *type);
void wh_crash_check(struct wh_crash_machine *, struct wh_span line);     /* Chrome's, where nothing has named the crash yet */
void wh_crash_v8(struct wh_crash_machine *, struct wh_span line);        /* likewise */
void wh_crash_v8_detail(struct wh_crash_machine *, struct wh_span line); /* what follows `# Fatal error in` */
void wh_crash_android(struct wh_crash_machine *, struct wh_span line);
void wh_crash_kernel(struct wh_crash_machine *, struct wh_span line);

#endif
