/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Minidumps of Windows, Breakpad, Crashpad and Mozilla's writer. The stack is that of the thread which the exception stream names, with
 * that stream's registers: the thread's own are those of its crash handler. Without an exception it is the thread that asked for the
 * dump, else the first; a thread that only wrote the dump is left out. Frames are unwound as far as modules, .sym files and the dump's
 * memory allow.
 */
#include <stdio.h>

#include "format/format.h"
#include "format/stack/list.h"
#include "format/stack/minidump.h"
#include "format/stack/minidump_annotations.h"
#include "format/stack/report.h"
#include "symbol/breakpad.h"
#include "symbol/module.h"
#include "symbol/unwind.h"

enum {
	OTHER_FRAMES = 32768, /* of the other threads together */
	HEAD = 4096,          /* bytes of a module's memory that tell which build it is */
};

#define SECOND INT64_C(1000000000)

/* A module once a frame was in it. */
struct opened {
	struct wh_module *module;
	const struct wh_breakpad *symbols;
};

struct dump {
	struct wh_reader *reader;
	struct wh_stack_builder b;
	struct wh_minidump m;
	struct wh_modules *modules;
	struct opened *opened; /* n_modules, as m.modules */
	const struct wh_md_module *last; /* that a frame was in */
	size_t effort;
	uint32_t parameters; /* of the function that the frame being left had called */
	int code;            /* of what failed within a callback of the unwinder */
	struct wh_err error;
};

/* ---- modules ---- */

/* The module's file and symbols, looked for at first use. NULL: an unloaded one, or memory is short (code is then set). */
static const struct opened *open_module(struct dump *d, struct wh_md_module *module)
{
	static const struct opened none;
	char head[HEAD];
	struct wh_err *err = &d->error;
	if (module->unloaded || d->code != WH_OK)
		return &none;
	struct opened *opened = &d->opened[module - d->m.modules];
	if (opened->module)
		return opened;
	d->code = wh_md_module_read(&d->m, module, err);
	if (d->code != WH_OK)
		return &none;
	bool program = (size_t)(module - d->m.modules) == d->m.main_module;
	struct wh_module_asked asked = { .path = *module->name ? module->name : NULL, .build_id = module->build_id,
					 .debug_file = module->debug_file, .debug_id = module->debug_id, .program = program };
	asked.head = (struct wh_bytes){ head, wh_md_read(&d->m, module->base, head, sizeof head) };
	d->code = wh_modules_get(d->modules, &asked, &opened->module, err);
	if (d->code != WH_OK)
		return &none;
	opened->symbols = wh_module_breakpad(opened->module);
	return opened;
}

static bool has_file(const struct opened *opened)
{
	enum wh_module_state state = opened->module ? wh_module_state(opened->module) : WH_MODULE_MISSING;
	return state == WH_MODULE_BARE || state == WH_MODULE_FULL;
}

/* ---- what the unwinder asks ---- */

static struct wh_md_module *loaded_at(const struct dump *d, uint64_t address)
{
	struct wh_md_module *module = wh_md_module_at(&d->m, address);
	return module && !module->unloaded ? module : NULL;
}

static size_t read_memory(void *user, uint64_t address, void *to, size_t n)
{
	struct dump *d = user;
	size_t done = wh_md_read(&d->m, address, to, n);
	struct wh_md_module *module = done ? NULL : loaded_at(d, address);
	if (!module)
		return done;
	const struct opened *opened = open_module(d, module);
	return has_file(opened) ? wh_module_read(opened->module, address - module->base, to, n) : 0;
}

static bool is_code(void *user, uint64_t address)
{
	const struct dump *d = user;
	/* where the dump tells what may be executed, that holds; else any module's address may be code */
	return d->m.n_code ? wh_md_is_code(&d->m, address) : loaded_at(d, address) != NULL;
}

