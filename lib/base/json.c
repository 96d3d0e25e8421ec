/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

struct json_tokener *wh_json_parser_new(void)
{
	struct json_tokener *parser = json_tokener_new_ex(WH_JSON_DEPTH);
	if (parser)
		json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	return parser;
}

int wh_json_parse_with(struct json_tokener *parser, struct wh_bytes text, struct json_object **value, struct wh_err *err)
{
	*value = NULL;
	if (text.size > INT_MAX)
		return wh_err_set(err, WH_E_LIMIT, "a JSON value of more than 2 GiB");
	json_tokener_reset(parser);
	struct json_object *parsed = json_tokener_parse_ex(parser, text.data, (int)text.size);
	enum json_tokener_error why = json_tokener_get_error(parser);
	size_t at = json_tokener_get_parse_end(parser);
	if (why == json_tokener_continue && text.size) /* a bare number ends only with what follows it */
		parsed = json_tokener_parse_ex(parser, "\n", 1), why = json_tokener_get_error(parser), at = text.size;
	if (why != json_tokener_success) {
		const char *what = why == json_tokener_continue ? "ends too early" : json_tokener_error_desc(why);
		return wh_err_set(err, WH_E_FORMAT, "JSON: %s at byte %zu", what, at);
	}
	for (; at < text.size; at++)
		if (!memchr(" \t\r\n", text.data[at], 4)) {
			json_object_put(parsed);
			return wh_err_set(err, WH_E_FORMAT, "JSON: something follows the value at byte %zu", at);
		}
	*value = parsed;
	return WH_OK;
}

int wh_json_parse(struct wh_bytes text, struct json_object **value, struct wh_err *err)
{
	struct json_tokener *parser = wh_json_parser_new();
	if (!parser)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = wh_json_parse_with(parser, text, value, err);
	json_tokener_free(parser);
	return code;
}

static struct json_object *member(const struct json_object *object, const char *name, json_type type)
{
	struct json_object *value;
	if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, type))
		return NULL;
	return value;
}

const char *wh_json_string(const struct json_object *object, const char *name)
{
	struct json_object *value = member(object, name, json_type_string);
	return value ? json_object_get_string(value) : NULL;
}

struct json_object *wh_json_object(const struct json_object *object, const char *name)
{
	return member(object, name, json_type_object);
}

struct json_object *wh_json_array(const struct json_object *object, const char *name)
{
	return member(object, name, json_type_array);
}

bool wh_json_value_u64(const struct json_object *value, uint64_t *number)
{
	if (json_object_is_type(value, json_type_int)) {
		*number = json_object_get_uint64(value);
		return json_object_get_int64(value) >= 0;
	}
	if (!json_object_is_type(value, json_type_string))
		return false;
	const char *text = json_object_get_string((struct json_object *)value);
	if (*text < '0' || *text > '9')
		return false;
	char *end;
	errno = 0;
	*number = strtoull(text, &end, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
	return !*end && !errno;
}

bool wh_json_u64(const struct json_object *object, const char *name, uint64_t *number)
{
	struct json_object *value;
	return json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, name, &value) &&
	       wh_json_value_u64(value, number);
}

/* ---- writing ---- */

void wh_json_quote(struct wh_str *out, const char *text, size_t n)
{
	wh_str_putc(out, '"');
	size_t plain = 0; /* start of the run not yet copied */
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)text[i];
		size_t length = c >= 0x80 ? wh_utf8_length(text + i, n - i) : 1;
		if (length && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
			i += length;
			continue;
		}
		wh_str_add(out, text + plain, i - plain);
		if (!length)
			wh_str_puts(out, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			wh_str_printf(out, "\\%c", c);
		else if (c == '\n')
			wh_str_puts(out, "\\n");
		else if (c == '\t')
			wh_str_puts(out, "\\t");
		else
			wh_str_printf(out, "\\u%04x", c);
		plain = ++i;
	}
	wh_str_add(out, text + plain, n - plain);
	wh_str_putc(out, '"');
}

