/*
 * The draft in the user's own editor: $VISUAL, else $EDITOR, else vi.
 *
 * The text goes into a private file (0600, in $XDG_RUNTIME_DIR or $TMPDIR), the editor runs as a
 * foreground job of its own on the terminal, which is as it was before weir came; what the file
 * says at the end is the prompt. Meanwhile this thread takes what the broker has, paints nothing,
 * and sleeps otherwise: SIGCHLD wakes it. A stop of the editor (Ctrl-Z) stops weir as well, as if
 * both were one program.
 *
 * The variable is split as a shell does, by a shell, since that is what people write into it
 * ("code --wait"); the file's name is an operand and not part of that text.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/utf8.h"
#include "ui/term.h"
#include "ui/ui_internal.h"

static const char *first_set(const char *a, const char *b, const char *otherwise)
{
    const char *value = getenv(a);
    value = value && value[0] ? value : getenv(b);
    return value && value[0] ? value : otherwise;
}

static char *command_of(void)
{
    return xasprintf("%s \"$@\"", first_set("VISUAL", "EDITOR", "vi"));
}

/* Gives the path of a file with the text, or NULL: said. */
static char *write_draft(struct ui *ui, struct sv text)
{
    char *path =
        xasprintf("%s/weir-prompt-XXXXXX.md", first_set("XDG_RUNTIME_DIR", "TMPDIR", "/tmp"));
    int fd = mkostemps(path, 3, O_CLOEXEC);
    int code = fd < 0 ? errno : file_write_all(fd, text.p, text.n);
    if (fd >= 0) {
        close(fd);
    }
    if (code == 0) {
        return path;
    }
    char *why = xasprintf("cannot write '%s': %s", path, strerror(code));
    view__line(ui, LINE_PROBLEM, why);
    if (fd >= 0) {
        unlink(path);
    }
    free(why);
    free(path);
    return NULL;
}

/* Between fork and exec only what is safe in a process with threads. */
static void become_editor(const char *command, const char *path)
{
    sigset_t none;
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigemptyset(&plain.sa_mask);
    sigemptyset(&none);
    setpgid(0, 0);
    tcsetpgrp(STDIN_FILENO, getpid()); /* SIGTTOU is ignored until here */
    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &plain, NULL);
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
    execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
    _exit(127);
}

/* Waits for the child to end or to stop, and lets the rest of the screen's work go on. */
static int wait_for(struct ui *ui, pid_t pid)
{
    int status = 0;
    for (;;) {
        struct pollfd fds[] = {{.fd = subscription_fd(ui->subscription), .events = POLLIN},
                               {.fd = ui->wake.read_fd, .events = POLLIN}};
        pid_t got = waitpid(pid, &status, WNOHANG | WUNTRACED);
        if (got == pid || (got < 0 && errno != EINTR)) {
            return status;
        }
        if (poll(fds, COUNT_OF(fds), -1) < 0) {
            continue;
        }
        if (fds[0].revents) {
            events__drain(ui);
        }
        wake_drain(&ui->wake);
    }
}

/* 127 is what a shell ends with that has not found the command. */
static void say_failed(struct ui *ui, int status)
{
    const char *editor = first_set("VISUAL", "EDITOR", "vi");
    bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
    char *text = xasprintf("the editor '%s' %s; the prompt is as it was", editor,
                           missing ? "was not found (set $VISUAL or $EDITOR)" : "failed");
    view__line(ui, LINE_PROBLEM, text);
    free(text);
}

/* Runs it to its end; gives its wait status. */
static int run_editor(struct ui *ui, const char *command, const char *path)
{
    pid_t ours = getpgrp();
    pid_t pid = fork();
    if (pid == 0) {
        become_editor(command, path);
    }
    if (pid < 0) {
        return -1;
    }
    int status = wait_for(ui, pid);
    while (WIFSTOPPED(status)) {
        tcsetpgrp(STDIN_FILENO, ours);
        term_stop();
        tcsetpgrp(STDIN_FILENO, pid);
        kill(-pid, SIGCONT);
        status = wait_for(ui, pid);
    }
    tcsetpgrp(STDIN_FILENO, ours);
    return status;
}

/* With the terminal as it was before weir. Background jobs may take it back only with SIGTTOU
 * ignored. */
static int hand_over_terminal(struct ui *ui, const char *path)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    struct sigaction before;
    char *command = command_of();
    sigemptyset(&ignored.sa_mask);
    sigaction(SIGTTOU, &ignored, &before);
    ui_restore_terminal();
    int status = run_editor(ui, command, path);
    term_signals_take();
    ui__come_back(ui);
    sigaction(SIGTTOU, &before, NULL);
    free(command);
    return status;
}

/* Editors end a file with a newline that nobody wrote. */
static void take_draft(struct ui *ui, const char *path, struct sv before)
{
    struct buf file = BUF_INIT(EDITOR_TEXT_MAX);
    struct buf text = BUF_INIT(EDITOR_TEXT_MAX);
    struct err err;
    enum err_code code = file_read(path, &file, &err);
    if (!code && !utf8_append_valid(&text, buf_sv(&file))) {
        code = err_set(&err, ERR_TOO_BIG, "the prompt in '%s' is too long", path);
    }
    struct sv now = buf_sv(&text);
    if (sv_ends_with(now, SV("\n")) && !sv_ends_with(before, SV("\n"))) {
        now = sv_take(now, now.n - 1);
    }
    if (code) {
        view__line(ui, LINE_PROBLEM, err.text);
    } else if (!sv_equal(now, before)) {
        (void)editor_replace(ui->editor, now);
    }
    buf_release(&file);
    buf_release(&text);
}

void outside__edit(struct ui *ui)
{
    struct buf draft = BUF_INIT(EDITOR_TEXT_MAX);
    saved__draft(ui, true);
    editor_expand(ui->editor, &draft);
    char *path = write_draft(ui, buf_sv(&draft));
    if (path) {
        int status = hand_over_terminal(ui, path);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            take_draft(ui, path, buf_sv(&draft));
        } else {
            say_failed(ui, status);
        }
        unlink(path);
    }
    free(path);
    buf_release(&draft);
}
