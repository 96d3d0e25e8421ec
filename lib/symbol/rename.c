/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/rename.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <whorl/observation.h>

#include "symbol/demangle.h"
#include "symbol/rename_languages.h"
#include "symbol/rename_script.h"
#include "symbol/signature.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static size_t digits_at(const char *s, size_t n, size_t i)
{
	size_t first = i;
	while (i < n && is_digit(s[i]))
		i++;
	return i - first;
}

enum wh_language wh_language_of(const char *file)
{
	static const struct {
		const char *extension;
		enum wh_language language;
	} known[] = {
		{ "py", WH_LANGUAGE_PYTHON },     { "pyc", WH_LANGUAGE_PYTHON },   { "js", WH_LANGUAGE_JAVASCRIPT },
		{ "mjs", WH_LANGUAGE_JAVASCRIPT }, { "cjs", WH_LANGUAGE_JAVASCRIPT }, { "ts", WH_LANGUAGE_JAVASCRIPT },
		{ "tsx", WH_LANGUAGE_JAVASCRIPT }, { "jsx", WH_LANGUAGE_JAVASCRIPT }, { "java", WH_LANGUAGE_JVM },
		{ "kt", WH_LANGUAGE_JVM },        { "scala", WH_LANGUAGE_JVM },    { "groovy", WH_LANGUAGE_JVM },
		{ "clj", WH_LANGUAGE_JVM },       { "go", WH_LANGUAGE_GO },	       { "mts", WH_LANGUAGE_JAVASCRIPT },
		{ "jsm", WH_LANGUAGE_JAVASCRIPT },  { "rb", WH_LANGUAGE_RUBY },	       { "php", WH_LANGUAGE_PHP },
	};
	if (file && !strncmp(file, "<frozen ", 8))
		return WH_LANGUAGE_PYTHON;
	if (file && !strncmp(file, "node:", 5))
		return WH_LANGUAGE_JAVASCRIPT;
	size_t n = file ? strcspn(file, "?#") : 0; /* a URL's query */
	const char *dot = n ? memrchr(file, '.', n) : NULL, *end = n ? file + n : NULL;
	for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++)
		if ((size_t)(end - dot - 1) == strlen(known[i].extension) && !memcmp(dot + 1, known[i].extension, (size_t)(end - dot - 1)))
			return known[i].language;
	return WH_LANGUAGE_OTHER;
}

