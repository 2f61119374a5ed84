/*
 * What was searched for is marked where it stands, and the view goes from mark to mark.
 *
 * Marks are found anew for each row that is painted, in its text and a little around it: a word may
 * go on behind the row's end. So they cost nothing where nothing was searched for, and follow
 * whatever becomes of the text.
 */
#include "base/utf8.h"
#include "ui/transcript_internal.h"

/* Read on either side of a row: words, and phrases, that begin before it or go on behind it. */
#define AROUND_BYTES ((size_t)160)
/* Of a long text so much is searched at once; what begins in the last bytes of a stretch is found
 * with the next one. */
#define STRETCH_BYTES ((size_t)8 << 10)
#define ROW_SPANS 64u
#define STRETCH_SPANS 1024u

void transcript_mark(struct transcript *transcript, struct search_marker *marker)
{
    search_marker_free(transcript->marker);
    transcript->marker = marker;
    transcript->mark = (struct ulid){""};
}

bool transcript_marks(const struct transcript *transcript)
{
    return transcript->marker != NULL;
}

static bool is_led_to(const struct transcript *transcript, const struct place *place,
                      const struct search_span *span)
{
    return ulid_is_set(&transcript->mark) &&
           ulid_equal(&transcript->mark, &transcript->messages[place->index]->id) &&
           transcript->mark_block == place->block && transcript->mark_item == place->item &&
           span->first <= transcript->mark_first && transcript->mark_first < span->last;
}

void marks__paint(const struct transcript *transcript, const struct place *place, struct grid *grid,
                  int row)
{
    struct markdown_text text;
    struct search_span spans[ROW_SPANS];
    if (!view__text(transcript, place, &text) || place->row < text.gap) {
        return;
    }
    struct sv of_row = layout_row(text.layout, text.text, place->row - text.gap);
    size_t first = (size_t)(of_row.p - text.text.p);
    size_t last = first + of_row.n;
    size_t from =
        first > AROUND_BYTES ? utf8_cut(text.text.p, text.text.n, first - AROUND_BYTES) : 0;
    struct sv around = sv_take(sv_skip(text.text, from), last - from + AROUND_BYTES);
    around.n =
        around.n < text.text.n - from ? utf8_cut(around.p, text.text.n - from, around.n) : around.n;
    size_t count = search_mark(transcript->marker, around, spans, ROW_SPANS);
    for (size_t i = 0; i < count; i++) {
        struct search_span span = {spans[i].first + from, spans[i].last + from};
        if (span.last <= first || span.first >= last) {
            continue;
        }
        size_t begin = span.first > first ? span.first - first : 0;
        size_t end = (span.last < last ? span.last : last) - first;
        struct grid_place at = {row, text.column + layout_column_of(text.layout, of_row, begin)};
        enum style style = is_led_to(transcript, place, &span) ? STYLE_FOUND_HERE : STYLE_FOUND;
        int to = layout_column_of(text.layout, of_row, end);
        to = to < text.layout->width ? to : text.layout->width;
        grid_style_cells(grid, &at, text.column + to, style);
    }
}

/* ---- being led to one ---- */

/* The next stretch of a text from `at` on, which ends between two characters. */
static struct sv stretch_at(struct sv text, size_t at)
{
    struct sv rest = sv_skip(text, at);
    return rest.n > STRETCH_BYTES ? sv_take(rest, utf8_cut(rest.p, rest.n, STRETCH_BYTES)) : rest;
}

/* Stretches overlap by what may be cut at the end of one. */
static size_t next_stretch(struct sv text, size_t at, struct sv stretch)
{
    size_t next = at + stretch.n;
    return next < text.n ? utf8_cut(text.p, text.n, next - AROUND_BYTES) : next;
}

static unsigned best_of_text(const struct search_marker *marker, struct sv text, unsigned least,
                             size_t *ret_first)
{
    unsigned best = least;
    for (size_t at = 0; at < text.n && best < search_marker_words(marker);) {
        struct search_span span;
        struct sv stretch = stretch_at(text, at);
        unsigned words = search_mark_best(marker, stretch, &span);
        if (words > best) {
            best = words;
            *ret_first = at + span.first;
        }
        at = next_stretch(text, at, stretch);
    }
    return best;
}

