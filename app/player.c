/* Player: the demo, or a recorded turn, behind one face. */
#include "app/player.h"

#include <math.h>
#include <stdlib.h>

#include "app/demo.h"
#include "app/recording.h"
#include "base/alloc.h"

#define SPEED_MAX 1000.0

struct player {
    struct demo_player *demo; /* or else: */
    struct recording *recording;
    double speed;
    int64_t at_us; /* of the event before, in the recording */
    bool over;
    struct err err; /* why it ended, for the last event */
};

struct player *player_of_demo(struct message *const *messages, size_t count)
{
    struct player *player = xcalloc(1, sizeof(*player));
    player->demo = demo_player_new(messages, count);
    return player;
}

void player_free(struct player *player)
{
    if (player) {
        demo_player_free(player->demo);
        recording_close(player->recording);
        free(player);
    }
}

bool player_speed_parse(const char *text, double *ret_speed)
{
    char *end = NULL;
    double speed = text && *text ? strtod(text, &end) : -1;
    if (!end || *end || !isfinite(speed) || speed < 0 || speed > SPEED_MAX) {
        return false;
    }
    *ret_speed = speed;
    return true;
}

int64_t player_pause(int64_t us, double speed)
{
    double pause = speed > 0 ? (double)us / speed : 0;
    return pause < 9e18 ? (int64_t)pause : INT64_MAX;
}

/* ---- finding the turn ---- */

static enum err_code count_turns(const char *path, size_t *ret_count, struct err *err)
{
    struct recording *recording = NULL;
    struct recording_item item;
    size_t count = 0;
    bool more = true;
    enum err_code code = recording_open(path, &recording, err);
    while (code == ERR_OK && more) {
        code = recording_next(recording, &item, &more, err);
        count += more && item.is_head;
        /* Of a broken one, what comes before that can be played. */
        code = code && count > 0 ? ERR_OK : code;
    }
    recording_close(recording);
    if (code == ERR_OK && count == 0) {
        code = err_set(err, ERR_INVALID, "'%s' holds no recorded turn", path);
    }
    *ret_count = count;
    return code;
}

static size_t count_prompts(struct message *const *messages, size_t count)
{
    size_t prompts = 0;
    for (size_t i = 0; i < count; i++) {
        prompts += messages[i]->role == ROLE_USER;
    }
    return prompts;
}

/* Goes behind the head of that turn, from 0. */
static enum err_code skip_to(struct recording *recording, size_t turn, struct err *err)
{
    struct recording_item item;
    bool more = true;
    for (size_t seen = 0; more && seen <= turn;) {
        enum err_code code = recording_next(recording, &item, &more, err);
        if (code) {
            return code;
        }
        seen += more && item.is_head;
    }
    return ERR_OK;
}

enum err_code player_of_recording(const char *path, struct message *const *messages, size_t count,
                                  struct player **ret_player, struct err *err)
{
    size_t turns = 0;
    size_t prompts = count_prompts(messages, count);
    struct recording *recording = NULL;
    enum err_code code = count_turns(path, &turns, err);
    code = code ? code : recording_open(path, &recording, err);
    code = code ? code : skip_to(recording, prompts ? (prompts - 1) % turns : 0, err);
    if (code) {
        recording_close(recording);
        return code;
    }
    struct player *player = xcalloc(1, sizeof(*player));
    player->recording = recording;
    player->speed = 1;
    (void)player_speed_parse(getenv("WEIR_REPLAY_SPEED"), &player->speed);
    *ret_player = player;
    return ERR_OK;
}

/* ---- playing ---- */

static void end_with(struct player *player, enum err_code code, struct stream_event *event)
{
    *event = (struct stream_event){
        .kind = STREAM_ERROR,
        .usage = usage_unknown(),
        .reason = code == ERR_PROTOCOL ? FINISH_INTERRUPTED : FINISH_ERROR,
        .error = code,
        .text = sv_from(player->err.text),
    };
}

static void next_recorded(struct player *player, int64_t *pause, struct stream_event *event)
{
    struct recording_item item;
    bool more = false;
    enum err_code code = ERR_OK;
    do {
        code = recording_next(player->recording, &item, &more, &player->err);
    } while (code == ERR_OK && more && !item.is_head && item.event.kind == STREAM_WAITING);
    *pause = 0;
    if (code) {
        end_with(player, code, event);
    } else if (!more || item.is_head) {
        (void)err_set(&player->err, ERR_PROTOCOL, "the recording ends before the answer does");
        end_with(player, ERR_PROTOCOL, event);
    } else {
        *event = item.event;
        event->usage.cost_micros = 0; /* nothing is paid again */
        event->usage.cost_estimated = false;
        *pause = player_pause(item.at_us - player->at_us, player->speed);
        player->at_us = item.at_us;
    }
    player->over = stream_event_is_last(event);
}

bool player_next(struct player *player, int64_t *ret_delay_us, struct stream_event *ret_event)
{
    if (player->demo) {
        return demo_player_next(player->demo, ret_delay_us, ret_event);
    }
    if (player->over) {
        return false;
    }
    next_recorded(player, ret_delay_us, ret_event);
    return true;
}
