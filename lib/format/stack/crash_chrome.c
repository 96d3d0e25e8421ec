/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of Chrome's checks, of Google's logging and of V8. */
#include "format/stack/crash_machine.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { TRIES = 32 }; /* of a pattern's beginning on one line: the cost stays linear */

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

void wh_crash_security_check(struct wh_crash_machine *m, struct wh_span line, const char *what, const char *type)
{
	const char *at = wh_scan_find(line, what);
	if (!at)
		return;
	struct wh_span before = { line.p, at }, text = { at + strlen(what), line.end }, file;
	const char *dot = memrchr(text.p, '.', wh_span_size(text));
	const char *open = before.end;
	for (int tries = 0; dot && tries < TRIES && (open = memrchr(line.p, '[', (size_t)(open - line.p))); tries++)
		if (read_bracket((struct wh_span){ open, at }, &file)) {
			wh_crash_begin(m, type);
			wh_crash_set_check(m, wh_scan_trim((struct wh_span){ text.p, dot }), wh_crash_file_name(file));
			return;
		}
}

/* Failed checks of Chrome, Google's logging and V8: only where nothing else has named the crash. */
void wh_crash_check(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span file, text, s = line, rest;
	if (wh_crash_google_log(line, &file, &text)) {
		wh_crash_begin(m, "Fatal error");
		wh_crash_set_check(m, text, wh_crash_file_name(file));
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
			if (wh_scan_after_last((struct wh_span){ close, line.end }, checks[i].text, &rest)) {
				wh_crash_begin(m, checks[i].type);
				wh_crash_set_check(m, wh_scan_trim(wh_scan_until(rest, ";")), wh_crash_file_name(file));
			}
	}
	if (wh_crash_google_log(line, &file, &text) && wh_scan_skip(&text, "Check failed:")) {
		wh_crash_begin(m, "CHECK failure");
		wh_crash_set_check(m, wh_scan_trim(text), wh_crash_file_name(file));
	}
}

/* `# Fatal error in src/a.cc, line 12`; what is it that failed is on the line after. */
void wh_crash_v8(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span s = line, rest;
	if (wh_scan_skip(&s, "#")) {
		wh_scan_blanks(&s);
		bool fatal = wh_scan_has(s, "Fatal error in "), runtime = wh_scan_has(s, "Runtime error in ");
		if (wh_scan_has(s, "Fatal error") && wh_span_size(wh_scan_trim(s)) == strlen("Fatal error")) {
			wh_crash_begin(m, "Fatal error");
			m->fatal_error = true;
		} else if (fatal || runtime) {
			wh_crash_begin(m, fatal ? "Fatal error" : "RUNTIME_ASSERT");
			m->fatal_error = true;
			s.p += fatal ? strlen("Fatal error in ") : strlen("Runtime error in ");
			wh_crash_function(s, &m->frame);
			wh_str_add(&m->state, m->frame.data ? m->frame.data : "", m->frame.n);
		} else if (wh_scan_has(s, "V8 correctness failure")) {
			wh_crash_begin(m, "V8 correctness failure");
		}
	}
	if (m->golang && wh_scan_has(line, "fatal error: ")) {
		wh_crash_begin(m, "Fatal error");
		wh_crash_set_state(m, (struct wh_span){ line.p + strlen("fatal error: "), line.end }, "\n");
	}
	s = line;
	if (wh_scan_skip(&s, "abort: ") && (wh_scan_has(s, "CSA_ASSERT failed:") || wh_scan_has(s, "CSA_DCHECK failed:"))) {
		wh_crash_begin(m, "ASSERT");
		const char *open = wh_span_size(s) && s.end[-1] == ']' ? wh_scan_find(s, " [") : NULL;
		wh_crash_set_state(m, (struct wh_span){ s.p, open ? open : s.end }, open ? "\n" : "");
		if (open) {
			struct wh_span file = wh_crash_file_name((struct wh_span){ open + 2, s.end });
			wh_str_add(&m->state, file.p, wh_span_size(file));
		}
		m->n_frames = WH_CRASH_FRAMES;
	}
	if (wh_scan_after(line, "] V8 error: ", &rest) && wh_span_size(rest) > 1 && rest.end[-1] == '.') {
		wh_crash_begin(m, "V8 API error");
		wh_crash_set_state(m, (struct wh_span){ rest.p, rest.end - 1 }, "\n");
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
		wh_crash_set_state(m, (struct wh_span){ named.data, named.data + named.n }, "");
	m->state.failed |= named.failed;
	wh_str_release(&named);
}

void wh_crash_v8_detail(struct wh_crash_machine *m, struct wh_span line)
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
		file = wh_crash_file_name((struct wh_span){ s.p, wh_scan_last(s, ", line ") });
		wh_str_clear(&m->source_file);
		wh_str_add(&m->source_file, file.p, wh_span_size(file));
		wh_crash_set_state(m, file, "\n");
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
		wh_crash_set_check(m, text, file);
		if (!check)
			name_numbers(m);
	}
	if (wh_scan_has(line, "# unreachable code") || wh_scan_has(line, "# unimplemented code")) {
		wh_crash_reset(m);
		wh_crash_set_type_name(m, "Unreachable code");
		if (wh_span_size(file))
			wh_crash_set_state(m, file, "\n");
	}
}
