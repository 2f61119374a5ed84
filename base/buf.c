/* The growable buffer. Growth is by half again at least, so that n appends cost O(n). */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

#define SMALLEST_CAP 32u

void buf_init(struct buf *buf, size_t max)
{
    *buf = BUF_INIT(max);
}

void buf_release(struct buf *buf)
{
    if (!buf) {
        return;
    }
    free(buf->p);
    buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->overflow = false;
    buf_truncate(buf, 0);
}

bool buf_ok(const struct buf *buf)
{
    return !buf->overflow;
}

static bool has_room(const struct buf *buf, size_t length)
{
    size_t limit = buf->max < SIZE_MAX ? buf->max : SIZE_MAX - 1;
    return buf->n <= limit && length <= limit - buf->n;
}

/* Makes room for `length` bytes and the NUL after them. The caller has checked has_room(). */
static void grow(struct buf *buf, size_t length)
{
    size_t needed = buf->n + length + 1;
    if (needed <= buf->cap) {
        return;
    }
    size_t cap = buf->cap + buf->cap / 2;
    if (cap < needed || cap < buf->cap) {
        cap = needed;
    }
    if (cap < SMALLEST_CAP) {
        cap = SMALLEST_CAP;
    }
    if (cap - 1 > buf->max) {
        cap = buf->max + 1;
    }
    buf->p = xrealloc(buf->p, cap);
    buf->cap = cap;
}

/* Once something was lost nothing more is taken: the content stays a prefix of what was written. */
static bool admit(struct buf *buf, size_t length)
{
    if (buf->overflow || !has_room(buf, length)) {
        buf->overflow = true;
        return false;
    }
    grow(buf, length);
    return true;
}

bool buf_append(struct buf *buf, const void *bytes, size_t length)
{
    if (length == 0) {
        return !buf->overflow;
    }
    if (!admit(buf, length)) {
        return false;
    }
    memcpy(buf->p + buf->n, bytes, length);
    buf->n += length;
    buf->p[buf->n] = '\0';
    return true;
}

bool buf_append_sv(struct buf *buf, struct sv text)
{
    return buf_append(buf, text.p, text.n);
}

bool buf_append_str(struct buf *buf, const char *text)
{
    return buf_append_sv(buf, sv_from(text));
}

bool buf_append_byte(struct buf *buf, char byte)
{
    return buf_append(buf, &byte, 1);
}

bool buf_append_cp(struct buf *buf, uint32_t cp)
{
    char bytes[4];
    size_t length = utf8_encode(cp, bytes);
    return buf_append(buf, bytes, length);
}

bool buf_appendf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    bool ok = length >= 0 && admit(buf, (size_t)length);
    if (ok) {
        vsnprintf(buf->p + buf->n, (size_t)length + 1, format, again);
        buf->n += (size_t)length;
    }
    va_end(again);
    return ok;
}

bool buf_reserve(struct buf *buf, size_t length)
{
    if (!has_room(buf, length)) {
        return false;
    }
    grow(buf, length);
    buf->p[buf->n] = '\0';
    return true;
}

bool buf_insert(struct buf *buf, size_t at, const void *bytes, size_t length)
{
    size_t start = at < buf->n ? at : buf->n;
    if (length == 0) {
        return !buf->overflow;
    }
    if (!admit(buf, length)) {
        return false;
    }
    memmove(buf->p + start + length, buf->p + start, buf->n - start);
    memcpy(buf->p + start, bytes, length);
    buf->n += length;
    buf->p[buf->n] = '\0';
    return true;
}

void buf_remove(struct buf *buf, size_t at, size_t length)
{
    if (at >= buf->n || length == 0) {
        return;
    }
    size_t gone = length < buf->n - at ? length : buf->n - at;
    memmove(buf->p + at, buf->p + at + gone, buf->n - at - gone);
    buf->n -= gone;
    buf->p[buf->n] = '\0';
}

void buf_truncate(struct buf *buf, size_t length)
{
    if (length < buf->n) {
        buf->n = length;
        buf->p[length] = '\0';
    }
}

const char *buf_cstr(const struct buf *buf)
{
    return buf->p ? buf->p : "";
}

struct sv buf_sv(const struct buf *buf)
{
    return sv_of(buf_cstr(buf), buf->n);
}

char *buf_detach(struct buf *buf)
{
    char *bytes = buf->p ? buf->p : xstrdup("");
    buf_init(buf, buf->max);
    return bytes;
}
