/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was raised, in the words of Breakpad's processor (google/breakpad: src/processor/minidump_processor.cc, GetCrashReason) and of
 * rust-minidump (minidump-common/src/errors): exception codes of Windows (WinBase.h, ntstatus.h), exceptions of macOS
 * (mach/exception_types.h, mach/i386/exception.h, mach/arm/exception.h), signals of Linux as core dumps have them.
 */
#include <stdio.h>

#include "format/stack/core.h"
#include "format/stack/minidump.h"

struct name {
	uint32_t code;
	const char *text;
};

#define FIND(names, code) find(names, sizeof(names) / sizeof *(names), code)

static const char *find(const struct name *names, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].code == code)
			return names[i].text;
	return NULL;
}

/* ---- Windows ---- */

#define ACCESS_VIOLATION 0xc0000005u
#define IN_PAGE_ERROR 0xc0000006u
#define STACK_BUFFER_OVERRUN 0xc0000409u

static const struct name windows[] = {
	{ 0x40010005, "DBG_CONTROL_C" },
	{ 0x40010006, "DBG_PRINTEXCEPTION_C" },
	{ 0x406d1388, "MS_VC_EXCEPTION" },
	{ 0x80000001, "EXCEPTION_GUARD_PAGE" },
	{ 0x80000002, "EXCEPTION_DATATYPE_MISALIGNMENT" },
	{ 0x80000003, "EXCEPTION_BREAKPOINT" },
	{ 0x80000004, "EXCEPTION_SINGLE_STEP" },
	{ ACCESS_VIOLATION, "EXCEPTION_ACCESS_VIOLATION" },
	{ IN_PAGE_ERROR, "EXCEPTION_IN_PAGE_ERROR" },
	{ 0xc0000008, "EXCEPTION_INVALID_HANDLE" },
	{ 0xc000000d, "STATUS_INVALID_PARAMETER" },
	{ 0xc0000017, "STATUS_NO_MEMORY" },
	{ 0xc000001d, "EXCEPTION_ILLEGAL_INSTRUCTION" },
	{ 0xc0000022, "STATUS_ACCESS_DENIED" },
	{ 0xc0000025, "EXCEPTION_NONCONTINUABLE_EXCEPTION" },
	{ 0xc0000026, "EXCEPTION_INVALID_DISPOSITION" },
	{ 0xc000007b, "STATUS_INVALID_IMAGE_FORMAT" },
	{ 0xc000008c, "EXCEPTION_BOUNDS_EXCEEDED" },
	{ 0xc000008d, "EXCEPTION_FLT_DENORMAL_OPERAND" },
	{ 0xc000008e, "EXCEPTION_FLT_DIVIDE_BY_ZERO" },
	{ 0xc000008f, "EXCEPTION_FLT_INEXACT_RESULT" },
	{ 0xc0000090, "EXCEPTION_FLT_INVALID_OPERATION" },
	{ 0xc0000091, "EXCEPTION_FLT_OVERFLOW" },
	{ 0xc0000092, "EXCEPTION_FLT_STACK_CHECK" },
	{ 0xc0000093, "EXCEPTION_FLT_UNDERFLOW" },
	{ 0xc0000094, "EXCEPTION_INT_DIVIDE_BY_ZERO" },
	{ 0xc0000095, "EXCEPTION_INT_OVERFLOW" },
	{ 0xc0000096, "EXCEPTION_PRIV_INSTRUCTION" },
	{ 0xc000009a, "STATUS_INSUFFICIENT_RESOURCES" },
	{ 0xc00000fd, "EXCEPTION_STACK_OVERFLOW" },
	{ 0xc00000ff, "EXCEPTION_BAD_FUNCTION_TABLE" },
	{ 0xc000012d, "STATUS_COMMITMENT_LIMIT" },
	{ 0xc0000135, "STATUS_DLL_NOT_FOUND" },
	{ 0xc0000138, "STATUS_ORDINAL_NOT_FOUND" },
	{ 0xc0000139, "STATUS_ENTRYPOINT_NOT_FOUND" },
	{ 0xc000013a, "STATUS_CONTROL_C_EXIT" },
	{ 0xc0000142, "STATUS_DLL_INIT_FAILED" },
	{ 0xc0000144, "STATUS_UNHANDLED_EXCEPTION" },
	{ 0xc0000194, "EXCEPTION_POSSIBLE_DEADLOCK" },
	{ 0xc00002c9, "STATUS_REG_NAT_CONSUMPTION" },
	{ 0xc0000354, "STATUS_DEBUGGER_INACTIVE" },
	{ 0xc0000374, "EXCEPTION_HEAP_CORRUPTION" },
	{ STACK_BUFFER_OVERRUN, "EXCEPTION_STACK_BUFFER_OVERRUN" },
	{ 0xc0000417, "STATUS_INVALID_CRUNTIME_PARAMETER" },
	{ 0xc000041d, "STATUS_FATAL_USER_CALLBACK_EXCEPTION" },
	{ 0xc0000420, "STATUS_ASSERTION_FAILURE" },
	{ 0xc0000421, "STATUS_VERIFIER_STOP" },
	{ 0xc0000428, "STATUS_INVALID_IMAGE_HASH" },
	{ 0xc0000602, "STATUS_FAIL_FAST_EXCEPTION" },
	{ 0xc06d007e, "ERROR_MOD_NOT_FOUND" }, /* Visual C++'s delayed loading: VcppException(ERROR_SEVERITY_ERROR, …) */
	{ 0xc06d007f, "ERROR_PROC_NOT_FOUND" },
	{ 0xe0000008, "Out of Memory" }, /* Chromium's */
	{ 0xe0434352, "CLR_EXCEPTION" },
	{ 0xe0434f4d, "CLR_EXCEPTION" }, /* before .NET 4 */
	{ 0xe06d7363, "Unhandled C++ Exception" },
	{ 0x0517a7ed, "Simulated Exception" }, /* Crashpad's DumpWithoutCrash */
};

