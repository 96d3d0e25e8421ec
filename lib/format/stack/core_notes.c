/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "format/stack/core.h"
#include "observation/stack.h"

enum { MAPPINGS_MOST = 1 << 17 };

/*
 * Where things are in struct elf_prstatus and elf_prpsinfo, and which registers of ours the words of elf_gregset_t are
 * (arch/x86/include/asm/user_64.h, user_32.h, arch/arm64/include/uapi/asm/ptrace.h, arch/arm/include/uapi/asm/ptrace.h).
 */
struct layout {
	uint16_t thread, registers; /* of pr_pid and pr_reg in elf_prstatus */
	uint16_t process, program;  /* of pr_pid and pr_fname in elf_prpsinfo */
	uint8_t n;
	uint8_t order[34]; /* WH_NO_REGISTER: none */
};

#define NONE WH_NO_REGISTER
static const struct layout layouts[] = {
	/* r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss */
	[WH_MACHINE_X86_64] = { 32, 112, 24, 40, 20, { 15, 14, 13, 12, 6, 3, 11, 10, 9, 8, 0, 2, 1, 4, 5, NONE, 16, NONE, NONE, 7 } },
	/* ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss */
	[WH_MACHINE_X86] = { 24, 72, 12, 28, 16, { 3, 1, 2, 6, 7, 5, 0, NONE, NONE, NONE, NONE, NONE, 8, NONE, NONE, 4 } },
	[WH_MACHINE_ARM64] = { 32, 112, 24, 40, 33, { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
						      17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 } },
	[WH_MACHINE_ARM] = { 24, 72, 12, 28, 16, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 } },
};

static bool get(struct wh_bytes note, size_t at, unsigned width, uint64_t *value)
{
	if (at > note.size || width > note.size - at)
		return false;
	*value = 0;
	memcpy(value, note.data + at, width); /* little-endian, as are we */
	return true;
}

static int take_status(struct wh_core *core, struct wh_bytes note, size_t *cap, struct wh_err *err)
{
	const struct layout *layout = &layouts[core->machine];
	uint64_t value;
	if (core->n_threads > WH_STACK_MOST_THREADS)
		return WH_OK;
	if (core->n_threads == *cap) {
		size_t more = *cap ? *cap * 2 : 16;
		struct wh_core_thread *threads = wh_arena_zalloc(core->arena, more, sizeof *threads);
		if (!threads)
			return wh_arena_error(core->arena, err);
		if (core->n_threads)
			memcpy(threads, core->threads, core->n_threads * sizeof *threads);
		core->threads = threads;
		*cap = more;
	}
	struct wh_core_thread *thread = &core->threads[core->n_threads++];
	*thread = (struct wh_core_thread){ .id = get(note, layout->thread, 4, &value) ? (uint32_t)value : 0 };
	thread->signal = get(note, 12, 2, &value) ? (int)value : 0;
	for (size_t i = 0; i < layout->n; i++)
		if (layout->order[i] != NONE && get(note, layout->registers + i * core->width, core->width, &value))
			wh_register_set(&thread->registers, layout->order[i], value);
	return WH_OK;
}

static int take_program(struct wh_core *core, struct wh_bytes note, struct wh_err *err)
{
	const struct layout *layout = &layouts[core->machine];
	uint64_t value;
	if (get(note, layout->process, 4, &value))
		core->process = (uint32_t)value;
	if (note.size < layout->program + 16u)
		return WH_OK;
	const char *name = note.data + layout->program;
	core->program = wh_arena_strndup(core->arena, name, strnlen(name, 16));
	return core->program ? WH_OK : wh_arena_error(core->arena, err);
}

static void take_signal(struct wh_core *core, struct wh_bytes note)
{
	uint64_t number, code;
	if (core->signal.is_set || !get(note, 0, 4, &number) || !get(note, 8, 4, &code))
		return; /* the first is the one that was fatal */
	core->signal = (struct wh_core_signal){ true, (int)number, (int)code, 0, core->n_threads ? core->n_threads - 1 : 0 };
	(void)get(note, core->width == 8 ? 16 : 12, core->width, &core->signal.address);
}

