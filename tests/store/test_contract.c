/* SPDX-License-Identifier: Apache-2.0 */
/* What store.h promises, call by call. */
#include "sample.h"

static struct wh_err err;

static struct wh_store *open_new(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store;
	ok(wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err));
	return store;
}

static int keep_row(void *user, const struct wh_store_observation *o, struct wh_err *e)
{
	*(int64_t *)user = o->row;
	return WH_OK;
}

static void observations_come_back(void **state)
{
	struct wh_store *store = open_new(state);
	size_t n;
	int64_t row = 0;
	for (uint64_t i = 0; i < 300; i++) {
		struct sample s;
		bool added;
		ok(wh_store_add(store, "stack", sample(&s, i), &added, &err));
		assert_true(added);
		assert_true(s.o.row > row); /* ascending */
		row = s.o.row;
	}
	ok(sample_add(store, "kernel", 7, &err)); /* an id is one's own within a noun */
	ok(sample_count(store, "stack", &n, &err));
	assert_int_equal(n, 300);
	ok(sample_count(store, "session", &n, &err));
	assert_int_equal(n, 0);
	n = 0;
	ok(wh_store_get(store, "stack", "r299", WH_STORE_BODY | WH_STORE_FINGERPRINT, sample_check, &n, &err));
	assert_int_equal(n, 1);
	int64_t got;
	ok(wh_store_get(store, "stack", "r299", 0, keep_row, &got, &err));
	assert_int_equal(got, row);
	fails(wh_store_get(store, "stack", "r300", 0, keep_row, &got, &err), WH_E_NOTFOUND, "r300");
	fails(wh_store_get(store, "session", "r1", 0, keep_row, &got, &err), WH_E_NOTFOUND, "r1");
	uint64_t observations, groups;
	ok(wh_store_count(store, "stack", &observations, &groups, &err));
	assert_int_equal(observations, 300);
	assert_int_equal(groups, 0);
	wh_store_close(store);
	char text[32];
	sql(((struct scratch *)*state)->path, "SELECT count(*) FROM fingerprint", text, sizeof text);
	assert_string_equal(text, "50"); /* equal ones once, for all nouns */
	assert_whole(((struct scratch *)*state)->path);
}

static int see_bare(void *user, const struct wh_store_observation *o, struct wh_err *e)
{
	assert_int_equal(o->time_ns, WH_STORE_NO_TIME);
	assert_null(o->label);
	assert_null(o->group);
	assert_int_equal(o->body.size, 0);
	assert_int_equal(o->fingerprint.size, 0);
	assert_int_equal(o->body_hash, UINT64_MAX);
	return WH_OK;
}

static void what_is_not_known_stays_so(void **state)
{
	struct wh_store *store = open_new(state);
	bool added;
	struct wh_store_observation o = { .id = "", .time_ns = WH_STORE_NO_TIME, .body_hash = UINT64_MAX };
	ok(wh_store_add(store, "stack", &o, &added, &err));
	ok(wh_store_get(store, "stack", "", WH_STORE_BODY | WH_STORE_FINGERPRINT, see_bare, NULL, &err));
	wh_store_close(store);
}

static int see_large(void *user, const struct wh_store_observation *o, struct wh_err *e)
{
	struct wh_bytes *given = user;
	assert_int_equal(o->body.size, given->size);
	assert_memory_equal(o->body.data, given->data, given->size);
	return WH_OK;
}

/* Incompressible, so kept as they are; compressible; with zeros inside. */
static void bodies_of_any_bytes(void **state)
{
	struct wh_store *store = open_new(state);
	static const size_t sizes[] = { 1, 255, 256, 257, 4096, 3000000 };
	char *data = malloc(3000000);
	assert_non_null(data);
	for (size_t kind = 0; kind < 2; kind++) {
		for (size_t i = 0; i < 3000000; i++)
			data[i] = (char)(kind ? i / 1000 : wh_hash_u64(i + 1));
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			char id[32];
			bool added;
			struct wh_bytes body = { data, sizes[i] };
			snprintf(id, sizeof id, "%zu of kind %zu", sizes[i], kind);
			struct wh_store_observation o = { .id = id, .body = body, .body_hash = i };
			ok(wh_store_add(store, "stack", &o, &added, &err));
			ok(wh_store_get(store, "stack", id, WH_STORE_BODY, see_large, &body, &err));
		}
	}
	free(data);
	struct wh_store_observation huge = { .id = "huge", .body = { "", 2000000000 } };
	bool added;
	fails(wh_store_add(store, "stack", &huge, &added, &err), WH_E_LIMIT, "2000000000");
	fails(wh_store_get(store, "stack", "huge", 0, see_large, NULL, &err), WH_E_NOTFOUND, "huge");
	wh_store_close(store);
}

