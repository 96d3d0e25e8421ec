/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files, and what normalisation does to whole stacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "symbol/normalise.h"
#include "symbol/rules.h"

/* A normaliser with these settings ("name=value …") and, where given, the user's rules. */
static struct wh_normaliser *make(const char *settings, const char *rules)
{
	struct wh_values values;
	struct wh_normaliser *normaliser;
	struct wh_err err = { 0 };
	char text[256], path[] = "/tmp/whorl-rules-XXXXXX", *save;
	assert_int_equal(wh_values_init(&values, wh_normalise_params, &err), WH_OK);
	strcpy(text, settings);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');
		*value = '\0';
		assert_int_equal(wh_values_set(&values, word, value + 1, &err), WH_OK);
	}
	if (rules) {
		int file = mkstemp(path);
		assert_true(file >= 0);
		assert_int_equal(write(file, rules, strlen(rules)), strlen(rules));
		close(file);
		assert_int_equal(wh_values_set(&values, "rules", path, &err), WH_OK);
	}
	if (wh_normaliser_new(&normaliser, &values, &err) != WH_OK)
		fail_msg("%s", err.message);
	if (rules)
		unlink(path);
	wh_values_release(&values);
	return normaliser;
}

/* Frames from text: blank-separated names; `?f` an unreliable f, `m:` an unknown function of module m, `??` nothing known,
 * `|` a signal handler, `_` in names stands for itself. */
static size_t parse(const char *text, struct wh_frame *frames, char *copy)
{
	size_t n = 0;
	char *save;
	strcpy(copy, text);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		size_t size = strlen(word);
		struct wh_frame *frame = &frames[n++];
		*frame = (struct wh_frame){ 0 };
		if (!strcmp(word, "|")) {
			frame->handler = true;
			frame->function = "<signal handler called>";
		} else if (size > 1 && word[size - 1] == ':') {
			word[size - 1] = '\0';
			frame->module = word;
		} else if (strcmp(word, "??") != 0) {
			frame->unreliable = word[0] == '?';
			frame->function = word + frame->unreliable;
		}
	}
	return n;
}

static void expect(const struct wh_normaliser *normaliser, const char *before, const char *after)
{
	struct wh_frame frames[128];
	struct wh_normal_frame *normal;
	struct wh_arena arena;
	struct wh_err err = { 0 };
	size_t n;
	char copy[1024], got[1024] = "";
	struct wh_stack stack = { .frames = frames, .n_frames = parse(before, frames, copy) };
	wh_arena_init(&arena, (size_t)1 << 20);
	for (int turn = 0; turn < 2; turn++) { /* the second one over the first one's result */
		if (wh_normalise(normaliser, NULL, &stack, &arena, &normal, &n, NULL, NULL, &err) != WH_OK)
			fail_msg("%s", err.message);
		*got = '\0';
		for (size_t i = 0; i < n; i++)
			sprintf(got + strlen(got), "%s%s", i ? " " : "", normal[i].token);
		if (strcmp(got, after) != 0)
			fail_msg("%s -> %s (turn %d), expected %s", before, got, turn + 1, after);
		for (size_t i = 0; i < n; i++)
			frames[i] = (struct wh_frame){ .function = normal[i].token };
		stack.n_frames = n;
	}
	wh_arena_release(&arena);
}

