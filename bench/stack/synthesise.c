/* SPDX-License-Identifier: Apache-2.0 */
/*
 * synthesise [--reports N] [--seed N] [--common SHARE] [--faces DISCOUNT] [--bugs DISCOUNT] REAL.jsonl…: N labelled crash reports made
 * from real ones, as neutral JSON lines on stdout; what was fitted and drawn on stderr. REAL.jsonl is what `whorl stack show --labels …`
 * prints, one file a corpus. The same seed gives the same bytes. --faces and --bugs: other than the likeliest discount; more of it, more
 * distinct stacks, or more bugs.
 *
 * Everything that grows is a Pitman-Yor process with the discount that is likeliest for the real corpora (restaurant.h):
 *   bugs      reports choose their bug;
 *   faces     reports of a bug choose one of its stacks;
 *   versions  bugs choose, for each family of rare functions, which library or program of the same build it stands for.
 *
 * A bug is a real stack. Frames that are common in their corpus (main loops, glib, Qt, kernel entries) keep their names, so that what
 * everyone shares is shared as in the field. Rare ones are renamed by the version of their family; and one or more of the rare frames
 * nearest to the crash get names of the bug's own, for else two bugs would be one. A new face is an older one with some changes: other
 * callers below a frame that some other real stack has, too; frames inserted, dropped (inlined) or unknown; the bottom cut off. Every
 * report then gets what normalisation is there to remove: abort and thread start, repeated frames, compiler suffixes, addresses, lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"
#include "stack/corpus.h"
#include "stack/restaurant.h"

enum { LONGEST = 200, OWN = 1u << 31, CHANGES = 8 };

/* A symbol under a name: 0 its real one, v the v-th version's, OWN | bug that of one bug. */
struct place {
	uint32_t symbol, version;
};

struct face {
	size_t first; /* in places */
	uint32_t n;
	uint64_t hash; /* of what normalisation leaves */
};

struct bug {
	struct restaurant hits;            /* tables are faces */
	struct WH_VEC(struct face) faces;
	struct WH_VEC(struct place) versions; /* family, version */
	uint32_t number, real;
	bool aborts;
};

struct where {
	uint32_t stack, index;
};

struct maker {
	struct corpus real;
	struct habit bugs_habit, faces_habit, versions_habit;
	struct restaurant bugs;
	struct WH_VEC(struct bug *) bug;
	struct restaurant *families;
	struct WH_VEC(struct place) places;
	struct WH_VEC(struct where) *occurrences; /* per symbol */
	struct wh_rng rng;
	struct wh_str out;
};

static int out_of_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static bool chance(struct maker *m, double p)
{
	return wh_rng_real(&m->rng) < p;
}

/* 1, 2, 3 … each (1 - p) times as likely as the one before. */
static uint32_t some(struct maker *m, double p)
{
	uint32_t n = 1;
	while (n < CHANGES && !chance(m, p))
		n++;
	return n;
}

/* ---- fitting ---- */

/* One restaurant a run of `key`s; sizes are the runs of equal (key, value). */
struct pair {
	uint32_t key, value;
};

static int by_pair(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	return x->key != y->key ? (x->key < y->key ? -1 : 1) : x->value < y->value ? -1 : x->value > y->value;
}

static int fit_pairs(struct pair *pairs, size_t n, struct habit *habit, struct wh_err *err)
{
	uint32_t *sizes = malloc((n + 1) * sizeof *sizes);
	const uint32_t **first = malloc((n + 1) * sizeof *first);
	size_t *count = calloc(n + 1, sizeof *count), restaurants = 0, tables = 0;
	int code = sizes && first && count ? WH_OK : out_of_memory(err);
	if (code == WH_OK)
		qsort(pairs, n, sizeof *pairs, by_pair);
	for (size_t i = 0; code == WH_OK && i < n; i++) {
		if (!i || pairs[i].key != pairs[i - 1].key)
			first[restaurants++] = sizes + tables;
		if (!i || by_pair(&pairs[i], &pairs[i - 1])) {
			sizes[tables++] = 0;
			count[restaurants - 1]++;
		}
		sizes[tables - 1]++;
	}
	if (code == WH_OK)
		*habit = restaurant_fit(first, count, restaurants);
	free(sizes);
	free(first);
	free(count);
	return code;
}