static enum wh_step cfi(const struct wh_unwinder *u, uint64_t pc, const struct wh_registers *registers, struct wh_registers *caller,
			bool *signal)
{
	struct dump *d = u->user;
	struct wh_md_module *module = loaded_at(d, pc);
	const struct opened *opened = module ? open_module(d, module) : NULL;
	enum wh_step step = WH_STEP_UNKNOWN;
	uint32_t called = d->parameters;
	d->parameters = 0;
	if (opened && has_file(opened))
		step = wh_module_step(opened->module, module->base, u, pc, registers, caller, signal);
	if (step != WH_STEP_UNKNOWN || !opened || !opened->symbols)
		return step;
	*caller = (struct wh_registers){ 0 };
	d->parameters = called;
	return wh_breakpad_step(opened->symbols, module->base, &d->effort, &d->parameters, u, pc, registers, caller);
}

/* ---- frames ---- */

/* One frame of the machine being put together: it may be several of the source. */
struct placing {
	struct dump *d;
	const struct wh_unwound *unwound;
	const struct wh_md_module *module;
	bool any;
};

static struct wh_frame *add_frame(const struct placing *p)
{
	struct wh_frame *frame = wh_stack_builder_frame(&p->d->b);
	if (!frame)
		return NULL;
	frame->trust = wh_trust_name(p->unwound->trust);
	frame->unreliable = p->unwound->trust == WH_TRUST_SCAN;
	frame->address = p->unwound->pc;
	frame->has_address = true;
	if (p->module) {
		frame->module = *p->module->name ? p->module->name : NULL;
		frame->module_version = p->module->version;
		frame->build_id = p->module->build_id ? p->module->build_id : p->module->debug_id;
	}
	return frame;
}

static int take_place(void *user, const struct wh_place *place, struct wh_err *err)
{
	struct placing *p = user;
	struct wh_stack_builder *b = &p->d->b;
	struct wh_frame *frame = place->function ? add_frame(p) : NULL;
	(void)err;
	if (!frame)
		return WH_OK;
	p->any = true;
	frame->function = wh_stack_builder_copy(b, place->function, strlen(place->function));
	frame->file = place->file ? wh_stack_builder_copy(b, place->file, strlen(place->file)) : NULL;
	frame->line = frame->file ? place->line : 0;
	frame->inlined = place->inlined;
	frame->has_offset = !place->inlined;
	if (frame->has_offset)
		frame->offset = place->offset + (p->unwound->pc - p->unwound->lookup);
	return WH_OK;
}

/* The functions at an offset: of the file if it has symbols, else of a .sym file, else what dynamic linking needs. */
static int find_places(struct placing *p, const struct opened *opened, uint64_t offset, struct wh_err *err)
{
	bool full = has_file(opened) && (!opened->symbols || wh_module_state(opened->module) == WH_MODULE_FULL);
	if (full)
		WH_TRY(wh_module_places(opened->module, offset, take_place, p, err));
	if (!p->any && opened->symbols)
		WH_TRY(wh_breakpad_places(opened->symbols, offset, &p->d->effort, take_place, p, err));
	return !p->any && !full && has_file(opened) ? wh_module_places(opened->module, offset, take_place, p, err) : WH_OK;
}

static int take_unwound(void *user, const struct wh_unwound *unwound, struct wh_err *err)
{
	struct dump *d = user;
	struct placing p = { .d = d, .unwound = unwound };
	struct wh_md_module *module = wh_md_module_at(&d->m, unwound->lookup);
	if (module) {
		WH_TRY(wh_md_module_read(&d->m, module, err));
		p.module = module;
		if (!unwound->signal)
			WH_TRY(find_places(&p, open_module(d, module), unwound->lookup - module->base, err));
	}
	if (d->code != WH_OK)
		return wh_err_set(err, d->code, "%s", d->error.message);
	struct wh_frame *frame = p.any ? NULL : add_frame(&p);
	if (frame && unwound->signal) {
		frame->handler = true;
		frame->function = "<signal handler called>";
	} else if (frame && module) {
		frame->has_offset = true;
		frame->offset = unwound->pc - module->base;
	}
	return d->b.failed ? wh_arena_error(d->b.arena, err) : WH_OK;
}

