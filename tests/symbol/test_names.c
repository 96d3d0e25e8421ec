/* SPDX-License-Identifier: Apache-2.0 */
/* test_names NAMES.tsv: every line's name becomes what the line says, and stays so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/input.h"
#include "base/rng.h"
#include "symbol/demangle.h"
#include "symbol/normalise.h"
#include "symbol/rename.h"
#include "symbol/signature.h"

static const char *names_path;

/* The token of one frame alone, in the arena; NULL where it says nothing. */
static const char *normal(const struct wh_normaliser *normaliser, struct wh_normal_cache *cache, struct wh_arena *arena, struct wh_frame frame)
{
	struct wh_stack stack = { .frames = &frame, .n_frames = 1 };
	struct wh_normal_frame *frames;
	struct wh_err err = { 0 };
	size_t n;
	if (wh_normalise(normaliser, cache, &stack, arena, &frames, &n, NULL, NULL, &err) != WH_OK)
		fail_msg("%s", err.message);
	assert_true(n <= 1);
	return n ? frames[0].token : NULL;
}

static struct wh_normaliser *make(const char *name, const char *value)
{
	struct wh_values values;
	struct wh_normaliser *normaliser;
	struct wh_err err = { 0 };
	assert_int_equal(wh_values_init(&values, wh_normalise_params, &err), WH_OK);
	if (name)
		assert_int_equal(wh_values_set(&values, name, value, &err), WH_OK);
	if (wh_normaliser_new(&normaliser, &values, &err) != WH_OK)
		fail_msg("%s", err.message);
	wh_values_release(&values);
	return normaliser;
}

static void table(void **state)
{
	(void)state;
	struct wh_input input;
	struct wh_err err = { 0 };
	struct wh_arena arena;
	struct wh_normaliser *normaliser = make(NULL, NULL);
	struct wh_normal_cache *cache = wh_normal_cache_new();
	size_t checked = 0, wrong = 0;
	assert_int_equal(wh_input_open(&input, names_path, &err), WH_OK);
	wh_arena_init(&arena, (size_t)1 << 24);
	for (const char *p = input.text, *end = p + input.size; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		char *line = wh_arena_strndup(&arena, p, (size_t)((newline ? newline : end) - p));
		p = newline ? newline + 1 : end;
		if (!*line || *line == '#')
			continue;
		char *save, *before = strtok_r(line, "\t", &save), *after = strtok_r(NULL, "\t", &save), *file = strtok_r(NULL, "\t", &save);
		assert_non_null(after);
		const char *got = normal(normaliser, cache, &arena, (struct wh_frame){ .function = before, .file = file });
		const char *again = normal(normaliser, cache, &arena, (struct wh_frame){ .function = got, .file = file });
		const char *alone = normal(normaliser, NULL, &arena, (struct wh_frame){ .function = got });
		checked++;
		if (!got || strcmp(got, after) != 0 || strcmp(again, after) != 0 || strcmp(alone, after) != 0) {
			wrong++;
			print_error("%s -> %s, then %s, %s; %s expected\n", before, got, again, alone, after);
		}
	}
	assert_true(checked >= 150);
	assert_int_equal(wrong, 0);
	wh_arena_release(&arena);
	wh_input_release(&input);
	wh_normal_cache_free(cache);
	wh_normaliser_free(normaliser);
}

static void modules(void **state)
{
	static const char *const table_of[][2] = {
		{ "/usr/lib/libglib-2.0.so.0.3200.3", "?libglib-2.0.so" },
		{ "/lib/libc.so.6", "?libc.so" },
		{ "/lib/x86_64-linux-gnu/libc-2.31.so", "?libc.so" },
		{ "/lib/ld-2.31.so", "?ld.so" },
		{ "libcompiz_core.so.ABI-20120228", "?libcompiz_core.so" },
		{ "/usr/bin/app (deleted)", "?app" },
		{ "C:\\Windows\\System32\\NTDLL.DLL", "?ntdll.dll" },
		{ "Foo.EXE", "?foo.exe" },
		{ "/opt/foo-1.2.3-SNAPSHOT.jar", "?foo.jar" },
		{ "jackson-core-2.9.jar", "?jackson-core.jar" },
		{ "/usr/lib/libfoo.1.2.dylib", "?libfoo.dylib" },
		{ "[vdso]", "?[vdso]" },
		{ "??", NULL },
		{ "", NULL },
		{ "a\nb\xff", "?a\xef\xbf\xbd" "b\xef\xbf\xbd" },
	};
	(void)state;
	struct wh_arena arena;
	struct wh_normaliser *normaliser = make(NULL, NULL);
	wh_arena_init(&arena, (size_t)1 << 24);
	for (size_t i = 0; i < sizeof table_of / sizeof *table_of; i++) {
		const char *got = normal(normaliser, NULL, &arena, (struct wh_frame){ .module = table_of[i][0] });
		if (!table_of[i][1]) {
			assert_null(got);
			continue;
		}
		assert_non_null(got);
		assert_string_equal(got, table_of[i][1]);
		assert_string_equal(normal(normaliser, NULL, &arena, (struct wh_frame){ .function = got }), got);
		assert_string_equal(normal(normaliser, NULL, &arena, (struct wh_frame){ .module = got + 1 }), got);
	}
	wh_arena_release(&arena);
	wh_normaliser_free(normaliser);
}

