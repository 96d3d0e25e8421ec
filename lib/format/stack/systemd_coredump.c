/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd-coredump logs when a process dies: its message as coredumpctl info, journalctl or journalctl -o cat show it, and the
 * journal's entries with all their fields (journalctl -o export, json, json-pretty, json-seq, json-sse). The first stack of a message is
 * that of the thread that died. Entries that tell of something else are passed over.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "base/vec.h"
#include "format/stack/frame_line.h"
#include "format/stack/json_report.h"
#include "format/stack/list.h"
#include "format/stack/log_prefix.h"
#include "format/stack/report.h"

enum {
	MOST_MODULES = 1024,            /* of one report */
	MOST_SEARCHED = 16 << 20,       /* comparisons of a report's frames with its modules */
	LARGEST_ENTRY = 64 << 20,       /* bytes; the journal may hold the core itself */
	FIELD_SIZE = 8,                 /* a binary field of the export format says its length in so many bytes */
};

/* `Module libdemo.so.1 from deb demo-1.2-3.amd64`, `Module /usr/bin/x with build-id 12ab` */
struct module {
	struct wh_span name, package, build_id;
};

/* An entry of the journal, or the head of what coredumpctl prints. */
struct entry {
	struct wh_span message, comm, exe, signal, signal_name, time_us, package, version, pid, unit;
	bool coredump;
};

struct report {
	struct wh_reader *reader;
	const char *begin; /* NULL: none is open */
	struct wh_stack_builder b;
	struct WH_VEC(struct module) modules;
	struct wh_span app, comm, signal, version, time, thread, machine, unit;
	bool entry;  /* it is the journal's: its text begins no other */
	bool said;   /* that it dumped core */
	bool others; /* the stack of the thread that died is complete */
	bool stack;  /* … or has begun */
};

static const char message_id[] = "fc2e22bc6ee647b6b90729ab34a250b1"; /* SD_MESSAGE_COREDUMP_STR */

static bool equals(struct wh_span s, const char *text)
{
	return wh_span_size(s) == strlen(text) && wh_scan_has(s, text);
}

static bool same(struct wh_span a, struct wh_span b)
{
	return wh_span_size(a) == wh_span_size(b) && !memcmp(a.p, b.p, wh_span_size(a));
}

static struct wh_span base_name(struct wh_span s)
{
	const char *slash = wh_span_size(s) ? memrchr(s.p, '/', wh_span_size(s)) : NULL;
	return slash && slash + 1 < s.end ? (struct wh_span){ slash + 1, s.end } : s;
}

static struct wh_span known(struct wh_span s)
{
	return equals(s, "n/a") ? (struct wh_span){ 0 } : s;
}

/* ---- the message ---- */

/* `#0  0x00007f2372272120 raise (libc.so.6 + 0x3d120)`: the offset is the module's. */
static bool frame_line(struct wh_span s, struct wh_frame_text *frame)
{
	uint64_t number;
	*frame = (struct wh_frame_text){ 0 };
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST || !wh_scan_skip(&s, "#") || !wh_scan_decimal(&s, &number))
		return false;
	wh_scan_blanks(&s);
	if (!wh_scan_hex(&s, &frame->address) || !wh_scan_skip(&s, " ") || s.p == s.end || s.end[-1] != ')')
		return false;
	frame->has_address = true;
	const char *open = wh_scan_last(s, " (");
	struct wh_span inner = { open ? open + 2 : NULL, s.end - 1 };
	if (!open)
		return false;
	const char *plus = wh_scan_last(inner, " + 0x");
	struct wh_span digits = { plus ? plus + 3 : NULL, inner.end };
	if (plus) {
		frame->has_offset = wh_scan_hex(&digits, &frame->offset) && digits.p == inner.end;
		inner.end = plus;
	}
	frame->function = known(wh_scan_trim((struct wh_span){ s.p, open }));
	frame->module = known(inner);
	if (wh_span_size(frame->function) || !wh_span_size(frame->module))
		frame->has_offset = false;
	return true;
}

