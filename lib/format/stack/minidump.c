/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Minidumps of Windows, Breakpad, Crashpad and Mozilla's writer. The stack is that of the thread which the exception stream names, with
 * that stream's registers: the thread's own are those of its crash handler. Without an exception it is the thread that asked for the
 * dump, else the first; a thread that only wrote the dump is left out. Frames are unwound as far as modules, .sym files and the dump's
 * memory allow.
 */
#include <stdio.h>
#include <strings.h>

#include "base/map.h"
#include "base/vec.h"
#include "format/format.h"
#include "format/stack/fault.h"
#include "format/stack/list.h"
#include "format/stack/minidump.h"
#include "format/stack/minidump_annotations.h"
#include "format/stack/report.h"
#include "symbol/breakpad.h"
#include "symbol/module.h"
#include "symbol/unwind.h"

enum {
	THREAD_FRAMES = 1024, /* of another thread than the one that crashed */
	OTHER_FRAMES = 32768, /* of all of them */
	PLACES = 256,         /* functions inlined into one another */
	HEAD = 4096,          /* bytes of a module's memory that tell which build it is */
};

#define SECOND INT64_C(1000000000)

/* A module once a frame was in it. */
struct opened {
	struct wh_module *module;
	const struct wh_breakpad *symbols;
	bool other;   /* the file that was found is of another build */
	bool unnamed; /* a frame is in it that no symbol names */
};

/* What was found out about one address. */
struct named {
	struct wh_frame *frames; /* in the arena */
	size_t n;
};

struct dump {
	struct wh_reader *reader;
	struct wh_stack_builder b;
	struct wh_minidump m;
	struct wh_modules *modules;
	struct opened *opened; /* n_modules, as m.modules */
	struct wh_map by_address; /* index into named */
	struct WH_VEC(struct named) named;
	size_t effort;
	uint32_t parameters; /* of the function that the frame being left had called */
	int code;            /* of what failed within a callback of the unwinder */
	struct wh_err error;
};

/* ---- modules ---- */

/* Whether a file with this build-id is what the dump's identifier is of, of which older writers had but the first 16 bytes. */
static bool is_of_build(const char *build_id, const char *debug_id)
{
	char id[WH_BREAKPAD_ID];
	return build_id && debug_id && wh_breakpad_id(build_id, id) && !strcasecmp(id, debug_id);
}

/* The module's file and symbols, looked for at first use. None: an unloaded one, or memory is short (code is then set). */
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
	bool elf = d->m.system > WH_MD_WINDOWS_CE && d->m.system != WH_MD_MACOS && d->m.system != WH_MD_IOS;
	struct wh_module_asked asked = { .path = elf && *module->name ? module->name : NULL, .build_id = module->build_id,
					 .debug_file = module->debug_file, .debug_id = module->debug_id,
					 .program = elf && (size_t)(module - d->m.modules) == d->m.main_module };
	asked.head = (struct wh_bytes){ head, wh_md_read(&d->m, module->base, head, sizeof head) };
	d->code = wh_modules_get(d->modules, &asked, &opened->module, err);
	if (d->code != WH_OK)
		return &none;
	opened->other = !module->build_id && !is_of_build(wh_module_build_id(opened->module), module->debug_id);
	opened->symbols = wh_module_breakpad(opened->module);
	return opened;
}

