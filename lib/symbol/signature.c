/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/signature.h"

#include <stdbool.h>
#include <string.h>

struct scan {
	const char *s;
	size_t n, i;
	struct wh_str *to;
	bool after_operator; /* the name ends with an operator's symbol: a `<` opens template arguments */
};

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

static bool at(const struct scan *x, size_t i, const char *text)
{
	return i <= x->n && wh_starts(x->s + i, x->n - i, text);
}

static size_t blanks(const struct scan *x, size_t i)
{
	while (i < x->n && x->s[i] == ' ')
		i++;
	return i;
}

/* The last byte of the name so far, or 0. */
static char last(const struct scan *x)
{
	return x->to->n ? x->to->data[x->to->n - 1] : '\0';
}

static bool ends(const struct scan *x, const char *text)
{
	size_t n = strlen(text);
	return x->to->n >= n && !memcmp(x->to->data + x->to->n - n, text, n);
}

static void cut_end(struct scan *x, size_t n)
{
	x->to->n -= n;
	x->to->data[x->to->n] = '\0';
}

/* Where the bracket that opens at i has closed; n where it does not. */
static size_t closed(const struct scan *x, size_t i, char open, char close)
{
	size_t depth = 0;
	for (; i < x->n; i++) {
		depth += x->s[i] == open;
		if (x->s[i] == close && !--depth)
			return i + 1;
	}
	return x->n;
}

/* The length of an operator's symbol at i, or 0. */
static size_t symbol(const struct scan *x, size_t i)
{
	static const char *const symbols[] = { "()", "[]", "->*", "->", "<=>", "<<=", ">>=", "<<", ">>", "<=", ">=", "<", ">", "==",
					       "!=", "!", "&&", "&=", "&", "||", "|=", "|", "++", "+=", "+", "--", "-=", "-",
					       "*=", "*", "/=", "/", "%=", "%", "^=", "^", "~", "=", "," };
	for (size_t k = 0; k < sizeof symbols / sizeof *symbols; k++)
		if (at(x, i, symbols[k]))
			return strlen(symbols[k]);
	return 0;
}

static bool is_operator(const struct scan *x, size_t i)
{
	const size_t n = strlen("operator");
	return at(x, i, "operator") && (i == 0 || !is_word(x->s[i - 1])) && (i + n == x->n || !is_word(x->s[i + n]));
}

/* The same for template arguments: neither an arrow nor an operator closes them, and what parentheses hold is no bracket. */
static size_t angles_closed(const struct scan *x, size_t i)
{
	size_t depth = 0;
	while (i < x->n) {
		char c = x->s[i];
		if (c == '(') {
			i = closed(x, i, '(', ')');
			continue;
		}
		if (c == 'o' && is_operator(x, i)) {
			i = blanks(x, i + strlen("operator"));
			i += symbol(x, i);
			continue;
		}
		if (c == '-' && at(x, i, "->")) {
			i += 2;
			continue;
		}
		depth += c == '<';
		if (c == '>' && !--depth)
			return i + 1;
		i++;
	}
	return x->n;
}

/* Adds a type (without the name's own brackets): its template arguments and closure numbers are dropped. */
static void add_type(struct scan *x, size_t i, size_t end)
{
	struct scan part = { x->s, end, i, x->to, false };
	while (part.i < end) {
		char c = part.s[part.i];
		if (c == '<' && (is_word(last(x)) || ends(x, "::") || last(x) == '}')) {
			if (ends(x, "::"))
				cut_end(x, 2);
			part.i = angles_closed(&part, part.i);
		} else if (c == '#' && part.i + 1 < end && part.s[part.i + 1] >= '0' && part.s[part.i + 1] <= '9') {
			for (part.i++; part.i < end && part.s[part.i] >= '0' && part.s[part.i] <= '9';)
				part.i++;
		} else {
			wh_str_putc(x->to, c);
			part.i++;
		}
	}
}

static void add_operator(struct scan *x)
{
	wh_str_puts(x->to, "operator");
	size_t i = blanks(x, x->i + strlen("operator")), n = symbol(x, i);
	x->after_operator = true;
	if (n) {
		wh_str_add(x->to, x->s + i, n);
		x->i = i + n;
		return;
	}
	static const char *const words[] = { "new", "delete", "co_await" };
	for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
		size_t end = i + strlen(words[k]);
		if (!at(x, i, words[k]) || (end < x->n && is_word(x->s[end])))
			continue;
		wh_str_printf(x->to, " %s", words[k]);
		x->i = end;
		if (at(x, end, "[]")) {
			wh_str_puts(x->to, "[]");
			x->i += 2;
		}
		return;
	}
	if (at(x, i, "\"\"")) {
		wh_str_puts(x->to, "\"\" ");
		for (i = blanks(x, i + 2); i < x->n && is_word(x->s[i]); i++)
			wh_str_putc(x->to, x->s[i]);
		x->i = i;
		return;
	}
	/* a conversion: its name is a type, which may hold blanks, and ends where the parameters begin */
	size_t end = i;
	while (end < x->n && x->s[end] != '(')
		end = x->s[end] == '<' ? angles_closed(x, end) : at(x, end, "[abi:") ? closed(x, end, '[', ']') : end + 1;
	if (at(x, end, "(anonymous ")) {
		size_t more = closed(x, end, '(', ')');
		while (more < x->n && x->s[more] != '(')
			more = x->s[more] == '<' ? angles_closed(x, more) : more + 1;
		end = more;
	}
	if (end > i) {
		wh_str_putc(x->to, ' ');
		add_type(x, i, end);
	}
	while (last(x) == ' ')
		cut_end(x, 1);
	x->i = end;
}

