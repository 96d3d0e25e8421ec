/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shop.h"

#define SIDE 64

struct image {
	unsigned width, height;
	unsigned char *pixels;
};

static struct image *image_new(unsigned width, unsigned height)
{
	struct image *image = malloc(sizeof *image);
	image->width = width;
	image->height = height;
	image->pixels = malloc((size_t)width * height);
	return image;
}

static struct image *image_read(const char *path)
{
	unsigned width = 0, height = 0;
	FILE *file = fopen(path, "r");
	if (!file || fscanf(file, "P5 %u %u 255", &width, &height) != 2)
		exit(1);
	struct image *image = image_new(width, height);
	memset(image->pixels, 0x7f, (size_t)width * height);
	fclose(file);
	return image;
}

__attribute__((noinline)) static void scale_row(struct image *to, const struct image *from, unsigned y, unsigned rows)
{
	const unsigned char *source = from->pixels + (size_t)y * from->height / rows * from->width;
	unsigned char *target = to->pixels + (size_t)y * to->width;
	for (unsigned x = 0; x < to->width; x++)
		target[x] = source[(size_t)x * from->width / to->width];
}

/* The fault: room for a square, rows by the true proportions. */
#ifdef SHOP_1_1
__attribute__((noinline)) static void image_resample(struct image *to, const struct image *from)
#else
__attribute__((noinline)) static void image_scale(struct image *to, const struct image *from)
#endif
{
	unsigned rows = (unsigned)((size_t)to->width * from->height / from->width);
	for (unsigned y = 0; y < rows; y++)
		scale_row(to, from, y, rows);
}

void image_thumbnail(const char *path)
{
	struct image *from = image_read(path), *to = image_new(SIDE, SIDE);
#ifdef SHOP_1_1
	image_resample(to, from);
#else
	image_scale(to, from);
#endif
	printf("%s: %u x %u, first pixel %u\n", path, to->width, to->height, to->pixels[0]);
	free(to->pixels);
	free(to);
	free(from->pixels);
	free(from);
}

void gallery_build(const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		image_thumbnail(paths[i]);
	puts("gallery done");
}
