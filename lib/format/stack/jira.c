/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issues of Jira: the XML view (RSS, texts rendered to HTML), and what its REST interface answers: an issue, a search's `issues`, a
 * list; texts in wiki markup or in the Atlassian Document Format. An issue is a document. Its key is the report's id; the issue that
 * it is said to duplicate, else it itself, the label.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/vec.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "format/stack/prose.h"
#include "format/stack/xml.h"

#define LARGEST ((size_t)128 << 20) /* of an answer in JSON; json-c needs a multiple of it */

enum { DEEPEST = WH_JSON_DEPTH };

struct issue {
	struct wh_prose prose;
	bool open;      /* within <item> */
	bool duplicate; /* the label says of what */
	bool outward;
	size_t line;
	struct wh_str text;
	/* of XML: texts, which come before what the issue is called and duplicates */
	struct WH_VEC(struct held {
		struct wh_str text;
		size_t line;
		char when[64];
	}) held;
	char when[64]; /* of the comment at hand */
};

static struct wh_span span(const char *text)
{
	return text ? (struct wh_span){ text, text + strlen(text) } : (struct wh_span){ "", "" };
}

static void begin_issue(struct issue *issue)
{
	wh_prose_begin(&issue->prose);
	issue->duplicate = issue->outward = false;
}

static void forget_texts(struct issue *issue)
{
	for (size_t i = 0; i < issue->held.n; i++)
		wh_str_release(&issue->held.data[i].text);
	issue->held.n = 0;
}

static void set_key(struct issue *issue, struct wh_span key)
{
	wh_prose_id(&issue->prose, key);
	if (!issue->duplicate)
		wh_prose_label(&issue->prose, key);
}

static void set_duplicate(struct issue *issue, struct wh_span key)
{
	issue->duplicate = true;
	wh_prose_label(&issue->prose, key);
}

/* ---- XML ---- */

static int xml_begin(void *user, const char *name, const char *const *attributes, size_t line, struct wh_err *err)
{
	struct issue *issue = user;
	(void)err;
	if (!strcmp(name, "item")) {
		begin_issue(issue);
		forget_texts(issue);
		issue->open = true;
		issue->line = line;
	} else if (!strcmp(name, "comment")) {
		const char *created = wh_xml_attribute(attributes, "created");
		snprintf(issue->when, sizeof issue->when, "%s", created ? created : "");
	} else if (!strcmp(name, "outwardlinks")) {
		const char *what = wh_xml_attribute(attributes, "description");
		issue->outward = what && strstr(what, "duplicates");
	}
	return WH_OK;
}