/* Passes over ` const`, ` &&`, … behind parameters; what is left must be the end or a local scope's `::`. */
static size_t qualifiers(const struct scan *x, size_t i)
{
	static const char *const words[] = { "const", "volatile", "noexcept", "restrict", "__restrict", "&&", "&" };
	for (int most = 6; most; most--) {
		size_t word = blanks(x, i), k = 0, count = sizeof words / sizeof *words;
		for (; k < count; k++) {
			size_t end = word + strlen(words[k]);
			if (at(x, word, words[k]) && (end >= x->n || !is_word(x->s[end]))) {
				i = end;
				break;
			}
		}
		if (k == count)
			break;
	}
	return i;
}

/* Whether nothing but notes about the function follows. */
static bool only_notes(const struct scan *x, size_t i)
{
	size_t rest = blanks(x, qualifiers(x, i));
	return rest >= x->n || x->s[rest] == '[' || at(x, rest, "(.") || at(x, rest, "->") || x->s[rest] == '+';
}

/* Where the name begins in `(*f(int))(char)`, a function that returns a pointer to one; 0 where `(` opens something else. */
static size_t function_pointer(const struct scan *x, size_t i)
{
	size_t inner = i + 1;
	while (inner < x->n && inner < i + 8 && strchr("*& ", x->s[inner]))
		inner++;
	return inner > i + 1 && inner < x->n && (is_word(x->s[inner]) || at(x, inner, "(anonymous ")) ? inner : 0;
}

/* `(`: a name's part, the way into `void (*f(int))(char)`, or parameters. False at the name's end. */
static bool parenthesis(struct scan *x)
{
	size_t inner = function_pointer(x, x->i);
	if (!x->to->n && inner) {
		x->i = inner;
		return true;
	}
	size_t end = closed(x, x->i, '(', ')');
	if (!x->to->n || at(x, x->i, "(anonymous ") || at(x, x->i, "(unnamed ")) { /* also `(below main)` */
		wh_str_add(x->to, x->s + x->i, end - x->i);
		x->i = end;
		return true;
	}
	if (last(x) == '.' && at(x, end, ".")) { /* Go's receiver: `(*T)` */
		for (size_t i = x->i; i < end;) {
			if (x->s[i] == '[') {
				struct scan part = { x->s, end - 1, i, x->to, false };
				i = closed(&part, i, '[', ']');
			} else {
				wh_str_putc(x->to, x->s[i++]);
			}
		}
		x->i = end;
		return true;
	}
	if (at(x, x->i, "(."))
		return false; /* ` (.isra.0)` */
	bool is_type = ends(x, "decltype") || ends(x, "typeof") || ends(x, "__typeof__");
	x->i = end;
	x->after_operator = false;
	if (is_type)
		return true;
	size_t next = qualifiers(x, end);
	if (at(x, next, "::")) {
		x->i = next;
		return true;
	}
	return end < x->n && x->s[end] == '.'; /* D's local functions; `f(int).isra.0` */
}

/* `<`: template arguments, or a name of its own: `<T as Trait>`, `<init>`, `<lambda(int)>`. */
static void angle(struct scan *x)
{
	size_t first = x->i + 1, end = angles_closed(x, x->i);
	size_t inner = end > first && x->s[end - 1] == '>' ? end - 1 : end;
	bool start = !x->to->n, nested = ends(x, "::");
	x->i = end;
	if (!start && !nested && last(x) != '.')
		return;
	if (at(x, first, "lambda(")) {
		wh_str_puts(x->to, "{lambda}");
	} else if (at(x, first, "unnamed>")) {
		wh_str_puts(x->to, "(anonymous namespace)");
	} else if (at(x, first, "unnamed ")) {
		wh_str_puts(x->to, "{unnamed type}");
	} else if (last(x) == '.') {
		wh_str_add(x->to, x->s + first - 1, end - first + 1); /* `Object.<init>` */
	} else if (nested || at(x, end, "::")) {
		bool is_impl = at(x, first, "impl ");
		bool is_trait = inner > first && wh_glob("* as *", x->s + first, inner - first);
		bool plain = inner > first && is_word(x->s[first]) && !memchr(x->s + first, ' ', inner - first);
		if (nested && !is_impl && !is_trait) {
			cut_end(x, 2); /* Rust's `f::<i32>` */
		} else if (plain && !is_impl && !is_trait) {
			add_type(x, first, inner); /* `<A>::f` is A::f in older compilers */
		} else {
			wh_str_putc(x->to, '<');
			add_type(x, first, inner);
			wh_str_putc(x->to, '>');
		}
	} else {
		wh_str_add(x->to, x->s + first - 1, end - first + 1); /* `<module>`, `<signal handler called>` */
	}
}

