/*
 * Review on the screen: what is shown is read when it is opened and after each change, as blocks of
 * text that a width can be given to.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/history.h"
#include "store/label.h"
#include "store/note.h"
#include "store/review.h"
#include "store/verdict.h"
#include "ui/ui_review_internal.h"

#define QUEUE_MAX 500
#define PAGE 100
#define MESSAGES_MAX 2000

void review__drop_compared(struct review *review)
{
    columns_release(&review->columns);
    word_diff_release(&review->diff);
    free(review->texts[0]);
    free(review->texts[1]);
    review->texts[0] = review->texts[1] = NULL;
}

void review__drop_session(struct review *review)
{
    review__drop_compared(review);
    for (size_t i = 0; i < review->block_count; i++) {
        free(review->blocks[i].text);
    }
    free(review->blocks);
    free(review->items);
    session_release(&review->session);
    review->blocks = NULL;
    review->items = NULL;
    review->block_count = review->item_count = review->newest = 0;
    review->width = 0;
}

void review__load_queue(struct ui *ui)
{
    struct review *review = ui->review;
    struct err err;
    const struct review_query query = {.of_one_origin = review->origin != SESSION_ORIGIN_COUNT,
                                       .origin = review->origin,
                                       .limit = QUEUE_MAX};
    session_list_release(&review->queue);
    if (review_queue(ui->options->store, &query, &review->queue, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
    }
    size_t last = review->queue.count ? review->queue.count - 1 : 0;
    review->chosen = review->chosen < last ? review->chosen : last;
    review->mode = MODE_QUEUE;
}

/* Takes the text. */
static void add_block(struct review *review, enum style style, int indent, char *text)
{
    review->blocks = xgrow(review->blocks, review->block_count, sizeof(*review->blocks));
    review->blocks[review->block_count++] = (struct review_block){
        .item = review->item_count - 1, .style = style, .indent = indent, .text = text};
}

static void add_item(struct review *review, const struct ulid *message, int64_t seq)
{
    review->items = xrealloc(review->items, (review->item_count + 1) * sizeof(*review->items));
    review->items[review->item_count++] = (struct review_item){*message, seq};
}

static void append_verdict(struct buf *out, const struct verdict *verdict)
{
    if (verdict) {
        buf_append_str(out, "  [");
        if (verdict->rating) {
            buf_appendf(out, "%d/%d%s", verdict->rating, VERDICT_RATING_MAX,
                        verdict->word ? " " : "");
        }
        buf_append_str(out, verdict->word);
        buf_append_byte(out, ']');
    }
}

static void append_figures(struct buf *out, const struct message *message)
{
    struct buf figures = BUF_INIT(BUF_MAX_INTERNAL);
    if (message->role != ROLE_ASSISTANT) {
        return;
    }
    if (message->ended_us > message->created_us) {
        buf_appendf(&figures, ", %.1f s", (double)(message->ended_us - message->created_us) / 1e6);
    }
    if (message->usage.output_tokens >= 0) {
        buf_appendf(&figures, ", %lld tokens", (long long)message->usage.output_tokens);
    }
    if (message->usage.cost_micros > 0) {
        buf_appendf(&figures, ", %s$%.4f", message->usage.cost_estimated ? "~" : "",
                    (double)message->usage.cost_micros / 1e6);
    }
    if (message->reason != FINISH_END_TURN) {
        buf_appendf(&figures, ", %s",
                    message->ended ? finish_reason_said(message->reason) : "still running");
    }
    if (figures.n > 0) {
        buf_append_str(out, "  ");
        buf_append_sv(out, sv_skip(buf_sv(&figures), strlen(", ")));
    }
    buf_release(&figures);
}

static char *note_text(const struct message *message, const struct note *note)
{
    const struct note_place *place = &note->place;
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    if (place->part >= 0 && (size_t)place->part < message->part_count &&
        place->last <= message->parts[place->part].text_n && place->first < place->last) {
        buf_append_byte(&out, '"');
        buf_append(&out, message->parts[place->part].text + place->first,
                   place->last - place->first);
        buf_append_str(&out, "\": ");
    }
    buf_append_str(&out, note->text);
    return buf_detach(&out);
}

