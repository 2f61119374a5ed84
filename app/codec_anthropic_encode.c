/*
 * Anthropic Messages: encoding a conversation.
 *
 * `max_tokens` has to be there and covers thinking and text. How thinking is asked for, and which
 * parameters a model takes beside it, depends on the model's generation, which its name tells.
 */
#include <stdlib.h>

#include "app/codec_anthropic_internal.h"
#include "app/codec_encode.h"
#include "app/codec_turns.h"
#include "app/json.h"

/* An answer's length when nobody set one; for models that are not Anthropic's, what all can do. */
#define MAX_TOKENS 32000
#define MAX_TOKENS_OTHER 8192
#define MAX_TOKENS_OLD 4096
#define BUDGET_MIN 1024

/* How thinking is asked for; as of 2026. Generations are 10 × major + minor. */
enum thinking {
    THINKING_NONE,
    THINKING_BUDGET,   /* "enabled" and a number of tokens */
    THINKING_ADAPTIVE, /* "adaptive", and an effort */
};
#define GENERATION_BUDGET 37
#define GENERATION_ADAPTIVE 46
#define GENERATION_NO_SAMPLING 47
#define GENERATION_THINKS_UNASKED 50

/* Of a model that is not Anthropic's, and of one whose name tells nothing. */
#define GENERATION_OTHER 0
#define GENERATION_NEWEST 99

/* A number of one or two digits that begins a word of the name, -1: none does. */
static int short_number(struct sv *name)
{
    int value = 0;
    size_t n = 0;
    while (n < name->n && name->p[n] >= '0' && name->p[n] <= '9' && n < 3) {
        value = value * 10 + (name->p[n] - '0');
        n++;
    }
    *name = sv_skip(*name, n);
    return n == 0 || n > 2 ? -1 : value;
}

/* claude-3-5-sonnet-…, claude-opus-4-1-20250805, claude-fable-5.1 */
static int generation_of(const char *model)
{
    struct sv name = sv_from(model);
    size_t at = sv_find_sv(name, SV("claude"));
    if (at == name.n) {
        return GENERATION_OTHER;
    }
    name = sv_skip(name, at);
    while (name.n) {
        name = sv_skip(name, sv_find(name, '-') + 1);
        int major = short_number(&name);
        if (major > 0) {
            bool more = name.n && (name.p[0] == '-' || name.p[0] == '.');
            name = sv_skip(name, more);
            int minor = more ? short_number(&name) : -1;
            return major * 10 + (minor < 0 ? 0 : minor > 9 ? 9 : minor);
        }
    }
    return GENERATION_NEWEST;
}

static enum thinking thinking_of(int generation)
{
    if (generation == GENERATION_OTHER) {
        return THINKING_BUDGET;
    }
    if (generation < GENERATION_BUDGET) {
        return THINKING_NONE;
    }
    return generation < GENERATION_ADAPTIVE ? THINKING_BUDGET : THINKING_ADAPTIVE;
}

struct encoder {
    struct buf *out;
    const struct chat_request *request;
    int generation;
    enum thinking form;
    bool thinks;    /* it was asked to */
    int64_t budget; /* of tokens for thinking; 0: none */
    int64_t max_tokens;
};

static bool wants_thinking(const struct chat_options *options)
{
    return options->effort.n && !sv_equal(options->effort, SV("none"));
}

bool anthropic__can_prefill(const struct chat_request *request)
{
    int generation = generation_of(request->model);
    return generation > GENERATION_OTHER && generation < GENERATION_ADAPTIVE &&
           !wants_thinking(&request->options);
}

static const struct {
    const char *effort;
    int64_t budget;
} budgets[] = {
    {"minimal", BUDGET_MIN}, {"low", 4096},    {"medium", 12288},
    {"high", 24576},         {"xhigh", 32768}, {"max", 49152},
};

static int64_t budget_of(struct sv effort)
{
    for (size_t i = 0; i < COUNT_OF(budgets); i++) {
        if (sv_equal_str(effort, budgets[i].effort)) {
            return budgets[i].budget;
        }
    }
    return budgets[2].budget;
}

static int64_t default_max_tokens(int generation)
{
    if (generation == GENERATION_OTHER) {
        return MAX_TOKENS_OTHER;
    }
    return generation < 35                  ? MAX_TOKENS_OLD
           : generation < GENERATION_BUDGET ? MAX_TOKENS_OTHER
                                            : MAX_TOKENS;
}

/* A budget has to be below the whole; one that was not set makes room for it. */
static void plan_tokens(struct encoder *encoder)
{
    const struct chat_options *options = &encoder->request->options;
    int64_t wanted = default_max_tokens(encoder->generation);
    encoder->max_tokens = options->has_max_tokens ? options->max_tokens : wanted;
    if (!encoder->thinks || encoder->form != THINKING_BUDGET) {
        return;
    }
    encoder->budget = budget_of(options->effort);
    if (!options->has_max_tokens) {
        encoder->max_tokens = wanted > encoder->budget ? wanted : encoder->budget + wanted;
    } else if (encoder->budget >= encoder->max_tokens) {
        encoder->budget = encoder->max_tokens - 1;
    }
    if (encoder->budget < BUDGET_MIN) {
        encoder->budget = 0;
        encoder->thinks = false;
    }
}

