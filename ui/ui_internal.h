/*
 * The screen's state, and what its files do with it. Internal to the screen.
 *
 * ui.c owns the loop; ui_keys.c says where keys go and what actions do, ui_prompt.c sends prompts
 * and keeps those that wait, ui_select.c acts on earlier messages, ui_branches.c shows branches,
 * ui_work.c has changes stored on a thread of their own, ui_commands.c has the table of commands,
 * ui_take.c those that take something out, ui_pickers.c, ui_sessions.c and ui_find.c the lists,
 * ui_replay.c has keys and status of what is played, ui_outside.c runs the user's editor,
 * ui_events.c takes what comes from the broker and the store, ui_terminal.c talks to the terminal
 * beside its cells, ui_view.c says what is painted, the ui_review*.c files judge answers,
 * the ui_plain*.c files write lines where nothing is painted. All but a task's run on one thread.
 */
#ifndef WEIR_UI_UI_INTERNAL_H
#define WEIR_UI_UI_INTERNAL_H

#include "base/wake.h"
#include "pubsub/broker.h"
#include "store/search.h"
#include "ui/complete.h"
#include "ui/editor.h"
#include "ui/input.h"
#include "ui/keymap.h"
#include "ui/layout.h"
#include "ui/paint.h"
#include "ui/picker.h"
#include "ui/status.h"
#include "ui/theme.h"
#include "ui/transcript.h"
#include "ui/ui.h"

struct ui;
struct task;
struct work;
struct find;
struct review;
struct plain;

enum line_kind {
    LINE_NONE,
    LINE_INFO,    /* until the next key */
    LINE_PROBLEM, /* until the next prompt is sent */
};

/* A prompt that is sent when the answer that runs has ended. */
struct waiting {
    struct ulid id;      /* in the store's queue, and of its turn */
    struct ulid session; /* unset: the new one */
    bool ours;           /* written on this screen: sent by itself when its time has come */
    bool stored;         /* was seen in the store */
    bool sent;           /* on its way, in a session that was not on the screen */
    char *text;
    size_t n;
};

/* A change that waits for the disk, and what is done on the screen when it came through. */
struct task_kind {
    enum err_code (*run)(struct task *task, struct store *store); /* on the thread of changes */
    void (*done)(struct ui *ui, struct task *task);
    void (*failed)(struct ui *ui, struct task *task); /* NULL: what failed is shown as a line */
};
struct task {
    struct task *next;
    const struct task_kind *kind;
    struct ulid session, at;
    char *text;                 /* never NULL */
    enum turn_kind way;         /* of a prompt */
    const struct ui_host *host; /* where it is handed to */
    struct search *search;      /* what is looked for; or NULL */
    struct search_result found;
    char *what; /* said of it; or NULL */
    enum err_code code;
    struct err err;
};

#define ELSEWHERE_MAX 16u
#define WAITING_MAX 32u
#define REMOVED_MAX 32u
#define RUNNING_MAX 32u

struct ui {
    const struct ui_options *options;
    struct ulid session; /* unset: a new one */
    char *model;         /* or NULL */

    struct transcript *transcript;
    struct editor *editor;
    struct input *input;
    struct paint *paint;
    struct grid grid;
    struct subscription *subscription;
    struct wake wake;

    enum line_kind line_kind;
    bool
        line_behind; /* stood there when the choice moved: behind the line that says what keys do */
    char *line;      /* or NULL */
    char *offer;     /* a question that waits for y or n, or NULL */
    const char *welcome;   /* for an empty transcript, as long as it is true; or NULL */
    struct picker *picker; /* shown instead of the transcript, takes the keys; or NULL */
    const struct picker_kind *next_picker; /* is opened when the key has been dealt with; or NULL */
    char *next_text;                       /* its filter; or NULL */
    struct ulid about;                     /* the session that the open list is about */
    struct ulid about_message;             /* likewise the message */
    struct complete *complete;             /* the list above the prompt */
    char *store_trouble;                   /* or NULL */

