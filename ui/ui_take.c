/*
 * What is taken out of the conversation: to the clipboard, into a file, to a browser. Always its
 * source, byte for byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/history.h"
#include "ui/child.h"
#include "ui/copy.h"
#include "ui/links.h"
#include "ui/ui_internal.h"

#define LOOK_BACK 16u
#define TOOL_US CLOCK_S(2)

static void hint(struct ui *ui, const char *text)
{
    view__line(ui, LINE_INFO, text);
}

/* The text of the latest answer, or NULL. It is for free(). */
static char *latest_answer(struct ui *ui)
{
    struct history_page page = {0};
    char *text = NULL;
    if (!ulid_is_set(&ui->session) ||
        history_before(ui->options->store, &ui->session, INT64_MAX, LOOK_BACK, &page, NULL)) {
        return NULL;
    }
    for (size_t i = page.count; i > 0 && !text; i--) {
        if (page.messages[i - 1]->role == ROLE_ASSISTANT) {
            text = message_text(page.messages[i - 1], PART_TEXT);
        }
    }
    history_page_release(&page);
    return text;
}

/* ---- the clipboard: the system's tool where there is one, else the terminal's ---- */

static const struct tool {
    const char *variable; /* that says that it would work; NULL: it does */
    const char *argv[5];
} tools[] = {
#ifdef __APPLE__
    {NULL, {"pbcopy"}},
#endif
    {"WAYLAND_DISPLAY", {"wl-copy"}},
    {"DISPLAY", {"xclip", "-selection", "clipboard"}},
    {"DISPLAY", {"xsel", "--clipboard", "--input"}},
};

static bool would_work(const struct tool *tool)
{
    const char *value = tool->variable ? getenv(tool->variable) : "yes";
    return value && value[0];
}

static enum err_code run_tool(struct task *task, struct store *store)
{
    enum err_code code = ERR_NOT_FOUND;
    (void)store;
    for (size_t i = 0; i < COUNT_OF(tools) && code; i++) {
        if (would_work(&tools[i])) {
            code = child_feed(tools[i].argv, sv_from(task->text), clock_mono_us() + TOOL_US,
                              &task->err);
        }
    }
    return code;
}

static void say_copied(struct ui *ui, const char *what, size_t bytes)
{
    char *said = xasprintf("copied: %s, %zu bytes", what, bytes);
    hint(ui, said);
    free(said);
}

static void after_tool(struct ui *ui, struct task *task)
{
    say_copied(ui, task->what, strlen(task->text));
}

static void by_terminal(struct ui *ui, struct task *task)
{
    struct buf sequence = BUF_INIT(2 * COPY_MAX);
    struct sv text = sv_from(task->text);
    if (ui->plain) {
        hint(ui, "there is no tool for a clipboard here: wl-copy, xclip, xsel or pbcopy");
        return;
    }
    copy_sequence(text, &sequence);
    if (file_write_all(STDOUT_FILENO, sequence.p, sequence.n) == 0) {
        say_copied(ui, task->what, text.n);
    }
    buf_release(&sequence);
}

static const struct task_kind copying = {run_tool, after_tool, by_terminal};

void take__to_clipboard(struct ui *ui, struct sv text, const char *what)
{
    if (text.n > COPY_MAX) {
        hint(ui, "too long for a clipboard; /export writes it to a file");
        return;
    }
    struct task *task = work__task(&copying, text);
    task->what = xstrdup(what);
    work__ask(ui, task);
}

/* "code" is the last block, "code 2" the second one. */
void take__copy_block(struct ui *ui, struct sv answer, struct sv operand)
{
    struct buf block = BUF_INIT(BUF_MAX_INTERNAL);
    size_t count = copy_code_count(answer);
    uint64_t number = count;
    struct sv which = sv_trim(operand);
    bool good = which.n == 0 || sv_to_u64(which, &number);
    if (count == 0) {
        hint(ui, "there is no code block in it");
    } else if (!good || number > count || !copy_code(answer, (size_t)number, &block)) {
        char *text = xasprintf("the last answer has %zu code %s; '/copy code N' copies one", count,
                               count == 1 ? "block" : "blocks");
        hint(ui, text);
        free(text);
    } else {
        char *what = xasprintf("code block %llu of %zu", (unsigned long long)number, count);
        take__to_clipboard(ui, buf_sv(&block), what);
        free(what);
    }
    buf_release(&block);
}

