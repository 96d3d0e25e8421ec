/* SPDX-License-Identifier: Apache-2.0 */
/* The messages that name a crash. Their order is ClusterFuzz's: several may match a line, and a later one overrides. */
#include "format/stack/crash_machine.h"

#include "format/stack/crash_rules.h"

#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { TRIES = 32 }; /* of a pattern's beginning on one line: the cost stays linear */

/* Where needle is in s, in any case. */
static const char *find_any_case(struct wh_span s, const char *needle)
{
	size_t n = strlen(needle);
	for (; wh_span_size(s) >= n; s.p++)
		if ((*s.p | 32) == *needle && !strncasecmp(s.p, needle, n))
			return s.p;
	return NULL;
}

static void set_assertion(struct wh_crash_machine *m, struct wh_span text)
{
	wh_crash_set_type_name(m, "ASSERT");
	m->n_frames = 1;
	if (wh_span_size(text))
		wh_crash_set_state(m, text, "\n");
}

static bool has_source_file(struct wh_span s)
{
	static const char *const ends[] = { ".c:", ".cc:", ".cpp:", ".cxx:", ".h:", ".hh:", ".hpp:", ".hxx:" };
	for (size_t i = 0; i < COUNT(ends); i++)
		if (wh_scan_find(s, ends[i]))
			return true;
	return false;
}

static void read_assertion(struct wh_crash_machine *m, struct wh_span line)
{
	static const char *const begins[] = { "assertion failed: ", "assertion failure: ", "assert failed: ", "assert failure: ", "panic: " };
	struct wh_span file, text, rest;
	for (size_t i = 0; i < COUNT(begins); i++) {
		const char *at = find_any_case(line, begins[i]);
		if (!at)
			continue;
		struct wh_span before = wh_scan_trim((struct wh_span){ line.p, at });
		if (!wh_span_size(before) || has_source_file(before) || (*before.p == '[' && before.end[-1] == ']')) {
			set_assertion(m, (struct wh_span){ at + strlen(begins[i]), line.end });
			break;
		}
	}
	if (wh_crash_google_log(line, &file, &text) && wh_scan_after(text, "assertion failed at ", &rest) &&
	    wh_scan_after(rest, " in ", &rest) &&
	    wh_scan_after_last(rest, ": ", &rest))
		set_assertion(m, rest);
	const char *at = find_any_case(line, "assertion ");
	if (at) {
		struct wh_span before = wh_scan_trim((struct wh_span){ line.p, at });
		text = (struct wh_span){ at + strlen("assertion "), line.end };
		if (wh_span_size(before) && before.end[-1] == ':') {
			if (wh_span_size(text) && text.end[-1] == '.')
				text.end--;
			const char *failed = text.end - strlen(" failed");
			if (failed >= text.p && !strncasecmp(failed, " failed", strlen(" failed"))) {
				text.end = failed;
				if (wh_span_size(text) && strchr("`'\"", *text.p))
					text.p++;
				if (wh_span_size(text) && strchr("`'\"", text.end[-1]))
					text.end--;
				set_assertion(m, text);
			}
			before.end--;
			const char *digits = before.end;
			while (digits > before.p && wh_is_digit(digits[-1]))
				digits--;
			if (digits < before.end && digits > before.p && digits[-1] == ':' && wh_scan_last(before, "/") &&
			    wh_scan_after_last((struct wh_span){ at, line.end }, " failed: ", &rest))
				set_assertion(m, wh_scan_trim(rest));
		}
	}
	if (m->rust_message) { /* since Rust 1.73 the message has a line of its own */
		m->rust_message = false;
		set_assertion(m, line);
	}
	if (!wh_scan_has(line, "thread ") || !wh_scan_after(line, " panicked at ", &rest))
		return;
	if (wh_scan_skip(&rest, "'")) {
		set_assertion(m, wh_scan_until(rest, "'"));
	} else if (rest.end > rest.p && rest.end[-1] == ':') {
		set_assertion(m, (struct wh_span){ NULL, NULL });
		m->rust_message = true;
	}
}

