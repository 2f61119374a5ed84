/*
 * The conversation as lines: what is typed is a line, what is said is written below it, nothing is
 * painted over. The same struct, commands and lists as on the screen, without its cells.
 *
 * The terminal edits the line. Ctrl-C reaches us as the end of a line (ui/term.h) and does what it
 * does on the screen; a line that ends with a backslash goes on with the next one.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/safe.h"
#include "base/utf8.h"
#include "store/message_service.h"
#include "ui/term.h"
#include "ui/ui_plain_internal.h"

#define READ_BYTES ((size_t)16 << 10)
#define CTRL_C '\003'
/* What is read of a session is what would fill such a screen. */
#define PAGE_ROWS 24
#define PAGE_COLUMNS 80

/* ---- writing ---- */

static void write_safe(struct plain *plain, struct sv text)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    if (plain->marked) {
        buf_append_byte(&out, '\n');
        plain->marked = false;
    }
    (void)safe_feed(&plain->safe, text, &out);
    file_write_all(STDOUT_FILENO, out.p, out.n);
    buf_release(&out);
}

/* Lines of ours stand between whole lines of the answer. */
void plain__write(struct ui *ui, struct sv text)
{
    struct plain *plain = ui->plain;
    if (!plain->reading.line_is_new) {
        write_safe(plain, SV("\n"));
        plain->reading.line_is_new = true;
    }
    write_safe(plain, text);
    write_safe(plain, SV("\n"));
}

void plain__line(struct ui *ui, const char *text)
{
    struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
    buf_appendf(&line, "[%s]", text);
    plain__write(ui, buf_sv(&line));
    buf_release(&line);
}

/* What would stand in the status line, where it says something new. */
static void write_status(struct ui *ui)
{
    struct plain *plain = ui->plain;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    struct status_facts facts = view__facts(ui);
    status_text(&facts, &text);
    if (!plain->status || strcmp(plain->status, buf_cstr(&text)) != 0) {
        plain__line(ui, buf_cstr(&text));
        free(plain->status);
        plain->status = xstrdup(buf_cstr(&text));
    }
    buf_release(&text);
}

static void write_new_text(struct ui *ui)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    bool ended = transcript_read(ui->transcript, &ui->plain->reading, &text);
    if (text.n) {
        write_safe(ui->plain, buf_sv(&text));
    }
    ui->plain->ready = ui->plain->ready && !ended;
    buf_release(&text);
}

void plain__show_session(struct ui *ui)
{
    struct plain *plain = ui->plain;
    /* The last exchange; what was selected begins a bit before that. */
    transcript_read_from_end(ui->transcript, 2, &plain->reading);
    plain->reading.line_is_new = true;
    plain->reading.prompts = !(plain->sent && plain->is_terminal); /* it stands there already */
    write_new_text(ui);
    plain->reading.prompts = false;
    plain->sent = false;
}

void plain__message(struct ui *ui, const struct message *message)
{
    char *text = message_text(message, PART_TEXT);
    plain__write(ui, message->role == ROLE_USER ? SV("you, there:") : SV("there:"));
    plain__write(ui, sv_from(text));
    free(text);
}

/* ---- what is typed ---- */

void plain__submit(struct ui *ui, struct sv line)
{
    size_t waiting = ui->waiting_count;
    if (line.n) {
        (void)editor_replace(ui->editor, line);
    }
    prompt__submit(ui);
    ui->plain->sent = ui->sending;
    if (ui->waiting_count > waiting) {
        plain__line(ui, "this waits until the answer has ended");
    }
}

/* What stands in the editor and was not typed as a line: a draft, a prompt that could not be sent,
 * an earlier one that is to be written anew. */
