/*
 * Review as lines: the sessions that wait for a verdict are a list; one that was chosen is written,
 * and what is typed then is a word of the table below. A change is about the session as a whole
 * until a message was chosen.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/review.h"
#include "ui/ui_plain_internal.h"
#include "ui/ui_review_internal.h"

#define QUEUE_MAX 500
#define INDENT "    "
/* Of a session that is chosen so many messages are written: the last exchange. */
#define LAST_MESSAGES 2

/* ---- writing ---- */

static void write_block(struct ui *ui, const struct review_block *block)
{
    struct sv rest = sv_from(block->text);
    struct sv line;
    while (sv_next_line(&rest, &line)) {
        struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
        buf_appendf(&text, "%.*s", block->indent, INDENT);
        buf_append_sv(&text, line);
        plain__write(ui, line.n ? buf_sv(&text) : SV(""));
        buf_release(&text);
    }
}

static void write_item(struct ui *ui, size_t item, bool whole)
{
    const struct review *review = ui->review;
    for (size_t i = 0; i < review->block_count; i++) {
        const struct review_block *block = &review->blocks[i];
        bool is_said = block->style == STYLE_PLAIN;
        if (block->item == item && block->text[0] && (whole || !is_said)) {
            write_block(ui, block);
        }
    }
}

static void write_from(struct ui *ui, size_t item)
{
    size_t from = item > 1 ? item : 1;
    write_item(ui, 0, true);
    if (from > 1) {
        char *text = xasprintf("%zu earlier messages, 'show' writes them", from - 1);
        plain__line(ui, text);
        free(text);
    }
    for (size_t i = from; i < ui->review->item_count; i++) {
        write_item(ui, i, true);
    }
}

/* ---- what can be typed ---- */

struct review_word {
    const char *name, *operand;
    bool (*run)(struct ui *ui, struct sv operand); /* false: the operand is not what it takes */
    enum review_typing typing;                     /* where there is no function */
};

/* A note stands on a message: where the session as a whole is judged, on its newest answer. */
static bool run_note(struct ui *ui, struct sv operand)
{
    const struct review *review = ui->review;
    size_t newest = review->newest ? review->newest : review->item_count - 1;
    size_t item = review->item ? review->item : newest;
    if (operand.n == 0) {
        return false;
    }
    if (item == 0) {
        view__line(ui, LINE_INFO, "there is no message to note on");
    } else {
        review__change(ui, TYPE_NOTE, item, operand);
    }
    return true;
}

static bool run_on(struct ui *ui, struct sv operand)
{
    struct review *review = ui->review;
    uint64_t seq;
    if (!sv_to_u64(sv_skip(operand, sv_starts_with(operand, SV("#"))), &seq)) {
        return false;
    }
    for (size_t i = 0; i < review->item_count; i++) {
        if (review->items[i].seq == (int64_t)seq) {
            review->item = i;
            write_item(ui, i, true);
            plain__line(ui, i ? "this message is judged; 'on 0' is the session as a whole"
                              : "the session as a whole is judged");
            return true;
        }
    }
    view__line(ui, LINE_INFO, "there is no message of that number");
    return true;
}

static bool run_show(struct ui *ui, struct sv operand)
{
    (void)operand;
    write_from(ui, 0);
    return true;
}

static bool run_undo(struct ui *ui, struct sv operand)
{
    (void)operand;
    review__undo(ui);
    return true;
}

static void say_words(struct ui *ui);

static void judge(struct ui *ui, const struct ulid *session)
{
    struct review *review = ui->review;
    review__load_session(ui, *session);
    if (review->mode != MODE_SESSION) {
        review__close(ui);
        return;
    }
    review->item = 0;
    write_from(ui, review->item_count > LAST_MESSAGES ? review->item_count - LAST_MESSAGES : 0);
    say_words(ui);
}

/* The one behind it in the queue, which it has left once it has a verdict. */
static bool run_next(struct ui *ui, struct sv operand)
{
    struct review *review = ui->review;
    struct ulid now = review->session.id;
    size_t at = review->chosen;
    (void)operand;
    review__load_queue(ui);
    for (size_t i = 0; i < review->queue.count; i++) {
        if (ulid_equal(&review->queue.sessions[i].id, &now)) {
            at = i + 1;
        }
    }
    review->chosen = at;
    if (at < review->queue.count) {
        struct ulid next = review->queue.sessions[at].id;
        judge(ui, &next);
    } else {
        bool done = review->queue.count == 0;
        review__close(ui);
        view__line(ui, LINE_INFO,
                   done ? "everything has a verdict"
                        : "that was the last; '/review' lists what still waits");
    }
    return true;
}

