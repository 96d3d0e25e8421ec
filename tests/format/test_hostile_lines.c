/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile_lines DATA: patterns of lines, and the readers that are tables of them, against what no printer prints: fixtures cut
 * off and changed, noise, lines without end, memory that is short, and texts that are no reports. Texts lie in blocks of their very
 * size, so that a sanitizer sees every byte read too far. */
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
#include "format/stack/line_pattern.h"
#include "format/stack/list.h"

#define ARENA ((size_t)64 << 20)

static const char *data;
static const struct wh_format *const formats[] = {
	&wh_format_ada,	  &wh_format_backtrace, &wh_format_clean, &wh_format_crystal, &wh_format_d,	   &wh_format_elixir, &wh_format_erlang,
	&wh_format_haskell, &wh_format_julia,	&wh_format_lua,	  &wh_format_nim,     &wh_format_ocaml,	   &wh_format_odin,   &wh_format_perl,
	&wh_format_r,	  &wh_format_smalltalk, &wh_format_swift, &wh_format_v,	      &wh_format_zig,	   &wh_format_generic,
};
#define N_FORMATS (sizeof formats / sizeof *formats)

/* ---- patterns ---- */

static bool is(struct wh_span s, const char *text)
{
	return wh_span_size(s) == strlen(text) && !memcmp(s.p, text, strlen(text));
}

/* What the fields met: function|module|file|line|said. */
static void patterns(void **state)
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

struct counts {
	size_t reports, skips;
};

static int count_report(void *user, struct wh_observation *o, struct wh_err *err)
{
	(void)o, (void)err;
	((struct counts *)user)->reports++;
	return WH_OK;
}

static int count_skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)line, (void)why, (void)err;
	((struct counts *)user)->skips++;
	return WH_OK;
}

static int sureness(const struct wh_format *format, const char *text, size_t n)
{
	int sure = n ? format->detect(text, n) : 0, late = n && format->detect_late ? format->detect_late(text, n, sure) : 0;
	return late > sure ? late : sure;
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
	assert_in_range(sureness(format, block, n), 0, 100);
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
	for (size_t i = 0; i < N_FORMATS; i++) {
		char folder[4096];
		struct walk walk = { .format = formats[i], .each = each };
		struct wh_err err;
		snprintf(folder, sizeof folder, "%s/%s", data, formats[i]->name);
		assert_int_equal(wh_walk(folder, walk_file, &walk, &err), WH_OK);
		assert_true(walk.n > 0);
	}
}

static void cut_one(const struct wh_format *format, const char *text, size_t n)
{
	for (size_t i = 0, step = n > 1024 ? n / 256 : 1; i < n; i += step)
		read_text(format, text, i, ARENA);
}

static void cut_off(void **state)
{
	(void)state;
	each_fixture(cut_one);
}

static void change_one(const struct wh_format *format, const char *text, size_t n)
{
	static const char odd[] = "\0\n\r\t\"'()[]{}:/|+-<>,@#% \x1b\xc2\xff" "0x9";
	struct wh_rng rng;
	char *copy = malloc(n);
	assert_non_null(copy);
	wh_rng_init(&rng, n);
	for (int round = 0; round < 40; round++) {
		memcpy(copy, text, n);
		for (int i = 0; i < 8; i++) {
			size_t at = wh_rng_below(&rng, n), from = wh_rng_below(&rng, n), length = wh_rng_below(&rng, 64);
			length = length < n - at ? length : n - at;
			length = length < n - from ? length : n - from;
			if (i & 1)
				memmove(copy + at, copy + from, length);
			else
				copy[at] = odd[wh_rng_below(&rng, sizeof odd - 1)];
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
	for (int round = 0; round < 100; round++) {
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = round & 1 ? (char)wh_rng_next(&rng) : "\0\n (:'\"at.F"[wh_rng_below(&rng, 11)];
		for (size_t i = 0; i < N_FORMATS; i++)
			assert_int_equal(read_text(formats[i], text, sizeof text, ARENA).reports, 0);
	}
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* piece over and over, n bytes of it. */
static void repeat(const char *piece, size_t n, double most)
{
	size_t length = strlen(piece);
	char *text = malloc(n);
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = piece[i % length];
	for (size_t i = 0; i < N_FORMATS; i++) {
		double start = seconds(), spent;
		read_text(formats[i], text, n, ARENA);
		spent = seconds() - start;
		if (spent > most)
			fail_msg("%s: %.1f s for %zu bytes of %s", formats[i]->name, spent, n, piece);
	}
	free(text);
}

static void one_line(void **state)
{
	(void)state;
	static const char *const pieces[] = { "a", ": ", "at a.b(", "called at x line 3", "{a,b,2,[{file,\"a\"},{line,3}]},", "0x1 ", " -> a" };
	static const char *const starts[] = { "Error in process <0.1.0> with exit value:\n{a,b,[", "Error in f(x) : y\nCalls: a -> " };
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
		repeat(pieces[p], (size_t)4 << 20, 20);
	/* lines as long as one may be */
	for (size_t p = 0; p < sizeof starts / sizeof *starts; p++) {
		const size_t n = strlen(starts[p]), most = (size_t)60 << 10;
		const char *piece = strrchr(starts[p], '\n') + 1;
		char *text = malloc(n + most);
		assert_non_null(text);
		memcpy(text, starts[p], n);
		for (size_t i = n; i < n + most; i++)
			text[i] = p ? "a -> "[(i - n) % 5] : piece[(i - n) % strlen(piece)];
		for (size_t i = 0; i < N_FORMATS; i++) {
			double start = seconds();
			read_text(formats[i], text, n + most, ARENA);
			assert_true(seconds() - start < 2);
		}
		free(text);
	}
}

/* What would cost more than linear time where a reader looked back or ahead without bound. */
static void many_lines(void **state)
{
	(void)state;
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
	};
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
		repeat(pieces[p], (size_t)256 << 10, 5);
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
	};
	for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
		for (size_t i = 0; i < N_FORMATS; i++) {
			int sure = sureness(formats[i], texts[t], strlen(texts[t]));
			if (sure >= WH_DETECT_LEAST)
				fail_msg("%s is %d sure of %.40s", formats[i]->name, sure, texts[t]);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns), cmocka_unit_test(cut_off),	  cmocka_unit_test(change_bytes), cmocka_unit_test(read_noise),
		cmocka_unit_test(one_line), cmocka_unit_test(many_lines), cmocka_unit_test(small_arena),  cmocka_unit_test(not_reports),
	};
	data = argc > 1 ? argv[1] : "tests/data/stack";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
