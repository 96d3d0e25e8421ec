/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile_languages DATA: the readers of languages' reports, and of what contains them, against what no printer prints:
 * their fixtures cut off at every byte and with bytes changed, noise, lines without end, and texts made to cost more than they
 * are long. Texts lie in blocks of their very size, so that a sanitizer sees every byte read too far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/input.h"
#include "base/rng.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "observation/stack.h"

#define ARENA ((size_t)64 << 20)

static const char *data;
static const char *const names[] = { "java", "python", "go", "rust", "casrep", "javascript", "dotnet", "php", "ruby" };

struct counts {
	size_t reports, skips, frames;
};

static int count_report(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct counts *counts = user;
	const struct wh_stack *stack = o->body;
	(void)err;
	counts->reports++;
	for (size_t i = 0; i < stack->n_frames; i++)
		if (stack->frames[i].function)
			counts->frames += strlen(stack->frames[i].function) > 0;
	return WH_OK;
}

static int count_skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)line, (void)why, (void)err;
	((struct counts *)user)->skips++;
	return WH_OK;
}

/* Reads a copy of text with no byte to spare; the arena stays within limit. */
static struct counts read_text(const struct wh_format *format, const char *text, size_t n, size_t limit)
{
	struct counts counts = { 0 };
	struct wh_arena arena;
	struct wh_err err = { 0 };
	char *block = malloc(n ? n : 1);
	assert_non_null(block);
	if (n)
		memcpy(block, text, n);
	wh_arena_init(&arena, limit);
	struct wh_reader reader = { .describe = true, .name = "hostile", .text = block, .size = n, .first_line = 1, .arena = &arena,
				    .take = count_report, .skip = count_skip, .user = &counts, .format = format };
	assert_in_range(n ? format->detect(block, n) : 0, 0, 100);
	assert_int_equal(format->read(&reader, &err), WH_OK);
	assert_true(arena.total <= limit);
	wh_arena_release(&arena);
	free(block);
	return counts;
}

typedef void each_fn(const struct wh_format *, const char *text, size_t n);

struct walk {
	const struct wh_format *format;
	each_fn *each;
	size_t n;
};

static int walk_file(void *user, const char *path, const char *relative, struct wh_err *err)
{
	struct walk *walk = user;
	struct wh_input input;
	size_t length = strlen(relative);
	if (length < 4 || strcmp(relative + length - 4, ".txt") || !strcmp(relative, "PROVENANCE.txt"))
		return WH_OK;
	WH_TRY(wh_input_open(&input, path, err));
	walk->each(walk->format, input.text, input.size);
	walk->n++;
	wh_input_release(&input);
	return WH_OK;
}

static void each_fixture(each_fn *each)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char folder[4096];
		struct walk walk = { .format = wh_format_find(wh_stack_formats, names[i]), .each = each };
		struct wh_err err;
		assert_non_null(walk.format);
		snprintf(folder, sizeof folder, "%s/%s", data, names[i]);
		assert_int_equal(wh_walk(folder, walk_file, &walk, &err), WH_OK);
		assert_true(walk.n > 0);
	}
}

static void cut_one(const struct wh_format *format, const char *text, size_t n)
{
	size_t step = n > 4096 ? n / 2048 : 1;
	for (size_t i = 0; i < n; i += step)
		read_text(format, text, i, ARENA);
}

static void cut_off(void **state)
{
	(void)state;
	each_fixture(cut_one);
}

static void change_one(const struct wh_format *format, const char *text, size_t n)
{
	static const char odd[] = "\0\n\r\t\"'()[]{}:/|+-<> \x1b\xc2\xff#0x9";
	struct wh_rng rng;
	char *copy = malloc(n);
	assert_non_null(copy);
	wh_rng_init(&rng, n);
	for (int round = 0; round < 60; round++) {
		memcpy(copy, text, n);
		for (int i = 0; i < 8; i++) {
			size_t at = wh_rng_below(&rng, n);
			switch (wh_rng_below(&rng, 3)) {
			case 0:
				copy[at] = odd[wh_rng_below(&rng, sizeof odd - 1)];
				break;
			case 1:
				copy[at] = (char)wh_rng_next(&rng);
				break;
			default: { /* a piece moved elsewhere */
				size_t from = wh_rng_below(&rng, n), length = wh_rng_below(&rng, 64);
				length = length < n - at ? length : n - at;
				length = length < n - from ? length : n - from;
				memmove(copy + at, copy + from, length);
			}
			}
		}
		read_text(format, copy, n, ARENA);
	}
	free(copy);
}

static void change_bytes(void **state)
{
	(void)state;
	each_fixture(change_one);
}

static void read_noise(void **state)
{
	(void)state;
	struct wh_rng rng;
	char text[4096];
	wh_rng_init(&rng, 7);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = round & 1 ? (char)wh_rng_next(&rng) : "\0\n (:'\"at.F"[wh_rng_below(&rng, 11)];
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			assert_int_equal(read_text(wh_format_find(wh_stack_formats, names[i]), text, sizeof text, ARENA).reports, 0);
	}
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* piece over and over, n bytes of it. */
static char *repeated(const char *piece, size_t n)
{
	size_t length = strlen(piece);
	char *text = malloc(n);
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = piece[i % length];
	return text;
}

