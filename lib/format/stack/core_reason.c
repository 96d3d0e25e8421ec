/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and their codes: Linux, include/uapi/asm-generic/signal.h and siginfo.h; the same numbers on the four machines. */
#include <stdio.h>

#include "format/stack/core.h"

static const char *const signals[] = {
	NULL,      "SIGHUP",  "SIGINT",  "SIGQUIT",   "SIGILL",  "SIGTRAP", "SIGABRT", "SIGBUS",  "SIGFPE",    "SIGKILL", "SIGUSR1",
	"SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM",   "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN",
	"SIGTTOU", "SIGURG",  "SIGXCPU", "SIGXFSZ",   "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR",  "SIGSYS",
};

/* Codes of a signal that the kernel raised, from 1 on. */
static const struct codes {
	int signal;
	const char *names[17];
} codes[] = {
	{ 4, { "ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG", "ILL_COPROC", "ILL_BADSTK", "ILL_BADIADDR" } },
	{ 5, { "TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT", "TRAP_UNK", "TRAP_PERF" } },
	{ 7, { "BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO" } },
	{ 8, { "FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV", "FPE_FLTSUB" } },
	{ 11, { "SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR", "SEGV_ACCADI", "SEGV_ADIDERR", "SEGV_ADIPERR", "SEGV_MTEAERR",
		"SEGV_MTESERR", "SEGV_CPERR" } },
	{ 31, { "SYS_SECCOMP", "SYS_USER_DISPATCH" } },
};

/* Codes of any signal: who sent it. */
static const char *sender(int code)
{
	switch (code) {
	case 0: return "SI_USER";
	case 0x80: return "SI_KERNEL";
	case -1: return "SI_QUEUE";
	case -2: return "SI_TIMER";
	case -3: return "SI_MESGQ";
	case -4: return "SI_ASYNCIO";
	case -5: return "SI_SIGIO";
	case -6: return "SI_TKILL";
	default: return NULL;
	}
}

static const char *code_name(const struct wh_core_signal *signal)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].signal == signal->number && signal->code >= 1 && signal->code <= (int)(sizeof codes->names / sizeof *codes->names))
			return codes[i].names[signal->code - 1];
	return sender(signal->code);
}

const char *wh_core_reason(const struct wh_core_signal *signal, char reason[static WH_CORE_REASON])
{
	const char *name = signal->number > 0 && signal->number < (int)(sizeof signals / sizeof *signals) ? signals[signal->number] : NULL;
	/* abort() and kill() send SIGABRT themselves: that says nothing */
	const char *code = signal->is_set && signal->number != 6 ? code_name(signal) : NULL;
	*reason = 0;
	if (name)
		snprintf(reason, WH_CORE_REASON, "%s%s%s", name, code ? " / " : "", code ? code : "");
	else if (signal->number > 0)
		snprintf(reason, WH_CORE_REASON, "signal %d", signal->number);
	return name;
}

bool wh_core_signal_faults(const struct wh_core_signal *signal)
{
	return signal->is_set && signal->code > 0 && signal->code < 0x80 &&
	       (signal->number == 4 || signal->number == 7 || signal->number == 8 || signal->number == 11);
}