static void steps(void **state)
{
	(void)state;
	static const char *const table[][2] = {
		{ "", "" },
		{ "f g", "f g" },
		/* cut: the deepest, with what is above */
		{ "raise abort f g", "f g" },
		{ "raise abort __assert_fail_base __assert_fail f g", "f g" },
		{ "waitpid handler | raise abort f g", "f g" },
		{ "a | b | f g", "f g" },
		{ "a | ?? ??", "a" },
		{ "a | libx.so:", "a ?libx.so" },
		{ "raise abort", "abort" },
		{ "raise abort ??", "abort" },
		{ "__exceptionPreprocess objc_exception_throw ___forwarding___ _CF_forwarding_prep_0 f g", "f g" },
		{ "__cxa_rethrow objc_exception_rethrow f g", "f g" },
		/* top */
		{ "memcpy f memcpy g", "f memcpy g" },
		{ "?? memcpy f", "f" },
		{ "libc.so.6: libc.so.6: free f", "f" },
		{ "libx.so: f", "?libx.so f" },
		{ "memcpy", "memcpy" },
		{ "malloc memcpy", "memcpy" },
		{ "__aeabi_memcpy memcpy f", "f" },
		/* who found it, per tool; a message loop's own frames cut nothing */
		{ "__interceptor_memcpy fuzzer::TracePC::AddValueForMemcmp __interceptor_memcmp f g", "f g" },
		{ "fuzzer::Fuzzer::AlarmCallback fuzzer::Fuzzer::StaticAlarmCallback fuzzer::AlarmHandler libpthread.so.0: f g", "?libpthread.so f g" },
		{ "base::debug::StackTrace::StackTrace logging::LogMessage::~LogMessage f g", "f g" },
		{ "f base::debug::TaskAnnotator::RunTask base::MessageLoop::RunTask", "f base::debug::TaskAnnotator::RunTask base::MessageLoop::RunTask" },
		{ "f art_quick_generic_jni_trampoline art_quick_invoke_stub art::ArtMethod::Invoke MterpInvokeVirtual mterp_op_invoke_virtual g", "f g" },
		{ "abort art::Runtime::Abort android::base::LogMessage::~LogMessage f g", "f g" },
		{ "VMError::report_and_die report_vm_out_of_memory f g", "f g" },
		{ "f g ~StubRoutines::call_stub JavaCalls::call_helper jni_invoke_static jni_CallStaticVoidMethod", "f g" },
		{ "pthread_mutex_lock PR_Lock f", "PR_Lock f" },
		{ "__chk_fail _IO_str_chk_overflow __vfprintf_internal ___sprintf_chk sprintf f g", "f g" },
		{ ".raise .g_log .f", "f" },
		{ "__sanitizer_print_stack_trace fuzzer::Fuzzer::CrashCallback fuzzer::Fuzzer::StaticCrashSignalCallback LLVMFuzzerTestOneInput "
		  "fuzzer::Fuzzer::ExecuteCallback fuzzer::Fuzzer::RunOne", "LLVMFuzzerTestOneInput fuzzer::Fuzzer::ExecuteCallback fuzzer::Fuzzer::RunOne" },
		{ "unwind_backtrace valid_state mark_lock __lock_acquire lock_acquire f g", "f g" },
		{ "print_unlock_inbalance_bug lock_release_non_nested lock_release _raw_spin_unlock_irq f g", "f g" },
		/* bottom, but not among the first frames */
		{ "f main __libc_start_main _start", "f main __libc_start_main _start" },
		{ "a b c d e f g h main __libc_start_main _start", "a b c d e f g h" },
		{ "a b c d e f g main __libc_start_main _start", "a b c d e f g main" },
		{ "a b c d e f g h start_thread clone libx.so:", "a b c d e f g h" },
		{ "a b c d e f g h libx.so: main", "a b c d e f g h ?libx.so" },
		/* the machinery's own threads are no report of a crash */
		{ "a b c d e f g h __asan::AsanThread::ThreadStart start_thread clone", "a b c d e f g h" },
		{ "f __asan::AsanThread::ThreadStart start_thread clone", "f __asan::AsanThread::ThreadStart start_thread clone" },
		{ "__asan_report_load4 f g", "f g" },
		/* the smaller languages' */
		{ "onArrayIndexError _d_arraybounds_indexp main.f(int[]) _Dmain", "main.f _Dmain" },
		{ "*Exception::CallStack::print_backtrace:Nil ~procProc(Int32) *Shape#f<Int32>:Int32", "Shape#f" },
		{ "erlang:div/2 a:f/1", "a:f/1" },
		{ ":erlang.div A.f/1", "A.f/1" },
		{ "GHC.Real.CAF Main.f", "Main.f" },
		{ "throw_boundserror getindex f g", "f g" },
		{ "sysFatal f g", "f g" },
		{ "Stdlib.failwith A.f", "A.f" },
		{ "ZeroDivide(Exception)>>signal SmallInteger(Number)>>zeroDivide SmallInteger>>// A>>f", "A>>f" },
		{ "_assertionFailure(_:_:file:line:flags:) f(_:)", "f" },
		{ "builtin__panic_debug builtin__panic_n2 builtin__array_get main__f", "main__f" },
		{ "panicImpl defaultPanic f__anon_12 main", "f__anon main" },
		{ "google::LogMessage::Fail() google::LogMessageFatal::~LogMessageFatal() f", "f" },
		/* scripts, .NET, Kotlin */
		{ "v8::internal::V8::FatalProcessOutOfMemory v8::internal::Heap::CollectGarbage f g", "f g" },
		{ "f Generator.next __awaiter g", "f g" },
		{ "System.ThrowHelper.ThrowKeyNotFoundException A.f System.Runtime.CompilerServices.TaskAwaiter.GetResult A.g", "A.f A.g" },
		{ "Illuminate\\Foundation\\Bootstrap\\HandleExceptions->handleError f call_user_func g", "f g" },
		{ "rb_print_backtrace rb_vm_bugreport sigsegv f g", "f g" },
		{ "kotlin.Throwable.<init> kotlin.IllegalStateException.<init> a.f a.g", "a.f a.g" },
		{ "kotlin.jvm.internal.Intrinsics.throwNpe a.f _COROUTINE._BOUNDARY._ a.g", "a.f a.g" },
		{ "a b c d e f g h Module._compile Module.load executeUserEntryPoint", "a b c d e f g h" },
		/* unknown */
		{ "?? f ?? g ??", "f g" },
		{ "?? ??", "" },
		{ "|", "" },
		{ "liba.so.1: liba.so.2: libb.so:", "?liba.so ?libb.so" },
		{ "?? liba.so: ??", "?liba.so" },
		/* unreliable */
		{ "?a f ?b g", "f g" },
		{ "?a ?b", "a b" },
		/* collapse */
		{ "f f f g g", "f g" },
		{ "a b a b a b c", "a b c" },
		{ "a b a b a c", "a b a c" },
		{ "x a b c a b c y", "x a b c y" },
		{ "a a b a a b", "a b" },
		{ "a b c b c a b c b c", "a b c" },
	};
	struct wh_normaliser *normaliser = make("", NULL);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		expect(normaliser, table[i][0], table[i][1]);
	wh_normaliser_free(normaliser);
}