static void read_debugger(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span s = line, rest;
	if (wh_scan_skip(&s, "Program received signal ")) {
		struct wh_span name = wh_scan_until(s, ",");
		if (name.end < s.end) {
			char upper[32];
			size_t n = 0;
			for (; name.p + n < name.end && n < sizeof upper - 1; n++)
				upper[n] = (name.p[n] >= 'a' && name.p[n] <= 'z') ? (char)(name.p[n] ^ 32) : name.p[n];
			wh_crash_set_type(m, (struct wh_span){ upper, upper + n });
		}
	}
	if (wh_scan_skip(&s, "rip") && s.p < s.end && *s.p == ' ') {
		wh_scan_blanks(&s);
		wh_crash_set_address(m, wh_crash_hex(s));
	}
	s = line;
	if (wh_scan_has(s, "0x") && wh_scan_find(s, " in "))
		wh_crash_set_address(m, wh_crash_hex(s));
	if (wh_scan_has(s, "Reason:") && wh_scan_after(s, "at address", &rest)) {
		while (rest.p < rest.end && !wh_is_digit(*rest.p))
			rest.p++;
		wh_crash_set_address(m, wh_crash_hex(rest));
	}
	if (wh_scan_skip(&s, "Attempt to ")) {
		const char *address = wh_scan_last(s, " address ");
		struct wh_span verb = { s.p, address };
		const char *blank = address ? memrchr(verb.p, ' ', wh_span_size(verb)) : NULL;
		if (blank) {
			char upper[32];
			size_t n = 0;
			for (; verb.p + n < blank && n < sizeof upper - 1; n++)
				upper[n] = (verb.p[n] >= 'a' && verb.p[n] <= 'z') ? (char)(verb.p[n] ^ 32) : verb.p[n];
			wh_crash_set_type(m, (struct wh_span){ upper, upper + n });
			wh_crash_set_address(m, (struct wh_span){ address + strlen(" address "), s.end });
		}
	}
}

static void read_leaks(struct wh_crash_machine *m, struct wh_span line)
{
	if ((!m->type.n || wh_crash_type_is(m, "Indirect-leak")) && wh_scan_has(line, "Direct leak of "))
		wh_crash_begin(m, "Direct-leak");
	if (!m->type.n && wh_scan_has(line, "Indirect leak of "))
		wh_crash_begin(m, "Indirect-leak");
}

/* What a bad cast was from, on the lines after its message. */
static void read_cast_note(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest;
	if (wh_scan_after(line, "note: object is of type ", &rest) || wh_scan_after(line, "note: vtable is of type ", &rest)) {
		rest = wh_crash_strip(rest, "'");
		wh_str_puts(&m->state, " from ");
		wh_str_add(&m->state, rest.p, wh_span_size(rest));
		m->cast_told = true;
	}
	if (wh_scan_find(line, "note: object has invalid vptr") || wh_scan_find(line, "note: invalid vtable")) {
		wh_str_puts(&m->state, " from invalid vptr");
		m->cast_told = true;
	}
	if (wh_scan_after(line, "note: ", &rest) && wh_scan_after_last(rest, " defined here", &rest) && rest.p == rest.end)
		m->cast_told = true;
	if (wh_scan_after(line, "at offset ", &rest) && wh_scan_find(rest, " within object of type ")) {
		wh_str_puts(&m->state, " from base class subobject at offset ");
		rest = wh_scan_until(rest, " ");
		wh_str_add(&m->state, rest.p, wh_span_size(rest));
		m->cast_told = true;
	}
	if (m->cast_told) {
		wh_str_putc(&m->state, '\n');
		m->n_frames++;
	}
}

static void begin_cast(struct wh_crash_machine *m, struct wh_span type)
{
	wh_crash_set_type_name(m, "Bad-cast");
	m->n_frames = 0;
	m->cast_told = false;
	wh_str_clear(&m->state);
	wh_str_puts(&m->state, "Bad-cast to ");
	type = wh_crash_strip(type, "'");
	wh_str_add(&m->state, type.p, wh_span_size(type));
}

