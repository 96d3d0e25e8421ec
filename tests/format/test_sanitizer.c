/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of sanitizers and Valgrind: frame lines, prefixes, derived states, and input that is cut, random or endless.
 * test_sanitizer DATA: DATA/{sanitizer,valgrind}/ holds the logs that are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/input.h"
#include "format/format.h"
#include "format/stack/crash_type.h"
#include "format/stack/list.h"
#include "format/stack/log_prefix.h"
#include "format/stack/sanitizer_frame.h"
#include "observation/stack.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *data;

static struct wh_span span(const char *text)
{
	return (struct wh_span){ text, text + strlen(text) };
}

static void assert_span(struct wh_span got, const char *want)
{
	if (!want) {
		assert_int_equal(wh_span_size(got), 0);
		return;
	}
	if (wh_span_size(got) != strlen(want) || memcmp(got.p, want, strlen(want)))
		fail_msg("%.*s, expected %s", (int)wh_span_size(got), got.p, want);
}

static void frame_lines(void **state)
{
	static const struct {
		const char *text, *function, *file, *module, *build_id;
		uint32_t line;
	} lines[] = {
		{ "    #0 0x4f in main a.c:3:4", "main", "a.c", NULL, NULL, 3 },
		{ "    #0 0x4f in main a.c:3", "main", "a.c", NULL, NULL, 3 },
		{ "    #0 0x4f in main /a.c", "main", "/a.c", NULL, NULL, 0 },
		{ "    #1 0x4f in f+0x12 (/lib/x.so+0x4f) (BuildId: 12ab)", "f", NULL, "/lib/x.so", "12ab", 0 },
		{ "    #2 0x4f  (/lib/x.so+0x4f)", NULL, NULL, "/lib/x.so", NULL, 0 },
		{ "    #2 0x4f (x.so+0x4f) (BuildId: 0)", NULL, NULL, "x.so", "0", 0 },
		{ "    #3 f /src/a.cc:3:1 (x.so+0x4f) (BuildId: 12ab)", "f", "/src/a.cc", "x.so", "12ab", 3 },
		{ "    #3 malloc <null> (x.so+0x4f)", "malloc", NULL, "x.so", NULL, 0 },
		{ "    #3 <null> <null> (x.so+0x4f)", NULL, NULL, "x.so", NULL, 0 },
		{ "#4 0x7f base::debug::StackTrace::StackTrace()", "base::debug::StackTrace::StackTrace()", NULL, NULL, NULL, 0 },
		{ "  #5 0x7f in f(int) (.part.0) (/a+0x1)", "f(int) (.part.0)", NULL, "/a", NULL, 0 },
		{ "   #6.1  0x0000 in Unwind ../a.h:7 <libc.so>+0x12", "Unwind", "../a.h", "libc.so", NULL, 7 },
		{ "   #7 0x1 in start_main ../a.c:93 <<application>>+0xad0f1", "start_main", "../a.c", "<application>", NULL, 93 },
		{ "#8 0x1 in std::function<void (int, in::A)>::operator()(int, in::A) const /s/f.h:1:2",
		  "std::function<void (int, in::A)>::operator()(int, in::A) const", "/s/f.h", NULL, NULL, 1 },
		{ "#9 0x1 in operator/(V const&, V const&) /s/v.cc:2:3", "operator/(V const&, V const&)", "/s/v.cc", NULL, NULL, 2 },
		{ "I/wrap.sh(12): #10 0x1 in f D:/a b/c.cc:2", "f", "D:/a b/c.cc", NULL, NULL, 2 },
		{ "#11 0x1 in ??", NULL, NULL, NULL, NULL, 0 },
		{ "#12 0x1 in f(void (*)(int) /cut.cc:1", "f(void (*)(int)", "/cut.cc", NULL, NULL, 1 },
	};
	static const char *const others[] = {
		"", "#", "#1", "#1 ", "#12\tNEW    cov: 6 ft: 7 corp: 2/2b", "#1 main at a.c:3", "a#1 0x1 in f", "# 1 0x1", "#x 0x1 in f",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct wh_frame_line frame;
		if (!wh_frame_line_read(span(lines[i].text), &frame))
			fail_msg("no frame: %s", lines[i].text);
		assert_span(frame.function, lines[i].function);
		assert_span(frame.file, lines[i].file);
		assert_span(frame.module, lines[i].module);
		assert_span(frame.build_id, lines[i].build_id);
		assert_int_equal(frame.line, lines[i].line);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		struct wh_frame_line frame;
		if (wh_frame_line_read(span(others[i]), &frame))
			fail_msg("a frame: %s", others[i]);
	}
}

