/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Class histograms of a Java virtual machine, one after the other: `jcmd PID GC.class_histogram`, `jmap -histo`. Each is a step; a line that is
 * nothing but an ISO 8601 time tells when the next one was taken.
 *
 *	 num     #instances         #bytes  class name (module)
 *	-------------------------------------------------------
 *	   1:         28374        1362016  [B (java.base@17.0.15)
 *	Total        123456        7890123
 *
 * Metrics: `jvm_objects CLASS`, `jvm_bytes CLASS`, of classes of one name (of several class loaders) the sum. Lambdas and hidden classes are
 * called after their class alone, for their numbers and addresses differ from run to run.
 */
#include "base/time.h"
#include "format/session/dumps.h"
#include "format/session/list.h"

/* Which class a line counts; false where it is no such line. */
static bool read_row(struct wh_span line, struct wh_span *class, uint64_t *objects, uint64_t *bytes)
{
	uint64_t number;
	wh_scan_blanks(&line);
	if (!wh_scan_decimal(&line, &number) || !wh_scan_skip(&line, ":"))
		return false;
	wh_scan_blanks(&line);
	if (!wh_scan_decimal(&line, objects) || line.p == line.end || !wh_is_blank(*line.p))
		return false;
	wh_scan_blanks(&line);
	if (!wh_scan_decimal(&line, bytes) || line.p == line.end || !wh_is_blank(*line.p))
		return false;
	wh_scan_blanks(&line);
	*class = wh_scan_until(line, " \t");
	return class->p < class->end;
}

static struct wh_span steady_name(struct wh_span class)
{
	static const char *const ends[] = { "$$Lambda", "$$FastClassBy", "$$EnhancerBy", "+0x", "/0x" };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const char *at = wh_scan_find(class, ends[i]);
		if (at)
			class.end = at + (*ends[i] == '$' ? strlen(ends[i]) : 0);
	}
	return class;
}

static bool is_header(struct wh_span line)
{
	wh_scan_blanks(&line);
	return wh_scan_skip(&line, "num ") && wh_scan_find(line, "#instances") && wh_scan_find(line, "#bytes");
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line, class;
	struct wh_session_dumps dumps;
	uint64_t objects, bytes;
	int64_t time_ns;
	double next_s = 0;
	bool timed = false, inside = false;
	wh_session_dumps_init(&dumps, reader->arena);
	while (wh_scan_line(&all, &line)) {
		struct wh_span text = wh_scan_trim(line);
		if (is_header(line)) {
			wh_session_dumps_next(&dumps);
			if (timed)
				wh_session_dumps_time(&dumps, next_s);
			timed = false;
			inside = true;
		} else if (inside && read_row(line, &class, &objects, &bytes)) {
			class = steady_name(class);
			wh_session_dumps_add(&dumps, "jvm_objects", class, (double)objects);
			wh_session_dumps_add(&dumps, "jvm_bytes", class, (double)bytes);
		} else if (wh_span_size(text) >= 10 && wh_scan_find(text, "-") && !wh_time_parse(text.p, wh_span_size(text), &time_ns)) {
			next_s = (double)time_ns / 1e9;
			timed = true;
		}
	}
	int code = wh_session_dumps_emit(reader, &dumps, WH_SESSION_DENSE, &(struct wh_session_head){ 0 }, reader->text, err);
	wh_session_dumps_release(&dumps);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line, class;
	uint64_t objects, bytes;
	for (int after = 0; wh_scan_line(&all, &line); after += after > 0) {
		if (is_header(line))
			after = 1;
		else if (after && after < 4 && read_row(line, &class, &objects, &bytes))
			return 90;
	}
	return 0;
}

const struct wh_format wh_format_session_jvm_histogram = {
	.name = "jvm-histogram",
	.summary = "class histograms of a JVM: jcmd GC.class_histogram, jmap -histo, one after the other",
	.reference = "OpenJDK, src/hotspot/share/memory/heapInspection.cpp, KlassInfoHisto::print_histo_on",
	.detect = detect,
	.read = read,
};