static void an_id_is_one_content(void **state)
{
	struct wh_store *store = open_new(state);
	struct sample s, other;
	bool added;
	ok(sample_add(store, "stack", 1, &err));
	ok(wh_store_add(store, "stack", sample(&s, 1), &added, &err));
	assert_false(added);
	assert_int_equal(s.o.row, 1);
	sample(&other, 2);
	other.o.id = "r1";
	fails(wh_store_add(store, "stack", &other.o, &added, &err), WH_E_CONFLICT, "r1");
	assert_false(added);
	/* a conflict does not end the transaction */
	ok(wh_store_begin(store, &err));
	ok(sample_add(store, "stack", 3, &err));
	fails(wh_store_add(store, "stack", &other.o, &added, &err), WH_E_CONFLICT, "r1");
	ok(sample_add(store, "stack", 4, &err));
	ok(wh_store_commit(store, &err));
	size_t n;
	ok(sample_count(store, "stack", &n, &err));
	assert_int_equal(n, 3);
	wh_store_close(store);
}

static void transactions_are_whole(void **state)
{
	struct wh_store *store = open_new(state), *reader;
	size_t n;
	ok(wh_store_open(&reader, ((struct scratch *)*state)->path, WH_STORE_READ, &err));
	ok(wh_store_begin(store, &err));
	fails(wh_store_begin(store, &err), WH_E_USAGE, "open already");
	ok(sample_add(store, "stack", 1, &err));
	ok(sample_count(reader, "stack", &n, &err));
	assert_int_equal(n, 0);
	ok(sample_count(store, "stack", &n, &err));
	assert_int_equal(n, 1);
	wh_store_rollback(store);
	wh_store_rollback(store); /* nothing to do */
	fails(wh_store_commit(store, &err), WH_E_USAGE, "no transaction");
	ok(sample_count(store, "stack", &n, &err));
	assert_int_equal(n, 0);
	ok(wh_store_begin(store, &err));
	ok(sample_add(store, "stack", 2, &err));
	ok(wh_store_commit(store, &err));
	ok(sample_count(reader, "stack", &n, &err));
	assert_int_equal(n, 1);
	/* a reader's transaction is one snapshot */
	ok(wh_store_begin(reader, &err));
	ok(sample_count(reader, "stack", &n, &err));
	ok(sample_add(store, "stack", 3, &err));
	ok(sample_count(reader, "stack", &n, &err));
	assert_int_equal(n, 1);
	ok(wh_store_commit(reader, &err));
	ok(sample_count(reader, "stack", &n, &err));
	assert_int_equal(n, 2);
	fails(sample_add(reader, "stack", 4, &err), WH_E_USAGE, "reading");
	/* closing rolls back */
	ok(wh_store_begin(store, &err));
	ok(sample_add(store, "stack", 5, &err));
	wh_store_close(store);
	ok(sample_count(reader, "stack", &n, &err));
	assert_int_equal(n, 2);
	wh_store_close(reader);
	wh_store_close(NULL);
}

struct expected {
	const char *group, *label;
	double similarity;
	const char *fingerprint;
	size_t n;
};

static int see_expected(void *user, const struct wh_store_observation *o, struct wh_err *e)
{
	struct expected *expected = user;
	expected->n++;
	if (expected->group)
		assert_string_equal(o->group, expected->group);
	else
		assert_null(o->group);
	if (expected->label)
		assert_string_equal(o->label, expected->label);
	else
		assert_null(o->label);
	assert_true(o->similarity == expected->similarity);
	assert_int_equal(o->fingerprint.size, strlen(expected->fingerprint));
	assert_memory_equal(o->fingerprint.data, expected->fingerprint, o->fingerprint.size);
	return WH_OK;
}