    struct review *review; /* shown instead of all else, takes the keys; or NULL */
    struct work *work;
    struct ulid branch; /* the one that is shown */
    int64_t *forks;     /* after which messages others branch off */
    size_t fork_count, branch_count;
    struct ulid elsewhere[ELSEWHERE_MAX]; /* messages of other branches that were heard of */
    size_t elsewhere_at;
    bool selecting;    /* a message is chosen, keys are about it */
    bool landed;       /* it is what a search led to: characters but n and p are a prompt's */
    bool unseen;       /* nor does a line say what its keys do: all characters are a prompt's */
    struct ulid go_to; /* is selected when the branch it stands on is shown; unset: none */
    int64_t go_to_seq;
    bool stays;               /* the view stays at what is selected when the selection ends */
    struct plain *plain;      /* lines instead of a screen; or NULL */
    struct find *find;        /* what was found, what is looked for */
    struct choices *sessions; /* that the list was opened with; or NULL */
    struct ulid edit_at;      /* the prompt takes that message's place; unset: it is a new one */

    int64_t context;     /* of the model; negative: not known */
    int64_t cost_micros; /* of the session */
    struct ulid cost_of; /* that is known of this one */
    bool cost_estimated;
    unsigned others_ended, others_failed; /* answers of other sessions */
    char *title;                          /* of the session, as the window has it; or NULL */
    bool out_of_focus;                    /* the terminal said so */
    bool wheel;
    int64_t asked_us; /* when the terminal was asked what it is */

    struct buf sent; /* the prompt that was handed over, until it is stored */
    bool sending;
    bool cancel_on_begun; /* the user cancelled before there was something to cancel */
    bool cancelling;
    struct ulid owner_of; /* the answer of which it is known who writes it; unset: of none */
    bool elsewhere_now;   /* another process does */
    int64_t waiting_since_us;
    struct waiting waiting[WAITING_MAX]; /* oldest first */
    size_t waiting_count;
    struct ulid removed[REMOVED_MAX]; /* from the queue, the latest ones: the store may still list
                                         them */
    size_t removed_at;
    struct ulid sent_id; /* of the prompt that is being sent, where it had waited */
    bool held; /* those that wait are not sent by themselves: an answer was stopped or failed */

    const struct keymap *keymap;
    struct keymap *own_keymap; /* what is built in, where the options have none; or NULL */
    struct chord first;        /* of two, where has_first */
    bool has_first;
    enum input_key arrow; /* plain Up or Down keys that came in one piece: perhaps the wheel */
    int arrow_count;
    int64_t quit_until_us; /* Ctrl-C or Ctrl-D again before that leaves; 0: none was pressed yet */
    int64_t quit_typed_until_us; /* the same of /quit, which is typed by other keys */
    int64_t input_deadline_us;

    unsigned draft_revision; /* of the editor, when the draft was saved last */
    int64_t draft_due_us;    /* 0: it is saved */

    bool dirty;
    int64_t next_frame_us;
    bool leave;
    enum err_code result;
};

/* ui_keys.c */
/* One of the screen's own actions, not the editor's. */
void keys__act(struct ui *ui, enum action action);
void keys__feed(struct ui *ui, const char *bytes, size_t length);
void keys__timeout(struct ui *ui);

/* ui_leave.c */
/* Where one runs that can be stopped from here. */
void leave__stop_answer(struct ui *ui);
/* What Ctrl-C does. */
void leave__interrupt(struct ui *ui);
/* Leaves, or says what would be lost and that a second time leaves. `key` is what was pressed. */
void leave__offer(struct ui *ui, const char *key);

/* ui_prompt.c */
void prompt__submit(struct ui *ui);
/* Sends what waits, when nothing is in the way any more. After each event. */
void prompt__pump(struct ui *ui);
/* The latest prompt that waits comes back into the editor. False: none does. */
bool prompt__take_back(struct ui *ui);
/* How many wait in the session on the screen; gives those, oldest first, up to `max`. */
size_t prompt__waiting(const struct ui *ui, const struct waiting **ret_waiting, size_t max);
/* The answer has ended in a way that says whether what waits may follow. */
void prompt__on_end(struct ui *ui, enum finish_reason reason);
/* The same in a session that is not on the screen: what waits there is sent there. */
void prompt__on_end_elsewhere(struct ui *ui, const struct ulid *session, enum finish_reason reason);
/* What was sent there is stored; or was not taken, and waits for the user. */
void prompt__on_begun_elsewhere(struct ui *ui, const struct ulid *session);
void prompt__on_refused_elsewhere(struct ui *ui, const struct ulid *session);
/* The prompt that was handed over is stored, in this session. */
void prompt__on_begun(struct ui *ui, const struct ulid *session);
/* Adds one that waits; takes its text. False: there are too many. */
bool prompt__add(struct ui *ui, struct waiting waiting);
/* Drops those of the session on the screen that are in the store's queue no more. `is_there` says
 * of each whether it is. */