/* What a mapped file could not be read for. */
static const struct name page_errors[] = {
	{ 0xc000000e, "STATUS_NO_SUCH_DEVICE" },	{ 0xc0000010, "STATUS_INVALID_DEVICE_REQUEST" },
	{ 0xc0000011, "STATUS_END_OF_FILE" },		{ 0xc0000013, "STATUS_NO_MEDIA_IN_DEVICE" },
	{ 0xc000003f, "STATUS_CRC_ERROR" },		{ 0xc0000056, "STATUS_DELETE_PENDING" },
	{ 0xc000007f, "STATUS_DISK_FULL" },		{ 0xc0000098, "STATUS_FILE_INVALID" },
	{ 0xc000009a, "STATUS_INSUFFICIENT_RESOURCES" }, { 0xc000009c, "STATUS_DEVICE_DATA_ERROR" },
	{ 0xc000009d, "STATUS_DEVICE_NOT_CONNECTED" },	{ 0xc00000b5, "STATUS_IO_TIMEOUT" },
	{ 0xc00000c4, "STATUS_UNEXPECTED_NETWORK_ERROR" }, { 0xc00000c9, "STATUS_NETWORK_NAME_DELETED" },
	{ 0xc0000102, "STATUS_FILE_CORRUPT_ERROR" },	{ 0xc000012d, "STATUS_COMMITMENT_LIMIT" },
	{ 0xc0000185, "STATUS_IO_DEVICE_ERROR" },	{ 0xc000020c, "STATUS_CONNECTION_DISCONNECTED" },
	{ 0xc000026e, "STATUS_VOLUME_DISMOUNTED" },	{ 0xc000043c, "STATUS_ENCRYPTION_FAILED" },
};

/* winnt.h: what __fastfail was called with. */
static const char *const fast_fail[] = {
	"FAST_FAIL_LEGACY_GS_VIOLATION",	  "FAST_FAIL_VTGUARD_CHECK_FAILURE",	"FAST_FAIL_STACK_COOKIE_CHECK_FAILURE",
	"FAST_FAIL_CORRUPT_LIST_ENTRY",		  "FAST_FAIL_INCORRECT_STACK",		"FAST_FAIL_INVALID_ARG",
	"FAST_FAIL_GS_COOKIE_INIT",		  "FAST_FAIL_FATAL_APP_EXIT",		"FAST_FAIL_RANGE_CHECK_FAILURE",
	"FAST_FAIL_UNSAFE_REGISTRY_ACCESS",	  "FAST_FAIL_GUARD_ICALL_CHECK_FAILURE", "FAST_FAIL_GUARD_WRITE_CHECK_FAILURE",
	"FAST_FAIL_INVALID_FIBER_SWITCH",	  "FAST_FAIL_INVALID_SET_OF_CONTEXT",	"FAST_FAIL_INVALID_REFERENCE_COUNT",
	NULL,					  NULL,					NULL,
	"FAST_FAIL_INVALID_JUMP_BUFFER",	  "FAST_FAIL_MRDATA_MODIFIED",		"FAST_FAIL_CERTIFICATION_FAILURE",
	"FAST_FAIL_INVALID_EXCEPTION_CHAIN",	  "FAST_FAIL_CRYPTO_LIBRARY",		"FAST_FAIL_INVALID_CALL_IN_DLL_CALLOUT",
	"FAST_FAIL_INVALID_IMAGE_BASE",		  "FAST_FAIL_DLOAD_PROTECTION_FAILURE", "FAST_FAIL_UNSAFE_EXTENSION_CALL",
};

