/* Opening config and store. */
#include "app/opening.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/config_layers.h"
#include "app/output.h"
#include "app/trust.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/utf8.h"
#include "store/history.h"
#include "store/review.h"

#define DATABASE_NAME "weir.db"
/* Where a name fits several sessions, as many are looked at, and as many named. */
#define CANDIDATES_SEEN 1000
#define CANDIDATES_NAMED 5
/* A start may have to wait for another process that upgrades the database. */
#define START_US CLOCK_S(20)

static enum err_code log_database(const char *path)
{
    log_write(LOG_INFO, "database '%s'", path);
    return ERR_OK;
}

static const char *first_of(const char *flag, const char *variable)
{
    const char *value = flag ? flag : getenv(variable);
    return value && *value ? value : NULL;
}

enum err_code config_path(const struct global_options *global, char **ret_path, struct err *err)
{
    const char *path = first_of(global->config_path, "WEIR_CONFIG");
    if (path) {
        *ret_path = xstrdup(path);
        return ERR_OK;
    }
    return file_xdg_path(XDG_CONFIG, "config.toml", ret_path, err);
}

/* What a folder says goes before the user's config, once it is trusted. */
static enum err_code add_folder(const struct global_options *global, struct config *config,
                                struct err *err)
{
    struct folder_file file = {.path = NULL};
    enum err_code code = trust_find(&file, err);
    if (!code && file.trusted) {
        log_write(LOG_INFO, "config '%s'", file.path);
        code = config_add_folder(config, file.path, buf_sv(&file.text), err);
    } else if (!code && file.path && !global->quiet) {
        output_remark("'%s' is not read: 'weir trust' shows it and agrees to it", file.path);
    }
    trust_release(&file);
    return code;
}

enum err_code open_config(const struct global_options *global, struct config **ret_config,
                          struct err *err)
{
    struct config *config = NULL;
    enum err_code code = config_load(first_of(global->config_path, "WEIR_CONFIG"), &config, err);
    if (code) {
        return code;
    }
    log_write(LOG_INFO, "config '%s'%s", config->path,
              file_exists(config->path) ? "" : " (does not exist)");
    code = add_folder(global, config, err);
    code = code ? code : config_add_environment(config, err);
    if (code) {
        config_free(config);
        return code;
    }
    *ret_config = config;
    return ERR_OK;
}

enum err_code database_path(const struct global_options *global, const struct config *config,
                            char **ret_path, struct err *err)
{
    const char *path = first_of(global->db_path, "WEIR_DB");
    path = path ? path : config->store_path;
    if (path) {
        *ret_path = xstrdup(path);
        return log_database(*ret_path);
    }
    return file_xdg_path(XDG_DATA, DATABASE_NAME, ret_path, err) ? ERR_CANNOT_CREATE
                                                                 : log_database(*ret_path);
}

enum err_code open_config_tolerantly(const struct global_options *global,
                                     struct config **ret_config, struct err *err)
{
    enum err_code code =
        config_load_tolerant(first_of(global->config_path, "WEIR_CONFIG"), ret_config, err);
    if (code && *ret_config) {
        if (err) {
            output_remark("%s (only 'run' and 'chat' need this mended)", err->text);
        }
        return ERR_OK;
    }
    return code;
}

static enum err_code open_store(const struct global_options *global, bool read_only,
                                struct reading *ret_reading, struct err *err)
{
    struct reading reading = {NULL, NULL, NULL};
    char *path = NULL;
    enum err_code code = open_config_tolerantly(global, &reading.config, err);
    code = code ? code : database_path(global, reading.config, &path, err);
    if (!code) {
        reading.broker = broker_new(NULL);
        struct store_options options = {
            .path = path, .read_only = read_only, .broker = reading.broker};
        code = store_open(&options, &reading.store, err);
    }
    free(path);
    if (code) {
        reading_close(&reading);
        return code;
    }
    *ret_reading = reading;
    return ERR_OK;
}

enum err_code reading_open(const struct global_options *global, struct reading *ret_reading,
                           struct err *err)
{
    return open_store(global, true, ret_reading, err);
}

enum err_code writing_open(const struct global_options *global, struct reading *ret_reading,
                           struct err *err)
{
    struct reading reading = {NULL, NULL, NULL};
    enum err_code code = open_store(global, false, &reading, err);
    code = code ? code : store_start(reading.store, err);
    code = code ? code : store_wait_ready(reading.store, clock_mono_us() + START_US, err);
    if (code) {
        reading_close(&reading);
        return code;
    }
    *ret_reading = reading;
    return ERR_OK;
}

void reading_close(struct reading *reading)
{
    store_free(reading->store);
    broker_free(reading->broker);
    config_free(reading->config);
    *reading = (struct reading){NULL, NULL, NULL};
}

