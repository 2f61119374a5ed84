/*
 * Making text safe for a terminal: the one choke point, for the screen and for stdout.
 *
 * What comes from a model, a tool, a file, a title or a server is data. Nothing of it may act on
 * the terminal or hide from the reader:
 *
 *   C0 but newline and tab, DEL      control picture (U+2400..U+2421)
 *   CR LF                            LF; a CR alone is a picture
 *   C1 (U+0080..U+009F)              <9B>, in hexadecimal
 *   bidi controls, ALM, LRM, RLM     <202E>
 *   line and paragraph separators,   <2028>
 *   noncharacters, interlinear FFF9..FFFB, variation selectors E0100..E01EF, and reserved or
 *   deprecated code points that are ignored in display
 *   tag characters outside a flag    <E0041>; a flag is U+1F3F4, at most 6 tag letters and
 *                                    digits, U+E007F
 *   zero-width space, word joiner,   <200B> with SAFE_MARK_INVISIBLE, else dropped
 *   BOM, soft hyphen, Hangul fillers, invisible operators
 *   combining marks                  8 on one base pass, the rest is dropped
 *   ill-formed UTF-8                 U+FFFD
 *
 * Zero-width joiner, non-joiner and variation selectors 1..16 pass, since emoji and Indic scripts
 * need them; they count as marks on their base. Source of the classes: Unicode 15 (UAX 9, UTS 51),
 * CWE-150.
 *
 * Threads: values. Ownership: none kept. The output never has a byte below 0x20 other than LF and
 * TAB.
 */
#ifndef WEIR_BASE_SAFE_H
#define WEIR_BASE_SAFE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum safe_flags {
    SAFE_DEFAULT = 0,
    SAFE_MARK_INVISIBLE = 1, /* show zero-width characters too: code, pasted text */
    SAFE_ONE_LINE = 2,       /* each newline and tab becomes a space: titles, names, lists */
};

/* State of a stream that is made safe piece by piece; the result does not depend on where it is
 * cut. */
struct safe_stream {
    unsigned flags;
    unsigned marks;     /* on the current base; in a flag: its tags */
    bool carriage;      /* a CR came last and waits for what follows */
    bool in_flag;       /* inside a tag sequence that U+1F3F4 began */
    char partial[4];    /* an unfinished code point */
    unsigned partial_n; /* bytes in `partial` */
};

void safe_init(struct safe_stream *stream, unsigned flags);
/* Appends the safe form of `text`. False when the buffer is full. */
bool safe_feed(struct safe_stream *stream, struct sv text, struct buf *out);
/* Appends what waited for more input (a CR, an unfinished code point). */
bool safe_end(struct safe_stream *stream, struct buf *out);
/* All of it at once. */
bool safe_append(struct buf *out, struct sv text, unsigned flags);

/* What stands for one code point: writes its visible form (no NUL) and gives its length, or 0 when
 * `cp` may pass as it is. Knows no context: an invisible one and every tag have a form. */
size_t safe_mark(uint32_t cp, char out[12]);
/* Invisible but harmless: zero-width space, soft hyphen and the like. */
bool safe_is_invisible(uint32_t cp);

#endif
