/*
 * Chat Completions: encoding a conversation.
 *
 * Neighbouring pieces of one role go into one message, since the templates of many local models
 * insist on turns that alternate. Every tool call gets exactly one result before the next turn,
 * whatever the history holds; assistant messages are never empty.
 */
#include <stdlib.h>

#include "app/codec_encode.h"
#include "app/codec_openai_chat_internal.h"
#include "app/json.h"
#include "base/alloc.h"

#define MISTRAL_ID_SIZE 9

struct encoder {
    struct buf *out;
    const struct chat_dialect *dialect;
    bool returns_reasoning;
    bool any;                          /* a message was written */
    bool after_tool;                   /* the last one written was a tool's */
    enum role role;                    /* of the message that is gathered */
    struct buf text;                   /* gathered */
    struct buf media;                  /* gathered: images and files, JSON with commas between */
    struct buf reasoning;              /* gathered; few want it back */
    const struct message_part **calls; /* gathered, or written and not all answered */
    struct sv *extras;                 /* of the calls: what goes back with each */
    bool *answered;
    struct sv details; /* of the answer that is gathered: what goes back with it */
    size_t call_count;
    bool calls_written;
    bool prefix; /* the answer that is gathered is to be written on */
    struct err *err;
    enum err_code code; /* of the first part that cannot be sent */
};

static void append_member(struct encoder *encoder, const char *name, struct sv text)
{
    (void)buf_appendf(encoder->out, ",\"%s\":", name);
    (void)json_append_string(encoder->out, text);
}

static void begin_message(struct encoder *encoder, const char *role)
{
    (void)buf_appendf(encoder->out, "%s{\"role\":\"%s\"", encoder->any ? "," : "", role);
    encoder->any = true;
    encoder->after_tool = false;
}

static void end_message(struct encoder *encoder)
{
    (void)buf_append_byte(encoder->out, '}');
}

/* Mistral takes only ids of nine letters and digits: others are mapped, always to the same. */
static void append_id(struct encoder *encoder, const char *name, const char *id)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char mapped[MISTRAL_ID_SIZE];
    uint64_t hash = 0xcbf29ce484222325u;
    struct sv text = sv_from(id);
    bool fits = text.n == MISTRAL_ID_SIZE;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        fits = fits && ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
        hash = (hash ^ (unsigned char)c) * 0x100000001b3u;
    }
    if (encoder->dialect->has_short_ids && !fits) {
        for (size_t i = 0; i < MISTRAL_ID_SIZE; i++, hash /= 62) {
            mapped[i] = digits[hash % 62];
        }
        text = sv_of(mapped, MISTRAL_ID_SIZE);
    }
    append_member(encoder, name, text);
}

/* Servers parse the arguments when they apply their template. */
static struct sv valid_arguments(const struct message_part *call)
{
    struct sv text = sv_of(call->text, call->text_n);
    cJSON *tree = json_parse(text);
    bool valid = cJSON_IsObject(tree);
    cJSON_Delete(tree);
    return valid ? text : SV("{}");
}

static void write_calls(struct encoder *encoder)
{
    (void)buf_append_str(encoder->out, ",\"tool_calls\":[");
    for (size_t i = 0; i < encoder->call_count; i++) {
        const struct message_part *call = encoder->calls[i];
        (void)buf_appendf(encoder->out, "%s{\"type\":\"function\"", i ? "," : "");
        append_id(encoder, "id", call->tool_id);
        (void)buf_append_str(encoder->out, ",\"function\":{\"name\":");
        (void)json_append_string(encoder->out,
                                 sv_from(call->tool_name ? call->tool_name : "unknown"));
        append_member(encoder, "arguments", valid_arguments(call));
        (void)buf_append_byte(encoder->out, '}');
        if (encoder->extras[i].n) {
            codec_append_raw(encoder->out, "extra_content", encoder->extras[i]);
        }
        (void)buf_append_byte(encoder->out, '}');
    }
    (void)buf_append_byte(encoder->out, ']');
}

static void write_content(struct encoder *encoder)
{
    if (encoder->media.n == 0 && encoder->text.n == 0) {
        (void)buf_append_str(encoder->out, ",\"content\":null");
        return;
    }
    if (encoder->media.n == 0) {
        append_member(encoder, "content", buf_sv(&encoder->text));
        return;
    }
    (void)buf_append_str(encoder->out, ",\"content\":[");
    if (encoder->text.n) {
        (void)buf_append_str(encoder->out, "{\"type\":\"text\"");
        append_member(encoder, "text", buf_sv(&encoder->text));
        (void)buf_append_str(encoder->out, "},");
    }
    (void)buf_append_sv(encoder->out, buf_sv(&encoder->media));
    (void)buf_append_byte(encoder->out, ']');
}

