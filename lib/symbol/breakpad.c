/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/breakpad.h"

#include <stdlib.h>

#include "symbol/breakpad_index.h"

enum {
	LOOK_BACK = 16,    /* records before the nearest that may reach over an address, too */
	INLINE_MOST = 128, /* levels */
	NAME_LONGEST = 1 << 16,
};

/* ---- words ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_word(struct breakpad_span word, uint64_t *value)
{
	*value = 0;
	if (word.p == word.end || word.end - word.p > 16)
		return false;
	for (const char *p = word.p; p < word.end; p++) {
		int digit = hex_digit(*p);
		if (digit < 0)
			return false;
		*value = *value << 4 | (uint64_t)digit;
	}
	return true;
}

bool breakpad_hex(struct breakpad_span *line, uint64_t *value)
{
	return hex_word(breakpad_word(line), value);
}

bool breakpad_hex32(struct breakpad_span *line, uint32_t *value)
{
	uint64_t wide;
	if (!breakpad_hex(line, &wide) || wide > UINT32_MAX)
		return false;
	*value = (uint32_t)wide;
	return true;
}

bool breakpad_decimal(struct breakpad_span *line, uint32_t *value)
{
	struct breakpad_span word = breakpad_word(line);
	uint64_t wide = 0;
	if (word.p == word.end || word.end - word.p > 10)
		return false;
	for (const char *p = word.p; p < word.end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		wide = wide * 10 + (uint64_t)(*p - '0');
	}
	*value = (uint32_t)wide;
	return wide <= UINT32_MAX;
}

/* ---- the index ---- */

static bool room(struct wh_breakpad *b, int *code, struct wh_err *err)
{
	if (b->records++ < WH_BREAKPAD_MOST_RECORDS)
		return true;
	*code = wh_err_set(err, WH_E_LIMIT, "more than %zu records", WH_BREAKPAD_MOST_RECORDS);
	return false;
}

static int add_range(struct wh_breakpad *b, struct breakpad_ranges *ranges, uint64_t address, uint32_t size, const char *at,
		     struct wh_err *err)
{
	int code = WH_OK;
	struct breakpad_range range = { address, size, (uint32_t)(at - b->text.data) };
	if (room(b, &code, err) && wh_vec_push(ranges, range))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return code;
}

static int add_name(struct wh_breakpad *b, struct breakpad_names *names, struct breakpad_span line, const char *at, struct wh_err *err)
{
	int code = WH_OK;
	struct breakpad_name name = { 0, (uint32_t)(at - b->text.data) };
	if (!breakpad_decimal(&line, &name.number))
		return WH_OK;
	if (room(b, &code, err) && wh_vec_push(names, name))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return code;
}

/* Past `FUNC ` or `PUBLIC `, and past the `m` that says that others have these instructions, too. */
static void skip_multiple(struct breakpad_span *line)
{
	breakpad_skip(line, "m ");
}

static int index_function(struct wh_breakpad *b, struct breakpad_span line, const char *at, struct wh_err *err)
{
	uint64_t address;
	uint32_t size;
	skip_multiple(&line);
	if (!breakpad_hex(&line, &address) || !breakpad_hex32(&line, &size))
		return WH_OK;
	return add_range(b, &b->functions, address, size, at, err);
}

static int index_public(struct wh_breakpad *b, struct breakpad_span line, const char *at, struct wh_err *err)
{
	uint64_t address;
	skip_multiple(&line);
	return breakpad_hex(&line, &address) ? add_range(b, &b->publics, address, 0, at, err) : WH_OK;
}

static int index_stack(struct wh_breakpad *b, struct breakpad_span line, const char *at, struct wh_err *err)
{
	uint64_t address, type;
	uint32_t size;
	if (breakpad_skip(&line, "CFI INIT ")) {
		if (breakpad_hex(&line, &address) && breakpad_hex32(&line, &size))
			return add_range(b, &b->cfi, address, size, at, err);
	} else if (breakpad_skip(&line, "WIN ")) {
		if (breakpad_hex(&line, &type) && (type == 4 || !type) && breakpad_hex(&line, &address) && breakpad_hex32(&line, &size))
			return add_range(b, type ? &b->frame_data : &b->fpo, address, size, at, err);
	}
	return WH_OK;
}

static int index_line(struct wh_breakpad *b, struct breakpad_span line, struct wh_err *err)
{
	const char *at = line.p;
	switch (line.p < line.end ? *line.p : 0) {
	case 'F':
		if (breakpad_skip(&line, "FUNC "))
			return index_function(b, line, at, err);
		return breakpad_skip(&line, "FILE ") ? add_name(b, &b->files, line, at, err) : WH_OK;
	case 'P':
		return breakpad_skip(&line, "PUBLIC ") ? index_public(b, line, at, err) : WH_OK;
	case 'S':
		return breakpad_skip(&line, "STACK ") ? index_stack(b, line, at, err) : WH_OK;
	case 'I':
		return breakpad_skip(&line, "INLINE_ORIGIN ") ? add_name(b, &b->origins, line, at, err) : WH_OK;
	default:
		return WH_OK;
	}
}

