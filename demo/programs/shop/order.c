/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shop.h"

struct address {
	char street[40];
	int lines;
};
struct order {
	struct address *address;
	char customer[40];
	int number;
};

void basket_add(struct shop *shop, const char *name, int n)
{
	struct basket_line *line = calloc(1, sizeof *line);
	line->item = stock_find(shop, name);
	line->n = n;
	line->next = shop->basket;
	shop->basket = line;
}

void basket_buy(struct shop *shop)
{
	for (const struct basket_line *line = shop->basket; line; line = line->next)
		if (line->item)
			stock_take(line->item, line->n);
}

__attribute__((noinline)) static void basket_free(struct basket_line *line)
{
	while (line) {
		struct basket_line *next = line->next;
		free(line);
		line = next;
		if (next)
			next->next = NULL;
	}
}

/* The fault: the basket that was paid for is still the session's. */
void basket_close(struct shop *shop)
{
	basket_free(shop->basket);
}

void session_end(struct shop *shop)
{
	basket_close(shop);
	puts("bye");
}

int order_open(struct shop *shop, const char *customer, const char *street)
{
	struct order *order = calloc(1, sizeof *order);
	order->address = calloc(1, sizeof *order->address);
	snprintf(order->address->street, sizeof order->address->street, "%s", street);
	snprintf(order->customer, sizeof order->customer, "%s", customer);
	order->number = shop->n_orders;
	shop->orders[shop->n_orders] = order;
	return shop->n_orders++;
}

/* The fault: the order is freed, and stays in the list. */
void order_cancel(struct shop *shop, int number)
{
	free(shop->orders[number]->address);
	free(shop->orders[number]);
}

__attribute__((noinline)) static int address_format(const struct order *order, char *text, size_t size)
{
	return snprintf(text, size, "%s, %d", order->address->street, order->address->lines);
}

void order_ship(struct shop *shop, int number)
{
	char text[80];
	address_format(shop->orders[number], text, sizeof text);
	printf("shipping to %s\n", text);
}
