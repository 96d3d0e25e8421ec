/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sentry's events: one, several, one a line, arrays of them; as SDKs send them, also in envelopes, and as Sentry's API returns
 * them (`entries`, names in camel case).
 *
 * Of exceptions that caused each other, oldest first in an event, the last is the one that was caught: its frames are the stack,
 * its type is `reason`, the type of the first is `cause`. Java's are as in Java's own traces: the crash point is the root cause,
 * what was thrown at the end is `wrapper`. Of an exception group the first exception that is no group comes first, then the
 * group. Where no exception has frames the stack is that of the thread that crashed, else the event's own. Frames are outermost
 * first in an event and turned round here.
 */
#include "format/stack/fault.h"
#include "format/stack/images.h"
#include "format/stack/json_report.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

/* A list of values, under all the ways in which events have them: `{"values": […]}`, `[…]`, or one alone. */
struct values {
	struct json_object *list, *one;
	size_t n;
};

static struct json_object *value_at(const struct values *values, size_t i)
{
	return values->one ? values->one : wh_json_element(values->list, i);
}

static struct values values_in(struct json_object *member)
{
	struct json_object *list = json_object_is_type(member, json_type_array) ? member : wh_json_array(member, "values");
	if (list)
		return (struct values){ .list = list, .n = wh_json_count(list) };
	bool one = json_object_is_type(member, json_type_object) && !wh_json_member(member, "values");
	return (struct values){ .one = one ? member : NULL, .n = one };
}

/* What the event has under the interface's name: its own member, the one of old, or the entry of that type. */
static struct json_object *find_interface(struct json_object *event, const char *name, const char *old)
{
	struct json_object *found = wh_json_member(event, name), *entries = wh_json_array(event, "entries");
	if (!found)
		found = wh_json_member(event, old);
	for (size_t i = 0, n = wh_json_count(entries); !found && i < n; i++) {
		const char *type = wh_json_string(wh_json_element(entries, i), "type");
		if (type && !strcmp(type, name))
			found = wh_json_member(wh_json_element(entries, i), "data");
	}
	return found;
}

/* The member under the name that SDKs give it, or that of Sentry's API. */
static struct json_object *either(const struct json_object *object, const char *sent, const char *returned)
{
	struct json_object *value = wh_json_member(object, sent);
	return value ? value : wh_json_member(object, returned);
}

static const char *text_of(const struct json_object *value)
{
	return json_object_is_type(value, json_type_string) ? json_object_get_string((struct json_object *)value) : NULL;
}

static struct wh_span span(const char *text)
{
	return text ? (struct wh_span){ text, text + strlen(text) } : (struct wh_span){ 0 };
}

/* ---- images ---- */

static void take_images(struct wh_images *images, struct json_object *event)
{
	struct json_object *list = wh_json_array(find_interface(event, "debug_meta", "debugmeta"), "images");
	for (size_t i = 0, n = wh_json_count(list); i < n; i++) {
		struct json_object *object = wh_json_element(list, i);
		static const char *const names[] = { "code_file", "debug_file", "name" }, *const ids[] = { "debug_id", "uuid", "id", "code_id" };
		struct wh_image image = { 0 };
		uint64_t size;
		if (!wh_json_u64(object, "image_addr", &image.base))
			continue;
		image.last = wh_json_u64(object, "image_size", &size) && size ? image.base + size - 1 : 0;
		for (size_t k = 0; k < sizeof names / sizeof *names && !wh_span_size(image.path); k++)
			image.path = wh_json_span(object, names[k]);
		for (size_t k = 0; k < sizeof ids / sizeof *ids && !wh_span_size(image.build_id); k++)
			image.build_id = wh_json_span(object, ids[k]);
		image.name = image.path;
		wh_images_add(images, image);
	}
}

static const char *copy(struct wh_stack_builder *b, struct wh_span s)
{
	return wh_span_size(s) ? wh_stack_builder_copy(b, s.p, wh_span_size(s)) : NULL;
}

