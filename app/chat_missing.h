/*
 * Names in a prompt that look like files and are none, told to the user: what was mistyped would
 * else be sent as plain text without a word.
 *
 * A name looks like a file when it has a slash, or an ending that files have (of a known kind, or
 * that of a file beside it), or is called nearly as a file or folder that is there. A handle
 * ("@everybody", "@first.last", "@me@example.org") does none of that; and what holds brackets,
 * quotes or an equals sign is code ("@app.route('/')").
 *
 * Threads: one at a time; it reads folders. Ownership: a value of the caller's, release it.
 */
#ifndef WEIR_APP_CHAT_MISSING_H
#define WEIR_APP_CHAT_MISSING_H

#include <stddef.h>

#include "base/buf.h"
#include "base/sv.h"

struct chat_missing {
    struct buf names; /* as they are told */
    size_t count;     /* of names that were missed, each once */
    size_t looked_at; /* names that were looked for in a folder */
};

void chat_missing_init(struct chat_missing *missing);
void chat_missing_release(struct chat_missing *missing);

/* One that is no file: `name` as it was written behind the @, with the punctuation behind it. */
void chat_missing_note(struct chat_missing *missing, struct sv name);
/* What the user is told, for free(); NULL: nothing. */
char *chat_missing_text(const struct chat_missing *missing);

/* The path of a name, "~/" taken for the user's home; for free(). */
char *chat_path_of(struct sv name);
/* Without the last byte, where that may be punctuation behind it; empty: it is none. */
struct sv chat_name_without_mark(struct sv name);

#endif