static int walk(struct dump *d, struct wh_bytes context, size_t most, struct wh_err *err)
{
	struct wh_registers registers;
	struct wh_unwinder u = { .machine = d->m.machine, .read = read_memory, .is_code = is_code, .cfi = cfi, .user = d, .most = most,
				 .blind = true };
	u.no_frame_pointer = u.machine == WH_MACHINE_X86_64 && d->m.system <= WH_MD_WINDOWS_CE;
	wh_md_registers(d->m.machine, context, &registers);
	d->parameters = 0;
	return wh_unwind(&u, &registers, take_unwound, d, NULL, err);
}

/* ---- threads ---- */

/* A number, and a name where the dump has one. */
static const char *thread_text(struct dump *d, uint32_t id)
{
	const char *name = wh_md_thread_name(&d->m, id, &d->b.failed);
	char number[16];
	snprintf(number, sizeof number, "%u", id);
	return name ? name : wh_stack_builder_copy(&d->b, number, strlen(number));
}

/* The thread that wrote the dump, and the one that asked for it. */
struct roles {
	bool has_writer, has_asker;
	uint32_t writer, asker;
};

static struct roles roles_of(const struct wh_minidump *m)
{
	struct wh_bytes info = m->streams[WH_MD_BREAKPAD];
	if (info.size < 12)
		return (struct roles){ 0 };
	uint32_t validity = wh_md_u32(info.data);
	return (struct roles){ validity & 1, validity & 2, wh_md_u32(info.data + 4), wh_md_u32(info.data + 8) };
}

static bool choose_thread(const struct wh_minidump *m, const struct roles *roles, struct wh_md_thread *thread)
{
	bool known;
	if (m->exception.is_set) {
		known = wh_md_thread(m, m->exception.thread, thread);
		thread->id = m->exception.thread;
		if (!known || m->exception.context.size)
			thread->context = m->exception.context;
		return true;
	}
	if (roles->has_asker && wh_md_thread(m, roles->asker, thread))
		return true;
	return wh_md_first_thread(m, roles->has_writer ? &roles->writer : NULL, thread) || wh_md_first_thread(m, NULL, thread);
}

static int walk_others(struct dump *d, const struct roles *roles, uint32_t crashed, struct wh_err *err)
{
	struct wh_md_thread thread;
	size_t left = OTHER_FRAMES;
	for (size_t i = 0; i < WH_STACK_MOST_THREADS && left && wh_md_nth_thread(&d->m, i, &thread); i++) {
		if (thread.id == crashed || (roles->has_writer && thread.id == roles->writer))
			continue;
		if (d->b.arena->total > d->b.arena->limit / 2)
			break; /* the crash matters more */
		WH_TRY(walk(d, thread.context, left, err));
		size_t n = d->b.stack.n_frames;
		left -= n < left ? n : left;
		wh_stack_builder_thread(&d->b, thread_text(d, thread.id));
	}
	return WH_OK;
}

/* ---- attributes ---- */

static void set_text(struct wh_stack_builder *b, const char *name, const char *text)
{
	if (text)
		wh_stack_message(b, name, (struct wh_span){ text, text + strlen(text) });
}

static const char *base_name(const char *path)
{
	const char *name = path;
	for (const char *p = path; *p; p++)
		if ((*p == '/' || *p == '\\') && p[1])
			name = p + 1;
	return name;
}

static const char *system_name(int system)
{
	switch (system) {
	case WH_MD_WIN32S:
	case 1:
	case WH_MD_WINDOWS:
	case WH_MD_WINDOWS_CE: return "windows";
	case WH_MD_UNIX: return "unix";
	case WH_MD_MACOS: return "macos";
	case WH_MD_IOS: return "ios";
	case WH_MD_LINUX: return "linux";
	case WH_MD_SOLARIS: return "solaris";
	case WH_MD_ANDROID: return "android";
	case WH_MD_PS3: return "ps3";
	case WH_MD_NACL: return "nacl";
	case WH_MD_FUCHSIA: return "fuchsia";
	default: return NULL;
	}
}