static bool module_line(struct wh_span s, struct module *module)
{
	static const char *const words[] = { " with build-id ", " from ", " without build-id" };
	*module = (struct module){ 0 };
	if (!wh_scan_skip(&s, "Module "))
		return false;
	for (size_t i = 0; i < 3; i++) {
		const char *at = wh_scan_find(s, words[i]);
		if (!at)
			continue;
		struct wh_span value = { at + strlen(words[i]), s.end };
		module->name = (struct wh_span){ s.p, at };
		if (i == 0)
			module->build_id = wh_scan_until(value, " .");
		else if (i == 1) /* rpm foo-1.2-3.fc38.x86_64 */
			module->package = wh_scan_trim((struct wh_span){ wh_scan_until(value, " ").end, value.end });
		return wh_span_size(module->name);
	}
	return false;
}

/* `Signal: 11 (SEGV)` as others write it. */
static void set_signal(struct wh_stack_builder *b, struct wh_span signal)
{
	struct wh_span name;
	if (wh_scan_after(signal, "(", &name))
		signal = wh_scan_until(name, ")");
	if (!wh_span_size(signal) || wh_span_size(signal) > 16)
		return;
	char text[24];
	bool short_name = !wh_scan_has(signal, "SIG") && !wh_is_digit(*signal.p);
	int n = snprintf(text, sizeof text, "%s%.*s", short_name ? "SIG" : "", (int)wh_span_size(signal), signal.p);
	wh_stack_builder_attribute(b, "reason", text, (size_t)n);
}

