/*
 * Chat Completions: where a request goes, and its optional parameters, each only when it was set.
 *
 * OpenAI's own models that reason take no sampling parameters unless they are told not to reason.
 */
#include "app/codec_encode.h"
#include "app/codec_openai_chat_internal.h"

static bool is_azure(const struct chat_request *request)
{
    return codec_host_is(request->host, SV("azure.com"));
}

/* OpenAI itself has newer names, and takes less for models that reason. */
static bool is_openai(const struct chat_request *request)
{
    return codec_host_is(request->host, SV("openai.com")) || is_azure(request);
}

bool openai_chat__is_reasoner(const struct chat_request *request)
{
    return is_openai(request) && codec_is_openai_reasoner(request->model);
}

const char *openai_chat__key_header(const struct chat_request *request)
{
    return is_azure(request) ? "api-key: " : "Authorization: Bearer ";
}

/* Azure's older form names the deployment in the path, and a version of the protocol. */
void openai_chat__path(const struct chat_request *request, struct buf *out)
{
    if (is_azure(request) && request->api_version) {
        (void)buf_append_str(out, "/deployments/");
        codec_append_segment(out, sv_from(request->model));
        (void)buf_append_str(out, "/chat/completions?api-version=");
        codec_append_segment(out, sv_from(request->api_version));
    } else {
        (void)buf_append_str(out, "/chat/completions");
    }
}

/* OpenAI itself answers a trailing answer anew; local servers write on. */
bool openai_chat__can_prefill(const struct chat_request *request)
{
    return codec_host_is(request->host, SV("mistral.ai"));
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

static void write_format(struct buf *out, const struct chat_options *options)
{
    if (options->schema.n) {
        (void)buf_append_str(out,
                             ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{");
        codec_append_schema(out, options);
        (void)buf_append_str(out, "}}");
    }
}

void openai_chat__write_options(struct buf *out, const struct chat_request *request)
{
    const struct chat_options *options = &request->options;
    bool sampling = !openai_chat__is_reasoner(request) || sv_equal(options->effort, SV("none"));
    if (options->has_max_tokens) {
        codec_append_integer(out, is_openai(request) ? "max_completion_tokens" : "max_tokens",
                             options->max_tokens);
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
    if (options->effort.n) {
        codec_append_text(out, "reasoning_effort", options->effort);
    }
    write_tools(out, options);
    write_format(out, options);
}