/* Writes the message that was gathered, if there is anything in it. */
static void write_gathered(struct encoder *encoder)
{
    bool with_calls = encoder->call_count && !encoder->calls_written;
    if (encoder->text.n == 0 && encoder->media.n == 0 && !with_calls) {
        return;
    }
    if (encoder->dialect->has_short_ids && encoder->after_tool && encoder->role == ROLE_USER) {
        begin_message(encoder, role_text(ROLE_ASSISTANT));
        append_member(encoder, "content", SV("(no answer)"));
        end_message(encoder);
    }
    begin_message(encoder, role_text(encoder->role));
    write_content(encoder);
    if (with_calls && encoder->returns_reasoning) {
        append_member(encoder, "reasoning_content", buf_sv(&encoder->reasoning));
    }
    if (with_calls) {
        write_calls(encoder);
        encoder->calls_written = true;
    }
    if (encoder->details.n && encoder->role == ROLE_ASSISTANT) {
        codec_append_raw(encoder->out, "reasoning_details", encoder->details);
        encoder->details = (struct sv){NULL, 0};
    }
    if (encoder->prefix) {
        (void)buf_append_str(encoder->out, ",\"prefix\":true");
    }
    end_message(encoder);
    buf_clear(&encoder->text);
    buf_clear(&encoder->media);
    if (encoder->role == ROLE_ASSISTANT) {
        buf_clear(&encoder->reasoning);
    }
}

static void write_result(struct encoder *encoder, size_t index, struct sv text)
{
    begin_message(encoder, role_text(ROLE_TOOL));
    append_id(encoder, "tool_call_id", encoder->calls[index]->tool_id);
    append_member(encoder, "content", text);
    end_message(encoder);
    encoder->after_tool = true;
    encoder->answered[index] = true;
}

/* Ends the turn: what was gathered is written, and calls that nobody answered are. */
static void settle(struct encoder *encoder)
{
    write_gathered(encoder);
    for (size_t i = 0; i < encoder->call_count; i++) {
        if (!encoder->answered[i]) {
            write_result(encoder, i, SV("canceled by user"));
        }
    }
    encoder->call_count = 0;
    encoder->calls_written = false;
}

static void switch_role(struct encoder *encoder, enum role role)
{
    if (encoder->role != role || encoder->calls_written) {
        settle(encoder);
        encoder->role = role;
    }
}

static void gather(struct buf *buf, const struct message_part *part)
{
    if (part->text_n) {
        (void)buf_append_str(buf, buf->n ? "\n\n" : "");
        (void)buf_append(buf, part->text, part->text_n);
    }
}

static void gather_call(struct encoder *encoder, const struct message_part *part, struct sv extra)
{
    if (!part->tool_id) {
        return;
    }
    size_t count = encoder->call_count + 1;
    encoder->calls = xrealloc(encoder->calls, count * sizeof(struct message_part *));
    encoder->answered = xrealloc(encoder->answered, count * sizeof(*encoder->answered));
    encoder->extras = xrealloc(encoder->extras, count * sizeof(struct sv));
    encoder->calls[encoder->call_count] = part;
    encoder->extras[encoder->call_count] = extra;
    encoder->answered[encoder->call_count] = false;
    encoder->call_count = count;
}

/* A result that no open call waits for is left out: servers refuse it. */
static void take_result(struct encoder *encoder, const struct message_part *part)
{
    for (size_t i = 0; i < encoder->call_count; i++) {
        if (!encoder->answered[i] &&
            sv_equal(sv_from(encoder->calls[i]->tool_id), sv_from(part->tool_id))) {
            write_gathered(encoder);
            write_result(encoder, i, sv_of(part->text, part->text_n));
            return;
        }
    }
}

static const struct chat_attachment *find_attachment(const struct chat_request *request,
                                                     const struct message_part *part)
{
    for (size_t i = 0; i < request->attachment_count; i++) {
        if (sv_equal(request->attachments[i].id, sv_from(part->tool_id))) {
            return &request->attachments[i];
        }
    }
    return NULL;
}

