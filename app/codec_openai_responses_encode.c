/*
 * OpenAI Responses: encoding a conversation.
 *
 * Nothing is to be kept on the server, so reasoning comes back encrypted and is sent again with
 * what followed it. Reasoning that nothing follows would be refused, and is left out.
 */
#include <stdlib.h>

#include "app/codec_encode.h"
#include "app/codec_openai_responses_internal.h"
#include "app/codec_turns.h"
#include "app/json.h"

struct encoder {
    struct buf *out;
    const struct chat_request *request;
    const char *open; /* role of the message that is written; NULL: none is */
};

static void close_message(struct encoder *encoder)
{
    if (encoder->open) {
        (void)buf_append_str(encoder->out, "]}");
        encoder->open = NULL;
    }
}

static void open_message(struct encoder *encoder, enum role role)
{
    if (!encoder->open) {
        encoder->open = role_text(role);
        codec_append_comma(encoder->out);
        (void)buf_appendf(encoder->out, "{\"role\":\"%s\",\"content\":[", encoder->open);
    }
    codec_append_comma(encoder->out);
}

static void write_text(struct encoder *encoder, enum role role, struct sv text)
{
    open_message(encoder, role);
    (void)buf_appendf(encoder->out, "{\"type\":\"%s\"",
                      role == ROLE_ASSISTANT ? "output_text" : "input_text");
    codec_append_text(encoder->out, "text", text);
    (void)buf_append_byte(encoder->out, '}');
}

static void write_call(struct encoder *encoder, const struct codec_item *item)
{
    close_message(encoder);
    codec_append_comma(encoder->out);
    (void)buf_append_str(encoder->out, "{\"type\":\"function_call\"");
    codec_append_text(encoder->out, "call_id", item->id);
    codec_append_text(encoder->out, "name", item->name);
    codec_append_text(encoder->out, "arguments", item->text);
    (void)buf_append_byte(encoder->out, '}');
}

static void write_result(struct encoder *encoder, const struct codec_item *item)
{
    close_message(encoder);
    codec_append_comma(encoder->out);
    (void)buf_append_str(encoder->out, "{\"type\":\"function_call_output\"");
    codec_append_text(encoder->out, "call_id", item->id);
    codec_append_text(encoder->out, "output", item->text);
    (void)buf_append_byte(encoder->out, '}');
}

static void write_medium(struct encoder *encoder, const struct chat_attachment *attachment,
                         bool image)
{
    open_message(encoder, ROLE_USER);
    if (image) {
        (void)buf_append_str(encoder->out,
                             "{\"type\":\"input_image\",\"detail\":\"auto\",\"image_url\":");
    } else {
        (void)buf_append_str(encoder->out, "{\"type\":\"input_file\"");
        codec_append_text(encoder->out, "filename",
                          attachment->name.n ? attachment->name : SV("file.pdf"));
        (void)buf_append_str(encoder->out, ",\"file_data\":");
    }
    codec_append_data_url(encoder->out, attachment);
    (void)buf_append_byte(encoder->out, '}');
}

static enum err_code write_attachment(struct encoder *encoder, const struct codec_item *item,
                                      struct err *err)
{
    enum codec_medium medium = item->attachment ? codec_medium_of(item->attachment) : CODEC_PLAIN;
    if (medium == CODEC_OTHER) {
        return codec_refuse_attachment(item->attachment, err);
    }
    if (medium == CODEC_PLAIN) {
        struct buf words = BUF_INIT(BUF_MAX_INTERNAL);
        codec_append_file_text(&words, item->attachment, item->name);
        write_text(encoder, ROLE_USER, buf_sv(&words));
        buf_release(&words);
    } else {
        write_medium(encoder, item->attachment, medium == CODEC_IMAGE);
    }
    return ERR_OK;
}

static bool is_reasoning(const struct codec_item *item)
{
    cJSON *tree = json_parse(item->text);
    bool is = sv_equal(json_get_text(tree, "type"), SV("reasoning"));
    cJSON_Delete(tree);
    return is;
}

static void write_native(struct encoder *encoder, const struct codec_turn *turn, size_t at)
{
    bool followed = at + 1 < turn->count && turn->items[at + 1].kind == PART_NATIVE;
    if (followed || !is_reasoning(&turn->items[at])) {
        close_message(encoder);
        codec_append_comma(encoder->out);
        (void)json_append_repaired(encoder->out, turn->items[at].text);
    }
}

