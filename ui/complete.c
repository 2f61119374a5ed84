/* Words, what fits them, and the list that shows it. */
#include "ui/complete.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"

#define FILES_MAX 5000u
#define PATH_BYTES_MAX ((size_t)4 << 10)

struct complete {
    complete_source_fn *source;
    void *ctx;
    struct complete_word word;
    char *typed;             /* the word as it stands there, or NULL */
    char *closed;            /* the one for which the user closed the list, or NULL */
    struct choices all;      /* of the word's kind, or of the folder */
    enum complete_kind kind; /* that `all` is of */
    char *folder;            /* that `all` is of, or NULL */
    struct choices shown;
    size_t selected, top;
    bool moved;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t';
}

static size_t word_start(struct sv text, size_t cursor)
{
    size_t at = cursor;
    while (at > 0 && !is_blank(text.p[at - 1])) {
        at--;
    }
    return at;
}

struct complete_word complete_word_at(struct sv text, size_t cursor)
{
    size_t from = word_start(text, cursor);
    struct sv word = sv_take(sv_skip(text, from), cursor - from);
    if (from == 0 && sv_starts_with(word, SV("/")) && !sv_starts_with(word, SV("//"))) {
        return (struct complete_word){COMPLETE_COMMAND, 0, cursor};
    }
    if (sv_starts_with(text, SV("/model ")) && from == 7) {
        return (struct complete_word){COMPLETE_MODEL, from, cursor};
    }
    if (sv_starts_with(word, SV("@"))) {
        return (struct complete_word){COMPLETE_FILE, from + 1, cursor};
    }
    return (struct complete_word){COMPLETE_NONE, cursor, cursor};
}

struct complete *complete_new(complete_source_fn *source, void *ctx)
{
    struct complete *complete = xcalloc(1, sizeof(*complete));
    complete->source = source;
    complete->ctx = ctx;
    return complete;
}

void complete_reset(struct complete *complete)
{
    choices_release(&complete->all);
    choices_release(&complete->shown);
    free(complete->folder);
    free(complete->closed);
    free(complete->typed);
    complete->folder = complete->closed = complete->typed = NULL;
    complete->kind = COMPLETE_NONE;
    complete->moved = false;
}

void complete_free(struct complete *complete)
{
    if (complete) {
        complete_reset(complete);
        free(complete);
    }
}

static bool is_text(struct sv name)
{
    for (size_t i = 0; i < name.n; i++) {
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7F || name.p[i] == '"') {
            return false;
        }
    }
    return name.n > 0 && utf8_valid_prefix(name.p, name.n) == name.n;
}

static char *path_of(struct sv folder)
{
    const char *home = getenv("HOME");
    if (folder.n == 0) {
        return xstrdup(".");
    }
    if (sv_starts_with(folder, SV("~/")) && home) {
        return xasprintf("%s/%.*s", home, SV_ARG(sv_skip(folder, 2)));
    }
    return xstrndup(folder.p, folder.n);
}

/* Names in the folder, each with the folder before it, folders with a slash behind. */
static void read_folder(struct complete *complete, struct sv folder)
{
    char *path = path_of(folder);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && complete->all.count < FILES_MAX && (entry = readdir(dir))) {
        struct sv name = sv_from(entry->d_name);
        if (!is_text(name) || sv_equal_str(name, ".") || sv_equal_str(name, "..")) {
            continue;
        }
        char *whole = xasprintf("%.*s%s%s", SV_ARG(folder), entry->d_name,
                                entry->d_type == DT_DIR ? "/" : "");
        choices_add(&complete->all, sv_from(whole), NULL, entry->d_name);
        free(whole);
    }
    if (dir) {
        closedir(dir);
    }
    free(path);
    choices_sort(&complete->all);
}

/* Up to and with the last slash. */
static struct sv folder_of(struct sv word)
{
    size_t n = word.n;
    while (n > 0 && word.p[n - 1] != '/') {
        n--;
    }
    return sv_take(word, n);
}

static void load_files(struct complete *complete, struct sv word)
{
    struct sv folder = folder_of(word);
    if (complete->kind == COMPLETE_FILE && sv_equal_str(folder, complete->folder)) {
        return;
    }
    free(complete->folder);
    complete->folder = xstrndup(folder.p ? folder.p : "", folder.n);
    choices_release(&complete->all);
    complete->kind = COMPLETE_FILE;
    if (folder.n < PATH_BYTES_MAX) {
        read_folder(complete, folder);
    }
}

