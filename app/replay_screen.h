/*
 * A recording played on the screen: in a store of its own that has no name and goes with the
 * process, with the user's keys and colours. Nothing is sent, nothing is kept.
 *
 * Threads: main, before any other.
 */
#ifndef WEIR_APP_REPLAY_SCREEN_H
#define WEIR_APP_REPLAY_SCREEN_H

#include <stdbool.h>

#include "app/command.h"
#include "app/recording.h"

struct replay_screen {
    const struct global_options *global;
    struct recording *recording; /* borrowed */
    const char *title;           /* of the window */
    double speed;
    bool paused;
    bool unfolded; /* reasoning is shown whole */
};

/* Until the user leaves. Gives the exit code; what failed was told. */
int replay_screen(const struct replay_screen *what);

#endif
