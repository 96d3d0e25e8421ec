/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/rename_languages.h"

#include <string.h>

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool wh_rename_crystal(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	const char *s = from->data;
	size_t n = from->n, depth = 0;
	/* a method's symbol begins with its receiver's type; the star keeps it apart from C's */
	if (n < 3 || *s != '*' || !(s[1] >= 'A' && s[1] <= 'Z'))
		return false;
	for (size_t i = 1; i < n; i++) {
		bool opens = (s[i] == '<' || s[i] == '(') && is_word(s[i - 1]);
		if (opens || depth) {
			depth += s[i] == '<' || s[i] == '(';
			depth -= s[i] == '>' || s[i] == ')';
			continue;
		}
		if (s[i] == ':' && s[i - 1] != ':' && (i + 1 == n || s[i + 1] != ':'))
			break; /* the type of what comes back */
		wh_str_putc(to, s[i]);
	}
	return true;
}

static size_t digits(const char *s, size_t n, size_t i)
{
	size_t first = i;
	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	return i - first;
}

bool wh_rename_numbered(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	static const char anon[] = "__anon_", script[] = "__escript__";
	const char *s = from->data, *found = strstr(s, anon);
	size_t n = from->n, at = found ? (size_t)(found - s) : 0;
	if (at && digits(s, n, at + sizeof anon - 1) == n - (at + sizeof anon - 1) && at + sizeof anon - 1 < n) {
		wh_str_add(to, s, at + sizeof anon - 2);
		return true;
	}
	found = strstr(s, script);
	at = found ? (size_t)(found - s) : 0;
	size_t end = at + sizeof script - 1;
	while (at && end < n && (digits(s, n, end) || s[end] == '_'))
		end++;
	if (!at || end >= n || s[end] != ':')
		return false;
	wh_str_add(to, s, at);
	wh_str_add(to, s + end, n - end);
	return true;
}

/* `Class>>selector`, `Class(Defined) class>>at:put:`, behind `[] in ` or not. No C++ name goes on behind `>>` without a parenthesis
 * or a colon pair. */
static bool is_method(const char *s, size_t n)
{
	const char *arrows = memmem(s, n, ">>", 2), *p = arrows ? arrows + 2 : NULL, *end = s + n;
	if (!arrows || arrows == s || p == end || memchr(s, '<', (size_t)(arrows - s)) || *p == ':')
		return false;
	for (; p < end; p++)
		if (!(is_word(*p) || *p == ':' || (p - arrows < 4 && strchr("+-*/\\<>=@%|&?,~", *p))) || (*p == ':' && p + 1 < end && p[1] == ':'))
			return false;
	return is_word(arrows[-1]) || arrows[-1] == ')';
}

bool wh_name_whole(const char *name, size_t n)
{
	static const char *const phrases[] = { "main chunk", "top-level scope", "macro expansion" };
	for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
		if (n == strlen(phrases[i]) && !memcmp(name, phrases[i], n))
			return true;
	return is_method(name, n);
}
