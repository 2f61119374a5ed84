/* Names that look like files: what is known of endings, and what stands in the folder. */
#include "app/chat_missing.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/nearest.h"

#define PUNCTUATION ".,;:!?)]}'"
/* Bytes that names of files have nearly never, and code has. */
#define OF_CODE "()[]{}<>=\"'`;|&*?$@"
#define NAMES_MAX 3u
#define LOOKED_AT_MAX 64u
#define ENTRIES_MAX 4096u
#define NAME_MAX_BYTES ((size_t)1 << 10)
#define TOLD_MAX ((size_t)16 << 10)
/* Shorter words are near to too much. */
#define EQUAL_FROM 3u
#define NEAR_FROM 4u

/* Endings of what people show to a model. Others count where a file beside it has them: "@a.b" may
 * be somebody. */
static const char *const endings[] = {
    "asm", "bash", "bat",   "bib",  "c",     "cc",   "cfg",  "conf", "cpp", "cs",   "css",
    "csv", "dart", "diff",  "doc",  "ex",    "exs",  "fish", "gif",  "go",  "gz",   "h",
    "hpp", "hs",   "html",  "ini",  "ipynb", "java", "jpeg", "jpg",  "js",  "json", "jsonl",
    "jsx", "kt",   "log",   "lua",  "md",    "mk",   "ml",   "mp3",  "mp4", "odt",  "patch",
    "pdf", "php",  "pl",    "png",  "ps1",   "py",   "r",    "rb",   "rs",  "rst",  "sh",
    "sql", "svg",  "swift", "tar",  "tex",   "toml", "ts",   "tsv",  "tsx", "txt",  "vue",
    "wav", "webp", "xls",   "xlsx", "xml",   "yaml", "yml",  "zig",  "zip", "zsh",  NULL};

char *chat_path_of(struct sv name)
{
    const char *home = getenv("HOME");
    if (sv_starts_with(name, SV("~/")) && home) {
        return xasprintf("%s/%.*s", home, SV_ARG(sv_skip(name, 2)));
    }
    /* "-" alone would be stdin. */
    return sv_equal_str(name, "-") ? xstrdup("./-") : xstrndup(name.p, name.n);
}

struct sv chat_name_without_mark(struct sv name)
{
    bool marked = name.n > 1 && strchr(PUNCTUATION, name.p[name.n - 1]);
    return sv_take(name, marked ? name.n - 1 : 0);
}

/* Where the last byte of that kind is; name.n: it is nowhere. */
static size_t last(struct sv name, char byte)
{
    size_t at = name.n;
    for (size_t i = 0; i < name.n; i++) {
        at = name.p[i] == byte ? i : at;
    }
    return at;
}

/* Behind its last dot; empty: there is none. What begins with its only dot is hidden, and has no
 * ending. */
static struct sv ending_of(struct sv name)
{
    size_t dot = last(name, '.');
    return dot > 0 ? sv_skip(name, dot + 1) : SV("");
}