static void add_message(struct review *review, const struct message *message,
                        const struct verdict_list *verdicts, const struct note_list *notes)
{
    struct buf head = BUF_INIT(BUF_MAX_INTERNAL);
    add_item(review, &message->id, message->seq);
    review->newest = message->role == ROLE_ASSISTANT ? review->item_count - 1 : review->newest;
    buf_appendf(&head, "#%lld %s%s%s", (long long)message->seq, role_text(message->role),
                message->model ? " " : "", message->model ? message->model : "");
    append_figures(&head, message);
    append_verdict(&head, verdict_of(verdicts, &message->id));
    add_block(review, message->role == ROLE_USER ? STYLE_USER : STYLE_MODEL, 0, buf_detach(&head));
    add_block(review, STYLE_PLAIN, 2, message_text(message, PART_TEXT));
    for (size_t i = 0; i < notes->count; i++) {
        if (ulid_equal(&notes->notes[i].place.message, &message->id)) {
            add_block(review, STYLE_NOTICE, 4, note_text(message, &notes->notes[i]));
        }
    }
    add_block(review, STYLE_PLAIN, 0, xstrdup(""));
}

static void add_whole(struct review *review, const struct verdict_list *verdicts,
                      const struct label_list *labels)
{
    struct buf head = BUF_INIT(BUF_MAX_INTERNAL);
    const struct ulid none = {""};
    add_item(review, &none, 0);
    buf_appendf(&head, "%s  %s", review->session.handle, session_title_said(review->session.title));
    append_verdict(&head, verdict_of(verdicts, &none));
    for (size_t i = 0; i < labels->count; i++) {
        buf_appendf(&head, "%s%s", i ? ", " : "  labels: ", labels->labels[i].name);
    }
    add_block(review, STYLE_STRONG, 0, buf_detach(&head));
    add_block(review, STYLE_PLAIN, 0, xstrdup(""));
}

static enum err_code add_messages(struct ui *ui, const struct verdict_list *verdicts,
                                  const struct note_list *notes, struct err *err)
{
    struct review *review = ui->review;
    int64_t after = -1;
    bool more = true;
    while (more && review->item_count < MESSAGES_MAX) {
        struct history_page page = {.messages = NULL};
        enum err_code code =
            history_after(ui->options->store, &review->session.id, after, PAGE, &page, err);
        if (code) {
            return code;
        }
        for (size_t i = 0; i < page.count; i++) {
            add_message(review, page.messages[i], verdicts, notes);
            after = page.messages[i]->seq;
        }
        more = page.more && page.count > 0;
        history_page_release(&page);
    }
    if (more) {
        add_block(review, STYLE_STATE, 0, xstrdup("there are more messages"));
    }
    return ERR_OK;
}

static enum err_code read_session(struct ui *ui, const struct ulid *id, struct err *err)
{
    struct review *review = ui->review;
    struct store *store = ui->options->store;
    struct verdict_list verdicts = {NULL, 0};
    struct note_list notes = {NULL, 0};
    struct label_list labels = {NULL, 0};
    enum err_code code = session_get(store, id, &review->session, err);
    code = code ? code : verdict_list(store, id, &verdicts, err);
    code = code ? code : note_list_of_session(store, id, &notes, err);
    code = code ? code : label_list(store, id, &labels, err);
    if (code == ERR_OK) {
        add_whole(review, &verdicts, &labels);
        code = add_messages(ui, &verdicts, &notes, err);
    }
    verdict_list_release(&verdicts);
    note_list_release(&notes);
    label_list_release(&labels);
    return code;
}

void review__load_session(struct ui *ui, struct ulid id)
{
    struct review *review = ui->review;
    struct err err;
    review__drop_session(review);
    if (read_session(ui, &id, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
        review__drop_session(review);
        review__load_queue(ui);
        return;
    }
    review->mode = MODE_SESSION;
    review->item = review->item < review->item_count ? review->item : review->item_count - 1;
}
