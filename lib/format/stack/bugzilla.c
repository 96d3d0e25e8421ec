/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bugs of Bugzilla: show_bug.cgi?ctype=xml, and what its REST interface answers (bugs, with comments and attachments inside or as
 * answers of their own). A bug is a document: its comments and text attachments are looked through. Its id is the report's id, the
 * bug it duplicates, else it itself, the label.
 */
#include "base/json.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "format/stack/mime.h"
#include "format/stack/prose.h"
#include "format/stack/xml.h"

#define LARGEST ((size_t)128 << 20) /* of an answer in JSON; json-c needs a multiple of it */

/* What a bug's members are called, in XML and in JSON, and what they are for us. */
static const struct {
	const char *xml, *json, *attribute;
} members[] = {
	{ "short_desc", "summary", "title" },	   { "product", "product", "app" },
	{ "version", "version", "version" },	   { "component", "component", "component" },
	{ "bug_status", "status", "status" },	   { "resolution", "resolution", "resolution" },
	{ "bug_severity", "severity", "severity" },
};

struct bug {
	struct wh_prose prose;
	struct wh_str platform; /* hardware, then system */
	bool duplicate;
	/* of XML: the attachment or comment at hand */
	bool base64, patch, attached;
	size_t line;
};

static struct wh_span span(const char *text)
{
	return text ? (struct wh_span){ text, text + strlen(text) } : (struct wh_span){ "", "" };
}

static void begin_bug(struct bug *bug)
{
	wh_prose_begin(&bug->prose);
	wh_str_clear(&bug->platform);
	bug->duplicate = bug->attached = bug->patch = bug->base64 = false;
}

static void set_id(struct bug *bug, struct wh_span id)
{
	wh_prose_id(&bug->prose, id);
	if (!bug->duplicate)
		wh_prose_label(&bug->prose, id);
}

static void set_duplicate(struct bug *bug, struct wh_span id)
{
	bug->duplicate = true;
	wh_prose_label(&bug->prose, id);
}

/* What fields say that nobody filled in. */
static bool is_nothing(struct wh_span text)
{
	static const char *const nothing[] = { "", "All", "Other", "other", "Unspecified", "unspecified", "---" };
	text = wh_scan_trim(text);
	for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
		if (wh_span_size(text) == strlen(nothing[i]) && wh_scan_has(text, nothing[i]))
			return true;
	return false;
}

static void set_member(struct bug *bug, const char *attribute, struct wh_span text)
{
	if (!is_nothing(text))
		wh_prose_attribute(&bug->prose, attribute, text);
}

/* `x86_64 Linux` */
static void set_platform(struct bug *bug, struct wh_span text)
{
	text = wh_scan_trim(text);
	if (is_nothing(text))
		return;
	if (bug->platform.n)
		wh_str_putc(&bug->platform, ' ');
	wh_str_add(&bug->platform, text.p, wh_span_size(text));
	wh_prose_attribute(&bug->prose, "platform", (struct wh_span){ bug->platform.data, bug->platform.data + bug->platform.n });
}

static int read_data(struct bug *bug, struct wh_span data, bool base64, enum wh_prose_markup markup, size_t line, struct wh_err *err)
{
	struct wh_str decoded = { 0 };
	if (base64) {
		wh_mime_base64(data, &decoded);
		data = decoded.n ? (struct wh_span){ decoded.data, decoded.data + decoded.n } : (struct wh_span){ "", "" };
	}
	int code = decoded.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : wh_prose_read(&bug->prose, data, markup, line, err);
	wh_str_release(&decoded);
	return code;
}

/* ---- XML ---- */

static int xml_begin(void *user, const char *name, const char *const *attributes, size_t line, struct wh_err *err)
{
	struct bug *bug = user;
	(void)err;
	const char *encoding = wh_xml_attribute(attributes, "encoding"), *patch = wh_xml_attribute(attributes, "ispatch");
	bug->base64 = encoding && !strcmp(encoding, "base64");
	if (!strcmp(name, "bug")) {
		begin_bug(bug);
		bug->line = line;
	} else if (!strcmp(name, "attachment")) {
		bug->attached = true;
		bug->patch = patch && !strcmp(patch, "1");
	}
	return WH_OK;
}

