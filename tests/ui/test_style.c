/* Styles: names, what a terminal of few colours shows of a look, runs of styled text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "ui/style.h"
#include "ui/styled.h"

#include <cmocka.h>

static void every_style__has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < STYLE_COUNT; i++) {
        enum style found;
        assert_true(style_parse(sv_from(style_name((enum style)i)), &found));
        assert_int_equal(found, i);
    }
    enum style untouched = STYLE_ERROR;
    assert_false(style_parse(SV("nosuch"), &untouched));
    assert_int_equal(untouched, STYLE_ERROR);
    assert_string_equal(style_name(STYLE_COUNT), "");
}

static void colours__are_as_many_as_the_terminal_and_the_user_allow(void **state)
{
    (void)state;
    assert_int_equal(style_depth(NULL, NULL, 256), STYLE_256);
    assert_int_equal(style_depth("auto", "", 16), STYLE_16);
    assert_int_equal(style_depth("auto", "1", 256), STYLE_MONO);
    assert_int_equal(style_depth("always", "1", 8), STYLE_8);
    assert_int_equal(style_depth("never", NULL, 256), STYLE_MONO);
    assert_int_equal(style_depth(NULL, NULL, -1), STYLE_MONO);
    assert_int_equal(style_depth(NULL, NULL, 1 << 24), STYLE_TRUE);
}

static void a_look__is_brought_down_to_what_is_there(void **state)
{
    static const struct style_look look = {
        .attributes = STYLE_BOLD | STYLE_ONLY_MONO(STYLE_UNDERLINE),
        .foreground = {12, 0xFF0000},
        .background = {-1, 0x808080},
    };
    static const struct {
        enum style_depth depth;
        unsigned attributes;
        int32_t foreground, background;
    } shown[] = {
        {STYLE_MONO, STYLE_BOLD | STYLE_UNDERLINE, -1, -1},
        {STYLE_8, STYLE_BOLD, 4, -1},
        {STYLE_16, STYLE_BOLD, 12, -1},
        {STYLE_256, STYLE_BOLD, 196, 244},
        {STYLE_TRUE, STYLE_BOLD, 0xFF0000, 0x808080},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        struct style_shown got = style_resolve(&look, shown[i].depth);
        assert_int_equal(got.attributes, shown[i].attributes);
        assert_int_equal(got.foreground, shown[i].foreground);
        assert_int_equal(got.background, shown[i].background);
    }
    struct style_look named = {.foreground = {3, STYLE_NO_RGB}, .background = {-1, STYLE_NO_RGB}};
    assert_int_equal(style_resolve(&named, STYLE_256).foreground, 3);
    assert_int_equal(style_resolve(&named, STYLE_TRUE).foreground, 3);
    named.foreground.named = 12;
    assert_int_equal(style_resolve(&named, STYLE_TRUE).foreground, 0x5C5CFF);
    assert_int_equal(style_resolve(&named, STYLE_TRUE).background, -1);
}

static void a_look__is_written_as_parameters(void **state)
{
    static const struct {
        struct style_shown shown;
        enum style_depth depth;
        const char *parameters;
    } rows[] = {
        {{0, -1, -1}, STYLE_256, ""},
        {{STYLE_BOLD | STYLE_REVERSE, 3, -1}, STYLE_16, ";1;7;33"},
        {{STYLE_FAINT | STYLE_ITALIC | STYLE_UNDERLINE, 12, 9}, STYLE_16, ";2;3;4;94;101"},
        {{0, 196, 16}, STYLE_256, ";38;5;196;48;5;16"},
        {{0, 0x0102FF, 7}, STYLE_TRUE, ";38;2;1;2;255;47"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = BUF_INIT(100);
        style_append_sgr(&rows[i].shown, rows[i].depth, &out);
        assert_string_equal(buf_cstr(&out), rows[i].parameters);
        buf_release(&out);
    }
}

static void runs__join_and_are_found(void **state)
{
    (void)state;
    struct styled a;
    struct styled b;
    styled_init(&a, 40);
    styled_init(&b, 40);
    assert_int_equal(styled_run_at(&a, 0), 0);
    styled_append(&a, SV("one "), STYLE_PLAIN);
    styled_append(&a, SV("two"), STYLE_PLAIN);
    styled_append(&a, SV(""), STYLE_CODE);
    styled_append(&a, SV("code"), STYLE_CODE);
    styled_pad(&a, 3, STYLE_PLAIN);
    assert_int_equal(a.run_count, 3);
    assert_int_equal(styled_run_at(&a, 6), 0);
    assert_int_equal(styled_run_at(&a, 7), 1);
    assert_int_equal(styled_run_at(&a, 13), 2);
    assert_int_equal(styled_run_at(&a, 14), 3);
    styled_append_part(&b, &a, 4, 12);
    assert_true(sv_equal(buf_sv(&b.text), SV("twocode ")));
    assert_int_equal(b.run_count, 3);
    assert_int_equal(b.runs[1].style, STYLE_CODE);
    styled_append_part(&b, &a, 5, 5);
    styled_append(&b, SV("0123456789012345678901234567890123456789"), STYLE_DIM);
    assert_int_equal(b.text.n, 8);
    assert_int_equal(b.run_count, 3);
    styled_clear(&b);
    assert_int_equal(b.run_count, 0);
    styled_release(&a);
    styled_release(&a);
    styled_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_style__has_a_name_of_its_own),
        cmocka_unit_test(colours__are_as_many_as_the_terminal_and_the_user_allow),
        cmocka_unit_test(a_look__is_brought_down_to_what_is_there),
        cmocka_unit_test(a_look__is_written_as_parameters),
        cmocka_unit_test(runs__join_and_are_found),
    };
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
