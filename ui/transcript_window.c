/*
 * The window: a session may be of any length, so messages far from the view are let go.
 *
 * Above the view that is simple: the front of the list goes, as if it had never been loaded. Below,
 * the latest messages stay, since the state of the session is theirs; what goes leaves a hole
 * between two of the others. No message goes that has not ended.
 */
#include "ui/transcript_internal.h"

/* Kept on either side of the view: at least so many messages, at most so many, and so much text. */
#define KEEP_LEAST 48u
#define KEEP_MOST 192u
#define KEEP_BYTES ((size_t)2 << 20)
/* Fewer are not worth the work. */
#define DROP_LEAST 32u
/* Of the latest messages, always kept. */
#define KEEP_LATEST 2u
/* Messages are asked for when the hole is no further from the view than this. */
#define FETCH_AHEAD 32u

bool window__is_in_hole(const struct transcript *transcript, int64_t seq)
{
    return seq > transcript->hole_after && seq < transcript->hole_before;
}

static bool has_hole(const struct transcript *transcript)
{
    return transcript->hole_after < transcript->hole_before;
}

size_t window__edge(const struct transcript *transcript)
{
    if (!has_hole(transcript)) {
        return transcript->count;
    }
    size_t at = transcript->count;
    while (at > 0 && transcript->messages[at - 1]->seq > transcript->hole_after) {
        at--;
    }
    return at > 0 ? at - 1 : 0;
}

void transcript_close_hole(struct transcript *transcript)
{
    transcript->hole_after = 0;
    transcript->hole_before = 0;
}

void transcript_open_hole(struct transcript *transcript, int64_t seq)
{
    if (transcript->count && !has_hole(transcript) && seq < transcript->messages[0]->seq) {
        transcript->hole_after = seq;
        transcript->hole_before = transcript->messages[0]->seq;
    }
}

static bool is_enough(size_t messages, size_t bytes)
{
    return messages >= KEEP_MOST || (messages >= KEEP_LEAST && bytes >= KEEP_BYTES);
}

/* Lets the front go, up to the first message that is near enough or runs. */
static void trim_above(struct transcript *transcript, size_t first)
{
    size_t bytes = 0;
    size_t keep = first;
    while (keep > 0 && !is_enough(first - keep, bytes)) {
        keep--;
        bytes += transcript->messages[keep]->bytes;
    }
    size_t to = 0;
    while (to < keep && transcript->messages[to]->ended) {
        to++;
    }
    if (to >= DROP_LEAST) {
        message__drop(transcript, 0, to);
        transcript->more = true;
    }
}

static void trim_below(struct transcript *transcript, size_t last)
{
    size_t edge = window__edge(transcript);
    size_t end = edge < transcript->count ? edge + 1 : transcript->count - KEEP_LATEST;
    size_t bytes = 0;
    size_t from = last + 1;
    while (from < end && !is_enough(from - last, bytes)) {
        bytes += transcript->messages[from]->bytes;
        from++;
    }
    for (size_t i = from; i < end; i++) {
        if (!transcript->messages[i]->ended) {
            return;
        }
    }
    if (from < end && end - from >= DROP_LEAST) {
        if (!has_hole(transcript)) {
            transcript->hole_before = transcript->messages[end]->seq;
        }
        transcript->hole_after = transcript->messages[from - 1]->seq;
        message__drop(transcript, from, end);
    }
}

void window__trim(struct transcript *transcript, size_t first, size_t last)
{
    if (transcript->count < KEEP_LEAST + DROP_LEAST) {
        return;
    }
    if (!transcript->follow && last + KEEP_LATEST < transcript->count) {
        trim_below(transcript, last);
    }
    trim_above(transcript, first);
}

void transcript_follow(struct transcript *transcript)
{
    transcript->follow = true;
    if (has_hole(transcript)) {
        message__drop(transcript, 0, window__edge(transcript) + 1);
        transcript_close_hole(transcript);
        transcript->more = true;
    }
}

bool transcript_wants_newer(const struct transcript *transcript, int64_t *ret_seq)
{
    if (transcript->follow || !has_hole(transcript) || transcript->rows == 0) {
        return false;
    }
    size_t edge = window__edge(transcript);
    size_t bottom = view__bottom(transcript);
    if (edge > bottom && edge - bottom > FETCH_AHEAD) {
        return false;
    }
    *ret_seq = transcript->hole_after;
    return true;
}