static void updates_change_what_they_name(void **state)
{
	struct wh_store *store = open_new(state);
	struct wh_bytes none = { 0 }, fresh = { "fresh", 5 };
	struct expected expected = { NULL, NULL, 0, "fingerprint 1", 0 };
	struct wh_store_group group = { .id = "g1" };
	unsigned all = WH_STORE_BODY | WH_STORE_FINGERPRINT;
	ok(sample_add(store, "stack", 1, &err));
	ok(wh_store_add_group(store, "stack", &group, &err));
	ok(wh_store_get(store, "stack", "r1", all, see_expected, &expected, &err));
	ok(wh_store_update(store, "stack", 1, none, "g1", 0.25, "bug 7", &err));
	expected = (struct expected){ "g1", "bug 7", 0.25, "fingerprint 1", 0 };
	ok(wh_store_get(store, "stack", "r1", all, see_expected, &expected, &err));
	ok(wh_store_update(store, "stack", 1, fresh, NULL, 0.5, NULL, &err)); /* the similarity belongs to the group */
	expected.fingerprint = "fresh";
	ok(wh_store_get(store, "stack", "r1", all, see_expected, &expected, &err));
	ok(wh_store_update(store, "stack", 1, none, NULL, 0, "", &err));
	expected.label = NULL;
	ok(wh_store_get(store, "stack", "r1", all, see_expected, &expected, &err));
	fails(wh_store_update(store, "stack", 2, none, "g1", 0, NULL, &err), WH_E_NOTFOUND, "number 2");
	fails(wh_store_update(store, "kernel", 1, none, NULL, 0, "x", &err), WH_E_NOTFOUND, "number 1");
	fails(wh_store_update(store, "stack", 1, none, "g2", 0, NULL, &err), WH_E_NOTFOUND, "g2");
	expected.n = 0;
	ok(wh_store_each(store, "stack", "g1", all, see_expected, &expected, &err));
	assert_int_equal(expected.n, 1);
	fails(wh_store_each(store, "stack", "g2", all, see_expected, &expected, &err), WH_E_NOTFOUND, "g2");
	wh_store_close(store);
}

static int see_body(void *user, const struct wh_store_observation *o, struct wh_err *e)
{
	const struct wh_store_observation *expected = user;
	assert_int_equal(o->body.size, expected->body.size);
	assert_memory_equal(o->body.data, expected->body.data, o->body.size);
	assert_int_equal(o->body_hash, expected->body_hash);
	return WH_OK;
}

static void replaces_what_was_read(void **state)
{
	struct wh_store *store = open_new(state);
	static char large[100000];
	memset(large, 'x', sizeof large);
	struct wh_bytes none = { 0 }, fresh = { "fresh", 5 };
	struct wh_store_observation expected = { .body = { large, sizeof large }, .body_hash = 7 };
	struct expected seen = { "g1", NULL, 0.5, "fresh", 0 };
	struct wh_store_group group = { .id = "g1" };
	unsigned all = WH_STORE_BODY | WH_STORE_FINGERPRINT;
	ok(sample_add(store, "stack", 1, &err));
	ok(sample_add(store, "stack", 2, &err));
	ok(wh_store_add_group(store, "stack", &group, &err));
	ok(wh_store_update(store, "stack", 1, none, "g1", 0.5, NULL, &err));
	ok(wh_store_replace(store, "stack", 1, expected.body, 7, fresh, false, &err));
	ok(wh_store_get(store, "stack", "r1", all, see_body, &expected, &err));
	ok(wh_store_get(store, "stack", "r1", all, see_expected, &seen, &err));
	expected = (struct wh_store_observation){ .body = { "{}", 2 }, .body_hash = UINT64_MAX };
	ok(wh_store_replace(store, "stack", 1, expected.body, UINT64_MAX, none, true, &err)); /* it keeps its fingerprint */
	ok(wh_store_get(store, "stack", "r1", all, see_body, &expected, &err));
	seen = (struct expected){ NULL, NULL, 0, "fresh", 0 };
	ok(wh_store_get(store, "stack", "r1", all, see_expected, &seen, &err));
	size_t n = 0;
	ok(wh_store_get(store, "stack", "r2", all, sample_check, &n, &err)); /* its neighbour is as it was */
	fails(wh_store_replace(store, "stack", 3, expected.body, 0, none, false, &err), WH_E_NOTFOUND, "number 3");
	fails(wh_store_replace(store, "kernel", 1, expected.body, 0, none, false, &err), WH_E_NOTFOUND, "number 1");
	ok(wh_store_begin(store, &err));
	ok(wh_store_replace(store, "stack", 1, (struct wh_bytes){ "[]", 2 }, 1, none, false, &err));
	wh_store_rollback(store);
	ok(wh_store_get(store, "stack", "r1", all, see_body, &expected, &err));
	wh_store_close(store);
	assert_whole(((struct scratch *)*state)->path);
}

