/*
 * What the files of the Chat Completions codec share: the decoder, and the assembly of tool calls
 * out of fragments.
 *
 * Threads: a decoder belongs to one.
 */
#ifndef WEIR_APP_CODEC_OPENAI_CHAT_INTERNAL_H
#define WEIR_APP_CODEC_OPENAI_CHAT_INTERNAL_H

#include <cjson/cJSON.h>

#include "app/codec.h"
#include "app/codec_out.h"
#include "app/think.h"

/* Calls of one answer; more is a server gone wild. */
#define CHAT_CALLS_MAX 256

struct chat_call {
    int64_t index;    /* the server's, or -1 */
    char *server_id;  /* NULL: none yet */
    char *id;         /* what we call it; NULL until it was opened */
    char *name;       /* NULL: has not come yet */
    struct buf early; /* arguments that came before the name */
    uint32_t part;
    bool has_input;
};

enum chat_open { CHAT_OPEN_NONE, CHAT_OPEN_TEXT, CHAT_OPEN_REASONING, CHAT_OPEN_CALL };

struct decoder {
    struct codec_out out;
    enum chat_open open;
    uint32_t part; /* of what is open */
    struct think think;
    char *stream_id;
    struct chat_call *calls;
    size_t call_count;
    bool in_body; /* a whole answer is read, not a stream */
    bool refused;
    char *raw_reason; /* NULL: none yet */
};

/* Begins a part of that kind, unless one is open already (for a call: always). */
void openai_chat__open(struct decoder *decoder, enum chat_open kind);

/* `tool_calls` of a delta or a message; NULL is fine. */
void openai_chat__take_calls(struct decoder *decoder, const cJSON *items);
/* The old `function_call` member. */
void openai_chat__take_function(struct decoder *decoder, const cJSON *function);
/* Opens what has no name yet; when the answer is whole, ends all of them. */
void openai_chat__end_calls(struct decoder *decoder, bool whole);
void openai_chat__free_calls(struct decoder *decoder);

/* Fields that are not there stay unknown. */
struct usage openai_chat__usage(const cJSON *usage);

/* A model of OpenAI's that reasons, at OpenAI or Azure. */
bool openai_chat__is_reasoner(const struct chat_request *request);
/* Appends the members behind the messages. */
void openai_chat__write_options(struct buf *out, const struct chat_request *request);
const char *openai_chat__key_header(const struct chat_request *request);
void openai_chat__path(const struct chat_request *request, struct buf *out);
bool openai_chat__can_prefill(const struct chat_request *request);
enum err_code openai_chat__encode(const struct chat_request *request, struct buf *out,
                                  struct err *err) NODISCARD;

#endif
