/* weir session new, rename, set, label, unlabel, archive, unarchive, fork, branches, switch. */
#include "app/cmd_session_change.h"

#include <stdlib.h>
#include <string.h>

#include "app/opening.h"
#include "app/output.h"
#include "app/records.h"
#include "base/alloc.h"
#include "base/safe.h"
#include "store/branch.h"
#include "store/history.h"
#include "store/label.h"
#include "store/message_service.h"
#include "store/session.h"
#include "store/turn.h"

/* One run of a verb. Operands behind the verb: the session, then what is its own. */
struct act {
    struct store *store;
    const struct arguments *arguments;
    bool json;
    struct ulid session; /* that the first operand names */
    const char *const *rest;
    size_t rest_count; /* behind the session */
    struct buf out;
};

static const char *text(const struct act *act, const char *option)
{
    return argument_text(act->arguments, option);
}

/* ---- what is told ---- */

static enum err_code tell_session(struct act *act, const struct ulid *id, bool *created,
                                  struct err *err)
{
    struct session session;
    enum err_code code = session_get(act->store, id, &session, err);
    if (code) {
        return code;
    }
    if (act->json) {
        record_session(&act->out, &session);
        if (created) {
            act->out.n--; /* the brace at the end: one member more */
            record_bool(&act->out, "created", *created);
            buf_append_byte(&act->out, '}');
        }
        buf_append_byte(&act->out, '\n');
    } else {
        buf_appendf(&act->out, "%s\n", session.handle);
    }
    session_release(&session);
    return ERR_OK;
}

static enum err_code tell_change(struct act *act, struct err *err)
{
    return act->json ? tell_session(act, &act->session, NULL, err) : ERR_OK;
}

/* ---- new, rename, set, archive ---- */

static enum err_code add_label(struct act *act, const struct ulid *session, struct err *err)
{
    struct sv label = sv_from(text(act, "label"));
    struct label_change change = {.add = &label, .add_count = 1};
    return text(act, "label") ? label_update(act->store, session, &change, err) : ERR_OK;
}

static enum err_code act_new(struct act *act, struct err *err)
{
    struct ulid id;
    bool created = false;
    struct session_request request = {.key = sv_from(text(act, "key")),
                                      .name = sv_from(text(act, "name")),
                                      .title = sv_from(text(act, "title")),
                                      .scope = sv_from(text(act, "scope")),
                                      .metadata = sv_from(text(act, "metadata"))};
    bool resumes = argument_flag(act->arguments, "resume");
    if (resumes && (request.key.n || request.name.n || request.title.n || request.metadata.n)) {
        return err_set(err, ERR_USAGE, "--resume goes with --scope and --label only");
    }
    enum err_code code = resumes ? session_resume(act->store, request.scope, &id, &created, err)
                                 : session_create(act->store, &request, &id, &created, err);
    if (!code && created) {
        code = add_label(act, &id, err);
    }
    return code ? code : tell_session(act, &id, &created, err);
}

static enum err_code act_rename(struct act *act, struct err *err)
{
    struct session_change change = {.fields = SESSION_SET_NAME,
                                    .name = sv_from(act->rest_count ? act->rest[0] : NULL)};
    enum err_code code = session_update(act->store, &act->session, &change, err);
    return code ? code : tell_change(act, err);
}

static bool read_status(const char *word, enum session_status *ret_status)
{
    for (int i = 0; i < SESSION_STATUS_COUNT; i++) {
        if (strcmp(word, session_status_text((enum session_status)i)) == 0) {
            *ret_status = (enum session_status)i;
            return true;
        }
    }
    return false;
}

/* What was asked last. One that runs, or was answered, is refused. */
static enum err_code leave_unanswered(struct act *act, struct err *err)
{
    struct turn turn;
    enum err_code code = turn_find_latest(act->store, &act->session, false, &turn, err);
    if (code == ERR_NOT_FOUND) {
        return err_set(err, code, "nothing was asked in the session");
    }
    return code ? code : turn_mark_unanswered(act->store, &turn.id, err);
}

static enum err_code act_set(struct act *act, struct err *err)
{
    bool unanswered = argument_flag(act->arguments, "no-answer");
    const char *title = text(act, "title");
    const char *metadata = text(act, "metadata");
    const char *status = text(act, "status");
    struct session_change change = {.fields = (title ? SESSION_SET_TITLE : 0u) |
                                              (metadata ? SESSION_SET_METADATA : 0u) |
                                              (status ? SESSION_SET_STATUS : 0u),
                                    .title = sv_from(title),
                                    .title_by = TITLE_BY_USER,
                                    .metadata = sv_from(metadata)};
    if (!change.fields && !unanswered) {
        return err_set(err, ERR_USAGE,
                       "'weir session set' needs --title, --metadata, --status or --no-answer");
    }
    if (status && !read_status(status, &change.status)) {
        return err_set(err, ERR_USAGE, "--status takes active, idle or ended, not '%s'", status);
    }
    enum err_code code = unanswered ? leave_unanswered(act, err) : ERR_OK;
    if (!code && change.fields) {
        code = session_update(act->store, &act->session, &change, err);
    }
    return code ? code : tell_change(act, err);
}

