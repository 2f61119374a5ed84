/*
 * The floor under a screen that streams: ncurses, a curl child, the deltas as they are.
 *
 * Shows a line of text and waits for a key; then curl asks the address, and what comes is added to
 * the window and shown every 33 ms, as weir does. No Markdown, no store, no editor, no layout but
 * the terminal's. It sleeps where more is to come anyhow, reads on at once where it comes in a
 * flood, and lets ncurses scroll. When curl has ended it waits for another key.
 */
#include <curses.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MS 33
#define REST_MS 8
#define PIPE_BYTES (1 << 20)
#define FLOOD_BYTES ((ssize_t)32 << 10)
#define CONTENT "\"content\":\""

extern char **environ;

static char input[2 * PIPE_BYTES];
static size_t input_n;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int start_curl(const char *url, pid_t *ret_child)
{
    int ends[2];
    char *const argv[] = {"curl", "-sN", "-X", "POST", "-d", "{}", (char *)url, NULL};
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC)) {
        return -1;
    }
    fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int failed = posix_spawnp(ret_child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    return failed ? -1 : ends[0];
}

/* The text of one event goes into the window; of its escapes only the line break means another
 * byte. */
static void add_text(const char *text, const char *end)
{
    while (text < end && *text != '"') {
        size_t plain = strcspn(text, "\\\"");
        addnstr(text, (int)plain);
        text += plain;
        if (*text == '\\') {
            addch(text[1] == 'n' ? '\n' : (chtype)(unsigned char)text[1]);
            text += 2;
        }
    }
}

/* Every whole line; what is left of the last one moves to the front. */
static void add_lines(void)
{
    char *line = input;
    char *end = input + input_n;
    for (char *next; (next = memchr(line, '\n', (size_t)(end - line))); line = next + 1) {
        char *text = memmem(line, (size_t)(next - line), CONTENT, sizeof(CONTENT) - 1);
        if (text) {
            add_text(text + sizeof(CONTENT) - 1, next);
        }
    }
    input_n = (size_t)(end - line);
    memmove(input, line, input_n);
}

/* Takes what is there; gives the bytes, 0 at the end, -1 when there is nothing yet. */
static ssize_t take(int fd)
{
    if (sizeof(input) - input_n < PIPE_BYTES) {
        add_lines();
    }
    ssize_t got = read(fd, input + input_n, sizeof(input) - input_n);
    input_n += got > 0 ? (size_t)got : 0;
    return got;
}

static void stream(int fd)
{
    struct pollfd in = {.fd = fd, .events = POLLIN};
    bool more = true;
    while (more && poll(&in, 1, -1) > 0) {
        int64_t due = now_ms() + FRAME_MS;
        for (int64_t left = FRAME_MS; more && left > 0; left = due - now_ms()) {
            ssize_t got = take(fd);
            more = got != 0;
            if (more && got < FLOOD_BYTES) {
                poll(NULL, 0, left < REST_MS ? (int)left : REST_MS);
            } else if (more) {
                poll(&in, 1, (int)left);
            }
        }
        add_lines();
        refresh();
    }
}

static void wait_for_key(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) < 0) {
    }
}

int main(int argc, char **argv)
{
    pid_t child;
    if (argc != 3) {
        fprintf(stderr, "usage: baseline_floor TEXT URL\n");
        return 2;
    }
    setlocale(LC_ALL, "");
    initscr();
    raw();
    noecho();
    nonl();
    scrollok(stdscr, TRUE);
    idlok(stdscr, TRUE);
    addstr(argv[1]);
    refresh();
    wait_for_key();
    int fd = start_curl(argv[2], &child);
    if (fd >= 0) {
        stream(fd);
        waitpid(child, NULL, 0);
        wait_for_key();
    }
    endwin();
    return fd < 0;
}
