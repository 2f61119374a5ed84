/* The messages: loading, applying updates, keeping them in order. */
#include "ui/transcript.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/message_service.h"
#include "ui/transcript_internal.h"

/* An answer is bounded by the store; a little more is let through than that. */
#define PART_MAX (MESSAGE_MAX_BYTES + ((size_t)1 << 20))
#define STATE_MAX ((size_t)64 << 10)

struct transcript *transcript_new(transcript_gap *gap, void *ctx)
{
    struct transcript *transcript = xcalloc(1, sizeof(*transcript));
    transcript->gap = gap;
    transcript->ctx = ctx;
    transcript->follow = true;
    transcript->cache = markdown_cache_new();
    return transcript;
}

static void release_parts(struct shown_message *message)
{
    for (size_t i = 0; i < message->part_count; i++) {
        struct shown_part *part = &message->parts[i];
        buf_release(&part->text);
        layout_release(&part->layout);
        layout_release(&part->end_layout);
        markdown_free(part->markdown);
        free(part->tool_name);
    }
    free(message->parts);
    message->parts = NULL;
    message->part_count = 0;
    message->part_cap = 0;
    message->bytes = 0;
}

static void free_message(struct shown_message *message)
{
    release_parts(message);
    buf_release(&message->state);
    layout_release(&message->state_layout);
    free(message->detail);
    free(message->model);
    free(message->unsaved_why);
    free(message->retry_why);
    free(message);
}

void transcript_reset(struct transcript *transcript, const struct ulid *session)
{
    struct ulid id = *session; /* may be our own */
    for (size_t i = 0; i < transcript->count; i++) {
        free_message(transcript->messages[i]);
    }
    idmap_release(&transcript->by_id);
    transcript->by_id = (struct idmap){0};
    transcript->count = 0;
    transcript->more = false;
    transcript->follow = true;
    transcript->hole_after = 0;
    transcript->hole_before = 0;
    transcript->top = (struct place){0};
    transcript->selected = (struct ulid){""};
    transcript->mark = (struct ulid){""};
    transcript->session = id;
}

void transcript_free(struct transcript *transcript)
{
    if (transcript) {
        transcript_reset(transcript, &transcript->session);
        search_marker_free(transcript->marker);
        markdown_cache_free(transcript->cache);
        free(transcript->messages);
        free(transcript);
    }
}

struct shown_message *message__find(const struct transcript *transcript, const struct ulid *id)
{
    return idmap_get(&transcript->by_id, id);
}