/* Rare functions as guests in their family's restaurant: how many bugs share the same ones says how fast new ones appear. */
static int fit_versions(struct maker *m, struct wh_err *err)
{
	struct WH_VEC(struct pair) met = { 0 }; /* label, symbol; once a bug */
	int code = WH_OK;
	for (size_t s = 0; code == WH_OK && s < m->real.stacks.n; s++) {
		const struct stack *stack = &m->real.stacks.data[s];
		for (uint32_t i = 0; code == WH_OK && i < stack->n; i++) {
			uint32_t symbol = m->real.frames.data[stack->first + i];
			if (!m->real.symbols.data[symbol].common &&
			    wh_vec_push(&met, ((struct pair){ stack->label == UINT32_MAX ? (uint32_t)s | OWN : stack->label, symbol })))
				code = out_of_memory(err);
		}
	}
	size_t n = 0;
	if (met.n)
		qsort(met.data, met.n, sizeof *met.data, by_pair);
	for (size_t i = 0; i < met.n; i++)
		if (!i || by_pair(&met.data[i], &met.data[i - 1]))
			met.data[n++] = met.data[i];
	for (size_t i = 0; i < n; i++)
		met.data[i].key = 0;
	if (code == WH_OK)
		code = fit_pairs(met.data, n, &m->versions_habit, err);
	wh_vec_release(&met);
	return code;
}

static int fit(struct maker *m, struct wh_err *err)
{
	const struct corpus *real = &m->real;
	struct pair *pairs = malloc((real->reports.n + 1) * sizeof *pairs);
	if (!pairs)
		return out_of_memory(err);
	size_t n = 0;
	for (size_t file = 0, r = 0; file < real->ends.n; file++)
		for (; r < real->ends.data[file]; r++)
			if (real->reports.data[r].label != UINT32_MAX)
				pairs[n++] = (struct pair){ (uint32_t)file, real->reports.data[r].label };
	int code = fit_pairs(pairs, n, &m->bugs_habit, err);
	n = 0;
	for (size_t r = 0; r < real->reports.n; r++)
		if (real->reports.data[r].label != UINT32_MAX)
			pairs[n++] = (struct pair){ real->reports.data[r].label, real->reports.data[r].stack };
	if (code == WH_OK)
		code = fit_pairs(pairs, n, &m->faces_habit, err);
	free(pairs);
	WH_TRY(code);
	WH_TRY(fit_versions(m, err));
	fprintf(stderr, "fitted (discount, strength): bugs %.2f %.1f; faces %.2f %.1f; versions %.2f %.1f\n", m->bugs_habit.discount,
		m->bugs_habit.strength, m->faces_habit.discount, m->faces_habit.strength, m->versions_habit.discount,
		m->versions_habit.strength);
	m->versions_habit.strength = 1; /* each family begins with the real one */
	return WH_OK;
}

static int note_occurrences(struct maker *m, struct wh_err *err)
{
	m->occurrences = calloc(m->real.symbols.n + 1, sizeof *m->occurrences);
	m->families = calloc(m->real.families.n + 1, sizeof *m->families);
	if (!m->occurrences || !m->families)
		return out_of_memory(err);
	for (uint32_t s = 0; s < m->real.stacks.n; s++)
		for (uint32_t i = 0; i < m->real.stacks.data[s].n; i++)
			if (wh_vec_push(&m->occurrences[m->real.frames.data[m->real.stacks.data[s].first + i]], ((struct where){ s, i })))
				return out_of_memory(err);
	return WH_OK;
}

/* ---- bugs ---- */

