/*
 * Ollama's own chat protocol: encoding a conversation.
 *
 * A message holds one text, so the texts of a turn are joined. The server drops the oldest messages
 * without a word when they do not fit: it is told not to, and told the window where the config
 * knows it.
 */
#include "app/codec_encode.h"
#include "app/codec_ollama_internal.h"
#include "app/codec_turns.h"
#include "app/json.h"

struct encoder {
    struct buf *out;
    struct buf text;      /* of the message that is gathered */
    struct buf reasoning; /* the same */
    enum err_code code;
    struct err *err;
};

static void begin_message(struct buf *out, struct sv role)
{
    codec_append_comma(out);
    (void)buf_append_byte(out, '{');
    codec_append_text(out, "role", role);
}

static void end_message(struct buf *out)
{
    (void)buf_append_byte(out, '}');
}

static void begin_list(struct buf *out, const char *name)
{
    codec_append_comma(out);
    (void)buf_appendf(out, "\"%s\":[", name);
}

static void gather(struct buf *text, struct sv more)
{
    (void)buf_append_str(text, text->n ? "\n\n" : "");
    (void)buf_append_sv(text, more);
}

static void gather_file(struct encoder *encoder, const struct codec_item *item)
{
    if (item->attachment && codec_medium_of(item->attachment) != CODEC_PLAIN) {
        encoder->code = codec_refuse_attachment(item->attachment, encoder->err);
        return;
    }
    (void)buf_append_str(&encoder->text, encoder->text.n ? "\n\n" : "");
    codec_append_file_text(&encoder->text, item->attachment, item->name);
}

static bool is_image(const struct codec_item *item)
{
    return item->kind == PART_ATTACHMENT && item->attachment &&
           codec_medium_of(item->attachment) == CODEC_IMAGE;
}

static void write_result(struct buf *out, const struct codec_item *item)
{
    begin_message(out, SV("tool"));
    codec_append_text(out, "tool_name", item->name);
    codec_append_text(out, "tool_call_id", item->id);
    codec_append_text(out, "content", item->text);
    end_message(out);
}

/* Results are messages of their own, before the turn's other words. */
static void gather_turn(struct encoder *encoder, const struct codec_turn *turn)
{
    buf_clear(&encoder->text);
    buf_clear(&encoder->reasoning);
    for (size_t i = 0; i < turn->count; i++) {
        const struct codec_item *item = &turn->items[i];
        if (item->kind == PART_TOOL_RESULT) {
            write_result(encoder->out, item);
        } else if (item->kind == PART_TEXT) {
            gather(&encoder->text, item->text);
        } else if (item->kind == PART_REASONING) {
            gather(&encoder->reasoning, item->text);
        } else if (item->kind == PART_ATTACHMENT && !is_image(item)) {
            gather_file(encoder, item);
        }
    }
}

static size_t count_items(const struct codec_turn *turn, enum part_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < turn->count; i++) {
        const struct codec_item *item = &turn->items[i];
        count += item->kind == kind && (kind != PART_ATTACHMENT || is_image(item));
    }
    return count;
}

static void write_images(struct buf *out, const struct codec_turn *turn)
{
    begin_list(out, "images");
    for (size_t i = 0; i < turn->count; i++) {
        if (is_image(&turn->items[i])) {
            codec_append_comma(out);
            (void)buf_append_byte(out, '"');
            codec_append_base64(out, turn->items[i].attachment->bytes);
            (void)buf_append_byte(out, '"');
        }
    }
    (void)buf_append_byte(out, ']');
}

static void write_calls(struct buf *out, const struct codec_turn *turn)
{
    size_t index = 0;
    begin_list(out, "tool_calls");
    for (size_t i = 0; i < turn->count; i++) {
        const struct codec_item *item = &turn->items[i];
        if (item->kind != PART_TOOL_CALL) {
            continue;
        }
        codec_append_comma(out);
        (void)buf_append_byte(out, '{');
        codec_append_text(out, "id", item->id);
        (void)buf_appendf(out, ",\"function\":{\"index\":%zu", index++);
        codec_append_text(out, "name", item->name);
        codec_append_raw(out, "arguments", item->text);
        (void)buf_append_str(out, "}}");
    }
    (void)buf_append_byte(out, ']');
}

