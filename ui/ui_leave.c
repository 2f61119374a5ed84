/*
 * Stopping an answer, and leaving: what would be lost or cut by it is said first, and a second
 * press soon after leaves all the same.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ui/ui_internal.h"

#define QUIT_PATIENCE CLOCK_S(2)

void leave__stop_answer(struct ui *ui)
{
    if (!view__is_busy(ui)) {
        return;
    }
    if (view__answers_elsewhere(ui)) {
        view__line(ui, LINE_INFO, "another process answers here; it is stopped where it was asked");
        return;
    }
    ui->cancelling = true;
    if (ui->sending) {
        ui->cancel_on_begun = true;
    } else {
        ui->options->host.cancel(ui->options->host.ctx, &ui->session);
    }
}

/* Sessions beside the one on the screen in which leaving now would cut answers off. */
static size_t count_running(const struct ui *ui)
{
    const struct ui_host *host = &ui->options->host;
    struct ulid sessions[RUNNING_MAX];
    size_t count = host->running ? host->running(host->ctx, sessions, RUNNING_MAX) : 0;
    size_t others = 0;
    for (size_t i = 0; i < count; i++) {
        others += !ulid_equal(&sessions[i], &ui->session);
    }
    return others;
}

/* Says that answers in others are cut off; free(). NULL: none is. */
static char *others_text(const struct ui *ui, bool here)
{
    size_t others = count_running(ui);
    if (others == 0) {
        return NULL;
    }
    char *where =
        others == 1 ? xstrdup("another session") : xasprintf("%zu other sessions", others);
    const char *what = others == 1 ? "an answer" : "answers";
    char *text = xasprintf("leaving interrupts %s in %s", here ? "answers here and" : what, where);
    free(where);
    return text;
}

/* What leaving now would lose or cut; free(). NULL: nothing. */
static char *loss(const struct ui *ui)
{
    for (size_t i = 0; i < ui->waiting_count; i++) {
        if (!ulid_is_set(&ui->waiting[i].session)) {
            return xstrdup("what waits has not been sent");
        }
    }
    bool here = view__is_busy(ui) && !view__answers_elsewhere(ui);
    char *text = others_text(ui, here);
    return text || !here ? text : xstrdup("an answer is running");
}

/* `why` is taken; it may be NULL. */
static void say_again(struct ui *ui, char *why, const char *key)
{
    char *text = xasprintf("%s%s%s again to leave", why ? why : "", why ? "; " : "", key);
    ui->quit_until_us = clock_mono_us() + QUIT_PATIENCE;
    view__line(ui, LINE_INFO, text);
    free(text);
    free(why);
}

void leave__offer(struct ui *ui, const char *key)
{
    char *why = clock_mono_us() < ui->quit_until_us ? NULL : loss(ui);
    if (why) {
        say_again(ui, why, key);
    } else {
        ui__leave(ui, ERR_OK);
    }
}

void leave__interrupt(struct ui *ui)
{
    complete_close(ui->complete);
    if (!editor_is_empty(ui->editor)) {
        editor_clear(ui->editor, true);
        complete_reset(ui->complete);
        ui->quit_until_us = 0;
    } else if (view__is_busy(ui) && !ui->cancelling && !view__answers_elsewhere(ui)) {
        leave__stop_answer(ui);
    } else if (clock_mono_us() < ui->quit_until_us) {
        ui__leave(ui, ERR_OK);
    } else {
        say_again(ui, others_text(ui, false), "press Ctrl-C");
    }
}
