/* The screen around a playback. */
#include "app/replay_screen.h"

#include "app/opening.h"
#include "app/playback.h"
#include "app/signals.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "ui/notice.h"
#include "ui/ui.h"

#define READY_US CLOCK_S(10)
#define CLOSE_US CLOCK_S(2)

struct stage {
    const struct replay_screen *what;
    struct config *config;
    struct broker *broker;
    struct store *store;
    struct ulid session;
    struct playback *playback;
};

static enum err_code open_private(struct stage *stage, struct err *err)
{
    stage->broker = broker_new(NULL);
    const struct store_options options = {.debounce_us = stage->config->debounce_us,
                                          .broker = stage->broker};
    enum err_code code = store_open(&options, &stage->store, err);
    code = code ? code : store_start(stage->store, err);
    return code ? code : store_wait_ready(stage->store, clock_mono_us() + READY_US, err);
}

static enum err_code open_all(struct stage *stage, struct err *err)
{
    bool created;
    enum err_code code = signals_start(err);
    code = code ? code : open_config_tolerantly(stage->what->global, &stage->config, err);
    code = code ? code : config_check_screen(stage->config, err);
    code = code ? code : open_private(stage, err);
    const struct session_request request = {.title = sv_take(sv_from(stage->what->title), 100)};
    code = code ? code : session_create(stage->store, &request, &stage->session, &created, err);
    const struct playback_options options = {.store = stage->store,
                                             .session = stage->session,
                                             .recording = stage->what->recording,
                                             .speed = stage->what->speed,
                                             .paused = stage->what->paused};
    return code ? code : playback_new(&options, &stage->playback, err);
}

static void host_first_frame_done(void *ctx)
{
    const struct stage *stage = ctx;
    struct err err;
    if (playback_start(stage->playback, &err)) {
        notice_publish(stage->broker, NOTICE_PROBLEM, NULL, err.text, NULL);
    }
}

static struct ui_replay host_replay(void *ctx)
{
    return playback_state(((const struct stage *)ctx)->playback);
}

static void host_replay_act(void *ctx, enum ui_replay_act act)
{
    playback_act(((const struct stage *)ctx)->playback, act);
}

static enum err_code show(struct stage *stage, struct err *err)
{
    struct ui_settings settings = config_ui_settings(&stage->config->ui);
    settings.notify = UI_NOTIFY_NONE; /* nobody waits for what was said long ago */
    const struct ui_options options = {
        .store = stage->store,
        .host = {.ctx = stage,
                 .first_frame_done = host_first_frame_done,
                 .replay = host_replay,
                 .replay_act = host_replay_act},
        .session = stage->session,
        .unfolded = stage->what->unfolded,
        .color = stage->what->global->color,
        .keymap = stage->config->keymap,
        .settings = settings,
    };
    alloc_set_last_words(ui_restore_terminal);
    signals_guard_terminal();
    signals_watch(NULL, stage->store);
    return ui_run(&options, &stage->session, err);
}

/* In the order of app/signals.c. */
static int close_all(struct stage *stage, enum err_code code, struct err *err)
{
    int number = signals_release();
    if (stage->playback && playback_stop(stage->playback, code ? NULL : err)) {
        code = code ? code : err->code;
    }
    if (stage->store) {
        (void)store_close(stage->store, clock_mono_us() + CLOSE_US, NULL);
    }
    signals_closed();
    alloc_set_last_words(NULL);
    playback_free(stage->playback);
    store_free(stage->store);
    broker_free(stage->broker);
    config_free(stage->config);
    if (number) {
        return 128 + number;
    }
    return code == ERR_CLOSED ? EXIT_TERMINAL_GONE : code ? command_fail(err) : 0;
}

int replay_screen(const struct replay_screen *what)
{
    struct stage stage = {.what = what};
    struct err err = {0};
    enum err_code code = open_all(&stage, &err);
    code = code ? code : show(&stage, &err);
    return close_all(&stage, code, &err);
}