/* `ELF object binary architecture: AMD x86-64` */
static void set_platform(struct wh_stack_builder *b, struct wh_span machine)
{
	static const char *const names[][2] = {
		{ "AMD x86-64", "linux-x86_64" }, { "Intel 80386", "linux-x86" }, { "AARCH64", "linux-arm64" },
		{ "ARM", "linux-arm" },           { "RISC-V", "linux-riscv" },    { "PowerPC64", "linux-ppc64" },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (equals(machine, names[i][0]))
			wh_stack_builder_attribute(b, "platform", names[i][1], strlen(names[i][1]));
}

/* `Thu 2020-11-05 10:00:00 UTC (1min ago)`; a zone that is not UTC is not known here. */
static void set_time(struct wh_observation *o, struct wh_span s)
{
	struct wh_span rest, utc;
	if (!wh_scan_after(s, " ", &rest) || !wh_scan_after(rest, " UTC", &utc))
		return;
	rest.end = utc.p - strlen(" UTC");
	o->has_time = !wh_time_parse(rest.p, wh_span_size(rest), &o->time_ns);
}

/* What the log says of the modules, into the frames that are in them. */
static void set_modules(struct report *r)
{
	struct wh_stack *stack = &r->b.stack;
	size_t searched = 0;
	for (size_t i = 0; i < stack->n_frames; i++) {
		struct wh_frame *f = &stack->frames[i];
		if (!f->module)
			continue;
		struct wh_span name = { f->module, f->module + strlen(f->module) };
		for (size_t k = 0; k < r->modules.n && searched < MOST_SEARCHED; k++, searched++) {
			const struct module *module = &r->modules.data[k];
			if (!same(module->name, name) && !same(base_name(module->name), base_name(name)))
				continue;
			if (wh_span_size(module->build_id) && !f->build_id)
				f->build_id = wh_stack_builder_copy(&r->b, module->build_id.p, wh_span_size(module->build_id));
			if (wh_span_size(module->package) && !f->module_version)
				f->module_version = wh_stack_builder_copy(&r->b, module->package.p, wh_span_size(module->package));
		}
	}
}

static bool in_libc(const struct wh_frame *f)
{
	return f->module && wh_scan_has(base_name((struct wh_span){ f->module, f->module + strlen(f->module) }), "libc.so");
}

/* What the C library calls others from has a name, but for what the kernel returns to after a signal's handler: without debugging
 * symbols that is nameless, and stands between the handler and what was interrupted. */
static void mark_handler(struct wh_stack *stack)
{
	static const char called[] = "<signal handler called>";
	for (size_t i = 1; i + 1 < stack->n_frames; i++) {
		struct wh_frame *f = &stack->frames[i];
		if (f->function || !in_libc(f) || in_libc(f - 1) || in_libc(f + 1) || !f[-1].module || !f[1].module)
			continue;
		f->function = called;
		f->handler = true;
		f->has_offset = false;
	}
}

static int finish(struct report *r, const char *end, struct wh_err *err)
{
	struct wh_reader *reader = r->reader;
	const char *begin = r->begin;
	r->begin = NULL;
	if (!begin)
		return WH_OK;
	if (!r->said && !r->b.stack.n_frames && !r->b.failed) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	set_modules(r);
	mark_handler(&r->b.stack);
	wh_stack_message(&r->b, "app", wh_span_size(r->app) ? base_name(r->app) : r->comm);
	wh_stack_message(&r->b, "version", r->version);
	set_signal(&r->b, r->signal);
	set_platform(&r->b, r->machine);
	wh_stack_message(&r->b, "unit", r->unit);
	set_time(&r->b.observation, r->time);
	if (wh_span_size(r->thread))
		r->b.stack.thread = wh_stack_builder_copy(&r->b, r->thread.p, wh_span_size(r->thread));
	return wh_stack_emit(reader, &r->b, begin, end, err);
}

static int begin(struct report *r, const char *at, struct wh_err *err)
{
	WH_TRY(finish(r, at, err));
	struct report fresh = { .reader = r->reader, .begin = at, .modules = r->modules };
	*r = fresh;
	r->modules.n = 0;
	wh_stack_builder_init(&r->b, r->reader->arena);
	return WH_OK;
}

/* `Process 1234 (demo) of user 1000 dumped core.` and its variants (terminated abnormally, a kernel's, of a container) */
static bool process_line(struct wh_span s, struct wh_span *comm)
{
	uint64_t pid;
	struct wh_span rest;
	if (!wh_scan_skip(&s, "Process ") || !wh_scan_decimal(&s, &pid) || !wh_scan_skip(&s, " ("))
		return false;
	const char *close = wh_scan_find(s, ") of user ");
	if (!close)
		return false;
	*comm = (struct wh_span){ s.p, close };
	rest = (struct wh_span){ close, s.end };
	return wh_scan_find(rest, " dumped core") || wh_scan_find(rest, " terminated abnormally") ||
	       wh_scan_find(rest, " failed with signal");
}

/* `Executable: /usr/bin/demo`: of what coredumpctl info prints above the message. */
static bool head_line(struct report *r, struct wh_span s)
{
	static const struct {
		const char *name;
		size_t at;
	} fields[] = {
		{ "Executable: ", offsetof(struct report, app) },    { "Signal: ", offsetof(struct report, signal) },
		{ "Timestamp: ", offsetof(struct report, time) },    { "Unit: ", offsetof(struct report, unit) },
		{ "ELF object binary architecture: ", offsetof(struct report, machine) },
	};
	struct wh_span value = s;
	if (wh_scan_skip(&value, "Package: ")) { /* demo/1.2-3 */
		const char *slash = memchr(value.p, '/', wh_span_size(value));
		if (slash)
			r->version = (struct wh_span){ slash + 1, value.end };
		return true;
	}
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct wh_span *at = (struct wh_span *)((char *)r + fields[i].at);
		if (!wh_scan_skip(&value, fields[i].name))
			continue;
		if (!wh_span_size(*at))
			*at = wh_scan_trim(value);
		return true;
	}
	return false;
}

