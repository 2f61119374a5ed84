/*
 * The screen on a pseudo-terminal, with a host that answers nothing: a child runs ui_run, the test
 * is its terminal. What the child decides comes back as its exit code: the result of ui_run.
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "pubsub/broker.h"
#include "store/store.h"
#include "ui/notice.h"
#include "ui/ui.h"

#include <cmocka.h>

#define PATIENCE_MS 5000

struct terminal {
    pid_t pid;
    int fd;
    struct buf seen; /* all that the child wrote */
};

static enum err_code host_send(void *ctx, const struct ulid *session, const struct ulid *turn,
                               struct sv prompt, struct err *err)
{
    (void)turn;
    struct broker *broker = ctx;
    if (sv_equal_str(prompt, "refuse")) {
        return err_set(err, ERR_BUSY, "the host is busy");
    }
    if (sv_equal_str(prompt, "quit")) {
        notice_publish(broker, NOTICE_QUIT, NULL, "", NULL);
    } else if (sv_equal_str(prompt, "fail")) {
        notice_publish(broker, NOTICE_SEND_FAILED, session, "disk is full", NULL);
    }
    return ERR_OK;
}

static void host_cancel(void *ctx, const struct ulid *session)
{
    (void)ctx;
    (void)session;
}

static void host_first_frame_done(void *ctx)
{
    notice_publish(ctx, NOTICE_OFFER, NULL, "use what was found?", NULL);
}

static void host_answer_offer(void *ctx, bool yes)
{
    notice_publish(ctx, NOTICE_MODEL, NULL, yes ? "found/model" : "none/model", NULL);
}

static int child_main(void)
{
    struct broker *broker = broker_new(NULL);
    struct store_options options = {.debounce_us = -1, .broker = broker};
    struct store *store;
    struct ulid session;
    signal(SIGHUP, SIG_IGN); /* it is the program's to handle, not the screen's */
    if (store_open(&options, &store, NULL)) {
        return 200;
    }
    struct ui_options ui = {
        .settings = {.silence_us = CLOCK_S(15)},
        .store = store,
        .host = {.ctx = broker,
                 .send = host_send,
                 .cancel = host_cancel,
                 .first_frame_done = host_first_frame_done,
                 .answer_offer = host_answer_offer},
        .model = "some/model",
        .welcome = "welcome to the screen",
        .color = "never",
    };
    int result = (int)ui_run(&ui, &session, NULL);
    store_free(store);
    broker_free(broker);
    return result;
}

