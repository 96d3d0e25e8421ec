/* SPDX-License-Identifier: Apache-2.0 */
/* Breakpad's symbol files: places, inlined calls, STACK CFI and STACK WIN as docs/symbol_files.md says; limits; no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "failing.h"
#include "symbol/breakpad.h"

static const char linux_text[] =
	"MODULE Linux x86_64 48419D67C86384174BA2AC283FA6FE080 crash\n"
	"FILE 0 /src/crash.c\nFILE 7 /src/more lines.h\n"
	"INLINE_ORIGIN 0 outer\nINLINE_ORIGIN 1 inner(int, char const*)\n"
	"FUNC m 1000 40 8 run\n"
	"INLINE 0 42 0 0 1010 20 1038 4\nINLINE 1 36 7 1 1018 8\n"
	"1000 10 40 0\n1010 8 30 0\n1018 8 20 7\n1020 20 31 0\n"
	"FUNC 1040 10 0 next\n1040 10 50 0\n"
	"PUBLIC 1000 0 hidden by the function\nPUBLIC m 1100 0 public one\nPUBLIC 1200 c public_two\n"
	"STACK CFI INIT 1000 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n"
	"STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^\n"
	"STACK CFI 1004 .cfa: $rbp 16 +\n"
	"STACK CFI INIT 1040 10 .cfa: $rsp 8 + .ra: .undef\n";

static struct wh_breakpad *parse(const char *text)
{
	struct wh_breakpad *b;
	struct wh_err err = { 0 };
	if (wh_breakpad_parse(&b, (struct wh_bytes){ text, strlen(text) }, NULL, &err) != WH_OK)
		fail_msg("%s", err.message);
	return b;
}

/* ---- places ---- */

static int append(void *user, const struct wh_place *place, struct wh_err *err)
{
	char *text = user;
	(void)err;
	snprintf(text + strlen(text), 1024 - strlen(text), "%s+%llx %s:%u%s|", place->function ? place->function : "?",
		 (unsigned long long)place->offset, place->file ? place->file : "?", place->line, place->inlined ? " inlined" : "");
	return WH_OK;
}

static void expect(const struct wh_breakpad *b, uint64_t offset, const char *wanted)
{
	char text[1024] = "";
	size_t effort = WH_BREAKPAD_EFFORT;
	assert_int_equal(wh_breakpad_places(b, offset, &effort, append, text, NULL), WH_OK);
	assert_string_equal(text, wanted);
}

static void test_places(void **state)
{
	struct wh_breakpad *b = parse(linux_text);
	(void)state;
	expect(b, 0xfff, "");
	expect(b, 0x1000, "run+0 /src/crash.c:40|");
	expect(b, 0x1012, "outer+0 /src/crash.c:30 inlined|run+12 /src/crash.c:42|");
	expect(b, 0x101f, "inner(int, char const*)+0 /src/more lines.h:20 inlined|outer+0 /src/more lines.h:36 inlined|run+1f /src/crash.c:42|");
	expect(b, 0x1039, "outer+0 /src/crash.c:31 inlined|run+39 /src/crash.c:42|");
	expect(b, 0x104f, "next+f /src/crash.c:50|");
	expect(b, 0x1050, ""); /* behind the function: it has an end */
	expect(b, 0x1105, "public one+5 ?:0|");
	expect(b, 0x5000, "public_two+3e00 ?:0|");
	wh_breakpad_free(b);
}

/* The form before call sites had files; \r; names beyond the numbers. */
static void test_old_forms(void **state)
{
	struct wh_breakpad *b = parse("MODULE windows x86 5A9832E5287241C1838ED98914E9B7FF1 app.pdb\r\n"
				      "FILE 1 c:\\src\\app.cc\r\nINLINE_ORIGIN 3 1 old form\r\n"
				      "FUNC 100 20 0 `anonymous namespace'::f\r\nINLINE 0 4 3 104 8\r\n100 20 9 1\r\n");
	(void)state;
	expect(b, 0x104, "old form+0 c:\\src\\app.cc:9 inlined|`anonymous namespace'::f+4 c:\\src\\app.cc:4|");
	wh_breakpad_free(b);
}

/* ---- steps ---- */

struct world {
	uint64_t at;
	uint64_t words[16];
	unsigned width;
};

