/* Encoding: URLs, members of JSON objects, attachments. */
#include "app/codec_encode.h"

#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "base/utf8.h"

bool codec_host_is(const char *host, struct sv domain)
{
    struct sv name = sv_from(host);
    if (!sv_ends_with(name, domain)) {
        return false;
    }
    return name.n == domain.n || name.p[name.n - domain.n - 1] == '.';
}

static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("-._~", c));
}

void codec_append_segment(struct buf *out, struct sv text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_unreserved(text.p[i])) {
            (void)buf_append_byte(out, text.p[i]);
        } else {
            (void)buf_appendf(out, "%%%02X", (unsigned)(unsigned char)text.p[i]);
        }
    }
}

struct sv codec_object_or(struct sv text, struct sv fallback)
{
    cJSON *tree = json_parse(text);
    bool valid = cJSON_IsObject(tree);
    cJSON_Delete(tree);
    return valid ? text : fallback;
}

/* ---- members ---- */

void codec_append_comma(struct buf *out)
{
    char last = out->n ? out->p[out->n - 1] : '{';
    if (last != '{' && last != '[' && last != ':' && last != ',') {
        (void)buf_append_byte(out, ',');
    }
}

static void append_name(struct buf *out, const char *name)
{
    codec_append_comma(out);
    (void)buf_appendf(out, "\"%s\":", name);
}

void codec_append_text(struct buf *out, const char *name, struct sv text)
{
    append_name(out, name);
    (void)json_append_string(out, text);
}

void codec_append_raw(struct buf *out, const char *name, struct sv json)
{
    append_name(out, name);
    (void)json_append_repaired(out, json);
}

void codec_append_number(struct buf *out, const char *name, double value)
{
    append_name(out, name);
    (void)buf_appendf(out, "%.15g", value);
}

void codec_append_integer(struct buf *out, const char *name, int64_t value)
{
    append_name(out, name);
    (void)buf_appendf(out, "%lld", (long long)value);
}

void codec_append_texts(struct buf *out, const char *name, const struct sv *texts, size_t count)
{
    append_name(out, name);
    (void)buf_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        codec_append_comma(out);
        (void)json_append_string(out, texts[i]);
    }
    (void)buf_append_byte(out, ']');
}

void codec_append_tool(struct buf *out, const char *schema, const struct chat_tool *tool)
{
    codec_append_text(out, "name", tool->name);
    if (tool->description.n) {
        codec_append_text(out, "description", tool->description);
    }
    codec_append_raw(out, schema,
                     tool->schema.n ? tool->schema : SV("{\"type\":\"object\",\"properties\":{}}"));
}

void codec_append_schema(struct buf *out, const struct chat_options *options)
{
    codec_append_text(out, "name", options->schema_name.n ? options->schema_name : SV("answer"));
    codec_append_raw(out, "schema", options->schema);
    codec_append_raw(out, "strict",
                     codec_schema_is_strict(options->schema) ? SV("true") : SV("false"));
}

/* ---- attachments ---- */

void codec_append_base64(struct buf *out, struct sv bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!buf_reserve(out, (bytes.n + 2) / 3 * 4)) {
        (void)buf_append(out, bytes.p, bytes.n); /* says that it is full */
        return;
    }
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        const unsigned char *p = (const unsigned char *)bytes.p + i;
        unsigned long group = (unsigned long)p[0] << 16 |
                              (left > 1 ? (unsigned long)p[1] << 8 : 0) | (left > 2 ? p[2] : 0);
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        left > 1 ? digits[group >> 6 & 63] : '=',
                        left > 2 ? digits[group & 63] : '='};
        (void)buf_append(out, four, sizeof(four));
    }
}

static bool is_text(struct sv bytes)
{
    return utf8_valid_prefix(bytes.p, bytes.n) == bytes.n && sv_find(bytes, '\0') == bytes.n;
}

