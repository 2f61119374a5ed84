/* Any text on any width: rows cover it, cells hold nothing that a terminal acts on, and growth in
 * pieces gives the rows of the whole. The first two bytes are the width and the size of a piece. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ui/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cells(const struct grid *grid)
{
    for (int column = 0; column < grid->columns;) {
        const struct cell *cell = grid_at(grid, 0, column);
        if (cell->width == 0 || column + cell->width > grid->columns) {
            abort();
        }
        for (int i = 0; i < cell->n; i++) {
            unsigned char byte = (unsigned char)cell->text[i];
            bool c1 = byte == 0xC2 && (unsigned char)cell->text[i + 1] < 0xA0;
            if (byte < 0x20 || byte == 0x7F || c1) {
                abort();
            }
        }
        column += cell->width;
    }
}

static void check_rows(const struct layout *layout, struct sv text)
{
    struct grid grid = {0};
    size_t end = 0;
    for (size_t i = 0; i < layout->count; i++) {
        struct sv row = layout_row(layout, text, i);
        grid_resize(&grid, 1, layout->width);
        layout_paint(layout, row, &grid, 0, 0, STYLE_PLAIN);
        check_cells(&grid);
        end += row.n;
    }
    if (end != text.n) {
        abort();
    }
    grid_release(&grid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    setlocale(LC_CTYPE, "C.UTF-8");
    int width = data[0] % 40;
    size_t step = 1u + data[1] % 32u;
    struct sv text = sv_of((const char *)data + 2, size - 2);
    struct layout whole = {0};
    struct layout grown = {0};
    layout_update(&whole, text, width);
    for (size_t end = 0; end < text.n; end += step) {
        layout_update(&grown, sv_take(text, end), width);
    }
    layout_update(&grown, text, width);
    if (grown.count != whole.count ||
        memcmp(grown.starts, whole.starts, whole.count * sizeof(*whole.starts)) != 0) {
        abort();
    }
    check_rows(&whole, text);
    layout_release(&whole);
    layout_release(&grown);
    return 0;
}
