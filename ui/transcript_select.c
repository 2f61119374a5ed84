/* One message is selected: its head is marked and kept in view. And who stands in its place on
 * other branches. */
#include "ui/transcript_internal.h"

static void reveal(struct transcript *transcript, size_t index)
{
    if (!view__shows_head(transcript, index)) {
        view__go_to(transcript, index);
    }
}

bool transcript_select(struct transcript *transcript, const struct ulid *message)
{
    const struct shown_message *shown = message__find(transcript, message);
    if (!shown) {
        return false;
    }
    transcript->selected = shown->id;
    reveal(transcript, message__index(transcript, shown));
    return true;
}

void transcript_unselect(struct transcript *transcript)
{
    transcript->selected = (struct ulid){""};
}

bool transcript_select_step(struct transcript *transcript, int step)
{
    const struct shown_message *old = message__find(transcript, &transcript->selected);
    size_t last = transcript->count - 1;
    if (transcript->count == 0) {
        return false;
    }
    size_t at = old ? message__index(transcript, old) : last;
    if (old && (step < 0 ? at == 0 : at == last)) {
        return false;
    }
    at = !old ? at : step < 0 ? at - 1 : at + 1;
    transcript->selected = transcript->messages[at]->id;
    reveal(transcript, at);
    return true;
}

bool transcript_selected(const struct transcript *transcript, struct transcript_message *ret)
{
    const struct shown_message *shown = message__find(transcript, &transcript->selected);
    if (!shown) {
        return false;
    }
    *ret = (struct transcript_message){
        .id = shown->id, .seq = shown->seq, .role = shown->role, .ended = shown->ended};
    return true;
}

bool transcript_last(const struct transcript *transcript, enum role role,
                     struct transcript_message *ret)
{
    for (size_t i = transcript->count; i > 0; i--) {
        const struct shown_message *shown = transcript->messages[i - 1];
        if (shown->role == role) {
            *ret = (struct transcript_message){
                .id = shown->id, .seq = shown->seq, .role = role, .ended = shown->ended};
            return true;
        }
    }
    return false;
}

void transcript_each(struct transcript *transcript,
                     void (*call)(void *ctx, const struct ulid *message, int64_t seq), void *ctx)
{
    for (size_t i = 0; i < transcript->count; i++) {
        struct ulid id = transcript->messages[i]->id;
        call(ctx, &id, transcript->messages[i]->seq);
    }
}

void transcript_set_siblings(struct transcript *transcript, const struct ulid *message, size_t at,
                             size_t count)
{
    struct shown_message *shown = message__find(transcript, message);
    if (shown) {
        shown->sibling = at;
        shown->siblings = count;
    }
}