static void write_turn(struct encoder *encoder, const struct codec_turn *turn)
{
    struct buf *out = encoder->out;
    size_t images = count_items(turn, PART_ATTACHMENT);
    size_t calls = count_items(turn, PART_TOOL_CALL);
    gather_turn(encoder, turn);
    if (encoder->text.n == 0 && images == 0 && calls == 0) {
        return;
    }
    begin_message(out, sv_from(role_text(turn->role)));
    codec_append_text(out, "content", buf_sv(&encoder->text));
    if (encoder->reasoning.n) {
        codec_append_text(out, "thinking", buf_sv(&encoder->reasoning));
    }
    if (images) {
        write_images(out, turn);
    }
    if (calls) {
        write_calls(out, turn);
    }
    end_message(out);
}

static void write_messages(struct encoder *encoder, const struct chat_request *request,
                           const struct codec_turns *turns)
{
    begin_list(encoder->out, "messages");
    if (request->system.n) {
        begin_message(encoder->out, SV("system"));
        codec_append_text(encoder->out, "content", request->system);
        end_message(encoder->out);
    }
    for (size_t i = 0; i < turns->count; i++) {
        write_turn(encoder, &turns->turns[i]);
    }
    (void)buf_append_byte(encoder->out, ']');
}

static void write_tools(struct buf *out, const struct chat_options *options)
{
    if (options->tool_count == 0) {
        return;
    }
    begin_list(out, "tools");
    for (size_t i = 0; i < options->tool_count; i++) {
        const struct chat_tool *tool = &options->tools[i];
        codec_append_comma(out);
        (void)buf_append_str(out, "{\"type\":\"function\",\"function\":{");
        codec_append_text(out, "name", tool->name);
        if (tool->description.n) {
            codec_append_text(out, "description", tool->description);
        }
        codec_append_raw(out, "parameters",
                         tool->schema.n ? tool->schema
                                        : SV("{\"type\":\"object\",\"properties\":{}}"));
        (void)buf_append_str(out, "}}");
    }
    (void)buf_append_byte(out, ']');
}

/* gpt-oss takes the levels only; models without them take any level for yes. */
static const struct {
    const char *effort, *think;
} efforts[] = {
    {"none", "false"},    {"minimal", "\"low\""}, {"low", "\"low\""},  {"medium", "\"medium\""},
    {"high", "\"high\""}, {"xhigh", "\"high\""},  {"max", "\"high\""},
};

static void write_thinking(struct buf *out, struct sv effort)
{
    for (size_t i = 0; i < COUNT_OF(efforts); i++) {
        if (sv_equal_str(effort, efforts[i].effort)) {
            codec_append_raw(out, "think", sv_from(efforts[i].think));
        }
    }
}

static void write_options(struct buf *out, const struct chat_request *request)
{
    const struct chat_options *options = &request->options;
    size_t start = out->n;
    codec_append_comma(out);
    (void)buf_append_str(out, "\"options\":{");
    size_t empty = out->n;
    if (request->context_tokens > 0) {
        codec_append_integer(out, "num_ctx", request->context_tokens);
    }
    if (options->has_max_tokens) {
        codec_append_integer(out, "num_predict", options->max_tokens);
    }
    if (options->has_temperature) {
        codec_append_number(out, "temperature", options->temperature);
    }
    if (options->has_top_p) {
        codec_append_number(out, "top_p", options->top_p);
    }
    if (options->stop_count) {
        codec_append_texts(out, "stop", options->stop, options->stop_count);
    }
    if (out->n == empty) {
        buf_truncate(out, start);
    } else {
        (void)buf_append_byte(out, '}');
    }
}

enum err_code ollama__encode(const struct chat_request *request, struct buf *out, struct err *err)
{
    struct codec_turns turns;
    struct encoder encoder = {.out = out,
                              .text = BUF_INIT(BUF_MAX_INTERNAL),
                              .reasoning = BUF_INIT(BUF_MAX_INTERNAL),
                              .err = err};
    codec_turns_make(request, false, &turns);
    size_t count = turns.count;
    (void)buf_append_byte(out, '{');
    codec_append_text(out, "model", sv_from(request->model));
    (void)buf_append_str(out, ",\"stream\":true,\"truncate\":false");
    write_messages(&encoder, request, &turns);
    write_tools(out, &request->options);
    write_thinking(out, request->options.effort);
    if (request->options.schema.n) {
        codec_append_raw(out, "format", request->options.schema);
    }
    write_options(out, request);
    (void)buf_append_byte(out, '}');

    bool fits = buf_ok(&encoder.text) && buf_ok(&encoder.reasoning);
    codec_turns_release(&turns);
    buf_release(&encoder.text);
    buf_release(&encoder.reasoning);
    if (count == 0) {
        return err_set(err, ERR_INVALID, "there is no message to send");
    }
    if (!fits) {
        return err_set(err, ERR_TOO_BIG, "the conversation is too large to be sent");
    }
    return encoder.code ? encoder.code : codec_encoded(out, err);
}
