/*
 * Playback: a recording, played into a session of a store at the pace at which it was recorded, by
 * a thread of its own. Who shows the session sees the answers come again.
 *
 * Nothing is sent anywhere. The store is the caller's, a private one, so that what is played is no
 * second copy of what was said. A recording that is damaged is played up to there.
 *
 * Threads: playback_act and playback_state from any; the rest from the owner. Ownership: store and
 * recording are borrowed until playback_free. Units: µs of the recording's own time; between two
 * answers lies a rest of PLAYBACK_REST_US.
 */
#ifndef WEIR_APP_PLAYBACK_H
#define WEIR_APP_PLAYBACK_H

#include <stdbool.h>

#include "app/recording.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/store.h"
#include "ui/ui.h"

#define PLAYBACK_REST_US 1000000
#define PLAYBACK_SPEED_LEAST 0.01
#define PLAYBACK_SPEED_MOST 1000.0

struct playback_options {
    struct store *store; /* takes changes */
    struct ulid session; /* empty */
    struct recording *recording;
    double speed; /* 0: without pauses */
    bool paused;  /* before the first piece */
};

struct playback;

/* Looks through the recording, which is at its beginning. Plays nothing yet. ERR_INVALID: there is
 * nothing in it to be played. */
enum err_code playback_new(const struct playback_options *options, struct playback **ret_playback,
                           struct err *err) NODISCARD;
/* Once. */
enum err_code playback_start(struct playback *playback, struct err *err) NODISCARD;
void playback_act(struct playback *playback, enum ui_replay_act act);
struct ui_replay playback_state(struct playback *playback);
/* Ends it, wherever it is. Gives what was wrong with the recording, if it was played as far as
 * that. Twice is fine. */
enum err_code playback_stop(struct playback *playback, struct err *err);
void playback_free(struct playback *playback); /* NULL is fine; stops first */

/* As a user steps through speeds: `faster` doubles, else halves it, within bounds. */
double playback_speed(double speed, bool faster);

#endif
