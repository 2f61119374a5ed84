/* Config: what is read, what is refused and with which words, and that the example is complete. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "app/config_keys.h"
#include "app/money.h"
#include "app/provider.h"
#include "app/toml.h"
#include "base/file.h"
#include "ui/keymap.h"

#include <cmocka.h>

static struct config *parse(const char *text)
{
    struct config *config = NULL;
    struct err err = {0};
    if (config_parse("c.toml", text, strlen(text), &config, &err)) {
        fail_msg("refused: %s", err.text);
    }
    return config;
}

static void refuses(const char *text, const char *expected)
{
    struct config *config = NULL;
    struct err err = {0};
    assert_int_equal(config_parse("c.toml", text, strlen(text), &config, &err), ERR_CONFIG);
    assert_null(config);
    if (!strstr(err.text, expected)) {
        fail_msg("expected '%s' in '%s'", expected, err.text);
    }
}

static void parse__gives_the_built_in_values_for_an_empty_text(void **state)
{
    (void)state;
    struct config *config = parse("");
    assert_null(config->model);
    assert_int_equal(config->debounce_us, 33000);
    assert_int_equal(config->connect_us, 10 * 1000000);
    assert_int_equal(config->first_byte_us, 300 * 1000000);
    assert_int_equal(config->idle_us, 120 * 1000000);
    assert_int_equal(config->note_us, 15 * 1000000);
    assert_int_equal(config->provider_count, 0);
    config_free(config);
}

static void parse__takes_every_key(void **state)
{
    (void)state;
    setenv("HOME", "/home/test", 1);
    struct config *config = parse("model = 'a/m'\n"
                                  "system = \"two\\nlines\"\n"
                                  "[store]\n"
                                  "path = '~/x.db'\n"
                                  "debounce_ms = 0\n"
                                  "[network]\n"
                                  "connect_timeout_s = 1\n"
                                  "first_byte_timeout_s = 0.5\n"
                                  "idle_timeout_s = 86400\n"
                                  "note_after_s = 0.5\n"
                                  "[provider.a]\n"
                                  "type = 'openai'\n"
                                  "base_url = 'https://a.example//'\n"
                                  "api_key_cmd = ['pass', 'show', 'a b']\n"
                                  "headers = { X-One = '1', X-Two = '' }\n"
                                  "body = { top_k = 40, deep.on = true }\n"
                                  "proxy = 'http://p:1'\n"
                                  "ca_file = '/ca.pem'\n"
                                  "api_version = 'v1'\n"
                                  "[provider.b]\n"
                                  "type = 'openai'\n"
                                  "base_url = 'http://b.example/v1'\n"
                                  "allow_plain_http = true\n"
                                  "api_key_file = '~/k'\n"
                                  "[alias]\n"
                                  "'my model' = 'b/x/y'\n"
                                  "[models.'b/x/y']\n"
                                  "body.list = [1, 0.7, 'x\\y', {}]\n"
                                  "context = 131072\n"
                                  "input_price = '0.25'\n"
                                  "cache_write_price = '0'\n");
    assert_string_equal(config->model, "a/m");
    assert_string_equal(config->system, "two\nlines");
    assert_string_equal(config->store_path, "/home/test/x.db");
    assert_int_equal(config->debounce_us, 0);
    assert_int_equal(config->connect_us, 1000000);
    assert_int_equal(config->first_byte_us, 500000);
    assert_int_equal(config->idle_us, INT64_C(86400000000));
    assert_int_equal(config->note_us, 500000);
    assert_int_equal(config->provider_count, 2);
    const struct config_provider *a = &config->providers[0];
    assert_string_equal(a->name, "a");
    assert_ptr_equal(a->type, provider_type_find("openai"));
    assert_string_equal(a->base_url, "https://a.example");
    assert_string_equal(a->api_key_cmd[2], "a b");
    assert_null(a->api_key_cmd[3]);
    assert_string_equal(a->headers[0], "X-One: 1");
    assert_string_equal(a->headers[1], "X-Two: ");
    assert_null(a->headers[2]);
    assert_string_equal(a->body, "{\"deep\":{\"on\":true},\"top_k\":40}");
    assert_string_equal(config->models[0].body, "{\"list\":[1,0.7,\"x\\\\y\",{}]}");
    assert_string_equal(a->proxy, "http://p:1");
    assert_string_equal(a->ca_file, "/ca.pem");
    assert_string_equal(a->api_version, "v1");
    assert_true(config->providers[1].allow_plain_http);
    assert_string_equal(config->providers[1].api_key_file, "/home/test/k");
    assert_string_equal(config->aliases[0].name, "my model");
    assert_string_equal(config->aliases[0].model, "b/x/y");
    assert_int_equal(config->model_count, 1);
    assert_string_equal(config->models[0].name, "b/x/y");
    assert_int_equal(config->models[0].context, 131072);
    assert_int_equal(config->models[0].input_price, 250000);
    assert_int_equal(config->models[0].output_price, MONEY_UNKNOWN);
    assert_int_equal(config->models[0].cache_write_price, 0);
    config_free(config);
}

static void parse__takes_roles(void **state)
{
    (void)state;
    struct config *config = parse("[role.one]\n"
                                  "system = \"two\\nlines\"\n"
                                  "temperature = 0.25\n"
                                  "[role.two]\n"
                                  "model = 'fast'\n"
                                  "max_tokens = 9\n"
                                  "reasoning_effort = 'low'\n");
    const struct config_role *one = config_role_find(&config->roles, "one");
    const struct config_role *two = config_role_find(&config->roles, "two");
    assert_non_null(one);
    assert_string_equal(one->system, "two\nlines");
    assert_int_equal(one->temperature, 250000);
    assert_int_equal(one->max_tokens, ROLE_UNSET);
    assert_null(one->model);
    assert_non_null(two);
    assert_null(two->system);
    assert_string_equal(two->model, "fast");
    assert_int_equal(two->temperature, ROLE_UNSET);
    assert_int_equal(two->max_tokens, 9);
    assert_string_equal(two->effort, "low");
    assert_null(config_role_find(&config->roles, "on"));
    config_free(config);
    refuses("[role.a]\ntemperature = 2.5\n", "c.toml:2: 'role.a.temperature' is 2.5");
    refuses("[role.a]\nmax_tokens = 0\n", "expected a whole number of tokens");
}

static void parse__takes_a_body_as_a_table_of_json_only(void **state)
{
    (void)state;
    refuses("[provider.a]\ntype = 'openai'\nbody = 'x'\n",
            "c.toml:3: 'provider.a.body' must be a table");
    refuses("[provider.a]\ntype = 'openai'\nbody.on = 2026-01-01\n", "c.toml:3:");
    refuses("[models.'a/b']\nbody = { x = inf }\n", "c.toml:2:");
}

static void parse__knows_the_dialects(void **state)
{
    (void)state;
    struct config *config = parse("[provider.x]\ntype = 'openai'\ndialect = 'llama.cpp'\n");
    assert_string_equal(config->providers[0].dialect, "llama.cpp");
    config_free(config);
    refuses("\n[provider.x]\ntype = 'openai'\ndialect = 'klingon'\n",
            "c.toml:2: provider 'x' has no known dialect: expected one of 'generic', 'openai', ");
}

static void parse__takes_prices_as_decimal_texts_only(void **state)
{
    (void)state;
    refuses("[models.'a/b']\ninput_price = 0.25\n", "c.toml:2: 'models.a/b.input_price' must be a "
                                                    "text such as \"0.25\"");
    refuses("[models.'a/b']\ninput_price = '-1'\n", "c.toml:2:");
    refuses("[models.'a/b']\ninput_price = '0.0000001'\n", "c.toml:2:");
    refuses("[models.'a/b']\ncontext = 0\n", "expected a whole number of tokens");
    refuses("[models.'a/b']\ncontext = 1.5\n", "must be a whole number of tokens");
    refuses("[models.gpt]\ncontext = 1\n", "c.toml:1: 'models.gpt' is not for a model");
    refuses("[models.'a/b']\ncontext_window = 1\n", "unknown key");
}

static void parse__names_the_line_and_the_nearest_key(void **state)
{
    (void)state;
    refuses("# one\n\nmodle = 'x/y'\n", "c.toml:3: unknown key 'modle' (did you mean 'model'?)");
    refuses("[store]\ndebounce = 1\n", "c.toml:2: unknown key 'store.debounce'");
    refuses("[store]\ndebouncems = 1\n", "(did you mean 'store.debounce_ms'?)");
    refuses("[provdier.x]\ntype = 'demo'\n", "c.toml:1: unknown key 'provdier' (did you mean "
                                             "'provider'?)");
    refuses("[provider.x]\ntype='demo'\nbaseurl='x'\n",
            "c.toml:3: unknown key 'provider.x.baseurl' (did you mean 'provider.x.base_url'?)");
    refuses("base_url = 'x'\n", "(did you mean 'provider.NAME.base_url'?)");
    refuses("zzzzzzzz = 1\n", "c.toml:1: unknown key 'zzzzzzzz'");
}

static void parse__reports_the_first_line_that_is_wrong(void **state)
{
    (void)state;
    refuses("zz = 1\naa = 2\n", "c.toml:1: unknown key 'zz'");
}

static void parse__refuses_wrong_types_and_values(void **state)
{
    (void)state;
    refuses("model = 3\n", "c.toml:1: 'model' must be a text, PROVIDER/MODEL or an alias, not a "
                           "whole number");
    refuses("model = ''\n", "'model' is \"\", expected");
    refuses("store = 3\n", "'store' must be a table, not a whole number");
    refuses("[model]\n", "'model' must be a text");
    refuses("[store]\ndebounce_ms = '33'\n", "must be a whole number from 0 to 1000, not a text");
    refuses("[store]\ndebounce_ms = 1001\n", "is 1001, expected a whole number from 0 to 1000");
    refuses("[store]\ndebounce_ms = 1.5\n", "not a number");
    refuses("[network]\nidle_timeout_s = 0\n", "'network.idle_timeout_s' is 0, expected");
    refuses("[network]\nidle_timeout_s = nan\n", "expected a number of seconds");
    refuses("[store]\npath = 'x.db'\n", "expected a path that begins with / or ~/");
    refuses("[provider.x]\ntype = 'openai'\napi_key_cmd = 'pass'\n", "must be an array of texts");
    refuses("[provider.x]\ntype = 'openai'\napi_key_cmd = []\n", "is empty");
    refuses("[provider.x]\ntype = 'openai'\nallow_plain_http = 'yes'\n", "must be true or false");
    refuses("[provider.x]\ntype = 'openai'\nheaders = { 'a b' = 'x' }\n", "no name of an HTTP");
    refuses("[provider.x]\ntype = 'openai'\nheaders = { a = \"x\\r\\ny\" }\n", "on one line");
    refuses("[provider.x]\ntype = 'openai'\nheaders = { Ab = '1', aB = '2' }\n", "there twice");
    refuses("[alias]\nfast = 'nothing'\n", "expected a text, PROVIDER/MODEL");
    refuses("[provider.'a/b']\ntype = 'demo'\n", "holds a slash");
    refuses("[[provider]]\ntype = 'demo'\n", "must be a table, not an array");
}

static void parse__knows_the_provider_types(void **state)
{
    (void)state;
    refuses("[provider.x]\ntype = 'opnai'\n",
            "c.toml:2: 'provider.x.type' is \"opnai\", expected one of 'openai', ");
    refuses("[provider.x]\ntype = 'opnai'\n", "'replay' (did you mean 'openai'?)");
    refuses("model = 'x/y'\n[provider.x]\n", "c.toml:2: provider 'x' has no type");
    refuses("[provider.demo]\ntype = 'openai'\n", "is taken by the offline demo");
}

static void parse__refuses_keys_and_two_sources_of_them(void **state)
{
    (void)state;
    refuses("[provider.x]\ntype = 'openai'\napi_key = 'sk-secret'\n",
            "c.toml:3: 'provider.x.api_key' is not read");
    refuses("[provider.x]\ntype = 'openai'\napi_key_env = 'A'\napi_key_file = '/k'\n",
            "c.toml:4: 'provider.x.api_key_file' is a second source");
    struct err err = {0};
    struct config *config = NULL;
    const char *text = "[provider.x]\ntype = 'openai'\napi_key = 'sk-secret'\n";
    assert_int_equal(config_parse("c", text, strlen(text), &config, &err), ERR_CONFIG);
    assert_null(strstr(err.text, "sk-secret"));
    assert_non_null(strstr(err.text, "api_key_env"));
}

static void parse__refuses_plain_http_beyond_this_machine(void **state)
{
    (void)state;
    refuses("[provider.x]\ntype = 'openai'\nbase_url = 'http://example.com/v1'\n",
            "c.toml:3: provider 'x'");
    refuses("[provider.x]\ntype = 'openai'\nbase_url = 'ftp://example.com'\n", "c.toml:3:");
    struct config *config =
        parse("[provider.x]\ntype = 'openai'\nbase_url = 'http://127.0.0.1:1/v1'\n");
    config_free(config);
}

static void parse__refuses_what_is_not_toml(void **state)
{
    (void)state;
    refuses("model = 'a/b'\nmodel = 'c/d'\n", "c.toml:2: ");
    refuses("model = \n", "c.toml:1: ");
    refuses("model = x\n", "needs quotes");
    refuses("[a.b.c.d.e.f.g.h.i]\n", "c.toml:1: ");
    refuses("model = '\xff'\n", "c.toml:1: ");
    char *deep = calloc(1, 5000);
    assert_non_null(deep);
    memcpy(deep, "x = ", 4);
    memset(deep + 4, '[', 4000);
    refuses(deep, "c.toml:1: ");
    free(deep);
}

static void parse__says_of_any_bare_word_that_it_needs_quotes(void **state)
{
    (void)state;
    static const char *const values[] = {
        "gpt-4o", "fast",     "true-x", "nano",        "inf-x",          "claude",
        "4o",     "_x",       "./x",    "True",        "127.0.0.1:8080", "[ 'a', fast ]",
        "2026-x", "0xyz # c", "5,00",   "{ a = fast }"};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        char text[100];
        (void)snprintf(text, sizeof(text), "# first\nmodel = %s\n", values[i]);
        refuses(text, "c.toml:2: neither a number, a date, true nor false (a text needs quotes");
    }
    refuses("x = [\n 'a',\n fast]\n", "c.toml:3: neither");
    /* Other mistakes are called what they are. */
    refuses("model gpt\n", "expected '='");
    refuses("[fast x]\n", "expected ']'");
    refuses("model = 'a' fast\n", "expected a comment");
    refuses("model = 07\n", "leading zeroes");
    refuses("a = fast_\nb = 1", "c.toml:1: neither");
    refuses("a = true\na = true\n", "redefine");
}

