/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/fault.h"

#include <strings.h>

#include "format/stack/report.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PAGE 0x1000

void wh_fault_type(struct wh_stack_builder *b, struct wh_span name, bool has_address, uint64_t address)
{
	static const struct {
		const char *name, *type;
	} faults[] = {
		{ "EXCEPTION_ACCESS_VIOLATION_READ", " READ" }, { "EXCEPTION_ACCESS_VIOLATION_WRITE", " WRITE" },
		{ "EXCEPTION_ACCESS_VIOLATION_EXEC", "" },	{ "EXCEPTION_ACCESS_VIOLATION", "" },
		{ "SIGSEGV", "" },				{ "SIGBUS", "" },
		{ "EXC_BAD_ACCESS", "" },			{ "SIGILL", "Ill" },
		{ "EXC_BAD_INSTRUCTION", "Ill" },		{ "EXCEPTION_ILLEGAL_INSTRUCTION", "Ill" },
		{ "SIGFPE", "Floating-point-exception" },	{ "EXC_ARITHMETIC", "Floating-point-exception" },
		{ "EXCEPTION_INT_DIVIDE_BY_ZERO", "Floating-point-exception" }, { "EXCEPTION_STACK_OVERFLOW", "Stack-overflow" },
	};
	for (size_t i = 0; i < COUNT(faults) && !b->stack.crash_type; i++) {
		if (!wh_scan_has(name, faults[i].name))
			continue;
		const char *type = faults[i].type;
		if (*type && *type != ' ') {
			b->stack.crash_type = type;
			return;
		}
		char *access = wh_arena_printf(b->arena, "%s%s", has_address && address < PAGE ? "Null-dereference" : "UNKNOWN", type);
		b->failed |= !access;
		b->stack.crash_type = access;
		return;
	}
}

struct name {
	const char *said, *ours;
};

/* Ours for the first that text begins with. */
static const char *find(const struct name *names, size_t n, struct wh_span text)
{
	for (size_t i = 0; i < n; i++)
		if (wh_span_size(text) >= strlen(names[i].said) && !strncasecmp(text.p, names[i].said, strlen(names[i].said)))
			return names[i].ours;
	return NULL;
}

void wh_fault_platform(struct wh_stack_builder *b, struct wh_span os, struct wh_span processor)
{
	static const struct name systems[] = {
		{ "Mac OS X", "macos" }, { "macOS", "macos" }, { "OS X", "macos" }, { "10.", "macos" }, { "iPhone OS", "ios" },
		{ "iOS", "ios" }, { "iPadOS", "ios" }, { "Apple TVOS", "tvos" }, { "tvOS", "tvos" }, { "Watch OS", "watchos" },
		{ "watchOS", "watchos" }, { "xrOS", "visionos" }, { "visionOS", "visionos" }, { "Windows", "windows" },
		{ "Linux", "linux" }, { "Android", "android" }, { "Fuchsia", "fuchsia" }, { "Solaris", "solaris" },
		{ "Debian", "linux" }, { "Ubuntu", "linux" }, { "Fedora", "linux" }, { "Red Hat", "linux" }, { "CentOS", "linux" },
		{ "Alpine", "linux" }, { "Arch", "linux" }, { "openSUSE", "linux" },
	};
	static const struct name processors[] = {
		{ "X86-64", "x86_64" }, { "x86_64", "x86_64" }, { "amd64", "x86_64" }, { "x64", "x86_64" }, { "X86", "x86" }, { "i386", "x86" },
		{ "i486", "x86" }, { "i586", "x86" }, { "i686", "x86" }, { "ARM-64", "arm64" }, { "arm64", "arm64" },
		{ "aarch64", "arm64" }, { "ARM", "arm" }, { "ppc64", "ppc64" }, { "PPC", "ppc" }, { "riscv64", "riscv64" },
		{ "mips64", "mips64" }, { "mips", "mips" }, { "s390x", "s390x" },
	};
	wh_stack_message(b, "os", os);
	const char *system = find(systems, COUNT(systems), wh_scan_trim(os));
	const char *machine = find(processors, COUNT(processors), wh_scan_trim(processor));
	if (!system && !machine)
		return;
	char *platform = wh_arena_printf(b->arena, "%s%s%s", system ? system : "", system && machine ? "-" : "", machine ? machine : "");
	b->failed |= !platform;
	if (platform)
		wh_stack_builder_attribute(b, "platform", platform, strlen(platform));
}

const char *wh_fault_signal(uint64_t number)
{
	static const char *const names[] = {
		[1] = "SIGHUP", [2] = "SIGINT", [3] = "SIGQUIT", [4] = "SIGILL", [5] = "SIGTRAP", [6] = "SIGABRT", [7] = "SIGBUS",
		[8] = "SIGFPE", [9] = "SIGKILL", [10] = "SIGUSR1", [11] = "SIGSEGV", [12] = "SIGUSR2", [13] = "SIGPIPE",
		[14] = "SIGALRM", [15] = "SIGTERM", [16] = "SIGSTKFLT", [24] = "SIGXCPU", [25] = "SIGXFSZ", [31] = "SIGSYS",
	};
	return number < COUNT(names) ? names[number] : NULL;
}
