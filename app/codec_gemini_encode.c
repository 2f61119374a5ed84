/*
 * Gemini: encoding a conversation.
 *
 * A function call of Gemini 3 goes back with its signature, which its native item holds; a call
 * that another model made carries the documented word that stands for one instead. A result repeats
 * the call's id only where the server had given one.
 */
#include "app/codec_encode.h"
#include "app/codec_gemini_internal.h"
#include "app/codec_turns.h"
#include "app/json.h"

#define NO_SIGNATURE "skip_thought_signature_validator"

struct encoder {
    struct buf *out;
    const struct chat_request *request;
    const struct codec_turn *before; /* the turn that results answer, or NULL */
    bool is_signed;                  /* the turn's first call has been written */
    enum err_code code;
    struct err *err;
};

/* ---- what a model takes ---- */

static struct sv bare_model(const struct chat_request *request)
{
    struct sv name = sv_from(request->model);
    return sv_starts_with(name, SV("models/")) ? sv_skip(name, SV("models/").n) : name;
}

/* "gemini-2.5-flash": 2. Names without a number are of the newest; 0: another family. */
static int generation(const struct chat_request *request)
{
    struct sv name = bare_model(request);
    if (!sv_starts_with(name, SV("gemini-"))) {
        return 0;
    }
    char digit = name.n > 7 ? name.p[7] : 'x';
    return digit >= '1' && digit <= '9' ? digit - '0' : 9;
}

static bool is_2_5(const struct chat_request *request)
{
    return sv_starts_with(bare_model(request), SV("gemini-2.5"));
}

const char *gemini__key_header(const struct chat_request *request)
{
    (void)request;
    return "x-goog-api-key: ";
}

void gemini__path(const struct chat_request *request, struct buf *out)
{
    (void)buf_append_str(out, "/models/");
    codec_append_segment(out, bare_model(request));
    (void)buf_append_str(out, ":streamGenerateContent?alt=sse");
}

/* ---- parts ---- */

static void begin(struct buf *out, const char *name, char bracket)
{
    codec_append_comma(out);
    (void)buf_appendf(out, "\"%s\":%c", name, bracket);
}

static void write_text(struct buf *out, struct sv text)
{
    codec_append_comma(out);
    (void)buf_append_byte(out, '{');
    codec_append_text(out, "text", text);
    (void)buf_append_byte(out, '}');
}

static void write_call(struct encoder *encoder, const struct codec_item *item)
{
    struct buf *out = encoder->out;
    codec_append_comma(out);
    (void)buf_append_str(out, "{\"functionCall\":{");
    codec_append_text(out, "name", item->name);
    codec_append_raw(out, "args", item->text);
    (void)buf_append_byte(out, '}');
    if (!encoder->is_signed && generation(encoder->request) > 2) {
        codec_append_text(out, "thoughtSignature", SV(NO_SIGNATURE));
    }
    encoder->is_signed = true;
    (void)buf_append_byte(out, '}');
}

static void write_native(struct encoder *encoder, const struct codec_item *item)
{
    bool is_call = json_raw_get(item->text, SV("functionCall")).n > 0;
    codec_append_comma(encoder->out);
    (void)json_append_repaired(encoder->out, item->text);
    encoder->is_signed = encoder->is_signed || is_call;
}

/* Whether one of the calls as they came has that id; others are of our own making. */
static bool is_servers_id(const struct codec_turn *turn, struct sv id)
{
    for (size_t i = 0; turn && i < turn->count; i++) {
        if (turn->items[i].kind != PART_NATIVE) {
            continue;
        }
        cJSON *tree = json_parse(turn->items[i].text);
        bool found = sv_equal(json_get_text(json_get(tree, "functionCall"), "id"), id);
        cJSON_Delete(tree);
        if (found) {
            return true;
        }
    }
    return false;
}