void prompt__drop_gone(struct ui *ui, bool (*is_there)(void *ctx, const struct ulid *id),
                       void *ctx);
void prompt__release(struct ui *ui);

/* ui_saved.c: draft and queue in the store. */
/* A change since it was saved last is saved soon; what is due by now, and all where `now`, at once.
 * After everything that happens. */
void saved__draft(struct ui *ui, bool now);
/* When a draft of so many bytes that changed now is saved. `due_us`: when it would be because of an
 * earlier change; 0: there was none. */
int64_t saved__due(int64_t due_us, int64_t now_us, size_t bytes);
/* The session on the screen is another one: its draft and what waits there. Call saved__draft
 * before it changes. */
void saved__load(struct ui *ui);
/* The new session has got its id: what was typed for it is its draft. */
void saved__moved(struct ui *ui);
/* The store's queue may have changed. */
void saved__refresh(struct ui *ui);
void saved__add(struct ui *ui, const struct waiting *waiting);
void saved__remove(struct ui *ui, const struct ulid *id);
/* It was in the store's queue, and is no more: another screen took it. */
bool saved__is_gone(struct ui *ui, const struct waiting *waiting);
/* Its turn was stored already, by whoever it was. */
bool saved__was_sent(struct ui *ui, const struct ulid *id);

/* Begins such a turn. `way->prompt` is remembered until it is stored. */
bool prompt__ask(struct ui *ui, const struct ui_way *way);

/* ui_work.c */
struct work *work__new(struct store *store, const struct wake *wake) NODISCARD;
void work__free(struct work *work); /* NULL is fine; what was asked for is done first */
struct task *work__task(const struct task_kind *kind, struct sv text) NODISCARD;
void work__ask(struct ui *ui, struct task *task); /* takes it */
/* The same, by a thread of their own. */
void work__ask_of(struct ui *ui, struct work *work, struct task *task);
/* Something that was asked for was not told yet. */
bool work__is_busy(const struct work *work);
/* What is done by now is told: failures as a line, the rest by its kind. */
void work__take(struct ui *ui, struct work *work);

/* ui_find.c */
struct find *find__new(struct store *store, const struct wake *wake) NODISCARD;
void find__free(struct ui *ui);
void find__take(struct ui *ui); /* as work__take */
bool find__is_busy(const struct ui *ui);
void find__forget(struct ui *ui); /* what was found, and what is looked for */
/* What was found of it so far, in that session or (unset) in all; until the next call. The open
 * list is loaded again when there is more. */
const struct search_result *find__in(struct ui *ui, const struct ulid *session, struct sv text);
/* Marks what it finds; NULL: nothing. */
struct search_marker *find__marker(struct sv text);
void find__append_snippet(const struct search_hit *hit, struct buf *out);
/* What find__choose goes to. */
void find__append_value(const struct ui *ui, const struct search_hit *hit, struct buf *out);
void find__choose(struct ui *ui, const struct choice *choice);

/* ui_branches.c */
/* Which branches the session on the screen has. */
void branches__load(struct ui *ui);
/* The same after a change. True: another one is current than is shown. */
bool branches__changed(struct ui *ui);
/* Says at each message that is loaded who stands in its place. */
void branches__mark(struct ui *ui);
void branches__switch(struct ui *ui, const struct transcript_message *at, int step);
void branches__go(struct ui *ui, const struct ulid *branch);
void branches__fork(struct ui *ui, const struct ulid *message, struct sv name);

/* ui_select.c */
void select__enter(struct ui *ui);
/* Whole, from the store; free(). NULL: it cannot be read, which is said. */
char *select__text_of(struct ui *ui, const struct ulid *message);
void select__menu(struct ui *ui); /* what can be done with the message that is chosen */
/* False: the press is not about the message. */
bool select__key(struct ui *ui, enum action action, const struct chord *chord);
void select__edit(struct ui *ui, const struct transcript_message *at);
void select__again(struct ui *ui, const struct transcript_message *at);
void select__continue(struct ui *ui, const struct transcript_message *at);
/* Takes the last change back, of one session or (unset) of all. */
void select__undo(struct ui *ui, const struct ulid *session);

