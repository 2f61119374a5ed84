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
    char *extra;      /* JSON of what has to go back with it, or NULL */
    uint32_t part;
    bool has_input;
};

struct chat_detail {
    cJSON *rest;       /* all members but the one that grows */
    const char *grown; /* name of that one, or NULL: none does */
    struct buf text;   /* of it */
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
    char *raw_reason;            /* NULL: none yet */
    struct chat_detail *details; /* reasoning_details, put together */
    size_t detail_count;
    size_t detail_bytes;
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

/* `reasoning_details` of a delta or a message; NULL is fine. */
void openai_chat__take_details(struct decoder *decoder, const cJSON *pieces);
void openai_chat__free_details(struct decoder *decoder);
/* `extra_content` of a call; NULL is fine. */
void openai_chat__keep_extra(struct chat_call *call, const cJSON *extra);
/* When the answer is whole: emits what was kept. */
void openai_chat__send_natives(struct decoder *decoder);
/* What was kept of an answer of the same model, for a server that wants it back; empty: nothing. */
struct sv openai_chat__details_of(const struct chat_request *request,
                                  const struct message *message);
struct sv openai_chat__extra_of(const struct chat_request *request, const struct message *message,
                                const char *call_id);

/* Fields that are not there stay unknown. */
struct usage openai_chat__usage(const cJSON *usage);

enum chat_effort {
    CHAT_EFFORT_WORD,   /* "reasoning_effort":"low" */
    CHAT_EFFORT_OBJECT, /* "reasoning":{"effort":"low"} */
    CHAT_EFFORT_SWITCH, /* "thinking":{"type":"enabled"}, and the word beside it */
};

enum chat_prefill {
    CHAT_PREFILL_NONE,   /* an answer at the end is not written on */
    CHAT_PREFILL_PLAIN,  /* it is */
    CHAT_PREFILL_MARKED, /* it is when it has "prefix":true */
};

/* What is different at one kind of server. */
struct chat_dialect {
    const char *name;       /* as in the config's `dialect` */
    const char *domain;     /* of the hosts that speak it; NULL: only by name */
    const char *max_tokens; /* name of that parameter */
    const char *key_header;
    enum chat_effort effort;
    enum chat_prefill prefill;
    bool has_reasoners;        /* models that take other roles and parameters */
    bool has_deployments;      /* the model stands in the path */
    bool has_reasoning_format; /* reasoning apart from the text has to be asked for */
    bool has_short_ids;        /* of calls: nine letters and digits; and a turn between result and
                                  user */
    bool has_no_schemas;       /* an answer in JSON, but in no given form */
    bool sends_usage_unasked;  /* and refuses to be asked */
    bool returns_reasoning;    /* wants the reasoning of a turn with calls back, as text */
    bool returns_details;      /* wants what came beside the reasoning or a call back as it was */
};

/* By the config's word, else by the host; never NULL. */
const struct chat_dialect *openai_chat__dialect(const struct chat_request *request);

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
