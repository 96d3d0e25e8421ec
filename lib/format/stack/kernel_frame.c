/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/kernel.h"

enum { LONGEST_NAME = 4096 }; /* beyond it a line is no frame */

/* ---- pieces of a frame ---- */

bool wh_kernel_marker(struct wh_span *s, struct wh_span *marker, bool *boundary)
{
	static const struct {
		const char *text;
		bool boundary;
	} markers[] = {
		{ "<IRQ>", false },   { "</IRQ>", true },  { "<TASK>", false },    { "</TASK>", false },    { "<EOI>", true },
		{ "<NMI>", false },   { "</NMI>", true },  { "<<EOE>>", true },    { "<SOFTIRQ>", false },  { "</SOFTIRQ>", true },
		{ "<#DF>", false },   { "</#DF>", true },  { "<#DB>", false },     { "</#DB>", true },      { "<#DB1>", false },
		{ "</#DB1>", true },  { "<#MC>", false },  { "</#MC>", true },     { "<ENTRY>", false },    { "</ENTRY>", true },
		{ "<ENTRY_TRAMPOLINE>", false }, { "</ENTRY_TRAMPOLINE>", true }, { "<#VC>", false }, { "</#VC>", true },
		{ "<#VC2>", false },  { "</#VC2>", true },
	};
	if (s->p == s->end || *s->p != '<')
		return false;
	for (size_t i = 0; i < sizeof markers / sizeof *markers; i++)
		if (wh_scan_skip(s, markers[i].text)) {
			*marker = (struct wh_span){ s->p - strlen(markers[i].text), s->p };
			*boundary = markers[i].boundary;
			wh_scan_blanks(s);
			return true;
		}
	return false;
}

/* `[<ffffffff8105d670>]` or PowerPC's `[c000000010f930b0]`; also `[<     inline     >]` and `[<      none      >]`. */
static bool skip_address(struct wh_span *s, uint64_t *address, bool *has, bool *inlined)
{
	struct wh_span at = *s;
	*has = *inlined = false;
	if (!wh_scan_skip(&at, "["))
		return false;
	bool angle = wh_scan_skip(&at, "<");
	wh_scan_blanks(&at);
	const char *digits = at.p;
	if (wh_scan_skip(&at, "inline") && angle)
		*inlined = true;
	else if (angle && (wh_scan_skip(&at, "none") || wh_scan_skip(&at, "(null)") || wh_scan_skip(&at, "(ptrval)")))
		;
	else if ((wh_scan_hex(&at, address) || wh_scan_digits16(&at, address)) && (angle || at.p - digits >= 8))
		*has = true;
	else
		return false;
	wh_scan_blanks(&at);
	if (angle && !wh_scan_skip(&at, ">"))
		return false;
	if (!wh_scan_skip(&at, "]"))
		return false;
	*s = at;
	return true;
}

/* `f+0x12/0x34`, `f+0x12`; the name reaches to the plus before the offset, and has no blanks. */
static bool parse_symbol(struct wh_span *s, struct wh_kernel_frame *f)
{
	const char *end = s->p;
	while (end < s->end && *end != ' ' && *end != '\t' && *end != ')' && *end != '>')
		end++;
	struct wh_span word = { s->p, end };
	if (wh_span_size(word) > LONGEST_NAME)
		return false;
	const char *plus = wh_scan_find(word, "+0x");
	if (!plus || plus == word.p)
		return false;
	struct wh_span at = { plus + 1, word.end };
	uint64_t size;
	if (!wh_scan_hex(&at, &f->offset))
		return false;
	f->has_offset = true;
	f->sized = wh_scan_skip(&at, "/") && wh_scan_hex(&at, &size);
	if (at.p < at.end && *at.p != ',' && *at.p != ':')
		return false;
	f->function = (struct wh_span){ word.p, plus };
	s->p = at.p;
	return true;
}

