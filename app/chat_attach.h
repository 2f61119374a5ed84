/*
 * The files that a prompt of the screen names (ui/mention.h), attached to it.
 *
 * A name that is in quotes has to be a file. Others may be anything that begins with an @: they are
 * attached where such a file is there, with or without the punctuation behind the name, and left
 * alone otherwise. A folder is meant where its name ends with a slash.
 *
 * Threads: any that may wait: it reads files and writes to the store.
 */
#ifndef WEIR_APP_CHAT_ATTACH_H
#define WEIR_APP_CHAT_ATTACH_H

#include "app/headless_attach.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "store/store.h"

/*
 * Reads them, each once, and puts their content into the store; release with
 * headless_attachments_release, also on failure. `*ret_remark`: names that look like files and are
 * none, said for the user (free()); NULL: there are none. Errors: as headless_attach, and those of
 * the store.
 */
enum err_code chat_attach(struct store *store, struct sv prompt,
                          struct headless_attachments *attachments, char **ret_remark,
                          struct err *err) NODISCARD;

#endif
