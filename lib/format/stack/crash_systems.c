/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of operating systems: Android's debuggerd, the Linux kernel. */
#include "format/stack/crash_machine.h"

#include "format/stack/crash_rules.h"

void wh_crash_android(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest, fault;
	bool sig = wh_scan_after(line, "signal", &rest);
	if (sig && wh_scan_after(rest, "(SIG", &rest) && wh_scan_after(rest, "fault addr ", &fault) &&
	    (!wh_crash_type_begins(m, "UNKNOWN") || !wh_scan_find(line, "Fatal signal"))) {
		struct wh_span address = wh_scan_until(fault, " ");
		wh_crash_begin(m, "UNKNOWN");
		m->java_exception = false;
		if (wh_scan_find(line, "SEGV_MTESERR"))
			wh_crash_set_type_name(m, "Tag-mismatch");
		if (wh_scan_find(line, "SIGSEGV"))
			wh_crash_set_address(m, address);
		struct wh_span after = { address.end, line.end };
		const char *open = wh_span_size(after) && after.end[-1] == ')' ? wh_scan_last(after, "(") : NULL;
		if (open) {
			wh_str_clear(&m->process);
			wh_str_add(&m->process, open + 1, (size_t)(after.end - 1 - (open + 1)));
			for (size_t i = 0; i < m->process.n; i++) {
				char *c = &m->process.data[i];
				if (!i && *c >= 'a' && *c <= 'z')
					*c ^= 32;
				else if (i && *c >= 'A' && *c <= 'Z')
					*c |= 32;
			}
		}
	}
	rest = line;
	if (wh_scan_skip(&rest, "Abort message: ")) {
		wh_crash_set_type_name(m, "CHECK failure");
		m->has_address = false;
		m->java_exception = true;
		const char *blank = wh_span_size(rest) ? memchr(rest.p, ' ', wh_span_size(rest)) : NULL;
		struct wh_span file = { rest.p, blank };
		const char *fatal = blank ? wh_scan_find(file, "FATAL:") : NULL;
		if (fatal)
			file.p = fatal + strlen("FATAL:");
		if (blank)
			wh_crash_set_check(m, (struct wh_span){ blank + 1, rest.end }, wh_crash_file_name(file));
		else
			wh_crash_set_check(m, rest, (struct wh_span){ NULL, NULL });
		m->n_frames = 1;
	}
}

static void set_kernel_type(struct wh_crash_machine *m, struct wh_span name, bool capitalise)
{
	wh_crash_set_type_capitalised(m, "Kernel failure\n", name, " ", capitalise);
}

void wh_crash_kernel(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span rest, s;
	if (!m->kasan && wh_scan_after_last(line, "Internal error: ", &rest)) {
		wh_scan_skip(&rest, "Oops");
		if (wh_scan_skip(&rest, " - ") || wh_scan_skip(&rest, ": ")) {
			struct wh_span code = wh_crash_hex(rest);
			uint64_t value = 0;
			s = code;
			wh_crash_reset(m);
			if (wh_scan_has(rest, "BUG") || !wh_scan_digits16(&s, &value)) {
				wh_crash_set_type_name(m, "BUG");
			} else {
				const char *status = fault_status[value & 15];
				struct wh_str type = { 0 };
				wh_str_printf(&type, "Kernel failure\n%s %s (%d)", value & 0x800 ? "WRITE" : "READ", status ? status : "Unknown",
					      (int)value);
				if (type.data)
					wh_crash_set_type_name(m, type.data);
				m->type.failed |= type.failed;
				wh_str_release(&type);
			}
		}
	}
	s = line;
	if (!m->kasan && !wh_crash_is_kernel(m) && wh_scan_skip(&s, "Kernel panic - not syncing: ")) {
		wh_crash_reset(m);
		set_kernel_type(m, s, false);
	}
	s = line;
	if (wh_scan_skip(&s, "kernel BUG at "))
		set_kernel_type(m, s, true);
	s = line;
	if (wh_scan_skip(&s, "BUG: KASAN: ")) {
		const char *in = wh_scan_last(s, " in "), *on = wh_scan_last(s, " on ");
		const char *end = in ? in : on;
		struct wh_span address;
		if (end) {
			set_kernel_type(m, (struct wh_span){ s.p, end }, true);
			if (wh_scan_after_last(s, "addr ", &address) || wh_scan_after_last(s, "address ", &address))
				wh_crash_set_address(m, wh_crash_hex(address));
		}
	} else if (wh_scan_skip(&s, "KASAN: ") && wh_scan_after(s, " range [", &rest)) {
		const char *in = wh_scan_find(s, " in range ");
		if (in)
			set_kernel_type(m, (struct wh_span){ s.p, in }, true);
	}
	if (wh_scan_has(line, "general protection fault:") && wh_scan_find(line, "KASAN"))
		wh_crash_set_type_name(m, "Kernel failure\nGeneral-protection-fault");
	if (wh_crash_is_kernel(m) && (wh_scan_has(line, "Read of size ") || wh_scan_has(line, "Write of size "))) {
		bool write = *line.p == 'W';
		struct wh_span size = { line.p + (write ? strlen("Write of size ") : strlen("Read of size ")), line.end };
		const char *first = size.p;
		uint64_t value;
		if (wh_scan_decimal(&size, &value)) {
			wh_str_puts(&m->type, write ? "\nWRITE " : "\nREAD ");
			wh_str_add(&m->type, first, (size_t)(size.p - first));
		}
	}
}
