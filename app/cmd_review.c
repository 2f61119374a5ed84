/*
 * weir review: what waits to be judged, a session with what was noted on it, notes and verdicts,
 * answers side by side, models in figures.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/day.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/records.h"
#include "app/review_print.h"
#include "base/word_diff.h"
#include "store/label.h"
#include "store/message_service.h"

#define LIST_DEFAULT 50
#define LIST_MOST 100000

static const struct option_spec options[] = {
    {"json", 0, OPTION_FLAG, NULL, "one JSON document"},
    {"limit", 'l', OPTION_NUMBER, "N", "list at most N sessions (50)"},
    {"from", 0, OPTION_TEXT, "ORIGIN", "only what came from a chat, a run, or an import"},
    {"summary", 0, OPTION_FLAG, NULL, "figures by model, of all sessions or of SESSION"},
    {"since", 0, OPTION_TEXT, "DAY", "summary: from that local day on: 2026-11-21, today, or 7d"},
    {"until", 0, OPTION_TEXT, "DAY", "summary: up to and with that local day"},
    {"timeline", 0, OPTION_FLAG, NULL, "when each message came, how long it took, what it cost"},
    {"compare", 0, OPTION_FLAG, NULL, "two answers, named behind SESSION, word by word"},
    {"rate", 0, OPTION_NUMBER, "N", "rating from 1 to 5; 0 takes it away"},
    {"verdict", 0, OPTION_TEXT, "WORD", "good, bad or another word; '' takes it away"},
    {"on", 0, OPTION_TEXT, "MESSAGE", "rate, verdict, note: on that message, by number or id"},
    {"label", 0, OPTION_LIST, "LABEL", "label the session"},
    {"note", 0, OPTION_TEXT, "TEXT", "a note on the message; with --edit: the new text"},
    {"span", 0, OPTION_TEXT, "A-B", "note: on these bytes of its text, or on these words"},
    {"part", 0, OPTION_NUMBER, "N", "note: of that part, from 0 (its first text)"},
    {"edit", 0, OPTION_TEXT, "NOTE", "another text for the note of this id"},
    {"remove", 0, OPTION_TEXT, "NOTE", "take the note of this id away"},
    {.name = NULL},
};

struct act {
    struct store *store;
    const struct arguments *arguments;
    bool json;
    struct session_list found; /* the session that is named, as a list of one; or none */
    struct buf out;
};

static const char *text(const struct act *act, const char *option)
{
    return argument_text(act->arguments, option);
}

static bool changes(const struct arguments *arguments)
{
    static const char *const names[] = {"rate", "verdict", "label", "note", "edit", "remove"};
    bool any = false;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        any = any || argument_flag(arguments, names[i]);
    }
    return any;
}

static enum err_code find_message(struct act *act, const char *what, struct ulid *ret_message,
                                  struct err *err)
{
    const struct session *session = act->found.count ? act->found.sessions : NULL;
    return named_message(act->store, session ? &session->id : NULL, what, ret_message, err);
}

/* ---- notes ---- */

/* "3-10" is bytes [3, 10). */
static bool to_range(struct sv span, size_t *ret_first, size_t *ret_last)
{
    uint64_t first = 0;
    uint64_t last = 0;
    size_t dash = sv_find(span, '-');
    if (dash == span.n || !sv_to_u64(sv_take(span, dash), &first) ||
        !sv_to_u64(sv_skip(span, dash + 1), &last)) {
        return false;
    }
    *ret_first = (size_t)first;
    *ret_last = (size_t)last;
    return true;
}

static int first_text(const struct message *message)
{
    for (size_t i = 0; i < message->part_count; i++) {
        if (message->parts[i].kind == PART_TEXT) {
            return (int)i;
        }
    }
    return 0;
}

static enum err_code read_span(const struct act *act, const struct message *message,
                               struct note_place *place, struct err *err)
{
    struct sv span = sv_from(text(act, "span"));
    const char *number = text(act, "part");
    place->part = number ? (int)strtod(number, NULL) : first_text(message);
    if (place->part < 0 || (size_t)place->part >= message->part_count) {
        return err_set(err, ERR_NOT_FOUND, "the message has no part %d", place->part);
    }
    struct sv whole = sv_of(message->parts[place->part].text, message->parts[place->part].text_n);
    place->first = 0;
    place->last = whole.n;
    if (span.n > 0 && !to_range(span, &place->first, &place->last)) {
        place->first = sv_find_sv(whole, span);
        place->last = place->first + span.n;
        return place->last <= whole.n
                   ? ERR_OK
                   : err_set(err, ERR_NOT_FOUND, "the words of --span are not in the message");
    }
    return ERR_OK;
}

