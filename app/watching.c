/* Watching answers of other processes: which are known, and what of them was printed. */
#include "app/watching.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/output.h"
#include "app/records.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/history.h"
#include "store/message_service.h"
#include "store/session.h"
#include "store/turn.h"

/* Late news of an answer that was printed come within moments of its end. */
#define ENDED_KEPT 256
#define PAGE 50
#define SESSIONS_PER_READ 200

struct watched {
    struct watched *next;
    struct turn turn;
    struct answer answer;
    struct cursor seen; /* of the printer, while another answer has it */
    bool due;           /* there is more than was printed */
    bool started;       /* its first line was printed */
};

struct watching {
    struct store *store;
    struct printer *printer;
    struct ulid session;
    int64_t began_us;
    struct watched *first;
    struct ulid ended[ENDED_KEPT]; /* a ring */
    size_t ended_count;
};

struct watching *watching_new(struct store *store, struct printer *printer,
                              const struct ulid *session)
{
    struct watching *watching = xcalloc(1, sizeof *watching);
    watching->store = store;
    watching->printer = printer;
    watching->session = *session;
    watching->began_us = clock_wall_us();
    return watching;
}

static void watched_free(struct watched *watched)
{
    answer_release(&watched->answer);
    free(watched);
}

void watching_free(struct watching *watching)
{
    while (watching && watching->first) {
        struct watched *next = watching->first->next;
        watched_free(watching->first);
        watching->first = next;
    }
    free(watching);
}

/* ---- which are known ---- */

static struct watched *find(const struct watching *watching, const struct ulid *message)
{
    struct watched *watched = watching->first;
    while (watched && !ulid_equal(&watched->turn.answer, message)) {
        watched = watched->next;
    }
    return watched;
}

static bool has_ended(const struct watching *watching, const struct ulid *message)
{
    size_t count = watching->ended_count < ENDED_KEPT ? watching->ended_count : ENDED_KEPT;
    for (size_t i = 0; i < count; i++) {
        if (ulid_equal(&watching->ended[i], message)) {
            return true;
        }
    }
    return false;
}

static void note_ended(struct watching *watching, const struct ulid *message)
{
    watching->ended[watching->ended_count++ % ENDED_KEPT] = *message;
}

static struct watched *add(struct watching *watching, const struct message *message)
{
    struct watched *watched = xcalloc(1, sizeof *watched);
    watched->turn =
        (struct turn){.session = message->session, .id = message->turn, .answer = message->id};
    watched->due = true;
    answer_init(&watched->answer);
    struct watched **link = &watching->first;
    while (*link) {
        link = &(*link)->next;
    }
    *link = watched;
    return watched;
}

static void drop(struct watching *watching, struct watched *watched)
{
    struct watched **link = &watching->first;
    while (*link != watched) {
        link = &(*link)->next;
    }
    *link = watched->next;
    note_ended(watching, &watched->turn.answer);
    watched_free(watched);
}

/* ---- printing ---- */

static bool is_json(const struct watching *watching)
{
    return watching->printer->format == HEADLESS_STREAM_JSON;
}

/* Text is of the first one alone. */
static bool is_printed_now(const struct watching *watching, const struct watched *watched)
{
    return is_json(watching) || watched == watching->first;
}

/* Makes the printer that of this answer, and prints its first line. */
static void turn_to(struct watching *watching, struct watched *watched, const char *model)
{
    struct printer *printer = watching->printer;
    if (!ulid_equal(&printer->turn.answer, &watched->turn.answer)) {
        struct watched *before = find(watching, &printer->turn.answer);
        if (before) {
            before->seen = printer->seen;
        }
        printer->seen = watched->seen;
        printer->turn = watched->turn;
    }
    if (!watched->started) {
        watched->started = true;
        if (!is_json(watching)) {
            printer->wrote_text = false;
        }
        printer_begun(printer, model);
    }
}

/* What the stream still held back, and the end of the last line. */
static void end_text(struct printer *printer)
{
    struct buf rest = BUF_INIT(BUF_MAX_INTERNAL);
    (void)safe_end(&printer->out_safe, &rest);
    if (printer->wrote_text && printer->last_byte != '\n') {
        buf_append_byte(&rest, '\n');
    }
    if (printer->failure == 0) {
        printer->failure = output_write(STDOUT_FILENO, buf_sv(&rest));
    }
    buf_release(&rest);
    printer->wrote_text = false;
}

static void print_end(struct watching *watching, struct watched *watched)
{
    const struct answer *answer = &watched->answer;
    printer_finish(watching->printer, answer);
    if (is_json(watching)) {
        return;
    }
    end_text(watching->printer);
    bool is_whole = answer->reason == FINISH_END_TURN || answer->reason == FINISH_TOOL_USE;
    if (!is_whole && !watching->printer->quiet) {
        output_remark("%s", answer->detail ? answer->detail : finish_reason_text(answer->reason));
    }
}

