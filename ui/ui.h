/*
 * The screen: transcript, editor, status line. It knows the store and the broker; it reaches the
 * engine only through struct ui_host, which the program fills in.
 *
 * The first frame is painted before anything else happens: it needs the store open for reading, and
 * nothing more. After it, host.first_frame_done is called once, and everything slower starts there.
 *
 * Threads: ui_run owns the terminal and runs on the main thread; host callbacks are called on it
 * and must not wait. ui_restore_terminal is async-signal-safe and may be called from any thread at
 * any time.
 */
#ifndef WEIR_UI_UI_H
#define WEIR_UI_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"
#include "store/turn.h"
#include "ui/keymap.h"
#include "ui/style.h"

/* How else a conversation goes on than by a prompt at its end. */
struct ui_way {
    enum turn_kind kind; /* TURN_EDIT, TURN_AGAIN, TURN_CONTINUE */
    struct ulid session;
    struct ulid at;   /* the message, see enum turn_kind */
    struct sv prompt; /* TURN_EDIT */
};

/* A recording that is played. Times are the recording's own. */
struct ui_replay {
    int64_t position_us, length_us;
    double speed;           /* 0: without pauses */
    size_t answer, answers; /* how many have begun, of how many */
    bool paused, over;
};
/* A step pauses, or lets the next piece come where it is paused. */
enum ui_replay_act { UI_REPLAY_PAUSE, UI_REPLAY_STEP, UI_REPLAY_FASTER, UI_REPLAY_SLOWER };

/* Where `replay` is set, a recording is played into the session and nothing is asked: there is no
 * prompt, and of the other callbacks only first_frame_done is called. */
struct ui_host {
    void *ctx;
    /*
     * Begins a turn. `session` unset: in a new session (NOTICE_BEGUN names it). `turn`: its id, or
     * unset. On failure the prompt stays in the editor, and so it does when NOTICE_SEND_FAILED
     * comes later. Where the prompt names files (ui/mention.h), this and send_way are called on a
     * thread that may wait.
     */
    enum err_code (*send)(void *ctx, const struct ulid *session, const struct ulid *turn,
                          struct sv prompt, struct err *err);
    /* Stops the answer that runs in the session, if one does. What came stays. */
    void (*cancel)(void *ctx, const struct ulid *session);
    void (*first_frame_done)(void *ctx);
    void (*answer_offer)(void *ctx, bool yes);
    /* Calls `add` for each model that can be chosen, with a word about it or NULL. May be NULL, as
     * all below. */
    void (*list_models)(void *ctx, void (*add)(void *add_ctx, const char *model, const char *note),
                        void *add_ctx);
    /* Prompts go to that model from now on ("PROVIDER/MODEL" or an alias); NOTICE_MODEL says so. */
    enum err_code (*choose_model)(void *ctx, const char *model, struct err *err);
    /* Writes the session to a file that does not exist yet and gives its path (free()). `format`
     * may be the name of that file, by whose ending the format is known; NULL: the one that people
     * read. */
    enum err_code (*export_session)(void *ctx, const struct ulid *session, const char *format,
                                    char **ret_path, struct err *err);
    /* How many tokens fit into one that `choose_model` takes; negative: not known. */
    int64_t (*context_of)(void *ctx, const char *model);
    /* Begins such a turn; what comes of it is told as for `send`. */
    enum err_code (*send_way)(void *ctx, const struct ui_way *way, struct err *err);
    /* Gives sessions in which answers run that leaving cuts off, and how many, at most `max`. */
    size_t (*running)(void *ctx, struct ulid *sessions, size_t max);
    /* Both or neither. NOTICE_REPLAY says that it is over. */
    struct ui_replay (*replay)(void *ctx);
    void (*replay_act)(void *ctx, enum ui_replay_act act);
};

enum ui_notify { UI_NOTIFY_BELL, UI_NOTIFY_NONE, UI_NOTIFY_OSC9, UI_NOTIFY_OSC777 };

/* How the screen looks and what it tells the terminal. Zeros are what is built in. */
struct ui_settings {
    /* STYLE_COUNT each (ui/theme.h). `looks` NULL: as the terminal's background is found to be. */
    const struct style_look *looks, *dark, *light;
    const char *colors; /* at most so many: as style_parse_depth; NULL: all */
    const char *links;  /* whether links are the terminal's: as hyperlink_wanted; NULL: it is found
                           out */
    bool no_wheel, no_title;
    int64_t silence_us;    /* a pause of this length in an answer is told */
    enum ui_notify notify; /* that an answer has ended while the window was out of focus */
};

struct ui_options {
    struct store *store; /* open, perhaps not started */
    struct ui_host host;
    const char *review;  /* begins with what waits for a verdict: of all (""), or of one origin
                            (session_origin_text); NULL: does not */
    bool unfolded;       /* reasoning and tools are shown whole at first */
    struct ulid session; /* to show; unset: an empty new one */
    const char *model;   /* "PROVIDER/MODEL" for the status line */
    const char *welcome; /* shown in an empty transcript: what this is, how to connect a model.
                            Lines, until NOTICE_MODEL names another one; or NULL */
    const char *notice;  /* one line to begin with (a private store, say), or NULL */
    const char *color;   /* "auto", "always", "never" */
    const struct keymap *keymap; /* NULL: what is built in */
    struct ui_settings settings;
};

/*
 * Runs until the user leaves, the terminal goes away (ERR_CLOSED) or NOTICE_QUIT comes
 * (ERR_INTERRUPTED). ERR_UNSUPPORTED: no terminal, or TERM is unknown. The terminal is restored in
 * every case. `*ret_session`: the one shown last (may be unset).
 */
enum err_code ui_run(const struct ui_options *options, struct ulid *ret_session,
                     struct err *err) NODISCARD;

/*
 * The same conversation and the same commands as lines, for screen readers and for terminals that
 * can do no more: nothing is ever painted over, an answer is written as it comes, a list is
 * numbered. stdin need not be a terminal; at its end this leaves, after the answer that runs.
 */
enum err_code ui_run_plain(const struct ui_options *options, struct ulid *ret_session,
                           struct err *err) NODISCARD;

/* Puts the terminal back by writing the sequences and modes itself, without curses. Harmless when
 * no screen is open. */
void ui_restore_terminal(void);

#endif
