/*
 * Demo player: picks a script and plays it as stream events, cut into pieces of a token's size,
 * each with its pause. The pauses are irregular as those of a server are, and the same each time.
 */
#include "app/demo.h"

#include <stdlib.h>

#include "app/demo_tour.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"

#define PIECE_US 16600 /* about 60 pieces a second */
#define CONNECT_US CLOCK_MS(150)
#define THINK_US CLOCK_MS(450)
#define PIECE_LETTERS 7
#define BYTES_PER_TOKEN 4
#define SPEED_MAX 1000

enum phase {
    PHASE_STARTED,
    PHASE_OPEN, /* of the segment */
    PHASE_PIECES,
    PHASE_CLOSE,
    PHASE_USAGE,
    PHASE_FINISH,
    PHASE_OVER,
};

struct demo_player {
    const struct demo_script *script;
    enum phase phase;
    uint32_t part;
    size_t at; /* in the segment's text */
    struct buf long_text;
    unsigned speed; /* 0: no pauses */
    uint32_t jitter;
    struct usage usage;
};

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (unsigned char)byte >= 0x80;
}

/* The first key word in the text that stands as a word of its own; NULL: none. */
static const struct demo_script *key_word_in(struct sv text)
{
    size_t at = 0;
    while (at < text.n) {
        size_t end = at;
        while (end < text.n && is_letter(text.p[end])) {
            end++;
        }
        const struct demo_script *script = demo_key_word_scripts();
        for (; end > at && script->segments; script++) {
            if (sv_equal_nocase(sv_of(text.p + at, end - at), sv_from(script->word))) {
                return script;
            }
        }
        at = end + 1;
    }
    return NULL;
}

static const struct demo_script *key_word_of(const struct message *message)
{
    const struct demo_script *found = NULL;
    for (size_t i = 0; !found && i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        if (part->kind == PART_TEXT) {
            found = key_word_in(sv_of(part->text, part->text_n));
        }
    }
    return found;
}

/* Prompts without a key word move the tour on by one step each. */
static const struct demo_script *choose_script(struct message *const *messages, size_t count)
{
    const struct demo_script *script = NULL;
    size_t prompts = 0;
    for (size_t i = 0; i < count; i++) {
        if (messages[i]->role == ROLE_USER) {
            script = key_word_of(messages[i]);
            prompts += script == NULL;
        }
    }
    return script ? script : demo_tour_step(prompts ? prompts - 1 : 0);
}

static int64_t tokens_of(struct message *const *messages, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t part = 0; part < messages[i]->part_count; part++) {
            bytes += messages[i]->parts[part].text_n;
        }
    }
    return (int64_t)(bytes / BYTES_PER_TOKEN) + 1;
}

static unsigned speed_from_environment(void)
{
    uint64_t speed = 1;
    struct sv text = sv_from(getenv("WEIR_DEMO_SPEED"));
    return sv_to_u64(text, &speed) && speed <= SPEED_MAX ? (unsigned)speed : 1;
}

struct demo_player *demo_player_new(struct message *const *messages, size_t count)
{
    struct demo_player *player = xcalloc(1, sizeof *player);
    player->script = choose_script(messages, count);
    player->speed = speed_from_environment();
    player->long_text = BUF_INIT(BUF_MAX_INTERNAL);
    player->usage = (struct usage){.input_tokens = tokens_of(messages, count)};
    if (player->script->segments[0].kind == DEMO_LONG) {
        demo_long_append(&player->long_text);
    }
    return player;
}

void demo_player_free(struct demo_player *player)
{
    if (player) {
        buf_release(&player->long_text);
        free(player);
    }
}

/* A token: the white space before a word and some of its letters, or one wide character or two. */
static struct sv next_piece(struct sv rest)
{
    size_t n = 0;
    while (n < rest.n && (rest.p[n] == ' ' || rest.p[n] == '\n')) {
        n++;
    }
    size_t limit = n + PIECE_LETTERS < rest.n ? n + PIECE_LETTERS : rest.n;
    size_t end = n;
    while (end < limit && rest.p[end] != ' ' && rest.p[end] != '\n') {
        end++;
    }
    end = utf8_cut(rest.p, rest.n, end);
    return sv_take(rest, end > 0 ? end : rest.n);
}

