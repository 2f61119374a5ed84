/*
 * Recording: which fields each kind of event has is one table, that writing and reading go by.
 */
#include "app/recording.h"

#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "app/records.h"
#include "app/version.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

enum field {
    HAS_PART = 1,
    HAS_PART_KIND = 2,
    HAS_TEXT = 4,
    HAS_ID = 8,
    HAS_NAME = 16,
    HAS_USAGE = 32,
    HAS_REASON = 64,
    HAS_ERROR = 128,
    HAS_WAIT = 256,
};

static const unsigned fields[STREAM_KIND_COUNT] = {
    [STREAM_STARTED] = HAS_ID | HAS_NAME,
    [STREAM_PART_OPEN] = HAS_PART | HAS_PART_KIND,
    [STREAM_TEXT] = HAS_PART | HAS_TEXT,
    [STREAM_REASONING] = HAS_PART | HAS_TEXT,
    [STREAM_REASONING_END] = HAS_PART,
    [STREAM_TOOL_CALL] = HAS_PART | HAS_ID | HAS_NAME,
    [STREAM_TOOL_INPUT] = HAS_PART | HAS_TEXT,
    [STREAM_TOOL_CALL_END] = HAS_PART,
    [STREAM_TOOL_RESULT] = HAS_PART | HAS_ID | HAS_TEXT,
    [STREAM_NATIVE] = HAS_PART | HAS_ID | HAS_TEXT,
    [STREAM_POSITION] = HAS_TEXT,
    [STREAM_USAGE] = HAS_USAGE,
    [STREAM_WAITING] = HAS_ERROR | HAS_TEXT | HAS_WAIT,
    [STREAM_FINISH] = HAS_REASON | HAS_TEXT,
    [STREAM_ERROR] = HAS_REASON | HAS_ERROR | HAS_TEXT,
};

/* ---- writing ---- */

void recording_append_head(struct buf *out, const struct recording_head *head)
{
    buf_append_str(out, "{\"type\":\"recording\"");
    record_int(out, "version", RECORDING_VERSION);
    record_text(out, "weir", sv_from(WEIR_VERSION));
    record_text(out, "model", sv_or_null(head->model));
    record_text(out, "session_id", sv_or_null(head->session));
    record_text(out, "turn_id", sv_or_null(head->turn));
    record_text(out, "message_id", sv_or_null(head->message));
    record_time(out, "recorded_at", head->at_us);
    record_text(out, "prompt", sv_or_null(head->prompt));
    buf_append_str(out, "}\n");
}

static void append_error(struct buf *out, const struct stream_event *event)
{
    char *name = record_error_name(event->error);
    record_text(out, "code", sv_from(name));
    record_bool(out, "retryable", event->retryable);
    free(name);
}

void recording_append_event(struct buf *out, int64_t at_us, const struct stream_event *event)
{
    unsigned has = (unsigned)event->kind < STREAM_KIND_COUNT ? fields[event->kind] : 0;
    buf_append_byte(out, '{');
    record_text(out, "type", sv_from(stream_kind_text(event->kind)));
    record_int(out, "at_us", at_us);
    if (has & HAS_PART) {
        record_int(out, "part", event->part);
    }
    if (has & HAS_PART_KIND) {
        record_text(out, "part_kind", sv_from(part_kind_text(event->part_kind)));
    }
    if (has & HAS_ID) {
        record_text(out, "id", sv_or_null(event->id));
    }
    if (has & HAS_NAME) {
        record_text(out, "name", sv_or_null(event->name));
    }
    if (has & HAS_REASON) {
        record_text(out, "reason", sv_from(finish_reason_text(event->reason)));
    }
    if (has & HAS_ERROR) {
        append_error(out, event);
    }
    if (has & HAS_WAIT) {
        record_int(out, "attempt", event->attempt);
        record_int(out, "attempts", event->attempts);
        record_int(out, "wait_us", event->wait_us);
    }
    if (has & HAS_TEXT) {
        record_text(out, "text", sv_or_null(event->text));
    }
    if (has & HAS_USAGE) {
        record_usage(out, &event->usage);
    }
    buf_append_str(out, "}\n");
}

/* ---- reading ---- */

struct recording {
    char *path;
    struct buf file;
    struct sv rest;
    size_t line;
    cJSON *tree; /* of the line that was read last: what was given lies in it */
    int64_t at_us;
};

enum err_code recording_open(const char *path, struct recording **ret_recording, struct err *err)
{
    struct recording *recording = xcalloc(1, sizeof(*recording));
    buf_init(&recording->file, RECORDING_MAX);
    enum err_code code = file_read(path, &recording->file, err);
    if (code) {
        recording_close(recording);
        return code;
    }
    recording->path = xstrdup(path);
    recording->rest = buf_sv(&recording->file);
    *ret_recording = recording;
    return ERR_OK;
}

struct recording *recording_of_text(const char *name, struct buf *text)
{
    struct recording *recording = xcalloc(1, sizeof(*recording));
    recording->path = xstrdup(name);
    recording->file = *text;
    buf_init(text, text->max);
    recording->rest = buf_sv(&recording->file);
    return recording;
}

void recording_rewind(struct recording *recording)
{
    recording->rest = buf_sv(&recording->file);
    recording->line = 0;
    recording->at_us = 0;
}

void recording_close(struct recording *recording)
{
    if (recording) {
        cJSON_Delete(recording->tree);
        buf_release(&recording->file);
        free(recording->path);
        free(recording);
    }
}

static enum err_code refuse(const struct recording *recording, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s:%zu: %s", recording->path, recording->line, what);
}

