/* What `weir review` prints. */
#include "app/review_print.h"

#include <stdlib.h>
#include <string.h>

#include "app/money.h"
#include "app/pages.h"
#include "app/records.h"
#include "base/clock.h"
#include "base/safe.h"
#include "base/word_diff.h"
#include "store/branch.h"
#include "store/label.h"

#define QUOTE_BYTES 60

/* What stands beside a session's messages while they are walked. */
struct beside {
    struct store *store;
    const struct session *session;
    struct note_list notes;
    struct verdict_list verdicts;
    struct label_list labels;
    enum review_form form;
    struct buf *out;
    bool began; /* a message was printed */
    int64_t cost_micros, began_us;
    enum err_code code;
    struct err *err;
};

/* ---- pieces ---- */

static void append_time(struct buf *out, int64_t wall_us, const char *format)
{
    char text[CLOCK_LOCAL_SIZE];
    clock_format_local(wall_us, format, text);
    buf_append_str(out, text);
}

static void append_seconds(struct buf *out, int64_t us)
{
    if (us < 0) {
        buf_append_byte(out, '-');
    } else {
        buf_appendf(out, us < 100000000 ? "%.2f s" : "%.0f s", (double)us / 1e6);
    }
}

static void append_line(struct buf *out, struct sv text)
{
    (void)safe_append(out, text, SAFE_ONE_LINE);
}

/* "4/5 good" */
static void append_verdict(struct buf *out, const struct verdict *verdict)
{
    if (verdict->rating) {
        buf_appendf(out, "%d/%d%s", verdict->rating, VERDICT_RATING_MAX, verdict->word ? " " : "");
    }
    append_line(out, sv_from(verdict->word));
}

/* No answer takes no time at all: what came from a file that knows one moment of it has no span. */
static int64_t span_us(int64_t from_us, int64_t to_us)
{
    return to_us > from_us ? to_us - from_us : -1;
}

/* From the request to the first content, and to the end; below 0: not known. */
static int64_t first_us(const struct message *message)
{
    return message->part_count > 0 ? span_us(message->created_us, message->parts[0].began_us) : -1;
}

static int64_t duration_us(const struct message *message)
{
    return span_us(message->created_us, message->ended_us);
}

static int64_t to_ms(int64_t us)
{
    return us < 0 ? -1 : us / 1000;
}

/* ---- the queue and the summary ---- */

static void append_waiting(struct buf *out, const struct session *session)
{
    buf_appendf(out, "%-10s ", session->handle);
    append_time(out, session->last_active_us, "%Y-%m-%d %H:%M");
    buf_appendf(out, " %5lld  %-6s  %-11s ", (long long)session->message_count,
                session_origin_text(session->origin), session->state);
    append_line(out, sv_from(session_title_said(session->title)));
    buf_append_byte(out, '\n');
}

void review_print_queue(struct buf *out, const struct session_list *list, bool json)
{
    buf_append_str(out, json ? "[" : "");
    for (size_t i = 0; i < list->count; i++) {
        if (json) {
            buf_append_str(out, i ? ",\n" : "");
            record_session(out, &list->sessions[i]);
        } else {
            append_waiting(out, &list->sessions[i]);
        }
    }
    buf_append_str(out, json ? "]\n" : "");
}

static void append_model_record(struct buf *out, const struct review_model *model)
{
    buf_append_byte(out, '{');
    record_text(out, "model", sv_from(model->name));
    record_int(out, "answers", model->answers);
    record_int(out, "errors", model->errors);
    record_known(out, "first_ms", to_ms(model->first_us));
    record_known(out, "duration_ms", to_ms(model->duration_us));
    record_int(out, "input_tokens", model->input_tokens);
    record_int(out, "output_tokens", model->output_tokens);
    record_int(out, "cost_micros", model->cost_micros);
    record_int(out, "unknown_costs", model->unknown_costs);
    record_int(out, "rated", model->rated);
    record_key(out, "rating");
    if (model->rated) {
        buf_appendf(out, "%.2f", (double)model->rating_sum / (double)model->rated);
    } else {
        buf_append_str(out, "null");
    }
    buf_append_byte(out, '}');
}