static size_t read_words(void *user, uint64_t address, void *to, size_t n)
{
	const struct world *w = user;
	uint8_t bytes[sizeof w->words];
	for (size_t i = 0; i < 16; i++)
		for (unsigned k = 0; k < w->width; k++)
			bytes[i * w->width + k] = (uint8_t)(w->words[i] >> 8 * k);
	uint64_t size = 16 * w->width;
	if (address < w->at || address - w->at >= size)
		return 0;
	size_t there = (size_t)(size - (address - w->at));
	n = n < there ? n : there;
	memcpy(to, bytes + (address - w->at), n);
	return n;
}

static bool is_code(void *user, uint64_t address)
{
	(void)user;
	return address >= 0x400000 && address < 0x500000;
}

#define BASE 0x400000u

static enum wh_step step(const struct wh_breakpad *b, enum wh_machine machine, struct world *w, uint32_t *parameters, uint64_t offset,
			 const struct wh_registers *registers, struct wh_registers *caller)
{
	struct wh_unwinder u = { .machine = machine, .read = read_words, .is_code = is_code, .user = w };
	size_t effort = WH_BREAKPAD_EFFORT;
	*caller = (struct wh_registers){ 0 };
	return wh_breakpad_step(b, BASE, &effort, parameters, &u, BASE + offset, registers, caller);
}