static void load__takes_a_missing_file_for_an_empty_one_only_by_default(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct err err = {0};
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    assert_int_equal(config_load(NULL, &config, &err), ERR_OK);
    assert_string_equal(config->path, "/nonexistent/weir/config.toml");
    config_free(config);
    config = NULL;
    assert_int_equal(config_load("/nonexistent/c.toml", &config, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "/nonexistent/c.toml"));
    assert_null(config);
}

/* A config of which only this machine's part is right. */
static void load_tolerant__keeps_what_a_reader_of_sessions_needs(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "[provider.x]\ntype = 'openai'\nbase_url = 'http://example.com/v1'\n",
        "modle = 'x'\n[provider.x]\n",
        "[alias]\nfast = 3\n",
    };
    char path[] = "/tmp/test-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct config *config = NULL;
        struct err err = {0};
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_true(pwrite(fd, wrong[i], strlen(wrong[i]), 0) > 0);
        off_t end = (off_t)strlen(wrong[i]);
        assert_true(pwrite(fd, "[store]\npath = '/kept.db'\n", 26, end) == 26);
        assert_int_equal(config_load(path, &config, &err), ERR_CONFIG);
        assert_null(config);
        assert_int_equal(config_load_tolerant(path, &config, &err), ERR_CONFIG);
        assert_non_null(strstr(err.text, path));
        assert_non_null(config);
        assert_string_equal(config->store_path, "/kept.db");
        assert_int_equal(config->provider_count + config->alias_count, 0);
        config_free(config);
    }
    close(fd);
    unlink(path);
}