/* ---- options ---- */

static void write_thinking(struct encoder *encoder)
{
    const struct chat_options *options = &encoder->request->options;
    bool unasked = encoder->generation >= GENERATION_THINKS_UNASKED;
    bool off = sv_equal(options->effort, SV("none"));
    if (encoder->budget) {
        (void)buf_appendf(encoder->out,
                          ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":%lld}",
                          (long long)encoder->budget);
    } else if (off && encoder->form != THINKING_NONE) {
        (void)buf_append_str(encoder->out, ",\"thinking\":{\"type\":\"disabled\"}");
    } else if (encoder->form == THINKING_ADAPTIVE &&
               (encoder->thinks || (unasked && options->show_reasoning))) {
        (void)buf_appendf(encoder->out, ",\"thinking\":{\"type\":\"adaptive\"%s}",
                          options->show_reasoning ? ",\"display\":\"summarized\"" : "");
    }
}

static struct sv effort_word(const struct encoder *encoder)
{
    struct sv effort = encoder->request->options.effort;
    if (sv_equal(effort, SV("minimal"))) {
        return SV("low");
    }
    bool too_high = sv_equal(effort, SV("xhigh")) && encoder->generation == GENERATION_ADAPTIVE;
    return too_high ? SV("high") : effort;
}

static void write_output_config(struct encoder *encoder)
{
    const struct chat_options *options = &encoder->request->options;
    bool effort = encoder->thinks && encoder->form == THINKING_ADAPTIVE;
    if (!effort && !options->schema.n) {
        return;
    }
    (void)buf_append_str(encoder->out, ",\"output_config\":{");
    if (effort) {
        codec_append_text(encoder->out, "effort", effort_word(encoder));
    }
    if (options->schema.n) {
        codec_append_comma(encoder->out);
        (void)buf_append_str(encoder->out, "\"format\":{\"type\":\"json_schema\"");
        codec_append_raw(encoder->out, "schema", options->schema);
        (void)buf_append_byte(encoder->out, '}');
    }
    (void)buf_append_byte(encoder->out, '}');
}

/* Beside thinking none is taken, and newer models take none at all; of two only one. */
static void write_sampling(struct encoder *encoder)
{
    const struct chat_options *options = &encoder->request->options;
    if (encoder->thinks || encoder->generation >= GENERATION_NO_SAMPLING) {
        return;
    }
    if (options->has_temperature) {
        codec_append_number(encoder->out, "temperature", options->temperature);
    } else if (options->has_top_p) {
        codec_append_number(encoder->out, "top_p", options->top_p);
    }
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
        (void)buf_append_str(encoder->out, i ? ",{" : "{");
        codec_append_tool(encoder->out, "input_schema", tool);
        (void)buf_append_byte(encoder->out, '}');
    }
    (void)buf_append_byte(encoder->out, ']');
}

/* ---- messages ---- */

static void write_text(struct encoder *encoder, struct sv text)
{
    (void)buf_append_str(encoder->out, "{\"type\":\"text\"");
    codec_append_text(encoder->out, "text", text);
    (void)buf_append_byte(encoder->out, '}');
}

/* Ids of other providers may have characters that are refused here. */
static void write_id(struct encoder *encoder, const char *name, struct sv id)
{
    struct buf clean = BUF_INIT(id.n + 1);
    (void)buf_append_sv(&clean, id);
    for (size_t i = 0; i < clean.n; i++) {
        char c = clean.p[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    c == '_' || c == '-';
        clean.p[i] = fine ? c : '_';
    }
    codec_append_text(encoder->out, name, buf_sv(&clean));
    buf_release(&clean);
}

static void write_call(struct encoder *encoder, const struct codec_item *item)
{
    (void)buf_append_str(encoder->out, "{\"type\":\"tool_use\"");
    write_id(encoder, "id", item->id);
    codec_append_text(encoder->out, "name", item->name);
    codec_append_raw(encoder->out, "input", item->text);
    (void)buf_append_byte(encoder->out, '}');
}

static void write_result(struct encoder *encoder, const struct codec_item *item)
{
    (void)buf_append_str(encoder->out, "{\"type\":\"tool_result\"");
    write_id(encoder, "tool_use_id", item->id);
    if (sv_trim(item->text).n) {
        (void)buf_append_str(encoder->out, ",\"content\":[");
        write_text(encoder, item->text);
        (void)buf_append_byte(encoder->out, ']');
    }
    (void)buf_append_byte(encoder->out, '}');
}

static void write_source(struct encoder *encoder, const char *type,
                         const struct chat_attachment *attachment)
{
    (void)buf_appendf(encoder->out, "{\"type\":\"%s\",\"source\":{\"type\":\"base64\"", type);
    codec_append_text(encoder->out, "media_type", attachment->media_type);
    (void)buf_append_str(encoder->out, ",\"data\":\"");
    codec_append_base64(encoder->out, attachment->bytes);
    (void)buf_append_str(encoder->out, "\"}}");
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
        write_text(encoder, buf_sv(&words));
        buf_release(&words);
    } else {
        write_source(encoder, medium == CODEC_IMAGE ? "image" : "document", item->attachment);
    }
    return ERR_OK;
}