static void read_cast(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span message = { 0 }, rest;
	bool error = wh_scan_after(line, ": runtime error: ", &message);
	if (!m->type.n && error &&
	    (wh_scan_has(message, "member access within address ") || wh_scan_has(message, "member call on address ") ||
	     wh_scan_has(message, "downcast of address ")) &&
	    wh_scan_after_last(message, " of type ", &rest)) {
		begin_cast(m, rest);
		struct wh_span address;
		if (wh_scan_after(message, " address ", &address))
			wh_crash_set_address(m, wh_crash_hex(address));
	}
	if (wh_crash_type_is(m, "Bad-cast") && !m->cast_told)
		read_cast_note(m, line);
	if (!m->type.n && error && wh_scan_skip(&message, "control flow integrity check for type ")) {
		const char *failed = wh_scan_last(message, " failed during ");
		if (failed) {
			begin_cast(m, (struct wh_span){ message.p, failed });
			if (wh_scan_after((struct wh_span){ failed, message.end }, "vtable address ", &rest))
				wh_crash_set_address(m, wh_crash_hex(rest));
		}
	}
	if (!m->type.n && wh_scan_has(line, "CFI: Most likely a control flow integrity violation;")) {
		wh_crash_set_type_name(m, "Bad-cast");
		m->cast_told = true;
		m->n_frames = 0;
	}
}

static void read_go(struct wh_crash_machine *m, struct wh_span line)
{
	static const struct {
		const char *text, *type;
	} panics[] = {
		{ "panic: runtime error: integer divide by zero", "Integer divide by zero" },
		{ "panic: runtime error: index out of range", "Index out of range" },
		{ "panic: runtime error: invalid memory address", "Invalid memory address" },
		{ "panic: runtime error: makeslice: len out of range", "Makeslice: len out of range" },
		{ "panic: runtime error: slice bounds out of range", "Slice bounds out of range" },
		{ "fatal error: stack overflow", "Stack overflow" },
	};
	for (size_t i = 0; i < COUNT(panics); i++)
		if (wh_scan_has(line, panics[i].text)) {
			wh_crash_set_type_name(m, panics[i].type);
			m->golang_crash = true;
			wh_str_clear(&m->state);
			m->n_frames = 0;
		}
}

static void read_runtime_error(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span message;
	if (m->type.n || !wh_scan_after(line, ": runtime error: ", &message))
		return;
	const char *type = "UNKNOWN";
	for (size_t i = 0; i < COUNT(runtime_errors); i++)
		if (wh_glob(runtime_errors[i].message, message.p, wh_span_size(message))) {
			type = runtime_errors[i].type;
			break;
		}
	wh_crash_begin(m, type);
}

static bool is_assert_address(uint64_t address)
{
	return address == 0xbbadbeef || address == 0xfbadbeef || address == 0x1f75b7dd || address == 0x977537dd || address == 0x9f7537dd;
}

