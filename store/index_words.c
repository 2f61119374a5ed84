/*
 * Words, by the tables of utf8proc. ASCII, which most text is, does without them.
 */
#include "store/index_words.h"

#include <string.h>
#include <utf8proc.h>

#include "base/attr.h"
#include "base/utf8.h"

enum character_kind { OUTSIDE, INSIDE, MARK, IGNORED, SYMBOL, UNSPACED };

struct range {
    uint32_t first, last;
};

/* Written without spaces between words, or (Hangul) with whole phrases between two spaces. */
static const struct range unspaced[] = {
    {0x0E00, 0x0EFF},   /* Thai, Lao */
    {0x1000, 0x109F},   /* Myanmar */
    {0x1100, 0x11FF},   /* Hangul Jamo */
    {0x1780, 0x17FF},   /* Khmer */
    {0x2E80, 0x2FDF},   /* radicals */
    {0x3005, 0x3007},   /* repetition marks */
    {0x3021, 0x3035},   /* numerals, repetition marks */
    {0x3040, 0x31FF},   /* Kana, Bopomofo, Hangul letters */
    {0x3400, 0x9FFF},   /* Han */
    {0xA960, 0xA97F},   /* Hangul Jamo */
    {0xAC00, 0xD7FF},   /* Hangul */
    {0xF900, 0xFAFF},   /* Han, compatibility */
    {0xFF66, 0xFFDC},   /* Kana and Hangul of half width */
    {0x1B000, 0x1B16F}, /* Kana */
    {0x20000, 0x3FFFF}, /* Han */
};

/* Accents, and what only says how the character before it is to look. */
static const struct range dropped_marks[] = {
    {0x0300, 0x036F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},   {0x20D0, 0x20FF},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF},
};

#define FIRST_SYMBOL 0x2000u
#define FULL_WIDTH_FIRST 0xFF01u
#define FULL_WIDTH_LAST 0xFF5Eu
#define FULL_WIDTH_OFFSET 0xFEE0u

static bool is_within(const struct range *ranges, size_t count, uint32_t cp)
{
    for (size_t i = 0; i < count && ranges[i].first <= cp; i++) {
        if (cp <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static bool is_ascii_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

static enum character_kind kind_of_other(uint32_t cp)
{
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_CO:
        return INSIDE;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return is_within(dropped_marks, COUNT_OF(dropped_marks), cp) ? IGNORED : MARK;
    case UTF8PROC_CATEGORY_CF:
        return IGNORED;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
        return cp >= FIRST_SYMBOL && cp != UTF8_REPLACEMENT ? SYMBOL : OUTSIDE;
    default:
        return OUTSIDE;
    }
}

static enum character_kind kind_of(uint32_t cp)
{
    if (cp < 0x80) {
        return is_ascii_word((unsigned char)cp) ? INSIDE : OUTSIDE;
    }
    enum character_kind kind = kind_of_other(cp);
    bool is_unspaced =
        (kind == INSIDE || kind == MARK) && is_within(unspaced, COUNT_OF(unspaced), cp);
    return is_unspaced ? UNSPACED : kind;
}

static bool peek(const struct words *words, uint32_t *ret_cp, size_t *ret_length)
{
    if (words->at >= words->text.n) {
        return false;
    }
    *ret_length = utf8_decode(words->text.p + words->at, words->text.n - words->at, ret_cp);
    return true;
}

/* What does not fit is left out: a longer word is found by its beginning. */
static void put(struct word *word, uint32_t cp)
{
    char bytes[4];
    size_t n = utf8_encode(cp, bytes);
    if (word->n + n <= WORD_MAX) {
        memcpy(word->text + word->n, bytes, n);
        word->n += n;
    }
}

static void put_folded(struct word *word, uint32_t cp)
{
    utf8proc_int32_t folded[8];
    int boundary = 0;
    if (cp >= FULL_WIDTH_FIRST && cp <= FULL_WIDTH_LAST) {
        cp -= FULL_WIDTH_OFFSET;
    }
    if (cp < 0x80) {
        put(word, cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp);
        return;
    }
    utf8proc_ssize_t count =
        utf8proc_decompose_char((utf8proc_int32_t)cp, folded, COUNT_OF(folded),
                                UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD, &boundary);
    bool is_known = count > 0 && count <= (utf8proc_ssize_t)COUNT_OF(folded);
    for (utf8proc_ssize_t i = 0; is_known && i < count; i++) {
        enum character_kind kind = kind_of((uint32_t)folded[i]);
        if (kind == INSIDE || kind == MARK) {
            put(word, (uint32_t)folded[i]);
        }
    }
    if (!is_known || word->n == 0) {
        put(word, cp);
    }
}

void words_init(struct words *words, struct sv text)
{
    *words = (struct words){.text = text};
}

/* The pair of the character before with this one; or what is left at the end of a run. */
static void give_run(struct words *words, const struct words__character *next, struct word *word)
{
    *word = (struct word){.kind = next              ? WORD_PAIR
                                  : words->has_pair ? WORD_LAST
                                                    : WORD_ALONE,
                          .first = words->run.first,
                          .last = next ? next->last : words->run.last};
    put(word, words->run.cp);
    if (next) {
        put(word, next->cp);
        words->run = *next;
    }
    words->in_run = words->has_pair = next != NULL;
}

/* At a character of a run that has not begun, or has just given a pair. True: a word. */
static bool go_on_with_run(struct words *words, struct word *word)
{
    uint32_t cp = 0;
    size_t length = 0;
    while (peek(words, &cp, &length)) {
        enum character_kind kind = kind_of(cp);
        const struct words__character next = {cp, words->at, words->at + length};
        if (kind != UNSPACED && kind != IGNORED) {
            break;
        }
        words->at += length;
        if (kind == UNSPACED) {
            give_run(words, &next, word);
            return true;
        }
    }
    give_run(words, NULL, word);
    return true;
}

static void take_plain(struct words *words, struct word *word)
{
    uint32_t cp = 0;
    size_t length = 0;
    while (peek(words, &cp, &length)) {
        enum character_kind kind = kind_of(cp);
        if (kind != INSIDE && kind != MARK && kind != IGNORED) {
            break;
        }
        words->at += length;
        if (kind != IGNORED) {
            put_folded(word, cp);
            word->last = words->at;
        }
    }
}

bool words_next(struct words *words, struct word *ret_word)
{
    uint32_t cp = 0;
    size_t length = 0;
    if (words->in_run) {
        return go_on_with_run(words, ret_word);
    }
    while (peek(words, &cp, &length)) {
        enum character_kind kind = kind_of(cp);
        size_t at = words->at;
        if (kind == INSIDE) {
            *ret_word = (struct word){.kind = WORD_PLAIN, .first = at, .last = at + length};
            take_plain(words, ret_word);
            return true;
        }
        words->at += length;
        if (kind == SYMBOL) {
            *ret_word = (struct word){.kind = WORD_PLAIN, .first = at, .last = at + length};
            put(ret_word, cp);
            return true;
        }
        if (kind == UNSPACED) {
            words->run = (struct words__character){cp, at, at + length};
            words->in_run = true;
            words->has_pair = false;
            return go_on_with_run(words, ret_word);
        }
    }
    return false;
}
