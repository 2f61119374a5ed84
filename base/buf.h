/*
 * Growable byte buffer that states its maximum when it is made.
 *
 * `p[n]` is always a NUL that is not counted, once anything was appended (use buf_cstr before
 * that). An append that would pass the maximum appends nothing, sets `overflow` for good and
 * returns false, and so do all later ones until buf_clear(); so a writer may append freely and look
 * once, with buf_ok(), before it uses the result. What is there is always a prefix of what was
 * written. What is appended must not lie in the buffer itself.
 *
 * Threads: values. Ownership: the caller's struct; buf_release frees the bytes. Errors: overflow as
 * above; running out of memory below the maximum ends the program (base/alloc.h).
 */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/sv.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    bool overflow;
};

/* For texts whose size the program itself decides. */
#define BUF_MAX_INTERNAL ((size_t)1 << 30)

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})

void buf_init(struct buf *buf, size_t max);
/* Frees the bytes; the struct is as new, with the same maximum. Twice is fine, so is one never
 * used. */
void buf_release(struct buf *buf);
/* Empties it and clears `overflow`; keeps the memory. */
void buf_clear(struct buf *buf);
bool buf_ok(const struct buf *buf);

bool buf_append(struct buf *buf, const void *bytes, size_t length);
bool buf_append_sv(struct buf *buf, struct sv text);
bool buf_append_str(struct buf *buf, const char *text); /* NULL appends nothing */
bool buf_append_byte(struct buf *buf, char byte);
/* Encodes one code point as UTF-8; surrogates and values above U+10FFFF become U+FFFD. */
bool buf_append_cp(struct buf *buf, uint32_t cp);
bool buf_appendf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Room for `length` more bytes, so that the next appends do not allocate. False, and nothing else,
 * when the maximum forbids it. */
bool buf_reserve(struct buf *buf, size_t length);
/* Inserts before `at`, removes [at, at + length); both clip to the content. */
bool buf_insert(struct buf *buf, size_t at, const void *bytes, size_t length);
void buf_remove(struct buf *buf, size_t at, size_t length);
/* Shortens to `length` bytes; longer than the content does nothing. */
void buf_truncate(struct buf *buf, size_t length);

/* "" when nothing was appended yet. Valid until the next change. */
const char *buf_cstr(const struct buf *buf);
struct sv buf_sv(const struct buf *buf);
/* Gives the NUL-terminated bytes to the caller (free()), never NULL; the buffer is empty
 * afterwards. */
char *buf_detach(struct buf *buf) NODISCARD;

#endif
