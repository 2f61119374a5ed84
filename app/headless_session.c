/*
 * Where a headless run goes on: the session that the options name, the last one, or a copy; and
 * under which key its turn is known.
 */
#include "app/command.h"
#include "app/headless_internal.h"
#include "app/opening.h"
#include "store/branch.h"

struct turn_key headless__key(const struct headless *headless)
{
    bool has_scope = ulid_is_set(&headless->key_scope);
    return (struct turn_key){.scope = sv_from(has_scope ? headless->key_scope.text : ""),
                             .key = sv_from(headless->options.request_key),
                             .fingerprint = buf_sv(&headless->fingerprint)};
}

/* A request that was made already needs no copy of its own. */
static enum err_code fork_session(struct headless *headless, struct err *err)
{
    struct turn known;
    struct turn_key key = headless__key(headless);
    if (key.key.n > 0 && turn_find_key(headless->store, &key, &known, NULL) == ERR_OK) {
        headless->session = known.session;
        return ERR_OK;
    }
    const struct branch_copy copy = {.session = headless->session};
    enum err_code code = branch_copy(headless->store, &copy, &headless->copy, err);
    headless->session = code ? headless->session : headless->copy;
    if (code == ERR_EXISTS) {
        code = err_set(err, ERR_BUSY, "an answer runs in the session that is to be copied");
    }
    return code;
}

/* The last session of the scope. Where there is none one is made, by one of all who ask. */
static enum err_code resume_session(struct headless *headless, struct err *err)
{
    bool is_new = false;
    struct err none = {0};
    enum err_code code = session_last(headless->store, headless->scope, &headless->session, &none);
    if (code == ERR_NOT_FOUND && !headless->options.forks) {
        return session_resume(headless->store, sv_from(headless->scope), &headless->session,
                              &is_new, err);
    }
    return code ? err_set(err, code, "%s", none.text) : ERR_OK;
}

enum err_code headless__find_session(struct headless *headless, struct err *err)
{
    const struct headless_options *options = &headless->options;
    enum err_code code = session_scope(headless->config, &headless->scope, err);
    bool is_new = false;
    if (code) {
        return code;
    }
    if (options->session) {
        code = named_session_id(headless->store, options->session, &headless->session, err);
    } else if (options->session_key) {
        const struct session_request request = {.key = sv_from(options->session_key)};
        code = session_create(headless->store, &request, &headless->session, &is_new, err);
    } else if (options->continues) {
        code = resume_session(headless, err);
    }
    if (!code && (options->session || options->session_key)) {
        headless->key_scope = headless->session;
    }
    return code || !options->forks ? code : fork_session(headless, err);
}