static void set_system(struct dump *d)
{
	struct wh_bytes info = d->m.streams[WH_MD_SYSTEM];
	const char *system = system_name(d->m.system), *machine = wh_machine_facts(d->m.machine)->name;
	char text[64];
	if (info.size < 32)
		return;
	if (system) {
		snprintf(text, sizeof text, "%s-%s", system, machine);
		set_text(&d->b, "platform", text);
	}
	uint32_t major = wh_md_u32(info.data + 8), minor = wh_md_u32(info.data + 12), build = wh_md_u32(info.data + 16);
	const char *more = wh_md_string(&d->m, wh_md_u32(info.data + 24), &d->b.failed);
	if (!major && !minor && !build) { /* Breakpad on Linux: it is all in the text */
		set_text(&d->b, "os_version", more);
		return;
	}
	char *version = wh_arena_printf(d->b.arena, "%u.%u.%u%s%s", major, minor, build, more ? " " : "", more ? more : "");
	d->b.failed |= !version;
	set_text(&d->b, "os_version", version);
}

/* The value of a line `Name:\tvalue` of a file of /proc. */
static struct wh_span proc_value(struct wh_bytes file, const char *name)
{
	struct wh_span all = { file.data, file.data + file.size }, line;
	while (wh_scan_line(&all, &line))
		if (wh_scan_skip(&line, name))
			return wh_scan_trim(line);
	return (struct wh_span){ 0 };
}

static int set_program(struct dump *d, struct wh_err *err)
{
	struct wh_minidump *m = &d->m;
	if (m->main_module < m->n_modules) {
		struct wh_md_module *module = &m->modules[m->main_module];
		WH_TRY(wh_md_module_read(m, module, err));
		set_text(&d->b, "app", base_name(module->name));
		set_text(&d->b, "version", module->version);
		if (*module->name)
			return WH_OK;
	}
	struct wh_bytes command = m->streams[WH_MD_LINUX_CMDLINE];
	struct wh_span name = { command.data, command.data + strnlen(command.data ? command.data : "", command.size) };
	const char *slash = wh_span_size(name) ? memrchr(name.p, '/', wh_span_size(name)) : NULL;
	if (slash)
		name.p = slash + 1;
	wh_stack_message(&d->b, "app", wh_span_size(name) ? name : proc_value(m->streams[WH_MD_LINUX_STATUS], "Name:"));
	return WH_OK;
}

static void set_times(struct dump *d)
{
	struct wh_bytes misc = d->m.streams[WH_MD_MISC];
	struct wh_observation *o = &d->b.observation;
	char text[24];
	o->has_time = d->m.time;
	o->time_ns = d->m.time * SECOND;
	if (misc.size < 24 || !(wh_md_u32(misc.data + 4) & 2))
		return;
	uint32_t created = wh_md_u32(misc.data + 12);
	if (created && d->m.time >= created) {
		snprintf(text, sizeof text, "%u", d->m.time - created);
		set_text(&d->b, "uptime_s", text);
	}
}

/* Breakpad's stream: three strings of 128 units, a line, a type. */
static void set_assertion(struct dump *d)
{
	struct wh_bytes s = d->m.streams[WH_MD_ASSERTION];
	if (s.size < 776)
		return;
	const char *expression = wh_md_utf16(&d->m, s.data, 128, &d->b.failed), *function = wh_md_utf16(&d->m, s.data + 256, 128, &d->b.failed);
	const char *file = wh_md_utf16(&d->m, s.data + 512, 128, &d->b.failed);
	uint32_t type = wh_md_u32(s.data + 772);
	const char *what = expression ? expression : type == 1 ? "invalid parameter" : type == 2 ? "pure virtual call" : NULL;
	char *text = !what ? NULL :
			     wh_arena_printf(d->b.arena, "%s%s%s%s%s%s", function ? function : "", function ? ": " : "", what,
					     file ? " (" : "", file ? base_name(file) : "", file ? ")" : "");
	d->b.failed |= what && !text;
	set_text(&d->b, "message", text);
}