static uint32_t version_of(struct maker *m, struct bug *bug, uint32_t family)
{
	for (size_t i = 0; i < bug->versions.n; i++)
		if (bug->versions.data[i].symbol == family)
			return bug->versions.data[i].version;
	uint32_t version = restaurant_enter(&m->families[family], &m->versions_habit, &m->rng);
	if (version == UINT32_MAX || wh_vec_push(&bug->versions, ((struct place){ family, version })))
		return UINT32_MAX;
	return version;
}

static int put(struct maker *m, struct bug *bug, uint32_t symbol, struct place *place, struct wh_err *err)
{
	const struct symbol *s = &m->real.symbols.data[symbol];
	place->symbol = symbol;
	place->version = s->common ? 0 : version_of(m, bug, s->family);
	return place->version == UINT32_MAX ? out_of_memory(err) : WH_OK;
}

/* Nameless frames and repeats do not make a face different. */
static uint64_t hash_face(const struct place *places, uint32_t n)
{
	struct place left[LONGEST];
	size_t kept = 0;
	for (uint32_t i = 0; i < n; i++)
		if (places[i].symbol != UINT32_MAX && (!kept || memcmp(&left[kept - 1], &places[i], sizeof *places)))
			left[kept++] = places[i];
	return wh_hash(left, kept * sizeof *left, 0);
}

static bool is_known(const struct bug *bug, uint64_t hash)
{
	for (size_t i = 0; i < bug->faces.n; i++)
		if (bug->faces.data[i].hash == hash)
			return true;
	return false;
}

static int keep_face(struct maker *m, struct bug *bug, const struct place *places, uint32_t n, struct wh_err *err)
{
	struct face face = { m->places.n, n, hash_face(places, n) };
	if (wh_vec_reserve(&m->places, m->places.n + n) || wh_vec_push(&bug->faces, face))
		return out_of_memory(err);
	memcpy(m->places.data + m->places.n, places, n * sizeof *places);
	m->places.n += n;
	return WH_OK;
}

static int new_bug(struct maker *m, struct wh_err *err)
{
	struct place places[LONGEST];
	struct bug *bug = calloc(1, sizeof *bug);
	if (!bug || wh_vec_push(&m->bug, bug)) {
		free(bug);
		return out_of_memory(err);
	}
	bug->number = (uint32_t)m->bug.n - 1;
	bug->real = (uint32_t)wh_rng_below(&m->rng, m->real.stacks.n);
	bug->aborts = chance(m, 0.15);
	const struct stack *stack = &m->real.stacks.data[bug->real];
	uint32_t n = stack->n < LONGEST ? stack->n : LONGEST, own = some(m, 0.5);
	for (uint32_t i = 0; i < n; i++) {
		WH_TRY(put(m, bug, m->real.frames.data[stack->first + i], &places[i], err));
		const struct symbol *symbol = &m->real.symbols.data[places[i].symbol];
		if (own && !symbol->common && !symbol->unknown) {
			places[i].version = OWN | bug->number;
			own--;
		}
	}
	if (own && (places[0].version & OWN) == 0)
		places[0].version = OWN | bug->number;
	return keep_face(m, bug, places, n, err);
}

/* ---- faces ---- */

/* Other callers: what some real stack has below one of our frames takes the place of what we have. */
static int change_callers(struct maker *m, struct bug *bug, struct place *places, uint32_t *n, struct wh_err *err)
{
	uint32_t at = (uint32_t)wh_rng_below(&m->rng, *n), symbol = places[at].symbol;
	if (symbol == UINT32_MAX)
		return WH_OK;
	struct where w = m->occurrences[symbol].data[wh_rng_below(&m->rng, m->occurrences[symbol].n)];
	const struct stack *other = &m->real.stacks.data[w.stack];
	*n = at + 1;
	for (uint32_t i = w.index + 1; i < other->n && *n < LONGEST; i++)
		WH_TRY(put(m, bug, m->real.frames.data[other->first + i], &places[(*n)++], err));
	return WH_OK;
}