/* Where a message of that seq is, or belongs: behind those that are not after it. */
static size_t position_of(const struct transcript *transcript, int64_t seq)
{
    size_t low = 0;
    size_t high = transcript->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (transcript->messages[middle]->seq <= seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t message__index(const struct transcript *transcript, const struct shown_message *message)
{
    size_t at = position_of(transcript, message->seq);
    while (at > 0 && transcript->messages[at - 1] != message) {
        at--;
    }
    return at > 0 ? at - 1 : 0;
}

static struct shown_message *insert_message(struct transcript *transcript, const struct ulid *id,
                                            int64_t seq)
{
    struct shown_message *message = xcalloc(1, sizeof(*message));
    message->id = *id;
    message->seq = seq;
    message->usage = usage_unknown();
    buf_init(&message->state, STATE_MAX);
    if (transcript->count == transcript->cap) {
        transcript->cap = transcript->cap ? transcript->cap * 2 : 16;
        transcript->messages =
            xrealloc(transcript->messages, transcript->cap * sizeof(*transcript->messages));
    }
    size_t at = position_of(transcript, seq);
    memmove(transcript->messages + at + 1, transcript->messages + at,
            (transcript->count - at) * sizeof(*transcript->messages));
    transcript->messages[at] = message;
    transcript->count++;
    idmap_put(&transcript->by_id, id, message);
    if (!transcript->follow && at <= transcript->top.index && transcript->count > 1) {
        transcript->top.index++;
    }
    return message;
}

void message__drop(struct transcript *transcript, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        idmap_remove(&transcript->by_id, &transcript->messages[i]->id);
        free_message(transcript->messages[i]);
    }
    memmove(transcript->messages + from, transcript->messages + to,
            (transcript->count - to) * sizeof(*transcript->messages));
    transcript->count -= to - from;
    if (transcript->top.index >= to) {
        transcript->top.index -= to - from;
    }
}

static void remove_message(struct transcript *transcript, struct shown_message *message)
{
    size_t at = message__index(transcript, message);
    idmap_remove(&transcript->by_id, &message->id);
    transcript->count--;
    memmove(transcript->messages + at, transcript->messages + at + 1,
            (transcript->count - at) * sizeof(*transcript->messages));
    if (at < transcript->top.index) {
        transcript->top.index--;
    } else if (at == transcript->top.index) {
        transcript->top = (struct place){.index = at};
    }
    if (transcript->top.index >= transcript->count) {
        transcript->follow = true;
    }
    free_message(message);
}

static void replace_text(char **text, const char *with)
{
    char *copy = xstrdup(with);
    free(*text);
    *text = copy;
}

static struct shown_part *add_part(struct shown_message *message, enum part_kind kind)
{
    if (message->part_count == message->part_cap) {
        message->part_cap = message->part_cap ? message->part_cap * 2 : 4;
        message->parts = xrealloc(message->parts, message->part_cap * sizeof(*message->parts));
    }
    struct shown_part *part = &message->parts[message->part_count++];
    *part = (struct shown_part){.kind = kind};
    buf_init(&part->text, PART_MAX);
    return part;
}

static bool is_white(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* The white space at the end is not shown until something follows it. Looks only at what is new. */
static void append_text(struct shown_message *message, struct shown_part *part, struct sv text)
{
    size_t before = part->text.n;
    if (!buf_append_sv(&part->text, text)) {
        return;
    }
    message->bytes += text.n;
    size_t end = part->text.n;
    while (end > before && is_white(part->text.p[end - 1])) {
        end--;
    }
    part->tail = end > before ? end : part->tail;
}

static void end_part(struct shown_part *part, int64_t now_us)
{
    part->ended_us = part->ended ? part->ended_us : now_us;
    part->ended = true;
}

static void refresh_state(struct shown_message *message)
{
    buf_clear(&message->state);
    text__state(message, &message->state);
    layout_changed(&message->state_layout, 0);
}

static void load_parts(struct shown_message *shown, const struct message *message)
{
    release_parts(shown);
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *from = &message->parts[i];
        struct shown_part *part = add_part(shown, from->kind);
        append_text(shown, part, sv_of(from->text, from->text_n));
        part->ended = from->ended;
        part->began_us = from->began_us;
        part->ended_us = from->ended_us;
        part->tool_name = xstrdup(from->tool_name);
    }
}

/* Adds a message or replaces what is known of it. */
static void show_message(struct transcript *transcript, const struct message *message)
{
    struct shown_message *shown = message__find(transcript, &message->id);
    if (shown && (shown->revision > message->revision || (shown->ended && !message->ended))) {
        return;
    }
    if (!shown) {
        shown = insert_message(transcript, &message->id, message->seq);
    }
    shown->role = message->role;
    shown->ended = message->ended;
    shown->reason = message->reason;
    shown->error = message->error;
    shown->usage = message->usage;
    shown->revision = message->revision;
    replace_text(&shown->detail, message->detail);
    if (message->model) {
        replace_text(&shown->model, message->model);
    }
    load_parts(shown, message);
    refresh_state(shown);
}

void transcript_load(struct transcript *transcript, const struct message *message)
{
    bool known = message__find(transcript, &message->id) != NULL;
    if (ulid_equal(&message->session, &transcript->session) &&
        (known || !window__is_in_hole(transcript, message->seq))) {
        show_message(transcript, message);
    }
}

bool transcript_load_newer(struct transcript *transcript, const struct message *message)
{
    bool ours = ulid_equal(&message->session, &transcript->session);
    if (!ours || !window__is_in_hole(transcript, message->seq)) {
        return false;
    }
    show_message(transcript, message);
    transcript->hole_after = message->seq;
    return true;
}

void transcript_set_more(struct transcript *transcript, bool more)
{
    transcript->more = more;
}

/* False: something before it is missing. */
static bool apply_piece(struct shown_message *message, const struct piece *piece, int64_t now_us)
{
    if (piece->part > message->part_count ||
        (piece->part == message->part_count && piece->offset > 0)) {
        return false;
    }
    if (piece->part == message->part_count) {
        struct shown_part *part = add_part(message, piece->kind);
        part->began_us = now_us;
        if (piece->tool_name.n) {
            part->tool_name = xstrndup(piece->tool_name.p, piece->tool_name.n);
        }
    }
    struct shown_part *part = &message->parts[piece->part];
    if (piece->offset > part->text.n) {
        return false;
    }
    append_text(message, part, sv_skip(piece->text, part->text.n - piece->offset));
    if (piece->ended) {
        end_part(part, now_us);
    }
    return true;
}

static void apply_end(struct shown_message *message, const struct message_update *update,
                      int64_t now_us)
{
    message->ended = true;
    message->reason = update->reason;
    message->error = update->error;
    message->usage = update->usage;
    replace_text(&message->detail, update->detail);
    for (size_t i = 0; i < message->part_count; i++) {
        end_part(&message->parts[i], now_us);
    }
    refresh_state(message);
}

/* Why something waits: the update's text, or else what the code says. */
static const char *reason_of(const struct message_update *update)
{
    return update->detail ? update->detail : err_text(update->error);
}

/* Everything of an update but its pieces. */
static void apply_facts(struct shown_message *message, const struct message_update *update,
                        int64_t now_us)
{
    bool waiting = update->kind == UPDATE_WAITING;
    message->changed_us = update->piece_count > 0 ? clock_mono_us() : message->changed_us;
    message->retry_us = waiting ? update->until_us : 0;
    if (waiting) {
        replace_text(&message->retry_why, reason_of(update));
        message->retry = update->attempt + 1;
        message->retries = update->attempts;
    }
    message->unsaved = update->unsaved;
    if (update->unsaved) {
        replace_text(&message->unsaved_why, update->error ? reason_of(update) : NULL);
    }
    if (update->model) {
        replace_text(&message->model, update->model);
    }
    if (usage_is_known(&update->usage)) {
        message->usage = update->usage;
    }
    bool ends = update->kind == UPDATE_ENDED ||
                (update->kind == UPDATE_CREATED && update->reason != FINISH_NONE);
    if (ends && !message->ended) {
        apply_end(message, update, now_us);
    }
}

/* The message of an update, made where it is a creation. NULL: it is none of ours. */
static struct shown_message *message_for(struct transcript *transcript,
                                         const struct message_update *update)
{
    struct shown_message *message = message__find(transcript, &update->message);
    if (message) {
        return message;
    }
    bool above = transcript->more && update->seq < transcript_oldest(transcript);
    if (above || window__is_in_hole(transcript, update->seq) || update->kind == UPDATE_SAVED ||
        update->kind == UPDATE_DELETED) {
        return NULL;
    }
    message = insert_message(transcript, &update->message, update->seq);
    message->role = update->role;
    return message;
}

bool transcript_apply(struct transcript *transcript, const struct message_update *update,
                      int64_t now_us)
{
    if (!ulid_equal(&update->session, &transcript->session)) {
        return false;
    }
    struct shown_message *message = message_for(transcript, update);
    if (!message) {
        return false;
    }
    if (update->kind == UPDATE_DELETED) {
        remove_message(transcript, message);
        return true;
    }
    if (update->kind == UPDATE_SAVED) {
        message->unsaved = false;
        return true;
    }
    bool complete = update->revision_before <= message->revision;
    for (size_t i = 0; i < update->piece_count; i++) {
        complete = apply_piece(message, &update->pieces[i], now_us) && complete;
    }
    apply_facts(message, update, now_us);
    if (complete) {
        message->revision =
            update->revision > message->revision ? update->revision : message->revision;
    } else if (transcript->gap) {
        struct ulid id = update->message;
        transcript->gap(transcript->ctx, &id);
    }
    return true;
}

bool transcript_knows(const struct transcript *transcript, const struct ulid *message)
{
    return message__find(transcript, message) != NULL;
}

bool transcript_is_running(const struct transcript *transcript, const struct ulid *message)
{
    const struct shown_message *shown = message__find(transcript, message);
    return shown && !shown->ended;
}

size_t transcript_count(const struct transcript *transcript)
{
    return transcript->count;
}

int64_t transcript_oldest(const struct transcript *transcript)
{
    return transcript->count ? transcript->messages[0]->seq : INT64_MAX;
}

void transcript_each_running(struct transcript *transcript,
                             void (*call)(void *ctx, const struct ulid *message), void *ctx)
{
    for (size_t i = 0; i < transcript->count; i++) {
        if (!transcript->messages[i]->ended) {
            struct ulid id = transcript->messages[i]->id;
            call(ctx, &id);
        }
    }
}

void transcript_each_prompt(struct transcript *transcript,
                            void (*call)(void *ctx, struct sv prompt), void *ctx)
{
    for (size_t i = 0; i < transcript->count; i++) {
        const struct shown_message *message = transcript->messages[i];
        if (message->role == ROLE_USER && message->part_count &&
            message->parts[0].kind == PART_TEXT) {
            call(ctx, buf_sv(&message->parts[0].text));
        }
    }
}

struct transcript_status transcript_status(const struct transcript *transcript)
{
    struct transcript_status status = {.why = "", .usage = usage_unknown()};
    for (size_t i = 0; i < transcript->count; i++) {
        const struct shown_message *message = transcript->messages[i];
        if (message->unsaved) {
            status.unsaved = true;
            status.why = message->unsaved_why ? message->unsaved_why : "";
        }
    }
    size_t at = transcript->count;
    while (at > 0 && transcript->messages[at - 1]->role != ROLE_ASSISTANT) {
        at--;
    }
    if (at == 0) {
        return status;
    }
    const struct shown_message *answer = transcript->messages[at - 1];
    status.running = !answer->ended;
    status.ended = answer->ended && at == transcript->count;
    status.reason = answer->reason;
    status.content = answer->part_count > 0;
    status.changed_us = answer->changed_us;
    status.usage = answer->usage;
    if (status.running && answer->retry_us) {
        status.retry_us = answer->retry_us;
        status.why = answer->retry_why ? answer->retry_why : "";
        status.retry = answer->retry;
        status.retries = answer->retries;
    }
    return status;
}