static int xml_member(struct bug *bug, const char *name, struct wh_span text)
{
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (!strcmp(name, members[i].xml))
			set_member(bug, members[i].attribute, text);
	if (!strcmp(name, "bug_id"))
		set_id(bug, text);
	else if (!strcmp(name, "dup_id"))
		set_duplicate(bug, text);
	else if (!strcmp(name, "rep_platform") || !strcmp(name, "op_sys"))
		set_platform(bug, text);
	else if (!strcmp(name, "creation_ts") || !strcmp(name, "bug_when") || (bug->attached && !strcmp(name, "date")))
		wh_prose_time(&bug->prose, text);
	return WH_OK;
}

static int xml_end(void *user, const char *name, struct wh_span text, size_t line, struct wh_err *err)
{
	struct bug *bug = user;
	if (!strcmp(name, "thetext"))
		return read_data(bug, text, bug->base64, WH_PROSE_PLAIN, line, err);
	if (!strcmp(name, "data"))
		return bug->patch ? WH_OK : read_data(bug, text, bug->base64, WH_PROSE_FILE, line, err);
	if (!strcmp(name, "attachment")) {
		bug->attached = bug->patch = false;
		return WH_OK;
	}
	if (!strcmp(name, "bug"))
		return wh_prose_end(&bug->prose, bug->line, err);
	return xml_member(bug, name, text);
}

static int read_xml(struct bug *bug, struct wh_reader *reader, struct wh_err *err)
{
	const struct wh_xml calls = { bug, xml_begin, xml_end };
	struct wh_err why = { 0 };
	size_t line;
	int code = wh_xml_read((struct wh_span){ reader->text, reader->text + reader->size }, &calls, &line, &why);
	if (code == WH_E_FORMAT && wh_starts(why.message, strlen(why.message), "XML: ")) /* not a strict caller's */
		return reader->skip(reader->user, line, why.message, err);
	return code == WH_OK ? WH_OK : wh_err_set(err, code, "%s", why.message);
}

/* ---- JSON ---- */

/* A member that is a string, or a number as one; "" where there is none. */
static struct wh_span member(const struct json_object *object, const char *name)
{
	struct json_object *value;
	if (!json_object_object_get_ex(object, name, &value))
		return span(NULL);
	bool plain = json_object_is_type(value, json_type_string) || json_object_is_type(value, json_type_int);
	return span(plain ? json_object_get_string(value) : NULL);
}

static int read_comments(struct bug *bug, struct json_object *comments, struct wh_err *err)
{
	for (size_t i = 0, n = comments ? json_object_array_length(comments) : 0; i < n; i++) {
		struct json_object *comment = json_object_array_get_idx(comments, i);
		if (!json_object_is_type(comment, json_type_object))
			continue;
		wh_prose_time(&bug->prose, member(comment, "creation_time"));
		wh_prose_time(&bug->prose, member(comment, "time"));
		WH_TRY(read_data(bug, member(comment, "text"), false, WH_PROSE_PLAIN, 1, err));
	}
	return WH_OK;
}

static bool is_set(const struct json_object *object, const char *name)
{
	struct json_object *value;
	return json_object_object_get_ex(object, name, &value) && json_object_get_boolean(value);
}

static int read_attachments(struct bug *bug, struct json_object *attachments, struct wh_err *err)
{
	for (size_t i = 0, n = attachments ? json_object_array_length(attachments) : 0; i < n; i++) {
		struct json_object *a = json_object_array_get_idx(attachments, i);
		if (!json_object_is_type(a, json_type_object) || is_set(a, "is_patch") || wh_scan_has(member(a, "content_type"), "image/"))
			continue;
		wh_prose_time(&bug->prose, member(a, "creation_time"));
		WH_TRY(read_data(bug, member(a, "data"), true, WH_PROSE_FILE, 1, err));
	}
	return WH_OK;
}

static int read_bug(struct bug *bug, struct json_object *object, const char *key, struct wh_err *err)
{
	begin_bug(bug);
	struct wh_span id = member(object, "id"), dup = member(object, "dupe_of");
	set_id(bug, wh_span_size(id) ? id : span(key));
	if (wh_span_size(dup))
		set_duplicate(bug, dup);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		set_member(bug, members[i].attribute, member(object, members[i].json));
	set_platform(bug, member(object, "platform"));
	set_platform(bug, member(object, "op_sys"));
	wh_prose_time(&bug->prose, member(object, "creation_time"));
	WH_TRY(read_data(bug, member(object, "description"), false, WH_PROSE_PLAIN, 1, err));
	WH_TRY(read_comments(bug, wh_json_array(object, "comments"), err));
	WH_TRY(read_attachments(bug, wh_json_array(object, "attachments"), err));
	return wh_prose_end(&bug->prose, 1, err);
}

