/* Attachments: types by their first bytes, text by its encoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "app/headless_attach.h"

#include <cmocka.h>

static void sniff__knows_media_by_their_first_bytes(void **state)
{
    (void)state;
    assert_string_equal(headless_sniff(SV("\x89PNG\r\n\x1a\n...")), "image/png");
    assert_string_equal(headless_sniff(SV("\xff\xd8\xff\xe0")), "image/jpeg");
    assert_string_equal(headless_sniff(SV("GIF89a")), "image/gif");
    assert_string_equal(headless_sniff(SV("RIFF....WEBPVP8 ")), "image/webp");
    assert_string_equal(headless_sniff(SV("RIFF....WAVEfmt ")), "audio/wav");
    assert_string_equal(headless_sniff(SV("%PDF-1.7")), "application/pdf");
    assert_null(headless_sniff(SV("12345678WEBP")));
    assert_null(headless_sniff(SV("GIF8")));
    assert_null(headless_sniff(SV("")));
}

static void decode__makes_utf8_of_text_and_refuses_the_rest(void **state)
{
    (void)state;
    static const struct {
        struct sv bytes;
        const char *text; /* NULL: no text */
    } cases[] = {
        {{"", 0}, ""},
        {{"plain\n", 6}, "plain\n"},
        {{"\xef\xbb\xbf\xc3\xa9", 5}, "\xc3\xa9"},
        {{"na\xefve", 5}, "na\xc3\xafve"},
        {{"\xff\xfe"
          "a\0\x16\x4e",
          6},
         "a\xe4\xb8\x96"},
        {{"\xfe\xff\0a\xd8\x3d\xde\x42", 8}, "a\xf0\x9f\x99\x82"},
        {{"\xff\xfe\x3d\xd8"
          "a\0",
          6},
         "\xef\xbf\xbd"
         "a"},
        {{"\xff\xfe"
          "a",
          3},
         ""},
        {{"\x7f"
          "ELF\0",
          5},
         NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
        assert_int_equal(headless_decode(cases[i].bytes, &out), cases[i].text != NULL);
        assert_string_equal(buf_cstr(&out), cases[i].text ? cases[i].text : "");
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sniff__knows_media_by_their_first_bytes),
        cmocka_unit_test(decode__makes_utf8_of_text_and_refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