/* `[ext4]`, `[ext4(O)]`, `[ext4 deadbeef…]`; not `[inline]`. */
static bool parse_module(struct wh_span *s, struct wh_kernel_frame *f)
{
	struct wh_span at = *s;
	wh_scan_blanks(&at);
	if (!wh_scan_skip(&at, "[") || wh_scan_has(at, "inline]"))
		return false;
	const char *close = memchr(at.p, ']', wh_span_size(at));
	if (!close || close == at.p)
		return false;
	struct wh_span inner = { at.p, close }, name = inner;
	for (name.end = name.p; name.end < inner.end && *name.end != ' ' && *name.end != '('; name.end++)
		;
	f->module = name;
	struct wh_span rest = wh_scan_trim((struct wh_span){ name.end, inner.end });
	const char *digits = rest.p;
	uint64_t ignored;
	if (wh_scan_digits16(&rest, &ignored) && rest.p == rest.end && rest.end - digits >= 16)
		f->build_id = (struct wh_span){ digits, rest.end };
	s->p = close + 1;
	return true;
}

/* `mm/slab.c:123`, `mm/slab.c:123:4` up to a blank or the end, then perhaps `[inline]`. */
static bool parse_place(struct wh_span *s, struct wh_kernel_frame *f)
{
	struct wh_span at = *s, number;
	wh_scan_blanks(&at);
	const char *end = at.p;
	while (end < at.end && *end != ' ' && *end != '\t')
		end++;
	const char *colon = memchr(at.p, ':', (size_t)(end - at.p));
	uint64_t line;
	if (!colon || colon == at.p)
		return false;
	number = (struct wh_span){ colon + 1, end };
	if (!wh_scan_decimal(&number, &line))
		return false;
	f->file = (struct wh_span){ at.p, colon };
	f->line = line <= UINT32_MAX ? (uint32_t)line : 0;
	s->p = end;
	return true;
}

/* What stands behind the symbol; false where it is no frame's. */
static bool parse_tail(struct wh_span s, struct wh_kernel_frame *f)
{
	wh_scan_blanks(&s);
	if (s.p == s.end)
		return true;
	if (*s.p == '[')
		parse_module(&s, f);
	parse_place(&s, f);
	wh_scan_blanks(&s);
	if (wh_scan_skip(&s, "[inline]"))
		f->inlined = true;
	if (wh_scan_skip(&s, "(unreliable)"))
		f->unreliable = true;
	for (int i = 0; i < 3; i++) { /* arm64 says where a frame comes from: (P) its registers, (L) the link register, … */
		wh_scan_blanks(&s);
		if (s.end - s.p < 3 || s.p[0] != '(' || s.p[2] != ')')
			break;
		s.p += 3;
	}
	return s.p == s.end || f->sized;
}

/* ---- frames ---- */

/* `(f)` or `(f+0x12/0x34 [mod])` of ARM's. */
static bool parse_parenthesised(struct wh_span *s, struct wh_kernel_frame *f)
{
	struct wh_span at = *s;
	if (!wh_scan_skip(&at, "("))
		return false;
	const char *close = memchr(at.p, ')', wh_span_size(at));
	if (!close || close - at.p > LONGEST_NAME)
		return false;
	struct wh_span inner = { at.p, close };
	if (!parse_symbol(&inner, f)) {
		if (memchr(inner.p, ' ', wh_span_size(inner)) || inner.p == inner.end)
			return false;
		f->function = inner;
	}
	s->p = close + 1;
	wh_scan_blanks(s);
	if (s->p < s->end && *s->p == '[' && (s->p + 1 == s->end || s->p[1] != '<')) {
		parse_module(s, f);
		wh_scan_blanks(s);
	}
	return true;
}

