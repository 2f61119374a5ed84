/* Layers over the config file: each is read as a document of its own, by the same table of keys. */
#include "app/config_layers.h"

#include <stdlib.h>
#include <string.h>

#include "app/config_internal.h"
#include "app/config_keys.h"
#include "base/buf.h"

static enum err_code add(struct config *config, const char *name, struct sv text,
                         toml_visit_fn *visit, struct err *err)
{
    struct loader loader = {.name = name, .config = config};
    enum err_code code = toml_walk(name, text, visit, &loader, err);
    free(loader.lines);
    return code;
}

/* ---- the environment ---- */

static bool has_variable(const struct config_key *key)
{
    return key->home == KEY_OF_CONFIG && !strchr(key->path, '*') && key->kind != KEY_ARGV &&
           strcmp(key->path, "model") != 0 && strcmp(key->path, "store.path") != 0;
}

static void append_variable(struct buf *out, const char *path)
{
    buf_append_str(out, "WEIR_");
    for (; *path; path++) {
        char byte = *path == '.' ? '_' : *path;
        buf_append_byte(out, byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte);
    }
}

static bool is_text(const struct config_key *key)
{
    return key->kind == KEY_TEXT || key->kind == KEY_PATH || key->kind == KEY_MONEY ||
           key->kind == KEY_CHOICE || key->kind == KEY_WORD || key->kind == KEY_URL ||
           key->kind == KEY_MODEL;
}

/* Digits and what numbers have between them; anything else is handed on as a text, which the table
 * of keys then refuses. */
static bool is_bare(const char *value)
{
    return value[strspn(value, "0123456789.-+eE")] == '\0' || strcmp(value, "true") == 0 ||
           strcmp(value, "false") == 0;
}

static void append_text(struct buf *out, const char *value)
{
    buf_append_byte(out, '"');
    for (; *value; value++) {
        unsigned char byte = (unsigned char)*value;
        if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
            buf_appendf(out, "\\u%04x", byte);
        } else {
            buf_append_byte(out, (char)byte);
        }
    }
    buf_append_byte(out, '"');
}

static enum err_code add_variable(struct config *config, const struct config_key *key,
                                  struct err *err)
{
    struct buf name = BUF_INIT(256);
    append_variable(&name, key->path);
    const char *value = getenv(buf_cstr(&name));
    enum err_code code = ERR_OK;
    if (value && *value) {
        struct buf text = BUF_INIT((size_t)1 << 20);
        buf_appendf(&text, "%s = ", key->path);
        if (!is_text(key) && is_bare(value)) {
            buf_append_str(&text, value);
        } else {
            append_text(&text, value);
        }
        buf_append_byte(&text, '\n');
        code = add(config, buf_cstr(&name), buf_sv(&text), config__visit, err);
        buf_release(&text);
    }
    buf_release(&name);
    return code;
}

enum err_code config_add_environment(struct config *config, struct err *err)
{
    enum err_code code = ERR_OK;
    for (const struct config_key *key = config_keys(); !code && key->path; key++) {
        if (has_variable(key)) {
            code = add_variable(config, key, err);
        }
    }
    unsigned line = 0;
    struct err mistake = {0};
    if (!code && config_check_themes(&config->ui, &line, &mistake)) {
        (void)err_prefix(&mistake, "WEIR_UI_THEME");
        config__note_screen(config, &mistake);
    }
    return code;
}

/* ---- a folder ---- */

static enum err_code visit_of_folder(void *ctx, const struct toml_item *item, struct err *err)
{
    static const char *const allowed[] = {"model", "system", "alias", "role"};
    const struct loader *loader = ctx;
    for (size_t i = 0; i < COUNT_OF(allowed); i++) {
        if (sv_equal_str(item->path[0], allowed[i])) {
            return config__visit(ctx, item, err);
        }
    }
    return err_set(err, ERR_CONFIG,
                   "%s:%u: '%.*s' is not for a folder to say, only model, system, [alias], [role]",
                   loader->name, item->line, SV_ARG(sv_take(item->path[0], 40)));
}

enum err_code config_add_folder(struct config *config, const char *name, struct sv text,
                                struct err *err)
{
    return add(config, name, text, visit_of_folder, err);
}
