/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as JavaScript's engines print them: v8/src/objects/call-site-info.cc (SerializeCallSiteInfo), SpiderMonkey's
 * js/src/vm/SavedStacks.cpp (BuildStackString), WebKit's JavaScriptCore/runtime/StackFrame.cpp, Node's src/debug_utils.cc. */
#include "format/stack/javascript.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })

static bool is_one_of(struct wh_span word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (wh_span_size(word) == strlen(words[i]) && !memcmp(word.p, words[i], wh_span_size(word)))
			return true;
	return false;
}

static bool starts_with_one(struct wh_span s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (wh_scan_has(s, words[i]))
			return true;
	return false;
}

/* Behind the last dot, less the query of a URL; empty where there is none. */
static struct wh_span extension(struct wh_span file)
{
	struct wh_span path = wh_scan_until(file, "?#");
	const char *dot = wh_span_size(path) ? memrchr(path.p, '.', wh_span_size(path)) : NULL;
	struct wh_span word = { dot ? dot + 1 : path.end, path.end };
	return wh_span_size(word) && !memchr(word.p, '/', wh_span_size(word)) ? word : SPAN_IN(path.end, path.end);
}

bool wh_js_file(struct wh_span file)
{
	static const char *const schemes[] = { "node:",	   "http://",  "https://", "file://", "webpack",     "ext:",    "deno:",
					       "blob:",	   "chrome",   "moz-ext",  "resource:", "safari-",   "app://",	"capacitor:",
					       "ionic:",   "bun:",     "wasm:",	   "vscode-file:", "electron", "data:",	"evalmachine.",
					       "[eval",	   "REPL",     "internal/", "native:", "rsrc:///",   "jar:file:", "self-hosted",
					       "turbopack", "vite:",   "npm:",	   "jsr:",     "about:",     "debugger eval",
					       "(index)" };
	static const char *const extensions[] = { "js",	 "mjs", "cjs",	  "ts",	      "mts",	"cts",	"jsx", "tsx", "jsm",
						  "es",	 "es6", "coffee", "vue",      "svelte", "astro", "wasm", "iife", "bundle",
						  "jsbundle", "hbc", "gs", "imba" };
	return starts_with_one(file, schemes, sizeof schemes / sizeof *schemes) ||
	       is_one_of(extension(file), extensions, sizeof extensions / sizeof *extensions);
}

/* Whether files of that name are another language's. */
static bool foreign_file(struct wh_span file)
{
	static const char *const extensions[] = { "c",	  "cc",	  "cpp",  "cxx", "h",	  "hpp", "rs",	"go",	"py",  "java", "kt", "scala", "groovy",
						  "clj",  "cs",	  "fs",	  "vb",	 "rb",	  "php", "swift", "m",	"mm",  "zig",  "nim", "d",
						  "lua",  "pl",	  "pm",	  "ex",	 "exs",	  "erl", "hs",	"ml",	"dart", "cr",  "jl",  "r",
						  "R",	  "f90",  "adb",  "S",	 "s",	  "asm", "v",	"odin", "pas" };
	return is_one_of(extension(file), extensions, sizeof extensions / sizeof *extensions);
}

/* The numbers that end place: 0, 1 (line) or 2 (line and column). */
static int numbers(struct wh_span place)
{
	int n = 0;
	for (const char *p = place.end; n < 2; n++) {
		const char *digits = p;
		while (digits > place.p && wh_is_digit(digits[-1]))
			digits--;
		if (digits == p || digits == place.p || digits[-1] != ':')
			break;
		p = digits - 1;
	}
	return n;
}

/* `wasm://wasm/0a1b2c:wasm-function[12]:0x1a3`. */
static bool take_wasm(struct wh_span place, struct wh_frame_text *frame)
{
	const char *word = wh_scan_find(place, ":wasm-function[");
	if (!word)
		return false;
	struct wh_span name = { word + 1, place.end }, offset;
	const char *close = memchr(name.p, ']', wh_span_size(name));
	if (!close)
		return false;
	frame->module = SPAN_IN(place.p, word);
	offset = SPAN_IN(close + 1, place.end);
	frame->has_offset = wh_scan_skip(&offset, ":") && wh_scan_hex(&offset, &frame->offset);
	if (!wh_span_size(frame->function))
		frame->function = SPAN_IN(name.p, close + 1);
	return true;
}

