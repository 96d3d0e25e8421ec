/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF core dumps of Linux: one report a file. The stack is that of the thread that the signal hit; the others are kept beside it. Frames
 * are unwound and named here, with the files of the modules as far as they are found (symbol/module.h).
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"
#include "format/stack/core.h"
#include "format/stack/crash_type.h"
#include "format/stack/fault.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

enum {
	STEPS = 1 << 18,      /* frames of the thread that crashed that are walked over, */
	FIRST = 16384,        /* of which these, the innermost, are kept, */
	LAST = 256,           /* and these, the outermost */
	OTHERS = 512,         /* frames of another thread */
	ALL_OTHERS = 1 << 16, /* frames of all other threads */
	PLACES = 256,         /* functions inlined into one another */
};

/* What was found out about one address. */
struct named {
	struct wh_frame *frames; /* in the arena */
	size_t n;
	struct wh_core_module *module; /* NULL: none is there */
};

struct report {
	struct wh_reader *reader;
	struct wh_core core;
	struct wh_modules *modules;
	struct wh_stack_builder b;
	struct wh_unwinder unwinder;
	struct wh_map by_address;            /* index into named */
	struct WH_VEC(struct named) named;
	struct WH_VEC(struct wh_unwound) walk;
	size_t walked;                       /* frames, of which the walk keeps some */
	size_t others;
};

/* ---- what the unwinder asks ---- */

static struct wh_module *opened(struct report *r, struct wh_core_module *module)
{
	struct wh_module *found = wh_core_module_open(&r->core, module);
	r->b.failed |= !found;
	return found;
}

static size_t read_memory(void *user, uint64_t address, void *to, size_t n)
{
	struct report *r = user;
	struct wh_bytes memory = wh_core_memory(&r->core, address);
	if (memory.size) {
		n = n < memory.size ? n : memory.size;
		memcpy(to, memory.data, n);
		return n;
	}
	/* what is the same as in the file is seldom dumped */
	const struct wh_core_segment *segment = wh_core_segment_at(&r->core, address);
	struct wh_core_module *module = wh_core_module_at(&r->core, address);
	if (!segment || !module || !opened(r, module))
		return 0;
	return wh_module_read(module->opened, address - module->base, to, n);
}

static bool is_code(void *user, uint64_t address)
{
	const struct report *r = user;
	const struct wh_core_segment *segment = wh_core_segment_at(&r->core, address);
	return segment && segment->executable;
}

static enum wh_step step(const struct wh_unwinder *u, uint64_t pc, const struct wh_registers *registers, struct wh_registers *caller, bool *signal)
{
	struct report *r = u->user;
	struct wh_core_module *module = wh_core_module_at(&r->core, pc);
	if (!module || !opened(r, module))
		return WH_STEP_UNKNOWN;
	return wh_module_step(module->opened, module->base, u, pc, registers, caller, signal);
}

/* ---- names ---- */

struct naming {
	struct report *r;
	struct wh_frame frames[PLACES];
	size_t n;
};

static const char *copy(struct report *r, const char *text)
{
	return text ? wh_stack_builder_copy(&r->b, text, strlen(text)) : NULL;
}

static int take_place(void *user, const struct wh_place *place, struct wh_err *err)
{
	struct naming *naming = user;
	struct report *r = naming->r;
	(void)err;
	if (naming->n == PLACES)
		return WH_OK;
	struct wh_frame *frame = &naming->frames[naming->n++];
	*frame = (struct wh_frame){ .function = copy(r, place->function), .file = copy(r, place->file), .line = place->line,
				    .inlined = place->inlined };
	if (frame->function && !place->inlined) {
		frame->offset = place->offset;
		frame->has_offset = true;
	}
	return WH_OK;
}

static int name_address(struct report *r, uint64_t address, struct named *named, struct wh_err *err)
{
	struct naming naming = { .r = r };
	struct wh_core_module *module = wh_core_module_at(&r->core, address);
	if (module && opened(r, module))
		WH_TRY(wh_module_places(module->opened, address - module->base, take_place, &naming, err));
	if (!naming.n)
		naming.frames[naming.n++] = (struct wh_frame){ 0 };
	for (size_t i = 0; module && i < naming.n; i++) {
		struct wh_frame *frame = &naming.frames[i];
		frame->module = module->name;
		frame->build_id = module->build_id ? module->build_id : module->opened ? copy(r, wh_module_build_id(module->opened)) : NULL;
		if (!frame->function) {
			frame->offset = address - module->base;
			frame->has_offset = true;
		}
	}
	named->module = module;
	named->n = naming.n;
	named->frames = wh_arena_alloc(r->reader->arena, naming.n * sizeof *named->frames);
	if (!named->frames)
		return wh_arena_error(r->reader->arena, err);
	memcpy(named->frames, naming.frames, naming.n * sizeof *named->frames);
	return WH_OK;
}

