/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <string.h>

#include "base/time.h"

const char sample_hostile[] = "</script><img src=x onerror=\"document.title='owned'\"> \"quoted\" 'single' `tick` ```fence``` | bar <!-- -->"
			      "\x01\x1b[31m\x7f \xff\xfe\xc0\xaf \xed\xa0\x80 [link](javascript:alert(1)) @someone ${x} {{data}} \xe2\x80\xa8\n# line";

struct facts { /* of a sample's groups */
	const char *id, *title, *label, *note, *version, *platform, *file;
	size_t observations;
};

static void *room(struct wh_report *report, size_t n, size_t size)
{
	return wh_arena_zalloc(&report->arena, n, size);
}

static int add_attributes(struct wh_report *report, struct wh_report_group *group, const struct facts *facts)
{
	struct wh_report_attribute *attributes = room(report, 2, sizeof *attributes);
	struct wh_report_value *values = room(report, 2, sizeof *values);
	if (!attributes || !values)
		return WH_E_NOMEM;
	values[0] = (struct wh_report_value){ facts->version, group->observations };
	values[1] = (struct wh_report_value){ facts->platform, group->observations > 1 ? group->observations - 1 : 1 };
	attributes[0] = (struct wh_report_attribute){ "version", &values[0], 1, 1, group->observations, facts->version, facts->version };
	attributes[1] = (struct wh_report_attribute){ "platform", &values[1], 1, 1, values[1].observations, facts->platform, facts->platform };
	group->attributes = attributes;
	return WH_OK;
}

static int add_details(struct wh_report *report, uint32_t g, const struct facts *facts)
{
	struct wh_report_group *group = &report->groups[g];
	struct wh_report_details *details = room(report, 1, sizeof *details);
	struct wh_report_frame *frames = room(report, 3, sizeof *frames);
	struct wh_report_variant *variant = room(report, 1, sizeof *variant);
	struct wh_report_pair *rows = room(report, 3, sizeof *rows);
	struct wh_report_fact *fact = room(report, 1, sizeof *fact);
	struct wh_report_neighbour *neighbour = room(report, 1, sizeof *neighbour);
	const char **ids = room(report, 2, sizeof *ids);
	if (!details || !frames || !variant || !rows || !fact || !neighbour || !ids)
		return WH_E_NOMEM;
	frames[0] = (struct wh_report_frame){ facts->title, "libone.so", "1.2", NULL, 0, 0.4 };
	frames[1] = (struct wh_report_frame){ "middle", NULL, NULL, facts->file, 31, 0.2 };
	frames[2] = (struct wh_report_frame){ "main", "program", NULL, NULL, 0, -1 };
	rows[0] = (struct wh_report_pair){ facts->title, facts->title };
	rows[1] = (struct wh_report_pair){ "middle", NULL };
	rows[2] = (struct wh_report_pair){ NULL, "other" };
	*variant = (struct wh_report_variant){ facts->id, 1, 0.7, rows, 3, 0 };
	*fact = (struct wh_report_fact){ "frame", facts->title, facts->title, 0.8, 0.0001, -1, -1 };
	*neighbour = (struct wh_report_neighbour){ g ? 0 : 1, 0.4 };
	ids[0] = facts->id;
	ids[1] = "second";
	*details = (struct wh_report_details){ .frames = frames, .n_frames = 3, .variants = variant, .n_variants = group->distinct > 1, .facts = fact,
					       .n_facts = 1, .neighbours = neighbour, .n_neighbours = report->n_groups > 1, .ids = ids,
					       .n_ids = group->observations > 1 ? 2 : 1, .example = facts->id, .crash_type = g ? NULL : "UNKNOWN READ\n{*}" };
	group->details = details;
	report->n_detailed++;
	return WH_OK;
}

