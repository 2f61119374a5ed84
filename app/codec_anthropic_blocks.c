/*
 * Blocks of an Anthropic answer. Several may be open at once, and some servers end all of them only
 * with the answer, so each has its part and is found by its index.
 *
 * A block whose neutral form does not say everything becomes a native item when it ends: thinking
 * with its signature, text with citations, and every block that is not ours to understand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/codec_anthropic_internal.h"
#include "app/codec_encode.h"
#include "app/json.h"
#include "base/alloc.h"

/* More blocks in one answer are a server gone wild. */
#define BLOCKS_MAX 4096
#define HELD_MAX ((size_t)64 << 20)
#define NUMBER_SIZE 12

static enum anthropic_kind kind_of(struct sv type)
{
    if (sv_equal(type, SV("text"))) {
        return BLOCK_TEXT;
    }
    if (sv_equal(type, SV("thinking"))) {
        return BLOCK_THINKING;
    }
    return sv_equal(type, SV("tool_use")) ? BLOCK_CALL : BLOCK_OTHER;
}

static struct anthropic_block *find_block(struct decoder *decoder, int64_t index)
{
    for (size_t i = decoder->block_count; i > 0; i--) {
        if (decoder->blocks[i - 1].index == index) {
            return &decoder->blocks[i - 1];
        }
    }
    return NULL;
}

static struct anthropic_block *new_block(struct decoder *decoder, int64_t index,
                                         enum anthropic_kind kind)
{
    static const struct http_failure too_many = {.code = ERR_TOO_BIG,
                                                 .text = "the answer has too many blocks"};
    if (decoder->block_count == BLOCKS_MAX) {
        codec_out_fail(&decoder->out, &too_many, FINISH_ERROR);
        return NULL;
    }
    size_t count = decoder->block_count + 1;
    decoder->blocks = xrealloc(decoder->blocks, count * sizeof(*decoder->blocks));
    struct anthropic_block *block = &decoder->blocks[decoder->block_count++];
    *block = (struct anthropic_block){.index = index,
                                      .kind = kind,
                                      .text = BUF_INIT(HELD_MAX),
                                      .signature = BUF_INIT(HELD_MAX),
                                      .citations = BUF_INIT(HELD_MAX),
                                      .raw = BUF_INIT(HELD_MAX),
                                      .input = BUF_INIT(HELD_MAX)};
    return block;
}

/* Keeps text for the block's end. */
static void hold(struct decoder *decoder, struct buf *held, struct sv text)
{
    if (codec_out_count(&decoder->out, text)) {
        (void)buf_append_sv(held, text);
    }
}

static void hold_json(struct decoder *decoder, struct buf *held, struct sv raw)
{
    if (codec_out_count(&decoder->out, raw)) {
        (void)json_append_repaired(held, raw);
    }
}

/* Text or thinking; its part begins with the first of it. */
static void take_text(struct decoder *decoder, struct anthropic_block *block, struct sv text)
{
    if (text.n == 0) {
        return;
    }
    if (!block->begun) {
        block->begun = true;
        block->part = decoder->out.next_part++;
    }
    (void)buf_append_sv(&block->text, text);
    codec_out_text(&decoder->out, block->kind == BLOCK_TEXT ? STREAM_TEXT : STREAM_REASONING,
                   block->part, text);
}

/* Text and thinking have no input; a server that sends some must not have it become their text. */
static void take_input(struct decoder *decoder, struct anthropic_block *block, struct sv text)
{
    if (block->kind == BLOCK_OTHER) {
        hold(decoder, &block->input, text);
    } else if (block->kind == BLOCK_CALL && text.n) {
        block->has_input = true;
        codec_out_text(&decoder->out, STREAM_TOOL_INPUT, block->part, text);
    }
}

