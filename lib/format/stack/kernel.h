/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the reader of kernel logs: titles of reports, frames. */
#ifndef WHORL_FORMAT_STACK_KERNEL_H
#define WHORL_FORMAT_STACK_KERNEL_H

#include "format/scan.h"
#include "format/stack/log_prefix.h"
#include "observation/stack.h"

enum wh_kernel_kind {
	WH_KERNEL_PLAIN,   /* a report of its own */
	WH_KERNEL_LOCKDEP, /* its crash stack comes after `stack backtrace:` */
	WH_KERNEL_KASAN,   /* `Read of size` or `Write of size` says more */
	WH_KERNEL_UBSAN,   /* the next line may say more */
	WH_KERNEL_WEAK,    /* goes on with a report, or begins one where there is none */
	WH_KERNEL_PANIC,   /* the same, and what follows is the panic's own stack */
};

struct wh_kernel_title {
	enum wh_kernel_kind kind;
	struct wh_span reason; /* in a normal form; points to a constant or into the line */
};

/* Whether a stripped line begins a report, and what it says. */
bool wh_kernel_title(struct wh_span line, struct wh_kernel_title *title);

/* A line of a stack, in the styles of x86, ARM, PowerPC, s390, MIPS, RISC-V; symbolised or not. */
struct wh_kernel_frame {
	struct wh_span function, module, build_id, file;
	uint64_t address, offset;
	uint32_t line;
	bool has_address, has_offset;
	bool unreliable, inlined;
	bool sized; /* `f+0x12/0x34`: nothing else looks like it */
	/* ARM's `[<…>] (f) from [<…>] (g+0x…/0x…)`: f is called from this frame */
	struct wh_span callee;
	uint64_t callee_address;
	bool has_callee_address;
};

/* Reads a stripped line, blanks trimmed, as a frame as a whole; false where it is none. */
bool wh_kernel_frame(struct wh_span line, struct wh_kernel_frame *frame);

/* The place where the processor was (`RIP: 0010:f+0x…`, `pc : f+…`, `NIP [c0…] f+…`, `EIP is at f+…`, …): true where line is one;
 * frame->function and address are empty where it was not in the kernel (*user). */
bool wh_kernel_place(struct wh_span line, struct wh_kernel_frame *frame, bool *user);

/* Takes `<IRQ>`, `</TASK>`, `<EOI>`… off the front of s, into *marker; *boundary: interrupted code comes next. */
bool wh_kernel_marker(struct wh_span *s, struct wh_span *marker, bool *boundary);

#endif
