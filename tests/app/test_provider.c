/* Providers: which model is chosen, where keys come from and where not, what listens here. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/provider.h"
#include "base/clock.h"

#include <cmocka.h>

static const char base_config[] = "[provider.local]\n"
                                  "type = 'openai'\n"
                                  "base_url = 'http://127.0.0.1:9/v1'\n"
                                  "[provider.openai]\n"
                                  "type = 'openai'\n"
                                  "[alias]\n"
                                  "fast = 'local/small/one'\n";

static struct config *parse(const char *text)
{
    struct config *config = NULL;
    struct err err = {0};
    if (config_parse("c.toml", text, strlen(text), &config, &err)) {
        fail_msg("refused: %s", err.text);
    }
    return config;
}

static int clean_environment(void **state)
{
    (void)state;
    static const char *const names[] = {"WEIR_MODEL", "OPENAI_API_KEY", "OPENROUTER_API_KEY",
                                        "ANTHROPIC_API_KEY", "GEMINI_API_KEY"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        unsetenv(names[i]);
    }
    return 0;
}

static void chooses(const char *text, const char *wanted, const char *label)
{
    struct config *config = parse(text);
    struct model_choice choice;
    struct err err = {0};
    if (model_choose(config, wanted, &choice, &err)) {
        fail_msg("refused: %s", err.text);
    }
    assert_string_equal(choice.label, label);
    model_choice_release(&choice);
    model_choice_release(&choice);
    config_free(config);
}

static void refuses(const char *text, const char *wanted, enum err_code code, const char *expected)
{
    struct config *config = parse(text);
    struct model_choice choice;
    struct err err = {0};
    assert_int_equal(model_choose(config, wanted, &choice, &err), code);
    if (!strstr(err.text, expected)) {
        fail_msg("expected '%s' in '%s'", expected, err.text);
    }
    config_free(config);
}

static void choose__takes_flag_then_environment_then_config(void **state)
{
    (void)state;
    chooses("model = 'fast'\n[alias]\nfast = 'demo/tour'\n", NULL, "demo/tour");
    char text[sizeof base_config + 32];
    snprintf(text, sizeof text, "model = 'fast'\n%s", base_config);
    chooses(text, NULL, "local/small/one");
    setenv("WEIR_MODEL", "local/other", 1);
    chooses(text, NULL, "local/other");
    chooses(text, "local/third", "local/third");
    chooses(text, "demo", "demo/tour");
}

static void choose__splits_at_the_first_slash(void **state)
{
    (void)state;
    struct config *config = parse(base_config);
    struct model_choice choice;
    assert_int_equal(model_choose(config, "fast", &choice, NULL), ERR_OK);
    assert_string_equal(choice.provider.name, "local");
    assert_string_equal(choice.model, "small/one");
    assert_false(choice.demo);
    model_choice_release(&choice);
    config_free(config);
}

static void choose__takes_a_key_in_the_environment_when_nothing_is_named(void **state)
{
    (void)state;
    setenv("OPENROUTER_API_KEY", "k", 1);
    chooses("", NULL, "openrouter/openrouter/auto");
    setenv("OPENAI_API_KEY", "k", 1);
    struct config *config = parse("");
    struct model_choice choice;
    assert_int_equal(model_choose(config, NULL, &choice, NULL), ERR_OK);
    assert_string_equal(choice.provider.name, "openai");
    assert_string_equal(choice.provider.base_url, "https://api.openai.com/v1");
    assert_string_equal(choice.provider.api_key_env, "OPENAI_API_KEY");
    assert_true(choice.provider.found);
    model_choice_release(&choice);
    config_free(config);
}

static void without_key__names_the_section_and_the_variable_of_a_known_host(void **state)
{
    (void)state;
    char name[] = "mine", url[] = "https://api.openai.com/v1", file[] = "/k";
    struct config_provider provider = {
        .name = name, .type = provider_type_find("openai"), .base_url = url};
    char *advice = provider_without_key(&provider);
    assert_non_null(advice);
    assert_non_null(strstr(advice, "OPENAI_API_KEY"));
    assert_non_null(strstr(advice, "[provider.mine]"));
    free(advice);
    provider.api_key_file = file;
    assert_null(provider_without_key(&provider));
}

static void choose__never_gives_a_key_to_another_host(void **state)
{
    (void)state;
    setenv("OPENAI_API_KEY", "k", 1);
    struct config *config = parse("[provider.openai]\n"
                                  "type = 'openai'\n"
                                  "base_url = 'https://elsewhere.example/v1'\n");
    struct model_choice choice;
    assert_int_equal(model_choose(config, "openai/x", &choice, NULL), ERR_OK);
    assert_null(choice.provider.api_key_env);
    model_choice_release(&choice);
    config_free(config);
    config = parse(base_config);
    assert_int_equal(model_choose(config, "openai/x", &choice, NULL), ERR_OK);
    assert_string_equal(choice.provider.api_key_env, "OPENAI_API_KEY");
    model_choice_release(&choice);
    config_free(config);
}

static void choose__says_how_to_configure_when_nothing_is(void **state)
{
    (void)state;
    refuses("", NULL, ERR_NOT_CONFIGURED, "set OPENAI_API_KEY");
    refuses(base_config, NULL, ERR_NOT_CONFIGURED, "has provider 'local' but no model");
    setenv("GEMINI_API_KEY", "k", 1);
    refuses("", "openai/gpt", ERR_AUTH, "set OPENAI_API_KEY");
}

static void choose__takes_a_key_of_gemini(void **state)
{
    (void)state;
    setenv("GEMINI_API_KEY", "k", 1);
    chooses("", "gemini/g", "gemini/g");
    chooses("", NULL, "gemini/gemini-3.8-flash");
    chooses("[provider.o]\ntype='ollama'\n", "o/qwen3", "o/qwen3");
}

static void redact__hides_the_key_whole_and_cut(void **state)
{
    (void)state;
    static const struct {
        const char *key, *text, *shown;
    } cases[] = {
        {NULL, "all of it", "all of it"},
        {"abc", "abc is no key", "abc is no key"},
        {"hunter2", "'hunter2' is wrong: hunter2", "'[key]' is wrong: [key]"},
        {"hunter2", "hunter", "hunter"},
        {"a-long-secret-key", "wrong: a-long-secret", "wrong: [key]"},
        {"a-long-secret-key", "a-long a-long-secret of ours", "a-long a-long-secret of ours"},
        {"aaaa", "aaaaaaaaa", "[key][key]a"},
        {"hunter2", "", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(1000);
        key_redact(cases[i].key, NULL, sv_from(cases[i].text), &out);
        assert_string_equal(buf_cstr(&out), cases[i].shown);
        buf_release(&out);
    }
}

static void choose__never_falls_back_to_the_demo(void **state)
{
    (void)state;
    refuses("model = 'nowhere/x'\n", NULL, ERR_CONFIG, "'nowhere'");
    refuses("\nmodel = 'nowhere/x'\n", NULL, ERR_CONFIG, "c.toml:2: model");
    refuses("[alias]\nfast = 'nope/x'\n", "fast", ERR_CONFIG, "c.toml:2: alias 'fast'");
    refuses("model = 'fast'\n[alias]\nfast = 'nope/x'\n", NULL, ERR_CONFIG, "c.toml:3: alias");
    refuses("", "gpt-4", ERR_CONFIG, "PROVIDER/MODEL");
    refuses("", "", ERR_USAGE, "empty");
    refuses(base_config, "locl/x", ERR_CONFIG, "did you mean 'local'?");
    refuses(base_config, "local", ERR_CONFIG, "write local/MODEL");
    refuses(base_config, "local/", ERR_CONFIG, "names no model");
}

static void expect_key(const char *config_text, const char *expected)
{
    struct config *config = parse(config_text);
    char *key = NULL;
    struct err err = {0};
    if (provider_key(&config->providers[0], &key, &err)) {
        fail_msg("refused: %s", err.text);
    }
    if (expected) {
        assert_string_equal(key, expected);
    } else {
        assert_null(key);
    }
    key_free(key);
    config_free(config);
}

static void expect_no_key(const char *config_text, const char *expected)
{
    struct config *config = parse(config_text);
    char *key = NULL;
    struct err err = {0};
    assert_int_equal(provider_key(&config->providers[0], &key, &err), ERR_AUTH);
    assert_int_equal(err.code, ERR_AUTH);
    assert_null(key);
    if (!strstr(err.text, expected)) {
        fail_msg("expected '%s' in '%s'", expected, err.text);
    }
    assert_null(strstr(err.text, "canary"));
    config_free(config);
}

#define PROVIDER "[provider.x]\ntype = 'openai'\n"

static void key__comes_from_a_variable(void **state)
{
    (void)state;
    expect_key(PROVIDER, NULL);
    setenv("TEST_KEY", " canary-1 ", 1);
    expect_key(PROVIDER "api_key_env = 'TEST_KEY'\n", "canary-1");
    setenv("TEST_KEY", "canary\r\nX-Evil: 1", 1);
    expect_no_key(PROVIDER "api_key_env = 'TEST_KEY'\n", "TEST_KEY holds blanks");
    setenv("TEST_KEY", "", 1);
    expect_no_key(PROVIDER "api_key_env = 'TEST_KEY'\n", "TEST_KEY is empty");
    unsetenv("TEST_KEY");
    expect_no_key(PROVIDER "api_key_env = 'TEST_KEY'\n", "TEST_KEY is not set");
}

static void key__comes_from_a_command_without_a_shell(void **state)
{
    (void)state;
    expect_key(PROVIDER "api_key_cmd = ['printf', '%s\\n%s\\n', 'canary-2', 'note']\n", "canary-2");
    expect_key(PROVIDER "api_key_cmd = ['printf', '%s', '$HOME;x']\n", "$HOME;x");
    expect_no_key(PROVIDER "api_key_cmd = ['false']\n", "'false' failed (exit code 1)");
    expect_no_key(PROVIDER "api_key_cmd = ['true']\n", "'true' is empty");
    expect_no_key(PROVIDER "api_key_cmd = ['/nonexistent/cmd']\n", "cannot run");
    expect_no_key(PROVIDER "api_key_cmd = ['yes', 'canary']\n", "said too much");
    expect_no_key(PROVIDER "api_key_cmd = ['sh', '-c', 'kill -9 $$']\n", "signal 9");
}

static void key__command_runs_with_no_signal_blocked(void **state)
{
    (void)state;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    expect_no_key(PROVIDER "api_key_cmd = ['sh', '-c', 'kill -TERM $$; echo late']\n", "signal 15");
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void key__comes_from_a_private_file_only(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-test-key-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "canary-3\n", 9), 9);
    close(fd);
    char text[256];
    snprintf(text, sizeof text, PROVIDER "api_key_file = '%s'\n", path);
    expect_key(text, "canary-3");
    chmod(path, 0640);
    expect_no_key(text, "open to other users");
    unlink(path);
    expect_no_key(text, "no file");
}

/* A listener on a free port of loopback. */
static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void local_server__is_found_by_a_plain_connect(void **state)
{
    (void)state;
    uint16_t ports[3];
    int fds[3];
    char text[64];
    for (size_t i = 0; i < 3; i++) {
        fds[i] = listen_somewhere(&ports[i]);
    }
    snprintf(text, sizeof text, "%u,%u,%u", ports[0], ports[1], ports[2]);
    setenv("WEIR_LOCAL_PORTS", text, 1);
    int64_t began = clock_mono_us();
    assert_null(local_server_find());
    assert_true(clock_mono_us() - began < CLOCK_MS(300));
    assert_int_equal(listen(fds[1], 4), 0);
    const struct local_server *found = local_server_find();
    assert_non_null(found);
    assert_string_equal(found->name, "llama.cpp");
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/v1", ports[1]);
    assert_string_equal(found->base_url, url);
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(choose__takes_flag_then_environment_then_config, clean_environment),
        cmocka_unit_test_setup(choose__splits_at_the_first_slash, clean_environment),
        cmocka_unit_test_setup(choose__takes_a_key_in_the_environment_when_nothing_is_named,
                               clean_environment),
        cmocka_unit_test_setup(without_key__names_the_section_and_the_variable_of_a_known_host,
                               clean_environment),
        cmocka_unit_test_setup(choose__never_gives_a_key_to_another_host, clean_environment),
        cmocka_unit_test_setup(choose__says_how_to_configure_when_nothing_is, clean_environment),
        cmocka_unit_test_setup(choose__takes_a_key_of_gemini, clean_environment),
        cmocka_unit_test_setup(choose__never_falls_back_to_the_demo, clean_environment),
        cmocka_unit_test_setup(redact__hides_the_key_whole_and_cut, clean_environment),
        cmocka_unit_test(key__comes_from_a_variable),
        cmocka_unit_test(key__comes_from_a_command_without_a_shell),
        cmocka_unit_test(key__command_runs_with_no_signal_blocked),
        cmocka_unit_test(key__comes_from_a_private_file_only),
        cmocka_unit_test(local_server__is_found_by_a_plain_connect),
    };
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
