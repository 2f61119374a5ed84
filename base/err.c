/* Error codes, their texts, and the mapping of errno. */
#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define ELLIPSIS "\xE2\x80\xA6"

#define NAME_OF(name, text) #name,
#define TEXT_OF(name, text) text,
static const char *const names[] = {ERR_CODES(NAME_OF)};
static const char *const texts[] = {ERR_CODES(TEXT_OF)};

const char *err_name(enum err_code code)
{
    return (unsigned)code < ERR_COUNT ? names[code] : "ERR_UNKNOWN";
}

const char *err_text(enum err_code code)
{
    return (unsigned)code < ERR_COUNT ? texts[code] : "unknown error";
}

enum err_code err_parse(struct sv name)
{
    for (int code = 0; code < ERR_COUNT; code++) {
        if (sv_equal_str(name, names[code])) {
            return (enum err_code)code;
        }
    }
    return ERR_INTERNAL;
}

/* Cuts a text that snprintf truncated, so that it ends in a whole code point and an ellipsis. */
static void mark_cut(char text[ERR_TEXT_SIZE])
{
    size_t room = ERR_TEXT_SIZE - sizeof(ELLIPSIS);
    size_t end = utf8_cut(text, ERR_TEXT_SIZE - 1, room);
    memcpy(text + end, ELLIPSIS, sizeof(ELLIPSIS));
}

/* The arguments may point into `err->text`, so nothing is written there before all is formatted. */
static enum err_code store(struct err *err, enum err_code code, const char *head, const char *tail)
{
    char text[ERR_TEXT_SIZE];
    int length = snprintf(text, sizeof(text), "%s%s%s", head, tail ? ": " : "", tail ? tail : "");
    if (length >= (int)sizeof(text)) {
        mark_cut(text);
    }
    err->code = code;
    memcpy(err->text, text, sizeof(text));
    return code;
}

/* One byte longer than an error's text: a text that fills it is still seen to be too long. */
#define HEAD_SIZE (ERR_TEXT_SIZE + 1)

static void format_head(char head[HEAD_SIZE], enum err_code code, const char *format, va_list args)
{
    head[0] = '\0';
    if (vsnprintf(head, HEAD_SIZE, format, args) < 0) {
        snprintf(head, HEAD_SIZE, "%s", err_text(code));
    }
}

enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (!err) {
        return code;
    }
    char head[HEAD_SIZE];
    va_list args;
    va_start(args, format);
    format_head(head, code, format, args);
    va_end(args);
    return store(err, code, head, NULL);
}

/* glibc's strerror_r returns the text, the one of POSIX fills the buffer. */
#if defined(__GLIBC__)
static const char *system_text(int errnum, char *space, size_t size)
{
    return strerror_r(errnum, space, size);
}
#else
static const char *system_text(int errnum, char *space, size_t size)
{
    if (strerror_r(errnum, space, size) != 0) {
        snprintf(space, size, "error %d", errnum);
    }
    return space;
}
#endif

/* The system's text in the form of ours: its first word in lower case unless it is an acronym. */
static void errno_text(int errnum, char out[128])
{
    char space[128];
    const char *text =
        errnum == ENOSPC ? err_text(ERR_DISK_FULL) : system_text(errnum, space, sizeof(space));
    snprintf(out, 128, "%s", text);
    if (isupper((unsigned char)out[0]) && islower((unsigned char)out[1])) {
        out[0] = (char)tolower((unsigned char)out[0]);
    }
}

enum err_code err_set_errno(struct err *err, int errnum, const char *format, ...)
{
    enum err_code code = err_from_errno(errnum);
    if (!err) {
        return code;
    }
    char head[HEAD_SIZE];
    char tail[128];
    va_list args;
    va_start(args, format);
    format_head(head, code, format, args);
    va_end(args);
    errno_text(errnum, tail);
    return store(err, code, head, tail);
}

enum err_code err_prefix(struct err *err, const char *format, ...)
{
    if (!err) {
        return ERR_INTERNAL;
    }
    char head[HEAD_SIZE];
    va_list args;
    va_start(args, format);
    format_head(head, err->code, format, args);
    va_end(args);
    return store(err, err->code, head, err->text);
}

static const struct {
    int errnum;
    enum err_code code;
} errno_map[] = {
    {ENOSPC, ERR_DISK_FULL},
    {EDQUOT, ERR_DISK_FULL},
    {EROFS, ERR_READ_ONLY},
    {EACCES, ERR_READ_ONLY},
    {EPERM, ERR_READ_ONLY},
    {ENOENT, ERR_NOT_FOUND},
    {ENOTDIR, ERR_NOT_FOUND},
    {EEXIST, ERR_EXISTS},
    {EISDIR, ERR_INVALID},
    {ENAMETOOLONG, ERR_INVALID},
    {EFBIG, ERR_TOO_BIG},
    {ENOMEM, ERR_NO_MEMORY},
    {EAGAIN, ERR_BUSY},
    {EBUSY, ERR_BUSY},
    {ETXTBSY, ERR_BUSY},
    {ETIMEDOUT, ERR_TIMEOUT},
    {ECANCELED, ERR_CANCELLED},
    {ENOSYS, ERR_UNSUPPORTED},
    {ENOTSUP, ERR_UNSUPPORTED},
    {ECONNREFUSED, ERR_UNREACHABLE},
    {ECONNRESET, ERR_UNREACHABLE},
    {ECONNABORTED, ERR_UNREACHABLE},
    {EHOSTUNREACH, ERR_UNREACHABLE},
    {EHOSTDOWN, ERR_UNREACHABLE},
    {ENETUNREACH, ERR_UNREACHABLE},
    {ENETDOWN, ERR_UNREACHABLE},
    {EADDRNOTAVAIL, ERR_UNREACHABLE},
    {0, ERR_OK},
};

enum err_code err_from_errno(int errnum)
{
    for (size_t i = 0; i < COUNT_OF(errno_map); i++) {
        if (errno_map[i].errnum == errnum && errnum != 0) {
            return errno_map[i].code;
        }
    }
    return ERR_IO;
}
