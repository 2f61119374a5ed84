/*
 * Providers: the table of types, how a model is chosen, where a key comes from.
 *
 * Order of choice: `-m` or WEIR_MODEL or the config's model; a key in the environment; then nothing
 * (the screen goes on to look for a local server, and falls back to the demo; `weir run` fails).
 * The demo never stands in for a configured model that fails.
 *
 * Threads: constant tables; choices are read-only values.
 */
#ifndef WEIR_APP_PROVIDER_H
#define WEIR_APP_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>

#include "app/codec.h"
#include "app/config.h"
#include "base/attr.h"
#include "base/err.h"

struct provider_type {
    const char *name;          /* as in the config's `type` */
    const struct codec *codec; /* NULL: answers without a network (demo, replay) */
    const char *base_url;      /* default, or NULL: has to be configured */
};

const struct provider_type *provider_type_find(const char *name); /* NULL: unknown */
/* Answers come from a recording, whose path is the model's name. */
bool provider_type_replays(const struct provider_type *type);
/* All of them, ended by an entry whose name is NULL. */
const struct provider_type *provider_types(void);

/* A hosted provider that a key in the environment is enough for. */
struct provider_preset {
    const char *name;
    const char *key_env;
    const char *type;
    const char *base_url;
    const char *default_model; /* as of the date in provider.c */
};
const struct provider_preset *provider_presets(void); /* ended by a NULL name */

struct model_choice {
    struct config_provider
        provider; /* borrowed texts; live as long as the config and the process */
    char *model;  /* without the provider's name; owned */
    char *label;  /* "PROVIDER/MODEL"; owned */
    bool demo;
};

/*
 * `wanted` (from -m, or NULL). ERR_NOT_CONFIGURED: nothing is; the text says how to. ERR_AUTH: its
 * key is missing. ERR_CONFIG: no such provider; the line is named where the file is to blame.
 * ERR_USAGE: `wanted` is empty.
 */
enum err_code model_choose(const struct config *config, const char *wanted,
                           struct model_choice *ret_choice, struct err *err) NODISCARD;
void model_choose_demo(struct model_choice *ret_choice);
void model_choice_release(struct model_choice *choice);

/*
 * The key, or NULL when none is needed. Runs api_key_cmd (no shell, at most 10 s): not on the UI
 * thread. A file that others may read is refused. Wipe and free with key_free. ERR_AUTH: missing or
 * empty; the text names where it was looked for.
 */
enum err_code provider_key(const struct config_provider *provider, char **ret_key,
                           struct err *err) NODISCARD;
/* The same; the command is killed as soon as `stop_fd` is readable (-1: none). */
enum err_code provider_key_until(const struct config_provider *provider, int stop_fd,
                                 char **ret_key, struct err *err) NODISCARD;
void key_free(char *key);
/* What to do when this provider wants a key and has no source of one. NULL: it has one, or sends
 * headers of the config, which may hold it. For free(). */
char *provider_without_key(const struct config_provider *provider) NODISCARD;
/*
 * Appends a server's words without the key and without what the config's headers ("Name: value",
 * NULL at the end) hold, whole or cut at the end of the words. NULL: none. Keys below 4 bytes are
 * no keys, and stay; so do values of headers below 8 bytes.
 */
void key_redact(const char *key, const char *const *headers, struct sv text, struct buf *out);

/* A server on loopback that answered a plain connect; found by local_server_find (≤ 200 ms, not on
 * the UI thread). */
struct local_server {
    const char *name; /* "ollama", "llama.cpp", "lmstudio" */
    const char *base_url;
};
/* Ollama 11434, llama.cpp 8080, LM Studio 1234. NULL: none listens. WEIR_LOCAL_PORTS (tests)
 * replaces the ports in this order. */
const struct local_server *local_server_find(void);

#endif