static bool has_file(const struct opened *opened)
{
	enum wh_module_state state = opened->module && !opened->other ? wh_module_state(opened->module) : WH_MODULE_MISSING;
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

struct naming {
	struct dump *d;
	struct wh_frame frames[PLACES];
	size_t n;
};

static int take_place(void *user, const struct wh_place *place, struct wh_err *err)
{
	struct naming *naming = user;
	struct wh_stack_builder *b = &naming->d->b;
	(void)err;
	if (!place->function || naming->n == PLACES)
		return WH_OK;
	struct wh_frame *frame = &naming->frames[naming->n++];
	*frame = (struct wh_frame){ .function = wh_stack_builder_copy(b, place->function, strlen(place->function)),
				    .file = place->file ? wh_stack_builder_copy(b, place->file, strlen(place->file)) : NULL,
				    .line = place->file ? place->line : 0,
				    .inlined = place->inlined,
				    .offset = place->offset,
				    .has_offset = !place->inlined };
	return WH_OK;
}

/* The functions at an offset: of the file if it has symbols, else of a .sym file, else what dynamic linking needs. */
static int find_places(struct naming *naming, struct opened *opened, uint64_t offset, struct wh_err *err)
{
	bool full = has_file(opened) && (!opened->symbols || wh_module_state(opened->module) == WH_MODULE_FULL);
	if (full)
		WH_TRY(wh_module_places(opened->module, offset, take_place, naming, err));
	if (!naming->n && opened->symbols)
		WH_TRY(wh_breakpad_places(opened->symbols, offset, &naming->d->effort, take_place, naming, err));
	if (!naming->n && !full && has_file(opened))
		WH_TRY(wh_module_places(opened->module, offset, take_place, naming, err));
	opened->unnamed |= !naming->n;
	return WH_OK;
}

static int name_address(struct dump *d, uint64_t address, struct named *named, struct wh_err *err)
{
	struct naming naming = { .d = d };
	struct wh_md_module *module = wh_md_module_at(&d->m, address);
	if (module) {
		WH_TRY(wh_md_module_read(&d->m, module, err));
		if (!module->unloaded && open_module(d, module)->module)
			WH_TRY(find_places(&naming, &d->opened[module - d->m.modules], address - module->base, err));
	}
	if (!naming.n)
		naming.frames[naming.n++] = (struct wh_frame){ .has_offset = module, .offset = module ? address - module->base : 0 };
	for (size_t i = 0; module && i < naming.n; i++) {
		naming.frames[i].module = *module->name ? module->name : NULL;
		naming.frames[i].module_version = module->version;
		naming.frames[i].build_id = module->build_id ? module->build_id : module->debug_id;
	}
	named->n = naming.n;
	named->frames = wh_arena_alloc(d->b.arena, naming.n * sizeof *named->frames);
	if (!named->frames || d->b.failed)
		return wh_arena_error(d->b.arena, err);
	memcpy(named->frames, naming.frames, naming.n * sizeof *named->frames);
	return WH_OK;
}

/* The frames at an address; recursion and threads that wait ask for the same ones again and again. */
static int names_of(struct dump *d, uint64_t address, const struct named **named, struct wh_err *err)
{
	size_t before = d->named.n;
	uint64_t *index = wh_map_put(&d->by_address, address, before);
	if (!index)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (*index == before) {
		struct named fresh;
		WH_TRY(name_address(d, address, &fresh, err));
		if (wh_vec_push(&d->named, fresh))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	*named = &d->named.data[*index];
	return WH_OK;
}

static int take_unwound(void *user, const struct wh_unwound *unwound, struct wh_err *err)
{
	struct dump *d = user;
	const struct named *named = NULL;
	WH_TRY(names_of(d, unwound->lookup, &named, err));
	if (d->code != WH_OK)
		return wh_err_set(err, d->code, "%s", d->error.message);
	for (size_t i = 0; i < named->n; i++) {
		struct wh_frame *frame = wh_stack_builder_frame(&d->b);
		if (!frame)
			break;
		*frame = named->frames[i];
		frame->trust = wh_trust_name(unwound->trust);
		frame->unreliable = unwound->trust == WH_TRUST_SCAN;
		if (unwound->signal) {
			frame->function = "<signal handler called>";
			frame->handler = true;
		}
		if (!frame->inlined) {
			frame->address = unwound->pc;
			frame->has_address = true;
			frame->offset += frame->has_offset ? unwound->pc - unwound->lookup : 0;
		}
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
		WH_TRY(walk(d, thread.context, left < THREAD_FRAMES ? left : THREAD_FRAMES, err));
		size_t n = d->b.stack.n_frames;
		left -= n < left ? n : left;
		wh_stack_builder_thread(&d->b, thread_text(d, thread.id));
	}
	return WH_OK;
}

/* ---- attributes ---- */

static struct wh_span span(const char *text)
{
	return text ? (struct wh_span){ text, text + strlen(text) } : (struct wh_span){ 0 };
}

static void set_text(struct wh_stack_builder *b, const char *name, const char *text)
{
	if (text)
		wh_stack_message(b, name, span(text));
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
	case WH_MD_WINDOWS_CE: return "Windows NT";
	case WH_MD_MACOS: return "Mac OS X";
	case WH_MD_IOS: return "iOS";
	case WH_MD_LINUX: return "Linux";
	case WH_MD_SOLARIS: return "Solaris";
	case WH_MD_ANDROID: return "Android";
	case WH_MD_PS3: return "PS3";
	case WH_MD_NACL: return "NaCl";
	case WH_MD_FUCHSIA: return "Fuchsia";
	default: return NULL;
	}
}

static void set_system(struct dump *d)
{
	struct wh_bytes info = d->m.streams[WH_MD_SYSTEM];
	const char *system = system_name(d->m.system);
	if (info.size < 32 || !system)
		return;
	uint32_t major = wh_md_u32(info.data + 8), minor = wh_md_u32(info.data + 12), build = wh_md_u32(info.data + 16);
	const char *more = wh_md_string(&d->m, wh_md_u32(info.data + 24), &d->b.failed);
	char version[48] = "";
	if (major || minor || build)
		snprintf(version, sizeof version, " %u.%u.%u", major, minor, build);
	/* Breakpad on Linux has no numbers; what uname(1) prints begins with the system's name */
	bool whole = !*version && more && !strncmp(more, system, strlen(system));
	char *text = whole ? wh_arena_strdup(d->b.arena, more) :
			     wh_arena_printf(d->b.arena, "%s%s%s%s", system, version, more ? " " : "", more ? more : "");
	d->b.failed |= !text;
	wh_fault_platform(&d->b, span(text), span(d->m.machine ? wh_machine_facts(d->m.machine)->name : NULL));
}

/* The value of a line `Name:\tvalue` of a file of /proc. */
static struct wh_span proc_value(struct wh_bytes file, const char *name)
{
	struct wh_span all = wh_md_text(file), line;
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
	struct wh_span name = wh_md_until_zero(m->streams[WH_MD_LINUX_CMDLINE]);
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

/* The process's number: MiscInfo's, else what Linux says of its status. */
static void set_process(struct dump *d)
{
	struct wh_bytes misc = d->m.streams[WH_MD_MISC];
	char text[16];
	if (misc.size >= 12 && wh_md_u32(misc.data + 4) & 1) {
		snprintf(text, sizeof text, "%u", wh_md_u32(misc.data + 8));
		set_text(&d->b, "process", text);
	} else {
		wh_stack_message(&d->b, "process", proc_value(d->m.streams[WH_MD_LINUX_STATUS], "Pid:"));
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

static void set_reason(struct dump *d)
{
	char reason[WH_MD_REASON_LONGEST], text[24];
	const char *signal;
	uint64_t address;
	bool accessed;
	wh_md_reason(&d->m, reason, &signal, &address, &accessed);
	set_text(&d->b, "reason", *reason ? reason : NULL);
	set_text(&d->b, "signal", signal);
	if (*reason && (accessed || !signal)) {
		snprintf(text, sizeof text, "0x%llx", (unsigned long long)address);
		set_text(&d->b, "address", text);
	}
	wh_fault_type(&d->b, span(reason), accessed, address);
}

static int set_attributes(struct dump *d, struct wh_err *err)
{
	WH_TRY(set_program(d, err));
	set_system(d);
	set_times(d);
	set_process(d);
	set_reason(d);
	set_assertion(d);
	wh_md_annotations(&d->m, &d->b);
	return WH_OK;
}

/* ---- what is missing ---- */

/* Says of modules on the stacks whose symbols are missing: in the record, and to people once per module. */
static void tell_missing(struct dump *d)
{
	struct wh_str list = { 0 };
	for (size_t i = 0; i < d->m.n_modules; i++) {
		const struct wh_md_module *module = &d->m.modules[i];
		const struct opened *opened = &d->opened[i];
		if (!opened->unnamed)
			continue;
		const char *id = module->build_id ? module->build_id : module->debug_id;
		const char *name = *module->name ? module->name : "(a module without a name)";
		bool other = opened->other ? wh_module_file(opened->module) != NULL : wh_module_state(opened->module) == WH_MODULE_OTHER;
		const char *why = other					? "another build of it is at its path" :
				  has_file(opened) || opened->symbols	? "it is stripped" :
									  "no such file was found";
		wh_str_printf(&list, "%s%s%s%s", list.n ? ", " : "", name, id ? " " : "", id ? id : "");
		if (!wh_module_say_once(d->modules, opened->module))
			continue;
		if (id)
			wh_reader_say(d->reader, "symbols of %s are missing (%s): %s-id %s would help", name, why, module->build_id ? "build" : "debug", id);
		else
			wh_reader_say(d->reader, "symbols of %s are missing (%s), and the dump does not say which build it is", name, why);
	}
	if (list.n && !list.failed)
		wh_stack_builder_attribute(&d->b, "symbols_missing", list.data, list.n < WH_MESSAGE_LONGEST ? list.n : WH_MESSAGE_LONGEST);
	d->b.failed |= list.failed;
	wh_str_release(&list);
}

/* ---- the reader ---- */

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
		tell_missing(d);
	for (size_t i = 0; i < d->m.n_modules; i++)
		wh_module_drop(d->modules, d->opened[i].module);
	wh_map_release(&d->by_address);
	wh_vec_release(&d->named);
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
	.binary = true,
	.detect = detect,
	.read = read_minidump,
};