static int set_attributes(struct dump *d, struct wh_err *err)
{
	char reason[WH_MD_REASON_LONGEST], text[24];
	const char *signal;
	uint64_t address;
	WH_TRY(set_program(d, err));
	set_system(d);
	set_times(d);
	wh_md_reason(&d->m, reason, &signal, &address);
	set_text(&d->b, "reason", reason);
	set_text(&d->b, "signal", signal);
	if (*reason) {
		snprintf(text, sizeof text, "0x%llx", (unsigned long long)address);
		set_text(&d->b, "address", text);
	}
	set_assertion(d);
	wh_md_annotations(&d->m, &d->b);
	return WH_OK;
}

/* ---- the reader ---- */

/* What would help, once per module: for those of the crashed thread's frames that have none. */
static void say_missing(struct dump *d)
{
	for (size_t i = 0; i < d->b.stack.n_frames; i++) {
		const struct wh_frame *frame = &d->b.stack.frames[i];
		struct wh_md_module *module = frame->function || !frame->has_address ? NULL : loaded_at(d, frame->address);
		struct wh_module *opened = module ? d->opened[module - d->m.modules].module : NULL;
		if (opened && !has_file(&d->opened[module - d->m.modules]) && !d->opened[module - d->m.modules].symbols &&
		    wh_module_say_once(d->modules, opened))
			wh_reader_say(d->reader, "no symbols for %s (%s %s)", base_name(module->name),
				      module->build_id ? "build-id" : "debug-id",
				      module->build_id	 ? module->build_id :
				      module->debug_id ? module->debug_id :
							 "not said");
	}
}

static int read_threads(struct dump *d, struct wh_err *err)
{
	struct roles roles = roles_of(&d->m);
	struct wh_md_thread thread = { 0 };
	if (choose_thread(&d->m, &roles, &thread)) {
		WH_TRY(walk_others(d, &roles, thread.id, err));
		WH_TRY(walk(d, thread.context, 0, err));
		d->b.stack.thread = thread_text(d, thread.id);
	}
	return set_attributes(d, err);
}

static int read_dump(struct dump *d, struct wh_err *err)
{
	WH_TRY(wh_md_open(&d->m, (struct wh_bytes){ d->reader->text, d->reader->size }, d->b.arena, err));
	d->opened = wh_arena_zalloc(d->b.arena, d->m.n_modules + 1, sizeof *d->opened);
	if (!d->opened)
		return wh_arena_error(d->b.arena, err);
	int code = read_threads(d, err);
	if (code == WH_OK)
		say_missing(d);
	for (size_t i = 0; i < d->m.n_modules; i++)
		wh_module_drop(d->modules, d->opened[i].module);
	return code == WH_OK && d->b.failed ? wh_arena_error(d->b.arena, err) : code;
}

static int read_minidump(struct wh_reader *reader, struct wh_err *err)
{
	struct dump d = { .reader = reader, .modules = reader->context, .effort = WH_BREAKPAD_EFFORT };
	struct wh_modules *own = NULL;
	struct wh_err why = { 0 };
	if (!d.modules) {
		WH_TRY(wh_modules_new(&own, reader->options, err));
		d.modules = own;
	}
	wh_stack_builder_init(&d.b, reader->arena);
	int code = read_dump(&d, &why);
	if (code == WH_OK)
		code = wh_stack_emit(reader, &d.b, reader->text, NULL, err);
	else if (code == WH_E_NOMEM)
		code = wh_err_set(err, code, "%s", why.message);
	else
		code = wh_reader_skip(reader, reader->text, err, "%s", why.message);
	wh_modules_free(own);
	return code;
}

static int detect(const char *text, size_t size)
{
	if (size < 32)
		return 0;
	if (!memcmp(text, "MDMP\x93\xa7", 6) || !memcmp(text, "PMDM", 4))
		return 99;
	return 0;
}

const struct wh_format wh_format_minidump = {
	.name = "minidump",
	.summary = "minidumps of Windows, Breakpad and Crashpad (.dmp)",
	.reference = "Microsoft: minidumpapiset.h; google/breakpad: src/google_breakpad/common/minidump_format.h; "
		     "chromium/crashpad: minidump/minidump_extensions.h",
	.detect = detect,
	.read = read_minidump,
};