static void gather_medium(struct encoder *encoder, const struct chat_attachment *attachment,
                          bool image)
{
    struct buf *media = &encoder->media;
    codec_append_comma(media);
    if (image) {
        (void)buf_append_str(media, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
    } else {
        (void)buf_append_str(media, "{\"type\":\"file\",\"file\":{");
        codec_append_text(media, "filename",
                          attachment->name.n ? attachment->name : SV("file.pdf"));
        (void)buf_append_str(media, ",\"file_data\":");
    }
    codec_append_data_url(media, attachment);
    (void)buf_append_str(media, "}}");
}

static void take_attachment(struct encoder *encoder, const struct chat_request *request,
                            const struct message_part *part)
{
    const struct chat_attachment *attachment = find_attachment(request, part);
    enum codec_medium medium = attachment ? codec_medium_of(attachment) : CODEC_PLAIN;
    switch_role(encoder, ROLE_USER);
    if (medium == CODEC_PLAIN) {
        (void)buf_append_str(&encoder->text, encoder->text.n ? "\n\n" : "");
        codec_append_file_text(&encoder->text, attachment, sv_of(part->text, part->text_n));
    } else if (medium != CODEC_OTHER) {
        gather_medium(encoder, attachment, medium == CODEC_IMAGE);
    } else if (encoder->code == ERR_OK) {
        encoder->code = codec_refuse_attachment(attachment, encoder->err);
    }
}

static void take_part(struct encoder *encoder, const struct chat_request *request,
                      const struct message *message, const struct message_part *part)
{
    enum role role = message->role;
    bool assistant = role == ROLE_ASSISTANT;
    if (part->kind == PART_TOOL_RESULT) {
        take_result(encoder, part);
    } else if (part->kind == PART_TEXT && part->text_n && role != ROLE_TOOL) {
        switch_role(encoder, role);
        gather(&encoder->text, part);
    } else if (part->kind == PART_REASONING && assistant) {
        /* On its own it is no turn: it only goes with what follows in its message. */
        gather(&encoder->reasoning, part);
    } else if (part->kind == PART_TOOL_CALL && assistant) {
        switch_role(encoder, role);
        gather_call(encoder, part, openai_chat__extra_of(request, message, part->tool_id));
    }
}

/* An answer that goes into the same message as the one before it leaves that one's alone, unless it
 * has some itself. */
static void take_details(struct encoder *encoder, struct sv details)
{
    bool joins = encoder->role == ROLE_ASSISTANT && encoder->text.n;
    if (details.n || !joins) {
        encoder->details = details;
    }
}

static void take_message(struct encoder *encoder, const struct chat_request *request,
                         const struct message *message)
{
    if (encoder->call_count == 0 || encoder->calls_written) {
        buf_clear(&encoder->reasoning);
    }
    if (message->role == ROLE_ASSISTANT) {
        take_details(encoder, openai_chat__details_of(request, message));
    }
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        if (part->kind == PART_ATTACHMENT && message->role == ROLE_USER) {
            take_attachment(encoder, request, part);
        } else {
            take_part(encoder, request, message, part);
        }
    }
}

/* After an answer that was cut short: the model writes on, or is asked for the rest. */
static void go_on(struct encoder *encoder, const struct chat_request *request)
{
    bool cut = encoder->role == ROLE_ASSISTANT && encoder->text.n && encoder->call_count == 0;
    if (cut && openai_chat__can_prefill(request)) {
        encoder->prefix = encoder->dialect->prefill == CHAT_PREFILL_MARKED;
    } else if (cut) {
        switch_role(encoder, ROLE_USER);
        (void)buf_append_str(&encoder->text, CHAT_GO_ON);
    }
}

static void write_messages(struct encoder *encoder, const struct chat_request *request)
{
    (void)buf_append_str(encoder->out, ",\"messages\":[");
    if (request->system.n) {
        begin_message(encoder,
                      openai_chat__is_reasoner(request) ? "developer" : role_text(ROLE_SYSTEM));
        append_member(encoder, "content", request->system);
        end_message(encoder);
    }
    encoder->role = ROLE_USER;
    for (size_t i = 0; i < request->message_count; i++) {
        take_message(encoder, request, request->messages[i]);
    }
    if (request->continues) {
        go_on(encoder, request);
    }
    settle(encoder);
    (void)buf_append_byte(encoder->out, ']');
}

enum err_code openai_chat__encode(const struct chat_request *request, struct buf *out,
                                  struct err *err)
{
    const struct chat_dialect *dialect = openai_chat__dialect(request);
    struct encoder encoder = {
        .out = out,
        .dialect = dialect,
        .returns_reasoning = dialect->returns_reasoning &&
                             !sv_equal_str(sv_from(request->model), "deepseek-reasoner"),
        .text = BUF_INIT(BUF_MAX_INTERNAL),
        .media = BUF_INIT(BUF_MAX_INTERNAL),
        .reasoning = BUF_INIT(BUF_MAX_INTERNAL),
        .err = err,
    };
    (void)buf_append_str(out, "{\"model\":");
    (void)json_append_string(out, sv_from(request->model));
    (void)buf_append_str(out, ",\"stream\":true");
    if (!dialect->sends_usage_unasked) {
        (void)buf_append_str(out, ",\"stream_options\":{\"include_usage\":true}");
    }
    write_messages(&encoder, request);
    openai_chat__write_options(out, request);
    (void)buf_append_byte(out, '}');

    bool fits = buf_ok(out) && buf_ok(&encoder.text) && buf_ok(&encoder.reasoning) &&
                buf_ok(&encoder.media);
    buf_release(&encoder.text);
    buf_release(&encoder.media);
    buf_release(&encoder.reasoning);
    free(encoder.calls);
    free(encoder.extras);
    free(encoder.answered);
    if (encoder.code) {
        return encoder.code;
    }
    if (!encoder.any) {
        return err_set(err, ERR_INVALID, "there is no message to send");
    }
    return fits ? ERR_OK : err_set(err, ERR_TOO_BIG, "the conversation is too large to be sent");
}