/* Takes it as sound, but not for the screen. */
static void refuses_screen(const char *text, const char *expected)
{
    struct config *config = parse(text);
    struct err err = {0};
    assert_int_equal(config_check_screen(config, &err), ERR_CONFIG);
    config_free(config);
    if (!strstr(err.text, expected)) {
        fail_msg("expected '%s' in '%s'", expected, err.text);
    }
}

static void keys__are_bound_and_conflicts_told(void **state)
{
    (void)state;
    struct config *config = parse("[keys]\nsend = 'C-x Enter'\nnew_line = ['Enter', 'C-j']\n");
    const struct chord enter = {.key = INPUT_ENTER};
    assert_int_equal(keymap_find(config->keymap, NULL, &enter), ACTION_NEW_LINE);
    config_free(config);
    config = parse("model = 'a/b'\n");
    assert_null(config->keymap);
    config_free(config);
    refuses_screen("[keys]\nsned = 'C-k'\n",
                   "c.toml:2: 'keys.sned' is no action of the screen (did you mean 'send'?)");
    refuses_screen("[keys]\nsend = 'Ctrl+K'\n",
                   "c.toml:2: 'keys.send' is wrong: 'Ctrl+K' is no key");
    refuses_screen("[keys]\nsend = 3\n", "c.toml:2: 'keys.send' must be a key");
    refuses_screen("[keys]\npalette = 'C-k'\n",
                   "c.toml: [keys]: the key 'C-k' is that of 'palette' and of");
    refuses_screen("keys = 1\n", "'keys' must be a table");
}

