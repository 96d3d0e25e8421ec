/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bug report of one group in Markdown (CommonMark). Everything that comes from reports stands in code spans and fenced blocks whose
 * fences are longer than any run of backticks inside, so that it is neither markup, nor a link, nor a mention.
 */
#include <string.h>

#include "base/time.h"
#include "report/report.h"

/* ---- text that is data ---- */

/* Length of the UTF-8 character at p, 0: none is there. */
static size_t character(const unsigned char *p, size_t n)
{
	size_t length = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
	if (!length || length > n || (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Control characters become U+FFFD, lines are kept where the text is a block of them, else they become blanks. */
static void add_plain(struct wh_str *out, const char *text, size_t n, bool lines)
{
	for (size_t i = 0, length; i < n; i += length ? length : 1) {
		unsigned char c = (unsigned char)text[i];
		length = character((const unsigned char *)text + i, n - i);
		bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && length == 2 && (unsigned char)text[i + 1] < 0xa0);
		if (c == '\n' || c == '\t')
			wh_str_putc(out, c == '\n' && lines ? '\n' : ' ');
		else if (!length || control)
			wh_str_puts(out, "\xef\xbf\xbd");
		else
			wh_str_add(out, text + i, length);
	}
}

static size_t longest_run(const char *text, size_t n)
{
	size_t longest = 0;
	for (size_t i = 0, run = 0; i < n; i++) {
		run = text[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void repeat(struct wh_str *out, char c, size_t n)
{
	while (n--)
		wh_str_putc(out, c);
}

void wh_markdown_code(struct wh_str *out, const char *text)
{
	size_t n = strlen(text), fence = longest_run(text, n) + 1;
	if (!n) /* an empty span is none */
		return;
	bool pad = text[0] == '`' || text[n - 1] == '`' || text[0] == ' ' || text[n - 1] == ' ';
	repeat(out, '`', fence);
	repeat(out, ' ', pad);
	add_plain(out, text, n, false);
	repeat(out, ' ', pad);
	repeat(out, '`', fence);
}

void wh_markdown_block(struct wh_str *out, const char *text, size_t n)
{
	size_t fence = longest_run(text, n) + 1;
	repeat(out, '`', fence < 3 ? 3 : fence);
	wh_str_puts(out, "\n");
	add_plain(out, text, n, true);
	if (n && text[n - 1] != '\n')
		wh_str_putc(out, '\n');
	repeat(out, '`', fence < 3 ? 3 : fence);
	wh_str_puts(out, "\n");
}

/* A cell of a table: a bar ends it even inside a code span. */
static void add_cell(struct wh_str *out, const char *text)
{
	struct wh_str escaped = { 0 };
	for (; *text; text++) {
		if (*text == '|')
			wh_str_putc(&escaped, '\\');
		wh_str_putc(&escaped, *text);
	}
	if (escaped.data)
		wh_markdown_code(out, escaped.data);
	out->failed = out->failed || escaped.failed;
	wh_str_release(&escaped);
}

/* ---- sections ---- */

/* A piece of a line inside a block, if there is one: it cannot begin a line of its own. */
static void add_word(struct wh_str *out, const char *before, const char *word)
{
	if (!word)
		return;
	wh_str_puts(out, before);
	add_plain(out, word, strlen(word), false);
}

static void add_day(struct wh_str *out, int64_t time_ns)
{
	char text[WH_TIME_TEXT];
	wh_str_printf(out, "%.10s", wh_time_format(time_ns, text));
}

static double percent(size_t part, size_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static void add_head(const struct wh_report *report, const struct wh_report_group *group, struct wh_str *out)
{
	char suspect[96], blocks[WH_SPARKLINE];
	wh_str_puts(out, "# ");
	if (group->label) {
		wh_markdown_code(out, group->label);
		wh_str_puts(out, ": ");
	}
	wh_markdown_code(out, group->title);
	wh_str_printf(out, "\n\n- %s: ", report->group_noun);
	wh_markdown_code(out, group->id);
	wh_str_printf(out, "\n- seen: %zu %s, %.1f %% of %zu; %zu distinct\n", group->observations, group->observations == 1 ? "time" : "times",
		      percent(group->observations, report->observations), report->observations, group->distinct);
	if (group->first_ns != WH_REPORT_NO_TIME) {
		wh_str_puts(out, "- from ");
		add_day(out, group->first_ns);
		wh_str_puts(out, " to ");
		add_day(out, group->last_ns);
		wh_str_puts(out, ": ");
		wh_markdown_code(out, wh_report_sparkline(group->trend, report->scale, blocks));
		wh_str_putc(out, '\n');
	}
	if (group->details->crash_type) {
		wh_str_puts(out, "- crash type: ");
		wh_markdown_code(out, group->details->crash_type);
		wh_str_putc(out, '\n');
	}
	if (wh_report_suspect_name(report, group, suspect, sizeof suspect)) {
		wh_str_puts(out, "- suspect: ");
		wh_markdown_code(out, suspect);
		wh_str_putc(out, '\n');
	}
	if (group->note) {
		wh_str_printf(out, "- newest of %zu %s: ", group->notes, group->notes == 1 ? "note" : "notes");
		wh_markdown_code(out, group->note);
		wh_str_putc(out, '\n');
	}
}

static void add_attributes(const struct wh_report *report, const struct wh_report_group *group, struct wh_str *out)
{
	bool any = false;
	for (size_t a = 0; a < report->n_attributes; a++) {
		const struct wh_report_attribute *attribute = &group->attributes[a];
		if (!attribute->said)
			continue;
		if (!any)
			wh_str_puts(out, "\n## Where\n\n| | |\n|---|---|\n");
		any = true;
		wh_str_printf(out, "| %s | ", attribute->name);
		for (size_t v = 0; v < attribute->n_values; v++) {
			wh_str_puts(out, v ? ", " : "");
			add_cell(out, attribute->values[v].text);
			wh_str_printf(out, " %.0f %%", percent(attribute->values[v].observations, group->observations));
		}
		if (attribute->distinct > attribute->n_values)
			wh_str_printf(out, ", %zu more", attribute->distinct - attribute->n_values);
		wh_str_puts(out, " |\n");
	}
}

static void add_facts(const struct wh_report_details *details, struct wh_str *out)
{
	if (!details->n_facts)
		return;
	wh_str_puts(out, "\n## What sets it apart\n\n");
	for (size_t i = 0; i < details->n_facts; i++) {
		wh_str_puts(out, "- ");
		wh_markdown_code(out, details->facts[i].sentence);
		wh_str_printf(out, " (effect %.2f, p %.2g", details->facts[i].effect, details->facts[i].p_value);
		if (details->facts[i].top3 >= 0)
			wh_str_printf(out, "; of each the top 3 in %.0f %%, the top 10 in %.0f %%", 100 * details->facts[i].top3, 100 * details->facts[i].top10);
		wh_str_puts(out, ")\n");
	}
}

static void add_movers(const struct wh_report_details *details, struct wh_str *out)
{
	if (!details->n_movers)
		return;
	wh_str_puts(out, "\n## Which moved first\n\nOrder in time: what comes first need not be the cause.\n\n");
	for (size_t i = 0; i < details->n_movers; i++) {
		wh_str_printf(out, "%zu. ", i + 1);
		wh_markdown_code(out, details->movers[i].sentence);
		wh_str_putc(out, '\n');
	}
}

static void add_frames(const struct wh_report *report, const struct wh_report_details *details, struct wh_str *out)
{
	struct wh_str text = { 0 };
	wh_str_printf(out, "\n## Representative: ");
	wh_markdown_code(out, details->example);
	wh_str_puts(out, "\n\n");
	for (size_t i = 0; i < details->n_frames; i++) {
		const struct wh_report_frame *frame = &details->frames[i];
		wh_str_printf(&text, "#%-2zu ", i);
		add_word(&text, "", frame->name);
		add_word(&text, " in ", frame->module);
		add_word(&text, " ", frame->version);
		add_word(&text, " at ", frame->file);
		if (frame->file && frame->line)
			wh_str_printf(&text, ":%u", frame->line);
		wh_str_putc(&text, '\n');
	}
	if (details->n_frames_left_out)
		wh_str_printf(&text, "… %zu more %ss\n", details->n_frames_left_out, report->feature_noun);
	wh_markdown_block(out, text.data ? text.data : "", text.n);
	out->failed = out->failed || text.failed;
	wh_str_release(&text);
}

/* What differs, as a diff does: `-` only in the representative, `+` only in the variant; runs of what they share are counted. */
static void add_variant(const struct wh_report_variant *variant, const char *noun, struct wh_str *out)
{
	struct wh_str text = { 0 };
	size_t shared = 0;
	for (size_t r = 0; r <= variant->n_rows; r++) {
		const struct wh_report_pair *row = r < variant->n_rows ? &variant->rows[r] : NULL;
		if (row && row->a && row->b) {
			shared++;
			continue;
		}
		if (shared)
			wh_str_printf(&text, "  … %zu %s%s in common\n", shared, noun, shared == 1 ? "" : "s");
		shared = 0;
		if (row) {
			add_word(&text, row->a ? "- " : "+ ", row->a ? row->a : row->b ? row->b : "");
			wh_str_putc(&text, '\n');
		}
	}
	if (variant->n_left_out)
		wh_str_printf(&text, "  … %zu more lines\n", variant->n_left_out);
	wh_str_printf(out, "\n%zu %s, similarity %.2f, such as ", variant->observations, variant->observations == 1 ? "time" : "times",
		      variant->similarity);
	wh_markdown_code(out, variant->example);
	wh_str_puts(out, ":\n\n");
	if (text.n)
		wh_markdown_block(out, text.data, text.n);
	out->failed = out->failed || text.failed;
	wh_str_release(&text);
}

static void add_variants(const struct wh_report *report, const struct wh_report_group *group, struct wh_str *out)
{
	const struct wh_report_details *details = group->details;
	if (!details->n_variants)
		return;
	wh_str_puts(out, "\n## Other faces\n");
	for (size_t i = 0; i < details->n_variants; i++)
		add_variant(&details->variants[i], report->feature_noun, out);
	if (group->distinct > details->n_variants + 1)
		wh_str_printf(out, "\n%zu more are not shown.\n", group->distinct - 1 - details->n_variants);
}

int wh_report_markdown(const struct wh_report *report, const struct wh_report_group *group, struct wh_str *out, struct wh_err *err)
{
	const struct wh_report_details *details = group->details;
	add_head(report, group, out);
	add_attributes(report, group, out);
	add_facts(details, out);
	add_movers(details, out);
	add_frames(report, details, out);
	add_variants(report, group, out);
	if (details->n_neighbours)
		wh_str_printf(out, "\n## Nearest other %ss\n\n", report->group_noun);
	for (size_t i = 0; i < details->n_neighbours; i++) {
		const struct wh_report_group *other = &report->groups[details->neighbours[i].group];
		wh_str_puts(out, "- ");
		wh_markdown_code(out, other->id);
		wh_str_printf(out, ", similarity %.2f, seen %zu %s: ", details->neighbours[i].similarity, other->observations,
			      other->observations == 1 ? "time" : "times");
		wh_markdown_code(out, other->title);
		wh_str_putc(out, '\n');
	}
	wh_str_printf(out, "\n## Reports\n\n%zu", group->observations);
	if (details->n_ids < group->observations)
		wh_str_printf(out, ", the newest %zu", details->n_ids);
	wh_str_puts(out, ": ");
	for (size_t i = 0; i < details->n_ids; i++) {
		wh_str_puts(out, i ? ", " : "");
		wh_markdown_code(out, details->ids[i]);
	}
	wh_str_puts(out, "\n");
	return wh_str_check(out, err);
}