static void one_line(void **state)
{
	(void)state;
	const size_t n = (size_t)100 << 20;
	static const char *const pieces[] = { "a", "at a.b(", "thread 'x' panicked at 'y', ", "File \"x\", line 1", "(most recent call last):",
						"at f (", "f@http://x/", "Error: " };
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
		char *text = repeated(pieces[p], n);
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			double start = seconds();
			read_text(wh_format_find(wh_stack_formats, names[i]), text, n, ARENA);
			assert_true(seconds() - start < 20);
		}
		free(text);
	}
}

/* What would cost more than linear time where a reader looked back or ahead without bound. */
static void many_lines(void **state)
{
	(void)state;
	static const char *const pieces[] = {
		"Exception in thread \"x\" a.B: c\n", "Caused by: a.B: c\n", "Caused by: a.B\n\tat a.B.c(D.java:1)\n\t... 9 more\n",
		"\tat a.B.c(D.java:1)\n", "a.B: c\n\tat a.B.c(D.java:1)\n", "\tSuppressed: a.B\n", "{:via [{:type a.B :trace [[\n",
		"\"x\" #1 prio=5 tid=0x1 nid=0x1 runnable\n", "\"x\" #1 prio=5 tid=0x1 nid=0x1 runnable\n   \tat a.B.c(D.java:1)\n\n",
		"Full thread dump\n\"x\" #1 prio=5 tid=0x1 nid=0x1 runnable\n", "message\n", "\n", "x: y: z: a.B\n",
		"Traceback (most recent call last):\n",
		"Traceback (most recent call last):\n  File \"a\", line 1, in f\n  [Previous line repeated 999999 more times]\nE: x\n",
		"Traceback (most recent call last):\nE: x\nDuring handling of the above exception, another exception occurred:\n",
		"  + Exception Group Traceback (most recent call last):\n", "  +-+---------------- 1 ----------------\n",
		"Current thread 0x1 (most recent call first):\n", "Fatal Python error: x\n", "Timeout (0)!\n",
		"panic: x\n", "goroutine 1 [running]:\n", "goroutine 0 [idle]:\n", "panic: x\ngoroutine 1 [running]:\nmain.f()\n\t/x.go:1\n",
		"SIGSEGV: x\nPC=0x1\n", "WARNING: DATA RACE\n", "main.f()\n", "runtime stack:\n", "panic: x\nruntime stack:\nmain.f()\n\t/x.go:1\n",
		"thread 'x' panicked at 'y\n", "thread 'x' panicked at x.rs:1:2:\n", "memory allocation of 1 bytes failed\n",
		"stack backtrace:\n", "stack backtrace:\n   1: a::b\n", "   1: a::b\n             at x.rs:1\n",
		"The application panicked (crashed).\n", "thread 'x' has overflowed its stack\n", "{\"Stacktrace\":[", "{\"CrashSeverity\":\n",
		"Error: x\n", "    at f (x.js:1:2)\n", "Error: x\n    at f (x.js:1:2)\n", "Error: x\n    at f (x.js:1:2) {\n  [cause]: E: y\n",
		"Error: x\n    at f (x.js:1:2)\n  [errors]: [\n", "/x.js:1\nx\n^\n", "FATAL ERROR: x\n", " 1: 0x1 f [node]\n",
		"==== JS stack trace ====\n", "f@x.js:1:2\n", "f@\n", "FATAL ERROR: x\n 1: 0x1 f [node]\n", "at eval (eval at (eval at (\n",
		"System.Exception: x\n", "   at A.B(C d) in x.cs:line 1\n", "System.Exception: x ---> A.B: y ---> \n", " ---> A.Exception: y\n",
		"System.Exception: x\n   at A.B(C d)\n   --- End of inner exception stack trace ---\n", "OS Thread Id: 0x1 (0)\n",
		"00007FFD2E1B1A18 00007F5C0E1E5AB9 A.B(C)\n", "OS Thread Id: 0x1 (0)\n00007FFD2E1B1A18 00007F5C0E1E5AB9 A.B(C)\n",
		"Native Crash Reporting\n", "Stacktrace:\n  at A:B <0x1>\n", "Stack overflow.\n", "   at A.B(((((\n",
		"PHP Fatal error:  Uncaught A: b in /x.php:1\n", "Stack trace:\n", "#0 /x.php(1): f()\n", "#1 {main}\n",
		"PHP Fatal error:  Uncaught A: b in /x.php:1\nStack trace:\n#0 /x.php(1): f()\n", "Next A: b in /x.php:1\n",
		"\\n#0 /x.php(1): f()", "[object] (A(code: 0): b at /x.php:1)\n[stacktrace]\n", "[previous exception] [object] (A(code: 0): b\n",
		"PHP   1. f() /x.php:1\n", "Call Stack:\n    0.1   1   1. f() /x.php:1\n", "<b>Fatal error</b>:  x in <b>/x</b> on line <b>1</b>\n",
		"A\\B: c\n", "#0 (1): (2): (3): \n", "  [AException]\n", "Exception trace:\n f() at /x.php:1\n",
		"{\"a\":\"Error: x\\n    at f (x.js:1:2)\"}\n", "\"\\n    at ", "{\"a\":\"b.C: x\\n\\tat a.B.c(D.java:1)\\n\"}\n",
		"{\"a\":\"A.Exception: x\\r\\n   at A.B(C d)\"}\n", "\"\\n\\tat \\\n",
		"    at 0   a.kexe   0x41b5b0   kfun:f(){} + 64 (/x.kt:1:2)\n", "\t(Coroutine boundary)\n", "    at 0   a   0x41b5b0   (((((\n",
		"x.rb:1:in `f': m (A)\n", "\tfrom x.rb:1:in `f'\n", "x.rb:1:in `f': m (A)\n\tfrom x.rb:1:in `g'\n", "x.rb:1:in 'f'\n",
		"Traceback (most recent call last):\n\t1: from x.rb:1:in `f'\n", "\t1: from x.rb:1:in `f'\nx.rb:1:in `f': m (A)\n",
		"x.rb:1: [BUG] Segmentation fault\n", "-- C level backtrace\nlib(f+0x1) [0x1]\n", "A::B (m):\n", "A::B:\n", "m (A)\n",
		"A::B: m\n  f at x.rb:1\n", "Caused by:\n", "x.rb:1:in 'f'\nCaused by:\nA::B: m\n", ":in `:in `:in `", ": A::B: A::B: ",
	};
	const size_t n = (size_t)2 << 20;
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
		char *text = repeated(pieces[p], n);
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			double start = seconds();
			read_text(wh_format_find(wh_stack_formats, names[i]), text, n, ARENA);
			double spent = seconds() - start;
			if (spent > 10)
				fail_msg("%s: %.1f s for 2 MiB of %s", names[i], spent, pieces[p]);
		}
		free(text);
	}
}