static void settings(void **state)
{
	(void)state;
	struct wh_normaliser *normaliser = make("keep-machinery=true", NULL);
	expect(normaliser, "raise abort f f main", "raise abort f main");
	wh_normaliser_free(normaliser);
	normaliser = make("keep-recursion=true", NULL);
	expect(normaliser, "raise abort f f g g", "f f g g");
	wh_normaliser_free(normaliser);
	normaliser = make("max-frames=2", NULL);
	expect(normaliser, "raise abort f f g h", "f g");
	wh_normaliser_free(normaliser);
	normaliser = make("keep-first=0", NULL);
	expect(normaliser, "f main __libc_start_main _start", "f");
	expect(normaliser, "main __libc_start_main _start", "main");
	wh_normaliser_free(normaliser);
	normaliser = make("keep-first=0 max-frames=2", NULL);
	expect(normaliser, "f main g", "f");
	wh_normaliser_free(normaliser);
	normaliser = make("builtin-rules=false", NULL);
	expect(normaliser, "raise abort f", "raise abort f");
	wh_normaliser_free(normaliser);
	normaliser = make("drop-glue=true keep-first=0", NULL);
	expect(normaliser, "f g_closure_invoke g g_main_loop_run gtk_main main", "f g");
	wh_normaliser_free(normaliser);
	normaliser = make("", NULL);
	expect(normaliser, "f g_closure_invoke g", "f g_closure_invoke g");
	wh_normaliser_free(normaliser);
}

