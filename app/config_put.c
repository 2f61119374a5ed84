/* Values of the config: each is checked by the kind of its key and put where the table says. */
#include <stdlib.h>
#include <string.h>

#include "app/config_chords.h"
#include "app/config_internal.h"
#include "app/money.h"
#include "app/provider.h"
#include "base/alloc.h"
#include "base/nearest.h"

bool config__is_printable(struct sv text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char byte = (unsigned char)text.p[i];
        if (byte < 0x20 || byte == 0x7F) {
            return false;
        }
    }
    return true;
}

/* A path that begins with ~/ gets the home folder; NULL: it is not absolute, or there is no home.
 */
static char *expanded_path(struct sv path)
{
    if (sv_starts_with(path, SV("/"))) {
        return xstrndup(path.p, path.n);
    }
    const char *home = getenv("HOME");
    if (!(sv_equal_str(path, "~") || sv_starts_with(path, SV("~/"))) || !home || home[0] != '/') {
        return NULL;
    }
    return xasprintf("%s%.*s", home, SV_ARG(sv_skip(path, 1)));
}

/* PROVIDER/MODEL, both of them there. */
bool config__is_model(struct sv text)
{
    size_t slash = sv_find(text, '/');
    return slash > 0 && slash + 1 < text.n && config__is_printable(text);
}

/* Models are looked at only when one is chosen; an error then names the line. */
static void note_line(struct config *config, char **home, unsigned line)
{
    if (home == &config->model) {
        config->model_line = line;
    }
    for (size_t i = 0; i < config->alias_count; i++) {
        if (home == &config->aliases[i].model) {
            config->aliases[i].line = line;
        }
    }
}

static enum err_code put_text(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TEXT) {
        return config__complain_type(loader, item, key->expected, err);
    }
    struct sv text = item->text;
    bool may_be_long = sv_ends_with(sv_from(key->path), SV("system"));
    bool may_be_empty = strcmp(key->path, "provider.*.proxy") == 0;
    bool good = may_be_long ? memchr(text.p, 0, text.n) == NULL
                            : (text.n || may_be_empty) && config__is_printable(text);
    char *value = NULL;
    if (good && key->kind == KEY_PATH) {
        value = expanded_path(text);
    } else if (good && !(key->kind == KEY_MODEL && !config__is_model(text))) {
        value = xstrndup(text.p, text.n);
    }
    if (!value) {
        return config__complain_value(loader, item, key->expected, err);
    }
    if (key->kind == KEY_URL) {
        for (size_t n = strlen(value); n > 1 && value[n - 1] == '/'; n--) {
            value[n - 1] = '\0';
        }
        const struct config_provider *entry = config__provider(loader, item->path[1], item->line);
        loader->lines[entry - loader->config->providers].url = item->line;
    }
    char **home = config__home(loader, key, item);
    free(*home);
    *home = value;
    note_line(loader->config, home, item->line);
    return ERR_OK;
}

static enum err_code put_type(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TEXT) {
        return config__complain_type(loader, item, key->expected, err);
    }
    struct nearest nearest = nearest_start(item->text);
    struct buf names = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_str(&names, "one of ");
    for (const struct provider_type *type = provider_types(); type->name; type++) {
        if (sv_equal_str(item->text, type->name)) {
            *(const struct provider_type **)config__home(loader, key, item) = type;
            buf_release(&names);
            return ERR_OK;
        }
        buf_appendf(&names, "%s'%s'", type == provider_types() ? "" : ", ", type->name);
        nearest_offer(&nearest, type->name);
    }
    if (nearest.best) {
        buf_appendf(&names, " (did you mean '%s'?)", nearest.best);
    }
    enum err_code code = config__complain_value(loader, item, buf_cstr(&names), err);
    buf_release(&names);
    return code;
}

