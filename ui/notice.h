/*
 * Notice: what the engine tells the screen beside the messages themselves. Published by the floor
 * above on TOPIC_UI.
 *
 * Threads: immutable once published. Ownership: references (pubsub/broker.h). All text may come
 * from anywhere: the screen makes it safe.
 */
#ifndef WEIR_UI_NOTICE_H
#define WEIR_UI_NOTICE_H

#include "base/err.h"
#include "base/ulid.h"
#include "pubsub/broker.h"
#include "store/update.h"

#define TOPIC_UI TOPIC_FIRST_FREE

enum notice_kind {
    NOTICE_INFO,    /* text: one line to show until the next key or notice */
    NOTICE_PROBLEM, /* text: something failed; stays until the next prompt is sent */
    NOTICE_MODEL,   /* text: "PROVIDER/MODEL" in use from now on; detail: why, or NULL */
    NOTICE_WINDOW,  /* text: "PROVIDER/MODEL": ui_host.context_of knows better of it now */
    NOTICE_OFFER,   /* text: a question to be answered with y or n and Enter (struct
                       ui_host.answer_offer) */
    NOTICE_BEGUN,   /* session: the turn was stored, the prompt is safe; the request goes out now */
    NOTICE_SEND_FAILED, /* session, text: why; detail: the prompt, to be put back into the editor */
    NOTICE_REPLAY,      /* what is played has come to its end: struct ui_host.replay says so */
    NOTICE_QUIT,        /* leave at once, everything is being saved */
};

struct notice {
    struct payload payload;
    enum notice_kind kind;
    struct ulid session; /* unset: of none */
    char *text;          /* never NULL */
    char *detail;        /* or NULL */
};

/* Makes one and publishes it (parked). NULL texts are fine; they are copied. */
void notice_publish(struct broker *broker, enum notice_kind kind, const struct ulid *session,
                    const char *text, const char *detail);

#endif