enum err_code open_redactor(const struct config *config, struct redactor **ret_redactor,
                            struct err *err)
{
    struct err why;
    if (redactor_new(config->redact, getenv("HOME"), ret_redactor, &why)) {
        return err_set(err, ERR_CONFIG, "%s:%u: %s", config->path, config->redact_line, why.text);
    }
    return ERR_OK;
}

enum err_code session_scope(const struct config *config, char **ret_scope, struct err *err)
{
    char path[SESSION_SCOPE_MAX];
    if (!config->scope_is_folder) {
        *ret_scope = NULL;
        return ERR_OK;
    }
    if (!getcwd(path, sizeof path)) {
        return err_set_errno(err, errno, "the working folder cannot be told (scope = \"folder\")");
    }
    struct buf scope = BUF_INIT(SESSION_SCOPE_MAX);
    if (!utf8_append_valid(&scope, sv_from(path))) {
        buf_release(&scope);
        return err_set(err, ERR_TOO_BIG, "the working folder's name is too long for a scope");
    }
    *ret_scope = buf_detach(&scope);
    return ERR_OK;
}

static bool fits(const struct session *session, struct sv what)
{
    return sv_equal_nocase(sv_take(sv_from(session->handle), what.n), what) ||
           sv_equal_nocase(sv_take(sv_from(session->id.text), what.n), what);
}

static void name_candidates(struct store *store, struct sv what, struct buf *out)
{
    struct session_list list = {NULL, 0, false};
    size_t named = 0;
    const struct session_window newest = {.limit = CANDIDATES_SEEN};
    if (session_list(store, NULL, &newest, &list, NULL)) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (fits(&list.sessions[i], what) && ++named <= CANDIDATES_NAMED) {
            buf_appendf(out, "%s%s", named == 1 ? ": " : ", ", list.sessions[i].handle);
        }
    }
    buf_append_str(out, named > CANDIDATES_NAMED || list.more ? ", ..." : "");
    session_list_release(&list);
}

/* What is not found may have been deleted, and can be had back then. */
static void point_to_trash(struct store *store, const char *what, struct err *why)
{
    struct session_list list = {NULL, 0, false};
    if (session_find_deleted(store, sv_from(what), &list, NULL) == ERR_OK) {
        const char *handle = list.sessions[0].handle;
        err_set(why, ERR_NOT_FOUND,
                "session '%s' is in the trash: 'weir session restore %s' brings it back", handle,
                handle);
    }
    session_list_release(&list);
}

enum err_code named_session(struct store *store, const char *what, struct session_list *ret_list,
                            struct err *err)
{
    struct err why = {0};
    enum err_code code = session_find(store, sv_from(what), ret_list, &why);
    struct buf names = BUF_INIT(ERR_TEXT_SIZE);
    if (code == ERR_AMBIGUOUS) {
        name_candidates(store, sv_from(what), &names);
    } else if (code == ERR_NOT_FOUND) {
        point_to_trash(store, what, &why);
    }
    if (code) {
        err_set(err, code, "%s%s", why.text, buf_cstr(&names));
    }
    buf_release(&names);
    return code;
}

enum err_code named_session_id(struct store *store, const char *what, struct ulid *ret_id,
                               struct err *err)
{
    struct session_list list = {NULL, 0, false};
    enum err_code code = named_session(store, what, &list, err);
    if (!code) {
        *ret_id = list.sessions[0].id;
    }
    session_list_release(&list);
    return code;
}

static enum err_code message_by_number(struct store *store, const struct ulid *session,
                                       uint64_t number, struct ulid *ret_message, struct err *err)
{
    struct history_page page = {.messages = NULL};
    int64_t seq = number < INT64_MAX ? (int64_t)number : INT64_MAX;
    enum err_code code = history_after(store, session, seq - 1, 1, &page, err);
    if (code == ERR_OK && (page.count == 0 || page.messages[0]->seq != seq)) {
        code = err_set(err, ERR_NOT_FOUND, "the session has no message %llu",
                       (unsigned long long)number);
    }
    if (code == ERR_OK) {
        *ret_message = page.messages[0]->id;
    }
    history_page_release(&page);
    return code;
}

enum err_code named_message(struct store *store, const struct ulid *session, const char *what,
                            struct ulid *ret_message, struct err *err)
{
    uint64_t number = 0;
    struct sv name = sv_from(what);
    name = sv_starts_with(name, SV("#")) ? sv_skip(name, 1) : name;
    bool is_number = sv_to_u64(name, &number) && name.n < ULID_LENGTH;
    return is_number && session ? message_by_number(store, session, number, ret_message, err)
                                : review_message(store, name, ret_message, err);
}