static void tell_kept(struct ui *ui)
{
    struct plain *plain = ui->plain;
    unsigned revision = editor_revision(ui->editor);
    bool told = revision == plain->kept;
    plain->kept = revision;
    if (told || editor_is_empty(ui->editor)) {
        return;
    }
    plain__write(ui, editor_text(ui->editor));
    plain__line(ui,
                ulid_is_set(&ui->edit_at)
                    ? "the next line takes the place of this prompt, an empty one sends it again"
                    : "this was not sent: an empty line sends it, another one replaces it");
}

static void on_line(struct ui *ui, struct sv line)
{
    struct plain *plain = ui->plain;
    struct buf valid = BUF_INIT(EDITOR_TEXT_MAX);
    plain->marked = false;
    plain->ready = false;
    if (sv_ends_with(line, SV("\\"))) {
        buf_append_sv(&plain->lines, sv_take(line, line.n - 1));
        buf_append_byte(&plain->lines, '\n');
        return;
    }
    buf_append_sv(&plain->lines, line);
    if (!buf_ok(&plain->lines) || !utf8_append_valid(&valid, buf_sv(&plain->lines))) {
        plain__line(ui, "too long to be sent");
    } else if (ui->picker) {
        plain__type_in_list(ui, buf_sv(&valid));
    } else if (ui->review) {
        plain__type_in_review(ui, buf_sv(&valid));
    } else {
        view__line(ui, LINE_NONE, NULL);
        plain__submit(ui, buf_sv(&valid));
    }
    buf_clear(&plain->lines);
    buf_release(&valid);
}

static void on_interrupt(struct ui *ui)
{
    struct plain *plain = ui->plain;
    plain->marked = true; /* "^C" was echoed behind it */
    buf_clear(&plain->lines);
    if (ui->picker) {
        pickers__close(ui);
    }
    review__close(ui);
    editor_clear(ui->editor, true);
    leave__interrupt(ui);
}

static bool is_busy(const struct ui *ui)
{
    return view__is_busy(ui) || work__is_busy(ui->work) || find__is_busy(ui);
}

/* Somebody who types may do so at any time; a file's next line comes after the answer. */
static bool takes_lines(const struct ui *ui)
{
    return ui->plain->is_terminal || !is_busy(ui);
}

/* The next one; it ends with a newline, or with Ctrl-C. False: there is none, or not yet. */
static bool take_line(struct ui *ui)
{
    struct buf *input = &ui->plain->input;
    bool typed = ui->plain->is_terminal;
    size_t n = 0;
    while (n < input->n && input->p[n] != '\n' && !(typed && input->p[n] == CTRL_C)) {
        n++;
    }
    if (n == input->n || !takes_lines(ui)) {
        return false;
    }
    if (input->p[n] == CTRL_C) {
        on_interrupt(ui);
    } else {
        on_line(ui, sv_of(input->p, n));
    }
    buf_remove(input, 0, n + 1);
    return true;
}

static void read_input(struct ui *ui)
{
    char bytes[READ_BYTES];
    struct plain *plain = ui->plain;
    ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (got > 0) {
        if (!buf_append(&plain->input, bytes, (size_t)got)) {
            buf_clear(&plain->input);
            plain__line(ui, "too long to be sent");
        }
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        plain->at_end = true;
        if (plain->input.n && !plain->is_terminal) {
            buf_append_byte(&plain->input, '\n');
        }
    }
}

/* ---- the loop ---- */

/* What has changed is said once. */
static void tell(struct ui *ui)
{
    struct plain *plain = ui->plain;
    write_new_text(ui);
    bool asked = plain->offer && ui->offer && strcmp(plain->offer, ui->offer) == 0;
    if (!asked) {
        free(plain->offer);
        plain->offer = xstrdup(ui->offer);
    }
    if (!asked && ui->offer) {
        plain__line(ui, ui->offer);
    }
    bool busy = view__is_busy(ui);
    if (!busy && !ui->picker && !ui->review) {
        tell_kept(ui);
    }
    if (!busy && !plain->ready && transcript_status(ui->transcript).ended && !ui->picker &&
        !ui->review) {
        write_status(ui);
    }
    plain->ready = !busy;
    if (plain->is_terminal && !busy && !plain->marked) {
        const char *mark = ui->picker ? plain__list_mark(ui) : ui->review ? "review> " : "> ";
        file_write_all(STDOUT_FILENO, mark, strlen(mark));
        plain->marked = true;
    }
}

