/*
 * Records of JSON: one walk from string to string. What has no secret stays as it is written.
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "app/json.h"
#include "app/redact_internal.h"

/* Members whose text is an id or a word of weir's own. */
static const char *const kept[] = {
    "id",   "branch", "parent", "turn",   "by",        "title_by", "status", "state",   "kind",
    "role", "reason", "record", "answer", "continues", "error",    "type",   "tool_id", "sha256",
};
/* Members that point into a text which has changed. */
static const char *const spans[] = {"part", "first", "last"};

static bool is_one_of(struct sv name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sv_equal_str(name, list[i])) {
            return true;
        }
    }
    return false;
}

struct walk {
    struct redactor *redactor;
    struct buf *out;
    struct sv name; /* of the member at hand */
    bool is_native; /* the part at hand */
};

/* The bytes of the string that begins here, with its quotes. */
static size_t string_length(struct sv text)
{
    size_t n = 1;
    while (n < text.n && text.p[n] != '"') {
        n += text.p[n] == '\\' ? 2 : 1;
    }
    return n < text.n ? n + 1 : text.n;
}

static void put_redacted(struct walk *walk, struct sv written)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    cJSON *value = json_parse(written);
    struct sv plain = cJSON_IsString(value) ? sv_from(value->valuestring) : written;
    if (redact_append(walk->redactor, &text, plain)) {
        json_append_string(walk->out, buf_sv(&text));
    } else {
        buf_append_sv(walk->out, written);
    }
    cJSON_Delete(value);
    buf_release(&text);
}

/* An attachment's, which may have another one now. */
static void put_id(struct walk *walk, struct sv written)
{
    struct sv id = written.n > 2 ? sv_of(written.p + 1, written.n - 2) : SV("");
    for (size_t i = 0; i < walk->redactor->renamed_count; i++) {
        if (sv_equal_str(id, walk->redactor->renamed[i].from)) {
            buf_appendf(walk->out, "\"%s\"", walk->redactor->renamed[i].to);
            return;
        }
    }
    buf_append_sv(walk->out, written);
}

static void put_value(struct walk *walk, struct sv written)
{
    bool is_kind = sv_equal_str(walk->name, "kind");
    if (is_kind) {
        walk->is_native = sv_equal(written, SV("\"native\""));
    }
    if (is_kind && walk->is_native) {
        buf_append_str(walk->out, "\"status\"");
    } else if (walk->is_native && sv_equal_str(walk->name, "text")) {
        buf_append_str(walk->out, "\"removed: the provider's own item\"");
        walk->redactor->removed++;
    } else if (sv_equal_str(walk->name, "tool_id")) {
        put_id(walk, written);
    } else if (is_one_of(walk->name, kept, COUNT_OF(kept))) {
        buf_append_sv(walk->out, written);
    } else {
        put_redacted(walk, written);
    }
}

/* A string, or a number in the place of a span. Gives how many bytes it took. */
static size_t put_string(struct walk *walk, struct sv rest)
{
    size_t n = string_length(rest);
    struct sv written = sv_take(rest, n);
    if (n < rest.n && rest.p[n] == ':') {
        walk->name = sv_of(written.p + 1, n - 2);
        buf_append_sv(walk->out, written);
        buf_append_byte(walk->out, ':');
        n++;
        size_t digits = 0;
        while (n + digits < rest.n && strchr("0123456789", rest.p[n + digits])) {
            digits++;
        }
        if (digits > 0 && is_one_of(walk->name, spans, COUNT_OF(spans))) {
            buf_append_str(walk->out, "null");
            n += digits;
        }
        return n;
    }
    put_value(walk, written);
    return n;
}

void redact_json(struct redactor *redactor, struct buf *out, struct sv json)
{
    struct walk walk = {.redactor = redactor, .out = out, .name = SV("")};
    for (size_t i = 0; i < json.n;) {
        if (json.p[i] == '"') {
            i += put_string(&walk, sv_skip(json, i));
        } else {
            buf_append_byte(out, json.p[i++]);
        }
    }
}