static void log_prefixes(void **state)
{
	static const char *const lines[][2] = {
		{ "[2026-03-01T10:00:00.123Z]     #0", "    #0" },
		{ "2026-03-01 10:00:00,123     #0", "    #0" },
		{ "[12:34:56] x", "x" },
		{ "12:34:56.5 x", "x" },
		{ "[   12.345678] BUG", "BUG" },
		{ "[   12.345678][  T123] BUG", "BUG" },
		{ "03-01 12:00:00.100  1234  1250 I tag : x", "x" },
		{ "03-01 12:00:00.100  1234  1250 F DEBUG   :     #00", "    #00" },
		{ "03-01 12:00:00.100  1234  1250 I tag :", "" },
		{ "I/tag ( 1234): x", "x" },
		{ "Mar  1 12:00:00 host program[12]: x", "x" },
		{ "service-1  | 2026-03-01T10:00:00Z x", "x" },
		{ "[1:1:0606/183214.7:FATAL:a.cc(1)] x", "[1:1:0606/183214.7:FATAL:a.cc(1)] x" },
		{ "==1==ERROR", "==1==ERROR" },
		{ "Marx 1", "Marx 1" },
		{ "[", "[" },
		{ "", "" },
		{ "2026", "2026" },
		{ "I/", "I/" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_string_equal(wh_log_line(span(lines[i][0])).p, lines[i][1]);
}

static void crash_states(void **state)
{
	static const char *const texts[][3] = {
		{ "nothing\n", NULL, NULL },
		{ "a.cc:3:1: runtime error: left shift of negative value -1\n    #0 0x1 in f(int) a.cc:3:1\n    #1 0x2 in main\n",
		  "Undefined-shift", "f" },
		{ "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000008 (pc 0x1)\n"
		  "==1==The signal is caused by a READ memory access.\n    #0 0x1 in ns::A::b(int) const a.cc:1\n",
		  "Null-dereference READ", "ns::A::b" },
		{ "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602 at pc\nREAD of size 4096 at 0x602 thread T0\n"
		  "    #0 0x1 in __asan_memcpy x.cc:1\n    #1 0x2 in copy0x7fffdeadbeef12345 y.cc:1\n",
		  "Heap-buffer-overflow\nREAD {*}", "copyADDRESS" },
		{ "==1==ERROR: AddressSanitizer: stack-overflow on address 0x7ff at pc\n"
		  "    #0 0x1 in leaf a.c:1\n    #1 0x1 in a a.c:1\n    #2 0x1 in b a.c:1\n    #3 0x1 in a a.c:1\n    #4 0x1 in b a.c:1\n"
		  "    #5 0x1 in a a.c:1\n    #6 0x1 in b a.c:1\n    #7 0x1 in a a.c:1\n",
		  "Stack-overflow", NULL },
		{ "thread 'main' panicked at src/main.rs:2:5:\nindex 7\n", "ASSERT", "index 7" },
		{ "#\n# Fatal error in ../src/a.cc, line 12\n# Check failed: a == b (1 vs. 2).\n#\n", "CHECK failure", "a == b in a.cc" },
		{ "x: error while loading shared libraries: liba.so: cannot open shared object file: No such\n", "Missing-library", "liba.so" },
	};
	struct wh_arena arena;
	(void)state;
	wh_arena_init(&arena, (size_t)1 << 20);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct wh_crash crash;
		assert_int_equal(wh_crash_derive(span(texts[i][0]), &arena, &crash, NULL), WH_OK);
		if (!texts[i][1]) {
			assert_null(crash.type);
			continue;
		}
		assert_non_null(crash.type);
		assert_string_equal(crash.type, texts[i][1]);
		if (texts[i][2])
			assert_string_equal(crash.state, texts[i][2]);
	}
	wh_arena_release(&arena);
}

static void frames_alone(void **state)
{
	struct wh_frame frames[] = { { .function = "__asan_memcpy" }, { .function = "raise", .file = "raise.c" },
				     { .function = "ns::f(int)", .file = "a.cc" }, { .module = "/lib/x.so" }, { .function = "main" } };
	struct wh_stack stack = { .frames = frames, .n_frames = COUNT(frames) }, none = { .n_frames = 0 };
	struct wh_arena arena;
	const char *text;
	(void)state;
	wh_arena_init(&arena, (size_t)1 << 20);
	assert_int_equal(wh_crash_state_of_frames(&stack, &arena, &text, NULL), WH_OK);
	assert_string_equal(text, "ns::f\nx.so");
	assert_int_equal(wh_crash_state_of_frames(&none, &arena, &text, NULL), WH_OK);
	assert_null(text);
	wh_arena_release(&arena);
}

struct seen {
	size_t records, frames;
};

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct seen *seen = user;
	const struct wh_stack *stack = o->body;
	(void)err;
	seen->records++;
	seen->frames += stack->n_frames;
	return WH_OK;
}

static int pass_over(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)user;
	(void)line;
	(void)why;
	(void)err;
	return WH_OK;
}

