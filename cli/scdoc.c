/* SPDX-License-Identifier: Apache-2.0 */
#include "scdoc.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "terminal.h"

void cli_scdoc_text(FILE *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		/* some are markup only where a line begins, but a backslash never hurts */
		if (strchr("\\*_+#`|[]", *p) || (p == text && strchr("-.;", *p)))
			fputc('\\', out);
		fputc(*p == '\n' ? ' ' : *p, out);
	}
}

void cli_scdoc_sentence(FILE *out, const char *text)
{
	if (!*text)
		return;
	size_t word = strcspn(text, " ;,:"); /* a word that is a name stays as it is */
	bool name = text[0] == '-' || text[0] == '$';
	for (size_t i = 0; i < word && !name; i++)
		name = !islower((unsigned char)text[i]) && text[i] != '-' && !(text[i] & 0x80);
	char first[2] = { name ? text[0] : (char)toupper((unsigned char)text[0]), 0 };
	cli_scdoc_text(out, first);
	cli_scdoc_text(out, text + 1);
	char last = text[strlen(text) - 1];
	if (!strchr(".!?", last))
		fputc('.', out);
}

/* ---- for people ---- */

struct plain {
	FILE *out;
	size_t width, at; /* columns */
	const char *bold, *plain;
	bool is_bold, begun;
	char word[512]; /* not yet written: a word is written whole */
	size_t n, columns;
};

static void add(struct plain *p, const char *text, size_t n, size_t columns)
{
	if (p->n + n >= sizeof p->word)
		return; /* no word of ours is that long */
	memcpy(p->word + p->n, text, n);
	p->n += n;
	p->columns += columns;
}

static void end_word(struct plain *p, size_t indent)
{
	if (p->columns && p->begun && p->at + 1 + p->columns > p->width) {
		fputc('\n', p->out);
		p->begun = false;
	}
	if (p->columns && !p->begun) {
		fprintf(p->out, "%*s", (int)indent, "");
		p->at = indent;
		p->begun = true;
	} else if (p->columns) {
		fputc(' ', p->out);
		p->at++;
	}
	fwrite(p->word, 1, p->n, p->out);
	p->at += p->columns;
	p->n = p->columns = 0;
}

static void toggle_bold(struct plain *p)
{
	p->is_bold = !p->is_bold;
	const char *code = p->is_bold ? p->bold : p->plain;
	add(p, code, strlen(code), 0);
}

/* Words of one source line, markup taken away. */
static void words(struct plain *p, const char *line, size_t n, size_t indent)
{
	char before = ' ';
	for (size_t i = 0; i < n;) {
		unsigned code;
		size_t length = cli_character(line + i, n - i, &code);
		bool underline = code == '_' && (!isalnum((unsigned char)before) || i + 1 >= n || !isalnum((unsigned char)line[i + 1]));
		if (code == ' ' || code == '\t') {
			end_word(p, indent);
		} else if (code == '*') {
			toggle_bold(p);
		} else if (code == '\\' && i + 1 < n) {
			length = 1 + cli_character(line + i + 1, n - i - 1, &code);
			add(p, line + i + 1, length - 1, cli_text_width(line + i + 1, length - 1));
		} else if (!underline) {
			add(p, line + i, length, cli_text_width(line + i, length));
		}
		before = line[i + length - 1];
		i += length;
	}
	end_word(p, indent);
}

static void end_paragraph(struct plain *p)
{
	if (p->begun)
		fputc('\n', p->out);
	p->begun = false;
}

static bool starts_option(const char *line)
{
	return line[0] == '*' || line[0] == '_';
}

void cli_scdoc_plain(FILE *out, const char *source, size_t width, const char *bold, const char *plain)
{
	struct plain p = { .out = out, .width = width, .bold = bold, .plain = plain };
	bool literal = false, first = true, blank = false;
	for (const char *line = source, *next; *line; line = next) {
		size_t n = strcspn(line, "\n");
		next = line + n + (line[n] == '\n');
		if (first) {
			first = false; /* the title: NAME follows */
			next += *next == '\n';
			continue;
		}
		size_t tabs = strspn(line, "\t");
		if (!strncmp(line + tabs, "```", 3)) {
			end_paragraph(&p);
			literal = !literal;
		} else if (literal) {
			fprintf(out, "    %.*s\n", (int)n, line);
		} else if (!n) {
			end_paragraph(&p);
			fputs(blank ? "" : "\n", out);
		} else if (line[0] == '#') {
			size_t level = strspn(line, "#");
			end_paragraph(&p);
			fprintf(out, "%*s%s%.*s%s\n", level > 1 ? 2 : 0, "", bold, (int)(n - level - 1), line + level + 1, plain);
			next += *next == '\n';
		} else if (line[tabs] == '-' && line[tabs + 1] == ' ') {
			end_paragraph(&p);
			words(&p, line + tabs, n - tabs, 4 + 4 * tabs);
		} else {
			if (tabs)
				end_paragraph(&p); /* the term has its own line */
			bool term = !tabs && starts_option(line) && *next == '\t';
			words(&p, line + tabs, n - tabs, 4 + 4 * tabs);
			if (term)
				end_paragraph(&p);
		}
		blank = !n;
	}
	end_paragraph(&p);
}
