/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as PHP prints them: Zend/zend_exceptions.c (_build_trace_string, ZEND_METHOD(Exception, __toString)), main/main.c
 * (php_error_cb); Monolog's src/Monolog/Formatter/LineFormatter.php (normalizeException); Xdebug's src/base/base.c and
 * src/develop/stack.c; Symfony's Component/Console/Application.php (doRenderThrowable). */
#include "format/stack/php.h"

#include "format/stack/frame_line.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })
#define LONGEST_HEAD ((size_t)64 * 1024)

static bool name_char(char c)
{
	return wh_is_alpha(c) || wh_is_digit(c) || c == '_' || c == '\\' || (unsigned char)c >= 0x80;
}

/* A name of PHP's: `A\B->f`, `A::{closure}`, `class@anonymous->f`; up to its arguments. */
static struct wh_span function_of(struct wh_span s)
{
	/* 8.4: `{closure:A\B::f():12}` holds brackets of its own */
	size_t braces = 0;
	const char *p = s.p;
	for (; p < s.end && (*p != '(' || braces); p++) {
		braces += *p == '{';
		braces -= braces && *p == '}';
	}
	return wh_scan_trim(SPAN_IN(s.p, p));
}

static bool place_of(struct wh_span s, struct wh_php_place *place)
{
	struct wh_span path;
	uint32_t line;
	wh_location_split(s, &path, &line);
	if (path.end == s.end || !wh_span_size(path))
		return false;
	*place = (struct wh_php_place){ path, line };
	return true;
}

/* `/x.php(3): f()`: the first number in brackets that a colon follows. */
static bool take_call_site(struct wh_span *s, struct wh_php_place *from)
{
	struct wh_span rest = *s;
	for (int tries = 0; tries < 16; tries++) {
		const char *close = wh_scan_find(rest, "): ");
		if (!close)
			return false;
		const char *p = close;
		while (p > s->p && wh_is_digit(p[-1]))
			p--;
		struct wh_span digits = { p, close };
		uint64_t number;
		if (p < close && p - s->p > 1 && p[-1] == '(' && wh_scan_decimal(&digits, &number)) {
			*from = (struct wh_php_place){ SPAN_IN(s->p, p - 1), number <= UINT32_MAX ? (uint32_t)number : 0 };
			s->p = close + 3;
			return true;
		}
		rest.p = close + 1;
	}
	return false;
}

bool wh_php_call_line(struct wh_span line, struct wh_php_call *call)
{
	*call = (struct wh_php_call){ 0 };
	line = wh_scan_trim(line);
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || !wh_scan_skip(&line, "#") || !wh_scan_decimal(&line, &call->number) ||
	    call->number > WH_STACK_MOST_FRAMES || line.p == line.end || *line.p != ' ')
		return false;
	wh_scan_blanks(&line);
	if (wh_scan_has(line, "{main}")) {
		call->function = SPAN_IN(line.p, line.p + strlen("{main}"));
		return true;
	}
	if (wh_scan_skip(&line, "[internal function]: ") || take_call_site(&line, &call->from)) {
		call->function = function_of(line);
		return wh_span_size(call->function) && call->function.end < line.end;
	}
	const char *called = wh_scan_last(line, " called at [");
	if (!called || line.end[-1] != ']' || !place_of(SPAN_IN(called + strlen(" called at ["), line.end - 1), &call->from))
		return false;
	call->function = function_of(SPAN_IN(line.p, called));
	return wh_span_size(call->function);
}

bool wh_php_xdebug_line(struct wh_span line, struct wh_php_call *call)
{
	*call = (struct wh_php_call){ 0 };
	line = wh_scan_trim(line);
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST)
		return false;
	if (wh_scan_skip(&line, "PHP ")) {
		wh_scan_blanks(&line);
	} else { /* seconds and bytes */
		uint64_t unused;
		struct wh_span at = line;
		if (!wh_scan_decimal(&at, &unused) || !wh_scan_skip(&at, ".") || !wh_scan_decimal(&at, &unused) || !wh_scan_has(at, " "))
			return false;
		wh_scan_blanks(&at);
		if (!wh_scan_decimal(&at, &unused) || !wh_scan_has(at, " "))
			return false;
		wh_scan_blanks(&at);
		line = at;
	}
	if (!wh_scan_decimal(&line, &call->number) || !wh_scan_skip(&line, ". "))
		return false;
	const char *blank = wh_scan_last(line, ") ");
	call->function = function_of(line);
	return blank && wh_span_size(call->function) && place_of(wh_scan_trim(SPAN_IN(blank + 2, line.end)), &call->from);
}

