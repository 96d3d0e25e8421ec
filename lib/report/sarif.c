/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SARIF 2.1.0 (OASIS, errata 01): one run, one result a group. What a group is called there:
 *   ruleId               the crash type's first line, else the commonest reason, else "crash"
 *   partialFingerprints  the group's id: results of two runs are the same where it is
 *   locations            the first frame that names a file; its function where none does
 *   stacks, codeFlows    the representative, crash point first / last
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strtab.h"
#include "report/report.h"

static int write_text(void *user, const char *text, size_t n, struct wh_err *err)
{
	wh_str_add(user, text, n);
	return wh_str_check(user, err);
}

/* A path as a URI reference (RFC 3986): what is not unreserved or a slash is escaped. */
static void emit_uri(struct wh_emit *e, const char *path, struct wh_str *scratch)
{
	wh_str_clear(scratch);
	if (path[0] == '/')
		wh_str_puts(scratch, "file://");
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-._~/", *p);
		if (plain)
			wh_str_putc(scratch, (char)*p);
		else
			wh_str_printf(scratch, "%%%02X", *p);
	}
	wh_emit_bytes(e, "uri", scratch->data ? scratch->data : "", scratch->n);
}

static void emit_message(struct wh_emit *e, const char *text)
{
	wh_emit_object(e, "message");
	wh_emit_string(e, "text", text);
	wh_emit_end(e);
}

/* Members of a location. */
static void emit_location(struct wh_emit *e, const struct wh_report_frame *frame, struct wh_str *scratch)
{
	if (frame->file && *frame->file) {
		wh_emit_object(e, "physicalLocation");
		wh_emit_object(e, "artifactLocation");
		emit_uri(e, frame->file, scratch);
		wh_emit_end(e);
		if (frame->line) {
			wh_emit_object(e, "region");
			wh_emit_integer(e, "startLine", frame->line);
			wh_emit_end(e);
		}
		wh_emit_end(e);
	}
	wh_emit_array(e, "logicalLocations");
	wh_emit_object(e, NULL);
	wh_emit_string(e, "fullyQualifiedName", frame->name);
	wh_emit_string(e, "kind", "function");
	wh_emit_end(e);
	wh_emit_end(e);
}

static void emit_frame(struct wh_emit *e, const struct wh_report_frame *frame, bool flow, struct wh_str *scratch)
{
	wh_emit_object(e, NULL);
	wh_emit_object(e, "location");
	emit_location(e, frame, scratch);
	if (flow)
		emit_message(e, frame->name);
	wh_emit_end(e);
	wh_emit_string(e, "module", frame->module);
	wh_emit_end(e);
}

static void emit_stack(struct wh_emit *e, const struct wh_report_details *details, struct wh_str *scratch)
{
	if (!details->n_frames)
		return;
	wh_emit_array(e, "locations");
	wh_emit_object(e, NULL);
	size_t located = 0;
	while (located < details->n_frames && !(details->frames[located].file && *details->frames[located].file))
		located++;
	emit_location(e, &details->frames[located < details->n_frames ? located : 0], scratch);
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_array(e, "stacks");
	wh_emit_object(e, NULL);
	wh_emit_array(e, "frames");
	for (size_t i = 0; i < details->n_frames; i++)
		emit_frame(e, &details->frames[i], false, scratch);
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_array(e, "codeFlows");
	wh_emit_object(e, NULL);
	wh_emit_array(e, "threadFlows");
	wh_emit_object(e, NULL);
	wh_emit_array(e, "locations");
	for (size_t i = details->n_frames; i-- > 0;)
		emit_frame(e, &details->frames[i], true, scratch);
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_end(e);
}

/* Appends the rule's name. */
static void name_rule(const struct wh_report *report, const struct wh_report_group *group, struct wh_str *out)
{
	const char *type = group->details->crash_type;
	wh_str_clear(out);
	if (type && *type) {
		wh_str_add(out, type, strcspn(type, "\n"));
		return;
	}
	for (size_t a = 0; a < report->n_attributes; a++)
		if (!strcmp(group->attributes[a].name, "reason") && group->attributes[a].n_values) {
			wh_str_puts(out, group->attributes[a].values[0].text);
			return;
		}
	wh_str_puts(out, "crash");
}

