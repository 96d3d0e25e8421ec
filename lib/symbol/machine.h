/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machines whose stacks are unwound, and their registers: numbered as DWARF does for each (System V x86-64 psABI §3.6.2 figure
 * 3.36, i386 psABI table 2.14, "DWARF for the Arm 64-bit Architecture" §4.1, "DWARF for the Arm Architecture" §4.1), the general ones only.
 */
#ifndef WHORL_SYMBOL_MACHINE_H
#define WHORL_SYMBOL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wh_machine { WH_MACHINE_UNKNOWN, WH_MACHINE_X86_64, WH_MACHINE_X86, WH_MACHINE_ARM64, WH_MACHINE_ARM };

#define WH_REGISTERS 33 /* of the machine that has most: arm64's x0 … x30, sp, pc */
#define WH_NO_REGISTER 255

struct wh_machine_facts {
	const char *name;  /* as in `platform`: "x86_64", "x86", "arm64", "arm" */
	uint16_t elf;      /* EM_… */
	uint8_t width;     /* bytes of an address */
	uint8_t registers; /* numbered 0 … registers - 1 */
	uint8_t pc, sp, fp;
	uint8_t link;      /* where a call leaves its return address; WH_NO_REGISTER: on the stack */
	uint8_t align;     /* of instructions: 1, 2 or 4 */
	uint64_t kept;     /* bit i: a call leaves register i as it was, so that it is the caller's, too, where nothing else is said */
};

/* Never NULL: of WH_MACHINE_UNKNOWN, one without registers. */
const struct wh_machine_facts *wh_machine_facts(enum wh_machine);
/* By EM_…. */
enum wh_machine wh_machine_of_elf(uint16_t machine);

/* What is known of the registers of one frame. */
struct wh_registers {
	uint64_t value[WH_REGISTERS];
	uint64_t known; /* bit i: value[i] is known */
};

static inline bool wh_register_known(const struct wh_registers *registers, unsigned i)
{
	return i < WH_REGISTERS && registers->known >> i & 1;
}

static inline void wh_register_set(struct wh_registers *registers, unsigned i, uint64_t value)
{
	if (i < WH_REGISTERS) {
		registers->value[i] = value;
		registers->known |= (uint64_t)1 << i;
	}
}

/* Whether the n bytes of code before an address end with a call, so that the address may be where one returns to. thumb: the
 * address had its lowest bit set. 8 bytes suffice for any machine. */
bool wh_machine_call_ends(enum wh_machine, const uint8_t *code, size_t n, bool thumb);

/* A return address as it is: without what arm64 signs pointers with, and without arm's bit for Thumb. */
uint64_t wh_machine_address(enum wh_machine, uint64_t value);

#endif
