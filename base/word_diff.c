/*
 * Word diff: words are hashed, the middle of the shortest way from one list of words to the other
 * is found from both ends, and what is on either side of it is done the same way.
 */
#include "base/word_diff.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

/* Changes on the way, from each end, beyond which a stretch is told as changed as a whole: this
 * bounds the time, which goes with the square of them. */
#define CHANGES_MOST 3000

struct word {
    struct sv text;
    size_t end; /* of the white space behind it, in the text */
    uint64_t hash;
    bool changed;
};

struct words {
    struct word *items;
    size_t count;
};

/* ---- words ---- */

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Scripts that put no spaces between words: Thai to Khmer, and the East Asian ones. */
static bool stands_alone(uint32_t cp)
{
    return (cp >= 0x0e00 && cp <= 0x0eff) || (cp >= 0x1000 && cp <= 0x109f) ||
           (cp >= 0x1780 && cp <= 0x17ff) || (cp >= 0x2e80 && cp <= 0xa4cf) ||
           (cp >= 0xac00 && cp <= 0xd7af) || (cp >= 0xf900 && cp <= 0xfaff) ||
           (cp >= 0xff00 && cp <= 0xffef) || (cp >= 0x20000 && cp <= 0x3ffff);
}

/* General punctuation and symbols stand alone, too; all else beyond ASCII counts as letters. */
static bool is_letter(uint32_t cp)
{
    if (cp < 0x80) {
        return (cp >= '0' && cp <= '9') || (cp >= 'A' && cp <= 'Z') || (cp >= 'a' && cp <= 'z') ||
               cp == '_';
    }
    return cp >= 0xaa && !(cp >= 0x2000 && cp <= 0x2bff) && !stands_alone(cp);
}

static size_t skip_spaces(struct sv text, size_t at)
{
    while (at < text.n && is_space(text.p[at])) {
        at++;
    }
    return at;
}

size_t word_diff_next(struct sv text, struct sv *ret_word)
{
    size_t start = skip_spaces(text, 0);
    size_t end = start;
    bool in_word = true;
    while (in_word && end < text.n) {
        uint32_t cp = 0;
        size_t used = utf8_decode(text.p + end, text.n - end, &cp);
        in_word = is_letter(cp);
        end += in_word || end == start ? used : 0;
    }
    *ret_word = sv_take(sv_skip(text, start), end - start);
    return skip_spaces(text, end);
}

static uint64_t hash_of(struct sv text)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * 1099511628211u;
    }
    return hash;
}

static struct words split(struct sv text)
{
    struct words words = {NULL, 0};
    size_t at = 0;
    while (at < text.n) {
        words.items = xgrow(words.items, words.count, sizeof(*words.items));
        struct sv word = sv_skip(text, at);
        size_t used = words.count < WORD_DIFF_MOST ? word_diff_next(word, &word) : word.n;
        at += used;
        words.items[words.count++] = (struct word){word, at, hash_of(word), false};
    }
    return words;
}

static bool same(const struct word *a, const struct word *b)
{
    return a->hash == b->hash && sv_equal(a->text, b->text);
}

/* ---- the shortest way ---- */

/* A stretch of both lists. */
struct box {
    struct word *a, *b;
    int64_t n, m;
};

/* From (x, y) to (u, v) both go in step; what is before and behind is done by itself. */
struct middle {
    int64_t x, y, u, v;
    int64_t changes; /* on the whole way */
};

/* How far the ways have come on each diagonal, from the two ends. */
struct ways {
    int64_t *ahead[2];
    int64_t size;
};

static int64_t *way(const struct ways *ways, int end, int64_t diagonal)
{
    int64_t at = diagonal % ways->size;
    return &ways->ahead[end][at < 0 ? at + ways->size : at];
}

static int64_t beyond(int64_t changes, int64_t limit)
{
    return changes > limit ? 2 * (changes - limit) : 0;
}

/* One more change from an end, on one diagonal. */
struct place {
    int end;
    int64_t changes, diagonal;
};

/* True: the ways meet, and `*ret` says where. */
static bool step(const struct box *box, const struct ways *ways, const struct place *place,
                 struct middle *ret)
{
    int end = place->end;
    int64_t changes = place->changes;
    int64_t diagonal = place->diagonal;
    int64_t left = *way(ways, end, diagonal - 1);
    int64_t right = *way(ways, end, diagonal + 1);
    bool down = diagonal == -changes || (diagonal != changes && left < right);
    int64_t u = down ? right : left + 1;
    int64_t v = u - diagonal;
    int64_t x = u;
    int64_t y = v;
    while (u < box->n && v < box->m &&
           (end == 0 ? same(&box->a[u], &box->b[v])
                     : same(&box->a[box->n - u - 1], &box->b[box->m - v - 1]))) {
        u++;
        v++;
    }
    *way(ways, end, diagonal) = u;
    int64_t delta = box->n - box->m;
    int64_t other = delta - diagonal;
    int64_t reached = changes - (end == 0 ? 1 : 0);
    bool odd = (delta & 1) != 0;
    if (odd != (end == 0) || other < -reached || other > reached ||
        u + *way(ways, 1 - end, other) < box->n) {
        return false;
    }
    *ret = end == 0 ? (struct middle){x, y, u, v, 2 * changes - 1}
                    : (struct middle){box->n - u, box->m - v, box->n - x, box->m - y, 2 * changes};
    return true;
}

