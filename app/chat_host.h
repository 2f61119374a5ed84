/*
 * What the screen asks its program for beside the engine: which models there are, a session as a
 * file.
 *
 * Threads: the screen's.
 */
#ifndef WEIR_APP_CHAT_HOST_H
#define WEIR_APP_CHAT_HOST_H

#include "app/config.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/store.h"

/* `note` may be NULL. Both are borrowed for the call. */
typedef void add_model_fn(void *ctx, const char *model, const char *note);

/* Aliases, the config's own model, and what is known of each provider that could be asked: those of
 * the config, and those whose key is in the environment. What 'weir models' kept of it is known,
 * and what is shipped; nobody is asked. */
void chat_list_models(const struct config *config, add_model_fn *add, void *ctx);

/* How many tokens fit into it; negative: not known. */
int64_t chat_context_of(const struct config *config, const char *model);

/* Writes the session to a new file in the working folder, "weir-HANDLE.md"; gives its path
 * (free()). `format` may name the file, by whose ending the format is known; NULL: Markdown. */
enum err_code chat_export(struct store *store, const struct ulid *session, const char *format,
                          char **ret_path, struct err *err) NODISCARD;

#endif
