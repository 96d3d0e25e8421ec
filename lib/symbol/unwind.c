/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/unwind.h"

#include <string.h>

enum {
	SCAN_WORDS = 512,     /* of the stack that a guess looks at */
	BLIND_WORDS = 40,     /* the same where code cannot be read; what Breakpad's stackwalker.h found to be enough */
	BLIND_FIRST = 160,    /* of the thread's own frame, which may not have begun properly */
	FRAME_MOST = 1 << 20, /* bytes between two frame pointers, beyond which they are none */
	GUESSES = 1024,       /* frames of one stack that are found so: each costs a search */
	SWITCHES = 16,        /* times that the stack may shrink: from a signal's alternate stack back */
};

struct walk {
	const struct wh_unwinder *u;
	const struct wh_machine_facts *m;
	struct wh_registers now;
	uint64_t lookup;
	bool context; /* these are the registers that the thread had, or that a signal interrupted */
	bool chained; /* found by the frame pointer, with no guess before */
	bool guessed; /* some frame was */
	unsigned switches, guesses;
};

const char *wh_trust_name(enum wh_trust trust)
{
	static const char *const names[] = { "context", "cfi", "frame_pointer", "scan" };
	return names[trust];
}

bool wh_unwind_word(const struct wh_unwinder *u, uint64_t address, unsigned width, uint64_t *value)
{
	uint8_t bytes[8];
	if (width > sizeof bytes || u->read(u->user, address, bytes, width) != width)
		return false;
	*value = 0;
	for (unsigned i = width; i-- > 0;)
		*value = *value << 8 | bytes[i];
	return true;
}

static bool word(const struct walk *w, uint64_t address, uint64_t *value)
{
	return wh_unwind_word(w->u, address, w->m->width, value);
}

/* Whether code that one would return to is there; *seen: it could be read, and ends a call. */
static bool may_return(const struct walk *w, uint64_t value, bool *seen)
{
	uint8_t code[8];
	uint64_t address = wh_machine_address(w->u->machine, value);
	*seen = false;
	if (address < 4096 || (w->m->align > 1 && address & (w->m->align - 1u)) || !w->u->is_code(w->u->user, address))
		return false;
	for (size_t n = sizeof code; n >= 2; n -= 2) /* fewer where the mapping begins */
		if (w->u->read(w->u->user, address - n, code, n) == n)
			return *seen = wh_machine_call_ends(w->u->machine, code, n, w->u->machine == WH_MACHINE_ARM && value & 1);
	return w->u->blind;
}

/* A value from the stack that one would return to: it is in code, behind a call. */
static bool is_return_address(const struct walk *w, uint64_t value)
{
	bool seen;
	return may_return(w, value, &seen);
}

/* ---- signal trampolines ---- */

/*
 * Where a handler returns to: the code that asks the kernel to put the interrupted registers back, and where these lie: at sp + offset,
 * or, indirect, at the pointer there + beyond. Linux: arch/x86/kernel/signal*.c and include/asm/sigframe.h, arch/arm64/kernel/signal.c,
 * arch/arm/kernel/signal.c and sigreturn_codes.S; the order of registers is that of struct sigcontext.
 */
static const struct trampoline {
	enum wh_machine machine;
	uint8_t size;
	uint8_t code[9];
	uint16_t offset, beyond;
	bool indirect;
	int16_t number; /* where the signal's number is, from sp on: by itself on x86, else in struct siginfo; -1: not there */
} trampolines[] = {
	{ WH_MACHINE_X86_64, 9, { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 }, 40, 0, false, 304 },
	{ WH_MACHINE_X86, 7, { 0xb8, 0xad, 0, 0, 0, 0xcd, 0x80 }, 8, 20, true, 0 },
	{ WH_MACHINE_X86, 8, { 0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80 }, 4, 0, false, 0 },
	{ WH_MACHINE_ARM64, 8, { 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4 }, 312, 0, false, 0 },
	{ WH_MACHINE_ARM, 4, { 0xad, 0x70, 0xa0, 0xe3 }, 160, 0, false, 0 },
	{ WH_MACHINE_ARM, 4, { 0x77, 0x70, 0xa0, 0xe3 }, 32, 0, false, -1 },
	{ WH_MACHINE_ARM, 4, { 0xad, 0x27, 0x00, 0xdf }, 160, 0, false, 0 },
	{ WH_MACHINE_ARM, 4, { 0x77, 0x27, 0x00, 0xdf }, 32, 0, false, -1 },
};