/* A cell of its own columns, to the right of them. */
static void append_cell(struct buf *out, struct buf *cell, int columns)
{
    buf_appendf(out, "%*s  ", columns, buf_cstr(cell));
    buf_clear(cell);
}

static void append_model(struct buf *out, const struct review_model *model)
{
    struct buf cell = BUF_INIT(BUF_MAX_INTERNAL);
    buf_appendf(out, "%8lld %7lld  ", (long long)model->answers, (long long)model->errors);
    append_seconds(&cell, model->first_us);
    append_cell(out, &cell, 9);
    append_seconds(&cell, model->duration_us);
    append_cell(out, &cell, 9);
    buf_append_byte(&cell, '$');
    money_append(&cell, model->cost_micros);
    /* What is not known may only add to it. */
    buf_append_str(&cell, model->unknown_costs ? "+" : "");
    append_cell(out, &cell, 12);
    if (model->rated) {
        buf_appendf(&cell, "%.1f (%lld)", (double)model->rating_sum / (double)model->rated,
                    (long long)model->rated);
    }
    append_cell(out, &cell, 9);
    append_line(out, sv_from(model->name[0] ? model->name : "(not known)"));
    buf_append_byte(out, '\n');
    buf_release(&cell);
}

void review_print_summary(struct buf *out, const struct review_summary *summary, bool json)
{
    buf_append_str(out, json ? "["
                             : " answers  errors      first       took          cost     "
                               "rating\n");
    for (size_t i = 0; i < summary->count; i++) {
        if (json) {
            buf_append_str(out, i ? ",\n" : "");
            append_model_record(out, &summary->models[i]);
        } else {
            append_model(out, &summary->models[i]);
        }
    }
    buf_append_str(out, json ? "]\n" : "");
}

/* ---- two texts ---- */

/* White space at its end stands behind the mark. */
static void append_marked(struct buf *out, const char *const marks[2], struct sv text)
{
    size_t n = text.n;
    while (n > 0 && (text.p[n - 1] == ' ' || text.p[n - 1] == '\n' || text.p[n - 1] == '\t')) {
        n--;
    }
    buf_append_str(out, marks[0]);
    buf_append_sv(out, sv_take(text, n));
    buf_append_str(out, marks[1]);
    buf_append_sv(out, sv_skip(text, n));
}

void review_print_diff(struct buf *out, const struct word_diff *diff)
{
    static const char *const marks[][2] = {
        [WORDS_SAME] = {"", ""}, [WORDS_REMOVED] = {"[-", "-]"}, [WORDS_ADDED] = {"{+", "+}"}};
    for (size_t i = 0; i < diff->count; i++) {
        const struct word_run *run = &diff->runs[i];
        append_marked(out, marks[run->change],
                      run->change == WORDS_REMOVED ? run->left : run->right);
    }
    buf_append_str(out, out->n > 0 && out->p[out->n - 1] != '\n' ? "\n" : "");
}

void review_print_diff_record(struct buf *out, const struct word_diff *diff)
{
    static const char *const names[] = {
        [WORDS_SAME] = "same", [WORDS_REMOVED] = "removed", [WORDS_ADDED] = "added"};
    buf_append_byte(out, '[');
    for (size_t i = 0; i < diff->count; i++) {
        buf_append_str(out, i ? ",\n{" : "{");
        record_text(out, "change", sv_from(names[diff->runs[i].change]));
        record_text(out, "left", diff->runs[i].left);
        record_text(out, "right", diff->runs[i].right);
        buf_append_byte(out, '}');
    }
    buf_append_byte(out, ']');
}

/* ---- notes and verdicts as JSON ---- */

