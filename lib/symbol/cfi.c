/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step by call frame information: libdw finds and reads the rules (DWARF 5 §6.4), we evaluate them, so that every read of memory
 * is ours and bounded.
 */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/exidx.h"
#include "symbol/opened.h"

enum {
	STACK = 64,   /* of an expression */
	STEPS = 128,  /* of an expression: they may loop */
};

struct evaluation {
	const struct wh_unwinder *u;
	const struct wh_machine_facts *m;
	const struct wh_registers *registers;
	uint64_t bias; /* from addresses in the file to those of the process */
	uint64_t cfa;
	bool has_cfa;
	uint64_t stack[STACK];
	unsigned n;
	bool value; /* the result is the value itself, not where it lies */
};

static bool push(struct evaluation *e, uint64_t value)
{
	if (e->n == STACK)
		return false;
	e->stack[e->n++] = e->m->width == 4 ? (uint32_t)value : value;
	return true;
}

static bool push_register(struct evaluation *e, uint64_t number, uint64_t offset)
{
	return number < WH_REGISTERS && wh_register_known(e->registers, (unsigned)number) &&
	       push(e, e->registers->value[number] + offset);
}

/* Addresses of a 32-bit machine are kept without sign; comparisons and shifts of them are made with it. */
static int64_t with_sign(const struct evaluation *e, uint64_t value)
{
	return e->m->width == 4 ? (int32_t)value : (int64_t)value;
}

static bool shift(struct evaluation *e, uint8_t atom, uint64_t value, uint64_t by)
{
	if (by >= 64)
		return push(e, atom == DW_OP_shra && with_sign(e, value) < 0 ? UINT64_MAX : 0);
	return push(e, atom == DW_OP_shl ? value << by : atom == DW_OP_shr ? value >> by : (uint64_t)(with_sign(e, value) >> by));
}

/* Operations on the two topmost values. */
static bool binary(struct evaluation *e, uint8_t atom)
{
	if (e->n < 2)
		return false;
	uint64_t b = e->stack[--e->n], a = e->stack[--e->n];
	int64_t x = with_sign(e, a), y = with_sign(e, b);
	switch (atom) {
	case DW_OP_and: return push(e, a & b);
	case DW_OP_or: return push(e, a | b);
	case DW_OP_xor: return push(e, a ^ b);
	case DW_OP_plus: return push(e, a + b);
	case DW_OP_minus: return push(e, a - b);
	case DW_OP_mul: return push(e, a * b);
	case DW_OP_div: return y && !(x == INT64_MIN && y == -1) && push(e, (uint64_t)(x / y));
	case DW_OP_mod: return b && push(e, a % b);
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra: return shift(e, atom, a, b);
	case DW_OP_eq: return push(e, x == y);
	case DW_OP_ne: return push(e, x != y);
	case DW_OP_lt: return push(e, x < y);
	case DW_OP_le: return push(e, x <= y);
	case DW_OP_gt: return push(e, x > y);
	case DW_OP_ge: return push(e, x >= y);
	default: return false;
	}
}

static bool unary(struct evaluation *e, const Dwarf_Op *op)
{
	uint64_t value;
	if (!e->n)
		return false;
	uint64_t a = e->stack[--e->n];
	switch (op->atom) {
	case DW_OP_deref: return wh_unwind_word(e->u, a, e->m->width, &value) && push(e, value);
	case DW_OP_deref_size: return op->number >= 1 && op->number <= 8 && wh_unwind_word(e->u, a, (unsigned)op->number, &value) && push(e, value);
	case DW_OP_plus_uconst: return push(e, a + op->number);
	case DW_OP_not: return push(e, ~a);
	case DW_OP_neg: return push(e, 0 - a);
	case DW_OP_abs: return push(e, with_sign(e, a) < 0 ? 0 - a : a);
	default: return false;
	}
}

