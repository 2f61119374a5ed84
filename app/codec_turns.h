/*
 * Turns: a conversation in the form that every protocol can be written from.
 *
 * What holds of them: neighbours are of different roles; no turn is empty, and no text is of
 * white space alone; each tool call has exactly one result, in the user's turn right after it,
 * before anything else there (what nobody answered gets one that says so, results that no call
 * waits for are left out); arguments are JSON objects; native items stand where they have to be
 * replayed, and then nothing else does; reasoning of another model is left out.
 *
 * Threads: pure. Ownership: views of the request, which has to outlive the turns.
 */
#ifndef WEIR_APP_CODEC_TURNS_H
#define WEIR_APP_CODEC_TURNS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/codec.h"

struct codec_item {
    enum part_kind kind; /* text, reasoning, tool_call, tool_result, attachment, native */
    struct sv text;      /* arguments of a call; JSON of a native item */
    struct sv id;        /* of a call, and of the call that a result is for; never empty there */
    struct sv name;      /* of the function; an attachment's title */
    const struct chat_attachment *attachment; /* NULL: its bytes are not there */
};

struct codec_turn {
    enum role role; /* user, assistant, system */
    struct codec_item *items;
    size_t count;
};

struct codec_turns {
    struct codec_turn *turns;
    size_t count;
    bool prefilled; /* the last turn is the assistant's and ends with text, to be written on */
};

/* `can_prefill`: what the codec says of the model; without it an answer that was cut short is
 * followed by a user's turn that asks for the rest. Zero turns: there is nothing to send. */
void codec_turns_make(const struct chat_request *request, bool can_prefill,
                      struct codec_turns *ret_turns);
void codec_turns_release(struct codec_turns *turns);

#endif