static int by_address(const void *a, const void *b)
{
	const struct breakpad_range *x = a, *y = b;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int by_number(const void *a, const void *b)
{
	const struct breakpad_name *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void sort_ranges(struct breakpad_ranges *ranges)
{
	bool sorted = true;
	for (size_t i = 1; i < ranges->n && sorted; i++)
		sorted = by_address(&ranges->data[i - 1], &ranges->data[i]) < 0;
	if (!sorted)
		qsort(ranges->data, ranges->n, sizeof *ranges->data, by_address);
}

static void sort_names(struct breakpad_names *names)
{
	if (names->n)
		qsort(names->data, names->n, sizeof *names->data, by_number);
}

/* `MODULE Linux x86_64 3F…0 name`, the first line. */
static int check_module(struct wh_bytes text, const char *debug_id, struct wh_err *err)
{
	const char *nl = text.size ? memchr(text.data, '\n', text.size) : NULL;
	struct breakpad_span line = { text.data, nl ? nl : text.data + text.size };
	if (!text.size || !breakpad_skip(&line, "MODULE "))
		return wh_err_set(err, WH_E_FORMAT, "no symbol file of Breakpad's: it does not begin with MODULE");
	breakpad_word(&line);
	breakpad_word(&line);
	struct breakpad_span id = breakpad_word(&line);
	size_t n = debug_id ? strlen(debug_id) : 0;
	if (debug_id && ((size_t)(id.end - id.p) != n || strncasecmp(id.p, debug_id, n) != 0))
		return wh_err_set(err, WH_E_FORMAT, "symbols of another build: %.*s, not %s",
				  (int)(id.end - id.p < 64 ? id.end - id.p : 64), id.p, debug_id);
	return WH_OK;
}

static int build(struct wh_breakpad *b, struct wh_err *err)
{
	struct breakpad_span line = breakpad_line_at(b, 0);
	do
		WH_TRY(index_line(b, line, err));
	while (breakpad_next_line(b, &line));
	struct breakpad_ranges *ranges[] = { &b->functions, &b->publics, &b->cfi, &b->frame_data, &b->fpo };
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		sort_ranges(ranges[i]);
	sort_names(&b->files);
	sort_names(&b->origins);
	return WH_OK;
}

int wh_breakpad_parse(struct wh_breakpad **breakpad, struct wh_bytes text, const char *debug_id, struct wh_err *err)
{
	*breakpad = NULL;
	WH_TRY(check_module(text, debug_id, err));
	if (text.size > UINT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "larger than 4 GiB");
	struct wh_breakpad *b = calloc(1, sizeof *b);
	if (!b)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	b->text = text;
	int code = build(b, err);
	if (code == WH_OK)
		*breakpad = b;
	else
		wh_breakpad_free(b);
	return code;
}

int wh_breakpad_open(struct wh_breakpad **breakpad, const char *path, const char *debug_id, struct wh_err *err)
{
	struct wh_input input;
	*breakpad = NULL;
	WH_TRY(wh_input_open(&input, path, err));
	int code = wh_breakpad_parse(breakpad, (struct wh_bytes){ input.text, input.size }, debug_id, err);
	if (code == WH_OK) {
		(*breakpad)->input = input;
		return WH_OK;
	}
	wh_input_release(&input);
	return wh_err_wrap(err, code, "%s", path);
}

void wh_breakpad_free(struct wh_breakpad *b)
{
	if (!b)
		return;
	wh_vec_release(&b->functions);
	wh_vec_release(&b->publics);
	wh_vec_release(&b->cfi);
	wh_vec_release(&b->frame_data);
	wh_vec_release(&b->fpo);
	wh_vec_release(&b->files);
	wh_vec_release(&b->origins);
	if (b->input.text)
		wh_input_release(&b->input);
	free(b);
}

bool wh_breakpad_path(struct wh_bytes folder, const char *debug_file, const char *debug_id, struct wh_str *path)
{
	size_t n = strlen(debug_file), stem = n;
	wh_str_clear(path);
	if (!n || strchr(debug_file, '/') || !strcmp(debug_file, ".") || !strcmp(debug_file, "..") || !*debug_id || strchr(debug_id, '/') ||
	    *debug_id == '.')
		return false;
	if (n > 4 && !strcasecmp(debug_file + n - 4, ".pdb"))
		stem -= 4;
	wh_str_add(path, folder.data, folder.size);
	wh_str_printf(path, "/%s/%s/", debug_file, debug_id);
	wh_str_add(path, debug_file, stem);
	wh_str_puts(path, ".sym");
	return !path->failed;
}

bool wh_breakpad_id(const char *build_id, char id[static WH_BREAKPAD_ID])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 }; /* a GUID begins with three numbers */
	size_t n = strlen(build_id);
	if (n < 2 || n % 2)
		return false;
	for (size_t i = 0; i < sizeof order; i++)
		for (size_t k = 0; k < 2; k++) {
			size_t at = 2 * (size_t)order[i] + k;
			char c = at < n ? build_id[at] : '0';
			if (hex_digit(c) < 0)
				return false;
			id[2 * i + k] = c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
		}
	memcpy(id + 32, "0", 2);
	return true;
}