/* `==1==ERROR: AddressSanitizer: …`; true where nothing else is to be read from the line. */
static bool read_sanitizer(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest, s;
	bool address_sanitizer = wh_scan_find(line, "AddressSanitizer");
	if (wh_scan_after_last(line, "ThreadSanitizer: ", &rest) || wh_scan_after_last(line, "MemorySanitizer: ", &rest)) {
		wh_scan_blanks(&rest);
		struct wh_span name = wh_scan_until(rest, "(:");
		if (!wh_scan_find(line, " suppressions") && !wh_scan_find(line, " warnings") && wh_span_size(name) &&
		    !wh_scan_has(rest, "ABRT") && !wh_scan_has(rest, "ILL")) {
			wh_crash_reset(m);
			wh_crash_set_type_capitalised(m, "", name, "", true);
		}
	}
	if (address_sanitizer && wh_scan_after(line, "memcpy-param-overlap", &rest) && wh_scan_after(rest, "[", &s)) {
		wh_crash_begin(m, "Memcpy-param-overlap");
		wh_crash_set_address(m, wh_crash_hex(s));
	}
	if (wh_scan_after(line, "SEGV on unknown address ", &rest) ||
	    wh_scan_after(line, "access-violation on unknown address ", &rest)) {
		struct wh_span address = wh_crash_hex(rest);
		if (wh_span_size(address)) {
			uint64_t value = 0;
			s = address;
			if (!wh_scan_hex(&s, &value))
				wh_scan_digits16(&s, &value);
			if (wh_crash_type_begins(m, "ASSERT") &&
			    (is_assert_address(value) || wh_scan_find(m->text, " (signal)")))
				return true;
			wh_crash_set_type_name(m, "UNKNOWN");
			wh_crash_set_address(m, address);
			wh_str_clear(&m->state);
			m->n_frames = 0;
			return true;
		}
	}
	if (wh_scan_after(line, "AddressSanitizer: attempting free on address which was not malloc()-ed: ", &rest) &&
	    wh_span_size(wh_crash_hex(rest))) {
		wh_crash_begin(m, "Invalid-free");
		wh_crash_set_address(m, wh_crash_hex(rest));
		return true;
	}
	if (address_sanitizer && wh_scan_after(line, "double-free on ", &rest)) {
		wh_crash_begin(m, "Heap-double-free");
		if (!wh_scan_skip(&rest, "unknown address "))
			wh_scan_skip(&rest, "address ");
		wh_crash_set_address(m, wh_crash_hex(rest));
		return true;
	}
	if (wh_scan_find(line, "Sanitizer: FPE ")) {
		wh_crash_begin(m, "Floating-point-exception");
		return true;
	}
	if (!wh_crash_is_kernel(m) && !m->golang_crash && !m->python_crash && wh_scan_after_last(line, "ERROR: ", &rest)) {
		const char *tool = wh_scan_find(rest, "Sanitizer");
		const char *on = tool ? wh_scan_last((struct wh_span){ tool, rest.end }, " on ") : NULL;
		for (int tries = 0; on && tries < TRIES; tries++, on = wh_scan_last((struct wh_span){ tool, on }, " on ")) {
			struct wh_span address = { on + 4, rest.end };
			if (!wh_scan_skip(&address, "unknown address "))
				wh_scan_skip(&address, "address ");
			address = wh_crash_hex(address);
			if (!wh_span_size(address))
				continue;
			struct wh_span name = { tool + strlen("Sanitizer"), on };
			while (name.p < name.end && (*name.p == ':' || *name.p == ' '))
				name.p++;
			wh_crash_reset(m);
			wh_crash_set_type_capitalised(m, "", name, "_", true);
			wh_crash_set_address(m, address);
			break;
		}
	}
	if (wh_scan_find(line, "Sanitizer: illegal-instruction"))
		wh_crash_set_type_name(m, "Ill");
	if (wh_crash_type_is(m, "Unknown-crash"))
		wh_crash_set_type_name(m, "UNKNOWN");
	return false;
}

/* `READ of size 4 at 0x…` and `The signal is caused by a READ memory access.` */
static void read_access(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span s = line, rest;
	if (wh_crash_type_is(m, "UNKNOWN") && wh_scan_after(line, "The signal is caused by a ", &rest)) {
		struct wh_span access = wh_scan_until(rest, " ");
		if (wh_scan_has((struct wh_span){ access.end, rest.end }, " memory access") && !wh_scan_has(access, "UNKNOWN")) {
			wh_str_putc(&m->type, ' ');
			wh_str_add(&m->type, access.p, wh_span_size(access));
		}
	}
	const char *size = m->kasan ? NULL : wh_scan_find(line, " of size ");
	if (!size)
		return;
	while (s.p < s.end && *s.p == ' ')
		s.p++;
	if (s.p > size)
		return;
	struct wh_span verb = { s.p, size }, word = verb;
	wh_scan_skip(&word, "Atomic ");
	struct wh_span number = wh_scan_until((struct wh_span){ size + strlen(" of size "), line.end }, " ");
	rest = (struct wh_span){ number.end, line.end };
	if (memchr(word.p, ' ', wh_span_size(word)) || !wh_scan_skip(&rest, " at "))
		return;
	wh_crash_set_address(m, wh_crash_hex(rest));
	if (wh_crash_type_begins(m, "UNKNOWN"))
		return;
	wh_str_putc(&m->type, '\n');
	for (const char *p = verb.p; p < verb.end; p++)
		wh_str_putc(&m->type, *p >= 'a' && *p <= 'z' ? (char)(*p ^ 32) : *p);
	wh_str_putc(&m->type, ' ');
	wh_str_add(&m->type, number.p, wh_span_size(number));
}