/* The frames at an address; recursion and threads that wait ask for the same ones again and again. */
static int names_of(struct report *r, uint64_t address, const struct named **named, struct wh_err *err)
{
	size_t before = r->named.n;
	uint64_t *index = wh_map_put(&r->by_address, address, before);
	if (!index)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (*index == before) {
		struct named fresh;
		WH_TRY(name_address(r, address, &fresh, err));
		if (wh_vec_push(&r->named, fresh))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	*named = &r->named.data[*index];
	return WH_OK;
}

/* ---- stacks ---- */

static int keep_frame(void *user, const struct wh_unwound *frame, struct wh_err *err)
{
	struct report *r = user;
	size_t at = r->walked++;
	if (r->b.failed)
		return wh_arena_error(r->reader->arena, err);
	if (at < FIRST + LAST)
		return wh_vec_push(&r->walk, *frame) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	r->walk.data[FIRST + (at - FIRST) % LAST] = *frame; /* the outermost of a deep recursion */
	return WH_OK;
}

/* What a handler's frame is called. One of a fault or an abort says where the crash was: normalisation cuts off what it called. A handler
 * of another signal (a timer's) is code like any other, in which something went wrong. */
static const char *handler_name(struct report *r, int number)
{
	static const char fault[] = "<signal handler called>";
	static const uint32_t faults = 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 11 | 1u << 31;
	struct wh_core_signal signal = { .number = number };
	char reason[WH_CORE_REASON];
	if (number <= 0 || number > 31 || faults >> number & 1 || !wh_core_reason(&signal, reason))
		return fault;
	const char *name = wh_arena_printf(r->reader->arena, "<signal handler called for %s>", reason);
	r->b.failed |= !name;
	return name;
}

static int add_frames(struct report *r, const struct wh_unwound *unwound, struct wh_err *err)
{
	const struct named *named = NULL;
	WH_TRY(names_of(r, unwound->lookup, &named, err));
	for (size_t i = 0; i < named->n; i++) {
		struct wh_frame *frame = wh_stack_builder_frame(&r->b);
		if (!frame)
			return WH_OK;
		*frame = named->frames[i];
		frame->trust = wh_trust_name(unwound->trust);
		frame->unreliable = unwound->trust == WH_TRUST_SCAN;
		if (unwound->signal) {
			frame->function = handler_name(r, unwound->number);
			frame->handler = true;
		}
		if (!frame->inlined) {
			frame->address = unwound->pc;
			frame->has_address = true;
			frame->offset += frame->has_offset ? unwound->pc - unwound->lookup : 0;
		}
	}
	return WH_OK;
}

static int walk(struct report *r, const struct wh_core_thread *thread, size_t most, struct wh_err *err)
{
	r->walk.n = r->walked = 0;
	r->unwinder.most = most;
	WH_TRY(wh_unwind(&r->unwinder, &thread->registers, keep_frame, r, NULL, err));
	size_t turned = r->walked > FIRST + LAST ? (r->walked - FIRST) % LAST : 0; /* where the ring begins */
	for (size_t i = 0; i < r->walk.n; i++) {
		size_t at = i < FIRST ? i : FIRST + (i - FIRST + turned) % LAST;
		WH_TRY(add_frames(r, &r->walk.data[at], err));
	}
	return WH_OK;
}

static void set_number(struct report *r, const char *name, uint64_t value)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%" PRIu64, value);
	wh_stack_builder_attribute(&r->b, name, text, (size_t)n);
}

static int other_threads(struct report *r, size_t crashed, struct wh_err *err)
{
	for (size_t i = 0; i < r->core.n_threads && r->others < ALL_OTHERS; i++) {
		char name[16];
		if (i == crashed)
			continue;
		snprintf(name, sizeof name, "%u", r->core.threads[i].id);
		WH_TRY(walk(r, &r->core.threads[i], OTHERS, err));
		r->others += r->b.stack.n_frames;
		wh_stack_builder_thread(&r->b, name);
	}
	return WH_OK;
}

