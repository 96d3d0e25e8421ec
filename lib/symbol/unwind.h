/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one unwinder: core dumps, minidumps and samples of a profiler bring registers, memory and what they know of modules, and get
 * frames with the trust that each deserves. From a frame to its caller, what comes first and gives something that can be:
 *
 *   1 cfi            call frame information, through the callback `cfi`: of an ELF file (wh_module_step) or of a .sym file
 *   2 signal         the trampoline that a signal handler returns to, known by its instructions (where the vdso has no CFI for it)
 *   3 frame_pointer  the saved frame pointer and, above it, a return address
 *   4 scan           the nearest word of the stack that points behind a call instruction in code
 *
 * Hostile input is expected: the stack pointer grows from frame to frame (a signal's alternate stack apart, once), frames are counted,
 * and the work for one frame is bounded.
 */
#ifndef WHORL_SYMBOL_UNWIND_H
#define WHORL_SYMBOL_UNWIND_H

#include <whorl/error.h>

#include "symbol/machine.h"

enum wh_trust {
	WH_TRUST_CONTEXT,       /* registers as the thread had them */
	WH_TRUST_CFI,
	WH_TRUST_FRAME_POINTER,
	WH_TRUST_SCAN,          /* a guess: the frame is `unreliable` */
};

/* "context", "cfi", "frame_pointer", "scan": `trust` of a neutral frame. Static. */
const char *wh_trust_name(enum wh_trust);

enum wh_step {
	WH_STEP_UNKNOWN, /* nothing is known of this address: ask somebody else */
	WH_STEP_CALLER,  /* *caller is filled in */
	WH_STEP_LAST,    /* there is no caller: the thread began here */
};

struct wh_unwinder;

/* One step by call frame information. pc: what to look up (inside of the call instruction where the frame called somebody). Sets of
 * *caller at least pc and sp, which begins with nothing known. *signal: the frame is one that the kernel made for a signal handler:
 * the caller did not call, it was interrupted. */
typedef enum wh_step wh_cfi_fn(const struct wh_unwinder *, uint64_t pc, const struct wh_registers *, struct wh_registers *caller, bool *signal);

struct wh_unwinder {
	enum wh_machine machine;
	/* Copies up to n bytes from address on; returns how many are known there, 0: none. */
	size_t (*read)(void *user, uint64_t address, void *to, size_t n);
	/* Whether code is mapped there. */
	bool (*is_code)(void *user, uint64_t address);
	wh_cfi_fn *cfi; /* NULL: none */
	void *user;
	size_t most; /* frames; 0: WH_UNWIND_MOST */
	bool no_scan; /* leave out the guesses */
	/* Code may be missing (a minidump without its modules): where none can be read, an address in it is taken for one behind a call. */
	bool blind;
	bool no_frame_pointer; /* whatever is in that register, it is no chain of frames (Windows on x86-64) */
};

#define WH_UNWIND_MOST 16384

/* A frame, innermost first. */
struct wh_unwound {
	uint64_t pc;     /* where it goes on */
	uint64_t lookup; /* pc, or inside of the call before it: what function and line are to be looked up by */
	enum wh_trust trust;
	bool signal;     /* made by the kernel for a signal handler: `<signal handler called>` */
	int number;      /* of that signal; 0: not known */
	struct wh_registers registers;
};

/* Another result than WH_OK ends the walk and is its result. */
typedef int wh_unwound_fn(void *user, const struct wh_unwound *, struct wh_err *);

enum wh_unwind_end {
	WH_UNWIND_COMPLETE, /* the outermost frame was reached */
	WH_UNWIND_LOST,     /* nothing is known of the last frame's caller */
	WH_UNWIND_TOO_MANY, /* frames */
};

/* Walks the stack from these registers on. *end (may be NULL) says why it ended. Only what `each` fails with is an error. */
int wh_unwind(const struct wh_unwinder *, const struct wh_registers *, wh_unwound_fn *each, void *user, enum wh_unwind_end *end,
	      struct wh_err *) WH_NODISCARD;

/* An unsigned word of `width` bytes (1, 2, 4, 8; little-endian) at address; false where not all of it is known. */
bool wh_unwind_word(const struct wh_unwinder *, uint64_t address, unsigned width, uint64_t *value);

#endif
