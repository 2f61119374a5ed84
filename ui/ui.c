/*
 * The screen's loop: one poll on the terminal, the subscription and the signals' wake-up.
 *
 * A frame is painted when something has changed, after a key at once and else at most 60 times a
 * second; while nothing changes nothing wakes up, but for a count of seconds while an answer is
 * awaited.
 */
#include "ui/ui.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/message_service.h"
#include "ui/term.h"
#include "ui/ui_internal.h"

#define FRAME_US (CLOCK_S(1) / 60)
#define READ_BYTES ((size_t)16 << 10)
#define TYPED_BYTES 64 /* no more comes at once from somebody who types */
/* Of the last exchange at most. */
#define LAST_ROWS 1000
#define STOP_FLUSH_US CLOCK_MS(100)

enum { POLL_TERMINAL, POLL_EVENTS, POLL_WAKE, POLL_COUNT };

/* Without UTF-8 in the user's locale, in the C one with it; and if there is none, in ASCII. */
static void use_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0 && !setlocale(LC_CTYPE, "C.UTF-8")) {
        setlocale(LC_CTYPE, "en_US.UTF-8");
    }
}

void ui__leave(struct ui *ui, enum err_code result)
{
    if (!ui->leave) {
        ui->leave = true;
        ui->result = result;
    }
}

void ui__repaint(struct ui *ui)
{
    if (ui->paint) {
        paint_forget(ui->paint);
    }
    ui->dirty = true;
}

static void fit(struct ui *ui)
{
    int rows;
    int columns;
    if (!ui->paint) {
        return;
    }
    term_size(&rows, &columns);
    if (rows != ui->grid.rows || columns != ui->grid.columns) {
        grid_resize(&ui->grid, rows, columns);
        paint_resize(ui->paint, rows, columns);
        view__arrange(ui);
    }
    ui->dirty = true;
}

static void frame(struct ui *ui)
{
    ui->dirty = false;
    ui->next_frame_us = clock_mono_us() + FRAME_US;
    events__fill_view(ui);
    view__frame(ui);
    if (term_is_open()) {
        paint_frame(ui->paint, &ui->grid);
    }
    ui->dirty = false;
}

void ui__come_back(struct ui *ui)
{
    term_reopen();
    terminal__title(ui);
    input_reset(ui->input);
    ui->arrow_count = 0;
    ui->input_deadline_us = CLOCK_NEVER;
    fit(ui);
    ui__repaint(ui);
}

/* What is pending goes to the disk first: nobody knows when, or whether, we go on. */
void ui__suspend(struct ui *ui)
{
    saved__draft(ui, true);
    enum err_code ignored =
        message_flush_all(ui->options->store, clock_mono_us() + STOP_FLUSH_US, NULL, NULL);
    (void)ignored;
    ui_restore_terminal();
    term_stop();
    term_signals_take();
    ui__come_back(ui);
}

void ui__take_signals(struct ui *ui)
{
    wake_drain(&ui->wake);
    unsigned came = term_signals_take();
    if (came & TERM_STOP_ASKED) {
        ui__suspend(ui);
    } else if (came & TERM_CONTINUED) {
        ui__come_back(ui);
    } else if (came & TERM_RESIZED) {
        fit(ui);
    }
}