/* The example with every commented setting in force. */
static char *whole_example(void)
{
    struct buf text = BUF_INIT(1 << 20);
    struct buf out = BUF_INIT(1 << 20);
    struct err err = {0};
    if (file_read("config.example.toml", &text, &err)) {
        fail_msg("%s (run from the root of the repository)", err.text);
    }
    struct sv rest = buf_sv(&text);
    struct sv line;
    while (sv_next_line(&rest, &line)) {
        buf_append_sv(&out, sv_starts_with(line, SV("#: ")) ? sv_skip(line, 3) : line);
        buf_append_byte(&out, '\n');
    }
    buf_release(&text);
    return buf_detach(&out);
}

static enum err_code note_key(void *ctx, const struct toml_item *item, struct err *err)
{
    (void)err;
    bool *seen = ctx;
    const struct config_key *key = config_key_find(item->path, item->depth);
    if (key) {
        seen[key - config_keys()] = true;
    }
    return ERR_OK;
}

static void example__parses_and_shows_every_key(void **state)
{
    (void)state;
    setenv("HOME", "/home/test", 1);
    char *text = whole_example();
    struct config *config = parse(text);
    assert_int_equal(config->provider_count, 4);
    config_free(config);
    bool seen[64] = {false};
    assert_int_equal(toml_walk("example", sv_from(text), note_key, seen, NULL), ERR_OK);
    for (const struct config_key *key = config_keys(); key->path; key++) {
        if (!seen[key - config_keys()]) {
            fail_msg("config.example.toml does not show '%s'", key->path);
        }
    }
    free(text);
}

