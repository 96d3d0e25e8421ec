/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shop.h"

struct item *stock_find(struct shop *shop, const char *name)
{
	struct item *item = shop->items;
	while (item && strcmp(item->name, name) != 0)
		item = item->next;
	return item;
}

void stock_add(struct shop *shop, const char *name, const char *category, int price, int count)
{
	struct item *item = calloc(1, sizeof *item);
	snprintf(item->name, sizeof item->name, "%s", name);
	snprintf(item->category, sizeof item->category, "%s", category);
	item->price = price;
	item->count = count;
	item->next = shop->items;
	shop->items = item;
}

void stock_load(struct shop *shop, const char *text)
{
	struct json *all = json_parse(text);
	for (const struct json *one = all ? all->child : NULL; one; one = one->next)
		if (json_text(one, "name"))
			stock_add(shop, json_text(one, "name"), "loaded", 100, 1);
}

/* The fault: nobody asks whether there is enough. */
void stock_take(struct item *item, int n)
{
	item->count -= n;
	assert(item->count >= 0 && "sold more than there is");
}

struct rate {
	const char *currency;
	int per_cent;
};
static const struct rate rates[] = { { "EUR", 100 }, { "USD", 108 }, { "GBP", 86 } };

__attribute__((noinline)) static const struct rate *rate_find(const char *currency)
{
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
		if (!strcmp(rates[i].currency, currency))
			return &rates[i];
	return NULL;
}

#ifdef SHOP_1_1
/* New in 1.1, with its fault: a currency that nobody has heard of. */
__attribute__((noinline)) static int rate_cached(const char *currency)
{
	static const struct rate *last;
	if (!last || strcmp(last->currency, currency) != 0)
		last = rate_find(currency);
	return last->per_cent;
}

int price_in(struct shop *shop, const struct item *item, const char *currency)
{
	(void)shop;
	return item->price * rate_cached(currency) / 100;
}
#else
int price_in(struct shop *shop, const struct item *item, const char *currency)
{
	(void)shop;
	const struct rate *rate = rate_find(currency);
	return rate ? item->price * rate->per_cent / 100 : item->price;
}
#endif

__attribute__((noinline)) static int average_price(struct shop *shop, const char *category)
{
	int total = 0, n = 0;
	for (const struct item *item = shop->items; item; item = item->next)
		if (!strcmp(item->category, category)) {
			total += item->price;
			n++;
		}
#ifdef SHOP_1_1
	if (!n)
		return 0;
#endif
	return total / n; /* the fault, mended in 1.1: a category without items */
}

__attribute__((noinline)) void report_category(struct shop *shop, const char *category)
{
	printf("%s: %d on average\n", category, average_price(shop, category));
}

void report_all(struct shop *shop)
{
	static const char *const categories[] = { "tea", "cups", "books" };
	for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
		report_category(shop, categories[i]);
}