/* Operations that move values about. */
static bool arrange(struct evaluation *e, const Dwarf_Op *op)
{
	uint64_t *s = e->stack, kept;
	unsigned n = e->n;
	switch (op->atom) {
	case DW_OP_dup: return n && push(e, s[n - 1]);
	case DW_OP_drop: return n && (e->n--, true);
	case DW_OP_over: return n > 1 && push(e, s[n - 2]);
	case DW_OP_pick: return op->number < n && push(e, s[n - 1 - op->number]);
	case DW_OP_swap:
		if (n < 2)
			return false;
		kept = s[n - 1];
		s[n - 1] = s[n - 2];
		s[n - 2] = kept;
		return true;
	case DW_OP_rot:
		if (n < 3)
			return false;
		kept = s[n - 1];
		s[n - 1] = s[n - 2];
		s[n - 2] = s[n - 3];
		s[n - 3] = kept;
		return true;
	default: return false;
	}
}

static bool operate(struct evaluation *e, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return push(e, op->atom - DW_OP_lit0);
	if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31) {
		e->value = true;
		return push_register(e, op->atom - DW_OP_reg0, 0);
	}
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return push_register(e, op->atom - DW_OP_breg0, op->number);
	switch (op->atom) {
	case DW_OP_regx:
		e->value = true;
		return push_register(e, op->number, 0);
	case DW_OP_bregx: return push_register(e, op->number, op->number2);
	case DW_OP_addr: return push(e, op->number + e->bias);
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts: return push(e, op->number);
	case DW_OP_call_frame_cfa: return e->has_cfa && push(e, e->cfa);
	case DW_OP_stack_value:
		e->value = true;
		return true;
	case DW_OP_nop: return true;
	case DW_OP_deref:
	case DW_OP_deref_size:
	case DW_OP_plus_uconst:
	case DW_OP_not:
	case DW_OP_neg:
	case DW_OP_abs: return unary(e, op);
	case DW_OP_dup:
	case DW_OP_drop:
	case DW_OP_over:
	case DW_OP_pick:
	case DW_OP_swap:
	case DW_OP_rot: return arrange(e, op);
	default: return binary(e, op->atom);
	}
}

/* Where a jump from the operation at `from` goes: the number of the operation that begins there; n: the end. False: nowhere. */
static bool jump(const Dwarf_Op *ops, size_t n, size_t from, size_t *to)
{
	/* both are three bytes long, and count from their end */
	uint64_t target = ops[from].offset + 3 + (uint64_t)(int64_t)(int16_t)ops[from].number;
	for (*to = 0; *to < n; ++*to)
		if (ops[*to].offset == target)
			return true;
	return target > ops[n - 1].offset;
}

static bool evaluate(struct evaluation *e, const Dwarf_Op *ops, size_t n, uint64_t *result)
{
	e->n = 0;
	e->value = false;
	size_t at = 0;
	for (unsigned steps = 0; at < n; steps++) {
		const Dwarf_Op *op = &ops[at];
		if (steps == STEPS)
			return false;
		if (op->atom == DW_OP_skip || op->atom == DW_OP_bra) {
			if (op->atom == DW_OP_bra && (!e->n || !e->stack[--e->n])) {
				at++;
				continue;
			}
			if (!jump(ops, n, at, &at))
				return false;
			continue;
		}
		if (!operate(e, op))
			return false;
		at++;
	}
	if (!e->n)
		return false;
	*result = e->stack[e->n - 1];
	return true;
}

/* ---- rules of a frame ---- */

enum rule { RULE_FAILED, RULE_UNDEFINED, RULE_SET };

static enum rule caller_register(struct evaluation *e, Dwarf_Frame *frame, unsigned number, struct wh_registers *caller)
{
	Dwarf_Op memory[3], *ops;
	size_t n;
	uint64_t value;
	if (dwarf_frame_register(frame, (int)number, memory, &ops, &n))
		return RULE_FAILED;
	if (!n && ops)
		return RULE_UNDEFINED;
	if (!n) {
		if (!wh_register_known(e->registers, number))
			return RULE_FAILED;
		wh_register_set(caller, number, e->registers->value[number]);
		return RULE_SET;
	}
	if (!evaluate(e, ops, n, &value) || (!e->value && !wh_unwind_word(e->u, value, e->m->width, &value)))
		return RULE_FAILED;
	wh_register_set(caller, number, value);
	return RULE_SET;
}