struct nested {
	struct wh_store *store;
	size_t n, stop;
};

/* Reads, adds and updates from within a walk; what it was handed must stay as it was. */
static int call_back(void *user, const struct wh_store_observation *o, struct wh_err *e)
{
	struct nested *nested = user;
	size_t n = 0;
	char id[32];
	if (++nested->n == nested->stop)
		return wh_err_set(e, WH_E_CANCELLED, "enough");
	snprintf(id, sizeof id, "r%zu", 99 - nested->n % 50);
	WH_TRY(wh_store_get(nested->store, "stack", id, WH_STORE_BODY | WH_STORE_FINGERPRINT, sample_check, &n, e));
	WH_TRY(sample_add(nested->store, "stack", 1000 + nested->n, e));
	WH_TRY(wh_store_update(nested->store, "stack", o->row, (struct wh_bytes){ 0 }, "g2", 1, NULL, e));
	return sample_same(o) ? WH_OK : wh_err_set(e, WH_E_INTERNAL, "changed");
}

static void callbacks_may_call_back(void **state)
{
	struct wh_store *store = open_new(state);
	struct wh_store_group one = { .id = "g1" }, two = { .id = "g2" };
	struct nested nested = { .store = store };
	ok(wh_store_add_group(store, "stack", &one, &err));
	ok(wh_store_add_group(store, "stack", &two, &err));
	ok(wh_store_begin(store, &err));
	for (uint64_t i = 0; i < 100; i++) {
		struct sample s;
		bool added;
		sample(&s, i)->group = i % 2 ? "g1" : NULL;
		ok(wh_store_add(store, "stack", &s.o, &added, &err));
	}
	ok(wh_store_each(store, "stack", NULL, 3, call_back, &nested, &err));
	assert_int_equal(nested.n, 100); /* not those that it added */
	ok(wh_store_commit(store, &err));
	size_t n = 0;
	ok(wh_store_each(store, "stack", "g2", 3, sample_check, &n, &err));
	assert_int_equal(n, 100);
	n = 0;
	ok(wh_store_each(store, "stack", "g1", 3, sample_check, &n, &err));
	assert_int_equal(n, 0);
	nested = (struct nested){ store, 2000, 2010 }; /* outside a transaction too */
	fails(wh_store_each(store, "stack", NULL, 3, call_back, &nested, &err), WH_E_CANCELLED, "enough");
	ok(sample_add(store, "stack", 5000, &err)); /* and the store is usable at once */
	wh_store_close(store);
}

struct seen_groups {
	char text[500];
	size_t n;
};

static int see_group(void *user, const struct wh_store_group *g, struct wh_err *e)
{
	struct seen_groups *seen = user;
	seen->n += (size_t)snprintf(seen->text + seen->n, sizeof seen->text - seen->n, "%s/%lld/%lld/%.*s/%s/%s/%llu ", g->id,
				    (long long)g->created_ns, (long long)g->model, (int)g->fingerprint.size, g->fingerprint.data,
				    g->label ? g->label : "-", g->successor ? g->successor : "-",
				    (unsigned long long)g->observations);
	return WH_OK;
}