/* ---- frames ---- */

struct event {
	struct wh_stack_builder b;
	struct wh_images images;
	const char *platform;
};

static bool is_any(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; word && i < n; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* Languages whose own traces have module and function in one name, with a dot between. */
static bool joins_names(const char *platform)
{
	static const char *const languages[] = { "java", "csharp", "go", "dart" };
	return is_any(platform, languages, sizeof languages / sizeof *languages);
}

/* `Object.?`: Sentry's way to say V8's `Object.<anonymous>`. */
static const char *name_anonymous(struct event *e, struct wh_span name)
{
	size_t n = wh_span_size(name);
	if (n < 3 || memcmp(name.end - 2, ".?", 2) != 0)
		return copy(&e->b, name);
	char *text = wh_arena_printf(e->b.arena, "%.*s<anonymous>", (int)(n < 4096 ? n - 1 : 0), name.p);
	e->b.failed |= !text;
	return text;
}

static const char *function_of(struct event *e, const struct json_object *object, const char *platform)
{
	static const char *const unknown[] = { "?", "<unknown>", "<redacted>", "" };
	const char *name = wh_json_string(object, "function"), *module = wh_json_string(object, "module");
	if (is_any(name, unknown, sizeof unknown / sizeof *unknown))
		name = NULL;
	if (!name)
		name = text_of(either(object, "raw_function", "rawFunction"));
	if (is_any(name, unknown, sizeof unknown / sizeof *unknown) || !name)
		return NULL;
	struct wh_span behind = span(name);
	bool joined_already = module && wh_scan_skip(&behind, module) && wh_scan_has(behind, ".");
	if (!joins_names(platform) || !module || !*module || joined_already)
		return name_anonymous(e, span(name));
	char *joined = wh_arena_printf(e->b.arena, "%s.%s", module, name);
	e->b.failed |= !joined;
	return joined;
}

/* What only native frames have: addresses, and the image that they are in. */
static void set_native(struct event *e, struct wh_frame *frame, const struct json_object *object)
{
	struct json_object *address = either(object, "instruction_addr", "instructionAddr");
	struct json_object *symbol = either(object, "symbol_addr", "symbolAddr");
	uint64_t start = 0;
	frame->has_address = address && wh_json_value_u64(address, &frame->address);
	if (!frame->has_address)
		return;
	const struct wh_image *image = wh_images_at(&e->images, frame->address);
	if (frame->function && symbol && wh_json_value_u64(symbol, &start) && start <= frame->address && start) {
		frame->offset = frame->address - start;
		frame->has_offset = true;
	} else if (!frame->function && image) {
		frame->offset = frame->address - image->base;
		frame->has_offset = true;
	}
	if (!image)
		return;
	if (!frame->module)
		frame->module = copy(&e->b, image->path);
	frame->build_id = copy(&e->b, image->build_id);
}

static void add_frame(struct event *e, const struct json_object *object)
{
	const char *platform = wh_json_string(object, "platform");
	struct wh_frame *frame = json_object_is_type(object, json_type_object) ? wh_stack_builder_frame(&e->b) : NULL;
	uint64_t line;
	if (!frame)
		return;
	if (!platform)
		platform = e->platform;
	frame->function = function_of(e, object, platform);
	frame->file = wh_json_copy(&e->b, object, "filename");
	if (!frame->file)
		frame->file = copy(&e->b, span(text_of(either(object, "abs_path", "absPath"))));
	if (frame->file && frame->file[0] == '<')
		frame->file = NULL; /* `<anonymous>`, `<unknown module>` */
	struct json_object *number = either(object, "lineno", "lineNo");
	frame->line = number && wh_json_value_u64(number, &line) && line <= UINT32_MAX ? (uint32_t)line : 0;
	frame->module = wh_json_copy(&e->b, object, "package");
	if (!frame->module && platform && !strcmp(platform, "python"))
		frame->module = wh_json_copy(&e->b, object, "module");
	frame->unreliable = wh_scan_find(wh_json_span(object, "trust"), "scan");
	set_native(e, frame, object);
}

static struct json_object *frames_of(struct json_object *owner)
{
	struct json_object *frames = wh_json_array(wh_json_object(owner, "stacktrace"), "frames");
	if (!wh_json_count(frames))
		frames = wh_json_array(either(owner, "raw_stacktrace", "rawStacktrace"), "frames");
	return wh_json_count(frames) ? frames : NULL;
}

static void add_frames(struct event *e, struct json_object *frames)
{
	for (size_t i = wh_json_count(frames); i > 0; i--)
		add_frame(e, wh_json_element(frames, i - 1));
}

/* ---- exceptions ---- */

static bool is_group(struct json_object *exception)
{
	struct json_object *mechanism = wh_json_object(exception, "mechanism");
	return wh_json_true(mechanism, "is_exception_group");
}

/* Of a group's exceptions the one that was numbered first and is no group; NULL: none has frames. */
static struct json_object *first_of_group(const struct values *exceptions)
{
	struct json_object *first = NULL;
	uint64_t least = UINT64_MAX, id;
	for (size_t i = 0; i < exceptions->n; i++) {
		struct json_object *exception = value_at(exceptions, i);
		if (!is_group(exception) && frames_of(exception) &&
		    wh_json_u64(wh_json_object(exception, "mechanism"), "exception_id", &id) && id < least) {
			least = id;
			first = exception;
		}
	}
	return first;
}

/* `mechanism` says which signal or fault it was, where an SDK caught one. */
static void set_fault(struct event *e, struct json_object *exception)
{
	struct json_object *mechanism = wh_json_object(exception, "mechanism"), *meta = wh_json_object(mechanism, "meta");
	struct json_object *signal = wh_json_object(meta, "signal");
	uint64_t address = 0;
	bool has = wh_json_u64(wh_json_object(mechanism, "data"), "relevant_address", &address);
	struct wh_span type = wh_json_span(exception, "type");
	wh_json_attribute(&e->b, "signal", signal, "name");
	if (wh_scan_has(type, "SIG"))
		wh_stack_message(&e->b, "signal", wh_scan_until(type, " /"));
	if (has) {
		char *text = wh_arena_printf(e->b.arena, "0x%llx", (unsigned long long)address);
		e->b.failed |= !text;
		if (text)
			wh_stack_message(&e->b, "address", span(text));
	}
	wh_fault_type(&e->b, type, has, address);
	wh_fault_type(&e->b, wh_json_span(signal, "name"), has, address);
}

/* `java.lang.IllegalStateException`, `json.decoder.JSONDecodeError`: where the language itself says module and class, so do we. */
static void set_type(struct event *e, const char *attribute, struct json_object *exception)
{
	static const char *const joined[] = { "java", "python" }, *const plain[] = { "builtins", "exceptions", "__main__", "" };
	const char *type = wh_json_string(exception, "type"), *module = wh_json_string(exception, "module");
	if (!type || !module || is_any(module, plain, sizeof plain / sizeof *plain) ||
	    !is_any(e->platform, joined, sizeof joined / sizeof *joined) || wh_scan_has(span(type), module)) {
		wh_json_attribute(&e->b, attribute, exception, "type");
		return;
	}
	char *name = wh_arena_printf(e->b.arena, "%s.%s", module, type);
	e->b.failed |= !name;
	if (name)
		wh_stack_message(&e->b, attribute, span(name));
}

static struct json_object *take_exceptions(struct event *e, const struct values *exceptions)
{
	bool java = e->platform && !strcmp(e->platform, "java");
	struct json_object *last = value_at(exceptions, exceptions->n - 1), *first = value_at(exceptions, 0);
	struct json_object *chosen = java ? first : last, *inner = is_group(last) ? first_of_group(exceptions) : NULL;
	if (inner)
		add_frames(e, frames_of(inner));
	for (size_t i = 0; i < exceptions->n && !inner && !frames_of(chosen); i++)
		if (frames_of(value_at(exceptions, java ? i : exceptions->n - 1 - i)))
			chosen = value_at(exceptions, java ? i : exceptions->n - 1 - i);
	add_frames(e, frames_of(chosen));
	set_type(e, "reason", chosen);
	wh_json_attribute(&e->b, "message", chosen, "value");
	struct json_object *other = inner ? inner : java ? last : first;
	if (other != chosen)
		set_type(e, java ? "wrapper" : "cause", other);
	set_fault(e, chosen);
	return chosen;
}

/* ---- threads ---- */

static bool same_value(struct json_object *a, struct json_object *b)
{
	return a && b && json_object_equal(a, b);
}

/* The thread that the exception was in, else the one that crashed, else the current one. */
static struct json_object *find_thread(const struct values *threads, struct json_object *exception)
{
	struct json_object *id = either(exception, "thread_id", "threadId"), *current = NULL, *crashed = NULL;
	for (size_t i = 0; i < threads->n; i++) {
		struct json_object *thread = value_at(threads, i);
		if (same_value(id, wh_json_member(thread, "id")))
			return thread;
		if (!crashed && wh_json_true(thread, "crashed"))
			crashed = thread;
		if (!current && wh_json_true(thread, "current"))
			current = thread;
	}
	return crashed ? crashed : current ? current : threads->n == 1 ? value_at(threads, 0) : NULL;
}

static void set_thread(struct event *e, struct json_object *thread)
{
	struct json_object *id = wh_json_member(thread, "id");
	e->b.stack.thread = wh_json_copy(&e->b, thread, "name");
	if (!e->b.stack.thread && id)
		e->b.stack.thread = copy(&e->b, span(json_object_get_string(id)));
}

/* ---- attributes ---- */

/* `shop@1.2.3+45`. */
static void set_release(struct event *e, struct json_object *event)
{
	struct json_object *release = wh_json_member(event, "release"), *app = wh_json_object(wh_json_object(event, "contexts"), "app");
	struct wh_span text = span(text_of(release));
	wh_json_attribute(&e->b, "app", app, "app_name");
	wh_json_attribute(&e->b, "version", app, "app_version");
	if (!wh_span_size(text))
		text = wh_json_span(release, "version");
	if (!wh_span_size(text))
		return;
	const char *at = wh_scan_last(text, "@");
	if (at && at > text.p)
		wh_stack_message(&e->b, "app", (struct wh_span){ text.p, at });
	wh_stack_message(&e->b, "version", (struct wh_span){ at ? at + 1 : text.p, text.end });
}

static void set_system(struct event *e, struct json_object *event)
{
	struct json_object *contexts = wh_json_object(event, "contexts"), *os = wh_json_object(contexts, "os");
	if (!os)
		os = wh_json_object(contexts, "client_os");
	struct wh_span name = wh_json_span(os, "name"), version = wh_json_span(os, "version");
	wh_json_attribute(&e->b, "platform", event, "platform");
	if (!wh_span_size(name))
		return;
	char *text = wh_arena_printf(e->b.arena, "%s%s%s", name.p, wh_span_size(version) ? " " : "", wh_span_size(version) ? version.p : "");
	e->b.failed |= !text;
	if (text)
		wh_fault_platform(&e->b, span(text), wh_json_span(wh_json_object(contexts, "device"), "arch"));
}

static void set_message(struct event *e, struct json_object *event)
{
	struct json_object *said = find_interface(event, "logentry", "sentry.interfaces.Message"), *message = wh_json_member(event, "message");
	struct json_object *const objects[] = { find_interface(event, "message", "logentry"), message, said };
	wh_json_attribute(&e->b, "message", event, "message");
	for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
		wh_json_attribute(&e->b, "message", objects[i], "message");
		wh_json_attribute(&e->b, "message", objects[i], "formatted");
	}
}

