/* Live message: takes stream events, keeps text and marks, gives cuts for the disk and for readers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/live_internal.h"
#include "store/update_internal.h"

/* A part weighs this much beside its text, so that a million empty ones meet the limit too. */
#define PART_WEIGHT 64

struct live *live_new(void)
{
    struct live *live = xcalloc(1, sizeof(*live));
    live->usage = usage_unknown();
    return live;
}

void live_free(struct live *live)
{
    if (!live) {
        return;
    }
    for (size_t i = 0; i < live->part_count; i++) {
        buf_release(&live->parts[i].text);
        free(live->parts[i].tool_id);
        free(live->parts[i].tool_name);
    }
    free(live->parts);
    free(live->model);
    free(live->response_id);
    free(live->detail);
    free(live);
}

static struct live_part *add_part(struct live *live, enum part_kind kind)
{
    if (live->part_count == live->part_cap) {
        live->part_cap = live->part_cap ? live->part_cap * 2 : 4;
        live->parts = xrealloc(live->parts, live->part_cap * sizeof(*live->parts));
    }
    struct live_part *part = &live->parts[live->part_count++];
    *part = (struct live_part){.kind = kind, .text = BUF_INIT(MESSAGE_MAX_BYTES)};
    part->began_us = clock_wall_us();
    live->bytes += PART_WEIGHT;
    live->revision++;
    return part;
}

/* The part that the event names, begun when it is the next one. */
static enum err_code find_part(struct live *live, const struct stream_event *event,
                               enum part_kind kind, struct live_part **ret_part, struct err *err)
{
    if (event->part > live->part_count) {
        return err_set(err, ERR_INVALID, "part %u of an answer begins before part %zu", event->part,
                       live->part_count);
    }
    if (event->part == live->part_count) {
        if (live->bytes + PART_WEIGHT > MESSAGE_MAX_BYTES) {
            return err_set(err, ERR_TOO_BIG, "the answer has too many parts");
        }
        *ret_part = add_part(live, kind);
        return ERR_OK;
    }
    struct live_part *part = &live->parts[event->part];
    if (part->kind != kind || part->ended) {
        return err_set(err, ERR_INVALID, "part %u of an answer %s", event->part,
                       part->ended ? "goes on after its end" : "changes its kind");
    }
    *ret_part = part;
    return ERR_OK;
}

static enum err_code append(struct live *live, const struct stream_event *event,
                            enum part_kind kind, struct err *err)
{
    if (live->bytes + event->text.n > MESSAGE_MAX_BYTES) {
        return err_set(err, ERR_TOO_BIG, "the answer is longer than %zu MiB",
                       MESSAGE_MAX_BYTES >> 20);
    }
    struct live_part *part = NULL;
    enum err_code code = find_part(live, event, kind, &part, err);
    if (code) {
        return code;
    }
    buf_append_sv(&part->text, event->text);
    live->bytes += event->text.n;
    return ERR_OK;
}

static void end_part(struct live *live, struct live_part *part)
{
    if (!part->ended) {
        part->ended = true;
        part->ended_us = clock_wall_us();
        live->revision++;
    }
}

static enum err_code on_started(struct live *live, const struct stream_event *event,
                                struct err *err UNUSED)
{
    free(live->response_id);
    live->response_id = sv_dup_or_null(event->id);
    return ERR_OK;
}

static enum err_code on_part_open(struct live *live, const struct stream_event *event,
                                  struct err *err)
{
    struct live_part *part = NULL;
    return find_part(live, event, event->part_kind, &part, err);
}

static enum err_code on_text(struct live *live, const struct stream_event *event, struct err *err)
{
    return append(live, event, PART_TEXT, err);
}

static enum err_code on_reasoning(struct live *live, const struct stream_event *event,
                                  struct err *err)
{
    return append(live, event, PART_REASONING, err);
}

static enum err_code on_part_end(struct live *live, const struct stream_event *event,
                                 struct err *err)
{
    if (event->part >= live->part_count) {
        return err_set(err, ERR_INVALID, "part %u of an answer ends before it began", event->part);
    }
    end_part(live, &live->parts[event->part]);
    return ERR_OK;
}

