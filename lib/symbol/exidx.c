/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/exidx.h"

#include <gelf.h>

enum { SP = 13, LR = 14, PC = 15, MOST = 256 /* bytes of one function's instructions */ };

struct table {
	const struct wh_elf *file;
	uint64_t address; /* of the index, in the file */
	uint64_t n;       /* entries of 8 bytes */
};

static bool file_word(const struct wh_elf *file, uint64_t address, uint32_t *word)
{
	uint8_t bytes[4];
	if (wh_elf_read(file, address, bytes, sizeof bytes) != sizeof bytes)
		return false;
	*word = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	return true;
}

/* A 31-bit distance from where it is written (EHABI §4). */
static uint64_t prel31(uint32_t word, uint64_t place)
{
	return (uint32_t)(place + (uint64_t)((int64_t)((uint64_t)word << 33) >> 33));
}

static bool find_table(const struct wh_elf *file, struct table *table)
{
	size_t n;
	if (elf_getphdrnum(file->elf, &n))
		return false;
	for (size_t i = 0; i < n && i < MOST; i++) {
		GElf_Phdr header;
		if (!gelf_getphdr(file->elf, (int)i, &header) || header.p_type != PT_ARM_EXIDX)
			continue;
		*table = (struct table){ file, header.p_vaddr, header.p_filesz / 8 };
		return table->n;
	}
	return false;
}

/* The last entry that begins at or before address. */
static bool find_entry(const struct table *t, uint64_t address, uint64_t *place, uint32_t *second)
{
	uint64_t low = 0, high = t->n;
	uint32_t first;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2, at = t->address + middle * 8;
		if (!file_word(t->file, at, &first))
			return false;
		if (prel31(first, at) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	*place = t->address + (low - 1) * 8 + 4;
	return file_word(t->file, *place, second);
}

/* The instructions, most significant byte first. */
struct code {
	uint8_t bytes[MOST];
	size_t n, at;
};

static void add_word(struct code *code, uint32_t word, unsigned from)
{
	for (unsigned i = from; i < 4 && code->n < MOST; i++)
		code->bytes[code->n++] = (uint8_t)(word >> (24 - 8 * i));
}

/* §6.3 and §7.2: compact forms, in the index or in .ARM.extab, or behind a personality routine. */
static bool find_code(const struct wh_elf *file, uint64_t place, uint32_t second, struct code *code)
{
	uint32_t word = second, more;
	if (second & 0x80000000) {
		add_word(code, word, 1);
		return (word >> 24) == 0x80;
	}
	uint64_t at = prel31(second, place);
	if (!file_word(file, at, &word))
		return false;
	if (word & 0x80000000) {
		unsigned form = word >> 24 & 15;
		more = form ? word >> 16 & 255 : 0;
		add_word(code, word, form ? 2 : 1);
	} else {
		at += 4;
		if (!file_word(file, at, &word))
			return false;
		more = word >> 24;
		add_word(code, word, 1);
	}
	for (; more && code->n < MOST; more--) {
		at += 4;
		if (!file_word(file, at, &word))
			return false;
		add_word(code, word, 0);
	}
	return true;
}

struct machine {
	const struct wh_unwinder *u;
	struct wh_registers *r;
	uint64_t sp;
};

static bool pop(struct machine *m, unsigned first, unsigned mask)
{
	bool has_sp = false;
	uint64_t value, sp = 0;
	for (unsigned i = first; mask; i++, mask >>= 1) {
		if (!(mask & 1))
			continue;
		if (!wh_unwind_word(m->u, m->sp, 4, &value))
			return false;
		m->sp += 4;
		if (i == SP) {
			has_sp = true;
			sp = value;
		}
		wh_register_set(m->r, i, value);
	}
	if (has_sp)
		m->sp = sp;
	return true;
}

/* One instruction of §10.3; false: not understood, or the end (*finished). */
static bool execute(struct machine *m, struct code *code, bool *finished)
{
	uint8_t op = code->bytes[code->at++], next = code->at < code->n ? code->bytes[code->at] : 0;
	if (op < 0x40) {
		m->sp += (uint64_t)(op & 63) * 4 + 4;
		return true;
	}
	if (op < 0x80) {
		m->sp -= (uint64_t)(op & 63) * 4 + 4;
		return true;
	}
	if (op < 0x90) {
		unsigned mask = (op & 15u) << 8 | next;
		code->at++;
		return mask && pop(m, 4, mask);
	}
	if (op < 0xa0) {
		if ((op & 15) == SP || (op & 15) == PC || !wh_register_known(m->r, op & 15))
			return false;
		m->sp = m->r->value[op & 15];
		return true;
	}
	if (op < 0xb0)
		return pop(m, 4, (2u << (op & 7)) - 1) && (!(op & 8) || pop(m, LR, 1));
	switch (op) {
	case 0xb0:
		*finished = true;
		return true;
	case 0xb1:
		code->at++;
		return next && next < 16 && pop(m, 0, next);
	case 0xb2: {
		uint64_t value = 0;
		for (unsigned shift = 0; code->at < code->n && shift < 28; shift += 7) {
			value |= (uint64_t)(code->bytes[code->at] & 127) << shift;
			if (!(code->bytes[code->at++] & 128))
				break;
		}
		m->sp += 0x204 + (value << 2);
		return true;
	}
	case 0xb3: /* VFP registers, as FSTMX saved them: a word more */
		code->at++;
		m->sp += 8 * ((uint64_t)(next & 15) + 1) + 4;
		return true;
	case 0xb4: /* the return address's signature */
		return true;
	case 0xc8:
	case 0xc9:
		code->at++;
		m->sp += 8 * ((uint64_t)(next & 15) + 1);
		return true;
	default:
		if (op >= 0xb8 && op < 0xc0)
			m->sp += 8 * ((uint64_t)(op & 7) + 1) + 4;
		else if (op >= 0xd0 && op < 0xd8)
			m->sp += 8 * ((uint64_t)(op & 7) + 1);
		else
			return false;
		return true;
	}
}

enum wh_step wh_exidx_step(const struct wh_elf *file, uint64_t bias, const struct wh_unwinder *u, uint64_t pc,
			   const struct wh_registers *registers, struct wh_registers *caller)
{
	struct table table;
	struct code code = { .n = 0 };
	struct machine m = { u, caller, registers->value[SP] };
	uint64_t place;
	uint32_t second;
	bool finished = false;
	if (!wh_register_known(registers, SP) || !find_table(file, &table) || !find_entry(&table, pc - bias, &place, &second))
		return WH_STEP_UNKNOWN;
	if (second == 1) /* EXIDX_CANTUNWIND */
		return WH_STEP_LAST;
	if (!find_code(file, place, second, &code))
		return WH_STEP_UNKNOWN;
	*caller = *registers;
	caller->known &= ~((uint64_t)1 << PC);
	while (code.at < code.n && !finished)
		if (!execute(&m, &code, &finished))
			return WH_STEP_UNKNOWN;
	wh_register_set(caller, SP, (uint32_t)m.sp);
	if (!wh_register_known(caller, PC)) {
		if (!wh_register_known(caller, LR))
			return WH_STEP_UNKNOWN;
		wh_register_set(caller, PC, caller->value[LR]);
	}
	return WH_STEP_CALLER;
}