static int insert_frame(struct maker *m, struct bug *bug, struct place *places, uint32_t *n, struct wh_err *err)
{
	if (*n == LONGEST)
		return WH_OK;
	/* a frame that stood beside one of ours in some real stack */
	uint32_t at = (uint32_t)wh_rng_below(&m->rng, *n), symbol = places[at].symbol;
	if (symbol == UINT32_MAX)
		return WH_OK;
	struct where w = m->occurrences[symbol].data[wh_rng_below(&m->rng, m->occurrences[symbol].n)];
	const struct stack *other = &m->real.stacks.data[w.stack];
	uint32_t from = w.index + 1 < other->n ? w.index + 1 : w.index;
	memmove(places + at + 1, places + at, (*n - at) * sizeof *places);
	++*n;
	return put(m, bug, m->real.frames.data[other->first + from], &places[at + 1], err);
}

static void drop_frame(struct maker *m, struct place *places, uint32_t *n)
{
	uint32_t at = (uint32_t)wh_rng_below(&m->rng, *n);
	if (*n < 3)
		return;
	memmove(places + at, places + at + 1, (*n - at - 1) * sizeof *places);
	--*n;
}

static int change(struct maker *m, struct bug *bug, struct place *places, uint32_t *n, struct wh_err *err)
{
	double dice = wh_rng_real(&m->rng);
	if (dice < 0.35)
		return change_callers(m, bug, places, n, err);
	if (dice < 0.55)
		return insert_frame(m, bug, places, n, err);
	if (dice < 0.75)
		drop_frame(m, places, n);
	else if (dice < 0.9)
		*n = *n > 4 ? (uint32_t)(2 + wh_rng_below(&m->rng, *n - 2)) : *n;
	else
		places[wh_rng_below(&m->rng, *n)] = (struct place){ UINT32_MAX, 0 };
	return WH_OK;
}

static int new_face(struct maker *m, struct bug *bug, struct wh_err *err)
{
	struct place places[LONGEST];
	uint32_t n = 0;
	for (int tries = 0; tries < 30; tries++) {
		size_t older = chance(m, 0.5) ? 0 : wh_rng_below(&m->rng, bug->faces.n);
		struct face from = bug->faces.data[older];
		memcpy(places, m->places.data + from.first, from.n * sizeof *places);
		n = from.n;
		for (uint32_t changes = some(m, 0.5); changes; changes--)
			WH_TRY(change(m, bug, places, &n, err));
		if (!is_known(bug, hash_face(places, n)))
			break;
	}
	return keep_face(m, bug, places, n, err);
}

/* ---- writing ---- */

/* q, r, … zz: letters only, for a digit may be a compiler's. */
static void letters(struct wh_str *out, uint32_t number)
{
	do {
		wh_str_putc(out, (char)('a' + number % 26));
		number /= 26;
	} while (number);
}

static void escaped(struct wh_str *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"' || text[i] == '\\')
			wh_str_putc(out, '\\');
		if ((unsigned char)text[i] >= ' ')
			wh_str_putc(out, text[i]);
	}
}

static void begin_frame(struct maker *m, bool *first)
{
	wh_str_puts(&m->out, *first ? "{" : ",{");
	*first = false;
}

static void end_frame(struct maker *m)
{
	wh_str_printf(&m->out, "\"address\":\"0x%llx\"}", 0x7f0000000000ull + (wh_rng_next(&m->rng) >> 28));
}

static void plain_frame(struct maker *m, bool *first, const char *function)
{
	begin_frame(m, first);
	wh_str_printf(&m->out, "\"function\":\"%s\",\"module\":\"/lib/x86_64-linux-gnu/libc.so.6\",", function);
	end_frame(m);
}

