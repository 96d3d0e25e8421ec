/* SPDX-License-Identifier: Apache-2.0 */
#include "grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

enum { GAP = 2, NARROW = 12, NARROWEST = 4 };

static void push(struct cli_grid *grid, struct cli_cell cell)
{
	if (grid->n == grid->cap) {
		size_t cap = grid->cap ? 2 * grid->cap : 64;
		struct cli_cell *moved = realloc(grid->cells, cap * sizeof *moved);
		if (!moved) {
			grid->failed = true;
			free(cell.text);
			return;
		}
		grid->cells = moved;
		grid->cap = cap;
	}
	grid->cells[grid->n++] = cell;
}

void cli_grid_text(struct cli_grid *grid, char *text, bool is_number)
{
	push(grid, (struct cli_cell){ .text = text, .is_number = is_number });
}

void cli_grid_real(struct cli_grid *grid, double v)
{
	push(grid, (struct cli_cell){ .real = v, .is_real = true, .is_number = true });
}

void cli_grid_round(char text[static 32], double v)
{
	double size = fabs(v);
	if (v == floor(v) && size < 1e9)
		snprintf(text, 32, "%.0f", v);
	else if (size >= 1000 && size < 1e9)
		snprintf(text, 32, "%.1f", v);
	else
		snprintf(text, 32, "%.4g", v);
}

/* A column of similarities and the like reads best with the same number of decimals everywhere. */
static bool is_fraction(const struct cli_grid *grid, size_t column)
{
	for (size_t i = column; i < grid->n; i += grid->n_columns) {
		const struct cli_cell *cell = &grid->cells[i];
		double size = fabs(cell->real);
		if (cell->is_real && (size >= 10 || (size > 0 && size < 0.001)))
			return false;
	}
	return true;
}

static void settle_reals(struct cli_grid *grid)
{
	for (size_t column = 0; column < grid->n_columns; column++) {
		bool fraction = is_fraction(grid, column);
		for (size_t i = column; i < grid->n; i += grid->n_columns) {
			struct cli_cell *cell = &grid->cells[i];
			char text[32];
			if (!cell->is_real)
				continue;
			if (fraction)
				snprintf(text, sizeof text, "%.3f", cell->real);
			else
				cli_grid_round(text, cell->real);
			cell->text = strdup(text);
			grid->failed |= !cell->text;
		}
	}
}

/* Takes columns from the widest text until all fits: at first not from the first, which says what the row is about. */
static void squeeze(struct cli_grid *grid, size_t width)
{
	size_t total = 0;
	for (size_t c = 0; c < grid->n_columns; c++)
		if (!grid->empty[c])
			total += grid->widths[c] + (total ? GAP : 0);
	for (int pass = 0; pass < 2; pass++)
		while (total > width) {
			size_t widest = grid->n_columns;
			for (size_t c = pass ? 0 : 1; c < grid->n_columns; c++)
				if (!grid->right[c] && !grid->empty[c] && (widest == grid->n_columns || grid->widths[c] >= grid->widths[widest]))
					widest = c;
			if (widest == grid->n_columns || grid->widths[widest] <= (pass ? NARROWEST : NARROW))
				break;
			grid->widths[widest]--;
			total--;
		}
}

static void settle_widths(struct cli_grid *grid, size_t width)
{
	bool nothing = true;
	for (size_t c = 0; c < grid->n_columns; c++) {
		bool number = false, text = false;
		grid->widths[c] = cli_text_width(grid->columns[c], strlen(grid->columns[c]));
		for (size_t i = c; i < grid->n; i += grid->n_columns) {
			const struct cli_cell *cell = &grid->cells[i];
			if (!cell->text)
				continue;
			size_t columns = cli_text_width(cell->text, strlen(cell->text));
			grid->widths[c] = columns > grid->widths[c] ? columns : grid->widths[c];
			*(cell->is_number ? &number : &text) = true;
		}
		grid->right[c] = number && !text;
		grid->empty[c] = !number && !text;
		nothing &= grid->empty[c];
	}
	if (nothing)
		memset(grid->empty, 0, sizeof grid->empty);
	if (width)
		squeeze(grid, width);
}

static void put(const struct cli_grid *grid, FILE *out, size_t column, const char *text, bool last)
{
	size_t n = strlen(text), width = cli_text_width(text, n), room = grid->widths[column];
	bool cut = width > room && !grid->right[column];
	const char *ellipsis = cli_terminal_utf8() ? "…" : "~";
	if (cut) {
		n = cli_text_fit(text, n, room - 1);
		width = cli_text_width(text, n) + 1;
	}
	size_t fill = width < room ? room - width : 0;
	if (grid->right[column])
		fprintf(out, "%*s", (int)fill, "");
	fwrite(text, 1, n, out);
	if (cut)
		fputs(ellipsis, out);
	if (!grid->right[column] && !last)
		fprintf(out, "%*s", (int)fill, "");
	if (!last)
		fprintf(out, "%*s", GAP, "");
}

static void put_header(const struct cli_grid *grid, FILE *out, size_t indent, const char *bold, const char *plain)
{
	size_t last = grid->n_columns;
	for (size_t c = 0; c < grid->n_columns; c++)
		if (!grid->empty[c])
			last = c;
	fprintf(out, "%*s%s", (int)indent, "", bold);
	for (size_t c = 0; c < grid->n_columns; c++)
		if (!grid->empty[c])
			put(grid, out, c, grid->columns[c], c == last);
	fprintf(out, "%s\n", plain);
}

static void put_row(const struct cli_grid *grid, FILE *out, const struct cli_cell *cells, size_t indent)
{
	size_t n = grid->n_columns; /* without the empty cells at the end: no blanks there */
	while (n && !cells[n - 1].text)
		n--;
	fprintf(out, "%*s", (int)indent, "");
	for (size_t c = 0; c < n; c++)
		if (!grid->empty[c])
			put(grid, out, c, cells[c].text ? cells[c].text : "", c + 1 == n);
	fputc('\n', out);
}

static bool fits_header(const struct cli_grid *grid)
{
	for (size_t i = 0; i < grid->n; i++)
		if (grid->cells[i].text && grid->empty[i % grid->n_columns])
			return false;
	return grid->begun;
}

int cli_grid_print(struct cli_grid *grid, FILE *out, size_t indent, size_t width, const char *bold, const char *plain,
		   struct wh_err *err)
{
	settle_reals(grid);
	if (grid->failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (!fits_header(grid)) {
		if (grid->begun)
			fputc('\n', out);
		settle_widths(grid, width > indent ? width - indent : width);
		put_header(grid, out, indent, bold, plain);
		grid->begun = true;
	}
	for (size_t row = 0; row + grid->n_columns <= grid->n; row += grid->n_columns)
		put_row(grid, out, grid->cells + row, indent);
	for (size_t i = 0; i < grid->n; i++)
		free(grid->cells[i].text);
	grid->n = 0;
	return WH_OK;
}

void cli_grid_release(struct cli_grid *grid)
{
	for (size_t i = 0; i < grid->n; i++)
		free(grid->cells[i].text);
	free(grid->cells);
}
