/*
 * TOML: reads a document and shows every table and value of it to a visitor, in the order of the
 * lines. What a key means is the visitor's affair.
 *
 * Body in C++ (toml++, header-only, without exceptions); no C++ type or symbol passes this header.
 *
 * Threads: pure. Ownership: everything a visitor sees is borrowed for the call. Units: lines count
 * from 1. Source: TOML 1.0.
 */
#ifndef WEIR_APP_TOML_H
#define WEIR_APP_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"

/* Deepest path that is visited; a document that goes deeper is refused. */
#define TOML_DEPTH_MAX 8

enum toml_type {
    TOML_TEXT,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOLEAN,
    TOML_DATE,  /* date, time, or both */
    TOML_TEXTS, /* array whose elements are all texts; an empty one too */
    TOML_ARRAY, /* any other array */
    TOML_TABLE, /* visited before what is in it */
};

struct toml_item {
    const struct sv *path; /* one view for each segment, valid UTF-8 */
    size_t depth;          /* of them, at least 1 */
    enum toml_type type;
    unsigned line; /* where the key stands */
    struct sv text;
    int64_t integer;
    double number; /* TOML_INTEGER too */
    bool boolean;
    const struct sv *texts;
    size_t text_count;
    const void *node; /* for toml_append_json */
};

/* Anything but ERR_OK ends the walk and is what toml_walk gives. */
typedef enum err_code toml_visit_fn(void *ctx, const struct toml_item *item, struct err *err);

/* `name` stands in errors, before the line: "NAME:3: …". ERR_CONFIG: not TOML. */
enum err_code toml_walk(const char *name, struct sv text, toml_visit_fn *visit, void *ctx,
                        struct err *err) NODISCARD;
/* While it is visited: appends the item, with all that is in it, as JSON. False: there is something
 * in it that JSON has not (a date, an infinite number). */
bool toml_append_json(const struct toml_item *item, struct buf *out);

#endif
