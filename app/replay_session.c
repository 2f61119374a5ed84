/* A stored session as a recording. */
#include "app/replay_session.h"

#include <stdlib.h>

#include "app/pages.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include "store/message.h"

/* Bytes; a long text has no more pieces than this. */
#define PIECE 12
#define PIECES_MOST 5000

struct writing {
    struct buf out;
    char *prompt; /* the last one, or NULL */
    size_t answers;
};

static const struct stream_event nothing = {.usage = {USAGE_UNKNOWN, USAGE_UNKNOWN, USAGE_UNKNOWN,
                                                      USAGE_UNKNOWN, USAGE_UNKNOWN, USAGE_UNKNOWN,
                                                      false}};

/* The time of something in the answer, which a clock that was set back must not make negative. */
static int64_t since(const struct message *message, int64_t wall_us)
{
    return wall_us > message->created_us ? wall_us - message->created_us : 0;
}

/* wide: a text and its span of time. */
static void append_pieces(struct buf *out, struct stream_event event, struct sv text,
                          int64_t began_us, int64_t ended_us)
{
    size_t size = text.n / PIECES_MOST > PIECE ? text.n / PIECES_MOST : PIECE;
    int64_t span = ended_us > began_us ? ended_us - began_us : 0;
    for (size_t at = 0; at < text.n; at += event.text.n) {
        struct sv rest = sv_skip(text, at);
        size_t cut = utf8_cut(rest.p, rest.n, size);
        event.text = sv_take(rest, cut > 0 ? cut : rest.n);
        double share = (double)(at + event.text.n) / (double)text.n;
        recording_append_event(out, began_us + (int64_t)((double)span * share), &event);
    }
}

/* The events that open a part and that end it, as far as its kind has any. */
static const struct {
    bool opens, ends, streams;
    enum stream_kind open, piece, end;
} kinds[PART_KIND_COUNT] = {
    [PART_TEXT] = {.streams = true, .piece = STREAM_TEXT},
    [PART_REASONING] = {.streams = true,
                        .piece = STREAM_REASONING,
                        .ends = true,
                        .end = STREAM_REASONING_END},
    [PART_TOOL_CALL] = {.opens = true,
                        .open = STREAM_TOOL_CALL,
                        .streams = true,
                        .piece = STREAM_TOOL_INPUT,
                        .ends = true,
                        .end = STREAM_TOOL_CALL_END},
    [PART_TOOL_RESULT] = {.opens = true, .open = STREAM_TOOL_RESULT},
};

static void append_part(struct writing *writing, const struct message *message, uint32_t number)
{
    const struct message_part *part = &message->parts[number];
    int64_t began_us = since(message, part->began_us);
    int64_t ended_us = part->ended_us ? since(message, part->ended_us) : began_us;
    struct sv text = sv_of(part->text, part->text_n);
    struct stream_event event = nothing;
    event.part = number;
    event.id = sv_from(part->tool_id);
    event.name = sv_from(part->tool_name);
    event.text = text;
    event.part_kind = part->kind;
    event.kind = kinds[part->kind].opens ? kinds[part->kind].open : STREAM_PART_OPEN;
    recording_append_event(&writing->out, began_us, &event);
    if (kinds[part->kind].streams) {
        event.kind = kinds[part->kind].piece;
        append_pieces(&writing->out, event, text, began_us, ended_us);
    }
    if (kinds[part->kind].ends && part->ended) {
        event.kind = kinds[part->kind].end;
        recording_append_event(&writing->out, ended_us, &event);
    }
}

static void append_end(struct writing *writing, const struct message *message)
{
    int64_t at_us = since(message, message->ended_us);
    struct stream_event event = nothing;
    if (usage_is_known(&message->usage)) {
        event.kind = STREAM_USAGE;
        event.usage = message->usage;
        recording_append_event(&writing->out, at_us, &event);
    }
    event.kind = message->error ? STREAM_ERROR : STREAM_FINISH;
    event.reason = message->reason;
    event.error = message->error;
    event.text = sv_from(message->detail);
    recording_append_event(&writing->out, at_us, &event);
}

static void append_answer(struct writing *writing, const struct message *message)
{
    const struct recording_head head = {
        .model = sv_from(message->model),
        .session = sv_from(message->session.text),
        .turn = sv_from(message->turn.text),
        .message = sv_from(message->id.text),
        .prompt = sv_from(writing->prompt),
        .at_us = message->created_us,
    };
    recording_append_head(&writing->out, &head);
    for (size_t i = 0; i < message->part_count; i++) {
        append_part(writing, message, (uint32_t)i);
    }
    if (message->ended) {
        append_end(writing, message);
    }
    free(writing->prompt);
    writing->prompt = NULL;
    writing->answers++;
}

static void visit(void *ctx, const struct message *message)
{
    struct writing *writing = ctx;
    if (message->role == ROLE_USER) {
        free(writing->prompt);
        writing->prompt = message_text(message, PART_TEXT);
    } else if (message->role == ROLE_ASSISTANT) {
        append_answer(writing, message);
    }
}

enum err_code replay_session(struct store *store, const struct ulid *session,
                             struct recording **ret_recording, struct err *err)
{
    struct writing writing = {.out = BUF_INIT(RECORDING_MAX)};
    enum err_code code = pages_walk(store, session, visit, &writing, err);
    if (code == ERR_OK && !buf_ok(&writing.out)) {
        code = err_set(err, ERR_TOO_BIG, "the session is too long to be played");
    }
    if (code == ERR_OK && writing.answers == 0) {
        code = err_set(err, ERR_NOT_FOUND, "the session has no answer");
    }
    if (code == ERR_OK) {
        *ret_recording = recording_of_text(session->text, &writing.out);
    }
    buf_release(&writing.out);
    free(writing.prompt);
    return code;
}
