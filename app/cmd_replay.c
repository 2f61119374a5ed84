/*
 * weir replay: plays a recording, or the answers of a stored session, at their pace: on the screen
 * (app/replay_screen.h), or as 'weir run' would have printed them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "app/command.h"
#include "app/headless.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/playback.h"
#include "app/player.h"
#include "app/replay_screen.h"
#include "app/replay_session.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

#define KEY_CTRL_C 3

static const struct option_spec options[] = {
    {"speed", 0, OPTION_TEXT, "X", "2: twice as fast, 0.5: half as fast, 0: without pauses (1)"},
    {"step", 0, OPTION_FLAG, NULL, "paused: each piece waits for a key, or a line of stdin"},
    {"plain", 0, OPTION_FLAG, NULL, "text alone, no full screen, as to a pipe"},
    {"output-format", 0, OPTION_TEXT, "FORMAT", "text or stream-json (text)"},
    {"show-reasoning", 0, OPTION_FLAG, NULL, "reasoning to stderr"},
    {"raw", 0, OPTION_FLAG, NULL, "text as it came, also to a terminal"},
    {.name = NULL},
};

struct replay {
    struct recording *recording;
    char *title; /* of what is played */
    struct printer printer;
    struct answer answer;
    bool in_answer; /* a head was read, and no end yet */
    double speed;
    bool steps, quits; /* steps: it is paused before each piece */
    bool has_keys;     /* of a terminal */
    int64_t at_us;     /* of the event before */
    size_t turns;
};

/* ---- pace ---- */

/* As the terminal was: where the program is ended by a signal, it is given back so. */
static struct termios modes_before;

static void give_back(int number)
{
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &modes_before);
    (void)raise(number); /* its own action is back already */
}

/* Keys one by one, unseen; Ctrl-C is one of them. Only where somebody can press them. */
static void begin_keys(struct replay *replay)
{
    static const int endings[] = {SIGTERM, SIGHUP, SIGPIPE};
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &modes_before)) {
        return;
    }
    struct termios raw = modes_before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    struct sigaction action = {.sa_handler = give_back, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        (void)sigaction(endings[i], &action, NULL);
    }
    replay->has_keys = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void end_keys(const struct replay *replay)
{
    if (replay->has_keys) {
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &modes_before);
    }
}

static bool read_key(char *ret_key)
{
    ssize_t n = 0;
    do {
        n = read(STDIN_FILENO, ret_key, 1);
    } while (n < 0 && errno == EINTR);
    return n == 1;
}

/* A line of what is no terminal. Its end is the end of stepping. */
static void wait_for_line(struct replay *replay)
{
    char key = 0;
    bool more = true;
    do {
        more = read_key(&key);
        replay->quits = replay->quits || (more && key == 'q');
    } while (more && key != '\n');
    replay->steps = more;
}

/* True: the piece comes now. */
static bool obey(struct replay *replay, char key)
{
    switch (key) {
    case 'q':
    case KEY_CTRL_C:
        replay->quits = true;
        return true;
    case '+':
        replay->speed = playback_speed(replay->speed, true);
        return false;
    case '-':
        replay->speed = playback_speed(replay->speed, false);
        return false;
    case 'p':
        replay->steps = !replay->steps;
        return false;
    default: {
        bool was_paused = replay->steps;
        replay->steps = true;
        return was_paused;
    }
    }
}

/* Until its time, or its key, has come. */
static void wait_with_keys(struct replay *replay, int64_t pause_us)
{
    int64_t began = clock_mono_us();
    bool now = false;
    while (!now) {
        int64_t due = replay->steps ? CLOCK_NEVER : began + player_pause(pause_us, replay->speed);
        struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
        char key = 0;
        if (poll(&fd, 1, clock_poll_ms(due)) > 0) {
            bool gone = !read_key(&key);
            now = gone || obey(replay, key);
            replay->quits = replay->quits || gone;
        } else {
            now = clock_mono_us() >= due;
        }
    }
}

static void keep_pace(struct replay *replay, int64_t at_us)
{
    int64_t pause_us = at_us - replay->at_us;
    if (replay->has_keys) {
        wait_with_keys(replay, pause_us);
    } else if (replay->steps) {
        wait_for_line(replay);
    } else {
        clock_sleep_us(player_pause(pause_us, replay->speed));
    }
    replay->at_us = at_us;
}

/* ---- events as updates, which the printer takes ---- */

static enum part_kind kind_of(const struct stream_event *event)
{
    switch (event->kind) {
    case STREAM_REASONING:
    case STREAM_REASONING_END:
        return PART_REASONING;
    case STREAM_TOOL_CALL:
    case STREAM_TOOL_INPUT:
    case STREAM_TOOL_CALL_END:
        return PART_TOOL_CALL;
    case STREAM_TOOL_RESULT:
        return PART_TOOL_RESULT;
    case STREAM_NATIVE:
        return PART_NATIVE;
    case STREAM_PART_OPEN:
        return event->part_kind;
    default:
        return PART_TEXT;
    }
}