static void example__parses_as_it_is(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1 << 20);
    assert_int_equal(file_read("config.example.toml", &text, NULL), ERR_OK);
    struct config *config = parse(buf_cstr(&text));
    assert_string_equal(config->model, "local/qwen3");
    config_free(config);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__gives_the_built_in_values_for_an_empty_text),
        cmocka_unit_test(parse__takes_every_key),
        cmocka_unit_test(parse__takes_roles),
        cmocka_unit_test(parse__takes_a_body_as_a_table_of_json_only),
        cmocka_unit_test(parse__knows_the_dialects),
        cmocka_unit_test(parse__takes_prices_as_decimal_texts_only),
        cmocka_unit_test(parse__names_the_line_and_the_nearest_key),
        cmocka_unit_test(parse__reports_the_first_line_that_is_wrong),
        cmocka_unit_test(parse__refuses_wrong_types_and_values),
        cmocka_unit_test(parse__knows_the_provider_types),
        cmocka_unit_test(parse__refuses_keys_and_two_sources_of_them),
        cmocka_unit_test(keys__are_bound_and_conflicts_told),
        cmocka_unit_test(parse__refuses_plain_http_beyond_this_machine),
        cmocka_unit_test(parse__refuses_what_is_not_toml),
        cmocka_unit_test(parse__says_of_any_bare_word_that_it_needs_quotes),
        cmocka_unit_test(load__takes_a_missing_file_for_an_empty_one_only_by_default),
        cmocka_unit_test(load_tolerant__keeps_what_a_reader_of_sessions_needs),
        cmocka_unit_test(example__parses_and_shows_every_key),
        cmocka_unit_test(example__parses_as_it_is),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
