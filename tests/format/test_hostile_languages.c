/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile_languages DATA: the readers of languages' reports, and of what contains them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hostile.h"

static const char *const formats[] = { "java", "python", "go", "rust", "casrep", "javascript", "dotnet", "php", "ruby", NULL };

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
	NULL,
};

static const char *const endless[] = {
	"a", "at a.b(", "thread 'x' panicked at 'y', ", "File \"x\", line 1", "(most recent call last):",
	"at f (", "f@http://x/", "Error: ",
	NULL,
};

/* None of these is a crash report. */
static const char *const texts[] = {
	"#include <stdio.h>\n\nint main(void)\n{\n\tputs(\"panic: \");\n\treturn 0;\n}\n",
	"import traceback\n\n\ndef f():\n    print(\"Traceback (most recent call last):\")\n    raise ValueError(\"x\")\n",
	"package main\n\nfunc main() {\n\tpanic(\"goroutine 1 [running]:\")\n}\n",
	"fn main() {\n    panic!(\"thread 'main' panicked at\");\n}\n",
	"public class A {\n\tpublic static void main(String[] a) {\n\t\tthrow new RuntimeException(\"at a.b(c)\");\n\t}\n}\n",
	"From: a@example.org\nSubject: meeting\n\nHello,\n\nwe meet at noon (room 3). Please be at the\nat the door (in time).\n",
	"{\"a\": 1, \"frames\": []}\n",
	"[1, 2, 3]\n",
	"a,b,c\n1,2,3\n",
	"<html><body>at a.b (c)</body></html>\n",
	"#0  0x00007f in raise () from /lib/libc.so.6\n#1  main () at a.c:1\n",
	"2026-11-21 10:00:00 INFO all is well: fatal error: none\n",
	"",
	NULL,
};

static struct hostile hostile = {
	.formats = formats,
	.cuts = 2048,
	.rounds = 60,
	.changes = 8,
	.repeat = { .pieces = pieces, .size = (size_t)2 << 20 },
	.endless = { .pieces = endless, .size = (size_t)100 << 20 },
	.texts = texts,
};

HOSTILE_TEST(cut)
HOSTILE_TEST(change)
HOSTILE_TEST(noise)
HOSTILE_TEST(repeat)
HOSTILE_TEST(endless)
HOSTILE_TEST(small_arena)
HOSTILE_TEST(no_reports)

/* Reports that look like others': their own reader alone is sure. */
static void test_whose(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reader;
	} reports[] = {
		{ "Error: Crash!\n    at check (/out/example/fuzz_string_compare.js:27:9)\n    at fuzz (/out/x.js:1:2)\n", "javascript" },
		{ "Unhandled exception. System.Exception: x\n   at Program.Main(String[] args) in /x/Program.cs:line 9\n", "dotnet" },
	};
	for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
		for (const char *const *name = formats; *name; name++) {
			int sure = hostile_sure(hostile_format(*name), reports[i].text, strlen(reports[i].text));
			if (!strcmp(*name, reports[i].reader) ? sure < 50 : sure >= WH_DETECT_LEAST)
				fail_msg("%s is %d sure of %.40s", *name, sure, reports[i].text);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut), cmocka_unit_test(test_change), cmocka_unit_test(test_noise),
		cmocka_unit_test(test_repeat), cmocka_unit_test(test_endless), cmocka_unit_test(test_small_arena),
		cmocka_unit_test(test_no_reports), cmocka_unit_test(test_whose),
	};
	hostile.data = argc > 1 ? argv[1] : "tests/data/stack";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