/* `"bugs": {"35": {"comments": […]}}` and `"bugs": {"35": [attachments]}`. */
static int read_bugs_by_id(struct bug *bug, struct json_object *bugs, struct wh_err *err)
{
	json_object_object_foreach(bugs, key, value)
	{
		if (json_object_is_type(value, json_type_object)) {
			WH_TRY(read_bug(bug, value, key, err));
		} else if (json_object_is_type(value, json_type_array)) {
			begin_bug(bug);
			set_id(bug, span(key));
			WH_TRY(read_attachments(bug, value, err));
			WH_TRY(wh_prose_end(&bug->prose, 1, err));
		}
	}
	return WH_OK;
}

static int read_answer(struct bug *bug, struct wh_reader *reader, struct json_object *answer, struct wh_err *err)
{
	struct json_object *list = wh_json_array(answer, "bugs"), *by_id = wh_json_object(answer, "bugs");
	for (size_t i = 0, n = list ? json_object_array_length(list) : 0; i < n; i++)
		if (json_object_is_type(json_object_array_get_idx(list, i), json_type_object))
			WH_TRY(read_bug(bug, json_object_array_get_idx(list, i), NULL, err));
	if (by_id)
		return read_bugs_by_id(bug, by_id, err);
	return list ? WH_OK : wh_reader_skip(reader, reader->text, err, "no member \"bugs\"");
}

static int read_json(struct bug *bug, struct wh_reader *reader, struct wh_err *err)
{
	struct json_object *answer;
	struct wh_err why;
	if (reader->size > LARGEST)
		return wh_reader_skip(reader, reader->text, err, "larger than %zu MiB", LARGEST >> 20);
	int code = wh_json_parse((struct wh_bytes){ reader->text, reader->size }, &answer, &why);
	if (code == WH_E_NOMEM)
		return wh_err_set(err, code, "%s", why.message);
	if (code != WH_OK)
		return wh_reader_skip(reader, reader->text, err, "%s", why.message);
	code = json_object_is_type(answer, json_type_object) ? read_answer(bug, reader, answer, err)
							     : wh_reader_skip(reader, reader->text, err, "no object");
	json_object_put(answer);
	return code;
}

static bool is_json(struct wh_span s)
{
	while (s.p < s.end && (wh_is_blank(*s.p) || *s.p == '\n' || *s.p == '\r'))
		s.p++;
	return s.p < s.end && *s.p == '{';
}

static int read_bugzilla(struct wh_reader *reader, struct wh_err *err)
{
	struct bug bug = { 0 };
	wh_prose_open(&bug.prose, reader, "bugzilla");
	bug.prose.named = "bug";
	begin_bug(&bug);
	int code = is_json((struct wh_span){ reader->text, reader->text + reader->size }) ? read_json(&bug, reader, err)
											    : read_xml(&bug, reader, err);
	wh_prose_release(&bug.prose);
	wh_str_release(&bug.platform);
	return code;
}

static int detect(const char *text, size_t size)
{
	static const char *const signs[] = { "\"comments\"", "\"attachments\"", "\"op_sys\"", "\"dupe_of\"", "\"bug_id\"" };
	struct wh_span s = { text, text + size };
	if (!is_json(s))
		return wh_scan_find(s, "<bugzilla") && (wh_scan_find(s, "<bug>") || wh_scan_find(s, "<bug ")) && wh_scan_find(s, "urlbase=") ? 98 : 0;
	struct wh_span head = { s.p, wh_span_size(s) > 4096 ? s.p + 4096 : s.end };
	return wh_scan_find(head, "\"bugs\"") && wh_scan_any(s, signs, sizeof signs / sizeof *signs) ? 98 : 0;
}

const struct wh_format wh_format_bugzilla = {
	.name = "bugzilla",
	.summary = "bugs of Bugzilla, as XML or as its REST interface answers, with the reports in comments and attachments",
	.reference = "bugzilla/bugzilla: template/en/default/bug/show.xml.tmpl, docs/en/rst/api/core/v1/{bug,comment,attachment}.rst",
	.detect = detect,
	.read = read_bugzilla,
};
