/* SPDX-License-Identifier: Apache-2.0 */
/* The messages that name a crash. Their order is ClusterFuzz's: several may match a line, and a later one overrides. */
#include "format/stack/crash_machine.h"

#include "format/stack/crash_rules.h"

#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { TRIES = 32 }; static bool find_after_last(struct wh_span s, const char *needle, struct wh_span *rest)
{
	const char *found = wh_scan_last(s, needle);
	if (!found)
		return false;
	*rest = (struct wh_span){ found + strlen(needle), s.end };
	return true;
}

/* Where needle is in s, in any case. */
static const char *find_any_case(struct wh_span s, const char *needle)
{
	size_t n = strlen(needle);
	for (; wh_span_size(s) >= n; s.p++)
		if ((*s.p | 32) == *needle && !strncasecmp(s.p, needle, n))
			return s.p;
	return NULL;
}

static bool is_hex(char c)
{
	return wh_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f') || (c | 32) == 'x';
}

static struct wh_span hex_word(struct wh_span s)
{
	struct wh_span word = { s.p, s.p };
	while (word.end < s.end && is_hex(*word.end))
		word.end++;
	return word;
}

/* Takes characters of set off both ends. */
static struct wh_span strip(struct wh_span s, const char *set)
{
	while (s.p < s.end && *s.p && strchr(set, *s.p))
		s.p++;
	while (s.end > s.p && s.end[-1] && strchr(set, s.end[-1]))
		s.end--;
	return s;
}

static void set_address(struct wh_crash_machine *m, struct wh_span hex)
{
	struct wh_span s = hex;
	uint64_t value;
	m->has_address = wh_span_size(hex);
	m->address = wh_scan_hex(&s, &value) || wh_scan_digits16(&s, &value) ? value : 0;
}

static void set_state(struct wh_crash_machine *m, struct wh_span s, const char *end)
{
	wh_str_clear(&m->state);
	wh_str_add(&m->state, s.p, wh_span_size(s));
	wh_str_puts(&m->state, end);
}

static bool is_kernel(const struct wh_crash_machine *m)
{
	return wh_crash_type_begins(m, "Kernel failure");
}

/* Names a type anew, with its state. */
static void begin(struct wh_crash_machine *m, const char *type)
{
	wh_crash_reset(m);
	wh_crash_set_type_name(m, type);
}

/* "use-of-uninitialized-value " as types are written: "Use-of-uninitialized-value" */
static void set_type_capitalised(struct wh_crash_machine *m, const char *before, struct wh_span name, const char *space, bool lower)
{
	struct wh_str text = { 0 };
	name = wh_scan_trim(name);
	for (const char *p = name.p; p < name.end; p++) {
		char c = *p;
		if (lower && c >= 'A' && c <= 'Z')
			c |= 32;
		if ((c == ' ' || c == '_') && strchr(space, c))
			c = '-';
		if (p == name.p && lower && c >= 'a' && c <= 'z')
			c ^= 32;
		wh_str_putc(&text, c);
	}
	struct wh_str all = { 0 };
	wh_str_puts(&all, before);
	const char *divide = text.data ? strstr(text.data, "Int-divide-by-zero") : NULL;
	wh_str_puts(&all, divide ? "Divide-by-zero" : text.data ? text.data : "");
	if (text.failed || all.failed)
		m->type.failed = true;
	else if (all.data)
		wh_crash_set_type(m, (struct wh_span){ all.data, all.data + all.n });
	wh_str_release(&text);
	wh_str_release(&all);
}

/* The base name of a source file as messages name it: `[FATAL:a/b.cc(12)`, `C:\a\b.cc:12`. */
static struct wh_span file_name(struct wh_span s)
{
	s = wh_scan_until(wh_scan_until(strip(s, " .'\"[]"), ":"), "(");
	for (const char *p = s.end; p > s.p; p--)
		if (p[-1] == '/' || p[-1] == '\\') {
			s.p = p;
			break;
		}
	return s;
}