/* ui_review.c */
/* What waits for a verdict, over the whole screen. `alone`: leaving it leaves weir. `origin`: at
 * first only what is of that one (session_origin_text); empty: all. */
void review__open(struct ui *ui, bool alone, struct sv origin);
void review__close(struct ui *ui); /* harmless when it is not open */
void review__key(struct ui *ui, const struct input_event *event, enum action action);
void review__paint(struct ui *ui);

/* ui_replay.c */
bool replay__is_on(const struct ui *ui);
/* The key of the action does something on this screen. */
bool replay__has(const struct ui *ui, enum action action);
/* `chord` NULL: no single key. */
void replay__key(struct ui *ui, enum action action, const struct chord *chord);
void replay__status(const struct ui *ui, struct buf *out);
int64_t replay__next_change(const struct ui *ui); /* as status_next_change */

/* ui_commands.c */
struct ui_command {
    const char *name;    /* without the slash */
    const char *operand; /* "[code [N]]", or NULL */
    const char *help;
    enum action action; /* whose key does the same; ACTION_NONE: none does */
    void (*run)(struct ui *ui, struct sv operand);
    bool (*works)(const struct ui *ui); /* NULL: always */
};
/* The table, ended by a NULL name. */
const struct ui_command *commands__all(void);
/* "/name operand". False: there is no such command (said), the text stays. */
bool commands__run(struct ui *ui, struct sv text);
/* One that lacks what it needs says so, and stands in the prompt to be gone on with. */
void commands__start(struct ui *ui, const struct ui_command *command, struct sv operand);
/* It begins with a command that there is. */
bool commands__knows(const struct ui *ui, struct sv text);
/* A complete_source_fn; ctx: the ui. */
void commands__complete(void *ctx, enum complete_kind kind, struct choices *choices);
void commands__new_session(struct ui *ui);

/* ui_take.c: commands */
void take__copy_answer(struct ui *ui);
void take__copy(struct ui *ui, struct sv operand);
void take__save(struct ui *ui, struct sv operand);
void take__open(struct ui *ui, struct sv operand);
void take__to_clipboard(struct ui *ui, struct sv text, const char *what);
/* Of the code blocks of a text: "2", and "2 FILE". */
void take__copy_block(struct ui *ui, struct sv text, struct sv operand);
void take__save_block(struct ui *ui, struct sv text, struct sv operand);
void take__load_links(struct sv text, struct choices *choices);
void take__open_link(struct ui *ui, const char *link);

/* ui_pieces.c: lists of what a message is made of, to take it out */
void pieces__lines(struct ui *ui, const struct transcript_message *at);
void pieces__blocks(struct ui *ui, const struct transcript_message *at);
void pieces__links(struct ui *ui, const struct transcript_message *at);

/* ui_pickers.c */
void pickers__open(struct ui *ui, const struct picker_kind *kind);
void pickers__open_with(struct ui *ui, const struct picker_kind *kind, struct sv filter);
void pickers__close(struct ui *ui);
void pickers__choose(struct ui *ui); /* the selected one */
void pickers__key(struct ui *ui, const struct input_event *event, enum action action,
                  const struct chord *chord);
/* Instead of the one that is open, once the key that it was asked by has been dealt with. */
void pickers__open_next(struct ui *ui, const struct picker_kind *kind, struct sv text);
/* The list is loaded again, where one is open: what it shows has changed. */
void pickers__reload(struct ui *ui);
/* The same, since more was found. */
void pickers__show_again(struct ui *ui);
void pickers__models(const struct ui *ui, struct choices *choices);
extern const struct picker_kind picker_of_commands, picker_of_keys, picker_of_models,
    picker_of_sessions, picker_of_branches, picker_of_everywhere, picker_of_here,
    picker_of_messages;