static void identities(void **state)
{
	(void)state;
	struct wh_arena arena;
	struct wh_frame known = { .function = "foo(int)", .module = "/lib/libx.so.1", .offset = 0x12, .has_offset = true };
	struct wh_frame unknown = { .function = "??", .module = "/lib/libx.so.1", .offset = 0x12, .has_offset = true };
	wh_arena_init(&arena, (size_t)1 << 24);
	struct wh_normaliser *normaliser = make("identity", "module-function");
	assert_string_equal(normal(normaliser, NULL, &arena, known), "libx.so!foo");
	assert_string_equal(normal(normaliser, NULL, &arena, unknown), "?libx.so");
	assert_string_equal(normal(normaliser, NULL, &arena, (struct wh_frame){ .function = "libx.so!foo" }), "libx.so!foo");
	known.function = "libx.so!foo";
	assert_string_equal(normal(normaliser, NULL, &arena, known), "libx.so!foo");
	wh_normaliser_free(normaliser);
	normaliser = make("identity", "module-offset");
	assert_string_equal(normal(normaliser, NULL, &arena, known), "foo");
	assert_string_equal(normal(normaliser, NULL, &arena, unknown), "libx.so+0x12");
	unknown.function = "libx.so+0x12";
	assert_string_equal(normal(normaliser, NULL, &arena, unknown), "libx.so+0x12");
	wh_normaliser_free(normaliser);
	wh_arena_release(&arena);
}

/* Names that were made to hurt: they may become anything, but soon, and something that stays. */
static void hostile(void **state)
{
	(void)state;
	static const char *const units[] = { "<", "(", "(*a ", "{", "[", "'lambda", "`anonymous", "operator<", "operator ", " const", "::", "$_",
					     "$1", "lambda$a$1.", "$$Lambda$1/", ".0", ".isra.0", "a<b", "a(b)::", "<a as b>::", "!(", "_Z", "N1a",
					     "\n", "\xff", "\xe2\x82", "@", "?", "??", ".func1", "_block_invoke_1", "a ", "decltype(", "(anonymous ",
					     "(anonymous namespace)::", "+0x", "CGLIB$$a", "/a", "~", "&", "operator()", "operator\"\" ",
					     "a.b+c", "a.b:c", "<a>d__1.MoveNext", ">g__a|1", ".<>c.", "{closure:", "@anonymous", "async*", "a/<",
					     "block in ", "$f__1", "_closure1", "kfun:", "#" };
	struct wh_arena arena;
	struct wh_normaliser *normaliser = make(NULL, NULL);
	size_t size = (size_t)1 << 20;
	char *text = malloc(size + 32);
	assert_non_null(text);
	wh_arena_init(&arena, (size_t)1 << 26);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		for (int start = 0; start < 2; start++) {
			size_t n = 0, unit = strlen(units[i]);
			if (start)
				n = strlen(strcpy(text, "x::f"));
			for (; n + unit <= size; n += unit)
				memcpy(text + n, units[i], unit);
			text[n] = '\0';
			wh_arena_reset(&arena);
			struct wh_str out = { 0 };
			wh_signature_strip(text, n, &out); /* linear, whatever its caller cuts */
			wh_str_release(&out);
			const char *once = normal(normaliser, NULL, &arena, (struct wh_frame){ .function = text });
			if (!once)
				continue;
			const char *twice = normal(normaliser, NULL, &arena, (struct wh_frame){ .function = once });
			if (!twice || strcmp(once, twice) != 0)
				fail_msg("%s…: %.60s, then %.60s", units[i], once, twice ? twice : "nothing");
			assert_true(strlen(once) <= WH_NAME_MOST + 1);
		}
	free(text);
	wh_arena_release(&arena);
	wh_normaliser_free(normaliser);
}