static int hold_text(struct issue *issue, struct wh_span text, size_t line, struct wh_err *err)
{
	struct held held = { .line = line };
	wh_str_add(&held.text, text.p, wh_span_size(text));
	memcpy(held.when, issue->when, sizeof held.when);
	*issue->when = '\0';
	if (held.text.failed || wh_vec_push(&issue->held, held)) {
		wh_str_release(&held.text);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return WH_OK;
}

static int end_issue(struct issue *issue, struct wh_err *err)
{
	for (size_t i = 0; i < issue->held.n; i++) {
		const struct held *held = &issue->held.data[i];
		wh_prose_time(&issue->prose, span(held->when));
		if (held->text.n)
			WH_TRY(wh_prose_read(&issue->prose, (struct wh_span){ held->text.data, held->text.data + held->text.n }, WH_PROSE_HTML,
					     held->line, err));
	}
	forget_texts(issue);
	return wh_prose_end(&issue->prose, issue->line, err);
}

static int xml_end(void *user, const char *name, struct wh_span text, size_t line, struct wh_err *err)
{
	static const struct {
		const char *name, *attribute;
	} members[] = { { "summary", "title" }, { "project", "app" }, { "version", "version" }, { "environment", "environment" },
			{ "component", "component" }, { "status", "status" }, { "resolution", "resolution" }, { "priority", "severity" } };
	struct issue *issue = user;
	if (!issue->open)
		return WH_OK;
	if (!strcmp(name, "description") || !strcmp(name, "comment"))
		return hold_text(issue, text, line, err);
	if (!strcmp(name, "item")) {
		issue->open = false;
		return end_issue(issue, err);
	}
	if (!strcmp(name, "key"))
		set_key(issue, text);
	else if (!strcmp(name, "created"))
		wh_prose_time(&issue->prose, text);
	else if (!strcmp(name, "issuekey") && issue->outward)
		set_duplicate(issue, text);
	else if (!strcmp(name, "outwardlinks"))
		issue->outward = false;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (!strcmp(name, members[i].name)) {
			wh_str_clear(&issue->text);
			wh_prose_plain_html(text, &issue->text);
			wh_prose_attribute(&issue->prose, members[i].attribute,
					   issue->text.n ? (struct wh_span){ issue->text.data, issue->text.data + issue->text.n } : span(NULL));
		}
	return WH_OK;
}

static int read_xml(struct issue *issue, struct wh_reader *reader, struct wh_err *err)
{
	const struct wh_xml calls = { issue, xml_begin, xml_end };
	struct wh_err why = { 0 };
	size_t line;
	int code = wh_xml_read((struct wh_span){ reader->text, reader->text + reader->size }, &calls, &line, &why);
	if (code == WH_E_FORMAT && wh_starts(why.message, strlen(why.message), "XML: "))
		return reader->skip(reader->user, line, why.message, err);
	return code == WH_OK ? WH_OK : wh_err_set(err, code, "%s", why.message);
}

/* ---- Atlassian Document Format: nodes of text, blocks, blocks of blocks ---- */

static void add_node(struct json_object *node, struct wh_str *out, int depth)
{
	if (!json_object_is_type(node, json_type_object) || depth > DEEPEST || out->n > WH_PROSE_LARGEST)
		return;
	const char *type = wh_json_string(node, "type"), *text = wh_json_string(node, "text");
	if (!type)
		return;
	bool code = !strcmp(type, "codeBlock");
	if (code)
		wh_str_puts(out, "\n```\n");
	if (text)
		wh_str_puts(out, text);
	if (!strcmp(type, "hardBreak"))
		wh_str_putc(out, '\n');
	struct json_object *content = wh_json_array(node, "content");
	for (size_t i = 0, n = content ? json_object_array_length(content) : 0; i < n; i++)
		add_node(json_object_array_get_idx(content, i), out, depth + 1);
	if (code)
		wh_str_puts(out, "\n```\n");
	else if (content && out->n && out->data[out->n - 1] != '\n')
		wh_str_putc(out, '\n');
}

/* ---- JSON ---- */

static int read_value(struct issue *issue, const struct json_object *object, const char *name, struct wh_err *err)
{
	struct json_object *value;
	if (!json_object_object_get_ex(object, name, &value))
		return WH_OK;
	if (json_object_is_type(value, json_type_string))
		return wh_prose_read(&issue->prose, span(json_object_get_string(value)), WH_PROSE_WIKI, 1, err);
	wh_str_clear(&issue->text);
	add_node(value, &issue->text, 0);
	if (issue->text.failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (!issue->text.n)
		return WH_OK;
	return wh_prose_read(&issue->prose, (struct wh_span){ issue->text.data, issue->text.data + issue->text.n }, WH_PROSE_PLAIN, 1, err);
}

/* The name of a member that is an object with one, or an array of such: the first. */
static struct wh_span name_of(const struct json_object *fields, const char *name)
{
	struct json_object *array = wh_json_array(fields, name), *object = wh_json_object(fields, name);
	if (array && json_object_array_length(array))
		object = json_object_array_get_idx(array, 0);
	return span(object && json_object_is_type(object, json_type_object) ? wh_json_string(object, "name") : NULL);
}

static void set_links(struct issue *issue, const struct json_object *fields)
{
	struct json_object *links = wh_json_array(fields, "issuelinks");
	for (size_t i = 0, n = links ? json_object_array_length(links) : 0; i < n; i++) {
		struct json_object *link = json_object_array_get_idx(links, i);
		struct json_object *type = json_object_is_type(link, json_type_object) ? wh_json_object(link, "type") : NULL;
		struct json_object *other = type ? wh_json_object(link, "outwardIssue") : NULL;
		const char *what = other ? wh_json_string(type, "outward") : NULL;
		if (what && strstr(what, "duplicates") && wh_json_string(other, "key"))
			set_duplicate(issue, span(wh_json_string(other, "key")));
	}
}

static int read_fields(struct issue *issue, struct json_object *fields, struct wh_err *err)
{
	wh_prose_attribute(&issue->prose, "title", span(wh_json_string(fields, "summary")));
	wh_prose_attribute(&issue->prose, "app", name_of(fields, "project"));
	wh_prose_attribute(&issue->prose, "version", name_of(fields, "versions"));
	wh_prose_attribute(&issue->prose, "component", name_of(fields, "components"));
	wh_prose_attribute(&issue->prose, "status", name_of(fields, "status"));
	wh_prose_attribute(&issue->prose, "resolution", name_of(fields, "resolution"));
	wh_prose_attribute(&issue->prose, "severity", name_of(fields, "priority"));
	wh_prose_attribute(&issue->prose, "environment", span(wh_json_string(fields, "environment")));
	wh_prose_time(&issue->prose, span(wh_json_string(fields, "created")));
	set_links(issue, fields);
	WH_TRY(read_value(issue, fields, "description", err));
	struct json_object *holder = wh_json_object(fields, "comment");
	struct json_object *comments = holder ? wh_json_array(holder, "comments") : wh_json_array(fields, "comments");
	for (size_t i = 0, n = comments ? json_object_array_length(comments) : 0; i < n; i++) {
		struct json_object *comment = json_object_array_get_idx(comments, i);
		if (!json_object_is_type(comment, json_type_object))
			continue;
		wh_prose_time(&issue->prose, span(wh_json_string(comment, "created")));
		WH_TRY(read_value(issue, comment, "body", err));
	}
	return WH_OK;
}

static int read_issue(struct issue *issue, struct wh_reader *reader, struct json_object *object, struct wh_err *err)
{
	struct json_object *fields = json_object_is_type(object, json_type_object) ? wh_json_object(object, "fields") : NULL;
	if (!fields)
		return wh_reader_skip(reader, reader->text, err, "an issue without \"fields\"");
	begin_issue(issue);
	set_key(issue, span(wh_json_string(object, "key")));
	WH_TRY(read_fields(issue, fields, err));
	return wh_prose_end(&issue->prose, 1, err);
}

static int read_issues(struct issue *issue, struct wh_reader *reader, struct json_object *all, struct wh_err *err)
{
	struct json_object *issues = json_object_is_type(all, json_type_array)	? all
				     : json_object_is_type(all, json_type_object) ? wh_json_array(all, "issues")
										  : NULL;
	if (!issues)
		return read_issue(issue, reader, all, err);
	for (size_t i = 0, n = json_object_array_length(issues); i < n; i++)
		WH_TRY(read_issue(issue, reader, json_object_array_get_idx(issues, i), err));
	return WH_OK;
}

static int read_json(struct issue *issue, struct wh_reader *reader, struct wh_err *err)
{
	struct json_object *all;
	struct wh_err why;
	if (reader->size > LARGEST)
		return wh_reader_skip(reader, reader->text, err, "larger than %zu MiB", LARGEST >> 20);
	int code = wh_json_parse((struct wh_bytes){ reader->text, reader->size }, &all, &why);
	if (code == WH_E_NOMEM)
		return wh_err_set(err, code, "%s", why.message);
	if (code != WH_OK)
		return wh_reader_skip(reader, reader->text, err, "%s", why.message);
	code = read_issues(issue, reader, all, err);
	json_object_put(all);
	return code;
}

static bool is_json(struct wh_span s)
{
	while (s.p < s.end && (wh_is_blank(*s.p) || *s.p == '\n' || *s.p == '\r'))
		s.p++;
	return s.p < s.end && (*s.p == '{' || *s.p == '[');
}

static int read_jira(struct wh_reader *reader, struct wh_err *err)
{
	struct issue issue = { 0 };
	wh_prose_open(&issue.prose, reader, "jira");
	issue.prose.named = "issue";
	begin_issue(&issue);
	int code = is_json((struct wh_span){ reader->text, reader->text + reader->size }) ? read_json(&issue, reader, err)
											    : read_xml(&issue, reader, err);
	wh_prose_release(&issue.prose);
	wh_str_release(&issue.text);
	forget_texts(&issue);
	wh_vec_release(&issue.held);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span s = { text, text + size };
	if (is_json(s))
		return wh_scan_find(s, "\"fields\"") && wh_scan_find(s, "\"key\"") && wh_scan_find(s, "\"summary\"") &&
				       (wh_scan_find(s, "\"issuetype\"") || wh_scan_find(s, "\"issues\"") || wh_scan_find(s, "\"description\""))
			       ? 98
			       : 0;
	return wh_scan_find(s, "<rss") && wh_scan_find(s, "<item>") && wh_scan_find(s, "<key id=") && wh_scan_find(s, "<project id=") ? 98 : 0;
}

const struct wh_format wh_format_jira = {
	.name = "jira",
	.summary = "issues of Jira, as XML or as its REST interface answers, with the reports in descriptions and comments",
	.reference = "Jira's XML view of issues; REST API 2 and 3; Atlassian Document Format",
	.detect = detect,
	.read = read_jira,
};
