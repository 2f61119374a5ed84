/* The words around an answer: who speaks, what was folded away, how it ended and what to do. */
#include "base/utf8.h"
#include "ui/transcript_internal.h"

#define LINE_MAX_BYTES 400u
#define REASON_MAX_BYTES ((size_t)32 << 10)
/* A prompt of as many lines, or more bytes, shows its first and its last ones: what was asked about
 * what was pasted stands before it, or behind it. */
#define CUT_FROM_LINES 40u
#define CUT_FROM_BYTES ((size_t)16 << 10)
#define CUT_HEAD_LINES 12
#define CUT_HEAD_BYTES ((size_t)4 << 10)
#define CUT_END_LINES 6
#define CUT_END_BYTES ((size_t)2 << 10)

/* What comes from elsewhere can be of any length; more than fits would be left out as a whole. */
static void append_some(struct buf *out, struct sv text, size_t limit)
{
    buf_append_sv(out, text.n > limit ? sv_take(text, utf8_cut(text.p, text.n, limit)) : text);
}

/* A row shows no more than its first part: a view on the beginning is enough. */
static void append_beginning(struct buf *out, struct sv text)
{
    append_some(out, text, LINE_MAX_BYTES);
}

void text__head(const struct shown_message *message, struct buf *out)
{
    static const char *const names[ROLE_COUNT] = {
        [ROLE_USER] = "you",
        [ROLE_ASSISTANT] = "assistant",
        [ROLE_SYSTEM] = "system",
        [ROLE_TOOL] = "tool",
    };
    bool named = message->role == ROLE_ASSISTANT && message->model && message->model[0];
    append_beginning(out, sv_from(named ? message->model : names[message->role]));
    if (message->siblings > 1) {
        struct sv left = width_glyph(SV("‹"), SV("<"));
        struct sv right = width_glyph(SV("›"), SV(">"));
        buf_appendf(out, "  %.*s %zu/%zu %.*s", SV_ARG(left), message->sibling + 1,
                    message->siblings, SV_ARG(right));
    }
}

bool text__is_hidden(const struct shown_part *part)
{
    bool silent =
        part->kind == PART_TEXT || part->kind == PART_REASONING || part->kind == PART_STATUS;
    return part->kind == PART_NATIVE || (silent && part->tail == 0);
}

static void thought(const struct shown_part *part, struct buf *out)
{
    int64_t took = part->ended_us - part->began_us;
    if (part->began_us <= 0 || part->ended_us <= 0 || took <= 0) {
        buf_append_str(out, "thought");
        return;
    }
    int64_t seconds = (took + 500000) / 1000000;
    buf_appendf(out, "thought for %lld s", (long long)(seconds ? seconds : 1));
}

bool text__folds(const struct shown_message *message, const struct shown_part *part)
{
    bool reasoned = part->kind == PART_REASONING && (part->ended || message->ended);
    return reasoned || part->kind == PART_TOOL_CALL || part->kind == PART_TOOL_RESULT ||
           part->kind == PART_ATTACHMENT;
}

/* Where the line that holds the byte ends, or begins. */
static size_t line_end(struct sv text, size_t at)
{
    return at + sv_find(sv_skip(text, at), '\n');
}

static size_t line_start(struct sv text, size_t at)
{
    while (at > 0 && text.p[at - 1] != '\n') {
        at--;
    }
    return at;
}

/* At most so many lines, and so many bytes. */
static size_t end_of_beginning(struct sv text)
{
    size_t end = line_end(text, 0);
    for (int i = 1; i < CUT_HEAD_LINES && end < text.n && end < CUT_HEAD_BYTES; i++) {
        end = line_end(text, end + 1);
    }
    return end < CUT_HEAD_BYTES ? end : utf8_cut(text.p, text.n, CUT_HEAD_BYTES);
}

static size_t start_of_end(struct sv text)
{
    size_t least = text.n > CUT_END_BYTES ? text.n - CUT_END_BYTES : 0;
    size_t start = line_start(text, text.n);
    for (int i = 1; i < CUT_END_LINES && start > least; i++) {
        start = line_start(text, start - 1);
    }
    return start > least ? start : utf8_cut(text.p, text.n, least);
}

static size_t newlines_in(struct sv text)
{
    size_t count = 0;
    for (size_t at = sv_find(text, '\n'); at < text.n; at = line_end(text, at + 1)) {
        count++;
    }
    return count;
}