static bool may_leave(const struct ui *ui)
{
    bool waits = !ui->held && ui->waiting_count > 0;
    return ui->plain->at_end && (ui->plain->is_terminal || (!is_busy(ui) && !waits));
}

static void wait_and_handle(struct ui *ui)
{
    bool reads = !ui->plain->at_end && takes_lines(ui);
    struct pollfd fds[] = {
        {.fd = subscription_fd(ui->subscription), .events = POLLIN},
        {.fd = ui->wake.read_fd, .events = POLLIN},
        {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN},
    };
    int64_t deadline = ui->quit_until_us ? ui->quit_until_us : CLOCK_NEVER;
    if (poll(fds, COUNT_OF(fds), clock_poll_ms(deadline)) < 0) {
        return;
    }
    if (ui->quit_until_us && clock_mono_us() >= ui->quit_until_us) {
        ui->quit_until_us = 0;
    }
    if (fds[1].revents) {
        ui__take_signals(ui);
        work__take(ui, ui->work);
        find__take(ui);
    }
    if (fds[0].revents) {
        events__drain(ui);
    }
    if (fds[2].revents) {
        read_input(ui);
    }
    prompt__pump(ui);
}

/* Ctrl-D leaves as on the screen; the end of a file waits for the answer. */
static void loop(struct ui *ui)
{
    while (!ui->leave) {
        tell(ui);
        if (take_line(ui)) {
            continue;
        }
        if (may_leave(ui)) {
            ui__leave(ui, ERR_OK);
        } else {
            wait_and_handle(ui);
        }
    }
    write_new_text(ui);
    if (ui->plain->marked || !ui->plain->reading.line_is_new) {
        file_write_all(STDOUT_FILENO, "\n", 1);
    }
}

static struct plain *plain_new(void)
{
    struct plain *plain = xcalloc(1, sizeof(*plain));
    buf_init(&plain->input, EDITOR_TEXT_MAX);
    buf_init(&plain->lines, EDITOR_TEXT_MAX);
    safe_init(&plain->safe, SAFE_DEFAULT);
    plain->is_terminal = isatty(STDIN_FILENO);
    plain->ready = true;
    plain->reading.line_is_new = true;
    return plain;
}

void plain__free(struct plain *plain)
{
    if (plain) {
        buf_release(&plain->input);
        buf_release(&plain->lines);
        free(plain->offer);
        free(plain->status);
        free(plain->unsent);
        free(plain);
    }
}

static enum err_code run(struct ui *ui, struct err *err)
{
    enum err_code code = wake_open(&ui->wake, err);
    code = code ? code : events__subscribe(ui, err);
    if (code) {
        return code;
    }
    term_signals_open(&ui->wake);
    grid_resize(&ui->grid, PAGE_ROWS, PAGE_COLUMNS);
    if (ui->options->notice) {
        view__line(ui, LINE_INFO, ui->options->notice);
    }
    if (ui->options->welcome && !ulid_is_set(&ui->options->session)) {
        plain__write(ui, sv_from(ui->options->welcome));
    }
    events__show_session(ui, &ui->options->session);
    saved__load(ui);
    sessions__note_model(ui);
    write_status(ui);
    if (ui->options->review) {
        plain__review(ui);
    }
    ui->options->host.first_frame_done(ui->options->host.ctx);
    loop(ui);
    return ui->result;
}

enum err_code ui_run_plain(const struct ui_options *options, struct ulid *ret_session,
                           struct err *err)
{
    term_open_lines();
    struct ui *ui = ui__new(options);
    ui->plain = plain_new();
    enum err_code code = run(ui, err);
    *ret_session = ui->session;
    return ui__end(ui, code, err);
}
