/* SPDX-License-Identifier: Apache-2.0 */
/* A module's file, whoever made it, and a thread that was in it: opening, symbols, lines, and a walk by its call frame information over
 * memory that is made of the file's own bytes. The first 16 bytes of the input say where the thread was. */
#include <string.h>
#include <unistd.h>

#include "symbol/elf_file.h"
#include "symbol/module.h"
#include "symbol/unwind.h"
#include "target.h"

#define BASE 0x400000u
#define STACK 0x7ff0000u

struct thread {
	const uint8_t *data;
	size_t size;
	struct wh_module *module;
	size_t frames;
	uint64_t sp;
};

static size_t read_memory(void *user, uint64_t address, void *to, size_t n)
{
	struct thread *t = user;
	if (address >= BASE && address < STACK)
		return wh_module_read(t->module, address - BASE, to, n);
	if (address < STACK || address - STACK >= t->size)
		return 0;
	size_t at = (size_t)(address - STACK);
	n = n < t->size - at ? n : t->size - at;
	memcpy(to, t->data + at, n);
	return n;
}

static bool is_code(void *user, uint64_t address)
{
	const struct thread *t = user;
	return address >= BASE && address - BASE < wh_module_size(t->module);
}

static enum wh_step step(const struct wh_unwinder *u, uint64_t pc, const struct wh_registers *registers, struct wh_registers *caller, bool *signal)
{
	const struct thread *t = u->user;
	return is_code(u->user, pc) ? wh_module_step(t->module, BASE, u, pc, registers, caller, signal) : WH_STEP_UNKNOWN;
}

static int take_place(void *user, const struct wh_place *place, struct wh_err *err)
{
	(void)user;
	(void)err;
	MUST(!place->function || strlen(place->function) < 1 << 24);
	return WH_OK;
}

static int take_frame(void *user, const struct wh_unwound *frame, struct wh_err *err)
{
	struct thread *t = user;
	MUST(++t->frames <= 4096);
	if (t->frames < 8 && is_code(t, frame->lookup))
		return wh_module_places(t->module, frame->lookup - BASE, take_place, NULL, err);
	return WH_OK;
}

static void look_at(struct wh_module *module, enum wh_machine machine, const uint8_t *data, size_t size, uint64_t start, uint64_t sp)
{
	struct thread thread = { data, size, module, 0, 0 };
	struct wh_err err = { 0 };
	const struct wh_machine_facts *facts = wh_machine_facts(machine);
	struct wh_unwinder unwinder = { .machine = machine, .read = read_memory, .is_code = is_code, .cfi = step, .user = &thread, .most = 4096 };
	struct wh_registers registers = { 0 };
	uint64_t extent = wh_module_size(module);
	for (unsigned i = 0; i < facts->registers; i++)
		wh_register_set(&registers, i, STACK + 8 * i);
	wh_register_set(&registers, facts->pc, BASE + (extent ? start % extent : 0));
	wh_register_set(&registers, facts->sp, STACK + (size ? sp % size : 0));
	MUST(wh_unwind(&unwinder, &registers, take_frame, &thread, NULL, &err) == WH_OK);
	for (unsigned i = 0; i < 16; i++)
		MUST(wh_module_places(module, start + i * 16, take_place, NULL, &err) == WH_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wh_values values;
	struct wh_modules *modules;
	struct wh_module *module;
	struct wh_err err = { 0 };
	struct wh_elf file;
	uint64_t start, sp;
	char path[64];
	if (size < 16)
		return 0;
	memcpy(&start, data, 8);
	memcpy(&sp, data + 8, 8);
	int fd = target_file(data + 16, size - 16, path);
	MUST(wh_values_init(&values, wh_symbol_params, &err) == WH_OK && wh_values_set(&values, "executable", path, &err) == WH_OK);
	MUST(wh_modules_new(&modules, &values, &err) == WH_OK);
	struct wh_module_asked asked = { .program = true };
	MUST(wh_modules_get(modules, &asked, &module, &err) == WH_OK && module);
	if (wh_elf_open(&file, path)) {
		enum wh_machine machine = wh_elf_machine(&file);
		wh_elf_close(&file);
		look_at(module, machine, data, size, start, sp);
	}
	wh_module_drop(modules, module);
	wh_modules_free(modules);
	wh_values_release(&values);
	close(fd);
	return 0;
}
