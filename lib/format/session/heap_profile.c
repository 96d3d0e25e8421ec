/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heap profiles as text, one after the other, each a step: what gperftools' tcmalloc writes (HEAPPROFILE), jemalloc (prof:true), and Go
 * (pprof.Lookup("heap").WriteTo(w, 1), /debug/pprof/heap?debug=1).
 *
 *	heap profile: 91: 284320 [ 92: 384320] @ heapprofile         heap_v2/524288
 *	  10: 163840 [ 10: 163840] @ 0x55f233eda1b1 0x55f233eda216   @ 0x7f738f8a2630 0x55d945e871b1
 *	                                                               t*: 40: 10240 [0: 0]
 *	#	0x4b430b	main.buffer+0x2b	/src/leak.go:27     (Go)
 *	MAPPED_LIBRARIES:                                            MAPPED_LIBRARIES:
 *
 * Metrics: `heap_objects SITE`, `heap_bytes SITE`: what is live, per call site, scaled up where allocations were sampled, as pprof does. A function
 * is Go's name, else `module+0xOFFSET` in the file, which is the same in every run of one build; the allocator's own come first and are
 * left out. Of Go also its own counts: `go_bytes HeapInuse`, `go_objects HeapObjects` …
 */
#include <math.h>

#include "base/real.h"
#include "format/session/dumps.h"
#include "format/session/list.h"

enum { MOST_FRAMES = 256 };

struct mapping {
	uint64_t begin, end, offset;
	struct wh_span module; /* base name */
};

struct profiles {
	struct wh_reader *reader;
	struct wh_session_dumps dumps;
	struct WH_VEC(struct mapping) maps; /* of the profile at hand, ascending as the kernel lists them */
	struct wh_str site, function;
	double period; /* bytes between two samples; at most 1: every allocation counts */
	bool failed;
};

/* What a sample stands for (pprof, profile/legacy_profile.go, scaleHeapSample): an allocation of s bytes is seen with 1 - exp(-s / period). */
static double scale_of(double objects, double bytes, double period)
{
	if (period <= 1 || !(objects > 0) || !(bytes > 0))
		return 1;
	return 1 / -expm1(-bytes / objects / period);
}

/* `10: 163840 [ 10: 163840] @`, up to what follows; false where it is none. */
static bool read_counts(struct wh_span *at, double *objects, double *bytes)
{
	uint64_t n, size, all;
	wh_scan_blanks(at);
	if (!wh_scan_decimal(at, &n) || !wh_scan_skip(at, ":"))
		return false;
	wh_scan_blanks(at);
	if (!wh_scan_decimal(at, &size))
		return false;
	wh_scan_blanks(at);
	if (!wh_scan_skip(at, "["))
		return false;
	wh_scan_blanks(at);
	if (!wh_scan_decimal(at, &all) || !wh_scan_skip(at, ":"))
		return false;
	wh_scan_blanks(at);
	if (!wh_scan_decimal(at, &all) || !wh_scan_skip(at, "]"))
		return false;
	wh_scan_blanks(at);
	*objects = (double)n;
	*bytes = (double)size;
	return true;
}

/* Whether a profile begins with this line, and how it sampled. */
static bool read_header(struct wh_span line, double *period)
{
	uint64_t n;
	double objects, bytes;
	struct wh_span at = line;
	*period = 0;
	if (wh_scan_skip(&at, "heap_v2/")) {
		bool is = wh_scan_decimal(&at, &n) && at.p == at.end;
		*period = (double)n;
		return is;
	}
	if (!wh_scan_skip(&at, "heap profile:") || !read_counts(&at, &objects, &bytes) || !wh_scan_skip(&at, "@ "))
		return false;
	if (wh_scan_skip(&at, "heap_v2/") && wh_scan_decimal(&at, &n))
		*period = (double)n;
	else if (wh_scan_skip(&at, "heap/") && wh_scan_decimal(&at, &n)) /* twice its rate, by tradition */
		*period = (double)n / 2;
	return true;
}

/* ---- where addresses lie ---- */