static enum err_code on_tool_call(struct live *live, const struct stream_event *event,
                                  struct err *err)
{
    struct live_part *part = NULL;
    enum err_code code = find_part(live, event, PART_TOOL_CALL, &part, err);
    if (code == ERR_OK && !part->tool_id) {
        part->tool_id = sv_dup_or_null(event->id);
        part->tool_name = sv_dup_or_null(event->name);
    }
    return code;
}

static enum err_code on_tool_input(struct live *live, const struct stream_event *event,
                                   struct err *err)
{
    return append(live, event, PART_TOOL_CALL, err);
}

static enum err_code on_whole(struct live *live, const struct stream_event *event,
                              enum part_kind kind, struct err *err)
{
    enum err_code code = append(live, event, kind, err);
    if (code == ERR_OK) {
        struct live_part *part = &live->parts[event->part];
        part->tool_id = sv_dup_or_null(event->id);
        end_part(live, part);
    }
    return code;
}

static enum err_code on_tool_result(struct live *live, const struct stream_event *event,
                                    struct err *err)
{
    return on_whole(live, event, PART_TOOL_RESULT, err);
}

static enum err_code on_native(struct live *live, const struct stream_event *event, struct err *err)
{
    return on_whole(live, event, PART_NATIVE, err);
}

/* No codec of today can resume a stream; where it could go on is for those that will. */
static enum err_code on_position(struct live *live UNUSED, const struct stream_event *event UNUSED,
                                 struct err *err UNUSED)
{
    return ERR_OK;
}

static enum err_code on_usage(struct live *live, const struct stream_event *event,
                              struct err *err UNUSED)
{
    live->usage = usage_sane(&event->usage);
    live->usage_published = false;
    return ERR_OK;
}

static enum err_code on_waiting(struct live *live, const struct stream_event *event,
                                struct err *err UNUSED)
{
    live->waiting = true;
    live->waiting_until_us = clock_mono_us() + event->wait_us;
    live->waiting_attempt = event->attempt;
    live->waiting_attempts = event->attempts;
    live->error = event->error;
    free(live->detail);
    live->detail = sv_dup_or_null(event->text);
    return ERR_OK;
}

static bool has_content(const struct live *live)
{
    for (size_t i = 0; i < live->part_count; i++) {
        if (live->parts[i].text.n > 0 || live->parts[i].kind == PART_TOOL_CALL) {
            return true;
        }
    }
    return false;
}

/* An answer of nothing would be invisible; a line of our own says so. */
static void say_if_empty(struct live *live)
{
    bool by_us = live->reason == FINISH_CANCELED || live->reason == FINISH_INTERRUPTED ||
                 live->reason == FINISH_ERROR;
    if (!by_us && !has_content(live)) {
        struct live_part *part = add_part(live, PART_STATUS);
        buf_append_str(&part->text, "(no text response)");
    }
}

static enum err_code on_last(struct live *live, const struct stream_event *event,
                             struct err *err UNUSED)
{
    live->reason = event->reason != FINISH_NONE  ? event->reason
                   : event->kind == STREAM_ERROR ? FINISH_ERROR
                                                 : FINISH_UNKNOWN;
    live->error = event->kind == STREAM_ERROR ? event->error : ERR_OK;
    free(live->detail);
    live->detail = sv_dup_or_null(event->text);
    live->waiting = false;
    say_if_empty(live);
    for (size_t i = 0; i < live->part_count; i++) {
        end_part(live, &live->parts[i]);
    }
    live->ended = true;
    live->ended_us = clock_wall_us();
    live->revision++;
    return ERR_OK;
}

typedef enum err_code apply_fn(struct live *live, const struct stream_event *event,
                               struct err *err);

static apply_fn *const apply_table[STREAM_KIND_COUNT] = {
    [STREAM_STARTED] = on_started,
    [STREAM_PART_OPEN] = on_part_open,
    [STREAM_TEXT] = on_text,
    [STREAM_REASONING] = on_reasoning,
    [STREAM_REASONING_END] = on_part_end,
    [STREAM_TOOL_CALL] = on_tool_call,
    [STREAM_TOOL_INPUT] = on_tool_input,
    [STREAM_TOOL_CALL_END] = on_part_end,
    [STREAM_TOOL_RESULT] = on_tool_result,
    [STREAM_NATIVE] = on_native,
    [STREAM_POSITION] = on_position,
    [STREAM_USAGE] = on_usage,
    [STREAM_WAITING] = on_waiting,
    [STREAM_FINISH] = on_last,
    [STREAM_ERROR] = on_last,
};