/* The terminal is gone when it says so, or reads end. */
static void read_terminal(struct ui *ui, short events)
{
    char bytes[READ_BYTES];
    if (!(events & POLLIN)) {
        ui__leave(ui, ERR_CLOSED);
        return;
    }
    ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (got > 0) {
        keys__feed(ui, bytes, (size_t)got);
        if (got <= TYPED_BYTES) {
            ui->next_frame_us = 0; /* what a key does is seen at once */
        }
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        ui__leave(ui, ERR_CLOSED);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_deadline(const struct ui *ui)
{
    int64_t deadline = ui->input_deadline_us;
    if (ui->quit_until_us) {
        deadline = earlier(deadline, ui->quit_until_us);
    }
    if (ui->draft_due_us) {
        deadline = earlier(deadline, ui->draft_due_us);
    }
    if (ui->dirty) {
        return earlier(deadline, ui->next_frame_us);
    }
    if (replay__is_on(ui)) {
        return earlier(deadline, replay__next_change(ui));
    }
    struct status_facts facts = view__facts(ui);
    return earlier(deadline, status_next_change(&facts));
}

/* The offer to leave by another Ctrl-C or Ctrl-D ends with its time. */
static void end_quit_offer(struct ui *ui)
{
    if (ui->quit_until_us && clock_mono_us() >= ui->quit_until_us) {
        ui->quit_until_us = 0;
        view__line(ui, LINE_NONE, NULL);
    }
}

static void wait_and_handle(struct ui *ui)
{
    struct pollfd fds[POLL_COUNT] = {
        [POLL_TERMINAL] = {.fd = STDIN_FILENO, .events = POLLIN},
        [POLL_EVENTS] = {.fd = subscription_fd(ui->subscription), .events = POLLIN},
        [POLL_WAKE] = {.fd = ui->wake.read_fd, .events = POLLIN},
    };
    int64_t deadline = next_deadline(ui);
    int ready = poll(fds, POLL_COUNT, clock_poll_ms(deadline));
    if (ready < 0) {
        return; /* by a signal: its wake-up is readable at the next turn */
    }
    if (clock_mono_us() >= deadline) {
        ui->dirty = true;
    }
    keys__timeout(ui);
    end_quit_offer(ui);
    if (fds[POLL_WAKE].revents) {
        ui__take_signals(ui);
        work__take(ui, ui->work);
        find__take(ui);
    }
    if (fds[POLL_TERMINAL].revents) {
        read_terminal(ui, fds[POLL_TERMINAL].revents);
    }
    if (fds[POLL_EVENTS].revents) {
        events__drain(ui);
    }
    prompt__pump(ui);
    saved__draft(ui, false);
}

static void loop(struct ui *ui)
{
    while (!ui->leave) {
        if (ui->dirty && clock_mono_us() >= ui->next_frame_us) {
            frame(ui);
        }
        wait_and_handle(ui);
    }
}

struct ui *ui__new(const struct ui_options *options)
{
    struct ui *ui = xcalloc(1, sizeof(*ui));
    ui->options = options;
    ui->model = xstrdup(options->model);
    ui->welcome = options->welcome;
    view__note_model(ui);
    ui->transcript = transcript_new(events__gap, ui);
    ui->editor = editor_new();
    ui->input = input_new();
    ui->own_keymap = options->keymap ? NULL : keymap_new();
    ui->keymap = options->keymap ? options->keymap : ui->own_keymap;
    ui->complete = complete_new(commands__complete, ui);
    ui->wheel = !options->settings.no_wheel;
    ui->wake = WAKE_INIT;
    ui->work = work__new(options->store, &ui->wake);
    ui->find = find__new(options->store, &ui->wake);
    ui->input_deadline_us = CLOCK_NEVER;
    buf_init(&ui->sent, EDITOR_TEXT_MAX);
    return ui;
}

static void ui_free(struct ui *ui)
{
    plain__free(ui->plain);
    ui->plain = NULL;
    find__free(ui);
    work__free(ui->work);
    review__close(ui);
    sessions__forget(ui);
    broker_unsubscribe(ui->subscription);
    paint_close(ui->paint);
    transcript_free(ui->transcript);
    editor_free(ui->editor);
    picker_free(ui->picker);
    complete_free(ui->complete);
    keymap_free(ui->own_keymap);
    prompt__release(ui);
    input_free(ui->input);
    grid_release(&ui->grid);
    wake_close(&ui->wake);
    buf_release(&ui->sent);
    free(ui->forks);
    free(ui->next_text);
    free(ui->model);
    free(ui->title);
    free(ui->line);
    free(ui->offer);
    free(ui->store_trouble);
    free(ui);
}

static enum err_code open_screen(struct ui *ui, struct err *err)
{
    const struct paint_options options = {
        .color = ui->options->color,
        .depth = ui->options->settings.colors,
        .links = terminal__wants_links(ui),
        .looks = terminal__looks(ui, theme_background_of_rxvt(getenv("COLORFGBG"))),
    };
    enum err_code code = paint_open(&options, &ui->paint, err);
    if (code) {
        return code;
    }
    struct buf enter = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf leave = BUF_INIT(BUF_MAX_INTERNAL);
    paint_sequences(ui->paint, &enter, &leave);
    term_set_sequences(buf_sv(&enter), buf_sv(&leave));
    buf_release(&enter);
    buf_release(&leave);
    fit(ui);
    return ERR_OK;
}

/* In the order that gets the first frame out soonest; what is slower comes after it. */
static enum err_code run(struct ui *ui, struct err *err)
{
    enum err_code code = open_screen(ui, err);
    if (code) {
        return code;
    }
    if (paint_stand_in(ui->paint)) {
        char *text = xasprintf("TERM '%s' is not described on this machine: painted as for %s",
                               getenv("TERM"), paint_stand_in(ui->paint));
        view__line(ui, LINE_INFO, text);
        free(text);
    }
    if (ui->options->notice) {
        view__line(ui, LINE_INFO, ui->options->notice);
    }
    events__show_session(ui, &ui->options->session);
    saved__load(ui);
    sessions__note_model(ui);
    if (ui->options->unfolded) {
        transcript_toggle_folds(ui->transcript);
    }
    if (ui->options->review) {
        review__open(ui, true, sv_from(ui->options->review));
    }
    frame(ui);
    term_announce();
    terminal__ask(ui);
    terminal__title(ui);
    code = wake_open(&ui->wake, err);
    if (!code) {
        code = events__subscribe(ui, err);
    }
    if (code) {
        return code;
    }
    term_signals_open(&ui->wake);
    fit(ui);
    ui->options->host.first_frame_done(ui->options->host.ctx);
    loop(ui);
    saved__draft(ui, true);
    return ui->result;
}

enum err_code ui__end(struct ui *ui, enum err_code code, struct err *err)
{
    ui_restore_terminal();
    term_signals_close();
    if (code == ERR_CLOSED) {
        err_set(err, code, "the terminal is gone");
    } else if (code == ERR_INTERRUPTED) {
        err_set(err, code, "asked to leave");
    }
    ui_free(ui);
    return code;
}

/* What was on the full screen is gone with it: its end is said again where it can be scrolled to.
 */
static void last_exchange(struct ui *ui, struct buf *out)
{
    struct grid grid = {0};
    transcript_unselect(ui->transcript);
    transcript_paint_last(ui->transcript, &grid, LAST_ROWS);
    paint_as_lines(ui->paint, &grid, out);
    grid_release(&grid);
}

enum err_code ui_run(const struct ui_options *options, struct ulid *ret_session, struct err *err)
{
    use_locale();
    const struct ui_settings *settings = &options->settings;
    const struct term_modes modes = {
        .wheel = !settings->no_wheel,
        .focus = settings->notify != UI_NOTIFY_NONE,
        .title = !settings->no_title,
    };
    enum err_code code = term_open(&modes, err);
    if (code) {
        return code;
    }
    struct ui *ui = ui__new(options);
    code = run(ui, err);
    *ret_session = ui->session;
    struct buf last = BUF_INIT(BUF_MAX_INTERNAL);
    if (code == ERR_OK) {
        last_exchange(ui, &last);
    }
    code = ui__end(ui, code, err);
    file_write_all(STDOUT_FILENO, last.p, last.n);
    buf_release(&last);
    return code;
}
