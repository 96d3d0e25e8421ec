/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/rename_script.h"

#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool ends(const char *s, size_t n, const char *tail)
{
	size_t size = strlen(tail);
	return n >= size && !memcmp(s + n - size, tail, size);
}

/* ---- JavaScript ---- */

/* What SpiderMonkey puts in front of a frame that something asynchronous led to: the length of it with its `*`, or 0. */
static size_t async_cause(const char *s, size_t n)
{
	static const char *const causes[] = { "async", "handler", "callback", "handleEvent", "AsyncTask", "Promise", "start" };
	const char *star = memrchr(s, '*', n);
	for (size_t i = 0; star && i < sizeof causes / sizeof *causes; i++)
		if (ends(s, (size_t)(star - s), causes[i]))
			return (size_t)(star - s) + 1;
	return 0;
}

bool wh_rename_javascript(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	const char *s = from->data;
	size_t n = from->n, first = language == WH_LANGUAGE_JAVASCRIPT || wh_starts(s, n, "async*") ? async_cause(s, n) : 0;
	if (!strcmp(s, "global code") || !strcmp(s, "module code"))
		return wh_str_puts(to, "<anonymous>"), true;
	if (!strcmp(s, "eval code"))
		return wh_str_puts(to, "eval"), true;
	s += first;
	n -= first;
	/* SpiderMonkey: `f/g<` is what was assigned to g in f, `f/<` has no name */
	if (n && s[n - 1] == '<' && (language == WH_LANGUAGE_JAVASCRIPT || ends(s, n, "/<"))) {
		size_t end = n - 1, start;
		for (start = end; start && s[start - 1] != '/';)
			start--;
		if (start < end)
			wh_str_add(to, s + start, end - start);
		else
			wh_str_puts(to, "<anonymous>");
		return true;
	}
	if (!first)
		return false;
	if (n)
		wh_str_add(to, s, n);
	else
		wh_str_puts(to, "<anonymous>");
	return true;
}

/* ---- .NET ---- */

#define LONGEST_GENERATED 512 /* of a name in a compiler's brackets: it bounds what each bracket costs */

/* `>b__0_1`, `>d__5`, `>c__DisplayClass1_0`, `>g__Local|0_0` at i: where it ends; n_kept bytes of it stay. 0: none there. */
static size_t generated(const char *s, size_t n, size_t i, size_t *n_kept)
{
	if (n - i < 4 || s[i] != '>' || !strchr("bdcgm", s[i + 1]) || s[i + 2] != '_' || s[i + 3] != '_')
		return 0;
	size_t end = i + 4;
	if (s[i + 1] == 'g') {
		while (end < n && is_word(s[end]))
			end++;
		*n_kept = end - i;
		if (end == n || s[end] != '|')
			return 0;
		end++;
	} else {
		*n_kept = 4;
	}
	while (end < n && (is_digit(s[end]) || s[end] == '_' || (s[i + 1] == 'c' && is_word(s[end]))))
		end++;
	return end;
}

/* Where the class of a closure that begins at i (`.<>c`, `+<>c__DisplayClass1_0`) ends, or 0. */
static size_t closure_class(const char *s, size_t n, size_t i)
{
	if (!wh_starts(s + i, n - i, ".<>c") && !wh_starts(s + i, n - i, "+<>c") && !wh_starts(s + i, n - i, "/<>c"))
		return 0;
	size_t end = i + 4;
	while (end < n && (is_word(s[end]) || s[end] == '`'))
		end++;
	return end < n && strchr(".:/+", s[end]) ? end : 0;
}

/* An async method's `<M>d__5.MoveNext`, or a lambda's `<<M>b__0_0>d.MoveNext`, at i: where it ends, and what it is the machine of. */
static size_t state_machine(const char *s, size_t n, size_t i, size_t *first, size_t *last)
{
	if (s[i] != '<' || i + 1 == n)
		return 0;
	size_t depth = 0, close = i, most = n - i < LONGEST_GENERATED ? n : i + LONGEST_GENERATED;
	for (; close < most; close++) {
		depth += s[close] == '<';
		if (s[close] == '>' && !--depth)
			break;
	}
	if (close + 1 >= most || s[close + 1] != 'd')
		return 0;
	size_t end = close + 2;
	while (end < n && (is_digit(s[end]) || s[end] == '_' || s[end] == '`'))
		end++;
	if (end < n && s[end] == '[') {
		const char *bracket = memchr(s + end, ']', n - end);
		end = bracket ? (size_t)(bracket - s) + 1 : n;
	}
	if (end == n || !strchr(".:", s[end]) || !wh_starts(s + end + 1, n - end - 1, "MoveNext"))
		return 0;
	end += 1 + strlen("MoveNext");
	*first = i + 1;
	*last = close;
	return end == n || !is_word(s[end]) ? end : 0;
}