/* The condition of a failed check without the values that it was given. */
static struct wh_span check_text(struct wh_span s)
{
	wh_scan_skip(&s, "Check failed: ");
	const char *failed = wh_scan_find(s, "failed: ");
	struct wh_span after = { failed ? failed + strlen("failed:") : s.end, s.end };
	if (failed && wh_scan_find(after, " vs. ")) /* failed: 25 vs. 1 */
		s.end = after.p - 1;
	struct wh_span at = s;
	const char *open;
	while ((open = wh_scan_find(at, " ("))) { /* (-1 vs. 0) */
		struct wh_span values = { open + 2, s.end };
		const char *versus = wh_scan_find(values, " vs. ");
		if (!versus)
			break;
		s.end = open;
		break;
	}
	if (wh_span_size(s) > 2 && (s.end[-1] == '\'' || s.end[-1] == '"')) /* = "value" */
		for (const char *p = s.p; p < s.end - 1; p++)
			if (*p == ':' || *p == '=') {
				const char *quote = p + 1;
				while (quote < s.end - 1 && (*quote == ' ' || *quote == '\t'))
					quote++;
				if (quote < s.end - 1 && *quote == s.end[-1]) {
					s.end = p;
					break;
				}
			}
	return strip(s, " .'\"[]");
}

static void set_check_state(struct wh_crash_machine *m, struct wh_span text, struct wh_span file)
{
	text = check_text(text);
	wh_str_clear(&m->state);
	wh_str_add(&m->state, text.p, wh_span_size(text));
	if (wh_span_size(file)) {
		wh_str_puts(&m->state, " in ");
		wh_str_add(&m->state, file.p, wh_span_size(file));
	}
	wh_str_putc(&m->state, '\n');
	m->n_frames = 1;
}

static void set_assertion(struct wh_crash_machine *m, struct wh_span text)
{
	wh_crash_set_type_name(m, "ASSERT");
	m->n_frames = 1;
	if (wh_span_size(text))
		set_state(m, text, "\n");
}

/* `F0707 11:54:34.000000 1234 path/file.cc:12] text` */
static bool read_google_log(struct wh_span line, struct wh_span *file, struct wh_span *text)
{
	struct wh_span s = line;
	uint64_t number;
	if (!wh_scan_skip(&s, "F") || !wh_scan_decimal(&s, &number))
		return false;
	wh_scan_blanks(&s);
	for (int i = 0; i < 3; i++)
		if (!wh_scan_decimal(&s, &number) || !wh_scan_skip(&s, i < 2 ? ":" : "."))
			return false;
	if (!wh_scan_decimal(&s, &number))
		return false;
	wh_scan_blanks(&s);
	if (!wh_scan_decimal(&s, &number))
		return false;
	wh_scan_blanks(&s);
	const char *close = wh_scan_find(s, "]");
	if (!close)
		return false;
	const char *p = close;
	while (p > s.p && wh_is_digit(p[-1]))
		p--;
	if (p == close || p == s.p || p[-1] != ':')
		return false;
	*file = (struct wh_span){ s.p, p - 1 };
	*text = wh_scan_trim((struct wh_span){ close + 1, s.end });
	return true;
}

/* The file in `[pid:tid:time:FATAL:file.cc(12)]` at the beginning of s. */
static bool read_bracket(struct wh_span s, struct wh_span *file)
{
	if (!wh_scan_skip(&s, "["))
		return false;
	const char *close = wh_scan_find(s, "]");
	if (!close)
		return false;
	const char *colon = memrchr(s.p, ':', (size_t)(close - s.p));
	if (!colon)
		return false;
	const char *digits = colon + 1;
	while (digits < close && wh_is_digit(*digits))
		digits++;
	if (digits == close) { /* file.cc:12 */
		close = colon;
		colon = memrchr(s.p, ':', (size_t)(close - s.p));
		if (!colon)
			return false;
	}
	*file = wh_scan_until((struct wh_span){ colon + 1, close }, "(");
	return true;
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
	if (read_google_log(line, &file, &text) && wh_scan_after(text, "assertion failed at ", &rest) && wh_scan_after(rest, " in ", &rest) &&
	    find_after_last(rest, ": ", &rest))
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
			    find_after_last((struct wh_span){ at, line.end }, " failed: ", &rest))
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
		set_address(m, hex_word(s));
	}
	s = line;
	if (wh_scan_has(s, "0x") && wh_scan_find(s, " in "))
		set_address(m, hex_word(s));
	if (wh_scan_has(s, "Reason:") && wh_scan_after(s, "at address", &rest)) {
		while (rest.p < rest.end && !wh_is_digit(*rest.p))
			rest.p++;
		set_address(m, hex_word(rest));
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
			set_address(m, (struct wh_span){ address + strlen(" address "), s.end });
		}
	}
}