static void user_rules(void **state)
{
	(void)state;
	struct wh_normaliser *normaliser = make("", "# mine\n"
						    "top my_assert_*\n"
						    "any trampoline*   # wherever\n"
						    "keep abort\n"
						    "rename old_* new_*\n"
						    "rename \"a name\" b\n"
						    "strip-prefix lib42_\n"
						    "strip-suffix _v?\n"
						    "module libq.so* any *\n"
						    "cut-above my_panic\r\n"
						    "\n   \t\n");
	expect(normaliser, "my_assert_x my_assert_y f", "f");
	expect(normaliser, "f trampoline_1 g", "f g");
	expect(normaliser, "raise abort f", "abort f");
	expect(normaliser, "x my_panic old_f lib42_g h_v3", "new_f g h");
	expect(normaliser, "f libq.so.1: g", "f g");
	expect(normaliser, "my_assert_x", "my_assert_x");
	wh_normaliser_free(normaliser);
	normaliser = make("", "keep my_handler\n");
	expect(normaliser, "my_handler raise abort f", "my_handler f"); /* kept, though something below cuts */
	wh_normaliser_free(normaliser);
	normaliser = make("", "rename a b\nrename b a\n"); /* does not end, and must not matter */
	struct wh_frame frame = { .function = "a" };
	struct wh_stack stack = { .frames = &frame, .n_frames = 1 };
	struct wh_arena arena;
	struct wh_normal_frame *frames;
	size_t n;
	wh_arena_init(&arena, (size_t)1 << 20);
	assert_int_equal(wh_normalise(normaliser, NULL, &stack, &arena, &frames, &n, NULL, NULL, NULL), WH_OK);
	assert_int_equal(n, 1);
	wh_arena_release(&arena);
	wh_normaliser_free(normaliser);
}

