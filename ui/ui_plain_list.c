/*
 * Lists as lines: numbered, and what a line does while one is open. It never does two things: a
 * number chooses, what begins with a slash narrows the list or is a command, an empty line leaves.
 * All else is kept until the list is left, since it may have been meant as a prompt.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/message_service.h"
#include "ui/ui_plain_internal.h"

#define LIST_MAX 40u
#define LINE_MAX_BYTES ((size_t)1 << 10)

static void write_entry(struct ui *ui, size_t at)
{
    const struct choice *choice = picker_entry(ui->picker, at);
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf line = BUF_INIT(LINE_MAX_BYTES);
    buf_appendf(&text, "%s%s%s", choice->text, choice->note ? "  " : "",
                choice->note ? choice->note : "");
    buf_appendf(&line, "%zu. ", at + 1);
    (void)safe_append(&line, sv_take(buf_sv(&text), utf8_cut(text.p, text.n, LINE_MAX_BYTES / 4)),
                      SAFE_ONE_LINE);
    plain__write(ui, buf_sv(&line));
    buf_release(&line);
    buf_release(&text);
}

static struct sv filter_of(const struct ui *ui)
{
    return sv_trim(editor_text(picker_editor(ui->picker)));
}

/* The line that is typed next is words to look for: there is nothing else to do with the list. */
static bool wants_words(const struct ui *ui)
{
    return picker_kind(ui->picker)->by_words && filter_of(ui).n == 0;
}

static size_t listed(const struct ui *ui)
{
    size_t count = picker_count(ui->picker);
    return count < LIST_MAX ? count : LIST_MAX;
}

/* What the next line does. */
static void say_how(struct ui *ui)
{
    struct buf how = BUF_INIT(BUF_MAX_INTERNAL);
    bool by_words = picker_kind(ui->picker)->by_words;
    if (wants_words(ui)) {
        buf_append_str(&how, "type the words to look for");
    } else {
        buf_append_str(&how, listed(ui) ? "a number chooses, " : "");
        buf_append_str(&how, by_words ? "/WORDS looks for others" : "/WORDS narrows the list");
        buf_append_str(&how, !by_words && filter_of(ui).n ? ", / alone shows all of it" : "");
    }
    buf_appendf(&how, ", an empty line leaves %s", by_words ? "the list" : "it");
    plain__line(ui, buf_cstr(&how));
    buf_release(&how);
}

static void write_title(struct ui *ui)
{
    struct sv filter = sv_take(filter_of(ui), LINE_MAX_BYTES / 4);
    struct buf line = BUF_INIT(LINE_MAX_BYTES);
    buf_appendf(&line, "%s (%zu)", picker_kind(ui->picker)->title, picker_count(ui->picker));
    if (filter.n) {
        buf_appendf(&line, ", with '%.*s'", SV_ARG(filter));
    }
    plain__write(ui, buf_sv(&line));
    buf_release(&line);
}

/* There is nothing that a line could do with it: it cannot be chosen from, or is empty. */
static bool is_read_only(const struct ui *ui)
{
    bool empty = picker_count(ui->picker) == 0 && filter_of(ui).n == 0 && !wants_words(ui);
    return !picker_kind(ui->picker)->choose || empty;
}

void plain__list(struct ui *ui)
{
    size_t count = picker_count(ui->picker);
    if (find__is_busy(ui)) {
        return; /* it is shown when what was looked for is there */
    }
    write_title(ui);
    for (size_t i = 0; i < listed(ui); i++) {
        write_entry(ui, i);
    }
    if (count > LIST_MAX) {
        char *more = xasprintf("and %zu more", count - LIST_MAX);
        plain__write(ui, sv_from(more));
        free(more);
    }
    if (count == 0 && !wants_words(ui)) {
        plain__write(ui, sv_from(picker_why_empty(ui->picker)));
    }
    if (is_read_only(ui)) {
        pickers__close(ui);
    } else {
        say_how(ui);
    }
}

const char *plain__list_mark(const struct ui *ui)
{
    return wants_words(ui) ? "words> " : "list> ";
}

/* ---- what is typed ---- */

static void keep_unsent(struct plain *plain, struct sv text)
{
    free(plain->unsent);
    plain->unsent = text.n ? xstrndup(text.p, text.n) : NULL;
}

/* What was meant as a prompt is not lost, and not sent by itself. */
static void leave_list(struct ui *ui)
{
    struct plain *plain = ui->plain;
    pickers__close(ui);
    if (plain->unsent) {
        (void)editor_replace(ui->editor, sv_from(plain->unsent));
        keep_unsent(plain, SV(""));
    }
}

static void choose_number(struct ui *ui, uint64_t number)
{
    keep_unsent(ui->plain, SV(""));
    if (number == 0 || number > listed(ui)) {
        plain__line(ui, "there is no such number in the list");
        say_how(ui);
        return;
    }
    picker_select(ui->picker, (size_t)number - 1);
    pickers__choose(ui);
}

/* A number, a filter, a command: all else is nothing that a list could be asked. */
void plain__type_in_list(struct ui *ui, struct sv line)
{
    uint64_t number;
    struct sv text = sv_trim(line);
    bool slash = sv_starts_with(text, SV("/"));
    if (text.n == 0) {
        leave_list(ui);
    } else if (slash && commands__knows(ui, text)) {
        pickers__close(ui);
        plain__submit(ui, text);
    } else if (slash || wants_words(ui)) {
        keep_unsent(ui->plain, SV(""));
        pickers__open_with(ui, picker_kind(ui->picker), sv_trim(sv_skip(text, slash)));
    } else if (sv_to_u64(text, &number)) {
        choose_number(ui, number);
    } else {
        keep_unsent(ui->plain, line);
        plain__line(ui, "that is no number of the list, and nothing was sent");
        say_how(ui);
    }
}

/* ---- choosing a message ---- */

struct message_list {
    struct ui *ui;
    struct choices *choices;
};

static void add_message(void *ctx, const struct ulid *id, int64_t seq)
{
    const struct message_list *list = ctx;
    struct message *message;
    (void)seq;
    if (message_snapshot(list->ui->options->store, id, &message, NULL)) {
        return;
    }
    char *text = message_text(message, PART_TEXT);
    struct sv line = sv_trim(sv_from(text));
    choices_add(list->choices, sv_take(line, sv_find(line, '\n')),
                message->role == ROLE_USER ? "you" : "answer", id->text);
    free(text);
    message_free(message);
}

static void load_messages(void *ctx, struct sv filter, struct choices *choices)
{
    struct message_list list = {ctx, choices};
    (void)filter;
    transcript_each(list.ui->transcript, add_message, &list);
}

static void choose_message(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    struct ulid message;
    if (ulid_parse(sv_from(choice->value), &message) &&
        transcript_select(ui->transcript, &message)) {
        select__menu(ui);
    }
}

const struct picker_kind picker_of_messages = {
    .title = "Messages, the latest ones",
    .empty = "there is no message yet",
    .verb = "chooses it",
    .load = load_messages,
    .choose = choose_message,
};
