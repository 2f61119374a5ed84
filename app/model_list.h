/*
 * Model lists: what a provider says that it offers, read and written.
 *
 * One table tells for each protocol where the list is and how it is read; a page that is not the
 * last names the next one. A list is kept on the disk as JSON of our own.
 *
 * Threads: pure. Ownership: model_list_release frees all of a list. Errors: ERR_PROTOCOL for what
 * is no list.
 */
#ifndef WEIR_APP_MODEL_LIST_H
#define WEIR_APP_MODEL_LIST_H

#include <stdbool.h>

#include "app/models.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/* More models than any provider has; what comes after them is left out. */
#define MODEL_LIST_MAX 20000

struct model_entry {
    char *id;
    struct model_facts facts; /* what the list says, mostly unknown */
};

struct model_list {
    struct model_entry *entries;
    size_t count;
    bool trained; /* windows are those of the training: what fits the server says (app/window.h) */
};

void model_list_release(struct model_list *list); /* twice is fine */
/* By id, each once. */
void model_list_sort(struct model_list *list);

/* Appends the address of the list of a provider of that protocol; `page` empty: the first one. */
void model_list_url(const char *protocol, const char *base_url, struct sv page, struct buf *out);
/* Adds what a page holds. `*ret_next` is the page after it, for free(), or NULL: it is the last. */
enum err_code model_list_take(const char *protocol, struct sv body, struct model_list *list,
                              char **ret_next, struct err *err) NODISCARD;

/* As it is kept: `fetched` is UTC in seconds. */
void model_list_write(const struct model_list *list, int64_t fetched, struct buf *out);
enum err_code model_list_read(struct sv text, struct model_list *list, int64_t *ret_fetched,
                              struct err *err) NODISCARD;

#endif