static enum err_code put_number(struct loader *loader, const struct config_key *key,
                                const struct toml_item *item, struct err *err)
{
    bool whole = key->kind == KEY_MS;
    if (item->type != TOML_INTEGER && (whole || item->type != TOML_FLOAT)) {
        return config__complain_type(loader, item, key->expected, err);
    }
    /* Written so that NaN is refused too. */
    if (!(item->number >= key->min && item->number <= key->max)) {
        return config__complain_value(loader, item, key->expected, err);
    }
    double scale = whole ? 1e3 : 1e6;
    *(int64_t *)config__home(loader, key, item) = (int64_t)(item->number * scale + 0.5);
    return ERR_OK;
}

static enum err_code put_count(struct loader *loader, const struct config_key *key,
                               const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_INTEGER) {
        return config__complain_type(loader, item, key->expected, err);
    }
    if (!(item->number >= key->min && item->number <= key->max)) {
        return config__complain_value(loader, item, key->expected, err);
    }
    *(int64_t *)config__home(loader, key, item) = item->integer;
    return ERR_OK;
}

static enum err_code put_money(struct loader *loader, const struct config_key *key,
                               const struct toml_item *item, struct err *err)
{
    int64_t amount = 0;
    if (item->type != TOML_TEXT) {
        return config__complain_type(loader, item, key->expected, err);
    }
    if (!money_parse(item->text, MONEY_PLACES, &amount)) {
        return config__complain_value(loader, item, key->expected, err);
    }
    *(int64_t *)config__home(loader, key, item) = amount;
    return ERR_OK;
}

static enum err_code put_flag(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_BOOLEAN) {
        return config__complain_type(loader, item, key->expected, err);
    }
    *(bool *)config__home(loader, key, item) = item->boolean;
    return ERR_OK;
}

/* `expected` is: "ONE" or "OTHER". Gives which of them `text` is, from 0; 2: none. */
static size_t choice_of(const char *expected, struct sv text)
{
    struct sv rest = sv_from(expected);
    size_t choice = 0;
    while (choice < 2) {
        rest = sv_skip(rest, sv_find(rest, '"') + 1);
        size_t end = sv_find(rest, '"');
        if (sv_equal(sv_take(rest, end), text)) {
            break;
        }
        rest = sv_skip(rest, end + 1);
        choice++;
    }
    return choice;
}

static enum err_code put_choice(struct loader *loader, const struct config_key *key,
                                const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TEXT) {
        return config__complain_type(loader, item, key->expected, err);
    }
    size_t choice = choice_of(key->expected, item->text);
    if (choice > 1) {
        return config__complain_value(loader, item, key->expected, err);
    }
    *(bool *)config__home(loader, key, item) = choice == 1;
    return ERR_OK;
}

static enum err_code put_argv(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TEXTS) {
        return config__complain_type(loader, item, key->expected, err);
    }
    bool good = item->text_count > 0 && item->texts[0].n > 0;
    for (size_t i = 0; i < item->text_count; i++) {
        good = good && !memchr(item->texts[i].p, 0, item->texts[i].n);
    }
    if (!good) {
        return config__complain(loader, item, "is empty, or begins with an empty text", err);
    }
    char **argv = xcalloc(item->text_count + 1, sizeof *argv);
    for (size_t i = 0; i < item->text_count; i++) {
        argv[i] = xstrndup(item->texts[i].p, item->texts[i].n);
    }
    char ***home = config__home(loader, key, item);
    *home = argv;
    if (home == &loader->config->redact) {
        /* They are compiled only where they are used; an error then names the line. */
        loader->config->redact_line = item->line;
    }
    return ERR_OK;
}

static enum err_code put_json(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TABLE) {
        return config__complain_type(loader, item, key->expected, err);
    }
    struct buf json = BUF_INIT(CONFIG_MAX_BYTES * 8);
    if (!toml_append_json(item, &json)) {
        buf_release(&json);
        return config__complain(loader, item, "holds a date or a number that JSON has not", err);
    }
    *(char **)config__home(loader, key, item) = buf_detach(&json);
    return ERR_OK;
}

/* What is in a table that was taken as a whole. */
bool config__is_inside_json(const struct toml_item *item)
{
    for (size_t depth = 1; depth < item->depth; depth++) {
        const struct config_key *key = config_key_find(item->path, depth);
        if (key && key->kind == KEY_JSON) {
            return true;
        }
    }
    return false;
}