static enum err_code find_place(struct act *act, struct note_place *place, struct err *err)
{
    struct message *message = NULL;
    const char *on = text(act, "on");
    *place = (struct note_place){.part = NOTE_WHOLE};
    if (!on) {
        return err_set(err, ERR_USAGE, "--note needs --on MESSAGE, or --edit NOTE");
    }
    enum err_code code = find_message(act, on, &place->message, err);
    if (code || (!text(act, "span") && !text(act, "part"))) {
        return code;
    }
    code = message_snapshot(act->store, &place->message, &message, err);
    if (code == ERR_OK) {
        code = read_span(act, message, place, err);
        message_free(message);
    }
    return code;
}

static enum err_code tell_note(struct act *act, const struct ulid *id, struct err *err)
{
    struct note note = {.text = NULL};
    if (!act->json) {
        buf_appendf(&act->out, "%s\n", id->text);
        return ERR_OK;
    }
    enum err_code code = note_find(act->store, sv_from(id->text), &note, err);
    if (code == ERR_OK) {
        review_print_note(&act->out, &note);
        buf_append_byte(&act->out, '\n');
        note_release(&note);
    }
    return code;
}

static enum err_code edit_note(struct act *act, const char *what, struct err *err)
{
    struct note note = {.text = NULL};
    const char *words = text(act, "note");
    enum err_code code = note_find(act->store, sv_from(what), &note, err);
    if (code) {
        return code;
    }
    if (text(act, "remove")) {
        code = note_remove(act->store, &note.id, err);
    } else {
        code = words ? note_edit(act->store, &note.id, sv_from(words), err)
                     : err_set(err, ERR_USAGE, "--edit needs --note TEXT");
        code = code ? code : tell_note(act, &note.id, err);
    }
    note_release(&note);
    return code;
}

static enum err_code add_note(struct act *act, struct err *err)
{
    struct note_place place;
    struct ulid id;
    enum err_code code = find_place(act, &place, err);
    code = code ? code : note_add(act->store, &place, sv_from(text(act, "note")), &id, err);
    return code ? code : tell_note(act, &id, err);
}

static enum err_code change_notes(struct act *act, struct err *err)
{
    const char *remove = text(act, "remove");
    const char *edit = text(act, "edit");
    if (remove && (edit || text(act, "note"))) {
        return err_set(err, ERR_USAGE, "--remove goes with neither --edit nor --note");
    }
    if (remove || edit) {
        return edit_note(act, remove ? remove : edit, err);
    }
    return text(act, "note") ? add_note(act, err) : ERR_OK;
}

/* ---- verdicts and labels ---- */

static enum err_code tell_verdict(struct act *act, const struct verdict_change *change,
                                  struct err *err)
{
    struct verdict_list list = {NULL, 0};
    if (!act->json || !act->found.count) {
        return ERR_OK;
    }
    enum err_code code = verdict_list(act->store, &act->found.sessions[0].id, &list, err);
    if (code == ERR_OK) {
        review_print_verdict(&act->out, verdict_of(&list, &change->message));
        buf_append_byte(&act->out, '\n');
        verdict_list_release(&list);
    }
    return code;
}

static enum err_code change_verdict(struct act *act, struct err *err)
{
    const char *rating = text(act, "rate");
    const char *word = text(act, "verdict");
    struct verdict_change change = {
        .sets_rating = rating != NULL, .sets_word = word != NULL, .word = sv_from(word)};
    if (!rating && !word) {
        return ERR_OK;
    }
    double value = rating ? strtod(rating, NULL) : 0;
    change.rating = value >= 0 && value <= VERDICT_RATING_MAX ? (int)value : -1;
    if (value != (double)change.rating) {
        change.rating = -1;
    }
    enum err_code code = ERR_OK;
    if (text(act, "on")) {
        code = find_message(act, text(act, "on"), &change.message, err);
    } else if (act->found.count) {
        change.session = act->found.sessions[0].id;
    } else {
        code = err_set(err, ERR_USAGE, "a verdict needs a SESSION, or --on MESSAGE");
    }
    code = code ? code : verdict_set(act->store, &change, err);
    return code ? code : tell_verdict(act, &change, err);
}

