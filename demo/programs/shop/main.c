/* SPDX-License-Identifier: Apache-2.0 */
/* shop SCRIPT: runs the operations of a script, a line each; `request {"do": "sell tea 2"}` says the same as JSON, `later sell tea 2` leaves
 * it to a thread of the pool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shop.h"

struct words {
	const char *word[8];
	size_t n;
	const char *rest; /* the line behind the operation */
};

static const char *word(const struct words *w, size_t i)
{
	return i < w->n ? w->word[i] : "";
}

static void op_config(struct shop *shop, const struct words *w) { config_load(shop->config, word(w, 1)); }
static void op_set(struct shop *shop, const struct words *w) { config_set(shop->config, word(w, 1), word(w, 2)); }
static void op_stock(struct shop *shop, const struct words *w) { stock_load(shop, w->rest); }
static void op_item(struct shop *shop, const struct words *w)
{
	stock_add(shop, word(w, 1), word(w, 2), atoi(word(w, 3)), atoi(word(w, 4)));
}
static void op_sell(struct shop *shop, const struct words *w)
{
	struct item *item = stock_find(shop, word(w, 1));
	if (item)
		stock_take(item, atoi(word(w, 2)));
}
static void op_basket(struct shop *shop, const struct words *w) { basket_add(shop, word(w, 1), atoi(word(w, 2))); }
static void op_checkout(struct shop *shop, const struct words *w)
{
	(void)w;
	basket_buy(shop);
	basket_close(shop);
}
static void op_logout(struct shop *shop, const struct words *w)
{
	(void)w;
	session_end(shop);
}
static void op_order(struct shop *shop, const struct words *w) { printf("order %d\n", order_open(shop, word(w, 1), word(w, 2))); }
static void op_cancel(struct shop *shop, const struct words *w) { order_cancel(shop, atoi(word(w, 1))); }
static void op_ship(struct shop *shop, const struct words *w) { order_ship(shop, atoi(word(w, 1))); }
static void op_ship_all(struct shop *shop, const struct words *w)
{
	(void)w;
	for (int i = 0; i < shop->n_orders; i++)
		order_ship(shop, i);
	puts("all shipped");
}
static void op_image(struct shop *shop, const struct words *w)
{
	(void)shop;
	image_thumbnail(word(w, 1));
	puts("image done");
}
static void op_gallery(struct shop *shop, const struct words *w)
{
	(void)shop;
	gallery_build(w->word + 1, w->n - 1);
}
static void op_report(struct shop *shop, const struct words *w)
{
	report_category(shop, word(w, 1));
	fflush(stdout);
}
static void op_summary(struct shop *shop, const struct words *w)
{
	(void)w;
	report_all(shop);
	fflush(stdout);
}
static void op_price(struct shop *shop, const struct words *w)
{
	const struct item *item = stock_find(shop, word(w, 1));
	printf("%s: %d %s\n", word(w, 1), item ? price_in(shop, item, word(w, 2)) : 0, word(w, 2));
}
static void op_prices(struct shop *shop, const struct words *w)
{
	for (const struct item *item = shop->items; item; item = item->next)
		printf("%s: %d %s\n", item->name, price_in(shop, item, word(w, 1)), word(w, 1));
}
static void op_invoice(struct shop *shop, const struct words *w)
{
	(void)shop;
	invoice_write(word(w, 1), word(w, 2));
	fflush(stdout);
}
static void op_request(struct shop *shop, const struct words *w)
{
	const char *what = json_text(json_parse(w->rest), "do");
	if (what)
		run_line(shop, what);
	fflush(stdout);
}
static void op_later(struct shop *shop, const struct words *w)
{
	(void)shop;
	pool_submit(w->rest);
}
static void op_wait(struct shop *shop, const struct words *w)
{
	(void)shop;
	usleep((useconds_t)atoi(word(w, 1)) * 1000);
}
static void op_restock(struct shop *shop, const struct words *w)
{
	op_wait(shop, w);
	pool_submit("summary");
}
static void op_pool(struct shop *shop, const struct words *w)
{
	(void)w;
	pool_start(shop);
}

typedef void op_fn(struct shop *, const struct words *);
static const struct {
	const char *name;
	op_fn *run;
} ops[] = {
	{ "config", op_config }, { "set", op_set },	    { "stock", op_stock },	 { "item", op_item },	  { "sell", op_sell },
	{ "basket", op_basket }, { "checkout", op_checkout }, { "logout", op_logout },   { "order", op_order },	  { "cancel", op_cancel },
	{ "ship", op_ship },	 { "ship-all", op_ship_all }, { "image", op_image },	 { "gallery", op_gallery }, { "report", op_report },
	{ "summary", op_summary }, { "price", op_price },	    { "prices", op_prices },	 { "invoice", op_invoice }, { "request", op_request },
	{ "later", op_later },	 { "wait", op_wait },	    { "restock", op_restock },	 { "pool", op_pool },
};

#ifdef SHOP_1_1
__attribute__((noinline)) static void op_checked(op_fn *run, struct shop *shop, const struct words *w)
{
	if (w->n)
		run(shop, w);
	fflush(stdout);
}
__attribute__((noinline)) static void dispatch(struct shop *shop, const struct words *w)
{
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (!strcmp(ops[i].name, word(w, 0)))
			op_checked(ops[i].run, shop, w);
}
#else
__attribute__((noinline)) static void call_op(struct shop *shop, const struct words *w)
{
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (!strcmp(ops[i].name, word(w, 0)))
			ops[i].run(shop, w);
}
#endif

void run_line(struct shop *shop, const char *line)
{
	char *copy = strdup(line), *save;
	struct words w = { .rest = line + strcspn(line, " ") };
	w.rest += *w.rest == ' ';
	for (char *p = strtok_r(copy, " \n", &save); p && w.n < 8; p = strtok_r(NULL, " \n", &save))
		w.word[w.n++] = p;
#ifdef SHOP_1_1
	dispatch(shop, &w);
#else
	call_op(shop, &w);
#endif
	free(copy);
}

static void run_script(struct shop *shop, const char *path)
{
	static char line[1 << 20];
	FILE *file = fopen(path, "r");
	if (!file) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		run_line(shop, line);
	}
	fclose(file);
}

int main(int argc, char **argv)
{
	struct shop shop = { .config = config_new() };
	for (int i = 1; i < argc; i++)
		run_script(&shop, argv[i]);
	pool_stop();
	return 0;
}
