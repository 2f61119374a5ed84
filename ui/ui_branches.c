/*
 * Branches on the screen: which one is shown, who else stands at the place of a message, switching
 * between them.
 *
 * Only messages right behind a place where something branches off have siblings, so of all others
 * nothing is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/branch.h"
#include "store/history.h"
#include "ui/ui_internal.h"

#define PREVIEW_LOOK 2u
#define PREVIEW_BYTES ((size_t)200)

static bool reads(const struct ui *ui, struct branch_list *list)
{
    return ulid_is_set(&ui->session) &&
           branch_list(ui->options->store, &ui->session, list, NULL) == ERR_OK;
}

/* Takes over what is needed of the list. */
static void note(struct ui *ui, const struct branch_list *list)
{
    ui->fork_count = 0;
    ui->branch_count = list->count;
    ui->forks = xrealloc(ui->forks, (list->count + 1) * sizeof(ui->forks[0]));
    for (size_t i = 0; i < list->count; i++) {
        const struct branch *branch = &list->branches[i];
        if (ulid_is_set(&branch->parent)) {
            ui->forks[ui->fork_count++] = branch->fork_seq;
        }
        if (branch->current) {
            ui->branch = branch->id;
        }
    }
}

static bool may_have_siblings(const struct ui *ui, int64_t seq)
{
    for (size_t i = 0; i < ui->fork_count; i++) {
        if (ui->forks[i] == seq - 1) {
            return true;
        }
    }
    return false;
}

static void mark(void *ctx, const struct ulid *message, int64_t seq)
{
    struct ui *ui = ctx;
    struct sibling_list list = {NULL, 0, 0};
    if (may_have_siblings(ui, seq) &&
        branch_siblings(ui->options->store, message, &list, NULL) == ERR_OK) {
        transcript_set_siblings(ui->transcript, message, list.at, list.count);
        sibling_list_release(&list);
    }
}

void branches__mark(struct ui *ui)
{
    if (ui->fork_count) {
        transcript_each(ui->transcript, mark, ui);
    }
}

void branches__load(struct ui *ui)
{
    struct branch_list list = {NULL, 0};
    ui->branch = (struct ulid){""};
    ui->fork_count = 0;
    ui->branch_count = 0;
    if (reads(ui, &list)) {
        note(ui, &list);
        branch_list_release(&list);
    }
}

bool branches__changed(struct ui *ui)
{
    struct branch_list list = {NULL, 0};
    struct ulid before = ui->branch;
    size_t count = ui->branch_count;
    if (!reads(ui, &list)) {
        return false;
    }
    note(ui, &list);
    branch_list_release(&list);
    if (count != ui->branch_count) {
        branches__mark(ui);
    }
    return !ulid_equal(&before, &ui->branch);
}

/* ---- switching ---- */

static enum err_code run_switch(struct task *task, struct store *store)
{
    return branch_switch(store, &task->session, &task->at, NULL, &task->err);
}

/* What is seen of it comes by the session's update, as for every other process. */
static void after_switch(struct ui *ui, struct task *task)
{
    events__refresh(ui, &task->session);
}

static const struct task_kind switching = {run_switch, after_switch, NULL};

void branches__switch(struct ui *ui, const struct transcript_message *at, int step)
{
    struct sibling_list list = {NULL, 0, 0};
    if (branch_siblings(ui->options->store, &at->id, &list, NULL)) {
        return;
    }
    size_t to = step < 0 ? list.at - 1 : list.at + 1;
    bool there = step < 0 ? list.at > 0 : to < list.count;
    if (there) {
        ui->go_to = list.siblings[to].message;
        ui->landed = false;
        ui->go_to_seq = at->seq;
        branches__go(ui, &list.siblings[to].branch);
    } else {
        view__line(ui, LINE_INFO,
                   list.count > 1 ? "there is no other one on that side"
                                  : "nothing else stands in its place");
    }
    sibling_list_release(&list);
}

static enum err_code run_fork(struct task *task, struct store *store)
{
    struct ulid branch;
    return branch_fork(store, &task->at, sv_from(task->text), &branch, &task->err);
}

static void after_fork(struct ui *ui, struct task *task)
{
    events__refresh(ui, &task->session);
    view__line(ui, LINE_INFO,
               "a new branch; what you write goes on from here (/branches lists all)");
}

static const struct task_kind forking = {run_fork, after_fork, NULL};