void take__copy(struct ui *ui, struct sv operand)
{
    char *answer = latest_answer(ui);
    bool code = sv_starts_with(operand, SV("code"));
    if (!answer || !answer[0]) {
        hint(ui, "there is no answer to copy yet");
    } else if (code) {
        take__copy_block(ui, sv_from(answer), sv_skip(operand, 4));
    } else if (operand.n == 0) {
        take__to_clipboard(ui, sv_from(answer), "the last answer");
    } else {
        hint(ui, "'/copy' copies the last answer, '/copy code' its last code block");
    }
    free(answer);
}

void take__copy_answer(struct ui *ui)
{
    take__copy(ui, SV(""));
}

/* ---- a file ---- */

static char *path_of(struct sv name)
{
    const char *home = getenv("HOME");
    return home && sv_starts_with(name, SV("~/"))
               ? xasprintf("%s/%.*s", home, SV_ARG(sv_skip(name, 2)))
               : xstrndup(name.p, name.n);
}

/* One that is there already is left alone. */
static void write_new(struct ui *ui, const char *path, struct sv text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int code = fd < 0 ? errno : file_write_all(fd, text.p, text.n);
    char *said = code ? xasprintf("cannot write '%s': %s", path, strerror(code))
                      : xasprintf("written to '%s', %zu bytes", path, text.n);
    if (fd >= 0) {
        close(fd);
    }
    view__line(ui, code ? LINE_PROBLEM : LINE_INFO, said);
    free(said);
}

/* "2 FILE" is the second block, "FILE" the last one. */
void take__save_block(struct ui *ui, struct sv answer, struct sv operand)
{
    struct buf block = BUF_INIT(BUF_MAX_INTERNAL);
    size_t count = copy_code_count(answer);
    uint64_t number = count;
    struct sv first = sv_take(operand, sv_find(operand, ' '));
    struct sv name = operand;
    if (first.n < operand.n && sv_to_u64(first, &number)) {
        name = sv_trim(sv_skip(operand, first.n));
    }
    if (count == 0) {
        hint(ui, "there is no code block in it");
    } else if (number > count || !copy_code(answer, (size_t)number, &block)) {
        char *text =
            xasprintf("the last answer has %zu code %s", count, count == 1 ? "block" : "blocks");
        hint(ui, text);
        free(text);
    } else {
        char *path = path_of(name);
        write_new(ui, path, buf_sv(&block));
        free(path);
    }
    buf_release(&block);
}

void take__save(struct ui *ui, struct sv operand)
{
    char *answer = latest_answer(ui);
    if (operand.n == 0) {
        hint(ui, "'/save FILE' writes the last code block, '/save N FILE' another one");
    } else if (!answer || !answer[0]) {
        hint(ui, "there is no answer to take it from yet");
    } else {
        take__save_block(ui, sv_from(answer), operand);
    }
    free(answer);
}

/* ---- links ---- */

void take__open_link(struct ui *ui, const char *link)
{
#ifdef __APPLE__
    const char *const argv[] = {"open", link, NULL};
#else
    const char *const argv[] = {"xdg-open", link, NULL};
#endif
    struct err err;
    char *said = NULL;
    if (child_detach(argv, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
    } else {
        said = xasprintf("opened: %s", link);
        hint(ui, said);
    }
    free(said);
}

void take__load_links(struct sv text, struct choices *choices)
{
    struct sv link;
    size_t at = 0;
    while (links_next(text, &at, &link)) {
        bool known = false;
        for (size_t i = 0; i < choices->count && !known; i++) {
            known = sv_equal_str(link, choices->items[i].text);
        }
        if (!known) {
            char *value = xstrndup(link.p, link.n);
            choices_add(choices, link, NULL, value);
            free(value);
        }
    }
}

static void load_links(void *ctx, struct sv filter, struct choices *choices)
{
    char *answer = latest_answer(ctx);
    (void)filter;
    take__load_links(sv_from(answer), choices);
    free(answer);
}

static void choose_link(void *ctx, const struct choice *choice)
{
    take__open_link(ctx, choice->value);
}

static const struct picker_kind picker_of_links = {
    .title = "Links of the last answer",
    .empty = "it has no link",
    .verb = "opens",
    .load = load_links,
    .choose = choose_link,
};

void take__open(struct ui *ui, struct sv operand)
{
    struct choices links = {.items = NULL};
    uint64_t number = 0;
    if (operand.n == 0) {
        pickers__open(ui, &picker_of_links);
        return;
    }
    load_links(ui, SV(""), &links);
    if (sv_to_u64(operand, &number) && number > 0 && number <= links.count) {
        take__open_link(ui, links.items[number - 1].value);
    } else {
        char *text = xasprintf("the last answer has %zu %s; '/open N' opens one", links.count,
                               links.count == 1 ? "link" : "links");
        hint(ui, text);
        free(text);
    }
    choices_release(&links);
}
