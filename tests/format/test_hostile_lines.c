/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile_lines DATA: patterns of lines, and the readers that are tables of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hostile.h"

#include "format/stack/line_pattern.h"

/* ---- patterns ---- */

static bool is(struct wh_span s, const char *text)
{
	return wh_span_size(s) == strlen(text) && !memcmp(s.p, text, strlen(text));
}

/* What the fields met: function|module|file|line|said. */
static void test_patterns(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *line, *met; /* NULL: no match */
	} table[] = {
		{ "%F:%l: in %f", "a.lua:3: in function 'f'", "function 'f'||a.lua|3|" },
		{ "%F:%l:%n: %a in %f (%m)", "/a:b/c.zig:3:7: 0x1f in f(a) (m)", "f(a)|m|/a:b/c.zig|3|" },
		{ "from %F:%l:%n in '%f'", "  from a b.cr:3:4 in '[]'", "[]||a b.cr|3|" },
		{ "%r (%e)", "no (such) thing (Shop::Error)", "|||0|no (such) thing" },
		{ "%r (%e)", "no class", NULL },
		{ "Error in %f : %r", "Error in f(x) :", NULL },
		{ "Error in %f :%r", "Error in f(x) :", "f(x)|||0|" },
		{ "%w: %r", "lua: a: b", "|||0|a: b" },
		{ "%w: %r", "not lua: a", NULL },
		{ "a b", "a \t b", "|||0|" },
		{ "a b", "ab", NULL },
		{ "100%%", "100%", "|||0|" },
		{ "%l", "99999999999999999999", "|||0|" },
		{ "%n. %*", "7. ", NULL },
		{ "%n.%*", "7.", "|||0|" },
		{ "%f", "", NULL },
		{ "%f:%f:%f:%f:x", "::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::", NULL },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct wh_line_match match;
		char met[256];
		struct wh_span line = { table[i].line, table[i].line + strlen(table[i].line) };
		bool matches = wh_line_match(table[i].pattern, line, &match);
		if (matches != (table[i].met != NULL))
			fail_msg("%s: %s", table[i].pattern, table[i].line);
		if (!matches)
			continue;
		const struct wh_frame_text *frame = &match.frame;
		snprintf(met, sizeof met, "%.*s|%.*s|%.*s|%u|%.*s", (int)wh_span_size(frame->function), frame->function.p,
			 (int)wh_span_size(frame->module), frame->module.p, (int)wh_span_size(frame->file), frame->file.p, frame->line,
			 (int)wh_span_size(match.said), match.said.p);
		assert_string_equal(met, table[i].met);
	}
	struct wh_line_match match;
	struct wh_span line = { "x (Shop::Error)", NULL };
	line.end = line.p + strlen(line.p);
	assert_true(wh_line_match("%r (%e)", line, &match) && is(match.type, "Shop::Error"));
}

/* ---- readers ---- */

static const char *const formats[] = {
	"ada", "backtrace", "clean", "crystal", "d", "elixir", "erlang", "haskell", "julia", "lua", "nim", "ocaml",
	"odin", "perl", "r", "smalltalk", "swift", "v", "zig", "generic", NULL,
};

static const char *const pieces[] = {
	"raised CONSTRAINT_ERROR : a.adb:1 x\n", "0x1 0x2 0x3\n", "Stack trace:\n", "f [module: M]\n", "Unhandled exception: a (B)\n",
	"from a.cr:1:2 in 'f'\n", "a.B@c.d(1): d\n", "??:? f [0x1]\n", "** (A) b\n", "    a.ex:1: A.f/1\n", "** exception error: a\n",
	"{a,b,2,[{file,\"a\"},{line,3}]},\n", "in call from a:b/1 (a, line 2)\n", "CallStack (from HasCallStack):\n",
	"f, called at a.hs:1:2 in b\n", "ERROR: A: b\nStacktrace:\n [1] f\n   @ M ./a.jl:1\n", "stack traceback:\n", "\ta.lua:1: in main chunk\n",
	"a.nim(1) f\n", "Error: unhandled exception: a [B]\n", "Fatal error: exception A\n", "Called from a in file \"b\", line 1, characters 2-3\n",
	"a.odin(1:2) Index 1 is out of range 0..<1\n", "a at b.pl line 1.\n", "a::b(1) called at c line 2\n", "Error in a(b) : c\n",
	"Calls: a -> b ... c -> d\n", "3: a(b) at c#1\n", "A(B)>>c: (d.st:1)\n", "Thread 0 crashed:\n", "0 0x1 f + 1 in m\n", "V panic: a\n",
	"a.v:1: by b\n", "thread 1 panic: a\n", "a.zig:1:2: 0x1 in f (m)\n", "*** a ***: terminated\n", "a(b+0x1)[0x2]\n",
	"  @ 0x1 a\n", " 1# a in b\n", "Stack dump:\n", "#1 0x1 a (b+0x1)\n", "at f (a.b:1)\n", "x\n", "\n",
	NULL,
};

