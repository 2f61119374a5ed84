/*
 * Chat Completions: what some servers want back as it was, beside the text.
 *
 * OpenRouter's `reasoning_details` come in pieces with an index: one text of
 * each grows, everything else is set. They are kept as one native item, {"reasoning_details":[…]}.
 * The `extra_content` of a call (Google's signature) is one for each,
 * {"call_id":"…","extra_content":{…}}.
 */
#include <stdlib.h>
#include <string.h>

#include "app/codec_encode.h"
#include "app/codec_openai_chat_internal.h"
#include "app/json.h"
#include "base/alloc.h"

/* Of all details of an answer together; what comes after that is left out. */
#define DETAILS_MAX_BYTES ((size_t)16 << 20)
#define DETAILS_MAX 1024

static bool is_same(const struct chat_detail *detail, const cJSON *piece)
{
    return sv_equal(json_get_text(detail->rest, "type"), json_get_text(piece, "type"));
}

/* The one that a piece continues, or NULL: pieces without an index continue the last one. */
static struct chat_detail *detail_with(struct decoder *decoder, const cJSON *piece)
{
    int64_t wanted = 0;
    int64_t index = 0;
    bool numbered = json_get_int(piece, "index", &wanted);
    for (size_t i = decoder->detail_count; i > 0; i--) {
        struct chat_detail *detail = &decoder->details[i - 1];
        bool has_index = json_get_int(detail->rest, "index", &index);
        if (is_same(detail, piece) && numbered == has_index && (!numbered || index == wanted)) {
            return detail;
        }
        if (!numbered) {
            break;
        }
    }
    return NULL;
}

static struct chat_detail *new_detail(struct decoder *decoder)
{
    size_t count = decoder->detail_count;
    if (count == DETAILS_MAX) {
        return NULL;
    }
    decoder->details = xrealloc(decoder->details, (count + 1) * sizeof *decoder->details);
    decoder->details[count] =
        (struct chat_detail){.rest = cJSON_CreateObject(), .text = BUF_INIT(DETAILS_MAX_BYTES)};
    decoder->detail_count++;
    return &decoder->details[count];
}

/* The members that come in pieces, of which a detail has one. */
static const char *growing_name(const char *name)
{
    static const char *const names[] = {"text", "summary", "data"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return names[i];
        }
    }
    return NULL;
}

static void take_member(struct decoder *decoder, struct chat_detail *detail, const cJSON *member)
{
    const char *growing = cJSON_IsString(member) ? growing_name(member->string) : NULL;
    if (growing && (!detail->grown || detail->grown == growing)) {
        detail->grown = growing;
        decoder->detail_bytes += strlen(member->valuestring);
        (void)buf_append_str(&detail->text, member->valuestring);
    } else if (!cJSON_IsNull(member)) {
        cJSON_DeleteItemFromObjectCaseSensitive(detail->rest, member->string);
        cJSON_AddItemToObject(detail->rest, member->string, cJSON_Duplicate(member, true));
    }
}

void openai_chat__take_details(struct decoder *decoder, const cJSON *pieces)
{
    const cJSON *piece;
    cJSON_ArrayForEach(piece, pieces)
    {
        struct chat_detail *detail = NULL;
        if (cJSON_IsObject(piece) && decoder->detail_bytes < DETAILS_MAX_BYTES) {
            detail = detail_with(decoder, piece);
            detail = detail ? detail : new_detail(decoder);
        }
        for (const cJSON *member = detail ? piece->child : NULL; member; member = member->next) {
            take_member(decoder, detail, member);
        }
    }
}

void openai_chat__free_details(struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->detail_count; i++) {
        cJSON_Delete(decoder->details[i].rest);
        buf_release(&decoder->details[i].text);
    }
    free(decoder->details);
    decoder->details = NULL;
    decoder->detail_count = 0;
}

static void append_tree(struct buf *out, const char *name, const cJSON *tree)
{
    char *text = cJSON_PrintUnformatted(tree);
    codec_append_raw(out, name, sv_from(text));
    cJSON_free(text);
}

void openai_chat__keep_extra(struct chat_call *call, const cJSON *extra)
{
    if (cJSON_IsObject(extra) && !call->extra) {
        struct buf text = BUF_INIT(DETAILS_MAX_BYTES);
        (void)buf_append_byte(&text, '{');
        append_tree(&text, "extra_content", extra);
        (void)buf_append_byte(&text, '}');
        call->extra = buf_ok(&text) ? buf_detach(&text) : NULL;
        buf_release(&text);
    }
}

static void append_details(struct buf *out, const struct decoder *decoder)
{
    (void)buf_append_str(out, "{\"reasoning_details\":[");
    for (size_t i = 0; i < decoder->detail_count; i++) {
        const struct chat_detail *detail = &decoder->details[i];
        char *rest = cJSON_PrintUnformatted(detail->rest);
        codec_append_comma(out);
        (void)buf_append_str(out, rest);
        cJSON_free(rest);
        if (detail->grown) {
            buf_truncate(out, out->n - 1); /* its closing brace */
            codec_append_text(out, detail->grown, buf_sv(&detail->text));
            (void)buf_append_byte(out, '}');
        }
    }
    (void)buf_append_str(out, "]}");
}

void openai_chat__send_natives(struct decoder *decoder)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < decoder->call_count; i++) {
        const struct chat_call *call = &decoder->calls[i];
        if (call->extra && call->id) {
            (void)buf_append_byte(&text, '{');
            codec_append_text(&text, "call_id", sv_from(call->id));
            codec_append_raw(&text, "extra_content",
                             json_raw_get(sv_from(call->extra), SV("extra_content")));
            (void)buf_append_byte(&text, '}');
            codec_out_native(&decoder->out, (struct sv){NULL, 0}, buf_sv(&text));
            buf_clear(&text);
        }
    }
    if (decoder->detail_count) {
        append_details(&text, decoder);
        codec_out_native(&decoder->out, (struct sv){NULL, 0}, buf_sv(&text));
    }
    buf_release(&text);
}

/* ---- on the way back ---- */

static bool is_own(const struct chat_request *request, const struct message *message)
{
    return message->model && request->label && strcmp(message->model, request->label) == 0 &&
           !request->options.forget_reasoning && openai_chat__dialect(request)->returns_details;
}

struct sv openai_chat__details_of(const struct chat_request *request, const struct message *message)
{
    struct sv found = {NULL, 0};
    for (size_t i = 0; is_own(request, message) && i < message->part_count && !found.n; i++) {
        const struct message_part *part = &message->parts[i];
        if (part->kind == PART_NATIVE) {
            found = json_raw_get(sv_of(part->text, part->text_n), SV("reasoning_details"));
        }
    }
    return found;
}

struct sv openai_chat__extra_of(const struct chat_request *request, const struct message *message,
                                const char *call_id)
{
    struct sv found = {NULL, 0};
    for (size_t i = 0; is_own(request, message) && i < message->part_count && !found.n; i++) {
        const struct message_part *part = &message->parts[i];
        struct sv text = sv_of(part->text, part->text_n);
        cJSON *tree = part->kind == PART_NATIVE ? json_parse(text) : NULL;
        if (tree && sv_equal_str(json_get_text(tree, "call_id"), call_id)) {
            found = json_raw_get(text, SV("extra_content"));
        }
        cJSON_Delete(tree);
    }
    return found;
}
