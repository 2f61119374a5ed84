/*
 * Opening config and store the way every command does.
 *
 * Threads: main. Errors: those of config_load and store_open.
 */
#ifndef WEIR_APP_OPENING_H
#define WEIR_APP_OPENING_H

#include "app/command.h"
#include "app/config.h"
#include "app/redact.h"
#include "base/attr.h"
#include "base/err.h"
#include "pubsub/broker.h"
#include "store/session.h"
#include "store/store.h"

/* --config, else WEIR_CONFIG, else the usual file; over it what a trusted folder says, over that
 * the environment (app/config_layers.h). */
enum err_code open_config(const struct global_options *global, struct config **ret_config,
                          struct err *err) NODISCARD;
/* The same for who asks no provider: what was said can be read back whatever a provider's section
 * looks like. What is wrong is told on stderr, unless `err` is NULL. */
enum err_code open_config_tolerantly(const struct global_options *global,
                                     struct config **ret_config, struct err *err) NODISCARD;
/* Where that is, whether it can be read or not. For free(). */
enum err_code config_path(const struct global_options *global, char **ret_path,
                          struct err *err) NODISCARD;
/* Where the database is: --db, else WEIR_DB, else the config, else the data folder. For free(). */
enum err_code database_path(const struct global_options *global, const struct config *config,
                            char **ret_path, struct err *err) NODISCARD;

/* With the config's patterns. ERR_CONFIG: one does not compile; file, line and pattern are named.
 */
enum err_code open_redactor(const struct config *config, struct redactor **ret_redactor,
                            struct err *err) NODISCARD;

/* The scope of what is begun here: the working folder where the config says scope = "folder".
 * NULL: the one for all. For free(). ERR_IO: the folder is gone. */
enum err_code session_scope(const struct config *config, char **ret_scope,
                            struct err *err) NODISCARD;

/* session_find for what a user wrote, which gives a list of one: where it fits several sessions,
 * the text names them; of one in the trash it says how to have it back. */
enum err_code named_session(struct store *store, const char *what, struct session_list *ret_list,
                            struct err *err) NODISCARD;
/* The same for who needs its id alone. */
enum err_code named_session_id(struct store *store, const char *what, struct ulid *ret_id,
                               struct err *err) NODISCARD;

/* A message by what a user calls it: by the number that its session shows it by, where there is a
 * session, or by its id or the beginning of that, in any session. ERR_NOT_FOUND, ERR_AMBIGUOUS. */
enum err_code named_message(struct store *store, const struct ulid *session, const char *what,
                            struct ulid *ret_message, struct err *err) NODISCARD;

/* What a command about the store needs: opened together, closed together. */
struct reading {
    struct config *config;
    struct broker *broker;
    struct store *store;
};
enum err_code reading_open(const struct global_options *global, struct reading *ret_reading,
                           struct err *err) NODISCARD;
/* The same for a command that writes: returns when the store takes changes. */
enum err_code writing_open(const struct global_options *global, struct reading *ret_reading,
                           struct err *err) NODISCARD;
void reading_close(struct reading *reading);

#endif