/* The placeholder {} is what a block begins with when its input comes in deltas. */
static void begin_call(struct decoder *decoder, struct anthropic_block *block, const cJSON *item,
                       struct sv raw)
{
    struct sv id = json_get_text(item, "id");
    struct sv name = json_get_text(item, "name");
    char *own =
        id.n ? NULL : codec_make_call_id(sv_from(decoder->id), (size_t)(block - decoder->blocks));
    block->begun = true;
    block->part = codec_out_call(&decoder->out, own ? sv_from(own) : id, name);
    free(own);
    const cJSON *input = json_get(item, "input");
    if (cJSON_IsObject(input) && input->child) {
        hold_json(decoder, &block->input, json_raw_get(raw, SV("input")));
    }
}

static void take_citations(struct decoder *decoder, struct anthropic_block *block, struct sv raw)
{
    struct sv item;
    while (json_next_item(&raw, &item)) {
        codec_append_comma(&block->citations);
        hold_json(decoder, &block->citations, item);
    }
}

void anthropic__begin_block(struct decoder *decoder, const cJSON *item, int64_t index,
                            struct sv raw)
{
    struct sv type = json_get_text(item, "type");
    struct anthropic_block *block = new_block(decoder, index, kind_of(type));
    if (!block) {
        return;
    }
    switch (block->kind) {
    case BLOCK_TEXT:
        take_text(decoder, block, json_get_text(item, "text"));
        take_citations(decoder, block, json_raw_get(raw, SV("citations")));
        break;
    case BLOCK_THINKING:
        take_text(decoder, block, json_get_text(item, "thinking"));
        hold(decoder, &block->signature, json_get_text(item, "signature"));
        break;
    case BLOCK_CALL:
        begin_call(decoder, block, item, raw);
        break;
    case BLOCK_OTHER:
        hold_json(decoder, &block->raw, raw);
        break;
    }
}

/* The kind of a block whose beginning did not come; a call cannot do without its own. */
static struct anthropic_block *block_of_delta(struct decoder *decoder, struct sv type,
                                              int64_t index)
{
    struct anthropic_block *block = find_block(decoder, index);
    if (!block && sv_equal(type, SV("text_delta"))) {
        block = new_block(decoder, index, BLOCK_TEXT);
    } else if (!block && sv_equal(type, SV("thinking_delta"))) {
        block = new_block(decoder, index, BLOCK_THINKING);
    }
    return block && !block->ended ? block : NULL;
}

void anthropic__take_delta(struct decoder *decoder, const cJSON *delta, int64_t index,
                           struct sv event)
{
    struct sv type = json_get_text(delta, "type");
    struct anthropic_block *block = block_of_delta(decoder, type, index);
    if (!block) {
        return;
    }
    bool text = sv_equal(type, SV("text_delta")) && block->kind == BLOCK_TEXT;
    bool thinking = block->kind == BLOCK_THINKING;
    if (text) {
        take_text(decoder, block, json_get_text(delta, "text"));
    } else if (sv_equal(type, SV("thinking_delta")) && thinking) {
        take_text(decoder, block, json_get_text(delta, "thinking"));
    } else if (sv_equal(type, SV("signature_delta")) && thinking) {
        buf_clear(&block->signature);
        hold(decoder, &block->signature, json_get_text(delta, "signature"));
    } else if (sv_equal(type, SV("input_json_delta"))) {
        take_input(decoder, block, json_get_text(delta, "partial_json"));
    } else if (sv_equal(type, SV("citations_delta")) && block->kind == BLOCK_TEXT) {
        codec_append_comma(&block->citations);
        hold_json(decoder, &block->citations,
                  json_raw_get(json_raw_get(event, SV("delta")), SV("citation")));
    }
}

/* ---- the end of a block ---- */

static void send_native(struct decoder *decoder, const struct anthropic_block *block,
                        const struct buf *json)
{
    char number[NUMBER_SIZE] = "";
    if (block->begun) {
        (void)snprintf(number, sizeof(number), "%u", block->part);
    }
    codec_out_native(&decoder->out, sv_from(number), buf_sv(json));
}

