/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page: a frame with style, data and script put into its places. The data are JSON in a script element that is never run; `<` is
 * written as \u003c there, so that nothing in them ends the element or begins a comment. The script builds the document from text nodes only.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "report/report.h"

static const struct wh_report_asset *asset(const char *name, size_t n)
{
	const struct wh_report_asset *a = wh_report_assets;
	while (a->name && (strlen(a->name) != n || memcmp(a->name, name, n) != 0))
		a++;
	assert(a->name);
	return a;
}

static int write_escaped(void *user, const char *text, size_t n, struct wh_err *err)
{
	struct wh_str *out = user;
	for (const char *p = text, *end = text + n, *less; p < end; p = less + 1) {
		less = memchr(p, '<', (size_t)(end - p));
		wh_str_add(out, p, (size_t)((less ? less : end) - p));
		if (!less)
			break;
		wh_str_puts(out, "\\u003c");
	}
	return wh_str_check(out, err);
}

static void emit_tree(const struct wh_report *report, struct wh_emit *e)
{
	wh_emit_object(e, "tree");
	wh_emit_array(e, "leaves");
	for (size_t i = 0; i < report->n_tree; i++)
		wh_emit_integer(e, NULL, report->tree[i]);
	wh_emit_end(e);
	wh_emit_array(e, "merges");
	for (size_t i = 0; i + 1 < report->n_tree; i++) {
		wh_emit_array(e, NULL);
		wh_emit_integer(e, NULL, report->merges[i].a);
		wh_emit_integer(e, NULL, report->merges[i].b);
		wh_emit_real(e, NULL, (double)(int)(report->merges[i].height * 10000 + 0.5) / 10000);
		wh_emit_end(e);
	}
	wh_emit_end(e);
	wh_emit_end(e);
}

static int add_data(const struct wh_report *report, struct wh_str *out, struct wh_err *err)
{
	struct wh_json_writer writer;
	wh_json_writer_init(&writer, (struct wh_sink){ write_escaped, out }, true);
	struct wh_emit *e = &writer.emit;
	wh_emit_object(e, NULL);
	wh_emit_object(e, "summary");
	wh_report_emit_summary(report, e);
	wh_emit_integer(e, "detailed", (int64_t)report->n_detailed);
	wh_emit_integer(e, "scale", report->scale);
	wh_emit_end(e);
	wh_emit_array(e, "groups");
	for (size_t g = 0; g < report->n_groups; g++) {
		wh_emit_object(e, NULL);
		wh_report_emit_group(report, &report->groups[g], e);
		wh_report_emit_details(report, &report->groups[g], e);
		wh_emit_end(e);
	}
	wh_emit_end(e);
	emit_tree(report, e);
	wh_emit_end(e);
	int code = wh_emit_close(e, err);
	wh_json_writer_release(&writer);
	return code;
}

/* Drawings wait in templates until the script finds a place for them: their text was escaped when they were drawn. */
static void add_plot(struct wh_str *out, const char *prefix, const char *name, const char *svg)
{
	if (svg)
		wh_str_printf(out, "<template id=\"plot-%s%s\">%s</template>\n", prefix, name, svg);
}

static void add_plots(const struct wh_report *report, struct wh_str *out)
{
	char number[32];
	add_plot(out, "map", "", report->map);
	add_plot(out, "choice", "", report->choice);
	for (size_t g = 0; g < report->n_groups; g++) {
		if (!report->groups[g].details)
			continue;
		snprintf(number, sizeof number, "%zu", g); /* an id might say anything */
		add_plot(out, "exemplar-", number, report->groups[g].details->exemplar);
	}
}

int wh_report_html(const struct wh_report *report, struct wh_str *out, struct wh_err *err)
{
	const struct wh_report_asset *page = asset("report.html", strlen("report.html"));
	for (const char *p = page->text, *open; *p; p = strstr(open, "}}") + 2) {
		open = strstr(p, "{{");
		wh_str_add(out, p, open ? (size_t)(open - p) : strlen(p));
		if (!open)
			break;
		const char *name = open + 2, *close = strstr(name, "}}");
		if (wh_starts(name, (size_t)(close - name), "data")) {
			WH_TRY(add_data(report, out, err));
			continue;
		}
		if (wh_starts(name, (size_t)(close - name), "plots")) {
			add_plots(report, out);
			continue;
		}
		const struct wh_report_asset *part = asset(name, (size_t)(close - name));
		wh_str_add(out, part->text, part->size);
	}
	return wh_str_check(out, err);
}
