/*
 * Search in what was said, as one types: over all sessions, or in the one on the screen. What is
 * chosen is landed on, whatever session and branch it stands in.
 *
 * Searching reads more than the screen may wait for: it is done on a thread of its own, each letter
 * breaks the search before it off, and the list is filled when its results are there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/branch.h"
#include "store/history.h"
#include "store/message_service.h"
#include "store/search.h"
#include "ui/ui_internal.h"

#define HITS_MAX 200u
#define LEAD_BYTES ((size_t)24)

struct find {
    struct work *work;
    struct search *running; /* of the task that runs or waits; or NULL */
    char *text;             /* that `result` or `running` is of; or NULL */
    struct ulid session;    /* likewise; unset: all */
    struct search_result result;
};

struct find *find__new(struct store *store, const struct wake *wake)
{
    struct find *find = xcalloc(1, sizeof(*find));
    find->work = work__new(store, wake);
    return find;
}

static void cancel(struct find *find)
{
    if (find->running) {
        search_cancel(find->running);
        find->running = NULL;
    }
}

void find__forget(struct ui *ui)
{
    struct find *find = ui->find;
    cancel(find);
    search_result_release(&find->result);
    free(find->text);
    find->text = NULL;
}

void find__free(struct ui *ui)
{
    if (ui->find) {
        find__forget(ui);
        work__free(ui->find->work);
        free(ui->find);
    }
}

bool find__is_busy(const struct ui *ui)
{
    return ui->find->running != NULL;
}

void find__take(struct ui *ui)
{
    work__take(ui, ui->find->work);
}

/* ---- the search ---- */

static enum err_code run_search(struct task *task, struct store *store)
{
    (void)store;
    return search_run(task->search, &task->found, &task->err);
}

/* Another search may have been asked for since. */
static bool is_of_now(struct ui *ui, const struct task *task)
{
    bool now = ui->find->running == task->search;
    if (now) {
        ui->find->running = NULL;
    }
    return now;
}

static void after_search(struct ui *ui, struct task *task)
{
    if (is_of_now(ui, task)) {
        search_result_release(&ui->find->result);
        ui->find->result = task->found;
        task->found = (struct search_result){.hits = NULL};
        pickers__show_again(ui);
    }
}

static void search_failed(struct ui *ui, struct task *task)
{
    if (is_of_now(ui, task) && task->code != ERR_CANCELLED) {
        search_result_release(&ui->find->result);
        view__line(ui, LINE_PROBLEM, task->err.text);
    }
}

static const struct task_kind searching = {run_search, after_search, search_failed};

static void ask(struct ui *ui, const struct ulid *session, struct sv text)
{
    struct find *find = ui->find;
    struct err err;
    const struct search_query query = {.text = text, .session = *session, .limit = HITS_MAX};
    /* What was found of the letters before is shown until there is something of these. */
    cancel(find);
    free(find->text);
    if (!ulid_equal(&find->session, session)) {
        search_result_release(&find->result);
    }
    find->text = xstrndup(text.p, text.n);
    find->session = *session;
    if (search_new(ui->options->store, &query, &find->running, &err)) {
        find->running = NULL;
        view__line(ui, LINE_PROBLEM, err.text);
        return;
    }
    struct task *task = work__task(&searching, SV(""));
    task->search = find->running;
    work__ask_of(ui, find->work, task);
}

/* The last word may have been begun only. */
static char *query_of(struct sv text)
{
    bool word = text.p[text.n - 1] != '"' && text.p[text.n - 1] != '*';
    return xasprintf("%.*s%s", SV_ARG(text), word ? "*" : "");
}

struct search_marker *find__marker(struct sv text)
{
    text = sv_trim(text);
    char *query = text.n ? query_of(text) : NULL;
    struct search_marker *marker = query ? search_marker_new(sv_from(query)) : NULL;
    free(query);
    return marker;
}

const struct search_result *find__in(struct ui *ui, const struct ulid *session, struct sv text)
{
    static const struct search_result nothing;
    struct find *find = ui->find;
    text = sv_trim(text);
    if (text.n == 0) {
        find__forget(ui);
        return &nothing;
    }
    char *open = query_of(text);
    if (!find->text || strcmp(find->text, open) != 0 || !ulid_equal(&find->session, session)) {
        ask(ui, session, sv_from(open));
    }
    free(open);
    return &find->result;
}

/* ---- landing ---- */

static bool stands_on(const struct ui *ui, const struct ulid *branch, const struct message *message)
{
    const struct history_query query = {.session = message->session,
                                        .branch = *branch,
                                        .start = HISTORY_SEQ,
                                        .seq = message->seq + 1,
                                        .limit = 1};
    struct history_page page = {0};
    if (history_page(ui->options->store, &query, &page, NULL)) {
        return false;
    }
    bool there = page.count == 1 && ulid_equal(&page.messages[0]->id, &message->id);
    history_page_release(&page);
    return there;
}

/* Switches to a branch that it stands on, where it is not the one on the screen. */
static void find_branch(struct ui *ui, const struct message *message)
{
    struct branch_list list = {NULL, 0};
    const struct ulid none = {""};
    if (stands_on(ui, &none, message) ||
        branch_list(ui->options->store, &message->session, &list, NULL)) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (stands_on(ui, &list.branches[i].id, message)) {
            branches__go(ui, &list.branches[i].id);
            view__add_line(ui, "on another branch, which is shown now; /undo goes back");
            break;
        }
    }
    branch_list_release(&list);
}

