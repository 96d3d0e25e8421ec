/* SPDX-License-Identifier: Apache-2.0 */
/* A report as events: records for tables, documents for programs, and the data of the page. */
#include <stdio.h>
#include <string.h>

#include "report/report.h"

static void emit_time(struct wh_emit *e, const char *key, int64_t time_ns)
{
	if (time_ns != WH_REPORT_NO_TIME)
		wh_emit_time(e, key, time_ns);
}

static double share(size_t part, size_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static bool is_version(const char *name)
{
	size_t n = strlen(name);
	return n >= 7 && !strcmp(name + n - 7, "version");
}

/* "3 (1.2 … 1.10)" */
static void emit_versions(const struct wh_report_attribute *versions, struct wh_emit *e)
{
	if (versions->distinct == 1)
		wh_emit_string(e, "versions", versions->least);
	else if (versions->distinct > 1)
		wh_emit_format(e, "versions", "%zu (%.100s … %.100s)", versions->distinct, versions->least, versions->most);
}

/* The commonest value, with its share of the observations where some are others. */
static void emit_commonest(const struct wh_report_group *group, const struct wh_report_attribute *attribute, struct wh_emit *e)
{
	if (!attribute->n_values)
		return;
	const struct wh_report_value *value = &attribute->values[0];
	if (value->observations == group->observations)
		wh_emit_string(e, attribute->name, value->text);
	else
		wh_emit_format(e, attribute->name, "%.200s (%.0f %%)", value->text, 100 * share(value->observations, group->observations));
}

static void emit_attributes(const struct wh_report *report, const struct wh_report_group *group, struct wh_emit *e)
{
	wh_emit_array(e, "attributes");
	for (size_t a = 0; a < report->n_attributes; a++) {
		const struct wh_report_attribute *attribute = &group->attributes[a];
		if (!attribute->said)
			continue;
		wh_emit_object(e, NULL);
		wh_emit_string(e, "name", attribute->name);
		wh_emit_integer(e, "distinct", (int64_t)attribute->distinct);
		wh_emit_integer(e, "said", (int64_t)attribute->said);
		wh_emit_array(e, "values");
		for (size_t v = 0; v < attribute->n_values; v++) {
			wh_emit_object(e, NULL);
			wh_emit_string(e, "value", attribute->values[v].text);
			wh_emit_integer(e, "observations", (int64_t)attribute->values[v].observations);
			wh_emit_end(e);
		}
		wh_emit_end(e);
		wh_emit_end(e);
	}
	wh_emit_end(e);
}

static void emit_trend(const uint32_t trend[static WH_REPORT_SLOTS], struct wh_emit *e)
{
	wh_emit_array(e, "trend");
	for (size_t s = 0; s < WH_REPORT_SLOTS; s++)
		wh_emit_integer(e, NULL, trend[s]);
	wh_emit_end(e);
}

void wh_report_emit_group(const struct wh_report *report, const struct wh_report_group *group, struct wh_emit *e)
{
	char suspect[96];
	wh_emit_string(e, "group", group->id);
	wh_emit_integer(e, "observations", (int64_t)group->observations);
	wh_emit_real(e, "share", share(group->observations, report->observations));
	wh_emit_integer(e, "distinct", (int64_t)group->distinct);
	emit_time(e, "first", group->first_ns);
	emit_time(e, "last", group->last_ns);
	for (size_t a = 0; a < report->n_attributes; a++)
		if (!strcmp(group->attributes[a].name, "version"))
			emit_versions(&group->attributes[a], e);
	for (size_t a = 0; a < report->n_attributes; a++)
		if (!is_version(group->attributes[a].name))
			emit_commonest(group, &group->attributes[a], e);
	wh_emit_string(e, "title", group->title);
	wh_emit_string(e, "label", group->label);
	if (group->notes)
		wh_emit_integer(e, "notes", (int64_t)group->notes);
	wh_emit_string(e, "note", group->note);
	wh_emit_string(e, "suspect", wh_report_suspect_name(report, group, suspect, sizeof suspect));
	if (group->suspect == WH_SUSPECT_SECOND) {
		wh_emit_string(e, "second_of", report->groups[group->second_of].id);
		wh_emit_real(e, "second_similarity", group->second_similarity);
	}
	if (report->since_ns != WH_REPORT_NO_TIME)
		wh_emit_boolean(e, "is_new", group->is_new);
	if (report->timed) {
		char blocks[WH_SPARKLINE];
		wh_emit_string(e, "sparkline", wh_report_sparkline(group->trend, report->scale, blocks));
		emit_trend(group->trend, e);
		wh_emit_real(e, "growth", group->growth);
	}
	emit_attributes(report, group, e);
}

static void emit_frames(const struct wh_report_details *details, struct wh_emit *e)
{
	wh_emit_array(e, "frames");
	for (size_t i = 0; i < details->n_frames; i++) {
		const struct wh_report_frame *frame = &details->frames[i];
		wh_emit_object(e, NULL);
		wh_emit_string(e, "name", frame->name);
		wh_emit_string(e, "module", frame->module);
		wh_emit_string(e, "module_version", frame->version);
		wh_emit_string(e, "file", frame->file);
		if (frame->line)
			wh_emit_integer(e, "line", frame->line);
		if (frame->weight >= 0)
			wh_emit_real(e, "weight", frame->weight);
		wh_emit_end(e);
	}
	wh_emit_end(e);
	if (details->n_frames_left_out)
		wh_emit_integer(e, "frames_left_out", (int64_t)details->n_frames_left_out);
}

static void emit_variants(const struct wh_report_details *details, struct wh_emit *e)
{
	wh_emit_array(e, "variants");
	for (size_t i = 0; i < details->n_variants; i++) {
		const struct wh_report_variant *variant = &details->variants[i];
		wh_emit_object(e, NULL);
		wh_emit_integer(e, "observations", (int64_t)variant->observations);
		wh_emit_real(e, "similarity", variant->similarity);
		wh_emit_string(e, "example", variant->example);
		wh_emit_array(e, "alignment");
		for (size_t r = 0; r < variant->n_rows; r++) {
			wh_emit_object(e, NULL);
			wh_emit_string(e, "a", variant->rows[r].a);
			wh_emit_string(e, "b", variant->rows[r].b);
			wh_emit_end(e);
		}
		wh_emit_end(e);
		if (variant->n_left_out)
			wh_emit_integer(e, "rows_left_out", (int64_t)variant->n_left_out);
		wh_emit_end(e);
	}
	wh_emit_end(e);
}

static void emit_facts(const struct wh_report_details *details, struct wh_emit *e)
{
	wh_emit_array(e, "apart");
	for (size_t i = 0; i < details->n_facts; i++) {
		wh_emit_object(e, NULL);
		wh_emit_string(e, "what", details->facts[i].what);
		wh_emit_string(e, "name", details->facts[i].name);
		wh_emit_real(e, "effect", details->facts[i].effect);
		wh_emit_real(e, "p_value", details->facts[i].p_value);
		if (details->facts[i].top3 >= 0) {
			wh_emit_real(e, "top3", details->facts[i].top3);
			wh_emit_real(e, "top10", details->facts[i].top10);
		}
		wh_emit_string(e, "sentence", details->facts[i].sentence);
		wh_emit_end(e);
	}
	wh_emit_end(e);
}

static void emit_movers(const struct wh_report_details *details, struct wh_emit *e)
{
	if (!details->n_movers)
		return;
	wh_emit_array(e, "moved");
	for (size_t i = 0; i < details->n_movers; i++) {
		const struct wh_report_mover *mover = &details->movers[i];
		wh_emit_object(e, NULL);
		wh_emit_string(e, "name", mover->name);
		wh_emit_integer(e, "asked", (int64_t)mover->asked);
		wh_emit_integer(e, "rose", (int64_t)mover->rose);
		wh_emit_integer(e, "first", (int64_t)mover->first);
		wh_emit_real(e, "before_end", mover->before_end);
		wh_emit_string(e, "sentence", mover->sentence);
		wh_emit_end(e);
	}
	wh_emit_end(e);
}

void wh_report_emit_details(const struct wh_report *report, const struct wh_report_group *group, struct wh_emit *e)
{
	const struct wh_report_details *details = group->details;
	if (!details)
		return;
	wh_emit_string(e, "example", details->example);
	wh_emit_string(e, "crash_type", details->crash_type);
	emit_frames(details, e);
	emit_variants(details, e);
	emit_facts(details, e);
	emit_movers(details, e);
	wh_emit_array(e, "nearest");
	for (size_t i = 0; i < details->n_neighbours; i++) {
		const struct wh_report_group *other = &report->groups[details->neighbours[i].group];
		wh_emit_object(e, NULL);
		wh_emit_string(e, "group", other->id);
		wh_emit_real(e, "similarity", details->neighbours[i].similarity);
		wh_emit_integer(e, "observations", (int64_t)other->observations);
		wh_emit_string(e, "title", other->title);
		wh_emit_end(e);
	}
	wh_emit_end(e);
	wh_emit_array(e, "ids");
	for (size_t i = 0; i < details->n_ids; i++)
		wh_emit_string(e, NULL, details->ids[i]);
	wh_emit_end(e);
}

void wh_report_emit_summary(const struct wh_report *report, struct wh_emit *e)
{
	wh_emit_string(e, "noun", report->noun);
	wh_emit_string(e, "group_noun", report->group_noun);
	wh_emit_string(e, "feature_noun", report->feature_noun);
	wh_emit_string(e, "method", report->method);
	wh_emit_real(e, "d", report->d);
	wh_emit_string(e, "source", report->source);
	wh_emit_integer(e, "observations", (int64_t)report->observations);
	wh_emit_integer(e, "distinct", (int64_t)report->distinct);
	wh_emit_integer(e, "groups", (int64_t)report->n_groups);
	if (report->ungrouped)
		wh_emit_integer(e, "ungrouped", (int64_t)report->ungrouped);
	wh_emit_integer(e, "skipped", (int64_t)report->skipped);
	emit_time(e, "first", report->first_ns);
	emit_time(e, "last", report->last_ns);
	emit_time(e, "since", report->since_ns);
	wh_emit_integer(e, "one_hit_wonders", (int64_t)report->once_groups);
	wh_emit_real(e, "one_hit_wonders_share_of_groups", share(report->once_groups, report->n_groups));
	wh_emit_real(e, "one_hit_wonders_share_of_observations", share(report->once_groups, report->observations));
	wh_emit_integer(e, "second_groups", (int64_t)report->second_groups);
	wh_emit_real(e, "second_groups_share_of_groups", share(report->second_groups, report->n_groups));
	wh_emit_real(e, "second_groups_share_of_observations", share(report->second_observations, report->observations));
	wh_emit_real(e, "suspect_floor", report->suspect_floor);
	wh_emit_integer(e, "groups_of_80_percent", (int64_t)report->groups_of_80);
	wh_emit_real(e, "share_of_groups_in_last_20_percent", report->share_of_last_20);
	if (report->timed)
		emit_trend(report->trend, e);
	wh_emit_array(e, "curve");
	for (size_t i = 0; i < report->n_curve; i++) {
		wh_emit_object(e, NULL);
		wh_emit_integer(e, "groups", (int64_t)report->curve[i][0]);
		wh_emit_integer(e, "observations", (int64_t)report->curve[i][1]);
		wh_emit_end(e);
	}
	wh_emit_end(e);
}
