/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONTEXT records: WinNT.h for x86, x86-64 and arm64, Breakpad's own for arm and (its older) arm64; minidump_cpu_*.h in
 * google/breakpad. The two of arm64 differ in their flags and behind the program counter only.
 */
#include "format/stack/minidump.h"

enum {
	FLAGS_X86_64 = 0x30,
	SIZE_X86_64 = 1232,
	SIZE_X86 = 716,
	SIZE_ARM = 368,
	SIZE_ARM64 = 912,
	SIZE_ARM64_BREAKPAD = 796,
};

#define IS_X86_64 0x00100000u
#define IS_X86 0x00010000u
#define IS_ARM64 0x00400000u
#define IS_ARM64_BREAKPAD 0x80000000u
#define IS_ARM 0x40000000u

/* Where a record has registers 0, 1, …, as DWARF numbers them. */
static const uint16_t at_x86_64[] = { 0x78, 0x88, 0x80, 0x90, 0xa8, 0xb0, 0xa0, 0x98, 0xb8, 0xc0, 0xc8, 0xd0, 0xd8, 0xe0, 0xe8, 0xf0, 0xf8 };
static const uint16_t at_x86[] = { 0xb0, 0xac, 0xa8, 0xa4, 0xc4, 0xb4, 0xa0, 0x9c, 0xb8 };

void wh_md_registers(enum wh_machine machine, struct wh_bytes context, struct wh_registers *registers)
{
	const struct wh_machine_facts *facts = wh_machine_facts(machine);
	const uint16_t *table = machine == WH_MACHINE_X86_64 ? at_x86_64 : machine == WH_MACHINE_X86 ? at_x86 : NULL;
	size_t first = machine == WH_MACHINE_ARM64 ? 8 : 4; /* arm, arm64: one after the other */
	*registers = (struct wh_registers){ 0 };
	for (unsigned i = 0; i < facts->registers; i++) {
		size_t at = table ? table[i] : first + (size_t)i * facts->width;
		if (at + facts->width > context.size)
			continue;
		wh_register_set(registers, i, facts->width == 8 ? wh_md_u64(context.data + at) : wh_md_u32(context.data + at));
	}
}

enum wh_machine wh_md_machine_of_context(struct wh_bytes context)
{
	if (context.size >= SIZE_X86_64 && wh_md_u32(context.data + FLAGS_X86_64) & IS_X86_64)
		return WH_MACHINE_X86_64;
	if (context.size < 4)
		return WH_MACHINE_UNKNOWN;
	uint32_t flags = wh_md_u32(context.data);
	if ((flags & IS_ARM64 && context.size >= SIZE_ARM64) || (flags & IS_ARM64_BREAKPAD && context.size >= SIZE_ARM64_BREAKPAD))
		return WH_MACHINE_ARM64;
	if (flags & IS_ARM && context.size >= SIZE_ARM)
		return WH_MACHINE_ARM;
	return flags & IS_X86 && context.size >= SIZE_X86 ? WH_MACHINE_X86 : WH_MACHINE_UNKNOWN;
}