static int crashed_thread(struct report *r, const struct wh_core_thread *thread, struct wh_err *err)
{
	WH_TRY(walk(r, thread, STEPS, err));
	if (r->walked > r->walk.n)
		set_number(r, "frames_left_out", r->walked - r->walk.n);
	char *name = wh_arena_printf(r->reader->arena, "%u", thread->id);
	r->b.failed |= !name;
	r->b.stack.thread = name;
	return WH_OK;
}

/* ---- attributes ---- */

static void set_text(struct report *r, const char *name, const char *text)
{
	if (text)
		wh_stack_builder_attribute(&r->b, name, text, strlen(text));
}

static void set_program(struct report *r)
{
	const char *name = r->core.program;
	for (size_t i = 0; i < r->core.n_modules; i++) /* ps(1) knows but 15 bytes of it */
		if (r->core.modules[i].program && r->core.modules[i].path) {
			const char *slash = strrchr(r->core.modules[i].path, '/');
			name = slash ? slash + 1 : r->core.modules[i].path;
		}
	set_text(r, "app", name && *name ? name : NULL);
	set_text(r, "platform", wh_arena_printf(r->reader->arena, "linux-%s", wh_machine_facts(r->core.machine)->name));
	if (r->core.process)
		set_number(r, "process", r->core.process);
}

/* Whether the fault is where the stack would have grown to: below all that is there of it, near the stack pointer. */
static bool is_stack_overflow(const struct report *r, const struct wh_core_thread *thread)
{
	enum { NEAR = 1 << 16, DEEP = 100 };
	const struct wh_machine_facts *m = wh_machine_facts(r->core.machine);
	const struct wh_core_signal *signal = &r->core.signal;
	if (signal->number != 11 || !wh_core_signal_faults(signal) || r->walked < DEEP || !wh_register_known(&thread->registers, m->sp))
		return false;
	uint64_t sp = thread->registers.value[m->sp];
	return signal->address + NEAR > sp && signal->address < sp + NEAR && !wh_core_memory(&r->core, signal->address).size;
}

static void set_reason(struct report *r, const struct wh_core_thread *thread)
{
	struct wh_core_signal *signal = &r->core.signal;
	char reason[WH_CORE_REASON];
	if (!signal->is_set)
		signal->number = thread->signal;
	const char *name = wh_core_reason(signal, reason);
	bool faults = wh_core_signal_faults(signal);
	set_text(r, "reason", *reason ? reason : NULL);
	set_text(r, "signal", name);
	if (faults)
		set_text(r, "address", wh_arena_printf(r->reader->arena, "0x%" PRIx64, signal->address));
	if (is_stack_overflow(r, thread))
		r->b.stack.crash_type = "Stack-overflow";
	wh_fault_type(&r->b, (struct wh_span){ reason, reason + strlen(reason) }, faults, signal->address);
}

/* What glibc said before it called abort(): a failed assertion, a heap that is broken (glibc: stdlib/abort.h, struct abort_msg_s). */
static struct wh_span abort_message(struct report *r, struct wh_core_module *module)
{
	enum { LONGEST = 4096 };
	uint64_t offset, message;
	const char *slash = module->path ? strrchr(module->path, '/') : NULL;
	bool is_libc = slash && (wh_starts(slash, strlen(slash), "/libc.so") || wh_starts(slash, strlen(slash), "/libc-2"));
	if ((!is_libc && !module->program) || !opened(r, module) || !wh_module_variable(module->opened, "__abort_msg", &offset) ||
	    !wh_core_word(&r->core, module->base + offset, &message) || !message)
		return (struct wh_span){ 0 };
	struct wh_bytes text = wh_core_memory(&r->core, message + sizeof(uint32_t)); /* behind its size */
	return (struct wh_span){ text.data, text.data + strnlen(text.data ? text.data : "", text.size < LONGEST ? text.size : LONGEST) };
}

static int set_message(struct report *r, struct wh_err *err)
{
	for (size_t i = 0; i < r->core.n_modules && r->core.signal.number == 6; i++) {
		struct wh_span message = wh_scan_trim(abort_message(r, &r->core.modules[i]));
		if (!wh_span_size(message))
			continue;
		wh_stack_message(&r->b, "message", message);
		return r->reader->describe ? wh_crash_describe(message, &r->b, err) : WH_OK;
	}
	return WH_OK;
}

/* ---- what is missing ---- */

static const char *state_text(enum wh_module_state state)
{
	return state == WH_MODULE_OTHER ? "another build of it is at its path" : state == WH_MODULE_BARE ? "it is stripped" : "no such file was found";
}

