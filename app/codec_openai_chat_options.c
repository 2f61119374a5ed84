/*
 * Chat Completions: where a request goes, and its optional parameters, each only when it was set.
 *
 * OpenAI's own models that reason take no sampling parameters unless they are told not to reason.
 */
#include "app/codec_encode.h"
#include "app/codec_openai_chat_internal.h"

bool openai_chat__is_reasoner(const struct chat_request *request)
{
    return openai_chat__dialect(request)->has_reasoners && codec_is_openai_reasoner(request->model);
}

const char *openai_chat__key_header(const struct chat_request *request)
{
    return openai_chat__dialect(request)->key_header;
}

/* Azure's older form names the deployment in the path, and a version of the protocol. */
void openai_chat__path(const struct chat_request *request, struct buf *out)
{
    if (openai_chat__dialect(request)->has_deployments && request->api_version) {
        (void)buf_append_str(out, "/deployments/");
        codec_append_segment(out, sv_from(request->model));
        (void)buf_append_str(out, "/chat/completions?api-version=");
        codec_append_segment(out, sv_from(request->api_version));
    } else {
        (void)buf_append_str(out, "/chat/completions");
    }
}

/* Who does not write on answers a trailing answer anew. */
bool openai_chat__can_prefill(const struct chat_request *request)
{
    return openai_chat__dialect(request)->prefill != CHAT_PREFILL_NONE;
}

static void write_tools(struct buf *out, const struct chat_options *options)
{
    if (options->tool_count == 0) {
        return;
    }
    (void)buf_append_str(out, ",\"tools\":[");
    for (size_t i = 0; i < options->tool_count; i++) {
        const struct chat_tool *tool = &options->tools[i];
        (void)buf_appendf(out, "%s{\"type\":\"function\",\"function\":{", i ? "," : "");
        codec_append_tool(out, "parameters", tool);
        (void)buf_append_str(out, "}}");
    }
    (void)buf_append_byte(out, ']');
}

static void write_format(struct buf *out, const struct chat_options *options, bool any_form)
{
    if (options->schema.n && any_form) {
        (void)buf_append_str(out, ",\"response_format\":{\"type\":\"json_object\"}");
    } else if (options->schema.n) {
        (void)buf_append_str(out,
                             ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{");
        codec_append_schema(out, options);
        (void)buf_append_str(out, "}}");
    }
}

static void write_effort(struct buf *out, const struct chat_dialect *dialect,
                         const struct chat_options *options)
{
    bool off = sv_equal(options->effort, SV("none"));
    if (options->effort.n == 0) {
        return;
    }
    if (dialect->effort == CHAT_EFFORT_OBJECT) {
        (void)buf_append_str(out, ",\"reasoning\":{");
        codec_append_text(out, "effort", options->effort);
        (void)buf_append_byte(out, '}');
        return;
    }
    if (dialect->effort == CHAT_EFFORT_SWITCH) {
        codec_append_raw(out, "thinking",
                         off ? SV("{\"type\":\"disabled\"}") : SV("{\"type\":\"enabled\"}"));
    }
    if (!off || dialect->effort == CHAT_EFFORT_WORD) {
        codec_append_text(out, "reasoning_effort", options->effort);
    }
}

/* Groq leaves the tags of reasoning in the text otherwise, but for models that have none. */
static void write_reasoning_format(struct buf *out, const struct chat_dialect *dialect,
                                   const struct chat_request *request)
{
    struct sv model = sv_from(request->model);
    bool has_tags = sv_find_sv(model, SV("gpt-oss")) == model.n;
    if (dialect->has_reasoning_format && request->options.show_reasoning && has_tags) {
        codec_append_text(out, "reasoning_format", SV("parsed"));
    }
}

void openai_chat__write_options(struct buf *out, const struct chat_request *request)
{
    const struct chat_options *options = &request->options;
    const struct chat_dialect *dialect = openai_chat__dialect(request);
    bool sampling = !openai_chat__is_reasoner(request) || sv_equal(options->effort, SV("none"));
    if (options->has_max_tokens) {
        codec_append_integer(out, dialect->max_tokens, options->max_tokens);
    }
    if (options->has_temperature && sampling) {
        codec_append_number(out, "temperature", options->temperature);
    }
    if (options->has_top_p && sampling) {
        codec_append_number(out, "top_p", options->top_p);
    }
    if (options->stop_count) {
        codec_append_texts(out, "stop", options->stop, options->stop_count);
    }
    write_effort(out, dialect, options);
    write_reasoning_format(out, dialect, request);
    write_tools(out, options);
    write_format(out, options, dialect->has_no_schemas);
}
