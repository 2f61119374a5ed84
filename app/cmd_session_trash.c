/* weir session delete, restore, purge, undo: the trash and the journal from the command line. */
#include "app/cmd_session_trash.h"

#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/records.h"
#include "base/clock.h"
#include "base/safe.h"
#include "store/journal.h"
#include "store/message_service.h"
#include "store/purge.h"
#include "store/trash.h"
#include "store/verdict.h"

#define PATIENCE_US CLOCK_S(15)
#define LIST_DEFAULT 20
#define LIST_MOST 100000
#define EXACT_MOST 9007199254740992.0 /* 2^53 */

/* One run of a verb. */
struct act {
    struct store *store;
    const struct arguments *arguments;
    bool json, messages;
    struct buf out;
    size_t count; /* of records written */
};

/* ---- what is named ---- */

struct named {
    struct ulid id;
    char handle[16]; /* of a session; empty: of a message */
    bool deleted;
};

static enum err_code take_session(struct session_list *list, bool deleted, struct named *ret_named)
{
    *ret_named = (struct named){.id = list->sessions[0].id, .deleted = deleted};
    memcpy(ret_named->handle, list->sessions[0].handle, sizeof(ret_named->handle));
    session_list_release(list);
    return ERR_OK;
}

static enum err_code find_deleted(struct store *store, const char *what, struct named *ret_named,
                                  struct err *err)
{
    struct session_list list = {NULL, 0, false};
    enum err_code code = session_find_deleted(store, sv_from(what), &list, err);
    return code ? code : take_session(&list, true, ret_named);
}

static enum err_code find_kept(struct store *store, const char *what, struct named *ret_named,
                               struct err *err)
{
    struct session_list list = {NULL, 0, false};
    enum err_code code = named_session(store, what, &list, err);
    return code ? code : take_session(&list, false, ret_named);
}

/* Wherever it is; what is not in the trash first. */
static enum err_code find_any(struct store *store, const char *what, struct named *ret_named,
                              struct err *err)
{
    enum err_code code = find_kept(store, what, ret_named, err);
    return code == ERR_NOT_FOUND ? find_deleted(store, what, ret_named, err) : code;
}

static enum err_code find_message(const char *what, struct named *ret_named, struct err *err)
{
    struct named named = {.deleted = false};
    if (!ulid_parse(sv_from(what), &named.id)) {
        return err_set(err, ERR_NOT_FOUND, "'%s' is no message's id", what);
    }
    *ret_named = named;
    return ERR_OK;
}

/* ---- one record for each ---- */

static void begin_record(struct act *act)
{
    if (act->json) {
        buf_append_str(&act->out, act->count ? ",\n{" : "{");
    }
    act->count++;
}

static void append_done(struct act *act, const char *verb, const struct named *named)
{
    begin_record(act);
    if (!act->json) {
        buf_appendf(&act->out, "%s %s\n", verb, named->handle[0] ? named->handle : named->id.text);
        return;
    }
    record_text(&act->out, "action", sv_from(verb));
    record_id(&act->out, act->messages ? "message_id" : "session_id", &named->id);
    if (named->handle[0]) {
        record_text(&act->out, "handle", sv_from(named->handle));
    }
    buf_append_byte(&act->out, '}');
}

/* ---- delete, restore ---- */

static enum err_code delete_one(struct act *act, const char *what, struct err *err)
{
    struct named named;
    enum err_code code =
        act->messages ? find_message(what, &named, err) : find_kept(act->store, what, &named, err);
    if (!code) {
        code = act->messages
                   ? message_delete(act->store, &named.id, clock_mono_us() + PATIENCE_US, err)
                   : session_delete(act->store, &named.id, err);
    }
    if (!code) {
        append_done(act, "deleted", &named);
    }
    return code;
}

static enum err_code restore_one(struct act *act, const char *what, struct err *err)
{
    struct named named;
    bool name_taken = false;
    enum err_code code = act->messages ? find_message(what, &named, err)
                                       : find_deleted(act->store, what, &named, err);
    if (!code) {
        code = act->messages ? message_restore(act->store, &named.id, err)
                             : session_restore(act->store, &named.id, &name_taken, err);
    }
    if (!code) {
        append_done(act, "restored", &named);
    }
    if (name_taken) {
        output_remark("another session has the name of %s now: it came back without", named.handle);
    }
    return code;
}

