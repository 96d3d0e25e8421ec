/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/json_report.h"

#include <math.h>

#include "base/time.h"
#include "format/stack/report.h"
#include "format/stack/said_time.h"

/* ---- documents ---- */

bool wh_json_take_object(struct wh_span *text, struct wh_span *object, size_t *values)
{
	size_t depth = 0;
	bool string = false;
	*values = 0;
	for (const char *p = text->p; p < text->end; p++) {
		if (string) {
			if (*p == '\\')
				p++;
			else
				string = *p != '"';
			continue;
		}
		switch (*p) {
		case '"':
			string = true;
			break;
		case ',':
			++*values;
			break;
		case '{':
		case '[':
			*values += *p == '{' ? 8 : 3; /* json-c makes room for members and elements to come */
			depth++;
			break;
		case '}':
		case ']':
			if (--depth)
				break;
			*object = (struct wh_span){ text->p, p + 1 };
			text->p = p + 1;
			return true;
		}
	}
	*object = *text;
	text->p = text->end;
	return false;
}

bool wh_json_find_object(struct wh_span *text)
{
	bool first = true; /* on its line, but for brackets and commas */
	for (; text->p < text->end; text->p++) {
		if (*text->p == '\n') {
			first = true;
		} else if (*text->p == '{' && first) {
			return true;
		} else if (!(*text->p && strchr(" \t\r,[]", *text->p)) && first) {
			first = false;
			const char *nl = memchr(text->p, '\n', wh_span_size(*text));
			text->p = nl ? nl - 1 : text->end - 1;
		}
	}
	return false;
}

struct json_tokener *wh_json_document_parser(void)
{
	struct json_tokener *parser = json_tokener_new_ex(WH_JSON_DEPTH);
	if (parser)
		json_tokener_set_flags(parser, JSON_TOKENER_STRICT);
	return parser;
}

int wh_json_document(struct json_tokener *parser, struct wh_span text, size_t values, struct json_object **object, struct wh_err *why)
{
	*object = NULL;
	if (wh_span_size(text) > WH_JSON_LARGEST)
		return wh_err_set(why, WH_E_LIMIT, "a JSON document of more than %zu MiB", WH_JSON_LARGEST >> 20);
	if (values > WH_JSON_MOST_VALUES)
		return wh_err_set(why, WH_E_LIMIT, "a JSON document of more than %zu values", WH_JSON_MOST_VALUES);
	return wh_json_parse_with(parser, (struct wh_bytes){ text.p, wh_span_size(text) }, object, why);
}

/* Whether text, which begins with an object, has one a line: the first and the one after it. */
static bool has_lines(struct wh_span text)
{
	struct wh_span line, object, rest;
	size_t values;
	int whole = 0;
	while (whole < 2 && wh_scan_line(&text, &line)) {
		rest = wh_scan_trim(line);
		if (rest.p == rest.end)
			continue;
		if (*rest.p != '{' || !wh_json_take_object(&rest, &object, &values) || rest.p != rest.end)
			return false;
		whole++;
	}
	return whole == 2;
}

void wh_json_advance(struct wh_reader *reader, const char *at)
{
	size_t lines = reader->first_line ? reader->first_line : 1;
	for (const char *p = reader->text; p < at && (p = memchr(p, '\n', (size_t)(at - p))); p++)
		lines++;
	reader->first_line = lines;
	reader->size -= (size_t)(at - reader->text);
	reader->text = at;
}

static int read_document(struct wh_reader *reader, struct json_tokener *parser, struct wh_span text, size_t values,
			 wh_json_report_fn *read, struct wh_err *err)
{
	struct json_object *object;
	struct wh_err why;
	wh_json_advance(reader, text.p);
	int code = wh_json_document(parser, text, values, &object, &why);
	if (code == WH_E_NOMEM)
		return wh_err_set(err, code, "%s", why.message);
	if (code != WH_OK)
		return wh_reader_skip(reader, text.p, err, "%s", why.message);
	code = read(reader, object, text.p, err);
	json_object_put(object);
	return code;
}

static int read_lines(struct wh_reader *reader, struct json_tokener *parser, struct wh_span text, wh_json_report_fn *read,
		      struct wh_err *err)
{
	struct wh_span line, object;
	size_t values;
	while (wh_scan_line(&text, &line)) {
		struct wh_span rest = wh_scan_trim(line);
		if (rest.p == rest.end)
			continue;
		struct wh_span whole = rest;
		if (*rest.p == '{' && wh_json_take_object(&rest, &object, &values))
			whole = rest.p == rest.end ? object : whole; /* what follows on the line makes it none */
		else
			values = 0;
		WH_TRY(read_document(reader, parser, whole, values, read, err));
	}
	return WH_OK;
}

static int read_documents(struct wh_reader *reader, struct json_tokener *parser, struct wh_span text, wh_json_report_fn *read,
			  struct wh_err *err)
{
	struct wh_span object;
	size_t values;
	while (wh_json_find_object(&text)) {
		wh_json_take_object(&text, &object, &values);
		WH_TRY(read_document(reader, parser, object, values, read, err));
	}
	return WH_OK;
}