static enum err_code change_labels(struct act *act, struct err *err)
{
    size_t at = 0;
    enum err_code code = ERR_OK;
    for (const char *name; !code && (name = argument_next(act->arguments, "label", &at));) {
        struct sv label = sv_from(name);
        const struct label_change change = {.add = &label, .add_count = 1};
        code = act->found.count ? label_update(act->store, &act->found.sessions[0].id, &change, err)
                                : err_set(err, ERR_USAGE, "--label needs a SESSION");
    }
    return code;
}

/* ---- what is shown ---- */

static enum err_code show_queue(struct act *act, struct err *err)
{
    struct session_list list = {NULL, 0, false};
    const char *limit = text(act, "limit");
    const char *from = text(act, "from");
    double count = limit ? strtod(limit, NULL) : LIST_DEFAULT;
    const struct review_query query = {.of_one_origin = from != NULL,
                                       .origin = session_origin_parse(sv_from(from)),
                                       .limit = count < LIST_MOST ? (size_t)count : LIST_MOST};
    enum err_code code = review_queue(act->store, &query, &list, err);
    if (code == ERR_OK) {
        review_print_queue(&act->out, &list, act->json);
        if (list.more && !act->json) {
            output_remark("there are more: --limit N");
        }
    }
    session_list_release(&list);
    return code;
}

static enum err_code show_summary(struct act *act, struct err *err)
{
    struct review_summary summary = {NULL, 0};
    int64_t since_us = 0;
    int64_t until_us = 0;
    const struct ulid *session = act->found.count ? &act->found.sessions[0].id : NULL;
    enum err_code code = day_range(act->arguments, &since_us, &until_us, err);
    code = code ? code : review_summary(act->store, session, since_us, until_us, &summary, err);
    if (code == ERR_OK) {
        review_print_summary(&act->out, &summary, act->json);
        review_summary_release(&summary);
    }
    return code;
}

/* The messages are the last two operands. */
static enum err_code read_compared(struct act *act, struct message *ret_messages[2],
                                   struct err *err)
{
    const char *const *names = act->arguments->rest + act->arguments->rest_count - 2;
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < 2; i++) {
        struct ulid id;
        code = find_message(act, names[i], &id, err);
        code = code ? code : message_snapshot(act->store, &id, &ret_messages[i], err);
    }
    return code;
}

static void print_compared(struct act *act, const struct message *const messages[2])
{
    char *texts[2];
    for (size_t i = 0; i < 2; i++) {
        texts[i] = message_text(messages[i], PART_TEXT);
    }
    struct word_diff diff = word_diff_make(sv_from(texts[0]), sv_from(texts[1]));
    if (act->json) {
        buf_append_byte(&act->out, '{');
        record_id(&act->out, "left", &messages[0]->id);
        record_id(&act->out, "right", &messages[1]->id);
        record_int(&act->out, "same", (int64_t)diff.same);
        record_int(&act->out, "removed", (int64_t)diff.removed);
        record_int(&act->out, "added", (int64_t)diff.added);
        record_key(&act->out, "runs");
        review_print_diff_record(&act->out, &diff);
        buf_append_str(&act->out, "}\n");
    } else {
        review_print_diff(&act->out, &diff);
    }
    word_diff_release(&diff);
    free(texts[0]);
    free(texts[1]);
}

static enum err_code show_compared(struct act *act, struct err *err)
{
    struct message *messages[2] = {NULL, NULL};
    enum err_code code = read_compared(act, messages, err);
    if (code == ERR_OK) {
        print_compared(act, (const struct message *const *)messages);
    }
    message_free(messages[0]);
    message_free(messages[1]);
    return code;
}

static enum err_code show(struct act *act, struct err *err)
{
    if (argument_flag(act->arguments, "compare")) {
        return show_compared(act, err);
    }
    if (argument_flag(act->arguments, "summary")) {
        return show_summary(act, err);
    }
    if (!act->found.count) {
        return show_queue(act, err);
    }
    bool timeline = argument_flag(act->arguments, "timeline");
    return review_print_session(act->store, &act->found.sessions[0],
                                act->json  ? REVIEW_JSON
                                : timeline ? REVIEW_TIMELINE
                                           : REVIEW_TEXT,
                                &act->out, err);
}

/* ---- the command ---- */