static void take_auxiliary(struct wh_core *core, struct wh_bytes note)
{
	uint64_t type, value;
	for (size_t at = 0; get(note, at, core->width, &type) && get(note, at + core->width, core->width, &value) && type != AT_NULL;
	     at += 2 * core->width) {
		if (type == AT_PHDR)
			core->headers = value;
		else if (type == AT_PHNUM)
			core->n_headers = value;
		else if (type == AT_BASE)
			core->interpreter = value;
		else if (type == AT_SYSINFO_EHDR)
			core->vdso = value;
		else if (type == AT_EXECFN)
			core->executed = value;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct wh_core_mapping *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* NT_FILE: count, page size, count times (start, end, offset in pages), as many names. */
static int take_mappings(struct wh_core *core, struct wh_bytes note, struct wh_err *err)
{
	const unsigned width = core->width;
	uint64_t n, page;
	if (core->mappings || !get(note, 0, width, &n) || !get(note, width, width, &page) || n > MAPPINGS_MOST ||
	    n > (note.size - 2 * width) / (3 * width))
		return WH_OK;
	core->mappings = wh_arena_zalloc(core->arena, n + 1, sizeof *core->mappings);
	if (!core->mappings)
		return wh_arena_error(core->arena, err);
	const char *name = note.data + (2 + 3 * n) * width, *end = note.data + note.size, *last = NULL;
	for (size_t i = 0; i < n && name < end; i++) {
		struct wh_core_mapping *m = &core->mappings[core->n_mappings];
		size_t at = (2 + 3 * i) * width, size = strnlen(name, (size_t)(end - name));
		(void)(get(note, at, width, &m->start) && get(note, at + width, width, &m->end) && get(note, at + 2 * width, width, &m->offset));
		bool kept = m->start < m->end && size && size < PATH_MAX && name + size < end;
		kept &= !__builtin_mul_overflow(m->offset, page, &m->offset);
		if (kept && !(last && !strcmp(last, name) && (m->path = m[-1].path))) { /* a file's parts follow each other */
			m->path = wh_arena_strndup(core->arena, name, size);
			if (!m->path)
				return wh_arena_error(core->arena, err);
		}
		if (kept)
			core->n_mappings++;
		last = kept ? name : NULL;
		name += size + 1;
	}
	qsort(core->mappings, core->n_mappings, sizeof *core->mappings, by_start);
	return WH_OK;
}

static int take_note(struct wh_core *core, uint32_t type, struct wh_bytes note, size_t *cap, struct wh_err *err)
{
	switch (type) {
	case NT_PRSTATUS: return take_status(core, note, cap, err);
	case NT_PRPSINFO: return take_program(core, note, err);
	case NT_FILE: return take_mappings(core, note, err);
	case NT_SIGINFO: take_signal(core, note); return WH_OK;
	case NT_AUXV: take_auxiliary(core, note); return WH_OK;
	default: return WH_OK;
	}
}

int wh_core_read_notes(struct wh_core *core, struct wh_bytes notes, struct wh_err *err)
{
	size_t cap = core->n_threads; /* what is there is full */
	while (notes.size >= 12) {
		uint32_t head[3];
		memcpy(head, notes.data, sizeof head);
		uint64_t name = ((uint64_t)head[0] + 3) & ~(uint64_t)3, at = 12 + name, size = head[1], next = at + ((size + 3) & ~(uint64_t)3);
		if (at > notes.size)
			break;
		uint64_t there = size < notes.size - at ? size : notes.size - at; /* the last one may be cut off */
		if (head[0] == 5 && !memcmp(notes.data + 12, "CORE", 4))
			WH_TRY(take_note(core, head[2], (struct wh_bytes){ notes.data + at, (size_t)there }, &cap, err));
		if (next >= notes.size)
			break;
		notes = (struct wh_bytes){ notes.data + next, notes.size - (size_t)next };
	}
	return WH_OK;
}