static void small_one(const struct wh_format *format, const char *text, size_t n)
{
	for (size_t limit = 64; limit < (size_t)1 << 20; limit *= 4) {
		struct counts counts = read_text(format, text, n, limit);
		if (!counts.reports && !counts.skips)
			fail_msg("%s: lost with %zu bytes: %.60s", format->name, limit, text);
	}
}

/* A report too large for its arena is skipped and counted, and what it began with is not handed over. */
static void small_arena(void **state)
{
	(void)state;
	each_fixture(small_one);
}

/* None of these is a crash report. */
static void not_reports(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reader; /* whose it is, if anybody's */
	} texts[] = {
		{ "#include <stdio.h>\n\nint main(void)\n{\n\tputs(\"panic: \");\n\treturn 0;\n}\n", NULL },
		{ "import traceback\n\n\ndef f():\n    print(\"Traceback (most recent call last):\")\n    raise ValueError(\"x\")\n", NULL },
		{ "package main\n\nfunc main() {\n\tpanic(\"goroutine 1 [running]:\")\n}\n", NULL },
		{ "fn main() {\n    panic!(\"thread 'main' panicked at\");\n}\n", NULL },
		{ "public class A {\n\tpublic static void main(String[] a) {\n\t\tthrow new RuntimeException(\"at a.b(c)\");\n\t}\n}\n", NULL },
		{ "From: a@example.org\nSubject: meeting\n\nHello,\n\nwe meet at noon (room 3). Please be at the\nat the door (in time).\n", NULL },
		{ "Error: Crash!\n    at check (/out/example/fuzz_string_compare.js:27:9)\n    at fuzz (/out/x.js:1:2)\n", "javascript" },
		{ "Unhandled exception. System.Exception: x\n   at Program.Main(String[] args) in /x/Program.cs:line 9\n", "dotnet" },
		{ "{\"a\": 1, \"frames\": []}\n", NULL },
		{ "[1, 2, 3]\n", NULL },
		{ "a,b,c\n1,2,3\n", NULL },
		{ "<html><body>at a.b (c)</body></html>\n", NULL },
		{ "#0  0x00007f in raise () from /lib/libc.so.6\n#1  main () at a.c:1\n", NULL },
		{ "2026-11-21 10:00:00 INFO all is well: fatal error: none\n", NULL },
		{ "", NULL },
	};
	for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			const char *text = texts[t].text;
			int sure = wh_format_find(wh_stack_formats, names[i])->detect(text, strlen(text));
			bool own = texts[t].reader && !strcmp(texts[t].reader, names[i]);
			if (own ? sure < 50 : sure >= WH_DETECT_LEAST)
				fail_msg("%s is %d sure of %.40s", names[i], sure, text);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_off),    cmocka_unit_test(change_bytes), cmocka_unit_test(read_noise), cmocka_unit_test(one_line),
		cmocka_unit_test(many_lines), cmocka_unit_test(small_arena),  cmocka_unit_test(not_reports),
	};
	data = argc > 1 ? argv[1] : "tests/data/stack";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