static void set_attributes(struct event *e, struct json_object *event)
{
	set_release(e, event);
	set_system(e, event);
	wh_json_attribute(&e->b, "environment", event, "environment");
	wh_json_attribute(&e->b, "level", event, "level");
	wh_json_attribute(&e->b, "event_id", event, "eventID");
	wh_json_attribute(&e->b, "event_id", event, "event_id");
	wh_json_time(&e->b, event, "dateCreated");
	wh_json_time(&e->b, event, "timestamp");
}

/* ---- events ---- */

static void take_stack(struct event *e, struct json_object *event)
{
	struct values exceptions = values_in(find_interface(event, "exception", "sentry.interfaces.Exception"));
	struct values threads = values_in(find_interface(event, "threads", "sentry.interfaces.Threads"));
	struct json_object *exception = NULL;
	if (exceptions.n)
		exception = take_exceptions(e, &exceptions);
	struct json_object *thread = find_thread(&threads, exception);
	if (!e->b.stack.n_frames && thread)
		add_frames(e, frames_of(thread));
	if (!e->b.stack.n_frames)
		add_frames(e, wh_json_array(find_interface(event, "stacktrace", "sentry.interfaces.Stacktrace"), "frames"));
	if (thread)
		set_thread(e, thread);
}

static bool is_event(struct json_object *object)
{
	static const char *const members[] = { "exception", "threads", "stacktrace", "message", "logentry", "entries",
					       "sentry.interfaces.Exception", "sentry.interfaces.Stacktrace", "sentry.interfaces.Message" };
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (wh_json_member(object, members[i]))
			return true;
	return false;
}

