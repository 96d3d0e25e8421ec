/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which frames say nothing about a crash, and how messages are called: the rules of ClusterFuzz as data (google/clusterfuzz,
 * src/clusterfuzz/stacktraces/constants.py, Copyright Google LLC, Apache-2.0), re-expressed. A rule is matched against what the
 * line says after the frame's address: `function(arguments) file:line`, backslashes turned.
 */
#ifndef WHORL_FORMAT_STACK_CRASH_RULES_H
#define WHORL_FORMAT_STACK_CRASH_RULES_H

#include <stdbool.h>

/* The whole frame. */
static const char *const ignored_exactly[] = {
	"<unknown>", "[vdso]", "__chk_fail", "__fortify_fail", "abort", "exit", "panic", "pthread_create", "pthread_kill", "raise",
	"tgkill",
};

/* The frame's beginning. */
static const char *const ignored_beginnings[] = {
	/* the C library's memory and string functions, as called and as compiled in */
	"__aeabi_", "__memcmp", "__memcpy", "__memmove", "__memset", "__strcmp", "__strcpy", "__strdup", "__strlen", "__strncpy",
	"aeabi_", "memcmp", "memcpy", "memmove", "memset", "strcmp", "strcpy", "strdup", "strlen", "strncpy", "scanf",
	/* allocation */
	"New", "alloc::", "calloc", "delete", "free", "generic_cpp_", "malloc", "mozalloc_", "new", "operator", "realloc",
	/* sanitizers' runtimes */
	"<libclang_rt.asan.so>", "__asan::", "__asan_", "__hwasan::", "__hwasan_", "__interceptor_", "__kasan_", "__lsan::",
	"__lsan_", "__msan::", "__msan_", "__sanitizer::", "__sanitizer_", "__tsan::", "__tsan_", "__ubsan::", "__ubsan_", "_asan_",
	"_hwasan_", "_lsan_", "_msan_", "_sanitizer_", "_tsan_", "_ubsan_", "MSanAtExitWrapper", "asan.module_ctor",
	"asan.module_dtor", "asan_", "check_memory_region", "kasan_",
	/* entry points and fuzzing engines */
	"LLVMFuzzerTestOneInput", "TestOneProtoInput", "__libc_", "__scrt_common_main_seh", "_start", "fuzzer::",
	"libfuzzer_sys::initialize", "main", "rust_fuzzer_test_input",
	/* ways to die */
	"Abort(", "CFCrash", "CrashTrampolineAsm", "ExitCallback", "IsSandboxedProcess", "RaiseException",
	"SbSystemBreakIntoDebugger", "SignalAction", "SignalHandler", "V8_Fatal", "WTF::", "WTFCrash", "X11Error", "_L_unlock_",
	"__GI_", "__assert_", "__cxa_atexit", "__cxa_rethrow", "__cxa_throw", "__pthread_kill", "__run_exit_handlers", "__zx_panic",
	"_objc_terminate", "abort", "absl::log_internal::", "art::Thread::CreateNativeThread", "blink::ReportV8FatalError",
	"common_exit", "demangling_terminate_handler", "exit_or_terminate_process", "fpehandler(", "g_log", "gsignal",
	"libc_io_functions_not_implemented_use_fdio_instead", "std::__terminate", "syslog::LogMessage",
	"v8::api_internal::ToLocalEmpty", "v8::internal::Isolate::PushStackTraceAndDie",
	/* Rust */
	"_$LT$", "__rust_start_panic", "__rust_try", "core::fmt::write", "panic_abort::", "rust_begin_unwind", "rust_oom",
	"rust_panic", "std::io::Write::write_fmt", "std::panic", "std::process::abort", "std::sys::unix::abort",
	"std::sys_common::backtrace",
	/* Go, Java, Swift */
	"_swift_stdlib_", "android.app.ActivityManagerProxy.", "android.os.Parcel.", "runtime.",
	/* the kernel's own reporting */
	"__dump_stack", "_etext", "dump_backtrace", "dump_stack", "object_err", "print_address_description", "print_trailer",
	"show_stack",
	/* modules */
	"<null>", "c:/clusterfuzz/bot/build", "libgcc_s.so", "linux-gate.so",
};

/* Anywhere in the frame. */
static const char *const ignored_parts[] = {
	" /rust/", " /rustc/", " base/callback", "+Unknown", "/AOSP-toolchain/", "/bindings/ToV8.h", "/crosstool/", "/gcc/",
	"/glibc-", "/jemalloc/", "/libc++", "/libc/", "/llvm-build/", "/memorycmp.c", "/minkernel/crts/", "/sanitizer_common/",
	"/tcmalloc/", "/centipede/", "/fuzztest/src/", "/googletest/src/", "/vc/include/", "/vctools/crt/", "/win_toolchain/", "<unknown module>", "ASAN_OnSIGSEGV",
	"BaseThreadInitThunk", "DebugBreak", "DefaultDcheckHandler", "ForceCrashOnSigAbort", "CheckLogMessage", "CheckNoreturnError", "Inline Function @",
	"MemoryProtection::CMemoryProtector", "PartitionAlloc", "RtlFreeHeap", "RtlInitializeExceptionChain",
	"RtlReportCriticalFailure", "RtlUserThreadStart", "RtlpHeapHandleError", "RtlpLogHeapFailure", "SkAbort_FileLine", "SkDebugf", "SkMutex::",
	"StackDumpSignalHandler", "__android_log_assert", "__tmainCRTStartup", "_asan_rtl_", "agent::asan::", "allocator_shim",
	"asan_Heap", "asan_check_access", "asan_osx_dynamic.dylib", "assert", "base::FuzzedDataProvider", "base::allocator",
	"base::android::CheckException", "base::debug::BreakDebugger", "base::debug::CollectStackTrace",
	"base::debug::StackTrace::StackTrace", "fuzztest::internal::", "ieee754-", "libc++/", "libpthread", "logger",
	"logging::CheckError", "logging::ErrnoLogMessage", "logging::LogMessage", "stdext::exception::what", "v8::base::OS::Abort",
	/* libraries that have symbols of their own where the report was symbolised at all */
	"libc++.so", "libc++_shared.so", "libc.so", "libstdc++.so",
	/* Valgrind's own */
	"/vgpreload_",
};