static void groups_live_and_end(void **state)
{
	struct wh_store *store = open_new(state);
	static const char *const ids[] = { "gc", "ga", "gb", "gd" };
	struct seen_groups seen = { 0 };
	char *current;
	for (size_t i = 0; i < 4; i++) {
		struct wh_store_group g = { ids[i], (int64_t)i, 1, { "print", 5 }, i ? NULL : "c", NULL, 77 };
		ok(wh_store_add_group(store, "stack", &g, &err));
		fails(wh_store_add_group(store, "stack", &g, &err), WH_E_CONFLICT, ids[i]);
		ok(wh_store_add_group(store, "kernel", &g, &err));
	}
	struct sample s;
	bool added;
	sample(&s, 1)->group = "ga";
	ok(wh_store_add(store, "stack", &s.o, &added, &err));
	sample(&s, 2)->group = "gx";
	fails(wh_store_add(store, "stack", &s.o, &added, &err), WH_E_NOTFOUND, "gx");
	ok(wh_store_update_group(store, "stack", "ga", "alpha", "gb", &err));
	ok(wh_store_update_group(store, "stack", "gc", "", NULL, &err));
	ok(wh_store_each_group(store, "stack", false, see_group, &seen, &err));
	assert_string_equal(seen.text, "gc/0/1/print/-/-/0 gb/2/1/print/-/-/0 gd/3/1/print/-/-/0 ");
	seen = (struct seen_groups){ 0 };
	ok(wh_store_each_group(store, "stack", true, see_group, &seen, &err));
	assert_string_equal(seen.text, "gc/0/1/print/-/-/0 ga/1/1/print/alpha/gb/1 gb/2/1/print/-/-/0 gd/3/1/print/-/-/0 ");
	uint64_t observations, groups;
	ok(wh_store_count(store, "stack", &observations, &groups, &err));
	assert_int_equal(groups, 3);
	/* chains */
	ok(wh_store_update_group(store, "stack", "gb", NULL, "gd", &err));
	ok(wh_store_resolve_group(store, "stack", "ga", &current, &err));
	assert_string_equal(current, "gd");
	free(current);
	ok(wh_store_resolve_group(store, "stack", "gc", &current, &err));
	assert_string_equal(current, "gc");
	free(current);
	fails(wh_store_resolve_group(store, "stack", "gx", &current, &err), WH_E_NOTFOUND, "gx");
	assert_null(current);
	fails(wh_store_update_group(store, "stack", "gx", "l", NULL, &err), WH_E_NOTFOUND, "gx");
	fails(wh_store_update_group(store, "stack", "ga", NULL, "gx", &err), WH_E_NOTFOUND, "gx");
	/* circles are refused, and survived where a file has one */
	fails(wh_store_update_group(store, "stack", "gd", NULL, "ga", &err), WH_E_CONFLICT, "gd");
	fails(wh_store_update_group(store, "stack", "gd", NULL, "gd", &err), WH_E_CONFLICT, "gd");
	ok(wh_store_update_group(store, "stack", "gb", NULL, "", &err)); /* undone */
	ok(wh_store_resolve_group(store, "stack", "ga", &current, &err));
	assert_string_equal(current, "gb");
	free(current);
	wh_store_close(store);
	const char *path = ((struct scratch *)*state)->path;
	sql(path,
	    "UPDATE grouping SET successor = (SELECT number FROM grouping WHERE noun = 'stack' AND id = 'ga') WHERE id = 'gb'",
	    NULL, 0);
	ok(wh_store_open(&store, path, WH_STORE_WRITE, &err));
	fails(wh_store_resolve_group(store, "stack", "ga", &current, &err), WH_E_FORMAT, "circle");
	fails(wh_store_update_group(store, "stack", "gd", NULL, "ga", &err), WH_E_FORMAT, "circle");
	wh_store_close(store);
}

static int see_model(void *user, const struct wh_store_model *model, struct wh_err *e)
{
	assert_int_equal(model->file.size, 7);
	assert_true(model->created_ns > INT64_C(1700000000) * 1000000000);
	*(int64_t *)user = model->number * 10 + model->file.data[6];
	return WH_OK;
}

static void models_and_state(void **state)
{
	struct wh_store *store = open_new(state);
	int64_t number, seen;
	struct wh_bytes file = { "model\0\1", 7 }, other = { "model\0\2", 7 };
	fails(wh_store_get_model(store, "stack", 0, see_model, &seen, &err), WH_E_NOTFOUND, "stack");
	ok(wh_store_add_model(store, "stack", file, &number, &err));
	assert_int_equal(number, 1);
	ok(wh_store_add_model(store, "stack", other, &number, &err));
	assert_int_equal(number, 2);
	ok(wh_store_add_model(store, "kernel", other, &number, &err));
	assert_int_equal(number, 1);
	ok(wh_store_get_model(store, "stack", 0, see_model, &seen, &err));
	assert_int_equal(seen, 22);
	ok(wh_store_get_model(store, "stack", 1, see_model, &seen, &err));
	assert_int_equal(seen, 11);
	fails(wh_store_get_model(store, "stack", 3, see_model, &seen, &err), WH_E_NOTFOUND, "model 3");
	wh_store_close(store);
}

static int see_state(void *user, struct wh_bytes bytes, struct wh_err *e)
{
	snprintf(user, 20, "%.*s", (int)bytes.size, bytes.data);
	return WH_OK;
}