static int read_event(struct wh_reader *reader, struct json_object *event, const char *at, struct wh_err *err)
{
	struct event e = { .platform = wh_json_string(event, "platform") };
	const char *type = wh_json_string(event, "type");
	if (type && (!strcmp(type, "transaction") || !strcmp(type, "session")))
		return WH_OK; /* events of other things than crashes */
	if (!is_event(event))
		return wh_reader_skip(reader, at, err, "no exception, thread, stack trace or message");
	wh_stack_builder_init(&e.b, reader->arena);
	take_images(&e.images, event);
	set_message(&e, event);
	take_stack(&e, event);
	set_attributes(&e, event);
	bool failed = e.images.failed;
	wh_images_release(&e.images);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : wh_stack_emit(reader, &e.b, at, NULL, err);
}

/* ---- envelopes ---- */

/* `{"event_id":…,"dsn":…}`, then for each item a line that says what it is and how long, and its bytes (develop.sentry.dev,
 * Envelopes). text is what begins with the head; false: it is none. */
static bool is_envelope(struct wh_span text, struct json_tokener *parser)
{
	struct wh_span lines[2];
	bool envelope = false;
	for (int i = 0; i < 2; i++) {
		struct json_object *object = NULL;
		if (!wh_scan_line(&text, &lines[i]) || !wh_span_size(lines[i]) || *lines[i].p != '{' || wh_span_size(lines[i]) > 65536 ||
		    wh_json_document(parser, lines[i], 0, &object, NULL) != WH_OK)
			return false;
		envelope = i ? wh_json_string(object, "type") && !wh_json_member(object, "event_id") : !wh_json_member(object, "type");
		json_object_put(object);
		if (!envelope)
			return false;
	}
	return envelope;
}

