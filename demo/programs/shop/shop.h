/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shop: a small program with a dozen faults in it, which exists to crash. Version 1.0, or 1.1 with -DSHOP_1_1: some functions have other
 * names, one fault is mended, one is new. Nothing here is an example to follow.
 */
#ifndef SHOP_H
#define SHOP_H

#include <stddef.h>

struct shop;

/* config.c */
struct config;
struct config *config_new(void);
void config_load(struct config *, const char *path);
void config_set(struct config *, const char *key, const char *value);
const char *config_get(const struct config *, const char *key);

/* json.c */
struct json {
	enum { JSON_NULL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } type;
	char *key, *text;
	double number;
	struct json *child, *next;
};
struct json *json_parse(const char *text);
const char *json_text(const struct json *, const char *key);

/* image.c */
void image_thumbnail(const char *path);
void gallery_build(const char *const *paths, size_t n);

/* stock.c */
struct item {
	char name[24], category[16];
	int price, count;
	struct item *next;
};
struct item *stock_find(struct shop *, const char *name);
void stock_add(struct shop *, const char *name, const char *category, int price, int count);
void stock_load(struct shop *, const char *json);
void stock_take(struct item *, int n);
int price_in(struct shop *, const struct item *, const char *currency);
void report_category(struct shop *, const char *category);
void report_all(struct shop *);

/* order.c */
void basket_add(struct shop *, const char *name, int n);
void basket_buy(struct shop *);
void basket_close(struct shop *);
int order_open(struct shop *, const char *customer, const char *street);
void order_cancel(struct shop *, int number);
void order_ship(struct shop *, int number);
void session_end(struct shop *);

/* worker.c */
void pool_start(struct shop *);
void pool_submit(const char *line);
void pool_stop(void);

/* invoice.cc */
#ifdef __cplusplus
extern "C"
#endif
void invoice_write(const char *quantity, const char *price);

/* main.c */
void run_line(struct shop *, const char *line);

struct basket_line {
	struct item *item;
	int n;
	struct basket_line *next;
};
struct shop {
	struct config *config;
	struct item *items;
	struct basket_line *basket;
	struct order *orders[16];
	int n_orders;
};

#endif
