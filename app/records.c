/* Records as JSON. */
#include "app/records.h"

#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "base/alloc.h"
#include "base/clock.h"

void record_key(struct buf *out, const char *name)
{
    bool is_first = out->n == 0 || out->p[out->n - 1] == '{';
    buf_appendf(out, "%s\"%s\":", is_first ? "" : ",", name);
}

void record_text(struct buf *out, const char *name, struct sv text)
{
    record_key(out, name);
    if (text.p) {
        (void)json_append_string(out, text);
    } else {
        buf_append_str(out, "null");
    }
}

void record_int(struct buf *out, const char *name, int64_t value)
{
    record_key(out, name);
    buf_appendf(out, "%lld", (long long)value);
}

void record_known(struct buf *out, const char *name, int64_t value)
{
    if (value < 0) {
        record_text(out, name, (struct sv){NULL, 0});
    } else {
        record_int(out, name, value);
    }
}

void record_bool(struct buf *out, const char *name, bool value)
{
    record_key(out, name);
    buf_append_str(out, value ? "true" : "false");
}

void record_id(struct buf *out, const char *name, const struct ulid *id)
{
    record_text(out, name, ulid_is_set(id) ? sv_from(id->text) : (struct sv){NULL, 0});
}

void record_time(struct buf *out, const char *name, int64_t wall_us)
{
    char text[CLOCK_ISO_SIZE];
    if (wall_us == 0) {
        record_text(out, name, (struct sv){NULL, 0});
        return;
    }
    clock_format_utc(wall_us, text);
    record_text(out, name, sv_from(text));
}

void record_reason(struct buf *out, const char *name, enum finish_reason reason)
{
    record_text(out, name,
                reason == FINISH_NONE ? (struct sv){NULL, 0} : sv_from(finish_reason_text(reason)));
}

void record_usage(struct buf *out, const struct usage *usage)
{
    record_key(out, "usage");
    buf_append_byte(out, '{');
    record_known(out, "input_tokens", usage->input_tokens);
    record_known(out, "output_tokens", usage->output_tokens);
    record_known(out, "cache_read_tokens", usage->cache_read_tokens);
    record_known(out, "cache_write_tokens", usage->cache_write_tokens);
    record_known(out, "reasoning_tokens", usage->reasoning_tokens);
    buf_append_byte(out, '}');
    record_known(out, "cost_micros", usage->cost_micros);
    record_bool(out, "cost_estimated", usage->cost_estimated);
}

void record_session(struct buf *out, const struct session *session)
{
    buf_append_byte(out, '{');
    record_id(out, "id", &session->id);
    record_text(out, "handle", sv_from(session->handle));
    record_text(out, "name", sv_from(session->name));
    record_text(out, "title", sv_from(session->title));
    record_text(out, "model", sv_from(session->model));
    record_time(out, "created_at", session->created_us);
    record_time(out, "last_active_at", session->last_active_us);
    record_int(out, "message_count", session->message_count);
    record_text(out, "scope", sv_from(session->scope));
    record_text(out, "origin", sv_from(session_origin_text(session->origin)));
    record_text(out, "status", sv_from(session_status_text(session->status)));
    record_text(out, "state", session->state[0] ? sv_from(session->state) : (struct sv){NULL, 0});
    record_int(out, "input_tokens", session->input_tokens);
    record_int(out, "output_tokens", session->output_tokens);
    record_int(out, "cost_micros", session->cost_micros);
    record_time(out, "ended_at", session->ended_us);
    record_time(out, "archived_at", session->archived_us);
    record_time(out, "deleted_at", session->deleted_us);
    buf_append_byte(out, '}');
}

static void append_part(struct buf *out, const struct message_part *part)
{
    buf_append_byte(out, '{');
    record_text(out, "kind", sv_from(part_kind_text(part->kind)));
    record_text(out, "text", sv_of(part->text, part->text_n));
    record_text(out, "tool_id", sv_from(part->tool_id));
    record_text(out, "tool_name", sv_from(part->tool_name));
    record_bool(out, "ended", part->ended);
    record_time(out, "began_at", part->began_us);
    record_time(out, "ended_at", part->ended_us);
    buf_append_byte(out, '}');
}

static void append_error(struct buf *out, const struct message *message)
{
    if (!message->error) {
        record_text(out, "error", (struct sv){NULL, 0});
        return;
    }
    char *name = record_error_name(message->error);
    record_text(out, "error", sv_from(name));
    free(name);
}

void record_message(struct buf *out, const struct message *message)
{
    buf_append_byte(out, '{');
    record_id(out, "id", &message->id);
    record_id(out, "turn_id", &message->turn);
    record_id(out, "attempt_id", &message->attempt);
    record_int(out, "seq", message->seq);
    record_text(out, "role", sv_from(role_text(message->role)));
    record_text(out, "model", sv_from(message->model));
    record_bool(out, "ended", message->ended);
    record_reason(out, "finish_reason", message->reason);
    append_error(out, message);
    record_text(out, "detail", sv_from(message->detail));
    record_usage(out, &message->usage);
    record_time(out, "created_at", message->created_us);
    record_time(out, "ended_at", message->ended_us);
    record_key(out, "parts");
    buf_append_byte(out, '[');
    for (size_t i = 0; i < message->part_count; i++) {
        buf_append_str(out, i ? "," : "");
        append_part(out, &message->parts[i]);
    }
    buf_append_str(out, "]}");
}

char *record_error_name(enum err_code code)
{
    char *name = xstrdup(err_name(code) + strlen("ERR_"));
    for (char *at = name; *at; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    }
    return name;
}