/* ui_sessions.c */
/* Shows it. False: not now, which is said. */
bool sessions__open(struct ui *ui, const struct ulid *session);
/* Says that it was another model that answered so far, where it was. */
void sessions__note_model(struct ui *ui);
void sessions__forget(struct ui *ui); /* the list is read anew when it is wanted */
void sessions__append_age(int64_t when_us, struct buf *out); /* "3 h ago", or the date */
/* What can be undone. Unset: said. */
void sessions__set_title(struct ui *ui, const struct ulid *session, struct sv title);
/* "word" adds, "-word" takes away. */
void sessions__label(struct ui *ui, const struct ulid *session, struct sv labels);
void sessions__archive(struct ui *ui, const struct ulid *session);
void sessions__delete(struct ui *ui, const struct ulid *session);

/* ui_outside.c: the draft in the user's own editor. */
void outside__edit(struct ui *ui);

/* ui_events.c */
enum err_code events__subscribe(struct ui *ui, struct err *err) NODISCARD;
void events__drain(struct ui *ui);
void events__gap(void *ctx, const struct ulid *message); /* a transcript_gap; ctx: the ui */
/* Shows another session; unset: a new one. */
void events__show_session(struct ui *ui, const struct ulid *session);
/* The session may have changed: another branch, other messages. Where it is on the screen. */
void events__refresh(struct ui *ui, const struct ulid *session);
/* Reads it again, where it is on the screen. */
void events__reload(struct ui *ui, const struct ulid *session);
bool events__load_older(struct ui *ui); /* false: there are none */
/* Reads pages of older messages while the view wants them, up to what fills it. */
void events__fill_view(struct ui *ui);
/* The prompt that was handed over comes back into the editor. */
void events__give_back(struct ui *ui, const char *prompt, const char *why);

/* ui_view.c */
/* What the model holds, and what the session cost and is called, may have changed. */
void view__note_model(struct ui *ui);
void view__note_session(struct ui *ui);
void view__line(struct ui *ui, enum line_kind kind, const char *text); /* NULL takes it away */
/* The line is what stands above the prompt. */
bool view__shows_line(const struct ui *ui);
/* Below what stands there, which it does not displace; alone it is one of LINE_INFO. */
void view__add_line(struct ui *ui, const char *text);
struct status_facts view__facts(const struct ui *ui);
bool view__is_busy(const struct ui *ui); /* status_is_busy of these */
/* The answer that runs is written by another process: nothing here can stop it. */
bool view__answers_elsewhere(const struct ui *ui);
/* Sets the transcript's size for the screen as it is now. */
void view__arrange(struct ui *ui);
void view__frame(struct ui *ui);
int view__page(const struct ui *ui); /* rows of the transcript in view */

/* ui_terminal.c */
const struct style_look *terminal__looks(const struct ui *ui, enum theme_background background);
bool terminal__wants_links(const struct ui *ui);
/* Asks what is answered by terminal__report. Once, after the first frame. */
void terminal__ask(struct ui *ui);
void terminal__report(struct ui *ui, struct sv text);
void terminal__focus(struct ui *ui, bool has_it);
/* Of the window: the session's, or NULL. */
void terminal__set_title(struct ui *ui, const char *title);
void terminal__title(struct ui *ui); /* again */
/* Says it where nobody looks; a text of our own. */
void terminal__notify(struct ui *ui, const char *what);
void terminal__toggle_wheel(struct ui *ui);

/* ui_plain.c, where ui->plain is set */
void plain__free(struct plain *plain); /* NULL is fine */
void plain__line(struct ui *ui, const char *text);
void plain__message(struct ui *ui, const struct message *message); /* the whole of it */
/* The open list, numbered. It is closed where nothing can be chosen from it. */
void plain__list(struct ui *ui);
/* Another session, or another branch of it, is on the screen. */
void plain__show_session(struct ui *ui);
/* What waits for a verdict, to choose from. */
void plain__review(struct ui *ui);
/* What is judged was read again after a change to that message, or (unset) the session. */
void plain__judged(struct ui *ui, const struct ulid *message);

/* ui.c */
struct ui *ui__new(const struct ui_options *options) NODISCARD;
/* Puts the terminal back, says what the code means, and frees it. Gives the code. */
enum err_code ui__end(struct ui *ui, enum err_code code, struct err *err);
void ui__take_signals(struct ui *ui);
/* The terminal is ours again: the screen as it was. */
void ui__come_back(struct ui *ui);
void ui__suspend(struct ui *ui);
void ui__leave(struct ui *ui, enum err_code result);
void ui__repaint(struct ui *ui);

#endif