/* `query`: what is marked there. */
static void land(struct ui *ui, const struct ulid *session, const struct ulid *id, struct sv query)
{
    struct message *message = NULL;
    struct err err;
    if (!sessions__open(ui, session)) {
        return;
    }
    transcript_mark(ui->transcript, search_marker_new(query));
    if (!ulid_is_set(id)) {
        return;
    }
    if (message_snapshot(ui->options->store, id, &message, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
        return;
    }
    ui->go_to = *id;
    ui->landed = true;
    ui->go_to_seq = message->seq;
    ui->stays = true;
    find_branch(ui, message);
    if (ui->plain) {
        plain__message(ui, message);
    }
    if (stands_on(ui, &(struct ulid){""}, message)) {
        events__reload(ui, session);
    }
    message_free(message);
}

/* ---- the lists ---- */

static struct sv next_word(struct sv *rest)
{
    struct sv word = sv_take(*rest, sv_find(*rest, ' '));
    *rest = sv_skip(*rest, word.n + 1);
    return word;
}

/* "SESSION MESSAGE QUERY", of which the message may be empty; or the session alone. */
static void choose_hit(void *ctx, const struct choice *choice)
{
    struct sv query = sv_from(choice->value);
    struct ulid session;
    struct ulid message = {""};
    if (ulid_parse(next_word(&query), &session)) {
        (void)ulid_parse(next_word(&query), &message);
        land(ctx, &session, &message, query);
    }
}

void find__choose(struct ui *ui, const struct choice *choice)
{
    choose_hit(ui, choice);
}

void find__append_value(const struct ui *ui, const struct search_hit *hit, struct buf *out)
{
    buf_appendf(out, "%s %s %s", hit->session.text, hit->message.text, ui->find->text);
}

/* At most LEAD_BYTES before the first word that was found, from the beginning of a word. */
static struct sv from_match(const struct search_hit *hit)
{
    struct sv text = sv_from(hit->snippet);
    size_t match = hit->span_count ? hit->spans[0].first : 0;
    size_t from = 0;
    if (match > LEAD_BYTES) {
        from = utf8_cut(text.p, text.n, match - LEAD_BYTES);
        struct sv lead = sv_of(text.p + from, match - from);
        size_t blank = sv_find(lead, ' ');
        from += blank < lead.n ? blank + 1 : 0;
    }
    return sv_skip(text, from);
}

/* One line of what was found, from a bit before the first word that was looked for: that is seen
 * also where there is room for little. */
void find__append_snippet(const struct search_hit *hit, struct buf *out)
{
    struct sv text = from_match(hit);
    bool cut = hit->cut_before || text.p != hit->snippet;
    bool blank = true;
    buf_append_sv(out, cut ? width_glyph(SV("…"), SV("...")) : SV(""));
    for (size_t i = 0; i < text.n; i++) {
        bool is_blank = text.p[i] == ' ' || text.p[i] == '\n' || text.p[i] == '\t';
        if (!is_blank || !blank) {
            buf_append_byte(out, is_blank ? ' ' : text.p[i]);
        }
        blank = is_blank;
    }
}

static void add_hit(const struct ui *ui, const struct search_hit *hit, bool everywhere,
                    struct choices *choices)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf note = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf value = BUF_INIT(BUF_MAX_INTERNAL);
    find__append_snippet(hit, &text);
    buf_append_str(&note, search_place_text(hit->place));
    if (everywhere) {
        buf_appendf(&note, " in '%s'", hit->title[0] ? hit->title : hit->handle);
    }
    buf_append_str(&note, ", ");
    sessions__append_age(hit->at_us, &note);
    find__append_value(ui, hit, &value);
    choices_add(choices, buf_sv(&text), buf_cstr(&note), buf_cstr(&value));
    buf_release(&text);
    buf_release(&note);
    buf_release(&value);
}

static void load_hits(struct ui *ui, const struct ulid *session, struct sv filter,
                      struct choices *choices)
{
    const struct search_result *result = find__in(ui, session, filter);
    for (size_t i = 0; i < result->count; i++) {
        add_hit(ui, &result->hits[i], !ulid_is_set(session), choices);
    }
}

static void load_everywhere(void *ctx, struct sv filter, struct choices *choices)
{
    load_hits(ctx, &(struct ulid){""}, filter, choices);
}

static void load_here(void *ctx, struct sv filter, struct choices *choices)
{
    struct ui *ui = ctx;
    if (ulid_is_set(&ui->session)) {
        load_hits(ui, &ui->session, filter, choices);
    }
}

static const char *why_no_hit(void *ctx, struct sv filter)
{
    const struct ui *ui = ctx;
    if (sv_trim(filter).n == 0) {
        return "type words; \"words in quotes\" stand beside each other, -word must not be there";
    }
    return find__is_busy(ui)              ? "searching"
           : ui->find->result.wordless    ? "there is no word in it to look for"
           : ui->find->result.pending > 0 ? "nothing yet, but not all has been read for the search"
                                          : "nothing found: whole words are looked for, and what "
                                            "the last one begins";
}

static void preview_hit(void *ctx, const struct choice *choice, struct buf *out)
{
    (void)ctx;
    buf_append_str(out, choice->note ? choice->note : "");
}

const struct picker_kind picker_of_everywhere = {
    .title = "Search in all sessions",
    .why_empty = why_no_hit,
    .marker = find__marker,
    .verb = "goes there",
    .by_search = true,
    .by_words = true,
    .text_first = true,
    .load = load_everywhere,
    .choose = choose_hit,
    .preview = preview_hit,
};

const struct picker_kind picker_of_here = {
    .title = "Search in this session",
    .why_empty = why_no_hit,
    .marker = find__marker,
    .verb = "goes there",
    .by_search = true,
    .by_words = true,
    .text_first = true,
    .load = load_here,
    .choose = choose_hit,
    .preview = preview_hit,
};