static bool keeps_before_signal(const struct wh_crash_machine *m)
{
	for (size_t i = 0; i < COUNT(kept_before_signal); i++)
		if (wh_crash_type_is(m, kept_before_signal[i]))
			return true;
	return false;
}

static void read_extra_sanitizers(struct wh_crash_machine *m, struct wh_span line)
{
	static const struct {
		const char *text, *type;
	} bugs[] = {
		{ "Shell corruption===", "Command injection" }, { "Shell injection===", "Command injection" },
		{ "Arbitrary file open===", "Arbitrary file open" },
		{ "Arbitrary domain name resolution===", "Arbitrary DNS resolution" }, { "PySecSan:", "PySecSan" },
	};
	if (!wh_scan_skip(&line, "===BUG DETECTED: "))
		return;
	for (size_t i = 0; i < COUNT(bugs); i++)
		if (wh_scan_has(line, bugs[i].text))
			wh_crash_set_type_name(m, bugs[i].type);
}

bool wh_crash_no_memory(struct wh_span line, bool frame)
{
	bool may = wh_scan_find(line, "Memory") || wh_scan_find(line, "rust_oom");
	if (!frame && !may)
		may = wh_scan_find(line, "emory") || wh_scan_find(line, "alloc") || wh_scan_find(line, "limit ex") ||
		      wh_scan_find(line, "invalid size");
	if (!may)
		return false;
	for (size_t i = 0; i < COUNT(memory_errors); i++)
		if ((!frame || memory_errors[i].in_frame) && wh_glob(memory_errors[i].text, line.p, wh_span_size(line)))
			return true;
	return false;
}

static void read_missing_library(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest;
	if (wh_scan_after(line, ": library ", &rest) && wh_span_size(rest) && strchr("`'\"", *rest.p)) {
		const char quote[] = { *rest.p++, '\0' };
		struct wh_span name = wh_scan_until(rest, quote);
		if (wh_scan_has((struct wh_span){ name.end, rest.end }, quote) &&
		    wh_scan_has((struct wh_span){ name.end + (name.end < rest.end), rest.end }, " not found")) {
			wh_crash_begin(m, "Missing-library");
			wh_crash_set_state(m, name, "");
		}
	}
	if (wh_scan_after(line, "error while loading shared libraries: ", &rest)) {
		struct wh_span name = wh_scan_until(rest, ":");
		if (wh_scan_has((struct wh_span){ name.end, rest.end }, ": cannot open shared object file")) {
			wh_crash_begin(m, "Missing-library");
			wh_crash_set_state(m, name, "");
		}
	}
}