enum err_code live_apply(struct live *live, const struct stream_event *event, struct err *err)
{
    if (live->gone) {
        return err_set(err, ERR_GONE, "the message was deleted");
    }
    if (live->ended) {
        return err_set(err, ERR_NOT_FOUND, "the message has ended");
    }
    if ((unsigned)event->kind >= STREAM_KIND_COUNT) {
        return err_set(err, ERR_INVALID, "unknown kind of stream event");
    }
    return apply_table[event->kind](live, event, err);
}

/* What is new in one part, for the disk and for readers. */
static bool wants_write(const struct live_part *part)
{
    return !part->row_written || part->written < part->text.n || part->ended != part->end_written;
}

static bool wants_piece(const struct live_part *part)
{
    return !part->begin_published || part->published < part->text.n ||
           part->ended != part->end_published;
}

static size_t length_of(const char *text)
{
    return text ? strlen(text) : 0;
}

/* Bytes of an update's text that this part needs. */
static size_t room_for(const struct live_part *part, bool for_disk)
{
    size_t from = for_disk && part->written < part->published ? part->written : part->published;
    return part->text.n - from + length_of(part->tool_id) + length_of(part->tool_name);
}

static void fill_piece(struct message_update *update, const struct live_part *part, uint32_t at,
                       struct sv text)
{
    struct piece *piece = &update->pieces[update->piece_count++];
    *piece = (struct piece){.part = at, .kind = part->kind, .ended = part->ended};
    piece->offset = part->published;
    piece->text = text;
    if (!part->begin_published) {
        piece->tool_id = update_text(update, sv_from(part->tool_id));
        piece->tool_name = update_text(update, sv_from(part->tool_name));
    }
}

static void fill_write(struct taken *taken, const struct live_part *part, uint32_t at,
                       struct sv text)
{
    taken->writes[taken->write_count++] = (struct part_write){
        .part = at,
        .kind = part->kind,
        .insert_row = !part->row_written,
        .write_end = part->ended && !part->end_written,
        .offset = part->written,
        .text = text,
        .tool_id = sv_from(part->tool_id),
        .tool_name = sv_from(part->tool_name),
        .began_us = part->began_us,
        .ended_us = part->ended_us,
    };
}

/* Copies the part's new text once; the piece and the write are views of the copy. */
static void take_part(struct live *live, uint32_t at, bool for_disk, struct taken *taken)
{
    const struct live_part *part = &live->parts[at];
    bool write = for_disk && wants_write(part);
    bool piece = wants_piece(part);
    size_t from = write && part->written < part->published ? part->written : part->published;
    if (write || piece) {
        struct sv copy = update_text(
            taken->update, sv_of(part->text.p ? part->text.p + from : NULL, part->text.n - from));
        if (piece) {
            fill_piece(taken->update, part, at, sv_skip(copy, part->published - from));
        }
        if (write) {
            fill_write(taken, part, at, sv_skip(copy, part->written - from));
        }
    }
}

static void fill_head(struct live *live, struct message_update *update)
{
    update->session = live->session;
    update->message = live->id;
    update->turn = live->turn;
    update->role = live->role;
    update->seq = live->seq;
    update->revision_before = live->published_revision;
    update->revision = live->revision;
    update->error = live->error;
    update->detail = update_string(update, live->detail);
    update->until_us = live->waiting_until_us;
    update->attempt = live->waiting_attempt;
    update->attempts = live->waiting_attempts;
    if (!live->usage_published || live->ended) {
        update->usage = live->usage;
    }
    if (live->ended) {
        update->reason = live->reason;
    }
}

static enum update_kind kind_of(const struct live *live)
{
    if (live->ended && !live->end_published) {
        return UPDATE_ENDED;
    }
    return live->waiting ? UPDATE_WAITING : UPDATE_CHANGED;
}