static enum err_code find(struct act *act, const char *what, struct err *err)
{
    return named_session_id(act->store, what, &act->session, err);
}

/* All of those that are named, up to the first that cannot be. */
static enum err_code archive_all(struct act *act, bool archived, struct err *err)
{
    struct session_change change = {.fields = SESSION_SET_ARCHIVED, .archived = archived};
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i <= act->rest_count; i++) {
        code = i ? find(act, act->rest[i - 1], err) : ERR_OK;
        if (!code) {
            code = session_update(act->store, &act->session, &change, err);
        }
        if (!code) {
            code = tell_change(act, err);
        }
    }
    return code;
}

static enum err_code act_archive(struct act *act, struct err *err)
{
    return archive_all(act, true, err);
}

static enum err_code act_unarchive(struct act *act, struct err *err)
{
    return archive_all(act, false, err);
}

/* ---- labels ---- */

static enum err_code tell_labels(struct act *act, const struct ulid *session, struct err *err)
{
    struct label_list list;
    enum err_code code = label_list(act->store, session, &list, err);
    if (code) {
        return code;
    }
    buf_append_str(&act->out, act->json ? "[" : "");
    for (size_t i = 0; i < list.count; i++) {
        if (act->json) {
            buf_append_str(&act->out, i ? ",{" : "{");
            record_text(&act->out, "label", sv_from(list.labels[i].name));
            if (!session) {
                record_int(&act->out, "sessions", list.labels[i].sessions);
            }
            buf_append_byte(&act->out, '}');
            continue;
        }
        if (!session) {
            buf_appendf(&act->out, "%5lld  ", (long long)list.labels[i].sessions);
        }
        (void)safe_append(&act->out, sv_from(list.labels[i].name), SAFE_ONE_LINE);
        buf_append_byte(&act->out, '\n');
    }
    buf_append_str(&act->out, act->json ? "]\n" : "");
    label_list_release(&list);
    return ERR_OK;
}

static enum err_code change_labels(struct act *act, bool adds, struct err *err)
{
    struct sv *words = xcalloc(act->rest_count + 1, sizeof(*words));
    for (size_t i = 0; i < act->rest_count; i++) {
        words[i] = sv_from(act->rest[i]);
    }
    struct label_change change = {.add = words, .remove = words};
    *(adds ? &change.add_count : &change.remove_count) = act->rest_count;
    enum err_code code =
        act->rest_count ? label_update(act->store, &act->session, &change, err) : ERR_OK;
    free(words);
    bool silent = act->rest_count && !act->json;
    return code || silent ? code : tell_labels(act, &act->session, err);
}

static enum err_code act_label(struct act *act, struct err *err)
{
    return ulid_is_set(&act->session) ? change_labels(act, true, err) : tell_labels(act, NULL, err);
}

static enum err_code act_unlabel(struct act *act, struct err *err)
{
    return change_labels(act, false, err);
}

/* ---- branches ---- */

static void tell_branch(struct act *act, const struct branch *branch, size_t number)
{
    if (act->json) {
        buf_append_str(&act->out, number > 1 ? ",\n{" : "{");
        record_id(&act->out, "id", &branch->id);
        record_id(&act->out, "parent", &branch->parent);
        record_int(&act->out, "fork_seq", branch->fork_seq);
        record_int(&act->out, "last_seq", branch->last_seq);
        record_text(&act->out, "name", sv_from(branch->name));
        record_text(&act->out, "reason", sv_from(branch->reason));
        record_time(&act->out, "created_at", branch->created_us);
        record_bool(&act->out, "current", branch->current);
        buf_append_byte(&act->out, '}');
        return;
    }
    buf_appendf(&act->out, "%c%3zu  %s  %5lld  ", branch->current ? '*' : ' ', number,
                branch->id.text, (long long)branch->last_seq);
    if (ulid_is_set(&branch->parent)) {
        buf_appendf(&act->out, "%s after %lld  ", branch->reason, (long long)branch->fork_seq);
    }
    (void)safe_append(&act->out, sv_from(branch->name), SAFE_ONE_LINE);
    buf_append_byte(&act->out, '\n');
}

static enum err_code act_branches(struct act *act, struct err *err)
{
    struct branch_list list;
    enum err_code code = branch_list(act->store, &act->session, &list, err);
    if (code) {
        return code;
    }
    buf_append_str(&act->out, act->json ? "[" : "");
    for (size_t i = 0; i < list.count; i++) {
        tell_branch(act, &list.branches[i], i + 1);
    }
    buf_append_str(&act->out, act->json ? "]\n" : "");
    branch_list_release(&list);
    return ERR_OK;
}

