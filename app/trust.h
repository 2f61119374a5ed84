/*
 * Trust: which files of folders (.weir.toml) the user has read and agreed to.
 *
 * A file is trusted by the SHA-256 of its content, at its path: it has to be trusted again when it
 * changes, or is found elsewhere. What was trusted stands in $XDG_STATE_HOME/weir/trusted, a line
 * for each: the hash, a blank, the path.
 *
 * The file is looked for in the working folder and in those above it, up to the one that holds
 * .git; the nearest counts. Outside of any repository, in the working folder alone.
 *
 * Threads: main. Ownership: trust_release frees what it points to.
 */
#ifndef WEIR_APP_TRUST_H
#define WEIR_APP_TRUST_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#define TRUST_HASH_SIZE 65

struct folder_file {
    char *path; /* absolute; NULL: there is none */
    struct buf text;
    char hash[TRUST_HASH_SIZE];
    bool trusted;
};

/* ERR_OK also where there is none. ERR_CONFIG: it cannot be read, or is over 64 KiB. */
enum err_code trust_find(struct folder_file *ret_file, struct err *err) NODISCARD;
void trust_release(struct folder_file *file); /* twice is fine */
/* Notes, or takes back, that the content is trusted. */
enum err_code trust_note(const struct folder_file *file, bool trusted, struct err *err) NODISCARD;

#endif