void wh_name_clean(const char *text, size_t n, size_t most, struct wh_str *to)
{
	while (n && (*text == ' ' || *text == '\t'))
		text++, n--;
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	for (size_t i = 0, first = to->n; i < n;) {
		size_t size = wh_utf8_length(text + i, n - i);
		bool bad = !size || (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
		if (to->n - first + (bad ? 3 : size) > most)
			break;
		if (bad)
			wh_str_puts(to, "\xef\xbf\xbd");
		else
			wh_str_add(to, text + i, size);
		i += bad ? 1 : size;
	}
	while (to->n && to->data[to->n - 1] == ' ') /* the cut may have bared one */
		to->data[--to->n] = '\0';
}

static bool demangle(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	return wh_demangle(from->data, from->n, to);
}

static bool signature(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	/* nearly all of C's, Java's and Python's names have none of these */
	if (!strpbrk(from->data, " (<{['`*$+!:&") && memcmp(from->data, "operator", from->n < 8 ? from->n : 8) != 0)
		return false;
	if (wh_name_whole(from->data, from->n))
		return false;
	wh_signature_strip(from->data, from->n, to);
	return to->n;
}

/* What compilers append: .isra.0, .constprop.1, .part.2, .cold, .lto_priv.3, .llvm.123456, and the .1234 of static locals. */
static bool suffix(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	static const struct {
		const char *name;
		bool numbered; /* always has a number; without one it may be somebody's own name */
	} words[] = { { "isra", true },   { "constprop", true }, { "part", true },	 { "lto_priv", true }, { "llvm", true },
		      { "clone", true },  { "cold", false },	 { "localalias", false }, { "str", true },	 { "ipa_ra", true },
		      { "_omp_fn", true }, { "resolver", false } };
	bool native = language == WH_LANGUAGE_OTHER;
	size_t n = from->n;
	while (n) {
		size_t end = n;
		while (end && is_digit(from->data[end - 1]))
			end--;
		bool numbered = end < n && end && from->data[end - 1] == '.';
		size_t word_end = numbered ? end - 1 : n, first = word_end;
		while (first && from->data[first - 1] != '.')
			first--;
		size_t cut = numbered ? word_end : n;
		for (size_t k = 0; first > 1 && k < sizeof words / sizeof *words; k++)
			if (word_end - first == strlen(words[k].name) && !memcmp(from->data + first, words[k].name, word_end - first) &&
			    (numbered || (native && !words[k].numbered)))
				cut = first - 1;
		if (cut == n || !cut)
			break;
		n = cut;
	}
	if (n == from->n || !n)
		return false;
	wh_str_add(to, from->data, n);
	return true;
}

/* Rust's legacy hash, where nobody demangled it away: `::h0123456789abcdef`. */
static bool rust_hash(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	const size_t n = strlen("::h0123456789abcdef");
	if (from->n <= n || memcmp(from->data + from->n - n, "::h", 3) != 0)
		return false;
	for (size_t i = from->n - n + 3; i < from->n; i++)
		if (!is_digit(from->data[i]) && !(from->data[i] >= 'a' && from->data[i] <= 'f'))
			return false;
	wh_str_add(to, from->data, from->n - n);
	return true;
}

/* Blocks: `__f_block_invoke_2` is `__f_block_invoke`. */
static bool block(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	const char *found = strstr(from->data, "_block_invoke");
	size_t i = found ? (size_t)(found - from->data) + strlen("_block_invoke") : 0, end = i;
	if (!found || i + 1 >= from->n || (from->data[i] != '_' && from->data[i] != '.'))
		return false;
	end = i + 1 + digits_at(from->data, from->n, i + 1);
	if (end != from->n)
		return false;
	wh_str_add(to, from->data, i);
	return true;
}

static size_t skip_hex(const char *s, size_t n, size_t i)
{
	if (i + 2 < n && s[i] == '0' && s[i + 1] == 'x')
		i += 2;
	while (i < n && is_hex(s[i]))
		i++;
	return i;
}

/* Names that the JVM, its compilers and libraries generate anew in every run or build. `$1` of an anonymous class stays: it is what
 * the programmer sees. */
static bool jvm(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	static const char *const numbered[] = { "$$Lambda$", "$Proxy", "access$", "GeneratedMethodAccessor", "GeneratedConstructorAccessor",
						"GeneratedSerializationConstructorAccessor", "$MockitoMock$", "CGLIB$$",
						"$HibernateProxy$", "$ByteBuddy$" };
	const char *s = from->data;
	size_t n = from->n, i = 0, component = 0; /* component: where the last part of the name begins in `to` */
	if (!strchr(s, '$') && !strstr(s, "Accessor") && !strchr(s, '/'))
		return false;
	/* `java.base@17/java.lang.Thread.run`, `app//a.B.c`: the class loader and module in front */
	size_t slash = strcspn(s, "/");
	bool loader = slash < n && (wh_starts(s, n, "java.") || wh_starts(s, n, "jdk.") || wh_starts(s, n, "app/") || wh_starts(s, n, "platform/") ||
				    (memchr(s, '@', slash) && language == WH_LANGUAGE_JVM));
	for (size_t k = 0; loader && k < slash; k++)
		loader = is_digit(s[k]) || (s[k] >= 'a' && s[k] <= 'z') || (s[k] >= 'A' && s[k] <= 'Z') || strchr("._@-+", s[k]);
	if (loader && slash + 1 < n)
		i = slash + 1 + (s[slash + 1] == '/' && slash + 2 < n);
	while (i < n) {
		size_t k = 0, count = sizeof numbered / sizeof *numbered;
		while (k < count && !wh_starts(s + i, n - i, numbered[k]))
			k++;
		if (k < count) {
			size_t word = strlen(numbered[k]), end = i + word;
			bool opaque = s[end - 1] == '$' && k >= 6; /* what follows is a hash, not a number */
			size_t more = opaque ? end : end + digits_at(s, n, end);
			while (opaque && more < n && s[more] != '.' && s[more] != '$' && s[more] != '/')
				more++;
			if (k == 0 && more < n && s[more] == '/')
				more = skip_hex(s, n, more + 1);
			wh_str_add(to, s + i, word - (more > end && (opaque || k == 0)));
			while (more > end && opaque && to->n && to->data[to->n - 1] == '$')
				to->data[--to->n] = '\0';
			i = more;
			continue;
		}
		if (wh_starts(s + i, n - i, "$$Lambda/")) {
			wh_str_puts(to, "$$Lambda");
			i = skip_hex(s, n, i + strlen("$$Lambda/"));
			continue;
		}
		if (s[i] == '$') {
			/* `lambda$main$0`, `$anonfun$run$1`, `f$lambda$0`: the number of a lambda */
			size_t number = digits_at(s, n, i + 1), end = i + 1 + number;
			struct wh_bytes name = { to->data ? to->data + component : "", to->n - component };
			bool lambda = wh_starts(name.data, name.size, "lambda$") || wh_starts(name.data, name.size, "$anonfun") ||
				      (name.size >= 7 && !memcmp(name.data + name.size - 7, "$lambda", 7));
			if (number && lambda && (end == n || s[end] == '.' || s[end] == '$')) {
				i = end;
				continue;
			}
		}
		wh_str_putc(to, s[i++]);
		if (s[i - 1] == '.')
			component = to->n;
	}
	return to->n != n;
}

/* Go: `main.f.func1.2` and `main.f.gowrap1` lose their numbers, `main.T.M-fm` its suffix. */
static bool go(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	static const char *const words[] = { ".func", ".gowrap", ".deferwrap", "·dwrap·", "-range", ".init." };
	const char *s = from->data;
	size_t n = from->n;
	bool sure = language == WH_LANGUAGE_GO ||
		    (language == WH_LANGUAGE_OTHER &&
		     (strchr(s, '/') || strstr(s, ".(*") || wh_starts(s, n, "main.") || wh_starts(s, n, "runtime.")));
	if (!sure)
		return false;
	if (n > 3 && !memcmp(s + n - 3, "-fm", 3))
		n -= 3;
	for (size_t i = 0; i < n;) {
		size_t k = 0, count = sizeof words / sizeof *words;
		while (k < count && !wh_starts(s + i, n - i, words[k]))
			k++;
		size_t end = k < count ? i + strlen(words[k]) : 0, number = end ? digits_at(s, n, end) : 0;
		if (!number || (end + number < n && !strchr(".-", s[end + number]))) {
			wh_str_putc(to, s[i++]);
			continue;
		}
		bool whole = words[k][0] == '-' || words[k][0] != '.' || k == 5; /* the word goes, too */
		if (!whole)
			wh_str_puts(to, words[k]);
		for (i = end + number; i + 1 < n && s[i] == '.' && is_digit(s[i + 1]);)
			i += 1 + digits_at(s, n, i + 1);
		if (k == 5)
			wh_str_puts(to, ".init");
	}
	return to->n != from->n;
}

/* Rust's legacy names as demanglers of C++ leave them: `_$LT$T$u20$as$u20$a..B$GT$::f` is `<T as a::B>::f`
 * (rustc_symbol_mangling/src/legacy.rs). */
static bool rust_escapes(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	static const struct {
		const char *text, *means;
	} escapes[] = { { "$LT$", "<" },  { "$GT$", ">" },    { "$u20$", " " }, { "$RF$", "&" },    { "$BP$", "*" },    { "$C$", "," },
			{ "$LP$", "(" },  { "$RP$", ")" },    { "$SP$", "@" },	{ "$u27$", "'" },   { "$u5b$", "[" },   { "$u5d$", "]" },
			{ "$u7b$", "{" }, { "$u7d$", "}" },   { "$u3b$", ";" },	{ "$u2b$", "+" },   { "..", "::" } };
	const char *s = from->data;
	bool found = false;
	if (!strstr(s, "$LT$") && !strstr(s, "$u7b$") && !strstr(s, "$u20$"))
		return false;
	for (size_t i = 0; i < from->n;) {
		if (wh_starts(s + i, from->n - i, "_$") && (!i || s[i - 1] == ':')) { /* no part may begin with the dollar */
			i++;
			continue;
		}
		size_t k = 0, count = sizeof escapes / sizeof *escapes;
		while (k < count && !wh_starts(s + i, from->n - i, escapes[k].text))
			k++;
		if (k < count)
			wh_str_puts(to, escapes[k].means);
		else
			wh_str_putc(to, s[i]);
		i += k < count ? strlen(escapes[k].text) : 1;
		found |= k < count;
	}
	return found;
}

/* `.raise`: on PowerPC the function's code, where `raise` is its descriptor (64-Bit PowerPC ELF ABI, 3.2.5). */
static bool entry_point(const struct wh_str *from, enum wh_language language, struct wh_str *to)
{
	bool named = from->n > 1 && (from->data[1] == '_' || ((from->data[1] | 0x20) >= 'a' && (from->data[1] | 0x20) <= 'z'));
	if (language != WH_LANGUAGE_OTHER || from->data[0] != '.' || !named || memchr(from->data + 1, '.', from->n - 1))
		return false;
	wh_str_add(to, from->data + 1, from->n - 1);
	return true;
}

const struct wh_renaming wh_renamings[] = {
	{ "entry point of PowerPC", entry_point },
	{ "demangle", demangle },
	{ "Rust's escapes", rust_escapes },
	{ "compiler suffix", suffix },
	{ "generated by the JVM", jvm },
	{ "generated by a language of the JVM", wh_rename_jvm_language },
	{ "Kotlin/Native", wh_rename_kotlin },
	{ "generated by .NET", wh_rename_dotnet },
	{ "level of a block", wh_rename_ruby },
	{ "closure of PHP", wh_rename_php },
	{ "JavaScript engine", wh_rename_javascript },
	{ "Crystal's symbol", wh_rename_crystal },
	{ "number of a build or run", wh_rename_numbered },
	{ "signature", signature },
	{ "rust hash", rust_hash },
	{ "block number", block },
	{ "go closure", go },
	{ NULL, NULL },
};

bool wh_name_unknown(const char *function)
{
	static const char *const words[] = { "??", "?", "[unknown]", "<unknown>", "(unknown)", "unknown", "???", "(null)", "<null>", "null",
					     "<name omitted>", "<not found>", "_unknown_", "()", "<unknown module>" };
	if (!function)
		return true;
	while (*function == ' ' || *function == '\t')
		function++;
	if (!*function)
		return true;
	if (is_digit(*function) && function[strspn(function, "0123456789abcdefABCDEFx")] == '\0')
		return true; /* a bare address */
	if (!strchr("?[<(un_", *function))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(function, words[i]))
			return true;
	return false;
}

