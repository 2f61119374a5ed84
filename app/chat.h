/*
 * Chat: what a request for an answer says beside the conversation itself.
 *
 * All of it is optional: a struct of zeros asks for nothing, and the server's own defaults hold. An
 * option that was set to zero is told apart from one that was not set.
 *
 * Threads: values. Ownership: texts and arrays are borrowed, but for those of chat_extras_copy.
 * Texts are valid UTF-8.
 */
#ifndef WEIR_APP_CHAT_H
#define WEIR_APP_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/sv.h"

struct chat_tool {
    struct sv name;        /* [A-Za-z0-9_-]{1,64} is what every server takes */
    struct sv description; /* empty: none */
    struct sv schema;      /* JSON Schema of the arguments, an object; empty: no arguments */
};

struct chat_options {
    bool has_max_tokens, has_temperature, has_top_p;
    int64_t max_tokens; /* of the answer, reasoning included */
    double temperature, top_p;
    const struct sv *stop; /* texts that end the answer */
    size_t stop_count;
    struct sv effort;      /* of reasoning: "none", "minimal", "low" … "max"; empty: not set */
    struct sv schema;      /* JSON Schema that the answer has to follow; empty: none */
    struct sv schema_name; /* empty: "answer" */
    const struct chat_tool *tools;
    size_t tool_count;
    bool show_reasoning;   /* ask for a readable form of it, where that has to be asked for */
    bool forget_reasoning; /* neither ask for the form that can be sent back, nor send it back */
};

/* Bytes of an attachment. A part of kind attachment names it by its tool_id. */
struct chat_attachment {
    struct sv id;
    struct sv media_type; /* "image/png" */
    struct sv name;       /* of the file; empty: none */
    struct sv bytes;
};

/* What an order carries to its request. */
struct chat_extras {
    struct chat_options options;
    const struct chat_attachment *attachments;
    size_t attachment_count;
    bool continues; /* the last message is an answer that was cut short, to be gone on with */
};

/* Copies all that it points to into one block; free with free(). NULL copies as zeros. */
struct chat_extras *chat_extras_copy(const struct chat_extras *extras) NODISCARD;

#endif