static void load(struct complete *complete, struct sv word)
{
    enum complete_kind kind = complete->word.kind;
    if (kind == COMPLETE_FILE) {
        load_files(complete, word);
    } else if (complete->kind != kind) {
        choices_release(&complete->all);
        complete->kind = kind;
        complete->source(complete->ctx, kind, &complete->all);
    }
}

static bool fits(const struct complete *complete, const struct choice *choice, struct sv word)
{
    struct sv text = sv_from(choice->text);
    if (complete->word.kind == COMPLETE_MODEL) {
        return choice_matches(choice, word);
    }
    if (complete->word.kind == COMPLETE_FILE) {
        /* Hidden ones only where the dot was typed. */
        bool hidden = choice->value[0] == '.';
        bool dot = word.n > strlen(complete->folder) && word.p[strlen(complete->folder)] == '.';
        if (hidden && !dot) {
            return false;
        }
    }
    return text.n >= word.n && sv_equal_nocase(sv_take(text, word.n), word);
}

static void show_fitting(struct complete *complete, struct sv word)
{
    for (size_t i = 0; i < complete->all.count; i++) {
        const struct choice *choice = &complete->all.items[i];
        if (fits(complete, choice, word)) {
            choices_add(&complete->shown, sv_from(choice->text), choice->note, choice->value);
        }
    }
    bool done = complete->shown.count == 1 && sv_equal_str(word, complete->shown.items[0].text);
    if (done) {
        choices_release(&complete->shown);
    }
}

void complete_update(struct complete *complete, struct sv text, size_t cursor, bool asked)
{
    complete->word = complete_word_at(text, cursor);
    struct sv word = sv_take(sv_skip(text, complete->word.from), cursor - complete->word.from);
    choices_release(&complete->shown);
    complete->selected = complete->top = 0;
    complete->moved = false;
    free(complete->typed);
    complete->typed = xstrndup(word.p ? word.p : "", word.n);
    bool none = complete->word.kind == COMPLETE_NONE;
    if (!none && !asked && complete->closed && sv_equal_str(word, complete->closed)) {
        return;
    }
    free(complete->closed);
    complete->closed = NULL;
    if (none) {
        return;
    }
    load(complete, word);
    show_fitting(complete, word);
    complete->word.to = cursor;
}

void complete_close(struct complete *complete)
{
    if (complete->shown.count) {
        free(complete->closed);
        complete->closed = xstrdup(complete->typed);
        choices_release(&complete->shown);
    }
}

size_t complete_count(const struct complete *complete)
{
    return complete->shown.count;
}

void complete_select(struct complete *complete, int step)
{
    size_t count = complete->shown.count;
    if (count) {
        complete->selected = (complete->selected + count + (size_t)(step < 0 ? -1 : 1)) % count;
        complete->moved = true;
    }
}

const struct choice *complete_selected(const struct complete *complete,
                                       struct complete_word *ret_word, bool *ret_moved)
{
    if (complete->shown.count == 0) {
        return NULL;
    }
    *ret_word = complete->word;
    *ret_moved = complete->moved;
    return &complete->shown.items[complete->selected];
}

int complete_rows(const struct complete *complete)
{
    return complete->shown.count < COMPLETE_ROWS ? (int)complete->shown.count : COMPLETE_ROWS;
}

static int widest(const struct complete *complete, size_t end)
{
    size_t width = 0;
    for (size_t i = complete->top; i < end; i++) {
        size_t n = width_of(sv_from(complete->shown.items[i].text), 0);
        width = n > width ? n : width;
    }
    return (int)(width < 60 ? width : 60);
}

void complete_paint(struct complete *complete, struct grid *grid, int row, int rows, int column)
{
    size_t visible = rows > 0 ? (size_t)rows : 0;
    if (complete->selected < complete->top) {
        complete->top = complete->selected;
    } else if (complete->selected >= complete->top + visible) {
        complete->top = complete->selected - visible + 1;
    }
    size_t end = complete->top + visible;
    end = end < complete->shown.count ? end : complete->shown.count;
    int notes = column + widest(complete, end) + 2;
    for (size_t i = complete->top; i < end; i++) {
        const struct choice *choice = &complete->shown.items[i];
        int at = row + (int)(i - complete->top);
        bool selected = i == complete->selected;
        grid_text(grid, at, column, sv_from(choice->text), selected ? STYLE_PROMPT : STYLE_PLAIN);
        if (choice->note) {
            grid_text(grid, at, notes, sv_from(choice->note), STYLE_DIM);
        }
        if (selected) {
            grid_style_row(grid, at, STYLE_STATUS);
        }
    }
}