static struct terminal open_terminal(const char *term, int rows, int columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    struct terminal terminal = {.seen = BUF_INIT(BUF_MAX_INTERNAL)};
    terminal.pid = forkpty(&terminal.fd, NULL, NULL, &size);
    assert_true(terminal.pid >= 0);
    if (terminal.pid == 0) {
        setenv("TERM", term, 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        _exit(child_main());
    }
    return terminal;
}

/* Reads until `text` was written after `from`; false when the time is up. */
static bool saw(struct terminal *terminal, size_t from, const char *text)
{
    int64_t deadline = clock_mono_us() + CLOCK_MS(PATIENCE_MS);
    while (!strstr(buf_cstr(&terminal->seen) + from, text)) {
        struct pollfd fd = {.fd = terminal->fd, .events = POLLIN};
        char bytes[4096];
        if (poll(&fd, 1, clock_poll_ms(deadline)) <= 0) {
            return false;
        }
        ssize_t got = read(terminal->fd, bytes, sizeof(bytes));
        if (got <= 0) {
            return false;
        }
        for (ssize_t i = 0; i < got; i++) {
            buf_append_byte(&terminal->seen, bytes[i] ? bytes[i] : ' ');
        }
    }
    return true;
}

static void type(struct terminal *terminal, const char *keys)
{
    assert_int_equal(write(terminal->fd, keys, strlen(keys)), strlen(keys));
}

static void type_and_see(struct terminal *terminal, const char *keys, const char *text)
{
    size_t from = terminal->seen.n;
    type(terminal, keys);
    if (!saw(terminal, from, text)) {
        fail_msg("no '%s' after the keys", text);
    }
}

/* Exit code of the child; it must be quick. Reads what it still writes. */
static int exit_code(struct terminal *terminal)
{
    int status = 0;
    int64_t deadline = clock_mono_us() + CLOCK_MS(PATIENCE_MS);
    while (waitpid(terminal->pid, &status, WNOHANG) == 0) {
        struct pollfd fd = {.fd = terminal->fd, .events = POLLIN};
        char bytes[4096];
        if (terminal->fd >= 0 && poll(&fd, 1, 5) > 0) {
            ssize_t got = read(terminal->fd, bytes, sizeof(bytes));
            buf_append(&terminal->seen, bytes, got > 0 ? (size_t)got : 0);
        } else {
            usleep(1000);
        }
        if (clock_mono_us() > deadline) {
            kill(terminal->pid, SIGKILL);
            waitpid(terminal->pid, &status, 0);
            return -1;
        }
    }
    if (terminal->fd >= 0) {
        close(terminal->fd);
    }
    buf_release(&terminal->seen);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

/* The modes a shell works with, or those of the screen. */
static bool is_cooked(const struct terminal *terminal)
{
    struct termios modes = {0};
    tcgetattr(terminal->fd, &modes);
    tcflag_t wanted = ICANON | ECHO | ISIG | IEXTEN;
    return (modes.c_lflag & wanted) == wanted && (modes.c_iflag & ICRNL) && (modes.c_oflag & OPOST);
}

static void leaving__puts_the_terminal_back(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal("xterm-256color", 24, 80);
    assert_true(saw(&terminal, 0, "welcome to the screen"));
    assert_true(saw(&terminal, 0, "\033[?2004h"));
    assert_false(is_cooked(&terminal));
    type_and_see(&terminal, "hello", "hello");
    type_and_see(&terminal, "\x15\x04", "\033[?1049l");
    assert_non_null(strstr(buf_cstr(&terminal.seen), "\033[?2004l"));
    assert_non_null(strstr(buf_cstr(&terminal.seen), "\033[<u"));
    for (int i = 0; i < PATIENCE_MS && !is_cooked(&terminal); i++) {
        usleep(1000);
    }
    assert_true(is_cooked(&terminal));
    assert_int_equal(exit_code(&terminal), ERR_OK);
}

static void a_prompt_that_is_not_taken__comes_back(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal("xterm", 24, 80);
    assert_true(saw(&terminal, 0, "[y/n]"));
    type_and_see(&terminal, "refuse\r", "the host is busy");
    type_and_see(&terminal,
                 "\x15"
                 "fail\r",
                 "disk is full");
    type_and_see(&terminal, "\x0c", "fail");
    type_and_see(&terminal, "\x15/nonsense\r", "unknown command; /help lists");
    type_and_see(&terminal, "\x15/sesions\r", "did you mean /sessions?");
    type_and_see(&terminal,
                 "\x15"
                 "quit\r",
                 "\033[?1049l");
    assert_int_equal(exit_code(&terminal), ERR_INTERRUPTED);
}

static void an_offer__is_answered_by_a_letter_and_enter(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal("xterm", 24, 80);
    assert_true(saw(&terminal, 0, "use what was found? [y/n]"));
    /* A prompt that begins with the letter is a prompt. */
    type_and_see(&terminal, "y", "y");
    type_and_see(&terminal, "our", "our");
    type_and_see(&terminal, "\x15y\r", "found");
    type(&terminal, "\x04");
    assert_int_equal(exit_code(&terminal), ERR_OK);
}

static void the_help_page__is_searched_by_typing_and_closed_by_escape(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal("xterm", 24, 80);
    assert_true(saw(&terminal, 0, "[y/n]"));
    type_and_see(&terminal, "draft", "draft");
    type_and_see(&terminal, "\x1bOP", "begin a new line");
    type_and_see(&terminal, "history search", "no key does that");
    type_and_see(&terminal, "\x15sent before", "search in the prompts");
    type_and_see(&terminal, "\x1b", "welcome to the screen");
    type_and_see(&terminal, "\x0c", "draft");
    type(&terminal, "\x15\x04");
    assert_int_equal(exit_code(&terminal), ERR_OK);
}

static void leaving_by_ctrl_c__takes_two(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal("xterm", 24, 80);
    assert_true(saw(&terminal, 0, "[y/n]"));
    type(&terminal, "text");
    type_and_see(&terminal, "\x03\x03", "again to leave");
    type_and_see(&terminal, "x", "x");
    type_and_see(&terminal, "\x7f\x03", "again to leave"); /* another key begins anew */
    type(&terminal, "\x03");
    assert_int_equal(exit_code(&terminal), ERR_OK);
}

static void a_terminal_that_goes_away__ends_the_screen_at_once(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal("xterm", 24, 80);
    assert_true(saw(&terminal, 0, "[y/n]"));
    int64_t began = clock_mono_us();
    close(terminal.fd);
    terminal.fd = -1;
    int code = exit_code(&terminal);
    assert_int_equal(code, ERR_CLOSED);
    assert_true(clock_mono_us() - began < CLOCK_S(2));
}

static void sizes_of_all_kinds__are_survived(void **state)
{
    (void)state;
    static const unsigned short sizes[][2] = {{1, 1},   {0, 0},   {2, 2},     {40, 10},
                                              {3, 200}, {200, 3}, {500, 200}, {1, 80}};
    struct terminal terminal = open_terminal("xterm", 1, 1);
    for (int i = 0; i < 200; i++) {
        struct winsize size = {.ws_row = sizes[i % 8][0], .ws_col = sizes[i % 8][1]};
        ioctl(terminal.fd, TIOCSWINSZ, &size);
        type(&terminal, i % 40 == 39 ? "\x15" : "w日 ");
        char bytes[65536];
        struct pollfd fd = {.fd = terminal.fd, .events = POLLIN};
        while (poll(&fd, 1, 2) > 0) {
            assert_true(read(terminal.fd, bytes, sizeof(bytes)) > 0);
        }
    }
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    ioctl(terminal.fd, TIOCSWINSZ, &size);
    type_and_see(&terminal, "\x15the end", "the end");
    type_and_see(&terminal, "\x15\x0c", "welcome to the screen");
    type(&terminal, "\x04");
    assert_int_equal(exit_code(&terminal), ERR_OK);
}

static int count_of(const struct terminal *terminal, const char *text)
{
    int count = 0;
    for (const char *at = buf_cstr(&terminal->seen); (at = strstr(at, text)); at++) {
        count++;
    }
    return count;
}

static void a_stop_from_outside__is_come_back_from(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal("xterm", 24, 80);
    assert_true(saw(&terminal, 0, "[y/n]"));
    type_and_see(&terminal, "draft", "draft");
    kill(terminal.pid, SIGSTOP);
    kill(terminal.pid, SIGCONT);
    assert_true(saw(&terminal, terminal.seen.n, "draft"));
    type_and_see(&terminal, "\x1a", "draft"); /* in an orphaned group a stop is no stop */
    type_and_see(&terminal, "\x15\x04", "\033[?1049l");
    assert_true(count_of(&terminal, "\033[>1u") > 1);
    assert_int_equal(count_of(&terminal, "\033[>1u"), count_of(&terminal, "\033[<u"));
    assert_int_equal(exit_code(&terminal), ERR_OK);
}

static void a_terminal_that_cannot_do_it__is_refused(void **state)
{
    (void)state;
    static const char *const terms[] = {"dumb", "no-such-terminal", ""};
    for (size_t i = 0; i < COUNT_OF(terms); i++) {
        struct terminal terminal = open_terminal(terms[i], 24, 80);
        assert_int_equal(exit_code(&terminal), ERR_UNSUPPORTED);
    }
}

static void without_a_terminal__nothing_is_touched(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        ui_restore_terminal();
        _exit(child_main());
    }
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaving__puts_the_terminal_back),
        cmocka_unit_test(a_prompt_that_is_not_taken__comes_back),
        cmocka_unit_test(an_offer__is_answered_by_a_letter_and_enter),
        cmocka_unit_test(the_help_page__is_searched_by_typing_and_closed_by_escape),
        cmocka_unit_test(leaving_by_ctrl_c__takes_two),
        cmocka_unit_test(a_terminal_that_goes_away__ends_the_screen_at_once),
        cmocka_unit_test(sizes_of_all_kinds__are_survived),
        cmocka_unit_test(a_stop_from_outside__is_come_back_from),
        cmocka_unit_test(a_terminal_that_cannot_do_it__is_refused),
        cmocka_unit_test(without_a_terminal__nothing_is_touched),
    };
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
