/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static bool utf8; /* written once, before anything else runs */

void cli_terminal_init(void)
{
	/* LC_CTYPE only: numbers keep their decimal point. */
	utf8 = setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (!utf8)
		setlocale(LC_CTYPE, "C.UTF-8");
}

bool cli_terminal_utf8(void)
{
	return utf8;
}

size_t cli_terminal_width(int fd)
{
	struct winsize size;
	if (!isatty(fd))
		return 0;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	const char *columns = getenv("COLUMNS");
	long width = columns ? strtol(columns, NULL, 10) : 0;
	return width > 0 && width < 10000 ? (size_t)width : 80;
}

bool cli_terminal_colour(int fd)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0 && !(no_color && *no_color);
}

size_t cli_character(const char *text, size_t n, unsigned *code)
{
	const unsigned char *p = (const unsigned char *)text;
	*code = *p;
	if (*p < 0x80)
		return 1;
	*code = 0xfffd;
	if (*p < 0xc2 || *p > 0xf4)
		return 1;
	size_t length = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	if (length > n)
		return 1;
	unsigned value = *p & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		value = value << 6 | (p[i] & 0x3f);
	}
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 1;
	*code = value;
	return length;
}

static size_t width_of(unsigned code)
{
	int width = wcwidth((wchar_t)code);
	return width < 0 ? 1 : (size_t)width;
}

size_t cli_text_width(const char *text, size_t n)
{
	size_t width = 0;
	unsigned code;
	for (size_t i = 0; i < n; width += width_of(code))
		i += cli_character(text + i, n - i, &code);
	return width;
}

size_t cli_text_fit(const char *text, size_t n, size_t width)
{
	size_t used = 0, i = 0;
	while (i < n) {
		unsigned code;
		size_t length = cli_character(text + i, n - i, &code);
		used += width_of(code);
		if (used > width)
			break;
		i += length;
	}
	return i;
}

static bool steers(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xfffd || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

void cli_text_clean(FILE *out, const char *text, size_t n, bool escape)
{
	for (size_t i = 0; i < n;) {
		unsigned code;
		size_t length = cli_character(text + i, n - i, &code);
		if (escape && (code == '\n' || code == '\t'))
			fputs(code == '\n' ? "\\n" : "\\t", out);
		else if (code == '\n' || code == '\t')
			fputc(' ', out);
		else if (steers(code))
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(text + i, 1, length, out);
		i += length;
	}
}

void cli_text_wrap(FILE *out, const char *text, size_t at, size_t indent, size_t width)
{
	bool first = true; /* of its line */
	while (*(text += strspn(text, " \n"))) {
		size_t n = strcspn(text, " \n"), columns = cli_text_width(text, n);
		if (!first && width && at + 1 + columns > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		if (!first)
			fputc(' ', out);
		fwrite(text, 1, n, out);
		at += columns + !first;
		first = false;
		text += n;
	}
}