typedef enum err_code each_fn(struct act *act, const char *what, struct err *err);

/* Goes on after one that fails; the exit code is that of the first that did. */
static int for_each(struct act *act, each_fn *each)
{
    int exit_code = 0;
    for (size_t i = 1; i < act->arguments->rest_count; i++) {
        struct err err = {0};
        if (each(act, act->arguments->rest[i], &err)) {
            int failed = command_fail(&err);
            exit_code = exit_code ? exit_code : failed;
        }
    }
    return exit_code;
}

static int act_delete(struct act *act)
{
    return for_each(act, delete_one);
}

static int act_restore(struct act *act)
{
    return for_each(act, restore_one);
}

/* ---- purge ---- */

static enum err_code purge_one(struct act *act, const char *what, struct purge_report *report,
                               struct err *err)
{
    struct named named;
    if (act->messages) {
        enum err_code code = find_message(what, &named, err);
        return code ? code : purge_message(act->store, &named.id, report, err);
    }
    bool force = argument_flag(act->arguments, "force");
    enum err_code code = force ? find_any(act->store, what, &named, err)
                               : find_deleted(act->store, what, &named, err);
    if (code == ERR_NOT_FOUND && !force && !find_kept(act->store, what, &named, NULL)) {
        return err_set(err, ERR_USAGE, "%s is not in the trash: delete it first, or say --force",
                       named.handle);
    }
    return code ? code : purge_session(act->store, &named.id, report, err);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void append_purged(struct act *act, const struct purge_report *report)
{
    begin_record(act);
    if (!act->json) {
        buf_appendf(&act->out,
                    "purged: %llu session%s, %llu message%s, %llu byte%s of text,"
                    " %zu attachment%s (%llu bytes)\n",
                    (unsigned long long)report->sessions, plural(report->sessions),
                    (unsigned long long)report->messages, plural(report->messages),
                    (unsigned long long)report->bytes, plural(report->bytes),
                    report->attachments.count, plural(report->attachments.count),
                    (unsigned long long)report->attachments.bytes);
        return;
    }
    record_int(&act->out, "sessions", (int64_t)report->sessions);
    record_int(&act->out, "messages", (int64_t)report->messages);
    record_int(&act->out, "bytes", (int64_t)report->bytes);
    record_int(&act->out, "attachments", (int64_t)report->attachments.count);
    record_int(&act->out, "attachment_bytes", (int64_t)report->attachments.bytes);
    record_bool(&act->out, "log_left", report->log_left);
    record_key(&act->out, "backups");
    for (size_t i = 0; i < report->backup_count; i++) {
        buf_append_str(&act->out, i ? "," : "[");
        (void)json_append_string(&act->out, sv_from(report->backups[i]));
    }
    buf_append_str(&act->out, report->backup_count ? "]" : "[]");
    record_int(&act->out, "quarantined", (int64_t)report->quarantined);
    record_bool(&act->out, "backups_removed", report->backups_removed);
    buf_append_byte(&act->out, '}');
}

static void remark_left(const struct purge_report *report)
{
    if (report->log_left) {
        output_remark("another process reads an older state: the database's log still holds it"
                      " and is emptied when that one is done");
    }
    for (size_t i = 0; i < report->backup_count; i++) {
        output_remark(report->backups_removed
                          ? "removed '%s'"
                          : "'%s', which an upgrade or a repair left, may still hold"
                            " it: --backups removes it",
                      report->backups[i]);
    }
    if (report->quarantined) {
        output_remark(report->backups_removed
                          ? "removed %llu rows that a repair had put aside"
                          : "%llu rows that a repair has put aside may still hold it:"
                            " --backups removes them",
                      (unsigned long long)report->quarantined);
    }
}

static int purge_named(struct act *act, struct purge_report *report)
{
    int exit_code = 0;
    for (size_t i = 1; i < act->arguments->rest_count; i++) {
        struct err err = {0};
        if (purge_one(act, act->arguments->rest[i], report, &err)) {
            int failed = command_fail(&err);
            exit_code = exit_code ? exit_code : failed;
        }
    }
    return exit_code;
}

static int act_purge(struct act *act)
{
    struct purge_report report = {.sessions = 0};
    struct err err = {0};
    int exit_code = purge_named(act, &report);
    if (argument_flag(act->arguments, "trash") && purge_trash(act->store, &report, &err)) {
        exit_code = command_fail(&err);
    }
    if (purge_backups(act->store, argument_flag(act->arguments, "backups"), &report, &err)) {
        exit_code = command_fail(&err);
    }
    if (act->json || !exit_code || report.messages + report.sessions > 0) {
        append_purged(act, &report);
    }
    remark_left(&report);
    purge_report_release(&report);
    return exit_code;
}

/* ---- undo ---- */

static void append_entry_record(struct buf *out, const struct journal_entry *entry)
{
    record_int(out, "entry", entry->id);
    record_text(out, "action", sv_from(journal_action_text(entry->action)));
    record_id(out, "session_id", &entry->session);
    record_id(out, "target_id", &entry->target);
    record_text(out, "before", sv_from(entry->before));
    record_text(out, "after", sv_from(entry->after));
    record_time(out, "at", entry->at_us);
    record_time(out, "undone_at", entry->undone_us);
    buf_append_byte(out, '}');
}

/* "ax0p 'What is a mutex?'"; the id of one that is gone. */
static void append_whose(struct act *act, const struct ulid *id)
{
    struct session session;
    if (session_get(act->store, id, &session, NULL)) {
        buf_append_str(&act->out, id->text);
        return;
    }
    buf_append_str(&act->out, session.handle);
    if (session.title[0]) {
        buf_append_str(&act->out, " '");
        (void)safe_append(&act->out, sv_from(session.title), SAFE_ONE_LINE);
        buf_append_byte(&act->out, '\'');
    }
    session_release(&session);
}

/* What stands in a journal, without what only the store needs of it. */
static void append_value(struct buf *out, enum journal_action action, const char *value)
{
    struct sv text = sv_from(value);
    bool is_json = action == JOURNAL_NOTE || action == JOURNAL_VERDICT;
    cJSON *json = is_json ? json_parse(text) : NULL;
    int64_t rating = 0;
    if (action == JOURNAL_TITLE) {
        text = sv_skip(text, sv_find(text, ':') + 1);
    } else if (json) {
        text = json_get_text(json, action == JOURNAL_NOTE ? "text" : "verdict");
    }
    (void)safe_append(out, text, SAFE_ONE_LINE);
    if (action == JOURNAL_VERDICT && json_get_int(json, "rating", &rating) && rating > 0) {
        buf_appendf(out, "%s%d/%d", text.n ? " " : "", (int)rating, VERDICT_RATING_MAX);
    }
    cJSON_Delete(json);
}

/* ": alpha -> beta", ": alpha" where there was nothing, ": alpha -> none" where nothing is left. */
static void append_values(struct buf *out, const struct journal_entry *entry)
{
    if (entry->before) {
        buf_append_str(out, ": ");
        append_value(out, entry->action, entry->before);
    }
    if (entry->after) {
        buf_append_str(out, entry->before ? " -> " : ": ");
        append_value(out, entry->action, entry->after);
    } else if (entry->before && entry->action != JOURNAL_UNLABEL) {
        buf_append_str(out, " -> none");
    }
}

/* "12  2026-11-21 07:24  labelled the session ax0p 'Hello': work". Ids of branches, and that what
 * was archived is archived, tell a reader nothing; what was deleted is named by its title. */
static void append_entry_line(struct act *act, const struct journal_entry *entry)
{
    static const bool says_all[JOURNAL_ACTION_COUNT] = {[JOURNAL_DELETE_SESSION] = true,
                                                        [JOURNAL_ARCHIVE] = true,
                                                        [JOURNAL_UNARCHIVE] = true,
                                                        [JOURNAL_BRANCH] = true};
    char at[CLOCK_LOCAL_SIZE];
    struct buf *out = &act->out;
    clock_format_local(entry->at_us, "%Y-%m-%d %H:%M", at);
    buf_appendf(out, "%-5lld %s  %s ", (long long)entry->id, at,
                journal_action_said(entry->action));
    append_whose(act, &entry->session);
    if (entry->action < JOURNAL_ACTION_COUNT && !says_all[entry->action]) {
        append_values(out, entry);
    }
    buf_append_str(out, entry->undone_us ? " (undone)\n" : "\n");
}

static void append_entry(struct act *act, const struct journal_entry *entry, bool undone)
{
    begin_record(act);
    if (act->json) {
        append_entry_record(&act->out, entry);
    } else {
        buf_append_str(&act->out, undone ? "undid " : "");
        append_entry_line(act, entry);
    }
}

static size_t number(const struct act *act, const char *name, size_t otherwise)
{
    const char *text = argument_text(act->arguments, name);
    double value = text ? strtod(text, NULL) : (double)otherwise;
    return value < LIST_MOST ? (size_t)value : LIST_MOST;
}

/* 0: none was named. More than a number of the option can say exactly is no entry. */
static int64_t entry_number(const struct act *act)
{
    const char *text = argument_text(act->arguments, "entry");
    double value = text ? strtod(text, NULL) : 0;
    return value < EXACT_MOST ? (int64_t)value : INT64_MAX;
}

static int list_journal(struct act *act, const struct ulid *session)
{
    struct journal_list list = {NULL, 0};
    struct err err = {0};
    if (journal_list(act->store, session, 0, number(act, "limit", LIST_DEFAULT), &list, &err)) {
        return command_fail(&err);
    }
    for (size_t i = 0; i < list.count; i++) {
        append_entry(act, &list.entries[i], false);
    }
    journal_list_release(&list);
    return 0;
}

static int act_undo(struct act *act)
{
    struct named named;
    struct journal_entry entry = {.id = 0};
    struct err err = {0};
    const struct ulid *session = act->arguments->rest_count > 1 ? &named.id : NULL;
    if (session && find_any(act->store, act->arguments->rest[1], &named, &err)) {
        return command_fail(&err);
    }
    if (argument_flag(act->arguments, "list")) {
        return list_journal(act, session);
    }
    int64_t id = entry_number(act);
    if (id ? undo_entry(act->store, id, &entry, &err)
           : undo_last(act->store, session, &entry, &err)) {
        return command_fail(&err);
    }
    append_entry(act, &entry, true);
    journal_entry_release(&entry);
    return 0;
}

/* ---- the verbs ---- */

static const struct verb {
    const char *name;
    size_t least, most; /* operands */
    int (*run)(struct act *act);
} verbs[] = {
    {"delete", 1, SIZE_MAX, act_delete},
    {"restore", 1, SIZE_MAX, act_restore},
    {"purge", 0, SIZE_MAX, act_purge},
    {"undo", 0, 1, act_undo},
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

bool cmd_session_trash_does(const char *verb)
{
    return find_verb(verb) != NULL;
}

static enum err_code check(const struct verb *verb, const struct arguments *arguments,
                           struct err *err)
{
    size_t operands = arguments->rest_count - 1;
    bool aimless = verb->run == act_purge && operands == 0 && !argument_flag(arguments, "trash") &&
                   !argument_flag(arguments, "backups");
    if (operands < verb->least || operands > verb->most || aimless) {
        return err_set(err, ERR_USAGE, "'weir session %s' needs %s", verb->name,
                       verb->run == act_undo    ? "one SESSION at most"
                       : verb->run == act_purge ? "a SESSION, --trash or --backups"
                                                : "a SESSION");
    }
    return ERR_OK;
}

/* Several records are a list, also when there is one; purge and undo give one. */
static int print(struct act *act, bool is_list, int exit_code)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    const char *open = act->json && is_list ? "[" : "";
    const char *close = !act->json || (act->count == 0 && !is_list) ? "" : is_list ? "]\n" : "\n";
    buf_appendf(&out, "%s", open);
    buf_append_sv(&out, buf_sv(&act->out));
    buf_append_str(&out, close);
    int printed = out.n ? output_result(buf_sv(&out)) : 0;
    buf_release(&out);
    return exit_code ? exit_code : printed;
}

int cmd_session_trash_run(const struct global_options *global, const struct arguments *arguments)
{
    const struct verb *verb = find_verb(arguments->rest[0]);
    struct reading reading;
    struct err err = {0};
    if (check(verb, arguments, &err) || writing_open(global, &reading, &err)) {
        return command_fail(&err);
    }
    struct act act = {.store = reading.store,
                      .arguments = arguments,
                      .json = argument_flag(arguments, "json"),
                      .messages = argument_flag(arguments, "message"),
                      .out = BUF_INIT(BUF_MAX_INTERNAL)};
    int exit_code = verb->run(&act);
    bool is_list =
        verb->run == act_delete || verb->run == act_restore || argument_flag(arguments, "list");
    exit_code = print(&act, is_list, exit_code);
    buf_release(&act.out);
    reading_close(&reading);
    return exit_code;
}
