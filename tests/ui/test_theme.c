/* Themes: what is built in, the words of looks, backgrounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "ui/theme.h"

#include <cmocka.h>

static const struct {
    const char *text;
    struct style_look look;
} looks[] = {
    {"", {0, {-1, -1}, {-1, -1}}},
    {"plain", {0, {-1, -1}, {-1, -1}}},
    {"bold red", {STYLE_BOLD, {1, -1}, {-1, -1}}},
    {"  bright-blue   underline ", {STYLE_UNDERLINE, {12, -1}, {-1, -1}}},
    {"white on blue italic", {STYLE_ITALIC, {7, -1}, {4, -1}}},
    {"on #000000 faint", {STYLE_FAINT, {-1, -1}, {0, 0}}},
    {"#FF0000", {0, {9, 0xFF0000}, {-1, -1}}},
    {"7 mono-bold mono-reverse", {STYLE_ONLY_MONO(STYLE_BOLD | STYLE_REVERSE), {7, -1}, {-1, -1}}},
    {"196 on 255", {0, {9, 0xFF0000}, {7, 0xEEEEEE}}},
    {"default on default", {0, {-1, -1}, {-1, -1}}},
};

static void looks__are_read_word_by_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(looks); i++) {
        struct style_look got = {0};
        assert_int_equal(theme_parse_look(sv_from(looks[i].text), &got, NULL), ERR_OK);
        assert_int_equal(got.attributes, looks[i].look.attributes);
        assert_int_equal(got.foreground.named, looks[i].look.foreground.named);
        assert_int_equal(got.foreground.rgb, looks[i].look.foreground.rgb);
        assert_int_equal(got.background.named, looks[i].look.background.named);
        assert_int_equal(got.background.rgb, looks[i].look.background.rgb);
    }
}

static void what_means_nothing__is_named(void **state)
{
    static const char *const wrong[] = {"blod",      "256",      "#12345",    "#12345g",
                                        "bright-",   "on",       "red on",    "on bold",
                                        "on on red", "mono-red", "red\nblue", "-1"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct style_look untouched = {.attributes = STYLE_ITALIC};
        struct err err = {0};
        assert_int_equal(theme_parse_look(sv_from(wrong[i]), &untouched, &err), ERR_CONFIG);
        assert_int_equal(untouched.attributes, STYLE_ITALIC);
        assert_true(err.text[0]);
    }
}

static void every_theme__gives_every_style_a_look(void **state)
{
    (void)state;
    assert_null(theme_builtin(SV("nosuch")));
    for (const char *const *name = theme_names(); *name; name++) {
        const struct style_look *all = theme_builtin(sv_from(*name));
        assert_non_null(all);
        /* What is left out of the table would be black on black. */
        for (int i = 0; i < STYLE_COUNT; i++) {
            assert_true(all[i].foreground.named != 0 || all[i].background.named != 0);
        }
        assert_true(all[STYLE_ERROR].attributes || all[STYLE_ERROR].foreground.named > 0);
    }
}

static void mono_and_high_contrast__need_no_colour(void **state)
{
    static const enum style told_apart[] = {STYLE_USER, STYLE_ERROR, STYLE_STATUS, STYLE_LINK,
                                            STYLE_STRONG};
    (void)state;
    const struct style_look *mono = theme_builtin(SV("mono"));
    const struct style_look *contrast = theme_builtin(SV("high-contrast"));
    for (size_t i = 0; i < COUNT_OF(told_apart); i++) {
        assert_true(mono[told_apart[i]].attributes & 0xFF);
        assert_true(contrast[told_apart[i]].attributes & 0xFF);
    }
    for (int i = 0; i < STYLE_COUNT; i++) {
        assert_int_equal(mono[i].foreground.named, -1);
        assert_false(contrast[i].attributes & STYLE_FAINT);
    }
}

static void what_was_found__is_told_apart_at_any_depth(void **state)
{
    (void)state;
    for (const char *const *name = theme_names(); *name; name++) {
        const struct style_look *all = theme_builtin(sv_from(*name));
        for (int depth = STYLE_MONO; depth <= STYLE_TRUE; depth++) {
            static const enum style styles[] = {STYLE_PLAIN, STYLE_FOUND, STYLE_FOUND_HERE};
            struct style_shown shown[COUNT_OF(styles)];
            for (size_t i = 0; i < COUNT_OF(styles); i++) {
                shown[i] = style_resolve(&all[styles[i]], (enum style_depth)depth);
            }
            for (size_t i = 0; i < COUNT_OF(styles); i++) {
                const struct style_shown *other = &shown[(i + 1) % COUNT_OF(styles)];
                assert_true(shown[i].attributes != other->attributes ||
                            shown[i].background != other->background);
            }
        }
    }
}

static void backgrounds__are_dark_or_light(void **state)
{
    static const struct {
        const char *answer;
        enum theme_background background;
    } answers[] = {
        {"rgb:0000/0000/0000", THEME_DARK},
        {"rgb:ffff/ffff/ffff", THEME_LIGHT},
        {"rgb:1e1e/1e1e/2e2e", THEME_DARK},
        {"rgb:fd/f6/e3", THEME_LIGHT},
        {"rgb:f/f/f", THEME_LIGHT},
        {"rgb:0000/0000/ffff", THEME_DARK},
        {"rgb:FFFF/FFFF/0000", THEME_LIGHT},
        {"", THEME_UNKNOWN},
        {"rgb:", THEME_UNKNOWN},
        {"rgb:0000/0000", THEME_UNKNOWN},
        {"rgb:0/0/0/0", THEME_UNKNOWN},
        {"rgb:00000/0/0", THEME_UNKNOWN},
        {"rgb:0/x/0", THEME_UNKNOWN},
        {"rgba:0/0/0/0", THEME_UNKNOWN},
        {"rgb:ffff//ffff", THEME_UNKNOWN},
        {"#ffffff", THEME_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        assert_int_equal(theme_background(sv_from(answers[i].answer)), answers[i].background);
    }
    assert_int_equal(theme_background_of_rxvt(NULL), THEME_UNKNOWN);
    assert_int_equal(theme_background_of_rxvt("15;0"), THEME_DARK);
    assert_int_equal(theme_background_of_rxvt("0;default;15"), THEME_LIGHT);
    assert_int_equal(theme_background_of_rxvt("0;default"), THEME_UNKNOWN);
    assert_int_equal(theme_background_of_rxvt("0;7"), THEME_LIGHT);
    assert_int_equal(theme_background_of_rxvt("15;8"), THEME_DARK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks__are_read_word_by_word),
        cmocka_unit_test(what_means_nothing__is_named),
        cmocka_unit_test(every_theme__gives_every_style_a_look),
        cmocka_unit_test(mono_and_high_contrast__need_no_colour),
        cmocka_unit_test(what_was_found__is_told_apart_at_any_depth),
        cmocka_unit_test(backgrounds__are_dark_or_light),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