static bool read_error(const cJSON *tree, enum err_code *ret_code)
{
    struct sv name = json_get_text(tree, "code");
    for (int i = 0; i < ERR_COUNT; i++) {
        char *known = record_error_name((enum err_code)i);
        bool is_it = sv_equal_str(name, known);
        free(known);
        if (is_it) {
            *ret_code = (enum err_code)i;
            return true;
        }
    }
    return false;
}

static struct usage read_usage(const cJSON *tree)
{
    const cJSON *counts = json_get(tree, "usage");
    return (struct usage){
        .input_tokens = json_get_count(counts, "input_tokens"),
        .output_tokens = json_get_count(counts, "output_tokens"),
        .cache_read_tokens = json_get_count(counts, "cache_read_tokens"),
        .cache_write_tokens = json_get_count(counts, "cache_write_tokens"),
        .reasoning_tokens = json_get_count(counts, "reasoning_tokens"),
        .cost_micros = json_get_count(tree, "cost_micros"),
        .cost_estimated = cJSON_IsTrue(json_get(tree, "cost_estimated")),
    };
}

static bool read_number(const cJSON *tree, const char *name, int64_t most, int64_t *ret_value)
{
    int64_t value = 0;
    if (!json_get_int(tree, name, &value) || value < 0 || value > most) {
        return false;
    }
    *ret_value = value;
    return true;
}

static bool read_part(const cJSON *tree, unsigned has, struct stream_event *event)
{
    int64_t part = 0;
    bool fine = !(has & HAS_PART) || read_number(tree, "part", UINT32_MAX, &part);
    event->part = (uint32_t)part;
    return fine && (!(has & HAS_PART_KIND) ||
                    part_kind_parse(json_get_text(tree, "part_kind"), &event->part_kind));
}

static bool read_wait(const cJSON *tree, unsigned has, struct stream_event *event)
{
    int64_t attempt = 0;
    int64_t attempts = 0;
    if (has & HAS_WAIT) {
        if (!read_number(tree, "attempt", UINT32_MAX, &attempt) ||
            !read_number(tree, "attempts", UINT32_MAX, &attempts) ||
            !read_number(tree, "wait_us", INT64_MAX, &event->wait_us)) {
            return false;
        }
        event->attempt = (unsigned)attempt;
        event->attempts = (unsigned)attempts;
    }
    return true;
}

/* An end has a reason that ends. */
static bool read_reason(const cJSON *tree, unsigned has, struct stream_event *event)
{
    return !(has & HAS_REASON) ||
           (finish_reason_parse(json_get_text(tree, "reason"), &event->reason) &&
            event->reason != FINISH_NONE);
}

static bool read_event(const cJSON *tree, struct stream_event *event)
{
    *event = (struct stream_event){.usage = usage_unknown()};
    if (!stream_kind_parse(json_get_text(tree, "type"), &event->kind)) {
        return false;
    }
    unsigned has = fields[event->kind];
    event->text = has & HAS_TEXT ? json_get_text(tree, "text") : SV("");
    event->id = has & HAS_ID ? json_get_text(tree, "id") : SV("");
    event->name = has & HAS_NAME ? json_get_text(tree, "name") : SV("");
    event->retryable = cJSON_IsTrue(json_get(tree, "retryable"));
    if (has & HAS_USAGE) {
        event->usage = read_usage(tree);
    }
    return read_part(tree, has, event) && read_reason(tree, has, event) &&
           read_wait(tree, has, event) && (!(has & HAS_ERROR) || read_error(tree, &event->error));
}

static enum err_code read_head(const struct recording *recording, struct recording_head *head,
                               struct err *err)
{
    const cJSON *tree = recording->tree;
    int64_t version = 0;
    if (!read_number(tree, "version", INT64_MAX, &version)) {
        return refuse(recording, "the recording has no version", err);
    }
    if (version > RECORDING_VERSION) {
        return err_set(err, ERR_UNSUPPORTED, "%s:%zu: version %lld of recordings is not known",
                       recording->path, recording->line, (long long)version);
    }
    *head = (struct recording_head){
        .model = json_get_text(tree, "model"),
        .session = json_get_text(tree, "session_id"),
        .turn = json_get_text(tree, "turn_id"),
        .message = json_get_text(tree, "message_id"),
        .prompt = json_get_text(tree, "prompt"),
    };
    return ERR_OK;
}

static enum err_code read_item(struct recording *recording, struct sv line,
                               struct recording_item *item, struct err *err)
{
    cJSON_Delete(recording->tree);
    recording->tree = json_parse(line);
    if (!cJSON_IsObject(recording->tree)) {
        return refuse(recording, "expected a JSON object", err);
    }
    *item = (struct recording_item){
        .is_head = sv_equal_str(json_get_text(recording->tree, "type"), "recording")};
    if (item->is_head) {
        recording->at_us = 0;
        return read_head(recording, &item->head, err);
    }
    if (!read_event(recording->tree, &item->event) ||
        !read_number(recording->tree, "at_us", INT64_MAX, &item->at_us)) {
        return refuse(recording, "not an event of a recording", err);
    }
    recording->at_us = item->at_us > recording->at_us ? item->at_us : recording->at_us;
    item->at_us = recording->at_us;
    return ERR_OK;
}

enum err_code recording_next(struct recording *recording, struct recording_item *ret_item,
                             bool *ret_more, struct err *err)
{
    struct sv line;
    *ret_more = false;
    while (sv_next_line(&recording->rest, &line)) {
        recording->line++;
        if (sv_trim(line).n > 0) {
            enum err_code code = read_item(recording, line, ret_item, err);
            *ret_more = code == ERR_OK;
            return code;
        }
    }
    return ERR_OK;
}