void review_print_note(struct buf *out, const struct note *note)
{
    bool whole = note->place.part == NOTE_WHOLE;
    buf_append_byte(out, '{');
    record_id(out, "id", &note->id);
    record_id(out, "message_id", &note->place.message);
    record_known(out, "part", note->place.part);
    record_known(out, "first", whole ? -1 : (int64_t)note->place.first);
    record_known(out, "last", whole ? -1 : (int64_t)note->place.last);
    record_text(out, "text", sv_from(note->text));
    record_time(out, "created_at", note->created_us);
    record_time(out, "changed_at", note->changed_us);
    buf_append_byte(out, '}');
}

void review_print_verdict(struct buf *out, const struct verdict *verdict)
{
    if (!verdict) {
        buf_append_str(out, "null");
        return;
    }
    buf_append_byte(out, '{');
    record_known(out, "rating", verdict->rating ? verdict->rating : -1);
    record_text(out, "verdict", sv_from(verdict->word));
    record_time(out, "decided_at", verdict->decided_us);
    buf_append_byte(out, '}');
}

/* ---- a session: messages with what stands beside them ---- */

static void append_siblings_record(struct buf *out, const struct sibling_list *siblings)
{
    record_key(out, "siblings");
    buf_append_byte(out, '[');
    for (size_t i = 0; i < siblings->count; i++) {
        buf_appendf(out, "%s\"%s\"", i ? "," : "", siblings->siblings[i].message.text);
    }
    buf_append_byte(out, ']');
}

static void append_message_record(struct beside *beside, const struct message *message,
                                  const struct sibling_list *siblings)
{
    struct buf *out = beside->out;
    buf_append_str(out, beside->began ? ",\n" : "");
    record_message(out, message);
    out->n--; /* the brace at the end: some members more */
    record_known(out, "first_ms", to_ms(first_us(message)));
    record_known(out, "duration_ms", to_ms(duration_us(message)));
    append_siblings_record(out, siblings);
    record_key(out, "verdict");
    review_print_verdict(out, verdict_of(&beside->verdicts, &message->id));
    record_key(out, "notes");
    buf_append_byte(out, '[');
    bool began = false;
    for (size_t i = 0; i < beside->notes.count; i++) {
        if (ulid_equal(&beside->notes.notes[i].place.message, &message->id)) {
            buf_append_str(out, began ? "," : "");
            review_print_note(out, &beside->notes.notes[i]);
            began = true;
        }
    }
    buf_append_str(out, "]}");
}

/* What stands before a figure: blanks, then commas. */
static const char *next(const char **before)
{
    const char *now = *before;
    *before = ", ";
    return now;
}

static void append_span(struct buf *out, const char **before, const char *what, int64_t us)
{
    if (us >= 0) {
        buf_appendf(out, "%s%s", next(before), what);
        append_seconds(out, us);
    }
}

static void append_figures(struct buf *out, const struct message *message)
{
    const char *before = "  ";
    if (message->role != ROLE_ASSISTANT) {
        return;
    }
    append_span(out, &before, "first ", first_us(message));
    append_span(out, &before, "took ", duration_us(message));
    if (message->usage.output_tokens >= 0) {
        buf_appendf(out, "%s%lld tokens", next(&before), (long long)message->usage.output_tokens);
    }
    if (message->usage.cost_micros >= 0) {
        buf_appendf(out, "%s%s", next(&before), message->usage.cost_estimated ? "~$" : "$");
        money_append(out, message->usage.cost_micros);
    }
    if (message->ended && message->reason != FINISH_END_TURN) {
        buf_appendf(out, "%s%s", next(&before), finish_reason_said(message->reason));
    }
}

static void append_head(struct beside *beside, const struct message *message,
                        const struct sibling_list *siblings)
{
    struct buf *out = beside->out;
    const struct verdict *verdict = verdict_of(&beside->verdicts, &message->id);
    buf_appendf(out, "#%lld %s", (long long)message->seq, role_text(message->role));
    if (message->model) {
        buf_append_byte(out, ' ');
        append_line(out, sv_from(message->model));
    }
    append_figures(out, message);
    if (verdict) {
        buf_append_str(out, "  [");
        append_verdict(out, verdict);
        buf_append_byte(out, ']');
    }
    buf_appendf(out, "  %s\n", message->id.text);
    for (size_t i = 0; siblings->count > 1 && i < siblings->count; i++) {
        if (i != siblings->at) {
            buf_appendf(out, "   beside it: %s\n", siblings->siblings[i].message.text);
        }
    }
}