static void read_leaks(struct wh_crash_machine *m, struct wh_span line)
{
	if ((!m->type.n || wh_crash_type_is(m, "Indirect-leak")) && wh_scan_has(line, "Direct leak of "))
		begin(m, "Direct-leak");
	if (!m->type.n && wh_scan_has(line, "Indirect leak of "))
		begin(m, "Indirect-leak");
}

/* What a bad cast was from, on the lines after its message. */
static void read_cast_note(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest;
	if (wh_scan_after(line, "note: object is of type ", &rest) || wh_scan_after(line, "note: vtable is of type ", &rest)) {
		rest = strip(rest, "'");
		wh_str_puts(&m->state, " from ");
		wh_str_add(&m->state, rest.p, wh_span_size(rest));
		m->cast_told = true;
	}
	if (wh_scan_find(line, "note: object has invalid vptr") || wh_scan_find(line, "note: invalid vtable")) {
		wh_str_puts(&m->state, " from invalid vptr");
		m->cast_told = true;
	}
	if (wh_scan_after(line, "note: ", &rest) && find_after_last(rest, " defined here", &rest) && rest.p == rest.end)
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
	type = strip(type, "'");
	wh_str_add(&m->state, type.p, wh_span_size(type));
}

static void read_cast(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span message = { 0 }, rest;
	bool error = wh_scan_after(line, ": runtime error: ", &message);
	if (!m->type.n && error &&
	    (wh_scan_has(message, "member access within address ") || wh_scan_has(message, "member call on address ") ||
	     wh_scan_has(message, "downcast of address ")) &&
	    find_after_last(message, " of type ", &rest)) {
		begin_cast(m, rest);
		struct wh_span address;
		if (wh_scan_after(message, " address ", &address))
			set_address(m, hex_word(address));
	}
	if (wh_crash_type_is(m, "Bad-cast") && !m->cast_told)
		read_cast_note(m, line);
	if (!m->type.n && error && wh_scan_skip(&message, "control flow integrity check for type ")) {
		const char *failed = wh_scan_last(message, " failed during ");
		if (failed) {
			begin_cast(m, (struct wh_span){ message.p, failed });
			if (wh_scan_after((struct wh_span){ failed, message.end }, "vtable address ", &rest))
				set_address(m, hex_word(rest));
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
	begin(m, type);
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
	if (find_after_last(line, "ThreadSanitizer: ", &rest) || find_after_last(line, "MemorySanitizer: ", &rest)) {
		wh_scan_blanks(&rest);
		struct wh_span name = wh_scan_until(rest, "(:");
		if (!wh_scan_find(line, " suppressions") && !wh_scan_find(line, " warnings") && wh_span_size(name) &&
		    !wh_scan_has(rest, "ABRT") && !wh_scan_has(rest, "ILL")) {
			wh_crash_reset(m);
			set_type_capitalised(m, "", name, "", true);
		}
	}
	if (address_sanitizer && wh_scan_after(line, "memcpy-param-overlap", &rest) && wh_scan_after(rest, "[", &s)) {
		begin(m, "Memcpy-param-overlap");
		set_address(m, hex_word(s));
	}
	if (wh_scan_after(line, "SEGV on unknown address ", &rest) || wh_scan_after(line, "access-violation on unknown address ", &rest)) {
		struct wh_span address = hex_word(rest);
		if (wh_span_size(address)) {
			uint64_t value = 0;
			s = address;
			if (!wh_scan_hex(&s, &value))
				wh_scan_digits16(&s, &value);
			if (wh_crash_type_begins(m, "ASSERT") &&
			    (is_assert_address(value) || wh_scan_find(m->text, " (signal)")))
				return true;
			wh_crash_set_type_name(m, "UNKNOWN");
			set_address(m, address);
			wh_str_clear(&m->state);
			m->n_frames = 0;
			return true;
		}
	}
	if (wh_scan_after(line, "AddressSanitizer: attempting free on address which was not malloc()-ed: ", &rest) &&
	    wh_span_size(hex_word(rest))) {
		begin(m, "Invalid-free");
		set_address(m, hex_word(rest));
		return true;
	}
	if (address_sanitizer && wh_scan_after(line, "double-free on ", &rest)) {
		begin(m, "Heap-double-free");
		if (!wh_scan_skip(&rest, "unknown address "))
			wh_scan_skip(&rest, "address ");
		set_address(m, hex_word(rest));
		return true;
	}
	if (wh_scan_find(line, "Sanitizer: FPE ")) {
		begin(m, "Floating-point-exception");
		return true;
	}
	if (!is_kernel(m) && !m->golang_crash && !m->python_crash && find_after_last(line, "ERROR: ", &rest)) {
		const char *tool = wh_scan_find(rest, "Sanitizer");
		const char *on = tool ? wh_scan_last((struct wh_span){ tool, rest.end }, " on ") : NULL;
		for (int tries = 0; on && tries < TRIES; tries++, on = wh_scan_last((struct wh_span){ tool, on }, " on ")) {
			struct wh_span address = { on + 4, rest.end };
			if (!wh_scan_skip(&address, "unknown address "))
				wh_scan_skip(&address, "address ");
			address = hex_word(address);
			if (!wh_span_size(address))
				continue;
			struct wh_span name = { tool + strlen("Sanitizer"), on };
			while (name.p < name.end && (*name.p == ':' || *name.p == ' '))
				name.p++;
			wh_crash_reset(m);
			set_type_capitalised(m, "", name, "_", true);
			set_address(m, address);
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
	set_address(m, hex_word(rest));
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

static void read_android(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest, fault;
	bool sig = wh_scan_after(line, "signal", &rest);
	if (sig && wh_scan_after(rest, "(SIG", &rest) && wh_scan_after(rest, "fault addr ", &fault) &&
	    (!wh_crash_type_begins(m, "UNKNOWN") || !wh_scan_find(line, "Fatal signal"))) {
		struct wh_span address = wh_scan_until(fault, " ");
		begin(m, "UNKNOWN");
		m->java_exception = false;
		if (wh_scan_find(line, "SEGV_MTESERR"))
			wh_crash_set_type_name(m, "Tag-mismatch");
		if (wh_scan_find(line, "SIGSEGV"))
			set_address(m, address);
		struct wh_span after = { address.end, line.end };
		const char *open = wh_span_size(after) && after.end[-1] == ')' ? wh_scan_last(after, "(") : NULL;
		if (open) {
			wh_str_clear(&m->process);
			wh_str_add(&m->process, open + 1, (size_t)(after.end - 1 - (open + 1)));
			for (size_t i = 0; i < m->process.n; i++) {
				char *c = &m->process.data[i];
				if (!i && *c >= 'a' && *c <= 'z')
					*c ^= 32;
				else if (i && *c >= 'A' && *c <= 'Z')
					*c |= 32;
			}
		}
	}
	rest = line;
	if (wh_scan_skip(&rest, "Abort message: ")) {
		wh_crash_set_type_name(m, "CHECK failure");
		m->has_address = false;
		m->java_exception = true;
		const char *blank = wh_span_size(rest) ? memchr(rest.p, ' ', wh_span_size(rest)) : NULL;
		struct wh_span file = { rest.p, blank };
		const char *fatal = blank ? wh_scan_find(file, "FATAL:") : NULL;
		if (fatal)
			file.p = fatal + strlen("FATAL:");
		if (blank)
			set_check_state(m, (struct wh_span){ blank + 1, rest.end }, file_name(file));
		else
			set_check_state(m, rest, (struct wh_span){ NULL, NULL });
		m->n_frames = 1;
	}
}

static void set_kernel_type(struct wh_crash_machine *m, struct wh_span name, bool capitalise)
{
	set_type_capitalised(m, "Kernel failure\n", name, " ", capitalise);
}

static void read_kernel(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest, s;
	if (!m->kasan && find_after_last(line, "Internal error: ", &rest)) {
		wh_scan_skip(&rest, "Oops");
		if (wh_scan_skip(&rest, " - ") || wh_scan_skip(&rest, ": ")) {
			struct wh_span code = hex_word(rest);
			uint64_t value = 0;
			s = code;
			wh_crash_reset(m);
			if (wh_scan_has(rest, "BUG") || !wh_scan_digits16(&s, &value)) {
				wh_crash_set_type_name(m, "BUG");
			} else {
				const char *status = fault_status[value & 15];
				struct wh_str type = { 0 };
				wh_str_printf(&type, "Kernel failure\n%s %s (%d)", value & 0x800 ? "WRITE" : "READ", status ? status : "Unknown",
					      (int)value);
				if (type.data)
					wh_crash_set_type_name(m, type.data);
				m->type.failed |= type.failed;
				wh_str_release(&type);
			}
		}
	}
	s = line;
	if (!m->kasan && !is_kernel(m) && wh_scan_skip(&s, "Kernel panic - not syncing: ")) {
		wh_crash_reset(m);
		set_kernel_type(m, s, false);
	}
	s = line;
	if (wh_scan_skip(&s, "kernel BUG at "))
		set_kernel_type(m, s, true);
	s = line;
	if (wh_scan_skip(&s, "BUG: KASAN: ")) {
		const char *in = wh_scan_last(s, " in "), *on = wh_scan_last(s, " on ");
		const char *end = in ? in : on;
		struct wh_span address;
		if (end) {
			set_kernel_type(m, (struct wh_span){ s.p, end }, true);
			if (find_after_last(s, "addr ", &address) || find_after_last(s, "address ", &address))
				set_address(m, hex_word(address));
		}
	} else if (wh_scan_skip(&s, "KASAN: ") && wh_scan_after(s, " range [", &rest)) {
		const char *in = wh_scan_find(s, " in range ");
		if (in)
			set_kernel_type(m, (struct wh_span){ s.p, in }, true);
	}
	if (wh_scan_has(line, "general protection fault:") && wh_scan_find(line, "KASAN"))
		wh_crash_set_type_name(m, "Kernel failure\nGeneral-protection-fault");
	if (is_kernel(m) && (wh_scan_has(line, "Read of size ") || wh_scan_has(line, "Write of size "))) {
		bool write = *line.p == 'W';
		struct wh_span size = { line.p + (write ? strlen("Write of size ") : strlen("Read of size ")), line.end };
		const char *first = size.p;
		uint64_t value;
		if (wh_scan_decimal(&size, &value)) {
			wh_str_puts(&m->type, write ? "\nWRITE " : "\nREAD ");
			wh_str_add(&m->type, first, (size_t)(size.p - first));
		}
	}
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

static void read_security_check(struct wh_crash_machine *m, struct wh_span line, const char *what, const char *type)
{
	const char *at = wh_scan_find(line, what);
	if (!at)
		return;
	struct wh_span before = { line.p, at }, text = { at + strlen(what), line.end }, file;
	const char *dot = memrchr(text.p, '.', wh_span_size(text));
	const char *open = before.end;
	for (int tries = 0; dot && tries < TRIES && (open = memrchr(line.p, '[', (size_t)(open - line.p))); tries++)
		if (read_bracket((struct wh_span){ open, at }, &file)) {
			begin(m, type);
			set_check_state(m, wh_scan_trim((struct wh_span){ text.p, dot }), file_name(file));
			return;
		}
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

/* Failed checks of Chrome, Google's logging and V8: only where nothing else has named the crash. */
static void read_check(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span file, text, s = line, rest;
	if (read_google_log(line, &file, &text)) {
		begin(m, "Fatal error");
		set_check_state(m, text, file_name(file));
	}
	wh_scan_blanks(&s);
	if (read_bracket(s, &file)) {
		static const struct {
			const char *text, *type;
		} checks[] = {
			{ "Check failed:", "CHECK failure" }, { "DCHECK failed:", "CHECK failure" },
			{ "NOTREACHED hit.", "CHECK failure" },
		};
		const char *close = wh_scan_find(s, "]");
		for (size_t i = 0; i < COUNT(checks); i++)
			if (find_after_last((struct wh_span){ close, line.end }, checks[i].text, &rest)) {
				begin(m, checks[i].type);
				set_check_state(m, wh_scan_trim(wh_scan_until(rest, ";")), file_name(file));
			}
	}
	if (read_google_log(line, &file, &text) && wh_scan_skip(&text, "Check failed:")) {
		begin(m, "CHECK failure");
		set_check_state(m, wh_scan_trim(text), file_name(file));
	}
}

/* `# Fatal error in src/a.cc, line 12`; what is it that failed is on the line after. */
static void read_v8(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span s = line, rest;
	if (wh_scan_skip(&s, "#")) {
		wh_scan_blanks(&s);
		bool fatal = wh_scan_has(s, "Fatal error in "), runtime = wh_scan_has(s, "Runtime error in ");
		if (wh_scan_has(s, "Fatal error") && wh_span_size(wh_scan_trim(s)) == strlen("Fatal error")) {
			begin(m, "Fatal error");
			m->fatal_error = true;
		} else if (fatal || runtime) {
			begin(m, fatal ? "Fatal error" : "RUNTIME_ASSERT");
			m->fatal_error = true;
			s.p += fatal ? strlen("Fatal error in ") : strlen("Runtime error in ");
			wh_crash_function(s, &m->frame);
			wh_str_add(&m->state, m->frame.data ? m->frame.data : "", m->frame.n);
		} else if (wh_scan_has(s, "V8 correctness failure")) {
			begin(m, "V8 correctness failure");
		}
	}
	if (m->golang && wh_scan_has(line, "fatal error: ")) {
		begin(m, "Fatal error");
		set_state(m, (struct wh_span){ line.p + strlen("fatal error: "), line.end }, "\n");
	}
	s = line;
	if (wh_scan_skip(&s, "abort: ") && (wh_scan_has(s, "CSA_ASSERT failed:") || wh_scan_has(s, "CSA_DCHECK failed:"))) {
		begin(m, "ASSERT");
		const char *open = wh_span_size(s) && s.end[-1] == ']' ? wh_scan_find(s, " [") : NULL;
		set_state(m, (struct wh_span){ s.p, open ? open : s.end }, open ? "\n" : "");
		if (open) {
			struct wh_span file = file_name((struct wh_span){ open + 2, s.end });
			wh_str_add(&m->state, file.p, wh_span_size(file));
		}
		m->n_frames = WH_CRASH_FRAMES;
	}
	if (wh_scan_after(line, "] V8 error: ", &rest) && wh_span_size(rest) > 1 && rest.end[-1] == '.') {
		begin(m, "V8 API error");
		set_state(m, (struct wh_span){ rest.p, rest.end - 1 }, "\n");
	}
}

/* Numbers in a fatal error's message differ from run to run. */
static void name_numbers(struct wh_crash_machine *m)
{
	struct wh_str named = { 0 };
	struct wh_span s = { m->state.data, m->state.data + m->state.n };
	char before = ' ';
	while (s.p < s.end) {
		const char *first = s.p;
		uint64_t number;
		if (wh_is_digit(*s.p) && wh_scan_decimal(&s, &number)) {
			char after = s.p < s.end ? *s.p : ' ';
			bool whole = strchr(" #@", before) && before && !((after | 32) >= 'a' && (after | 32) <= 'z') && !strchr("_.:", after);
			if (whole)
				wh_str_puts(&named, "NUMBER");
			else
				wh_str_add(&named, first, (size_t)(s.p - first));
			before = s.p[-1];
			continue;
		}
		wh_str_putc(&named, before = *s.p++);
	}
	if (named.data)
		set_state(m, (struct wh_span){ named.data, named.data + named.n }, "");
	m->state.failed |= named.failed;
	wh_str_release(&named);
}

static void read_fatal_detail(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span s = line, text;
	struct wh_span file = { m->source_file.data, m->source_file.data ? m->source_file.data + m->source_file.n : NULL };
	if (!wh_scan_skip(&s, "#"))
		return;
	bool blank = s.p < s.end && (*s.p == ' ' || *s.p == '\t');
	wh_scan_blanks(&s);
	bool fatal = wh_scan_has(s, "Fatal error in "), runtime = wh_scan_has(s, "Runtime error in ");
	if ((fatal || runtime) && wh_scan_last(s, ", line ")) {
		s.p += fatal ? strlen("Fatal error in ") : strlen("Runtime error in ");
		wh_crash_set_type_name(m, fatal ? "Fatal error" : "RUNTIME_ASSERT");
		file = file_name((struct wh_span){ s.p, wh_scan_last(s, ", line ") });
		wh_str_clear(&m->source_file);
		wh_str_add(&m->source_file, file.p, wh_span_size(file));
		set_state(m, file, "\n");
		return;
	}
	if (!blank)
		return;
	if (wh_scan_has(s, "Fatal error") && wh_span_size(wh_scan_trim(s)) == strlen("Fatal error"))
		return;
	text = s;
	bool check = true;
	wh_crash_reset(m);
	if (wh_scan_skip(&text, "Debug check failed: ")) {
		wh_crash_set_type_name(m, "DCHECK failure");
	} else if (wh_scan_skip(&text, "Check failed: ")) {
		wh_crash_set_type_name(m, "CHECK failure");
	} else if (wh_scan_skip(&text, "RepresentationChangerError: node #")) {
		text = wh_scan_until(text, ":");
		text = (struct wh_span){ text.end + (text.end < s.end), s.end };
		wh_crash_set_type_name(m, "CHECK failure");
	} else {
		check = false;
	}
	text = wh_scan_trim(text);
	if (wh_span_size(text)) {
		set_check_state(m, text, file);
		if (!check)
			name_numbers(m);
	}
	if (wh_scan_has(line, "# unreachable code") || wh_scan_has(line, "# unimplemented code")) {
		wh_crash_reset(m);
		wh_crash_set_type_name(m, "Unreachable code");
		if (wh_span_size(file))
			set_state(m, file, "\n");
	}
}

static void read_missing_library(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest;
	if (wh_scan_after(line, ": library ", &rest) && wh_span_size(rest) && strchr("`'\"", *rest.p)) {
		const char quote[] = { *rest.p++, '\0' };
		struct wh_span name = wh_scan_until(rest, quote);
		if (wh_scan_has((struct wh_span){ name.end, rest.end }, quote) &&
		    wh_scan_has((struct wh_span){ name.end + (name.end < rest.end), rest.end }, " not found")) {
			begin(m, "Missing-library");
			set_state(m, name, "");
		}
	}
	if (wh_scan_after(line, "error while loading shared libraries: ", &rest)) {
		struct wh_span name = wh_scan_until(rest, ":");
		if (wh_scan_has((struct wh_span){ name.end, rest.end }, ": cannot open shared object file")) {
			begin(m, "Missing-library");
			set_state(m, name, "");
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
		rest = strip(rest, " :");
		const char *suffix = wh_scan_last(rest, "_AVRF");
		if (suffix && suffix + 5 == rest.end)
			rest.end = suffix;
		set_type_capitalised(m, "", rest, "_", true);
		if (wh_crash_type_is(m, "Status-integer-overflow"))
			wh_crash_set_type_name(m, "Integer-overflow");
		if (wh_crash_type_is(m, "Status-integer-divide-by-zero"))
			wh_crash_set_type_name(m, "Divide-by-zero");
	}
	if (wh_scan_after(line, "ERROR: HWAddressSanitizer", &rest) || wh_scan_after(line, "ERROR: AddressSanitizer", &rest)) {
		while (rest.p < rest.end && (*rest.p == ':' || *rest.p == ' '))
			rest.p++;
		wh_crash_reset(m);
		set_type_capitalised(m, "", wh_scan_until(rest, "(:;"), "_", true);
	}
	if (wh_scan_find(line, "GPU process exited unexpectedly"))
		begin(m, "GPU failure");
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
		set_state(m, all, "");
		m->java_exception = true;
	}
	const char *fatal = wh_scan_find(line, "FATAL EXCEPTION");
	if (fatal && memchr(fatal, ':', (size_t)(line.end - fatal))) {
		begin(m, "Fatal Exception");
		m->java_exception = true;
	}
	read_check(m, line);
	read_v8(m, line);
	if (wh_scan_after(line, "Received signal 11 SEGV_", &rest) && wh_scan_has(line, "Received")) {
		rest = wh_scan_until(rest, " ");
		begin(m, "UNKNOWN");
		set_address(m, hex_word((struct wh_span){ rest.end + (rest.end < line.end), line.end }));
	}
	if (wh_scan_find(line, "libFuzzer: deadly signal"))
		begin(m, "Fatal-signal");
	if (wh_scan_find(line, "libFuzzer: fuzz target exited"))
		begin(m, "Unexpected-exit");
	if (wh_scan_find(line, "libFuzzer: fuzz target overwrites its const input"))
		begin(m, "Overwrites-const-input");
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
	if (!is_kernel(m))
		read_assertion(m, line);
	struct wh_span trimmed = wh_scan_trim(line);
	if (wh_span_size(trimmed) == strlen("SHOULD NEVER BE REACHED") && wh_scan_has(trimmed, "SHOULD NEVER BE REACHED"))
		begin(m, "ASSERT_NOT_REACHED");
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
	read_android(m, line);
	read_kernel(m, line);
	read_extra_sanitizers(m, line);
	if (sanitizer && wh_scan_after(line, "Sanitizer CHECK failed:", &rest)) {
		wh_scan_blanks(&rest);
		rest = (struct wh_span){ wh_scan_until(rest, " ").end, rest.end };
		wh_crash_set_type_name(m, "Sanitizer CHECK failure");
		set_state(m, wh_scan_trim(rest), "\n");
		m->n_frames = WH_CRASH_FRAMES;
		m->has_address = false;
		m->died = true;
		return WH_CRASH_NEXT_LINE;
	}
	read_security_check(m, line, "Security CHECK failed:", "Security CHECK failure");
	read_security_check(m, line, "Security DCHECK failed:", "Security DCHECK failure");
	if ((wh_scan_find(line, "libFuzzer: timeout") && wh_scan_find(line, "ERROR:")) ||
	    wh_scan_has(line, "========= Per-input timeout exceeded:") || wh_scan_has(line, "========= Timeout of "))
		begin(m, "Timeout");
	if (wh_crash_no_memory(line, false))
		begin(m, "Out-of-memory");
	if (wh_scan_has(line, "========= Stack limit exceeded:"))
		wh_crash_set_type_name(m, "Stack-overflow");
	if (wh_scan_find(line, "V8 sandbox violation detected!"))
		wh_crash_set_type_name(m, "V8 sandbox violation");
	if (!m->type.n)
		read_first_message(m, line);
	if (m->fatal_error)
		read_fatal_detail(m, line);
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