/* A line of a report that is open. */
static int open_line(struct report *r, struct wh_span s, struct wh_err *err)
{
	struct wh_frame_text frame;
	struct module module;
	struct wh_span rest = s;
	if (*s.p == '#' && frame_line(s, &frame)) {
		r->stack = true;
		if (!r->others)
			wh_frame_text_add(&frame, &r->b);
	} else if (wh_scan_skip(&rest, "Stack trace of thread ")) {
		r->others |= r->stack;
		if (!r->others)
			r->thread = wh_scan_until(rest, ": ");
	} else if (module_line(s, &module)) {
		if (r->modules.n < MOST_MODULES && wh_vec_push(&r->modules, module))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		head_line(r, s);
	}
	return WH_OK;
}

static int text_line(struct report *r, struct wh_span line, struct wh_err *err)
{
	struct wh_span s = wh_scan_trim(wh_log_line(line)), comm;
	uint64_t pid;
	wh_scan_skip(&s, "[\xf0\x9f\xa1\x95] "); /* journalctl's link to the manual: an arrow in brackets */
	struct wh_span rest = s;
	wh_scan_skip(&rest, "Message: ");
	if (s.p == s.end)
		return WH_OK;
	if (process_line(rest, &comm)) {
		if (!r->entry && (!r->begin || r->said || r->stack))
			WH_TRY(begin(r, line.p, err));
		r->said = true;
		r->comm = comm;
		return WH_OK;
	}
	if (!r->entry && wh_scan_skip(&rest, "PID: ") && wh_scan_decimal(&rest, &pid) && wh_scan_skip(&rest, " (")) {
		WH_TRY(begin(r, line.p, err));
		r->comm = wh_scan_until(rest, ")");
		return WH_OK;
	}
	if (!r->begin && wh_scan_has(s, "Stack trace of thread "))
		WH_TRY(begin(r, line.p, err));
	return r->begin ? open_line(r, s, err) : WH_OK;
}

static int read_message(struct report *r, struct wh_span text, struct wh_err *err)
{
	struct wh_span line;
	while (wh_scan_line(&text, &line))
		WH_TRY(text_line(r, line, err));
	return WH_OK;
}

/* ---- the journal's entries ---- */

static const struct {
	const char *name;
	size_t at;
} fields[] = {
	{ "MESSAGE", offsetof(struct entry, message) },
	{ "COREDUMP_COMM", offsetof(struct entry, comm) },
	{ "COREDUMP_EXE", offsetof(struct entry, exe) },
	{ "COREDUMP_SIGNAL", offsetof(struct entry, signal) },
	{ "COREDUMP_SIGNAL_NAME", offsetof(struct entry, signal_name) },
	{ "COREDUMP_TIMESTAMP", offsetof(struct entry, time_us) },
	{ "COREDUMP_PACKAGE_NAME", offsetof(struct entry, package) },
	{ "COREDUMP_PACKAGE_VERSION", offsetof(struct entry, version) },
	{ "COREDUMP_PID", offsetof(struct entry, pid) },
	{ "COREDUMP_UNIT", offsetof(struct entry, unit) },
};

#define N_FIELDS (sizeof fields / sizeof *fields)

/* The report that the entry makes; it begins at `at` in the reader's text and ends at `end`. */
static int read_entry(struct report *r, const struct entry *entry, const char *at, const char *end, struct wh_err *err)
{
	uint64_t us;
	struct wh_span digits = entry->time_us;
	if (!entry->coredump && !wh_span_size(entry->pid))
		return WH_OK;
	WH_TRY(begin(r, at, err));
	r->entry = true;
	WH_TRY(read_message(r, entry->message, err));
	r->said = true;
	r->app = entry->exe;
	r->comm = wh_span_size(entry->comm) ? entry->comm : r->comm;
	r->signal = wh_span_size(entry->signal_name) ? entry->signal_name : entry->signal;
	r->version = entry->version;
	r->unit = entry->unit;
	if (wh_scan_decimal(&digits, &us) && us < (uint64_t)INT64_MAX / 1000) {
		r->b.observation.time_ns = (int64_t)us * 1000;
		r->b.observation.has_time = true;
	}
	return finish(r, end, err);
}

