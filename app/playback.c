/*
 * Playback: a clock that can be stopped and bent, and a thread that waits on it for each event.
 *
 * The clock runs from a moment of the recording (`from_us`) that was at a moment of the machine
 * (`since_us`); whatever changes its pace sets both anew. It never shows more than the event that
 * is waited for.
 */
#include "app/playback.h"

#include <pthread.h>
#include <stdlib.h>

#include "app/player.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "store/message_service.h"
#include "store/turn.h"
#include "ui/notice.h"

#define STORE_US CLOCK_S(10)
/* Who was stopped (Ctrl-Z, a laptop that slept) goes on where he was. */
#define LATE_US CLOCK_MS(500)

struct playback {
    struct playback_options what;
    size_t answers;
    int64_t length_us;
    bool started;
    pthread_t thread;

    pthread_mutex_t lock; /* Guards all down to "the thread's own". Leaf. */
    pthread_cond_t changed;
    bool paused, over, stopping;
    unsigned steps; /* to be taken while it is paused */
    double speed;
    int64_t from_us, since_us;
    int64_t next_us; /* of the event that is waited for */
    size_t answer;

    /* The thread's own. */
    int64_t began_us; /* of the answer, in the recording */
    int64_t last_us;  /* of the event before */
    struct ulid message;
    bool in_answer; /* its last event has not come */
    struct err err; /* of the recording */
};

double playback_speed(double speed, bool faster)
{
    if (speed <= 0) {
        return faster ? 0 : PLAYBACK_SPEED_MOST;
    }
    speed = faster ? speed * 2 : speed / 2;
    return speed < PLAYBACK_SPEED_LEAST  ? PLAYBACK_SPEED_LEAST
           : speed > PLAYBACK_SPEED_MOST ? PLAYBACK_SPEED_MOST
                                         : speed;
}

/* ---- the clock; with the lock held ---- */

static int64_t position(const struct playback *playback)
{
    int64_t passed = playback->paused ? 0 : clock_mono_us() - playback->since_us;
    double at = (double)playback->from_us + (double)passed * playback->speed;
    return playback->paused || at < (double)playback->next_us ? (int64_t)at : playback->next_us;
}

static void set_clock(struct playback *playback, int64_t at_us)
{
    playback->from_us = at_us;
    playback->since_us = clock_mono_us();
}

/* When the event comes that is waited for. */
static int64_t due(const struct playback *playback)
{
    if (playback->paused) {
        return CLOCK_NEVER;
    }
    int64_t pause = player_pause(playback->next_us - playback->from_us, playback->speed);
    return pause < CLOCK_NEVER - playback->since_us ? playback->since_us + pause : CLOCK_NEVER;
}

/* While it is paused only a step lets an event through, and with it what shows nothing. */
static bool may_come(struct playback *playback, bool shows, int64_t due_us)
{
    if (playback->paused && playback->steps == 0) {
        return false;
    }
    if (playback->paused) {
        playback->steps -= shows;
        return true;
    }
    return clock_mono_us() >= due_us;
}

/* Until the event of that time has to come. False: it does not, it is to end. */
static bool wait_for(struct playback *playback, int64_t at_us, bool shows)
{
    pthread_mutex_lock(&playback->lock);
    playback->next_us = at_us;
    int64_t due_us = due(playback);
    while (!playback->stopping && !may_come(playback, shows, due_us)) {
        (void)clock_cond_wait(&playback->changed, &playback->lock, due_us);
        due_us = due(playback);
    }
    if (playback->paused || clock_mono_us() - due_us > LATE_US) {
        set_clock(playback, at_us);
    }
    bool goes_on = !playback->stopping;
    pthread_mutex_unlock(&playback->lock);
    return goes_on;
}

/* ---- the thread ---- */

/* What cannot be taken any more because all is being closed is no fault of the recording. */
static bool give(struct playback *playback, const struct stream_event *event)
{
    struct err err;
    enum err_code code = message_apply(playback->what.store, &playback->message, event, &err);
    if (code && code != ERR_CLOSED && code != ERR_GONE) {
        (void)err_set(&playback->err, ERR_INVALID, "cannot play the recording: %s", err.text);
    }
    playback->in_answer = !stream_event_is_last(event);
    return code == ERR_OK;
}

/* One that the recording leaves without an end. */
static void end_answer(struct playback *playback)
{
    const struct stream_event event = {.kind = STREAM_ERROR,
                                       .usage = usage_unknown(),
                                       .reason = FINISH_INTERRUPTED,
                                       .error = ERR_PROTOCOL,
                                       .text = SV("the recording ends before the answer")};
    if (playback->in_answer) {
        (void)give(playback, &event);
    }
}

/* What was asked once more without a prompt goes on with the answer before. */
static bool begin_answer(struct playback *playback, const struct recording_head *head)
{
    struct turn turn;
    struct err err;
    bool goes_on = head->prompt.n == 0 && ulid_is_set(&playback->message);
    const struct turn_request request = {
        .kind = goes_on ? TURN_CONTINUE : TURN_NEW,
        .session = playback->what.session,
        .at = goes_on ? playback->message : (struct ulid){""},
        .prompt = head->prompt,
        .model = head->model,
    };
    enum err_code code =
        turn_begin(playback->what.store, &request, clock_mono_us() + STORE_US, &turn, &err);
    if (code) {
        if (code != ERR_CLOSED) {
            (void)err_set(&playback->err, code, "%s", err.text);
        }
        return false;
    }
    playback->message = turn.answer;
    playback->in_answer = true;
    pthread_mutex_lock(&playback->lock);
    playback->answer++;
    pthread_mutex_unlock(&playback->lock);
    return true;
}