bool wh_php_symfony_line(struct wh_span line, struct wh_php_call *call)
{
	*call = (struct wh_php_call){ 0 };
	line = wh_scan_trim(line);
	struct wh_span place;
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST)
		return false;
	if (wh_scan_has(line, "at "))
		place = SPAN_IN(line.p + 3, line.end);
	else if (!wh_scan_after_last(line, "() at ", &place))
		return false;
	else
		call->function = SPAN_IN(line.p, place.p - strlen("() at "));
	if (wh_scan_has(place, "n/a:n/a"))
		return true;
	return place_of(place, &call->from) && call->from.line;
}

/* ---- what names an error ---- */

bool wh_php_place_take(struct wh_span *s, struct wh_php_place *place)
{
	struct wh_span at = wh_scan_trim(*s);
	const char *on = wh_scan_last(at, " on line "), *in;
	if (on) {
		struct wh_span digits = { on + strlen(" on line "), at.end };
		uint64_t number;
		in = wh_scan_last(SPAN_IN(at.p, on), " in ");
		if (in && wh_scan_decimal(&digits, &number) && digits.p == at.end) {
			*place = (struct wh_php_place){ wh_scan_trim(SPAN_IN(in + 4, on)), number <= UINT32_MAX ? (uint32_t)number : 0 };
			s->end = in;
			return wh_span_size(place->file);
		}
	}
	/* Monolog closes its bracket, and what it was in */
	struct wh_span tail = at;
	while (tail.p < tail.end && strchr(")\"}[] ", tail.end[-1]))
		tail.end--;
	struct wh_php_place found = { 0 };
	in = wh_scan_last(at, " in ");
	if (!in || !place_of(wh_scan_trim(SPAN_IN(in + 4, at.end)), &found) || !found.line) {
		in = wh_scan_last(tail, " at ");
		if (!in || !place_of(wh_scan_trim(SPAN_IN(in + 4, tail.end)), &found) || !found.line)
			return false;
	}
	*place = found;
	s->end = in;
	return true;
}

/* `A\B: message`, `A\B` in front of a place; PHP 5's `exception 'A' with message 'm'`. */
bool wh_php_class_take(struct wh_span s, struct wh_php_head *head)
{
	if (wh_scan_skip(&s, "exception '")) {
		const char *quote = wh_span_size(s) ? memchr(s.p, '\'', wh_span_size(s)) : NULL;
		struct wh_span rest = { quote ? quote + 1 : s.end, s.end };
		if (!quote)
			return false;
		head->class = SPAN_IN(s.p, quote);
		if (wh_scan_skip(&rest, " with message '"))
			head->message = rest;
		else
			head->message = SPAN_IN(rest.p, rest.p);
		bool placed = wh_php_place_take(&rest, &head->place);
		head->message.end = placed && rest.end > head->message.p ? rest.end - (rest.end[-1] == '\'') : head->message.end;
		return true;
	}
	struct wh_span name = { s.p, s.p };
	while (name.end < s.end && name_char(*name.end))
		name.end++;
	if (wh_scan_has(SPAN_IN(name.end, s.end), "@anonymous")) /* and, behind a NUL, where its class was written */
		while (name.end < s.end && *name.end != ':' && *name.end != ' ')
			name.end++;
	struct wh_span rest = { name.end, s.end };
	if (!wh_span_size(name))
		return false;
	head->class = name;
	head->message = rest;
	wh_php_place_take(&head->message, &head->place);
	if (wh_scan_skip(&head->message, ":"))
		head->message = wh_scan_trim(head->message);
	else if (wh_span_size(head->message) || !wh_span_size(head->place.file))
		return false;
	return true;
}

/* `[object] (A\B(code: 0): message at /x.php:3)`. */
static bool take_object(struct wh_span s, struct wh_php_head *head)
{
	struct wh_span rest, name;
	if (!wh_scan_after(s, "[object] (", &rest))
		return false;
	name = SPAN_IN(rest.p, rest.p);
	while (name.end < rest.end && (name_char(*name.end) || *name.end == '@'))
		name.end++;
	struct wh_span tail = { name.end, rest.end };
	if (!wh_span_size(name) || !wh_scan_skip(&tail, "(code: "))
		return false;
	head->code = wh_scan_until(tail, ")");
	head->class = name;
	tail.p = head->code.end;
	wh_scan_skip(&tail, "): ");
	head->message = tail;
	wh_php_place_take(&head->message, &head->place);
	if (wh_span_size(head->code) == 1 && *head->code.p == '0')
		head->code = SPAN_IN(NULL, NULL);
	return true;
}