/* text is copied to memory of exactly its size, so that a sanitizer sees what is read beyond. */
static struct seen read_text(const struct wh_format *format, const char *text, size_t n, size_t limit, int want)
{
	struct seen seen = { 0, 0 };
	struct wh_arena arena;
	char *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	if (n)
		memcpy(copy, text, n);
	wh_arena_init(&arena, limit);
	struct wh_reader reader = { .describe = true, .name = "test", .text = copy, .size = n, .first_line = 1, .arena = &arena, .take = take, .skip = pass_over,
				    .user = &seen, .format = format };
	struct wh_err err = { 0 };
	int sure = format->detect(copy, n < WH_DETECT_SIZE ? n : WH_DETECT_SIZE);
	assert_in_range(sure, 0, 100);
	int code = format->read(&reader, &err);
	if (want >= 0)
		assert_int_equal(code, want);
	wh_arena_release(&arena);
	free(copy);
	return seen;
}

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

static void cut_and_broken(void **state)
{
	const struct wh_format *const formats[] = { &wh_format_sanitizer, &wh_format_valgrind };
	size_t files = 0;
	(void)state;
	for (size_t f = 0; f < COUNT(formats); f++) {
		char folder[4096];
		snprintf(folder, sizeof folder, "%s/%s", data, formats[f]->name);
		DIR *listing = opendir(folder);
		assert_non_null(listing);
		for (struct dirent *entry; (entry = readdir(listing));) {
			char path[8192];
			struct wh_input input;
			size_t n = strlen(entry->d_name);
			if (n < 4 || strcmp(entry->d_name + n - 4, ".txt"))
				continue;
			snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
			assert_int_equal(wh_input_open(&input, path, NULL), WH_OK);
			files++;
			for (size_t size = 0; size <= input.size; size += 7) {
				read_text(formats[f], input.text, size, (size_t)4 << 20, WH_OK);
				read_text(formats[f], input.text + size, input.size - size, (size_t)4 << 20, WH_OK);
			}
			uint64_t random = 1;
			for (int round = 0; round < 100; round++) {
				char *broken = malloc(input.size + 1);
				assert_non_null(broken);
				memcpy(broken, input.text, input.size);
				for (int i = 0; i < 12 && input.size; i++)
					broken[next(&random) % input.size] = "\0\xff\n()#:+ <x0"[next(&random) % 13];
				read_text(formats[f], broken, input.size, (size_t)4 << 20, WH_OK);
				free(broken);
			}
			read_text(formats[f], input.text, input.size, 1, -1); /* no memory: an error, or nothing to read */
			wh_input_release(&input);
		}
		closedir(listing);
	}
	assert_true(files > 10);
}

/* One line without an end, after a header; and headers without an end. */
static void endless(void **state)
{
	static const char *const pieces[] = { "(", "<", "#1 0x1 in f ", "a.cc:1:", " of size ", "[<", "==1", "\xff", "+0x", " on ", "Sanitizer" };
	const size_t size = (size_t)2 << 20;
	char *text = malloc(size);
	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < COUNT(pieces); i++) {
		static const char header[] = "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x1\n    #0 0x1 in ";
		size_t n = sizeof header - 1, m = strlen(pieces[i]);
		memcpy(text, header, n);
		for (; n + m <= size; n += m)
			memcpy(text + n, pieces[i], m);
		read_text(&wh_format_sanitizer, text, n, (size_t)64 << 20, WH_OK);
		memcpy(text, "==1==    at 0x1: ", 17);
		read_text(&wh_format_valgrind, text, n, (size_t)64 << 20, WH_OK);
	}
	size_t n = 0;
	static const char frame[] = "    #1 0x1 in f a.c:1:1\n", head[] = "==1==ERROR: LeakSanitizer: x\n";
	memcpy(text, head, sizeof head - 1);
	for (n = sizeof head - 1; n + sizeof frame < size; n += sizeof frame - 1)
		memcpy(text + n, frame, sizeof frame - 1);
	struct seen seen = read_text(&wh_format_sanitizer, text, n, (size_t)64 << 20, WH_OK);
	assert_int_equal(seen.records, 1);
	free(text);
}

/* A library of a sanitizer holds all its words, and nobody died in it. */
static void libraries_are_no_reports(void **state)
{
	static const char report[] = "\n==1==ERROR: AddressSanitizer: SEGV on unknown address 0x0 (pc 0x1 bp 0x2 sp 0x3 T0)\n    #0 0x1 in f a.c:1\n";
	char text[8192];
	(void)state;
	memset(text, ' ', sizeof text);
	memcpy(text + 4096, report, sizeof report - 1);
	const struct wh_format *format = wh_format_detect(wh_stack_formats, text, sizeof text);
	assert_non_null(format);
	assert_string_equal(format->name, "sanitizer");
	for (size_t i = 0; i < 4096; i += 4)
		text[i] = '\1';
	assert_null(wh_format_detect(wh_stack_formats, text, sizeof text));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_lines),	cmocka_unit_test(log_prefixes),	  cmocka_unit_test(crash_states),
		cmocka_unit_test(frames_alone), cmocka_unit_test(cut_and_broken), cmocka_unit_test(libraries_are_no_reports),
		cmocka_unit_test(endless),
	};
	if (argc < 2)
		return 2;
	data = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