static void write_result(struct encoder *encoder, const struct codec_item *item)
{
    struct buf *out = encoder->out;
    codec_append_comma(out);
    (void)buf_append_str(out, "{\"functionResponse\":{");
    if (is_servers_id(encoder->before, item->id)) {
        codec_append_text(out, "id", item->id);
    }
    codec_append_text(out, "name", item->name);
    begin(out, "response", '{');
    codec_append_text(out, "output", item->text);
    (void)buf_append_str(out, "}}}");
}

static bool is_carried(const struct chat_attachment *attachment)
{
    enum codec_medium medium = codec_medium_of(attachment);
    return medium == CODEC_IMAGE || medium == CODEC_PDF ||
           sv_starts_with(attachment->media_type, SV("audio/")) ||
           sv_starts_with(attachment->media_type, SV("video/"));
}

static void write_attachment(struct encoder *encoder, const struct codec_item *item)
{
    const struct chat_attachment *attachment = item->attachment;
    struct buf *out = encoder->out;
    if (attachment && is_carried(attachment)) {
        codec_append_comma(out);
        (void)buf_append_str(out, "{\"inlineData\":{");
        codec_append_text(out, "mimeType", attachment->media_type);
        (void)buf_append_str(out, ",\"data\":\"");
        codec_append_base64(out, attachment->bytes);
        (void)buf_append_str(out, "\"}}");
    } else if (attachment && codec_medium_of(attachment) == CODEC_OTHER) {
        encoder->code = codec_refuse_attachment(attachment, encoder->err);
    } else {
        struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
        codec_append_file_text(&text, attachment, item->name);
        write_text(out, buf_sv(&text));
        buf_release(&text);
    }
}

static void write_item(struct encoder *encoder, const struct codec_item *item)
{
    switch (item->kind) {
    case PART_TEXT:
        write_text(encoder->out, item->text);
        break;
    case PART_TOOL_CALL:
        write_call(encoder, item);
        break;
    case PART_TOOL_RESULT:
        write_result(encoder, item);
        break;
    case PART_NATIVE:
        write_native(encoder, item);
        break;
    case PART_ATTACHMENT:
        write_attachment(encoder, item);
        break;
    default: /* thoughts are not sent back as text */
        break;
    }
}

/* ---- the request ---- */

static void write_turn(struct encoder *encoder, const struct codec_turn *turn)
{
    struct buf *out = encoder->out;
    codec_append_comma(out);
    (void)buf_append_byte(out, '{');
    codec_append_text(out, "role", turn->role == ROLE_ASSISTANT ? SV("model") : SV("user"));
    begin(out, "parts", '[');
    encoder->is_signed = false;
    for (size_t i = 0; i < turn->count; i++) {
        write_item(encoder, &turn->items[i]);
    }
    (void)buf_append_str(out, "]}");
    encoder->before = turn;
}

/* What the system says goes before everything, wherever it was said. */
static void write_system(struct buf *out, struct sv system, const struct codec_turns *turns)
{
    size_t start = out->n;
    (void)buf_append_str(out, "\"systemInstruction\":{\"parts\":[");
    size_t empty = out->n;
    if (system.n) {
        write_text(out, system);
    }
    for (size_t i = 0; i < turns->count; i++) {
        const struct codec_turn *turn = &turns->turns[i];
        for (size_t k = 0; turn->role == ROLE_SYSTEM && k < turn->count; k++) {
            write_text(out, turn->items[k].text);
        }
    }
    if (out->n == empty) {
        buf_truncate(out, start);
    } else {
        (void)buf_append_str(out, "]}");
    }
}

static void write_contents(struct encoder *encoder, const struct codec_turns *turns)
{
    begin(encoder->out, "contents", '[');
    for (size_t i = 0; i < turns->count; i++) {
        if (turns->turns[i].role != ROLE_SYSTEM) {
            write_turn(encoder, &turns->turns[i]);
        }
    }
    (void)buf_append_byte(encoder->out, ']');
}