/* `{lambda(int)#1}`, `{closure#0}`, `{{closure}}`, `{unnamed type#2}`, `{anonymous}`. */
static void brace(struct scan *x)
{
	size_t end = closed(x, x->i, '{', '}'), first = x->i;
	while (first < end && x->s[first] == '{')
		first++;
	size_t n = 0;
	while (first + n < end && !strchr("(#{}", x->s[first + n]))
		n++;
	while (n && x->s[first + n - 1] == ' ')
		n--;
	if (n == strlen("anonymous") && at(x, first, "anonymous")) {
		wh_str_puts(x->to, "(anonymous namespace)");
	} else {
		wh_str_putc(x->to, '{');
		wh_str_add(x->to, x->s + first, n);
		wh_str_putc(x->to, '}');
	}
	x->i = end;
}

/* Clang's `'lambda0'(int)` and `'unnamed'`, MSVC's `anonymous namespace'. */
static void quote(struct scan *x)
{
	if (at(x, x->i, "'lambda"))
		wh_str_puts(x->to, "{lambda}");
	else if (at(x, x->i, "'unnamed"))
		wh_str_puts(x->to, "{unnamed type}");
	else if (at(x, x->i, "`anonymous"))
		wh_str_puts(x->to, "(anonymous namespace)");
	else {
		wh_str_putc(x->to, x->s[x->i++]);
		return;
	}
	const char *close = memchr(x->s + x->i + 1, '\'', x->n - x->i - 1);
	x->i = close ? (size_t)(close - x->s) + 1 : x->n;
}

/* A blank ends the return type, or the name. */
static bool blank(struct scan *x)
{
	size_t i = blanks(x, x->i);
	if (!x->to->n) {
		x->i = i;
		return true;
	}
	if (only_notes(x, i))
		return false;
	x->i = i;
	bool name_goes_on = x->s[i] == '(' ? !at(x, i, "(anonymous ") && !function_pointer(x, i) : x->s[i] == '<' && x->after_operator;
	if (!name_goes_on)
		wh_str_clear(x->to);
	return true;
}

static bool bracket(struct scan *x)
{
	size_t end = closed(x, x->i, '[', ']');
	if (at(x, x->i, "[clone"))
		return false;
	if (!x->to->n || last(x) == '-' || last(x) == '+')
		wh_str_add(x->to, x->s + x->i, end - x->i); /* `[vdso]`, `__45-[Foo bar]_block_invoke` */
	x->i = end;
	return true;
}

void wh_signature_strip(const char *text, size_t n, struct wh_str *to)
{
	struct scan x = { text, n, 0, to, false };
	if (at(&x, 0, "-[") || at(&x, 0, "+[")) { /* Objective-C: the blank belongs to the name */
		wh_str_add(to, text, closed(&x, 0, '[', ']'));
		return;
	}
	for (bool more = true; more && x.i < n && !to->failed;) {
		char c = text[x.i];
		bool fresh = !to->n;
		if (c == 'o' && is_operator(&x, x.i)) {
			add_operator(&x);
			continue;
		}
		switch (c) {
		case '(': more = parenthesis(&x); break;
		case ')': more = false; break;
		case '<': angle(&x); break;
		case '{': brace(&x); break;
		case '\'':
		case '`': quote(&x); break;
		case '[': more = bracket(&x); break;
		case ' ': more = blank(&x); break;
		case '!':
			if (is_word(last(&x)) && at(&x, x.i, "!(")) /* D's template arguments */
				x.i = closed(&x, x.i + 1, '(', ')');
			else
				wh_str_putc(to, text[x.i++]);
			break;
		case '*':
		case '&':
			if (!fresh)
				wh_str_putc(to, c);
			x.i++;
			break;
		case ':':
			if (fresh && at(&x, x.i, "::"))
				x.i++;
			else
				wh_str_putc(to, c);
			x.i++;
			break;
		case '+':
			if (is_word(last(&x)) && at(&x, x.i, "+0x")) {
				more = false;
				break;
			}
			wh_str_putc(to, text[x.i++]);
			break;
		case '$':
			if ((fresh || ends(&x, "::")) && at(&x, x.i, "$_")) { /* Clang's lambdas */
				wh_str_puts(to, "{lambda}");
				for (x.i += 2; x.i < n && text[x.i] >= '0' && text[x.i] <= '9';)
					x.i++;
				break;
			}
			wh_str_putc(to, text[x.i++]);
			break;
		default:
			wh_str_putc(to, text[x.i++]);
			x.after_operator = false;
		}
	}
	while (to->n && (last(&x) == ' ' || (to->n > 2 && ends(&x, "::"))))
		cut_end(&x, last(&x) == ' ' ? 1 : 2);
}