/* `Outer+Inner`, reflection's separator of nested types; Mono's `N.Type:Method`. */
static bool separates(const char *s, size_t n, size_t i, char separator)
{
	return s[i] == separator && i && i + 1 < n && (is_word(s[i - 1]) || s[i - 1] == '>') && !is_digit(s[i + 1]) &&
	       (is_word(s[i + 1]) || s[i + 1] == '<' || (separator == ':' && s[i + 1] == '.'));
}

/* What such a name has in place of a dot; 0: nothing. Other languages' names have these characters, too. */
static char separator_of(const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n), *dot = memchr(s, '.', n);
	if (!dot && !wh_starts(s, n, "<Module>"))
		return 0;
	if (memchr(s, '/', n) || s[0] == '-' || s[0] == '+')
		return 0;
	if (colon) /* one, behind the type's dots */
		return !memchr(colon + 1, ':', n - (size_t)(colon + 1 - s)) && (dot < colon || s[0] == '<') ? ':' : 0;
	return strstr(s, "operator") ? 0 : '+';
}

bool wh_rename_dotnet(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	const char *s = from->data;
	size_t n = from->n, kept, end, first, last;
	(void)language;
	if (!strchr(s, '+') && !strchr(s, '>') && !strchr(s, ':'))
		return false;
	size_t parameters = strcspn(s, "( ");
	char separator = separator_of(s, parameters);
	for (size_t i = 0; i < n;) {
		if ((end = closure_class(s, n, i))) {
			i = end;
		} else if ((end = state_machine(s, n, i, &first, &last))) {
			wh_str_add(to, s + first, last - first);
			i = end;
		} else if ((end = generated(s, n, i, &kept))) {
			wh_str_add(to, s + i, kept);
			i = end;
		} else {
			bool dot = separator && i < parameters && separates(s, parameters, i, separator);
			wh_str_putc(to, dot ? '.' : s[i]);
			i++;
		}
	}
	return to->n != n || memcmp(to->data, s, n) != 0;
}

/* ---- Ruby ---- */

bool wh_rename_ruby(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	static const char *const parts[] = { "block ", "rescue ", "ensure " };
	const char *s = from->data;
	size_t n = from->n;
	(void)language;
	for (size_t i = 0; i < sizeof parts / sizeof *parts;) {
		size_t at = strlen(parts[i]);
		if (!wh_starts(s, n, parts[i])) {
			i++;
			continue;
		}
		if (wh_starts(s + at, n - at, "(")) { /* `(2 levels) ` */
			size_t digits = 0;
			while (at + 1 + digits < n && is_digit(s[at + 1 + digits]))
				digits++;
			if (!digits || !wh_starts(s + at + 1 + digits, n - at - 1 - digits, " levels) "))
				break;
			at += 1 + digits + strlen(" levels) ");
		}
		if (!wh_starts(s + at, n - at, "in ") || at + 3 == n)
			break;
		s += at + 3;
		n -= at + 3;
		i = 0;
	}
	/* a view of Rails that was compiled: `_app_views_users_show_html_erb___123_456` */
	const char *numbers = wh_starts(s, n, "_app_") ? strstr(s, "___") : NULL;
	if (numbers && numbers[3 + strspn(numbers + 3, "0123456789_")] == '\0')
		n = (size_t)(numbers - s);
	if (!strcmp(s, "singleton class"))
		return wh_str_puts(to, "<singleton class>"), true;
	if (n == from->n)
		return false;
	wh_str_add(to, s, n);
	return true;
}

/* ---- PHP ---- */