static const char *const endless[] = {
	"a", ": ", "at a.b(", "called at x line 3", "{a,b,2,[{file,\"a\"},{line,3}]},", "0x1 ", " -> a",
	NULL,
};

static const char *const long_beginnings[] = { "Error in process <0.1.0> with exit value:\n", "Error in f(x) : y\nCalls: a -> ", NULL };
static const char *const long_pieces[] = { "{a,b,[", "a -> ", NULL };

/* None of these is a crash report. */
static const char *const texts[] = {
	"We met at the bar in Main street line 3.\nThe table at page 7 line 12 shows it.\n",
	"   raise Constraint_Error with \"raised CONSTRAINT_ERROR : x\";\n",
	"raise ArgumentError, \"** (ArgumentError) x\"\n",
	"  def f(x), do: x\n  @doc \"raises ** (KeyError)\"\n",
	"error(\"stack traceback:\")\nprint(debug.traceback())\n",
	"sub f { die \"no price at $file line $line\\n\" }\n",
	"stop(\"Error in f(x) : no\")\nCalls: the function\n",
	"const std = @import(\"std\");\npub fn main() void {\n    @panic(\"thread 1 panic: x\");\n}\n",
	"vector<vector<int>>::iterator it;\nstd::cin >> x;\nFoo >>bar\n",
	"src/a.c:3: warning: unused variable\nsrc/a.c:7: note: here\nsrc/b.c:9: error: no\n",
	"make[1]: *** [Makefile:12: all] Error 2\n*** WARNING: x ***\n",
	"2026-11-20 10:00:00 ERROR: could not connect: timeout\n2026-11-20 10:00:01 ERROR: again\n",
	"Fatal error: could not open file\npanic: attempted to roll back\n",
	"[ 1] 0x1\n[ 2] 0x2\n# 1 line\n## 2# heading\n",
	"user@example.org(3): hello\nmail@host.d(1): x\n",
	"a.odin(3:4) Error: Undeclared name: x\n/src/x.odin(7:1) Syntax Error: expected ')'\n",
	"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nError: unhandled\n",
	"x.nim(3, 5) Error: undeclared identifier: 'y'\nfile.nim(7) is here\n",
	"Slogan: buy one, get two\n{key,value,2,[a]}\n",
	"Object: a thing. error: another\n",
	"", "\n",
	NULL,
};

static struct hostile hostile = {
	.formats = formats,
	.cuts = 512,
	.rounds = 40,
	.changes = 8,
	.repeat = { .pieces = pieces, .size = (size_t)256 << 10 },
	.endless = { .pieces = endless, .size = (size_t)4 << 20 },
	.texts = texts,
};

HOSTILE_TEST(cut)
HOSTILE_TEST(change)
HOSTILE_TEST(noise)
HOSTILE_TEST(repeat)
HOSTILE_TEST(endless)
HOSTILE_TEST(small_arena)
HOSTILE_TEST(no_reports)

/* Lines as long as one may be. */
static void test_longest(void **state)
{
	(void)state;
	hostile_bear(&hostile, &(struct hostile_load){ long_beginnings, long_pieces, (size_t)60 << 10 });
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns), cmocka_unit_test(test_cut), cmocka_unit_test(test_change),
		cmocka_unit_test(test_noise), cmocka_unit_test(test_repeat), cmocka_unit_test(test_endless),
		cmocka_unit_test(test_longest), cmocka_unit_test(test_small_arena), cmocka_unit_test(test_no_reports),
	};
	hostile.data = argc > 1 ? argv[1] : "tests/data/stack";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
