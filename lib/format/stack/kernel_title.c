/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/kernel.h"

/* What a report's first line begins with. reason NULL: made from the line itself. */
static const struct {
	const char *prefix, *reason;
	enum wh_kernel_kind kind;
} titles[] = {
	{ "BUG: KASAN: ", "KASAN: ", WH_KERNEL_KASAN },
	{ "BUG: KMSAN: ", "KMSAN: ", WH_KERNEL_PLAIN },
	{ "BUG: KCSAN: ", "KCSAN: ", WH_KERNEL_PLAIN },
	{ "BUG: KFENCE: ", "KFENCE: ", WH_KERNEL_PLAIN },
	{ "UBSAN: ", "UBSAN: ", WH_KERNEL_UBSAN },
	{ "BUG: unable to handle kernel NULL pointer dereference", "BUG: unable to handle kernel NULL pointer dereference", 0 },
	{ "BUG: kernel NULL pointer dereference", "BUG: unable to handle kernel NULL pointer dereference", 0 },
	{ "BUG: Kernel NULL pointer dereference", "BUG: unable to handle kernel NULL pointer dereference", 0 },
	{ "Unable to handle kernel NULL pointer dereference", "BUG: unable to handle kernel NULL pointer dereference", 0 },
	{ "BUG: unable to handle kernel paging request", "BUG: unable to handle kernel paging request", 0 },
	{ "BUG: unable to handle page fault for address", "BUG: unable to handle kernel paging request", 0 },
	{ "BUG: Unable to handle kernel data access", "BUG: unable to handle kernel paging request", 0 },
	{ "Unable to handle kernel paging request", "BUG: unable to handle kernel paging request", 0 },
	{ "Unable to handle kernel read from unreadable memory", "BUG: unable to handle kernel paging request", 0 },
	{ "Unable to handle kernel write to read-only memory", "BUG: unable to handle kernel paging request", 0 },
	{ "Unable to handle kernel access to user memory", "BUG: unable to handle kernel access to user memory", 0 },
	{ "Unable to handle kernel execut", "BUG: unable to handle kernel execution", 0 },
	{ "Unable to handle kernel ", "BUG: unable to handle kernel access", 0 },
	{ "BUG: unable to handle ", "BUG: unable to handle kernel access", 0 },
	{ "BUG: soft lockup", "BUG: soft lockup", 0 },
	{ "Watchdog detected hard LOCKUP", "BUG: hard lockup", 0 },
	{ "BUG: workqueue lockup", "BUG: workqueue lockup", 0 },
	{ "BUG: sleeping function called from invalid context", "BUG: sleeping function called from invalid context", 0 },
	{ "BUG: scheduling while atomic", "BUG: scheduling while atomic", 0 },
	{ "BUG: Bad page state", "BUG: Bad page state", 0 },
	{ "BUG: Bad page map", "BUG: Bad page map", 0 },
	{ "BUG: Bad rss-counter state", "BUG: Bad rss-counter state", 0 },
	{ "BUG: spinlock lockup suspected", "BUG: spinlock lockup suspected", 0 },
	{ "BUG: using smp_processor_id() in preemptible", "BUG: using smp_processor_id() in preemptible code", 0 },
	{ "BUG: using __this_cpu_", "BUG: using __this_cpu operation in preemptible code", 0 },
	{ "WARNING: kernel stack regs ", "WARNING: kernel stack regs has bad value", 0 },
	{ "WARNING: kernel stack frame pointer ", "WARNING: kernel stack frame pointer has bad value", 0 },
	{ "VFS: Busy inodes after unmount", "VFS: Busy inodes after unmount", 0 },
	{ "VFS: Close: file count is ", "VFS: Close: file count is zero", 0 },
	{ "BUG: memory leak", "memory leak", 0 },
	{ "BUG: lock held when returning to user space", "WARNING: lock held when returning to user space", WH_KERNEL_LOCKDEP },
	{ "kernel BUG at ", "kernel BUG", 0 },
	{ "Kernel BUG at ", "kernel BUG", 0 },
	{ "general protection fault", "general protection fault", 0 },
	{ "divide error", "divide error", 0 },
	{ "stack segment: ", "stack segment fault", 0 },
	{ "int3: ", "int3", 0 },
	{ "double fault: ", "PANIC: double fault", 0 },
	{ "PANIC: double fault", "PANIC: double fault", 0 },
	{ "alignment check: ", "alignment check", 0 },
	{ "Unhandled fault: ", "Unhandled fault", 0 },
	{ "Unhandled kernel unaligned access", "Unhandled kernel unaligned access", 0 },
	{ "Bad mode in ", "Bad mode", 0 },
	{ "kernel stack overflow", "kernel stack overflow", 0 },
	{ "Kernel stack overflow", "kernel stack overflow", 0 },
	{ "Insufficient stack space to handle exception", "kernel stack overflow", 0 },
	{ "kernel tried to execute ", "BUG: unable to handle kernel execution", 0 },
	{ "unregister_netdevice: waiting for ", "unregister_netdevice: waiting for a device to become free", WH_KERNEL_WEAK },
	{ "INFO: trying to register non-static key", "INFO: trying to register non-static key", 0 },
	{ "Oops: ", "Oops", WH_KERNEL_WEAK },
	{ "Oops - ", "Oops", WH_KERNEL_WEAK },
	{ "Oops[#", "Oops", WH_KERNEL_WEAK },
	{ "Kernel bug detected[#", "kernel BUG", WH_KERNEL_WEAK },
	{ "Internal error: ", "Internal error", WH_KERNEL_WEAK },
	{ "invalid opcode: ", "invalid opcode", WH_KERNEL_WEAK },
	{ "illegal operation: ", "illegal operation", WH_KERNEL_WEAK },
	{ "Kernel panic - not syncing: ", NULL, WH_KERNEL_PANIC },
	{ "Kernel panic: ", NULL, WH_KERNEL_PANIC },
};

