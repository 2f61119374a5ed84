/* Inline reasoning: a small machine that holds back only what may still become a tag. */
#include "app/think.h"

#define OPENING SV("<think>")
#define CLOSING SV("</think>")

/* White space before the opening tag, more of which means that there is none. */
#define LEAD_MAX 64

void think_init(struct think *think, think_fn *handler, void *ctx)
{
    *think = (struct think){.handler = handler, .ctx = ctx};
    buf_init(&think->held, BUF_MAX_INTERNAL);
}

void think_release(struct think *think)
{
    buf_release(&think->held);
}

static size_t count_space(struct sv text)
{
    size_t n = 0;
    while (n < text.n && (text.p[n] == ' ' || (text.p[n] >= '\t' && text.p[n] <= '\r'))) {
        n++;
    }
    return n;
}

/* Gives the first `length` bytes that are held. */
static void give(struct think *think, size_t length)
{
    if (length) {
        bool reasoning = think->state == THINK_INSIDE;
        think->handler(think->ctx, reasoning, sv_take(buf_sv(&think->held), length));
        buf_remove(&think->held, 0, length);
    }
}

/* Each step gives true when the next state has something to look at. */
static bool step_start(struct think *think)
{
    struct sv held = buf_sv(&think->held);
    size_t lead = count_space(held);
    struct sv rest = sv_skip(held, lead);
    if (lead <= LEAD_MAX && sv_starts_with(rest, OPENING)) {
        buf_remove(&think->held, 0, lead + OPENING.n);
        think->state = THINK_INSIDE;
        think->at_tag = true;
        return true;
    }
    if (lead <= LEAD_MAX && sv_starts_with(OPENING, rest)) {
        return false;
    }
    think->state = THINK_OFF;
    return true;
}

/* Bytes at the end that may be the beginning of the closing tag. */
static size_t partial_closing(struct sv text)
{
    size_t n = text.n < CLOSING.n - 1 ? text.n : CLOSING.n - 1;
    while (n && !sv_ends_with(text, sv_take(CLOSING, n))) {
        n--;
    }
    return n;
}

static bool step_inside(struct think *think)
{
    if (think->at_tag) {
        buf_remove(&think->held, 0, count_space(buf_sv(&think->held)));
        think->at_tag = think->held.n == 0;
    }
    struct sv held = buf_sv(&think->held);
    size_t at = sv_find_sv(held, CLOSING);
    if (at == held.n) {
        give(think, held.n - partial_closing(held));
        return false;
    }
    give(think, at);
    buf_remove(&think->held, 0, CLOSING.n);
    think->state = THINK_AFTER;
    return true;
}

static bool step_after(struct think *think)
{
    buf_remove(&think->held, 0, count_space(buf_sv(&think->held)));
    if (think->held.n) {
        think->state = THINK_OFF;
    }
    return think->held.n > 0;
}

static bool step(struct think *think)
{
    switch (think->state) {
    case THINK_START:
        return step_start(think);
    case THINK_INSIDE:
        return step_inside(think);
    case THINK_AFTER:
        return step_after(think);
    case THINK_OFF:
        give(think, think->held.n);
        return false;
    }
    return false;
}

void think_feed(struct think *think, struct sv text)
{
    if (text.n == 0) {
        return;
    }
    if (think->state == THINK_OFF && think->held.n == 0) {
        think->handler(think->ctx, false, text);
        return;
    }
    (void)buf_append_sv(&think->held, text);
    while (step(think)) {
    }
}

void think_end(struct think *think)
{
    give(think, think->held.n);
    think->state = THINK_OFF;
}