static int read_item(struct wh_reader *reader, struct json_tokener *parser, struct wh_span payload, struct wh_err *err)
{
	struct json_object *event;
	struct wh_span rest = payload, object = payload;
	struct wh_err why;
	size_t values = 0;
	if (wh_span_size(payload) && *payload.p == '{')
		wh_json_take_object(&rest, &object, &values);
	int code = wh_json_document(parser, payload, values, &event, &why);
	if (code == WH_E_NOMEM)
		return wh_err_set(err, code, "%s", why.message);
	if (code != WH_OK)
		return wh_reader_skip(reader, payload.p, err, "%s", why.message);
	code = read_event(reader, event, payload.p, err);
	json_object_put(event);
	return code;
}

static int read_envelopes(struct wh_reader *reader, struct json_tokener *parser, struct wh_span text, struct wh_err *err)
{
	struct wh_span line, payload;
	struct wh_err why;
	while (wh_scan_line(&text, &line)) {
		struct json_object *head;
		uint64_t length;
		if (!wh_span_size(wh_scan_trim(line)))
			continue;
		wh_json_advance(reader, line.p);
		if (wh_json_document(parser, line, 0, &head, &why) != WH_OK) {
			if (why.code == WH_E_NOMEM)
				return wh_err_set(err, why.code, "%s", why.message);
			return wh_reader_skip(reader, line.p, err, "%s; nothing behind it can be found", why.message);
		}
		const char *type = wh_json_string(head, "type");
		bool event = type && !strcmp(type, "event"), item = type;
		bool sized = wh_json_u64(head, "length", &length);
		json_object_put(head);
		if (!item)
			continue; /* another envelope's head */
		if (sized && length <= wh_span_size(text)) {
			payload = (struct wh_span){ text.p, text.p + length };
			text.p += length;
		} else if (!wh_scan_line(&text, &payload)) {
			break;
		}
		if (event)
			WH_TRY(read_item(reader, parser, payload, err));
	}
	return WH_OK;
}