bool wh_rename_php(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	static const char closure[] = "{closure", anonymous[] = "@anonymous";
	const char *s = from->data;
	size_t n = from->n;
	(void)language;
	if (!strstr(s, closure) && !strstr(s, anonymous))
		return false;
	for (size_t i = 0; i < n;) {
		if (wh_starts(s + i, n - i, closure) && i + sizeof closure - 1 < n && strchr(":}", s[i + sizeof closure - 1])) {
			/* the namespace, which a newer PHP says within the braces */
			size_t cut = to->n;
			while (cut && (is_word(to->data[cut - 1]) || to->data[cut - 1] == '\\'))
				cut--;
			if (to->n && to->data[to->n - 1] == '\\')
				to->data[to->n = cut] = '\0';
			size_t depth = 0;
			do {
				depth += s[i] == '{';
				depth -= s[i] == '}';
			} while (++i < n && depth);
			wh_str_puts(to, "{closure}");
		} else if (wh_starts(s + i, n - i, anonymous)) {
			if (to->n == 5 && !memcmp(to->data, "class", 5))
				to->data[to->n = 0] = '\0';
			wh_str_puts(to, "{class}");
			i += sizeof anonymous - 1;
			/* where it was written, and a number: what a log leaves of `\0/x.php:3$0` */
			size_t end = i;
			while (end < n && !(s[end] == '-' && end + 1 < n && s[end + 1] == '>') && !(s[end] == ':' && end + 1 < n && s[end + 1] == ':'))
				end++;
			i = end;
		} else {
			wh_str_putc(to, s[i++]);
		}
	}
	return to->n != n || memcmp(to->data, s, n) != 0;
}

/* ---- Kotlin/Native ---- */

bool wh_rename_kotlin(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	static const char prefix[] = "kfun:";
	const char *s = from->data;
	size_t n = from->n;
	(void)language;
	if (!wh_starts(s, n, prefix) || n == sizeof prefix - 1)
		return false;
	s += sizeof prefix - 1;
	n = strcspn(s, "({");
	if (ends(s, n, "#internal"))
		n -= strlen("#internal");
	if (ends(s, n, "#static"))
		n -= strlen("#static");
	for (size_t i = 0; i < n; i++)
		if (s[i] != '#')
			wh_str_putc(to, s[i]);
		else if (to->n)
			wh_str_putc(to, '.');
	return to->n;
}

/* ---- languages on the JVM ---- */

static size_t number_at(const char *s, size_t n, size_t i)
{
	size_t end = i;
	while (end < n && is_digit(s[end]))
		end++;
	return end > i && (end == n || strchr(".$/", s[end])) ? end : 0;
}

bool wh_rename_jvm_language(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	static const struct {
		const char *word;
		bool whole; /* goes with its number */
	} numbered[] = { { "__", true }, { "$eval", false }, { "_closure", false } };
	const char *s = from->data;
	size_t n = from->n;
	const char *dollar = strchr(s, '$'), *start = strstr(s, "delayedEndpoint$");
	if (!dollar || !memchr(s, '.', n))
		return false;
	if (start)
		n = (size_t)(start - s) + strlen("delayedEndpoint");
	/* Scala numbers functions within functions: the last word of the name */
	const char *last = memrchr(s, '$', n), *dot = memrchr(s, '.', n);
	if (language == WH_LANGUAGE_JVM && last && dot && last > dot + 1 && number_at(s, n, (size_t)(last + 1 - s)) == n && last[-1] != '$' &&
	    !wh_starts(dot + 1, (size_t)(s + n - dot - 1), "lambda$"))
		n = (size_t)(last - s);
	for (size_t i = 0; i < n;) {
		size_t k = 0, end = 0;
		for (; i && k < sizeof numbered / sizeof *numbered; k++)
			if (wh_starts(s + i, n - i, numbered[k].word) && (end = number_at(s, n, i + strlen(numbered[k].word))))
				break;
		if (end && s + i > dollar - !numbered[k].whole) {
			if (!numbered[k].whole)
				wh_str_puts(to, numbered[k].word);
			i = end;
		} else {
			wh_str_putc(to, s[i++]);
		}
	}
	return to->n && (to->n != from->n || memcmp(to->data, s, to->n) != 0);
}
