/* The config's keys, and finding one by its path. */
#include "app/config_keys.h"

#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/nearest.h"

#define OF_CONFIG(member) KEY_OF_CONFIG, offsetof(struct config, member)
#define OF_PROVIDER(member) KEY_OF_PROVIDER, offsetof(struct config_provider, member)
#define OF_ALIAS(member) KEY_OF_ALIAS, offsetof(struct config_alias, member)
#define OF_MODEL(member) KEY_OF_MODEL, offsetof(struct config_model, member)
#define OF_ROLE(member) KEY_OF_ROLE, offsetof(struct config_role, member)
#define PRICE_EXPECTED "a text such as \"0.25\", US dollars for a million tokens"
#define LIMIT_EXPECTED "a text such as \"5.00\", US dollars"
#define TIMEOUT_EXPECTED "a number of seconds from 0.1 to 86400"

static const struct config_key keys[] = {
    {"model", KEY_TEXT, OF_CONFIG(model), 0, 0, "a text, PROVIDER/MODEL or an alias"},
    {"system", KEY_TEXT, OF_CONFIG(system), 0, 0, "a text"},
    {"scope", KEY_CHOICE, OF_CONFIG(scope_is_folder), 0, 0, "\"user\" or \"folder\""},
    {"title.model", KEY_TEXT, OF_CONFIG(title_model), 0, 0, "a text, PROVIDER/MODEL or an alias"},
    {"redact.patterns", KEY_ARGV, OF_CONFIG(redact), 0, 0,
     "an array of texts, extended regular expressions"},
    {"store.path", KEY_PATH, OF_CONFIG(store_path), 0, 0, "a path that begins with / or ~/"},
    {"store.debounce_ms", KEY_MS, OF_CONFIG(debounce_us), 0, 1000, "a whole number from 0 to 1000"},
    {"record.folder", KEY_PATH, OF_CONFIG(record_folder), 0, 0, "a path that begins with / or ~/"},
    {"network.connect_timeout_s", KEY_SECONDS, OF_CONFIG(connect_us), 0.1, 86400, TIMEOUT_EXPECTED},
    {"network.first_byte_timeout_s", KEY_SECONDS, OF_CONFIG(first_byte_us), 0.1, 86400,
     TIMEOUT_EXPECTED},
    {"network.idle_timeout_s", KEY_SECONDS, OF_CONFIG(idle_us), 0.1, 86400, TIMEOUT_EXPECTED},
    {"network.note_after_s", KEY_SECONDS, OF_CONFIG(note_us), 0.1, 86400, TIMEOUT_EXPECTED},
    {"network.attempts", KEY_COUNT, OF_CONFIG(attempts), 1, 10, "a whole number from 1 to 10"},
    {"network.max_wait_s", KEY_SECONDS, OF_CONFIG(max_wait_us), 0, 3600,
     "a number of seconds from 0 to 3600"},
    {"provider.*.type", KEY_TYPE, OF_PROVIDER(type), 0, 0, "the name of a provider type"},
    {"provider.*.base_url", KEY_URL, OF_PROVIDER(base_url), 0, 0, "a URL"},
    {"provider.*.api_key_env", KEY_TEXT, OF_PROVIDER(api_key_env), 0, 0,
     "the name of an environment variable"},
    {"provider.*.api_key_cmd", KEY_ARGV, OF_PROVIDER(api_key_cmd), 0, 0,
     "an array of texts, the command and its arguments"},
    {"provider.*.api_key_file", KEY_PATH, OF_PROVIDER(api_key_file), 0, 0,
     "a path that begins with / or ~/"},
    {"provider.*.dialect", KEY_TEXT, OF_PROVIDER(dialect), 0, 0, "the name of a dialect"},
    {"provider.*.api_version", KEY_TEXT, OF_PROVIDER(api_version), 0, 0, "a text"},
    {"provider.*.headers.*", KEY_HEADER, OF_PROVIDER(headers), 0, 0, "a text on one line"},
    {"provider.*.body", KEY_JSON, OF_PROVIDER(body), 0, 0, "a table"},
    {"provider.*.proxy", KEY_TEXT, OF_PROVIDER(proxy), 0, 0, "a URL"},
    {"provider.*.ca_file", KEY_PATH, OF_PROVIDER(ca_file), 0, 0, "a path that begins with / or ~/"},
    {"provider.*.allow_plain_http", KEY_FLAG, OF_PROVIDER(allow_plain_http), 0, 0, "true or false"},
    {"alias.*", KEY_MODEL, OF_ALIAS(model), 0, 0, "a text, PROVIDER/MODEL"},
    {"role.*.system", KEY_TEXT, OF_ROLE(system), 0, 0, "a text"},
    {"role.*.model", KEY_TEXT, OF_ROLE(model), 0, 0, "a text, PROVIDER/MODEL or an alias"},
    {"role.*.temperature", KEY_NUMBER, OF_ROLE(temperature), 0, 2, "a number from 0 to 2"},
    {"role.*.max_tokens", KEY_COUNT, OF_ROLE(max_tokens), 1, 1e9, "a whole number of tokens"},
    {"role.*.reasoning_effort", KEY_TEXT, OF_ROLE(effort), 0, 0, "a text such as \"low\""},
    {"budget.daily", KEY_MONEY, OF_CONFIG(daily), 0, 0, LIMIT_EXPECTED},
    {"budget.monthly", KEY_MONEY, OF_CONFIG(monthly), 0, 0, LIMIT_EXPECTED},
    {"budget.unknown_price", KEY_CHOICE, OF_CONFIG(allow_unknown_price), 0, 0,
     "\"refuse\" or \"allow\""},
    {"budget.model.*.daily", KEY_MONEY, OF_MODEL(daily), 0, 0, LIMIT_EXPECTED},
    {"budget.model.*.monthly", KEY_MONEY, OF_MODEL(monthly), 0, 0, LIMIT_EXPECTED},
    {"models.*.body", KEY_JSON, OF_MODEL(body), 0, 0, "a table"},
    {"models.*.context", KEY_COUNT, OF_MODEL(context), 1, 1e12, "a whole number of tokens"},
    {"models.*.input_price", KEY_MONEY, OF_MODEL(input_price), 0, 0, PRICE_EXPECTED},
    {"models.*.output_price", KEY_MONEY, OF_MODEL(output_price), 0, 0, PRICE_EXPECTED},
    {"models.*.cache_read_price", KEY_MONEY, OF_MODEL(cache_read_price), 0, 0, PRICE_EXPECTED},
    {"models.*.cache_write_price", KEY_MONEY, OF_MODEL(cache_write_price), 0, 0, PRICE_EXPECTED},
    {"ui.theme", KEY_TEXT, OF_CONFIG(ui.theme), 0, 0, "the name of a theme"},
    {"ui.colors", KEY_WORD, OF_CONFIG(ui.colors), 0, 0,
     "\"auto\", \"true\", \"256\", \"16\", \"8\" or \"none\""},
    {"ui.wheel", KEY_FLAG, OF_CONFIG(ui.wheel), 0, 0, "true or false"},
    {"ui.title", KEY_FLAG, OF_CONFIG(ui.title), 0, 0, "true or false"},
    {"ui.notify", KEY_WORD, OF_CONFIG(ui.notify), 0, 0,
     "\"bell\", \"osc9\", \"osc777\" or \"none\""},
    {"ui.links", KEY_WORD, OF_CONFIG(ui.links), 0, 0, "\"auto\", \"always\" or \"never\""},
    {"theme.*.*", KEY_LOOK, OF_CONFIG(ui.themes), 0, 0, "a text such as \"bold red\""},
    {"keys.*", KEY_CHORDS, OF_CONFIG(keymap), 0, 0, "a key or an array of keys"},
    {.path = NULL},
};

