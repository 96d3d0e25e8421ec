/* SPDX-License-Identifier: Apache-2.0 */
/* The unwinder over memory that is made up: what each machine's calls look like, frame pointers, scans, signals, stacks without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "symbol/module.h"
#include "symbol/unwind.h"

#define CODE 0x10000u
#define CODE_SIZE 0x1000u
#define STACK 0x7f000000u
#define STACK_SIZE 0x4000u

struct made {
	uint8_t code[CODE_SIZE], stack[STACK_SIZE];
	struct wh_unwinder u;
	uint64_t pcs[64];
	enum wh_trust trusts[64];
	bool signals[64];
	int numbers[64];
	size_t n;
	enum wh_step step; /* what CFI says */
};

static size_t piece(const uint8_t *data, uint64_t base, size_t size, uint64_t address, void *to, size_t n)
{
	if (address < base || address - base >= size)
		return 0;
	n = n < size - (address - base) ? n : size - (size_t)(address - base);
	memcpy(to, data + (address - base), n);
	return n;
}

static size_t read_memory(void *user, uint64_t address, void *to, size_t n)
{
	struct made *made = user;
	size_t got = piece(made->code, CODE, CODE_SIZE, address, to, n);
	return got ? got : piece(made->stack, STACK, STACK_SIZE, address, to, n);
}

static bool is_code(void *user, uint64_t address)
{
	return address >= CODE && address < CODE + CODE_SIZE;
}

static int take(void *user, const struct wh_unwound *frame, struct wh_err *err)
{
	struct made *made = user;
	if (made->n < 64) {
		made->pcs[made->n] = frame->pc;
		made->trusts[made->n] = frame->trust;
		made->signals[made->n] = frame->signal;
		made->numbers[made->n] = frame->number;
	}
	made->n++;
	return WH_OK;
}

static void begin(struct made *made, enum wh_machine machine)
{
	*made = (struct made){ .u = { .machine = machine, .read = read_memory, .is_code = is_code, .user = made } };
}

static void put(struct made *made, uint64_t address, uint64_t value)
{
	memcpy(made->stack + (address - STACK), &value, wh_machine_facts(made->u.machine)->width);
}

/* A call that ends before address. */
static void put_call(struct made *made, uint64_t address)
{
	static const uint8_t arm64[] = { 0x01, 0, 0, 0x94 }, arm[] = { 0x01, 0, 0, 0xeb };
	switch (made->u.machine) {
	case WH_MACHINE_ARM64: memcpy(made->code + (address - CODE - 4), arm64, 4); break;
	case WH_MACHINE_ARM: memcpy(made->code + (address - CODE - 4), arm, 4); break;
	default: made->code[address - CODE - 5] = 0xe8;
	}
}

static enum wh_unwind_end run(struct made *made, uint64_t pc, uint64_t sp, uint64_t fp)
{
	const struct wh_machine_facts *facts = wh_machine_facts(made->u.machine);
	struct wh_registers registers = { .known = 0 };
	struct wh_err err;
	enum wh_unwind_end end;
	made->u.user = made;
	wh_register_set(&registers, facts->pc, pc);
	wh_register_set(&registers, facts->sp, sp);
	if (fp)
		wh_register_set(&registers, facts->fp, fp);
	assert_int_equal(wh_unwind(&made->u, &registers, take, made, &end, &err), WH_OK);
	return end;
}

static const enum wh_machine all[] = { WH_MACHINE_X86_64, WH_MACHINE_X86, WH_MACHINE_ARM64, WH_MACHINE_ARM };