bool text__is_cut(const struct shown_message *message, struct shown_part *part)
{
    struct sv text = sv_take(buf_sv(&part->text), part->tail);
    if (message->role != ROLE_USER || part->kind != PART_TEXT) {
        return false;
    }
    if (part->cut_of != text.n) {
        bool is_long = text.n > CUT_FROM_BYTES || newlines_in(text) >= CUT_FROM_LINES;
        part->cut_of = text.n;
        layout_changed(&part->end_layout, 0);
        part->cut_at = is_long ? end_of_beginning(text) : 0;
        part->cut_end = is_long ? start_of_end(text) : 0;
    }
    return part->cut_at < part->cut_end;
}

/* Of the middle of a long prompt. */
static void more_of_it(const struct shown_part *part, struct buf *out)
{
    size_t bytes = part->cut_end - part->cut_at;
    size_t lines = newlines_in(sv_of(part->text.p + part->cut_at, bytes));
    if (lines > 1) {
        buf_appendf(out, "%zu more lines", lines - 1);
    } else {
        buf_appendf(out, "%zu more bytes", bytes);
    }
}

void text__folded(const struct shown_part *part, bool unfolded, struct buf *out)
{
    buf_append_sv(out, unfolded ? width_glyph(SV("▾"), SV("v")) : width_glyph(SV("▸"), SV(">")));
    buf_append_byte(out, ' ');
    switch (part->kind) {
    case PART_REASONING:
        thought(part, out);
        return;
    case PART_TEXT:
        more_of_it(part, out);
        return;
    case PART_TOOL_CALL:
        buf_append_str(out, "tool call: ");
        append_beginning(out, sv_from(part->tool_name ? part->tool_name : "?"));
        buf_append_str(out, " ");
        break;
    case PART_TOOL_RESULT:
        buf_append_str(out, "tool result: ");
        break;
    default:
        buf_append_str(out, "attached: ");
        break;
    }
    if (!unfolded) {
        append_beginning(out, buf_sv(&part->text));
    }
}

static const char *what_to_do(enum err_code error)
{
    switch (error) {
    case ERR_UNREACHABLE:
        return "check that the server runs and can be reached, then press Up and Enter";
    case ERR_SERVER:
    case ERR_PROTOCOL:
    case ERR_TIMEOUT:
        return "Up and Enter send it again";
    case ERR_RATE_LIMIT:
        return "wait a little, then press Up and Enter";
    case ERR_AUTH:
        return "check the API key in the configuration";
    case ERR_NOT_CONFIGURED:
    case ERR_CONFIG:
        return "check the configuration";
    case ERR_TOO_BIG:
        return "shorten the prompt, or begin anew with /new";
    default:
        return NULL;
    }
}

static void failure(const struct shown_message *message, struct buf *out)
{
    bool told = message->detail && message->detail[0];
    /* What is told of a key says what to do about it. */
    bool advised = told && message->error == ERR_AUTH;
    const char *advice = advised ? NULL : what_to_do(message->error);
    buf_append_str(out, "failed: ");
    append_some(out, sv_from(told ? message->detail : err_text(message->error)), REASON_MAX_BYTES);
    if (advice) {
        buf_appendf(out, " (%s)", advice);
    }
}

void text__state(const struct shown_message *message, struct buf *out)
{
    static const char *const words[FINISH_COUNT] = {
        [FINISH_MAX_TOKENS] = "cut at the token limit",
        [FINISH_CANCELED] = "cancelled",
        [FINISH_CONTENT_FILTER] = "stopped by a content filter",
        [FINISH_REFUSAL] = "refused by the model",
        [FINISH_PAUSED] = "paused by the provider",
        [FINISH_INTERRUPTED] = "interrupted",
        [FINISH_UNKNOWN] = "ended for a reason that is not known",
    };
    if (!message->ended || message->role != ROLE_ASSISTANT) {
        return;
    }
    if (message->reason == FINISH_ERROR) {
        failure(message, out);
        return;
    }
    bool empty = message->reason == FINISH_END_TURN && message->part_count == 0;
    buf_append_str(out, empty ? "the answer is empty" : words[message->reason]);
    bool explained = message->reason == FINISH_INTERRUPTED || message->reason == FINISH_CANCELED ||
                     message->reason == FINISH_REFUSAL || message->reason == FINISH_CONTENT_FILTER;
    if (explained && message->detail && message->detail[0]) {
        buf_append_str(out, ": ");
        append_some(out, sv_from(message->detail), REASON_MAX_BYTES);
    }
}

enum style text__state_style(const struct shown_message *message)
{
    return message->reason == FINISH_ERROR ? STYLE_ERROR : STYLE_STATE;
}