/* `name` with the version's mark: before ".so" and the like in modules, before a trailing bracket in functions. */
static void renamed(struct maker *m, const char *name, size_t n, uint32_t version)
{
	size_t body = n;
	for (size_t i = 1; i < n && body == n; i++)
		if (name[i] == '(' || name[i] == '<' || name[i] == '[' || !strncmp(name + i, ".so", 3) || !strncmp(name + i, "::operator", 10))
			body = i;
	escaped(&m->out, name, body);
	if (version) {
		wh_str_puts(&m->out, version & OWN ? "_own_" : "_");
		letters(&m->out, version & ~OWN);
	}
	escaped(&m->out, name + body, n - body);
}

static void write_frame(struct maker *m, bool *first, struct place place)
{
	begin_frame(m, first);
	if (place.symbol != UINT32_MAX) {
		const struct symbol *symbol = &m->real.symbols.data[place.symbol];
		struct wh_bytes name = wh_strtab_get(&m->real.names, place.symbol);
		if (!symbol->unknown) {
			wh_str_puts(&m->out, "\"function\":\"");
			renamed(m, name.data, name.size, place.version);
			if (!place.version && chance(m, 0.02) && !memchr(name.data, ':', name.size))
				wh_str_puts(&m->out, ".isra.0");
			wh_str_puts(&m->out, "\",");
		}
		if (symbol->module) {
			wh_str_puts(&m->out, "\"module\":\"");
			renamed(m, symbol->module, strlen(symbol->module), symbol->unknown ? place.version : 0);
			wh_str_puts(&m->out, "\",");
		}
		if (!symbol->unknown)
			wh_str_printf(&m->out, "\"line\":%u,", 1 + (unsigned)wh_rng_below(&m->rng, 4000));
	}
	end_frame(m);
}

static void write_frames(struct maker *m, const struct bug *bug, struct face face)
{
	bool first = true;
	const struct place *places = m->places.data + face.first;
	if (bug->aborts) {
		plain_frame(m, &first, "raise");
		plain_frame(m, &first, "abort");
	}
	for (uint32_t i = 0; i < face.n; i++) {
		uint32_t turns = chance(m, 0.01) ? 1 + (uint32_t)wh_rng_below(&m->rng, 6) : 1;
		while (turns-- > 0)
			write_frame(m, &first, places[i]);
	}
	if (face.n < LONGEST && chance(m, 0.7)) {
		plain_frame(m, &first, "__libc_start_main");
		plain_frame(m, &first, "_start");
	}
}

