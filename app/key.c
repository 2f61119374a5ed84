/*
 * Keys: read when they are needed, kept for as short a time as possible, wiped, and never part of
 * an error text.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/provider.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

#define KEY_MAX_BYTES 16384
#define COMMAND_US CLOCK_S(10)
/* Shorter ones are no keys; less of one, where the text was cut, gives nothing away. */
#define SECRET_MIN_BYTES 4
#define SECRET_PART_MIN_BYTES 8
#define HEADER_MIN_BYTES 8

extern char **environ;

void key_free(char *key)
{
    if (key) {
        explicit_bzero(key, strlen(key));
        free(key);
    }
}

/* Bytes of `text` that are the secret, or all that is left of it before the end. */
static size_t secret_length_at(struct sv secret, struct sv text, size_t least)
{
    bool is_cut = text.n < secret.n;
    size_t n = is_cut ? text.n : secret.n;
    least = is_cut ? SECRET_PART_MIN_BYTES : least;
    return n >= least && sv_starts_with(secret, sv_take(text, n)) ? n : 0;
}

/* "Authorization: Bearer abc": all after the colon, and what stands behind the scheme. */
static size_t header_length_at(const char *header, struct sv text)
{
    struct sv line = sv_from(header);
    struct sv value = sv_trim(sv_skip(line, sv_find(line, ':') + 1));
    size_t n = secret_length_at(value, text, HEADER_MIN_BYTES);
    struct sv bare = sv_trim(sv_skip(value, sv_find(value, ' ')));
    return n ? n : secret_length_at(bare, text, HEADER_MIN_BYTES);
}

void key_redact(const char *key, const char *const *headers, struct sv text, struct buf *out)
{
    struct sv secret = sv_from(key);
    while (text.n) {
        size_t n = secret_length_at(secret, text, SECRET_MIN_BYTES);
        for (size_t i = 0; !n && headers && headers[i]; i++) {
            n = header_length_at(headers[i], text);
        }
        (void)buf_append_sv(out, n ? SV("[key]") : sv_take(text, 1));
        text = sv_skip(text, n ? n : 1);
    }
}

static void wipe(struct buf *buf)
{
    if (buf->p) {
        explicit_bzero(buf->p, buf->cap);
    }
    buf_release(buf);
}

/* A key goes into a header line: nothing but visible ASCII may stand in it. */
static enum err_code take_key(struct sv text, const char *source, char **ret_key, struct err *err)
{
    struct sv key = sv_trim(text);
    if (key.n == 0) {
        return err_set(err, ERR_AUTH, "no key: %s is empty", source);
    }
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] <= 0x20 || key.p[i] >= 0x7F) {
            return err_set(err, ERR_AUTH,
                           "no key: %s holds blanks, line breaks or characters outside ASCII",
                           source);
        }
    }
    *ret_key = xstrndup(key.p, key.n);
    return ERR_OK;
}

/* Whatever it was that failed: to the user it is a key that is missing. */
static enum err_code as_auth(struct err *err)
{
    if (err) {
        err->code = ERR_AUTH;
    }
    return ERR_AUTH;
}

static enum err_code key_from_env(const char *variable, char **ret_key, struct err *err)
{
    const char *value = getenv(variable);
    if (!value) {
        return err_set(err, ERR_AUTH, "no key: the environment variable %s is not set", variable);
    }
    char *source = xasprintf("the environment variable %s", variable);
    enum err_code code = take_key(sv_from(value), source, ret_key, err);
    free(source);
    return code;
}

static enum err_code key_from_file(const char *path, char **ret_key, struct err *err)
{
    if (!file_exists(path)) {
        return err_set(err, ERR_AUTH, "no key: there is no file '%s'", path);
    }
    if (file_is_exposed(path)) {
        return err_set(err, ERR_AUTH,
                       "no key: '%s' is open to other users, or not yours (chmod 600 helps)", path);
    }
    struct buf text = BUF_INIT(KEY_MAX_BYTES);
    /* Room for all of it, so that no copy stays behind where the buffer grew. */
    (void)buf_reserve(&text, KEY_MAX_BYTES);
    enum err_code code = file_read(path, &text, err);
    if (code) {
        (void)err_prefix(err, "no key");
        code = as_auth(err);
    } else {
        char *source = xasprintf("'%s'", path);
        code = take_key(buf_sv(&text), source, ret_key, err);
        free(source);
    }
    wipe(&text);
    return code;
}

