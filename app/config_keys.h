/*
 * The table of the config's keys: what each is called, what it takes, where it goes. Checks, errors
 * and tests come from it.
 *
 * Threads: constant table.
 */
#ifndef WEIR_APP_CONFIG_KEYS_H
#define WEIR_APP_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"

enum key_kind {
    KEY_TEXT,
    KEY_PATH, /* absolute, or from ~ */
    KEY_URL,
    KEY_TYPE,    /* name of a provider type */
    KEY_MODEL,   /* PROVIDER/MODEL */
    KEY_MS,      /* whole number; kept in µs */
    KEY_SECONDS, /* number; kept in µs */
    KEY_NUMBER,  /* number; kept in millionths */
    KEY_COUNT,   /* whole number */
    KEY_MONEY,   /* decimal text; kept in millionths */
    KEY_CHOICE,  /* one of two texts, as `expected` names them; kept as false or true */
    KEY_WORD,    /* text, one of those that `expected` has in quotes */
    KEY_LOOK,    /* of a style of the screen; the last segment is its name */
    KEY_FLAG,
    KEY_ARGV,   /* array of texts, not empty */
    KEY_JSON,   /* table; kept as the text of a JSON object */
    KEY_HEADER, /* text; the key's last segment is the header's name */
    KEY_CHORDS, /* keys of the screen; the last segment is an action's name */
};

enum key_home { KEY_OF_CONFIG, KEY_OF_PROVIDER, KEY_OF_ALIAS, KEY_OF_MODEL, KEY_OF_ROLE };

struct config_key {
    const char *path; /* segments with dots between; * is any name; NULL ends the table */
    enum key_kind kind;
    enum key_home home;
    size_t offset; /* in the struct of its home */
    double min, max;
    const char *expected; /* for errors: "a text" */
};

const struct config_key *config_keys(void);
/* The key with exactly that path; NULL: unknown. */
const struct config_key *config_key_find(const struct sv *path, size_t depth);
/* Some key lies below that path. */
bool config_key_is_table(const struct sv *path, size_t depth);
/* What an unknown path may have meant, whole ("store.path"); for free(); NULL: nothing near. */
char *config_key_suggest(const struct sv *path, size_t depth);

#endif
