/* Runs in one growing array, found by halving. */
#include "ui/styled.h"

#include <stdlib.h>

#include "base/alloc.h"

void styled_init(struct styled *styled, size_t max)
{
    *styled = (struct styled){.text = BUF_INIT(max), .links = BUF_INIT(BUF_MAX_INTERNAL)};
}

void styled_release(struct styled *styled)
{
    buf_release(&styled->text);
    buf_release(&styled->links);
    free(styled->runs);
    styled->runs = NULL;
    styled->run_count = 0;
    styled->run_cap = 0;
}

void styled_clear(struct styled *styled)
{
    buf_clear(&styled->text);
    buf_clear(&styled->links);
    styled->run_count = 0;
    styled->link = 0;
}

/* Gives the bytes behind the last run that style and the link. */
static void extend(struct styled *styled, enum style style)
{
    uint32_t end = (uint32_t)styled->text.n;
    struct style_run *last = styled->run_count ? &styled->runs[styled->run_count - 1] : NULL;
    if (last && last->style == style && last->link == styled->link) {
        last->end = end;
        return;
    }
    if (styled->run_count == styled->run_cap) {
        styled->run_cap = styled->run_cap ? styled->run_cap * 2 : 4;
        styled->runs = xrealloc(styled->runs, styled->run_cap * sizeof(*styled->runs));
    }
    styled->runs[styled->run_count++] =
        (struct style_run){.end = end, .link = styled->link, .style = (uint8_t)style};
}

void styled_append(struct styled *styled, struct sv text, enum style style)
{
    if (text.n && buf_append_sv(&styled->text, text)) {
        extend(styled, style);
    }
}

/* Each address is kept once, however many runs lead there: parts of cells of a table are appended
 * row by row. */
uint32_t styled_begin_link(struct styled *styled, struct sv uri)
{
    size_t at = 0;
    while (uri.n && at < styled->links.n) {
        struct sv known = styled_link_uri(styled, (uint32_t)at + 1);
        if (sv_equal(known, uri)) {
            break;
        }
        at += known.n + 1;
    }
    if (uri.n && at == styled->links.n) {
        buf_append_sv(&styled->links, uri);
        buf_append_byte(&styled->links, '\0');
    }
    styled->link = uri.n ? (uint32_t)at + 1 : 0;
    return styled->link;
}

void styled_set_link(struct styled *styled, uint32_t link)
{
    styled->link = link;
}

struct sv styled_link_uri(const struct styled *styled, uint32_t link)
{
    struct sv rest = link ? sv_skip(buf_sv(&styled->links), link - 1) : SV("");
    return sv_take(rest, sv_find(rest, '\0'));
}

void styled_pad(struct styled *styled, size_t count, enum style style)
{
    static const char blanks[] = "                                ";
    while (count) {
        size_t n = count < sizeof(blanks) - 1 ? count : sizeof(blanks) - 1;
        styled_append(styled, sv_of(blanks, n), style);
        count -= n;
    }
}

void styled_append_part(struct styled *styled, const struct styled *from_text, size_t from,
                        size_t to)
{
    for (size_t run = styled_run_at(from_text, from); from < to && run < from_text->run_count;
         run++) {
        size_t end = from_text->runs[run].end < to ? from_text->runs[run].end : to;
        styled_begin_link(styled, styled_link_uri(from_text, from_text->runs[run].link));
        styled_append(styled, sv_of(from_text->text.p + from, end - from),
                      (enum style)from_text->runs[run].style);
        from = end;
    }
    styled_set_link(styled, 0);
}

size_t styled_run_at(const struct styled *styled, size_t offset)
{
    size_t low = 0;
    size_t high = styled->run_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (styled->runs[middle].end <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
