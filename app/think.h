/*
 * Inline reasoning: tells <think>…</think> at the very start of a text from the answer after it.
 * Servers that know nothing of a model's template leave the tags in the text.
 *
 * The tags may be cut anywhere; the result does not depend on where. White space around the tags is
 * dropped. Anywhere else, and without the opening tag, the tags are text.
 *
 * Threads: a value of its owner. Ownership: views passed to the handler are valid during the call.
 */
#ifndef WEIR_APP_THINK_H
#define WEIR_APP_THINK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/sv.h"

enum think_state { THINK_START, THINK_INSIDE, THINK_AFTER, THINK_OFF };

/* Never called with an empty text. */
typedef void think_fn(void *ctx, bool reasoning, struct sv text);

struct think {
    enum think_state state;
    bool at_tag; /* nothing but white space since the opening tag */
    struct buf held;
    think_fn *handler;
    void *ctx;
};

void think_init(struct think *think, think_fn *handler, void *ctx);
void think_release(struct think *think);
void think_feed(struct think *think, struct sv text);
/* Gives what was held back for a tag that did not come; what follows is text. */
void think_end(struct think *think);

#endif