int wh_json_reports(struct wh_reader *reader, wh_json_report_fn *read, struct wh_err *err)
{
	struct wh_reader whole = *reader;
	struct wh_span text = { reader->text, reader->text + reader->size };
	struct json_tokener *parser = wh_json_document_parser();
	if (!parser)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = WH_OK;
	if (wh_json_find_object(&text))
		code = has_lines(text) ? read_lines(reader, parser, text, read, err) : read_documents(reader, parser, text, read, err);
	json_tokener_free(parser);
	reader->text = whole.text;
	reader->size = whole.size;
	reader->first_line = whole.first_line;
	return code;
}

/* ---- a look at names ---- */

enum { LEVELS = 8 }; /* names deeper than that are in no path */

struct level {
	bool object;
	struct wh_span key; /* of an object: the member being read; of an array: that of what it is in */
	size_t keys;	    /* names from the outermost object to key */
};

/* Whether the names of levels (n of them, the last the innermost) are path. */
static bool is_path(const struct level *levels, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		if (!levels[i].object)
			continue;
		size_t size = wh_span_size(levels[i].key);
		if (!size || strnlen(path, size) < size || memcmp(path, levels[i].key.p, size) != 0)
			return false;
		path += size;
		if (*path == '.')
			path++;
		else if (*path)
			return false;
		else
			return i + 1 == n;
	}
	return false;
}

/* The string that begins behind a quote at p, up to its own; *p moves behind that. */
static struct wh_span take_string(const char **p, const char *end)
{
	struct wh_span s = { *p, *p };
	while (*p < end && **p != '"')
		*p += **p == '\\' ? 2 : 1;
	s.end = *p < end ? *p : end;
	*p = s.end < end ? s.end + 1 : end;
	return s;
}

uint32_t wh_json_paths(const char *text, size_t size, const char *const *paths, size_t n)
{
	struct level levels[LEVELS];
	struct wh_span all = { text, text + size };
	size_t depth = 0;
	uint32_t found = 0;
	if (!wh_json_find_object(&all))
		return 0;
	for (const char *p = all.p; p < all.end;) {
		char c = *p++;
		if (c == '{' || c == '[') {
			if (depth < LEVELS)
				levels[depth] = (struct level){ .object = c == '{' };
			depth++;
		} else if (c == '}' || c == ']') {
			depth -= depth > 0;
		} else if (c == '"') {
			struct wh_span string = take_string(&p, all.end), rest = { p, all.end };
			while (rest.p < rest.end && strchr(" \t\r\n", *rest.p) && *rest.p)
				rest.p++;
			if (!depth || depth > LEVELS || !levels[depth - 1].object || rest.p == rest.end || *rest.p != ':')
				continue;
			levels[depth - 1].key = string;
			for (size_t i = 0; i < n; i++)
				if (!(found & UINT32_C(1) << i) && is_path(levels, depth, paths[i]))
					found |= UINT32_C(1) << i;
		}
	}
	return found;
}

/* ---- members ---- */

struct json_object *wh_json_member(const struct json_object *object, const char *name)
{
	struct json_object *value;
	return json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, name, &value) ? value : NULL;
}

bool wh_json_true(const struct json_object *object, const char *name)
{
	struct json_object *value = wh_json_member(object, name);
	return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

struct json_object *wh_json_element(const struct json_object *array, size_t i)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_get_idx(array, i) : NULL;
}

size_t wh_json_count(const struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

struct wh_span wh_json_span(const struct json_object *object, const char *name)
{
	const char *text = wh_json_string(object, name);
	return text ? (struct wh_span){ text, text + strlen(text) } : (struct wh_span){ 0 };
}

const char *wh_json_copy(struct wh_stack_builder *b, const struct json_object *object, const char *name)
{
	struct wh_span text = wh_json_span(object, name);
	return wh_span_size(text) ? wh_stack_builder_copy(b, text.p, wh_span_size(text)) : NULL;
}

void wh_json_attribute(struct wh_stack_builder *b, const char *attribute, const struct json_object *object, const char *name)
{
	struct json_object *value = wh_json_member(object, name);
	json_type type = json_object_get_type(value);
	if (type != json_type_string && type != json_type_int && type != json_type_double)
		return;
	const char *text = json_object_get_string(value); /* a number as text, too */
	if (text)
		wh_stack_message(b, attribute, (struct wh_span){ text, text + strlen(text) });
}

void wh_json_time(struct wh_stack_builder *b, const struct json_object *object, const char *name)
{
	struct json_object *value = wh_json_member(object, name);
	struct wh_observation *o = &b->observation;
	double seconds = json_object_is_type(value, json_type_double) ? json_object_get_double(value) : NAN;
	if (seconds > 0 && seconds < 9e9) {
		o->time_ns = (int64_t)(seconds * 1e6) * 1000; /* a double holds microseconds of our times, not more */
		o->has_time = true;
	} else if (json_object_is_type(value, json_type_string) || json_object_is_type(value, json_type_int)) {
		const char *text = json_object_get_string(value);
		if (text)
			wh_said_time(o, (struct wh_span){ text, text + strlen(text) });
	}
}
