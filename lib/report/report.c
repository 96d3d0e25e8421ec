/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include <stdio.h>
#include <string.h>

void wh_report_init(struct wh_report *report)
{
	*report = (struct wh_report){ .first_ns = WH_REPORT_NO_TIME, .last_ns = WH_REPORT_NO_TIME, .since_ns = WH_REPORT_NO_TIME };
	wh_arena_init(&report->arena, SIZE_MAX);
}

void wh_report_release(struct wh_report *report)
{
	wh_arena_release(&report->arena);
	*report = (struct wh_report){ 0 };
}

/* About WH_REPORT_CURVE points, dense where the curve bends: the groups are many and the first ones matter. */
static void draw_curve(struct wh_report *report)
{
	size_t sum = 0, next = 1;
	report->n_curve = 0;
	for (size_t g = 0; g < report->n_groups; g++) {
		sum += report->groups[g].observations;
		if (g + 1 < next && g + 1 < report->n_groups)
			continue;
		if (report->n_curve == WH_REPORT_CURVE)
			report->n_curve--;
		report->curve[report->n_curve][0] = g + 1;
		report->curve[report->n_curve++][1] = sum;
		next = g + 1 + (g + 1) / 4 + 1;
	}
}

void wh_report_finish(struct wh_report *report)
{
	size_t sum = 0;
	report->once_groups = report->second_groups = report->second_observations = report->groups_of_80 = 0;
	report->scale = 0;
	for (size_t g = 0; g < report->n_groups; g++) {
		const struct wh_report_group *group = &report->groups[g];
		for (size_t s = 0; s < WH_REPORT_SLOTS; s++)
			report->scale = group->trend[s] > report->scale ? group->trend[s] : report->scale;
		report->groups_of_80 += (double)sum < 0.8 * (double)report->observations;
		sum += group->observations;
		report->once_groups += group->observations == 1;
		report->second_groups += group->suspect == WH_SUSPECT_SECOND;
		report->second_observations += group->suspect == WH_SUSPECT_SECOND ? group->observations : 0;
	}
	report->share_of_last_20 = report->n_groups ? 1 - (double)report->groups_of_80 / (double)report->n_groups : 0;
	draw_curve(report);
}

size_t wh_report_slot(const struct wh_report *report, int64_t time_ns)
{
	double period = (double)report->last_ns - (double)report->first_ns;
	if (period <= 0)
		return WH_REPORT_SLOTS - 1;
	double at = ((double)time_ns - (double)report->first_ns) / period * WH_REPORT_SLOTS;
	return at < 0 ? 0 : at >= WH_REPORT_SLOTS ? WH_REPORT_SLOTS - 1 : (size_t)at;
}

const char *wh_report_sparkline(const uint32_t trend[static WH_REPORT_SLOTS], uint32_t scale, char text[static WH_SPARKLINE])
{
	static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	char *p = text;
	for (size_t s = 0; s < WH_REPORT_SLOTS; s++) {
		size_t height = scale ? ((size_t)trend[s] * 8 + scale - 1) / scale : 0;
		p = stpcpy(p, trend[s] && height ? blocks[(height > 8 ? 8 : height) - 1] : " ");
	}
	*p = '\0';
	return text;
}

const char *wh_report_suspect_name(const struct wh_report *report, const struct wh_report_group *group, char *text, size_t size)
{
	if (group->suspect == WH_SUSPECT_NONE)
		return NULL;
	if (group->suspect == WH_SUSPECT_ONCE)
		snprintf(text, size, "one-hit wonder");
	else
		snprintf(text, size, "second %s of %s (%.2f)", report->group_noun, report->groups[group->second_of].id, group->second_similarity);
	return text;
}
