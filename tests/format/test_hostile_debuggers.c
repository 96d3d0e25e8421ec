/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile_debuggers DATA: the readers of debuggers, of Android and of systems' own crash reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hostile.h"

static const char *const formats[] = { "cdb", "lldb", "eu-stack", "systemd-coredump", "tombstone", "logcat", "hs_err", NULL };

static const char *const pieces[] = {
	"\n", "#\n", "# A fatal error has been detected by\n", "STACK_TEXT:\n", "0:000> k\n", "0:000> ",
	"0012ff38 0040104b 00000007 00000000 0012ff60 a!b+0x1\n", "ChildEBP RetAddr\n0012ff38 0040104b a!b(\n", "00 0012ff38 0040104b a!b(int c = 1,\n",
	"0012ff38 0040104b a!bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n", "STACK_FRAME:a!b+0x1\n", " # Call Site\na!b+0x1\n",
	"(1.2): Access violation - code c0000005 (!!! second chance !!!)\n", "ExceptionCode: c0000005 (Access violation)\n",
	"Microsoft (R) Windows Debugger Version 1\nExceptionCode: c0000005\n", "#  1  Id: 1.2 Suspend: 1 Teb: 0\n", "CommandLine: \"\n",
	"* thread #1, stop reason = signal SIGSEGV\n", "  * frame #0: 0x01 a`f(a=\"\n", "    frame #1: 0x01 a`f((((((((\n",
	"* thread #1, name = 'x', stop reason = signal SIGSEGV\n    frame #0: 0x1 a`f at a.c:1\nProcess 1 resuming\n", "(lldb) run\n",
	"PID 1 - core\n", "TID 1:\n", "TID 1:\n#0  0x0000000000000001 a - b\n", "#0  0x0000000000000001 - 1\n    [12]@0x1+0x1\n",
	"Process 1 (a) of user 1 dumped core.\n", "Stack trace of thread 1:\n", "#0  0x1 n/a (a + 0x1)\n", "Module a with build-id 12\n",
	"Process 1 (a) of user 1 dumped core.\nModule a from b c\n#0  0x1 n/a (a + 0x1)\n", "PID: 1 (a)\n", "__CURSOR=1\nCOREDUMP_PID=1\nMESSAGE\n",
	"__CURSOR=1\nMESSAGE\n\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f", "{\"COREDUMP_PID\":\"1\",\"MESSAGE\":\"Stack trace of thread 1:\"}\n", "{\n", "{\"COREDUMP_\n",
	"*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***\n", "pid: 1, tid: 2, name: a  >>> b <<<\n", "#00 pc 1 a (b+1)\n",
	"pid: 1, tid: 2, name: a  >>> b <<<\n#00 pc 1 a (b+1)\n", "#00 pc 1 (((((((((\n", "----- pid 1 at 2\n\"a\" sysTid=1\n", "java stacktrace:\n",
	"Crash type: 'anr'\n--- --- --- --- --- --- --- --- ---\n", "E/AndroidRuntime(    1): FATAL EXCEPTION: main\n",
	"F/libc    (    1): Fatal signal 11 (SIGSEGV), code 1 in tid 1 (a), pid 1 (b)\n", "I/DEBUG   (    1): *** *** *** *** *** *** *** *** ***\n",
	"E/AndroidRuntime(    1): a.B: c\n", "--------- DEBUG (1):\n", "--------- DEBUG (1):\n*** *** *** *** *** *** *** *** ***\n", "E/ActivityManager(    1): ANR in a\n",
	"[ 08-28 22:39:39.974 1: 2 E/AndroidRuntime ]\nFATAL EXCEPTION: a\n\n", "2022-12-01 12:00:00.123  1-2  a  b  E  FATAL EXCEPTION: c\n    d\n",
	"Native frames: (J=\nC  [a+0x1]  b+0x1\n", "Java frames: (J=\nJ 1 c2 a.b()V\n", "#  SIGSEGV (0xb) at pc=0x1, pid=1, tid=2\n", "# Problematic frame:\n# C  [a+0x1]\n",
	NULL,
};

static const char *const endless[] = {
	"a", "(", "0012ff38 ", "frame #0: 0x1 a`", "#0  0x0000000000000001 ", "#00 pc 1 ", " (", "[a+0x1]", "I/a(1): ", "\"COREDUMP_", "J 1 ", NULL,
};

/* None of these is a crash report. */
static const char *const texts[] = {
	"#include <stdio.h>\n\nint main(void)\n{\n\tputs(\"STACK_TEXT: ChildEBP RetAddr frame #0: 0x0 in f\");\n\treturn 0;\n}\n",
	"Use `k` to show the stack: the columns are Child-SP, RetAddr and Call Site.\nThen !analyze -v prints STACK_TEXT: and FAULTING_IP:.\n",
	"The tombstone begins with *** *** *** and says pid, tid and name >>> process <<<.\nbacktrace: #00 pc 0000\n",
	"hs_err_pid.log begins with\n\n    A fatal error has been detected by the Java Runtime Environment\n\nand shows Native frames and Java frames.\n",
	"11-21 10:00:00.123  1234  1250 I ActivityManager: Start proc 1\n11-21 10:00:00.123  1234  1250 D a: b\n11-21 10:00:00.124  1  2 W c: d\n",
	"I/O error: disk full\nE/F: x\nI/O error: disk full\n", "{\"MESSAGE\":\"hello\",\"_PID\":\"1\"}\n", "__CURSOR=s=1\n_PID=1\nMESSAGE=hello\n\n",
	"systemd-coredump writes `Stack trace of thread N:` and then its frames.\n", "PID 1 - the first process\nTID is a thread's number\n",
	"774ec7ec c21400          ret     14h\n774ec7ef 90              nop\n00401000 8b450883 mov     eax,dword ptr [ebp+8]\n",
	"From: a@example.org\nSubject: meeting\n\nHello,\n\nframe #12 of the film is broken.\n", "", NULL,
};

static struct hostile hostile = {
	.formats = formats,
	.cuts = 1024,
	.rounds = 60,
	.changes = 8,
	.repeat = { .pieces = pieces, .size = (size_t)2 << 20 },
	.endless = { .pieces = endless, .size = (size_t)32 << 20 },
	.texts = texts,
};

HOSTILE_TEST(cut)
HOSTILE_TEST(change)
HOSTILE_TEST(noise)
HOSTILE_TEST(repeat)
HOSTILE_TEST(endless)
HOSTILE_TEST(small_arena)
HOSTILE_TEST(no_reports)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),     cmocka_unit_test(test_change),      cmocka_unit_test(test_noise),      cmocka_unit_test(test_repeat),
		cmocka_unit_test(test_endless), cmocka_unit_test(test_small_arena), cmocka_unit_test(test_no_reports),
	};
	hostile.data = argc > 1 ? argv[1] : "tests/data/stack";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