static void write_tools(struct buf *out, const struct chat_options *options)
{
    if (options->tool_count == 0) {
        return;
    }
    (void)buf_append_str(out, ",\"tools\":[{\"functionDeclarations\":[");
    for (size_t i = 0; i < options->tool_count; i++) {
        const struct chat_tool *tool = &options->tools[i];
        codec_append_comma(out);
        (void)buf_append_byte(out, '{');
        codec_append_text(out, "name", tool->name);
        if (tool->description.n) {
            codec_append_text(out, "description", tool->description);
        }
        if (tool->schema.n) {
            codec_append_raw(out, "parametersJsonSchema", tool->schema);
        }
        (void)buf_append_byte(out, '}');
    }
    (void)buf_append_str(out, "]}]");
}

/* Gemini 2.5 has a budget of tokens, later ones levels; both at once are refused. */
static const struct {
    const char *effort;
    int budget;
    const char *level;
} efforts[] = {
    {"none", 0, "MINIMAL"},     {"minimal", 512, "MINIMAL"}, {"low", 1024, "LOW"},
    {"medium", 8192, "MEDIUM"}, {"high", 24576, "HIGH"},     {"xhigh", 24576, "HIGH"},
    {"max", 24576, "HIGH"},
};

static void write_effort(struct buf *out, const struct chat_request *request)
{
    for (size_t i = 0; i < COUNT_OF(efforts); i++) {
        if (!sv_equal_str(request->options.effort, efforts[i].effort)) {
            continue;
        }
        if (is_2_5(request)) {
            codec_append_integer(out, "thinkingBudget", efforts[i].budget);
        } else {
            codec_append_text(out, "thinkingLevel", sv_from(efforts[i].level));
        }
    }
}

static void write_thinking(struct buf *out, const struct chat_request *request)
{
    bool thinks = is_2_5(request) || generation(request) > 2;
    if (!thinks || (!request->options.show_reasoning && !request->options.effort.n)) {
        return;
    }
    begin(out, "thinkingConfig", '{');
    if (request->options.show_reasoning) {
        codec_append_raw(out, "includeThoughts", SV("true"));
    }
    write_effort(out, request);
    (void)buf_append_byte(out, '}');
}

static void write_config(struct buf *out, const struct chat_request *request)
{
    const struct chat_options *options = &request->options;
    size_t start = out->n;
    begin(out, "generationConfig", '{');
    size_t empty = out->n;
    if (options->has_max_tokens) {
        codec_append_integer(out, "maxOutputTokens", options->max_tokens);
    }
    if (options->has_temperature) {
        codec_append_number(out, "temperature", options->temperature);
    }
    if (options->has_top_p) {
        codec_append_number(out, "topP", options->top_p);
    }
    if (options->stop_count) {
        codec_append_texts(out, "stopSequences", options->stop, options->stop_count);
    }
    if (options->schema.n) {
        codec_append_text(out, "responseMimeType", SV("application/json"));
        codec_append_raw(out, "responseJsonSchema", options->schema);
    }
    write_thinking(out, request);
    if (out->n == empty) {
        buf_truncate(out, start);
    } else {
        (void)buf_append_byte(out, '}');
    }
}

enum err_code gemini__encode(const struct chat_request *request, struct buf *out, struct err *err)
{
    struct codec_turns turns;
    struct encoder encoder = {.out = out, .request = request, .err = err};
    codec_turns_make(request, false, &turns);
    size_t count = turns.count;
    (void)buf_append_byte(out, '{');
    write_system(out, request->system, &turns);
    write_contents(&encoder, &turns);
    write_tools(out, &request->options);
    write_config(out, request);
    (void)buf_append_byte(out, '}');
    codec_turns_release(&turns);
    if (count == 0) {
        return err_set(err, ERR_INVALID, "there is no message to send");
    }
    return encoder.code ? encoder.code : codec_encoded(out, err);
}