static void calls_are_known(void **state)
{
	static const struct {
		enum wh_machine machine;
		uint8_t code[8]; /* at its end */
		bool thumb, call;
	} cases[] = {
		{ WH_MACHINE_X86_64, { 0, 0, 0, 0xe8, 1, 2, 3, 4 }, false, true },
		{ WH_MACHINE_X86_64, { 0, 0, 0, 0xe9, 1, 2, 3, 4 }, false, false },
		{ WH_MACHINE_X86_64, { 0, 0, 0, 0, 0, 0, 0xff, 0xd0 }, false, true },          /* call *%rax */
		{ WH_MACHINE_X86_64, { 0, 0, 0, 0, 0, 0, 0xff, 0xe0 }, false, false },         /* jmp *%rax */
		{ WH_MACHINE_X86_64, { 0, 0, 0xff, 0x15, 1, 2, 3, 4 }, false, true },          /* call *0x…(%rip) */
		{ WH_MACHINE_X86_64, { 0, 0, 0, 0, 0, 0xff, 0x50, 0x18 }, false, true },       /* call *24(%rax) */
		{ WH_MACHINE_X86_64, { 0, 0, 0, 0, 0xff, 0x54, 0x24, 0x08 }, false, true },    /* call *8(%rsp) */
		{ WH_MACHINE_X86_64, { 0, 0xff, 0x94, 0xc1, 1, 2, 3, 4 }, false, true },       /* call *…(%rcx,%rax,8) */
		{ WH_MACHINE_X86_64, { 0, 0, 0, 0, 0, 0xff, 0x14, 0xc1 }, false, true },       /* call *(%rcx,%rax,8) */
		{ WH_MACHINE_ARM64, { 0, 0, 0, 0, 0x20, 0, 0x3f, 0xd6 }, false, true },        /* blr x1 */
		{ WH_MACHINE_ARM64, { 0, 0, 0, 0, 0x20, 0, 0x1f, 0xd6 }, false, false },       /* br x1 */
		{ WH_MACHINE_ARM64, { 0, 0, 0, 0, 0x21, 0x08, 0x3f, 0xd7 }, false, true },     /* blraa x1, x1 */
		{ WH_MACHINE_ARM, { 0, 0, 0, 0, 0x33, 0xff, 0x2f, 0xe1 }, false, true },       /* blx r3 */
		{ WH_MACHINE_ARM, { 0, 0, 0, 0, 0, 0xf0, 0x02, 0xf8 }, true, true },           /* bl */
		{ WH_MACHINE_ARM, { 0, 0, 0, 0, 0, 0xbf, 0x98, 0x47 }, true, true },           /* blx r3 */
		{ WH_MACHINE_ARM, { 0, 0, 0, 0, 0, 0xbf, 0x70, 0x47 }, true, false },          /* bx lr */
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t n = 0; n <= 8; n++) {
			bool found = wh_machine_call_ends(cases[i].machine, cases[i].code + 8 - n, n, cases[i].thumb);
			if (n == 8)
				assert_int_equal(found, cases[i].call);
		}
}

static void frame_pointers_lead_out(void **state)
{
	static struct made made;
	for (size_t m = 0; m < sizeof all / sizeof *all; m++) {
		begin(&made, all[m]);
		unsigned width = wh_machine_facts(all[m])->width;
		uint64_t fp = STACK + 64;
		for (int i = 0; i < 5; i++, fp += 64) {
			put(&made, fp, i < 4 ? fp + 64 : 0);
			put(&made, fp + width, CODE + 0x100 + 0x10 * i);
			put_call(&made, CODE + 0x100 + 0x10 * i);
		}
		made.u.no_scan = true;
		assert_int_equal(run(&made, CODE + 8, STACK, STACK + 64), WH_UNWIND_COMPLETE); /* a frame pointer of 0 ends the chain */
		assert_int_equal(made.n, 6);
		for (int i = 1; i < 6; i++) {
			assert_int_equal(made.pcs[i], CODE + 0x100 + 0x10 * (i - 1));
			assert_int_equal(made.trusts[i], WH_TRUST_FRAME_POINTER);
		}
	}
}

static void scanning_finds_calls_only(void **state)
{
	static struct made made;
	for (size_t m = 0; m < sizeof all / sizeof *all; m++) {
		begin(&made, all[m]);
		put(&made, STACK + 32, CODE + 0x300); /* no call before it */
		put(&made, STACK + 64, CODE + 0x200);
		put_call(&made, CODE + 0x200);
		run(&made, CODE + 8, STACK, 0);
		assert_int_equal(made.n, 2);
		assert_int_equal(made.pcs[1], CODE + 0x200);
		assert_int_equal(made.trusts[1], WH_TRUST_SCAN);
	}
}

