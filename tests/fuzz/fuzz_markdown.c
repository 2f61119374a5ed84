/* Any text as Markdown: nothing that acts on a terminal reaches a cell, blocks are in order and
 * bounded, and growth in pieces ends in the rows of the whole. The first two bytes are the width
 * and the size of a piece. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ui/markdown.h"

#define TEXT_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_cells(const struct grid *grid)
{
    for (int column = 0; column < grid->columns;) {
        const struct cell *cell = grid_at(grid, 0, column);
        check(cell->width > 0 && column + cell->width <= grid->columns);
        for (int i = 0; i < cell->n; i++) {
            unsigned char byte = (unsigned char)cell->text[i];
            bool c1 = byte == 0xC2 && (unsigned char)cell->text[i + 1] < 0xA0;
            check(byte >= 0x20 && byte != 0x7F && !c1);
        }
        column += cell->width;
    }
}

/* All rows of both, cell by cell. */
static void compare(struct markdown *a, struct markdown *b, int width)
{
    struct grid grids[2] = {{0}};
    check(markdown_blocks(a) == markdown_blocks(b));
    for (size_t block = 0; block < markdown_blocks(a); block++) {
        size_t rows = markdown_rows(a, block);
        check(rows > 0 && rows == markdown_rows(b, block));
        for (size_t row = 0; row < rows; row++) {
            grid_resize(&grids[0], 1, width);
            grid_resize(&grids[1], 1, width);
            markdown_paint(a, block, row, &grids[0], 0);
            markdown_paint(b, block, row, &grids[1], 0);
            check_cells(&grids[0]);
            for (int i = 0; i < width; i++) {
                check(grid_equal_cell(grid_at(&grids[0], 0, i), grid_at(&grids[1], 0, i)));
            }
        }
    }
    grid_release(&grids[0]);
    grid_release(&grids[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    setlocale(LC_CTYPE, "C.UTF-8");
    int width = 1 + data[0] % 60;
    size_t step = 1u + data[1];
    struct sv text = sv_take(sv_of((const char *)data + 2, size - 2), TEXT_MAX);
    struct markdown_cache *cache = markdown_cache_new();
    struct markdown *whole = markdown_new(cache);
    struct markdown *grown = markdown_new(cache);
    markdown_set_width(whole, width);
    markdown_set_width(grown, width);
    markdown_update(whole, text, true);
    for (size_t end = 0; end < text.n; end += step) {
        markdown_update(grown, sv_take(text, end), false);
        size_t count = markdown_blocks(grown);
        check(count == 0 || markdown_rows(grown, count - 1) > 0);
    }
    markdown_update(grown, text, true);
    compare(whole, grown, width);
    markdown_free(whole);
    markdown_free(grown);
    markdown_cache_free(cache);
    return 0;
}