static void test_cfi(void **state)
{
	enum { RBX = 3, RAX = 0, RBP = 6, RSP = 7, RIP = 16 };
	struct wh_breakpad *b = parse(linux_text);
	struct world w = { 0x7000, { 0xb0b, 0x401234, 7 }, 8 };
	struct wh_registers r = { 0 }, caller;
	uint32_t parameters = 0;
	(void)state;
	wh_register_set(&r, RSP, 0x7008);
	wh_register_set(&r, RBP, 0xcafe);
	wh_register_set(&r, RBX, 0xb);
	wh_register_set(&r, RAX, 0xa);
	assert_int_equal(step(b, WH_MACHINE_X86_64, &w, &parameters, 0x1000, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[RIP], 0x401234);
	assert_int_equal(caller.value[RSP], 0x7010);
	assert_int_equal(caller.value[RBP], 0xcafe);
	assert_int_equal(caller.value[RBX], 0xb);
	assert_false(wh_register_known(&caller, RAX)); /* a call may change it */
	wh_register_set(&r, RSP, 0x7000);
	assert_int_equal(step(b, WH_MACHINE_X86_64, &w, &parameters, 0x1002, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[RIP], 0x401234);
	assert_int_equal(caller.value[RBP], 0xb0b);
	wh_register_set(&r, RSP, 0x1);
	wh_register_set(&r, RBP, 0x7000);
	assert_int_equal(step(b, WH_MACHINE_X86_64, &w, &parameters, 0x103f, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[RIP], 0x401234);
	assert_int_equal(caller.value[RSP], 0x7010);
	assert_int_equal(step(b, WH_MACHINE_X86_64, &w, &parameters, 0x1048, &r, &caller), WH_STEP_LAST);
	assert_int_equal(step(b, WH_MACHINE_X86_64, &w, &parameters, 0x1050, &r, &caller), WH_STEP_UNKNOWN);
	wh_register_set(&r, RBP, 0x99999);
	assert_int_equal(step(b, WH_MACHINE_X86_64, &w, &parameters, 0x103f, &r, &caller), WH_STEP_UNKNOWN); /* nothing is there */
	wh_breakpad_free(b);
}

static void test_arm(void **state)
{
	struct wh_breakpad *b = parse("MODULE Linux arm 0 x\nSTACK CFI INIT 100 20 .cfa: sp 0 + .ra: lr\n"
				      "STACK CFI 104 .cfa: sp 8 + r7: .cfa -8 + ^ .ra: .cfa -4 + ^\n");
	struct world w = { 0x7000, { 0x77, 0x400101 }, 4 };
	struct wh_registers r = { 0 }, caller;
	uint32_t parameters = 0;
	(void)state;
	wh_register_set(&r, 13, 0x7000);
	wh_register_set(&r, 14, 0x400200);
	wh_register_set(&r, 7, 1);
	assert_int_equal(step(b, WH_MACHINE_ARM, &w, &parameters, 0x100, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[15], 0x400200);
	assert_int_equal(caller.value[13], 0x7000);
	assert_int_equal(caller.value[7], 1);
	assert_int_equal(step(b, WH_MACHINE_ARM, &w, &parameters, 0x104, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[15], 0x400101);
	assert_int_equal(caller.value[13], 0x7008);
	assert_int_equal(caller.value[7], 0x77);
	wh_breakpad_free(b);
	b = parse("MODULE Linux arm64 0 x\nSTACK CFI INIT 100 20 .cfa: sp 16 + x29: .cfa -16 + ^ .ra: .cfa -8 + ^ x19: .cfa 2 * 2 / 9 % x20: sp 7 + 16 @\n");
	w.width = 8;
	wh_register_set(&r, 31, 0x7000);
	assert_int_equal(step(b, WH_MACHINE_ARM64, &w, &parameters, 0x100, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[32], 0x400101);
	assert_int_equal(caller.value[29], 0x77);
	assert_int_equal(caller.value[19], 0x7010 % 9);
	assert_int_equal(caller.value[20], 0x7000);
	wh_breakpad_free(b);
}

static void test_win(void **state)
{
	enum { EBX = 3, ESP = 4, EBP = 5, EIP = 8 };
	struct wh_breakpad *b = parse("MODULE windows x86 0 x.pdb\nFUNC 4000 10 c f\n"
				      "STACK WIN 4 1000 10 1 0 4 8 10 0 1 $T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =\n"
				      "STACK WIN 4 2000 10 1 0 0 4 8 0 1 $T0 .raSearchStart = $eip $T0 ^ =$esp $T0 4 + = $ebx .undef =\n"
				      "STACK WIN 0 3000 10 0 0 8 8 4 0 0 1\nSTACK WIN 0 3010 10 0 0 8 4 4 0 0 0\nSTACK WIN 4 1000 4 0 0 0 0 0 0 1 $T9 $eip =\n");
	struct world w = { 0x7000, { 1, 0x7020, 0x401111, 3, 0x402222, 5, 0x403333 }, 4 };
	struct wh_registers r = { 0 }, caller;
	uint32_t parameters = 0;
	(void)state;
	wh_register_set(&r, ESP, 0x7000);
	wh_register_set(&r, EBP, 0x7004);
	wh_register_set(&r, EBX, 0xb);
	assert_int_equal(step(b, WH_MACHINE_X86, &w, &parameters, 0x1008, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[EIP], 0x401111);
	assert_int_equal(caller.value[ESP], 0x700c);
	assert_int_equal(caller.value[EBP], 0x7020);
	assert_int_equal(parameters, 4);
	/* the callee had 4 bytes of arguments on this stack: 4 + 4 + 8 above it */
	assert_int_equal(step(b, WH_MACHINE_X86, &w, &parameters, 0x2008, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[EIP], 0x402222);
	assert_int_equal(caller.value[ESP], 0x7014);
	assert_false(wh_register_known(&caller, EBX));
	assert_true(wh_register_known(&caller, EBP));
	/* sizes only; the return address 3 words above what they say, for the stack was aligned */
	parameters = 0;
	assert_int_equal(step(b, WH_MACHINE_X86, &w, &parameters, 0x3000, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[EIP], 0x402222);
	assert_int_equal(caller.value[ESP], 0x7014);
	assert_int_equal(caller.value[EBP], 1); /* esp + 0 + 8 - 8 */
	assert_int_equal(parameters, 8);
	parameters = 0;
	assert_int_equal(step(b, WH_MACHINE_X86, &w, &parameters, 0x3010, &r, &caller), WH_STEP_CALLER);
	assert_int_equal(caller.value[EIP], 0x401111);
	assert_int_equal(caller.value[EBP], 0x7004);
	assert_int_equal(step(b, WH_MACHINE_X86, &w, &parameters, 0x4004, &r, &caller), WH_STEP_UNKNOWN);
	assert_int_equal(parameters, 12); /* what FUNC says is of use for its caller */
	wh_breakpad_free(b);
}

/* ---- what is wrong ---- */

static void test_refused(void **state)
{
	struct wh_breakpad *b;
	struct wh_err err;
	(void)state;
	assert_int_equal(wh_breakpad_parse(&b, (struct wh_bytes){ "FUNC 1 2 3 x", 12 }, NULL, &err), WH_E_FORMAT);
	assert_int_equal(wh_breakpad_parse(&b, (struct wh_bytes){ "", 0 }, NULL, &err), WH_E_FORMAT);
	assert_int_equal(wh_breakpad_parse(&b, (struct wh_bytes){ linux_text, sizeof linux_text - 1 }, "48419D67C86384174BA2AC283FA6FE081", &err), WH_E_FORMAT);
	assert_non_null(strstr(err.message, "another build"));
	assert_int_equal(wh_breakpad_parse(&b, (struct wh_bytes){ linux_text, sizeof linux_text - 1 }, "48419d67c86384174ba2ac283fa6fe080", &err), WH_OK);
	wh_breakpad_free(b);
	assert_int_equal(wh_breakpad_open(&b, "/nowhere/x.sym", NULL, &err), WH_E_NOTFOUND);
}

static void test_path(void **state)
{
	struct wh_bytes folder = { "/s", 2 };
	struct wh_str path = { 0 };
	char id[WH_BREAKPAD_ID];
	(void)state;
	assert_true(wh_breakpad_id("679d414863c817844ba2ac283fa6fe0860da3546", id));
	assert_string_equal(id, "48419D67C86384174BA2AC283FA6FE080");
	assert_true(wh_breakpad_id("0123", id));
	assert_string_equal(id, "000023010000000000000000000000000");
	assert_false(wh_breakpad_id("xy", id));
	assert_false(wh_breakpad_id("", id));
	assert_true(wh_breakpad_path(folder, "app.PDB", "ID1", &path));
	assert_string_equal(path.data, "/s/app.PDB/ID1/app.sym");
	assert_true(wh_breakpad_path(folder, "libc.so.6", "ID0", &path));
	assert_string_equal(path.data, "/s/libc.so.6/ID0/libc.so.6.sym");
	assert_false(wh_breakpad_path(folder, "..", "ID0", &path));
	assert_false(wh_breakpad_path(folder, "../../etc", "ID0", &path));
	assert_false(wh_breakpad_path(folder, "x", "../..", &path));
	assert_false(wh_breakpad_path(folder, "", "ID0", &path));
	wh_str_release(&path);
}

/* A million lines of one function, asked for again and again: the effort ends it. */
static void test_effort(void **state)
{
	struct wh_str text = { 0 };
	char found[1024];
	size_t effort = (size_t)8 << 20;
	time_t start = time(NULL);
	(void)state;
	wh_str_puts(&text, "MODULE a b c d\nFUNC 0 ffffffff 0 f\n");
	for (int i = 0; i < 1000000; i++)
		wh_str_puts(&text, "1 1 1 1\n");
	struct wh_breakpad *b = parse(text.data);
	for (uint64_t i = 0; i < 10000; i++) {
		*found = 0;
		assert_int_equal(wh_breakpad_places(b, 0x1000 + i, &effort, append, found, NULL), WH_OK);
		assert_non_null(strstr(found, "f+"));
	}
	assert_int_equal(effort, 0);
	assert_true(time(NULL) - start < 20);
	wh_breakpad_free(b);
	wh_str_release(&text);
}

static int parse_linux(const void *user, struct wh_err *err)
{
	struct wh_breakpad *b;
	(void)user;
	int code = wh_breakpad_parse(&b, (struct wh_bytes){ linux_text, sizeof linux_text - 1 }, NULL, err);
	assert_true((code == WH_OK) == (b != NULL));
	wh_breakpad_free(b);
	return code;
}

static int find_places(const void *user, struct wh_err *err)
{
	char text[1024] = "";
	size_t effort = WH_BREAKPAD_EFFORT;
	return wh_breakpad_places(user, 0x101f, &effort, append, text, err);
}

static void test_no_memory(void **state)
{
	struct wh_breakpad *b = parse(linux_text);
	(void)state;
	assert_true(failing_each(parse_linux, NULL, NULL) > 0);
	assert_true(failing_each(find_places, b, NULL) > 0);
	wh_breakpad_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places), cmocka_unit_test(test_old_forms), cmocka_unit_test(test_cfi),  cmocka_unit_test(test_arm),
		cmocka_unit_test(test_win),    cmocka_unit_test(test_refused),	 cmocka_unit_test(test_path), cmocka_unit_test(test_effort),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