/* Messages that name a crash only where nothing has yet. */
static void read_first_message(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest;
	if (wh_scan_find(line, "ExceptionCode: ") && wh_scan_find(line, "(Stack overflow)"))
		wh_crash_set_type_name(m, "Stack-overflow");
	if (wh_scan_after(line, "DEFAULT_BUCKET_ID", &rest)) {
		rest = wh_crash_strip(rest, " :");
		const char *suffix = wh_scan_last(rest, "_AVRF");
		if (suffix && suffix + 5 == rest.end)
			rest.end = suffix;
		wh_crash_set_type_capitalised(m, "", rest, "_", true);
		if (wh_crash_type_is(m, "Status-integer-overflow"))
			wh_crash_set_type_name(m, "Integer-overflow");
		if (wh_crash_type_is(m, "Status-integer-divide-by-zero"))
			wh_crash_set_type_name(m, "Divide-by-zero");
	}
	if (wh_scan_after(line, "ERROR: HWAddressSanitizer", &rest) || wh_scan_after(line, "ERROR: AddressSanitizer", &rest)) {
		while (rest.p < rest.end && (*rest.p == ':' || *rest.p == ' '))
			rest.p++;
		wh_crash_reset(m);
		wh_crash_set_type_capitalised(m, "", wh_scan_until(rest, "(:;"), "_", true);
	}
	if (wh_scan_find(line, "GPU process exited unexpectedly"))
		wh_crash_begin(m, "GPU failure");
	if (wh_scan_has(line, "== Java Exception: ")) {
		wh_crash_set_type_name(m, wh_scan_find(line, "FuzzerSecurityIssue") ? "Security exception" : "Uncaught exception");
		m->java_exception = true;
	}
	const char *wycheproof = wh_scan_find(line, "(com.google.security.wycheproof.");
	const char *close = wycheproof ? wh_scan_last((struct wh_span){ line.p, wycheproof }, ") ") : NULL;
	if (close) {
		struct wh_span all = { close + 2, line.end };
		const char *end = memchr(wycheproof, ')', (size_t)(line.end - wycheproof));
		all.end = end ? end + 1 : line.end;
		wh_crash_set_type_name(m, "Wycheproof error");
		wh_crash_set_state(m, all, "");
		m->java_exception = true;
	}
	const char *fatal = wh_scan_find(line, "FATAL EXCEPTION");
	if (fatal && memchr(fatal, ':', (size_t)(line.end - fatal))) {
		wh_crash_begin(m, "Fatal Exception");
		m->java_exception = true;
	}
	wh_crash_check(m, line);
	wh_crash_v8(m, line);
	if (wh_scan_after(line, "Received signal 11 SEGV_", &rest) && wh_scan_has(line, "Received")) {
		rest = wh_scan_until(rest, " ");
		wh_crash_begin(m, "UNKNOWN");
		wh_crash_set_address(m, wh_crash_hex((struct wh_span){ rest.end + (rest.end < line.end), line.end }));
	}
	if (wh_scan_find(line, "libFuzzer: deadly signal"))
		wh_crash_begin(m, "Fatal-signal");
	if (wh_scan_find(line, "libFuzzer: fuzz target exited"))
		wh_crash_begin(m, "Unexpected-exit");
	if (wh_scan_find(line, "libFuzzer: fuzz target overwrites its const input"))
		wh_crash_begin(m, "Overwrites-const-input");
	read_missing_library(m, line);
}

static bool is_passed_over(struct wh_span line)
{
	static const char *const texts[] = {
		":INFO:CONSOLE", "SUMMARY:", "WARNING: AddressSanitizer", "failed to mprotect 0x00010000", "text run at (",
		"Please include Java exception stack in crash report", "Sanitizer:DEADLYSIGNAL",
	};
	for (size_t i = 0; i < COUNT(texts); i++)
		if (wh_scan_find(line, texts[i]))
			return true;
	return false;
}

const char *const wh_crash_grams[] = {
	"niti", "ail", "AIL", "anic", "ANIC", "rror", "Fuzz", "igna", "emor", "size", "KASA", "note", "XCEP", "exce", "exha", "dbox",
	"brar", "SUMM", "CONS", "run a", "Plea", "GPU ", "Code", "BUCK", "wych", "REAC", "leak", "d by", "ed in", NULL,
};

bool wh_crash_may_be_message(const struct wh_crash_machine *m, struct wh_span line)
{
	/* Messages that are looked for at the beginning only. */
	static const char beginnings[][2] = {
		"==", "ab", "pa", "fa", "th", "Pr", "ri", "0x", "Re", "At", "Di", "In", "CF", "ge", "ke", "Ke", "BU", "KA", "Wr", "Ab", "Ch",
	};
	struct wh_span s = line;
	wh_scan_blanks(&s);
	if (m->trusty || m->rust_message || wh_span_size(s) < 2 || *s.p == '#' || (*s.p == 'F' && wh_is_digit(s.p[1])))
		return true;
	for (size_t i = 0; i < COUNT(beginnings); i++)
		if (!memcmp(s.p, beginnings[i], 2))
			return true;
	return wh_grams_any(&m->grams, line);
}

