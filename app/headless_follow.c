/*
 * A headless run follows its answer: the turn's beginning, updates, a signal, the reader of stdout
 * and the limits of time and cost, all in one poll. Each piece goes to the printer as it comes.
 */
#include <poll.h>
#include <unistd.h>

#include "app/command.h"
#include "app/headless_internal.h"
#include "app/output.h"
#include "app/signals.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/message_service.h"
#include "store/trash.h"
#include "ui/notice.h"

/* An answer that another process writes may have ended before its updates were listened to. */
#define LOOK_AGAIN_US CLOCK_S(1)

void headless__on_begun(void *ctx, const struct turn *turn, enum err_code code,
                        const struct err *err)
{
    struct headless *headless = ctx;
    pthread_mutex_lock(&headless->lock);
    headless->begun = true;
    headless->begun_code = code;
    if (code == ERR_OK && turn) {
        headless->begun_turn = *turn;
    } else if (err) {
        headless->begun_err = *err;
    }
    pthread_mutex_unlock(&headless->lock);
    wake_signal(&headless->wake);
}

static void remark_store(const struct headless *headless, const struct store_update *update)
{
    if (update->kind == STORE_NOT_SAVED) {
        output_remark("not saved yet: %s", update->text);
    } else if (update->kind == STORE_READY && update->recovered_answers &&
               !headless->global->quiet) {
        output_remark("%u answer%s of an earlier run recovered, %llu bytes",
                      update->recovered_answers, update->recovered_answers == 1 ? "" : "s",
                      (unsigned long long)update->recovered_bytes);
    }
}

/* What is done in another way than it was asked for. */
static void remark_notice(const struct headless *headless, const struct notice *notice)
{
    if (notice->kind == NOTICE_INFO && !headless->global->quiet) {
        output_remark("%s", notice->text);
    }
}

static void on_event(void *ctx, const struct event *event)
{
    struct headless *headless = ctx;
    if (event->topic == TOPIC_STORE) {
        remark_store(headless, (const struct store_update *)event->payload);
    } else if (event->topic == TOPIC_UI) {
        remark_notice(headless, (const struct notice *)event->payload);
    } else if (headless->have_turn && !headless->answer.ended) {
        const struct message_update *update = (const struct message_update *)event->payload;
        if (ulid_equal(&update->message, &headless->printer.turn.answer)) {
            headless->news_us = clock_mono_us();
            headless->gap =
                answer_apply_update(&headless->answer, update, &headless->printer) || headless->gap;
        }
    }
}

static void on_resync(void *ctx, uint32_t topic, const struct ulid *key)
{
    struct headless *headless = ctx;
    if ((topic & TOPIC_MESSAGE) &&
        (!ulid_is_set(key) || ulid_equal(key, &headless->printer.turn.answer))) {
        headless->gap = true;
    }
}

static void close_gap(struct headless *headless)
{
    struct message *message = NULL;
    if (headless->have_turn && headless->gap &&
        message_snapshot(headless->store, &headless->printer.turn.answer, &message, NULL) ==
            ERR_OK) {
        answer_apply_snapshot(&headless->answer, message, &headless->printer);
        headless->gap = false;
        message_free(message);
    }
}

/* The turn is there: begun now, or by who asked with the same key before. */
static enum err_code begin(struct headless *headless, const struct turn *turn, struct err *err)
{
    if (ulid_is_set(&headless->copy) && !ulid_equal(&headless->copy, &turn->session)) {
        /* Another process was faster; its copy is the one. */
        struct err why;
        if (session_delete(headless->store, &headless->copy, &why)) {
            log_write(LOG_WARN, "an unused copy stays: %s", why.text);
        }
    }
    if (turn->outcome == TURN_RUNNING && !headless->options.waits) {
        return err_set(err, ERR_BUSY,
                       "the request '%.80s' is being answered already (--wait follows it)",
                       headless->options.request_key);
    }
    headless->have_turn = true;
    headless->news_us = clock_mono_us();
    headless->printer.turn = *turn;
    headless->printer.replayed = turn->outcome == TURN_REPLAY || turn->outcome == TURN_RUNNING;
    printer_begun(&headless->printer, headless->choice.label);
    if (turn->outcome == TURN_UNANSWERED) {
        headless->printer.replayed = turn->existed;
        headless->answer.ended = true;
        return ERR_OK;
    }
    if (turn->outcome == TURN_RUNNING) {
        headless->follows = true;
        headless->look_again_us = clock_mono_us() + LOOK_AGAIN_US;
    }
    /* Updates may have passed before the answer's id was known. */
    headless->gap = true;
    return ERR_OK;
}

