/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a frame to its caller by what a Breakpad symbol file says: STACK CFI, rules for registers at each address; STACK WIN, programs
 * over variables, or only sizes, for 32-bit Windows. Both are postfix expressions (google/breakpad: docs/symbol_files.md,
 * src/processor/postfix_evaluator.h; how STACK WIN is used: src/processor/stackwalker_x86.cc).
 */
#include "symbol/breakpad_index.h"

enum {
	DEPTH = 32,          /* of an expression's stack */
	VARIABLES = 32,      /* of a program */
	RULES_LONGEST = 4096, /* bytes of a line of rules */
	ALIGNED = 3,         /* words that a return address may be further up for alignment's sake */
};

/* Names of registers in the order of DWARF's numbers; with or without a `$`. */
static const char *const names_x86_64[] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
					    "r14", "r15", "rip" };
static const char *const names_x86[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip" };
static const char *const names_arm[] = { "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc" };
static const struct {
	enum wh_machine machine;
	const char *name;
	uint8_t number;
} other_names[] = {
	{ WH_MACHINE_ARM, "fp", 11 }, { WH_MACHINE_ARM, "r13", 13 },   { WH_MACHINE_ARM, "r14", 14 },  { WH_MACHINE_ARM, "r15", 15 },
	{ WH_MACHINE_ARM64, "fp", 29 }, { WH_MACHINE_ARM64, "lr", 30 }, { WH_MACHINE_ARM64, "sp", 31 }, { WH_MACHINE_ARM64, "pc", 32 },
};

enum { CFA = WH_REGISTERS, RETURN, COLUMNS };

/* The column of a register, or COLUMNS. */
static unsigned column_of(enum wh_machine machine, struct breakpad_span name)
{
	const char *const *names = machine == WH_MACHINE_X86_64 ? names_x86_64 :
				   machine == WH_MACHINE_X86	? names_x86 :
				   machine == WH_MACHINE_ARM	? names_arm :
								  NULL;
	unsigned n = names ? wh_machine_facts(machine)->registers : 0;
	if (breakpad_is(name, ".cfa"))
		return CFA;
	if (breakpad_is(name, ".ra"))
		return RETURN;
	breakpad_skip(&name, "$");
	for (unsigned i = 0; i < n; i++)
		if (breakpad_is(name, names[i]))
			return i;
	if (machine == WH_MACHINE_ARM64 && breakpad_skip(&name, "x")) {
		uint32_t number;
		return breakpad_decimal(&name, &number) && number <= 30 ? number : COLUMNS;
	}
	for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
		if (other_names[i].machine == machine && breakpad_is(name, other_names[i].name))
			return other_names[i].number;
	return COLUMNS;
}

/* ---- expressions ---- */

struct stack {
	uint64_t value[DEPTH];
	size_t n;
};

static bool push(struct stack *stack, uint64_t value)
{
	if (stack->n == DEPTH)
		return false;
	stack->value[stack->n++] = value;
	return true;
}

/* A decimal number, perhaps negative. */
static bool number_of(struct breakpad_span word, uint64_t *value)
{
	bool negative = breakpad_skip(&word, "-");
	*value = 0;
	if (word.p == word.end || word.end - word.p > 20)
		return false;
	for (const char *p = word.p; p < word.end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		*value = *value * 10 + (uint64_t)(*p - '0');
	}
	if (negative)
		*value = -*value;
	return true;
}

/* + - * / % @ (aligned down to): takes two values, leaves one. */
static bool operate(struct stack *stack, char operator)
{
	if (stack->n < 2)
		return false;
	uint64_t right = stack->value[--stack->n], *left = &stack->value[stack->n - 1];
	switch (operator) {
	case '+':
		*left += right;
		return true;
	case '-':
		*left -= right;
		return true;
	case '*':
		*left *= right;
		return true;
	case '/':
		if (right)
			*left /= right;
		return right;
	case '%':
		if (right)
			*left %= right;
		return right;
	default:
		if (right)
			*left &= ~(right - 1);
		return right && !(right & (right - 1));
	}
}

static bool is_operator(struct breakpad_span word)
{
	return word.end - word.p == 1 && memchr("+-*/%@", *word.p, 6);
}

static bool load(const struct wh_unwinder *u, struct stack *stack)
{
	return stack->n && wh_unwind_word(u, stack->value[stack->n - 1], wh_machine_facts(u->machine)->width, &stack->value[stack->n - 1]);
}

/* ---- STACK CFI ---- */

struct rules {
	struct breakpad_span column[COLUMNS]; /* an expression each; empty: none */
};

/* `.cfa: $rsp 8 + .ra: .cfa 8 - ^`: later ones replace earlier ones. */
static void take_rules(enum wh_machine machine, struct breakpad_span line, struct rules *rules)
{
	unsigned column = COLUMNS;
	for (struct breakpad_span word = breakpad_word(&line); word.p < word.end; word = breakpad_word(&line)) {
		if (word.end[-1] == ':') {
			word.end--;
			column = column_of(machine, word);
			if (column < COLUMNS)
				rules->column[column] = (struct breakpad_span){ line.p, line.p };
		} else if (column < COLUMNS) {
			rules->column[column].end = word.end;
		}
	}
}

static bool evaluate(const struct wh_unwinder *u, const struct wh_registers *registers, struct breakpad_span line, const uint64_t *cfa,
		     uint64_t *value)
{
	struct stack stack = { .n = 0 };
	for (struct breakpad_span word = breakpad_word(&line); word.p < word.end; word = breakpad_word(&line)) {
		uint64_t number;
		if (is_operator(word)) {
			if (!operate(&stack, *word.p))
				return false;
		} else if (breakpad_is(word, "^")) {
			if (!load(u, &stack))
				return false;
		} else if (number_of(word, &number)) {
			if (!push(&stack, number))
				return false;
		} else {
			unsigned column = column_of(u->machine, word);
			bool is_cfa = column == CFA && cfa, known = column < WH_REGISTERS && wh_register_known(registers, column);
			if ((!is_cfa && !known) || !push(&stack, is_cfa ? *cfa : registers->value[column]))
				return false; /* `.undef`, too */
		}
	}
	*value = wh_machine_facts(u->machine)->width == 4 ? (uint32_t)stack.value[0] : stack.value[0];
	return stack.n == 1;
}

static struct breakpad_span cut(struct breakpad_span line)
{
	if (line.end - line.p > RULES_LONGEST)
		line.end = line.p + RULES_LONGEST;
	return line;
}

/* The rules in force at an address: those of INIT, changed by each record up to it. */
static void collect_rules(const struct wh_breakpad *b, const struct breakpad_range *init, uint64_t offset, size_t *effort,
			  enum wh_machine machine, struct rules *rules)
{
	struct breakpad_span line = breakpad_line_at(b, init->at), rest = line;
	uint64_t address;
	breakpad_skip(&rest, "STACK CFI INIT ");
	breakpad_word(&rest);
	breakpad_word(&rest);
	take_rules(machine, cut(rest), rules);
	while (breakpad_next_line(b, &line)) {
		rest = line;
		if (!breakpad_afford(effort, (size_t)(line.end - line.p) + 1) || !breakpad_skip(&rest, "STACK CFI ") ||
		    !breakpad_hex(&rest, &address) || address > offset) /* INIT is no number */
			return;
		take_rules(machine, cut(rest), rules);
	}
}

static enum wh_step cfi_step(const struct wh_breakpad *b, const struct breakpad_range *init, uint64_t offset, size_t *effort,
			     const struct wh_unwinder *u, const struct wh_registers *registers, struct wh_registers *caller)
{
	const struct wh_machine_facts *facts = wh_machine_facts(u->machine);
	struct rules rules = { 0 };
	uint64_t cfa, value;
	collect_rules(b, init, offset, effort, u->machine, &rules);
	if (breakpad_is(rules.column[RETURN], ".undef"))
		return WH_STEP_LAST;
	if (!rules.column[CFA].p || !rules.column[RETURN].p || !evaluate(u, registers, rules.column[CFA], NULL, &cfa) ||
	    !evaluate(u, registers, rules.column[RETURN], &cfa, &value))
		return WH_STEP_UNKNOWN;
	for (unsigned i = 0; i < facts->registers; i++) /* what is not mentioned is as it was, if a call keeps it */
		if (!rules.column[i].p && facts->kept >> i & 1 && wh_register_known(registers, i))
			wh_register_set(caller, i, registers->value[i]);
	wh_register_set(caller, facts->sp, cfa);
	wh_register_set(caller, facts->pc, value);
	for (unsigned i = 0; i < facts->registers; i++)
		if (rules.column[i].p && i != facts->pc && evaluate(u, registers, rules.column[i], &cfa, &value))
			wh_register_set(caller, i, value);
	return WH_STEP_CALLER;
}

/* ---- STACK WIN ---- */

enum { EBX = 3, ESP = 4, EBP = 5, ESI = 6, EDI = 7, EIP = 8 };

/* rva code prologue epilogue parameters saved locals maximum has_program program|allocates_base_pointer */
struct frame_data {
	uint32_t parameters, saved, locals;
	bool has_program, allocates_base;
	struct breakpad_span program;
};

static bool read_frame_data(const struct wh_breakpad *b, const struct breakpad_range *range, struct frame_data *data)
{
	struct breakpad_span line = breakpad_line_at(b, range->at);
	uint64_t unused;
	uint32_t flag;
	breakpad_skip(&line, "STACK WIN ");
	for (int i = 0; i < 5; i++)
		if (!breakpad_hex(&line, &unused))
			return false;
	if (!breakpad_hex32(&line, &data->parameters) || !breakpad_hex32(&line, &data->saved) || !breakpad_hex32(&line, &data->locals) ||
	    !breakpad_hex(&line, &unused) || !breakpad_hex32(&line, &flag))
		return false;
	data->has_program = flag;
	data->program = cut(line);
	data->allocates_base = !flag && breakpad_hex(&line, &unused) && unused;
	return true;
}

struct variable {
	struct breakpad_span name;
	uint32_t value;
	bool set;
};

struct program {
	struct variable variables[VARIABLES];
	size_t n;
};

/* The variable of that name, new and not set if need be; NULL: there are too many. */
static struct variable *variable(struct program *program, struct breakpad_span name)
{
	for (size_t i = 0; i < program->n; i++)
		if ((program->variables[i].name.end - program->variables[i].name.p) == (name.end - name.p) &&
		    !memcmp(program->variables[i].name.p, name.p, (size_t)(name.end - name.p)))
			return &program->variables[i];
	if (program->n == VARIABLES)
		return NULL;
	program->variables[program->n] = (struct variable){ .name = name };
	return &program->variables[program->n++];
}

static void set_variable(struct program *program, const char *name, uint32_t value)
{
	struct variable *v = variable(program, (struct breakpad_span){ name, name + strlen(name) });
	if (v) {
		v->value = value;
		v->set = true;
	}
}

static bool get_variable(struct program *program, const char *name, uint64_t *value)
{
	struct variable *v = variable(program, (struct breakpad_span){ name, name + strlen(name) });
	*value = v ? v->value : 0;
	return v && v->set;
}

/* Values on the stack are numbers, or variables until somebody asks for their value. */
struct operand {
	struct variable *variable;
	bool undefined;
};

struct machine {
	const struct wh_unwinder *u;
	struct program *program;
	struct stack stack;
	struct operand operands[DEPTH];
};

/* The values of the topmost n operands take their places. */
static bool settle(struct machine *m, size_t n)
{
	if (m->stack.n < n)
		return false;
	for (size_t i = m->stack.n - n; i < m->stack.n; i++) {
		struct operand *operand = &m->operands[i];
		if (operand->undefined || (operand->variable && !operand->variable->set))
			return false;
		if (operand->variable)
			m->stack.value[i] = operand->variable->value;
		m->stack.value[i] = (uint32_t)m->stack.value[i];
		*operand = (struct operand){ 0 };
	}
	return true;
}

static bool push_operand(struct machine *m, uint64_t value, struct operand operand)
{
	if (!push(&m->stack, value))
		return false;
	m->operands[m->stack.n - 1] = operand;
	return true;
}

static bool assign(struct machine *m)
{
	if (m->stack.n < 2)
		return false;
	struct variable *to = m->operands[m->stack.n - 2].variable;
	bool undefined = m->operands[m->stack.n - 1].undefined;
	if (!to || (!undefined && !settle(m, 1)))
		return false;
	to->set = !undefined;
	to->value = undefined ? 0 : (uint32_t)m->stack.value[m->stack.n - 1];
	m->stack.n -= 2;
	return true;
}

static bool run_word(struct machine *m, struct breakpad_span word)
{
	uint64_t number;
	if (breakpad_skip(&word, "=")) /* some compilers leave no blank behind it */
		return assign(m) && (word.p == word.end || run_word(m, word));
	if (is_operator(word))
		return settle(m, 2) && operate(&m->stack, *word.p);
	if (breakpad_is(word, "^"))
		return settle(m, 1) && load(m->u, &m->stack);
	if (number_of(word, &number))
		return push_operand(m, number, (struct operand){ 0 });
	if (breakpad_is(word, ".undef"))
		return push_operand(m, 0, (struct operand){ .undefined = true });
	if (*word.p != '$' && *word.p != '.')
		return false;
	struct variable *v = variable(m->program, word);
	return v && push_operand(m, 0, (struct operand){ .variable = v });
}

static bool run(const struct wh_unwinder *u, struct program *program, struct breakpad_span line)
{
	struct machine m = { .u = u, .program = program };
	for (struct breakpad_span word = breakpad_word(&line); word.p < word.end; word = breakpad_word(&line))
		if (!run_word(&m, word))
			return false;
	return true;
}

static struct breakpad_span span(const char *text)
{
	return (struct breakpad_span){ text, text + strlen(text) };
}

/* Where the return address is: just above what the function has on the stack, or a little further where the stack was aligned. */
static uint32_t search_start(const struct wh_unwinder *u, uint32_t at)
{
	uint64_t word;
	for (uint32_t i = 0; i < ALIGNED; i++)
		if (wh_unwind_word(u, at + 4 * i, 4, &word) && word >= 4096 && u->is_code(u->user, word))
			return at + 4 * i;
	return at;
}

static enum wh_step win_step(const struct wh_breakpad *b, const struct breakpad_range *range, uint32_t called, uint32_t *parameters,
			     const struct wh_unwinder *u, const struct wh_registers *registers, struct wh_registers *caller)
{
	static const struct {
		const char *name;
		unsigned number;
	} outputs[] = { { "$eip", EIP }, { "$esp", ESP }, { "$ebp", EBP }, { "$ebx", EBX }, { "$esi", ESI }, { "$edi", EDI } };
	struct frame_data data = { 0 };
	struct program program = { .n = 0 };
	if (!read_frame_data(b, range, &data) || !wh_register_known(registers, ESP))
		return WH_STEP_UNKNOWN;
	*parameters = data.parameters;
	uint32_t start = search_start(u, (uint32_t)registers->value[ESP] + called + data.locals + data.saved);
	set_variable(&program, "$esp", (uint32_t)registers->value[ESP]);
	if (wh_register_known(registers, EBP))
		set_variable(&program, "$ebp", (uint32_t)registers->value[EBP]);
	if (wh_register_known(registers, EBX))
		set_variable(&program, "$ebx", (uint32_t)registers->value[EBX]);
	set_variable(&program, ".cbParams", data.parameters);
	set_variable(&program, ".cbCalleeParams", called);
	set_variable(&program, ".cbSavedRegs", data.saved);
	set_variable(&program, ".cbLocals", data.locals);
	set_variable(&program, ".raSearchStart", start);
	set_variable(&program, ".raSearch", start);
	struct breakpad_span text = data.has_program	  ? data.program :
				    data.allocates_base	  ? span("$eip .raSearchStart ^ = $ebp $esp .cbCalleeParams + .cbSavedRegs + 8 - ^ = "
								 "$esp .raSearchStart 4 + =") :
							    span("$eip .raSearchStart ^ = $esp .raSearchStart 4 + =");
	if (!run(u, &program, text))
		return WH_STEP_UNKNOWN;
	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
		uint64_t value;
		if (get_variable(&program, outputs[i].name, &value))
			wh_register_set(caller, outputs[i].number, value);
	}
	return wh_register_known(caller, EIP) ? WH_STEP_CALLER : WH_STEP_UNKNOWN;
}

/* ---- */

enum wh_step wh_breakpad_step(const struct wh_breakpad *b, uint64_t base, size_t *effort, uint32_t *parameters, const struct wh_unwinder *u,
			      uint64_t pc, const struct wh_registers *registers, struct wh_registers *caller)
{
	uint64_t offset = pc - base;
	uint32_t called = *parameters;
	*parameters = 0;
	if (u->machine == WH_MACHINE_X86) {
		*parameters = breakpad_parameters(b, offset);
		const struct breakpad_range *ranges[] = { breakpad_find(&b->frame_data, offset), breakpad_find(&b->fpo, offset) };
		for (size_t i = 0; i < 2; i++) {
			enum wh_step step = ranges[i] ? win_step(b, ranges[i], called, parameters, u, registers, caller) : WH_STEP_UNKNOWN;
			if (step != WH_STEP_UNKNOWN)
				return step;
			*caller = (struct wh_registers){ 0 };
		}
	}
	const struct breakpad_range *init = breakpad_find(&b->cfi, offset);
	return init ? cfi_step(b, init, offset, effort, u, registers, caller) : WH_STEP_UNKNOWN;
}