static bool ends_part(const struct stream_event *event)
{
    return event->kind == STREAM_REASONING_END || event->kind == STREAM_TOOL_CALL_END ||
           event->kind == STREAM_TOOL_RESULT || event->kind == STREAM_NATIVE;
}

static bool has_piece(const struct stream_event *event)
{
    return event->kind >= STREAM_PART_OPEN && event->kind <= STREAM_NATIVE;
}

static void apply_piece(struct replay *replay, const struct stream_event *event)
{
    bool known = event->part < replay->answer.part_count;
    struct piece piece = {
        .part = event->part,
        .kind = kind_of(event),
        .offset = known ? replay->answer.parts[event->part].text.n : 0,
        .text = event->text,
        .ended = ends_part(event),
        .tool_id = event->id,
        .tool_name = event->name,
    };
    struct message_update update = {
        .kind = UPDATE_CHANGED, .pieces = &piece, .piece_count = 1, .usage = usage_unknown()};
    (void)answer_apply_update(&replay->answer, &update, &replay->printer);
}

static void apply_rest(struct replay *replay, const struct stream_event *event)
{
    struct message_update update = {.kind = UPDATE_CHANGED, .usage = usage_unknown()};
    char *detail = event->text.n > 0 ? xstrndup(event->text.p, event->text.n) : NULL;
    update.detail = detail;
    if (event->kind == STREAM_USAGE) {
        update.usage = event->usage;
    } else if (event->kind == STREAM_WAITING) {
        update.kind = UPDATE_WAITING;
        update.error = event->error;
        update.attempt = event->attempt;
        update.attempts = event->attempts;
        update.until_us = clock_mono_us() + player_pause(event->wait_us, replay->speed);
    } else if (stream_event_is_last(event)) {
        update.kind = UPDATE_ENDED;
        update.reason = event->reason;
        update.error = event->error;
        update.usage = replay->answer.usage;
    }
    (void)answer_apply_update(&replay->answer, &update, &replay->printer);
    free(detail);
}

/* ---- turns ---- */

static void end_answer(struct replay *replay)
{
    struct outcome outcome = {0};
    if (!replay->in_answer) {
        return;
    }
    if (replay->answer.ended) {
        headless_describe(&replay->answer, true, &outcome);
        printer_finish(&replay->printer, &replay->answer);
    } else {
        outcome = (struct outcome){exit_code_of(ERR_PROTOCOL), ERR_PROTOCOL,
                                   replay->quits ? NULL : "the recording ends before the answer",
                                   FINISH_INTERRUPTED};
    }
    (void)printer_result(&replay->printer, &replay->answer, &outcome);
    answer_release(&replay->answer);
    replay->in_answer = false;
}

static void set_id(struct sv text, struct ulid *id)
{
    *id = (struct ulid){""};
    (void)ulid_parse(text, id);
}

/* What was asked stands on stderr, so that stdout is the answers. */
static void show_prompt(const struct replay *replay, struct sv prompt)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    struct sv line;
    while (!replay->printer.quiet && sv_next_line(&prompt, &line)) {
        buf_append_str(&out, "> ");
        (void)safe_append(&out, line, SAFE_ONE_LINE);
        buf_append_byte(&out, '\n');
    }
    (void)output_write(STDERR_FILENO, buf_sv(&out));
    buf_release(&out);
}

static void begin_answer(struct replay *replay, const struct recording_head *head)
{
    end_answer(replay);
    struct printer *printer = &replay->printer;
    char *model = head->model.n > 0 ? xstrndup(head->model.p, head->model.n) : xstrdup("");
    set_id(head->session, &printer->turn.session);
    set_id(head->turn, &printer->turn.id);
    set_id(head->message, &printer->turn.answer);
    printer->wrote_text = printer->wrote_reasoning = false;
    printer->seq = 0;
    answer_init(&replay->answer);
    replay->answer.model = model;
    replay->in_answer = true;
    replay->at_us = 0;
    replay->turns++;
    show_prompt(replay, head->prompt);
    printer_begun(printer, model);
}

static enum err_code play_event(struct replay *replay, const struct recording_item *item,
                                struct err *err)
{
    const struct stream_event *event = &item->event;
    if (!replay->in_answer || replay->answer.ended) {
        return err_set(err, ERR_INVALID, "the recording has an event that is in no answer");
    }
    if (has_piece(event) && event->part > replay->answer.part_count) {
        return err_set(err, ERR_INVALID, "the recording opens part %u before part %zu", event->part,
                       replay->answer.part_count);
    }
    keep_pace(replay, item->at_us);
    if (replay->quits) {
        return ERR_OK;
    }
    if (has_piece(event)) {
        apply_piece(replay, event);
    } else {
        apply_rest(replay, event);
    }
    return ERR_OK;
}

static enum err_code play(struct replay *replay, struct err *err)
{
    struct recording_item item;
    bool more = true;
    while (more && !replay->quits && replay->printer.failure == 0) {
        enum err_code code = recording_next(replay->recording, &item, &more, err);
        if (code == ERR_OK && more && item.is_head) {
            begin_answer(replay, &item.head);
        } else if (code == ERR_OK && more) {
            code = play_event(replay, &item, err);
        }
        if (code) {
            return code;
        }
    }
    return replay->turns ? ERR_OK : err_set(err, ERR_INVALID, "this is no recording");
}