static int add_group(struct wh_report *report, uint32_t g, const struct facts *facts, bool detailed)
{
	struct wh_report_group *group = &report->groups[g];
	*group = (struct wh_report_group){ .id = facts->id, .title = facts->title, .label = facts->label, .note = facts->note, .notes = facts->note != NULL,
					   .observations = facts->observations, .distinct = facts->observations > 1 ? 2 : 1,
					   .first_ns = report->first_ns, .last_ns = report->last_ns, .second_of = WH_REPORT_NO_GROUP };
	group->trend[0] = 1;
	group->trend[WH_REPORT_SLOTS - 1] = (uint32_t)facts->observations - 1;
	if (facts->observations == 1)
		group->suspect = WH_SUSPECT_ONCE;
	if (g == 1) {
		group->suspect = WH_SUSPECT_SECOND;
		group->second_of = 0;
		group->second_similarity = 0.25;
	}
	report->observations += facts->observations;
	for (size_t s = 0; s < WH_REPORT_SLOTS; s++)
		report->trend[s] += group->trend[s];
	if (add_attributes(report, group, facts) != WH_OK)
		return WH_E_NOMEM;
	return detailed ? add_details(report, g, facts) : WH_OK;
}

static int begin(struct wh_report *report, size_t n)
{
	wh_report_init(report);
	report->noun = "stack";
	report->group_noun = "bucket";
	report->feature_noun = "frame";
	report->method = "pdm";
	report->version = "0";
	report->d = 0.5;
	report->suspect_floor = 0.25;
	report->n_attributes = 2;
	report->n_groups = n;
	report->groups = room(report, n, sizeof *report->groups);
	(void)wh_time_parse("2026-08-01", 10, &report->first_ns);
	(void)wh_time_parse("2026-11-20T10:00:00Z", 20, &report->last_ns);
	return report->groups ? WH_OK : WH_E_NOMEM;
}

static int finish(struct wh_report *report)
{
	size_t n = report->n_groups < WH_REPORT_TREE ? report->n_groups : WH_REPORT_TREE;
	uint32_t *listed = room(report, report->n_groups, sizeof *listed);
	struct wh_merge *merges = room(report, n, sizeof *merges);
	if (!listed || !merges)
		return WH_E_NOMEM;
	for (uint32_t g = 0; g < report->n_groups; g++)
		listed[g] = g;
	for (uint32_t i = 0; i + 1 < n; i++) /* a ladder */
		merges[i] = (struct wh_merge){ i ? i + 1 : 0, i ? (uint32_t)n + i - 1 : 1, 0.3 + 0.6 * i / (double)n, i + 2 };
	report->listed = report->tree = listed;
	report->merges = merges;
	report->n_listed = report->n_matching = report->n_groups;
	report->n_tree = n;
	report->timed = report->distinct = report->observations;
	wh_report_finish(report);
	return WH_OK;
}

int sample_small(struct wh_report *report)
{
	static const struct facts facts[] = {
		{ "g000000000001", "first_function < middle < main", "bug-7", "a note", "1.2", "linux-x86_64", "src/first file.c", 6 },
		{ "g000000000002", "second_function < main", NULL, NULL, "1.10", "linux-arm64", "/usr/src/second.c", 3 },
		{ "g000000000003", "third_function", NULL, NULL, "1.2", "linux-x86_64", "", 1 },
	};
	int code = begin(report, 3);
	for (uint32_t g = 0; code == WH_OK && g < 3; g++)
		code = add_group(report, g, &facts[g], true);
	if (code == WH_OK)
		code = finish(report);
	if (code != WH_OK)
		wh_report_release(report);
	return code;
}

int sample_of(struct wh_report *report, const char *text)
{
	struct facts facts = { text, text, text, text, text, text, text, 4 };
	int code = begin(report, 1);
	if (code == WH_OK)
		code = add_group(report, 0, &facts, true);
	report->source = text;
	if (code == WH_OK)
		code = finish(report);
	if (code != WH_OK)
		wh_report_release(report);
	return code;
}

int sample_large(struct wh_report *report, size_t n_groups)
{
	int code = begin(report, n_groups);
	for (uint32_t g = 0; code == WH_OK && g < n_groups; g++) {
		struct facts facts = { .version = "1", .platform = "linux", .file = "a.c", .observations = n_groups / (g + 1) };
		facts.id = wh_arena_printf(&report->arena, "g%012x", g);
		facts.title = wh_arena_printf(&report->arena, "function_%u < caller_%u < main", g, g % 100);
		code = facts.id && facts.title ? add_group(report, g, &facts, g < 20) : WH_E_NOMEM;
	}
	if (code == WH_OK)
		code = finish(report);
	if (code != WH_OK)
		wh_report_release(report);
	return code;
}
