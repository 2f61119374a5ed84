/*
 * The view: a walk over rows. A place names one row; stepping to the next or the one before looks
 * at the block it is in and lays out only that, so a step costs nothing for what is out of view.
 */
#include "ui/found.h"
#include "ui/transcript_internal.h"

#define LINE_MAX_TEXT ((size_t)1 << 10)
/* Of a long prompt: its beginning, a line for its middle, its end. */
#define CUT_ITEMS 3u
/* Of the view's rows that many are above what is brought into it. */
#define ROWS_ABOVE_PART 3

static struct shown_part *part_at(const struct shown_message *message, size_t block)
{
    return &message->parts[block - BLOCK_PARTS];
}

static size_t state_block(const struct shown_message *message)
{
    return BLOCK_PARTS + message->part_count;
}

static struct sv part_text(const struct shown_part *part)
{
    return sv_take(buf_sv(&part->text), part->tail);
}

/* A prompt is shown without its middle. */
static bool is_cut(const struct transcript *transcript, const struct shown_message *message,
                   struct shown_part *part)
{
    return !transcript->unfolded && text__is_cut(message, part);
}

static struct sv item_text(const struct transcript *transcript, const struct place *place)
{
    const struct shown_message *message = transcript->messages[place->index];
    struct shown_part *part = part_at(message, place->block);
    if (!is_cut(transcript, message, part)) {
        return part_text(part);
    }
    return place->item == 0 ? sv_take(part_text(part), part->cut_at)
                            : sv_skip(part_text(part), part->cut_end);
}

static bool is_markdown(const struct shown_message *message, const struct shown_part *part)
{
    return part->kind == PART_TEXT && message->role == ROLE_ASSISTANT;
}

/* The part's Markdown, up to date. */
static struct markdown *markdown_of(const struct transcript *transcript,
                                    const struct shown_message *message, struct shown_part *part)
{
    if (!part->markdown) {
        part->markdown = markdown_new(transcript->cache);
    }
    markdown_set_width(part->markdown, transcript->columns);
    markdown_update(part->markdown, buf_sv(&part->text), part->ended || message->ended);
    return part->markdown;
}

static size_t part_items(const struct transcript *transcript, const struct shown_message *message,
                         struct shown_part *part)
{
    if (text__is_hidden(part)) {
        return 0;
    }
    if (is_markdown(message, part)) {
        return markdown_blocks(markdown_of(transcript, message, part));
    }
    if (is_cut(transcript, message, part)) {
        return CUT_ITEMS;
    }
    bool whole = transcript->unfolded && part->tail > 0;
    return text__folds(message, part) && whole ? 2 : 1;
}

static size_t block_items(const struct transcript *transcript, size_t index, size_t block)
{
    const struct shown_message *message = transcript->messages[index];
    if (block == BLOCK_GAP) {
        return index > 0;
    }
    if (block == BLOCK_HEAD) {
        return 1;
    }
    if (block == state_block(message)) {
        return message->state.n > 0;
    }
    return part_items(transcript, message, part_at(message, block));
}

/* What an item's rows are made from. */
enum item_kind { ITEM_LINE, ITEM_TEXT, ITEM_STATE, ITEM_MARKDOWN };

static enum item_kind item_kind(const struct transcript *transcript, const struct place *place)
{
    const struct shown_message *message = transcript->messages[place->index];
    if (place->block < BLOCK_PARTS) {
        return ITEM_LINE;
    }
    if (place->block == state_block(message)) {
        return ITEM_STATE;
    }
    struct shown_part *part = part_at(message, place->block);
    if (is_markdown(message, part)) {
        return ITEM_MARKDOWN;
    }
    if (is_cut(transcript, message, part)) {
        return place->item == 1 ? ITEM_LINE : ITEM_TEXT;
    }
    return text__folds(message, part) && place->item == 0 ? ITEM_LINE : ITEM_TEXT;
}