/* `NAME=value` lines; a value of several lines stands behind its length, eight bytes, least first. A blank line ends an entry. */
static int read_export(struct report *r, struct wh_span text, struct wh_err *err)
{
	struct entry entry = { 0 };
	const char *at = text.p;
	struct wh_span line;
	while (text.p < text.end) {
		const char *first = text.p;
		wh_scan_line(&text, &line);
		if (line.p == line.end) {
			WH_TRY(read_entry(r, &entry, at, first, err));
			entry = (struct entry){ 0 };
			at = text.p;
			continue;
		}
		const char *sign = memchr(line.p, '=', wh_span_size(line));
		struct wh_span name = { line.p, sign ? sign : line.end }, value = { sign ? sign + 1 : line.end, line.end };
		if (!sign) {
			uint64_t n = 0;
			if (text.end - text.p < FIELD_SIZE)
				break;
			for (int i = FIELD_SIZE; i-- > 0;)
				n = n << 8 | (unsigned char)text.p[i];
			text.p += FIELD_SIZE;
			if (n > wh_span_size(text)) /* cut off, or no length */
				n = wh_span_size(text);
			value = (struct wh_span){ text.p, text.p + n };
			text.p += n;
			text.p += text.p < text.end && *text.p == '\n';
		}
		entry.coredump |= equals(name, "MESSAGE_ID") && equals(value, message_id);
		for (size_t i = 0; i < N_FIELDS; i++)
			if (equals(name, fields[i].name))
				*(struct wh_span *)((char *)&entry + fields[i].at) = value;
	}
	return read_entry(r, &entry, at, text.end, err);
}

/* A field that is no text is an array of its bytes, one that was repeated an array of values. */
static bool bytes_of(struct json_object *array, struct wh_str *text)
{
	size_t n = json_object_array_length(array);
	for (size_t i = 0; i < n; i++) {
		struct json_object *value = json_object_array_get_idx(array, i);
		if (!json_object_is_type(value, json_type_int))
			return false;
		wh_str_putc(text, (char)json_object_get_int(value));
	}
	return n > 0;
}

static int read_object(struct report *r, struct json_object *object, struct wh_span where, struct wh_err *err)
{
	struct entry entry = { 0 };
	struct wh_str bytes = { 0 };
	struct json_object *array = wh_json_array(object, "MESSAGE");
	const char *id = wh_json_string(object, "MESSAGE_ID");
	entry.coredump = id && !strcmp(id, message_id);
	for (size_t i = 0; i < N_FIELDS; i++) {
		const char *value = wh_json_string(object, fields[i].name);
		if (value)
			*(struct wh_span *)((char *)&entry + fields[i].at) = (struct wh_span){ value, value + strlen(value) };
	}
	if (array && bytes_of(array, &bytes) && bytes.data)
		entry.message = (struct wh_span){ bytes.data, bytes.data + bytes.n };
	int code = wh_str_check(&bytes, err);
	if (code == WH_OK)
		code = read_entry(r, &entry, where.p, where.end, err);
	wh_str_release(&bytes);
	return code;
}

/* where: one object, as a whole. */
static int read_json_entry(struct report *r, struct wh_span where, struct wh_err *err)
{
	struct json_object *object;
	struct wh_err why;
	if (!wh_scan_find(where, "\"COREDUMP_") && !wh_scan_find(where, message_id))
		return WH_OK;
	wh_json_advance(r->reader, where.p);
	if (wh_span_size(where) > LARGEST_ENTRY)
		return wh_reader_skip(r->reader, where.p, err, "entry larger than %d MiB", LARGEST_ENTRY >> 20);
	int code = wh_json_parse((struct wh_bytes){ where.p, wh_span_size(where) }, &object, &why);
	if (code == WH_E_NOMEM)
		return wh_err_set(err, code, "%s", why.message);
	if (code != WH_OK)
		return wh_reader_skip(r->reader, where.p, err, "%s", why.message);
	code = read_object(r, object, where, err);
	json_object_put(object);
	return code;
}

