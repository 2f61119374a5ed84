/*
 * Errors: one enumeration for the whole program, and a text that is ready to show.
 *
 * Functions that can fail return `enum err_code` (0 is OK) and take a `struct err *` as their last
 * argument, which may be NULL. On success `*err` is left alone; on failure it holds the code that
 * was returned and a text: lower case, no full stop, what failed and on what: "cannot open 'x.db':
 * disk is full". Errors of other libraries (errno, SQLITE_*, CURLE_*) are mapped where they arise,
 * once.
 *
 * Threads: a `struct err` belongs to the caller. Nothing here is shared.
 * Ownership: none; the text is held inside.
 */
#ifndef WEIR_BASE_ERR_H
#define WEIR_BASE_ERR_H

#include "base/attr.h"
#include "base/sv.h"

/* Code, short text. The order may change; the names are what tests and logs use. */
#define ERR_CODES(X)                                                                               \
    X(ERR_OK, "ok")                                                                                \
    X(ERR_INTERNAL, "internal error")                                                              \
    X(ERR_NO_MEMORY, "out of memory")                                                              \
    X(ERR_USAGE, "wrong usage")                                                                    \
    X(ERR_CONFIG, "invalid configuration")                                                         \
    X(ERR_NOT_CONFIGURED, "nothing configured")                                                    \
    X(ERR_INVALID, "invalid input")                                                                \
    X(ERR_TOO_BIG, "too large")                                                                    \
    X(ERR_UNSUPPORTED, "not supported")                                                            \
    X(ERR_NOT_FOUND, "not found")                                                                  \
    X(ERR_AMBIGUOUS, "ambiguous")                                                                  \
    X(ERR_EXISTS, "exists already")                                                                \
    X(ERR_GONE, "deleted")                                                                         \
    X(ERR_CLOSED, "closed")                                                                        \
    X(ERR_BUSY, "busy")                                                                            \
    X(ERR_TIMEOUT, "time limit reached")                                                           \
    X(ERR_CANCELLED, "cancelled")                                                                  \
    X(ERR_INTERRUPTED, "interrupted")                                                              \
    X(ERR_IO, "input or output failed")                                                            \
    X(ERR_DISK_FULL, "disk is full")                                                               \
    X(ERR_READ_ONLY, "read-only")                                                                  \
    X(ERR_CANNOT_CREATE, "cannot be created")                                                      \
    X(ERR_CORRUPT, "database is damaged")                                                          \
    X(ERR_NEWER, "written by a newer version")                                                     \
    X(ERR_UNREACHABLE, "unreachable")                                                              \
    X(ERR_SERVER, "server failed")                                                                 \
    X(ERR_RATE_LIMIT, "rate limit")                                                                \
    X(ERR_AUTH, "authentication refused")                                                          \
    X(ERR_REJECTED, "request rejected")                                                            \
    X(ERR_PROTOCOL, "stream broke")                                                                \
    X(ERR_REFUSED, "refused by the model")                                                         \
    X(ERR_BUDGET, "budget reached")                                                                \
    X(ERR_UNFIT, "not what was asked for")

#define ERR__ENUM(name, text) name,
enum err_code { ERR_CODES(ERR__ENUM) ERR_COUNT };
#undef ERR__ENUM

/* Longest text, terminating NUL included; longer ones are cut at a code point and end in "…". */
#define ERR_TEXT_SIZE 480

struct err {
    enum err_code code;
    char text[ERR_TEXT_SIZE];
};

/* Fills `err` (NULL is fine) and gives `code` back, so that `return err_set(…)` reads well. */
enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As err_set, with ": " and what errno says appended, and the code that fits `errnum` (EACCES,
 * ENOSPC …). */
enum err_code err_set_errno(struct err *err, int errnum, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " before the text that `err` holds; keeps the code, and returns it
 * (ERR_INTERNAL when there is no `err` to take it from). */
enum err_code err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The constant's name ("ERR_BUSY") and the short text ("busy"). Never NULL, also for unknown codes.
 */
const char *err_name(enum err_code code);
const char *err_text(enum err_code code);

/* The code of that name; ERR_INTERNAL for unknown names. */
enum err_code err_parse(struct sv name);

/* Code that fits an errno; ERR_IO where none fits better. */
enum err_code err_from_errno(int errnum);

#endif