static void state_is_the_last_written(void **state)
{
	struct wh_store *store = open_new(state);
	char text[20];
	fails(wh_store_get_state(store, "stack", "k", see_state, text, &err), WH_E_NOTFOUND, "`k`");
	ok(wh_store_set_state(store, "stack", "k", (struct wh_bytes){ "one", 3 }, &err));
	ok(wh_store_set_state(store, "kernel", "k", (struct wh_bytes){ "x", 1 }, &err));
	ok(wh_store_begin(store, &err));
	ok(wh_store_set_state(store, "stack", "k", (struct wh_bytes){ "two", 3 }, &err));
	ok(wh_store_get_state(store, "stack", "k", see_state, text, &err));
	assert_string_equal(text, "two");
	wh_store_rollback(store);
	ok(wh_store_get_state(store, "stack", "k", see_state, text, &err));
	assert_string_equal(text, "one");
	ok(wh_store_set_state(store, "stack", "k", (struct wh_bytes){ 0 }, &err));
	ok(wh_store_get_state(store, "stack", "k", see_state, text, &err));
	assert_string_equal(text, "");
	wh_store_close(store);
}

static int see_saying(void *user, const struct wh_store_saying *s, struct wh_err *e)
{
	struct seen_groups *seen = user;
	seen->n += (size_t)snprintf(seen->text + seen->n, sizeof seen->text - seen->n, "%lld:%s:%d:%s:%s:%s:%lld:%lld ",
				    (long long)s->number, s->who ? s->who : "-", (int)s->word, s->a ? s->a : "-",
				    s->b ? s->b : "-", s->text ? s->text : "-", (long long)s->undone_by, (long long)s->part_of);
	return WH_OK;
}

static int64_t say(struct wh_store *store, enum wh_store_word word, const char *a, const char *b, const char *text,
		   int64_t part_of)
{
	struct wh_store_saying saying = {
		.who = part_of ? NULL : "ann", .word = word, .a = a, .b = b, .text = text, .part_of = part_of
	};
	ok(wh_store_say(store, "stack", &saying, &err));
	assert_true(saying.time_ns > INT64_C(1700000000) * 1000000000);
	return saying.number;
}

static void what_was_said_can_be_taken_back(void **state)
{
	struct wh_store *store = open_new(state);
	struct seen_groups seen = { 0 };
	int64_t note = say(store, WH_STORE_NOTE, "g1", NULL, "hm", 0);
	int64_t merge = say(store, WH_STORE_MERGE, "g1", "g2", NULL, 0);
	int64_t part = say(store, WH_STORE_TOGETHER, "r1", "r2", NULL, merge);
	say(store, WH_STORE_TOGETHER, "r2", "r3", NULL, part);
	int64_t back = say(store, WH_STORE_SPLIT, "g1", NULL, NULL, merge);
	assert_int_equal(back, 5);
	struct wh_store_saying lost = { .word = WH_STORE_NOTE, .a = "x", .part_of = 99 };
	fails(wh_store_say(store, "stack", &lost, &err), WH_E_NOTFOUND, "99");
	fails(wh_store_undo(store, "stack", 99, back, &err), WH_E_NOTFOUND, "99");
	fails(wh_store_undo(store, "stack", merge, 99, &err), WH_E_NOTFOUND, "99");
	fails(wh_store_undo(store, "kernel", merge, back, &err), WH_E_NOTFOUND, "kernel");
	fails(wh_store_undo(store, "stack", merge, merge, &err), WH_E_USAGE, "itself");
	ok(wh_store_undo(store, "stack", merge, back, &err));
	fails(wh_store_undo(store, "stack", merge, note, &err), WH_E_CONFLICT, "before");
	fails(wh_store_undo(store, "stack", part, note, &err), WH_E_CONFLICT, "before");
	ok(wh_store_each_saying(store, "stack", false, see_saying, &seen, &err));
	assert_string_equal(seen.text, "1:ann:3:g1:-:hm:0:0 5:-:5:g1:-:-:0:2 ");
	seen = (struct seen_groups){ 0 };
	ok(wh_store_each_saying(store, "stack", true, see_saying, &seen, &err));
	assert_string_equal(seen.text,
			    "1:ann:3:g1:-:hm:0:0 2:ann:4:g1:g2:-:5:0 3:-:0:r1:r2:-:5:2 4:-:0:r2:r3:-:5:3 5:-:5:g1:-:-:0:2 ");
	wh_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
		CASE(observations_come_back),
		CASE(what_is_not_known_stays_so),
		CASE(bodies_of_any_bytes),
		CASE(an_id_is_one_content),
		CASE(transactions_are_whole),
		CASE(updates_change_what_they_name), CASE(replaces_what_was_read),
		CASE(callbacks_may_call_back),
		CASE(groups_live_and_end),
		CASE(models_and_state),
		CASE(state_is_the_last_written),
		CASE(what_was_said_can_be_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
