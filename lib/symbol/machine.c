/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/machine.h"

#include <elf.h>

#define BITS(first, last) ((((uint64_t)2 << (last)) - 1) & ~(((uint64_t)1 << (first)) - 1))
#define BIT(i) ((uint64_t)1 << (i))

static const struct wh_machine_facts machines[] = {
	[WH_MACHINE_UNKNOWN] = { .name = "unknown", .pc = WH_NO_REGISTER, .sp = WH_NO_REGISTER, .fp = WH_NO_REGISTER,
				 .link = WH_NO_REGISTER, .align = 1 },
	/* rbx, rbp, r12-r15 */
	[WH_MACHINE_X86_64] = { "x86_64", EM_X86_64, 8, 17, 16, 7, 6, WH_NO_REGISTER, 1, BIT(3) | BIT(6) | BITS(12, 15) },
	/* ebx, ebp, esi, edi */
	[WH_MACHINE_X86] = { "x86", EM_386, 4, 9, 8, 4, 5, WH_NO_REGISTER, 1, BIT(3) | BITS(5, 7) },
	/* x19-x29 */
	[WH_MACHINE_ARM64] = { "arm64", EM_AARCH64, 8, 33, 32, 31, 29, 30, 4, BITS(19, 29) },
	/* r4-r11 */
	[WH_MACHINE_ARM] = { "arm", EM_ARM, 4, 16, 15, 13, 11, 14, 2, BITS(4, 11) },
};

const struct wh_machine_facts *wh_machine_facts(enum wh_machine machine)
{
	return &machines[(unsigned)machine < sizeof machines / sizeof *machines ? machine : WH_MACHINE_UNKNOWN];
}

enum wh_machine wh_machine_of_elf(uint16_t machine)
{
	for (unsigned i = WH_MACHINE_UNKNOWN + 1; i < sizeof machines / sizeof *machines; i++)
		if (machines[i].elf == machine)
			return (enum wh_machine)i;
	return WH_MACHINE_UNKNOWN;
}

/* ---- calls ---- */

/* Length of `call r/m` (FF /2) without prefixes whose ModRM byte is at p; 0: it is none. Intel SDM volume 2, tables 2-1 to 2-3. */
static size_t indirect_call_size(const uint8_t *p, size_t n)
{
	uint8_t mode = p[0] >> 6, base = p[0] & 7;
	if ((p[0] >> 3 & 7) != 2)
		return 0;
	size_t size = 2;
	if (mode != 3 && base == 4) {
		if (n < 2)
			return 0;
		size++;
		if (mode == 0 && (p[1] & 7) == 5)
			size += 4;
	} else if (mode == 0 && base == 5) {
		size += 4;
	}
	return size + (mode == 1 ? 1 : mode == 2 ? 4 : 0);
}

static bool x86_call_ends(const uint8_t *code, size_t n)
{
	if (n >= 5 && code[n - 5] == 0xe8)
		return true;
	for (size_t size = 2; size <= 7 && size <= n; size++)
		if (code[n - size] == 0xff && indirect_call_size(code + n - size + 1, size - 1) == size)
			return true;
	return false;
}

static uint32_t word_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* BL, BLR, BLRAA and its like: Arm ARM C6.2. */
static bool arm64_call_ends(const uint8_t *code, size_t n)
{
	uint32_t word = n >= 4 ? word_at(code + n - 4) : 0;
	return (word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000 || (word & 0xfefff800) == 0xd63f0800;
}

/* BL, BLX: Arm ARM A8.8.25, A8.8.26. */
static bool arm_call_ends(const uint8_t *code, size_t n, bool thumb)
{
	uint32_t word = n >= 4 ? word_at(code + n - 4) : 0;
	if (!thumb)
		return (word & 0x0f000000) == 0x0b000000 || (word & 0xfe000000) == 0xfa000000 || (word & 0x0ffffff0) == 0x012fff30;
	uint32_t first = word & 0xffff, second = word >> 16;
	return (n >= 4 && (first & 0xf800) == 0xf000 && (second & 0xc000) == 0xc000) || (n >= 2 && (second & 0xff87) == 0x4780);
}

bool wh_machine_call_ends(enum wh_machine machine, const uint8_t *code, size_t n, bool thumb)
{
	switch (machine) {
	case WH_MACHINE_X86_64:
	case WH_MACHINE_X86:
		return x86_call_ends(code, n);
	case WH_MACHINE_ARM64:
		return arm64_call_ends(code, n);
	case WH_MACHINE_ARM:
		return arm_call_ends(code, n, thumb);
	case WH_MACHINE_UNKNOWN:
		break;
	}
	return false;
}

uint64_t wh_machine_address(enum wh_machine machine, uint64_t value)
{
	if (machine == WH_MACHINE_ARM)
		return value & ~(uint64_t)1;
	if (machine == WH_MACHINE_ARM64 && !(value >> 55 & 1)) /* bit 55 says which half of the address space it is: ours */
		return value & 0x0000ffffffffffff;
	return value;
}
