/*
 * Styled text: bytes, and which style each of them has. What a block of Markdown becomes before it
 * is cut into rows.
 *
 * Runs are kept, not bytes: neighbours of one style and link are one run. Newlines end rows.
 *
 * Threads: a value of its owner. Ownership: styled_release. Units: bytes.
 */
#ifndef WEIR_UI_STYLED_H
#define WEIR_UI_STYLED_H

#include "base/buf.h"
#include "ui/style.h"

struct style_run {
    uint32_t end;  /* of its bytes; it begins where the one before ends */
    uint32_t link; /* 0: none; see styled_link_uri */
    uint8_t style;
};

struct styled {
    struct buf text;
    struct style_run *runs;
    size_t run_count, run_cap;
    struct buf links; /* URIs, a NUL behind each */
    uint32_t link;    /* of what is appended */
};

/* Begins empty. What does not fit into `max` bytes (below 4 GiB) is left out. */
void styled_init(struct styled *styled, size_t max);
void styled_release(struct styled *styled);
void styled_clear(struct styled *styled);
void styled_append(struct styled *styled, struct sv text, enum style style);
/* What is appended from now on leads there (ui/hyperlink.h), until styled_set_link(…, 0): gives the
 * link's number. `uri` has no NUL; an empty one is none. */
uint32_t styled_begin_link(struct styled *styled, struct sv uri);
void styled_set_link(struct styled *styled, uint32_t link);
/* Empty for 0. Valid until something is appended. */
struct sv styled_link_uri(const struct styled *styled, uint32_t link);
/* `count` blanks. */
void styled_pad(struct styled *styled, size_t count, enum style style);
/* [from, to) of another one, with its links. */
void styled_append_part(struct styled *styled, const struct styled *from_text, size_t from,
                        size_t to);
/* Index of the run that holds the byte at `offset`; run_count: there is none. */
size_t styled_run_at(const struct styled *styled, size_t offset);

#endif