static void read_mapping(struct profiles *p, struct wh_span line)
{
	struct mapping map;
	uint64_t number;
	if (!wh_scan_digits16(&line, &map.begin) || !wh_scan_skip(&line, "-") || !wh_scan_digits16(&line, &map.end) || !wh_scan_skip(&line, " "))
		return;
	struct wh_span rights = wh_scan_until(line, " ");
	line.p = rights.end;
	wh_scan_blanks(&line);
	if (wh_span_size(rights) < 3 || rights.p[2] != 'x' || !wh_scan_digits16(&line, &map.offset))
		return; /* code alone is of interest */
	wh_scan_blanks(&line);
	line.p = wh_scan_until(line, " ").end; /* device */
	wh_scan_blanks(&line);
	if (!wh_scan_decimal(&line, &number)) /* inode */
		return;
	line = wh_scan_trim(line);
	const char *slash = memrchr(line.p, '/', wh_span_size(line));
	map.module = (struct wh_span){ slash ? slash + 1 : line.p, line.end };
	p->failed |= wh_vec_push(&p->maps, map);
}

static const struct mapping *find_mapping(const struct profiles *p, uint64_t address)
{
	for (size_t i = 0; i < p->maps.n; i++)
		if (p->maps.data[i].begin <= address && address < p->maps.data[i].end)
			return &p->maps.data[i];
	return NULL;
}

static bool is_allocator(const struct mapping *map)
{
	return map && (wh_scan_has(map->module, "libjemalloc") || wh_scan_has(map->module, "libtcmalloc"));
}

/* ---- records ---- */

static void add(struct profiles *p, const struct wh_site *site, double objects, double bytes)
{
	static const char unknown[] = "[unknown]";
	double scale = scale_of(objects, bytes, p->period);
	struct wh_span name = site->depth ? wh_site_text(site) : (struct wh_span){ unknown, unknown + strlen(unknown) };
	p->failed |= p->site.failed;
	if (p->failed || (!(objects > 0) && !(bytes > 0)))
		return; /* all of it was given back */
	wh_session_dumps_add(&p->dumps, "heap_objects", name, objects * scale);
	wh_session_dumps_add(&p->dumps, "heap_bytes", name, bytes * scale);
}

static struct wh_site site_of_addresses(struct profiles *p, struct wh_span addresses)
{
	struct wh_site site = wh_site_begin(&p->site);
	uint64_t address;
	bool inside = true; /* the allocator */
	for (size_t i = 0; i < MOST_FRAMES && site.depth < WH_SITE_DEPTH && wh_scan_hex(&addresses, &address); i++) {
		const struct mapping *map = find_mapping(p, address - 1); /* a return address lies behind its call */
		wh_scan_blanks(&addresses);
		inside &= is_allocator(map);
		if (inside)
			continue;
		wh_str_clear(&p->function);
		if (map && wh_span_size(map->module)) {
			wh_str_add(&p->function, map->module.p, wh_span_size(map->module));
			wh_str_printf(&p->function, "+0x%llx", (unsigned long long)(address - map->begin + map->offset));
		} else {
			wh_str_puts(&p->function, "[unknown]");
		}
		p->failed |= p->function.failed;
		if (!p->failed)
			wh_site_add(&site, (struct wh_span){ p->function.data, p->function.data + p->function.n });
	}
	return site;
}

/* Go's lines behind a record, `#	0x4b430b	main.buffer+0x2b	/src/leak.go:27`; text moves behind them. False: there are none. */
static bool site_of_names(struct profiles *p, struct wh_span *text, struct wh_site *site)
{
	struct wh_span rest = *text, line;
	uint64_t address;
	*site = wh_site_begin(&p->site);
	while (wh_scan_line(&rest, &line) && wh_scan_skip(&line, "#\t") && wh_scan_hex(&line, &address)) {
		*text = rest;
		wh_scan_blanks(&line);
		struct wh_span function = wh_scan_until(line, "\t");
		const char *plus = wh_scan_last(function, "+0x");
		if (plus)
			function.end = plus;
		if (function.p < function.end)
			wh_site_add(site, function);
	}
	p->failed |= p->site.failed;
	return site->depth;
}