enum wh_crash_step wh_crash_message(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest;
	if (is_passed_over(line))
		return WH_CRASH_NEXT_LINE;
	bool sanitizer = wh_scan_find(line, "Sanitizer");
	if (sanitizer && keeps_before_signal(m) &&
	    (wh_scan_find(line, "Sanitizer: ABRT ") || wh_scan_find(line, "Sanitizer: breakpoint ") ||
	     wh_scan_find(line, "Sanitizer: ILL ") || wh_scan_find(line, "Sanitizer: TRAP ")))
		return WH_CRASH_NEXT_LINE;
	if (!wh_crash_is_kernel(m))
		read_assertion(m, line);
	struct wh_span trimmed = wh_scan_trim(line);
	if (wh_span_size(trimmed) == strlen("SHOULD NEVER BE REACHED") && wh_scan_has(trimmed, "SHOULD NEVER BE REACHED"))
		wh_crash_begin(m, "ASSERT_NOT_REACHED");
	read_debugger(m, line);
	read_leaks(m, line);
	read_cast(m, line);
	if (m->golang)
		read_go(m, line);
	read_runtime_error(m, line);
	if (m->python && (wh_scan_has(trimmed, "=== Uncaught Python exception: ===") || wh_scan_has(line, "===BUG DETECTED: PySecSan:"))) {
		wh_crash_set_type_name(m, *trimmed.p == '=' && wh_scan_has(trimmed, "===BUG") ? "PySecSan" : "Uncaught exception");
		m->python_crash = true;
		wh_str_clear(&m->state);
		m->n_frames = 0;
	}
	if (m->javascript && wh_scan_has(trimmed, "==") && wh_scan_find(line, "== Uncaught Exception: Jazzer.js: ")) {
		wh_crash_set_type_name(m, "Uncaught exception");
		m->python_crash = true;
		wh_str_clear(&m->state);
		m->n_frames = 0;
		return WH_CRASH_NEXT_LINE;
	}
	if (m->trusty)
		wh_crash_set_type_name(m, "Trusted app crash");
	if (sanitizer && read_sanitizer(m, line))
		return WH_CRASH_NEXT_LINE;
	read_access(m, line);
	wh_crash_android(m, line);
	wh_crash_kernel(m, line);
	read_extra_sanitizers(m, line);
	if (sanitizer && wh_scan_after(line, "Sanitizer CHECK failed:", &rest)) {
		wh_scan_blanks(&rest);
		rest = (struct wh_span){ wh_scan_until(rest, " ").end, rest.end };
		wh_crash_set_type_name(m, "Sanitizer CHECK failure");
		wh_crash_set_state(m, wh_scan_trim(rest), "\n");
		m->n_frames = WH_CRASH_FRAMES;
		m->has_address = false;
		m->died = true;
		return WH_CRASH_NEXT_LINE;
	}
	wh_crash_security_check(m, line, "Security CHECK failed:", "Security CHECK failure");
	wh_crash_security_check(m, line, "Security DCHECK failed:", "Security DCHECK failure");
	if ((wh_scan_find(line, "libFuzzer: timeout") && wh_scan_find(line, "ERROR:")) ||
	    wh_scan_has(line, "========= Per-input timeout exceeded:") || wh_scan_has(line, "========= Timeout of "))
		wh_crash_begin(m, "Timeout");
	if (wh_crash_no_memory(line, false))
		wh_crash_begin(m, "Out-of-memory");
	if (wh_scan_has(line, "========= Stack limit exceeded:"))
		wh_crash_set_type_name(m, "Stack-overflow");
	if (wh_scan_find(line, "V8 sandbox violation detected!"))
		wh_crash_set_type_name(m, "V8 sandbox violation");
	if (!m->type.n)
		read_first_message(m, line);
	if (m->fatal_error)
		wh_crash_v8_detail(m, line);
	if (wh_scan_has(line, "ChildEBP RetAddr")) {
		wh_str_clear(&m->state);
		m->n_frames = 0;
	}
	if (m->state.n && m->n_frames < WH_CRASH_FRAMES)
		for (size_t i = 0; i < COUNT(stack_ends); i++)
			if (wh_scan_find(line, stack_ends[i])) {
				m->n_frames = WH_CRASH_FRAMES;
				return WH_CRASH_NEXT_LINE;
			}
	return WH_CRASH_TRY_FRAME;
}
