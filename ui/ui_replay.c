/*
 * A recording that is played: the screen without a prompt. The keys of the playback are those of
 * the key table that hold only here, where nothing is typed; of the others those that look around.
 */
#include <math.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "ui/ui_internal.h"

/* More often than that nobody reads a clock. */
#define CLOCK_FACE_US CLOCK_MS(50)

static struct ui_replay state_of(const struct ui *ui)
{
    return ui->options->host.replay(ui->options->host.ctx);
}

bool replay__is_on(const struct ui *ui)
{
    return ui->options->host.replay != NULL;
}

/* ---- keys ---- */

/* What looks around, and what it does here. */
static const struct {
    enum action action, as;
} others[] = {
    {ACTION_HELP, ACTION_HELP},
    {ACTION_FOLD, ACTION_FOLD},
    {ACTION_COPY_ANSWER, ACTION_COPY_ANSWER},
    {ACTION_PAGE_UP, ACTION_PAGE_UP},
    {ACTION_PAGE_DOWN, ACTION_PAGE_DOWN},
    {ACTION_SCROLL_UP, ACTION_SCROLL_UP},
    {ACTION_SCROLL_DOWN, ACTION_SCROLL_DOWN},
    {ACTION_UP, ACTION_SCROLL_UP},
    {ACTION_DOWN, ACTION_SCROLL_DOWN},
    {ACTION_FOLLOW, ACTION_FOLLOW},
    {ACTION_LINE_END, ACTION_FOLLOW},
    {ACTION_WHEEL, ACTION_WHEEL},
    {ACTION_REPAINT, ACTION_REPAINT},
    {ACTION_SUSPEND, ACTION_SUSPEND},
    {ACTION_INTERRUPT, ACTION_REPLAY_LEAVE},
    {ACTION_DELETE_RIGHT, ACTION_REPLAY_LEAVE}, /* Ctrl-D, as in an empty prompt */
    {ACTION_LEAVE, ACTION_REPLAY_LEAVE},
};

static enum action as_here(enum action action)
{
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (others[i].action == action) {
            return others[i].as;
        }
    }
    return ACTION_NONE;
}

bool replay__has(const struct ui *ui, enum action action)
{
    return replay__is_on(ui) ? keymap_is_of_replay(action) || as_here(action) == action
                             : !keymap_is_of_replay(action);
}

static void act(struct ui *ui, enum ui_replay_act what)
{
    ui->options->host.replay_act(ui->options->host.ctx, what);
}

void replay__key(struct ui *ui, enum action action, const struct chord *chord)
{
    enum action own = chord ? keymap_find_replay(ui->keymap, chord) : ACTION_NONE;
    own = own != ACTION_NONE ? own : as_here(action);
    switch (own) {
    case ACTION_NONE:
        break;
    case ACTION_REPLAY_PAUSE:
        act(ui, UI_REPLAY_PAUSE);
        break;
    case ACTION_REPLAY_STEP:
        act(ui, UI_REPLAY_STEP);
        break;
    case ACTION_REPLAY_FASTER:
        act(ui, UI_REPLAY_FASTER);
        break;
    case ACTION_REPLAY_SLOWER:
        act(ui, UI_REPLAY_SLOWER);
        break;
    case ACTION_REPLAY_LEAVE:
        ui__leave(ui, ERR_OK);
        break;
    default:
        keys__act(ui, own);
        break;
    }
}

/* ---- the status line ---- */

/* "1:05", "1:00:05" */
static void append_clock(struct buf *out, int64_t us)
{
    long long seconds = (long long)(us > 0 ? us / CLOCK_S(1) : 0);
    if (seconds >= 3600) {
        buf_appendf(out, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
    } else {
        buf_appendf(out, "%lld:%02lld", seconds / 60, seconds % 60);
    }
}

static int columns_of(struct sv text)
{
    int columns = 0;
    for (size_t at = 0; at < text.n; at = utf8_next(text.p, text.n, at)) {
        columns++;
    }
    return columns;
}

/* The first of its keys, and what it does. Nothing where it has none, or no room. */
static void append_key(const struct ui *ui, enum action action, const char *does, struct buf *out)
{
    struct buf keys = BUF_INIT(BUF_MAX_INTERNAL);
    size_t before = out->n;
    keymap_keys_text(ui->keymap, action, &keys);
    struct sv first = sv_take(buf_sv(&keys), sv_find_sv(buf_sv(&keys), SV(", ")));
    if (first.n > 0) {
        buf_appendf(out, " · %.*s %s", SV_ARG(first), does);
    }
    if (columns_of(buf_sv(out)) > ui->grid.columns) {
        buf_truncate(out, before);
    }
    buf_release(&keys);
}

void replay__status(const struct ui *ui, struct buf *out)
{
    struct ui_replay state = state_of(ui);
    buf_append_str(out, state.over ? "over, " : state.paused ? "paused at " : "playing ");
    append_clock(out, state.position_us);
    buf_append_str(out, " of ");
    append_clock(out, state.length_us);
    if (state.speed > 0 && (state.speed < 1 || state.speed > 1)) {
        buf_appendf(out, " · %gx", state.speed);
    }
    buf_appendf(out, " · answer %zu of %zu", state.answer, state.answers);
    if (!transcript_follows(ui->transcript)) {
        append_key(ui, ACTION_FOLLOW, "to the end", out);
    }
    if (!state.over) {
        append_key(ui, ACTION_REPLAY_PAUSE, state.paused ? "goes on" : "pauses", out);
        append_key(ui, ACTION_REPLAY_STEP, "steps", out);
    }
    append_key(ui, ACTION_REPLAY_LEAVE, "leaves", out);
    if (!state.over) {
        append_key(ui, ACTION_REPLAY_FASTER, "faster", out);
        append_key(ui, ACTION_REPLAY_SLOWER, "slower", out);
    }
    append_key(ui, ACTION_HELP, "all keys", out);
}

int64_t replay__next_change(const struct ui *ui)
{
    struct ui_replay state = state_of(ui);
    if (state.over || state.paused || state.speed <= 0) {
        return CLOCK_NEVER;
    }
    double left = (double)(CLOCK_S(1) - state.position_us % CLOCK_S(1)) / state.speed;
    return clock_mono_us() + (left > (double)CLOCK_FACE_US ? (int64_t)ceil(left) : CLOCK_FACE_US);
}