static void windows_reason(const struct wh_md_exception *e, char reason[static WH_MD_REASON_LONGEST], uint64_t *address, bool *accessed)
{
	const char *name = FIND(windows, e->code), *tail = "", *detail = NULL;
	if (e->code == ACCESS_VIOLATION || e->code == IN_PAGE_ERROR) {
		uint64_t kind = e->n_parameters ? e->parameters[0] : UINT64_MAX;
		tail = kind == 0 ? "_READ" : kind == 1 ? "_WRITE" : kind == 8 ? "_EXEC" : "";
		*accessed = e->n_parameters > 1;
		if (*accessed)
			*address = e->parameters[1];
		if (e->code == IN_PAGE_ERROR && e->n_parameters > 2)
			detail = FIND(page_errors, (uint32_t)e->parameters[2]);
	} else if (e->code == STACK_BUFFER_OVERRUN && e->n_parameters && e->parameters[0] < sizeof fast_fail / sizeof *fast_fail) {
		detail = fast_fail[e->parameters[0]];
	}
	if (name)
		snprintf(reason, WH_MD_REASON_LONGEST, "%s%s%s%s", name, tail, detail ? " / " : "", detail ? detail : "");
	else
		snprintf(reason, WH_MD_REASON_LONGEST, "0x%08x", e->code);
}

/* ---- Linux ---- */

#define DUMP_REQUESTED 0xffffffffu /* nothing happened, the program asked for a dump */

static void linux_reason(const struct wh_md_exception *e, char reason[static WH_MD_REASON_LONGEST], const char **signal, bool *accessed)
{
	/* Breakpad and Crashpad put the signal's number and its si_code there */
	struct wh_core_signal said = { .is_set = true, .number = e->code <= INT32_MAX ? (int)e->code : 0, .code = (int)e->flags,
				       .address = e->address };
	char text[WH_CORE_REASON];
	*accessed = wh_core_signal_faults(&said);
	*signal = wh_core_reason(&said, text);
	snprintf(reason, WH_MD_REASON_LONGEST, "%s", e->code == DUMP_REQUESTED ? "DUMP_REQUESTED" : text);
}

/* ---- macOS, iOS ---- */

enum { BAD_ACCESS = 1, BAD_INSTRUCTION, ARITHMETIC, EMULATION, SOFTWARE, BREAKPOINT, RESOURCE = 11, GUARD = 12 };

static const struct name mach[] = {
	{ BAD_ACCESS, "EXC_BAD_ACCESS" }, { BAD_INSTRUCTION, "EXC_BAD_INSTRUCTION" }, { ARITHMETIC, "EXC_ARITHMETIC" },
	{ EMULATION, "EXC_EMULATION" },	  { SOFTWARE, "EXC_SOFTWARE" },		      { BREAKPOINT, "EXC_BREAKPOINT" },
	{ 7, "EXC_SYSCALL" },		  { 8, "EXC_MACH_SYSCALL" },		      { 9, "EXC_RPC_ALERT" },
	{ 10, "EXC_CRASH" },		  { RESOURCE, "EXC_RESOURCE" },		      { GUARD, "EXC_GUARD" },
	{ 13, "EXC_CORPSE_NOTIFY" },
};

