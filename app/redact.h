/*
 * Redaction: secrets in a text, replaced by names that stay the same.
 *
 * Found are keys and tokens of known shapes, what is called a password or a key and has a value,
 * long runs of letters and digits that look random, e-mail addresses, home folders, and what the
 * user's patterns match (POSIX extended regular expressions, line by line). The same secret has the
 * same name wherever it stands: [KEY-1], [EMAIL-2], [HOME-1], [PATTERN-1]. A key that was found
 * once, by what it is called, say, is found in every later text: who goes over all texts twice
 * finds it in the earlier ones, too. It errs towards taking too much; a secret that looks like a
 * word is not found, so what is left is to be read.
 *
 * Threads: one at a time. Ownership: texts are borrowed; the secrets are kept, and overwritten by
 * redactor_free. All text in is valid UTF-8; what comes out is, too.
 */
#ifndef WEIR_APP_REDACT_H
#define WEIR_APP_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"

#define REDACT_KINDS(X)                                                                            \
    X(REDACT_KEY, "KEY", "keys and tokens of known shapes, and values that are called so")         \
    X(REDACT_TOKEN, "TOKEN", "runs of letters and digits that look random")                        \
    X(REDACT_EMAIL, "EMAIL", "e-mail addresses")                                                   \
    X(REDACT_HOME, "HOME", "home folders")                                                         \
    X(REDACT_PATTERN, "PATTERN", "matches of your patterns")                                       \
    X(REDACT_CONTENT, "CONTENT", "attachments")
#define REDACT__ENUM(name, text, meaning) name,
enum redact_kind { REDACT_KINDS(REDACT__ENUM) REDACT_KIND_COUNT };
#undef REDACT__ENUM

struct redactor;
/* `patterns` ends with NULL, or is NULL. `home`: the user's folder, or NULL. ERR_INVALID: a pattern
 * that does not compile; the text says which and why. */
enum err_code redactor_new(char *const *patterns, const char *home, struct redactor **ret_redactor,
                           struct err *err) NODISCARD;
void redactor_free(struct redactor *redactor); /* NULL is fine */

/* Appends the text with names in the place of secrets. True: there were some. */
bool redact_append(struct redactor *redactor, struct buf *out, struct sv text);
/*
 * The same for the strings in a text of JSON, but for those that are ids or words of weir's own
 * (doc/export.md): these stay. Spans of notes become null, since they no longer fit. A native part
 * cannot be searched: a remark takes its place.
 */
void redact_json(struct redactor *redactor, struct buf *out, struct sv json);

/* That content has another id now, in records that redact_json writes; the last call counts. Both
 * are of 64 characters. */
void redact_rename(struct redactor *redactor, const char *from, const char *to);

/* ---- what was found ---- */

struct redact_hit {
    enum redact_kind kind;
    const char *name;
    size_t count;   /* places */
    char sample[8]; /* how a long one begins, else "" */
};
/* By the order in which they were found first; false: there are no more. */
bool redactor_hit(const struct redactor *redactor, size_t index, struct redact_hit *ret_hit);
/* Parts that could not be searched and were taken out. */
size_t redactor_removed(const struct redactor *redactor);
/* Counts from nothing again; the names stay. */
void redactor_forget_counts(struct redactor *redactor);
const char *redact_kind_text(enum redact_kind kind);

#endif
