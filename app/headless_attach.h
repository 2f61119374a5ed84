/*
 * What a headless run attaches to its prompt: files, folders, stdin.
 *
 * Images, PDF, sound and video are known by their first bytes, whatever their names say. All else
 * is text: UTF-8, UTF-16 with a byte order mark, or else Latin-1; it is attached as UTF-8. What has
 * NUL bytes and is none of these is refused. Of a folder all that fits is taken, without hidden
 * files and without following links, in the order of the names' bytes.
 *
 * Threads: main.
 */
#ifndef WEIR_APP_HEADLESS_ATTACH_H
#define WEIR_APP_HEADLESS_ATTACH_H

#include <stddef.h>

#include "app/chat.h"
#include "app/headless.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

struct headless_attachments {
    struct chat_attachment *items; /* their views point into what follows */
    struct buf *contents;
    char **names, **ids;
    size_t count;
    size_t bytes; /* of all */
    bool takes_stdin;
    bool is_screen; /* nothing is said on stderr */
};

/*
 * One of -a: a path, or - for stdin. ERR_INVALID: not there, not readable, a URL, neither text nor
 * a known medium; ERR_TOO_BIG: above 32 MiB, or above 1,000 files or 256 MiB in all. What stops
 * reading stdin is as headless_read says.
 */
enum err_code headless_attach(struct headless_attachments *attachments, const char *path,
                              const struct headless_input *input, struct err *err) NODISCARD;
/* Puts the contents into the store, and knows them by their ids from then on. */
enum err_code headless_attach_store(struct headless_attachments *attachments, struct store *store,
                                    struct err *err) NODISCARD;
void headless_attachments_release(struct headless_attachments *attachments);

/* The media type by the first bytes; NULL: it is none that is known. */
const char *headless_sniff(struct sv bytes);
/* Appends the text as UTF-8. False: this is no text. */
bool headless_decode(struct sv bytes, struct buf *out);

#endif