/* By exception, machine (x86 and arm stand for their 64-bit kin, too; WH_MACHINE_UNKNOWN: any) and code. */
static const struct mach_code {
	uint8_t exception, machine;
	struct name name;
} mach_codes[] = {
	{ BAD_ACCESS, 0, { 1, "KERN_INVALID_ADDRESS" } },
	{ BAD_ACCESS, 0, { 2, "KERN_PROTECTION_FAILURE" } },
	{ BAD_ACCESS, 0, { 5, "KERN_FAILURE" } },
	{ BAD_ACCESS, 0, { 8, "KERN_NO_ACCESS" } },
	{ BAD_ACCESS, 0, { 9, "KERN_MEMORY_FAILURE" } },
	{ BAD_ACCESS, 0, { 10, "KERN_MEMORY_ERROR" } },
	{ BAD_ACCESS, 0, { 50, "KERN_CODESIGN_ERROR" } },
	{ BAD_ACCESS, WH_MACHINE_X86, { 13, "EXC_I386_GPFLT" } },
	{ BAD_ACCESS, WH_MACHINE_ARM, { 0x101, "EXC_ARM_DA_ALIGN" } },
	{ BAD_ACCESS, WH_MACHINE_ARM, { 0x102, "EXC_ARM_DA_DEBUG" } },
	{ BAD_INSTRUCTION, WH_MACHINE_ARM, { 1, "EXC_ARM_UNDEFINED" } },
	{ BAD_INSTRUCTION, WH_MACHINE_X86, { 1, "EXC_I386_INVOP" } },
	{ BAD_INSTRUCTION, WH_MACHINE_X86, { 10, "EXC_I386_INVTSSFLT" } },
	{ BAD_INSTRUCTION, WH_MACHINE_X86, { 11, "EXC_I386_SEGNPFLT" } },
	{ BAD_INSTRUCTION, WH_MACHINE_X86, { 12, "EXC_I386_STKFLT" } },
	{ BAD_INSTRUCTION, WH_MACHINE_X86, { 13, "EXC_I386_GPFLT" } },
	{ BAD_INSTRUCTION, WH_MACHINE_X86, { 17, "EXC_I386_ALIGNFLT" } },
	{ ARITHMETIC, WH_MACHINE_X86, { 1, "EXC_I386_DIV" } },
	{ ARITHMETIC, WH_MACHINE_X86, { 2, "EXC_I386_INTO" } },
	{ ARITHMETIC, WH_MACHINE_X86, { 3, "EXC_I386_NOEXT" } },
	{ ARITHMETIC, WH_MACHINE_X86, { 4, "EXC_I386_EXTOVR" } },
	{ ARITHMETIC, WH_MACHINE_X86, { 5, "EXC_I386_EXTERR" } },
	{ ARITHMETIC, WH_MACHINE_X86, { 6, "EXC_I386_EMERR" } },
	{ ARITHMETIC, WH_MACHINE_X86, { 7, "EXC_I386_BOUND" } },
	{ ARITHMETIC, WH_MACHINE_X86, { 8, "EXC_I386_SSEEXTERR" } },
	{ SOFTWARE, 0, { 0x10000, "SIGSYS" } },
	{ SOFTWARE, 0, { 0x10001, "SIGPIPE" } },
	{ SOFTWARE, 0, { 0x10002, "SIGABRT" } },
	{ SOFTWARE, 0, { 0xdeadc0de, "UNCAUGHT_NS_EXCEPTION" } },
	{ BREAKPOINT, WH_MACHINE_X86, { 1, "EXC_I386_SGL" } },
	{ BREAKPOINT, WH_MACHINE_X86, { 2, "EXC_I386_BPT" } },
	{ BREAKPOINT, WH_MACHINE_ARM, { 1, "EXC_ARM_BREAKPOINT" } },
	{ BREAKPOINT, WH_MACHINE_ARM, { 0x101, "EXC_ARM_DA_ALIGN" } },
	{ BREAKPOINT, WH_MACHINE_ARM, { 0x102, "EXC_ARM_DA_DEBUG" } },
	/* the kind is in the upper bits of a 64-bit code, of which the flags are the upper half */
	{ RESOURCE, 0, { 1, "RESOURCE_TYPE_CPU" } },
	{ RESOURCE, 0, { 2, "RESOURCE_TYPE_WAKEUPS" } },
	{ RESOURCE, 0, { 3, "RESOURCE_TYPE_MEMORY" } },
	{ RESOURCE, 0, { 4, "RESOURCE_TYPE_IO" } },
	{ RESOURCE, 0, { 5, "RESOURCE_TYPE_THREADS" } },
	{ GUARD, 0, { 1, "GUARD_TYPE_MACH_PORT" } },
	{ GUARD, 0, { 2, "GUARD_TYPE_FD" } },
	{ GUARD, 0, { 3, "GUARD_TYPE_USER" } },
	{ GUARD, 0, { 4, "GUARD_TYPE_VN" } },
	{ GUARD, 0, { 5, "GUARD_TYPE_VIRT_MEMORY" } },
};