/* Where a frame is: what brackets hold, or all there is. */
static enum wh_js_sureness take_place(struct wh_span place, bool named, struct wh_frame_text *frame)
{
	static const char *const nowhere[] = { "<anonymous>", "native", "native code", "[native code]", "unknown location", "unknown",
					       "<unknown>" };
	if (is_one_of(place, nowhere, sizeof nowhere / sizeof *nowhere))
		return WH_JS_PLAIN;
	struct wh_span index = place;
	if (wh_scan_skip(&index, "index ") && index.p < index.end && wh_is_digit(*index.p))
		return named ? WH_JS_SURE : WH_JS_LOOSE;
	bool hermes = wh_scan_skip(&place, "address at ");
	/* `eval at f (file:1:2), <anonymous>:3:4`: where eval was called is what stays */
	if (wh_scan_has(place, "eval at ")) {
		const char *inner = wh_scan_last(place, " ("), *close = inner ? memchr(inner, ')', (size_t)(place.end - inner)) : NULL;
		if (!close)
			return WH_JS_LOOSE;
		place = SPAN_IN(inner + 2, close);
	}
	if (take_wasm(place, frame))
		return WH_JS_SURE;
	int n = numbers(place);
	wh_location_split(place, &frame->file, &frame->line);
	if (wh_scan_has(frame->file, "file://"))
		frame->file.p += strlen("file://");
	bool script = wh_js_file(frame->file) || hermes, foreign = !script && foreign_file(frame->file);
	if (wh_scan_has(frame->file, "<anonymous>") || wh_scan_has(frame->file, "unknown") || wh_scan_has(frame->file, "native")) {
		frame->file = SPAN_IN(NULL, NULL);
		frame->line = 0;
		return n == 2 ? WH_JS_SURE : WH_JS_PLAIN;
	}
	if (n && script)
		return WH_JS_SURE;
	if (n != 2 || foreign)
		return WH_JS_LOOSE;
	/* a path without an extension; alone on its line it should not be a sentence */
	return named || !memchr(frame->file.p, ' ', wh_span_size(frame->file)) ? WH_JS_PLAIN : WH_JS_LOOSE;
}

/* ` {` where properties of the error follow, `,` and ` ]` where it stands in a list: util.inspect(). */
static struct wh_span without_tail(struct wh_span line)
{
	line = wh_scan_trim(line);
	if (wh_span_size(line) > 2 && !memcmp(line.end - 2, " {", 2))
		line.end -= 2;
	else if (wh_span_size(line) > 2 && line.end[-1] == ',')
		line.end--;
	return wh_scan_trim(line);
}

/* `f (place)` or a place alone; behind the `at ` or the number. */
static enum wh_js_sureness take_call(struct wh_span line, struct wh_frame_text *frame)
{
	const char *open = wh_scan_find(line, " (");
	if (open && open > line.p && line.end[-1] == ')') {
		frame->function = wh_scan_trim(SPAN_IN(line.p, open));
		struct wh_span place = SPAN_IN(open + 2, line.end - 1);
		return wh_span_size(place) ? take_place(place, true, frame) : WH_JS_LOOSE;
	}
	struct wh_span place = line;
	wh_scan_skip(&place, "async ");
	if (!wh_span_size(place) || (open && !wh_js_file(place)))
		return WH_JS_LOOSE;
	return take_place(place, false, frame);
}

enum wh_js_sureness wh_js_v8_line(struct wh_span line, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	wh_scan_blanks(&line);
	if (!wh_scan_has(line, "at ") || wh_span_size(line) > WH_FRAME_LINE_LONGEST)
		return WH_JS_NONE;
	line = without_tail(SPAN_IN(line.p + 3, line.end));
	return line.p < line.end ? take_call(line, frame) : WH_JS_NONE;
}

bool wh_frame_line_js(struct wh_span line, struct wh_frame_text *frame)
{
	return wh_js_v8_line(line, frame) != WH_JS_NONE;
}

/* ` line 3 > eval`, ` line 3 > Function` behind a file: what was made of text there. */
static struct wh_span without_eval(struct wh_span file, uint32_t *line)
{
	const char *made = wh_scan_find(file, " > "), *word = made ? wh_scan_last(SPAN_IN(file.p, made), " line ") : NULL;
	uint64_t number;
	if (!word)
		return file;
	struct wh_span digits = { word + strlen(" line "), made };
	if (!wh_scan_decimal(&digits, &number) || digits.p != made)
		return file;
	*line = number <= UINT32_MAX ? (uint32_t)number : 0;
	return SPAN_IN(file.p, word);
}

enum wh_js_sureness wh_js_at_line(struct wh_span line, struct wh_frame_text *frame)
{
	static const char *const codes[] = { "global code", "module code", "eval code" };
	*frame = (struct wh_frame_text){ 0 };
	line = wh_scan_trim(line);
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST)
		return WH_JS_NONE;
	const char *sign = wh_span_size(line) ? memchr(line.p, '@', wh_span_size(line)) : NULL;
	if (!sign)
		return WH_JS_NONE;
	struct wh_span name = { line.p, sign }, place = { sign + 1, line.end };
	bool code = is_one_of(name, codes, sizeof codes / sizeof *codes);
	for (const char *p = name.p; !code && p < name.end; p++)
		if (strchr(" \t\"'(),;={}", *p) && !wh_scan_find(name, " handler*") && !wh_scan_find(name, " callback*"))
			return WH_JS_NONE;
	frame->function = name;
	static const char *const native[] = { "[native code]" };
	if (is_one_of(place, native, 1))
		return WH_JS_SURE;
	if (!wh_span_size(place)) /* JavaScriptCore, in evaluated text */
		return wh_span_size(name) ? WH_JS_LOOSE : WH_JS_NONE;
	int n = numbers(place);
	wh_location_split(place, &frame->file, &frame->line);
	frame->file = without_eval(frame->file, &frame->line);
	if (!n || !wh_span_size(frame->file))
		return WH_JS_NONE;
	bool script = wh_js_file(frame->file);
	if (wh_scan_has(frame->file, "file://"))
		frame->file.p += strlen("file://");
	if (script)
		return WH_JS_SURE;
	/* an inline script of a page stands under the page's name; others' addresses and pins are no paths */
	return *frame->file.p == '/' && !foreign_file(frame->file) ? WH_JS_PLAIN : WH_JS_NONE;
}