/* Runs in a process group of its own, so that the time limit reaches its children too, without a
 * terminal to ask on: the screen may own it. Gives 0 or an errno. */
static int spawn(char *const argv[], int output, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failure = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    failure = failure ? failure : posix_spawn_file_actions_adddup2(&actions, output, 1);
    failure =
        failure ? failure : posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    failure =
        failure ? failure : posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* Reads to the end, or until the deadline, the maximum or a byte in `stop_fd`: then false. */
static bool read_output(int fd, int stop_fd, int64_t deadline, struct buf *out)
{
    for (;;) {
        struct pollfd waiting[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
        int ready = poll(waiting, COUNT_OF(waiting), clock_poll_ms(deadline));
        if (ready == 0 || (ready > 0 && waiting[1].revents)) {
            return false;
        }
        char piece[1024];
        ssize_t got = ready > 0 ? read(fd, piece, sizeof piece) : -1;
        if (got == 0) {
            return true;
        }
        if (got > 0 && !buf_append(out, piece, (size_t)got)) {
            explicit_bzero(piece, sizeof piece);
            return false;
        }
        explicit_bzero(piece, sizeof piece);
        if (got < 0 && errno != EINTR) {
            return false;
        }
    }
}

/* Waits for the end of a child that has closed its output; false when it takes too long, and then
 * it is killed. */
static bool reap(pid_t pid, int64_t deadline, bool kill_now, int *ret_status)
{
    while (!kill_now) {
        pid_t done = waitpid(pid, ret_status, WNOHANG);
        if (done == pid) {
            return true;
        }
        if (done < 0 && errno != EINTR) {
            break;
        }
        if (clock_mono_us() >= deadline) {
            break;
        }
        poll(NULL, 0, 2);
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR) {
    }
    return false;
}

/* What the command did, as the end of "no key: …". */
static enum err_code judge(const char *name, bool in_time, int status, struct err *err)
{
    if (!in_time) {
        return err_set(err, ERR_AUTH,
                       "no key: '%s' was ended, it took longer than 10 s or said "
                       "too much",
                       name);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return err_set(err, ERR_AUTH, "no key: '%s' failed (%s %d)", name,
                       WIFEXITED(status) ? "exit code" : "signal",
                       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    }
    return ERR_OK;
}

static enum err_code key_from_command(char *const argv[], int stop_fd, char **ret_key,
                                      struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        err_set_errno(err, errno, "no key: cannot run '%s'", argv[0]);
        return as_auth(err);
    }
    pid_t pid = -1;
    int failure = spawn(argv, ends[1], &pid);
    close(ends[1]);
    if (failure) {
        close(ends[0]);
        err_set_errno(err, failure, "no key: cannot run '%s'", argv[0]);
        return as_auth(err);
    }
    struct buf text = BUF_INIT(KEY_MAX_BYTES);
    (void)buf_reserve(&text, KEY_MAX_BYTES);
    int64_t deadline = clock_mono_us() + COMMAND_US;
    bool whole = read_output(ends[0], stop_fd, deadline, &text);
    close(ends[0]);
    int status = 0;
    bool in_time = reap(pid, deadline, !whole, &status);
    enum err_code code = judge(argv[0], in_time, status, err);
    if (!code) {
        /* Password stores put the secret on the first line and notes below it. */
        struct sv rest = buf_sv(&text);
        struct sv line = {0};
        (void)sv_next_line(&rest, &line);
        char *source = xasprintf("the output of '%s'", argv[0]);
        code = take_key(line, source, ret_key, err);
        free(source);
    }
    wipe(&text);
    return code;
}

enum err_code provider_key(const struct config_provider *provider, char **ret_key, struct err *err)
{
    return provider_key_until(provider, -1, ret_key, err);
}

enum err_code provider_key_until(const struct config_provider *provider, int stop_fd,
                                 char **ret_key, struct err *err)
{
    enum err_code code = ERR_OK;
    char *key = NULL;
    if (provider->api_key_cmd) {
        code = key_from_command(provider->api_key_cmd, stop_fd, &key, err);
    } else if (provider->api_key_file) {
        code = key_from_file(provider->api_key_file, &key, err);
    } else if (provider->api_key_env) {
        code = key_from_env(provider->api_key_env, &key, err);
    }
    if (code) {
        return code;
    }
    *ret_key = key;
    return ERR_OK;
}
