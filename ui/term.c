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

/* Bracketed paste; xterm's modifyOtherKeys; kitty's "disambiguate". The SGR reset is for terminals
 * that mistake the second for colours. */
#define MODES_ON "\033[?2004h\033[>4;1m\033[>1u\033[m"
#define MODES_OFF "\033[<u\033[>4m\033[?2004l\033[m"
/* For consoles that would print what they do not know. */
#define PLAIN_MODES_ON "\033[?2004h"
#define PLAIN_MODES_OFF "\033[?2004l"
#define WHEEL_ON "\033[?1007h"
#define WHEEL_OFF "\033[?1007l"
#define FOCUS_ON "\033[?1004h"
#define FOCUS_OFF "\033[?1004l"
/* The window's title, on the terminal's stack: many descriptions have it with the full screen. */
#define TITLE_KEPT "\033[22;2t"
#define TITLE_BACK "\033[23;2t"
#define MODES_MAX 100u

struct text {
    char bytes[SEQUENCE_MAX + MODES_MAX];
    size_t n;
};

static struct {
    atomic_bool is_open;
    struct termios before;
    struct termios raw;
    bool plain; /* a console that knows few sequences */
    struct term_modes modes;
    bool keeps_title; /* the full screen does not do that by itself */
    struct text modes_on;
    struct text modes_off;
    struct text smcup;
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

/* Keyboard modes are a stack, the others are switches. */
static void build_modes(void)
{
    term.modes_on.n = 0;
    term.modes_off.n = 0;
    put(&term.modes_on, term.plain ? SV(PLAIN_MODES_ON) : SV(MODES_ON));
    if (!term.plain) {
        put(&term.modes_on, term.modes.wheel ? SV(WHEEL_ON) : SV(""));
        put(&term.modes_on, term.modes.focus ? SV(FOCUS_ON) : SV(""));
        put(&term.modes_off, term.modes.focus ? SV(FOCUS_OFF) : SV(""));
        put(&term.modes_off, SV(WHEEL_OFF));
        put(&term.modes_on, term.keeps_title ? SV(TITLE_KEPT) : SV(""));
        put(&term.modes_off, term.keeps_title ? SV(TITLE_BACK) : SV(""));
    }
    put(&term.modes_off, term.plain ? SV(PLAIN_MODES_OFF) : SV(MODES_OFF));
}

static struct sv text_of(const struct text *text)
{
    return sv_of(text->bytes, text->n);
}

static void build_enter(void)
{
    term.enter.n = 0;
    put(&term.enter, text_of(&term.smcup));
    put(&term.enter, text_of(&term.modes_on));
}

enum err_code term_open(const struct term_modes *modes, struct err *err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
        tcgetattr(STDIN_FILENO, &term.before) < 0) {
        return err_set(err, ERR_UNSUPPORTED, "the screen needs a terminal for input and output");
    }
    term.plain = is_plain_console();
    term.modes = *modes;
    term.keeps_title = false;
    build_modes();
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

void term_open_lines(void)
{
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &term.before) < 0) {
        return;
    }
    term.plain = true;
    term.modes_on.n = term.modes_off.n = term.enter.n = term.leave.n = 0;
    term.raw = term.before;
    term.raw.c_lflag |= ICANON | ECHO;
    term.raw.c_cc[VEOL] = term.raw.c_cc[VINTR];
    term.raw.c_cc[VINTR] = _POSIX_VDISABLE;
    set_modes(&term.raw);
    atomic_store(&term.is_open, true);
}

static bool has(struct sv text, struct sv part)
{
    for (size_t i = 0; i + part.n <= text.n; i++) {
        if (sv_equal(sv_take(sv_skip(text, i), part.n), part)) {
            return true;
        }
    }
    return false;
}

void term_set_sequences(struct sv enter, struct sv leave)
{
    if (enter.n > SEQUENCE_MAX || leave.n > SEQUENCE_MAX) {
        return;
    }
    term.smcup.n = 0;
    put(&term.smcup, enter);
    if (term.modes.title && !term.plain && !has(enter, SV("\033[22;"))) {
        term.keeps_title = true;
        build_modes();
    }
    build_enter();
    put(&term.leave, text_of(&term.modes_off));
    put(&term.leave, leave);
}

static void write_text(struct sv text)
{
    file_write_all(STDOUT_FILENO, text.p, text.n);
}

void term_announce(void)
{
    write_text(text_of(&term.modes_on));
}

void term_reopen(void)
{
    bool was_open = atomic_exchange(&term.is_open, true);
    set_modes(&term.raw);
    if (!was_open) {
        write_text(text_of(&term.enter));
        return;
    }
    write_text(text_of(&term.modes_off)); /* what is a stack: pushed once, popped once */
    write_text(text_of(&term.modes_on));
}

void term_set_wheel(bool wheel)
{
    term.modes.wheel = wheel;
    build_modes();
    build_enter();
    term_say(wheel ? SV(WHEEL_ON) : SV(WHEEL_OFF));
}

void term_say(struct sv sequences)
{
    if (!term.plain && term_is_open()) {
        write_text(sequences);
    }
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
            write_text(text_of(&term.leave));
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