static void emit_result(const struct wh_report *report, const struct wh_report_group *group, uint32_t rule, const struct wh_strtab *rules,
			struct wh_emit *e, struct wh_str *scratch)
{
	struct wh_bytes name = wh_strtab_get(rules, rule);
	wh_emit_object(e, NULL);
	wh_emit_bytes(e, "ruleId", name.data, name.size);
	wh_emit_integer(e, "ruleIndex", rule);
	wh_emit_string(e, "level", "error");
	wh_str_clear(scratch);
	wh_str_printf(scratch, "%s (seen %zu %s)", group->title, group->observations, group->observations == 1 ? "time" : "times");
	emit_message(e, scratch->data ? scratch->data : "");
	wh_emit_integer(e, "occurrenceCount", (int64_t)group->observations);
	if (report->since_ns != WH_REPORT_NO_TIME)
		wh_emit_string(e, "baselineState", group->is_new ? "new" : "unchanged");
	wh_emit_object(e, "partialFingerprints");
	wh_str_clear(scratch);
	wh_str_printf(scratch, "whorl/%s/v1", report->group_noun);
	wh_emit_string(e, scratch->data ? scratch->data : "whorl", group->id);
	wh_emit_end(e);
	emit_stack(e, group->details, scratch);
	wh_emit_object(e, "properties");
	wh_report_emit_group(report, group, e);
	wh_emit_end(e);
	wh_emit_end(e);
}

static void emit_log(const struct wh_report *report, const struct wh_strtab *rules, const uint32_t *rule, struct wh_emit *e, struct wh_str *scratch)
{
	wh_emit_object(e, NULL);
	wh_emit_string(e, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	wh_emit_string(e, "version", "2.1.0");
	wh_emit_array(e, "runs");
	wh_emit_object(e, NULL);
	wh_emit_object(e, "tool");
	wh_emit_object(e, "driver");
	wh_emit_string(e, "name", "whorl");
	wh_emit_string(e, "version", report->version);
	wh_emit_array(e, "rules");
	for (uint32_t i = 0; i < rules->n; i++) {
		struct wh_bytes name = wh_strtab_get(rules, i);
		wh_emit_object(e, NULL);
		wh_emit_bytes(e, "id", name.data, name.size);
		wh_emit_end(e);
	}
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_string(e, "columnKind", "utf16CodeUnits");
	wh_emit_array(e, "results");
	for (size_t i = 0; i < report->n_listed; i++) {
		const struct wh_report_group *group = &report->groups[report->listed[i]];
		if (group->details)
			emit_result(report, group, rule[i], rules, e, scratch);
	}
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_end(e);
}

int wh_report_sarif(const struct wh_report *report, struct wh_str *out, struct wh_err *err)
{
	struct wh_json_writer writer;
	struct wh_strtab rules;
	struct wh_str scratch = { 0 };
	uint32_t *rule = malloc((report->n_listed + 1) * sizeof *rule);
	bool failed = !rule;
	wh_strtab_init(&rules, SIZE_MAX);
	wh_json_writer_init(&writer, (struct wh_sink){ write_text, out }, false);
	for (size_t i = 0; !failed && i < report->n_listed; i++) {
		const struct wh_report_group *group = &report->groups[report->listed[i]];
		if (!group->details)
			continue;
		name_rule(report, group, &scratch);
		rule[i] = scratch.failed ? WH_STRTAB_NONE : wh_strtab_add(&rules, scratch.data, scratch.n);
		failed = rule[i] == WH_STRTAB_NONE;
	}
	if (!failed) {
		emit_log(report, &rules, rule, &writer.emit, &scratch);
		failed = scratch.failed;
	}
	int code = failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : wh_emit_close(&writer.emit, err);
	wh_json_writer_release(&writer);
	wh_strtab_release(&rules);
	wh_str_release(&scratch);
	free(rule);
	return code;
}