/* What lockdep says behind `WARNING: `, `[ INFO: `, `INFO: `, `[ BUG: ` or `BUG: `. */
static const struct {
	const char *text, *reason;
} lockdep[] = {
	{ "possible circular locking dependency detected", "possible deadlock" },
	{ "possible recursive locking detected", "possible deadlock" },
	{ "possible irq lock inversion dependency detected", "possible deadlock" },
	{ "possible reason: unannotated irqs", "WARNING: locking bug" },
	{ "HARDIRQ-safe -> HARDIRQ-unsafe lock order detected", "possible deadlock" },
	{ "SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected", "possible deadlock" },
	{ "HARDIRQ-READ-safe -> HARDIRQ-unsafe lock order detected", "possible deadlock" },
	{ "SOFTIRQ-READ-safe -> SOFTIRQ-unsafe lock order detected", "possible deadlock" },
	{ "inconsistent lock state", "inconsistent lock state" },
	{ "suspicious rcu_dereference_check() usage", "WARNING: suspicious RCU usage" },
	{ "suspicious RCU usage", "WARNING: suspicious RCU usage" },
	{ "bad unlock balance detected", "WARNING: bad unlock balance" },
	{ "bad contention detected", "WARNING: bad contention" },
	{ "held lock freed", "WARNING: held lock freed" },
	{ "lock held at task exit time", "WARNING: lock held at task exit time" },
	{ "lock held when returning to user space", "WARNING: lock held when returning to user space" },
	{ "still has locks held", "WARNING: still has locks held" },
	{ "Nested lock was not taken", "WARNING: nested lock was not taken" },
	{ "nested lock was not taken", "WARNING: nested lock was not taken" },
	{ "Invalid wait context", "BUG: Invalid wait context" },
	{ "context switch with preemption", "BUG: context switch" },
};

static struct wh_span constant(const char *text)
{
	return (struct wh_span){ text, text + strlen(text) };
}

/* The words that say what kind of thing happened: up to where it happened, to whom, numbers and addresses. colons: they belong. */
static struct wh_span kind_of(struct wh_span s, bool colons)
{
	static const char *const stops[] = { ": ", " in ", " at ", " on ", " for ", " from ", " by ", "! ", " (", " [", "\"" };
	size_t most = wh_span_size(s);
	for (size_t i = colons ? 1 : 0; i < sizeof stops / sizeof *stops; i++) {
		const char *at = wh_scan_find((struct wh_span){ s.p, s.p + most }, stops[i]);
		if (at > s.p)
			most = (size_t)(at - s.p);
	}
	s.end = s.p + most;
	for (const char *p = s.p; p < s.end; p++) /* a number that is a word of its own */
		if (*p >= '0' && *p <= '9' && p > s.p && (p[-1] == ' ' || p[-1] == '#')) {
			s.end = p - 1;
			break;
		}
	if (wh_span_size(s) > 80)
		s.end = s.p + 80;
	while (s.end > s.p && strchr(" .!,:;#=-", s.end[-1]))
		s.end--;
	return s;
}

/* The whole of `prefix` and the kind that follows; both lie next to one another in the line. */
static struct wh_span with_prefix(struct wh_span line, size_t prefix)
{
	struct wh_span kind = kind_of((struct wh_span){ line.p + prefix, line.end }, false);
	return (struct wh_span){ line.p, kind.end };
}

static bool find_lockdep(struct wh_span s, struct wh_kernel_title *title)
{
	/* a process may stand before it: `syz-executor/5 still has locks held!` */
	if (wh_span_size(s) > 200)
		return false;
	for (size_t i = 0; i < sizeof lockdep / sizeof *lockdep; i++) {
		const char *at = wh_scan_find(s, lockdep[i].text);
		if (at && (at == s.p || i + 5 >= sizeof lockdep / sizeof *lockdep)) {
			title->kind = WH_KERNEL_LOCKDEP;
			title->reason = constant(lockdep[i].reason);
			return true;
		}
	}
	return false;
}