/* `12: ` */
static bool take_index(struct wh_span *line)
{
	uint64_t index;
	*line = wh_scan_trim(*line);
	if (wh_span_size(*line) > WH_FRAME_LINE_LONGEST || !wh_scan_decimal(line, &index) || index > WH_STACK_MOST_FRAMES ||
	    !wh_scan_skip(line, ": "))
		return false;
	wh_scan_blanks(line);
	return line->p < line->end;
}

bool wh_js_native_line(struct wh_span line, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	if (!take_index(&line))
		return false;
	struct wh_span windows = line;
	if (wh_scan_hex(&line, &frame->address)) {
		frame->has_address = true;
	} else if (wh_scan_digits16(&windows, &frame->address) && windows.p - line.p == 16 && wh_scan_has(windows, " ")) {
		frame->has_address = true;
		line = windows;
	}
	line = wh_scan_trim(line);
	/* `:L12` behind all else */
	const char *source = wh_scan_last(line, ":L");
	uint64_t number;
	struct wh_span digits = { source ? source + 2 : line.end, line.end };
	if (source && wh_scan_decimal(&digits, &number) && digits.p == line.end) {
		frame->line = number <= UINT32_MAX ? (uint32_t)number : 0;
		line.end = source;
	}
	const char *open = wh_span_size(line) && line.end[-1] == ']' ? memrchr(line.p, '[', wh_span_size(line)) : NULL;
	if (open && wh_scan_has(SPAN_IN(open, line.end), "[pc: "))
		return false; /* V8's own frames in its own stack */
	if (open && (open == line.p || open[-1] == ' ')) {
		frame->module = SPAN_IN(open + 1, line.end - 1);
		line.end = open;
	}
	frame->function = wh_scan_trim(line);
	/* `name+123`: how far into the function */
	const char *plus = wh_scan_last(frame->function, "+");
	struct wh_span offset = { plus ? plus + 1 : NULL, frame->function.end };
	if (plus && plus > frame->function.p && (wh_scan_hex(&offset, &frame->offset) || wh_scan_decimal(&offset, &frame->offset)) &&
	    offset.p == frame->function.end) {
		frame->has_offset = true;
		frame->function.end = plus;
	}
	return frame->has_address || wh_span_size(frame->module);
}

/* V8's own: `f [0x1 <Map>] [/x.js:~12] [pc=0x2] (this=…)`. */
static bool take_internal(struct wh_span line, struct wh_frame_text *frame)
{
	const char *open = wh_scan_find(line, " [");
	if (!open)
		return false;
	frame->function = SPAN_IN(line.p, open);
	if (wh_scan_has(frame->function, "/* anonymous */"))
		frame->function = SPAN_IN(NULL, NULL);
	else if (wh_scan_find(frame->function, "Frame") || wh_scan_has(frame->function, "arguments adaptor"))
		return false; /* ExitFrame, StubFrame, EntryFrame: none of the program's */
	while (open) {
		struct wh_span s = { open + 2, line.end };
		const char *close = memchr(s.p, ']', wh_span_size(s));
		if (!close)
			break;
		s.end = close;
		const char *colon = wh_span_size(s) ? memrchr(s.p, ':', wh_span_size(s)) : NULL;
		struct wh_span digits = { colon ? colon + 1 : s.end, s.end };
		uint64_t number;
		wh_scan_skip(&digits, "~");
		wh_scan_skip(&digits, "*");
		if (colon && wh_scan_decimal(&digits, &number) && digits.p == s.end) {
			frame->file = SPAN_IN(s.p, colon);
			frame->line = number <= UINT32_MAX ? (uint32_t)number : 0;
			return true;
		}
		open = wh_scan_find(SPAN_IN(close, line.end), " [");
	}
	return wh_scan_find(line, "(this=") != NULL;
}

bool wh_js_numbered_line(struct wh_span line, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	if (!take_index(&line))
		return false;
	if (take_call(line, frame) >= WH_JS_PLAIN)
		return true;
	*frame = (struct wh_frame_text){ 0 };
	return take_internal(line, frame);
}