#define CRASHPAD_SIMULATED 0x43507378u /* "CPsx" */

static const char *mach_code(const struct wh_md_exception *e, enum wh_machine machine)
{
	uint32_t code = e->code == RESOURCE || e->code == GUARD ? e->flags >> 29 : e->flags;
	machine = machine == WH_MACHINE_X86_64 ? WH_MACHINE_X86 : machine == WH_MACHINE_ARM64 ? WH_MACHINE_ARM : machine;
	for (size_t i = 0; i < sizeof mach_codes / sizeof *mach_codes; i++) {
		const struct mach_code *c = &mach_codes[i];
		if (c->exception == e->code && c->name.code == code && (!c->machine || c->machine == machine))
			return c->name.text;
	}
	return NULL;
}

static void mach_reason(const struct wh_minidump *m, char reason[static WH_MD_REASON_LONGEST], const char **signal)
{
	const struct wh_md_exception *e = &m->exception;
	const char *name = FIND(mach, e->code), *code = mach_code(e, m->machine);
	if (e->code == CRASHPAD_SIMULATED)
		snprintf(reason, WH_MD_REASON_LONGEST, "Simulated Exception");
	else if (!name)
		snprintf(reason, WH_MD_REASON_LONGEST, "0x%08x / 0x%08x", e->code, e->flags);
	else if (code)
		snprintf(reason, WH_MD_REASON_LONGEST, "%s / %s", name, code);
	else
		snprintf(reason, WH_MD_REASON_LONGEST, "%s / 0x%08x", name, e->flags);
	if (code && e->code == SOFTWARE && !strncmp(code, "SIG", 3))
		*signal = code;
}

/* ---- */

static const struct name fuchsia[] = {
	{ 0x8, "GENERAL" },
	{ 0x108, "FATAL_PAGE_FAULT" },
	{ 0x208, "UNDEFINED_INSTRUCTION" },
	{ 0x308, "SW_BREAKPOINT" },
	{ 0x408, "HW_BREAKPOINT" },
	{ 0x508, "UNALIGNED_ACCESS" },
	{ 0x8008, "THREAD_STARTING" },
	{ 0x8108, "THREAD_EXITING" },
	{ 0x8208, "POLICY_ERROR" },
	{ 0x8308, "PROCESS_STARTING" },
};

void wh_md_reason(const struct wh_minidump *m, char reason[static WH_MD_REASON_LONGEST], const char **signal, uint64_t *address,
		  bool *accessed)
{
	const struct wh_md_exception *e = &m->exception;
	const char *name;
	reason[0] = 0;
	*signal = NULL;
	*address = e->address;
	*accessed = false;
	if (!e->is_set || (!e->code && !e->flags)) /* a dump without a crash has the stream for its thread's sake */
		return;
	switch (m->system) {
	case WH_MD_WIN32S:
	case 1:
	case WH_MD_WINDOWS:
	case WH_MD_WINDOWS_CE:
		windows_reason(e, reason, address, accessed);
		break;
	case WH_MD_LINUX:
	case WH_MD_ANDROID:
	case WH_MD_NACL:
		linux_reason(e, reason, signal, accessed);
		break;
	case WH_MD_MACOS:
	case WH_MD_IOS:
		mach_reason(m, reason, signal);
		*accessed = e->code == BAD_ACCESS;
		break;
	case WH_MD_FUCHSIA:
		name = FIND(fuchsia, e->code);
		if (name)
			snprintf(reason, WH_MD_REASON_LONGEST, "%s", name);
		else
			snprintf(reason, WH_MD_REASON_LONGEST, "0x%08x", e->code);
		break;
	default:
		snprintf(reason, WH_MD_REASON_LONGEST, "0x%08x / 0x%08x", e->code, e->flags);
	}
}
