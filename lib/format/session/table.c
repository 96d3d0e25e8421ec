/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/table.h"

#include <string.h>

bool wh_table_is_rule(struct wh_span line, char rule)
{
	bool any = false;
	for (; line.p < line.end; line.p++) {
		if (*line.p != rule && !wh_is_blank(*line.p))
			return false;
		any |= *line.p == rule;
	}
	return any;
}

static struct wh_span word_at(struct wh_span line, ptrdiff_t end)
{
	if (line.end - line.p < end || (line.end - line.p > end && !wh_is_blank(line.p[end])))
		return (struct wh_span){ line.p, line.p };
	struct wh_span word = { line.p + end, line.p + end };
	while (word.p > line.p && !wh_is_blank(word.p[-1]))
		word.p--;
	return word;
}

static size_t add_word(char *name, size_t n, struct wh_span line, ptrdiff_t end)
{
	struct wh_span word = wh_scan_until(word_at(line, end), "(");
	if (n && word.p < word.end && n < WH_TABLE_NAME - 1)
		name[n++] = '_';
	for (; word.p < word.end && n < WH_TABLE_NAME - 1; word.p++)
		name[n++] = wh_is_alpha(*word.p) ? (char)(*word.p | 32) : wh_is_digit(*word.p) ? *word.p : '_';
	return n;
}

void wh_table_read(struct wh_table *table, struct wh_span rule, struct wh_span upper, struct wh_span lower)
{
	table->n = 0;
	for (const char *p = rule.p; p < rule.end && table->n < WH_TABLE_COLUMNS; p++) {
		if (wh_is_blank(*p) || (p + 1 < rule.end && !wh_is_blank(p[1])))
			continue;
		ptrdiff_t end = p + 1 - rule.p;
		char *name = table->columns[table->n].name;
		name[add_word(name, add_word(name, 0, upper, end), lower, end)] = '\0';
		table->columns[table->n++].end = end;
	}
}

struct wh_span wh_table_cell(const struct wh_table *table, size_t column, struct wh_span line)
{
	return word_at(line, table->columns[column].end);
}
