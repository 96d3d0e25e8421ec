/* SPDX-License-Identifier: Apache-2.0 */
/* A Breakpad symbol file: whatever it says, addresses named in it are looked up and left on every machine, from a stack made of its own
 * bytes, within the effort allowed. */
#include <string.h>

#include "symbol/breakpad.h"
#include "target.h"

enum { STACK = 4096, ADDRESSES = 48 };

#define BASE 0x10000000u
#define STACK_AT 0x7fff0000u

struct world {
	const uint8_t *data;
	size_t size;
};

/* The stack is the file, over and over. */
static size_t read_stack(void *user, uint64_t address, void *to, size_t n)
{
	const struct world *w = user;
	size_t i = 0;
	for (; i < n && address + i >= STACK_AT && address + i < STACK_AT + STACK; i++)
		((uint8_t *)to)[i] = w->data[(address + i - STACK_AT) % w->size];
	return i;
}

static bool is_code(void *user, uint64_t address)
{
	(void)user;
	return address >= BASE;
}

static int take_place(void *user, const struct wh_place *place, struct wh_err *err)
{
	(void)err;
	MUST(!place->function || *place->function);
	MUST(!place->file || *place->file);
	*(size_t *)user += place->inlined ? 0 : 1;
	return WH_OK;
}

static void look_at(const struct wh_breakpad *b, struct world *w, uint64_t offset)
{
	size_t effort = (size_t)1 << 20, functions = 0;
	struct wh_err err = { 0 };
	int code = wh_breakpad_places(b, offset, &effort, take_place, &functions, &err);
	MUST(code == WH_OK && functions <= 1);
	for (int machine = WH_MACHINE_X86_64; machine <= WH_MACHINE_ARM; machine++) {
		struct wh_unwinder u = { .machine = (enum wh_machine)machine, .read = read_stack, .is_code = is_code, .user = w, .blind = true };
		struct wh_registers registers = { .known = UINT64_MAX }, caller = { 0 };
		uint32_t parameters = 8;
		for (unsigned i = 0; i < WH_REGISTERS; i++)
			registers.value[i] = STACK_AT + 64 + 8 * i;
		enum wh_step step = wh_breakpad_step(b, BASE, &effort, &parameters, &u, BASE + offset, &registers, &caller);
		MUST(step != WH_STEP_CALLER || wh_register_known(&caller, wh_machine_facts(u.machine)->pc));
	}
	MUST(effort <= (size_t)1 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { data, size };
	struct wh_breakpad *b;
	struct wh_err err = { 0 };
	uint64_t number = 0;
	size_t digits = 0, addresses = 0;
	int code = wh_breakpad_parse(&b, (struct wh_bytes){ size ? (const char *)data : "", size }, NULL, &err);
	MUST(code == WH_OK || code == WH_E_FORMAT);
	if (code != WH_OK)
		return 0;
	for (size_t i = 0; i <= size && addresses < ADDRESSES; i++) {
		uint8_t c = i < size ? data[i] : 0, digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 255;
		if (digit != 255) {
			number = number << 4 | digit;
			digits++;
			continue;
		}
		if (digits && digits <= 16) {
			look_at(b, &w, number);
			addresses++;
		}
		number = digits = 0;
	}
	look_at(b, &w, 0);
	wh_breakpad_free(b);
	return 0;
}