const struct config_key *config_keys(void)
{
    return keys;
}

/* Cuts the first segment off `*rest`; false at the end. */
static bool next_segment(struct sv *rest, struct sv *ret_segment)
{
    if (rest->n == 0) {
        return false;
    }
    size_t dot = sv_find(*rest, '.');
    *ret_segment = sv_take(*rest, dot);
    *rest = sv_skip(*rest, dot + 1);
    return true;
}

/* How many segments of `path` the pattern goes along with; what follows in the pattern is left in
 * `*ret_rest`. */
static size_t match(const char *pattern, const struct sv *path, size_t depth, struct sv *ret_rest)
{
    struct sv rest = sv_from(pattern);
    size_t matched = 0;
    while (matched < depth) {
        struct sv ahead = rest;
        struct sv segment;
        if (!next_segment(&ahead, &segment) ||
            !(sv_equal_str(segment, "*") || sv_equal(segment, path[matched]))) {
            break;
        }
        rest = ahead;
        matched++;
    }
    *ret_rest = rest;
    return matched;
}

const struct config_key *config_key_find(const struct sv *path, size_t depth)
{
    for (const struct config_key *key = keys; key->path; key++) {
        struct sv rest;
        if (match(key->path, path, depth, &rest) == depth && rest.n == 0) {
            return key;
        }
    }
    return NULL;
}

bool config_key_is_table(const struct sv *path, size_t depth)
{
    for (const struct config_key *key = keys; key->path; key++) {
        struct sv rest;
        if (match(key->path, path, depth, &rest) == depth && rest.n > 0) {
            return true;
        }
    }
    return false;
}

/* "provider.NAME.base_url" for a pattern. */
static char *spelled_out(const char *pattern)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    for (const char *at = pattern; *at; at++) {
        buf_append_str(&out, *at == '*' ? "NAME" : (const char[]){*at, '\0'});
    }
    return buf_detach(&out);
}

static char *joined(const struct sv *path, size_t depth, const char *last)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < depth; i++) {
        buf_append_sv(&out, path[i]);
        buf_append_byte(&out, '.');
    }
    buf_append_str(&out, last);
    return buf_detach(&out);
}

/* A key of the same last name that lives in another table. */
static char *same_name_elsewhere(struct sv name)
{
    for (const struct config_key *key = keys; key->path; key++) {
        const char *dot = strrchr(key->path, '.');
        if (dot && sv_equal_str(name, dot + 1)) {
            return spelled_out(key->path);
        }
    }
    return NULL;
}

char *config_key_suggest(const struct sv *path, size_t depth)
{
    struct nearest nearest = nearest_start(path[depth - 1]);
    char *words[COUNT_OF(keys)] = {NULL};
    for (size_t i = 0; keys[i].path; i++) {
        struct sv rest;
        struct sv segment;
        if (match(keys[i].path, path, depth - 1, &rest) == depth - 1 &&
            next_segment(&rest, &segment) && !sv_equal_str(segment, "*")) {
            words[i] = xstrndup(segment.p, segment.n);
            nearest_offer(&nearest, words[i]);
        }
    }
    char *suggestion =
        nearest.best ? joined(path, depth - 1, nearest.best) : same_name_elsewhere(path[depth - 1]);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        free(words[i]);
    }
    return suggestion;
}