static bool find_taint_word(struct wh_span s)
{
	return wh_scan_find(s, "(Tainted: ") || wh_scan_find(s, "(Not tainted");
}

/* `INFO: task …`, `INFO: rcu_sched …stall…`, `WARNING: CPU: …`, `WARNING: at …`, other `BUG: …` */
static bool find_worded(struct wh_span s, struct wh_kernel_title *title)
{
	struct wh_span rest = s;
	bool bracket = wh_scan_skip(&rest, "[ ");
	if (wh_scan_skip(&rest, "INFO: ")) {
		if (find_lockdep(rest, title))
			return true;
		if (wh_scan_has(rest, "task ") && wh_scan_find(rest, " blocked for more than ")) {
			title->reason = constant("INFO: task hung");
			return true;
		}
		if (wh_scan_has(rest, "task ") && wh_scan_find(rest, "can't die for more than")) {
			title->reason = constant("INFO: task can't die");
			return true;
		}
		if (wh_scan_has(rest, "rcu") && wh_scan_find(rest, "stall")) {
			title->reason = constant("INFO: rcu detected stall");
			return true;
		}
		return false;
	}
	if (wh_scan_skip(&rest, "WARNING: ")) {
		if (find_lockdep(rest, title))
			return true;
		/* WARNING: CPU: 0 PID: 1 at f:l; WARNING: at f:l; WARNING: f.c:12 at fn+0x…, CPU#0 */
		const char *at = wh_scan_has(rest, "at ") ? rest.p : wh_scan_find(rest, " at ");
		if (at && (wh_scan_has(rest, "CPU: ") || at == rest.p || wh_scan_find(rest, "CPU#")) && memchr(at, ':', (size_t)(rest.end - at))) {
			title->reason = constant("WARNING");
			return true;
		}
		if (wh_scan_has(rest, "stack recursion") || wh_scan_has(rest, "kernel stack ") || wh_scan_has(rest, "can't dereference")) {
			title->reason = with_prefix(s, strlen("WARNING: "));
			return true;
		}
		return false;
	}
	if (wh_scan_has(rest, "BUG ")) { /* SLUB: BUG kmalloc-4096 (Tainted: G  I ): Poison overwritten */
		const char *colon = wh_scan_find(rest, "): ");
		if (colon && find_taint_word(rest)) {
			title->reason = kind_of((struct wh_span){ colon + strlen("): "), rest.end }, false);
			return title->reason.p < title->reason.end;
		}
	}
	if (wh_scan_skip(&rest, "BUG: ") || (bracket && wh_scan_skip(&rest, "BUG "))) {
		if (find_lockdep(rest, title))
			return true;
		if (bracket || rest.p == rest.end)
			return false;
		title->reason = with_prefix(s, strlen("BUG: "));
		return title->reason.end > rest.p;
	}
	return false;
}

static bool find_listed(struct wh_span s, struct wh_kernel_title *title)
{
	static const char initials[] = "BIKOPUVWadgiksu"; /* of all titles: most lines begin with none of them */
	if (!memchr(initials, *s.p, sizeof initials - 1))
		return false;
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
		if (*titles[i].prefix != *s.p || !wh_scan_has(s, titles[i].prefix))
			continue;
		size_t n = strlen(titles[i].prefix);
		struct wh_span rest = { s.p + n, s.end };
		title->kind = titles[i].kind;
		if (titles[i].reason && titles[i].reason[strlen(titles[i].reason) - 1] != ' ') {
			title->reason = constant(titles[i].reason);
		} else if (titles[i].reason) { /* a sanitizer: its name without `BUG: `, and the kind */
			struct wh_span kind = kind_of(rest, false);
			title->reason = (struct wh_span){ rest.p - strlen(titles[i].reason), kind.end };
		} else {
			title->reason = kind_of(rest, true);
			if (wh_scan_has(rest, "stack-protector"))
				title->reason = constant("stack is corrupted");
		}
		return true;
	}
	return false;
}

bool wh_kernel_title(struct wh_span s, struct wh_kernel_title *title)
{
	static const char *const speakers[] = { "NMI watchdog: ", "watchdog: ", "rcu: ", "traps: ", "kernel:", "Oops: " };
	*title = (struct wh_kernel_title){ .kind = WH_KERNEL_PLAIN };
	if (wh_span_size(s) < 6)
		return false;
	for (size_t i = 0; i < sizeof speakers / sizeof *speakers; i++) {
		struct wh_span rest = s;
		if (*s.p != *speakers[i] || !wh_scan_skip(&rest, speakers[i]) || rest.p == rest.end)
			continue;
		struct wh_kernel_title other = { .kind = WH_KERNEL_PLAIN };
		if (find_listed(rest, &other) || find_worded(rest, &other)) {
			*title = other;
			return true;
		}
	}
	if (find_listed(s, title))
		return true;
	return (*s.p == 'I' || *s.p == 'W' || *s.p == 'B' || *s.p == '[') && find_worded(s, title);
}