static int write_report(struct maker *m, const struct bug *bug, uint32_t face, size_t number, int64_t time_ns, struct wh_err *err)
{
	static const char *const platforms[] = { "linux-x86_64", "linux-x86_64", "linux-x86_64", "linux-arm64", "windows-x86_64" };
	static const char *const reasons[] = { "SIGSEGV", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE" };
	char time[WH_TIME_TEXT];
	wh_time_format(time_ns, time);
	wh_str_clear(&m->out);
	/* a version is out for some fifty thousand reports; most people are on the newest */
	uint64_t newest = number / 50000, version = newest - wh_rng_below(&m->rng, newest < 2 ? newest + 1 : 3);
	wh_str_printf(&m->out, "{\"id\":\"r%07zu\",\"time\":\"%s\",\"app\":\"app%u\",\"version\":\"1.%llu\",\"platform\":\"%s\",\"label\":\"bug-%u\","
		      "\"reason\":\"%s\",\"frames\":[", number, time, bug->real % 50, (unsigned long long)version,
		      platforms[wh_rng_below(&m->rng, 5)], bug->number, bug->aborts ? "SIGABRT" : reasons[bug->number % 5]);
	write_frames(m, bug, bug->faces.data[face]);
	wh_str_puts(&m->out, "]}\n");
	WH_TRY(wh_str_check(&m->out, err));
	return fwrite(m->out.data, 1, m->out.n, stdout) == m->out.n ? WH_OK : wh_err_set(err, WH_E_IO, "cannot write");
}

static int make(struct maker *m, size_t reports, int64_t time_ns, struct wh_err *err)
{
	size_t faces = 0;
	for (size_t i = 0; i < reports; i++) {
		uint32_t b = restaurant_enter(&m->bugs, &m->bugs_habit, &m->rng);
		if (b == UINT32_MAX)
			return out_of_memory(err);
		if (b == m->bug.n)
			WH_TRY(new_bug(m, err));
		struct bug *bug = m->bug.data[b];
		uint32_t f = restaurant_enter(&bug->hits, &m->faces_habit, &m->rng);
		if (f == UINT32_MAX)
			return out_of_memory(err);
		if (f == bug->faces.n)
			WH_TRY(new_face(m, bug, err));
		faces += bug->hits.tables.data[f] == 1;
		time_ns += 1 + (int64_t)wh_rng_below(&m->rng, 60ull * 1000000000);
		WH_TRY(write_report(m, bug, f, i + 1, time_ns, err));
	}
	fprintf(stderr, "made: %zu reports, %zu bugs, %zu faces, from %zu real stacks\n", reports, m->bug.n, faces, m->real.stacks.n);
	return WH_OK;
}

static void release(struct maker *m)
{
	for (size_t i = 0; i < m->bug.n; i++) {
		restaurant_release(&m->bug.data[i]->hits);
		wh_vec_release(&m->bug.data[i]->faces);
		wh_vec_release(&m->bug.data[i]->versions);
		free(m->bug.data[i]);
	}
	wh_vec_release(&m->bug);
	for (size_t i = 0; m->families && i < m->real.families.n; i++)
		restaurant_release(&m->families[i]);
	for (size_t i = 0; m->occurrences && i < m->real.symbols.n; i++)
		wh_vec_release(&m->occurrences[i]);
	free(m->families);
	free(m->occurrences);
	restaurant_release(&m->bugs);
	wh_vec_release(&m->places);
	wh_str_release(&m->out);
	corpus_release(&m->real);
}

int main(int argc, char **argv)
{
	size_t reports = 10000;
	uint64_t seed = 1;
	double common = 0.01, faces = 0, bugs = 0;
	int64_t begin = 1704067200000000000; /* 2024-01-01 */
	int first = 1;
	for (; first + 1 < argc && !strncmp(argv[first], "--", 2); first += 2) {
		const char *value = argv[first + 1];
		if (!strcmp(argv[first], "--reports"))
			reports = strtoull(value, NULL, 10);
		else if (!strcmp(argv[first], "--seed"))
			seed = strtoull(value, NULL, 10);
		else if (!strcmp(argv[first], "--common"))
			common = strtod(value, NULL);
		else if (!strcmp(argv[first], "--faces"))
			faces = strtod(value, NULL);
		else if (!strcmp(argv[first], "--bugs"))
			bugs = strtod(value, NULL);
		else
			break;
	}
	if (first >= argc || argv[first][0] == '-') {
		fputs("usage: synthesise [--reports N] [--seed N] [--common SHARE] [--faces DISCOUNT] [--bugs DISCOUNT] REAL.jsonl…\n", stderr);
		return 2;
	}
	struct maker m = { 0 };
	struct wh_err err = { 0 };
	int code = WH_OK;
	corpus_init(&m.real);
	wh_rng_init(&m.rng, seed);
	for (int i = first; code == WH_OK && i < argc; i++)
		code = corpus_read(&m.real, argv[i], 0, &err);
	if (code == WH_OK && !m.real.stacks.n)
		code = wh_err_set(&err, WH_E_NOTFOUND, "no stack to begin with");
	if (code == WH_OK)
		code = corpus_count(&m.real, common, &err);
	if (code == WH_OK)
		code = fit(&m, &err);
	if (faces > 0)
		m.faces_habit.discount = faces;
	if (bugs > 0)
		m.bugs_habit.discount = bugs;
	if (code == WH_OK)
		code = note_occurrences(&m, &err);
	if (code == WH_OK)
		code = make(&m, reports, begin, &err);
	if (code != WH_OK)
		fprintf(stderr, "synthesise: %s\n", err.message);
	release(&m);
	return code != WH_OK;
}