void wh_json_real(struct wh_str *out, double v)
{
	char text[32];
	if (!isfinite(v)) {
		wh_str_puts(out, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	wh_str_puts(out, text);
}

static void flush(struct wh_json_writer *w, size_t least)
{
	if (w->buffer.n < least && !w->buffer.failed)
		return;
	if (w->error.code == WH_OK && !w->buffer.failed)
		(void)w->sink.write(w->sink.user, w->buffer.data, w->buffer.n, &w->error);
	if (w->buffer.failed && w->error.code == WH_OK)
		wh_err_set(&w->error, WH_E_NOMEM, "out of memory");
	wh_str_clear(&w->buffer);
}

static void new_line(struct wh_json_writer *w)
{
	if (w->lines)
		return;
	wh_str_putc(&w->buffer, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		wh_str_puts(&w->buffer, "  ");
}

static void begin_value(struct wh_json_writer *w, const char *key)
{
	if (w->depth) {
		if (w->comma[w->depth])
			wh_str_putc(&w->buffer, ',');
		w->comma[w->depth] = true;
		new_line(w);
	}
	if (key && w->depth && !w->array[w->depth]) {
		wh_json_quote(&w->buffer, key, strlen(key));
		wh_str_puts(&w->buffer, w->lines ? ":" : ": ");
	}
}

static void open_level(struct wh_json_writer *w, bool array)
{
	wh_str_putc(&w->buffer, array ? '[' : '{');
	if (w->depth + 1 < WH_JSON_DEPTH)
		w->depth++;
	else if (w->error.code == WH_OK)
		wh_err_set(&w->error, WH_E_LIMIT, "JSON nested more than %d deep", WH_JSON_DEPTH);
	w->comma[w->depth] = false;
	w->array[w->depth] = array;
}

static void close_level(struct wh_json_writer *w)
{
	bool array = w->array[w->depth], something = w->comma[w->depth];
	w->depth--;
	if (something)
		new_line(w);
	wh_str_putc(&w->buffer, array ? ']' : '}');
	if (w->lines && !w->depth) {
		wh_str_putc(&w->buffer, '\n');
		w->comma[0] = false;
	}
	flush(w, 1 << 16);
}

static struct wh_json_writer *writer(struct wh_emit *e)
{
	return (struct wh_json_writer *)e;
}

static void js_string(struct wh_emit *e, const char *key, const char *text, size_t n)
{
	begin_value(writer(e), key);
	wh_json_quote(&writer(e)->buffer, text, n);
}

static void js_document(struct wh_emit *e, const char *schema)
{
	open_level(writer(e), false);
	js_string(e, "schema", schema, strlen(schema));
}

static void js_object(struct wh_emit *e, const char *key)
{
	begin_value(writer(e), key);
	open_level(writer(e), false);
}

static void js_array(struct wh_emit *e, const char *key)
{
	begin_value(writer(e), key);
	open_level(writer(e), true);
}

static void js_records(struct wh_emit *e, const char *schema, const char *const *columns)
{
	(void)columns;
	writer(e)->records = true;
	if (writer(e)->lines)
		return;
	js_document(e, schema);
	js_array(e, "records");
}

static void js_end(struct wh_emit *e)
{
	close_level(writer(e));
}

static void js_integer(struct wh_emit *e, const char *key, int64_t v)
{
	begin_value(writer(e), key);
	wh_str_printf(&writer(e)->buffer, "%lld", (long long)v);
}

static void js_real(struct wh_emit *e, const char *key, double v)
{
	begin_value(writer(e), key);
	wh_json_real(&writer(e)->buffer, v);
}

static void js_boolean(struct wh_emit *e, const char *key, bool v)
{
	begin_value(writer(e), key);
	wh_str_puts(&writer(e)->buffer, v ? "true" : "false");
}

static void js_null(struct wh_emit *e, const char *key)
{
	begin_value(writer(e), key);
	wh_str_puts(&writer(e)->buffer, "null");
}

static void js_flush(struct wh_emit *e)
{
	if (writer(e)->lines && !writer(e)->depth)
		flush(writer(e), 1);
}

static int js_close(struct wh_emit *e, struct wh_err *err)
{
	struct wh_json_writer *w = writer(e);
	while (w->depth)
		close_level(w);
	if (!w->lines && w->comma[0] == false && w->buffer.n)
		wh_str_putc(&w->buffer, '\n');
	flush(w, 1);
	if (w->error.code != WH_OK)
		return wh_err_set(err, w->error.code, "%s", w->error.message);
	return WH_OK;
}

void wh_json_writer_init(struct wh_json_writer *w, struct wh_sink sink, bool lines)
{
	static const struct wh_emit_ops ops = {
		.document = js_document, .records = js_records, .object = js_object, .array = js_array, .end = js_end,
		.string = js_string, .integer = js_integer, .real = js_real, .boolean = js_boolean, .null = js_null,
		.close = js_close, .flush = js_flush,
	};
	*w = (struct wh_json_writer){ .emit = { &ops }, .sink = sink, .lines = lines };
}

void wh_json_writer_release(struct wh_json_writer *w)
{
	wh_str_release(&w->buffer);
}
