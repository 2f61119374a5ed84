/*
 * Width: text cut into clusters that a terminal can be trusted with, and how many columns each
 * takes.
 *
 * A cluster is what the reader takes for one character (grapheme cluster, Unicode 15, UAX 29). Its
 * width is the sum of what libc's wcwidth says of each wide character that is really sent, since
 * that is what ncurses and most terminals go by. What is sent is decided here, per code point, by
 * the rules of base/safe.h: a code point that has a visible form ("<202E>") is a cluster of its own
 * and is shown by that form; invisible ones are dropped or marked; characters that libc calls
 * unprintable are replaced; joiners between two spacing characters and the selectors of text or
 * emoji style are not sent, as terminals disagree about the width of what they make. A cell of
 * ncurses holds 5 wide characters: what is longer ends in "…".
 *
 * Nothing here depends on what follows a cluster but the code points that join it, so text may be
 * cut at any cluster's border. A cluster that grows never becomes narrower, but for a flag of tags:
 * until the tag that ends it has come, its code points are shown one by one.
 *
 * Threads: values; the locale is the process's. In a locale without UTF-8 everything outside ASCII
 * becomes '?'. Units: bytes and columns.
 */
#ifndef WEIR_UI_WIDTH_H
#define WEIR_UI_WIDTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"

/* Five code points of four bytes, and the mark of a cut. */
#define CLUSTER_BYTES 23

enum cluster_kind { CLUSTER_GLYPH, CLUSTER_SPACE, CLUSTER_TAB, CLUSTER_NEWLINE };

struct cluster {
    enum cluster_kind kind;
    size_t used;              /* bytes of the source */
    uint8_t n;                /* bytes of `text`; 0: nothing is shown */
    uint8_t width;            /* columns; 0 for tabs and newlines too */
    char text[CLUSTER_BYTES]; /* as sent, not NUL-terminated */
};

/* Reads the first cluster of `text`, which is not empty. `flags` are those of base/safe.h;
 * SAFE_MARK_INVISIBLE counts. CR LF is one newline. */
void width_next(struct sv text, unsigned flags, struct cluster *ret_cluster);
/* Start of the cluster before `at`, seen from `from`, which is a border before it; clipped to
 * `from`. */
size_t width_before(struct sv text, size_t from, size_t at, unsigned flags);
/* `glyph`, or `plain` where the locale cannot show it. */
struct sv width_glyph(struct sv glyph, struct sv plain);
/* Columns of a line without tabs and newlines. */
size_t width_of(struct sv text, unsigned flags);

#endif