/* The registers in the order of struct sigcontext; WH_NO_REGISTER: not one of ours. */
static const uint8_t order_x86_64[] = { 8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16 };
static const uint8_t order_x86[] = { 255, 255, 255, 255, 7, 6, 5, 4, 3, 2, 1, 0, 255, 255, 8 };

static bool restore_context(const struct walk *w, uint64_t address, struct wh_registers *caller)
{
	const uint8_t *order = w->u->machine == WH_MACHINE_X86_64 ? order_x86_64 : w->u->machine == WH_MACHINE_X86 ? order_x86 : NULL;
	size_t n = order == order_x86_64 ? sizeof order_x86_64 : order ? sizeof order_x86 : w->m->registers;
	uint64_t value;
	for (size_t i = 0; i < n; i++)
		if (word(w, address + i * w->m->width, &value))
			wh_register_set(caller, order ? order[i] : (unsigned)i, value);
	return wh_register_known(caller, w->m->pc) && wh_register_known(caller, w->m->sp);
}

/* The signal's number, 0: not known. The kernel fills in siginfo only for handlers that want it (SA_SIGINFO). */
static int signal_number(const struct walk *w, const struct trampoline *t)
{
	uint64_t at = w->now.value[w->m->sp] + (uint64_t)t->number, number, error, code;
	if (t->number < 0 || !wh_unwind_word(w->u, at, 4, &number) || number >= 128)
		return 0;
	if (t->machine != WH_MACHINE_X86 && (!wh_unwind_word(w->u, at + 4, 4, &error) || error || !wh_unwind_word(w->u, at + 8, 4, &code) ||
					     (int32_t)code < -8 || (int32_t)code > 128))
		return 0;
	return (int)number;
}

/* *number: of the signal; 0: not known. */
static bool signal_step(const struct walk *w, struct wh_registers *caller, int *number)
{
	uint8_t code[9];
	uint64_t at = w->now.value[w->m->sp];
	size_t n = wh_register_known(&w->now, w->m->sp) ? w->u->read(w->u->user, w->now.value[w->m->pc], code, sizeof code) : 0;
	for (size_t i = 0; i < sizeof trampolines / sizeof *trampolines; i++) {
		const struct trampoline *t = &trampolines[i];
		if (t->machine != w->u->machine || t->size > n || memcmp(t->code, code, t->size) != 0)
			continue;
		*number = signal_number(w, t);
		at += t->offset;
		if (t->indirect && !word(w, at, &at))
			return false;
		return restore_context(w, at + t->beyond, caller);
	}
	return false;
}

/* ---- frame pointers ---- */

/* The saved frame pointer at `saved` and the return address at `back` give a caller whose stack begins at `sp`. */
static bool try_frame(const struct walk *w, uint64_t saved, uint64_t back, uint64_t sp, struct wh_registers *caller)
{
	uint64_t pc, fp;
	if (!word(w, back, &pc) || !is_return_address(w, pc) || !word(w, saved, &fp))
		return false;
	wh_register_set(caller, w->m->pc, wh_machine_address(w->u->machine, pc));
	wh_register_set(caller, w->m->sp, sp);
	wh_register_set(caller, w->m->fp, fp);
	return true;
}