static void append_note(struct buf *out, const struct message *message, const struct note *note)
{
    const struct note_place *place = &note->place;
    buf_append_str(out, "  > ");
    if (place->part >= 0 && (size_t)place->part < message->part_count &&
        place->first < place->last && place->last <= message->parts[place->part].text_n) {
        struct sv span =
            sv_of(message->parts[place->part].text + place->first, place->last - place->first);
        buf_append_byte(out, '"');
        append_line(out, sv_take(span, QUOTE_BYTES));
        buf_append_str(out, span.n > QUOTE_BYTES ? "...\": " : "\": ");
    }
    struct sv rest = sv_from(note->text);
    struct sv line;
    for (bool first = true; sv_next_line(&rest, &line); first = false) {
        buf_append_str(out, first ? "" : "    ");
        append_line(out, line);
        buf_append_str(out, first ? "" : "\n");
        if (first) {
            buf_appendf(out, "  (%s)\n", note->id.text);
        }
    }
}

static void append_text(struct beside *beside, const struct message *message,
                        const struct sibling_list *siblings)
{
    struct buf *out = beside->out;
    append_head(beside, message, siblings);
    char *text = message_text(message, PART_TEXT);
    size_t length = strlen(text);
    buf_append_str(out, text);
    buf_append_str(out, length == 0 || text[length - 1] == '\n' ? "" : "\n");
    free(text);
    for (size_t i = 0; i < beside->notes.count; i++) {
        if (ulid_equal(&beside->notes.notes[i].place.message, &message->id)) {
            append_note(out, message, &beside->notes.notes[i]);
        }
    }
    buf_append_byte(out, '\n');
}

static void append_known(struct buf *out, int64_t count)
{
    if (count < 0) {
        buf_append_byte(out, '-');
    } else {
        buf_appendf(out, "%lld", (long long)count);
    }
}

static void append_cost(struct buf *out, const struct usage *usage)
{
    if (usage->cost_micros < 0) {
        buf_append_byte(out, '-');
    } else {
        buf_append_str(out, usage->cost_estimated ? "~" : "");
        money_append(out, usage->cost_micros);
    }
}

/* Of an answer: what it took, who gave it, how it ended. */
static void append_took(struct beside *beside, const struct message *message)
{
    struct buf *out = beside->out;
    struct buf cell = BUF_INIT(BUF_MAX_INTERNAL);
    append_seconds(&cell, first_us(message));
    append_cell(out, &cell, 10);
    append_seconds(&cell, duration_us(message));
    append_cell(out, &cell, 9);
    append_known(&cell, message->usage.output_tokens);
    append_cell(out, &cell, 7);
    beside->cost_micros += message->usage.cost_micros > 0 ? message->usage.cost_micros : 0;
    append_cost(&cell, &message->usage);
    append_cell(out, &cell, 11);
    money_append(&cell, beside->cost_micros);
    append_cell(out, &cell, 11);
    append_line(out, sv_from(message->model));
    buf_appendf(out, " %s", message->ended ? finish_reason_said(message->reason) : "still running");
    buf_release(&cell);
}

static void append_moment(struct beside *beside, const struct message *message)
{
    struct buf *out = beside->out;
    struct buf cell = BUF_INIT(BUF_MAX_INTERNAL);
    const struct verdict *verdict = verdict_of(&beside->verdicts, &message->id);
    if (!beside->began) {
        beside->began_us = message->created_us;
        buf_append_str(out, "   #  time          after       first       took   tokens         cost"
                            "          sum\n");
    }
    buf_appendf(out, "%4lld  ", (long long)message->seq);
    append_time(out, message->created_us, "%H:%M:%S");
    append_seconds(&cell, beside->began ? span_us(beside->began_us, message->created_us) : 0);
    append_cell(out, &cell, 11);
    if (message->role == ROLE_ASSISTANT) {
        append_took(beside, message);
    } else {
        buf_append_str(out, role_text(message->role));
    }
    if (verdict) {
        buf_append_str(out, "  [");
        append_verdict(out, verdict);
        buf_append_byte(out, ']');
    }
    buf_append_byte(out, '\n');
    buf_release(&cell);
}