static bool is_known(struct sv ending)
{
    for (size_t i = 0; endings[i]; i++) {
        if (sv_equal_nocase(ending, sv_from(endings[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_of_code(struct sv name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (strchr(OF_CODE, name.p[i])) {
            return true;
        }
    }
    return sv_find_sv(name, SV("://")) < name.n;
}

/* ---- what is there ---- */

struct look {
    struct sv word;  /* what is looked for in the folder */
    bool is_certain; /* it is meant as a file: what is less near counts, too */
    bool has_ending; /* a file here ends as it does */
    size_t distance; /* of the nearest; SIZE_MAX: none is near */
    char *nearest;   /* or NULL */
};

static struct sv stem_of(struct sv name)
{
    size_t dot = last(name, '.');
    return dot > 0 ? sv_take(name, dot) : name;
}

static size_t most_of(const struct look *look)
{
    if (look->is_certain) {
        return (look->word.n + 1) / 3;
    }
    return look->word.n >= NEAR_FROM;
}

/* How far the word is from the entry, or from what that is without its ending. */
static size_t distance_to(const struct look *look, struct sv entry)
{
    struct sv stem = stem_of(entry);
    bool bare = ending_of(look->word).n == 0;
    if (look->word.n < EQUAL_FROM) {
        return SIZE_MAX;
    }
    if (sv_equal_nocase(look->word, entry) || (bare && sv_equal_nocase(look->word, stem))) {
        return 0;
    }
    size_t whole = nearest_distance(look->word, entry);
    size_t part = bare ? nearest_distance(look->word, stem) : whole;
    size_t distance = part < whole ? part : whole;
    return distance <= most_of(look) && distance < look->word.n ? distance : SIZE_MAX;
}

static void take_entry(struct look *look, struct sv entry)
{
    struct sv ending = ending_of(look->word);
    bool hidden = sv_starts_with(entry, SV("."));
    if (hidden && !sv_starts_with(look->word, SV("."))) {
        return;
    }
    look->has_ending = look->has_ending || (ending.n && sv_equal_nocase(ending, ending_of(entry)));
    size_t distance = distance_to(look, entry);
    if (distance < look->distance) {
        free(look->nearest);
        look->nearest = xstrndup(entry.p, entry.n);
        look->distance = distance;
    }
}

static void look_in(struct look *look, const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    for (unsigned i = 0; dir && i < ENTRIES_MAX && (entry = readdir(dir)); i++) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            take_entry(look, sv_from(entry->d_name));
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* ---- one name ---- */

/* With a slash behind it where it is a folder, as it has to be written; NULL: it is neither that
 * nor a file. */
static char *as_written(struct sv name)
{
    struct stat info;
    char *path = chat_path_of(name);
    bool there = stat(path, &info) == 0;
    free(path);
    if (!there || !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) {
        return NULL;
    }
    bool slash = S_ISDIR(info.st_mode) && !sv_ends_with(name, SV("/"));
    return xasprintf("%.*s%s", SV_ARG(name), slash ? "/" : "");
}

/* Where its first part begins that is not there, or that is its last. */
static size_t missing_part(struct sv name)
{
    size_t begin = 0;
    size_t end = sv_find(name, '/');
    while (end < name.n) {
        char *found = end > begin ? as_written(sv_take(name, end)) : xstrdup("");
        free(found);
        if (!found) {
            break;
        }
        begin = end + 1;
        end = begin + sv_find(sv_skip(name, begin), '/');
    }
    return begin;
}

/* `*ret_like`: what is there and called nearly so, for free(); or NULL. */
static struct look look_for(struct sv name, char **ret_like)
{
    size_t begin = missing_part(name);
    struct sv before = sv_take(name, begin);
    struct sv part = sv_take(sv_skip(name, begin), sv_find(sv_skip(name, begin), '/'));
    struct look look = {.word = part,
                        .is_certain = sv_find(name, '/') < name.n || is_known(ending_of(name)),
                        .distance = SIZE_MAX};
    char *folder = begin ? chat_path_of(before) : xstrdup(".");
    look_in(&look, folder);
    char *like = xasprintf("%.*s%s%.*s", SV_ARG(before), look.nearest ? look.nearest : "",
                           SV_ARG(sv_skip(name, begin + part.n)));
    *ret_like = look.nearest ? as_written(sv_from(like)) : NULL;
    free(like);
    free(folder);
    free(look.nearest);
    look.nearest = NULL;
    return look;
}

/* Takes what it is like. */
static void tell(struct chat_missing *missing, struct sv name, char *like)
{
    char *quoted = xasprintf("'%.*s'", SV_ARG(name));
    bool repeated = sv_find_sv(buf_sv(&missing->names), sv_from(quoted)) < missing->names.n;
    if (!repeated && missing->count < NAMES_MAX) {
        buf_appendf(&missing->names, "%s%s", missing->count ? ", " : "", quoted);
    }
    if (!repeated && missing->count < NAMES_MAX && like) {
        bool blank = sv_find(sv_from(like), ' ') < strlen(like);
        buf_appendf(&missing->names, blank ? " (did you mean @\"%s\"?)" : " (did you mean @%s?)",
                    like);
    }
    missing->count += !repeated;
    free(quoted);
    free(like);
}

void chat_missing_note(struct chat_missing *missing, struct sv name)
{
    char *like;
    struct sv shorter;
    while ((shorter = chat_name_without_mark(name)).n) {
        name = shorter;
    }
    if (is_of_code(name) || name.n > NAME_MAX_BYTES || missing->looked_at == LOOKED_AT_MAX) {
        return;
    }
    missing->looked_at++;
    struct look look = look_for(name, &like);
    if (look.word.n && (look.is_certain || look.has_ending || like)) {
        tell(missing, name, like);
        like = NULL;
    }
    free(like);
}

void chat_missing_init(struct chat_missing *missing)
{
    *missing = (struct chat_missing){.names = BUF_INIT(TOLD_MAX)};
}

void chat_missing_release(struct chat_missing *missing)
{
    buf_release(&missing->names);
}

char *chat_missing_text(const struct chat_missing *missing)
{
    if (missing->count == 0) {
        return NULL;
    }
    char *more = missing->count > NAMES_MAX ? xasprintf(" and %zu more", missing->count - NAMES_MAX)
                                            : xstrdup("");
    char *text = xasprintf("not attached: there is no file %s%s; sent as text",
                           buf_cstr(&missing->names), more);
    free(more);
    return text;
}