static void end_text(struct decoder *decoder, const struct anthropic_block *block)
{
    struct buf json = BUF_INIT(BUF_MAX_INTERNAL);
    if (block->citations.n && block->begun) {
        (void)buf_append_str(&json, "{\"type\":\"text\"");
        codec_append_text(&json, "text", buf_sv(&block->text));
        (void)buf_appendf(&json, ",\"citations\":[");
        (void)buf_append_sv(&json, buf_sv(&block->citations));
        (void)buf_append_str(&json, "]}");
        send_native(decoder, block, &json);
    }
    buf_release(&json);
}

static void end_thinking(struct decoder *decoder, const struct anthropic_block *block)
{
    struct buf json = BUF_INIT(BUF_MAX_INTERNAL);
    if (block->begun) {
        codec_out_reasoning_end(&decoder->out, block->part);
    }
    if (block->signature.n) {
        (void)buf_append_str(&json, "{\"type\":\"thinking\"");
        codec_append_text(&json, "thinking", buf_sv(&block->text));
        codec_append_text(&json, "signature", buf_sv(&block->signature));
        (void)buf_append_byte(&json, '}');
        send_native(decoder, block, &json);
    }
    buf_release(&json);
}

static void end_input(struct decoder *decoder, struct anthropic_block *block)
{
    if (!block->has_input) {
        take_input(decoder, block, block->input.n ? buf_sv(&block->input) : SV("{}"));
    }
}

/* As it began, with the input that came in pieces in place of the one that it began with. */
static void end_other(struct decoder *decoder, const struct anthropic_block *block)
{
    struct sv input = codec_object_or(buf_sv(&block->input), SV(""));
    struct buf json = BUF_INIT(BUF_MAX_INTERNAL);
    struct sv rest = buf_sv(&block->raw);
    struct sv name;
    struct sv value;
    if (input.n == 0) {
        (void)buf_append_sv(&json, rest);
    } else {
        (void)buf_append_byte(&json, '{');
        while (json_next_member(&rest, &name, &value)) {
            bool is_input = sv_equal(name, SV("input"));
            (void)buf_appendf(&json, "%s\"%.*s\":", json.n > 1 ? "," : "", SV_ARG(name));
            (void)buf_append_sv(&json, is_input ? input : value);
        }
        (void)buf_append_byte(&json, '}');
    }
    send_native(decoder, block, &json);
    buf_release(&json);
}

static void end_block(struct decoder *decoder, struct anthropic_block *block)
{
    if (block->ended) {
        return;
    }
    block->ended = true;
    switch (block->kind) {
    case BLOCK_TEXT:
        end_text(decoder, block);
        break;
    case BLOCK_THINKING:
        end_thinking(decoder, block);
        break;
    case BLOCK_CALL:
        end_input(decoder, block);
        break;
    case BLOCK_OTHER:
        end_other(decoder, block);
        break;
    }
}

void anthropic__end_block(struct decoder *decoder, int64_t index)
{
    struct anthropic_block *block = find_block(decoder, index);
    if (block) {
        end_block(decoder, block);
    }
}

/* Calls count only now: the server may have cut the last one short. */
void anthropic__end_blocks(struct decoder *decoder, bool whole)
{
    for (size_t i = 0; i < decoder->block_count; i++) {
        struct anthropic_block *block = &decoder->blocks[i];
        if (whole || block->kind != BLOCK_CALL) {
            end_block(decoder, block);
        }
        if (whole && block->kind == BLOCK_CALL) {
            codec_out_call_end(&decoder->out, block->part);
        }
    }
}

size_t anthropic__call_count(const struct decoder *decoder)
{
    size_t count = 0;
    for (size_t i = 0; i < decoder->block_count; i++) {
        count += decoder->blocks[i].kind == BLOCK_CALL;
    }
    return count;
}

void anthropic__free_blocks(struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->block_count; i++) {
        struct anthropic_block *block = &decoder->blocks[i];
        buf_release(&block->text);
        buf_release(&block->signature);
        buf_release(&block->citations);
        buf_release(&block->raw);
        buf_release(&block->input);
    }
    free(decoder->blocks);
    decoder->blocks = NULL;
    decoder->block_count = 0;
}
