/* Input of a headless run: words and stdin. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/headless.h"
#include "app/output.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/utf8.h"

#define SILENCE_US CLOCK_S(3)
#define PIECE_BYTES 65536

enum wait_end { WAIT_READABLE, WAIT_SILENT, WAIT_TIMEOUT, WAIT_STOPPED };

/* Waits for stdin until the deadline, or the silence has lasted too long. */
static enum wait_end wait_for_stdin(const struct headless_input *input, int64_t silence_deadline)
{
    for (;;) {
        bool silence_first = silence_deadline < input->deadline_us;
        int64_t deadline = silence_first ? silence_deadline : input->deadline_us;
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = input->stop_fd, .events = POLLIN}};
        int ready = poll(fds, COUNT_OF(fds), clock_poll_ms(deadline));
        if (ready == 0) {
            return silence_first ? WAIT_SILENT : WAIT_TIMEOUT;
        }
        if (ready > 0) {
            return fds[1].revents ? WAIT_STOPPED : WAIT_READABLE;
        }
    }
}

/* Appends all of stdin; `patient`: silence is waited out. */
static enum err_code read_stdin(const struct headless_input *input, bool patient, struct buf *out,
                                struct err *err)
{
    char piece[PIECE_BYTES];
    int64_t silence = patient ? CLOCK_NEVER : clock_mono_us() + SILENCE_US;
    for (;;) {
        switch (wait_for_stdin(input, silence)) {
        case WAIT_SILENT:
            if (!input->quiet) {
                output_remark("nothing came on stdin for 3 s, going on without it (- insists, "
                              "--no-stdin does not look)");
            }
            return ERR_OK;
        case WAIT_TIMEOUT:
            return err_set(err, ERR_TIMEOUT, "the time limit was reached while reading stdin");
        case WAIT_STOPPED:
            return err_set(err, ERR_INTERRUPTED, "stopped while reading stdin");
        case WAIT_READABLE:
            break;
        }
        ssize_t got = read(STDIN_FILENO, piece, sizeof piece);
        if (got == 0) {
            return ERR_OK;
        }
        if (got < 0 && errno != EINTR && errno != EAGAIN) {
            return err_set_errno(err, errno, "cannot read stdin");
        }
        if (got > 0) {
            silence = CLOCK_NEVER;
            if (!buf_append(out, piece, (size_t)got)) {
                return err_set(err, ERR_TOO_BIG, "stdin is larger than 32 MiB");
            }
        }
    }
}

enum err_code headless_read_stdin(const struct headless_input *input, struct buf *out,
                                  struct err *err)
{
    return read_stdin(input, true, out, err);
}

/* A file, a pipe or a socket: somebody meant us to read it. Not a terminal, not /dev/null. */
static bool stdin_is_given(void)
{
    struct stat info;
    return fstat(STDIN_FILENO, &info) == 0 &&
           (S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

/* Joins the words but for a lone -, which it reports. */
static bool append_words(const struct headless_input *input, struct buf *out)
{
    bool insists = false;
    for (size_t i = 0; i < input->word_count; i++) {
        if (strcmp(input->words[i], "-") == 0) {
            insists = true;
            continue;
        }
        buf_append_str(out, out->n ? " " : "");
        buf_append_str(out, input->words[i]);
    }
    return insists;
}

enum err_code headless_read(const struct headless_input *input, struct buf *out, struct err *err)
{
    struct buf words = BUF_INIT(HEADLESS_INPUT_MAX);
    struct buf piped = BUF_INIT(HEADLESS_INPUT_MAX);
    bool insists = append_words(input, &words);
    bool has_words = sv_trim(buf_sv(&words)).n > 0;
    enum err_code code = ERR_OK;
    if (insists || (!input->no_stdin && stdin_is_given())) {
        code = read_stdin(input, insists || !has_words, &piped, err);
    }
    bool has_piped = sv_trim(buf_sv(&piped)).n > 0;
    if (!code && !has_words && !has_piped) {
        code = err_set(err, ERR_USAGE, "there is no prompt: give one as an argument or on stdin");
    }
    if (!code) {
        utf8_append_valid(out, buf_sv(&words));
        buf_append_str(out, has_words && has_piped ? "\n\n" : "");
        if (has_piped) {
            utf8_append_valid(out, buf_sv(&piped));
        }
        code = buf_ok(out) ? ERR_OK : err_set(err, ERR_TOO_BIG, "the prompt is larger than 32 MiB");
    }
    buf_release(&words);
    buf_release(&piped);
    return code;
}

enum err_code headless_text_option(const char *value, char **ret_text, struct err *err)
{
    struct buf raw = BUF_INIT(HEADLESS_INPUT_MAX);
    struct buf text = BUF_INIT(HEADLESS_INPUT_MAX);
    enum err_code code = ERR_OK;
    if (value[0] == '@') {
        code = file_read(value + 1, &raw, err);
    } else {
        buf_append_str(&raw, value);
    }
    if (!code && !utf8_append_valid(&text, buf_sv(&raw))) {
        code = err_set(err, ERR_TOO_BIG, "'%s' is larger than 32 MiB", value);
    }
    if (!code) {
        *ret_text = buf_detach(&text);
    }
    buf_release(&raw);
    buf_release(&text);
    /* A file that was named on the command line and cannot be read is bad input. */
    if (code == ERR_NOT_FOUND || code == ERR_IO) {
        code = ERR_INVALID;
        if (err) {
            err->code = code;
        }
    }
    return code;
}