static void lead_to(struct transcript *transcript, struct place place, size_t first)
{
    struct markdown_text text;
    transcript->mark = transcript->messages[place.index]->id;
    transcript->mark_block = place.block;
    transcript->mark_item = place.item;
    transcript->mark_first = first;
    if (view__text(transcript, &place, &text)) {
        place.row = text.gap + layout_row_at(text.layout, first);
        view__show(transcript, &place);
    }
}

static bool lead_into(struct transcript *transcript, size_t index)
{
    struct place place = {.index = index};
    struct place best_place = place;
    size_t first = 0;
    unsigned best = 0;
    bool more = view__first_item(transcript, &place, 1);
    while (more) {
        struct markdown_text text;
        if (view__text(transcript, &place, &text)) {
            unsigned words = best_of_text(transcript->marker, text.text, best, &first);
            best_place = words > best ? place : best_place;
            best = words;
        }
        more = view__next_item(transcript, &place, 1);
    }
    if (best) {
        lead_to(transcript, best_place, first);
    }
    return best > 0;
}

bool transcript_lead_to(struct transcript *transcript, const struct ulid *message)
{
    const struct shown_message *shown = message__find(transcript, message);
    if (!shown || !transcript->marker) {
        return false;
    }
    size_t index = message__index(transcript, shown);
    bool found = lead_into(transcript, index);
    if (!found && !transcript->unfolded) {
        transcript->unfolded = true;
        found = lead_into(transcript, index);
        transcript->unfolded = found;
    }
    return found;
}

/* The first mark at or behind `from`; with `step` -1 the last one before it. */
static bool mark_beside(const struct search_marker *marker, struct sv text, size_t from, int step,
                        size_t *ret_first)
{
    bool found = false;
    for (size_t at = 0; at < text.n;) {
        struct search_span spans[STRETCH_SPANS];
        struct sv stretch = stretch_at(text, at);
        size_t count = search_mark(marker, stretch, spans, STRETCH_SPANS);
        for (size_t i = 0; i < count; i++) {
            size_t first = at + spans[i].first;
            if (step > 0 ? first >= from : first < from) {
                *ret_first = first;
                found = true;
            }
            if (found && step > 0) {
                return true;
            }
        }
        at = next_stretch(text, at, stretch);
        if (step < 0 && at >= from) {
            break;
        }
    }
    return found;
}

/* Where the mark that the reader was led to stands; or where the message that is chosen begins. */
static bool mark_place(const struct transcript *transcript, struct place *ret_place)
{
    bool led = ulid_is_set(&transcript->mark);
    const struct shown_message *shown =
        message__find(transcript, led ? &transcript->mark : &transcript->selected);
    if (!shown) {
        return false;
    }
    *ret_place = (struct place){.index = message__index(transcript, shown),
                                .block = led ? transcript->mark_block : BLOCK_HEAD,
                                .item = led ? transcript->mark_item : 0};
    return true;
}

static bool next_item(const struct transcript *transcript, struct place *place, int step)
{
    if (view__next_item(transcript, place, step)) {
        return true;
    }
    if (step < 0 ? place->index == 0 : place->index + 1 >= transcript->count) {
        return false;
    }
    place->index = step < 0 ? place->index - 1 : place->index + 1;
    return view__first_item(transcript, place, step);
}

bool transcript_step_mark(struct transcript *transcript, int step)
{
    struct place place;
    if (!transcript->marker || !mark_place(transcript, &place)) {
        return false;
    }
    /* The first place of all to look in is the rest of the text that the reader is in. */
    size_t from = transcript->mark_first + (step > 0);
    do {
        struct markdown_text text;
        size_t first;
        if (view__text(transcript, &place, &text) &&
            mark_beside(transcript->marker, text.text, from, step, &first)) {
            transcript->selected = transcript->messages[place.index]->id;
            lead_to(transcript, place, first);
            return true;
        }
        from = step < 0 ? SIZE_MAX : 0;
    } while (next_item(transcript, &place, step));
    return false;
}