/* n in base 36 or 62, as the manglings count what they refer back to. */
static void add_number(struct wh_str *to, unsigned n, unsigned base)
{
	static const char digits36[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char digits62[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	if (n >= base)
		add_number(to, n / base, base);
	wh_str_putc(to, (base == 36 ? digits36 : digits62)[n % base]);
}

/* Mangled names whose readable form would be 2^60 times as long: every part holds two of the one before. */
static void runaway(void **state)
{
	(void)state;
	struct wh_str text = { 0 }, out = { 0 };
	for (unsigned levels = 3; levels <= 60; levels += 57) {
		wh_str_clear(&text);
		wh_str_clear(&out);
		wh_str_puts(&text, "_Z1fSt4pairIiiE");
		for (unsigned i = 0; i < levels; i++) {
			wh_str_puts(&text, "S_IS");
			add_number(&text, i, 36);
			wh_str_puts(&text, "_S");
			add_number(&text, i, 36);
			wh_str_puts(&text, "_E");
		}
		assert_int_equal(wh_demangle(text.data, text.n, &out), levels == 3);
		wh_str_clear(&text);
		wh_str_clear(&out);
		wh_str_puts(&text, "_RINvC1a1bTllE");
		for (unsigned i = 0, last = (unsigned)strlen("INvC1a1b"); i < levels; i++) {
			unsigned here = (unsigned)text.n - 2;
			wh_str_puts(&text, "TB");
			add_number(&text, last - 1, 62);
			wh_str_puts(&text, "_B");
			add_number(&text, last - 1, 62);
			wh_str_puts(&text, "_E");
			last = here;
		}
		wh_str_puts(&text, "E");
		assert_int_equal(wh_demangle(text.data, text.n, &out), levels == 3);
	}
	wh_str_clear(&text);
	wh_str_clear(&out);
	wh_str_puts(&text, "_D1a1b");
	for (int i = 0; i < 300; i++)
		wh_str_puts(&text, "TQbQb");
	wh_demangle(text.data, text.n, &out);
	for (const char *unit = "PAFNTIL"; *unit; unit++) {
		static const char *const starts[] = { "_Z1f", "_RNvC1a1b", "_D1a1bF" };
		for (size_t k = 0; k < 3; k++) {
			wh_str_clear(&text);
			wh_str_clear(&out);
			wh_str_puts(&text, starts[k]);
			while (text.n < WH_DEMANGLE_MOST)
				wh_str_putc(&text, *unit);
			wh_demangle(text.data, text.n, &out);
		}
	}
	wh_str_release(&text);
	wh_str_release(&out);
}

/* Names put together at random from pieces that mean something. */
static void random_names(void **state)
{
	(void)state;
	static const char *const pieces[] = { "foo", "A", "::", ".", "<", ">", "(", ")", "[", "]", "{", "}", " ", "const", "operator", "operator<",
					      "operator()", "operator new", "*", "&", ",", "~", "$", "$1", "lambda$x$", "$$Lambda$", "/", "0x1f", "@", "@@V",
					      "__GI_", "std::__1::", "(anonymous namespace)", "{lambda(int)#1}", "{closure#0}", "'lambda'", " as ", "impl ",
					      "!", "!=", "->", ".isra.0", ".0", ".func1", ".func", "-fm", "::h0123456789abcdef", "_Z", "_ZN", "1a", "Ev",
					      "_R", "_D", "?", "??", "+0x", "12", "\n", "\xc3\xa4", "\xff", "decltype", "auto", "java.base/", "main.", "'",
					      "`", "#", "$_", "access$", "b__0", ">b__0", "_block_invoke_2", "[abi:x]", "[clone", "\"\" ", "<init>", "-[",
					      "CGLIB$$", "Accessor1", "$Proxy", "unnamed", "app//", "`1", "<>c", ">d__1.MoveNext", "+", "{closure:", "}",
					      "async*", "/<", "block in ", "global code", "<main>", "{main}", "$eval1", "_closure1", "kfun:", "#" };
	struct wh_rng rng;
	struct wh_arena arena;
	struct wh_normaliser *functions = make(NULL, NULL), *with_modules = make("identity", "module-function");
	struct wh_normal_cache *cache = wh_normal_cache_new();
	wh_rng_init(&rng, 7);
	wh_arena_init(&arena, (size_t)1 << 24);
	for (int round = 0; round < 60000; round++) {
		char text[512] = "";
		for (uint64_t k = 1 + wh_rng_below(&rng, 12); k; k--)
			strcat(text, pieces[wh_rng_below(&rng, sizeof pieces / sizeof *pieces)]);
		static const char *const files[] = { NULL, "a.py", "b.go", "c.java", "d.js", "e.rb", "f.php" }, *const mods[] = { NULL, "/lib/libc.so.6" };
		struct wh_frame frame = { .function = text, .file = files[round % 7], .module = mods[round % 2] };
		const struct wh_normaliser *normaliser = round % 3 ? functions : with_modules;
		wh_arena_reset(&arena);
		const char *once = normal(normaliser, cache, &arena, frame);
		if (!once)
			continue;
		assert_true(*once && !strchr(once, '\n'));
		frame.function = once;
		const char *twice = normal(normaliser, cache, &arena, frame);
		if (!twice || strcmp(once, twice) != 0)
			fail_msg("%s: %s, then %s (%s)", text, once, twice, frame.file);
	}
	wh_arena_release(&arena);
	wh_normal_cache_free(cache);
	wh_normaliser_free(functions);
	wh_normaliser_free(with_modules);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),   cmocka_unit_test(modules), cmocka_unit_test(identities),
		cmocka_unit_test(hostile), cmocka_unit_test(runaway), cmocka_unit_test(random_names),
	};
	if (argc < 2) {
		fprintf(stderr, "usage: test_names NAMES.tsv\n");
		return 2;
	}
	names_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
