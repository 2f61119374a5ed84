/*
 * The view: a walk over rows. A place names one row; stepping to the next or the one before looks
 * at the block it is in and lays out only that, so a step costs nothing for what is out of view.
 */
#include "base/safe.h"
#include "ui/transcript_internal.h"

#define LINE_MAX_TEXT ((size_t)1 << 10)

static struct shown_part *part_at(const struct shown_message *message, size_t block)
{
    return &message->parts[block - BLOCK_PARTS];
}

static size_t state_block(const struct shown_message *message)
{
    return BLOCK_PARTS + message->part_count;
}

static bool is_folded(const struct shown_message *message, const struct shown_part *part)
{
    struct buf line = BUF_INIT(LINE_MAX_TEXT);
    bool folded = text__folded(message, part, &line);
    buf_release(&line);
    return folded;
}

static struct sv part_text(const struct shown_part *part)
{
    return sv_take(buf_sv(&part->text), part->tail);
}

static size_t part_rows(const struct transcript *transcript, const struct shown_message *message,
                        struct shown_part *part)
{
    if (text__is_hidden(part)) {
        return 0;
    }
    if (is_folded(message, part)) {
        return 1;
    }
    layout_update(&part->layout, part_text(part), transcript->columns);
    return part->layout.count;
}

static size_t state_rows(const struct transcript *transcript, struct shown_message *message)
{
    if (message->state.n == 0) {
        return 0;
    }
    layout_update(&message->state_layout, buf_sv(&message->state), transcript->columns);
    return message->state_layout.count;
}

static size_t block_rows(const struct transcript *transcript, size_t index, size_t block)
{
    struct shown_message *message = transcript->messages[index];
    if (block == BLOCK_GAP) {
        return index > 0;
    }
    if (block == BLOCK_HEAD) {
        return 1;
    }
    if (block == state_block(message)) {
        return state_rows(transcript, message);
    }
    return part_rows(transcript, message, part_at(message, block));
}

/* Moves to the row below; false at the end. */
static bool step_down(const struct transcript *transcript, struct place *place)
{
    struct place at = *place;
    if (++at.row < block_rows(transcript, at.index, at.block)) {
        *place = at;
        return true;
    }
    do {
        at.row = 0;
        if (at.block++ == state_block(transcript->messages[at.index])) {
            at.block = 0;
            at.index++;
        }
        if (at.index >= transcript->count) {
            return false;
        }
    } while (block_rows(transcript, at.index, at.block) == 0);
    *place = at;
    return true;
}

static bool step_up(const struct transcript *transcript, struct place *place)
{
    struct place at = *place;
    if (at.row > 0) {
        place->row--;
        return true;
    }
    size_t rows;
    do {
        if (at.block == 0) {
            if (at.index == 0) {
                return false;
            }
            at.index--;
            at.block = state_block(transcript->messages[at.index]) + 1;
        }
        at.block--;
        rows = block_rows(transcript, at.index, at.block);
    } while (rows == 0);
    at.row = rows - 1;
    *place = at;
    return true;
}

static struct place last_place(const struct transcript *transcript)
{
    size_t index = transcript->count - 1;
    struct place place = {.index = index, .block = state_block(transcript->messages[index]) + 1};
    step_up(transcript, &place); /* there is always a head */
    return place;
}

/* Brings a place back to a row that exists: parts fold, messages grow and go. */
static struct place settle(const struct transcript *transcript, struct place place)
{
    size_t blocks = state_block(transcript->messages[place.index]) + 1;
    if (place.block >= blocks) {
        place.block = BLOCK_HEAD;
        place.row = 0;
    }
    size_t rows = block_rows(transcript, place.index, place.block);
    if (place.row < rows) {
        return place;
    }
    if (rows > 0) {
        place.row = rows - 1;
    } else if (!step_down(transcript, &place)) {
        place = last_place(transcript);
    }
    return place;
}

/* First row of a view that ends with the last row. `*ret_short`: rows that it does not fill. */
static struct place tail_top(const struct transcript *transcript, int *ret_short)
{
    struct place place = last_place(transcript);
    int missing = transcript->rows - 1;
    while (missing > 0 && step_up(transcript, &place)) {
        missing--;
    }
    *ret_short = missing > 0 ? missing : 0;
    return place;
}

static struct place view_top(const struct transcript *transcript)
{
    int missing;
    return transcript->follow ? tail_top(transcript, &missing)
                              : settle(transcript, transcript->top);
}