enum err_code headless__take_news(struct headless *headless, struct err *err)
{
    wake_drain(&headless->wake);
    pthread_mutex_lock(&headless->lock);
    bool begun = headless->begun && !headless->have_turn;
    enum err_code code = headless->begun_code;
    struct turn turn = headless->begun_turn;
    struct err why = headless->begun_err;
    pthread_mutex_unlock(&headless->lock);
    if (begun && code) {
        return err_set(err, code, "%s", why.text[0] ? why.text : err_text(code));
    }
    if (begun) {
        code = begin(headless, &turn, err);
    }
    if (code) {
        return code;
    }
    (void)subscription_drain(headless->subscription, 0, on_event, headless);
    (void)subscription_take_resync(headless->subscription, on_resync, headless);
    close_gap(headless);
    return ERR_OK;
}

/* What is stored with an answer that a limit ends; nothing where the reader went away. */
static const char *why_stopped(const struct headless *headless)
{
    return headless->cost_passed ? "the answer passed --max-cost"
           : headless->timed_out ? "the time limit was reached"
                                 : NULL;
}

/* Stops the answer, once; what has come of it stays. */
static void stop_answer(struct headless *headless)
{
    if (headless->stop_us == CLOCK_NEVER) {
        /* Another process's answer goes on: its end is not waited for. */
        headless->stop_us = clock_mono_us() + (headless->follows ? 0 : HEADLESS_STOP_US);
    }
    if (headless->have_turn && !headless->follows) {
        engine_cancel(headless->engine, &headless->printer.turn.session, why_stopped(headless));
    }
}

static void look_at_limits(struct headless *headless)
{
    bool was_stopped = headless->stop_us != CLOCK_NEVER;
    int64_t now = clock_mono_us();
    headless->timed_out = headless->timed_out || now >= headless->options.deadline_us;
    headless->reader_gone = headless->reader_gone || headless->printer.failure != 0;
    headless->cost_passed = headless->cost_passed || headless__cost_is_passed(headless);
    if ((headless->timed_out || headless->reader_gone || headless->cost_passed) && !was_stopped) {
        stop_answer(headless);
    }
    if (now >= headless->look_again_us) {
        headless->look_again_us = CLOCK_NEVER;
        headless->gap = true;
        close_gap(headless);
    }
}

/* Says once that nothing comes. Gives the time at which that would have to be said. */
static int64_t look_at_silence(struct headless *headless)
{
    if (!headless->have_turn || headless->news_us == CLOCK_NEVER) {
        return CLOCK_NEVER;
    }
    int64_t silence_us = headless->config->note_us;
    int64_t due = headless->news_us + silence_us;
    if (clock_mono_us() < due) {
        return due;
    }
    headless->news_us = CLOCK_NEVER;
    if (headless->printer.tells_progress) {
        output_remark("nothing new for %g s", (double)silence_us / 1e6);
    }
    return CLOCK_NEVER;
}

/* Waits until something of interest happens. */
static void wait_for_news(struct headless *headless)
{
    int64_t silence = look_at_silence(headless);
    silence = silence < headless->look_again_us ? silence : headless->look_again_us;
    int64_t deadline =
        headless->stop_us != CLOCK_NEVER ? headless->stop_us : headless->options.deadline_us;
    bool uses_stdout = !headless->printer.output_path && !headless->reader_gone;
    struct pollfd fds[] = {
        {.fd = subscription_fd(headless->subscription), .events = POLLIN},
        {.fd = headless->wake.read_fd, .events = POLLIN},
        {.fd = signals_fd(), .events = POLLIN},
        {.fd = uses_stdout ? STDOUT_FILENO : -1, .events = 0},
    };
    if (poll(fds, COUNT_OF(fds), clock_poll_ms(silence < deadline ? silence : deadline)) <= 0) {
        return;
    }
    headless->stopped_by_signal = fds[2].revents != 0;
    if (fds[3].revents & POLLERR) {
        headless->reader_gone = true;
    }
}

enum err_code headless__follow(struct headless *headless, struct err *err)
{
    while (!headless->answer.ended && !headless->stopped_by_signal) {
        bool turn_before = headless->have_turn;
        enum err_code code = headless__take_news(headless, err);
        if (code || headless->answer.ended) {
            return code;
        }
        look_at_limits(headless);
        if (headless->answer.ended) {
            return ERR_OK;
        }
        if (headless->stop_us != CLOCK_NEVER && headless->have_turn && !turn_before) {
            stop_answer(headless);
        }
        if (clock_mono_us() >= headless->stop_us) {
            return ERR_OK;
        }
        wait_for_news(headless);
    }
    return ERR_OK;
}
