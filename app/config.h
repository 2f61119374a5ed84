/*
 * Configuration: what the file says, checked against one table of keys (config_keys.c), over the
 * built-in values.
 *
 * File: $XDG_CONFIG_HOME/weir/config.toml (TOML 1.0). A missing file is an empty one. Every error
 * names file, line, what was expected, and the nearest known key: "config.toml:3: unknown key
 * 'modle' (did you mean 'model'?)".
 *
 * Threads: read-only after loading. Ownership: config_free frees all of it.
 */
#ifndef WEIR_APP_CONFIG_H
#define WEIR_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config_roles.h"
#include "app/config_theme.h"
#include "base/attr.h"
#include "base/err.h"

struct keymap;
struct provider_type;

struct config_provider {
    char *name;                       /* as in [provider.NAME] */
    const struct provider_type *type; /* never NULL */
    char *base_url;                   /* without a slash at the end; NULL: the type's own */
    char *api_key_env;                /* at most one of the three is set */
    char **api_key_cmd;               /* NULL-terminated argv */
    char *api_key_file;
    char *api_version; /* Azure's; NULL: none */
    char *dialect;     /* of type "openai"; NULL: by the host */
    char **headers;    /* "Name: value", NULL-terminated, or NULL */
    char *body;        /* JSON object, merged into each request; NULL: none */
    char *proxy;       /* NULL: from the environment */
    char *ca_file;
    bool allow_plain_http;
    bool found; /* not from the file: from a key in the environment, or offered and accepted */
};

struct config_alias {
    char *name;
    char *model; /* PROVIDER/MODEL */
    unsigned line;
};

/* What the config says of one model; MONEY_UNKNOWN: nothing. Prices as in app/models.h. */
struct config_model {
    char *name; /* PROVIDER/MODEL, as in [models."PROVIDER/MODEL"] */
    char *body; /* as in a provider, merged after that one's */
    int64_t context;
    int64_t input_price, output_price, cache_read_price, cache_write_price;
    int64_t daily, monthly; /* limits of what it may cost, as in struct config */
};

struct config {
    char *path;  /* the file that was read, or would have been */
    char *model; /* PROVIDER/MODEL or alias; NULL: none */
    unsigned model_line;
    char *system;  /* NULL: none */
    char **redact; /* patterns of what exports leave out, ended by NULL; NULL: none */
    unsigned redact_line;
    bool scope_is_folder; /* sessions are resumed in the folder they were begun in */
    char *title_model;    /* as `model`; NULL: titles are made of prompts */
    char *store_path;     /* NULL: the XDG data folder */
    int64_t debounce_us;
    char *record_folder; /* NULL: nothing is recorded unasked */
    int64_t connect_us, first_byte_us, idle_us;
    int64_t note_us;          /* of nothing new, after which that is told */
    int64_t attempts;         /* at one request, before the first content of an answer */
    int64_t max_wait_us;      /* between two of them */
    int64_t daily, monthly;   /* limits of what all answers may cost, in millionths of a US dollar;
                                 MONEY_UNKNOWN: none */
    bool allow_unknown_price; /* what has no known price may be asked for beside a limit */
    struct config_provider *providers;
    size_t provider_count;
    struct config_alias *aliases;
    size_t alias_count;
    struct keymap *keymap; /* of [keys]; NULL: as it is built in */
    struct config_model *models;
    size_t model_count;
    struct config_roles roles;
    struct config_ui ui;
    struct err screen_mistake; /* see config_check_screen */
};

/* `path` NULL: the XDG one, which may be missing. A path that was given must exist. ERR_CONFIG,
 * ERR_IO. */
enum err_code config_load(const char *path, struct config **ret_config, struct err *err) NODISCARD;
/*
 * For what only reads sessions: a mistake in a provider must not lock anybody out of them. The
 * same, but what the file says wrongly is left out, with all providers and aliases, and a config is
 * given beside ERR_CONFIG and the first mistake. `*ret_config` is untouched where the file cannot
 * be read.
 */
enum err_code config_load_tolerant(const char *path, struct config **ret_config,
                                   struct err *err) NODISCARD;
/* ERR_CONFIG: the first mistake in [ui], [theme] or [keys]. They concern the screen alone, so it is
 * for the screen to ask: everything else takes such a config as sound. */
enum err_code config_check_screen(const struct config *config, struct err *err) NODISCARD;
/* From text; `name` stands in errors. */
enum err_code config_parse(const char *name, const char *text, size_t length,
                           struct config **ret_config, struct err *err) NODISCARD;
void config_free(struct config *config); /* NULL is fine */

#endif