/* False: there are too many changes. */
static bool find_middle(const struct box *box, struct middle *ret)
{
    int64_t most = (box->n + box->m + 1) / 2;
    most = most < CHANGES_MOST ? most : CHANGES_MOST;
    struct ways ways = {.size = 2 * most + 4};
    for (int end = 0; end < 2; end++) {
        ways.ahead[end] = xcalloc((size_t)ways.size, sizeof(int64_t));
    }
    bool found = false;
    for (int64_t changes = 0; !found && changes <= most; changes++) {
        int64_t low = -(changes - beyond(changes, box->m));
        int64_t high = changes - beyond(changes, box->n);
        for (int end = 0; !found && end < 2; end++) {
            for (int64_t diagonal = low; !found && diagonal <= high; diagonal += 2) {
                found = step(box, &ways, &(struct place){end, changes, diagonal}, ret);
            }
        }
    }
    free(ways.ahead[0]);
    free(ways.ahead[1]);
    return found;
}

/* What both begin and end with is taken off first, which most texts have much of. */
static struct box trimmed(struct box box)
{
    while (box.n > 0 && box.m > 0 && same(box.a, box.b)) {
        box = (struct box){box.a + 1, box.b + 1, box.n - 1, box.m - 1};
    }
    while (box.n > 0 && box.m > 0 && same(&box.a[box.n - 1], &box.b[box.m - 1])) {
        box.n--;
        box.m--;
    }
    return box;
}

static void mark_all(const struct box *box)
{
    for (int64_t i = 0; i < box->n; i++) {
        box->a[i].changed = true;
    }
    for (int64_t i = 0; i < box->m; i++) {
        box->b[i].changed = true;
    }
}

/* Each half has half of the changes, so this goes as deep as the logarithm of them. */
static void mark_changes(struct box box)
{
    struct middle middle;
    box = trimmed(box);
    if (box.n == 0 || box.m == 0 || !find_middle(&box, &middle) || middle.changes < 2) {
        mark_all(&box);
        return;
    }
    mark_changes((struct box){box.a, box.b, middle.x, middle.y});
    mark_changes(
        (struct box){box.a + middle.u, box.b + middle.v, box.n - middle.u, box.m - middle.v});
}

/* ---- runs ---- */

struct side {
    struct sv text;
    struct words words;
    size_t at, byte;
};

static bool is_changed(const struct side *side)
{
    return side->at < side->words.count && side->words.items[side->at].changed;
}

static struct sv take_word(struct side *side)
{
    size_t end = side->words.items[side->at++].end;
    struct sv taken = sv_of(side->text.p + side->byte, end - side->byte);
    side->byte = end;
    return taken;
}

static void grow(struct sv *run, struct sv more)
{
    *run = run->n > 0 ? sv_of(run->p, run->n + more.n) : more;
}

static struct word_run *run_of(struct word_diff *diff, enum word_change change)
{
    if (diff->count > 0 && diff->runs[diff->count - 1].change == change) {
        return &diff->runs[diff->count - 1];
    }
    diff->runs = xgrow(diff->runs, diff->count, sizeof(*diff->runs));
    diff->runs[diff->count] = (struct word_run){.change = change};
    return &diff->runs[diff->count++];
}

static struct word_diff gather(struct side *left, struct side *right)
{
    struct word_diff diff = {.count = 0};
    while (left->at < left->words.count || right->at < right->words.count) {
        if (is_changed(left)) {
            grow(&run_of(&diff, WORDS_REMOVED)->left, take_word(left));
            diff.removed++;
        } else if (is_changed(right)) {
            grow(&run_of(&diff, WORDS_ADDED)->right, take_word(right));
            diff.added++;
        } else {
            struct word_run *run = run_of(&diff, WORDS_SAME);
            grow(&run->left, take_word(left));
            grow(&run->right, take_word(right));
            diff.same++;
        }
    }
    return diff;
}

struct word_diff word_diff_make(struct sv left, struct sv right)
{
    struct side a = {.text = left, .words = split(left)};
    struct side b = {.text = right, .words = split(right)};
    mark_changes(
        (struct box){a.words.items, b.words.items, (int64_t)a.words.count, (int64_t)b.words.count});
    struct word_diff diff = gather(&a, &b);
    free(a.words.items);
    free(b.words.items);
    return diff;
}

void word_diff_release(struct word_diff *diff)
{
    free(diff->runs);
    *diff = (struct word_diff){.count = 0};
}