static void a_wild_call_came_from_its_return_address(void **state)
{
	static struct made made;
	begin(&made, WH_MACHINE_X86_64);
	put(&made, STACK + 8, CODE + 0x200);
	put_call(&made, CODE + 0x200);
	run(&made, 0, STACK + 8, 0);
	assert_int_equal(made.n, 2);
	assert_int_equal(made.pcs[0], 0);
	assert_int_equal(made.pcs[1], CODE + 0x200);
	assert_int_equal(made.trusts[1], WH_TRUST_FRAME_POINTER);
}

static void circles_end(void **state)
{
	static struct made made;
	for (size_t m = 0; m < sizeof all / sizeof *all; m++) {
		begin(&made, all[m]);
		put_call(&made, CODE + 0x200);
		for (uint64_t at = STACK; at < STACK + STACK_SIZE; at += wh_machine_facts(all[m])->width)
			put(&made, at, at % 16 ? CODE + 0x200 : STACK); /* frame pointers that lead back */
		run(&made, CODE + 8, STACK, STACK);
		assert_true(made.n <= STACK_SIZE / 4 + 2);
		begin(&made, all[m]);
		put_call(&made, CODE + 0x200);
		for (uint64_t at = STACK; at < STACK + STACK_SIZE; at += wh_machine_facts(all[m])->width)
			put(&made, at, CODE + 0x200); /* nothing but return addresses */
		made.u.most = 100;
		assert_int_equal(run(&made, CODE + 8, STACK, 0), WH_UNWIND_TOO_MANY);
		assert_int_equal(made.n, 100);
	}
}