/* ---- the command ---- */

static enum err_code open_session(const struct global_options *global, const char *what,
                                  struct replay *replay, struct err *err)
{
    struct reading reading;
    struct session_list list = {NULL, 0, false};
    enum err_code code = reading_open(global, &reading, err);
    if (code) {
        return code;
    }
    code = named_session(reading.store, what, &list, err);
    if (code == ERR_OK) {
        code = replay_session(reading.store, &list.sessions[0].id, &replay->recording, err);
        replay->title = xstrdup(session_title_said(list.sessions[0].title));
    }
    session_list_release(&list);
    reading_close(&reading);
    return code;
}

static enum err_code open_recording(const struct global_options *global, const char *what,
                                    struct replay *replay, struct err *err)
{
    if (!strchr(what, '/') && !file_exists(what)) {
        enum err_code code = open_session(global, what, replay, err);
        return code == ERR_NOT_FOUND ? err_set(err, code, "no file and no session '%.200s'", what)
                                     : code;
    }
    const char *name = strrchr(what, '/');
    replay->title = xstrdup(name ? name + 1 : what);
    return recording_open(what, &replay->recording, err);
}

static enum err_code read_options(const struct arguments *arguments, struct replay *replay,
                                  struct err *err)
{
    const char *speed = argument_text(arguments, "speed");
    const char *name = argument_text(arguments, "output-format");
    enum headless_format format = HEADLESS_TEXT;
    if (arguments->rest_count != 1) {
        return err_set(err, ERR_USAGE, "expected 'weir replay' and one SESSION or FILE");
    }
    if (name && (!headless_format_parse(name, &format) || format == HEADLESS_JSON)) {
        return err_set(err, ERR_USAGE, "--output-format takes text or stream-json, not '%.40s'",
                       name);
    }
    if (speed && !player_speed_parse(speed, &replay->speed)) {
        return err_set(err, ERR_USAGE, "--speed takes a number from 0 to 1000, not '%.40s'", speed);
    }
    printer_init(&replay->printer, format);
    replay->printer.show_reasoning = argument_flag(arguments, "show-reasoning");
    replay->printer.raw = argument_flag(arguments, "raw");
    replay->printer.replayed = true;
    replay->steps = argument_flag(arguments, "step");
    return ERR_OK;
}

static int play_as_text(struct replay *replay)
{
    struct err err = {0};
    begin_keys(replay);
    enum err_code code = play(replay, &err);
    end_answer(replay);
    end_keys(replay);
    return code ? command_fail(&err) : output_exit_code(replay->printer.failure);
}

static int play_on_screen(const struct global_options *global, const struct replay *replay)
{
    const struct replay_screen screen = {.global = global,
                                         .recording = replay->recording,
                                         .title = replay->title,
                                         .speed = replay->speed,
                                         .paused = replay->steps,
                                         .unfolded = replay->printer.show_reasoning};
    return replay_screen(&screen);
}

/* Nothing is said of how text is to be written, by somebody who sits at a terminal. */
static bool wants_screen(const struct arguments *arguments)
{
    bool as_text = argument_flag(arguments, "plain") || argument_flag(arguments, "raw") ||
                   argument_flag(arguments, "output-format");
    return !as_text && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !output_terminal_is_dumb();
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct replay replay = {.speed = 1};
    struct err err = {0};
    int exit_code = 0;
    answer_init(&replay.answer);
    enum err_code code = read_options(arguments, &replay, &err);
    replay.printer.quiet = global->quiet;
    code = code ? code : open_recording(global, arguments->rest[0], &replay, &err);
    if (code) {
        exit_code = command_fail(&err);
    } else {
        exit_code =
            wants_screen(arguments) ? play_on_screen(global, &replay) : play_as_text(&replay);
    }
    answer_release(&replay.answer);
    recording_close(replay.recording);
    free(replay.title);
    return exit_code;
}

const struct command command_replay = {
    .name = "replay",
    .operands = "SESSION|FILE",
    .summary = "play a recording, or a stored session, at its pace",
    .details = "On a terminal the answers come again on the screen: Space pauses and goes on, . "
               "is one piece\n"
               "more, + and - double and halve the speed, q leaves, F1 lists all keys. Nothing is "
               "sent and\n"
               "nothing kept. To a pipe, or with --plain, they are printed as 'weir run' would "
               "have, what was\n"
               "asked on stderr.\n"
               "\n"
               "A recording is made by 'weir run --record FILE', or of every answer where the "
               "config says\n"
               "[record] folder; what was never recorded is played with the times that are stored. "
               "As a\n"
               "model, '-m replay/FILE' answers from a recording, offline.\n"
               "\n"
               "  weir run --record talk.jsonl \"Name three rivers\"\n"
               "  weir replay talk.jsonl --speed 4\n"
               "  weir replay ax0p --output-format stream-json --speed 0\n"
               "  WEIR_REPLAY_SPEED=0 weir run -m replay/talk.jsonl \"Name three rivers\"\n",
    .options = options,
    .run = run,
};