/* The words of an error's level, as php_error_cb has them, in front of its message. */
static bool take_level(struct wh_span s, struct wh_php_head *head, struct wh_span *message)
{
	static const struct {
		const char *words;
		bool fatal;
	} levels[] = { { "Recoverable fatal error", true }, { "Catchable fatal error", true }, { "Fatal error", true },
		       { "Parse error", true },		    { "Warning", false },	      { "Notice", false },
		       { "Deprecated", false },		    { "Strict Standards", false } };
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		struct wh_span look = s, rest;
		if (wh_span_size(look) > 1024)
			look.end = look.p + 1024;
		const char *found = wh_scan_find(look, levels[i].words);
		if (!found)
			continue;
		rest = SPAN_IN(found + strlen(levels[i].words), s.end);
		head->logged = found - s.p >= 4 && !memcmp(found - 4, "PHP ", 4);
		if (!wh_scan_skip(&rest, ":") || (!head->logged && found != s.p))
			continue;
		head->class = SPAN_IN(found, rest.p - 1);
		head->kind = levels[i].fatal ? WH_PHP_ERROR : WH_PHP_WARNING;
		*message = wh_scan_trim(rest);
		return true;
	}
	return false;
}

/* A class that is named as exceptions are, or has a namespace, anywhere in s. */
static bool take_logged(struct wh_span s, struct wh_php_head *head)
{
	static const char *const tails[] = { "Exception", "Error", "\\" };
	struct wh_span rest = s;
	if (!wh_scan_any(s, tails, 3))
		return false;
	for (const char *p = rest.p; p < rest.end;) {
		if (!name_char(*p)) {
			p++;
			continue;
		}
		struct wh_span name = { p, p };
		while (name.end < rest.end && name_char(*name.end))
			name.end++;
		p = name.end;
		bool named = memchr(name.p, '\\', wh_span_size(name)) != NULL;
		for (size_t i = 0; i < 2; i++) {
			size_t n = strlen(tails[i]);
			named |= wh_span_size(name) >= n && !memcmp(name.end - n, tails[i], n);
		}
		if (named && (name.p == s.p || strchr(" [(\"'", name.p[-1])) && wh_scan_has(SPAN_IN(name.end, rest.end), ": "))
			return wh_php_class_take(SPAN_IN(name.p, s.end), head);
	}
	return false;
}

bool wh_php_head_line(struct wh_span line, struct wh_php_head *head)
{
	struct wh_span s = wh_scan_trim(line), message;
	*head = (struct wh_php_head){ 0 };
	if (wh_span_size(s) > LONGEST_HEAD)
		s.end = s.p + LONGEST_HEAD;
	if (wh_scan_has(s, "Next ")) {
		head->kind = WH_PHP_NEXT;
		return wh_php_class_take(SPAN_IN(s.p + strlen("Next "), s.end), head);
	}
	if (take_object(s, head)) {
		head->kind = wh_scan_has(s, "[previous exception] ") ? WH_PHP_PREVIOUS : WH_PHP_OBJECT;
		return true;
	}
	if (take_level(s, head, &message)) {
		enum wh_php_kind kind = head->kind;
		bool logged = head->logged;
		struct wh_span level = head->class;
		if (wh_scan_skip(&message, "Uncaught ") && wh_php_class_take(message, head)) {
			head->kind = WH_PHP_UNCAUGHT;
			return true;
		}
		*head = (struct wh_php_head){ .kind = kind, .class = level, .message = message, .logged = logged };
		wh_php_place_take(&head->message, &head->place);
		return true;
	}
	*head = (struct wh_php_head){ .kind = WH_PHP_UNCAUGHT };
	if (wh_scan_after(s, "Uncaught ", &message) && !wh_scan_has(message, "PHP Exception ") && wh_php_class_take(message, head) &&
	    wh_span_size(head->place.file))
		return true;
	*head = (struct wh_php_head){ .kind = WH_PHP_LOGGED };
	return take_logged(s, head);
}