/* The layout of a text or a state, up to date. */
static struct layout *layout_of(const struct transcript *transcript, const struct place *place)
{
    struct shown_message *message = transcript->messages[place->index];
    if (place->block == state_block(message)) {
        layout_update(&message->state_layout, buf_sv(&message->state), transcript->columns);
        return &message->state_layout;
    }
    struct shown_part *part = part_at(message, place->block);
    struct layout *layout = &part->layout;
    if (place->item > 0 && is_cut(transcript, message, part)) {
        layout = &part->end_layout;
    }
    layout_update(layout, item_text(transcript, place), transcript->columns);
    return layout;
}

static struct markdown *markdown_at(const struct transcript *transcript, const struct place *place)
{
    struct shown_message *message = transcript->messages[place->index];
    return markdown_of(transcript, message, part_at(message, place->block));
}

/* Rows of an item that exists: at least one. */
static size_t item_rows(const struct transcript *transcript, const struct place *place)
{
    switch (item_kind(transcript, place)) {
    case ITEM_MARKDOWN:
        return markdown_rows(markdown_at(transcript, place), place->item);
    case ITEM_TEXT:
    case ITEM_STATE:
        return layout_of(transcript, place)->count;
    default:
        return 1;
    }
}

/* Moves to the row below; false at the end, or where messages are missing. */
static bool step_down(const struct transcript *transcript, struct place *place)
{
    struct place at = *place;
    if (++at.row < item_rows(transcript, &at)) {
        *place = at;
        return true;
    }
    at.row = 0;
    if (++at.item < block_items(transcript, at.index, at.block)) {
        *place = at;
        return true;
    }
    size_t edge = window__edge(transcript);
    do {
        at.item = 0;
        if (at.block++ == state_block(transcript->messages[at.index])) {
            at.block = 0;
            if (at.index++ == edge) {
                return false;
            }
        }
        if (at.index >= transcript->count) {
            return false;
        }
    } while (block_items(transcript, at.index, at.block) == 0);
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
    size_t edge = window__edge(transcript);
    while (at.item == 0) {
        if (at.block == 0) {
            if (at.index == 0 || at.index == edge + 1) {
                return false;
            }
            at.index--;
            at.block = state_block(transcript->messages[at.index]) + 1;
        }
        at.block--;
        at.item = block_items(transcript, at.index, at.block);
    }
    at.item--;
    at.row = item_rows(transcript, &at) - 1;
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

/* The first row behind a block that has none. */
static struct place below_nothing(const struct transcript *transcript, struct place place)
{
    size_t blocks = state_block(transcript->messages[place.index]) + 1;
    while (++place.block < blocks) {
        if (block_items(transcript, place.index, place.block) > 0) {
            return place;
        }
    }
    if (place.index + 1 == transcript->count) {
        return last_place(transcript);
    }
    return (struct place){.index = place.index + 1, .block = BLOCK_GAP};
}

/* Brings a place back to a row that exists: parts fold, messages grow and go. */
static struct place settle(const struct transcript *transcript, struct place place)
{
    size_t blocks = state_block(transcript->messages[place.index]) + 1;
    if (place.block >= blocks) {
        place = (struct place){.index = place.index, .block = BLOCK_HEAD};
    }
    size_t items = block_items(transcript, place.index, place.block);
    if (items == 0) {
        /* A head is always there; what is below it is the nearest that may be. */
        place = (struct place){.index = place.index, .block = place.block};
        return below_nothing(transcript, place);
    }
    if (place.item >= items) {
        place.item = items - 1;
        place.row = SIZE_MAX;
    }
    size_t rows = item_rows(transcript, &place);
    place.row = place.row < rows ? place.row : rows - 1;
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

/* A place in an item that keeps its meaning when the width changes, and the row it is on. */
static size_t place_in_item(const struct transcript *transcript, const struct place *place)
{
    switch (item_kind(transcript, place)) {
    case ITEM_MARKDOWN:
        return markdown_place(markdown_at(transcript, place), place->item, place->row);
    case ITEM_TEXT:
    case ITEM_STATE:
        return layout_of(transcript, place)->starts[place->row];
    default:
        return 0;
    }
}

static size_t row_in_item(const struct transcript *transcript, const struct place *place,
                          size_t inside)
{
    switch (item_kind(transcript, place)) {
    case ITEM_MARKDOWN:
        return markdown_row_of(markdown_at(transcript, place), place->item, inside);
    case ITEM_TEXT:
    case ITEM_STATE:
        return layout_row_at(layout_of(transcript, place), inside);
    default:
        return 0;
    }
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
    size_t inside = place_in_item(transcript, &top);
    transcript->columns = columns;
    top.row = row_in_item(transcript, &top, inside);
    transcript->top = top;
}

void transcript_toggle_folds(struct transcript *transcript)
{
    transcript->unfolded = !transcript->unfolded;
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
    if (a->block != b->block) {
        return a->block < b->block;
    }
    return a->item != b->item ? a->item < b->item : a->row < b->row;
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
static void paint_line(const struct transcript *transcript, const struct place *place,
                       struct grid *grid, int row)
{
    const struct shown_message *message = transcript->messages[place->index];
    struct buf line = BUF_INIT(LINE_MAX_TEXT);
    if (place->block == BLOCK_HEAD) {
        text__head(message, &line);
        grid_text(grid, row, 0, buf_sv(&line), head_style(message));
        if (ulid_equal(&message->id, &transcript->selected)) {
            grid_style_row(grid, row, STYLE_STATUS);
        }
    } else if (place->block != BLOCK_GAP) {
        const struct shown_part *part = part_at(message, place->block);
        bool unfolded = transcript->unfolded && part->tail > 0;
        text__folded(part, unfolded, &line);
        grid_text(grid, row, 0, buf_sv(&line), STYLE_FOLDED);
        found_mark(transcript->marker, buf_sv(&line), grid, &(struct grid_place){row, 0},
                   STYLE_FOUND);
    }
    buf_release(&line);
}

static void paint_text(const struct transcript *transcript, const struct place *place,
                       struct grid *grid, int row)
{
    const struct shown_message *message = transcript->messages[place->index];
    const struct layout *layout = layout_of(transcript, place);
    bool state = place->block == state_block(message);
    const struct shown_part *part = state ? NULL : part_at(message, place->block);
    struct sv text = state ? buf_sv(&message->state) : item_text(transcript, place);
    enum style style = state                     ? text__state_style(message)
                       : part->kind == PART_TEXT ? STYLE_PLAIN
                                                 : STYLE_REASONING;
    layout_paint(layout, layout_row(layout, text, place->row), grid, row, 0, style);
}

static void paint_row(const struct transcript *transcript, const struct place *place,
                      struct grid *grid, int row)
{
    switch (item_kind(transcript, place)) {
    case ITEM_MARKDOWN:
        markdown_paint(markdown_at(transcript, place), place->item, place->row, grid, row);
        break;
    case ITEM_TEXT:
    case ITEM_STATE:
        paint_text(transcript, place, grid, row);
        break;
    case ITEM_LINE:
        paint_line(transcript, place, grid, row);
        break;
    }
    if (transcript->marker) {
        marks__paint(transcript, place, grid, row);
    }
}

bool view__text(const struct transcript *transcript, const struct place *place,
                struct markdown_text *ret_text)
{
    switch (item_kind(transcript, place)) {
    case ITEM_MARKDOWN:
        *ret_text = markdown_text(markdown_at(transcript, place), place->item);
        return true;
    case ITEM_TEXT:
        *ret_text = (struct markdown_text){.text = item_text(transcript, place),
                                           .layout = layout_of(transcript, place)};
        return true;
    default:
        return false;
    }
}

/* From the block beside this one on, the first that has items. */
static bool next_block(const struct transcript *transcript, struct place *place, int step)
{
    size_t end = state_block(transcript->messages[place->index]);
    size_t block = place->block;
    while (step < 0 ? block > 0 : block < end) {
        block = step < 0 ? block - 1 : block + 1;
        size_t items = block_items(transcript, place->index, block);
        if (items) {
            *place = (struct place){
                .index = place->index, .block = block, .item = step < 0 ? items - 1 : 0};
            return true;
        }
    }
    return false;
}

bool view__first_item(const struct transcript *transcript, struct place *place, int step)
{
    place->item = 0;
    place->row = 0;
    place->block = step < 0 ? state_block(transcript->messages[place->index]) + 1 : BLOCK_HEAD;
    return step > 0 || next_block(transcript, place, step);
}

bool view__next_item(const struct transcript *transcript, struct place *place, int step)
{
    size_t items = block_items(transcript, place->index, place->block);
    place->row = 0;
    if (step < 0 ? place->item > 0 : place->item + 1 < items) {
        place->item = step < 0 ? place->item - 1 : place->item + 1;
        return true;
    }
    return next_block(transcript, place, step);
}

static bool shows(const struct transcript *transcript, const struct place *place)
{
    struct place at = view_top(transcript);
    for (int i = 1; i < transcript->rows && is_before(&at, place); i++) {
        if (!step_down(transcript, &at)) {
            return false;
        }
    }
    return !is_before(&at, place) && !is_before(place, &at);
}

void view__show(struct transcript *transcript, const struct place *place)
{
    int missing;
    if (shows(transcript, place)) {
        return;
    }
    struct place end = tail_top(transcript, &missing);
    struct place top = *place;
    for (int i = 0; i < transcript->rows / ROWS_ABOVE_PART && step_up(transcript, &top); i++) {
    }
    transcript->follow = !is_before(&top, &end);
    transcript->top = transcript->follow ? end : top;
}

size_t view__bottom(const struct transcript *transcript)
{
    struct place place = view_top(transcript);
    for (int i = 1; i < transcript->rows && step_down(transcript, &place); i++) {
    }
    return place.index;
}

bool view__shows_head(const struct transcript *transcript, size_t index)
{
    struct place place = view_top(transcript);
    for (int i = 0; i < transcript->rows && place.index <= index; i++) {
        if (place.index == index && place.block == BLOCK_HEAD) {
            return true;
        }
        if (!step_down(transcript, &place)) {
            return false;
        }
    }
    return false;
}

void view__go_to(struct transcript *transcript, size_t index)
{
    int missing;
    struct place end = tail_top(transcript, &missing);
    struct place head = {.index = index, .block = BLOCK_HEAD};
    transcript->follow = !is_before(&head, &end);
    transcript->top = transcript->follow ? end : head;
}

void transcript_paint(struct transcript *transcript, struct grid *grid, int row)
{
    if (transcript->count == 0 || transcript->rows == 0) {
        return;
    }
    struct place place = view_top(transcript);
    size_t first = place.index;
    bool more = true;
    for (int i = 0; i < transcript->rows && more; i++) {
        paint_row(transcript, &place, grid, row + i);
        more = i + 1 < transcript->rows && step_down(transcript, &place);
    }
    window__trim(transcript, first, place.index);
}

/* The last prompt; the last message where there is none. */
static size_t last_prompt(const struct transcript *transcript)
{
    size_t index = transcript->count - 1;
    for (size_t i = transcript->count; i > 0; i--) {
        if (transcript->messages[i - 1]->role == ROLE_USER) {
            return i - 1;
        }
    }
    return index;
}

void transcript_paint_last(struct transcript *transcript, struct grid *grid, int rows)
{
    grid_resize(grid, 0, transcript->columns);
    if (transcript->count == 0 || rows < 1 || transcript->columns < 1) {
        return;
    }
    size_t first = last_prompt(transcript);
    struct place place = last_place(transcript);
    int count = 1;
    while (count < rows && !(place.index == first && place.block == BLOCK_HEAD) &&
           step_up(transcript, &place)) {
        count++;
    }
    grid_resize(grid, count, transcript->columns);
    for (int i = 0; i < count; i++) {
        paint_row(transcript, &place, grid, i);
        step_down(transcript, &place);
    }
}
