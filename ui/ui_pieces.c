/*
 * What a message that was chosen is made of, as lists: its lines, its blocks of code, its links.
 * One is chosen and taken out (ui_take.c), as its source.
 *
 * The text is read anew for each step: what is in a list is a number or a link, not the piece.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ui/copy.h"
#include "ui/ui_internal.h"

/* Of the message that the list is about. Never NULL: "" where it cannot be read, which was said. */
static char *text_of(struct ui *ui)
{
    char *text = select__text_of(ui, &ui->about_message);
    return text ? text : xstrdup("");
}

static void open_list(struct ui *ui, const struct transcript_message *at,
                      const struct picker_kind *kind)
{
    ui->about_message = at->id;
    pickers__open(ui, kind);
}

static uint64_t number_of(const struct choice *choice)
{
    uint64_t number = 0;
    (void)sv_to_u64(sv_from(choice->value), &number);
    return number;
}

static void add_numbered(struct choices *choices, struct sv text, const char *note, size_t number)
{
    char *value = xasprintf("%zu", number);
    choices_add(choices, text, note, value);
    free(value);
}

/* ---- lines ---- */

static struct sv next_line(struct sv *rest)
{
    struct sv line = sv_take(*rest, sv_find(*rest, '\n'));
    *rest = sv_skip(*rest, line.n + 1);
    return line;
}

static void load_lines(void *ctx, struct sv filter, struct choices *choices)
{
    char *text = text_of(ctx);
    struct sv rest = sv_from(text);
    (void)filter;
    for (size_t number = 1; rest.n; number++) {
        add_numbered(choices, next_line(&rest), NULL, number);
    }
    free(text);
}

/* From one line to another, with what is between them, without the end of the last. */
static void copy_lines(struct ui *ui, uint64_t first, uint64_t last)
{
    char *text = text_of(ui);
    struct sv rest = sv_from(text);
    for (uint64_t number = 1; number < first; number++) {
        (void)next_line(&rest);
    }
    const char *begin = rest.p;
    struct sv line = next_line(&rest);
    for (uint64_t number = first; number < last; number++) {
        line = next_line(&rest);
    }
    char *what = first == last ? xasprintf("line %llu", (unsigned long long)first)
                               : xasprintf("lines %llu to %llu", (unsigned long long)first,
                                           (unsigned long long)last);
    take__to_clipboard(ui, sv_of(begin, (size_t)(line.p + line.n - begin)), what);
    free(what);
    free(text);
}

static void choose_line(void *ctx, const struct choice *choice)
{
    copy_lines(ctx, number_of(choice), number_of(choice));
}

static void choose_lines(void *ctx, const struct choice *first, const struct choice *last)
{
    copy_lines(ctx, number_of(first), number_of(last));
}

static bool key_mark(void *ctx, const struct choice *choice)
{
    const struct ui *ui = ctx;
    (void)choice;
    picker_mark(ui->picker);
    return false;
}

static void preview_line(void *ctx, const struct choice *choice, struct buf *out)
{
    const struct ui *ui = ctx;
    size_t first = 0;
    size_t last = 0;
    if (picker_range(ui->picker, &first, &last)) {
        buf_appendf(out, "%zu lines", last - first + 1);
    } else {
        buf_appendf(out, "line %s; Shift-Up and Shift-Down take more, or M-m where they begin",
                    choice->value);
    }
}

static const struct picker_key line_keys[] = {{"M-m", "marks", key_mark}, {.key = NULL}};

static const struct picker_kind picker_of_lines = {
    .title = "Lines of this message",
    .empty = "it has no text",
    .verb = "copies",
    .text_first = true,
    .load = load_lines,
    .choose = choose_line,
    .choose_range = choose_lines,
    .preview = preview_line,
    .keys = line_keys,
};

void pieces__lines(struct ui *ui, const struct transcript_message *at)
{
    open_list(ui, at, &picker_of_lines);
}

/* ---- blocks of code ---- */

static size_t count_lines(struct sv text)
{
    size_t count = 0;
    while (text.n) {
        (void)next_line(&text);
        count++;
    }
    return count;
}

static void load_blocks(void *ctx, struct sv filter, struct choices *choices)
{
    char *text = text_of(ctx);
    struct sv rest = sv_from(text);
    struct buf block = BUF_INIT(BUF_MAX_INTERNAL);
    (void)filter;
    for (size_t number = 1; copy_code_next(&rest, &block); number++) {
        size_t lines = count_lines(buf_sv(&block));
        char *note = xasprintf("%zu %s", lines, lines == 1 ? "line" : "lines");
        struct sv begin = sv_trim(buf_sv(&block));
        add_numbered(choices, sv_take(begin, sv_find(begin, '\n')), note, number);
        free(note);
        buf_clear(&block);
    }
    buf_release(&block);
    free(text);
}

static void choose_block(void *ctx, const struct choice *choice)
{
    char *text = text_of(ctx);
    take__copy_block(ctx, sv_from(text), sv_from(choice->value));
    free(text);
}

/* "N FILE", of which the number is there already. */
static void load_file(void *ctx, struct sv filter, struct choices *choices)
{
    struct sv name = sv_trim(filter);
    (void)ctx;
    if (sv_find(name, ' ') < name.n) {
        char *value = xstrndup(name.p, name.n);
        choices_add(choices, name, NULL, value);
        free(value);
    }
}

static void choose_file(void *ctx, const struct choice *choice)
{
    char *text = text_of(ctx);
    take__save_block(ctx, sv_from(text), sv_from(choice->value));
    free(text);
}

static const struct picker_kind picker_of_blocks;

static const struct picker_kind picker_of_block_file = {
    .title = "Block and file",
    .empty = "the number of the block, a blank, the name of a file",
    .asks = true,
    .verb = "writes it",
    .by_search = true,
    .load = load_file,
    .choose = choose_file,
    .back = &picker_of_blocks,
};

static bool key_save(void *ctx, const struct choice *choice)
{
    if (choice->value) {
        char *begun = xasprintf("%s ", choice->value);
        pickers__open_next(ctx, &picker_of_block_file, sv_from(begun));
        free(begun);
    }
    return false;
}

static const struct picker_key block_keys[] = {{"M-s", "saves", key_save}, {.key = NULL}};

static const struct picker_kind picker_of_blocks = {
    .title = "Blocks of code",
    .empty = "there is none in it",
    .verb = "copies",
    .load = load_blocks,
    .choose = choose_block,
    .keys = block_keys,
};

void pieces__blocks(struct ui *ui, const struct transcript_message *at)
{
    open_list(ui, at, &picker_of_blocks);
}

/* ---- links ---- */

static void load_links(void *ctx, struct sv filter, struct choices *choices)
{
    char *text = text_of(ctx);
    (void)filter;
    take__load_links(sv_from(text), choices);
    free(text);
}

static void choose_link(void *ctx, const struct choice *choice)
{
    take__open_link(ctx, choice->value);
}

static const struct picker_kind picker_of_message_links = {
    .title = "Links of this message",
    .empty = "it has no link",
    .verb = "opens",
    .load = load_links,
    .choose = choose_link,
};

void pieces__links(struct ui *ui, const struct transcript_message *at)
{
    open_list(ui, at, &picker_of_message_links);
}
