/*
 * The shipped table of models, as models.c reads it.
 *
 * Threads: constant data.
 */
#ifndef WEIR_APP_MODELS_INTERNAL_H
#define WEIR_APP_MODELS_INTERNAL_H

#include <stdint.h>

struct model_row {
    const char *id;  /* as the service calls it; NULL ends a table */
    int64_t above;   /* the prices count for more input than this, in a second row of the same id */
    int64_t context; /* 0: unknown */
    /* US dollars for a million tokens; NULL: unknown. */
    const char *input, *output, *cache_read, *cache_write;
};

struct model_service {
    const char *domain; /* of the base URL's host; NULL ends the list */
    const struct model_row *rows;
};

extern const struct model_service models__services[];
extern const char models__date[];

#endif