/* Between half and one and a half of the pace. */
static int64_t piece_pause(struct demo_player *player)
{
    player->jitter = player->jitter * 1664525u + 1013904223u;
    int64_t pause = PIECE_US / 2 + (int64_t)(player->jitter >> 16) * PIECE_US / 65536;
    return pause / player->script->haste;
}

static const struct demo_segment *segment_of(const struct demo_player *player)
{
    return &player->script->segments[player->part];
}

static struct sv text_of(const struct demo_player *player)
{
    const struct demo_segment *segment = segment_of(player);
    return segment->kind == DEMO_LONG ? buf_sv(&player->long_text) : sv_from(segment->text);
}

/* Opens a segment where that is an event of its own; true: `event` is one. */
static bool open_segment(struct demo_player *player, int64_t *pause, struct stream_event *event)
{
    const struct demo_segment *segment = segment_of(player);
    player->at = 0;
    switch (segment->kind) {
    case DEMO_END:
        player->phase = PHASE_USAGE;
        return false;
    case DEMO_ERROR:
        *event = (struct stream_event){.kind = STREAM_ERROR,
                                       .error = ERR_SERVER,
                                       .reason = FINISH_ERROR,
                                       .retryable = true,
                                       .text = sv_from(segment->text)};
        player->phase = PHASE_OVER;
        return true;
    case DEMO_TOOL:
        event->kind = STREAM_TOOL_CALL;
        event->id = SV("call_demo_1");
        event->name = SV("read_file");
        player->phase = PHASE_PIECES;
        return true;
    case DEMO_TEXT:
    case DEMO_REASONING:
    case DEMO_LONG:
        break;
    }
    *pause = player->part == 0 ? THINK_US : 0;
    player->phase = PHASE_PIECES;
    return false;
}

static bool give_piece(struct demo_player *player, int64_t *pause, struct stream_event *event)
{
    static const enum stream_kind kinds[] = {[DEMO_TEXT] = STREAM_TEXT,
                                             [DEMO_LONG] = STREAM_TEXT,
                                             [DEMO_REASONING] = STREAM_REASONING,
                                             [DEMO_TOOL] = STREAM_TOOL_INPUT};
    struct sv rest = sv_skip(text_of(player), player->at);
    if (rest.n == 0) {
        player->phase = PHASE_CLOSE;
        return false;
    }
    event->kind = kinds[segment_of(player)->kind];
    event->text = next_piece(rest);
    player->at += event->text.n;
    player->usage.output_tokens++;
    player->usage.reasoning_tokens += event->kind == STREAM_REASONING;
    *pause += piece_pause(player);
    return true;
}

static bool close_segment(struct demo_player *player, struct stream_event *event)
{
    enum demo_kind kind = segment_of(player)->kind;
    event->kind = kind == DEMO_TOOL ? STREAM_TOOL_CALL_END : STREAM_REASONING_END;
    player->phase = PHASE_OPEN;
    player->part++;
    return kind == DEMO_TOOL || kind == DEMO_REASONING;
}

/* One step of the machine; true: `event` is one to give. */
static bool step(struct demo_player *player, int64_t *pause, struct stream_event *event)
{
    event->part = player->part;
    switch (player->phase) {
    case PHASE_STARTED:
        event->kind = STREAM_STARTED;
        event->id = SV("demo");
        event->name = SV("tour");
        *pause = CONNECT_US;
        player->phase = PHASE_OPEN;
        return true;
    case PHASE_OPEN:
        return open_segment(player, pause, event);
    case PHASE_PIECES:
        return give_piece(player, pause, event);
    case PHASE_CLOSE:
        return close_segment(player, event);
    case PHASE_USAGE:
        *event = (struct stream_event){.kind = STREAM_USAGE, .usage = player->usage};
        player->phase = PHASE_FINISH;
        return true;
    case PHASE_FINISH:
        *event = (struct stream_event){.kind = STREAM_FINISH,
                                       .reason = player->script->reason,
                                       .text = sv_from(finish_reason_text(player->script->reason))};
        player->phase = PHASE_OVER;
        return true;
    case PHASE_OVER:
        break;
    }
    return false;
}

bool demo_player_next(struct demo_player *player, int64_t *ret_delay_us,
                      struct stream_event *ret_event)
{
    int64_t pause = 0;
    while (player->phase != PHASE_OVER) {
        struct stream_event event = {.usage = usage_unknown()};
        if (step(player, &pause, &event)) {
            *ret_delay_us = player->speed ? pause / player->speed : 0;
            *ret_event = event;
            return true;
        }
    }
    return false;
}
