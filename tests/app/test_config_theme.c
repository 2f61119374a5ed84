/* [ui] and [theme.NAME] of the config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "app/config.h"
#include "ui/theme.h"

#include <cmocka.h>

static struct config *parse(const char *text)
{
    struct config *config = NULL;
    struct err err = {0};
    if (config_parse("t", text, strlen(text), &config, &err)) {
        fail_msg("%s", err.text);
    }
    return config;
}

static void one_that_is_sound__is_so_for_the_screen(void **state)
{
    (void)state;
    struct config *config = parse("[ui]\ntheme = \"mono\"\n");
    assert_int_equal(config_check_screen(config, NULL), ERR_OK);
    config_free(config);
}

/* For the screen: for all else the config is sound. */
static void refuses(const char *text, const char *why)
{
    struct err err = {0};
    struct config *config = parse(text);
    assert_int_equal(config_check_screen(config, &err), ERR_CONFIG);
    config_free(config);
    if (!strstr(err.text, why)) {
        fail_msg("'%s' is not in '%s'", why, err.text);
    }
}

static void nothing_said__is_what_is_built_in(void **state)
{
    (void)state;
    struct config *config = parse("");
    struct ui_settings settings = config_ui_settings(&config->ui);
    assert_null(settings.looks);
    assert_ptr_equal(settings.dark, theme_builtin(SV("dark")));
    assert_ptr_equal(settings.light, theme_builtin(SV("light")));
    assert_null(settings.colors);
    assert_false(settings.no_wheel || settings.no_title);
    assert_int_equal(settings.notify, UI_NOTIFY_BELL);
    assert_null(settings.links);
    config_free(config);
}

static void all_of_it__is_switched(void **state)
{
    (void)state;
    struct config *config = parse("[ui]\ntheme = \"mono\"\ncolors = \"16\"\nwheel = false\n"
                                  "title = false\nnotify = \"osc777\"\nlinks = \"never\"\n");
    struct ui_settings settings = config_ui_settings(&config->ui);
    assert_ptr_equal(settings.looks, theme_builtin(SV("mono")));
    assert_string_equal(settings.colors, "16");
    assert_true(settings.no_wheel && settings.no_title);
    assert_int_equal(settings.notify, UI_NOTIFY_OSC777);
    assert_string_equal(settings.links, "never");
    config_free(config);
}

static void a_theme__begins_with_another_wherever_that_stands(void **state)
{
    (void)state;
    struct config *config =
        parse("[ui]\ntheme = \"a\"\n[theme.a]\nbase = \"b\"\nuser = \"blue\"\n"
              "[theme.b]\nbase = \"mono\"\nmodel = \"green\"\nuser = \"red\"\n");
    const struct style_look *looks = config_ui_settings(&config->ui).looks;
    const struct style_look *mono = theme_builtin(SV("mono"));
    assert_int_equal(looks[STYLE_USER].foreground.named, 4);
    assert_int_equal(looks[STYLE_MODEL].foreground.named, 2);
    assert_memory_equal(&looks[STYLE_LINK], &mono[STYLE_LINK], sizeof(mono[0]));
    config_free(config);
}

static void one_that_is_built_in__can_be_changed(void **state)
{
    (void)state;
    struct config *config = parse("[theme.dark]\nuser = \"blue\"\n");
    struct ui_settings settings = config_ui_settings(&config->ui);
    const struct style_look *dark = theme_builtin(SV("dark"));
    assert_null(settings.looks);
    assert_int_equal(settings.dark[STYLE_USER].foreground.named, 4);
    assert_memory_equal(&settings.dark[STYLE_LINK], &dark[STYLE_LINK], sizeof(dark[0]));
    config_free(config);
}

static void mistakes__are_named(void **state)
{
    (void)state;
    refuses("[ui]\ntheme = \"drak\"\n", "t:2: there is no theme 'drak' (did you mean 'dark'?)");
    refuses("[ui]\nnotify = \"loud\"\n", "t:2: 'ui.notify' is \"loud\", expected \"bell\"");
    refuses("[ui]\nlinks = true\n", "t:2: 'ui.links' must be");
    refuses("[ui]\ncolors = 16\n", "t:2: 'ui.colors' must be");
    refuses("[theme.a]\nusre = \"red\"\n",
            "t:2: 'theme.a.usre' is no style of the screen (did you mean 'user'?)");
    refuses("[theme.a]\nuser = \"rde\"\n", "t:2: 'theme.a.user' has a look with 'rde'");
    refuses("[theme.a]\nuser = 1\n", "'theme.a.user' must be a text");
    refuses("[theme.a]\nbase = \"nosuch\"\n", "t:2: [theme.a]");
    refuses("[theme.a]\nbase = \"b\"\n[theme.b]\nbase = \"nosuch\"\n", "t:4: [theme.b]");
    refuses("[theme.a]\nbase = \"b\"\n[theme.b]\nbase = \"a\"\n", "begins with itself");
    refuses("[theme]\nuser = \"red\"\n", "'theme.user' must be a table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said__is_what_is_built_in),
        cmocka_unit_test(all_of_it__is_switched),
        cmocka_unit_test(one_that_is_sound__is_so_for_the_screen),
        cmocka_unit_test(a_theme__begins_with_another_wherever_that_stands),
        cmocka_unit_test(one_that_is_built_in__can_be_changed),
        cmocka_unit_test(mistakes__are_named),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