/* RFC 9110: a header's name is a token. */
static bool is_token(struct sv name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char byte = (unsigned char)name.p[i];
        if (byte <= 0x20 || byte >= 0x7F || strchr("()<>@,;:\\\"/[]?={}", byte)) {
            return false;
        }
    }
    return name.n > 0;
}

static bool has_header(char *const *headers, struct sv name)
{
    for (; headers && *headers; headers++) {
        struct sv header = sv_from(*headers);
        if (sv_equal_nocase(sv_take(header, sv_find(header, ':')), name)) {
            return true;
        }
    }
    return false;
}

static enum err_code put_header(struct loader *loader, const struct config_key *key,
                                const struct toml_item *item, struct err *err)
{
    struct sv name = item->path[item->depth - 1];
    if (item->type != TOML_TEXT) {
        return config__complain_type(loader, item, key->expected, err);
    }
    if (!is_token(name)) {
        return config__complain(loader, item, "is no name of an HTTP header", err);
    }
    if (sv_equal_nocase(name, SV("content-length")) ||
        sv_equal_nocase(name, SV("transfer-encoding"))) {
        return config__complain(loader, item, "says where the request ends, which weir knows", err);
    }
    if (!config__is_printable(item->text)) {
        /* Without the value: it may be a secret. */
        return config__complain(loader, item, "must be a text on one line", err);
    }
    char ***home = config__home(loader, key, item);
    if (has_header(*home, name)) {
        return config__complain(loader, item, "is there twice: case does not tell headers apart",
                                err);
    }
    size_t count = 0;
    while (*home && (*home)[count]) {
        count++;
    }
    *home = xrealloc(*home, (count + 2) * sizeof **home);
    (*home)[count] = xasprintf("%.*s: %.*s", SV_ARG(name), SV_ARG(item->text));
    (*home)[count + 1] = NULL;
    return ERR_OK;
}

static enum err_code put_chords(const struct loader *loader, const struct toml_item *item,
                                struct err *err)
{
    struct err why;
    if (config_bind(loader->config, item, &why)) {
        return config__complain(loader, item, why.text, err);
    }
    return ERR_OK;
}

static enum err_code put_look(const struct loader *loader, const struct toml_item *item,
                              struct err *err)
{
    struct err why;
    if (config_take_look(&loader->config->ui, item, &why)) {
        return config__complain(loader, item, why.text, err);
    }
    return ERR_OK;
}

/* The words stand in quotes in what is expected. */
static enum err_code put_word(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type == TOML_TEXT) {
        char *quoted = xasprintf("\"%.*s\"", SV_ARG(item->text));
        bool known = strstr(key->expected, quoted) != NULL;
        free(quoted);
        if (!known) {
            return config__complain_value(loader, item, key->expected, err);
        }
    }
    return put_text(loader, key, item, err);
}

enum err_code config__put(struct loader *loader, const struct config_key *key,
                          const struct toml_item *item, struct err *err)
{
    switch (key->kind) {
    case KEY_TYPE:
        return put_type(loader, key, item, err);
    case KEY_MS:
    case KEY_SECONDS:
    case KEY_NUMBER:
        return put_number(loader, key, item, err);
    case KEY_COUNT:
        return put_count(loader, key, item, err);
    case KEY_MONEY:
        return put_money(loader, key, item, err);
    case KEY_CHOICE:
        return put_choice(loader, key, item, err);
    case KEY_FLAG:
        return put_flag(loader, key, item, err);
    case KEY_ARGV:
        return put_argv(loader, key, item, err);
    case KEY_JSON:
        return put_json(loader, key, item, err);
    case KEY_WORD:
        return put_word(loader, key, item, err);
    case KEY_LOOK:
        return put_look(loader, item, err);
    case KEY_CHORDS:
        return put_chords(loader, item, err);
    case KEY_HEADER:
        return put_header(loader, key, item, err);
    case KEY_TEXT:
    case KEY_PATH:
    case KEY_URL:
    case KEY_MODEL:
        break;
    }
    return put_text(loader, key, item, err);
}
