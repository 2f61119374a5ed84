/* The conversation as lines of plain text, as it comes. */
#include "ui/transcript_internal.h"

#define HEAD_MAX ((size_t)1 << 10)

void transcript_read_from_end(const struct transcript *transcript, size_t messages,
                              struct transcript_reading *ret_reading)
{
    size_t count = transcript->count;
    size_t from = count > messages ? count - messages : 0;
    int64_t seq = from < count ? transcript->messages[from]->seq - 1
                  : count      ? transcript->messages[count - 1]->seq
                               : 0;
    *ret_reading = (struct transcript_reading){.seq = seq, .prompts = messages > 0};
}

static void end_line(struct transcript_reading *at, struct buf *out)
{
    if (!at->line_is_new) {
        buf_append_byte(out, '\n');
        at->line_is_new = true;
    }
}

static void append_text(struct transcript_reading *at, struct sv text, struct buf *out)
{
    if (text.n) {
        buf_append_sv(out, text);
        at->line_is_new = text.p[text.n - 1] == '\n';
    }
}

static void append_line(struct transcript_reading *at, struct sv text, struct buf *out)
{
    end_line(at, out);
    append_text(at, text, out);
    end_line(at, out);
}

/* Parts that are one line until they are asked for are that line, once. */
static void read_part(const struct shown_message *message, const struct shown_part *part,
                      struct transcript_reading *at, struct buf *out)
{
    bool folds = part->kind != PART_TEXT && part->kind != PART_STATUS;
    if (text__is_hidden(part) || (folds && at->offset > 0)) {
        return;
    }
    if (folds) {
        struct buf line = BUF_INIT(HEAD_MAX);
        bool done = part->ended || message->ended;
        if (done) {
            text__folded(part, false, &line);
            append_line(at, sv_skip(buf_sv(&line), sv_find(buf_sv(&line), ' ') + 1), out);
            at->offset = 1;
        }
        buf_release(&line);
        return;
    }
    struct sv text = buf_sv(&part->text);
    append_text(at, sv_skip(text, at->offset), out);
    at->offset = text.n;
}

static void read_parts(const struct shown_message *message, struct transcript_reading *at,
                       struct buf *out)
{
    while (at->part < message->part_count) {
        const struct shown_part *part = &message->parts[at->part];
        read_part(message, part, at, out);
        bool goes_on = !part->ended && !message->ended && at->part + 1 == message->part_count;
        if (goes_on) {
            return;
        }
        if (part->kind == PART_TEXT && part->text.n) {
            end_line(at, out);
        }
        at->part++;
        at->offset = 0;
    }
}

static void read_head(const struct shown_message *message, struct transcript_reading *at,
                      struct buf *out)
{
    struct buf head = BUF_INIT(HEAD_MAX);
    text__head(message, &head);
    buf_append_byte(&head, ':');
    append_line(at, buf_sv(&head), out);
    buf_release(&head);
}

/* What of it has come. True: all. */
static bool read_message(const struct shown_message *message, struct transcript_reading *at,
                         struct buf *out)
{
    bool silent = message->role != ROLE_ASSISTANT && !at->prompts;
    if (!silent && !at->headed) {
        read_head(message, at, out);
        at->headed = true;
    }
    if (!silent) {
        read_parts(message, at, out);
    }
    if (!message->ended) {
        return false;
    }
    if (!silent && message->state.n) {
        append_line(at, buf_sv(&message->state), out);
    }
    return true;
}

bool transcript_read(const struct transcript *transcript, struct transcript_reading *at,
                     struct buf *out)
{
    bool ended = false;
    for (size_t i = 0; i < transcript->count; i++) {
        const struct shown_message *message = transcript->messages[i];
        if (message->seq <= at->seq) {
            continue;
        }
        if (!read_message(message, at, out)) {
            break;
        }
        ended = ended || message->role == ROLE_ASSISTANT;
        *at = (struct transcript_reading){
            .seq = message->seq, .prompts = at->prompts, .line_is_new = at->line_is_new};
    }
    return ended;
}
