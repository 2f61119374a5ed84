/* Words: what text is cut into, and how it is folded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "store/index_words.h"

#include <cmocka.h>

/* The words with a blank between. Gives. Each lies where it says. */
static char *words_of(struct sv text)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    struct words words;
    struct word word;
    size_t before = 0;
    words_init(&words, text);
    while (words_next(&words, &word)) {
        assert_true(word.first < word.last && word.last <= text.n);
        assert_true(word.first >= before);
        assert_true(word.n > 0 && word.n <= WORD_MAX);
        assert_int_equal(utf8_valid_prefix(word.text, word.n), word.n);
        before = word.first;
        buf_append_str(&out, out.n ? " " : "");
        buf_append(&out, word.text, word.n);
    }
    return buf_detach(&out);
}

struct sample {
    const char *text, *words;
};

static void assert_samples(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *words = words_of(sv_from(samples[i].text));
        assert_string_equal(words, samples[i].words);
        free(words);
    }
}

static void words__are_folded(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"", ""},
        {" \t\n.,;!", ""},
        {"Hello, World-wide x_y a1", "hello world wide x y a1"},
        {"\"a\" AND (b OR c*) NEAR/2 ^d:e", "a and b or c near 2 d e"},
        {"Café CAFÉ cafe\xCC\x81", "cafe cafe cafe"},
        {"Straße ÄÖÜ Ñ", "strasse aou n"},
        {"ΣΊΣΥΦΟΣ", "σισυφοσ"},
        {"Ёлка Йод", "елка иод"},
        {"Tiếng Việt", "tieng viet"},
        {"ＡＢＣ１２", "abc12"},
        {"soft\xC2\xADhyphen", "softhyphen"},
        {"क्षत्रिय", "क्षत्रिय"},
    };
    assert_samples(samples, COUNT_OF(samples));
}

static void words__of_scripts_without_spaces_are_pairs(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"中", "中"},
        {"中文字", "中文 文字 字"},
        {"中文。字", "中文 文 字"},
        {"用Linux吧", "用 linux 吧"},
        {"ひらカナ", "ひら らカ カナ ナ"},
        {"안녕 하세요", "안녕 녕 하세 세요 요"},
        {"ไทย", "ไท ทย ย"},
    };
    assert_samples(samples, COUNT_OF(samples));
}

static void symbols__are_words_by_themselves(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"go🚀now", "go 🚀 now"},    {"🤖🦀", "🤖 🦀"}, {"❤\xEF\xB8\x8F", "❤"},
        {"👨\xE2\x80\x8D👩", "👨 👩"}, {"$ + < © ´", ""},
    };
    assert_samples(samples, COUNT_OF(samples));
}

static void words__end_somewhere(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof(text));
    char *words = words_of((struct sv){text, sizeof(text)});
    assert_int_equal(strlen(words), WORD_MAX);
    free(words);
}

static void words__of_any_bytes_are_valid(void **state)
{
    (void)state;
    char text[4096];
    uint32_t seed = 7;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof(text); i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = (char)(seed >> (round % 2 ? 24 : 16));
        }
        free(words_of((struct sv){text, sizeof(text)}));
    }
    free(words_of((struct sv){"a\0b", 3}));
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words__are_folded),
        cmocka_unit_test(words__of_scripts_without_spaces_are_pairs),
        cmocka_unit_test(symbols__are_words_by_themselves),
        cmocka_unit_test(words__end_somewhere),
        cmocka_unit_test(words__of_any_bytes_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
