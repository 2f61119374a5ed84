/*
 * Player: an answer that needs no network: the demo's (app/demo.h), or one that was recorded
 * (app/recording.h).
 *
 * A recording is played for the model that is its path: `-m replay/FILE`. Of several turns in it
 * the one is played whose place is that of the prompt in the conversation, from the first again
 * behind the last. What was recorded of tries that failed is left out, with the wait before the
 * next one. A recording without an end, or with a line that is none, ends the answer as
 * interrupted, or as failed.
 *
 * Threads: a player belongs to one thread. Units: µs. WEIR_REPLAY_SPEED=0 plays recordings without
 * pauses, 2 twice as fast, 0.5 half as fast.
 */
#ifndef WEIR_APP_PLAYER_H
#define WEIR_APP_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "store/message.h"
#include "store/stream_event.h"

struct player;

/* The conversation so far; the last message is the user's. */
struct player *player_of_demo(struct message *const *messages, size_t count) NODISCARD;
/* ERR_NOT_FOUND, ERR_INVALID (no recording, or one without a turn), ERR_UNSUPPORTED, ERR_TOO_BIG.
 */
enum err_code player_of_recording(const char *path, struct message *const *messages, size_t count,
                                  struct player **ret_player, struct err *err) NODISCARD;
void player_free(struct player *player); /* NULL is fine */

/* The next event and how long after the one before it. False when the last event was given. The
 * event's views live until the next call. */
bool player_next(struct player *player, int64_t *ret_delay_us, struct stream_event *ret_event);

/* A speed as users write it, 0 to 1000; false, and `*ret_speed` untouched, for any other text. */
bool player_speed_parse(const char *text, double *ret_speed);
/* How long a pause is at that speed. */
int64_t player_pause(int64_t us, double speed);

#endif