static bool play_head(struct playback *playback, const struct recording_head *head)
{
    bool is_first = playback->answer == 0;
    end_answer(playback);
    playback->began_us = playback->last_us + (is_first ? 0 : PLAYBACK_REST_US);
    playback->last_us = playback->began_us;
    return wait_for(playback, playback->began_us, true) && begin_answer(playback, head);
}

static bool shows(const struct stream_event *event)
{
    return event->text.n > 0 || event->kind == STREAM_TOOL_CALL || event->kind == STREAM_WAITING ||
           stream_event_is_last(event);
}

static bool play_event(struct playback *playback, const struct recording_item *item)
{
    struct stream_event event = item->event;
    if (!playback->in_answer) {
        (void)err_set(&playback->err, ERR_INVALID,
                      "the recording has an event that is in no answer");
        return false;
    }
    playback->last_us = playback->began_us + item->at_us;
    if (!wait_for(playback, playback->last_us, shows(&event))) {
        return false;
    }
    pthread_mutex_lock(&playback->lock);
    event.wait_us = player_pause(event.wait_us, playback->speed);
    pthread_mutex_unlock(&playback->lock);
    return give(playback, &event);
}

static void play(struct playback *playback)
{
    struct recording_item item;
    bool more = true;
    while (more && playback->err.code == ERR_OK) {
        struct err err;
        if (recording_next(playback->what.recording, &item, &more, &err)) {
            playback->err = err;
        } else if (more) {
            more = item.is_head ? play_head(playback, &item.head) : play_event(playback, &item);
        }
    }
    end_answer(playback);
}

/* The screen is told, so that it says so. */
static void *playback_main(void *arg)
{
    struct playback *playback = arg;
    play(playback);
    pthread_mutex_lock(&playback->lock);
    set_clock(playback, playback->next_us);
    playback->over = true;
    pthread_mutex_unlock(&playback->lock);
    bool failed = playback->err.code != ERR_OK;
    notice_publish(store_broker(playback->what.store), failed ? NOTICE_PROBLEM : NOTICE_REPLAY,
                   NULL, failed ? playback->err.text : "", NULL);
    return NULL;
}

/* ---- what others call ---- */

/* Up to what cannot be read, which is told when it is come to. */
static enum err_code measure(struct playback *playback, struct err *err)
{
    struct recording *recording = playback->what.recording;
    struct recording_item item;
    struct err why = {0};
    int64_t at_us = 0;
    bool more = true;
    while (more && recording_next(recording, &item, &more, &why) == ERR_OK && more) {
        if (item.is_head) {
            playback->length_us += at_us + (playback->answers++ ? PLAYBACK_REST_US : 0);
        }
        at_us = item.is_head ? 0 : item.at_us;
    }
    playback->length_us += at_us;
    recording_rewind(recording);
    if (playback->answers == 0) {
        return why.code ? err_set(err, why.code, "%s", why.text)
                        : err_set(err, ERR_INVALID, "this is no recording");
    }
    return ERR_OK;
}

enum err_code playback_new(const struct playback_options *options, struct playback **ret_playback,
                           struct err *err)
{
    struct playback *playback = xcalloc(1, sizeof(*playback));
    playback->what = *options;
    playback->speed = options->speed;
    playback->paused = options->paused;
    enum err_code code = measure(playback, err);
    if (code) {
        free(playback);
        return code;
    }
    pthread_mutex_init(&playback->lock, NULL);
    clock_cond_init(&playback->changed);
    *ret_playback = playback;
    return ERR_OK;
}

enum err_code playback_start(struct playback *playback, struct err *err)
{
    set_clock(playback, 0);
    enum err_code code =
        thread_start(&playback->thread, "weir-replay", playback_main, playback, err);
    playback->started = code == ERR_OK;
    return code;
}

void playback_act(struct playback *playback, enum ui_replay_act act)
{
    pthread_mutex_lock(&playback->lock);
    int64_t at_us = position(playback);
    bool was_paused = playback->paused;
    switch (act) {
    case UI_REPLAY_PAUSE:
        playback->paused = !was_paused;
        break;
    case UI_REPLAY_STEP:
        playback->paused = true;
        playback->steps += was_paused && !playback->over;
        break;
    case UI_REPLAY_FASTER:
    case UI_REPLAY_SLOWER:
        playback->speed = playback_speed(playback->speed, act == UI_REPLAY_FASTER);
        break;
    }
    playback->steps = playback->paused ? playback->steps : 0;
    set_clock(playback, at_us);
    pthread_cond_broadcast(&playback->changed);
    pthread_mutex_unlock(&playback->lock);
}

struct ui_replay playback_state(struct playback *playback)
{
    pthread_mutex_lock(&playback->lock);
    struct ui_replay state = {
        .position_us = playback->over ? playback->next_us : position(playback),
        .length_us = playback->length_us,
        .speed = playback->speed,
        .answer = playback->answer,
        .answers = playback->answers,
        .paused = playback->paused,
        .over = playback->over,
    };
    pthread_mutex_unlock(&playback->lock);
    return state;
}

enum err_code playback_stop(struct playback *playback, struct err *err)
{
    pthread_mutex_lock(&playback->lock);
    playback->stopping = true;
    pthread_cond_broadcast(&playback->changed);
    pthread_mutex_unlock(&playback->lock);
    if (playback->started) {
        pthread_join(playback->thread, NULL);
        playback->started = false;
    }
    return playback->err.code ? err_set(err, playback->err.code, "%s", playback->err.text) : ERR_OK;
}

void playback_free(struct playback *playback)
{
    if (playback) {
        (void)playback_stop(playback, NULL);
        pthread_cond_destroy(&playback->changed);
        pthread_mutex_destroy(&playback->lock);
        free(playback);
    }
}