static bool frame_pointer_step(const struct walk *w, struct wh_registers *caller)
{
	const struct wh_machine_facts *m = w->m;
	if (w->u->no_frame_pointer || !wh_register_known(&w->now, m->fp) || !wh_register_known(&w->now, m->sp))
		return false;
	uint64_t fp = w->now.value[m->fp], sp = w->now.value[m->sp], width = m->width;
	if (fp < sp || fp - sp > FRAME_MOST || fp % width)
		return false;
	if (try_frame(w, fp, fp + width, fp + 2 * width, caller))
		return true;
	/* gcc on arm: fp points to the return address, the saved one is below */
	return w->u->machine == WH_MACHINE_ARM && fp > sp && try_frame(w, fp - width, fp, fp + width, caller);
}

/* Whether this frame, found by the frame pointer, is the outermost: by the ABIs of all these machines the pointer is 0 there, or what
 * it points to is. */
static bool chain_ends(const struct walk *w)
{
	uint64_t fp = wh_register_known(&w->now, w->m->fp) ? w->now.value[w->m->fp] : 1, saved;
	return !fp || (fp % w->m->width == 0 && word(w, fp, &saved) && !saved);
}

/* ---- where nothing else helps ---- */

/* A call that went wrong: what was called has not touched the stack yet. */
static bool wild_step(const struct walk *w, struct wh_registers *caller)
{
	const struct wh_machine_facts *m = w->m;
	uint64_t pc, sp = w->now.value[m->sp];
	if (!w->context || !wh_register_known(&w->now, m->sp) || w->u->is_code(w->u->user, w->now.value[m->pc]))
		return false;
	if (m->link == WH_NO_REGISTER ? !word(w, sp, &pc) : !wh_register_known(&w->now, m->link))
		return false;
	if (m->link != WH_NO_REGISTER)
		pc = w->now.value[m->link];
	if (!is_return_address(w, pc))
		return false;
	*caller = w->now;
	wh_register_set(caller, m->pc, wh_machine_address(w->u->machine, pc));
	wh_register_set(caller, m->sp, m->link == WH_NO_REGISTER ? sp + m->width : sp);
	return true;
}

static bool scan_step(const struct walk *w, struct wh_registers *caller)
{
	const struct wh_machine_facts *m = w->m;
	uint64_t width = m->width, pc, fp;
	if (w->u->no_scan || !wh_register_known(&w->now, m->sp))
		return false;
	uint64_t at = w->now.value[m->sp] & ~(width - 1);
	bool seen;
	for (unsigned i = 0; i < SCAN_WORDS; i++, at += width) {
		if (!word(w, at, &pc))
			return false;
		if (!may_return(w, pc, &seen) || (!seen && i >= (w->context ? BLIND_FIRST : BLIND_WORDS)))
			continue;
		wh_register_set(caller, m->pc, wh_machine_address(w->u->machine, pc));
		wh_register_set(caller, m->sp, at + width);
		/* the word below may be the frame pointer that the callee saved (in doubt only if it points there itself); else it has not
		 * been changed yet, perhaps */
		bool points = wh_register_known(&w->now, m->fp) && w->now.value[m->fp] == at - width;
		if ((seen || points) && word(w, at - width, &fp) && fp > at && fp - at < FRAME_MOST)
			wh_register_set(caller, m->fp, fp);
		else if (wh_register_known(&w->now, m->fp) && w->now.value[m->fp] > at)
			wh_register_set(caller, m->fp, w->now.value[m->fp]);
		return true;
	}
	return false;
}

/* ---- a frame's caller ---- */

/* Whether a caller makes sense: code to go on with, and a stack that grows. */
static bool plausible(struct walk *w, const struct wh_registers *caller, bool signal)
{
	const struct wh_machine_facts *m = w->m;
	if (!wh_register_known(caller, m->pc) || !wh_register_known(caller, m->sp))
		return false;
	uint64_t pc = caller->value[m->pc], sp = caller->value[m->sp];
	if (signal) /* what it interrupted may be anywhere, and on another stack */
		return w->switches++ < SWITCHES;
	if (!w->u->is_code(w->u->user, pc) || !wh_register_known(&w->now, m->sp) || sp < w->now.value[m->sp])
		return false;
	/* a leaf that left its return address in the register */
	return sp > w->now.value[m->sp] || (m->link != WH_NO_REGISTER && w->context && pc != w->now.value[m->pc]);
}