static void print_deleted(struct watching *watching, struct watched *watched)
{
    if (is_json(watching)) {
        printer_lost(watching->printer, "deleted", &watched->turn);
    } else if (watched == watching->first && watched->started) {
        end_text(watching->printer);
    }
    drop(watching, watched);
}

/* The one after this; it may be free()d. */
static struct watched *print_one(struct watching *watching, struct watched *watched)
{
    struct watched *next = watched->next;
    struct message *message = NULL;
    struct err err = {0};
    enum err_code code = message_snapshot(watching->store, &watched->turn.answer, &message, &err);
    if (code == ERR_NOT_FOUND || code == ERR_GONE) {
        print_deleted(watching, watched);
        return next;
    }
    if (code) {
        log_write(LOG_WARN, "watch: %s", err.text);
        return next;
    }
    watched->due = false;
    turn_to(watching, watched, message->model ? message->model : "");
    answer_apply_snapshot(&watched->answer, message, watching->printer);
    message_free(message);
    if (watched->answer.ended) {
        print_end(watching, watched);
        drop(watching, watched);
    }
    return next;
}

void watching_print(struct watching *watching)
{
    struct watched *watched = watching->first;
    while (watched && watching->printer->failure == 0) {
        bool was_first = watched == watching->first;
        struct watched *next = watched->next;
        if (watched->due && is_printed_now(watching, watched)) {
            next = print_one(watching, watched);
        }
        if (was_first && !is_json(watching) && next != watching->first) {
            return; /* It goes on: those behind it wait. */
        }
        watched = next;
    }
}

/* ---- news ---- */

static bool is_of_interest(const struct watching *watching, const struct ulid *session)
{
    return !ulid_is_set(&watching->session) || ulid_equal(&watching->session, session);
}

/* An answer that was not known: news unless it had ended before anybody watched. */
static void meet(struct watching *watching, const struct ulid *id)
{
    struct message *message = NULL;
    if (find(watching, id) || has_ended(watching, id) ||
        message_snapshot(watching->store, id, &message, NULL)) {
        return;
    }
    if (message->role == ROLE_ASSISTANT) {
        if (message->ended && message->ended_us < watching->began_us) {
            note_ended(watching, id);
        } else {
            (void)add(watching, message);
        }
    }
    message_free(message);
}

/* Updates about foreign messages name no tools and say little of ends: these are looked up. */
static bool says_all(const struct message_update *update)
{
    for (size_t i = 0; i < update->piece_count; i++) {
        enum part_kind kind = update->pieces[i].kind;
        if (kind != PART_TEXT && kind != PART_REASONING) {
            return false;
        }
    }
    return update->kind == UPDATE_CHANGED && update->revision_before != UINT32_MAX;
}

void watching_apply(struct watching *watching, const struct message_update *update)
{
    if (update->role != ROLE_ASSISTANT || !is_of_interest(watching, &update->session)) {
        return;
    }
    struct watched *watched = find(watching, &update->message);
    if (!watched) {
        if (update->kind != UPDATE_DELETED) {
            meet(watching, &update->message);
        }
    } else if (update->kind == UPDATE_DELETED) {
        print_deleted(watching, watched);
    } else if (watched->due || !watched->started || !says_all(update) ||
               !is_printed_now(watching, watched)) {
        watched->due = true;
    } else {
        turn_to(watching, watched, "");
        watched->due = answer_apply_update(&watched->answer, update, watching->printer);
    }
}

void watching_lost(struct watching *watching, const struct ulid *message)
{
    for (struct watched *watched = watching->first; watched; watched = watched->next) {
        watched->due = true;
    }
    if (ulid_is_set(message)) {
        struct message *lost = NULL;
        if (message_snapshot(watching->store, message, &lost, NULL) == ERR_OK &&
            is_of_interest(watching, &lost->session)) {
            meet(watching, message);
        }
        message_free(lost);
    } else {
        struct err err = {0};
        if (watching_take_running(watching, &err)) {
            log_write(LOG_WARN, "watch: %s", err.text);
        }
    }
}

bool watching_is_due(const struct watching *watching)
{
    for (const struct watched *watched = watching->first; watched; watched = watched->next) {
        if (watched->due && is_printed_now(watching, watched)) {
            return true;
        }
    }
    return false;
}

/* ---- what runs now ---- */