void branches__go(struct ui *ui, const struct ulid *branch)
{
    struct task *task = work__task(&switching, SV(""));
    task->session = ui->session;
    task->at = *branch;
    work__ask(ui, task);
}

void branches__fork(struct ui *ui, const struct ulid *message, struct sv name)
{
    struct task *task = work__task(&forking, name);
    task->session = ui->session;
    task->at = *message;
    work__ask(ui, task);
}

/* ---- the list, as a tree ---- */

static size_t index_of(const struct branch_list *list, const struct ulid *id)
{
    size_t i = 0;
    while (i < list->count && !ulid_equal(&list->branches[i].id, id)) {
        i++;
    }
    return i;
}

static size_t depth_of(const struct branch_list *list, size_t at)
{
    size_t depth = 0;
    while (at < list->count && ulid_is_set(&list->branches[at].parent) && depth < list->count) {
        at = index_of(list, &list->branches[at].parent);
        depth++;
    }
    return depth;
}

static const char *word_for(const struct branch *branch)
{
    if (branch->name) {
        return branch->name;
    }
    if (strcmp(branch->reason, "edit") == 0) {
        return "another prompt";
    }
    if (strcmp(branch->reason, "again") == 0) {
        return "another answer";
    }
    return ulid_is_set(&branch->parent) ? "fork" : "beginning";
}

static void add_branch(const struct branch_list *list, size_t at, struct choices *choices)
{
    const struct branch *branch = &list->branches[at];
    size_t depth = depth_of(list, at);
    int indent = (int)(depth < 20 ? depth : 20) * 2;
    char *text = xasprintf("%*s%s%s", indent, "", branch->current ? "* " : "", word_for(branch));
    char *note = xasprintf("from message %lld, %lld of its own", (long long)branch->fork_seq,
                           (long long)(branch->last_seq - branch->fork_seq));
    choices->start = branch->current ? choices->count : choices->start;
    choices_add(choices, sv_from(text), note, branch->id.text);
    free(text);
    free(note);
}

/* Children stand below their parent, older ones first. */
static void add_below(const struct branch_list *list, size_t at, bool *seen,
                      struct choices *choices)
{
    size_t *stack = xcalloc(list->count + 1, sizeof(*stack));
    size_t n = 0;
    stack[n++] = at;
    while (n) {
        size_t now = stack[--n];
        seen[now] = true;
        add_branch(list, now, choices);
        for (size_t i = list->count; i > 0; i--) {
            if (!seen[i - 1] &&
                ulid_equal(&list->branches[i - 1].parent, &list->branches[now].id)) {
                stack[n++] = i - 1;
            }
        }
    }
    free(stack);
}

static void load_branches(void *ctx, struct sv filter, struct choices *choices)
{
    struct ui *ui = ctx;
    struct branch_list list = {NULL, 0};
    (void)filter;
    if (!reads(ui, &list)) {
        return;
    }
    bool *seen = xcalloc(list.count + 1, sizeof(*seen));
    for (size_t i = 0; i < list.count; i++) {
        if (!seen[i] && !ulid_is_set(&list.branches[i].parent)) {
            add_below(&list, i, seen, choices);
        }
    }
    free(seen);
    branch_list_release(&list);
}

static void choose_branch(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    struct ulid branch;
    if (ulid_parse(sv_from(choice->value), &branch)) {
        branches__go(ui, &branch);
    }
}

/* How the branch ends. */
static void preview_branch(void *ctx, const struct choice *choice, struct buf *out)
{
    struct ui *ui = ctx;
    struct history_query query = {.session = ui->session, .limit = PREVIEW_LOOK};
    struct history_lines lines = {0};
    if (!ulid_parse(sv_from(choice->value), &query.branch) ||
        history_lines(ui->options->store, &query, &lines, NULL)) {
        return;
    }
    for (size_t i = 0; i < lines.count; i++) {
        struct sv line = sv_trim(sv_from(lines.lines[i].text));
        line = sv_take(line, sv_find(line, '\n'));
        buf_append_str(out, lines.lines[i].role == ROLE_USER ? "You: " : "  Answer: ");
        buf_append_sv(out, sv_take(line, utf8_cut(line.p, line.n, PREVIEW_BYTES)));
    }
    history_lines_release(&lines);
}

const struct picker_kind picker_of_branches = {
    .title = "Branches",
    .empty = "there are no branches yet",
    .verb = "goes there",
    .load = load_branches,
    .choose = choose_branch,
    .preview = preview_branch,
};