/* ---- look-ups ---- */

/* The last record at or before an address; n: none. */
static size_t last_before(const struct breakpad_ranges *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (ranges->data[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : ranges->n;
}

const struct breakpad_range *breakpad_find(const struct breakpad_ranges *ranges, uint64_t address)
{
	size_t i = last_before(ranges, address);
	const struct breakpad_range *found = NULL;
	if (i == ranges->n)
		return NULL;
	for (size_t back = 0; back < LOOK_BACK; back++, i--) {
		const struct breakpad_range *range = &ranges->data[i];
		if (found && range->address != found->address)
			break; /* of several for the same code the first in the text is what Breakpad takes */
		if (address - range->address < range->size)
			found = range;
		if (!i)
			break;
	}
	return found;
}

static const struct breakpad_range *find_public(const struct wh_breakpad *b, uint64_t offset)
{
	size_t i = last_before(&b->publics, offset), function = last_before(&b->functions, offset);
	if (i == b->publics.n || (function < b->functions.n && b->functions.data[function].address >= b->publics.data[i].address))
		return NULL; /* there is a function in between, which would have said that it goes on to here */
	return &b->publics.data[i];
}

/* Address, size and parameter size of a FUNC are passed over; address and parameter size of a PUBLIC. What is left is the name. */
static struct breakpad_span symbol_name(const struct wh_breakpad *b, const struct breakpad_range *symbol, bool function,
					uint32_t *parameters)
{
	struct breakpad_span line = breakpad_line_at(b, symbol->at);
	breakpad_word(&line);
	skip_multiple(&line);
	breakpad_word(&line);
	if (function)
		breakpad_word(&line);
	if (!breakpad_hex32(&line, parameters))
		*parameters = 0;
	return line;
}

uint32_t breakpad_parameters(const struct wh_breakpad *b, uint64_t offset)
{
	uint32_t parameters = 0;
	const struct breakpad_range *function = breakpad_find(&b->functions, offset), *public = function ? NULL : find_public(b, offset);
	if (function || public)
		symbol_name(b, function ? function : public, function, &parameters);
	return parameters;
}

/* A record's line by its number, past keyword and number; empty: there is none. */
static struct breakpad_span named(const struct wh_breakpad *b, const struct breakpad_names *names, uint32_t number)
{
	size_t low = 0, high = names->n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (names->data[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == names->n || names->data[low].number != number)
		return (struct breakpad_span){ 0 };
	struct breakpad_span line = breakpad_line_at(b, names->data[low].at);
	breakpad_word(&line);
	breakpad_word(&line);
	return line;
}

/* `INLINE_ORIGIN 12 name`; at first it was `INLINE_ORIGIN 12 3 name`, with a file. No name begins with a digit. */
static struct breakpad_span origin_name(const struct wh_breakpad *b, uint32_t number)
{
	struct breakpad_span line = named(b, &b->origins, number), rest = line;
	uint32_t file;
	return breakpad_decimal(&rest, &file) && rest.p < rest.end ? rest : line;
}

/* What the records of a function say of an address. */
struct spot {
	bool has_line;
	uint32_t line, file;
	size_t levels; /* of calls inlined there */
	struct {
		bool set, has_file;
		uint32_t line, file, origin; /* where it was called, and what */
	} calls[INLINE_MOST];
};

/* `INLINE level line file origin (address size)+`; without the file in the first files that had such records. */
static void take_inline(struct breakpad_span line, uint64_t offset, struct spot *spot)
{
	struct breakpad_span count = line;
	uint32_t words = 0, level, called, file = 0, origin, size;
	uint64_t address;
	for (struct breakpad_span word = breakpad_word(&count); word.p < word.end; word = breakpad_word(&count))
		words++;
	bool has_file = words % 2 == 0;
	if (!breakpad_decimal(&line, &level) || level >= INLINE_MOST || !breakpad_decimal(&line, &called) ||
	    (has_file && !breakpad_decimal(&line, &file)) || !breakpad_decimal(&line, &origin))
		return;
	while (breakpad_hex(&line, &address) && breakpad_hex32(&line, &size)) {
		if (address > offset || offset - address >= size || spot->calls[level].set)
			continue;
		spot->calls[level].set = true;
		spot->calls[level].has_file = has_file;
		spot->calls[level].line = called;
		spot->calls[level].file = file;
		spot->calls[level].origin = origin;
	}
}

static void take_line(struct breakpad_span line, uint64_t offset, struct spot *spot)
{
	uint64_t address;
	uint32_t size, number, file;
	if (spot->has_line || !breakpad_hex(&line, &address) || address > offset || !breakpad_hex32(&line, &size) ||
	    offset - address >= size || !breakpad_decimal(&line, &number) || !breakpad_decimal(&line, &file))
		return;
	spot->has_line = true;
	spot->line = number;
	spot->file = file;
}

static void read_spot(const struct wh_breakpad *b, const struct breakpad_range *function, uint64_t offset, size_t *effort, struct spot *spot)
{
	static const char *const others[] = { "FUNC ", "PUBLIC ", "STACK ", "FILE ", "INFO ", "INLINE_ORIGIN ", "MODULE " };
	struct breakpad_span line = breakpad_line_at(b, function->at);
	while (breakpad_next_line(b, &line)) {
		struct breakpad_span rest = line;
		if (!breakpad_afford(effort, (size_t)(line.end - line.p) + 1))
			break;
		if (breakpad_skip(&rest, "INLINE ")) {
			take_inline(rest, offset, spot);
			continue;
		}
		for (size_t i = 0; i < sizeof others / sizeof *others; i++)
			if (breakpad_skip(&rest, others[i]))
				goto done;
		take_line(rest, offset, spot);
	}
done:
	while (spot->levels < INLINE_MOST && spot->calls[spot->levels].set)
		spot->levels++;
}

/* ---- places ---- */

struct telling {
	struct wh_str function, file;
	wh_place_fn *each;
	void *user;
};

static const char *text_of(struct wh_str *to, struct breakpad_span text)
{
	while (text.end > text.p && (text.end[-1] == '\r' || text.end[-1] == ' '))
		text.end--;
	size_t n = (size_t)(text.end - text.p) < NAME_LONGEST ? (size_t)(text.end - text.p) : NAME_LONGEST;
	n = n ? strnlen(text.p, n) : 0;
	wh_str_clear(to);
	if (!n)
		return NULL;
	wh_str_add(to, text.p, n);
	return to->data;
}

static int tell(struct telling *t, struct breakpad_span function, struct breakpad_span file, uint32_t line, uint64_t offset, bool inlined,
		struct wh_err *err)
{
	struct wh_place place = { .function = text_of(&t->function, function), .file = text_of(&t->file, file), .line = line,
				  .offset = offset, .inlined = inlined };
	WH_TRY(wh_str_check(&t->function, err));
	WH_TRY(wh_str_check(&t->file, err));
	if (!place.file)
		place.line = 0;
	return t->each(t->user, &place, err);
}

static int tell_function(const struct wh_breakpad *b, const struct breakpad_range *function, uint64_t offset, size_t *effort,
			 struct telling *t, struct wh_err *err)
{
	struct breakpad_span none = { 0 }, file;
	struct spot *spot = calloc(1, sizeof *spot);
	uint32_t unused;
	if (!spot)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	read_spot(b, function, offset, effort, spot);
	file = spot->has_line ? named(b, &b->files, spot->file) : none;
	uint32_t line = spot->line;
	int code = WH_OK;
	for (size_t level = spot->levels; level-- > 0 && code == WH_OK;) {
		code = tell(t, origin_name(b, spot->calls[level].origin), file, line, 0, true, err);
		file = spot->calls[level].has_file ? named(b, &b->files, spot->calls[level].file) : file;
		line = spot->calls[level].line;
	}
	if (code == WH_OK)
		code = tell(t, symbol_name(b, function, true, &unused), file, line, offset - function->address, false, err);
	free(spot);
	return code;
}

int wh_breakpad_places(const struct wh_breakpad *b, uint64_t offset, size_t *effort, wh_place_fn *each, void *user, struct wh_err *err)
{
	struct telling t = { .each = each, .user = user };
	struct breakpad_span none = { 0 };
	const struct breakpad_range *function = breakpad_find(&b->functions, offset), *public = function ? NULL : find_public(b, offset);
	uint32_t unused;
	int code = WH_OK;
	if (function)
		code = tell_function(b, function, offset, effort, &t, err);
	else if (public)
		code = tell(&t, symbol_name(b, public, false, &unused), none, 0, offset - public->address, false, err);
	wh_str_release(&t.function);
	wh_str_release(&t.file);
	return code;
}