static int read_json(struct report *r, struct wh_span text, struct wh_err *err)
{
	struct wh_span line, next;
	while (wh_scan_line(&text, &line)) {
		wh_scan_skip(&line, "\x1e"); /* json-seq */
		wh_scan_skip(&line, "data: "); /* json-sse */
		line = wh_scan_trim(line);
		if (line.p == line.end || *line.p != '{')
			continue;
		if (wh_span_size(line) == 1) /* json-pretty: up to the bracket that stands alone */
			while (wh_scan_line(&text, &next)) {
				line.end = next.end;
				if (equals(next, "}"))
					break;
			}
		WH_TRY(read_json_entry(r, line, err));
	}
	return WH_OK;
}

/* ---- the reader ---- */

static struct wh_span first_word(struct wh_span s)
{
	while (s.p < s.end && (*s.p == ' ' || *s.p == '\n' || *s.p == '\r' || *s.p == '\t' || *s.p == '\x1e'))
		s.p++;
	return s;
}

static bool is_json(struct wh_span s)
{
	s = first_word(s);
	return wh_scan_has(s, "{") || wh_scan_has(s, "data: {");
}

static bool is_export(struct wh_span s)
{
	s = first_word(s);
	return wh_scan_has(s, "__CURSOR=") || wh_scan_has(s, "__REALTIME_TIMESTAMP=") || wh_scan_has(s, "COREDUMP_") ||
	       wh_scan_has(s, "MESSAGE_ID=");
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_reader whole = *reader;
	struct report r = { .reader = reader };
	struct wh_span text = { reader->text, reader->text + reader->size };
	int code = is_json(text) ? read_json(&r, text, err) : is_export(text) ? read_export(&r, text, err) : read_message(&r, text, err);
	if (code == WH_OK)
		code = finish(&r, text.end, err);
	wh_vec_release(&r.modules);
	reader->text = whole.text;
	reader->size = whole.size;
	reader->first_line = whole.first_line;
	return code;
}

static int detect(const char *text, size_t size)
{
	static const char *const parts[] = { "Stack trace of thread ", "COREDUMP_", ") of user " };
	struct wh_span all = { text, text + size }, line, comm;
	struct wh_frame_text frame;
	bool said = false, stack = false;
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	if (is_json(all))
		return wh_scan_find(all, "\"COREDUMP_") && wh_scan_find(all, "\"MESSAGE\"") ? 96 : 0;
	if (is_export(all))
		return wh_scan_find(all, "\nCOREDUMP_") || wh_scan_find(all, message_id) ? 96 : 0;
	while (wh_scan_line(&all, &line)) {
		struct wh_span s = wh_scan_trim(wh_log_line(line)), rest = s;
		if (s.p == s.end)
			continue;
		wh_scan_skip(&rest, "Message: ");
		wh_scan_skip(&rest, "[\xf0\x9f\xa1\x95] ");
		said |= process_line(rest, &comm);
		stack |= wh_scan_has(s, "Stack trace of thread ");
		if (stack && *s.p == '#' && frame_line(s, &frame))
			return said ? 96 : 90;
	}
	return said ? 70 : 0;
}

const struct wh_format wh_format_systemd_coredump = {
	.name = "systemd-coredump",
	.summary = "systemd-coredump's messages, coredumpctl info, and the journal's entries (export, JSON)",
	.reference = "systemd: src/coredump/coredump.c, src/shared/elf-util.c, docs/JOURNAL_EXPORT_FORMATS.md",
	.detect = detect,
	.read = read,
};