/* ARM: `[<c0014318>] (f+0x…) from [<c001457c>] (g+0x24/0x2c)`, `f from g+0x24/0x2c`, `Function entered at [<…>] from [<…>]`. */
static bool parse_arm(struct wh_span s, struct wh_kernel_frame *f)
{
	struct wh_kernel_frame callee = { 0 };
	bool inlined;
	wh_scan_skip(&s, "Function entered at ");
	const char *from = wh_scan_find(s, " from ");
	if (!from || from - s.p > LONGEST_NAME)
		return false;
	struct wh_span left = { s.p, from }, right = { from + strlen(" from "), s.end };
	bool addressed = skip_address(&left, &callee.address, &callee.has_address, &inlined);
	wh_scan_blanks(&left);
	if (left.p < left.end && *left.p == '(') {
		if (!addressed || !parse_parenthesised(&left, &callee))
			return false;
	} else if (!addressed) {
		struct wh_span word = left;
		while (word.p < word.end && *word.p != ' ')
			word.p++;
		callee.function = (struct wh_span){ left.p, word.p };
		left.p = word.p;
		parse_module(&left, &callee);
	}
	wh_scan_blanks(&left);
	if (left.p < left.end)
		return false;
	addressed = skip_address(&right, &f->address, &f->has_address, &inlined);
	wh_scan_blanks(&right);
	if (right.p < right.end && *right.p == '(' ? !parse_parenthesised(&right, f) : !parse_symbol(&right, f) && !addressed)
		return false;
	f->callee = callee.function;
	f->callee_address = callee.address;
	f->has_callee_address = callee.has_address;
	f->sized |= f->has_address;
	return parse_tail(right, f);
}

bool wh_kernel_frame(struct wh_span s, struct wh_kernel_frame *f)
{
	bool inlined = false, has, addressed = false, parenthesis = false;
	*f = (struct wh_kernel_frame){ 0 };
	if (s.p == s.end)
		return false;
	if (*s.p == '(' && s.p + 1 < s.end && s.p[1] == '[') { /* s390: a caller that was read off the stack */
		parenthesis = true;
		s.p++;
		if (s.end[-1] == ')')
			s.end--;
	}
	struct wh_span whole = s;
	uint64_t address;
	for (int i = 0; i < 2 && skip_address(&s, &address, &has, &inlined); i++) { /* PowerPC: the stack, then the code */
		addressed = true;
		f->inlined |= inlined;
		f->has_address = has;
		f->address = address;
		wh_scan_blanks(&s);
	}
	if (wh_scan_skip(&s, "? ")) {
		f->unreliable = true;
		wh_scan_blanks(&s);
	}
	if (s.p == s.end)
		return addressed && f->has_address;
	if (addressed && *s.p == '(') {
		*f = (struct wh_kernel_frame){ 0 };
		return parse_arm(whole, f);
	}
	if (parse_symbol(&s, f))
		return parse_tail(s, f) && (!parenthesis || addressed);
	/* without a symbol: the address again */
	struct wh_span at = s;
	if (wh_scan_hex(&at, &address) && at.p - s.p >= 6) {
		wh_scan_blanks(&at);
		f->address = address;
		f->has_address = true;
		return at.p == at.end || *at.p == '[' || *at.p == '(';
	}
	/* `f mm/x.c:12 [inline]` */
	const char *end = s.p;
	while (end < s.end && *end != ' ')
		end++;
	at.p = end;
	if (end > s.p && end - s.p < LONGEST_NAME && parse_place(&at, f)) {
		wh_scan_blanks(&at);
		f->inlined |= wh_scan_skip(&at, "[inline]");
		f->function = (struct wh_span){ s.p, end };
		if (f->inlined || addressed)
			return at.p == at.end;
	}
	if (wh_scan_find(s, " from ") || addressed) {
		struct wh_kernel_frame arm = { 0 };
		if (parse_arm(whole, &arm)) {
			*f = arm;
			return true;
		}
	}
	return false;
}

/* ---- where the processor was ---- */