void live_take(struct live *live, bool for_disk, struct taken *ret_taken)
{
    size_t room = length_of(live->detail) + 1;
    for (size_t i = 0; i < live->part_count; i++) {
        room += room_for(&live->parts[i], for_disk);
    }
    *ret_taken = (struct taken){
        .live = live,
        .change = live->change,
        .revision = live->revision,
        .ends = for_disk && live->ended && !live->end_written,
        .update = update_new(kind_of(live), live->part_count, room),
        .writes = for_disk && live->part_count > 0
                      ? xcalloc(live->part_count, sizeof(struct part_write))
                      : NULL,
    };
    for (size_t i = 0; i < live->part_count; i++) {
        take_part(live, (uint32_t)i, for_disk, ret_taken);
    }
    fill_head(live, ret_taken->update);
    live->waiting = false;
    live->fresh = false;
}

size_t live_unwritten(const struct live *live)
{
    size_t bytes = 0;
    for (size_t i = 0; i < live->part_count; i++) {
        bytes += live->parts[i].text.n - live->parts[i].written;
    }
    return bytes;
}

/* The part's next text for the disk, or as much of it as there is room for. */
static size_t take_some_of(struct live *live, uint32_t at, size_t room, struct taken *taken)
{
    const struct live_part *part = &live->parts[at];
    struct sv left = sv_skip(buf_sv(&part->text), part->written);
    struct sv text = sv_take(left, utf8_cut(left.p, left.n, room));
    fill_write(taken, part, at, update_text(taken->update, text));
    taken->writes[taken->write_count - 1].write_end &= text.n == left.n;
    return text.n;
}

void live_take_some(struct live *live, size_t limit, struct taken *ret_taken)
{
    *ret_taken = (struct taken){
        .live = live,
        .change = live->saved_change,
        .revision = live->revision,
        .update = update_new(UPDATE_CHANGED, 0, limit),
        .writes = xcalloc(live->part_count, sizeof(struct part_write)),
        .partial = true,
    };
    size_t room = limit;
    bool whole = true;
    for (size_t i = 0; whole && i < live->part_count; i++) {
        if (wants_write(&live->parts[i])) {
            room -= take_some_of(live, (uint32_t)i, room, ret_taken);
            const struct part_write *write = &ret_taken->writes[ret_taken->write_count - 1];
            whole = write->offset + write->text.n == live->parts[i].text.n;
        }
    }
}

void taken_release(struct taken *taken)
{
    if (taken->update) {
        payload_unref(&taken->update->payload);
    }
    free(taken->writes);
    *taken = (struct taken){0};
}

void live_mark_published(struct live *live, const struct taken *taken)
{
    const struct message_update *update = taken->update;
    for (size_t i = 0; i < update->piece_count; i++) {
        const struct piece *piece = &update->pieces[i];
        struct live_part *part = &live->parts[piece->part];
        part->begin_published = true;
        part->published = piece->offset + piece->text.n;
        part->end_published = piece->ended;
    }
    live->published_revision = update->revision;
    live->usage_published = true;
    live->end_published = update->kind == UPDATE_ENDED || live->end_published;
}

void live_mark_written(struct live *live, const struct taken *taken)
{
    for (size_t i = 0; i < taken->write_count; i++) {
        const struct part_write *write = &taken->writes[i];
        struct live_part *part = &live->parts[write->part];
        part->row_written = true;
        part->written = write->offset + write->text.n;
        part->end_written = part->end_written || write->write_end;
    }
    live->end_written = live->end_written || taken->ends;
}

bool live_is_saved(const struct live *live)
{
    return live->saved_change == live->change;
}

struct message *live_copy(const struct live *live)
{
    struct message *copy = message_new();
    copy->id = live->id;
    copy->session = live->session;
    copy->turn = live->turn;
    copy->attempt = live->attempt;
    copy->seq = live->seq;
    copy->role = live->role;
    copy->ended = live->ended;
    copy->reason = live->reason;
    copy->error = live->error;
    copy->detail = xstrdup(live->detail);
    copy->model = xstrdup(live->model);
    copy->usage = live->usage;
    copy->created_us = live->created_us;
    copy->ended_us = live->ended_us;
    copy->revision = live->revision;
    for (size_t i = 0; i < live->part_count; i++) {
        const struct live_part *from = &live->parts[i];
        struct message_part *to = message_add_part(copy, from->kind, buf_sv(&from->text));
        to->ended = from->ended;
        to->tool_id = xstrdup(from->tool_id);
        to->tool_name = xstrdup(from->tool_name);
        to->began_us = from->began_us;
        to->ended_us = from->ended_us;
    }
    return copy;
}