static enum err_code write_item(struct encoder *encoder, const struct codec_turn *turn, size_t at,
                                struct err *err)
{
    const struct codec_item *item = &turn->items[at];
    switch (item->kind) {
    case PART_TEXT:
        write_text(encoder, turn->role, item->text);
        break;
    case PART_TOOL_CALL:
        write_call(encoder, item);
        break;
    case PART_TOOL_RESULT:
        write_result(encoder, item);
        break;
    case PART_ATTACHMENT:
        return write_attachment(encoder, item, err);
    case PART_NATIVE:
        write_native(encoder, turn, at);
        break;
    default:
        break;
    }
    return ERR_OK;
}

static enum err_code write_input(struct encoder *encoder, const struct codec_turns *turns,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    (void)buf_append_str(encoder->out, ",\"input\":[");
    for (size_t i = 0; code == ERR_OK && i < turns->count; i++) {
        const struct codec_turn *turn = &turns->turns[i];
        for (size_t k = 0; code == ERR_OK && k < turn->count; k++) {
            code = write_item(encoder, turn, k, err);
        }
        close_message(encoder);
    }
    (void)buf_append_byte(encoder->out, ']');
    return code;
}

/* ---- options ---- */

static void write_reasoning(struct encoder *encoder)
{
    const struct chat_options *options = &encoder->request->options;
    bool reasons = codec_is_openai_reasoner(encoder->request->model);
    bool summary = options->show_reasoning && (reasons || options->effort.n);
    if (reasons && !options->forget_reasoning) {
        (void)buf_append_str(encoder->out, ",\"include\":[\"reasoning.encrypted_content\"]");
    }
    if (!summary && !options->effort.n) {
        return;
    }
    (void)buf_append_str(encoder->out, ",\"reasoning\":{");
    if (options->effort.n) {
        codec_append_text(encoder->out, "effort", options->effort);
    }
    if (summary) {
        codec_append_text(encoder->out, "summary", SV("auto"));
    }
    (void)buf_append_byte(encoder->out, '}');
}

static void write_tools(struct encoder *encoder)
{
    const struct chat_options *options = &encoder->request->options;
    if (options->tool_count == 0) {
        return;
    }
    (void)buf_append_str(encoder->out, ",\"tools\":[");
    for (size_t i = 0; i < options->tool_count; i++) {
        const struct chat_tool *tool = &options->tools[i];
        (void)buf_appendf(encoder->out, "%s{\"type\":\"function\"", i ? "," : "");
        codec_append_tool(encoder->out, "parameters", tool);
        (void)buf_append_str(encoder->out, ",\"strict\":false}");
    }
    (void)buf_append_byte(encoder->out, ']');
}

static void write_format(struct encoder *encoder)
{
    const struct chat_options *options = &encoder->request->options;
    if (options->schema.n) {
        (void)buf_append_str(encoder->out, ",\"text\":{\"format\":{\"type\":\"json_schema\"");
        codec_append_schema(encoder->out, options);
        (void)buf_append_str(encoder->out, "}}");
    }
}

/* Models that reason take none of these, unless they are told not to. */
static void write_sampling(struct encoder *encoder)
{
    const struct chat_options *options = &encoder->request->options;
    if (codec_is_openai_reasoner(encoder->request->model) &&
        !sv_equal(options->effort, SV("none"))) {
        return;
    }
    if (options->has_temperature) {
        codec_append_number(encoder->out, "temperature", options->temperature);
    }
    if (options->has_top_p) {
        codec_append_number(encoder->out, "top_p", options->top_p);
    }
}

static enum err_code write_request(struct encoder *encoder, const struct codec_turns *turns,
                                   struct err *err)
{
    const struct chat_request *request = encoder->request;
    (void)buf_append_byte(encoder->out, '{');
    codec_append_text(encoder->out, "model", sv_from(request->model));
    (void)buf_append_str(encoder->out, ",\"stream\":true,\"store\":false");
    if (request->system.n) {
        codec_append_text(encoder->out, "instructions", request->system);
    }
    enum err_code code = write_input(encoder, turns, err);
    write_tools(encoder);
    write_reasoning(encoder);
    if (request->options.has_max_tokens) {
        codec_append_integer(encoder->out, "max_output_tokens", request->options.max_tokens);
    }
    write_sampling(encoder);
    write_format(encoder);
    (void)buf_append_byte(encoder->out, '}');
    return code ? code : codec_encoded(encoder->out, err);
}

enum err_code responses__encode(const struct chat_request *request, struct buf *out,
                                struct err *err)
{
    struct encoder encoder = {.out = out, .request = request};
    struct codec_turns turns;
    if (request->options.stop_count) {
        return err_set(err, ERR_INVALID,
                       "provider type 'openai-responses' has no texts that end an answer (stop)");
    }
    codec_turns_make(request, false, &turns);
    enum err_code code = turns.count ? write_request(&encoder, &turns, err)
                                     : err_set(err, ERR_INVALID, "there is no message to send");
    codec_turns_release(&turns);
    return code;
}