/* `# HeapAlloc = 145792` */
static void read_statistic(struct profiles *p, struct wh_span line)
{
	static const char *const bytes[] = { "Alloc", "Sys", "HeapAlloc", "HeapSys", "HeapIdle", "HeapInuse", "HeapReleased", "NextGC", "MaxRSS" };
	static const char *const objects[] = { "HeapObjects", "Mallocs", "Frees", "NumGC" };
	struct wh_span name = wh_scan_until(line, " ");
	double value;
	if (!wh_scan_after(line, " = ", &line) || !wh_real_parse(line.p, wh_span_size(line), &value) || !isfinite(value))
		return;
	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
		if (wh_span_size(name) == strlen(bytes[i]) && wh_scan_has(name, bytes[i]))
			wh_session_dumps_add(&p->dumps, "go_bytes", name, value);
	for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
		if (wh_span_size(name) == strlen(objects[i]) && wh_scan_has(name, objects[i]))
			wh_session_dumps_add(&p->dumps, "go_objects", name, value);
	if (wh_scan_has(name, "LastGC") && value > 0)
		wh_session_dumps_time(&p->dumps, value / 1e9);
}

static void read_records(struct profiles *p, struct wh_span text)
{
	struct wh_span line, addresses = { 0 };
	while (wh_scan_line(&text, &line)) {
		struct wh_span at = line;
		double objects, bytes;
		wh_scan_blanks(&at);
		if (wh_scan_has(at, "MAPPED_LIBRARIES:"))
			break;
		if (wh_scan_skip(&at, "# ")) {
			read_statistic(p, at);
		} else if (wh_scan_skip(&at, "@ ")) { /* jemalloc: the counts come below */
			addresses = at;
		} else if (wh_scan_skip(&at, "t*:")) {
			if (addresses.p && read_counts(&at, &objects, &bytes)) {
				struct wh_site site = site_of_addresses(p, addresses);
				add(p, &site, objects, bytes);
			}
			addresses.p = NULL;
		} else if (read_counts(&at, &objects, &bytes) && wh_scan_skip(&at, "@")) {
			struct wh_site site;
			wh_scan_blanks(&at);
			if (!site_of_names(p, &text, &site))
				site = site_of_addresses(p, at);
			add(p, &site, objects, bytes);
		}
	}
}

static void read_profile(struct profiles *p, struct wh_span text)
{
	struct wh_span rest, line;
	p->maps.n = 0;
	if (wh_scan_after(text, "\nMAPPED_LIBRARIES:", &rest))
		while (wh_scan_line(&rest, &line))
			read_mapping(p, line);
	read_records(p, text);
	wh_session_dumps_next(&p->dumps);
}

/* The next profile: its text behind the header; false: there is none. */
static bool find_profile(struct wh_span *all, struct wh_span *profile, double *period)
{
	struct wh_span line;
	double next;
	bool found = false;
	while (!found && wh_scan_line(all, &line))
		found = read_header(wh_scan_trim(line), period);
	profile->p = all->p;
	while (found && all->p < all->end) {
		struct wh_span rest = *all;
		wh_scan_line(&rest, &line);
		if ((wh_scan_has(line, "heap") && read_header(wh_scan_trim(line), &next)))
			break;
		*all = rest;
	}
	profile->end = all->p;
	return found;
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, profile;
	struct profiles p = { .reader = reader };
	wh_session_dumps_init(&p.dumps, reader->arena);
	while (find_profile(&all, &profile, &p.period))
		read_profile(&p, profile);
	int code = p.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory")
					     : wh_session_dumps_emit(reader, &p.dumps, WH_SESSION_DENSE, &(struct wh_session_head){ 0 }, reader->text, err);
	wh_session_dumps_release(&p.dumps);
	wh_vec_release(&p.maps);
	wh_str_release(&p.site);
	wh_str_release(&p.function);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, profile;
	double period;
	if (!wh_scan_find(all, "heap profile:") && !wh_scan_find(all, "heap_v2/"))
		return 0;
	return find_profile(&all, &profile, &period) && (wh_scan_find(profile, "@ 0x") || wh_scan_find(profile, "MAPPED_LIBRARIES:")) ? 90 : 0;
}

const struct wh_format wh_format_session_heap_profile = {
	.name = "heap-profile",
	.summary = "heap profiles as text: tcmalloc, jemalloc, Go (debug=1), one after the other",
	.reference = "google/pprof, profile/legacy_profile.go; jemalloc, src/prof_data.c; Go, runtime/pprof/pprof.go, writeHeapInternal",
	.detect = detect,
	.read = read,
};