enum codec_medium codec_medium_of(const struct chat_attachment *attachment)
{
    static const char *const images[] = {"image/png", "image/jpeg", "image/gif", "image/webp"};
    struct sv type = attachment->media_type;
    type = sv_trim(sv_take(type, sv_find(type, ';')));
    for (size_t i = 0; i < COUNT_OF(images); i++) {
        if (sv_equal_nocase(type, sv_from(images[i]))) {
            return CODEC_IMAGE;
        }
    }
    if (sv_equal_nocase(type, SV("application/pdf"))) {
        return CODEC_PDF;
    }
    bool named = sv_starts_with(type, SV("text/"));
    return named || is_text(attachment->bytes) ? CODEC_PLAIN : CODEC_OTHER;
}

void codec_append_data_url(struct buf *out, const struct chat_attachment *attachment)
{
    struct buf type = BUF_INIT(attachment->media_type.n * 6 + 8);
    (void)json_append_string(&type, attachment->media_type);
    (void)buf_append_str(out, "\"data:");
    (void)buf_append_sv(out, sv_take(sv_skip(buf_sv(&type), 1), type.n - 2));
    (void)buf_append_str(out, ";base64,");
    codec_append_base64(out, attachment->bytes);
    (void)buf_append_byte(out, '"');
    buf_release(&type);
}

void codec_append_file_text(struct buf *out, const struct chat_attachment *attachment,
                            struct sv title)
{
    struct sv name = attachment && attachment->name.n ? attachment->name : title;
    name = name.n ? name : SV("unnamed");
    if (!attachment) {
        (void)buf_append_str(out, "(the file '");
        (void)utf8_append_valid(out, name);
        (void)buf_append_str(out, "' is not there any more)");
        return;
    }
    (void)buf_append_str(out, "File '");
    (void)utf8_append_valid(out, name);
    (void)buf_append_str(out, "':\n\n");
    (void)utf8_append_valid(out, attachment->bytes);
}

enum err_code codec_refuse_attachment(const struct chat_attachment *attachment, struct err *err)
{
    return err_set(err, ERR_INVALID, "cannot send '%.*s': this provider takes no %.*s",
                   SV_ARG(sv_take(attachment->name, 100)),
                   SV_ARG(sv_take(attachment->media_type, 100)));
}

/* ---- schemas, models, the end ---- */

static bool is_required(const cJSON *object, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json_get(object, "required"))
    {
        if (cJSON_IsString(item) && strcmp(item->valuestring, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_strict_object(const cJSON *object)
{
    const cJSON *property;
    cJSON_ArrayForEach(property, json_get(object, "properties"))
    {
        if (!is_required(object, property->string)) {
            return false;
        }
    }
    return cJSON_IsFalse(json_get(object, "additionalProperties"));
}

/* As deep as cJSON reads, which is bounded. */
static bool is_strict(const cJSON *node)
{
    bool object = sv_equal(json_get_text(node, "type"), SV("object")) ||
                  cJSON_IsObject(json_get(node, "properties"));
    if (object && !is_strict_object(node)) {
        return false;
    }
    const cJSON *child;
    cJSON_ArrayForEach(child, node)
    {
        if (!is_strict(child)) {
            return false;
        }
    }
    return true;
}

bool codec_schema_is_strict(struct sv schema)
{
    cJSON *tree = json_parse(schema);
    bool strict = cJSON_IsObject(tree) && is_strict(tree);
    cJSON_Delete(tree);
    return strict;
}

/* o1, o3-mini, gpt-5 and later; gpt-5-chat does not reason. */
bool codec_is_openai_reasoner(const char *model)
{
    struct sv name = sv_from(model);
    size_t slash = sv_find(name, '/');
    name = slash < name.n ? sv_skip(name, slash + 1) : name;
    if (sv_starts_with(name, SV("gpt-"))) {
        long major = strtol(name.p + 4, NULL, 10);
        return major >= 5 && sv_find_sv(name, SV("-chat")) == name.n;
    }
    return name.n >= 2 && name.p[0] == 'o' && name.p[1] >= '1' && name.p[1] <= '9';
}

enum err_code codec_encoded(const struct buf *out, struct err *err)
{
    return buf_ok(out) ? ERR_OK
                       : err_set(err, ERR_TOO_BIG, "the conversation is too large to be sent");
}