static enum err_code write_item(struct encoder *encoder, const struct codec_item *item,
                                struct err *err)
{
    codec_append_comma(encoder->out);
    switch (item->kind) {
    case PART_TEXT:
        write_text(encoder, item->text);
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
        (void)json_append_repaired(encoder->out, item->text);
        break;
    default:
        break;
    }
    return ERR_OK;
}

static enum err_code write_turn(struct encoder *encoder, const struct codec_turn *turn,
                                struct err *err)
{
    bool assistant = turn->role == ROLE_ASSISTANT;
    enum err_code code = ERR_OK;
    codec_append_comma(encoder->out);
    (void)buf_appendf(encoder->out, "{\"role\":\"%s\",\"content\":[",
                      assistant ? "assistant" : "user");
    for (size_t i = 0; code == ERR_OK && i < turn->count; i++) {
        /* Without its signature thinking cannot be sent back. */
        if (turn->items[i].kind != PART_REASONING) {
            code = write_item(encoder, &turn->items[i], err);
        }
    }
    (void)buf_append_str(encoder->out, "]}");
    return code;
}

/* An answer that is to be written on must not end with white space. */
static void trim_prefill(const struct codec_turns *turns)
{
    const struct codec_turn *last = &turns->turns[turns->count - 1];
    struct codec_item *item = &last->items[last->count - 1];
    while (item->text.n && sv_trim(sv_skip(item->text, item->text.n - 1)).n == 0) {
        item->text.n--;
    }
}

static enum err_code write_messages(struct encoder *encoder, const struct codec_turns *turns,
                                    struct err *err)
{
    enum err_code code = ERR_OK;
    (void)buf_append_str(encoder->out, ",\"messages\":[");
    if (turns->turns[0].role == ROLE_ASSISTANT) {
        (void)buf_append_str(encoder->out, "{\"role\":\"user\",\"content\":[");
        write_text(encoder, SV("(The conversation begins with your words.)"));
        (void)buf_append_str(encoder->out, "]}");
    }
    for (size_t i = 0; code == ERR_OK && i < turns->count; i++) {
        code = write_turn(encoder, &turns->turns[i], err);
    }
    (void)buf_append_byte(encoder->out, ']');
    return code;
}

static void write_options(struct encoder *encoder)
{
    const struct chat_options *options = &encoder->request->options;
    write_tools(encoder);
    write_thinking(encoder);
    write_output_config(encoder);
    write_sampling(encoder);
    if (options->stop_count) {
        codec_append_texts(encoder->out, "stop_sequences", options->stop, options->stop_count);
    }
}

static enum err_code write_request(struct encoder *encoder, const struct codec_turns *turns,
                                   struct err *err)
{
    const struct chat_request *request = encoder->request;
    (void)buf_append_byte(encoder->out, '{');
    codec_append_text(encoder->out, "model", sv_from(request->model));
    codec_append_integer(encoder->out, "max_tokens", encoder->max_tokens);
    (void)buf_append_str(encoder->out, ",\"stream\":true");
    if (sv_trim(request->system).n) {
        codec_append_text(encoder->out, "system", request->system);
    }
    enum err_code code = write_messages(encoder, turns, err);
    write_options(encoder);
    (void)buf_append_byte(encoder->out, '}');
    return code ? code : codec_encoded(encoder->out, err);
}

enum err_code anthropic__encode(const struct chat_request *request, struct buf *out,
                                struct err *err)
{
    struct encoder encoder = {.out = out,
                              .request = request,
                              .generation = generation_of(request->model),
                              .thinks = wants_thinking(&request->options)};
    struct codec_turns turns;
    encoder.form = thinking_of(encoder.generation);
    encoder.thinks = encoder.thinks && encoder.form != THINKING_NONE;
    plan_tokens(&encoder);
    codec_turns_make(request, anthropic__can_prefill(request), &turns);
    if (turns.prefilled) {
        trim_prefill(&turns);
    }
    enum err_code code = turns.count ? write_request(&encoder, &turns, err)
                                     : err_set(err, ERR_INVALID, "there is no message to send");
    codec_turns_release(&turns);
    return code;
}
