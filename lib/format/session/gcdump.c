/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `dotnet-gcdump report` prints of the heap of a .NET process, one after the other; each is a step.
 *
 *	      1,302,804  GC Heap bytes
 *	         16,211  GC Heap objects
 *
 *	   Object Bytes     Count  Type
 *	         31,128         1  System.Int32[] (Bytes > 10K)  [System.Private.CoreLib.dll]
 *
 * Metrics: `gc_heap_bytes`, `gc_heap_objects`, `gc_references`; `gc_objects TYPE`, and `gc_bytes TYPE`, which is the size that the report gives to
 * one object times how many. The classes of size of a type (`(Bytes > 10K)`) are added up; numbers may be grouped as some other language does it.
 */
#include "format/session/dumps.h"
#include "format/session/list.h"

/* Passes over what separates thousands: , . ' or a space that does not break (U+00A0, U+202F, U+2019), before three digits. */
static bool skip_separator(struct wh_span *s)
{
	static const char *const separators[] = { ",", ".", "'", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x99" };
	struct wh_span at = *s;
	for (size_t i = 0; i < sizeof separators / sizeof *separators; i++)
		if (wh_scan_skip(&at, separators[i]))
			break;
	if (at.p == s->p || at.end - at.p < 3 || !wh_is_digit(at.p[0]) || !wh_is_digit(at.p[1]) || !wh_is_digit(at.p[2]))
		return false;
	s->p = at.p;
	return true;
}

/* `1,302,804`, and the blanks behind it. */
static bool read_number(struct wh_span *s, double *number)
{
	const char *begin;
	*number = 0;
	wh_scan_blanks(s);
	begin = s->p;
	do
		for (; s->p < s->end && wh_is_digit(*s->p); s->p++)
			*number = *number * 10 + (*s->p - '0');
	while (s->p > begin && skip_separator(s));
	if (s->p == begin || s->p - begin > 40 || s->p == s->end || !wh_is_blank(*s->p))
		return false;
	wh_scan_blanks(s);
	return true;
}

static bool is_total(struct wh_span line, const char *what, double *number)
{
	return read_number(&line, number) && wh_scan_has(line, what) && wh_span_size(wh_scan_trim(line)) == strlen(what);
}

static bool is_header(struct wh_span line)
{
	line = wh_scan_trim(line);
	if (!wh_scan_skip(&line, "Object Bytes"))
		return false;
	wh_scan_blanks(&line);
	if (!wh_scan_skip(&line, "Count"))
		return false;
	wh_scan_blanks(&line);
	return wh_scan_has(line, "Type");
}

/* `System.Byte[] (Bytes > 10K)  [System.Private.CoreLib.dll]`: the type. */
static struct wh_span type_of(struct wh_span text)
{
	const char *module = wh_scan_last(text, "  ["), *size = wh_scan_last(text, " (Bytes > ");
	if (module)
		text.end = module;
	if (size && size < text.end)
		text.end = size;
	return wh_scan_trim(text);
}

static void read_type(struct wh_session_dumps *dumps, struct wh_span line)
{
	double bytes, count;
	if (!read_number(&line, &bytes) || !read_number(&line, &count))
		return;
	struct wh_span type = type_of(line);
	if (type.p == type.end)
		return;
	wh_session_dumps_add(dumps, "gc_objects", type, count);
	wh_session_dumps_add(dumps, "gc_bytes", type, bytes * count);
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	static const struct wh_span none = { "", NULL };
	struct wh_span all = { reader->text, reader->text + reader->size }, line, empty = { none.p, none.p };
	struct wh_session_dumps dumps;
	bool inside = false;
	double number;
	wh_session_dumps_init(&dumps, reader->arena);
	while (wh_scan_line(&all, &line)) {
		if (is_total(line, "GC Heap bytes", &number)) {
			wh_session_dumps_next(&dumps);
			wh_session_dumps_add(&dumps, "gc_heap_bytes", empty, number);
			inside = false;
		} else if (is_total(line, "GC Heap objects", &number)) {
			wh_session_dumps_add(&dumps, "gc_heap_objects", empty, number);
		} else if (is_total(line, "Total references", &number)) {
			wh_session_dumps_add(&dumps, "gc_references", empty, number);
		} else if (is_header(line)) {
			inside = true;
		} else if (inside) {
			read_type(&dumps, line);
		}
	}
	int code = wh_session_dumps_emit(reader, &dumps, WH_SESSION_DENSE, &(struct wh_session_head){ 0 }, reader->text, err);
	wh_session_dumps_release(&dumps);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line;
	double number;
	if (!wh_scan_find(all, "GC Heap bytes") || !wh_scan_find(all, "Object Bytes"))
		return 0;
	for (bool total = false; wh_scan_line(&all, &line);) {
		total |= is_total(line, "GC Heap bytes", &number);
		if (total && is_header(line))
			return 90;
	}
	return 0;
}

const struct wh_format wh_format_session_gcdump = {
	.name = "gcdump",
	.summary = "heaps of .NET by dotnet-gcdump report, one after the other",
	.reference = "dotnet/diagnostics, src/Tools/dotnet-gcdump/CommandLine/PrintReportHelper.cs",
	.detect = detect,
	.read = read,
};
