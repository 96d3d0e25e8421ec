/* SPDX-License-Identifier: Apache-2.0 */
/* Unwinding by .ARM.exidx, what 32-bit arm programs have in place of .eh_frame: "Exception Handling ABI for the Arm Architecture". */
#ifndef WHORL_SYMBOL_EXIDX_H
#define WHORL_SYMBOL_EXIDX_H

#include "symbol/elf_file.h"
#include "symbol/unwind.h"

/* bias: from addresses in the file to those of the process. */
enum wh_step wh_exidx_step(const struct wh_elf *, uint64_t bias, const struct wh_unwinder *, uint64_t pc, const struct wh_registers *,
			   struct wh_registers *caller);

#endif