static void rule_errors(void **state)
{
	(void)state;
	static const char *const table[][2] = {
		{ "top abort\ndrop f\n", "x.rules: line 2: no such keyword (top, bottom, any, cut-above, keep, rename, strip-prefix and "
					 "strip-suffix are): drop f" },
		{ "top\n", "x.rules: line 1: a pattern is missing: top" },
		{ "\n\nrename f\n", "x.rules: line 3: a replacement is missing: `rename GLOB REPLACEMENT`: rename f" },
		{ "rename f* a*b*\n", "x.rules: line 1: more than one star in the replacement: rename f* a*b*" },
		{ "rename *f* a*\n", "x.rules: line 1: a star in the replacement needs exactly one in the pattern: rename *f* a*" },
		{ "top \"abc\n", "x.rules: line 1: a quote is not closed: top \"abc" },
		{ "top \"abc\" d\n", "x.rules: line 1: more on the line than a rule: top \"abc\" d" },
		{ "top \"\"\n", "x.rules: line 1: an empty pattern: top \"\"" },
		{ "module\n", "x.rules: line 1: module what? `module GLOB KEYWORD …`: module" },
		{ "module a\n", "x.rules: line 1: a keyword is missing: module a" },
		{ "strip-suffix *\n", "x.rules: line 1: a pattern that fits everything: strip-suffix *" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct wh_rules *rules;
		struct wh_err err = { 0 };
		assert_int_equal(wh_rules_new(&rules, &err), WH_OK);
		assert_int_equal(wh_rules_add(rules, "x.rules", table[i][0], strlen(table[i][0]), &err), WH_E_FORMAT);
		assert_string_equal(err.message, table[i][1]);
		wh_rules_free(rules);
	}
	struct wh_rules *rules;
	struct wh_err err = { 0 };
	assert_int_equal(wh_rules_new(&rules, &err), WH_OK);
	assert_int_equal(wh_rules_add(rules, "x.rules", "top a\0b\n", 8, &err), WH_E_FORMAT);
	wh_rules_free(rules);
}

/* The one that is older wins, be it by name or by pattern. */
static void rule_order(void **state)
{
	(void)state;
	static const char text[] = "top f*\nmodule m.so top foo\ntop foo\ntop *o\ntop ?oo\nbottom operator new[]\n";
	struct wh_rules *rules;
	struct wh_err err = { 0 };
	assert_int_equal(wh_rules_new(&rules, &err), WH_OK);
	assert_int_equal(wh_rules_add(rules, "x", text, sizeof text - 1, &err), WH_OK);
	assert_string_equal(wh_rules_match(rules, WH_RULE_TOP, "", "foo", 3)->where, "x:1 top f*");
	assert_string_equal(wh_rules_match(rules, WH_RULE_TOP, "", "boo", 3)->where, "x:4 top *o");
	assert_null(wh_rules_match(rules, WH_RULE_TOP, "", "bar", 3));
	assert_null(wh_rules_match(rules, WH_RULE_BOTTOM, "", "foo", 3));
	assert_non_null(wh_rules_match(rules, WH_RULE_BOTTOM, "", "operator new[]", 14));
	wh_rules_free(rules);
}

static void builtin_rules(void **state)
{
	(void)state;
	struct wh_normaliser *normaliser = make("drop-glue=true", NULL);
	wh_normaliser_free(normaliser);
	size_t n = 0;
	for (const struct wh_rules_text *t = wh_rules_builtin; t->name; t++, n++) {
		assert_int_equal(strlen(t->text), t->size);
		assert_true(!strncmp(t->name, "rules/", 6));
	}
	assert_true(n > 10);
}

struct log {
	char text[2048];
};

static void note(void *user, size_t frame, const char *rule, const char *before, const char *after)
{
	struct log *log = user;
	const char *space = strchr(rule, ' '); /* without file and line, which change */
	if (!strncmp(rule, "rules/", 6) && space)
		rule = space + 1;
	snprintf(log->text + strlen(log->text), sizeof log->text - strlen(log->text), "%zu %s: %s -> %s\n", frame, rule, before,
		 after ? after : "dropped");
}

static void trace(void **state)
{
	(void)state;
	struct wh_frame list[] = { { .function = "__GI_raise" }, { .function = "abort" }, { .function = "_ZN1a1bEi.isra.0" }, { .function = "f" },
				   { .function = "f" } };
	struct wh_stack stack = { .frames = list, .n_frames = sizeof list / sizeof *list };
	struct wh_normaliser *normaliser = make("", NULL);
	struct wh_normal_frame *frames;
	struct wh_arena arena;
	struct log log = { "" };
	size_t n;
	wh_arena_init(&arena, (size_t)1 << 20);
	assert_int_equal(wh_normalise(normaliser, NULL, &stack, &arena, &frames, &n, note, &log, NULL), WH_OK);
	assert_int_equal(n, 2);
	assert_ptr_equal(frames[0].frame, &list[2]);
	assert_string_equal(log.text, "0 strip-prefix __GI_: __GI_raise -> raise\n"
				      "2 demangle: _ZN1a1bEi.isra.0 -> a::b(int) [clone .isra.0]\n"
				      "2 signature: a::b(int) [clone .isra.0] -> a::b\n"
				      "0 cut-above abort: raise -> dropped\n"
				      "1 cut-above abort: abort -> dropped\n"
				      "4 a repeated turn of a recursion: f -> dropped\n");
	wh_arena_release(&arena);
	wh_normaliser_free(normaliser);
}

/* Random stacks of few names, so that everything happens to everything. */
static void random_stacks(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "raise", "abort", "main", "_start", "memcpy", "free", "|", "??", "x.so:", "y.so:",
					     "start_thread", "__asan::AsanThread::ThreadStart", "__asan::f", "?u", "?main", "g_closure_invoke", "kept" };
	static const char *const kinds[] = { "", "keep-first=0", "max-frames=4 keep-first=2", "keep-recursion=true drop-glue=true",
					     "drop-glue=true keep-first=1", "keep-machinery=true", "identity=module-function" };
	struct wh_rng rng;
	struct wh_normal_cache *cache = wh_normal_cache_new();
	(void)state;
	wh_rng_init(&rng, 11);
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
		struct wh_normaliser *normaliser = make(kinds[kind], "keep kept\n");
		struct wh_arena arena;
		wh_arena_init(&arena, (size_t)1 << 20);
		for (int round = 0; round < 20000; round++) {
			char text[1024] = "", copy[1024];
			uint64_t few = 2 + wh_rng_below(&rng, 20);
			for (uint64_t k = wh_rng_below(&rng, 24); k; k--)
				strcat(strcat(text, names[wh_rng_below(&rng, few)]), " ");
			struct wh_frame frames[32];
			struct wh_stack stack = { .frames = frames, .n_frames = parse(text, frames, copy) };
			struct wh_normal_frame *once, *twice;
			size_t n, n_twice;
			wh_arena_reset(&arena);
			assert_int_equal(wh_normalise(normaliser, cache, &stack, &arena, &once, &n, NULL, NULL, NULL), WH_OK);
			for (size_t i = 0; i < n; i++)
				frames[i] = (struct wh_frame){ .function = once[i].token };
			stack.n_frames = n;
			assert_int_equal(wh_normalise(normaliser, cache, &stack, &arena, &twice, &n_twice, NULL, NULL, NULL), WH_OK);
			bool same = n == n_twice;
			for (size_t i = 0; same && i < n; i++)
				same = !strcmp(once[i].token, twice[i].token);
			if (!same)
				fail_msg("not stable with %s: %s", kinds[kind], text);
		}
		wh_arena_release(&arena);
		wh_normaliser_free(normaliser);
	}
	wh_normal_cache_free(cache);
}

