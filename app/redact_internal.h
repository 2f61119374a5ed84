/*
 * The redactor: what redact.c, which names secrets, and redact_json.c, which walks records, share.
 *
 * A secret has one name wherever it stands, so all that were found are kept, found again by a table
 * of their hashes. Threads: the redactor's owner. Ownership: everything is the redactor's; the
 * texts of secrets are wiped when it is freed.
 */
#ifndef WEIR_APP_REDACT_INTERNAL_H
#define WEIR_APP_REDACT_INTERNAL_H

#include <regex.h>
#include <stdint.h>

#include "app/redact_find.h"
#include "store/attachment.h"

/* Longer ones are found by their looks. */
#define REDACT_KNOWN_MAX 64

struct secret {
    enum redact_kind kind;
    char *text;
    size_t n;
    size_t count;
    char name[32];
};

struct renamed {
    char from[ATTACHMENT_ID_LENGTH + 1], to[ATTACHMENT_ID_LENGTH + 1];
};

struct redactor {
    regex_t *patterns;
    size_t pattern_count;
    char *home;
    struct secret *secrets;
    size_t count;
    size_t *slots; /* by hash: an index and 1, 0 is free; a power of two of them */
    size_t slot_count;
    size_t numbers[REDACT_KIND_COUNT]; /* of the last name */
    size_t known[REDACT_KNOWN_MAX];    /* lengths of keys that are looked for in every text */
    size_t known_count;
    struct renamed *renamed;
    size_t renamed_count;
    size_t removed;
    struct redact_spans spans; /* of the text at hand */
};

#endif