static enum err_code act_switch(struct act *act, struct err *err)
{
    struct ulid branch;
    enum err_code code =
        branch_find(act->store, &act->session, sv_from(act->rest[0]), &branch, err);
    code = code ? code : branch_switch(act->store, &act->session, &branch, NULL, err);
    return code ? code : tell_change(act, err);
}

/* The last message of the current branch, where none is named. */
static enum err_code last_message(struct act *act, struct ulid *ret_message, struct err *err)
{
    struct history_lines lines = {.lines = NULL};
    struct history_query query = {.session = act->session, .limit = 1};
    enum err_code code = history_lines(act->store, &query, &lines, err);
    if (!code && lines.count == 0) {
        code = err_set(err, ERR_NOT_FOUND, "nothing was said in this session yet");
    } else if (!code) {
        *ret_message = lines.lines[0].id;
    }
    history_lines_release(&lines);
    return code;
}

/* A branch is made where its message is, so that has to be in the session that was named. */
static enum err_code check_session(struct act *act, const struct ulid *message, struct err *err)
{
    struct message *found = NULL;
    enum err_code code = message_snapshot(act->store, message, &found, err);
    if (code) {
        return code;
    }
    bool is_here = ulid_equal(&found->session, &act->session);
    message_free(found);
    return is_here ? ERR_OK
                   : err_set(err, ERR_NOT_FOUND, "no message '%s' in this session", message->text);
}

static enum err_code act_fork(struct act *act, struct err *err)
{
    struct ulid message = {""};
    struct ulid made;
    struct sv name = sv_from(text(act, "name"));
    const char *at = text(act, "at");
    enum err_code code = at ? named_message(act->store, &act->session, at, &message, err) : ERR_OK;
    if (code) {
        return code;
    }
    if (!argument_flag(act->arguments, "branch")) {
        struct branch_copy copy = {.session = act->session, .message = message, .name = name};
        code = branch_copy(act->store, &copy, &made, err);
        return code ? code : tell_session(act, &made, NULL, err);
    }
    code = ulid_is_set(&message) ? check_session(act, &message, err)
                                 : last_message(act, &message, err);
    code = code ? code : branch_fork(act->store, &message, name, &made, err);
    if (!code && !act->json) {
        buf_appendf(&act->out, "%s\n", made.text);
    }
    return code || !act->json ? code : act_branches(act, err);
}

/* ---- the verbs ---- */

static const struct verb {
    const char *name;
    size_t least, most; /* operands */
    enum err_code (*run)(struct act *act, struct err *err);
} verbs[] = {
    {"new", 0, 0, act_new},
    {"rename", 1, 2, act_rename},
    {"set", 1, 1, act_set},
    {"label", 0, SIZE_MAX, act_label},
    {"unlabel", 2, SIZE_MAX, act_unlabel},
    {"archive", 1, SIZE_MAX, act_archive},
    {"unarchive", 1, SIZE_MAX, act_unarchive},
    {"fork", 1, 1, act_fork},
    {"branches", 1, 1, act_branches},
    {"switch", 2, 2, act_switch},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

bool cmd_session_change_does(const char *verb)
{
    return find_verb(verb) != NULL;
}

static enum err_code check(const struct verb *verb, size_t operands, struct err *err)
{
    if (operands >= verb->least && operands <= verb->most) {
        return ERR_OK;
    }
    return err_set(err, ERR_USAGE, "'weir session %s' takes %s", verb->name,
                   verb->most == 0           ? "no operand"
                   : verb->run == act_switch ? "a SESSION and a BRANCH"
                   : verb->least == 2        ? "a SESSION and a LABEL"
                   : verb->most == 2         ? "a SESSION and a NAME"
                   : verb->most == 1         ? "one SESSION"
                                             : "a SESSION");
}

/* What was done before a failure is told, too. */
static int finish(struct act *act, enum err_code code, const struct err *err)
{
    int printed = act->out.n ? output_result(buf_sv(&act->out)) : 0;
    return code ? command_fail(err) : printed;
}

int cmd_session_change_run(const struct global_options *global, const struct arguments *arguments)
{
    const struct verb *verb = find_verb(arguments->rest[0]);
    size_t operands = arguments->rest_count - 1;
    struct reading reading;
    struct err err = {0};
    if (check(verb, operands, &err) || writing_open(global, &reading, &err)) {
        return command_fail(&err);
    }
    struct act act = {.store = reading.store,
                      .arguments = arguments,
                      .json = argument_flag(arguments, "json"),
                      .rest = arguments->rest + (operands ? 2 : 1),
                      .rest_count = operands ? operands - 1 : 0,
                      .out = BUF_INIT(BUF_MAX_INTERNAL)};
    enum err_code code = operands ? find(&act, arguments->rest[1], &err) : ERR_OK;
    code = code ? code : verb->run(&act, &err);
    int exit_code = finish(&act, code, &err);
    buf_release(&act.out);
    reading_close(&reading);
    return exit_code;
}