static enum wh_step step(struct walk *w, struct wh_registers *caller, enum wh_trust *trust, bool *signal, int *number)
{
	*signal = false;
	*number = 0;
	*caller = (struct wh_registers){ 0 };
	*trust = WH_TRUST_CONTEXT;
	if (signal_step(w, caller, number) && plausible(w, caller, true)) {
		*signal = true;
		return WH_STEP_CALLER;
	}
	*trust = WH_TRUST_CFI;
	*number = 0;
	*caller = (struct wh_registers){ 0 };
	enum wh_step known = w->u->cfi ? w->u->cfi(w->u, w->lookup, &w->now, caller, signal) : WH_STEP_UNKNOWN;
	if (known == WH_STEP_LAST)
		return known;
	if (known == WH_STEP_CALLER && wh_register_known(caller, w->m->pc) && !caller->value[w->m->pc] && !*signal)
		return WH_STEP_LAST; /* 0 is what programs put below their outermost frame */
	if (known == WH_STEP_CALLER && plausible(w, caller, *signal))
		return known;
	*signal = false;
	*trust = WH_TRUST_FRAME_POINTER;
	*caller = (struct wh_registers){ 0 };
	if (wild_step(w, caller) || (frame_pointer_step(w, caller) && plausible(w, caller, false)))
		return WH_STEP_CALLER;
	if (w->chained && chain_ends(w))
		return WH_STEP_LAST;
	*trust = WH_TRUST_SCAN;
	*caller = (struct wh_registers){ 0 };
	return w->guesses++ < GUESSES && scan_step(w, caller) && plausible(w, caller, false) ? WH_STEP_CALLER : WH_STEP_UNKNOWN;
}

int wh_unwind(const struct wh_unwinder *u, const struct wh_registers *registers, wh_unwound_fn *each, void *user, enum wh_unwind_end *end,
	      struct wh_err *err)
{
	struct walk w = { .u = u, .m = wh_machine_facts(u->machine), .now = *registers, .context = true };
	enum wh_unwind_end unused;
	size_t most = u->most ? u->most : WH_UNWIND_MOST;
	enum wh_trust trust = WH_TRUST_CONTEXT;
	end = end ? end : &unused;
	*end = WH_UNWIND_LOST;
	if (!wh_register_known(registers, w.m->pc))
		return WH_OK;
	w.now.value[w.m->pc] = wh_machine_address(u->machine, w.now.value[w.m->pc]);
	w.lookup = w.now.value[w.m->pc];
	*end = WH_UNWIND_TOO_MANY;
	for (size_t i = 0; i < most; i++) {
		struct wh_registers caller;
		enum wh_trust next;
		bool signal;
		int number;
		enum wh_step known = step(&w, &caller, &next, &signal, &number);
		struct wh_unwound frame = { w.now.value[w.m->pc], signal ? w.now.value[w.m->pc] : w.lookup, trust, signal, number, w.now };
		WH_TRY(each(user, &frame, err));
		if (known != WH_STEP_CALLER) {
			*end = known == WH_STEP_LAST ? WH_UNWIND_COMPLETE : WH_UNWIND_LOST;
			return WH_OK;
		}
		uint64_t pc = wh_machine_address(u->machine, caller.value[w.m->pc]);
		caller.value[w.m->pc] = pc;
		w.context = signal;
		w.guessed |= next == WH_TRUST_SCAN;
		w.chained = next == WH_TRUST_FRAME_POINTER && !w.guessed;
		/* a return address is behind its call, which may be the last instruction of its function */
		w.lookup = signal || !pc ? pc : pc - 1;
		w.now = caller;
		trust = next;
	}
	return WH_OK;
}