static enum err_code check_origin(const struct arguments *arguments, struct err *err)
{
    const char *from = argument_text(arguments, "from");
    if (from && session_origin_parse(sv_from(from)) == SESSION_ORIGIN_COUNT) {
        return err_set(err, ERR_USAGE, "--from takes chat, run or import, not '%.40s'", from);
    }
    return ERR_OK;
}

static enum err_code check(const struct arguments *arguments, struct err *err)
{
    bool compares = argument_flag(arguments, "compare");
    bool one =
        compares || argument_flag(arguments, "summary") || argument_flag(arguments, "timeline");
    if (compares && arguments->rest_count != 2 && arguments->rest_count != 3) {
        return err_set(err, ERR_USAGE, "--compare needs two messages, behind SESSION or not");
    }
    if (!compares && arguments->rest_count > 1) {
        return err_set(err, ERR_USAGE, "expected one SESSION at most");
    }
    if (one && changes(arguments)) {
        return err_set(err, ERR_USAGE, "--summary, --timeline and --compare only read");
    }
    if (argument_flag(arguments, "timeline") && arguments->rest_count == 0) {
        return err_set(err, ERR_USAGE, "--timeline needs a SESSION");
    }
    if (argument_flag(arguments, "from") && (one || arguments->rest_count > 0)) {
        return err_set(err, ERR_USAGE, "--from is for the list of what waits");
    }
    return check_origin(arguments, err);
}

static enum err_code act_all(struct act *act, struct err *err)
{
    enum err_code code = ERR_OK;
    bool compares = argument_flag(act->arguments, "compare");
    if (act->arguments->rest_count == (compares ? 3 : 1)) {
        code = named_session(act->store, act->arguments->rest[0], &act->found, err);
    }
    if (code || !changes(act->arguments)) {
        return code ? code : show(act, err);
    }
    code = change_notes(act, err);
    code = code ? code : change_verdict(act, err);
    return code ? code : change_labels(act, err);
}

/* Nothing but the list is asked for, by somebody who sits at a terminal. */
static bool wants_screen(const struct arguments *arguments)
{
    bool any = arguments->rest_count > 0;
    for (size_t i = 0; options[i].name; i++) {
        any = any || (arguments->values[i] && strcmp(options[i].name, "from") != 0);
    }
    return !any && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !output_terminal_is_dumb();
}

static int open_screen(const struct global_options *global, const char *from)
{
    struct arguments own = {.specs = command_chat.options};
    for (size_t i = 0; own.specs[i].name; i++) {
        bool is_review = strcmp(own.specs[i].name, "review") == 0;
        own.values[i] = !is_review ? NULL : from ? from : "";
    }
    return command_chat.run(global, &own);
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct reading reading;
    struct err err = {0};
    enum err_code code = check(arguments, &err);
    if (code == ERR_OK && wants_screen(arguments)) {
        return open_screen(global, argument_text(arguments, "from"));
    }
    if (code == ERR_OK) {
        code = changes(arguments) ? writing_open(global, &reading, &err)
                                  : reading_open(global, &reading, &err);
    }
    if (code) {
        return command_fail(&err);
    }
    struct act act = {.store = reading.store,
                      .arguments = arguments,
                      .json = argument_flag(arguments, "json"),
                      .out = BUF_INIT(BUF_MAX_INTERNAL)};
    code = act_all(&act, &err);
    int printed = !code && act.out.n ? output_result(buf_sv(&act.out)) : 0;
    session_list_release(&act.found);
    buf_release(&act.out);
    reading_close(&reading);
    return code ? command_fail(&err) : printed;
}

const struct command command_review = {
    .name = "review",
    .operands = "[SESSION] [MESSAGE MESSAGE]",
    .summary = "judge what was said: notes, ratings, verdicts, figures by model",
    .details =
        "Without SESSION: the sessions that have no verdict since they were last active, newest\n"
        "first; on a terminal as a screen, where they are judged. They are told apart by what\n"
        "began them: a chat, a run ('weir run'), or an import of another program's file. With\n"
        "SESSION: its messages with their notes, or what the options change in it.\n"
        "A message is named by the number it is shown with, or by its id.\n"
        "\n"
        "  weir review --from run\n"
        "  weir review ax0p --verdict good --rate 4 --label checked\n"
        "  weir review ax0p --on 4 --note 'not true' --span 'always'\n"
        "  weir review --summary --since 7d\n"
        "  weir review --compare 01JD3K... 01JD3M...\n"
        "\n"
        "Changes are undone by 'weir session undo SESSION'.\n",
    .options = options,
    .run = run,
};