static bool run_open(struct ui *ui, struct sv operand)
{
    struct ulid id = ui->review->session.id;
    (void)operand;
    if (sessions__open(ui, &id)) {
        review__close(ui);
    }
    return true;
}

static const struct review_word words[] = {
    {"note", "TEXT", run_note, TYPE_NOTE},   {"rate", "1 to 5", NULL, TYPE_RATING},
    {"verdict", "WORD", NULL, TYPE_VERDICT}, {"label", "WORD", NULL, TYPE_LABEL},
    {"on", "NUMBER", run_on, TYPE_NOTHING},  {"show", NULL, run_show, TYPE_NOTHING},
    {"undo", NULL, run_undo, TYPE_NOTHING},  {"next", NULL, run_next, TYPE_NOTHING},
    {"open", NULL, run_open, TYPE_NOTHING},
};

static void say_words(struct ui *ui)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        buf_appendf(&text, "%s%s%s%s", i ? ", " : "", words[i].name, words[i].operand ? " " : "",
                    words[i].operand ? words[i].operand : "");
    }
    buf_append_str(&text, "; an empty line goes back to the list");
    plain__line(ui, buf_cstr(&text));
    buf_release(&text);
}

static bool run_word(struct ui *ui, const struct review_word *word, struct sv operand)
{
    if (word->run) {
        return word->run(ui, operand);
    }
    if (operand.n) {
        /* Labels are the session's, whatever is judged. */
        size_t item = word->typing == TYPE_LABEL ? 0 : ui->review->item;
        review__change(ui, word->typing, item, operand);
    }
    return operand.n > 0;
}

static bool run_line(struct ui *ui, struct sv text)
{
    struct sv name = sv_take(text, sv_find(text, ' '));
    struct sv operand = sv_trim(sv_skip(text, name.n));
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (sv_equal_str(name, words[i].name)) {
            return run_word(ui, &words[i], operand);
        }
    }
    return false;
}

void plain__type_in_review(struct ui *ui, struct sv line)
{
    struct sv text = sv_trim(line);
    if (text.n == 0) {
        review__close(ui);
        plain__review(ui);
    } else if (text.p[0] == '/' && commands__knows(ui, text)) {
        review__close(ui);
        plain__submit(ui, text);
    } else if (!run_line(ui, text)) {
        plain__line(ui, "that is nothing to judge by, and nothing was sent");
        say_words(ui);
    }
}

void plain__judged(struct ui *ui, const struct ulid *message)
{
    const struct review *review = ui->review;
    for (size_t i = 0; i < review->item_count; i++) {
        if (ulid_equal(&review->items[i].id, message)) {
            write_item(ui, i, false);
        }
    }
}

/* ---- what waits ---- */

static void load_queue(void *ctx, struct sv filter, struct choices *choices)
{
    struct ui *ui = ctx;
    struct session_list list = {NULL, 0, false};
    struct err err;
    struct review_query query = {.origin = session_origin_parse(sv_from(ui->options->review)),
                                 .limit = QUEUE_MAX};
    (void)filter;
    query.of_one_origin = query.origin != SESSION_ORIGIN_COUNT;
    if (review_queue(ui->options->store, &query, &list, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct session *session = &list.sessions[i];
        struct buf note = BUF_INIT(BUF_MAX_INTERNAL);
        sessions__append_age(session->last_active_us, &note);
        buf_appendf(&note, ", %s, %lld messages, %s", session_origin_text(session->origin),
                    (long long)session->message_count, session->handle);
        choices_add(choices, sv_from(session_title_said(session->title)), buf_cstr(&note),
                    session->id.text);
        buf_release(&note);
    }
    session_list_release(&list);
}

static void choose_session(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    struct ulid session;
    if (!ulid_parse(sv_from(choice->value), &session)) {
        return;
    }
    review__open(ui, false, sv_from(ui->options->review));
    for (size_t i = 0; i < ui->review->queue.count; i++) {
        if (ulid_equal(&ui->review->queue.sessions[i].id, &session)) {
            ui->review->chosen = i;
        }
    }
    judge(ui, &session);
}

static const struct picker_kind picker_of_review = {
    .title = "What waits for a verdict",
    .empty = "everything has a verdict",
    .verb = "judges it",
    .load = load_queue,
    .choose = choose_session,
};

void plain__review(struct ui *ui)
{
    pickers__open(ui, &picker_of_review);
}
