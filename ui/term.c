/*
 * The modes that a full-screen program changes, and how each is taken back.
 *
 * ui_restore_terminal may run in a handler, on any thread, in the middle of anything: it reads only
 * what was prepared before `is_open` was set, and the first caller does the work.
 */
#include "ui/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "ui/ui.h"

#define SEQUENCE_MAX 200u
/* A terminal that takes nothing (flow control) is not waited for longer. */
#define RESTORE_PATIENCE_MS 50

/* Bracketed paste; wheel as arrows; xterm's modifyOtherKeys; kitty's "disambiguate". The SGR reset
 * is for terminals that mistake the third for colours. */
#define MODES_ON "\033[?2004h\033[?1007h\033[>4;1m\033[>1u\033[m"
#define MODES_OFF "\033[<u\033[>4m\033[?1007l\033[?2004l\033[m"
/* For consoles that would print what they do not know. */
#define PLAIN_MODES_ON "\033[?2004h"
#define PLAIN_MODES_OFF "\033[?2004l"

struct text {
    char bytes[SEQUENCE_MAX + sizeof(MODES_ON) + sizeof(MODES_OFF)];
    size_t n;
};

static struct {
    atomic_bool is_open;
    struct termios before;
    struct termios raw;
    const char *modes_on;
    const char *modes_off;
    struct text enter;
    struct text leave;
} term;

static struct {
    struct wake wake;
    atomic_uint came;
    bool installed;
    struct sigaction before[4];
} signals;

static const struct {
    int number;
    enum term_signal meaning;
} handled[4] = {
    {SIGWINCH, TERM_RESIZED},
    {SIGCONT, TERM_CONTINUED},
    {SIGTSTP, TERM_STOP_ASKED},
    {SIGCHLD, TERM_CHILD},
};

static void put(struct text *text, struct sv more)
{
    if (more.n <= sizeof(text->bytes) - text->n) {
        memcpy(text->bytes + text->n, more.p, more.n);
        text->n += more.n;
    }
}

static bool is_plain_console(void)
{
    static const char *const names[] = {"linux", "vt", "cons", "xterm-old", "ansi"};
    const char *name = getenv("TERM");
    for (size_t i = 0; name && i < COUNT_OF(names); i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return name == NULL;
}

static void set_modes(const struct termios *modes)
{
    while (tcsetattr(STDIN_FILENO, TCSANOW, modes) < 0 && errno == EINTR) {
    }
}

enum err_code term_open(struct err *err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
        tcgetattr(STDIN_FILENO, &term.before) < 0) {
        return err_set(err, ERR_UNSUPPORTED, "the screen needs a terminal for input and output");
    }
    bool plain = is_plain_console();
    term.modes_on = plain ? PLAIN_MODES_ON : MODES_ON;
    term.modes_off = plain ? PLAIN_MODES_OFF : MODES_OFF;
    term.raw = term.before;
    cfmakeraw(&term.raw);
    term.raw.c_cc[VMIN] = 1;
    term.raw.c_cc[VTIME] = 0;
    term.enter.n = 0;
    term.leave.n = 0;
    set_modes(&term.raw);
    atomic_store(&term.is_open, true);
    return ERR_OK;
}

void term_set_sequences(struct sv enter, struct sv leave)
{
    if (enter.n <= SEQUENCE_MAX && leave.n <= SEQUENCE_MAX) {
        put(&term.enter, enter);
        put(&term.enter, sv_from(term.modes_on));
        put(&term.leave, sv_from(term.modes_off));
        put(&term.leave, leave);
    }
}

static void write_text(struct sv text)
{
    file_write_all(STDOUT_FILENO, text.p, text.n);
}

void term_announce(void)
{
    write_text(sv_from(term.modes_on));
}

void term_reopen(void)
{
    bool was_open = atomic_exchange(&term.is_open, true);
    set_modes(&term.raw);
    if (!was_open) {
        write_text(sv_of(term.enter.bytes, term.enter.n));
        return;
    }
    write_text(sv_from(term.modes_off)); /* keyboard modes are a stack: pushed once, popped once */
    write_text(sv_from(term.modes_on));
}

bool term_is_open(void)
{
    return atomic_load(&term.is_open);
}

static bool takes_output(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, RESTORE_PATIENCE_MS) > 0 && (out.revents & POLLOUT);
}

void ui_restore_terminal(void)
{
    int saved = errno;
    if (atomic_exchange(&term.is_open, false)) {
        if (takes_output()) {
            write_text(sv_of(term.leave.bytes, term.leave.n));
        }
        set_modes(&term.before);
    }
    errno = saved;
}

static int within(int value, int fallback)
{
    value = value < 1 ? fallback : value;
    return value > 1000 ? 1000 : value;
}

void term_size(int *ret_rows, int *ret_columns)
{
    struct winsize size = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    *ret_rows = within(size.ws_row, 24);
    *ret_columns = within(size.ws_col, 80);
}

static void on_signal(int number)
{
    for (size_t i = 0; i < COUNT_OF(handled); i++) {
        if (handled[i].number == number) {
            atomic_fetch_or(&signals.came, (unsigned)handled[i].meaning);
        }
    }
    wake_signal(&signals.wake);
}

void term_signals_open(const struct wake *wake)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t unblocked;
    sigemptyset(&action.sa_mask);
    sigemptyset(&unblocked);
    signals.wake = *wake;
    atomic_store(&signals.came, 0);
    for (size_t i = 0; i < COUNT_OF(handled); i++) {
        sigaction(handled[i].number, &action, &signals.before[i]);
        sigaddset(&unblocked, handled[i].number);
    }
    pthread_sigmask(SIG_UNBLOCK, &unblocked, NULL);
    signals.installed = true;
}

void term_signals_close(void)
{
    for (size_t i = 0; signals.installed && i < COUNT_OF(handled); i++) {
        sigaction(handled[i].number, &signals.before[i], NULL);
    }
    signals.installed = false;
}

unsigned term_signals_take(void)
{
    return atomic_exchange(&signals.came, 0);
}

void term_stop(void)
{
    struct sigaction ours;
    struct sigaction stop = {.sa_handler = SIG_DFL};
    sigemptyset(&stop.sa_mask);
    sigaction(SIGTSTP, &stop, &ours);
    kill(0, SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
}
