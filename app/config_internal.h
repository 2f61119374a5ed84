/*
 * The loader of the config, for those who put a layer over it. Internal to config*.c.
 *
 * Threads: main.
 */
#ifndef WEIR_APP_CONFIG_INTERNAL_H
#define WEIR_APP_CONFIG_INTERNAL_H

#include "app/config.h"
#include "app/toml.h"

/* Lines of one provider, by its index in the config. */
struct provider_lines {
    unsigned table, url;
};

struct loader {
    const char *name;
    struct config *config;
    struct provider_lines *lines;
    bool tolerant;
    struct err mistake; /* the first one, where tolerant */
};

/* toml_visit_fn: checks an item against the table of keys, and puts its value into the config. */
enum err_code config__visit(void *loader, const struct toml_item *item, struct err *err) NODISCARD;

#endif