static enum err_code take_running_of(struct watching *watching, const struct ulid *session,
                                     struct err *err)
{
    struct turn turn;
    enum err_code code = turn_find_latest(watching->store, session, true, &turn, err);
    if (!code && ulid_is_set(&turn.answer)) {
        meet(watching, &turn.answer);
    }
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code watching_take_running(struct watching *watching, struct err *err)
{
    if (ulid_is_set(&watching->session)) {
        return take_running_of(watching, &watching->session, err);
    }
    const struct session_filter running = {.state = "running"};
    const struct session_window window = {.limit = SESSIONS_PER_READ};
    struct session_list list = {NULL, 0, false};
    enum err_code code = session_list(watching->store, &running, &window, &list, err);
    for (size_t i = 0; !code && i < list.count; i++) {
        code = take_running_of(watching, &list.sessions[i].id, err);
    }
    session_list_release(&list);
    return code;
}

bool watching_is_idle(struct watching *watching)
{
    return !watching->first && watching_take_running(watching, NULL) == ERR_OK && !watching->first;
}

/* ---- going on behind a cursor ---- */

static bool fits(const struct cursor *cursor, const struct message *message)
{
    bool is_at_start = cursor->part == 0 && cursor->offset == 0;
    return is_at_start || (cursor->part < message->part_count &&
                           cursor->offset <= message->parts[cursor->part].text_n);
}

/* As if everything up to the cursor had been printed by this process. */
static void skip_seen(struct watching *watching, struct watched *watched,
                      const struct cursor *cursor, const struct message *message)
{
    struct answer *answer = &watched->answer;
    size_t seen = message->part_count < (size_t)cursor->part + 1 ? message->part_count
                                                                 : (size_t)cursor->part + 1;
    answer->parts = xcalloc(seen + 1, sizeof *answer->parts);
    for (size_t i = 0; i < seen; i++) {
        const struct message_part *part = &message->parts[i];
        struct answer_part *known = &answer->parts[answer->part_count++];
        bool is_last = i == cursor->part;
        /* The very first place is also that of a line before any part began. */
        *known = (struct answer_part){.known = cursor->part > 0 || cursor->offset > 0,
                                      .kind = part->kind,
                                      .ended = part->ended && !is_last,
                                      .text = BUF_INIT(MESSAGE_MAX_BYTES)};
        size_t length = is_last ? (size_t)cursor->offset : part->text_n;
        (void)buf_append(&known->text, part->text, length);
        if (part->kind == PART_TEXT && length > 0) {
            watching->printer->wrote_text = true;
            watching->printer->text_part = (uint32_t)i;
            watching->printer->last_byte = part->text[length - 1];
        }
    }
    watched->seen = (struct cursor){.part = cursor->part, .offset = cursor->offset};
    watched->started = true;
}

static void resync(struct watching *watching, const struct cursor *cursor)
{
    const struct turn turn = {.session = cursor->session, .answer = cursor->message};
    if (is_json(watching)) {
        printer_lost(watching->printer, "resync", &turn);
    } else if (!watching->printer->quiet) {
        output_remark("resync: what the cursor names is not stored as it was seen");
    }
}

/* Those after the cursor's, all that have come since. */
static enum err_code take_later(struct watching *watching, struct history_query *query,
                                struct err *err)
{
    struct history_page page = {0};
    enum err_code code = ERR_OK;
    do {
        code = history_page(watching->store, query, &page, err);
        for (size_t i = 0; !code && i < page.count; i++) {
            bool is_answer = page.messages[i]->role == ROLE_ASSISTANT;
            if (is_answer && !find(watching, &page.messages[i]->id)) {
                (void)add(watching, page.messages[i]);
            }
        }
        query->start = HISTORY_MESSAGE;
        query->message = page.next;
        history_page_release(&page);
        watching_print(watching);
    } while (!code && ulid_is_set(&query->message) && watching->printer->failure == 0);
    return code;
}

enum err_code watching_resume(struct watching *watching, const struct cursor *cursor,
                              struct err *err)
{
    struct history_query query = {
        .session = cursor->session, .start = HISTORY_EDGE, .newer = true, .limit = PAGE};
    struct message *message = NULL;
    bool names_message = ulid_is_set(&cursor->message);
    bool is_there = names_message &&
                    message_snapshot(watching->store, &cursor->message, &message, NULL) == ERR_OK;
    bool is_seen_whole = is_there && cursor->part == CURSOR_END && message->ended;
    if (is_seen_whole) {
        note_ended(watching, &cursor->message);
    } else if (is_there && fits(cursor, message)) {
        skip_seen(watching, add(watching, message), cursor, message);
    } else if (names_message) {
        resync(watching, cursor);
    }
    if (is_there && !is_seen_whole && !find(watching, &cursor->message)) {
        (void)add(watching, message);
    }
    message_free(message);
    if (names_message) {
        query.start = HISTORY_MESSAGE;
        query.message = cursor->message;
    }
    enum err_code code = take_later(watching, &query, err);
    /* It may stand on another branch, or be gone for good: then what runs is all that follows. */
    return code == ERR_NOT_FOUND && names_message ? ERR_OK : code;
}