/* What UndefinedBehaviorSanitizer's messages are called; the first that matches as a whole (globs). */
static const struct {
	const char *message, *type;
} runtime_errors[] = {
	{ "*division by zero*", "Divide-by-zero" },
	{ "*outside the range of representable values*", "Float-cast-overflow" },
	{ "*implicit conversion from type*", "Implicit-conversion" },
	{ "*call to function * through pointer to incorrect function type*", "Incorrect-function-pointer-type" },
	{ "*out of bounds for type*", "Index-out-of-bounds" },
	{ "*not a valid value for type 'bool'*", "Invalid-bool-value" },
	{ "*not a valid value for type 'BOOL'*", "Invalid-bool-value" },
	{ "*, which is not a valid argument*", "Invalid-builtin-use" },
	{ "*misaligned address*", "Misaligned-address" },
	{ "*reached the end of a value-returning function*", "No-return-value" },
	{ "*null pointer passed as *, which is declared to never be null*", "Invalid-null-argument" },
	{ "*load of null pointer*", "Null-dereference READ" },
	{ "*binding to null pointer*", "Null-dereference" },
	{ "*access within null pointer*", "Null-dereference" },
	{ "*call on null pointer*", "Null-dereference" },
	{ "*store to null pointer*", "Null-dereference WRITE" },
	{ "*address * with insufficient space for an object of type*", "Object-size" },
	{ "*addition of unsigned offset *", "Pointer-overflow" },
	{ "*subtraction of unsigned offset *", "Pointer-overflow" },
	{ "*pointer index expression with base *", "Pointer-overflow" },
	{ "*applying non-zero offset * to null pointer*", "Pointer-overflow" },
	{ "*applying zero offset to null pointer*", "Pointer-overflow" },
	{ "*null pointer returned from function declared to never return null*", "Invalid-null-return" },
	{ "*shift*", "Undefined-shift" },
	{ "*execution reached an unreachable program point*", "Unreachable code" },
	{ "*unsigned integer overflow*", "Unsigned-integer-overflow" },
	{ "*variable length array bound evaluates to non-positive value*", "Non-positive-vla-bound-value" },
	{ "*upcast of null pointer*", "Upcast-of-null-pointer" },
	{ "*assumption is violated during execution*", "Assumption-violation" },
	{ "*not a valid value for type*", "Invalid-enum-value" },
	{ "*integer overflow*", "Integer-overflow" },
	{ "*negation of*cannot be represented in type*", "Integer-overflow" },
	{ "*division of*cannot be represented in type*", "Integer-overflow" },
};

/* Memory ran out (globs). `in_frame`: it is a frame that says so. */
static const struct {
	const char *text;
	bool in_frame;
} memory_errors[] = {
	{ "*# Allocation failed*out of memory*", false },
	{ "*ERROR*Sanitizer failed to allocate*", false },
	{ "*Fatal process out of memory:*", false },
	{ "*Fatal JavaScript out of memory:*", false },
	{ "*Fatal JavaScript invalid size error*", false },
	{ "*Out of memory. Dying.*", false },
	{ "*Out of memory. size=*", false },
	{ "*Sanitizer: allocation-size-too-big*", false },
	{ "*Sanitizer: calloc-overflow*", false },
	{ "*Sanitizer: calloc parameters overflow*", false },
	{ "*Sanitizer: requested allocation size*exceeds maximum supported size*", false },
	{ "*Sanitizer: out of memory*", false },
	{ "*allocator is out of memory trying to allocate*", false },
	{ "*couldnt allocate*Out of memory*", false },
	{ "*libFuzzer: out-of-memory (*", false },
	{ "*rss limit exhausted*", false },
	{ "*========= RSS limit exceeded:*", false },
	{ "*::OnNoMemory*", true },
	{ "*FatalProcessOutOfMemory*", true },
	{ "*FX_OutOfMemoryTerminate*", true },
	{ "*TerminateBecauseOutOfMemory*", true },
	{ "*blinkGCOutOfMemory*", true },
	{ "*in rust_oom*", true },
};

/* Lines after which frames are no longer the crash's. */
static const char *const stack_ends[] = {
	"Direct leak of", "Uninitialized value was stored to memory at", "allocated by thread", "created by main thread at",
	"located in stack of thread", "previously allocated by",
};

/* A check that failed dies by a signal next: these types stay. */
static const char *const kept_before_signal[] = {
	"Arbitrary file open", "ASSERT", "CHECK failure", "Command injection", "DCHECK failure", "Fatal error", "Out-of-memory",
	"Security CHECK failure", "Security DCHECK failure", "Stack-overflow", "Unreachable code", "V8 API error",
};

/* The low bits of an ARM fault status. */
static const char *const fault_status[16] = {
	[1] = "Alignment Fault", [3] = "Access Flag Fault, Section", [4] = "Instruction Cache Maintenance Fault",
	[5] = "Translation Fault, Section", [6] = "Access Flag Fault, Page", [7] = "Translation Fault, Page",
	[9] = "Domain Fault, Section", [11] = "Domain Fault, Page", [12] = "L1 Translation", [13] = "Permission Fault, Section",
	[14] = "L2 Translation", [15] = "Permissions Fault, Page",
};

#endif
