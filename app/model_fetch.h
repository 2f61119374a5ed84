/*
 * Fetching model lists: from the providers, all at once, or from what was kept of them for a day
 * ($XDG_CACHE_HOME/weir/models).
 *
 * Threads: the caller's, which waits. Ownership: model_fetch_release frees what an entry holds.
 */
#ifndef WEIR_APP_MODEL_FETCH_H
#define WEIR_APP_MODEL_FETCH_H

#include "app/config.h"
#include "app/model_list.h"

enum model_source {
    MODELS_FETCHED, /* just now */
    MODELS_KEPT,    /* within the last day; or older, when err says why */
    MODELS_SHIPPED, /* from the table, and err says why */
};

/* One provider: filled in by the caller up to `provider`, the rest by model_fetch. */
struct model_fetch {
    const struct config_provider *provider;
    enum model_source source;
    struct model_list list;
    struct err err; /* code ERR_OK: it was reached, or need not be */
};

/* `refresh`: what was kept does not count. Never fails as a whole: each entry says how it went. */
void model_fetch(const struct config *config, struct model_fetch *fetches, size_t count,
                 bool refresh);
/* What was kept of a provider, however old it is; nothing is asked. Release it with
 * model_list_release. False: nothing was, and the list is empty. */
bool model_fetch_kept(const struct config_provider *provider, struct model_list *ret_list);
void model_fetch_release(struct model_fetch *fetch); /* twice is fine */

#endif
