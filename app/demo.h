/*
 * The demo provider: offline, deterministic, a guided tour of weir that streams at the pace of a
 * real model.
 *
 * It answers by key words in the last prompt: nothing special gives the tour's next step; "code",
 * "table", "long", "cjk", "emoji", "think", "error", "tool", "help" show that kind of answer.
 * Nothing leaves the machine.
 *
 * Threads: a player belongs to one thread. Units: µs.
 */
#ifndef WEIR_APP_DEMO_H
#define WEIR_APP_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"
#include "store/message.h"
#include "store/stream_event.h"

struct demo_player;

/* The conversation so far; the last message is the user's. WEIR_DEMO_SPEED=0 plays without pauses,
 * 2 twice as fast. */
struct demo_player *demo_player_new(struct message *const *messages, size_t count);
void demo_player_free(struct demo_player *player); /* NULL is fine */
/*
 * The next event and how long after the one before it. False when the last event was given. The
 * event's views live until the next call.
 */
bool demo_player_next(struct demo_player *player, int64_t *ret_delay_us,
                      struct stream_event *ret_event);
/* The text that an empty transcript shows while the demo is the provider: what this is and how to
 * connect a model. */
const char *demo_welcome(void);

#endif