/* After the words: `[<addr>]  [<addr>] f+0x…`, `f+0x…`, `(f+0x…)`, `<f+0x…>`, an address alone. */
static bool parse_where(struct wh_span s, struct wh_kernel_frame *f)
{
	bool has, inlined, any = false;
	uint64_t address;
	s = wh_scan_trim(s);
	for (int i = 0; i < 2 && skip_address(&s, &address, &has, &inlined); i++) {
		f->address = address;
		f->has_address = has;
		any |= has;
		wh_scan_blanks(&s);
	}
	if (s.p < s.end && (*s.p == '(' || *s.p == '<'))
		s.p++;
	struct wh_span at = s;
	if (parse_symbol(&at, f)) {
		if (at.p < at.end && (*at.p == ')' || *at.p == '>' || *at.p == ','))
			return true;
		parse_tail(at, f);
		return true;
	}
	if (wh_scan_hex(&at, &address) && (at.p == at.end || *at.p == ' ')) {
		f->address = address;
		f->has_address = true;
		return true;
	}
	const char *end = s.p;
	while (end < s.end && *end != ' ')
		end++;
	at.p = end;
	if (end > s.p && parse_place(&at, f)) { /* `RIP: 0010:f mm/x.c:12 [inline]` */
		f->function = (struct wh_span){ s.p, end };
		wh_scan_blanks(&at);
		f->inlined = wh_scan_skip(&at, "[inline]");
		return true;
	}
	return any;
}

bool wh_kernel_place(struct wh_span s, struct wh_kernel_frame *f, bool *user)
{
	uint64_t selector;
	*f = (struct wh_kernel_frame){ 0 };
	*user = false;
	if (s.p == s.end)
		return false;
	switch (*s.p) {
	case 'R':
		if (wh_scan_skip(&s, "RIP: ")) {
			struct wh_span at = s;
			if (wh_scan_digits16(&at, &selector) && wh_scan_skip(&at, ":")) {
				*user = (selector & 3) == 3 || selector == 0x23 || selector == 0x2b;
				return *user || parse_where(at, f) || wh_scan_find(at, "(null)") || wh_scan_has(at, "0x");
			}
			return parse_where(s, f);
		}
		return false;
	case 'E':
		if (wh_scan_skip(&s, "EIP is at"))
			return parse_where(s, f);
		if (wh_scan_skip(&s, "EIP: ")) {
			struct wh_span at = s;
			if (wh_scan_digits16(&at, &selector) && wh_scan_skip(&at, ":")) {
				*user = (selector & 3) == 3 && selector != 0x61;
				return *user; /* `EIP: 0060:[<c0…>] EFLAGS`: `EIP is at` comes after it */
			}
			return parse_where(s, f) && f->has_offset;
		}
		return false;
	case 'P':
		return wh_scan_skip(&s, "PC is at") && parse_where(s, f);
	case 'p':
		if (wh_scan_skip(&s, "pc : ") || wh_scan_skip(&s, "pc is at "))
			return parse_where(s, f) && f->has_offset;
		return false;
	case 'N':
		return wh_scan_skip(&s, "NIP ") && parse_where(s, f) && f->has_offset;
	case 'K':
		if (wh_scan_skip(&s, "Krnl PSW : ")) {
			const char *open = memchr(s.p, '(', wh_span_size(s));
			return open && parse_where((struct wh_span){ open, s.end }, f);
		}
		return false;
	case 'e':
		if (wh_scan_skip(&s, "epc")) {
			wh_scan_blanks(&s);
			if (!wh_scan_skip(&s, ":"))
				return false;
			wh_scan_blanks(&s);
			struct wh_span at = s; /* MIPS prints the number first, RISC-V only the symbol */
			if (wh_scan_digits16(&at, &selector) && wh_scan_has(at, " "))
				s = at;
			return parse_where(s, f) && f->has_offset;
		}
		return false;
	case 'T':
		return wh_scan_skip(&s, "TPC: ") && parse_where(s, f);
	}
	return false;
}
