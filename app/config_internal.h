/*
 * The loader of the config, by its jobs: config.c walks the document and checks, config_entries.c
 * knows where a value goes, config_put.c puts it there, config_complain.c says what is wrong.
 * Internal to config*.c.
 *
 * Threads: main.
 */
#ifndef WEIR_APP_CONFIG_INTERNAL_H
#define WEIR_APP_CONFIG_INTERNAL_H

#include "app/config.h"
#include "app/config_keys.h"
#include "app/toml.h"

#define CONFIG_MAX_BYTES ((size_t)1 << 20)

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

/* What is wrong of the screen is noted in the config, the first mistake. */
void config__note_screen(struct config *config, const struct err *mistake);

/* ---- config_entries.c ---- */

/* Where the value of the key goes; a table that is named first is made. */
void *config__home(struct loader *loader, const struct config_key *key,
                   const struct toml_item *item);
struct config_provider *config__provider(struct loader *loader, struct sv name, unsigned line);

/* ---- config_put.c ---- */

enum err_code config__put(struct loader *loader, const struct config_key *key,
                          const struct toml_item *item, struct err *err) NODISCARD;
bool config__is_printable(struct sv text);
bool config__is_model(struct sv text); /* PROVIDER/MODEL */
/* The item is a part of a value that was taken as a whole. */
bool config__is_inside_json(const struct toml_item *item);

/* ---- config_complain.c: all give ERR_CONFIG ---- */

/* "NAME:LINE: 'path' WHAT" */
enum err_code config__complain(const struct loader *loader, const struct toml_item *item,
                               const char *what, struct err *err);
enum err_code config__complain_type(const struct loader *loader, const struct toml_item *item,
                                    const char *expected, struct err *err);
enum err_code config__complain_value(const struct loader *loader, const struct toml_item *item,
                                     const char *expected, struct err *err);
enum err_code config__complain_unknown(const struct loader *loader, const struct toml_item *item,
                                       struct err *err);

#endif