static void signals_are_stepped_over(void **state)
{
	static const uint8_t trampoline[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	static struct made made;
	begin(&made, WH_MACHINE_X86_64);
	memcpy(made.code + 0x400, trampoline, sizeof trampoline);
	uint64_t context = STACK + 0x100 + 40; /* ucontext: uc_flags, uc_link, uc_stack; then struct sigcontext */
	put(&made, STACK + 0x100 + 304, 10); /* struct siginfo, behind the ucontext */
	put(&made, context + 8 * 15, STACK + 0x2000);
	put(&made, context + 8 * 16, CODE + 0x500);
	put(&made, STACK + 0x2008, CODE + 0x200);
	put_call(&made, CODE + 0x200);
	run(&made, CODE + 0x400, STACK + 0x100, 0);
	assert_true(made.n >= 3);
	assert_true(made.signals[0]);
	assert_int_equal(made.numbers[0], 10);
	assert_int_equal(made.pcs[1], CODE + 0x500);
	assert_int_equal(made.trusts[1], WH_TRUST_CONTEXT); /* as the kernel saved them */
	assert_int_equal(made.pcs[2], CODE + 0x200);
}

static enum wh_step cfi(const struct wh_unwinder *u, uint64_t pc, const struct wh_registers *registers, struct wh_registers *caller, bool *signal)
{
	const struct made *made = u->user;
	const struct wh_machine_facts *facts = wh_machine_facts(u->machine);
	if (made->step == WH_STEP_CALLER) { /* a liar: the same frame again */
		*caller = *registers;
		*signal = pc == CODE + 0x600;
		wh_register_set(caller, facts->sp, registers->value[facts->sp] - 8);
	}
	return made->step;
}

static void cfi_is_not_believed_blindly(void **state)
{
	static struct made made;
	for (size_t m = 0; m < sizeof all / sizeof *all; m++) {
		begin(&made, all[m]);
		made.u.cfi = cfi;
		made.step = WH_STEP_CALLER;
		run(&made, CODE + 8, STACK + 512, 0);
		assert_int_equal(made.n, 1); /* a stack that shrinks */
		begin(&made, all[m]);
		made.u.cfi = cfi;
		made.step = WH_STEP_CALLER;
		run(&made, CODE + 0x600, STACK + 512, 0);
		assert_true(made.n < 64); /* signals within signals without end */
		begin(&made, all[m]);
		made.u.cfi = cfi;
		made.step = WH_STEP_LAST;
		assert_int_equal(run(&made, CODE + 8, STACK + 512, 0), WH_UNWIND_COMPLETE);
		assert_int_equal(made.n, 1);
	}
}

static void addresses_are_cleaned(void **state)
{
	assert_int_equal(wh_machine_address(WH_MACHINE_ARM64, 0x0055aaaa12345678), 0x0000aaaa12345678); /* a signature above */
	assert_int_equal(wh_machine_address(WH_MACHINE_ARM64, 0xffff800012345678), 0xffff800012345678); /* the kernel's */
	assert_int_equal(wh_machine_address(WH_MACHINE_ARM, 0x10001), 0x10000);
	assert_int_equal(wh_machine_address(WH_MACHINE_X86_64, 0x7fff00000001), 0x7fff00000001);
	assert_int_equal(wh_machine_of_elf(62), WH_MACHINE_X86_64);
	assert_int_equal(wh_machine_of_elf(2), WH_MACHINE_UNKNOWN);
}

static void folders_come_in_order(void **state)
{
	struct wh_values values;
	struct wh_modules *modules;
	struct wh_err err;
	struct wh_bytes folder;
	static const char *const expected[] = { "a", "b/c", "/usr/lib/debug" };
	size_t at = 0, n = 0;
	assert_int_equal(wh_values_init(&values, wh_symbol_params, &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "symbols", ":a::b/c:", &err), WH_OK);
	assert_int_equal(wh_modules_new(&modules, &values, &err), WH_OK);
	for (; wh_modules_folder(modules, &at, &folder); n++) {
		assert_true(n < 3);
		assert_int_equal(folder.size, strlen(expected[n]));
		assert_memory_equal(folder.data, expected[n], folder.size);
	}
	assert_int_equal(n, 3);
	wh_modules_free(modules);
	wh_values_release(&values);
	assert_int_equal(wh_modules_new(&modules, NULL, &err), WH_OK);
	for (at = n = 0; wh_modules_folder(modules, &at, &folder); n++)
		;
	assert_int_equal(n, 1);
	wh_modules_free(modules);
}

static void the_cache_is_bounded(void **state)
{
	struct wh_modules *modules;
	struct wh_module *held, *again, *other;
	struct wh_err err;
	char path[32];
	struct wh_module_asked asked = { .path = "/nowhere/held" };
	assert_int_equal(wh_modules_new(&modules, NULL, &err), WH_OK);
	assert_int_equal(wh_modules_get(modules, &asked, &held, &err), WH_OK);
	assert_int_equal(wh_module_state(held), WH_MODULE_MISSING);
	assert_true(wh_module_say_once(modules, held));
	for (int i = 0; i < 3 * WH_MODULES_OPEN; i++) {
		snprintf(path, sizeof path, "/nowhere/%d", i);
		struct wh_module_asked next = { .path = path };
		assert_int_equal(wh_modules_get(modules, &next, &other, &err), WH_OK);
		wh_module_drop(modules, other);
	}
	assert_int_equal(wh_modules_get(modules, &asked, &again, &err), WH_OK);
	assert_ptr_equal(again, held); /* who is held stays */
	assert_false(wh_module_say_once(modules, again));
	wh_module_drop(modules, again);
	wh_module_drop(modules, held);
	wh_modules_free(modules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_known),	       cmocka_unit_test(frame_pointers_lead_out),
		cmocka_unit_test(scanning_finds_calls_only),  cmocka_unit_test(a_wild_call_came_from_its_return_address),
		cmocka_unit_test(circles_end),		       cmocka_unit_test(signals_are_stepped_over),
		cmocka_unit_test(cfi_is_not_believed_blindly), cmocka_unit_test(addresses_are_cleaned),
		cmocka_unit_test(folders_come_in_order),       cmocka_unit_test(the_cache_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