/* As many frames as a stack may have, of the kinds that make every step work hardest. */
static void large(void **state)
{
	(void)state;
	struct wh_normaliser *normaliser = make("", NULL);
	struct wh_frame *frames = calloc(WH_STACK_MOST_FRAMES, sizeof *frames);
	struct wh_normal_frame *normal;
	struct wh_arena arena;
	size_t n;
	wh_arena_init(&arena, (size_t)1 << 28);
	for (int kind = 0; kind < 5; kind++) {
		for (size_t i = 0; i < WH_STACK_MOST_FRAMES; i++) {
			static const char *const sets[][3] = { { "a", "a", "a" }, { "a", "b", "a" }, { "free", "free", "free" }, { "main", "main", "main" },
							       { "?x", "?x", "?x" } };
			frames[i].function = sets[kind][i % 3];
		}
		struct wh_stack stack = { .frames = frames, .n_frames = WH_STACK_MOST_FRAMES };
		wh_arena_reset(&arena);
		assert_int_equal(wh_normalise(normaliser, NULL, &stack, &arena, &normal, &n, NULL, NULL, NULL), WH_OK);
		assert_in_range(n, 1, 3);
	}
	free(frames);
	wh_arena_release(&arena);
	wh_normaliser_free(normaliser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),      cmocka_unit_test(settings),      cmocka_unit_test(user_rules), cmocka_unit_test(rule_errors),
		cmocka_unit_test(rule_order), cmocka_unit_test(builtin_rules), cmocka_unit_test(trace),	     cmocka_unit_test(random_stacks),
		cmocka_unit_test(large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