static bool ends_with(const struct wh_str *s, size_t first, const char *tail)
{
	size_t n = strlen(tail);
	return s->n - first > n && !strcasecmp(s->data + s->n - n, tail);
}

static void cut_at(struct wh_str *s, size_t n)
{
	s->n = n;
	s->data[n] = '\0';
}

void wh_module_name(const char *text, struct wh_str *to)
{
	size_t first = to->n;
	const char *base = text;
	for (const char *p = text; *p; p++)
		if ((*p == '/' || *p == '\\') && p[1])
			base = p + 1;
	wh_name_clean(base, strlen(base), 256, to);
	if (to->failed || to->n == first)
		return;
	if (ends_with(to, first, " (deleted)"))
		cut_at(to, to->n - strlen(" (deleted)"));
	char *name = to->data + first;
	if (wh_name_unknown(name)) {
		cut_at(to, first);
		return;
	}
	for (char *p = name; *p; p++)
		if (strchr(WH_MODULE_NEVER, *p))
			*p = '_';
	char *so = strstr(name, ".so.");
	if (so && so > name) /* digits mostly, but also .ABI-20120228 */
		cut_at(to, (size_t)(so + 3 - to->data));
	/* glibc before 2.34 installed libc-2.31.so beside libc.so.6 */
	static const char *const glibc[] = { "libc-", "ld-", "libpthread-", "libm-", "libdl-", "librt-", "libnss_files-" };
	for (size_t i = 0; i < sizeof glibc / sizeof *glibc; i++) {
		size_t word = strlen(glibc[i]);
		if (!strncmp(name, glibc[i], word) && is_digit(name[word]) && !strcmp(name + word + strspn(name + word, "0123456789."), "so")) {
			cut_at(to, first + word - 1);
			wh_str_puts(to, ".so");
			return;
		}
	}
	if (ends_with(to, first, ".dll") || ends_with(to, first, ".exe") || ends_with(to, first, ".sys") || ends_with(to, first, ".pdb")) {
		for (char *p = name; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p + 'a' - 'A');
	} else if (ends_with(to, first, ".jar") || ends_with(to, first, ".war")) {
		for (char *p = name + 1; *p; p++)
			if (*p == '-' && is_digit(p[1])) {
				cut_at(to, (size_t)(p - to->data));
				wh_str_puts(to, ".jar");
				return;
			}
	} else if (ends_with(to, first, ".dylib")) {
		char *dot = name + strcspn(name, ".");
		if (dot > name && dot[strspn(dot, "0123456789.")] != '\0' && !strcmp(dot + strspn(dot, "0123456789."), "dylib")) {
			cut_at(to, (size_t)(dot - to->data));
			wh_str_puts(to, ".dylib");
		}
	}
}

void wh_source_module(const char *file, struct wh_str *to)
{
	if (!strncmp(file, "<frozen ", 8)) { /* `<frozen importlib._bootstrap>` */
		size_t n = strcspn(file + 8, ">");
		wh_name_clean(file + 8, n, 256, to);
		return;
	}
	size_t path = strcspn(file, "?#"); /* a URL's query is none of its name */
	const char *end = file + path, *dot = memrchr(file, '.', path), *base = memrchr(file, '/', path);
	base = base ? base + 1 : file;
	if (dot && dot > base)
		end = dot;
	struct wh_bytes name = { base, (size_t)(end - base) };
	bool folder = (name.size == 8 && !memcmp(base, "__init__", 8)) || (name.size == 5 && !memcmp(base, "index", 5));
	if (folder && base > file + 1) {
		const char *last = base - 1, *first = last;
		while (first > file && first[-1] != '/')
			first--;
		name = (struct wh_bytes){ first, (size_t)(last - first) };
	}
	if (name.size && name.data[0] != '<')
		wh_name_clean(name.data, name.size, 256, to);
}
