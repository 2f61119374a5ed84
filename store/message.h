/*
 * Message: one message as plain data, whole, owned by whoever asked for it.
 *
 * Threads: a value of its owner. Ownership: message_free frees all of it. Texts are valid UTF-8 and
 * NUL-terminated; their lengths are in bytes. Strings that are not there are NULL.
 */
#ifndef WEIR_STORE_MESSAGE_H
#define WEIR_STORE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ulid.h"
#include "store/vocabulary.h"

struct message_part {
    enum part_kind kind;
    bool ended; /* no more of it comes */
    char *text; /* never NULL */
    size_t text_n;
    char *tool_id;    /* tool_call, tool_result */
    char *tool_name;  /* tool_call */
    int64_t began_us; /* wall clock */
    int64_t ended_us; /* 0: has not */
};

struct message {
    struct ulid id;
    struct ulid session;
    struct ulid turn;      /* unset: none */
    struct ulid attempt;   /* of an answer; unset: none */
    struct ulid continues; /* the message that it goes on with; set in pages of history.h only */
    int64_t seq;           /* order within its branch */
    enum role role;
    bool ended;
    enum finish_reason reason; /* FINISH_NONE until it ended */
    enum err_code error;       /* why it failed, when it did */
    char *detail;              /* the error's text, or the provider's word for the reason */
    char *model;               /* "PROVIDER/MODEL" that wrote it */
    struct usage usage;
    int64_t created_us;
    int64_t ended_us;
    uint32_t revision; /* structural changes so far: a part began or ended, the end */
    struct message_part *parts;
    size_t part_count;
};

struct message *message_new(void) NODISCARD;
void message_free(struct message *message); /* NULL is fine */
/* Adds a part with a copy of `text`. The pointer is valid until the next addition. */
struct message_part *message_add_part(struct message *message, enum part_kind kind, struct sv text);
/* The texts of all parts of that kind, one after the other with a blank line between. Gives them to
 * the caller. */
char *message_text(const struct message *message, enum part_kind kind) NODISCARD;

#endif