static void visit(void *ctx, const struct message *message)
{
    struct beside *beside = ctx;
    struct sibling_list siblings = {NULL, 0, 0};
    if (beside->code == ERR_OK && beside->form != REVIEW_TIMELINE) {
        beside->code = branch_siblings(beside->store, &message->id, &siblings, beside->err);
        /* Deleted since the page was read. */
        beside->code = beside->code == ERR_NOT_FOUND ? ERR_OK : beside->code;
    }
    if (beside->code == ERR_OK && beside->form == REVIEW_JSON) {
        append_message_record(beside, message, &siblings);
    } else if (beside->code == ERR_OK && beside->form == REVIEW_TEXT) {
        append_text(beside, message, &siblings);
    } else if (beside->code == ERR_OK) {
        append_moment(beside, message);
    }
    beside->began = true;
    sibling_list_release(&siblings);
}

static void append_labels_record(struct buf *out, const struct label_list *labels)
{
    record_key(out, "labels");
    buf_append_byte(out, '[');
    for (size_t i = 0; i < labels->count; i++) {
        /* As a member of no object: the name alone. */
        struct buf name = BUF_INIT(BUF_MAX_INTERNAL);
        record_text(&name, "", sv_from(labels->labels[i].name));
        buf_append_str(out, i ? "," : "");
        buf_append_sv(out, sv_skip(buf_sv(&name), strlen("\"\":")));
        buf_release(&name);
    }
    buf_append_byte(out, ']');
}

static void begin(struct beside *beside)
{
    struct buf *out = beside->out;
    const struct ulid whole = {""};
    const struct verdict *verdict = verdict_of(&beside->verdicts, &whole);
    if (beside->form == REVIEW_JSON) {
        buf_append_str(out, "{\"session\":");
        record_session(out, beside->session);
        record_key(out, "verdict");
        review_print_verdict(out, verdict);
        append_labels_record(out, &beside->labels);
        record_key(out, "messages");
        buf_append_byte(out, '[');
        return;
    }
    buf_appendf(out, "%s  ", beside->session->handle);
    append_line(out, sv_from(session_title_said(beside->session->title)));
    if (verdict) {
        buf_append_str(out, "  [");
        append_verdict(out, verdict);
        buf_append_byte(out, ']');
    }
    for (size_t i = 0; i < beside->labels.count; i++) {
        buf_append_str(out, i ? ", " : "  labels: ");
        append_line(out, sv_from(beside->labels.labels[i].name));
    }
    buf_append_str(out, "\n\n");
}

static enum err_code read_beside(struct beside *beside, struct err *err)
{
    const struct ulid *session = &beside->session->id;
    enum err_code code = note_list_of_session(beside->store, session, &beside->notes, err);
    code = code ? code : verdict_list(beside->store, session, &beside->verdicts, err);
    return code ? code : label_list(beside->store, session, &beside->labels, err);
}

enum err_code review_print_session(struct store *store, const struct session *session,
                                   enum review_form form, struct buf *out, struct err *err)
{
    struct beside beside = {
        .store = store, .session = session, .form = form, .out = out, .err = err};
    enum err_code code = read_beside(&beside, err);
    if (code == ERR_OK) {
        begin(&beside);
        code = pages_walk(store, &session->id, visit, &beside, err);
    }
    code = code ? code : beside.code;
    buf_append_str(out, form == REVIEW_JSON ? "]}\n" : "");
    note_list_release(&beside.notes);
    verdict_list_release(&beside.verdicts);
    label_list_release(&beside.labels);
    if (code == ERR_OK && !buf_ok(out)) {
        return err_set(err, ERR_TOO_BIG, "the session is too long to be shown at once");
    }
    return code;
}