/* Says of modules on the stacks whether their symbols are missing: in the record, and to people once per module. */
static void tell_missing(struct report *r)
{
	struct wh_str list = { 0 };
	for (size_t i = 0; i < r->named.n; i++)
		if (r->named.data[i].module && !r->named.data[i].frames[0].function)
			r->named.data[i].module->unnamed = true;
	for (size_t i = 0; i < r->core.n_modules; i++) {
		struct wh_core_module *module = &r->core.modules[i];
		if (!module->unnamed || module->vdso || !module->opened)
			continue;
		const char *id = wh_module_build_id(module->opened), *name = module->path ? module->path : "(a module without a name)";
		wh_str_printf(&list, "%s%s%s%s", list.n ? ", " : "", name, id ? " " : "", id ? id : "");
		if (!wh_module_say_once(r->modules, module->opened))
			continue;
		if (id)
			wh_reader_say(r->reader, "symbols of %s are missing (%s): build-id %s would help", name, state_text(wh_module_state(module->opened)), id);
		else
			wh_reader_say(r->reader, "symbols of %s are missing (%s), and it has no build-id", name, state_text(wh_module_state(module->opened)));
	}
	if (list.n && !list.failed)
		wh_stack_builder_attribute(&r->b, "symbols_missing", list.data, list.n < WH_MESSAGE_LONGEST ? list.n : WH_MESSAGE_LONGEST);
	r->b.failed |= list.failed;
	wh_str_release(&list);
	if (r->core.missing)
		set_text(r, "truncated", wh_arena_printf(r->reader->arena, "%" PRIu64 " bytes are missing", r->core.missing));
}

/* ---- the reader ---- */

static int read_report(struct report *r, struct wh_err *err)
{
	struct wh_core *core = &r->core;
	WH_TRY(wh_core_find_modules(core, err));
	r->unwinder = (struct wh_unwinder){ .machine = core->machine, .read = read_memory, .is_code = is_code, .cfi = step, .user = r, .blind = true };
	size_t crashed = core->signal.is_set && core->signal.thread < core->n_threads ? core->signal.thread : 0;
	WH_TRY(other_threads(r, crashed, err));
	WH_TRY(crashed_thread(r, &core->threads[crashed], err));
	set_program(r);
	set_reason(r, &core->threads[crashed]);
	WH_TRY(set_message(r, err));
	tell_missing(r);
	return WH_OK;
}

static int read_with(struct wh_reader *reader, struct wh_modules *modules, struct wh_err *err)
{
	struct report r = { .reader = reader, .modules = modules };
	struct wh_err why;
	wh_stack_builder_init(&r.b, reader->arena);
	int code = wh_core_open(&r.core, (struct wh_bytes){ reader->text, reader->size }, reader->arena, &why);
	if (code == WH_OK && !r.core.n_threads)
		code = wh_err_set(&why, WH_E_FORMAT, "a core dump without a thread%s", r.core.missing ? ": it was cut off before its notes" : "");
	r.core.cache = modules;
	if (code == WH_OK)
		code = read_report(&r, &why);
	wh_core_drop_modules(&r.core);
	wh_map_release(&r.by_address);
	wh_vec_release(&r.named);
	wh_vec_release(&r.walk);
	if (code == WH_OK)
		return wh_stack_emit(reader, &r.b, reader->text, NULL, err);
	if (code == WH_E_NOMEM)
		return wh_err_set(err, code, "%s", why.message);
	return wh_reader_skip(reader, reader->text, err, "%s", why.message);
}

static int read_core(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_modules *own = NULL;
	if (!reader->context)
		WH_TRY(wh_modules_new(&own, reader->options, err));
	int code = read_with(reader, own ? own : reader->context, err);
	wh_modules_free(own);
	return code;
}

static int detect(const char *text, size_t size)
{
	uint16_t type;
	if (size < EI_NIDENT + sizeof type || memcmp(text, ELFMAG, SELFMAG) != 0)
		return 0;
	memcpy(&type, text + EI_NIDENT, sizeof type);
	return type == (text[EI_DATA] == ELFDATA2LSB ? ET_CORE : ET_CORE << 8) ? 99 : 0;
}

const struct wh_format wh_format_core = {
	.name = "core",
	.summary = "ELF core dumps of Linux (x86-64, x86, arm64, arm), unwound and named here",
	.reference = "System V gABI; Linux: fs/binfmt_elf.c, include/linux/elfcore.h; core(5)",
	.binary = true,
	.detect = detect,
	.read = read_core,
};