bool transcript_wants_older(struct transcript *transcript)
{
    if (!transcript->more || transcript->count == 0) {
        return false;
    }
    if (!transcript->follow) {
        struct place top = settle(transcript, transcript->top);
        return !step_up(transcript, &top);
    }
    int missing;
    tail_top(transcript, &missing);
    return missing > 0;
}

/* The layout that a place's row is in, or NULL for rows without one. */
static const struct layout *layout_at(const struct transcript *transcript,
                                      const struct place *place)
{
    struct shown_message *message = transcript->messages[place->index];
    if (place->block < BLOCK_PARTS) {
        return NULL;
    }
    if (place->block == state_block(message)) {
        return &message->state_layout;
    }
    struct shown_part *part = part_at(message, place->block);
    return is_folded(message, part) ? NULL : &part->layout;
}

void transcript_set_size(struct transcript *transcript, int rows, int columns)
{
    columns = columns < 1 ? 1 : columns;
    transcript->rows = rows < 0 ? 0 : rows;
    if (columns == transcript->columns) {
        return;
    }
    if (transcript->follow || transcript->count == 0 || transcript->columns == 0) {
        transcript->columns = columns;
        return;
    }
    /* The text at the top stays there, on whatever row it comes to be. */
    struct place top = settle(transcript, transcript->top);
    const struct layout *layout = layout_at(transcript, &top);
    size_t offset = layout ? layout->starts[top.row] : 0;
    transcript->columns = columns;
    block_rows(transcript, top.index, top.block);
    if (layout) {
        top.row = layout_row_at(layout, offset);
    }
    transcript->top = top;
}

void transcript_follow(struct transcript *transcript)
{
    transcript->follow = true;
}

bool transcript_follows(const struct transcript *transcript)
{
    return transcript->follow;
}

static bool is_before(const struct place *a, const struct place *b)
{
    if (a->index != b->index) {
        return a->index < b->index;
    }
    return a->block != b->block ? a->block < b->block : a->row < b->row;
}

int transcript_scroll(struct transcript *transcript, int rows)
{
    if (transcript->count == 0 || transcript->rows == 0) {
        return 0;
    }
    int missing;
    int moved = 0;
    struct place end = tail_top(transcript, &missing);
    struct place top = view_top(transcript);
    while (moved > rows && step_up(transcript, &top)) {
        moved--;
    }
    while (moved < rows && is_before(&top, &end) && step_down(transcript, &top)) {
        moved++;
    }
    transcript->follow = !is_before(&top, &end);
    transcript->top = top;
    return moved;
}

static enum style head_style(const struct shown_message *message)
{
    return message->role == ROLE_USER ? STYLE_USER : STYLE_MODEL;
}

/* Rows that are one line of their own, cut at the edge. */
static void paint_line(const struct shown_message *message, size_t block, struct grid *grid,
                       int row)
{
    struct buf line = BUF_INIT(LINE_MAX_TEXT);
    if (block == BLOCK_HEAD) {
        text__head(message, &line);
        grid_text(grid, row, 0, buf_sv(&line), head_style(message));
    } else if (block != BLOCK_GAP) {
        text__folded(message, part_at(message, block), &line);
        grid_text(grid, row, 0, buf_sv(&line), STYLE_DIM);
    }
    buf_release(&line);
}

static void paint_row(const struct transcript *transcript, const struct place *place,
                      struct grid *grid, int row)
{
    const struct shown_message *message = transcript->messages[place->index];
    const struct layout *layout = layout_at(transcript, place);
    if (!layout) {
        paint_line(message, place->block, grid, row);
        return;
    }
    if (place->block == state_block(message)) {
        struct sv line = layout_row(layout, buf_sv(&message->state), place->row);
        layout_paint(layout, line, grid, row, 0, text__state_style(message));
        return;
    }
    const struct shown_part *part = part_at(message, place->block);
    enum style style = part->kind == PART_TEXT ? STYLE_PLAIN : STYLE_DIM;
    layout_paint(layout, layout_row(layout, part_text(part), place->row), grid, row, 0, style);
}

void transcript_paint(struct transcript *transcript, struct grid *grid, int row)
{
    if (transcript->count == 0 || transcript->rows == 0) {
        return;
    }
    struct place place = view_top(transcript);
    for (int i = 0; i < transcript->rows; i++) {
        paint_row(transcript, &place, grid, row + i);
        if (!step_down(transcript, &place)) {
            return;
        }
    }
}