static enum wh_step step_by(struct evaluation *e, Dwarf_Frame *frame, struct wh_registers *caller, bool *signal)
{
	const struct wh_machine_facts *m = e->m;
	Dwarf_Addr start, end;
	Dwarf_Op *ops;
	size_t n;
	int back = dwarf_frame_info(frame, &start, &end, signal);
	if (back < 0 || dwarf_frame_cfa(frame, &ops, &n) || !n || !evaluate(e, ops, n, &e->cfa))
		return WH_STEP_UNKNOWN;
	e->has_cfa = true;
	enum rule of_back = RULE_FAILED;
	for (unsigned i = 0; i < m->registers; i++) {
		enum rule rule = caller_register(e, frame, i, caller);
		if ((int)i == back)
			of_back = rule;
	}
	if (of_back == RULE_UNDEFINED)
		return WH_STEP_LAST;
	if (of_back != RULE_SET)
		return WH_STEP_UNKNOWN;
	if ((unsigned)back != m->pc && !(*signal && wh_register_known(caller, m->pc)))
		wh_register_set(caller, m->pc, caller->value[back]);
	if (!wh_register_known(caller, m->sp) || caller->value[m->sp] == e->registers->value[m->sp])
		wh_register_set(caller, m->sp, e->cfa); /* what the CFA is by definition, unless a rule says otherwise */
	return WH_STEP_CALLER;
}

/* ---- finding the rules ---- */

static Dwarf_Frame *look_up(struct wh_module *module, uint64_t pc)
{
	Dwarf_Frame *frame = NULL;
	if (!module->cfi_tried) {
		module->cfi_tried = true;
		module->eh_frame = module->main.elf ? dwarf_getcfi_elf(module->main.elf) : NULL;
	}
	if (module->eh_frame && !dwarf_cfi_addrframe(module->eh_frame, pc, &frame))
		return frame;
	Dwarf *dwarf = wh_module_dwarf(module);
	Dwarf_CFI *cfi = dwarf ? dwarf_getcfi(dwarf) : NULL; /* belongs to dwarf */
	return cfi && !dwarf_cfi_addrframe(cfi, pc, &frame) ? frame : NULL;
}

/* The rules at pc: recursion asks for the same ones again and again. */
static Dwarf_Frame *rules_at(struct wh_module *module, uint64_t pc)
{
	size_t at = (size_t)((pc ^ pc >> 7) % WH_KEPT_FRAMES);
	if (module->kept[at].frame && module->kept[at].pc == pc)
		return module->kept[at].frame;
	Dwarf_Frame *frame = look_up(module, pc);
	if (!frame)
		return NULL;
	free(module->kept[at].frame);
	module->kept[at].frame = frame;
	module->kept[at].pc = pc;
	return frame;
}

enum wh_step wh_module_step(struct wh_module *module, uint64_t base, const struct wh_unwinder *u, uint64_t pc,
			    const struct wh_registers *registers, struct wh_registers *caller, bool *signal)
{
	enum wh_machine machine = wh_elf_machine(module->main.elf ? &module->main : &module->debug);
	if (machine != u->machine || pc < base)
		return WH_STEP_UNKNOWN;
	struct evaluation e = { .u = u, .m = wh_machine_facts(machine), .registers = registers, .bias = base - module->first };
	pthread_mutex_lock(&module->lock);
	Dwarf_Frame *frame = rules_at(module, pc - e.bias);
	enum wh_step step = frame ? step_by(&e, frame, caller, signal) : WH_STEP_UNKNOWN;
	pthread_mutex_unlock(&module->lock);
	if (step == WH_STEP_UNKNOWN && machine == WH_MACHINE_ARM && module->main.elf) {
		*signal = false;
		*caller = (struct wh_registers){ 0 };
		step = wh_exidx_step(&module->main, e.bias, u, pc, registers, caller);
	}
	return step;
}