static int read_sentry(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span text = { reader->text, reader->text + reader->size };
	struct wh_reader whole = *reader;
	struct json_tokener *parser = wh_json_document_parser();
	if (!parser)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	bool envelope = wh_json_find_object(&text) && is_envelope(text, parser);
	int code = envelope ? read_envelopes(reader, parser, text, err) : WH_OK;
	json_tokener_free(parser);
	reader->text = whole.text;
	reader->size = whole.size;
	reader->first_line = whole.first_line;
	return envelope ? code : wh_json_reports(reader, read_event, err);
}

static int detect(const char *text, size_t size)
{
	static const char *const paths[] = {
		"exception.values.stacktrace.frames", "exception.stacktrace.frames", "threads.values.stacktrace.frames",
		"entries.data.values.stacktrace.frames", "sentry.interfaces.Exception.values.stacktrace.frames",
		"sentry.interfaces.Exception.stacktrace.frames", /* 0-5: stacks */
		"exception.values.type", "exception.type", "event_id", "eventID", "platform", "sdk.name", "level", /* 6-12 */
		"stacktrace.frames", "sent_at", "dsn", "type", "logentry", "timestamp", "message",		    /* 13-19 */
	};
	static const char *const parts[] = { "\"exception\"", "\"event_id\"", "\"eventID\"", "\"stacktrace\"", "\"sentry." };
	struct wh_span all = { text, text + size };
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	uint32_t found = wh_json_paths(text, size, paths, sizeof paths / sizeof *paths);
	bool id = found & (1 << 8 | 1 << 9), platform = found & 1 << 10, more = found & (1 << 11 | 1 << 12 | 1 << 18);
	if (found & (1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5) || (found & 1 << 1 && (id || platform)))
		return 97;
	if (found & (1 << 6 | 1 << 7 | 1 << 13) && id && (platform || more))
		return 90;
	if (found & (1 << 14 | 1 << 15) && found & 1 << 16 && (id || found & 1 << 6))
		return 85; /* an envelope */
	return id && platform && more && found & (1 << 17 | 1 << 19) ? 80 : 0;
}

const struct wh_format wh_format_sentry = {
	.name = "sentry",
	.summary = "Sentry's events and envelopes",
	.reference = "develop.sentry.dev: Event Payloads (exception, stacktrace, threads, debugmeta), Envelopes",
	.detect = detect,
	.read = read_sentry,
};
